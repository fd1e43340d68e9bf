"""Matching on bars and trades: what the next market event does to our orders (``docs/assumptions.md``).

A bar is taken in the one order that flatters nobody: at its open market orders, gaps and marketable limits; then
entries that it reaches; then stops; then targets, nearest first. A trade is a bar of one price whose quantity is all
that passive orders can get of it.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.events import BAR, EVENT, TRADE
from bot4.domain.orders import BUY, MARKET, POST_ONLY, SELL, TRAILING_STOP
from bot4.domain.venue_reasons import NOT_FILLED, WOULD_TAKE
from bot4.kernel import b1, f8, i8, kernel, record, records, void
from bot4.simulator.book.impact import add_impact, average_fraction
from bot4.simulator.brackets import end_with_order, is_protective_stop, is_target
from bot4.simulator.ending import expire_due, is_immediate, is_margined, trigger_row
from bot4.simulator.filling import fill_order
from bot4.simulator.intake import most_reports, take_commands
from bot4.simulator.order_book import expire_row, has_met, is_in_market, left_lots, seen_from_ns, settle_rows
from bot4.simulator.state import AT_OPEN, RESTED, VENUE, VENUE_ORDER, WITHIN
from bot4.simulator.triggers import (
    follow,
    has_limit,
    is_priced,
    trigger_direction,
    trigger_ticks,
    waits_for_trigger,
)

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
    if venue["n_queued"] > 0 or event["ts_ns"] >= venue["next_expiry_ns"]:
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
    if venue["n_queued"] > 0:
        open_ticks = event["open_ticks"] if event["kind"] == BAR else event["price_ticks"]
        take_commands(venue, event, open_ticks, reports)
    meet(venue, event, reports)
    return int(venue["n_reports"])


@kernel(void(record(VENUE), record(EVENT), records(EVENT)))
def meet(venue: Any, event: Any, reports: Any) -> None:
    """:func:`match` without commands on their way, after the reports already there, for which there must be room."""
    symbol = event["symbol"]
    if event["kind"] == BAR:
        open_ticks, high_ticks, low_ticks = event["open_ticks"], event["high_ticks"], event["low_ticks"]
        volume, budget = event["volume"], UNLIMITED
    else:
        open_ticks = high_ticks = low_ticks = event["price_ticks"]
        volume = event["quantity"]
        budget = whole_lots(volume, venue["instruments"][symbol]["lot"])
    if event["ts_ns"] >= venue["next_expiry_ns"]:
        # A bar that closes as an order's time is up lies within that time, a trade at that moment does not.
        due_ns = event["ts_ns"] - (1 if event["kind"] == BAR else 0)
        expire_due(venue, reports, symbol, due_ns, event["ts_ns"])
    if volume > 0.0:
        _meet_open(venue, event, open_ticks)
        _trade(venue, event, reports, open_ticks, high_ticks, low_ticks, budget)
        _meet_end(venue, event, reports, high_ticks, low_ticks)
    settle_rows(venue, symbol, seen_from_ns(event))


@kernel(i8(records(VENUE), records(EVENT), i8, records(EVENT)))
def match_event(venues: Any, events: Any, at: int, reports: Any) -> int:
    """:func:`match` of ``events[at]``, for callers in Python: a record of overlapping fields cannot be passed alone."""
    return int(match(venues[0], events[at], reports))


@kernel(i8(f8, f8))
def whole_lots(quantity: float, lot: float) -> int:
    """Whole lots in a quantity of the base, up to a millionth of a lot; 0 where it is not above zero."""
    lots = quantity / lot
    return int(lots + _LOT_TOLERANCE) if 0.0 < lots < UNLIMITED else 0


@kernel(i8(record(VENUE_ORDER), i8, i8, i8))
def reach_ticks(order: Any, open_ticks: int, high_ticks: int, low_ticks: int) -> int:
    """Price at which a bar reaches an order, before slippage, or 0.

    A trigger is reached when touched, a limit only when traded through; either at the open where the bar opens beyond.
    """
    if order["type"] == MARKET:
        return open_ticks
    if waits_for_trigger(order):
        return int(_trigger_reach_ticks(order, open_ticks, high_ticks, low_ticks))
    if not has_limit(order["type"]):
        return open_ticks
    limit = order["limit_ticks"]
    if order["side"] == BUY:
        if open_ticks < limit:
            return open_ticks
        return int(limit) if low_ticks < limit else _OUT_OF_REACH
    if open_ticks > limit:
        return open_ticks
    return int(limit) if high_ticks > limit else _OUT_OF_REACH


@kernel(i8(record(VENUE_ORDER), i8, i8, i8))
def _trigger_reach_ticks(order: Any, open_ticks: int, high_ticks: int, low_ticks: int) -> int:
    wanted = trigger_ticks(order)
    if wanted <= 0:
        return _OUT_OF_REACH
    if trigger_direction(order) > 0:
        if open_ticks >= wanted:
            return open_ticks
        return int(wanted) if high_ticks >= wanted else _OUT_OF_REACH
    if open_ticks <= wanted:
        return open_ticks
    return int(wanted) if low_ticks <= wanted else _OUT_OF_REACH


@kernel(b1(record(VENUE), i8, i8, i8, i8))
def _is_any_in_reach(venue: Any, symbol: int, open_ticks: int, high_ticks: int, low_ticks: int) -> bool:
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] != symbol or not is_in_market(order):
            continue
        if reach_ticks(order, open_ticks, high_ticks, low_ticks) != _OUT_OF_REACH:
            return True
        if order["type"] == TRAILING_STOP or is_immediate(order):
            return True
    return False


@kernel(void(record(VENUE), record(EVENT), records(EVENT), i8, i8, i8, i8))
def _trade(venue: Any, event: Any, reports: Any, open_ticks: int, high_ticks: int, low_ticks: int, budget: int) -> None:
    """Fill everything in reach, one order after another; passive orders share the budget of lots."""
    is_bar = event["kind"] == BAR
    ts_ns = event["ts_ns"]
    at = _next_to_fill(venue, event, open_ticks, high_ticks, low_ticks, budget)
    while at >= 0:
        order = venue["orders"][at]
        reached = reach_ticks(order, open_ticks, high_ticks, low_ticks)
        # Children of a fill at a bar's open see the whole bar; of a fill on a trade, the next trade.
        arrive = AT_OPEN if is_bar and _stage(order, open_ticks) == _OPENING else WITHIN
        is_maker = is_priced(order) and not (order["arrival"] != RESTED and _is_beyond(order, open_ticks))
        if is_maker and not is_bar:
            reached = order["limit_ticks"]
        elif order["arrival"] == WITHIN and waits_for_trigger(order):
            reached = _stopped_within(order)
        if is_maker or _comes_to_take(venue, ts_ns, reports, order, reached):
            most = budget if is_priced(order) else UNLIMITED
            price = reached if is_maker else _taken_at(venue, ts_ns, order, reached, min(most, left_lots(order)))
            lots = fill_order(venue, ts_ns, reports, order, price, most, is_maker, arrive)
            if is_priced(order):
                budget -= lots
            if not is_maker and venue["impacts"][order["symbol"]]["scale"] > 0.0:
                add_impact(venue["impacts"][order["symbol"]], ts_ns, order["side"] * lots)
        at = _next_to_fill(venue, event, open_ticks, high_ticks, low_ticks, budget)


@kernel(b1(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), i8))
def _comes_to_take(venue: Any, ts_ns: int, reports: Any, order: Any, reached_ticks: int) -> bool:
    """Let an order that a price reached come to take: it may turn into a resting limit, or not be allowed to take."""
    if waits_for_trigger(order) and has_limit(order["type"]):
        trigger_row(venue, reports, ts_ns, order)
        if (order["limit_ticks"] - reached_ticks) * order["side"] < 0:
            order["arrival"] = WITHIN
            return False
    if waits_for_trigger(order):
        order["is_triggered"] = 1
    if order["is_triggered"] != 0 and not is_margined(venue, ts_ns, reports, order):
        return False
    if order["flags"] & POST_ONLY != 0:
        expire_row(venue, reports, ts_ns, order, WOULD_TAKE)
        end_with_order(venue, reports, ts_ns, order)
        return False
    return True


@kernel(void(record(VENUE), record(EVENT), i8))
def _meet_open(venue: Any, event: Any, open_ticks: int) -> None:
    """Trailing stops that came with this event follow from its open on."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_new = order["type"] == TRAILING_STOP and order["arrival"] == AT_OPEN and order["extreme_ticks"] == 0
        if is_new and order["symbol"] == event["symbol"] and has_met(order, event) and is_in_market(order):
            follow(order, open_ticks)


