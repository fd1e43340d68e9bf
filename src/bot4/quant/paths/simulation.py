"""Simulating many paths on several threads, with a result that does not depend on their number."""

from __future__ import annotations

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
    _require_bounds(n_paths, n_steps, horizon_years, seed, n_threads)
    terminal, drawdown, lowest = (np.empty(n_paths) for _ in range(3))

    def work(first: int) -> None:
        here = slice(first, min(first + _PATHS_PER_TASK, n_paths))
        parts = (terminal[here], drawdown[here], lowest[here])
        model.fill(Stretch(seed, first, n_steps, horizon_years / n_steps, *parts))
        np.exp(parts[0], out=parts[0])
        np.negative(np.expm1(np.negative(parts[1], out=parts[1]), out=parts[1]), out=parts[1])
        np.exp(parts[2], out=parts[2])

    starts = range(0, n_paths, _PATHS_PER_TASK)
    if n_threads == 1 or len(starts) == 1:
        for first in starts:
            work(first)
    else:
        work(0)  # before the threads, so that one of them compiles
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(work, starts[1:]))
    return SimulatedPaths(terminal, drawdown, lowest, horizon_years, n_steps, seed)


def _require_bounds(n_paths: int, n_steps: int, horizon_years: float, seed: int, n_threads: int) -> None:
    for name, value, low, high in (
        ("n_paths", n_paths, 1, _MOST_PATHS),
        ("n_steps", n_steps, 1, MOST_STEPS),
        ("horizon_years", horizon_years, 1e-9, 1_000.0),
        ("seed", seed, 0, 2**64 - 1),
        ("n_threads", n_threads, 1, _MOST_THREADS),
    ):
        if not low <= value <= high:
            raise UsageError(f"{name} is {value}, but must lie in {low} to {high}", where="simulation")
