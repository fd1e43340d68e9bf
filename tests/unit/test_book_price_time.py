"""What the price-time book refuses, and that full rows and full books lose nothing."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.domain.events import BOOK_ADD, BOOK_SET
from bot4.domain.orders import BUY, CANCEL_BOTH, CANCEL_OLDEST, DECREMENT, FILL_OR_KILL, SELL
from bot4.simulator.book.matching_book import PriceTimeBook
from bot4.simulator.book.price_time import (
    FillKind,
    MatchStatus,
    add_order,
    amend_order,
    apply_book_order,
    cancel_order,
    fill_count,
    new_price_time_book,
    open_rest,
    order_count,
    order_lots,
    reduce_order,
    trade_at,
)


def rows(n: int = 8) -> np.ndarray:
    return np.zeros((n, 6), dtype=np.int64)


def plain_add(
    book: np.ndarray, order_id: int, side: int, ticks: int, lots: int, fills: np.ndarray, owner: int = 0
) -> int:
    return int(add_order(book, order_id, owner, side, ticks, lots, 0, 0, False, 0, fills))


@pytest.mark.parametrize(
    ("order_id", "owner", "side", "ticks", "lots", "status"),
    [
        (2, 0, BUY, 100, 0, MatchStatus.BAD_LOTS),
        (2, 0, BUY, 100, -5, MatchStatus.BAD_LOTS),
        (2, 0, BUY, 100, 1 << 53, MatchStatus.BAD_LOTS),
        (2, 0, BUY, 1 << 40, 1, MatchStatus.BAD_TICKS),
        (0, 0, BUY, 100, 1, MatchStatus.BAD_ACTION),
        (-3, 0, BUY, 100, 1, MatchStatus.BAD_ACTION),
        (2, 0, 0, 100, 1, MatchStatus.BAD_ACTION),
        (2, -1, BUY, 100, 1, MatchStatus.BAD_ACTION),
        (2, 1 << 31, BUY, 100, 1, MatchStatus.BAD_ACTION),
        (1, 0, SELL, 105, 1, MatchStatus.DUPLICATE_ORDER),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_changes_nothing(
    order_id: int, owner: int, side: int, ticks: int, lots: int, status: int
) -> None:
    book = PriceTimeBook()
    book.add(1, BUY, 99, 5)
    book.add(7, SELL, 101, 5)
    before = book.orders()
    assert book.add(order_id, side, ticks, lots, owner=owner).status == status
    assert (book.orders() == before).all()


def test_an_unknown_order_is_said_to_be_unknown() -> None:
    book, fills = new_price_time_book(16, 16), rows()
    assert cancel_order(book, 5) == MatchStatus.UNKNOWN_ORDER
    assert reduce_order(book, 5, 1) == MatchStatus.UNKNOWN_ORDER
    assert amend_order(book, 5, 100, 1, 0, fills) == MatchStatus.UNKNOWN_ORDER
    assert apply_book_order(book, BOOK_SET, 5, BUY, 100, 1, fills) == MatchStatus.UNKNOWN_ORDER
    assert apply_book_order(book, 9, 5, BUY, 100, 1, fills) == MatchStatus.BAD_ACTION
    assert order_lots(book, 5) == 0


def test_an_amendment_that_makes_no_sense_leaves_the_order() -> None:
    book = PriceTimeBook()
    book.add(1, BUY, 99, 5)
    assert book.amend(1, 99, 0).status == MatchStatus.BAD_LOTS
    assert book.amend(1, 1 << 40, 5).status == MatchStatus.BAD_TICKS
    assert book.reduce(1, 0) == MatchStatus.BAD_LOTS
    assert book.order_lots(1) == 5


def test_rows_that_run_out_leave_the_rest_of_the_order_to_be_sent_again() -> None:
    book, fills = new_price_time_book(64, 64), rows(2)
    for number in range(1, 6):
        plain_add(book, number, SELL, 100 + number, 3, fills)
    assert plain_add(book, 9, BUY, 110, 20, fills) == MatchStatus.FILLS_FULL
    assert (fill_count(book), open_rest(book)) == (2, 14)
    assert order_lots(book, 9) == 0
    assert plain_add(book, 9, BUY, 110, 14, fills) == MatchStatus.FILLS_FULL
    assert plain_add(book, 9, BUY, 110, open_rest(book), fills) == MatchStatus.RESTED
    assert order_lots(book, 9) == 20 - 15


def test_a_book_without_room_for_another_order_says_so_after_matching() -> None:
    book, fills = new_price_time_book(2, 16), rows()
    plain_add(book, 1, SELL, 101, 3, fills)
    plain_add(book, 2, SELL, 102, 3, fills)
    assert plain_add(book, 3, SELL, 103, 3, fills) == MatchStatus.BOOK_FULL
    assert (order_count(book), open_rest(book)) == (2, 3)
    assert plain_add(book, 4, BUY, 101, 5, fills) == MatchStatus.RESTED  # its maker made room
    assert (fill_count(book), open_rest(book), order_lots(book, 4)) == (1, 2, 2)


def test_a_book_without_room_for_another_price_says_so_and_reuses_those_that_emptied() -> None:
    book, fills = new_price_time_book(1000, 1), rows()
    placed = 0
    while plain_add(book, placed + 1, BUY, 1000 - placed, 1, fills) == MatchStatus.RESTED:
        placed += 1
    assert 0 < placed < 100
    assert order_count(book) == placed
    for number in range(1, placed + 1):
        assert cancel_order(book, number) == MatchStatus.DONE
    for ticks in range(200, 200 + placed):
        assert plain_add(book, 1000 + ticks, BUY, ticks, 1, fills) == MatchStatus.RESTED


def test_ids_far_apart_and_in_one_chain_are_kept_apart() -> None:
    book = PriceTimeBook(n_orders=64)
    ids = [1 + (number << 7) for number in range(40)] + [(1 << 62) + number for number in range(10)]
    for number in ids:
        assert book.add(number, BUY, 100, number % 97 + 1).status == MatchStatus.RESTED
    for number in ids[::2]:
        assert book.cancel(number) == MatchStatus.DONE
    for number in ids[::2]:
        assert book.order_lots(number) == 0
    for number in ids[1::2]:
        assert book.order_lots(number) == number % 97 + 1


def test_a_fill_or_kill_order_counts_hidden_lots_and_not_its_owners_own() -> None:
    book = PriceTimeBook()
    book.add(1, SELL, 100, 30, display_lots=5)
    book.add(2, SELL, 100, 10, owner=4)
    refused = book.add(3, BUY, 100, 31, owner=4, time_in_force=FILL_OR_KILL, self_trade=CANCEL_OLDEST)
    assert refused.status == MatchStatus.NOT_FILLABLE
    done = book.add(4, BUY, 100, 40, time_in_force=FILL_OR_KILL)
    assert done.status == MatchStatus.FILLED_WHOLE


def test_self_trade_prevention_says_who_lost_what() -> None:
    book = PriceTimeBook()
    book.add(1, SELL, 100, 5, owner=4)
    done = book.add(2, BUY, 100, 8, owner=4, self_trade=DECREMENT)
    assert done.fills.tolist() == [[1, 4, 100, 5, 0, FillKind.SELF_DECREMENT]]
    assert (done.status, done.rest_lots) == (MatchStatus.RESTED, 3)
    done = book.add(3, SELL, 100, 8, owner=4, self_trade=CANCEL_BOTH)
    assert done.fills.tolist() == [[2, 4, 100, 3, 0, FillKind.SELF_CANCEL]]
    assert done.status == MatchStatus.CUT_BY_SELF_TRADE
    assert len(book.orders()) == 0


def test_a_recorded_trade_fills_the_participant_that_stands_ahead() -> None:
    book, fills = new_price_time_book(16, 16), rows()
    apply_book_order(book, BOOK_ADD, 1, BUY, 100, 5, fills)
    plain_add(book, 2, BUY, 100, 4, fills, owner=9)
    apply_book_order(book, BOOK_ADD, 3, BUY, 100, 5, fills)
    cancel_order(book, 1)
    assert trade_at(book, BUY, 100, 5, fills) == MatchStatus.FILLED_WHOLE
    assert fills[:2, :4].tolist() == [[2, 9, 100, 4], [3, 0, 100, 1]]
    assert apply_book_order(book, BOOK_SET, 3, BUY, 100, 0, fills) == MatchStatus.DONE
    assert order_count(book) == 0


@pytest.mark.parametrize(("n_orders", "n_prices"), [(0, 1), (1, 0), ((1 << 24) + 1, 1)])
def test_capacities_out_of_bounds_are_refused(n_orders: int, n_prices: int) -> None:
    with pytest.raises(SettingError):
        new_price_time_book(n_orders, n_prices)
