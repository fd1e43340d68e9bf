"""How fast the price moves, and how far into its range."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_max,
    add_to_moments,
    add_to_sum,
    after,
    close_maxima,
    close_moments,
    close_sums,
    max_size,
    mean_distance,
    moments_size,
    seeded_average,
    slot_at,
    sum_size,
    true_range_at,
    typical_price_at,
    window_max,
    window_mean,
    window_sum,
)

TA_LIB = "TA-Lib"


@indicator(
    "rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 500),),
    outputs=("rsi",),
    state_size=2,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB}; Wilder 1978",
)
def rsi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 gain / (gain + loss)``, Wilder averages of rises and falls of the close; 0 if it never moved."""
    period = int(params[0])
    alpha = 1.0 / period
    gain, loss = state[0], state[1]
    for t in range(t0, t1):
        if t > 0:
            change = bars[CLOSE, t & mask] - bars[CLOSE, (t - 1) & mask]
            gain = seeded_average(gain, change if change > 0.0 else 0.0, alpha, t - 1, period)
            loss = seeded_average(loss, -change if change < 0.0 else 0.0, alpha, t - 1, period)
        movement = gain + loss
        value = 100.0 * gain / movement if movement > 0.0 else 0.0
        out[0, t - t0] = value if t >= period else NAN
    state[0], state[1] = gain, loss


