"""Amendments and places in the queue, cancels, queries, duplicates, self-trades."""

from __future__ import annotations

import pytest

from bot4.domain.orders import (
    CANCEL,
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    DECREMENT,
    LIMIT,
    POST_ONLY,
    STOP_LIMIT,
    TRAILING_STOP,
    SelfTrade,
)
from bot4.simulator.book.queue_models import QueueModel, QueueSettings
from bot4.simulator.state import Idempotency
from tests.exchange_harness import BUY, SECOND, SELL, Floor, fills, kinds, open_terms

ABOUT_CANCEL, ABOUT_REPLACE = 8, 16


# --- the queue -------------------------------------------------------------------------------------------------------


def test_the_market_that_stood_before_us_trades_before_us() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1000)
    assert fills(floor.trade(1000, 10, SELL)) == []
    assert fills(floor.trade(1000, 3, SELL)) == [(1, 1000, 3)]


def test_cancellations_are_taken_to_stand_behind_us_by_the_pessimist() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1000)
    floor.level(BUY, 1000, 30)
    floor.level(BUY, 1000, 12)
    assert fills(floor.trade(1000, 10, SELL)) == []
    assert fills(floor.trade(1000, 1, SELL)) == [(1, 1000, 1)]


def test_a_level_smaller_than_what_stood_before_us_moves_us_up() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1000)
    floor.level(BUY, 1000, 2)
    assert fills(floor.trade(1000, 3, SELL)) == [(1, 1000, 1)]


def test_the_proportional_model_moves_us_up_by_our_share_of_cancellations() -> None:
    floor = Floor(profile=open_terms(queue=QueueSettings(QueueModel.PROPORTIONAL)))
    floor.limit(BUY, 5, 1000)
    floor.level(BUY, 1000, 20)
    floor.level(BUY, 1000, 10)
    assert fills(floor.trade(1000, 6, SELL)) == [(1, 1000, 1)], "half of ten cancelled lots stood before us"


def test_a_fall_that_trades_explain_is_not_counted_twice() -> None:
    floor = Floor(profile=open_terms(queue=QueueSettings(QueueModel.PROPORTIONAL)))
    floor.level(BUY, 1000, 10)
    floor.limit(BUY, 5, 1000)
    floor.trade(1000, 4, SELL)
    floor.level(BUY, 1000, 6)
    assert fills(floor.trade(1000, 6, SELL)) == []
    assert fills(floor.trade(1000, 1, SELL)) == [(1, 1000, 1)]


def test_our_orders_of_one_price_trade_in_the_order_of_their_arrival() -> None:
    floor = Floor()
    floor.limit(BUY, 2, 1001, id=9)
    floor.limit(BUY, 2, 1001, id=3)
    assert fills(floor.trade(1001, 3, SELL)) == [(9, 1001, 2), (3, 1001, 1)]


def test_a_better_price_trades_first_whenever_it_came() -> None:
    floor = Floor()
    floor.limit(BUY, 2, 1000)
    floor.limit(BUY, 2, 1001)
    assert fills(floor.trade(999, 3, SELL)) == [(2, 1001, 2), (1, 1000, 1)]


def test_a_trade_from_one_side_does_not_reach_orders_of_the_other() -> None:
    floor = Floor()
    floor.limit(BUY, 2, 1001)
    assert fills(floor.trade(1001, 5, BUY)) == []
    assert fills(floor.trade(1001, 5)) == [(1, 1001, 2)], "a trade of unknown side may have come from either"


def test_what_we_take_from_before_our_own_order_moves_it_up() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1000)
    floor.place(SELL, 8)
    assert fills(floor.trade(1000, 3, SELL)) == [(1, 1000, 1)]


# --- amendments ------------------------------------------------------------------------------------------------------


def keeping() -> Floor:
    return Floor(profile=open_terms(keeps_place_on_less=True))


def test_a_smaller_quantity_keeps_the_place_where_the_venue_says_so() -> None:
    floor = keeping()
    floor.limit(BUY, 5, 1001)
    floor.level(BUY, 1001, 10)
    assert kinds(floor.replace(1, 3, limit=1001)) == [("REPLACED", 1)]
    assert fills(floor.trade(1001, 2, SELL)) == [(1, 1001, 2)]


