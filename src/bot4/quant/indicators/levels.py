"""Levels of the price: pivot points of the session before, and ZigZag's confirmed turning points; Heikin-Ashi bars."""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, OPEN, SPAN, TIME_S, Param, indicator

HOUR_S = 3600.0


# --- pivot points ------------------------------------------------------------------------------------------------
#
# Sessions are counted from the epoch, so that those of 24 hours are days of UTC.

SESSION, IS_LATER = 0, 1
NOW = 2  # open, high, low and close of the session so far
BEFORE = 6  # and of the session before
SESSION_STATE = 10
SESSION_HOURS = Param("session_hours", 24, 1, 720)


@kernel(void(array(f8), i8, f8, array(f8)), is_inlined=True)
def number_sessions(times: FloatArray, n: int, session_s: float, into: FloatArray) -> None:
    """The number of the session in which each time lies."""
    for i in range(n):
        into[i] = np.floor(times[i] / session_s)


@kernel(void(array(f8, 2), i8, i8, i8, f8, array(f8), array(f8), array(f8), array(f8), array(f8), array(f8)))
def follow_sessions(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    hours: float,
    state: FloatArray,
    opens: FloatArray,
    highs: FloatArray,
    lows: FloatArray,
    closes: FloatArray,
    opens_now: FloatArray,
) -> None:
    """Open, high, low and close of the session before each bar's, and the open of its own.

    In the first session, which has none before it, they are those of the bars so far.
    """
    spare_open, spare_high, spare_low, spare_close, spare_time, numbers = (
        scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    )  # fmt: skip
    n = t1 - t0
    open_ = stretch(bars, OPEN, mask, t0, t1, spare_open)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0, t1, spare_close)
    number_sessions(stretch(bars, TIME_S, mask, t0, t1, spare_time), n, HOUR_S * hours, numbers)
    session, is_later = state[SESSION], state[IS_LATER]
    o, h, lo, c = state[NOW], state[NOW + 1], state[NOW + 2], state[NOW + 3]
    last_o, last_h, last_l, last_c = state[BEFORE], state[BEFORE + 1], state[BEFORE + 2], state[BEFORE + 3]
    for i in range(n):
        is_first = t0 + i == 0
        if is_first or numbers[i] != session:
            if not is_first:
                last_o, last_h, last_l, last_c = o, h, lo, c
                is_later = 1.0
            o, h, lo = open_[i], high[i], low[i]
            session = numbers[i]
        h = high[i] if high[i] > h else h
        lo = low[i] if low[i] < lo else lo
        c = close[i]
        if is_later == 0.0:
            last_o, last_h, last_l, last_c = o, h, lo, c
        opens[i], highs[i], lows[i], closes[i], opens_now[i] = last_o, last_h, last_l, last_c, o
    state[SESSION], state[IS_LATER] = session, is_later
    state[NOW], state[NOW + 1], state[NOW + 2], state[NOW + 3] = o, h, lo, c
    state[BEFORE], state[BEFORE + 1], state[BEFORE + 2], state[BEFORE + 3] = last_o, last_h, last_l, last_c


@kernel(void(array(f8), array(f8), array(f8), f8, f8, f8, i8, array(f8)))
def levels_at(
    a: FloatArray, b: FloatArray, c: FloatArray, of_a: float, of_b: float, of_c: float, n: int, out: FloatArray
) -> None:
    """``of_a a + of_b b + of_c c``."""
    for i in range(n):
        out[i] = of_a * a[i] + of_b * b[i] + of_c * c[i]


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def pivot_of(high: FloatArray, low: FloatArray, close: FloatArray, n: int, out: FloatArray) -> None:
    """``(high + low + close) / 3``."""
    for i in range(n):
        out[i] = (high[i] + low[i] + close[i]) / 3.0


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8, 2)))
def floor_levels(pivots: FloatArray, high: FloatArray, low: FloatArray, n: int, out: FloatArray) -> None:
    """The levels ``r1 s1 r2 s2 r3 s3`` of floor traders, to the rows 1 .. 6, from a pivot and a range."""
    levels_at(pivots, low, low, 2.0, -1.0, 0.0, n, out[1])
    levels_at(pivots, high, high, 2.0, -1.0, 0.0, n, out[2])
    levels_at(pivots, high, low, 1.0, 1.0, -1.0, n, out[3])
    levels_at(pivots, high, low, 1.0, -1.0, 1.0, n, out[4])
    levels_at(pivots, high, low, 2.0, 1.0, -2.0, n, out[5])
    levels_at(pivots, high, low, 2.0, -2.0, 1.0, n, out[6])


