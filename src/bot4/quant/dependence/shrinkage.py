"""Correlation from few observations: shrinkage with the optimal weight, and the nearest correlation matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError

_LEAST_ROWS = 3
_MOST_PROJECTIONS = 1_000


@dataclass(frozen=True, slots=True)
class ShrunkCovariance:
    """A covariance matrix pulled towards equal correlations.

    Attributes:
        covariance: float64[n, n].
        weight: of the target, 0 to 1: near 1 for short histories, near 0 for long ones.
        mean_correlation: of all pairs in the sample, which the target has everywhere.
    """

    covariance: FloatArray
    weight: float
    mean_correlation: float

    @property
    def correlation(self) -> FloatArray:
        """float64[n, n], diagonal 1."""
        return to_correlation(self.covariance)


def shrunk_covariance(returns: FloatArray) -> ShrunkCovariance:
    """Ledoit and Wolf's estimator with the target of constant correlation (*Honey, I shrunk the sample covariance
    matrix*, 2004, appendix B).

    ``w F + (1 - w) S`` with ``S`` the sample covariance (over n), ``F`` its variances with the mean correlation for
    all pairs, and ``w = kappa / T`` in 0..1, ``kappa = (pi - rho) / gamma``, which minimises the expected squared
    distance from the true matrix as T grows.

    Args:
        returns: float64[T, n]; rows that are not wholly finite are left out.

    Raises:
        DataError: fewer than 3 usable rows, or an asset that never moves.
    """  # noqa: D205
    x = finite_rows(returns)
    if len(x) < _LEAST_ROWS:
        raise DataError(f"{len(x)} complete rows of returns", where="shrinkage", remedy="give at least 3")
    t, n = x.shape
    x = x - x.mean(axis=0)
    sample = x.T @ x / t
    variance = np.diag(sample).copy()
    if not np.all(variance > 0.0):
        raise DataError("an asset whose returns are all equal", where="shrinkage", remedy="leave it out")
    if n == 1:
        return ShrunkCovariance(sample, 0.0, 1.0)
    deviation = np.sqrt(variance)
    mean_correlation = float(((sample / np.outer(deviation, deviation)).sum() - n) / (n * (n - 1)))
    target = mean_correlation * np.outer(deviation, deviation)
    np.fill_diagonal(target, variance)
    squares = x * x
    pi = squares.T @ squares / t - sample * sample
    theta = (x**3).T @ x / t - variance[:, None] * sample
    ratio = deviation[None, :] / deviation[:, None]
    off = ratio * theta
    np.fill_diagonal(off, 0.0)
    rho = float(np.trace(pi)) + mean_correlation * float(off.sum())
    gamma = float(((target - sample) ** 2).sum())
    weight = min(1.0, max(0.0, (float(pi.sum()) - rho) / gamma / t)) if gamma > 0.0 else 0.0
    return ShrunkCovariance(weight * target + (1.0 - weight) * sample, weight, mean_correlation)


def nearest_correlation(matrix: FloatArray, *, least_eigenvalue: float = 1e-8) -> FloatArray:
    """The correlation matrix nearest to a symmetric one in the Frobenius norm (Higham 2002), for what a user gives.

    Alternating projections on the matrices with unit diagonal and on the positive semidefinite ones, with Dykstra's
    correction; then a blend with the identity to ``least_eigenvalue``.

    Args:
        matrix: float64[n, n], finite, symmetric.
        least_eigenvalue: of the result, 0 to below 1.

    Raises:
        UsageError: not square, not finite, or not symmetric.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise UsageError("not a square matrix of finite numbers", where="correlation matrix")
    if not np.allclose(matrix, matrix.T, rtol=0.0, atol=1e-8):
        raise UsageError("the matrix is not symmetric", where="correlation matrix")
    found = 0.5 * (matrix + matrix.T)
    correction = np.zeros_like(found)
    for _ in range(_MOST_PROJECTIONS):
        moved = found - correction
        values, vectors = np.linalg.eigh(moved)
        semidefinite = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = semidefinite - moved
        unit = semidefinite.copy()
        np.fill_diagonal(unit, 1.0)
        change = float(np.abs(unit - found).max())
        found = unit
        if change < 1e-12:
            break
    lowest = float(np.linalg.eigvalsh(found)[0])
    if lowest < least_eigenvalue:
        blend = (least_eigenvalue - lowest) / (1.0 - lowest)
        found = (1.0 - blend) * found + blend * np.eye(len(found))
    return found


def to_correlation(covariance: FloatArray) -> FloatArray:
    """``S_ij / sqrt(S_ii S_jj)``, the diagonal exactly 1. Variances must be above zero."""
    deviation = np.sqrt(np.diag(covariance))
    correlation: FloatArray = covariance / np.outer(deviation, deviation)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def finite_rows(values: FloatArray) -> FloatArray:
    """The rows in which every value is finite, as a C-contiguous float64 matrix.

    Raises:
        UsageError: not two-dimensional.
    """
    if values.ndim != 2:
        raise UsageError(f"{values.ndim} dimensions, but rows of assets are needed", where="returns")
    kept: FloatArray = np.ascontiguousarray(values[np.isfinite(values).all(axis=1)], np.float64)
    return kept
