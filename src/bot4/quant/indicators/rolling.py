"""Windows that slide in constant time, exactly and without drift, and the averages that need no window.

The values are cut into blocks of ``period``. A window of ``period`` values is then a *suffix* of the last
whole block and a *prefix* of the current one: the suffixes are computed once when a block ends (in place, over
the block's own values), the prefix grows with each value, and a window is the two put together. Nothing is
ever subtracted, so what left a window leaves no trace, however large it was; and since blocks begin at fixed
values, every partition of the bars gives the same bits. (van Herk 1992, Gil and Werman 1993, for extremes.)

A window lives in the state of its indicator from ``at`` on and takes ``*_size(period)`` values. Its user keeps
``slot``, the number of the value modulo ``period``::

    add_to_sum(state, at, period, slot, value)
    slot = after(slot, period)
    if slot == 0:
        close_sums(state, at, period)  # a block ended
    total = window_sum(state, at, period, slot)  # of the last `period` values

Until ``period`` values were added the result is not defined and must not be used. (Closing is a call of its own,
so that adding a value, which happens at every bar, stays small.)
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, VOLUME

NAN = float("nan")
INF = float("inf")


@kernel(i8(i8, i8, i8))
def slot_at(t: int, first: int, period: int) -> int:
    """The slot of bar ``t`` in a window whose first value is that of bar ``first``."""
    return (t - first) % period if t > first else 0


@kernel(i8(i8, i8))
def after(slot: int, period: int) -> int:
    """The slot after this one."""
    return slot + 1 if slot + 1 < period else 0


# --- sums: [period values or suffix sums | prefix sum] -----------------------------------------------------------


def sum_size(period: int) -> int:
    """State of a summed window."""
    return period + 1


@kernel(void(array(f8), i8, i8))
def close_sums(state: FloatArray, at: int, period: int) -> None:
    """Turn the values of a whole block into their sums from the end, in place."""
    total = 0.0
    for i in range(at + period - 1, at - 1, -1):
        total += state[i]
        state[i] = total
    state[at + period] = 0.0


@kernel(void(array(f8), i8, i8, i8, f8))
def add_to_sum(state: FloatArray, at: int, period: int, slot: int, value: float) -> None:
    """Add a value to a window that is summed."""
    state[at + slot] = value
    state[at + period] += value


@kernel(f8(array(f8), i8, i8, i8))
def window_sum(state: FloatArray, at: int, period: int, slot: int) -> float:
    """Sum of the last ``period`` values; ``slot`` is the next one's."""
    total: float = state[at + period] + state[at + slot]
    return total


# --- greatest values: [period values or suffix maxima | prefix maximum] ------------------------------------------


def max_size(period: int) -> int:
    """State of a window of which the greatest value is asked (the least, by adding what is negated)."""
    return period + 1


@kernel(void(array(f8), i8, i8))
def close_maxima(state: FloatArray, at: int, period: int) -> None:
    """Turn the values of a whole block into the greatest from there to the end, in place."""
    greatest = -INF
    for i in range(at + period - 1, at - 1, -1):
        greatest = state[i] if state[i] > greatest else greatest
        state[i] = greatest
    state[at + period] = -INF


@kernel(void(array(f8), i8, i8, i8, f8))
def add_to_max(state: FloatArray, at: int, period: int, slot: int, value: float) -> None:
    """Add a value to a window of which the greatest is asked."""
    state[at + slot] = value
    prefix = state[at + period]
    state[at + period] = value if slot == 0 or value > prefix else prefix


@kernel(f8(array(f8), i8, i8, i8))
def window_max(state: FloatArray, at: int, period: int, slot: int) -> float:
    """Greatest of the last ``period`` values; ``slot`` is the next one's."""
    prefix: float = state[at + period]
    suffix: float = state[at + slot]
    return prefix if prefix > suffix else suffix


# --- the bar of the greatest value: [values | bars of the suffix maxima | prefix maximum, its bar] ----------------


def latest_max_size(period: int) -> int:
    """State of a window of which the bar of the greatest value is asked."""
    return 2 * period + 2


@kernel(void(array(f8), i8, i8, i8))
def close_latest_maxima(state: FloatArray, at: int, period: int, t: int) -> None:
    """Turn a whole block that ends at bar ``t`` into its suffix maxima and their latest bars."""
    greatest = -INF
    when = t
    for k in range(period - 1, -1, -1):
        if state[at + k] > greatest:
            greatest = state[at + k]
            when = t - (period - 1 - k)
        state[at + k] = greatest
        state[at + period + k] = when
    state[at + 2 * period] = -INF