@kernel(void(record(VENUE), record(EVENT), records(EVENT), i8, i8))
def _meet_end(venue: Any, event: Any, reports: Any, high_ticks: int, low_ticks: int) -> None:
    """After an event: trailing stops have seen its extremes, and what had to fill at once and did not expires."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] != event["symbol"] or not is_in_market(order) or not has_met(order, event):
            continue
        if order["type"] == TRAILING_STOP and order["arrival"] != WITHIN:
            follow(order, high_ticks if order["side"] == SELL else low_ticks)
        if is_immediate(order) and order["arrival"] != WITHIN:
            expire_row(venue, reports, event["ts_ns"], order, NOT_FILLED)
            end_with_order(venue, reports, event["ts_ns"], order)


@kernel(i8(record(VENUE_ORDER)))
def _stopped_within(stop: Any) -> int:
    """Price of a stop hit in the bar of its entry, whose open came before it: its own, or the entry's if worse."""
    if stop["side"] == BUY:
        return int(max(trigger_ticks(stop), stop["activation_ticks"]))
    return int(min(trigger_ticks(stop), stop["activation_ticks"]))


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
        if budget == 0 and is_priced(order):
            continue
        if is_immediate(order) and not _is_beyond(order, open_ticks):
            continue
        stage = _stage(order, open_ticks)
        if order["arrival"] == WITHIN and (stage != _STOPS or event["kind"] != BAR or order["is_triggered"] != 0):
            continue
        if order["arrival"] == AT_OPEN and not has_met(order, event):
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


@kernel(i8(record(VENUE), i8, record(VENUE_ORDER), i8, i8))
def _taken_at(venue: Any, ts_ns: int, order: Any, reached_ticks: int, lots: int) -> int:
    """Price of a taking fill: slipped, and moved by our own trades and this one, but a limit is never passed."""
    price = slipped_ticks(reached_ticks, order["side"], venue["slippage"])
    impact = venue["impacts"][order["symbol"]]
    if impact["scale"] > 0.0:
        moved = reached_ticks * average_fraction(impact, ts_ns, order["side"] * lots) * order["side"]
        price = max(1, price + order["side"] * math.ceil(moved - _TICK_TOLERANCE))
    if not has_limit(order["type"]):
        return int(price)
    return int(min(price, order["limit_ticks"]) if order["side"] == BUY else max(price, order["limit_ticks"]))


@kernel(i8(i8, i8, f8))
def slipped_ticks(price_ticks: int, side: int, slippage: float) -> int:
    """Price moved against us by a fraction of itself, rounded up to whole ticks, and never below one tick."""
    moved = math.ceil(price_ticks * slippage - _TICK_TOLERANCE)
    return max(1, price_ticks + side * moved)
