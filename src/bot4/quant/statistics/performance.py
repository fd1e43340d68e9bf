"""Return and risk statistics of an equity curve.

An equity curve is ``ts_ns`` int64[n], ascending UTC times, beside ``equity`` float64[n] in the quote currency,
whose first sample is the starting value. Ratios are computed from *daily* returns, so that runs on 1-minute and
on 4-hour bars compare.

NaN policy: a statistic that is undefined (too few days, no losses, no spread, a NaN or a value at or below zero in
the curve) is None; no function returns NaN or infinity.
"""

from __future__ import annotations

import math

import numpy as np

from bot4.domain.bars import DAY_NS, FloatArray, IntArray

DAYS_PER_YEAR = 365
MINIMUM_DAYS = 30
_ROUNDING_SPREAD = 1e-12
"""A standard deviation of daily returns at or below this is rounding, not risk."""


def daily_closes(ts_ns: IntArray, equity: FloatArray) -> tuple[IntArray, FloatArray]:
    """Equity at the end of each UTC day.

    Returns ``days`` int64[d] (days since 1970-01-01, consecutive) and ``closes`` float64[d]: the last sample of
    each day, carried over days without one. A sample stamped at midnight closes the day that ends there. The
    first sample is the starting value and makes no day of its own; both arrays are empty without a second one.
    """
    if len(equity) < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    sample_days = (ts_ns[1:] - 1) // DAY_NS
    days = np.arange(sample_days[0], sample_days[-1] + 1, dtype=np.int64)
    last = np.searchsorted(sample_days, days, side="right") - 1
    return days, equity[1:][last]


def daily_returns(ts_ns: IntArray, equity: FloatArray) -> FloatArray:
    """Simple returns of consecutive daily closes, the first from the starting value; float64[d].

    ``prod(1 + returns)`` is ``equity[-1] / equity[0]``. Empty where a value is NaN, infinite, zero or negative:
    a return on nothing is undefined.
    """
    closes = daily_closes(ts_ns, equity)[1]
    if len(closes) == 0 or not np.all(np.isfinite(equity)) or np.any(equity <= 0.0):
        return np.empty(0, dtype=np.float64)
    values = np.concatenate((equity[:1], closes))
    return values[1:] / values[:-1] - 1.0


def total_return(equity: FloatArray) -> float | None:
    """Final over starting value, less one. None without a positive start and a finite end."""
    if len(equity) == 0 or not (equity[0] > 0.0 and math.isfinite(equity[0]) and math.isfinite(equity[-1])):
        return None
    return float(equity[-1] / equity[0] - 1.0)


def cagr(ts_ns: IntArray, equity: FloatArray) -> float | None:
    """Compound annual growth rate: ``(end / start) ^ (365 days / elapsed) - 1``.

    None under 30 days (a week annualised is noise), with an end below zero, and where the result overflows.
    """
    gained = total_return(equity)
    if gained is None or gained < -1.0 or int(ts_ns[-1]) - int(ts_ns[0]) < MINIMUM_DAYS * DAY_NS:
        return None
    years = (int(ts_ns[-1]) - int(ts_ns[0])) / (DAYS_PER_YEAR * DAY_NS)
    if gained == -1.0:
        return -1.0
    log_growth = math.log1p(gained) / years
    return math.expm1(log_growth) if log_growth < 700.0 else None


def annualised_volatility(returns: FloatArray) -> float | None:
    """Sample standard deviation (n - 1) of daily returns times sqrt(365). None under 30 days."""
    if len(returns) < MINIMUM_DAYS:
        return None
    return float(np.std(returns, ddof=1)) * math.sqrt(DAYS_PER_YEAR)


def sharpe(returns: FloatArray) -> float | None:
    """Mean over sample standard deviation (n - 1) of daily returns, times sqrt(365); risk-free rate 0.

    None under 30 days or without spread.
    """
    ratio = _daily_sharpe(returns)
    return None if ratio is None else ratio * math.sqrt(DAYS_PER_YEAR)


def sortino(returns: FloatArray) -> float | None:
    """Mean of daily returns over downside deviation ``sqrt(mean(min(r, 0)^2))``, times sqrt(365).

    The target is 0 and the mean runs over all days. None under 30 days or without a losing day.
    """
    if len(returns) < MINIMUM_DAYS:
        return None
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    if downside <= _ROUNDING_SPREAD:
        return None
    return float(np.mean(returns)) / downside * math.sqrt(DAYS_PER_YEAR)


def calmar(growth: float | None, maximum_drawdown: float | None) -> float | None:
    """CAGR over maximum drawdown, of the whole run. None where either is undefined or nothing was lost."""
    if growth is None or not maximum_drawdown:
        return None
    return growth / maximum_drawdown


def value_at_risk(returns: FloatArray, level: float) -> float | None:
    """Historical one-day value at risk, a positive loss: the ``ceil(n (1 - level))``-th worst daily return, negated.

    Negative where even that day gained. None under 30 days, and under ``1 / (1 - level)`` days (100 at 99%),
    where the tail holds less than one day.
    """
    tail = _tail_days(returns, level)
    if tail is None:
        return None
    return -float(np.sort(returns)[math.ceil(tail) - 1])


