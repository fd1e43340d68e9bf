"""The brain's order table: fixed slots, finished orders kept as long as there is room.

A finished order stays in its slot so that a late report still finds it; its slot is taken again only when the
table has grown to :data:`_KEPT` slots, the oldest finished order first.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.orders import (
    HELD,
    MAX_ORDERS,
    ORDER,
    PENDING,
    can_move,
    is_finished,
    is_open,
)
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.state import BRAIN, N_SLOT_HINTS, ORDER_CARE

_KEPT = 64


@kernel(i8(record(BRAIN), i8))
def find_order(brain: Any, order_id: int) -> int:
    """Slot of an order, -1 if the table does not hold it. Orders since the latest 1024 are found at once."""
    if order_id <= 0:
        return -1
    hint = brain["slot_hints"][order_id % N_SLOT_HINTS]
    if brain["orders"][hint]["id"] == order_id:
        return int(hint)
    for slot in range(brain["n_slots"]):
        if brain["orders"][slot]["id"] == order_id:
            return slot
    return -1


@kernel(i8(record(BRAIN)))
def take_slot(brain: Any) -> int:
    """A slot for one more order, -1 when the table is full of open ones."""
    n_slots = brain["n_slots"]
    if n_slots >= _KEPT:
        oldest = -1
        for slot in range(n_slots):
            order = brain["orders"][slot]
            is_settled = is_finished(order["status"]) and brain["care"][slot]["is_asking"] == 0
            if is_settled and (oldest < 0 or order["id"] < brain["orders"][oldest]["id"]):
                oldest = slot
        if oldest >= 0:
            return oldest
    if n_slots == MAX_ORDERS:
        return -1
    brain["n_slots"] = n_slots + 1
    return int(n_slots)


@kernel(i8(record(BRAIN), i8, i8, i8, i8, i8, i8, i8, i8, i8))
def new_order(
    brain: Any,
    role: int,
    order_type: int,
    symbol: int,
    strategy: int,
    side: int,
    qty_lots: int,
    group_id: int,
    approval_id: int,
    ts_ns: int,
) -> int:
    """Enter an order into the table (as PENDING) and return its slot, or -1."""
    slot = take_slot(brain)
    if slot < 0:
        return -1
    order = brain["orders"][slot]
    order["id"] = brain["next_order_id"]
    brain["next_order_id"] += 1
    order["parent_id"] = 0
    order["group_id"] = group_id
    order["approval_id"] = approval_id
    order["symbol"] = symbol
    order["strategy"] = strategy
    order["side"] = side
    order["type"] = order_type
    order["role"] = role
    order["status"] = PENDING
    order["is_reduce_only"] = 0
    order["reason"] = 0
    order["time_in_force"] = 0
    order["flags"] = 0
    order["self_trade"] = 0
    order["venue"] = 0
    order["qty_lots"] = qty_lots
    order["filled_lots"] = 0
    order["limit_ticks"] = 0
    order["stop_ticks"] = 0
    order["trail_ticks"] = 0
    order["display_lots"] = 0
    order["ts_expire_ns"] = 0
    order["ts_created_ns"] = ts_ns
    order["ts_active_ns"] = 0
    brain["slot_hints"][order["id"] % N_SLOT_HINTS] = slot
    _clear_care(brain["care"][slot])
    return int(slot)


@kernel(void(record(ORDER_CARE)))
def _clear_care(care: Any) -> None:
    care["waits"] = 0
    care["unknown"] = 0
    care["ts_place_ns"] = 0
    care["ts_cancel_ns"] = 0
    care["ts_replace_ns"] = 0
    care["ts_replaced_ns"] = 0
    care["wanted_lots"] = 0
    care["wanted_limit_ticks"] = 0
    care["wanted_stop_ticks"] = 0
    care["wants_cancel"] = 0
    care["is_triggered"] = 0
    care["is_asking"] = 0
    care["is_disputed"] = 0
    care["is_given_up"] = 0
    care["is_reached"] = 0
    care["n_asked"] = 0
    care["ts_asked_ns"] = 0
    care["ts_due_ns"] = 0
    care["venue_filled_lots"] = 0
    care["told_status"] = 0


@kernel(void(record(BRAIN), i8, i8))
def renumber(brain: Any, slot: int, order_id: int) -> None:
    """Give a new order the id that it has at the venue, from an earlier life."""
    brain["orders"][slot]["id"] = order_id
    brain["slot_hints"][order_id % N_SLOT_HINTS] = slot


@kernel(void(record(BRAIN), i8))
def note_order_id(brain: Any, order_id: int) -> None:
    """An id of an earlier life is at the venue: it is never given again."""
    if order_id >= brain["next_order_id"]:
        brain["next_order_id"] = order_id + 1


@kernel(b1(record(ORDER), i8))
def move_order(order: Any, status: int) -> bool:
    """Change an order's status where the table of transitions allows it; returns whether it was allowed."""
    if order["status"] == status:
        return True
    if not can_move(order["status"], status):
        return False
    order["status"] = status
    return True


@kernel(b1(record(BRAIN), i8))
def is_live(brain: Any, order_id: int) -> bool:
    """Whether an order is held, resting or of unknown outcome."""
    if order_id == 0:
        return False
    slot = find_order(brain, order_id)
    if slot < 0:
        return False
    status = brain["orders"][slot]["status"]
    return bool(status == HELD or is_open(status))
