"""Feeds that need no exchange: recorded events and the synthetic market, at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.events import CLOSES_TIMESTAMP
from bot4.domain.ports import ResumePoint

Events = npt.NDArray[np.void]

_YIELD_EVERY = 64  # groups after which other tasks get their turn when running as fast as possible


class ReplayFeed:
    """Recorded market events, one timestamp after another.

    Args:
        tape: market events in order, the last of each timestamp flagged.
        speed: market seconds per second; 0 for as fast as possible.
        is_synthetic: whether the recording was generated.
    """

    def __init__(self, tape: Events, speed: float = 0.0, *, is_synthetic: bool = False) -> None:
        self.name = "replay"
        self.is_synthetic = is_synthetic
        self._tape = tape
        self._speed = speed
        self._given = 0

    async def events(self, after: ResumePoint) -> AsyncIterator[Events]:
        """Groups of one timestamp, beginning after the events already seen."""
        first = after.n_events
        self._given = first
        previous_ns = int(self._tape["ts_ns"][first]) if first < len(self._tape) else 0
        ends = np.flatnonzero(self._tape["flags"] & CLOSES_TIMESTAMP) + 1
        for count, end in enumerate(ends[ends > first]):
            group = self._tape[first:end]
            ts_ns = int(group["ts_ns"][0])
            if self._speed > 0:
                await asyncio.sleep((ts_ns - previous_ns) / 1e9 / self._speed)
            elif count % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
            previous_ns = ts_ns
            yield group
            first = self._given = int(end)

    def health(self) -> dict[str, Any]:
        """Position in the recording."""
        return {"state": "replaying", "given": self._given, "total": len(self._tape)}


class GeneratedFeed:
    """Events made one group at a time by a generator that can begin anywhere: the synthetic market.

    Args:
        make: gives an iterator of groups that begins after a number of groups.
        groups_before: how many groups a resume point stands for.
        interval_s: seconds between groups; 0 for as fast as possible.
    """

    def __init__(
        self,
        make: Callable[[int], Iterator[Events]],
        groups_before: Callable[[ResumePoint], int],
        interval_s: float,
    ) -> None:
        self.name = "synthetic"
        self.is_synthetic = True
        self._make = make
        self._groups_before = groups_before
        self._interval_s = interval_s
        self._given = 0

    async def events(self, after: ResumePoint) -> AsyncIterator[Events]:
        """Groups of one timestamp, without end."""
        self._given = self._groups_before(after)
        for group in self._make(self._given):
            yield group
            self._given += 1
            await asyncio.sleep(self._interval_s)

    def health(self) -> dict[str, Any]:
        """How many groups were made."""
        return {"state": "generating", "given": self._given}
