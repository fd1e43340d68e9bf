"""References for the momentum indicators: TA-Lib where it has them, slow definitions for windows and for the rest."""

from __future__ import annotations

import numpy as np
import talib

from tests.parity import slow_indicators as slow
from tests.parity import slow_momentum as slower
from tests.parity.cases import PERCENT, PRICE, RATIO, Slow, Talib


def stochastic_rsi(c: np.ndarray) -> list[np.ndarray]:
    """TA-Lib's, but 0 where the RSI stood still: TA-Lib then gives the place of one rounding among others."""
    strength = talib.RSI(c, 14)
    k, _ = talib.STOCHRSI(c, 14, 14, 1, 0)
    is_still = talib.MAX(strength, 14) - talib.MIN(strength, 14) <= 1e-9
    k = np.where(is_still, 0.0, k)
    d = talib.SMA(k, 3)
    return [np.where(np.isnan(d), np.nan, k), d]


def CYCLE(bars: np.ndarray) -> float:
    """What runs to 100, times what a difference of averages loses where prices are far from zero."""
    return 100.0 * max(1.0, abs(float(np.mean(bars[3]))) / max(float(np.std(bars[3])), 1e-300))


def CHANNEL(bars: np.ndarray) -> np.ndarray:
    """What runs to 100, and up to ten times where prices so hardly move that their last place counts.

    (The one such bar of those recorded: ours is 5e-8 from the exact value there, TA-Lib's 5e-7.)
    """
    typical = bars[1:4].mean(axis=0)
    spread = np.maximum(talib.AVGDEV(typical, 20), 1e-300)
    return np.clip(1e-5 * np.abs(typical) / spread, 100.0, 1000.0)


TALIB = {
    "qstick": Talib(lambda o, h, lo, c, v: talib.QSTICK(o, c, 10), PRICE),
    "rsi": Talib(lambda o, h, lo, c, v: talib.RSI(c, 14), PERCENT),
    "rsi:long": Talib(lambda o, h, lo, c, v: talib.RSI(c, 61), PERCENT, params={"period": 61}),
    "cmo": Talib(lambda o, h, lo, c, v: talib.CMO(c, 14), PERCENT),
    "cmo_unsmoothed": Talib(lambda o, h, lo, c, v: talib.CMOU(c, 14), PERCENT),
    "imi": Talib(lambda o, h, lo, c, v: talib.IMI(o, c, 14), PERCENT),
    "stochastic": Talib(lambda o, h, lo, c, v: talib.STOCH(h, lo, c, 14, 3, 0, 3, 0), PERCENT),
    "stochastic_fast": Talib(lambda o, h, lo, c, v: talib.STOCHF(h, lo, c, 14, 3, 0), PERCENT),
    "stochastic_rsi": Talib(lambda o, h, lo, c, v: stochastic_rsi(c), PERCENT),
    "kdj": Talib(lambda o, h, lo, c, v: talib.KDJ(h, lo, c, 9, 3, 13, 3, 13), PERCENT),
    "stochastic_momentum_index": Talib(lambda o, h, lo, c, v: talib.SMI(h, lo, c, 13, 2, 25, 9), PERCENT),
    "williams_r": Talib(lambda o, h, lo, c, v: talib.WILLR(h, lo, c, 14), PERCENT),
    "cci": Talib(lambda o, h, lo, c, v: talib.CCI(h, lo, c, 20), CHANNEL),
    "roc": Talib(lambda o, h, lo, c, v: talib.ROC(c, 10), PERCENT),
    "rocp": Talib(lambda o, h, lo, c, v: talib.ROCP(c, 10), RATIO),
    "rocr": Talib(lambda o, h, lo, c, v: talib.ROCR(c, 10), RATIO),
    "rocr100": Talib(lambda o, h, lo, c, v: talib.ROCR100(c, 10), PERCENT),
    "momentum": Talib(lambda o, h, lo, c, v: talib.MOM(c, 10), PRICE),
    "forecast_oscillator": Talib(lambda o, h, lo, c, v: talib.FOSC(c, 5), PERCENT),
    "trix": Talib(lambda o, h, lo, c, v: talib.TRIX(c, 15), PERCENT),
    "tsi": Talib(lambda o, h, lo, c, v: talib.TSI(c, 25, 13), PERCENT),
    "ppo": Talib(lambda o, h, lo, c, v: talib.PPO(c, 12, 26, 1), PERCENT),
    "ppo:simple": Talib(lambda o, h, lo, c, v: talib.PPO(c, 12, 26, 0), PERCENT, params={"average": 0}),
    "ppo:weighted": Talib(lambda o, h, lo, c, v: talib.PPO(c, 12, 26, 2), PERCENT, params={"average": 2}),
    "ultimate_oscillator": Talib(lambda o, h, lo, c, v: talib.ULTOSC(h, lo, c, 7, 14, 28), PERCENT),
    "awesome_oscillator": Talib(lambda o, h, lo, c, v: talib.AO(h, lo, 5, 34), PRICE),
    "accelerator_oscillator": Talib(lambda o, h, lo, c, v: talib.AC(h, lo, 5, 34, 5), PRICE),
    "balance_of_power": Talib(lambda o, h, lo, c, v: talib.BOP(o, h, lo, c), RATIO),
}

