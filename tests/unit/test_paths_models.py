"""Simulated paths against closed forms, against plain walks, and whatever the number of threads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from bot4.domain.errors import UsageError
from bot4.quant.paths.fractional import fractional_noise, noise_covariance
from bot4.quant.paths.models import (
    ForecastVolatility,
    FractionalBrownianMotion,
    GeometricBrownianMotion,
    Heston,
    MertonJumps,
    OrnsteinUhlenbeck,
    PathModel,
    poisson_table,
)
from bot4.quant.paths.random_streams import normals
from bot4.quant.paths.simulation import SimulatedPaths, simulate

N = 200_000
HARSH = Heston(drift=0.0, variance=0.09, long_variance=0.09, speed=1.0, vol_of_vol=1.0, correlation=-0.9)
MODELS: dict[str, PathModel] = {
    "brownian": GeometricBrownianMotion(0.3, 0.8),
    "forecast": ForecastVolatility((1e-3, 4e-3, 2e-3, 1e-3, 5e-4), 1e-3),
    "jumps": MertonJumps(0.1, 0.5, 12.0, -0.05, 0.1),
    "heston": HARSH,
    "reverting": OrnsteinUhlenbeck(0.2, 4.0, 0.6),
    "fractional": FractionalBrownianMotion(0.1, 0.5, 0.3),
}


def is_near(values: np.ndarray, expected: float) -> bool:
    return abs(float(np.mean(values)) - expected) < 3.0 * float(np.std(values)) / math.sqrt(len(values))


def has_moments(values: np.ndarray, mean: float, variance: float) -> bool:
    return is_near(values, mean) and is_near((values - mean) ** 2, variance)


def black_scholes_call(strike: float, deviation: float, growth: float) -> float:
    """Mean of ``max(S - K, 0)`` for ``ln S`` normal with that deviation and ``E[S] = growth``."""
    d = math.log(growth / strike) / deviation + 0.5 * deviation
    return float(growth * stats.norm.cdf(d) - strike * stats.norm.cdf(d - deviation))


def heston_call(model: Heston, strike: float, years: float) -> float:
    """By integrating the characteristic function in Albrecher's stable form; no drift."""
    k, xi, rho = model.speed, model.vol_of_vol, model.correlation

    def characteristic(u: complex) -> complex:
        d = np.sqrt((rho * xi * u * 1j - k) ** 2 + xi**2 * (u * 1j + u * u))
        b = k - rho * xi * u * 1j
        g = (b - d) / (b + d)
        e = np.exp(-d * years)
        level = k * model.long_variance / xi**2 * ((b - d) * years - 2.0 * np.log((1.0 - g * e) / (1.0 - g)))
        return complex(np.exp(level + model.variance / xi**2 * (b - d) * (1.0 - e) / (1.0 - g * e)))

    def share(of_price: bool) -> float:
        def integrand(u: float) -> float:
            f = characteristic(u - 1j) if of_price else characteristic(u)
            return float((np.exp(-1j * u * math.log(strike)) * f / (1j * u)).real)

        return 0.5 + integrate.quad(integrand, 1e-9, 400.0, limit=400)[0] / math.pi

    return share(True) - strike * share(False)


@pytest.mark.parametrize("name", MODELS)
def test_results_do_not_depend_on_the_number_of_threads(name: str) -> None:
    n = 40_001 if name != "fractional" else 17_001
    one, three = (simulate(MODELS[name], n, n_steps=5, seed=3, n_threads=k) for k in (1, 3))
    few = simulate(MODELS[name], 777, n_steps=5, seed=3)
    for kept in ("terminal", "drawdown", "lowest"):
        np.testing.assert_array_equal(getattr(one, kept), getattr(three, kept))
        np.testing.assert_array_equal(getattr(one, kept)[:777], getattr(few, kept))


@pytest.mark.parametrize("name", MODELS)
def test_drawdown_and_lowest_point_bound_the_end(name: str) -> None:
    paths = simulate(MODELS[name], 5_000, n_steps=5, seed=4)
    assert np.all(paths.lowest <= np.minimum(1.0, paths.terminal))
    assert np.all((0.0 <= paths.drawdown) & (paths.drawdown < 1.0))
    slack = 1.0 + 1e-12
    assert np.all(1.0 - paths.drawdown <= paths.terminal * slack)
    assert np.all(1.0 - paths.drawdown <= paths.lowest * slack)


