"""A level-2 book as a stream leaves it: quantity by price on either side, and which price is best."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from bot4.adapters.exchanges.order_books.messages import BookDifference, BookSnapshot, Level, LevelText

BID, ASK = 1, -1
_SPARE = 1024


class BookSide:
    """One side of a book.

    The best price is kept in a heap whose removed entries are passed over when they come up, so that an update costs
    no search.

    Args:
        side: :data:`BID` or :data:`ASK`.
    """

    __slots__ = ("_heap", "_side", "levels", "texts")

    def __init__(self, side: int) -> None:
        self.levels: dict[int, int] = {}
        self.texts: dict[int, LevelText] = {}
        self._side = side
        self._heap: list[int] = []

    def __len__(self) -> int:
        return len(self.levels)

    def set_level(self, ticks: int, lots: int) -> bool:
        """Put the quantity at a price, 0 to remove it. False where a level was removed that was not there."""
        levels = self.levels
        if lots == 0:
            return levels.pop(ticks, None) is not None
        if ticks not in levels:
            heapq.heappush(self._heap, -ticks if self._side == BID else ticks)
            if len(self._heap) > 4 * len(levels) + _SPARE:
                levels[ticks] = lots
                self._rebuild()
        levels[ticks] = lots
        return True

    def best(self) -> Level | None:
        """The best price and its quantity, or None where the side is empty."""
        heap, levels = self._heap, self.levels
        while heap:
            ticks = -heap[0] if self._side == BID else heap[0]
            lots = levels.get(ticks)
            if lots is not None:
                return ticks, lots
            heapq.heappop(heap)
        return None

    def top(self, count: int) -> list[Level]:
        """The ``count`` best levels, best first."""
        choose = heapq.nlargest if self._side == BID else heapq.nsmallest
        return [(ticks, self.levels[ticks]) for ticks in choose(count, self.levels)]

    def cut(self, depth: int) -> None:
        """Forget all but the ``depth`` best levels."""
        if len(self.levels) > depth:
            worst_first = sorted(self.levels, reverse=self._side == ASK)
            for ticks in worst_first[: len(self.levels) - depth]:
                del self.levels[ticks]
                self.texts.pop(ticks, None)

    def clear(self) -> None:
        """Forget every level."""
        self.levels.clear()
        self.texts.clear()
        self._heap.clear()

    def _rebuild(self) -> None:
        self._heap = [-ticks if self._side == BID else ticks for ticks in self.levels]
        heapq.heapify(self._heap)


class RebuiltBook:
    """Both sides of a book.

    Attributes:
        bids, asks: the sides.
        depth: how many levels a side are kept; 0 for all.
        unknown_removals: how often a level was removed that was not there. Exchanges do that in good faith.
    """

    __slots__ = ("asks", "bids", "depth", "unknown_removals")

    def __init__(self) -> None:
        self.bids = BookSide(BID)
        self.asks = BookSide(ASK)
        self.depth = 0
        self.unknown_removals = 0

    def replace(self, snapshot: BookSnapshot) -> None:
        """Become the snapshot; a level of quantity 0 in it is none."""
        self.clear()
        self.depth = snapshot.depth
        for side, levels, texts in (
            (self.bids, snapshot.bids, snapshot.bid_texts),
            (self.asks, snapshot.asks, snapshot.ask_texts),
        ):
            kept = [position for position, (_, lots) in enumerate(levels) if lots]
            _put(side, [levels[k] for k in kept], [texts[k] for k in kept] if texts else ())

    def apply(self, difference: BookDifference) -> None:
        """Take the changed levels in, then forget what lies below ``depth``."""
        self.unknown_removals += _put(self.bids, difference.bids, difference.bid_texts)
        self.unknown_removals += _put(self.asks, difference.asks, difference.ask_texts)
        if self.depth:
            self.bids.cut(self.depth)
            self.asks.cut(self.depth)

    def clear(self) -> None:
        """Forget every level."""
        self.bids.clear()
        self.asks.clear()

    @property
    def is_crossed(self) -> bool:
        """Whether someone bids as much as or more than another asks."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]


def _put(side: BookSide, levels: Sequence[Level], texts: Sequence[LevelText]) -> int:
    unknown = 0
    for ticks, lots in levels:
        if not side.set_level(ticks, lots):
            unknown += 1
    for (ticks, lots), text in zip(levels, texts, strict=False):
        if lots:
            side.texts[ticks] = text
        else:
            side.texts.pop(ticks, None)
    return unknown
