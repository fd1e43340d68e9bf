"""References for the trend indicators: TA-Lib where it has them, else slow definitions."""

from __future__ import annotations

import talib

from tests.parity import slow_indicators as slow
from tests.parity.cases import PRICE, Slow, Talib

TALIB = {
    "sma": Talib(lambda o, h, lo, c, v: talib.SMA(c, 20), PRICE),
    "ema": Talib(lambda o, h, lo, c, v: talib.EMA(c, 20), PRICE),
    "wma": Talib(lambda o, h, lo, c, v: talib.WMA(c, 20), PRICE),
    "dema": Talib(lambda o, h, lo, c, v: talib.DEMA(c, 20), PRICE),
    "tema": Talib(lambda o, h, lo, c, v: talib.TEMA(c, 20), PRICE),
    "kama": Talib(lambda o, h, lo, c, v: talib.KAMA(c, 10), PRICE),
    "macd": Talib(lambda o, h, lo, c, v: talib.MACD(c, 12, 26, 9), PRICE),
}

SLOW = {
    "sma": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.mean)], PRICE, memory=20),
    "wma": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.weighted_mean)], PRICE, memory=20),
    "hma": Slow(lambda o, h, lo, c, v, s: slow.hma(c, 16), PRICE, memory=20),
    "ema": Slow(lambda o, h, lo, c, v, s: [slow.seeded_ema(c, 2.0 / 21.0, 20)], PRICE),
    "kama": Slow(lambda o, h, lo, c, v, s: slow.kama(c, 10), PRICE),
}
