"""The bars and confirmed swings that structure is read from: a window that ends at the bar it is asked for.

A bar that is not finite starts everything again, as it does for swings: the window begins after the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError, UsageError
from bot4.quant.patterns.detection import CLOSE_ROW, HIGH_ROW, LOW_ROW
from bot4.quant.patterns.swings import SCALES, SPANS_BARS

Swings = npt.NDArray[Any]

TURN = np.dtype(
    [
        ("bar", np.int64),
        ("price", np.float64),  # the bar's high or low
        ("side", np.int64),  # +1 high, -1 low
        ("known_at", np.int64),  # bar at whose close the first of its scales confirmed it
        ("span", np.int64),  # in bars, the widest scale that has confirmed it
    ]
)
"""A swing without its scales: once, however many scales confirm it."""

_SPANS = np.array([span for span, _reversal in SCALES], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is known at the close of bar ``as_of``.

    Attributes:
        first: index of the first bar of the window.
        as_of: index of its last bar.
        rows: float64[3 or more, as_of + 1], all bars until ``as_of``: high, low, close, then what else was given.
        run_start: first bar since the last one that was not finite; ``first`` is not before it.
        turns: records of :data:`TURN` on bars of the window, by (bar, side).
    """

    first: int
    as_of: int
    rows: FloatArray
    run_start: int
    turns: Swings

    def __len__(self) -> int:
        return self.as_of + 1 - self.first

    def row(self, number: int) -> FloatArray:
        """One row of the bars ``first .. as_of``."""
        return self.rows[number, self.first :]

    def mean_true_range(self, end: int, n_bars: int) -> float:
        """Mean true range of the last ``n_bars`` bars until ``end``, of fewer where the run began later."""
        start = max(self.run_start, end + 1 - n_bars)
        high, low = self.rows[HIGH_ROW, start : end + 1], self.rows[LOW_ROW, start : end + 1]
        before = self.rows[CLOSE_ROW, max(start - 1, self.run_start) : end]
        if start == self.run_start:  # its first bar has no close before it
            before = np.concatenate([np.clip(self.rows[CLOSE_ROW, start : start + 1], low[:1], high[:1]), before])
        return float(np.mean(np.maximum(high, before) - np.minimum(low, before)))


def window(
    rows: FloatArray,
    swings: Swings,
    *,
    as_of: int | None,
    lookback_bars: int | None,
    min_span_bars: int = 1,
) -> Window:
    """The window of the last ``lookback_bars`` bars (None: of all) until ``as_of`` (None: the last bar).

    Args:
        rows: float64[3 or more, n], high, low and close first.
        swings: confirmed swings of the same bars, records of :data:`bot4.quant.patterns.swings.SWING`.
        as_of: index of the bar.
        lookback_bars: length of the window.
        min_span_bars: narrowest span of the swings to take.

    Raises:
        UsageError: no bar of index ``as_of``.
        SettingError: a length that is no whole number from 1 up, or a span wider than the widest scale.
    """
    n = rows.shape[1]
    end = n - 1 if as_of is None else as_of
    if not (0 <= end < n or (as_of is None and n == 0)):
        raise UsageError(f"there is no bar {as_of} among {n}", where="structure", remedy=f"give 0 to {n - 1}")
    if lookback_bars is not None:
        whole_number("lookback_bars", lookback_bars, 1)
    whole_number("min_span_bars", min_span_bars, 1, SPANS_BARS[-1])
    rows = rows[:, : end + 1]
    is_bad = ~np.isfinite(rows).all(axis=0)
    run_start = int(np.flatnonzero(is_bad)[-1]) + 1 if is_bad.any() else 0
    first = run_start if lookback_bars is None else max(run_start, end + 1 - lookback_bars)
    return Window(first, end, rows, run_start, _turns(swings, first, end, min_span_bars))


def whole_number(name: str, value: Any, low: int, high: int | None = None) -> None:
    """Refuse what is no whole number within its bounds.

    Raises:
        SettingError: naming the bounds.
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        bounds = f"from {low} up" if high is None else f"from {low} to {high}"
        raise SettingError(f"{name} = {value!r} is out of bounds", where="structure", remedy=f"whole numbers {bounds}")


def positive(name: str, value: Any) -> None:
    """Refuse what is no positive finite number.

    Raises:
        SettingError: naming it.
    """
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_number or not 0.0 < value < np.inf:
        raise SettingError(f"{name} = {value!r} is out of bounds", where="structure", remedy="give a number above 0")


def _turns(swings: Swings, first: int, as_of: int, min_span_bars: int) -> Swings:
    spans = _SPANS[swings["scale"]]
    is_taken = (swings["known_at"] <= as_of) & (swings["bar"] >= first) & (spans >= min_span_bars)
    found, spans = swings[is_taken], spans[is_taken]
    order = np.lexsort((found["known_at"], found["side"], found["bar"]))
    found, spans = found[order], spans[order]
    is_new = np.ones(len(found), np.bool_)
    is_new[1:] = (np.diff(found["bar"]) != 0) | (np.diff(found["side"]) != 0)
    starts = np.flatnonzero(is_new)
    turns = np.empty(len(starts), TURN)
    for name in ("bar", "price", "side", "known_at"):
        turns[name] = found[name][starts]
    if len(starts):
        turns["span"] = np.maximum.reduceat(spans, starts)
    return turns


__all__ = ["TURN", "Swings", "Window", "positive", "whole_number", "window"]
