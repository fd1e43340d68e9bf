"""Whatever comes: lots and money are conserved, prices and turns are kept, and a slow exchange says the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.orders import LIMIT, MARKET, POST_ONLY, STOP, TRAILING_STOP
from bot4.domain.portfolio import Account
from bot4.domain.recomputation import Deposited, recompute
from bot4.simulator.accounts.balances import is_conserved
from bot4.simulator.profile import AccountKind
from tests.exchange_harness import BUY, SELL, Floor, Report, open_terms, pair
from tests.slow_exchange import Order, SlowExchange

ROOT = Path(__file__).resolve().parents[2]
IS_PLAIN = os.environ.get("BOT4_JIT") == "0"
EXAMPLES = 15 if IS_PLAIN else 40


class Flow:
    """Random commands and market events, and what must hold after each."""

    def __init__(self, seed: int, steps: int, floor: Floor) -> None:
        self.draws = np.random.default_rng(seed)
        self.floor = floor
        self.side: dict[int, int] = {}
        self.limit: dict[int, int] = {}
        self.group_of: dict[int, int] = {}
        self.filled: defaultdict[int, int] = defaultdict(int)
        self.group_lots: dict[int, int] = {}
        for _ in range(steps):
            reports = self._step()
            self._check(reports)

    def _draw(self, low: int, high: int) -> int:
        return int(self.draws.integers(low, high + 1))

    def _step(self) -> list[Report]:
        floor, kind = self.floor, self._draw(0, 9)
        side = BUY if self._draw(0, 1) else SELL
        ticks, lots = 1001 + self._draw(-6, 6), self._draw(1, 12)
        if kind <= 2:
            return floor.level(side, 1001 - side * self._draw(0, 6), self._draw(0, 1) * self._draw(1, 25))
        if kind <= 4:
            return floor.trade(ticks, lots, self._draw(-1, 1))
        if kind == 5 and floor.next_id > 1:
            return floor.cancel(self._draw(max(1, floor.next_id - 6), floor.next_id - 1))
        if kind == 6 and floor.next_id > 1:
            order_id = self._draw(max(1, floor.next_id - 6), floor.next_id - 1)
            row = floor.exchange.order(order_id)
            if row is None or order_id in self.group_of:
                return []
            reports = floor.replace(order_id, lots, limit=ticks, stop=ticks)
            if reports[0].kind == "ORDER_REPLACED" and row["type"] == LIMIT:
                self.limit[order_id] = ticks
            return reports
        if kind == 7:
            group = 10_000 + floor.next_id
            for order_id in (floor.next_id, floor.next_id + 1):
                self.side[order_id], self.group_of[order_id] = side, group
            self.limit[floor.next_id] = ticks
            self.group_lots[group] = lots
            return floor.legs(side, lots, limit=ticks, stop=1001 + side * self._draw(1, 6), group_id=group)
        return self._place(side, ticks, lots)

    def _place(self, side: int, ticks: int, lots: int) -> list[Report]:
        floor, order_id = self.floor, self.floor.next_id
        fields: dict[str, int] = {"self_trade": self._draw(0, 4), "time_in_force": self._draw(0, 2)}
        kind = self._draw(0, 7)
        self.side[order_id] = side
        if kind <= 3:
            self.limit[order_id] = ticks
            fields |= {"type": LIMIT, "limit_ticks": ticks}
            if fields["time_in_force"] == 0 and self._draw(0, 2) == 0:
                fields["display_lots"] = self._draw(1, 4)
            elif fields["time_in_force"] == 0 and self._draw(0, 2) == 0:
                fields["flags"] = POST_ONLY
        elif kind == 4:
            fields |= {"type": STOP, "stop_ticks": ticks, "time_in_force": 0}
        elif kind == 5:
            fields |= {"type": TRAILING_STOP, "trail_ticks": self._draw(1, 5), "time_in_force": 0}
        elif kind == 6:
            fields |= {"is_reduce_only": 1}
        return floor.place(side, lots, **fields)

    def _check(self, reports: list[Report]) -> None:
        for report in reports:
            if report.kind != "ORDER_FILLED":
                continue
            order_id = report.order_id
            side = SELL if report.is_sell else BUY
            assert side == self.side[order_id]
            assert report.lots > 0
            if order_id in self.limit:
                assert (self.limit[order_id] - report.ticks) * side >= 0, "through its limit"
                assert not report.is_maker or report.ticks == self.limit[order_id]
            self.filled[order_id] += report.lots
            if order_id in self.group_of:
                self.filled[self.group_of[order_id]] += report.lots
        for group, lots in self.group_lots.items():
            assert self.filled[group] <= lots, "a one-cancels-other overfilled"
        self._check_orders()

    def _check_orders(self) -> None:
        floor = self.floor
        bids, asks = floor.exchange.depth(0, 1)
        if len(bids) and len(asks):
            assert bids[0, 0] < asks[0, 0], "crossed"
        for row in floor.exchange.open_orders():
            assert 0 <= row["filled_lots"] < row["qty_lots"]
            assert row["filled_lots"] == self.filled[int(row["id"])]
            assert row["ahead_lots"] >= 0
            assert row["display_lots"] == 0 or row["shown_lots"] <= row["display_lots"]

    def digest(self) -> str:
        parts = b"".join(part.tobytes() for part in self.floor.exchange.state().values())
        return hashlib.sha256(parts + repr(self.floor.reports).encode()).hexdigest()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def test_no_flow_overfills_passes_a_limit_or_crosses_the_book(seed: int) -> None:
    floor = Floor(profile=open_terms(keeps_place_on_less=bool(seed % 2)))
    flow = Flow(seed, 80, floor)
    numbers = [r.trade_id for r in floor.reports if r.kind == "ORDER_FILLED"]
    assert numbers == list(range(1, len(numbers) + 1))
    signed = sum((SELL if r.is_sell else BUY) * r.lots for r in floor.reports if r.kind == "ORDER_FILLED")
    assert signed == floor.net()
    assert sum(flow.filled[order_id] for order_id in flow.side) == sum(
        r.lots for r in floor.reports if r.kind == "ORDER_FILLED"
    )


def spot_floor() -> Floor:
    balances = {"USDT": Decimal("0.5"), "BTC": Decimal("0.03")}
    profile = open_terms(account=AccountKind.SPOT, has_native_brackets=False, keeps_place_on_less=True)
    return Floor(pair(is_perpetual=False), profile=profile, balances=balances)


class SpotFlow(Flow):
    """The same against a small spot account."""

    def _check_orders(self) -> None:
        super()._check_orders()
        balances = self.floor.exchange._venue[0]["balances"]
        assert min(balances["free"]) >= 0, "a negative balance"
        assert min(balances["locked"]) >= 0
        locked: defaultdict[int, int] = defaultdict(int)
        for row in self.floor.exchange.open_orders():
            locked[int(row["lock"]["asset"])] += int(row["lock"]["atoms"])
        assert [locked[0], locked[1]] == balances["locked"][:2].tolist(), "locks are not those of the orders"
        assert is_conserved(balances, 2)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def test_money_is_conserved_to_the_last_atom_and_no_balance_falls_below_zero(seed: int) -> None:
    floor = spot_floor()
    SpotFlow(seed, 60, floor)
    facts: list[object] = [Deposited("USDT", 5 * 10**7), Deposited("BTC", 30)]
    facts += list(floor.exchange.fills())
    books = recompute(floor.universe, facts)  # type: ignore[arg-type]
    for asset, (free, locked) in floor.exchange.balances().items():
        assert books.balances[Account.HOLDINGS, asset] == free + locked


# --- the slow exchange -------------------------------------------------------------------------------------------


def told(reports: list[Report]) -> list[tuple[str, int, int, int]]:
    rows = []
    for r in reports:
        kind = r.kind.removeprefix("ORDER_")
        lots = r.status_lots - r.status_filled if kind == "STATUS" else r.lots if kind == "FILLED" else 0
        rows.append((kind, r.order_id, r.ticks, lots))
    return rows


def both(seed: int, steps: int) -> None:
    draws = np.random.default_rng(seed)

    def draw(low: int, high: int) -> int:
        return int(draws.integers(low, high + 1))

    fast, slow = Floor(is_two_sided=False), SlowExchange()
    for side in (BUY, SELL):
        for k in range(3):
            fast.level(side, 1001 - side * (1 + k), 5 + k)
            slow.level(side, 1001 - side * (1 + k), 5 + k)
    for _ in range(steps):
        seen = len(slow.told)
        kind, side = draw(0, 7), BUY if draw(0, 1) else SELL
        ticks, lots = 1001 + draw(-5, 5), draw(1, 12)
        if kind <= 1:
            lots = draw(0, 1) * draw(1, 15)
            price = 1001 - side * draw(0, 5)
            reports = fast.level(side, price, lots)
            slow.level(side, price, lots)
        elif kind <= 3:
            aggressor = draw(-1, 1)
            reports = fast.trade(ticks, lots, aggressor)
            slow.trade(ticks, lots, aggressor)
        elif kind == 4 and fast.next_id > 1:
            order_id = draw(max(1, fast.next_id - 5), fast.next_id - 1)
            reports = fast.cancel(order_id)
            slow.cancel(order_id)
        else:
            mode, choice, order_id = draw(0, 4), draw(0, 5), fast.next_id
            order = Order(order_id, side, lots, mode=mode)
            fields = {"self_trade": mode, "type": MARKET}
            if choice == 0:
                order.stop = ticks
                fields |= {"type": STOP, "stop_ticks": ticks}
            elif choice >= 2:
                order.limit = ticks
                order.is_post_only, order.is_immediate, order.is_all_or_none = choice == 3, choice == 4, choice == 5
                in_force = {4: 1, 5: 2}.get(choice, 0)
                flags = POST_ONLY if choice == 3 else 0
                fields |= {"type": LIMIT, "limit_ticks": ticks, "time_in_force": in_force, "flags": flags}
            reports = fast.place(side, lots, **fields)
            slow.place(order)
        assert told(reports) == slow.told[seen:]
    assert {int(r["id"]) for r in fast.exchange.open_orders()} == set(slow.orders)


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def test_the_fast_exchange_reports_what_the_slow_one_does(seed: int) -> None:
    both(seed, 60)


# --- determinism ---------------------------------------------------------------------------------------------------


def digests() -> str:
    flows = [Flow(seed, 60, Floor()) for seed in range(3)]
    flows += [SpotFlow(seed, 50, spot_floor()) for seed in range(3)]
    return " ".join(flow.digest() for flow in flows)


def test_the_same_flow_leaves_the_same_bytes() -> None:
    assert digests() == digests()


@pytest.mark.skipif(IS_PLAIN, reason="this run is the plain one already")
def test_plain_python_leaves_the_same_bytes_as_the_compiled_exchange() -> None:
    command = "from tests.property.test_exchange_invariants import digests; print(digests())"
    environment = {**os.environ, "BOT4_JIT": "0", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    plain = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert plain.stdout.strip() == digests()


def test_the_random_flows_reach_every_kind_of_report() -> None:
    kinds = {report.kind for seed in range(6) for report in Flow(seed, 80, Floor()).floor.reports}
    assert kinds == {
        "ORDER_ACCEPTED", "ORDER_REJECTED", "ORDER_FILLED", "ORDER_CANCELLED", "ORDER_EXPIRED", "ORDER_REPLACED",
        "ORDER_TRIGGERED", "ORDER_STATUS",
    }  # fmt: skip
