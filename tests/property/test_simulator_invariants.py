"""Random markets and order flows against the simulated venue, the ledger and its recomputation."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.instruments import MAX_SYMBOLS
from bot4.domain.ledger import OK, book_deposit, book_fill, is_balanced
from bot4.domain.orders import BUY, FILL, SELL
from bot4.domain.portfolio import LEDGER, POSITION
from bot4.domain.recomputation import Deposited, disagreements, recompute
from tests.venue_harness import MINUTE, Market, Report, pair

ROOT = Path(__file__).resolve().parents[2]
PAIRS = (pair("BTC"), pair("ETH", is_perpetual=False, maker="-0.0001"))


class Flow:
    """A random flow of orders and events, and what may be said of every fill when it happens."""

    def __init__(self, seed: int, n_events: int, slippage: float = 0.0, latency_ns: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.market = Market(*PAIRS, slippage=slippage, latency_ns=latency_ns)
        self.price = [10_000, 5_000]
        self.side: dict[int, int] = {}
        self.ordered: dict[int, int] = {}
        self.entry_of: dict[int, int] = {}
        self.filled: defaultdict[int, int] = defaultdict(int)
        for _ in range(n_events):
            self._command()
            self._event()

    def _draw(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def _note(self, ids: list[int], side: int, lots: list[int]) -> None:
        for position, (order_id, quantity) in enumerate(zip(ids, lots, strict=True)):
            self.side[order_id] = side if position == 0 else -side
            self.ordered[order_id] = quantity
            self.entry_of[order_id] = ids[0]

    def _command(self) -> None:
        market, symbol, kind = self.market, self._draw(0, 1), self._draw(0, 9)
        price, lots = self.price[symbol], self._draw(1, 40)
        side = BUY if symbol == 1 or self._draw(0, 1) else SELL
        away = self._draw(-60, 60)
        if kind <= 3:
            shares = [lots // 3, lots // 3, lots - 2 * (lots // 3)]
            targets = {price + side * (k + 1) * self._draw(5, 60) + k: n for k, n in enumerate(shares) if n > 0}
            entry = {
                "symbol": symbol,
                "type": self._draw(1, 3),
                "limit_ticks": price + away,
                "stop_ticks": price - away,
            }
            ids = market.bracket(side, lots, price - side * self._draw(20, 120), targets, **entry)
            self._note(ids, side, [lots, lots, *targets.values()])
        elif kind == 4:
            self._note([market.limit(side, lots, price + away, symbol=symbol)], side, [lots])
        elif kind == 5:
            side = SELL if market.net(symbol) > 0 else BUY
            group = self._draw(0, market.next_id) if self._draw(0, 1) else 0
            self._note([market.leave(side, lots, symbol=symbol, group_id=group)], side, [lots])
        elif kind == 6 and market.next_id > 1:
            market.cancel(self._draw(max(1, market.next_id - 8), market.next_id - 1), symbol)
        elif kind == 7 and market.next_id > 1:
            order = market.order(self._draw(max(1, market.next_id - 8), market.next_id - 1))
            if order is not None and order["symbol"] == 0 and order["parent_id"] != 0:
                market.replace(int(order["id"]), 10**6, limit=price + away, stop=price - away)

    def _event(self) -> None:
        symbol = self._draw(0, 1)
        before = self.market.net(symbol)
        is_trade = self._draw(0, 2) == 0
        if not is_trade:
            open_ = max(300, self.price[symbol] + self._draw(-30, 30))
            close = max(300, open_ + self._draw(-60, 60))
            high, low = max(open_, close) + self._draw(0, 40), min(open_, close) - self._draw(0, 40)
            volume = float(self._draw(0, 4))
            reports = self.market.bar(open_, high, low, close, volume, symbol)
            assert volume > 0 or not any(r.kind == "ORDER_FILLED" for r in reports)
        else:
            open_ = high = low = close = max(300, self.price[symbol] + self._draw(-60, 60))
            reports = self.market.trade(close, self._draw(0, 30) / 1000, symbol)
        self.price[symbol] = close
        self._check(reports, symbol, before, low, high, is_trade)

    def _check(self, reports: list[Report], symbol: int, net: int, low: int, high: int, is_trade: bool) -> None:
        slippage = float(self.market.venue[0]["slippage"])
        slipped = 2 * (int(high * slippage) + 1) if slippage else 0  # a slipped entry may be stopped at its own price
        for report in reports:
            assert report.symbol == symbol or report.kind == "ORDER_REJECTED"
            if report.kind != "ORDER_FILLED":
                continue
            side = SELL if report.is_sell else BUY
            assert side == self.side[report.order_id]
            assert report.lots > 0
            if report.is_maker and is_trade:  # a trade beyond a resting limit fills it at the limit
                assert report.ticks < low if report.is_sell else report.ticks > low
            else:
                assert low - slipped <= report.ticks <= high + slipped
            net += side * report.lots
            self.filled[report.order_id] += report.lots
            assert self.filled[report.order_id] <= self.ordered[report.order_id]
        assert net == self.market.net(symbol)
        assert symbol == 0 or net >= 0
        self._check_brackets()

    def _check_brackets(self) -> None:
        exits: defaultdict[int, int] = defaultdict(int)
        for order_id, lots in self.filled.items():
            if self.entry_of[order_id] != order_id:
                exits[self.entry_of[order_id]] += lots
        for entry, lots in exits.items():
            assert lots <= self.filled[entry]
        for order in self.market.orders():
            assert 0 <= order["filled_lots"] < order["qty_lots"]
            entry = self.entry_of[int(order["id"])]
            if order["type"] == 3 and order["parent_id"] and order["status"] != 1:
                assert order["qty_lots"] - order["filled_lots"] <= self.filled[entry] - exits[entry]

    def digest(self) -> str:
        return hashlib.sha256(self.market.venue.tobytes() + repr(self.market.reports).encode()).hexdigest()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0.0, 0.002)), st.sampled_from((0, 500_000_000, 2 * MINUTE)))
def test_no_flow_overfills_breaks_a_bracket_or_leaves_the_bar(seed: int, slippage: float, latency_ns: int) -> None:
    flow = Flow(seed, 120, slippage, latency_ns)
    ids = [r.trade_id for r in flow.market.reports if r.kind == "ORDER_FILLED"]
    assert ids == list(range(1, len(ids) + 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_the_ledger_of_a_random_flow_balances_and_equals_its_recomputation(seed: int) -> None:
    flow = Flow(seed, 100, slippage=0.001)
    market = flow.market
    ledger, positions = np.zeros(1, LEDGER)[0], np.zeros(MAX_SYMBOLS, POSITION)
    assert book_deposit(ledger, 0, 10**15) == OK
    facts: list[object] = [Deposited("USDT", 10**15)]
    for report in market.reports:
        if report.kind == "ORDER_FILLED":
            side = SELL if report.is_sell else BUY
            symbol = report.symbol
            packed = market.instruments[symbol]
            assert book_fill(ledger, packed, positions[symbol], side, report.ticks, report.lots, report.fee) == OK
            fill = np.zeros(1, FILL)[0]
            fill["symbol"], fill["side"], fill["fee_atoms"] = symbol, side, report.fee
            fill["price_ticks"], fill["qty_lots"] = report.ticks, report.lots
            facts.append(fill)
    assert is_balanced(ledger, len(market.universe.assets))
    books = recompute(market.universe, facts)  # type: ignore[arg-type]
    assert disagreements(books, market.universe, ledger, positions) == []
    assert [market.net(0), market.net(1)] == positions["lots"][:2].tolist()


def test_the_random_flows_reach_every_kind_of_outcome() -> None:
    reports = [report for seed in range(30) for report in Flow(seed, 120).market.reports]
    kinds = {report.kind for report in reports}
    reasons = {report.why for report in reports if report.kind in ("ORDER_CANCELLED", "ORDER_REJECTED")}
    assert kinds == {
        "ORDER_ACCEPTED", "ORDER_REJECTED", "ORDER_FILLED", "ORDER_CANCELLED", "ORDER_REPLACED",
    }  # fmt: skip
    assert {"GROUP_DONE", "PARENT_GONE", "ON_REQUEST", "NOTHING_TO_REDUCE", "UNKNOWN_ORDER"} <= reasons


def digests() -> str:
    return " ".join(Flow(seed, 80, 0.001, 500_000_000).digest() for seed in range(8))


def test_the_same_flow_leaves_the_same_bytes() -> None:
    assert digests() == digests()


@pytest.mark.skipif(os.environ.get("BOT4_JIT") == "0", reason="this run is the plain one already")
def test_plain_python_leaves_the_same_bytes_as_the_compiled_venue() -> None:
    command = "from tests.property.test_simulator_invariants import digests; print(digests())"
    environment = {**os.environ, "BOT4_JIT": "0", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    plain = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert plain.stdout.strip() == digests()
