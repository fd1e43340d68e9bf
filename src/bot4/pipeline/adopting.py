"""What a reconciliation finds at the venue that no strategy answers for: positions and orders are taken in, or go.

A position is given to the first strategy's sleeve. A stop that rests at the venue against it becomes its protective
stop; every other order is entered into the table and cancelled, so that the cancel is seen through. A position
without a stop is left at the market.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT, IS_SELL
from bot4.domain.halts import NO_ROOM
from bot4.domain.orders import (
    BUY,
    CANCEL,
    ENTRY,
    FREE,
    LIMIT,
    MARKET,
    PROTECTIVE_STOP,
    SELL,
    STOP,
    STOP_LIMIT,
    is_finished,
)
from bot4.domain.portfolio import BY_EMERGENCY
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.awaiting import settle_status
from bot4.pipeline.execution.commands import cancel_order
from bot4.pipeline.execution.halting import halt
from bot4.pipeline.execution.order_table import is_live, new_order, note_order_id, renumber
from bot4.pipeline.execution.outbox import emit_command
from bot4.pipeline.protecting import leave
from bot4.pipeline.risk.gate import approve_reduction
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT)))
def adopt_order(brain: Any, config: Any, outbox: Any, report: Any) -> None:
    """Take in an order that is open at the venue and not in the table, as an ORDER_STATUS of a snapshot says."""
    order_id, symbol, ts_ns = report["order_id"], report["symbol"], report["ts_ns"]
    note_order_id(brain, order_id)
    if report["status"] == FREE or is_finished(report["status"]) or order_id <= 0:
        return
    adopt_strays(brain, config, symbol)
    is_stop = _is_stop_of(brain, report)
    lots = max(report["status_lots"], report["status_filled_lots"])
    side = SELL if report["flags"] & IS_SELL else BUY
    kind = _type_of(report["status_stop_ticks"], report["status_limit_ticks"])
    role = PROTECTIVE_STOP if is_stop else ENTRY
    approval = approve_reduction(brain, config, symbol, 0, lots) if is_stop else 0
    slot = new_order(brain, role, kind, symbol, 0, side, lots, 0, approval, ts_ns)
    if slot < 0:
        halt(brain, NO_ROOM, order_id, symbol)
        brain["forgotten"]["id"] = order_id
        brain["forgotten"]["symbol"] = symbol
        emit_command(outbox, CANCEL, ts_ns, brain["forgotten"])
        return
    renumber(brain, slot, order_id)
    order, care = brain["orders"][slot], brain["care"][slot]
    order["filled_lots"] = report["status_filled_lots"]
    order["stop_ticks"] = report["status_stop_ticks"]
    order["limit_ticks"] = report["status_limit_ticks"]
    order["ts_active_ns"] = ts_ns
    order["is_reduce_only"] = int(is_stop)
    settle_status(order, care)
    sleeve = brain["sleeves"][0, symbol]
    if is_stop:
        sleeve["stop_order_id"] = order_id
        sleeve["stop_ticks"] = report["status_stop_ticks"]
        sleeve["initial_stop_ticks"] = report["status_stop_ticks"]
        return
    if sleeve["lots"] == 0 and not sleeve["is_entering"]:
        sleeve["leave_reason"] = BY_EMERGENCY  # what it still fills goes too
    cancel_order(brain, config, outbox, order_id, ts_ns)


@kernel(b1(record(BRAIN), record(EVENT)))
def _is_stop_of(brain: Any, report: Any) -> bool:
    """Whether an order is a stop against a position of the first strategy that has none."""
    sleeve = brain["sleeves"][0, report["symbol"]]
    side = SELL if report["flags"] & IS_SELL else BUY
    is_against = sleeve["lots"] * side < 0 and report["status_stop_ticks"] > 0 and report["status_limit_ticks"] == 0
    return bool(is_against and not is_live(brain, sleeve["stop_order_id"]))


@kernel(i8(i8, i8))
def _type_of(stop_ticks: int, limit_ticks: int) -> int:
    if stop_ticks > 0:
        return STOP_LIMIT if limit_ticks > 0 else STOP
    return LIMIT if limit_ticks > 0 else MARKET


@kernel(i8(record(BRAIN), record(CONFIG), i8))
def adopt_strays(brain: Any, config: Any, symbol: int) -> int:
    """Give the first strategy what a position holds beyond its sleeves, at cost; returns the lots, signed."""
    position, first = brain["positions"][symbol], brain["sleeves"][0, symbol]
    lots, cost = position["lots"], position["cost_atoms"]
    for strategy in range(config["n_strategies"]):
        lots -= brain["sleeves"][strategy, symbol]["lots"]
        cost -= brain["sleeves"][strategy, symbol]["cost_atoms"]
    if lots == 0:
        return 0
    if first["lots"] == 0:
        first["decision_ticks"] = position["mark_ticks"]
        first["best_ticks"] = position["mark_ticks"]
        first["is_short"] = int(lots < 0)
    first["lots"] += lots
    first["cost_atoms"] += cost
    first["entry_lots"] += abs(lots)
    first["entry_cost_atoms"] += abs(cost)
    return int(lots)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8))
def settle_strays(brain: Any, config: Any, outbox: Any, ts_ns: int) -> None:
    """At the end of a reconciliation: what no strategy answers for is left at the market, unless it has a stop."""
    for symbol in range(config["n_symbols"]):
        stray = adopt_strays(brain, config, symbol)
        sleeve = brain["sleeves"][0, symbol]
        has_no_entry = stray != 0 or sleeve["entry_order_id"] == 0  # taken in now, or with an order of the snapshot
        if has_no_entry and sleeve["lots"] != 0 and not is_live(brain, sleeve["stop_order_id"]):
            leave(brain, config, outbox, symbol, 0, BY_EMERGENCY, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8))
def leave_everything(brain: Any, config: Any, outbox: Any, ts_ns: int) -> None:
    """Cancel every entry and close every position, what no strategy answers for included."""
    for symbol in range(config["n_symbols"]):
        adopt_strays(brain, config, symbol)
        for strategy in range(config["n_strategies"]):
            leave(brain, config, outbox, symbol, strategy, BY_EMERGENCY, ts_ns)
