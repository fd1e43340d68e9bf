"""Entries with their brackets, exits and cancels, as commands."""

from __future__ import annotations

from typing import Any

from bot4.domain.orders import (
    CANCEL,
    CANCELLED,
    ENTRY,
    EXIT,
    HELD,
    LIMIT,
    MARKET,
    PENDING_CANCEL,
    PLACE,
    PROTECTIVE_STOP,
    STOP,
    TARGET,
    UNKNOWN,
    is_finished,
    is_open,
)
from bot4.domain.portfolio import N_TARGETS, SLEEVE
from bot4.domain.venue_reasons import ON_REQUEST
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.awaiting import AWAITS_CANCEL, end_order, send
from bot4.pipeline.execution.order_table import find_order, is_live, move_order, new_order
from bot4.pipeline.state import BRAIN, CONFIG, DECISION, NO_SLOT, OUTBOX


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), record(DECISION)))
def place_entry(brain: Any, config: Any, outbox: Any, decision: Any) -> int:
    """Send the entry of an approved decision, with its stop and targets held until it fills.

    Returns 0, or :data:`~bot4.pipeline.state.NO_SLOT` with nothing sent.
    """
    proposal = decision["proposal"]
    symbol, strategy, side = proposal["symbol"], proposal["strategy"], proposal["side"]
    lots, approval, ts_ns = decision["approved_lots"], decision["approval_id"], proposal["ts_ns"]
    slot = new_order(brain, ENTRY, MARKET, symbol, strategy, side, lots, 0, approval, ts_ns)
    if slot < 0:
        return NO_SLOT
    entry = brain["orders"][slot]
    entry["group_id"] = entry["id"]
    sleeve = brain["sleeves"][strategy, symbol]
    sleeve["is_entering"] = 1
    sleeve["entry_order_id"] = entry["id"]
    sleeve["decision_id"] = proposal["id"]
    sleeve["decision_ticks"] = proposal["reference_ticks"]
    sleeve["stop_ticks"] = proposal["stop_ticks"]
    sleeve["initial_stop_ticks"] = proposal["stop_ticks"]
    sleeve["trail_ticks"] = proposal["trail_ticks"]
    sleeve["best_ticks"] = proposal["reference_ticks"]
    sleeve["stop_order_id"] = 0
    sleeve["exit_order_id"] = 0
    sleeve["leave_reason"] = 0
    send(brain, config, outbox, slot, PLACE, ts_ns)
    if proposal["stop_ticks"] > 0:
        sleeve["stop_order_id"] = place_stop(
            brain, config, outbox, symbol, strategy, lots, proposal["stop_ticks"], entry["id"], approval, ts_ns, 1
        )
    _place_targets(brain, config, outbox, decision, entry["id"])
    return 0


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8, i8, i8, i8, i8, i8))
def place_stop(
    brain: Any,
    config: Any,
    outbox: Any,
    symbol: int,
    strategy: int,
    signed_lots: int,
    stop_ticks: int,
    group_id: int,
    approval_id: int,
    ts_ns: int,
    is_held: int,
) -> int:
    """Send a protective stop for a position of ``signed_lots`` and return its order id (0: no slot).

    A held stop waits for the entry ``group_id`` to fill, at the venue where that has brackets of its own, else here;
    its lots are given unsigned and take the entry's side.
    """
    side = -1 if signed_lots > 0 else 1
    if is_held:
        side = -brain["orders"][find_order(brain, group_id)]["side"]
    slot = new_order(
        brain, PROTECTIVE_STOP, STOP, symbol, strategy, side, abs(signed_lots), group_id, approval_id, ts_ns
    )
    if slot < 0:
        return 0
    order = brain["orders"][slot]
    order["is_reduce_only"] = 1
    order["stop_ticks"] = stop_ticks
    if is_held:
        order["status"] = HELD
        order["parent_id"] = group_id
    if not is_held or config["execution"]["has_native_brackets"]:
        send(brain, config, outbox, slot, PLACE, ts_ns)
    return int(order["id"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(DECISION), i8))
