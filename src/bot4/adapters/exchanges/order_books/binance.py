"""Binance spot and USD-M futures: depth differences, the REST snapshot, best prices, trades.

Sources: "How to manage a local order book correctly" of developers.binance.com, for spot and for USD-M futures.
"""

from __future__ import annotations

import re
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
    NO_ID,
    BestPrices,
    BookDifference,
    BookMessage,
    BookSnapshot,
    MarketTrade,
)

_SYMBOL_OF_URL = re.compile(r"[?&]symbol=([A-Za-z0-9_]+)")


class BinanceParser:
    """Messages of the combined stream (``{"stream": ..., "data": ...}``), of a raw one, and answers of ``depth``."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message; ``context`` is the address of a REST answer."""
        data = payload.get("data", payload) if isinstance(payload, dict) else payload
        if not isinstance(data, dict):
            return []
        if "lastUpdateId" in data:
            found = _SYMBOL_OF_URL.search(context)
            symbol = found[1].upper() if found else str(data.get("s", ""))
            return [guarded(symbol, lambda: self._snapshot(data, symbol))]
        symbol = str(data.get("s", ""))
        kind = data.get("e")
        if kind == "depthUpdate":
            return [guarded(symbol, lambda: self._difference(data, symbol))]
        if kind == "bookTicker" or (kind is None and data.keys() >= {"u", "b", "B", "a", "A"}):
            return [guarded(symbol, lambda: self._best(data, symbol), is_of_book=False)]
        if kind in ("trade", "aggTrade"):
            if data.get("X", "MARKET") != "MARKET":  # insurance fund and deleverage prints move no book
                return []
            return [guarded(symbol, lambda: self._trade(data, symbol), is_of_book=False)]
        return []

    def _snapshot(self, data: dict[str, Any], symbol: str) -> BookSnapshot:
        grid = self._grids.of(symbol)
        ts_ns = int(data.get("T", data.get("E", 0))) * NS_PER_MS
        return BookSnapshot(
            symbol, levels(data["bids"], grid), levels(data["asks"], grid), int(data["lastUpdateId"]), ts_ns
        )

    def _difference(self, data: dict[str, Any], symbol: str) -> BookDifference:
        grid = self._grids.of(symbol)
        return BookDifference(
            symbol,
            levels(data["b"], grid),
            levels(data["a"], grid),
            first_id=int(data["U"]),
            last_id=int(data["u"]),
            previous_id=int(data.get("pu", NO_ID)),
            ts_ns=int(data["E"]) * NS_PER_MS,
        )

    def _best(self, data: dict[str, Any], symbol: str) -> BestPrices:
        grid = self._grids.of(symbol)
        return BestPrices(
            symbol,
            grid.ticks(data["b"]),
            grid.lots(data["B"]),
            grid.ticks(data["a"]),
            grid.lots(data["A"]),
            update_id=int(data["u"]),
            ts_ns=int(data.get("E", 0)) * NS_PER_MS,
        )

    def _trade(self, data: dict[str, Any], symbol: str) -> MarketTrade:
        grid = self._grids.of(symbol)
        return MarketTrade(
            symbol,
            one_price(data["p"], grid),
            one_quantity(data["q"], grid),
            aggressor=-1 if data["m"] else 1,
            trade_id=str(data["t"] if "t" in data else data["a"]),
            ts_ns=int(data["T"]) * NS_PER_MS,
        )


class CollectorParser:
    """Binance differences as a collector stored them: ``first_update_id``, ``last_update_id``, levels as objects."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book message in a decoded message."""
        data = payload.get("data") if isinstance(payload, dict) else None
        if not isinstance(data, dict) or "first_update_id" not in data:
            return []
        symbol = str(data.get("pair", "")).replace("/", "")
        return [guarded(symbol, lambda: self._message(data, symbol))]

    def _message(self, data: dict[str, Any], symbol: str) -> BookMessage:
        grid = self._grids.of(symbol)
        bids = levels([(row["price"], row["quantity"]) for row in data["bids"]], grid)
        asks = levels([(row["price"], row["quantity"]) for row in data["asks"]], grid)
        first_id, last_id = int(data["first_update_id"]), int(data["last_update_id"])
        ts_ns = int(data["timestamp"]) * NS_PER_MS
        if data.get("is_snapshot"):
            return BookSnapshot(symbol, bids, asks, last_id, ts_ns)
        return BookDifference(symbol, bids, asks, first_id, last_id, ts_ns=ts_ns)
