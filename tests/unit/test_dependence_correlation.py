"""Correlation that follows time, its repair, and its shrinkage, against plain references."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bot4.domain.errors import DataError, UsageError
from bot4.quant.dependence.correlation import (
    cholesky,
    correlation_of,
    ewma_covariance_step,
    expected_moments,
    keep_positive_definite,
)
from bot4.quant.dependence.shrinkage import nearest_correlation, shrunk_covariance, to_correlation


def random_covariance(n: int, seed: int) -> np.ndarray:
    a = np.random.default_rng(seed).normal(size=(n, n + 2))
    return a @ a.T


def scratch(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((n, n), np.nan), np.full((n, n), np.nan)


def test_the_ewma_covariance_is_the_weighted_sum_of_its_history() -> None:
    returns = np.random.default_rng(1).normal(size=(50, 3))
    covariance = np.eye(3)
    for row in returns:
        assert ewma_covariance_step(covariance, row, 0.9, *scratch(3)) == 3
    weights = 0.1 * 0.9 ** np.arange(49, -1, -1)
    expected = 0.9**50 * np.eye(3) + np.einsum("t,ti,tj->ij", weights, returns, returns)
    np.testing.assert_allclose(covariance, expected, rtol=1e-12)


@pytest.mark.parametrize("missing", [[0], [3], [1, 4], [0, 1, 2, 3], [0, 1, 2, 3, 4]])
def test_what_is_missing_counts_as_expected_given_the_rest(missing: list[int]) -> None:
    covariance = random_covariance(5, 2)
    values = np.random.default_rng(3).normal(size=5)
    known = [i for i in range(5) if i not in missing]
    values[missing] = math.nan
    work, moments = scratch(5)
    assert expected_moments(covariance, values, work, moments) == len(known)
    expected = np.zeros((5, 5))
    regression = covariance[np.ix_(missing, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    filled = values.copy()
    filled[missing] = regression @ values[known]
    expected += np.outer(filled, filled)
    rest = covariance[np.ix_(missing, missing)] - regression @ covariance[np.ix_(known, missing)]
    expected[np.ix_(missing, missing)] += rest
    np.testing.assert_allclose(moments, expected, rtol=1e-9, atol=1e-12)


def test_a_silent_asset_keeps_its_relation_to_the_others() -> None:
    covariance = random_covariance(4, 4)
    before = covariance.copy()
    returns = np.array([1.0, -2.0, math.nan, 0.5])
    ewma_covariance_step(covariance, returns, 0.8, *scratch(4))
    known = np.ix_([0, 1, 3], [0, 1, 3])

    def regression(s: np.ndarray) -> np.ndarray:
        return np.linalg.solve(s[known], s[[0, 1, 3], 2])

    np.testing.assert_allclose(regression(covariance), regression(before), rtol=1e-10)
    assert np.linalg.eigvalsh(covariance)[0] > 0.0


def test_nothing_moves_where_no_return_is_known() -> None:
    covariance = random_covariance(3, 5)
    before = covariance.copy()
    assert ewma_covariance_step(covariance, np.array([math.nan, math.inf, math.nan]), 0.9, *scratch(3)) == 0
    np.testing.assert_array_equal(covariance, before)


def test_the_factor_is_numpys_and_correlation_has_ones() -> None:
    covariance = random_covariance(6, 6)
    lower = np.empty((6, 6))
    assert cholesky(covariance, lower) == 1
    np.testing.assert_allclose(lower, np.linalg.cholesky(covariance), rtol=1e-9, atol=1e-12)
    correlation = np.empty((6, 6))
    correlation_of(covariance, correlation)
    np.testing.assert_allclose(correlation, to_correlation(covariance), rtol=1e-12)
    covariance[2] = covariance[:, 2] = 0.0
    correlation_of(covariance, correlation)
    np.testing.assert_array_equal(correlation[2], [0, 0, 1, 0, 0, 0])


@given(
    hnp.arrays(np.float64, (6, 4), elements=st.floats(-1e3, 1e3) | st.sampled_from([math.nan, math.inf])),
    st.floats(0.0, 0.999),
)
def test_the_correlation_has_a_factor_after_every_history(returns: np.ndarray, decay: float) -> None:
    covariance, correlation = np.eye(4), np.empty((4, 4))
    for row in returns:
        ewma_covariance_step(covariance, row, decay, *scratch(4))
    correlation_of(covariance, correlation)
    blend = keep_positive_definite(correlation, np.empty((4, 4)))
    assert 0.0 <= blend <= 1.0
    np.testing.assert_array_equal(np.diag(correlation), 1.0)
    np.testing.assert_array_equal(correlation, correlation.T)
    assert np.all(np.abs(correlation) <= 1.0)
    np.linalg.cholesky(correlation)


def test_a_repair_touches_only_what_needs_it_and_as_little_as_it_may() -> None:
    good = to_correlation(random_covariance(4, 7))
    kept = good.copy()
    lower = np.empty((4, 4))
    assert keep_positive_definite(kept, lower) == 0.0
    np.testing.assert_array_equal(kept, good)
    bad = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])  # least eigenvalue -0.8
    repaired, lower = bad.copy(), np.empty((3, 3))
    blend = keep_positive_definite(repaired, lower)
    assert 0.8 / 1.8 < blend <= 4.0 * 0.8 / 1.8
    np.testing.assert_allclose(repaired, (1.0 - blend) * bad + blend * np.eye(3), atol=1e-12)
    np.testing.assert_allclose(lower @ lower.T, repaired, atol=1e-12)


def test_what_is_not_finite_is_not_repaired() -> None:
    bad = np.array([[1.0, math.nan], [math.nan, 1.0]])
    assert math.isnan(keep_positive_definite(bad, np.empty((2, 2))))


def test_highams_own_example_has_his_result() -> None:
    found = nearest_correlation(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
    expected = [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    np.testing.assert_allclose(found, expected, atol=5e-5)
    assert np.linalg.eigvalsh(found)[0] > 0.0
    with pytest.raises(UsageError):
        nearest_correlation(np.array([[1.0, 0.5], [0.4, 1.0]]))


def slow_shrinkage(x: np.ndarray) -> float:
    """Ledoit and Wolf's weight, sum by sum as their appendix has it."""
    t, n = x.shape
    x = x - x.mean(axis=0)
    s = [[sum(x[k, i] * x[k, j] for k in range(t)) / t for j in range(n)] for i in range(n)]
    r = sum(s[i][j] / math.sqrt(s[i][i] * s[j][j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    pi = [[sum((x[k, i] * x[k, j] - s[i][j]) ** 2 for k in range(t)) / t for j in range(n)] for i in range(n)]
    rho = sum(pi[i][i] for i in range(n))
    gamma = 0.0
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            own = sum((x[k, i] ** 2 - s[i][i]) * (x[k, i] * x[k, j] - s[i][j]) for k in range(t)) / t
            other = sum((x[k, j] ** 2 - s[j][j]) * (x[k, i] * x[k, j] - s[i][j]) for k in range(t)) / t
            rho += 0.5 * r * (math.sqrt(s[j][j] / s[i][i]) * own + math.sqrt(s[i][i] / s[j][j]) * other)
            gamma += (r * math.sqrt(s[i][i] * s[j][j]) - s[i][j]) ** 2
    return max(0.0, min(1.0, (sum(map(sum, pi)) - rho) / gamma / t))


@pytest.mark.parametrize("t", [5, 12, 60])
def test_the_weight_of_shrinkage_is_that_of_the_sums(t: int) -> None:
    x = np.random.default_rng(t).normal(size=(t, 4)) @ np.linalg.cholesky(random_covariance(4, 8)).T
    found = shrunk_covariance(x)
    assert found.weight == pytest.approx(slow_shrinkage(x), rel=1e-9)
    sample = np.cov(x.T, bias=True)
    np.testing.assert_allclose(np.diag(found.covariance), np.diag(sample), rtol=1e-12)
    assert np.linalg.eigvalsh(found.correlation)[0] > 0.0


def test_shrinkage_matters_when_history_is_short_and_is_nearer_the_truth() -> None:
    truth = 0.4 * np.ones((10, 10)) + 0.6 * np.eye(10)
    truth[0, 1] = truth[1, 0] = 0.8
    lower, generator = np.linalg.cholesky(truth), np.random.default_rng(9)
    errors = {"shrunk": 0.0, "sample": 0.0}
    for _ in range(50):
        x = generator.normal(size=(20, 10)) @ lower.T
        errors["shrunk"] += float(((shrunk_covariance(x).covariance - truth) ** 2).sum())
        errors["sample"] += float(((np.cov(x.T, bias=True) - truth) ** 2).sum())
    assert errors["shrunk"] < 0.8 * errors["sample"]
    long = shrunk_covariance(generator.normal(size=(20_000, 10)) @ lower.T)
    assert long.weight < 0.05 < shrunk_covariance(generator.normal(size=(20, 10)) @ lower.T).weight


def test_incomplete_rows_are_left_out_and_too_few_are_refused() -> None:
    x = np.random.default_rng(10).normal(size=(40, 3))
    holed = np.vstack([x, [math.nan, 1.0, 1.0], [1.0, math.inf, 1.0]])
    np.testing.assert_array_equal(shrunk_covariance(holed).covariance, shrunk_covariance(x).covariance)
    with pytest.raises(DataError):
        shrunk_covariance(x[:2])
    with pytest.raises(DataError):
        shrunk_covariance(np.column_stack([x, np.ones(40)]))
