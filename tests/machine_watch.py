"""A machine run one timestamp at a time under a watch that knows what must always hold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from bot4.domain.events import BAR, CLOSES_TIMESTAMP, FUNDING
from bot4.domain.ledger import is_balanced
from bot4.domain.orders import ENTRY, HELD, PLACE, is_finished, is_open
from bot4.domain.portfolio import HOLDINGS
from bot4.domain.recomputation import Deposited, Fact, FundingCharged, disagreements, recompute
from bot4.engine.machine import Machine
from bot4.engine.session import Session

MAX_UNPROTECTED_BARS = 1


class Watch:
    """Runs a machine and checks it after every timestamp.

    Attributes:
        facts: deposit, fills and funding in their order.
        most_unprotected: the longest that a sleeve with a stop went without one, in closes of its symbol.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.session = Session(machine)
        self.brain, self.config, self.venue = machine.brain[0], machine.config[0], machine.venue[0]
        quote = machine.universe.quote
        atoms = int(machine.settings.capital * 10 ** machine.universe.decimals(quote))
        self.facts: list[Fact] = [Deposited(quote, atoms)]
        self.positions = [0] * len(machine.universe.instruments)
        self.most_unprotected = 0
        self._unprotected: dict[tuple[int, int], int] = {}
        self._seen = dict.fromkeys(("commands", "fills", "decisions", "samples"), 0)
        self._placed: set[int] = set()
        self._approvals: dict[int, int] = {}

    def run(self, tape: Any) -> None:
        first = 0
        for end in np.flatnonzero(tape["flags"] & CLOSES_TIMESTAMP) + 1:
            self.take(tape[first:end])
            first = int(end)
        self.check_books()

    def take(self, group: Any) -> None:
        for event in group[group["kind"] == FUNDING]:
            symbol = int(event["symbol"])
            mark = int(event["mark_ticks"]) or int(self.brain["positions"][symbol]["mark_ticks"])
            self.facts.append(FundingCharged(symbol, float(event["funding_rate"]), mark))
        self.session.take(group)
        self._check_commands(self._new("commands"))
        self._check_fills(self._new("fills"))
        self._check_decisions(self._new("decisions"))
        self._check_state()
        self._check_orders()
        self._check_equity(self._new("samples"))
        for event in group[group["kind"] == BAR]:
            self._check_protection(int(event["symbol"]))

    def check_books(self) -> None:
        universe = self.machine.universe
        books = recompute(universe, self.facts)
        found = disagreements(books, universe, self.brain["ledger"], self.brain["positions"])
        assert found == []

    def _new(self, kind: str) -> Any:
        seen = self._seen[kind]
        records = self.machine.log.records(kind)
        self._seen[kind] = len(records)
        return records[seen:]

    def _check_commands(self, commands: Any) -> None:
        for command in commands:
            order = command["order"]
            assert order["approval_id"] > 0
            if command["kind"] == PLACE:
                assert int(order["id"]) not in self._placed, "an order id came twice"
                self._placed.add(int(order["id"]))
                assert order["qty_lots"] > 0
                assert order["is_reduce_only"] == (order["role"] != ENTRY)
                # One approval covers an entry and its bracket, and nothing else.
                owner = int(order["group_id"]) if order["parent_id"] or order["role"] == ENTRY else -int(order["id"])
                assert self._approvals.setdefault(int(order["approval_id"]), owner) == owner

    def _check_fills(self, fills: Any) -> None:
        for fill in fills:
            symbol, lots = int(fill["symbol"]), int(fill["side"]) * int(fill["qty_lots"])
            before = self.positions[symbol]
            after = before + lots
            if fill["role"] == ENTRY:
                assert before * lots >= 0, "an entry met an opposing position"
            else:
                assert before * lots < 0, "a reduce-only fill did not reduce"
                assert before * after >= 0, "a reduce-only fill flipped the position"
            self.positions[symbol] = after
            assert fill["is_flagged"] == 0
            self.facts.append(fill)

    def _check_decisions(self, decisions: Any) -> None:
        for decision in decisions:
            assert (decision["refusal"] == 0) == (decision["approval_id"] > 0)
            assert 0 <= decision["approved_lots"] <= decision["proposal"]["qty_lots"]

    def _check_state(self) -> None:
        brain, universe = self.brain, self.machine.universe
        assert brain["is_halted"] == 0
        assert brain["ledger"]["is_broken"] == 0
        assert not brain["strategies"]["is_suspended"].any()
        assert self.machine.outbox[0]["n_overflowed"] == 0
        assert is_balanced(brain["ledger"], len(universe.assets))
        for symbol, instrument in enumerate(universe.instruments):
            held = int(brain["positions"][symbol]["lots"])
            sleeves = brain["sleeves"]["lots"][:, symbol]
            assert held == int(sleeves.sum()) == int(self.venue["net_lots"][symbol]) == self.positions[symbol]
            assert (sleeves * np.sign(held) >= 0).all(), "sleeves of one symbol point both ways"
            assert instrument.is_perpetual or held >= 0

    def _check_orders(self) -> None:
        """No order is lost: what the brain takes for alive is at the venue or on its way there, and the reverse."""
        rows = self.brain["orders"][: int(self.brain["n_slots"])]
        alive = {int(o["id"]) for o in rows if o["status"] == HELD or is_open(int(o["status"]))}
        finished = {int(o["id"]) for o in rows if is_finished(int(o["status"]))}
        at_venue = {int(o["id"]) for o in self.venue["orders"][: int(self.venue["n_orders"])]}
        queue = self.venue["queue"][: int(self.venue["n_queued"])]
        coming = {int(c["order"]["id"]) for c in queue if c["kind"] == PLACE}
        assert alive == at_venue | coming
        assert not finished & at_venue

    def _check_equity(self, samples: Any) -> None:
        universe, ledger = self.machine.universe, self.brain["ledger"]
        atom = Fraction(1, 10 ** universe.decimals(universe.quote))
        equity = int(ledger["balances"][HOLDINGS, 0]) * atom
        gross = abs(equity)
        for symbol, instrument in enumerate(universe.instruments):
            position = self.brain["positions"][symbol]
            value = Fraction(instrument.tick_size) * int(position["mark_ticks"])
            value *= Fraction(instrument.lot_size) * int(position["lots"])
            gross += abs(value)
            equity += value - (int(position["cost_atoms"]) * atom if instrument.is_perpetual else 0)
        assert abs(float(equity) - float(self.brain["equity"])) <= 1e-9 * float(gross)
        if len(samples):
            assert samples[-1]["equity"] == self.brain["equity"]

    def _check_protection(self, symbol: int) -> None:
        rows = self.brain["orders"][: int(self.brain["n_slots"])]
        alive = {int(o["id"]) for o in rows if o["status"] == HELD or is_open(int(o["status"]))}
        for strategy in range(int(self.config["n_strategies"])):
            sleeve = self.brain["sleeves"][strategy, symbol]
            needs = sleeve["lots"] != 0 and sleeve["initial_stop_ticks"] > 0
            is_safe = int(sleeve["stop_order_id"]) in alive or int(sleeve["exit_order_id"]) in alive
            bars = 0 if not needs or is_safe else self._unprotected.get((strategy, symbol), 0) + 1
            self._unprotected[strategy, symbol] = bars
            self.most_unprotected = max(self.most_unprotected, bars)
            assert bars <= MAX_UNPROTECTED_BARS
