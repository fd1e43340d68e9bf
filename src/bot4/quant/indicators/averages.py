"""Averages of the last prices, each with weights of its own."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, SPAN, VOLUME, Param, indicator
from bot4.quant.indicators.windows import blank, scale, window_count, window_lines, window_sums

TA_LIB = "TA-Lib"


@kernel(void(array(f8), f8, f8, i8, array(f8)))
def add_scaled(values: FloatArray, factor: float, keep: float, n: int, to: FloatArray) -> None:
    """``keep`` times the first ``n`` values of ``to`` and ``factor`` times others, in place."""
    apart()
    for i in range(n):
        to[i] = keep * to[i] + factor * values[i]


@kernel(i8(array(f8), i8, i8, array(f8)))
def weighted_means(x: FloatArray, n: int, period: int, into: FloatArray) -> int:
    """Means of the windows in ``x[:n]`` with weights 1 (oldest) to ``period`` (newest); returns how many."""
    sums = scratch(SPAN)
    m: int = window_lines(x, n, period, sums, into)
    add_scaled(sums, 1.0 / period, 2.0 / (period * (period + 1.0)), m, into)
    return m


@kernel(void(array(f8, 2), i8, i8, i8, i8, f8, array(f8, 2), i8))
def _place_sums(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, factor: float, out: FloatArray, row: int
) -> None:
    """Sums of the last ``period`` closes times a factor, in a row of the output."""
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, row, t1 - t0 - n)
    sums = columns_from(out[row], t1 - t0 - n)
    window_sums(close, len(close), period, sums)
    scale(sums, n, factor)


@indicator(
    "sma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 440),),
    outputs=("sma",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def sma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Mean of the last ``period`` closes."""
    _place_sums(bars, mask, t0, t1, int(params[0]), 1.0 / params[0], out, 0)


@indicator(
    "sum",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("sum",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def total(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Sum of the last ``period`` closes."""
    _place_sums(bars, mask, t0, t1, int(params[0]), 1.0, out, 0)


@indicator(
    "wma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 440),),
    outputs=("wma",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def wma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Mean of the last ``period`` closes with weights 1 (oldest) to ``period`` (newest)."""
    period = int(params[0])
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    weighted_means(close, len(close), period, columns_from(out[0], t1 - t0 - n))


@indicator(
    "trima",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 30, 1, 440),),
    outputs=("trima",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def trima(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Triangular average: the mean of ``(period + 1) // 2`` means of ``period // 2 + 1`` closes.

    So the weights rise to the middle of the last ``period`` closes and fall again.
    """
    period = int(params[0])
    inner, outer = period // 2 + 1, (period + 1) // 2
    spare, sums = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    mean = columns_from(out[0], t1 - t0 - n)
    window_sums(close, len(close), inner, sums)
    window_sums(sums, max(len(close) - inner + 1, 0), outer, mean)
    scale(mean, n, 1.0 / (inner * outer))


@indicator(
    "hma",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 16, 2, 400),),
    outputs=("hma",),
    state_size=0,
    warm_up=lambda period: period - 1 + math.isqrt(period) - 1,
    lookback=lambda period: period - 1 + math.isqrt(period) - 1,
    source="Alan Hull, https://alanhull.com/hull-moving-average; TA-Lib",
)
def hma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Hull average: ``WMA(2 WMA(close, period // 2) - WMA(close, period), floor(sqrt(period)))``."""
    period = int(params[0])
    half, root = period // 2, int(math.sqrt(params[0]))
    spare, quick, slow = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period + root - 2), t1, spare)
    weighted_means(columns_from(close, period - half), len(close) - (period - half), half, quick)
    m = weighted_means(close, len(close), period, slow)
    add_scaled(quick, 2.0, -1.0, m, slow)
    n = max(m - root + 1, 0)
    blank(out, 0, t1 - t0 - n)
    weighted_means(slow, m, root, columns_from(out[0], t1 - t0 - n))


@kernel(void(array(f8), i8, array(f8), i8, array(f8)))
def _weigh(x: FloatArray, n: int, weights: FloatArray, period: int, into: FloatArray) -> None:
    """``into[i] = sum over k of weights[k] x[i + k]`` for ``n`` windows, four weights to a loop."""
    apart()
    for i in range(n):
        into[i] = 0.0
    k = 0
    while k + 4 <= period:
        p, q, r, s = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        a, b, c, d = columns_from(x, k), columns_from(x, k + 1), columns_from(x, k + 2), columns_from(x, k + 3)
        for i in range(n):
            into[i] += (p * a[i] + q * b[i]) + (r * c[i] + s * d[i])
        k += 4
    while k < period:
        p, a = weights[k], columns_from(x, k)
        for i in range(n):
            into[i] += p * a[i]
        k += 1


@kernel(void(i8, f8, f8, array(f8)))
def _set_bell(period: int, middle: float, width: float, weights: FloatArray) -> None:
    total = 0.0
    for k in range(period):
        distance = (k - middle) / width
        weights[k] = math.exp(-0.5 * distance * distance)
        total += weights[k]
    for k in range(period):
        weights[k] /= total


@indicator(
    "alma",
    family="trend",
    inputs=(CLOSE,),
    params=(
        Param("period", 9, 1, 440),
        Param("offset", 0.85, 0.0, 1.0),
        Param("sigma", 6.0, 0.01, 100.0),
    ),
    outputs=("alma",),
    state_size=lambda period: period,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="Legoux and Kouzis-Loukas 2009; TradingView ta.alma",
)
def alma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Average of the last ``period`` closes with the weights of a bell, ``exp(-(k - m)^2 / (2 s^2))``.

    ``k`` is 0 for the oldest close; ``m = offset (period - 1)`` is the middle of the bell, ``s = period / sigma`` its
    width.
    """
    period = int(params[0])
    if t0 == 0:
        _set_bell(period, params[1] * (period - 1), period / params[2], state)
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    _weigh(close, n, state, period, columns_from(out[0], t1 - t0 - n))


@indicator(
    "vwma",
    family="trend",
    inputs=(CLOSE, VOLUME),
    params=(Param("period", 20, 1, 440),),
    outputs=("vwma",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def vwma(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Mean of the last ``period`` closes weighted by volume; the close itself if nothing was traded."""
    period = int(params[0])
    spare_close, spare_volume, money, total = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare_close)
    volume = stretch(bars, VOLUME, mask, t0 - (period - 1), t1, spare_volume)
    for i in range(len(close)):
        money[i] = close[i] * volume[i]
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    mean = columns_from(out[0], t1 - t0 - n)
    window_sums(money, len(close), period, mean)
    window_sums(volume, len(close), period, total)
    last = columns_from(close, period - 1)
    for i in range(n):
        mean[i] = mean[i] / total[i] if total[i] > 0.0 else last[i]


@indicator(
    "envelope",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 1, 440), Param("percent", 2.5, 0.01, 100.0)),
    outputs=("upper", "middle", "lower"),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="moving average envelope",
)
def envelope(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Mean of the last ``period`` closes, and ``percent`` of it above and below."""
    _place_sums(bars, mask, t0, t1, int(params[0]), 1.0 / params[0], out, 1)
    above, below = 1.0 + 0.01 * params[1], 1.0 - 0.01 * params[1]
    upper, middle, lower = out[0], out[1], out[2]
    for i in range(t1 - t0):
        upper[i] = above * middle[i]
    for i in range(t1 - t0):
        lower[i] = below * middle[i]
