"""Our resting orders on a level-2 book: their order of turn, their place in the queue, and what reaches them.

What stands at a price is the market's, as the feed tells it; our orders stand beside it, each with what the market has
before it. What we take from a level stays taken until the feed speaks of that level again.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.bars import IntArray
from bot4.domain.events import EVENT
from bot4.domain.orders import BUY, SELL
from bot4.kernel import array, b1, i8, kernel, record, records, void
from bot4.simulator.book.ladder import NO_ASK, NO_BID, best_ask, best_bid, level_lots, set_level
from bot4.simulator.book.queue_models import ahead_after_change
from bot4.simulator.filling import fill_order
from bot4.simulator.market_queue import set_marker, take_from_front
from bot4.simulator.order_book import displayed_lots, is_in_market, left_lots
from bot4.simulator.state import AT_OPEN, FROM_ORDERS, RESTED, VENUE, VENUE_ORDER
from bot4.simulator.triggers import is_priced

BOOK = array(i8)
NOBODY = -1


@kernel(b1(record(VENUE_ORDER)))
def is_resting(order: Any) -> bool:
    """Whether an order stands in the book."""
    return bool(order["arrival"] == RESTED and is_in_market(order) and is_priced(order))


@kernel(i8(record(VENUE), i8, i8, i8))
def next_in_turn(venue: Any, symbol: int, side: int, limit_ticks: int) -> int:
    """Row of our order of a side that trades first at ``limit_ticks`` or better: by price, then by arrival."""
    best = NOBODY
    best_ticks, best_sequence = 0, 0
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["side"] != side or order["symbol"] != symbol or not is_resting(order):
            continue
        ticks = order["limit_ticks"]
        if (ticks - limit_ticks) * side < 0:
            continue
        is_better = best == NOBODY or (ticks - best_ticks) * side > 0
        if is_better or (ticks == best_ticks and order["sequence"] < best_sequence):
            best, best_ticks, best_sequence = at, ticks, order["sequence"]
    return best


@kernel(i8(BOOK, i8))
def best_of_market(book: IntArray, side: int) -> int:
    """Best price of the market's own orders of a side, 0 where it has none."""
    if side == BUY:
        bid = best_bid(book)
        return 0 if bid == NO_BID else int(bid)
    ask = best_ask(book)
    return 0 if ask == NO_ASK else int(ask)


@kernel(i8(record(VENUE_ORDER)))
def lots_in_front(order: Any) -> int:
    """Whole lots that the market has before a resting order."""
    return math.ceil(max(float(order["ahead_lots"]), 0.0))


@kernel(void(record(VENUE), BOOK, i8, i8, i8, i8))
def take_market_lots(venue: Any, book: IntArray, symbol: int, side: int, ticks: int, lots: int) -> None:
    """Take lots of the market's own off a level: they stay taken until the feed speaks of them again."""
    if venue["feed"][symbol] == FROM_ORDERS:
        take_from_front(book, side, ticks, lots)
    else:
        set_level(book, side, ticks, level_lots(book, side, ticks) - lots)


@kernel(void(record(VENUE), record(VENUE_ORDER), BOOK))
def join_queue(venue: Any, order: Any, book: IntArray) -> None:
    """Stand at the end of the queue of one's price: a new order, or the next part of an iceberg."""
    order["shown_lots"] = min(order["display_lots"], left_lots(order))
    order["ahead_lots"] = float(level_lots(book, order["side"], order["limit_ticks"]))
    order["traded_lots"] = 0
    if venue["feed"][order["symbol"]] == FROM_ORDERS:
        set_marker(order, book)


@kernel(void(record(VENUE), record(VENUE_ORDER), BOOK))
def show_next_part(venue: Any, order: Any, book: IntArray) -> None:
    """Show the next part of an iceberg whose shown part is gone; it loses its place."""
    if order["display_lots"] > 0 and order["shown_lots"] <= 0 and left_lots(order) > 0:
        join_queue(venue, order, book)
        order["sequence"] = venue["next_sequence"]
        venue["next_sequence"] += 1


