"""The Student t copula against scipy, against its textbook, and against the truth it was simulated from."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from bot4.domain.errors import DataError, UsageError
from bot4.quant.dependence.copula_fit import copula_log_likelihood, fit_student_copula
from bot4.quant.dependence.student_copula import (
    LEAST_DF,
    MOST_DF,
    REGIMES,
    RegimeDependence,
    StudentCopula,
    pseudo_observations,
    scaled_correlation,
    tail_dependence,
    towards_one,
)
from tests.shared_data import requires_shared_data, shared_path

R = np.array([[1.0, 0.7, 0.2, 0.4], [0.7, 1.0, 0.1, 0.5], [0.2, 0.1, 1.0, -0.3], [0.4, 0.5, -0.3, 1.0]])


def drawn(df: float, n: int, seed: int, correlation: np.ndarray = R) -> np.ndarray:
    """By the definition: a multivariate normal over the root of an independent chi-square, with scipy's functions."""
    generator = np.random.default_rng(seed)
    normal = generator.multivariate_normal(np.zeros(len(correlation)), correlation, size=n)
    return stats.t.cdf(normal * np.sqrt(df / generator.chisquare(df, n))[:, None], df)


def scipy_log_likelihood(correlation: np.ndarray, df: float, u: np.ndarray) -> float:
    x = stats.t.ppf(u, df)
    joint = stats.multivariate_t.logpdf(x, shape=correlation, df=df)
    return float((joint - stats.t.logpdf(x, df).sum(axis=1)).sum())


@pytest.mark.parametrize("df", [2.5, 6.5, 30.0])
def test_the_likelihood_is_scipys(df: float) -> None:
    u = drawn(5.0, 200, 1)
    assert copula_log_likelihood(StudentCopula(R, df), u) == pytest.approx(scipy_log_likelihood(R, df, u), rel=1e-9)


@pytest.mark.parametrize(("df", "seed"), [(3.0, 2), (6.0, 3), (12.0, 4)])
def test_known_parameters_are_found_within_their_standard_errors(df: float, seed: int) -> None:
    fit = fit_student_copula(drawn(df, 3_000, seed))
    assert abs(fit.copula.df - df) < 3.0 * fit.df_error
    assert fit.df_error < 0.3 * df
    above = np.triu_indices(4, 1)
    assert np.all(np.abs(fit.copula.correlation - R)[above] < 3.0 * fit.correlation_errors[above])
    assert not fit.is_at_bound


@pytest.mark.slow
def test_standard_errors_are_the_spread_of_repeated_fits() -> None:
    pair = np.array([[1.0, 0.5], [0.5, 1.0]])
    fits = [fit_student_copula(drawn(5.0, 800, 100 + s, pair)) for s in range(60)]
    spread = np.std([math.log(fit.copula.df) for fit in fits])
    claimed = np.median([fit.df_error / fit.copula.df for fit in fits])
    assert 0.7 < claimed / spread < 1.4  # the spread of 60 is known to 9%
    spread = np.std([fit.copula.correlation[0, 1] for fit in fits])
    claimed = np.median([fit.correlation_errors[0, 1] for fit in fits])
    assert 0.7 < claimed / spread < 1.4


def test_no_neighbour_of_the_fit_is_more_likely_by_scipys_density() -> None:
    u = drawn(4.0, 400, 5)
    fit = fit_student_copula(u)
    best = scipy_log_likelihood(fit.copula.correlation, fit.copula.df, u)
    assert best == pytest.approx(fit.log_likelihood, rel=1e-9)
    for factor in (0.99, 1.01):
        assert scipy_log_likelihood(fit.copula.correlation, fit.copula.df * factor, u) < best
    for i, j in zip(*np.triu_indices(4, 1), strict=True):
        for change in (-0.003, 0.003):
            moved = fit.copula.correlation.copy()
            moved[i, j] += change
            moved[j, i] += change
            assert scipy_log_likelihood(moved, fit.copula.df, u) < best


@requires_shared_data
def test_the_textbooks_three_stocks_have_the_most_likely_copula_that_scipy_finds() -> None:
    returns = pl.read_parquet(shared_path("golden/copula_rdj_returns.parquet")).select("INTC", "MSFT", "GE").to_numpy()
    u = pseudo_observations(returns)
    np.testing.assert_allclose(u, np.column_stack([stats.rankdata(c) for c in returns.T]) / (len(u) + 1.0), rtol=1e-14)
    fit = fit_student_copula(u)
    # By scipy's Nelder-Mead over its own densities: log-likelihood 419.27009653.
    assert fit.log_likelihood == pytest.approx(419.27009653, abs=1e-6)
    assert fit.copula.df == pytest.approx(6.5016, abs=2e-3)
    found = fit.copula.correlation[np.triu_indices(3, 1)]
    np.testing.assert_allclose(found, [0.58771, 0.35934, 0.42249], atol=2e-5)
    assert scipy_log_likelihood(fit.copula.correlation, fit.copula.df, u) == pytest.approx(fit.log_likelihood, rel=1e-9)