@indicator(
    "pivots_classic",
    family="trend",
    inputs=(OPEN, HIGH, LOW, CLOSE, TIME_S),
    params=(SESSION_HOURS,),
    outputs=("pivot", "r1", "s1", "r2", "s2", "r3", "s3"),
    state_size=SESSION_STATE,
    warm_up=0,
    source="floor traders; Person, A Complete Guide to Technical Trading Tactics, 2004",
)
def pivots_classic(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Classic pivot points, from high ``H``, low ``L`` and close ``C`` of the session before.

    ``P = (H + L + C) / 3``; ``R1 = 2 P - L``, ``S1 = 2 P - H``; ``R2 = P + H - L``, ``S2 = P - (H - L)``;
    ``R3 = H + 2 (P - L)``, ``S3 = L - 2 (H - P)``. Sessions are ``session_hours`` long and counted from the epoch: 24
    hours are days of UTC, 168 are weeks from Thursday on. In the first session, which has none before it, the levels
    are of the bars so far. In the unit of the price.
    """
    n = t1 - t0
    o, h, lo, c, o_now = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    follow_sessions(bars, mask, t0, t1, params[0], state, o, h, lo, c, o_now)
    pivot_of(h, lo, c, n, out[0])
    floor_levels(out[0], h, lo, n, out)


@indicator(
    "pivots_fibonacci",
    family="trend",
    inputs=(OPEN, HIGH, LOW, CLOSE, TIME_S),
    params=(SESSION_HOURS,),
    outputs=("pivot", "r1", "s1", "r2", "s2", "r3", "s3"),
    state_size=SESSION_STATE,
    warm_up=0,
    source="TradingView's Pivot Points Standard",
)
def pivots_fibonacci(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Fibonacci pivot points, from high ``H``, low ``L`` and close ``C`` of the session before.

    ``P = (H + L + C) / 3``; the levels are ``P`` plus and minus 0.382, 0.618 and 1 times ``H - L``. Sessions as in
    ``pivots_classic``. In the unit of the price.
    """
    n = t1 - t0
    o, h, lo, c, o_now = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    follow_sessions(bars, mask, t0, t1, params[0], state, o, h, lo, c, o_now)
    pivots = out[0]
    pivot_of(h, lo, c, n, pivots)
    for level in range(3):
        part = 0.382 if level == 0 else (0.618 if level == 1 else 1.0)
        levels_at(pivots, h, lo, 1.0, part, -part, n, out[2 * level + 1])
        levels_at(pivots, h, lo, 1.0, -part, part, n, out[2 * level + 2])


@indicator(
    "pivots_camarilla",
    family="trend",
    inputs=(OPEN, HIGH, LOW, CLOSE, TIME_S),
    params=(SESSION_HOURS,),
    outputs=("pivot", "r1", "s1", "r2", "s2", "r3", "s3", "r4", "s4"),
    state_size=SESSION_STATE,
    warm_up=0,
    source="Stott 1989; TradingView's Pivot Points Standard",
)
def pivots_camarilla(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Camarilla pivot points, from high ``H``, low ``L`` and close ``C`` of the session before.

    ``P = (H + L + C) / 3``; the levels are ``C`` plus and minus ``1.1 (H - L)`` divided by 12, 6, 4 and 2. Sessions as
    in ``pivots_classic``. In the unit of the price.
    """
    n = t1 - t0
    o, h, lo, c, o_now = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    follow_sessions(bars, mask, t0, t1, params[0], state, o, h, lo, c, o_now)
    pivot_of(h, lo, c, n, out[0])
    for level in range(4):
        part = 1.1 / (12.0 if level == 0 else (6.0 if level == 1 else (4.0 if level == 2 else 2.0)))
        levels_at(c, h, lo, 1.0, part, -part, n, out[2 * level + 1])
        levels_at(c, h, lo, 1.0, -part, part, n, out[2 * level + 2])


@indicator(
    "pivots_woodie",
    family="trend",
    inputs=(OPEN, HIGH, LOW, CLOSE, TIME_S),
    params=(SESSION_HOURS,),
    outputs=("pivot", "r1", "s1", "r2", "s2", "r3", "s3"),
    state_size=SESSION_STATE,
    warm_up=0,
    source="Woodie; TradingView's Pivot Points Standard",
)
def pivots_woodie(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Woodie's pivot points, from high ``H`` and low ``L`` of the session before and the open ``O`` of this one.

    ``P = (H + L + 2 O) / 4``, the levels from it as in ``pivots_classic``, sessions as there. In the unit of the price.
    """
    n = t1 - t0
    o, h, lo, c, o_now = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    follow_sessions(bars, mask, t0, t1, params[0], state, o, h, lo, c, o_now)
    levels_at(h, lo, o_now, 0.25, 0.25, 0.5, n, out[0])
    floor_levels(out[0], h, lo, n, out)


@indicator(
    "pivots_demark",
    family="trend",
    inputs=(OPEN, HIGH, LOW, CLOSE, TIME_S),
    params=(SESSION_HOURS,),
    outputs=("pivot", "r1", "s1"),
    state_size=SESSION_STATE,
    warm_up=0,
    source="DeMark, The New Science of Technical Analysis, 1994",
)
def pivots_demark(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """DeMark's pivot point and the range that he expects, from the bar ``O H L C`` of the session before.

    ``X = H + L + C`` and its low again if ``C < O``, its high again if ``C > O``, its close again if they are equal;
    ``P = X / 4``, ``R1 = X / 2 - L``, ``S1 = X / 2 - H``. Sessions as in ``pivots_classic``. In the unit of the price.
    """
    n = t1 - t0
    o, h, lo, c, o_now = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    follow_sessions(bars, mask, t0, t1, params[0], state, o, h, lo, c, o_now)
    pivots = out[0]
    for i in range(n):
        again = lo[i] if c[i] < o[i] else (h[i] if c[i] > o[i] else c[i])
        pivots[i] = 0.25 * (h[i] + lo[i] + c[i] + again)
    levels_at(pivots, lo, lo, 2.0, -1.0, 0.0, n, out[1])
    levels_at(pivots, h, h, 2.0, -1.0, 0.0, n, out[2])


# --- turning points ----------------------------------------------------------------------------------------------

PIVOT, PIVOT_SIDE, PIVOT_BAR, TOP, TOP_BAR, BOTTOM, BOTTOM_BAR, ZIGZAG_STATE = range(8)


@indicator(
    "zigzag",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("threshold_percent", 5.0, 0.01, 90.0),),
    outputs=("pivot", "side", "bars_since", "extreme"),
    state_size=ZIGZAG_STATE,
    warm_up=0,
    source="Merrill, Filtered Waves, 1977; confirmed pivots only",
)
def zigzag(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The last turning point that is confirmed: its price, +1 for a high or -1 for a low, bars since, and the extreme.

    A high is confirmed at the first later bar whose low lies ``threshold_percent`` below it, a low at the first later
    bar whose high lies as much above it; until then a higher high (or lower low) takes its place, and a bar that does
    so confirms nothing. ``extreme`` is the highest high (lowest low) since the last confirmed low (high), which would
    be the next turning point. Nothing repaints. Before the first one ``pivot`` is the middle of the first bar, ``side``
    is 0, and ``extreme`` the high or low that lies farther from it. Prices are above 0, and in their own unit.
    """
    spare_high, spare_low = scratch(SPAN), scratch(SPAN)
    highs = stretch(bars, HIGH, mask, t0, t1, spare_high)
    lows = stretch(bars, LOW, mask, t0, t1, spare_low)
    fall, rise = 1.0 - 0.01 * params[0], 1.0 + 0.01 * params[0]
    pivot, side, pivot_bar = state[PIVOT], state[PIVOT_SIDE], state[PIVOT_BAR]
    top, top_bar, bottom, bottom_bar = state[TOP], state[TOP_BAR], state[BOTTOM], state[BOTTOM_BAR]
    pivots, sides, ages, extremes = out[0], out[1], out[2], out[3]
    for i in range(t1 - t0):
        t = t0 + i
        high, low = highs[i], lows[i]
        if t == 0:
            pivot, top, bottom = 0.5 * (high + low), high, low
        is_higher, is_lower = (side <= 0.0) & (high > top), (side >= 0.0) & (low < bottom)
        if (side <= 0.0) & (not is_higher) & (t > 0) & (low <= top * fall):
            pivot, side, pivot_bar = top, 1.0, top_bar
            bottom, bottom_bar = low, float(t)
        elif (side >= 0.0) & (not is_lower) & (t > 0) & (high >= bottom * rise):
            pivot, side, pivot_bar = bottom, -1.0, bottom_bar
            top, top_bar = high, float(t)
        else:
            top, top_bar = (high, float(t)) if is_higher else (top, top_bar)
            bottom, bottom_bar = (low, float(t)) if is_lower else (bottom, bottom_bar)
        pivots[i], sides[i], ages[i] = pivot, side, t - pivot_bar
        is_falling = side > 0.0 or (side == 0.0 and pivot - bottom > top - pivot)
        extremes[i] = bottom if is_falling else top
    state[PIVOT], state[PIVOT_SIDE], state[PIVOT_BAR] = pivot, side, pivot_bar
    state[TOP], state[TOP_BAR], state[BOTTOM], state[BOTTOM_BAR] = top, top_bar, bottom, bottom_bar


# --- Heikin-Ashi ---------------------------------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def farthest_of(a: FloatArray, b: FloatArray, c: FloatArray, n: int, sign: float, out: FloatArray) -> None:
    """The greatest of three values, or with ``sign`` -1 the least."""
    for i in range(n):
        x = sign * a[i]
        y = sign * b[i]
        z = sign * c[i]
        x = y if y > x else x
        out[i] = sign * (z if z > x else x)


@indicator(
    "heikin_ashi",
    family="trend",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    outputs=("open", "high", "low", "close"),
    state_size=2,
    warm_up=0,
    source="Valcu, Stocks and Commodities, February 2004",
)
def heikin_ashi(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Heikin-Ashi bars: the mean price of the bar as close, the middle of the last such body as open.

    ``close' = (open + high + low + close) / 4``; ``open'`` is the mean of the last ``open'`` and ``close'``, at first
    ``(open + close) / 2``; ``high'`` is the greatest of ``high``, ``open'`` and ``close'``, and ``low'`` the least of
    ``low``, ``open'`` and ``close'``. In the unit of the price.
    """
    n = t1 - t0
    spare_open, spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    opens = stretch(bars, OPEN, mask, t0, t1, spare_open)
    highs = stretch(bars, HIGH, mask, t0, t1, spare_high)
    lows = stretch(bars, LOW, mask, t0, t1, spare_low)
    closes = stretch(bars, CLOSE, mask, t0, t1, spare_close)
    mean_opens, mean_closes = out[0], out[3]
    for i in range(n):
        mean_closes[i] = 0.25 * (opens[i] + highs[i] + lows[i] + closes[i])
    middle = 0.5 * (opens[0] + closes[0]) if t0 == 0 else 0.5 * (state[0] + state[1])
    for i in range(n):
        mean_opens[i] = middle
        middle = 0.5 * (middle + mean_closes[i])
    state[0], state[1] = mean_opens[n - 1], mean_closes[n - 1]
    farthest_of(highs, mean_opens, mean_closes, n, 1.0, out[1])
    farthest_of(lows, mean_opens, mean_closes, n, -1.0, out[2])
