"""Free coordinates of a model's parameters: every point of them is an admissible model.

========  ==========================================================================================
GARCH     ``log omega``; alpha and beta as shares ``e^u / (1 + e^u + e^v)`` of the highest persistence, so
          that both are positive and ``alpha + beta < 1 - 1e-7``
GJR       likewise for ``up / 2``, ``down / 2`` and ``beta``
EGARCH    omega, alpha, gamma as they are; ``beta = tanh v``
errors    ``1 / df`` between 1/500 and 1/2.05 by a logistic curve
========  ==========================================================================================

A coordinate that a model lacks has a derivative of zero and so never moves.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.kernel import array, f8, i8, kernel
from bot4.quant.volatility.likelihood import BETA, DF, DOWN, EGARCH, GARCH, MEAN, NORMAL_ERRORS, OMEGA, UP

LEAST_DF, GREATEST_DF = 2.05, 500.0
_LOW, _HIGH = 1.0 / GREATEST_DF, 1.0 / LEAST_DF
_FARTHEST = 30.0  # of a coordinate of a share, beyond which a share is zero to all intents
HIGHEST_PERSISTENCE = 1.0 - 1e-7  # what stationarity leaves: enough for a long-run variance to exist


@kernel(f8(f8))
def _kept(coordinate: float) -> float:
    return min(max(coordinate, -_FARTHEST), _FARTHEST)


@kernel(i8(i8, i8, array(f8), array(f8)))
def to_parameters(model: int, is_student: int, theta: Any, parameters: Any) -> int:
    """Parameters of a point.

    Args:
        model: as in :func:`~bot4.quant.volatility.likelihood.log_likelihood`.
        is_student: 1 for Student-t errors, 0 for normal ones.
        theta: float64[6], the point.
        parameters: float64[6], overwritten.
    """
    parameters[MEAN] = theta[MEAN]
    if model == EGARCH:
        parameters[OMEGA], parameters[UP], parameters[DOWN] = theta[OMEGA], theta[UP], theta[DOWN]
        parameters[BETA] = math.tanh(theta[BETA])
    else:
        parameters[OMEGA] = math.exp(_kept(theta[OMEGA]))
        up, beta = math.exp(_kept(theta[UP])), math.exp(_kept(theta[BETA]))
        if model == GARCH:
            whole = (1.0 + up + beta) / HIGHEST_PERSISTENCE
            parameters[UP] = parameters[DOWN] = up / whole
        else:
            down = math.exp(_kept(theta[DOWN]))
            whole = (1.0 + up + down + beta) / HIGHEST_PERSISTENCE
            parameters[UP], parameters[DOWN] = 2.0 * up / whole, 2.0 * down / whole
        parameters[BETA] = beta / whole
    parameters[DF] = NORMAL_ERRORS
    if is_student:
        parameters[DF] = 1.0 / (_LOW + (_HIGH - _LOW) / (1.0 + math.exp(-_kept(theta[DF]))))
    return 0


@kernel(i8(i8, i8, array(f8), array(f8)))
def to_theta(model: int, is_student: int, parameters: Any, theta: Any) -> int:
    """The point of admissible parameters: the inverse of :func:`to_parameters`."""
    theta[MEAN] = parameters[MEAN]
    theta[DOWN] = theta[DF] = 0.0
    if model == EGARCH:
        theta[OMEGA], theta[UP], theta[DOWN] = parameters[OMEGA], parameters[UP], parameters[DOWN]
        theta[BETA] = math.atanh(parameters[BETA])
    else:
        theta[OMEGA] = math.log(parameters[OMEGA])
        half = 1.0 if model == GARCH else 0.5
        up, down, beta = half * parameters[UP], half * parameters[DOWN], parameters[BETA]
        rest = HIGHEST_PERSISTENCE - up - beta
        if model != GARCH:
            rest -= down
            theta[DOWN] = math.log(down / rest)
        theta[UP], theta[BETA] = math.log(up / rest), math.log(beta / rest)
    if is_student:
        share = (1.0 / parameters[DF] - _LOW) / (_HIGH - _LOW)
        theta[DF] = math.log(share / (1.0 - share))
    return 0


@kernel(i8(i8, i8, i8, array(f8), array(f8), array(f8)))
def pull_back(model: int, has_mean: int, is_student: int, theta: Any, parameters: Any, gradient: Any) -> int:
    """Turn a gradient by parameters into one by the coordinates of the point, in place."""
    if not has_mean:
        gradient[MEAN] = 0.0
    if model == EGARCH:
        gradient[BETA] *= 1.0 - parameters[BETA] * parameters[BETA]
    else:
        gradient[OMEGA] *= parameters[OMEGA]
        half = 1.0 if model == GARCH else 2.0
        up, down, beta = parameters[UP] / half, parameters[DOWN] / half, parameters[BETA]
        by_up, by_down, by_beta = half * gradient[UP], half * gradient[DOWN], gradient[BETA]
        if model == GARCH:
            by_up += by_down
            by_down = down = 0.0
        common = (up * by_up + down * by_down + beta * by_beta) / HIGHEST_PERSISTENCE
        gradient[UP] = up * (by_up - common)
        gradient[DOWN] = down * (by_down - common)
        gradient[BETA] = beta * (by_beta - common)
    if is_student:
        share = (1.0 / parameters[DF] - _LOW) / (_HIGH - _LOW)
        gradient[DF] *= -parameters[DF] * parameters[DF] * (_HIGH - _LOW) * share * (1.0 - share)
    return 0
