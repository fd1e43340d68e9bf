"""Coinbase Exchange: the ``level2`` channel and matches. Its messages carry times and no numbers.

Source: docs.cdp.coinbase.com/exchange, "Level 2 channel" and "Matches".
"""

from __future__ import annotations

from typing import Any

from bot4.adapters.exchanges.order_books.fields import guarded, iso_ns, levels, never_raising, one_price, one_quantity
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import BookDifference, BookMessage, BookSnapshot, MarketTrade


class CoinbaseParser:
    """Messages ``snapshot``, ``l2update`` and ``match``."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message."""
        if not isinstance(payload, dict):
            return []
        kind, symbol = payload.get("type"), str(payload.get("product_id", ""))
        if kind == "snapshot":
            return [guarded(symbol, lambda: self._snapshot(payload, symbol))]
        if kind == "l2update":
            return [guarded(symbol, lambda: self._difference(payload, symbol))]
        if kind == "match":
            return [guarded(symbol, lambda: self._trade(payload, symbol), is_of_book=False)]
        return []

    def _snapshot(self, payload: dict[str, Any], symbol: str) -> BookSnapshot:
        grid = self._grids.of(symbol)
        return BookSnapshot(symbol, levels(payload["bids"], grid), levels(payload["asks"], grid), is_from_stream=True)

    def _difference(self, payload: dict[str, Any], symbol: str) -> BookDifference:
        grid = self._grids.of(symbol)
        changes = payload["changes"]
        ts_ns = iso_ns(payload["time"])
        return BookDifference(
            symbol,
            levels([row[1:] for row in changes if row[0] == "buy"], grid),
            levels([row[1:] for row in changes if row[0] == "sell"], grid),
            last_id=ts_ns,
            ts_ns=ts_ns,
        )

    def _trade(self, payload: dict[str, Any], symbol: str) -> MarketTrade:
        grid = self._grids.of(symbol)
        return MarketTrade(
            symbol,
            one_price(payload["price"], grid),
            one_quantity(payload["size"], grid),
            aggressor=-1 if payload["side"] == "buy" else 1,  # the side printed is the maker's
            trade_id=str(payload["trade_id"]),
            ts_ns=iso_ns(payload["time"]),
        )
