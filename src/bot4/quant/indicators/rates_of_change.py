"""How far the price has come: from an earlier close, from an average, from a forecast."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.stretches import absolutes, differences, quotients
from bot4.quant.indicators.windows import blank, scale, window_lines, window_sums

TA_LIB = "TA-Lib"
SIMPLE, EXPONENTIAL, WEIGHTED = 0, 1, 2
AVERAGE = Param("average", EXPONENTIAL, SIMPLE, WEIGHTED)
"""TA-Lib's numbers of the kinds of average (``matype``): 0 simple, 1 exponential, 2 linearly weighted."""


@kernel(void(array(f8), array(f8), i8, f8, f8, array(f8)), is_inlined=True)
def growth(now: FloatArray, before: FloatArray, n: int, factor: float, less: float, out: FloatArray) -> None:
    """``factor (now / before - less)``; 0 where ``before`` is 0."""
    for i in range(n):
        divisor = before[i] if before[i] != 0.0 else 1.0
        value = factor * (now[i] / divisor - less)
        out[i] = value if before[i] != 0.0 else 0.0


@kernel(void(array(f8, 2), i8, i8, i8, i8, f8, f8, array(f8, 2)), is_inlined=True)
def growth_of_closes(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, factor: float, less: float, out: FloatArray
) -> None:
    """:func:`growth` of the close over ``period`` bars."""
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n = max(len(close) - period, 0)
    blank(out, 0, t1 - t0 - n)
    growth(close[len(close) - n :], close[:n], n, factor, less, out[0, t1 - t0 - n : t1 - t0])


