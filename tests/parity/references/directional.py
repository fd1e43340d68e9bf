"""References for direction, stops and trend strength: TA-Lib where it has them, and slow definitions."""

from __future__ import annotations

import numpy as np
import talib

from tests.parity import slow_directional as slow
from tests.parity import slow_indicators as basic
from tests.parity.cases import PERCENT, PRICE, RATIO, Columns, Slow, Talib


def directional_movement(h: np.ndarray, lo: np.ndarray, c: np.ndarray, period: int) -> Columns:
    moves = [talib.PLUS_DM(h, lo, period), talib.MINUS_DM(h, lo, period)]
    functions = (talib.PLUS_DI, talib.MINUS_DI, talib.DX, talib.ADX, talib.ADXR)
    return [*moves, *(function(h, lo, c, period) for function in functions)]


def movement_unit(bars: np.ndarray) -> np.ndarray:
    return np.array([PRICE(bars)] * 2 + [np.full(bars.shape[1], 100.0)] * 5)


def aroon(h: np.ndarray, lo: np.ndarray, period: int) -> Columns:
    down, up = talib.AROON(h, lo, period)
    return [up, down, talib.AROONOSC(h, lo, period)]


EXTENDED = {
    "start_value": 0.0,
    "offset_on_reverse": 0.03,
    "first_long": 0.01,
    "step_long": 0.03,
    "maximum_long": 0.15,
    "first_short": 0.04,
    "step_short": 0.05,
    "maximum_short": 0.3,
}


def extended(start_value: float) -> Talib:
    params = EXTENDED | {"start_value": start_value}

    def unit(bars: np.ndarray) -> np.ndarray:  # a stop far away leaves its rounding
        reach: np.ndarray = np.maximum(PRICE(bars), abs(start_value))
        return reach

    return Talib(lambda o, h, lo, c, v: talib.SAREXT(h, lo, *params.values()), unit, params)


TALIB = {
    "directional_movement": Talib(lambda o, h, lo, c, v: directional_movement(h, lo, c, 14), movement_unit),
    "directional_movement:two bars": Talib(
        lambda o, h, lo, c, v: directional_movement(h, lo, c, 2), movement_unit, {"period": 2}
    ),
    "adx": Talib(
        lambda o, h, lo, c, v: (talib.ADX(h, lo, c), talib.PLUS_DI(h, lo, c), talib.MINUS_DI(h, lo, c)), PERCENT
    ),
    "adxr": Talib(lambda o, h, lo, c, v: talib.ADXR(h, lo, c, 30), PERCENT, {"period": 30}),
    "dx": Talib(lambda o, h, lo, c, v: talib.DX(h, lo, c), PERCENT),
    "plus_di": Talib(lambda o, h, lo, c, v: talib.PLUS_DI(h, lo, c), PERCENT),
    "minus_di": Talib(lambda o, h, lo, c, v: talib.MINUS_DI(h, lo, c), PERCENT),
    "plus_dm": Talib(lambda o, h, lo, c, v: talib.PLUS_DM(h, lo), PRICE),
    "minus_dm": Talib(lambda o, h, lo, c, v: talib.MINUS_DM(h, lo), PRICE),
    "aroon": Talib(lambda o, h, lo, c, v: aroon(h, lo, 25), PERCENT),
    "aroon:two bars": Talib(lambda o, h, lo, c, v: aroon(h, lo, 2), PERCENT, {"period": 2}),
    "aroon_oscillator": Talib(lambda o, h, lo, c, v: talib.AROONOSC(h, lo, 14), PERCENT, {"period": 14}),
    "parabolic_sar": Talib(lambda o, h, lo, c, v: talib.SAR(h, lo, 0.02, 0.2), PRICE),
    # Where a stop and a low are the same decimal, the last bit decides which way it goes, and TA-Lib's binary rounds it
    # otherwise than its source: one bar of all recorded ones with a maximum of 0.2 here, none with 0.23.
    "parabolic_sar:over its limit": Talib(
        lambda o, h, lo, c, v: talib.SAR(h, lo, 0.3, 0.23), PRICE, {"acceleration": 0.3, "maximum": 0.23}
    ),
    "parabolic_sar_extended": Talib(lambda o, h, lo, c, v: talib.SAREXT(h, lo), PRICE),
    "parabolic_sar_extended:unequal sides": extended(0.0),
    "parabolic_sar_extended:starting long": extended(64.0),
    "parabolic_sar_extended:starting short": extended(-96.0),
}

SLOW = {
    "directional_movement": Slow(
        lambda o, h, lo, c, v, s: slow.directional_movement(h, lo, c, 14), movement_unit, has_few_digits=True
    ),
    "aroon": Slow(lambda o, h, lo, c, v, s: basic.aroon(h, lo, 25), PERCENT, memory=26, has_few_digits=True),
    "vortex": Slow(lambda o, h, lo, c, v, s: slow.vortex(h, lo, c, 14), RATIO, memory=15, has_few_digits=True),
    "vortex:one bar": Slow(
        lambda o, h, lo, c, v, s: slow.vortex(h, lo, c, 1), RATIO, 2, has_few_digits=True, params={"period": 1}
    ),
    "random_walk_index": Slow(
        lambda o, h, lo, c, v, s: slow.random_walk_index(h, lo, c, 14), RATIO, memory=15, has_few_digits=True
    ),
    "elder_ray": Slow(lambda o, h, lo, c, v, s: slow.elder_ray(h, lo, c, 13), PRICE),
    "ichimoku": Slow(lambda o, h, lo, c, v, s: basic.ichimoku(h, lo, (9, 26, 52), 26), PRICE, memory=78),
    "supertrend": Slow(lambda o, h, lo, c, v, s: basic.supertrend(h, lo, c, 10, 3.0), PRICE),
    "chandelier_exit": Slow(lambda o, h, lo, c, v, s: slow.chandelier_exit(h, lo, c, 22, 3.0), PRICE),
    "chande_kroll_stop": Slow(lambda o, h, lo, c, v, s: slow.chande_kroll_stop(h, lo, c, 10, 1.0, 9), PRICE),
    "gann_hilo": Slow(lambda o, h, lo, c, v, s: slow.gann_hilo(h, lo, c, 3), PRICE),
    "mass_index": Slow(lambda o, h, lo, c, v, s: slow.mass_index(h, lo, 25, 9), RATIO, has_few_digits=True),
    "choppiness": Slow(lambda o, h, lo, c, v, s: slow.choppiness(h, lo, c, 14), PERCENT, 15, has_few_digits=True),
    "vertical_horizontal_filter": Slow(
        lambda o, h, lo, c, v, s: slow.vertical_horizontal_filter(c, 28), RATIO, memory=29, has_few_digits=True
    ),
    "trend_intensity": Slow(
        lambda o, h, lo, c, v, s: slow.trend_intensity(c, 30, 60), PERCENT, memory=89, has_few_digits=True
    ),
    "accumulative_swing_index": Slow(
        lambda o, h, lo, c, v, s: slow.swing_index(o, h, lo, c, 50.0), PRICE, params={"limit_move": 50.0}
    ),
    "swing_index": Slow(
        lambda o, h, lo, c, v, s: slow.swing_index(o, h, lo, c, 50.0)[1:], PRICE, params={"limit_move": 50.0}
    ),
}