@kernel(void(array(f8), i8, i8, i8, f8, i8))
def add_to_latest_max(state: FloatArray, at: int, period: int, slot: int, value: float, t: int) -> None:
    """Add the value of bar ``t`` to a window of which the bar of the greatest is asked."""
    prefix = at + 2 * period
    state[at + slot] = value
    if slot == 0 or value >= state[prefix]:
        state[prefix] = value
        state[prefix + 1] = t


@kernel(f8(array(f8), i8, i8, i8))
def latest_max_bar(state: FloatArray, at: int, period: int, slot: int) -> float:
    """The latest bar that holds the greatest of the last ``period`` values."""
    prefix = at + 2 * period
    bar: float = state[prefix + 1] if state[prefix] >= state[at + slot] else state[at + period + slot]
    return bar


# --- mean and variance: [suffix sums | suffix square sums | anchor, prefix sum, prefix square sum] ----------------
#
# Sums are of the distances to an anchor, the last value of the last whole block, which is always in the window.
# So (mean - anchor)^2 is at most period times the variance, and the subtraction that gives the variance loses
# at most period + 1 units in the last place.


def moments_size(period: int) -> int:
    """State of a window of which mean and variance are asked."""
    return 2 * period + 3


@kernel(void(array(f8), i8, i8))
def close_moments(state: FloatArray, at: int, period: int) -> None:
    """Anchor a whole block at its last value and sum distances and squares from the end, in place."""
    anchor = state[at + period - 1]
    total = 0.0
    squares = 0.0
    for i in range(at + period - 1, at - 1, -1):
        distance = state[i] - anchor
        total += distance
        squares += distance * distance
        state[i] = total
        state[i + period] = squares
    state[at + 2 * period] = anchor
    state[at + 2 * period + 1] = 0.0
    state[at + 2 * period + 2] = 0.0


@kernel(void(array(f8), i8, i8, i8, f8))
def add_to_moments(state: FloatArray, at: int, period: int, slot: int, value: float) -> None:
    """Add a value to a window of which mean and variance are asked."""
    state[at + slot] = value
    distance = value - state[at + 2 * period]
    state[at + 2 * period + 1] += distance
    state[at + 2 * period + 2] += distance * distance


@kernel(f8(array(f8), i8, i8, i8))
def window_mean(state: FloatArray, at: int, period: int, slot: int) -> float:
    """Mean of the last ``period`` values; ``slot`` is the next one's."""
    mean: float = state[at + 2 * period] + (state[at + 2 * period + 1] + state[at + slot]) / period
    return mean


@kernel(f8(array(f8), i8, i8, i8))
def window_variance(state: FloatArray, at: int, period: int, slot: int) -> float:
    """Population variance of the last ``period`` values; ``slot`` is the next one's."""
    total = state[at + 2 * period + 1] + state[at + slot]
    squares = state[at + 2 * period + 2] + state[at + period + slot]
    variance: float = (squares - total * total / period) / period
    return variance if variance > 0.0 else 0.0


# --- linearly weighted sums: [suffix weighted sums | prefix sum, prefix weighted sum] -----------------------------


def weighted_size(period: int) -> int:
    """State of a window that is summed with weights 1 (oldest) to ``period`` (newest)."""
    return period + 2


@kernel(void(array(f8), i8, i8))
def close_weighted(state: FloatArray, at: int, period: int) -> None:
    """Turn the values of a whole block into suffix sums weighted 1, 2, ... from their first, in place."""
    total = 0.0
    weighted = 0.0
    for i in range(at + period - 1, at - 1, -1):
        total += state[i]
        weighted += total
        state[i] = weighted
    state[at + period] = 0.0
    state[at + period + 1] = 0.0


@kernel(void(array(f8), i8, i8, i8, f8))
def add_to_weighted(state: FloatArray, at: int, period: int, slot: int, value: float) -> None:
    """Add a value to a window that is summed with weights 1 (oldest) to ``period`` (newest)."""
    state[at + slot] = value
    state[at + period + 1] += period * value - state[at + period]
    state[at + period] += value


@kernel(f8(array(f8), i8, i8, i8))
def window_weighted_mean(state: FloatArray, at: int, period: int, slot: int) -> float:
    """Linearly weighted mean of the last ``period`` values; ``slot`` is the next one's."""
    mean: float = (state[at + period + 1] + state[at + slot]) / (0.5 * period * (period + 1))
    return mean


