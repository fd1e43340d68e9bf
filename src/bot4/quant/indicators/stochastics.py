"""Where the close, or another series, lies in its range."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, recall, remember, run_average
from bot4.quant.indicators.strength import RSI_SIZE, rsi_of_block
from bot4.quant.indicators.stretches import differences, places, put_last, quotients, window_means
from bot4.quant.indicators.windows import blank, negate, window_maxima

TA_LIB = "TA-Lib"
LEAST_RSI_RANGE = 1e-9
"""A range of the RSI, in percent, that is rounding: its averages shrink together while the close stands still."""
LANE = "Lane, Lane's Stochastics, Stocks & Commodities 1984"


@kernel(i8(array(f8), array(f8), i8, array(f8), array(f8)), is_inlined=True)
def window_ranges(high: FloatArray, low: FloatArray, period: int, highest: FloatArray, lowest: FloatArray) -> int:
    """Highest high and *minus* the lowest low of each window; returns how many windows."""
    negated = scratch(SPAN)
    n: int = window_maxima(high, len(high), period, highest)
    negate(low, negated, len(low))
    window_maxima(negated, len(low), period, lowest)
    return n


@kernel(i8(array(f8, 2), i8, i8, i8, i8, i8, array(f8)), is_inlined=True)
def raw_stochastic(bars: FloatArray, mask: int, t0: int, t1: int, period: int, more: int, out: FloatArray) -> int:
    """Place of the close in the range of ``period`` bars: of the block, and the ``more`` bars before it; how many."""
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highest, lowest = scratch(SPAN), scratch(SPAN)
    first = t0 - (period - 1) - more
    high = stretch(bars, HIGH, mask, first, t1, spare_high)
    low = stretch(bars, LOW, mask, first, t1, spare_low)
    close = stretch(bars, CLOSE, mask, first, t1, spare_close)
    n: int = window_ranges(high, low, period, highest, lowest)
    places(close[len(close) - n :], highest, lowest, n, 0.0, out)
    return n


@kernel(void(array(f8), i8, i8, array(f8, 2), i8), is_inlined=True)
def put_with_mean(line: FloatArray, n: int, signal: int, out: FloatArray, count: int) -> None:
    """A line and its mean over ``signal`` bars, to the first two outputs; both start where the mean does."""
    means = scratch(SPAN)
    found: int = window_means(line, n, signal, means)
    put_last(line, n, found, out, 0, count)
    put_last(means, found, found, out, 1, count)


@indicator(
    "stochastic",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 400), Param("smooth", 3, 1, 100), Param("signal", 3, 1, 100)),
    outputs=("k", "d"),
    state_size=0,
    warm_up=lambda period, smooth, signal: period + smooth + signal - 3,
    lookback=lambda period, smooth, signal: period + smooth + signal - 3,
    source=f"{TA_LIB} (STOCH); {LANE}",
)
def stochastic(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Slow stochastic: place of the close in the range of ``period`` bars, averaged twice.

    ``k`` is the mean over ``smooth`` bars of ``100 (close - lowest low) / (highest high - lowest low)``, 0 where there
    is no range; ``d`` is the mean of ``k`` over ``signal`` bars. Unit: percent.
    """
    period, smooth, signal = int(params[0]), int(params[1]), int(params[2])
    raw, k = scratch(SPAN), scratch(SPAN)
    n: int = raw_stochastic(bars, mask, t0, t1, period, smooth + signal - 2, raw)
    n = window_means(raw, n, smooth, k)
    put_with_mean(k, n, signal, out, t1 - t0)


