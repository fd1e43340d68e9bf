"""Measures of how troubled the price is: its falls from its peak, on which side it varies, and against its past."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.estimators import recalled_log_ratios
from bot4.quant.indicators.ranking import count_below
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, recall, remember, run_average
from bot4.quant.indicators.windows import blank, window_maxima, window_moments, window_sums

TA_LIB = "TA-Lib"
LESS = 1.0 - 1e-12


@indicator(
    "ulcer_index",
    family="volatility",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 220),),
    outputs=("ulcer_index",),
    state_size=0,
    warm_up=lambda period: 2 * (period - 1),
    lookback=lambda period: 2 * (period - 1),
    source="Martin and McCann, The Investor's Guide to Fidelity Funds 1989",
)
def ulcer_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Ulcer index: root mean square, over ``period`` bars, of the fall of the close from its peak, in percent.

    The fall is ``100 (close / peak - 1)`` from the highest close of the ``period`` bars up to that bar, 0 if that is 0.
    """
    period, count = int(params[0]), t1 - t0
    spare, peaks, squares = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - 2 * (period - 1), t1, spare)
    found = window_maxima(close, len(close), period, peaks)
    last = columns_from(close, period - 1)
    for i in range(found):
        peak = peaks[i] if peaks[i] != 0.0 else 1.0
        fall = 100.0 * ((last[i] - peaks[i]) / peak) if peaks[i] != 0.0 else 0.0
        squares[i] = fall * fall
    n = max(found - period + 1, 0)
    blank(out, 0, count - n)
    value = out[0, count - n : count]
    window_sums(squares, found, period, value)
    per_bar = 1.0 / period
    for i in range(n):
        value[i] = math.sqrt(per_bar * value[i])


@indicator(
    "relative_volatility_index",
    family="volatility",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 500), Param("deviation_period", 10, 2, 440)),
    outputs=("relative_volatility_index",),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda period, deviation_period: period + deviation_period - 2,
    lookback=lambda deviation_period: deviation_period - 1,
    source=f"{TA_LIB} (RVI); Dorsey, The Relative Volatility Index, Stocks & Commodities 1993",
)
def relative_volatility_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Relative volatility index: the part of the deviation that came with rising closes, in percent; 50 if none.

    ``100 U / (U + D)``: Wilder averages over ``period`` bars of the population standard deviation of
    ``deviation_period`` closes, counted in ``U`` where the close rose, in ``D`` where it fell, and in neither where it
    stood.
    """
    apart()
    period, width, count = int(params[0]), int(params[1]), t1 - t0
    spare, sums, deviations = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    rising, falling, up, down = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (width - 1), t1, spare)
    n = window_moments(close, len(close), width, sums, deviations)
    last, before = columns_from(close, width - 1), columns_from(close, width - 2)
    per_value = 1.0 / width
    for i in range(n):
        deviation = math.sqrt(per_value * deviations[i])
        rising[i] = deviation if last[i] > before[i] else 0.0
        falling[i] = deviation if last[i] < before[i] else 0.0
    age = t1 - n - (width - 1)
    run_average(rising, n, age, period, 1.0 / period, state, 0, up)
    run_average(falling, n, age, period, 1.0 / period, state, AVERAGE_SIZE, down)
    ripe = min(n, max(age + n - (period - 1), 0))
    blank(out, 0, count - ripe)
    value, of_up, of_down = out[0, count - ripe : count], columns_from(up, n - ripe), columns_from(down, n - ripe)
    for i in range(ripe):
        whole = of_up[i] + of_down[i]
        value[i] = 100.0 * (of_up[i] / (whole if whole > 0.0 else 1.0)) if whole > 0.0 else 50.0


@indicator(
    "historical_volatility_percentile",
    family="volatility",
    inputs=(CLOSE,),
    params=(Param("period", 21, 2, 440), Param("history", 252, 1, 440)),
    outputs=("historical_volatility_percentile",),
    state_size=lambda period, history: period - 1 + history,
    warm_up=lambda period, history: period + history,
    lookback=1,
    source="historical volatility percentile of TradingView",
)
def historical_volatility_percentile(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Percent of the last ``history`` values of ``close_to_close(period)``, before this one, that were below it.

    Below by more than rounding: its square by more than a part in 10^12.
    """
    period, history, count = int(params[0]), int(params[1]), t1 - t0
    series, sums, squares, past = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    found: int = recalled_log_ratios(bars, mask, t0, t1, CLOSE, CLOSE, period - 1, state, 0, series)
    fresh: int = window_moments(series, found, period, sums, squares)
    kept: int = recall(state, period - 1, history, t1 - fresh - period, past)
    added = columns_from(past, kept)
    for i in range(fresh):
        added[i] = squares[i]
    n = max(kept + fresh - history, 0)
    blank(out, 0, count - n)
    value = out[0, count - n : count]
    for i in range(n):
        below = count_below(columns_from(past, i), history, LESS * past[i + history])
        value[i] = 100.0 * (below / history)
    remember(past, kept + fresh, state, period - 1, history)
