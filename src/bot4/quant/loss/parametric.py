"""Value at risk and expected shortfall from a forecast deviation and a distribution, and each position's part in them.

With ``q`` the quantile of a standardised Student t (unit variance), ``VaR = deviation q - mean``; for a portfolio the
deviation is ``sqrt(w' S w)``. Both measures are homogeneous in the weights, so that by Euler's theorem the parts
``w_i dVaR / dw_i`` add up to the whole (Tasche 1999).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError
from bot4.quant.statistics.student import student_expected_shortfall, student_quantile, unit_variance_scale


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss that is exceeded with probability ``1 - level``, and the mean loss beyond it; positive."""

    value_at_risk: float
    expected_shortfall: float


@dataclass(frozen=True, slots=True)
class PortfolioLoss:
    """Loss of a portfolio and where it comes from.

    Attributes:
        loss: of the whole.
        marginal_var, marginal_shortfall: float64[n], by how much the measure rises per unit of an asset's weight.
        component_var, component_shortfall: float64[n], weight times marginal; they add up to ``loss``. Negative for
            a hedge.
    """

    loss: Loss
    marginal_var: FloatArray
    marginal_shortfall: FloatArray
    component_var: FloatArray
    component_shortfall: FloatArray


@functools.lru_cache(maxsize=256)
def student_multipliers(level: float, df: float = math.inf) -> Loss:
    """Value at risk and shortfall of a Student t variable of mean 0 and variance 1; ``df = inf`` is the normal.

    Raises:
        UsageError: level outside of 0.5..1, or degrees of freedom not above 2.
    """
    if not 0.5 <= level < 1.0:
        raise UsageError(f"level is {level}, but lies in 0.5 to 1", where="value at risk")
    if math.isinf(df) and df > 0.0:
        normal = NormalDist()
        quantile = normal.inv_cdf(level)
        return Loss(quantile, normal.pdf(quantile) / (1.0 - level))
    scale = unit_variance_scale(df)
    return Loss(scale * student_quantile(level, df), scale * student_expected_shortfall(level, df))


def student_loss(deviation: float, level: float, df: float = math.inf, mean: float = 0.0) -> Loss:
    """Loss of a return of given deviation whose standardised value is Student t, as of a GARCH-t forecast.

    Args:
        deviation: of the return over the horizon, not below 0.
        level: 0.5 to below 1.
        df: degrees of freedom above 2; infinite for the normal.
        mean: expected return.

    Raises:
        DataError: a deviation or mean that is not finite, or a negative deviation.
        UsageError: see :func:`student_multipliers`.
    """
    if not (0.0 <= deviation < math.inf and math.isfinite(mean)):
        raise DataError(f"deviation {deviation}, mean {mean}", where="value at risk", remedy="forecast anew")
    unit = student_multipliers(level, df)
    return Loss(deviation * unit.value_at_risk - mean, deviation * unit.expected_shortfall - mean)


def elliptical_portfolio_loss(
    weights: FloatArray,
    covariance: FloatArray,
    level: float,
    df: float = math.inf,
    mean: FloatArray | None = None,
) -> PortfolioLoss:
    """Loss of a portfolio of jointly elliptical returns, with contributions.

    ``dVaR / dw_i = q (S w)_i / sqrt(w' S w) - mean_i``, and likewise for the shortfall.

    Args:
        weights: float64[n], signed: value of each position, or its share of equity.
        covariance: float64[n, n] of the returns over the horizon.
        level, df: as :func:`student_loss`.
        mean: float64[n], expected returns; zero if not given.

    Raises:
        DataError: something is not finite, or the variance of the portfolio is negative.
    """
    expected = np.zeros(len(weights)) if mean is None else mean
    if not (np.isfinite(weights).all() and np.isfinite(covariance).all() and np.isfinite(expected).all()):
        raise DataError("a weight, covariance or mean is not finite", where="portfolio loss")
    towards = covariance @ weights
    variance = float(weights @ towards)
    if variance < -1e-12 * float(np.abs(np.diag(covariance)) @ weights**2):
        raise DataError(
            f"the portfolio's variance is {variance:g}", where="portfolio loss", remedy="repair the covariance"
        )
    deviation = math.sqrt(max(variance, 0.0))
    unit = student_multipliers(level, df)
    slope = towards / deviation if deviation > 0.0 else np.zeros(len(weights))
    marginal_var = unit.value_at_risk * slope - expected
    marginal_shortfall = unit.expected_shortfall * slope - expected
    gain = float(weights @ expected)
    loss = Loss(unit.value_at_risk * deviation - gain, unit.expected_shortfall * deviation - gain)
    return PortfolioLoss(loss, marginal_var, marginal_shortfall, weights * marginal_var, weights * marginal_shortfall)
