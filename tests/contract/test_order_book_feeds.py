"""The market-data half of the venue conformance suite: what every venue's book feed must do, asked of every venue.

Each case is one function and runs for every exchange to whose stream it applies; a later venue adds its writer to
``tests/order_book_streams.py`` and is asked the same.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.adapters.exchanges.order_books.dialects import DIALECTS, recognised
from bot4.adapters.exchanges.order_books.fields import decoded
from bot4.adapters.exchanges.order_books.grid import OffGrid, PriceGrid
from bot4.adapters.exchanges.order_books.messages import (
    BestPrices,
    BookDifference,
    Malformed,
    MarketTrade,
)
from bot4.adapters.exchanges.order_books.sequence import BookState, Outcome, ResyncBy
from tests.order_book_streams import (
    OPENING_ASKS,
    OPENING_BIDS,
    STREAMS,
    BinanceSpot,
    BinanceUsdm,
    Bitfinex,
    Bybit,
    Kraken,
    Listener,
    Okx,
    VenueStream,
)


def venues(*, where=lambda stream: True):
    chosen = [stream for stream in STREAMS if where(stream)]
    return pytest.mark.parametrize("stream", [kind() for kind in chosen], ids=[kind.name for kind in chosen])


@pytest.fixture
def stream(request) -> VenueStream:
    return request.param


def fresh(stream: VenueStream, **keywords) -> Listener:
    """A listener to a stream that starts anew."""
    return Listener(type(stream)(), **keywords)


CHANGES = [
    ((("99.4", "0"), ("99.3", "5")), (("100.55", "1"),)),
    ((), (("100.5", "0"),)),
    ((("99.6", "0.125"),), ()),
    ((("99.6", "0"), ("99.5", "9")), (("101", "0"), ("102", "6"))),
]


# --- 1: snapshot and differences ---------------------------------------------------------------------------------


@venues()
def test_a_snapshot_and_its_differences_give_the_exchanges_book(stream):
    listener = fresh(stream)
    listener.begin()
    assert listener.book() == listener.expected()
    for bids, asks in CHANGES:
        assert listener.hear(listener.stream.difference(bids, asks)).outcome is Outcome.APPLIED
        assert listener.book() == listener.expected()
    assert listener.is_in_step
    assert listener.sequence.counters.snapshots == 1


# --- 2 to 3: what came before the snapshot -----------------------------------------------------------------------


@venues(where=lambda s: s.asks_by_rest)
def test_differences_before_the_snapshot_wait_and_those_in_it_are_dropped(stream):
    listener = fresh(stream)
    writer = listener.stream
    writer.snapshot(OPENING_BIDS, OPENING_ASKS)
    early = [writer.difference(*CHANGES[0]), writer.difference(*CHANGES[1])]
    answer = writer.snapshot()
    late = [writer.difference(*CHANGES[2])]
    steps = [listener.hear(text) for text in (*early, *late)]
    assert [step.outcome for step in steps] == [Outcome.BUFFERED] * 3
    assert [step.resync for step in steps] == [ResyncBy.SNAPSHOT_REQUEST, None, None]
    assert listener.book() == ({}, {})
    listener.hear(answer)
    assert listener.book() == listener.expected()
    assert listener.sequence.counters.dropped_before_snapshot == 2
    assert listener.sequence.counters.differences == 1


@venues(where=lambda s: not s.asks_by_rest)
def test_differences_before_the_streams_own_snapshot_are_not_a_book(stream):
    listener = fresh(stream)
    writer = listener.stream
    writer.snapshot(OPENING_BIDS, OPENING_ASKS)
    step = listener.hear(writer.difference(*CHANGES[0]))
    assert (step.outcome, step.resync) == (Outcome.BUFFERED, ResyncBy.RESUBSCRIPTION)
    assert listener.book() == ({}, {})
    listener.hear(writer.snapshot())
    assert listener.book() == listener.expected()


# --- 4 to 5: gaps -------------------------------------------------------------------------------------------------


@venues(where=lambda s: s.tells_gaps)
def test_a_missing_difference_is_a_gap_and_the_book_is_withheld(stream):
    listener = fresh(stream)
    listener.begin()
    listener.stream.difference(*CHANGES[0])  # lost on the way
    step = listener.hear(listener.stream.difference(*CHANGES[1]))
    assert step.outcome is Outcome.GAP
    assert step.resync is (ResyncBy.SNAPSHOT_REQUEST if stream.asks_by_rest else ResyncBy.RESUBSCRIPTION)
    assert listener.sequence.state is BookState.WAITING
    assert listener.book() == ({}, {})
    assert listener.sequence.counters.gaps == 1


@venues(where=lambda s: s.tells_gaps)
def test_after_a_gap_a_new_snapshot_brings_the_book_back(stream):
    listener = fresh(stream)
    listener.begin()
    listener.stream.difference(*CHANGES[0])
    listener.hear(listener.stream.difference(*CHANGES[1]))
    listener.hear(listener.stream.snapshot())
    listener.hear(listener.stream.difference(*CHANGES[2]))
    assert listener.is_in_step
    assert listener.book() == listener.expected()
    assert listener.sequence.counters.resyncs == 1


# --- 6 to 8: duplicates and disorder -----------------------------------------------------------------------------


@venues(where=lambda s: s.has_numbers and s.name != "coinbase")
def test_a_difference_that_comes_twice_changes_nothing(stream):
    listener = fresh(stream)
    listener.begin()
    first = listener.stream.difference(*CHANGES[0])
    listener.hear(first)
    listener.hear(listener.stream.difference((("99.3", "6"),)))
    step = listener.hear(first)
    assert step.outcome is Outcome.DUPLICATE
    assert listener.sequence.counters.duplicates == 1
    assert listener.is_in_step
    assert listener.book() == listener.expected()


@venues(where=lambda s: s.tells_gaps)
def test_two_differences_in_the_wrong_order_are_put_right_within_patience(stream):
    listener = fresh(stream, held=2)
    listener.begin()
    first, second = listener.stream.difference(*CHANGES[0]), listener.stream.difference((("99.3", "8"),))
    assert listener.hear(second).outcome is Outcome.HELD
    assert listener.hear(first).outcome is Outcome.REORDERED
    assert listener.book() == listener.expected()
    assert listener.sequence.counters.gaps == 0


@venues(where=lambda s: s.has_numbers)
def test_a_difference_older_than_the_book_never_overwrites_it(stream):
    listener = fresh(stream)
    listener.begin()
    lost = listener.stream.difference((("99.5", "77"),))
    newer = listener.stream.difference((("99.5", "5"),))
    if stream.tells_gaps:
        listener.hear(newer)
        listener.hear(listener.stream.snapshot())
        listener.hear(listener.stream.difference((("99.4", "2"),)))
    else:
        listener.hear(newer)
    step = listener.hear(lost)
    assert step.outcome is Outcome.OUT_OF_ORDER
    assert listener.sequence.counters.out_of_order == 1
    assert listener.book() == listener.expected()


# --- 9 to 10: stale snapshots ------------------------------------------------------------------------------------


@venues(where=lambda s: s.asks_by_rest and s.tells_gaps)
def test_a_snapshot_that_is_older_than_what_was_buffered_is_asked_for_again(stream):
    listener = fresh(stream)
    stale = listener.stream.snapshot(OPENING_BIDS, OPENING_ASKS)
    listener.stream.difference(*CHANGES[0])  # never seen
    listener.hear(listener.stream.difference(*CHANGES[1]))
    step = listener.hear(stale)
    assert (step.outcome, step.resync) == (Outcome.STALE_SNAPSHOT, ResyncBy.SNAPSHOT_REQUEST)
    assert listener.book() == ({}, {})
    listener.hear(listener.stream.snapshot())
    assert listener.is_in_step
    assert listener.book() == listener.expected()


@venues(where=lambda s: s.asks_by_rest)
def test_a_snapshot_that_is_older_than_the_book_is_passed_over(stream):
    listener = fresh(stream)
    stale = listener.stream.snapshot(OPENING_BIDS, OPENING_ASKS)
    listener.hear(stale)
    listener.hear(listener.stream.difference(*CHANGES[0]))
    step = listener.hear(stale)
    assert (step.outcome, step.resync) == (Outcome.STALE_SNAPSHOT, None)
    assert listener.is_in_step
    assert listener.book() == listener.expected()


@venues(where=lambda s: not s.asks_by_rest)
def test_a_snapshot_in_the_stream_always_replaces_the_book(stream):
    listener = fresh(stream)
    listener.begin()
    listener.hear(listener.stream.difference(*CHANGES[0]))
    listener.hear(listener.stream.snapshot((("50", "1"),), (("51", "2"),)))
    assert listener.book() == ({Decimal(50): Decimal(1)}, {Decimal(51): Decimal(2)})


# --- 11 to 12: connections and silence ---------------------------------------------------------------------------


@venues()
def test_after_a_reconnection_the_old_book_is_void_until_a_snapshot_comes(stream):
    listener = fresh(stream)
    listener.begin()
    step = listener.reconnect()
    assert step.outcome is Outcome.RECONNECTED
    assert step.resync is (ResyncBy.SNAPSHOT_REQUEST if stream.asks_by_rest else ResyncBy.RESUBSCRIPTION)
    assert listener.book() == ({}, {})
    listener.stream.difference(*CHANGES[0])
    listener.hear(listener.stream.snapshot())
    listener.hear(listener.stream.difference(*CHANGES[1]))
    assert listener.is_in_step
    assert listener.book() == listener.expected()
    assert listener.sequence.counters.reconnects == 1


@venues()
def test_a_stream_that_says_nothing_is_silent_and_one_that_speaks_is_not(stream):
    listener = fresh(stream)
    listener.begin()
    heard_ns = listener.now_ns
    assert not listener.sequence.is_silent(heard_ns + 5_000, patience_ns=5_000)
    assert listener.sequence.is_silent(heard_ns + 5_001, patience_ns=5_000)
    listener.hear(listener.stream.difference(*CHANGES[0]))
    assert not listener.sequence.is_silent(listener.now_ns + 1, patience_ns=5_000)


# --- 13: crossed books -------------------------------------------------------------------------------------------


@venues()
@pytest.mark.parametrize("bid", ["100.5", "100.7"], ids=["locked", "crossed"])
def test_a_crossed_book_is_withheld_and_asked_for_anew(stream, bid):
    listener = fresh(stream)
    listener.begin()
    step = listener.hear(listener.stream.difference(((bid, "1"),)))
    assert step.outcome is Outcome.CROSSED or stream.name == "bitfinex"
    assert step.resync is not None
    assert listener.book() == ({}, {})
    assert listener.sequence.counters.crossed == 1


# --- 14 to 16: removals ------------------------------------------------------------------------------------------


@venues()
@pytest.mark.parametrize("zero", ["0", "0.00000000"])
def test_a_quantity_of_zero_removes_the_level(stream, zero):
    listener = fresh(stream)
    listener.begin()
    listener.hear(listener.stream.difference((("99.5", zero),), (("100.6", zero),)))
    bids, asks = listener.book()
    assert Decimal("99.5") not in bids
    assert Decimal("100.6") not in asks
    assert (len(bids), len(asks)) == (2, 2)


@venues(where=lambda s: s is not Bitfinex and s is not Kraken)
def test_a_level_of_quantity_zero_in_a_snapshot_is_none(stream):
    listener = fresh(stream)
    listener.stream.bids, listener.stream.asks = dict(OPENING_BIDS), dict(OPENING_ASKS)
    rows = [*OPENING_BIDS, ("98", "0")]
    listener.hear(listener.stream.written_snapshot(rows, list(OPENING_ASKS)))
    assert listener.book() == listener.expected()


@venues()
def test_removing_a_level_that_is_not_there_is_counted_and_harmless(stream):
    listener = fresh(stream)
    listener.begin()
    step = listener.hear(listener.stream.difference((("42", "0"),)))
    assert step.outcome is Outcome.APPLIED
    assert listener.sequence.book.unknown_removals == 1
    assert listener.book() == listener.expected()


# --- 17 to 18: checksums -----------------------------------------------------------------------------------------


@venues(where=lambda s: s.has_checksum)
def test_every_checksum_of_a_true_book_agrees(stream):
    listener = fresh(stream)
    listener.begin()
    for bids, asks in CHANGES:
        listener.hear(listener.stream.difference(bids, asks))
    assert listener.sequence.counters.checksums >= len(CHANGES)
    assert listener.sequence.counters.checksum_failures == 0


@venues(where=lambda s: s.has_checksum)
def test_a_checksum_of_another_book_withholds_ours(stream):
    listener = fresh(stream)
    listener.begin()
    text = listener.stream.difference((("99.3", "5"),))
    step = listener.hear(text.replace("99.3", "99.2"))
    assert step.outcome is Outcome.CHECKSUM_FAILED
    assert step.resync is ResyncBy.RESUBSCRIPTION
    assert listener.book() == ({}, {})
    listener.hear(listener.stream.snapshot())
    assert listener.book() == listener.expected()


# --- 19 to 23: precision and what cannot be ----------------------------------------------------------------------


@venues()
@pytest.mark.parametrize(
    ("price", "quantity"),
    [("99.70000001", "0.00000001"), ("99.7", "123456789012.12345678"), ("0.00000003", "0.1"), ("99.7", "0.30000000")],
)
def test_no_digit_of_a_price_or_a_quantity_is_lost(stream, price, quantity):
    listener = fresh(stream)
    listener.begin()
    listener.hear(listener.stream.difference(((price, quantity),)))
    assert listener.book()[0][Decimal(price)] == Decimal(quantity)


@venues()
@pytest.mark.parametrize("price", ["0", "-99.7", "1e40"])
def test_a_price_that_cannot_be_is_a_fault_and_no_level(stream, price):
    listener = fresh(stream)
    listener.begin()
    text = listener.stream.difference((("99.77", "5"),)).replace("99.7700000000", price).replace("99.77", price)
    step = listener.hear(text)
    assert step.outcome is Outcome.MALFORMED
    assert step.resync is not None
    assert listener.book() == ({}, {})


@venues(where=lambda s: s is not Bitfinex)  # there the sign is the side
@pytest.mark.parametrize("quantity", ["-5", "NaN", "1_0", "five", ""])
def test_a_quantity_that_cannot_be_is_a_fault_and_no_level(stream, quantity):
    listener = fresh(stream)
    listener.begin()
    text = listener.stream.difference((("99.7", "7777"),)).replace("7777.00000000", quantity).replace("7777", quantity)
    assert listener.hear(text).outcome is Outcome.MALFORMED
    assert listener.book() == ({}, {})


@venues()
def test_a_price_between_ticks_or_a_quantity_between_lots_is_a_fault(stream):
    grid = PriceGrid(Decimal("0.05"), Decimal("0.25"))
    for level in (("99.57", "1"), ("99.55", "0.3")):
        listener = fresh(stream, grid=grid)
        listener.hear(listener.stream.snapshot((("99.5", "2"),), (("100.5", "3"),)))
        assert listener.sequence.book.bids.best() == (1990, 8)
        assert listener.hear(listener.stream.difference((level,))).outcome is Outcome.MALFORMED


@venues()
def test_a_message_cut_short_is_a_fault_after_which_a_snapshot_helps(stream):
    listener = fresh(stream)
    listener.begin()
    assert listener.hear_garbage().outcome is Outcome.MALFORMED
    assert listener.book() == ({}, {})
    listener.hear(listener.stream.snapshot())
    assert listener.book() == listener.expected()


@venues()
@given(data=st.data())
def test_no_change_of_a_messages_fields_makes_the_parser_raise(stream, data):
    writer = type(stream)()
    listener = Listener(writer)
    writer.snapshot(OPENING_BIDS, OPENING_ASKS)
    text = data.draw(st.sampled_from([writer.snapshot(), writer.difference(*CHANGES[0])]))
    payload = decoded(text.split("\n")[0])
    damaged = _damaged(payload, data)
    for message in listener.parser.parse(damaged, writer.context):
        if isinstance(message, Malformed):
            assert message.reason
        elif isinstance(message, BookDifference):
            assert all(ticks > 0 and lots >= 0 for ticks, lots in (*message.bids, *message.asks))


def _damaged(value, data):
    """The value with one part, somewhere inside, lost or replaced."""
    junk = st.sampled_from([None, "", "x", -1, 0, [], {}, [[]], "1e999", True, "9" * 60])
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        if data.draw(st.booleans()):
            return {k: v for k, v in value.items() if k != key}
        return value | {key: _damaged(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _damaged(value[at], data), *value[at + 1 :]]
    return data.draw(junk)


# --- 24 to 27: other messages of the socket ----------------------------------------------------------------------


@venues()
def test_messages_of_other_things_touch_no_book(stream):
    listener = fresh(stream)
    listener.begin()
    assert listener.messages(listener.stream.other()) == []


@venues(where=lambda s: s is not Bitfinex)
def test_two_symbols_of_one_socket_keep_apart(stream):
    other = type(stream)("LTCUSDT" if "collected" in stream.name else "ltcusd")
    listener = fresh(stream)
    messages = listener.messages(listener.stream.snapshot(OPENING_BIDS, OPENING_ASKS))
    other.snapshot((("1", "1"),), (("2", "1"),))
    messages += listener.messages(other.difference((("1.5", "1"),)))
    assert [message.symbol for message in messages] == [listener.stream.symbol, other.symbol]


@venues(where=lambda s: s.name != "binance-collected")
@pytest.mark.parametrize("is_buyer_taker", [True, False])
def test_a_trade_carries_the_takers_side_and_exact_numbers(stream, is_buyer_taker):
    listener = fresh(stream)
    (message,) = listener.messages(listener.stream.trade("99.75", "0.123", is_buyer_taker=is_buyer_taker))
    assert isinstance(message, MarketTrade)
    assert message.aggressor == (1 if is_buyer_taker else -1)
    assert listener.grid.price(message.price_ticks) == Decimal("99.75")
    assert listener.grid.quantity(message.lots) == Decimal("0.123")
    assert message.symbol == stream.symbol
    assert message.ts_ns // 1_000_000_000 == listener.stream.ms // 1_000
    assert message.trade_id


@venues(where=lambda s: s.name != "binance-collected")
def test_a_trade_that_cannot_be_says_so_and_costs_no_book(stream):
    listener = fresh(stream)
    text = listener.stream.trade("99.75", "0.123", is_buyer_taker=True).replace("99.75", "0")
    (message,) = listener.messages(text)
    assert isinstance(message, Malformed)
    assert not message.is_of_book
    (broken,) = listener.messages(listener.stream.difference((("0", "1"),)).split("\n")[0])
    assert isinstance(broken, Malformed)
    assert broken.is_of_book


@venues(where=lambda s: s.has_best_prices)
def test_the_exchanges_own_best_prices_carry_the_update_that_they_stand_after(stream):
    listener = fresh(stream)
    listener.begin()
    step = listener.hear(listener.stream.difference(*CHANGES[2]))
    (best,) = listener.messages(listener.stream.best())
    assert isinstance(best, BestPrices)
    (update,) = step.applied
    assert best.update_id == update.message.last_id
    assert ((best.bid_ticks, best.bid_lots), (best.ask_ticks, best.ask_lots)) == (update.bid, update.ask)


# --- 28 to 30: one-sided and cut books, restarts -----------------------------------------------------------------


@venues()
def test_a_side_may_become_empty_without_a_fault(stream):
    listener = fresh(stream)
    listener.begin()
    step = listener.hear(listener.stream.difference((), tuple((price, "0") for price, _ in OPENING_ASKS)))
    assert step.outcome is Outcome.APPLIED
    assert listener.sequence.book.asks.best() is None
    assert listener.sequence.book.bids.best() is not None
    assert listener.is_in_step


def test_levels_beyond_the_subscribed_depth_are_forgotten():
    listener = fresh(Kraken())
    bids = [(str(99 - k), "1") for k in range(10)]
    listener.hear(listener.stream.snapshot(bids, OPENING_ASKS))
    listener.stream.bids.pop("90")  # pushed out at the exchange, which does not say so
    step = listener.hear(listener.stream.difference((("99.5", "1"),)))
    assert step.outcome is Outcome.APPLIED
    assert len(listener.sequence.book.bids) == 10
    assert listener.book() == listener.expected()


def test_bybits_number_one_is_a_restart_whose_message_is_the_book():
    listener = fresh(Bybit())
    listener.begin()
    listener.stream.number = 0
    listener.stream.bids, listener.stream.asks = {}, {}
    step = listener.hear(listener.stream.difference((("10", "1"),), (("11", "1"),)))
    assert step.outcome is Outcome.APPLIED
    assert listener.book() == listener.expected()


def test_an_okx_message_without_news_keeps_its_place_in_the_chain():
    listener = fresh(Okx())
    listener.begin()
    listener.hear(listener.stream.difference(*CHANGES[0]))
    idle = json.loads(listener.stream.book("update", [], [], listener.stream.number))
    assert listener.hear(json.dumps(idle)).outcome is Outcome.APPLIED
    assert listener.hear(listener.stream.difference(*CHANGES[1])).outcome is Outcome.APPLIED
    assert listener.book() == listener.expected()


def test_the_first_usdm_difference_after_a_snapshot_may_reach_back_into_it():
    listener = fresh(BinanceUsdm())
    writer = listener.stream
    writer.snapshot(OPENING_BIDS, OPENING_ASKS)
    writer.number += 1  # the snapshot is of an update within the next message
    answer = writer.snapshot()
    writer.number -= 1
    text = writer.difference(*CHANGES[0])
    listener.hear(answer)
    assert listener.hear(text).outcome is Outcome.APPLIED
    assert listener.book() == listener.expected()


def test_a_spot_difference_that_overlaps_the_book_is_applied_for_what_is_new_in_it():
    listener = fresh(BinanceSpot())
    listener.begin()
    listener.hear(listener.stream.difference(*CHANGES[0]))
    listener.stream.number -= 2
    assert listener.hear(listener.stream.difference(*CHANGES[1])).outcome is Outcome.APPLIED
    assert listener.book() == listener.expected()


# --- the suite itself --------------------------------------------------------------------------------------------


def test_every_dialect_has_a_writer_that_is_asked_these_questions():
    assert {kind.name for kind in STREAMS} | {"bitstamp-orders"} == set(DIALECTS)


@venues()
def test_a_stream_is_recognised_by_its_own_differences(stream):
    writer = type(stream)()
    writer.snapshot(OPENING_BIDS, OPENING_ASKS)
    text = writer.opening()[0] if isinstance(writer, Bitfinex) else writer.difference(*CHANGES[0])
    found = recognised(decoded(text))
    assert found is not None
    assert found.name == stream.name


@given(
    step=st.sampled_from(["0.01", "0.05", "0.00000001", "1", "5", "0.25"]),
    count=st.integers(-(10**18), 10**18),
    trailing=st.integers(0, 5),
)
def test_a_printed_number_is_its_count_of_steps_and_nothing_between_is(step, count, trailing):
    grid = PriceGrid(Decimal(step), Decimal(step))
    value = Decimal(step) * count
    text = f"{value:f}"
    text = text + "0" * trailing if "." in text else text
    assert grid.ticks(text) == grid.lots(text) == count
    between = f"{value + Decimal(step) / 2:f}"
    with pytest.raises(OffGrid):
        grid.ticks(between)
