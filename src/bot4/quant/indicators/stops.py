"""Stops that follow the price: parabolic, SuperTrend, chandelier, Chande and Kroll, Gann's high-low activator."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE
from bot4.quant.indicators.wilder import average_true_ranges, carry, waiting
from bot4.quant.indicators.windows import blank, negate, scale, window_maxima, window_sums

TA_LIB = "TA-Lib"

LEAST_PART = 2.0**-50
"""A distance from a mean below this part of it is rounding: the two count as equal."""

SIDE, STOP, EXTREME, SPEED, PARABOLIC_SIZE = range(5)


# --- parabolic stops ---------------------------------------------------------------------------------------------


@kernel(void(array(f8), i8, array(f8)), is_inlined=True)
def tighter_pairs(floors: FloatArray, n: int, out: FloatArray) -> None:
    """The lower of each value and the one before it; the first alone."""
    before, now = floors[: n - 1], floors[1:n]
    pairs = out[1:n]
    out[0] = floors[0]
    for i in range(n - 1):
        pairs[i] = now[i] if now[i] < before[i] else before[i]


@kernel(void(array(f8), array(f8), f8, array(f8)), is_inlined=True)
def begin_parabola(highs: FloatArray, lows: FloatArray, start_value: float, state: FloatArray) -> None:
    """Side, stop and extreme at bar 1, from the first two bars and a start value that 0 leaves to them."""
    fall, rise = lows[0] - lows[1], highs[1] - highs[0]
    is_short = start_value < 0.0 or (start_value == 0.0 and fall > 0.0 and fall > rise)
    side = -1.0 if is_short else 1.0
    of_bars = -highs[0] if is_short else lows[0]
    state[SIDE] = side
    state[STOP] = of_bars if start_value == 0.0 else side * abs(start_value)
    state[EXTREME] = -lows[1] if is_short else highs[1]


@kernel(i8(array(f8), array(f8), array(f8), i8, i8, array(f8), array(f8), array(f8), array(f8)), is_inlined=True)
def ride(
    floors: FloatArray,
    peaks: FloatArray,
    pairs: FloatArray,
    i: int,
    n: int,
    speeds: FloatArray,
    state: FloatArray,
    stops: FloatArray,
    sides: FloatArray,
) -> int:
    """Follow one side from bar ``i`` until a floor reaches the stop; returns the bar at which it does, or ``n``."""
    side, stop, extreme, speed = state[SIDE], state[STOP], state[EXTREME], state[SPEED]
    step, limit = speeds[1], speeds[2]
    while i < n and floors[i] > stop:
        stops[i - 1] = stop
        sides[i - 1] = side
        peak, faster = peaks[i], speed + step
        faster = faster if faster < limit else limit
        speed = faster if peak > extreme else speed
        extreme = peak if peak > extreme else extreme
        stop += speed * (extreme - stop)
        stop = pairs[i] if pairs[i] < stop else stop
        i += 1
    state[STOP], state[EXTREME], state[SPEED] = stop, extreme, speed
    return i


@kernel(f8(f8, f8, f8, f8, array(f8), array(f8)), is_inlined=True)
def turn(peak: float, pair: float, side: float, offset: float, speeds: FloatArray, state: FloatArray) -> float:
    """Turn to a side at a bar; returns the stop there, and leaves that of the next bar in the state."""
    extreme = -state[EXTREME]
    stop = pair if pair < extreme else extreme
    stop -= side * offset * stop
    later = stop + speeds[0] * (peak - stop)
    state[SIDE], state[STOP] = side, pair if pair < later else later
    state[EXTREME], state[SPEED] = peak, speeds[0]
    return stop


@kernel(void(array(f8, 2), i8, i8, i8, f8, f8, array(f8), array(f8), array(f8), array(f8), array(f8)), is_inlined=True)
def run_parabola(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    start_value: float,
    offset: float,
    rising: FloatArray,
    falling: FloatArray,
    state: FloatArray,
    stops: FloatArray,
    sides: FloatArray,
) -> None:
    """Stops (of which the falling side's are negated) and sides of the bars ``max(t0, 1) .. t1 - 1``.

    ``rising`` and ``falling`` are first speed, step and greatest speed of a side. The falling side is the rising side
    of the negated prices: ``floors`` are the lows of a side, ``peaks`` its highs, ``pairs`` the lows of two bars.
    """
    spare_high, spare_low = scratch(SPAN), scratch(SPAN)
    minus_highs, minus_lows, low_pairs, high_pairs = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    highs = stretch(bars, HIGH, mask, first - 1, t1, spare_high)
    lows = stretch(bars, LOW, mask, first - 1, t1, spare_low)
    n = len(highs)
    negate(highs, minus_highs, n)
    negate(lows, minus_lows, n)
    tighter_pairs(lows, n, low_pairs)
    tighter_pairs(minus_highs, n, high_pairs)
    if first == 1 and n > 1:
        begin_parabola(highs, lows, start_value, state)
        state[SPEED] = rising[0] if state[SIDE] > 0.0 else falling[0]
        low_pairs[1], high_pairs[1] = lows[1], minus_highs[1]  # no bar counts before the one that it starts at
    now = scratch(SPAN)
    now[SIDE], now[STOP], now[EXTREME], now[SPEED] = state[SIDE], state[STOP], state[EXTREME], state[SPEED]
    i = 1
    while i < n:
        if now[SIDE] > 0.0:
            i = ride(lows, highs, low_pairs, i, n, rising, now, stops, sides)
            if i < n:
                stops[i - 1], sides[i - 1] = turn(minus_lows[i], high_pairs[i], -1.0, offset, falling, now), -1.0
        else:
            i = ride(minus_highs, minus_lows, high_pairs, i, n, falling, now, stops, sides)
            if i < n:
                stops[i - 1], sides[i - 1] = turn(highs[i], low_pairs[i], 1.0, offset, rising, now), 1.0
        i += 1
    state[SIDE], state[STOP], state[EXTREME], state[SPEED] = now[SIDE], now[STOP], now[EXTREME], now[SPEED]


@indicator(
    "parabolic_sar",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("acceleration", 0.02, 0.0, 1.0), Param("maximum", 0.2, 0.0, 1.0)),
    outputs=("sar", "direction"),
    state_size=PARABOLIC_SIZE,
    warm_up=1,
    lookback=1,
    source=f"{TA_LIB}; Wilder, New Concepts in Technical Trading Systems, 1978",
)
def parabolic_sar(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Wilder's parabolic stop and reverse, and +1 while long or -1 while short after the bar.

    ``sar += af (extreme - sar)``, never beyond the last two bars; ``af`` grows by ``acceleration`` at each new
    extreme up to ``maximum``. The first two bars set the side: short if the low fell by more than the high rose.
    In the unit of the price.
    """
    step = min(params[0], params[1])
    speeds = scratch(SPAN)
    speeds[0], speeds[1], speeds[2] = step, step, params[1]
    gap = max(t0, 1) - t0
    n = t1 - t0 - gap
    stops, sides = out[0, gap : gap + n], out[1, gap : gap + n]
    run_parabola(bars, mask, t0, t1, 0.0, 0.0, speeds, speeds, state, stops, sides)
    for i in range(n):
        stops[i] = stops[i] * sides[i]
    blank(out, 0, gap)
    blank(out, 1, gap)


@indicator(
    "parabolic_sar_extended",
    family="trend",
    inputs=(HIGH, LOW),
    params=(
        Param("start_value", 0.0, -1e15, 1e15),
        Param("offset_on_reverse", 0.0, 0.0, 1.0),
        Param("first_long", 0.02, 0.0, 1.0),
        Param("step_long", 0.02, 0.0, 1.0),
        Param("maximum_long", 0.2, 0.0, 1.0),
        Param("first_short", 0.02, 0.0, 1.0),
        Param("step_short", 0.02, 0.0, 1.0),
        Param("maximum_short", 0.2, 0.0, 1.0),
    ),
    outputs=("sar",),
    state_size=PARABOLIC_SIZE,
    warm_up=1,
    lookback=1,
    source=f"{TA_LIB} (SAREXT)",
)
def parabolic_sar_extended(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The parabolic stop and reverse with speeds for each side; negative while short, as TA-Lib has it.

    As ``parabolic_sar``, but ``af`` starts at ``first``, grows by ``step`` up to ``maximum`` of its side, and on a turn
    the stop is moved away from the price by the part ``offset_on_reverse`` of itself. A ``start_value`` above 0 starts
    long with the stop there, one below 0 short with the stop at its absolute value; 0 leaves it to the first two bars.
    In the unit of the price.
    """
    rising, falling, sides = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    for i in range(3):
        rising[i] = min(params[2 + i], params[4])
        falling[i] = min(params[5 + i], params[7])
    gap = max(t0, 1) - t0
    run_parabola(bars, mask, t0, t1, params[0], params[1], rising, falling, state, out[0, gap : t1 - t0], sides)
    blank(out, 0, gap)


# --- stops at a distance from the range --------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def bands(high: FloatArray, low: FloatArray, ranges: FloatArray, n: int, factor: float, out: FloatArray) -> None:
    """``(high + low) / 2 + factor range``."""
    for i in range(n):
        out[i] = 0.5 * (high[i] + low[i]) + factor * ranges[i]


@indicator(
    "supertrend",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 10, 1, 400), Param("multiplier", 3.0, 0.1, 100.0)),
    outputs=("value", "direction"),
    state_size=AVERAGE_SIZE + 3,
    warm_up=lambda period: period,
    lookback=1,
    source="TradingView ta.supertrend, with TA-Lib's ATR",
)
def supertrend(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The band ``(high + low) / 2 -+ multiplier ATR`` that the trend rests on, and +1 rising or -1 falling.

    The lower band only rises while the close before stayed above it, the upper only falls while it stayed below;
    the direction turns when the close crosses the band that it rests on. It begins as falling. In the price's unit.
    """
    period = int(params[0])
    n = t1 - t0
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    ranges, lowers, uppers = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    average_true_ranges(bars, mask, t0, t1, period, state, ranges)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    bands(high, low, ranges, n, -params[1], lowers)
    bands(high, low, ranges, n, params[1], uppers)
    first = waiting(period, t0, t1)
    closes = stretch(bars, CLOSE, mask, t0 + first - 1, t1, spare_close)
    kept = state[AVERAGE_SIZE:]
    lower, upper, side = kept[0], kept[1], kept[2]
    if t0 + first == period and first < n:
        lower, upper, side = lowers[first], uppers[first], -1.0  # the upper band falls to itself
    values, sides = out[0], out[1]
    for i in range(first, n):
        last_close, close = closes[i - first], closes[i - first + 1]
        lower = lowers[i] if (lowers[i] > lower) | (last_close < lower) else lower
        upper = uppers[i] if (uppers[i] < upper) | (last_close > upper) else upper
        if t0 + i > period:
            rests_on = upper if side < 0.0 else lower
            side = side if side * (close - rests_on) >= 0.0 else -side
        values[i] = lower if side > 0.0 else upper
        sides[i] = side
    kept[0], kept[1], kept[2] = lower, upper, side
    blank(out, 0, first)
    blank(out, 1, first)


@kernel(i8(array(f8, 2), i8, i8, i8, i8, i8, array(f8)))
def greatest_of_bars(
    bars: FloatArray, row: int, mask: int, first: int, stop: int, period: int, into: FloatArray
) -> int:
    """Highest high, or minus the lowest low, of ``period`` bars at those of ``first .. stop - 1`` that have them.

    Returns how many, which are the last ones.
    """
    spare, negated = scratch(SPAN), scratch(SPAN)
    values = stretch(bars, row, mask, first - (period - 1), stop, spare)
    n = len(values)
    if row == LOW:
        negate(values, negated, n)
        values = negated
    found: int = window_maxima(values, n, period, into)
    return found


@kernel(void(array(f8), array(f8), i8, f8, f8, array(f8)), is_inlined=True)
def step_back(
    extremes: FloatArray, ranges: FloatArray, n: int, multiplier: float, sign: float, out: FloatArray
) -> None:
    """``sign (extreme - multiplier range)``."""
    for i in range(n):
        out[i] = sign * (extremes[i] - multiplier * ranges[i])


@indicator(
    "chandelier_exit",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 22, 1, 440), Param("multiplier", 3.0, 0.1, 100.0)),
    outputs=("long", "short"),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: period,
    lookback=lambda period: max(period - 1, 1),
    source="LeBeau; Elder, Come Into My Trading Room, 2002; TA-Lib's ATR",
)
def chandelier_exit(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Stops hung from the extremes: highest high less, and lowest low plus, ``multiplier`` ATR.

    Extremes and Wilder's ATR are of the last ``period`` bars. ``long`` is for a long position, ``short`` for a short
    one, in the unit of the price.
    """
    period = int(params[0])
    ranges, extremes = scratch(SPAN), scratch(SPAN)
    average_true_ranges(bars, mask, t0, t1, period, state, ranges)
    for row in range(2):
        n = greatest_of_bars(bars, HIGH if row == 0 else LOW, mask, t0, t1, period, extremes)
        gap = t1 - t0 - n
        step_back(extremes, ranges[gap:], n, params[1], 1.0 if row == 0 else -1.0, out[row, gap : gap + n])
        blank(out, row, waiting(period, t0, t1))


@indicator(
    "chande_kroll_stop",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 10, 1, 400), Param("multiplier", 1.0, 0.1, 100.0), Param("stop_period", 9, 1, 400)),
    outputs=("long", "short"),
    state_size=lambda stop_period: AVERAGE_SIZE + 2 * (stop_period - 1),
    warm_up=lambda period, stop_period: period + stop_period - 1,
    lookback=lambda period: max(period - 1, 1),
    source="Chande and Kroll, The New Technical Trader, 1994; TradingView's Chande Kroll Stop",
)
def chande_kroll_stop(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Stops that stay beyond the noise: the extremes of preliminary stops over ``stop_period`` bars.

    The preliminary stop of a short position is the highest high of ``period`` bars less ``multiplier`` ATR, that of a
    long one the lowest low plus as much; ``short`` is the highest of the former over ``stop_period`` bars, ``long`` the
    lowest of the latter. In the unit of the price.
    """
    period, stop_period = int(params[0]), int(params[2])
    n, back = t1 - t0, stop_period - 1
    ranges, extremes, room = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    average_true_ranges(bars, mask, t0, t1, period, state, ranges)
    for row in range(2):
        past = state[AVERAGE_SIZE + row * back : AVERAGE_SIZE + (row + 1) * back]
        carry(past, room, back)
        fresh = room[back:]
        for i in range(n):
            fresh[i] = 0.0
        m = greatest_of_bars(bars, LOW if row == 0 else HIGH, mask, t0, t1, period, extremes)
        step_back(extremes, ranges[n - m :], m, params[1], 1.0, fresh[n - m :])
        window_maxima(room, back + n, stop_period, out[row])
        carry(room[n:], past, back)
    scale(out[0], n, -1.0)
    blank(out, 0, waiting(period + back, t0, t1))
    blank(out, 1, waiting(period + back, t0, t1))


# --- Gann ---------------------------------------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def sides_of(values: FloatArray, tops: FloatArray, bottoms: FloatArray, n: int, out: FloatArray) -> None:
    """1 above the top, -1 below the bottom, 0 between them."""
    for i in range(n):
        rounding = LEAST_PART * abs(tops[i])
        is_above, is_below = values[i] - tops[i] > rounding, bottoms[i] - values[i] > rounding
        out[i] = 1.0 if is_above else (-1.0 if is_below else 0.0)


@indicator(
    "gann_hilo",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 3, 1, 439),),
    outputs=("value", "direction"),
    state_size=1,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Krausz, The New Gann Swing Chartist, Stocks and Commodities, 1998",
)
def gann_hilo(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Gann's high-low activator: the mean low under a rising price, the mean high over a falling one; and +1 or -1.

    Means are of ``period`` bars. The direction becomes +1 when the close is above the mean high of the bar before,
    -1 when it is below the mean low of the bar before. It begins on the side of the middle of the two on which the
    close is, +1 if on neither. In the unit of the price.
    """
    period = int(params[0])
    spare, tops, bottoms = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - period, t1, spare)
    m = window_sums(high, len(high), period, tops)
    low = stretch(bars, LOW, mask, t0 - period, t1, spare)
    window_sums(low, len(low), period, bottoms)
    scale(tops, m, 1.0 / period)
    scale(bottoms, m, 1.0 / period)
    n = max(m - 1, 0)
    gap = t1 - t0 - n
    close = stretch(bars, CLOSE, mask, t0 + gap, t1, spare)
    values, sides = out[0, gap : gap + n], out[1, gap : gap + n]
    sides_of(close, tops, bottoms, n, sides)
    side = state[0]
    if side == 0.0 and n > 0:
        side = 1.0 if close[0] - 0.5 * (tops[0] + bottoms[0]) >= -LEAST_PART * abs(tops[0]) else -1.0
    for i in range(n):
        side = sides[i] if sides[i] != 0.0 else side
        sides[i] = side
    top, bottom = tops[1 : n + 1], bottoms[1 : n + 1]
    for i in range(n):
        values[i] = bottom[i] if sides[i] > 0.0 else top[i]
    state[0] = side
    blank(out, 0, gap)
    blank(out, 1, gap)
