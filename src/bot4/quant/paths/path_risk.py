"""What can be lost on simulated paths, each figure with its standard error.

The loss of a path is ``1 - terminal``, of what was held at the start; losses are positive. A short position gains
what a long one loses: its loss is ``terminal - 1``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot4.domain.errors import UsageError
from bot4.quant.paths.simulation import SimulatedPaths
from bot4.quant.statistics.sample_estimates import Estimate, mean_of, quantile_of, share_of, shortfall_of

LEVELS = (0.95, 0.99)
"""Levels of VaR and CVaR unless others are asked for."""
RUIN_AT = 0.5
"""Share of the start at or below which a path is ruined, unless another is asked for."""


@dataclass(frozen=True, slots=True)
class PathRisk:
    """Figures of a simulation, fractions of the value at the start.

    Attributes:
        mean_return: mean of ``terminal - 1``.
        value_at_risk, expected_shortfall: of the loss at the horizon, by level.
        drawdown_mean: mean of the maximum drawdown.
        drawdown_quantile: quantile of the maximum drawdown, by level.
        drawdown_shortfall: mean of the maximum drawdowns from that quantile on, by level.
        ruin: probability of touching ``ruin_at`` at a step.
        ruin_at: share of the start.
        n_paths: on how many paths all this rests.
    """

    mean_return: Estimate
    value_at_risk: dict[float, Estimate]
    expected_shortfall: dict[float, Estimate]
    drawdown_mean: Estimate
    drawdown_quantile: dict[float, Estimate]
    drawdown_shortfall: dict[float, Estimate]
    ruin: Estimate
    ruin_at: float
    n_paths: int


def measure_paths(
    paths: SimulatedPaths, *, levels: tuple[float, ...] = LEVELS, ruin_at: float = RUIN_AT, is_short: bool = False
) -> PathRisk:
    """Loss, drawdown and ruin of simulated paths.

    Args:
        paths: of :func:`bot4.quant.paths.simulation.simulate`.
        levels: above 0, below 1; at least one path in the tail.
        ruin_at: a long position is ruined at this share of its start, above 0, at most 1.
        is_short: measure the loss at the horizon of a short position; drawdown and ruin remain those of the price.

    Raises:
        UsageError: a level without a path in its tail, or ``ruin_at`` out of bounds.
    """
    if not 0.0 < ruin_at <= 1.0:
        raise UsageError(f"ruin_at is {ruin_at}, but lies between 0 and 1", where="path risk")
    loss = paths.terminal - 1.0 if is_short else 1.0 - paths.terminal
    losses, drawdowns = np.sort(loss), np.sort(paths.drawdown)
    return PathRisk(
        mean_return=_negated(mean_of(loss)),
        value_at_risk={level: quantile_of(losses, level) for level in levels},
        expected_shortfall={level: shortfall_of(losses, level) for level in levels},
        drawdown_mean=mean_of(paths.drawdown),
        drawdown_quantile={level: quantile_of(drawdowns, level) for level in levels},
        drawdown_shortfall={level: shortfall_of(drawdowns, level) for level in levels},
        ruin=share_of(int(np.count_nonzero(paths.lowest <= ruin_at)), len(loss)),
        ruin_at=ruin_at,
        n_paths=len(loss),
    )


def _negated(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.value, estimate.standard_error)
