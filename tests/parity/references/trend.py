"""References for the trend indicators: TA-Lib where it has them, else slow definitions."""

from __future__ import annotations

import numpy as np
import talib

from tests.parity import slow_indicators as slow
from tests.parity.cases import PERCENT, PRICE, Columns, Slow, Talib


def aroon(h: np.ndarray, lo: np.ndarray) -> Columns:
    down, up = talib.AROON(h, lo, 25)
    return [up, down, talib.AROONOSC(h, lo, 25)]


TALIB = {
    "sma": Talib(lambda o, h, lo, c, v: talib.SMA(c, 20), PRICE),
    "ema": Talib(lambda o, h, lo, c, v: talib.EMA(c, 20), PRICE),
    "wma": Talib(lambda o, h, lo, c, v: talib.WMA(c, 20), PRICE),
    "dema": Talib(lambda o, h, lo, c, v: talib.DEMA(c, 20), PRICE),
    "tema": Talib(lambda o, h, lo, c, v: talib.TEMA(c, 20), PRICE),
    "kama": Talib(lambda o, h, lo, c, v: talib.KAMA(c, 10), PRICE),
    "macd": Talib(lambda o, h, lo, c, v: talib.MACD(c, 12, 26, 9), PRICE),
    "adx": Talib(
        lambda o, h, lo, c, v: (talib.ADX(h, lo, c), talib.PLUS_DI(h, lo, c), talib.MINUS_DI(h, lo, c)), PERCENT
    ),
    "aroon": Talib(lambda o, h, lo, c, v: aroon(h, lo), PERCENT),
    "parabolic_sar": Talib(lambda o, h, lo, c, v: talib.SAR(h, lo, 0.02, 0.2), PRICE),
}

SLOW = {
    "sma": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.mean)], PRICE, memory=20),
    "wma": Slow(lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.weighted_mean)], PRICE, memory=20),
    "hma": Slow(lambda o, h, lo, c, v, s: slow.hma(c, 16), PRICE, memory=20),
    "aroon": Slow(lambda o, h, lo, c, v, s: slow.aroon(h, lo, 25), PERCENT, memory=26, has_few_digits=True),
    "ichimoku": Slow(lambda o, h, lo, c, v, s: slow.ichimoku(h, lo, (9, 26, 52), 26), PRICE, memory=78),
    "ema": Slow(lambda o, h, lo, c, v, s: [slow.seeded_ema(c, 2.0 / 21.0, 20)], PRICE),
    "kama": Slow(lambda o, h, lo, c, v, s: slow.kama(c, 10), PRICE),
    "supertrend": Slow(lambda o, h, lo, c, v, s: slow.supertrend(h, lo, c, 10, 3.0), PRICE),
}
