"""Commands whose outcome nobody knows: they count as exposure, the venue is asked, nothing is sent again blindly."""

from __future__ import annotations

import pytest

from bot4.domain.events import (
    ABOUT_CANCEL,
    ABOUT_REPLACE,
    ORDER_CANCELLED,
    ORDER_REPLACED,
    ORDER_STATUS,
    ORDER_TRIGGERED,
    ORDER_UNKNOWN,
)
from bot4.domain.orders import ENTRY, QUERY, OrderStatus
from bot4.domain.venue_reasons import NEVER_ARRIVED
from bot4.pipeline.execution.settings import ExecutionSettings, write
from bot4.pipeline.risk.measures import adding_lots
from tests.execution_desk import EXIT, PRICE, PROTECTIVE_STOP, TARGET, Desk

STOP = PRICE - 20_000
TIMEOUT, VALIDITY, DELAY, LONGEST, MOST = 10, 10, 1, 8, 6
SETTINGS = ExecutionSettings(
    answer_timeout_s=TIMEOUT, validity_s=VALIDITY, query_delay_s=DELAY, query_delay_most_s=LONGEST, most_queries=MOST
)

ASKED_ENTRY = [("query", ENTRY)]
ASKED_STOP = [("query", PROTECTIVE_STOP)]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    write(SETTINGS, desk.config["execution"], loses_answers=True)
    return desk


def answer(desk: Desk, order_id: int, status: OrderStatus, filled: int = 0, **terms: int) -> None:
    desk.report(ORDER_STATUS, order_id, status=status, status_filled_lots=filled, **terms)


def is_exposure(desk: Desk, order_id: int) -> bool:
    return int(adding_lots(desk.order(order_id))) > 0


# --- time-outs -------------------------------------------------------------------------------------------------------


def test_a_command_without_an_answer_becomes_unknown_by_event_time_and_is_asked_about(desk: Desk) -> None:
    bracket = desk.enter()
    assert desk.tick(TIMEOUT - 1) == []
    assert desk.status(bracket.entry) == "PENDING"
    assert desk.tick(1) == ASKED_ENTRY
    assert desk.status(bracket.entry) == "UNKNOWN"
    assert is_exposure(desk, bracket.entry)
    assert not desk.is_halted()


