"""An order comes to a book: it waits for its trigger, takes what it may, and rests or ends with what is left."""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import IntArray
from bot4.domain.events import EVENT
from bot4.domain.orders import BUY, FILL_OR_KILL, POST_ONLY, TRADE_WITH_SELF, TRIGGERS_ON_MARK
from bot4.domain.orders import CANCEL_OLDEST as OLDEST
from bot4.domain.venue_reasons import NO_LIQUIDITY, NOT_FILLED, WOULD_TAKE
from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.book.ladder import MAX_TICKS, level_lots, lots_within
from bot4.simulator.brackets import end_with_order
from bot4.simulator.ending import is_immediate, is_margined, trigger_row
from bot4.simulator.filling import cut_to_reducible, fill_order
from bot4.simulator.order_book import (
    arrive,
    expire_row,
    is_in_market,
    left_lots,
    reject_row,
)
from bot4.simulator.resting import (
    BOOK,
    NOBODY,
    best_of_market,
    join_queue,
    lots_in_front,
    move_up,
    next_in_turn,
    take_market_lots,
)
from bot4.simulator.self_trade import meet_own, self_trade_mode
from bot4.simulator.state import AT_OPEN, RESTED, VENUE, VENUE_ORDER
from bot4.simulator.triggers import follow, is_priced, is_reached, waits_for_trigger

REPORT_RESERVE = 2_048  # rows that one fill, expiry or trigger can need at most, with what hangs on it


@kernel(b1(record(VENUE), records(EVENT)))
def has_room(venue: Any, reports: Any) -> bool:
    """Whether anything that can happen next finds room for its reports."""
    return bool(len(reports) - venue["n_reports"] >= REPORT_RESERVE)


@kernel(i8(record(VENUE), record(VENUE_ORDER)))
def watched_ticks(venue: Any, order: Any) -> int:
    """The price that an order's trigger looks at: the mark, or the last trade; 0 before the first."""
    is_on_mark = order["flags"] & TRIGGERS_ON_MARK != 0
    prices = venue["mark_ticks"] if is_on_mark else venue["last_ticks"]
    return int(prices[order["symbol"]])


@kernel(void(record(VENUE), i8, records(EVENT), i8, i8, b1))
def watch_price(venue: Any, ts_ns: int, reports: Any, symbol: int, ticks: int, is_mark: bool) -> None:
    """Show a price to the triggers that look at its kind: what it reaches comes to the market, in the order of ids."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] != symbol or not is_in_market(order) or not waits_for_trigger(order):
            continue
        if (order["flags"] & TRIGGERS_ON_MARK != 0) != is_mark or order["arrival"] != RESTED:
            continue
        _meet_price(venue, ts_ns, reports, order, ticks)


@kernel(void(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), i8))
def _meet_price(venue: Any, ts_ns: int, reports: Any, order: Any, ticks: int) -> None:
    if is_reached(order, ticks):
        trigger_row(venue, reports, ts_ns, order)
        arrive(venue, order, AT_OPEN, ts_ns)
    else:
        follow(order, ticks)


@kernel(i8(record(VENUE), i8))
def next_arrival(venue: Any, symbol: int) -> int:
    """Row of the order of a symbol that came to the market first and has not met it yet, -1 if there is none."""
    first, first_sequence = NOBODY, 0
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_new = order["symbol"] == symbol and order["arrival"] != RESTED and is_in_market(order)
        if is_new and (first == NOBODY or order["sequence"] < first_sequence):
            first, first_sequence = at, order["sequence"]
    return first


@kernel(b1(record(VENUE), i8, records(EVENT), BOOK, i8))
def meet_arrivals(venue: Any, ts_ns: int, reports: Any, book: IntArray, symbol: int) -> bool:
    """Let every order that has come meet the book, first come first served, and those that these bring about.

    Returns:
        False where the reports ran out of room: read them and call again.
    """
    at = next_arrival(venue, symbol)
    while at != NOBODY:
        if not has_room(venue, reports) or not _enter(venue, ts_ns, reports, book, venue["orders"][at]):
            return False
        at = next_arrival(venue, symbol)
    return True


@kernel(b1(record(VENUE), i8, records(EVENT), BOOK, record(VENUE_ORDER)))
def _enter(venue: Any, ts_ns: int, reports: Any, book: IntArray, order: Any) -> bool:
    """Let one order meet the book; False, and still to come, where the reports ran out of room."""
    order["arrival"] = RESTED
    if waits_for_trigger(order):
        _meet_price(venue, ts_ns, reports, order, watched_ticks(venue, order))
        return True
    if cut_to_reducible(venue, ts_ns, reports, order) == 0:
        return True
    if order["is_triggered"] != 0 and not is_margined(venue, ts_ns, reports, order):
        return True
    if order["flags"] & POST_ONLY != 0 and _would_take(venue, book, order):
        _refuse_to_take(venue, ts_ns, reports, order)
        return True
    if order["time_in_force"] == FILL_OR_KILL and _available_lots(venue, book, order) < left_lots(order):
        _expire(venue, ts_ns, reports, order, NOT_FILLED)
        return True
    if not _take(venue, ts_ns, reports, book, order):
        order["arrival"] = AT_OPEN
        return False
    if not is_in_market(order):
        return True
    if is_immediate(order):
        _expire(venue, ts_ns, reports, order, NOT_FILLED)
    elif is_priced(order):
        join_queue(venue, order, book)
    else:
        _expire(venue, ts_ns, reports, order, NO_LIQUIDITY)
    return True


@kernel(void(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), i8))
def _expire(venue: Any, ts_ns: int, reports: Any, order: Any, reason: int) -> None:
    expire_row(venue, reports, ts_ns, order, reason)
    end_with_order(venue, reports, ts_ns, order)


@kernel(void(record(VENUE), i8, records(EVENT), record(VENUE_ORDER)))
def _refuse_to_take(venue: Any, ts_ns: int, reports: Any, order: Any) -> None:
    """A post-only order would take: one that has just triggered is refused, any other ends."""
    if order["is_triggered"] != 0:
        reject_row(venue, reports, ts_ns, order, WOULD_TAKE)
    else:
        expire_row(venue, reports, ts_ns, order, WOULD_TAKE)
    end_with_order(venue, reports, ts_ns, order)


@kernel(i8(record(VENUE_ORDER)))
def worst_ticks(order: Any) -> int:
    """The worst price that an order may take at."""
    if is_priced(order):
        return int(order["limit_ticks"])
    return MAX_TICKS if order["side"] == BUY else 1


@kernel(i8(record(VENUE), BOOK, record(VENUE_ORDER)))
def _best_opposite(venue: Any, book: IntArray, order: Any) -> int:
    """Best price of the other side within an order's limit, the market's or one of ours; 0 where there is none."""
    side, worst = int(order["side"]), worst_ticks(order)
    market = best_of_market(book, -side)
    if market > 0 and (worst - market) * side < 0:
        market = 0
    own_at = next_in_turn(venue, order["symbol"], -side, worst)
    if own_at == NOBODY:
        return int(market)
    own = venue["orders"][own_at]["limit_ticks"]
    return int(own if market == 0 or (own - market) * side <= 0 else market)


@kernel(b1(record(VENUE), BOOK, record(VENUE_ORDER)))
def _would_take(venue: Any, book: IntArray, order: Any) -> bool:
    return bool(_best_opposite(venue, book, order) > 0)


@kernel(i8(record(VENUE), BOOK, record(VENUE_ORDER)))
def _available_lots(venue: Any, book: IntArray, order: Any) -> int:
    """Lots that an order could get at once: the market's, and ours as far as it may trade with them."""
    side, worst, symbol = int(order["side"]), worst_ticks(order), order["symbol"]
    mode = self_trade_mode(venue, order)
    own_at = next_in_turn(venue, symbol, -side, worst)
    if own_at == NOBODY or mode == OLDEST:
        return int(lots_within(book, -side, worst))
    if mode == TRADE_WITH_SELF:
        return int(lots_within(book, -side, worst) + _own_lots(venue, symbol, -side, worst))
    first = venue["orders"][own_at]
    better = first["limit_ticks"] - side
    standing = level_lots(book, -side, first["limit_ticks"])
    return int(lots_within(book, -side, better) + min(lots_in_front(first), standing))


