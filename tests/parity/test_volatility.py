"""Volatility recursions and Student's t against plain loops, SciPy and simulation-free definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import UsageError
from bot4.quant.statistics.student import (
    regularised_beta,
    student_cdf,
    student_expected_shortfall,
    student_pdf,
    student_quantile,
    unit_variance_scale,
)
from bot4.quant.volatility.ewma import ewma_step, warming_mean_step
from bot4.quant.volatility.garch import garch_annuity, garch_step, garch_sum

scipy_stats = pytest.importorskip("scipy.stats")
scipy_special = pytest.importorskip("scipy.special")
scipy_integrate = pytest.importorskip("scipy.integrate")

DEGREES = (2.1, 3.0, 4.0, 7.5, 30.0, 1000.0)


def test_the_garch_recursion_equals_its_expansion_over_all_past_returns() -> None:
    rng = np.random.default_rng(5)
    returns, long_variance, alpha, beta = rng.normal(0, 0.01, 200), 1.2e-4, 0.1, 0.85
    variance = 3e-4
    for log_return in returns:
        variance = garch_step(variance, log_return, long_variance, alpha, beta)
    n = len(returns)
    weights = beta ** np.arange(n)[::-1]
    omega = long_variance * (1 - alpha - beta)
    expanded = beta**n * 3e-4 + np.sum(weights * (omega + alpha * returns**2))
    assert variance == pytest.approx(expanded, rel=1e-12)


@given(st.floats(0.0, 1e-2), st.floats(0.0, 1e-2), st.floats(0.0, 0.4), st.floats(0.0, 0.59), st.integers(1, 72))
def test_the_sum_of_step_forecasts_equals_brute_force(
    variance: float, long_variance: float, alpha: float, beta: float, steps: int
) -> None:
    total, forecast = 0.0, variance
    for _ in range(steps):
        total += forecast
        forecast = long_variance * (1 - alpha - beta) + (alpha + beta) * forecast
    annuity = garch_annuity(alpha + beta, float(steps))
    assert garch_sum(variance, long_variance, annuity, float(steps)) == pytest.approx(total, rel=1e-9, abs=1e-18)


def test_a_variance_that_does_not_revert_is_summed_step_by_step() -> None:
    assert garch_annuity(1.0, 24.0) == 24.0
    assert garch_sum(2e-4, 1e-4, 24.0, 24.0) == pytest.approx(24 * 2e-4)


def test_the_ewma_equals_the_weighted_sum_of_the_past() -> None:
    values = np.random.default_rng(1).normal(size=50) ** 2
    average = 0.7
    for value in values:
        average = ewma_step(average, value, 0.94)
    weights = 0.06 * 0.94 ** np.arange(50)[::-1]
    assert average == pytest.approx(0.94**50 * 0.7 + np.sum(weights * values), rel=1e-12)


def test_a_warming_mean_is_the_plain_mean_up_to_its_span_and_then_forgets() -> None:
    values = np.random.default_rng(2).normal(size=30)
    mean = math.nan
    for n, value in enumerate(values, 1):
        mean = warming_mean_step(mean, value, n, 10.0)
        if n <= 10:
            assert mean == pytest.approx(np.mean(values[:n]))
    expected = np.mean(values[:10])
    for value in values[10:]:
        expected += (value - expected) / 10.0
    assert mean == pytest.approx(expected)


@pytest.mark.parametrize("df", DEGREES)
def test_student_agrees_with_scipy(df: float) -> None:
    for x in (-80.0, -3.7, -0.1, 0.0, 0.5, 2.0, 9.0):
        assert student_cdf(x, df) == pytest.approx(scipy_stats.t.cdf(x, df), rel=1e-11)
        assert student_pdf(x, df) == pytest.approx(scipy_stats.t.pdf(x, df), rel=1e-11)
    for p in (1e-6, 0.01, 0.3, 0.5, 0.9, 0.99, 0.9999):
        assert student_quantile(p, df) == pytest.approx(scipy_stats.t.ppf(p, df), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("df", DEGREES)
def test_expected_shortfall_is_the_mean_beyond_the_quantile(df: float) -> None:
    quantile = scipy_stats.t.ppf(0.99, df)
    integral, _ = scipy_integrate.quad(
        lambda u: scipy_stats.t.ppf(1 - u, df), 0.0, 0.01, epsabs=1e-12, epsrel=1e-10, limit=500
    )
    assert student_expected_shortfall(0.99, df) == pytest.approx(integral / 0.01, rel=1e-5)
    assert student_expected_shortfall(0.99, df) > quantile


def test_the_unit_variance_scale_brings_the_variance_to_one() -> None:
    for df in DEGREES:
        assert unit_variance_scale(df) ** 2 * scipy_stats.t.var(df) == pytest.approx(1.0)


@given(st.floats(0.0, 1.0), st.floats(0.05, 500.0), st.floats(0.05, 500.0))
def test_the_incomplete_beta_agrees_with_scipy(x: float, a: float, b: float) -> None:
    assert regularised_beta(x, a, b) == pytest.approx(scipy_special.betainc(a, b, x), rel=1e-9, abs=1e-12)


def test_student_at_the_edges() -> None:
    assert math.isnan(student_cdf(math.nan, 4.0))
    assert student_cdf(math.inf, 4.0) == 1.0
    assert student_cdf(-math.inf, 4.0) == 0.0
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(UsageError, match="degrees of freedom"):
            student_cdf(0.0, bad)
    with pytest.raises(UsageError, match="more than 2"):
        unit_variance_scale(2.0)
    for probability in (0.0, 1.0, math.nan):
        with pytest.raises(UsageError, match="between 0 and 1"):
            student_quantile(probability, 4.0)
