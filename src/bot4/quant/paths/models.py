"""The models whose paths are simulated: parameters with bounds, and what each asks of its kernel.

Volatilities, drifts, speeds and intensities are of a year, and of the price's natural logarithm where not said
otherwise. ``drift`` is that of the price: in every model but the mean-reverting one ``E[S_t] = S_0 exp(drift t)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import UsageError
from bot4.quant.paths.fractional import fractional_noise
from bot4.quant.paths.random_streams import LANES
from bot4.quant.paths.walks import N_WORK, gaussian_walk, heston_walk, jump_walk, reverting_walk

MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of paths for one thread: the first's number, the grid, and where the results go.

    Attributes:
        seed: of the simulation, 0 to 2^64 - 1.
        first_path: number of the first path, from 0.
        n_steps: steps a path.
        dt_years: length of a step.
        terminal, drawdown, lowest: float64[paths], overwritten: logarithm of the price over its start at the end,
            deepest fall of the logarithm from its running maximum, lowest logarithm (start included).
    """

    seed: int
    first_path: int
    n_steps: int
    dt_years: float
    terminal: FloatArray
    drawdown: FloatArray
    lowest: FloatArray

    def outputs(self) -> tuple[Any, ...]:
        """The last five arguments of every kernel."""
        return (self.terminal, self.drawdown, self.lowest, np.empty((2, LANES), np.uint64), np.empty((N_WORK, LANES)))


class PathModel(Protocol):
    """What :func:`bot4.quant.paths.simulation.simulate` simulates."""

    def fill(self, stretch: Stretch) -> None:
        """Simulate a stretch of paths; must depend on nothing but the model, seed, path numbers and grid."""


@dataclass(frozen=True, slots=True)
class GeometricBrownianMotion:
    """``dS = drift S dt + volatility S dW``, exact at any step (Black and Scholes 1973).

    Attributes:
        drift: -20 to 20.
        volatility: 0 to 20.
    """

    drift: float
    volatility: float

    def __post_init__(self) -> None:
        _require("drift", self.drift, -20.0, 20.0)
        _require("volatility", self.volatility, 0.0, 20.0)

    def fill(self, stretch: Stretch) -> None:
        """See :class:`PathModel`."""
        dt = stretch.dt_years
        drift = np.full(stretch.n_steps, (self.drift - 0.5 * self.volatility**2) * dt)
        deviation = np.full(stretch.n_steps, self.volatility * math.sqrt(dt))
        gaussian_walk(
            np.uint64(stretch.seed), stretch.first_path, stretch.n_steps, drift, deviation, *stretch.outputs()
        )


@dataclass(frozen=True, slots=True)
class ForecastVolatility:
    """Normal steps whose variance is forecast step by step, as by a GARCH model; the grid's step length says nothing.

    Attributes:
        variances: variance of the log return of each step, at least as many as steps; not below zero.
        drift_per_step: of the price, ``E[S_t] = S_0 exp(t drift_per_step)``.
    """

    variances: tuple[float, ...]
    drift_per_step: float = 0.0

    def __post_init__(self) -> None:
        for variance in self.variances:
            _require("variance", variance, 0.0, 100.0)
        _require("drift_per_step", self.drift_per_step, -1.0, 1.0)

    def fill(self, stretch: Stretch) -> None:
        """See :class:`PathModel`."""
        if len(self.variances) < stretch.n_steps:
            raise UsageError(
                f"{len(self.variances)} variances for {stretch.n_steps} steps",
                where="simulation",
                remedy="forecast as many steps as are simulated",
            )
        variance = np.array(self.variances[: stretch.n_steps], np.float64)
        gaussian_walk(
            np.uint64(stretch.seed),
            stretch.first_path,
            stretch.n_steps,
            self.drift_per_step - 0.5 * variance,
            np.sqrt(variance),
            *stretch.outputs(),
        )


@dataclass(frozen=True, slots=True)
class MertonJumps:
    """Geometric Brownian motion with normal jumps of the logarithm at Poisson times (Merton 1976), exact at any step.

    The drift is compensated: jumps do not move the mean.

    Attributes:
        drift: -20 to 20.
        volatility: of the diffusion alone, 0 to 20.
        jumps_per_year: 0 to 10,000; at most 50 expected in a step.
        jump_mean, jump_deviation: of a jump of the logarithm, -2 to 2 and 0 to 2.
    """

    drift: float
    volatility: float
    jumps_per_year: float
    jump_mean: float
    jump_deviation: float

    def __post_init__(self) -> None:
        _require("drift", self.drift, -20.0, 20.0)
        _require("volatility", self.volatility, 0.0, 20.0)
        _require("jumps_per_year", self.jumps_per_year, 0.0, 10_000.0)
        _require("jump_mean", self.jump_mean, -2.0, 2.0)
        _require("jump_deviation", self.jump_deviation, 0.0, 2.0)

    def fill(self, stretch: Stretch) -> None:
        """See :class:`PathModel`."""
        dt = stretch.dt_years
        mean_growth = math.expm1(self.jump_mean + 0.5 * self.jump_deviation**2)
        drift = (self.drift - 0.5 * self.volatility**2 - self.jumps_per_year * mean_growth) * dt
        jump_walk(
            np.uint64(stretch.seed),
            stretch.first_path,
            stretch.n_steps,
            float(drift),
            self.volatility * math.sqrt(dt),
            float(self.jump_mean),
            float(self.jump_deviation),
            poisson_table(self.jumps_per_year * dt),
            *stretch.outputs(),
        )


