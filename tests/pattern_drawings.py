"""Patterns drawn as polylines with noise: what detectors must find again.

A figure is its knots: time as a fraction of the figure's length, height as a fraction of its height. The height of a
figure is all that it spans, highest knot to lowest, a flag's pole included; noise is stated in it. What leads to the
figure and what follows it is drawn too, outside the stated length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Knot = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """Knots ``(time, height)`` within 0..1 in both, and the knots that lead in and out (times below 0, above 1)."""

    name: str
    direction: int
    knots: tuple[Knot, ...]
    lead: tuple[Knot, ...] = ()
    tail: tuple[Knot, ...] = ()

    def mirrored(self, name: str) -> Figure:
        """The same figure upside down."""

        def turned(knots: tuple[Knot, ...]) -> tuple[Knot, ...]:
            return tuple((time, 1.0 - height) for time, height in knots)

        return Figure(name, -self.direction, turned(self.knots), turned(self.lead), turned(self.tail))


@dataclass(frozen=True)
class Drawing:
    """Bars of a drawn figure, and where it begins and ends among them."""

    bars: dict[str, np.ndarray]
    first_bar: int
    last_bar: int


def draw(
    figure: Figure,
    length_bars: int,
    rng: np.random.Generator,
    *,
    price_scale: float = 1.0,
    noise: float = 0.10,
    is_gaussian: bool = False,
    freehand: float = 0.15,
    flat_bars: int = 16,
) -> Drawing:
    """Draw a figure ``length_bars`` long.

    Args:
        figure: what to draw.
        length_bars: bars from its first knot to its last.
        rng: draws the noise and the freehand.
        price_scale: price of the figure's foot; its height is a fifth of that.
        noise: independent error of every close in units of the height: half width of a uniform one, or standard
            deviation of a Gaussian one.
        is_gaussian: which of the two.
        freehand: every leg's duration is drawn that fraction longer or shorter, and every knot a fifth of that
            fraction of the height higher or lower.
        flat_bars: bars at the price of the first knot before all else: no chart begins with its figure.
    """
    time, height = _freehand(figure, freehand, rng)
    at_bar = np.round((time - time[0]) * length_bars).astype(int)
    steps = np.interp(np.arange(at_bar[-1] + 1), at_bar, height)
    steps = np.concatenate([np.full(flat_bars, steps[0]), steps])
    error = rng.normal(0.0, noise, len(steps)) if is_gaussian else rng.uniform(-noise, noise, len(steps))
    close = price_scale * (1.0 + 0.2 * (steps + error))
    opened = np.concatenate([close[:1], close[:-1]])
    bars = {
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
        "volume": np.ones(len(close)),
    }
    first = flat_bars + at_bar[len(figure.lead)]
    return Drawing(bars, int(first), int(flat_bars + at_bar[len(figure.lead) + len(figure.knots) - 1]))


def _freehand(figure: Figure, freehand: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Times and heights of all knots, the figure's own time stretched back to 0..1."""
    knots = figure.lead + figure.knots + figure.tail
    time = np.array([knot[0] for knot in knots])
    height = np.array([knot[1] for knot in knots])
    legs = np.diff(time) * rng.uniform(1.0 - freehand, 1.0 + freehand, len(time) - 1)
    first, last = len(figure.lead), len(figure.lead) + len(figure.knots) - 1
    legs /= legs[first:last].sum()
    moved = height + rng.uniform(-0.2 * freehand, 0.2 * freehand, len(height))
    return np.concatenate([[0.0], np.cumsum(legs)]), moved


def random_walk(n_bars: int, rng: np.random.Generator, *, is_fat_tailed: bool = False) -> dict[str, np.ndarray]:
    """Driftless walk of the log price, ten steps a bar: Gaussian, or Student's t of three degrees of freedom."""
    steps = rng.standard_t(3.0, (n_bars, 10)) if is_fat_tailed else rng.normal(0.0, 1.0, (n_bars, 10))
    path = 100.0 * np.exp(np.cumsum(0.001 * steps.ravel())).reshape(n_bars, 10)
    close = path[:, -1]
    opened = np.concatenate([[100.0], close[:-1]])
    return {
        "open": opened,
        "high": np.maximum(opened, path.max(axis=1)),
        "low": np.minimum(opened, path.min(axis=1)),
        "close": close,
        "volume": np.ones(n_bars),
    }


def _bowl(first: float, last: float, rim: float = 1.0, n_knots: int = 13) -> tuple[Knot, ...]:
    """A parabola from rim to rim, its bottom at height 0."""
    return tuple(
        (first + (last - first) * k / (n_knots - 1), rim * (2.0 * k / (n_knots - 1) - 1.0) ** 2) for k in range(n_knots)
    )


