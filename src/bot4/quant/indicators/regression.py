"""The straight line through the last closes, by least squares."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from, scratch, stretch
from bot4.quant.indicators.averages import add_scaled
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator
from bot4.quant.indicators.windows import blank, window_count, window_lines, window_moments

TA_LIB = "TA-Lib"
DEGREES = 180.0 / math.pi
QUARTER, EIGHTH = math.pi / 2.0, math.pi / 4.0
STEEP, FLAT = 2.41421356237309504880, 0.66

P0, P1, P2 = -8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1
P3, P4 = -1.228866684490136173410e2, -6.485021904942025371773e1
Q0, Q1, Q2 = 2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2
Q3, Q4 = 4.853903996359136964868e2, 1.945506571482613964425e2


@kernel(f8(f8), is_inlined=True)
def _spread(period: float) -> float:
    """``sum (k - mean k)^2`` of the places ``k`` in a window."""
    return period * (period * period - 1.0) / 12.0


@kernel(void(array(f8, 2), i8, i8, i8, i8, f8, array(f8, 2)))
def _place_line(bars: FloatArray, mask: int, t0: int, t1: int, period: int, ahead: float, out: FloatArray) -> None:
    """Where the lines stand ``ahead`` bars after the middles of their windows, in the output."""
    spare, sums = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    line = columns_from(out[0], t1 - t0 - n)
    window_lines(close, len(close), period, sums, line)
    add_scaled(sums, 1.0 / period, ahead / _spread(period), n, line)


@kernel(i8(array(f8, 2), i8, i8, i8, i8, array(f8, 2)))
def _place_slopes(bars: FloatArray, mask: int, t0: int, t1: int, period: int, out: FloatArray) -> int:
    """Slopes of the lines, in the output; returns how many."""
    spare, sums = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n: int = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    slope = columns_from(out[0], t1 - t0 - n)
    window_lines(close, len(close), period, sums, slope)
    factor = 1.0 / _spread(period)
    for i in range(n):
        slope[i] = factor * slope[i]
    return n


@indicator(
    "linear_regression",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 440),),
    outputs=("linear_regression",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def linear_regression(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Where the least-squares line through the last ``period`` closes ends, at this bar; a price.

    ``mean + slope (period - 1) / 2``. Also known as the least-squares moving average.
    """
    _place_line(bars, mask, t0, t1, int(params[0]), 0.5 * (params[0] - 1.0), out)


@indicator(
    "linear_regression_intercept",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 440),),
    outputs=("intercept",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def linear_regression_intercept(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Where the least-squares line through the last ``period`` closes begins, at the oldest of them; a price.

    ``mean - slope (period - 1) / 2``.
    """
    _place_line(bars, mask, t0, t1, int(params[0]), -0.5 * (params[0] - 1.0), out)


@indicator(
    "linear_regression_forecast",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 440),),
    outputs=("forecast",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="TA-Lib TSF",
)
def linear_regression_forecast(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Where the least-squares line through the last ``period`` closes will be at the next bar; a price.

    ``mean + slope (period + 1) / 2``, the time series forecast.
    """
    _place_line(bars, mask, t0, t1, int(params[0]), 0.5 * (params[0] + 1.0), out)


@indicator(
    "linear_regression_slope",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 440),),
    outputs=("slope",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def linear_regression_slope(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Slope, in price per bar, of the least-squares line through the last ``period`` closes.

    ``sum (k - mean k)(close_k - mean close) / sum (k - mean k)^2`` over the places ``k`` of the closes.
    """
    _place_slopes(bars, mask, t0, t1, int(params[0]), out)


@kernel(void(array(f8), i8))
def _to_degrees(slopes: FloatArray, n: int) -> None:
    """The arctangents of slopes in degrees, in place: Moshier's rational function, without a branch, for many at once.

    Cephes Mathematical Library, atan: within 2e-16 of the whole range. The library's own takes four times as long.
    """
    for i in range(n):
        x = abs(slopes[i])
        is_steep, is_flat = x > STEEP, x <= FLAT
        over = -1.0 if is_steep else (x if is_flat else x - 1.0)
        under = x if is_steep else (1.0 if is_flat else x + 1.0)
        base = QUARTER if is_steep else (0.0 if is_flat else EIGHTH)
        r = over / under
        z = r * r
        top = (((P0 * z + P1) * z + P2) * z + P3) * z + P4
        bottom = ((((z + Q0) * z + Q1) * z + Q2) * z + Q3) * z + Q4
        angle = base + (r * (z * top / bottom) + r)
        slopes[i] = DEGREES * (angle if slopes[i] >= 0.0 else -angle)


@indicator(
    "linear_regression_angle",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 440),),
    outputs=("angle",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=TA_LIB,
)
def linear_regression_angle(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Angle, in degrees, of the least-squares line through the last ``period`` closes: the arctangent of its slope.

    A price unit is drawn as long as a bar, so the angle depends on the unit of the price.
    """
    n = _place_slopes(bars, mask, t0, t1, int(params[0]), out)
    _to_degrees(columns_from(out[0], t1 - t0 - n), n)


@indicator(
    "linear_regression_r2",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 440),),
    outputs=("r2",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="coefficient of determination of simple linear regression",
)
def linear_regression_r2(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Share of the variance of the last ``period`` closes that their least-squares line explains; 0 if flat."""
    period = int(params[0])
    spare, sums, tilts = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    r2 = columns_from(out[0], t1 - t0 - n)
    window_lines(close, len(close), period, sums, tilts)
    window_moments(close, len(close), period, sums, r2)
    spread = _spread(period)
    for i in range(n):
        share = tilts[i] * tilts[i] / (spread * r2[i]) if r2[i] > 0.0 else 0.0
        r2[i] = share if share < 1.0 else 1.0


@indicator(
    "linear_regression_error",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 20, 3, 440),),
    outputs=("standard_error",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="standard error of the estimate of simple linear regression",
)
def linear_regression_error(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Standard error of the least-squares line through the last ``period`` closes; a price.

    ``sqrt(sum (close - line)^2 / (period - 2))``.
    """
    period = int(params[0])
    spare, sums, tilts = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    error = columns_from(out[0], t1 - t0 - n)
    window_lines(close, len(close), period, sums, tilts)
    window_moments(close, len(close), period, sums, error)
    per_spread, per_freedom = 1.0 / _spread(period), 1.0 / (period - 2)
    for i in range(n):
        rest = error[i] - per_spread * (tilts[i] * tilts[i])
        error[i] = math.sqrt(per_freedom * rest) if rest > 0.0 else 0.0
