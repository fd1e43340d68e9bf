"""The public side of one symbol: its recent trades, one-minute bars and day, and the numbers of its book's changes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.app.exchange_server.listings import NS_PER_MS, Listing
from bot4.domain.orders import BUY

Levels = npt.NDArray[np.int64]
MINUTE_MS = 60_000
DAY_MS = 86_400_000
MOST_TRADES = 5_000
MOST_BARS = 1_500
BOOK_LEVELS = 1_000


@dataclass(slots=True)
class TapeTrade:
    """One trade of the market or of ours."""

    trade_id: int
    ts_ms: int
    price_ticks: int
    lots: int
    is_buyer_maker: bool


@dataclass(slots=True)
class TapeBar:
    """One minute of trades; value is the sum of ticks times lots."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    value: int
    n_trades: int
    first_id: int
    buy_lots: int
    buy_value: int


@dataclass(frozen=True, slots=True)
class BookDifference:
    """What changed of a book: the first and last of its update numbers, the one before, and the levels as they are."""

    first_id: int
    last_id: int
    previous_id: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class Tape:
    """What the public sees of one symbol."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.trades: deque[TapeTrade] = deque(maxlen=MOST_TRADES)
        self.bars: deque[TapeBar] = deque(maxlen=MOST_BARS)
        self.update_id = 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self._next_id = 1

    def take_trade(self, ts_ns: int, price_ticks: int, lots: int, aggressor: int) -> TapeTrade:
        """Enter a trade under the next id."""
        trade = TapeTrade(self._next_id, ts_ns // NS_PER_MS, price_ticks, lots, aggressor != BUY)
        self._next_id += 1
        self.trades.append(trade)
        self._take_into_bar(trade)
        return trade

    def roll(self, now_ms: int) -> None:
        """Let the minutes up to now be there: one without a trade stands at the last price."""
        current_ms = now_ms // MINUTE_MS * MINUTE_MS
        if not self.bars or self.bars[-1].open_ms >= current_ms:
            return
        price = self.bars[-1].close
        first_ms = max(self.bars[-1].open_ms + MINUTE_MS, current_ms - MOST_BARS * MINUTE_MS)
        for open_ms in range(first_ms, current_ms + MINUTE_MS, MINUTE_MS):
            self.bars.append(TapeBar(open_ms, price, price, price, price, 0, 0, 0, self._next_id, 0, 0))

    def _take_into_bar(self, trade: TapeTrade) -> None:
        value = trade.price_ticks * trade.lots
        self.roll(trade.ts_ms)
        if not self.bars:
            open_ms, price = trade.ts_ms // MINUTE_MS * MINUTE_MS, trade.price_ticks
            self.bars.append(TapeBar(open_ms, price, price, price, price, 0, 0, 0, trade.trade_id, 0, 0))
        bar = self.bars[-1]
        if bar.n_trades == 0:
            bar.open = bar.high = bar.low = trade.price_ticks
            bar.first_id = trade.trade_id
        bar.high, bar.low = max(bar.high, trade.price_ticks), min(bar.low, trade.price_ticks)
        bar.close = trade.price_ticks
        bar.lots += trade.lots
        bar.value += value
        bar.n_trades += 1
        if not trade.is_buyer_maker:
            bar.buy_lots += trade.lots
            bar.buy_value += value

    def take_book(self, bids: Levels, asks: Levels) -> BookDifference | None:
        """Enter the book as it is now; what changed since the last time, None for nothing."""
        new_bids, new_asks = _by_price(bids), _by_price(asks)
        changed_bids, changed_asks = _changes(self.bids, new_bids), _changes(self.asks, new_asks)
        self.bids, self.asks = new_bids, new_asks
        n_changes = len(changed_bids) + len(changed_asks)
        if n_changes == 0:
            return None
        previous = self.update_id
        self.update_id += n_changes
        changed_bids.sort(reverse=True)
        changed_asks.sort()
        return BookDifference(previous + 1, self.update_id, previous, changed_bids, changed_asks)

    @property
    def best(self) -> tuple[int, int]:
        """Best bid and ask in ticks, 0 where there is none."""
        return max(self.bids, default=0), min(self.asks, default=0)

    @property
    def last_ticks(self) -> int:
        """Price of the last trade; before the first one the middle of the book, rounded down."""
        if self.trades:
            return self.trades[-1].price_ticks
        bid, ask = self.best
        return (bid + ask) // 2 if bid and ask else bid or ask

    def levels(self, side_is_bid: bool, limit: int) -> list[list[str]]:
        """The best levels of a side as texts."""
        side = self.bids if side_is_bid else self.asks
        prices = sorted(side, reverse=side_is_bid)[:limit]
        return [[self.listing.price(price), self.listing.quantity(side[price])] for price in prices]

    def texts(self, levels: list[tuple[int, int]]) -> list[list[str]]:
        """Levels of a difference as texts."""
        return [[self.listing.price(price), self.listing.quantity(lots)] for price, lots in levels]

    def day(self, now_ms: int) -> dict[str, Any]:
        """Sums over the last 24 hours that are still remembered, in ticks and lots."""
        bars = [bar for bar in self.bars if bar.open_ms > now_ms - DAY_MS]
        last = self.last_ticks
        if not bars:
            return {"open": last, "high": last, "low": last, "last": last, "lots": 0, "value": 0, "n": 0, "first": 0}
        return {
            "open": bars[0].open,
            "high": max(bar.high for bar in bars),
            "low": min(bar.low for bar in bars),
            "last": last,
            "lots": sum(bar.lots for bar in bars),
            "value": sum(bar.value for bar in bars),
            "n": sum(bar.n_trades for bar in bars),
            "first": bars[0].first_id,
        }


def _by_price(levels: Levels) -> dict[int, int]:
    return {int(price): int(lots) for price, lots in levels}


def _changes(before: dict[int, int], now: dict[int, int]) -> list[tuple[int, int]]:
    changed = [(price, lots) for price, lots in now.items() if before.get(price) != lots]
    return changed + [(price, 0) for price in before if price not in now]
