"""Live bars as the market feed of the engine: the events of one timestamp after another."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.adapters.exchanges.bar_sequence import ClosedBar
from bot4.adapters.exchanges.live_bars import TIMING, FeedTiming, LiveBarFeed
from bot4.adapters.exchanges.venues import DIRECT, VenueSettings, interval_ns
from bot4.domain.bars import BarSeries
from bot4.domain.events import EVENT
from bot4.domain.instruments import Universe
from bot4.domain.ports import ResumePoint
from bot4.pipeline.market import bar_events, mark_closing_events

Events = npt.NDArray[np.void]


class VenueFeed:
    """Closed bars of a universe from one venue, as groups of events of one timestamp.

    A bar that comes after the group of its own time was given (its symbol was halted, or could not be asked for)
    stands in the next group, under that group's timestamp and with its own open time: time never runs backwards.

    Args:
        venue: ccxt's name of the venue.
        universe: the instruments; their symbols are the venue's.
        interval: the base interval, for example ``1m``.
        now_ns: UTC time.
        monotonic: seconds that only grow.
        settings: how the venue is reached.
        timing: when the feed loses patience.
    """

    is_synthetic = False

    def __init__(
        self,
        venue: str,
        universe: Universe,
        interval: str,
        *,
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        settings: VenueSettings = DIRECT,
        timing: FeedTiming = TIMING,
    ) -> None:
        self.name = venue
        self._universe = universe
        self._interval = interval
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._settings = settings
        self._timing = timing
        self._bars = self._feed_after(ResumePoint())
        self._off_grid = 0

    async def events(self, after: ResumePoint) -> AsyncGenerator[Events]:
        """Groups of one timestamp, beginning after the latest bars seen; errors as :meth:`LiveBarFeed.groups`.

        Raises:
            DataError: the venue sent a bar that cannot be: a price below one tick, a high below its low.
        """
        self._bars = self._feed_after(after)
        late: list[ClosedBar] = []
        latest_ns = 0
        async with contextlib.aclosing(self._bars.groups()) as groups:
            async for group in groups:
                if group[0].ts_close_ns <= latest_ns:
                    late += group
                    continue
                latest_ns = group[0].ts_close_ns
                yield self._as_events([*late, *group], latest_ns)
                late = []

    def health(self) -> dict[str, Any]:
        """The state of the connection for a person: see :class:`~bot4.adapters.exchanges.live_bars.FeedHealth`."""
        health = self._bars.health()
        return {
            "state": str(health.state),
            "last_message_age_s": health.last_message_age_s,
            "reconnects": health.reconnects,
            "lag_s": None if health.lag_ns is None else health.lag_ns / 1e9,
            "bars": health.bars_delivered,
            "updates_ignored": health.updates_ignored,
            "off_grid_prices": self._off_grid,
            "last_error": health.last_error,
        }

    def _feed_after(self, after: ResumePoint) -> LiveBarFeed:
        length_ns = interval_ns(self._interval)
        symbols = self._universe.symbols
        return LiveBarFeed(
            self.name,
            symbols,
            self._interval,
            now_ns=self._now_ns,
            monotonic=self._monotonic,
            next_open_ns={symbols[i]: open_ns + length_ns for i, open_ns in after.last_open_ns.items()},
            settings=self._settings,
            timing=self._timing,
        )

    def _as_events(self, bars: list[ClosedBar], ts_ns: int) -> Events:
        parts = []
        for bar in bars:
            events, off_grid = bar_events(_one_bar(bar), self._universe)
            self._off_grid += off_grid
            parts.append(events)
        merged = np.concatenate(parts, dtype=EVENT)
        merged["ts_ns"] = ts_ns
        merged = merged[np.lexsort((merged["ts_open_ns"], merged["symbol"]))]
        mark_closing_events(merged)
        return merged


def _one_bar(bar: ClosedBar) -> BarSeries:
    columns = [np.array([value]) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)]
    opens = np.array([bar.ts_open_ns], dtype=np.int64)
    return BarSeries(bar.symbol, bar.interval_ns, opens, columns[0], columns[1], columns[2], columns[3], columns[4])
