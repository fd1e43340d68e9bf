"""Averages of the price."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.recursions import seeded_average
from bot4.quant.indicators.registry import CLOSE, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_sum,
    add_to_weighted,
    after,
    close_sums,
    close_weighted,
    slot_at,
    sum_size,
    weighted_size,
    window_sum,
    window_weighted_mean,
)

TA_LIB = "TA-Lib"


@indicator(
    "sma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("sma",),
    state_size=sum_size,
    warm_up=lambda period: period - 1,
    source=TA_LIB,
)
def sma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Mean of the last ``period`` closes."""
    period = int(params[0])
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        add_to_sum(state, 0, period, slot, bars[CLOSE, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_sums(state, 0, period)
        out[0, t - t0] = window_sum(state, 0, period, slot) / period if t >= period - 1 else NAN


@indicator(
    "ema",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("ema",),
    state_size=1,
    warm_up=lambda period: period - 1,
    source=TA_LIB,
)
def ema(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``ema += 2 / (period + 1) (close - ema)``, from the mean of the first ``period`` closes."""
    period = int(params[0])
    alpha = 2.0 / (period + 1)
    average = state[0]
    for t in range(t0, t1):
        average = seeded_average(average, bars[CLOSE, t & mask], alpha, t, period)
        out[0, t - t0] = average if t >= period - 1 else NAN
    state[0] = average


@indicator(
    "wma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("wma",),
    state_size=weighted_size,
    warm_up=lambda period: period - 1,
    source=TA_LIB,
)
def wma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Mean of the last ``period`` closes with weights 1 (oldest) to ``period`` (newest)."""
    period = int(params[0])
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        add_to_weighted(state, 0, period, slot, bars[CLOSE, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_weighted(state, 0, period)
        out[0, t - t0] = window_weighted_mean(state, 0, period, slot) if t >= period - 1 else NAN


@indicator(
    "dema",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("dema",),
    state_size=2,
    warm_up=lambda period: 2 * (period - 1),
    source=TA_LIB,
)
def dema(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``2 EMA - EMA(EMA)``, each started from the mean of its first ``period`` values."""
    period = int(params[0])
    alpha = 2.0 / (period + 1)
    once, twice = state[0], state[1]
    for t in range(t0, t1):
        once = seeded_average(once, bars[CLOSE, t & mask], alpha, t, period)
        if t >= period - 1:
            twice = seeded_average(twice, once, alpha, t - (period - 1), period)
        out[0, t - t0] = 2.0 * once - twice if t >= 2 * (period - 1) else NAN
    state[0], state[1] = once, twice


@indicator(
    "tema",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("tema",),
    state_size=3,
    warm_up=lambda period: 3 * (period - 1),
    source=TA_LIB,
)
def tema(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``3 EMA - 3 EMA(EMA) + EMA(EMA(EMA))``, each started from the mean of its first ``period`` values."""
    period = int(params[0])
    alpha = 2.0 / (period + 1)
    lag = period - 1
    once, twice, thrice = state[0], state[1], state[2]
    for t in range(t0, t1):
        once = seeded_average(once, bars[CLOSE, t & mask], alpha, t, period)
        if t >= lag:
            twice = seeded_average(twice, once, alpha, t - lag, period)
        if t >= 2 * lag:
            thrice = seeded_average(thrice, twice, alpha, t - 2 * lag, period)
        out[0, t - t0] = 3.0 * once - 3.0 * twice + thrice if t >= 3 * lag else NAN
    state[0], state[1], state[2] = once, twice, thrice


@indicator(
    "kama",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 10, 2, 440),),
    outputs=("kama",),
    state_size=lambda period: sum_size(period) + 1,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB}; Kaufman 1995",
)
def kama(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``kama += c^2 (close - kama)``, ``c = 2/31 + er (2/3 - 2/31)``, ``er`` the efficiency ratio.

    It starts from the close before the first output. Without any movement ``er`` is 1.
    """
    period = int(params[0])
    slow = 2.0 / 31.0
    spread = 2.0 / 3.0 - slow
    average = state[period + 1]
    slot = slot_at(t0, 1, period)
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        if t > 0:
            add_to_sum(state, 0, period, slot, abs(close - bars[CLOSE, (t - 1) & mask]))
            slot = after(slot, period)
            if slot == 0:
                close_sums(state, 0, period)
        out[0, t - t0] = NAN
        if t >= period:
            if t == period:
                average = bars[CLOSE, (t - 1) & mask]
            path = window_sum(state, 0, period, slot)
            direct = abs(close - bars[CLOSE, (t - period) & mask])
            ratio = direct / path if direct < path else 1.0
            speed = slow + ratio * spread
            average += speed * speed * (close - average)
            out[0, t - t0] = average
    state[period + 1] = average


@indicator(
    "hma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 16, 2, 400),),
    outputs=("hma",),
    state_size=lambda period: weighted_size(period) + weighted_size(period // 2) + weighted_size(math.isqrt(period)),
    warm_up=lambda period: period - 1 + math.isqrt(period) - 1,
    source="Alan Hull, https://alanhull.com/hull-moving-average",
)
def hma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``WMA(2 WMA(close, period // 2) - WMA(close, period), floor(sqrt(period)))``."""
    period = int(params[0])
    half = period // 2
    root = int(math.sqrt(params[0]))
    at_half = period + 2
    at_root = at_half + half + 2
    slot, half_slot, root_slot = slot_at(t0, 0, period), slot_at(t0, 0, half), slot_at(t0, period - 1, root)
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        add_to_weighted(state, 0, period, slot, close)
        add_to_weighted(state, at_half, half, half_slot, close)
        slot, half_slot = after(slot, period), after(half_slot, half)
        if slot == 0:
            close_weighted(state, 0, period)
        if half_slot == 0:
            close_weighted(state, at_half, half)
        if t >= period - 1:
            quick = window_weighted_mean(state, at_half, half, half_slot)
            add_to_weighted(state, at_root, root, root_slot, 2.0 * quick - window_weighted_mean(state, 0, period, slot))
            root_slot = after(root_slot, root)
            if root_slot == 0:
                close_weighted(state, at_root, root)
        defined = t >= period + root - 2
        out[0, t - t0] = window_weighted_mean(state, at_root, root, root_slot) if defined else NAN
