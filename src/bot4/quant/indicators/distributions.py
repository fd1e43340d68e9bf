"""The shape of a window's values, and the place of one among them."""

from __future__ import annotations

import math

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, b1, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.ranking import (
    count_below,
    insert_ordered,
    middle_distance,
    middle_of,
    replace_ordered,
)
from bot4.quant.indicators.registry import CLOSE, MAX_LOOKBACK, SPAN, Param, indicator
from bot4.quant.indicators.returns import simple_returns
from bot4.quant.indicators.windows import NAN, blank, negate, window_count, window_maxima, window_moments

TA_LIB = "TA-Lib"
MAX_BINS = 64
K_LOG2_K = np.array([0.0, *(k * math.log2(k) for k in range(1, MAX_LOOKBACK + 1))])


# --- powers of the distance from the mean ------------------------------------------------------------------------


@kernel(void(array(f8), i8, array(f8), b1, array(f8)))
def _add_powers(x: FloatArray, n: int, centres: FloatArray, is_fourth: bool, to: FloatArray) -> None:
    apart()
    if is_fourth:
        for i in range(n):
            square = (x[i] - centres[i]) * (x[i] - centres[i])
            to[i] += square * square
    else:
        for i in range(n):
            distance = x[i] - centres[i]
            to[i] += distance * distance * distance


@kernel(i8(array(f8), i8, i8, b1, array(f8), array(f8)))
def window_powers(x: FloatArray, n: int, period: int, is_fourth: bool, squares: FloatArray, powers: FloatArray) -> int:
    """Sums of the squared, and of the third or fourth, powers of each window's distances from its mean; how many.

    The squares are 0 where all values are equal.
    """
    means = scratch(SPAN)
    m: int = window_moments(x, n, period, means, squares)
    for i in range(m):
        means[i] = means[i] / period
        powers[i] = 0.0
    for k in range(period if m > 0 else 0):
        _add_powers(columns_from(x, k), m, means, is_fourth, powers)
    return m


