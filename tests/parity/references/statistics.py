"""References for the statistics: TA-Lib where it has them, slow definitions for all.

TA-Lib's correlation and beta come from running sums of squares, which lose digits where a window moves little; the
units say how many. What ours lose is shown in ``tests/parity/test_precision_of_dependence.py``.
"""

from __future__ import annotations

import statistics

import numpy as np
import talib

from tests.parity import slow_indicators as slow
from tests.parity import slow_statistics as slower
from tests.parity.cases import PERCENT, PRICE, RATIO, Columns, Slow, Talib


def SQUARED_PRICE(bars: np.ndarray) -> np.ndarray:
    """The highest price so far, squared."""
    return PRICE(bars) ** 2


def NUMBER(bars: np.ndarray) -> np.ndarray:
    """Of bars, of which none may be missed."""
    return np.ones(bars.shape[1])


def lost_in_sums(x: np.ndarray, y: np.ndarray, period: int) -> np.ndarray:
    """How many times a window's own spread the largest product so far is, which TA-Lib's running sums must hold.

    Of fifteen digits that many are lost for good; 1e-5 of it stands beside the tolerance of 1e-9.
    """
    lost = np.zeros(len(x))
    if len(x) >= period:
        spreads = [np.lib.stride_tricks.sliding_window_view(z, period).std(axis=1) for z in (x, y)]
        largest = [np.maximum.accumulate(np.nan_to_num(np.abs(z)))[period - 1 :] for z in (x, y)]
        with np.errstate(all="ignore"):
            lost[period - 1 :] = largest[0] * largest[1] / (spreads[0] * spreads[1])
    return np.nan_to_num(lost, nan=np.inf)


def CORRELATION(bars: np.ndarray) -> np.ndarray:
    return 1.0 + 1e-5 * lost_in_sums(bars[1], bars[2], 30)


def CORRELATION_OF_COLUMNS(bars: np.ndarray) -> np.ndarray:
    return 1.0 + 1e-5 * lost_in_sums(bars[0], bars[3], 14)


def BETA(bars: np.ndarray) -> np.ndarray:
    x = slower.returns(bars[1])
    size = np.nan_to_num(np.abs(talib.BETA(bars[1], bars[2], 5)))
    return np.maximum(size, 1.0) * (1.0 + 1e-5 * lost_in_sums(x, x, 5))


def BETA_OF_COLUMNS(bars: np.ndarray) -> np.ndarray:
    x = slower.returns(bars[0])
    size = np.nan_to_num(np.abs(talib.BETA(bars[0], bars[3], 30)))
    return np.maximum(size, 1.0) * (1.0 + 1e-5 * lost_in_sums(x, x, 30))


def latest_index(c: np.ndarray, index: np.ndarray, period: int) -> np.ndarray:
    """TA-Lib's index of an extreme, from the first bar that is a number, moved to the latest equal close.

    Of equals TA-Lib takes the first when its last extreme left the window, and the last otherwise, so which one
    depends on where its array began.
    """
    start = int(np.argmax(~np.isnan(c)))
    first = start + period - 1
    out = np.full(len(c), np.nan)
    if first < len(c):
        windows = np.lib.stride_tricks.sliding_window_view(c[start:], period)
        equal = windows == c[index[first:], np.newaxis]
        assert equal.any(axis=1).all()
        out[first:] = np.arange(period - 1, len(c) - start) - np.argmax(equal[:, ::-1], axis=1)
    return out


def efficiency(c: np.ndarray) -> np.ndarray:
    """TA-Lib's, but 0 where the close never moved: TA-Lib calls a way of no length perfectly straight."""
    return np.where(talib.MAX(c, 11) == talib.MIN(c, 11), 0.0, talib.ER(c, 10))


def both_indices(c: np.ndarray) -> Columns:
    lowest, highest = talib.MINMAXINDEX(c, 30)
    return [latest_index(c, lowest, 30), latest_index(c, highest, 30)]


