"""What a market stream says, in one vocabulary for every exchange, with exact integers.

Prices are integers of ticks and quantities integers of lots of the symbol's :class:`~.grid.PriceGrid`. Times are UTC
nanoseconds of the exchange; 0 where the message states none. A symbol is the exchange's own spelling; it is empty
where the message does not name it (an answer by REST), and then the only symbol of the stream is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Level = tuple[int, int]
"""Price in ticks, quantity in lots; a quantity of 0 removes the level."""
LevelText = tuple[str, str]
"""Price and quantity as the exchange printed them, which its checksum is made of."""

NO_ID = -1


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """The whole book, or its best ``depth`` levels.

    Attributes:
        last_id: identifier of the last update that is in it; :data:`NO_ID` where the exchange numbers nothing.
        depth: how many levels a side the exchange keeps up to date; 0 for all of them.
        checksum: of the book after this message, None where the exchange sends none.
        bid_texts, ask_texts: the levels as printed, in the order of ``bids`` and ``asks``, where a checksum needs them.
        is_from_stream: it came in its place of the stream, and so always replaces the book; an answer by REST is
            ordered by its identifier only.
    """

    symbol: str
    bids: Sequence[Level]
    asks: Sequence[Level]
    last_id: int = NO_ID
    ts_ns: int = 0
    depth: int = 0
    checksum: int | None = None
    bid_texts: Sequence[LevelText] = ()
    ask_texts: Sequence[LevelText] = ()
    is_from_stream: bool = False


@dataclass(frozen=True, slots=True)
class BookDifference:
    """Levels that have changed: each replaces the quantity at its price.

    Attributes:
        first_id, last_id: the updates that it sums up, both inclusive.
        previous_id: the last update of the message before, where the exchange chains them, else :data:`NO_ID`.
    """

    symbol: str
    bids: Sequence[Level]
    asks: Sequence[Level]
    first_id: int = NO_ID
    last_id: int = NO_ID
    previous_id: int = NO_ID
    ts_ns: int = 0
    checksum: int | None = None
    bid_texts: Sequence[LevelText] = ()
    ask_texts: Sequence[LevelText] = ()


@dataclass(frozen=True, slots=True)
class BestPrices:
    """The exchange's own best bid and ask; ``update_id`` says after which update, :data:`NO_ID` if unsaid."""

    symbol: str
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    update_id: int = NO_ID
    ts_ns: int = 0


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """One trade of the market; ``aggressor`` is +1 where the buyer took, -1 where the seller did, 0 unknown."""

    symbol: str
    price_ticks: int
    lots: int
    aggressor: int
    trade_id: str
    ts_ns: int = 0


@dataclass(frozen=True, slots=True)
class OrderChange:
    """One order of the market (level 3): added, left with a quantity or at another price, or gone.

    Attributes:
        action: ``BOOK_ADD``, ``BOOK_SET`` or ``BOOK_REMOVE`` of :mod:`bot4.domain.events`.
        side: +1 bid, -1 ask.
        lots: what is left of it. Of an order that goes, 0 says that it was filled, more that this was cancelled.
    """

    symbol: str
    action: int
    order_id: int
    side: int
    price_ticks: int
    lots: int
    ts_ns: int = 0


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket was opened: whatever came before is no longer continued. An empty symbol means all of them."""

    symbol: str = ""
    ts_ns: int = 0


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that cannot be: what was wrong.

    Attributes:
        symbol: empty where the message did not come so far as to name one.
        is_of_book: whether a change of the book may be lost with it; a trade's is none.
    """

    symbol: str
    reason: str
    ts_ns: int = 0
    is_of_book: bool = True


BookMessage = BookSnapshot | BookDifference | BestPrices | MarketTrade | OrderChange | Connected | Malformed
