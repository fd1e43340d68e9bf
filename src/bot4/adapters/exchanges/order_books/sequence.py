"""One symbol's book from its stream: what waits, what applies, what is old, what is missing. No I/O.

A fault is an answer, never an exception: :class:`Step` says what became of the message and, where the book is no
longer known, by what it must be asked for again. Until then the book is empty, since a wrong book is worse than none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import Enum

from bot4.adapters.exchanges.order_books.checksums import Checksum
from bot4.adapters.exchanges.order_books.messages import (
    NO_ID,
    BookDifference,
    BookSnapshot,
    Connected,
    Level,
    Malformed,
)
from bot4.adapters.exchanges.order_books.rebuilt_book import RebuiltBook
from bot4.adapters.exchanges.order_books.sequence_rules import Place, SequenceRule
from bot4.domain.errors import SettingError

_REMEMBERED_IDS = 1024


class BookState(Enum):
    """Whether the book can be used."""

    WAITING = "waiting"  # for a snapshot
    IN_STEP = "in_step"


class Outcome(Enum):
    """What became of a message."""

    APPLIED = "applied"
    BUFFERED = "buffered"  # no snapshot yet
    HELD = "held"  # it is ahead: its predecessor may still come
    REORDERED = "reordered"  # it came late, and what was held for it is applied too
    IN_SNAPSHOT = "in_snapshot"  # the snapshot holds it already
    DUPLICATE = "duplicate"  # it was applied before
    OUT_OF_ORDER = "out_of_order"  # it is older than the book and was never seen
    GAP = "gap"  # something between is missing
    STALE_SNAPSHOT = "stale_snapshot"  # older than the book, or than what was buffered for it
    CROSSED = "crossed"  # after it someone bids more than another asks
    CHECKSUM_FAILED = "checksum_failed"
    MALFORMED = "malformed"
    RECONNECTED = "reconnected"


class ResyncBy(Enum):
    """How a book is asked for again."""

    SNAPSHOT_REQUEST = "snapshot_request"  # by REST, while the stream goes on
    RESUBSCRIPTION = "resubscription"  # the stream then begins with the book


@dataclass(frozen=True, slots=True)
class AppliedUpdate:
    """One message that went into the book, and the best prices after it (None: that side is empty)."""

    message: BookSnapshot | BookDifference
    bid: Level | None
    ask: Level | None


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a message.

    Attributes:
        applied: all that went into the book, in order: more than one where messages had waited.
        resync: what to do for a new book; None while there is one or it was asked for before.
        detail: the numbers behind the outcome, for a person.
    """

    outcome: Outcome
    applied: tuple[AppliedUpdate, ...] = ()
    resync: ResyncBy | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """How patient a sequence is.

    Attributes:
        buffered: differences kept while a snapshot is awaited; beyond it the oldest go. 1 to 1,000,000.
        held: differences that may be ahead before a gap is declared; 0 declares it at once. A stream over one socket
            never reorders; recordings merged from several do. 0 to 1,000.
        is_partial: begin at the first difference, with whatever it says, where no snapshot can be had. Such a book
            lacks what has not changed since, and may cross where the missing would have gone.
    """

    buffered: int = 10_000
    held: int = 0
    is_partial: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (("buffered", 1, 1_000_000), ("held", 0, 1_000)):
            if not low <= getattr(self, name) <= high:
                raise SettingError(
                    f"{name} is {getattr(self, name)}", where="order book feed", remedy=f"give {low} to {high:,}"
                )


AT_ONCE = SequenceSettings()
"""A gap is declared at the first message that is ahead."""


@dataclass(slots=True)
class BookCounters:
    """How often what happened, since the sequence was made."""

    messages: int = 0
    snapshots: int = 0
    differences: int = 0  # applied
    levels: int = 0  # set or removed by them
    buffered: int = 0
    dropped_before_snapshot: int = 0
    held: int = 0
    reordered: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    gaps: int = 0
    missing_ids: int = 0  # how many identifiers the gaps passed over, where they can be counted
    stale_snapshots: int = 0
    crossed: int = 0
    checksums: int = 0  # compared
    checksum_failures: int = 0
    malformed: int = 0
    reconnects: int = 0
    resyncs: int = 0  # asked for

    def as_dict(self) -> dict[str, int]:
        """The counters by name."""
        return asdict(self)