@dataclass(frozen=True, slots=True)
class Heston:
    """Stochastic variance (Heston 1993).

    ``dS = drift S dt + sqrt(v) S dW``, ``dv = speed (long_variance - v) dt + vol_of_vol sqrt(v) dZ``.
    By full truncation, whose bias falls with the step; below ``2 speed long_variance = vol_of_vol^2`` (Feller's
    condition) variance touches zero and more steps are needed.

    Attributes:
        drift: -20 to 20.
        variance, long_variance: a year, at the start and in the long run, 0 to 400.
        speed: 0 to 1,000.
        vol_of_vol: 0 to 100.
        correlation: of price and variance, -1 to 1.
    """

    drift: float
    variance: float
    long_variance: float
    speed: float
    vol_of_vol: float
    correlation: float

    def __post_init__(self) -> None:
        _require("drift", self.drift, -20.0, 20.0)
        _require("variance", self.variance, 0.0, 400.0)
        _require("long_variance", self.long_variance, 0.0, 400.0)
        _require("speed", self.speed, 0.0, 1_000.0)
        _require("vol_of_vol", self.vol_of_vol, 0.0, 100.0)
        _require("correlation", self.correlation, -1.0, 1.0)

    def fill(self, stretch: Stretch) -> None:
        """See :class:`PathModel`."""
        heston_walk(
            np.uint64(stretch.seed),
            stretch.first_path,
            stretch.n_steps,
            self.drift * stretch.dt_years,
            stretch.dt_years,
            float(self.variance),
            float(self.long_variance),
            float(self.speed),
            float(self.vol_of_vol),
            float(self.correlation),
            *stretch.outputs(),
        )


@dataclass(frozen=True, slots=True)
class OrnsteinUhlenbeck:
    """A logarithm that reverts to a level: ``dx = speed (level - x) dt + volatility dW`` (Schwartz 1997, model 1).

    Exact at any step (Uhlenbeck and Ornstein 1930; Gillespie 1996).

    Attributes:
        level: of the logarithm of the price over its start, -10 to 10.
        speed: above 0 to 10,000; a deviation halves in ``ln 2 / speed`` years.
        volatility: 0 to 20.
    """

    level: float
    speed: float
    volatility: float

    def __post_init__(self) -> None:
        _require("level", self.level, -10.0, 10.0)
        _require("speed", self.speed, 1e-9, 10_000.0)
        _require("volatility", self.volatility, 0.0, 20.0)

    def fill(self, stretch: Stretch) -> None:
        """See :class:`PathModel`."""
        kept = math.exp(-self.speed * stretch.dt_years)
        variance = -math.expm1(-2.0 * self.speed * stretch.dt_years) / (2.0 * self.speed)
        reverting_walk(
            np.uint64(stretch.seed),
            stretch.first_path,
            stretch.n_steps,
            float(self.level),
            kept,
            self.volatility * math.sqrt(variance),
            *stretch.outputs(),
        )


@dataclass(frozen=True, slots=True)
class FractionalBrownianMotion:
    """A logarithm of long memory: ``x_t = drift t - volatility^2 t^2H / 2 + volatility B_H(t)``, exact.

    ``B_H`` is Gaussian with ``Cov(B_H(s), B_H(t)) = (s^2H + t^2H - |t - s|^2H) / 2`` (Mandelbrot and van Ness 1968);
    ``H`` above 1/2 persists, below it returns, and at 1/2 this is geometric Brownian motion. It is a description of
    risk, not of an arbitrage-free market.

    Attributes:
        drift: -20 to 20.
        volatility: of one year's logarithm, 0 to 20.
        hurst: 0.01 to 0.99.
    """

    drift: float
    volatility: float
    hurst: float

    def __post_init__(self) -> None:
        _require("drift", self.drift, -20.0, 20.0)
        _require("volatility", self.volatility, 0.0, 20.0)
        _require("hurst", self.hurst, 0.01, 0.99)

    def fill(self, stretch: Stretch) -> None:
        """See :class:`PathModel`."""
        n, dt = stretch.n_steps, stretch.dt_years
        times = np.arange(n + 1) * dt
        trend = np.diff(self.drift * times - 0.5 * self.volatility**2 * times ** (2.0 * self.hurst))
        for first in range(0, len(stretch.terminal), LANES):
            here = slice(first, min(first + LANES, len(stretch.terminal)))
            noise = fractional_noise(stretch.seed, here.stop - first, n, self.hurst, stretch.first_path + first)
            levels = np.cumsum(trend + self.volatility * dt**self.hurst * noise, axis=1)
            peaks = np.maximum(np.maximum.accumulate(levels, axis=1), 0.0)
            stretch.terminal[here] = levels[:, -1]
            stretch.drawdown[here] = np.max(peaks - levels, axis=1, initial=0.0)
            stretch.lowest[here] = np.min(levels, axis=1, initial=0.0)


def poisson_table(expected: float) -> FloatArray:
    """float64[k]: probabilities of at most 0, 1, ... events, up to the last that differs from one.

    Raises:
        UsageError: more than 50 events expected.
    """
    if not 0.0 <= expected <= 50.0:
        raise UsageError(
            f"{expected:g} jumps expected in a step, but 50 are the most", where="simulation", remedy="take more steps"
        )
    table = []
    term = total = math.exp(-expected)
    while total < 1.0 and term > 1e-18 * total:
        table.append(total)
        term *= expected / len(table)
        total += term
    return np.array(table, np.float64)


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise UsageError(
            f"{name} is {value:g}, but must lie in {low:g} to {high:g}", where="simulation", remedy="correct the model"
        )
