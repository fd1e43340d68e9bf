"""How the price is spread about its mean, and how straight its way was."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator
from bot4.quant.indicators.windows import blank, scale, window_count, window_moments, window_sums

TA_LIB = "TA-Lib"


@indicator(
    "standard_deviation",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 440),),
    outputs=("standard_deviation",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (STDDEV)",
)
def standard_deviation(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Population standard deviation of the last ``period`` closes, in units of price."""
    period = int(params[0])
    spare, sums = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    window_moments(close, len(close), period, sums, value)
    per_value = 1.0 / period
    for i in range(n):
        value[i] = math.sqrt(per_value * value[i])


@indicator(
    "variance",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 440),),
    outputs=("variance",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (VAR)",
)
def variance(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Population variance of the last ``period`` closes, in units of price squared."""
    period = int(params[0])
    spare, sums = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    window_moments(close, len(close), period, sums, value)
    scale(value, n, 1.0 / period)


@indicator(
    "z_score",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 50, 2, 440),),
    outputs=("z_score",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="standard score",
)
def z_score(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Distance of the close from its mean in standard deviations: ``(close - mean) / population deviation``.

    Of the last ``period`` closes; 0 if they are all equal.
    """
    period = int(params[0])
    spare, sums, squares = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_moments(close, len(close), period, sums, squares)
    blank(out, 0, t1 - t0 - n)
    value, last = out[0, t1 - t0 - n : t1 - t0], columns_from(close, period - 1)
    per_value = 1.0 / period
    for i in range(n):
        deviation = math.sqrt(per_value * squares[i])
        distance = last[i] - per_value * sums[i]
        value[i] = distance / (deviation if deviation > 0.0 else 1.0) if deviation > 0.0 else 0.0


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_distances(x: FloatArray, n: int, period: int, centres: FloatArray, out: FloatArray) -> int:
    """Sum of the absolute distances of each window of ``x[:n]`` from its centre; returns how many windows.

    They are added four at a time, oldest first.
    """
    m = n - period + 1
    if m <= 0:
        return 0
    for i in range(m):
        out[i] = 0.0
    k = 0
    while k + 4 <= period:
        _add_four_distances(columns_from(x, k), m, centres, out)
        k += 4
    while k < period:
        _add_distances(columns_from(x, k), m, centres, out)
        k += 1
    return m


@kernel(void(array(f8), i8, array(f8), array(f8)))
def _add_four_distances(x: FloatArray, n: int, centres: FloatArray, to: FloatArray) -> None:
    apart()
    b, c, d = columns_from(x, 1), columns_from(x, 2), columns_from(x, 3)
    for i in range(n):
        centre = centres[i]
        to[i] += (abs(x[i] - centre) + abs(b[i] - centre)) + (abs(c[i] - centre) + abs(d[i] - centre))


@kernel(void(array(f8), i8, array(f8), array(f8)))
def _add_distances(x: FloatArray, n: int, centres: FloatArray, to: FloatArray) -> None:
    apart()
    for i in range(n):
        to[i] += abs(x[i] - centres[i])


@indicator(
    "mean_absolute_deviation",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 440),),
    outputs=("mean_absolute_deviation",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (AVGDEV)",
)
def mean_absolute_deviation(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Mean distance of the last ``period`` closes from their mean, in units of price."""
    period = int(params[0])
    spare, mean = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n: int = window_sums(close, len(close), period, mean)
    scale(mean, n, 1.0 / period)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    window_distances(close, len(close), period, mean, value)
    scale(value, n, 1.0 / period)


@indicator(
    "efficiency_ratio",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("efficiency_ratio",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (ER); Kaufman, Smarter Trading 1995",
)
def efficiency_ratio(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """How straight the way was: ``|close - close period bars ago| / sum |change|`` over those bars, from 0 to 1.

    0 if the close never moved.
    """
    period = int(params[0])
    spare, steps, path = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    later, last = columns_from(close, 1), columns_from(close, period)
    for i in range(len(close) - 1):
        steps[i] = abs(later[i] - close[i])
    n: int = window_sums(steps, len(close) - 1, period, path)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    for i in range(n):
        ratio = abs(last[i] - close[i]) / (path[i] if path[i] > 0.0 else 1.0)
        value[i] = ratio if ratio < 1.0 else 1.0


__all__ = ["window_distances"]