@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_a_walk_is_the_running_sum_of_its_normals(n_steps: int) -> None:
    variances = tuple((0.01 * (t + 1)) ** 2 for t in range(n_steps))
    paths = simulate(ForecastVolatility(variances, 0.001), 600, n_steps=n_steps, seed=21)
    z = normals(21, 600, n_steps)
    for p in (0, 1, 255, 256, 599):
        price = peak = lowest = 1.0
        drawdown = 0.0
        for t in range(n_steps):
            price *= math.exp(0.001 - 0.5 * variances[t] + math.sqrt(variances[t]) * z[p, t])
            peak, lowest = max(peak, price), min(lowest, price)
            drawdown = max(drawdown, 1.0 - price / peak)
        found = (paths.terminal[p], paths.drawdown[p], paths.lowest[p])
        assert found == pytest.approx((price, drawdown, lowest), rel=1e-12, abs=1e-15)


def test_geometric_brownian_motion_has_its_mean_variance_and_black_scholes_prices() -> None:
    model = GeometricBrownianMotion(0.3, 0.8)
    end = simulate(model, N, n_steps=9, horizon_years=0.5, seed=1).terminal
    assert is_near(end, math.exp(0.15))
    assert has_moments(np.log(end), (0.3 - 0.32) * 0.5, 0.64 * 0.5)
    for strike in (0.7, 1.0, 1.5):
        assert is_near(np.maximum(end - strike, 0.0), black_scholes_call(strike, 0.8 * math.sqrt(0.5), math.exp(0.15)))


def test_the_lowest_point_of_brownian_motion_follows_the_reflection_principle() -> None:
    barrier, sigma, n_steps = 0.7, 0.6, 400
    paths = simulate(GeometricBrownianMotion(0.5 * sigma**2, sigma), 50_000, n_steps=n_steps, seed=2)
    # Seen at steps only, the barrier lies as if lower by 0.5826 deviations of a step (Broadie, Glasserman, Kou 1997).
    log_barrier = math.log(barrier) - 0.5826 * sigma / math.sqrt(n_steps)
    assert is_near((paths.lowest <= barrier).astype(float), 2.0 * float(stats.norm.cdf(log_barrier / sigma)))


def test_merton_paths_have_the_moments_and_prices_of_his_series() -> None:
    model = MertonJumps(drift=0.1, volatility=0.5, jumps_per_year=12.0, jump_mean=-0.05, jump_deviation=0.1)
    end = simulate(model, N, n_steps=5, seed=5).terminal
    growth = math.expm1(-0.05 + 0.005)
    assert is_near(end, math.exp(0.1))
    mean = 0.1 - 0.125 - 12.0 * growth + 12.0 * -0.05
    assert has_moments(np.log(end), mean, 0.25 + 12.0 * (0.05**2 + 0.1**2))
    for strike in (0.6, 1.0, 1.6):
        price = 0.0
        for k in range(80):
            forward = math.exp(0.1 - 12.0 * growth + k * (-0.05 + 0.005))
            deviation = math.sqrt(0.25 + k * 0.01)
            price += float(stats.poisson.pmf(k, 12.0)) * black_scholes_call(strike, deviation, forward)
        assert is_near(np.maximum(end - strike, 0.0), price), strike


@pytest.mark.parametrize("expected", [0.0, 0.01, 1.0, 12.0, 50.0])
def test_the_table_of_jumps_is_the_distribution_of_poisson(expected: float) -> None:
    table = poisson_table(expected)
    np.testing.assert_allclose(table, stats.poisson.cdf(np.arange(len(table)), expected), atol=1e-13)
    assert stats.poisson.sf(len(table), expected) < 1e-15


def test_heston_paths_have_their_mean_and_prices() -> None:
    model = Heston(drift=0.0, variance=0.25, long_variance=0.36, speed=3.0, vol_of_vol=0.6, correlation=-0.5)
    end = simulate(model, N, n_steps=250, seed=6).terminal
    assert is_near(end, 1.0)
    for strike in (0.6, 1.0, 1.5):
        assert is_near(np.maximum(end - strike, 0.0), heston_call(model, strike, 1.0)), strike
    decayed = (1.0 - math.exp(-3.0)) / 3.0
    assert is_near(np.log(end), -0.5 * (0.36 + (0.25 - 0.36) * decayed))  # minus half of the expected variance


def test_the_bias_of_heston_falls_as_steps_double() -> None:
    exact = heston_call(HARSH, 1.0, 1.0)
    biases, errors = [], []
    for n_steps in (2, 4, 8, 16, 32, 64):
        payoff = np.maximum(simulate(HARSH, 500_000, n_steps=n_steps, seed=7).terminal - 1.0, 0.0)
        biases.append(abs(float(np.mean(payoff)) - exact))
        errors.append(float(np.std(payoff)) / math.sqrt(len(payoff)))
    assert biases[0] > 20.0 * errors[0]
    for k in range(4):
        assert biases[k + 1] < biases[k] - 3.0 * errors[k], biases
    assert biases[4] < 0.1 * biases[0]


