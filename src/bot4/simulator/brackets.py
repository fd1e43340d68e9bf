"""Brackets: children that wait for their entry, and a stop and targets that share one quantity.

What a group still protects is what its protective stop has left. Every exit of the group takes its lots off the
stop, and the targets never have more left together than the stop has. When nothing is left the rest of the group is
cancelled, the entry's remainder included, before the fill that ended it is reported.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT, ORDER_ACCEPTED
from bot4.domain.money import FLOOR, mul_div
from bot4.domain.orders import ENTRY, EXIT, FILLED, HELD, LIMIT, PROTECTIVE_STOP, STOP, TARGET, WORKING
from bot4.domain.venue_reasons import GROUP_DONE, PARENT_GONE
from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.order_book import (
    cancel_held_children,
    cancel_row,
    find_order_of,
    is_alive,
    is_in_market,
    left_lots,
    reduce_row,
    report_order,
)
from bot4.simulator.state import VENUE, VENUE_ORDER

NO_STOP = -1


@kernel(b1(record(VENUE_ORDER)))
def is_protective_stop(order: Any) -> bool:
    """Whether an order is a bracket's stop."""
    return bool(order["type"] == STOP and order["role"] == PROTECTIVE_STOP)


@kernel(b1(record(VENUE_ORDER)))
def is_target(order: Any) -> bool:
    """Whether an order is a bracket's target."""
    return bool(order["type"] == LIMIT and order["role"] == TARGET)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), record(VENUE_ORDER), i8, i8))
def share_parent_fill(
    venue: Any, reports: Any, ts_ns: int, parent: Any, child: Any, filled_before: int, arrival: int
) -> None:
    """Give a child its share of what its parent has filled since ``filled_before``; the first share activates it.

    Share: ``floor(ordered * filled / ordered of the parent)``.
    """
    ordered, whole = child["ordered_lots"], parent["ordered_lots"]
    share = mul_div(ordered, parent["filled_lots"], whole, FLOOR)
    if child["status"] != HELD:
        child["qty_lots"] += share - mul_div(ordered, filled_before, whole, FLOOR)
    elif share > 0:
        child["qty_lots"] = share
        child["status"] = WORKING
        child["arrival"] = arrival
        report_order(venue, reports, ts_ns, child, ORDER_ACCEPTED)
    elif parent["status"] == FILLED:
        cancel_row(venue, reports, ts_ns, child, PARENT_GONE)


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
    if order["role"] == EXIT and order["group_id"] != 0:
        left = 0
        for at in range(venue["n_orders"]):
            other = venue["orders"][at]
            if is_sibling(order, other) and is_protective_stop(other):
                left = max(left, left_lots(other))
    return int(left)


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER), i8))
def share_group_exit(venue: Any, reports: Any, ts_ns: int, order: Any, qty_lots: int) -> None:
    """Take the lots that ``order`` has just filled off its siblings; see the module's rule."""
    if order["group_id"] == 0 or order["role"] == ENTRY:
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
