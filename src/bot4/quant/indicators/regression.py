"""The straight line through the last closes."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_line,
    after,
    close_lines,
    line_size,
    slot_at,
    window_covariation,
    window_variation,
)

TA_LIB = "TA-Lib"


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
