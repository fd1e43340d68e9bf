"""An order's life: the venue's reports applied, fills as facts, and positions that never stay without protection."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.events import (
    ABOUT_CANCEL,
    ABOUT_REPLACE,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_REPLACED,
    ORDER_STATUS,
    ORDER_UNKNOWN,
)
from bot4.domain.orders import BUY, MAX_ORDERS, SELL, WORKING, OrderStatus
from bot4.domain.portfolio import BY_EMERGENCY, BY_SIGNAL, BY_STOP, BY_TARGET
from tests.execution_desk import EXIT, LEAVE, PRICE, PROTECTIVE_STOP, TARGET, Desk

STOP = PRICE - 20_000


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- fills are facts ---------------------------------------------------------------------------------------------


def test_an_entry_that_fills_opens_the_sleeve_and_the_position(desk: Desk) -> None:
    bracket = desk.entered()
    assert (desk.sleeve["lots"], desk.position["lots"], desk.sleeve["is_entering"]) == (100, 100, 0)
    assert desk.status(bracket.entry) == "FILLED"
    assert desk.status(bracket.stop) == "WORKING"
    assert desk.bar() == []
    desk.check_books()


def test_a_fill_that_is_reported_twice_is_booked_once(desk: Desk) -> None:
    bracket = desk.enter()
    trade = desk.filled(bracket.entry, 40, left=60)
    desk.filled(bracket.entry, 40, left=60, trade_id=trade)
    assert desk.position["lots"] == 40
    assert len(desk.fills()) == 1
    assert not desk.is_halted()
    desk.check_books()


def test_a_fill_on_a_finished_order_is_booked_flagged_and_halts_new_risk(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    desk.cancelled(bracket.entry)
    desk.cancelled(bracket.stop)
    assert desk.sleeve["is_entering"] == 0
    desk.filled(bracket.entry, 100)
    assert (desk.position["lots"], desk.sleeve["lots"]) == (100, 100)
    assert desk.fills()["is_flagged"].tolist() == [1]
    assert desk.is_halted()
    assert desk.status(bracket.entry) == "CANCELLED"
    assert desk.bar() == [("place", EXIT)]  # nobody protects it: it goes
    desk.check_books()


def test_an_overfill_is_booked_flagged_and_parted_with(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 130)
    assert desk.position["lots"] == 130
    assert desk.fills()["is_flagged"].tolist() == [1]
    assert desk.is_halted()
    assert desk.bar() == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["qty_lots"] == 130
    desk.check_books()


def test_a_stop_and_a_target_that_both_fill_leave_an_excess_that_is_bought_back() -> None:
    desk = Desk("BTCUSDT_PERP")
    bracket = desk.entered(targets=(PRICE + 30_000,))
    desk.filled(bracket.stop, 100, STOP)
    desk.filled(bracket.targets[0], 100, PRICE + 30_000)
    assert desk.sleeve["lots"] == -100
    assert desk.fills()["is_flagged"].tolist() == [
        0,
        0,
        1,
    ]  # nothing was left to reduce
    assert desk.is_halted()
    assert ("place", EXIT) in desk.bar()
    exit_order = desk.order(desk.last(EXIT))
    assert (exit_order["side"], exit_order["qty_lots"], exit_order["is_reduce_only"]) == (BUY, 100, 1)
    desk.filled(int(exit_order["id"]), 100)
    assert desk.position["lots"] == desk.sleeve["lots"] == 0
    desk.check_books()


def test_a_fill_of_an_unknown_order_is_booked_and_halts_new_risk(desk: Desk) -> None:
    desk.filled(4_711, 10)
    assert desk.position["lots"] == 10
    assert desk.sleeve["lots"] == 0
    assert desk.fills()["is_flagged"].tolist() == [1]
    assert desk.fills()["strategy"].tolist() == [-1]
    assert desk.is_halted()
    desk.check_books()


@pytest.mark.parametrize("kind", [ORDER_CANCELLED, ORDER_EXPIRED, ORDER_REPLACED, ORDER_UNKNOWN])
def test_any_other_word_on_an_unknown_order_halts_new_risk_and_changes_nothing(desk: Desk, kind: int) -> None:
    before = desk.brain["ledger"].tobytes()
    desk.report(kind, 4_711)
    assert desk.is_halted()
    assert desk.brain["ledger"].tobytes() == before


def test_a_fill_that_cannot_be_booked_halts_and_leaves_the_sleeve_alone(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 100, ticks=0)
    assert desk.is_halted()
    assert desk.brain["ledger"]["is_broken"]
    assert desk.sleeve["lots"] == desk.position["lots"] == 0


def test_partial_fills_of_an_entry_add_up_and_its_stop_stays(desk: Desk) -> None:
    bracket = desk.enter(targets=(PRICE + 30_000, PRICE + 40_000, PRICE + 60_000))
    desk.accepted(bracket.entry)
    desk.filled(bracket.entry, 30, left=70)
    desk.accepted(bracket.stop)
    assert desk.status(bracket.entry) == "PARTLY_FILLED"
    assert desk.sleeve["is_entering"] == 1
    assert desk.bar() == []
    desk.filled(bracket.entry, 70, PRICE + 100)
    assert desk.status(bracket.entry) == "FILLED"
    assert (desk.sleeve["lots"], desk.sleeve["entry_lots"], desk.sleeve["is_entering"]) == (100, 100, 0)
    assert desk.sleeve["slippage_atoms"] == 100 * 70 * 10  # 100 ticks on 70 lots, 10 atoms a tick and lot
    for target, lots in zip(bracket.targets, (33, 33, 34), strict=True):
        desk.filled(target, lots, PRICE + 30_000)
    (trade,) = desk.trades()
    assert (trade["exit_reason"], trade["entry_lots"]) == (BY_TARGET, 100)
    desk.check_books()


def test_an_exit_at_the_stop_is_recorded_with_its_reason_and_its_slippage(desk: Desk) -> None:
    bracket = desk.entered()
    desk.filled(bracket.stop, 100, STOP - 50)
    (trade,) = desk.trades()
    assert trade["exit_reason"] == BY_STOP
    assert trade["slippage_atoms"] == 50 * 100 * 10
    assert trade["realised_atoms"] == -20_050 * 100 * 10
    assert desk.brain["strategies"][0]["n_trades"] == 1
    assert desk.brain["strategies"][0]["n_wins"] == 0
    desk.check_books()


# --- rejected, expired, unknown ------------------------------------------------------------------------------------


def test_a_rejected_entry_releases_the_sleeve_and_its_bracket(desk: Desk) -> None:
    bracket = desk.enter()
    desk.rejected(bracket.entry)
    desk.rejected(bracket.stop)
    assert desk.sleeve["is_entering"] == 0
    assert desk.status(bracket.entry) == desk.status(bracket.stop) == "REJECTED"
    assert desk.bar() == []
    assert desk.sleeve["entry_order_id"] == 0
    assert not desk.is_halted()


def test_what_outlives_an_entry_that_came_to_nothing_is_cancelled(desk: Desk) -> None:
    bracket = desk.enter(targets=(PRICE + 30_000,))
    desk.report(ORDER_EXPIRED, bracket.entry)
    assert desk.status(bracket.entry) == "EXPIRED"
    assert desk.bar() == [("cancel", PROTECTIVE_STOP), ("cancel", TARGET)]
    assert desk.bar() == []


def test_an_order_of_unknown_outcome_still_counts_as_open_and_halts_nothing(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(ORDER_UNKNOWN, bracket.entry)
    assert not desk.is_halted()
    assert desk.status(bracket.entry) == "UNKNOWN"
    assert desk.sleeve["is_entering"] == 1
    desk.filled(bracket.entry, 100)
    assert desk.status(bracket.entry) == "FILLED"


def test_a_rejected_stop_is_placed_anew_at_the_next_bar_and_if_refused_again_the_position_leaves(desk: Desk) -> None:
    bracket = desk.enter()
    desk.rejected(bracket.stop)
    desk.filled(bracket.entry, 100)
    assert desk.bar() == [("place", PROTECTIVE_STOP)]
    anew = desk.order(desk.last(PROTECTIVE_STOP))
    assert (anew["qty_lots"], anew["stop_ticks"], anew["side"], anew["status"]) == (100, STOP, SELL, 2)
    assert anew["approval_id"] >= 1_000
    desk.rejected(int(anew["id"]))
    assert desk.bar() == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["reason"] == BY_EMERGENCY


def test_a_position_whose_stop_is_gone_and_passed_leaves_at_once(desk: Desk) -> None:
    bracket = desk.entered()
    desk.cancelled(bracket.stop)
    assert desk.bar(STOP - 1) == [("place", EXIT)]
    desk.filled(desk.last(EXIT), 100, STOP - 1)
    assert desk.trades()["exit_reason"].tolist() == [BY_EMERGENCY]


def test_a_close_far_beyond_a_stop_that_did_nothing_is_an_emergency(desk: Desk) -> None:
    desk.entered()
    assert desk.bar(PRICE * 7 // 10) == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["reason"] == BY_EMERGENCY


def test_a_rejected_exit_is_sent_again_at_the_next_bar_although_the_strategy_said_it_once(desk: Desk) -> None:
    desk.entered()
    assert desk.leave() == [("place", EXIT)]
    desk.rejected(desk.last(EXIT))
    assert desk.sleeve["is_exiting"] == 0
    assert desk.bar() == [("place", EXIT)]
    desk.filled(desk.last(EXIT), 100)
    assert desk.trades()["exit_reason"].tolist() == [BY_SIGNAL]
    assert desk.sleeve["leave_reason"] == 0
    desk.check_books()


def test_an_exit_that_the_venue_cut_is_followed_by_another_for_the_rest(desk: Desk) -> None:
    desk.entered()
    desk.leave()
    desk.filled(desk.last(EXIT), 60)
    assert desk.sleeve["lots"] == 40
    assert desk.bar() == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["qty_lots"] == 40


# --- cancels that race fills -----------------------------------------------------------------------------------------


def test_an_entry_in_flight_that_is_left_is_cancelled_once(desk: Desk) -> None:
    bracket = desk.enter()
    assert desk.leave() == [("cancel", 1)]
    assert desk.leave() == []
    desk.cancelled(bracket.entry)
    desk.cancelled(bracket.stop)
    assert desk.sleeve["is_entering"] == 0
    assert desk.bar() == []
    assert (desk.sleeve["leave_reason"], desk.sleeve["entry_order_id"]) == (0, 0)


def test_an_entry_that_fills_before_its_cancel_arrives_is_left_at_that_bar(desk: Desk) -> None:
    bracket = desk.enter()
    desk.leave()
    desk.filled(bracket.entry, 100)
    desk.accepted(bracket.stop)
    desk.rejected(bracket.entry, reason=7, about=ABOUT_CANCEL)  # the cancel found nothing
    assert desk.status(bracket.entry) == "FILLED"
    assert desk.bar() == [("place", EXIT)]
    desk.filled(desk.last(EXIT), 100)
    assert desk.trades()["exit_reason"].tolist() == [BY_SIGNAL]
    desk.check_books()


def test_a_partly_filled_entry_that_is_left_cancels_the_rest_and_leaves_what_came(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 30, left=70)
    desk.accepted(bracket.stop)
    assert desk.leave() == [("cancel", 1), ("place", EXIT)]
    desk.filled(bracket.entry, 20, left=50)
    assert desk.status(bracket.entry) == "PENDING_CANCEL"
    desk.cancelled(bracket.entry)
    desk.filled(desk.last(EXIT), 30)
    assert desk.sleeve["lots"] == 20
    assert desk.bar() == [("place", EXIT)]
    desk.filled(desk.last(EXIT), 20)
    assert desk.sleeve["lots"] == desk.position["lots"] == 0
    assert len(desk.trades()) == 1
    desk.check_books()


def test_an_acknowledgement_does_not_undo_a_cancel_on_its_way(desk: Desk) -> None:
    bracket = desk.enter()
    desk.leave()
    desk.accepted(bracket.entry)
    assert desk.status(bracket.entry) == "PENDING_CANCEL"
    desk.rejected(bracket.entry, reason=30, about=ABOUT_CANCEL)
    assert desk.status(bracket.entry) == "WORKING"  # the venue has it, and refuses only to cancel it


def test_a_placement_refused_while_its_cancel_is_on_its_way_frees_the_sleeve(desk: Desk) -> None:
    bracket = desk.enter()
    desk.leave()
    desk.rejected(bracket.entry)
    desk.rejected(bracket.stop)
    desk.rejected(bracket.entry, reason=7, about=ABOUT_CANCEL)
    assert desk.status(bracket.entry) == "REJECTED"
    assert desk.sleeve["is_entering"] == 0


# --- trailing --------------------------------------------------------------------------------------------------------


def test_a_trailing_stop_moves_when_the_venue_confirms_it_and_one_at_a_time(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    assert desk.bar(PRICE + 30_000) == [("replace", PROTECTIVE_STOP)]
    assert desk.sleeve["stop_ticks"] == STOP
    assert desk.bar(PRICE + 40_000) == []  # one replacement at a time
    desk.report(ORDER_REPLACED, bracket.stop)
    assert desk.sleeve["stop_ticks"] == PRICE + 5_000
    assert desk.bar(PRICE + 40_000) == [("replace", PROTECTIVE_STOP)]
    desk.report(ORDER_REPLACED, bracket.stop)
    assert desk.bar(PRICE + 41_000) == []  # too small a move for a message
    assert desk.bar(PRICE + 10_000) == []  # and never back
    assert desk.sleeve["stop_ticks"] == PRICE + 15_000


def test_a_refused_replacement_leaves_the_stop_where_it_was(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    desk.rejected(bracket.stop, reason=6, about=ABOUT_REPLACE)
    assert desk.status(bracket.stop) == "WORKING"
    assert desk.order(bracket.stop)["stop_ticks"] == desk.sleeve["stop_ticks"] == STOP


def test_a_stop_that_fills_while_its_replacement_is_on_its_way_is_judged_by_where_it_stood(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    desk.filled(bracket.stop, 100, STOP - 10)
    assert desk.trades()["slippage_atoms"].tolist() == [10 * 100 * 10]


def test_a_stop_does_not_trail_before_the_profit_that_it_waits_for(desk: Desk) -> None:
    desk.entered(trail=25_000)
    assert desk.bar(PRICE + 10_000) == []


# --- the table -------------------------------------------------------------------------------------------------------


def test_an_exit_that_finds_no_slot_is_sent_when_there_is_one(desk: Desk) -> None:
    desk.entered()
    orders = desk.brain["orders"]
    kept = orders.copy()
    for slot in range(MAX_ORDERS):
        if orders[slot]["status"] in (0, 7, 8, 9, 10):
            orders[slot]["id"], orders[slot]["status"] = 10_000 + slot, WORKING
    desk.brain["n_slots"] = MAX_ORDERS
    assert desk.leave() == []
    orders[:] = kept
    assert desk.bar() == [("place", EXIT)]


def test_finished_orders_give_up_their_slots_oldest_first(desk: Desk) -> None:
    for _ in range(80):
        bracket = desk.enter()
        desk.rejected(bracket.entry)
        desk.rejected(bracket.stop)
        desk.bar()
    assert desk.brain["n_slots"] == 64
    ids = np.sort(desk.brain["orders"]["id"][:64])
    assert ids[-1] == 160
    assert ids[0] == 97


def test_a_short_is_protected_and_left_like_a_long() -> None:
    desk = Desk("BTCUSDT_PERP")
    desk.entered(side=SELL, stop=PRICE + 20_000)
    assert (desk.sleeve["lots"], desk.sleeve["is_short"]) == (-100, 1)
    assert desk.bar() == []
    assert desk.bar(action=LEAVE) == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["side"] == BUY
    desk.filled(desk.last(EXIT), 100, PRICE - 1_000)
    (trade,) = desk.trades()
    assert trade["side"] == SELL
    assert trade["realised_atoms"] > 0
    assert desk.brain["strategies"][0]["n_wins"] == 1
    desk.check_books()


def test_a_late_word_about_an_order_long_forgotten_is_passed_over_but_one_that_it_lives_is_asked_about(
    desk: Desk,
) -> None:
    for _ in range(40):
        bracket = desk.enter()
        desk.rejected(bracket.entry)
        desk.rejected(bracket.stop)
        desk.bar()
    assert desk.order(1) is None
    desk.rejected(1)
    desk.cancelled(1)
    assert desk.said(with_queries=True) == []
    desk.accepted(1)
    assert desk.said(with_queries=True) == [("query", 0)]
    desk.report(ORDER_STATUS, 1, status=OrderStatus.CANCELLED)
    assert not desk.is_halted()
    desk.report(ORDER_STATUS, 1, status=OrderStatus.WORKING)
    assert desk.halts() == ["ORPHAN"]
    assert desk.said() == [("cancel", 0)]


def test_an_exit_joins_the_bracket_while_its_stop_lives_and_takes_the_targets_away_when_it_does_not(desk: Desk) -> None:
    bracket = desk.entered(targets=(PRICE + 30_000,))
    desk.cancelled(bracket.stop)
    assert desk.bar(STOP - 1) == [("cancel", TARGET), ("place", EXIT)]
    assert desk.order(desk.last(EXIT))["group_id"] == 0
    other = Desk()
    bracket = other.entered(targets=(PRICE + 30_000,))
    assert other.leave() == [("place", EXIT)]
    assert other.order(other.last(EXIT))["group_id"] == bracket.entry


def test_a_refused_cancel_of_a_child_that_went_with_its_entry_changes_nothing(desk: Desk) -> None:
    bracket = desk.enter()
    desk.leave()
    desk.cancelled(bracket.entry)
    desk.cancelled(bracket.stop)
    desk.rejected(bracket.stop, reason=7, about=ABOUT_CANCEL)
    assert desk.status(bracket.stop) == "CANCELLED"
    assert not desk.is_halted()


def test_a_late_fill_of_a_cancelled_stop_that_closes_the_position_is_flagged_and_leaves_nothing(desk: Desk) -> None:
    bracket = desk.entered()
    desk.cancelled(bracket.stop)
    desk.filled(bracket.stop, 100, STOP)
    assert desk.is_halted()
    assert desk.sleeve["lots"] == desk.sleeve["leave_reason"] == 0
    assert desk.trades()["exit_reason"].tolist() == [BY_STOP]


def test_a_stop_that_fills_again_on_an_empty_sleeve_is_flagged_and_bought_back() -> None:
    desk = Desk("BTCUSDT_PERP")
    bracket = desk.entered()
    desk.filled(bracket.stop, 100, STOP)
    desk.filled(bracket.stop, 40, STOP)
    assert desk.fills()["is_flagged"].tolist() == [0, 0, 1]
    assert ("place", EXIT) in desk.bar()
    assert desk.order(desk.last(EXIT))["qty_lots"] == 40


def test_an_entry_without_a_stop_carries_no_measured_risk_and_is_left_alone(desk: Desk) -> None:
    bracket = desk.enter(stop=0)
    desk.filled(bracket.entry, 100)
    assert desk.sleeve["risk_atoms"] == 0
    assert desk.bar(PRICE // 2) == []
