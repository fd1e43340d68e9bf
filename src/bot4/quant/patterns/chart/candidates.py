"""Which figures the last swings of a scale may be, and where price would break out of them.

A form is always seen with its break upwards: averages are turned upside down where it is the mirror image. The last
confirmed swing is then a low, and the leg that runs from it up is the one that may break out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, b1, f8, i8, kernel, record, void
from bot4.kernel_memory import scratch
from bot4.quant.patterns.chart.template import (
    CUP,
    DOUBLE,
    FLAG,
    FLAT_TRIANGLE,
    HEAD_AND_SHOULDERS,
    N_FORMS,
    PENNANT,
    RECTANGLE,
    SYMMETRICAL,
    TRIPLE,
    WEDGE,
    n_knots,
)
from bot4.quant.patterns.detection import CLOSE_ROW

N_TOUCHES = 8
"""Swings kept a scale."""

_TOUCH = np.dtype([("bar", np.int64), ("average", np.float64)])
SCALE = np.dtype(
    [
        ("n_swings", np.int64),
        ("touches", _TOUCH, (N_TOUCHES,)),  # newest first
        ("n_waiting", np.int64),  # forms that the swings may be and that were not settled yet
        ("attempts", np.int64, (N_FORMS,)),  # fits tried at this break; -1 where the swings are not the form's
    ]
)
"""The last swings of one scale, by their bars and their averages."""

_FOOT_SHARE = 0.15
_BARS = array(f8, 2)
_FLOATS = array(f8)


@kernel(void(record(SCALE), i8, f8))
def keep_touch(scale: Any, bar: int, average: float) -> None:
    """Enter a confirmed swing, the oldest kept making room."""
    touches = scale["touches"]
    for k in range(N_TOUCHES - 1, 0, -1):
        touches[k]["bar"], touches[k]["average"] = touches[k - 1]["bar"], touches[k - 1]["average"]
    touches[0]["bar"], touches[0]["average"] = bar, average
    scale["n_swings"] += 1


@kernel(i8(i8))
def n_touches(form: int) -> int:
    """Swings that a form is read from, the approach included."""
    if form <= TRIPLE or form == WEDGE:
        return 4 if form == DOUBLE else 6
    return 2 if form >= CUP else 5


@kernel(b1(i8, _FLOATS))
def _may_be(form: int, p: FloatArray) -> bool:
    """Whether swings, oldest first and oriented so that the last is a low, are roughly those of a form."""
    if form >= CUP:
        return True
    if form == DOUBLE:
        height = p[2] - 0.5 * (p[1] + p[3])
        return bool(abs(p[1] - p[3]) < 0.4 * height and p[0] > p[2] - 0.4 * height)
    if form in (TRIPLE, HEAD_AND_SHOULDERS):
        return bool(_may_be_three_lows(form, p))
    if form in (FLAG, PENNANT):
        pole = p[1] - p[0]
        return bool(min(p[2], p[4]) > p[0] + 0.25 * pole and -0.45 * pole < p[3] - p[1] < 0.2 * pole)
    if form == WEDGE:
        return bool(_may_be_between(form, p[1], p[2], p[3], p[4], p[5]) and p[0] > 0.5 * (p[1] + p[2]))
    return bool(_may_be_between(form, p[0], p[1], p[2], p[3], p[4]))


@kernel(b1(i8, f8, f8, f8, f8, f8))
def _may_be_between(form: int, low: float, high: float, low_2: float, high_2: float, low_3: float) -> bool:
    """Whether five swings roughly touch the form's two lines in turn."""
    mouth = high - 0.5 * (low + low_2)
    if mouth <= 0.0 or abs(low_2 - 0.5 * (low + low_3)) > 0.4 * mouth:
        return False
    upper, lower = (high_2 - high) / mouth, (low_3 - low) / mouth
    if form == RECTANGLE:
        return abs(upper) < 0.4 and abs(lower) < 0.45
    if form == FLAT_TRIANGLE:
        return abs(upper) < 0.4 and lower > 0.15
    if form == SYMMETRICAL:
        return upper < 0.2 and lower > -0.2
    return upper < -0.1 and lower < 0.2 and 2.0 * upper < lower + 0.3


@kernel(b1(i8, _FLOATS))
def _may_be_three_lows(form: int, p: FloatArray) -> bool:
    neck, sides = 0.5 * (p[2] + p[4]), 0.5 * (p[1] + p[5])
    height = neck - (p[3] if form == HEAD_AND_SHOULDERS else (2.0 * sides + p[3]) / 3.0)
    if abs(p[2] - p[4]) > 0.45 * height or abs(p[1] - p[5]) > 0.45 * height or p[0] < neck - 0.4 * height:
        return False
    if form == TRIPLE:
        return bool(abs(p[3] - sides) < 0.45 * height)
    return bool(0.15 * height < neck - sides < 0.95 * height)


