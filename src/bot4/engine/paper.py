"""A paper run and its home: journal, snapshot and lock, begun or gone on with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from bot4.domain.errors import Halted, SettingError
from bot4.domain.events import STRATEGY_SWAPPED
from bot4.domain.ports import ResumePoint
from bot4.engine.journal import JournalContents, JournalWriter, read_journal
from bot4.engine.lock import RunLock
from bot4.engine.machine import Machine
from bot4.engine.plan import RunPlan, StrategyChoice
from bot4.engine.recovery import OPERATOR_KINDS, RecoveringRecorder, outside_events
from bot4.engine.run_log import LOG_DTYPES
from bot4.engine.session import Session
from bot4.engine.snapshots import Snapshot, SnapshotStore
from bot4.kernel import WarmUpStep
from bot4.pipeline.state import BRAIN, MARKET
from bot4.simulator.state import VENUE

JOURNAL_NAME = "run.journal"
SNAPSHOT_NAME = "run.snapshot"

Compiling = Callable[[WarmUpStep], None]


class PaperRun:
    """A session with a home on disk.

    Use :meth:`open`; it goes on with the run it finds in the folder, or begins one.

    Attributes:
        session: takes the events.
        was_resumed: whether an earlier run was gone on with.
        recovered_events: market events taken again from the journal.
        torn_bytes: what a crash had left half-written and was cut.
    """

    def __init__(
        self, folder: Path, lock: RunLock, writer: JournalWriter, session: Session, recorder: RecoveringRecorder
    ) -> None:
        self.folder = folder
        self.session = session
        self.was_resumed = False
        self.recovered_events = 0
        self.torn_bytes = 0
        self._lock = lock
        self._writer = writer
        self._recorder = recorder
        self._snapshots = SnapshotStore(folder / SNAPSHOT_NAME)

    @classmethod
    def open(
        cls,
        folder: Path | str,
        plan: RunPlan,
        notes: Sequence[str] = (),
        *,
        compiling: Compiling | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> PaperRun:
        """Go on with the run in ``folder``, or begin one with ``plan``.

        Args:
            folder: home of the run; made where missing. One process at a time.
            plan: of a new run; must equal that of a run found.
            notes: what a reader should know of the data, for the journal.
            compiling: told about compiling.
            progress: told how many market events were taken again.

        Raises:
            StorageError: another process has the folder, or it cannot be written.
            SettingError: the run found has another plan.
            Halted: the journal is damaged in the middle, or what is made again differs from it.
        """
        home = Path(folder)
        lock = RunLock(home)
        lock.acquire()
        try:
            if (home / JOURNAL_NAME).exists():
                return cls._resume(home, lock, plan, compiling, progress)
            return cls._begin(home, lock, plan, notes, compiling)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _begin(
        cls, home: Path, lock: RunLock, plan: RunPlan, notes: Sequence[str], compiling: Compiling | None
    ) -> PaperRun:
        machine = plan.machine(compiling)
        (home / SNAPSHOT_NAME).unlink(missing_ok=True)
        writer = JournalWriter.create(home / JOURNAL_NAME, plan.header("paper", notes))
        recorder = RecoveringRecorder(writer)
        return cls(home, lock, writer, Session(machine, recorder, plan.strategies), recorder)

    @classmethod
    def _resume(
        cls,
        home: Path,
        lock: RunLock,
        plan: RunPlan,
        compiling: Compiling | None,
        progress: Callable[[int], None] | None,
    ) -> PaperRun:
        writer, contents = JournalWriter.resume(home / JOURNAL_NAME)
        try:
            recorded_plan = RunPlan.from_header(contents.header, str(home / JOURNAL_NAME))
            _require_same(recorded_plan, plan, home)
            run = cls._recover(home, lock, writer, contents, recorded_plan, compiling, progress)
        except BaseException:
            writer.close()
            raise
        run.was_resumed = True
        run.torn_bytes = contents.torn_bytes
        return run

    @classmethod
    def _recover(
        cls,
        home: Path,
        lock: RunLock,
        writer: JournalWriter,
        contents: JournalContents,
        plan: RunPlan,
        compiling: Compiling | None,
        progress: Callable[[int], None] | None,
    ) -> PaperRun:
        session, recorder, rest = _restored(home, writer, contents, plan, compiling)
        run = cls(home, lock, writer, session, recorder)
        run.recovered_events = _take_again(session, rest, progress)
        if not recorder.is_done:
            raise Halted(
                "the journal holds more than its own market events lead to",
                where=str(home / JOURNAL_NAME),
                remedy="run `bot4 replay` on it with the version that wrote it",
            )
        return run

    @property
    def machine(self) -> Machine:
        """The machine that runs."""
        return self.session.machine

    @property
    def journal(self) -> JournalWriter:
        """The journal, for its size and how much of it is synced."""
        return self._writer

    def checkpoint(self) -> None:
        """Save a snapshot, so that the next start need not take the whole journal again."""
        if any(strategy.info.python is not None for strategy in self.machine.strategies):
            return  # what an ordinary Python object remembers is rebuilt by asking it again
        self._writer.sync()
        self._snapshots.save(
            self.machine.state(),
            self._writer.next_sequence,
            {
                "strategies": [dataclasses.asdict(choice) for choice in self.session.choices],
                "n_frames": int(self.machine.config[0]["n_frames"]),
                "n_market_events": self.session.resume_point.n_events,
                "last_open_ns": {str(k): v for k, v in self.session.resume_point.last_open_ns.items()},
            },
        )

    def close(self, why: str = "") -> None:
        """Write down why the run stopped, sync, save a snapshot, and let go of the folder."""
        try:
            if why:
                self._recorder.append_note({"stopped": why, "ts_ns": int(self.machine.brain[0]["ts_ns"])})
            self._writer.sync()
            self.checkpoint()
        finally:
            self._writer.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self._writer.close()
            self._lock.release()


class _Nowhere:
    """Stands for a journal's writer where a run is only looked at."""

    def append_events(self, _events: Any) -> None:
        """Nothing is written."""

    append_commands = append_note = append_events

    def sync(self) -> None:
        """Nothing was written."""


