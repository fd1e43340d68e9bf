"""Snapshots of an exchange, what can be seen of it, and that its history is decided by its inputs."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bot4.domain.orders import LIMIT, STOP, TRAILING_STOP
from bot4.simulator.exchange import SimulatedExchange
from tests.exchange_harness import BUY, SELL, Floor, kinds, open_terms, pair

ROOT = Path(__file__).resolve().parents[2]


def traded() -> Floor:
    floor = Floor(pair(), pair("ETH"))
    floor.place(BUY, 15)
    floor.limit(SELL, 5, 1001)
    floor.limit(BUY, 7, 1000, display_lots=2)
    floor.legs(SELL, 4, limit=1005, stop=990)
    floor.trade(1001, 2, BUY)
    floor.stop(SELL, 2, 995)
    return floor


def goes_on(floor: Floor) -> list[tuple[str, int]]:
    found = kinds(floor.trade(1000, 14, SELL)) + kinds(floor.trade(995, 3, SELL)) + kinds(floor.trade(985, 1, SELL))
    return found + kinds(floor.advance(5)) + kinds(floor.cancel(2))


def test_a_restored_exchange_goes_on_as_the_first_one_did() -> None:
    floor = traded()
    state = floor.exchange.state()
    first = goes_on(floor)
    end = {name: part.tobytes() for name, part in floor.exchange.state().items()}
    other = Floor(pair(), pair("ETH"))
    other.exchange.restore(state)
    assert goes_on(other) == first
    assert {name: part.tobytes() for name, part in other.exchange.state().items()} == end


def test_a_state_does_not_change_with_the_exchange() -> None:
    floor = traded()
    state = floor.exchange.state()
    before = {name: part.tobytes() for name, part in state.items()}
    goes_on(floor)
    assert {name: part.tobytes() for name, part in state.items()} == before


def test_unread_reports_are_part_of_the_state() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001)
    floor.exchange.feed(floor._row(20, 0, price_ticks=1001, quantity=0.002, aggressor=-1))
    other = Floor()
    other.exchange.restore(floor.exchange.state())
    assert other.exchange.drain().tobytes() == floor.exchange.drain().tobytes() != b""
    assert len(floor.exchange.drain()) == 0


def test_what_a_request_returned_is_not_told_again() -> None:
    floor = Floor()
    floor.place(BUY, 5)
    assert len(floor.exchange.drain()) == 0


def test_fills_are_numbered_and_can_be_read_from_one_on() -> None:
    floor = traded()
    fills = floor.exchange.fills()
    assert fills["trade_id"].tolist() == list(range(1, len(fills) + 1))
    assert floor.exchange.fills(after_trade_id=2).tobytes() == fills[2:].tobytes()
    assert int((fills["side"] * fills["qty_lots"]).sum()) == floor.net()


def test_open_orders_can_be_read_by_symbol() -> None:
    floor = traded()
    floor.limit(BUY, 3, 50, symbol=1)
    assert {int(row["symbol"]) for row in floor.exchange.open_orders()} == {0, 1}
    assert [int(row["limit_ticks"]) for row in floor.exchange.open_orders(1)] == [50]


def test_symbols_do_not_touch_one_another() -> None:
    floor = Floor(pair(), pair("ETH"))
    floor.limit(BUY, 3, 1001)
    floor.stop(SELL, 3, 995)
    assert floor.trade(900, 50, SELL, symbol=1) == []
    floor.book(bids={500: 1}, asks={501: 1}, symbol=1)
    assert floor.status(1) == "WORKING"


def test_a_deposit_of_the_base_can_be_sold_on_spot() -> None:
    floor = Floor(pair(is_perpetual=False), balances={"BTC": Decimal("0.004"), "USDT": Decimal(1000)})
    assert floor.net() == 4
    assert [r.kind for r in floor.place(SELL, 4)][-1] == "ORDER_FILLED"


def digest() -> str:
    import hashlib

    floor = traded()
    goes_on(floor)
    floor.place(SELL, 5, type=TRAILING_STOP, trail_ticks=3)
    floor.limit(BUY, 4, 990, time_in_force=3, ts_expire_ns=floor.now + 10**9)
    floor.place(BUY, 4, type=STOP, stop_ticks=1004)
    floor.bar(10, 12, 8, 10, symbol=1)
    floor.place(BUY, 5, type=LIMIT, limit_ticks=12, symbol=1)
    floor.bar(10, 12, 8, 10, symbol=1)
    floor.advance(5)
    parts = b"".join(part.tobytes() for part in floor.exchange.state().values())
    return hashlib.sha256(parts + repr(floor.reports).encode()).hexdigest()


def test_the_same_calls_leave_the_same_bytes() -> None:
    assert digest() == digest()


@pytest.mark.skipif(os.environ.get("BOT4_JIT") == "0", reason="this run is the plain one already")
def test_plain_python_leaves_the_same_bytes_as_the_compiled_exchange() -> None:
    command = "from tests.unit.test_exchange_state import digest; print(digest())"
    environment = {**os.environ, "BOT4_JIT": "0", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    plain = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert plain.stdout.strip() == digest()


def test_an_exchange_starts_at_the_time_that_it_is_given() -> None:
    floor = Floor(profile=open_terms())
    assert SimulatedExchange(floor.universe, floor.exchange.profile, start_ns=77).now_ns == 77