@kernel(i8(record(VENUE), i8, i8, i8))
def _own_lots(venue: Any, symbol: int, side: int, limit_ticks: int) -> int:
    lots = 0
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_there = order["symbol"] == symbol and order["side"] == side and is_in_market(order) and is_priced(order)
        if is_there and order["arrival"] == RESTED and (order["limit_ticks"] - limit_ticks) * side >= 0:
            lots += left_lots(order)
    return lots


@kernel(b1(record(VENUE), i8, records(EVENT), BOOK, record(VENUE_ORDER)))
def _take(venue: Any, ts_ns: int, reports: Any, book: IntArray, order: Any) -> bool:
    """Let an order take, level after level, up to its limit; False where the reports ran out of room first."""
    symbol = order["symbol"]
    first, last = 0, 0
    is_whole = True
    ticks = _best_opposite(venue, book, order)
    while ticks > 0 and is_in_market(order):
        if not has_room(venue, reports):
            is_whole = False
            break
        lots = _take_at(venue, ts_ns, reports, book, order, ticks)
        if lots > 0:
            last = ticks
            first = first if first > 0 else ticks
        ticks = _best_opposite(venue, book, order) if is_in_market(order) else 0
    if last > 0:
        venue["last_ticks"][symbol] = last
        watch_price(venue, ts_ns, reports, symbol, first, False)
        if last != first:
            watch_price(venue, ts_ns, reports, symbol, last, False)
    return is_whole


@kernel(i8(record(VENUE), i8, records(EVENT), BOOK, record(VENUE_ORDER), i8))
def _take_at(venue: Any, ts_ns: int, reports: Any, book: IntArray, order: Any, ticks: int) -> int:
    """Take the next lots at a price: the market's up to our first order there, else that; returns the lots."""
    symbol, side = order["symbol"], int(order["side"])
    standing = level_lots(book, -side, ticks) if best_of_market(book, -side) == ticks else 0
    own_at = next_in_turn(venue, symbol, -side, ticks)
    if own_at != NOBODY:
        standing = min(standing, lots_in_front(venue["orders"][own_at]))
        if standing == 0:
            return int(meet_own(venue, ts_ns, reports, order, venue["orders"][own_at], book))
    wanted = min(standing, left_lots(order))
    lots = fill_order(venue, ts_ns, reports, order, ticks, wanted, False, AT_OPEN)
    if lots > 0:
        take_market_lots(venue, book, symbol, -side, ticks, lots)
        move_up(venue, symbol, -side, ticks, lots, 0)
    return int(lots)
