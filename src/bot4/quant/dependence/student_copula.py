"""The Student t copula: how likely assets are to crash together, whatever each one's own distribution is.

``u_1 .. u_n`` are probabilities; ``x_j = t_df^-1(u_j)`` are jointly Student t with correlation ``R``:

``ln c(u) = ln t_{R,df}(x) - sum_j ln t_df(x_j)``.

Sources: Demarta and McNeil, *The t copula and related copulas* (2005); McNeil, Frey and Embrechts, *Quantitative Risk
Management* (2015), chapter 7; Joe, *Multivariate Models and Dependence Concepts* (1997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import UsageError
from bot4.quant.statistics.student import student_cdf
from bot4.quant.statistics.student_arrays import student_probabilities

LEAST_DF, MOST_DF = 2.5, 30.0
"""Bounds of the degrees of freedom: below, tails are heavier than any market's; above, they are as good as normal."""
CRISIS_BLEND, CRISIS_DF = 0.5, 3.0
"""The crisis stress: half of the way to correlations of one, and three degrees of freedom."""


@dataclass(frozen=True, slots=True)
class StudentCopula:
    """A copula.

    Attributes:
        correlation: float64[n, n], positive definite, diagonal 1.
        df: degrees of freedom, 2.5 to 30.
    """

    correlation: FloatArray
    df: float

    def __post_init__(self) -> None:
        matrix = self.correlation
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
            raise UsageError("not a square matrix of finite numbers", where="t copula")
        if not (np.allclose(matrix, matrix.T, rtol=0.0, atol=1e-10) and np.allclose(np.diag(matrix), 1.0, atol=1e-10)):
            raise UsageError("not a symmetric matrix with a diagonal of ones", where="t copula")
        if np.linalg.eigvalsh(matrix)[0] <= 0.0:
            raise UsageError(
                "the correlation matrix is not positive definite", where="t copula", remedy="use nearest_correlation"
            )
        if not LEAST_DF <= self.df <= MOST_DF:
            raise UsageError(
                f"{self.df:g} degrees of freedom, but {LEAST_DF:g} to {MOST_DF:g} are allowed", where="t copula"
            )

    def sample(self, n_draws: int, generator: np.random.Generator) -> FloatArray:
        """float64[n_draws, n] dependent probabilities, strictly between 0 and 1."""
        return student_probabilities(self.sample_student(n_draws, generator), self.df)

    def sample_student(self, n_draws: int, generator: np.random.Generator) -> FloatArray:
        """float64[n_draws, n] of the joint Student t distribution itself, on its standard scale."""
        normal = generator.standard_normal((n_draws, len(self.correlation)))
        scale = np.sqrt(self.df / generator.chisquare(self.df, n_draws))
        drawn: FloatArray = (normal @ np.linalg.cholesky(self.correlation).T) * scale[:, None]
        return drawn

    def tail_dependence(self) -> FloatArray:
        """float64[n, n]: for each pair :func:`tail_dependence`; 1 on the diagonal."""
        n = len(self.correlation)
        found = np.eye(n)
        for i in range(n):
            for j in range(i):
                found[i, j] = found[j, i] = tail_dependence(float(self.correlation[i, j]), self.df)
        return found

    def in_crisis(self) -> StudentCopula:
        """The stress of a crisis: ``R' = R / 2 + 1 1' / 2`` and 3 degrees of freedom, or fewer where there are."""
        return StudentCopula(towards_one(self.correlation, CRISIS_BLEND), min(CRISIS_DF, self.df))

    def in_regime(self, regime: RegimeDependence) -> StudentCopula:
        """The copula as a regime would have it: correlations scaled, and tails never thinner than these."""
        return StudentCopula(scaled_correlation(self.correlation, regime.correlation_scale), min(regime.df, self.df))


@dataclass(frozen=True, slots=True)
class RegimeDependence:
    """What a market regime makes of dependence.

    Attributes:
        df: degrees of freedom, 2.5 to 30; a copula with fewer keeps its own.
        correlation_scale: 0 to 2. Above 1 the matrix is moved towards ones by the excess, below 1 towards the identity
            by what is lacking: both keep it a correlation matrix, which multiplying would not.
    """

    df: float
    correlation_scale: float

    def __post_init__(self) -> None:
        if not LEAST_DF <= self.df <= MOST_DF:
            raise UsageError(f"df is {self.df:g}, but must lie in {LEAST_DF:g} to {MOST_DF:g}", where="regime")
        if not 0.0 <= self.correlation_scale < 2.0:
            raise UsageError(f"correlation_scale is {self.correlation_scale:g}, but lies in 0 to 2", where="regime")


REGIMES: dict[str, RegimeDependence] = {
    "bull": RegimeDependence(15.0, 0.8),
    "sideways": RegimeDependence(10.0, 1.0),
    "bear": RegimeDependence(5.0, 1.2),
    "crisis": RegimeDependence(3.0, 1.5),
}
"""Defaults by regime; the crisis is :meth:`StudentCopula.in_crisis`."""


def tail_dependence(correlation: float, df: float) -> float:
    """Chance that one crashes given that the other does, ever farther out; the same in both tails.

    ``lambda = 2 t_{df+1}(-sqrt((df + 1) (1 - rho) / (1 + rho)))`` (Joe 1997; Demarta and McNeil 2005, equation 7).

    Raises:
        UsageError: a correlation outside of -1 to 1, or degrees of freedom not above 0.
    """
    if not (-1.0 <= correlation <= 1.0 and df > 0.0):
        raise UsageError(f"correlation {correlation}, {df} degrees of freedom", where="tail dependence")
    if correlation == -1.0:
        return 0.0
    at = -math.sqrt((df + 1.0) * (1.0 - correlation) / (1.0 + correlation))
    return 2.0 * student_cdf(at, df + 1.0)


def towards_one(correlation: FloatArray, blend: float) -> FloatArray:
    """``(1 - blend) R + blend 1 1'``, a correlation matrix for every ``blend`` in 0..1; positive definite below 1."""
    if not 0.0 <= blend <= 1.0:
        raise UsageError(f"blend is {blend}, but lies in 0 to 1", where="correlation stress")
    stressed: FloatArray = (1.0 - blend) * correlation + blend
    return stressed


def scaled_correlation(correlation: FloatArray, scale: float) -> FloatArray:
    """Correlations stronger or weaker, as :class:`RegimeDependence` says."""
    if scale >= 1.0:
        return towards_one(correlation, scale - 1.0)
    weaker = scale * correlation
    np.fill_diagonal(weaker, 1.0)
    return weaker


def pseudo_observations(values: FloatArray) -> FloatArray:
    """Ranks over ``T + 1``, column by column: probabilities without a model of each asset. Ties get their mean rank.

    Args:
        values: float64[T, n], finite.

    Returns:
        float64[T, n] in ``1 / (T + 1) .. T / (T + 1)`` (Genest, Ghoudi and Rivest 1995).
    """
    ranked = np.empty(values.shape, np.float64)
    for j in range(values.shape[1]):
        _, place, counts = np.unique(values[:, j], return_inverse=True, return_counts=True)
        last = np.cumsum(counts)
        ranked[:, j] = (last - 0.5 * (counts - 1.0))[place]
    return ranked / (len(values) + 1.0)
