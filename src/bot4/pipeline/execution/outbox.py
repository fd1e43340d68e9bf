"""Writing to the outbox: what a step tells the driver. A record that finds no room is counted, never lost quietly."""

from __future__ import annotations

from typing import Any

from bot4.domain.orders import ORDER
from bot4.domain.portfolio import TRADE_RECORD
from bot4.kernel import f8, i8, kernel, record, void
from bot4.pipeline.state import (
    DECISION,
    N_COMMANDS,
    N_DECISIONS,
    N_FILLS,
    N_SAMPLES,
    N_TRADES,
    OUTBOX,
)


@kernel(i8(record(OUTBOX), i8, i8, record(ORDER)))
def emit_command(outbox: Any, kind: int, ts_ns: int, order: Any) -> int:
    """Add a command about an order; returns its row in the outbox, -1 where there was no room."""
    at = outbox["n_commands"]
    if at >= N_COMMANDS:
        outbox["n_overflowed"] += 1
        return -1
    command = outbox["commands"][at]
    command["kind"] = kind
    command["ts_ns"] = ts_ns
    command["order"] = order
    outbox["n_commands"] = at + 1
    return int(at)


@kernel(void(record(OUTBOX), record(DECISION)))
def emit_decision(outbox: Any, decision: Any) -> None:
    """Add a decision, approved or refused."""
    at = outbox["n_decisions"]
    if at >= N_DECISIONS:
        outbox["n_overflowed"] += 1
        return
    outbox["decisions"][at] = decision
    outbox["n_decisions"] = at + 1


@kernel(i8(record(OUTBOX)))
def next_fill(outbox: Any) -> int:
    """Row of the outbox for one more fill, -1 where there is none."""
    at = outbox["n_fills"]
    if at >= N_FILLS:
        outbox["n_overflowed"] += 1
        return -1
    outbox["n_fills"] = at + 1
    return int(at)


@kernel(void(record(OUTBOX), record(TRADE_RECORD)))
def emit_trade(outbox: Any, trade: Any) -> None:
    """Add a closed trade."""
    at = outbox["n_trades"]
    if at >= N_TRADES:
        outbox["n_overflowed"] += 1
        return
    outbox["trades"][at] = trade
    outbox["n_trades"] = at + 1


@kernel(void(record(OUTBOX), i8, f8, f8))
def emit_sample(outbox: Any, ts_ns: int, equity: float, exposure: float) -> None:
    """Add a point of the equity curve."""
    at = outbox["n_samples"]
    if at >= N_SAMPLES:
        outbox["n_overflowed"] += 1
        return
    sample = outbox["samples"][at]
    sample["ts_ns"] = ts_ns
    sample["equity"] = equity
    sample["exposure"] = exposure
    outbox["n_samples"] = at + 1


@kernel(i8(record(OUTBOX)), is_inlined=True)
def is_half_full(outbox: Any) -> int:
    """Whether the driver must empty the outbox before the next event."""
    return int(
        2 * outbox["n_commands"] > N_COMMANDS
        or 2 * outbox["n_decisions"] > N_DECISIONS
        or 2 * outbox["n_fills"] > N_FILLS
        or 2 * outbox["n_trades"] > N_TRADES
        or 2 * outbox["n_samples"] > N_SAMPLES
    )
