"""Figures of a sample and their standard errors: mean, quantile, shortfall beyond a quantile, share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import UsageError


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of a sample and its standard error, which falls with the root of the sample's size."""

    value: float
    standard_error: float


def mean_of(values: FloatArray) -> Estimate:
    """Mean and ``s / sqrt(n)``; NaN as the error of a single value."""
    n = len(values)
    error = float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Estimate(float(np.mean(values)), error)


def quantile_of(ascending: FloatArray, level: float) -> Estimate:
    """The ``ceil(n (1 - level))``-th largest value; its error from the order statistics one binomial deviation away.

    The number of values below the true quantile is binomial with deviation ``d = sqrt(n p (1 - p))``, so that half
    of the distance between the values ``d`` ranks above and below estimates the error (David and Nagaraja,
    *Order Statistics*, 7.1). Where ``d`` ranks above leave the sample, the highest value is taken: too small an
    error then; take a larger sample.

    Args:
        ascending: float64[n], sorted, finite.
        level: above 0, below 1.

    Raises:
        UsageError: less than one value lies in the tail.
    """
    n = len(ascending)
    at = n - n_in_tail(n, level)
    away = max(1, round(math.sqrt(n * level * (1.0 - level))))
    low, high = max(0, at - away), min(n - 1, at + away)
    return Estimate(float(ascending[at]), 0.5 * float(ascending[high] - ascending[low]))


def shortfall_of(ascending: FloatArray, level: float) -> Estimate:
    """Mean of the largest ``n (1 - level)`` values, part of a value counting as that part.

    Its error is ``sqrt((Var(tail) + level (shortfall - quantile)^2) / (n (1 - level)))``, by influence functions
    (Manistre and Hancock 2005). Source of the estimator: Rockafellar and Uryasev (2002). Arguments and errors as
    :func:`quantile_of`.
    """
    n = len(ascending)
    at = n - n_in_tail(n, level)
    quantile = float(ascending[at])
    weight = n * (1.0 - level)
    beyond = ascending[at + 1 :]
    part = max(0.0, weight - len(beyond))
    mean = (float(np.sum(beyond)) + part * quantile) / weight
    spread = (float(np.sum((beyond - mean) ** 2)) + part * (quantile - mean) ** 2) / weight
    return Estimate(mean, math.sqrt((spread + level * (mean - quantile) ** 2) / weight))


def share_of(count: int, n: int) -> Estimate:
    """``count / n``; its error ``sqrt(p (1 - p) / n)`` with ``p = (count + 2) / (n + 4)``, never 0.

    Source: Agresti and Coull (1998).
    """
    p = (count + 2.0) / (n + 4.0)
    return Estimate(count / n, math.sqrt(p * (1.0 - p) / n))


def n_in_tail(n: int, level: float) -> int:
    """``ceil(n (1 - level))``, from 1.

    Raises:
        UsageError: a level outside of 0..1, or less than one of ``n`` in its tail.
    """
    if not 0.0 < level < 1.0 or n * (1.0 - level) < 1.0 - 1e-9:
        raise UsageError(
            f"none of {n} values lies in the tail beyond {level}", where="sample", remedy="take a larger sample"
        )
    return min(n, math.ceil(round(n * (1.0 - level), 6)))
