"""Oscillators that compare the price, or the bar, with its own recent past."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, OPEN, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.stretches import differences, put_last, quotients, window_means
from bot4.quant.indicators.windows import (
    blank,
    negate,
    scale,
    true_ranges,
    typical_prices,
    window_count,
    window_lines,
    window_maxima,
    window_moments,
    window_sums,
)

TA_LIB = "TA-Lib"
LEAST_DISTANCE = 2.0**-48
"""Typical prices whose mean distance from their mean is below this part of it are equal but for rounding."""


@kernel(void(array(f8), array(f8), i8, i8, array(f8)))
def sums_of_distances(x: FloatArray, centres: FloatArray, n: int, period: int, out: FloatArray) -> None:
    """``sum |x - centre|`` over each of the ``n`` windows of ``period`` values, oldest first, four at a time."""
    whole = period - period % 4
    for i in range(n):
        out[i] = 0.0
    for k in range(0, whole, 4):
        a, b, c, d = x[k : k + n], x[k + 1 : k + 1 + n], x[k + 2 : k + 2 + n], x[k + 3 : k + 3 + n]
        for i in range(n):
            m = centres[i]
            out[i] += (abs(a[i] - m) + abs(b[i] - m)) + (abs(c[i] - m) + abs(d[i] - m))
    for k in range(whole, period):
        a = x[k : k + n]
        for i in range(n):
            out[i] += abs(a[i] - centres[i])


@kernel(f8(array(f8), f8, i8), is_inlined=True)
def sum_of_distances(x: FloatArray, centre: float, period: int) -> float:
    """The same of one window, in the same order."""
    whole = period - period % 4
    total = 0.0
    for k in range(0, whole, 4):
        total += (abs(x[k] - centre) + abs(x[k + 1] - centre)) + (abs(x[k + 2] - centre) + abs(x[k + 3] - centre))
    for k in range(whole, period):
        total += abs(x[k] - centre)
    return total


@kernel(void(array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def _relative_distances(
    x: FloatArray, means: FloatArray, deviations: FloatArray, n: int, unit: float, out: FloatArray
) -> None:
    """``(x - mean) / (0.015 unit deviation)``; 0 where that deviation is rounding."""
    for i in range(n):
        deviation = unit * deviations[i]
        is_spread = deviation > LEAST_DISTANCE * abs(means[i])
        value = (x[i] - means[i]) / (0.015 * deviation if is_spread else 1.0)
        out[i] = value if is_spread else 0.0


@indicator(
    "cci",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 20, 2, 440),),
    outputs=("cci",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (CCI); Lambert 1980",
)
def cci(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Commodity channel index: ``(typical - mean) / (0.015 mean |typical - mean|)``.

    Over ``period`` typical prices ``(high + low + close) / 3``; 0 if they are all equal (but for rounding: their mean
    distance from their mean is within 2^-48 of it).
    """
    period = int(params[0])
    typical, means, deviations = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = typical_prices(bars, mask, t0 - (period - 1), t1, typical)
    newest = typical[min(period - 1, n) : n]
    n = window_means(typical, n, period, means)
    if n == 1:
        deviations[0] = sum_of_distances(typical, means[0], period)
    else:
        sums_of_distances(typical, means, n, period, deviations)
    blank(out, 0, t1 - t0 - n)
    _relative_distances(newest, means, deviations, n, 1.0 / period, out[0, t1 - t0 - n : t1 - t0])


# --- ultimate oscillator -----------------------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _buying_pressures(close: FloatArray, low: FloatArray, last_close: FloatArray, n: int, out: FloatArray) -> None:
    """``close - min(low, last close)``."""
    for i in range(n):
        out[i] = close[i] - (low[i] if low[i] < last_close[i] else last_close[i])


