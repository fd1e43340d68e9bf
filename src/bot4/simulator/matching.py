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
from bot4.domain.venue_reasons import BEYOND_HOLDINGS, NOTHING_TO_REDUCE, PARENT_GONE, TOO_LARGE
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
from bot4.simulator.state import AT_OPEN, RESTED, VENUE, VENUE_ORDER, WITHIN

REPORTS_FULL = -1
UNLIMITED = 1 << 62

_OUT_OF_REACH = 0
_OPENING, _PASSING, _STOPS, _TARGETS, _NEVER = 0, 1, 2, 3, 4  # stages of an event
_TICK_TOLERANCE = 1e-9  # a float move this little above a whole tick is that tick
_LOT_TOLERANCE = 1e-6  # a float quantity this little below a whole lot is that lot


@kernel(b1(record(VENUE), record(EVENT)))
def needs_match(venue: Any, event: Any) -> bool:
    """Whether a market event touches anything here: a command on its way, or an order in reach.

    Costs next to nothing where the answer is no: a caller in a hot loop asks this before :func:`match`.
    """
    kind, symbol = event["kind"], event["symbol"]
    if kind != BAR and kind != TRADE:
        return False
    if venue["n_waiting"][symbol] == 0:
        return False
    if venue["n_queued"] > 0:
        return True
    if kind == TRADE:
        ticks = event["price_ticks"]
        return event["quantity"] > 0.0 and bool(_is_any_in_reach(venue, symbol, ticks, ticks, ticks))
    return event["volume"] > 0.0 and bool(
        _is_any_in_reach(venue, symbol, event["open_ticks"], event["high_ticks"], event["low_ticks"])
    )


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
    if not needs_match(venue, event):
        return 0
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
    if venue["n_queued"] > 0:
        take_commands(venue, event, open_ticks, reports)
    if volume > 0.0:
        _trade(venue, event, reports, open_ticks, high_ticks, low_ticks, budget)
    settle_rows(venue, symbol)
    return int(venue["n_reports"])


@kernel(i8(records(VENUE), records(EVENT), i8, records(EVENT)))
def match_event(venues: Any, events: Any, at: int, reports: Any) -> int:
    """:func:`match` of ``events[at]``, for callers in Python: a record of overlapping fields cannot be passed alone."""
    return int(match(venues[0], events[at], reports))


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
    """Fill everything in reach, one order after another; passive orders share the budget of lots."""
    is_bar = event["kind"] == BAR
    at = _next_to_fill(venue, event, open_ticks, high_ticks, low_ticks, budget)
    while at >= 0:
        order = venue["orders"][at]
        reached = reach_ticks(order, open_ticks, high_ticks, low_ticks)
        # Children of a fill at a bar's open see the whole bar; of a fill on a trade, the next trade.
        arrive = AT_OPEN if is_bar and _stage(order, open_ticks) == _OPENING else WITHIN
        is_maker = order["type"] == LIMIT and not (order["arrival"] != RESTED and _is_beyond(order, open_ticks))
        if is_maker and not is_bar:
            reached = order["limit_ticks"]
        elif order["type"] == STOP and order["arrival"] == WITHIN:
            reached = _stopped_within(order)
        price = reached if is_maker else _taken_at(order, reached, venue["slippage"])
        lots = fill_order(
            venue,
            event["ts_ns"],
            reports,
            order,
            price,
            budget if order["type"] == LIMIT else UNLIMITED,
            is_maker,
            arrive,
        )
        if order["type"] == LIMIT:
            budget -= lots
        at = _next_to_fill(venue, event, open_ticks, high_ticks, low_ticks, budget)


@kernel(i8(record(VENUE_ORDER)))
def _stopped_within(stop: Any) -> int:
    """Price of a stop hit in the bar of its entry, whose open came before it: its own, or the entry's if worse."""
    if stop["side"] == BUY:
        return int(max(stop["stop_ticks"], stop["activation_ticks"]))
    return int(min(stop["stop_ticks"], stop["activation_ticks"]))


@kernel(i8(record(VENUE), record(EVENT), i8, i8, i8, i8))
def _next_to_fill(venue: Any, event: Any, open_ticks: int, high_ticks: int, low_ticks: int, budget: int) -> int:
    """Row of the order to fill next: by stage, targets then by nearness, else by id; -1 when none is left."""
    best, best_stage = -1, _NEVER
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] != event["symbol"] or not is_in_market(order):
            continue
        if reach_ticks(order, open_ticks, high_ticks, low_ticks) == _OUT_OF_REACH:
            continue
        if budget == 0 and order["type"] == LIMIT:
            continue
        stage = _stage(order, open_ticks)
        if order["arrival"] == WITHIN and (stage != _STOPS or event["kind"] != BAR):
            continue
        if stage < best_stage:
            best, best_stage = at, stage
        elif stage == _TARGETS and best_stage == _TARGETS:
            nearest = venue["orders"][best]
            if (order["limit_ticks"] - nearest["limit_ticks"]) * order["side"] > 0:
                best = at
    return best


@kernel(i8(record(VENUE_ORDER), i8))
def _stage(order: Any, open_ticks: int) -> int:
    if is_protective_stop(order):
        return _STOPS
    if is_target(order):
        return _TARGETS
    return _OPENING if _is_beyond(order, open_ticks) else _PASSING


@kernel(b1(record(VENUE_ORDER), i8))
def _is_beyond(order: Any, open_ticks: int) -> bool:
    """Whether the open alone reaches an order."""
    return bool(reach_ticks(order, open_ticks, open_ticks, open_ticks) != _OUT_OF_REACH)


@kernel(i8(record(VENUE_ORDER), i8, f8))
def _taken_at(order: Any, reached_ticks: int, slippage: float) -> int:
    """Price of a taking fill: slipped, but a limit is never passed."""
    price = slipped_ticks(reached_ticks, order["side"], slippage)
    if order["type"] != LIMIT:
        return int(price)
    return int(min(price, order["limit_ticks"]) if order["side"] == BUY else max(price, order["limit_ticks"]))


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
    share_with_children(venue, reports, ts_ns, order, filled_before, price_ticks, children_arrive)
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