def test_without_volatility_of_variance_heston_is_brownian_motion() -> None:
    still = Heston(drift=0.1, variance=0.25, long_variance=0.25, speed=2.0, vol_of_vol=0.0, correlation=0.0)
    end = simulate(still, N, n_steps=4, seed=8).terminal
    assert has_moments(np.log(end), 0.1 - 0.125, 0.25)


@pytest.mark.parametrize("n_steps", [1, 6])
def test_the_reverting_process_has_its_exact_moments_at_any_step(n_steps: int) -> None:
    end = np.log(simulate(OrnsteinUhlenbeck(0.2, 4.0, 0.6), N, n_steps=n_steps, horizon_years=0.3, seed=9).terminal)
    kept = math.exp(-1.2)
    assert has_moments(end, 0.2 * (1.0 - kept), 0.36 * (1.0 - kept**2) / 8.0)
    assert (
        stats.kstest(end[:20_000], "norm", args=(0.2 * (1.0 - kept), 0.6 * math.sqrt((1 - kept**2) / 8))).pvalue > 0.001
    )


@pytest.mark.parametrize("hurst", [0.2, 0.5, 0.8])
def test_fractional_motion_has_its_covariance(hurst: float) -> None:
    n, n_paths = 12, 60_000
    motion = np.cumsum(fractional_noise(10, n_paths, n, hurst), axis=1)
    t = np.arange(1, n + 1)[:, None].astype(float)
    expected = 0.5 * (t ** (2 * hurst) + t.T ** (2 * hurst) - np.abs(t - t.T) ** (2 * hurst))
    error = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / n_paths)
    assert np.all(np.abs(motion.T @ motion / n_paths - expected) < 4.0 * error)  # 78 entries: one in 15,800 beyond 4
    assert np.all(np.abs(motion.mean(axis=0)) < 4.0 * np.sqrt(np.diag(expected) / n_paths))


def test_the_covariance_of_the_noise_is_that_of_differences() -> None:
    hurst, n = 0.7, 6
    t = np.arange(n + 1, dtype=float)
    motion = 0.5 * (t[:, None] ** 1.4 + t[None] ** 1.4 - np.abs(t[:, None] - t[None]) ** 1.4)
    noise = motion[1:, 1:] - motion[:-1, 1:] - motion[1:, :-1] + motion[:-1, :-1]
    np.testing.assert_allclose(noise[0], noise_covariance(n, hurst), atol=1e-14)


def test_fractional_paths_have_their_moments() -> None:
    end = simulate(FractionalBrownianMotion(0.1, 0.5, 0.7), 60_000, n_steps=8, horizon_years=2.0, seed=12).terminal
    variance = 0.25 * 2.0**1.4
    assert has_moments(np.log(end), 0.2 - 0.5 * variance, variance)
    assert is_near(end, math.exp(0.2))


@pytest.mark.parametrize(
    "make",
    [
        lambda: GeometricBrownianMotion(0.0, math.nan),
        lambda: GeometricBrownianMotion(0.0, -0.1),
        lambda: Heston(0.0, 0.1, 0.1, 1.0, 1.0, 1.1),
        lambda: MertonJumps(0.0, 0.1, -1.0, 0.0, 0.1),
        lambda: OrnsteinUhlenbeck(0.0, 0.0, 0.1),
        lambda: FractionalBrownianMotion(0.0, 0.1, 1.0),
        lambda: simulate(GeometricBrownianMotion(0.0, 0.1), 0, n_steps=1),
        lambda: simulate(GeometricBrownianMotion(0.0, 0.1), 1, n_steps=0),
        lambda: simulate(MertonJumps(0.0, 0.1, 1_000.0, 0.0, 0.1), 1, n_steps=1),
        lambda: simulate(ForecastVolatility((0.1,)), 1, n_steps=2),
    ],
)
def test_what_is_out_of_bounds_is_refused(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


def test_results_are_float_arrays_of_the_asked_length() -> None:
    paths = simulate(GeometricBrownianMotion(0.0, 0.1), 3, n_steps=1)
    assert isinstance(paths, SimulatedPaths)
    assert [len(values) for values in (paths.terminal, paths.drawdown, paths.lowest)] == [3, 3, 3]
