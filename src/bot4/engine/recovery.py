"""Recovery: a run that was cut off goes on as if nothing had happened.

The machine starts from the latest sound snapshot (or from nothing) and takes the journal's market events again
through the very code that took them first. What it produces (reports, intents, commands) must equal what the
journal holds; once the journal is used up, recording goes on at its end. A difference halts: the code or the
machine has changed, and the state cannot be trusted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted
from bot4.domain.events import DECIDE, EVENT, INTENT, ORDER_ACCEPTED, ORDER_UNKNOWN
from bot4.engine.journal import JournalWriter
from bot4.engine.journal_frames import FrameKind

Events = npt.NDArray[np.void]


class RecoveringRecorder:
    """Checks what a session records against the rest of a journal, then appends to it.

    Args:
        writer: the journal, positioned at its end.
        recorded: frames after the snapshot, ``(kind, records or note, sequence)``.
    """

    def __init__(self, writer: JournalWriter, recorded: Iterable[tuple[int, Any, int]]) -> None:
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


def market_events(frames: Iterable[tuple[int, Any, int]]) -> Events:
    """The events of a journal that came from outside the machine: neither reports nor intents nor decide marks."""
    parts = [content for kind, content, _ in frames if kind == FrameKind.EVENTS and len(content)]
    if not parts:
        return np.zeros(0, dtype=EVENT)
    events = np.concatenate(parts)
    kinds = events["kind"]
    is_made_here = ((kinds >= ORDER_ACCEPTED) & (kinds <= ORDER_UNKNOWN)) | (kinds == INTENT) | (kinds == DECIDE)
    return events[~is_made_here]
