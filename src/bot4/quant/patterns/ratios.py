"""Ratios of a pattern's legs, in words and as the inequalities that the fit keeps.

A leg is named by its two points: ``AB`` is the distance from A to B. In a pattern highs and lows alternate, so that a
leg joins a high and a low and its length is positive. ``Ratio("AB", "XA", 0.618)`` says ``AB = 0.618 XA``, within a
tolerance of :data:`TOLERANCE` of the ratio; ``Ratio("BC", "AB", 0.382, 0.886)`` says that it lies between the two,
each bound widened by the same tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.quant.patterns.wave_fit import MAX_KNOTS, MAX_LIMITS

TOLERANCE = 0.05
"""Of the ratio itself, either way: Carney, *Harmonic Trading* vol. 1 and 2, allows 3% to 5%."""

RETURN = 0.15
"""Of the last leg: how far prices have come back from the last point when it counts as a swing."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A bound on the quotient of two legs.

    Attributes:
        leg: the leg measured, as two labels of one character each.
        unit: the leg that it is measured in.
        low: the ratio, or the lower of its bounds (minus infinity if there is none).
        high: the upper bound (infinity if there is none); 0 where ``low`` is the one ratio.
        tolerance: fraction by which both bounds give way.
    """

    leg: str
    unit: str
    low: float
    high: float = 0.0
    tolerance: float = TOLERANCE

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest quotient allowed, tolerance included."""
        return self.low * (1.0 - self.tolerance), max(self.low, self.high) * (1.0 + self.tolerance)

    def __str__(self) -> str:
        if math.isinf(self.low):
            return f"{self.leg} <= {self.high:g} {self.unit}"
        if math.isinf(self.high):
            return f"{self.leg} >= {self.low:g} {self.unit}"
        value = f"{self.low:g}" if self.high <= self.low else f"{self.low:g} to {self.high:g}"
        return f"{self.leg} = {value} {self.unit}"


@dataclass(frozen=True, slots=True)
class RatioSet:
    """Ratios that hold together, and the evidence that a fit with them needs.

    Attributes:
        evidence: ``E0``, at which confidence is 0.5; found on random walks.
        ratios: all of which hold.
    """

    evidence: float
    ratios: tuple[Ratio, ...]

    def __str__(self) -> str:
        return "; ".join(str(ratio) for ratio in self.ratios)


@dataclass(frozen=True, slots=True)
class Level:
    """A price said by a pattern: a point, or a multiple of a leg away from it.

    ``Level("D", "AD", -0.618)`` is 0.618 of AD back from D; a positive multiple goes on as the leg went.
    """

    point: str
    leg: str = ""
    multiple: float = 0.0

    def __str__(self) -> str:
        if not self.leg:
            return self.point
        way = "back" if self.multiple < 0.0 else "on"
        return f"{abs(self.multiple):g} {self.leg} {way} from {self.point}"


def leg_coefficients(labels: Sequence[str], leg: str) -> FloatArray:
    """``a`` with ``a . prices`` the length of a leg of a bullish pattern (its last point is a low)."""
    start, end = labels.index(leg[0]), labels.index(leg[1])
    ends_high = (len(labels) - 1 - end) % 2 == 1
    if ends_high == ((len(labels) - 1 - start) % 2 == 1):
        raise ValueError(f"{leg} joins two points of one side")
    coefficients = np.zeros(MAX_KNOTS)
    coefficients[end] = 1.0 if ends_high else -1.0
    coefficients[start] = -coefficients[end]
    return coefficients


def price_coefficients(labels: Sequence[str], level: Level) -> FloatArray:
    """``a`` with ``a . prices`` the price of a level."""
    coefficients = np.zeros(MAX_KNOTS)
    coefficients[labels.index(level.point)] = 1.0
    if level.leg:
        coefficients[labels.index(level.leg[1])] += level.multiple
        coefficients[labels.index(level.leg[0])] -= level.multiple
    return coefficients


def limit_rows(labels: Sequence[str], ratios: Sequence[Ratio]) -> FloatArray:
    """Inequalities ``rows @ prices >= 0`` of a bullish pattern: legs alternate, and every ratio is in its bounds.

    Returns:
        float64[n, 8]: columns are the start of the leg before the first point, the points, and the end of the leg
        after the last one. The first row alone uses the first column. The leg after the last point has come back
        by at least :data:`RETURN` of the leg before it.
    """
    n = len(labels)
    rows = np.zeros((n + 1, MAX_KNOTS))
    for k in range(n + 1):
        goes_up = (n - k) % 2 == 0  # column n is the last point, a low
        rows[k, k], rows[k, k + 1] = (-1.0, 1.0) if goes_up else (1.0, -1.0)
    rows[n, n - 1], rows[n, n] = -RETURN, RETURN - 1.0
    extra = []
    for ratio in ratios:
        low, high = ratio.bounds
        leg, unit = (np.roll(leg_coefficients(labels, name), 1) for name in (ratio.leg, ratio.unit))
        if math.isfinite(low):
            extra.append(leg - low * unit)
        if math.isfinite(high):
            extra.append(high * unit - leg)
    limits = np.vstack([rows, *extra])
    if len(limits) > MAX_LIMITS:
        raise ValueError(f"{len(limits)} inequalities, {MAX_LIMITS} fit")
    return limits
