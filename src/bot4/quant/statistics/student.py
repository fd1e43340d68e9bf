"""Student's t distribution in plain Python: distribution function, quantile and expected shortfall.

Two scales are offered: the standard one, and that of *unit variance*, where a quantile is multiplied by
``sqrt((df - 2) / df)`` so that it can be put on a forecast deviation. Losses are positive.
"""

from __future__ import annotations

import math

from bot4.domain.errors import UsageError

_TINY = 1e-300
_PRECISION = 1e-16
_MOST_TERMS = 10_000


def student_pdf(x: float, df: float) -> float:
    """Density at ``x`` of Student's t with ``df`` degrees of freedom. NaN gives NaN."""
    _require_df(df, 0.0)
    log_scale = math.lgamma((df + 1.0) / 2.0) - math.lgamma(df / 2.0) - 0.5 * math.log(df * math.pi)
    return math.exp(log_scale - 0.5 * (df + 1.0) * math.log1p(x * x / df))


def student_cdf(x: float, df: float) -> float:
    """Probability of a value up to ``x``: ``1 - I(df / (df + x^2); df/2, 1/2) / 2`` for positive ``x``.

    NaN gives NaN; infinities give 0 and 1.
    """
    _require_df(df, 0.0)
    if math.isnan(x):
        return math.nan
    if math.isinf(x):
        return 1.0 if x > 0.0 else 0.0
    tail = 0.5 * regularised_beta(df / (df + x * x), df / 2.0, 0.5)
    return tail if x < 0.0 else 1.0 - tail


def student_quantile(probability: float, df: float) -> float:
    """The value that is exceeded with probability ``1 - probability``.

    Raises:
        UsageError: unless ``0 < probability < 1``.
    """
    _require_df(df, 0.0)
    if not 0.0 < probability < 1.0:
        raise UsageError(f"probability is {probability}, but lies between 0 and 1", where="student_quantile")
    if probability > 0.5:
        return -student_quantile(1.0 - probability, df)
    if probability == 0.5:
        return 0.0
    low, high = -1.0, 0.0
    while student_cdf(low, df) > probability:
        low, high = 2.0 * low, low
    while True:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            return middle
        if student_cdf(middle, df) < probability:
            low = middle
        else:
            high = middle


def student_expected_shortfall(probability: float, df: float) -> float:
    """Mean of the values beyond the quantile: ``f(q) / (1 - p) * (df + q^2) / (df - 1)``, positive.

    Source: McNeil, Frey and Embrechts, Quantitative Risk Management, 2.2.4.
    """
    _require_df(df, 1.0)
    quantile = student_quantile(probability, df)
    return student_pdf(quantile, df) / (1.0 - probability) * (df + quantile * quantile) / (df - 1.0)


def unit_variance_scale(df: float) -> float:
    """``sqrt((df - 2) / df)``: what brings a Student t variable to a variance of one."""
    _require_df(df, 2.0)
    return math.sqrt((df - 2.0) / df)


def regularised_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function ``I(x; a, b)`` for x in 0..1, by its continued fraction.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22, evaluated after Lentz.
    """
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - regularised_beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """``1 + d1 / (1 + d2 / (1 + ...))``."""
    value, numerator, denominator = 1.0, 1.0, 0.0
    for k in range(1, _MOST_TERMS):
        m = k // 2
        if k % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1.0 / _away_from_zero(1.0 + term * denominator)
        numerator = _away_from_zero(1.0 + term / numerator)
        change = numerator * denominator
        value *= change
        if abs(change - 1.0) < _PRECISION:
            break
    return value


def _away_from_zero(x: float) -> float:
    return x if abs(x) > _TINY else _TINY


def _require_df(df: float, above: float) -> None:
    if not (df > above and math.isfinite(df)):
        raise UsageError(f"{df} degrees of freedom, but more than {above:g} are needed", where="Student's t")
