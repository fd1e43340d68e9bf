"""Ehlers' filters, and his transforms that make turning points sharp."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel
from bot4.kernel_memory import scratch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.windows import blank, negate, window_maxima

CYCLE_ANALYTICS = "Ehlers, Cycle Analytics for Traders, 2013"
FISHER_LIMIT = 0.99
FISHER_CLAMP = 0.999


@kernel(f8(f8))
def pole_radius(period: float) -> float:
    """``exp(-1.414 pi / period)``."""
    return math.exp(-1.414 * math.pi / period)


@kernel(f8(f8))
def pole_sum(period: float) -> float:
    """``2 r cos(1.414 * 180 degrees / period)``, ``r`` being :func:`pole_radius`."""
    total: float = 2.0 * pole_radius(period) * math.cos(1.414 * math.pi / period)
    return total


@indicator(
    "super_smoother",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 2, 500),),
    outputs=("super_smoother",),
    state_size=3,
    warm_up=2,
    source=f"{CYCLE_ANALYTICS}, chapter 3",
)
def super_smoother(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Two-pole low-pass filter that passes cycles longer than ``period`` bars; in units of price.

    ``y = g (c + c') / 2 + b y' + d y''`` with ``a = exp(-1.414 pi / period)``, ``b = 2 a cos(1.414 pi / period)``,
    ``d = -a^2``, ``g = 1 - b - d``, ``c`` the close. It starts from the first two closes, as if the price had stood
    there, so a constant price is given back.
    """
    radius, b = pole_radius(params[0]), pole_sum(params[0])
    d = -radius * radius
    gain = 0.5 * (1.0 - b - d)
    before, y1, y2 = state[0], state[1], state[2]
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        y = gain * (close + before) + b * y1 + d * y2 if t >= 2 else close
        before, y2, y1 = close, y1, y
        out[0, t - t0] = y
    state[0], state[1], state[2] = before, y1, y2
    blank(out, 0, min(2 - t0, t1 - t0))


