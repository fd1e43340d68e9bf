"""One pass over bars for all 61 patterns, which continues: any partition of the bars gives the same values."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from, scratch
from bot4.quant.patterns.candlesticks.catalogue import N_PATTERNS, WARM_UPS
from bot4.quant.patterns.candlesticks.features import average_candles, load_prices, shape_candles
from bot4.quant.patterns.candlesticks.hikkake import hikkakes
from bot4.quant.patterns.candlesticks.layout import BLOCK, GROUP, INT16, N_ROWS, WIDTH, Int16Array
from bot4.quant.patterns.candlesticks.more_candles import (
    five_candle_continuations,
    five_candle_reversals,
    four_candles,
)
from bot4.quant.patterns.candlesticks.one_candle import dojis, long_lines, short_lines
from bot4.quant.patterns.candlesticks.three_candles import (
    bottoms,
    doji_stars,
    gaps,
    inside_and_outside,
    soldiers,
    stars,
    three_crows,
    two_crows,
)
from bot4.quant.patterns.candlesticks.two_candles import (
    bodies_within,
    engulfings,
    hammers,
    kicks,
    meeting_lines,
    neck_lines,
)

_LENGTH = N_ROWS * WIDTH
_LONGEST_WARM_UP = max(WARM_UPS)


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), array(INT16, 2)))
def advance(bars: FloatArray, mask: int, t0: int, t1: int, state: FloatArray, out: Int16Array) -> None:
    """Every pattern at the bars ``t0 .. t1 - 1``.

    Args:
        bars: float64[>= 4, capacity], rows open, high, low, close, all finite; bar ``t`` is column ``t & mask``. The 16
            bars before ``t0`` are read.
        mask: -1 for a whole array, ``capacity - 1`` for a ring whose capacity is a power of two.
        t0: the first bar to advance over; 0 starts, with a zeroed state.
        t1: the bar after the last.
        state: float64[STATE_SIZE], kept between calls.
        out: int16[61, >= t1 - t0]; row ``p`` is pattern ``p`` of the catalogue, column ``t - t0`` is bar ``t``.
    """
    rows = scratch(_LENGTH).reshape((N_ROWS, WIDTH))
    for t in range(t0, t1, BLOCK):
        n = min(BLOCK, t1 - t)
        block = columns_from(out, t - t0)
        load_prices(bars, mask, t, n, rows)
        shape_candles(rows, n)
        average_candles(rows, t, n, state)
        find_patterns(rows, n, block)
        hikkakes(rows, t, n, state, block)
        if t < _LONGEST_WARM_UP:
            clear_warm_up(t, n, block)


@kernel(GROUP)
def find_patterns(rows: FloatArray, n: int, out: Int16Array) -> None:
    """Every pattern that does not remember, at the bars of a block."""
    dojis(rows, n, out)
    long_lines(rows, n, out)
    short_lines(rows, n, out)
    hammers(rows, n, out)
    bodies_within(rows, n, out)
    neck_lines(rows, n, out)
    kicks(rows, n, out)
    meeting_lines(rows, n, out)
    engulfings(rows, n, out)
    stars(rows, n, out)
    doji_stars(rows, n, out)
    soldiers(rows, n, out)
    three_crows(rows, n, out)
    two_crows(rows, n, out)
    inside_and_outside(rows, n, out)
    bottoms(rows, n, out)
    gaps(rows, n, out)
    four_candles(rows, n, out)
    five_candle_reversals(rows, n, out)
    five_candle_continuations(rows, n, out)


@kernel(void(i8, i8, array(INT16, 2)))
def clear_warm_up(t: int, n: int, out: Int16Array) -> None:
    """No pattern before its averages are complete."""
    for pattern in range(N_PATTERNS):
        for k in range(min(n, WARM_UPS[pattern] - t)):
            out[pattern, k] = 0
