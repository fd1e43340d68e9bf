"""Averages of the price and measures of its direction."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, Param, indicator
from bot4.quant.indicators.rolling import NAN, add_to_sum, after, seeded_average

TA_LIB = "TA-Lib 0.6"


@indicator(
    "sma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("sma",),
    state_size=lambda period: period + 1,
    warm_up=lambda period: period - 1,
    source=TA_LIB,
)
def sma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Mean of the last ``period`` closes."""
    period = int(params[0])
    slot = t0 % period
    prefix = state[period]
    for t in range(t0, t1):
        prefix = add_to_sum(state, 0, period, slot, prefix, bars[CLOSE, t & mask])
        slot = after(slot, period)
        out[0, t - t0] = (prefix + state[slot]) / period if t >= period - 1 else NAN
    state[period] = prefix


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
