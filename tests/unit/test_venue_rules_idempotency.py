"""What a venue remembers of client order ids, against a dictionary."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.domain.venue_reasons import BAD_ORDER, DUPLICATE_ORDER, TABLE_FULL
from bot4.simulator.rules.idempotency import (
    DAY_NS,
    MOST_REMEMBERED,
    IdempotencyMode,
    IdempotencySettings,
    find_slot,
    forget_finished,
    home_slot,
    is_remembered,
    pack_client_ids,
    remember,
    remove_id,
)

DAY, OPEN, NEVER = IdempotencyMode.DAY, IdempotencyMode.OPEN_ORDERS, IdempotencyMode.NONE


def table(mode: IdempotencyMode = DAY, **settings: Any) -> Any:
    return pack_client_ids(IdempotencySettings(mode, **settings))[0]


def test_a_day_venue_refuses_an_id_until_24_hours_after_it_was_taken_whatever_became_of_the_order() -> None:
    ids = table()
    assert remember(ids, 7, 100) == 0
    forget_finished(ids, 7)
    assert remember(ids, 7, 100 + DAY_NS - 1) == DUPLICATE_ORDER
    assert is_remembered(ids, 7, 100 + DAY_NS - 1)
    assert not is_remembered(ids, 7, 100 + DAY_NS)
    assert remember(ids, 7, 100 + DAY_NS) == 0


def test_a_refused_repetition_does_not_lengthen_the_memory() -> None:
    ids = table()
    remember(ids, 7, 0)
    remember(ids, 7, DAY_NS - 1)
    assert remember(ids, 7, DAY_NS) == 0


def test_a_venue_that_looks_at_open_orders_takes_the_id_of_a_finished_one_again() -> None:
    ids = table(OPEN)
    assert remember(ids, 7, 0) == 0
    assert remember(ids, 7, 5 * DAY_NS) == DUPLICATE_ORDER
    forget_finished(ids, 7)
    assert remember(ids, 7, 5 * DAY_NS) == 0
    forget_finished(ids, 8)
    forget_finished(ids, 0)
    assert ids["n_remembered"] == 1


def test_a_venue_without_memory_takes_everything_twice() -> None:
    ids = table(NEVER)
    assert [remember(ids, 7, 0), remember(ids, 7, 0)] == [0, 0]
    assert not is_remembered(ids, 7, 0)


@pytest.mark.parametrize("mode", list(IdempotencyMode))
def test_an_id_that_is_not_above_zero_is_refused(mode: IdempotencyMode) -> None:
    assert remember(table(mode), 0, 0) == BAD_ORDER
    assert remember(table(mode), -3, 0) == BAD_ORDER
    assert not is_remembered(table(mode), -3, 0)


@pytest.mark.parametrize("mode", [DAY, OPEN])
def test_a_full_table_refuses_new_orders_and_still_knows_the_old_ones(mode: IdempotencyMode) -> None:
    ids = table(mode)
    assert all(remember(ids, order_id, order_id) == 0 for order_id in range(1, MOST_REMEMBERED + 1))
    assert remember(ids, MOST_REMEMBERED + 1, MOST_REMEMBERED) == TABLE_FULL
    assert remember(ids, 1, MOST_REMEMBERED) == DUPLICATE_ORDER
    if mode == DAY:
        assert remember(ids, MOST_REMEMBERED + 1, 1 + DAY_NS) == 0  # the first one may be forgotten now
    else:
        forget_finished(ids, 500)
        assert remember(ids, MOST_REMEMBERED + 1, MOST_REMEMBERED) == 0
    assert ids["n_remembered"] == MOST_REMEMBERED


def test_a_full_table_that_does_not_fail_closed_forgets_its_oldest_id() -> None:
    ids = table(forgets_oldest=True)
    for order_id in range(1, MOST_REMEMBERED + 2):
        assert remember(ids, order_id, 0) == 0
    assert find_slot(ids, 1) == -1
    assert find_slot(ids, 2) >= 0


@given(st.lists(st.tuples(st.sampled_from((4, 5, 4100, 8196, 4099, 4098)), st.booleans()), max_size=40))
def test_ids_that_share_a_home_are_found_until_they_are_removed(moves: list[tuple[int, bool]]) -> None:
    ids, known = table(OPEN), set()
    for order_id, is_removed in moves:
        if is_removed:
            remove_id(ids, order_id)
            known.discard(order_id)
        else:
            assert remember(ids, order_id, 0) == (DUPLICATE_ORDER if order_id in known else 0)
            known.add(order_id)
        assert {i for i in (4, 5, 4100, 8196, 4099, 4098) if find_slot(ids, i) >= 0} == known
        assert ids["n_remembered"] == len(known)


def test_searches_run_round_the_end_of_the_table() -> None:
    last = next(i for i in range(1, 10**6) if home_slot(i) == 2 * MOST_REMEMBERED - 1)
    clash = next(i for i in range(last + 1, 10**6) if home_slot(i) == 2 * MOST_REMEMBERED - 1)
    ids = table(OPEN)
    remember(ids, last, 0)
    remember(ids, clash, 0)
    assert find_slot(ids, clash) == 0
    remove_id(ids, last)
    assert find_slot(ids, clash) == 2 * MOST_REMEMBERED - 1


@given(st.lists(st.tuples(st.integers(1, 2**62), st.integers(0, DAY_NS // 2)), max_size=60))
def test_a_days_memory_equals_a_dictionary(moves: list[tuple[int, int]]) -> None:
    ids, taken, now = table(), dict[int, int](), 0
    chosen = [order_id for order_id, _ in moves]
    for at, (order_id, wait) in enumerate(moves):
        now += wait
        order_id = chosen[at // 3]
        is_known = order_id in taken and now - taken[order_id] < DAY_NS
        assert is_remembered(ids, order_id, now) == is_known
        assert remember(ids, order_id, now) == (DUPLICATE_ORDER if is_known else 0)
        if not is_known:
            taken[order_id] = now


def test_a_memory_of_less_than_a_second_or_more_than_thirty_days_is_refused() -> None:
    for remembered in (1, 31 * DAY_NS):
        with pytest.raises(SettingError, match="remembered_ns"):
            IdempotencySettings(DAY, remembered)
