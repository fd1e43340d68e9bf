"""Patterns of two candles. Names end in the age of the candle: ``open0`` is of the last, ``open1`` of that before."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import kernel
from bot4.kernel_memory import columns_from, scratch
from bot4.quant.patterns.candlesticks.catalogue import (
    COUNTERATTACK,
    DARK_CLOUD_COVER,
    DOJI_STAR,
    ENGULFING,
    HAMMER,
    HANGING_MAN,
    HARAMI,
    HARAMI_CROSS,
    HOMING_PIGEON,
    IN_NECK,
    INVERTED_HAMMER,
    KICKING,
    KICKING_BY_LENGTH,
    MATCHING_LOW,
    ON_NECK,
    PIERCING,
    SEPARATING_LINES,
    SHOOTING_STAR,
    THRUSTING,
)
from bot4.quant.patterns.candlesticks.layout import (
    BLOCK,
    BODY,
    BODY_AVERAGE_10,
    BODY_AVERAGE_11,
    BOTTOM,
    CLOSE,
    COLOUR,
    EQUAL,
    GROUP,
    HIGH,
    HISTORY,
    LOW,
    LOWER,
    NEAR,
    OPEN,
    RANGE_AVERAGE_5,
    RANGE_AVERAGE_10,
    TINY_10,
    TINY_11,
    TOP,
    UPPER,
    Int16Array,
    write,
)


@kernel(GROUP)
def hammers(rows: FloatArray, n: int, out: Int16Array) -> None:
    """hammer, hanging_man, inverted_hammer, shooting_star: a short body at one end of a long shadow."""
    ago0, ago1 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1)
    hit = scratch(BLOCK)
    body, upper, lower = ago0[BODY], ago0[UPPER], ago0[LOWER]
    top0, bottom0, top1, bottom1 = ago0[TOP], ago0[BOTTOM], ago1[TOP], ago1[BOTTOM]
    high1, low1 = ago1[HIGH], ago1[LOW]
    average, tiny, size1 = ago0[BODY_AVERAGE_11], ago0[TINY_11], ago1[RANGE_AVERAGE_10]
    for i in range(n):
        hangs = (body[i] < average[i]) & (lower[i] > body[i]) & (upper[i] < tiny[i])
        hit[i] = 100.0 * (hangs & (bottom0[i] <= low1[i] + NEAR * size1[i]))
    write(hit, n, out, HAMMER)
    for i in range(n):
        hangs = (body[i] < average[i]) & (lower[i] > body[i]) & (upper[i] < tiny[i])
        hit[i] = -100.0 * (hangs & (bottom0[i] >= high1[i] - NEAR * size1[i]))
    write(hit, n, out, HANGING_MAN)
    for i in range(n):
        stands = (body[i] < average[i]) & (upper[i] > body[i]) & (lower[i] < tiny[i])
        hit[i] = 100.0 * (stands & (top0[i] < bottom1[i]))
    write(hit, n, out, INVERTED_HAMMER)
    for i in range(n):
        stands = (body[i] < average[i]) & (upper[i] > body[i]) & (lower[i] < tiny[i])
        hit[i] = -100.0 * (stands & (bottom0[i] > top1[i]))
    write(hit, n, out, SHOOTING_STAR)


@kernel(GROUP)
def bodies_within(rows: FloatArray, n: int, out: Int16Array) -> None:
    """harami, harami_cross, homing_pigeon, doji_star: a small body after a long one."""
    ago0, ago1 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1)
    hit = scratch(BLOCK)
    body0, body1, colour0, colour1 = ago0[BODY], ago1[BODY], ago0[COLOUR], ago1[COLOUR]
    top0, bottom0, top1, bottom1 = ago0[TOP], ago0[BOTTOM], ago1[TOP], ago1[BOTTOM]
    average0, average1, tiny0 = ago0[BODY_AVERAGE_11], ago1[BODY_AVERAGE_10], ago0[TINY_11]
    for i in range(n):
        is_small = (body1[i] > average1[i]) & (body0[i] <= average0[i])
        is_within = (top0[i] <= top1[i]) & (bottom0[i] >= bottom1[i])
        strength = 100.0 if (top0[i] < top1[i]) & (bottom0[i] > bottom1[i]) else 80.0
        hit[i] = -colour1[i] * strength * (is_small & is_within)
    write(hit, n, out, HARAMI)
    for i in range(n):
        is_small = (body1[i] > average1[i]) & (body0[i] <= tiny0[i])
        is_within = (top0[i] <= top1[i]) & (bottom0[i] >= bottom1[i])
        strength = 100.0 if (top0[i] < top1[i]) & (bottom0[i] > bottom1[i]) else 80.0
        hit[i] = -colour1[i] * strength * (is_small & is_within)
    write(hit, n, out, HARAMI_CROSS)
    for i in range(n):
        is_small = (body1[i] > average1[i]) & (body0[i] <= average0[i])
        is_within = (top0[i] < top1[i]) & (bottom0[i] > bottom1[i])
        hit[i] = 100.0 * (is_small & is_within & (colour1[i] < 0.0) & (colour0[i] < 0.0))
    write(hit, n, out, HOMING_PIGEON)
    for i in range(n):
        is_small = (body1[i] > average1[i]) & (body0[i] <= tiny0[i])
        gaps_up = (colour1[i] > 0.0) & (bottom0[i] > top1[i])
        gaps_down = (colour1[i] < 0.0) & (top0[i] < bottom1[i])
        hit[i] = -100.0 * colour1[i] * (is_small & (gaps_up | gaps_down))
    write(hit, n, out, DOJI_STAR)


@kernel(GROUP)
def neck_lines(rows: FloatArray, n: int, out: Int16Array) -> None:
    """in_neck, on_neck, thrusting, piercing, dark_cloud_cover: how far a counter-move closes into a long body."""
    ago0, ago1 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1)
    hit = scratch(BLOCK)
    open0, close0, open1, close1 = ago0[OPEN], ago0[CLOSE], ago1[OPEN], ago1[CLOSE]
    high1, low1, body0, body1 = ago1[HIGH], ago1[LOW], ago0[BODY], ago1[BODY]
    colour0, colour1 = ago0[COLOUR], ago1[COLOUR]
    average0, average1, size1 = ago0[BODY_AVERAGE_11], ago1[BODY_AVERAGE_10], ago1[RANGE_AVERAGE_10]
    for i in range(n):
        turns = (colour1[i] < 0.0) & (body1[i] > average1[i]) & (colour0[i] > 0.0) & (open0[i] < low1[i])
        hit[i] = -100.0 * (turns & (close0[i] <= close1[i] + EQUAL * size1[i]) & (close0[i] >= close1[i]))
    write(hit, n, out, IN_NECK)
    for i in range(n):
        turns = (colour1[i] < 0.0) & (body1[i] > average1[i]) & (colour0[i] > 0.0) & (open0[i] < low1[i])
        equal = EQUAL * size1[i]
        hit[i] = -100.0 * (turns & (close0[i] <= low1[i] + equal) & (close0[i] >= low1[i] - equal))
    write(hit, n, out, ON_NECK)
    for i in range(n):
        turns = (colour1[i] < 0.0) & (body1[i] > average1[i]) & (colour0[i] > 0.0) & (open0[i] < low1[i])
        goes_in = (close0[i] > close1[i] + EQUAL * size1[i]) & (close0[i] <= close1[i] + body1[i] * 0.5)
        hit[i] = -100.0 * (turns & goes_in)
    write(hit, n, out, THRUSTING)
    for i in range(n):
        turns = (colour1[i] < 0.0) & (body1[i] > average1[i]) & (colour0[i] > 0.0) & (open0[i] < low1[i])
        goes_in = (close0[i] < open1[i]) & (close0[i] > close1[i] + body1[i] * 0.5)
        hit[i] = 100.0 * (turns & goes_in & (body0[i] > average0[i]))
    write(hit, n, out, PIERCING)
    for i in range(n):
        turns = (colour1[i] > 0.0) & (body1[i] > average1[i]) & (colour0[i] < 0.0) & (open0[i] > high1[i])
        goes_in = (close0[i] > open1[i]) & (close0[i] < close1[i] - body1[i] * 0.5)
        hit[i] = -100.0 * (turns & goes_in)
    write(hit, n, out, DARK_CLOUD_COVER)


@kernel(GROUP)
def kicks(rows: FloatArray, n: int, out: Int16Array) -> None:
    """kicking, kicking_by_length: from one marubozu to another of the other colour over a gap."""
    ago0, ago1 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1)
    hit, longer = scratch(BLOCK), scratch(BLOCK)
    body0, body1, colour0, colour1 = ago0[BODY], ago1[BODY], ago0[COLOUR], ago1[COLOUR]
    upper0, upper1, lower0, lower1 = ago0[UPPER], ago1[UPPER], ago0[LOWER], ago1[LOWER]
    high0, high1, low0, low1 = ago0[HIGH], ago1[HIGH], ago0[LOW], ago1[LOW]
    average0, average1 = ago0[BODY_AVERAGE_11], ago1[BODY_AVERAGE_10]
    tiny0, tiny1 = ago0[TINY_11], ago1[TINY_10]
    for i in range(n):
        is_marubozu0 = (body0[i] > average0[i]) & (upper0[i] < tiny0[i]) & (lower0[i] < tiny0[i])
        is_marubozu1 = (body1[i] > average1[i]) & (upper1[i] < tiny1[i]) & (lower1[i] < tiny1[i])
        kicks_up = (colour1[i] < 0.0) & (colour0[i] > 0.0) & (low0[i] > high1[i])
        kicks_down = (colour1[i] > 0.0) & (colour0[i] < 0.0) & (high0[i] < low1[i])
        hit[i] = 100.0 * colour0[i] * (is_marubozu0 & is_marubozu1 & (kicks_up | kicks_down))
    write(hit, n, out, KICKING)
    for i in range(n):
        longer[i] = hit[i] if body0[i] > body1[i] else -hit[i]
    write(longer, n, out, KICKING_BY_LENGTH)


@kernel(GROUP)
def meeting_lines(rows: FloatArray, n: int, out: Int16Array) -> None:
    """counterattack, separating_lines, matching_low: closes or opens at one price."""
    ago0, ago1 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1)
    hit = scratch(BLOCK)
    open0, close0, open1, close1 = ago0[OPEN], ago0[CLOSE], ago1[OPEN], ago1[CLOSE]
    body0, body1, colour0, colour1 = ago0[BODY], ago1[BODY], ago0[COLOUR], ago1[COLOUR]
    upper0, lower0, tiny0 = ago0[UPPER], ago0[LOWER], ago0[TINY_11]
    average0, average1 = ago0[BODY_AVERAGE_11], ago1[BODY_AVERAGE_10]
    size1, early_size1 = ago1[RANGE_AVERAGE_10], ago1[RANGE_AVERAGE_5]
    for i in range(n):
        are_long = (body0[i] > average0[i]) & (body1[i] > average1[i])
        equal = EQUAL * size1[i]
        meets = (close0[i] <= close1[i] + equal) & (close0[i] >= close1[i] - equal)
        hit[i] = 100.0 * colour0[i] * ((colour0[i] != colour1[i]) & are_long & meets)
    write(hit, n, out, COUNTERATTACK)
    for i in range(n):
        equal = EQUAL * size1[i]
        meets = (open0[i] <= open1[i] + equal) & (open0[i] >= open1[i] - equal)
        before_open = lower0[i] if colour0[i] > 0.0 else upper0[i]
        is_belt = (body0[i] > average0[i]) & (before_open < tiny0[i])
        hit[i] = 100.0 * colour0[i] * ((colour0[i] != colour1[i]) & meets & is_belt)
    write(hit, n, out, SEPARATING_LINES)
    for i in range(n):
        equal = EQUAL * early_size1[i]
        meets = (close0[i] <= close1[i] + equal) & (close0[i] >= close1[i] - equal)
        hit[i] = 100.0 * ((colour0[i] < 0.0) & (colour1[i] < 0.0) & meets)
    write(hit, n, out, MATCHING_LOW)


@kernel(GROUP)
def engulfings(rows: FloatArray, n: int, out: Int16Array) -> None:
    """engulfing: a body that covers the one before, of the other colour."""
    ago0, ago1 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 1)
    hit = scratch(BLOCK)
    top0, bottom0, top1, bottom1 = ago0[TOP], ago0[BOTTOM], ago1[TOP], ago1[BOTTOM]
    colour0, colour1 = ago0[COLOUR], ago1[COLOUR]
    for i in range(n):
        covers = (top0[i] >= top1[i]) & (bottom0[i] <= bottom1[i]) & ((top0[i] > top1[i]) | (bottom0[i] < bottom1[i]))
        strength = 100.0 if (top0[i] != top1[i]) & (bottom0[i] != bottom1[i]) else 80.0
        hit[i] = colour0[i] * strength * (covers & (colour0[i] != colour1[i]))
    write(hit, n, out, ENGULFING)
