"""Orders, commands and fills as records, and the one table of allowed order transitions.

The brain keeps its own view of an order in an :data:`ORDER` table; the venue keeps the truth in another of
the same layout. A :data:`COMMAND` goes out, reports (see :mod:`bot4.domain.events`) come back.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from bot4.kernel import b1, i8, kernel

BUY = 1
SELL = -1

MARKET = 1
LIMIT = 2
STOP = 3  # becomes a market order when the price trades at or through stop_ticks
STOP_LIMIT = 4  # becomes a limit order then
TAKE_PROFIT = 5  # like a stop, but on the other side of the market
TAKE_PROFIT_LIMIT = 6
TRAILING_STOP = 7  # a stop that follows the best price since its activation at a distance of trail_ticks

GOOD_TILL_CANCELLED = 0
IMMEDIATE_OR_CANCEL = 1
FILL_OR_KILL = 2
GOOD_TILL_DATE = 3  # until ts_expire_ns
DAY = 4  # until the end of the UTC day on which the venue took it

# Flags of an order.
POST_ONLY = 1  # refused rather than taking
CLOSE_POSITION = 2  # whatever the position is when it triggers; its own quantity is not looked at
TRIGGERS_ON_MARK = 4  # by the mark price, not the last trade
WAITS_FOR_FULL_FILL = 8  # a held order that starts when its parent has filled whole, not with its share of each fill
CANCELS_SIBLINGS = 16  # one-cancels-other: the first fill or trigger ends the other orders of its group

# What becomes of two orders of one account that would trade with one another (ORDER.self_trade).
TRADE_WITH_SELF = 0
CANCEL_NEWEST = 1
CANCEL_OLDEST = 2
CANCEL_BOTH = 3
DECREMENT = 4  # both lose the smaller quantity, and what is left of the larger goes on

PLACE = 1
CANCEL = 2
REPLACE = 3  # new qty_lots, limit_ticks and stop_ticks for order_id
QUERY = 4  # ask what became of an order. The answer is an ORDER_STATUS report, stamped with the time of answering;
# where the venue has filled more than the query's filled_lots, its ORDER_FILLED reports come again before it

FREE = 0
HELD = 1  # waits for its parent's fill
PENDING = 2  # sent, not yet acknowledged
WORKING = 3
PARTLY_FILLED = 4
PENDING_CANCEL = 5
PENDING_REPLACE = 6
FILLED = 7
CANCELLED = 8
REJECTED = 9
EXPIRED = 10
UNKNOWN = 11  # may or may not exist at the venue: counts as exposure until the venue was asked
TRIGGERED = 12  # its trigger price was reached: it is in the market, or about to be
N_STATUSES = 13

ENTRY = 1
PROTECTIVE_STOP = 2
TARGET = 3
EXIT = 4


class Side(IntEnum):
    """Direction of an order or a position."""

    BUY = BUY
    SELL = SELL


class OrderType(IntEnum):
    """How an order is priced."""

    MARKET = MARKET
    LIMIT = LIMIT
    STOP = STOP
    STOP_LIMIT = STOP_LIMIT
    TAKE_PROFIT = TAKE_PROFIT
    TAKE_PROFIT_LIMIT = TAKE_PROFIT_LIMIT
    TRAILING_STOP = TRAILING_STOP


class TimeInForce(IntEnum):
    """How long an order is good."""

    GOOD_TILL_CANCELLED = GOOD_TILL_CANCELLED
    IMMEDIATE_OR_CANCEL = IMMEDIATE_OR_CANCEL
    FILL_OR_KILL = FILL_OR_KILL
    GOOD_TILL_DATE = GOOD_TILL_DATE
    DAY = DAY


class SelfTrade(IntEnum):
    """What a venue does where an account would trade with itself."""

    TRADE_WITH_SELF = TRADE_WITH_SELF
    CANCEL_NEWEST = CANCEL_NEWEST
    CANCEL_OLDEST = CANCEL_OLDEST
    CANCEL_BOTH = CANCEL_BOTH
    DECREMENT = DECREMENT


class CommandKind(IntEnum):
    """What a command asks of the venue."""

    PLACE = PLACE
    CANCEL = CANCEL
    REPLACE = REPLACE
    QUERY = QUERY


class OrderStatus(IntEnum):
    """Where an order is in its life; see :func:`can_move`."""

    FREE = FREE
    HELD = HELD
    PENDING = PENDING
    WORKING = WORKING
    PARTLY_FILLED = PARTLY_FILLED
    PENDING_CANCEL = PENDING_CANCEL
    PENDING_REPLACE = PENDING_REPLACE
    FILLED = FILLED
    CANCELLED = CANCELLED
    REJECTED = REJECTED
    EXPIRED = EXPIRED
    UNKNOWN = UNKNOWN
    TRIGGERED = TRIGGERED


class OrderRole(IntEnum):
    """Why an order exists."""

    ENTRY = ENTRY
    PROTECTIVE_STOP = PROTECTIVE_STOP
    TARGET = TARGET
    EXIT = EXIT


MAX_ORDERS = 256  # per brain and per venue
EXIT_SLOTS = 64  # of these, kept for orders that reduce

ORDER = np.dtype(
    [
        ("id", "i8"),  # 0 means the slot is free; ids rise by one and are never used twice
        ("parent_id", "i8"),  # held until this order has filled; 0 for none
        ("group_id", "i8"),  # the id of the bracket's entry: a stop and its targets share one quantity; 0 for none
        ("approval_id", "i8"),  # issued by the risk gate, and by nothing else
        ("symbol", "i4"),
        ("strategy", "i4"),
        ("side", "i4"),
        ("type", "i4"),
        ("role", "i4"),
        ("status", "i4"),
        ("is_reduce_only", "i4"),
        ("reason", "i4"),
        ("time_in_force", "i4"),
        ("flags", "i4"),
        ("self_trade", "i4"),
        ("venue", "i4"),
        ("qty_lots", "i8"),
        ("filled_lots", "i8"),
        ("limit_ticks", "i8"),
        ("stop_ticks", "i8"),  # trigger price; of a trailing stop the price that activates it, 0: at once
        ("trail_ticks", "i8"),  # distance of a trailing stop
        ("display_lots", "i8"),  # shown part of an iceberg; 0: all of it
        ("ts_expire_ns", "i8"),  # of a good-till-date order
        ("ts_created_ns", "i8"),
        ("ts_active_ns", "i8"),  # when the venue first spoke of it; 0 before
    ],
    align=True,
)

COMMAND = np.dtype([("kind", "i4"), ("padding", "i4"), ("ts_ns", "i8"), ("order", ORDER)], align=True)

FILL = np.dtype(
    [
        ("trade_id", "i8"),
        ("order_id", "i8"),
        ("ts_ns", "i8"),
        ("symbol", "i4"),
        ("strategy", "i4"),
        ("side", "i4"),
        ("role", "i4"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("fee_atoms", "i8"),
        ("is_maker", "i4"),
        ("is_flagged", "i4"),  # an overfill, or a fill on a finished order
        ("fee_asset", "i4"),  # its id plus one; 0: what the instrument settles in
        ("padding", "i4"),
    ],
    align=True,
)

_ALLOWED = {
    FREE: (HELD, PENDING),
    HELD: (PENDING, WORKING, TRIGGERED, PENDING_CANCEL, PARTLY_FILLED, FILLED, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    PENDING: (WORKING, TRIGGERED, PARTLY_FILLED, FILLED, PENDING_CANCEL, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    WORKING: (TRIGGERED, PARTLY_FILLED, FILLED, PENDING_CANCEL, PENDING_REPLACE, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    TRIGGERED: (PARTLY_FILLED, FILLED, PENDING_CANCEL, PENDING_REPLACE, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    PARTLY_FILLED: (FILLED, PENDING_CANCEL, PENDING_REPLACE, CANCELLED, EXPIRED, UNKNOWN),
    PENDING_CANCEL: (
        HELD, PENDING, WORKING, TRIGGERED, PARTLY_FILLED, PENDING_REPLACE, FILLED, CANCELLED, REJECTED, EXPIRED,
        UNKNOWN,
    ),
    PENDING_REPLACE: (
        WORKING, TRIGGERED, PARTLY_FILLED, FILLED, PENDING_CANCEL, CANCELLED, REJECTED, EXPIRED, UNKNOWN,
    ),
    FILLED: (),
    CANCELLED: (),
    REJECTED: (),
    EXPIRED: (),
    UNKNOWN: (
        HELD, WORKING, TRIGGERED, PARTLY_FILLED, PENDING_CANCEL, PENDING_REPLACE, FILLED, CANCELLED, REJECTED, EXPIRED,
    ),
}  # fmt: skip
TRANSITIONS = np.zeros((N_STATUSES, N_STATUSES), dtype=np.bool_)
for _source, _targets in _ALLOWED.items():
    for _target in _targets:
        TRANSITIONS[_source, _target] = True
TRANSITIONS.setflags(write=False)


@kernel(b1(i8, i8))
def can_move(status: int, new_status: int) -> bool:
    """Whether an order's status may change so. Fills are facts and are booked whatever this says."""
    return bool(TRANSITIONS[status, new_status])


@kernel(b1(i8))
def is_finished(status: int) -> bool:
    """Whether an order can no longer be filled as far as its status says."""
    return FILLED <= status <= EXPIRED


@kernel(b1(i8))
def is_open(status: int) -> bool:
    """Whether an order rests at the venue or may, and so counts as exposure (unknown outcomes included)."""
    return status in (PENDING, WORKING, TRIGGERED, PARTLY_FILLED, PENDING_CANCEL, PENDING_REPLACE, UNKNOWN)
