"""One price for a bar: the transforms."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel_memory import apart, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, OPEN, SPAN, indicator
from bot4.quant.indicators.windows import typical_prices

TA_LIB = "TA-Lib"


@indicator(
    "average_price",
    family="statistics",
    inputs=(OPEN, HIGH, LOW, CLOSE),
    outputs=("average_price",),
    state_size=0,
    warm_up=0,
    source=f"{TA_LIB} (AVGPRICE)",
)
def average_price(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Mean of the four prices of the bar: ``(open + high + low + close) / 4``."""
    apart()
    spare_open, spare_high = scratch(SPAN), scratch(SPAN)
    spare_low, spare_close = scratch(SPAN), scratch(SPAN)
    open_ = stretch(bars, OPEN, mask, t0, t1, spare_open)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0, t1, spare_close)
    value = out[0]
    for i in range(t1 - t0):
        value[i] = 0.25 * (((high[i] + low[i]) + close[i]) + open_[i])


@indicator(
    "median_price",
    family="statistics",
    inputs=(HIGH, LOW),
    outputs=("median_price",),
    state_size=0,
    warm_up=0,
    source=f"{TA_LIB} (MEDPRICE)",
)
def median_price(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Middle of the bar: ``(high + low) / 2``."""
    apart()
    spare_high, spare_low = scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    value = out[0]
    for i in range(t1 - t0):
        value[i] = 0.5 * (high[i] + low[i])


@indicator(
    "typical_price",
    family="statistics",
    inputs=(HIGH, LOW, CLOSE),
    outputs=("typical_price",),
    state_size=0,
    warm_up=0,
    source=f"{TA_LIB} (TYPPRICE)",
)
def typical_price(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Typical price of the bar: ``(high + low + close) / 3``."""
    typical_prices(bars, mask, t0, t1, out[0])


@indicator(
    "weighted_close",
    family="statistics",
    inputs=(HIGH, LOW, CLOSE),
    outputs=("weighted_close",),
    state_size=0,
    warm_up=0,
    source=f"{TA_LIB} (WCLPRICE)",
)
def weighted_close(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Price of the bar with the close counted twice: ``(high + low + 2 close) / 4``."""
    apart()
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    close = stretch(bars, CLOSE, mask, t0, t1, spare_close)
    value = out[0]
    for i in range(t1 - t0):
        value[i] = 0.25 * ((high[i] + low[i]) + 2.0 * close[i])
