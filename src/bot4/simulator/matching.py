"""Matching on bars and trades: what the next market event does to our orders (``docs/assumptions.md``).

A bar is taken in the one order that flatters nobody: at its open market orders, gaps and marketable limits; then
entries that it reaches; then stops; then targets, nearest first. A trade is a bar of one price whose quantity is all
that passive orders can get of it.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.events import BAR, EVENT, TRADE
from bot4.domain.money import CEILING, OVERFLOW, fee_atoms, notional_atoms
from bot4.domain.orders import BUY, FILLED, LIMIT, MARKET, PARTLY_FILLED, SELL, STOP
from bot4.kernel import b1, f8, i8, kernel, record, records, void
from bot4.simulator.brackets import (
    NO_STOP,
    group_left_lots,
    is_protective_stop,
    is_target,
    share_group_exit,
    share_with_children,
)
from bot4.simulator.intake import most_reports, take_commands
from bot4.simulator.order_book import (
    cancel_held_children,
    cancel_row,
    is_in_market,
    left_lots,
    report_fill,
    settle_rows,
)
from bot4.simulator.state import (
    AT_OPEN,
    BEYOND_HOLDINGS,
    NOTHING_TO_REDUCE,
    PARENT_GONE,
    RESTED,
    TOO_LARGE,
    VENUE,
    VENUE_ORDER,
    WITHIN,
)

REPORTS_FULL = -1
UNLIMITED = 1 << 62

_OUT_OF_REACH = 0
_TICK_TOLERANCE = 1e-9  # a float move this little above a whole tick is that tick
_LOT_TOLERANCE = 1e-6  # a float quantity this little below a whole lot is that lot


@kernel(i8(record(VENUE), record(EVENT), records(EVENT)))
def match(venue: Any, event: Any, reports: Any) -> int:
    """Let a market event meet the symbol's orders, before the brain sees it; other kinds do nothing.

    Args:
        venue: one :data:`~bot4.simulator.state.VENUE`.
        event: a BAR or a TRADE.
        reports: rows to write; :data:`~bot4.simulator.state.N_REPORTS` are always enough.

    Returns:
        How many reports were written, or :data:`REPORTS_FULL` (and nothing done) when there might be too few rows.
    """
    kind = event["kind"]
    if kind != BAR and kind != TRADE:
        return 0
    if venue["n_waiting"][event["symbol"]] == 0:
        return 0
    return int(_match_waiting(venue, event, reports))


@kernel(i8(record(VENUE), record(EVENT), records(EVENT)))
def _match_waiting(venue: Any, event: Any, reports: Any) -> int:
    if most_reports(venue) > len(reports):
        return REPORTS_FULL
    venue["n_reports"] = 0
    symbol = event["symbol"]
    if event["kind"] == BAR:
        open_ticks, high_ticks, low_ticks = event["open_ticks"], event["high_ticks"], event["low_ticks"]
        volume, budget = event["volume"], UNLIMITED
    else:
        open_ticks = high_ticks = low_ticks = event["price_ticks"]
        volume = event["quantity"]
        budget = _whole_lots(volume, venue["instruments"][symbol]["lot"])
    has_changed = False
    if venue["n_queued"] > 0:
        has_changed = take_commands(venue, event, open_ticks, reports) > 0
    if volume > 0.0 and _is_any_in_reach(venue, symbol, open_ticks, high_ticks, low_ticks):
        _trade(venue, event, reports, open_ticks, high_ticks, low_ticks, budget)
        has_changed = True
    if has_changed:
        settle_rows(venue, symbol)
    return int(venue["n_reports"])


@kernel(i8(f8, f8))
def _whole_lots(quantity: float, lot: float) -> int:
    lots = quantity / lot
    return int(lots + _LOT_TOLERANCE) if 0.0 < lots < UNLIMITED else 0


@kernel(i8(record(VENUE_ORDER), i8, i8, i8))
def reach_ticks(order: Any, open_ticks: int, high_ticks: int, low_ticks: int) -> int:
    """Price at which a bar reaches an order, before slippage, or 0.

    A stop is reached when touched, a limit only when traded through; either at the open where the bar opens beyond.
    """
    if order["type"] == MARKET:
        return open_ticks
    if order["type"] == STOP:
        stop = order["stop_ticks"]
        if order["side"] == BUY:
            if open_ticks >= stop:
                return open_ticks
            return int(stop) if high_ticks >= stop else _OUT_OF_REACH
        if open_ticks <= stop:
            return open_ticks
        return int(stop) if low_ticks <= stop else _OUT_OF_REACH
    limit = order["limit_ticks"]
    if order["side"] == BUY:
        if open_ticks < limit:
            return open_ticks
        return int(limit) if low_ticks < limit else _OUT_OF_REACH
    if open_ticks > limit:
        return open_ticks
    return int(limit) if high_ticks > limit else _OUT_OF_REACH


@kernel(b1(record(VENUE), i8, i8, i8, i8))
def _is_any_in_reach(venue: Any, symbol: int, open_ticks: int, high_ticks: int, low_ticks: int) -> bool:
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_candidate = order["symbol"] == symbol and is_in_market(order)
        if is_candidate and reach_ticks(order, open_ticks, high_ticks, low_ticks) != _OUT_OF_REACH:
            return True
    return False


@kernel(void(record(VENUE), record(EVENT), records(EVENT), i8, i8, i8, i8))
def _trade(venue: Any, event: Any, reports: Any, open_ticks: int, high_ticks: int, low_ticks: int, budget: int) -> None:
    at_open = AT_OPEN if event["kind"] == BAR else WITHIN  # children of a fill on a trade wait for the next trade
    budget = _fill_entries(venue, event, reports, open_ticks, open_ticks, open_ticks, budget, at_open)
    if event["kind"] == BAR:
        _fill_entries(venue, event, reports, open_ticks, high_ticks, low_ticks, budget, WITHIN)
    _fill_stops(venue, event, reports, open_ticks, high_ticks, low_ticks)
    _fill_targets(venue, event, reports, open_ticks, high_ticks, low_ticks, budget)


@kernel(i8(record(VENUE), record(EVENT), records(EVENT), i8, i8, i8, i8, i8))
def _fill_entries(
    venue: Any,
    event: Any,
    reports: Any,
    open_ticks: int,
    high_ticks: int,
    low_ticks: int,
    budget: int,
    children_arrive: int,
) -> int:
    """Fill what is no bracket's stop or target, by id; returns what is left of the budget of passive orders."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] != event["symbol"] or not is_in_market(order) or order["arrival"] == WITHIN:
            continue
        if is_protective_stop(order) or is_target(order):
            continue
        price = reach_ticks(order, open_ticks, high_ticks, low_ticks)
        if price != _OUT_OF_REACH:
            budget -= _fill_at(venue, event, reports, order, price, open_ticks, budget, children_arrive)
    return budget


