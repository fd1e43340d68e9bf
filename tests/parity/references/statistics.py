"""References for the statistics indicators: TA-Lib where it has them, else slow definitions."""

from __future__ import annotations

import talib

from tests.parity import slow_indicators as slow
from tests.parity.cases import PERCENT, PRICE, RATIO, Slow, Talib

TALIB = {
    "linear_regression_slope": Talib(lambda o, h, lo, c, v: talib.LINEARREG_SLOPE(c, 20), PRICE),
    "standard_deviation": Talib(lambda o, h, lo, c, v: talib.STDDEV(c, 20), PRICE),
}

SLOW = {
    "standard_deviation": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.deviation)], PRICE, memory=20),
    "z_score": Slow(lambda o, h, lo, c, v, s: [slow.z_score(c, 50)], PERCENT, memory=50, has_few_digits=True),
    "linear_regression_slope": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.slope_of)], PRICE, memory=20),
    "linear_regression_r2": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.r2_of)], RATIO, memory=20, has_few_digits=True
    ),
    "efficiency_ratio": Slow(lambda o, h, lo, c, v, s: [slow.efficiency(c, 10)], RATIO, memory=11, has_few_digits=True),
}
