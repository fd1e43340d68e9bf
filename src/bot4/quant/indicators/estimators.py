"""Estimators of volatility: the standard deviation of log returns, from closes alone or from whole bars.

Each keeps the logarithms of its window in its state, so that a new bar takes those of its own prices only.
``periods_a_year`` of 0 leaves the volatility per bar; otherwise it is multiplied by the root of that number. A
logarithm of a price that is not positive counts as 0.
"""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, OPEN, SPAN, Param, indicator
from bot4.quant.indicators.returns import log_ratio, log_ratios
from bot4.quant.indicators.running import recall, remember
from bot4.quant.indicators.windows import blank, window_moments, window_sums

ANNUAL = Param("periods_a_year", 0.0, 0.0, 1e9)
FOUR_LN_2 = 4.0 * math.log(2.0)
TWO_LN_2_LESS_1 = 2.0 * math.log(2.0) - 1.0


@kernel(void(array(f8), i8, f8, f8, array(f8, 2), i8))
def put_volatility(
    variances: FloatArray, n: int, factor: float, periods_a_year: float, out: FloatArray, count: int
) -> None:
    """``sqrt(factor variance)``, a year's if asked for, to the end of an output of ``count`` bars, NaN before."""
    apart()
    blank(out, 0, count - n)
    value = out[0, count - n : count]
    annual = factor * (periods_a_year if periods_a_year > 0.0 else 1.0)
    for i in range(n):
        scaled = annual * variances[i]
        value[i] = math.sqrt(scaled) if scaled > 0.0 else 0.0


@kernel(i8(array(f8, 2), i8, i8, i8, i8, i8, i8, array(f8), i8, array(f8)))
def recalled_log_ratios(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    over: int,
    under: int,
    size: int,
    state: FloatArray,
    at: int,
    out: FloatArray,
) -> int:
    """``ln(row over / row under of lag bars ago)`` of the last ``size`` bars and the block's; how many.

    The lag is one bar if ``under`` is the close. State: ``size`` values.
    """
    spare_over, spare_under = scratch(SPAN), scratch(SPAN)
    lag = 1 if under == CLOSE else 0
    first = max(t0, lag)
    kept: int = recall(state, at, size, first - lag, out)
    a = stretch(bars, over, mask, first, t1, spare_over)
    b = stretch(bars, under, mask, first - lag, t1 - lag, spare_under)
    n = max(t1 - first, 0)
    log_ratios(a, b, n, columns_from(out, kept))
    remember(out, kept + n, state, at, size)
    return kept + n


