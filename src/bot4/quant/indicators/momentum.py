"""How fast the price moves, and how far into its range."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.registry import CLOSE, Param, indicator
from bot4.quant.indicators.rolling import NAN, seeded_average

TA_LIB = "TA-Lib 0.6"


@indicator(
    "rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 500),),
    outputs=("rsi",),
    state_size=2,
    warm_up=lambda period: period,
    lookback=1,
    source=TA_LIB,
)
def rsi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 gain / (gain + loss)``, Wilder averages of rises and falls of the close; 0 if it never moved."""
    period = int(params[0])
    alpha = 1.0 / period
    gain = state[0]
    loss = state[1]
    for t in range(t0, t1):
        change = bars[CLOSE, t & mask] - bars[CLOSE, (t - 1) & mask] if t > 0 else 0.0
        if t > 0:
            gain = seeded_average(gain, change if change > 0.0 else 0.0, alpha, t - 1, period)
            loss = seeded_average(loss, -change if change < 0.0 else 0.0, alpha, t - 1, period)
        movement = gain + loss
        value = 100.0 * gain / movement if movement > 0.0 else 0.0
        out[0, t - t0] = value if t >= period else NAN
    state[0] = gain
    state[1] = loss
