"""The highest and lowest closes of a window, and where they are."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator
from bot4.quant.indicators.windows import (
    blank,
    window_count,
    window_latest_maxima,
    window_maxima,
    window_minima,
)

TA_LIB = "TA-Lib"


@kernel(void(array(f8, 2), i8, i8, i8, i8, f8, array(f8, 2), i8))
def put_extreme(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, sign: float, out: FloatArray, row: int
) -> None:
    """The highest close of each window, or the lowest if ``sign`` is -1, to an output."""
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, row, t1 - t0 - n)
    value = out[row, t1 - t0 - n : t1 - t0]
    if sign > 0.0:
        window_maxima(close, len(close), period, value)
    else:
        window_minima(close, len(close), period, value)


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_extremes(x: FloatArray, n: int, period: int, lowest: FloatArray, highest: FloatArray) -> int:
    """Least and greatest value of each window of ``x[:n]``; returns how many."""
    window_minima(x, n, period, lowest)
    found: int = window_maxima(x, n, period, highest)
    return found


@kernel(i8(array(f8, 2), i8, i8, i8, i8, f8, array(f8)))
def extreme_ages(bars: FloatArray, mask: int, t0: int, t1: int, period: int, sign: float, ages: FloatArray) -> int:
    """Bars since the highest close of each window (the lowest if ``sign`` is -1), the latest of equals; how many."""
    spare, signed, highest = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    for i in range(len(close)):
        signed[i] = sign * close[i]
    found: int = window_latest_maxima(signed, len(close), period, highest, ages)
    return found


@kernel(void(array(f8), i8, i8, array(f8, 2), i8, i8))
def put_index(ages: FloatArray, n: int, t1: int, out: FloatArray, row: int, count: int) -> None:
    """Numbers of the bars that were ``ages`` before the last ``n`` of ``count`` bars, which end before bar ``t1``."""
    apart()
    blank(out, row, count - n)
    index = out[row, count - n : count]
    first = float(t1 - n)
    for i in range(n):
        index[i] = first + i - ages[i]


@kernel(void(array(f8), i8, array(f8, 2), i8, i8))
def put_ages(ages: FloatArray, n: int, out: FloatArray, row: int, count: int) -> None:
    """Ages of the last ``n`` of ``count`` bars."""
    apart()
    blank(out, row, count - n)
    age = out[row, count - n : count]
    for i in range(n):
        age[i] = ages[i]


@indicator(
    "max",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("max",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (MAX)",
)
def highest_close(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Highest of the last ``period`` closes."""
    put_extreme(bars, mask, t0, t1, int(params[0]), 1.0, out, 0)


@indicator(
    "min",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("min",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (MIN)",
)
def lowest_close(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Lowest of the last ``period`` closes."""
    put_extreme(bars, mask, t0, t1, int(params[0]), -1.0, out, 0)


@indicator(
    "min_max",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("min", "max"),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (MINMAX)",
)
def extreme_closes(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Lowest and highest of the last ``period`` closes."""
    period, count = int(params[0]), t1 - t0
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, count - n)
    blank(out, 1, count - n)
    window_extremes(close, len(close), period, out[0, count - n : count], out[1, count - n : count])


@indicator(
    "max_index",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("index", "age"),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (MAXINDEX)",
)
def highest_close_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Bar of the highest of the last ``period`` closes, the latest of equals.

    ``index`` is its number, the first bar since the start (or since a gap) being 0; ``age`` is how many bars ago it
    was. TA-Lib gives the index too; of equals it gives the first or the last, depending on where its array began.
    """
    ages = scratch(SPAN)
    n: int = extreme_ages(bars, mask, t0, t1, int(params[0]), 1.0, ages)
    put_index(ages, n, t1, out, 0, t1 - t0)
    put_ages(ages, n, out, 1, t1 - t0)


@indicator(
    "min_index",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("index", "age"),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (MININDEX)",
)
def lowest_close_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Bar of the lowest of the last ``period`` closes, the latest of equals.

    ``index`` is its number, the first bar since the start (or since a gap) being 0; ``age`` is how many bars ago it
    was. TA-Lib gives the index too; of equals it gives the first or the last, depending on where its array began.
    """
    ages = scratch(SPAN)
    n: int = extreme_ages(bars, mask, t0, t1, int(params[0]), -1.0, ages)
    put_index(ages, n, t1, out, 0, t1 - t0)
    put_ages(ages, n, out, 1, t1 - t0)


@indicator(
    "min_max_index",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("min_index", "max_index"),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (MINMAXINDEX)",
)
def extreme_close_indices(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Bars of the lowest and highest of the last ``period`` closes, the latest of equals.

    Their numbers, as the ``index`` of ``min_index`` and ``max_index``.
    """
    ages = scratch(SPAN)
    n: int = extreme_ages(bars, mask, t0, t1, int(params[0]), -1.0, ages)
    put_index(ages, n, t1, out, 0, t1 - t0)
    n = extreme_ages(bars, mask, t0, t1, int(params[0]), 1.0, ages)
    put_index(ages, n, t1, out, 1, t1 - t0)


__all__ = ["extreme_ages", "window_extremes"]
