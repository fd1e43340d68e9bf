"""Commands on their way to the venue, and what the venue does with them when they arrive."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import (
    ABOUT_CANCEL,
    ABOUT_REPLACE,
    BAR,
    EVENT,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
)
from bot4.domain.money import FLOOR, mul_div
from bot4.domain.orders import (
    CANCEL,
    CANCELS_SIBLINGS,
    CLOSE_POSITION,
    COMMAND,
    FILLED,
    HELD,
    MARKET,
    ORDER,
    PLACE,
    POST_ONLY,
    QUERY,
    REPLACE,
    WAITS_FOR_FULL_FILL,
    WORKING,
)
from bot4.domain.venue_reasons import (
    BAD_ORDER,
    BAD_PRICE,
    BAD_QUANTITY,
    NO_PARENT,
    NOT_APPROVED,
    ON_REQUEST,
    UNKNOWN_ORDER,
    WOULD_TAKE,
)
from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.acceptance import (
    TAKEN,
    has_prices,
    is_taking,
    remember_id,
    why_not,
    why_not_filtered_anew,
    why_not_quantity,
)
from bot4.simulator.brackets import end_with_order, share_parent_fill
from bot4.simulator.order_book import (
    arrive,
    cancel_row,
    find_finished,
    find_order,
    find_order_of,
    insert_row,
    is_in_market,
    remove_row,
    report_order,
    report_status,
    report_unknown,
    settle_rows,
    write_report,
)
from bot4.simulator.settlement import lock_funds
from bot4.simulator.state import (
    AT_OPEN,
    MAX_QUEUED,
    QUEUE_FULL,
    RECEIVED,
    RESTED,
    UNKNOWN_COMMAND,
    UNKNOWN_SYMBOL,
    VENUE,
    VENUE_ORDER,
)
from bot4.simulator.triggers import is_priced


@kernel(i8(record(VENUE), record(COMMAND)))
def receive(venue: Any, command: Any) -> int:
    """Put a command on its way to the venue.

    It takes effect at the first market event of its symbol after its time plus the latency; every later word about
    it, a rejection too, is a report of :func:`~bot4.simulator.matching.match`.

    Returns:
        A :class:`~bot4.simulator.state.ReceiveStatus`; unless it is RECEIVED, the command was not taken.
    """
    symbol = command["order"]["symbol"]
    if symbol < 0 or symbol >= venue["n_symbols"]:
        return UNKNOWN_SYMBOL
    if command["kind"] < PLACE or command["kind"] > QUERY:
        return UNKNOWN_COMMAND
    at = venue["n_queued"]
    if at == MAX_QUEUED:
        return QUEUE_FULL
    venue["queue"][at] = command
    venue["n_queued"] = at + 1
    venue["n_waiting"][symbol] += 1
    return RECEIVED


@kernel(i8(records(VENUE), records(COMMAND), i8))
def receive_command(venues: Any, commands: Any, at: int) -> int:
    """:func:`receive` of ``commands[at]``, for callers in Python."""
    return int(receive(venues[0], commands[at]))


@kernel(i8(record(VENUE)))
def open_order_count(venue: Any) -> int:
    """Orders that are held or open at the venue; commands on their way not included."""
    return int(venue["n_orders"])


@kernel(i8(record(VENUE)))
def most_reports(venue: Any) -> int:
    """The most reports that one event can give rise to, with what the venue holds now."""
    return int(4 * (venue["n_orders"] + venue["n_queued"]))


@kernel(i8(record(VENUE), i8, records(EVENT)))
def cancel_all(venue: Any, ts_ns: int, reports: Any) -> int:
    """Cancel every order and every command on its way, at once.

    Returns:
        How many reports were written, or -1 (and nothing done) when ``reports`` is too short.
    """
    if most_reports(venue) > len(reports):
        return -1
    venue["n_reports"] = 0
    for at in range(venue["n_orders"]):
        cancel_row(venue, reports, ts_ns, venue["orders"][at], ON_REQUEST)
    for at in range(venue["n_queued"]):
        order = venue["queue"][at]["order"]
        if venue["queue"][at]["kind"] == PLACE:
            write_report(venue, reports, ts_ns, ORDER_CANCELLED, order["symbol"], order["id"], ON_REQUEST)
    venue["n_queued"] = 0
    for symbol in range(venue["n_symbols"]):
        settle_rows(venue, symbol, ts_ns)
    return int(venue["n_reports"])


@kernel(b1(record(VENUE), record(COMMAND), record(EVENT)))
def is_effective(venue: Any, command: Any, event: Any) -> bool:
    """Whether a command is in force at an event: it arrived before it, and a bar opened no earlier than it was sent."""
    if event["symbol"] != command["order"]["symbol"]:
        return False
    if event["ts_ns"] <= command["ts_ns"] + venue["order_latency_ns"]:
        return False
    return bool(event["kind"] != BAR or event["ts_open_ns"] >= command["ts_ns"])


@kernel(void(record(VENUE), record(EVENT), i8, records(EVENT)))
def take_commands(venue: Any, event: Any, open_ticks: int, reports: Any) -> None:
    """Apply every command that is in force at an event, in the order sent."""
    kept = 0
    symbol = event["symbol"]
    venue["reference_ticks"][symbol] = open_ticks
    # A limit at the open itself is not traded through: it makes.
    venue["bid_ticks"][symbol] = open_ticks - 1
    venue["ask_ticks"][symbol] = open_ticks + 1
    for at in range(venue["n_queued"]):
        command = venue["queue"][at]
        if is_effective(venue, command, event):
            take(venue, command, event["ts_ns"], command["ts_ns"], reports)
        else:
            if kept != at:
                venue["queue"][kept] = command
            kept += 1
    venue["n_queued"] = kept


@kernel(void(record(VENUE), record(COMMAND), i8, i8, records(EVENT)))
def take(venue: Any, command: Any, ts_ns: int, arrived_ns: int, reports: Any) -> None:
    """Apply one command that has arrived.

    Args:
        venue: its quote of the symbol (``bid_ticks``, ``ask_ticks``, ``reference_ticks``) is the present one.
        command: of a known symbol and kind.
        ts_ns: time of the reports.
        arrived_ns: from when on the order is in the market.
        reports: rows to write, with room.
    """
    order = command["order"]
    kind = command["kind"]
    if kind == PLACE:
        reason = _place(venue, order, ts_ns, arrived_ns, reports)
    elif kind == CANCEL:
        reason = _cancel(venue, order, ts_ns, reports)
    elif kind == REPLACE:
        reason = _replace(venue, order, ts_ns, arrived_ns, reports)
    else:
        reason = _answer(venue, order, ts_ns, reports)
    if reason != TAKEN:
        refuse(venue, command, ts_ns, reason, reports)


@kernel(void(record(VENUE), record(COMMAND), i8, i8, records(EVENT)))
def refuse(venue: Any, command: Any, ts_ns: int, reason: int, reports: Any) -> None:
    """Report that a command is refused: the flags say whether an order, a cancel or a replacement is."""
    order = command["order"]
    row = reports[venue["n_reports"]]
    write_report(venue, reports, ts_ns, ORDER_REJECTED, order["symbol"], order["id"], reason)
    if command["kind"] == CANCEL:
        row["flags"] = ABOUT_CANCEL
    elif command["kind"] == REPLACE:
        row["flags"] = ABOUT_REPLACE


@kernel(i8(record(VENUE), record(ORDER), i8, i8, records(EVENT)))
def _place(venue: Any, placed: Any, ts_ns: int, arrived_ns: int, reports: Any) -> int:
    reason = why_not(venue, placed, ts_ns)
    if reason != TAKEN:
        return int(reason)
    if placed["parent_id"] == 0:
        at = insert_row(venue, placed, WORKING, arrived_ns)
        reason = lock_funds(venue, venue["orders"][at])
        if reason != TAKEN:
            remove_row(venue, at)
            return int(reason)
        remember_id(venue, placed["id"], ts_ns)
        report_order(venue, reports, ts_ns, venue["orders"][at], ORDER_ACCEPTED)
        return TAKEN
    symbol, parent_id = placed["symbol"], placed["parent_id"]
    if find_order_of(venue, symbol, parent_id) >= 0:
        remember_id(venue, placed["id"], ts_ns)
        at = insert_row(venue, placed, HELD, arrived_ns)
        parent_at = find_order(venue, parent_id)
        share_parent_fill(venue, reports, ts_ns, venue["orders"][parent_at], venue["orders"][at], 0, AT_OPEN)
        return TAKEN
    finished_at = find_finished(venue, parent_id)
    if finished_at < 0 or not _can_start(venue["finished"][finished_at], placed):
        return NO_PARENT
    remember_id(venue, placed["id"], ts_ns)
    at = insert_row(venue, placed, HELD, arrived_ns)
    share_parent_fill(venue, reports, ts_ns, venue["finished"][finished_at], venue["orders"][at], 0, AT_OPEN)
    return TAKEN


@kernel(b1(record(VENUE_ORDER), record(ORDER)))
def _can_start(parent: Any, child: Any) -> bool:
    """Whether a child that comes after its parent's end has a share of it."""
    is_whole = parent["status"] == FILLED or child["flags"] & WAITS_FOR_FULL_FILL == 0
    share = mul_div(child["qty_lots"], parent["filled_lots"], parent["ordered_lots"], FLOOR)
    return bool(parent["symbol"] == child["symbol"] and is_whole and share > 0)


