"""Which way the price is going: directional movement, Aroon, vortex, random walk, bulls and bears, Ichimoku."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator, view
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.stretches import differences, quotients
from bot4.quant.indicators.wilder import carry, waiting
from bot4.quant.indicators.windows import (
    blank,
    negate,
    true_ranges,
    window_count,
    window_latest_maxima,
    window_maxima,
    window_sums,
)

TA_LIB = "TA-Lib"
WILDER = f"{TA_LIB}; Wilder, New Concepts in Technical Trading Systems, 1978"

PLUS_DM, MINUS_DM, PLUS_DI, MINUS_DI, DX, ADX, ADXR = range(7)
UP_SUM, DOWN_SUM, RANGE_SUM, AVERAGE, LAST_DX, PAST_ADX = range(6)


# --- directional movement ----------------------------------------------------------------------------------------


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), array(f8)), is_inlined=True)
def directional_moves(bars: FloatArray, mask: int, first: int, stop: int, up: FloatArray, down: FloatArray) -> None:
    """By how much each of the bars ``first .. stop - 1`` (``first >= 1``) reaches beyond the one before.

    Only on the side where it reaches farther; 0 on the other.
    """
    spare_high, spare_low = scratch(SPAN), scratch(SPAN)
    highs = stretch(bars, HIGH, mask, first - 1, stop, spare_high)
    lows = stretch(bars, LOW, mask, first - 1, stop, spare_low)
    n = stop - first
    high, last_high, low, last_low = highs[1 : n + 1], highs[:n], lows[1 : n + 1], lows[:n]
    for i in range(n):
        rise, fall = high[i] - last_high[i], last_low[i] - low[i]
        up[i] = rise if (rise > fall) & (rise > 0.0) else 0.0
    for i in range(n):
        rise, fall = high[i] - last_high[i], last_low[i] - low[i]
        down[i] = fall if (fall > rise) & (fall > 0.0) else 0.0


@kernel(void(array(f8), array(f8), array(f8), i8, i8, f8, array(f8)), is_inlined=True)
def run_wilder_sums(
    up: FloatArray, down: FloatArray, ranges: FloatArray, head: int, n: int, keep: float, state: FloatArray
) -> None:
    """Turn values into Wilder sums, in place: the first ``head`` are added, the others replace a part each."""
    up_sum, down_sum, range_sum = state[UP_SUM], state[DOWN_SUM], state[RANGE_SUM]
    for i in range(n):
        fade = 1.0 if i < head else keep
        up_sum = fade * up_sum + up[i]
        down_sum = fade * down_sum + down[i]
        range_sum = fade * range_sum + ranges[i]
        up[i], down[i], ranges[i] = up_sum, down_sum, range_sum
    state[UP_SUM], state[DOWN_SUM], state[RANGE_SUM] = up_sum, down_sum, range_sum


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def direction_of(up: FloatArray, down: FloatArray, ranges: FloatArray, n: int, out: FloatArray) -> None:
    """``100 |up - down| / (up + down)`` of the sums, -1 where there is no direction."""
    for i in range(n):
        both = up[i] + down[i]
        out[i] = 100.0 * abs(up[i] - down[i]) / both if (both > 0.0) & (ranges[i] > 0.0) else -1.0


@kernel(void(array(f8), array(f8), i8, i8, i8, array(f8)), is_inlined=True)
def average_directions(
    directions: FloatArray, averages: FloatArray, n: int, t: int, period: int, state: FloatArray
) -> None:
    """Wilder's average of the directions of the bars from ``t`` on, which start counting at bar ``period``.

    Without a direction the last one stays, and so does the average; among the first ``period`` it counts as 0.
    """
    average, last = state[AVERAGE], state[LAST_DX]
    alpha, keep = 1.0 / period, 1.0 - 1.0 / period
    for i in range(n):
        direction = directions[i]
        if direction >= 0.0:
            last = direction
        if t + i >= 2 * period:
            if direction >= 0.0:
                average = alpha * direction + keep * average
        elif t + i >= period:
            average += max(direction, 0.0)
            if t + i == 2 * period - 1:
                average /= period
        else:
            last = 0.0
        directions[i] = last
        averages[i] = average
    state[AVERAGE], state[LAST_DX] = average, last


@kernel(void(array(f8), i8, i8, array(f8), array(f8)), is_inlined=True)
def rate_averages(averages: FloatArray, n: int, back: int, past: FloatArray, out: FloatArray) -> None:
    """Mean of each average and the one ``back`` bars before it; ``past`` keeps the last ``back`` of them."""
    room = scratch(SPAN)
    carry(past, room, back)
    carry(averages, room[back:], n)
    carry(room[n:], past, back)
    before = room[:n]
    for i in range(n):
        out[i] = 0.5 * (before[i] + averages[i])


@indicator(
    "directional_movement",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 2, 400),),
    outputs=("plus_dm", "minus_dm", "plus_di", "minus_di", "dx", "adx", "adxr"),
    state_size=lambda period: PAST_ADX + period - 1,
    warm_up=lambda period: 3 * period - 2,
    lookback=1,
    source=WILDER,
)
def directional_movement(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Wilder's directional movement, from the moves to the rated average, all of it in one pass.

    ``+DM`` is the Wilder sum (``sum' = sum - sum / period + new``, from the first ``period - 1`` values) of
    ``high - last high`` where that is positive and more than ``last low - low``, else of 0; ``-DM`` the other way
    round; ``TR`` that of the true range. ``DI = 100 DM / TR``, ``DX = 100 |+DI - -DI| / (+DI + -DI)``, ``ADX`` is the
    Wilder average of DX, from the mean of its first ``period``, and ``ADXR`` the mean of ADX and the ADX of
    ``period - 1`` bars ago. DM are in the unit of the price, the others in percent.

    Without range the DI are 0. Without direction DX and ADX stay as they are; at first DX is 0.
    """
    period = int(params[0])
    first = max(t0, 1)
    gap, n = first - t0, t1 - first
    ranges = scratch(SPAN)
    up, down = out[PLUS_DM, gap : gap + n], out[MINUS_DM, gap : gap + n]
    directions, averages = out[DX, gap : gap + n], out[ADX, gap : gap + n]
    directional_moves(bars, mask, first, t1, up, down)
    true_ranges(bars, mask, first, t1, ranges)
    run_wilder_sums(up, down, ranges, waiting(period, first, t1), n, 1.0 - 1.0 / period, state)
    quotients(up, ranges, n, 100.0, 0.0, out[PLUS_DI, gap : gap + n])
    quotients(down, ranges, n, 100.0, 0.0, out[MINUS_DI, gap : gap + n])
    direction_of(up, down, ranges, n, directions)
    average_directions(directions, averages, n, first, period, state)
    rate_averages(averages, n, period - 1, state[PAST_ADX:], out[ADXR, gap : gap + n])
    blank(out, PLUS_DM, waiting(period - 1, t0, t1))
    blank(out, MINUS_DM, waiting(period - 1, t0, t1))
    blank(out, PLUS_DI, waiting(period, t0, t1))
    blank(out, MINUS_DI, waiting(period, t0, t1))
    blank(out, DX, waiting(period, t0, t1))
    blank(out, ADX, waiting(2 * period - 1, t0, t1))
    blank(out, ADXR, waiting(3 * period - 2, t0, t1))


