"""Bybit: the version 5 order book and trades, and the ``orderBookL2_25`` channel before it.

Source: bybit-exchange.github.io/docs/v5/websocket/public/orderbook. The historical ``ob500`` files have its form.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bot4.adapters.exchanges.order_books.fields import (
    NS_PER_MS,
    NS_PER_US,
    guarded,
    levels,
    never_raising,
    one_price,
    one_quantity,
)
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import BookDifference, BookMessage, BookSnapshot, MarketTrade


class BybitParser:
    """Messages of the version 5 public stream."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message."""
        topic = payload.get("topic", "") if isinstance(payload, dict) else ""
        symbol = topic.rpartition(".")[2]
        if topic.startswith("orderbook."):
            return [guarded(symbol, lambda: self._book(payload, symbol))]
        if topic.startswith("publicTrade."):
            return [
                guarded(symbol, partial(self._trade, row, symbol), is_of_book=False) for row in payload.get("data", ())
            ]
        return []

    def _book(self, payload: dict[str, Any], symbol: str) -> BookMessage:
        data, grid = payload["data"], self._grids.of(symbol)
        bids, asks = levels(data["b"], grid), levels(data["a"], grid)
        ts_ns = int(payload["ts"]) * NS_PER_MS
        last_id = int(data["u"])
        if payload["type"] == "snapshot" or last_id == 1:  # the service was restarted: its book begins anew
            depth = int(payload["topic"].split(".")[1])
            return BookSnapshot(symbol, bids, asks, last_id, ts_ns, depth, is_from_stream=True)
        return BookDifference(symbol, bids, asks, last_id=last_id, ts_ns=ts_ns)

    def _trade(self, row: dict[str, Any], symbol: str) -> MarketTrade:
        grid = self._grids.of(symbol)
        return MarketTrade(
            symbol,
            one_price(row["p"], grid),
            one_quantity(row["v"], grid),
            aggressor=1 if row["S"] == "Buy" else -1,
            trade_id=str(row["i"]),
            ts_ns=int(row["T"]) * NS_PER_MS,
        )


class OldBybitParser:
    """Messages of the streams before version 5: ``orderBookL2_25.SYMBOL`` with delete, update and insert."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message."""
        topic = payload.get("topic", "") if isinstance(payload, dict) else ""
        symbol = topic.rpartition(".")[2]
        if topic.startswith("orderBookL2_25."):
            return [guarded(symbol, lambda: self._book(payload, symbol))]
        if topic.startswith("trade."):
            return [
                guarded(symbol, partial(self._trade, row, symbol), is_of_book=False) for row in payload.get("data", ())
            ]
        return []

    def _book(self, payload: dict[str, Any], symbol: str) -> BookMessage:
        data = payload["data"]
        number, ts_ns = int(payload["cross_seq"]), int(payload["timestamp_e6"]) * NS_PER_US
        if payload["type"] == "snapshot":
            rows = data["order_book"] if isinstance(data, dict) else data
            bids, asks = self._sides(rows, symbol)
            return BookSnapshot(symbol, bids, asks, number, ts_ns, is_from_stream=True)
        rows = [{**row, "size": 0} for row in data["delete"]] + data["update"] + data["insert"]
        bids, asks = self._sides(rows, symbol)
        return BookDifference(symbol, bids, asks, last_id=number, ts_ns=ts_ns)

    def _sides(self, rows: list[dict[str, Any]], symbol: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        grid = self._grids.of(symbol)
        bids = [(row["price"], row["size"]) for row in rows if row["side"] == "Buy"]
        asks = [(row["price"], row["size"]) for row in rows if row["side"] == "Sell"]
        return levels(bids, grid), levels(asks, grid)

    def _trade(self, row: dict[str, Any], symbol: str) -> MarketTrade:
        grid = self._grids.of(symbol)
        return MarketTrade(
            symbol,
            one_price(row["price"], grid),
            one_quantity(row["size"], grid),
            aggressor=1 if row["side"] == "Buy" else -1,
            trade_id=str(row["trade_id"]),
            ts_ns=int(row["trade_time_ms"]) * NS_PER_MS,
        )
