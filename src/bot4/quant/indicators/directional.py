"""Which way the price is going, and the lines that it would have to cross to turn."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.recursions import seeded_average, true_range_at
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, Param, indicator
from bot4.quant.indicators.rolling import (
    NAN,
    add_to_latest_max,
    add_to_max,
    after,
    close_latest_maxima,
    close_maxima,
    latest_max_bar,
    latest_max_size,
    max_size,
    slot_at,
    window_max,
)

TA_LIB = "TA-Lib"


@indicator(
    "adx",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 2, 400),),
    outputs=("adx", "plus_di", "minus_di"),
    state_size=4,
    warm_up=lambda period: 2 * period - 1,
    lookback=1,
    source=f"{TA_LIB}; Wilder 1978",
)
def adx(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``DI = 100 DM / TR`` of Wilder sums, ``ADX`` the Wilder average of ``100 |+DI - -DI| / (+DI + -DI)``.

    A sum starts from its first ``period - 1`` values. Without range the DI are 0; without direction the average
    stays as it is.
    """
    period = int(params[0])
    keep = 1.0 - 1.0 / period
    up_sum, down_sum, range_sum, average = state[0], state[1], state[2], state[3]
    for t in range(t0, t1):
        if t > 0:
            up = bars[HIGH, t & mask] - bars[HIGH, (t - 1) & mask]
            down = bars[LOW, (t - 1) & mask] - bars[LOW, t & mask]
            fade = keep if t >= period else 1.0
            up_sum = fade * up_sum + (up if up > down and up > 0.0 else 0.0)
            down_sum = fade * down_sum + (down if down > up and down > 0.0 else 0.0)
            range_sum = fade * range_sum + true_range_at(bars, t, mask)
        if t >= period:
            both = up_sum + down_sum
            directed = both > 0.0 and range_sum > 0.0
            direction = 100.0 * abs(up_sum - down_sum) / both if directed else 0.0
            if directed or t < 2 * period:
                average = seeded_average(average, direction, 1.0 / period, t - period, period)
        has_range = range_sum > 0.0
        out[0, t - t0] = average if t >= 2 * period - 1 else NAN
        out[1, t - t0] = (100.0 * up_sum / range_sum if has_range else 0.0) if t >= period else NAN
        out[2, t - t0] = (100.0 * down_sum / range_sum if has_range else 0.0) if t >= period else NAN
    state[0], state[1], state[2], state[3] = up_sum, down_sum, range_sum, average


