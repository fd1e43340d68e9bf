"""One cancels other, one triggers other, both together, and brackets: the state machine's every edge."""

from __future__ import annotations

import pytest

from bot4.domain.orders import (
    CANCELS_SIBLINGS,
    ENTRY,
    EXIT,
    HELD,
    LIMIT,
    POST_ONLY,
    PROTECTIVE_STOP,
    STOP,
    STOP_LIMIT,
    TARGET,
    WAITS_FOR_FULL_FILL,
)
from tests.exchange_harness import BUY, SELL, Floor, Report, fills, kinds, open_terms

BOTH = CANCELS_SIBLINGS | WAITS_FOR_FULL_FILL


def with_children(
    floor: Floor, lots: int = 10, entry: int = 1001, target: int = 1010, stop: int = 990, flags: int = BOTH
) -> list[Report]:
    """A limit entry that triggers a one-cancels-other: entry 1, target 2, stop 3."""
    parent = floor.order(BUY, lots, type=LIMIT, limit_ticks=entry)
    child = {"parent_id": 1, "group_id": 1, "flags": flags, "status": HELD}
    return floor.request(
        parent,
        floor.order(SELL, lots, type=LIMIT, limit_ticks=target, **child),
        floor.order(SELL, lots, type=STOP, stop_ticks=stop, **child),
    )


# --- one cancels other -----------------------------------------------------------------------------------------------


def test_the_first_fill_of_a_leg_cancels_the_other_before_it_is_reported() -> None:
    floor = Floor()
    floor.legs(SELL, 10, limit=1001, stop=990)
    reports = floor.trade(1001, 3, BUY)
    assert kinds(reports) == [("CANCELLED", 2), ("FILLED", 1)]
    assert reports[0].why == "GROUP_DONE"
    assert fills(floor.trade(1001, 20, BUY)) == [(1, 1001, 7)], "a leg that filled in part goes on"


def test_a_trigger_of_a_leg_cancels_the_other_before_it_takes() -> None:
    floor = Floor()
    floor.legs(SELL, 10, limit=1001, stop=990)
    assert kinds(floor.trade(990, 1, SELL)) == [("CANCELLED", 1), ("TRIGGERED", 2), ("FILLED", 2)]


def test_both_legs_touched_in_one_event_fill_one_quantity() -> None:
    floor = Floor()
    floor.trade(1001, 1)
    floor.legs(SELL, 10, limit=1003, stop=1003)
    reports = floor.trade(1003, 50, BUY)
    assert fills(reports) == []
    assert kinds(reports) == [("CANCELLED", 1), ("TRIGGERED", 2)] or sum(q for _, _, q in fills(floor.reports)) <= 10


def test_both_legs_reached_by_one_bar_fill_one_quantity() -> None:
    floor = Floor(is_two_sided=False)
    floor.legs(SELL, 10, limit=1020, stop=990)
    reports = floor.bar(1000, 1030, 980, 1000)
    assert sum(lots for _, _, lots in fills(reports)) == 10
    assert [kind for kind, _ in kinds(reports)] == ["CANCELLED", "FILLED"]


def test_both_legs_that_can_take_on_arrival_fill_one_quantity() -> None:
    floor = Floor()
    floor.trade(1001, 1)
    reports = floor.legs(SELL, 10, limit=999, stop=1001)
    assert fills(reports) == [(1, 1000, 10)]
    assert kinds(reports) == [("ACCEPTED", 1), ("ACCEPTED", 2), ("CANCELLED", 2), ("FILLED", 1)]


def test_a_leg_that_comes_after_the_other_has_filled_is_refused() -> None:
    floor = Floor()
    group = {"group_id": 77, "flags": CANCELS_SIBLINGS}
    floor.limit(SELL, 5, 1000, **group)
    (report,) = floor.stop(SELL, 5, 990, **group)
    assert (report.kind, report.why) == ("ORDER_REJECTED", "GROUP_DONE")
    assert floor.net() == -5


