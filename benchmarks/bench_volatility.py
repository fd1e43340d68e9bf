"""Maximum likelihood of GARCH(1,1) with Student-t errors beside arch, log-likelihoods compared first.

Target (issue 5): 1 ms or less for 2,000 returns. Both start their recursion with the same variance and fit a constant
mean; both log-likelihoods are recomputed by one function, which is Bot4's only in being compiled: the tests hold it to
plain Python.
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from benchmarks.measuring import cpu_seconds, table
from bot4.domain.bars import FloatArray
from bot4.quant.volatility.fitting import fit_volatility
from bot4.quant.volatility.likelihood import GARCH, N_PARAMETERS, log_likelihood

_N_RETURNS = 2_000
_N_SERIES = 25


def _series(seed: int) -> FloatArray:
    """Returns of a GARCH(1,1) with Student-t errors of four to eight degrees of freedom."""
    rng = np.random.default_rng(seed)
    df = 4.0 + seed % 5
    errors = rng.standard_t(df, _N_RETURNS) * np.sqrt((df - 2.0) / df)
    returns, variance = np.empty(_N_RETURNS), 1.0
    for k in range(_N_RETURNS):
        returns[k] = np.sqrt(variance) * errors[k]
        variance = 0.03 + 0.08 * returns[k] ** 2 + 0.89 * variance
    return returns


def _likelihood(parameters: list[float], returns: FloatArray, start: float) -> float:
    mean, omega, alpha, beta, df = parameters
    point = np.array([mean, omega, alpha, alpha, beta, df])
    work, gradient = np.empty((4, len(returns))), np.empty(N_PARAMETERS)
    return float(log_likelihood(GARCH, point, returns, start, work, gradient))


def run() -> dict[str, Any]:
    """Fit every series with both; a fit of ours that is less likely by 1e-6 stops the benchmark."""
    try:
        from arch import arch_model
    except ImportError:
        arch_model = None
    ours, theirs = [], []
    fit_volatility(_series(0))
    for seed in range(_N_SERIES):
        returns = _series(seed)
        start = float(np.mean((returns - returns.mean()) ** 2))
        fit = fit_volatility(returns, start_variance=start)
        ours.append(1e3 * cpu_seconds(lambda: fit_volatility(returns, start_variance=start)))  # noqa: B023
        if arch_model is None:
            continue
        model = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False)
        peer = model.fit(disp="off", backcast=start, show_warning=False)
        mine = _likelihood([fit.mean, fit.omega, fit.alpha, fit.beta, fit.df], returns, start)
        other = _likelihood(list(peer.params), returns, start)
        assert mine >= other - 1e-6 * abs(other), (seed, mine, other)
        theirs.append(1e3 * cpu_seconds(lambda: model.fit(disp="off", backcast=start, show_warning=False)))  # noqa: B023
    return {
        "n_returns": _N_RETURNS,
        "ours_ms": statistics.median(ours),
        "ours_worst_ms": max(ours),
        "arch_ms": statistics.median(theirs) if theirs else None,
    }


def render(figures: dict[str, Any]) -> str:
    """The figures as a table."""
    rows = [("Bot4", f"{figures['ours_ms']:.2f} ms", f"{figures['ours_worst_ms']:.2f} ms", "")]
    if figures["arch_ms"] is not None:
        ratio = figures["arch_ms"] / figures["ours_ms"]
        rows.append(("arch 8", f"{figures['arch_ms']:.1f} ms", "", f"{ratio:.0f} times as long"))
    return table((f"GARCH(1,1)-t, {figures['n_returns']:,} returns", "median", "worst", ""), rows)
