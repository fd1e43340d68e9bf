"""Harmonic patterns: AB=CD, Gartley, bat, butterfly, crab, deep crab, shark, cypher, 5-0 and three drives.

How they are searched, fitted and judged is in :mod:`bot4.quant.patterns.wave_scan`; here is what they are. Prices of
the points are those of the fitted legs, moved as little as the ratios of the table need. Ratios give way by 5%.

The target is one price: 0.382 of AD back from D (Carney's first objective), with exceptions in the table. A pattern is
refuted beyond its invalidation.

Sources: H. M. Gartley, *Profits in the Stock Market* (1935); S. Carney, *Harmonic Trading* vol. 1 and 2 (2010) and
vol. 3 (2016); L. Pesavento, *Fibonacci Ratios with Pattern Recognition* (1997); D. Oglesbee for the cypher.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.quant.patterns.detection import CLOSE_ROW, Detection, PatternKind, detections, price_rows
from bot4.quant.patterns.ratios import Level, Ratio, RatioSet
from bot4.quant.patterns.wave_table import WaveForm, WaveScanner, wave_table

FAMILY = "harmonic"
LEAST_CONFIDENCE = 0.5
"""Default: at most one detection, all kinds together, in 1,000 bars of a random walk."""

_RETRACED = (0.382, 0.886)
_CARNEY_1 = "Carney, Harmonic Trading vol. 1"
_FIRST_OBJECTIVE = Level("D", "AD", -0.382)

HARMONIC_FORMS = (
    WaveForm(
        "ab_cd",
        "ABCD",
        (RatioSet(24.8, (Ratio("BC", "AB", *_RETRACED), Ratio("CD", "AB", 1.0))),),
        target=_FIRST_OBJECTIVE,
        invalidation=Level("C", "AB", 1.272),
        is_timed=True,
        note="AB and CD last alike",
        source=f"Gartley 1935; {_CARNEY_1}",
    ),
    WaveForm(
        "gartley",
        "XABCD",
        (
            RatioSet(
                28.3,
                (
                    Ratio("AB", "XA", 0.618),
                    Ratio("BC", "AB", *_RETRACED),
                    Ratio("AD", "XA", 0.786),
                    Ratio("CD", "BC", 1.13, 1.618),
                ),
            ),
        ),
        target=_FIRST_OBJECTIVE,
        invalidation=Level("X"),
        source=f"Gartley 1935; {_CARNEY_1}",
    ),
    WaveForm(
        "bat",
        "XABCD",
        (
            RatioSet(
                28.1,
                (
                    Ratio("AB", "XA", 0.382, 0.5),
                    Ratio("BC", "AB", *_RETRACED),
                    Ratio("AD", "XA", 0.886),
                    Ratio("CD", "BC", 1.618, 2.618),
                ),
            ),
        ),
        target=_FIRST_OBJECTIVE,
        invalidation=Level("X"),
        source=_CARNEY_1,
    ),
    WaveForm(
        "butterfly",
        "XABCD",
        (
            RatioSet(
                28.7,
                (
                    Ratio("AB", "XA", 0.786),
                    Ratio("BC", "AB", *_RETRACED),
                    Ratio("AD", "XA", 1.27),
                    Ratio("CD", "BC", 1.618, 2.618),
                ),
            ),
        ),
        target=_FIRST_OBJECTIVE,
        invalidation=Level("A", "XA", -1.414),
        source=f"Gilmore and Pesavento; {_CARNEY_1}",
    ),
    WaveForm(
        "crab",
        "XABCD",
        (
            RatioSet(
                25.4,
                (
                    Ratio("AB", "XA", 0.382, 0.618),
                    Ratio("BC", "AB", *_RETRACED),
                    Ratio("AD", "XA", 1.618),
                    Ratio("CD", "BC", 2.24, 3.618),
                ),
            ),
        ),
        target=_FIRST_OBJECTIVE,
        invalidation=Level("A", "XA", -2.0),
        source=_CARNEY_1,
    ),
    WaveForm(
        "deep_crab",
        "XABCD",
        (
            RatioSet(
                28.0,
                (
                    Ratio("AB", "XA", 0.886),
                    Ratio("BC", "AB", *_RETRACED),
                    Ratio("AD", "XA", 1.618),
                    Ratio("CD", "BC", 2.0, 3.618),
                ),
            ),
        ),
        target=_FIRST_OBJECTIVE,
        invalidation=Level("A", "XA", -2.0),
        source="Carney, Harmonic Trading vol. 2",
    ),
    WaveForm(
        "shark",
        "0XABC",
        (
            RatioSet(
                29.5, (Ratio("AB", "XA", 1.13, 1.618), Ratio("BC", "AB", 1.618, 2.24), Ratio("XC", "0X", 0.886, 1.13))
            ),
        ),
        target=Level("C", "BC", -0.5),
        invalidation=Level("X", "0X", -1.272),
        note="the 5-0 follows at half of BC",
        source="Carney, Harmonic Trading vol. 3",
    ),
    WaveForm(
        "cypher",
        "XABCD",
        (RatioSet(28.6, (Ratio("AB", "XA", 0.382, 0.618), Ratio("XC", "XA", 1.272, 1.414), Ratio("CD", "XC", 0.786))),),
        target=Level("D", "CD", -0.382),
        invalidation=Level("X"),
        source="Oglesbee",
    ),
    WaveForm(
        "five_o",
        "XABCD",
        (RatioSet(28.3, (Ratio("AB", "XA", 1.13, 1.618), Ratio("BC", "AB", 1.618, 2.24), Ratio("CD", "BC", 0.5))),),
        target=Level("C"),
        invalidation=Level("C", "BC", -0.886),
        source="Carney, Harmonic Trading vol. 2",
    ),
    WaveForm(
        "three_drives",
        "012345",
        tuple(
            RatioSet(
                19.7,
                (
                    Ratio("12", "01", retraced),
                    Ratio("23", "12", extended),
                    Ratio("34", "23", retraced),
                    Ratio("45", "34", extended),
                ),
            )
            for retraced, extended in ((0.618, 1.618), (0.786, 1.272))
        ),
        target=Level("5", "05", -0.618),
        invalidation=Level("4", "34", -2.0),
        is_timed=True,
        note="drives last alike, and so do the corrections",
        source="Pesavento, Fibonacci Ratios with Pattern Recognition",
    ),
)

HARMONIC_KINDS: tuple[PatternKind, ...] = tuple(form.described() for form in HARMONIC_FORMS)
"""The kinds in words."""


class HarmonicStream:
    """Harmonic patterns one bar at a time: the same detections, each when it is known.

    Args:
        kinds: names of the kinds to look for, all if None.
        least_confidence: of a detection, between 0 and 1.

    Raises:
        SettingError: an unknown kind, or a confidence out of its bounds.
    """

    def __init__(self, kinds: Iterable[str] | None = None, least_confidence: float = LEAST_CONFIDENCE) -> None:
        self._scanner = WaveScanner(wave_table(HARMONIC_FORMS, kinds), least_confidence)

    def push(self, close: float) -> tuple[Detection, ...]:
        """What this close, that of the next bar, makes known; nothing before and at a bar that is not finite."""
        return _as_seen(self._scanner.advance(np.array([close], np.float64)))

    def save(self) -> bytes:
        """The state, from which :meth:`load` goes on."""
        return self._scanner.save()

    def load(self, saved: bytes) -> None:
        """Go on from what :meth:`save` gave, of a stream of the same kinds and confidence."""
        self._scanner.load(saved)


def harmonic_patterns(
    bars: Any, *, kinds: Iterable[str] | None = None, least_confidence: float = LEAST_CONFIDENCE
) -> tuple[Detection, ...]:
    """Harmonic patterns in bars, in the order in which they are known.

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays or a DataFrame with ``high``, ``low`` and ``close``, oldest
            first. Closes are read. A close that is not finite starts the search again after it.
        kinds: names of the kinds to look for, all if None; see :data:`HARMONIC_KINDS`.
        least_confidence: of a detection, between 0 and 1.

    Raises:
        DataError: a column is missing, is not numeric, or is of another length.
        SettingError: an unknown kind, or a confidence out of its bounds.
    """
    scanner = WaveScanner(wave_table(HARMONIC_FORMS, kinds), least_confidence)
    return _as_seen(scanner.advance(price_rows(bars, FAMILY)[CLOSE_ROW]))


def _as_seen(found: npt.NDArray[Any]) -> tuple[Detection, ...]:
    return detections(FAMILY, found["pattern"], HARMONIC_KINDS)


__all__ = ["FAMILY", "HARMONIC_FORMS", "HARMONIC_KINDS", "LEAST_CONFIDENCE", "HarmonicStream", "harmonic_patterns"]
