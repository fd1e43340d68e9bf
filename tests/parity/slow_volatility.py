"""Slow volatility: each value from its definition, over a window taken whole, with exact sums."""

from __future__ import annotations

import math
from statistics import variance as sample_variance

import numpy as np

from tests.parity import slow_indicators as slow
from tests.parity.slow_indicators import NAN, Column


def log_ratio(a: Column, b: Column) -> Column:
    return np.array([math.log(x / y) for x, y in zip(a.tolist(), b.tolist(), strict=True)])


def log_returns(c: Column) -> Column:
    return np.concatenate([[NAN], log_ratio(c[1:], c[:-1])])


def late(x: Column, lag: int) -> Column:
    """The same ``lag`` bars later."""
    return np.concatenate([np.full(lag, NAN), x])[: len(x)]


def root_mean(x: Column, period: int) -> Column:
    return np.sqrt(np.maximum(slow.windows(x, period, slow.mean), 0.0))


def bands(middle: Column, reach: Column) -> list[Column]:
    return [middle + reach, np.where(np.isnan(reach), NAN, middle), middle - reach]


def atr(h: Column, lo: Column, c: Column, period: int) -> Column:
    return slow.seeded_ema(slow.true_range(h, lo, c), 1.0 / period, period, first=1)


def natr(h: Column, lo: Column, c: Column, period: int) -> Column:
    return 100.0 * atr(h, lo, c, period) / c


def chaikin(h: Column, lo: Column, period: int, lag: int) -> Column:
    average = slow.seeded_ema(h - lo, 2.0 / (period + 1), period)
    before = late(average, lag)
    with np.errstate(all="ignore"):
        return np.where(before == 0.0, 0.0, 100.0 * (average - before) / before)


def keltner_typical(h: Column, lo: Column, c: Column, period: int, atr_period: int, multiplier: float) -> list[Column]:
    start = max(period - 1, atr_period)
    middle = slow.seeded_ema(slow.typical(h, lo, c), 2.0 / (period + 1), period, first=start - period + 1)
    ranges = slow.true_range(h, lo, c)
    return bands(middle, multiplier * slow.seeded_ema(ranges, 1.0 / atr_period, atr_period, start - atr_period + 1))


def starc(h: Column, lo: Column, c: Column, period: int, atr_period: int, multiplier: float) -> list[Column]:
    return bands(slow.windows(c, period, slow.mean), multiplier * atr(h, lo, c, atr_period))


def extremes(h: Column, lo: Column, period: int) -> list[Column]:
    upper, lower = slow.windows(h, period, max), slow.windows(lo, period, min)
    return [upper, (upper + lower) / 2.0, lower]


def acceleration(h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    share = 4.0 * (h - lo) / (h + lo)
    return [slow.windows(x, period, slow.mean) for x in (h * (1.0 + share), c, lo * (1.0 - share))]


def sample_deviation(window: list[float]) -> float:
    return math.sqrt(sample_variance(window)) if min(window) != max(window) else 0.0


def close_to_close(c: Column, period: int) -> Column:
    return slow.windows(log_returns(c), period, sample_deviation, first=1)


def parkinson(h: Column, lo: Column, period: int) -> Column:
    return root_mean(log_ratio(h, lo) ** 2 / (4.0 * math.log(2.0)), period)


def garman_klass(o: Column, h: Column, lo: Column, c: Column, period: int) -> Column:
    terms = 0.5 * log_ratio(h, lo) ** 2 - (2.0 * math.log(2.0) - 1.0) * log_ratio(c, o) ** 2
    return root_mean(terms, period)


def drift_free(o: Column, h: Column, lo: Column, c: Column) -> Column:
    return log_ratio(h, o) * log_ratio(h, c) + log_ratio(lo, o) * log_ratio(lo, c)


def yang_zhang(o: Column, h: Column, lo: Column, c: Column, period: int) -> Column:
    gaps = np.concatenate([[NAN], log_ratio(o[1:], c[:-1])])
    overnight = slow.windows(gaps, period, sample_variance, first=1)
    daily = slow.windows(log_ratio(c, o), period, sample_variance)
    within = slow.windows(drift_free(o, h, lo, c), period, slow.mean)
    k = 0.34 / (1.34 + (period + 1) / (period - 1))
    return np.sqrt(overnight + k * daily + (1.0 - k) * within)


def ulcer(c: Column, period: int) -> Column:
    peak = slow.windows(c, period, max)
    return np.sqrt(slow.windows((100.0 * (c - peak) / peak) ** 2, period, slow.mean, first=period - 1))


def relative_volatility(c: Column, period: int, width: int) -> Column:
    deviation, change = slow.windows(c, width, slow.deviation), np.diff(c, prepend=np.nan)
    up, down = (
        slow.seeded_ema(np.where(side, deviation, 0.0), 1.0 / period, period, first=width - 1)
        for side in (change > 0.0, change < 0.0)
    )
    with np.errstate(all="ignore"):
        return np.where(up + down == 0.0, 50.0, 100.0 * up / (up + down))


def volatility_percentile(c: Column, period: int, history: int) -> Column:
    def place(window: list[float]) -> float:
        squared = [value * value for value in window]
        return 100.0 * sum(value < squared[-1] * (1.0 - 1e-12) for value in squared[:-1]) / history

    return slow.windows(close_to_close(c, period), history + 1, place, first=period)
