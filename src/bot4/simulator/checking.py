"""Market events as they come in: whether they make sense, before the first of them happens."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

from bot4.domain.events import (
    BAR,
    BOOK_CHANGE,
    BOOK_ORDER,
    BOOK_REMOVE,
    EVENT,
    FUNDING,
    IS_BOOK_RESET,
    MARK_PRICE,
    QUOTE,
    TRADE,
)
from bot4.domain.orders import BUY, SELL
from bot4.kernel import b1, f8, i8, kernel, record, records
from bot4.simulator.book.ladder import MAX_LEVEL_LOTS, MAX_TICKS
from bot4.simulator.state import VENUE

SOUND = 0
OTHER_SYMBOL = 1
BACK_IN_TIME = 2
NOT_OF_THE_MARKET = 3
BAD_SIDE = 4
BAD_EVENT_PRICE = 5
BAD_EVENT_QUANTITY = 6
CROSSED_QUOTE = 7
BAD_RATE = 8


class EventFault(IntEnum):
    """What is wrong with a market event."""

    SOUND = SOUND
    OTHER_SYMBOL = OTHER_SYMBOL  # the exchange does not list it
    BACK_IN_TIME = BACK_IN_TIME  # before venue time, or before the event that it follows
    NOT_OF_THE_MARKET = NOT_OF_THE_MARKET  # a kind that no market sends
    BAD_SIDE = BAD_SIDE
    BAD_EVENT_PRICE = BAD_EVENT_PRICE  # not above zero, or 2**40 ticks and more
    BAD_EVENT_QUANTITY = BAD_EVENT_QUANTITY  # negative, not finite, or 2**53 lots and more
    CROSSED_QUOTE = CROSSED_QUOTE
    BAD_RATE = BAD_RATE


@kernel(i8(records(VENUE), records(EVENT), i8, i8))
def first_bad_event(venues: Any, events: Any, first: int, last: int) -> int:
    """First of the events that makes no sense, ``last`` where all do; the venue's ``status`` is the EventFault."""
    venue = venues[0]
    ts_ns = venue["now_ns"]
    for at in range(first, last):
        event = events[at]
        fault = _fault(venue, event, ts_ns)
        if fault != SOUND:
            venue["status"] = fault
            return at
        ts_ns = event["ts_ns"]
    venue["status"] = SOUND
    return last


@kernel(i8(record(VENUE), record(EVENT), i8))
def _fault(venue: Any, event: Any, ts_ns: int) -> int:
    kind, symbol = event["kind"], event["symbol"]
    if symbol < 0 or symbol >= venue["n_symbols"]:
        return OTHER_SYMBOL
    if event["ts_ns"] < ts_ns:
        return BACK_IN_TIME
    lot = venue["instruments"][symbol]["lot"]
    if kind == BOOK_CHANGE:
        return int(_level_fault(event, lot))
    if kind == BOOK_ORDER:
        return int(_order_fault(event, lot))
    if kind == TRADE:
        is_sound = _is_price(event["price_ticks"]) and -1 <= event["aggressor"] <= 1
        return int(BAD_EVENT_PRICE if not is_sound else _quantity_fault(event["quantity"], lot))
    if kind == QUOTE:
        return int(_quote_fault(event, lot))
    if kind == BAR:
        is_sound = _is_price(event["low_ticks"]) and event["low_ticks"] <= event["open_ticks"] <= event["high_ticks"]
        return SOUND if is_sound and _is_price(event["high_ticks"]) else BAD_EVENT_PRICE
    if kind in (MARK_PRICE, FUNDING):
        if not _is_price(event["mark_ticks"]):
            return BAD_EVENT_PRICE
        is_bad_rate = kind == FUNDING and not -1.0 < event["funding_rate"] < 1.0
        return BAD_RATE if is_bad_rate else SOUND
    return NOT_OF_THE_MARKET


@kernel(b1(i8))
def _is_price(ticks: int) -> bool:
    return 0 < ticks < MAX_TICKS


@kernel(i8(f8, f8))
def _quantity_fault(quantity: float, lot: float) -> int:
    is_sound = math.isfinite(quantity) and 0.0 <= quantity / lot < MAX_LEVEL_LOTS
    return SOUND if is_sound else BAD_EVENT_QUANTITY


@kernel(i8(record(EVENT), f8))
def _level_fault(event: Any, lot: float) -> int:
    side = event["level_side"]
    if side != BUY and side != SELL:
        return SOUND if event["flags"] & IS_BOOK_RESET != 0 and side == 0 else BAD_SIDE
    if not _is_price(event["level_ticks"]):
        return BAD_EVENT_PRICE
    return int(_quantity_fault(event["level_quantity"], lot))


@kernel(i8(record(EVENT), f8))
def _order_fault(event: Any, lot: float) -> int:
    side = event["book_side"]
    if event["flags"] & IS_BOOK_RESET != 0 and side == 0:
        return SOUND
    if side != BUY and side != SELL:
        return BAD_SIDE
    if not _is_price(event["book_ticks"]):
        return SOUND if event["book_action"] == BOOK_REMOVE else BAD_EVENT_PRICE
    return int(_quantity_fault(event["book_quantity"], lot))


@kernel(i8(record(EVENT), f8))
def _quote_fault(event: Any, lot: float) -> int:
    bid, ask = event["bid_ticks"], event["ask_ticks"]
    if bid < 0 or ask < 0 or bid >= MAX_TICKS or ask >= MAX_TICKS:
        return BAD_EVENT_PRICE
    if bid > 0 and ask > 0 and bid >= ask:
        return CROSSED_QUOTE
    fault = _quantity_fault(event["bid_quantity"], lot)
    return int(fault if fault != SOUND else _quantity_fault(event["ask_quantity"], lot))
