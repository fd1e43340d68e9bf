"""Bugs planted on purpose: each a small change of what the order manager hears, remembers or says, and none is ours.

A mutation is a subclass of the desk or of the world. The worlds must notice every one of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.events import (
    IS_SELL,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    ORDER_STATUS,
    ORDER_UNKNOWN,
)
from bot4.domain.orders import (
    CANCEL,
    COMMAND,
    FREE,
    HELD,
    PLACE,
    PROTECTIVE_STOP,
    QUERY,
    REPLACE,
    is_finished,
)
from bot4.engine.order_desk import OrderDesk
from tests.simulation.profiles import Profile
from tests.simulation.world import World


class Mutant(OrderDesk):
    """A desk with a bug; what it emits can be changed, and what it hears."""

    def take(self, events: Any) -> None:
        events = events.copy() if len(events) != 1 else np.frombuffer(bytearray(events.tobytes()), events.dtype)
        for at in range(len(events)):
            if self.hears(events[at]):
                super().take(events[at : at + 1])
        self.after()

    def commands(self) -> Any:
        made = super().commands()
        kept = [at for at in range(len(made)) if self.says(made[at])]
        return made[kept]

    def hears(self, event: Any) -> bool:
        """Whether an event is taken; it may be changed."""
        return True

    def says(self, command: Any) -> bool:
        """Whether a command is sent; it may be changed."""
        return True

    def after(self) -> None:
        """What is done after every event."""

    def believe(self, kind: int, command: Any) -> None:
        """Believe a report that never came."""
        event = np.zeros_like(self._tick)
        event["kind"], event["ts_ns"] = kind, command["ts_ns"]
        event["order_id"], event["symbol"] = command["order"]["id"], command["order"]["symbol"]
        OrderDesk.take(self, event)


class ResendsOnTimeout(Mutant):
    """An order of unknown outcome is sent again at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._placed: dict[int, Any] = {}
        self._again: list[Any] = []

    def says(self, command: Any) -> bool:
        if command["kind"] == PLACE:
            self._placed[int(command["order"]["id"])] = command.copy()
        return True

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_UNKNOWN and event["flags"] == 0 and int(event["order_id"]) in self._placed:
            self._again.append(self._placed[int(event["order_id"])])
        return True

    def commands(self) -> Any:
        made, again, self._again = super().commands(), self._again, []
        return np.array([*made, *again], dtype=made.dtype) if again else made


class BooksFillsTwice(Mutant):
    """Trade ids are not remembered."""

    def after(self) -> None:
        self.brain[0]["trade_memory"]["n_ids"] = 0
        self.brain[0]["trade_memory"]["floor_id"] = 0


class ForgetsCancels(Mutant):
    """A cancel is believed done and never sent."""

    def says(self, command: Any) -> bool:
        if command["kind"] == CANCEL:
            self.believe(ORDER_CANCELLED, command)
            return False
        return True


class WrongSideOfStops(Mutant):
    """Protective stops are sent on the entry's side."""

    def says(self, command: Any) -> bool:
        if command["kind"] == PLACE and command["order"]["role"] == PROTECTIVE_STOP:
            command["order"]["side"] *= -1
        return True


class NeverReplaces(Mutant):
    """A replacement is believed done and never sent: the stop keeps its old price and quantity."""

    def says(self, command: Any) -> bool:
        if command["kind"] == REPLACE:
            self.believe(ORDER_REPLACED, command)
            return False
        return True


class IgnoresFillsAfterTheEnd(Mutant):
    """A fill of an order that has finished is passed over, and taken for booked."""

    def hears(self, event: Any) -> bool:
        if event["kind"] != ORDER_FILLED:
            return True
        order = self.order(int(event["order_id"]))
        if order is None or not is_finished(int(order["status"])):
            return True
        memory = self.brain[0]["trade_memory"][event["symbol"]]
        n = int(memory["n_ids"])
        if event["trade_id"] not in memory["ids"][:n]:
            memory["ids"][: n + 1] = np.sort(np.append(memory["ids"][:n], event["trade_id"]))
            memory["n_ids"] = n + 1
        return False


class TrustsNotFound(Mutant):
    """ "No such order" is believed at once, however young the order."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_STATUS and event["status"] == FREE:
            event["kind"], event["reason"] = ORDER_REJECTED, 44
        return True


class LosesEverySecondReport(Mutant):
    """Of two reports of one moment the second is dropped."""

    _last: tuple[int, int] = (0, 0)

    def hears(self, event: Any) -> bool:
        now = (int(event["ts_ns"]), int(event["kind"] <= ORDER_STATUS))
        is_second = now[1] == 1 and now == self._last
        self._last = now
        return not is_second


class WrongFeeSign(Mutant):
    """Fees are booked as if paid to us."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_FILLED:
            event["fee_atoms"] *= -1
        return True