@kernel(i8(record(VENUE), record(ORDER), i8, records(EVENT)))
def _cancel(venue: Any, wanted: Any, ts_ns: int, reports: Any) -> int:
    """Cancel an order: where a venue keeps no ids apart, every one of that id."""
    reason = UNKNOWN_ORDER
    at = find_order_of(venue, wanted["symbol"], wanted["id"])
    while at >= 0:
        order = venue["orders"][at]
        cancel_row(venue, reports, ts_ns, order, ON_REQUEST)
        end_with_order(venue, reports, ts_ns, order)
        reason = TAKEN
        at = find_order_of(venue, wanted["symbol"], wanted["id"])
    return reason


@kernel(i8(record(VENUE), record(ORDER), i8, i8, records(EVENT)))
def _replace(venue: Any, wanted: Any, ts_ns: int, arrived_ns: int, reports: Any) -> int:
    """New prices, and a new quantity unless the order shares its bracket's, which its entry and exits settle."""
    if wanted["approval_id"] == 0 and venue["terms"]["asks_approval"] != 0:
        return NOT_APPROVED
    at = find_order_of(venue, wanted["symbol"], wanted["id"])
    if at < 0:
        return UNKNOWN_ORDER
    order = venue["orders"][at]
    if order["type"] == MARKET:
        return BAD_ORDER
    trail = wanted["trail_ticks"] if wanted["trail_ticks"] != 0 else order["trail_ticks"]
    if not has_prices(order["type"], wanted["limit_ticks"], wanted["stop_ticks"], trail):
        return BAD_PRICE
    qty_lots = order["qty_lots"] if _is_sharing(venue, order) else wanted["qty_lots"]
    reason = _why_not_amended(venue, order, wanted, qty_lots)
    if reason != TAKEN:
        return int(reason)
    is_post_only = order["flags"] & POST_ONLY != 0 and is_priced(order)
    if is_post_only and is_taking(venue, order["symbol"], order["side"], wanted["limit_ticks"]):
        return WOULD_TAKE
    keeps_place = _keeps_place(venue, order, wanted, qty_lots)
    stop_ticks = order["stop_ticks"] if order["extreme_ticks"] != 0 else wanted["stop_ticks"]
    reason = _amend(venue, order, qty_lots, wanted["limit_ticks"], stop_ticks)
    if reason != TAKEN:
        return int(reason)
    order["trail_ticks"] = trail
    if not keeps_place:
        arrive(venue, order, AT_OPEN, arrived_ns)
    report_order(venue, reports, ts_ns, order, ORDER_REPLACED)
    return TAKEN