def test_a_leg_that_comes_while_the_other_is_partly_filled_is_refused() -> None:
    floor = Floor()
    group = {"group_id": 77, "flags": CANCELS_SIBLINGS}
    floor.limit(SELL, 15, 1000, **group)
    assert floor.stop(SELL, 5, 990, **group)[0].why == "GROUP_DONE"


def test_cancelling_a_leg_cancels_the_other() -> None:
    floor = Floor()
    floor.legs(SELL, 10, limit=1001, stop=990)
    assert kinds(floor.cancel(2)) == [("CANCELLED", 2), ("CANCELLED", 1)]


def test_cancelling_a_leg_leaves_the_other_where_the_venue_says_so() -> None:
    floor = Floor(profile=open_terms(leg_end_ends_group=False))
    floor.legs(SELL, 10, limit=1001, stop=990)
    assert kinds(floor.cancel(2)) == [("CANCELLED", 2)]
    assert floor.status(1) == "WORKING"


def test_a_cancel_that_comes_after_the_fill_is_refused_and_changes_nothing() -> None:
    floor = Floor()
    floor.legs(SELL, 10, limit=1001, stop=990)
    floor.trade(1001, 10, BUY)
    for order_id, status in ((1, "FILLED"), (2, "CANCELLED")):
        (report,) = floor.cancel(order_id)
        assert (report.kind, report.why, report.flags) == ("ORDER_REJECTED", "UNKNOWN_ORDER", 8)
        assert floor.status(order_id) == status


def test_a_leg_that_triggers_and_is_then_refused_leaves_no_leg() -> None:
    floor = Floor()
    group = {"group_id": 9, "flags": CANCELS_SIBLINGS}
    floor.request(
        floor.order(SELL, 5, type=LIMIT, limit_ticks=1003, **group),
        floor.order(SELL, 5, type=STOP_LIMIT, stop_ticks=995, limit_ticks=999, group_id=9, flags=16 | POST_ONLY),
    )
    reports = floor.trade(995, 1, SELL)
    assert kinds(reports) == [("CANCELLED", 1), ("TRIGGERED", 2), ("REJECTED", 2)]
    assert reports[-1].why == "WOULD_TAKE"
    assert (floor.status(1), floor.status(2)) == ("CANCELLED", "REJECTED")


def test_legs_of_one_group_never_trade_with_one_another() -> None:
    floor = Floor()
    group = {"group_id": 9, "flags": CANCELS_SIBLINGS}
    floor.request(
        floor.order(SELL, 5, type=LIMIT, limit_ticks=1001, **group),
        floor.order(BUY, 5, type=LIMIT, limit_ticks=1001, **group),
    )
    assert fills(floor.reports) == []
    assert (floor.status(1), floor.status(2)) == ("CANCELLED", "EXPIRED")


def test_a_venue_without_one_cancels_other_refuses_the_legs() -> None:
    floor = Floor(profile=open_terms(has_native_oco=False))
    assert [r.why for r in floor.legs(SELL, 5, 1001, 990)] == ["UNSUPPORTED", "UNSUPPORTED"]


def test_legs_sent_together_are_taken_together_or_not_at_all() -> None:
    floor = Floor()
    group = {"group_id": 9, "flags": CANCELS_SIBLINGS}
    reports = floor.request(
        floor.order(SELL, 5, type=LIMIT, limit_ticks=999, **group),
        floor.order(SELL, 5, type=STOP, stop_ticks=0, **group),
    )
    assert kinds(reports) == [("ACCEPTED", 1), ("REJECTED", 2), ("CANCELLED", 1)]
    assert floor.net() == 0, "nothing of it has met the market"


def test_a_list_that_is_sent_again_is_refused_and_leaves_the_first_alone() -> None:
    floor = Floor()
    group = {"group_id": 9, "flags": CANCELS_SIBLINGS}
    legs = [
        floor.order(SELL, 5, type=LIMIT, limit_ticks=1010, **group),
        floor.order(SELL, 5, type=STOP, stop_ticks=990, **group),
    ]
    floor.request(*legs)
    assert kinds(floor.request(*legs)) == [("REJECTED", 1), ("REJECTED", 2)]
    assert (floor.status(1), floor.status(2)) == ("WORKING", "WORKING")