@kernel(void(record(VENUE), record(EVENT), records(EVENT), i8, i8, i8))
def _fill_stops(venue: Any, event: Any, reports: Any, open_ticks: int, high_ticks: int, low_ticks: int) -> None:
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] != event["symbol"] or not is_in_market(order) or not is_protective_stop(order):
            continue
        price = reach_ticks(order, open_ticks, high_ticks, low_ticks)
        if price == _OUT_OF_REACH:
            continue
        if order["arrival"] == WITHIN:
            if event["kind"] != BAR:
                continue
            price = order["stop_ticks"]  # the open was before the entry
        _fill_at(venue, event, reports, order, price, open_ticks, UNLIMITED, WITHIN)


@kernel(void(record(VENUE), record(EVENT), records(EVENT), i8, i8, i8, i8))
def _fill_targets(
    venue: Any, event: Any, reports: Any, open_ticks: int, high_ticks: int, low_ticks: int, budget: int
) -> None:
    """Fill the targets in reach, the nearest first; one that came during the bar waits for the next."""
    while budget > 0:
        nearest = -1
        for at in range(venue["n_orders"]):
            order = venue["orders"][at]
            if order["symbol"] != event["symbol"] or not is_in_market(order) or not is_target(order):
                continue
            if order["arrival"] == WITHIN or reach_ticks(order, open_ticks, high_ticks, low_ticks) == _OUT_OF_REACH:
                continue
            if nearest < 0 or (order["limit_ticks"] - venue["orders"][nearest]["limit_ticks"]) * order["side"] > 0:
                nearest = at
        if nearest < 0:
            return
        order = venue["orders"][nearest]
        price = reach_ticks(order, open_ticks, high_ticks, low_ticks)
        budget -= _fill_at(venue, event, reports, order, price, open_ticks, budget, WITHIN)