view(
    "adx", of="directional_movement", outputs=("adx", "plus_di", "minus_di"), warm_up=lambda period: 2 * period - 1,
    formula="""Wilder's average directional index, with both directional indicators, in percent.

    ``DI = 100 DM / TR`` of Wilder sums, ``ADX`` the Wilder average of ``100 |+DI - -DI| / (+DI + -DI)``. A sum starts
    from its first ``period - 1`` values. Without range the DI are 0; without direction the average stays as it is.""",
)  # fmt: skip
view(
    "adxr", of="directional_movement", outputs=("adxr",), warm_up=lambda period: 3 * period - 2,
    formula="""Wilder's average directional index, rated: the mean of ADX and the ADX of ``period - 1`` bars ago.

    In percent; see ``directional_movement``.""",
)  # fmt: skip
view(
    "dx", of="directional_movement", outputs=("dx",), warm_up=lambda period: period,
    formula="""Wilder's directional index: ``100 |+DI - -DI| / (+DI + -DI)``, in percent.

    Without direction it stays as it is; at first it is 0. See ``directional_movement``.""",
)  # fmt: skip
view(
    "plus_di", of="directional_movement", outputs=("plus_di",), warm_up=lambda period: period,
    formula="""Wilder's rising directional indicator: ``100 +DM / TR`` of Wilder sums, in percent; 0 without range.

    See ``directional_movement``.""",
)  # fmt: skip
view(
    "minus_di", of="directional_movement", outputs=("minus_di",), warm_up=lambda period: period,
    formula="""Wilder's falling directional indicator: ``100 -DM / TR`` of Wilder sums, in percent; 0 without range.

    See ``directional_movement``.""",
)  # fmt: skip
view(
    "plus_dm", of="directional_movement", outputs=("plus_dm",), warm_up=lambda period: period - 1,
    formula="""Wilder's rising directional movement, in the unit of the price.

    The Wilder sum of ``high - last high`` where that is positive and more than ``last low - low``, else of 0. See
    ``directional_movement``.""",
)  # fmt: skip
view(
    "minus_dm", of="directional_movement", outputs=("minus_dm",), warm_up=lambda period: period - 1,
    formula="""Wilder's falling directional movement, in the unit of the price.

    The Wilder sum of ``last low - low`` where that is positive and more than ``high - last high``, else of 0. See
    ``directional_movement``.""",
)  # fmt: skip


