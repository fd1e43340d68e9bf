"""From a stream of candle updates to closed bars: each once, in order, none missing. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Candle = Sequence[float]
"""ccxt's bar: open time in milliseconds, open, high, low, close, volume in base units."""

NS_PER_MS = 1_000_000
VOLUME = 5
CLOCK_SKEW_NS = 60_000_000_000
"""How far our clock may run ahead of a venue's: a bar that closed no longer ago by our clock alone may be open."""


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """A bar that will not change any more.

    Attributes:
        symbol: Bot4's name.
        interval_ns: its length.
        ts_open_ns: UTC open time.
        open, high, low, close: quote currency.
        volume: base units.
        known_at_ns: when this process learnt of it; never before the bar's close.
    """

    symbol: str
    interval_ns: int
    ts_open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    known_at_ns: int

    @property
    def ts_close_ns(self) -> int:
        """When the bar closed, which is its event time."""
        return self.ts_open_ns + self.interval_ns


@dataclass(slots=True)
class BarSequence:
    """One symbol's closed bars in order of opening, out of updates in any order and number.

    A bar is closed when the venue marks it closed; where the venue marks nothing, when an update of a later bar
    has come; and always when a REST answer shows it after its close. A bar whose turn it is and that no one has
    closed in time is *overdue*: the feed then asks by REST. A bar that the venue never made (an outage) is passed
    over only when a REST answer shows later bars without it.

    Attributes:
        symbol, interval_ns: whose bars.
        next_open_ns: open time of the bar whose turn it is.
        is_marked: whether the venue's stream says which update is a bar's last.
        ignored: how many updates spoke of bars that were already delivered.
    """

    symbol: str
    interval_ns: int
    next_open_ns: int
    is_marked: bool
    ignored: int = 0
    _updates: dict[int, Candle] = field(default_factory=dict)
    _closed: dict[int, Candle] = field(default_factory=dict)
    _known_until_ns: int = 0

    def on_update(self, candle: Candle, *, is_last: bool) -> None:
        """Take one update of the stream; ``is_last`` where the venue marks it as the bar's last."""
        opened_ns = int(candle[0]) * NS_PER_MS
        if opened_ns < self.next_open_ns or opened_ns in self._closed:
            self.ignored += 1
            return
        if is_last:
            self._close(opened_ns, candle)
            return
        earlier = self._updates.get(opened_ns)
        if earlier is None or candle[VOLUME] >= earlier[VOLUME]:  # volume only grows: less of it is an older update
            self._updates[opened_ns] = list(candle)
        if not self.is_marked:
            newest_ns = max(self._updates)
            for past_ns in [ts for ts in self._updates if ts < newest_ns]:
                self._close(past_ns, self._updates[past_ns])

    def on_rest_answer(self, rows: Sequence[Candle], settled_until_ns: int) -> None:
        """Take an answer, oldest first, that starts at or before ``next_open_ns``.

        A bar is final that closed by ``settled_until_ns``, if the answer holds a later one or the close lies further
        back than our clock can be wrong.
        """
        for position, row in enumerate(rows, 1):
            opened_ns = int(row[0]) * NS_PER_MS
            close_ns = opened_ns + self.interval_ns
            is_sure = position < len(rows) or close_ns + CLOCK_SKEW_NS <= settled_until_ns
            self._known_until_ns = max(self._known_until_ns, opened_ns)
            if close_ns > settled_until_ns or not is_sure:
                return
            if opened_ns >= self.next_open_ns:
                self._close(opened_ns, row)

    def take(self, now_ns: int) -> list[ClosedBar]:
        """Remove and return the bars whose turn has come."""
        taken = []
        while True:
            row = self._closed.pop(self.next_open_ns, None)
            if row is not None:
                taken.append(self._bar(row, now_ns))
            elif self.next_open_ns >= self._known_until_ns:
                return taken
            self._updates.pop(self.next_open_ns, None)
            self.next_open_ns += self.interval_ns

    def is_overdue(self, now_ns: int, grace_ns: int) -> bool:
        """Whether the bar whose turn it is should have been closed ``grace_ns`` ago."""
        return now_ns >= self.next_open_ns + self.interval_ns + grace_ns

    def forget_updates(self) -> None:
        """Drop unfinished bars when a connection is lost: what was last seen of them may not be their end."""
        self._updates.clear()

    def _close(self, opened_ns: int, row: Candle) -> None:
        self._closed[opened_ns] = list(row)
        self._updates.pop(opened_ns, None)

    def _bar(self, row: Candle, now_ns: int) -> ClosedBar:
        opened_ns = int(row[0]) * NS_PER_MS
        known_at_ns = max(now_ns, opened_ns + self.interval_ns)
        opening, high, low, close, volume = (float(value) for value in row[1:6])
        return ClosedBar(self.symbol, self.interval_ns, opened_ns, opening, high, low, close, volume, known_at_ns)
