"""Dependence of ten assets: one DCC step, a DCC fit, a Student t copula fit. Targets: a step under 5 us, a copula of
1,000 days under 1 s.

Compared first: the step and the DCC likelihood with numpy's, the copula's likelihood with scipy's densities. scipy's
copula fit is the usual shortcut (correlations from Kendall's tau, then degrees of freedom alone), which is less likely.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from scipy import optimize, stats

from benchmarks.measuring import median_cpu_seconds, table
from bot4.quant.dependence.copula_fit import fit_student_copula
from bot4.quant.dependence.dcc import DccFilter, DccModel, dcc_log_likelihood, fit_dcc
from bot4.quant.dependence.shrinkage import nearest_correlation
from bot4.quant.dependence.student_copula import StudentCopula, pseudo_observations

_N_ASSETS, _N_DAYS = 10, 1_000
_ALPHA, _BETA = 0.03, 0.95


def _target() -> np.ndarray:
    loadings = np.linspace(0.3, 0.9, _N_ASSETS)
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _numpy_step(q: np.ndarray, target: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    q = (1.0 - _ALPHA - _BETA) * target + _ALPHA * np.outer(z, z) + _BETA * q
    deviation = np.sqrt(np.diag(q))
    return q, q / np.outer(deviation, deviation)


def _numpy_log_likelihood(residuals: np.ndarray, target: np.ndarray) -> float:
    total, q, correlation = 0.0, target, target
    for z in residuals:
        total -= 0.5 * (np.linalg.slogdet(correlation)[1] + z @ np.linalg.solve(correlation, z) - z @ z)
        q, correlation = _numpy_step(q, target, z)
    return float(total)


def _scipy_log_likelihood(u: np.ndarray, correlation: np.ndarray, df: float) -> float:
    x = stats.t.ppf(u, df)
    joint = stats.multivariate_t.logpdf(x, shape=correlation, df=df)
    return float((joint - stats.t.logpdf(x, df).sum(axis=1)).sum())


def _scipy_copula(u: np.ndarray) -> tuple[np.ndarray, float]:
    n = u.shape[1]
    correlation = np.eye(n)
    for i in range(n):
        for j in range(i):
            tau = stats.kendalltau(u[:, i], u[:, j]).statistic
            correlation[i, j] = correlation[j, i] = math.sin(0.5 * math.pi * tau)
    correlation = nearest_correlation(correlation)
    best = optimize.minimize_scalar(
        lambda df: -_scipy_log_likelihood(u, correlation, df), bounds=(2.5, 30.0), method="bounded"
    )
    return correlation, float(best.x)


def _require(is_true: bool, what: str) -> None:
    if not is_true:
        raise AssertionError(what)


def _microseconds_a_row(update: Any, rows: np.ndarray) -> float:
    taken = []
    for row in rows:
        started = time.perf_counter_ns()
        update(row)
        taken.append(time.perf_counter_ns() - started)
    return float(np.median(taken)) / 1e3


def _measure_dcc(target: np.ndarray, residuals: np.ndarray) -> list[dict[str, Any]]:
    model = DccModel(target, _ALPHA, _BETA, (math.nan, math.nan), 0.0, 0, 0.0)
    running, q, correlation = DccFilter.start(model), target, target
    for row in residuals:
        running.update(row)
        q, correlation = _numpy_step(q, target, row)
    _require(np.allclose(running.correlation, correlation, rtol=1e-10), "the DCC steps differ")
    scratch = [np.empty_like(target) for _ in range(4)]
    ours = dcc_log_likelihood(residuals, target, _ALPHA, _BETA, *scratch)
    _require(math.isclose(ours, _numpy_log_likelihood(residuals, target), rel_tol=1e-9), "the DCC likelihoods differ")

    def numpy_update(row: np.ndarray) -> None:
        nonlocal q, correlation
        q, correlation = _numpy_step(q, target, row)

    likelihood = median_cpu_seconds(lambda: dcc_log_likelihood(residuals, target, _ALPHA, _BETA, *scratch))
    likelihood_numpy = median_cpu_seconds(lambda: _numpy_log_likelihood(residuals, target), 3)
    return [
        {
            "name": "DCC, one step from Python, us",
            "ours": _microseconds_a_row(running.update, residuals),
            "theirs": _microseconds_a_row(numpy_update, residuals),
        },
        {"name": "DCC likelihood of 1,000 days, ms", "ours": 1e3 * likelihood, "theirs": 1e3 * likelihood_numpy},
        {"name": "DCC fit of 1,000 days, ms", "ours": 1e3 * median_cpu_seconds(lambda: fit_dcc(residuals), 3)},
    ]


def run() -> list[dict[str, Any]]:
    """Compare, then measure."""
    target, generator = _target(), np.random.default_rng(1)
    found = _measure_dcc(target, generator.standard_normal((_N_DAYS, _N_ASSETS)) @ np.linalg.cholesky(target).T)
    u = StudentCopula(target, 5.0).sample(_N_DAYS, generator)
    for name, sample in (("probabilities", u), ("ranks", pseudo_observations(u))):
        fit = fit_student_copula(sample)
        scipys = _scipy_log_likelihood(sample, fit.copula.correlation, fit.copula.df)
        _require(math.isclose(fit.log_likelihood, scipys, rel_tol=1e-9), "the copula likelihoods differ")
        _require(scipys >= _scipy_log_likelihood(sample, *_scipy_copula(sample)), "scipy's shortcut is more likely")
        ours = median_cpu_seconds(lambda sample=sample: fit_student_copula(sample), 3)
        theirs = median_cpu_seconds(lambda sample=sample: _scipy_copula(sample), 3)
        found.append({"name": f"t copula fit of 1,000 days, {name}, ms", "ours": 1e3 * ours, "theirs": 1e3 * theirs})
    return found


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [(f["name"], f"{f['ours']:,.2f}", f"{f['theirs']:,.1f}" if "theirs" in f else "") for f in found]
    return table(("ten assets", "Bot4", "numpy, scipy"), rows)


if __name__ == "__main__":
    print(render(run()))