def test_a_command_that_was_answered_is_not_asked_about(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    assert desk.tick(100 * TIMEOUT) == []
    assert desk.status(bracket.entry) == "WORKING"


def test_a_venue_in_this_process_is_waited_for_without_end() -> None:
    desk = Desk()
    bracket = desk.enter()
    assert desk.tick(10**6) == []
    assert desk.status(bracket.entry) == "PENDING"


def test_queries_come_with_growing_delay_and_then_new_risk_halts_but_the_asking_goes_on(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    assert desk.said(with_queries=True) == ASKED_ENTRY
    asked_at = [second for second in range(1, 60) if desk.tick(1)]
    assert asked_at[:5] == [1, 3, 7, 15, 23]  # after 1, 2, 4 and then at most 8 seconds
    assert desk.halts() == ["NO_ANSWER"]
    assert desk.brain["halts"][0]["order_id"] == bracket.entry
    assert len(asked_at) > MOST
    assert is_exposure(desk, bracket.entry)


def test_a_query_says_how_much_of_the_order_is_booked(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 30, left=70)
    desk.leave()
    desk.commands()
    desk.report(ORDER_UNKNOWN, bracket.entry, flags=ABOUT_CANCEL)
    (query,) = desk.commands()
    assert (query["kind"], query["order"]["id"], query["order"]["filled_lots"]) == (QUERY, bracket.entry, 30)


def test_a_child_that_the_venue_holds_is_overdue_only_once_its_entry_has_filled(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    assert desk.tick(100) == []
    desk.filled(bracket.entry, 100)
    assert desk.tick(TIMEOUT - 1) == []
    assert desk.tick(1) == ASKED_STOP
    answer(desk, bracket.stop, OrderStatus.FREE)
    assert desk.status(bracket.stop) == "REJECTED"
    assert desk.tick(1) == [("place", PROTECTIVE_STOP)]  # the position is not left without one
    assert desk.order(desk.last(PROTECTIVE_STOP))["id"] != bracket.stop


# --- a placement of unknown outcome ----------------------------------------------------------------------------------


def test_an_unknown_placement_is_settled_by_an_acknowledgement(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    desk.commands()
    desk.accepted(bracket.entry)
    assert desk.status(bracket.entry) == "WORKING"


def test_an_unknown_placement_is_settled_by_the_venues_answer_that_it_is_open(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    answer(desk, bracket.entry, OrderStatus.WORKING, status_lots=100)
    assert desk.status(bracket.entry) == "WORKING"
    desk.commands()
    assert desk.tick(100) == []


def test_not_found_is_not_believed_while_the_command_may_still_arrive(desk: Desk) -> None:
    bracket = desk.enter()
    desk.tick(2)
    desk.report(ORDER_UNKNOWN, bracket.entry)
    answer(desk, bracket.entry, OrderStatus.FREE)
    assert desk.status(bracket.entry) == "UNKNOWN"
    desk.filled(bracket.entry, 100)  # it was under way
    assert desk.status(bracket.entry) == "FILLED"
    desk.check_books()


def test_not_found_is_believed_once_the_command_can_no_longer_arrive_and_frees_the_sleeve(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    desk.tick(VALIDITY)
    answer(desk, bracket.entry, OrderStatus.FREE)
    assert desk.status(bracket.entry) == "REJECTED"
    assert desk.order(bracket.entry)["reason"] == NEVER_ARRIVED
    assert desk.sleeve["is_entering"] == 0
    assert not is_exposure(desk, bracket.entry)
    assert not desk.is_halted()


def test_an_answer_given_before_the_window_had_passed_settles_nothing_however_late_it_comes(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    given_ns = desk.now + 1
    desk.tick(VALIDITY + 5)
    desk.report(ORDER_STATUS, bracket.entry, status=OrderStatus.FREE, ts_ns=given_ns)
    assert desk.status(bracket.entry) == "UNKNOWN"


def test_nothing_of_unknown_outcome_is_sent_again(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    sent = [command for _ in range(40) for command in desk.tick(1)]
    assert {kind for kind, _ in sent} == {"query"}


def test_an_order_that_was_said_never_to_have_come_and_fills_after_all_is_booked_cancelled_and_left(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    desk.tick(VALIDITY)
    answer(desk, bracket.entry, OrderStatus.FREE)
    desk.said()
    desk.filled(bracket.entry, 40, left=60)
    assert (desk.position["lots"], desk.sleeve["lots"]) == (40, 40)
    assert "CAME_BACK" in desk.halts()
    assert ("cancel", ENTRY) in desk.said()
    assert ("place", EXIT) in desk.bar()
    desk.check_books()


def test_an_order_that_was_said_never_to_have_come_and_is_acknowledged_is_cancelled_until_it_is_gone(
    desk: Desk,
) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    desk.tick(VALIDITY)
    answer(desk, bracket.entry, OrderStatus.FREE)
    desk.said()
    desk.accepted(bracket.entry)
    assert desk.halts() == ["CAME_BACK"]
    assert desk.said() == [("cancel", ENTRY)]
    assert desk.tick(2) == [("cancel", PROTECTIVE_STOP), *ASKED_ENTRY]  # nor is its bracket wanted any more
    answer(desk, bracket.entry, OrderStatus.WORKING)
    assert desk.said() == [("cancel", ENTRY)]
    answer(desk, bracket.entry, OrderStatus.CANCELLED)
    assert ("query", ENTRY) not in desk.tick(100)


def test_an_order_that_the_venue_had_taken_and_no_longer_knows_halts_new_risk(desk: Desk) -> None:
    bracket = desk.entered()
    desk.report(ORDER_UNKNOWN, bracket.stop, flags=ABOUT_CANCEL)  # no cancel is on its way: nothing is unknown
    assert desk.status(bracket.stop) == "WORKING"
    desk.tick(VALIDITY)
    desk.rejected(bracket.stop, reason=7, about=ABOUT_REPLACE)  # it does not know the order
    assert desk.tick(DELAY) == ASKED_STOP
    answer(desk, bracket.stop, OrderStatus.FREE)
    assert desk.halts() == ["VANISHED"]
    assert desk.status(bracket.stop) == "EXPIRED"
    assert desk.tick(1) == [("place", PROTECTIVE_STOP)]


# --- fills that were not told ----------------------------------------------------------------------------------------


def test_an_answer_with_more_filled_than_is_booked_is_waited_out_until_the_fills_are_there(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    assert desk.said(with_queries=True) == ASKED_ENTRY
    answer(desk, bracket.entry, OrderStatus.FILLED, 100)
    assert desk.status(bracket.entry) == "WORKING"  # not filled before that is booked
    assert desk.sleeve["is_entering"] == 1
    assert desk.tick(1) == ASKED_ENTRY
    desk.filled(bracket.entry, 60, left=40)
    desk.filled(bracket.entry, 40)
    assert desk.status(bracket.entry) == "FILLED"
    assert not desk.is_halted()
    desk.check_books()


def test_fills_that_never_come_halt_new_risk(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    for _ in range(60):
        answer(desk, bracket.entry, OrderStatus.CANCELLED, 30)
        desk.tick(1)
    assert desk.halts() == ["FILLS_MISSING"]
    desk.filled(bracket.entry, 30, left=70)
    assert desk.status(bracket.entry) == "CANCELLED"
    assert not desk.is_halted()  # they did come
    desk.check_books()


def test_a_query_whose_own_outcome_is_unknown_leads_to_no_further_ones(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    assert desk.said(with_queries=True) == ASKED_ENTRY
    desk.report(ORDER_UNKNOWN, bracket.entry)
    assert desk.said(with_queries=True) == []


def test_an_answer_that_comes_at_last_lifts_the_halt_for_silence(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    for _ in range(60):
        desk.tick(1)
    assert desk.halts() == ["NO_ANSWER"]
    answer(desk, bracket.entry, OrderStatus.WORKING)
    assert not desk.is_halted()


def test_a_cancel_that_says_what_had_filled_waits_for_that_fill_and_halts_nothing(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    desk.leave()
    desk.report(ORDER_CANCELLED, bracket.entry, fill_lots=30)
    assert desk.status(bracket.entry) == "PENDING_CANCEL"
    desk.filled(bracket.entry, 30, left=70)
    assert desk.status(bracket.entry) == "CANCELLED"
    assert not desk.is_halted()
    assert desk.fills()["is_flagged"].tolist() == [0]


def test_a_fill_after_the_end_halts_only_until_the_venue_confirms_it(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    desk.leave()
    desk.cancelled(bracket.entry)
    desk.filled(bracket.entry, 30, left=70)
    assert desk.halts() == ["FILL_AFTER_END"]
    answer(desk, bracket.entry, OrderStatus.CANCELLED, 30)
    assert not desk.is_halted()
    assert desk.halts() == []
    assert desk.fills()["is_flagged"].tolist() == [1]
    assert desk.bar() == [("place", EXIT)]


def test_another_halt_stays_when_a_late_fill_is_confirmed(desk: Desk) -> None:
    bracket = desk.enter()
    desk.cancelled(bracket.entry)
    desk.filled(4_711, 10)
    desk.filled(bracket.entry, 30, left=70)
    answer(desk, bracket.entry, OrderStatus.CANCELLED, 30)
    assert desk.halts() == ["STRANGE_FILL"]
    assert desk.is_halted()


def test_a_stale_answer_after_the_end_changes_nothing(desk: Desk) -> None:
    bracket = desk.enter()
    desk.cancelled(bracket.entry)
    answer(desk, bracket.entry, OrderStatus.WORKING)
    assert desk.status(bracket.entry) == "CANCELLED"
    assert not desk.is_halted()


def test_an_answer_that_makes_no_sense_halts(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_STATUS, bracket.entry, status=77)
    answer(desk, bracket.entry, OrderStatus.WORKING, -5)
    assert desk.halts() == ["BAD_REPORT", "BAD_REPORT"]
    assert desk.status(bracket.entry) == "PENDING"


# --- cancels and replacements of unknown outcome ---------------------------------------------------------------------


def test_a_cancel_that_was_lost_is_sent_again_once_the_venue_says_that_the_order_is_open(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    desk.leave()
    desk.report(ORDER_UNKNOWN, bracket.entry, flags=ABOUT_CANCEL)
    assert desk.status(bracket.entry) == "UNKNOWN"
    answer(desk, bracket.entry, OrderStatus.WORKING)
    assert desk.status(bracket.entry) == "UNKNOWN"  # the cancel may still arrive
    desk.tick(VALIDITY)
    answer(desk, bracket.entry, OrderStatus.WORKING)
    assert desk.status(bracket.entry) == "WORKING"
    assert ("cancel", ENTRY) in desk.tick(60)
    assert desk.status(bracket.entry) == "PENDING_CANCEL"
    desk.cancelled(bracket.entry)
    assert desk.sleeve["is_entering"] == 0


def test_a_cancel_that_the_venue_would_not_take_is_sent_again_later(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    desk.leave()
    desk.rejected(bracket.entry, reason=30, about=ABOUT_CANCEL)
    assert desk.status(bracket.entry) == "WORKING"
    assert desk.tick(DELAY) == [("cancel", ENTRY)]


def test_a_replacement_that_was_lost_leaves_the_stop_where_it_was(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    desk.report(ORDER_UNKNOWN, bracket.stop, flags=ABOUT_REPLACE)
    assert desk.status(bracket.stop) == "UNKNOWN"
    desk.tick(VALIDITY)
    answer(desk, bracket.stop, OrderStatus.WORKING, status_lots=100, status_stop_ticks=STOP)
    assert desk.status(bracket.stop) == "WORKING"
    assert desk.order(bracket.stop)["stop_ticks"] == desk.sleeve["stop_ticks"] == STOP
    assert desk.bar(PRICE + 30_000) == [("replace", PROTECTIVE_STOP)]


def test_a_replacement_that_came_is_seen_by_the_terms_that_the_venue_names(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    desk.report(ORDER_UNKNOWN, bracket.stop, flags=ABOUT_REPLACE)
    answer(desk, bracket.stop, OrderStatus.WORKING, status_lots=100, status_stop_ticks=PRICE + 5_000)
    assert desk.status(bracket.stop) == "WORKING"
    assert desk.sleeve["stop_ticks"] == PRICE + 5_000


def test_a_replacement_without_an_answer_is_asked_about_and_the_stop_still_protects(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    assert desk.tick(TIMEOUT) == ASKED_STOP
    desk.filled(bracket.stop, 100, STOP)
    assert desk.status(bracket.stop) == "FILLED"
    assert desk.tick(100) == []


def test_an_outcome_that_was_answered_in_the_meantime_is_not_unknown(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.report(ORDER_UNKNOWN, bracket.stop)
    assert desk.status(bracket.stop) == "WORKING"
    desk.bar(PRICE + 30_000)
    desk.report(ORDER_REPLACED, bracket.stop)
    desk.report(ORDER_UNKNOWN, bracket.stop, flags=ABOUT_REPLACE)
    assert desk.status(bracket.stop) == "WORKING"
    assert desk.said(with_queries=True) == []


def test_an_order_of_unknown_outcome_that_is_to_go_is_cancelled_in_case_it_is_there(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    assert desk.leave() == [("cancel", ENTRY)]
    assert desk.status(bracket.entry) == "UNKNOWN"
    desk.accepted(bracket.entry)
    assert desk.status(bracket.entry) == "PENDING_CANCEL"
    desk.cancelled(bracket.entry)
    assert desk.sleeve["is_entering"] == 0


def test_the_venues_word_that_an_order_is_held_or_triggered_is_taken(desk: Desk) -> None:
    bracket = desk.enter(targets=(PRICE + 30_000,))
    desk.report(ORDER_UNKNOWN, bracket.stop)
    assert desk.status(bracket.stop) == "UNKNOWN"
    answer(desk, bracket.stop, OrderStatus.HELD)
    assert desk.status(bracket.stop) == "HELD"
    desk.accepted(bracket.stop)
    answer(desk, bracket.stop, OrderStatus.TRIGGERED)
    assert desk.status(bracket.stop) == "TRIGGERED"
    desk.report(ORDER_TRIGGERED, bracket.targets[0])
    assert desk.status(bracket.targets[0]) == "TRIGGERED"
    assert desk.order(bracket.targets[0])["role"] == TARGET
