"""Where the money went: volume weighed by what the price did with it, over a window or averaged."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, VOLUME, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.stretches import put_last, quotients, shares
from bot4.quant.indicators.volume_lines import money_flows, run_total
from bot4.quant.indicators.windows import blank, scale, typical_prices, window_sums

TA_LIB = "TA-Lib"
SAME_PRICE = 1e-14
"""A change of a sum of prices below this part of it is none: decimals that sum to the same differ in the last bit."""


@indicator(
    "cmf",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 20, 1, 440),),
    outputs=("cmf",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (CMF); Chaikin",
)
def cmf(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Chaikin money flow: ``sum(flow) / sum(volume)`` of ``period`` bars; 0 without volume.

    ``flow = volume ((close - low) - (high - close)) / (high - low)``, 0 for a bar without range. From -1 to 1.
    """
    period = int(params[0])
    spare, flows, total = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    volume = stretch(bars, VOLUME, mask, t0 - (period - 1), t1, spare)
    n: int = money_flows(bars, mask, t0 - (period - 1), t1, flows)
    m: int = window_sums(volume, n, period, total)
    blank(out, 0, t1 - t0 - m)
    value = columns_from(out[0], t1 - t0 - m)
    window_sums(flows, n, period, value)
    quotients(value, total, m, 1.0, 0.0, value)


@indicator(
    "chaikin_oscillator",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("fast", 3, 1, 400), Param("slow", 10, 2, 500)),
    outputs=("chaikin_oscillator",),
    state_size=1 + 2 * AVERAGE_SIZE,
    warm_up=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source=f"{TA_LIB} (ADOSC); Chaikin",
)
def chaikin_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``EMA(A/D line, fast) - EMA(A/D line, slow)``, both from the line's first value. Unit: volume."""
    line, quick, steady = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n = t1 - t0
    money_flows(bars, mask, t0, t1, line)
    state[2 * AVERAGE_SIZE] = run_total(line, n, state[2 * AVERAGE_SIZE], line)
    run_average(line, n, t0, 1, 2.0 / (params[0] + 1.0), state, 0, quick)
    run_average(line, n, t0, 1, 2.0 / (params[1] + 1.0), state, AVERAGE_SIZE, steady)
    first = min(n, max(int(params[1]) - 1 - t0, 0))
    value = out[0]
    for i in range(n):
        value[i] = quick[i] - steady[i]
    blank(out, 0, first)


@indicator(
    "force_index",
    family="volume",
    inputs=(CLOSE, VOLUME),
    params=(Param("period", 13, 1, 500),),
    outputs=("force_index",),
    state_size=AVERAGE_SIZE,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB} (EFI); Elder 1993",
)
def force_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """EMA of ``(close - last close) x volume``, from the mean of its first ``period`` values. Unit: price x volume."""
    period = int(params[0])
    spare_close, spare_volume, forces = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    last_close = stretch(bars, CLOSE, mask, first - 1, t1, spare_close)
    close = columns_from(last_close, 1)
    volume = stretch(bars, VOLUME, mask, first, t1, spare_volume)
    n = t1 - first
    for i in range(n):
        forces[i] = (close[i] - last_close[i]) * volume[i]
    run_average(forces, n, first - 1, period, 2.0 / (period + 1), state, 0, columns_from(out[0], first - t0))
    blank(out, 0, min(t1 - t0, max(period - t0, 0)))


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8), array(f8)), is_inlined=True)
def _split_by_change(
    price: FloatArray, last: FloatArray, volume: FloatArray, n: int, rises: FloatArray, falls: FloatArray
) -> None:
    """``price x volume``, where the price rose and where it fell."""
    apart()
    for i in range(n):
        change, rounding = price[i] - last[i], SAME_PRICE * abs(price[i])
        flow = price[i] * volume[i]
        rises[i] = flow if change > rounding else 0.0
        falls[i] = flow if change < -rounding else 0.0


