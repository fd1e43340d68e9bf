"""The network alone, before a venue that says yes to everything: what arrives, when, in which order, and what not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bot4.domain.errors import Halted
from bot4.domain.events import (
    ABOUT_CANCEL,
    ABOUT_REPLACE,
    BOOK_CHANGE,
    EVENT,
    IS_BOOK_RESET,
    ORDER_REJECTED,
    TRADE,
    EventKind,
)
from bot4.domain.orders import CANCEL, COMMAND, PLACE, QUERY, REPLACE
from bot4.domain.venue_reasons import BANNED, MAINTENANCE, QUEUE_OVERFLOW
from bot4.simulator.network.faults import FaultSettings, LastingFault, NetworkSettings, ScriptedFault
from bot4.simulator.network.latency import LatencySettings
from bot4.simulator.network.networked import NetworkedExchange
from bot4.simulator.network.state import NEVER, FaultKind
from tests.echo_venue import EchoVenue

MS = 1_000_000
START = 10**15
CALM = {"request": LatencySettings(least_ms=10), "report": LatencySettings(least_ms=20)}


def network(
    *script: ScriptedFault, seed: int = 1, rates: dict[str, Any] | None = None, **settings: Any
) -> NetworkedExchange:
    faults = FaultSettings(script=script, **(rates or {}))
    return NetworkedExchange(
        EchoVenue(START), NetworkSettings(**{**CALM, "timeout_ms": 1_000, **settings}, faults=faults), seed
    )


def fault(kind: FaultKind, **fields: Any) -> ScriptedFault:
    return ScriptedFault(kind=kind, **fields)


def joined(*parts: Any) -> Any:
    """Events one after another; NumPy's own concatenation lays fields that share bytes apart."""
    events = np.zeros(sum(len(part) for part in parts), EVENT)
    at = 0
    for part in parts:
        events[at : at + len(part)] = part
        at += len(part)
    return events


def command(kind: int, order_id: int, at_ms: float = 0, lots: int = 10) -> Any:
    commands = np.zeros(1, COMMAND)
    commands["kind"], commands["ts_ns"] = kind, START + round(at_ms * MS)
    commands["order"]["id"], commands["order"]["qty_lots"] = order_id, lots
    return commands


def trade(at_ms: float, units: int = 1) -> Any:
    events = np.zeros(1, EVENT)
    events["ts_ns"], events["kind"], events["price_ticks"], events["quantity"] = (
        START + round(at_ms * MS),
        TRADE,
        100,
        units,
    )
    return events


def change(at_ms: float, ticks: int = 100) -> Any:
    events = np.zeros(1, EVENT)
    events["ts_ns"], events["kind"], events["level_ticks"] = START + round(at_ms * MS), BOOK_CHANGE, ticks
    events["level_side"], events["level_quantity"] = 1, 1.0
    return events


def heard(net: NetworkedExchange, until_ms: float, *, market: bool = False) -> list[tuple[str, int, float]]:
    """What reached us, of which order, after how many milliseconds."""
    events, arrived = net.arrivals(START + round(until_ms * MS))
    return [
        (EventKind(event["kind"]).name, int(event["order_id"]), (int(at) - START) / MS)
        for event, at in zip(events, arrived, strict=True)
        if market or event["kind"] < 10
    ]


def venue(net: NetworkedExchange) -> EchoVenue:
    assert isinstance(net.exchange, EchoVenue)
    return net.exchange


def test_a_command_arrives_after_the_latency_of_requests_and_its_answer_after_that_of_reports() -> None:
    net = network()
    assert len(net.send(command(PLACE, 1))) == 0
    assert heard(net, 29.9) == []
    assert venue(net).taken == [(START + 10 * MS, PLACE, 1)]
    assert heard(net, 30) == [("ORDER_ACCEPTED", 1, 30.0)]
    assert heard(net, 5_000) == []


def test_a_command_acts_between_the_market_events_before_and_after_its_arrival() -> None:
    net = network()
    net.send(command(PLACE, 1))
    assert net.feed(joined(trade(9), trade(10), trade(11, 4))) == 3
    assert [(kind, at) for kind, _, at in heard(net, 100)] == [
        ("ORDER_ACCEPTED", 30.0),
        ("ORDER_FILLED", 30.0),  # the command came first at 10 ms: it was sent before that trade was known
        ("ORDER_FILLED", 31.0),
    ]


