"""Bitfinex, version 2: the ``book`` channel at precision P0 to P3 with its checksum, and trades.

Source: docs.bitfinex.com/reference/ws-public-books and "WebSocket checksum". The channel's number stands for the
symbol, so the parser remembers the answers to the subscriptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot4.adapters.exchanges.order_books.fields import (
    NS_PER_MS,
    guarded,
    levels,
    never_raising,
    one_price,
    one_quantity,
)
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import (
    BookDifference,
    BookMessage,
    BookSnapshot,
    LevelText,
    MarketTrade,
)


@dataclass(frozen=True, slots=True)
class _Channel:
    kind: str
    symbol: str
    depth: int


class BitfinexParser:
    """Messages ``[channel number, ...]`` of channels whose subscription was seen."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids
        self._channels: dict[int, _Channel] = {}

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message. A raw book (precision R0) is left out."""
        if isinstance(payload, dict):
            self._subscribed(payload)
            return []
        if not isinstance(payload, list) or len(payload) < 2:
            return []
        channel = self._channels.get(payload[0]) if isinstance(payload[0], int) else None
        if channel is None or payload[1] == "hb":
            return []
        if channel.kind == "book":
            return [guarded(channel.symbol, lambda: self._book(payload[1:], channel))]
        if payload[1] == "te":
            return [guarded(channel.symbol, lambda: self._trade(payload[2], channel.symbol), is_of_book=False)]
        return []

    def _subscribed(self, payload: dict[str, Any]) -> None:
        is_known = payload.get("channel") in ("book", "trades") and payload.get("prec") != "R0"
        if payload.get("event") == "subscribed" and is_known and isinstance(payload.get("chanId"), int):
            depth = int(payload.get("len", 0) or 0)
            self._channels[payload["chanId"]] = _Channel(payload["channel"], str(payload.get("symbol", "")), depth)

    def _book(self, parts: list[Any], channel: _Channel) -> BookMessage:
        symbol = channel.symbol
        if parts[0] == "cs":
            return BookDifference(symbol, [], [], checksum=int(parts[1]))
        is_snapshot = not parts[0] or isinstance(parts[0][0], list)
        bids: list[LevelText] = []
        asks: list[LevelText] = []
        for price, count, amount in parts[0] if is_snapshot else [parts[0]]:
            size = str(amount).removeprefix("-")
            side = asks if str(amount).startswith("-") else bids
            side.append((str(price), size if int(count) else "0"))
        grid = self._grids.of(symbol)
        if is_snapshot:
            return BookSnapshot(
                symbol,
                levels(bids, grid),
                levels(asks, grid),
                depth=channel.depth,
                bid_texts=bids,
                ask_texts=asks,
                is_from_stream=True,
            )
        return BookDifference(symbol, levels(bids, grid), levels(asks, grid), bid_texts=bids, ask_texts=asks)

    def _trade(self, row: list[Any], symbol: str) -> MarketTrade:
        grid, amount = self._grids.of(symbol), str(row[2])
        return MarketTrade(
            symbol,
            one_price(row[3], grid),
            one_quantity(amount.removeprefix("-"), grid),
            aggressor=-1 if amount.startswith("-") else 1,
            trade_id=str(row[0]),
            ts_ns=int(row[1]) * NS_PER_MS,
        )
