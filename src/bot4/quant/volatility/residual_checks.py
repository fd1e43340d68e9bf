"""Whether a volatility model has left memory, skew or fat tails behind: Ljung-Box, Jarque-Bera, Dickey-Fuller.

A good model leaves standardised residuals without autocorrelation, and squares without autocorrelation either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError
from bot4.quant.statistics.chi_squared import chi_squared_tail
from bot4.quant.volatility.fitting import VolatilityFit

# MacKinnon (2010), table 2, one series with a constant: value = b0 + b1 / n + b2 / n^2 + b3 / n^3.
_CRITICAL = {
    0.01: (-3.43035, -6.5393, -16.786, -79.433),
    0.05: (-2.86154, -2.8903, -4.234, -40.040),
    0.10: (-2.56677, -1.5384, -2.809, 0.0),
}


@dataclass(frozen=True, slots=True)
class Check:
    """A statistic with the probability of one as large where the hypothesis holds."""

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class UnitRootCheck:
    """The augmented Dickey-Fuller statistic, and the values below which a unit root is refused, by level."""

    statistic: float
    lags: int
    critical: dict[float, float]

    def is_stationary(self, level: float = 0.05) -> bool:
        """Whether a unit root is refused at a level of 0.01, 0.05 or 0.10."""
        return self.statistic < self.critical[level]


@dataclass(frozen=True, slots=True)
class ResidualChecks:
    """What was found of a fit's standardised residuals."""

    autocorrelation: Check
    autocorrelation_of_squares: Check
    normality: Check
    unit_root: UnitRootCheck


def check_residuals(fit: VolatilityFit, lags: int = 10) -> ResidualChecks:
    """All checks of a fit's standardised residuals."""
    residuals = fit.standardised
    return ResidualChecks(
        autocorrelation=ljung_box(residuals, lags),
        autocorrelation_of_squares=ljung_box(residuals**2, lags),
        normality=jarque_bera(residuals),
        unit_root=dickey_fuller(residuals),
    )


def ljung_box(values: FloatArray, lags: int) -> Check:
    """``Q = n (n + 2) sum_k r_k^2 / (n - k)`` over the first lags, chi-squared of as many degrees without memory.

    Source: Ljung and Box (1978).

    Raises:
        UsageError: the series is not longer than the lags.
        DataError: a value is not finite.
    """
    series = _sound(values, lags + 1, "ljung_box")
    n = len(series)
    centred = series - series.mean()
    whole = float(centred @ centred)
    shares = [float(centred[k:] @ centred[:-k]) / whole for k in range(1, lags + 1)]
    statistic = n * (n + 2) * sum(r * r / (n - k) for k, r in enumerate(shares, 1))
    return Check(statistic, chi_squared_tail(statistic, lags))


def jarque_bera(values: FloatArray) -> Check:
    """``n / 6 (skew^2 + (kurtosis - 3)^2 / 4)``, chi-squared of two degrees for normal values.

    Source: Jarque and Bera (1987).
    """
    series = _sound(values, 8, "jarque_bera")
    centred = series - series.mean()
    variance = float(np.mean(centred**2))
    skew = float(np.mean(centred**3)) / variance**1.5
    kurtosis = float(np.mean(centred**4)) / variance**2
    statistic = len(series) / 6.0 * (skew**2 + 0.25 * (kurtosis - 3.0) ** 2)
    return Check(statistic, chi_squared_tail(statistic, 2.0))


def dickey_fuller(values: FloatArray, lags: int | None = None) -> UnitRootCheck:
    """Augmented Dickey-Fuller test with a constant: the t value of the level in a regression of the change.

    Args:
        values: float64[n].
        lags: of the change; Schwert's ``12 (n / 100)^(1/4)`` if None.

    Sources: Said and Dickey (1984); critical values of MacKinnon (2010).
    """
    series = _sound(values, 20, "dickey_fuller")
    if lags is None:
        lags = int(12.0 * (len(series) / 100.0) ** 0.25)
    lags = min(lags, len(series) // 2 - 3)
    changes = np.diff(series)
    n = len(changes) - lags
    columns = [series[lags:-1], np.ones(n)]
    columns += [changes[lags - k : len(changes) - k] for k in range(1, lags + 1)]
    regressors = np.column_stack(columns)
    answer = changes[lags:]
    coefficients, *_ = np.linalg.lstsq(regressors, answer, rcond=None)
    rest = answer - regressors @ coefficients
    variance = float(rest @ rest) / (n - regressors.shape[1])
    deviation = math.sqrt(variance * float(np.linalg.inv(regressors.T @ regressors)[0, 0]))
    critical = {level: b0 + b1 / n + b2 / n**2 + b3 / n**3 for level, (b0, b1, b2, b3) in _CRITICAL.items()}
    return UnitRootCheck(float(coefficients[0]) / deviation, lags, critical)


def _sound(values: FloatArray, least: int, where: str) -> FloatArray:
    series = np.asarray(values, dtype=np.float64)
    if len(series) < least:
        raise UsageError(f"{len(series)} values, but at least {least} are needed", where=where)
    if not np.isfinite(series).all():
        row = int(np.argmin(np.isfinite(series)))
        raise DataError(f"value {row} is {series[row]}", where=where, remedy="leave such values out")
    if np.ptp(series) == 0.0:
        raise DataError("all values are the same", where=where, remedy="give a series that varies")
    return series
