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

PLACE = 1
CANCEL = 2
REPLACE = 3  # new qty_lots, limit_ticks and stop_ticks for order_id

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
        ("qty_lots", "i8"),
        ("filled_lots", "i8"),
        ("limit_ticks", "i8"),
        ("stop_ticks", "i8"),
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
    ],
    align=True,
)

_ALLOWED = {
    FREE: (HELD, PENDING),
    HELD: (PENDING, WORKING, PENDING_CANCEL, PARTLY_FILLED, FILLED, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    PENDING: (WORKING, PARTLY_FILLED, FILLED, PENDING_CANCEL, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    WORKING: (PARTLY_FILLED, FILLED, PENDING_CANCEL, PENDING_REPLACE, CANCELLED, EXPIRED, UNKNOWN),
    PARTLY_FILLED: (PARTLY_FILLED, FILLED, PENDING_CANCEL, PENDING_REPLACE, CANCELLED, EXPIRED, UNKNOWN),
    PENDING_CANCEL: (WORKING, PARTLY_FILLED, FILLED, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    PENDING_REPLACE: (WORKING, PARTLY_FILLED, FILLED, PENDING_CANCEL, CANCELLED, REJECTED, EXPIRED, UNKNOWN),
    FILLED: (),
    CANCELLED: (),
    REJECTED: (),
    EXPIRED: (),
    UNKNOWN: (WORKING, PARTLY_FILLED, FILLED, CANCELLED, REJECTED, EXPIRED),
}
TRANSITIONS = np.zeros((12, 12), dtype=np.bool_)
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
    return status in (PENDING, WORKING, PARTLY_FILLED, PENDING_CANCEL, PENDING_REPLACE, UNKNOWN)
