"""Differences of averages of the price, and what else tells when it turns."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.recursions import seeded_average
from bot4.quant.indicators.registry import CLOSE, Param, indicator
from bot4.quant.indicators.rolling import NAN

TA_LIB = "TA-Lib"


@indicator(
    "macd",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("fast", 12, 2, 400), Param("slow", 26, 3, 500), Param("signal", 9, 1, 200)),
    outputs=("macd", "signal", "histogram"),
    state_size=3,
    warm_up=lambda slow, signal: slow + signal - 2,
    increasing=("fast", "slow"),
    source=TA_LIB,
)
def macd(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``EMA(fast) - EMA(slow)``, its EMA over ``signal``, and their difference.

    Both averages are seeded at the same bar, ``slow - 1``, from the ``fast`` and ``slow`` closes up to it.
    """
    fast, slow, signal = int(params[0]), int(params[1]), int(params[2])
    fast_average, slow_average, signal_average = state[0], state[1], state[2]
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        slow_average = seeded_average(slow_average, close, 2.0 / (slow + 1), t, slow)
        if t >= slow - fast:
            fast_average = seeded_average(fast_average, close, 2.0 / (fast + 1), t - (slow - fast), fast)
        line = fast_average - slow_average
        if t >= slow - 1:
            signal_average = seeded_average(signal_average, line, 2.0 / (signal + 1), t - (slow - 1), signal)
        defined = t >= slow + signal - 2
        out[0, t - t0] = line if defined else NAN
        out[1, t - t0] = signal_average if defined else NAN
        out[2, t - t0] = line - signal_average if defined else NAN
    state[0], state[1], state[2] = fast_average, slow_average, signal_average
