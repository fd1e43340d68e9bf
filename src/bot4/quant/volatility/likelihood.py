"""Likelihood of GARCH, GJR and EGARCH(1,1) with its exact gradient, in one pass forward and one back.

Parameters stand in one array of seven, whatever the model (:data:`MEAN` to :data:`DF`)::

    GARCH, GJR   h_t = omega + (up e^2 if e >= 0 else down e^2) + beta h_(t-1)
    EGARCH       log h_t = omega + up (|z| - sqrt(2 / pi)) + down z + beta log h_(t-1),   z = e / sqrt(h)

with ``e`` and ``h`` of the step before. GARCH has ``up = down = alpha``; GJR has ``up = alpha`` and
``down = alpha + gamma``; EGARCH keeps ``alpha`` and ``gamma`` in their places. The recursion starts as if the step
before the first had had squared residual and variance ``start`` (half of its weight on either side); EGARCH's as if the
logarithm of the variance had been ``log start`` and its shock as expected.

The gradient is the adjoint of the recursion: ``l_t = dL/dh_t + (dh_(t+1)/dh_t) l_(t+1)``, backwards in time.

Sources: Bollerslev (1986); Glosten, Jagannathan and Runkle (1993); Nelson (1991).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bot4.kernel import array, f8, i8, kernel
from bot4.quant.volatility.density import (
    BY_RESIDUAL,
    BY_VARIANCE,
    RESIDUAL,
    VARIANCE,
    fill_residuals,
    normal_log_likelihood,
    student_log_likelihood,
)

GARCH, GJR, EGARCH = 0, 1, 2
MEAN, OMEGA, UP, DOWN, BETA, DF = 0, 1, 2, 3, 4, 5
N_PARAMETERS = 6

NORMAL_ERRORS = 0.0  # in the place of degrees of freedom

MEAN_ABSOLUTE_NORMAL = math.sqrt(2.0 / math.pi)

_LEAST_VARIANCE, _GREATEST_VARIANCE = 1e-12, 1e12  # of scaled returns; beyond, the likelihood says no
_LEAST_LOG, _GREATEST_LOG = math.log(_LEAST_VARIANCE), math.log(_GREATEST_VARIANCE)


@kernel(i8(array(f8), f8, array(f8, 2)))
def fill_variances(parameters: Any, start: float, work: Any) -> int:
    """Variances of GARCH and GJR from the residuals in ``work``; returns 0, or 1 where one left all reason."""
    omega, up, down, beta = parameters[OMEGA], parameters[UP], parameters[DOWN], parameters[BETA]
    variances, residuals = work[VARIANCE], work[RESIDUAL]
    variance = omega + (0.5 * (up + down) + beta) * start
    is_sound = True
    for k in range(len(residuals)):
        variances[k] = variance
        is_sound = is_sound and _LEAST_VARIANCE < variance < _GREATEST_VARIANCE
        squared = residuals[k] * residuals[k]
        shock = omega + (up if residuals[k] >= 0.0 else down) * squared
        variance = shock + beta * variance
    return 0 if is_sound else 1


@kernel(i8(array(f8), array(f8, 2), array(f8), f8))
def gather_gradient(parameters: Any, work: Any, gradient: Any, start: float) -> int:
    """Gradient of GARCH and GJR by mean, omega, up, down and beta, from the derivatives in ``work``."""
    up, down, beta = parameters[UP], parameters[DOWN], parameters[BETA]
    variances, residuals = work[VARIANCE], work[RESIDUAL]
    by_variance, by_residual = work[BY_VARIANCE], work[BY_RESIDUAL]
    by_mean, by_omega, by_up, by_down, by_beta = 0.0, 0.0, 0.0, 0.0, 0.0
    adjoint = 0.0
    for k in range(len(residuals) - 1, -1, -1):
        # `adjoint` is of the variance after this residual.
        residual = residuals[k]
        by_omega += adjoint
        squared = adjoint * residual * residual
        weight = down
        if residual >= 0.0:
            weight = up
            by_up += squared
        else:
            by_down += squared
        by_beta += adjoint * variances[k]
        by_mean -= by_residual[k] + 2.0 * adjoint * weight * residual
        adjoint = by_variance[k] + beta * adjoint
    gradient[MEAN] = by_mean
    gradient[OMEGA] = by_omega + adjoint
    gradient[UP] = by_up + 0.5 * start * adjoint
    gradient[DOWN] = by_down + 0.5 * start * adjoint
    gradient[BETA] = by_beta + start * adjoint
    return 0


@kernel(i8(array(f8), f8, array(f8, 2)))
def fill_exponential_variances(parameters: Any, start: float, work: Any) -> int:
    """Variances of EGARCH from the residuals in ``work``; returns 0, or 1 where one left all reason."""
    omega, alpha, gamma, beta = parameters[OMEGA], parameters[UP], parameters[DOWN], parameters[BETA]
    variances, residuals = work[VARIANCE], work[RESIDUAL]
    log_variance = omega + beta * math.log(start)
    is_sound = True
    for k in range(len(residuals)):
        if not _LEAST_LOG < log_variance < _GREATEST_LOG:
            is_sound = False
            log_variance = min(max(log_variance, _LEAST_LOG), _GREATEST_LOG)
        variances[k] = math.exp(log_variance)
        shock = residuals[k] / math.sqrt(variances[k])
        log_variance = omega + alpha * (abs(shock) - MEAN_ABSOLUTE_NORMAL) + gamma * shock + beta * log_variance
    return 0 if is_sound else 1


@kernel(i8(array(f8), array(f8, 2), array(f8), f8))
def gather_exponential_gradient(parameters: Any, work: Any, gradient: Any, start: float) -> int:
    """Gradient of EGARCH by mean, omega, alpha, gamma and beta, from the derivatives in ``work``."""
    alpha, gamma, beta = parameters[UP], parameters[DOWN], parameters[BETA]
    variances, residuals = work[VARIANCE], work[RESIDUAL]
    by_variance, by_residual = work[BY_VARIANCE], work[BY_RESIDUAL]
    by_mean, by_omega, by_alpha, by_gamma, by_beta = 0.0, 0.0, 0.0, 0.0, 0.0
    adjoint = 0.0
    for k in range(len(residuals) - 1, -1, -1):
        # `adjoint` is of the log variance after this residual.
        deviation = math.sqrt(variances[k])
        shock = residuals[k] / deviation
        size = abs(shock)
        slope = alpha * (1.0 if shock >= 0.0 else -1.0) + gamma
        by_omega += adjoint
        by_alpha += adjoint * (size - MEAN_ABSOLUTE_NORMAL)
        by_gamma += adjoint * shock
        by_beta += adjoint * math.log(variances[k])
        by_mean -= by_residual[k] + adjoint * slope / deviation
        adjoint = by_variance[k] * variances[k] + (beta - 0.5 * (alpha * size + gamma * shock)) * adjoint
    gradient[MEAN] = by_mean
    gradient[OMEGA] = by_omega + adjoint
    gradient[UP] = by_alpha
    gradient[DOWN] = by_gamma
    gradient[BETA] = by_beta + adjoint * math.log(start)
    return 0


@kernel(f8(i8, array(f8), array(f8), f8, array(f8, 2), array(f8)))
def log_likelihood(model: int, parameters: Any, returns: Any, start: float, work: Any, gradient: Any) -> float:
    """Log-likelihood of a model, and its gradient by :data:`MEAN` to :data:`DF`.

    Args:
        model: :data:`GARCH`, :data:`GJR` or :data:`EGARCH`.
        parameters: float64[6]; ``parameters[DF]`` of :data:`NORMAL_ERRORS` means normal errors.
        returns: float64[n], of the order of one.
        start: variance of the step before the first, above zero.
        work: float64[4, n], overwritten; row 0 holds the variances afterwards.
        gradient: float64[6], overwritten.

    Returns:
        The log-likelihood, or -inf where a variance leaves 1e-12..1e12. NaN in the returns gives NaN.
    """
    fill_residuals(returns, parameters[MEAN], work)
    if model == EGARCH:
        is_wild = fill_exponential_variances(parameters, start, work)
    else:
        is_wild = fill_variances(parameters, start, work)
    if is_wild:
        gradient[:] = 0.0
        return -np.inf
    df = parameters[DF]
    gradient[DF] = 0.0
    if df == NORMAL_ERRORS:
        total = float(normal_log_likelihood(work))
    else:
        total = float(student_log_likelihood(work, df, gradient[DF:]))
    if model == EGARCH:
        gather_exponential_gradient(parameters, work, gradient, start)
    else:
        gather_gradient(parameters, work, gradient, start)
    return total