def test_the_market_reaches_us_after_the_latency_of_the_feed() -> None:
    net = network(feed=LatencySettings(least_ms=7))
    net.feed(joined(trade(1), change(2)))
    assert [at for _, _, at in heard(net, 50, market=True)] == [8.0, 9.0]


def test_reading_reports_leaves_the_market_to_be_read() -> None:
    net = network()
    net.send(command(PLACE, 1))
    net.feed(trade(15))
    assert [int(row["kind"]) for row in net.reports(START + 50 * MS)] == [1, 3]
    assert [kind for kind, _, _ in heard(net, 50, market=True)] == ["TRADE"]


@pytest.mark.parametrize("law", ["log_normal", "recorded"])
def test_independent_latencies_reorder_and_first_in_first_out_does_not(law: str) -> None:
    for is_fifo in (False, True):
        slow = LatencySettings(law=law, median_ms=20, sigma=1.0, recorded_ns=(MS, 50 * MS, 9 * MS), is_fifo=is_fifo)
        net = network(request=slow)
        for k in range(1, 40):
            net.send(command(PLACE, k, at_ms=k))
        net.advance(START + 10_000 * MS)
        ids = [order_id for _, _, order_id in venue(net).taken]
        assert sorted(ids) == list(range(1, 40))
        assert (ids == sorted(ids)) is is_fifo


def test_replayed_latencies_come_in_their_order_and_again() -> None:
    net = network(request=LatencySettings(law="replayed", recorded_ns=(MS, 3 * MS, 2 * MS)))
    for k in range(5):
        net.send(command(PLACE, k + 1, at_ms=100 * k))
        net.advance(START + (100 * k + 50) * MS)
    assert [(ts - START) / MS % 100 for ts, _, _ in venue(net).taken] == [1, 3, 2, 1, 3]


def test_the_latency_of_one_direction_does_not_move_another() -> None:
    def order_arrivals(report: LatencySettings) -> list[int]:
        net = network(request=LatencySettings(law="log_normal", median_ms=5, sigma=0.5), report=report)
        for k in range(1, 20):
            net.send(command(PLACE, k, at_ms=k))
        net.advance(START + 10_000 * MS)
        return [ts for ts, _, _ in venue(net).taken]

    assert order_arrivals(LatencySettings()) == order_arrivals(LatencySettings(law="log_normal", median_ms=3, sigma=1))


def family(*orders: tuple[int, int], at_ms: float = 0) -> Any:
    """An order and its children, as (id, parent's id), placed together."""
    commands = np.zeros(len(orders), COMMAND)
    for row, (order_id, parent_id) in zip(commands, orders, strict=True):
        row["kind"], row["ts_ns"] = PLACE, START + round(at_ms * MS)
        row["order"]["id"], row["order"]["parent_id"], row["order"]["qty_lots"] = order_id, parent_id, 10
    return commands


def test_an_order_and_its_children_are_one_request() -> None:
    net = network(request=LatencySettings(jitter_ms=500), rates={"lost_request": 0.3})
    asked: list[list[int]] = []
    request = net.exchange.request
    net.exchange.request = lambda commands: asked.append(commands["order"]["id"].tolist()) or request(commands)  # type: ignore[method-assign, func-returns-value]
    for k in range(0, 400, 4):
        net.send(family((k + 1, 0), (k + 2, k + 1), (k + 3, k + 1), at_ms=k))
    events = net.reports(START + 20_000 * MS)
    assert 40 < len(asked) < 100
    assert all(ids == [ids[0], ids[0] + 1, ids[0] + 2] for ids in asked)
    unknown = events["order_id"][events["kind"] == 7]
    assert len(unknown) == 3 * (100 - len(asked))
    assert len(set(unknown.tolist())) == len(unknown)


def test_a_child_placed_later_goes_its_own_way() -> None:
    net = network()
    net.send(family((1, 0)))
    net.send(family((2, 1), at_ms=1))
    net.advance(START + 100 * MS)
    assert [ts - START for ts, _, _ in venue(net).taken] == [10 * MS, 11 * MS]


# --- faults ---


@pytest.mark.parametrize(("kind", "flags"), [(PLACE, 0), (CANCEL, ABOUT_CANCEL), (REPLACE, ABOUT_REPLACE)])
def test_a_lost_request_never_arrives_and_is_unknown_at_the_time_out(kind: int, flags: int) -> None:
    net = network(fault(FaultKind.LOST_REQUEST))
    net.send(command(kind, 1))
    events, arrived = net.arrivals(START + 3_000 * MS)
    assert venue(net).taken == []
    assert (events["kind"].tolist(), events["flags"].tolist()) == ([7], [flags])
    assert arrived.tolist() == [START + 1_000 * MS]


