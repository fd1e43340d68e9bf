"""Recovery: a run that was cut off goes on as if nothing had happened.

The machine starts from the latest sound snapshot (or from nothing) and takes the journal's market and operator
events again through the very code that took them first. What it produces (reports, intents, commands) must equal
what the journal holds; once the journal is used up, recording goes on at its end. A difference halts: the code or
the machine has changed, and the state cannot be trusted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted
from bot4.domain.events import (
    CLOCK,
    DECIDE,
    INTENT,
    MODE_CHANGED,
    ORDER_ACCEPTED,
    ORDER_STATUS,
    RECONCILED,
    RESYNC,
    STRATEGY_SUSPENDED,
    STRATEGY_SWAPPED,
    VOICE,
)
from bot4.engine.journal import JournalContents, JournalWriter
from bot4.engine.journal_frames import FrameKind

Events = npt.NDArray[np.void]
Frame = tuple[int, Any, int]

OPERATOR_KINDS = (MODE_CHANGED, STRATEGY_SWAPPED, VOICE, RECONCILED, RESYNC, CLOCK)


class RecoveringRecorder:
    """Checks what a session records against the rest of a journal, then appends to it.

    Args:
        writer: the journal, positioned at its end.
        recorded: frames after the snapshot, ``(kind, records or note, sequence)``.
    """

    def __init__(self, writer: JournalWriter, recorded: Iterable[Frame] = ()) -> None:
        self._writer = writer
        self._events: deque[Events] = deque()
        self._commands: deque[Events] = deque()
        for kind, content, _sequence in recorded:
            if kind == FrameKind.EVENTS and len(content):
                self._events.append(content)
            elif kind == FrameKind.COMMANDS and len(content):
                self._commands.append(content)

    @property
    def is_done(self) -> bool:
        """Whether the journal is used up and recording goes on."""
        return not self._events and not self._commands

    def append_events(self, events: Events) -> Events:
        """Compare with the journal, or append where it ends; returns the events."""
        rest = _consume(self._events, events, "events")
        if len(rest):
            self._writer.append_events(rest)
        return events

    def append_commands(self, commands: Events) -> None:
        """Compare with the journal, or append where it ends."""
        rest = _consume(self._commands, commands, "commands")
        if len(rest):
            self._writer.append_commands(rest)

    def append_note(self, note: dict[str, Any]) -> None:
        """Notes are written only when they are new."""
        if self.is_done:
            self._writer.append_note(note)

    def sync(self) -> None:
        """Sync the journal, where anything new was written."""
        if self.is_done:
            self._writer.sync()


def _consume(recorded: deque[Events], produced: Events, what: str) -> Events:
    """Take ``produced`` off the recorded records; returns what the journal does not hold yet."""
    while len(produced) and recorded:
        expected = recorded[0]
        count = min(len(expected), len(produced))
        if expected[:count].tobytes() != produced[:count].tobytes():
            raise Halted(
                f"the {what} made again differ from the journal at {_describe(expected[0])}",
                remedy="do not trade on: run `bot4 replay` on the journal with the version that wrote it",
            )
        produced = produced[count:]
        if count == len(expected):
            recorded.popleft()
        else:
            recorded[0] = expected[count:]
    return produced


def _describe(record: Any) -> str:
    name = "ts_ns" if "ts_ns" in (record.dtype.names or ()) else "kind"
    return f"{np.datetime64(int(record[name]), 'ns')} UTC"


def outside_events(frames: Iterable[Frame]) -> Iterator[tuple[Events, dict[str, Any]]]:
    """The events of a journal that came from outside the machine, in order, in runs of market events.

    Reports, intents, suspensions and decide marks are left out: they are made again. An event of the operator comes
    alone, with the note that was written before it (what was swapped in, for example).
    """
    note: dict[str, Any] = {}
    for kind, content, _sequence in frames:
        if kind == FrameKind.NOTE:
            note = content
        elif kind == FrameKind.EVENTS:
            kept = content[~_is_made_here(content["kind"])]
            for run in _alike(kept, np.isin(kept["kind"], OPERATOR_KINDS)):
                if run["kind"][0] not in OPERATOR_KINDS:
                    yield run, {}
                else:
                    for k in range(len(run)):
                        yield run[k : k + 1], note


def _alike(events: Events, mark: npt.NDArray[np.bool_]) -> list[Events]:
    """The events cut where the mark changes."""
    return np.split(events, np.flatnonzero(mark[1:] != mark[:-1]) + 1) if len(events) else []


def market_events(contents: JournalContents) -> Events:
    """Every event of a journal that a market feed gave."""
    events = contents.events
    return events[~_is_made_here(events["kind"]) & ~np.isin(events["kind"], OPERATOR_KINDS)]


def _is_made_here(kinds: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    is_report = (kinds >= ORDER_ACCEPTED) & (kinds <= ORDER_STATUS)
    return is_report | np.isin(kinds, (INTENT, DECIDE, STRATEGY_SUSPENDED))
