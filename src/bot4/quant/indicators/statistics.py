"""How the price is spread about its mean or its line."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_moments,
    add_to_sum,
    after,
    close_moments,
    close_sums,
    moments_size,
    slot_at,
    sum_size,
    window_mean,
    window_sum,
    window_variance,
)

TA_LIB = "TA-Lib"


@indicator(
    "standard_deviation",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 500),),
    outputs=("standard_deviation",),
    state_size=moments_size,
    warm_up=lambda period: period - 1,
    source=TA_LIB,
)
def standard_deviation(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Population standard deviation of the last ``period`` closes."""
    period = int(params[0])
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        value = bars[CLOSE, t & mask]
        add_to_moments(state, 0, period, slot, value)
        slot = after(slot, period)
        if slot == 0:
            close_moments(state, 0, period)
        out[0, t - t0] = NAN
        if t >= period - 1:
            deviation = math.sqrt(window_variance(state, 0, period, slot))
            out[0, t - t0] = deviation


@indicator(
    "z_score",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 50, 2, 500),),
    outputs=("z_score",),
    state_size=moments_size,
    warm_up=lambda period: period - 1,
    source="standard score",
)
def z_score(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``(close - mean) / population standard deviation`` of the last ``period`` closes; 0 if they are all equal."""
    period = int(params[0])
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        value = bars[CLOSE, t & mask]
        add_to_moments(state, 0, period, slot, value)
        slot = after(slot, period)
        if slot == 0:
            close_moments(state, 0, period)
        out[0, t - t0] = NAN
        if t >= period - 1:
            deviation = math.sqrt(window_variance(state, 0, period, slot))
            distance = value - window_mean(state, 0, period, slot)
            out[0, t - t0] = distance / deviation if deviation > 0.0 else 0.0


@indicator(
    "efficiency_ratio",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("efficiency_ratio",),
    state_size=sum_size,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Kaufman 1995",
)
def efficiency_ratio(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``|close - close period bars ago| / sum |change|`` over those bars; 0 if the close never moved."""
    period = int(params[0])
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
            path = window_sum(state, 0, period, slot)
            direct = abs(close - bars[CLOSE, (t - period) & mask])
            ratio = direct / path if path > 0.0 else 0.0
            out[0, t - t0] = ratio if ratio < 1.0 else 1.0