def conditional_value_at_risk(returns: FloatArray, level: float) -> float | None:
    """Historical expected shortfall, a positive loss: the mean of the worst ``n (1 - level)`` days, negated.

    A fraction of a day counts as that fraction (Rockafellar and Uryasev, 2002), so it is never below
    :func:`value_at_risk`. None where that is None.
    """
    tail = _tail_days(returns, level)
    if tail is None:
        return None
    worst = np.sort(returns)[: math.ceil(tail)]
    weights = np.ones(len(worst))
    weights[-1] = tail - (len(worst) - 1)
    return max(-float(np.sum(worst * weights) / tail), -float(worst[-1]))


def skewness(returns: FloatArray) -> float | None:
    """Third standardised moment of daily returns (population, n): 0 is symmetric. None under 30 days or no spread."""
    return _standardised_moment(returns, 3)


def kurtosis(returns: FloatArray) -> float | None:
    """Fourth standardised moment of daily returns (population, n): 3 is normal. None under 30 days or no spread."""
    return _standardised_moment(returns, 4)


def tail_ratio(returns: FloatArray) -> float | None:
    """Size of the 95th over size of the 5th percentile of daily returns: above 1 the good tail is the fatter.

    Percentiles interpolate linearly. None under 30 days or where the 5th percentile is not a loss.
    """
    if len(returns) < MINIMUM_DAYS:
        return None
    low, high = np.quantile(returns, (0.05, 0.95))
    return float(abs(high) / -low) if low < -_ROUNDING_SPREAD else None


def probabilistic_sharpe(returns: FloatArray, benchmark_sharpe: float = 0.0) -> float | None:
    """Probability that the true Sharpe ratio exceeds a benchmark, given length, skew and fat tails.

    ``Phi((s - s*) sqrt(n - 1) / sqrt(1 - skew s + (kurtosis - 1) / 4 s^2))`` with daily Sharpe ratios ``s`` and
    ``s* = benchmark_sharpe / sqrt(365)`` (Bailey and Lopez de Prado, 2012). ``benchmark_sharpe`` is annualised.
    None under 30 days or without spread.
    """
    ratio, skew, kurt = _daily_sharpe(returns), skewness(returns), kurtosis(returns)
    if ratio is None or skew is None or kurt is None:
        return None
    variance = 1.0 - skew * ratio + (kurt - 1.0) / 4.0 * ratio * ratio
    if variance <= 0.0:
        return None
    excess = ratio - benchmark_sharpe / math.sqrt(DAYS_PER_YEAR)
    return normal_cdf(excess * math.sqrt(len(returns) - 1) / math.sqrt(variance))


def normal_cdf(x: float) -> float:
    """Standard normal distribution function, by the error function."""
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def rolling_sharpe(returns: FloatArray, window_days: int) -> FloatArray:
    """:func:`sharpe` of each ``window_days`` consecutive daily returns; float64[d - window_days + 1].

    NaN where a window has no spread; empty with fewer days than the window.
    """
    if len(returns) < window_days:
        return np.empty(0, dtype=np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(returns, window_days)
    spread = np.std(windows, axis=1, ddof=1)
    spread[spread <= _ROUNDING_SPREAD] = np.nan
    ratios: FloatArray = np.mean(windows, axis=1) / spread * math.sqrt(DAYS_PER_YEAR)
    return ratios


def monthly_returns(ts_ns: IntArray, equity: FloatArray) -> list[tuple[int, int, float]]:
    """``(year, month, return)`` of each UTC calendar month the curve touches, oldest first.

    The first and last may be part of a month. Their compounded product is the total return. Empty where daily
    returns are.
    """
    returns = daily_returns(ts_ns, equity)
    if len(returns) == 0:
        return []
    months = daily_closes(ts_ns, equity)[0].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    table = []
    for month in np.unique(months):
        gained = float(np.prod(1.0 + returns[months == month]) - 1.0)
        table.append((1970 + int(month) // 12, int(month) % 12 + 1, gained))
    return table


def time_weighted_mean(ts_ns: IntArray, values: FloatArray) -> float | None:
    """Mean over time of a value that holds from its sample to the next; None under two samples or with NaN."""
    if len(values) < 2 or ts_ns[-1] <= ts_ns[0] or not np.all(np.isfinite(values)):
        return None
    return float(np.average(values[:-1], weights=np.diff(ts_ns).astype(np.float64)))


def _daily_sharpe(returns: FloatArray) -> float | None:
    if len(returns) < MINIMUM_DAYS:
        return None
    spread = float(np.std(returns, ddof=1))
    if spread <= _ROUNDING_SPREAD:
        return None
    return float(np.mean(returns)) / spread


def _standardised_moment(returns: FloatArray, order: int) -> float | None:
    if len(returns) < MINIMUM_DAYS:
        return None
    centred = returns - np.mean(returns)
    spread = float(np.sqrt(np.mean(centred * centred)))
    if spread <= _ROUNDING_SPREAD:
        return None
    return float(np.mean((centred / spread) ** order))


def _tail_days(returns: FloatArray, level: float) -> float | None:
    """How many days the tail beyond ``level`` holds; None where that is less than one, or under 30 days."""
    tail = round(len(returns) * (1.0 - level), 9)
    return tail if len(returns) >= MINIMUM_DAYS and tail >= 1.0 else None