@pytest.mark.parametrize(("lots", "limit", "keeps"), [(3, 1001, False), (7, 1001, True), (5, 1000, True)])
def test_every_other_amendment_loses_the_place(lots: int, limit: int, keeps: bool) -> None:
    floor = keeping() if keeps else Floor()
    floor.limit(BUY, 5, 1001)
    floor.level(BUY, 1001, 10)
    floor.replace(1, lots, limit=limit)
    assert fills(floor.trade(limit, 2, SELL)) == []
    assert fills(floor.trade(limit, 9, SELL)) == [(1, limit, 1)]


def test_an_amended_price_may_take_on_arrival() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001)
    assert kinds(floor.replace(1, 5, limit=1002)) == [("REPLACED", 1), ("FILLED", 1)]


def test_an_amended_post_only_order_that_would_take_is_refused_and_stays() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001, flags=POST_ONLY)
    (report,) = floor.replace(1, 5, limit=1002)
    assert (report.kind, report.why, report.flags) == ("ORDER_REJECTED", "WOULD_TAKE", ABOUT_REPLACE)
    assert floor.bids()[0] == (1001, 5)


def test_an_order_cannot_be_amended_below_what_has_filled() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001)
    floor.trade(1001, 3, SELL)
    (report,) = floor.replace(1, 3, limit=1001)
    assert (report.why, report.flags) == ("BAD_QUANTITY", ABOUT_REPLACE)


def test_amending_what_is_not_open_is_refused() -> None:
    (report,) = Floor().replace(7, 3, limit=1001)
    assert (report.why, report.flags) == ("UNKNOWN_ORDER", ABOUT_REPLACE)


def test_the_trigger_of_a_stop_limit_can_be_amended() -> None:
    floor = Floor()
    floor.place(BUY, 5, type=STOP_LIMIT, stop_ticks=1010, limit_ticks=1001)
    floor.replace(1, 5, limit=1000, stop=1005)
    assert kinds(floor.trade(1005, 1, BUY)) == [("TRIGGERED", 1)]
    assert floor.bids()[0] == (1000, 15)


def test_an_amended_trail_counts_from_the_best_price_so_far() -> None:
    floor = Floor()
    floor.trade(1001, 1)
    floor.place(SELL, 5, type=TRAILING_STOP, trail_ticks=30)
    floor.trade(1020, 1)
    floor.replace(1, 5, trail_ticks=10)
    assert kinds(floor.trade(1010, 1))[0] == ("TRIGGERED", 1)


def test_an_iceberg_amended_to_less_than_its_shown_part_shows_the_rest() -> None:
    floor = keeping()
    floor.limit(BUY, 10, 1001, display_lots=4)
    floor.replace(1, 2, limit=1001)
    assert floor.bids()[0] == (1001, 2)


def test_a_cancel_and_a_new_order_in_one_call_act_in_that_order() -> None:
    floor = Floor()
    floor.limit(SELL, 5, 1001)
    reports = floor.request(floor.command(CANCEL, id=1), floor.order(BUY, 5, type=LIMIT, limit_ticks=1001))
    assert kinds(reports) == [("CANCELLED", 1), ("ACCEPTED", 2)]


def test_cancelling_what_is_not_open_is_refused() -> None:
    floor = Floor()
    (report,) = floor.cancel(5)
    assert (report.why, report.flags) == ("UNKNOWN_ORDER", ABOUT_CANCEL)
    assert floor.limit(BUY, 1, 990)[0].flags == 0


# --- queries ---------------------------------------------------------------------------------------------------------


def test_a_query_says_where_an_order_stands() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001)
    floor.trade(1001, 3, SELL)
    answer = floor.query(1)
    assert (answer.status, answer.status_lots, answer.status_filled) == ("PARTLY_FILLED", 5, 3)


def test_a_query_finds_an_order_that_has_ended() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001)
    floor.cancel(1)
    assert floor.query(1).status == "CANCELLED"


def test_a_query_of_an_unknown_order_says_that_there_is_none() -> None:
    assert Floor().query(123).status == "FREE"


def test_an_order_that_was_refused_is_not_known_afterwards() -> None:
    floor = Floor()
    floor.limit(BUY, 0, 1001)
    assert floor.query(1).status == "FREE"


# --- duplicates ------------------------------------------------------------------------------------------------------


def again(idempotency: Idempotency, *, is_finished: bool, seconds: float = 0.0) -> list[str]:
    floor = Floor(profile=open_terms(idempotency=idempotency))
    floor.limit(BUY, 5, 990, id=1)
    if is_finished:
        floor.cancel(1)
    if seconds:
        floor.advance(seconds)
    floor.limit(BUY, 5, 990, id=1)
    return [floor.reports[-1].kind, str(len(floor.exchange.open_orders()))]