# --- Aroon, vortex, random walk ----------------------------------------------------------------------------------


@kernel(void(array(f8), i8, i8, array(f8)), is_inlined=True)
def percent_of_recency(ages: FloatArray, n: int, period: int, out: FloatArray) -> None:
    """``100 (period - age) / period``."""
    unit = 100.0 / period
    for i in range(n):
        out[i] = unit * (period - ages[i])


@indicator(
    "aroon",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("period", 25, 2, 440),),
    outputs=("up", "down", "oscillator"),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB}; Chande 1995",
)
def aroon(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """How recent the highest high and the lowest low are, in percent, and the difference of the two.

    ``up = 100 (period - bars since the highest high) / period`` of the last ``period + 1`` bars, ``down`` the same for
    the lowest low, ``oscillator = up - down``. Of equal extremes the latest counts.
    """
    period = int(params[0])
    spare, greatest, ages, negated = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - period, t1, spare)
    n = window_count(high, period + 1)
    gap = t1 - t0 - n
    for row in range(3):
        blank(out, row, gap)
    up, down = out[0, gap : gap + n], out[1, gap : gap + n]
    window_latest_maxima(high, len(high), period + 1, greatest, ages)
    percent_of_recency(ages, n, period, up)
    low = stretch(bars, LOW, mask, t0 - period, t1, spare)
    negate(low, negated, len(low))
    window_latest_maxima(negated, len(low), period + 1, greatest, ages)
    percent_of_recency(ages, n, period, down)
    differences(up, down, n, out[2, gap : gap + n])


view(
    "aroon_oscillator", of="aroon", outputs=("oscillator",), warm_up=lambda period: period,
    formula="""Aroon up less Aroon down, from -100 to 100.

    ``100 (bars since the lowest low - bars since the highest high) / period`` of the last ``period + 1`` bars; of equal
    extremes the latest counts.""",
)  # fmt: skip


