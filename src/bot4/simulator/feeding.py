"""The exchange's loop: market events and commands happen one after another, each with all that follows from it.

Between two calls nothing is left undone, but where the reports ran out of room: then the caller reads them and calls
again, and the work goes on where it stopped.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from bot4.domain.bars import IntArray
from bot4.domain.events import (
    BAR,
    BOOK_CHANGE,
    BOOK_ORDER,
    BOOK_REMOVE,
    EVENT,
    FUNDING,
    IS_BOOK_RESET,
    MARK_PRICE,
    ORDER_REJECTED,
    QUOTE,
    TRADE,
)
from bot4.domain.orders import BUY, CANCELS_SIBLINGS, COMMAND, PLACE, QUERY, SELL, WAITS_FOR_FULL_FILL
from bot4.domain.venue_reasons import BAD_ORDER, GROUP_DONE
from bot4.kernel import array, b1, i8, kernel, record, records, void
from bot4.simulator.acceptance import TAKEN
from bot4.simulator.book.ladder import APPLIED, clear_side, level_lots, set_level
from bot4.simulator.book.price_time import BOOK_FULL as ORDERS_FULL
from bot4.simulator.doors import (
    ARRIVALS,
    BARS,
    COMMANDS,
    DOORS,
    LEVELS,
    LIQUIDATION,
    TRADES,
    call_arrivals,
    call_bars,
    call_commands,
    call_liquidation,
    call_market,
)
from bot4.simulator.ending import EVERY_SYMBOL, expire_due
from bot4.simulator.intake import refuse
from bot4.simulator.liquidating import mark_position, pay_funding
from bot4.simulator.market_queue import clear_queues, look_ahead, step_back_markers, tell_order
from bot4.simulator.matching import needs_match, whole_lots
from bot4.simulator.order_book import cancel_row, is_alive, settle_rows, write_report
from bot4.simulator.resting import (
    BOOK,
    NOBODY,
    best_of_market,
    level_told,
    next_in_turn,
)
from bot4.simulator.rules.rate_limits import why_not_now
from bot4.simulator.rules.request_windows import venue_clock_ns, why_not_stamped
from bot4.simulator.state import (
    FROM_LEVELS,
    FROM_ORDERS,
    FROM_QUOTES,
    FROM_TRADES,
    SPOT,
    VENUE,
)
from bot4.simulator.taking import has_room, watch_price

BOOKS = array(i8, 2)
_NO_ROOM = 1  # is_unfinished: the reports were full
_NEW_BOOK = 2  # is_unfinished: the book has just begun, and the moment may tell more of it

ALL_DONE = 0
REPORTS_FULL = 1
BOOK_FULL = 2


class FeedStatus(IntEnum):
    """Why a loop stopped; see :func:`feed_events`."""

    ALL_DONE = ALL_DONE
    REPORTS_FULL = REPORTS_FULL
    BOOK_FULL = BOOK_FULL


# --- quotes and settling --------------------------------------------------------------------------------------------


@kernel(void(record(VENUE), BOOK, i8))
def _read_quote(venue: Any, book: IntArray, symbol: int) -> None:
    """Let the intake see the best prices, our own orders' among them."""
    bid, ask = best_of_market(book, BUY), best_of_market(book, SELL)
    own_bid, own_ask = next_in_turn(venue, symbol, BUY, 1), next_in_turn(venue, symbol, SELL, 1 << 60)
    if own_bid != NOBODY:
        bid = max(bid, venue["orders"][own_bid]["limit_ticks"])
    if own_ask != NOBODY:
        own = venue["orders"][own_ask]["limit_ticks"]
        ask = own if ask == 0 else min(ask, own)
    venue["bid_ticks"][symbol] = bid
    venue["ask_ticks"][symbol] = ask
    last = venue["last_ticks"][symbol]
    venue["reference_ticks"][symbol] = last if last > 0 else max(bid, ask)
    if venue["mark_ticks"][symbol] == 0:
        venue["margins"][symbol]["mark_ticks"] = venue["reference_ticks"][symbol]


