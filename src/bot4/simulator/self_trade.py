"""What a venue does where one of our orders would trade with another of ours."""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import IntArray
from bot4.domain.events import EVENT
from bot4.domain.orders import CANCEL_BOTH, CANCEL_NEWEST, CANCEL_OLDEST, DECREMENT, TRADE_WITH_SELF
from bot4.domain.venue_reasons import SELF_TRADE
from bot4.kernel import i8, kernel, record, records, void
from bot4.simulator.brackets import end_with_order
from bot4.simulator.filling import fill_order
from bot4.simulator.order_book import displayed_lots, expire_row, left_lots, report_status
from bot4.simulator.resting import BOOK, fill_resting, show_next_part
from bot4.simulator.settlement import lock_funds
from bot4.simulator.state import AT_OPEN, VENUE, VENUE_ORDER


@kernel(i8(record(VENUE), record(VENUE_ORDER)))
def self_trade_mode(venue: Any, order: Any) -> int:
    """What becomes of an order that meets one of ours: as it says, else as the venue does by itself."""
    return int(order["self_trade"] if order["self_trade"] != TRADE_WITH_SELF else venue["terms"]["self_trade"])


@kernel(i8(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), record(VENUE_ORDER), BOOK))
def meet_own(venue: Any, ts_ns: int, reports: Any, taker: Any, maker: Any, book: IntArray) -> int:
    """Let a taking order meet a resting one of ours, at the resting one's price; returns the lots that traded.

    The taking order is the newer one, and its mode decides. Whenever nothing traded, at least one of the two has
    ended or both have become smaller.
    """
    mode = self_trade_mode(venue, taker)
    if taker["group_id"] != 0 and taker["group_id"] == maker["group_id"]:
        mode = CANCEL_NEWEST  # to trade might end the very order that trades
    lots = min(left_lots(taker), displayed_lots(maker))
    if mode == TRADE_WITH_SELF:
        price = maker["limit_ticks"]
        traded = fill_resting(venue, ts_ns, reports, maker, book, lots)
        if traded > 0:
            fill_order(venue, ts_ns, reports, taker, price, traded, False, AT_OPEN)
        return int(traded)
    if mode in (CANCEL_OLDEST, CANCEL_BOTH):
        _end(venue, ts_ns, reports, maker)
    if mode in (CANCEL_NEWEST, CANCEL_BOTH):
        _end(venue, ts_ns, reports, taker)
    if mode == DECREMENT:
        if maker["display_lots"] > 0:
            maker["shown_lots"] -= lots
        _lose(venue, ts_ns, reports, maker, lots)
        show_next_part(venue, maker, book)
        _lose(venue, ts_ns, reports, taker, lots)
    return 0


@kernel(void(record(VENUE), i8, records(EVENT), record(VENUE_ORDER)))
def _end(venue: Any, ts_ns: int, reports: Any, order: Any) -> None:
    expire_row(venue, reports, ts_ns, order, SELF_TRADE)
    end_with_order(venue, reports, ts_ns, order)


@kernel(void(record(VENUE), i8, records(EVENT), record(VENUE_ORDER), i8))
def _lose(venue: Any, ts_ns: int, reports: Any, order: Any, lots: int) -> None:
    order["qty_lots"] -= lots
    if left_lots(order) == 0:
        _end(venue, ts_ns, reports, order)
    else:
        lock_funds(venue, order)
        report_status(venue, reports, ts_ns, order)
