"""Exponentially weighted averages as pure recursions."""

from __future__ import annotations

from bot4.kernel import f8, i8, kernel


@kernel(f8(f8, f8, f8))
def ewma_step(average: float, value: float, decay: float) -> float:
    """One step of ``decay * average + (1 - decay) * value``. NaN in either gives NaN.

    With squared returns this is the RiskMetrics variance (J.P. Morgan, 1996), ``decay`` its lambda.
    """
    return decay * average + (1.0 - decay) * value


@kernel(f8(f8, f8, i8, f8))
def warming_mean_step(mean: float, value: float, n_values: int, span: float) -> float:
    """Plain mean of the first ``span`` values, then an exponential average of weight ``1 / span``.

    Args:
        mean: average of the values before this one; not read for the first.
        value: the new value.
        n_values: how many values there are with this one, from 1.
        span: in values, at least 1.
    """
    if n_values <= 1:
        return value
    weight = 1.0 / (n_values if n_values < span else span)
    return mean + weight * (value - mean)
