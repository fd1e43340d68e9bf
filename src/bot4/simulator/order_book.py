"""Our own orders at the venue: the table, sorted by id, and the reports of what happens to them."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import (
    BAR,
    EVENT,
    IS_MAKER,
    IS_SELL,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_STATUS,
)
from bot4.domain.orders import (
    CANCELLED,
    CLOSE_POSITION,
    DAY,
    EXPIRED,
    FREE,
    GOOD_TILL_DATE,
    HELD,
    ORDER,
    PARTLY_FILLED,
    REJECTED,
    SELL,
    TRIGGERED,
    WORKING,
)
from bot4.domain.venue_reasons import PARENT_GONE
from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.settlement import lock_funds, release_funds
from bot4.simulator.state import AT_OPEN, MAX_FINISHED, NEVER_NS, RESTED, VENUE, VENUE_ORDER
from bot4.simulator.triggers import waits_for_trigger

DAY_NS = 86_400_000_000_000


@kernel(b1(record(VENUE_ORDER)))
def is_in_market(order: Any) -> bool:
    """Whether an order may fill now."""
    status = order["status"]
    return bool(status in (WORKING, PARTLY_FILLED, TRIGGERED))


@kernel(b1(record(VENUE_ORDER)))
def is_alive(order: Any) -> bool:
    """Whether an order may fill now or later."""
    return bool(order["status"] == HELD or is_in_market(order))


@kernel(i8(record(VENUE_ORDER)))
def left_lots(order: Any) -> int:
    """Lots of an order that have not filled."""
    return int(order["qty_lots"] - order["filled_lots"])


@kernel(i8(record(VENUE_ORDER)))
def displayed_lots(order: Any) -> int:
    """Lots that the market sees of a resting order."""
    left = left_lots(order)
    return int(min(order["shown_lots"], left) if order["display_lots"] > 0 else left)


@kernel(i8(record(VENUE), i8))
def find_order(venue: Any, order_id: int) -> int:
    """Row of an order that is held or open, -1 if there is none."""
    for at in range(venue["n_orders"]):
        if venue["orders"][at]["id"] == order_id and is_alive(venue["orders"][at]):
            return at
    return -1


@kernel(i8(record(VENUE), i8, i8))
def find_order_of(venue: Any, symbol: int, order_id: int) -> int:
    """Row of an order of a symbol that is held or open, -1 if there is none: one named under another is not found."""
    at = find_order(venue, order_id)
    return int(at) if at >= 0 and venue["orders"][at]["symbol"] == symbol else -1


@kernel(i8(record(VENUE), i8))
def find_finished(venue: Any, order_id: int) -> int:
    """Place in ``finished`` of the latest order of an id that has ended and is remembered, -1 if there is none."""
    n = venue["n_finished"]
    for number in range(n - 1, max(n - MAX_FINISHED, 0) - 1, -1):
        if venue["finished"][number % MAX_FINISHED]["id"] == order_id:
            return int(number % MAX_FINISHED)
    return -1


@kernel(void(record(VENUE), records(EVENT), i8, i8, i8, i8, i8))
def write_report(venue: Any, reports: Any, ts_ns: int, kind: int, symbol: int, order_id: int, reason: int) -> None:
    """Add a report that carries no fill; the caller of the match has made sure of the room."""
    row = reports[venue["n_reports"]]
    row["ts_ns"] = ts_ns
    row["kind"] = kind
    row["symbol"] = symbol
    row["flags"] = 0
    row["order_id"] = order_id
    row["fill_ticks"] = 0
    row["fill_lots"] = 0
    row["fee_atoms"] = 0
    row["trade_id"] = 0
    row["reason"] = reason
    venue["n_reports"] += 1


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8))
def report_order(venue: Any, reports: Any, ts_ns: int, order: Any, kind: int) -> None:
    """Add a report about an order that needs no reason."""
    write_report(venue, reports, ts_ns, kind, order["symbol"], order["id"], 0)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8, i8, i8, b1, i8))
def report_fill(
    venue: Any,
    reports: Any,
    ts_ns: int,
    order: Any,
    price_ticks: int,
    qty_lots: int,
    fee: int,
    is_maker: bool,
    flags: int,
) -> None:
    """Add a fill under the next trade id; its ``reason`` is the quantity that the order still has open (0: done)."""
    row = reports[venue["n_reports"]]
    write_report(venue, reports, ts_ns, ORDER_FILLED, order["symbol"], order["id"], left_lots(order))
    row["flags"] = flags | (IS_MAKER if is_maker else 0) | (IS_SELL if order["side"] == SELL else 0)
    row["fill_ticks"] = price_ticks
    row["fill_lots"] = qty_lots
    row["fee_atoms"] = fee
    row["trade_id"] = venue["next_trade_id"]
    venue["next_trade_id"] += 1


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8))
def cancel_row(venue: Any, reports: Any, ts_ns: int, order: Any, reason: int) -> None:
    """Cancel what is left of an order and report it."""
    order["status"] = CANCELLED
    release_funds(venue, order)
    write_report(venue, reports, ts_ns, ORDER_CANCELLED, order["symbol"], order["id"], reason)
    reports[venue["n_reports"] - 1]["fill_lots"] = order["filled_lots"]  # in all, for one who missed some


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8))
def expire_row(venue: Any, reports: Any, ts_ns: int, order: Any, reason: int) -> None:
    """End what is left of an order by its own terms and report it."""
    order["status"] = EXPIRED
    release_funds(venue, order)
    write_report(venue, reports, ts_ns, ORDER_EXPIRED, order["symbol"], order["id"], reason)
    reports[venue["n_reports"] - 1]["fill_lots"] = order["filled_lots"]  # in all, for one who missed some


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8))
def reject_row(venue: Any, reports: Any, ts_ns: int, order: Any, reason: int) -> None:
    """Refuse an order that had been accepted, as happens when it triggers, and report it."""
    order["status"] = REJECTED
    release_funds(venue, order)
    write_report(venue, reports, ts_ns, ORDER_REJECTED, order["symbol"], order["id"], reason)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER)))
def report_status(venue: Any, reports: Any, ts_ns: int, order: Any) -> None:
    """Say where an order stands: status, quantities and prices as the venue has them."""
    row = reports[venue["n_reports"]]
    write_report(venue, reports, ts_ns, ORDER_STATUS, order["symbol"], order["id"], 0)
    is_open_close = order["flags"] & CLOSE_POSITION != 0 and waits_for_trigger(order)
    row["status"] = order["status"]
    row["status_filled_lots"] = order["filled_lots"]
    row["status_lots"] = 0 if is_open_close else order["qty_lots"]
    row["status_stop_ticks"] = order["stop_ticks"]
    row["status_limit_ticks"] = order["limit_ticks"]


@kernel(void(record(VENUE), records(EVENT), i8, i8, i8))
def report_unknown(venue: Any, reports: Any, ts_ns: int, symbol: int, order_id: int) -> None:
    """Say that no such order is known."""
    row = reports[venue["n_reports"]]
    write_report(venue, reports, ts_ns, ORDER_STATUS, symbol, order_id, 0)
    row["status"] = FREE
    row["status_filled_lots"] = 0
    row["status_lots"] = 0
    row["status_stop_ticks"] = 0
    row["status_limit_ticks"] = 0


@kernel(void(record(VENUE), records(EVENT), i8, i8, i8))
def cancel_held_children(venue: Any, reports: Any, ts_ns: int, parent_id: int, reason: int) -> None:
    """Cancel the children of an order that still wait for it, and theirs."""
    is_any = False
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["parent_id"] == parent_id and order["status"] == HELD:
            cancel_row(venue, reports, ts_ns, order, reason)
            is_any = True
    while is_any:
        is_any = False
        for at in range(venue["n_orders"]):
            order = venue["orders"][at]
            if order["status"] == HELD and order["parent_id"] != 0 and _is_gone_unfilled(venue, order["parent_id"]):
                cancel_row(venue, reports, ts_ns, order, PARENT_GONE)
                is_any = True


@kernel(b1(record(VENUE), i8))
def _is_gone_unfilled(venue: Any, order_id: int) -> bool:
    """Whether an order was cancelled in this event before it had filled at all."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["id"] == order_id and order["status"] == CANCELLED and order["filled_lots"] == 0:
            return True
    return False


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8, i8))
def reduce_row(venue: Any, reports: Any, ts_ns: int, order: Any, qty_lots: int, reason: int) -> None:
    """Take lots off what an order has left, and cancel it when nothing is."""
    taken = min(qty_lots, left_lots(order))
    order["qty_lots"] -= taken
    if left_lots(order) == 0:
        cancel_row(venue, reports, ts_ns, order, reason)
    else:
        lock_funds(venue, order)


