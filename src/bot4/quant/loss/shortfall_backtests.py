"""Was the expected shortfall right? By size of what was lost beyond the value at risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError
from bot4.quant.loss.backtests import BoolArray, exceedances


@dataclass(frozen=True, slots=True)
class ShortfallBacktest:
    """A test of expected shortfall against losses that are larger than forecast.

    Attributes:
        statistic: see the function that made it.
        p_value: probability of a statistic at least as bad if the forecast was right; NaN where nothing can be said.
        n_exceeded: losses beyond the value at risk, on which the test rests.
    """

    statistic: float
    p_value: float
    n_exceeded: int


def acerbi_szekely(
    losses: FloatArray,
    value_at_risk: FloatArray,
    expected_shortfall: FloatArray,
    level: float,
    simulate: Callable[[np.random.Generator], FloatArray],
    generator: np.random.Generator,
    n_simulations: int = 2_000,
) -> ShortfallBacktest:
    """The second test of Acerbi and Szekely (*Backtesting expected shortfall*, 2014): frequency and size together.

    ``Z = 1 - sum(L_t [L_t > VaR_t] / ES_t) / (T (1 - level))``, 0 on average for a right forecast and negative for one
    that is too low. The p-value is the share of simulated series with a ``Z`` as low.

    Args:
        losses, value_at_risk, expected_shortfall: float64[T], positive losses; the shortfall above zero.
        level: of both forecasts.
        simulate: losses float64[T] drawn from the distributions that were forecast.
        generator: handed to ``simulate``.
        n_simulations: how many series.

    Raises:
        DataError: lengths differ, a value is not finite, or a shortfall is not above zero.
    """
    hits = _checked_hits(losses, value_at_risk, expected_shortfall)

    def statistic(sample: FloatArray) -> float:
        return second_statistic(sample, value_at_risk, expected_shortfall, level)

    observed = statistic(losses)
    as_low = sum(statistic(simulate(generator)) <= observed for _ in range(n_simulations))
    return ShortfallBacktest(observed, (1 + as_low) / (n_simulations + 1), int(np.count_nonzero(hits)))


def second_statistic(
    losses: FloatArray, value_at_risk: FloatArray, expected_shortfall: FloatArray, level: float
) -> float:
    """Acerbi and Szekely's ``Z``, see :func:`acerbi_szekely`."""
    beyond = np.where(losses > value_at_risk, losses / expected_shortfall, 0.0)
    return 1.0 - float(beyond.sum()) / (len(losses) * (1.0 - level))


def mcneil_frey(
    losses: FloatArray,
    value_at_risk: FloatArray,
    expected_shortfall: FloatArray,
    deviations: FloatArray,
    generator: np.random.Generator,
    n_simulations: int = 9_999,
) -> ShortfallBacktest:
    """The bootstrap test of McNeil and Frey (2000): are losses beyond the value at risk larger than the shortfall?

    ``(L_t - ES_t) / deviation_t`` over the exceedances has mean zero for a right forecast. The statistic is its mean
    over its standard error; the p-value is the share of bootstrap samples, centred at zero, with one as large. It
    assumes no distribution, and says nothing about how often the value at risk is exceeded.

    Args:
        losses, value_at_risk, expected_shortfall: float64[T], positive losses.
        deviations: float64[T], forecast, above zero.
        generator: of the bootstrap.
        n_simulations: bootstrap samples.

    Returns:
        NaN for statistic and p-value with fewer than two exceedances, or equal ones.

    Raises:
        DataError: lengths differ, a value is not finite, or a shortfall or deviation not above zero.
    """
    hits = _checked_hits(losses, value_at_risk, expected_shortfall)
    if len(deviations) != len(losses) or not np.all(deviations > 0.0):
        raise DataError("a deviation is missing or not above zero", where="shortfall backtest")
    residuals = ((losses - expected_shortfall) / deviations)[hits]
    n = len(residuals)
    if n < 2 or float(np.std(residuals)) <= 1e-12 * float(np.abs(residuals).max()):
        return ShortfallBacktest(math.nan, math.nan, n)

    def statistics(rows: FloatArray) -> FloatArray:
        spread = np.maximum(np.std(rows, axis=-1, ddof=1), 1e-300)
        found: FloatArray = np.mean(rows, axis=-1) / spread * math.sqrt(n)
        return found

    observed = float(statistics(residuals))
    centred = residuals - np.mean(residuals)
    drawn = statistics(centred[generator.integers(0, n, (n_simulations, n))])
    as_large = int(np.count_nonzero(drawn >= observed))
    return ShortfallBacktest(observed, (1 + as_large) / (n_simulations + 1), n)


def _checked_hits(losses: FloatArray, value_at_risk: FloatArray, expected_shortfall: FloatArray) -> BoolArray:
    if len(expected_shortfall) != len(losses) or not np.isfinite(expected_shortfall).all():
        raise DataError("a shortfall is missing or not finite", where="shortfall backtest")
    if not np.all(expected_shortfall > 0.0):
        raise DataError("a shortfall is not above zero", where="shortfall backtest")
    return exceedances(losses, value_at_risk)
