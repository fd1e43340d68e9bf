"""How much of a trend there is: mass index, choppiness, horizontal filter, intensity, Wilder's swing index."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, OPEN, SPAN, Param, indicator, view
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.stretches import differences, quotients, shares
from bot4.quant.indicators.wilder import carry, waiting
from bot4.quant.indicators.windows import blank, negate, scale, true_ranges, window_maxima, window_sums

LEAST_PART = 2.0**-50
"""A distance from a mean below this part of it is rounding: the two count as equal."""


# --- ranges that widen and narrow --------------------------------------------------------------------------------


@indicator(
    "mass_index",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("period", 25, 1, 440), Param("smooth", 9, 1, 440)),
    outputs=("mass_index",),
    state_size=lambda period: 2 * AVERAGE_SIZE + period - 1,
    warm_up=lambda period, smooth: 2 * (smooth - 1) + period - 1,
    source="Dorsey, Stocks and Commodities, June 1992; TA-Lib's EMA",
)
def mass_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Dorsey's mass index: ``period`` bars' sum of ``EMA(high - low) / EMA(EMA(high - low))``, about ``period``.

    Both averages are of ``smooth`` bars. The ratio is 1 while nothing has had a range.
    """
    period, smooth = int(params[0]), int(params[1])
    n, back = t1 - t0, period - 1
    spare_high, spare_low, ranges, doubled, room = (
        scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    )  # fmt: skip
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    differences(high, low, n, ranges)
    alpha = 2.0 / (smooth + 1)
    run_average(ranges, n, t0, smooth, alpha, state, 0, ranges)
    first = waiting(smooth - 1, t0, t1)
    for i in range(first):
        doubled[i] = 0.0
    twice = doubled[first:]
    run_average(ranges[first:], n - first, t0 + first - (smooth - 1), smooth, alpha, state, AVERAGE_SIZE, twice)
    past = state[2 * AVERAGE_SIZE :]
    carry(past, room, back)
    fresh = room[back:]
    quotients(ranges, doubled, n, 1.0, 1.0, fresh)
    window_sums(room, back + n, period, out[0])
    carry(room[n:], past, back)
    blank(out, 0, waiting(2 * (smooth - 1) + back, t0, t1))


@kernel(i8(array(f8), array(f8), i8, array(f8)), is_inlined=True)
def window_ranges(highs: FloatArray, lows: FloatArray, period: int, out: FloatArray) -> int:
    """Highest high less lowest low of each window of two stretches; returns how many."""
    negated, minus_least = scratch(SPAN), scratch(SPAN)
    negate(lows, negated, len(lows))
    window_maxima(negated, len(lows), period, minus_least)
    n: int = window_maxima(highs, len(highs), period, out)
    for i in range(n):
        out[i] += minus_least[i]
    return n