@indicator(
    "mfi",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 14, 2, 440),),
    outputs=("mfi",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (MFI); Quong and Soudack 1989",
)
def mfi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Money flow index: ``100 rises / (rises + falls)`` of ``typical price x volume`` over ``period`` bars.

    A bar belongs to the rises or falls by the change of its typical price, and to neither without one. A change
    below 1e-14 of the price is none: prices are decimals, and equal sums of them differ in the last bit. 0 without
    rises and falls. Unit: percent.
    """
    period = int(params[0])
    price, spare, rises, falls = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    gains, losses = scratch(SPAN), scratch(SPAN)
    n: int = typical_prices(bars, mask, t0 - period, t1, price)
    volume = stretch(bars, VOLUME, mask, t0 - period, t1, spare)
    _split_by_change(columns_from(price, 1), price, columns_from(volume, 1), n - 1, rises, falls)
    m: int = window_sums(rises, n - 1, period, gains)
    window_sums(falls, n - 1, period, losses)
    blank(out, 0, t1 - t0 - m)
    shares(gains, losses, m, 0.0, columns_from(out[0], t1 - t0 - m))


@indicator(
    "ease_of_movement",
    family="volume",
    inputs=(HIGH, LOW, VOLUME),
    params=(Param("period", 14, 1, 440), Param("divisor", 10000.0, 1.0, 1e12)),
    outputs=("ease_of_movement",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Arms 1996; divisor as TradingView and LEAN",
)
def ease_of_movement(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Mean over ``period`` bars of ``divisor x move x (high - low) / volume``.

    ``move`` is the change of ``(high + low) / 2`` from the bar before. A bar without volume counts as 0. The divisor
    (of the volume) only sets the unit; StockCharts divides by 100,000,000. Unit: price squared over volume.
    """
    period = int(params[0])
    spare_high, spare_low, spare_volume, ease = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    last_high = stretch(bars, HIGH, mask, t0 - period, t1, spare_high)
    last_low = stretch(bars, LOW, mask, t0 - period, t1, spare_low)
    last_volume = stretch(bars, VOLUME, mask, t0 - period, t1, spare_volume)
    high, low, volume = columns_from(last_high, 1), columns_from(last_low, 1), columns_from(last_volume, 1)
    n = len(last_high) - 1
    for i in range(n):
        move = (high[i] - last_high[i]) + (low[i] - last_low[i])
        value = move * (high[i] - low[i]) / (volume[i] if volume[i] > 0.0 else 1.0)
        ease[i] = value if volume[i] > 0.0 else 0.0
    m = max(n - period + 1, 0)
    blank(out, 0, t1 - t0 - m)
    mean = columns_from(out[0], t1 - t0 - m)
    window_sums(ease, n, period, mean)
    scale(mean, m, 0.5 * params[1] / period)


@indicator(
    "market_facilitation_index",
    family="volume",
    inputs=(HIGH, LOW, VOLUME),
    outputs=("market_facilitation_index",),
    state_size=0,
    warm_up=0,
    source=f"{TA_LIB} (MARKETFI); Williams 1995",
)
def market_facilitation_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Range that a unit of volume made: ``(high - low) / volume``; 0 without volume. Unit: price over volume."""
    apart()
    spare_high, spare_low, spare_volume = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    volume = stretch(bars, VOLUME, mask, t0, t1, spare_volume)
    value = out[0]
    for i in range(t1 - t0):
        index = (high[i] - low[i]) / (volume[i] if volume[i] > 0.0 else 1.0)
        value[i] = index if volume[i] > 0.0 else 0.0


# --- Twiggs ------------------------------------------------------------------------------------------------------


@kernel(i8(array(f8, 2), i8, i8, i8, array(f8)), is_inlined=True)
def _true_money_flows(bars: FloatArray, mask: int, first: int, stop: int, into: FloatArray) -> int:
    """Money flows of the bars ``first >= 1 .. stop - 1`` whose range includes the close before; returns how many."""
    spare_high, spare_low, spare_close, spare_volume = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, first, stop, spare_high)
    low = stretch(bars, LOW, mask, first, stop, spare_low)
    last_close = stretch(bars, CLOSE, mask, first - 1, stop, spare_close)
    close = columns_from(last_close, 1)
    volume = stretch(bars, VOLUME, mask, first, stop, spare_volume)
    for i in range(len(high)):
        before, c = last_close[i], close[i]
        top = before if before > high[i] else high[i]
        bottom = before if before < low[i] else low[i]
        width = top - bottom
        flow = volume[i] * ((c - bottom) - (top - c)) / (width if width > 0.0 else 1.0)
        into[i] = flow if width > 0.0 else 0.0
    return len(high)


@indicator(
    "twiggs_money_flow",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("period", 21, 1, 500),),
    outputs=("twiggs_money_flow",),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda period: period,
    lookback=1,
    source="Twiggs, Incredible Charts",
)
def twiggs_money_flow(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Chaikin's flow with true ranges and Wilder's averages: ``average(flow) / average(volume)``; 0 without volume.

    ``flow = volume ((close - low) - (high - close)) / (high - low)``, where high and low are moved to include the
    close before; 0 without range. Both averages weigh a new bar by ``1 / period`` and start from the mean of the first
    ``period`` bars after the first one. From -1 to 1.
    """
    period = int(params[0])
    spare, flows, flow, traded = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    n: int = _true_money_flows(bars, mask, first, t1, flows)
    volume = stretch(bars, VOLUME, mask, first, t1, spare)
    run_average(flows, n, first - 1, period, 1.0 / period, state, 0, flow)
    run_average(volume, n, first - 1, period, 1.0 / period, state, AVERAGE_SIZE, traded)
    quotients(flow, traded, n, 1.0, 0.0, flow)
    put_last(flow, n, min(n, max(t1 - period, 0)), out, 0, t1 - t0)


