"""Against a book of single orders our place in the queue is exact."""

from __future__ import annotations

from typing import Any

import pytest

from bot4.domain.events import BOOK_ADD, BOOK_ORDER, BOOK_REMOVE, BOOK_SET, IS_BOOK_RESET
from bot4.simulator import exchange
from tests.exchange_harness import BUY, SELL, Floor, Report, fills

BID, ASK = 1000, 1002


def told(floor: Floor, action: int, order_id: int, side: int = 0, ticks: int = 0, lots: int = 0, **f: Any) -> Any:
    return floor._row(
        BOOK_ORDER, 0, book_action=action, book_order_id=order_id, book_side=side, book_ticks=ticks,
        book_quantity=lots * 0.001, **f,
    )  # fmt: skip


def add(floor: Floor, order_id: int, side: int, ticks: int, lots: int) -> list[Report]:
    return floor.feed(told(floor, BOOK_ADD, order_id, side, ticks, lots))


def remove(floor: Floor, order_id: int, side: int = BUY, ticks: int = BID) -> list[Report]:
    return floor.feed(told(floor, BOOK_REMOVE, order_id, side, ticks))


def change(floor: Floor, order_id: int, side: int, ticks: int, lots: int) -> list[Report]:
    return floor.feed(told(floor, BOOK_SET, order_id, side, ticks, lots))


def level_3() -> Floor:
    """Two orders to buy at 1000 (4 and 6 lots), one to sell at 1002."""
    floor = Floor(is_two_sided=False)
    add(floor, 11, BUY, BID, 4)
    add(floor, 12, BUY, BID, 6)
    add(floor, 21, SELL, ASK, 10)
    return floor


def test_orders_add_up_to_levels() -> None:
    floor = level_3()
    assert (floor.bids(), floor.asks()) == ([(BID, 10)], [(ASK, 10)])


def test_who_came_before_us_trades_before_us_and_who_came_after_does_not() -> None:
    floor = level_3()
    floor.limit(BUY, 5, BID)
    add(floor, 13, BUY, BID, 50)
    assert fills(floor.trade(BID, 10, SELL)) == []
    assert fills(floor.trade(BID, 3, SELL)) == [(1, BID, 3)]


def test_a_cancellation_before_us_moves_us_up_by_all_of_it() -> None:
    floor = level_3()
    floor.limit(BUY, 5, BID)
    remove(floor, 11)
    assert fills(floor.trade(BID, 7, SELL)) == [(1, BID, 1)]


def test_a_cancellation_behind_us_does_not_move_us() -> None:
    floor = level_3()
    floor.limit(BUY, 5, BID)
    add(floor, 13, BUY, BID, 50)
    remove(floor, 13)
    assert fills(floor.trade(BID, 10, SELL)) == []


def test_an_order_before_us_that_shrinks_moves_us_up_and_one_that_grows_goes_behind() -> None:
    floor = level_3()
    floor.limit(BUY, 5, BID)
    change(floor, 12, BUY, BID, 1)
    assert fills(floor.trade(BID, 6, SELL)) == [(1, BID, 1)]
    floor = level_3()
    floor.limit(BUY, 5, BID)
    change(floor, 12, BUY, BID, 60)
    assert fills(floor.trade(BID, 5, SELL)) == [(1, BID, 1)]


def test_a_trade_and_the_removal_that_follows_it_move_us_up_once() -> None:
    floor = level_3()
    floor.limit(BUY, 5, BID)
    floor.trade(BID, 4, SELL)
    remove(floor, 11)
    assert fills(floor.trade(BID, 6, SELL)) == []
    assert fills(floor.trade(BID, 1, SELL)) == [(1, BID, 1)]


def test_what_we_take_comes_from_the_orders_that_stand_first() -> None:
    floor = level_3()
    assert fills(floor.place(SELL, 5)) == [(1, BID, 5)]
    assert floor.bids() == [(BID, 5)]
    remove(floor, 11)
    assert floor.bids() == [(BID, 5)], "it was taken already"
    remove(floor, 12)
    assert floor.bids() == []


def test_an_order_that_comes_in_at_our_price_trades_with_us() -> None:
    floor = level_3()
    floor.limit(BUY, 5, 1001)
    assert fills(add(floor, 31, SELL, 1001, 8)) == [(1, 1001, 5)]
    assert floor.asks()[0] == (1001, 3)


def test_our_own_orders_of_one_price_keep_their_turn() -> None:
    floor = level_3()
    floor.limit(BUY, 2, BID)
    add(floor, 13, BUY, BID, 3)
    floor.limit(BUY, 2, BID)
    assert fills(floor.trade(BID, 12, SELL)) == [(1, BID, 2)]
    assert fills(floor.trade(BID, 4, SELL)) == [(2, BID, 1)]


def test_after_a_reset_we_never_gain_a_place() -> None:
    floor = level_3()
    floor.limit(BUY, 5, BID)
    floor.feed(told(floor, 0, 0, flags=IS_BOOK_RESET))
    assert floor.bids() == [(BID, 5)]
    add(floor, 11, BUY, BID, 4)
    add(floor, 12, BUY, BID, 6)
    assert fills(floor.trade(BID, 10, SELL)) == []
    assert fills(floor.trade(BID, 1, SELL)) == [(1, BID, 1)]


def test_more_orders_than_the_book_has_room_for_make_it_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_MARKET_ORDERS", 64)
    floor = Floor(is_two_sided=False)
    floor.feed(*[told(floor, BOOK_ADD, 1 + k, BUY, 500 + k % 10, 1) for k in range(60)])
    floor.limit(BUY, 1, 509)
    floor.feed(*[told(floor, BOOK_ADD, 101 + k, BUY, 500 + k % 10, 1) for k in range(300)])
    assert sum(lots for _, lots in floor.bids(50)) == 361
    assert fills(floor.trade(509, 6, SELL)) == []
    assert fills(floor.trade(509, 1, SELL)) == [(1, 509, 1)]


def test_orders_that_are_unknown_or_told_twice_lose_nothing() -> None:
    floor = level_3()
    remove(floor, 99)
    change(floor, 14, BUY, 999, 3)
    add(floor, 14, BUY, 999, 2)
    assert floor.bids() == [(BID, 10), (999, 2)]
