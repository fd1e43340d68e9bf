"""Closed bars come out once, in order and whole, whatever order and number of updates goes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.adapters.exchanges.bar_sequence import CLOCK_SKEW_NS, BarSequence, Candle
from bot4.domain.bars import MINUTE_NS

FIRST_NS = 1_747_699_200_000_000_000
LATER_NS = FIRST_NS + 1000 * MINUTE_NS


def candle(index: int, share: float = 1.0) -> Candle:
    opened_ms = (FIRST_NS + index * MINUTE_NS) // 1_000_000
    return [opened_ms, 100.0 + index, 101.0 + index, 99.0 + index, 100.0 + index + share, 10.0 * share]


def sequence(*, is_marked: bool, start: int = 0) -> BarSequence:
    return BarSequence("BTCUSDT", MINUTE_NS, FIRST_NS + start * MINUTE_NS, is_marked)


def indices(bars) -> list[int]:
    return [(bar.ts_open_ns - FIRST_NS) // MINUTE_NS for bar in bars]


def assert_whole(bars) -> None:
    for index, bar in zip(indices(bars), bars, strict=True):
        assert [bar.open, bar.high, bar.low, bar.close, bar.volume] == list(candle(index)[1:])


@given(data=st.data(), count=st.integers(1, 8))
def test_marked_updates_in_any_order_with_repeats_give_each_bar_once(data, count):
    updates = [(index, share) for index in range(count) for share in (0.3, 0.7, 1.0)]
    updates += data.draw(st.lists(st.sampled_from(updates), max_size=10))
    shuffled = data.draw(st.permutations(updates))
    bars, ours = sequence(is_marked=True), []
    for index, share in shuffled:
        bars.on_update(candle(index, share), is_last=share == 1.0)
        ours += bars.take(LATER_NS)
    assert indices(ours) == list(range(count))
    assert_whole(ours)


@given(count=st.integers(2, 10), repeats=st.integers(1, 3))
def test_unmarked_bars_close_when_a_later_one_begins(count, repeats):
    bars, ours = sequence(is_marked=False), []
    for index in range(count):
        for share in (0.2, 1.0, 0.6):  # the last is an older update that came late: its volume is smaller
            for _ in range(repeats):
                bars.on_update(candle(index, share), is_last=False)
                ours += bars.take(LATER_NS)
    assert indices(ours) == list(range(count - 1))
    assert_whole(ours)


@given(lost=st.sets(st.integers(0, 19)), never_made=st.sets(st.integers(0, 18)), page=st.integers(1, 7), data=st.data())
def test_what_the_stream_loses_rest_makes_up_and_what_never_was_is_passed_over(lost, never_made, page, data):
    made = [index for index in range(20) if index not in never_made]
    bars, ours = sequence(is_marked=True), []
    for index in made:
        if index not in lost:
            bars.on_update(candle(index), is_last=True)
        ours += bars.take(LATER_NS)
        if data.draw(st.booleans()):
            closed_by_now = [row for row in made if row <= index]
            ours += answered(bars, closed_by_now, page)
    for _ in range(21):
        ours += answered(bars, made, page)
    assert indices(ours) == made
    assert_whole(ours)
    assert bars.next_open_ns == FIRST_NS + 20 * MINUTE_NS


def answered(bars: BarSequence, made: list[int], page: int):
    start = (bars.next_open_ns - FIRST_NS) // MINUTE_NS
    rows = [candle(index) for index in made if index >= start][:page]
    bars.on_rest_answer(rows, LATER_NS)
    return bars.take(LATER_NS)


def test_a_bar_that_rest_shows_unsettled_is_neither_delivered_nor_passed_over():
    bars = sequence(is_marked=True)
    rows = [candle(0), candle(1, 0.9), candle(2, 0.1)]
    bars.on_rest_answer(rows, settled_until_ns=FIRST_NS + MINUTE_NS)
    assert indices(bars.take(LATER_NS)) == [0]
    assert bars.next_open_ns == FIRST_NS + MINUTE_NS
    bars.on_update(candle(1), is_last=True)
    taken = bars.take(LATER_NS)
    assert indices(taken) == [1]
    assert_whole(taken)


def test_the_newest_bar_of_an_answer_is_final_only_when_no_wrong_clock_can_explain_it():
    close_ns = FIRST_NS + MINUTE_NS
    for settled_ns, rows, expected in (
        (close_ns + CLOCK_SKEW_NS - 1, [candle(0)], []),
        (close_ns + CLOCK_SKEW_NS, [candle(0)], [0]),
        (close_ns, [candle(0), candle(1, 0.1)], [0]),
        (close_ns - 1, [candle(0), candle(1, 0.1)], []),
    ):
        bars = sequence(is_marked=True)
        bars.on_rest_answer(rows, settled_ns)
        assert indices(bars.take(LATER_NS)) == expected


def test_an_older_update_of_a_closed_bar_that_waits_for_its_turn_does_not_reopen_it():
    bars = sequence(is_marked=False)
    for index, share in ((1, 1.0), (2, 0.5), (1, 0.4), (2, 0.6)):
        bars.on_update(candle(index, share), is_last=False)
    assert bars.take(LATER_NS) == []
    bars.on_rest_answer([candle(0)], LATER_NS)
    taken = bars.take(LATER_NS)
    assert indices(taken) == [0, 1]
    assert_whole(taken)


def test_updates_of_delivered_bars_are_counted_and_nothing_else():
    bars = sequence(is_marked=True, start=3)
    for index in (0, 1, 2):
        bars.on_update(candle(index), is_last=True)
        bars.on_update(candle(index, 0.5), is_last=False)
    assert bars.ignored == 6
    assert bars.take(LATER_NS) == []
    assert bars.next_open_ns == FIRST_NS + 3 * MINUTE_NS


def test_an_empty_answer_passes_nothing_over():
    bars = sequence(is_marked=True)
    bars.on_rest_answer([], LATER_NS)
    assert bars.take(LATER_NS) == []
    assert bars.next_open_ns == FIRST_NS


def test_unfinished_updates_do_not_survive_a_lost_connection():
    bars = sequence(is_marked=False)
    bars.on_update(candle(0, 0.5), is_last=False)
    bars.forget_updates()
    bars.on_update(candle(1, 0.5), is_last=False)
    assert bars.take(LATER_NS) == []
    bars.on_rest_answer([candle(0), candle(1, 0.6)], FIRST_NS + MINUTE_NS)
    taken = bars.take(LATER_NS)
    assert indices(taken) == [0]
    assert_whole(taken)


def test_a_bar_is_overdue_only_after_its_close_and_the_grace():
    bars = sequence(is_marked=True)
    close_ns = FIRST_NS + MINUTE_NS
    assert not bars.is_overdue(close_ns + 2, grace_ns=3)
    assert bars.is_overdue(close_ns + 3, grace_ns=3)


@pytest.mark.parametrize(("now_ns", "known_at_ns"), [(0, FIRST_NS + MINUTE_NS), (LATER_NS, LATER_NS)])
def test_a_bar_is_never_known_before_its_close_even_if_our_clock_is_slow(now_ns, known_at_ns):
    bars = sequence(is_marked=True)
    bars.on_update(candle(0), is_last=True)
    (bar,) = bars.take(now_ns)
    assert (bar.known_at_ns, bar.ts_close_ns) == (known_at_ns, FIRST_NS + MINUTE_NS)
