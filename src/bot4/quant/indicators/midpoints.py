"""Middles of the range of the last bars."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.windows import blank, window_count, window_maxima, window_minima

TA_LIB = "TA-Lib"


@kernel(void(array(f8), array(f8), i8, i8, i8, array(f8, 2)))
def _place_middles(high: FloatArray, low: FloatArray, t0: int, t1: int, period: int, out: FloatArray) -> None:
    """``(greatest of high + least of low) / 2`` of the windows in two stretches that end at the bar ``t1 - 1``."""
    least = scratch(SPAN)
    n = window_count(high, period)
    blank(out, 0, t1 - t0 - n)
    middle = columns_from(out[0], t1 - t0 - n)
    window_minima(low, len(low), period, least)
    window_maxima(high, len(high), period, middle)
    for i in range(n):
        middle[i] = 0.5 * (middle[i] + least[i])


@indicator(
    "midpoint",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 440),),
    outputs=("midpoint",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def midpoint(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Middle between the highest and the lowest of the last ``period`` closes."""
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (int(params[0]) - 1), t1, spare)
    _place_middles(close, close, t0, t1, int(params[0]), out)


@indicator(
    "midprice",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("period", 14, 1, 440),),
    outputs=("midprice",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def midprice(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Middle between the highest high and the lowest low of the last ``period`` bars."""
    spare_high, spare_low = scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - (int(params[0]) - 1), t1, spare_high)
    low = stretch(bars, LOW, mask, t0 - (int(params[0]) - 1), t1, spare_low)
    _place_middles(high, low, t0, t1, int(params[0]), out)
