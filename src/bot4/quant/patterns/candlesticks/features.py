"""What the patterns share: the shape of each candle, and the averages that say what is long, short, near or far."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from
from bot4.quant.patterns.candlesticks.layout import (
    AVERAGED,
    AVERAGED_PARTS,
    BODY,
    BODY_CHANGE_10,
    BOTTOM,
    CHANGES,
    CLOSE,
    COLOUR,
    FACTORS,
    FIRST_AVERAGE,
    HIGH,
    HISTORY,
    LOW,
    LOWER,
    N_AVERAGES,
    N_TAIL,
    OPEN,
    PERIODS,
    RANGE,
    RANGE_CHANGE_5,
    SHADOWS,
    STARTS,
    TOP,
    UPPER,
)

_SETTLED = 16  # from this bar on every running total has started


@kernel(void(array(f8, 2), i8, i8, i8, array(f8, 2)))
def load_prices(bars: FloatArray, mask: int, t: int, n: int, rows: FloatArray) -> None:
    """Prices of bars ``t - HISTORY .. t + n - 1``; zero before the first bar."""
    first = t - HISTORY
    length = HISTORY + n
    start = first & mask
    is_straight = first >= 0 and start <= ((t + n - 1) & mask)
    for price in range(OPEN, CLOSE + 1):
        row, column = rows[price], bars[price]
        if is_straight:
            straight = column[start : start + length]
            for k in range(length):
                row[k] = straight[k]
        else:
            for k in range(length):
                row[k] = column[(first + k) & mask] if first + k >= 0 else 0.0


@kernel(void(array(f8, 2), i8))
def shape_candles(rows: FloatArray, n: int) -> None:
    """Body, shadows, ends, colour and range of every candle, those of the history included."""
    m = HISTORY + n
    o, h, lo, c = rows[OPEN], rows[HIGH], rows[LOW], rows[CLOSE]
    body, top, bottom, colour = rows[BODY], rows[TOP], rows[BOTTOM], rows[COLOUR]
    for k in range(m):
        body[k] = abs(c[k] - o[k])
    for k in range(m):
        top[k] = c[k] if c[k] >= o[k] else o[k]
    for k in range(m):
        bottom[k] = o[k] if c[k] >= o[k] else c[k]
    for k in range(m):
        colour[k] = 1.0 if c[k] >= o[k] else -1.0
    upper, lower, size, shadows = rows[UPPER], rows[LOWER], rows[RANGE], rows[SHADOWS]
    for k in range(m):
        upper[k] = h[k] - top[k]
    for k in range(m):
        lower[k] = bottom[k] - lo[k]
    for k in range(m):
        size[k] = h[k] - lo[k]
    for k in range(m):
        shadows[k] = upper[k] + lower[k]


@kernel(void(array(f8, 2), i8, i8, array(f8)))
def average_candles(rows: FloatArray, t: int, n: int, state: FloatArray) -> None:
    """Every average at every bar of the block, and at the four bars before it, going on from the state."""
    tail = columns_from(rows, HISTORY - N_TAIL + 1)
    for average in range(N_AVERAGES):
        total = tail[FIRST_AVERAGE + average]
        for k in range(N_TAIL):
            total[k] = state[average * N_TAIL + k]
    if t < _SETTLED:
        _start_totals(rows, t, n)
    else:
        _change_windows(rows, n)
        for average in range(0, N_AVERAGES, 4):
            _go_on_with_four_totals(rows, average, n)
    for average in range(N_AVERAGES):
        total = tail[FIRST_AVERAGE + average]
        for k in range(N_TAIL):
            state[average * N_TAIL + k] = total[n + k]
        period, factor = float(PERIODS[average]), FACTORS[average]
        for k in range(N_TAIL - 1 + n):
            total[k] = factor * (total[k] / period)


@kernel(void(array(f8, 2), i8))
def _change_windows(rows: FloatArray, n: int) -> None:
    """What each window gains by each bar of the block."""
    now, ago5, ago10 = columns_from(rows, HISTORY), columns_from(rows, HISTORY - 5), columns_from(rows, HISTORY - 10)
    for part in range(3):
        new, old, change = now[AVERAGED_PARTS[part]], ago10[AVERAGED_PARTS[part]], now[BODY_CHANGE_10 + part]
        for k in range(n):
            change[k] = new[k] - old[k]
    new, old, change = now[RANGE], ago5[RANGE], now[RANGE_CHANGE_5]
    for k in range(n):
        change[k] = new[k] - old[k]


@kernel(void(array(f8, 2), i8, i8))
def _go_on_with_four_totals(rows: FloatArray, average: int, n: int) -> None:
    """Four at a time, since each addition waits for the one before it."""
    now, following = columns_from(rows, HISTORY), columns_from(rows, HISTORY + 1)
    change0, change1 = now[CHANGES[average]], now[CHANGES[average + 1]]
    change2, change3 = now[CHANGES[average + 2]], now[CHANGES[average + 3]]
    first = FIRST_AVERAGE + average
    next0, next1, next2, next3 = following[first], following[first + 1], following[first + 2], following[first + 3]
    total0, total1, total2, total3 = now[first, 0], now[first + 1, 0], now[first + 2, 0], now[first + 3, 0]
    for k in range(n):
        total0 += change0[k]
        total1 += change1[k]
        total2 += change2[k]
        total3 += change3[k]
        next0[k] = total0
        next1[k] = total1
        next2[k] = total2
        next3[k] = total3


@kernel(void(array(f8, 2), i8, i8))
def _start_totals(rows: FloatArray, t: int, n: int) -> None:
    """The same with the first bars: a total of ``period`` bars is ready at its start, and then goes on."""
    now, following = columns_from(rows, HISTORY), columns_from(rows, HISTORY + 1)
    for average in range(N_AVERAGES):
        start, period = STARTS[average], PERIODS[average]
        new, old = now[AVERAGED[average]], columns_from(rows, HISTORY - period)[AVERAGED[average]]
        totals = following[FIRST_AVERAGE + average]
        total = now[FIRST_AVERAGE + average, 0]
        for k in range(n):
            if t + k >= start:
                total += new[k] - old[k]
            elif t + k >= start - period:
                total += new[k]
            totals[k] = total
