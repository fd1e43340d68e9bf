"""Why a venue does not take an order: what it is, what it would do on arrival, and what it is worth."""

from __future__ import annotations

from typing import Any

from bot4.domain.money import CEILING, OVERFLOW, notional_atoms
from bot4.domain.orders import (
    BUY,
    CANCELS_SIBLINGS,
    CLOSE_POSITION,
    DAY,
    DECREMENT,
    EXIT_SLOTS,
    FILL_OR_KILL,
    GOOD_TILL_CANCELLED,
    GOOD_TILL_DATE,
    IMMEDIATE_OR_CANCEL,
    LIMIT,
    MARKET,
    MAX_ORDERS,
    ORDER,
    POST_ONLY,
    SELL,
    STOP,
    STOP_LIMIT,
    TRADE_WITH_SELF,
    TRAILING_STOP,
    TRIGGERS_ON_MARK,
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
    GROUP_DONE,
    NOT_APPROVED,
    NOTHING_TO_REDUCE,
    TABLE_FULL,
    TOO_LARGE,
    UNSUPPORTED,
    WOULD_TAKE,
    WOULD_TRIGGER,
    WRONG_VENUE,
)
from bot4.kernel import b1, i8, kernel, record, void
from bot4.simulator.brackets import is_group_settled
from bot4.simulator.order_book import find_order, is_alive, left_lots
from bot4.simulator.rules.filters import (
    why_not_band,
    why_not_filtered,
    why_not_notional,
    why_not_price,
)
from bot4.simulator.rules.filters import why_not_quantity as why_not_filtered_quantity
from bot4.simulator.rules.idempotency import DAY as A_DAY
from bot4.simulator.rules.idempotency import NONE, is_remembered, remember
from bot4.simulator.settlement import holding_lots
from bot4.simulator.state import UNCHECKED, VENUE, VENUE_ORDER
from bot4.simulator.triggers import has_limit, has_trigger, waits_for_trigger

TAKEN = 0  # no reason to refuse
MAX_EXACT = 1 << 53  # beyond it a float, as JSON carries them, cannot count one by one


@kernel(i8(record(VENUE), record(ORDER), i8))
def why_not(venue: Any, order: Any, ts_ns: int) -> int:
    """Reason to refuse an order as placed, or :data:`TAKEN`."""
    terms = venue["terms"]
    if order["approval_id"] == 0 and terms["asks_approval"] != 0:
        return NOT_APPROVED
    if not _is_known(order) or not _makes_sense(order, ts_ns):
        return BAD_ORDER
    reason = _why_not_grid(venue, order) if terms["checks_grid"] != 0 else TAKEN
    if reason != TAKEN:
        return int(reason)
    if _is_duplicate(venue, order["id"], ts_ns):
        return DUPLICATE_ORDER
    if venue["n_orders"] >= (MAX_ORDERS if _is_reducing(order) else MAX_ORDERS - EXIT_SLOTS):
        return TABLE_FULL
    if not has_prices(order["type"], order["limit_ticks"], order["stop_ticks"], order["trail_ticks"]):
        return BAD_PRICE
    if order["flags"] & CLOSE_POSITION == 0:
        reason = why_not_quantity(venue, order["symbol"], order["qty_lots"], order["is_reduce_only"])
        if reason != TAKEN:
            return int(reason)
    reason = _why_not_contingent(venue, order)
    if reason != TAKEN:
        return int(reason)
    if order["parent_id"] == 0:
        reason = _why_not_on_arrival(venue, order)
        if reason != TAKEN:
            return int(reason)
    reason = _why_not_value(venue, order)
    if reason != TAKEN or terms["has_filters"] == 0:
        return int(reason)
    symbol = order["symbol"]
    _count_open(venue, symbol)
    return int(
        why_not_filtered(
            venue["filters"][symbol],
            venue["instruments"][symbol],
            order,
            venue["counts"],
            venue["reference_ticks"][symbol],
            _band_ticks(venue, symbol),
        )
    )


@kernel(i8(record(VENUE), i8))
def _band_ticks(venue: Any, symbol: int) -> int:
    """The price around which limits may lie: the mark of a perpetual, else the latest trade; 0 where neither is."""
    mark = venue["mark_ticks"][symbol] if venue["instruments"][symbol]["is_perpetual"] != 0 else 0
    return int(mark if mark > 0 else venue["last_ticks"][symbol])


