"""Settings of a run: capital, timeframes, costs, and those of decision, regime and risk."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot4.pipeline.decision.settings import DecisionSettings, RegimeSettings
from bot4.pipeline.risk.settings import RiskSettings


class RunSettings(BaseModel):
    """Everything that a run may be told, with bounds; frozen once made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    capital: Decimal = Field(
        default=Decimal(10_000), gt=0, le=Decimal(1_000_000_000), description="deposit at the start, quote currency"
    )
    timeframes: tuple[int, int, int] = Field(
        default=(1, 3, 12), description="the three timeframes, as multiples of the bars' interval"
    )
    order_latency_ms: float = Field(
        default=50.0, ge=0, le=3_600_000, description="time from a decision to its arrival at the venue, milliseconds"
    )
    slippage_bps: float = Field(
        default=1.0, ge=0, le=500, description="how far a market or stop order fills from its price, basis points"
    )
    decision: DecisionSettings = DecisionSettings()
    regime: RegimeSettings = RegimeSettings()
    risk: RiskSettings = RiskSettings()

    @field_validator("timeframes")
    @classmethod
    def _rise_from_one(cls, value: tuple[int, int, int]) -> tuple[int, int, int]:
        if value[0] != 1 or not value[0] < value[1] < value[2] or value[2] > 1000:
            raise ValueError("timeframes rise from 1, for example 1, 3, 12")
        return value
