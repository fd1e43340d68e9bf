"""Settings of decision and of the regime filter, and how they are written into the brain's configuration."""

from __future__ import annotations

import functools
import math
from typing import Annotated, Any, Self, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot4.pipeline.state import BEAR, BULL, CRISIS, LEARNED, ORDER_FLOW, SENTIMENT, SIDEWAYS, TECHNICAL

HOUR_NS = 3_600_000_000_000

_REGIMES = (("bull", BULL), ("bear", BEAR), ("sideways", SIDEWAYS), ("crisis", CRISIS))
_VOICES = (("technical", TECHNICAL), ("learned", LEARNED), ("order_flow", ORDER_FLOW), ("sentiment", SENTIMENT))


def _setting(default: float, low: float, high: float, unit: str, description: str) -> Any:
    return Field(default, ge=low, le=high, description=description, json_schema_extra={"unit": unit})


_fraction = functools.partial(_setting, low=0.05, high=0.40, unit="share of full Kelly")
_cap = functools.partial(_setting, high=0.40, unit="fraction of equity")
_share = functools.partial(_setting, low=0.0, high=1.0, unit="share")
_distance = functools.partial(_setting, high=20.0, unit="average true ranges")
_risk_units = functools.partial(_setting, low=0.0, unit="units of risk")