def _between(upper: Knot, lower: Knot, times: tuple[float, ...], is_high_first: bool) -> tuple[Knot, ...]:
    """Touches of two lines in turn; a line is its height at times 0 and 1."""
    knots = []
    for k, time in enumerate(times):
        start, stop = upper if (k % 2 == 0) == is_high_first else lower
        knots.append((time, start + (stop - start) * time))
    return tuple(knots)


_SIXTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

HEAD_AND_SHOULDERS = Figure(
    "head_and_shoulders",
    -1,
    ((0.0, 0.0), (0.15, 0.6), (0.3, 0.0), (0.5, 1.0), (0.7, 0.0), (0.85, 0.6), (1.0, 0.0)),
    lead=((-0.25, -0.8),),
    tail=((1.25, -0.8),),
)
DOUBLE_TOP = Figure(
    "double_top",
    -1,
    ((0.0, 0.0), (0.25, 1.0), (0.5, 0.0), (0.75, 1.0), (1.0, 0.0)),
    lead=((-0.25, -0.8),),
    tail=((1.25, -0.8),),
)
TRIPLE_TOP = Figure(
    "triple_top",
    -1,
    tuple((k / 6.0, float(k % 2)) for k in range(7)),
    lead=((-0.2, -0.8),),
    tail=((1.2, -0.8),),
)
ASCENDING_TRIANGLE = Figure(
    "ascending_triangle",
    1,
    _between((1.0, 1.0), (0.0, 0.67), _SIXTHS, is_high_first=False),
    lead=((-0.2, 0.9),),
    tail=((1.25, 1.8),),
)
SYMMETRICAL_TRIANGLE = Figure(
    "symmetrical_triangle",
    1,
    _between((1.0, 0.67), (0.0, 0.33), _SIXTHS, is_high_first=False),
    lead=((-0.2, 0.9),),
    tail=((1.25, 1.5),),
)
RISING_WEDGE = Figure(
    "rising_wedge",
    -1,
    _between((0.72, 1.04), (0.0, 0.8), _SIXTHS, is_high_first=True),
    lead=((-0.3, -0.6),),
    tail=((1.25, -0.1),),
)
RECTANGLE = Figure(
    "rectangle",
    1,
    _between((1.0, 1.0), (0.0, 0.0), _SIXTHS, is_high_first=False),
    lead=((-0.2, 1.0),),
    tail=((1.25, 1.9),),
)
BULL_FLAG = Figure(
    "bull_flag",
    1,
    ((0.0, 0.0), (0.25, 1.0), (0.45, 0.6), (0.62, 0.94), (0.82, 0.54), (1.0, 0.89)),
    lead=((-0.3, 0.05),),
    tail=((1.25, 1.6),),
)
BULL_PENNANT = Figure(
    "bull_pennant",
    1,
    ((0.0, 0.0), (0.25, 1.0), (0.47, 0.5), (0.65, 0.92), (0.83, 0.65), (1.0, 0.86)),
    lead=((-0.3, 0.05),),
    tail=((1.25, 1.6),),
)
CUP_AND_HANDLE = Figure(
    "cup_and_handle",
    1,
    (*_bowl(0.0, 0.72), (0.86, 0.7), (1.0, 1.0)),
    lead=((-0.25, 0.2),),
    tail=((1.2, 1.7),),
)
ROUNDING_BOTTOM = Figure("rounding_bottom", 1, _bowl(0.0, 1.0), lead=((-0.25, 0.2),), tail=((1.2, 1.8),))

CHART_FIGURES = tuple(
    pair
    for figure, other in (
        (HEAD_AND_SHOULDERS, "inverse_head_and_shoulders"),
        (DOUBLE_TOP, "double_bottom"),
        (TRIPLE_TOP, "triple_bottom"),
        (ASCENDING_TRIANGLE, "descending_triangle"),
        (SYMMETRICAL_TRIANGLE, "symmetrical_triangle"),
        (RISING_WEDGE, "falling_wedge"),
        (RECTANGLE, "rectangle"),
        (BULL_FLAG, "bear_flag"),
        (BULL_PENNANT, "bear_pennant"),
        (CUP_AND_HANDLE, "inverse_cup_and_handle"),
        (ROUNDING_BOTTOM, "rounding_top"),
    )
    for pair in (figure, figure.mirrored(other))
)
"""Every figure of the chart family, each with its mirror image."""