@kernel(b1(record(VENUE), i8, records(EVENT), BOOK, i8, DOORS))
def _finish(venue: Any, ts_ns: int, reports: Any, book: IntArray, symbol: int, doors: IntArray) -> bool:
    """Do all that follows from what has happened to a symbol; False where the reports ran out of room first."""
    is_whole = True
    if venue["feed"][symbol] != FROM_TRADES:
        is_whole = bool(call_arrivals(doors[ARRIVALS], venue, ts_ns, reports, book, symbol))
    settle_rows(venue, symbol, -1)
    venue["is_unfinished"][symbol] = 0 if is_whole else _NO_ROOM
    return is_whole


@kernel(b1(record(VENUE), i8, records(EVENT), BOOKS, i8, DOORS))
def _finish_all(venue: Any, ts_ns: int, reports: Any, books: IntArray, most: int, doors: IntArray) -> bool:
    """Go on where the room for reports ended, and up to ``most`` = :data:`_NEW_BOOK` also on books that are new."""
    for symbol in range(venue["n_symbols"]):
        is_due = 0 < venue["is_unfinished"][symbol] <= most
        if is_due and not _finish(venue, ts_ns, reports, books[symbol], symbol, doors):
            return False
    return True


# --- market events ------------------------------------------------------------------------------------------------


@kernel(i8(records(VENUE), BOOKS, records(EVENT), i8, i8, records(EVENT), DOORS))
def feed_events(venues: Any, books: IntArray, events: Any, first: int, last: int, reports: Any, doors: IntArray) -> int:
    """Let market events ``first`` to ``last - 1`` happen, each with all that follows from it.

    Args:
        venues: one :data:`~bot4.simulator.state.VENUE`; ``status`` in it says why the loop stopped.
        books: int64[n_symbols, size], one ladder a row.
        events: in the order of time, not before the venue's.
        first, last: range of events.
        reports: rows to write, after ``n_reports`` already there.
        doors: of :func:`~bot4.simulator.doors.open_doors`.

    Returns:
        Which event to go on with: ``last`` when all are done. With :data:`REPORTS_FULL` read the reports first, with
        :data:`BOOK_FULL` give the books more room for far levels.
    """
    venue = venues[0]
    venue["status"] = ALL_DONE
    for at in range(first, last):
        event = events[at]
        if venue["n_orders"] > 0 or venue["n_reports"] > 0:
            due = _NEW_BOOK if event["ts_ns"] > venue["now_ns"] else _NO_ROOM
            is_ready = has_room(venue, reports) and _finish_all(venue, venue["now_ns"], reports, books, due, doors)
            if not is_ready or not _pass_time(venue, event["ts_ns"], reports):
                venue["status"] = REPORTS_FULL
                return at
        if not _happen(venue, books, event, reports, doors):
            venue["status"] = BOOK_FULL
            return at
        venue["now_ns"] = event["ts_ns"]
    if not _finish_all(venue, venue["now_ns"], reports, books, _NO_ROOM, doors):
        venue["status"] = REPORTS_FULL
    return last


@kernel(b1(record(VENUE), i8, records(EVENT)))
def _pass_time(venue: Any, now_ns: int, reports: Any) -> bool:
    """Let time pass up to a moment: orders expire, each at its own time; False where the reports ran out of room."""
    while venue["next_expiry_ns"] <= now_ns:
        if not has_room(venue, reports):
            return False
        due_ns = venue["next_expiry_ns"]
        venue["now_ns"] = max(venue["now_ns"], due_ns)
        expire_due(venue, reports, EVERY_SYMBOL, due_ns, venue["now_ns"])
        for symbol in range(venue["n_symbols"]):
            settle_rows(venue, symbol, -1)
    venue["now_ns"] = max(venue["now_ns"], now_ns)
    return True


@kernel(b1(record(VENUE), BOOKS, record(EVENT), records(EVENT), DOORS))
def _happen(venue: Any, books: IntArray, event: Any, reports: Any, doors: IntArray) -> bool:
    """Let one event happen; False, and nothing done, where its book has no room for it."""
    symbol, kind, ts_ns = event["symbol"], event["kind"], event["ts_ns"]
    book = books[symbol]
    n_reports = venue["n_reports"]
    if kind == BOOK_CHANGE:
        if not _change_level(venue, book, event, reports, doors):
            return False
    elif kind == QUOTE:
        _quote(venue, book, event, reports, doors)
    elif kind == TRADE:
        _trade(venue, book, event, reports, doors)
    elif kind == BAR:
        if venue["feed"][symbol] == FROM_TRADES:
            venue["last_ticks"][symbol] = event["close_ticks"]
            if needs_match(venue, event):
                call_bars(doors[BARS], venue, event, reports)
    elif kind == MARK_PRICE:
        mark_position(venue, symbol, event["mark_ticks"])
        call_liquidation(doors[LIQUIDATION], venue, ts_ns, reports, book, symbol)
        if venue["n_waiting"][symbol] > 0:
            watch_price(venue, ts_ns, reports, symbol, event["mark_ticks"], True)
    elif kind == FUNDING:
        pay_funding(venue, event)
        call_liquidation(doors[LIQUIDATION], venue, ts_ns, reports, book, symbol)
    elif kind == BOOK_ORDER and not _change_order(venue, book, event, reports, doors):
        return False
    if venue["n_reports"] != n_reports and venue["is_unfinished"][symbol] != _NEW_BOOK:
        _finish(venue, ts_ns, reports, book, symbol, doors)
    return True