def test_a_lost_answer_is_unknown_at_the_time_out_though_the_venue_acted() -> None:
    net = network(fault(FaultKind.LOST_ANSWER))
    net.send(command(PLACE, 1))
    net.feed(trade(15))
    assert heard(net, 3_000) == [("ORDER_FILLED", 1, 35.0), ("ORDER_UNKNOWN", 1, 1_000.0)]
    assert venue(net).taken == [(START + 10 * MS, PLACE, 1)]


def test_a_late_request_is_unknown_first_and_acts_and_is_answered_all_the_same() -> None:
    net = network(fault(FaultKind.LATE_REQUEST), rates={"extra_delay_ms": 1e6})
    net.send(command(PLACE, 1))
    assert heard(net, 1_000) == [("ORDER_UNKNOWN", 1, 1_000.0)]
    net.advance(START + 100_000_000 * MS)
    assert len(venue(net).taken) == 1
    assert [kind for kind, _, _ in heard(net, 200_000_000)] == ["ORDER_ACCEPTED"]


def test_a_request_that_is_later_than_its_validity_never_acts() -> None:
    net = network(fault(FaultKind.LATE_REQUEST), rates={"extra_delay_ms": 1e6}, validity_ms=2_000)
    net.send(command(PLACE, 1))
    assert heard(net, 3_000_000) == [("ORDER_UNKNOWN", 1, 1_000.0)]
    assert venue(net).taken == []


def test_a_slow_answer_comes_after_the_time_out_and_both_are_heard() -> None:
    net = network(report=LatencySettings(least_ms=1_500))
    net.send(command(PLACE, 1))
    assert heard(net, 3_000) == [("ORDER_UNKNOWN", 1, 1_000.0), ("ORDER_ACCEPTED", 1, 1_510.0)]


def test_a_query_that_gets_no_answer_is_not_heard_of() -> None:
    net = network(fault(FaultKind.LOST_REQUEST))
    net.send(command(QUERY, 1))
    net.send(command(QUERY, 2))
    assert heard(net, 3_000) == [("ORDER_STATUS", 2, 30.0)]


def test_a_refusal_says_what_was_refused_and_never_reaches_the_book() -> None:
    net = network(fault(FaultKind.REFUSAL, times=2))
    net.send(command(PLACE, 1))
    net.send(command(CANCEL, 1))
    events = net.reports(START + 100 * MS)
    assert events["kind"].tolist() == [ORDER_REJECTED, ORDER_REJECTED]
    assert events["flags"].tolist() == [0, ABOUT_CANCEL]
    assert (events["reason"] > 0).all()
    assert venue(net).taken == []


def test_a_duplicated_report_comes_twice_the_same() -> None:
    net = network(fault(FaultKind.DUPLICATED_REPORT, nth=2))
    net.send(command(PLACE, 1))
    net.feed(trade(15))
    events = net.reports(START + 100_000 * MS)
    assert events["kind"].tolist() == [1, 3, 3]
    assert events[1].tobytes() == events[2].tobytes()


def test_a_delayed_report_comes_later_than_its_latency() -> None:
    net = network(fault(FaultKind.DELAYED_REPORT), timeout_ms=3_600_000)
    net.send(command(PLACE, 1))
    ((kind, _, at),) = heard(net, 3_000_000)
    assert kind == "ORDER_ACCEPTED"
    assert at > 30.0


def test_a_reordered_report_is_overtaken_by_later_ones() -> None:
    overtaken = 0
    for seed in range(20):
        net = network(fault(FaultKind.REORDERED_REPORT), seed=seed)
        net.send(command(PLACE, 1))
        net.feed(trade(11))
        overtaken += [kind for kind, _, _ in heard(net, 100_000)] == ["ORDER_FILLED", "ORDER_ACCEPTED"]
    assert overtaken > 15


def test_the_venue_cancels_the_rest_once_a_part_has_filled() -> None:
    net = network(fault(FaultKind.PARTIAL_THEN_CANCEL))
    net.send(command(PLACE, 1, lots=1_000))
    for k in range(1_000):
        net.feed(trade(20 + k))
    events = net.reports(START + 100_000 * MS)
    assert events["kind"].tolist()[0] == 1
    assert events["kind"].tolist()[-1] == 4
    assert (events["kind"][1:-1] == 3).all()
    assert 0 < events["fill_lots"][events["kind"] == 3].sum() < 1_000
    assert venue(net).open == {}


