"""Windows that slide in constant time, exactly and without drift.

The bars are cut into blocks of ``period``. A window of ``period`` values is then a *suffix* of the last whole
block and a *prefix* of the current one: the suffixes are computed once when a block ends (in place, over the
block's own values), the prefix grows with each value, and a window is the two put together. Nothing is ever
subtracted, so what left a window leaves no trace, however large it was; and since blocks begin at fixed bars,
every partition of the bars gives the same bits. (van Herk 1992, Gil and Werman 1993, for extremes.)

A window occupies ``period`` values of the state from ``at`` on. Its user keeps ``slot`` (number of the value
modulo ``period``) and the prefix::

    prefix = add_to_sum(state, at, period, slot, prefix, value)
    slot = after(slot, period)
    total = prefix + state[at + slot]  # of the last `period` values

Until ``period`` values were added the total is not defined, and must not be used.
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW

NAN = float("nan")
INF = float("inf")


@kernel(i8(i8, i8))
def after(slot: int, period: int) -> int:
    """The slot after this one."""
    return slot + 1 if slot + 1 < period else 0


@kernel(void(array(f8), i8, i8))
def suffix_sums(state: FloatArray, at: int, period: int) -> None:
    """Turn the values of a whole block into their sums from the end, in place."""
    total = 0.0
    for i in range(at + period - 1, at - 1, -1):
        total += state[i]
        state[i] = total


@kernel(f8(array(f8), i8, i8, i8, f8, f8))
def add_to_sum(state: FloatArray, at: int, period: int, slot: int, prefix: float, value: float) -> float:
    """Add a value to a window that is summed; returns the new prefix."""
    state[at + slot] = value
    if slot < period - 1:
        return prefix + value
    suffix_sums(state, at, period)
    return 0.0


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
