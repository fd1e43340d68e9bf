"""GARCH(1,1) with variance targeting (Bollerslev 1986; Engle and Mezrich 1996), as pure recursions.

``variance'`` is the forecast for the next step, ``long_variance`` the level to which forecasts revert at the
rate ``alpha + beta`` a step. All variances are of one step's log return.
"""

from __future__ import annotations

from bot4.kernel import f8, kernel


@kernel(f8(f8, f8, f8, f8, f8))
def garch_step(variance: float, log_return: float, long_variance: float, alpha: float, beta: float) -> float:
    """Forecast after a return: ``omega + alpha r^2 + beta variance``, ``omega = long_variance (1 - alpha - beta)``.

    NaN in any argument gives NaN.
    """
    omega = long_variance * (1.0 - alpha - beta)
    return omega + alpha * log_return * log_return + beta * variance


@kernel(f8(f8, f8))
def garch_annuity(persistence: float, steps: float) -> float:
    """``1 + p + ... + p^(steps - 1)``, the weight of today's deviation in the sum of ``steps`` forecasts."""
    if persistence >= 1.0:
        return steps
    return float((1.0 - persistence**steps) / (1.0 - persistence))


@kernel(f8(f8, f8, f8, f8))
def garch_sum(variance: float, long_variance: float, annuity: float, steps: float) -> float:
    """Variance of the return over ``steps`` steps: the sum of the step forecasts.

    Args:
        variance: forecast of the first step.
        long_variance: level to which the forecasts revert.
        annuity: :func:`garch_annuity` of the same number of steps.
        steps: the horizon.
    """
    return steps * long_variance + (variance - long_variance) * annuity