@kernel(void(record(VENUE), i8))
def _count_open(venue: Any, symbol: int) -> None:
    """Write what of a symbol is open into the venue's ``counts``."""
    counts = venue["counts"]
    counts["open_orders"] = 0
    counts["open_stops"] = 0
    counts["working_buy_lots"] = 0
    counts["working_sell_lots"] = 0
    counts["net_lots"] = holding_lots(venue, symbol)
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] != symbol or not is_alive(order):
            continue
        counts["open_orders"] += 1
        counts["open_stops"] += 1 if waits_for_trigger(order) else 0
        if order["is_reduce_only"] == 0:
            counts["working_buy_lots"] += left_lots(order) if order["side"] == BUY else 0
            counts["working_sell_lots"] += left_lots(order) if order["side"] == SELL else 0


@kernel(i8(record(VENUE), record(VENUE_ORDER), i8, i8, i8))
def why_not_filtered_anew(venue: Any, order: Any, limit_ticks: int, stop_ticks: int, qty_lots: int) -> int:
    """What the filters of price, band, quantity and value have against an order's new numbers, or :data:`TAKEN`."""
    symbol = order["symbol"]
    filters, is_reducing = venue["filters"][symbol], order["is_reduce_only"] != 0
    is_at_market = not has_limit(order["type"])
    reason = TAKEN if is_at_market else why_not_price(filters, limit_ticks)
    if reason == TAKEN and has_trigger(order["type"]) and stop_ticks > 0:
        reason = why_not_price(filters, stop_ticks)
    if reason == TAKEN and not is_at_market:
        reason = why_not_band(filters, order["side"], limit_ticks, _band_ticks(venue, symbol))
    if reason != TAKEN or order["flags"] & CLOSE_POSITION != 0:
        return int(reason)
    reason = why_not_filtered_quantity(filters, qty_lots, is_at_market, is_reducing)
    price = stop_ticks if is_at_market else limit_ticks
    if reason == TAKEN and price > 0:
        reason = why_not_notional(filters, venue["instruments"][symbol], price, qty_lots, is_reducing)
    return int(reason)


@kernel(b1(record(ORDER)))
def _is_reducing(order: Any) -> bool:
    return bool(order["is_reduce_only"] != 0 or order["flags"] & CLOSE_POSITION != 0)


@kernel(b1(record(ORDER)))
def _is_known(order: Any) -> bool:
    is_side = order["side"] == BUY or order["side"] == SELL
    is_time = GOOD_TILL_CANCELLED <= order["time_in_force"] <= DAY
    is_mode = TRADE_WITH_SELF <= order["self_trade"] <= DECREMENT
    return bool(order["id"] > 0 and MARKET <= order["type"] <= TRAILING_STOP and is_side and is_time and is_mode)


@kernel(b1(record(ORDER), i8))
def _makes_sense(order: Any, ts_ns: int) -> bool:
    """Whether type, flags and time in force go together."""
    flags, order_type = order["flags"], order["type"]
    is_immediate = order["time_in_force"] in (IMMEDIATE_OR_CANCEL, FILL_OR_KILL)
    if flags & POST_ONLY != 0 and (is_immediate or not has_limit(order_type)):
        return False
    if flags & CLOSE_POSITION != 0 and has_limit(order_type):
        return False
    if flags & CANCELS_SIBLINGS != 0 and order["group_id"] == 0:
        return False
    if order["display_lots"] != 0 and (is_immediate or not has_limit(order_type) or order["display_lots"] < 0):
        return False
    return not (order["time_in_force"] == GOOD_TILL_DATE and order["ts_expire_ns"] <= ts_ns)


@kernel(i8(record(VENUE), record(ORDER)))
def _why_not_grid(venue: Any, order: Any) -> int:
    """Numbers that no order of this venue can have."""
    if order["venue"] != venue["instruments"][order["symbol"]]["venue"]:
        return WRONG_VENUE
    if order["qty_lots"] > MAX_EXACT:
        return TOO_LARGE
    if max(order["limit_ticks"], order["stop_ticks"], order["trail_ticks"]) > MAX_EXACT:
        return BAD_PRICE
    return TAKEN


@kernel(b1(record(VENUE), i8, i8))
def _is_duplicate(venue: Any, order_id: int, ts_ns: int) -> bool:
    mode = venue["terms"]["idempotency"]
    if mode == NONE:
        return False
    if find_order(venue, order_id) >= 0:
        return True
    return bool(mode == A_DAY and is_remembered(venue["client_ids"], order_id, ts_ns))


@kernel(void(record(VENUE), i8, i8))
def remember_id(venue: Any, order_id: int, ts_ns: int) -> None:
    """Remember the id of an order that was taken, where the venue does for longer than it is open."""
    if venue["terms"]["idempotency"] == A_DAY:
        remember(venue["client_ids"], order_id, ts_ns)


