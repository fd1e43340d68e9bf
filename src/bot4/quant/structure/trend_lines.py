"""Trend lines through confirmed swings: supports along lows, resistances along highs, straight in price.

A line goes through two swings of one side. With ``unit`` the mean true range of the 100 bars until the second was
confirmed, and ``margin = tolerance x unit``:

* no close from the first swing to the confirmation of the second lies beyond the line (below a support, above a
  resistance) by more than the margin;
* its *touches* are the swings of its side, from the first until it is broken, that lie within the margin of it;
* it is *known* once its second swing is confirmed, and *broken* at the first later bar that closes beyond it by more
  than the margin. It is kept, and says so.

So what a line is never changes: as bars come it gains touches, and then is broken once. Which lines are shown is
chosen anew for each bar ``t``, by

    score = (touches - 1) sqrt(length / window) / (1 + distance / 10) x (1/2 if broken),

with the length in bars from the first touch to the last, and the distance in units from the line's value at ``t`` to
the close. Of two lines of one side within a margin of each other at both ends, the one of less score is left out.

Source: R. D. Edwards and J. Magee, "Technical Analysis of Stock Trends" (1948), ch. 14, with stated tolerances.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, records
from bot4.quant.patterns.detection import CLOSE_ROW, price_rows
from bot4.quant.patterns.swings import HIGH_SIDE, LOW_SIDE, swings
from bot4.quant.structure.window import TURN, Swings, Window, positive, whole_number, window

UNIT_BARS = 100
MAX_ANCHORS = 60
"""Lines go through the latest so many swings of a side."""

_FAR = 10.0

_LINE = np.dtype(
    [
        ("first", np.int64),  # rows of the two anchors
        ("second", np.int64),
        ("broken_at", np.int64),  # -1 while it holds
    ]
)


@dataclass(frozen=True, slots=True)
class LinePoint:
    """A bar index and a price."""

    bar: int
    price: float


@dataclass(frozen=True, slots=True)
class TrendLine:
    """A line through two or more swings.

    Attributes:
        role: ``support`` along lows or ``resistance`` along highs.
        touches: swings within the margin, oldest first; the first is on the line.
        slope: price per bar.
        margin: how far beyond it a close may lie, in price.
        known_at: bar at whose close it was first known.
        broken_at: bar whose close broke it, None while it holds.
        value: its price at the bar asked for.
        score: by the formula of the module.
    """

    role: str
    touches: tuple[LinePoint, ...]
    slope: float
    margin: float
    known_at: int
    broken_at: int | None
    value: float
    score: float

    def at(self, bar: float) -> float:
        """The line's price at a bar, before its first touch and in the future too."""
        return self.touches[0].price + self.slope * (bar - self.touches[0].bar)

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return asdict(self)


def trend_lines(
    bars: Any,
    found: Swings | None = None,
    *,
    as_of: int | None = None,
    lookback_bars: int | None = 500,
    tolerance: float = 0.5,
    min_touches: int = 2,
    min_span_bars: int = 6,
    count: int | None = 3,
) -> tuple[TrendLine, ...]:
    """Trend lines known at the close of a bar: the best of each role, supports first, each role best first.

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays or a DataFrame with ``high``, ``low`` and ``close``. A bar
            where one of them is not finite starts everything again.
        found: the swings of the same bars, where they are at hand.
        as_of: index of the bar; by default the last one.
        lookback_bars: the swings of so many bars; None for all.
        tolerance: margin in mean true ranges.
        min_touches: touches that a line must have.
        min_span_bars: narrowest span of the swings.
        count: how many lines of each role at most.

    Raises:
        SettingError: a setting out of its bounds.
        UsageError: no bar of index ``as_of``.
        DataError: a column is missing, is not numeric, or is of another length.
    """
    positive("tolerance", tolerance)
    whole_number("min_touches", min_touches, 2)
    if count is not None:
        whole_number("count", count, 1)
    rows = price_rows(bars, "trend_lines")
    found = swings(bars) if found is None else found
    at = window(rows, found, as_of=as_of, lookback_bars=lookback_bars, min_span_bars=min_span_bars)
    lines: list[TrendLine] = []
    for side in (LOW_SIDE, HIGH_SIDE):
        drawn = _lines_of_side(at, side, tolerance)
        kept = [line for line in drawn if len(line.touches) >= min_touches]
        lines += _apart(sorted(kept, key=_rank), at, count)
    return tuple(lines)


