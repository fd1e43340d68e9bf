"""Differences of averages of the price, which cross zero when the averages cross."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.averages import weighted_means
from bot4.quant.indicators.recursions import average_from, blank_before
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, recall, remember
from bot4.quant.indicators.windows import blank, scale, window_count, window_sums

TA_LIB = "TA-Lib"

SIMPLE, EXPONENTIAL, WEIGHTED = 0, 1, 2
"""Kinds of average, numbered as TA-Lib numbers them."""


@kernel(void(array(f8), array(f8), i8, array(f8)))
def _subtract(a: FloatArray, b: FloatArray, n: int, into: FloatArray) -> None:
    apart()
    for i in range(n):
        into[i] = a[i] - b[i]


@kernel(i8(array(f8), i8, i8, i8, array(f8)))
def _windowed_averages(x: FloatArray, n: int, period: int, kind: int, into: FloatArray) -> int:
    """Simple or weighted means of the windows in ``x[:n]``; returns how many."""
    if kind == WEIGHTED:
        m: int = weighted_means(x, n, period, into)
        return m
    m = window_sums(x, n, period, into)
    scale(into, m, 1.0 / period)
    return m


@kernel(void(array(f8, 2), i8, i8, i8, i8, i8, i8, array(f8), i8, array(f8)))
def _average(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    first: int,
    period: int,
    kind: int,
    state: FloatArray,
    at: int,
    into: FloatArray,
) -> None:
    """An average of the closes in a place for each bar; an exponential one begins at the bar ``first``."""
    spare = scratch(SPAN)
    if kind == EXPONENTIAL:
        close = stretch(bars, CLOSE, mask, t0, t1, spare)
        average_from(close, t0, t1, first, period, 2.0 / (period + 1), state, at, into)
        return
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    _windowed_averages(close, len(close), period, kind, columns_from(into, t1 - t0 - n))


@kernel(void(array(f8, 2), i8, i8, i8, i8, i8, i8, f8, f8, array(f8), array(f8, 2)))
def _macd(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    fast: int,
    slow: int,
    signal: int,
    fast_alpha: float,
    slow_alpha: float,
    state: FloatArray,
    out: FloatArray,
) -> None:
    spare, quick, late = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    average_from(close, t0, t1, slow - fast, fast, fast_alpha, state, 0, quick)
    average_from(close, t0, t1, 0, slow, slow_alpha, state, AVERAGE_SIZE, late)
    _subtract(quick, late, t1 - t0, out[0])
    average_from(out[0], t0, t1, slow - 1, signal, 2.0 / (signal + 1), state, 2 * AVERAGE_SIZE, out[1])
    _subtract(out[0], out[1], t1 - t0, out[2])
    for row in range(3):
        blank_before(slow + signal - 2, t0, t1, out, row)


@indicator(
    "macd",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("fast", 12, 2, 400), Param("slow", 26, 3, 500), Param("signal", 9, 1, 200)),
    outputs=("macd", "signal", "histogram"),
    state_size=3 * AVERAGE_SIZE,
    warm_up=lambda slow, signal: slow + signal - 2,
    increasing=("fast", "slow"),
    source=TA_LIB,
)
def macd(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``EMA(fast) - EMA(slow)``, its EMA over ``signal``, and their difference.

    Both averages are seeded at the same bar, ``slow - 1``, from the ``fast`` and ``slow`` closes up to it.
    """
    fast, slow = int(params[0]), int(params[1])
    fast_alpha, slow_alpha = 2.0 / (fast + 1), 2.0 / (slow + 1)
    _macd(bars, mask, t0, t1, fast, slow, int(params[2]), fast_alpha, slow_alpha, state, out)


