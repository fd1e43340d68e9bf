"""How the price is spread about its mean or its line."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_line,
    add_to_moments,
    add_to_sum,
    after,
    close_lines,
    close_moments,
    close_sums,
    line_size,
    moments_size,
    slot_at,
    sum_size,
    window_covariation,
    window_mean,
    window_sum,
    window_variance,
    window_variation,
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


@indicator(
    "linear_regression_slope",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 500),),
    outputs=("slope",),
    state_size=line_size,
    warm_up=lambda period: period - 1,
    source=TA_LIB,
)
def linear_regression_slope(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Slope, in price per bar, of the least-squares line through the last ``period`` closes."""
    period = int(params[0])
    spread = params[0] * (params[0] * params[0] - 1.0) / 12.0
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        add_to_line(state, 0, period, slot, bars[CLOSE, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_lines(state, 0, period)
        out[0, t - t0] = window_covariation(state, 0, period, slot) / spread if t >= period - 1 else NAN


@indicator(
    "linear_regression_r2",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 500),),
    outputs=("r2",),
    state_size=line_size,
    warm_up=lambda period: period - 1,
    source="coefficient of determination of simple linear regression",
)
def linear_regression_r2(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Share of the variance of the last ``period`` closes that their least-squares line explains; 0 if flat."""
    period = int(params[0])
    spread = params[0] * (params[0] * params[0] - 1.0) / 12.0
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        add_to_line(state, 0, period, slot, bars[CLOSE, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_lines(state, 0, period)
        out[0, t - t0] = NAN
        if t >= period - 1:
            covariation = window_covariation(state, 0, period, slot)
            variation = window_variation(state, 0, period, slot)
            r2 = covariation * covariation / (spread * variation) if variation > 0.0 else 0.0
            out[0, t - t0] = r2 if r2 < 1.0 else 1.0
