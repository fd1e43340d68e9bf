"""Loss, drawdown and ruin on simulated paths, and their standard errors against repeated simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bot4.domain.errors import UsageError
from bot4.quant.paths.models import GeometricBrownianMotion
from bot4.quant.paths.path_risk import PathRisk, measure_paths
from bot4.quant.paths.simulation import SimulatedPaths, simulate
from bot4.quant.statistics.sample_estimates import quantile_of, shortfall_of

MODEL = GeometricBrownianMotion(0.0, 0.5)


@pytest.fixture(scope="module")
def repeated() -> list[PathRisk]:
    return [measure_paths(simulate(MODEL, 4_000, n_steps=12, seed=s), ruin_at=0.6) for s in range(200)]


FIGURES = {
    "mean return": lambda r: r.mean_return,
    "VaR 95%": lambda r: r.value_at_risk[0.95],
    "VaR 99%": lambda r: r.value_at_risk[0.99],
    "shortfall 95%": lambda r: r.expected_shortfall[0.95],
    "shortfall 99%": lambda r: r.expected_shortfall[0.99],
    "mean drawdown": lambda r: r.drawdown_mean,
    "drawdown 99%": lambda r: r.drawdown_quantile[0.99],
    "drawdown shortfall": lambda r: r.drawdown_shortfall[0.95],
    "ruin": lambda r: r.ruin,
}


@pytest.mark.parametrize("name", FIGURES)
def test_standard_errors_are_the_spread_of_repeated_simulations(name: str, repeated: list[PathRisk]) -> None:
    found = [FIGURES[name](risk) for risk in repeated]
    spread = float(np.std([estimate.value for estimate in found], ddof=1))
    claimed = math.sqrt(float(np.mean([estimate.standard_error**2 for estimate in found])))
    assert 0.8 < claimed / spread < 1.25  # the spread of 200 is itself known to 5%


def test_loss_of_brownian_motion_is_its_closed_form() -> None:
    risk = measure_paths(simulate(MODEL, 400_000, n_steps=1, seed=3))
    for level in (0.95, 0.99):
        z = float(stats.norm.ppf(1.0 - level))
        value_at_risk = 1.0 - math.exp(-0.125 + 0.5 * z)
        shortfall = 1.0 - float(stats.norm.cdf(z - 0.5)) / (1.0 - level)
        for estimate, exact in ((risk.value_at_risk, value_at_risk), (risk.expected_shortfall, shortfall)):
            assert abs(estimate[level].value - exact) < 3.0 * estimate[level].standard_error
    assert abs(risk.mean_return.value) < 3.0 * risk.mean_return.standard_error


def test_a_short_position_loses_what_the_price_gains() -> None:
    paths = simulate(MODEL, 400_000, n_steps=1, seed=3)
    risk = measure_paths(paths, is_short=True)
    estimate = risk.value_at_risk[0.99]
    exact = math.exp(-0.125 + 0.5 * float(stats.norm.ppf(0.99))) - 1.0
    assert abs(estimate.value - exact) < 3.0 * estimate.standard_error
    assert risk.mean_return.value == pytest.approx(-measure_paths(paths).mean_return.value)


def test_quantile_and_shortfall_of_a_few_values_by_hand() -> None:
    values = np.arange(1.0, 11.0)
    assert quantile_of(values, 0.9).value == 10.0
    assert quantile_of(values, 0.85).value == 9.0
    assert shortfall_of(values, 0.9).value == pytest.approx(10.0)
    assert shortfall_of(values, 0.85).value == pytest.approx((10.0 + 0.5 * 9.0) / 1.5)


def test_ruin_is_counted_and_never_certain() -> None:
    lowest = np.array([0.4, 0.5, 0.6, 0.9])
    paths = SimulatedPaths(np.ones(4), np.zeros(4), lowest, 1.0, 1, 0)
    assert measure_paths(paths, levels=(0.5,)).ruin.value == 0.5
    none = measure_paths(paths, levels=(0.5,), ruin_at=0.1).ruin
    assert none.value == 0.0
    assert none.standard_error > 0.0


@pytest.mark.parametrize(("levels", "ruin_at"), [((0.99,), 0.5), ((1.0,), 0.5), ((0.0,), 0.5), ((0.5,), 0.0)])
def test_a_level_without_paths_beyond_it_is_refused(levels: tuple[float, ...], ruin_at: float) -> None:
    paths = simulate(MODEL, 50, n_steps=1)
    with pytest.raises(UsageError):
        measure_paths(paths, levels=levels, ruin_at=ruin_at)
