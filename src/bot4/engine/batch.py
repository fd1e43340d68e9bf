"""Running a machine over a whole tape: compiled where it can be, one event at a time where Python is asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bot4.domain.events import EVENT
from bot4.engine.journal import JournalWriter
from bot4.engine.machine import Machine
from bot4.engine.recovery import RecoveringRecorder
from bot4.engine.replay import replay
from bot4.engine.session import Session, run_groups
from bot4.simulator.state import N_REPORTS

Events = npt.NDArray[np.void]
Progress = Callable[[int, int], None]

_CHUNK = 50_000  # events between two reports of progress
_TAPE = 16_384


def run_tape(
    machine: Machine, tape: Events, *, journal: JournalWriter | None = None, progress: Progress | None = None
) -> None:
    """Run a machine over market events.

    Args:
        machine: fresh, or after earlier events.
        tape: market events in order, the last of each timestamp flagged.
        journal: receives everything that reached the brain, and its commands.
        progress: called now and then with events done and events in all.

    Raises:
        Halted: something did not fit where it must.
        StorageError: the journal could not be written.
    """
    if machine.config[0]["waits_for_intents"]:
        recorder = RecoveringRecorder(journal) if journal is not None else None
        run_groups(Session(machine, recorder), tape, progress)
        return
    reports = np.zeros(N_REPORTS, dtype=EVENT)
    recorded = np.zeros(N_REPORTS + _TAPE if journal is not None else 0, dtype=EVENT)
    box = machine.outbox[0]
    at, reported = 0, 0
    while at < len(tape):
        last = min(len(tape), at + _CHUNK)
        stopped = replay(
            machine.config, machine.brain, machine.markets, machine.outbox, machine.venue, tape, at, last,
            reports, recorded,
        )  # fmt: skip
        if journal is not None:
            journal.append_events(recorded[: int(box["n_tape"])])
            journal.append_commands(box["commands"][: int(box["n_commands"])])
            box["n_tape"] = 0
        machine.log.drain(machine.outbox)
        at = stopped
        if progress is not None and at - reported >= _CHUNK:
            reported = at
            progress(at, len(tape))
    if progress is not None:
        progress(len(tape), len(tape))
