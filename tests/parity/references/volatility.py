"""References for the volatility indicators: TA-Lib where it has them, else slow definitions."""

from __future__ import annotations

import numpy as np
import talib

from tests.parity import slow_indicators as slow
from tests.parity.cases import PERCENT, PRICE, Columns, Slow, Talib


def donchian(h: np.ndarray, lo: np.ndarray) -> Columns:
    upper, lower = talib.MAX(h, 20), talib.MIN(lo, 20)
    return [upper, (upper + lower) / 2.0, lower]


def slow_donchian(h: np.ndarray, lo: np.ndarray) -> Columns:
    upper, lower = slow.windows(h, 20, max), slow.windows(lo, 20, min)
    return [upper, (upper + lower) / 2.0, lower]


def price_and_ratio(bars: np.ndarray) -> np.ndarray:
    """Units of three bands, and of %B and width."""
    price = np.abs(bars[1])
    return np.array([price, price, price, np.ones_like(price), np.ones_like(price)])


TALIB = {
    "true_range": Talib(lambda o, h, lo, c, v: talib.TRANGE(h, lo, c), PRICE),
    "atr": Talib(lambda o, h, lo, c, v: talib.ATR(h, lo, c, 14), PRICE),
    "natr": Talib(lambda o, h, lo, c, v: talib.NATR(h, lo, c, 14), PERCENT),
    "bollinger": Talib(lambda o, h, lo, c, v: talib.BBANDS(c, 20, 2.0, 2.0, 0), PRICE),
    "donchian": Talib(lambda o, h, lo, c, v: donchian(h, lo), PRICE),
}

SLOW = {
    "bollinger": Slow(
        lambda o, h, lo, c, v, s: slow.bollinger(c, 20, 2.0), price_and_ratio, memory=20, has_few_digits=True
    ),
    "donchian": Slow(lambda o, h, lo, c, v, s: slow_donchian(h, lo), PRICE, memory=20),
    "atr": Slow(lambda o, h, lo, c, v, s: [slow.seeded_ema(slow.true_range(h, lo, c), 1.0 / 14.0, 14, first=1)], PRICE),
    "keltner": Slow(lambda o, h, lo, c, v, s: slow.keltner(h, lo, c, 20, 10, 2.0), PRICE),
}
