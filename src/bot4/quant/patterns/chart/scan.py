"""The streaming scan: candidates from confirmed swings, fitted when price breaks out, reported once.

While the leg that follows a confirmed swing runs, the last swings of its scale may be the touches of a figure. Those
that roughly are wait for their boundary to be broken. At the first average beyond it, and at up to three further ones
as price goes on, the template is fitted to all closes of the figure; where the confidence reaches the threshold it is
reported, unless the same kind was reported for about the same bars.

Everything kept is in one record, so that any partition of the bars gives the same bits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.kernel import array, b1, f8, i8, kernel, record, records
from bot4.quant.patterns.chart.candidates import (
    SCALE,
    await_breaks,
    boundary,
    guess_knots,
    keep_touch,
    leave_to_other,
    pole_foot,
)
from bot4.quant.patterns.chart.figure import FIGURE, describe, fit_figure
from bot4.quant.patterns.chart.template import FLAG, N_FORMS, PENNANT, n_knots
from bot4.quant.patterns.detection import PATTERN
from bot4.quant.patterns.swings import (
    HIGH_SIDE,
    N_REVERSALS,
    N_SCALES,
    N_SPANS,
    SPANS_BARS,
    STRIDES_BARS,
    SWING,
    SWING_STATE,
    advance_swings,
    restart_swings,
)

BARS_RING = 2048
"""Bars that the caller keeps: a power of two above :data:`LONGEST_BARS`."""
LONGEST_BARS = 1800
SHORTEST_BARS = 20
"""Figures are at most and at least that long."""

_N_REMEMBERED = 8
_REPORTED = np.dtype([("first", np.int64), ("last", np.int64)])
CHART_STATE = np.dtype(
    [
        ("swings", SWING_STATE),
        ("new_swings", SWING, (N_SCALES,)),
        ("scales", SCALE, (N_SCALES,)),
        ("figure", FIGURE),
        ("reported", _REPORTED, (2 * N_FORMS * _N_REMEMBERED,)),
        ("n_reported", np.int64, (2 * N_FORMS,)),
    ]
)

_N_ATTEMPTS = 4
_ATTEMPT_STEP = 0.15
_SAME_SHARE = 0.4
_SPANS = np.array(SPANS_BARS, np.int64)
_STRIDES = np.array(STRIDES_BARS, np.int64)
_BARS = array(f8, 2)


@kernel(i8(record(CHART_STATE), _BARS, i8, i8, i8, f8, records(PATTERN)))
def advance_chart(state: Any, bars: FloatArray, mask: int, t0: int, t1: int, least_confidence: float, out: Any) -> int:
    """Scan the bars ``t0 .. t1 - 1`` and write what becomes known to ``out``; returns how many.

    Args:
        state: as :func:`chart_state` makes it.
        bars: float64[3, capacity], rows HIGH LOW CLOSE, bar ``t`` in column ``t & mask``.
        mask: capacity - 1 (at least :data:`BARS_RING` - 1), or -1 where the columns are all bars.
        t0, t1: the bars, each call going on where the last one stopped.
        least_confidence: threshold, above 0.
        out: room for :data:`MOST_A_BAR` records of :data:`PATTERN` a bar.
    """
    n_out = 0
    for t in range(t0, t1):
        n_new = advance_swings(state["swings"], bars, mask, t, state["new_swings"], 0)
        if state["swings"]["first_bar"] < 0:
            _forget_swings(state)
            continue
        _enter_swings(state, n_new)
        for s in range(N_SPANS):
            if (t + 1) % _STRIDES[s] == 0:
                for scale in range(s * N_REVERSALS, (s + 1) * N_REVERSALS):
                    n_out = _scan_scale(state, bars, mask, t, scale, least_confidence, out, n_out)
    return n_out


@kernel(i8(record(CHART_STATE)))
def _forget_swings(state: Any) -> int:
    """Start again after a bar that is not finite. Returns 0."""
    restart_swings(state["swings"])
    for s in range(N_SCALES):
        state["scales"][s]["n_swings"] = 0
        state["scales"][s]["n_waiting"] = 0
        for form in range(N_FORMS):
            state["scales"][s]["attempts"][form] = -1
    return 0


@kernel(i8(record(CHART_STATE), i8))
def _enter_swings(state: Any, n_new: int) -> int:
    """Keep new swings, and see which figures may be waiting for their break. Returns 0."""
    for i in range(n_new):
        swing = state["new_swings"][i]
        leg, scale = state["swings"]["legs"][swing["scale"]], state["scales"][swing["scale"]]
        is_high = swing["side"] == HIGH_SIDE
        keep_touch(scale, swing["bar"], leg["high_average"] if is_high else leg["low_average"])
        await_breaks(scale, -1 if is_high else 1)
        if swing["scale"] % N_REVERSALS > 0:
            leave_to_other(scale, state["scales"][swing["scale"] - 1])
    return 0


@kernel(i8(record(CHART_STATE), _BARS, i8, i8, i8, f8, records(PATTERN), i8))
def _scan_scale(
    state: Any, bars: FloatArray, mask: int, t: int, number: int, least: float, out: Any, n_out: int
) -> int:
    """Fit the figures of a scale whose boundary is broken; returns the new number of detections."""
    scale = state["scales"][number]
    if scale["n_waiting"] == 0:
        return n_out
    sign = state["swings"]["legs"][number]["side"]
    average = sign * state["swings"]["spans"][number // N_REVERSALS]["recent"][0]
    middle = t - 0.5 * (_SPANS[number // N_REVERSALS] - 1)
    for form in range(N_FORMS):
        attempts = scale["attempts"][form]
        if attempts < 0 or not average > boundary(scale, form, sign, middle, attempts * _ATTEMPT_STEP):
            continue
        while attempts < _N_ATTEMPTS and average > boundary(scale, form, sign, middle, attempts * _ATTEMPT_STEP):
            attempts += 1
        if _is_figure(state, bars, mask, t, number, form, sign, average, middle, least):
            describe(state["figure"], bars, mask, state["figure"]["misfit"], out[n_out])
            attempts = _N_ATTEMPTS
            if _is_new(state, out[n_out]):
                n_out += 1
        scale["attempts"][form] = attempts if attempts < _N_ATTEMPTS else -1
        scale["n_waiting"] -= 1 if attempts >= _N_ATTEMPTS else 0
    return n_out


@kernel(b1(record(CHART_STATE), _BARS, i8, i8, i8, i8, i8, f8, f8, f8))
def _is_figure(
    state: Any,
    bars: FloatArray,
    mask: int,
    t: int,
    number: int,
    form: int,
    sign: int,
    average: float,
    middle: float,
    least: float,
) -> bool:
    """Whether the last swings of a scale, broken at bar ``t``, are a figure of the form; leaves it in the state."""
    scale, figure = state["scales"][number], state["figure"]
    low = sign * scale["touches"][0]["average"]
    share = (boundary(scale, form, sign, middle, 0.0) - low) / (average - low)
    low_bar = scale["touches"][0]["bar"]
    crossing = low_bar + min(max(share, 0.1), 1.0) * (max(middle, low_bar + 1.0) - low_bar)
    knots = figure["knots"]
    guess_knots(scale, form, sign, crossing, knots)
    if form in (FLAG, PENNANT):
        knots[0] = pole_foot(scale, bars, mask, sign)
    first = math.floor(knots[0])
    height = sign * scale["touches"][1]["average"] - low
    if t - first > LONGEST_BARS or crossing - knots[0] < SHORTEST_BARS or not height > 0.0:
        return False
    for k in range(n_knots(form)):
        knots[k] = (knots[k] - first) / (t - first + 1)
    figure["form"], figure["sign"], figure["first_bar"], figure["last_bar"] = form, sign, first, t
    figure["level"], figure["height"] = low, height
    figure["misfit"] = fit_figure(figure, bars, mask, -math.log2(least))
    return bool(2.0 ** -figure["misfit"] >= least)


@kernel(b1(record(CHART_STATE), record(PATTERN)))
def _is_new(state: Any, found: Any) -> bool:
    """Whether the kind was not reported for about the same bars; if so it is remembered."""
    kind, first, last = found["kind"], found["point_bar"][0], found["known_at"]
    n = state["n_reported"][kind]
    for i in range(min(n, _N_REMEMBERED)):
        earlier = state["reported"][kind * _N_REMEMBERED + i]
        common = min(last, earlier["last"]) - max(first, earlier["first"])
        if common > _SAME_SHARE * (max(last, earlier["last"]) - min(first, earlier["first"])):
            return False
    kept = state["reported"][kind * _N_REMEMBERED + n % _N_REMEMBERED]
    kept["first"], kept["last"] = first, last
    state["n_reported"][kind] = n + 1
    return True


MOST_A_BAR = N_SCALES * N_FORMS
"""Detections that one bar can make known, at most."""


def chart_state() -> npt.NDArray[Any]:
    """State of :func:`advance_chart`: one record, whose bytes are all there is to save."""
    state = np.zeros(1, CHART_STATE)
    _forget_swings(state[0])
    return state


__all__ = ["BARS_RING", "CHART_STATE", "LONGEST_BARS", "MOST_A_BAR", "SHORTEST_BARS", "advance_chart", "chart_state"]