@kernel(b1(record(VENUE), BOOK, record(EVENT), records(EVENT), DOORS))
def _change_level(venue: Any, book: IntArray, event: Any, reports: Any, doors: IntArray) -> bool:
    """A level of the book is told."""
    symbol, side, ticks = event["symbol"], event["level_side"], event["level_ticks"]
    if venue["feed"][symbol] == FROM_ORDERS:
        return True  # every order is told: levels say nothing new
    if event["flags"] & IS_BOOK_RESET != 0:
        clear_side(book, BUY)
        clear_side(book, SELL)
        if side != BUY and side != SELL:
            if venue["feed"][symbol] != FROM_LEVELS:
                _begin_book(venue, symbol, FROM_LEVELS)
            return True
    lots = whole_lots(event["level_quantity"], venue["instruments"][symbol]["lot"])
    return bool(_tell_level(venue, book, event["ts_ns"], reports, symbol, side, ticks, lots, FROM_LEVELS, doors))


@kernel(b1(record(VENUE), BOOK, i8, records(EVENT), i8, i8, i8, i8, i8, DOORS))
def _tell_level(
    venue: Any,
    book: IntArray,
    ts_ns: int,
    reports: Any,
    symbol: int,
    side: int,
    ticks: int,
    lots: int,
    feed: int,
    doors: IntArray,
) -> bool:
    """A side's level is now this: our places in its queue follow, and what it reaches of ours trades with it."""
    is_watched = venue["n_waiting"][symbol] > 0
    before = level_lots(book, side, ticks) if is_watched else 0
    if set_level(book, side, ticks, lots) != APPLIED:
        return False
    if lots > 0:
        _drop_crossed(book, side, ticks)
    if venue["feed"][symbol] != feed:
        _begin_book(venue, symbol, feed)
    if is_watched:
        level_told(venue, symbol, side, ticks, before, lots)
        if lots > 0 and next_in_turn(venue, symbol, -side, ticks) != NOBODY:
            call_market(doors[LEVELS], venue, ts_ns, reports, book, symbol, side, ticks)
    return True


@kernel(void(record(VENUE), i8, i8))
def _begin_book(venue: Any, symbol: int, feed: int) -> None:
    """From now on a symbol is matched on a book: whatever waited for trades or bars comes to it once it is told."""
    venue["feed"][symbol] = feed
    venue["is_unfinished"][symbol] = _NEW_BOOK


@kernel(void(BOOK, i8, i8))
def _drop_crossed(book: IntArray, side: int, ticks: int) -> None:
    """The later word is right: what stands on the other side at a price or through it is gone."""
    best = best_of_market(book, -side)
    while best > 0 and (ticks - best) * side >= 0:
        set_level(book, -side, best, 0)
        best = best_of_market(book, -side)


@kernel(void(record(VENUE), BOOK, record(EVENT), records(EVENT), DOORS))
def _quote(venue: Any, book: IntArray, event: Any, reports: Any, doors: IntArray) -> None:
    """The best level of each side is told; where levels or orders are told too, they know better."""
    symbol, ts_ns = event["symbol"], event["ts_ns"]
    if venue["feed"][symbol] > FROM_QUOTES:
        return
    lot = venue["instruments"][symbol]["lot"]
    for side in (BUY, SELL):
        ticks = event["bid_ticks"] if side == BUY else event["ask_ticks"]
        lots = whole_lots(event["bid_quantity"] if side == BUY else event["ask_quantity"], lot)
        best = best_of_market(book, side)
        while best > 0 and best != ticks:
            set_level(book, side, best, 0)
            best = best_of_market(book, side)
        if ticks > 0:
            _tell_level(venue, book, ts_ns, reports, symbol, side, ticks, lots, FROM_QUOTES, doors)


