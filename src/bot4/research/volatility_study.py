"""Volatility models of a series of bars side by side: which fits best, what it forecasts, and what it leaves behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot4.domain.bars import DAY_NS, BarSeries, FloatArray
from bot4.domain.errors import DataError
from bot4.quant.volatility.fitting import LEAST_RETURNS, Errors, FittedModel, VolatilityFit, fit_volatility
from bot4.quant.volatility.residual_checks import ResidualChecks, check_residuals
from bot4.research.pictures.svg import Curve, Panel, render_svg

YEAR_NS = 365 * DAY_NS
_LASTING = 1.0 - 1e-6  # the edge of what is stationary: a shock that lasts for ever to all intents


@dataclass(frozen=True, eq=False)
class ModelStudy:
    """One model of a series.

    Attributes:
        fit: the model.
        checks: of its residuals; None after a failure, or where the residuals do not vary.
        bic: Bayesian information criterion, ``k log n - 2 log-likelihood`` (Schwarz 1978); smaller is better.
    """

    fit: VolatilityFit
    checks: ResidualChecks | None
    bic: float

    @property
    def half_life_bars(self) -> float:
        """Bars after which half of a shock to the variance is gone; infinite at the edge of stationarity."""
        persistence = self.fit.persistence
        if persistence <= 0.0:
            return 0.0
        if persistence > _LASTING:
            return math.inf
        return math.log(0.5) / math.log(persistence)


@dataclass(frozen=True, eq=False)
class VolatilityStudy:
    """Several models of one series, the best first; those without a fit last."""

    series: BarSeries
    returns: FloatArray
    models: tuple[ModelStudy, ...]

    @property
    def best(self) -> ModelStudy:
        """The model of the smallest criterion."""
        return self.models[0]

    def yearly_volatility(self, variance: float) -> float:
        """A bar's variance as a deviation over a year of 365 days."""
        return math.sqrt(variance * YEAR_NS / self.series.interval_ns)

    def day_volatility(self, model: ModelStudy) -> float:
        """Deviation of the return over the next day: the root of the sum of its bars' forecasts."""
        steps = max(1, round(DAY_NS / self.series.interval_ns))
        return math.sqrt(float(model.fit.forecast(steps).sum()))

    def picture(self) -> str:
        """Returns, and the volatility that the best model knew before each, as SVG."""
        scale = math.sqrt(YEAR_NS / self.series.interval_ns)
        curve = Curve(f"{self.best.fit.model}, known one bar before", np.sqrt(self.best.fit.variances) * scale)
        size = np.abs(self.returns)
        panels = (
            Panel("return of a bar", (Curve("", self.returns, "price"),), height=170),
            Panel("volatility, yearly", (curve,), height=220),
            Panel(
                "size of the return in deviations", (Curve("", size / np.sqrt(self.best.fit.variances)),), height=130
            ),
        )
        kind = " (synthetic)" if self.series.is_synthetic else ""
        times = self.series.ts_open_ns[1:] + self.series.interval_ns
        return render_svg(f"{self.series.symbol}{kind}: {self.best.fit.model} volatility", times, panels)

    def record(self) -> dict[str, Any]:
        """Everything as plain values; what is not finite is None."""
        return {
            "symbol": self.series.symbol,
            "returns": len(self.returns),
            "is_synthetic": self.series.is_synthetic,
            "models": [self._model_record(model) for model in self.models],
        }

    def _model_record(self, model: ModelStudy) -> dict[str, Any]:
        fit, checks = model.fit, model.checks
        record: dict[str, Any] = {
            "model": fit.model,
            "errors": fit.errors,
            "fallback": fit.fallback,
            "parameters": {
                name: _plain(getattr(fit, name)) for name in ("mean", "omega", "alpha", "gamma", "beta", "df")
            },
            "standard_errors": {name: _plain(value) for name, value in fit.standard_errors().items()},
            "persistence": fit.persistence,
            "half_life_bars": _plain(model.half_life_bars),
            "log_likelihood": _plain(fit.log_likelihood),
            "bic": _plain(model.bic),
            "next_bar_volatility_yearly": self.yearly_volatility(fit.next_variance),
            "next_day_volatility": self.day_volatility(model),
        }
        if checks is not None:
            record["checks"] = {
                "ljung_box": _pair(checks.autocorrelation.statistic, checks.autocorrelation.p_value),
                "ljung_box_of_squares": _pair(
                    checks.autocorrelation_of_squares.statistic, checks.autocorrelation_of_squares.p_value
                ),
                "jarque_bera": _pair(checks.normality.statistic, checks.normality.p_value),
                "dickey_fuller": {
                    "statistic": checks.unit_root.statistic,
                    "critical_5_percent": checks.unit_root.critical[0.05],
                },
            }
        return record


def study_volatility(
    series: BarSeries, models: Sequence[FittedModel] = ("garch", "gjr", "egarch"), errors: Errors = "student"
) -> VolatilityStudy:
    """Fit models to the log returns of the closes.

    Args:
        series: at least 101 bars.
        models: which.
        errors: of all of them.

    Raises:
        DataError: too few bars, or a price that is not positive.
    """
    if len(series) <= LEAST_RETURNS:
        raise DataError(
            f"{len(series)} bars, but a model needs {LEAST_RETURNS + 1}", where=series.symbol, remedy="give more bars"
        )
    if not (series.close > 0.0).all():
        row = int(np.argmin(series.close > 0.0))
        raise DataError(f"close {row} is {series.close[row]}", where=series.symbol, remedy="correct the bar")
    returns = np.diff(np.log(series.close))
    studied = [_studied(fit_volatility(returns, model=model, errors=errors)) for model in models]
    studied.sort(key=lambda model: (math.isnan(model.bic), model.bic))
    return VolatilityStudy(series, returns, tuple(studied))


def _studied(fit: VolatilityFit) -> ModelStudy:
    if fit.fallback:
        return ModelStudy(fit, None, math.nan)
    parameters = len(fit.standard_errors())
    bic = parameters * math.log(len(fit.variances)) - 2.0 * fit.log_likelihood
    return ModelStudy(fit, check_residuals(fit), bic)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _pair(statistic: float, p_value: float) -> dict[str, float]:
    return {"statistic": statistic, "p_value": p_value}
