"""Paths of a whole portfolio: correlated, heavy-tailed steps of all its assets, holdings left as they are.

The simple returns of a step are jointly Student t (or normal) with a given covariance:
``r = drift + L z sqrt((df - 2) / c)``, ``L L'`` the covariance, ``c`` chi-square with ``df`` degrees of freedom and
common to all assets, so that they crash together. A price that would fall below zero stays at zero. The portfolio is
worth ``1 + sum_k w_k (S_k - 1)`` of its equity at the start; it may be worth less than nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError
from bot4.kernel import array, b1, f8, i8, kernel, u8, void
from bot4.kernel_memory import apart, fused, wide
from bot4.quant.paths.random_streams import LANES, draw_normals, draw_polar, start_streams
from bot4.quant.paths.simulation import SimulatedPaths, require_bounds, spread_over_threads

LEAST_DF, MOST_DF = 3, 1_000
MOST_ASSETS = 64
_STATE = 7  # rows of work before those of the assets: value, peak, fall, lowest, scale, and two for unused draws


@dataclass(frozen=True, slots=True)
class PortfolioModel:
    """Holdings and the joint distribution of one step's returns.

    Attributes:
        weights: value of each holding over equity at the start, signed; what is left is cash without return.
        covariance: of the simple returns of a step, n by n, positive semidefinite.
        drift: mean simple return of a step, by asset; none if empty.
        df: degrees of freedom, a whole number from 3; 0 for the normal. A fitted one is rounded down: heavier tails.
    """

    weights: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    drift: tuple[float, ...] = ()
    df: int = 0

    def __post_init__(self) -> None:
        n = len(self.weights)
        if not 1 <= n <= MOST_ASSETS or any(len(row) != n for row in self.covariance) or len(self.covariance) != n:
            raise UsageError(f"{n} weights do not fit the covariance", where="portfolio simulation")
        if self.drift and len(self.drift) != n:
            raise UsageError(f"{len(self.drift)} drifts for {n} weights", where="portfolio simulation")
        numbers = (*self.weights, *self.drift, *(value for row in self.covariance for value in row))
        if not all(map(math.isfinite, numbers)):
            raise DataError("a weight, drift or covariance is not finite", where="portfolio simulation")
        if self.df != 0 and not LEAST_DF <= self.df <= MOST_DF:
            raise UsageError(
                f"{self.df} degrees of freedom, but 0 or {LEAST_DF} to {MOST_DF} are allowed",
                where="portfolio simulation",
            )


def simulate_portfolio(
    model: PortfolioModel, n_paths: int, *, n_steps: int, seed: int = 0, n_threads: int = 1
) -> SimulatedPaths:
    """Simulate independent paths of a portfolio's value, as :func:`bot4.quant.paths.simulation.simulate` does.

    ``terminal`` and ``lowest`` are fractions of the equity at the start and may be negative; a drawdown may exceed 1.

    Args:
        model: holdings and returns.
        n_paths: 1 to 100 million.
        n_steps: 1 to 100,000, of the length that the covariance is of.
        seed: 0 to 2^64 - 1.
        n_threads: 1 to 256.

    Raises:
        UsageError: an argument out of bounds.
        DataError: the covariance is not positive semidefinite.
    """
    require_bounds(n_paths, n_steps, 1.0, seed, n_threads)
    weights = np.array(model.weights, np.float64)
    root = _root(np.array(model.covariance, np.float64))
    drift = np.array(model.drift or (0.0,) * len(weights), np.float64)
    paths = SimulatedPaths(np.empty(n_paths), np.empty(n_paths), np.empty(n_paths), float(n_steps), n_steps, seed)

    def work(first: int, stop: int) -> None:
        here = slice(first, stop)
        n_rows = _STATE + 2 * len(weights) + 1
        scratch = (np.empty((2, LANES), np.uint64), np.empty((n_rows, LANES)))
        outputs = (paths.terminal[here], paths.drawdown[here], paths.lowest[here])
        portfolio_walk(np.uint64(seed), first, n_steps, weights, drift, root, model.df, *outputs, *scratch)

    spread_over_threads(work, n_paths, n_threads)
    return paths


def _root(covariance: FloatArray) -> FloatArray:
    """A lower triangle ``L`` with ``L L'`` the covariance, also where that is only semidefinite."""
    if not np.allclose(covariance, covariance.T, rtol=1e-9, atol=0.0):
        raise DataError("the covariance is not symmetric", where="portfolio simulation")
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < -1e-10 * max(values[-1], 0.0) or values[-1] < 0.0:
        raise DataError(
            "the covariance is not positive semidefinite", where="portfolio simulation", remedy="repair the correlation"
        )
    upper: FloatArray = np.asarray(np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T, mode="r"))
    root: FloatArray = np.ascontiguousarray(upper.T)
    return root