@indicator(
    "aroon",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("period", 25, 2, 500),),
    outputs=("up", "down", "oscillator"),
    state_size=lambda period: 2 * latest_max_size(period + 1),
    warm_up=lambda period: period,
    source=TA_LIB,
)
def aroon(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``100 (period - bars since the highest high) / period``, the same for lows, and up - down.

    Of the last ``period + 1`` bars; of equal extremes the latest counts.
    """
    period = int(params[0])
    window = period + 1
    at_lows = 2 * window + 2
    slot = slot_at(t0, 0, window)
    for t in range(t0, t1):
        add_to_latest_max(state, 0, window, slot, bars[HIGH, t & mask], t)
        add_to_latest_max(state, at_lows, window, slot, -bars[LOW, t & mask], t)
        slot = after(slot, window)
        if slot == 0:
            close_latest_maxima(state, 0, window, t)
            close_latest_maxima(state, at_lows, window, t)
        up = 100.0 * (period - (t - latest_max_bar(state, 0, window, slot))) / period
        down = 100.0 * (period - (t - latest_max_bar(state, at_lows, window, slot))) / period
        out[0, t - t0] = up if t >= period else NAN
        out[1, t - t0] = down if t >= period else NAN
        out[2, t - t0] = up - down if t >= period else NAN


@indicator(
    "parabolic_sar",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("acceleration", 0.02, 0.0, 1.0), Param("maximum", 0.2, 0.0, 1.0)),
    outputs=("sar", "direction"),
    state_size=4,
    warm_up=1,
    lookback=1,
    source=f"{TA_LIB}; Wilder 1978",
)
def parabolic_sar(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Wilder's stop and reverse, and +1 while long or -1 while short after the bar.

    ``sar += af (extreme - sar)``, never beyond the last two bars; ``af`` grows by ``acceleration`` at each new
    extreme up to ``maximum``. The first two bars set the side: short if the low fell by more than the high rose.
    The falling side is the rising side of the negated prices.
    """
    step = params[0] if params[0] < params[1] else params[1]
    side, sar, extreme, speed = state[0], state[1], state[2], state[3]
    for t in range(t0, t1):
        if t == 0:
            out[0, 0] = NAN
            out[1, 0] = NAN
            continue
        high, low = bars[HIGH, t & mask], bars[LOW, t & mask]
        last_high, last_low = bars[HIGH, (t - 1) & mask], bars[LOW, (t - 1) & mask]
        if t == 1:
            fall = last_low - low
            side = -1.0 if fall > 0.0 and fall > high - last_high else 1.0
            sar = last_low if side > 0.0 else -last_high
            extreme = high if side > 0.0 else -low
            speed = step
            last_high, last_low = high, low
        floor, last_floor = (low, last_low) if side > 0.0 else (-high, -last_high)
        peak = high if side > 0.0 else -low
        if floor <= sar:
            side = -side
            floor, last_floor = (low, last_low) if side > 0.0 else (-high, -last_high)
            sar = min(-extreme, last_floor, floor)
            extreme = high if side > 0.0 else -low
            speed = step
            out[0, t - t0] = side * sar
        else:
            out[0, t - t0] = side * sar
            if peak > extreme:
                extreme = peak
                speed = min(speed + step, params[1])
        out[1, t - t0] = side
        sar = min(sar + speed * (extreme - sar), last_floor, floor)
    state[0], state[1], state[2], state[3] = side, sar, extreme, speed


@indicator(
    "supertrend",
    family="trend",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 10, 1, 400), Param("multiplier", 3.0, 0.1, 100.0)),
    outputs=("value", "direction"),
    state_size=4,
    warm_up=lambda period: period,
    lookback=1,
    source="TradingView ta.supertrend, with TA-Lib's ATR",
)
def supertrend(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The band ``(high + low) / 2 -+ multiplier ATR`` that the trend rests on, and +1 rising or -1 falling.

    The lower band only rises while the close before stayed above it, the upper only falls while it stayed below;
    the direction turns when the close crosses the band that it rests on. It begins as falling.
    """
    period = int(params[0])
    average, lower, upper, side = state[0], state[1], state[2], state[3]
    for t in range(t0, t1):
        if t > 0:
            average = seeded_average(average, true_range_at(bars, t, mask), 1.0 / period, t - 1, period)
        if t < period:
            out[0, t - t0] = NAN
            out[1, t - t0] = NAN
            continue
        close, last_close = bars[CLOSE, t & mask], bars[CLOSE, (t - 1) & mask]
        middle = 0.5 * (bars[HIGH, t & mask] + bars[LOW, t & mask])
        new_lower, new_upper = middle - params[1] * average, middle + params[1] * average
        is_first = t == period
        lower = new_lower if is_first or new_lower > lower or last_close < lower else lower
        upper = new_upper if is_first or new_upper < upper or last_close > upper else upper
        if is_first:
            side = -1.0
        elif side < 0.0:
            side = 1.0 if close > upper else -1.0
        else:
            side = -1.0 if close < lower else 1.0
        out[0, t - t0] = lower if side > 0.0 else upper
        out[1, t - t0] = side
    state[0], state[1], state[2], state[3] = average, lower, upper, side


@indicator(
    "ichimoku",
    family="trend",
    inputs=(HIGH, LOW),
    params=(
        Param("tenkan", 9, 1, 300),
        Param("kijun", 26, 2, 400),
        Param("senkou_b", 52, 3, 500),
        Param("displacement", 26, 1, 300),
    ),
    outputs=("tenkan", "kijun", "senkou_a", "senkou_b"),
    state_size=lambda tenkan, kijun, senkou_b, displacement: (
        2 * (max_size(tenkan) + max_size(kijun) + max_size(senkou_b) + displacement)
    ),
    warm_up=lambda senkou_b, displacement: senkou_b - 1 + displacement,
    increasing=("tenkan", "kijun", "senkou_b"),
    source="Hosoda 1969",
)
def ichimoku(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Middles of the range of the last ``tenkan`` and ``kijun`` bars, and the cloud as it lies over this bar.

    Senkou A (mean of tenkan and kijun) and B (middle of ``senkou_b`` bars) are those of ``displacement`` bars ago,
    so everything is known at this bar. There is no chikou, which is the close drawn into the past.
    """
    at = 0
    for line in range(3):
        period = int(params[line])
        row = line if line < 2 else 3
        slot = slot_at(t0, 0, period)
        for t in range(t0, t1):
            add_to_max(state, at, period, slot, bars[HIGH, t & mask])
            add_to_max(state, at + period + 1, period, slot, -bars[LOW, t & mask])
            slot = after(slot, period)
            if slot == 0:
                close_maxima(state, at, period)
                close_maxima(state, at + period + 1, period)
            middle = 0.5 * (window_max(state, at, period, slot) - window_max(state, at + period + 1, period, slot))
            out[row, t - t0] = middle if t >= period - 1 else NAN
        at += 2 * (period + 1)
    displacement = int(params[3])
    slot = slot_at(t0, 0, displacement)
    for t in range(t0, t1):
        senkou_a, senkou_b = 0.5 * (out[0, t - t0] + out[1, t - t0]), out[3, t - t0]
        out[2, t - t0] = state[at + slot] if t >= displacement else NAN
        out[3, t - t0] = state[at + displacement + slot] if t >= displacement else NAN
        state[at + slot] = senkou_a
        state[at + displacement + slot] = senkou_b
        slot = after(slot, displacement)
