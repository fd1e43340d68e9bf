"""Exponential averages, and averages of averages."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from, scratch, stretch
from bot4.quant.indicators.recursions import average_from, blank_before
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE

TA_LIB = "TA-Lib"


@indicator(
    "ema",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("ema",),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: period - 1,
    source=TA_LIB,
)
def ema(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``ema += 2 / (period + 1) (close - ema)``, from the mean of the first ``period`` closes."""
    period = int(params[0])
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    average_from(close, t0, t1, 0, period, 2.0 / (period + 1), state, 0, out[0])
    blank_before(period - 1, t0, t1, out, 0)


@indicator(
    "smma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 500),),
    outputs=("smma",),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: period - 1,
    source="Wilder 1978; TA-Lib RMA",
)
def smma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Smoothed average, Wilder's: ``smma += (close - smma) / period``, from the mean of the first ``period`` closes."""
    period = int(params[0])
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    average_from(close, t0, t1, 0, period, 1.0 / period, state, 0, out[0])
    blank_before(period - 1, t0, t1, out, 0)


@kernel(void(array(f8), i8, i8, i8, i8, f8, array(f8), array(f8), array(f8)))
def _average_twice(
    values: FloatArray,
    t0: int,
    t1: int,
    first: int,
    period: int,
    alpha: float,
    state: FloatArray,
    once: FloatArray,
    twice: FloatArray,
) -> None:
    """The average of values that begin at the bar ``first``, and the average of that."""
    average_from(values, t0, t1, first, period, alpha, state, 0, once)
    average_from(once, t0, t1, first + period - 1, period, alpha, state, AVERAGE_SIZE, twice)


@indicator(
    "dema",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("dema",),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda period: 2 * (period - 1),
    source=TA_LIB,
)
def dema(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``2 EMA - EMA(EMA)``, each started from the mean of its first ``period`` values."""
    period = int(params[0])
    spare, once, twice = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    _average_twice(close, t0, t1, 0, period, 2.0 / (period + 1), state, once, twice)
    dema = out[0]
    for i in range(t1 - t0):
        dema[i] = 2.0 * once[i] - twice[i]
    blank_before(2 * (period - 1), t0, t1, out, 0)


@indicator(
    "tema",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 500),),
    outputs=("tema",),
    state_size=3 * AVERAGE_SIZE,
    warm_up=lambda period: 3 * (period - 1),
    source=TA_LIB,
)
def tema(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``3 EMA - 3 EMA(EMA) + EMA(EMA(EMA))``, each started from the mean of its first ``period`` values."""
    period = int(params[0])
    alpha = 2.0 / (period + 1)
    spare, once, twice, thrice = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    _average_twice(close, t0, t1, 0, period, alpha, state, once, twice)
    average_from(twice, t0, t1, 2 * (period - 1), period, alpha, state, 2 * AVERAGE_SIZE, thrice)
    tema = out[0]
    for i in range(t1 - t0):
        tema[i] = 3.0 * once[i] - 3.0 * twice[i] + thrice[i]
    blank_before(3 * (period - 1), t0, t1, out, 0)


@indicator(
    "t3",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 5, 1, 500), Param("volume_factor", 0.7, 0.0, 1.0)),
    outputs=("t3",),
    state_size=6 * AVERAGE_SIZE,
    warm_up=lambda period: 6 * (period - 1),
    source=f"{TA_LIB}; Tillson 1998",
)
def t3(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Tillson's average: ``GD(GD(GD(close)))``, ``GD(x) = (1 + v) EMA(x) - v EMA(EMA(x))``, ``v`` the volume factor.

    Written out it is a sum of the third to the sixth of six averages of each other, each started from the mean of its
    first ``period`` values.
    """
    period, v = int(params[0]), params[1]
    alpha, lag = 2.0 / (period + 1), period - 1
    spare, odd, even = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    third, fourth = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    _average_twice(close, t0, t1, 0, period, alpha, state, odd, even)
    later = columns_from(state, 2 * AVERAGE_SIZE)
    _average_twice(even, t0, t1, 2 * lag, period, alpha, later, third, fourth)
    last = columns_from(state, 4 * AVERAGE_SIZE)
    _average_twice(fourth, t0, t1, 4 * lag, period, alpha, last, odd, even)
    w3, w4 = (1.0 + v) * (1.0 + v) * (1.0 + v), -3.0 * v * (1.0 + v) * (1.0 + v)
    w5, w6 = 3.0 * v * v * (1.0 + v), -v * v * v
    t3 = out[0]
    for i in range(t1 - t0):
        t3[i] = (w6 * even[i] + w5 * odd[i]) + (w4 * fourth[i] + w3 * third[i])
    blank_before(6 * lag, t0, t1, out, 0)


@indicator(
    "zlema",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 440),),
    outputs=("zlema",),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: (period - 1) // 2 + period - 1,
    lookback=lambda period: (period - 1) // 2,
    source=f"{TA_LIB}; Ehlers and Way 2010",
)
def zlema(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """EMA of ``2 close - close lag bars ago``, ``lag = (period - 1) // 2``, from the mean of the first ``period``."""
    period = int(params[0])
    lag = (period - 1) // 2
    spare, ahead = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - lag, t1, spare)
    n = max(len(close) - lag, 0)
    last = columns_from(close, lag)
    for i in range(n):
        ahead[i] = 2.0 * last[i] - close[i]
    average_from(ahead, t1 - n, t1, lag, period, 2.0 / (period + 1), state, 0, columns_from(out[0], t1 - t0 - n))
    blank_before(lag + period - 1, t0, t1, out, 0)
