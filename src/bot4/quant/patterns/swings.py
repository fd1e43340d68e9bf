"""Confirmed swings at several scales: the highs and lows that patterns are read from.

A scale is a span and a reversal. Closes are averaged over the last ``span`` bars; the running average's legs are
followed; a leg ends, and its extreme is a swing, once the average has come back from it by

    reversal x typical change,

where the typical change is the mean absolute change of the average over ``span`` bars, remembered for about 32 spans,
changes clipped at four times the mean. So a scale is told by bars alone, never by price, and follows volatility.
Averages are taken every quarter of a span (every bar up to a span of 4).

The swing is the highest high (lowest low) of the bars that made the extreme average. It is known at the close of the
bar that confirmed it and never changes. Within a scale highs and lows alternate and their bars increase.

A bar that is not finite starts every scale again: what follows it is read as if nothing came before.

Source: the zigzag of A. Merrill, "Filtered Waves" (1977), with the reversal in units of volatility.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, record, records
from bot4.quant.patterns.detection import CLOSE_ROW, HIGH_ROW, LOW_ROW, price_rows

SWING = np.dtype(
    [
        ("bar", np.int64),
        ("price", np.float64),  # the bar's high or low
        ("side", np.int64),  # +1 high, -1 low
        ("known_at", np.int64),  # index of the bar at whose close it is confirmed
        ("scale", np.int64),  # index into SCALES
    ]
)

SPANS_BARS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
REVERSALS = (1.4, 2.0, 2.8)
SCALES = tuple((span, reversal) for span in SPANS_BARS for reversal in REVERSALS)
"""``(span in bars, reversal in typical changes)`` by scale number."""

N_SPANS = len(SPANS_BARS)
N_REVERSALS = len(REVERSALS)
N_SCALES = len(SCALES)
SWING_RING = 64
"""Least number of bars that the caller keeps: a power of two above the widest span."""

HIGH_SIDE = 1
LOW_SIDE = -1
_MEMORY_SPANS = 32
_LEAST_STEPS = 4
_CLIP = 4.0
_RECENT = 4  # averages a span: the stride divides the span
_ROUNDING = 1e-12

_SPAN = np.dtype(
    [
        ("n_averages", np.int64),
        ("typical_change", np.float64),
        ("recent", np.float64, (_RECENT,)),  # averages of the last span, newest first
    ]
)

LEG = np.dtype(
    [
        ("side", np.int64),  # +1 a high is being followed, -1 a low, 0 both: nothing is confirmed yet
        ("last_bar", np.int64),  # of the last swing, -1 before the first
        ("high_average", np.float64),
        ("high_bar", np.int64),
        ("high_price", np.float64),
        ("low_average", np.float64),
        ("low_bar", np.int64),
        ("low_price", np.float64),
    ]
)
"""The unfinished leg of a scale: where its extreme stands so far."""

SWING_STATE = np.dtype(
    [
        ("first_bar", np.int64),  # where the scales (re)started
        ("spans", _SPAN, (N_SPANS,)),
        ("legs", LEG, (N_SCALES,)),
    ]
)

STRIDES_BARS = tuple(-(-span // _RECENT) for span in SPANS_BARS)
"""Bars between two averages, by span."""

_SPANS_ARRAY = np.array(SPANS_BARS, np.int64)
_STRIDES_ARRAY = np.array(STRIDES_BARS, np.int64)
_REVERSALS_ARRAY = np.array(REVERSALS, np.float64)
_BARS = array(f8, 2)


@kernel(f8(_BARS, i8, i8, i8))
def mean_close(bars: FloatArray, mask: int, first: int, last: int) -> float:
    """Mean close of the bars ``first .. last``, summed oldest first; bar ``t`` is column ``t & mask``."""
    total = 0.0
    for t in range(first, last + 1):
        total += bars[CLOSE_ROW, t & mask]
    return total / (last + 1 - first)


@kernel(i8(_BARS, i8, i8, i8))
def highest_bar(bars: FloatArray, mask: int, first: int, last: int) -> int:
    """The earliest bar of ``first .. last`` with the highest high."""
    best = first
    for t in range(first + 1, last + 1):
        if bars[HIGH_ROW, t & mask] > bars[HIGH_ROW, best & mask]:
            best = t
    return best


@kernel(i8(_BARS, i8, i8, i8))
def lowest_bar(bars: FloatArray, mask: int, first: int, last: int) -> int:
    """The earliest bar of ``first .. last`` with the lowest low."""
    best = first
    for t in range(first + 1, last + 1):
        if bars[LOW_ROW, t & mask] < bars[LOW_ROW, best & mask]:
            best = t
    return best


@kernel(i8(record(LEG), _BARS, i8, i8, i8, f8, f8))
def advance_leg(leg: Any, bars: FloatArray, mask: int, t: int, span: int, average: float, reversal: float) -> int:
    """Follow a leg to one more average; returns +1 or -1 where it confirms a high or low, else 0.

    The confirmed swing is then the leg's ``high_bar`` and ``high_price`` (or low), which stay until the next one.
    """
    side = leg["side"]
    first = max(leg["last_bar"] + 1, t - span + 1)
    if side >= 0 and average > leg["high_average"]:
        bar = highest_bar(bars, mask, first, t)
        leg["high_average"], leg["high_bar"], leg["high_price"] = average, bar, bars[HIGH_ROW, bar & mask]
    if side <= 0 and average < leg["low_average"]:
        bar = lowest_bar(bars, mask, first, t)
        leg["low_average"], leg["low_bar"], leg["low_price"] = average, bar, bars[LOW_ROW, bar & mask]
    least = max(reversal, _ROUNDING * abs(average))
    if side >= 0 and leg["high_average"] - average > least:
        leg["side"], leg["last_bar"] = LOW_SIDE, leg["high_bar"]
        bar = lowest_bar(bars, mask, max(leg["last_bar"] + 1, t - span + 1), t)
        leg["low_average"], leg["low_bar"], leg["low_price"] = average, bar, bars[LOW_ROW, bar & mask]
        return HIGH_SIDE
    if side <= 0 and average - leg["low_average"] > least:
        leg["side"], leg["last_bar"] = HIGH_SIDE, leg["low_bar"]
        bar = highest_bar(bars, mask, max(leg["last_bar"] + 1, t - span + 1), t)
        leg["high_average"], leg["high_bar"], leg["high_price"] = average, bar, bars[HIGH_ROW, bar & mask]
        return LOW_SIDE
    return 0


@kernel(f8(record(_SPAN), f8, i8))
def _remember(span: Any, average: float, steps_per_span: int) -> float:
    """Enter one more average of a span; returns the typical change, -1 while it is unknown."""
    n = span["n_averages"]
    recent = span["recent"]
    if n >= steps_per_span:
        change = abs(average - recent[steps_per_span - 1])
        n_changes = n - steps_per_span
        typical = span["typical_change"]
        if n_changes >= 2 * _LEAST_STEPS:
            change = min(change, _CLIP * typical)
        weight = 1.0 / min(n_changes + 1, _MEMORY_SPANS * steps_per_span)
        span["typical_change"] = typical + weight * (change - typical)
    for k in range(steps_per_span - 1, 0, -1):
        recent[k] = recent[k - 1]
    recent[0] = average
    span["n_averages"] = n + 1
    return span["typical_change"] if n >= steps_per_span + _LEAST_STEPS else -1.0


@kernel(i8(record(SWING_STATE)))
def restart_swings(state: Any) -> int:
    """Forget everything: the next bar is the first. Returns 0."""
    state["first_bar"] = -1
    for s in range(N_SPANS):
        state["spans"][s]["n_averages"] = 0
        state["spans"][s]["typical_change"] = 0.0
    for s in range(N_SCALES):
        leg = state["legs"][s]
        leg["side"] = 0
        leg["last_bar"] = -1
        leg["high_average"] = -math.inf
        leg["low_average"] = math.inf
    return 0


@kernel(i8(record(SWING_STATE), _BARS, i8, i8, records(SWING), i8))
def advance_swings(state: Any, bars: FloatArray, mask: int, t: int, out: Any, n_out: int) -> int:
    """Follow every scale to bar ``t`` and append the swings that it confirms to ``out``; returns their new number.

    Args:
        state: as :func:`swing_state` makes it.
        bars: float64[3 or more, capacity], rows HIGH LOW CLOSE first, bar ``t`` in column ``t & mask``;
            the last :data:`SWING_RING` bars are read.
        mask: capacity - 1, or -1 where the columns are all bars.
        t: number of the bar; each follows the one before.
        out: room for :data:`N_SCALES` more records of :data:`SWING`, ordered by scale.
        n_out: how many are in it.
    """
    high, low, close = bars[HIGH_ROW, t & mask], bars[LOW_ROW, t & mask], bars[CLOSE_ROW, t & mask]
    if not (math.isfinite(high) and math.isfinite(low) and math.isfinite(close)):
        restart_swings(state)
        return n_out
    if state["first_bar"] < 0:
        state["first_bar"] = t
    for s in range(N_SPANS):
        span, stride = _SPANS_ARRAY[s], _STRIDES_ARRAY[s]
        if (t + 1) % stride != 0 or t + 1 - state["first_bar"] < span:
            continue
        average = mean_close(bars, mask, t - span + 1, t)
        typical = _remember(state["spans"][s], average, span // stride)
        if typical < 0.0:
            continue
        for r in range(N_REVERSALS):
            scale = s * N_REVERSALS + r
            leg = state["legs"][scale]
            side = advance_leg(leg, bars, mask, t, span, average, _REVERSALS_ARRAY[r] * typical)
            if side != 0:
                swing = out[n_out]
                swing["bar"] = leg["high_bar"] if side == HIGH_SIDE else leg["low_bar"]
                swing["price"] = leg["high_price"] if side == HIGH_SIDE else leg["low_price"]
                swing["side"], swing["known_at"], swing["scale"] = side, t, scale
                n_out += 1
    return n_out


@kernel(i8(record(SWING_STATE), _BARS, i8, i8, records(SWING)))
def _advance_run(state: Any, bars: FloatArray, t0: int, t1: int, out: Any) -> int:
    """Swings of the bars ``t0 .. t1 - 1`` of whole columns; returns their number."""
    n_out = 0
    for t in range(t0, t1):
        n_out = advance_swings(state, bars, -1, t, out, n_out)
    return n_out


def swing_state() -> npt.NDArray[Any]:
    """State of :func:`advance_swings`: one record, whose bytes are all there is to save."""
    state = np.zeros(1, SWING_STATE)
    restart_swings(state[0])
    return state


_CHUNK = 4096


def swings(bars: Any) -> npt.NDArray[Any]:
    """All confirmed swings of all scales, ordered by (known_at, scale).

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays or a DataFrame with ``high``, ``low`` and ``close``.

    Returns:
        Records of :data:`SWING`. Those of one scale are ``found[found["scale"] == scale]``.

    Raises:
        DataError: a column is missing, is not numeric, or is of another length.
    """
    rows = price_rows(bars, "swings")
    state, room = swing_state(), np.zeros(_CHUNK * N_SCALES, SWING)
    found = [np.zeros(0, SWING)]
    for t0 in range(0, rows.shape[1], _CHUNK):
        n = _advance_run(state[0], rows, t0, min(t0 + _CHUNK, rows.shape[1]), room)
        found.append(room[:n].copy())
    return np.concatenate(found)


class SwingStream:
    """Swings fed one bar at a time: the same records as :func:`swings`, bit for bit."""

    def __init__(self) -> None:
        self._state = swing_state()
        self._bars = np.zeros((3, SWING_RING))
        self._out = np.zeros(N_SCALES, SWING)
        self._t = 0

    def push(self, high: float, low: float, close: float) -> npt.NDArray[Any]:
        """Advance by one bar; returns the swings that it confirms, often none."""
        self._bars[:, self._t & (SWING_RING - 1)] = high, low, close
        n = advance_swings(self._state[0], self._bars, SWING_RING - 1, self._t, self._out, 0)
        self._t += 1
        return self._out[:n].copy()


__all__ = [
    "HIGH_SIDE", "LOW_SIDE", "N_SCALES", "REVERSALS", "SCALES", "SPANS_BARS", "STRIDES_BARS", "SWING",
    "SWING_RING", "SWING_STATE",
    "SwingStream", "advance_swings", "highest_bar", "lowest_bar", "mean_close", "restart_swings", "swing_state",
    "swings",
]  # fmt: skip