@indicator(
    "close_to_close",
    family="volatility",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 440), ANNUAL),
    outputs=("close_to_close",),
    state_size=lambda period: period - 1,
    warm_up=lambda period: period,
    lookback=1,
    source="historical volatility; Hull, Options, Futures and Other Derivatives",
)
def close_to_close(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Historical volatility: sample standard deviation of ``period`` log returns ``r = ln(close / last close)``.

    ``sqrt(sum (r - mean r)^2 / (period - 1))``, times ``sqrt(periods_a_year)`` unless that is 0. A ratio, 0.01 being
    1%.
    """
    period = int(params[0])
    series, sums, squares = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = recalled_log_ratios(bars, mask, t0, t1, CLOSE, CLOSE, period - 1, state, 0, series)
    n = window_moments(series, n, period, sums, squares)
    put_volatility(squares, n, 1.0 / (period - 1), params[1], out, t1 - t0)


@indicator(
    "parkinson",
    family="volatility",
    inputs=(HIGH, LOW),
    params=(Param("period", 20, 1, 440), ANNUAL),
    outputs=("parkinson",),
    state_size=lambda period: period - 1,
    warm_up=lambda period: period - 1,
    source="Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return 1980",
)
def parkinson(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Parkinson's volatility, from the ranges of ``period`` bars: ``sqrt(sum ln(high / low)^2 / (4 ln 2 period))``.

    Times ``sqrt(periods_a_year)`` unless that is 0. A ratio.
    """
    period, size = int(params[0]), int(params[0]) - 1
    spare_high, spare_low, terms, sums = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    kept: int = recall(state, 0, size, t0, terms)
    fresh = columns_from(terms, kept)
    for i in range(t1 - t0):
        reach = log_ratio(high[i], low[i])
        fresh[i] = reach * reach
    remember(terms, kept + t1 - t0, state, 0, size)
    n: int = window_sums(terms, kept + t1 - t0, period, sums)
    put_volatility(sums, n, 1.0 / (FOUR_LN_2 * period), params[1], out, t1 - t0)


@indicator(
    "garman_klass",
    family="volatility",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    params=(Param("period", 20, 1, 440), ANNUAL),
    outputs=("garman_klass",),
    state_size=lambda period: period - 1,
    warm_up=lambda period: period - 1,
    source="Garman and Klass, On the Estimation of Security Price Volatilities from Historical Data 1980",
)
def garman_klass(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Garman and Klass's volatility: root of the mean of ``ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2``.

    Over ``period`` bars, times ``sqrt(periods_a_year)`` unless that is 0. A ratio. 0 where the mean is negative, which
    needs closes outside their bars.
    """
    period, size = int(params[0]), int(params[0]) - 1
    spare_open, spare_high, spare_low = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    spare_close, terms, sums = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    open_ = stretch(bars, OPEN, mask, t0, t1, spare_open)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0, t1, spare_close)
    kept: int = recall(state, 0, size, t0, terms)
    fresh = columns_from(terms, kept)
    for i in range(t1 - t0):
        reach, move = log_ratio(high[i], low[i]), log_ratio(close[i], open_[i])
        fresh[i] = 0.5 * (reach * reach) - TWO_LN_2_LESS_1 * (move * move)
    remember(terms, kept + t1 - t0, state, 0, size)
    n: int = window_sums(terms, kept + t1 - t0, period, sums)
    put_volatility(sums, n, 1.0 / period, params[1], out, t1 - t0)


@kernel(i8(array(f8, 2), i8, i8, i8, i8, array(f8), i8, array(f8)))
def drift_free_terms(
    bars: FloatArray, mask: int, t0: int, t1: int, size: int, state: FloatArray, at: int, terms: FloatArray
) -> int:
    """``ln(h/o) ln(h/c) + ln(l/o) ln(l/c)`` of the last ``size`` bars and the block's; how many. State: ``size``."""
    spare_open, spare_high = scratch(SPAN), scratch(SPAN)
    spare_low, spare_close = scratch(SPAN), scratch(SPAN)
    open_ = stretch(bars, OPEN, mask, t0, t1, spare_open)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0, t1, spare_close)
    kept: int = recall(state, at, size, t0, terms)
    fresh = columns_from(terms, kept)
    for i in range(t1 - t0):
        top, bottom = log_ratio(high[i], open_[i]), log_ratio(low[i], open_[i])
        move = log_ratio(close[i], open_[i])
        fresh[i] = top * (top - move) + bottom * (bottom - move)
    remember(terms, kept + t1 - t0, state, at, size)
    return kept + t1 - t0


@indicator(
    "rogers_satchell",
    family="volatility",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    params=(Param("period", 20, 1, 440), ANNUAL),
    outputs=("rogers_satchell",),
    state_size=lambda period: period - 1,
    warm_up=lambda period: period - 1,
    source="Rogers and Satchell, Estimating Variance from High, Low and Closing Prices 1991",
)
def rogers_satchell(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Rogers and Satchell's volatility, right whatever the drift: root of a mean over ``period`` bars.

    Of ``ln(high / open) ln(high / close) + ln(low / open) ln(low / close)``, times ``sqrt(periods_a_year)`` unless that
    is 0. A ratio. 0 where the mean is negative, which needs prices outside their bars.
    """
    period = int(params[0])
    terms, sums = scratch(SPAN), scratch(SPAN)
    n: int = drift_free_terms(bars, mask, t0, t1, period - 1, state, 0, terms)
    n = window_sums(terms, n, period, sums)
    put_volatility(sums, n, 1.0 / period, params[1], out, t1 - t0)


@indicator(
    "yang_zhang",
    family="volatility",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    params=(Param("period", 20, 2, 440), ANNUAL),
    outputs=("yang_zhang",),
    state_size=lambda period: 3 * (period - 1),
    warm_up=lambda period: period,
    lookback=1,
    source="Yang and Zhang, Drift-Independent Volatility Estimation Based on High, Low, Open and Close Prices 2000",
)
def yang_zhang(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Yang and Zhang's volatility, for gaps and drift: ``sqrt(V_o + k V_c + (1 - k) V_rs)`` of ``period`` bars.

    ``V_o`` and ``V_c`` are the sample variances of ``ln(open / last close)`` and ``ln(close / open)``, ``V_rs`` the
    variance of ``rogers_satchell``; ``k = 0.34 / (1.34 + (period + 1) / (period - 1))``. Times ``sqrt(periods_a_year)``
    unless that is 0. A ratio.
    """
    period, size = int(params[0]), int(params[0]) - 1
    gaps, moves, terms = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    sums, overnight, daily, within = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = recalled_log_ratios(bars, mask, t0, t1, OPEN, CLOSE, size, state, 0, gaps)
    n = window_moments(gaps, n, period, sums, overnight)
    n_moves: int = recalled_log_ratios(bars, mask, t0, t1, CLOSE, OPEN, size, state, size, moves)
    n_moves = window_moments(moves, n_moves, period, sums, daily)
    n_terms: int = drift_free_terms(bars, mask, t0, t1, size, state, 2 * size, terms)
    n_terms = window_sums(terms, n_terms, period, within)
    k = 0.34 / (1.34 + (period + 1.0) / (period - 1.0))
    of_moves, of_terms = columns_from(daily, n_moves - n), columns_from(within, n_terms - n)
    per_sample, per_bar = 1.0 / (period - 1), 1.0 / period
    for i in range(n):
        sums[i] = per_sample * overnight[i] + k * per_sample * of_moves[i] + (1.0 - k) * per_bar * of_terms[i]
    put_volatility(sums, n, 1.0, params[1], out, t1 - t0)


__all__ = ["recalled_log_ratios"]
