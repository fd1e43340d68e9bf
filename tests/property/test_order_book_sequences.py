"""Whatever a connection loses, doubles or swaps: the rebuilt book is the exchange's own, or there is none."""

from __future__ import annotations

import heapq
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot4.adapters.exchanges.order_books.rebuilt_book import ASK, BID, BookSide
from bot4.adapters.exchanges.order_books.sequence import BookState
from tests.order_book_streams import (
    OPENING_ASKS,
    OPENING_BIDS,
    BinanceSpot,
    BinanceUsdm,
    Bybit,
    Kraken,
    Listener,
    Okx,
)

SURE = st.sampled_from([BinanceSpot, BinanceUsdm, Bybit, Okx])
CHANGE = st.lists(
    st.tuples(st.booleans(), st.integers(1, 6), st.sampled_from(["0", "1", "2.5"])), min_size=1, max_size=4
)
FAULT = st.sampled_from(["none", "none", "none", "lost", "twice", "late", "reconnect", "snapshot"])


def levels(change):
    """Bids from 99.4 down and asks from 100.6 up, so that the book never crosses; each price once."""
    bids = {str(Decimal(100) - Decimal(k) / 10 - Decimal("0.5")): q for is_bid, k, q in change if is_bid}
    asks = {str(Decimal(100) + Decimal(k) / 10 + Decimal("0.5")): q for is_bid, k, q in change if not is_bid}
    return tuple(bids.items()), tuple(asks.items())


@given(kind=SURE, steps=st.lists(st.tuples(CHANGE, FAULT), max_size=25), held=st.integers(0, 3))
def test_a_numbered_stream_gives_the_exchanges_book_or_none(kind, steps, held):
    listener = Listener(kind(), held=held)
    listener.begin()
    truths = {listener.stream.number: listener.expected()}
    waiting: list[str] = []
    for change, fault in steps:
        text = listener.stream.difference(*levels(change))
        truths[listener.stream.number] = listener.expected()
        if fault == "late":
            waiting.append(text)
            continue
        if fault == "reconnect":
            listener.reconnect()
        if fault != "lost":
            listener.hear(text)
        if fault == "twice":
            listener.hear(text)
        while waiting:
            listener.hear(waiting.pop())
        if fault == "snapshot":
            listener.hear(listener.stream.snapshot())
        if listener.is_in_step:
            assert listener.book() == truths[listener.sequence.last_id]
        else:
            assert listener.book() == ({}, {})
    listener.hear(listener.stream.snapshot())
    assert listener.is_in_step
    assert listener.book() == listener.expected()


@given(steps=st.lists(st.tuples(CHANGE, st.booleans()), max_size=12))
def test_a_stream_with_checksums_gives_the_exchanges_book_or_none(steps):
    listener = Listener(Kraken())
    listener.begin()
    for change, is_lost in steps:
        text = listener.stream.difference(*levels(change))
        if not is_lost:
            listener.hear(text)
            assert listener.book() == (listener.expected() if listener.is_in_step else ({}, {}))
    assert (listener.sequence.state is BookState.IN_STEP) or listener.sequence.counters.checksum_failures == 1


@given(
    side=st.sampled_from([BID, ASK]),
    changes=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), max_size=200),
    depth=st.integers(1, 30),
)
def test_the_best_level_is_the_best_of_those_that_stand(side, changes, depth):
    book, slow = BookSide(side), {}
    choose = max if side == BID else min
    for ticks, lots in changes:
        was_there = ticks in slow
        assert book.set_level(ticks, lots) is (was_there or lots > 0)
        slow.pop(ticks, None)
        if lots:
            slow[ticks] = lots
        assert book.best() == ((choose(slow), slow[choose(slow)]) if slow else None)
    ordered = sorted(slow.items(), reverse=side == BID)
    assert book.top(7) == ordered[:7]
    book.cut(depth)
    assert sorted(book.levels.items(), reverse=side == BID) == ordered[:depth]
    assert book.best() == (ordered[0] if ordered else None)


def test_a_long_stream_of_new_prices_does_not_grow_the_heap_without_bound():
    book = BookSide(ASK)
    for ticks in range(1, 100_000):
        book.set_level(ticks, 1)
        book.set_level(ticks - 10, 0)
    assert len(book) == 10
    assert len(book._heap) < 3_000
    assert heapq.nsmallest(1, book.levels) == [book.best()[0]]


def test_the_opening_of_these_tests_is_no_crossed_book():
    assert max(Decimal(p) for p, _ in OPENING_BIDS) < min(Decimal(p) for p, _ in OPENING_ASKS)
