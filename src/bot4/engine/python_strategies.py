"""Strategies in ordinary Python: asked between events, answered with intents, which are events too.

One that raises is suspended and reported; its position keeps its stop, and the other strategies trade on.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Bot4Error
from bot4.domain.events import ACTION_SHIFT, EVENT, HAS_TARGETS, HAS_TRAIL, INTENT, STRATEGY_SUSPENDED
from bot4.pipeline.state import SIGNAL, Regime
from bot4.pipeline.strategies.ordinary import BarView, Signal

if TYPE_CHECKING:
    from bot4.engine.machine import Machine

Events = npt.NDArray[np.void]

_FAULTS = (
    Bot4Error, ArithmeticError, AssertionError, AttributeError, LookupError, NameError, OSError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip
"""What a user's own code may raise through its mistakes."""


class _Row(Mapping[str, float]):
    """Features of one timeframe by column name, read only."""

    __slots__ = ("_columns", "_values")

    def __init__(self, columns: Mapping[str, int], values: npt.NDArray[np.float64]) -> None:
        self._columns = columns
        self._values = values

    def __getitem__(self, name: str) -> float:
        return float(self._values[self._columns[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class PythonStrategies:
    """The strategies of a machine that are written in Python.

    Args:
        machine: whose strategies; one object of each strategy's class is made for the run.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._instances: dict[int, Any] = {}
        self._suspended: set[int] = set()
        self._signal = np.zeros(1, dtype=SIGNAL)
        for slot in range(len(machine.strategies)):
            self.renew(slot)

    @property
    def is_needed(self) -> bool:
        """Whether any strategy of the run is written in Python."""
        return bool(self._instances)

    def renew(self, slot: int) -> None:
        """Make the object of a slot anew, after its strategy was put there."""
        self._instances.pop(slot, None)
        self._suspended.discard(slot)
        strategy = self._machine.strategies[slot]
        if strategy.info.python is not None:
            self._instances[slot] = strategy.info.python(dict(strategy.values))

    def suspend(self, slot: int) -> None:
        """Ask a strategy no more."""
        self._suspended.add(slot)

    def ask(self, ts_ns: int) -> tuple[Events, list[dict[str, Any]]]:
        """Ask every strategy about every symbol with a new bar.

        Returns:
            Intents and suspensions as events, and a description of every failure.
        """
        brain = self._machine.brain[0]
        answers: list[Any] = []
        failures: list[dict[str, Any]] = []
        for symbol in np.flatnonzero(brain["is_due"]):
            for slot, strategy in self._instances.items():
                if slot in self._suspended:
                    continue
                view = self._view(int(symbol), slot, ts_ns)
                try:
                    answer = strategy.on_bar(view)
                    event = self._intent(answer, slot, int(symbol), ts_ns)
                except _FAULTS as error:
                    failures.append(self._failure(slot, view, error))
                    event = _suspension(slot, ts_ns)
                    self._suspended.add(slot)
                if event is not None:
                    answers.append(event)
        return (np.concatenate(answers, dtype=EVENT) if answers else np.zeros(0, dtype=EVENT)), failures

    def _view(self, symbol: int, slot: int, ts_ns: int) -> BarView:
        machine = self._machine
        brain, config = machine.brain[0], machine.config[0]
        instrument = config["instruments"][symbol]
        sleeve = brain["sleeves"][slot, symbol]
        prices = brain["bars"][symbol, :4] * instrument["tick"]
        lots = int(sleeve["lots"])
        entry = 0.0
        if lots:
            entry = abs(int(sleeve["cost_atoms"]) * instrument["quote_atom"] / (lots * instrument["lot"]))
        return BarView(
            ts_ns=ts_ns,
            symbol=machine.universe.symbols[symbol],
            open=float(prices[0]),
            high=float(prices[1]),
            low=float(prices[2]),
            close=float(prices[3]),
            volume=float(brain["bar_volume"][symbol]),
            features=self._features(symbol, slot),
            position_quantity=lots * float(instrument["lot"]),
            entry_price=float(entry),
            regime=Regime(int(brain["risk"]["regime"])).name.lower(),
            is_entering=bool(sleeve["is_entering"]),
            is_exiting=bool(sleeve["is_exiting"]),
            **self._technical(symbol, slot),
        )

    def _technical(self, symbol: int, slot: int) -> dict[str, float]:
        if not self._machine.strategies[slot].info.uses_technical:
            return {}
        found = self._machine.brain[0]["technical"][symbol]["confluence"]
        return {f"technical_{name}": float(found[name]) for name in ("score", "alignment", "confidence")}

    def _features(self, symbol: int, slot: int) -> tuple[Mapping[str, float], ...]:
        machine = self._machine
        columns = {name: machine.bank.column(name) for name in machine.strategies[slot].columns}
        rows = []
        for k in range(machine.strategies[slot].info.n_frames):
            at = int(machine.brain[0]["symbol_rows"][symbol, k])
            values = machine.markets[symbol]["frames"][k]["features"][at].copy()
            rows.append(_Row(columns, values))
        return tuple(rows)

    def _intent(self, answer: Any, slot: int, symbol: int, ts_ns: int) -> Events | None:
        if answer is None:
            return None
        if not isinstance(answer, Signal):
            raise TypeError(f"on_bar returned {type(answer).__name__}, not a Signal or None")
        lot = float(self._machine.config[0]["instruments"][symbol]["lot"])
        answer.write(self._signal[0], lot)
        row = self._signal[0]
        event = np.zeros(1, dtype=EVENT)
        event["ts_ns"], event["kind"], event["symbol"], event["strategy"] = ts_ns, INTENT, symbol, slot
        flags = int(row["action"]) << ACTION_SHIFT
        flags |= HAS_TARGETS * int(row["has_targets"] != 0) | HAS_TRAIL * int(row["has_trail"] != 0)
        event["flags"] = flags
        event["intent_direction"] = row["direction"]
        event["intent_confidence"] = row["confidence"]
        event["intent_win_probability"] = row["win_probability"]
        event["intent_lots"] = row["fixed_lots"]
        event["intent_stop_distance"] = row["stop_distance"]
        return event

    def _failure(self, slot: int, view: BarView, error: BaseException) -> dict[str, Any]:
        lines = traceback.extract_tb(error.__traceback__)
        return {
            "strategy": self._machine.strategies[slot].info.name,
            "slot": slot,
            "symbol": view.symbol,
            "ts_ns": view.ts_ns,
            "error": f"{type(error).__name__}: {error}",
            "line": lines[-1].lineno if lines else 0,
            "file": lines[-1].filename if lines else "",
        }


def _suspension(slot: int, ts_ns: int) -> Events:
    event = np.zeros(1, dtype=EVENT)
    event["ts_ns"], event["kind"], event["strategy"] = ts_ns, STRATEGY_SUSPENDED, slot
    return event
