"""Asking the venue what became of an order, and what follows from its answer.

Nothing of unknown outcome is sent again. The order counts as exposure; the venue is asked at once, then with growing
delay; "no such order" is believed only of an answer given when the command could no longer arrive. Where answers do
not come, or do not settle it, new risk halts and the asking goes on.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT, IS_SNAPSHOT
from bot4.domain.halts import BAD_REPORT, CAME_BACK, FILLS_MISSING, NO_ANSWER, VANISHED
from bot4.domain.orders import (
    CANCEL,
    EXPIRED,
    FREE,
    HELD,
    N_STATUSES,
    QUERY,
    REJECTED,
    TRIGGERED,
    is_finished,
    is_open,
)
from bot4.domain.venue_reasons import NEVER_ARRIVED
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.awaiting import (
    AWAITS_CANCEL,
    AWAITS_PLACE,
    AWAITS_REPLACE,
    end_order,
    have_answer,
    look_again_at,
    send,
    settle_status,
)
from bot4.pipeline.execution.halting import halt, lift_explained, lift_silence
from bot4.pipeline.execution.order_table import find_order
from bot4.pipeline.state import BRAIN, CONFIG, ORDER_CARE, OUTBOX

_MOST_DOUBLINGS = 20


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def ask(brain: Any, config: Any, outbox: Any, slot: int, ts_ns: int) -> None:
    """Ask the venue about the order in a slot, and again later unless its answer settles it."""
    order, care = brain["orders"][slot], brain["care"][slot]
    care["is_asking"] = 1
    care["ts_asked_ns"] = ts_ns
    send(brain, config, outbox, slot, QUERY, ts_ns)
    _come_back(brain, config, slot, ts_ns)
    if care["n_asked"] > config["execution"]["most_queries"] and care["is_given_up"] == 0:
        care["is_given_up"] = 1
        is_filling = care["venue_filled_lots"] > order["filled_lots"]
        halt(brain, FILLS_MISSING if is_filling else NO_ANSWER, order["id"], order["symbol"])


@kernel(void(record(BRAIN), record(CONFIG), i8, i8))
def _come_back(brain: Any, config: Any, slot: int, ts_ns: int) -> None:
    """Count one more attempt, and look at the order again after a delay that doubles with each."""
    care, limits = brain["care"][slot], config["execution"]
    doublings = min(care["n_asked"], _MOST_DOUBLINGS)
    care["n_asked"] += 1
    care["ts_due_ns"] = ts_ns + max(1, min(limits["query_delay_ns"] << doublings, limits["query_delay_most_ns"]))
    look_again_at(brain, slot, care["ts_due_ns"])


@kernel(void(record(BRAIN), record(CONFIG), i8, i8))
def ask_later(brain: Any, config: Any, slot: int, ts_ns: int) -> None:
    """Ask about an order after the delay of a query, unless what is missing has come by then."""
    care = brain["care"][slot]
    if care["is_asking"] == 0:
        care["is_asking"] = 1
        look_again_at(brain, slot, ts_ns + max(1, config["execution"]["query_delay_ns"]))


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def become_unknown(brain: Any, config: Any, outbox: Any, slot: int, command_bits: int, ts_ns: int) -> None:
    """The outcome of commands about an order is not known: it counts as exposure, and the venue is asked."""
    order, care = brain["orders"][slot], brain["care"][slot]
    care["unknown"] |= command_bits & care["waits"]
    settle_status(order, care)
    ask(brain, config, outbox, slot, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8))
def ask_about_all(brain: Any, config: Any, outbox: Any, ts_ns: int) -> None:
    """The venue was out of reach, or we were: ask about every order that it may have.

    What it said meanwhile is lost, and what became of commands without an answer is unknown.
    """
    is_held_there = config["execution"]["has_native_brackets"]
    for slot in range(brain["n_slots"]):
        status = brain["orders"][slot]["status"]
        if is_open(status) or (status == HELD and is_held_there):
            become_unknown(brain, config, outbox, slot, brain["care"][slot]["waits"], ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8))
def look_after_orders(brain: Any, config: Any, outbox: Any, ts_ns: int) -> None:
    """At a time that no report brought: repeat queries and cancels that are due, and notice what has no answer."""
    if brain["ts_care_ns"] == 0 or ts_ns < brain["ts_care_ns"]:
        return
    brain["ts_care_ns"] = 0
    for slot in range(brain["n_slots"]):
        care = brain["care"][slot]
        if care["ts_due_ns"] == 0:
            continue
        if ts_ns >= care["ts_due_ns"]:
            care["ts_due_ns"] = 0
            _attend(brain, config, outbox, slot, ts_ns)
        if care["ts_due_ns"] != 0:
            look_again_at(brain, slot, care["ts_due_ns"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def _attend(brain: Any, config: Any, outbox: Any, slot: int, ts_ns: int) -> None:
    order, care = brain["orders"][slot], brain["care"][slot]
    if care["is_asking"]:
        ask(brain, config, outbox, slot, ts_ns)
        return
    if is_finished(order["status"]) or order["status"] == FREE:
        return
    overdue = _overdue(brain, config, slot, ts_ns)
    if overdue != 0:
        become_unknown(brain, config, outbox, slot, overdue, ts_ns)
    elif care["wants_cancel"] and not care["waits"] & AWAITS_CANCEL:
        _cancel_again(brain, config, outbox, slot, ts_ns)


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8))
def _overdue(brain: Any, config: Any, slot: int, ts_ns: int) -> int:
    """Bits of the commands whose answer is overdue; looks again at the others when they will be.

    A child that the venue holds is acknowledged when its parent fills, so that only then its answer can be overdue.
    """
    care, order = brain["care"][slot], brain["orders"][slot]
    timeout_ns = config["execution"]["answer_timeout_ns"]
    if timeout_ns == 0:
        return 0
    overdue = 0
    if care["waits"] & AWAITS_PLACE and (order["status"] != HELD or _has_filled(brain, order["parent_id"])):
        overdue |= _one_overdue(brain, slot, AWAITS_PLACE, care["ts_place_ns"] + timeout_ns, ts_ns)
    if care["waits"] & AWAITS_CANCEL:
        overdue |= _one_overdue(brain, slot, AWAITS_CANCEL, care["ts_cancel_ns"] + timeout_ns, ts_ns)
    if care["waits"] & AWAITS_REPLACE:
        overdue |= _one_overdue(brain, slot, AWAITS_REPLACE, care["ts_replace_ns"] + timeout_ns, ts_ns)
    return int(overdue)


@kernel(i8(record(BRAIN), i8, i8, i8, i8))
def _one_overdue(brain: Any, slot: int, command_bit: int, deadline_ns: int, ts_ns: int) -> int:
    if ts_ns >= deadline_ns:
        return command_bit
    look_again_at(brain, slot, deadline_ns)
    return 0


@kernel(b1(record(BRAIN), i8))
def _has_filled(brain: Any, order_id: int) -> bool:
    slot = find_order(brain, order_id)
    return bool(slot < 0 or brain["orders"][slot]["filled_lots"] > 0)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def _cancel_again(brain: Any, config: Any, outbox: Any, slot: int, ts_ns: int) -> None:
    """An order that is to end is still there, and its last cancel came to nothing."""
    order, care = brain["orders"][slot], brain["care"][slot]
    send(brain, config, outbox, slot, CANCEL, ts_ns)
    settle_status(order, care)
    if care["n_asked"] >= config["execution"]["most_queries"] and care["is_given_up"] == 0:
        care["is_given_up"] = 1
        halt(brain, NO_ANSWER, order["id"], order["symbol"])


@kernel(void(record(BRAIN), record(CONFIG), i8, i8))
def cancel_later(brain: Any, config: Any, slot: int, ts_ns: int) -> None:
    """A cancel was refused or did not come: it is sent again after a delay, as long as the order is to end."""
    if brain["care"][slot]["wants_cancel"]:
        _come_back(brain, config, slot, ts_ns)


# --- the answer ------------------------------------------------------------------------------------------------------


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT), i8))
def take_answer(brain: Any, config: Any, outbox: Any, report: Any, slot: int) -> None:
    """Apply an ORDER_STATUS, asked for or not, to the order in a slot."""
    order, care = brain["orders"][slot], brain["care"][slot]
    status, filled = report["status"], report["status_filled_lots"]
    if status < 0 or status >= N_STATUSES or filled < 0:
        halt(brain, BAD_REPORT, order["id"], order["symbol"])
        return
    if status == FREE:
        _take_not_found(brain, config, report, slot)
        return
    if filled > care["venue_filled_lots"]:
        care["venue_filled_lots"] = filled
    if is_finished(order["status"]):
        _take_word_after_end(brain, config, outbox, report, slot)
        return
    have_answer(care, AWAITS_PLACE)
    if order["ts_active_ns"] == 0 and status != HELD:
        order["ts_active_ns"] = report["ts_ns"]
    if is_finished(status):
        _take_end(brain, config, report, slot)
    else:
        _take_open(brain, config, report, slot)


@kernel(void(record(BRAIN), record(CONFIG), record(EVENT), i8))
def _take_not_found(brain: Any, config: Any, report: Any, slot: int) -> None:
    """The venue knows no such order: believed once the command could no longer arrive when it said so."""
    order, care = brain["orders"][slot], brain["care"][slot]
    if is_finished(order["status"]):
        _stop_asking(care)  # what it once was the venue has forgotten; what is disputed stays so
        return
    certain_ns = care["ts_place_ns"] + config["execution"]["validity_ns"]
    was_asked_late = care["ts_asked_ns"] >= certain_ns or report["flags"] & IS_SNAPSHOT
    if report["ts_ns"] < certain_ns or not was_asked_late or report["ts_ns"] < order["ts_active_ns"]:
        ask_later(brain, config, slot, report["ts_ns"])
        return
    if order["ts_active_ns"] == 0 and order["filled_lots"] == 0:
        end_order(brain, slot, REJECTED, NEVER_ARRIVED)
        return
    halt(brain, VANISHED, order["id"], order["symbol"])
    end_order(brain, slot, EXPIRED, 0)


@kernel(void(record(ORDER_CARE)))
def _stop_asking(care: Any) -> None:
    care["is_asking"] = 0
    care["is_given_up"] = 0
    care["n_asked"] = 0
    care["ts_due_ns"] = 0


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT), i8))
def _take_word_after_end(brain: Any, config: Any, outbox: Any, report: Any, slot: int) -> None:
    order, care = brain["orders"][slot], brain["care"][slot]
    if not is_finished(report["status"]):
        if order["reason"] == NEVER_ARRIVED or report["flags"] & IS_SNAPSHOT:
            undo_never_arrived(brain, config, outbox, slot, report["ts_ns"])
        return  # else an answer given before the end
    if care["venue_filled_lots"] > order["filled_lots"]:
        ask_later(brain, config, slot, report["ts_ns"])
        return
    _stop_asking(care)
    if care["is_disputed"] and order["filled_lots"] <= order["qty_lots"]:
        care["is_disputed"] = 0
        lift_explained(brain, order["id"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def undo_never_arrived(brain: Any, config: Any, outbox: Any, slot: int, ts_ns: int) -> None:
    """The venue speaks of an order that it had said never came: it is to go, and new risk halts."""
    order, care = brain["orders"][slot], brain["care"][slot]
    if care["is_disputed"] == 0:
        care["is_disputed"] = 1
        halt(brain, CAME_BACK, order["id"], order["symbol"])
    send(brain, config, outbox, slot, CANCEL, ts_ns)
    care["waits"] = 0
    ask_later(brain, config, slot, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(EVENT), i8))
def _take_end(brain: Any, config: Any, report: Any, slot: int) -> None:
    """The venue says that an order has ended; it ends here when all that it filled is booked."""
    order, care = brain["orders"][slot], brain["care"][slot]
    if care["venue_filled_lots"] > order["filled_lots"]:
        care["told_status"] = report["status"]
        settle_status(order, care)
        ask_later(brain, config, slot, report["ts_ns"])
    else:
        end_order(brain, slot, report["status"], 0)


@kernel(void(record(BRAIN), record(CONFIG), record(EVENT), i8))
def _take_open(brain: Any, config: Any, report: Any, slot: int) -> None:
    """The venue has the order, open or held: what of the commands about it has come, and what has not."""
    order, care = brain["orders"][slot], brain["care"][slot]
    ts_ns, validity_ns = report["ts_ns"], config["execution"]["validity_ns"]
    if report["status"] == TRIGGERED:
        care["is_triggered"] = 1
    if care["waits"] & AWAITS_REPLACE:
        if _is_as_wanted(care, report):
            confirm_replacement(brain, slot, ts_ns)
        elif ts_ns >= care["ts_replace_ns"] + validity_ns:
            have_answer(care, AWAITS_REPLACE)
    elif ts_ns >= care["ts_replaced_ns"]:
        _adopt_terms(brain, slot, report)
    if care["waits"] & AWAITS_CANCEL and ts_ns >= care["ts_cancel_ns"] + validity_ns:
        have_answer(care, AWAITS_CANCEL)
        cancel_later(brain, config, slot, ts_ns)
    settle_status(order, care)
    if care["venue_filled_lots"] > order["filled_lots"]:
        ask_later(brain, config, slot, ts_ns)
    elif not care["waits"] & care["unknown"] and care["is_asking"]:
        if care["is_given_up"]:
            lift_silence(brain, order["id"])
        _stop_asking(care)
        if care["wants_cancel"] and not care["waits"] & AWAITS_CANCEL:
            cancel_later(brain, config, slot, ts_ns)
        if _overdue(brain, config, slot, ts_ns) != 0:
            look_again_at(brain, slot, ts_ns)


@kernel(b1(record(ORDER_CARE), record(EVENT)))
def _is_as_wanted(care: Any, report: Any) -> bool:
    return bool(
        report["status_stop_ticks"] == care["wanted_stop_ticks"]
        and report["status_limit_ticks"] == care["wanted_limit_ticks"]
        and (report["status_lots"] == care["wanted_lots"] or report["status_lots"] == 0)
    )


@kernel(void(record(BRAIN), i8, record(EVENT)))
def _adopt_terms(brain: Any, slot: int, report: Any) -> None:
    """No replacement is on its way: what the venue says of prices is so. The lots of a bracket's orders are its own."""
    order = brain["orders"][slot]
    if report["status_stop_ticks"] > 0:
        order["stop_ticks"] = report["status_stop_ticks"]
    if report["status_limit_ticks"] > 0:
        order["limit_ticks"] = report["status_limit_ticks"]
    _tell_sleeve(brain, slot)


@kernel(void(record(BRAIN), i8, i8))
def confirm_replacement(brain: Any, slot: int, ts_ns: int) -> None:
    """The venue has taken the replacement that was on its way: what was wanted is so."""
    order, care = brain["orders"][slot], brain["care"][slot]
    have_answer(care, AWAITS_REPLACE)
    care["ts_replaced_ns"] = ts_ns
    order["qty_lots"] = care["wanted_lots"]
    order["limit_ticks"] = care["wanted_limit_ticks"]
    order["stop_ticks"] = care["wanted_stop_ticks"]
    _tell_sleeve(brain, slot)


@kernel(void(record(BRAIN), i8))
def _tell_sleeve(brain: Any, slot: int) -> None:
    order = brain["orders"][slot]
    sleeve = brain["sleeves"][order["strategy"], order["symbol"]]
    if order["id"] == sleeve["stop_order_id"] and order["stop_ticks"] > 0:
        sleeve["stop_ticks"] = order["stop_ticks"]
