"""Commands on their way: what of each order is awaited, and where that leaves its status.

The facts of an order are kept apart from its status: which commands have no answer yet, which of these are of
unknown outcome, what it wants, what has filled. The status follows from them (:func:`resting_status`), so that
reports may come late, twice or out of order.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.orders import (
    CANCEL,
    EXIT,
    HELD,
    MARKET,
    ORDER,
    PARTLY_FILLED,
    PENDING,
    PENDING_CANCEL,
    PENDING_REPLACE,
    PLACE,
    REJECTED,
    REPLACE,
    TRIGGERED,
    UNKNOWN,
    WORKING,
    is_finished,
)
from bot4.kernel import i8, kernel, record, void
from bot4.pipeline.execution.halting import lift_silence
from bot4.pipeline.execution.order_table import move_order
from bot4.pipeline.execution.outbox import emit_command
from bot4.pipeline.state import BRAIN, CONFIG, ORDER_CARE, OUTBOX

AWAITS_PLACE = 1
AWAITS_CANCEL = 2
AWAITS_REPLACE = 4


@kernel(void(record(BRAIN), i8, i8))
def look_again_at(brain: Any, slot: int, ts_ns: int) -> None:
    """See to it that an order is looked at from a time on, or sooner where that was meant already."""
    care = brain["care"][slot]
    if care["ts_due_ns"] == 0 or ts_ns < care["ts_due_ns"]:
        care["ts_due_ns"] = ts_ns
    if brain["ts_care_ns"] == 0 or ts_ns < brain["ts_care_ns"]:
        brain["ts_care_ns"] = ts_ns


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def send(brain: Any, config: Any, outbox: Any, slot: int, kind: int, ts_ns: int) -> None:
    """Send a command (place, cancel, replace, query) about the order in a slot, and await its answer.

    A replacement asks for the wanted lots and prices. A venue without brackets of its own hears of no parent, group
    or held status.
    """
    order, care = brain["orders"][slot], brain["care"][slot]
    if kind == PLACE:
        care["waits"] |= AWAITS_PLACE
        care["ts_place_ns"] = ts_ns
    elif kind == CANCEL:
        care["waits"] |= AWAITS_CANCEL
        care["ts_cancel_ns"] = ts_ns
    elif kind == REPLACE:
        care["waits"] |= AWAITS_REPLACE
        care["ts_replace_ns"] = ts_ns
    at = emit_command(outbox, kind, ts_ns, order)
    if at >= 0:
        sent = outbox["commands"][at]["order"]
        if kind == REPLACE:
            sent["qty_lots"] = care["wanted_lots"]
            sent["limit_ticks"] = care["wanted_limit_ticks"]
            sent["stop_ticks"] = care["wanted_stop_ticks"]
        if config["execution"]["has_native_brackets"] == 0:
            sent["parent_id"] = 0
            sent["group_id"] = 0
            if sent["type"] == MARKET:
                sent["limit_ticks"] = 0
    timeout_ns = config["execution"]["answer_timeout_ns"]
    is_answered = kind in (PLACE, CANCEL, REPLACE)
    if timeout_ns > 0 and is_answered and order["status"] != HELD:
        look_again_at(brain, slot, ts_ns + timeout_ns)


@kernel(void(record(ORDER), record(ORDER_CARE)))
def want_as_it_is(order: Any, care: Any) -> None:
    """Begin a replacement that changes nothing; the caller then says what it wants otherwise."""
    care["wanted_lots"] = order["qty_lots"]
    care["wanted_limit_ticks"] = order["limit_ticks"]
    care["wanted_stop_ticks"] = order["stop_ticks"]


@kernel(void(record(ORDER_CARE), i8))
def have_answer(care: Any, command_bit: int) -> None:
    """A command has its answer."""
    if care["waits"] & command_bit:
        care["waits"] -= command_bit
    if care["unknown"] & command_bit:
        care["unknown"] -= command_bit


@kernel(i8(record(ORDER), record(ORDER_CARE)))
def resting_status(order: Any, care: Any) -> int:
    """The status of an order that has not finished, from what is known of it."""
    waits = care["waits"]
    if waits & care["unknown"]:
        return UNKNOWN
    if waits & AWAITS_CANCEL:
        return PENDING_CANCEL
    if waits & AWAITS_REPLACE:
        return PENDING_REPLACE
    if order["filled_lots"] > 0:
        return PARTLY_FILLED
    if care["is_triggered"]:
        return TRIGGERED
    if order["ts_active_ns"] > 0:
        return WORKING
    return HELD if order["parent_id"] != 0 else PENDING


@kernel(void(record(ORDER), record(ORDER_CARE)))
def settle_status(order: Any, care: Any) -> None:
    """Bring an order's status in line with what is known of it."""
    if not is_finished(order["status"]):
        move_order(order, resting_status(order, care))


@kernel(void(record(BRAIN), i8, i8, i8))
def end_order(brain: Any, slot: int, status: int, reason: int) -> None:
    """Finish an order, and let its sleeve know that an entry or an exit of its own will fill no further."""
    order, care = brain["orders"][slot], brain["care"][slot]
    if not move_order(order, status):
        return
    if reason != 0 and (order["role"] != EXIT or status == REJECTED):
        order["reason"] = reason  # of an exit it says why the position is left, which a late fill still asks for
    care["waits"] = 0
    care["unknown"] = 0
    care["wants_cancel"] = 0
    care["is_asking"] = 0
    care["told_status"] = 0
    care["n_asked"] = 0
    care["ts_due_ns"] = 0
    if care["is_given_up"]:
        care["is_given_up"] = 0
        lift_silence(brain, order["id"])
    sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
    if order["id"] == sleeve["entry_order_id"]:
        sleeve["is_entering"] = 0
    if order["id"] == sleeve["exit_order_id"]:
        sleeve["is_exiting"] = 0
        sleeve["exit_order_id"] = 0
