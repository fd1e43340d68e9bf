"""Types, times and contingencies on bars and trades: one test for each assumption of docs/assumptions.md about them."""

from __future__ import annotations

from bot4.domain.orders import (
    CANCELS_SIBLINGS,
    CLOSE_POSITION,
    DAY,
    FILL_OR_KILL,
    GOOD_TILL_DATE,
    HELD,
    IMMEDIATE_OR_CANCEL,
    POST_ONLY,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    WAITS_FOR_FULL_FILL,
)
from tests.venue_harness import BUY, MINUTE, SELL, Market, fills, kinds

DAY_NS = 24 * 60 * MINUTE


def typed(market: Market, side: int, lots: int, order_type: int, **fields: int) -> int:
    return market.place(side, lots, type=order_type, **fields)


def held_long(lots: int = 10) -> Market:
    market = Market()
    market.place(BUY, lots)
    market.bar(1000, 1000, 1000, 1000)
    return market


def test_a_take_profit_fills_at_its_price_when_touched_and_at_the_open_of_a_gap() -> None:
    market = held_long()
    typed(market, SELL, 5, TAKE_PROFIT, stop_ticks=1050)
    typed(market, SELL, 5, TAKE_PROFIT, stop_ticks=1080)
    assert fills(market.bar(1000, 1050, 990, 1040)) == [(2, 1050, 5)]
    assert fills(market.bar(1090, 1100, 1085, 1090)) == [(3, 1090, 5)]


def test_a_stop_limit_takes_at_its_trigger_where_its_limit_allows_it() -> None:
    market = Market(slippage=0.01)
    order = typed(market, BUY, 5, STOP_LIMIT, stop_ticks=1050, limit_ticks=1055)
    reports = market.bar(1000, 1060, 990, 1040)
    assert kinds(reports) == [("ACCEPTED", order), ("TRIGGERED", order), ("FILLED", order)]
    assert fills(reports) == [(order, 1055, 5)]


def test_a_stop_limit_that_a_gap_has_passed_rests_until_the_next_bar() -> None:
    market = Market()
    order = typed(market, BUY, 5, STOP_LIMIT, stop_ticks=1050, limit_ticks=1055)
    assert kinds(market.bar(1070, 1080, 1040, 1060)) == [("ACCEPTED", order), ("TRIGGERED", order)]
    assert fills(market.bar(1060, 1070, 1050, 1060)) == [(order, 1055, 5)]


def test_a_take_profit_limit_never_fills_beyond_its_limit() -> None:
    market = held_long()
    order = typed(market, SELL, 5, TAKE_PROFIT_LIMIT, stop_ticks=1050, limit_ticks=1060)
    assert kinds(market.bar(1000, 1055, 990, 1040)) == [("ACCEPTED", order), ("TRIGGERED", order)]
    assert fills(market.bar(1040, 1061, 1030, 1050)) == [(order, 1060, 5)]


def test_a_trailing_stop_follows_the_extremes_of_earlier_bars_only() -> None:
    market = held_long()
    order = typed(market, SELL, 10, TRAILING_STOP, trail_ticks=50)
    assert fills(market.bar(1000, 1100, 951, 1090)) == [], "the high of a bar may have come after its low"
    assert fills(market.bar(1090, 1095, 1049, 1060)) == [(order, 1050, 10)]


def test_a_trailing_stop_waits_for_its_activation() -> None:
    market = held_long()
    order = typed(market, SELL, 10, TRAILING_STOP, trail_ticks=50, stop_ticks=1200)
    assert fills(market.bar(1000, 1100, 900, 1000)) == []
    market.bar(1000, 1210, 1000, 1205)
    assert fills(market.bar(1205, 1205, 1150, 1155)) == [(order, 1160, 10)]


def test_a_post_only_order_that_would_take_at_the_open_is_refused() -> None:
    market = Market()
    market.limit(BUY, 5, 1001, flags=POST_ONLY)
    market.limit(BUY, 5, 1000, flags=POST_ONLY)
    reports = market.bar(1000, 1005, 999, 1000)
    assert kinds(reports) == [("REJECTED", 1), ("ACCEPTED", 2), ("FILLED", 2)]
    assert reports[0].why == "WOULD_TAKE"


