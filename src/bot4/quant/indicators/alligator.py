"""Williams's alligator: three smoothed averages, drawn later than they are known."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import columns_from, scratch, stretch
from bot4.quant.indicators.recursions import average_from, blank_before
from bot4.quant.indicators.registry import HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, recall, remember

PARAMS = (
    Param("jaw", 13, 1, 400),
    Param("jaw_shift", 8, 1, 400),
    Param("teeth", 8, 1, 400),
    Param("teeth_shift", 5, 1, 400),
    Param("lips", 5, 1, 400),
    Param("lips_shift", 3, 1, 400),
)
SOURCE = "Bill Williams 1995, Trading Chaos"


def _state_size(jaw_shift: int, teeth_shift: int, lips_shift: int) -> int:
    return 3 * AVERAGE_SIZE + jaw_shift + teeth_shift + lips_shift


def _warm_up(jaw: int, jaw_shift: int, teeth: int, teeth_shift: int, lips: int, lips_shift: int) -> int:
    return max(jaw - 1 + jaw_shift, teeth - 1 + teeth_shift, lips - 1 + lips_shift)


@kernel(i8(array(f8), i8, i8, i8, i8, array(f8), i8, array(f8)))
def _shifted_average(
    price: FloatArray, t0: int, t1: int, period: int, shift: int, state: FloatArray, at: int, out: FloatArray
) -> int:
    """The smoothed average of ``shift`` bars ago; returns where the state of the next average begins."""
    averages = scratch(SPAN)
    kept = recall(state, at + AVERAGE_SIZE, shift, t0, averages)
    average_from(price, t0, t1, 0, period, 1.0 / period, state, at, columns_from(averages, kept))
    line = columns_from(out, shift - kept)
    for i in range(kept + t1 - t0 - shift):
        line[i] = averages[i]
    remember(averages, kept + t1 - t0, state, at + AVERAGE_SIZE, shift)
    return at + AVERAGE_SIZE + shift


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), array(f8), array(f8), array(f8), array(f8)))
def _lines(
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    params: FloatArray,
    state: FloatArray,
    jaw: FloatArray,
    teeth: FloatArray,
    lips: FloatArray,
) -> None:
    spare_high, spare_low, price = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0, t1, spare_high)
    low = stretch(bars, LOW, mask, t0, t1, spare_low)
    for i in range(t1 - t0):
        price[i] = 0.5 * (high[i] + low[i])
    at = _shifted_average(price, t0, t1, int(params[0]), int(params[1]), state, 0, jaw)
    at = _shifted_average(price, t0, t1, int(params[2]), int(params[3]), state, at, teeth)
    _shifted_average(price, t0, t1, int(params[4]), int(params[5]), state, at, lips)


@indicator(
    "alligator",
    family="trend",
    inputs=(HIGH, LOW),
    params=PARAMS,
    outputs=("jaw", "teeth", "lips"),
    state_size=_state_size,
    warm_up=_warm_up,
    source=SOURCE,
)
def alligator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Smoothed averages of ``(high + low) / 2`` as they were some bars ago: jaw, teeth and lips.

    The jaw is the average over ``jaw`` bars as of ``jaw_shift`` bars ago, and so on; each starts from the mean of its
    first prices. What is drawn to the right of the last bar is not part of it.
    """
    _lines(bars, mask, t0, t1, params, state, out[0], out[1], out[2])
    for row in range(3):
        blank_before(int(params[2 * row]) - 1 + int(params[2 * row + 1]), t0, t1, out, row)


@indicator(
    "gator",
    family="trend",
    inputs=(HIGH, LOW),
    params=PARAMS,
    outputs=("upper", "lower"),
    state_size=_state_size,
    warm_up=_warm_up,
    source=SOURCE,
)
def gator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """How far the alligator's mouth is open: ``|jaw - teeth|`` above zero and ``-|teeth - lips|`` below it."""
    jaw, teeth, lips = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    _lines(bars, mask, t0, t1, params, state, jaw, teeth, lips)
    upper, lower = out[0], out[1]
    for i in range(t1 - t0):
        upper[i] = abs(jaw[i] - teeth[i])
    for i in range(t1 - t0):
        lower[i] = -abs(teeth[i] - lips[i])
    whole = max(int(params[2]) + int(params[3]), int(params[0]) + int(params[1])) - 1
    blank_before(whole, t0, t1, out, 0)
    blank_before(max(int(params[2]) + int(params[3]), int(params[4]) + int(params[5])) - 1, t0, t1, out, 1)