@indicator(
    "cmo",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 500),),
    outputs=("cmo",),
    state_size=2,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB}; Chande 1994",
)
def cmo(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 (gain - loss) / (gain + loss)``, Wilder averages as in the RSI; 0 if the close never moved."""
    period = int(params[0])
    alpha = 1.0 / period
    gain, loss = state[0], state[1]
    for t in range(t0, t1):
        if t > 0:
            change = bars[CLOSE, t & mask] - bars[CLOSE, (t - 1) & mask]
            gain = seeded_average(gain, change if change > 0.0 else 0.0, alpha, t - 1, period)
            loss = seeded_average(loss, -change if change < 0.0 else 0.0, alpha, t - 1, period)
        movement = gain + loss
        value = 100.0 * (gain - loss) / movement if movement > 0.0 else 0.0
        out[0, t - t0] = value if t >= period else NAN
    state[0], state[1] = gain, loss


@indicator(
    "stochastic",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 400), Param("smooth", 3, 1, 100), Param("signal", 3, 1, 100)),
    outputs=("k", "d"),
    state_size=lambda period, smooth, signal: 2 * max_size(period) + sum_size(smooth) + sum_size(signal),
    warm_up=lambda period, smooth, signal: period + smooth + signal - 3,
    source=f"{TA_LIB}; Lane",
)
def stochastic(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Slow stochastic: place of the close in the range of ``period`` bars, averaged twice.

    ``k`` is the mean over ``smooth`` bars of ``100 (close - lowest low) / (highest high - lowest low)``, 0 where there
    is no range; ``d`` is the mean of ``k`` over ``signal`` bars.
    """
    period, smooth, signal = int(params[0]), int(params[1]), int(params[2])
    at_lows = period + 1
    at_smooth = 2 * (period + 1)
    at_signal = at_smooth + smooth + 1
    slot, smooth_slot = slot_at(t0, 0, period), slot_at(t0, period - 1, smooth)
    signal_slot = slot_at(t0, period + smooth - 2, signal)
    for t in range(t0, t1):
        add_to_max(state, 0, period, slot, bars[HIGH, t & mask])
        add_to_max(state, at_lows, period, slot, -bars[LOW, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_maxima(state, 0, period)
            close_maxima(state, at_lows, period)
        k = 0.0
        if t >= period - 1:
            lowest = -window_max(state, at_lows, period, slot)
            width = window_max(state, 0, period, slot) - lowest
            place = (bars[CLOSE, t & mask] - lowest) / width if width > 0.0 else 0.0
            add_to_sum(state, at_smooth, smooth, smooth_slot, 100.0 * place)
            smooth_slot = after(smooth_slot, smooth)
            if smooth_slot == 0:
                close_sums(state, at_smooth, smooth)
            k = window_sum(state, at_smooth, smooth, smooth_slot) / smooth
        if t >= period + smooth - 2:
            add_to_sum(state, at_signal, signal, signal_slot, k)
            signal_slot = after(signal_slot, signal)
            if signal_slot == 0:
                close_sums(state, at_signal, signal)
        defined = t >= period + smooth + signal - 3
        out[0, t - t0] = k if defined else NAN
        out[1, t - t0] = window_sum(state, at_signal, signal, signal_slot) / signal if defined else NAN


@indicator(
    "williams_r",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 500),),
    outputs=("williams_r",),
    state_size=lambda period: 2 * max_size(period),
    warm_up=lambda period: period - 1,
    source=f"{TA_LIB}; Williams 1973",
)
def williams_r(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``-100 (highest high - close) / (highest high - lowest low)`` of ``period`` bars; 0 if there is no range."""
    period = int(params[0])
    at_lows = period + 1
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        add_to_max(state, 0, period, slot, bars[HIGH, t & mask])
        add_to_max(state, at_lows, period, slot, -bars[LOW, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_maxima(state, 0, period)
            close_maxima(state, at_lows, period)
        highest = window_max(state, 0, period, slot)
        width = highest + window_max(state, at_lows, period, slot)
        value = -100.0 * (highest - bars[CLOSE, t & mask]) / width if width > 0.0 else 0.0
        out[0, t - t0] = value if t >= period - 1 else NAN


@indicator(
    "cci",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 20, 2, 500),),
    outputs=("cci",),
    state_size=lambda period: period + moments_size(period),
    warm_up=lambda period: period - 1,
    source=f"{TA_LIB}; Lambert 1980",
)
def cci(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``(typical - mean) / (0.015 mean |typical - mean|)`` over ``period`` typical prices; 0 if they are all equal."""
    period = int(params[0])
    at_moments = period
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        typical = typical_price_at(bars, t, mask)
        state[slot] = typical
        add_to_moments(state, at_moments, period, slot, typical)
        slot = after(slot, period)
        if slot == 0:
            close_moments(state, at_moments, period)
        out[0, t - t0] = NAN
        if t >= period - 1:
            mean = window_mean(state, at_moments, period, slot)
            deviation = mean_distance(state, period, mean)
            out[0, t - t0] = (typical - mean) / (0.015 * deviation) if deviation > 0.0 else 0.0


@indicator(
    "roc",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("roc",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=TA_LIB,
)
def roc(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 (close / close period bars ago - 1)``; 0 if that was 0."""
    period = int(params[0])
    for t in range(t0, t1):
        if t < period:
            out[0, t - t0] = NAN
            continue
        before = bars[CLOSE, (t - period) & mask]
        out[0, t - t0] = 100.0 * (bars[CLOSE, t & mask] / before - 1.0) if before != 0.0 else 0.0


@indicator(
    "momentum",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 10, 1, 440),),
    outputs=("momentum",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=TA_LIB,
)
def momentum(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``close - close period bars ago``."""
    period = int(params[0])
    for t in range(t0, t1):
        out[0, t - t0] = bars[CLOSE, t & mask] - bars[CLOSE, (t - period) & mask] if t >= period else NAN


@indicator(
    "trix",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 15, 1, 400),),
    outputs=("trix",),
    state_size=3,
    warm_up=lambda period: 3 * period - 2,
    source=TA_LIB,
)
def trix(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Change in percent, from the bar before, of ``EMA(EMA(EMA(close)))``; 0 if that was 0."""
    period = int(params[0])
    alpha = 2.0 / (period + 1)
    lag = period - 1
    once, twice, thrice = state[0], state[1], state[2]
    for t in range(t0, t1):
        before = thrice
        once = seeded_average(once, bars[CLOSE, t & mask], alpha, t, period)
        if t >= lag:
            twice = seeded_average(twice, once, alpha, t - lag, period)
        if t >= 2 * lag:
            thrice = seeded_average(thrice, twice, alpha, t - 2 * lag, period)
        value = 100.0 * (thrice / before - 1.0) if before != 0.0 else 0.0
        out[0, t - t0] = value if t > 3 * lag else NAN
    state[0], state[1], state[2] = once, twice, thrice


@indicator(
    "ppo",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("fast", 12, 1, 400), Param("slow", 26, 2, 500)),
    outputs=("ppo",),
    state_size=2,
    warm_up=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source=f"{TA_LIB} (matype EMA)",
)
def ppo(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 (EMA(fast) - EMA(slow)) / EMA(slow)``; 0 if the slow one is 0."""
    fast, slow = int(params[0]), int(params[1])
    fast_average, slow_average = state[0], state[1]
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        slow_average = seeded_average(slow_average, close, 2.0 / (slow + 1), t, slow)
        fast_average = seeded_average(fast_average, close, 2.0 / (fast + 1), t, fast)
        value = 100.0 * (fast_average - slow_average) / slow_average if slow_average != 0.0 else 0.0
        out[0, t - t0] = value if t >= slow - 1 else NAN
    state[0], state[1] = fast_average, slow_average


@indicator(
    "ultimate_oscillator",
    family="momentum",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("fast", 7, 1, 400), Param("middle", 14, 2, 450), Param("slow", 28, 3, 500)),
    outputs=("ultimate_oscillator",),
    state_size=lambda fast, middle, slow: 2 * (sum_size(fast) + sum_size(middle) + sum_size(slow)),
    warm_up=lambda slow: slow,
    lookback=1,
    increasing=("fast", "middle", "slow"),
    source=f"{TA_LIB}; Williams 1976",
)
def ultimate_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Three shares of buying pressure in the true range, weighted 4 : 2 : 1.

    ``100 / 7 sum weight (sum(close - min(low, last close)) / sum(true range))`` over fast, middle and slow bars;
    0 for a share without range.
    """
    at = 0
    for line in range(3):
        period = int(params[line])
        weight = (4.0, 2.0, 1.0)[line] / 7.0
        at_ranges = at + period + 1
        slot = slot_at(t0, 1, period)
        for t in range(t0, t1):
            ratio = 0.0
            if t > 0:
                low, last_close = bars[LOW, t & mask], bars[CLOSE, (t - 1) & mask]
                add_to_sum(state, at, period, slot, bars[CLOSE, t & mask] - (low if low < last_close else last_close))
                add_to_sum(state, at_ranges, period, slot, true_range_at(bars, t, mask))
                slot = after(slot, period)
                if slot == 0:
                    close_sums(state, at, period)
                    close_sums(state, at_ranges, period)
                ranges = window_sum(state, at_ranges, period, slot)
                ratio = window_sum(state, at, period, slot) / ranges if ranges > 0.0 else 0.0
            total = 100.0 * weight * ratio + (out[0, t - t0] if line > 0 else 0.0)
            out[0, t - t0] = total if line < 2 or t >= period else NAN
        at += 2 * (period + 1)