def look(folder: Path | str, compiling: Compiling | None = None) -> Machine:
    """The machine of a run as snapshot and journal leave it; nothing in the folder is touched, and it may be running.

    Raises:
        DataError: no sound journal is there.
        Halted: what is made again differs from the journal.
    """
    home = Path(folder)
    contents = read_journal(home / JOURNAL_NAME)
    plan = RunPlan.from_header(contents.header, str(home / JOURNAL_NAME))
    session, _recorder, rest = _restored(home, _Nowhere(), contents, plan, compiling)
    _take_again(session, rest, None)
    return session.machine


def _restored(
    home: Path, writer: Any, contents: JournalContents, plan: RunPlan, compiling: Compiling | None
) -> tuple[Session, RecoveringRecorder, list[Any]]:
    """A session as the latest sound snapshot leaves it, and the journal's frames after that."""
    snapshot = _usable_snapshot(SnapshotStore(home / SNAPSHOT_NAME), contents)
    choices = _choices_of(snapshot, plan)
    machine = dataclasses.replace(plan, strategies=choices).machine(compiling)
    sequence = 0
    resume_point = ResumePoint()
    if snapshot is not None:
        machine.config[0]["n_frames"] = snapshot.meta["n_frames"]
        machine.restore(snapshot.state)
        sequence = snapshot.journal_sequence
        resume_point = ResumePoint(
            snapshot.meta["n_market_events"],
            {int(symbol): ts_ns for symbol, ts_ns in snapshot.meta["last_open_ns"].items()},
        )
    rest = [frame for frame in contents.frames() if frame[2] >= sequence]
    recorder = RecoveringRecorder(writer, rest)
    session = Session(machine, recorder, choices)
    session.resume_point = resume_point
    return session, recorder, rest


def _take_again(session: Session, frames: Sequence[Any], progress: Callable[[int], None] | None) -> int:
    """Take the events from outside again; returns how many of them came from the market."""
    recovered = 0
    for events, note in outside_events(frames):
        if events["kind"][0] == STRATEGY_SWAPPED:
            session.swap(int(events["strategy"][0]), StrategyChoice(**note["strategy"]))
        elif events["kind"][0] in OPERATOR_KINDS:
            session.take_operator_event(events)
        else:
            session.take(events)
            recovered += len(events)
            if progress is not None:
                progress(recovered)
    return recovered


def _usable_snapshot(store: SnapshotStore, contents: JournalContents) -> Snapshot | None:
    expected: dict[str, np.dtype[Any]] = {"brain": BRAIN, "markets": MARKET, "venue": VENUE}
    expected |= {f"log_{kind}": dtype for kind, dtype in LOG_DTYPES.items()}
    snapshot = store.load(expected)
    if snapshot is not None and "venue" in snapshot.migrated:
        return None  # a venue's new fields would be zero, which are no terms: the journal says it all
    # A snapshot ahead of the journal speaks of events that were lost with its tail.
    return snapshot if snapshot is not None and snapshot.journal_sequence <= contents.n_frames else None


def _choices_of(snapshot: Snapshot | None, plan: RunPlan) -> tuple[StrategyChoice, ...]:
    if snapshot is None:
        return plan.strategies
    return tuple(StrategyChoice(**choice) for choice in snapshot.meta["strategies"])


def _require_same(recorded: RunPlan, wanted: RunPlan, home: Path) -> None:
    compared = ("universe", "strategies", "settings", "interval_ns")
    different = [name for name in compared if getattr(recorded, name) != getattr(wanted, name)]
    if different:
        raise SettingError(
            f"the run in this folder has other {', '.join(different)}",
            where=str(home),
            remedy="use the same settings to go on, or start a fresh run (--fresh keeps the old journal aside)",
        )


def set_aside(folder: Path | str, stamp: str) -> Path | None:
    """Rename the journal of an earlier run, so that a fresh one can begin; returns its new path."""
    home = Path(folder)
    journal = home / JOURNAL_NAME
    if not journal.exists():
        return None
    kept = home / f"run-{stamp}.journal"
    with RunLock(home):
        journal.rename(kept)
        (home / SNAPSHOT_NAME).unlink(missing_ok=True)
    return kept