SLOW = {
    "qstick": Slow(lambda o, h, lo, c, v, s: [slow.windows(c - o, 10, slow.mean)], PRICE, memory=10),
    "rsi": Slow(lambda o, h, lo, c, v, s: [slower.rsi(c, 14)], PERCENT, has_few_digits=True),
    "cmo_unsmoothed": Slow(
        lambda o, h, lo, c, v, s: [2.0 * slower.sum_share(slower.changes(c), 14, 50.0) - 100.0],
        PERCENT,
        memory=15,
        has_few_digits=True,
    ),
    "cutler_rsi": Slow(
        lambda o, h, lo, c, v, s: [slower.sum_share(slower.changes(c), 14)], PERCENT, memory=15, has_few_digits=True
    ),
    "imi": Slow(lambda o, h, lo, c, v, s: [slower.sum_share(c - o, 14, 50.0)], PERCENT, memory=14, has_few_digits=True),
    "psychological_line": Slow(lambda o, h, lo, c, v, s: [slower.psychological(c, 12)], PERCENT, memory=13),
    "relative_momentum_index": Slow(
        lambda o, h, lo, c, v, s: [slower.wilder_share(slower.changes(c, 5), 20)], PERCENT, has_few_digits=True
    ),
    "connors_rsi": Slow(lambda o, h, lo, c, v, s: [slower.connors(c, 3, 2, 100)], PERCENT, has_few_digits=True),
    "qqe": Slow(lambda o, h, lo, c, v, s: slower.qqe(c, 14, 5, 4.236), PERCENT, has_few_digits=True),
    "williams_r": Slow(
        lambda o, h, lo, c, v, s: [-100.0 * slow.place(-c, -lo, -h, 14)], PERCENT, memory=14, has_few_digits=True
    ),
    "stochastic": Slow(
        lambda o, h, lo, c, v, s: slow.stochastic(h, lo, c, 14, 3, 3), PERCENT, memory=18, has_few_digits=True
    ),
    "stochastic_fast": Slow(
        lambda o, h, lo, c, v, s: slower.stochastic_fast(h, lo, c, 14, 3), PERCENT, memory=16, has_few_digits=True
    ),
    "schaff_trend_cycle": Slow(lambda o, h, lo, c, v, s: [slower.schaff(c, 23, 50, 10, 0.5)], CYCLE),
    "disparity_index": Slow(lambda o, h, lo, c, v, s: [slower.disparity(c, 14)], PERCENT, memory=14),
    "forecast_oscillator": Slow(lambda o, h, lo, c, v, s: [slower.forecast_miss(c, 5)], PERCENT, memory=6),
    "forecast_oscillator:long": Slow(
        lambda o, h, lo, c, v, s: [slower.forecast_miss(c, 47)], PERCENT, memory=48, params={"period": 47}
    ),
    "ppo:simple": Slow(
        lambda o, h, lo, c, v, s: [slower.ppo(c, 12, 26, slower.over_windows)],
        PERCENT,
        memory=26,
        params={"average": 0},
    ),
    "ppo:weighted": Slow(
        lambda o, h, lo, c, v, s: [slower.ppo(c, 1, 9, lambda x, n: slower.over_windows(x, n, slow.weighted_mean))],
        PERCENT,
        memory=9,
        params={"fast": 1, "slow": 9, "average": 2},
    ),
    "cci": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(slow.typical(h, lo, c), 20, slow.cci_of)],
        PERCENT,
        memory=20,
        has_few_digits=True,
    ),
    "cci:eleven": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(slow.typical(h, lo, c), 11, slow.cci_of)],
        PERCENT,
        memory=11,
        has_few_digits=True,
        params={"period": 11},
    ),
    "ultimate_oscillator": Slow(
        lambda o, h, lo, c, v, s: slow.ultimate(h, lo, c, (7, 14, 28)), PERCENT, memory=29, has_few_digits=True
    ),
    "awesome_oscillator": Slow(lambda o, h, lo, c, v, s: [slower.awesome(h, lo, 5, 34)], PRICE, memory=34),
    "accelerator_oscillator": Slow(lambda o, h, lo, c, v, s: [slower.accelerator(h, lo, 5, 34, 5)], PRICE, memory=38),
    "balance_of_power": Slow(lambda o, h, lo, c, v, s: [slower.balance(o, h, lo, c)], RATIO, memory=1),
    "relative_vigor_index": Slow(
        lambda o, h, lo, c, v, s: slower.vigor(o, h, lo, c, 10), RATIO, memory=16, has_few_digits=True
    ),
    "polarized_fractal_efficiency": Slow(
        lambda o, h, lo, c, v, s: [slower.fractal_efficiency(c, 10, 5)], PERCENT, has_few_digits=True
    ),
    "squeeze_momentum": Slow(lambda o, h, lo, c, v, s: slower.squeeze(h, lo, c, 20, 2.0, 1.5), PRICE, memory=39),
}