@kernel(void(record(VENUE), record(VENUE_ORDER), i8, i8))
def arrive(venue: Any, order: Any, arrival: int, ts_ns: int) -> None:
    """Let an order come to the market, behind everything that is there."""
    order["arrival"] = arrival
    order["ts_arrived_ns"] = ts_ns
    order["sequence"] = venue["next_sequence"]
    venue["next_sequence"] += 1


@kernel(i8(record(VENUE), record(ORDER), i8, i8))
def insert_row(venue: Any, placed: Any, status: int, ts_ns: int) -> int:
    """Enter an order into the table, in the order of ids, and return its row; the caller has made sure of the room."""
    at = venue["n_orders"]
    while at > 0 and venue["orders"][at - 1]["id"] > placed["id"]:
        venue["orders"][at] = venue["orders"][at - 1]
        at -= 1
    venue["n_orders"] += 1
    row = venue["orders"][at]
    row["id"] = placed["id"]
    row["parent_id"] = placed["parent_id"]
    row["group_id"] = placed["group_id"]
    row["approval_id"] = placed["approval_id"]
    row["symbol"] = placed["symbol"]
    row["strategy"] = placed["strategy"]
    row["side"] = placed["side"]
    row["type"] = placed["type"]
    row["role"] = placed["role"]
    row["status"] = status
    row["is_reduce_only"] = placed["is_reduce_only"]
    row["reason"] = placed["reason"]
    row["time_in_force"] = placed["time_in_force"]
    row["flags"] = placed["flags"]
    row["self_trade"] = placed["self_trade"]
    row["venue"] = placed["venue"]
    row["qty_lots"] = placed["qty_lots"]
    row["filled_lots"] = 0
    row["limit_ticks"] = placed["limit_ticks"]
    row["stop_ticks"] = placed["stop_ticks"]
    row["trail_ticks"] = placed["trail_ticks"]
    row["display_lots"] = placed["display_lots"]
    row["ts_expire_ns"] = placed["ts_expire_ns"]
    row["ts_created_ns"] = placed["ts_created_ns"]
    row["ts_active_ns"] = placed["ts_active_ns"]
    row["ordered_lots"] = placed["qty_lots"]
    row["activation_ticks"] = 0
    row["is_triggered"] = 0
    row["extreme_ticks"] = 0
    row["shown_lots"] = 0
    row["ahead_lots"] = 0.0
    row["marker_id"] = 0
    row["traded_lots"] = 0
    row["lock"]["asset"] = 0
    row["lock"]["atoms"] = 0
    arrive(venue, row, AT_OPEN, ts_ns)
    if row["time_in_force"] == DAY:
        row["ts_expire_ns"] = (ts_ns // DAY_NS + 1) * DAY_NS
    elif row["time_in_force"] != GOOD_TILL_DATE:
        row["ts_expire_ns"] = 0
    if row["flags"] & CLOSE_POSITION != 0:
        row["is_reduce_only"] = 1
        row["qty_lots"] = venue["instruments"][row["symbol"]]["max_lots"]
    return int(at)


@kernel(void(record(VENUE), i8))
def remove_row(venue: Any, at: int) -> None:
    """Take an order out of the table as if it had never been there."""
    for row in range(at, venue["n_orders"] - 1):
        venue["orders"][row] = venue["orders"][row + 1]
    venue["n_orders"] -= 1


@kernel(i8(record(VENUE), i8))
def count_queued(venue: Any, symbol: int) -> int:
    """Commands of a symbol that are on their way."""
    n_queued = 0
    for at in range(venue["n_queued"]):
        command = venue["queue"][at]
        if command["order"]["symbol"] == symbol:
            n_queued += 1
    return n_queued


@kernel(void(record(VENUE), i8, i8))
def settle_rows(venue: Any, symbol: int, seen_from_ns: int) -> None:
    """After an event: drop a symbol's finished orders from the table; those that met the event now rest.

    An order met it if it came no later than ``seen_from_ns``, from which on the event is about the market.
    """
    kept = 0
    n_waiting = count_queued(venue, symbol)
    next_expiry_ns = NEVER_NS
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if not is_alive(order):
            _remember(venue, order)
            continue
        if order["symbol"] == symbol:
            if order["ts_arrived_ns"] <= seen_from_ns:
                order["arrival"] = RESTED
            n_waiting += 1
        if order["ts_expire_ns"] > 0:
            next_expiry_ns = min(next_expiry_ns, order["ts_expire_ns"])
        if kept != at:
            venue["orders"][kept] = order
        kept += 1
    venue["n_orders"] = kept
    venue["n_waiting"][symbol] = n_waiting
    venue["next_expiry_ns"] = next_expiry_ns


@kernel(void(record(VENUE), record(VENUE_ORDER)))
def _remember(venue: Any, order: Any) -> None:
    if venue["terms"]["remembers_finished"]:
        venue["finished"][venue["n_finished"] % MAX_FINISHED] = order
        venue["n_finished"] += 1


@kernel(i8(record(EVENT)))
def seen_from_ns(event: Any) -> int:
    """From when on an event is about the market: the open of a bar, and for all others the moment itself."""
    return int(event["ts_open_ns"] if event["kind"] == BAR else event["ts_ns"])


@kernel(b1(record(VENUE_ORDER), record(EVENT)))
def has_met(order: Any, event: Any) -> bool:
    """Whether an order was there for the whole of what an event is about."""
    return bool(order["ts_arrived_ns"] <= seen_from_ns(event))
