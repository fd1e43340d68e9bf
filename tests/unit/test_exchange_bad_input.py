"""Senseless market data and commands: refused with a reason, and nothing is lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import DataError, SettingError
from bot4.domain.events import BOOK_CHANGE, EVENT, ORDER_FILLED, QUOTE, TRADE
from bot4.domain.instruments import Universe
from bot4.domain.orders import LIMIT, PLACE
from bot4.simulator import exchange
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.taking import REPORT_RESERVE
from tests.exchange_harness import BUY, SELL, Floor, fills, kinds, open_terms, pair


def unchanged_by(floor: Floor, *rows: Any) -> str:
    """The complaint about events, of which none must have happened."""
    before = {name: part.tobytes() for name, part in floor.exchange.state().items() if name != "venue"}
    now, depth = floor.now, floor.exchange.depth(0, 10)
    with pytest.raises(DataError) as complaint:
        floor.feed(*rows)
    after = {name: part.tobytes() for name, part in floor.exchange.state().items() if name != "venue"}
    assert after == before
    assert floor.now == now
    assert all(np.array_equal(a, b) for a, b in zip(depth, floor.exchange.depth(0, 10), strict=True))
    return str(complaint.value)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"level_side": 1, "level_ticks": 1000, "level_quantity": -1.0}, "quantity"),
        ({"level_side": 1, "level_ticks": 1000, "level_quantity": float("nan")}, "quantity"),
        ({"level_side": 1, "level_ticks": 1000, "level_quantity": 2.0**53}, "quantity"),
        ({"level_side": 1, "level_ticks": 0, "level_quantity": 1.0}, "price"),
        ({"level_side": -1, "level_ticks": -5, "level_quantity": 1.0}, "price"),
        ({"level_side": -1, "level_ticks": 2**40, "level_quantity": 1.0}, "price"),
        ({"level_side": 2, "level_ticks": 1000, "level_quantity": 1.0}, "side"),
        ({"level_side": 0, "level_ticks": 1000, "level_quantity": 1.0}, "side"),
    ],
)
def test_a_level_that_makes_no_sense_is_refused_and_nothing_of_its_batch_happens(
    fields: dict[str, Any], fault: str
) -> None:
    floor = Floor()
    sound = floor._level(BUY, 1001, 5, 0)
    bad = floor._row(BOOK_CHANGE, 0, **fields)
    assert fault in unchanged_by(floor, sound, bad)


def test_a_crossed_quote_is_refused() -> None:
    floor = Floor(is_two_sided=False)
    bad = floor._row(QUOTE, 0, bid_ticks=1002, ask_ticks=1001, bid_quantity=1.0, ask_quantity=1.0)
    assert "crossed" in unchanged_by(floor, bad)


def test_a_trade_without_a_price_is_refused() -> None:
    floor = Floor()
    assert "price" in unchanged_by(floor, floor._row(TRADE, 0, quantity=1.0))


def test_events_that_go_back_in_time_are_refused() -> None:
    floor = Floor()
    late = floor._level(BUY, 1001, 5, 0)
    late["ts_ns"] = floor.now - 1
    assert "back in time" in unchanged_by(floor, floor._level(BUY, 1001, 5, 0), late)


def test_events_of_a_symbol_that_is_not_listed_are_refused() -> None:
    floor = Floor()
    assert "other symbol" in unchanged_by(floor, floor._level(BUY, 1001, 5, 0), floor._row(TRADE, 1, price_ticks=5))


def test_a_report_is_not_a_market_event() -> None:
    floor = Floor()
    assert "not of the market" in unchanged_by(floor, floor._row(ORDER_FILLED, 0))


def test_records_of_another_layout_are_refused() -> None:
    floor = Floor()
    with pytest.raises(DataError, match="of their own type"):
        floor.exchange.feed(np.zeros(3))
    with pytest.raises(DataError, match="of their own type"):
        floor.exchange.request(np.zeros(3, EVENT))


def test_of_a_crossed_book_the_later_word_is_right() -> None:
    floor = Floor()
    floor.level(BUY, 1003, 7)
    assert floor.bids()[0] == (1003, 7)
    assert floor.asks() == [(1004, 30)]


def test_a_command_about_a_symbol_that_is_not_listed_is_refused_before_any_acts() -> None:
    floor = Floor()
    with pytest.raises(DataError, match="not listed"):
        floor.request(floor.order(BUY, 5), floor.order(BUY, 5, symbol=3))
    assert floor.net() == 0


def test_a_command_of_no_kind_is_refused() -> None:
    floor = Floor()
    assert floor.request(floor.command(9, id=5))[0].why == "BAD_ORDER"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"lots": 2**53 + 1}, "TOO_LARGE"),
        ({"limit_ticks": 2**53 + 1}, "BAD_PRICE"),
        ({"venue": 3}, "WRONG_VENUE"),
        ({"lots": 0}, "BAD_QUANTITY"),
        ({"lots": -5}, "BAD_QUANTITY"),
        ({"id": 0}, "BAD_ORDER"),
        ({"side": 0}, "BAD_ORDER"),
    ],
)
def test_an_order_that_makes_no_sense_is_rejected_with_a_reason(fields: dict[str, int], why: str) -> None:
    floor = Floor(profile=open_terms(checks_grid=True))
    row = floor.order(fields.pop("side", BUY), fields.pop("lots", 1), **{"type": LIMIT, "limit_ticks": 1000, **fields})
    (report,) = floor.request(row)
    assert (report.kind, report.why) == ("ORDER_REJECTED", why)
    assert len(floor.exchange.open_orders()) == 0


def test_a_full_table_rejects_but_keeps_room_for_exits() -> None:
    floor = Floor()
    floor.place(BUY, 5)
    for _ in range(192):
        assert floor.limit(BUY, 1, 900)[0].kind == "ORDER_ACCEPTED"
    assert floor.limit(BUY, 1, 900)[0].why == "TABLE_FULL"
    assert fills(floor.place(SELL, 5, is_reduce_only=1)) == [(floor.next_id - 1, 1000, 5)]


def test_more_levels_than_the_book_has_room_for_make_it_larger() -> None:
    floor = Floor(is_two_sided=False)
    levels = {1_000_000 + 5_000 * k: k + 1 for k in range(1, 3_000)}
    floor.book(bids={1_000_000: 1}, asks=levels)
    assert len(floor.asks(5_000)) == 2_999
    assert floor.asks(5_000)[-1] == (1_000_000 + 5_000 * 2_999, 3_000)


def test_more_reports_than_fit_at_once_all_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "N_REPORT_ROWS", REPORT_RESERVE + 100)
    floor = Floor(is_two_sided=False)
    n = 350
    floor.book(bids={}, asks={1_000 + k: 1 for k in range(n)})
    reports = floor.place(BUY, n + 1)
    assert len(fills(reports)) == n
    assert [r.trade_id for r in reports if r.kind == "ORDER_FILLED"] == list(range(1, n + 1))
    assert kinds(reports)[-1] == ("EXPIRED", 1)


def test_deposits_that_are_no_amounts_are_refused() -> None:
    universe = Universe((pair(),))
    for deposits in ({"EUR": Decimal(1)}, {"USDT": Decimal(-1)}, {"USDT": Decimal("NaN")}):
        with pytest.raises(SettingError):
            SimulatedExchange(universe, open_terms(), balances=deposits)


def test_a_read_only_tape_can_be_fed() -> None:
    floor = Floor()
    rows = np.concatenate([floor._level(BUY, 1001, 5, 0)], dtype=EVENT)
    rows.setflags(write=False)
    floor.exchange.feed(rows)
    assert floor.bids()[0] == (1001, 5)
    commands = floor.order(BUY, 1)
    commands.setflags(write=False)
    assert floor.exchange.request(commands)[0]["kind"] == PLACE
