"""A hidden Markov model of returns with Gaussian states: its filter, one step at a time, and its fit.

The chain has ``n`` states with transition probabilities ``P[i, j]`` from ``i`` to ``j``; in state ``j`` a return
is normal with mean ``m[j]`` and deviation ``s[j]``. The filter (Hamilton 1989) keeps the probability of each state
given the returns *so far*; nothing here smooths what a decision reads. Fitting (Baum-Welch) does look at the whole
of its sample and therefore belongs before the time at which its result is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError
from bot4.kernel import array, f8, kernel, void
from bot4.quant.volatility.ewma import warming_mean_step

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_LEAST_DEVIATION = 1e-3


@kernel(f8(f8, f8, f8))
def log_normal_density(value: float, mean: float, deviation: float) -> float:
    """``-(x - m)^2 / 2 s^2 - log s - log(2 pi) / 2``."""
    z = (value - mean) / deviation
    return -0.5 * z * z - math.log(deviation) - _HALF_LOG_TWO_PI


@kernel(f8(f8, array(f8), array(f8), array(f8, 2), array(f8), array(f8)))
def hamilton_step(
    value: float,
    mean: FloatArray,
    deviation: FloatArray,
    transition: FloatArray,
    probability: FloatArray,
    scratch: FloatArray,
) -> float:
    """Move the filter on by one observation.

    ``p'[j] ~ N(x; m[j], s[j]) sum_i p[i] P[i, j]``, normalised by log-sum-exp, so that no outlier, however far,
    makes it 0 / 0.

    Args:
        value: the observation. NaN and infinity say nothing: the filter then only predicts.
        mean, deviation: float64[n]; deviations above zero.
        transition: float64[n, n], rows summing to one.
        probability: float64[n], before; overwritten with after. One that does not sum to above zero is a filter
            that has not started: it starts from equal probabilities.
        scratch: float64[>= n], overwritten.

    Returns:
        Log-likelihood of the observation given those before it; 0 where it says nothing.
    """
    n = len(mean)
    total = 0.0
    for i in range(n):
        total += probability[i]
    has_started = total > 0.0
    is_known = not (math.isnan(value) or math.isinf(value))
    best = -math.inf
    for j in range(n):
        predicted = 0.0
        for i in range(n):
            predicted += transition[i, j] * (probability[i] / total if has_started else 1.0 / n)
        scratch[j] = math.log(predicted) if predicted > 0.0 else -math.inf
        if is_known:
            scratch[j] += log_normal_density(value, mean[j], deviation[j])
        best = max(best, scratch[j])
    evidence = 0.0
    for j in range(n):
        probability[j] = math.exp(scratch[j] - best)
        evidence += probability[j]
    for j in range(n):
        probability[j] /= evidence
    return best + math.log(evidence) if is_known else 0.0


@kernel(f8(array(f8), array(f8), array(f8), array(f8, 2), array(f8, 2), array(f8)))
def hamilton_filter(
    values: FloatArray,
    mean: FloatArray,
    deviation: FloatArray,
    transition: FloatArray,
    probability: FloatArray,
    scratch: FloatArray,
) -> float:
    """The filter over a whole series: row ``t`` of ``probability`` (float64[len(values), n]) after ``values[t]``.

    Starts from equal probabilities. Returns the log-likelihood of the series.
    """
    n = len(mean)
    log_likelihood = 0.0
    for t in range(len(values)):
        for j in range(n):
            probability[t, j] = probability[t - 1, j] if t > 0 else 0.0
        row = probability[t]
        log_likelihood += hamilton_step(values[t], mean, deviation, transition, row, scratch)
    return log_likelihood


@kernel(void(array(f8, 2), array(f8, 2), array(f8, 2), array(f8, 2)))
def kim_smoother(probability: FloatArray, transition: FloatArray, smoothed: FloatArray, switches: FloatArray) -> None:
    """Probabilities of each state given the *whole* series (Kim 1994), for fitting only.

    Args:
        probability: float64[t, n], of :func:`hamilton_filter`.
        transition: float64[n, n].
        smoothed: float64[t, n], overwritten.
        switches: float64[n, n], overwritten with the expected number of moves from ``i`` to ``j``.
    """
    length, n = probability.shape
    for i in range(n):
        smoothed[length - 1, i] = probability[length - 1, i]
        for j in range(n):
            switches[i, j] = 0.0
    for t in range(length - 2, -1, -1):
        for i in range(n):
            smoothed[t, i] = 0.0
        for j in range(n):
            predicted = 0.0
            for i in range(n):
                predicted += probability[t, i] * transition[i, j]
            ratio = smoothed[t + 1, j] / predicted if predicted > 0.0 else 0.0
            for i in range(n):
                joint = probability[t, i] * transition[i, j] * ratio
                smoothed[t, i] += joint
                switches[i, j] += joint


@dataclass(frozen=True, slots=True)
class RegimeModel:
    """A chain of Gaussian states.

    Attributes:
        mean, deviation: of the observation in each state, float64[n].
        transition: float64[n, n], rows summing to one.
        log_likelihood: of the sample that it was fitted on, by iteration.
    """

    mean: FloatArray
    deviation: FloatArray
    transition: FloatArray
    log_likelihood: tuple[float, ...] = ()

    def filtered(self, values: FloatArray) -> tuple[FloatArray, float]:
        """float64[t, n] probabilities given the values so far, and the log-likelihood of the whole."""
        n = len(self.mean)
        probability = np.empty((len(values), n))
        arguments = (self.mean, self.deviation, self.transition, probability, np.empty(n))
        return probability, float(hamilton_filter(np.ascontiguousarray(values, np.float64), *arguments))


def fit_regimes(
    values: FloatArray, start: RegimeModel, *, least_stay: FloatArray, n_iterations: int = 200, tolerance: float = 1e-4
) -> RegimeModel:
    """Baum-Welch: the chain of greatest likelihood near ``start``, each state staying ``least_stay`` or longer.

    The bound on the expected stay (``1 / (1 - P[i, i])``, in observations) is kept in every maximisation step,
    exactly: a row that would leave sooner leaves at the bound, in unchanged proportions. The states keep the
    order, and so the names, of ``start``.

    Args:
        values: float64[t], finite.
        start: where to begin.
        least_stay: float64[n], at least 1.
        n_iterations: at most so many.
        tolerance: stop when an iteration gains less log-likelihood than this.

    Raises:
        DataError: fewer than 100 values, or one that is not finite.
    """
    values = np.ascontiguousarray(values, np.float64)
    if len(values) < 100 or not np.isfinite(values).all():
        raise DataError(
            f"{len(values)} values, {int((~np.isfinite(values)).sum())} of them not finite",
            where="regime fit",
            remedy="give at least 100 finite returns",
        )
    model = RegimeModel(start.mean, start.deviation, _with_least_stay(start.transition, least_stay))
    history: list[float] = []
    for _ in range(n_iterations):
        probability, log_likelihood = model.filtered(values)
        history.append(log_likelihood)
        if len(history) > 1 and history[-1] - history[-2] < tolerance:
            break
        model = _maximised(values, probability, model, least_stay)
    return RegimeModel(model.mean, model.deviation, model.transition, tuple(history))


def _maximised(values: FloatArray, probability: FloatArray, model: RegimeModel, least_stay: FloatArray) -> RegimeModel:
    smoothed, switches = np.empty_like(probability), np.empty_like(model.transition)
    kim_smoother(probability, model.transition, smoothed, switches)
    weight = smoothed.sum(axis=0)
    mean = smoothed.T @ values / weight
    variance = (smoothed * (values[:, None] - mean) ** 2).sum(axis=0) / weight
    transition = _with_least_stay(switches / switches.sum(axis=1, keepdims=True), least_stay)
    return RegimeModel(mean, np.maximum(np.sqrt(variance), _LEAST_DEVIATION), transition)


def _with_least_stay(transition: FloatArray, least_stay: FloatArray) -> FloatArray:
    bounded = transition.copy()
    for i, most_leave in enumerate(1.0 / np.asarray(least_stay, np.float64)):
        leave = 1.0 - transition[i, i]
        if leave > most_leave:
            bounded[i] *= most_leave / leave
            bounded[i, i] = 1.0 - most_leave
    return bounded


def standardised_returns(closes: FloatArray, span: float) -> FloatArray:
    """float64[n - 1]: log returns over their long-run deviation, as the risk clock knows it after each of them.

    The variance is the plain mean of the squares up to ``span`` of them and then moves by ``1 / span`` of the
    difference; it includes the return that it divides. 0 where nothing has moved yet.
    """
    returns = np.diff(np.log(closes))
    standardised = np.zeros(len(returns))
    variance = 0.0
    for t, value in enumerate(returns.tolist()):
        variance = float(warming_mean_step(variance, value * value, t + 1, span))
        if variance > 0.0:
            standardised[t] = value / math.sqrt(variance)
    return standardised