@indicator(
    "choppiness",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 2, 440),),
    outputs=("choppiness",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Dreiss; TradingView's Choppiness Index",
)
def choppiness(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The choppiness index: the path of the price against the ground that it covered, in percent; high is sideways.

    ``100 log(sum TR / (highest high - lowest low)) / log(period)`` over ``period`` bars. 100 without range.
    """
    period = int(params[0])
    first = max(t0 - (period - 1), 1)
    spare_high, spare_low, ranges, grounds = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    length = true_ranges(bars, mask, first, t1, ranges)
    high = stretch(bars, HIGH, mask, first, t1, spare_high)
    low = stretch(bars, LOW, mask, first, t1, spare_low)
    n = window_ranges(high, low, period, grounds)
    gap = t1 - t0 - n
    values = out[0, gap : gap + n]
    window_sums(ranges, length, period, values)
    unit = 100.0 / math.log(period)
    for i in range(n):
        is_moved = (grounds[i] > 0.0) & (values[i] > 0.0)
        values[i] = unit * math.log(values[i] / grounds[i]) if is_moved else 100.0
    blank(out, 0, gap)


@indicator(
    "vertical_horizontal_filter",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 28, 2, 440),),
    outputs=("vertical_horizontal_filter",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="White, Futures, August 1991",
)
def vertical_horizontal_filter(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """White's vertical horizontal filter: the range of ``period`` closes over the way they went; 1 is a straight trend.

    ``(highest close - lowest close) / sum |close - last close|``; 0 if nothing moved.
    """
    period = int(params[0])
    first = max(t0 - (period - 1), 1)
    spare, moves, spans, paths = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    closes = stretch(bars, CLOSE, mask, first - 1, t1, spare)
    length = max(t1 - first, 0)
    now, before = closes[1 : length + 1], closes[:length]
    for i in range(length):
        moves[i] = abs(now[i] - before[i])
    n = window_ranges(now, now, period, spans)
    gap = t1 - t0 - n
    window_sums(moves, length, period, paths)
    quotients(spans, paths, n, 1.0, 0.0, out[0, gap : gap + n])
    blank(out, 0, gap)


# --- closes against their averages -------------------------------------------------------------------------------


@indicator(
    "trend_intensity",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 220), Param("average", 60, 2, 220)),
    outputs=("trend_intensity",),
    state_size=0,
    warm_up=lambda period, average: period + average - 2,
    lookback=lambda period, average: period + average - 2,
    source="Pee, Trend Intensity Index, Stocks and Commodities, June 2002",
)
def trend_intensity(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Pee's trend intensity index: of the distances of closes from their averages, the part above, in percent.

    ``100 sum(above) / (sum(above) + sum(below))`` over ``period`` bars, each bar's distance being from the mean of the
    last ``average`` closes at that bar. 50 if no close is off its mean (by more than a part of ``2^-50``).
    """
    period, average = int(params[0]), int(params[1])
    spare, means, above, below, rises = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    closes = stretch(bars, CLOSE, mask, t0 - (period + average - 2), t1, spare)
    m = window_sums(closes, len(closes), average, means)
    scale(means, m, 1.0 / average)
    close = closes[len(closes) - m :]
    for i in range(m):
        distance = close[i] - means[i]
        above[i] = distance if distance > LEAST_PART * abs(means[i]) else 0.0
    for i in range(m):
        distance = means[i] - close[i]
        below[i] = distance if distance > LEAST_PART * abs(means[i]) else 0.0
    n = window_sums(below, m, period, means)
    gap = t1 - t0 - n
    window_sums(above, m, period, rises)
    shares(rises, means, n, 50.0, out[0, gap : gap + n])
    blank(out, 0, gap)


# --- Wilder's swing index ----------------------------------------------------------------------------------------


@kernel(f8(f8, f8, f8, f8, f8, f8), is_inlined=True)
def swing_of(open_: float, high: float, low: float, close: float, last_open: float, last_close: float) -> float:
    """Wilder's swing of a bar in units of ``50 / limit move``."""
    from_high, from_low, width = abs(high - last_close), abs(low - last_close), high - low
    last_body = abs(last_close - last_open)
    if (from_high >= from_low) & (from_high >= width):
        reach = from_high - 0.5 * from_low + 0.25 * last_body
    elif from_low >= width:
        reach = from_low - 0.5 * from_high + 0.25 * last_body
    else:
        reach = width + 0.25 * last_body
    way = (close - last_close) + 0.5 * (close - open_) + 0.25 * (last_close - last_open)
    farther = from_high if from_high > from_low else from_low
    return way / reach * farther if reach > 0.0 else 0.0


@kernel(void(array(f8, 2), i8, i8, i8, f8, array(f8)), is_inlined=True)
def swings_of(bars: FloatArray, mask: int, first: int, stop: int, unit: float, into: FloatArray) -> None:
    """Wilder's swing of each of the bars ``first .. stop - 1`` (``first >= 1``), times a unit."""
    spare_open, spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    opens = stretch(bars, OPEN, mask, first - 1, stop, spare_open)
    high = stretch(bars, HIGH, mask, first, stop, spare_high)
    low = stretch(bars, LOW, mask, first, stop, spare_low)
    closes = stretch(bars, CLOSE, mask, first - 1, stop, spare_close)
    n = len(high)
    open_, last_open, close, last_close = opens[1 : n + 1], opens[:n], closes[1 : n + 1], closes[:n]
    for i in range(n):
        into[i] = unit * swing_of(open_[i], high[i], low[i], close[i], last_open[i], last_close[i])


@indicator(
    "accumulative_swing_index",
    family="trend",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    params=(Param("limit_move", 10000.0, 1e-9, 1e15),),
    outputs=("accumulated", "swing"),
    state_size=1,
    warm_up=1,
    lookback=1,
    source="Wilder, New Concepts in Technical Trading Systems, 1978",
)
def accumulative_swing_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Wilder's swing index of each bar, and its sum since the first one.

    ``SI = 50 (C - C' + (C - O) / 2 + (C' - O') / 4) / R * K / limit_move`` with ``'`` for the bar before and
    ``K = max(|H - C'|, |L - C'|)``. ``R`` is ``|H - C'| - |L - C'| / 2 + |C' - O'| / 4`` if ``|H - C'|`` is the
    greatest of ``|H - C'|``, ``|L - C'|`` and ``H - L``; ``|L - C'| - |H - C'| / 2 + |C' - O'| / 4`` if ``|L - C'|``
    is; else ``H - L + |C' - O'| / 4``; of equals the first. 0 where ``R`` is 0.
    ``limit_move`` is in the price's unit; where there is no limit it sets the scale only.
    """
    first = max(t0, 1)
    gap, n = first - t0, t1 - first
    swings, totals = out[1, gap : gap + n], out[0, gap : gap + n]
    swings_of(bars, mask, first, t1, 50.0 / params[0], swings)
    total = state[0]
    for i in range(n):
        total += swings[i]
        totals[i] = total
    state[0] = total
    blank(out, 0, gap)
    blank(out, 1, gap)


view(
    "swing_index", of="accumulative_swing_index", outputs=("swing",), warm_up=1,
    formula="""Wilder's swing index of a bar: how far it went against the bar before, from -100 to 100 of a limit move.

    See ``accumulative_swing_index``.""",
)  # fmt: skip