@kernel(i8(record(VENUE), record(ORDER)))
def _why_not_contingent(venue: Any, order: Any) -> int:
    terms = venue["terms"]
    if order["flags"] & CANCELS_SIBLINGS != 0:
        if terms["has_one_cancels_other"] == 0:
            return UNSUPPORTED
        if is_group_settled(venue, order["symbol"], order["group_id"], order["id"]):
            return GROUP_DONE
    if order["parent_id"] != 0 and terms["has_one_triggers_other"] == 0:
        return UNSUPPORTED
    return TAKEN


@kernel(i8(record(VENUE), record(ORDER)))
def _why_not_on_arrival(venue: Any, order: Any) -> int:
    """What the order would do at once, and may not."""
    symbol, terms = order["symbol"], venue["terms"]
    is_passive = order["flags"] & POST_ONLY != 0 and order["type"] == LIMIT
    if is_passive and is_taking(venue, symbol, order["side"], order["limit_ticks"]):
        return WOULD_TAKE
    if terms["refuses_reached_triggers"] != 0 and has_trigger(order["type"]) and _is_reached_already(venue, order):
        return WOULD_TRIGGER
    is_idle = order["side"] * holding_lots(venue, symbol) >= 0 and not has_trigger(order["type"])
    return NOTHING_TO_REDUCE if terms["refuses_idle_reduction"] != 0 and is_idle and _is_reducing(order) else TAKEN


@kernel(b1(record(VENUE), i8, i8, i8))
def is_taking(venue: Any, symbol: int, side: int, limit_ticks: int) -> bool:
    """Whether a limit would meet the other side of the market now."""
    if side == BUY:
        ask = venue["ask_ticks"][symbol]
        return bool(ask > 0 and limit_ticks >= ask)
    return bool(limit_ticks <= venue["bid_ticks"][symbol])


@kernel(b1(record(VENUE), record(ORDER)))
def _is_reached_already(venue: Any, order: Any) -> bool:
    if order["type"] == TRAILING_STOP:
        return False
    is_on_mark = order["flags"] & TRIGGERS_ON_MARK != 0
    price = venue["mark_ticks"][order["symbol"]] if is_on_mark else venue["last_ticks"][order["symbol"]]
    is_stop = order["type"] == STOP or order["type"] == STOP_LIMIT
    direction = order["side"] if is_stop else -order["side"]
    return bool(price > 0 and (price - order["stop_ticks"]) * direction >= 0)


@kernel(i8(record(VENUE), record(ORDER)))
def _why_not_value(venue: Any, order: Any) -> int:
    if order["flags"] & CLOSE_POSITION != 0:
        return TAKEN
    instrument = venue["instruments"][order["symbol"]]
    price_ticks = venue["reference_ticks"][order["symbol"]]
    if has_limit(order["type"]):
        price_ticks = order["limit_ticks"]
    elif has_trigger(order["type"]) and order["stop_ticks"] > 0:
        price_ticks = order["stop_ticks"]
    notional = notional_atoms(instrument, price_ticks, order["qty_lots"], CEILING)
    if notional == OVERFLOW:
        return TOO_LARGE
    if order["is_reduce_only"]:
        return TAKEN
    if price_ticks > 0 and notional < instrument["min_notional_atoms"]:
        return BELOW_MIN_NOTIONAL
    is_spot_sale = order["side"] == SELL and instrument["is_perpetual"] == 0
    if (
        is_spot_sale
        and venue["terms"]["account"] == UNCHECKED
        and order["qty_lots"] > venue["net_lots"][order["symbol"]]
    ):
        return BEYOND_HOLDINGS
    return TAKEN


@kernel(b1(i8, i8, i8, i8))
def has_prices(order_type: int, limit_ticks: int, stop_ticks: int, trail_ticks: int) -> bool:
    """Whether an order has the prices that its type needs; a trailing stop may go without an activation price."""
    if has_limit(order_type) and limit_ticks <= 0:
        return False
    if order_type == TRAILING_STOP:
        return trail_ticks > 0 and stop_ticks >= 0
    return not (has_trigger(order_type) and stop_ticks <= 0)


@kernel(i8(record(VENUE), i8, i8, i8))
def why_not_quantity(venue: Any, symbol: int, qty_lots: int, is_reduce_only: int) -> int:
    """Reason to refuse a quantity, or :data:`TAKEN`."""
    instrument = venue["instruments"][symbol]
    if qty_lots <= 0:
        return BAD_QUANTITY
    if qty_lots > instrument["max_lots"]:
        return ABOVE_MAX_LOTS
    if qty_lots < instrument["min_lots"] and not is_reduce_only:
        return BELOW_MIN_LOTS
    return TAKEN
