"""OKX, version 5: the ``books`` channel with its checksum (and ``seqId`` since 2022), and trades.

Source: www.okx.com/docs-v5, "Order book channel" and "Trades channel".
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bot4.adapters.exchanges.order_books.fields import (
    NS_PER_MS,
    guarded,
    levels,
    never_raising,
    one_price,
    one_quantity,
    texts,
)
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import (
    NO_ID,
    BookDifference,
    BookMessage,
    BookSnapshot,
    MarketTrade,
)

_DEPTHS = {"books": 400, "books5": 5, "books-l2-tbt": 400, "books50-l2-tbt": 50}


class OkxParser:
    """Messages ``{"arg": {"channel": ..., "instId": ...}, "action": ..., "data": [...]}``."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message."""
        if not isinstance(payload, dict) or "data" not in payload or not isinstance(payload.get("arg"), dict):
            return []
        channel, symbol = str(payload["arg"].get("channel")), str(payload["arg"].get("instId"))
        if channel in _DEPTHS:
            action = payload.get("action", "snapshot")
            return [guarded(symbol, partial(self._book, row, action, channel, symbol)) for row in payload["data"]]
        if channel == "trades":
            return [guarded(symbol, partial(self._trade, row, symbol), is_of_book=False) for row in payload["data"]]
        return []

    def _book(self, row: dict[str, Any], action: str, channel: str, symbol: str) -> BookMessage:
        grid = self._grids.of(symbol)
        bids, asks = levels(row["bids"], grid), levels(row["asks"], grid)
        ts_ns, last_id = int(row["ts"]) * NS_PER_MS, int(row.get("seqId", NO_ID))
        checksum = int(row["checksum"]) if row.get("checksum") else None
        bid_texts, ask_texts = texts(row["bids"]), texts(row["asks"])
        if action == "snapshot":
            return BookSnapshot(
                symbol,
                bids,
                asks,
                last_id,
                ts_ns,
                _DEPTHS[channel],
                checksum,
                bid_texts,
                ask_texts,
                is_from_stream=True,
            )
        return BookDifference(
            symbol,
            bids,
            asks,
            last_id=last_id,
            previous_id=int(row.get("prevSeqId", NO_ID)),
            ts_ns=ts_ns,
            checksum=checksum,
            bid_texts=bid_texts,
            ask_texts=ask_texts,
        )

    def _trade(self, row: dict[str, Any], symbol: str) -> MarketTrade:
        grid = self._grids.of(symbol)
        return MarketTrade(
            symbol,
            one_price(row["px"], grid),
            one_quantity(row["sz"], grid),
            aggressor=1 if row["side"] == "buy" else -1,
            trade_id=str(row["tradeId"]),
            ts_ns=int(row["ts"]) * NS_PER_MS,
        )
