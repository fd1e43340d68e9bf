"""Dynamic conditional correlation against a plain recursion, scipy's densities and simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bot4.domain.errors import DataError, UsageError
from bot4.quant.dependence.dcc import (
    FEWEST_ROWS,
    SHORT_ALPHA,
    SHORT_BETA,
    DccFilter,
    DccModel,
    dcc_log_likelihood,
    fit_dcc,
)
from bot4.quant.dependence.shrinkage import to_correlation

TARGET = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, -0.2], [0.3, -0.2, 1.0]])


def model(target: np.ndarray, alpha: float, beta: float) -> DccModel:
    return DccModel(target, alpha, beta, (math.nan, math.nan), 0.0, 0, 0.0)


def simulated(target: np.ndarray, alpha: float, beta: float, n_rows: int, seed: int) -> np.ndarray:
    """Residuals of the model, by its definition."""
    generator = np.random.default_rng(seed)
    q, rows = target.copy(), np.empty((n_rows, len(target)))
    for t in range(n_rows):
        rows[t] = np.linalg.cholesky(to_correlation(q)) @ generator.standard_normal(len(target))
        q = (1.0 - alpha - beta) * target + alpha * np.outer(rows[t], rows[t]) + beta * q
    return rows


def test_the_filter_is_engles_recursion() -> None:
    rows = simulated(TARGET, 0.05, 0.9, 60, 1)
    running, q = DccFilter.start(model(TARGET, 0.05, 0.9)), TARGET.copy()
    for row in rows:
        np.testing.assert_allclose(running.correlation, to_correlation(q), rtol=1e-12)
        assert running.update(row) == 3
        q = 0.05 * TARGET + 0.05 * np.outer(row, row) + 0.9 * q
    np.testing.assert_allclose(running.q, q, rtol=1e-12)


def test_the_likelihood_is_scipys_density_less_that_of_independence() -> None:
    rows = simulated(TARGET, 0.05, 0.9, 80, 2)
    scratch = [np.empty((3, 3)) for _ in range(4)]
    expected, q = 0.0, TARGET.copy()
    for row in rows:
        expected += stats.multivariate_normal.logpdf(row, cov=to_correlation(q)) - stats.norm.logpdf(row).sum()
        q = 0.05 * TARGET + 0.05 * np.outer(row, row) + 0.9 * q
    assert dcc_log_likelihood(rows, TARGET, 0.05, 0.9, *scratch) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("alpha", "beta", "seed"), [(0.04, 0.93, 3), (0.10, 0.80, 4), (0.02, 0.97, 5)])
def test_known_parameters_are_found_within_their_standard_errors(alpha: float, beta: float, seed: int) -> None:
    found = fit_dcc(simulated(TARGET, alpha, beta, 3_000, seed))
    assert not found.fallback
    assert abs(found.alpha - alpha) < 3.0 * found.standard_errors[0]
    assert abs(found.beta - beta) < 3.0 * found.standard_errors[1]
    assert max(found.standard_errors) < 0.1
    np.testing.assert_allclose(found.target, TARGET, atol=0.12)


def test_no_neighbour_of_the_fit_is_more_likely() -> None:
    rows = simulated(TARGET, 0.05, 0.9, 1_000, 6)
    found = fit_dcc(rows)
    scratch = [np.empty((3, 3)) for _ in range(4)]
    for da in (-2e-4, 0.0, 2e-4):
        for db in (-2e-4, 0.0, 2e-4):
            near = dcc_log_likelihood(rows, found.target, found.alpha + da, found.beta + db, *scratch)
            assert near <= found.log_likelihood + 1e-6


def test_a_short_history_takes_parameters_of_the_literature_and_says_so() -> None:
    found = fit_dcc(simulated(TARGET, 0.05, 0.9, FEWEST_ROWS - 1, 7))
    assert (found.alpha, found.beta) == (SHORT_ALPHA, SHORT_BETA)
    assert str(FEWEST_ROWS) in found.fallback
    few = fit_dcc(simulated(TARGET, 0.05, 0.9, 4, 8))
    assert np.linalg.eigvalsh(few.target)[0] > 0.0
    assert few.shrinkage > found.shrinkage


def test_constant_correlation_is_found_to_be_constant() -> None:
    found = fit_dcc(simulated(TARGET, 0.0, 0.0, 2_000, 9))
    assert found.alpha < 0.02
    path = []
    running = DccFilter.start(found)
    for row in simulated(TARGET, 0.0, 0.0, 500, 10):
        running.update(row)
        path.append(running.correlation[0, 1])
    assert np.std(path) < 0.06


@given(
    hnp.arrays(np.float64, (8, 3), elements=st.floats(-1e6, 1e6) | st.sampled_from([math.nan, -math.inf])),
    st.floats(0.0, 1.0),
    st.floats(0.0, 0.9999),
)
def test_the_forecast_is_a_positive_definite_correlation_after_every_history(
    rows: np.ndarray, share: float, persistence: float
) -> None:
    running = DccFilter.start(model(TARGET, share * persistence, (1.0 - share) * persistence))
    for row in rows:
        known = running.update(row)
        assert known == np.isfinite(row).sum()
        np.testing.assert_array_equal(np.diag(running.correlation), 1.0)
        np.testing.assert_array_equal(running.correlation, running.correlation.T)
        assert np.linalg.eigvalsh(running.q)[0] > 0.0
        assert np.linalg.eigvalsh(running.correlation)[0] > -1e-12


def test_without_news_the_forecast_returns_to_its_target() -> None:
    running = DccFilter.start(model(TARGET, 0.05, 0.9))
    running.update(np.array([4.0, -4.0, 4.0]))
    away = [np.abs(running.correlation - TARGET).max()]
    for _ in range(200):
        assert running.update(np.full(3, math.nan)) == 0
        away.append(np.abs(running.correlation - TARGET).max())
    assert away[0] > 0.05
    assert away[-1] < 0.05 * away[0]


def test_a_missing_residual_leaves_the_others_as_they_would_be() -> None:
    whole, holed = (DccFilter.start(model(TARGET, 0.05, 0.9)) for _ in range(2))
    whole.update(np.array([2.0, 1.0, -0.3]))
    holed.update(np.array([2.0, 1.0, math.nan]))
    np.testing.assert_allclose(holed.q[:2, :2], whole.q[:2, :2], rtol=1e-12)


def test_too_little_to_fit_is_refused() -> None:
    with pytest.raises(DataError):
        fit_dcc(np.full((10, 3), math.nan))
    with pytest.raises(UsageError):
        fit_dcc(np.ones((10, 1)))