@kernel(void(record(VENUE), BOOK, i8, records(EVENT), i8, i8, DOORS))
def _mark_by_trade(
    venue: Any, book: IntArray, ts_ns: int, reports: Any, symbol: int, ticks: int, doors: IntArray
) -> None:
    """Where no mark price is told, the latest trade is the mark of a position."""
    if venue["mark_ticks"][symbol] == 0 and venue["terms"]["account"] > SPOT:
        venue["margins"][symbol]["mark_ticks"] = ticks
        call_liquidation(doors[LIQUIDATION], venue, ts_ns, reports, book, symbol)


@kernel(b1(record(VENUE), BOOK, record(EVENT), records(EVENT), DOORS))
def _change_order(venue: Any, book: IntArray, event: Any, reports: Any, doors: IntArray) -> bool:
    """An order of the market is told; False, and nothing done, where the book has no room for it."""
    symbol = event["symbol"]
    if len(book) <= venue["ladder_words"]:
        return False
    if venue["feed"][symbol] != FROM_ORDERS:
        _begin_book(venue, symbol, FROM_ORDERS)
    if event["flags"] & IS_BOOK_RESET != 0:
        clear_queues(venue, book, symbol)
        if event["book_side"] == 0:
            return True
    lots = whole_lots(event["book_quantity"], venue["instruments"][symbol]["lot"])
    is_watched = venue["n_waiting"][symbol] > 0
    if is_watched:
        step_back_markers(venue, book, event, lots)
    side, ticks = event["book_side"], event["book_ticks"]
    status = tell_order(book, event["book_action"], event["book_order_id"], side, ticks, lots)
    if status == ORDERS_FULL:
        return False
    if is_watched:
        look_ahead(venue, book, symbol)
        if event["book_action"] != BOOK_REMOVE and lots > 0:
            call_market(doors[LEVELS], venue, event["ts_ns"], reports, book, symbol, side, ticks)
    return True


@kernel(void(record(VENUE), BOOK, record(EVENT), records(EVENT), DOORS))
def _trade(venue: Any, book: IntArray, event: Any, reports: Any, doors: IntArray) -> None:
    """A trade of the market: resting orders first, then what it triggers."""
    symbol, ticks = event["symbol"], event["price_ticks"]
    venue["last_ticks"][symbol] = ticks
    _mark_by_trade(venue, book, event["ts_ns"], reports, symbol, ticks, doors)
    if venue["n_waiting"][symbol] == 0:
        return
    if venue["feed"][symbol] == FROM_TRADES:
        if needs_match(venue, event):
            call_bars(doors[BARS], venue, event, reports)
        return
    lots = whole_lots(event["quantity"], venue["instruments"][symbol]["lot"])
    aggressor = event["aggressor"]
    ts_ns = event["ts_ns"]
    if lots > 0:
        if aggressor != BUY:
            call_market(doors[TRADES], venue, ts_ns, reports, book, symbol, ticks, lots)
        if aggressor != SELL:
            call_market(doors[TRADES], venue, ts_ns, reports, book, symbol, ticks, -lots)
    watch_price(venue, ts_ns, reports, symbol, ticks, False)


# --- commands and time ----------------------------------------------------------------------------------------------


@kernel(i8(records(VENUE), BOOKS, records(COMMAND), i8, i8, records(EVENT), DOORS))
def take_requests(
    venues: Any, books: IntArray, commands: Any, first: int, last: int, reports: Any, doors: IntArray
) -> int:
    """Let commands ``first`` to ``last - 1`` act at once, in their order, each with all that follows from it.

    Orders that hang together (a parent and its children, the legs of one group) and follow one another are all taken
    in before any of them meets the market.

    Returns:
        Which command to go on with; ``status`` of the venue says why (:data:`REPORTS_FULL`: read the reports first).
    """
    venue = venues[0]
    venue["status"] = ALL_DONE
    at = first
    while at < last:
        if not has_room(venue, reports) or not _finish_all(venue, venue["now_ns"], reports, books, _NEW_BOOK, doors):
            venue["status"] = REPORTS_FULL
            return at
        symbol = commands[at]["order"]["symbol"]
        book = books[symbol]
        if venue["feed"][symbol] != FROM_TRADES:
            _read_quote(venue, book, symbol)
        elif venue["last_ticks"][symbol] > 0:
            venue["reference_ticks"][symbol] = venue["last_ticks"][symbol]
        is_linked, is_broken, sequence = True, False, venue["next_sequence"]
        while at < last and is_linked:
            _take_one(venue, commands[at], reports, doors)
            is_broken = is_broken or _is_list_broken(venue, commands[at], reports)
            at += 1
            is_linked = at < last and has_room(venue, reports) and _hang_together(commands[at - 1], commands[at])
        if is_broken:
            _undo_list(venue, reports, sequence)
        _finish(venue, venue["now_ns"], reports, book, symbol, doors)
    if not _finish_all(venue, venue["now_ns"], reports, books, _NEW_BOOK, doors):
        venue["status"] = REPORTS_FULL
    return at