def test_a_normal_copula_is_at_the_upper_bound_and_the_heaviest_at_the_lower() -> None:
    normal = stats.norm.cdf(np.random.default_rng(6).multivariate_normal(np.zeros(4), R, size=2_000))
    fit = fit_student_copula(normal)
    assert fit.copula.df == MOST_DF
    assert fit.is_at_bound
    assert math.isnan(fit.df_error)
    heavy = fit_student_copula(drawn(1.2, 2_000, 7))
    assert heavy.copula.df == LEAST_DF
    assert heavy.is_at_bound


def test_tail_dependence_has_its_closed_form_and_is_seen_far_out() -> None:
    # Demarta and McNeil (2005), table 1, rounded there to two digits.
    published = {(2.0, 0.5): 0.39, (2.0, 0.0): 0.18, (4.0, 0.5): 0.25, (4.0, 0.9): 0.63, (10.0, 0.5): 0.08}
    for (df, rho), value in published.items():
        assert tail_dependence(rho, df) == pytest.approx(value, abs=0.005)
        expected = 2.0 * stats.t.cdf(-math.sqrt((df + 1.0) * (1.0 - rho) / (1.0 + rho)), df + 1.0)
        assert tail_dependence(rho, df) == pytest.approx(expected, rel=1e-12)
    assert tail_dependence(1.0, 5.0) == 1.0
    assert tail_dependence(-1.0, 5.0) == 0.0
    far = StudentCopula(np.array([[1.0, 0.5], [0.5, 1.0]]), 3.0).sample_student(2_000_000, np.random.default_rng(8))
    crashes = far < stats.t.ppf(1e-3, 3.0)
    both, one = np.count_nonzero(crashes.all(axis=1)), np.count_nonzero(crashes[:, 0])
    assert abs(both / one - tail_dependence(0.5, 3.0)) < 3.0 * math.sqrt(0.3 * 0.7 / one) + 0.01
    assert StudentCopula(R, 3.0).tail_dependence()[0, 1] == tail_dependence(0.7, 3.0)


def test_a_sample_has_uniform_margins_and_the_copulas_rank_correlation() -> None:
    u = StudentCopula(R, 4.0).sample(20_000, np.random.default_rng(9))
    assert np.all((u > 0.0) & (u < 1.0))
    for column in u.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    for i, j in ((0, 1), (1, 3), (2, 3)):
        tau = stats.kendalltau(u[:4_000, i], u[:4_000, j]).statistic
        assert abs(tau - 2.0 / math.pi * math.asin(R[i, j])) < 3.0 * 0.011
    fit = fit_student_copula(u[:3_000])
    assert abs(fit.copula.df - 4.0) < 3.0 * fit.df_error


def test_a_crisis_moves_correlations_half_of_the_way_to_one() -> None:
    stressed = StudentCopula(R, 8.0).in_crisis()
    np.testing.assert_allclose(stressed.correlation, 0.5 * R + 0.5)
    assert stressed.df == 3.0
    assert StudentCopula(R, 2.6).in_crisis().df == 2.6
    assert np.all(stressed.tail_dependence() >= StudentCopula(R, 8.0).tail_dependence())
    by_regime = StudentCopula(R, 8.0).in_regime(REGIMES["crisis"])
    np.testing.assert_allclose(by_regime.correlation, stressed.correlation)
    assert by_regime.df == stressed.df


def test_every_regime_leaves_a_correlation_matrix_and_no_thinner_tails() -> None:
    copula = StudentCopula(R, 8.0)
    assert [REGIMES[name].df for name in ("bull", "sideways", "bear", "crisis")] == [15.0, 10.0, 5.0, 3.0]
    for regime in REGIMES.values():
        moved = copula.in_regime(regime)
        assert moved.df <= copula.df
        np.linalg.cholesky(moved.correlation)
    np.testing.assert_allclose(scaled_correlation(R, 0.8)[0, 1], 0.56)
    np.testing.assert_allclose(scaled_correlation(R, 1.2)[0, 1], 0.8 * 0.7 + 0.2)
    np.testing.assert_allclose(scaled_correlation(R, 1.0), R)


@pytest.mark.parametrize(
    "make",
    [
        lambda: StudentCopula(R, 2.0),
        lambda: StudentCopula(R, math.nan),
        lambda: StudentCopula(np.array([[1.0, 1.0], [1.0, 1.0]]), 5.0),
        lambda: StudentCopula(2.0 * R, 5.0),
        lambda: RegimeDependence(1.0, 1.0),
        lambda: RegimeDependence(5.0, 2.0),
        lambda: towards_one(R, 1.1),
        lambda: tail_dependence(1.1, 3.0),
    ],
)
def test_what_is_no_copula_is_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


def test_too_few_rows_and_certain_probabilities_are_refused() -> None:
    with pytest.raises(DataError):
        fit_student_copula(drawn(4.0, 29, 10))
    with pytest.raises(DataError):
        fit_student_copula(np.vstack([drawn(4.0, 50, 11), np.ones(4)]))