@dataclass(slots=True)
class BookSequence:
    """The state machine of one symbol's book.

    Args:
        rule: how the exchange numbers its messages.
        checksum: how it computes its checksum, None where it sends none.
        settings: see :class:`SequenceSettings`.
        price_text: how a price in ticks is written for a person.

    Attributes:
        book: empty while :attr:`state` is ``WAITING``.
        last_id: the last update in the book.
        ts_ns: exchange time of the last update in it.
        counters: what happened so far.
    """

    rule: SequenceRule
    checksum: Checksum | None = None
    settings: SequenceSettings = AT_ONCE
    price_text: Callable[[int], str] = str
    book: RebuiltBook = field(default_factory=RebuiltBook)
    state: BookState = BookState.WAITING
    last_id: int = NO_ID
    ts_ns: int = 0
    counters: BookCounters = field(default_factory=BookCounters)
    _last_heard_ns: int = 0
    _is_asked_for: bool = False
    _is_fresh: bool = False
    _waiting: deque[BookDifference] = field(default_factory=deque)
    _recent_ids: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_IDS))

    def on_message(self, message: BookSnapshot | BookDifference | Connected | Malformed, ts_local_ns: int = 0) -> Step:
        """Take one message; ``ts_local_ns`` is when it was received, for :meth:`is_silent`."""
        self.counters.messages += 1
        self._last_heard_ns = ts_local_ns
        if isinstance(message, BookDifference):
            return self._on_difference(message)
        if isinstance(message, BookSnapshot):
            return self._on_snapshot(message)
        if isinstance(message, Malformed):
            self.counters.malformed += 1
            return self._lost(Outcome.MALFORMED, message.reason)
        return self._on_reconnect()

    def is_silent(self, now_ns: int, patience_ns: int) -> bool:
        """Whether nothing at all was heard for longer than ``patience_ns``."""
        return now_ns - self._last_heard_ns > patience_ns

    def _on_reconnect(self) -> Step:
        if self.counters.messages == 1:
            return Step(Outcome.RECONNECTED)
        self.counters.reconnects += 1
        self._is_asked_for = False
        step = self._lost(Outcome.RECONNECTED, "the connection was opened anew")
        self._waiting.clear()
        return step

    def _on_difference(self, difference: BookDifference) -> Step:
        if self.state is BookState.WAITING:
            if not self.settings.is_partial:
                return self._buffer(difference)
            self._begin_partial(difference)
        place = self.rule.place(difference, self.last_id, is_first=self._is_fresh)
        if place is Place.OLD:
            return self._old(difference)
        if place is Place.AHEAD:
            return self._ahead(difference)
        return self._apply_with_waiting(difference)

    def _buffer(self, difference: BookDifference) -> Step:
        if len(self._waiting) >= self.settings.buffered:
            self._waiting.popleft()
        self._waiting.append(difference)
        self.counters.buffered += 1
        return Step(Outcome.BUFFERED, resync=self._ask())

    def _begin_partial(self, difference: BookDifference) -> None:
        self.book.clear()
        self.state = BookState.IN_STEP
        self._is_fresh = True
        self.last_id = difference.previous_id if difference.previous_id != NO_ID else difference.first_id - 1
        if difference.first_id == NO_ID:
            self.last_id = NO_ID

    def _old(self, difference: BookDifference) -> Step:
        numbers = f"ends at {difference.last_id}, the book is at {self.last_id}"
        if self._is_fresh:
            self.counters.dropped_before_snapshot += 1
            return Step(Outcome.IN_SNAPSHOT, detail=numbers)
        if difference.last_id in self._recent_ids:
            self.counters.duplicates += 1
            return Step(Outcome.DUPLICATE, detail=numbers)
        self.counters.out_of_order += 1
        return Step(Outcome.OUT_OF_ORDER, detail=numbers)

    def _ahead(self, difference: BookDifference) -> Step:
        self._waiting.append(difference)
        if len(self._waiting) <= self.settings.held:
            self.counters.held += 1
            return Step(Outcome.HELD, detail=self._distance(difference))
        first = min(self._waiting, key=lambda waiting: waiting.last_id)
        self.counters.gaps += 1
        if first.first_id > self.last_id:
            self.counters.missing_ids += first.first_id - self.last_id - 1
        detail = self._distance(first)
        if self.settings.is_partial:
            return self._go_on_after_gap(detail)
        waiting = list(self._waiting)
        step = self._lost(Outcome.GAP, detail)
        self._waiting.extend(waiting)
        return step

    def _go_on_after_gap(self, detail: str) -> Step:
        """In a partial book the gap is noted and the stream goes on."""
        ordered = sorted(self._waiting, key=lambda waiting: waiting.last_id)
        self._waiting.clear()
        applied = tuple(self._put(difference) for difference in ordered)
        self._fault(ordered[-1])
        return Step(Outcome.GAP, applied, detail=detail)

    def _distance(self, difference: BookDifference) -> str:
        follows = difference.first_id if difference.previous_id == NO_ID else difference.previous_id
        if follows == NO_ID:
            follows = difference.last_id
        return f"the book is at {self.last_id}, the message follows {follows}"

    def _apply_with_waiting(self, difference: BookDifference) -> Step:
        applied = [self._put(difference)]
        fault = self._fault(difference)
        while self._waiting and fault is None:
            following = self._following()
            if following is None:
                break
            applied.append(self._put(following))
            self.counters.reordered += 1
            fault = self._fault(following)
        if fault is not None:
            return self._lost(fault, self._fault_detail(fault), tuple(applied))
        outcome = Outcome.REORDERED if len(applied) > 1 else Outcome.APPLIED
        return Step(outcome, tuple(applied))

    def _following(self) -> BookDifference | None:
        """Remove and return the held message whose turn has come; what has become old goes."""
        for difference in sorted(self._waiting, key=lambda waiting: waiting.last_id):
            place = self.rule.place(difference, self.last_id, is_first=False)
            if place is Place.AHEAD:
                return None
            self._waiting.remove(difference)
            if place is Place.NEXT:
                return difference
            self.counters.duplicates += 1
        return None

    def _put(self, difference: BookDifference) -> AppliedUpdate:
        self.book.apply(difference)
        self._is_fresh = False
        self.last_id = difference.last_id
        self.ts_ns = max(self.ts_ns, difference.ts_ns)
        self._recent_ids.append(difference.last_id)
        self.counters.differences += 1
        self.counters.levels += len(difference.bids) + len(difference.asks)
        return AppliedUpdate(difference, self.book.bids.best(), self.book.asks.best())

    def _fault(self, message: BookSnapshot | BookDifference) -> Outcome | None:
        """What is wrong with the book after the message, if anything."""
        if message.checksum is not None and self.checksum is not None:
            self.counters.checksums += 1
            if self.checksum(self.book) != message.checksum:
                self.counters.checksum_failures += 1
                return Outcome.CHECKSUM_FAILED
        if self.book.is_crossed:
            self.counters.crossed += 1
            return None if self.settings.is_partial else Outcome.CROSSED
        return None

    def _fault_detail(self, fault: Outcome) -> str:
        if fault is Outcome.CHECKSUM_FAILED:
            return "the exchange's checksum is of another book"
        bid, ask = self.book.bids.best(), self.book.asks.best()
        assert bid is not None
        assert ask is not None
        return f"bid {self.price_text(bid[0])} is not below ask {self.price_text(ask[0])}"

    def _on_snapshot(self, snapshot: BookSnapshot) -> Step:
        if not snapshot.is_from_stream and snapshot.last_id != NO_ID and self._is_stale(snapshot):
            self.counters.stale_snapshots += 1
            self._is_asked_for = False
            resync = self._ask() if self.state is BookState.WAITING else None
            return Step(Outcome.STALE_SNAPSHOT, resync=resync, detail=f"it ends at {snapshot.last_id}")
        self.book.replace(snapshot)
        self.state = BookState.IN_STEP
        self._is_asked_for = False
        self._is_fresh = True
        self.last_id = snapshot.last_id
        self.ts_ns = max(self.ts_ns, snapshot.ts_ns)
        self.counters.snapshots += 1
        applied = [AppliedUpdate(snapshot, self.book.bids.best(), self.book.asks.best())]
        fault = self._fault(snapshot)
        waiting = [] if snapshot.is_from_stream else list(self._waiting)
        self._waiting.clear()
        if fault is not None:
            return self._lost(fault, self._fault_detail(fault), tuple(applied))
        for position, difference in enumerate(waiting):
            if self._is_fresh and self.rule.place(difference, self.last_id, is_first=True) is Place.OLD:
                self.counters.dropped_before_snapshot += 1
                continue
            step = self._on_difference(difference)
            applied += step.applied
            if self.state is BookState.WAITING:
                self._waiting.extend(waiting[position + 1 :])
                return Step(step.outcome, tuple(applied), step.resync, step.detail)
        return Step(Outcome.APPLIED, tuple(applied))

    def _is_stale(self, snapshot: BookSnapshot) -> bool:
        """Whether the snapshot is older than the book, or leaves a gap to what was buffered for it."""
        if self.state is BookState.IN_STEP:
            return snapshot.last_id < self.last_id
        for difference in self._waiting:
            if self.rule.place(difference, snapshot.last_id, is_first=True) is not Place.OLD:
                return self.rule.place(difference, snapshot.last_id, is_first=True) is Place.AHEAD
        return False

    def _lost(self, outcome: Outcome, detail: str, applied: tuple[AppliedUpdate, ...] = ()) -> Step:
        """The book is no longer known: forget it and ask for another."""
        self.book.clear()
        self.state = BookState.WAITING
        self.last_id = NO_ID
        self._is_fresh = False
        self._waiting.clear()
        self._recent_ids.clear()
        return Step(outcome, applied, self._ask(), detail)

    def _ask(self) -> ResyncBy | None:
        if self._is_asked_for or self.settings.is_partial:
            return None
        self._is_asked_for = True
        self.counters.resyncs += 1
        return ResyncBy.RESUBSCRIPTION if self.rule.has_stream_snapshots else ResyncBy.SNAPSHOT_REQUEST
