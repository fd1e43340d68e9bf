"""Simulated portfolios against closed forms and a plain walk, whatever the number of threads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import DataError, UsageError
from bot4.quant.loss.parametric import elliptical_portfolio_loss
from bot4.quant.paths.path_risk import measure_paths
from bot4.quant.paths.portfolio import PortfolioModel, simulate_portfolio
from bot4.quant.paths.random_streams import normals

WEIGHTS = (0.6, -0.3, 0.5)
COVARIANCE = ((1.6e-3, 6e-4, 2e-4), (6e-4, 2.5e-3, 9e-4), (2e-4, 9e-4, 9e-4))
DRIFT = (1e-3, -2e-3, 5e-4)


def model(df: int, drift: tuple[float, ...] = DRIFT) -> PortfolioModel:
    return PortfolioModel(WEIGHTS, COVARIANCE, drift, df)


@pytest.mark.parametrize("df", [0, 3, 4, 7])
def test_one_step_loses_what_the_elliptical_closed_form_says(df: int) -> None:
    risk = measure_paths(simulate_portfolio(model(df), 400_000, n_steps=1, seed=1))
    mean, weights = np.array(DRIFT), np.array(WEIGHTS)
    for level in (0.95, 0.99):
        exact = elliptical_portfolio_loss(
            weights, np.array(COVARIANCE), level, float(df) if df else math.inf, mean
        ).loss
        found = risk.value_at_risk[level]
        assert abs(found.value - exact.value_at_risk) < 3.0 * found.standard_error
        found = risk.expected_shortfall[level]
        assert abs(found.value - exact.expected_shortfall) < 3.0 * found.standard_error


@pytest.mark.parametrize("df", [0, 6])
def test_many_steps_have_the_mean_and_variance_of_compounding(df: int) -> None:
    n_steps = 20
    end = simulate_portfolio(model(df), 200_000, n_steps=n_steps, seed=2).terminal
    w, mu, cov = np.array(WEIGHTS), np.array(DRIFT), np.array(COVARIANCE)
    means = (1.0 + mu) ** n_steps
    products = (np.outer(1.0 + mu, 1.0 + mu) + cov) ** n_steps
    expected, variance = 1.0 + float(w @ (means - 1.0)), float(w @ (products - np.outer(means, means)) @ w)
    assert abs(end.mean() - expected) < 3.0 * math.sqrt(variance / len(end))
    squares = (end - expected) ** 2
    assert abs(squares.mean() - variance) < 3.0 * squares.std() / math.sqrt(len(end))


def test_a_normal_portfolio_is_the_plain_walk_of_its_normals() -> None:
    n_steps = 4
    paths = simulate_portfolio(model(0), 300, n_steps=n_steps, seed=3)
    z = normals(3, 300, 4 * n_steps).reshape(300, n_steps, 4)[:, :, :3]  # an odd asset leaves the second of its pair
    root = np.linalg.cholesky(np.array(COVARIANCE))
    for p in (0, 255, 299):
        prices, peak, lowest, drawdown = np.ones(3), 1.0, 1.0, 0.0
        value = 1.0
        for t in range(n_steps):
            prices = np.maximum(prices * (1.0 + np.array(DRIFT) + _signed(root) @ z[p, t]), 0.0)
            value = 1.0 + float(np.array(WEIGHTS) @ (prices - 1.0))
            peak, lowest = max(peak, value), min(lowest, value)
            drawdown = max(drawdown, 1.0 - value / peak)
        found = (paths.terminal[p], paths.drawdown[p], paths.lowest[p])
        assert found == pytest.approx((value, drawdown, lowest), rel=1e-9, abs=1e-12)


def _signed(root: np.ndarray) -> np.ndarray:
    """The triangle that the simulation uses: columns of a QR factor may have the other sign."""
    from bot4.quant.paths.portfolio import _root

    used = _root(np.array(COVARIANCE))
    np.testing.assert_allclose(np.abs(used), np.abs(root), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(used @ used.T, np.array(COVARIANCE), rtol=1e-9)
    return used


@pytest.mark.parametrize("df", [0, 5])
def test_results_do_not_depend_on_the_number_of_threads(df: int) -> None:
    one, three = (simulate_portfolio(model(df), 20_001, n_steps=3, seed=4, n_threads=k) for k in (1, 3))
    few = simulate_portfolio(model(df), 300, n_steps=3, seed=4)
    for kept in ("terminal", "drawdown", "lowest"):
        np.testing.assert_array_equal(getattr(one, kept), getattr(three, kept))
        np.testing.assert_array_equal(getattr(one, kept)[:300], getattr(few, kept))


def test_heavy_tails_crash_together() -> None:
    even = PortfolioModel((0.25,) * 4, tuple(tuple(1e-3 if i == j else 0.0 for j in range(4)) for i in range(4)))
    heavy = PortfolioModel(even.weights, even.covariance, (), 3)
    losses = [measure_paths(simulate_portfolio(m, 200_000, n_steps=1, seed=5)) for m in (even, heavy)]
    assert losses[1].expected_shortfall[0.99].value > 1.3 * losses[0].expected_shortfall[0.99].value


def test_prices_stop_at_zero_and_a_short_loses_more_than_all() -> None:
    wild = PortfolioModel((1.0,), ((4.0,),), (), 3)
    held = simulate_portfolio(wild, 5_000, n_steps=5, seed=6)
    assert held.terminal.min() == 0.0
    assert held.drawdown.max() == 1.0
    short = simulate_portfolio(PortfolioModel((-1.0,), ((4.0,),), (), 3), 5_000, n_steps=5, seed=6)
    assert short.terminal.min() < 0.0
    np.testing.assert_allclose(short.terminal, 2.0 - held.terminal, rtol=1e-12)
    assert measure_paths(short).ruin.value > 0.5


def test_assets_that_are_one_and_the_same_need_no_factor() -> None:
    same = PortfolioModel((0.5, 0.5), ((1e-3, 1e-3), (1e-3, 1e-3)))
    alone = PortfolioModel((1.0,), ((1e-3,),))
    two, one = (simulate_portfolio(m, 50_000, n_steps=1, seed=7).terminal for m in (same, alone))
    assert np.std(two) == pytest.approx(np.std(one), rel=0.02)
    hedged = simulate_portfolio(PortfolioModel((0.5, -0.5), same.covariance), 1_000, n_steps=3, seed=7)
    np.testing.assert_allclose(hedged.terminal, 1.0, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: PortfolioModel((), ()), UsageError),
        (lambda: PortfolioModel((1.0,), ((1.0, 0.0),)), UsageError),
        (lambda: PortfolioModel((1.0,), ((1.0,),), (0.0, 0.0)), UsageError),
        (lambda: PortfolioModel((1.0,), ((1.0,),), (), 2), UsageError),
        (lambda: PortfolioModel((math.nan,), ((1.0,),)), DataError),
        (lambda: simulate_portfolio(PortfolioModel((1.0, 1.0), ((1.0, 2.0), (2.0, 1.0))), 1, n_steps=1), DataError),
        (lambda: simulate_portfolio(PortfolioModel((1.0,), ((1.0,),)), 0, n_steps=1), UsageError),
    ],
)
def test_what_makes_no_portfolio_is_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()
