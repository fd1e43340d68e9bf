"""Ports: the roles that the outside world plays.

``Venue`` is a role that nothing takes yet: the only venue is the simulator, whose kernels the drivers call directly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Events = npt.NDArray[np.void]
Commands = npt.NDArray[np.void]


class Clock(Protocol):
    """Where the time comes from."""

    def now_ns(self) -> int:
        """UTC nanoseconds."""


class MarketFeed(Protocol):
    """A stream of market events."""

    name: str
    is_synthetic: bool

    def events(self, after: ResumePoint) -> AsyncIterator[Events]:
        """Groups of events of one timestamp, in order, beginning after a point already seen."""

    def health(self) -> dict[str, Any]:
        """What a person should know about the feed: state, age of the last message, reconnects."""


class ResumePoint:
    """How far a feed was consumed: number of market events, and the open time of each symbol's latest bar."""

    def __init__(self, n_events: int = 0, last_open_ns: dict[int, int] | None = None) -> None:
        self.n_events = n_events
        self.last_open_ns = dict(last_open_ns or {})


class Venue(Protocol):
    """Where orders go. It takes only commands about orders that the risk gate approved."""

    def send(self, command: Any) -> None:
        """Send one command. The outcome arrives later as reports."""

    def reports(self, event: Any) -> Events:
        """Reports that have become known up to a market event."""


class Recorder(Protocol):
    """Where a session writes what happens before it takes effect."""

    def append_events(self, events: Events) -> Events:
        """Record events; returns what takes effect (in a recovery, what had been recorded)."""

    def append_commands(self, commands: Commands) -> None:
        """Record commands that are about to be sent."""

    def append_note(self, note: dict[str, Any]) -> None:
        """Record something for people and for replay."""

    def sync(self) -> None:
        """Return only when everything recorded is safe on disk."""