@indicator(
    "momentum",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("momentum",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (MOM)",
)
def momentum(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``close - close period bars ago``. Unit: price."""
    period = int(params[0])
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n = max(len(close) - period, 0)
    blank(out, 0, t1 - t0 - n)
    differences(close[len(close) - n :], close[:n], n, out[0, t1 - t0 - n : t1 - t0])


@indicator(
    "roc",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("roc",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (ROC)",
)
def roc(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 (close / close period bars ago - 1)``; 0 if that was 0. Unit: percent."""
    growth_of_closes(bars, mask, t0, t1, int(params[0]), 100.0, 1.0, out)


@indicator(
    "rocp",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("rocp",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (ROCP)",
)
def rocp(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``close / close period bars ago - 1``; 0 if that was 0. Unit: part of the earlier close."""
    growth_of_closes(bars, mask, t0, t1, int(params[0]), 1.0, 1.0, out)


@indicator(
    "rocr",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("rocr",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (ROCR)",
)
def rocr(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``close / close period bars ago``; 0 if that was 0."""
    growth_of_closes(bars, mask, t0, t1, int(params[0]), 1.0, 0.0, out)


@indicator(
    "rocr100",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("rocr100",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (ROCR100)",
)
def rocr100(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``100 close / close period bars ago``; 0 if that was 0."""
    growth_of_closes(bars, mask, t0, t1, int(params[0]), 100.0, 0.0, out)


@indicator(
    "disparity_index",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 440),),
    outputs=("disparity_index",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="Nison, Beyond Candlesticks, 1994",
)
def disparity_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """How far the close is from its mean over ``period`` bars: ``100 (close / mean - 1)``; 0 if the mean is 0.

    Unit: percent.
    """
    period = int(params[0])
    spare, mean = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n: int = window_sums(close, len(close), period, mean)
    scale(mean, n, 1.0 / period)
    blank(out, 0, t1 - t0 - n)
    growth(close[len(close) - n :], mean, n, 100.0, 1.0, out[0, t1 - t0 - n : t1 - t0])


@kernel(void(array(f8), array(f8), array(f8), i8, f8, f8, array(f8)), is_inlined=True)
def _misses(
    close: FloatArray, sums: FloatArray, lines: FloatArray, n: int, level: float, tilt: float, out: FloatArray
) -> None:
    """``100 (close - forecast) / close``, where the forecast is ``level sum + tilt covariation``; 0 if close is 0."""
    for i in range(n):
        divisor = close[i] if close[i] != 0.0 else 1.0
        value = 100.0 * (close[i] - (level * sums[i] + tilt * lines[i])) / divisor
        out[i] = value if close[i] != 0.0 else 0.0


@indicator(
    "forecast_oscillator",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 5, 2, 440),),
    outputs=("forecast_oscillator",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (FOSC); Chande and Kroll, The New Technical Trader, 1994",
)
def forecast_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """How far the close missed what the bars before it forecast: ``100 (close - forecast) / close``.

    The forecast is the least-squares line through the ``period`` closes before this one, carried on by one bar. 0 if
    the close is 0. Unit: percent.
    """
    period = int(params[0])
    spare, sums, lines = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n: int = window_lines(close, max(len(close) - 1, 0), period, sums, lines)
    blank(out, 0, t1 - t0 - n)
    tilt = 6.0 / (period * (period - 1.0))  # half the window and half a bar, over the variation of the places
    _misses(close[len(close) - n :], sums, lines, n, 1.0 / period, tilt, out[0, t1 - t0 - n : t1 - t0])


# --- of exponential averages -------------------------------------------------------------------------------------


@indicator(
    "trix",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 15, 1, 400),),
    outputs=("trix",),
    state_size=3 * AVERAGE_SIZE + 1,
    warm_up=lambda period: 3 * period - 2,
    source=f"{TA_LIB} (TRIX); Hutson 1983",
)
def trix(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Change in percent, from the bar before, of ``EMA(EMA(EMA(close)))``; 0 if that was 0.

    Each average starts from the mean of its first ``period`` values.
    """
    period = int(params[0])
    alpha, lag = 2.0 / (period + 1), period - 1
    spare, odd, even = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    run_average(close, t1 - t0, t0, period, alpha, state, 0, odd)
    n = min(t1 - t0, max(t1 - lag, 0))
    run_average(odd[t1 - t0 - n :], n, t1 - lag - n, period, alpha, state, AVERAGE_SIZE, even)
    first = n - min(n, max(t1 - 2 * lag, 0))
    n -= first
    thrice = odd[1:]  # after the last average of the block before
    odd[0] = state[3 * AVERAGE_SIZE]
    run_average(even[first:], n, t1 - 2 * lag - n, period, alpha, state, 2 * AVERAGE_SIZE, thrice)
    state[3 * AVERAGE_SIZE] = odd[n]
    defined = min(n, max(t1 - 3 * lag - 1, 0))
    blank(out, 0, t1 - t0 - defined)
    growth(thrice[n - defined :], odd[n - defined :], defined, 100.0, 1.0, out[0, t1 - t0 - defined : t1 - t0])


@kernel(void(array(f8), i8, i8, i8, i8, array(f8), i8, array(f8)))
def average_of_kind(
    x: FloatArray, n: int, t0: int, period: int, kind: int, state: FloatArray, at: int, out: FloatArray
) -> None:
    """The last ``n`` averages of ``x``, a series in which bar ``t0`` is the first of these ``n``.

    What comes before them in ``x`` is what windows need: ``period - 1`` values, or all there are. ``out[i]`` is not to
    be used for bars before ``period - 1``. ``state`` from ``at`` on (``AVERAGE_SIZE``) is the exponential one's.
    """
    if kind == EXPONENTIAL:
        run_average(x[len(x) - n :], n, t0, period, 2.0 / (period + 1), state, at, out)
        return
    first = max(len(x) - n - (period - 1), 0)
    values = x[first:]
    missing = max(period - 1 - t0, 0)
    if missing >= n:
        return
    mean = out[missing:]
    if kind == SIMPLE:
        found: int = window_sums(values, len(values), period, mean)
        scale(mean, found, 1.0 / period)
        return
    sums = scratch(SPAN)
    found = window_lines(values, len(values), period, sums, mean)
    tilt, level = 2.0 / (period * (period + 1.0)), 1.0 / period
    for i in range(found):
        mean[i] = tilt * mean[i] + level * sums[i]


@indicator(
    "ppo",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("fast", 12, 1, 400), Param("slow", 26, 2, 440), AVERAGE),
    outputs=("ppo",),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda slow: slow - 1,
    lookback=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source=f"{TA_LIB} (PPO); Appel",
)
def ppo(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Percentage price oscillator: ``100 (average(fast) - average(slow)) / average(slow)``; 0 if the slow one is 0.

    ``average``: 0 simple, 1 exponential (started from the mean of its first values), 2 linearly weighted. TA-Lib's
    own default is 0.
    """
    fast, slow, kind = int(params[0]), int(params[1]), int(params[2])
    spare, quick, steady = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (slow - 1), t1, spare)
    n = t1 - t0
    average_of_kind(close, n, t0, fast, kind, state, 0, quick)
    average_of_kind(close, n, t0, slow, kind, state, AVERAGE_SIZE, steady)
    first = min(n, max(slow - 1 - t0, 0))
    blank(out, 0, first)
    growth(quick[first:], steady[first:], n - first, 100.0, 1.0, out[0, first:n])


@indicator(
    "tsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("slow", 25, 1, 400), Param("fast", 13, 1, 400)),
    outputs=("tsi",),
    state_size=4 * AVERAGE_SIZE,
    warm_up=lambda slow, fast: slow + fast - 1,
    lookback=1,
    source=f"{TA_LIB} (TSI); Blau, Momentum, Direction and Divergence, 1995",
)
def tsi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """True strength index: ``100 EMA(EMA(change, slow), fast) / EMA(EMA(|change|, slow), fast)`` of the close.

    Each average starts from the mean of its first values. 0 if the close never moved.
    """
    slow, fast = int(params[0]), int(params[1])
    spare, change, change_slow, path = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - 1, t1, spare)
    n = len(close) - 1
    differences(close[1:], close, n, change)
    absolutes(change, n, path)
    age = t1 - 1 - n
    alpha_slow, alpha_fast = 2.0 / (slow + 1), 2.0 / (fast + 1)
    run_average(change, n, age, slow, alpha_slow, state, 0, change_slow)
    run_average(path, n, age, slow, alpha_slow, state, AVERAGE_SIZE, change)
    first = n - min(n, max(t1 - slow, 0))
    n -= first
    age = t1 - slow - n
    run_average(change[first:], n, age, fast, alpha_fast, state, 3 * AVERAGE_SIZE, path)
    run_average(change_slow[first:], n, age, fast, alpha_fast, state, 2 * AVERAGE_SIZE, change)
    defined = min(n, max(t1 - slow - (fast - 1), 0))
    blank(out, 0, t1 - t0 - defined)
    quotients(change[n - defined :], path[n - defined :], defined, 100.0, 0.0, out[0, t1 - t0 - defined : t1 - t0])
