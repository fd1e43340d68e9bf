"""How far the price moves, and the channels drawn from it."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_max,
    add_to_moments,
    after,
    close_maxima,
    close_moments,
    max_size,
    moments_size,
    seeded_average,
    slot_at,
    true_range_at,
    window_max,
    window_mean,
    window_variance,
)

TA_LIB = "TA-Lib"


@indicator(
    "true_range",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    outputs=("true_range",),
    state_size=0,
    warm_up=1,
    lookback=1,
    source=f"{TA_LIB}; Wilder 1978",
)
def true_range(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``max(high, last close) - min(low, last close)``."""
    for t in range(t0, t1):
        out[0, t - t0] = true_range_at(bars, t, mask) if t > 0 else NAN


@indicator(
    "atr",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 500),),
    outputs=("atr",),
    state_size=1,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB}; Wilder 1978",
)
def atr(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Wilder average of the true range, from the mean of the first ``period`` ones."""
    period = int(params[0])
    average = state[0]
    for t in range(t0, t1):
        if t > 0:
            average = seeded_average(average, true_range_at(bars, t, mask), 1.0 / period, t - 1, period)
        out[0, t - t0] = average if t >= period else NAN
    state[0] = average


@indicator(
    "natr",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 500),),
    outputs=("natr",),
    state_size=1,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB}; Wilder 1978",
)
def natr(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 ATR / close``; 0 if the close is 0."""
    period = int(params[0])
    average = state[0]
    for t in range(t0, t1):
        if t > 0:
            average = seeded_average(average, true_range_at(bars, t, mask), 1.0 / period, t - 1, period)
        close = bars[CLOSE, t & mask]
        value = 100.0 * average / close if close != 0.0 else 0.0
        out[0, t - t0] = value if t >= period else NAN
    state[0] = average


@indicator(
    "bollinger",
    family="volatility",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 500), Param("deviations", 2.0, 0.1, 10.0)),
    outputs=("upper", "middle", "lower", "percent_b", "width"),
    state_size=moments_size,
    warm_up=lambda period: period - 1,
    source=f"{TA_LIB}; Bollinger 2001",
)
def bollinger(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``SMA -+ deviations x population standard deviation``.

    ``percent_b = (close - lower) / (upper - lower)``, 0.5 if flat; ``width = (upper - lower) / middle``, or 0.
    """
    period = int(params[0])
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        add_to_moments(state, 0, period, slot, close)
        slot = after(slot, period)
        if slot == 0:
            close_moments(state, 0, period)
        if t < period - 1:
            for row in range(5):
                out[row, t - t0] = NAN
            continue
        middle = window_mean(state, 0, period, slot)
        reach = params[1] * math.sqrt(window_variance(state, 0, period, slot))
        out[0, t - t0] = middle + reach
        out[1, t - t0] = middle
        out[2, t - t0] = middle - reach
        out[3, t - t0] = 0.5 * (close - middle) / reach + 0.5 if reach > 0.0 else 0.5
        out[4, t - t0] = 2.0 * reach / middle if middle != 0.0 else 0.0


@indicator(
    "keltner",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 20, 1, 500), Param("atr_period", 10, 1, 500), Param("multiplier", 2.0, 0.1, 100.0)),
    outputs=("upper", "middle", "lower"),
    state_size=2,
    warm_up=lambda period, atr_period: max(period - 1, atr_period),
    lookback=1,
    source="TradingView Keltner channels, with the EMA and ATR of TA-Lib",
)
def keltner(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``EMA(close, period) -+ multiplier ATR(atr_period)``."""
    period, atr_period = int(params[0]), int(params[1])
    middle, average = state[0], state[1]
    for t in range(t0, t1):
        middle = seeded_average(middle, bars[CLOSE, t & mask], 2.0 / (period + 1), t, period)
        if t > 0:
            average = seeded_average(average, true_range_at(bars, t, mask), 1.0 / atr_period, t - 1, atr_period)
        defined = t >= period - 1 and t >= atr_period
        out[0, t - t0] = middle + params[2] * average if defined else NAN
        out[1, t - t0] = middle if defined else NAN
        out[2, t - t0] = middle - params[2] * average if defined else NAN
    state[0], state[1] = middle, average


@indicator(
    "donchian",
    family="volatility",
    inputs=(HIGH, LOW),
    params=(Param("period", 20, 1, 500),),
    outputs=("upper", "middle", "lower"),
    state_size=lambda period: 2 * max_size(period),
    warm_up=lambda period: period - 1,
    source=f"{TA_LIB} (MAX, MIN); Donchian",
)
def donchian(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Highest high and lowest low of the last ``period`` bars, this one included, and their middle."""
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
        upper = window_max(state, 0, period, slot)
        lower = -window_max(state, at_lows, period, slot)
        defined = t >= period - 1
        out[0, t - t0] = upper if defined else NAN
        out[1, t - t0] = 0.5 * (upper + lower) if defined else NAN
        out[2, t - t0] = lower if defined else NAN