def _rank(line: TrendLine) -> tuple[float, int, int]:
    return -line.score, line.touches[0].bar, line.touches[-1].bar


def _lines_of_side(at: Window, side: int, tolerance: float) -> list[TrendLine]:
    turns = at.turns[at.turns["side"] == side][-MAX_ANCHORS:]
    if len(turns) < 2:
        return []
    units = [at.mean_true_range(known_at, UNIT_BARS) for known_at in turns["known_at"].tolist()]
    margins = tolerance * np.array(units)
    drawn = np.empty(len(turns) * (len(turns) - 1) // 2, _LINE)
    n = _draw(turns, margins, np.ascontiguousarray(at.row(CLOSE_ROW)), at.first, drawn)
    return [_line(at, turns, line, float(margins[line["second"]]), tolerance) for line in drawn[:n]]


def _line(at: Window, turns: Swings, line: Any, margin: float, tolerance: float) -> TrendLine:
    first, second = turns[line["first"]], turns[line["second"]]
    slope = float((second["price"] - first["price"]) / (second["bar"] - first["bar"]))
    broken_at = int(line["broken_at"])
    offset = turns["price"] - (first["price"] + slope * (turns["bar"] - first["bar"]))
    is_touch = (turns["bar"] >= first["bar"]) & (np.abs(offset) <= margin)
    if broken_at >= 0:
        is_touch &= turns["bar"] < broken_at
    touches = tuple(LinePoint(int(turn["bar"]), float(turn["price"])) for turn in turns[is_touch])
    value = float(first["price"]) + slope * (at.as_of - int(first["bar"]))
    distance = abs(value - float(at.rows[CLOSE_ROW, at.as_of])) * tolerance / margin
    length = touches[-1].bar - touches[0].bar
    score = (len(touches) - 1) * math.sqrt(length / len(at)) / (1.0 + distance / _FAR)
    return TrendLine(
        role="support" if first["side"] == LOW_SIDE else "resistance",
        touches=touches,
        slope=slope,
        margin=margin,
        known_at=int(max(first["known_at"], second["known_at"])),
        broken_at=broken_at if broken_at >= 0 else None,
        value=value,
        score=score if broken_at < 0 else 0.5 * score,
    )


def _apart(lines: list[TrendLine], at: Window, count: int | None) -> list[TrendLine]:
    """The best lines that are not nearly the same as a better one."""
    kept: list[TrendLine] = []
    for line in lines:
        if count is not None and len(kept) == count:
            break
        start = line.touches[0].bar
        if not any(
            abs(line.at(start) - other.at(start)) <= other.margin and abs(line.value - other.value) <= other.margin
            for other in kept
        ):
            kept.append(line)
    return kept


@kernel(i8(array(f8), i8, i8, f8, f8, i8, f8))
def _first_close_beyond(
    closes: FloatArray, first_bar: int, bar: int, price: float, slope: float, side: int, margin: float
) -> int:
    """The first bar from ``bar`` on whose close lies beyond the line by more than the margin, -1 if none does."""
    for k in range(bar - first_bar, len(closes)):
        if side * (closes[k] - (price + slope * (first_bar + k - bar))) > margin:
            return first_bar + k
    return -1


@kernel(i8(records(TURN), array(f8), array(f8), i8, records(_LINE)))
def _draw(turns: Any, margins: FloatArray, closes: FloatArray, first_bar: int, out: Any) -> int:
    """Every line through two of the swings of one side that was not broken before it was known; returns their number.

    ``closes[0]`` is the close of bar ``first_bar``, the last one that of the bar asked for.
    """
    n_out = 0
    for second in range(1, len(turns)):
        for first in range(second):
            bar, price = turns[first]["bar"], turns[first]["price"]
            slope = (turns[second]["price"] - price) / (turns[second]["bar"] - bar)
            known_at = max(turns[first]["known_at"], turns[second]["known_at"])
            side, margin = turns[first]["side"], margins[second]
            broken_at = _first_close_beyond(closes, first_bar, bar, price, slope, side, margin)
            if margin <= 0.0 or (broken_at >= 0 and broken_at <= known_at):
                continue
            line = out[n_out]
            line["first"], line["second"], line["broken_at"] = first, second, broken_at
            n_out += 1
    return n_out


__all__ = ["MAX_ANCHORS", "UNIT_BARS", "LinePoint", "TrendLine", "trend_lines"]
