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
from bot4.domain.money import CEILING, OVERFLOW, notional_atoms
from bot4.domain.orders import (
    BUY,
    CANCEL,
    COMMAND,
    EXIT_SLOTS,
    HELD,
    LIMIT,
    MARKET,
    MAX_ORDERS,
    ORDER,
    PLACE,
    REPLACE,
    SELL,
    STOP,
    WORKING,
)
from bot4.domain.venue_reasons import (
    ABOVE_MAX_LOTS,
    BAD_ORDER,
    BAD_PRICE,
    BAD_QUANTITY,
    BELOW_MIN_LOTS,
    BELOW_MIN_NOTIONAL,
    BEYOND_HOLDINGS,
    DUPLICATE_ORDER,
    NO_PARENT,
    NOT_APPROVED,
    ON_REQUEST,
    PARENT_GONE,
    TABLE_FULL,
    TOO_LARGE,
    UNKNOWN_ORDER,
)
from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.brackets import share_parent_fill
from bot4.simulator.order_book import (
    cancel_held_children,
    cancel_row,
    find_order,
    find_order_of,
    insert_row,
    report_order,
    settle_rows,
    write_report,
)
from bot4.simulator.state import (
    AT_OPEN,
    MAX_QUEUED,
    QUEUE_FULL,
    RECEIVED,
    UNKNOWN_COMMAND,
    UNKNOWN_SYMBOL,
    VENUE,
    VENUE_ORDER,
)

_TAKEN = 0  # no reason to refuse


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
    if command["kind"] < PLACE or command["kind"] > REPLACE:
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
    return int(3 * venue["n_orders"] + 4 * venue["n_queued"])


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
        settle_rows(venue, symbol)
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
    for at in range(venue["n_queued"]):
        command = venue["queue"][at]
        if is_effective(venue, command, event):
            _take(venue, command, event["ts_ns"], open_ticks, reports)
        else:
            if kept != at:
                venue["queue"][kept] = command
            kept += 1
    venue["n_queued"] = kept


@kernel(void(record(VENUE), record(COMMAND), i8, i8, records(EVENT)))
def _take(venue: Any, command: Any, ts_ns: int, open_ticks: int, reports: Any) -> None:
    order = command["order"]
    if command["kind"] == PLACE:
        reason = _place(venue, order, ts_ns, open_ticks, reports)
    elif command["kind"] == CANCEL:
        reason = _cancel(venue, order, ts_ns, reports)
    else:
        reason = _replace(venue, order, ts_ns, reports)
    if reason != _TAKEN:
        write_report(venue, reports, ts_ns, ORDER_REJECTED, order["symbol"], order["id"], reason)
        if command["kind"] == CANCEL:
            reports[venue["n_reports"] - 1]["flags"] = ABOUT_CANCEL
        elif command["kind"] == REPLACE:
            reports[venue["n_reports"] - 1]["flags"] = ABOUT_REPLACE


@kernel(i8(record(VENUE), record(ORDER), i8, i8, records(EVENT)))
def _place(venue: Any, placed: Any, ts_ns: int, open_ticks: int, reports: Any) -> int:
    reason = _why_not(venue, placed, open_ticks)
    if reason != _TAKEN:
        return int(reason)
    if placed["parent_id"] == 0:
        at = insert_row(venue, placed, WORKING, AT_OPEN)
        report_order(venue, reports, ts_ns, venue["orders"][at], ORDER_ACCEPTED)
        return _TAKEN
    if find_order_of(venue, placed["symbol"], placed["parent_id"]) < 0:
        return NO_PARENT
    at = insert_row(venue, placed, HELD, AT_OPEN)
    parent_at = find_order(venue, placed["parent_id"])
    share_parent_fill(venue, reports, ts_ns, venue["orders"][parent_at], venue["orders"][at], 0, AT_OPEN)
    return _TAKEN


