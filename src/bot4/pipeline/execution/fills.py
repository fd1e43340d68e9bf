"""Fills as facts: booked once whatever state the order is in, then told to the order and its sleeve."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT, FEE_ASSET_MASK, FEE_ASSET_SHIFT, IS_MAKER, IS_SELL, IS_SNAPSHOT
from bot4.domain.halts import (
    BAD_REPORT,
    EXCESS_REDUCTION,
    FILL_AFTER_END,
    OVERFILL,
    STRANGE_FILL,
    UNBOOKABLE,
    UNSURE_FILL,
)
from bot4.domain.ledger import OK, apply_to_holding, book_fill_and_fee, fee_asset_of, settlement_asset
from bot4.domain.money import HALF_EVEN, notional_atoms
from bot4.domain.orders import (
    BUY,
    ENTRY,
    FILL,
    FILLED,
    HELD,
    ORDER,
    PROTECTIVE_STOP,
    SELL,
    TARGET,
    is_finished,
)
from bot4.domain.portfolio import BY_EMERGENCY, BY_SIGNAL, BY_STOP, BY_TARGET, SLEEVE
from bot4.domain.venue_reasons import NEVER_ARRIVED
from bot4.kernel import i8, kernel, record, void
from bot4.pipeline.execution.awaiting import (
    AWAITS_PLACE,
    AWAITS_REPLACE,
    end_order,
    have_answer,
    look_again_at,
    settle_status,
)
from bot4.pipeline.execution.halting import halt
from bot4.pipeline.execution.inquiry import ask, ask_later, undo_never_arrived
from bot4.pipeline.execution.order_table import find_order, note_order_id
from bot4.pipeline.execution.outbox import next_fill
from bot4.pipeline.execution.trade_memory import NEW, SEEN, remember_trade
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX

NOTHING_CLOSED = -1


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT), i8))
def apply_fill(brain: Any, config: Any, outbox: Any, report: Any, slot: int) -> int:
    """Book a fill once, by the venue's trade id, and apply it to its order (``slot``; -1 where it is not known).

    Returns:
        The strategy whose trade in the report's symbol was closed by it, or :data:`NOTHING_CLOSED`.
    """
    symbol, order_id = report["symbol"], report["order_id"]
    known = remember_trade(brain, symbol, report["trade_id"])
    if known != NEW:
        if known == SEEN:
            brain["n_duplicates"] += 1
        else:
            halt(brain, UNSURE_FILL, order_id, symbol)
            if slot >= 0:
                ask(brain, config, outbox, slot, report["ts_ns"])
        return NOTHING_CLOSED
    side = SELL if report["flags"] & IS_SELL else BUY
    lots, ticks, fee = report["fill_lots"], report["fill_ticks"], report["fee_atoms"]
    instrument, position = config["instruments"][symbol], brain["positions"][symbol]
    fee_asset = fee_asset_of(instrument, report["flags"])
    if book_fill_and_fee(brain["ledger"], instrument, position, side, ticks, lots, fee_asset, fee) != OK:
        halt(brain, UNBOOKABLE, order_id, symbol)
        return NOTHING_CLOSED
    if fee_asset >= config["n_assets"]:
        halt(brain, BAD_REPORT, order_id, symbol)  # booked, in an asset that has no name here
    brain["n_fills"] += 1
    row = next_fill(outbox)
    if row >= 0:
        _write_fill(outbox["fills"][row], report, side)
    if slot < 0 or brain["orders"][slot]["symbol"] != symbol:
        if report["flags"] & IS_SNAPSHOT:
            note_order_id(brain, order_id)  # found in a reconciliation, which says what becomes of it
        else:
            halt(brain, STRANGE_FILL, order_id, symbol)  # the money is booked, the rest needs a person
        return NOTHING_CLOSED
    order = brain["orders"][slot]
    fault = _fault_of(brain, slot, side, lots)
    if row >= 0:
        fill = outbox["fills"][row]
        fill["strategy"] = order["strategy"]
        fill["role"] = order["role"]
        fill["is_flagged"] = int(fault != 0)
    _count_fill(brain, config, report, slot)
    closed = _fill_sleeve(brain, config, order, report, side)
    if fault != 0:
        _part_with_excess(brain, config, outbox, slot, fault, report["ts_ns"])
    elif order["role"] != ENTRY:
        _ask_for_missing_entry(brain, config, outbox, slot, report["ts_ns"])
    return int(closed)


@kernel(i8(record(BRAIN), i8, i8, i8))
def _fault_of(brain: Any, slot: int, side: int, lots: int) -> int:
    """Why a fill is flagged (a :class:`~bot4.domain.halts.HaltReason`), 0 where it is not.

    An order that is FILLED may still be owed fills, told out of order, up to its quantity. An exit may be told before
    the fills of the entry that it closes.
    """
    order, care = brain["orders"][slot], brain["care"][slot]
    if side != order["side"]:
        return BAD_REPORT
    most = order["qty_lots"]
    if care["waits"] & AWAITS_REPLACE:
        most = max(most, care["wanted_lots"])
    if order["filled_lots"] + lots > most:
        return OVERFILL
    if is_finished(order["status"]) and order["status"] != FILLED:
        return FILL_AFTER_END
    if order["role"] == ENTRY:
        return 0
    held = brain["sleeves"][order["strategy"], order["symbol"]]["lots"]
    return EXCESS_REDUCTION if side * held + lots > _lots_to_come(brain, order) else 0


@kernel(i8(record(BRAIN), record(ORDER)))
def _lots_to_come(brain: Any, order: Any) -> int:
    """Lots that the entry of an exit's sleeve may still be told to have filled."""
    slot = find_order(brain, brain["sleeves"][order["strategy"], order["symbol"]]["entry_order_id"])
    if slot < 0 or is_finished(brain["orders"][slot]["status"]):
        return 0
    return int(max(0, brain["orders"][slot]["qty_lots"] - brain["orders"][slot]["filled_lots"]))