def test_an_entry_is_not_taken_where_the_exit_that_waits_for_it_is_refused() -> None:
    floor = Floor()
    floor.request(
        floor.order(BUY, 5),
        floor.order(SELL, 5, type=LIMIT, limit_ticks=-1, parent_id=1, flags=WAITS_FOR_FULL_FILL),
    )
    assert kinds(floor.reports) == [("ACCEPTED", 1), ("REJECTED", 2), ("CANCELLED", 1)]


# --- one triggers other ----------------------------------------------------------------------------------------------


def test_a_held_child_starts_with_its_share_of_every_fill() -> None:
    floor = Floor()
    floor.request(
        floor.order(BUY, 10, type=LIMIT, limit_ticks=1001),
        floor.order(SELL, 5, type=LIMIT, limit_ticks=1010, parent_id=1, status=HELD),
    )
    assert kinds(floor.trade(1001, 4, SELL)) == [("FILLED", 1), ("ACCEPTED", 2)]
    assert floor.query(2).status_lots == 2
    floor.trade(1001, 6, SELL)
    assert floor.query(2).status_lots == 5


def test_a_child_that_waits_for_the_whole_fill_starts_whole() -> None:
    floor = Floor()
    with_children(floor)
    assert kinds(floor.trade(1001, 9, SELL)) == [("FILLED", 1)]
    assert floor.status(2) == "HELD"
    assert kinds(floor.trade(1001, 9, SELL)) == [("FILLED", 1), ("ACCEPTED", 2), ("ACCEPTED", 3)]
    assert floor.query(2).status_lots == 10


def test_a_parent_that_takes_at_once_starts_children_of_the_same_call() -> None:
    floor = Floor()
    reports = with_children(floor, entry=1002)
    assert kinds(reports) == [("ACCEPTED", 1), ("FILLED", 1), ("ACCEPTED", 2), ("ACCEPTED", 3)]


def test_a_child_that_comes_after_its_parent_has_filled_starts_at_once() -> None:
    floor = Floor()
    floor.place(BUY, 10)
    reports = floor.limit(SELL, 10, 1010, parent_id=1, status=HELD)
    assert kinds(reports) == [("ACCEPTED", 2)]
    assert floor.asks(9)[-1] == (1010, 10)


def test_a_child_of_a_parent_that_ended_without_a_fill_is_refused() -> None:
    floor = Floor()
    floor.limit(BUY, 10, 990)
    floor.cancel(1)
    assert floor.limit(SELL, 10, 1010, parent_id=1)[0].why == "NO_PARENT"
    assert floor.limit(SELL, 10, 1010, parent_id=99)[0].why == "NO_PARENT"


def test_cancelling_a_parent_cancels_the_children_that_wait() -> None:
    floor = Floor()
    with_children(floor)
    floor.trade(1001, 4, SELL)
    reports = floor.cancel(1)
    assert kinds(reports) == [("CANCELLED", 1), ("CANCELLED", 2), ("CANCELLED", 3)]
    assert {r.why for r in reports[1:]} == {"PARENT_GONE"}


def test_an_expired_parent_takes_its_children_with_it() -> None:
    floor = Floor()
    floor.request(
        floor.order(BUY, 20, type=LIMIT, limit_ticks=1002, time_in_force=2),
        floor.order(SELL, 20, type=LIMIT, limit_ticks=1010, parent_id=1, flags=WAITS_FOR_FULL_FILL),
    )
    assert kinds(floor.reports) == [("ACCEPTED", 1), ("EXPIRED", 1), ("CANCELLED", 2)]


def test_both_together_end_in_exactly_one_exit() -> None:
    floor = Floor()
    with_children(floor, entry=1002)
    reports = floor.trade(990, 5, SELL)
    assert kinds(reports) == [("CANCELLED", 2), ("TRIGGERED", 3), ("FILLED", 3)]
    assert floor.net() == 0
    assert len(floor.exchange.open_orders()) == 0


