"""Whatever order reports come in, however often and however late: the books end as the true sequence leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.events import (
    ABOUT_CANCEL,
    EVENT,
    IS_SELL,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_STATUS,
    ORDER_TRIGGERED,
    ORDER_UNKNOWN,
)
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.ledger import is_balanced
from bot4.domain.orders import OrderStatus
from bot4.domain.portfolio import HOLDINGS
from bot4.domain.recomputation import Deposited, disagreements, recompute
from bot4.engine.order_desk import OrderDesk
from bot4.pipeline.execution.settings import ExecutionSettings

PRICE, LOTS, NOW_NS, SECOND_NS = 300_000, 100, 1_700_000_000_000_000_000, 1_000_000_000
CAPITAL = 100_000
SETTINGS = ExecutionSettings(answer_timeout_s=5, validity_s=5)


@cache
def universe(is_perpetual: bool) -> Universe:
    name = "BTCUSDT_PERP" if is_perpetual else "BTCUSDT"
    numbers = [Decimal(text) for text in ("0.1", "0.00001", "0.00001", "0", "0.0002", "0.0005")]
    return Universe((Instrument(name, "BTC", "USDT", *numbers, is_perpetual=is_perpetual),))


@dataclass(frozen=True)
class History:
    """A true sequence of reports about an entry (order 1) and its stop (order 2)."""

    is_perpetual: bool
    reports: tuple[dict[str, int], ...]


def fill(order_id: int, trade_id: int, lots: int, ticks: int, left: int) -> dict[str, int]:
    return {
        "kind": ORDER_FILLED, "order_id": order_id, "fill_lots": lots, "fill_ticks": ticks, "fee_atoms": 7 * lots + 1,
        "trade_id": trade_id, "reason": left, "flags": IS_SELL if order_id == 2 else 0,
    }  # fmt: skip


def parts(draw: Any, total: int) -> list[int]:
    cuts = sorted(draw(st.sets(st.integers(1, total - 1), max_size=3))) if total > 1 else []
    return [int(part) for part in np.diff([0, *cuts, total])]


@st.composite
def histories(draw: Any) -> History:
    reports: list[dict[str, int]] = []
    trade_id = draw(st.integers(1, 10**12))
    if draw(st.booleans()):
        reports.append({"kind": ORDER_UNKNOWN, "order_id": 1})
    reports.append({"kind": ORDER_ACCEPTED, "order_id": 1})
    ending = draw(st.sampled_from((0, ORDER_CANCELLED, ORDER_EXPIRED)))
    bought = draw(st.integers(0, LOTS - 1)) if ending else LOTS
    done = 0
    for lots in parts(draw, bought) if bought else []:
        done += lots
        reports.append(fill(1, trade_id, lots, PRICE + draw(st.integers(-500, 500)), LOTS - done))
        trade_id += draw(st.integers(1, 1_000))
    if ending:
        said = done if draw(st.booleans()) else 0
        reports.append({"kind": ending, "order_id": 1, "fill_lots": said})
    reports.append({"kind": ORDER_REJECTED, "order_id": 1, "flags": ABOUT_CANCEL, "reason": 7})
    if bought:
        reports.append({"kind": ORDER_ACCEPTED, "order_id": 2})
        sold = draw(st.sampled_from((0, bought, draw(st.integers(1, bought)))))
        if sold:
            reports.append({"kind": ORDER_TRIGGERED, "order_id": 2})
        done = 0
        for lots in parts(draw, sold) if sold else []:
            done += lots
            reports.append(fill(2, trade_id, lots, PRICE - 10_000 - draw(st.integers(0, 500)), bought - done))
            trade_id += draw(st.integers(1, 1_000))
    status = (
        OrderStatus.FILLED
        if not ending
        else OrderStatus.CANCELLED
        if ending == ORDER_CANCELLED
        else OrderStatus.EXPIRED
    )
    reports.append({"kind": ORDER_STATUS, "order_id": 1, "status": status, "status_filled_lots": bought})
    for k, report in enumerate(reports):
        report["ts_ns"] = NOW_NS + (k + 1) * SECOND_NS
    return History(draw(st.booleans()), tuple(reports))


def desk_of(history: History) -> OrderDesk:
    desk = OrderDesk(universe(history.is_perpetual), SETTINGS, capital=Decimal(CAPITAL))
    assert desk.enter(0, 1, LOTS, NOW_NS, reference_ticks=PRICE, stop_ticks=PRICE - 10_000) == 1
    return desk


def take(desk: OrderDesk, report: dict[str, int]) -> None:
    event = np.zeros(1, EVENT)
    for name, value in report.items():
        event[0][name] = value
    desk.take(event)


def books(desk: OrderDesk) -> dict[str, Any]:
    brain = desk.brain[0]
    position, ledger = brain["positions"][0], brain["ledger"]
    held = ledger["balances"][HOLDINGS]
    quote = int(held[0]) - (int(position["cost_atoms"]) if "PERP" in desk.universe.symbols[0] else 0)
    return {
        "lots": int(position["lots"]),
        "in sleeves": int(brain["sleeves"]["lots"][:, 0].sum()),
        "fees": int(position["fees_atoms"]),
        "quote": quote,  # of a perpetual less its cost: how that is split from what is realised is the order of fills
        "base": int(held[1]),
        "filled": [int(desk.order(k)["filled_lots"]) for k in (1, 2)],
        "entry": OrderStatus(desk.order(1)["status"]).name,
        "trades booked": sorted(int(fill["trade_id"]) for fill in desk.fills()),
    }


def check(desk: OrderDesk) -> None:
    atoms = CAPITAL * 10 ** desk.universe.decimals("USDT")
    again = recompute(desk.universe, [Deposited("USDT", atoms), *desk.fills()])
    brain = desk.brain[0]
    assert disagreements(again, desk.universe, brain["ledger"], brain["positions"]) == []
    assert is_balanced(brain["ledger"], len(desk.universe.assets))


@given(histories(), st.data())
def test_reports_in_any_order_and_any_number_of_times_end_in_the_same_books(history: History, data: Any) -> None:
    true_desk = desk_of(history)
    for report in history.reports:
        take(true_desk, report)
    n = len(history.reports)
    order = data.draw(st.permutations(range(n)))
    again = data.draw(st.lists(st.integers(0, n - 1), max_size=n))
    ticks = data.draw(st.sets(st.integers(0, 2 * n), max_size=4))
    desk = desk_of(history)
    for at, k in enumerate([*order, *again]):
        take(desk, history.reports[k])
        if at in ticks:
            desk.clock(NOW_NS + (n + 10 * at) * SECOND_NS)
    assert books(desk) == books(true_desk)
    check(desk)
    assert not true_desk.is_halted


@given(histories(), st.data())
def test_reports_that_are_lost_leave_no_order_that_is_neither_settled_nor_asked_about(
    history: History, data: Any
) -> None:
    """Silence is noticed: whatever prefix of the truth is all that comes, time makes the manager ask, or it knows."""
    desk = desk_of(history)
    for report in history.reports[: data.draw(st.integers(0, len(history.reports)))]:
        take(desk, report)
    desk.commands()
    start_ns = NOW_NS + len(history.reports) * SECOND_NS
    for second in range(1, 30):
        desk.clock(start_ns + second * SECOND_NS)
    asked = {int(command["order"]["id"]) for command in desk.commands() if command["kind"] == 4}
    for order in desk.open_orders():
        is_acknowledged = order["ts_active_ns"] > 0 and order["status"] not in (
            OrderStatus.UNKNOWN, OrderStatus.PENDING, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE,
        )  # fmt: skip
        is_waiting = order["status"] == OrderStatus.HELD and desk.order(int(order["parent_id"]))["filled_lots"] == 0
        assert is_acknowledged or is_waiting or int(order["id"]) in asked
    check(desk)


@given(histories(), st.booleans(), st.data())
def test_an_order_manager_that_is_restored_after_every_report_goes_on_as_if_nothing_had_happened(
    history: History, is_native: bool, data: Any
) -> None:
    settings = ExecutionSettings(answer_timeout_s=5, validity_s=5, has_native_brackets=is_native)
    order = data.draw(st.permutations(range(len(history.reports))))

    def run(*, falls: bool) -> tuple[bytes, bytes]:
        desk = OrderDesk(universe(history.is_perpetual), settings, capital=Decimal(CAPITAL))
        targets = (PRICE + 10_000, PRICE + 20_000)
        desk.enter(0, 1, LOTS, NOW_NS, reference_ticks=PRICE, stop_ticks=PRICE - 10_000, target_ticks=targets)
        sent = [desk.commands()]
        for at, k in enumerate(order):
            if falls:
                state = desk.state()
                desk = OrderDesk(universe(history.is_perpetual), settings, capital=Decimal(CAPITAL))
                desk.restore(state)
            take(desk, history.reports[k])
            desk.clock(NOW_NS + (at + 50) * SECOND_NS)
            sent.append(desk.commands())
        return np.concatenate(sent).tobytes(), desk.state()

    assert run(falls=True) == run(falls=False)