# --- Klinger -----------------------------------------------------------------------------------------------------


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), i8, array(f8)), is_inlined=True)
def _volume_forces(
    bars: FloatArray, mask: int, first: int, stop: int, state: FloatArray, at: int, into: FloatArray
) -> None:
    """Klinger's volume force of the bars ``first >= 1 .. stop - 1``; the state is the trend and its summed ranges."""
    spare_high, spare_low, spare_close, spare_volume = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    price, width, signs = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    trends, kept, fresh = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, first - 1, stop, spare_high)
    low = stretch(bars, LOW, mask, first - 1, stop, spare_low)
    close = stretch(bars, CLOSE, mask, first - 1, stop, spare_close)
    volume = stretch(bars, VOLUME, mask, first, stop, spare_volume)
    n = stop - first
    for i in range(n + 1):
        price[i] = (high[i] + low[i]) + close[i]
    for i in range(n + 1):
        width[i] = high[i] - low[i]
    now, own = columns_from(price, 1), columns_from(width, 1)
    for i in range(n):
        change, rounding = now[i] - price[i], SAME_PRICE * abs(now[i])
        signs[i] = 1.0 if change > rounding else (-1.0 if change < -rounding else 0.0)
    trend, summed = state[at], state[at + 1]
    if first == 1:
        trend, summed = 0.0, width[0]
    trends[0] = trend
    for i in range(n):
        trend = signs[i] if signs[i] != 0.0 else trend
        trends[i + 1] = trend
    turned = columns_from(trends, 1)
    for i in range(n):
        kept[i] = 1.0 if turned[i] == trends[i] else 0.0
    for i in range(n):
        fresh[i] = own[i] + (0.0 if turned[i] == trends[i] else width[i])
    for i in range(n):  # a product, not a choice: which way the price turns is not to be guessed
        summed = kept[i] * summed + fresh[i]
        into[i] = summed
    state[at], state[at + 1] = trend, summed
    for i in range(n):
        part = 2.0 * own[i] / (into[i] if into[i] > 0.0 else 1.0) - 1.0
        force = 100.0 * turned[i] * volume[i] * abs(part)
        into[i] = force if into[i] > 0.0 else 0.0


@indicator(
    "klinger_oscillator",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    params=(Param("fast", 34, 1, 400), Param("slow", 55, 2, 500), Param("signal", 13, 1, 200)),
    outputs=("klinger_oscillator", "signal"),
    state_size=3 * AVERAGE_SIZE + 2,
    warm_up=lambda slow, signal: slow + signal - 1,
    lookback=1,
    increasing=("fast", "slow"),
    source="Klinger, Identifying Trends with Volume Analysis, Stocks & Commodities 1997",
)
def klinger_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``EMA(force, fast) - EMA(force, slow)`` of the volume force, and its EMA over ``signal``.

    ``force = 100 trend volume |2 range / sum - 1|``: the trend is 1 after a rise of ``high + low + close``, -1 after a
    fall, else (or for a change below 1e-14 of it) as before, and 0 until it first moved; the sum is of the ranges
    ``high - low`` since the bar before the trend turned. A force is 0 where that sum is. Each average starts from the
    mean of its first values; the force begins at the second bar. Unit: volume.
    """
    fast, slow, signal = int(params[0]), int(params[1]), int(params[2])
    forces, quick, steady, smooth = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    n = t1 - first
    if n > 0:
        _volume_forces(bars, mask, first, t1, state, 3 * AVERAGE_SIZE, forces)
    run_average(forces, n, first - 1, fast, 2.0 / (fast + 1), state, 0, quick)
    run_average(forces, n, first - 1, slow, 2.0 / (slow + 1), state, AVERAGE_SIZE, steady)
    for i in range(n):
        forces[i] = quick[i] - steady[i]
    m = min(n, max(t1 - slow, 0))
    oscillator = columns_from(forces, n - m)
    run_average(oscillator, m, t1 - slow - m, signal, 2.0 / (signal + 1), state, 2 * AVERAGE_SIZE, smooth)
    defined = min(m, max(t1 - slow - (signal - 1), 0))
    put_last(oscillator, m, defined, out, 0, t1 - t0)
    put_last(smooth, m, defined, out, 1, t1 - t0)
