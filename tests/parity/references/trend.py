"""References for averages, lines and crossings: TA-Lib where it has them, and slow definitions."""

from __future__ import annotations

import math

import numpy as np
import talib

from tests.parity import slow_averages as averages
from tests.parity import slow_indicators as slow
from tests.parity.cases import PERCENT, PRICE, RATIO, Slow, Talib

EXPONENTIAL = {"fast_average": 1, "slow_average": 1, "signal_average": 1}
MIXED = {"fast_average": 2, "slow_average": 1, "signal_average": 0}


def steepness(bars: np.ndarray) -> np.ndarray:
    """Degrees, times the price where that is more than one: a slope has the digits of the price."""
    return 100.0 * np.maximum(1.0, PRICE(bars))


def vwma(c: np.ndarray, v: np.ndarray) -> np.ndarray:
    """TA-Lib's; but in a window without volume it divides what rounding left in its running sums by the like."""
    found = talib.VWMA(c, v, 20)
    is_idle = np.array([not v[max(0, t - 19) : t + 1].any() for t in range(len(v))], bool)
    return np.where(is_idle & ~np.isnan(found), c, found)


TALIB = {
    "sma": Talib(lambda o, h, lo, c, v: talib.SMA(c, 20), PRICE),
    "sum": Talib(lambda o, h, lo, c, v: talib.SUM(c, 30), PRICE),
    "wma": Talib(lambda o, h, lo, c, v: talib.WMA(c, 20), PRICE),
    "trima": Talib(lambda o, h, lo, c, v: talib.TRIMA(c, 30), PRICE),
    "trima:odd": Talib(lambda o, h, lo, c, v: talib.TRIMA(c, 29), PRICE, {"period": 29}),
    "hma": Talib(lambda o, h, lo, c, v: talib.HMA(c, 16), PRICE),
    "vwma": Talib(lambda o, h, lo, c, v: vwma(c, v), PRICE),
    "ema": Talib(lambda o, h, lo, c, v: talib.EMA(c, 20), PRICE),
    "smma": Talib(lambda o, h, lo, c, v: talib.RMA(c, 14), PRICE),
    "dema": Talib(lambda o, h, lo, c, v: talib.DEMA(c, 20), PRICE),
    "tema": Talib(lambda o, h, lo, c, v: talib.TEMA(c, 20), PRICE),
    "t3": Talib(lambda o, h, lo, c, v: talib.T3(c, 5, 0.7), PRICE),
    "zlema": Talib(lambda o, h, lo, c, v: talib.ZLEMA(c, 20), PRICE),
    "kama": Talib(lambda o, h, lo, c, v: talib.KAMA(c, 10), PRICE),
    "macd": Talib(lambda o, h, lo, c, v: talib.MACD(c, 12, 26, 9), PRICE),
    "macd_fixed": Talib(lambda o, h, lo, c, v: talib.MACDFIX(c, 9), PRICE),
    "macd_extended": Talib(lambda o, h, lo, c, v: talib.MACDEXT(c, 12, 0, 26, 0, 9, 0), PRICE),
    "macd_extended:exponential": Talib(lambda o, h, lo, c, v: talib.MACDEXT(c, 12, 1, 26, 1, 9, 1), PRICE, EXPONENTIAL),
    "macd_extended:mixed": Talib(lambda o, h, lo, c, v: talib.MACDEXT(c, 12, 2, 26, 1, 9, 0), PRICE, MIXED),
    "apo": Talib(lambda o, h, lo, c, v: talib.APO(c, 12, 26, 1), PRICE),
    "apo:simple": Talib(lambda o, h, lo, c, v: talib.APO(c, 12, 26, 0), PRICE, {"average": 0}),
    "apo:weighted": Talib(lambda o, h, lo, c, v: talib.APO(c, 12, 26, 2), PRICE, {"average": 2}),
    "dpo": Talib(lambda o, h, lo, c, v: talib.DPO(c, 20), PRICE),
    "coppock": Talib(lambda o, h, lo, c, v: talib.COPPOCK(c, 10, 11, 14), PERCENT),
    "midpoint": Talib(lambda o, h, lo, c, v: talib.MIDPOINT(c, 14), PRICE),
    "midprice": Talib(lambda o, h, lo, c, v: talib.MIDPRICE(h, lo, 14), PRICE),
    "linear_regression": Talib(lambda o, h, lo, c, v: talib.LINEARREG(c, 14), PRICE),
    "linear_regression_slope": Talib(lambda o, h, lo, c, v: talib.LINEARREG_SLOPE(c, 20), PRICE),
    "linear_regression_intercept": Talib(lambda o, h, lo, c, v: talib.LINEARREG_INTERCEPT(c, 14), PRICE),
    "linear_regression_forecast": Talib(lambda o, h, lo, c, v: talib.TSF(c, 14), PRICE),
    "linear_regression_angle": Talib(lambda o, h, lo, c, v: talib.LINEARREG_ANGLE(c, 14), steepness),
}

