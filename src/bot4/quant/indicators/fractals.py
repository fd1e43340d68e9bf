"""Fractals: turns that a few bars on either side confirm."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.windows import blank, negate

_FOUND = 100.0


@kernel(void(array(f8), i8, i8, i8, array(f8)))
def _mark_peaks(x: FloatArray, n: int, left: int, right: int, out: FloatArray) -> None:
    """``_FOUND`` where value ``left + i`` exceeds the ``left`` before it and the ``right`` after it, else 0."""
    middle = x[left : left + n]
    for i in range(n):
        out[i] = _FOUND
    for k in range(left + right + 1):
        if k != left:
            other = x[k : k + n]
            for i in range(n):
                out[i] = out[i] if middle[i] > other[i] else 0.0


@indicator(
    "fractal",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("left", 2, 1, 200), Param("right", 2, 1, 200)),
    outputs=("high", "low"),
    state_size=0,
    warm_up=lambda left, right: left + right,
    lookback=lambda left, right: left + right,
    source="TA-Lib (FRACTAL); Williams 1995",
)
def fractal(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """100 where the high (the low) of ``right`` bars ago is above (below) those of the bars around it, else 0.

    It exceeds the ``left`` bars before it and the ``right`` bars after it, so it is known at this bar and stays. Equal
    extremes are no fractal.
    """
    left, right = int(params[0]), int(params[1])
    spare, lows = scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - left - right, t1, spare)
    n = max(len(high) - left - right, 0)
    width = t1 - t0
    blank(out, 0, width - n)
    blank(out, 1, width - n)
    _mark_peaks(high, n, left, right, out[0, width - n : width])
    low = stretch(bars, LOW, mask, t0 - left - right, t1, spare)
    negate(low, lows, len(low))
    _mark_peaks(lows, n, left, right, out[1, width - n : width])
