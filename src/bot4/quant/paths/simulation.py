"""Simulating many paths on several threads, with a result that does not depend on their number."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import UsageError
from bot4.quant.paths.models import MOST_STEPS, PathModel, Stretch
from bot4.quant.paths.random_streams import LANES

_PATHS_PER_TASK = 64 * LANES
_MOST_PATHS = 100_000_000
_MOST_THREADS = 256


@dataclass(frozen=True, slots=True)
class SimulatedPaths:
    """What is kept of each path: float64[paths].

    Attributes:
        terminal: price at the end over price at the start.
        drawdown: maximum drawdown, a fraction of the running maximum; start and every step are looked at.
        lowest: lowest price at a step over price at the start, at most 1.
        horizon_years, n_steps, seed: as asked for.
    """

    terminal: FloatArray
    drawdown: FloatArray
    lowest: FloatArray
    horizon_years: float
    n_steps: int
    seed: int


def simulate(
    model: PathModel, n_paths: int, *, n_steps: int, horizon_years: float = 1.0, seed: int = 0, n_threads: int = 1
) -> SimulatedPaths:
    """Simulate independent paths of a model on an even grid.

    Path ``p`` is a function of model, grid, seed and ``p`` alone: the same bits on any number of threads, and the
    first paths of a larger simulation are those of a smaller one.

    Args:
        model: see :mod:`bot4.quant.paths.models`.
        n_paths: 1 to 100 million; 24 bytes are kept of each.
        n_steps: 1 to 100,000. What lies between steps is not looked at: drawdown and ruin are those of prices
            seen at the steps only.
        horizon_years: above 0.
        seed: 0 to 2^64 - 1.
        n_threads: 1 to 256.

    Raises:
        UsageError: an argument out of bounds.
    """
    require_bounds(n_paths, n_steps, horizon_years, seed, n_threads)
    terminal, drawdown, lowest = (np.empty(n_paths) for _ in range(3))

    def work(first: int, stop: int) -> None:
        parts = (terminal[first:stop], drawdown[first:stop], lowest[first:stop])
        model.fill(Stretch(seed, first, n_steps, horizon_years / n_steps, *parts))
        np.exp(parts[0], out=parts[0])
        np.negative(np.expm1(np.negative(parts[1], out=parts[1]), out=parts[1]), out=parts[1])
        np.exp(parts[2], out=parts[2])

    spread_over_threads(work, n_paths, n_threads)
    return SimulatedPaths(terminal, drawdown, lowest, horizon_years, n_steps, seed)


def spread_over_threads(work: Callable[[int, int], None], n_paths: int, n_threads: int) -> None:
    """Call ``work(first, stop)`` for stretches of all paths, which must not depend on one another."""
    starts = range(0, n_paths, _PATHS_PER_TASK)

    def stretch(first: int) -> None:
        work(first, min(first + _PATHS_PER_TASK, n_paths))

    stretch(0)  # before the threads, so that one of them compiles
    if n_threads == 1:
        for first in starts[1:]:
            stretch(first)
    elif len(starts) > 1:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(stretch, starts[1:]))


def require_bounds(n_paths: int, n_steps: int, horizon_years: float, seed: int, n_threads: int) -> None:
    """Refuse a simulation whose size, seed or threads are out of bounds."""
    for name, value, low, high in (
        ("n_paths", n_paths, 1, _MOST_PATHS),
        ("n_steps", n_steps, 1, MOST_STEPS),
        ("horizon_years", horizon_years, 1e-9, 1_000.0),
        ("seed", seed, 0, 2**64 - 1),
        ("n_threads", n_threads, 1, _MOST_THREADS),
    ):
        if not low <= value <= high:
            raise UsageError(f"{name} is {value}, but must lie in {low} to {high}", where="simulation")
