"""Fibonacci retracements and extensions of a leg, and of the latest legs between confirmed swings.

For a leg from price ``a`` to price ``b``:

* retracement ``r``: ``b - r (b - a)``, the price at which the share ``r`` of the leg is taken back;
* extension ``r``: ``a + r (b - a)``, beyond the end for ``r > 1``;
* extension ``r`` from a pullback to ``c``: ``c + r (b - a)``, where the next leg is ``r`` times the first.

Source: R. Fischer, "Fibonacci Applications and Strategies for Traders" (1993); the ratios are powers of the golden
section 0.618 and their roots, 0.5 and 2 by custom.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bot4.domain.errors import SettingError
from bot4.quant.patterns.detection import CLOSE_ROW, price_rows
from bot4.quant.patterns.swings import SCALES, swings
from bot4.quant.structure.window import Swings, Window, whole_number, window

RETRACEMENTS = (0.236, 0.382, 0.5, 0.618, 0.786)
EXTENSIONS = (1.272, 1.414, 1.618, 2.0, 2.618)


@dataclass(frozen=True, slots=True)
class FibonacciLevel:
    """A ratio of a leg and the price it falls on."""

    ratio: float
    price: float


@dataclass(frozen=True, slots=True)
class FibonacciLeg:
    """A leg between two confirmed swings that follow each other at one scale, with its ratios.

    Attributes:
        direction: +1 up, -1 down.
        start_bar, start_price: where it began.
        end_bar, end_price: where it ended.
        known_at: bar at whose close its end was confirmed.
        retraced: share of it that the close of the bar asked for has taken back; above 1 beyond its start,
            below 0 beyond its end.
        retracements: by ratio.
        extensions: by ratio.
    """

    direction: int
    start_bar: int
    start_price: float
    end_bar: int
    end_price: float
    known_at: int
    retraced: float
    retracements: tuple[FibonacciLevel, ...]
    extensions: tuple[FibonacciLevel, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return asdict(self)


def retracements(start: float, end: float, ratios: Iterable[float] = RETRACEMENTS) -> tuple[FibonacciLevel, ...]:
    """Retracements of the leg from price ``start`` to price ``end``, in the order of the ratios.

    Raises:
        SettingError: a price or a ratio that is not finite.
    """
    return tuple(FibonacciLevel(ratio, end - ratio * (end - start)) for ratio in _finite(ratios, start, end))


def extensions(
    start: float, end: float, ratios: Iterable[float] = EXTENSIONS, *, pullback: float | None = None
) -> tuple[FibonacciLevel, ...]:
    """Extensions of the leg from price ``start`` to price ``end``, in the order of the ratios.

    Args:
        start: price at which the leg began.
        end: price at which it ended.
        ratios: multiples of the leg.
        pullback: price from which the leg is laid on again; by default its start.

    Raises:
        SettingError: a price or a ratio that is not finite.
    """
    origin = start if pullback is None else pullback
    return tuple(FibonacciLevel(ratio, origin + ratio * (end - start)) for ratio in _finite(ratios, start, end, origin))


def fibonacci_legs(
    bars: Any,
    found: Swings | None = None,
    *,
    as_of: int | None = None,
    count: int = 1,
    span_bars: int = 12,
    reversal: float = 2.0,
) -> tuple[FibonacciLeg, ...]:
    """The latest legs of one scale that are confirmed at the close of a bar, the latest first.

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays or a DataFrame with ``high``, ``low`` and ``close``.
        found: the swings of the same bars, where they are at hand.
        as_of: index of the bar; by default the last one.
        count: how many legs.
        span_bars: span of the scale, see :data:`bot4.quant.patterns.swings.SCALES`.
        reversal: reversal of the scale.

    Returns:
        Fewer legs than ``count`` where there are fewer. No leg spans a bar that is not finite.

    Raises:
        SettingError: no such scale, or a count below 1.
        UsageError: no bar of index ``as_of``.
        DataError: a column is missing, is not numeric, or is of another length.
    """
    whole_number("count", count, 1)
    if (span_bars, reversal) not in SCALES:
        spans, reversals = (", ".join(map(str, sorted(set(values)))) for values in zip(*SCALES, strict=True))
        remedy = f"spans are {spans}; reversals {reversals}"
        raise SettingError(f"no swings of span {span_bars} and reversal {reversal}", where="fibonacci", remedy=remedy)
    rows = price_rows(bars, "fibonacci")
    found = swings(bars) if found is None else found
    at = window(rows, found[found["scale"] == SCALES.index((span_bars, reversal))], as_of=as_of, lookback_bars=None)
    ends = np.arange(len(at.turns) - 1, 0, -1)[:count]
    return tuple(_leg(at, int(end)) for end in ends)


def _leg(at: Window, end: int) -> FibonacciLeg:
    a, b = at.turns[end - 1], at.turns[end]
    start, stop = float(a["price"]), float(b["price"])
    close, height = float(at.rows[CLOSE_ROW, at.as_of]), stop - start
    return FibonacciLeg(
        direction=int(b["side"]),
        start_bar=int(a["bar"]),
        start_price=start,
        end_bar=int(b["bar"]),
        end_price=stop,
        known_at=int(b["known_at"]),
        retraced=(stop - close) / height if height else math.nan,
        retracements=retracements(start, stop),
        extensions=extensions(start, stop),
    )


def _finite(ratios: Iterable[float], *prices: float) -> tuple[float, ...]:
    kept = tuple(ratios)
    if not all(map(math.isfinite, (*kept, *prices))):
        raise SettingError("a price or a ratio is not finite", where="fibonacci", remedy="give finite numbers")
    return kept


__all__ = [
    "EXTENSIONS", "RETRACEMENTS", "FibonacciLeg", "FibonacciLevel", "extensions", "fibonacci_legs", "retracements",
]  # fmt: skip