@kernel(void(record(VENUE), record(COMMAND), records(EVENT), DOORS))
def _take_one(venue: Any, command: Any, reports: Any, doors: IntArray) -> None:
    now_ns = venue["now_ns"]
    if command["kind"] < PLACE or command["kind"] > QUERY:
        order = command["order"]
        write_report(venue, reports, now_ns, ORDER_REJECTED, order["symbol"], order["id"], BAD_ORDER)
        return
    reason = _why_not_request(venue, command) if venue["terms"]["has_request_rules"] != 0 else TAKEN
    if reason == TAKEN:
        call_commands(doors[COMMANDS], venue, command, now_ns, now_ns, reports)
    else:
        refuse(venue, command, now_ns, reason, reports)


@kernel(i8(record(VENUE), record(COMMAND)))
def _why_not_request(venue: Any, command: Any) -> int:
    """Why the venue does not look at a command at all: too many of them, or its timestamp too old or too early."""
    now_ns, window = venue["now_ns"], venue["request_window"]
    reason = why_not_now(venue["rate_limits"], now_ns, 1, 1 if command["kind"] == PLACE else 0)
    if reason != TAKEN:
        return int(reason)
    return int(why_not_stamped(window, venue_clock_ns(window, now_ns), command["ts_ns"], 0))


@kernel(b1(record(VENUE), record(COMMAND), records(EVENT)))
def _is_list_broken(venue: Any, command: Any, reports: Any) -> bool:
    """Whether a command was refused that is part of a list: a leg, or an order that waits for another's whole fill."""
    if command["order"]["flags"] & (CANCELS_SIBLINGS | WAITS_FOR_FULL_FILL) == 0 or venue["n_reports"] == 0:
        return False
    latest = reports[venue["n_reports"] - 1]
    is_refused = latest["kind"] == ORDER_REJECTED and latest["order_id"] == command["order"]["id"]
    return bool(command["kind"] == PLACE and is_refused)


@kernel(void(record(VENUE), records(EVENT), i8))
def _undo_list(venue: Any, reports: Any, first_sequence: int) -> None:
    """A list is taken whole or not at all: cancel what was taken of it."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["sequence"] >= first_sequence and is_alive(order):
            cancel_row(venue, reports, venue["now_ns"], order, GROUP_DONE)


@kernel(b1(record(COMMAND), record(COMMAND)))
def _hang_together(command: Any, following: Any) -> bool:
    """Whether two orders placed one after the other are of one group, or parent and child."""
    first, second = command["order"], following["order"]
    if command["kind"] != PLACE or following["kind"] != PLACE or first["symbol"] != second["symbol"]:
        return False
    is_group = first["group_id"] != 0 and first["group_id"] == second["group_id"]
    is_child = second["parent_id"] != 0 and second["parent_id"] in (first["id"], first["parent_id"])
    return bool(is_group or is_child)


@kernel(i8(records(VENUE), BOOKS, i8, records(EVENT), DOORS))
def pass_time(venues: Any, books: IntArray, now_ns: int, reports: Any, doors: IntArray) -> int:
    """Let time pass up to a moment not before the venue's; returns a :class:`FeedStatus`."""
    venue = venues[0]
    is_whole = _finish_all(venue, venue["now_ns"], reports, books, _NEW_BOOK, doors) and _pass_time(
        venue, now_ns, reports
    )
    venue["status"] = ALL_DONE if is_whole else REPORTS_FULL
    return int(venue["status"])
