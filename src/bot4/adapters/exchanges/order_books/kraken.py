"""Kraken, WebSocket version 1: book and trade channels. Its levels are cut at the subscribed depth by the reader.

Source: docs.kraken.com/api/docs/websocket-v1/book.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bot4.adapters.exchanges.order_books.fields import (
    guarded,
    levels,
    never_raising,
    one_price,
    one_quantity,
    seconds_ns,
    texts,
)
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import BookDifference, BookMessage, BookSnapshot, MarketTrade


class KrakenParser:
    """Messages ``[channel id, {...}, (more,) "book-N" or "trade", pair]``."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message."""
        if not isinstance(payload, list) or len(payload) < 4:
            return []
        channel, symbol = str(payload[-2]), str(payload[-1])
        if channel.startswith("book-"):
            return [guarded(symbol, lambda: self._book(payload[1:-2], channel, symbol))]
        if channel == "trade":
            rows = enumerate(payload[1])
            return [guarded(symbol, partial(self._trade, row, k, symbol), is_of_book=False) for k, row in rows]
        return []

    def _book(self, parts: list[dict[str, Any]], channel: str, symbol: str) -> BookMessage:
        grid = self._grids.of(symbol)
        merged: dict[str, Any] = {}
        for part in parts:
            merged.update(part)
        if "as" in merged or "bs" in merged:
            bids, asks = merged["bs"], merged["as"]
            return BookSnapshot(
                symbol,
                levels(bids, grid),
                levels(asks, grid),
                ts_ns=_latest_ns(bids, asks),
                depth=int(channel.removeprefix("book-")),
                bid_texts=texts(bids),
                ask_texts=texts(asks),
                is_from_stream=True,
            )
        bids, asks = merged.get("b", []), merged.get("a", [])
        return BookDifference(
            symbol,
            levels(bids, grid),
            levels(asks, grid),
            ts_ns=_latest_ns(bids, asks),
            checksum=int(merged["c"]),
            bid_texts=texts(bids),
            ask_texts=texts(asks),
        )

    def _trade(self, row: list[Any], position: int, symbol: str) -> MarketTrade:
        grid = self._grids.of(symbol)
        return MarketTrade(
            symbol,
            one_price(row[0], grid),
            one_quantity(row[1], grid),
            aggressor=1 if row[3] == "b" else -1,
            trade_id=f"{row[2]}/{position}",
            ts_ns=seconds_ns(str(row[2])),
        )


def _latest_ns(*sides: list[list[Any]]) -> int:
    return max((seconds_ns(str(row[2])) for rows in sides for row in rows), default=0)
