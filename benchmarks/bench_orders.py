"""The path of an order, from Python: order manager, simulated exchange, reports, ledger. Target: 50,000 a second.

Every order is entered by the order manager's own code, sent to the exchange, accepted and filled there at once, and
its reports are booked: order table, position, double-entry ledger, sleeve. Sixteen symbols and eight strategies turn
their positions over and over. The books of both sides are compared at the end, before a figure is given. One order
at a time is one call each way; in batches a call takes the orders of all strategies.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import numpy as np

from benchmarks.measuring import table
from bot4.domain.events import EVENT, QUOTE
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.orders import BUY
from bot4.engine.order_desk import OrderDesk
from bot4.engine.reconciliation import reconcile
from bot4.engine.venue_account import VenueAccount, account_of
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.profile import plain

_N_SYMBOLS, _N_STRATEGIES = 16, 8
_ROUNDS = 60
_PRICE, _START_NS, _STEP_NS = 300_000, 1_700_000_000_000_000_000, 1_000_000


def _universe() -> Universe:
    numbers = [Decimal(text) for text in ("0.1", "0.001", "0.001", "0", "0.0002", "0.0005")]
    return Universe(
        tuple(Instrument(f"C{k}USDT_PERP", f"C{k}", "USDT", *numbers, is_perpetual=True) for k in range(16))
    )


class _Market:
    """An exchange with a quote in every symbol, and an order manager that trades there."""

    def __init__(self) -> None:
        universe = _universe()
        self.exchange = SimulatedExchange(universe, plain(), balances={"USDT": Decimal(10**9)}, start_ns=_START_NS)
        self.desk = OrderDesk(universe, capital=Decimal(10**9), n_strategies=_N_STRATEGIES, loses_answers=True)
        self.now = _START_NS
        self.n_orders = 0
        self.quote()

    def quote(self) -> None:
        self.now += _STEP_NS
        events = np.zeros(_N_SYMBOLS, dtype=EVENT)
        events["ts_ns"], events["kind"], events["symbol"] = self.now, QUOTE, np.arange(_N_SYMBOLS)
        events["bid_ticks"], events["ask_ticks"] = _PRICE, _PRICE + 1
        events["bid_quantity"] = events["ask_quantity"] = 1e6
        self.exchange.feed(events)
        self.desk.take(self.exchange.drain())
        self.desk.take(events)

    def pass_on(self) -> None:
        commands = self.desk.commands()
        self.n_orders += len(commands)
        self.desk.take(self.exchange.request(commands))

    def enter(self, symbol: int, strategy: int) -> None:
        assert self.desk.enter(symbol, BUY, 10, self.now, strategy=strategy, reference_ticks=_PRICE)

    def check(self) -> None:
        seen = account_of(self.exchange)
        account = VenueAccount(seen.ts_ns, seen.orders, lots=seen.lots, balances=seen.balances)
        found = reconcile(self.desk.brain, self.desk.config, self.desk.universe, account)
        assert found.is_clean, [str(item) for item in found.differences]
        assert not self.desk.is_halted


def _one_at_a_time(market: _Market) -> None:
    for symbol in range(_N_SYMBOLS):
        for strategy in range(_N_STRATEGIES):
            market.enter(symbol, strategy)
            market.pass_on()
    for symbol in range(_N_SYMBOLS):
        for strategy in range(_N_STRATEGIES):
            market.desk.leave(symbol, market.now, strategy=strategy)
            market.pass_on()


def _in_batches(market: _Market) -> None:
    for symbol in range(_N_SYMBOLS):
        for strategy in range(_N_STRATEGIES):
            market.enter(symbol, strategy)
    market.pass_on()
    for symbol in range(_N_SYMBOLS):
        for strategy in range(_N_STRATEGIES):
            market.desk.leave(symbol, market.now, strategy=strategy)
    market.pass_on()


def _measured(name: str, turn: Any) -> dict[str, Any]:
    market = _Market()
    turn(market)  # compiles, and fills caches
    market.n_orders, seconds = 0, 0.0
    for _ in range(_ROUNDS):
        market.now += 2_000_000_000  # an exit is not tried twice in a second
        market.quote()
        started = time.perf_counter()
        turn(market)
        seconds += time.perf_counter() - started
    market.check()
    return {"name": name, "orders": market.n_orders, "orders_per_s": market.n_orders / seconds}


def run() -> list[dict[str, Any]]:
    """Measure both ways."""
    return [_measured("one order a call", _one_at_a_time), _measured("in batches of 128", _in_batches)]


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [(f["name"], f"{f['orders']:,}", f"{f['orders_per_s']:,.0f}") for f in found]
    return table(("order manager, exchange, reports, ledger, from Python", "orders", "orders/s"), rows)


if __name__ == "__main__":
    print(render(run()))
