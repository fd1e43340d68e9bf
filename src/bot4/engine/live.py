"""The live driver: an asyncio loop that hands each event of a feed to the session, one step an event."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot4.domain.ports import MarketFeed
from bot4.engine.session import Session


@dataclass(slots=True)
class LiveStatus:
    """What the screen and the caller may know while a live run goes on."""

    groups: int = 0
    stopped_because: str = ""
    feed_health: dict[str, Any] = field(default_factory=dict)


class LiveDriver:
    """Runs a session on a feed until the feed ends, the time is up or it is asked to stop.

    Args:
        session: what takes the events.
        feed: where they come from.
        checkpoint: called between two groups when ``checkpoint_every`` groups have passed, to save a snapshot.
        on_group: called after every group, for a screen.
    """

    def __init__(
        self,
        session: Session,
        feed: MarketFeed,
        *,
        checkpoint: Callable[[], None] | None = None,
        checkpoint_every: int = 10_000,
        on_group: Callable[[LiveStatus], None] | None = None,
    ) -> None:
        self.session = session
        self.feed = feed
        self.status = LiveStatus()
        self._checkpoint = checkpoint
        self._checkpoint_every = checkpoint_every
        self._on_group = on_group
        self._stop = asyncio.Event()

    def stop(self, why: str) -> None:
        """Ask the driver to stop after the event in hand."""
        if not self.status.stopped_because:
            self.status.stopped_because = why
        self._stop.set()

    async def run(self, for_s: float | None = None) -> LiveStatus:
        """Run; returns the status with the reason of the stop.

        Args:
            for_s: stop by itself after so many seconds.
        """
        consumer = asyncio.create_task(self._consume(), name="consume feed")
        stopper = asyncio.create_task(self._stop.wait(), name="wait for stop")
        try:
            await asyncio.wait({consumer, stopper}, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
            if consumer.done():
                self.stop("the feed ended")
            elif not stopper.done():
                self.stop("the time was up")
        finally:
            stopper.cancel()
            if not consumer.done():
                consumer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await consumer
            if self._checkpoint is not None:
                self._checkpoint()
        return self.status

    async def _consume(self) -> None:
        feed = self.feed.events(self.session.resume_point)
        async with contextlib.aclosing(feed) as groups:  # type: ignore[type-var]
            async for group in groups:
                self.session.take(group)
                self.status.groups += 1
                if self._on_group is not None:
                    self.status.feed_health = self.feed.health()
                    self._on_group(self.status)
                if self._checkpoint is not None and self.status.groups % self._checkpoint_every == 0:
                    self._checkpoint()
                if self._stop.is_set():
                    return
