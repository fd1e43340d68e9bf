"""Contingent orders: children that wait for their parent, legs of which one cancels the other, and brackets.

One-triggers-other: a held child gets its share of every fill of its parent, or starts whole when the parent has
filled whole. One-cancels-other: the first fill or trigger of a leg ends the other legs, before it is reported.
A bracket is a stop and targets that share one quantity.

What a group still protects is what its protective stop has left. Every exit of the group takes its lots off the
stop, and the targets never have more left together than the stop has. When nothing is left the rest of the group is
cancelled, the entry's remainder included, before the fill that ended it is reported.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT, ORDER_ACCEPTED
from bot4.domain.money import FLOOR, mul_div
from bot4.domain.orders import (
    CANCELS_SIBLINGS,
    ENTRY,
    EXIT,
    FILLED,
    HELD,
    LIMIT,
    PROTECTIVE_STOP,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TARGET,
    TRAILING_STOP,
    WAITS_FOR_FULL_FILL,
    WORKING,
)
from bot4.domain.venue_reasons import GROUP_DONE, PARENT_GONE
from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.order_book import (
    arrive,
    cancel_held_children,
    cancel_row,
    find_order_of,
    is_alive,
    is_in_market,
    left_lots,
    reduce_row,
    reject_row,
    report_order,
)
from bot4.simulator.settlement import FINE, lock_funds
from bot4.simulator.state import MAX_FINISHED, VENUE, VENUE_ORDER

NO_STOP = -1


@kernel(b1(record(VENUE_ORDER)))
def is_protective_stop(order: Any) -> bool:
    """Whether an order is a bracket's stop."""
    is_stop = order["type"] in (STOP, STOP_LIMIT, TRAILING_STOP)
    return bool(is_stop and order["role"] == PROTECTIVE_STOP)


@kernel(b1(record(VENUE_ORDER)))
def is_target(order: Any) -> bool:
    """Whether an order is a bracket's target."""
    is_profit = order["type"] in (LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT)
    return bool(is_profit and order["role"] == TARGET)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), record(VENUE_ORDER), i8, i8))
def share_parent_fill(
    venue: Any, reports: Any, ts_ns: int, parent: Any, child: Any, filled_before: int, arrival: int
) -> None:
    """Give a child its share of what its parent has filled since ``filled_before``; the first share activates it.

    Share: ``floor(ordered * filled / ordered of the parent)``, or all of it when the parent has filled whole.
    """
    ordered, whole = child["ordered_lots"], parent["ordered_lots"]
    if child["flags"] & WAITS_FOR_FULL_FILL != 0:
        share = ordered if parent["status"] == FILLED else 0
    else:
        share = mul_div(ordered, parent["filled_lots"], whole, FLOOR)
    if child["flags"] & WAITS_FOR_FULL_FILL != 0 and child["status"] != HELD:
        return
    if child["status"] != HELD:
        child["qty_lots"] += share - mul_div(ordered, filled_before, whole, FLOOR)
        lock_funds(venue, child)  # what is not free is paid from what will be
    elif share > 0:
        child["qty_lots"] = share
        child["status"] = WORKING
        if child["type"] == TRAILING_STOP and child["stop_ticks"] == 0:
            child["extreme_ticks"] = child["activation_ticks"]
        arrive(venue, child, arrival, parent["ts_arrived_ns"])
        _start(venue, reports, ts_ns, child)
    elif parent["status"] == FILLED:
        cancel_row(venue, reports, ts_ns, child, PARENT_GONE)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER)))
def _start(venue: Any, reports: Any, ts_ns: int, child: Any) -> None:
    """A held order starts: it is accepted, or refused where it cannot be paid, and then with its other legs."""
    reason = lock_funds(venue, child)
    if reason == FINE:
        report_order(venue, reports, ts_ns, child, ORDER_ACCEPTED)
        return
    reject_row(venue, reports, ts_ns, child, reason)
    cancel_held_children(venue, reports, ts_ns, child["id"], PARENT_GONE)
    if venue["terms"]["leg_end_ends_group"] != 0:
        end_other_legs(venue, reports, ts_ns, child)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8, i8, i8))
def share_with_children(
    venue: Any, reports: Any, ts_ns: int, parent: Any, filled_before: int, price_ticks: int, arrival: int
) -> None:
    """Give every child its share of its parent's latest fill, at a price."""
    for at in range(venue["n_orders"]):
        child = venue["orders"][at]
        if child["parent_id"] == parent["id"] and is_alive(child):
            if child["status"] == HELD:
                child["activation_ticks"] = price_ticks
            share_parent_fill(venue, reports, ts_ns, parent, child, filled_before, arrival)


@kernel(b1(record(VENUE_ORDER), record(VENUE_ORDER)))
def is_sibling(order: Any, other: Any) -> bool:
    """Whether another order in the market shares this one's quantity."""
    return bool(
        other["group_id"] == order["group_id"]
        and other["id"] != order["id"]
        and other["symbol"] == order["symbol"]
        and other["role"] != ENTRY
        and is_in_market(other)
    )