def test_an_immediate_order_meets_one_open_and_no_more() -> None:
    market = Market()
    market.limit(BUY, 5, 990, time_in_force=IMMEDIATE_OR_CANCEL)
    market.limit(BUY, 5, 1010, time_in_force=FILL_OR_KILL)
    reports = market.bar(1000, 1010, 900, 1000)
    assert fills(reports) == [(2, 1000, 5)]
    assert [(r.order_id, r.why) for r in reports if r.kind == "ORDER_EXPIRED"] == [(1, "NOT_FILLED")]


def test_an_order_meets_the_bars_that_close_before_its_time_is_up() -> None:
    market = Market()
    market.limit(BUY, 5, 990, time_in_force=GOOD_TILL_DATE, ts_expire_ns=market.now + 2 * MINUTE)
    market.limit(BUY, 5, 950, time_in_force=GOOD_TILL_DATE, ts_expire_ns=market.now + 3 * MINUTE - 1)
    market.bar(1000, 1000, 1000, 1000)
    assert fills(market.bar(1000, 1000, 980, 1000)) == [(1, 990, 5)]
    reports = market.bar(1000, 1000, 900, 1000)
    assert [(r.kind, r.order_id, r.why) for r in reports] == [("ORDER_EXPIRED", 2, "TIME_IS_UP")]


def test_a_day_order_ends_with_its_utc_day() -> None:
    market = Market()
    market.limit(BUY, 5, 990, time_in_force=DAY)
    market.bar(1000, 1000, 1000, 1000)
    market.now = DAY_NS - MINUTE
    assert kinds(market.bar(1000, 1000, 1000, 1000)) == []
    assert kinds(market.bar(1000, 1000, 1000, 1000)) == [("EXPIRED", 1)]


def test_of_two_legs_in_one_bar_the_one_that_is_worse_for_us_fills() -> None:
    market = held_long()
    group = {"group_id": 99, "flags": CANCELS_SIBLINGS}
    market.limit(SELL, 10, 1100, role=3, **group)
    market.place(SELL, 10, type=STOP, stop_ticks=950, role=2, **group)
    reports = market.bar(1000, 1200, 900, 1000)
    assert fills(reports) == [(3, 950, 10)]
    assert kinds(reports)[-2:] == [("CANCELLED", 2), ("FILLED", 3)]


def test_a_child_that_waits_for_the_whole_fill_starts_with_the_last_of_it() -> None:
    market = Market()
    market.limit(BUY, 10, 1000)
    market.limit(SELL, 10, 1010, parent_id=1, status=HELD, flags=WAITS_FOR_FULL_FILL)
    assert kinds(market.trade(999, 0.004)) == [("ACCEPTED", 1), ("FILLED", 1)]
    assert kinds(market.trade(999, 0.006)) == [("FILLED", 1), ("ACCEPTED", 2)]


def test_an_order_that_closes_the_position_takes_what_there_is() -> None:
    market = held_long(7)
    market.place(SELL, 0, type=STOP, stop_ticks=950, flags=CLOSE_POSITION)
    assert fills(market.bar(1000, 1000, 940, 960)) == [(2, 950, 7)]


def test_a_stop_that_triggers_on_the_mark_looks_at_bars_where_no_mark_is_told() -> None:
    market = held_long(7)
    market.place(SELL, 7, type=STOP, stop_ticks=950, flags=4)
    assert fills(market.bar(1000, 1000, 940, 960)) == [(2, 950, 7)]


def test_an_iceberg_is_an_order_of_its_whole_quantity() -> None:
    market = Market()
    market.limit(BUY, 10, 1000, display_lots=1)
    market.trade(1001, 0.001)
    assert fills(market.trade(999, 0.008)) == [(1, 1000, 8)]


def test_a_limit_that_triggers_on_a_trade_rests_until_the_next() -> None:
    market = Market()
    order = typed(market, BUY, 5, STOP_LIMIT, stop_ticks=1050, limit_ticks=1040)
    assert kinds(market.trade(1051, 1.0)) == [("ACCEPTED", order), ("TRIGGERED", order)]
    assert fills(market.trade(1039, 1.0)) == [(order, 1040, 5)]