@kernel(i8(record(VENUE), record(ORDER), i8))
def _why_not(venue: Any, order: Any, open_ticks: int) -> int:
    """Reason to refuse an order as placed, or ``_TAKEN``."""
    if order["approval_id"] == 0:
        return NOT_APPROVED
    is_known = MARKET <= order["type"] <= STOP and (order["side"] == BUY or order["side"] == SELL)
    if order["id"] <= 0 or not is_known:
        return BAD_ORDER
    if find_order(venue, order["id"]) >= 0:
        return DUPLICATE_ORDER
    if venue["n_orders"] >= (MAX_ORDERS if order["is_reduce_only"] else MAX_ORDERS - EXIT_SLOTS):
        return TABLE_FULL
    if not _has_price(order["type"], order["limit_ticks"], order["stop_ticks"]):
        return BAD_PRICE
    reason = _why_not_quantity(venue, order["symbol"], order["qty_lots"], order["is_reduce_only"])
    if reason != _TAKEN:
        return int(reason)
    return int(_why_not_value(venue, order, open_ticks))


@kernel(i8(record(VENUE), record(ORDER), i8))
def _why_not_value(venue: Any, order: Any, open_ticks: int) -> int:
    instrument = venue["instruments"][order["symbol"]]
    price_ticks = open_ticks
    if order["type"] == LIMIT:
        price_ticks = order["limit_ticks"]
    elif order["type"] == STOP:
        price_ticks = order["stop_ticks"]
    notional = notional_atoms(instrument, price_ticks, order["qty_lots"], CEILING)
    if notional == OVERFLOW:
        return TOO_LARGE
    if order["is_reduce_only"]:
        return _TAKEN
    if notional < instrument["min_notional_atoms"]:
        return BELOW_MIN_NOTIONAL
    is_spot_sale = order["side"] == SELL and instrument["is_perpetual"] == 0
    if is_spot_sale and order["qty_lots"] > venue["net_lots"][order["symbol"]]:
        return BEYOND_HOLDINGS
    return _TAKEN


@kernel(b1(i8, i8, i8))
def _has_price(order_type: int, limit_ticks: int, stop_ticks: int) -> bool:
    return not ((order_type == LIMIT and limit_ticks <= 0) or (order_type == STOP and stop_ticks <= 0))


@kernel(i8(record(VENUE), i8, i8, i8))
def _why_not_quantity(venue: Any, symbol: int, qty_lots: int, is_reduce_only: int) -> int:
    instrument = venue["instruments"][symbol]
    if qty_lots <= 0:
        return BAD_QUANTITY
    if qty_lots > instrument["max_lots"]:
        return ABOVE_MAX_LOTS
    if qty_lots < instrument["min_lots"] and not is_reduce_only:
        return BELOW_MIN_LOTS
    return _TAKEN


@kernel(i8(record(VENUE), record(ORDER), i8, records(EVENT)))
def _cancel(venue: Any, wanted: Any, ts_ns: int, reports: Any) -> int:
    at = find_order_of(venue, wanted["symbol"], wanted["id"])
    if at < 0:
        return UNKNOWN_ORDER
    cancel_row(venue, reports, ts_ns, venue["orders"][at], ON_REQUEST)
    cancel_held_children(venue, reports, ts_ns, wanted["id"], PARENT_GONE)
    return _TAKEN


@kernel(i8(record(VENUE), record(ORDER), i8, records(EVENT)))
def _replace(venue: Any, wanted: Any, ts_ns: int, reports: Any) -> int:
    """New prices, and a new quantity unless the order shares its bracket's, which its entry and exits settle."""
    if wanted["approval_id"] == 0:
        return NOT_APPROVED
    at = find_order_of(venue, wanted["symbol"], wanted["id"])
    if at < 0:
        return UNKNOWN_ORDER
    order = venue["orders"][at]
    if order["type"] == MARKET:
        return BAD_ORDER
    if not _has_price(order["type"], wanted["limit_ticks"], wanted["stop_ticks"]):
        return BAD_PRICE
    if not _is_sharing(order):
        reason = _why_not_quantity(venue, order["symbol"], wanted["qty_lots"], order["is_reduce_only"])
        if reason == _TAKEN and wanted["qty_lots"] <= order["filled_lots"]:
            reason = BAD_QUANTITY
        if reason != _TAKEN:
            return int(reason)
        order["qty_lots"] = wanted["qty_lots"]
    order["limit_ticks"] = wanted["limit_ticks"]
    order["stop_ticks"] = wanted["stop_ticks"]
    order["arrival"] = AT_OPEN
    report_order(venue, reports, ts_ns, order, ORDER_REPLACED)
    return _TAKEN


@kernel(b1(record(VENUE_ORDER)))
def _is_sharing(order: Any) -> bool:
    return bool(order["parent_id"] != 0 or (order["group_id"] != 0 and order["group_id"] != order["id"]))
