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
    n_knots,
)

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

_FLOATS = array(f8)


@kernel(void(record(SCALE), i8, f8))
def keep_touch(scale: Any, bar: int, average: float) -> None:
    touches = scale["touches"]
    for k in range(N_TOUCHES - 1, 0, -1):
        touches[k]["bar"], touches[k]["average"] = touches[k - 1]["bar"], touches[k - 1]["average"]
    touches[0]["bar"], touches[0]["average"] = bar, average
    scale["n_swings"] += 1


@kernel(i8(i8))
def _n_touches(form: int) -> int:
    """Swings that a form is read from, the approach included."""
    if form <= TRIPLE:
        return 4 if form == DOUBLE else 6
    return 2 if form >= CUP else 5


@kernel(b1(i8, _FLOATS))
def _may_be(form: int, p: FloatArray) -> bool:
    """Whether swings, oldest first and oriented so that the last is a low, are roughly those of a form."""
    if form >= CUP:
        return True
    if form == DOUBLE:
        height = p[2] - 0.5 * (p[1] + p[3])
        return abs(p[1] - p[3]) < 0.4 * height and p[0] > p[2] - 0.4 * height
    if form == TRIPLE or form == HEAD_AND_SHOULDERS:
        return _may_be_three_lows(form, p)
    if form == FLAG or form == PENNANT:
        pole = p[1] - p[0]
        return min(p[2], p[4]) > p[0] + 0.25 * pole and -0.45 * pole < p[3] - p[1] < 0.2 * pole
    mouth = p[1] - 0.5 * (p[0] + p[2])
    upper, lower = (p[3] - p[1]) / mouth, (p[4] - p[0]) / mouth
    if mouth <= 0.0 or abs(p[2] - 0.5 * (p[0] + p[4])) > 0.4 * mouth:
        return False
    if form == RECTANGLE:
        return abs(upper) < 0.4 and abs(lower) < 0.45
    if form == FLAT_TRIANGLE:
        return abs(upper) < 0.4 and lower > 0.15
    if form == SYMMETRICAL:
        return upper < 0.1 and lower > -0.1
    return upper < -0.1 and lower < 0.1 and 2.0 * upper < lower - 0.1


@kernel(b1(i8, _FLOATS))
def _may_be_three_lows(form: int, p: FloatArray) -> bool:
    neck, sides = 0.5 * (p[2] + p[4]), 0.5 * (p[1] + p[5])
    height = neck - (p[3] if form == HEAD_AND_SHOULDERS else (2.0 * sides + p[3]) / 3.0)
    if abs(p[2] - p[4]) > 0.45 * height or abs(p[1] - p[5]) > 0.45 * height or p[0] < neck - 0.4 * height:
        return False
    if form == TRIPLE:
        return abs(p[3] - sides) < 0.45 * height
    return 0.15 * height < neck - sides < 0.95 * height


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
        n = _n_touches(form)
        scale["attempts"][form] = -1
        if scale["n_swings"] >= n:
            _oldest_first(scale, n, sign, p)
            if _may_be(form, p):
                scale["attempts"][form] = 0
                scale["n_waiting"] += 1


@kernel(f8(record(SCALE), i8, i8, f8, f8))
def boundary(scale: Any, form: int, sign: int, t: float, margin: float) -> float:
    """The boundary through the swings at time ``t``, raised by ``margin`` of the rough height."""
    n = _n_touches(form)
    p = scratch(N_TOUCHES)
    _oldest_first(scale, n, sign, p)
    if form >= CUP:
        return p[0] + margin * (p[0] - p[1])
    if form == DOUBLE:
        return p[2] + margin * (p[2] - 0.5 * (p[1] + p[3]))
    first = 2 if form <= TRIPLE else 1
    start, stop = scale["touches"][n - 1 - first]["bar"], scale["touches"][n - 3 - first]["bar"]
    level = p[first] + (p[first + 2] - p[first]) * (t - start) / (stop - start)
    if form <= TRIPLE:
        return level + margin * (0.5 * (p[2] + p[4]) - p[3])
    return level + margin * (p[1] - p[0])


@kernel(void(record(SCALE), i8, i8, f8, _FLOATS))
def guess_knots(scale: Any, form: int, sign: int, crossing: float, knots: FloatArray) -> None:
    """Knots at the bars of the swings; the approach's where it crossed the neckline; last the break."""
    n = _n_touches(form)
    for k in range(n):
        knots[k] = scale["touches"][n - 1 - k]["bar"]
    if form <= TRIPLE:
        p = scratch(N_TOUCHES)
        _oldest_first(scale, n, sign, p)
        share = (p[0] - p[2]) / (p[0] - p[1])
        knots[0] += min(max(share, 0.0), 0.9) * (knots[1] - knots[0])
    knots[n_knots(form) - 1] = crossing


