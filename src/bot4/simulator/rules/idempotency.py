"""Client order ids that a venue remembers, and so refuses to take twice: as its profile says, in a bounded table.

``DAY``: an id is refused for 24 hours (``remembered_ns``) after it was taken, whatever became of its order.
``OPEN_ORDERS``: while its order is open. ``NONE``: never; the same order sent twice is two orders.

The table holds :data:`MOST_REMEMBERED` ids. When it is full, a venue that fails closed (the default) refuses new
orders with ``TABLE_FULL`` until the oldest id may be forgotten; one that does not forgets the oldest early.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.venue_reasons import BAD_ORDER, DUPLICATE_ORDER, TABLE_FULL
from bot4.kernel import b1, i8, kernel, record, void
from bot4.simulator.rules.bounds import check_between

NONE = 0
OPEN_ORDERS = 1
DAY = 2


class IdempotencyMode(IntEnum):
    """How long a venue remembers the id of an order."""

    NONE = NONE
    OPEN_ORDERS = OPEN_ORDERS
    DAY = DAY


MOST_REMEMBERED = 2048
_N_SLOTS = 2 * MOST_REMEMBERED  # a power of two: at most half full, so that a search is short
_MASK = _N_SLOTS - 1
_TAKEN = 0
_ABSENT = -1

CLIENT_IDS = np.dtype(
    [
        ("mode", "i8"),
        ("remembered_ns", "i8"),
        ("forgets_oldest", "i8"),
        ("n_remembered", "i8"),
        ("oldest", "i8"),  # row of the ring with the oldest id; mode DAY only
        ("slots", "i8", (_N_SLOTS,)),  # open addressing; 0 is free
        ("ring_ids", "i8", (MOST_REMEMBERED,)),
        ("ring_ts_ns", "i8", (MOST_REMEMBERED,)),
    ],
    align=True,
)

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class IdempotencySettings:
    """What a venue remembers of client order ids.

    Attributes:
        mode: DAY, OPEN_ORDERS or NONE.
        remembered_ns: in mode DAY, from the taking of an order, 1 s to 30 days.
        forgets_oldest: whether a full table forgets its oldest id instead of refusing; mode DAY only.
    """

    mode: IdempotencyMode = IdempotencyMode.DAY
    remembered_ns: int = DAY_NS
    forgets_oldest: bool = False

    def __post_init__(self) -> None:
        check_between("idempotency", "remembered_ns", self.remembered_ns, 1_000_000_000, 30 * DAY_NS, "ns")


def pack_client_ids(settings: IdempotencySettings) -> npt.NDArray[np.void]:
    """An empty table as an array of one :data:`CLIENT_IDS` record."""
    packed = np.zeros(1, dtype=CLIENT_IDS)
    packed[0]["mode"] = settings.mode
    packed[0]["remembered_ns"] = settings.remembered_ns
    packed[0]["forgets_oldest"] = settings.forgets_oldest
    return packed


@kernel(i8(i8))
def home_slot(order_id: int) -> int:
    """Slot where the search for an id begins; ids that follow one another lie in a row."""
    mixed = order_id ^ (order_id >> 12) ^ (order_id >> 24) ^ (order_id >> 40)
    return int(mixed & _MASK)


@kernel(i8(record(CLIENT_IDS), i8))
def find_slot(ids: Any, order_id: int) -> int:
    """Slot of an id, or -1."""
    at = home_slot(order_id)
    while ids["slots"][at] != 0:
        if ids["slots"][at] == order_id:
            return int(at)
        at = (at + 1) & _MASK
    return _ABSENT


@kernel(void(record(CLIENT_IDS), i8))
def insert_id(ids: Any, order_id: int) -> None:
    """Enter an id into the first free slot from its home; the caller has made sure of the room."""
    at = home_slot(order_id)
    while ids["slots"][at] != 0:
        at = (at + 1) & _MASK
    ids["slots"][at] = order_id
    ids["n_remembered"] += 1


@kernel(void(record(CLIENT_IDS), i8))
def remove_id(ids: Any, order_id: int) -> None:
    """Free an id's slot and close the gap that it leaves in the rows of its neighbours; unknown ids change nothing."""
    gap = find_slot(ids, order_id)
    if gap < 0:
        return
    ids["n_remembered"] -= 1
    ids["slots"][gap] = 0
    at = (gap + 1) & _MASK
    while ids["slots"][at] != 0:
        moved = ids["slots"][at]
        # Whoever's search from home passes over the gap must come to it.
        if (at - home_slot(moved)) & _MASK >= (at - gap) & _MASK:
            ids["slots"][gap] = moved
            ids["slots"][at] = 0
            gap = at
        at = (at + 1) & _MASK


@kernel(void(record(CLIENT_IDS)))
def forget_oldest(ids: Any) -> None:
    """Forget the id that was taken first; mode DAY, and at least one is remembered."""
    at = ids["oldest"]
    ids["oldest"] = (at + 1) % MOST_REMEMBERED
    remove_id(ids, ids["ring_ids"][at])


@kernel(void(record(CLIENT_IDS), i8))
def forget_expired(ids: Any, now_ns: int) -> None:
    """Forget the ids of mode DAY that were taken ``remembered_ns`` ago or earlier."""
    if ids["mode"] != DAY:
        return
    while ids["n_remembered"] > 0 and now_ns - ids["ring_ts_ns"][ids["oldest"]] >= ids["remembered_ns"]:
        forget_oldest(ids)


@kernel(b1(record(CLIENT_IDS), i8, i8))
def is_remembered(ids: Any, order_id: int, now_ns: int) -> bool:
    """Whether an id would be refused as taken before."""
    forget_expired(ids, now_ns)
    return bool(order_id > 0 and find_slot(ids, order_id) >= 0)


@kernel(i8(record(CLIENT_IDS), i8, i8))
def remember(ids: Any, order_id: int, now_ns: int) -> int:
    """Take an order's id, at a venue time that never falls.

    Returns:
        0, or the reason to refuse the order: ``BAD_ORDER`` for an id that is not above zero, ``DUPLICATE_ORDER``,
        ``TABLE_FULL``. A refused id is not remembered anew.
    """
    if order_id <= 0:
        return BAD_ORDER
    if ids["mode"] == NONE:
        return _TAKEN
    forget_expired(ids, now_ns)
    if find_slot(ids, order_id) >= 0:
        return DUPLICATE_ORDER
    if ids["n_remembered"] == MOST_REMEMBERED:
        if ids["mode"] != DAY or ids["forgets_oldest"] == 0:
            return TABLE_FULL
        forget_oldest(ids)
    if ids["mode"] == DAY:
        at = (ids["oldest"] + ids["n_remembered"]) % MOST_REMEMBERED
        ids["ring_ids"][at] = order_id
        ids["ring_ts_ns"][at] = now_ns
    insert_id(ids, order_id)
    return _TAKEN


@kernel(void(record(CLIENT_IDS), i8))
def forget_finished(ids: Any, order_id: int) -> None:
    """An order is open no longer: mode OPEN_ORDERS forgets its id, the others do not care."""
    if ids["mode"] == OPEN_ORDERS and order_id > 0:
        remove_id(ids, order_id)