@kernel(i8(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), BOOK, i8))
def fill_resting(venue: Any, ts_ns: int, reports: Any, order: Any, book: IntArray, most_lots: int) -> int:
    """Fill a resting order at its own price, for at most what it shows; returns the lots."""
    most = min(most_lots, displayed_lots(order))
    lots = fill_order(venue, ts_ns, reports, order, order["limit_ticks"], most, True, AT_OPEN)
    if order["display_lots"] > 0:
        order["shown_lots"] -= lots
        show_next_part(venue, order, book)
    return int(lots)


@kernel(void(record(VENUE), i8, i8, i8, i8, i8))
def move_up(venue: Any, symbol: int, side: int, ticks: int, gone_lots: int, traded_lots: int) -> None:
    """Market orders in front at a price have traded: ``gone_lots`` by our account, ``traded_lots`` by the feed's."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_there = order["symbol"] == symbol and order["side"] == side and order["limit_ticks"] == ticks
        if is_there and is_resting(order):
            order["ahead_lots"] = max(order["ahead_lots"] - gone_lots, 0.0)
            order["traded_lots"] += traded_lots


@kernel(void(record(VENUE), i8, i8, i8, i8, i8))
def level_told(venue: Any, symbol: int, side: int, ticks: int, before_lots: int, after_lots: int) -> None:
    """The feed has told a level: our places in its queue follow by the queue model."""
    terms = venue["terms"]
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_there = order["symbol"] == symbol and order["side"] == side and order["limit_ticks"] == ticks
        if is_there and is_resting(order):
            ahead = ahead_after_change(
                terms["queue_model"],
                terms["queue_parameter"],
                order["ahead_lots"],
                order["traded_lots"],
                before_lots,
                after_lots,
            )
            order["ahead_lots"] = max(ahead, 0.0)
            order["traded_lots"] = 0


@kernel(void(record(VENUE), i8, records(EVENT), BOOK, i8, i8, i8))
def meet_trade(venue: Any, ts_ns: int, reports: Any, book: IntArray, symbol: int, ticks: int, trade: int) -> None:
    """Let a trade of the market reach our resting orders of the side that it took from.

    Its lots are all that they can get of it: those at better prices first, then at its price those whom it reaches
    once the market's own orders in front of them are served.

    Args:
        venue, ts_ns, reports, book, symbol: as elsewhere.
        ticks: its price.
        trade: its lots; above zero where it took from bids, below where it took from asks.
    """
    side = BUY if trade > 0 else SELL
    lots = abs(trade)
    left, gone = lots, 0
    at = next_in_turn(venue, symbol, side, ticks)
    while left > 0 and at != NOBODY:
        order = venue["orders"][at]
        if order["limit_ticks"] == ticks:
            in_front = min(left, max(lots_in_front(order) - gone, 0))
            gone += in_front
            left -= in_front
        if left > 0:
            left -= fill_resting(venue, ts_ns, reports, order, book, left)
        at = next_in_turn(venue, symbol, side, ticks)
    move_up(venue, symbol, side, ticks, gone, lots)


@kernel(void(record(VENUE), i8, records(EVENT), BOOK, i8, i8, i8))
def meet_level(venue: Any, ts_ns: int, reports: Any, book: IntArray, symbol: int, side: int, ticks: int) -> None:
    """Let a level of the market that stands at or beyond our prices trade with us, at ours, for what stands there."""
    lots = level_lots(book, side, ticks)
    at = next_in_turn(venue, symbol, -side, ticks) if lots > 0 else NOBODY
    while lots > 0 and at != NOBODY:
        filled = fill_resting(venue, ts_ns, reports, venue["orders"][at], book, lots)
        take_market_lots(venue, book, symbol, side, ticks, filled)
        lots -= filled
        at = next_in_turn(venue, symbol, -side, ticks)
