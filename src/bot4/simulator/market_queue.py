"""The queue of the market's own orders at a price, where every one of them is known (level 3).

Our orders do not stand in the market's book: each remembers the last order of the market that was there before it
(``marker_id``). What it has ahead is that order and all before it, exactly, whatever happens behind.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import IntArray
from bot4.domain.events import BOOK_REMOVE, EVENT
from bot4.domain.orders import BUY, SELL
from bot4.kernel import array, b1, i8, kernel, record, void
from bot4.simulator.book.ladder import NO_ASK, NO_BID, best_ask, best_bid
from bot4.simulator.book.price_time import DONE, cancel_order, lots_ahead, order_lots, reduce_order
from bot4.simulator.book.price_time_store import (
    HEAD,
    ID,
    KEY,
    LOTS,
    NEXT,
    PREVIOUS,
    key_of,
    place_of,
    queue_of,
    rest_order,
)
from bot4.simulator.state import FROM_ORDERS, RESTED, VENUE, VENUE_ORDER

BOOK = array(i8)
NO_MARKER = 0
LOST_MARKER = -1  # the book was told anew: what is ahead falls by trades alone


@kernel(i8(BOOK, i8, i8))
def first_in_queue(book: IntArray, side: int, ticks: int) -> int:
    """Id of the order that stands first at a price, 0 for none."""
    place = book[queue_of(book, key_of(side, ticks)) + HEAD]
    return int(book[place + ID]) if place != 0 else NO_MARKER


@kernel(i8(BOOK, i8, i8))
def last_in_queue(book: IntArray, side: int, ticks: int) -> int:
    """Id of the order that stands last at a price, 0 for none. It walks the queue."""
    place = book[queue_of(book, key_of(side, ticks)) + HEAD]
    last = NO_MARKER
    while place != 0:
        last = book[place + ID]
        place = book[place + NEXT]
    return int(last)


@kernel(i8(BOOK, i8))
def before_in_queue(book: IntArray, order_id: int) -> int:
    """Id of the order that stands before another one in its queue, 0 for none."""
    place = place_of(book, order_id)
    before = book[place + PREVIOUS] if place != 0 else 0
    return int(book[before + ID]) if before != 0 else NO_MARKER


@kernel(i8(BOOK, i8))
def lots_up_to(book: IntArray, marker_id: int) -> int:
    """Lots of an order and of all before it in its queue; 0 where it is gone."""
    if marker_id == NO_MARKER or place_of(book, marker_id) == 0:
        return 0
    return int(lots_ahead(book, marker_id) + order_lots(book, marker_id))


@kernel(void(BOOK, i8, i8, i8))
def take_from_front(book: IntArray, side: int, ticks: int, lots: int) -> None:
    """Take lots off the orders that stand first at a price, one after the other; no more than stand there."""
    left = lots
    while left > 0:
        first = first_in_queue(book, side, ticks)
        if first == NO_MARKER:
            break
        taken = min(left, order_lots(book, first))
        reduce_order(book, first, taken)
        left -= taken


@kernel(b1(BOOK, record(EVENT), i8))
def _loses_place(book: IntArray, event: Any, lots: int) -> bool:
    """Whether a change takes an order from where it stands: it goes, changes its price, or grows."""
    if event["book_action"] == BOOK_REMOVE or lots == 0:
        return True
    place = place_of(book, event["book_order_id"])
    return bool(place != 0 and (book[place + KEY] >> 1 != event["book_ticks"] or lots > book[place + LOTS]))


@kernel(void(record(VENUE), BOOK, record(EVENT), i8))
def step_back_markers(venue: Any, book: IntArray, event: Any, lots: int) -> None:
    """Before a change of an order of the market: ours that remember it remember the one before it, if it goes."""
    order_id = event["book_order_id"]
    if not _loses_place(book, event, lots):
        return
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] == event["symbol"] and order["marker_id"] == order_id:
            order["marker_id"] = before_in_queue(book, order_id)


@kernel(void(record(VENUE), BOOK, i8))
def look_ahead(venue: Any, book: IntArray, symbol: int) -> None:
    """After a change: our resting orders have no more ahead than stands up to their markers."""
    if venue["feed"][symbol] != FROM_ORDERS:
        return
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_behind = order["arrival"] == RESTED and order["ahead_lots"] > 0.0 and order["marker_id"] != LOST_MARKER
        if order["symbol"] == symbol and is_behind:
            order["ahead_lots"] = min(order["ahead_lots"], float(lots_up_to(book, order["marker_id"])))


@kernel(void(record(VENUE_ORDER), BOOK))
def set_marker(order: Any, book: IntArray) -> None:
    """Stand behind everything that is at one's price now."""
    order["marker_id"] = last_in_queue(book, order["side"], order["limit_ticks"])


@kernel(i8(BOOK, i8, i8, i8, i8, i8))
def tell_order(book: IntArray, action: int, order_id: int, side: int, ticks: int, lots: int) -> int:
    """What a feed says of an order of the market; a :class:`~bot4.simulator.book.price_time.MatchStatus`.

    An order that is set but not there (we took it, or a gap lost it) comes anew; one that is removed and not there is
    gone already; one that is added twice is set.
    """
    place = place_of(book, order_id)
    if action == BOOK_REMOVE or lots == 0:
        return int(cancel_order(book, order_id)) if place != 0 else DONE
    if place == 0:
        return int(rest_order(book, order_id, 0, side, ticks, lots, 0))
    stands = book[place + LOTS]
    if book[place + KEY] == key_of(side, ticks) and lots <= stands:
        return int(reduce_order(book, order_id, stands - lots)) if lots < stands else DONE
    cancel_order(book, order_id)
    return int(rest_order(book, order_id, 0, side, ticks, lots, 0))


@kernel(void(record(VENUE), BOOK, i8))
def clear_queues(venue: Any, book: IntArray, symbol: int) -> None:
    """Empty a book of orders; ours keep what they had ahead, since nobody says where they stand now."""
    for at in range(venue["n_orders"]):
        if venue["orders"][at]["symbol"] == symbol:
            venue["orders"][at]["marker_id"] = LOST_MARKER
    for side in (BUY, SELL):
        best = best_bid(book) if side == BUY else best_ask(book)
        while best not in (NO_BID, NO_ASK):
            cancel_order(book, first_in_queue(book, side, best))
            best = best_bid(book) if side == BUY else best_ask(book)