@kernel(void(array(u8), array(u8), i8, array(f8), array(f8), array(f8), array(f8)))
def draw_common_scale(
    s0: Any, s1: Any, df: int, scale: FloatArray, first: FloatArray, second: FloatArray, third: FloatArray
) -> None:
    """``sqrt((df - 2) / c)`` a lane, ``c`` chi-square: ``df / 2`` exponentials, and a squared normal where odd."""
    for i in range(LANES):
        scale[i] = 0.0
    for _k in range(df // 2):
        draw_polar(s0, s1, first, second, third)
        for i in range(LANES):
            scale[i] += first[i]
    if df % 2 == 1:
        draw_normals(s0, s1, first, second)
        for i in range(LANES):
            scale[i] += first[i] * first[i]
    for i in range(LANES):
        scale[i] = math.sqrt((df - 2.0) / scale[i])


@kernel(void(array(f8), array(f8), f8, b1))
def add_part(total: FloatArray, normal: FloatArray, part: float, is_own: bool) -> None:
    """``total = part normal`` where the normal is the total's own, else ``total += part normal``."""
    if is_own:
        for i in range(LANES):
            total[i] = part * total[i]
    else:
        for i in range(LANES):
            total[i] = fused(part, normal[i], total[i])


@kernel(void(array(f8), array(f8), array(f8), array(f8), f8, f8))
def advance_price(
    price: FloatArray, value: FloatArray, scale: FloatArray, shock: FloatArray, drift: float, weight: float
) -> None:
    """Move a price by its return, not below zero, and add what the holding has made to the portfolio's value."""
    apart()
    wide()
    for i in range(LANES):
        moved = price[i] * (1.0 + fused(scale[i], shock[i], drift))
        moved = moved if moved > 0.0 else 0.0
        price[i] = moved
        value[i] = fused(weight, moved - 1.0, value[i])


@kernel(void(array(f8), array(f8), array(f8), array(f8)))
def watch_value(value: FloatArray, peak: FloatArray, fall: FloatArray, lowest: FloatArray) -> None:
    """Running maximum of the value, largest fraction of it that was lost, lowest value."""
    apart()
    wide()
    for i in range(LANES):
        now = value[i]
        high = peak[i]
        high = high if high > now else now
        peak[i] = high
        lost = (high - now) / high
        deepest = fall[i]
        fall[i] = deepest if deepest > lost else lost
        low = lowest[i]
        lowest[i] = low if low < now else now


@kernel(
    void(
        u8, i8, i8, array(f8), array(f8), array(f8, 2), i8,
        array(f8), array(f8), array(f8), array(u8, 2), array(f8, 2),
    ),
    releases_gil=True,
)  # fmt: skip
def portfolio_walk(
    seed: Any,
    first_path: int,
    n_steps: int,
    weights: FloatArray,
    drift: FloatArray,
    root: FloatArray,
    df: int,
    terminal: FloatArray,
    drawdown: FloatArray,
    lowest: FloatArray,
    streams: Any,
    work: FloatArray,
) -> None:
    """Simulate a run of paths; what they are is in the module's text.

    Args:
        seed, first_path, n_steps: as in :mod:`bot4.quant.paths.walks`.
        weights, drift: float64[n].
        root: float64[n, n], lower triangle of the covariance of a step.
        df: degrees of freedom, 0 for the normal.
        terminal, drawdown, lowest: float64[paths], overwritten.
        streams: uint64[2, LANES], overwritten.
        work: float64[8 + 2 n, LANES], overwritten.
    """
    wide()
    n = len(weights)
    shocks, prices = 7, 8 + n
    for first in range(0, len(terminal), LANES):
        start_streams(seed, first_path + first, streams[0], streams[1])
        for i in range(LANES):
            work[0, i] = 1.0
            work[1, i] = 1.0
            work[2, i] = 0.0
            work[3, i] = 1.0
            work[4, i] = 1.0
        for k in range(n):
            for i in range(LANES):
                work[prices + k, i] = 1.0
        for _t in range(n_steps):
            if df > 0:
                draw_common_scale(streams[0], streams[1], df, work[4], work[0], work[5], work[6])
            for k in range(0, n, 2):
                draw_normals(streams[0], streams[1], work[shocks + k], work[shocks + k + 1])
            for i in range(LANES):
                work[0, i] = 1.0
            for k in range(n - 1, -1, -1):  # from the last on, so that each sum finds its normals untouched
                own = work[shocks + k]
                for j in range(k, -1, -1):
                    add_part(own, work[shocks + j], root[k, j], j == k)
                advance_price(work[prices + k], work[0], work[4], own, drift[k], weights[k])
            watch_value(work[0], work[1], work[2], work[3])
        for i in range(min(LANES, len(terminal) - first)):
            terminal[first + i] = work[0, i]
            drawdown[first + i] = work[2, i]
            lowest[first + i] = work[3, i]
