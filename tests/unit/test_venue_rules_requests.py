"""Rate limits, bans, request windows and nonces, against slow lists of what happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.domain.venue_reasons import (
    BAD_ORDER,
    BANNED,
    CLOCK_AHEAD,
    OUTSIDE_WINDOW,
    RATE_LIMITED,
    REPLAYED_NONCE,
    TABLE_FULL,
)
from bot4.simulator.rules.rate_limits import (
    DAY_NS,
    MINUTE_NS,
    SECOND_NS,
    Counted,
    RateSettings,
    RateWindow,
    pack_rate_limits,
    used_counts,
    warning_level,
    why_not_now,
)
from bot4.simulator.rules.request_windows import (
    MOST_NONCES,
    NonceMode,
    RequestSettings,
    pack_request_window,
    venue_clock_ns,
    why_not_requested,
)

WINDOWS = (
    RateWindow(Counted.WEIGHT, MINUTE_NS, 100), RateWindow(Counted.ORDERS, 10 * SECOND_NS, 5),
    RateWindow(Counted.ORDERS, DAY_NS, 8),
)  # fmt: skip
SETTINGS = RateSettings(WINDOWS, refusals_before_ban=3)
START = 20_000 * DAY_NS


def limits(settings: RateSettings = SETTINGS) -> Any:
    return pack_rate_limits(settings)[0]


def test_weight_is_refused_beyond_its_minute_and_taken_again_in_the_next() -> None:
    row = limits()
    assert why_not_now(row, START + 7, 100, 0) == 0
    assert why_not_now(row, START + 8, 1, 0) == RATE_LIMITED
    assert row["retry_after_ns"] == MINUTE_NS - 8
    assert why_not_now(row, START + MINUTE_NS - 1, 0, 1) == 0  # what weighs nothing has room
    assert why_not_now(row, START + MINUTE_NS, 1, 0) == 0
    assert row["retry_after_ns"] == 0


def test_a_window_is_fixed_and_does_not_slide() -> None:
    row = limits()
    assert why_not_now(row, START + MINUTE_NS - 1, 100, 0) == 0
    assert why_not_now(row, START + MINUTE_NS, 100, 0) == 0


def test_orders_are_counted_in_every_window_that_counts_them_and_only_when_taken() -> None:
    row = limits()
    assert why_not_now(row, START, 1, 5) == 0
    assert why_not_now(row, START + 1, 1, 1) == RATE_LIMITED
    assert row["retry_after_ns"] == 10 * SECOND_NS - 1
    assert why_not_now(row, START + 10 * SECOND_NS, 1, 3) == 0
    assert why_not_now(row, START + 20 * SECOND_NS, 1, 1) == RATE_LIMITED
    assert row["retry_after_ns"] == DAY_NS - 20 * SECOND_NS
    assert used_counts(row, START + 20 * SECOND_NS) == [
        (Counted.WEIGHT, MINUTE_NS, 4, 100), (Counted.ORDERS, 10 * SECOND_NS, 0, 5), (Counted.ORDERS, DAY_NS, 8, 8),
    ]  # fmt: skip
    assert why_not_now(row, START + DAY_NS, 1, 1) == 0


def test_a_warning_is_given_from_its_share_of_the_fullest_window_on() -> None:
    row = limits()
    why_not_now(row, START, 79, 0)
    assert warning_level(row, START) == 0
    why_not_now(row, START, 1, 0)
    assert warning_level(row, START) == 80
    why_not_now(row, START, 0, 5)
    assert warning_level(row, START) == 100
    assert warning_level(row, START + MINUTE_NS) == 0


def abused(row: Any, now: int) -> int:
    """Refusals in a row until a ban begins; returns its length."""
    answers = [why_not_now(row, now, 101, 0) for _ in range(3)]
    assert answers == [RATE_LIMITED, RATE_LIMITED, BANNED]
    return int(row["retry_after_ns"])


def test_going_on_after_refusals_leads_to_a_ban_that_requests_do_not_lengthen() -> None:
    row = limits()
    assert abused(row, START) == 2 * MINUTE_NS
    assert why_not_now(row, START + MINUTE_NS, 1, 0) == BANNED
    assert row["retry_after_ns"] == MINUTE_NS
    assert why_not_now(row, START + 2 * MINUTE_NS - 1, 1, 0) == BANNED
    assert why_not_now(row, START + 2 * MINUTE_NS, 1, 0) == 0


def test_refusals_are_counted_anew_after_the_window_that_refused() -> None:
    row = limits()
    for minute in range(6):
        assert why_not_now(row, START + minute * MINUTE_NS, 101, 0) == RATE_LIMITED
        assert why_not_now(row, START + minute * MINUTE_NS, 101, 0) == RATE_LIMITED


def test_each_ban_is_longer_up_to_the_longest_and_a_quiet_time_is_forgiven() -> None:
    row, now, lengths = limits(replace(SETTINGS, longest_ban_ns=15 * MINUTE_NS)), START, []
    for _ in range(5):
        lengths.append(abused(row, now) // MINUTE_NS)
        now = int(row["banned_until_ns"])
    assert lengths == [2, 4, 8, 15, 15]
    assert abused(row, now + 7 * DAY_NS) == 2 * MINUTE_NS


def test_a_venue_that_bans_nobody_goes_on_refusing() -> None:
    row = limits(replace(SETTINGS, refusals_before_ban=0))
    assert {why_not_now(row, START, 101, 0) for _ in range(50)} == {RATE_LIMITED}


def test_without_windows_nothing_is_limited() -> None:
    row = limits(RateSettings())
    assert why_not_now(row, START, 10**9, 10**9) == 0
    assert warning_level(row, START) == 0
    assert used_counts(row, START) == []


@given(st.lists(st.tuples(st.integers(0, 40 * SECOND_NS), st.integers(0, 60), st.integers(0, 3)), max_size=40))
def test_every_answer_equals_a_count_over_all_requests_so_far(moves: list[tuple[int, int, int]]) -> None:
    row, now = limits(replace(SETTINGS, refusals_before_ban=0)), START
    weights: list[tuple[int, int]] = []
    orders: list[tuple[int, int]] = []
    for wait, weight, n_orders in moves:
        now += wait

        def used(counted: list[tuple[int, int]], length: int, at: int = now) -> int:
            return sum(n for ts, n in counted if ts // length == at // length)

        is_full = [
            weight > 0 and used(weights, MINUTE_NS) + weight > 100,
            n_orders > 0 and used(orders, 10 * SECOND_NS) + n_orders > 5,
            n_orders > 0 and used(orders, DAY_NS) + n_orders > 8,
        ]
        ends = [(now // length + 1) * length for length in (MINUTE_NS, 10 * SECOND_NS, DAY_NS)]
        assert why_not_now(row, now, weight, n_orders) == (RATE_LIMITED if any(is_full) else 0)
        wait_until = max((end for end, full in zip(ends, is_full, strict=True) if full), default=now)
        assert row["retry_after_ns"] == wait_until - now
        weights.append((now, weight))
        orders.append((now, 0 if any(is_full) else n_orders))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: RateWindow(Counted.WEIGHT, 1, 5), "length_ns"),
        (lambda: RateWindow(Counted.WEIGHT, DAY_NS, 0), "limit"),
        (lambda: RateSettings(WINDOWS * 3), "number of windows"), (lambda: RateSettings(warning_percent=0), "warning"),
        (lambda: RateSettings(first_ban_ns=5 * MINUTE_NS, longest_ban_ns=MINUTE_NS), "longest_ban_ns"),
        (lambda: RequestSettings(default_window_ns=5), "default_window_ns"),
        (lambda: RequestSettings(clock_drift_ppb=2 * 10**6), "clock_drift_ppb"),
    ],
)  # fmt: skip
def test_limits_out_of_their_bounds_are_refused_by_name(build: Any, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        build()


# --- request windows --------------------------------------------------------------------------------------------


def window(**settings: Any) -> Any:
    return pack_request_window(RequestSettings(**settings), START)[0]


@pytest.mark.parametrize(
    ("age_ns", "receive_window_ns", "expected"),
    [
        (0, 0, 0), (5 * SECOND_NS, 0, 0), (5 * SECOND_NS + 1, 0, OUTSIDE_WINDOW),
        (60 * SECOND_NS, 60 * SECOND_NS, 0), (60 * SECOND_NS + 1, 60 * SECOND_NS, OUTSIDE_WINDOW),
        (0, 60 * SECOND_NS + 1, OUTSIDE_WINDOW), (0, -1, OUTSIDE_WINDOW),
        (-SECOND_NS, 0, 0), (-SECOND_NS - 1, 0, CLOCK_AHEAD), (2, 1, OUTSIDE_WINDOW),
    ],
)  # fmt: skip
def test_a_timestamp_may_be_neither_too_old_nor_too_early(age_ns: int, receive_window_ns: int, expected: int) -> None:
    assert why_not_requested(window(), START, START - age_ns, receive_window_ns, 0) == expected


def test_a_venue_that_does_not_look_at_timestamps_takes_any() -> None:
    row = window(default_window_ns=0, nonces=NonceMode.UNIQUE)
    assert why_not_requested(row, START, 0, 0, 5) == 0
    assert why_not_requested(row, START + 60 * SECOND_NS, 0, 0, 5) == REPLAYED_NONCE
    assert why_not_requested(row, START + 60 * SECOND_NS + 1, 0, 0, 5) == 0


def test_a_clock_that_is_off_and_drifts_moves_the_window() -> None:
    row = window(clock_offset_ns=-3 * SECOND_NS, clock_drift_ppb=1_000)
    assert venue_clock_ns(row, START) == START - 3 * SECOND_NS
    assert venue_clock_ns(row, START + DAY_NS) == START + DAY_NS - 3 * SECOND_NS + DAY_NS // 10**6
    assert why_not_requested(row, START, START, 0, 0) == CLOCK_AHEAD
    slow = window(clock_drift_ppb=-1)
    assert venue_clock_ns(slow, START + 1) == START  # rounded down


def test_a_nonce_is_refused_a_second_time_until_its_request_would_be_too_old() -> None:
    row = window(nonces=NonceMode.UNIQUE)
    assert why_not_requested(row, START, START, 0, 5) == 0
    assert why_not_requested(row, START + 1, START, 0, 5) == REPLAYED_NONCE
    assert why_not_requested(row, START + 60 * SECOND_NS, START, 60 * SECOND_NS, 5) == REPLAYED_NONCE
    assert why_not_requested(row, START + 60 * SECOND_NS + 1, START, 60 * SECOND_NS, 5) == OUTSIDE_WINDOW
    assert why_not_requested(row, START, START, 0, 0) == BAD_ORDER


def test_a_refused_timestamp_does_not_use_up_its_nonce() -> None:
    row = window(nonces=NonceMode.UNIQUE)
    assert why_not_requested(row, START, START - 9 * SECOND_NS, 0, 5) == OUTSIDE_WINDOW
    assert why_not_requested(row, START, START, 0, 5) == 0


def test_a_full_table_of_nonces_refuses_until_the_oldest_may_be_forgotten() -> None:
    row = window(nonces=NonceMode.UNIQUE)
    for nonce in range(1, MOST_NONCES + 1):
        assert why_not_requested(row, START, START, 0, nonce) == 0
    assert why_not_requested(row, START, START, 0, 9_999) == TABLE_FULL
    later = START + 60 * SECOND_NS + 1
    assert why_not_requested(row, later, later, 0, 9_999) == 0
    assert row["n_nonces"] == 1


def test_rising_nonces_must_rise() -> None:
    row = window(nonces=NonceMode.RISING)
    answers = [why_not_requested(row, START, START, 0, nonce) for nonce in (5, 5, 4, 6)]
    assert answers == [0, REPLAYED_NONCE, REPLAYED_NONCE, 0]


@given(st.lists(st.tuples(st.integers(0, 30 * SECOND_NS), st.integers(-2, 70), st.integers(1, 6)), max_size=40))
def test_answers_to_nonces_equal_a_list_of_all_that_were_taken(moves: list[tuple[int, int, int]]) -> None:
    row, now, taken = window(nonces=NonceMode.UNIQUE), START, list[tuple[int, int]]()
    for wait, age_s, nonce in moves:
        now += wait
        stamped = now - age_s * SECOND_NS
        is_known = any(n == nonce and now - ts <= 60 * SECOND_NS for n, ts in taken)
        expected = REPLAYED_NONCE if is_known else 0
        if age_s < -1:
            expected = CLOCK_AHEAD
        elif age_s > 60:
            expected = OUTSIDE_WINDOW
        assert why_not_requested(row, now, stamped, 60 * SECOND_NS, nonce) == expected
        if expected == 0:
            taken.append((nonce, stamped))
