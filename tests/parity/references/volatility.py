"""References for the volatility indicators: TA-Lib where it has them, slow definitions for all."""

from __future__ import annotations

import numpy as np
import talib

from tests.parity import slow_indicators as slow
from tests.parity import slow_volatility as slower
from tests.parity.cases import PERCENT, PRICE, RATIO, Slow, Talib


def price_and_ratio(bars: np.ndarray) -> np.ndarray:
    """Units of three bands, and of %B and width."""
    price = PRICE(bars)
    return np.array([price, price, price, np.ones_like(price), np.ones_like(price)])


def GROWTH(bars: np.ndarray) -> np.ndarray:
    """Percent of growth, of which there are thousands where bars without range went before."""
    return np.maximum(100.0, np.nan_to_num(np.abs(talib.CVI(bars[1], bars[2], 10, 10))))


TALIB = {
    "true_range": Talib(lambda o, h, lo, c, v: talib.TRANGE(h, lo, c), PRICE),
    "atr": Talib(lambda o, h, lo, c, v: talib.ATR(h, lo, c, 14), PRICE),
    "natr": Talib(lambda o, h, lo, c, v: talib.NATR(h, lo, c, 14), PERCENT),
    "average_daily_range": Talib(lambda o, h, lo, c, v: talib.ADR(h, lo, 14), PRICE),
    "chaikin_volatility": Talib(lambda o, h, lo, c, v: talib.CVI(h, lo, 10, 10), GROWTH),
    "relative_volatility_index": Talib(lambda o, h, lo, c, v: talib.RVI(c, 14, 10), PERCENT),
    "bollinger": Talib(lambda o, h, lo, c, v: talib.BBANDS(c, 20, 2.0, 2.0, 0), PRICE),
    "bollinger:5 bars": Talib(lambda o, h, lo, c, v: talib.BBANDS(c, 5, 2.0, 2.0, 0), PRICE, params={"period": 5}),
    "keltner_typical": Talib(lambda o, h, lo, c, v: talib.KC(h, lo, c, 20, 10, 2.0), PRICE),
    "donchian": Talib(lambda o, h, lo, c, v: talib.DONCHIAN(h, lo, 20), PRICE),
    "acceleration_bands": Talib(lambda o, h, lo, c, v: talib.ACCBANDS(h, lo, c, 20), PRICE),
}

SLOW = {
    "true_range": Slow(lambda o, h, lo, c, v, s: [slow.true_range(h, lo, c)], PRICE, memory=2),
    "atr": Slow(lambda o, h, lo, c, v, s: [slower.atr(h, lo, c, 14)], PRICE),
    "natr": Slow(lambda o, h, lo, c, v, s: [slower.natr(h, lo, c, 14)], PERCENT),
    "average_daily_range": Slow(lambda o, h, lo, c, v, s: [slow.windows(h - lo, 14, slow.mean)], PRICE, memory=14),
    "chaikin_volatility": Slow(lambda o, h, lo, c, v, s: [slower.chaikin(h, lo, 10, 10)], PERCENT, has_few_digits=True),
    "bollinger": Slow(
        lambda o, h, lo, c, v, s: slow.bollinger(c, 20, 2.0), price_and_ratio, memory=20, has_few_digits=True
    ),
    "bollinger_percent_b": Slow(
        lambda o, h, lo, c, v, s: slow.bollinger(c, 20, 2.0)[3:4], RATIO, memory=20, has_few_digits=True
    ),
    "bollinger_width": Slow(lambda o, h, lo, c, v, s: slow.bollinger(c, 20, 2.0)[4:], RATIO, memory=20),
    "keltner": Slow(lambda o, h, lo, c, v, s: slow.keltner(h, lo, c, 20, 10, 2.0), PRICE),
    "keltner_typical": Slow(lambda o, h, lo, c, v, s: slower.keltner_typical(h, lo, c, 20, 10, 2.0), PRICE),
    "starc": Slow(lambda o, h, lo, c, v, s: slower.starc(h, lo, c, 6, 15, 2.0), PRICE),
    "donchian": Slow(lambda o, h, lo, c, v, s: slower.extremes(h, lo, 20), PRICE, memory=20),
    "price_channel": Slow(
        lambda o, h, lo, c, v, s: [slower.late(x, 1) for x in slower.extremes(h, lo, 20)], PRICE, memory=21
    ),
    "acceleration_bands": Slow(lambda o, h, lo, c, v, s: slower.acceleration(h, lo, c, 20), PRICE, memory=20),
    "close_to_close": Slow(lambda o, h, lo, c, v, s: [slower.close_to_close(c, 20)], RATIO, memory=21),
    "close_to_close:a year of hours": Slow(
        lambda o, h, lo, c, v, s: [np.sqrt(8760.0) * slower.close_to_close(c, 100)],
        RATIO,
        memory=101,
        params={"period": 100, "periods_a_year": 8760.0},
    ),
    "parkinson": Slow(lambda o, h, lo, c, v, s: [slower.parkinson(h, lo, 20)], RATIO, memory=20),
    "parkinson:a year of days": Slow(
        lambda o, h, lo, c, v, s: [np.sqrt(365.0) * slower.parkinson(h, lo, 7)],
        RATIO,
        memory=7,
        params={"period": 7, "periods_a_year": 365.0},
    ),
    "garman_klass": Slow(lambda o, h, lo, c, v, s: [slower.garman_klass(o, h, lo, c, 20)], RATIO, memory=20),
    "rogers_satchell": Slow(
        lambda o, h, lo, c, v, s: [slower.root_mean(slower.drift_free(o, h, lo, c), 20)], RATIO, memory=20
    ),
    "yang_zhang": Slow(lambda o, h, lo, c, v, s: [slower.yang_zhang(o, h, lo, c, 20)], RATIO, memory=21),
    "ulcer_index": Slow(lambda o, h, lo, c, v, s: [slower.ulcer(c, 14)], PERCENT, memory=27),
    "relative_volatility_index": Slow(
        lambda o, h, lo, c, v, s: [slower.relative_volatility(c, 14, 10)], PERCENT, has_few_digits=True
    ),
    "historical_volatility_percentile": Slow(
        lambda o, h, lo, c, v, s: [slower.volatility_percentile(c, 21, 252)], PERCENT
    ),
    "historical_volatility_percentile:short": Slow(
        lambda o, h, lo, c, v, s: [slower.volatility_percentile(c, 10, 60)],
        PERCENT,
        memory=71,
        params={"period": 10, "history": 60},
    ),
}