@indicator(
    "stochastic_fast",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 400), Param("signal", 3, 1, 100)),
    outputs=("k", "d"),
    state_size=0,
    warm_up=lambda period, signal: period + signal - 2,
    lookback=lambda period, signal: period + signal - 2,
    source=f"{TA_LIB} (STOCHF); {LANE}",
)
def stochastic_fast(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Fast stochastic: place of the close in the range of ``period`` bars, and its mean.

    ``k = 100 (close - lowest low) / (highest high - lowest low)``, 0 where there is no range; ``d`` is the mean of
    ``k`` over ``signal`` bars. Unit: percent.
    """
    raw = scratch(SPAN)
    signal = int(params[1])
    n: int = raw_stochastic(bars, mask, t0, t1, int(params[0]), signal - 1, raw)
    put_with_mean(raw, n, signal, out, t1 - t0)


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _depths(close: FloatArray, highest: FloatArray, lowest: FloatArray, n: int, out: FloatArray) -> None:
    """``-100 (highest - close) / (highest - lowest)``, from ``-lowest``; 0 where there is no range."""
    for i in range(n):
        width = highest[i] + lowest[i]
        value = -100.0 * (highest[i] - close[i]) / (width if width > 0.0 else 1.0)
        out[i] = value if width > 0.0 else 0.0


@indicator(
    "williams_r",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 440),),
    outputs=("williams_r",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (WILLR); Williams 1973",
)
def williams_r(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``-100 (highest high - close) / (highest high - lowest low)`` of ``period`` bars; 0 if there is no range.

    Unit: percent, from -100 to 0.
    """
    period = int(params[0])
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highest, lowest = scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - (period - 1), t1, spare_high)
    low = stretch(bars, LOW, mask, t0 - (period - 1), t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare_close)
    n: int = window_ranges(high, low, period, highest, lowest)
    blank(out, 0, t1 - t0 - n)
    _depths(close[len(close) - n :], highest, lowest, n, out[0, t1 - t0 - n : t1 - t0])


