"""HAR: tomorrow's realised variance from the averages of the last day, week and month (Corsi 2009).

``RV(t+1) = c + d RV(t) + w mean(RV over a week) + m mean(RV over a month) + error``

Days are whatever the series counts; a crypto week has seven of them and a month thirty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError

HORIZONS = (1, 7, 30)
_LEAST_PER_COEFFICIENT = 10


@dataclass(frozen=True, slots=True)
class HarFit:
    """A fitted HAR model.

    Attributes:
        coefficients: constant, then one for the average over each horizon.
        horizons: lengths of the averages.
        r_squared: share of the variance explained, within the sample.
        floor: least variance of the sample, below which no forecast goes.
        latest: the averages at the end of the sample.
        fallback: why the model is only the mean of the last month; empty where there is one.
    """

    coefficients: tuple[float, ...]
    horizons: tuple[int, ...]
    r_squared: float
    floor: float
    latest: tuple[float, ...]
    fallback: str = ""

    @property
    def next_variance(self) -> float:
        """Forecast for the day after the sample."""
        weights = self.coefficients[1:]
        raw = self.coefficients[0] + sum(w * a for w, a in zip(weights, self.latest, strict=True))
        return max(raw, self.floor)


def fit_har(realised: FloatArray, horizons: tuple[int, ...] = HORIZONS) -> HarFit:
    """Fit by least squares.

    Args:
        realised: float64[n], variances of days in the order of time.
        horizons: rising lengths of the averages, in days.

    Raises:
        UsageError: horizons that do not rise from at least one.
        DataError: a variance is negative or not finite, or there are fewer than the longest horizon.
    """
    values = np.asarray(realised, dtype=np.float64)
    if not horizons or list(horizons) != sorted(set(horizons)) or horizons[0] < 1:
        raise UsageError(f"horizons are {horizons}", where="fit_har", remedy="give rising numbers of days from 1")
    if not (np.isfinite(values).all() and (values >= 0.0).all()):
        raise DataError("a variance is negative or not finite", where="fit_har", remedy="leave such days out")
    longest = horizons[-1]
    if len(values) < longest:
        raise DataError(f"{len(values)} days, but the longest average takes {longest}", where="fit_har")
    averages = np.column_stack([_means(values, length, longest) for length in horizons])
    latest = tuple(float(value) for value in averages[-1])
    floor = float(values.min())
    known, following = averages[:-1], values[longest:]
    if len(following) < _LEAST_PER_COEFFICIENT * (len(horizons) + 1):
        return _mean_of_month(latest, horizons, floor, f"{len(following)} days to learn from are too few")
    regressors = np.column_stack([np.ones(len(known)), known])
    coefficients, _, rank, _ = np.linalg.lstsq(regressors, following, rcond=None)
    if rank < regressors.shape[1]:
        return _mean_of_month(latest, horizons, floor, "the averages do not vary apart")
    rest = following - regressors @ coefficients
    spread = following - following.mean()
    explained = 1.0 - float(rest @ rest) / float(spread @ spread)
    return HarFit(tuple(float(c) for c in coefficients), horizons, explained, floor, latest)


def _means(values: FloatArray, length: int, longest: int) -> FloatArray:
    """Mean of the last ``length`` values at each position from ``longest - 1`` on."""
    sums = np.cumsum(np.concatenate(([0.0], values)))
    means: FloatArray = (sums[length:] - sums[:-length]) / length
    return means[longest - length :]


def _mean_of_month(latest: tuple[float, ...], horizons: tuple[int, ...], floor: float, why: str) -> HarFit:
    weights = (0.0,) * len(horizons) + (1.0,)
    return HarFit(weights, horizons, 0.0, floor, latest, why)
