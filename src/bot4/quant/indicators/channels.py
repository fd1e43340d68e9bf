"""Channels about the price: how wide they are is a deviation, a range, or the extremes themselves."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.ranges import average_true_ranges
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator, view
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.windows import (
    blank,
    negate,
    scale,
    typical_prices,
    window_count,
    window_maxima,
    window_moments,
    window_sums,
)

TA_LIB = "TA-Lib"
BANDS = ("upper", "middle", "lower")


@kernel(void(array(f8), array(f8), i8, f8, array(f8, 2), i8))
def put_bands(middle: FloatArray, reach: FloatArray, n: int, factor: float, out: FloatArray, count: int) -> None:
    """``middle -+ factor reach`` of ``n`` bars to the ends of three outputs of ``count`` bars, NaN before them."""
    apart()
    for row in range(3):
        blank(out, row, count - n)
    upper, centre, lower = out[0, count - n : count], out[1, count - n : count], out[2, count - n : count]
    for i in range(n):
        width = factor * reach[i]
        upper[i] = middle[i] + width
        centre[i] = middle[i]
        lower[i] = middle[i] - width


@kernel(void(array(f8, 2), i8, i8, i8, i8, array(f8, 2), i8))
def put_extremes(bars: FloatArray, mask: int, first: int, stop: int, period: int, out: FloatArray, count: int) -> None:
    """Highest high and lowest low of each window in the bars ``first .. stop - 1`` and their middle, to the outputs."""
    apart()
    spare_high, spare_low, negated = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    highest, lowest = scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, first, stop, spare_high)
    low = stretch(bars, LOW, mask, first, stop, spare_low)
    n = window_maxima(high, len(high), period, highest)
    negate(low, negated, len(low))
    window_maxima(negated, len(low), period, lowest)
    for row in range(3):
        blank(out, row, count - n)
    upper, middle, lower = out[0, count - n : count], out[1, count - n : count], out[2, count - n : count]
    for i in range(n):
        upper[i] = highest[i]
        middle[i] = 0.5 * (highest[i] - lowest[i])
        lower[i] = -lowest[i]


@indicator(
    "bollinger",
    family="volatility",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 440), Param("deviations", 2.0, 0.1, 10.0)),
    outputs=(*BANDS, "percent_b", "width"),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (BBANDS); Bollinger, Bollinger on Bollinger Bands 2001",
)
def bollinger(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Bollinger bands: mean of ``period`` closes, and ``deviations`` population standard deviations to both sides.

    ``percent_b = (close - lower) / (upper - lower)``, 0.5 if flat; ``width = (upper - lower) / middle``, 0 if the
    middle is 0. Bands in units of price, the two others are ratios.
    """
    apart()
    period, deviations = int(params[0]), params[1]
    spare, mean, reach = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_moments(close, len(close), period, mean, reach)
    count = t1 - t0
    per_value = 1.0 / period
    for i in range(n):
        mean[i] = per_value * mean[i]
        reach[i] = math.sqrt(per_value * reach[i])
    put_bands(mean, reach, n, deviations, out, count)
    blank(out, 3, count - n)
    blank(out, 4, count - n)
    place, width = out[3, count - n : count], out[4, count - n : count]
    last = columns_from(close, period - 1)
    for i in range(n):
        distance, half = last[i] - mean[i], deviations * reach[i]
        middle = mean[i] if mean[i] != 0.0 else 1.0
        place[i] = 0.5 * (distance / (half if half > 0.0 else 1.0)) + 0.5 if half > 0.0 else 0.5
        width[i] = 2.0 * half / middle if mean[i] != 0.0 else 0.0


view(
    "bollinger_percent_b",
    of="bollinger",
    outputs=("percent_b",),
    warm_up=lambda period: period - 1,
    formula="Where the close lies between the Bollinger bands: ``(close - lower) / (upper - lower)``; 0.5 if flat.",
)
view(
    "bollinger_width",
    of="bollinger",
    outputs=("width",),
    warm_up=lambda period: period - 1,
    formula="Width of the Bollinger bands: ``(upper - lower) / middle``; 0 if the middle is 0.",
)


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), array(f8), i8, i8, array(f8), array(f8, 2)))
def keltner_bands(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    price: FloatArray,
    params: FloatArray,
    price_start: int,
    range_start: int,
    state: FloatArray,
    out: FloatArray,
) -> None:
    """``EMA(price, period) -+ multiplier ATR(atr_period)`` of the block, of which ``price`` is one value a bar.

    The averages start from the means of the first values from bars ``price_start`` and ``range_start`` on.
    """
    period, atr_period, count = int(params[0]), int(params[1]), t1 - t0
    middle, reach = scratch(SPAN), scratch(SPAN)
    first = max(t0, price_start)
    averaged = max(t1 - first, 0)
    fresh = columns_from(price, count - averaged)
    run_average(fresh, averaged, first - price_start, period, 2.0 / (period + 1), state, 0, middle)
    found: int = average_true_ranges(bars, mask, t0, t1, range_start, atr_period, state, AVERAGE_SIZE, reach)
    n = min(count, max(t1 - max(period - 1, atr_period), 0))
    put_bands(columns_from(middle, averaged - n), columns_from(reach, found - n), n, params[2], out, count)


