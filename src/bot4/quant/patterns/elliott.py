"""Elliott waves: completed impulses, zigzags, flats and triangles, with other counts of the same stretch ranked.

The three hard rules are required of every impulse, of the prices that are reported, without tolerance:

1. wave 2 does not retrace more than all of wave 1;
2. wave 3 is not the shortest of waves 1, 3 and 5;
3. wave 4 does not enter the territory of wave 1.

A correction is counted with the move that it corrects, which runs from ``0`` to ``S``; it stays within that move.
Guidelines (Fibonacci ratios, alternation in depth) are not required; what they are worth is in
:mod:`bot4.quant.patterns.wave_scan`, with the search, the fit and the confidence.

Direction is where the count expects prices to go next: a completed impulse up is bearish (a correction follows), a
completed correction of a rise is bullish.

Sources: R. N. Elliott, *The Wave Principle* (1938); A. J. Frost and R. Prechter, *Elliott Wave Principle* (1978),
chapters 1 and 2 for rules and guidelines, 3 and 4 for ratios.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.quant.patterns.detection import CLOSE_ROW, Detection, PatternKind, detections, price_rows
from bot4.quant.patterns.ratios import Level, Ratio, RatioSet
from bot4.quant.patterns.wave_table import Guideline, WaveForm, WaveScanner, wave_table

FAMILY = "elliott"
LEAST_CONFIDENCE = 0.5
"""Default: at most one stretch counted, all kinds together, in 1,000 bars of a random walk."""

LEAST_OTHER_CONFIDENCE = 0.2
"""Of other counts of a stretch."""

_FROST_PRECHTER = "Frost and Prechter, Elliott Wave Principle"
_CONTRACTIONS = (("AB", "SA"), ("BC", "AB"), ("CD", "BC"), ("DE", "CD"))
_MARGIN = 0.01  # by which the hard rules are kept, in the leg they are measured in
_LEAST_WAVE = 0.1  # of the wave it is measured in: what is smaller is no wave


def _rule(leg: str, unit: str, low: float = -math.inf, high: float = math.inf) -> Ratio:
    return Ratio(leg, unit, low, high, tolerance=0.0)


def _usual(leg: str, unit: str, low: float, high: float = 0.0) -> Ratio:
    return Ratio(leg, unit, low, high)


_RULES = (_rule("12", "01", _LEAST_WAVE, 1.0 - _MARGIN), _rule("14", "01", high=-_MARGIN))
_WAVES = (_rule("34", "23", low=_LEAST_WAVE), _rule("45", "01", low=_LEAST_WAVE))
_RULE_3 = (_rule("23", "01", low=1.0 + _MARGIN), _rule("23", "45", low=1.0 + _MARGIN))
_WITHIN_THE_MOVE = _rule("SC", "0S", 0.236, 1.0 - _MARGIN)
_CORRECTED = Guideline("SC", "0S", (0.382, 0.5, 0.618), 0.5)


def _textbook_impulse(third: float, fifth: float, evidence: float) -> RatioSet:
    return RatioSet(
        evidence,
        (
            *_RULES,
            _usual("12", "01", 0.5, 0.618),
            _usual("23", "01", third),
            _usual("34", "23", 0.382),
            _usual("45", "01", fifth),
        ),
    )


def _textbook_zigzag(third: float) -> RatioSet:
    return RatioSet(
        28.9,
        (
            _usual("SC", "0S", 0.5, 0.786),
            _usual("AB", "SA", 0.382, 0.618),
            _usual("BC", "SA", third),
            _rule("BC", "AB", low=1.0),
        ),
    )


def _textbook_flat(second: tuple[float, float], third: tuple[float, float]) -> RatioSet:
    return RatioSet(30.2, (_usual("SC", "0S", 0.382, 0.618), _usual("AB", "SA", *second), _usual("BC", "SA", *third)))


ELLIOTT_FORMS = (
    WaveForm(
        "impulse",
        "012345",
        (
            *(_textbook_impulse(1.618, fifth, 19.3) for fifth in (0.618, 1.0)),
            *(_textbook_impulse(2.618, fifth, 24.3) for fifth in (0.618, 1.0)),
            *(RatioSet(34.2, (*_RULES, rule_3, *_WAVES)) for rule_3 in _RULE_3),
        ),
        target=Level("5", "05", -0.382),
        invalidation=Level("5", "45", 0.236),
        rules="wave 2 within wave 1; wave 3 not the shortest of 1, 3 and 5; wave 4 not in the territory of wave 1",
        guidelines=(
            Guideline("12", "01", (0.5, 0.618)),
            Guideline("23", "01", (1.618, 2.618)),
            Guideline("34", "23", (0.382,)),
            Guideline("45", "01", (1.0, 0.618, 1.618)),
            Guideline("45", "03", (0.382, 0.618), 0.5),
        ),
        source=f"{_FROST_PRECHTER}, chapters 1 and 4",
    ),
    WaveForm(
        "zigzag",
        "0SABC",
        (
            *(_textbook_zigzag(third) for third in (0.618, 1.0, 1.618)),
            RatioSet(
                32.5, (_WITHIN_THE_MOVE, _rule("AB", "SA", _LEAST_WAVE, 0.886), _rule("BC", "AB", low=1.0 + _MARGIN))
            ),
        ),
        target=Level("S"),
        invalidation=Level("0"),
        rules="against the move 0S and within it; B within A; C beyond A",
        guidelines=(Guideline("AB", "SA", (0.382, 0.5, 0.618)), Guideline("BC", "SA", (1.0, 0.618, 1.618)), _CORRECTED),
        source=f"{_FROST_PRECHTER}, chapters 1 and 4",
    ),
    WaveForm(
        "flat",
        "0SABC",
        (
            _textbook_flat((0.95, 1.05), (1.0, 1.1)),
            _textbook_flat((1.1, 1.382), (1.272, 1.618)),
            RatioSet(32.3, (_WITHIN_THE_MOVE, _rule("AB", "SA", 0.886, 1.618), _rule("BC", "AB", low=0.886))),
        ),
        target=Level("S"),
        invalidation=Level("0"),
        rules="against the move 0S and within it; B retraces nearly all of A or more; C ends about there or beyond",
        guidelines=(Guideline("AB", "SA", (1.0, 1.236, 1.382)), Guideline("BC", "SA", (1.0, 1.272, 1.618)), _CORRECTED),
        source=f"{_FROST_PRECHTER}, chapters 1 and 4",
    ),
    WaveForm(
        "triangle",
        "SABCDE",
        (RatioSet(29.8, tuple(_rule(leg, unit, 0.5, 0.95) for leg, unit in _CONTRACTIONS)),),
        target=Level("E", "SA", -1.0),
        invalidation=Level("A"),
        guidelines=tuple(Guideline(leg, unit, (0.786, 0.618)) for leg, unit in _CONTRACTIONS),
        rules="each wave 0.5 to 0.95 of the one before; it corrects the move that ended at S",
        source=f"{_FROST_PRECHTER}, chapters 1 and 4",
    ),
)

ELLIOTT_KINDS: tuple[PatternKind, ...] = tuple(form.described() for form in ELLIOTT_FORMS)
"""The kinds in words."""


@dataclass(frozen=True, slots=True)
class WaveCount:
    """How a stretch is counted, and how else it may be.

    Attributes:
        best: the count of the highest confidence.
        others: other counts that end at the same time, by falling confidence.
    """

    best: Detection
    others: tuple[Detection, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return asdict(self)


class ElliottStream:
    """Elliott counts one bar at a time: the same counts, each when it is known.

    Args:
        kinds: names of the kinds to look for, all if None.
        least_confidence: of a count, between 0 and 1.
        least_other_confidence: of other counts of the stretch; None for none.

    Raises:
        SettingError: an unknown kind, or a confidence out of its bounds.
    """

    def __init__(
        self,
        kinds: Iterable[str] | None = None,
        least_confidence: float = LEAST_CONFIDENCE,
        least_other_confidence: float | None = LEAST_OTHER_CONFIDENCE,
    ) -> None:
        self._scanner = _scanner(kinds, least_confidence, least_other_confidence)

    def push(self, close: float) -> tuple[WaveCount, ...]:
        """What this close, that of the next bar, makes known."""
        return _as_seen(self._scanner.advance(np.array([close], np.float64)))

    def save(self) -> bytes:
        """The state, from which :meth:`load` goes on."""
        return self._scanner.save()

    def load(self, saved: bytes) -> None:
        """Go on from what :meth:`save` gave, of a stream of the same kinds and confidences."""
        self._scanner.load(saved)


def elliott_waves(
    bars: Any,
    *,
    kinds: Iterable[str] | None = None,
    least_confidence: float = LEAST_CONFIDENCE,
    least_other_confidence: float | None = LEAST_OTHER_CONFIDENCE,
) -> tuple[WaveCount, ...]:
    """Elliott counts of stretches of bars, in the order in which they are known.

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays or a DataFrame with ``high``, ``low`` and ``close``, oldest
            first. Closes are read. A close that is not finite starts the search again after it.
        kinds: names of the kinds to look for, all if None; see :data:`ELLIOTT_KINDS`.
        least_confidence: of a count, between 0 and 1.
        least_other_confidence: of other counts of the same stretch; None for none.

    Raises:
        DataError: a column is missing, is not numeric, or is of another length.
        SettingError: an unknown kind, or a confidence out of its bounds.
    """
    scanner = _scanner(kinds, least_confidence, least_other_confidence)
    return _as_seen(scanner.advance(price_rows(bars, FAMILY)[CLOSE_ROW]))


def _scanner(kinds: Iterable[str] | None, least: float, least_other: float | None) -> WaveScanner:
    return WaveScanner(wave_table(ELLIOTT_FORMS, kinds, is_one_group=True), least, least_other)


def _as_seen(found: npt.NDArray[Any]) -> tuple[WaveCount, ...]:
    seen = detections(FAMILY, found["pattern"], ELLIOTT_KINDS)
    starts = np.flatnonzero(found["rank"] == 0).tolist()
    stops = [*starts[1:], len(seen)]
    return tuple(WaveCount(seen[start], seen[start + 1 : stop]) for start, stop in zip(starts, stops, strict=False))


__all__ = [
    "ELLIOTT_FORMS", "ELLIOTT_KINDS", "FAMILY", "LEAST_CONFIDENCE", "LEAST_OTHER_CONFIDENCE", "ElliottStream",
    "WaveCount", "elliott_waves",
]  # fmt: skip