@kernel(i8(record(VENUE), record(VENUE_ORDER)))
def group_left_lots(venue: Any, order: Any) -> int:
    """What the stop of an exit's group still protects, 0 where the stop is gone; :data:`NO_STOP` without a group."""
    left = NO_STOP
    if order["role"] == EXIT and order["group_id"] != 0 and venue["terms"]["has_brackets"] != 0:
        left = 0
        for at in range(venue["n_orders"]):
            other = venue["orders"][at]
            if is_sibling(order, other) and is_protective_stop(other):
                left = max(left, left_lots(other))
    return int(left)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8))
def share_group_exit(venue: Any, reports: Any, ts_ns: int, order: Any, qty_lots: int) -> None:
    """Take the lots that ``order`` has just filled off its siblings; see the module's rule."""
    if order["group_id"] == 0 or order["role"] == ENTRY or venue["terms"]["has_brackets"] == 0:
        return
    if order["flags"] & CANCELS_SIBLINGS != 0:
        return
    left = left_lots(order) if is_protective_stop(order) else NO_STOP
    for at in range(venue["n_orders"]):
        other = venue["orders"][at]
        if is_sibling(order, other) and is_protective_stop(other):
            reduce_row(venue, reports, ts_ns, other, qty_lots, GROUP_DONE)
            left = max(left, left_lots(other))
    if left == NO_STOP:
        return
    _cut_targets(venue, reports, ts_ns, order, left)
    if left == 0:
        _end_group(venue, reports, ts_ns, order)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8))
def _cut_targets(venue: Any, reports: Any, ts_ns: int, order: Any, allowed_lots: int) -> None:
    """Cut the group's targets, the last ones first, until together they have no more left than allowed."""
    excess = -allowed_lots
    if is_target(order):
        excess += left_lots(order)
    for at in range(venue["n_orders"]):
        other = venue["orders"][at]
        if is_sibling(order, other) and is_target(other):
            excess += left_lots(other)
    for at in range(venue["n_orders"] - 1, -1, -1):
        other = venue["orders"][at]
        if excess > 0 and is_sibling(order, other) and is_target(other):
            cut = min(excess, left_lots(other))
            reduce_row(venue, reports, ts_ns, other, cut, GROUP_DONE)
            excess -= cut


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER)))
def _end_group(venue: Any, reports: Any, ts_ns: int, order: Any) -> None:
    at = find_order_of(venue, order["symbol"], order["group_id"])
    if at >= 0:
        cancel_row(venue, reports, ts_ns, venue["orders"][at], GROUP_DONE)
        cancel_held_children(venue, reports, ts_ns, order["group_id"], GROUP_DONE)


@kernel(b1(record(VENUE_ORDER), i8, i8, i8))
def is_other_leg(other: Any, symbol: int, group_id: int, order_id: int) -> bool:
    """Whether an order is another leg of the one-cancels-other of ``order_id``, wherever it is in its life."""
    return bool(
        other["group_id"] == group_id
        and other["id"] != order_id
        and other["symbol"] == symbol
        and other["flags"] & CANCELS_SIBLINGS != 0
    )


@kernel(b1(record(VENUE_ORDER)))
def is_leg(order: Any) -> bool:
    """Whether an order is a leg of a one-cancels-other."""
    return bool(order["flags"] & CANCELS_SIBLINGS != 0 and order["group_id"] != 0)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER)))
def end_other_legs(venue: Any, reports: Any, ts_ns: int, order: Any) -> None:
    """Cancel the other legs of a one-cancels-other, held ones too, and what hangs on them."""
    if not is_leg(order):
        return
    for at in range(venue["n_orders"]):
        other = venue["orders"][at]
        is_other = is_other_leg(other, order["symbol"], order["group_id"], order["id"])
        if is_other and is_alive(other):
            cancel_row(venue, reports, ts_ns, other, GROUP_DONE)
            cancel_held_children(venue, reports, ts_ns, other["id"], PARENT_GONE)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER)))
def end_with_order(venue: Any, reports: Any, ts_ns: int, order: Any) -> None:
    """After an order has ended without filling: its held children go, and the other legs where the venue does so."""
    cancel_held_children(venue, reports, ts_ns, order["id"], PARENT_GONE)
    if venue["terms"]["leg_end_ends_group"] != 0:
        end_other_legs(venue, reports, ts_ns, order)


@kernel(b1(record(VENUE), i8, i8, i8))
def is_group_settled(venue: Any, symbol: int, group_id: int, order_id: int) -> bool:
    """Whether another leg of an order's one-cancels-other has filled, triggered or ended, as far as is remembered."""
    for at in range(venue["n_orders"]):
        other = venue["orders"][at]
        is_settled = other["filled_lots"] > 0 or other["is_triggered"] != 0 or not is_alive(other)
        if is_settled and is_other_leg(other, symbol, group_id, order_id):
            return True
    for at in range(min(venue["n_finished"], MAX_FINISHED)):
        if is_other_leg(venue["finished"][at], symbol, group_id, order_id):
            return True
    return False
