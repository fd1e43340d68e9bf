"""Was the value at risk right? Tests of how often, and how much in clusters, it was exceeded.

A forecast of level ``1 - p`` is exceeded with probability ``p``, independently of the past. p-values are asymptotic
(chi-square) and simulated: of the same statistic on series of independent hits, ties broken at random, which is exact
at any length (Dufour 2006; Christoffersen and Pelletier 2004).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError

BoolArray: TypeAlias = npt.NDArray[np.bool_]
N_SIMULATIONS = 9_999
_HITS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class RatioTest:
    """A likelihood-ratio statistic and the probabilities of one at least as large if the forecast was right."""

    statistic: float
    asymptotic_p: float
    simulated_p: float


class TrafficLight(Enum):
    """The zones of the Basel Committee (1996)."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class VarBacktest:
    """What a history of forecasts and losses says about a value at risk.

    Attributes:
        n_forecasts, n_exceeded: how many forecasts, and how many losses above them.
        expected: exceedances of a right forecast.
        kupiec: unconditional coverage, are there as many as expected (Kupiec 1995)?
        independence: are they as likely after an exceedance as after none (Christoffersen 1998)?
        conditional: both at once (Christoffersen 1998).
        light: zone by the number of exceedances, for the last 250 forecasts or all if there are fewer.
    """

    n_forecasts: int
    n_exceeded: int
    expected: float
    kupiec: RatioTest
    independence: RatioTest
    conditional: RatioTest
    light: TrafficLight


def exceedances(losses: FloatArray, value_at_risk: FloatArray) -> BoolArray:
    """bool[n]: whether each loss was above what was forecast for it.

    Raises:
        DataError: lengths differ, or a value is not finite.
    """
    if len(losses) != len(value_at_risk):
        raise DataError(f"{len(losses)} losses, {len(value_at_risk)} forecasts", where="VaR backtest")
    if not (np.isfinite(losses).all() and np.isfinite(value_at_risk).all()):
        raise DataError("a loss or forecast is not finite", where="VaR backtest", remedy="leave out gaps and warm-up")
    found: BoolArray = losses > value_at_risk
    return found


def backtest_value_at_risk(
    hits: BoolArray, level: float, generator: np.random.Generator, n_simulations: int = N_SIMULATIONS
) -> VarBacktest:
    """Kupiec's and Christoffersen's tests and the traffic light.

    Args:
        hits: bool[n], as of :func:`exceedances`, in time order.
        level: of the value at risk, above 0.5, below 1.
        generator: of the simulated p-values.
        n_simulations: 99 or more.

    Raises:
        DataError: fewer than two forecasts.
        UsageError: level or number of simulations out of bounds.
    """
    if len(hits) < 2:
        raise DataError(f"{len(hits)} forecasts", where="VaR backtest", remedy="forecast more days")
    if not (0.5 < level < 1.0 and n_simulations >= 99):
        raise UsageError(f"level {level}, {n_simulations} simulations", where="VaR backtest")
    p = 1.0 - level
    found = _ratios(hits[None, :], p)
    simulated = _simulated_ratios(len(hits), p, n_simulations, generator)

    def tested(k: int, tail: Callable[[float], float]) -> RatioTest:
        observed = float(found[k][0])
        return RatioTest(observed, tail(observed), _monte_carlo_p(observed, simulated[k], generator))

    recent = hits[-250:]
    return VarBacktest(
        len(hits),
        int(np.count_nonzero(hits)),
        p * len(hits),
        tested(0, chi_square_tail_1),
        tested(1, chi_square_tail_1),
        tested(2, chi_square_tail_2),
        traffic_light(int(np.count_nonzero(recent)), len(recent), level),
    )


def kupiec_ratio(n_exceeded: int, n: int, p: float) -> float:
    """``-2 ln(L(p) / L(x / n))`` of a binomial number of exceedances (Kupiec 1995)."""
    return max(0.0, 2.0 * (_binomial_log(n_exceeded, n, n_exceeded / n) - _binomial_log(n_exceeded, n, p)))


