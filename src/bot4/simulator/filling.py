"""A fill: how much of it may be, what it costs, and what it does to holdings, children and siblings."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT
from bot4.domain.orders import FILLED, PARTLY_FILLED, SELL
from bot4.domain.venue_reasons import BEYOND_HOLDINGS, NOTHING_TO_REDUCE
from bot4.kernel import b1, i8, kernel, record, records
from bot4.simulator.brackets import (
    NO_STOP,
    end_other_legs,
    end_with_order,
    group_left_lots,
    share_group_exit,
    share_with_children,
)
from bot4.simulator.order_book import cancel_row, left_lots, report_fill
from bot4.simulator.settlement import FINE, fee_asset_flags, holding_lots, settle_fill, take_over_funds
from bot4.simulator.state import UNCHECKED, VENUE, VENUE_ORDER


@kernel(i8(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), i8, i8, b1, i8))
def fill_order(
    venue: Any,
    ts_ns: int,
    reports: Any,
    order: Any,
    price_ticks: int,
    most_lots: int,
    is_maker: bool,
    children_arrive: int,
) -> int:
    """Fill an order for at most so many lots, after every cut that is due; returns the lots filled."""
    symbol = order["symbol"]
    instrument = venue["instruments"][symbol]
    lots = min(cut_to_reducible(venue, ts_ns, reports, order), most_lots)
    if lots == 0:
        return 0
    is_spot_sale = order["side"] == SELL and instrument["is_perpetual"] == 0
    if is_spot_sale and venue["terms"]["account"] == UNCHECKED and lots > venue["net_lots"][symbol]:
        return int(give_up(venue, ts_ns, reports, order, BEYOND_HOLDINGS))
    take_over_funds(venue, order)
    reason = settle_fill(venue, order, ts_ns, price_ticks, lots, is_maker)
    if reason != FINE:
        return int(give_up(venue, ts_ns, reports, order, reason))
    fee, flags = venue["charge"]["atoms"], fee_asset_flags(venue, symbol)
    filled_before = order["filled_lots"]
    order["filled_lots"] = filled_before + lots
    order["status"] = FILLED if left_lots(order) == 0 else PARTLY_FILLED
    venue["net_lots"][symbol] += order["side"] * lots
    end_other_legs(venue, reports, ts_ns, order)
    share_group_exit(venue, reports, ts_ns, order, lots)
    report_fill(venue, reports, ts_ns, order, price_ticks, lots, fee, is_maker, flags)
    share_with_children(venue, reports, ts_ns, order, filled_before, price_ticks, children_arrive)
    return int(lots)


@kernel(i8(record(VENUE), i8, records(EVENT), record(VENUE_ORDER)))
def cut_to_reducible(venue: Any, ts_ns: int, reports: Any, order: Any) -> int:
    """Cut a reduce-only order to the net position, and an exit to what its group still protects; returns its lots."""
    left = left_lots(order)
    if order["is_reduce_only"]:
        allowed = max(0, -int(order["side"]) * holding_lots(venue, order["symbol"]))
        group_left = group_left_lots(venue, order)
        if group_left != NO_STOP:
            allowed = min(allowed, group_left)
        if allowed == 0:
            return int(give_up(venue, ts_ns, reports, order, NOTHING_TO_REDUCE))
        if left > allowed:
            order["qty_lots"] -= left - allowed
            left = allowed
    return int(left)


@kernel(i8(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), i8))
def give_up(venue: Any, ts_ns: int, reports: Any, order: Any, reason: int) -> int:
    """Cancel what is left of an order that cannot fill, and whatever hangs on it; returns no lots."""
    cancel_row(venue, reports, ts_ns, order, reason)
    end_with_order(venue, reports, ts_ns, order)
    return 0
