"""Student's t distribution over whole arrays, compiled: what a fit evaluates thousands of times.

:mod:`bot4.quant.statistics.student` has the same functions for single numbers in plain Python.
"""

from __future__ import annotations

import math

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import UsageError
from bot4.kernel import array, f8, kernel, void

_TINY = 1e-300
_PRECISION = 1e-16
_MOST_TERMS = 10_000
_MOST_STEPS = 60
_LEAST_TAIL = 1e-150  # farther out squares of quantiles leave the range of numbers


@kernel(f8(f8, f8, f8))
def beta_fraction(x: float, a: float, b: float) -> float:
    """Continued fraction of the incomplete beta function (NIST DLMF 8.17.22), evaluated after Lentz."""
    value, numerator, denominator = 1.0, 1.0, 0.0
    for k in range(1, _MOST_TERMS):
        m = float(k // 2)
        if k % 2 == 1:
            term = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        else:
            term = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        denominator = 1.0 + term * denominator
        denominator = 1.0 / (denominator if abs(denominator) > _TINY else _TINY)
        numerator = 1.0 + term / numerator
        numerator = numerator if abs(numerator) > _TINY else _TINY
        change = numerator * denominator
        value *= change
        if abs(change - 1.0) < _PRECISION:
            break
    return value


@kernel(f8(f8, f8, f8))
def upper_tail(x: float, df: float, log_beta: float) -> float:
    """Probability of more than ``x >= 0``: ``I(df / (df + x^2); df/2, 1/2) / 2``.

    ``log_beta`` is ``ln B(df/2, 1/2)``, which a caller has once for many.
    """
    a = 0.5 * df
    y = df / (df + x * x)
    rest = x * x / (df + x * x)
    if rest <= 0.0:
        return 0.5
    front = math.exp(a * math.log(y) + 0.5 * math.log(rest) - log_beta)
    if y > (a + 1.0) / (a + 2.5):
        return float(0.5 - front / beta_fraction(rest, 0.5, a))
    return float(0.5 * front / (a * beta_fraction(y, a, 0.5)))


@kernel(f8(f8))
def _rough_normal_quantile(tail: float) -> float:
    """The normal value exceeded with a probability up to 1/2, within 4.5e-4 (Abramowitz and Stegun 26.2.23)."""
    t = math.sqrt(-2.0 * math.log(tail))
    above = 2.515517 + t * (0.802853 + t * 0.010328)
    below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    return t - above / below


@kernel(f8(f8, f8, f8))
def tail_quantile(tail: float, df: float, log_beta: float) -> float:
    """The ``x >= 0`` exceeded with probability ``tail`` in 0..1/2.

    Starts from Wallace's (1959) normal approximation; then Halley's rule for ``ln`` of the tail as a function of
    ``ln x``, nearly a straight line far out, safeguarded by what is known of where the root lies.
    """
    if tail >= 0.5:
        return 0.0
    tail = max(tail, _LEAST_TAIL)
    z = _rough_normal_quantile(tail) * (8.0 * df + 3.0) / (8.0 * df + 1.0)
    x = math.sqrt(df * math.expm1(min(600.0, max(z * z, 1e-20) / df)))
    low, high = 0.0, math.inf
    wanted = math.log(tail)
    log_scale = -log_beta - 0.5 * math.log(df)
    for _ in range(_MOST_STEPS):
        p = upper_tail(x, df, log_beta)
        if p > tail:
            low = x
        else:
            high = x
        density = math.exp(log_scale - 0.5 * (df + 1.0) * math.log1p(x * x / df))
        gap = math.log(p) - wanted if p > 0.0 else -1.0
        slope = -x * density / p if p > 0.0 else -1.0
        # d2 ln p / d(ln x)^2
        bend = slope * (1.0 - (df + 1.0) * x * x / (df + x * x) - slope)
        step = -gap / slope / max(0.5, 1.0 - 0.5 * gap * bend / (slope * slope))
        if abs(step) < 1e-6:  # the rule is cubic: nothing is left after this step
            return x * math.exp(step)
        moved = x * math.exp(min(20.0, max(-20.0, step)))
        if not (low < moved < high):
            moved = 0.5 * (low + high) if high < math.inf else 2.0 * x
        x = moved
    return x


@kernel(void(array(f8), f8, f8, array(f8)))
def fill_quantiles(probabilities: FloatArray, df: float, log_beta: float, out: FloatArray) -> None:
    """Quantiles of an array; NaN outside of 0 to 1, infinities at its ends."""
    for i in range(len(probabilities)):
        p = probabilities[i]
        if not (0.0 <= p <= 1.0):
            out[i] = math.nan
        elif p == 0.0 or p == 1.0:
            out[i] = math.inf if p == 1.0 else -math.inf
        elif p < 0.5:
            out[i] = -tail_quantile(p, df, log_beta)
        else:
            out[i] = tail_quantile(1.0 - p, df, log_beta)


@kernel(void(array(f8), f8, f8, array(f8)))
def fill_probabilities(values: FloatArray, df: float, log_beta: float, out: FloatArray) -> None:
    """Distribution function over an array; NaN gives NaN."""
    for i in range(len(values)):
        x = values[i]
        if math.isnan(x):
            out[i] = math.nan
        elif math.isinf(x):
            out[i] = 1.0 if x > 0.0 else 0.0
        elif x < 0.0:
            out[i] = upper_tail(-x, df, log_beta)
        else:
            out[i] = 1.0 - upper_tail(x, df, log_beta)


def student_quantiles(probabilities: FloatArray, df: float) -> FloatArray:
    """Quantiles of Student's t (standard scale) of any shape of probabilities, to 1e-13 relative.

    NaN outside of 0..1, infinities at 0 and 1; a tail of less than 1e-150 counts as that.

    Raises:
        UsageError: degrees of freedom below 1, or not finite.
    """
    return _filled(fill_quantiles, probabilities, df)


def student_probabilities(values: FloatArray, df: float) -> FloatArray:
    """Distribution function of Student's t (standard scale) of any shape of values; NaN gives NaN.

    Raises:
        UsageError: degrees of freedom below 1, or not finite.
    """
    return _filled(fill_probabilities, values, df)


def log_beta_half(df: float) -> float:
    """``ln B(df/2, 1/2)``, the constant of Student's t."""
    return math.lgamma(0.5 * df) + math.lgamma(0.5) - math.lgamma(0.5 * (df + 1.0))


def _filled(fill: object, values: FloatArray, df: float) -> FloatArray:
    if not 1.0 <= df < math.inf:
        raise UsageError(f"{df} degrees of freedom", where="Student's t", remedy="give at least 1")
    flat = np.ascontiguousarray(values, np.float64).ravel()
    out = np.empty_like(flat)
    fill(flat, float(df), log_beta_half(df), out)  # type: ignore[operator]
    return out.reshape(np.shape(values))
