"""The search for the largest size, and the clamps in cases that can be reckoned by hand."""

from __future__ import annotations

import math

import pytest

from bot4.pipeline.risk.clamps import (
    DEVIATION,
    HEAT,
    LINEAR,
    clamp_concentration,
    clamp_correlation,
    clamp_deviation,
    clamp_heat,
    clamp_linear,
    largest_fitting,
    measure_at,
)


@pytest.mark.parametrize("guess", [-5.0, 0.0, 3.0, 499.0, 500.0, 501.0, 777.0, 1e9, math.nan, math.inf])
def test_the_search_finds_the_same_size_from_any_guess(guess: float) -> None:
    assert largest_fitting(LINEAR, 1000, 1.0, 0.0, 2.0, 0.0, 0.0, 1000.5, guess) == 500
    assert largest_fitting(LINEAR, 400, 1.0, 0.0, 2.0, 0.0, 0.0, 1000.5, guess) == 400
    assert largest_fitting(LINEAR, 1000, 1.0, 9.0, 2.0, 0.0, 0.0, 8.0, guess) == 0
    assert largest_fitting(LINEAR, 2, 1.0, 0.0, 2.0, 0.0, 0.0, 1.0, guess) == 0
    assert largest_fitting(HEAT, 10**6, 1.0, 1.0, 0.5, 2.0, 1.0, 5.0, guess) == 2  # 1 + 0.5 * 4 * sqrt(4) = 5


def test_measures_by_their_shapes() -> None:
    assert measure_at(DEVIATION, 2, 0.5, 4.0, 1.0, 3.0, 10.0) == pytest.approx(10 * math.sqrt(4 + 2 + 3))
    assert measure_at(DEVIATION, 1, 1.0, 1.0, -2.0, 1.0, 1.0) == 0.0  # rounding may take a variance below zero
    assert measure_at(LINEAR, 3, 0.5, 1.0, 2.0, 0.0, 0.0) == 4.0
    assert measure_at(HEAT, 3, 0.5, 1.0, 0.1, 0.5, 0.25) == pytest.approx(1.0 + 0.1 * 2.0)


def test_a_hedge_may_go_as_far_as_the_mirror_of_the_book() -> None:
    """Book of weight 1, perfectly correlated, past its limit: selling 2 leaves the same deviation."""
    assert clamp_deviation(10_000, 0.001, 1.0, -1.0, 1.0, 1.0, 0.5) == 2000
    assert clamp_deviation(10_000, 0.001, 1.0, 1.0, 1.0, 1.0, 0.5) == 0


def test_a_symbol_without_variance_is_not_bounded_by_deviation() -> None:
    assert clamp_deviation(10_000, 0.001, 1.0, 0.0, 0.0, 1.0, 0.5) == 10_000
    assert clamp_deviation(10_000, 0.001, 1.0, 0.0, 1.0, 0.0, 0.5) == 10_000


@pytest.mark.parametrize("limit", [-0.1, math.nan])
def test_a_limit_that_is_none_leaves_nothing(limit: float) -> None:
    assert clamp_deviation(10, 0.001, 0.0, 0.0, 1.0, 1.0, limit) == 0
    assert clamp_heat(10, 0.001, 0.0, 0.1, 0.0, 1.0, limit) == 0
    assert clamp_linear(10, 0.001, 0.0, 1.0, limit) == 0
    assert clamp_concentration(10, 0.001, 0.0, 0.0, 1.0, 0.0, 1.0, limit) == 0
    assert clamp_correlation(10, 0.001, 1.0, 1.0, 1.0, limit, 1.0) == 0


def test_correlation_below_its_limit_or_with_an_empty_book_clamps_nothing() -> None:
    assert clamp_correlation(1000, 0.001, 1.0, 0.69, 1.0, 0.7, 1.5) == 1000
    assert clamp_correlation(1000, 0.001, 1.0, 0.71, 1.0, 0.7, 1.5) == 500
    assert clamp_correlation(1000, 0.001, 1.0, -0.99, 1.0, 0.7, 0.5) == 1000
    assert clamp_correlation(1000, 0.001, 0.0, 0.0, 1.0, 0.7, 0.1) == 1000


def test_the_larger_of_stop_and_value_at_risk_bounds_the_loss() -> None:
    assert clamp_concentration(1000, 0.001, 0.0, 0.0, 0.5, 0.0, 0.25, 0.05) == 100
    assert clamp_concentration(1000, 0.001, 0.0, 0.0, 0.25, 0.0, 0.5, 0.05) == 100
    assert clamp_concentration(1000, 0.001, 0.02, 0.0, 0.0, 0.01, 0.2, 0.05) == 100
    assert clamp_concentration(1000, 0.001, 0.0, 0.02, 0.0, 0.0, 0.1, 0.05) == 500