def _place_targets(brain: Any, config: Any, outbox: Any, decision: Any, entry_id: int) -> None:
    proposal = decision["proposal"]
    lots = decision["approved_lots"]
    n_targets = 0
    for k in range(N_TARGETS):
        if proposal["target_ticks"][k] > 0:
            n_targets += 1
    min_lots = config["instruments"][proposal["symbol"]]["min_lots"]
    left = lots
    for k in range(n_targets):
        share = left if k == n_targets - 1 else int(lots * config["decision"]["target_share"][k])
        if share < min_lots or left - share < 0:
            continue
        if 0 < left - share < min_lots:
            share = left
        left -= share
        slot = new_order(
            brain, TARGET, LIMIT, proposal["symbol"], proposal["strategy"], -proposal["side"], share, entry_id,
            decision["approval_id"], proposal["ts_ns"],
        )  # fmt: skip
        if slot < 0:
            return
        order = brain["orders"][slot]
        order["is_reduce_only"] = 1
        order["limit_ticks"] = proposal["target_ticks"][k]
        order["status"] = HELD
        order["parent_id"] = entry_id
        if config["execution"]["has_native_brackets"]:
            send(brain, config, outbox, slot, PLACE, proposal["ts_ns"])
        if left == 0:
            return


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8, i8, i8, i8))
def place_exit(
    brain: Any,
    config: Any,
    outbox: Any,
    symbol: int,
    strategy: int,
    lots: int,
    approval_id: int,
    reason: int,
    ts_ns: int,
) -> int:
    """Send a market order that closes ``lots`` of a sleeve.

    While the sleeve's stop is alive the exit joins its bracket: one quantity, which no two of its orders fill.

    Returns 0, or :data:`~bot4.pipeline.state.NO_SLOT`.
    """
    sleeve = brain["sleeves"][strategy, symbol]
    side = -1 if sleeve["lots"] > 0 else 1
    group_id = sleeve["entry_order_id"] if is_live(brain, sleeve["stop_order_id"]) else 0
    slot = new_order(brain, EXIT, MARKET, symbol, strategy, side, lots, group_id, approval_id, ts_ns)
    if slot < 0:
        return NO_SLOT
    order = brain["orders"][slot]
    order["is_reduce_only"] = 1
    order["reason"] = reason
    sleeve["is_exiting"] = 1
    sleeve["exit_order_id"] = order["id"]
    sleeve["exit_tried_ns"] = ts_ns
    send(brain, config, outbox, slot, PLACE, ts_ns)
    return 0


@kernel(b1(record(CONFIG), record(SLEEVE), i8))
def may_try_exit(config: Any, sleeve: Any, ts_ns: int) -> bool:
    """Whether an exit may be sent (again): not sooner after the last than a query would be repeated."""
    tried_ns = sleeve["exit_tried_ns"]
    return bool(tried_ns == 0 or ts_ns >= tried_ns + config["execution"]["query_delay_ns"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def cancel_order(brain: Any, config: Any, outbox: Any, order_id: int, ts_ns: int) -> None:
    """Ask the venue to cancel an order, where it can still be cancelled and was not asked before.

    An order of unknown outcome is cancelled too, in case it is there. One that is held here, not at the venue, ends
    at once.
    """
    slot = find_order(brain, order_id)
    if slot < 0 or is_finished(brain["orders"][slot]["status"]):
        return
    order, care = brain["orders"][slot], brain["care"][slot]
    if order["status"] == HELD and not config["execution"]["has_native_brackets"]:
        end_order(brain, slot, CANCELLED, ON_REQUEST)
        return
    was_wanted = care["wants_cancel"]
    care["wants_cancel"] = 1
    if care["waits"] & AWAITS_CANCEL:
        return
    if was_wanted and ts_ns < care["ts_cancel_ns"] + config["execution"]["query_delay_ns"]:
        return  # one was refused a moment ago: the next is due after the delay of a query
    if order["status"] == UNKNOWN or move_order(order, PENDING_CANCEL):
        send(brain, config, outbox, slot, CANCEL, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def cancel_bracket(brain: Any, config: Any, outbox: Any, group_id: int, ts_ns: int) -> None:
    """Ask the venue to cancel every order of a bracket that is still held or open, exits excepted."""
    if group_id == 0:
        return
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        is_of_bracket = order["group_id"] == group_id and order["role"] != EXIT
        if is_of_bracket and (order["status"] == HELD or is_open(order["status"])):
            cancel_order(brain, config, outbox, order["id"], ts_ns)