@kernel(void(record(BRAIN), record(CONFIG), record(EVENT), i8))
def _count_fill(brain: Any, config: Any, report: Any, slot: int) -> None:
    order, care = brain["orders"][slot], brain["care"][slot]
    is_first = order["filled_lots"] == 0
    order["filled_lots"] += report["fill_lots"]
    is_over = report["reason"] == 0 or order["filled_lots"] > order["qty_lots"]
    if care["waits"] & AWAITS_REPLACE and is_over:  # the venue may have taken the replacement, whose word is on its way
        order["qty_lots"] = max(order["qty_lots"], care["wanted_lots"])
    if order["ts_active_ns"] == 0:
        order["ts_active_ns"] = report["ts_ns"]
    have_answer(care, AWAITS_PLACE)
    if is_finished(order["status"]):
        return
    if care["told_status"] != 0 and order["filled_lots"] >= care["venue_filled_lots"]:
        end_order(brain, slot, care["told_status"], 0)
        return
    # The report says what is left open: a bracket's orders shrink at the venue as their siblings fill.
    if report["reason"] == 0:
        if order["role"] == ENTRY and order["filled_lots"] < order["qty_lots"]:
            care["told_status"] = FILLED  # an earlier fill of it is still on its way
            care["venue_filled_lots"] = max(care["venue_filled_lots"], order["qty_lots"])
            ask_later(brain, config, slot, report["ts_ns"])
        else:
            end_order(brain, slot, FILLED, 0)
    settle_status(order, care)
    if order["role"] == ENTRY and is_first:
        _expect_children(brain, config, order["id"], report["ts_ns"])


@kernel(void(record(BRAIN), record(CONFIG), i8, i8))
def _expect_children(brain: Any, config: Any, entry_id: int, ts_ns: int) -> None:
    """The entry has begun to fill: from now on the venue's word about the children that it holds can be overdue."""
    timeout_ns = config["execution"]["answer_timeout_ns"]
    if timeout_ns == 0:
        return
    for slot in range(brain["n_slots"]):
        order, care = brain["orders"][slot], brain["care"][slot]
        if order["parent_id"] == entry_id and order["status"] == HELD and care["waits"] & AWAITS_PLACE:
            care["ts_place_ns"] = ts_ns
            look_again_at(brain, slot, ts_ns + timeout_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def _part_with_excess(brain: Any, config: Any, outbox: Any, slot: int, fault: int, ts_ns: int) -> None:
    """No stop was meant for what a flagged fill left in the sleeve: it goes at the next bar, and no new risk comes."""
    order, care = brain["orders"][slot], brain["care"][slot]
    halt(brain, fault, order["id"], order["symbol"])
    if fault == FILL_AFTER_END:
        if order["reason"] == NEVER_ARRIVED:
            undo_never_arrived(brain, config, outbox, slot, ts_ns)
        care["is_disputed"] = 1
        ask(brain, config, outbox, slot, ts_ns)
    sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
    if sleeve["lots"] != 0:
        sleeve["leave_reason"] = BY_EMERGENCY


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def _ask_for_missing_entry(brain: Any, config: Any, outbox: Any, slot: int, ts_ns: int) -> None:
    """An exit filled more than is held: its entry has filled, and was not told. It may be on its way, or lost."""
    order = brain["orders"][slot]
    if order["side"] * brain["sleeves"][order["strategy"], order["symbol"]]["lots"] <= 0:
        return
    entry = find_order(brain, brain["sleeves"][order["strategy"], order["symbol"]]["entry_order_id"])
    if entry >= 0 and brain["care"][entry]["is_asking"] == 0:
        ask(brain, config, outbox, entry, ts_ns)


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
    fill["fee_asset"] = (report["flags"] >> FEE_ASSET_SHIFT) & FEE_ASSET_MASK
    fill["padding"] = 0
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
        halt(brain, UNBOOKABLE, order["id"], symbol)
    if fee_asset_of(instrument, report["flags"]) == settlement_asset(instrument):
        sleeve["fees_atoms"] += report["fee_atoms"]
    if order["role"] == ENTRY:
        if sleeve["entry_lots"] == 0:
            sleeve["ts_entry_ns"] = report["ts_ns"]
            sleeve["is_short"] = int(side == SELL)
        sleeve["entry_lots"] += lots
        sleeve["entry_cost_atoms"] += value
        if sleeve["stop_ticks"] == 0 and sleeve["initial_stop_ticks"] > 0 and sleeve["lots"] != 0:
            sleeve["leave_reason"] = BY_EMERGENCY  # told after its trade was closed, its stop with it
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
