"""Reports that come late, twice or out of order; races of cancels, replacements and fills; reports that are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.events import (
    ABOUT_CANCEL,
    ABOUT_REPLACE,
    FEE_ASSET_SHIFT,
    MODE_CHANGED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REPLACED,
    ORDER_STATUS,
    ORDER_TRIGGERED,
    RECONCILED,
)
from bot4.domain.orders import ENTRY, FREE, SELL, TRANSITIONS, OrderStatus, can_move, is_finished, is_open
from bot4.domain.portfolio import FEES
from bot4.domain.venue_reasons import BELOW_MIN_NOTIONAL, MAINTENANCE
from bot4.kernel import i8, kernel, records
from bot4.pipeline.execution.trade_memory import NEW, SEEN, UNSURE, remember_trade
from bot4.pipeline.state import BRAIN, EMERGENCY, N_HALTS, N_RECENT_TRADES
from tests.execution_desk import EXIT, PRICE, PROTECTIVE_STOP, Desk

STOP = PRICE - 20_000


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_status_that_is_no_end_can_be_left_and_every_end_is_one() -> None:
    for status in OrderStatus:
        leads_on = any(can_move(status, other) for other in OrderStatus)
        assert leads_on != is_finished(status)
        assert not TRANSITIONS[status, FREE]
        assert not TRANSITIONS[status, status]


def test_an_order_that_may_be_at_the_venue_counts_as_open_and_no_other_does() -> None:
    closed = {OrderStatus.FREE, OrderStatus.HELD, *(status for status in OrderStatus if is_finished(status))}
    assert {status for status in OrderStatus if not is_open(status)} == closed


# --- late, twice, out of order ---------------------------------------------------------------------------------------


def test_a_fill_before_its_acknowledgement_is_booked_and_the_acknowledgement_changes_nothing(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 40, left=60)
    assert desk.status(bracket.entry) == "PARTLY_FILLED"
    desk.accepted(bracket.entry)
    assert desk.status(bracket.entry) == "PARTLY_FILLED"
    desk.filled(bracket.entry, 60)
    desk.accepted(bracket.entry)
    assert desk.status(bracket.entry) == "FILLED"
    assert not desk.is_halted()


def test_fills_of_one_order_told_in_the_wrong_order_are_all_booked_and_none_is_flagged(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 40, left=0, trade_id=2)
    assert desk.status(bracket.entry) == "PARTLY_FILLED"  # sixty are still to be told
    assert desk.sleeve["is_entering"] == 1
    desk.filled(bracket.entry, 60, left=40, trade_id=1)
    assert desk.status(bracket.entry) == "FILLED"
    assert desk.fills()["is_flagged"].tolist() == [0, 0]
    assert not desk.is_halted()
    desk.check_books()


def test_an_exit_told_before_the_entry_that_it_closes_is_not_taken_for_an_excess(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.stop, 100, STOP, trade_id=2)
    assert desk.sleeve["lots"] == -100
    assert desk.said(with_queries=True) == [("query", ENTRY)]  # its fill may be lost
    assert desk.bar() == []  # and nothing is bought back meanwhile
    desk.filled(bracket.entry, 100, trade_id=1)
    assert desk.sleeve["lots"] == desk.position["lots"] == 0
    assert not desk.is_halted()
    (trade,) = desk.trades()
    assert (trade["entry_lots"], trade["realised_atoms"]) == (100, -20_000 * 100 * 10)
    desk.check_books()


def test_duplicates_of_every_report_change_nothing(desk: Desk) -> None:
    bracket = desk.enter()
    for _ in range(2):
        desk.accepted(bracket.entry)
    for _ in range(2):
        desk.report(ORDER_TRIGGERED, bracket.entry)
    trade = desk.filled(bracket.entry, 100)
    for _ in range(3):
        desk.filled(bracket.entry, 100, trade_id=trade)
    for _ in range(2):
        desk.accepted(bracket.stop)
        desk.report(ORDER_EXPIRED, bracket.stop)
        desk.cancelled(bracket.stop)
        desk.rejected(bracket.stop)
    assert desk.status(bracket.entry) == "FILLED"
    assert desk.status(bracket.stop) == "EXPIRED"
    assert (desk.position["lots"], desk.brain["n_duplicates"]) == (100, 3)
    assert not desk.is_halted()


def test_a_stop_that_is_triggered_and_then_refused_is_gone_whether_the_trigger_was_told_or_not(desk: Desk) -> None:
    bracket = desk.entered()
    desk.report(ORDER_TRIGGERED, bracket.stop)
    desk.rejected(bracket.stop)
    assert desk.status(bracket.stop) == "REJECTED"
    other = Desk()
    bracket = other.entered()
    other.rejected(bracket.stop)
    other.report(ORDER_TRIGGERED, bracket.stop)
    assert other.status(bracket.stop) == "REJECTED"
    assert other.bar() == [("place", PROTECTIVE_STOP)]


def test_a_triggered_stop_that_is_being_cancelled_fills_partly(desk: Desk) -> None:
    bracket = desk.entered()
    desk.report(ORDER_TRIGGERED, bracket.stop)
    assert desk.status(bracket.stop) == "TRIGGERED"
    desk.filled(bracket.stop, 40, STOP, left=60)
    assert desk.status(bracket.stop) == "PARTLY_FILLED"
    assert desk.sleeve["lots"] == 60


# --- the memory of trade ids -----------------------------------------------------------------------------------------


@kernel(i8(records(BRAIN), i8, i8))
def _remember(brains: np.ndarray, symbol: int, trade_id: int) -> int:
    return int(remember_trade(brains[0], symbol, trade_id))


def test_an_old_duplicate_is_never_taken_for_new_however_many_fills_came_since() -> None:
    brain = np.zeros(1, BRAIN)
    rng = np.random.default_rng(5)
    ids = np.cumsum(rng.integers(1, 50, 4 * N_RECENT_TRADES))
    shuffled = ids.copy()
    for start in range(0, len(ids), 16):  # told out of order, but not by much
        rng.shuffle(shuffled[start : start + 16])
    assert {_remember(brain, 3, int(trade_id)) for trade_id in shuffled} == {NEW}
    again = [_remember(brain, 3, int(trade_id)) for trade_id in ids]
    assert set(again[-N_RECENT_TRADES:]) == {SEEN}
    assert set(again[: -N_RECENT_TRADES - 16]) == {UNSURE}
    assert NEW not in again


def test_an_id_that_is_new_but_the_smallest_of_a_full_memory_is_booked_once() -> None:
    brain = np.zeros(1, BRAIN)
    for k in range(N_RECENT_TRADES):
        assert _remember(brain, 0, 10 * (k + 2)) == NEW
    assert _remember(brain, 0, 15) == NEW
    assert _remember(brain, 0, 15) == UNSURE
    assert _remember(brain, 0, 20) == SEEN
    assert _remember(brain, 1, 15) == NEW  # each symbol remembers for itself


@pytest.mark.parametrize("trade_id", [0, -1, -(2**60)])
def test_what_is_no_trade_id_is_not_booked(trade_id: int) -> None:
    assert _remember(np.zeros(1, BRAIN), 0, trade_id) == UNSURE


def test_a_fill_that_may_have_been_booked_is_not_booked_and_halts_and_its_order_is_asked_about(desk: Desk) -> None:
    bracket = desk.enter()
    desk.brain["trade_memory"][0]["floor_id"] = 1_000
    desk.filled(bracket.entry, 100, trade_id=900)
    assert desk.position["lots"] == 0
    assert desk.halts() == ["UNSURE_FILL"]
    assert desk.said(with_queries=True)[-1] == ("query", ENTRY)


# --- cancels and replacements that race fills ------------------------------------------------------------------------


def test_a_cancel_that_comes_after_the_fill_is_refused_and_nothing_is_asked(desk: Desk) -> None:
    bracket = desk.enter()
    desk.leave()
    desk.filled(bracket.entry, 100)
    desk.rejected(bracket.entry, reason=7, about=ABOUT_CANCEL)
    assert desk.status(bracket.entry) == "FILLED"
    assert desk.said(with_queries=True) == []


def test_a_refused_cancel_of_an_order_that_the_venue_does_not_know_and_we_do_is_asked_about(desk: Desk) -> None:
    bracket = desk.enter()
    desk.accepted(bracket.entry)
    desk.leave()
    desk.rejected(bracket.entry, reason=7, about=ABOUT_CANCEL)
    assert desk.tick(1) == [("query", ENTRY)]
    desk.filled(bracket.entry, 100)
    desk.report(ORDER_STATUS, bracket.entry, status=OrderStatus.FILLED, status_filled_lots=100)
    assert desk.status(bracket.entry) == "FILLED"
    assert not desk.is_halted()


def test_wanted_prices_are_kept_apart_from_confirmed_ones(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    order = desk.order(bracket.stop)
    assert (order["stop_ticks"], desk.sleeve["stop_ticks"]) == (STOP, STOP)
    assert desk.machine.log.records("commands")[-1]["order"]["stop_ticks"] == PRICE + 5_000
    desk.report(ORDER_REPLACED, bracket.stop)
    assert (order["stop_ticks"], desk.sleeve["stop_ticks"]) == (PRICE + 5_000, PRICE + 5_000)


def test_a_replacement_confirmed_after_the_order_was_cancelled_changes_nothing(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    desk.cancelled(bracket.stop)
    desk.report(ORDER_REPLACED, bracket.stop)
    assert desk.status(bracket.stop) == "CANCELLED"
    assert desk.sleeve["stop_ticks"] == STOP


def test_a_replacement_that_meets_a_partial_fill_keeps_on_its_way_and_is_then_confirmed(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    desk.filled(bracket.stop, 30, STOP, left=70)
    assert desk.status(bracket.stop) == "PENDING_REPLACE"
    desk.report(ORDER_REPLACED, bracket.stop)
    assert desk.status(bracket.stop) == "PARTLY_FILLED"
    assert desk.sleeve["stop_ticks"] == PRICE + 5_000


def test_a_confirmation_told_twice_does_not_confirm_the_next_replacement(desk: Desk) -> None:
    bracket = desk.entered(trail=25_000)
    desk.bar(PRICE + 30_000)
    desk.report(ORDER_REPLACED, bracket.stop)
    confirmed_ns = desk.now
    desk.bar(PRICE + 60_000)
    desk.report(ORDER_REPLACED, bracket.stop, ts_ns=confirmed_ns)
    assert desk.status(bracket.stop) == "PENDING_REPLACE"
    assert desk.sleeve["stop_ticks"] == PRICE + 5_000


def test_a_refusal_of_a_replacement_that_nobody_awaits_is_asked_about(desk: Desk) -> None:
    bracket = desk.entered()
    desk.rejected(bracket.stop, reason=2, about=ABOUT_REPLACE)
    assert desk.tick(1) == [("query", PROTECTIVE_STOP)]
    terms = {"status_lots": 100, "status_stop_ticks": STOP - 500}
    desk.report(ORDER_STATUS, bracket.stop, status=OrderStatus.WORKING, **terms)
    assert desk.sleeve["stop_ticks"] == STOP - 500  # what the venue says of it is so
    assert desk.tick(1_000) == []


# --- reports that are wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", [-1, 1, 15, 16, 30_000])
def test_a_report_about_a_symbol_that_is_not_traded_halts_and_touches_nothing(desk: Desk, symbol: int) -> None:
    bracket = desk.enter()
    before = desk.brain["ledger"].tobytes(), desk.brain["orders"].tobytes()
    desk.report(ORDER_FILLED, bracket.entry, symbol=symbol, fill_ticks=PRICE, fill_lots=10, trade_id=1)
    assert (desk.brain["ledger"].tobytes(), desk.brain["orders"].tobytes()) == before
    assert desk.halts() == ["BAD_REPORT"]


def test_a_fill_on_the_wrong_side_is_booked_as_it_is_flagged_and_left(desk: Desk) -> None:
    desk = Desk("BTCUSDT_PERP")
    bracket = desk.enter()
    desk.filled(bracket.entry, 40, left=60, side=SELL)
    assert desk.position["lots"] == desk.sleeve["lots"] == -40
    assert desk.halts() == ["BAD_REPORT"]
    desk.check_books()


def test_a_quantity_beyond_what_floats_count_is_booked_to_the_lot_or_refused_whole(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 2**53 + 1)
    assert desk.position["lots"] in (0, 2**53 + 1)
    assert desk.halts()[0] in ("OVERFILL", "UNBOOKABLE")
    desk.check_books()


def test_a_refusal_of_an_order_that_has_filled_in_part_makes_no_sense_and_is_asked_about(desk: Desk) -> None:
    bracket = desk.enter()
    desk.filled(bracket.entry, 40, left=60)
    desk.rejected(bracket.entry)
    assert desk.halts() == ["BAD_REPORT"]
    assert desk.status(bracket.entry) == "PARTLY_FILLED"
    assert desk.said(with_queries=True)[-1] == ("query", ENTRY)


def test_why_new_risk_halted_is_written_down_the_first_and_the_latest(desk: Desk) -> None:
    for k in range(N_HALTS + 5):
        desk.filled(100_000 + k, 1)
    halts = desk.brain["halts"]
    assert desk.brain["n_halts"] == N_HALTS + 5
    assert halts["order_id"][0] == 100_000
    assert 100_000 + N_HALTS + 4 in halts["order_id"]
    assert halts["ts_ns"][0] == desk.now


def test_a_reconciliation_that_explains_everything_lifts_the_halts(desk: Desk) -> None:
    desk.filled(4_711, 10)
    desk.report(RECONCILED, 0)
    assert not desk.is_halted()
    assert desk.brain["n_halts"] == 0


# --- remainders ------------------------------------------------------------------------------------------------------


def test_a_remainder_that_the_venue_will_not_trade_is_carried_counted_and_tried_again_when_it_can_be(
    desk: Desk,
) -> None:
    desk.config["instruments"][0]["min_notional_atoms"] = 100 * PRICE * 10  # a hundred lots at the price of entry
    bracket = desk.entered()
    desk.filled(bracket.stop, 40, STOP)
    assert desk.bar(STOP) == [("place", EXIT)]
    desk.rejected(desk.last(EXIT), reason=BELOW_MIN_NOTIONAL)
    assert desk.brain["n_carried"] == 1
    assert desk.sleeve["carried_lots"] == 60
    assert desk.bar(STOP) == desk.leave(STOP) == desk.tick(100) == []  # not every bar anew
    assert desk.bar(2 * PRICE) == [("place", EXIT)]  # worth enough now
    desk.filled(desk.last(EXIT), 60, 2 * PRICE)
    assert (desk.sleeve["lots"], desk.sleeve["carried_lots"]) == (0, 0)
    desk.check_books()


def test_a_stop_refused_for_a_passing_reason_is_placed_again_and_the_position_stays(desk: Desk) -> None:
    bracket = desk.entered()
    desk.cancelled(bracket.stop)
    assert desk.bar() == [("place", PROTECTIVE_STOP)]
    desk.rejected(desk.last(PROTECTIVE_STOP), reason=MAINTENANCE)
    assert desk.tick(0.5) == []
    assert desk.tick(0.5) == [("place", PROTECTIVE_STOP)]


def test_a_lost_stop_is_placed_anew_as_time_passes_without_waiting_for_a_bar(desk: Desk) -> None:
    bracket = desk.entered()
    desk.cancelled(bracket.stop)
    assert desk.tick(0) == [("place", PROTECTIVE_STOP)]


# --- emergency -------------------------------------------------------------------------------------------------------


def emergency(desk: Desk) -> list[tuple[str, int]]:
    desk.report(MODE_CHANGED, EMERGENCY)  # the mode shares its bytes with the order id
    return desk.said()


def test_an_emergency_cancels_entries_and_leaves_every_position(desk: Desk) -> None:
    desk.entered(targets=(PRICE + 30_000,))
    assert emergency(desk) == [("place", EXIT)]
    desk.filled(desk.last(EXIT), 100)
    assert desk.position["lots"] == 0
    other = Desk()
    bracket = other.enter()
    assert emergency(other) == [("cancel", ENTRY)]
    other.filled(bracket.entry, 30, left=70)
    assert other.tick(1) == [("place", EXIT)]  # what came in between goes too
    assert other.order(other.last(EXIT))["qty_lots"] == 30


def test_an_emergency_closes_what_no_strategy_answers_for(desk: Desk) -> None:
    desk.filled(4_711, 10)
    assert emergency(desk) == [("place", EXIT)]
    desk.filled(desk.last(EXIT), 10)
    assert desk.position["lots"] == desk.sleeve["lots"] == 0
    desk.check_books()


def test_a_fee_in_a_third_asset_is_booked_there_and_not_against_the_trade(desk: Desk) -> None:
    bracket = desk.enter()
    base = list(desk.machine.universe.assets).index("BTC")
    desk.report(
        ORDER_FILLED, bracket.entry, fill_ticks=PRICE, fill_lots=100, fee_atoms=3, trade_id=1,
        flags=(base + 1) << FEE_ASSET_SHIFT,
    )  # fmt: skip
    assert desk.fills()["fee_asset"].tolist() == [base + 1]
    assert desk.sleeve["fees_atoms"] == desk.position["fees_atoms"] == 0
    assert desk.brain["ledger"]["balances"][FEES, base] == 3
    desk.check_books()


def test_a_fee_in_an_asset_without_a_name_is_booked_and_halts(desk: Desk) -> None:
    bracket = desk.enter()
    desk.report(
        ORDER_FILLED, bracket.entry, fill_ticks=PRICE, fill_lots=100, fee_atoms=3, trade_id=1,
        flags=20 << FEE_ASSET_SHIFT,
    )  # fmt: skip
    assert desk.position["lots"] == 100
    assert desk.halts() == ["BAD_REPORT"]
