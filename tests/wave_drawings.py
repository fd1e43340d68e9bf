"""Harmonic patterns and Elliott waves drawn with noise, for the detectors to find again.

Ratios are exact and drawn from the published ranges; every leg lasts within a quarter of an equal share of the length.
One leg leads in, one leg follows. The length and the height of a zigzag or a flat are its own, S to C: the move that it
corrects leads in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot4.quant.patterns.detection import Detection
from tests.pattern_drawings import Drawing, Figure, Knot, draw

HARMONIC_NAMES = (
    "ab_cd", "gartley", "bat", "butterfly", "crab", "deep_crab", "shark", "cypher", "five_o", "three_drives",
)  # fmt: skip
ELLIOTT_NAMES = ("impulse", "zigzag", "flat", "triangle")

_XABCD = {  # AB in XA, BC in AB, AD in XA, CD in BC
    "gartley": ((0.618, 0.618), (0.382, 0.886), (0.786, 0.786), (1.13, 1.618)),
    "bat": ((0.382, 0.5), (0.382, 0.886), (0.886, 0.886), (1.618, 2.618)),
    "butterfly": ((0.786, 0.786), (0.382, 0.886), (1.27, 1.27), (1.618, 2.618)),
    "crab": ((0.382, 0.618), (0.382, 0.886), (1.618, 1.618), (2.24, 3.618)),
    "deep_crab": ((0.886, 0.886), (0.382, 0.886), (1.618, 1.618), (2.0, 3.618)),
    "shark": ((0.3, 0.8), (1.13, 1.618), (0.886, 1.13), (1.618, 2.24)),
}
_FLATS = ((1.0, 1.05), (1.1, 1.272), (1.236, 1.618))
_SAME_TIME = 0.15
_UNEVEN = 0.25


@dataclass(frozen=True)
class DrawnWave:
    """A drawing, the name and direction of what was drawn, and the bars of its points."""

    name: str
    direction: int
    drawing: Drawing
    point_bars: tuple[float, ...]
    length_bars: int

    def is_among(self, found: Sequence[Detection]) -> bool:
        """Whether one of the detections is this: kind, direction, and every point within 12% of the length."""
        reach = max(0.12 * self.length_bars, 2.0)
        return any(
            detection.name == self.name
            and detection.direction == self.direction
            and all(abs(point.bar - bar) <= reach for point, bar in zip(detection.points, self.point_bars, strict=True))
            for detection in found
        )


def draw_wave(
    name: str,
    length_bars: int,
    rng: np.random.Generator,
    *,
    noise: float = 0.1,
    is_gaussian: bool = False,
    price_scale: float = 1.0,
) -> DrawnWave:
    """Draw a pattern of either family, bullish or bearish."""
    direction = int(rng.choice([-1, 1]))
    prices = direction * np.array(_bullish_prices(name, rng))
    move, own = (prices[:1], prices[1:]) if name in ("zigzag", "flat") else (prices[:0], prices)
    foot, height = own.min(), np.ptp(own)
    heights = (own - foot) / height
    times = np.concatenate([[0.0], np.cumsum(_shares(len(own) - 1, name, rng))])
    leg = 1.0 / (len(own) - 1)
    lead: list[Knot] = []
    start = 0.0
    first, second = heights[0], heights[1]
    if len(move):
        start = -leg * rng.uniform(1.0, 1.3)
        lead.append((start, float((move[0] - foot) / height)))
        first, second = lead[0][1], heights[0]
    lead.insert(0, (start - leg, float(first + 0.6 * np.sign(second - first))))
    tail = ((1.0 + leg, float(heights[-1] - 0.6 * np.sign(heights[-1] - heights[-2]))),)
    figure = Figure(name, direction, tuple(zip(times.tolist(), heights.tolist(), strict=True)), tuple(lead), tail)
    drawing = draw(
        figure, length_bars, rng, price_scale=price_scale, noise=noise, is_gaussian=is_gaussian, freehand=0.0
    )
    at = drawing.first_bar + length_bars * np.concatenate([[start] * len(move), times])
    return DrawnWave(name, direction, drawing, tuple(at.tolist()), length_bars)


def _shares(n_legs: int, name: str, rng: np.random.Generator) -> np.ndarray:
    shares = rng.uniform(1.0 - _UNEVEN, 1.0 + _UNEVEN, n_legs)
    if name in ("ab_cd", "three_drives"):  # legs two apart last alike
        for k in range(2, n_legs):
            shares[k] = shares[k % 2] * rng.uniform(1.0 - _SAME_TIME, 1.0 + _SAME_TIME)
    return shares / shares.sum()


def _bullish_prices(name: str, rng: np.random.Generator) -> list[float]:
    """Prices of the points, the last of them a low."""
    if name in _XABCD:
        return _five_points(name, rng)
    if name == "ab_cd":
        return _zigzag_prices(0.0, -1.0, rng.uniform(0.382, 0.886), -1.0)
    if name == "cypher":
        c = rng.uniform(1.272, 1.414)
        return [0.0, 1.0, 1.0 - rng.uniform(0.382, 0.618), c, c * (1.0 - 0.786)]
    if name == "five_o":
        ab = rng.uniform(1.13, 1.618)
        bc = ab * rng.uniform(1.618, 2.24)
        return _zigzag_prices(0.0, 1.0, -ab, bc, -0.5 * bc)
    if name == "three_drives":
        back, on = ((0.618, 1.618), (0.786, 1.272))[rng.integers(2)]
        drives = [1.0, back * on, (back * on) ** 2]
        return _zigzag_prices(0.0, -drives[0], back * drives[0], -drives[1], back * drives[1], -drives[2])
    if name == "impulse":
        return _zigzag_prices(0.0, -1.0, rng.uniform(0.5, 0.618), -1.618, 0.382 * 1.618, -rng.choice([0.618, 1.0]))
    if name == "triangle":
        legs = rng.uniform(0.7, 0.86) ** np.arange(5)
        return _zigzag_prices(0.0, *(-legs * (-1.0) ** np.arange(5)).tolist())
    return _correction(name, rng)


def _zigzag_prices(*legs: float) -> list[float]:
    return np.cumsum(legs).tolist()


def _five_points(name: str, rng: np.random.Generator) -> list[float]:
    ranges = _XABCD[name]
    while True:
        ab, bc_in_ab, ad = (rng.uniform(*bounds) for bounds in ranges[:3])
        bc = ab * bc_in_ab
        if ranges[3][0] <= (ad - ab + bc) / bc <= ranges[3][1]:
            return [0.0, 1.0, 1.0 - ab, 1.0 - ab + bc, 1.0 - ad]


def _correction(name: str, rng: np.random.Generator) -> list[float]:
    if name == "zigzag":
        b = rng.choice([0.382, 0.5, 0.618])
        c, kept = rng.choice([1.0, 1.618]), rng.choice([0.5, 0.618, 0.786])
    else:
        b, c = _FLATS[rng.integers(3)]
        kept = rng.choice([0.382, 0.5, 0.618])
    return [-(1.0 - b + c) / kept, 0.0, -1.0, -1.0 + b, -1.0 + b - c]
