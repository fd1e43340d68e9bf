"""How each exchange numbers its book messages, and what therefore follows what.

A rule compares one difference with the last update that is in the book. It holds no state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bot4.adapters.exchanges.order_books.messages import NO_ID, BookDifference


class Place(Enum):
    """Where a difference stands to the book."""

    NEXT = "next"
    OLD = "old"
    AHEAD = "ahead"


class SequenceRule(Protocol):
    """The numbering of one exchange's stream."""

    @property
    def name(self) -> str:
        """For a person."""
        ...

    @property
    def has_stream_snapshots(self) -> bool:
        """Whether the stream itself begins with the book; else it must be asked for by REST."""
        ...

    @property
    def can_tell_gaps(self) -> bool:
        """Whether a lost message shows in the numbers."""
        ...

    def place(self, difference: BookDifference, last_id: int, *, is_first: bool) -> Place:
        """Where the difference stands to a book whose last update is ``last_id``.

        ``is_first``: the book is a snapshot to which nothing was applied yet.
        """
        ...


@dataclass(frozen=True, slots=True)
class OverlappingRanges:
    """Binance spot: each message sums up updates ``first_id`` to ``last_id``, and the next begins one after.

    The first after a snapshot may reach back into it; later ones that do carry something new are applied too, since
    levels are absolute.
    """

    name: str = "consecutive ranges (U, u)"
    has_stream_snapshots: bool = False
    can_tell_gaps: bool = True

    def place(self, difference: BookDifference, last_id: int, *, is_first: bool) -> Place:
        """See :class:`SequenceRule`."""
        if difference.last_id <= last_id:
            return Place.OLD
        return Place.NEXT if difference.first_id <= last_id + 1 else Place.AHEAD


@dataclass(frozen=True, slots=True)
class ChainedRanges:
    """Binance futures, OKX: each message names the last update of the one before it (``pu``, ``prevSeqId``)."""

    name: str = "chained by the previous id (pu)"
    has_stream_snapshots: bool = False
    can_tell_gaps: bool = True

    def place(self, difference: BookDifference, last_id: int, *, is_first: bool) -> Place:
        """See :class:`SequenceRule`."""
        if difference.last_id <= last_id:
            is_empty = difference.last_id == difference.previous_id == last_id and not is_first
            return Place.NEXT if is_empty else Place.OLD
        if is_first:
            return Place.NEXT if difference.previous_id <= last_id else Place.AHEAD
        return Place.NEXT if difference.previous_id == last_id else Place.AHEAD


@dataclass(frozen=True, slots=True)
class ConsecutiveIds:
    """Bybit: each message has the number after its predecessor's."""

    name: str = "consecutive ids (u)"
    has_stream_snapshots: bool = True
    can_tell_gaps: bool = True

    def place(self, difference: BookDifference, last_id: int, *, is_first: bool) -> Place:
        """See :class:`SequenceRule`."""
        if difference.last_id <= last_id:
            return Place.OLD
        return Place.NEXT if difference.last_id == last_id + 1 else Place.AHEAD


@dataclass(frozen=True, slots=True)
class RisingIds:
    """Bitstamp, Coinbase level 2, Bybit before version 5: the numbers (or times) rise, by how much is not said.

    What is late shows, what is lost does not.

    Attributes:
        may_repeat: whether two messages may carry one number (Coinbase prints one time on several).
    """

    name: str = "rising ids: lost messages do not show"
    has_stream_snapshots: bool = False
    may_repeat: bool = False
    can_tell_gaps: bool = False

    def place(self, difference: BookDifference, last_id: int, *, is_first: bool) -> Place:
        """See :class:`SequenceRule`."""
        is_next = difference.last_id > last_id or (self.may_repeat and difference.last_id == last_id)
        return Place.NEXT if is_next or last_id == NO_ID else Place.OLD


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """Kraken, OKX before it numbered, Bitfinex: nothing is numbered, the checksum alone tells."""

    name: str = "unnumbered: the checksum tells"
    has_stream_snapshots: bool = True
    can_tell_gaps: bool = False

    def place(self, difference: BookDifference, last_id: int, *, is_first: bool) -> Place:
        """See :class:`SequenceRule`."""
        return Place.NEXT


@dataclass(frozen=True, slots=True)
class ChainedIfNumbered:
    """OKX: chained by ``prevSeqId`` where the messages carry it, else unnumbered."""

    name: str = "chained by prevSeqId where given; checksum"
    has_stream_snapshots: bool = True
    can_tell_gaps: bool = True

    def place(self, difference: BookDifference, last_id: int, *, is_first: bool) -> Place:
        """See :class:`SequenceRule`. A chain that continues under a smaller number is OKX's reset after maintenance."""
        if difference.last_id == NO_ID or last_id == NO_ID:
            return Place.NEXT
        if difference.previous_id == last_id:
            return Place.NEXT
        return Place.OLD if difference.last_id <= last_id else Place.AHEAD
