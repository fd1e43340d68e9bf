"""The venue's reports applied: every one may come late, twice or out of order, and none is believed blindly."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import (
    ABOUT_CANCEL,
    ABOUT_REPLACE,
    EVENT,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    ORDER_STATUS,
    ORDER_TRIGGERED,
    ORDER_UNKNOWN,
)
from bot4.domain.halts import BAD_REPORT, ORPHAN, STRANGE_REPORT
from bot4.domain.orders import CANCEL, CANCELLED, ENTRY, EXPIRED, FREE, QUERY, REJECTED, can_move, is_finished
from bot4.domain.venue_reasons import (
    BAD_QUANTITY,
    BELOW_MIN_LOTS,
    BELOW_MIN_NOTIONAL,
    NEVER_ARRIVED,
    OFF_LOT,
    UNKNOWN_ORDER,
)
from bot4.kernel import i8, kernel, record, void
from bot4.pipeline.execution.awaiting import (
    AWAITS_CANCEL,
    AWAITS_PLACE,
    AWAITS_REPLACE,
    end_order,
    have_answer,
    settle_status,
)
from bot4.pipeline.execution.fills import NOTHING_CLOSED, apply_fill
from bot4.pipeline.execution.halting import halt
from bot4.pipeline.execution.inquiry import (
    ask,
    ask_later,
    become_unknown,
    cancel_later,
    confirm_replacement,
    take_answer,
    undo_never_arrived,
)
from bot4.pipeline.execution.order_table import find_order
from bot4.pipeline.execution.outbox import emit_command
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT)))
def apply_report(brain: Any, config: Any, outbox: Any, report: Any) -> int:
    """Apply one report of the venue.

    Returns:
        The strategy whose trade in the report's symbol was closed by it, or
        :data:`~bot4.pipeline.execution.fills.NOTHING_CLOSED`.
    """
    kind, symbol = report["kind"], report["symbol"]
    if symbol < 0 or symbol >= config["n_symbols"]:
        halt(brain, BAD_REPORT, report["order_id"], symbol)
        return NOTHING_CLOSED
    slot = find_order(brain, report["order_id"])
    if kind == ORDER_FILLED:
        return int(apply_fill(brain, config, outbox, report, slot))
    if slot < 0:
        _take_word_on_unknown(brain, outbox, report)
        return NOTHING_CLOSED
    order = brain["orders"][slot]
    if order["symbol"] != symbol:
        halt(brain, BAD_REPORT, order["id"], symbol)
    elif kind == ORDER_STATUS:
        take_answer(brain, config, outbox, report, slot)
    elif is_finished(order["status"]):
        _take_late_word(brain, config, outbox, report, slot)
    elif kind in (ORDER_ACCEPTED, ORDER_REPLACED, ORDER_TRIGGERED):
        _take_good_news(brain, report, slot)
    elif kind == ORDER_REJECTED:
        _take_refusal(brain, config, outbox, report, slot)
    elif kind == ORDER_CANCELLED:
        _take_ending(brain, config, report, slot, CANCELLED)
    elif kind == ORDER_EXPIRED:
        _take_ending(brain, config, report, slot, EXPIRED)
    elif kind == ORDER_UNKNOWN:
        _take_unknown_outcome(brain, config, outbox, report, slot)
    return NOTHING_CLOSED


@kernel(void(record(BRAIN), record(OUTBOX), record(EVENT)))
def _take_word_on_unknown(brain: Any, outbox: Any, report: Any) -> None:
    """A report about an order that the table does not hold.

    An order of ours gives its slot away only when it has finished: a late word about it is passed over, unless the
    venue says that it is open. Any other order is not ours, and halts.
    """
    order_id, kind = report["order_id"], report["kind"]
    if not 0 < order_id < brain["next_order_id"]:
        halt(brain, STRANGE_REPORT, order_id, report["symbol"])
        return
    brain["n_late"] += 1
    if kind in (ORDER_ACCEPTED, ORDER_REPLACED, ORDER_TRIGGERED):
        _send_about_forgotten(brain, outbox, report, QUERY)
    elif kind == ORDER_STATUS and report["status"] != FREE and not is_finished(report["status"]):
        halt(brain, ORPHAN, order_id, report["symbol"])
        _send_about_forgotten(brain, outbox, report, CANCEL)


@kernel(void(record(BRAIN), record(OUTBOX), record(EVENT), i8))
def _send_about_forgotten(brain: Any, outbox: Any, report: Any, kind: int) -> None:
    order = brain["forgotten"]
    order["id"] = report["order_id"]
    order["symbol"] = report["symbol"]
    emit_command(outbox, kind, report["ts_ns"], order)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT), i8))
def _take_late_word(brain: Any, config: Any, outbox: Any, report: Any, slot: int) -> None:
    """A finished order stays finished; but one that was said never to have come is not spoken of."""
    kind = report["kind"]
    is_alive = kind in (ORDER_ACCEPTED, ORDER_REPLACED, ORDER_TRIGGERED)
    if is_alive and brain["orders"][slot]["reason"] == NEVER_ARRIVED:
        undo_never_arrived(brain, config, outbox, slot, report["ts_ns"])
    else:
        brain["n_late"] += 1


@kernel(void(record(BRAIN), record(EVENT), i8))
def _take_good_news(brain: Any, report: Any, slot: int) -> None:
    """The venue has the order, or its new terms, or it was triggered. A cancel on its way stays on its way."""
    order, care = brain["orders"][slot], brain["care"][slot]
    kind, ts_ns = report["kind"], report["ts_ns"]
    have_answer(care, AWAITS_PLACE)
    if order["ts_active_ns"] == 0:
        order["ts_active_ns"] = ts_ns
    if kind == ORDER_TRIGGERED:
        care["is_triggered"] = 1
    elif kind == ORDER_REPLACED and care["waits"] & AWAITS_REPLACE:
        is_told_again = ts_ns == care["ts_replaced_ns"] and ts_ns < care["ts_replace_ns"]
        if not is_told_again:
            confirm_replacement(brain, slot, ts_ns)
    settle_status(order, care)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT), i8))
def _take_refusal(brain: Any, config: Any, outbox: Any, report: Any, slot: int) -> None:
    """A refused order is finished; a refused cancel or replacement leaves an order that the venue has as it was.

    Where the venue refuses because it has no such order, and here it is open, the venue is asked.
    """
    order, care = brain["orders"][slot], brain["care"][slot]
    flags, ts_ns = report["flags"], report["ts_ns"]
    if flags & ABOUT_CANCEL == 0 and flags & ABOUT_REPLACE == 0:
        if can_move(order["status"], REJECTED) and order["filled_lots"] == 0:
            end_order(brain, slot, REJECTED, report["reason"])
            _carry_if_too_small(brain, slot, report["reason"])
        else:
            halt(brain, BAD_REPORT, order["id"], order["symbol"])
            ask(brain, config, outbox, slot, ts_ns)
        return
    if flags & ABOUT_CANCEL:
        have_answer(care, AWAITS_CANCEL)
    if flags & ABOUT_REPLACE:
        was_awaited = care["waits"] & AWAITS_REPLACE
        have_answer(care, AWAITS_REPLACE)
        if not was_awaited:
            ask_later(brain, config, slot, ts_ns)  # an answer too many: what its terms are the venue must say
    settle_status(order, care)
    if report["reason"] == UNKNOWN_ORDER:
        ask_later(brain, config, slot, ts_ns)
    elif flags & ABOUT_CANCEL:
        cancel_later(brain, config, slot, ts_ns)


@kernel(void(record(BRAIN), i8, i8))
def _carry_if_too_small(brain: Any, slot: int, reason: int) -> None:
    """An exit that the venue refused for its size: what is left is carried, and tried again when it is worth more."""
    order = brain["orders"][slot]
    if order["role"] == ENTRY or reason not in (BELOW_MIN_LOTS, BELOW_MIN_NOTIONAL, BAD_QUANTITY, OFF_LOT):
        return
    sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
    if sleeve["lots"] != 0 and sleeve["carried_lots"] != abs(sleeve["lots"]):
        sleeve["carried_lots"] = abs(sleeve["lots"])
        brain["n_carried"] += 1


@kernel(void(record(BRAIN), record(CONFIG), record(EVENT), i8, i8))
def _take_ending(brain: Any, config: Any, report: Any, slot: int, status: int) -> None:
    """Cancelled or expired; where the report says that more had filled than is booked, that is waited for.

    Where reports may be lost, the venue is asked what an order had filled that ends without saying so.
    """
    order, care = brain["orders"][slot], brain["care"][slot]
    if report["fill_lots"] > order["filled_lots"] and report["fill_lots"] <= order["qty_lots"]:
        care["venue_filled_lots"] = max(care["venue_filled_lots"], report["fill_lots"])
        care["told_status"] = status
        have_answer(care, AWAITS_PLACE)
        ask_later(brain, config, slot, report["ts_ns"])
    else:
        end_order(brain, slot, status, report["reason"])
        if config["execution"]["answer_timeout_ns"] > 0 and report["fill_lots"] == 0:
            ask_later(brain, config, slot, report["ts_ns"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT), i8))
def _take_unknown_outcome(brain: Any, config: Any, outbox: Any, report: Any, slot: int) -> None:
    """A command may or may not have come; one that was answered in the meantime is not of unknown outcome."""
    bits = AWAITS_PLACE
    if report["flags"] & ABOUT_CANCEL:
        bits = AWAITS_CANCEL
    elif report["flags"] & ABOUT_REPLACE:
        bits = AWAITS_REPLACE
    care = brain["care"][slot]
    if care["waits"] & bits and not care["unknown"] & bits:  # else it is being asked about already
        become_unknown(brain, config, outbox, slot, bits, report["ts_ns"])