TALIB = {
    "standard_deviation": Talib(lambda o, h, lo, c, v: talib.STDDEV(c, 20), PRICE),
    "standard_deviation:5 bars": Talib(lambda o, h, lo, c, v: talib.STDDEV(c, 5), PRICE, params={"period": 5}),
    "variance": Talib(lambda o, h, lo, c, v: talib.VAR(c, 20), SQUARED_PRICE),
    "variance:5 bars": Talib(lambda o, h, lo, c, v: talib.VAR(c, 5), SQUARED_PRICE, params={"period": 5}),
    "mean_absolute_deviation": Talib(lambda o, h, lo, c, v: talib.AVGDEV(c, 14), PRICE),
    "efficiency_ratio": Talib(lambda o, h, lo, c, v: efficiency(c), RATIO),
    "max": Talib(lambda o, h, lo, c, v: talib.MAX(c, 30), PRICE),
    "min": Talib(lambda o, h, lo, c, v: talib.MIN(c, 30), PRICE),
    "min_max": Talib(lambda o, h, lo, c, v: talib.MINMAX(c, 30), PRICE),
    "max_index": Talib(lambda o, h, lo, c, v: latest_index(c, talib.MAXINDEX(c, 30), 30), NUMBER),
    "min_index": Talib(lambda o, h, lo, c, v: latest_index(c, talib.MININDEX(c, 30), 30), NUMBER),
    "min_max_index": Talib(lambda o, h, lo, c, v: both_indices(c), NUMBER),
    "average_price": Talib(lambda o, h, lo, c, v: talib.AVGPRICE(o, h, lo, c), PRICE),
    "median_price": Talib(lambda o, h, lo, c, v: talib.MEDPRICE(h, lo), PRICE),
    "typical_price": Talib(lambda o, h, lo, c, v: talib.TYPPRICE(h, lo, c), PRICE),
    "weighted_close": Talib(lambda o, h, lo, c, v: talib.WCLPRICE(h, lo, c), PRICE),
    "percent_rank": Talib(lambda o, h, lo, c, v: talib.PERCENTRANK(c, 100), PERCENT),
    "percentile": Talib(lambda o, h, lo, c, v: talib.PERCENTILE(c, 30, 50.0), PRICE),
    "percentile:90": Talib(
        lambda o, h, lo, c, v: talib.PERCENTILE(c, 77, 90.0), PRICE, params={"period": 77, "percent": 90.0}
    ),
    "correlation_of_columns": Talib(
        lambda o, h, lo, c, v: talib.CORREL(o, c, 14),
        CORRELATION_OF_COLUMNS,
        params={"period": 14, "first": 0, "second": 3},
    ),
    "beta_of_columns": Talib(
        lambda o, h, lo, c, v: talib.BETA(o, c, 30), BETA_OF_COLUMNS, params={"period": 30, "first": 0, "second": 3}
    ),
    "correlation": Talib(lambda o, h, lo, c, v: talib.CORREL(h, lo, 30), CORRELATION),
    "beta": Talib(lambda o, h, lo, c, v: talib.BETA(h, lo, 5), BETA),
}

