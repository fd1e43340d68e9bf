"""The venue's reports applied: order statuses, fills as facts, and the trades they close."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import (
    EVENT,
    IS_MAKER,
    IS_SELL,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
)
from bot4.domain.ledger import OK, apply_to_holding, book_fill
from bot4.domain.money import HALF_EVEN, notional_atoms
from bot4.domain.orders import (
    BUY,
    CANCELLED,
    ENTRY,
    EXPIRED,
    FILL,
    FILLED,
    ORDER,
    PARTLY_FILLED,
    PENDING_CANCEL,
    PENDING_REPLACE,
    PROTECTIVE_STOP,
    REJECTED,
    SELL,
    TARGET,
    UNKNOWN,
    WORKING,
    is_finished,
)
from bot4.domain.portfolio import BY_EMERGENCY, BY_SIGNAL, BY_STOP, BY_TARGET, SLEEVE
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.order_table import find_order, move_order
from bot4.pipeline.execution.outbox import next_fill
from bot4.pipeline.state import BRAIN, CONFIG, N_RECENT_TRADES, OUTBOX

NOTHING_CLOSED = -1


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT)))
def apply_report(brain: Any, config: Any, outbox: Any, report: Any) -> int:
    """Apply one report of the venue.

    Returns:
        The strategy whose trade in the report's symbol was closed by it, or :data:`NOTHING_CLOSED`.
    """
    kind = report["kind"]
    slot = find_order(brain, report["order_id"])
    if kind == ORDER_FILLED:
        return int(_apply_fill(brain, config, outbox, report, slot))
    if slot < 0:
        if not _is_late_ending(brain, report):
            brain["is_halted"] = 1
        return NOTHING_CLOSED
    order = brain["orders"][slot]
    if kind in (ORDER_ACCEPTED, ORDER_REPLACED):
        _acknowledge(brain, order, report)
    elif kind == ORDER_REJECTED:
        _reject(brain, order, report)
    elif kind == ORDER_CANCELLED:
        move_order(order, CANCELLED)
    elif kind == ORDER_EXPIRED:
        move_order(order, EXPIRED)
    else:  # ORDER_UNKNOWN
        move_order(order, UNKNOWN)
        brain["is_halted"] = 1
    if is_finished(order["status"]):
        _release(brain, order)
    return NOTHING_CLOSED


@kernel(b1(record(BRAIN), record(EVENT)))
def _is_late_ending(brain: Any, report: Any) -> bool:
    """Whether a report only ends once more an order that finished so long ago that its slot was given away."""
    is_ours = 0 < report["order_id"] < brain["next_order_id"]
    return bool(is_ours and report["kind"] in (ORDER_REJECTED, ORDER_CANCELLED, ORDER_EXPIRED))


@kernel(void(record(BRAIN), record(ORDER), record(EVENT)))
def _acknowledge(brain: Any, order: Any, report: Any) -> None:
    """The venue has the order, or its new prices. A cancel on its way stays on its way."""
    order["ts_active_ns"] = report["ts_ns"]
    sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
    if report["kind"] == ORDER_REPLACED and order["id"] == sleeve["stop_order_id"]:
        sleeve["stop_ticks"] = order["stop_ticks"]
    if order["status"] != PENDING_CANCEL:
        _back_to_work(order)


@kernel(void(record(ORDER)))
def _back_to_work(order: Any) -> None:
    move_order(order, PARTLY_FILLED if order["filled_lots"] > 0 else WORKING)


@kernel(void(record(BRAIN), record(ORDER), record(EVENT)))
def _reject(brain: Any, order: Any, report: Any) -> None:
    """A refused order is finished; a refused cancel or replacement leaves an order that the venue has as it was."""
    if order["ts_active_ns"] == 0:
        if move_order(order, REJECTED):
            order["reason"] = report["reason"]
        return
    if order["status"] == PENDING_REPLACE:
        sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
        order["stop_ticks"] = sleeve["stop_ticks"]
        _back_to_work(order)
    elif order["status"] == PENDING_CANCEL:
        _back_to_work(order)


@kernel(void(record(BRAIN), record(ORDER)))
def _release(brain: Any, order: Any) -> None:
    """Let the sleeve know that an entry or an exit of its own will fill no further."""
    sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
    if order["id"] == sleeve["entry_order_id"]:
        sleeve["is_entering"] = 0
    if order["id"] == sleeve["exit_order_id"]:
        sleeve["is_exiting"] = 0
        sleeve["exit_order_id"] = 0


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT), i8))
def _apply_fill(brain: Any, config: Any, outbox: Any, report: Any, slot: int) -> int:
    if _was_booked(brain, report["trade_id"]):
        return NOTHING_CLOSED
    symbol = report["symbol"]
    side = SELL if report["flags"] & IS_SELL else BUY
    lots, ticks, fee = report["fill_lots"], report["fill_ticks"], report["fee_atoms"]
    instrument = config["instruments"][symbol]
    if book_fill(brain["ledger"], instrument, brain["positions"][symbol], side, ticks, lots, fee) != OK:
        brain["is_halted"] = 1
        return NOTHING_CLOSED
    row = next_fill(outbox)
    if row >= 0:
        _write_fill(outbox["fills"][row], report, side)
    if slot < 0:  # nothing of ours is known under this id: the money is booked, the rest needs a person
        brain["is_halted"] = 1
        return NOTHING_CLOSED
    order = brain["orders"][slot]
    is_flagged = _is_excess(brain, order, side, lots)
    if row >= 0:
        fill = outbox["fills"][row]
        fill["strategy"] = order["strategy"]
        fill["role"] = order["role"]
        fill["is_flagged"] = int(is_flagged)
    _count_fill(order, report)
    closed = _fill_sleeve(brain, config, order, report, side)
    if is_flagged:
        _part_with_excess(brain, order)
    if is_finished(order["status"]):
        _release(brain, order)
    return int(closed)


@kernel(b1(record(BRAIN), record(ORDER), i8, i8))
def _is_excess(brain: Any, order: Any, side: int, lots: int) -> bool:
    """Whether a fill is one on a finished order, an overfill, or more than there was to reduce."""
    if is_finished(order["status"]) or order["filled_lots"] + lots > order["qty_lots"]:
        return True
    held = brain["sleeves"][order["strategy"], order["symbol"]]["lots"]
    return bool(order["role"] != ENTRY and side * held + lots > 0)


@kernel(void(record(ORDER), record(EVENT)))
def _count_fill(order: Any, report: Any) -> None:
    order["filled_lots"] += report["fill_lots"]
    if order["ts_active_ns"] == 0:
        order["ts_active_ns"] = report["ts_ns"]
    # The report says what is left open: a bracket's orders shrink at the venue as their siblings fill.
    if report["reason"] == 0:
        move_order(order, FILLED)
    elif order["status"] not in (PENDING_CANCEL, PENDING_REPLACE):
        move_order(order, PARTLY_FILLED)


@kernel(void(record(BRAIN), record(ORDER)))
def _part_with_excess(brain: Any, order: Any) -> None:
    """No stop was meant for what a flagged fill left in the sleeve: it goes at the next bar, and no new risk comes."""
    brain["is_halted"] = 1
    sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
    if sleeve["lots"] != 0:
        sleeve["leave_reason"] = BY_EMERGENCY


@kernel(b1(record(BRAIN), i8))
def _was_booked(brain: Any, trade_id: int) -> bool:
    recent = brain["recent_trade_ids"]
    for k in range(min(brain["n_fills"], N_RECENT_TRADES)):
        if recent[k] == trade_id:
            return True
    recent[brain["n_fills"] % N_RECENT_TRADES] = trade_id
    brain["n_fills"] += 1
    return False


@kernel(void(record(FILL), record(EVENT), i8))
def _write_fill(fill: Any, report: Any, side: int) -> None:
    fill["trade_id"] = report["trade_id"]
    fill["order_id"] = report["order_id"]
    fill["ts_ns"] = report["ts_ns"]
    fill["symbol"] = report["symbol"]
    fill["strategy"] = -1
    fill["side"] = side
    fill["role"] = 0
    fill["price_ticks"] = report["fill_ticks"]
    fill["qty_lots"] = report["fill_lots"]
    fill["fee_atoms"] = report["fee_atoms"]
    fill["is_maker"] = int(report["flags"] & IS_MAKER > 0)
    fill["is_flagged"] = 1


@kernel(i8(record(BRAIN), record(CONFIG), record(ORDER), record(EVENT), i8))
def _fill_sleeve(brain: Any, config: Any, order: Any, report: Any, side: int) -> int:
    symbol, strategy = order["symbol"], order["strategy"]
    sleeve = brain["sleeves"][strategy, symbol]
    instrument = config["instruments"][symbol]
    lots, ticks = report["fill_lots"], report["fill_ticks"]
    value = notional_atoms(instrument, ticks, lots, HALF_EVEN)
    was_flat = sleeve["lots"] == 0
    if apply_to_holding(instrument, sleeve, side, ticks, lots) != OK:
        brain["is_halted"] = 1
    sleeve["fees_atoms"] += report["fee_atoms"]
    if order["role"] == ENTRY:
        if was_flat:
            sleeve["ts_entry_ns"] = report["ts_ns"]
            sleeve["is_short"] = int(side == SELL)
        sleeve["entry_lots"] += lots
        sleeve["entry_cost_atoms"] += value
        reference = sleeve["decision_ticks"]
        if sleeve["initial_stop_ticks"] > 0:
            risk_ticks = abs(ticks - sleeve["initial_stop_ticks"])
            sleeve["risk_atoms"] += notional_atoms(instrument, risk_ticks, lots, HALF_EVEN)
    else:
        sleeve["exit_lots"] += lots
        sleeve["exit_value_atoms"] += value
        sleeve["last_reason"] = _exit_reason(order)
        reference = _exit_reference(brain, sleeve, order)
    slipped_ticks = (ticks - reference) * side
    if reference > 0:
        slipped = notional_atoms(instrument, abs(slipped_ticks), lots, HALF_EVEN)
        sleeve["slippage_atoms"] += slipped if slipped_ticks >= 0 else -slipped
    return int(strategy) if sleeve["lots"] == 0 and not was_flat else NOTHING_CLOSED


@kernel(i8(record(ORDER)))
def _exit_reason(order: Any) -> int:
    if order["role"] == PROTECTIVE_STOP:
        return BY_STOP
    if order["role"] == TARGET:
        return BY_TARGET
    return order["reason"] if order["reason"] > 0 else BY_SIGNAL


@kernel(i8(record(BRAIN), record(SLEEVE), record(ORDER)))
def _exit_reference(brain: Any, sleeve: Any, order: Any) -> int:
    """Price in ticks that an exit was meant to get."""
    if order["role"] == PROTECTIVE_STOP:
        return int(sleeve["stop_ticks"])
    if order["role"] == TARGET:
        return int(order["limit_ticks"])
    return int(brain["positions"][order["symbol"]]["mark_ticks"])
