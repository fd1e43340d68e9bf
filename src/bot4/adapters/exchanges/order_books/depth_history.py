"""The book at equal steps of time while a stream is replayed: what the picture of depth is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import BestPrices, MarketTrade, OrderChange
from bot4.adapters.exchanges.order_books.rebuilt_book import BookSide, RebuiltBook
from bot4.adapters.exchanges.order_books.sequence import AppliedUpdate, BookSequence
from bot4.domain.bars import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class SideAt:
    """One side at one time: float64[m] prices and quantities, in no order."""

    prices: FloatArray
    quantities: FloatArray


NOTHING = SideAt(np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True)
class DepthHistory:
    """A book over time.

    Attributes:
        symbol: whose.
        ts_ns: int64[n], the ends of n equal steps of receive time.
        bids, asks: the sides at those times; empty where the book was not known.
        best_bid, best_ask: float64[n], NaN where not known.
        trade_ts_ns, trade_price, trade_quantity, trade_side: of the trades meanwhile; side +1 where the buyer took,
            -1 where the seller did, 0 unknown.
        tick: of the grid, quote currency.
    """

    symbol: str
    ts_ns: IntArray
    bids: list[SideAt]
    asks: list[SideAt]
    best_bid: FloatArray
    best_ask: FloatArray
    trade_ts_ns: IntArray
    trade_price: FloatArray
    trade_quantity: FloatArray
    trade_side: IntArray
    tick: float


class DepthSampler:
    """Looks at one symbol's book at ``steps`` equal steps of receive time; a listener of a replay.

    Args:
        symbol: the exchange's spelling; empty for the first whose book is known.
        grids: ticks and lots of the stream.
        first_ns, last_ns: receive times of the recording's first and last message.
        steps: how many looks.
    """

    def __init__(self, symbol: str, grids: Grids, first_ns: int, last_ns: int, steps: int = 480) -> None:
        self._symbol, self._grids, self._grid = symbol, grids, grids.of(symbol)
        span_ns = max(last_ns - first_ns, steps)
        self._ends_ns = [first_ns + span_ns * (k + 1) // steps for k in range(steps)]
        self._bids: list[SideAt] = []
        self._asks: list[SideAt] = []
        self._best: list[tuple[float, float]] = []
        self._book: RebuiltBook | None = None
        self._trades: list[tuple[int, float, float, int]] = []

    def on_update(self, symbol: str, update: AppliedUpdate, sequence: BookSequence, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`. The look shows the book as it stood when its step ended."""
        if not self._symbol:
            self._symbol, self._grid = symbol, self._grids.of(symbol)
        if symbol == self._symbol:
            self._book = sequence.book

    def watch(self, symbol: str, book: RebuiltBook) -> None:
        """Look at a book that others keep."""
        self._symbol, self._grid, self._book = symbol, self._grids.of(symbol), book

    def before_message(self, ts_local_ns: int) -> None:
        """Take the looks that are due before a message received at this time changes the book."""
        while len(self._bids) < len(self._ends_ns) and ts_local_ns > self._ends_ns[len(self._bids)]:
            self._look()

    def on_loss(self, symbol: str, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""

    def on_best(self, best: BestPrices, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""

    def on_order(self, change: OrderChange, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""

    def on_trade(self, trade: MarketTrade, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""
        if trade.symbol == self._symbol:
            self.add_trade(trade, ts_local_ns)

    def add_trade(self, trade: MarketTrade, ts_local_ns: int) -> None:
        """A trade of the symbol that is looked at."""
        price = float(self._grid.price(trade.price_ticks))
        self._trades.append((ts_local_ns, price, float(self._grid.quantity(trade.lots)), trade.aggressor))

    def history(self) -> DepthHistory:
        """The looks, those after the last message included."""
        while len(self._bids) < len(self._ends_ns):
            self._look()
        best = np.array(self._best)
        trades = self._trades
        return DepthHistory(
            self._symbol,
            np.array(self._ends_ns, dtype=np.int64),
            self._bids,
            self._asks,
            best[:, 0],
            best[:, 1],
            np.array([row[0] for row in trades], dtype=np.int64),
            np.array([row[1] for row in trades], dtype=np.float64),
            np.array([row[2] for row in trades], dtype=np.float64),
            np.array([row[3] for row in trades], dtype=np.int64),
            float(self._grid.tick),
        )

    def _look(self) -> None:
        book = self._book
        if book is None:
            self._bids.append(NOTHING)
            self._asks.append(NOTHING)
            self._best.append((np.nan, np.nan))
            return
        bid, ask = book.bids.best(), book.asks.best()
        self._bids.append(self._side(book.bids))
        self._asks.append(self._side(book.asks))
        self._best.append(
            (
                np.nan if bid is None else float(self._grid.price(bid[0])),
                np.nan if ask is None else float(self._grid.price(ask[0])),
            )
        )

    def _side(self, side: BookSide) -> SideAt:
        count = len(side.levels)
        prices = np.fromiter(map(float, side.levels.keys()), dtype=np.float64, count=count)
        quantities = np.fromiter(map(float, side.levels.values()), dtype=np.float64, count=count)
        return SideAt(prices * float(self._grid.tick), quantities * float(self._grid.lot))
