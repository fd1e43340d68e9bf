"""Fitting a volatility model to returns, and what can be asked of the fit.

::

    fit = fit_volatility(returns, model="garch", errors="student")
    fit.next_variance, fit.forecast(24), fit.standard_errors()

Where no model can be had the fit is an exponentially weighted one and says why: ``fit.fallback``.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError
from bot4.kernel import warm_up
from bot4.quant.volatility.likelihood import (
    BETA,
    DF,
    DOWN,
    EGARCH,
    GARCH,
    GJR,
    MEAN,
    N_PARAMETERS,
    NORMAL_ERRORS,
    OMEGA,
    UP,
    log_likelihood,
)
from bot4.quant.volatility.maximisation import (
    CONVERGED,
    N_MEMORY_ROWS,
    NO_DESCENT,
    NOT_FINITE,
    PARAMETERS,
    TOO_MANY_STEPS,
    maximise_from_best,
)

FittedModel = Literal["garch", "gjr", "egarch"]
Model = Literal["garch", "gjr", "egarch", "ewma"]
Errors = Literal["normal", "student"]

LEAST_RETURNS = 100
EWMA_DECAY = 0.94  # J.P. Morgan, RiskMetrics (1996)

_MODELS = {"garch": GARCH, "gjr": GJR, "egarch": EGARCH}
_WHY = {
    TOO_MANY_STEPS: "the likelihood was still rising after the last step",
    NO_DESCENT: "no direction raised the likelihood, though its gradient was not zero",
    NOT_FINITE: "the likelihood was not finite at any starting point",
}
# alpha + gamma / 2 and persistence of the points to begin from; the rest follows from the sample variance.
_GUESSES = ((0.05, 0.98), (0.1, 0.9), (0.03, 0.995), (0.2, 0.95), (0.05, 0.7))
_EXPONENTIAL_GUESSES = ((0.1, 0.95), (0.2, 0.9), (0.1, 0.99), (0.3, 0.98), (0.4, 0.8), (0.5, 0.4), (0.3, 0.1))
_GUESSED_DF = 5.0
_DIFFERENCE = 1e-4  # relative step of the numerical second derivatives


@dataclass(frozen=True, eq=False)
class VolatilityFit:
    """A fitted model of one-step variance.

    Attributes:
        model, errors: what was fitted; ``ewma`` after a failure.
        mean: of the returns.
        omega, alpha, gamma, beta: as in :mod:`bot4.quant.volatility.likelihood`; GJR's gamma is ``down - up``.
        df: degrees of freedom of the errors; infinite for normal ones.
        log_likelihood: of the returns in their own units; NaN after a failure.
        start_variance: what the recursion began with.
        variances: float64[n], the variance of each return as known before it.
        next_variance: forecast for the return after the last.
        fallback: why there is no model; empty where there is.
    """

    model: Model
    errors: Errors
    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    df: float
    log_likelihood: float
    start_variance: float
    variances: FloatArray
    next_variance: float
    fallback: str = ""
    _returns: FloatArray = field(default_factory=lambda: np.zeros(0), repr=False)
    _has_mean: bool = True

    @property
    def persistence(self) -> float:
        """Share of a shock to the variance (EGARCH: its logarithm) that is left after one step."""
        if self.model == "egarch":
            return self.beta
        return self.alpha + 0.5 * self.gamma + self.beta

    @property
    def long_variance(self) -> float:
        """Variance to which forecasts revert; the latest for EWMA, which has none. EGARCH: of the median path."""
        if self.model == "ewma":
            return self.next_variance
        level = self.omega / (1.0 - self.persistence)
        return math.exp(level) if self.model == "egarch" else level

    @property
    def standardised(self) -> FloatArray:
        """Residuals over their deviations: what a good model leaves without memory (float64[n])."""
        return (self._returns - self.mean) / np.sqrt(self.variances)

    def forecast(self, steps: int) -> FloatArray:
        """Variance of each of the next steps, float64[steps].

        GARCH and GJR: ``V + p^(k-1) (h - V)``, exact for symmetric errors. EGARCH: the exponential of the expected
        logarithm, since with Student-t errors the variance itself has no expectation beyond one step. EWMA: constant.

        Raises:
            UsageError: fewer than one step.
        """
        if steps < 1:
            raise UsageError(f"{steps} steps, but at least 1 is needed", where="forecast")
        decay = self.persistence ** np.arange(steps)
        if self.model == "ewma":
            return np.full(steps, self.next_variance)
        if self.model == "egarch":
            level = self.omega / (1.0 - self.beta)
            return np.asarray(np.exp(level + decay * (math.log(self.next_variance) - level)))
        return np.asarray(self.long_variance + decay * (self.next_variance - self.long_variance))

    def standard_errors(self) -> dict[str, float]:
        """Standard errors of the parameters, from the inverse of the observed information.

        The information is the numerical derivative of the exact gradient. NaN where it is not positive definite, as
        at the edge of the admissible parameters. Empty after a failure.
        """
        if self.fallback:
            return {}
        scale = float(np.std(self._returns))
        names = self._parameter_names()
        point = np.array(list(self._scaled_parameters(scale).values()))
        with np.errstate(invalid="ignore"):
            information = -_second_derivatives(_MODELS[self.model], point, list(names), self._returns / scale,
                                               self.start_variance / scale**2)  # fmt: skip
            deviations = np.sqrt(np.diag(np.linalg.pinv(information)))
        units = {"mean": scale, "omega": 1.0 if self.model == "egarch" else scale**2}
        found = dict(zip(names.values(), deviations, strict=True))
        return {name: float(value) * units.get(name, 1.0) for name, value in found.items()}

    def _parameter_names(self) -> dict[int, str]:
        names = {MEAN: "mean"} if self._has_mean else {}
        names |= {OMEGA: "omega", UP: "alpha"}
        if self.model != "garch":
            names[DOWN] = "gamma"
        names[BETA] = "beta"
        if self.errors == "student":
            names[DF] = "df"
        return names

    def _scaled_parameters(self, scale: float) -> dict[str, float]:
        omega = self.omega / scale**2
        if self.model == "egarch":
            omega = self.omega - 2.0 * math.log(scale) * (1.0 - self.beta)
        return {
            "mean": self.mean / scale,
            "omega": omega,
            "alpha": self.alpha,
            "gamma": self.gamma,
            "beta": self.beta,
            "df": self.df if self.errors == "student" else NORMAL_ERRORS,
        }


def fit_volatility(
    returns: FloatArray,
    *,
    model: FittedModel = "garch",
    errors: Errors = "student",
    has_mean: bool = True,
    start_variance: float | None = None,
) -> VolatilityFit:
    """Fit by maximum likelihood; by an exponentially weighted average, with the reason, where that fails.

    Args:
        returns: float64[n], in the order of time; any unit.
        model: ``garch`` (Bollerslev 1986), ``gjr`` (Glosten, Jagannathan, Runkle 1993), ``egarch`` (Nelson 1991).
        errors: ``student`` (unit variance, degrees of freedom fitted between 2.05 and 500) or ``normal``.
        has_mean: whether a constant mean is fitted; otherwise it is zero.
        start_variance: of the step before the first, in squared units of the returns; the mean square of the
            returns around their mean if None.

    Raises:
        UsageError: no such model or errors, or a start that is not positive.
        DataError: a return is not finite.
    """
    values = np.ascontiguousarray(returns, dtype=np.float64)
    _require_sense(values, model, errors, start_variance)
    if len(values) < LEAST_RETURNS:
        return _exponential(values, f"{len(values)} returns, but a model needs {LEAST_RETURNS}")
    scale = float(np.std(values))
    if not scale > 1e-12 * float(np.max(np.abs(values))):
        return _exponential(values, "the returns do not vary")
    start = float(np.mean((values - values.mean()) ** 2)) if start_variance is None else start_variance
    scaled = values / scale
    work = np.empty((4, len(values)))
    memory = np.zeros((N_MEMORY_ROWS, N_PARAMETERS))
    kind, is_student = _MODELS[model], errors == "student"
    _make_ready()
    guesses = _guesses(kind, is_student, float(scaled.mean()) if has_mean else 0.0)
    outcome = maximise_from_best(kind, has_mean, is_student, scaled, start / scale**2, work, memory, guesses)
    if outcome != CONVERGED:
        return _exponential(values, _WHY[outcome])
    return _as_fit(model, errors, has_mean, memory[PARAMETERS], work, values, scale, start)


@functools.cache
def _make_ready() -> None:
    """Compile, or load from the cache, once a process."""
    warm_up([maximise_from_best])


def _require_sense(values: FloatArray, model: str, errors: str, start_variance: float | None) -> None:
    if model not in _MODELS:
        raise UsageError(f"no model {model!r}", where="fit_volatility", remedy=f"choose from {', '.join(_MODELS)}")
    if errors not in ("normal", "student"):
        raise UsageError(f"no errors {errors!r}", where="fit_volatility", remedy="choose normal or student")
    if start_variance is not None and not (start_variance > 0.0 and math.isfinite(start_variance)):
        raise UsageError(f"start_variance is {start_variance}", where="fit_volatility", remedy="give it above zero")
    if values.ndim != 1:
        raise UsageError(f"returns have {values.ndim} dimensions", where="fit_volatility", remedy="give one series")
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise DataError(f"return {row} is {values[row]}", where="fit_volatility", remedy="leave such returns out")


def _guesses(kind: int, is_student: bool, mean: float) -> FloatArray:
    pairs = _EXPONENTIAL_GUESSES if kind == EGARCH else _GUESSES
    guesses = np.zeros((len(pairs), N_PARAMETERS + 1))
    for guess, (alpha, persistence) in zip(guesses, pairs, strict=True):
        guess[MEAN] = mean
        guess[DF] = _GUESSED_DF if is_student else NORMAL_ERRORS
        guess[UP] = guess[DOWN] = alpha
        guess[OMEGA], guess[BETA] = 1.0 - persistence, persistence - alpha
        if kind == EGARCH:
            guess[OMEGA], guess[DOWN], guess[BETA] = 0.0, 0.0, persistence
    return guesses


def _as_fit(
    model: Model, errors: Errors, has_mean: bool, parameters: Any, work: FloatArray, values: FloatArray,
    scale: float, start: float,
) -> VolatilityFit:  # fmt: skip
    """The fit in the units of the returns. ``work`` holds the variances and residuals of the scaled ones."""
    gradient = np.empty(N_PARAMETERS)
    kind = _MODELS[model]
    likelihood = log_likelihood(kind, parameters, values / scale, start / scale**2, work, gradient)
    omega, up, down, beta = (float(parameters[k]) for k in (OMEGA, UP, DOWN, BETA))
    shock = (values[-1] - parameters[MEAN] * scale) / scale
    last = float(work[0, -1])
    if kind == EGARCH:
        z = shock / math.sqrt(last)
        log_next = omega + up * (abs(z) - math.sqrt(2.0 / math.pi)) + down * z + beta * math.log(last)
        following = math.exp(log_next) * scale**2
        omega += 2.0 * math.log(scale) * (1.0 - beta)
        gamma = down
    else:
        following = (omega + (up if shock >= 0.0 else down) * shock**2 + beta * last) * scale**2
        omega *= scale**2
        gamma = down - up
    return VolatilityFit(
        model=model,
        errors=errors,
        mean=float(parameters[MEAN]) * scale,
        omega=omega,
        alpha=up,
        gamma=gamma,
        beta=beta,
        df=float(parameters[DF]) if errors == "student" else math.inf,
        log_likelihood=float(likelihood) - len(values) * math.log(scale),
        start_variance=start,
        variances=work[0] * scale**2,
        next_variance=following,
        _returns=values,
        _has_mean=has_mean,
    )


def _exponential(values: FloatArray, why: str) -> VolatilityFit:
    """RiskMetrics around zero, begun at the mean square of the first returns."""
    variances = np.empty(len(values))
    start = float(np.mean(values[:LEAST_RETURNS] ** 2)) if len(values) else math.nan
    variance = start
    for k, value in enumerate(values):
        variances[k] = variance
        variance = EWMA_DECAY * variance + (1.0 - EWMA_DECAY) * value * value
    return VolatilityFit(
        model="ewma",
        errors="normal",
        mean=0.0,
        omega=0.0,
        alpha=1.0 - EWMA_DECAY,
        gamma=0.0,
        beta=EWMA_DECAY,
        df=math.inf,
        log_likelihood=math.nan,
        start_variance=start,
        variances=variances,
        next_variance=variance,
        fallback=why,
        _returns=values,
    )


def _second_derivatives(
    kind: int, point: FloatArray, indices: list[int], returns: FloatArray, start: float
) -> FloatArray:
    """Hessian of the log-likelihood by alpha and gamma (not up and down), from central differences of the gradient."""
    work = np.empty((4, len(returns)))
    rows = []
    for index in indices:
        step = _DIFFERENCE * max(abs(point[index]), 1e-2)
        ahead, behind = (_gradient_at(kind, _moved(point, index, by), returns, start, work) for by in (step, -step))
        rows.append((ahead - behind)[indices] / (2.0 * step))
    hessian = np.array(rows)
    symmetric: FloatArray = 0.5 * (hessian + hessian.T)
    return symmetric


def _moved(point: FloatArray, index: int, by: float) -> FloatArray:
    moved = point.copy()
    moved[index] += by
    return moved


def _gradient_at(kind: int, point: FloatArray, returns: FloatArray, start: float, work: FloatArray) -> FloatArray:
    parameters, gradient = point.copy(), np.empty(N_PARAMETERS)
    if kind != EGARCH:
        parameters[DOWN] = point[UP] + point[DOWN]
    log_likelihood(kind, parameters, returns, start, work, gradient)
    if kind != EGARCH:
        gradient[UP] += gradient[DOWN]
    return gradient
