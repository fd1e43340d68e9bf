"""References for the volume indicators: TA-Lib where it has them, else slow definitions."""

from __future__ import annotations

import numpy as np
import talib

from tests.parity import slow_indicators as slow
from tests.parity.cases import PERCENT, PRICE, RATIO, VOLUME, Slow, Talib


def cmf(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    return slow.ratio_of_sums(slow.money_flow(h, lo, c, v), v, 20, 0, np.zeros(len(c)))


def rolling_vwap(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    price = slow.typical(h, lo, c)
    return slow.ratio_of_sums(price * v, v, 20, 0, price)


def largest_money(bars: np.ndarray) -> np.ndarray:
    return np.abs(bars[1]) * bars[4].max(initial=1.0)


TALIB = {
    "mfi": Talib(lambda o, h, lo, c, v: talib.MFI(h, lo, c, v, 14), PERCENT),
    "obv": Talib(lambda o, h, lo, c, v: talib.OBV(c, v), VOLUME, counts_volume=True),
    "ad_line": Talib(lambda o, h, lo, c, v: talib.AD(h, lo, c, v), VOLUME, counts_volume=True),
    "chaikin_oscillator": Talib(lambda o, h, lo, c, v: talib.ADOSC(h, lo, c, v, 3, 10), VOLUME, counts_volume=True),
}

SLOW = {
    "volume_z_score": Slow(lambda o, h, lo, c, v, s: [slow.z_score(v, 50)], PERCENT, memory=50, has_few_digits=True),
    "mfi": Slow(
        lambda o, h, lo, c, v, s: slow.mfi(h, lo, c, v, 14), PERCENT, on_real_bars=False, memory=15, has_few_digits=True
    ),
    "cmf": Slow(lambda o, h, lo, c, v, s: [cmf(h, lo, c, v)], RATIO, memory=20, has_few_digits=True),
    "rolling_vwap": Slow(lambda o, h, lo, c, v, s: [rolling_vwap(h, lo, c, v)], PRICE, memory=20),
    "vwap": Slow(lambda o, h, lo, c, v, s: slow.session_vwap(h, lo, c, v, s), PRICE, on_real_bars=False, memory=24),
    "force_index": Slow(
        lambda o, h, lo, c, v, s: [slow.seeded_ema(np.diff(c, prepend=np.nan) * v, 2.0 / 14.0, 13, first=1)],
        largest_money,
    ),
}
