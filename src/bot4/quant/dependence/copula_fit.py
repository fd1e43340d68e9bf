"""Fitting the Student t copula by maximum likelihood, over all correlations and the degrees of freedom at once.

For given degrees of freedom the likelihood in ``R`` is that of a multivariate Student t with unit diagonal. With
weights ``w_i = (df + n) / (df + x_i' R^-1 x_i)`` and ``S = mean(w x x')`` its stationary points satisfy
``R = S + R D R`` for the diagonal ``D`` that keeps ``diag R = 1``; iterating that equation is scoring under a linear
constraint (Anderson 1973) with the weights of the EM algorithm (Liu and Rubin 1995). A step is halved until the
likelihood rises. The degrees of freedom are then found by golden section over their logarithm, ``R`` starting from
the last one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError
from bot4.quant.dependence.shrinkage import finite_rows, nearest_correlation, shrunk_covariance, to_correlation
from bot4.quant.dependence.student_copula import LEAST_DF, MOST_DF, StudentCopula
from bot4.quant.statistics.student_arrays import student_quantiles

FEWEST_ROWS = 30
_MOST_ITERATIONS = 200
_GAIN = 1e-9
_LOG_DF_WIDTH = 1e-5
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_START_DF = 8.0
_LOG_DF_DIFFERENCE = 1e-3


@dataclass(frozen=True, slots=True)
class CopulaFit:
    """A fitted copula and how sure it is.

    Attributes:
        copula: of greatest likelihood.
        log_likelihood: of the probabilities under it.
        df_error: standard error of the degrees of freedom; NaN at a bound.
        correlation_errors: float64[n, n], of the correlations; 0 on the diagonal. Both kinds from the inverse of the
            outer product of the scores (Berndt, Hall, Hall and Hausman 1974), which takes the probabilities as known.
        is_at_bound: the degrees of freedom are 2.5 or 30, and would leave that range.
        n_rows: complete rows that were used.
    """

    copula: StudentCopula
    log_likelihood: float
    df_error: float
    correlation_errors: FloatArray
    is_at_bound: bool
    n_rows: int


def copula_log_likelihood(copula: StudentCopula, probabilities: FloatArray) -> float:
    """Sum of the log density of the copula over the rows of float64[T, n] probabilities in 0..1, ends excluded."""
    quantiles = student_quantiles(probabilities, copula.df)
    return float(_log_densities(quantiles, copula.correlation, copula.df).sum())


def fit_student_copula(probabilities: FloatArray) -> CopulaFit:
    """Maximum likelihood over correlations and degrees of freedom in 2.5..30.

    Args:
        probabilities: float64[T, n], strictly between 0 and 1, as of
            :func:`bot4.quant.dependence.student_copula.pseudo_observations`, or of fitted distributions; rows that are
            not wholly finite are left out.

    Raises:
        DataError: fewer than 30 complete rows or not more than assets, one asset, or a probability of 0 or 1.
    """
    rows = finite_rows(probabilities)
    n_rows, n = rows.shape
    if n < 2 or n_rows < max(FEWEST_ROWS, n + 1):
        raise DataError(
            f"{n_rows} complete rows of {n} assets", where="t copula fit", remedy=f"give {FEWEST_ROWS} rows or more"
        )
    if not (np.all(rows > 0.0) and np.all(rows < 1.0)):
        raise DataError("a probability of 0 or 1", where="t copula fit", remedy="divide ranks by T + 1")
    search = _Search(rows)
    df, is_at_bound = search.best_df()
    correlation, log_likelihood = search.profile(df)
    df_error, correlation_errors = search.standard_errors(correlation, df, is_at_bound)
    copula = StudentCopula(correlation, df)
    return CopulaFit(copula, log_likelihood, df_error, correlation_errors, is_at_bound, n_rows)


class _Search:
    """The likelihood of one sample, profiled over the degrees of freedom."""

    def __init__(self, rows: FloatArray) -> None:
        self._shape = rows.shape
        # Ranks have few distinct values, and those of both tails are the same but for their sign.
        folded = np.minimum(rows, 1.0 - rows)
        self._tails, place = np.unique(folded, return_inverse=True)
        self._place = place.reshape(rows.shape)
        self._sign = np.where(rows < 0.5, 1.0, -1.0)
        self._correlation = _start(self.quantiles(_START_DF))

    def quantiles(self, df: float) -> FloatArray:
        """float64[T, n] quantiles of the rows."""
        found: FloatArray = student_quantiles(self._tails, df)[self._place] * self._sign
        return found

    def profile(self, df: float) -> tuple[FloatArray, float]:
        """Most likely correlation for the degrees of freedom, and its log-likelihood."""
        x = self.quantiles(df)
        found = self._correlation
        best = float(_log_densities(x, found, df).sum())
        for _ in range(_MOST_ITERATIONS):
            proposed = _stationary_step(x, found, df)
            fraction, value, moved = 1.0, -math.inf, found
            while fraction > 1e-4:
                moved = found + fraction * (proposed - found)
                value = float(_log_densities(x, moved, df).sum())
                if value >= best:
                    break
                fraction *= 0.5
            if value < best:
                break
            gain, best, found = value - best, value, moved
            if gain < _GAIN * abs(best) + 1e-9:
                break
        self._correlation = found
        return found, best

    def best_df(self) -> tuple[float, bool]:
        """Degrees of freedom of greatest profile likelihood, and whether they are a bound."""
        low, high = math.log(LEAST_DF), math.log(MOST_DF)
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        at_left, at_right = self.profile(math.exp(left))[1], self.profile(math.exp(right))[1]
        while high - low > _LOG_DF_WIDTH:
            if at_left > at_right:
                high, right, at_right = right, left, at_left
                left = high - _GOLDEN * (high - low)
                at_left = self.profile(math.exp(left))[1]
            else:
                low, left, at_left = left, right, at_right
                right = low + _GOLDEN * (high - low)
                at_right = self.profile(math.exp(right))[1]
        df = math.exp(0.5 * (low + high))
        best = self.profile(df)[1]
        for bound in (LEAST_DF, MOST_DF):
            if abs(math.log(df / bound)) < 10.0 * _LOG_DF_WIDTH and self.profile(bound)[1] >= best - 1e-6:
                return bound, True
        return df, False

    def standard_errors(self, correlation: FloatArray, df: float, is_at_bound: bool) -> tuple[float, FloatArray]:
        """Of the degrees of freedom (NaN at a bound, which then counts as known) and of the correlations."""
        n = self._shape[1]
        x = self.quantiles(df)
        inverse = np.linalg.inv(correlation)
        y = x @ inverse
        weight = (df + n) / (df + (x * y).sum(axis=1))
        above = np.triu_indices(n, 1)
        scores = [weight * y[:, i] * y[:, j] - inverse[i, j] for i, j in zip(*above, strict=True)]
        if not is_at_bound:
            h = df * _LOG_DF_DIFFERENCE
            upper, lower = (_log_densities(self.quantiles(df + s * h), correlation, df + s * h) for s in (1.0, -1.0))
            scores.append((upper - lower) / (2.0 * h))
        matrix = np.array(scores)
        errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(matrix @ matrix.T)), 0.0))
        by_pair = np.zeros((n, n))
        by_pair[above] = errors[: len(above[0])]
        return (math.nan if is_at_bound else float(errors[-1])), by_pair + by_pair.T


def _start(x: FloatArray) -> FloatArray:
    """Correlation of the quantiles, shrunk where rows are few, away from the edge."""
    return 0.999 * nearest_correlation(to_correlation(shrunk_covariance(x).covariance)) + 0.001 * np.eye(x.shape[1])


def _stationary_step(x: FloatArray, correlation: FloatArray, df: float) -> FloatArray:
    """``S + R D R`` with the weights at ``R`` and the ``D`` that gives a diagonal of ones."""
    n = x.shape[1]
    y = np.linalg.solve(correlation, x.T).T
    weight = (df + n) / (df + (x * y).sum(axis=1))
    scatter = (x * weight[:, None]).T @ x / len(x)
    multipliers = np.linalg.solve(correlation * correlation, 1.0 - np.diag(scatter))
    moved = scatter + (correlation * multipliers) @ correlation
    symmetric: FloatArray = 0.5 * (moved + moved.T)
    np.fill_diagonal(symmetric, 1.0)
    return symmetric


def _log_densities(x: FloatArray, correlation: FloatArray, df: float) -> FloatArray:
    """float64[T]: log density of the copula at the quantiles ``x``; minus infinity where ``R`` has no factor."""
    n = x.shape[1]
    try:
        lower = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        return np.full(len(x), -math.inf)
    z = np.linalg.solve(lower, x.T)
    log_root_determinant = float(np.log(np.diag(lower)).sum())
    constant = math.lgamma(0.5 * (df + n)) + (n - 1.0) * math.lgamma(0.5 * df) - n * math.lgamma(0.5 * (df + 1.0))
    joint = -0.5 * (df + n) * np.log1p((z * z).sum(axis=0) / df)
    margins = 0.5 * (df + 1.0) * np.log1p(x * x / df).sum(axis=1)
    densities: FloatArray = constant - log_root_determinant + joint + margins
    return densities
