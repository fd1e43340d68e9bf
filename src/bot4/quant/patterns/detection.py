"""What every pattern detector takes and gives: price columns in, dated detections out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError
from bot4.quant.series.bar_columns import bar_columns

MAX_POINTS = 8

PATTERN = np.dtype(
    [
        ("kind", np.int64),  # index into the family's table of kinds
        ("direction", np.int64),  # +1 bullish, -1 bearish, 0 either
        ("known_at", np.int64),  # index of the bar at whose close it is first known
        ("n_points", np.int64),
        ("point_bar", np.int64, MAX_POINTS),
        ("point_price", np.float64, MAX_POINTS),
        ("target", np.float64),
        ("invalidation", np.float64),
        ("confidence", np.float64),  # 0 .. 1
    ]
)
"""One detection as detectors write it: fields of eight bytes, no padding, prices in the quote currency."""

HIGH_ROW, LOW_ROW, CLOSE_ROW = 0, 1, 2
PRICE_ROWS = ("high", "low", "close")


@dataclass(frozen=True, slots=True)
class PatternKind:
    """One kind of pattern in words, for tables, help and the reference.

    Attributes:
        name: as users write it, for example ``double_top``.
        direction: +1 bullish, -1 bearish, 0 either.
        definition: what it is.
        labels: of its points, oldest first.
        target: how the target price is found.
        invalidation: how the price that refutes it is found.
        source: where the definition comes from.
    """

    name: str
    direction: int
    definition: str
    labels: tuple[str, ...]
    target: str
    invalidation: str
    source: str


@dataclass(frozen=True, slots=True)
class PatternPoint:
    """A labelled point of a pattern: bar index and price."""

    label: str
    bar: int
    price: float


@dataclass(frozen=True, slots=True)
class Detection:
    """A pattern found, dated when it could first be known.

    Attributes:
        family: ``chart``, ``harmonic`` or ``elliott``.
        name: its kind.
        direction: +1 bullish, -1 bearish, 0 either.
        known_at: index of the bar at whose close it is first known; no later bar changes it.
        points: oldest first.
        target: price that the pattern aims at.
        invalidation: price that refutes it.
        confidence: 0 .. 1, by the family's stated formula.
    """

    family: str
    name: str
    direction: int
    known_at: int
    points: tuple[PatternPoint, ...]
    target: float
    invalidation: float
    confidence: float

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return asdict(self)


def detections(family: str, found: npt.NDArray[Any], kinds: Sequence[PatternKind]) -> tuple[Detection, ...]:
    """Records of :data:`PATTERN` as users see them, in the order found."""
    return tuple(_detection(family, record, kinds[int(record["kind"])]) for record in found)


def _detection(family: str, record: Any, kind: PatternKind) -> Detection:
    bars, prices = record["point_bar"].tolist(), record["point_price"].tolist()
    n_points = int(record["n_points"])
    points = zip(kind.labels, bars[:n_points], prices[:n_points], strict=False)
    return Detection(
        family=family,
        name=kind.name,
        direction=int(record["direction"]),
        known_at=int(record["known_at"]),
        points=tuple(PatternPoint(label, bar, price) for label, bar, price in points),
        target=float(record["target"]),
        invalidation=float(record["invalidation"]),
        confidence=float(record["confidence"]),
    )


def kind_numbers(names: Iterable[str] | None, kinds: Sequence[PatternKind]) -> frozenset[int]:
    """Numbers of the named kinds, of all where ``names`` is None.

    Raises:
        SettingError: an unknown name.
    """
    if names is None:
        return frozenset(range(len(kinds)))
    known = dict.fromkeys(kind.name for kind in kinds)
    chosen = [names] if isinstance(names, str) else list(names)
    for name in chosen:
        if name not in known:
            remedy = f"choose from {', '.join(known)}"
            raise SettingError(f"there is no pattern {name}", where="patterns", remedy=remedy)
    return frozenset(number for number, kind in enumerate(kinds) if kind.name in chosen)


def price_rows(bars: Any, where: str = "patterns") -> FloatArray:
    """High, low and close as float64[3, n] of a :class:`BarSeries`, a mapping of arrays or a DataFrame.

    Raises:
        DataError: a column is missing, is not numeric, or is of another length.
    """
    return np.array(bar_columns(bars, PRICE_ROWS, where))


__all__ = [
    "CLOSE_ROW", "HIGH_ROW", "LOW_ROW", "MAX_POINTS", "PATTERN", "PRICE_ROWS", "Detection", "PatternKind",
    "PatternPoint", "detections", "kind_numbers", "price_rows",
]  # fmt: skip