# --- a straight line: [suffix sums | suffix weighted sums | suffix square sums | anchor and the three prefixes] ---


def line_size(period: int) -> int:
    """State of a window to which a straight line is fitted."""
    return 3 * period + 4


@kernel(void(array(f8), i8, i8))
def close_lines(state: FloatArray, at: int, period: int) -> None:
    """Anchor a whole block at its last value and sum plainly, weighted and squared from the end, in place."""
    anchor = state[at + period - 1]
    total = 0.0
    weighted = 0.0
    squares = 0.0
    for i in range(at + period - 1, at - 1, -1):
        distance = state[i] - anchor
        total += distance
        weighted += total
        squares += distance * distance
        state[i] = total
        state[i + period] = weighted
        state[i + 2 * period] = squares
    end = at + 3 * period
    state[end] = anchor
    state[end + 1] = 0.0
    state[end + 2] = 0.0
    state[end + 3] = 0.0


@kernel(void(array(f8), i8, i8, i8, f8))
def add_to_line(state: FloatArray, at: int, period: int, slot: int, value: float) -> None:
    """Add a value to a window to which a straight line is fitted."""
    state[at + slot] = value
    end = at + 3 * period
    distance = value - state[end]
    state[end + 2] += period * distance - state[end + 1]
    state[end + 1] += distance
    state[end + 3] += distance * distance


@kernel(f8(array(f8), i8, i8, i8))
def window_covariation(state: FloatArray, at: int, period: int, slot: int) -> float:
    """``sum (x - mean x)(y - mean y)`` of the last ``period`` values ``y`` against ``x = 1 .. period``."""
    end = at + 3 * period
    total = state[end + 1] + state[at + slot]
    weighted = state[end + 2] + state[at + period + slot]
    covariation: float = weighted - 0.5 * (period + 1) * total
    return covariation


@kernel(f8(array(f8), i8, i8, i8))
def window_variation(state: FloatArray, at: int, period: int, slot: int) -> float:
    """``sum (y - mean y)^2`` of the last ``period`` values of a window to which a line is fitted."""
    end = at + 3 * period
    total = state[end + 1] + state[at + slot]
    squares = state[end + 3] + state[at + 2 * period + slot]
    variation: float = squares - total * total / period
    return variation if variation > 0.0 else 0.0


# --- averages and prices -----------------------------------------------------------------------------------------


@kernel(f8(f8, f8, f8, i8, i8))
def seeded_average(average: float, value: float, alpha: float, age: int, period: int) -> float:
    """Exponential average that starts from the mean of its first ``period`` values, as TA-Lib's does.

    ``average' = alpha value + (1 - alpha) average``. ``age`` counts the values before this one. While
    ``age < period - 1`` the returned number is their running sum, not yet an average.
    """
    if age >= period:
        return alpha * value + (1.0 - alpha) * average
    total = average + value
    return total / period if age == period - 1 else total


@kernel(f8(array(f8, 2), i8, i8))
def true_range_at(bars: FloatArray, t: int, mask: int) -> float:
    """``max(high, previous close) - min(low, previous close)`` of bar ``t >= 1``."""
    high: float = bars[HIGH, t & mask]
    low: float = bars[LOW, t & mask]
    close: float = bars[CLOSE, (t - 1) & mask]
    return (close if close > high else high) - (close if close < low else low)


@kernel(f8(array(f8, 2), i8, i8))
def typical_price_at(bars: FloatArray, t: int, mask: int) -> float:
    """``(high + low + close) / 3`` of bar ``t``."""
    i = t & mask
    price: float = (bars[HIGH, i] + bars[LOW, i] + bars[CLOSE, i]) / 3.0
    return price


@kernel(f8(array(f8, 2), i8, i8))
def money_flow_at(bars: FloatArray, t: int, mask: int) -> float:
    """``volume ((close - low) - (high - close)) / (high - low)`` of bar ``t``; 0 if it has no range."""
    i = t & mask
    high, low, close = bars[HIGH, i], bars[LOW, i], bars[CLOSE, i]
    flow: float = bars[VOLUME, i] * ((close - low) - (high - close)) / (high - low) if high > low else 0.0
    return flow


@kernel(f8(array(f8), i8, f8))
def mean_distance(values: FloatArray, period: int, centre: float) -> float:
    """Mean absolute distance of ``values[:period]`` from a centre."""
    total = 0.0
    for i in range(period):
        total += abs(values[i] - centre)
    return total / period
