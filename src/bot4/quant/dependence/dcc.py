"""Dynamic conditional correlation (Engle 2002): its step, its likelihood, and its fit in two steps.

The first step is not here: the residuals are returns over the deviations that a GARCH model forecast for them, one
asset at a time. Then, with ``z`` the residuals and ``target`` their unconditional correlation (correlation targeting),

``Q' = (1 - alpha - beta) target + alpha z z' + beta Q``,  ``R'_ij = Q'_ij / sqrt(Q'_ii Q'_jj)``.

``Q`` is a sum of positive semidefinite matrices with a positive definite one, so that ``R`` is positive definite at
every step for every history, provided that ``alpha >= 0``, ``beta >= 0`` and ``alpha + beta < 1``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError
from bot4.kernel import array, f8, i8, kernel
from bot4.quant.dependence.correlation import (
    cholesky,
    correlation_of,
    expected_moments,
    keep_positive_definite,
)
from bot4.quant.dependence.shrinkage import finite_rows, shrunk_covariance

FEWEST_ROWS = 250
"""Complete rows of residuals below which the two parameters are not fitted but taken as below."""
SHORT_ALPHA, SHORT_BETA = 0.02, 0.96
"""Parameters for short histories, of the size that Engle and Sheppard (2001) find for daily returns."""
MOST_PERSISTENCE = 0.9999
_LEAST_ROWS = 3


@kernel(i8(array(f8, 2), array(f8, 2), array(f8), f8, f8, array(f8, 2), array(f8, 2), array(f8, 2)))
def dcc_step(
    q: FloatArray,
    target: FloatArray,
    residuals: FloatArray,
    alpha: float,
    beta: float,
    correlation: FloatArray,
    work: FloatArray,
    moments: FloatArray,
) -> int:
    """Move on by one vector of residuals; ``correlation`` is then the forecast for the next.

    Args:
        q: float64[n, n], moved on; starts as a copy of ``target``.
        target: float64[n, n], a positive definite correlation matrix.
        residuals: float64[n], standardised; a NaN or infinity says nothing, and counts as what the others and the
            forecast say about it (see :mod:`bot4.quant.dependence.correlation`).
        alpha, beta: not below 0, sum below 1.
        correlation: float64[n, n], the forecast for these residuals; overwritten with the next.
        work, moments: float64[n, n], overwritten.

    Returns:
        How many residuals are known; where none is, the forecast moves towards the target.
    """
    n = len(residuals)
    n_known = expected_moments(correlation, residuals, work, moments)
    rest = 1.0 - alpha - beta
    for i in range(n):
        for j in range(n):
            q[i, j] = rest * target[i, j] + alpha * moments[i, j] + beta * q[i, j]
    correlation_of(q, correlation)
    return int(n_known)


@kernel(f8(array(f8, 2), array(f8, 2), f8, f8, array(f8, 2), array(f8, 2), array(f8, 2), array(f8, 2)))
def dcc_log_likelihood(
    residuals: FloatArray,
    target: FloatArray,
    alpha: float,
    beta: float,
    q: FloatArray,
    correlation: FloatArray,
    work: FloatArray,
    moments: FloatArray,
) -> float:
    """Correlation part of the normal log-likelihood: ``-1/2 sum(ln |R_t| + z' R_t^-1 z - z' z)``.

    The recursion starts with ``Q_1 = target``.

    Args:
        residuals: float64[T, n], finite.
        target, alpha, beta: as :func:`dcc_step`.
        q, correlation, work, moments: float64[n, n], overwritten.

    Returns:
        The log-likelihood; minus infinity where a correlation matrix has no Cholesky factor.
    """
    n_rows, n = residuals.shape
    for i in range(n):
        for j in range(n):
            q[i, j] = target[i, j]
            correlation[i, j] = target[i, j]
    total = 0.0
    rest = 1.0 - alpha - beta
    for t in range(n_rows):
        if cholesky(correlation, work) == 0:
            return -math.inf
        for i in range(n):
            value = residuals[t, i]
            for k in range(i):
                value -= work[i, k] * moments[0, k]
            value /= work[i, i]
            moments[0, i] = value
            z = residuals[t, i]
            total -= math.log(work[i, i]) + 0.5 * (value * value - z * z)
        for i in range(n):
            for j in range(n):
                q[i, j] = rest * target[i, j] + alpha * residuals[t, i] * residuals[t, j] + beta * q[i, j]
        correlation_of(q, correlation)
    return total


@dataclass(frozen=True, slots=True)
class DccModel:
    """A fitted model, or one of given parameters where the history is short.

    Attributes:
        target: float64[n, n], correlation to which forecasts revert.
        alpha, beta: of the recursion.
        standard_errors: of alpha and beta, by the curvature of the correlation likelihood (the estimation of residuals
            and target is not in them); NaN where not fitted or at a bound.
        log_likelihood: correlation part, of the rows that were used.
        n_rows: complete rows.
        shrinkage: weight of equal correlations in ``target``, 0 to 1.
        fallback: why the parameters are not fitted; empty where they are.
    """

    target: FloatArray
    alpha: float
    beta: float
    standard_errors: tuple[float, float]
    log_likelihood: float
    n_rows: int
    shrinkage: float
    fallback: str = ""


@dataclass(slots=True)
class DccFilter:
    """The state of the recursion: ``update`` takes residuals in their order, ``correlation`` is the forecast."""

    target: FloatArray
    alpha: float
    beta: float
    q: FloatArray
    correlation: FloatArray
    _work: FloatArray
    _moments: FloatArray

    @classmethod
    def start(cls, model: DccModel) -> DccFilter:
        """At the target."""
        target = np.ascontiguousarray(model.target, np.float64)
        empty = np.empty_like(target)
        return cls(target, model.alpha, model.beta, target.copy(), target.copy(), empty, empty.copy())

    def update(self, residuals: FloatArray) -> int:
        """Move on by float64[n] residuals, NaN where unknown; returns how many were known."""
        return int(
            dcc_step(self.q, self.target, residuals, self.alpha, self.beta, self.correlation, self._work, self._moments)
        )


def fit_dcc(residuals: FloatArray) -> DccModel:
    """Second step of the two-step estimation: the target, then alpha and beta by maximum likelihood.

    The target is Ledoit and Wolf's correlation: equal correlations get a weight that falls as the history grows.

    Args:
        residuals: float64[T, n], standardised; rows that are not wholly finite are left out.

    Raises:
        DataError: fewer than 3 complete rows, or residuals that do not vary.
        UsageError: fewer than two assets.
    """
    rows = finite_rows(residuals)
    n_rows, n = rows.shape
    if n < 2:
        raise UsageError(f"{n} asset", where="DCC", remedy="give at least two")
    if n_rows < _LEAST_ROWS:
        raise DataError(f"{n_rows} complete rows of residuals", where="DCC", remedy="give a longer history")
    shrunk = shrunk_covariance(rows)
    target = np.ascontiguousarray(shrunk.correlation)
    scratch = [np.empty((n, n)) for _ in range(4)]
    keep_positive_definite(target, scratch[0])

    def log_likelihood(alpha: float, beta: float) -> float:
        return float(dcc_log_likelihood(rows, target, alpha, beta, *scratch))

    if n_rows < FEWEST_ROWS:
        reason = f"{n_rows} complete rows, {FEWEST_ROWS} are needed"
        found = log_likelihood(SHORT_ALPHA, SHORT_BETA)
        errors = (math.nan, math.nan)
        return DccModel(target, SHORT_ALPHA, SHORT_BETA, errors, found, n_rows, shrunk.weight, reason)
    alpha, beta = _most_likely(log_likelihood)
    errors = _curvature_errors(log_likelihood, alpha, beta)
    return DccModel(target, alpha, beta, errors, log_likelihood(alpha, beta), n_rows, shrunk.weight)


def _most_likely(log_likelihood: Callable[[float, float], float]) -> tuple[float, float]:
    """Best alpha and persistence on a coarse grid, then by ever finer steps in the four directions of both."""

    def at(alpha: float, persistence: float) -> float:
        is_allowed = 0.0 <= alpha <= persistence <= MOST_PERSISTENCE
        return log_likelihood(alpha, persistence - alpha) if is_allowed else -math.inf

    grid = [(a, p) for a in (0.0, 0.01, 0.03, 0.08) for p in (0.3, 0.8, 0.95, 0.99)]
    best, (alpha, persistence) = max((at(a, p), (a, p)) for a, p in grid)
    alpha_step, left_factor = 0.01, 2.0
    while alpha_step > 1e-6 or left_factor > 1.00005:
        left = 1.0 - persistence
        tried = [
            (alpha + alpha_step, persistence),
            (max(0.0, alpha - alpha_step), persistence),
            (alpha, 1.0 - left * left_factor),
            (alpha, 1.0 - left / left_factor),
            (alpha + alpha_step, 1.0 - left / left_factor),
            (max(0.0, alpha - alpha_step), 1.0 - left * left_factor),
        ]
        found, place = max((at(a, p), (a, p)) for a, p in tried)
        if found > best:
            best, (alpha, persistence) = found, place
        else:
            alpha_step, left_factor = 0.5 * alpha_step, math.sqrt(left_factor)
    return alpha, persistence - alpha


def _curvature_errors(
    log_likelihood: Callable[[float, float], float], alpha: float, beta: float
) -> tuple[float, float]:
    """Root of the diagonal of the inverse negative Hessian, by central differences; NaN at a bound."""
    h = 0.1 * min(0.01, alpha, beta, 1.0 - alpha - beta)
    if h < 1e-5:
        return math.nan, math.nan

    def f(i: int, j: int) -> float:
        return log_likelihood(alpha + i * h, beta + j * h)

    centre = f(0, 0)
    aa = (f(1, 0) - 2.0 * centre + f(-1, 0)) / h**2
    bb = (f(0, 1) - 2.0 * centre + f(0, -1)) / h**2
    ab = (f(1, 1) - f(1, -1) - f(-1, 1) + f(-1, -1)) / (4.0 * h**2)
    determinant = aa * bb - ab * ab
    if not (aa < 0.0 and bb < 0.0 and determinant > 0.0):
        return math.nan, math.nan
    return math.sqrt(-bb / determinant), math.sqrt(-aa / determinant)
