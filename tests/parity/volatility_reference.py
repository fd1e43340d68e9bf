"""Volatility models as their papers write them, one step after another in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def variances(model: str, parameters: dict[str, float], returns: Sequence[float], start: float) -> list[float]:
    """Variance of each return as known before it."""
    omega, alpha, gamma, beta = (parameters.get(name, 0.0) for name in ("omega", "alpha", "gamma", "beta"))
    found: list[float] = []
    for k in range(len(returns)):
        if model == "egarch":
            shock, level = 0.0, math.log(start)
            if k:
                z = (returns[k - 1] - parameters["mean"]) / math.sqrt(found[-1])
                shock = alpha * (abs(z) - math.sqrt(2 / math.pi)) + gamma * z
                level = math.log(found[-1])
            found.append(math.exp(omega + shock + beta * level))
        elif k == 0:
            found.append(omega + (alpha + gamma / 2 + beta) * start)
        else:
            residual = returns[k - 1] - parameters["mean"]
            found.append(omega + (alpha + gamma * (residual < 0)) * residual**2 + beta * found[-1])
    return found


def log_likelihood(model: str, parameters: dict[str, float], returns: Sequence[float], start: float) -> float:
    """Sum of the log densities of the returns; normal without ``df``, else Student-t of unit variance."""
    total = 0.0
    df = parameters.get("df")
    for value, h in zip(returns, variances(model, parameters, returns, start), strict=True):
        squared = (value - parameters["mean"]) ** 2 / h
        if df is None:
            total += -0.5 * (math.log(2 * math.pi) + math.log(h) + squared)
        else:
            total += math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(math.pi * (df - 2) * h)
            total -= (df + 1) / 2 * math.log1p(squared / (df - 2))
    return total


def simulated(
    n: int, omega: float, alpha: float, gamma: float, beta: float, df: float | None, seed: int, mean: float = 0.0
) -> np.ndarray:
    """Returns of a GJR model (GARCH where gamma is 0) with errors of unit variance."""
    rng = np.random.default_rng(seed)
    errors = rng.standard_normal(n) if df is None else rng.standard_t(df, n) * math.sqrt((df - 2) / df)
    variance = omega / (1 - alpha - gamma / 2 - beta)
    found = np.empty(n)
    for k in range(n):
        found[k] = math.sqrt(variance) * errors[k]
        variance = omega + (alpha + gamma * (found[k] < 0)) * found[k] ** 2 + beta * variance
    return found + mean
