"""One candidate fitted: its closes as block means, the best template, and what users are told of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, record, void
from bot4.kernel_memory import scratch
from bot4.quant.patterns.chart.shape import is_out_of_time, lower_at, misfit, upper_at
from bot4.quant.patterns.chart.template import (
    CUP,
    FLAG,
    HEAD_AND_SHOULDERS,
    MAX_KNOTS,
    MAX_PARAMS,
    PENNANT,
    ROWS,
    SUMS,
    TRIPLE,
    WEDGE,
    fit,
    height_at,
    move_knots,
    n_knots,
)
from bot4.quant.patterns.detection import CLOSE_ROW, HIGH_ROW, LOW_ROW, PATTERN
from bot4.quant.patterns.swings import highest_bar, lowest_bar, mean_close

N_BLOCKS = 32
"""Most block means that a figure's closes are reduced to: what is finer than that is not part of its shape."""

FIGURE = np.dtype(
    [
        ("form", np.int64),
        ("sign", np.int64),  # +1 as drawn, -1 upside down
        ("first_bar", np.int64),
        ("last_bar", np.int64),
        ("level", np.float64),  # price (turned by sign) and height that fitted heights are measured from and in
        ("height", np.float64),
        ("misfit", np.float64),
        ("knots", np.float64, (MAX_KNOTS,)),  # times, 0..1 of the window
        ("theta", np.float64, (MAX_PARAMS,)),
        ("rows", np.float64, (ROWS,)),
    ]
)
"""A candidate being fitted."""

_FIRST_MOVE = 0.04
_PATIENCE = np.array((10.0, 6.0, 4.0, 2.5))
"""Before each pass of moving the knots, the misfit above which it is given up, in largest misfits."""
_N_PASSES = len(_PATIENCE)
_BARS = array(f8, 2)
_FLOATS = array(f8)


@kernel(f8(record(FIGURE), _BARS, i8, f8))
def fit_figure(figure: Any, bars: FloatArray, mask: int, largest: float) -> float:
    """Fit the form to the closes from ``first_bar`` to ``last_bar``; returns the misfit, infinite where hopeless.

    Args:
        figure: form, sign, bars, level, height and the knots' first guess; receives the fit.
        bars: as in :func:`~bot4.quant.patterns.swings.advance_swings`.
        mask: its mask.
        largest: misfit above which the caller does not care.
    """
    form, knots, theta, rows = figure["form"], figure["knots"], figure["theta"], figure["rows"]
    if form == CUP:
        knots[2], knots[3] = knots[1], knots[4]  # not guessed yet: only the cup's first half is judged
    elif not _is_increasing(knots, n_knots(form)):
        return math.inf
    if is_out_of_time(form, knots, largest):
        return math.inf
    x, y, sums = scratch(N_BLOCKS), scratch(N_BLOCKS), scratch(SUMS)
    n = _blocks(figure, bars, mask, x, y)
    if form == CUP:
        _guess_handle(knots, x, y, n, sums, theta, rows)
        if not _is_increasing(knots, n_knots(form)):
            return math.inf
    move, block_bars = _FIRST_MOVE, (figure["last_bar"] - figure["first_bar"] + 1) // n
    total = misfit(form, knots, rows, theta, fit(form, knots, x, y, n, sums, theta, rows), block_bars)
    for attempt in range(_N_PASSES):
        if not total < _PATIENCE[attempt] * largest:
            return math.inf
        if not move_knots(form, move, knots, x, y, n, sums, theta, rows):
            move *= 0.5
        total = misfit(form, knots, rows, theta, fit(form, knots, x, y, n, sums, theta, rows), block_bars)
    return float(total)


@kernel(i8(record(FIGURE), _BARS, i8, _FLOATS, _FLOATS))
def _blocks(figure: Any, bars: FloatArray, mask: int, x: FloatArray, y: FloatArray) -> int:
    """Means of equal blocks of closes: times in 0..1 of the window, heights in rough heights; returns how many."""
    first, last = figure["first_bar"], figure["last_bar"]
    length = last - first + 1
    size = (length + N_BLOCKS - 1) // N_BLOCKS
    n = length // size
    for i in range(n):
        stop = last - (n - 1 - i) * size
        x[i] = (stop - 0.5 * (size - 1) - first) / length
        mean = mean_close(bars, mask, stop - size + 1, stop)
        y[i] = (figure["sign"] * mean - figure["level"]) / figure["height"]
    return int(n)


