"""When a stop, a take-profit or a trailing stop comes to the market, and as what."""

from __future__ import annotations

from typing import Any

from bot4.domain.orders import (
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
)
from bot4.kernel import b1, i8, kernel, record, void
from bot4.simulator.state import VENUE_ORDER


@kernel(b1(i8))
def has_trigger(order_type: int) -> bool:
    """Whether orders of a type wait for a price before they come to the market."""
    return order_type >= STOP


@kernel(b1(i8))
def has_limit(order_type: int) -> bool:
    """Whether orders of a type never fill at a worse price than their limit."""
    return order_type in (LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT)


@kernel(b1(record(VENUE_ORDER)))
def waits_for_trigger(order: Any) -> bool:
    """Whether an order is not in the market before a price is reached."""
    return bool(order["type"] >= STOP and order["is_triggered"] == 0)


@kernel(b1(record(VENUE_ORDER)))
def is_priced(order: Any) -> bool:
    """Whether an order is in the market with a limit."""
    return bool(has_limit(order["type"]) and not waits_for_trigger(order))


@kernel(b1(record(VENUE_ORDER)))
def is_unpriced(order: Any) -> bool:
    """Whether an order is in the market at any price."""
    return bool(order["type"] == MARKET or not (has_limit(order["type"]) or waits_for_trigger(order)))


@kernel(i8(record(VENUE_ORDER)))
def trigger_direction(order: Any) -> int:
    """1 where a rising price triggers the order, -1 where a falling one does."""
    is_profit = order["type"] in (TAKE_PROFIT, TAKE_PROFIT_LIMIT)
    return int(-order["side"] if is_profit else order["side"])


@kernel(i8(record(VENUE_ORDER)))
def trigger_ticks(order: Any) -> int:
    """Price that triggers the order; not above 0 where no price does (a trailing stop that is not active yet).

    Of a trailing stop: the best price since its activation, and the trail from there on (above it to buy).
    """
    if order["type"] != TRAILING_STOP:
        return int(order["stop_ticks"])
    if order["extreme_ticks"] == 0:
        return 0
    return int(order["extreme_ticks"] + order["side"] * order["trail_ticks"])


@kernel(b1(record(VENUE_ORDER), i8))
def is_reached(order: Any, price_ticks: int) -> bool:
    """Whether a price triggers an order that waits for one."""
    wanted = trigger_ticks(order)
    return bool(wanted > 0 and price_ticks > 0 and (price_ticks - wanted) * trigger_direction(order) >= 0)


@kernel(void(record(VENUE_ORDER), i8))
def follow(order: Any, price_ticks: int) -> None:
    """Let a trailing stop see a price: it activates by it, or takes it as the best since then."""
    if order["type"] != TRAILING_STOP or price_ticks <= 0:
        return
    better = -order["side"]  # a stop that sells follows rising prices
    best = order["extreme_ticks"]
    if best == 0:
        wanted = order["stop_ticks"]
        if wanted == 0 or (price_ticks - wanted) * better >= 0:
            order["extreme_ticks"] = price_ticks
    elif (price_ticks - best) * better > 0:
        order["extreme_ticks"] = price_ticks