@kernel(void(array(f8), array(f8), i8, array(f8)), is_inlined=True)
def distances(a: FloatArray, b: FloatArray, n: int, out: FloatArray) -> None:
    """``|a - b|``."""
    for i in range(n):
        out[i] = abs(a[i] - b[i])


@indicator(
    "vortex",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 440),),
    outputs=("plus", "minus"),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Botes and Siepman, Stocks and Commodities, January 2010",
)
def vortex(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The vortex indicators: how far bars reach up and down from the one before, per true range.

    ``plus = sum |high - last low| / sum TR`` and ``minus = sum |low - last high| / sum TR`` over ``period`` bars;
    about 1, both 0 where there is no range.
    """
    period = int(params[0])
    first = max(t0 - (period - 1), 1)
    spare_high, spare_low, moves = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    ranges, totals, reaches = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highs = stretch(bars, HIGH, mask, first - 1, t1, spare_high)
    lows = stretch(bars, LOW, mask, first - 1, t1, spare_low)
    length = true_ranges(bars, mask, first, t1, ranges)
    n = max(length - period + 1, 0)
    gap = t1 - t0 - n
    window_sums(ranges, length, period, totals)
    distances(highs[1 : length + 1], lows[:length], length, moves)
    window_sums(moves, length, period, reaches)
    quotients(reaches, totals, n, 1.0, 0.0, out[0, gap : gap + n])
    distances(lows[1 : length + 1], highs[:length], length, moves)
    window_sums(moves, length, period, reaches)
    quotients(reaches, totals, n, 1.0, 0.0, out[1, gap : gap + n])
    blank(out, 0, gap)
    blank(out, 1, gap)


@kernel(void(array(f8), array(f8), i8), is_inlined=True)
def add_to(values: FloatArray, totals: FloatArray, n: int) -> None:
    """Add values to totals."""
    for i in range(n):
        totals[i] += values[i]


@kernel(void(array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def keep_farthest(
    to: FloatArray, origin: FloatArray, paths: FloatArray, n: int, factor: float, farthest: FloatArray
) -> None:
    """Raise ``farthest`` to ``factor (to - origin) / path`` where that is more; a path of 0 leads nowhere."""
    for i in range(n):
        reach = factor * (to[i] - origin[i]) / paths[i] if paths[i] > 0.0 else 0.0
        farthest[i] = reach if reach > farthest[i] else farthest[i]


@indicator(
    "random_walk_index",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 2, 200),),
    outputs=("high", "low"),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Poulos, Stocks and Commodities, 1991 and 1992",
)
def random_walk_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """How much farther than a random walk the price has gone, up and down; above 1 it is a trend.

    ``high`` is the greatest, over ``k = 2 .. period``, of ``(high - low k bars ago) / (sqrt(k) ATR_k)``, with the
    plain mean ``ATR_k`` of the last ``k`` true ranges; ``low`` of ``(high k bars ago - low) / (sqrt(k) ATR_k)``. At
    least 0, which is also what a ``k`` without range gives.
    """
    period = int(params[0])
    first = max(t0 - (period - 1), 1)
    spare_high, spare_low, ranges, paths = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highs = stretch(bars, HIGH, mask, first - 1, t1, spare_high)
    lows = stretch(bars, LOW, mask, first - 1, t1, spare_low)
    length = true_ranges(bars, mask, first, t1, ranges)
    n = max(length - period + 1, 0)
    gap = t1 - t0 - n
    up, down = out[0, gap : gap + n], out[1, gap : gap + n]
    high, low = highs[period : period + n], lows[period : period + n]
    carry(ranges[period - 1 :], paths, n)
    for i in range(n):
        up[i] = 0.0
    for i in range(n):
        down[i] = 0.0
    for k in range(2, period + 1):
        add_to(ranges[period - k : period - k + n], paths, n)
        factor = math.sqrt(k)
        keep_farthest(high, lows[period - k : period - k + n], paths, n, factor, up)
        keep_farthest(highs[period - k : period - k + n], low, paths, n, factor, down)
    blank(out, 0, gap)
    blank(out, 1, gap)


# --- bulls and bears, Ichimoku -----------------------------------------------------------------------------------


@indicator(
    "elder_ray",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 13, 1, 440),),
    outputs=("bull", "bear"),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: period - 1,
    source="Elder, Trading for a Living, 1993; TA-Lib's EMA",
)
def elder_ray(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Elder's bull power ``high - EMA`` and bear power ``low - EMA``, of the EMA of ``period`` closes.

    In the unit of the price.
    """
    period = int(params[0])
    spare, averages = scratch(SPAN), scratch(SPAN)
    n = t1 - t0
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    run_average(close, n, t0, period, 2.0 / (period + 1), state, 0, averages)
    differences(stretch(bars, HIGH, mask, t0, t1, spare), averages, n, out[0])
    differences(stretch(bars, LOW, mask, t0, t1, spare), averages, n, out[1])
    blank(out, 0, waiting(period - 1, t0, t1))
    blank(out, 1, waiting(period - 1, t0, t1))


@kernel(i8(array(f8, 2), i8, i8, i8, i8, array(f8)))
def range_middles(bars: FloatArray, mask: int, first: int, stop: int, period: int, into: FloatArray) -> int:
    """Middle of the range of ``period`` bars at those of the bars ``first .. stop - 1`` that have them.

    Returns how many, which are the last ones.
    """
    spare, negated, least = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, first - (period - 1), stop, spare)
    n: int = window_maxima(high, len(high), period, into)
    low = stretch(bars, LOW, mask, first - (period - 1), stop, spare)
    negate(low, negated, len(low))
    window_maxima(negated, len(low), period, least)
    for i in range(n):
        into[i] = 0.5 * (into[i] - least[i])
    return n


