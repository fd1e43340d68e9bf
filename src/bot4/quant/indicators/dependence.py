"""How one series moves with another, or with its own past."""

from __future__ import annotations

import math

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.comoments import window_comoments
from bot4.quant.indicators.estimators import recalled_log_ratios
from bot4.quant.indicators.registry import (
    CLOSE,
    HIGH,
    LOW,
    MAX_LOOKBACK,
    OPEN,
    SPAN,
    VOLUME,
    Param,
    indicator,
)
from bot4.quant.indicators.returns import simple_returns
from bot4.quant.indicators.windows import blank, scale, window_moments, window_sums

TA_LIB = "TA-Lib"
ROWS = (OPEN, HIGH, LOW, CLOSE, VOLUME)
LN = np.array([0.0, *(math.log(k) for k in range(1, MAX_LOOKBACK + 1))])


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)))
def put_correlations(
    products: FloatArray, squares_x: FloatArray, squares_y: FloatArray, n: int, out: FloatArray
) -> None:
    """``C / sqrt(Qx Qy)`` within -1 .. 1; 0 where either stands still."""
    apart()
    for i in range(n):
        both = math.sqrt(squares_x[i] * squares_y[i])
        ratio = products[i] / (both if both > 0.0 else 1.0)
        at_most = ratio if ratio < 1.0 else 1.0
        bounded = at_most if at_most > -1.0 else -1.0
        out[i] = bounded if both > 0.0 else 0.0


@kernel(void(array(f8, 2), i8, i8, i8, i8, i8, i8, array(f8, 2)))
def correlate_rows(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, first: int, second: int, out: FloatArray
) -> None:
    """Correlation of two rows over the windows that end at the bars ``t0 .. t1 - 1``."""
    spare_x, spare_y, sums = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    squares_x, squares_y, products = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    x = stretch(bars, first, mask, t0 - (period - 1), t1, spare_x)
    y = stretch(bars, second, mask, t0 - (period - 1), t1, spare_y)
    n: int = window_comoments(x, y, len(x), period, products)
    window_moments(x, len(x), period, sums, squares_x)
    window_moments(y, len(y), period, sums, squares_y)
    blank(out, 0, t1 - t0 - n)
    put_correlations(products, squares_x, squares_y, n, out[0, t1 - t0 - n : t1 - t0])


