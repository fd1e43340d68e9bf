"""What the traded volume says about the price."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, TIME_S, VOLUME, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_moments,
    add_to_sum,
    after,
    close_moments,
    close_sums,
    moments_size,
    money_flow_at,
    seeded_average,
    slot_at,
    sum_size,
    typical_price_at,
    window_mean,
    window_sum,
    window_variance,
)

TA_LIB = "TA-Lib"


@indicator(
    "obv",
    family="volume",
    inputs=(CLOSE, VOLUME),
    outputs=("obv",),
    state_size=1,
    warm_up=0,
    lookback=1,
    source=f"{TA_LIB}; Granville 1963",
)
def obv(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Running sum of volume, with the sign of the close's change; from the first bar's volume."""
    total = state[0]
    for t in range(t0, t1):
        volume = bars[VOLUME, t & mask]
        change = bars[CLOSE, t & mask] - bars[CLOSE, (t - 1) & mask] if t > 0 else 1.0
        if change > 0.0:
            total += volume
        elif change < 0.0:
            total -= volume
        out[0, t - t0] = total
    state[0] = total


@indicator(
    "vwap",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME, TIME_S),
    outputs=("vwap",),
    state_size=3,
    warm_up=0,
    source="volume-weighted average price of the UTC day",
)
def vwap(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``sum(typical price x volume) / sum(volume)`` since 00:00 UTC; the typical price before any volume."""
    day, value, volume = state[0], state[1], state[2]
    for t in range(t0, t1):
        today = math.floor(bars[TIME_S, t & mask] / 86400.0)
        if t == 0 or today != day:
            day, value, volume = today, 0.0, 0.0
        typical = typical_price_at(bars, t, mask)
        value += typical * bars[VOLUME, t & mask]
        volume += bars[VOLUME, t & mask]
        out[0, t - t0] = value / volume if volume > 0.0 else typical
    state[0], state[1], state[2] = day, value, volume


@indicator(
    "rolling_vwap",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 20, 1, 500),),
    outputs=("rolling_vwap",),
    state_size=lambda period: 2 * sum_size(period),
    warm_up=lambda period: period - 1,
    source="volume-weighted average price",
)
def rolling_vwap(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``sum(typical price x volume) / sum(volume)`` of ``period`` bars; the typical price without volume."""
    period = int(params[0])
    at_volume = period + 1
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        typical = typical_price_at(bars, t, mask)
        add_to_sum(state, 0, period, slot, typical * bars[VOLUME, t & mask])
        add_to_sum(state, at_volume, period, slot, bars[VOLUME, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_sums(state, 0, period)
            close_sums(state, at_volume, period)
        volume = window_sum(state, at_volume, period, slot)
        average = window_sum(state, 0, period, slot) / volume if volume > 0.0 else typical
        out[0, t - t0] = average if t >= period - 1 else NAN


@indicator(
    "cmf",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 20, 1, 500),),
    outputs=("cmf",),
    state_size=lambda period: 2 * sum_size(period),
    warm_up=lambda period: period - 1,
    source="Chaikin money flow",
)
def cmf(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``sum(flow) / sum(volume)`` of ``period`` bars; 0 without volume.

    ``flow = volume ((close - low) - (high - close)) / (high - low)``, 0 for a bar without range.
    """
    period = int(params[0])
    at_volume = period + 1
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        add_to_sum(state, 0, period, slot, money_flow_at(bars, t, mask))
        add_to_sum(state, at_volume, period, slot, bars[VOLUME, t & mask])
        slot = after(slot, period)
        if slot == 0:
            close_sums(state, 0, period)
            close_sums(state, at_volume, period)
        volume = window_sum(state, at_volume, period, slot)
        flow = window_sum(state, 0, period, slot) / volume if volume > 0.0 else 0.0
        out[0, t - t0] = flow if t >= period - 1 else NAN


@indicator(
    "ad_line",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    outputs=("ad_line",),
    state_size=1,
    warm_up=0,
    source=f"{TA_LIB}; Chaikin",
)
def ad_line(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Running sum of ``volume ((close - low) - (high - close)) / (high - low)``; a bar without range adds nothing."""
    total = state[0]
    for t in range(t0, t1):
        total += money_flow_at(bars, t, mask)
        out[0, t - t0] = total
    state[0] = total


@indicator(
    "chaikin_oscillator",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("fast", 3, 1, 400), Param("slow", 10, 2, 500)),
    outputs=("chaikin_oscillator",),
    state_size=3,
    warm_up=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source=f"{TA_LIB} (ADOSC)",
)
def chaikin_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``EMA(A/D line, fast) - EMA(A/D line, slow)``, both from the line's first value."""
    fast_alpha, slow_alpha = 2.0 / (params[0] + 1.0), 2.0 / (params[1] + 1.0)
    total, fast_average, slow_average = state[0], state[1], state[2]
    for t in range(t0, t1):
        total += money_flow_at(bars, t, mask)
        fast_average = seeded_average(fast_average, total, fast_alpha, t, 1)
        slow_average = seeded_average(slow_average, total, slow_alpha, t, 1)
        out[0, t - t0] = fast_average - slow_average if t >= params[1] - 1.0 else NAN
    state[0], state[1], state[2] = total, fast_average, slow_average


@indicator(
    "force_index",
    family="volume",
    inputs=(CLOSE, VOLUME),
    params=(Param("period", 13, 1, 500),),
    outputs=("force_index",),
    state_size=1,
    warm_up=lambda period: period,
    lookback=1,
    source="Elder 1993",
)
def force_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """EMA of ``(close - last close) x volume``, from the mean of its first ``period`` values."""
    period = int(params[0])
    alpha = 2.0 / (period + 1)
    average = state[0]
    for t in range(t0, t1):
        if t > 0:
            force = (bars[CLOSE, t & mask] - bars[CLOSE, (t - 1) & mask]) * bars[VOLUME, t & mask]
            average = seeded_average(average, force, alpha, t - 1, period)
        out[0, t - t0] = average if t >= period else NAN
    state[0] = average


@indicator(
    "mfi",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 14, 2, 500),),
    outputs=("mfi",),
    state_size=lambda period: 2 * sum_size(period),
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB}; Quong and Soudack 1989",
)
def mfi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 rises / (rises + falls)`` of ``typical price x volume`` over ``period`` bars; 0 without either.

    A bar belongs to the rises or falls by the change of its typical price, and to neither without one. A change
    below 1e-14 of the price is none: prices are decimals, and equal sums of them differ in the last bit.
    """
    period = int(params[0])
    at_falls = period + 1
    slot = slot_at(t0, 1, period)
    for t in range(t0, t1):
        value = 0.0
        if t > 0:
            typical = typical_price_at(bars, t, mask)
            change = typical - typical_price_at(bars, t - 1, mask)
            flow = typical * bars[VOLUME, t & mask]
            rounding = 1e-14 * abs(typical)
            add_to_sum(state, 0, period, slot, flow if change > rounding else 0.0)
            add_to_sum(state, at_falls, period, slot, flow if change < -rounding else 0.0)
            slot = after(slot, period)
            if slot == 0:
                close_sums(state, 0, period)
                close_sums(state, at_falls, period)
            rises = window_sum(state, 0, period, slot)
            flows = rises + window_sum(state, at_falls, period, slot)
            value = 100.0 * rises / flows if flows > 0.0 else 0.0
        out[0, t - t0] = value if t >= period else NAN


@indicator(
    "volume_z_score",
    family="volume",
    inputs=(VOLUME,),
    params=(Param("period", 50, 2, 500),),
    outputs=("z_score",),
    state_size=moments_size,
    warm_up=lambda period: period - 1,
    source="standard score",
)
def volume_z_score(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``(volume - mean) / population standard deviation`` of the last ``period`` volumes; 0 if they are all equal."""
    period = int(params[0])
    slot = slot_at(t0, 0, period)
    for t in range(t0, t1):
        value = bars[VOLUME, t & mask]
        add_to_moments(state, 0, period, slot, value)
        slot = after(slot, period)
        if slot == 0:
            close_moments(state, 0, period)
        out[0, t - t0] = NAN
        if t >= period - 1:
            deviation = math.sqrt(window_variance(state, 0, period, slot))
            distance = value - window_mean(state, 0, period, slot)
            out[0, t - t0] = distance / deviation if deviation > 0.0 else 0.0