class DecisionSettings(BaseModel):
    """How signals become proposals."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kelly_fraction_bull: float = _fraction(0.30, description="share of full Kelly that is staked in a bull market")
    kelly_fraction_sideways: float = _fraction(0.20, description="the same in a sideways market")
    kelly_fraction_bear: float = _fraction(0.15, description="the same in a bear market")
    kelly_fraction_crisis: float = _fraction(0.05, description="the same in a crisis")
    kelly_cap_bull: float = _cap(0.30, low=0.0, description="most that a trade may lose at its stop, bull market")
    kelly_cap_sideways: float = _cap(0.25, low=0.0, description="the same in a sideways market")
    kelly_cap_bear: float = _cap(0.20, low=0.0, description="the same in a bear market")
    kelly_cap_crisis: float = _cap(0.15, low=0.0, description="the same in a crisis")
    prior_trades: float = _setting(30.0, 0.0, 1e4, "trades", "closed trades that a win rate of one half counts as")
    min_confidence: float = _setting(0.30, 0.0, 1.0, "confidence", "least fused confidence of an entry")
    min_edge_r: float = _risk_units(0.05, high=5.0, description="least expected gain of an entry, net of costs")
    conflict_ratio: float = _setting(1.5, 1.0, 10.0, "times", "as confident, for one voice to override another")
    voice_prior_technical: float = _share(0.40, description="weight before measurement, scaled over those present")
    voice_prior_learned: float = _share(0.40, description="the same of the learned models")
    voice_prior_order_flow: float = _share(0.0, description="the same of order flow")
    voice_prior_sentiment: float = _share(0.20, description="the same of sentiment")
    voice_low_technical: float = _share(0.20, description="least weight while present")
    voice_low_learned: float = _share(0.20, description="the same of the learned models")
    voice_low_order_flow: float = _share(0.0, description="the same of order flow")
    voice_low_sentiment: float = _share(0.0, description="the same of sentiment")
    voice_high_technical: float = _share(0.60, description="greatest weight, stretched where those present need it")
    voice_high_learned: float = _share(0.60, description="the same of the learned models")
    voice_high_order_flow: float = _share(0.20, description="the same of order flow")
    voice_high_sentiment: float = _share(0.30, description="the same of sentiment")
    stop_atr: float = _distance(2.0, low=0.5, description="distance of the volatility stop")
    stop_min_atr: float = _distance(0.5, low=0.5, description="least distance of a stop")
    stop_min_costs: float = _setting(3.0, 3.0, 100.0, "round trips", "least distance of a stop, in their cost")
    emergency_stop: float = _setting(0.10, 0.005, 0.90, "fraction of the price", "greatest distance of a stop")
    trail_atr: float = _distance(2.5, low=0.1, description="distance of the trailing stop")
    trail_after_r: float = _risk_units(1.0, high=10.0, description="profit from which the stop trails")
    target_1_r: float = _risk_units(1.5, high=3.0, description="distance of the first target")
    target_2_r: float = _risk_units(2.0, high=3.0, description="distance of the second target")
    target_3_r: float = _risk_units(3.0, high=3.0, description="distance of the third target")
    target_1_share: float = _share(0.33, description="share of the position taken at the first target")
    target_2_share: float = _share(0.33, description="the same at the second")
    target_3_share: float = _share(0.34, description="the same at the third; the three sum to one")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not 0.0 < self.target_1_r < self.target_2_r < self.target_3_r:
            raise ValueError("target_1_r, target_2_r and target_3_r must rise from above 0")
        shares = self.target_1_share + self.target_2_share + self.target_3_share
        if not math.isclose(shares, 1.0, abs_tol=1e-9):
            raise ValueError(f"the target shares sum to {shares:g}, but must sum to 1")
        if self.stop_atr < self.stop_min_atr:
            raise ValueError("stop_atr is below stop_min_atr")
        for name, _ in _VOICES:
            low, prior, high = (getattr(self, f"voice_{what}_{name}") for what in ("low", "prior", "high"))
            if not low <= prior <= high:
                raise ValueError(f"voice_prior_{name} = {prior:g} is outside voice_low and voice_high")
        lows = sum(getattr(self, f"voice_low_{name}") for name, _ in _VOICES)
        if lows > 1.0:
            raise ValueError(f"the least weights of the voices sum to {lows:g}, but must sum to 1 or less")
        return self

    def write(self, row: Any) -> None:
        """Fill in a record of ``DECISION_CONFIG``.

        Left alone: ``slippage``, which is the run's.
        """
        same_name = [name for name in DecisionSettings.model_fields if name in row.dtype.names]
        for name in same_name:
            row[name] = getattr(self, name)
        for regime, index in _REGIMES:
            for field in ("kelly_fraction", "kelly_cap"):
                row[field][index] = getattr(self, f"{field}_{regime}")
        for voice, index in _VOICES:
            for field in ("voice_prior", "voice_low", "voice_high"):
                row[field][index] = getattr(self, f"{field}_{voice}")
        row["target_r"][:] = (self.target_1_r, self.target_2_r, self.target_3_r)
        row["target_share"][:] = (self.target_1_share, self.target_2_share, self.target_3_share)


Mean: TypeAlias = Annotated[float, Field(ge=-3.0, le=3.0)]
Deviation: TypeAlias = Annotated[float, Field(ge=0.01, le=20.0)]
Probability: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
Means: TypeAlias = tuple[Mean, Mean, Mean, Mean]
Deviations: TypeAlias = tuple[Deviation, Deviation, Deviation, Deviation]
Row: TypeAlias = tuple[Probability, Probability, Probability, Probability]
Rows: TypeAlias = tuple[Row, Row, Row, Row]


class RegimeSettings(BaseModel):
    """The regime filter: bull, bear, sideways, crisis, in this order, per hour.

    The defaults of ``mean``, ``deviation`` and ``transition`` were fitted by Baum-Welch
    (:func:`bot4.quant.regimes.fit_regimes`) on BTCUSDT hourly bars from 2017-08-17 to 2019-12-31 only: log returns
    over their 30-day deviation (:func:`bot4.quant.regimes.standardised_returns`, 720 bars, the first 720 left out),
    from the start in :data:`FIT_START`, with expected stays of at least :data:`FIT_LEAST_STAY_HOURS`. The test
    ``test_the_default_regimes_are_what_the_fit_gives`` fits them again. The crisis ratios are what 0.3% (volatility)
    and 1% (volume) of the same hours exceeded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: Means = Field(
        (0.019775, -0.005967, 0.002011, -0.030769),
        description="of an hour's return, in long-run deviations",
        json_schema_extra={"unit": "deviations"},
    )
    deviation: Deviations = Field(
        (0.565469, 0.961274, 0.360483, 2.367003),
        description="of an hour's return, in long-run deviations",
        json_schema_extra={"unit": "deviations"},
    )
    transition: Rows = Field(
        (
            (0.994048, 0.000529, 0.001180, 0.004243),
            (0.003181, 0.994048, 0.000285, 0.002486),
            (0.000009, 0.000356, 0.994048, 0.005587),
            (0.015725, 0.012634, 0.013308, 0.958333),
        ),
        description="from the state of the row to that of the column, per hour; rows sum to one",
        json_schema_extra={"unit": "probability"},
    )
    persistence_hours: float = _setting(12.0, 1.0, 1000.0, "hours", "that a new regime must lead before it is taken")
    crisis_volatility_ratio: float = _setting(2.5, 1.1, 20.0, "times", "short over long volatility of a crisis")
    crisis_volume_ratio: float = _setting(4.0, 1.1, 100.0, "times", "recent over usual traded value of a crisis")
    crisis_correlation: float = _setting(0.9, 0.0, 1.0, "correlation", "that makes such volume a crisis")

    @model_validator(mode="after")
    def _rows_sum_to_one(self) -> Self:
        for k, row in enumerate(self.transition):
            if not math.isclose(sum(row), 1.0, abs_tol=1e-5):
                raise ValueError(f"row {k + 1} of transition sums to {sum(row):g}, but must sum to 1")
        return self

    def write(self, row: Any) -> None:
        """Fill in the regime fields of a record of ``RISK_CONFIG`` whose ``risk_bar_ns`` is set.

        They are scaled to it: over ``h`` hours (rounded to whole ones, at least 1) the mean in deviations of
        that span grows with ``sqrt(h)``, the deviation stays and the transitions are the ``h``-th power.
        """
        hours = max(round(int(row["risk_bar_ns"]) / HOUR_NS), 1)
        step = np.array(self.transition)
        step /= step.sum(axis=1, keepdims=True)
        row["regime_mean"][:] = np.array(self.mean) * math.sqrt(hours)
        row["regime_deviation"][:] = self.deviation
        row["regime_transition"][:] = np.linalg.matrix_power(step, hours)
        row["regime_persistence"] = max(math.ceil(self.persistence_hours / hours), 1)
        row["crisis_volatility_ratio"] = self.crisis_volatility_ratio
        row["crisis_volume_ratio"] = self.crisis_volume_ratio
        row["crisis_correlation"] = self.crisis_correlation


FIT_START = ((0.05, -0.05, 0.0, -0.1), (0.8, 1.0, 0.4, 2.5))
"""Means and deviations that the fit starts from: small drifts up and down, and four levels of volatility."""

FIT_LEAST_STAY_HOURS = (168.0, 168.0, 168.0, 24.0)
"""A week for bull, bear and sideways, a day for crisis: shorter ones would be hours of the day, not regimes."""
