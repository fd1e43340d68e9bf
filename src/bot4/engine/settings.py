"""Settings of a run: capital, timeframes, costs, and those of the technical voice, decision, regime and risk."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Annotated, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot4.pipeline.decision.settings import DecisionSettings, RegimeSettings
from bot4.pipeline.execution.settings import ExecutionSettings
from bot4.pipeline.risk.settings import RiskSettings
from bot4.pipeline.signals.settings import TechnicalSettings
from bot4.pipeline.state import N_FRAMES

Multiple: TypeAlias = Annotated[int, Field(ge=1, le=10_080)]
"""Of the bars' interval; the greatest is a week of minutes."""


class RunSettings(BaseModel):
    """Everything that a run may be told, with bounds; frozen once made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    capital: Decimal = Field(
        default=Decimal(10_000), gt=0, le=Decimal(1_000_000_000), description="deposit at the start, quote currency"
    )
    timeframes: tuple[Multiple, ...] = Field(
        default=(1, 3, 12),
        min_length=1,
        max_length=N_FRAMES,
        description="one to six timeframes, as multiples of the bars' interval, rising from 1",
    )
    order_latency_ms: float = Field(
        default=50.0, ge=0, le=3_600_000, description="time from a decision to its arrival at the venue, milliseconds"
    )
    slippage_bps: float = Field(
        default=1.0, ge=0, le=500, description="how far a market or stop order fills from its price, basis points"
    )
    technical: TechnicalSettings = TechnicalSettings()
    decision: DecisionSettings = DecisionSettings()
    regime: RegimeSettings = RegimeSettings()
    risk: RiskSettings = RiskSettings()
    execution: ExecutionSettings = ExecutionSettings()

    @field_validator("timeframes")
    @classmethod
    def _rise_from_one(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if value[0] != 1 or any(later <= earlier for earlier, later in itertools.pairwise(value)):
            raise ValueError("timeframes rise from 1, for example 1, 3, 12")
        return value

    @model_validator(mode="after")
    def _a_weight_for_each_timeframe(self) -> Self:
        given, needed = len(self.technical.timeframe_weights), len(self.timeframes)
        if given not in (0, needed):
            raise ValueError(f"technical.timeframe_weights holds {given}, but there are {needed} timeframes")
        return self
