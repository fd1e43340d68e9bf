"""How long an order is good: at once or not at all, until a time, until the end of the day."""

from __future__ import annotations

import pytest

from bot4.domain.errors import DataError
from bot4.domain.orders import DAY, FILL_OR_KILL, GOOD_TILL_DATE, IMMEDIATE_OR_CANCEL, LIMIT, STOP_LIMIT
from tests.exchange_harness import BUY, SECOND, SELL, Floor, fills, kinds

DAY_NS = 86_400 * SECOND


def test_an_immediate_order_takes_what_it_gets_and_the_rest_expires() -> None:
    floor = Floor()
    reports = floor.limit(BUY, 15, 1002, time_in_force=IMMEDIATE_OR_CANCEL)
    assert kinds(reports) == [("ACCEPTED", 1), ("FILLED", 1), ("EXPIRED", 1)]
    assert reports[-1].why == "NOT_FILLED"
    assert floor.bids()[0] == (1000, 10)


def test_a_fill_or_kill_order_fills_whole_or_not_at_all() -> None:
    floor = Floor()
    reports = floor.limit(BUY, 31, 1003, time_in_force=FILL_OR_KILL)
    assert kinds(reports) == [("ACCEPTED", 1), ("EXPIRED", 1)]
    assert floor.asks()[0] == (1002, 10)
    assert fills(floor.limit(BUY, 30, 1003, time_in_force=FILL_OR_KILL)) == [(2, 1002, 10), (2, 1003, 20)]


def test_a_fill_or_kill_order_does_not_count_what_it_may_not_trade_with() -> None:
    floor = Floor()
    floor.limit(SELL, 5, 1001)
    mine = {"time_in_force": FILL_OR_KILL}
    assert fills(floor.limit(BUY, 12, 1002, self_trade=1, **mine)) == []
    assert fills(floor.limit(BUY, 10, 1002, self_trade=2, **mine)) == [(3, 1002, 10)]


def test_a_fill_or_kill_order_counts_our_own_where_it_may_trade_with_them() -> None:
    floor = Floor()
    floor.limit(SELL, 5, 1001)
    reports = floor.limit(BUY, 15, 1002, time_in_force=FILL_OR_KILL)
    assert fills(reports) == [(1, 1001, 5), (2, 1001, 5), (2, 1002, 10)]


def test_an_immediate_stop_limit_expires_only_after_it_triggered() -> None:
    floor = Floor()
    floor.place(BUY, 5, type=STOP_LIMIT, stop_ticks=1005, limit_ticks=1001, time_in_force=IMMEDIATE_OR_CANCEL)
    assert floor.advance(60) == []
    assert kinds(floor.trade(1005, 1, BUY)) == [("TRIGGERED", 1), ("EXPIRED", 1)]


def test_an_order_expires_at_its_own_time_not_at_the_next_event() -> None:
    floor = Floor()
    until = floor.now + 5 * SECOND
    floor.limit(BUY, 5, 1001, time_in_force=GOOD_TILL_DATE, ts_expire_ns=until)
    assert floor.advance(4.9) == []
    (report,) = floor.advance(10)
    assert (report.kind, report.why, report.ts_ns) == ("ORDER_EXPIRED", "TIME_IS_UP", until)


def test_an_order_does_not_fill_on_a_trade_at_the_moment_of_its_end() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001, time_in_force=GOOD_TILL_DATE, ts_expire_ns=floor.now + SECOND // 1000)
    assert kinds(floor.trade(990, 50, SELL)) == [("EXPIRED", 1)]


def test_orders_expire_in_the_order_of_their_times() -> None:
    floor = Floor()
    for seconds in (3, 1, 2):
        floor.limit(BUY, 1, 990, time_in_force=GOOD_TILL_DATE, ts_expire_ns=floor.now + seconds * SECOND)
    assert kinds(floor.advance(5)) == [("EXPIRED", 2), ("EXPIRED", 3), ("EXPIRED", 1)]


def test_a_good_till_date_order_without_a_future_date_is_refused() -> None:
    floor = Floor()
    for until in (0, floor.now):
        reports = floor.limit(BUY, 1, 990, time_in_force=GOOD_TILL_DATE, ts_expire_ns=until)
        assert reports[0].why == "BAD_ORDER"


def test_a_day_order_expires_at_the_end_of_its_utc_day() -> None:
    floor = Floor()
    floor.limit(BUY, 1, 990, time_in_force=DAY)
    assert floor.advance((DAY_NS - floor.now) / SECOND - 1) == []
    (report,) = floor.advance(2)
    assert (report.kind, report.ts_ns) == ("ORDER_EXPIRED", DAY_NS)


def test_a_good_till_cancelled_order_ignores_an_end_that_it_carries() -> None:
    floor = Floor()
    floor.limit(BUY, 1, 990, ts_expire_ns=floor.now + SECOND)
    assert floor.advance(10) == []


def test_time_does_not_go_back() -> None:
    floor = Floor()
    with pytest.raises(DataError, match="before venue time"):
        floor.exchange.advance(floor.now - 1)


def test_an_immediate_order_on_trades_alone_expires_at_the_trade_that_it_misses() -> None:
    floor = Floor(is_two_sided=False)
    floor.place(BUY, 5, type=LIMIT, limit_ticks=990, time_in_force=IMMEDIATE_OR_CANCEL)
    assert kinds(floor.trade(1000, 1)) == [("EXPIRED", 1)]
    assert fills(floor.limit(BUY, 5, 1010, time_in_force=FILL_OR_KILL)) == []
    assert fills(floor.trade(1000, 9)) == [(2, 1000, 5)]
