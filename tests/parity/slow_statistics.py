"""Slow statistics: each value from its definition, over a window taken whole, with exact sums."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from tests.parity import slow_indicators as slow
from tests.parity.slow_indicators import NAN, Column
from tests.parity.slow_volatility import late, log_returns

Window = list[float]


def central(window: Window, power: int) -> float:
    """Mean of the distances from the mean to a power, exact."""
    exact = [Fraction(value) for value in window]
    mean = sum(exact) / len(exact)
    return float(sum((value - mean) ** power for value in exact) / len(exact))


def skew_of(window: Window) -> float:
    n = len(window)
    if min(window) == max(window):
        return 0.0
    return math.sqrt(n * (n - 1)) / (n - 2) * central(window, 3) / central(window, 2) ** 1.5


def kurtosis_of(window: Window) -> float:
    n = len(window)
    if min(window) == max(window):
        return 0.0
    excess = central(window, 4) / central(window, 2) ** 2 - 3.0
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6.0)


def mean_distance_of(window: Window) -> float:
    exact = [Fraction(value) for value in window]
    mean = sum(exact) / len(exact)
    return float(sum(abs(value - mean) for value in exact) / len(exact))


def median_distance_of(window: Window) -> float:
    middle = statistics.median(window)
    return statistics.median(abs(value - middle) for value in window)


def percentile_of(percent: float) -> Callable[[Window], float]:
    return lambda window: sorted(window)[max(math.ceil(percent * len(window) / 100.0), 1) - 1]


def quantile_of(fraction: float) -> Callable[[Window], float]:
    return lambda window: float(np.quantile(window, fraction))


def rank_of(window: Window) -> float:
    return 100.0 * sum(value < window[-1] for value in window[:-1]) / (len(window) - 1)


def index_of(c: Column, period: int, greatest: bool) -> list[Column]:
    """Index and age of the latest highest (or lowest) close."""
    pick = max if greatest else min
    age = slow.windows(c, period, lambda window: float(window[::-1].index(pick(window))))
    return [np.arange(len(c)) - age, age]


def returns(x: Column) -> Column:
    before = late(x, 1)
    with np.errstate(all="ignore"):
        return np.where(before == 0.0, 0.0, (x - before) / before)


def entropy(c: Column, period: int, bins: int) -> Column:
    def of(window: Window) -> float:
        low, high = min(window), max(window)
        if low == high:
            return 0.0
        per_width = bins / (high - low)
        counts = Counter(min(int((value - low) * per_width), bins - 1) for value in window)
        return -math.fsum(k / period * math.log2(k / period) for k in counts.values())

    return slow.windows(returns(c), period, of, first=1)


def distances(window: Window) -> Column:
    """From the mean, by way of the last value, so that what is common to all falls out first."""
    from_last = np.array(window) - window[-1]
    return from_last - math.fsum(from_last) / len(window)


def co_moment(xs: Window, ys: Window) -> float:
    """``sum (x - mean x)(y - mean y)``."""
    return math.fsum(distances(xs) * distances(ys))


def pairs(x: Column, y: Column, period: int, of: Callable[[Window, Window], float], first: int = 0) -> Column:
    out = np.full(len(x), NAN)
    for t in range(first + period - 1, len(x)):
        out[t] = of(x[t - period + 1 : t + 1].tolist(), y[t - period + 1 : t + 1].tolist())
    return out


def correlation_of(xs: Window, ys: Window) -> float:
    if min(xs) == max(xs) or min(ys) == max(ys):
        return 0.0
    return co_moment(xs, ys) / math.sqrt(co_moment(xs, xs) * co_moment(ys, ys))


def beta_of(xs: Window, ys: Window) -> float:
    return co_moment(xs, ys) / co_moment(xs, xs) if min(xs) != max(xs) else 0.0


def beta(x: Column, y: Column, period: int) -> Column:
    return pairs(returns(x), returns(y), period, beta_of, first=1)


def autocorrelation(c: Column, period: int, lag: int) -> Column:
    moves = returns(c)
    return pairs(late(moves, lag), moves, period, correlation_of, first=lag + 1)


def variance_ratio(c: Column, lag: int, period: int) -> Column:
    def of(window: Window) -> float:
        if min(window) == max(window):
            return 1.0
        mean = math.fsum(window) / period
        sums = [math.fsum(window[k : k + lag]) for k in range(period - lag + 1)]
        short = math.fsum((r - mean) ** 2 for r in window) / (period - 1)
        long = math.fsum((s - lag * mean) ** 2 for s in sums) / (lag * (period - lag + 1) * (1.0 - lag / period))
        return long / short

    return slow.windows(log_returns(c), period, of, first=1)


def hurst(c: Column, max_lag: int, period: int) -> Column:
    lags = range(2, max_lag + 1)

    def of(window: Window) -> float:
        steps = [distances([b - a for a, b in zip(window, window[lag:], strict=False)]) for lag in lags]
        if not all(step.any() for step in steps):
            return 0.5
        deviations = [0.5 * math.log(math.fsum(step * step) / len(step)) for step in steps]
        return statistics.linear_regression([math.log(lag) for lag in lags], deviations).slope

    return slow.windows(c, period, of)
