"""Volume-weighted average prices: of the UTC day, week or month, from a moment on, of the last bars; and bands."""

from __future__ import annotations

import math

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, TIME_S, VOLUME, Param, indicator
from bot4.quant.indicators.windows import NAN, blank, typical_prices, window_sums

DAY_S = 86_400.0
DAY, WEEK, MONTH = 0, 1, 2
MONDAY = 3  # 1970-01-01 was a Thursday
LATEST_S = 4_102_444_800  # 2100-01-01

MULTIPLIER = Param("multiplier", 2.0, 0.0, 20.0)
BANDS = ("vwap", "upper", "lower", "deviation")
BANDS_SIZE = 3
"""State of an average with its spread: its volume, its value, the sum of squared distances."""


# --- where a new average begins ----------------------------------------------------------------------------------


@kernel(i8(i8, i8))
def _calendar_period(day: int, anchor: int) -> int:
    """Number of the day, the week from Monday, or the month in which a day since 1970 lies.

    The month by Howard Hinnant's days-to-civil algorithm: of 400 years from 1 March, so that a leap day comes last.
    """
    if anchor == DAY:
        return day
    if anchor == WEEK:
        return (day + MONDAY) // 7
    shifted = day + 719_468  # days since 1 March of the year 0
    era = shifted // 146_097
    day_of_era = shifted - 146_097 * era
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    return 12 * (400 * era + year) + (5 * day_of_year + 2) // 153


@kernel(void(array(f8, 2), i8, i8, i8, i8, array(f8)), is_inlined=True)
def _mark_starts(bars: FloatArray, mask: int, t0: int, t1: int, anchor: int, starts: FloatArray) -> None:
    """1 for each of the bars ``t0 .. t1 - 1`` that is the first of its calendar period or of all, else 0."""
    spare, days = scratch(SPAN), scratch(SPAN)
    time = stretch(bars, TIME_S, mask, t0 - 1, t1, spare)
    for i in range(len(time)):
        days[i] = np.floor(time[i] / DAY_S)
    before = len(time) - (t1 - t0)  # 1, or 0 at the very first bar
    starts[0] = 1.0
    into, day = columns_from(starts, 1 - before), columns_from(days, 1)
    for i in range(len(time) - 1):
        into[i] = 1.0 if day[i] != days[i] else 0.0
    if anchor == DAY:
        return
    for i in range(len(time) - 1):
        if into[i] > 0.0 and _calendar_period(int(day[i]), anchor) == _calendar_period(int(days[i]), anchor):
            into[i] = 0.0


@kernel(void(array(f8, 2), i8, i8, i8, f8, array(f8)), is_inlined=True)
def _mark_anchor(bars: FloatArray, mask: int, t0: int, t1: int, anchor_s: float, starts: FloatArray) -> None:
    """1 for each of the bars ``t0 .. t1 - 1`` before the anchor, and for the first one from there on, else 0."""
    spare = scratch(SPAN)
    time = stretch(bars, TIME_S, mask, t0 - 1, t1, spare)
    before = len(time) - (t1 - t0)
    starts[0] = 1.0
    into = columns_from(starts, 1 - before)
    for i in range(len(time) - 1):
        into[i] = 1.0 if time[i] < anchor_s else 0.0


@kernel(void(array(f8, 2), i8, i8, i8, f8, array(f8, 2), i8), is_inlined=True)
def _blank_before_anchor(
    bars: FloatArray, mask: int, t0: int, t1: int, anchor_s: float, out: FloatArray, row: int
) -> None:
    """NaN in an output at the bars that open before the anchor."""
    spare = scratch(SPAN)
    time = stretch(bars, TIME_S, mask, t0, t1, spare)
    if time[0] >= anchor_s:
        return
    values = out[row]
    for i in range(t1 - t0):
        values[i] = NAN if time[i] < anchor_s else values[i]