@kernel(i8(record(VENUE), record(VENUE_ORDER), record(ORDER), i8))
def _why_not_amended(venue: Any, order: Any, wanted: Any, qty_lots: int) -> int:
    if not _is_sharing(venue, order) and order["flags"] & CLOSE_POSITION == 0:
        reason = why_not_quantity(venue, order["symbol"], qty_lots, order["is_reduce_only"])
        if reason == TAKEN and qty_lots <= order["filled_lots"]:
            reason = BAD_QUANTITY
        if reason != TAKEN:
            return int(reason)
    if venue["terms"]["has_filters"] == 0:
        return TAKEN
    return int(why_not_filtered_anew(venue, order, wanted["limit_ticks"], wanted["stop_ticks"], qty_lots))


@kernel(i8(record(VENUE), record(VENUE_ORDER), i8, i8, i8))
def _amend(venue: Any, order: Any, qty_lots: int, limit_ticks: int, stop_ticks: int) -> int:
    """Give an order new numbers, where the account can bear them; else a reason, and it stays as it was."""
    lots, limit, stop = order["qty_lots"], order["limit_ticks"], order["stop_ticks"]
    order["qty_lots"], order["limit_ticks"], order["stop_ticks"] = qty_lots, limit_ticks, stop_ticks
    reason = lock_funds(venue, order)
    if reason != TAKEN:
        order["qty_lots"], order["limit_ticks"], order["stop_ticks"] = lots, limit, stop
    return int(reason)


