"""Patterns of three candles. Names end in the candle's age: ``open0`` belongs to the last, ``open2`` to the first."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import kernel
from bot4.kernel_memory import columns_from, scratch
from bot4.quant.patterns.candlesticks.catalogue import (
    ABANDONED_BABY,
    ADVANCE_BLOCK,
    EVENING_DOJI_STAR,
    EVENING_STAR,
    GAP_SIDE_BY_SIDE_WHITE_LINES,
    GAP_THREE_METHODS,
    IDENTICAL_THREE_CROWS,
    MORNING_DOJI_STAR,
    MORNING_STAR,
    STALLED_PATTERN,
    STICK_SANDWICH,
    TASUKI_GAP,
    THREE_BLACK_CROWS,
    THREE_INSIDE,
    THREE_OUTSIDE,
    THREE_STARS_IN_THE_SOUTH,
    THREE_WHITE_SOLDIERS,
    TRISTAR,
    TWO_CROWS,
    UNIQUE_THREE_RIVER,
    UPSIDE_GAP_TWO_CROWS,
)
from bot4.quant.patterns.candlesticks.layout import (
    BLOCK,
    BODY,
    BODY_AVERAGE_10,
    BODY_AVERAGE_11,
    BODY_AVERAGE_12,
    BOTTOM,
    CLOSE,
    COLOUR,
    EQUAL,
    FAR,
    GROUP,
    HIGH,
    HISTORY,
    LOW,
    LOWER,
    NEAR,
    OPEN,
    RANGE_AVERAGE_5,
    RANGE_AVERAGE_6,
    RANGE_AVERAGE_10,
    RANGE_AVERAGE_11,
    SHORT_SHADOW_10,
    SHORT_SHADOW_11,
    SHORT_SHADOW_12,
    TINY_10,
    TINY_11,
    TINY_12,
    TINY_13,
    TOP,
    UPPER,
    Int16Array,
    write,
)

_PENETRATION = 0.3  # how far into the first body a star's third candle must close, as TA-Lib's default


@kernel(GROUP)
def stars(rows: FloatArray, n: int, out: Int16Array) -> None:
    """evening_star, evening_doji_star, morning_star, morning_doji_star, abandoned_baby."""
    ago0, ago1, ago2 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1), columns_from(rows, HISTORY - 2)
    hit, short_hit = scratch(BLOCK), scratch(BLOCK)
    close0, close2 = ago0[CLOSE], ago2[CLOSE]
    colour0, colour2 = ago0[COLOUR], ago2[COLOUR]
    body0, body1, body2 = ago0[BODY], ago1[BODY], ago2[BODY]
    top1, bottom1, top2, bottom2 = ago1[TOP], ago1[BOTTOM], ago2[TOP], ago2[BOTTOM]
    average0, average1, average2 = ago0[BODY_AVERAGE_12], ago1[BODY_AVERAGE_11], ago2[BODY_AVERAGE_10]
    tiny1 = ago1[TINY_11]
    for i in range(n):
        turns = (body2[i] > average2[i]) & (colour2[i] > 0.0) & (body0[i] > average0[i]) & (colour0[i] < 0.0)
        is_star = turns & (bottom1[i] > top2[i]) & (close0[i] < close2[i] - body2[i] * _PENETRATION)
        hit[i] = -100.0 * (is_star & (body1[i] <= tiny1[i]))
        short_hit[i] = -100.0 * (is_star & (body1[i] <= average1[i]))
    write(hit, n, out, EVENING_DOJI_STAR)
    write(short_hit, n, out, EVENING_STAR)
    for i in range(n):
        turns = (body2[i] > average2[i]) & (colour2[i] < 0.0) & (body0[i] > average0[i]) & (colour0[i] > 0.0)
        is_star = turns & (top1[i] < bottom2[i]) & (close0[i] > close2[i] + body2[i] * _PENETRATION)
        hit[i] = 100.0 * (is_star & (body1[i] <= tiny1[i]))
        short_hit[i] = 100.0 * (is_star & (body1[i] <= average1[i]))
    write(hit, n, out, MORNING_DOJI_STAR)
    write(short_hit, n, out, MORNING_STAR)
    high0, high1, high2 = ago0[HIGH], ago1[HIGH], ago2[HIGH]
    low0, low1, low2 = ago0[LOW], ago1[LOW], ago2[LOW]
    for i in range(n):
        is_doji_between = (body2[i] > average2[i]) & (body1[i] <= tiny1[i]) & (body0[i] > average0[i])
        above = (low1[i] > high2[i]) & (high0[i] < low1[i]) & (close0[i] < close2[i] - body2[i] * _PENETRATION)
        below = (high1[i] < low2[i]) & (low0[i] > high1[i]) & (close0[i] > close2[i] + body2[i] * _PENETRATION)
        falls = (colour2[i] > 0.0) & (colour0[i] < 0.0) & above
        rises = (colour2[i] < 0.0) & (colour0[i] > 0.0) & below
        hit[i] = 100.0 * colour0[i] * (is_doji_between & (falls | rises))
    write(hit, n, out, ABANDONED_BABY)


@kernel(GROUP)
def doji_stars(rows: FloatArray, n: int, out: Int16Array) -> None:
    """tristar: three doji, all by the average at the first."""
    ago0, ago1, ago2 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1), columns_from(rows, HISTORY - 2)
    hit = scratch(BLOCK)
    body0, body1, body2 = ago0[BODY], ago1[BODY], ago2[BODY]
    top0, top1, top2 = ago0[TOP], ago1[TOP], ago2[TOP]
    bottom0, bottom1, bottom2 = ago0[BOTTOM], ago1[BOTTOM], ago2[BOTTOM]
    tiny2 = ago2[TINY_10]
    for i in range(n):
        are_doji = (body2[i] <= tiny2[i]) & (body1[i] <= tiny2[i]) & (body0[i] <= tiny2[i])
        above = (bottom1[i] > top2[i]) & (top0[i] < top1[i])
        below = (top1[i] < bottom2[i]) & (bottom0[i] > bottom1[i])
        hit[i] = 100.0 * (are_doji & below) - 100.0 * (are_doji & above)
    write(hit, n, out, TRISTAR)


@kernel(GROUP)
def soldiers(rows: FloatArray, n: int, out: Int16Array) -> None:
    """three_white_soldiers, advance_block, stalled_pattern: three white candles, strong or tiring."""
    ago0, ago1, ago2 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1), columns_from(rows, HISTORY - 2)
    hit = scratch(BLOCK)
    open0, open1, open2 = ago0[OPEN], ago1[OPEN], ago2[OPEN]
    close0, close1, close2 = ago0[CLOSE], ago1[CLOSE], ago2[CLOSE]
    body0, body1, body2 = ago0[BODY], ago1[BODY], ago2[BODY]
    upper0, upper1, upper2 = ago0[UPPER], ago1[UPPER], ago2[UPPER]
    average0, average1, average2 = ago0[BODY_AVERAGE_12], ago1[BODY_AVERAGE_11], ago2[BODY_AVERAGE_10]
    tiny0, tiny1, tiny2 = ago0[TINY_12], ago1[TINY_11], ago2[TINY_10]
    short0, short1, short2 = ago0[SHORT_SHADOW_12], ago1[SHORT_SHADOW_11], ago2[SHORT_SHADOW_10]
    size1, size2 = ago1[RANGE_AVERAGE_11], ago2[RANGE_AVERAGE_10]
    for i in range(n):
        rise = (close2[i] >= open2[i]) & (close1[i] >= open1[i]) & (close0[i] >= open0[i])
        rise &= (close0[i] > close1[i]) & (close1[i] > close2[i])
        second = (open1[i] > open2[i]) & (open1[i] <= close2[i] + NEAR * size2[i])
        third = (open0[i] > open1[i]) & (open0[i] <= close1[i] + NEAR * size1[i])
        smooth = (upper2[i] < tiny2[i]) & (upper1[i] < tiny1[i]) & (upper0[i] < tiny0[i])
        strong = (body1[i] > body2[i] - FAR * size2[i]) & (body0[i] > body1[i] - FAR * size1[i])
        hit[i] = 100.0 * (rise & second & third & smooth & strong & (body0[i] > average0[i]))
    write(hit, n, out, THREE_WHITE_SOLDIERS)
    for i in range(n):
        rise = (close2[i] >= open2[i]) & (close1[i] >= open1[i]) & (close0[i] >= open0[i])
        rise &= (close0[i] > close1[i]) & (close1[i] > close2[i])
        near1 = NEAR * size1[i]
        second = (open1[i] > open2[i]) & (open1[i] <= close2[i] + NEAR * size2[i])
        third = (open0[i] > open1[i]) & (open0[i] <= close1[i] + near1)
        first = (body2[i] > average2[i]) & (upper2[i] < short2[i])
        shrinks = (body1[i] < body2[i] - FAR * size2[i]) & (body0[i] < body1[i] + near1)
        ends_small = body0[i] < body1[i] - FAR * size1[i]
        shadows = (body0[i] < body1[i]) & (body1[i] < body2[i]) & ((upper0[i] > short0[i]) | (upper1[i] > short1[i]))
        last_shadow = (body0[i] < body1[i]) & (upper0[i] > body0[i])
        weakens = shrinks | ends_small | shadows | last_shadow
        hit[i] = -100.0 * (rise & second & third & first & weakens)
    write(hit, n, out, ADVANCE_BLOCK)
    for i in range(n):
        rise = (close2[i] >= open2[i]) & (close1[i] >= open1[i]) & (close0[i] >= open0[i])
        rise &= (close0[i] > close1[i]) & (close1[i] > close2[i])
        second = (open1[i] > open2[i]) & (open1[i] <= close2[i] + NEAR * size2[i])
        are_long = (body2[i] > average2[i]) & (body1[i] > average1[i]) & (upper1[i] < tiny1[i])
        stalls = (body0[i] < average0[i]) & (open0[i] >= close1[i] - body0[i] - NEAR * size1[i])
        hit[i] = -100.0 * (rise & second & are_long & stalls)
    write(hit, n, out, STALLED_PATTERN)


@kernel(GROUP)
def three_crows(rows: FloatArray, n: int, out: Int16Array) -> None:
    """three_black_crows, identical_three_crows: three black candles with tiny lower shadows."""
    ago0, ago1, ago2, ago3 = (
        columns_from(rows, HISTORY),
        columns_from(rows, HISTORY - 1),
        columns_from(rows, HISTORY - 2),
        columns_from(rows, HISTORY - 3),
    )
    hit = scratch(BLOCK)
    open0, open1, open2 = ago0[OPEN], ago1[OPEN], ago2[OPEN]
    close0, close1, close2 = ago0[CLOSE], ago1[CLOSE], ago2[CLOSE]
    lower0, lower1, lower2 = ago0[LOWER], ago1[LOWER], ago2[LOWER]
    tiny0, tiny1, tiny2 = ago0[TINY_13], ago1[TINY_12], ago2[TINY_11]
    colour3, high3 = ago3[COLOUR], ago3[HIGH]
    for i in range(n):
        falls = (close2[i] < open2[i]) & (close1[i] < open1[i]) & (close0[i] < open0[i])
        falls &= (close2[i] > close1[i]) & (close1[i] > close0[i])
        smooth = (lower2[i] < tiny2[i]) & (lower1[i] < tiny1[i]) & (lower0[i] < tiny0[i])
        within1 = (open1[i] < open2[i]) & (open1[i] > close2[i])
        within0 = (open0[i] < open1[i]) & (open0[i] > close1[i])
        turns = (colour3[i] > 0.0) & (high3[i] > close2[i])
        hit[i] = -100.0 * (falls & smooth & within1 & within0 & turns)
    write(hit, n, out, THREE_BLACK_CROWS)
    early0, early1, early2 = ago0[TINY_12], ago1[TINY_11], ago2[TINY_10]
    size1, size2 = ago1[RANGE_AVERAGE_11], ago2[RANGE_AVERAGE_10]
    for i in range(n):
        falls = (close2[i] < open2[i]) & (close1[i] < open1[i]) & (close0[i] < open0[i])
        falls &= (close2[i] > close1[i]) & (close1[i] > close0[i])
        smooth = (lower2[i] < early2[i]) & (lower1[i] < early1[i]) & (lower0[i] < early0[i])
        equal1, equal0 = EQUAL * size2[i], EQUAL * size1[i]
        meets1 = (open1[i] <= close2[i] + equal1) & (open1[i] >= close2[i] - equal1)
        meets0 = (open0[i] <= close1[i] + equal0) & (open0[i] >= close1[i] - equal0)
        hit[i] = -100.0 * (falls & smooth & meets1 & meets0)
    write(hit, n, out, IDENTICAL_THREE_CROWS)


@kernel(GROUP)
def two_crows(rows: FloatArray, n: int, out: Int16Array) -> None:
    """two_crows, upside_gap_two_crows: two black candles that start above a long white one."""
    ago0, ago1, ago2 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1), columns_from(rows, HISTORY - 2)
    hit = scratch(BLOCK)
    open0, open1, open2 = ago0[OPEN], ago1[OPEN], ago2[OPEN]
    close0, close1, close2 = ago0[CLOSE], ago1[CLOSE], ago2[CLOSE]
    body1, body2, average1, average2 = ago1[BODY], ago2[BODY], ago1[BODY_AVERAGE_11], ago2[BODY_AVERAGE_10]
    for i in range(n):
        colours = (close2[i] >= open2[i]) & (close1[i] < open1[i]) & (close0[i] < open0[i])
        gaps = (body2[i] > average2[i]) & (close1[i] > close2[i])
        opens_within = (open0[i] < open1[i]) & (open0[i] > close1[i])
        closes_within = (close0[i] > open2[i]) & (close0[i] < close2[i])
        hit[i] = -100.0 * (colours & gaps & opens_within & closes_within)
    write(hit, n, out, TWO_CROWS)
    for i in range(n):
        colours = (close2[i] >= open2[i]) & (close1[i] < open1[i]) & (close0[i] < open0[i])
        gaps = (body2[i] > average2[i]) & (close1[i] > close2[i]) & (body1[i] <= average1[i])
        engulfs = (open0[i] > open1[i]) & (close0[i] < close1[i]) & (close0[i] > close2[i])
        hit[i] = -100.0 * (colours & gaps & engulfs)
    write(hit, n, out, UPSIDE_GAP_TWO_CROWS)


@kernel(GROUP)
def inside_and_outside(rows: FloatArray, n: int, out: Int16Array) -> None:
    """three_inside, three_outside: a harami or an engulfing, confirmed by a third candle."""
    ago0, ago1, ago2 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1), columns_from(rows, HISTORY - 2)
    hit = scratch(BLOCK)
    open2, close0, close1 = ago2[OPEN], ago0[CLOSE], ago1[CLOSE]
    colour0, colour1, colour2 = ago0[COLOUR], ago1[COLOUR], ago2[COLOUR]
    body1, body2, average1, average2 = ago1[BODY], ago2[BODY], ago1[BODY_AVERAGE_11], ago2[BODY_AVERAGE_10]
    top1, bottom1, top2, bottom2 = ago1[TOP], ago1[BOTTOM], ago2[TOP], ago2[BOTTOM]
    for i in range(n):
        is_harami = (
            (body2[i] > average2[i]) & (body1[i] <= average1[i]) & (top1[i] < top2[i]) & (bottom1[i] > bottom2[i])
        )
        falls = (colour2[i] > 0.0) & (colour0[i] < 0.0) & (close0[i] < open2[i])
        rises = (colour2[i] < 0.0) & (colour0[i] > 0.0) & (close0[i] > open2[i])
        hit[i] = -100.0 * colour2[i] * (is_harami & (falls | rises))
    write(hit, n, out, THREE_INSIDE)
    for i in range(n):
        engulfs = (colour1[i] != colour2[i]) & (top1[i] > top2[i]) & (bottom1[i] < bottom2[i])
        goes_on = (close0[i] - close1[i]) * colour1[i] > 0.0
        hit[i] = 100.0 * colour1[i] * (engulfs & goes_on)
    write(hit, n, out, THREE_OUTSIDE)


@kernel(GROUP)
def bottoms(rows: FloatArray, n: int, out: Int16Array) -> None:
    """three_stars_in_the_south, unique_three_river, stick_sandwich: a fall that finds its floor."""
    ago0, ago1, ago2 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1), columns_from(rows, HISTORY - 2)
    hit = scratch(BLOCK)
    open0, open1, open2 = ago0[OPEN], ago1[OPEN], ago2[OPEN]
    close0, close1, close2 = ago0[CLOSE], ago1[CLOSE], ago2[CLOSE]
    high0, high1, high2 = ago0[HIGH], ago1[HIGH], ago2[HIGH]
    low0, low1, low2 = ago0[LOW], ago1[LOW], ago2[LOW]
    body0, body1, body2 = ago0[BODY], ago1[BODY], ago2[BODY]
    upper0, lower0, lower1, lower2 = ago0[UPPER], ago0[LOWER], ago1[LOWER], ago2[LOWER]
    average0, average2 = ago0[BODY_AVERAGE_12], ago2[BODY_AVERAGE_10]
    tiny0, tiny1, size2 = ago0[TINY_12], ago1[TINY_11], ago2[RANGE_AVERAGE_5]
    for i in range(n):
        are_black = (close2[i] < open2[i]) & (close1[i] < open1[i]) & (close0[i] < open0[i])
        first = (body2[i] > average2[i]) & (lower2[i] > body2[i])
        second = (body1[i] < body2[i]) & (open1[i] > close2[i]) & (open1[i] <= high2[i])
        second &= (low1[i] < close2[i]) & (low1[i] >= low2[i]) & (lower1[i] > tiny1[i])
        third = (body0[i] < average0[i]) & (lower0[i] < tiny0[i]) & (upper0[i] < tiny0[i])
        third &= (low0[i] > low1[i]) & (high0[i] < high1[i])
        hit[i] = 100.0 * (are_black & first & second & third)
    write(hit, n, out, THREE_STARS_IN_THE_SOUTH)
    for i in range(n):
        colours = (close2[i] < open2[i]) & (close1[i] < open1[i]) & (close0[i] >= open0[i])
        second = (close1[i] > close2[i]) & (open1[i] <= open2[i]) & (low1[i] < low2[i])
        sizes = (body2[i] > average2[i]) & (body0[i] < average0[i])
        hit[i] = 100.0 * (colours & second & sizes & (open0[i] > low1[i]))
    write(hit, n, out, UNIQUE_THREE_RIVER)
    for i in range(n):
        colours = (close2[i] < open2[i]) & (close1[i] >= open1[i]) & (close0[i] < open0[i])
        equal = EQUAL * size2[i]
        meets = (close0[i] <= close2[i] + equal) & (close0[i] >= close2[i] - equal)
        hit[i] = 100.0 * (colours & (low1[i] > close2[i]) & meets)
    write(hit, n, out, STICK_SANDWICH)


@kernel(GROUP)
def gaps(rows: FloatArray, n: int, out: Int16Array) -> None:
    """tasuki_gap, gap_side_by_side_white_lines, gap_three_methods: what follows a gap between bodies."""
    ago0, ago1, ago2 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1), columns_from(rows, HISTORY - 2)
    hit = scratch(BLOCK)
    open0, close0, open1 = ago0[OPEN], ago0[CLOSE], ago1[OPEN]
    colour0, colour1, colour2 = ago0[COLOUR], ago1[COLOUR], ago2[COLOUR]
    top0, top1, top2 = ago0[TOP], ago1[TOP], ago2[TOP]
    bottom0, bottom1, bottom2 = ago0[BOTTOM], ago1[BOTTOM], ago2[BOTTOM]
    body0, body1, size1 = ago0[BODY], ago1[BODY], ago1[RANGE_AVERAGE_6]
    for i in range(n):
        opens_within = (open0[i] < top1[i]) & (open0[i] > bottom1[i]) & (colour0[i] != colour1[i])
        up = (bottom1[i] > top2[i]) & (colour1[i] > 0.0) & (close0[i] < bottom1[i]) & (close0[i] > top2[i])
        down = (top1[i] < bottom2[i]) & (colour1[i] < 0.0) & (close0[i] > top1[i]) & (close0[i] < bottom2[i])
        is_near = abs(body1[i] - body0[i]) < NEAR * size1[i]
        hit[i] = 100.0 * colour1[i] * (opens_within & is_near & (up | down))
    write(hit, n, out, TASUKI_GAP)
    for i in range(n):
        near, equal = NEAR * size1[i], EQUAL * size1[i]
        are_alike = (body0[i] >= body1[i] - near) & (body0[i] <= body1[i] + near)
        are_alike &= (open0[i] >= open1[i] - equal) & (open0[i] <= open1[i] + equal)
        are_alike &= (colour0[i] > 0.0) & (colour1[i] > 0.0)
        up = (bottom1[i] > top2[i]) & (bottom0[i] > top2[i])
        down = (top1[i] < bottom2[i]) & (top0[i] < bottom2[i])
        hit[i] = 100.0 * (are_alike & up) - 100.0 * (are_alike & down)
    write(hit, n, out, GAP_SIDE_BY_SIDE_WHITE_LINES)
    for i in range(n):
        colours = (colour2[i] == colour1[i]) & (colour1[i] != colour0[i])
        opens_within = (open0[i] < top1[i]) & (open0[i] > bottom1[i])
        closes_within = (close0[i] < top2[i]) & (close0[i] > bottom2[i])
        up = (colour2[i] > 0.0) & (bottom1[i] > top2[i])
        down = (colour2[i] < 0.0) & (top1[i] < bottom2[i])
        hit[i] = 100.0 * colour2[i] * (colours & opens_within & closes_within & (up | down))
    write(hit, n, out, GAP_THREE_METHODS)
