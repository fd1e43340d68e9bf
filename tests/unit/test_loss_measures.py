"""Value at risk, shortfall and contributions against scipy, integrals and difference quotients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from bot4.domain.errors import DataError, UsageError
from bot4.quant.dependence.student_copula import StudentCopula
from bot4.quant.loss.extreme_values import (
    LEAST_SHAPE,
    MOST_SHAPE,
    ParetoTail,
    fit_excesses,
    fit_tail,
    log_likelihood_of_excesses,
)
from bot4.quant.loss.historical import filtered_historical_loss, historical_loss
from bot4.quant.loss.liquidity import exit_cost, portfolio_heat
from bot4.quant.loss.parametric import elliptical_portfolio_loss, student_loss, student_multipliers
from bot4.quant.loss.scenarios import EmpiricalMargin, StudentMargin, copula_scenarios, scenario_loss
from bot4.quant.statistics.performance import conditional_value_at_risk, value_at_risk

WEIGHTS = np.array([0.5, -0.3, 0.8])
COVARIANCE = np.array([[4.0, 1.5, 0.4], [1.5, 9.0, 2.0], [0.4, 2.0, 1.0]]) * 1e-4


@pytest.mark.parametrize("level", [0.95, 0.99])
@pytest.mark.parametrize("df", [2.5, 4.0, 30.0, math.inf])
def test_parametric_loss_is_the_quantile_and_the_integral_of_scipys_tail(level: float, df: float) -> None:
    law: Any = stats.norm(0.01, 0.05)
    if df < math.inf:
        law = stats.t(df, 0.01, 0.05 * math.sqrt((df - 2.0) / df))
        assert law.std() == pytest.approx(0.05)
    found = student_loss(0.05, level, df, 0.01)
    assert found.value_at_risk == pytest.approx(-law.ppf(1.0 - level), rel=1e-9)
    tail = integrate.quad(lambda p: -law.ppf(p), 0.0, 1.0 - level, epsrel=1e-9, limit=200)[0] / (1.0 - level)
    assert found.expected_shortfall == pytest.approx(tail, rel=1e-5)


def test_a_normal_deviate_is_exceeded_as_every_textbook_says() -> None:
    unit = student_multipliers(0.99)
    assert unit.value_at_risk == pytest.approx(2.326, abs=5e-4)
    assert unit.expected_shortfall == pytest.approx(2.665, abs=5e-4)


@pytest.mark.parametrize("df", [4.0, math.inf])
def test_parts_of_an_elliptical_loss_are_derivatives_and_add_up(df: float) -> None:
    mean = np.array([1e-3, 2e-3, -1e-3])
    found = elliptical_portfolio_loss(WEIGHTS, COVARIANCE, 0.99, df, mean)
    deviation = math.sqrt(WEIGHTS @ COVARIANCE @ WEIGHTS)
    assert found.loss == student_loss(deviation, 0.99, df, float(WEIGHTS @ mean))
    assert found.component_var.sum() == pytest.approx(found.loss.value_at_risk, rel=1e-12)
    assert found.component_shortfall.sum() == pytest.approx(found.loss.expected_shortfall, rel=1e-12)
    for i in range(3):
        up, down = WEIGHTS.copy(), WEIGHTS.copy()
        up[i] += 1e-6
        down[i] -= 1e-6
        more, less = (elliptical_portfolio_loss(w, COVARIANCE, 0.99, df, mean).loss for w in (up, down))
        assert found.marginal_var[i] == pytest.approx((more.value_at_risk - less.value_at_risk) / 2e-6, rel=1e-6)
        slope = (more.expected_shortfall - less.expected_shortfall) / 2e-6
        assert found.marginal_shortfall[i] == pytest.approx(slope, rel=1e-6)
    hedged = elliptical_portfolio_loss(np.array([0.5, -0.05, 0.8]), COVARIANCE, 0.99, df)
    assert hedged.component_var[1] < 0.0  # a small short position takes risk away


def test_historical_loss_is_the_reports_and_that_of_plain_sorting() -> None:
    returns = np.random.default_rng(1).standard_t(4, 1_037) * 0.02
    for level in (0.95, 0.99):
        found = historical_loss(returns, level)
        assert found.value_at_risk == value_at_risk(returns, level)
        assert found.expected_shortfall == pytest.approx(conditional_value_at_risk(returns, level), rel=1e-12)
    worst = sorted(returns)
    assert historical_loss(returns, 0.95).value_at_risk == -worst[51]  # 51.85 returns are in the tail


def test_filtered_history_is_history_at_todays_volatility() -> None:
    generator = np.random.default_rng(2)
    deviations = np.exp(generator.normal(-4.0, 0.5, 5_000))
    returns = deviations * stats.t.rvs(5, size=5_000, random_state=generator) * math.sqrt(0.6) + 0.001
    found = filtered_historical_loss(returns, deviations, 0.04, 0.99, mean=0.001)
    scaled = np.sort(0.001 + 0.04 * (returns - 0.001) / deviations)
    assert found.value_at_risk == pytest.approx(-scaled[49], rel=1e-12)
    assert found.expected_shortfall == pytest.approx(-scaled[:50].mean(), rel=1e-12)
    assert found.value_at_risk == pytest.approx(student_loss(0.04, 0.99, 5.0, 0.001).value_at_risk, rel=0.1)
    for bad in (deviations[:-1], np.zeros(5_000), np.full(5_000, math.nan)):
        with pytest.raises(DataError):
            filtered_historical_loss(returns, bad, 0.04, 0.99)


@pytest.mark.parametrize(("shape", "seed"), [(-0.3, 1), (0.0, 2), (0.2, 3), (0.6, 4)])
def test_a_pareto_tail_is_as_likely_as_scipys_and_near_the_truth(shape: float, seed: int) -> None:
    excesses = stats.genpareto.rvs(shape, scale=2.0, size=2_000, random_state=np.random.default_rng(seed))
    found_shape, found_scale, log_likelihood = fit_excesses(excesses)
    theirs = stats.genpareto.fit(excesses, floc=0.0)
    scipys = float(stats.genpareto.logpdf(excesses, theirs[0], 0.0, theirs[2]).sum())
    assert log_likelihood == pytest.approx(
        float(stats.genpareto.logpdf(excesses, found_shape, 0.0, found_scale).sum()), rel=1e-9
    )
    assert log_likelihood >= scipys - 1e-6 * abs(scipys)
    assert abs(found_shape - shape) < 3.0 * (1.0 + shape) / math.sqrt(2_000)
    assert abs(found_scale - 2.0) < 3.0 * 2.0 * math.sqrt(2.0 * (1.0 + shape) / 2_000)


@pytest.mark.parametrize(("shape", "bound"), [(-0.9, LEAST_SHAPE), (1.5, MOST_SHAPE)])
def test_a_shape_beyond_its_bounds_is_held_there_with_the_best_scale(shape: float, bound: float) -> None:
    excesses = stats.genpareto.rvs(shape, scale=1.0, size=2_000, random_state=np.random.default_rng(5))
    found_shape, scale, best = fit_excesses(excesses)
    assert found_shape == bound
    for factor in (0.999, 1.001):
        assert log_likelihood_of_excesses(excesses, bound, scale * factor) < best + 1e-9


def test_a_tail_has_the_loss_of_its_own_distribution() -> None:
    tail = ParetoTail(2.0, 0.25, 0.8, 0.1, 0.0, 0.0, 0.0, 100)
    found = tail.loss(0.995)
    assert 0.1 * stats.genpareto.sf(found.value_at_risk - 2.0, 0.25, scale=0.8) == pytest.approx(0.005)
    beyond = integrate.quad(lambda q: tail.loss(1.0 - q).value_at_risk, 0.0, 0.005)[0] / 0.005
    assert found.expected_shortfall == pytest.approx(beyond, rel=1e-6)
    assert tail.loss(0.9).value_at_risk == pytest.approx(2.0)
    assert tail.scaled(3.0, 0.995, 0.1).value_at_risk == pytest.approx(3.0 * found.value_at_risk - 0.1)
    with pytest.raises(UsageError):
        tail.loss(0.89)


def test_the_tail_of_student_returns_gives_their_quantile_far_out() -> None:
    losses = stats.t.rvs(4, size=20_000, random_state=np.random.default_rng(6))
    tail = fit_tail(losses, 0.05)
    assert abs(tail.shape - 0.25) < 3.0 * tail.shape_error
    assert tail.n_excesses == 1_000
    for level, allowed in ((0.99, 0.05), (0.999, 0.12)):
        assert tail.loss(level).value_at_risk == pytest.approx(stats.t.ppf(level, 4), rel=allowed)


@pytest.mark.parametrize("losses", [np.arange(200.0), np.append(np.zeros(500), math.nan), np.zeros(1_000)])
def test_too_short_or_flat_a_tail_is_refused(losses: np.ndarray) -> None:
    with pytest.raises(DataError):
        fit_tail(losses)


def test_parts_of_a_scenario_loss_add_up_and_the_whole_is_historical() -> None:
    scenarios = np.random.default_rng(7).standard_t(4, (3_017, 3)) * 0.02
    found = scenario_loss(scenarios, WEIGHTS, 0.975)
    plain = historical_loss(scenarios @ WEIGHTS, 0.975)
    assert found.value_at_risk.value == pytest.approx(plain.value_at_risk, rel=1e-12)
    assert found.expected_shortfall.value == pytest.approx(plain.expected_shortfall, rel=1e-12)
    assert found.component_var.sum() == pytest.approx(plain.value_at_risk, rel=1e-12)
    assert found.component_shortfall.sum() == pytest.approx(plain.expected_shortfall, rel=1e-12)


@given(st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_parts_add_up_for_every_portfolio(weights: list[float], seed: int) -> None:
    scenarios = np.random.default_rng(seed).normal(size=(200, 3))
    found = scenario_loss(scenarios, np.array(weights), 0.95)
    scale = 1e-9 + 1e-9 * sum(map(abs, weights))
    assert found.component_var.sum() == pytest.approx(found.value_at_risk.value, abs=scale)
    assert found.component_shortfall.sum() == pytest.approx(found.expected_shortfall.value, abs=scale)
    assert found.expected_shortfall.value >= found.value_at_risk.value - scale


def test_parts_over_normal_scenarios_are_the_closed_form() -> None:
    scenarios = np.random.default_rng(8).multivariate_normal(np.zeros(3), COVARIANCE, 400_000)
    found = scenario_loss(scenarios, WEIGHTS, 0.99)
    exact = elliptical_portfolio_loss(WEIGHTS, COVARIANCE, 0.99)
    assert abs(found.value_at_risk.value - exact.loss.value_at_risk) < 3.0 * found.value_at_risk.standard_error
    shortfall = found.expected_shortfall
    assert abs(shortfall.value - exact.loss.expected_shortfall) < 3.0 * shortfall.standard_error
    np.testing.assert_allclose(found.component_shortfall, exact.component_shortfall, atol=0.02 * shortfall.value)
    np.testing.assert_allclose(found.component_var, exact.component_var, atol=0.2 * found.value_at_risk.value)


def test_copula_scenarios_of_student_margins_are_jointly_student() -> None:
    # Equal degrees of freedom in copula and margins: the joint distribution is multivariate Student t, and a portfolio
    # has the closed form.
    correlation = COVARIANCE / np.sqrt(np.outer(np.diag(COVARIANCE), np.diag(COVARIANCE)))
    margins = [StudentMargin(0.0, math.sqrt(variance), 5.0) for variance in np.diag(COVARIANCE)]
    scenarios = copula_scenarios(StudentCopula(correlation, 5.0), margins, 200_000, np.random.default_rng(9))
    found = scenario_loss(scenarios, WEIGHTS, 0.99)
    exact = elliptical_portfolio_loss(WEIGHTS, COVARIANCE, 0.99, 5.0).loss
    assert abs(found.value_at_risk.value - exact.value_at_risk) < 3.0 * found.value_at_risk.standard_error
    shortfall = found.expected_shortfall
    assert abs(shortfall.value - exact.expected_shortfall) < 3.0 * shortfall.standard_error


def test_an_empirical_margin_follows_its_history_and_goes_beyond_it() -> None:
    returns = stats.t.rvs(4, size=2_000, random_state=np.random.default_rng(10)) * 0.02
    margin = EmpiricalMargin.of(returns)
    p = np.linspace(1e-6, 1.0 - 1e-6, 200_001)
    drawn = margin.quantile(p)
    assert np.all(np.diff(drawn) >= -1e-12)
    assert drawn[0] < returns.min()
    assert drawn[-1] > returns.max()
    for level in (0.05, 0.2, 0.5, 0.8, 0.95):
        expected = np.quantile(returns, level)
        assert margin.quantile(np.array([level]))[0] == pytest.approx(expected, abs=0.0015), level


def test_what_is_not_finite_gives_no_measure() -> None:
    with pytest.raises(DataError):
        student_loss(math.nan, 0.99)
    with pytest.raises(DataError):
        historical_loss(np.array([0.1, math.nan] * 100), 0.95)
    with pytest.raises(DataError):
        elliptical_portfolio_loss(np.array([1.0, math.inf, 0.0]), COVARIANCE, 0.99)
    with pytest.raises(DataError):
        elliptical_portfolio_loss(np.array([1.0, -1.0]), np.array([[1.0, 2.0], [2.0, 1.0]]), 0.99)
    with pytest.raises(DataError):
        scenario_loss(np.full((100, 3), math.nan), WEIGHTS, 0.95)
    for level in (0.4, 1.0):
        with pytest.raises(UsageError):
            student_loss(0.1, level)
    with pytest.raises(UsageError):
        historical_loss(np.zeros(50), 0.99)


def test_leaving_costs_spread_and_impact_and_takes_its_days() -> None:
    cost = exit_cost(-2_000_000.0, 0.04, 10_000_000.0, 0.001, share_of_volume=0.1, impact=0.8)
    assert cost.days == pytest.approx(2.0)
    assert cost.spread_cost == pytest.approx(1_000.0)
    assert cost.impact_cost == pytest.approx(2_000_000.0 * 0.8 * 0.04 * math.sqrt(0.1))
    assert cost.timing_risk == pytest.approx(2_000_000.0 * 0.04 * math.sqrt(2.0 / 3.0))
    assert cost.adjusted(50_000.0) == pytest.approx(50_000.0 + cost.expected)
    assert exit_cost(0.0, 0.04, 1.0, 0.001).expected == 0.0
    whole, half = (exit_cost(v, 0.04, 1e7, 0.001).expected for v in (2e5, 1e5))
    assert whole > 2.0 * half
    with pytest.raises(DataError):
        exit_cost(1.0, 0.04, 0.0, 0.001)


def test_heat_counts_at_least_a_day_and_gives_no_credit_for_hedges() -> None:
    weights, deviations = np.array([0.5, -0.25]), np.array([0.04, 0.08])
    assert portfolio_heat(weights, deviations, np.array([0.1, 4.0])) == pytest.approx(0.5 * 0.04 + 0.25 * 0.08 * 2.0)
    with pytest.raises(DataError):
        portfolio_heat(weights, deviations, np.array([0.1, math.nan]))
