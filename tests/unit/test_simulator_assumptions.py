"""One test for each assumption of docs/assumptions.md, in its order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot4.domain.errors import SettingError
from bot4.domain.orders import EXIT_SLOTS, MAX_ORDERS, PROTECTIVE_STOP
from bot4.simulator.state import MAX_QUEUED, QUEUE_FULL, UNKNOWN_SYMBOL, open_venue
from tests.venue_harness import BUY, MINUTE, SELL, Market, fills, kinds, pair

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "assumptions.md"


def bought(lots: int = 10, **settings: float) -> Market:
    """A market in which we hold a long position, bought at 1000."""
    market = Market(**settings)  # type: ignore[arg-type]
    market.place(BUY, lots)
    market.bar(1000, 1000, 1000, 1000)
    assert market.net() == lots
    return market


def test_a_command_acts_on_the_first_bar_that_opens_after_it_and_closes_after_the_latency() -> None:
    market = Market(latency_ns=MINUTE + 1)
    market.place(BUY, 1)
    assert market.bar(1000, 1001, 999, 1000) == []
    assert fills(market.bar(1005, 1010, 1000, 1007)) == [(1, 1005, 1)]


def test_a_bar_that_was_open_when_the_command_was_sent_does_not_fill_it() -> None:
    market = Market()
    market.place(BUY, 1)
    market.now -= MINUTE // 2
    assert market.bar(1000, 1001, 999, 1000) == []
    assert fills(market.bar(1005, 1010, 1000, 1007)) == [(1, 1005, 1)]


def test_a_trade_at_the_very_moment_of_arrival_is_too_early() -> None:
    market = Market(latency_ns=1_000_000_000)
    market.place(BUY, 1)
    assert market.trade(1000, 1.0) == []
    assert fills(market.trade(1001, 1.0)) == [(1, 1001, 1)]


def test_a_market_order_fills_whole_at_the_open_of_the_bar() -> None:
    market = Market()
    market.place(BUY, 10_000)
    report = market.bar(1000, 1100, 900, 1050, volume=1e-9)[-1]
    assert (report.ticks, report.lots, report.is_maker) == (1000, 10_000, False)


def test_taking_fills_slip_against_us_rounded_to_whole_ticks() -> None:
    market = Market(slippage=0.0015)
    market.place(BUY, 2)
    assert fills(market.bar(1001, 1001, 1001, 1001)) == [(1, 1003, 2)]
    market.leave(SELL, 1)
    assert fills(market.bar(1001, 1001, 1001, 1001)) == [(2, 999, 1)]
    market.stop(SELL, 1, 980)
    assert fills(market.bar(990, 990, 970, 985)) == [(3, 978, 1)]


def test_a_stop_fills_at_its_price_when_touched() -> None:
    market = bought()
    market.stop(SELL, 10, 950)
    assert fills(market.bar(1000, 1000, 951, 960)) == []
    assert fills(market.bar(960, 970, 950, 960)) == [(2, 950, 10)]


def test_a_stop_fills_at_the_open_when_the_bar_gaps_through_it() -> None:
    market = Market()
    market.stop(BUY, 1, 1050)
    assert fills(market.bar(1070, 1080, 1060, 1070)) == [(1, 1070, 1)]


def test_a_limit_fills_only_when_traded_through() -> None:
    market = Market()
    market.limit(BUY, 1, 990)
    assert fills(market.bar(990, 1000, 990, 995)) == []
    report = market.bar(995, 999, 989, 995)[-1]
    assert (report.ticks, report.is_maker) == (990, True)


def test_a_resting_limit_gets_the_open_when_the_bar_opens_beyond_it() -> None:
    market = Market(slippage=0.01)
    market.limit(BUY, 1, 990)
    market.bar(1000, 1000, 995, 995)
    report = market.bar(980, 999, 979, 995)[-1]
    assert (report.ticks, report.is_maker) == (980, True)


def test_a_limit_that_is_marketable_on_arrival_takes_and_never_passes_its_price() -> None:
    market = Market(slippage=0.01)
    market.limit(BUY, 1, 1005)
    market.limit(BUY, 1, 1050)
    first, second = [r for r in market.bar(1000, 1020, 990, 1000) if r.kind == "ORDER_FILLED"]
    assert (first.ticks, first.is_maker) == (1005, False)
    assert (second.ticks, second.is_maker) == (1010, False)


def test_fees_are_the_instruments_and_rounded_up() -> None:
    market = Market(pair(maker="-0.0001"))
    market.place(BUY, 7)
    market.limit(BUY, 7, 990)
    taker, maker = [r for r in market.bar(1001, 1001, 980, 1000) if r.kind == "ORDER_FILLED"]
    assert taker.fee == -(-1001 * 7 * 1000 * 5 // 10_000)
    assert maker.fee == -(990 * 7 * 1000 // 10_000)


def test_nothing_fills_on_a_bar_without_volume() -> None:
    market = Market()
    market.place(BUY, 1)
    assert kinds(market.bar(1000, 1000, 1000, 1000, volume=0.0)) == [("ACCEPTED", 1)]
    assert market.bar(1000, 1000, 1000, 1000, volume=float("nan")) == []
    assert fills(market.bar(1010, 1010, 1010, 1010)) == [(1, 1010, 1)]


def test_an_entry_at_the_open_meets_its_own_stop_in_the_same_bar() -> None:
    market = Market()
    entry, stop, target = market.bracket(BUY, 10, 950, {1100: 10})
    assert fills(market.bar(1000, 1200, 940, 1150)) == [(entry, 1000, 10), (stop, 950, 10)]
    assert market.order(target) is None
    assert market.net() == 0


def test_a_stop_comes_before_the_targets_of_the_same_bar() -> None:
    market = Market()
    _, stop, target = market.bracket(BUY, 10, 950, {1100: 10})
    market.bar(1000, 1000, 1000, 1000)
    reports = market.bar(1000, 1200, 940, 1150)
    assert kinds(reports) == [("CANCELLED", target), ("FILLED", stop)]
    assert reports[0].why == "GROUP_DONE"


def test_an_entry_during_the_bar_meets_its_stop_at_its_price_but_no_target() -> None:
    market = Market()
    entry, stop, _ = market.bracket(BUY, 10, 985, {995: 10}, type=2, limit_ticks=990)
    assert fills(market.bar(1000, 1010, 986, 1000)) == [(entry, 990, 10)]
    market = Market()
    entry, stop, _ = market.bracket(BUY, 10, 1040, {1100: 10}, type=3, stop_ticks=1050)
    assert fills(market.bar(1000, 1200, 990, 1150)) == [(entry, 1050, 10), (stop, 1040, 10)]


def test_several_targets_fill_in_one_bar_nearest_first() -> None:
    market = Market()
    _, stop, far, near = market.bracket(BUY, 10, 950, {1200: 5, 1100: 5})
    market.bar(1000, 1000, 1000, 1000)
    reports = market.bar(1000, 1300, 990, 1250)
    assert fills(reports) == [(near, 1100, 5), (far, 1200, 5)]
    assert kinds(reports)[-2:] == [("CANCELLED", stop), ("FILLED", far)]


def test_a_targets_fill_reduces_the_stop_and_the_stop_ends_the_bracket() -> None:
    market = Market()
    _, stop, near, far = market.bracket(SELL, 10, 1050, {900: 3, 800: 7})
    market.bar(1000, 1000, 1000, 1000)
    assert fills(market.bar(1000, 1000, 890, 900)) == [(near, 900, 3)]
    assert market.order(stop)["qty_lots"] == 7
    assert fills(market.bar(900, 1060, 900, 1050)) == [(stop, 1050, 7)]
    assert (market.net(), len(market.orders())) == (0, 0)
    assert market.reports[-1].reason == 0
    assert far in [r.order_id for r in market.reports if r.kind == "ORDER_CANCELLED"]


def test_an_exit_of_the_group_takes_its_lots_off_the_stop_and_the_targets() -> None:
    market = Market()
    entry, stop, near, far = market.bracket(BUY, 10, 950, {1100: 3, 1200: 7})
    market.bar(1000, 1000, 1000, 1000)
    market.leave(SELL, 8, group_id=entry)
    market.bar(1000, 1000, 1000, 1000)
    assert market.order(stop)["qty_lots"] == 2
    assert market.order(near)["qty_lots"] == 2
    assert market.order(far) is None
    market.leave(SELL, 8, group_id=entry)
    assert [r.lots for r in market.bar(1000, 1000, 1000, 1000) if r.kind == "ORDER_FILLED"] == [2]
    assert (market.net(), len(market.orders())) == (0, 0)


def test_children_grow_with_each_partial_fill_of_their_entry() -> None:
    market = Market()
    entry, stop, near, far = market.bracket(BUY, 10, 950, {1100: 5, 1200: 5}, type=2, limit_ticks=990)
    reports = market.trade(980, 0.004)
    assert [(r.lots, r.reason) for r in reports if r.kind == "ORDER_FILLED"] == [(4, 6)]
    assert [market.order(i)["qty_lots"] for i in (stop, near, far)] == [4, 2, 2]
    market.trade(980, 0.006)
    assert [market.order(i)["qty_lots"] for i in (stop, near, far)] == [10, 5, 5]
    assert market.order(entry) is None


def test_a_stop_that_ends_its_bracket_cancels_what_is_left_of_the_entry() -> None:
    market = Market()
    entry, stop, _ = market.bracket(BUY, 10, 950, {1100: 10}, type=2, limit_ticks=990)
    market.trade(980, 0.004)
    assert fills(market.trade(940, 0.001)) != []
    assert (market.net(), market.order(entry), market.order(stop)) == (0, None, None)


def test_cancelling_an_entry_cancels_the_children_that_wait_for_it() -> None:
    market = Market()
    entry, stop, target = market.bracket(BUY, 10, 950, {1100: 10}, type=2, limit_ticks=990)
    market.bar(1000, 1000, 1000, 1000)
    market.cancel(entry)
    assert kinds(market.bar(1000, 1000, 900, 1000)) == [("CANCELLED", i) for i in (entry, stop, target)]


def test_a_replaced_stop_moves_but_keeps_its_brackets_quantity() -> None:
    market = Market()
    _, stop, _ = market.bracket(BUY, 10, 950, {1100: 5})
    market.bar(1000, 1000, 1000, 1000)
    market.bar(1000, 1110, 1000, 1100)
    market.place(BUY, 10)
    market.replace(stop, 10, stop=1050)
    reports = market.bar(1100, 1100, 1040, 1050)
    assert ("REPLACED", stop) in kinds(reports)
    assert fills(reports)[-1] == (stop, 1050, 5)


def test_a_replaced_order_of_its_own_takes_price_and_quantity() -> None:
    market = Market()
    order = market.limit(BUY, 10, 900)
    market.bar(1000, 1000, 1000, 1000)
    market.replace(order, 4, limit=950)
    assert fills(market.bar(1000, 1000, 940, 1000)) == [(order, 950, 4)]
    market.replace(order, 4, limit=950)
    assert market.bar(1000, 1000, 940, 1000)[0].why == "UNKNOWN_ORDER"


def test_a_reduce_only_order_is_cut_to_the_position_and_cancelled_when_there_is_none() -> None:
    market = bought(10)
    first, second = market.leave(SELL, 15), market.leave(SELL, 5)
    reports = market.bar(1000, 1000, 1000, 1000)
    assert fills(reports) == [(first, 1000, 10)]
    assert reports[-1].why == "NOTHING_TO_REDUCE"
    assert reports[-1].order_id == second


def test_a_reduce_only_order_may_be_smaller_than_the_minimum() -> None:
    market = bought(10)
    market.venue[0]["instruments"][0]["min_lots"] = 5
    market.leave(SELL, 3)
    market.place(BUY, 3)
    reports = market.bar(1000, 1000, 1000, 1000)
    assert fills(reports) == [(2, 1000, 3)]
    assert [r.why for r in reports if r.kind == "ORDER_REJECTED"] == ["BELOW_MIN_LOTS"]


def test_spot_cannot_be_sold_beyond_what_is_held() -> None:
    market = Market(pair(is_perpetual=False))
    market.place(SELL, 1)
    assert market.bar(1000, 1000, 1000, 1000)[0].why == "BEYOND_HOLDINGS"
    market.place(BUY, 5)
    market.bar(1000, 1000, 1000, 1000)
    market.limit(SELL, 4, 1100)
    market.limit(SELL, 4, 1110)
    reports = market.bar(1000, 1200, 1000, 1000)
    assert fills(reports) == [(3, 1100, 4)]
    assert (reports[-1].kind, reports[-1].why) == ("ORDER_CANCELLED", "BEYOND_HOLDINGS")


def test_the_port_takes_nothing_that_the_gate_did_not_approve() -> None:
    market = bought()
    order = market.limit(BUY, 1, 900)
    market.place(BUY, 1, approval_id=0)
    market.leave(SELL, 1, approval_id=0)
    market.bar(1000, 1000, 1000, 1000)
    market.send(3, id=order, qty_lots=5, limit_ticks=950)
    market.bar(1000, 1000, 1000, 1000)
    assert [r.why for r in market.reports if r.kind == "ORDER_REJECTED"] == ["NOT_APPROVED"] * 3


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"qty_lots": 0}, "BAD_QUANTITY"),
        ({"qty_lots": -5}, "BAD_QUANTITY"),
        ({"qty_lots": 2**62}, "ABOVE_MAX_LOTS"),
        ({"type": 2, "limit_ticks": 0}, "BAD_PRICE"),
        ({"type": 3, "stop_ticks": -1}, "BAD_PRICE"),
        ({"type": 9}, "BAD_ORDER"),
        ({"side": 0}, "BAD_ORDER"),
        ({"parent_id": 77}, "NO_PARENT"),
        ({"qty_lots": 2**60, "type": 2, "limit_ticks": 2**50}, "TOO_LARGE"),
    ],
)
def test_a_senseless_order_is_rejected_with_a_reason(fields: dict[str, int], why: str) -> None:
    market = Market()
    market.send(1, **{"id": 1, "approval_id": 1, "type": 1, "side": BUY, "qty_lots": 1, **fields})
    reports = market.bar(1000, 1000, 1000, 1000)
    assert [(r.kind, r.why) for r in reports] == [("ORDER_REJECTED", why)]


def test_cancelling_an_unknown_order_is_rejected() -> None:
    market = Market()
    market.cancel(99)
    report = market.bar(1000, 1000, 1000, 1000)[0]
    assert (report.kind, report.order_id, report.why) == ("ORDER_REJECTED", 99, "UNKNOWN_ORDER")


def test_an_order_below_the_minimum_notional_is_rejected() -> None:
    market = Market()
    market.venue[0]["instruments"][0]["min_notional_atoms"] = 1000 * 5 * 1000
    market.place(BUY, 4)
    market.place(BUY, 5)
    reports = market.bar(1000, 1000, 1000, 1000)
    assert reports[0].why == "BELOW_MIN_NOTIONAL"
    assert fills(reports) == [(2, 1000, 5)]


def test_a_full_table_keeps_room_for_exits() -> None:
    market = bought()
    for _ in range(MAX_ORDERS - EXIT_SLOTS + 1):
        last = market.limit(BUY, 1, 10)
        if last % 100 == 0:
            market.bar(1000, 1000, 1000, 1000)
    stop = market.stop(SELL, 10, 900, is_reduce_only=1, role=PROTECTIVE_STOP)
    reports = market.bar(1000, 1000, 1000, 1000)
    assert [(r.order_id, r.why) for r in reports if r.kind == "ORDER_REJECTED"] == [(last, "TABLE_FULL")]
    assert market.order(stop) is not None


def test_passive_orders_share_the_quantity_of_a_trade_in_the_order_of_their_ids() -> None:
    market = Market()
    first, second = market.limit(BUY, 5, 990), market.limit(BUY, 5, 995)
    market.trade(1000, 1.0)
    reports = market.trade(980, 0.007)
    assert fills(reports) == [(first, 990, 5), (second, 995, 2)]
    assert all(r.is_maker for r in reports)


def test_a_market_order_fills_whole_at_the_next_trade() -> None:
    market = Market()
    market.place(BUY, 1000)
    assert fills(market.trade(1000, 0.0001)) == [(1, 1000, 1000)]


def test_children_of_a_fill_on_a_trade_wait_for_the_next_trade() -> None:
    market = Market()
    entry, stop = market.bracket(BUY, 10, 1000, {})
    assert fills(market.trade(1000, 1.0)) == [(entry, 1000, 10)]
    assert fills(market.trade(999, 1.0)) == [(stop, 999, 10)]


def test_orders_of_one_symbol_are_not_touched_by_another() -> None:
    market = Market(pair("BTC"), pair("ETH"))
    market.place(BUY, 1, symbol=1)
    assert market.bar(1000, 1000, 1000, 1000, symbol=0) == []
    report = market.bar(50, 50, 50, 50, symbol=1)[-1]
    assert (report.symbol, report.ticks) == (1, 50)
    assert (market.net(0), market.net(1)) == (0, 1)


def test_trade_ids_rise_by_one_and_reports_carry_the_events_time() -> None:
    market = Market()
    market.place(BUY, 1)
    market.place(SELL, 2)
    reports = [r for r in market.bar(1000, 1000, 1000, 1000) if r.kind == "ORDER_FILLED"]
    assert [(r.trade_id, r.is_sell, r.ts_ns) for r in reports] == [(1, False, market.now), (2, True, market.now)]


def test_cancelling_everything_reaches_commands_on_their_way() -> None:
    market = Market()
    resting = market.limit(BUY, 1, 900)
    market.bar(1000, 1000, 1000, 1000)
    waiting = market.place(BUY, 1)
    assert kinds(market.cancel_all()) == [("CANCELLED", resting), ("CANCELLED", waiting)]
    assert market.bar(1000, 1000, 800, 1000) == []


def test_too_few_rows_for_reports_leave_everything_as_it_was() -> None:
    market = Market(n_reports=2)
    market.place(BUY, 1)
    before = market.venue.tobytes()
    with pytest.raises(AssertionError, match="full"):
        market.bar(1000, 1000, 1000, 1000)
    assert market.venue.tobytes() == before


def test_a_command_that_cannot_be_taken_says_so_at_once() -> None:
    market = Market()
    assert market.send(1, symbol=1) == UNKNOWN_SYMBOL
    statuses = [market.send(2, id=5) for _ in range(MAX_QUEUED + 1)]
    assert statuses[-1] == QUEUE_FULL


@pytest.mark.parametrize("settings", [{"order_latency_ns": -1}, {"slippage": -0.1}, {"slippage": float("nan")}])
def test_a_venue_out_of_bounds_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingError):
        open_venue(Market().instruments, **settings)  # type: ignore[arg-type]


def test_every_assumption_names_a_test_that_exists() -> None:
    named = re.findall(r"`(test_\w+)`", DOCUMENT.read_text(encoding="utf-8"))
    files = [*Path(__file__).parent.glob("test_simulator_*.py"), *Path(__file__).parent.glob("test_exchange_*.py")]
    there = {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)}
    assert len(named) > 60
    assert [name for name in named if name not in there] == []
