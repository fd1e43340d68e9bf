"""The settings of execution: how long to wait for a venue's word, and how often to ask for it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SECOND_NS = 1_000_000_000


def _seconds(default: float, low: float, high: float, description: str) -> Any:
    return Field(default, ge=low, le=high, description=description, json_schema_extra={"unit": "seconds"})


class ExecutionSettings(BaseModel):
    """What the order manager expects of a venue."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    has_native_brackets: bool = Field(
        True,
        description="the venue holds a stop and its targets itself; without it targets are kept here",
        json_schema_extra={"unit": ""},
    )
    answer_timeout_s: float = _seconds(
        10.0, 0.1, 3600.0, "after which a command without an answer is of unknown outcome"
    )
    validity_s: float = _seconds(10.0, 0.1, 600.0, "after which a command that did not reach the venue no longer can")
    query_delay_s: float = _seconds(1.0, 0.05, 60.0, "before a query is repeated; doubles each time")
    query_delay_most_s: float = _seconds(60.0, 0.05, 3600.0, "longest wait between two queries")
    most_queries: int = Field(
        12,
        ge=1,
        le=1000,
        description="queries without a settling answer before new risk halts",
        json_schema_extra={"unit": ""},
    )


def write(settings: ExecutionSettings, row: Any, *, loses_answers: bool) -> None:
    """Write the settings into an :data:`~bot4.pipeline.state.EXECUTION_CONFIG` record.

    Args:
        settings: what is expected of the venue.
        row: the record.
        loses_answers: whether the venue is reached over a network. One in this process answers every command at the
            next event of its symbol, however late that comes: there no command is ever taken for lost.
    """
    row["has_native_brackets"] = settings.has_native_brackets
    row["answer_timeout_ns"] = round(settings.answer_timeout_s * SECOND_NS) if loses_answers else 0
    row["validity_ns"] = round(settings.validity_s * SECOND_NS)
    row["query_delay_ns"] = round(settings.query_delay_s * SECOND_NS)
    row["query_delay_most_ns"] = round(max(settings.query_delay_most_s, settings.query_delay_s) * SECOND_NS)
    row["most_queries"] = settings.most_queries