def test_a_silent_stream_answers_and_pushes_nothing() -> None:
    net = network(fault(FaultKind.SILENT_STREAM, at_ns=START, duration_ms=100))
    net.send(command(PLACE, 1))
    net.feed(joined(trade(50), trade(101)))
    assert net.is_connected
    assert heard(net, 500) == [("ORDER_ACCEPTED", 1, 30.0), ("ORDER_FILLED", 1, 121.0)]


def test_while_disconnected_nothing_passes_either_way_and_we_know() -> None:
    net = network(fault(FaultKind.DISCONNECT, at_ns=START + 40 * MS, duration_ms=100))
    net.send(command(PLACE, 1))
    net.feed(trade(50))
    assert not net.is_connected
    net.send(command(PLACE, 2, at_ms=60))
    net.advance(START + 140 * MS)
    assert net.is_connected
    assert net.n_connections == 1
    net.feed(trade(150))
    assert heard(net, 5_000) == [("ORDER_ACCEPTED", 1, 30.0), ("ORDER_FILLED", 1, 170.0), ("ORDER_UNKNOWN", 2, 1_060.0)]
    assert [order_id for _, _, order_id in venue(net).taken] == [1]


@pytest.mark.parametrize(("kind", "reason"), [(FaultKind.MAINTENANCE, MAINTENANCE), (FaultKind.BAN, BANNED)])
def test_maintenance_and_bans_refuse_every_command_while_they_last(kind: FaultKind, reason: int) -> None:
    net = network(fault(kind, at_ns=START, duration_ms=100))
    net.send(command(PLACE, 1))
    net.send(command(PLACE, 2, at_ms=95))
    events = net.reports(START + 500 * MS)
    assert events[["kind", "order_id", "reason"]].tolist() == [(ORDER_REJECTED, 1, reason), (1, 2, 0)]


def test_there_is_no_market_in_maintenance() -> None:
    net = network(fault(FaultKind.MAINTENANCE, at_ns=START + 20 * MS, duration_ms=100))
    assert net.feed(joined(trade(10), trade(50))) == 1
    assert not net.is_market_open
    net.advance(START + 121 * MS)
    assert net.feed(trade(121)) == 1


def test_a_skewed_clock_is_what_the_venue_sees_on_our_commands() -> None:
    seen: list[int] = []
    net = network(fault(FaultKind.CLOCK_SKEW, at_ns=START + 50 * MS, duration_ms=10), rates={"skew_ms": -300.0})
    request = net.exchange.request
    net.exchange.request = lambda commands: seen.extend(commands["ts_ns"].tolist()) or request(commands)  # type: ignore[method-assign, func-returns-value]
    for at_ms in (0, 55, 70):
        net.send(command(PLACE, at_ms + 1, at_ms=at_ms))
    net.advance(START + 1_000 * MS)
    assert [(ts - START) / MS for ts in seen] == [0, -245, 70]


def test_a_venue_that_falls_loses_what_arrives_and_comes_back_with_what_it_had() -> None:
    net = network(fault(FaultKind.VENUE_CRASH, at_ns=START + 40 * MS, duration_ms=100))
    net.send(command(PLACE, 1))
    net.send(command(PLACE, 2, at_ms=35))
    net.advance(START + 39 * MS)
    assert net.feed(trade(50)) == 0
    assert not net.is_connected
    venue(net).open.clear()  # whatever was in its memory
    assert net.feed(trade(150)) == 1
    assert net.is_connected
    assert heard(net, 5_000) == [("ORDER_ACCEPTED", 1, 30.0), ("ORDER_FILLED", 1, 170.0), ("ORDER_UNKNOWN", 2, 1_035.0)]


def test_what_is_on_its_way_to_us_when_we_fall_is_lost_and_commands_act_all_the_same() -> None:
    net = network()
    net.send(command(PLACE, 1))
    net.advance(START + 5 * MS)
    assert net.crash_us(down_ns=50 * MS) == 0
    net.feed(joined(trade(20), trade(60)))
    assert net.we_return_ns == START + 55 * MS
    assert heard(net, 5_000) == [("ORDER_FILLED", 1, 80.0)]
    assert venue(net).taken == [(START + 10 * MS, PLACE, 1)]