@kernel(void(_FLOATS, _FLOATS, _FLOATS, i8, _FLOATS, _FLOATS, _FLOATS))
def _guess_handle(
    knots: FloatArray, x: FloatArray, y: FloatArray, n: int, sums: FloatArray, theta: FloatArray, rows: FloatArray
) -> None:
    """The right rim and the handle's low, which are no swings of the cup's scale: the best of a few places."""
    bottom, last = knots[1], knots[4]
    best, best_share = math.inf, 0.75
    for i in range(4):
        share = 0.5 + 0.12 * i
        knots[2] = bottom + share * (last - bottom)
        knots[3] = 0.5 * (knots[2] + last)
        residual = fit(CUP, knots, x, y, n, sums, theta, rows)
        if residual < best:
            best, best_share = residual, share
    knots[2] = bottom + best_share * (last - bottom)
    knots[3] = 0.5 * (knots[2] + last)


@kernel(i8(_FLOATS, i8))
def _is_increasing(knots: FloatArray, count: int) -> int:
    for k in range(1, count):
        if not knots[k] > knots[k - 1]:
            return 0
    return 1


# --- what users are told ------------------------------------------------------------------------------------------


@kernel(void(record(FIGURE), _BARS, i8, f8, record(PATTERN)))
def describe(figure: Any, bars: FloatArray, mask: int, total_misfit: float, found: Any) -> None:
    """Fill a detection: points on bars, target, invalidation, confidence."""
    form, sign, last = figure["form"], figure["sign"], figure["last_bar"]
    found["kind"] = 2 * form + (1 if sign < 0 else 0)
    found["direction"], found["known_at"], found["n_points"] = sign, last, n_knots(form)
    found["confidence"] = 2.0**-total_misfit
    _place_points(figure, bars, mask, found)
    end = figure["knots"][n_knots(form) - 1]
    found["target"] = _price(figure, upper_at(form, figure["theta"], end) + _measured_move(figure))
    refuted = math.inf
    for k in range(_first_support(form), n_knots(form) - 1):
        refuted = min(refuted, sign * found["point_price"][k])
    found["invalidation"] = sign * refuted


@kernel(f8(record(FIGURE), f8))
def _price(figure: Any, height: float) -> float:
    return float(figure["sign"] * (figure["level"] + figure["height"] * height))


@kernel(f8(record(FIGURE)))
def _measured_move(figure: Any) -> float:
    """How far beyond the break the target lies, in fitted units."""
    form, knots, theta = figure["form"], figure["knots"], figure["theta"]
    if form in (FLAG, PENNANT):
        return float(height_at(figure["rows"], theta, 1) - theta[0])
    first, last = knots[0], knots[n_knots(form) - 1]
    if form == WEDGE:
        return float(upper_at(form, theta, first) - upper_at(form, theta, last))
    return float(upper_at(form, theta, first) - lower_at(form, theta, first))


@kernel(i8(i8))
def _first_support(form: int) -> int:
    """The first knot of those whose extreme refutes the figure."""
    if form == HEAD_AND_SHOULDERS or form >= CUP:
        return int(n_knots(form) - 2)
    if form <= TRIPLE:
        return 1
    return 2 if form in (FLAG, PENNANT) else n_knots(form) - 2


@kernel(void(record(FIGURE), _BARS, i8, record(PATTERN)))
def _place_points(figure: Any, bars: FloatArray, mask: int, found: Any) -> None:
    """Points at the extreme bars next to the knots; the break at the close that made it known."""
    form, sign, first, last = figure["form"], figure["sign"], figure["first_bar"], figure["last_bar"]
    count, length = n_knots(form), last - first + 1
    reach, earliest = length // (2 * N_BLOCKS) + 1, first
    for k in range(count - 1):
        middle = math.floor(first + figure["knots"][k] * length + 0.5)
        start = min(max(middle - reach, earliest), last - (count - 1 - k))
        stop = min(max(middle + reach, start), last - (count - 1 - k))
        height = height_at(figure["rows"], figure["theta"], k)
        following = height_at(figure["rows"], figure["theta"], k + 1)
        is_high = (height > following) == (sign > 0)
        bar = highest_bar(bars, mask, start, stop) if is_high else lowest_bar(bars, mask, start, stop)
        found["point_bar"][k] = bar
        found["point_price"][k] = bars[HIGH_ROW if is_high else LOW_ROW, bar & mask]
        earliest = bar + 1
    found["point_bar"][count - 1] = last
    found["point_price"][count - 1] = bars[CLOSE_ROW, last & mask]
