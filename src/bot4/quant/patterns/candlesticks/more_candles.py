"""Patterns of four and five candles. Names end in the candle's age: ``open0`` belongs to the last one."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import kernel
from bot4.kernel_memory import columns_from, scratch
from bot4.quant.patterns.candlesticks.catalogue import (
    BREAKAWAY,
    CONCEALING_BABY_SWALLOW,
    LADDER_BOTTOM,
    MAT_HOLD,
    RISING_FALLING_THREE_METHODS,
    THREE_LINE_STRIKE,
)
from bot4.quant.patterns.candlesticks.layout import (
    BLOCK,
    BODY,
    BODY_AVERAGE_10,
    BODY_AVERAGE_11,
    BODY_AVERAGE_12,
    BODY_AVERAGE_13,
    BODY_AVERAGE_14,
    BOTTOM,
    CLOSE,
    COLOUR,
    GROUP,
    HIGH,
    HISTORY,
    LOW,
    LOWER,
    NEAR,
    OPEN,
    RANGE_AVERAGE_5,
    RANGE_AVERAGE_6,
    TINY_10,
    TINY_11,
    TINY_12,
    TINY_13,
    TOP,
    UPPER,
    Int16Array,
    write,
)

_PENETRATION = 0.5  # how far mat_hold's reaction may go into the first body, as TA-Lib's default


@kernel(GROUP)
def four_candles(rows: FloatArray, n: int, out: Int16Array) -> None:
    """three_line_strike, concealing_baby_swallow."""
    ago0, ago1, ago2, ago3 = (
        columns_from(rows, HISTORY),
        columns_from(rows, HISTORY - 1),
        columns_from(rows, HISTORY - 2),
        columns_from(rows, HISTORY - 3),
    )
    hit = scratch(BLOCK)
    colour0, colour1, colour2, colour3 = ago0[COLOUR], ago1[COLOUR], ago2[COLOUR], ago3[COLOUR]
    open0, open1, open2, open3 = ago0[OPEN], ago1[OPEN], ago2[OPEN], ago3[OPEN]
    close0, close1, close2, close3 = ago0[CLOSE], ago1[CLOSE], ago2[CLOSE], ago3[CLOSE]
    top1, top2, bottom2 = ago1[TOP], ago2[TOP], ago2[BOTTOM]
    top3, bottom3, size2, size3 = ago3[TOP], ago3[BOTTOM], ago2[RANGE_AVERAGE_6], ago3[RANGE_AVERAGE_5]
    for i in range(n):
        colours = (colour3[i] == colour2[i]) & (colour2[i] == colour1[i]) & (colour1[i] != colour0[i])
        near3, near2 = NEAR * size3[i], NEAR * size2[i]
        opens = (open2[i] >= bottom3[i] - near3) & (open2[i] <= top3[i] + near3)
        opens &= (open1[i] >= bottom2[i] - near2) & (open1[i] <= top2[i] + near2)
        rise = (close1[i] > close2[i]) & (close2[i] > close3[i]) & (open0[i] > close1[i]) & (close0[i] < open3[i])
        fall = (close1[i] < close2[i]) & (close2[i] < close3[i]) & (open0[i] < close1[i]) & (close0[i] > open3[i])
        strikes = ((colour1[i] > 0.0) & rise) | ((colour1[i] < 0.0) & fall)
        hit[i] = 100.0 * colour1[i] * (colours & opens & strikes)
    write(hit, n, out, THREE_LINE_STRIKE)
    upper1, upper2, upper3 = ago1[UPPER], ago2[UPPER], ago3[UPPER]
    lower2, lower3 = ago2[LOWER], ago3[LOWER]
    tiny1, tiny2, tiny3 = ago1[TINY_12], ago2[TINY_11], ago3[TINY_10]
    high0, high1, low0, low1 = ago0[HIGH], ago1[HIGH], ago0[LOW], ago1[LOW]
    for i in range(n):
        are_black = (colour3[i] < 0.0) & (colour2[i] < 0.0) & (colour1[i] < 0.0) & (colour0[i] < 0.0)
        smooth = (lower3[i] < tiny3[i]) & (upper3[i] < tiny3[i]) & (lower2[i] < tiny2[i]) & (upper2[i] < tiny2[i])
        third = (top1[i] < bottom2[i]) & (upper1[i] > tiny1[i]) & (high1[i] > close2[i])
        conceals = (high0[i] > high1[i]) & (low0[i] < low1[i])
        hit[i] = 100.0 * (are_black & smooth & third & conceals)
    write(hit, n, out, CONCEALING_BABY_SWALLOW)


@kernel(GROUP)
def five_candle_reversals(rows: FloatArray, n: int, out: Int16Array) -> None:
    """breakaway, ladder_bottom."""
    ago0, ago1, ago2, ago3, ago4 = (
        columns_from(rows, HISTORY),
        columns_from(rows, HISTORY - 1),
        columns_from(rows, HISTORY - 2),
        columns_from(rows, HISTORY - 3),
        columns_from(rows, HISTORY - 4),
    )
    hit = scratch(BLOCK)
    colour0, colour1, colour3, colour4 = ago0[COLOUR], ago1[COLOUR], ago3[COLOUR], ago4[COLOUR]
    close0, close4, open3, body4, average4 = ago0[CLOSE], ago4[CLOSE], ago3[OPEN], ago4[BODY], ago4[BODY_AVERAGE_10]
    high1, high2, high3 = ago1[HIGH], ago2[HIGH], ago3[HIGH]
    low1, low2, low3 = ago1[LOW], ago2[LOW], ago3[LOW]
    top3, bottom3, top4, bottom4 = ago3[TOP], ago3[BOTTOM], ago4[TOP], ago4[BOTTOM]
    for i in range(n):
        colours = (colour4[i] == colour3[i]) & (colour3[i] == colour1[i]) & (colour1[i] != colour0[i])
        falling = (high2[i] < high3[i]) & (low2[i] < low3[i]) & (high1[i] < high2[i]) & (low1[i] < low2[i])
        rising = (high2[i] > high3[i]) & (low2[i] > low3[i]) & (high1[i] > high2[i]) & (low1[i] > low2[i])
        up = (colour4[i] < 0.0) & (top3[i] < bottom4[i]) & falling & (close0[i] > open3[i]) & (close0[i] < close4[i])
        down = (colour4[i] > 0.0) & (bottom3[i] > top4[i]) & rising & (close0[i] < open3[i]) & (close0[i] > close4[i])
        hit[i] = 100.0 * colour0[i] * (colours & (body4[i] > average4[i]) & (up | down))
    write(hit, n, out, BREAKAWAY)
    open0, open1, open2, open4 = ago0[OPEN], ago1[OPEN], ago2[OPEN], ago4[OPEN]
    close2, close3, colour2 = ago2[CLOSE], ago3[CLOSE], ago2[COLOUR]
    upper1, tiny1 = ago1[UPPER], ago1[TINY_13]
    for i in range(n):
        colours = (colour4[i] < 0.0) & (colour3[i] < 0.0) & (colour2[i] < 0.0) & (colour1[i] < 0.0) & (colour0[i] > 0.0)
        falls = (open4[i] > open3[i]) & (open3[i] > open2[i]) & (close4[i] > close3[i]) & (close3[i] > close2[i])
        turns = (upper1[i] > tiny1[i]) & (open0[i] > open1[i]) & (close0[i] > high1[i])
        hit[i] = 100.0 * (colours & falls & turns)
    write(hit, n, out, LADDER_BOTTOM)


@kernel(GROUP)
def five_candle_continuations(rows: FloatArray, n: int, out: Int16Array) -> None:
    """mat_hold, rising_falling_three_methods: a long candle, three short ones back, and on."""
    ago0, ago1, ago2, ago3, ago4 = (
        columns_from(rows, HISTORY),
        columns_from(rows, HISTORY - 1),
        columns_from(rows, HISTORY - 2),
        columns_from(rows, HISTORY - 3),
        columns_from(rows, HISTORY - 4),
    )
    hit = scratch(BLOCK)
    body0, body1, body2, body3, body4 = ago0[BODY], ago1[BODY], ago2[BODY], ago3[BODY], ago4[BODY]
    average1, average4 = ago1[BODY_AVERAGE_13], ago4[BODY_AVERAGE_10]
    average2, average3 = ago2[BODY_AVERAGE_12], ago3[BODY_AVERAGE_11]
    colour0, colour1, colour2, colour3, colour4 = ago0[COLOUR], ago1[COLOUR], ago2[COLOUR], ago3[COLOUR], ago4[COLOUR]
    top1, top2, top3, top4 = ago1[TOP], ago2[TOP], ago3[TOP], ago4[TOP]
    bottom1, bottom2, bottom3 = ago1[BOTTOM], ago2[BOTTOM], ago3[BOTTOM]
    open0, close0, close1 = ago0[OPEN], ago0[CLOSE], ago1[CLOSE]
    close2, close3, close4 = ago2[CLOSE], ago3[CLOSE], ago4[CLOSE]
    high1, high2, high3 = ago1[HIGH], ago2[HIGH], ago3[HIGH]
    for i in range(n):
        sizes = (
            (body4[i] > average4[i]) & (body3[i] < average3[i]) & (body2[i] < average2[i]) & (body1[i] < average1[i])
        )
        colours = (colour4[i] > 0.0) & (colour3[i] < 0.0) & (colour0[i] > 0.0) & (bottom3[i] > top4[i])
        floor = close4[i] - body4[i] * _PENETRATION
        holds = (bottom2[i] < close4[i]) & (bottom1[i] < close4[i]) & (bottom2[i] > floor) & (bottom1[i] > floor)
        falls = (top2[i] < top3[i]) & (top1[i] < top2[i])
        goes_on = (open0[i] > close1[i]) & (close0[i] > high1[i]) & (close0[i] > high2[i]) & (close0[i] > high3[i])
        hit[i] = 100.0 * (sizes & colours & holds & falls & goes_on)
    write(hit, n, out, MAT_HOLD)
    high4, low4, average0 = ago4[HIGH], ago4[LOW], ago0[BODY_AVERAGE_14]
    for i in range(n):
        sizes = (
            (body4[i] > average4[i]) & (body3[i] < average3[i]) & (body2[i] < average2[i]) & (body1[i] < average1[i])
        )
        colours = (
            (colour4[i] != colour3[i])
            & (colour3[i] == colour2[i])
            & (colour2[i] == colour1[i])
            & (colour1[i] != colour0[i])
        )
        within = (bottom3[i] < high4[i]) & (top3[i] > low4[i]) & (bottom2[i] < high4[i]) & (top2[i] > low4[i])
        within &= (bottom1[i] < high4[i]) & (top1[i] > low4[i])
        side = colour4[i]
        back = (close2[i] * side < close3[i] * side) & (close1[i] * side < close2[i] * side)
        goes_on = (open0[i] * side > close1[i] * side) & (close0[i] * side > close4[i] * side)
        hit[i] = 100.0 * side * (sizes & (body0[i] > average0[i]) & colours & within & back & goes_on)
    write(hit, n, out, RISING_FALLING_THREE_METHODS)
