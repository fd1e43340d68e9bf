"""Loss of a portfolio over scenarios of returns: history, a copula's draws or a Monte Carlo simulation's ends.

``L = -w' r``. Value at risk and shortfall are homogeneous in the weights, and their derivatives are conditional means
(Tasche 1999): ``dES / dw_i = E[-r_i | L beyond VaR]`` and ``dVaR / dw_i = E[-r_i | L = VaR]``. The parts of the
shortfall therefore add up by themselves; the condition ``L = VaR`` is widened to a few scenarios around it, and the
parts of the value at risk are scaled to add up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError
from bot4.quant.dependence.student_copula import StudentCopula
from bot4.quant.loss.extreme_values import TAIL_SHARE, ParetoTail, fit_tail
from bot4.quant.statistics.sample_estimates import Estimate, n_in_tail, quantile_of, shortfall_of
from bot4.quant.statistics.student import unit_variance_scale
from bot4.quant.statistics.student_arrays import student_quantiles


@dataclass(frozen=True, slots=True)
class ScenarioLoss:
    """Loss of a portfolio over scenarios and where it comes from.

    Attributes:
        value_at_risk, expected_shortfall: with standard errors, as if the scenarios were independent.
        marginal_var, marginal_shortfall: float64[n], by how much the measure rises per unit of an asset's weight.
        component_var, component_shortfall: float64[n], which add up to the measures.
        n_scenarios: on how many all this rests.
    """

    value_at_risk: Estimate
    expected_shortfall: Estimate
    marginal_var: FloatArray
    marginal_shortfall: FloatArray
    component_var: FloatArray
    component_shortfall: FloatArray
    n_scenarios: int


class Margin(Protocol):
    """The distribution of one asset's return."""

    def quantile(self, probabilities: FloatArray) -> FloatArray:
        """Returns that are fallen short of with these probabilities, strictly between 0 and 1."""


@dataclass(frozen=True, slots=True)
class StudentMargin:
    """A return of given mean and deviation, standardised Student t with ``df`` above 2, as of a GARCH-t forecast."""

    mean: float
    deviation: float
    df: float

    def quantile(self, probabilities: FloatArray) -> FloatArray:
        """See :class:`Margin`."""
        scale = self.deviation * unit_variance_scale(self.df)
        found: FloatArray = self.mean + scale * student_quantiles(probabilities, self.df)
        return found


@dataclass(frozen=True, slots=True)
class EmpiricalMargin:
    """Returns as they were, linear between them, with generalised Pareto tails beyond.

    Attributes:
        ordered: float64[n], ascending.
        lower, upper: tails of the losses and of the gains.
    """

    ordered: FloatArray
    lower: ParetoTail
    upper: ParetoTail

    @classmethod
    def of(cls, returns: FloatArray, share: float = TAIL_SHARE) -> EmpiricalMargin:
        """Of a history of returns; errors as :func:`bot4.quant.loss.extreme_values.fit_tail`."""
        return cls(np.sort(returns), fit_tail(-returns, share), fit_tail(returns, share))

    def quantile(self, probabilities: FloatArray) -> FloatArray:
        """See :class:`Margin`."""
        n = len(self.ordered)
        first, stop = round(n * self.lower.share_beyond), n - round(n * self.upper.share_beyond)
        at = np.linspace(self.lower.share_beyond, 1.0 - self.upper.share_beyond, stop - first)
        found = np.interp(probabilities, at, self.ordered[first:stop])
        below = probabilities < self.lower.share_beyond
        above = probabilities > 1.0 - self.upper.share_beyond
        found[below] = -_beyond(self.lower, probabilities[below])
        found[above] = _beyond(self.upper, 1.0 - probabilities[above])
        return found


def copula_scenarios(
    copula: StudentCopula, margins: Sequence[Margin], n_scenarios: int, generator: np.random.Generator
) -> FloatArray:
    """float64[n_scenarios, n]: returns with the copula's dependence and each asset's own distribution (Sklar 1959).

    Raises:
        DataError: not as many margins as the copula has dimensions.
    """
    if len(margins) != len(copula.correlation):
        raise DataError(f"{len(margins)} margins for {len(copula.correlation)} dimensions", where="copula scenarios")
    probabilities = np.clip(copula.sample(n_scenarios, generator), 1e-15, 1.0 - 1e-15)
    return np.column_stack([margin.quantile(probabilities[:, j]) for j, margin in enumerate(margins)])


def scenario_loss(scenarios: FloatArray, weights: FloatArray, level: float) -> ScenarioLoss:
    """Loss of a portfolio over equally likely scenarios.

    Args:
        scenarios: float64[s, n], returns of each asset, finite.
        weights: float64[n], signed: value of each position, or its share of equity.
        level: above 0, below 1; at least one scenario in the tail.

    Raises:
        DataError: something is not finite, or shapes do not match.
        UsageError: no scenario lies in the tail.
    """
    if scenarios.ndim != 2 or scenarios.shape[1] != len(weights):
        raise DataError(f"scenarios of shape {scenarios.shape} for {len(weights)} weights", where="scenario loss")
    if not (np.isfinite(scenarios).all() and np.isfinite(weights).all()):
        raise DataError("a scenario or weight is not finite", where="scenario loss")
    n = len(scenarios)
    losses = -(scenarios @ weights)
    order = np.argsort(losses, kind="stable")
    ascending = losses[order]
    value_at_risk, shortfall = quantile_of(ascending, level), shortfall_of(ascending, level)
    at = n - n_in_tail(n, level)
    marginal_shortfall = _mean_of_tail(scenarios, order[at:], n * (1.0 - level))
    near = max(1, round(0.5 * math.sqrt(n * (1.0 - level))))
    around = order[max(0, at - near) : at + near + 1]
    marginal_var = -scenarios[around].mean(axis=0)
    total = float(weights @ marginal_var)
    if total * value_at_risk.value > 0.0:
        marginal_var = marginal_var * (value_at_risk.value / total)
    else:  # a value at risk about zero cannot be scaled to: shift it among the positions by their size
        size = float(np.abs(weights).sum())
        if size > 0.0:
            marginal_var = marginal_var + np.sign(weights) * (value_at_risk.value - total) / size
    return ScenarioLoss(
        value_at_risk,
        shortfall,
        marginal_var,
        marginal_shortfall,
        weights * marginal_var,
        weights * marginal_shortfall,
        n,
    )


def _mean_of_tail(scenarios: FloatArray, tail: npt.NDArray[np.intp], weight: float) -> FloatArray:
    """Mean loss of each asset over the tail, whose first scenario counts as the part that is left of ``weight``."""
    part = weight - (len(tail) - 1)
    mean: FloatArray = -(scenarios[tail[1:]].sum(axis=0) + part * scenarios[tail[0]]) / weight
    return mean


def _beyond(tail: ParetoTail, probability: FloatArray) -> FloatArray:
    """Losses exceeded with the probabilities, vectorised :meth:`ParetoTail.loss`."""
    t = -np.log(probability / tail.share_beyond)
    growth = t if abs(tail.shape) < 1e-10 else np.expm1(tail.shape * t) / tail.shape
    found: FloatArray = tail.threshold + tail.scale * growth
    return found
