"""How far recorded arrivals, latencies and partial fills are from the laws that the simulator draws them from.

The parameters are fitted to the very data that they are then compared with, so a p-value here flatters the law; it is
given as an upper bound. What counts is the distance: the largest difference of the two distribution functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import UsageError
from bot4.quant.statistics.student import regularised_beta

FloatArray = npt.NDArray[np.float64]

_LEAST = 10


@dataclass(frozen=True, slots=True)
class FitReport:
    """A law fitted to recorded values.

    Attributes:
        law: name of the law.
        n: number of values.
        parameters: as fitted, in the unit of the values.
        distance: Kolmogorov-Smirnov statistic, 0 to 1.
        p_value: asymptotic, of that distance were the parameters known beforehand: an upper bound.
        mean, variation: of the values; ``variation`` is standard deviation / mean, 1 for an exponential.
    """

    law: str
    n: int
    parameters: dict[str, float]
    distance: float
    p_value: float
    mean: float
    variation: float


def exponential_fit(gaps: FloatArray) -> FitReport:
    """Exponential gaps of a Poisson process, by maximum likelihood: the mean.

    Args:
        gaps: between arrivals, zero or more; the unit is the caller's.

    Raises:
        UsageError: under 10 values, or where one is negative, NaN or infinite.
    """
    _require(gaps, 0.0, math.inf)
    mean = float(gaps.mean())
    return _report("exponential", gaps, {"mean": mean}, lambda x: -math.expm1(-x / mean))


def log_normal_fit(latencies: FloatArray) -> FitReport:
    """Log-normal latencies, by maximum likelihood: median and standard deviation of the logarithm.

    Raises:
        UsageError: under 10 values, or where one is not above zero.
    """
    _require(latencies, 0.0, math.inf, is_open=True)
    logs = np.log(latencies)
    mu, sigma = float(logs.mean()), float(logs.std())
    return _report(
        "log-normal",
        latencies,
        {"median": math.exp(mu), "sigma": sigma},
        lambda x: 0.5 * math.erfc(-(math.log(x) - mu) / (sigma * math.sqrt(2.0))),
    )


def beta_fit(shares: FloatArray) -> FitReport:
    """Beta distributed shares, by the method of moments: the two shapes.

    Raises:
        UsageError: under 10 values, or where one is not between 0 and 1, both excluded.
    """
    _require(shares, 0.0, 1.0, is_open=True)
    mean, variance = float(shares.mean()), float(shares.var())
    size = mean * (1.0 - mean) / variance - 1.0
    a, b = mean * size, (1.0 - mean) * size
    return _report("beta", shares, {"a": a, "b": b}, lambda x: regularised_beta(x, a, b))


def dispersion(times: FloatArray, window: float) -> float:
    """Index of dispersion of counts: variance / mean of arrivals in windows of one length; 1 for a Poisson process.

    Args:
        times: rising; the unit is the caller's.
        window: length of a window, in the same unit; the last part of a window is left out.

    Raises:
        UsageError: where fewer than 10 windows fit.
    """
    count = int((times[-1] - times[0]) // window) if len(times) else 0
    if count < _LEAST:
        raise UsageError(
            f"{count} windows fit, {_LEAST} are needed", where="dispersion", remedy="give a shorter window"
        )
    at = ((times - times[0]) // window).astype(np.int64)
    counts = np.bincount(at[at < count], minlength=count)
    return float(counts.var() / counts.mean())


def kolmogorov_p_value(distance: float, n: int) -> float:
    """Probability of a larger distance of ``n`` values from their own law, asymptotic.

    Formula: ``2 sum over k of (-1)^(k-1) exp(-2 k^2 t^2)``, ``t = distance (sqrt(n) + 0.12 + 0.11 / sqrt(n))``
    (Stephens 1970).
    """
    root = math.sqrt(n)
    t = distance * (root + 0.12 + 0.11 / root)
    if t < 0.2:  # the series converges slowly, towards one
        return 1.0
    return min(1.0, max(0.0, 2.0 * sum((-1.0) ** (k - 1) * math.exp(-2.0 * k * k * t * t) for k in range(1, 101))))


def _report(law: str, values: FloatArray, parameters: dict[str, float], cdf: Callable[[float], float]) -> FitReport:
    rising, counts = np.unique(values, return_counts=True)
    expected = np.array([cdf(float(x)) for x in rising])
    upto = np.cumsum(counts) / len(values)
    before = upto - counts / len(values)
    distance = float(max(np.abs(upto - expected).max(), np.abs(expected - before).max()))
    mean = float(values.mean())
    p_value = kolmogorov_p_value(distance, len(values))
    return FitReport(law, len(values), parameters, distance, p_value, mean, float(values.std()) / mean)


def _require(values: FloatArray, low: float, high: float, *, is_open: bool = False) -> None:
    if len(values) < _LEAST:
        raise UsageError(f"{len(values)} values, {_LEAST} are needed", where="fit", remedy="give more of them")
    is_inside = (values > low) & (values < high) if is_open else (values >= low) & (values < high)
    if not is_inside.all():
        raise UsageError(
            f"{int((~is_inside).sum())} values are not between {low} and {high}", where="fit", remedy="leave them out"
        )
    if values.min() == values.max():
        raise UsageError("all values are the same", where="fit", remedy="a law needs a spread")
