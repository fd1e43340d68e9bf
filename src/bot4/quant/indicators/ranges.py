"""How far a bar reaches from its low to its high, and the averages of that."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, recall, remember, run_average
from bot4.quant.indicators.windows import blank, scale, true_ranges, window_sums

TA_LIB = "TA-Lib"


@kernel(i8(array(f8, 2), i8, i8, i8, i8, i8, array(f8), i8, array(f8)))
def average_true_ranges(
    bars: FloatArray, mask: int, t0: int, t1: int, start: int, period: int, state: FloatArray, at: int, out: FloatArray
) -> int:
    """Wilder averages of the true range at the bars ``max(t0, start) .. t1 - 1``; returns how many.

    The ranges count from bar ``start`` on, which is 1 or later, and so the averages are defined from the one at
    ``start + period - 1`` on. State: ``AVERAGE_SIZE``.
    """
    ranges = scratch(SPAN)
    first = max(t0, start)
    n: int = true_ranges(bars, mask, first, t1, ranges)
    run_average(ranges, n, first - start, period, 1.0 / period, state, at, out)
    return n


@kernel(i8(array(f8, 2), i8, i8, i8, array(f8)))
def ranges_of(bars: FloatArray, mask: int, first: int, stop: int, out: FloatArray) -> int:
    """``high - low`` of the bars ``max(first, 0) .. stop - 1``; returns how many."""
    spare_high, spare_low = scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, first, stop, spare_high)
    low = stretch(bars, LOW, mask, first, stop, spare_low)
    for i in range(len(high)):
        out[i] = high[i] - low[i]
    return len(high)


@indicator(
    "true_range",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    outputs=("true_range",),
    state_size=0,
    warm_up=1,
    lookback=1,
    source=f"{TA_LIB} (TRANGE); Wilder 1978",
)
def true_range(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Range of the bar with the gap before it: ``max(high, last close) - min(low, last close)``, in units of price."""
    first = max(t0, 1)
    blank(out, 0, min(first, t1) - t0)
    if t1 > first:
        true_ranges(bars, mask, first, t1, out[0, first - t0 : t1 - t0])


@indicator(
    "atr",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 500),),
    outputs=("atr",),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB} (ATR); Wilder 1978",
)
def atr(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Average true range, in units of price: Wilder's average (weight ``1 / period``) of the true range.

    It starts as the mean of the first ``period`` ones, the first being that of the second bar.
    """
    period = int(params[0])
    first = max(t0, 1)
    if t1 > first:
        average_true_ranges(bars, mask, t0, t1, 1, period, state, 0, out[0, first - t0 : t1 - t0])
    blank(out, 0, min(max(period - t0, 0), t1 - t0))


@indicator(
    "natr",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 500),),
    outputs=("natr",),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB} (NATR); Forman, Cross-market evaluations, Stocks & Commodities 2006",
)
def natr(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Average true range in percent of the close: ``100 ATR / close``; 0 if the close is 0."""
    apart()
    period = int(params[0])
    average, spare = scratch(SPAN), scratch(SPAN)
    n: int = average_true_ranges(bars, mask, t0, t1, 1, period, state, 0, average)
    close = stretch(bars, CLOSE, mask, t1 - n, t1, spare)
    value = out[0, t1 - t0 - n : t1 - t0]
    for i in range(n):
        price = close[i] if close[i] != 0.0 else 1.0
        value[i] = 100.0 * average[i] / price if close[i] != 0.0 else 0.0
    blank(out, 0, min(max(period - t0, 0), t1 - t0))


@indicator(
    "average_daily_range",
    family="volatility",
    inputs=(HIGH, LOW),
    params=(Param("period", 14, 1, 440),),
    outputs=("average_daily_range",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (ADR)",
)
def average_daily_range(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Mean of ``high - low`` over ``period`` bars, in units of price; gaps between bars do not count."""
    period = int(params[0])
    ranges = scratch(SPAN)
    found: int = ranges_of(bars, mask, t0 - (period - 1), t1, ranges)
    n = max(found - period + 1, 0)
    blank(out, 0, t1 - t0 - n)
    mean = out[0, t1 - t0 - n : t1 - t0]
    window_sums(ranges, found, period, mean)
    scale(mean, n, 1.0 / period)


@indicator(
    "chaikin_volatility",
    family="volatility",
    inputs=(HIGH, LOW),
    params=(Param("period", 10, 2, 500), Param("change_period", 10, 1, 400)),
    outputs=("chaikin_volatility",),
    state_size=lambda change_period: AVERAGE_SIZE + change_period,
    warm_up=lambda period, change_period: period - 1 + change_period,
    source=f"{TA_LIB} (CVI); Chaikin",
)
def chaikin_volatility(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Growth of the average range, in percent: ``100 (E - E before) / E before``, 0 if ``E before`` is 0.

    ``E`` is the exponential average of ``high - low`` over ``period`` bars, started from the mean of the first
    ``period``; ``E before`` is its value ``change_period`` bars ago.
    """
    apart()
    period, lag = int(params[0]), int(params[1])
    ranges, averages, series = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = ranges_of(bars, mask, t0, t1, ranges)
    run_average(ranges, n, t0, period, 2.0 / (period + 1), state, 0, averages)
    unripe = min(n, max(period - 1 - t0, 0))
    kept: int = recall(state, AVERAGE_SIZE, lag, t0 - (period - 1), series)
    ripe, fresh = columns_from(averages, unripe), columns_from(series, kept)
    for i in range(n - unripe):
        fresh[i] = ripe[i]
    total = kept + n - unripe
    defined = max(total - lag, 0)
    blank(out, 0, n - defined)
    value, later = out[0, n - defined : n], columns_from(series, lag)
    for i in range(defined):
        before = series[i] if series[i] != 0.0 else 1.0
        value[i] = 100.0 * ((later[i] - series[i]) / before) if series[i] != 0.0 else 0.0
    remember(series, total, state, AVERAGE_SIZE, lag)


__all__ = ["average_true_ranges", "ranges_of"]
