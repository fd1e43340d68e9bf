"""Covariance and correlation, updated step by step, and kept positive definite.

What an asset without a return at this step (NaN, infinity) contributes is what the others say about it: its expected
square and products given theirs. The update is then a sum of positive semidefinite matrices whatever is missing, and
an asset that is silent keeps its relation to the rest.

Matrices are float64[n, n], C-contiguous; ``work`` and ``moments`` are scratch of the same shape.
"""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void

_LEAST_PIVOT = 1e-12
_FIRST_BLEND = 1e-8
_BLEND_FACTOR = 4.0


@kernel(i8(array(f8, 2), array(f8), array(f8, 2), array(f8, 2)))
def expected_moments(covariance: FloatArray, values: FloatArray, work: FloatArray, moments: FloatArray) -> int:
    """Expected outer product of the values given those that are known, if all have mean zero and that covariance.

    ``x x'`` where all are known. Else, with o known and m missing, ``x_m`` is ``S_mo S_oo^-1 x_o`` and the block of
    the missing gains ``S_mm - S_mo S_oo^-1 S_om`` (the E step for a normal; Little and Rubin 2002, 11.2.1), by
    sweeping.

    Args:
        covariance: float64[n, n].
        values: float64[n]; NaN and infinities are missing.
        work: float64[n, n], overwritten where a value is missing.
        moments: float64[n, n], overwritten.

    Returns:
        How many values are known.
    """
    n = len(values)
    n_known = 0
    for i in range(n):
        if math.isfinite(values[i]):
            n_known += 1
    if n_known == n:
        for i in range(n):
            for j in range(n):
                moments[i, j] = values[i] * values[j]
        return n_known
    for i in range(n):
        for j in range(n):
            work[i, j] = covariance[i, j]
    for k in range(n):
        if math.isfinite(values[k]):
            _sweep(work, k, _LEAST_PIVOT * covariance[k, k])
    # Swept, a missing row holds its regression on the known columns and its remaining covariance on the missing ones.
    for i in range(n):
        for j in range(n):
            product = _predicted(work, values, i) * _predicted(work, values, j)
            if not (math.isfinite(values[i]) or math.isfinite(values[j])):
                product += work[i, j]
            moments[i, j] = product
    return n_known


@kernel(void(array(f8, 2), i8, f8))
def _sweep(matrix: FloatArray, k: int, least: float) -> None:
    """The sweep operator on pivot ``k``; a pivot that others explain already is zeroed instead."""
    n = matrix.shape[0]
    pivot = matrix[k, k]
    if not pivot > least:
        for i in range(n):
            matrix[i, k] = 0.0
            matrix[k, i] = 0.0
        return
    for i in range(n):
        if i != k:
            factor = matrix[i, k] / pivot
            for j in range(n):
                if j != k:
                    matrix[i, j] -= factor * matrix[k, j]
    for i in range(n):
        if i != k:
            matrix[i, k] /= pivot
            matrix[k, i] /= pivot
    matrix[k, k] = -1.0 / pivot


@kernel(f8(array(f8, 2), array(f8), i8))
def _predicted(swept: FloatArray, values: FloatArray, i: int) -> float:
    """The value, or where it is missing its regression on those that are not."""
    if math.isfinite(values[i]):
        return float(values[i])
    total = 0.0
    for k in range(len(values)):
        if math.isfinite(values[k]):
            total += swept[i, k] * values[k]
    return total


@kernel(i8(array(f8, 2), array(f8), f8, array(f8, 2), array(f8, 2)))
def ewma_covariance_step(
    covariance: FloatArray, returns: FloatArray, decay: float, work: FloatArray, moments: FloatArray
) -> int:
    """``S' = decay S + (1 - decay) r r'`` (RiskMetrics, J.P. Morgan 1996), missing returns as the module says.

    Args:
        covariance: float64[n, n], moved on; nothing happens where no return is known.
        returns: float64[n].
        decay: 0 to 1; RiskMetrics takes 0.94 for days.
        work, moments: float64[n, n], overwritten.

    Returns:
        How many returns are known.
    """
    n = len(returns)
    n_known = expected_moments(covariance, returns, work, moments)
    if n_known > 0:
        for i in range(n):
            for j in range(n):
                covariance[i, j] = decay * covariance[i, j] + (1.0 - decay) * moments[i, j]
    return int(n_known)


@kernel(void(array(f8, 2), array(f8, 2)))
def correlation_of(covariance: FloatArray, correlation: FloatArray) -> None:
    """``S_ij / sqrt(S_ii S_jj)`` within -1 to 1, the diagonal exactly 1; 0 for an asset that never moved."""
    n = covariance.shape[0]
    for i in range(n):
        correlation[i, i] = 1.0
        for j in range(i):
            scale = covariance[i, i] * covariance[j, j]
            value = covariance[i, j] / math.sqrt(scale) if scale > 0.0 else 0.0
            value = min(1.0, max(-1.0, value))
            correlation[i, j] = value
            correlation[j, i] = value


@kernel(i8(array(f8, 2), array(f8, 2)))
def cholesky(matrix: FloatArray, lower: FloatArray) -> int:
    """Lower triangle ``L`` with ``L L' = matrix``, zeros above.

    Returns:
        1; or 0 where a pivot is not above 1e-12 of its diagonal element, NaN included. ``lower`` is then of no use.
    """
    n = matrix.shape[0]
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if not total > _LEAST_PIVOT * matrix[i, i]:
                    return 0
                lower[i, i] = math.sqrt(total)
            else:
                lower[i, j] = total / lower[j, j]
        for j in range(i + 1, n):
            lower[i, j] = 0.0
    return 1


@kernel(f8(array(f8, 2), array(f8, 2)))
def keep_positive_definite(correlation: FloatArray, lower: FloatArray) -> float:
    """Blend a correlation matrix with the identity until it has a Cholesky factor.

    ``R <- (1 - w) R + w I`` with the least ``w`` of 0, 1e-8, 4e-8, 1.6e-7, ... 1: a matrix that is positive definite
    is not touched, the diagonal stays 1, and every eigenvalue rises by ``w (1 - eigenvalue)``.

    Args:
        correlation: float64[n, n], symmetric, diagonal 1; overwritten where it needs repair.
        lower: float64[n, n], overwritten with the Cholesky factor.

    Returns:
        ``w``; NaN where an element is not finite, and then nothing can be repaired.
    """
    n = correlation.shape[0]
    for i in range(n):
        for j in range(n):
            if not math.isfinite(correlation[i, j]):
                return math.nan
    if cholesky(correlation, lower) == 1:
        return 0.0
    total, blend = 0.0, _FIRST_BLEND
    while True:
        more = min(1.0, (blend - total) / (1.0 - total)) if total < 1.0 else 1.0
        for i in range(n):
            for j in range(n):
                correlation[i, j] = (1.0 - more) * correlation[i, j] + (more if i == j else 0.0)
        total = min(1.0, blend)
        if cholesky(correlation, lower) == 1 or total >= 1.0:
            return total
        blend = min(1.0, blend * _BLEND_FACTOR)
