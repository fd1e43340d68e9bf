"""Brackets at a venue that has none: the stop rests there, targets are kept here, no more is offered than held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot4.domain.events import ABOUT_CANCEL, ABOUT_REPLACE, ORDER_REPLACED, ORDER_STATUS, ORDER_UNKNOWN, TRADE
from bot4.domain.orders import BUY, CANCEL, ENTRY, MARKET, PLACE, SELL, STOP, OrderStatus
from bot4.domain.portfolio import BY_STOP, BY_TARGET
from bot4.domain.venue_reasons import RATE_LIMITED
from bot4.pipeline.execution.settings import ExecutionSettings, write
from tests.execution_desk import EXIT, PRICE, PROTECTIVE_STOP, TARGET, Desk

STOP_TICKS = PRICE - 20_000
TARGETS = (PRICE + 30_000, PRICE + 40_000, PRICE + 60_000)
ENTRY_ID, STOP_ID, FIRST, SECOND, THIRD = 1, 2, 3, 4, 5
MOVED = [("replace", PROTECTIVE_STOP)]


class OwnDesk(Desk):
    """A desk at a venue without brackets."""

    def __init__(self, symbol: str = "BTCUSDT", *, loses_answers: bool = False) -> None:
        super().__init__(symbol)
        settings = ExecutionSettings(has_native_brackets=False)
        write(settings, self.config["execution"], loses_answers=loses_answers)

    def sent(self) -> list[Any]:
        return list(self.commands())

    def trade(self, ticks: int) -> list[tuple[str, int]]:
        """The market trades at a price; returns the commands that came of it."""
        event = self._event(TRADE)
        event["price_ticks"], event["quantity"] = ticks, 1.0
        self._step(event)
        return self.said()

    def offered(self) -> int:
        """Lots that orders at the venue, or on their way there, may still close."""
        rows = self.brain["orders"][: int(self.brain["n_slots"])]
        return sum(
            int(row["qty_lots"] - row["filled_lots"])
            for row in rows
            if row["role"] != ENTRY and OrderStatus(row["status"]).name not in ENDED
        )

    def confirm_stop(self) -> None:
        self.report(ORDER_REPLACED, STOP_ID)


ENDED = {"FREE", "HELD", "FILLED", "CANCELLED", "REJECTED", "EXPIRED"}


@pytest.fixture
def desk() -> OwnDesk:
    return OwnDesk()


def entered(desk: OwnDesk, targets: tuple[int, ...] = TARGETS, **asked: Any) -> None:
    desk.enter(targets=targets, **asked)
    desk.accepted(ENTRY_ID)
    desk.filled(ENTRY_ID, 100)
    desk.accepted(STOP_ID)
    desk.commands()


def test_only_the_entry_is_sent_and_its_children_wait_here(desk: OwnDesk) -> None:
    desk.enter(targets=TARGETS)
    sent = desk.machine.log.records("commands")
    assert sent["order"]["role"].tolist() == [ENTRY]
    assert [desk.status(k) for k in (STOP_ID, FIRST, SECOND, THIRD)] == ["HELD"] * 4
    assert (sent["order"]["parent_id"].tolist(), sent["order"]["group_id"].tolist()) == ([0], [0])


def test_the_stop_goes_to_the_venue_with_the_first_fill_and_grows_with_every_later_one(desk: OwnDesk) -> None:
    desk.enter(targets=TARGETS)
    desk.accepted(ENTRY_ID)
    desk.filled(ENTRY_ID, 30, left=70)
    (placed,) = desk.sent()
    assert (placed["kind"], placed["order"]["type"], placed["order"]["qty_lots"]) == (PLACE, STOP, 30)
    assert (placed["order"]["stop_ticks"], placed["order"]["is_reduce_only"]) == (STOP_TICKS, 1)
    assert (placed["order"]["parent_id"], placed["order"]["group_id"]) == (0, 0)
    desk.filled(ENTRY_ID, 20, left=50)
    assert desk.said() == []  # not acknowledged yet: it cannot be moved
    desk.accepted(STOP_ID)
    (moved,) = desk.sent()
    assert moved["order"]["qty_lots"] == 50
    desk.filled(ENTRY_ID, 50)
    assert desk.said() == []  # one replacement at a time
    desk.confirm_stop()
    (moved,) = desk.sent()
    assert moved["order"]["qty_lots"] == 100
    desk.confirm_stop()
    assert (desk.offered(), desk.sent()) == (100, [])


def test_a_target_that_is_reached_waits_until_the_stop_has_made_room_and_is_then_sold(desk: OwnDesk) -> None:
    entered(desk)
    assert desk.trade(TARGETS[0] - 1) == []
    assert desk.trade(TARGETS[0]) == MOVED
    assert desk.status(FIRST) == "HELD"
    desk.confirm_stop()
    (sold,) = desk.sent()
    assert (sold["order"]["id"], sold["order"]["type"], sold["order"]["qty_lots"]) == (FIRST, MARKET, 33)
    assert (sold["order"]["limit_ticks"], sold["order"]["is_reduce_only"], desk.offered()) == (0, 1, 100)
    desk.filled(FIRST, 33, TARGETS[0] - 5)
    assert (desk.sleeve["lots"], desk.offered(), desk.said()) == (67, 67, [])
    desk.check_books()


def test_a_price_that_falls_back_does_not_take_a_reached_target_back(desk: OwnDesk) -> None:
    entered(desk)
    desk.trade(TARGETS[0])
    desk.trade(PRICE)
    desk.confirm_stop()
    assert desk.said() == [("place", TARGET)]


def test_the_last_target_takes_the_stop_away_first_and_the_position_is_bare_for_no_longer_than_that(
    desk: OwnDesk,
) -> None:
    entered(desk, targets=TARGETS[:1])
    assert desk.trade(TARGETS[0]) == [("cancel", PROTECTIVE_STOP)]
    assert desk.offered() == 100
    desk.cancelled(STOP_ID)
    assert desk.said() == [("place", TARGET)]
    assert desk.bar() == []  # the sale is in flight: no stop is placed anew
    desk.filled(FIRST, 100, TARGETS[0])
    (trade,) = desk.trades()
    assert trade["exit_reason"] == BY_TARGET
    assert desk.said() == []


def test_a_stop_that_fills_while_it_is_being_cancelled_for_a_target_ends_the_trade_and_nothing_is_sold(
    desk: OwnDesk,
) -> None:
    entered(desk, targets=TARGETS[:1])
    desk.trade(TARGETS[0])
    desk.filled(STOP_ID, 100, STOP_TICKS)
    desk.rejected(STOP_ID, reason=7, about=ABOUT_CANCEL)
    assert desk.sleeve["lots"] == 0
    assert desk.status(FIRST) == "CANCELLED"
    assert desk.said() == []
    assert desk.trades()["exit_reason"].tolist() == [BY_STOP]
    assert not desk.is_halted()


def test_a_target_that_comes_to_nothing_gives_its_lots_back_to_the_stop(desk: OwnDesk) -> None:
    entered(desk)
    desk.trade(TARGETS[0])
    desk.confirm_stop()
    desk.said()
    desk.rejected(FIRST, reason=RATE_LIMITED)
    assert desk.said() == MOVED
    desk.confirm_stop()
    assert (desk.offered(), desk.sleeve["lots"]) == (100, 100)


def test_a_refused_cut_of_the_stop_is_tried_again_and_nothing_is_sold_meanwhile(desk: OwnDesk) -> None:
    entered(desk)
    desk.trade(TARGETS[0])
    desk.rejected(STOP_ID, reason=RATE_LIMITED, about=ABOUT_REPLACE)
    assert desk.said() == []
    assert desk.tick(0.5) == []
    assert desk.tick(0.5) == MOVED
    desk.confirm_stop()
    assert desk.said() == [("place", TARGET)]


def test_an_exit_takes_the_stop_away_first_and_then_all_that_is_held(desk: OwnDesk) -> None:
    entered(desk)
    assert desk.leave() == [("cancel", PROTECTIVE_STOP)]
    desk.cancelled(STOP_ID)
    assert desk.said() == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["qty_lots"] == 100
    desk.filled(desk.last(EXIT), 100)
    assert {desk.status(k) for k in (FIRST, SECOND, THIRD)} == {"CANCELLED"}
    assert desk.sleeve["lots"] == desk.position["lots"] == 0


def test_what_an_entry_still_brings_while_its_position_is_left_goes_too(desk: OwnDesk) -> None:
    desk.enter(targets=TARGETS)
    desk.accepted(ENTRY_ID)
    desk.filled(ENTRY_ID, 30, left=70)
    desk.accepted(STOP_ID)
    desk.commands()
    assert desk.leave() == [("cancel", ENTRY), ("cancel", PROTECTIVE_STOP)]
    desk.filled(ENTRY_ID, 20, left=50)
    desk.cancelled(STOP_ID)
    assert desk.said() == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["qty_lots"] == 50
    desk.cancelled(ENTRY_ID)
    desk.filled(desk.last(EXIT), 50)
    assert desk.sleeve["lots"] == 0


def test_a_remainder_too_small_to_be_traded_is_sold_with_the_target_before_it(desk: OwnDesk) -> None:
    desk.config["instruments"][0]["min_lots"] = 40
    entered(desk, targets=(TARGETS[0],))
    desk.brain["orders"][2]["qty_lots"] = 70  # a target that would leave thirty lots
    assert desk.trade(TARGETS[0]) == [("cancel", PROTECTIVE_STOP)]
    desk.cancelled(STOP_ID)
    (sold,) = desk.sent()
    assert sold["order"]["qty_lots"] == 100


def test_a_trailing_stop_keeps_its_new_price_when_its_lots_change(desk: OwnDesk) -> None:
    entered(desk, trail=25_000)
    assert desk.bar(PRICE + 29_000) == MOVED
    desk.confirm_stop()
    assert desk.trade(TARGETS[0]) == MOVED
    moved = desk.machine.log.records("commands")[-1]["order"]
    assert (moved["stop_ticks"], moved["qty_lots"]) == (PRICE + 4_000, 67)


def test_a_stop_that_is_lost_is_placed_anew_for_what_is_held(desk: OwnDesk) -> None:
    entered(desk)
    desk.cancelled(STOP_ID)
    assert desk.tick(1) == [("place", PROTECTIVE_STOP)]
    assert desk.order(desk.last(PROTECTIVE_STOP))["qty_lots"] == 100


def test_a_stop_whose_cancel_is_of_unknown_outcome_holds_the_sale_back_until_the_venue_has_spoken(
    desk: OwnDesk,
) -> None:
    entered(desk)
    desk.leave()
    desk.report(ORDER_UNKNOWN, STOP_ID, flags=ABOUT_CANCEL)
    assert desk.bar() == []
    desk.report(ORDER_STATUS, STOP_ID, status=OrderStatus.CANCELLED)
    assert desk.said() == [("place", EXIT)]


def test_a_position_is_left_all_the_same_when_the_venue_never_says_what_became_of_its_stop() -> None:
    desk = OwnDesk(loses_answers=True)
    entered(desk)
    desk.leave()
    desk.report(ORDER_UNKNOWN, STOP_ID, flags=ABOUT_CANCEL)
    sent = []
    for _ in range(2_000):
        sent += desk.tick(1)
    assert ("place", EXIT) in sent
    assert desk.halts()[0] == "NO_ANSWER"


def test_a_stop_and_an_exit_that_both_fill_leave_an_excess_that_is_bought_back() -> None:
    desk = OwnDesk("BTCUSDT_PERP")
    entered(desk)
    desk.leave()
    desk.cancelled(STOP_ID)
    desk.said()
    desk.filled(desk.last(EXIT), 100)
    desk.filled(STOP_ID, 100, STOP_TICKS)  # the venue had filled it before it was cancelled
    assert desk.sleeve["lots"] == -100
    assert desk.is_halted()
    assert ("place", EXIT) in [*desk.said(), *desk.tick(1)]
    exit_order = desk.order(desk.last(EXIT))
    assert (exit_order["side"], exit_order["qty_lots"]) == (BUY, 100)


def test_an_entry_that_came_to_nothing_takes_its_children_with_it_and_sends_nothing(desk: OwnDesk) -> None:
    desk.enter(targets=TARGETS)
    desk.rejected(ENTRY_ID)
    assert {desk.status(k) for k in (STOP_ID, FIRST, SECOND, THIRD)} == {"CANCELLED"}
    assert desk.said() == []
    assert desk.sleeve["is_entering"] == 0


def test_a_short_is_kept_in_line_like_a_long() -> None:
    desk = OwnDesk("BTCUSDT_PERP")
    desk.enter(targets=(PRICE - 30_000,), stop=PRICE + 20_000, side=SELL)
    desk.filled(ENTRY_ID, 100)
    desk.accepted(STOP_ID)
    desk.commands()
    assert desk.trade(PRICE - 30_000) == [("cancel", PROTECTIVE_STOP)]
    desk.cancelled(STOP_ID)
    (sold,) = desk.sent()
    assert (sold["order"]["side"], sold["order"]["qty_lots"]) == (BUY, 100)


def test_whatever_happens_no_more_is_offered_than_is_held() -> None:
    """Random fills, prices, refusals, confirmations and exits: stop, targets and exits together never exceed it."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        desk = OwnDesk()
        desk.enter(targets=TARGETS)
        desk.accepted(ENTRY_ID)
        left = 100
        for _ in range(60):
            _one_random_thing(desk, rng, left)
            left = 100 - int(desk.order(ENTRY_ID)["filled_lots"])
            assert desk.offered() <= abs(int(desk.sleeve["lots"])), seed
            assert desk.sleeve["lots"] >= 0
        assert not desk.is_halted()
        desk.check_books()


