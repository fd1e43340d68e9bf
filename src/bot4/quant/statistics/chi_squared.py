"""The chi-squared distribution's upper tail in plain Python: what the tests of residuals are judged by."""

from __future__ import annotations

import math

from bot4.domain.errors import UsageError

_PRECISION = 1e-16
_MOST_TERMS = 10_000
_TINY = 1e-300


def chi_squared_tail(statistic: float, df: float) -> float:
    """Probability of a value above ``statistic``: ``Q(df / 2, statistic / 2)``.

    NaN gives NaN; zero or below gives 1.

    Raises:
        UsageError: unless ``df`` is above zero.
    """
    if not df > 0.0:
        raise UsageError(f"{df} degrees of freedom, but more than 0 are needed", where="chi_squared_tail")
    if math.isnan(statistic):
        return math.nan
    if statistic <= 0.0:
        return 1.0
    return upper_gamma(df / 2.0, statistic / 2.0)


def upper_gamma(a: float, x: float) -> float:
    """Regularised upper incomplete gamma function ``Q(a, x)`` for positive a and x.

    By the series of ``P`` below ``a + 1`` and by Legendre's continued fraction above (NIST DLMF 8.11.4, 8.9.2).
    """
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        for k in range(1, _MOST_TERMS):
            term *= x / (a + k)
            total += term
            if term < _PRECISION * total:
                break
        return 1.0 - front * total
    base = x + 1.0 - a
    upper = 1.0 / _TINY
    lower = 1.0 / base
    value = lower
    for k in range(1, _MOST_TERMS):
        factor = k * (a - k)
        base += 2.0
        lower = 1.0 / _away(factor * lower + base)
        upper = _away(base + factor / upper)
        change = upper * lower
        value *= change
        if abs(change - 1.0) < _PRECISION:
            break
    return front * value


def _away(x: float) -> float:
    return x if abs(x) > _TINY else _TINY