SLOW = {
    "sma": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.mean)], PRICE, memory=20),
    "sum": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, math.fsum)], PRICE, memory=30),
    "wma": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.weighted_mean)], PRICE, memory=20),
    "trima": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 30, averages.triangular_mean)], PRICE, memory=30),
    "hma": Slow(lambda o, h, lo, c, v, s: slow.hma(c, 16), PRICE, memory=19),
    "alma": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 9, averages.bell_mean(0.85, 6.0))], PRICE, memory=9),
    "vwma": Slow(lambda o, h, lo, c, v, s: averages.vwma(c, v, 20), PRICE, memory=20),
    "envelope": Slow(lambda o, h, lo, c, v, s: averages.envelope(c, 20, 2.5), PRICE, memory=20),
    "ema": Slow(lambda o, h, lo, c, v, s: [slow.seeded_ema(c, 2.0 / 21.0, 20)], PRICE),
    "smma": Slow(lambda o, h, lo, c, v, s: [slow.seeded_ema(c, 1.0 / 14.0, 14)], PRICE),
    "dema": Slow(lambda o, h, lo, c, v, s: averages.dema(c, 20), PRICE),
    "tema": Slow(lambda o, h, lo, c, v, s: averages.tema(c, 20), PRICE),
    "t3": Slow(lambda o, h, lo, c, v, s: averages.t3(c, 5, 0.7), PRICE),
    "zlema": Slow(lambda o, h, lo, c, v, s: averages.zlema(c, 20), PRICE),
    "kama": Slow(lambda o, h, lo, c, v, s: slow.kama(c, 10), PRICE),
    "vidya": Slow(lambda o, h, lo, c, v, s: averages.vidya(c, 14, 9), PRICE),
    "frama": Slow(lambda o, h, lo, c, v, s: averages.frama(h, lo, 16), PRICE),
    "mcginley": Slow(lambda o, h, lo, c, v, s: averages.mcginley(c, 14, 0.6), PRICE),
    "alligator": Slow(lambda o, h, lo, c, v, s: averages.alligator(h, lo, [(13, 8), (8, 5), (5, 3)]), PRICE),
    "gator": Slow(lambda o, h, lo, c, v, s: averages.gator(h, lo), PRICE),
    "macd": Slow(lambda o, h, lo, c, v, s: averages.macd(c, (2.0 / 13.0, 2.0 / 27.0), 9), PRICE),
    "macd_fixed": Slow(lambda o, h, lo, c, v, s: averages.macd(c, (0.15, 0.075), 9), PRICE),
    "macd_extended": Slow(lambda o, h, lo, c, v, s: averages.macd_extended(c), PRICE, memory=34),
    "dpo": Slow(lambda o, h, lo, c, v, s: averages.dpo(c, 20), PRICE, memory=20),
    "coppock": Slow(lambda o, h, lo, c, v, s: averages.coppock(c), PERCENT, memory=24),
    "kst": Slow(lambda o, h, lo, c, v, s: averages.kst(c), PERCENT, memory=53),
    "midpoint": Slow(lambda o, h, lo, c, v, s: averages.middle_of(c, c, 14), PRICE, memory=14),
    "midprice": Slow(lambda o, h, lo, c, v, s: averages.middle_of(h, lo, 14), PRICE, memory=14),
    "linear_regression": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 14, averages.line_at(lambda n: (n - 1) / 2))], PRICE, memory=14
    ),
    "linear_regression_intercept": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 14, averages.line_at(lambda n: -(n - 1) / 2))], PRICE, memory=14
    ),
    "linear_regression_forecast": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 14, averages.line_at(lambda n: (n + 1) / 2))], PRICE, memory=14
    ),
    "linear_regression_slope": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.slope_of)], PRICE, memory=20),
    "linear_regression_angle": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 14, averages.angle_of)], steepness, memory=14
    ),
    "linear_regression_r2": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.r2_of)], RATIO, memory=20, has_few_digits=True
    ),
    "linear_regression_error": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 20, averages.error_of)], PRICE, memory=20, has_few_digits=True
    ),
}
