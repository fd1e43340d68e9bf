"""The level-2 ladder against a dictionary of levels, and where it says that something is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import DataError, SettingError
from bot4.domain.orders import BUY, SELL
from bot4.simulator.book.ladder import (
    MAX_LEVEL_LOTS,
    MAX_TICKS,
    NO_ASK,
    NO_BID,
    BookStatus,
    OrderBook,
    apply_level,
    best_ask,
    best_bid,
    clear_side,
    is_crossed,
    level_lots,
    lots_within,
    new_ladder,
    read_levels,
    take,
    walk,
)


class PlainBook:
    """Levels of both sides as dictionaries."""

    def __init__(self) -> None:
        self.sides: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}

    def apply(self, side: int, ticks: int, lots: int) -> None:
        if lots:
            self.sides[side][ticks] = lots
        else:
            self.sides[side].pop(ticks, None)

    def levels(self, side: int) -> list[tuple[int, int]]:
        return sorted(self.sides[side].items(), reverse=side == BUY)

    def walk(self, taker_side: int, lots: int, limit: int) -> list[tuple[int, int]]:
        found = []
        for ticks, stands in self.levels(-taker_side):
            if lots == 0 or (ticks - limit) * taker_side > 0:
                break
            found.append((ticks, min(lots, stands)))
            lots -= min(lots, stands)
        return found

    def take(self, taker_side: int, lots: int, limit: int) -> list[tuple[int, int]]:
        found = self.walk(taker_side, lots, limit)
        for ticks, taken in found:
            self.apply(-taker_side, ticks, self.sides[-taker_side][ticks] - taken)
        return found


def all_levels(book: np.ndarray, side: int) -> list[tuple[int, int]]:
    rows = np.zeros((5000, 2), dtype=np.int64)
    return [tuple(row) for row in rows[: int(read_levels(book, side, rows))].tolist()]


near = st.integers(-40, 40)
anywhere = st.integers(-6000, 6000)
changes = st.tuples(st.sampled_from([BUY, SELL]), st.one_of(near, anywhere), st.sampled_from([0, 0, 1, 2, 7, 1000]))


@given(st.lists(changes, max_size=120), st.integers(-(1 << 39), 1 << 39))
def test_the_ladder_holds_what_a_dictionary_holds_wherever_the_prices_are(steps: list, middle: int) -> None:
    book, plain = new_ladder(1024, 256), PlainBook()
    for side, offset, lots in steps:
        status = apply_level(book, side, middle + offset, lots)
        plain.apply(side, middle + offset, lots)
        bids, asks = plain.levels(BUY), plain.levels(SELL)
        crossed = bool(bids and asks and bids[0][0] >= asks[0][0])
        assert status == (BookStatus.CROSSED if crossed and lots else BookStatus.APPLIED)
        assert is_crossed(book) == crossed
        assert best_bid(book) == (bids[0][0] if bids else NO_BID)
        assert best_ask(book) == (asks[0][0] if asks else NO_ASK)
    for side in (BUY, SELL):
        assert all_levels(book, side) == plain.levels(side)
        for ticks in [middle + offset for _side, offset, _lots in steps]:
            assert level_lots(book, side, ticks) == plain.sides[side].get(ticks, 0)
            within = sum(lots for level, lots in plain.levels(side) if (level - ticks) * side >= 0)
            assert lots_within(book, side, ticks) == within


@given(
    st.lists(changes, min_size=1, max_size=60),
    st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 3000), anywhere), max_size=8),
)
def test_taking_walks_from_the_best_price_to_the_limit_and_leaves_the_rest(steps: list, takes: list) -> None:
    book, plain = new_ladder(1024, 256), PlainBook()
    for side, offset, lots in steps:
        ticks = offset - 6001 if side == BUY else offset + 6001
        apply_level(book, side, ticks, lots)
        plain.apply(side, ticks, lots)
    fills = np.zeros((200, 2), dtype=np.int64)
    for side, lots, limit in takes:
        expected = plain.walk(side, lots, 2 * limit)
        n = walk(book, side, lots, 2 * limit, fills)
        assert [tuple(row) for row in fills[:n].tolist()] == expected
        n = take(book, side, lots, 2 * limit, fills)
        assert [tuple(row) for row in fills[:n].tolist()] == plain.take(side, lots, 2 * limit) == expected
        assert all_levels(book, -side) == plain.levels(-side)


def test_a_trending_market_moves_the_window_and_loses_no_level() -> None:
    book, plain = new_ladder(1024, 4096), PlainBook()
    rng = np.random.default_rng(5)
    middle = 1_000_000
    for _ in range(6000):
        middle += int(rng.integers(-3, 9))
        for side in (BUY, SELL):
            ticks = middle - side * int(rng.integers(1, 1200))
            lots = int(rng.integers(0, 3))
            assert apply_level(book, side, ticks, lots) <= BookStatus.CROSSED
            plain.apply(side, ticks, lots)
        for ticks in [t for t in plain.sides[SELL] if t <= middle]:  # the market trades through them
            apply_level(book, SELL, ticks, 0)
            plain.apply(SELL, ticks, 0)
    assert middle > 1_010_000
    assert all_levels(book, BUY) == plain.levels(BUY)[:5000]
    assert all_levels(book, SELL) == plain.levels(SELL)[:5000]


@pytest.mark.parametrize(
    ("ticks", "lots", "status"),
    [
        (100, -1, BookStatus.NEGATIVE_LOTS),
        (MAX_TICKS, 1, BookStatus.BAD_TICKS),
        (-MAX_TICKS, 1, BookStatus.BAD_TICKS),
        (100, MAX_LEVEL_LOTS, BookStatus.TOO_MANY_LOTS),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_and_changes_nothing(ticks: int, lots: int, status: int) -> None:
    book = new_ladder()
    apply_level(book, BUY, 100, 5)
    before = book.copy()
    assert apply_level(book, BUY, ticks, lots) == status
    assert (book == before).all()


def test_a_full_table_of_far_levels_is_reported_and_changes_nothing() -> None:
    book = new_ladder(1024, 2)
    for ticks in (0, 5000, 6000):
        assert apply_level(book, SELL, ticks, 1) == BookStatus.APPLIED
    before = book.copy()
    assert apply_level(book, SELL, 7000, 1) == BookStatus.FULL
    assert apply_level(book, SELL, -5000, 1) == BookStatus.FULL  # the level at 0 would have to become a far one
    assert (book == before).all()
    assert apply_level(book, SELL, 6000, 0) == BookStatus.APPLIED
    assert apply_level(book, SELL, 7000, 1) == BookStatus.APPLIED
    assert all_levels(book, SELL) == [(0, 1), (5000, 1), (7000, 1)]


def test_the_face_grows_where_the_kernel_reports_a_full_table() -> None:
    book = OrderBook(1024, 1)
    rows = [(SELL, ticks, 1) for ticks in range(0, 40_000, 800)] + [(BUY, -ticks, 2) for ticks in range(1, 40_000, 900)]
    assert book.apply(rows) == BookStatus.APPLIED
    bids, asks = book.levels(100)
    assert asks[:, 0].tolist() == list(range(0, 40_000, 800))
    assert bids[:, 0].tolist() == [-ticks for ticks in range(1, 40_000, 900)]


def test_a_message_is_applied_whole_or_not_at_all() -> None:
    book = OrderBook()
    book.apply([(BUY, 100, 5), (SELL, 101, 7)])
    for bad in [(2, 100, 1), (BUY, 100, -1), (BUY, 100, 1 << 53), (SELL, 1 << 40, 1)]:
        with pytest.raises(DataError, match="row 1 "):
            book.apply([(BUY, 99, 5), bad])
    assert book.levels(5)[0].tolist() == [[100, 5]]


def test_a_message_may_cross_within_but_the_book_says_when_it_stays_crossed() -> None:
    book = OrderBook()
    book.apply([(BUY, 100, 5), (SELL, 101, 7)])
    assert book.apply([(BUY, 101, 3), (SELL, 101, 0)]) == BookStatus.APPLIED
    assert book.best() == (101, None)
    assert book.apply([(SELL, 101, 1)]) == BookStatus.CROSSED
    assert book.is_crossed()


def test_the_face_takes_more_levels_than_it_reads_at_once_and_resets() -> None:
    book = OrderBook()
    book.apply([(SELL, ticks, 1) for ticks in range(200)])
    assert book.take(BUY, 150).tolist() == [[ticks, 1] for ticks in range(150)]
    assert book.take(BUY, 100, 160).tolist() == [[ticks, 1] for ticks in range(150, 161)]
    assert book.best() == (None, 161)
    assert book.lots_at(SELL, 170) == 1
    with pytest.raises(DataError):
        book.take(BUY, 0)
    book.reset()
    assert book.best() == (None, None)
    book.apply([(BUY, 7, 1)])
    assert book.best() == (7, None)


def test_clearing_a_side_leaves_the_other() -> None:
    book = new_ladder(1024, 8)
    apply_level(book, BUY, 5, 1)
    apply_level(book, BUY, -5000, 1)
    apply_level(book, SELL, 6, 1)
    clear_side(book, BUY)
    assert all_levels(book, BUY) == []
    assert all_levels(book, SELL) == [(6, 1)]


@pytest.mark.parametrize(("n_ticks", "n_far"), [(1000, 10), (512, 10), (1 << 25, 10), (1024, 0), (1024, 1 << 25)])
def test_capacities_out_of_bounds_are_refused(n_ticks: int, n_far: int) -> None:
    with pytest.raises(SettingError):
        new_ladder(n_ticks, n_far)