@indicator(
    "skew",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 3, 440),),
    outputs=("skew",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="adjusted Fisher-Pearson skewness, as in pandas",
)
def skew(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Skewness of the last ``period`` closes: above 0 where the tail is above, 0 if they are all equal.

    ``sqrt(n (n - 1)) / (n - 2) m3 / m2^1.5`` with the second and third moments about the mean of ``n = period`` closes.
    """
    period = int(params[0])
    spare, squares, cubes = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n: int = window_powers(close, len(close), period, False, squares, cubes)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    factor = period * math.sqrt(period - 1.0) / (period - 2.0)
    for i in range(n):
        cubed = squares[i] * math.sqrt(squares[i])
        value[i] = factor * (cubes[i] / (cubed if cubed > 0.0 else 1.0)) if cubed > 0.0 else 0.0


@indicator(
    "kurtosis",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 4, 440),),
    outputs=("kurtosis",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="adjusted excess kurtosis, as in pandas",
)
def kurtosis(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Excess kurtosis of the last ``period`` closes: 0 for a normal distribution, and if they are all equal.

    ``(n - 1) / ((n - 2)(n - 3)) ((n + 1)(m4 / m2^2 - 3) + 6)`` with the second and fourth moments about the mean of
    ``n = period`` closes.
    """
    period = int(params[0])
    spare, squares, fourths = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n: int = window_powers(close, len(close), period, True, squares, fourths)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    factor = (period - 1.0) / ((period - 2.0) * (period - 3.0))
    for i in range(n):
        squared = squares[i] * squares[i]
        ratio = period * (fourths[i] / (squared if squared > 0.0 else 1.0))
        value[i] = factor * ((period + 1.0) * (ratio - 3.0) + 6.0) if squared > 0.0 else 0.0


# --- entropy -----------------------------------------------------------------------------------------------------


@kernel(f8(array(f8), i8, i8, f8, f8, array(f8)))
def histogram_entropy(values: FloatArray, n: int, bins: int, low: float, high: float, room: FloatArray) -> float:
    """Shannon entropy, in bits, of ``n`` values from ``low`` to ``high`` in equally wide bins; 0 if all are equal."""
    if not high > low:
        return 0.0
    per_width = bins / (high - low)
    for i in range(n):
        room[i] = (values[i] - low) * per_width
    total, counted = 0.0, 0
    for k in range(1, bins):
        below = count_below(room, n, float(k))
        total += K_LOG2_K[below - counted]
        counted = below
    total += K_LOG2_K[n - counted]
    bits: float = (K_LOG2_K[n] - total) / n
    return bits


@indicator(
    "entropy",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 100, 2, 439), Param("bins", 8, 2, MAX_BINS)),
    outputs=("entropy",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Shannon, A Mathematical Theory of Communication 1948, of a histogram of the returns",
)
def entropy(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Shannon entropy of the last ``period`` returns ``close / last close - 1``, in bits: ``-sum p log2 p``.

    ``p`` is the part of the returns in each of ``bins`` equally wide bins from the lowest to the highest of them. From
    0, if all are equal, to ``log2(bins)``.
    """
    period, bins = int(params[0]), int(params[1])
    spare, returns, negated, room = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highest, lowest = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    found: int = simple_returns(close, len(close), returns)
    n: int = window_maxima(returns, found, period, highest)
    negate(returns, negated, found)
    window_maxima(negated, found, period, lowest)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    for i in range(n):
        value[i] = histogram_entropy(columns_from(returns, i), period, bins, -lowest[i], highest[i], room)


# --- ranks -------------------------------------------------------------------------------------------------------


@indicator(
    "percent_rank",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 100, 1, 440),),
    outputs=("percent_rank",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (PERCENTRANK); Connors",
)
def percent_rank(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Percent of the ``period`` closes before this one that were below it."""
    period = int(params[0])
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n = window_count(close, period + 1)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    for i in range(n):
        value[i] = 100.0 * (count_below(columns_from(close, i), period, close[i + period]) / period)


@kernel(b1(array(f8), i8, i8, i8, array(f8), array(f8)))
def slide_ordered(close: FloatArray, i: int, t: int, period: int, ordered: FloatArray, room: FloatArray) -> bool:
    """Take ``close[i]``, which is bar ``t``, into an ordered window; whether it then has ``period`` values."""
    if t < period:
        insert_ordered(ordered, t, close[i])
    else:
        replace_ordered(ordered, period, close[i - period], close[i], room)
    return t >= period - 1


@indicator(
    "percentile",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 2, 440), Param("percent", 50.0, 0.0, 100.0)),
    outputs=("percentile",),
    state_size=lambda period: period,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period,
    source=f"{TA_LIB} (PERCENTILE)",
)
def percentile(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The least of the last ``period`` closes that ``percent`` of them do not exceed (nearest rank).

    In ascending order it is the one at place ``ceil(percent period / 100)``, from 1.
    """
    period = int(params[0])
    place = min(max(math.ceil(params[1] * period / 100.0), 1), period) - 1
    spare, room = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    first = len(close) - (t1 - t0)
    for t in range(t0, t1):
        is_full = slide_ordered(close, first + t - t0, t, period, state, room)
        out[0, t - t0] = state[place] if is_full else NAN


@indicator(
    "quantile",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 2, 440), Param("fraction", 0.5, 0.0, 1.0)),
    outputs=("quantile",),
    state_size=lambda period: period,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period,
    source="linear quantile, type 7 of Hyndman and Fan 1996, as in NumPy and pandas",
)
def quantile(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Quantile of the last ``period`` closes, between two of them if need be.

    At place ``fraction (period - 1)`` of the closes in ascending order, from 0, on the line between its neighbours.
    """
    period = int(params[0])
    place = params[1] * (period - 1.0)
    below = min(int(place), period - 2)
    part = place - below
    spare, room = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    first = len(close) - (t1 - t0)
    for t in range(t0, t1):
        is_full = slide_ordered(close, first + t - t0, t, period, state, room)
        out[0, t - t0] = state[below] + part * (state[below + 1] - state[below]) if is_full else NAN


@indicator(
    "median",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("median",),
    state_size=lambda period: period,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period,
    source="sample median",
)
def median(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Median of the last ``period`` closes; the mean of the two in the middle if they are even."""
    period = int(params[0])
    spare, room = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    first = len(close) - (t1 - t0)
    for t in range(t0, t1):
        is_full = slide_ordered(close, first + t - t0, t, period, state, room)
        out[0, t - t0] = middle_of(state, period) if is_full else NAN


@indicator(
    "median_absolute_deviation",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("median_absolute_deviation",),
    state_size=lambda period: period,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period,
    source="Hampel, The Influence Curve and Its Role in Robust Estimation 1974",
)
def median_absolute_deviation(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Median distance of the last ``period`` closes from their median (MAD), in units of price, unscaled.

    Times 1.4826 it estimates the standard deviation of normal values.
    """
    period = int(params[0])
    spare, room = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    first = len(close) - (t1 - t0)
    for t in range(t0, t1):
        is_full = slide_ordered(close, first + t - t0, t, period, state, room)
        out[0, t - t0] = middle_distance(state, period, middle_of(state, period)) if is_full else NAN


__all__ = ["histogram_entropy", "window_powers"]
