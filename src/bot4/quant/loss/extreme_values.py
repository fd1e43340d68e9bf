"""Losses beyond those seen: a generalised Pareto tail over a high threshold.

Excesses ``y`` over the threshold have ``P(Y > y) = (1 + shape y / scale)^(-1 / shape)`` in the limit (Balkema and de
Haan 1974; Pickands 1975). With ``k`` of ``n`` losses beyond it,

``VaR = threshold + scale / shape ((n / k (1 - level))^-shape - 1)``,
``ES = (VaR + scale - shape threshold) / (1 - shape)``.

On the standardised residuals of a GARCH model and times the forecast deviation this is the conditional tail of McNeil
and Frey (2000). Source: McNeil, Frey and Embrechts, *Quantitative Risk Management* (2015), 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError
from bot4.quant.loss.parametric import Loss

LEAST_SHAPE, MOST_SHAPE = -0.5, 0.9
"""Bounds of the shape: below, the estimate has no normal limit; from 1 on there is no expected shortfall."""
TAIL_SHARE = 0.10
"""Share of the losses that make the tail, as McNeil and Frey (2000) take it."""
FEWEST_EXCESSES = 25
_GRID = 400
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass(frozen=True, slots=True)
class ParetoTail:
    """A generalised Pareto tail, fitted.

    Attributes:
        threshold: loss beyond which the tail holds.
        shape: heavier above 0; moments of order ``1 / shape`` and more are infinite.
        scale: of the excesses.
        share_beyond: share of the losses beyond the threshold.
        shape_error, scale_error: standard errors, ``(1 + shape) / sqrt(k)`` and ``scale sqrt(2 (1 + shape) / k)``
            (Smith 1987).
        log_likelihood: of the excesses.
        n_excesses: ``k``.
    """

    threshold: float
    shape: float
    scale: float
    share_beyond: float
    shape_error: float
    scale_error: float
    log_likelihood: float
    n_excesses: int

    def loss(self, level: float) -> Loss:
        """Value at risk and expected shortfall at a level beyond the threshold's.

        Raises:
            UsageError: the level lies before the threshold, or is not below 1.
        """
        tail = (1.0 - level) / self.share_beyond
        if not 0.0 < tail <= 1.0 + 1e-12:
            raise UsageError(
                f"level {level} lies before the tail, which begins at {1.0 - self.share_beyond:.4f}",
                where="extreme-value tail",
                remedy="take a larger share as the tail",
            )
        value_at_risk = self.threshold + self.scale * _grown(self.shape, -math.log(tail))
        shortfall = (value_at_risk + self.scale - self.shape * self.threshold) / (1.0 - self.shape)
        return Loss(value_at_risk, shortfall)

    def scaled(self, deviation: float, level: float, mean: float = 0.0) -> Loss:
        """Loss at a forecast deviation, where the tail is that of standardised losses."""
        unit = self.loss(level)
        return Loss(deviation * unit.value_at_risk - mean, deviation * unit.expected_shortfall - mean)


def fit_tail(losses: FloatArray, share: float = TAIL_SHARE) -> ParetoTail:
    """Fit the tail of a sample by maximum likelihood, after Grimshaw (1993).

    For ``theta = shape / scale`` the likelihood is greatest at ``shape = mean(ln(1 + theta y))``: one dimension is
    left, which is searched on a grid and by golden section.

    Args:
        losses: float64[n], finite; positive is a loss.
        share: of the losses that make the tail, above 0 to 0.5; the threshold is the next smaller loss.

    Raises:
        DataError: fewer than 25 losses in the tail, one that is not finite, or all alike.
    """
    if not 0.0 < share <= 0.5:
        raise UsageError(f"share is {share}, but lies in 0 to 0.5", where="extreme-value tail")
    if not np.isfinite(losses).all():
        raise DataError("a loss is not finite", where="extreme-value tail", remedy="leave out gaps")
    ordered = np.sort(losses)
    k = int(round(len(ordered) * share, 6))
    if k < FEWEST_EXCESSES or k >= len(ordered):
        raise DataError(
            f"{k} losses in the tail, {FEWEST_EXCESSES} are needed",
            where="extreme-value tail",
            remedy="give a longer history or a larger share",
        )
    threshold = float(ordered[-k - 1])
    excesses = ordered[-k:] - threshold
    excesses = excesses[excesses > 0.0]
    if len(excesses) < FEWEST_EXCESSES:
        raise DataError("most losses of the tail are alike", where="extreme-value tail", remedy="take another share")
    shape, scale, log_likelihood = fit_excesses(excesses)
    k = len(excesses)
    return ParetoTail(
        threshold,
        shape,
        scale,
        k / len(ordered),
        (1.0 + shape) / math.sqrt(k),
        scale * math.sqrt(2.0 * (1.0 + shape) / k),
        log_likelihood,
        k,
    )


def fit_excesses(excesses: FloatArray) -> tuple[float, float, float]:
    """Shape, scale and log-likelihood of the most likely generalised Pareto distribution of positive excesses.

    The shape is held in -0.5..0.9; at a bound the scale is the most likely one given it.
    """
    mean, largest = float(np.mean(excesses)), float(np.max(excesses))
    # theta between -1 / largest (an end right at the largest) and far beyond any shape below the bound.
    low, high = -(1.0 - 1e-9) / largest, 1.0 / float(np.min(excesses)) + 100.0 / mean
    negative = -np.geomspace(-low, 1e-8 / mean, _GRID)
    positive = np.geomspace(1e-8 / mean, high, _GRID)
    grid = np.concatenate((negative, positive))
    values = np.array([_profile(excesses, theta) for theta in grid])
    best = int(np.argmax(values))
    left, right = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    theta = _golden(lambda t: _profile(excesses, t), left, right)
    shape = float(np.mean(np.log1p(theta * excesses)))
    if LEAST_SHAPE < shape < MOST_SHAPE:
        scale = shape / theta if abs(theta) * mean > 1e-9 else mean
        return shape, scale, log_likelihood_of_excesses(excesses, shape, scale)
    shape = LEAST_SHAPE if shape <= LEAST_SHAPE else MOST_SHAPE
    lowest_scale = max(-shape * largest, 0.0) * (1.0 + 1e-9) + 1e-12 * mean

    def given_shape(log_scale: float) -> float:
        return log_likelihood_of_excesses(excesses, shape, math.exp(log_scale))

    scale = math.exp(_golden(given_shape, math.log(lowest_scale), math.log(100.0 * mean + 2.0 * lowest_scale)))
    return shape, scale, log_likelihood_of_excesses(excesses, shape, scale)


def log_likelihood_of_excesses(excesses: FloatArray, shape: float, scale: float) -> float:
    """``-k ln scale - (1 + 1 / shape) sum ln(1 + shape y / scale)``; minus infinity beyond the end of the support."""
    if abs(shape) < 1e-10:
        return float(-len(excesses) * math.log(scale) - np.sum(excesses) / scale)
    inner = 1.0 + shape * excesses / scale
    if float(np.min(inner)) <= 0.0:
        return -math.inf
    return float(-len(excesses) * math.log(scale) - (1.0 + 1.0 / shape) * np.sum(np.log(inner)))


def _profile(excesses: FloatArray, theta: float) -> float:
    """Log-likelihood at ``theta`` with the best shape; shapes below -1 would make it infinite and are left out."""
    inner = 1.0 + theta * excesses
    if float(np.min(inner)) <= 0.0:
        return -math.inf
    shape = float(np.mean(np.log(inner)))
    if shape <= -1.0 or shape / theta <= 0.0:
        return -math.inf
    return len(excesses) * (-math.log(shape / theta) - shape - 1.0)


def _golden(f: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one maximum between two points has it."""
    at_left, at_right = (high - _GOLDEN * (high - low)), (low + _GOLDEN * (high - low))
    value_left, value_right = f(at_left), f(at_right)
    for _ in range(100):
        if value_left >= value_right:
            high, at_right, value_right = at_right, at_left, value_left
            at_left = high - _GOLDEN * (high - low)
            value_left = f(at_left)
        else:
            low, at_left, value_left = at_left, at_right, value_right
            at_right = low + _GOLDEN * (high - low)
            value_right = f(at_right)
    return 0.5 * (low + high)


def _grown(shape: float, t: float) -> float:
    """``(exp(shape t) - 1) / shape``, and its limit ``t`` at 0."""
    return t if abs(shape) < 1e-10 else math.expm1(shape * t) / shape
