"""The step of an exponential average, and prices of one bar: for indicators that run bar by bar."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, VOLUME


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
