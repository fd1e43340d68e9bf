"""What it costs to leave positions, and how much risk the portfolio carries until it has.

Leaving ``Q`` of value in ``T`` days costs half of the spread and an impact that grows with the root of the share of
the volume that is traded, ``cost = Q (spread / 2 + impact sigma sqrt(Q / (V T)))`` (Almgren, Thum, Hauptmann and Li
2005; Toth and others 2011 find the root for crypto's kind of market too); while leaving, the position falls evenly,
so that its risk is ``sigma sqrt(T / 3)`` (Almgren and Chriss 2000, straight line).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class ExitCost:
    """Cost and time of leaving a position, in the unit of its value.

    Attributes:
        spread_cost, impact_cost: expected.
        timing_risk: deviation of the value while leaving.
        days: until out.
    """

    spread_cost: float
    impact_cost: float
    timing_risk: float
    days: float

    @property
    def expected(self) -> float:
        """Spread and impact."""
        return self.spread_cost + self.impact_cost

    def adjusted(self, value_at_risk: float) -> float:
        """Value at risk with the expected cost of leaving on top (Bangia, Diebold, Schuermann and Stroughair 1999)."""
        return value_at_risk + self.expected


def exit_cost(
    value: float,
    daily_deviation: float,
    daily_volume: float,
    spread: float,
    *,
    share_of_volume: float = 0.10,
    impact: float = 1.0,
) -> ExitCost:
    """Cost of leaving a position at a given share of the market's volume.

    Args:
        value: of the position, either sign.
        daily_deviation: of the return, a fraction.
        daily_volume: traded value of a day, above 0.
        spread: bid to ask, a fraction of the price.
        share_of_volume: that one is willing to be, above 0 to 1.
        impact: cost in daily deviations of trading a day's volume in a day; about 1 in many markets.

    Raises:
        DataError: a number that is not finite or negative, or no volume.
        UsageError: a share outside of 0..1, or a negative impact.
    """
    numbers = (value, daily_deviation, daily_volume, spread)
    if not (all(map(math.isfinite, numbers)) and daily_deviation >= 0.0 and spread >= 0.0 and daily_volume > 0.0):
        raise DataError(f"value, deviation, volume and spread are {numbers}", where="exit cost")
    if not (0.0 < share_of_volume <= 1.0 and 0.0 <= impact < math.inf):
        raise UsageError(f"share of volume {share_of_volume}, impact {impact}", where="exit cost")
    size = abs(value)
    days = size / (daily_volume * share_of_volume)
    rate = min(share_of_volume, size / daily_volume)  # what fits a day is spread over it
    return ExitCost(
        0.5 * spread * size,
        size * impact * daily_deviation * math.sqrt(rate),
        size * daily_deviation * math.sqrt(max(days, 1.0) / 3.0) if size > 0.0 else 0.0,
        days,
    )


def portfolio_heat(weights: FloatArray, daily_deviations: FloatArray, exit_days: FloatArray) -> float:
    """``sum |w_i| sigma_i sqrt(max(days_i, 1))``: risk until out, without credit for diversification.

    Args:
        weights: float64[n], value over equity, signed.
        daily_deviations: float64[n].
        exit_days: float64[n], days of volume to leave; at least one day counts.

    Raises:
        DataError: a value that is not finite, or a negative deviation or number of days.
    """
    if not all(np.isfinite(a).all() for a in (weights, daily_deviations, exit_days)):
        raise DataError("a weight, deviation or number of days is not finite", where="portfolio heat")
    if np.any(daily_deviations < 0.0) or np.any(exit_days < 0.0):
        raise DataError("a deviation or number of days is negative", where="portfolio heat")
    return float(np.sum(np.abs(weights) * daily_deviations * np.sqrt(np.maximum(exit_days, 1.0))))
