"""Hikkake patterns: the only ones that remember, since a later close confirms them."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from
from bot4.quant.patterns.candlesticks.catalogue import HIKKAKE, MODIFIED_HIKKAKE
from bot4.quant.patterns.candlesticks.layout import (
    CLOSE,
    HIGH,
    HIKKAKE_STATE,
    HISTORY,
    INT16,
    LOW,
    MODIFIED_HIKKAKE_STATE,
    NEAR,
    RANGE_AVERAGE_5,
    Int16Array,
)

_HIKKAKE_FROM, _MODIFIED_FROM = 2, 7  # TA-Lib begins three bars before its first value
_DIRECTION, _LEVEL, _LAST_BAR = 0, 1, 2
_CONFIRMED_WITHIN = 3


@kernel(void(array(f8, 2), i8, i8, array(f8), array(INT16, 2)))
def hikkakes(rows: FloatArray, t: int, n: int, state: FloatArray, out: Int16Array) -> None:
    """hikkake, modified_hikkake: inside bars left to one side, confirmed by a close beyond the other."""
    ago0, ago1, ago2, ago3 = (
        columns_from(rows, HISTORY),
        columns_from(rows, HISTORY - 1),
        columns_from(rows, HISTORY - 2),
        columns_from(rows, HISTORY - 3),
    )
    high0, high1, high2, high3 = ago0[HIGH], ago1[HIGH], ago2[HIGH], ago3[HIGH]
    low0, low1, low2, low3 = ago0[LOW], ago1[LOW], ago2[LOW], ago3[LOW]
    close0, close2, size2 = ago0[CLOSE], ago2[CLOSE], ago2[RANGE_AVERAGE_5]
    plain, modified = out[HIKKAKE], out[MODIFIED_HIKKAKE]
    for k in range(n):
        was_inside = (high1[k] < high2[k]) & (low1[k] > low2[k])
        leaves_down = was_inside & (high0[k] < high1[k]) & (low0[k] < low1[k])
        leaves_up = was_inside & (high0[k] > high1[k]) & (low0[k] > low1[k])
        side = 1.0 if leaves_down else -1.0 if leaves_up else 0.0
        level = high1[k] if leaves_down else low1[k]
        is_due = t + k >= _HIKKAKE_FROM
        plain[k] = _value(state, HIKKAKE_STATE, t + k, side, level, close0[k]) if is_due else 0
        was_twice_inside = (high2[k] < high3[k]) & (low2[k] > low3[k])
        near = NEAR * size2[k]
        closed_near = close2[k] <= low2[k] + near if leaves_down else close2[k] >= high2[k] - near
        side = side if was_twice_inside & closed_near else 0.0
        is_due = t + k >= _MODIFIED_FROM
        modified[k] = _value(state, MODIFIED_HIKKAKE_STATE, t + k, side, level, close0[k]) if is_due else 0


@kernel(f8(array(f8), i8, i8, f8, f8, f8), is_inlined=True)
def _value(state: FloatArray, offset: int, bar: int, side: float, level: float, close: float) -> float:
    """100 for a pattern at this bar (``side`` is not 0), 200 if this close confirms the last one, with its sign."""
    if side != 0.0:
        state[offset + _DIRECTION] = side
        state[offset + _LEVEL] = level
        state[offset + _LAST_BAR] = bar + _CONFIRMED_WITHIN
        return 100.0 * side
    if bar > state[offset + _LAST_BAR]:
        return 0.0
    direction = state[offset + _DIRECTION]
    if (close - state[offset + _LEVEL]) * direction > 0.0:
        state[offset + _LAST_BAR] = -1.0
        return 200.0 * float(direction)
    return 0.0
