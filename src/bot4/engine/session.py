"""One event at a time, live: recorded before it takes effect, synced before a command is sent.

The live driver, the recovery of a run and backtests of strategies written in Python all go through
:class:`Session`. It repeats none of the brain's logic: every event goes through the same ``step``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted
from bot4.domain.events import (
    BAR,
    CLOSES_TIMESTAMP,
    DECIDE,
    EVENT,
    MODE_CHANGED,
    RECONCILED,
    STRATEGY_SUSPENDED,
    STRATEGY_SWAPPED,
)
from bot4.domain.halts import COMMAND_NOT_TAKEN
from bot4.domain.ports import Recorder, ResumePoint
from bot4.engine.machine import Machine
from bot4.engine.plan import StrategyChoice
from bot4.engine.python_strategies import PythonStrategies
from bot4.pipeline.execution.halting import halt_brain
from bot4.pipeline.state import Mode
from bot4.pipeline.step import step
from bot4.simulator.intake import receive_command
from bot4.simulator.matching import match_event
from bot4.simulator.state import N_REPORTS, RECEIVED

Events = npt.NDArray[np.void]


class Session:
    """A machine, a simulated venue and a recorder, driven one event at a time.

    Args:
        machine: the brain and the venue.
        recorder: a journal, or None where none is kept.
        choices: the strategies by slot, as they were chosen.
    """

    def __init__(
        self, machine: Machine, recorder: Recorder | None = None, choices: Sequence[StrategyChoice] = ()
    ) -> None:
        self.machine = machine
        self.choices = list(choices)
        self.recorder = recorder
        self.resume_point = ResumePoint()
        self.steps = 0
        self._reports = np.zeros(N_REPORTS, dtype=EVENT)
        self._one = np.zeros(1, dtype=EVENT)
        self._python = PythonStrategies(machine)

    def take(self, group: Events) -> None:
        """Take the market events of one timestamp, in order.

        Raises:
            Halted: the venue or the outbox gave more than fits.
            StorageError: the journal could not be written; the event did not take effect.
        """
        for k in range(len(group)):
            self._one[0] = group[k]
            closes = bool(group[k]["flags"] & CLOSES_TIMESTAMP)
            self._take_market_event()
            if closes and self._python.is_needed:
                self._take_intents(int(group[k]["ts_ns"]))
            self._note_progress(group[k])

    def take_operator_event(self, event: Events) -> None:
        """Take an event that no venue sees: a mode change, a voice."""
        self._step(self._record(event))
        self._send()

    def change_mode(self, mode: int, why: str) -> None:
        """Change what the brain may do, and record why."""
        self.note({"mode": Mode(mode).name.lower(), "why": why})
        event = self._operator_event(MODE_CHANGED)
        event["mode"] = mode
        self.take_operator_event(event)

    def step_down(self, mode: Mode, who: str, why: str) -> bool:
        """Step the mode down because a person asked; returns False, and does nothing, where it is no step down."""
        if mode <= self.machine.brain[0]["mode"]:
            return False
        self.note({"mode": mode.name.lower(), "why": why, "who": who})
        event = self._operator_event(MODE_CHANGED)
        event["mode"] = mode
        self.take_operator_event(event)
        return True

    def take_verdict(self, unexplained: int, who: str, why: str) -> None:
        """Take the outcome of a reconciliation: halts are lifted where nothing is unexplained, else new risk halts."""
        self.note({"reconciled": unexplained, "why": why, "who": who})
        event = self._operator_event(RECONCILED)
        event["mode"] = unexplained
        self.take_operator_event(event)

    def swap(self, slot: int, choice: StrategyChoice) -> None:
        """Put another strategy into a slot between two events; its positions stay with the slot.

        Raises:
            SettingError: no such slot, or the strategies need more than fits.
        """
        self.machine.install(slot, choice.resolved())
        self.choices[slot] = choice
        self._python.renew(slot)
        self.note({"swapped": slot, "strategy": dataclasses.asdict(choice)})
        event = self._operator_event(STRATEGY_SWAPPED)
        event["strategy"] = slot
        self.take_operator_event(event)

    def _operator_event(self, kind: int) -> Events:
        event = np.zeros(1, dtype=EVENT)
        event["ts_ns"], event["kind"] = self.machine.brain[0]["ts_ns"], kind
        return event

    def _take_market_event(self) -> None:
        machine = self.machine
        event = self._one[0]
        n_reports = 0
        if not (event["kind"] == BAR and machine.config[0]["matches_trades"][event["symbol"]]):
            n_reports = match_event(machine.venue, self._one, 0, self._reports)
        if n_reports < 0:
            raise Halted("the venue reported more than one event can carry", remedy="report this")
        if n_reports:
            self._step(self._record(np.concatenate((self._reports[:n_reports], self._one), dtype=EVENT)))
        else:
            self._step(self._record(self._one))
        self._send()

    def _take_intents(self, ts_ns: int) -> None:
        decide = np.zeros(1, dtype=EVENT)
        decide["ts_ns"], decide["kind"], decide["symbol"] = ts_ns, DECIDE, 0
        intents, failures = self._python.ask(ts_ns)
        for failure in failures:
            self.note({"suspended": failure})
        self._step(self._record(np.concatenate((intents, decide), dtype=EVENT) if len(intents) else decide))
        self._send()

    def note(self, note: dict[str, Any]) -> None:
        """Record something for people and for replay."""
        if self.recorder is not None:
            self.recorder.append_note(note)

    def _record(self, events: Events) -> Events:
        return events if self.recorder is None else self.recorder.append_events(events)

    def _step(self, events: Events) -> None:
        machine = self.machine
        for k in range(len(events)):
            step(machine.config, machine.brain, machine.markets, machine.outbox, events, k, k + 1)
            self.steps += 1
            if events[k]["kind"] == STRATEGY_SUSPENDED:
                self._python.suspend(int(events[k]["strategy"]))

    def _send(self) -> None:
        machine = self.machine
        box = machine.outbox[0]
        n_commands = int(box["n_commands"])
        if n_commands:
            commands = box["commands"][:n_commands]
            if self.recorder is not None:
                self.recorder.append_commands(commands)
                self.recorder.sync()
            for k in range(n_commands):
                if receive_command(machine.venue, commands, k) != RECEIVED:
                    order = commands[k]["order"]
                    halt_brain(machine.brain, COMMAND_NOT_TAKEN, int(order["id"]), int(order["symbol"]))
        if n_commands or box["n_decisions"] or box["n_fills"] or box["n_trades"] or box["n_samples"]:
            machine.log.drain(machine.outbox)

    def _note_progress(self, event: Any) -> None:
        self.resume_point.n_events += 1
        if event["kind"] == BAR:
            self.resume_point.last_open_ns[int(event["symbol"])] = int(event["ts_open_ns"])


def run_groups(session: Session, tape: Events, progress: Any = None) -> None:
    """Drive a session over a whole tape, one timestamp after another, without an event loop."""
    ends = np.flatnonzero(tape["flags"] & CLOSES_TIMESTAMP) + 1
    first = 0
    for count, end in enumerate(ends):
        session.take(tape[first:end])
        first = int(end)
        if progress is not None and count % 1024 == 0:
            progress(first, len(tape))