class StopsOneLotShort(Mutant):
    """The remainder that a stop protects is off by one."""

    def says(self, command: Any) -> bool:
        order = command["order"]
        if command["kind"] in (PLACE, REPLACE) and order["role"] == PROTECTIVE_STOP and order["qty_lots"] > 1:
            order["qty_lots"] -= 1
        return True


class ReplaceForgetsFills(Mutant):
    """A confirmed placement or replacement overwrites what had filled."""

    def hears(self, event: Any) -> bool:
        if event["kind"] in (ORDER_ACCEPTED, ORDER_REPLACED):
            order = self.order(int(event["order_id"]))
            if order is not None:
                order["filled_lots"] = 0
        return True


class UnknownIsRejected(Mutant):
    """A time-out is taken for a refusal."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_UNKNOWN:
            event["kind"] = ORDER_REJECTED
        return True


class UnknownIsAccepted(Mutant):
    """A time-out is taken for success."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_UNKNOWN and event["flags"] == 0:
            event["kind"] = ORDER_ACCEPTED
        return True


class WrongSideOfFills(Mutant):
    """Now and then a fill is booked on the other side."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_FILLED and event["trade_id"] % 16 == 0:
            event["flags"] ^= IS_SELL
        return True


class RefusedCancelEndsTheOrder(Mutant):
    """A refusal of a cancel or a replacement is taken for one of the order."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_REJECTED:
            event["flags"] = 0
        return True


class NeverAsks(Mutant):
    """Queries are not sent."""

    def says(self, command: Any) -> bool:
        return bool(command["kind"] != QUERY)


class DropsPartialFills(Mutant):
    """Only the last fill of an order is booked."""

    def hears(self, event: Any) -> bool:
        return not (event["kind"] == ORDER_FILLED and event["reason"] > 0)


class StopsForTheWholeEntry(Mutant):
    """A stop is sent for one lot more than has filled."""

    def says(self, command: Any) -> bool:
        order = command["order"]
        if command["kind"] in (PLACE, REPLACE) and order["role"] == PROTECTIVE_STOP:
            order["qty_lots"] += 1
        return True


class ForgetsStops(Mutant):
    """Stops are believed accepted and never sent."""

    def says(self, command: Any) -> bool:
        if command["kind"] == PLACE and command["order"]["role"] == PROTECTIVE_STOP:
            if command["order"]["status"] != HELD:
                self.believe(ORDER_ACCEPTED, command)
            return False
        return True


class MixesSymbols(Mutant):
    """Fills of the second symbol are booked in the first."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_FILLED:
            event["symbol"] = 0
        return True


class PriceOffByATick(Mutant):
    """A maker's fill is booked a tick away from its price."""

    def hears(self, event: Any) -> bool:
        if event["kind"] == ORDER_FILLED and event["reason"] == 0:
            event["fill_ticks"] += 1
        return True


class SendsTheJournalAgain(World):
    """After a restart the commands of the journal are sent a second time."""

    def _recover(self) -> None:
        sent = list(self._sent)
        super()._recover()
        for raw in sent[-3:]:
            self.net.send(np.frombuffer(bytearray(raw), dtype=COMMAND))


class LosesTheEndOfTheJournal(World):
    """The last commands were sent before they were in the journal, and a crash loses them from it."""

    def _recover(self) -> None:
        if self._journal and self._journal[-1][0] in ("enter", "leave", "clock", "take"):
            self._journal = self._journal[:-4]
            self.desk = self._new_desk()
            self.desk.restore(self._snapshot)
            for what, args, kwargs in self._journal:
                getattr(self.desk, what)(*args, **kwargs)
                self.desk.commands()
            self.desk.log = type(self.desk.log)()
            self._ids = []
        else:
            super()._recover()


class NeverReconciles(World):
    """After a lost connection or a restart nobody compares the books."""

    def _compare(self) -> None:
        return


DESKS: tuple[type[Mutant], ...] = (
    ResendsOnTimeout, BooksFillsTwice, ForgetsCancels, WrongSideOfStops, NeverReplaces, IgnoresFillsAfterTheEnd,
    TrustsNotFound, LosesEverySecondReport, WrongFeeSign, StopsOneLotShort, ReplaceForgetsFills, UnknownIsRejected,
    UnknownIsAccepted, WrongSideOfFills, RefusedCancelEndsTheOrder, NeverAsks, DropsPartialFills, StopsForTheWholeEntry,
    ForgetsStops, MixesSymbols, PriceOffByATick,
)  # fmt: skip
WORLDS: tuple[type[World], ...] = (SendsTheJournalAgain, LosesTheEndOfTheJournal, NeverReconciles)


def world_of(name: str, seed: int, profile: Profile) -> World:
    """A world with a mutation, by the name of its class."""
    for desk in DESKS:
        if desk.__name__ == name:
            return World(seed, profile, desk)
    return next(world for world in WORLDS if world.__name__ == name)(seed, profile)