def test_an_id_of_an_open_order_is_a_duplicate() -> None:
    for mode in (Idempotency.DAY, Idempotency.OPEN_ORDERS):
        assert again(mode, is_finished=False) == ["ORDER_REJECTED", "1"]


def test_an_id_of_a_finished_order_is_a_duplicate_for_a_day() -> None:
    assert again(Idempotency.DAY, is_finished=True) == ["ORDER_REJECTED", "0"]
    assert again(Idempotency.DAY, is_finished=True, seconds=86_401) == ["ORDER_ACCEPTED", "1"]
    assert again(Idempotency.OPEN_ORDERS, is_finished=True) == ["ORDER_ACCEPTED", "1"]


def test_a_venue_without_idempotency_opens_a_second_order_and_cancels_both() -> None:
    assert again(Idempotency.NONE, is_finished=False) == ["ORDER_ACCEPTED", "2"]
    floor = Floor(profile=open_terms(idempotency=Idempotency.NONE))
    for _ in range(2):
        floor.limit(BUY, 5, 1001, id=1)
    assert fills(floor.trade(1001, 7, SELL)) == [(1, 1001, 5), (1, 1001, 2)]
    floor.limit(BUY, 5, 990, id=1)
    assert kinds(floor.cancel(1)) == [("CANCELLED", 1), ("CANCELLED", 1)]


# --- self-trades -----------------------------------------------------------------------------------------------------


def crossed(mode: int, lots: int = 8) -> Floor:
    """Ten to sell at 1001, met by an order to buy."""
    floor = Floor()
    floor.limit(SELL, 10, 1001)
    floor.limit(BUY, lots, 1001, self_trade=mode)
    return floor


def test_two_orders_of_ours_trade_where_nothing_forbids_it() -> None:
    floor = crossed(0)
    assert fills(floor.reports) == [(1, 1001, 8), (2, 1001, 8)]
    assert [r.is_maker for r in floor.reports if r.kind == "ORDER_FILLED"] == [True, False]
    assert floor.net() == 0


def test_the_newer_order_ends() -> None:
    floor = crossed(CANCEL_NEWEST)
    assert (floor.status(1), floor.status(2)) == ("WORKING", "EXPIRED")
    assert floor.reports[-1].why == "SELF_TRADE"


def test_the_older_order_ends_and_the_newer_goes_on() -> None:
    floor = crossed(CANCEL_OLDEST)
    assert (floor.status(1), floor.status(2)) == ("EXPIRED", "WORKING")
    assert floor.bids()[0] == (1001, 8)


def test_both_orders_end() -> None:
    floor = crossed(CANCEL_BOTH)
    assert (floor.status(1), floor.status(2)) == ("EXPIRED", "EXPIRED")


def test_both_orders_lose_the_smaller_quantity() -> None:
    floor = crossed(DECREMENT)
    assert floor.status(2) == "EXPIRED"
    assert floor.asks()[0] == (1001, 2)
    told = [r for r in floor.reports if r.kind == "ORDER_STATUS"]
    assert [(r.order_id, r.status, r.status_lots) for r in told] == [(1, "WORKING", 2)]
    assert fills(floor.reports) == []


def test_a_newer_order_takes_what_the_market_has_before_ours_first() -> None:
    floor = Floor()
    floor.limit(SELL, 5, 1002)
    floor.limit(BUY, 15, 1002, self_trade=CANCEL_NEWEST)
    assert fills(floor.reports) == [(2, 1002, 10)]
    assert floor.status(2) == "EXPIRED"


def test_where_an_order_does_not_say_the_venues_own_rule_holds() -> None:
    floor = Floor(profile=open_terms(self_trade=SelfTrade.CANCEL_OLDEST))
    floor.limit(SELL, 10, 1001)
    floor.limit(BUY, 8, 1001)
    assert floor.status(1) == "EXPIRED"


def test_a_decremented_iceberg_shows_its_next_part() -> None:
    floor = Floor()
    floor.limit(SELL, 10, 1001, display_lots=4)
    floor.limit(BUY, 6, 1001, self_trade=DECREMENT)
    assert floor.asks()[0] == (1001, 2)
    assert floor.query(1).status_lots == 4


def test_time_moves_only_with_events_and_when_told() -> None:
    floor = Floor()
    before = floor.now
    floor.place(BUY, 1)
    assert floor.now == before
    floor.advance(2)
    assert floor.now == before + 2 * SECOND
