"""What happens to an order without a fill: it triggers, its time is up, or it could not fill at once."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT, ORDER_TRIGGERED
from bot4.domain.orders import FILL_OR_KILL, IMMEDIATE_OR_CANCEL, TRIGGERED
from bot4.domain.venue_reasons import TIME_IS_UP
from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.brackets import end_other_legs, end_with_order
from bot4.simulator.order_book import expire_row, is_alive, reject_row, report_order
from bot4.simulator.settlement import FINE, lock_funds
from bot4.simulator.state import SPOT, VENUE, VENUE_ORDER
from bot4.simulator.triggers import waits_for_trigger

EVERY_SYMBOL = -1


@kernel(b1(record(VENUE_ORDER)))
def is_immediate(order: Any) -> bool:
    """Whether an order is in the market and must not rest there."""
    is_short = order["time_in_force"] == IMMEDIATE_OR_CANCEL or order["time_in_force"] == FILL_OR_KILL
    return bool(is_short and not waits_for_trigger(order))


@kernel(void(record(VENUE), records(EVENT), i8, record(VENUE_ORDER)))
def trigger_row(venue: Any, reports: Any, ts_ns: int, order: Any) -> None:
    """Bring an order that waited for a price to the market; the other legs of a one-cancels-other end first."""
    end_other_legs(venue, reports, ts_ns, order)
    order["is_triggered"] = 1
    order["status"] = TRIGGERED
    report_order(venue, reports, ts_ns, order, ORDER_TRIGGERED)


@kernel(b1(record(VENUE), i8, records(EVENT), record(VENUE_ORDER)))
def is_margined(venue: Any, ts_ns: int, reports: Any, order: Any) -> bool:
    """Whether the margin of the account bears an order that has triggered; if not, it is refused."""
    if venue["terms"]["account"] <= SPOT:
        return True
    reason = lock_funds(venue, order)
    if reason == FINE:
        return True
    reject_row(venue, reports, ts_ns, order, reason)
    end_with_order(venue, reports, ts_ns, order)
    return False


@kernel(void(record(VENUE), records(EVENT), i8, i8, i8))
def expire_due(venue: Any, reports: Any, symbol: int, due_ns: int, ts_ns: int) -> None:
    """Expire the orders of a symbol, or of :data:`EVERY_SYMBOL`, that are good until ``due_ns`` or before."""
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_due = 0 < order["ts_expire_ns"] <= due_ns and is_alive(order)
        if is_due and (symbol == EVERY_SYMBOL or order["symbol"] == symbol):
            expire_row(venue, reports, ts_ns, order, TIME_IS_UP)
            end_with_order(venue, reports, ts_ns, order)