@indicator(
    "correlation",
    family="statistics",
    inputs=(HIGH, LOW),
    params=(Param("period", 30, 2, 440),),
    outputs=("correlation",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (CORREL); Pearson",
)
def correlation(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Pearson's correlation of highs and lows over ``period`` bars, from -1 to 1; 0 if either stands still.

    ``sum (x - mean x)(y - mean y) / sqrt(sum (x - mean x)^2 sum (y - mean y)^2)``; high and low are TA-Lib's inputs.
    """
    correlate_rows(bars, mask, t0, t1, int(params[0]), HIGH, LOW, out)


@indicator(
    "correlation_of_columns",
    family="statistics",
    inputs=ROWS,
    params=(Param("period", 30, 2, 440), Param("first", CLOSE, 0, 4), Param("second", VOLUME, 0, 4)),
    outputs=("correlation_of_columns",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (CORREL); Pearson",
)
def correlation_of_columns(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Pearson's correlation of two columns over ``period`` bars, from -1 to 1; 0 if either stands still.

    As ``correlation``; ``first`` and ``second`` are 0 open, 1 high, 2 low, 3 close, 4 volume.
    """
    correlate_rows(bars, mask, t0, t1, int(params[0]), int(params[1]), int(params[2]), out)


@kernel(void(array(f8, 2), i8, i8, i8, i8, i8, i8, array(f8, 2)))
def regress_rows(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, first: int, second: int, out: FloatArray
) -> None:
    """Slope of the returns of the second row over those of the first, of the windows that end at ``t0 .. t1 - 1``."""
    spare_x, spare_y, sums = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    x, y, squares, products = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    prices_x = stretch(bars, first, mask, t0 - period, t1, spare_x)
    prices_y = stretch(bars, second, mask, t0 - period, t1, spare_y)
    found: int = simple_returns(prices_x, len(prices_x), x)
    simple_returns(prices_y, len(prices_y), y)
    n: int = window_comoments(x, y, found, period, products)
    window_moments(x, found, period, sums, squares)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    for i in range(n):
        divisor = squares[i] if squares[i] > 0.0 else 1.0
        value[i] = products[i] / divisor if squares[i] > 0.0 else 0.0


@indicator(
    "beta",
    family="statistics",
    inputs=(HIGH, LOW),
    params=(Param("period", 5, 2, 440),),
    outputs=("beta",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (BETA)",
)
def beta(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Slope of the line through the returns of highs and lows: how far the low moves when the high moves by one.

    ``sum (x - mean x)(y - mean y) / sum (x - mean x)^2`` over ``period`` returns ``x`` of the high and ``y`` of the
    low, each ``value / last value - 1`` (0 after a 0); 0 if all ``x`` are equal. High and low are TA-Lib's inputs.
    """
    regress_rows(bars, mask, t0, t1, int(params[0]), HIGH, LOW, out)


@indicator(
    "beta_of_columns",
    family="statistics",
    inputs=ROWS,
    params=(Param("period", 30, 2, 440), Param("first", VOLUME, 0, 4), Param("second", CLOSE, 0, 4)),
    outputs=("beta_of_columns",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (BETA)",
)
def beta_of_columns(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Slope of the returns of a column over those of another: how far the second moves when the first moves by one.

    As ``beta``; ``first`` and ``second`` are 0 open, 1 high, 2 low, 3 close, 4 volume.
    """
    regress_rows(bars, mask, t0, t1, int(params[0]), int(params[1]), int(params[2]), out)


@indicator(
    "autocorrelation",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("period", 50, 2, 400), Param("lag", 1, 1, 200)),
    outputs=("autocorrelation",),
    state_size=0,
    warm_up=lambda period, lag: period + lag,
    lookback=lambda period, lag: period + lag,
    source="Pearson's correlation of the returns with themselves, as Series.autocorr of pandas",
)
def autocorrelation(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Correlation of the last ``period`` returns with the ``period`` returns that ended ``lag`` bars before.

    Returns are ``close / last close - 1``. From -1 to 1; above 0 where moves go on, below 0 where they turn back; 0 if
    either stands still.
    """
    period, lag = int(params[0]), int(params[1])
    spare, returns, sums = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    squares, products = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period - lag, t1, spare)
    found: int = simple_returns(close, len(close), returns)
    n: int = window_comoments(returns, columns_from(returns, lag), found - lag, period, products)
    window_moments(returns, found, period, sums, squares)
    blank(out, 0, t1 - t0 - n)
    put_correlations(products, squares, columns_from(squares, lag), n, out[0, t1 - t0 - n : t1 - t0])


@indicator(
    "variance_ratio",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("lag", 2, 2, 200), Param("period", 100, 4, 440)),
    outputs=("variance_ratio",),
    state_size=lambda period: period - 1,
    warm_up=lambda period: period,
    lookback=1,
    source="Lo and MacKinlay, Stock Market Prices Do Not Follow Random Walks 1988",
    increasing=("lag", "period"),
)
def variance_ratio(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Variance of log returns over ``lag`` bars, by ``lag`` times that over one: 1 for a random walk, more for a trend.

    Of the last ``period`` log returns, with the unbiased estimators of Lo and MacKinlay: ``V1 = sum (r - m)^2 / (period
    - 1)`` with their mean ``m``; ``Vq = sum (s - q m)^2 / (q (period - q + 1)(1 - q / period))`` with all overlapping
    sums ``s`` of ``q = lag`` returns; the ratio is ``Vq / V1``, 1 if the close stands still.
    """
    lag, period = int(params[0]), int(params[1])
    returns, sums, squares = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    longer, totals, spreads = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    found: int = recalled_log_ratios(bars, mask, t0, t1, CLOSE, CLOSE, period - 1, state, 0, returns)
    n: int = window_moments(returns, found, period, sums, squares)
    n_longer: int = window_sums(returns, found, lag, longer)
    width = period - lag + 1
    window_moments(longer, n_longer, width, totals, spreads)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    factor = (period - 1.0) / (lag * width * (1.0 - lag / period))
    drift, per_sum = float(lag) / period, 1.0 / width
    for i in range(n):
        distance = per_sum * totals[i] - drift * sums[i]
        about = spreads[i] + width * (distance * distance)
        value[i] = factor * (about / (squares[i] if squares[i] > 0.0 else 1.0)) if squares[i] > 0.0 else 1.0


@kernel(void(array(f8), array(f8), i8, f8, array(f8)))
def add_growth(squares: FloatArray, base: FloatArray, n: int, weight: float, to: FloatArray) -> None:
    """Add ``weight ln(squares / base)``; NaN, to stay, where either stands still."""
    for i in range(n):
        ratio = squares[i] / base[i] if squares[i] > 0.0 and base[i] > 0.0 else -1.0
        to[i] += weight * math.log(ratio) if ratio > 0.0 else math.nan


@indicator(
    "hurst",
    family="statistics",
    inputs=(CLOSE,),
    params=(Param("max_lag", 20, 3, 100), Param("period", 100, 5, 440)),
    outputs=("hurst",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="the recorded values of LEAN's HurstExponent; Hurst 1951",
    increasing=("max_lag", "period"),
)
def hurst(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Hurst exponent of the last ``period`` closes: 0.5 for a random walk, more for a trend, less where it turns back.

    Least-squares slope of ``ln`` of the standard deviation of ``close - close lag bars ago`` over ``ln lag``, for the
    lags ``2 .. max_lag``, each with all differences within the window. 0.5 where, at some lag, they are all equal.
    """
    max_lag, period = int(params[0]), int(params[1])
    spare, steps, sums = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    base, squares, slopes = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = max(len(close) - period + 1, 0)
    count, centre, spread = max_lag - 1, 0.0, 0.0
    for lag in range(2, max_lag + 1):
        centre += LN[lag] / count
    for lag in range(2, max_lag + 1):
        spread += (LN[lag] - centre) * (LN[lag] - centre)
    for i in range(n):
        slopes[i] = 0.0
    for lag in range(2, max_lag + 1 if n > 0 else 2):
        later = columns_from(close, lag)
        for i in range(len(close) - lag):
            steps[i] = later[i] - close[i]
        window_moments(steps, len(close) - lag, period - lag, sums, base if lag == 2 else squares)
        if lag == 2:
            scale(base, n, 1.0 / (period - 2.0))
        else:
            scale(squares, n, 1.0 / (period - lag))
            add_growth(squares, base, n, 0.5 * (LN[lag] - centre) / spread, slopes)
    blank(out, 0, t1 - t0 - n)
    value = out[0, t1 - t0 - n : t1 - t0]
    for i in range(n):
        value[i] = slopes[i] if slopes[i] == slopes[i] else 0.5


__all__ = ["put_correlations"]
