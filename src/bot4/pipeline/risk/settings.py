"""The risk settings: every limit with its unit, default and bounds (``docs/risk.md``)."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot4.pipeline.risk.clock import DAY_NS
from bot4.pipeline.state import BEAR, BULL, CRISIS, SIDEWAYS
from bot4.quant.statistics.student import student_expected_shortfall, student_quantile, unit_variance_scale

HOUR_NS = 3_600_000_000_000
VAR_CONFIDENCE = 0.99


def _limit(default: float, low: float, high: float, unit: str, description: str) -> Any:
    return Field(default, ge=low, le=high, description=description, json_schema_extra={"unit": unit})


class RiskSettings(BaseModel):
    """Limits, stops and the forecasts that they are measured by. Fractions are of equity unless they say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    volatility_target: float = _limit(0.15, 0.10, 0.30, "fraction a year", "greatest forecast volatility of the book")
    var_limit_bull: float = _limit(0.04, 0.005, 0.04, "fraction", "greatest one-day 99% VaR in a bull market")
    var_limit_sideways: float = _limit(0.03, 0.005, 0.04, "fraction", "the same in a sideways market")
    var_limit_bear: float = _limit(0.02, 0.005, 0.04, "fraction", "the same in a bear market")
    var_limit_crisis: float = _limit(0.01, 0.005, 0.04, "fraction", "the same in a crisis")
    cvar_multiple: float = _limit(1.35, 1.0, 2.0, "times the VaR limit", "greatest one-day 99% expected shortfall")
    heat_limit: float = _limit(0.25, 0.01, 1.0, "fraction", "greatest sum of weight, daily deviation, root exit days")
    correlation_limit: float = _limit(0.7, 0.0, 1.0, "correlation", "above it an order is sized as if it were the book")
    leverage_limit: float = _limit(1.0, 0.1, 5.0, "times equity", "greatest gross notional")
    crisis_share: float = _limit(0.30, 0.01, 0.30, "share of the size", "what a crisis leaves of an order")
    symbol_loss_limit: float = _limit(0.05, 0.005, 0.20, "fraction", "greatest loss of a symbol at its stop or by VaR")
    strategy_risk_limit: float = _limit(0.30, 0.01, 1.0, "fraction", "the same of a strategy, where several run")
    sector_limit: float = _limit(0.40, 0.01, 1.0, "fraction", "the same of a sector, where there are several")
    drawdown_stop: float = _limit(0.15, 0.01, 0.50, "fraction of the peak", "drawdown at which new risk stops")
    daily_loss_stop: float = _limit(0.03, 0.005, 0.20, "fraction of the day's start", "loss of a UTC day that stops it")
    max_data_age_bars: float = _limit(2.0, 0.1, 100.0, "base bars", "oldest mark on which new risk is taken")
    min_equity: float = _limit(1000.0, 0.0, 1e12, "quote currency", "least equity with which new risk is taken")
    garch_alpha: float = _limit(0.10, 0.01, 0.40, "weight", "of the latest squared return in the variance forecast")
    garch_beta: float = _limit(0.85, 0.30, 0.98, "weight", "of the previous forecast")
    garch_df: float = _limit(4.0, 2.1, 100.0, "degrees of freedom", "of the Student t behind VaR and CVaR")
    ewma_decay: float = _limit(0.97, 0.5, 0.9999, "per risk bar", "decay of the second variance")
    correlation_decay: float = _limit(0.99, 0.5, 0.9999, "per risk bar", "decay of the correlations")
    liquidity_share: float = _limit(0.05, 0.001, 1.0, "share of a day's value", "that an exit may take")
    warm_up_risk_bars: int = Field(
        48, ge=2, le=10_000, description="risk bars before a symbol may be traded", json_schema_extra={"unit": "bars"}
    )

    @model_validator(mode="after")
    def _variance_reverts(self) -> RiskSettings:
        if self.garch_alpha + self.garch_beta > 0.999:
            raise ValueError(
                f"garch_alpha + garch_beta is {self.garch_alpha + self.garch_beta:g}, but must stay below 0.999"
            )
        return self


def write(settings: RiskSettings, row: Any, base_interval_ns: int) -> None:
    """Write the settings into a :data:`~bot4.pipeline.state.RISK_CONFIG` record; its regime fields are left alone.

    Args:
        settings: the limits.
        row: the record.
        base_interval_ns: of the base bars; risk bars are an hour, or this where it is longer.
    """
    same_name = [name for name in RiskSettings.model_fields if name in row.dtype.names]
    for name in same_name:
        row[name] = getattr(settings, name)
    row["var_limit"][BULL] = settings.var_limit_bull
    row["var_limit"][BEAR] = settings.var_limit_bear
    row["var_limit"][SIDEWAYS] = settings.var_limit_sideways
    row["var_limit"][CRISIS] = settings.var_limit_crisis
    row["max_data_age_ns"] = math.ceil(settings.max_data_age_bars * base_interval_ns)
    row["risk_bar_ns"] = max(HOUR_NS, base_interval_ns)
    row["bars_per_year"] = 365.0 * DAY_NS / row["risk_bar_ns"]
    scale = unit_variance_scale(settings.garch_df)
    row["var_quantile"] = scale * student_quantile(VAR_CONFIDENCE, settings.garch_df)
    row["cvar_quantile"] = scale * student_expected_shortfall(VAR_CONFIDENCE, settings.garch_df)
