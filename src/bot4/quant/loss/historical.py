"""Value at risk and expected shortfall from what has happened, as it was and as it would be at today's volatility."""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError
from bot4.quant.loss.parametric import Loss
from bot4.quant.statistics.sample_estimates import quantile_of, shortfall_of


def historical_loss(returns: FloatArray, level: float) -> Loss:
    """The ``ceil(n (1 - level))``-th worst return, negated, and the mean of the worst ``n (1 - level)``.

    Args:
        returns: float64[n], finite.
        level: above 0, below 1.

    Raises:
        DataError: a return is not finite.
        UsageError: less than one return lies in the tail.
    """
    losses = np.sort(-_finite(returns, "returns"))
    return Loss(quantile_of(losses, level).value, shortfall_of(losses, level).value)


def filtered_historical_loss(
    returns: FloatArray, deviations: FloatArray, next_deviation: float, level: float, mean: float = 0.0
) -> Loss:
    """Historical loss of the standardised returns, at the deviation that is forecast next.

    ``mean + next_deviation (r_t - mean) / deviation_t`` are the returns as they would be today (Hull and White 1998;
    Barone-Adesi, Giannopoulos and Vosper 1999).

    Args:
        returns: float64[n], finite.
        deviations: float64[n], forecast for each return before it was known, above 0.
        next_deviation: forecast, not below 0.
        level: above 0, below 1.
        mean: expected return of a step.

    Raises:
        DataError: lengths differ, or a value is not finite or a deviation not above 0.
        UsageError: less than one return lies in the tail.
    """
    z = standardised(returns, deviations, mean)
    if not 0.0 <= next_deviation < np.inf:
        raise DataError(f"the next deviation is {next_deviation}", where="filtered history", remedy="forecast anew")
    unit = historical_loss(z, level)
    return Loss(next_deviation * unit.value_at_risk - mean, next_deviation * unit.expected_shortfall - mean)


def standardised(returns: FloatArray, deviations: FloatArray, mean: float = 0.0) -> FloatArray:
    """``(returns - mean) / deviations``, float64[n]; errors as :func:`filtered_historical_loss`."""
    if len(returns) != len(deviations):
        raise DataError(f"{len(returns)} returns, {len(deviations)} deviations", where="filtered history")
    if not np.all(_finite(deviations, "deviations") > 0.0):
        raise DataError("a deviation is not above zero", where="filtered history", remedy="leave out the warm-up")
    z: FloatArray = (_finite(returns, "returns") - mean) / deviations
    return z


def _finite(values: FloatArray, name: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise DataError(f"{name} hold a value that is not finite", where="value at risk", remedy="leave out gaps")
    return values