@kernel(void(array(f8, 2), i8, array(f8), i8, i8), is_inlined=True)
def place_last(out: FloatArray, row: int, values: FloatArray, n: int, width: int) -> None:
    """The last values of ``n`` at the end of an output of ``width`` bars, NaN before them."""
    m = min(n, width)
    blank(out, row, width - m)
    carry(values[n - m :], out[row, width - m : width], m)


@indicator(
    "ichimoku",
    family="trend",
    inputs=(HIGH, LOW),
    params=(
        Param("tenkan", 9, 1, 300),
        Param("kijun", 26, 2, 400),
        Param("senkou_b", 52, 3, 440),
        Param("displacement", 26, 1, 300),
    ),
    outputs=("tenkan", "kijun", "senkou_a", "senkou_b"),
    state_size=0,
    warm_up=lambda senkou_b, displacement: senkou_b - 1 + displacement,
    lookback=lambda senkou_b, displacement: senkou_b - 1 + displacement,
    increasing=("tenkan", "kijun", "senkou_b"),
    source="Hosoda 1969",
)
def ichimoku(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Middles of the range of the last ``tenkan`` and ``kijun`` bars, and the cloud as it lies over this bar.

    Senkou A (mean of tenkan and kijun) and B (middle of ``senkou_b`` bars) are those of ``displacement`` bars ago,
    so everything is known at this bar. There is no chikou, which is the close drawn into the past. All in the unit of
    the price.
    """
    displacement = int(params[3])
    width = t1 - t0
    fast, slow = scratch(SPAN), scratch(SPAN)
    n_fast = range_middles(bars, mask, t0 - displacement, t1, int(params[0]), fast)
    n = range_middles(bars, mask, t0 - displacement, t1, int(params[1]), slow)
    place_last(out, 0, fast, n_fast, width)
    place_last(out, 1, slow, n, width)
    same = fast[max(n_fast - n, 0) :]
    for i in range(n):
        slow[i] = 0.5 * (same[i] + slow[i])
    place_last(out, 2, slow, max(n - displacement, 0), width)
    n_far = range_middles(bars, mask, t0 - displacement, t1 - displacement, int(params[2]), slow)
    place_last(out, 3, slow, n_far, width)
