"""A brain at its desk: entries are placed, a venue's reports and bars arrive one by one, commands are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bot4.domain.bars import HOUR_NS
from bot4.domain.events import (
    ACTION_SHIFT,
    BAR,
    CLOCK,
    CLOSES_TIMESTAMP,
    DECIDE,
    EVENT,
    INTENT,
    IS_SELL,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
)
from bot4.domain.halts import HaltReason
from bot4.domain.ledger import is_balanced
from bot4.domain.orders import CANCEL, EXIT, PLACE, PROTECTIVE_STOP, QUERY, REPLACE, SELL, TARGET, OrderStatus
from bot4.domain.recomputation import Deposited, disagreements, recompute
from bot4.kernel import i8, kernel, records
from bot4.pipeline.execution.commands import place_entry
from bot4.pipeline.state import BRAIN, CONFIG, DECISION, HOLD, LEAVE, OUTBOX
from bot4.pipeline.step import step
from tests.run_harness import market, planned

PRICE = 2_000_000  # ticks


@kernel(i8(records(BRAIN), records(CONFIG), records(OUTBOX), records(DECISION)))
def place_entry_of(brain: Any, config: Any, outbox: Any, decision: Any) -> int:
    return int(place_entry(brain[0], config[0], outbox[0], decision[0]))


@dataclass(frozen=True)
class Bracket:
    entry: int
    stop: int
    targets: tuple[int, ...]


class Desk:
    """One symbol, one strategy that says what it is told to say, and no venue but the test."""

    def __init__(self, symbol: str = "BTCUSDT", capital: int = 100_000) -> None:
        plan, _ = planned(market(2, (symbol,)), ("ema_cross",))
        self.machine = plan.machine()
        self.config, self.brain, self.box = self.machine.config[0], self.machine.brain[0], self.machine.outbox[0]
        self.config["waits_for_intents"] = 1
        self.config["strategies"][0]["is_python"] = 1
        self.brain["positions"][0]["mark_ticks"] = PRICE
        self.brain["next_approval_id"] = 1_000
        self.sleeve, self.position = self.brain["sleeves"][0, 0], self.brain["positions"][0]
        self.now = 1_000_000 * HOUR_NS
        self.next_trade_id = 1

    # --- what happens ------------------------------------------------------------------------------------------

    def enter(
        self, lots: int = 100, stop: int = PRICE - 20_000, targets: tuple[int, ...] = (), trail: int = 0, side: int = 1
    ) -> Bracket:
        decision = np.zeros(1, DECISION)
        proposal = decision[0]["proposal"]
        proposal["id"], proposal["ts_ns"], proposal["side"] = 7, self.now, side
        proposal["reference_ticks"], proposal["stop_ticks"], proposal["trail_ticks"] = PRICE, stop, trail
        proposal["target_ticks"][: len(targets)] = targets
        decision[0]["approved_lots"], decision[0]["approval_id"] = lots, 1
        assert place_entry_of(self.machine.brain, self.machine.config, self.machine.outbox, decision) == 0
        placed = [command["order"] for command in self.commands() if command["kind"] == PLACE]
        ids = {role: [int(o["id"]) for o in placed if o["role"] == role] for role in (PROTECTIVE_STOP, TARGET)}
        return Bracket(int(placed[0]["id"]), (ids[PROTECTIVE_STOP] or [0])[0], tuple(ids[TARGET]))

    def entered(self, **asked: Any) -> Bracket:
        """An entry that has filled whole, its bracket acknowledged."""
        bracket = self.enter(**asked)
        self.accepted(bracket.entry)
        self.filled(bracket.entry, asked.get("lots", 100))
        for child in (bracket.stop, *bracket.targets):
            if child:
                self.accepted(child)
        return bracket

    def report(self, kind: int, order_id: int, **fields: int) -> None:
        event = self._event(kind)
        event["order_id"] = order_id
        for name, value in fields.items():
            event[name] = value
        self._step(event)

    def accepted(self, order_id: int) -> None:
        self.report(ORDER_ACCEPTED, order_id)

    def rejected(self, order_id: int, reason: int = 2, about: int = 0) -> None:
        self.report(ORDER_REJECTED, order_id, reason=reason, flags=about)

    def cancelled(self, order_id: int) -> None:
        self.report(ORDER_CANCELLED, order_id)

    def filled(
        self, order_id: int, lots: int, ticks: int = PRICE, *, left: int = 0, trade_id: int = 0, side: int = 0
    ) -> int:
        """A fill of an order on its own side; returns its trade id."""
        order = self.order(order_id)
        side = side or (int(order["side"]) if order is not None else 1)
        trade_id = trade_id or self.next_trade_id
        self.next_trade_id = max(self.next_trade_id, trade_id) + 1
        self.report(
            ORDER_FILLED, order_id, fill_ticks=ticks, fill_lots=lots, fee_atoms=lots, trade_id=trade_id, reason=left,
            flags=IS_SELL if side == SELL else 0,
        )  # fmt: skip
        return trade_id

    def bar(self, close: int = PRICE, action: int = HOLD) -> list[tuple[str, int]]:
        """The next bar closes and the strategy answers; returns the commands that came of it, as (kind, role)."""
        self.now += HOUR_NS
        event = self._event(BAR, CLOSES_TIMESTAMP)
        for name in ("open", "high", "low", "close"):
            event[f"{name}_ticks"] = close
        event["volume"], event["ts_open_ns"] = 1.0, self.now - HOUR_NS
        self._step(event)
        intent = self._event(INTENT, action << ACTION_SHIFT)
        self._step(intent)
        self._step(self._event(DECIDE))
        return self.said()

    def leave(self, close: int = PRICE) -> list[tuple[str, int]]:
        return self.bar(close, LEAVE)

    def tick(self, seconds: float) -> list[tuple[str, int]]:
        """Time passes; returns the commands that came of it, queries included, as (kind, role)."""
        self.now += int(seconds * 1e9)
        self._step(self._event(CLOCK))
        return self.said(with_queries=True)

    # --- what is seen ------------------------------------------------------------------------------------------

    def said(self, *, with_queries: bool = False) -> list[tuple[str, int]]:
        """Commands since the last look, as (kind, role)."""
        commands = [c for c in self.commands() if with_queries or c["kind"] != QUERY]
        return [(_KINDS[int(c["kind"])], int(c["order"]["role"])) for c in commands]

    def halts(self) -> list[str]:
        """Why new risk was halted, in order."""
        return [HaltReason(row["reason"]).name for row in self.brain["halts"][: int(self.brain["n_halts"])]]

    def commands(self) -> np.ndarray:
        """Commands since the last look."""
        seen = self.machine.log.count("commands")
        self.machine.log.drain(self.machine.outbox)
        return self.machine.log.records("commands")[seen:]

    def order(self, order_id: int) -> Any:
        orders = self.brain["orders"]
        return next((orders[k] for k in range(self.brain["n_slots"]) if orders[k]["id"] == order_id), None)

    def status(self, order_id: int) -> str:
        return OrderStatus(self.order(order_id)["status"]).name

    def last(self, role: int) -> int:
        """Id of the latest order of a role."""
        commands = self.machine.log.records("commands")
        return int(commands["order"]["id"][(commands["order"]["role"] == role)].max())

    def fills(self) -> np.ndarray:
        self.commands()
        return self.machine.log.records("fills")

    def trades(self) -> np.ndarray:
        self.commands()
        return self.machine.log.records("trades")

    def is_halted(self) -> bool:
        return bool(self.brain["is_halted"])

    def check_books(self) -> None:
        """The ledger equals the recomputation from the fills, and the assets balance."""
        universe = self.machine.universe
        deposit = Deposited("USDT", 100_000 * 10**8)
        books = recompute(universe, [deposit, *self.fills()])
        assert disagreements(books, universe, self.brain["ledger"], self.brain["positions"]) == []
        assert is_balanced(self.brain["ledger"], len(universe.assets))

    def _event(self, kind: int, flags: int = 0) -> Any:
        event = np.zeros(1, EVENT)[0]
        event["ts_ns"], event["kind"], event["flags"] = self.now, kind, flags
        return event

    def _step(self, event: Any) -> None:
        machine = self.machine
        events = np.zeros(1, EVENT)
        events[0] = event
        step(machine.config, machine.brain, machine.markets, machine.outbox, events, 0, 1)


_KINDS = {PLACE: "place", CANCEL: "cancel", REPLACE: "replace", QUERY: "query"}
__all__ = ["EXIT", "HOLD", "LEAVE", "PRICE", "PROTECTIVE_STOP", "TARGET", "Bracket", "Desk"]
