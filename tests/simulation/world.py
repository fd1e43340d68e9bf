"""One world: a market, an exchange, a network where everything goes wrong, and the order manager, from one seed."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from bot4.domain.events import EVENT, ORDER_ACCEPTED, TRADE, EventKind
from bot4.domain.halts import HaltReason
from bot4.domain.orders import COMMAND, PLACE, TRANSITIONS, CommandKind, OrderStatus
from bot4.domain.portfolio import BY_SIGNAL
from bot4.engine.order_desk import OrderDesk
from bot4.engine.run_log import RunLog
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.network.networked import NetworkedExchange
from tests.simulation.market import GAP, START_TICKS, SmallMarket
from tests.simulation.profiles import Profile

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
CAPITAL = Decimal(10_000_000)
N_STRATEGIES = 2
TAIL = 40


class Broken(AssertionError):
    """An invariant did not hold."""


@dataclass
class Outcome:
    """What a world came to."""

    digest: str
    n_events: int
    hits: Counter[tuple[int, int]]
    halts: Counter[HaltReason]
    struck: Counter[str] = field(default_factory=Counter)
    n_fills: int = 0
    n_orders: int = 0
    n_crashes: int = 0


class Witness(SimulatedExchange):
    """An exchange that remembers which orders it accepted, however often it is asked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accepted: Counter[int] = Counter()
        self.placed: Counter[int] = Counter()

    def request(self, commands: Any) -> Any:
        reports = super().request(commands)
        for command in commands:
            if command["kind"] == PLACE:
                self.placed[int(command["order"]["id"])] += 1
        self._note(reports)
        return reports

    def drain(self) -> Any:
        reports = super().drain()
        self._note(reports)
        return reports

    def _note(self, reports: Any) -> None:
        if len(reports):
            self.accepted.update(reports["order_id"][reports["kind"] == ORDER_ACCEPTED].tolist())