@kernel(b1(record(VENUE), record(VENUE_ORDER), record(ORDER), i8))
def _keeps_place(venue: Any, order: Any, wanted: Any, qty_lots: int) -> bool:
    """Whether a replacement leaves an order where it stands: on some venues, where it only takes lots off."""
    is_same_price = order["limit_ticks"] == wanted["limit_ticks"] and order["stop_ticks"] == wanted["stop_ticks"]
    is_resting = order["arrival"] == RESTED and is_in_market(order)
    may_keep = venue["terms"]["keeps_place_on_less"] != 0
    return bool(may_keep and is_resting and is_same_price and qty_lots <= order["qty_lots"])


@kernel(b1(record(VENUE), record(VENUE_ORDER)))
def _is_sharing(venue: Any, order: Any) -> bool:
    if order["flags"] & (CANCELS_SIBLINGS | WAITS_FOR_FULL_FILL) != 0 or venue["terms"]["has_brackets"] == 0:
        return False
    return bool(order["parent_id"] != 0 or (order["group_id"] != 0 and order["group_id"] != order["id"]))


@kernel(i8(record(VENUE), record(ORDER), i8, records(EVENT)))
def _answer(venue: Any, wanted: Any, ts_ns: int, reports: Any) -> int:
    """Answer a query: where the order stands, or that no such order is known."""
    at = find_order_of(venue, wanted["symbol"], wanted["id"])
    if at >= 0:
        report_status(venue, reports, ts_ns, venue["orders"][at])
        return TAKEN
    at = find_finished(venue, wanted["id"])
    if at >= 0 and venue["finished"][at]["symbol"] == wanted["symbol"]:
        report_status(venue, reports, ts_ns, venue["finished"][at])
        return TAKEN
    report_unknown(venue, reports, ts_ns, wanted["symbol"], wanted["id"])
    return TAKEN