def test_cancelling_a_held_leg_cancels_the_held_other() -> None:
    floor = Floor()
    with_children(floor)
    assert kinds(floor.cancel(3)) == [("CANCELLED", 3), ("CANCELLED", 2)]
    assert kinds(floor.trade(1001, 10, SELL)) == [("FILLED", 1)]


def test_a_child_of_a_child_that_was_cancelled_goes_too() -> None:
    floor = Floor()
    floor.request(
        floor.order(BUY, 5, type=LIMIT, limit_ticks=1001),
        floor.order(SELL, 5, type=LIMIT, limit_ticks=1010, parent_id=1),
        floor.order(BUY, 5, type=LIMIT, limit_ticks=1001, parent_id=2),
    )
    assert [order_id for _, order_id in kinds(floor.cancel(1))] == [1, 2, 3]


def test_a_venue_that_holds_no_orders_refuses_children() -> None:
    floor = Floor(profile=open_terms(has_native_oto=False))
    floor.limit(BUY, 5, 1001)
    assert floor.limit(SELL, 5, 1010, parent_id=1)[0].why == "UNSUPPORTED"


# --- brackets --------------------------------------------------------------------------------------------------------


def bracket(floor: Floor, lots: int = 10) -> list[Report]:
    """A market entry 1, its stop 2 and two targets 3 and 4 that share one quantity."""
    child = {"parent_id": 1, "group_id": 1, "is_reduce_only": 1, "status": HELD}
    half = lots // 2
    return floor.request(
        floor.order(BUY, lots, role=ENTRY, group_id=1),
        floor.order(SELL, lots, type=STOP, stop_ticks=990, role=PROTECTIVE_STOP, **child),
        floor.order(SELL, half, type=LIMIT, limit_ticks=1010, role=TARGET, **child),
        floor.order(SELL, lots - half, type=LIMIT, limit_ticks=1020, role=TARGET, **child),
    )


def test_a_targets_fill_reduces_the_stop_of_its_bracket() -> None:
    floor = Floor()
    bracket(floor)
    assert fills(floor.trade(1010, 3, BUY)) == [(3, 1010, 3)]
    assert floor.query(2).status_lots == 7


def test_the_stop_ends_its_bracket_and_never_sells_what_the_targets_sold() -> None:
    floor = Floor()
    bracket(floor)
    floor.trade(1010, 5, BUY)
    reports = floor.trade(990, 1, SELL)
    assert kinds(reports) == [("TRIGGERED", 2), ("CANCELLED", 4), ("FILLED", 2)]
    assert floor.net() == 0


def test_an_exit_of_the_group_takes_its_lots_off_the_stop() -> None:
    floor = Floor()
    bracket(floor)
    floor.place(SELL, 4, role=EXIT, group_id=1, is_reduce_only=1)
    assert floor.query(2).status_lots == 6
    assert floor.net() == 6


def test_where_a_venue_keeps_no_brackets_a_group_is_only_a_name() -> None:
    floor = Floor(profile=open_terms(has_native_brackets=False))
    floor.place(BUY, 10, group_id=1)
    floor.stop(SELL, 10, 990, group_id=1, role=PROTECTIVE_STOP)
    floor.limit(SELL, 10, 1001, group_id=1, role=TARGET)
    floor.trade(1001, 10, BUY)
    assert floor.query(2).status_lots == 10
    floor.trade(990, 1, SELL)
    assert floor.net() == -10, "two exits that know nothing of one another overfill: the manager has to flatten it"


@pytest.mark.parametrize("lots", [1, 3, 7, 10, 40])
def test_a_native_one_cancels_other_sells_no_more_than_its_quantity(lots: int) -> None:
    floor = Floor()
    floor.legs(SELL, 10, limit=1001, stop=990)
    for ticks in (1001, 990, 1001, 985):
        floor.trade(ticks, lots, BUY if ticks > 1000 else SELL)
    assert floor.net() >= -10