@kernel(i8(record(VENUE), record(EVENT), records(EVENT), record(VENUE_ORDER), i8, i8, i8, i8))
def _fill_at(
    venue: Any,
    event: Any,
    reports: Any,
    order: Any,
    reached_ticks: int,
    open_ticks: int,
    budget: int,
    children_arrive: int,
) -> int:
    """Fill an order reached at a price; returns the lots taken from the budget of passive orders."""
    if order["type"] != LIMIT:
        price = slipped_ticks(reached_ticks, order["side"], venue["slippage"])
        fill_order(venue, event["ts_ns"], reports, order, price, UNLIMITED, False, children_arrive)
        return 0
    if budget == 0:
        return 0
    limit = order["limit_ticks"]
    is_marketable = reached_ticks == open_ticks and reached_ticks != limit
    if is_marketable and order["arrival"] != RESTED:
        price = slipped_ticks(reached_ticks, order["side"], venue["slippage"])
        price = min(price, limit) if order["side"] == BUY else max(price, limit)
        return int(fill_order(venue, event["ts_ns"], reports, order, price, budget, False, children_arrive))
    price = reached_ticks if event["kind"] == BAR else limit
    return int(fill_order(venue, event["ts_ns"], reports, order, price, budget, True, children_arrive))


@kernel(i8(i8, i8, f8))
def slipped_ticks(price_ticks: int, side: int, slippage: float) -> int:
    """Price moved against us by a fraction of itself, rounded up to whole ticks, and never below one tick."""
    moved = math.ceil(price_ticks * slippage - _TICK_TOLERANCE)
    return max(1, price_ticks + side * moved)


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
    lots = min(_cut_to_reducible(venue, ts_ns, reports, order), most_lots)
    if lots == 0:
        return 0
    if order["side"] == SELL and instrument["is_perpetual"] == 0 and lots > venue["net_lots"][symbol]:
        return int(_give_up(venue, ts_ns, reports, order, BEYOND_HOLDINGS))
    notional = notional_atoms(instrument, price_ticks, lots, CEILING)
    fee = OVERFLOW if notional == OVERFLOW else fee_atoms(instrument, notional, is_maker)
    if fee == OVERFLOW:
        return int(_give_up(venue, ts_ns, reports, order, TOO_LARGE))
    filled_before = order["filled_lots"]
    order["filled_lots"] = filled_before + lots
    order["status"] = FILLED if left_lots(order) == 0 else PARTLY_FILLED
    venue["net_lots"][symbol] += order["side"] * lots
    share_group_exit(venue, reports, ts_ns, order, lots)
    report_fill(venue, reports, ts_ns, order, price_ticks, lots, fee, is_maker)
    share_with_children(venue, reports, ts_ns, order, filled_before, children_arrive)
    return int(lots)


@kernel(i8(record(VENUE), i8, records(EVENT), record(VENUE_ORDER)))
def _cut_to_reducible(venue: Any, ts_ns: int, reports: Any, order: Any) -> int:
    """Cut a reduce-only order to the net position, and an exit to what its group still protects; returns its lots."""
    left = left_lots(order)
    if order["is_reduce_only"]:
        allowed = max(0, -order["side"] * venue["net_lots"][order["symbol"]])
        group_left = group_left_lots(venue, order)
        if group_left != NO_STOP:
            allowed = min(allowed, group_left)
        if allowed == 0:
            return int(_give_up(venue, ts_ns, reports, order, NOTHING_TO_REDUCE))
        if left > allowed:
            order["qty_lots"] -= left - allowed
            left = allowed
    return int(left)


@kernel(i8(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), i8))
def _give_up(venue: Any, ts_ns: int, reports: Any, order: Any, reason: int) -> int:
    cancel_row(venue, reports, ts_ns, order, reason)
    cancel_held_children(venue, reports, ts_ns, order["id"], PARENT_GONE)
    return 0