def _one_random_thing(desk: OwnDesk, rng: np.random.Generator, left: int) -> None:
    drawn = int(rng.integers(8))
    rows = desk.brain["orders"][: int(desk.brain["n_slots"])]
    at_venue = [row for row in rows if OrderStatus(row["status"]).name not in ENDED]
    if drawn == 0 and left and OrderStatus(desk.order(ENTRY_ID)["status"]).name not in ENDED:
        lots = int(rng.integers(1, left + 1))
        desk.filled(ENTRY_ID, lots, left=left - lots)
    elif drawn == 1:
        desk.trade(PRICE + int(rng.integers(0, 70_000)))
    elif drawn == 2 and rng.random() < 0.1:
        desk.leave()
    elif drawn == 3:
        desk.tick(float(rng.integers(1, 4)))
    elif at_venue:
        row = at_venue[int(rng.integers(len(at_venue)))]
        order_id, rest = int(row["id"]), int(row["qty_lots"] - row["filled_lots"])
        status = OrderStatus(row["status"]).name
        if status == "PENDING":
            desk.accepted(order_id)
        elif status == "PENDING_REPLACE":
            if rng.random() < 0.7:
                desk.report(ORDER_REPLACED, order_id)
            else:
                desk.rejected(order_id, reason=RATE_LIMITED, about=ABOUT_REPLACE)
        elif status == "PENDING_CANCEL":
            if rng.random() < 0.7:
                desk.cancelled(order_id)
            else:
                desk.rejected(order_id, reason=RATE_LIMITED, about=ABOUT_CANCEL)
        elif rest and row["role"] != ENTRY:
            lots = int(rng.integers(1, rest + 1))
            desk.filled(order_id, lots, PRICE, left=rest - lots)
    assert CANCEL != PLACE