def christoffersen_ratio(n00: int, n01: int, n10: int, n11: int) -> float:
    """``-2 ln(L(same) / L(own))`` of the hits after none and after a hit; 0 where either never comes (1998)."""
    after_none, after_hit = n00 + n01, n10 + n11
    if after_none == 0 or after_hit == 0:
        return 0.0
    own = _binomial_log(n01, after_none, n01 / after_none) + _binomial_log(n11, after_hit, n11 / after_hit)
    n, hits = after_none + after_hit, n01 + n11
    return max(0.0, 2.0 * (own - _binomial_log(hits, n, hits / n)))


def traffic_light(n_exceeded: int, n: int = 250, level: float = 0.99) -> TrafficLight:
    """Zone by the probability of so many exceedances or fewer if the forecast is right.

    Yellow from 95% on, red from 99.99% on: 5 and 10 exceedances of 250 at 99%.
    """
    probability = binomial_cdf(n_exceeded, n, 1.0 - level)
    if probability >= 0.9999:
        return TrafficLight.RED
    return TrafficLight.YELLOW if probability >= 0.95 else TrafficLight.GREEN


def binomial_cdf(k: int, n: int, p: float) -> float:
    """Probability of at most ``k`` of ``n``."""
    if k >= n:
        return 1.0
    log_p, log_rest = math.log(p), math.log1p(-p)
    ways = math.lgamma(n + 1.0)
    terms = (
        math.exp(ways - math.lgamma(i + 1.0) - math.lgamma(n - i + 1.0) + i * log_p + (n - i) * log_rest)
        for i in range(k + 1)
    )
    return min(1.0, math.fsum(terms))


def chi_square_tail_1(x: float) -> float:
    """Probability of more than ``x`` with one degree of freedom."""
    return math.erfc(math.sqrt(0.5 * max(x, 0.0)))


def chi_square_tail_2(x: float) -> float:
    """Probability of more than ``x`` with two degrees of freedom."""
    return math.exp(-0.5 * max(x, 0.0))


def _binomial_log(k: float, n: float, p: float) -> float:
    """``k ln p + (n - k) ln(1 - p)`` with ``0 ln 0 = 0``."""
    first = k * math.log(p) if k > 0 else 0.0
    return first + ((n - k) * math.log1p(-p) if n > k else 0.0)


def _ratios(hits: BoolArray, p: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The three statistics of each row of bool[s, n]: coverage, independence, and their sum.

    The coverage part of the sum leaves out the first hit, which nothing precedes, as in Christoffersen (1998).
    """
    n = hits.shape[1]
    total = np.count_nonzero(hits, axis=1)
    before, after = hits[:, :-1], hits[:, 1:]
    n_after_hit = np.count_nonzero(before, axis=1)
    n11 = np.count_nonzero(before & after, axis=1)
    n_hit = np.count_nonzero(after, axis=1)
    coverage = np.array([kupiec_ratio(int(x), n, p) for x in total])
    rest = np.array([kupiec_ratio(int(x), n - 1, p) for x in n_hit])
    counts = zip(n_hit.tolist(), n_after_hit.tolist(), n11.tolist(), strict=True)
    independence = np.array([christoffersen_ratio(n - 1 - a - (h - b), h - b, a - b, b) for h, a, b in counts])
    return coverage, independence, rest + independence


def _simulated_ratios(
    n: int, p: float, n_simulations: int, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = max(1, min(n_simulations, _HITS_AT_ONCE // n))
    parts = [
        _ratios(generator.random((min(rows, n_simulations - first), n), np.float32) < np.float32(p), p)
        for first in range(0, n_simulations, rows)
    ]
    coverage, independence, both = (np.concatenate(column) for column in zip(*parts, strict=True))
    return coverage, independence, both


def _monte_carlo_p(observed: float, simulated: FloatArray, generator: np.random.Generator) -> float:
    """``(1 + how many are larger, and of the equal ones those that win a draw) / (N + 1)``."""
    equal = np.abs(simulated - observed) <= 1e-9 * max(1.0, abs(observed))
    larger = (simulated > observed) & ~equal
    own = generator.random()
    won = int(np.count_nonzero(generator.random(int(np.count_nonzero(equal))) >= own))
    return (1 + int(np.count_nonzero(larger)) + won) / (len(simulated) + 1)