SLOW = {
    "standard_deviation": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.deviation)], PRICE, memory=20),
    "variance": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.variance)], SQUARED_PRICE, memory=20),
    "z_score": Slow(lambda o, h, lo, c, v, s: [slow.z_score(c, 50)], PERCENT, memory=50, has_few_digits=True),
    "mean_absolute_deviation": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 14, slower.mean_distance_of)], PRICE, memory=14
    ),
    "efficiency_ratio": Slow(lambda o, h, lo, c, v, s: [slow.efficiency(c, 10)], RATIO, memory=11, has_few_digits=True),
    "max": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, max)], PRICE, memory=30),
    "min": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, min)], PRICE, memory=30),
    "min_max": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, of) for of in (min, max)], PRICE, memory=30),
    "max_index": Slow(lambda o, h, lo, c, v, s: slower.index_of(c, 30, True), NUMBER, memory=30),
    "min_index": Slow(lambda o, h, lo, c, v, s: slower.index_of(c, 30, False), NUMBER, memory=30),
    "min_max_index": Slow(
        lambda o, h, lo, c, v, s: [slower.index_of(c, 30, of)[0] for of in (False, True)], NUMBER, memory=30
    ),
    "average_price": Slow(lambda o, h, lo, c, v, s: [np.mean([o, h, lo, c], axis=0)], PRICE, memory=1),
    "median_price": Slow(lambda o, h, lo, c, v, s: [np.mean([h, lo], axis=0)], PRICE, memory=1),
    "typical_price": Slow(lambda o, h, lo, c, v, s: [np.mean([h, lo, c], axis=0)], PRICE, memory=1),
    "weighted_close": Slow(lambda o, h, lo, c, v, s: [np.mean([h, lo, c, c], axis=0)], PRICE, memory=1),
    "skew": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 30, slower.skew_of)], RATIO, memory=30, has_few_digits=True
    ),
    "kurtosis": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 30, slower.kurtosis_of)], RATIO, memory=30, has_few_digits=True
    ),
    "entropy": Slow(lambda o, h, lo, c, v, s: [slower.entropy(c, 100, 8)], RATIO, memory=101),
    "percent_rank": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 101, slower.rank_of)], PERCENT, memory=101),
    "percentile": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, slower.percentile_of(50.0))], PRICE, memory=30),
    "percentile:least": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 9, min)], PRICE, memory=9, params={"period": 9, "percent": 0.0}
    ),
    "quantile": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, slower.quantile_of(0.5))], PRICE, memory=30),
    "quantile:an eighth": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 12, slower.quantile_of(0.125))],
        PRICE,
        memory=12,
        params={"period": 12, "fraction": 0.125},
    ),
    "median": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, statistics.median)], PRICE, memory=30),
    "median:odd": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 21, statistics.median)], PRICE, memory=21, params={"period": 21}
    ),
    "median_absolute_deviation": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 30, slower.median_distance_of)], PRICE, memory=30
    ),
    "median_absolute_deviation:odd": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 21, slower.median_distance_of)],
        PRICE,
        memory=21,
        params={"period": 21},
    ),
    "correlation": Slow(
        lambda o, h, lo, c, v, s: [slower.pairs(h, lo, 30, slower.correlation_of)],
        RATIO,
        memory=30,
        has_few_digits=True,
    ),
    "correlation_of_columns": Slow(
        lambda o, h, lo, c, v, s: [slower.pairs(c, v, 47, slower.correlation_of)],
        RATIO,
        memory=47,
        has_few_digits=True,
        params={"period": 47},
    ),
    "beta": Slow(lambda o, h, lo, c, v, s: [slower.beta(h, lo, 5)], RATIO, memory=6, has_few_digits=True),
    "beta_of_columns": Slow(
        lambda o, h, lo, c, v, s: [slower.beta(o, c, 33)],
        RATIO,
        memory=34,
        has_few_digits=True,
        params={"period": 33, "first": 0, "second": 3},
    ),
    "autocorrelation": Slow(
        lambda o, h, lo, c, v, s: [slower.autocorrelation(c, 50, 1)], RATIO, memory=52, has_few_digits=True
    ),
    "autocorrelation:of the seventh bar": Slow(
        lambda o, h, lo, c, v, s: [slower.autocorrelation(c, 23, 7)],
        RATIO,
        memory=31,
        has_few_digits=True,
        params={"period": 23, "lag": 7},
    ),
    "variance_ratio": Slow(
        lambda o, h, lo, c, v, s: [slower.variance_ratio(c, 2, 100)], RATIO, memory=101, has_few_digits=True
    ),
    "variance_ratio:of six bars": Slow(
        lambda o, h, lo, c, v, s: [slower.variance_ratio(c, 6, 41)],
        RATIO,
        memory=42,
        has_few_digits=True,
        params={"lag": 6, "period": 41},
    ),
    "hurst": Slow(lambda o, h, lo, c, v, s: [slower.hurst(c, 20, 100)], RATIO, memory=100, has_few_digits=True),
}
