"""How the plain strategies fill in a signal."""

from __future__ import annotations

import math
from typing import Any

from bot4.kernel import f8, i8, kernel, record
from bot4.pipeline.state import ENTER, LEAVE, SIGNAL, VIEW

QUANTITY_BELOW_ONE_LOT = 1
"""Status that suspends a strategy: the fixed quantity it is configured with is not one lot of the instrument."""


@kernel(i8(record(VIEW), record(SIGNAL), f8, f8, f8))
def enter(view: Any, signal: Any, direction: float, quantity: float, stop_distance: float) -> int:
    """Ask for an entry with full confidence.

    Args:
        view: record of ``VIEW``.
        signal: record of ``SIGNAL``, filled in.
        direction: 1 for long, -1 for short.
        quantity: base currency, rounded down to lots; 0: sized by Kelly.
        stop_distance: in price; NaN: by the stop rule; 0: none.

    Returns:
        The strategy's status: 0, or :data:`QUANTITY_BELOW_ONE_LOT`.
    """
    lots = math.floor(quantity / view["lot"] + 1e-9) if quantity > 0.0 else 0
    if quantity > 0.0 and lots < 1:
        return QUANTITY_BELOW_ONE_LOT
    signal["action"] = ENTER
    signal["direction"] = direction
    signal["confidence"] = 1.0
    signal["fixed_lots"] = lots
    signal["stop_distance"] = stop_distance
    return 0


@kernel(i8(record(VIEW), record(SIGNAL), f8))
def leave_side(view: Any, signal: Any, side: float) -> int:
    """Ask to leave a position (or an entry in flight) of a side: 1 long, -1 short. Returns status 0."""
    if view["position_lots"] * side > 0.0 or view["is_entering"] != 0:
        signal["action"] = LEAVE
        signal["direction"] = -side
        signal["confidence"] = 1.0
    return 0


@kernel(i8(record(VIEW)))
def is_idle(view: Any) -> int:
    """1 where the strategy neither holds nor is entering nor leaving."""
    return 1 if view["position_lots"] == 0 and view["is_entering"] == 0 and view["is_exiting"] == 0 else 0