@kernel(void(array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def _add_quotients(over: FloatArray, under: FloatArray, n: int, factor: float, to: FloatArray) -> None:
    """Add ``factor over / under`` where ``under`` is above 0."""
    for i in range(n):
        value = factor * over[i] / (under[i] if under[i] > 0.0 else 1.0)
        to[i] += value if under[i] > 0.0 else 0.0


@indicator(
    "ultimate_oscillator",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("fast", 7, 1, 400), Param("middle", 14, 2, 420), Param("slow", 28, 3, 440)),
    outputs=("ultimate_oscillator",),
    state_size=0,
    warm_up=lambda slow: slow,
    lookback=lambda slow: slow,
    increasing=("fast", "middle", "slow"),
    source=f"{TA_LIB} (ULTOSC); Williams 1976",
)
def ultimate_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Three shares of buying pressure in the true range, weighted 4 : 2 : 1.

    ``100 / 7 sum weight (sum(close - min(low, last close)) / sum(true range))`` over fast, middle and slow bars;
    0 for a share without range. Unit: percent.
    """
    slow = int(params[2])
    spare_low, spare_close = scratch(SPAN), scratch(SPAN)
    pressures, ranges, pressure, path, total = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    low = stretch(bars, LOW, mask, max(t0 - slow + 1, 1), t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0 - slow, t1, spare_close)
    n: int = true_ranges(bars, mask, t0 - slow + 1, t1, ranges)
    _buying_pressures(close[1:], low, close, n, pressures)
    count = max(n - slow + 1, 0)
    for i in range(count):
        total[i] = 0.0
    for line in range(3):
        period = int(params[line])
        first = n - count - (period - 1) if count > 0 else 0
        m: int = window_sums(pressures[first:], n - first, period, pressure)
        window_sums(ranges[first:], n - first, period, path)
        weight = 100.0 / 7.0 * (4.0 if line == 0 else (2.0 if line == 1 else 1.0))
        _add_quotients(pressure, path, min(m, count), weight, total)
    put_last(total, count, count, out, 0, t1 - t0)


# --- of the middle of the bar ------------------------------------------------------------------------------------


@kernel(i8(array(f8, 2), i8, i8, i8, i8, i8, i8, array(f8)), is_inlined=True)
def awesome(bars: FloatArray, mask: int, t0: int, t1: int, fast: int, slow: int, more: int, out: FloatArray) -> int:
    """The awesome oscillator of the block and of the ``more`` bars before it that there are; returns how many."""
    spare_high, spare_low, middle = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    quick, steady = scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - (slow - 1) - more, t1, spare_high)
    low = stretch(bars, LOW, mask, t0 - (slow - 1) - more, t1, spare_low)
    for i in range(len(high)):
        middle[i] = 0.5 * (high[i] + low[i])
    first = min(slow - fast, len(high))
    window_means(middle[first:], len(high) - first, fast, quick)
    n: int = window_means(middle, len(high), slow, steady)
    differences(quick, steady, n, out)
    return n


@indicator(
    "awesome_oscillator",
    family="momentum",
    inputs=(HIGH, LOW),
    params=(Param("fast", 5, 1, 400), Param("slow", 34, 2, 440)),
    outputs=("awesome_oscillator",),
    state_size=0,
    warm_up=lambda slow: slow - 1,
    lookback=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source=f"{TA_LIB} (AO); Williams, New Trading Dimensions, 1998",
)
def awesome_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``mean(fast) - mean(slow)`` of the middles of the bars, ``(high + low) / 2``. Unit: price."""
    values = scratch(SPAN)
    n: int = awesome(bars, mask, t0, t1, int(params[0]), int(params[1]), 0, values)
    put_last(values, n, n, out, 0, t1 - t0)


@indicator(
    "accelerator_oscillator",
    family="momentum",
    inputs=(HIGH, LOW),
    params=(Param("fast", 5, 1, 300), Param("slow", 34, 2, 340), Param("signal", 5, 1, 100)),
    outputs=("accelerator_oscillator",),
    state_size=0,
    warm_up=lambda slow, signal: slow + signal - 2,
    lookback=lambda slow, signal: slow + signal - 2,
    increasing=("fast", "slow"),
    source=f"{TA_LIB} (AC); Williams, New Trading Dimensions, 1998",
)
def accelerator_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The awesome oscillator less its mean over ``signal`` bars. Unit: price."""
    signal = int(params[2])
    values, means = scratch(SPAN), scratch(SPAN)
    m: int = awesome(bars, mask, t0, t1, int(params[0]), int(params[1]), signal - 1, values)
    n: int = window_means(values, m, signal, means)
    blank(out, 0, t1 - t0 - n)
    differences(values[m - n :], means, n, out[0, t1 - t0 - n : t1 - t0])


# --- of the body of the bar --------------------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _parts_of_ranges(
    open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, n: int, out: FloatArray
) -> None:
    """``(close - open) / (high - low)``; 0 where there is no range."""
    for i in range(n):
        width = high[i] - low[i]
        value = (close[i] - open_[i]) / (width if width > 0.0 else 1.0)
        out[i] = value if width > 0.0 else 0.0


@indicator(
    "balance_of_power",
    family="momentum",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    outputs=("balance_of_power",),
    state_size=0,
    warm_up=0,
    source=f"{TA_LIB} (BOP); Livshin, Stocks & Commodities 2001",
)
def balance_of_power(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``(close - open) / (high - low)`` of the bar; 0 if it has no range."""
    spare_open, spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    open_, close = stretch(bars, OPEN, mask, t0, t1, spare_open), stretch(bars, CLOSE, mask, t0, t1, spare_close)
    high, low = stretch(bars, HIGH, mask, t0, t1, spare_high), stretch(bars, LOW, mask, t0, t1, spare_low)
    _parts_of_ranges(open_, high, low, close, t1 - t0, out[0])


@kernel(i8(array(f8), i8, array(f8)), is_inlined=True)
def _taper(x: FloatArray, n: int, out: FloatArray) -> int:
    """``(x0 + 2 x1 + 2 x2 + x3) / 6`` of each value and the three before it; returns how many."""
    m = max(n - 3, 0)
    a, b, c, d = x[:m], x[1 : 1 + m], x[2 : 2 + m], x[3 : 3 + m]
    for i in range(m):
        out[i] = ((a[i] + d[i]) + 2.0 * (b[i] + c[i])) * (1.0 / 6.0)
    return m


@indicator(
    "relative_vigor_index",
    family="momentum",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    params=(Param("period", 10, 1, 430),),
    outputs=("rvi", "signal"),
    state_size=0,
    warm_up=lambda period: period + 5,
    lookback=lambda period: period + 5,
    source="Ehlers, Relative Vigor Index, Stocks & Commodities 2002",
)
def relative_vigor_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sum(taper(close - open)) / sum(taper(high - low))`` over ``period`` bars; 0 if they have no range.

    ``taper(x) = (x + 2 x[1] + 2 x[2] + x[3]) / 6`` of a bar and the three before it; ``signal`` is the taper of
    ``rvi``; both outputs start with it.
    """
    period = int(params[0])
    spare_open, spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    bodies, ranges, moves, widths = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = t0 - period - 5
    open_, close = stretch(bars, OPEN, mask, first, t1, spare_open), stretch(bars, CLOSE, mask, first, t1, spare_close)
    high, low = stretch(bars, HIGH, mask, first, t1, spare_high), stretch(bars, LOW, mask, first, t1, spare_low)
    differences(close, open_, len(close), bodies)
    differences(high, low, len(close), ranges)
    n: int = _taper(bodies, len(close), moves)
    _taper(ranges, len(close), widths)
    n = window_sums(moves, n, period, bodies)
    window_sums(widths, max(len(close) - 3, 0), period, ranges)
    quotients(bodies, ranges, n, 1.0, 0.0, moves)
    defined: int = _taper(moves, n, widths)
    put_last(moves, n, defined, out, 0, t1 - t0)
    put_last(widths, defined, defined, out, 1, t1 - t0)


# --- efficiency and squeeze --------------------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def _lengths(now: FloatArray, before: FloatArray, n: int, bars: float, out: FloatArray) -> None:
    """Length of the straight line over some bars, where one percent is as long as one bar."""
    for i in range(n):
        divisor = before[i] if before[i] != 0.0 else 1.0
        change = 100.0 * (now[i] / divisor - 1.0) if before[i] != 0.0 else 0.0
        out[i] = math.sqrt(change * change + bars * bars)


@indicator(
    "polarized_fractal_efficiency",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440), Param("smooth", 5, 1, 400)),
    outputs=("polarized_fractal_efficiency",),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period, smooth: period + smooth - 1,
    lookback=lambda period: period,
    source="Hannula, Polarized Fractal Efficiency, Stocks & Commodities 1994; changes in percent",
)
def polarized_fractal_efficiency(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """How straight the price went: the straight line over ``period`` bars as a part of the path, with its sign.

    ``EMA(+-100 sqrt(change(period)^2 + period^2) / sum(sqrt(change(1)^2 + 1)), smooth)``, the changes of the close in
    percent (Hannula took points, which makes the result depend on the unit of the price; an earlier close of 0 counts
    as no change); negative if the close is not above that of ``period`` bars ago. The average starts from the mean of
    its first values. Unit: percent.
    """
    period, smooth = int(params[0]), int(params[1])
    spare, steps, path, straight = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    m = max(len(close) - 1, 0)
    _lengths(close[len(close) - m :], close, m, 1.0, steps)
    n: int = window_sums(steps, m, period, path)
    newest = close[len(close) - n :]
    _lengths(newest, close, n, float(period), straight)
    for i in range(n):
        steps[i] = (100.0 if newest[i] > close[i] else -100.0) * straight[i] / path[i]
    run_average(steps, n, t1 - n - period, smooth, 2.0 / (smooth + 1), state, 0, straight)
    defined = min(n, max(t1 - period - (smooth - 1), 0))
    put_last(straight, n, defined, out, 0, t1 - t0)


@kernel(void(array(f8), array(f8), i8, f8, f8, array(f8)), is_inlined=True)
def _is_within(squares: FloatArray, ranges: FloatArray, n: int, bands: float, channel: float, out: FloatArray) -> None:
    """1 where ``bands sqrt(squares) < channel ranges``, else 0."""
    for i in range(n):
        out[i] = 1.0 if bands * math.sqrt(squares[i]) < channel * ranges[i] else 0.0


@kernel(void(array(f8), array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _from_the_centre(
    close: FloatArray, highest: FloatArray, lowest: FloatArray, mean: FloatArray, n: int, out: FloatArray
) -> None:
    """``close - ((highest + lowest) / 2 + mean) / 2``, from ``-lowest``."""
    for i in range(n):
        out[i] = close[i] - 0.5 * (0.5 * (highest[i] - lowest[i]) + mean[i])


@kernel(i8(array(f8, 2), i8, i8, i8, i8, array(f8)))
def _squeeze_momentum(bars: FloatArray, mask: int, t0: int, t1: int, period: int, out: FloatArray) -> int:
    """End of the line through the last ``period`` distances from the centre; returns how many."""
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highest, lowest, mean, negated = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = t0 - 2 * (period - 1)
    high = stretch(bars, HIGH, mask, first, t1, spare_high)
    low = stretch(bars, LOW, mask, first, t1, spare_low)
    close = stretch(bars, CLOSE, mask, first, t1, spare_close)
    window_maxima(high, len(high), period, highest)
    negate(low, negated, len(low))
    window_maxima(negated, len(low), period, lowest)
    n: int = window_means(close, len(close), period, mean)
    _from_the_centre(close[len(close) - n :], highest, lowest, mean, n, negated)
    sums, lines = highest, lowest
    n = window_lines(negated, n, period, sums, lines)
    level, tilt = 1.0 / period, 6.0 / (period * (period + 1.0))
    for i in range(n):
        out[i] = level * sums[i] + tilt * lines[i]
    return n


@indicator(
    "squeeze_momentum",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 20, 2, 220), Param("bands", 2.0, 0.1, 20.0), Param("channel", 1.5, 0.1, 20.0)),
    outputs=("momentum", "squeeze"),
    state_size=0,
    warm_up=lambda period: 2 * (period - 1),
    lookback=lambda period: 2 * (period - 1),
    source="the TTM squeeze of Carter, with the momentum of LazyBear's script in Pine, 2014",
)
def squeeze_momentum(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Momentum, and whether the Bollinger bands lie within the Keltner channel.

    ``momentum`` (unit: price) is where the least-squares line through the last ``period`` values of ``close -
    ((highest + lowest) / 2 + mean) / 2`` ends, with highest high, lowest low and mean close of ``period`` bars.
    ``squeeze`` is 1 while ``bands`` standard deviations of the close are less than ``channel`` mean true ranges, both
    over ``period`` bars, else 0. (LazyBear's script multiplies the deviation by ``channel``, a slip.)
    """
    period, bands, channel = int(params[0]), params[1], params[2]
    spare, ranges = scratch(SPAN), scratch(SPAN)
    sums, squares, momenta, paths = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = _squeeze_momentum(bars, mask, t0, t1, period, momenta)
    put_last(momenta, n, n, out, 0, t1 - t0)
    close = stretch(bars, CLOSE, mask, t1 - n - (period - 1), t1, spare)
    m: int = true_ranges(bars, mask, t1 - n - (period - 1), t1, ranges)
    window_moments(close, len(close), period, sums, squares)
    window_means(ranges, m, period, paths)
    blank(out, 1, t1 - t0 - n)
    _is_within(squares, paths, n, bands / math.sqrt(period), channel, out[1, t1 - t0 - n : t1 - t0])


@indicator(
    "qstick",
    family="momentum",
    inputs=(OPEN, CLOSE),
    params=(Param("period", 10, 1, 440),),
    outputs=("qstick",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (QSTICK); Chande 1994",
)
def qstick(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Mean of ``close - open`` over ``period`` bars."""
    period = int(params[0])
    spare_open, spare_close, bodies = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    open_ = stretch(bars, OPEN, mask, t0 - (period - 1), t1, spare_open)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare_close)
    n = len(close)
    for i in range(n):
        bodies[i] = close[i] - open_[i]
    m = window_count(close, period)
    blank(out, 0, t1 - t0 - m)
    mean = out[0, t1 - t0 - m : t1 - t0]
    window_sums(bodies, n, period, mean)
    scale(mean, m, 1.0 / period)