@indicator(
    "roofing_filter",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("high_pass", 48, 4, 500), Param("low_pass", 10, 2, 499)),
    outputs=("roofing_filter",),
    state_size=6,
    warm_up=2,
    source=f"{CYCLE_ANALYTICS}, chapter 7",
    increasing=("low_pass", "high_pass"),
)
def roofing_filter(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Passes cycles between ``low_pass`` and ``high_pass`` bars: a two-pole high-pass filter, then a super smoother.

    ``h = (1 - q / 2)^2 (c - 2 c' + c'') + 2 (1 - q) h' - (1 - q)^2 h''`` of the close ``c``, with
    ``q = (cos w + sin w - 1) / cos w`` and ``w = 0.707 * 2 pi / high_pass``; then the recursion of ``super_smoother``
    of period ``low_pass`` on ``h``. In units of price, around 0. Both start from 0 at the first two bars.
    """
    angle = 0.707 * 2.0 * math.pi / params[0]
    q = (math.cos(angle) + math.sin(angle) - 1.0) / math.cos(angle)
    entry, feedback = (1.0 - 0.5 * q) * (1.0 - 0.5 * q), 1.0 - q
    radius, b = pole_radius(params[1]), pole_sum(params[1])
    d = -radius * radius
    gain = 0.5 * (1.0 - b - d)
    c1, c2, h1, h2, y1, y2 = state[0], state[1], state[2], state[3], state[4], state[5]
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        h, y = 0.0, 0.0
        if t >= 2:
            h = entry * (close - 2.0 * c1 + c2) + 2.0 * feedback * h1 - feedback * feedback * h2
            y = gain * (h + h1) + b * y1 + d * y2
        c2, c1, h2, h1, y2, y1 = c1, close, h1, h, y1, y
        out[0, t - t0] = y
    state[0], state[1], state[2], state[3], state[4], state[5] = c1, c2, h1, h2, y1, y2
    blank(out, 0, min(2 - t0, t1 - t0))


@indicator(
    "laguerre_rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("gamma", 0.5, 0.0, 0.99),),
    outputs=("laguerre_rsi",),
    state_size=5,
    warm_up=1,
    source="Ehlers, Cybernetic Analysis for Stocks and Futures, 2004, chapter 14",
)
def laguerre_rsi(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``up / (up + down)`` of the steps between four elements of a Laguerre filter, within 0 .. 1.

    ``L0 = (1 - gamma) c + gamma L0'`` of the close ``c``; ``L[k] = -gamma L[k-1] + L[k-1]' + gamma L[k]'`` for k = 1,
    2, 3; ``up`` is the sum of ``L[k] - L[k+1]`` where positive, ``down`` of ``L[k+1] - L[k]`` where positive. Where all
    four are equal it stays as it was, 0 at first. All start at the first close.
    """
    gamma = params[0]
    a, b, c, d, value = state[0], state[1], state[2], state[3], state[4]
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        if t == 0:
            a, b, c, d = close, close, close, close
        # the published sums, put so that a constant price leaves all four as they are
        next_a = close + gamma * (a - close)
        next_b = a + gamma * (b - next_a)
        next_c = b + gamma * (c - next_b)
        d = c + gamma * (d - next_c)
        a, b, c = next_a, next_b, next_c
        up = max(a - b, 0.0) + max(b - c, 0.0) + max(c - d, 0.0)
        down = max(b - a, 0.0) + max(c - b, 0.0) + max(d - c, 0.0)
        value = up / (up + down) if up + down > 0.0 else value
        out[0, t - t0] = value
    state[0], state[1], state[2], state[3], state[4] = a, b, c, d, value
    blank(out, 0, min(1 - t0, t1 - t0))


@kernel(i8(array(f8, 2), i8, i8, i8, array(f8)))
def load_medians(bars: FloatArray, mask: int, first: int, stop: int, into: FloatArray) -> int:
    """``(high + low) / 2`` of the bars ``max(first, 0) .. stop - 1``; returns how many."""
    start = max(first, 0)
    for t in range(start, stop):
        into[t - start] = 0.5 * (bars[HIGH, t & mask] + bars[LOW, t & mask])
    return stop - start


@indicator(
    "fisher_transform",
    family="momentum",
    inputs=(HIGH, LOW),
    params=(Param("period", 10, 1, 400),),
    outputs=("fisher", "signal"),
    state_size=2,
    warm_up=lambda period: period,
    lookback=lambda period: period - 1,
    source="Ehlers, Using the Fisher Transform, Stocks & Commodities, November 2002",
)
def fisher_transform(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The place of the median price in its range, made nearly Gaussian, so that turning points are sharp.

    ``m = (high + low) / 2``; ``x = 0.66 ((m - lowest m) / (highest m - lowest m) - 0.5) + 0.67 x'`` over ``period``
    bars; as published, ``x`` above 0.99 becomes 0.999 and below -0.99 becomes -0.999, and stays so for the next bar;
    ``fisher = 0.5 ln((1 + x) / (1 - x)) + 0.5 fisher'``; ``signal = fisher'``. Both recursions start from 0 at the
    first whole window. Where there is no range the place counts as 0.5.
    """
    period = int(params[0])
    n = t1 - t0
    medians, highest, lowest = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    loaded: int = load_medians(bars, mask, t0 - (period - 1), t1, medians)
    window_maxima(medians, loaded, period, highest)
    negate(medians, medians, loaded)
    count: int = window_maxima(medians, loaded, period, lowest)
    negate(medians, medians, loaded)
    x, fisher = state[0], state[1]
    for k in range(count):
        low = -lowest[k]
        width = highest[k] - low
        place = (medians[period - 1 + k] - low) / width if width > 0.0 else 0.5
        x = 0.66 * (place - 0.5) + 0.67 * x
        x = FISHER_CLAMP if x > FISHER_LIMIT else (-FISHER_CLAMP if x < -FISHER_LIMIT else x)
        out[1, n - count + k] = fisher
        fisher = 0.5 * math.log((1.0 + x) / (1.0 - x)) + 0.5 * fisher
        out[0, n - count + k] = fisher
    state[0], state[1] = x, fisher
    blank(out, 0, min(period - 1 - t0, n))
    blank(out, 1, min(period - t0, n))


@indicator(
    "inverse_fisher_rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 5, 2, 500), Param("smooth", 9, 1, 100)),
    outputs=("inverse_fisher_rsi",),
    state_size=lambda smooth: 2 + smooth,
    warm_up=lambda period, smooth: period + smooth - 1,
    lookback=1,
    source="Ehlers, The Inverse Fisher Transform, Stocks & Commodities, May 2004",
)
def inverse_fisher_rsi(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``(exp(2 v) - 1) / (exp(2 v) + 1)``, within -1 .. 1.

    ``v`` is the linearly weighted mean over ``smooth`` bars of ``0.1 (RSI - 50)``, the RSI being that of ``rsi``: of
    the close, by Wilder's averages over ``period`` bars, 0 if the close never moved.
    """
    period, smooth = int(params[0]), int(params[1])
    n = t1 - t0
    values, sums = scratch(SPAN), scratch(SPAN)
    for k in range(smooth - 1):
        values[k] = state[2 + k]
    gain, loss = state[0], state[1]
    for t in range(t0, t1):
        change = bars[CLOSE, t & mask] - bars[CLOSE, (t - 1) & mask] if t > 0 else 0.0
        rise, fall = max(change, 0.0), max(-change, 0.0)
        if t <= period:
            gain += rise / period
            loss += fall / period
        else:
            gain += (rise - gain) / period
            loss += (fall - loss) / period
        movement = gain + loss
        values[smooth - 1 + t - t0] = 10.0 * gain / movement - 5.0 if movement > 0.0 else -5.0
    state[0], state[1] = gain, loss
    for i in range(n):
        sums[i] = 0.0
    for k in range(smooth):
        aged = values[k : k + n]
        for i in range(n):
            sums[i] += (k + 1) * aged[i]
    for i in range(n):
        out[0, i] = math.tanh(sums[i] / (0.5 * smooth * (smooth + 1)))
    for k in range(smooth - 1):
        state[2 + k] = values[n + k]
    blank(out, 0, min(period + smooth - 1 - t0, n))
