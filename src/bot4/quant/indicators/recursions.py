"""Exponential averages of a block or bar by bar, and prices of one bar: for indicators that carry on."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, VOLUME
from bot4.quant.indicators.running import run_average
from bot4.quant.indicators.windows import NAN


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


@kernel(void(array(f8), i8, i8, i8, i8, f8, array(f8), i8, array(f8)))
def average_from(
    values: FloatArray,
    t0: int,
    t1: int,
    first: int,
    period: int,
    alpha: float,
    state: FloatArray,
    at: int,
    out: FloatArray,
) -> None:
    """Exponential average of values that begin at the bar ``first``, over the bars ``t0 .. t1 - 1``.

    ``values`` and ``out`` have a place for each of these bars. The average starts from the mean of the first ``period``
    values, so it is defined from the bar ``first + period - 1`` on. See :func:`running.run_average` for the rest.
    """
    skip = min(max(first - t0, 0), t1 - t0)
    rest, averages = columns_from(values, skip), columns_from(out, skip)
    run_average(rest, t1 - t0 - skip, max(t0 - first, 0), period, alpha, state, at, averages)


@kernel(void(i8, i8, i8, array(f8, 2), i8))
def blank_before(first: int, t0: int, t1: int, out: FloatArray, row: int) -> None:
    """NaN in an output at those of the bars ``t0 .. t1 - 1`` that lie before the bar ``first``."""
    places = out[row]
    for i in range(min(first, t1) - t0):
        places[i] = NAN