KELTNER = (Param("period", 20, 1, 500), Param("atr_period", 10, 1, 500), Param("multiplier", 2.0, 0.1, 100.0))


@indicator(
    "keltner",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=KELTNER,
    outputs=BANDS,
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda period, atr_period: max(period - 1, atr_period),
    lookback=1,
    source="TradingView Keltner channels (Raschke's form), with the EMA and ATR of TA-Lib",
)
def keltner(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Keltner channel about the close: ``EMA(close, period) -+ multiplier ATR(atr_period)``, in units of price."""
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    keltner_bands(bars, mask, t0, t1, close, params, 0, 1, state, out)


@indicator(
    "keltner_typical",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=KELTNER,
    outputs=BANDS,
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda period, atr_period: max(period - 1, atr_period),
    lookback=1,
    source=f"{TA_LIB} (KC)",
)
def keltner_typical(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Keltner channel about the typical price: ``EMA((high + low + close) / 3, period) -+ multiplier ATR(atr_period)``.

    In units of price. Besides the price it differs from ``keltner`` in its start: both averages start from the means of
    the last ``period`` prices and ``atr_period`` ranges before the first bar at which there are enough of each.
    """
    price = scratch(SPAN)
    typical_prices(bars, mask, t0, t1, price)
    period, atr_period = int(params[0]), int(params[1])
    first = max(period - 1, atr_period)
    keltner_bands(bars, mask, t0, t1, price, params, first - period + 1, first - atr_period + 1, state, out)


@indicator(
    "starc",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 6, 1, 440), Param("atr_period", 15, 1, 500), Param("multiplier", 2.0, 0.1, 100.0)),
    outputs=BANDS,
    state_size=AVERAGE_SIZE,
    warm_up=lambda period, atr_period: max(period - 1, atr_period),
    lookback=lambda period: max(period - 1, 1),
    source="Stoller Average Range Channels, with the ATR of TA-Lib",
)
def starc(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """STARC bands: ``SMA(close, period) -+ multiplier ATR(atr_period)``, in units of price."""
    period, atr_period, count = int(params[0]), int(params[1]), t1 - t0
    spare, mean, reach = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    averaged: int = window_sums(close, len(close), period, mean)
    scale(mean, averaged, 1.0 / period)
    found: int = average_true_ranges(bars, mask, t0, t1, 1, atr_period, state, 0, reach)
    n = min(count, max(t1 - max(period - 1, atr_period), 0))
    put_bands(columns_from(mean, averaged - n), columns_from(reach, found - n), n, params[2], out, count)


@indicator(
    "donchian",
    family="volatility",
    inputs=(HIGH, LOW),
    params=(Param("period", 20, 1, 440),),
    outputs=BANDS,
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (DONCHIAN); Donchian",
)
def donchian(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Highest high and lowest low of the last ``period`` bars, this one included, and the middle between them."""
    period = int(params[0])
    put_extremes(bars, mask, t0 - (period - 1), t1, period, out, t1 - t0)


@indicator(
    "price_channel",
    family="volatility",
    inputs=(HIGH, LOW),
    params=(Param("period", 20, 1, 440),),
    outputs=BANDS,
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="StockCharts price channels; Donchian's rule of four weeks",
)
def price_channel(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Highest high and lowest low of the ``period`` bars before this one, and the middle between them.

    As ``donchian`` one bar ago, so that a close can break out of it. Units of price.
    """
    period = int(params[0])
    put_extremes(bars, mask, t0 - period, t1 - 1, period, out, t1 - t0)


@indicator(
    "acceleration_bands",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 20, 1, 440),),
    outputs=BANDS,
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (ACCBANDS); Headley, Big Trends in Trading 2002",
)
def acceleration_bands(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Acceleration bands: means of ``period`` bars of ``high (1 + r)``, of the close, and of ``low (1 - r)``.

    ``r = 4 (high - low) / (high + low)``, 0 if the sum is 0. Units of price.
    """
    period, count = int(params[0]), t1 - t0
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    upper, lower = scratch(SPAN), scratch(SPAN)
    first = t0 - (period - 1)
    high = stretch(bars, HIGH, mask, first, t1, spare_high)
    low = stretch(bars, LOW, mask, first, t1, spare_low)
    close = stretch(bars, CLOSE, mask, first, t1, spare_close)
    for i in range(len(close)):
        total = high[i] + low[i]
        share = 4.0 * (high[i] - low[i]) / (total if total != 0.0 else 1.0) if total != 0.0 else 0.0
        upper[i] = high[i] * (1.0 + share)
        lower[i] = low[i] * (1.0 - share)
    n = window_count(close, period)
    for row in range(3):
        band = out[row, count - n : count]
        blank(out, row, count - n)
        window_sums(upper if row == 0 else (close if row == 1 else lower), len(close), period, band)
        scale(band, n, 1.0 / period)


__all__ = ["put_bands"]