class World:
    """A seed, a profile, and what follows from them."""

    n_steps = 300
    n_quiet_steps = 120

    def __init__(self, seed: int, profile: Profile) -> None:
        self.seed, self.profile = seed, profile
        self.rng = np.random.Generator(np.random.PCG64([seed, 4711]))
        universe = profile.universe
        lot = float(universe.instruments[0].lot_size)
        self.market = SmallMarket(seed, 0, self.n_steps + self.n_quiet_steps, START_NS, lot)
        self.exchange = Witness(universe, profile.venue, balances={"USDT": CAPITAL}, start_ns=START_NS)
        self.net = NetworkedExchange(self.exchange, profile.network, seed)
        self.desk = self._new_desk()
        self.now = START_NS
        self.n_events = 0
        self.hits: Counter[tuple[int, int]] = Counter()
        self.halts: Counter[HaltReason] = Counter()
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.digest = hashlib.sha256()
        self._statuses: dict[int, int] = {}
        self._ids: list[int] = []
        self._now_statuses: list[int] = []
        self._bare_since = 0

    def _new_desk(self) -> OrderDesk:
        return OrderDesk(
            self.profile.universe, self.profile.execution, capital=CAPITAL, n_strategies=N_STRATEGIES, loses_answers=True
        )

    # --- the course of it ------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """All of it, checked."""
        for at in range(self.n_steps):
            self._step(at, acts=True)
        self._end_faults()
        for at in range(self.n_steps, self.n_steps + self.n_quiet_steps):
            self._step(at, acts=False)
        self._check_peace()
        self.digest.update(self.desk.state())
        return Outcome(self.digest.hexdigest(), self.n_events, self.hits, self.halts)

    def _step(self, at: int, *, acts: bool) -> None:
        events = self.market.step(at)
        self._live_until(int(events["ts_ns"][0]))
        taken = self.net.feed(events)
        self.n_events += taken
        self._live_until(self.now)
        trades = np.flatnonzero(events["kind"][:taken] == TRADE)
        if len(trades) and self.net.is_connected:
            seen = events[trades[-1] : trades[-1] + 1]
            self._do(lambda desk: desk.take(seen))
        if acts:
            self._act()
        self._tick()

    def _live_until(self, ts_ns: int) -> None:
        """Take in what reaches us, at the moment at which it does, up to a time."""
        arrives = self.net.next_ns
        while arrives <= ts_ns:
            self._take(arrives)
            arrives = self.net.next_ns
        self.now = ts_ns
        self._take(ts_ns)

    def _take(self, ts_ns: int) -> None:
        self.now = ts_ns
        reports = self.net.reports(ts_ns)
        if len(reports) == 0:
            return
        self.digest.update(reports.tobytes())
        for at in range(len(reports)):
            self._note(reports[at])
            self.n_events += 1
            self._do(lambda desk, report=reports[at : at + 1]: desk.take(report))

    def _do(self, action: Any) -> None:
        """Let the order manager do something, and send what comes of it."""
        action(self.desk)
        self._record_moves()
        if self.desk.outbox[0]["n_commands"]:
            self._send(self.desk.commands())

    def _send(self, commands: Any) -> None:
        commands["ts_ns"] = self.now
        self.n_events += len(commands)
        self.digest.update(commands.tobytes())
        for command in commands:
            order = command["order"]
            self.tail.append(
                f"{self._clock()} -> {CommandKind(command['kind']).name} {order['id']} lots {order['qty_lots']}"
                f" side {order['side']} stop {order['stop_ticks']} limit {order['limit_ticks']} parent {order['parent_id']}"
            )
        refused = self.net.send(commands)
        assert len(refused) == 0

    def _tick(self) -> None:
        self._do(lambda desk: desk.clock(self.now))

    # --- what we want ----------------------------------------------------------------------------------------------

    def _act(self) -> None:
        drawn = self.rng.random(4)
        strategy = int(drawn[0] * N_STRATEGIES)
        brain = self.desk.brain[0]
        sleeve = brain["sleeves"][strategy, 0]
        if sleeve["lots"] == 0 and not sleeve["is_entering"]:
            if drawn[1] < 0.25:
                self._enter(strategy, drawn[2])
        elif drawn[1] < 0.08:
            self._do(lambda desk: desk.leave(0, self.now, strategy=strategy, reason=BY_SIGNAL))
        elif drawn[1] < 0.2 and sleeve["stop_order_id"]:
            closer = int(sleeve["stop_ticks"]) + (1 if sleeve["lots"] > 0 else -1) * GAP
            self._do(lambda desk: desk.move_stop(0, closer, self.now, strategy=strategy))
        elif drawn[1] < 0.26:
            open_ids = self.desk.open_orders()["id"]
            if len(open_ids):
                chosen = int(open_ids[int(drawn[3] * len(open_ids))])
                self._do(lambda desk: desk.cancel(chosen, self.now))

    def _enter(self, strategy: int, drawn: float) -> None:
        side = 1 if drawn < 0.5 else -1
        price = self._price()
        far, n_targets = int(self.rng.integers(2, 12)) * GAP, int(self.rng.integers(0, 4))
        targets = tuple(price + side * int(k) * GAP for k in sorted(self.rng.integers(1, 14, n_targets)))
        lots = int(self.rng.integers(1, 60))
        self._do(
            lambda desk: desk.enter(
                0, side, lots, self.now, strategy=strategy, reference_ticks=price, stop_ticks=price - side * far,
                target_ticks=targets,
            )
        )  # fmt: skip

    def _price(self) -> int:
        return int(self.desk.brain[0]["positions"][0]["mark_ticks"]) or START_TICKS

    # --- what must hold --------------------------------------------------------------------------------------------

    def _record_moves(self) -> None:
        orders = self.desk.brain[0]["orders"]
        n = int(self.desk.brain[0]["n_slots"])
        ids, statuses = orders["id"][:n].tolist(), orders["status"][:n].tolist()
        if ids == self._ids and statuses == self._now_statuses:
            return
        self._ids, self._now_statuses = ids, statuses
        for order_id, status in zip(ids, statuses, strict=True):
            before = self._statuses.get(order_id, 0)
            if before != status:
                self._statuses[order_id] = status
                self.hits[before, status] += 1

    def _end_faults(self) -> None:
        network = self.net._network[0]
        network["rate"] = 0.0
        network["next_onset_ns"] = (1 << 63) - 1

    def _check_peace(self) -> None:
        """Nothing goes wrong any more: our books and the venue's are the same."""
        theirs = self.exchange.fills()
        ours = self.desk.fills()
        self._require(sorted(ours["trade_id"].tolist()) == theirs["trade_id"].tolist(), "fills differ")

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            tail = "\n  ".join(self.tail)
            raise Broken(f"{what}; seed {self.seed}, profile {self.profile.name}, at {self._clock()}\n  {tail}")

    def _clock(self) -> str:
        return f"{(self.now - START_NS) / 1e9:.3f}"

    def _note(self, event: Any) -> None:
        kind = EventKind(event["kind"]).name
        more = f"{OrderStatus(event['status']).name} {event['status_filled_lots']}" if kind == "ORDER_STATUS" else (
            f"lots {event['fill_lots']} at {event['fill_ticks']} trade {event['trade_id']} reason {event['reason']} flags {event['flags']}"
        )
        self.tail.append(f"{self._clock()} <- {kind} {event['order_id']} {more}")
