"""Settings of the technical voice, and how they are written into the brain's configuration."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot4.pipeline.state import FAMILIES, N_FRAMES

Weight: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]


def _setting(default: Any, low: float, high: float, unit: str, description: str) -> Any:
    return Field(default, ge=low, le=high, description=description, json_schema_extra={"unit": unit})


class TechnicalSettings(BaseModel):
    """How families and timeframes become one score.

    No default was chosen by looking at profit: families and timeframes count the same until something is measured
    (1/N), the threshold is half of a strong score, and a strong score half of the greatest possible.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    timeframe_weights: tuple[Weight, ...] = Field(
        (),
        max_length=N_FRAMES,
        description="one for each of `timeframes`, 0 to 1, compared with each other; none: all count the same",
        json_schema_extra={"unit": "weights"},
    )
    trend_weight: float = _setting(0.2, 0.0, 1.0, "weight", "of the trend family, compared with the other families")
    momentum_weight: float = _setting(0.2, 0.0, 1.0, "weight", "the same of the momentum family")
    volatility_weight: float = _setting(0.2, 0.0, 1.0, "weight", "the same of the volatility family")
    volume_weight: float = _setting(0.2, 0.0, 1.0, "weight", "the same of the volume family")
    structure_weight: float = _setting(0.2, 0.0, 1.0, "weight", "the same of the structure family")
    threshold: float = _setting(0.25, 0.0, 1.0, "score", "least size of the score that is a confluence, and enters")
    strong_score: float = _setting(0.5, 0.05, 1.0, "score", "size of the score from which it limits confidence no more")
    min_coverage: float = _setting(0.5, 0.0, 1.0, "share", "least share of timeframe weight that must be warm to speak")
    obv_span: int = _setting(20, 2, 500, "bars", "of the average that on-balance volume is compared with")

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if self.timeframe_weights and not any(self.timeframe_weights):
            raise ValueError("the timeframe weights are all 0, but one must count")
        if not any(self.family_weights):
            raise ValueError("the family weights are all 0, but one must count")
        return self

    @property
    def family_weights(self) -> tuple[float, ...]:
        """In the order of :data:`bot4.pipeline.state.FAMILIES`."""
        return tuple(getattr(self, f"{family}_weight") for family in FAMILIES)

    def write(self, row: Any) -> None:
        """Fill in a record of ``TECHNICAL_CONFIG``.

        Left alone: ``is_used`` and ``columns``, which are the bank's. Family weights are written as shares.
        """
        weights = self.timeframe_weights or (1.0,) * N_FRAMES
        row["timeframe_weight"] = 0.0
        row["timeframe_weight"][: len(weights)] = weights
        total = sum(self.family_weights)
        row["family_weight"] = [weight / total for weight in self.family_weights]
        row["threshold"] = self.threshold
        row["strong_score"] = self.strong_score
        row["min_coverage"] = self.min_coverage
        row["obv_gain"] = 2.0 / (self.obv_span + 1.0)