@indicator(
    "macd_fixed",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("signal", 9, 1, 200),),
    outputs=("macd", "signal", "histogram"),
    state_size=3 * AVERAGE_SIZE,
    warm_up=lambda signal: 24 + signal,
    source="TA-Lib MACDFIX",
)
def macd_fixed(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """MACD of 12 and 26 bars with Appel's constants: new closes weigh 0.15 and 0.075, not 2/13 and 2/27."""
    _macd(bars, mask, t0, t1, 12, 26, int(params[0]), 0.15, 0.075, state, out)


@indicator(
    "macd_extended",
    family="trend",
    inputs=(CLOSE,),
    params=(
        Param("fast", 12, 2, 400),
        Param("fast_average", 0, 0, 2),
        Param("slow", 26, 3, 440),
        Param("slow_average", 0, 0, 2),
        Param("signal", 9, 1, 200),
        Param("signal_average", 0, 0, 2),
    ),
    outputs=("macd", "signal", "histogram"),
    state_size=lambda signal: 3 * AVERAGE_SIZE + signal - 1,
    warm_up=lambda slow, signal: slow + signal - 2,
    lookback=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source="TA-Lib MACDEXT",
)
def macd_extended(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """MACD with a choice of averages, each 0 simple, 1 exponential or 2 linearly weighted.

    ``average(fast) - average(slow)``, its average over ``signal``, and their difference. Exponential averages are
    seeded at the same bar, ``slow - 1``.
    """
    fast, slow, signal = int(params[0]), int(params[2]), int(params[4])
    quick, late = scratch(SPAN), scratch(SPAN)
    _average(bars, mask, t0, t1, slow - fast, fast, int(params[1]), state, 0, quick)
    _average(bars, mask, t0, t1, 0, slow, int(params[3]), state, AVERAGE_SIZE, late)
    line, average = out[0], out[1]
    _subtract(quick, late, t1 - t0, line)
    at, size = 3 * AVERAGE_SIZE, signal - 1
    if int(params[5]) == EXPONENTIAL:
        average_from(line, t0, t1, slow - 1, signal, 2.0 / (signal + 1), state, 2 * AVERAGE_SIZE, average)
    else:
        skip = min(max(slow - 1 - t0, 0), t1 - t0)
        kept = recall(state, at, size, t0 - (slow - 1), quick)
        new, rest = columns_from(quick, kept), columns_from(line, skip)
        for i in range(t1 - t0 - skip):
            new[i] = rest[i]
        n = kept + t1 - t0 - skip
        remember(quick, n, state, at, size)
        defined = max(n - size, 0)
        _windowed_averages(quick, n, signal, int(params[5]), columns_from(average, t1 - t0 - defined))
    _subtract(line, average, t1 - t0, out[2])
    for row in range(3):
        blank_before(slow + signal - 2, t0, t1, out, row)


@indicator(
    "apo",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("fast", 12, 1, 400), Param("slow", 26, 2, 440), Param("average", 1, 0, 2)),
    outputs=("apo",),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda slow: slow - 1,
    lookback=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source=TA_LIB,
)
def apo(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Absolute price oscillator: ``average(fast) - average(slow)`` of the closes.

    ``average`` is 0 simple, 1 exponential (each started from the mean of its first closes) or 2 linearly weighted.
    """
    fast, slow, kind = int(params[0]), int(params[1]), int(params[2])
    quick, late = scratch(SPAN), scratch(SPAN)
    _average(bars, mask, t0, t1, 0, fast, kind, state, 0, quick)
    _average(bars, mask, t0, t1, 0, slow, kind, state, AVERAGE_SIZE, late)
    _subtract(quick, late, t1 - t0, out[0])
    blank_before(slow - 1, t0, t1, out, 0)


@indicator(
    "dpo",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 440),),
    outputs=("dpo",),
    state_size=0,
    warm_up=lambda period: max(period - 1, period // 2 + 1),
    lookback=lambda period: max(period - 1, period // 2 + 1),
    source=TA_LIB,
)
def dpo(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Detrended price: the close ``period // 2 + 1`` bars ago less the mean of the last ``period`` closes."""
    period = int(params[0])
    back = period // 2 + 1
    reach = max(period - 1, back)
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - reach, t1, spare)
    n = max(len(close) - reach, 0)
    blank(out, 0, t1 - t0 - n)
    line = columns_from(out[0], t1 - t0 - n)
    latest = columns_from(close, reach - (period - 1))
    window_sums(latest, n + period - 1 if n > 0 else 0, period, line)
    before, share = columns_from(close, reach - back), 1.0 / period
    for i in range(n):
        line[i] = before[i] - share * line[i]


@kernel(void(array(f8), i8, i8, array(f8)))
def rates_of_change(x: FloatArray, n: int, period: int, into: FloatArray) -> None:
    """``100 (x / x period values before - 1)`` of ``n`` values, the first ``x[period]``; 0 where that before is 0."""
    apart()
    last = columns_from(x, period)
    for i in range(n):
        into[i] = 100.0 * (last[i] / x[i] - 1.0) if x[i] != 0.0 else 0.0


@indicator(
    "coppock",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 200), Param("fast", 11, 1, 200), Param("slow", 14, 2, 240)),
    outputs=("coppock",),
    state_size=0,
    warm_up=lambda period, slow: slow + period - 1,
    lookback=lambda period, slow: slow + period - 1,
    increasing=("fast", "slow"),
    source="Coppock 1962; TA-Lib",
)
def coppock(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Coppock curve: ``WMA(ROC(close, fast) + ROC(close, slow), period)``, in percent; a rate from 0 counts as 0."""
    period, fast, slow = int(params[0]), int(params[1]), int(params[2])
    spare, quick, both = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (slow + period - 1), t1, spare)
    m = max(len(close) - slow, 0)
    rates_of_change(columns_from(close, slow - fast), m, fast, quick)
    rates_of_change(close, m, slow, both)
    for i in range(m):
        both[i] += quick[i]
    n = max(m - period + 1, 0)
    blank(out, 0, t1 - t0 - n)
    weighted_means(both, m, period, columns_from(out[0], t1 - t0 - n))


def _kst_reach(
    roc_1: int, roc_2: int, roc_3: int, roc_4: int, sma_1: int, sma_2: int, sma_3: int, sma_4: int, signal: int
) -> int:
    return max(roc_1 + sma_1, roc_2 + sma_2, roc_3 + sma_3, roc_4 + sma_4) - 1 + signal - 1


@indicator(
    "kst",
    family="trend",
    inputs=(CLOSE,),
    params=(
        Param("roc_1", 10, 1, 150),
        Param("roc_2", 15, 1, 150),
        Param("roc_3", 20, 1, 150),
        Param("roc_4", 30, 1, 150),
        Param("sma_1", 10, 1, 150),
        Param("sma_2", 10, 1, 150),
        Param("sma_3", 10, 1, 150),
        Param("sma_4", 15, 1, 150),
        Param("signal", 9, 1, 140),
    ),
    outputs=("kst", "signal"),
    state_size=0,
    warm_up=_kst_reach,
    lookback=_kst_reach,
    source="Martin Pring 1992, Know Sure Thing",
)
def kst(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``SMA(ROC_1) + 2 SMA(ROC_2) + 3 SMA(ROC_3) + 4 SMA(ROC_4)``, and its mean over ``signal``.

    ``ROC`` is in percent, and 0 where the close before is 0.
    """
    signal = int(params[8])
    reach = 0
    for k in range(4):
        reach = max(reach, int(params[k]) + int(params[4 + k]) - 1)
    spare, rates, means, line = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (reach + signal - 1), t1, spare)
    m = max(len(close) - reach, 0)
    for i in range(m):
        line[i] = 0.0
    for k in range(4):
        roc, sma = int(params[k]), int(params[4 + k])
        length = m + sma - 1 if m > 0 else 0
        rates_of_change(columns_from(close, reach - (roc + sma - 1)), length, roc, rates)
        window_sums(rates, length, sma, means)
        weight = (k + 1.0) / sma
        for i in range(m):
            line[i] += weight * means[i]
    n = max(m - signal + 1, 0)
    known, average = columns_from(line, signal - 1), columns_from(out[1], t1 - t0 - n)
    blank(out, 0, t1 - t0 - n)
    blank(out, 1, t1 - t0 - n)
    value = columns_from(out[0], t1 - t0 - n)
    for i in range(n):
        value[i] = known[i]
    window_sums(line, m, signal, average)
    scale(average, n, 1.0 / signal)