def test_a_scripted_fall_of_ours_loses_unread_letters_too() -> None:
    net = network(fault(FaultKind.OUR_CRASH, at_ns=START + 100 * MS, duration_ms=1))
    net.send(command(PLACE, 1))
    net.advance(START + 200 * MS)
    assert net.n_our_crashes == 1
    assert heard(net, 1_000) == []


def test_a_gap_in_the_book_ends_in_a_reset_and_a_snapshot() -> None:
    net = network(fault(FaultKind.BOOK_GAP, nth=3))
    net.feed(joined(*(change(k, 200 + k) for k in range(60))))
    events, _ = net.arrivals(START + 100 * MS)
    reset = int(np.flatnonzero(events["flags"] & IS_BOOK_RESET)[0])
    assert reset == 2
    levels = events[["level_side", "level_ticks", "level_quantity"]][reset + 1 : reset + 4].tolist()
    assert levels == [(1, 99, 0.005), (1, 98, 0.007), (-1, 101, 0.006)]
    assert len(events) < 60 + 4
    after = events["level_ticks"][reset + 4 :].tolist()
    assert after == list(range(200 + 60 - len(after), 260))


# --- the queue ---


def test_letters_arrive_in_order_of_time_and_ties_in_the_order_of_sending() -> None:
    net = network(request=LatencySettings(jitter_ms=300), report=LatencySettings(jitter_ms=300))
    for k in range(1, 300):
        net.send(command(PLACE, k, at_ms=k % 7))
    arrived = net.arrivals(START + 5_000 * MS)[1]
    assert len(arrived) == 299
    assert (np.diff(arrived) >= 0).all()
    calm = network()
    for k in range(1, 50):
        calm.send(command(PLACE, k))
    assert [order_id for _, order_id, _ in heard(calm, 100)] == list(range(1, 50))


def test_a_command_for_which_there_is_no_room_is_refused_at_the_door() -> None:
    net = network(letter_limit=20, report_reserve=10)
    refused = [net.send(command(PLACE, k)) for k in range(1, 30)]
    doors = joined(*refused)
    assert 0 < len(doors) < 29
    assert (doors["reason"] == QUEUE_OVERFLOW).all()
    assert [k for k, rows in enumerate(refused, 1) if len(rows)] == doors["order_id"].tolist()
    taken = 29 - len(doors)
    assert len(heard(net, 1_000)) == taken, "every command that was taken is answered"


def test_no_report_is_lost_however_slowly_we_read() -> None:
    net = network(letter_limit=64, report_reserve=20)
    filled = refused = 0
    heard_of: list[Any] = []
    for k in range(1, 400):
        refused += len(net.send(command(PLACE, k, at_ms=10 * k, lots=2)))
        if net.feed(trade(10 * k)) == 0:  # no room: the market stands still until we read
            heard_of.append(net.arrivals(START + 10 * k * MS)[0])
            assert net.feed(trade(10 * k)) == 1
            filled += 1
    heard_of.append(net.reports(START + 100_000 * MS))
    events = joined(*heard_of)
    fills = events[events["kind"] == 3]
    assert filled > 3
    assert refused > 0
    assert sorted(fills["trade_id"].tolist()) == list(range(1, venue(net).next_trade_id))
    answered = np.isin(events["kind"], [1, 2])
    assert answered.sum() == 399 - refused


def test_a_market_that_nobody_reads_makes_room_for_reports_and_voids_the_book() -> None:
    net = network(letter_limit=64, report_reserve=20)
    net.send(command(PLACE, 1))
    happened = sum(net.feed(change(k, 100 + k)) for k in range(100))
    assert happened < 100
    events, _ = net.arrivals(START + 200 * MS)
    assert (events["kind"] == 1).sum() == 1
    for k in range(200, 210):
        assert net.feed(change(k)) == 1


def test_reports_beyond_the_reserve_halt_rather_than_vanish() -> None:
    net = network(letter_limit=8, report_reserve=1)
    for k in range(1, 40):
        net.send(command(PLACE, k, at_ms=k))
        net.reports(START + (k + 50) * MS)
    with pytest.raises(Halted, match="report_reserve"):
        net.feed(trade(300))


# --- determinism ---

STORM = {
    "lost_request": 0.05, "lost_answer": 0.05, "refusal": 0.05, "late_request": 0.1, "partial_then_cancel": 0.2,
    "duplicated_report": 0.2, "delayed_report": 0.1, "reordered_report": 0.2, "book_gap": 0.05,
    **{
        name: LastingFault(per_hour=3_600, mean_s=0.05)
        for name in ("silent_stream", "disconnect", "maintenance", "ban", "clock_skew", "venue_crash", "our_crash")
    },
}  # fmt: skip


