"""Log-likelihood of residuals under given variances, normal or Student-t, and its derivatives.

The errors have unit variance: a Student-t of ``df`` degrees of freedom is scaled by ``sqrt((df - 2) / df)``.
With ``h`` the variance, ``e`` the residual and ``w = (df - 2) h + e^2``::

    normal      -(log 2 pi + log h + e^2 / h) / 2
    Student-t   log G((df+1)/2) - log G(df/2) - log(pi) / 2 + df/2 log((df-2) h) - (df+1)/2 log w

Logarithms are taken of products of eight, which costs an eighth and loses nothing: variances are of the order of one
here (returns are scaled first), and a product that leaves the range of a float is taken apart again.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.kernel import array, f8, i8, kernel
from bot4.quant.volatility.special import digamma

VARIANCE, BY_VARIANCE, BY_RESIDUAL, RESIDUAL = 0, 1, 2, 3  # rows of the work array
N_WORK_ROWS = 4

_LOG_TWO_PI = math.log(2.0 * math.pi)
_LOG_PI = math.log(math.pi)
_SMALL, _LARGE = 1e-290, 1e290


@kernel(f8(array(f8), i8, i8))
def sum_of_logs(values: Any, first: int, last: int) -> float:
    """``sum(log(values[first:last]))``, one logarithm after another."""
    total = 0.0
    for k in range(first, last):
        total += math.log(values[k])
    return total


@kernel(f8(array(f8)))
def log_of_product(values: Any) -> float:
    """Sum of the logarithms of positive values, taken of products of eight."""
    n = len(values)
    whole = n - n % 8
    total = 0.0
    for k in range(0, whole, 8):
        product = (values[k] * values[k + 1] * (values[k + 2] * values[k + 3])) * (
            values[k + 4] * values[k + 5] * (values[k + 6] * values[k + 7])
        )
        if _SMALL < product < _LARGE:
            total += math.log(product)
        else:
            total += sum_of_logs(values, k, k + 8)
    return total + float(sum_of_logs(values, whole, n))


@kernel(f8(array(f8, 2)))
def normal_log_likelihood(work: Any) -> float:
    """Log-likelihood of normal errors; fills the rows of derivatives.

    Args:
        work: float64[4, n], C order: variances and residuals are read, derivatives by either are written.
    """
    variances, residuals = work[VARIANCE], work[RESIDUAL]
    by_variance, by_residual = work[BY_VARIANCE], work[BY_RESIDUAL]
    n = len(variances)
    total = 0.0
    for k in range(n):
        inverse = 1.0 / variances[k]
        scaled = residuals[k] * inverse
        total += residuals[k] * scaled
        by_variance[k] = 0.5 * (scaled * scaled - inverse)
        by_residual[k] = -scaled
    return -0.5 * (n * _LOG_TWO_PI + float(log_of_product(variances)) + total)


@kernel(f8(array(f8, 2), f8, array(f8)))
def student_log_likelihood(work: Any, df: float, by_df: Any) -> float:
    """Log-likelihood of Student-t errors of unit variance; fills the rows of derivatives.

    Args:
        work: float64[4, n], as in :func:`normal_log_likelihood`.
        df: degrees of freedom, above 2.
        by_df: float64[1], receives the derivative by ``df``.
    """
    variances, residuals = work[VARIANCE], work[RESIDUAL]
    by_variance, by_residual = work[BY_VARIANCE], work[BY_RESIDUAL]
    n = len(variances)
    log_variances = float(log_of_product(variances))
    scale = df - 2.0
    half_up = 0.5 * (df + 1.0)
    # What the logarithm is taken of stands in the row of derivatives until it is needed there.
    for k in range(n):
        by_variance[k] = scale * variances[k] + residuals[k] * residuals[k]
    log_widths = float(log_of_product(by_variance))
    shares = 0.0
    for k in range(n):
        width = by_variance[k]
        inverse = 1.0 / (variances[k] * width)
        by_width = inverse * variances[k]
        scaled = residuals[k] * by_width
        shares += residuals[k] * scaled
        by_variance[k] = 0.5 * df * (inverse * width) - half_up * scale * by_width
        by_residual[k] = -2.0 * half_up * scaled
    constant = math.lgamma(half_up) - math.lgamma(0.5 * df) - 0.5 * _LOG_PI
    log_scale = math.log(scale)
    by_df[0] = 0.5 * (
        n * (float(digamma(half_up)) - float(digamma(0.5 * df)) - 1.0 / scale)
        - (log_widths - log_variances - n * log_scale)
        + 2.0 * half_up * shares / scale
    )
    return n * constant + 0.5 * df * (log_variances + n * log_scale) - half_up * log_widths


@kernel(i8(array(f8), f8, array(f8, 2)))
def fill_residuals(returns: Any, mean: float, work: Any) -> int:
    """Write ``returns - mean`` into the row of residuals."""
    residuals = work[RESIDUAL]
    for k in range(len(returns)):
        residuals[k] = returns[k] - mean
    return 0
