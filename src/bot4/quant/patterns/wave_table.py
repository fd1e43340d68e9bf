"""Families of harmonic patterns and Elliott waves as tables, and the scanner that runs one over closes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError
from bot4.quant.patterns.detection import PatternKind, kind_numbers
from bot4.quant.patterns.ratios import Level, RatioSet, leg_coefficients, limit_rows, price_coefficients
from bot4.quant.patterns.wave_fit import MAX_KNOTS
from bot4.quant.patterns.wave_scan import FOUND, GUIDE, MOST_PER_BAR, VARIANT, WAVE_STATE, advance_waves

_CHUNK_ROOM = MOST_PER_BAR + 4096
_BAR_ROOM = MOST_PER_BAR


@dataclass(frozen=True, slots=True)
class Guideline:
    """A ratio that is usual, not required: the quotient of two legs and the values it likes.

    Attributes:
        leg, unit: as in :class:`~bot4.quant.patterns.ratios.Ratio`.
        ideals: one to three values.
        weight: among the guidelines of the kind.
    """

    leg: str
    unit: str
    ideals: tuple[float, ...]
    weight: float = 1.0

    def __str__(self) -> str:
        return f"{self.leg} = {' or '.join(f'{ideal:g}' for ideal in self.ideals)} {self.unit}"


@dataclass(frozen=True, slots=True)
class WaveForm:
    """One kind of a family. What is said of a bullish one (its last point is a low) holds upside down.

    Attributes:
        name: as users write it.
        labels: one character a point, oldest first.
        variants: the sets of ratios it may have, any one of which will do.
        target, invalidation: the prices.
        source: where the ratios come from.
        guidelines: ratios that raise confidence.
        is_timed: whether legs two apart should last alike.
        note: what is not said by the ratios.
        rules: what is required, in words, where ``variants`` say more than a reader wants.
    """

    name: str
    labels: str
    variants: tuple[RatioSet, ...]
    target: Level
    invalidation: Level
    source: str
    guidelines: tuple[Guideline, ...] = ()
    is_timed: bool = False
    note: str = ""
    rules: str = ""

    @property
    def definition(self) -> str:
        """The ratios in one line, or the rules and the usual ratios where the form has rules."""
        if self.rules:
            return f"{self.rules}; usually {', '.join(str(guideline) for guideline in self.guidelines)}"
        return "; or ".join(str(variant) for variant in self.variants) + (f"; {self.note}" if self.note else "")

    def described(self) -> PatternKind:
        """The kind in words."""
        return PatternKind(
            name=self.name,
            direction=0,
            definition=self.definition,
            labels=tuple(self.labels),
            target=str(self.target),
            invalidation=f"beyond {self.invalidation}",
            source=self.source,
        )


@dataclass(frozen=True, slots=True)
class WaveTable:
    """A family, or a choice of its kinds, as :func:`~bot4.quant.patterns.wave_scan.advance_waves` reads it."""

    variants: npt.NDArray[Any]
    limits: FloatArray
    guides: npt.NDArray[Any]

    def floors(self, logit: float) -> FloatArray:
        """Least evidence worth a fit by number of points, infinite where no kind has as many."""
        floors = np.full(MAX_KNOTS, np.inf)
        for variant in self.variants:
            n_points = int(variant["n_points"])
            floors[n_points] = min(floors[n_points], float(variant["evidence"]) + logit)
        return floors


def wave_table(
    forms: Sequence[WaveForm], kinds: Iterable[str] | None = None, *, is_one_group: bool = False
) -> WaveTable:
    """The table of some kinds of a family, of all where ``kinds`` is None.

    Args:
        forms: the family; a kind's number is its place here.
        kinds: names.
        is_one_group: whether a stretch is told once for the family, rather than once for each kind.

    Raises:
        SettingError: an unknown name.
    """
    chosen = kind_numbers(kinds, [form.described() for form in forms])
    variants: list[npt.NDArray[Any]] = []
    limits: list[FloatArray] = []
    guides: list[npt.NDArray[Any]] = []
    for kind, form in enumerate(forms):
        if kind not in chosen:
            continue
        first_guide = len(guides)
        guides.extend(_guide(form, guideline) for guideline in form.guidelines)
        for chosen_set in form.variants:
            variant = np.zeros((), VARIANT)
            variant["kind"], variant["group"] = kind, 0 if is_one_group else kind
            variant["n_points"] = len(form.labels)
            variant["first_limit"] = sum(map(len, limits))
            limits.append(limit_rows(form.labels, chosen_set.ratios))
            variant["last_limit"] = variant["first_limit"] + len(limits[-1])
            variant["first_guide"], variant["last_guide"] = first_guide, len(guides)
            variant["evidence"], variant["equal_time"] = chosen_set.evidence, form.is_timed
            variant["target"] = price_coefficients(form.labels, form.target)
            variant["invalidation"] = price_coefficients(form.labels, form.invalidation)
            variants.append(variant)
    return WaveTable(
        np.array(variants, VARIANT), np.ascontiguousarray(np.concatenate(limits)), np.array(guides, GUIDE).reshape(-1)
    )


def _guide(form: WaveForm, guideline: Guideline) -> npt.NDArray[Any]:
    guide = np.zeros((), GUIDE)
    guide["leg"] = leg_coefficients(form.labels, guideline.leg)
    guide["unit"] = leg_coefficients(form.labels, guideline.unit)
    ideals = guideline.ideals
    guide["ideals"] = [*ideals, *ideals[:1] * (3 - len(ideals))]
    guide["weight"] = guideline.weight
    return guide


class WaveScanner:
    """Runs a table over closes, any number at a time; every partition of the closes gives the same detections.

    Args:
        table: the kinds to look for.
        least_confidence: of a detection, between 0 and 1.
        least_other_confidence: of other readings of the same stretch; None for none.

    Raises:
        SettingError: a confidence out of its bounds.
    """

    def __init__(self, table: WaveTable, least_confidence: float, least_other_confidence: float | None = None) -> None:
        self._table = table
        self._least = _logit(least_confidence)
        self._least_other = math.inf if least_other_confidence is None else _logit(least_other_confidence)
        self._floors = table.floors(self._least)
        self._state = np.zeros(1, WAVE_STATE)
        self._room = np.zeros(_BAR_ROOM, FOUND)

    def advance(self, closes: FloatArray) -> npt.NDArray[Any]:
        """Detections, records of :data:`FOUND`, that these closes complete."""
        room = self._room if len(closes) == 1 else np.zeros(_CHUNK_ROOM, FOUND)
        closes = np.ascontiguousarray(closes, np.float64)
        table, state = self._table, self._state[0]
        parts = []
        done = 0
        while done < len(closes):
            before = int(state["n_bars"])
            n_found = advance_waves(
                closes[done:],
                state,
                table.variants,
                table.limits,
                table.guides,
                self._floors,
                self._least,
                self._least_other,
                room,
            )
            done += int(state["n_bars"]) - before
            parts.append(room[:n_found].copy())
        return np.concatenate(parts) if parts else np.zeros(0, FOUND)

    def save(self) -> bytes:
        """The state, from which :meth:`load` goes on."""
        return self._state.tobytes()

    def load(self, saved: bytes) -> None:
        """Go on from what :meth:`save` gave, of a scanner of the same table."""
        self._state = np.frombuffer(saved, WAVE_STATE).copy()


def _logit(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise SettingError(
            f"confidence = {confidence!r} is out of bounds", where="patterns", remedy="choose between 0 and 1"
        )
    return 2.0 * math.log(confidence / (1.0 - confidence))


__all__ = ["Guideline", "WaveForm", "WaveScanner", "WaveTable", "wave_table"]
