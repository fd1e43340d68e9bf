"""References for the volume indicators: TA-Lib where it has them, slow definitions for windows and for the rest."""

from __future__ import annotations

import numpy as np
import talib

from tests.parity import slow_indicators as slow
from tests.parity import slow_volume as slower
from tests.parity.cases import PERCENT, PRICE, RATIO, VOLUME, Slow, Talib

ANCHOR_S = 1.6e9 + 360_000


def cmf(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    return slow.ratio_of_sums(slow.money_flow(h, lo, c, v), v, 20, 0, np.zeros(len(c)))


def talib_cmf(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    """TA-Lib's, but 0 without volume: its running sums then divide one rounding by another."""
    return np.where(talib.MAX(v, 20) == 0.0, 0.0, talib.CMF(h, lo, c, v, 20))


def talib_relative_volume(v: np.ndarray) -> np.ndarray:
    """TA-Lib's, but 1 where nothing was traded in the bars before: it then divides by zero, or by a rounding."""
    greatest = slower.later(talib.MAX(v, 20), 1)
    return np.where(greatest == 0.0, 1.0, talib.RVOL(v, 20))


def talib_vwap(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    """TA-Lib's, but the typical price, not 0, until something was traded."""
    return np.where(np.cumsum(v) == 0.0, slow.typical(h, lo, c), talib.VWAP(h, lo, c, v))


def rolling_vwap(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    price = slow.typical(h, lo, c)
    return slow.ratio_of_sums(price * v, v, 20, 0, price)


def window_bands(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
    return slower.bands(h, lo, c, v, slower.window_starts(len(c), 20), 2.0)


def largest_money(bars: np.ndarray) -> np.ndarray:
    return np.abs(bars[1]) * bars[4].max(initial=1.0)


def INDEX(bars: np.ndarray) -> np.ndarray:
    """The greatest value of either volume index so far."""
    of_bars = np.ascontiguousarray(bars[3]), np.ascontiguousarray(bars[4])
    return np.maximum.accumulate(np.maximum(talib.NVI(*of_bars), talib.PVI(*of_bars)))


def MULTIPLE(bars: np.ndarray) -> np.ndarray:
    """The greatest volume so far as a multiple of the usual."""
    return np.fmax.accumulate(np.fmax(1.0, talib_relative_volume(np.ascontiguousarray(bars[4]))))


def EASE(bars: np.ndarray) -> float:
    """The greatest range times the greatest price, per least volume that was traded."""
    traded = bars[4][bars[4] > 0.0]
    return float(1e4 * bars[1].max() * (bars[1] - bars[2]).max() / traded.min()) or 1.0


def PER_VOLUME(bars: np.ndarray) -> np.ndarray:
    return PRICE(bars) / bars[4][bars[4] > 0.0].min()


TALIB = {
    "mfi": Talib(lambda o, h, lo, c, v: talib.MFI(h, lo, c, v, 14), PERCENT),
    "obv": Talib(lambda o, h, lo, c, v: talib.OBV(c, v), VOLUME, counts_volume=True),
    "ad_line": Talib(lambda o, h, lo, c, v: talib.AD(h, lo, c, v), VOLUME, counts_volume=True),
    "chaikin_oscillator": Talib(lambda o, h, lo, c, v: talib.ADOSC(h, lo, c, v, 3, 10), VOLUME, counts_volume=True),
    "cmf": Talib(lambda o, h, lo, c, v: talib_cmf(h, lo, c, v), RATIO),
    "force_index": Talib(lambda o, h, lo, c, v: talib.EFI(c, v, 13), largest_money),
    "force_index:one bar": Talib(lambda o, h, lo, c, v: talib.EFI(c, v, 1), largest_money, params={"period": 1}),
    "nvi": Talib(lambda o, h, lo, c, v: talib.NVI(c, v), INDEX, counts_volume=True),
    "pvi": Talib(lambda o, h, lo, c, v: talib.PVI(c, v), INDEX, counts_volume=True),
    "pvt": Talib(lambda o, h, lo, c, v: talib.PVT(c, v), VOLUME, counts_volume=True),
    "pvo": Talib(lambda o, h, lo, c, v: talib.PVO(v, 12, 26, 1), PERCENT),
    "pvo:wide": Talib(lambda o, h, lo, c, v: talib.PVO(v, 3, 30, 1), PERCENT, params={"fast": 3, "slow": 30}),
    "relative_volume": Talib(lambda o, h, lo, c, v: talib_relative_volume(v), MULTIPLE),
    "anchored_vwap": Talib(lambda o, h, lo, c, v: talib_vwap(h, lo, c, v), PRICE, counts_volume=True),
    "market_facilitation_index": Talib(lambda o, h, lo, c, v: talib.MARKETFI(h, lo, v), PER_VOLUME),
    "williams_ad": Talib(lambda o, h, lo, c, v: talib.WAD(h, lo, c), PRICE, counts_volume=True),
}

SLOW = {
    "obv": Slow(lambda o, h, lo, c, v, s: [slower.on_balance_volume(c, v)], VOLUME),
    "ad_line": Slow(lambda o, h, lo, c, v, s: [slower.money_line(h, lo, c, v)], VOLUME, has_few_digits=True),
    "chaikin_oscillator": Slow(
        lambda o, h, lo, c, v, s: slower.chaikin_oscillator(h, lo, c, v, 3, 10), VOLUME, has_few_digits=True
    ),
    "intraday_intensity": Slow(
        lambda o, h, lo, c, v, s: [slow.money_flow(h, lo, c, v)], VOLUME, memory=1, has_few_digits=True
    ),
    "williams_ad": Slow(lambda o, h, lo, c, v, s: slower.williams_ad(h, lo, c), PRICE),
    "pvt": Slow(lambda o, h, lo, c, v, s: slower.price_volume_trend(c, v), VOLUME),
    "nvi": Slow(lambda o, h, lo, c, v, s: slower.volume_index(c, v, lambda change: change < 0), INDEX),
    "pvi": Slow(lambda o, h, lo, c, v, s: slower.volume_index(c, v, lambda change: change > 0), INDEX),
    "mfi": Slow(
        lambda o, h, lo, c, v, s: slow.mfi(h, lo, c, v, 14), PERCENT, on_real_bars=False, memory=15, has_few_digits=True
    ),
    "cmf": Slow(lambda o, h, lo, c, v, s: [cmf(h, lo, c, v)], RATIO, memory=20, has_few_digits=True),
    "force_index": Slow(
        lambda o, h, lo, c, v, s: [slow.seeded_ema(np.diff(c, prepend=np.nan) * v, 2.0 / 14.0, 13, first=1)],
        largest_money,
    ),
    "ease_of_movement": Slow(lambda o, h, lo, c, v, s: slower.ease_of_movement(h, lo, v, 14, 1e4), EASE, memory=15),
    "market_facilitation_index": Slow(
        lambda o, h, lo, c, v, s: slower.per_volume(h - lo, v), PER_VOLUME, memory=1, has_few_digits=True
    ),
    "twiggs_money_flow": Slow(lambda o, h, lo, c, v, s: slower.twiggs(h, lo, c, v, 21), RATIO, has_few_digits=True),
    "klinger_oscillator": Slow(
        lambda o, h, lo, c, v, s: slower.klinger(h, lo, c, v, (34, 55, 13)), VOLUME, has_few_digits=True
    ),
    "pvo": Slow(lambda o, h, lo, c, v, s: slower.percentage_volume_oscillator(v, 12, 26), PERCENT),
    "volume_oscillator": Slow(lambda o, h, lo, c, v, s: slower.volume_oscillator(v, 5, 10), PERCENT, memory=10),
    "pvo:simple": Slow(
        lambda o, h, lo, c, v, s: slower.volume_oscillator(v, 1, 33),
        PERCENT,
        memory=33,
        params={"fast": 1, "slow": 33, "average": 0},
    ),
    "volume_zone_oscillator": Slow(lambda o, h, lo, c, v, s: slower.volume_zone(c, v, 14), PERCENT),
    "volume_rate_of_change": Slow(lambda o, h, lo, c, v, s: slower.growth(v, slower.later(v, 14)), PERCENT, memory=15),
    "volume_z_score": Slow(lambda o, h, lo, c, v, s: [slow.z_score(v, 50)], PERCENT, memory=50, has_few_digits=True),
    "relative_volume": Slow(lambda o, h, lo, c, v, s: slower.relative_volume(v, 20), MULTIPLE, memory=21),
    "up_down_volume_ratio": Slow(lambda o, h, lo, c, v, s: slower.up_down(c, v, 50), PERCENT, memory=51),
    "up_down_volume_ratio:short": Slow(
        lambda o, h, lo, c, v, s: slower.up_down(c, v, 3), PERCENT, memory=4, params={"period": 3}
    ),
    "vwap": Slow(lambda o, h, lo, c, v, s: slow.session_vwap(h, lo, c, v, s), PRICE, on_real_bars=False, memory=24),
    "vwap_bands": Slow(lambda o, h, lo, c, v, s: slower.bands(h, lo, c, v, slower.calendar_starts(s, "D"), 2.0), PRICE),
    "vwap_bands:week": Slow(
        lambda o, h, lo, c, v, s: slower.bands(h, lo, c, v, slower.calendar_starts(s, "W"), 1.5),
        PRICE,
        params={"anchor": 1, "multiplier": 1.5},
    ),
    "vwap_bands:month": Slow(
        lambda o, h, lo, c, v, s: slower.bands(h, lo, c, v, slower.calendar_starts(s, "M"), 1.0),
        PRICE,
        params={"anchor": 2, "multiplier": 1.0},
    ),
    "anchored_vwap": Slow(
        lambda o, h, lo, c, v, s: slower.bands(h, lo, c, v, slower.anchor_starts(s, 0.0), 0.0)[:1],
        PRICE,
        on_real_bars=False,
    ),
    "anchored_vwap:late": Slow(
        lambda o, h, lo, c, v, s: slower.bands(h, lo, c, v, slower.anchor_starts(s, ANCHOR_S), 0.0)[:1],
        PRICE,
        params={"anchor_s": ANCHOR_S},
        on_real_bars=False,
    ),
    "anchored_vwap_bands": Slow(
        lambda o, h, lo, c, v, s: slower.bands(h, lo, c, v, slower.anchor_starts(s, 0.0), 2.0),
        PRICE,
        on_real_bars=False,
    ),
    "anchored_vwap_bands:late": Slow(
        lambda o, h, lo, c, v, s: slower.bands(h, lo, c, v, slower.anchor_starts(s, ANCHOR_S), 3.0),
        PRICE,
        params={"anchor_s": ANCHOR_S, "multiplier": 3.0},
        on_real_bars=False,
    ),
    "rolling_vwap": Slow(lambda o, h, lo, c, v, s: [rolling_vwap(h, lo, c, v)], PRICE, memory=20),
    "rolling_vwap_bands": Slow(lambda o, h, lo, c, v, s: window_bands(h, lo, c, v), PRICE, memory=20),
    "volume_weighted_deviation": Slow(lambda o, h, lo, c, v, s: window_bands(h, lo, c, v)[3:], PRICE, memory=20),
    "volume_profile": Slow(
        lambda o, h, lo, c, v, s: slower.volume_profile(h, lo, v, 50, 24, 0.7), PRICE, memory=50, on_real_bars=False
    ),
    "volume_profile:coarse": Slow(
        lambda o, h, lo, c, v, s: slower.volume_profile(h, lo, v, 12, 5, 0.4),
        PRICE,
        memory=12,
        params={"period": 12, "bins": 5, "share": 0.4},
    ),
}
