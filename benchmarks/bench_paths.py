"""Monte Carlo paths of 252 steps with their running drawdown, beside numpy. Targets on two cores: 4M paths/s of
geometric Brownian motion and 2M of Heston's model, without antithetic pairs.

Before anything is timed, means of ends and drawdowns of both are compared with each other within three standard
errors, and the mean end with its closed form.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measuring import median_cpu_seconds, table
from bot4.quant.loss.parametric import elliptical_portfolio_loss
from bot4.quant.paths.models import (
    FractionalBrownianMotion,
    GeometricBrownianMotion,
    Heston,
    MertonJumps,
    OrnsteinUhlenbeck,
    PathModel,
)
from bot4.quant.paths.path_risk import measure_paths
from bot4.quant.paths.portfolio import PortfolioModel, simulate_portfolio
from bot4.quant.paths.simulation import simulate

N_STEPS = 252
_N_NUMPY = 20_000
_BROWNIAN = GeometricBrownianMotion(0.1, 0.6)
_HESTON = Heston(drift=0.1, variance=0.36, long_variance=0.36, speed=3.0, vol_of_vol=0.8, correlation=-0.5)
_REVERTING = OrnsteinUhlenbeck(0.1, 4.0, 0.6)
_PORTFOLIO = PortfolioModel(
    (0.1,) * 10, tuple(tuple(1e-3 if i == j else 5e-4 for j in range(10)) for i in range(10)), (), 5
)
_MODELS: tuple[tuple[str, PathModel, int, float | None], ...] = (
    ("geometric Brownian motion", _BROWNIAN, 1_000_000, math.exp(0.1)),
    ("Heston, full truncation", _HESTON, 500_000, math.exp(0.1)),
    ("Merton's jumps", MertonJumps(0.1, 0.5, 12.0, -0.05, 0.1), 200_000, math.exp(0.1)),
    ("Ornstein-Uhlenbeck", _REVERTING, 500_000, None),
    ("fractional Brownian motion", FractionalBrownianMotion(0.1, 0.6, 0.7), 50_000, math.exp(0.1)),
)


def _numpy_brownian(n: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    dt, sigma = 1.0 / N_STEPS, _BROWNIAN.volatility
    x, peak, fall = np.zeros(n), np.zeros(n), np.zeros(n)
    for _ in range(N_STEPS):
        x += (_BROWNIAN.drift - 0.5 * sigma**2) * dt + sigma * math.sqrt(dt) * generator.standard_normal(n)
        np.maximum(peak, x, out=peak)
        np.maximum(fall, peak - x, out=fall)
    return np.exp(x), -np.expm1(-fall)


def _numpy_heston(n: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    dt, m = 1.0 / N_STEPS, _HESTON
    x, peak, fall, v = np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, m.variance)
    across = math.sqrt(1.0 - m.correlation**2)
    for _ in range(N_STEPS):
        plus = np.maximum(v, 0.0)
        scale = np.sqrt(plus * dt)
        z_v = generator.standard_normal(n)
        x += (m.drift - 0.5 * plus) * dt + scale * (m.correlation * z_v + across * generator.standard_normal(n))
        v += m.speed * (m.long_variance - plus) * dt + m.vol_of_vol * scale * z_v
        np.maximum(peak, x, out=peak)
        np.maximum(fall, peak - x, out=fall)
    return np.exp(x), -np.expm1(-fall)


_NUMPY: dict[str, Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {
    "geometric Brownian motion": _numpy_brownian,
    "Heston, full truncation": _numpy_heston,
}


def _require_near(name: str, ours: np.ndarray, theirs: np.ndarray | float) -> None:
    other = np.atleast_1d(theirs)
    error = math.hypot(np.std(ours) / math.sqrt(len(ours)), np.std(other) / math.sqrt(len(other)))
    if not abs(np.mean(ours) - np.mean(other)) < 3.0 * error:
        raise AssertionError(
            f"{name}: {np.mean(ours)} and {np.mean(other)} differ by more than three errors of {error}"
        )


def _median_wall_seconds(work: Callable[[], Any], repeats: int = 5) -> float:
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _speeds(n: int, work: Callable[[int], Any]) -> dict[str, float]:
    """Paths a second of work on so many threads."""
    return {
        "core": n / median_cpu_seconds(lambda: work(1)),
        "two_cores_cpu": 2.0 * n / median_cpu_seconds(lambda: work(2)),
        "two_wall": n / _median_wall_seconds(lambda: work(2)),
    }


def run() -> list[dict[str, Any]]:
    """Compare, then measure every model on one thread and on two."""
    found = []
    for name, model, n, mean in _MODELS:
        paths = simulate(model, min(n, 200_000), n_steps=N_STEPS, seed=1)
        if mean is not None:
            _require_near(name, paths.terminal, mean)
        row: dict[str, Any] = {"name": name}
        if name in _NUMPY:
            end, drawdown = _NUMPY[name](_N_NUMPY, np.random.default_rng(2))
            _require_near(f"{name}, ends", paths.terminal, end)
            _require_near(f"{name}, drawdowns", paths.drawdown, drawdown)
            work = _NUMPY[name]
            row["numpy"] = _N_NUMPY / median_cpu_seconds(lambda work=work: work(_N_NUMPY, np.random.default_rng(3)))
        found.append(
            row | _speeds(n, lambda k, model=model, n=n: simulate(model, n, n_steps=N_STEPS, seed=1, n_threads=k))
        )
    risk = measure_paths(simulate_portfolio(_PORTFOLIO, 200_000, n_steps=1, seed=1))
    exact = elliptical_portfolio_loss(np.array(_PORTFOLIO.weights), np.array(_PORTFOLIO.covariance), 0.99, 5.0).loss
    if not abs(risk.value_at_risk[0.99].value - exact.value_at_risk) < 3.0 * risk.value_at_risk[0.99].standard_error:
        raise AssertionError("the portfolio's value at risk is not that of its closed form")
    many = 50_000
    speeds = _speeds(many, lambda k: simulate_portfolio(_PORTFOLIO, many, n_steps=N_STEPS, seed=1, n_threads=k))
    found.append({"name": "portfolio of ten assets, Student t"} | speeds)
    return found


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [
        (
            f["name"],
            f"{f['numpy']:,.0f}" if "numpy" in f else "",
            f"{f['core']:,.0f}",
            f"{f['two_cores_cpu']:,.0f}",
            f"{f['two_wall']:,.0f}",
        )
        for f in found
    ]
    head = (
        "paths/s of 252 steps",
        "numpy, a core",
        "Bot4, a core",
        "two threads, two cores' time",
        "two threads, wall",
    )
    return table(head, rows)


if __name__ == "__main__":
    print(render(run()))
