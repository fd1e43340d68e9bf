"""One world: a market, an exchange, a network where everything goes wrong, and the order manager, from one seed."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from bot4.domain.events import ORDER_ACCEPTED, TRADE, EventKind
from bot4.domain.halts import HaltReason
from bot4.domain.orders import (
    EXPIRED,
    FILLED,
    HELD,
    PENDING,
    PLACE,
    STOP,
    TRANSITIONS,
    UNKNOWN,
    CommandKind,
    OrderStatus,
)
from bot4.domain.recomputation import Deposited, disagreements, recompute
from bot4.engine.order_desk import OrderDesk
from bot4.engine.reconciliation import reconcile
from bot4.engine.run_log import RunLog
from bot4.engine.venue_account import account_of
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.network.networked import NetworkedExchange
from tests.simulation.market import GAP, START_TICKS, SmallMarket
from tests.simulation.profiles import VALIDITY_MS, Profile

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
CAPITAL = Decimal(10_000_000)
TAIL = 60
LEAST_EVENTS = 1_000
ENTRY_SHARE, LEAVE_SHARE, MOVE_SHARE, CANCEL_SHARE = 0.25, 0.06, 0.12, 0.05  # of the steps, while it makes sense
LONGEST_BARE_NS = 20 * SECOND_NS  # without a stop or an exit, the venue being within reach
RESYNC_EVERY = 40  # steps
SNAPSHOT_EVERY = 60  # entries of the journal
# What no fault of these worlds causes: the venue and the money are right, and no order comes after its validity.
NEVER_TRUE = frozenset(
    {
        HaltReason.CAME_BACK, HaltReason.VANISHED, HaltReason.UNBOOKABLE, HaltReason.OVERFILL, HaltReason.NO_ROOM,
        HaltReason.STRANGE_FILL, HaltReason.STRANGE_REPORT, HaltReason.UNSURE_FILL,
    }
)  # fmt: skip
WARM_SHARE = 0.6  # of the restarts; the others know nothing but the venue


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

    n_steps = 260  # of all symbols together
    n_quiet_steps = 90
    least_events = LEAST_EVENTS

    def __init__(self, seed: int, profile: Profile, desk_type: type[OrderDesk] = OrderDesk) -> None:
        self.seed, self.profile, self.desk_type = seed, profile, desk_type
        self.rng = np.random.Generator(np.random.PCG64([seed, 4711]))
        universe = profile.universe
        self.symbols = range(len(universe.instruments))
        lot = float(universe.instruments[0].lot_size)
        n_busy, n_quiet = self.n_steps // len(self.symbols), self.n_quiet_steps // len(self.symbols)
        n_each = n_busy + n_quiet
        markets = [SmallMarket(seed, symbol, n_busy, n_quiet, START_NS, lot) for symbol in self.symbols]
        turns = sorted((int(m.times[at]), s, at + 1) for s, m in enumerate(markets) for at in range(n_each))
        self.steps = [(START_NS, m.step(0)) for m in markets] + [(ts, markets[s].step(at)) for ts, s, at in turns]
        self.exchange = Witness(universe, profile.venue, balances={"USDT": CAPITAL}, start_ns=START_NS)
        self.net = NetworkedExchange(self.exchange, profile.network, seed)
        self.desk = self._new_desk()
        self.now = START_NS
        self.n_events = self.n_crashes = self.n_connections = 0
        self.is_up, self._is_cold, self._return_ns = True, False, 0
        self.hits: Counter[tuple[int, int]] = Counter()
        self.halts: Counter[HaltReason] = Counter()
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.digest = hashlib.sha256()
        self.booked: list[Any] = []  # fills of desks that fell
        self._statuses: dict[int, int] = {}
        self._ids: list[int] = []
        self._now_statuses: list[int] = []
        self._n_halts = 0
        self._bare_ns = [0 for _ in self.symbols]
        self._checked_ns = START_NS
        self._snapshot, self._journal, self._sent = self.desk.state(), [], []

    def _new_desk(self) -> OrderDesk:
        return self.desk_type(self.profile.universe, self.profile.execution, capital=CAPITAL, loses_answers=True)

    # --- the course of it ------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """All of it, checked."""
        for at, (ts_ns, events) in enumerate(self.steps):
            if at == self.n_steps:
                self._end_faults()
            if at == len(self.steps) - self.n_quiet_steps // 2:
                self._compare()
            self._step(at, ts_ns, events, acts=at < self.n_steps)
        for _ in range(30):  # what the last moment of the market caused comes in
            self._live_until(self.now + SECOND_NS)
            self._do("clock", self.now)
        self._check_peace()
        self._require(self.n_events >= self.least_events, f"only {self.n_events} events")
        self.digest.update(self.desk.state())
        struck = Counter({kind.name: times for kind, times in self.net.struck().items()})
        n_orders = int(self.desk.brain[0]["next_order_id"]) - 1
        return Outcome(
            self.digest.hexdigest(), self.n_events, self.hits, self.halts, struck, len(self.exchange.fills()), n_orders,
            self.n_crashes,
        )  # fmt: skip

    def _step(self, at: int, ts_ns: int, events: Any, *, acts: bool) -> None:
        self._live_until(ts_ns)
        taken = self.net.feed(events)
        self.n_events += taken
        self._live_until(ts_ns)
        if not self.is_up:
            return
        trades = np.flatnonzero(events["kind"][:taken] == TRADE)
        if len(trades) and self.net.is_connected:
            self._do("take", events[trades[-1] : trades[-1] + 1])
        if acts:
            self._act(at % len(self.symbols))
        if self.net.is_connected and (self.n_connections != self.net.n_connections or at % RESYNC_EVERY == 0):
            self.n_connections = self.net.n_connections
            self._compare()
        self._do("clock", self.now)
        self._check_always()

    def _live_until(self, ts_ns: int) -> None:
        """Take in what reaches us, at the moment at which it does, up to a time."""
        arrives = self.net.next_ns
        while arrives <= ts_ns:
            self._take(arrives)
            arrives = self.net.next_ns
        self._take(ts_ns)

    def _take(self, ts_ns: int) -> None:
        self.now = ts_ns
        reports = self.net.reports(ts_ns)
        if self.net.n_our_crashes != self.n_crashes:
            self._fall()
        if not self.is_up and self._return_ns <= ts_ns:
            self._restart()
        if len(reports) == 0 or not self.is_up:
            return
        self.digest.update(reports.tobytes())
        for at in range(len(reports)):
            self._note(reports[at])
            self.n_events += 1
            self._do("take", reports[at : at + 1])

    def _do(self, what: str, *args: Any, **kwargs: Any) -> None:
        """Journal what is done, let the order manager do it, and send what comes of it."""
        if not self.is_up:
            return
        if len(self._journal) >= SNAPSHOT_EVERY:
            self._snapshot, self._journal, self._sent = self.desk.state(), [], []
        self._journal.append((what, args, kwargs))
        getattr(self.desk, what)(*args, **kwargs)
        self._record_moves()
        self._note_halts()
        if self.desk.outbox[0]["n_commands"]:
            self._send(self.desk.commands())

    def _send(self, commands: Any) -> None:
        self._sent.append(commands.tobytes())
        self.n_events += len(commands)
        self.digest.update(commands.tobytes())
        for command in commands:
            order = command["order"]
            self.tail.append(
                f"{self._clock()} -> {CommandKind(command['kind']).name} {order['id']} lots {order['qty_lots']}"
                f" side {order['side']} stop {order['stop_ticks']} limit {order['limit_ticks']}"
                f" parent {order['parent_id']} role {order['role']}"
            )
        commands["ts_ns"] = self.now
        refused = self.net.send(commands)
        self._require(len(refused) == 0, "the queue was full")

    # --- falling and coming back -----------------------------------------------------------------------------------

    def _fall(self) -> None:
        self.n_crashes = self.net.n_our_crashes
        if not self.is_up:
            self._return_ns = max(self._return_ns, self.net.we_return_ns)
            return
        self.is_up = False
        self._is_cold = self.rng.random() >= WARM_SHARE
        wait_ns = (
            round(VALIDITY_MS * 1e6) + SECOND_NS if self._is_cold else 0
        )  # whatever is under way has acted by then
        self._return_ns = max(self.net.we_return_ns, self.now + wait_ns)
        self.tail.append(f"{self._clock()} we fall")
        self.booked.append(self.desk.fills())

    def _restart(self) -> None:
        """Come back warm, from snapshot and journal, or cold, from nothing but the venue."""
        if self._is_cold:
            if not self.net.is_connected:
                return
            self.desk = self._new_desk()
            self.booked, self._snapshot, self._journal, self._sent = [], self.desk.state(), [], []
            self._statuses = {}
        else:
            self._recover()
        self.is_up = True
        self._checked_ns = self.now  # while we were down nobody could act
        self.tail.append(f"{self._clock()} we are back, {'cold' if self._is_cold else 'warm'}")
        self._compare()

    def _recover(self) -> None:
        """From the snapshot and the journal: the same commands come of it, and none is sent twice."""
        desk = self._new_desk()
        desk.restore(self._snapshot)
        again = []
        for what, args, kwargs in self._journal:
            getattr(desk, what)(*args, **kwargs)
            if desk.outbox[0]["n_commands"]:
                again.append(desk.commands().tobytes())
        self._require(again == self._sent, "the journal does not lead to the commands that were sent")
        self._require(desk.state() == self.desk.state(), "the journal does not lead to the state that was lost")
        desk.commands()  # fills too: they are in the log of the desk that fell
        desk.log = RunLog()
        self.desk = desk

    def _compare(self) -> None:
        """Reconcile with what the venue shows of the account now; it may be out of reach."""
        if not self.is_up or not self.net.is_connected:
            return
        found = reconcile(self.desk.brain, self.desk.config, self.profile.universe, account_of(self.exchange))
        self.tail.append(f"{self._clock()} reconciled: {[str(item) for item in found.differences]}")
        self._do("take", found.events)

    # --- what we want ----------------------------------------------------------------------------------------------

    def _act(self, symbol: int) -> None:
        drawn, which = self.rng.random(2)
        sleeve = self.desk.brain[0]["sleeves"][0, symbol]
        if sleeve["lots"] == 0 and not sleeve["is_entering"]:
            if drawn < ENTRY_SHARE:
                self._enter(symbol)
            return
        drawn -= LEAVE_SHARE
        if drawn < 0:
            self._do("leave", symbol, self.now)
            return
        drawn -= MOVE_SHARE
        if drawn < 0:
            if sleeve["stop_order_id"] and sleeve["lots"] != 0:
                self._do(
                    "move_stop", symbol, int(sleeve["stop_ticks"]) + (1 if sleeve["lots"] > 0 else -1) * GAP, self.now
                )
            return
        if drawn < CANCEL_SHARE:
            open_ids = self.desk.open_orders()["id"]
            if len(open_ids):
                self._do("cancel", int(open_ids[int(which * len(open_ids))]), self.now)

    def _enter(self, symbol: int) -> None:
        self._do("clock", self.now)  # as in a step of the brain: what outlived the last position is cleared away first
        side = 1 if self.rng.random() < 0.5 else -1
        price = int(self.desk.brain[0]["positions"][symbol]["mark_ticks"]) or START_TICKS
        far, n_targets = int(self.rng.integers(2, 12)) * GAP, int(self.rng.integers(0, 4))
        targets = tuple(price + side * int(k) * GAP for k in sorted(self.rng.integers(1, 14, n_targets)))
        self._do(
            "enter", symbol, side, int(self.rng.integers(1, 60)), self.now, reference_ticks=price,
            stop_ticks=price - side * far, target_ticks=targets,
        )  # fmt: skip

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

    def _note_halts(self) -> None:
        n_halts = int(self.desk.brain[0]["n_halts"])
        if n_halts > self._n_halts:
            new = self.desk.halts()[self._n_halts :]
            self.halts.update(new)
            self.tail.append(f"{self._clock()} halted: {[reason.name for reason in new]}")
            wrong = [reason.name for reason in new if reason in NEVER_TRUE]
            self._require(not wrong, f"halted for what cannot be: {wrong}")
        self._n_halts = n_halts

    def _check_always(self) -> None:
        """Every position has a stop at the venue or an exit on its way, or will soon; nothing was placed twice."""
        passed, self._checked_ns = self.now - self._checked_ns, self.now
        network = self.net._network[0]
        is_reachable = not (network["until_ns"][10:] > network["now_ns"] - SECOND_NS).any()
        venue = self.exchange._venue[0]
        rows = venue["orders"][: int(venue["n_orders"])]
        lost = [k for k in rows["id"].tolist() if FILLED <= self._statuses.get(k, 0) <= EXPIRED]
        self._require(lost == [], f"open at the venue, and finished in our books: {lost}")
        for symbol in self.symbols:
            held = int(venue["net_lots"][symbol])
            is_bare = held != 0
            if is_bare:
                is_stop = (rows["type"] == STOP) & (rows["symbol"] == symbol) & (rows["side"] * held < 0)
                stops = rows[is_stop & (rows["status"] != HELD)]
                is_bare = int((stops["qty_lots"] - stops["filled_lots"]).sum()) < abs(held)
            if not is_bare:
                self._bare_ns[symbol] = 0
            elif is_reachable:
                self._bare_ns[symbol] += passed
                self._require(
                    self._bare_ns[symbol] < LONGEST_BARE_NS,
                    f"symbol {symbol} holds {held} lots without a stop for {self._bare_ns[symbol] / 1e9:.1f} s",
                )

    def _end_faults(self) -> None:
        network = self.net._network[0]
        network["rate"] = 0.0
        network["next_onset_ns"] = (1 << 63) - 1
        network["until_ns"] = np.minimum(network["until_ns"], self.now + 1)

    def _check_peace(self) -> None:
        """Nothing goes wrong any more: our books and the venue's are the same."""
        self._require(self.is_up, "we are not back")
        self._check_fills()
        self._check_orders()
        brain = self.desk.brain[0]
        net_lots = self.exchange._venue[0]["net_lots"]
        for symbol in self.symbols:
            held, sleeve = self.desk.lots(symbol), brain["sleeves"][0, symbol]
            self._require(
                held == net_lots[symbol], f"we hold {held} lots of {symbol}, the venue says {net_lots[symbol]}"
            )
            self._require(held == sleeve["lots"], f"the sleeve of {symbol} holds {sleeve['lots']}, the position {held}")
        self._require(self.desk.is_halted == (len(self.desk.halts()) > 0), "halted without a reason")

    def _check_fills(self) -> None:
        theirs = self.exchange.fills()
        booked = np.concatenate([*self.booked, self.desk.fills()], dtype=theirs.dtype)
        ours = booked[np.argsort(booked["trade_id"], kind="stable")]
        ids, known = ours["trade_id"].tolist(), theirs["trade_id"].tolist()
        self._require(len(set(ids)) == len(ids), f"booked twice: {[k for k, n in Counter(ids).items() if n > 1]}")
        missing = [(int(f["trade_id"]), int(f["order_id"])) for f in theirs if int(f["trade_id"]) not in set(ids)]
        self._require(ids == known, f"never booked (trade, order): {missing}")
        for name in ("order_id", "symbol", "side", "price_ticks", "qty_lots", "fee_atoms", "is_maker"):
            self._require((ours[name] == theirs[name]).all(), f"fills differ in {name}")
        self._check_books(booked, theirs)

    def _check_books(self, booked: Any, theirs: Any) -> None:
        """Every account is what the fills make it, and the venue's to the last atom.

        Of an open perpetual the order of booking decides on which side of the balance an atom of its basis stands:
        balance and basis are the venue's together, and each by itself where nothing is held.
        """
        universe, brain = self.profile.universe, self.desk.brain[0]
        deposit = Deposited("USDT", int(CAPITAL * 10 ** universe.decimals("USDT")))
        wrong = disagreements(recompute(universe, [deposit, *booked]), universe, brain["ledger"], brain["positions"])
        self._require(wrong == [], f"books: {wrong}")
        at_venue = recompute(universe, [deposit, *theirs])
        shift = sum(int(brain["positions"][k]["cost_atoms"]) - at_venue.holdings[k].cost for k in self.symbols)
        held = self.desk.balances()["USDT"]
        balance = sum(self.exchange.balances()["USDT"])
        self._require(
            held - balance == shift, f"USDT: we hold {held}, the venue says {balance}, bases differ by {shift}"
        )
        for symbol in self.symbols:
            mine, its = brain["positions"][symbol], at_venue.holdings[symbol]
            self._require(
                mine["fees_atoms"] == its.fees, f"fees of {symbol}: {mine['fees_atoms']}, the venue's {its.fees}"
            )
            if mine["lots"] == 0:
                self._require((mine["cost_atoms"], mine["realised_atoms"]) == (0, its.realised), f"results of {symbol}")

    def _check_orders(self) -> None:
        doubled = [k for k, n in (self.exchange.accepted | self.exchange.placed).items() if n > 1]
        self._require(doubled == [], f"orders placed twice: {doubled}")
        theirs = {int(row["id"]): row for row in self.exchange.open_orders()}
        open_here = self.desk.open_orders()
        ours = {int(r["id"]): r for r in open_here if r["status"] != HELD or self.profile.has_native_brackets}
        self._require(theirs.keys() <= ours.keys(), f"orphans at the venue: {sorted(theirs.keys() - ours.keys())}")
        self._require(ours.keys() <= theirs.keys(), f"not at the venue: {sorted(ours.keys() - theirs.keys())}")
        for order_id, row in ours.items():
            status = OrderStatus(row["status"])
            self._require(status not in (PENDING, UNKNOWN), f"order {order_id} is {status.name}")
            for name in ("filled_lots", "stop_ticks", "limit_ticks", "side", "symbol"):
                mine, its = int(row[name]), int(theirs[order_id][name])
                self._require(mine == its, f"{name} of order {order_id} is {mine}, at the venue {its}")
        for symbol in self.symbols:
            sleeve = self.desk.brain[0]["sleeves"][0, symbol]
            of_symbol = [order_id for order_id, row in theirs.items() if row["symbol"] == symbol]
            if sleeve["lots"] == 0 and not sleeve["is_entering"]:
                self._require(of_symbol == [], f"orders of {symbol} outlive its position: {of_symbol}")
            elif sleeve["lots"] != 0:
                stops = [theirs[k] for k in of_symbol if theirs[k]["type"] == STOP]
                left = sum(int(row["qty_lots"] - row["filled_lots"]) for row in stops)
                is_covered = left == abs(sleeve["lots"])
                if (
                    self.profile.has_native_brackets
                ):  # its size is the venue's affair; it only reduces, whatever its size
                    is_covered = left >= abs(sleeve["lots"]) and all(row["is_reduce_only"] for row in stops)
                self._require(is_covered, f"stops of {symbol} cover {left} of {sleeve['lots']} lots")

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            tail = "\n  ".join(self.tail)
            raise Broken(f"{what}; seed {self.seed}, profile {self.profile.name}, at {self._clock()}\n  {tail}")

    def _clock(self) -> str:
        return f"{(self.now - START_NS) / 1e9:.3f}"

    def _note(self, event: Any) -> None:
        kind = EventKind(event["kind"]).name
        more = f"lots {event['fill_lots']} at {event['fill_ticks']} trade {event['trade_id']} reason {event['reason']}"
        if kind == "ORDER_STATUS":
            more = f"{OrderStatus(event['status']).name} {event['status_filled_lots']} of {event['status_lots']}"
        self.tail.append(f"{self._clock()} <- {kind} {event['order_id']} {more} flags {event['flags']}")


ALLOWED = frozenset((int(a), int(b)) for a, b in zip(*np.nonzero(TRANSITIONS), strict=True) if a != b)
