"""Patterns of one candle."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import kernel
from bot4.kernel_memory import columns_from, scratch
from bot4.quant.patterns.candlesticks.catalogue import (
    BELT_HOLD,
    CLOSING_MARUBOZU,
    DOJI,
    DRAGONFLY_DOJI,
    GRAVESTONE_DOJI,
    HIGH_WAVE,
    LONG_LEGGED_DOJI,
    LONG_LINE,
    MARUBOZU,
    RICKSHAW_MAN,
    SHORT_LINE,
    SPINNING_TOP,
    TAKURI,
)
from bot4.quant.patterns.candlesticks.layout import (
    BLOCK,
    BODY,
    BODY_AVERAGE_10,
    BOTTOM,
    COLOUR,
    GROUP,
    HISTORY,
    LOW,
    LOWER,
    NEAR,
    RANGE,
    RANGE_AVERAGE_10,
    SHORT_SHADOW_10,
    TINY_10,
    TOP,
    UPPER,
    Int16Array,
    write,
)


@kernel(GROUP)
def dojis(rows: FloatArray, n: int, out: Int16Array) -> None:
    """doji, dragonfly_doji, gravestone_doji, long_legged_doji, rickshaw_man, takuri: next to no body."""
    ago0 = columns_from(rows, HISTORY)
    hit = scratch(BLOCK)
    body, upper, lower = ago0[BODY], ago0[UPPER], ago0[LOWER]
    tiny = ago0[TINY_10]
    for i in range(n):
        hit[i] = 100.0 * (body[i] <= tiny[i])
    write(hit, n, out, DOJI)
    for i in range(n):
        hit[i] = 100.0 * ((body[i] <= tiny[i]) & (upper[i] < tiny[i]) & (lower[i] > tiny[i]))
    write(hit, n, out, DRAGONFLY_DOJI)
    for i in range(n):
        hit[i] = 100.0 * ((body[i] <= tiny[i]) & (lower[i] < tiny[i]) & (upper[i] > tiny[i]))
    write(hit, n, out, GRAVESTONE_DOJI)
    for i in range(n):
        hit[i] = 100.0 * ((body[i] <= tiny[i]) & ((lower[i] > body[i]) | (upper[i] > body[i])))
    write(hit, n, out, LONG_LEGGED_DOJI)
    for i in range(n):
        hit[i] = 100.0 * ((body[i] <= tiny[i]) & (upper[i] < tiny[i]) & (lower[i] > 2.0 * body[i]))
    write(hit, n, out, TAKURI)
    low, size, top, bottom = ago0[LOW], ago0[RANGE], ago0[TOP], ago0[BOTTOM]
    average = ago0[RANGE_AVERAGE_10]
    for i in range(n):
        middle = low[i] + size[i] / 2.0
        near = NEAR * average[i]
        has_shadows = (lower[i] > body[i]) & (upper[i] > body[i])
        is_in_middle = (bottom[i] <= middle + near) & (top[i] >= middle - near)
        hit[i] = 100.0 * ((body[i] <= tiny[i]) & has_shadows & is_in_middle)
    write(hit, n, out, RICKSHAW_MAN)


@kernel(GROUP)
def long_lines(rows: FloatArray, n: int, out: Int16Array) -> None:
    """belt_hold, closing_marubozu, marubozu, long_line: a long body, told apart by the shadows."""
    ago0 = columns_from(rows, HISTORY)
    hit = scratch(BLOCK)
    body, upper, lower = ago0[BODY], ago0[UPPER], ago0[LOWER]
    colour, average = ago0[COLOUR], ago0[BODY_AVERAGE_10]
    tiny, short = ago0[TINY_10], ago0[SHORT_SHADOW_10]
    for i in range(n):
        before_open = lower[i] if colour[i] > 0.0 else upper[i]
        hit[i] = 100.0 * colour[i] * ((body[i] > average[i]) & (before_open < tiny[i]))
    write(hit, n, out, BELT_HOLD)
    for i in range(n):
        beyond_close = upper[i] if colour[i] > 0.0 else lower[i]
        hit[i] = 100.0 * colour[i] * ((body[i] > average[i]) & (beyond_close < tiny[i]))
    write(hit, n, out, CLOSING_MARUBOZU)
    for i in range(n):
        hit[i] = 100.0 * colour[i] * ((body[i] > average[i]) & (upper[i] < tiny[i]) & (lower[i] < tiny[i]))
    write(hit, n, out, MARUBOZU)
    for i in range(n):
        hit[i] = 100.0 * colour[i] * ((body[i] > average[i]) & (upper[i] < short[i]) & (lower[i] < short[i]))
    write(hit, n, out, LONG_LINE)


@kernel(GROUP)
def short_lines(rows: FloatArray, n: int, out: Int16Array) -> None:
    """short_line, spinning_top, high_wave: a short body, told apart by the shadows."""
    ago0 = columns_from(rows, HISTORY)
    hit = scratch(BLOCK)
    body, upper, lower = ago0[BODY], ago0[UPPER], ago0[LOWER]
    colour, average = ago0[COLOUR], ago0[BODY_AVERAGE_10]
    short = ago0[SHORT_SHADOW_10]
    for i in range(n):
        hit[i] = 100.0 * colour[i] * ((body[i] < average[i]) & (upper[i] < short[i]) & (lower[i] < short[i]))
    write(hit, n, out, SHORT_LINE)
    for i in range(n):
        hit[i] = 100.0 * colour[i] * ((body[i] < average[i]) & (upper[i] > body[i]) & (lower[i] > body[i]))
    write(hit, n, out, SPINNING_TOP)
    for i in range(n):
        twice = 2.0 * body[i]
        hit[i] = 100.0 * colour[i] * ((body[i] < average[i]) & (upper[i] > twice) & (lower[i] > twice))
    write(hit, n, out, HIGH_WAVE)