@indicator(
    "stochastic_rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 400), Param("range", 14, 1, 200), Param("signal", 3, 1, 100)),
    outputs=("k", "d"),
    state_size=lambda range, signal: RSI_SIZE + range + signal - 2,  # noqa: A006
    warm_up=lambda period, range, signal: period + range + signal - 2,  # noqa: A006
    lookback=1,
    source=f"{TA_LIB} (STOCHRSI); Chande and Kroll, The New Technical Trader, 1994",
)
def stochastic_rsi(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Place of the RSI in its own range of ``range`` bars, and its mean.

    ``k = 100 (rsi - lowest rsi) / (highest rsi - lowest rsi)``, 0 where there is no range (none above 1e-9: while
    the close stands still the RSI moves by rounding only); ``d`` is the mean of ``k`` over ``signal`` bars. The RSI is
    that of :func:`rsi` over ``period`` bars. TA-Lib's own default range is 5. Unit: percent.
    """
    period, reach, signal = int(params[0]), int(params[1]), int(params[2])
    strength, raw, highest, lowest = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    memory = reach + signal - 2
    kept: int = recall(state, RSI_SIZE, memory, t0 - period, strength)
    n: int = kept + rsi_of_block(bars, mask, t0, t1, period, state, 0, strength[kept:])
    remember(strength, n, state, RSI_SIZE, memory)
    found: int = window_ranges(strength[:n], strength[:n], reach, highest, lowest)
    places(strength[n - found : n], highest, lowest, found, LEAST_RSI_RANGE, raw)
    put_with_mean(raw, found, signal, out, t1 - t0)


@indicator(
    "kdj",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 9, 1, 400), Param("smooth", 3, 1, 100), Param("signal", 3, 1, 100)),
    outputs=("k", "d", "j"),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda period, smooth, signal: period + smooth + signal - 3,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (KDJ)",
)
def kdj(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Stochastic by Wilder averages, with a third line that leads it.

    ``k`` is the Wilder average (weight ``1 / smooth``) of the place of the close in the range of ``period`` bars, in
    percent, 0 where there is no range; ``d`` that of ``k`` (weight ``1 / signal``); ``j = 3 k - 2 d``. Each average
    starts from the mean of its first values, as TA-Lib's does; some charts start it from 50.
    """
    period, smooth, signal = int(params[0]), int(params[1]), int(params[2])
    raw, k, d = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = raw_stochastic(bars, mask, t0, t1, period, 0, raw)
    first = period - 1
    run_average(raw, n, t1 - n - first, smooth, 1.0 / smooth, state, 0, k)
    first += smooth - 1
    m = min(n, max(t1 - first, 0))
    run_average(k[n - m :], m, t1 - m - first, signal, 1.0 / signal, state, AVERAGE_SIZE, d)
    defined = min(m, max(t1 - first - (signal - 1), 0))
    put_last(k, n, defined, out, 0, t1 - t0)
    put_last(d, m, defined, out, 1, t1 - t0)
    for i in range(m - defined, m):
        raw[i] = 3.0 * k[n - m + i] - 2.0 * d[i]
    put_last(raw, m, defined, out, 2, t1 - t0)


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _from_the_middle(close: FloatArray, highest: FloatArray, lowest: FloatArray, n: int, out: FloatArray) -> None:
    """``close - (highest + lowest) / 2``, from ``-lowest``."""
    for i in range(n):
        out[i] = close[i] - 0.5 * (highest[i] - lowest[i])


@kernel(void(array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _widths(highest: FloatArray, lowest: FloatArray, n: int, out: FloatArray) -> None:
    for i in range(n):
        out[i] = highest[i] + lowest[i]


@kernel(void(array(f8), array(f8), i8, i8, i8, i8, array(f8), array(f8)))
def _smooth_twice(
    x: FloatArray, y: FloatArray, n: int, age: int, slow: int, fast: int, state: FloatArray, spare: FloatArray
) -> None:
    """Replace two series by their EMA over ``slow`` and then ``fast`` values; ``state`` begins with their four."""
    for part in range(2):
        values = x if part == 0 else y
        at = 2 * part * AVERAGE_SIZE
        run_average(values, n, age, slow, 2.0 / (slow + 1), state, at, spare)
        unripe = min(n, max(slow - 1 - age, 0))
        later = max(age - (slow - 1), 0)
        run_average(
            spare[unripe:], n - unripe, later, fast, 2.0 / (fast + 1), state, at + AVERAGE_SIZE, values[unripe:]
        )


@indicator(
    "stochastic_momentum_index",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(
        Param("period", 13, 1, 400),
        Param("fast", 2, 1, 100),
        Param("slow", 25, 1, 200),
        Param("signal", 9, 1, 100),
    ),
    outputs=("smi", "signal"),
    state_size=5 * AVERAGE_SIZE,
    warm_up=lambda period, fast, slow, signal: period + fast + slow + signal - 4,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (SMI); Blau, Stochastic Momentum, Stocks & Commodities 1993",
)
def stochastic_momentum_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Distance of the close from the middle of its range, in halves of the range, both smoothed twice.

    ``smi = 100 E(close - (highest + lowest) / 2) / (E(highest - lowest) / 2)`` over ``period`` bars, where ``E`` is
    the EMA over ``fast`` of the EMA over ``slow`` bars; 0 if there is no range. ``signal`` is the EMA of ``smi``. Each
    average starts from the mean of its first values; both outputs start with ``signal``. Unit: percent, -100 to 100.
    """
    period, fast, slow, signal = int(params[0]), int(params[1]), int(params[2]), int(params[3])
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highest, lowest, distance, width = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - (period - 1), t1, spare_high)
    low = stretch(bars, LOW, mask, t0 - (period - 1), t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare_close)
    n: int = window_ranges(high, low, period, highest, lowest)
    _from_the_middle(close[len(close) - n :], highest, lowest, n, distance)
    _widths(highest, lowest, n, width)
    first = period - 1
    _smooth_twice(distance, width, n, t1 - n - first, slow, fast, state, highest)
    first += slow + fast - 2
    m = min(n, max(t1 - first, 0))
    line, mean = highest, lowest
    quotients(distance[n - m :], width[n - m :], m, 200.0, 0.0, line)
    run_average(line, m, t1 - m - first, signal, 2.0 / (signal + 1), state, 4 * AVERAGE_SIZE, mean)
    defined = min(m, max(t1 - first - (signal - 1), 0))
    put_last(line, m, defined, out, 0, t1 - t0)
    put_last(mean, m, defined, out, 1, t1 - t0)


# --- Schaff's trend cycle ----------------------------------------------------------------------------------------

AT_SLOW = AVERAGE_SIZE
LAST_PLACE = AT_SLOW + AVERAGE_SIZE
LAST_SECOND_PLACE = LAST_PLACE + 2
AT_MEMORY = LAST_SECOND_PLACE + 2


@kernel(i8(array(f8), i8, i8, i8, f8, array(f8), i8, array(f8)))
def _smooth_places(
    series: FloatArray, n: int, age: int, period: int, weight: float, state: FloatArray, at: int, out: FloatArray
) -> int:
    """Places of ``series[:n]`` in windows of ``period``, smoothed from the first one on; returns how many.

    Where there is no range the place is that of the bar before. ``state`` at ``at``: the last place and the last
    smoothed one; ``age``: how many there were before.
    """
    highest, lowest, raw = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    found: int = window_ranges(series[:n], series[:n], period, highest, lowest)
    places(series[n - found : n], highest, lowest, found, 0.0, raw)
    last, smooth = state[at], state[at + 1]
    for i in range(found):
        last = raw[i] if highest[i] + lowest[i] > 0.0 else last
        smooth = smooth + weight * (last - smooth) if age + i > 0 else last
        out[i] = smooth
    state[at], state[at + 1] = last, smooth
    return found


@indicator(
    "schaff_trend_cycle",
    family="momentum",
    inputs=(CLOSE,),
    params=(
        Param("fast", 23, 1, 400),
        Param("slow", 50, 2, 400),
        Param("period", 10, 1, 200),
        Param("weight", 0.5, 0.01, 1.0),
    ),
    outputs=("schaff_trend_cycle",),
    state_size=lambda period: AT_MEMORY + 2 * (period - 1),
    warm_up=lambda slow, period: slow + 2 * period - 3,
    increasing=("fast", "slow"),
    source="Schaff 1999; the formula of Pine",
)
def schaff_trend_cycle(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The stochastic of the stochastic of ``EMA(fast) - EMA(slow)``, each smoothed.

    Twice: place in percent in the range of ``period`` bars (that of the bar before, where there is no range, and 0 at
    first), then ``smooth += weight (place - smooth)`` from the first place on. The averages start from the mean of
    their first values. Unit: percent.
    """
    fast, slow, period, weight = int(params[0]), int(params[1]), int(params[2]), params[3]
    memory, n = period - 1, t1 - t0
    spare, quick, steady = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    line, smooth, cycle = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    run_average(close, n, t0, fast, 2.0 / (fast + 1), state, 0, quick)
    run_average(close, n, t0, slow, 2.0 / (slow + 1), state, AT_SLOW, steady)
    first = slow - 1
    n = min(n, max(t1 - first, 0))
    kept: int = recall(state, AT_MEMORY, memory, t0 - first, line)
    differences(quick[t1 - t0 - n :], steady[t1 - t0 - n :], n, line[kept:])
    remember(line, kept + n, state, AT_MEMORY, memory)
    first += memory
    before = max(t0 - first, 0)
    smooth_kept: int = recall(state, AT_MEMORY + memory, memory, before, smooth)
    n = _smooth_places(line, kept + n, before, period, weight, state, LAST_PLACE, smooth[smooth_kept:])
    remember(smooth, smooth_kept + n, state, AT_MEMORY + memory, memory)
    before = max(t0 - first - memory, 0)
    n = _smooth_places(smooth, smooth_kept + n, before, period, weight, state, LAST_SECOND_PLACE, cycle)
    put_last(cycle, n, n, out, 0, t1 - t0)
