"""References for the momentum indicators: TA-Lib where it has them, else slow definitions."""

from __future__ import annotations

import talib

from tests.parity import slow_indicators as slow
from tests.parity.cases import PERCENT, PRICE, Slow, Talib

TALIB = {
    "rsi": Talib(lambda o, h, lo, c, v: talib.RSI(c, 14), PERCENT),
    "cmo": Talib(lambda o, h, lo, c, v: talib.CMO(c, 14), PERCENT),
    "stochastic": Talib(lambda o, h, lo, c, v: talib.STOCH(h, lo, c, 14, 3, 0, 3, 0), PERCENT),
    "williams_r": Talib(lambda o, h, lo, c, v: talib.WILLR(h, lo, c, 14), PERCENT),
    "cci": Talib(lambda o, h, lo, c, v: talib.CCI(h, lo, c, 20), PERCENT),
    "roc": Talib(lambda o, h, lo, c, v: talib.ROC(c, 10), PERCENT),
    "momentum": Talib(lambda o, h, lo, c, v: talib.MOM(c, 10), PRICE),
    "trix": Talib(lambda o, h, lo, c, v: talib.TRIX(c, 15), PERCENT),
    "ppo": Talib(lambda o, h, lo, c, v: talib.PPO(c, 12, 26, 1), PERCENT),
    "ultimate_oscillator": Talib(lambda o, h, lo, c, v: talib.ULTOSC(h, lo, c, 7, 14, 28), PERCENT),
}

SLOW = {
    "williams_r": Slow(
        lambda o, h, lo, c, v, s: [-100.0 * slow.place(-c, -lo, -h, 14)], PERCENT, memory=14, has_few_digits=True
    ),
    "stochastic": Slow(
        lambda o, h, lo, c, v, s: slow.stochastic(h, lo, c, 14, 3, 3), PERCENT, memory=18, has_few_digits=True
    ),
    "cci": Slow(
        lambda o, h, lo, c, v, s: [slow.windows(slow.typical(h, lo, c), 20, slow.cci_of)],
        PERCENT,
        memory=20,
        has_few_digits=True,
    ),
    "ultimate_oscillator": Slow(
        lambda o, h, lo, c, v, s: slow.ultimate(h, lo, c, (7, 14, 28)), PERCENT, memory=29, has_few_digits=True
    ),
}