# --- running averages --------------------------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _divide(money: FloatArray, volume: FloatArray, without: FloatArray, n: int, out: FloatArray) -> None:
    """``money / volume``; the third where there is no volume."""
    apart()
    for i in range(n):
        price = money[i] / (volume[i] if volume[i] > 0.0 else 1.0)
        out[i] = price if volume[i] > 0.0 else without[i]


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), array(f8), array(f8)), is_inlined=True)
def _run_average_price(
    bars: FloatArray, mask: int, t0: int, t1: int, starts: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Sum of ``typical price x volume`` over that of volume, both begun anew where a start is marked."""
    spare, price, money, total = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    typical_prices(bars, mask, t0, t1, price)
    volume = stretch(bars, VOLUME, mask, t0, t1, spare)
    n = t1 - t0
    for i in range(n):
        money[i] = price[i] * volume[i]
    value, traded = state[0], state[1]
    for i in range(n):
        if starts[i] > 0.0:
            value, traded = 0.0, 0.0
        value += money[i]
        traded += volume[i]
        money[i] = value
        total[i] = traded
    state[0], state[1] = value, traded
    _divide(money, total, price, n, out)


@indicator(
    "vwap",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME, TIME_S),
    outputs=("vwap",),
    state_size=2,
    warm_up=0,
    lookback=1,
    source="volume-weighted average price of the UTC day",
)
def vwap(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``sum(typical price x volume) / sum(volume)`` since 00:00 UTC; the typical price before any volume."""
    starts = scratch(SPAN)
    _mark_starts(bars, mask, t0, t1, DAY, starts)
    _run_average_price(bars, mask, t0, t1, starts, state, out[0])


@indicator(
    "anchored_vwap",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME, TIME_S),
    params=(Param("anchor_s", 0, 0, LATEST_S),),
    outputs=("anchored_vwap",),
    state_size=2,
    warm_up=0,
    source="TA-Lib (VWAP), which begins at the first bar; Shannon",
)
def anchored_vwap(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sum(typical price x volume) / sum(volume)`` of the bars that open at ``anchor_s`` (UTC seconds) or later.

    With 0 it begins at the first bar. NaN before the anchor, whatever the warm-up; from there the typical price until
    something was traded.
    """
    spare, spare_time, price = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    money, total = scratch(SPAN), scratch(SPAN)
    n, anchor_s = t1 - t0, params[0]
    typical_prices(bars, mask, t0, t1, price)
    volume = stretch(bars, VOLUME, mask, t0, t1, spare)
    time = stretch(bars, TIME_S, mask, t0, t1, spare_time)
    for i in range(n):
        total[i] = volume[i] if time[i] >= anchor_s else 0.0
    for i in range(n):
        money[i] = price[i] * total[i]
    value, traded = state[0], state[1]
    for i in range(n):
        value += money[i]
        traded += total[i]
        money[i], total[i] = value, traded
    state[0], state[1] = value, traded
    _divide(money, total, price, n, out[0])
    _blank_before_anchor(bars, mask, t0, t1, anchor_s, out, 0)


# --- running bands -----------------------------------------------------------------------------------------------


@kernel(void(array(f8), f8, i8, array(f8, 2)), is_inlined=True)
def _place_bands(deviation: FloatArray, multiplier: float, n: int, out: FloatArray) -> None:
    """The bands around the average in the first output; the deviation itself in the last."""
    middle, upper, lower, spread = out[0], out[1], out[2], out[3]
    for i in range(n):
        upper[i] = middle[i] + multiplier * deviation[i]
    for i in range(n):
        lower[i] = middle[i] - multiplier * deviation[i]
    for i in range(n):
        spread[i] = deviation[i]


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), f8, array(f8), array(f8, 2)), is_inlined=True)
def _run_bands(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    starts: FloatArray,
    multiplier: float,
    state: FloatArray,
    out: FloatArray,
) -> None:
    """Average price, its spread and its bands, begun anew where a start is marked.

    By West's recursion (1979), which subtracts nothing large: a bar of the share ``r`` of the volume so far moves the
    average by ``r (price - average)`` and adds ``volume (price - average before)(price - average after)`` to the
    squares. Before any volume the average is the price.
    """
    spare, price, total = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    share, squares, before = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    typical_prices(bars, mask, t0, t1, price)
    volume = stretch(bars, VOLUME, mask, t0, t1, spare)
    n = t1 - t0
    traded, mean, square = state[0], state[1], state[2]
    for i in range(n):
        traded = volume[i] if starts[i] > 0.0 else traded + volume[i]
        total[i] = traded
    for i in range(n):
        part = volume[i] / (total[i] if total[i] > 0.0 else 1.0)
        share[i] = part if total[i] > 0.0 else 1.0
    middle = out[0]
    for i in range(n):
        before[i] = mean
        moved = mean + share[i] * (price[i] - mean)
        mean = price[i] if share[i] == 1.0 or starts[i] > 0.0 else moved
        middle[i] = mean
    for i in range(n):
        squares[i] = volume[i] * (price[i] - before[i]) * (price[i] - middle[i])
    for i in range(n):
        square = 0.0 if starts[i] > 0.0 else square + squares[i]
        squares[i] = square
    state[0], state[1], state[2] = traded, mean, square
    for i in range(n):
        variance = squares[i] / (total[i] if total[i] > 0.0 else 1.0)
        squares[i] = math.sqrt(variance if variance > 0.0 else 0.0)
    _place_bands(squares, multiplier, n, out)


@indicator(
    "vwap_bands",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME, TIME_S),
    params=(Param("anchor", DAY, DAY, MONTH), MULTIPLIER),
    outputs=BANDS,
    state_size=BANDS_SIZE,
    warm_up=0,
    lookback=1,
    source="volume-weighted average price with standard deviation bands; TradingView; West 1979",
)
def vwap_bands(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sum(p v) / sum(v)`` of typical price and volume since the UTC day, week or month began, and bands around it.

    ``anchor``: 0 the day, 1 the week from Monday, 2 the month. ``deviation = sqrt(sum(v (p - vwap)^2) / sum(v))``; the
    bands lie ``multiplier`` deviations above and below. Before any volume the average is the typical price, the
    deviation 0.
    """
    starts = scratch(SPAN)
    _mark_starts(bars, mask, t0, t1, int(params[0]), starts)
    _run_bands(bars, mask, t0, t1, starts, params[1], state, out)


@indicator(
    "anchored_vwap_bands",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME, TIME_S),
    params=(Param("anchor_s", 0, 0, LATEST_S), MULTIPLIER),
    outputs=BANDS,
    state_size=BANDS_SIZE,
    warm_up=0,
    lookback=1,
    source="anchored volume-weighted average price with standard deviation bands; Shannon; West 1979",
)
def anchored_vwap_bands(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sum(p v) / sum(v)`` of typical price and volume of the bars that open at ``anchor_s`` or later, and bands.

    ``anchor_s``: UTC seconds; 0 begins at the first bar. ``deviation = sqrt(sum(v (p - vwap)^2) / sum(v))``; the bands
    lie ``multiplier`` deviations above and below. NaN before the anchor, whatever the warm-up; from there the typical
    price, with deviation 0, until something was traded.
    """
    starts = scratch(SPAN)
    _mark_anchor(bars, mask, t0, t1, params[0], starts)
    _run_bands(bars, mask, t0, t1, starts, params[1], state, out)
    for row in range(4):
        _blank_before_anchor(bars, mask, t0, t1, params[0], out, row)


# --- the last bars -----------------------------------------------------------------------------------------------


@kernel(i8(array(f8, 2), i8, i8, i8, i8, array(f8), array(f8), array(f8)), is_inlined=True)
def _window_prices(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, price: FloatArray, total: FloatArray, mean: FloatArray
) -> int:
    """Typical prices, then volume and average price of each window of the block; returns how many windows."""
    spare, money, value = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = typical_prices(bars, mask, t0 - (period - 1), t1, price)
    volume = stretch(bars, VOLUME, mask, t0 - (period - 1), t1, spare)
    for i in range(n):
        money[i] = price[i] * volume[i]
    m: int = window_sums(volume, n, period, total)
    window_sums(money, n, period, value)
    _divide(value, total, columns_from(price, period - 1), m, mean)
    return m


@kernel(void(array(f8), array(f8), array(f8), array(f8), i8, i8, array(f8)), is_inlined=True)
def _window_deviations(
    price: FloatArray, volume: FloatArray, mean: FloatArray, total: FloatArray, m: int, period: int, out: FloatArray
) -> None:
    """``sqrt(sum(v (p - mean)^2) / total)`` of ``m`` windows, 0 without volume: a second pass over it."""
    apart()
    for i in range(m):
        out[i] = 0.0
    if m < 4:  # the same sums, the loops the other way round
        for i in range(m):
            centre, squares = mean[i], 0.0
            for k in range(i, i + period):
                distance = price[k] - centre
                squares += volume[k] * (distance * distance)
            out[i] = squares
    else:
        for k in range(period):
            p, v = columns_from(price, k), columns_from(volume, k)
            for i in range(m):
                distance = p[i] - mean[i]
                out[i] += v[i] * (distance * distance)
    for i in range(m):
        out[i] = math.sqrt(out[i] / total[i]) if total[i] > 0.0 else 0.0


@indicator(
    "rolling_vwap",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 20, 1, 440),),
    outputs=("rolling_vwap",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="volume-weighted average price",
)
def rolling_vwap(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sum(typical price x volume) / sum(volume)`` of ``period`` bars; the typical price without volume."""
    period = int(params[0])
    price, total = scratch(SPAN), scratch(SPAN)
    first = min(t1 - t0, max(period - 1 - t0, 0))
    _window_prices(bars, mask, t0, t1, period, price, total, columns_from(out[0], first))
    blank(out, 0, first)


@indicator(
    "rolling_vwap_bands",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 20, 1, 440), MULTIPLIER),
    outputs=BANDS,
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="volume-weighted average price with standard deviation bands",
)
def rolling_vwap_bands(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sum(p v) / sum(v)`` of typical price and volume of ``period`` bars, and bands around it.

    ``deviation = sqrt(sum(v (p - vwap)^2) / sum(v))``; the bands lie ``multiplier`` deviations above and below.
    Without volume the average is the typical price of the bar, the deviation 0.
    """
    period, n = int(params[0]), t1 - t0
    spare, price, total = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    mean, deviation = scratch(SPAN), scratch(SPAN)
    m: int = _window_prices(bars, mask, t0, t1, period, price, total, mean)
    volume = stretch(bars, VOLUME, mask, t0 - (period - 1), t1, spare)
    _window_deviations(price, volume, mean, total, m, period, deviation)
    for row in range(4):
        blank(out, row, n - m)
    middle = columns_from(out[0], n - m)
    for i in range(m):
        middle[i] = mean[i]
    _place_bands(deviation, params[1], m, columns_from(out, n - m))


@indicator(
    "volume_weighted_deviation",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 20, 1, 440),),
    outputs=("volume_weighted_deviation",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="standard deviation, population, weighted by volume",
)
def volume_weighted_deviation(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sqrt(sum(v (p - vwap)^2) / sum(v))`` of typical price and volume of ``period`` bars; 0 without volume."""
    period, n = int(params[0]), t1 - t0
    spare, price, total, mean = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    m: int = _window_prices(bars, mask, t0, t1, period, price, total, mean)
    volume = stretch(bars, VOLUME, mask, t0 - (period - 1), t1, spare)
    blank(out, 0, n - m)
    _window_deviations(price, volume, mean, total, m, period, columns_from(out[0], n - m))
