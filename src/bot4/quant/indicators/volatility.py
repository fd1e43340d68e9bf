"""How far the price moves, and the channels drawn from it."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, Param, indicator
from bot4.quant.indicators.rolling import NAN, seeded_average, true_range_at

TA_LIB = "TA-Lib 0.6"


@indicator(
    "atr",
    family="volatility",
    inputs=(HIGH, LOW, CLOSE),
    params=(Param("period", 14, 1, 500),),
    outputs=("atr",),
    state_size=1,
    warm_up=lambda period: period,
    lookback=1,
    source=TA_LIB,
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