@kernel(void(record(SCALE), i8, i8, _FLOATS))
def _oldest_first(scale: Any, n: int, sign: int, p: FloatArray) -> None:
    """The last ``n`` averages, oldest first, turned so that the break is upwards."""
    for k in range(n):
        p[k] = sign * scale["touches"][n - 1 - k]["average"]


@kernel(void(record(SCALE), i8))
def await_breaks(scale: Any, sign: int) -> None:
    """After a new swing: which forms the last ones may be."""
    scale["n_waiting"] = 0
    p = scratch(N_TOUCHES)
    for form in range(N_FORMS):
        n = n_touches(form)
        scale["attempts"][form] = -1
        if scale["n_swings"] >= n:
            _oldest_first(scale, n, sign, p)
            if _may_be(form, p):
                scale["attempts"][form] = 0
                scale["n_waiting"] += 1


@kernel(void(record(SCALE), record(SCALE)))
def leave_to_other(scale: Any, other: Any) -> None:
    """Await nothing that the smaller reversal of the same span, with the very same swings, awaits or has tried."""
    n_same = 0
    while n_same < N_TOUCHES and scale["touches"][n_same]["bar"] == other["touches"][n_same]["bar"]:
        n_same += 1
    for form in range(N_FORMS):
        if scale["attempts"][form] >= 0 and n_same >= n_touches(form):
            scale["attempts"][form] = -1
            scale["n_waiting"] -= 1


# --- the break ----------------------------------------------------------------------------------------------------


@kernel(f8(record(SCALE), i8, i8, f8, f8))
def boundary(scale: Any, form: int, sign: int, t: float, margin: float) -> float:
    """The boundary through the swings at time ``t``, raised by ``margin`` of the rough height."""
    n = n_touches(form)
    p = scratch(N_TOUCHES)
    _oldest_first(scale, n, sign, p)
    if form >= CUP:
        return float(p[0] + margin * (p[0] - p[1]))
    if form == DOUBLE:
        return float(p[2] + margin * (p[2] - 0.5 * (p[1] + p[3])))
    first = 2 if form <= TRIPLE or form == WEDGE else 1
    start, stop = scale["touches"][n - 1 - first]["bar"], scale["touches"][n - 3 - first]["bar"]
    level = p[first] + (p[first + 2] - p[first]) * (t - start) / (stop - start)
    if form <= TRIPLE:
        return float(level + margin * (0.5 * (p[2] + p[4]) - p[3]))
    return float(level + margin * (p[first] - p[first - 1]))


@kernel(void(record(SCALE), i8, i8, f8, _FLOATS))
def guess_knots(scale: Any, form: int, sign: int, crossing: float, knots: FloatArray) -> None:
    """Knots at the bars of the swings; the approach's where it crossed the boundary; last the break."""
    n = n_touches(form)
    for k in range(n):
        knots[k] = scale["touches"][n - 1 - k]["bar"]
    if form <= TRIPLE or form == WEDGE:
        p = scratch(N_TOUCHES)
        _oldest_first(scale, n, sign, p)
        fall, slope = (p[1] - p[0]) / (knots[1] - knots[0]), 0.0
        if form == WEDGE:
            slope = (p[4] - p[2]) / (knots[4] - knots[2])
        level = p[2] + slope * (knots[0] - knots[2])
        share = (p[0] - level) / ((slope - fall) * (knots[1] - knots[0]))
        knots[0] += min(max(share, 0.0), 0.9) * (knots[1] - knots[0])
    knots[n_knots(form) - 1] = crossing


@kernel(f8(record(SCALE), _BARS, i8, i8))
def pole_foot(scale: Any, bars: FloatArray, mask: int, sign: int) -> float:
    """When a flag's pole began: its swing may lie well before, at the end of a flat stretch.

    The pole is taken to run on straight below the last close in its lowest part.
    """
    start, stop = scale["touches"][4]["bar"], scale["touches"][3]["bar"]
    low, high = sign * scale["touches"][4]["average"], sign * scale["touches"][3]["average"]
    t = stop - 1
    while t > start and sign * bars[CLOSE_ROW, t & mask] > low + _FOOT_SHARE * (high - low):
        t -= 1
    return float(max(t - (stop - t) * _FOOT_SHARE / (1.0 - _FOOT_SHARE), start))