class Storm:
    """A fixed course of commands and market events through a network where everything goes wrong."""

    def __init__(self, seed: int) -> None:
        jitter = LatencySettings(law="log_normal", median_ms=5, sigma=0.8)
        self.net = network(seed=seed, rates=STORM, request=jitter, report=jitter, feed=jitter, timeout_ms=60)
        self.history: list[bytes] = []

    def go(self, first: int, last: int) -> None:
        for k in range(first, last):
            kind = (PLACE, CANCEL, QUERY, PLACE, REPLACE)[k % 5]
            self.net.send(command(kind, k // 2 + 1, at_ms=5 * k))
            self.net.feed(joined(change(5 * k + 1), trade(5 * k + 2), trade(5 * k + 4)))
            events, arrived = self.net.arrivals(START + (5 * k + 5) * MS)
            self.history.append(events.tobytes() + arrived.tobytes())


def test_the_same_seed_gives_the_same_history_bit_for_bit_and_another_seed_another() -> None:
    storms = [Storm(3), Storm(3), Storm(4)]
    for storm in storms:
        storm.go(0, 400)
    assert storms[0].history == storms[1].history
    assert storms[0].net.state()["network"].tobytes() == storms[1].net.state()["network"].tobytes()
    assert storms[0].history != storms[2].history


def test_every_fault_strikes_in_a_storm() -> None:
    storm = Storm(5)
    storm.go(0, 1_000)
    assert {kind.name for kind, times in storm.net.struck().items() if times == 0} == set()


def test_a_network_goes_on_from_its_snapshot() -> None:
    storm, again = Storm(6), Storm(7)
    storm.go(0, 200)
    state = storm.net.state()
    storm.go(200, 400)
    again.net.restore(state)
    again.go(200, 400)
    assert again.history == storm.history[200:]


def test_a_fault_that_strikes_more_often_does_not_move_the_others() -> None:
    def struck(**rates: float) -> dict[FaultKind, int]:
        net = network(rates={"lost_request": 0.2, **rates})
        for k in range(1, 300):
            net.send(command(PLACE, k, at_ms=k))
        net.advance(START + 5_000 * MS)
        return net.struck()

    few, many = struck(), struck(refusal=0.5, late_request=0.1)
    assert few[FaultKind.LOST_REQUEST] == many[FaultKind.LOST_REQUEST] > 30


def test_a_fault_strikes_as_often_as_its_probability_says() -> None:
    net = network(rates={"refusal": 0.3})
    for k in range(1, 801):
        net.send(command(PLACE, k, at_ms=k))
        net.reports(START + k * MS)
    net.advance(START + 5_000 * MS)
    assert abs(net.struck()[FaultKind.REFUSAL] / 800 - 0.3) < 4 * (0.3 * 0.7 / 800) ** 0.5


def test_lasting_faults_come_as_often_and_last_as_long_as_their_rates_say() -> None:
    net = network(rates={"ban": LastingFault(per_hour=360, mean_s=2.0)})
    banned = 0
    for k in range(1, 4_001):
        net.send(command(PLACE, k, at_ms=100 * k))
        rows = net.reports(START + (100 * k + 90) * MS)
        banned += int((rows["reason"] == BANNED).sum())
    assert abs(net.struck()[FaultKind.BAN] - 400 / 12) < 4 * (400 / 12) ** 0.5
    assert abs(banned / 4_000 - 2 / 12) < 0.08


def test_nothing_under_way_is_said_so() -> None:
    net = network()
    assert net.next_ns == NEVER
    net.send(command(PLACE, 1))
    assert net.next_ns == START + 10 * MS
    net.advance(START + 10 * MS)
    assert net.next_ns == START + 30 * MS
    assert net.n_under_way == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout_ms": 0},
        {"letter_limit": 10, "report_reserve": 9},
        {"letter_limit": 10**6},
        {"request": {"law": "recorded"}},
        {"request": {"law": "recorded", "recorded_ns": [-1]}},
        {"request": {"law": "log_normal"}},
        {"faults": {"lost_request": 1.5}},
        {"faults": {"silent_stream": {"per_hour": -1}}},
        {"faults": {"unheard_of": 1}},
    ],
)
def test_settings_out_of_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NetworkSettings(**settings)
