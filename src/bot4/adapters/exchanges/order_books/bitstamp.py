"""Bitstamp: the level-2 difference channel with its REST snapshot, trades, and the level-3 order channel.

Source: www.bitstamp.net/websocket/v2. The level-3 events are also read in the form that its first socket had, where
prices of trades are floats: such a float is rounded to the grid only if it is that grid's nearest float.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from bot4.adapters.exchanges.order_books.fields import (
    NS_PER_US,
    guarded,
    levels,
    never_raising,
    one_price,
    one_quantity,
)
from bot4.adapters.exchanges.order_books.grid import Grids, OffGrid
from bot4.adapters.exchanges.order_books.messages import (
    BookDifference,
    BookMessage,
    BookSnapshot,
    MarketTrade,
    OrderChange,
)
from bot4.domain.events import BOOK_ADD, BOOK_REMOVE, BOOK_SET

_SYMBOL_OF_URL = re.compile(r"/order_book/([a-z0-9]+)")
ACTIONS = {"order_created": BOOK_ADD, "order_changed": BOOK_SET, "order_deleted": BOOK_REMOVE}


class BitstampParser:
    """Messages of ``diff_order_book_*``, ``live_trades_*`` and ``live_orders_*``, and answers of ``order_book``."""

    def __init__(self, grids: Grids) -> None:
        self._grids = grids

    @never_raising
    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in a decoded message; ``context`` is the address of a REST answer, or the event's name."""
        if not isinstance(payload, dict):
            return []
        url = _SYMBOL_OF_URL.search(context)
        if url is not None and "bids" in payload:
            return [guarded(url[1], lambda: self._snapshot(payload, url[1]))]
        if context in ACTIONS or context == "trade":
            return self._first_form(payload, context)
        data = payload.get("data")
        channel, _, symbol = str(payload.get("channel", "")).rpartition("_")
        event = payload.get("event")
        if not isinstance(data, dict):
            return []
        if channel == "diff_order_book" and event == "data":
            return [guarded(symbol, lambda: self._difference(data, symbol))]
        if channel == "live_trades" and event == "trade":
            return [guarded(symbol, lambda: self._trade(data, symbol), is_of_book=False)]
        if channel == "live_orders" and event in ACTIONS:
            ts_ns = int(str(data.get("microtimestamp", 0))) * NS_PER_US
            return [guarded(symbol, lambda: self._order(data, str(event), symbol, ts_ns))]
        return []

    def _snapshot(self, data: dict[str, Any], symbol: str) -> BookSnapshot:
        grid, number = self._grids.of(symbol), int(data["microtimestamp"])
        return BookSnapshot(symbol, levels(data["bids"], grid), levels(data["asks"], grid), number, number * NS_PER_US)

    def _difference(self, data: dict[str, Any], symbol: str) -> BookDifference:
        grid, number = self._grids.of(symbol), int(data["microtimestamp"])
        return BookDifference(
            symbol, levels(data["bids"], grid), levels(data["asks"], grid), last_id=number, ts_ns=number * NS_PER_US
        )

    def _trade(self, data: dict[str, Any], symbol: str) -> MarketTrade:
        grid = self._grids.of(symbol)
        return MarketTrade(
            symbol,
            one_price(data["price_str"], grid),
            one_quantity(data["amount_str"], grid),
            aggressor=1 if data["type"] == 0 else -1,
            trade_id=str(data["id"]),
            ts_ns=int(data["microtimestamp"]) * NS_PER_US,
        )

    def _order(self, data: dict[str, Any], event: str, symbol: str, ts_ns: int) -> OrderChange:
        grid = self._grids.of(symbol)
        return OrderChange(
            symbol,
            ACTIONS[event],
            int(data["id"]),
            side=1 if data["order_type"] == 0 else -1,
            price_ticks=one_price(data.get("price_str", data["price"]), grid),
            lots=one_quantity(data.get("amount_str", data["amount"]), grid),
            ts_ns=ts_ns,
        )

    def _first_form(self, data: dict[str, Any], event: str) -> list[BookMessage]:
        """Events of the first socket: no symbol, no exchange time finer than a second, trades printed as floats."""
        if event != "trade":
            return [guarded("", lambda: self._order(data, event, "", 0))]
        grid = self._grids.of("")
        return [
            guarded(
                "",
                lambda: MarketTrade(
                    "",
                    one_price(_of_float(data["price"], grid.tick), grid),
                    one_quantity(_of_float(data["amount"], grid.lot), grid),
                    aggressor=0,
                    trade_id=str(data["id"]),
                ),
            )
        ]


def _of_float(text: str | int, step: Decimal) -> str:
    """The multiple of ``step`` whose float was printed as ``text``: ``236.56999999999999`` is 236.57.

    Raises:
        OffGrid: no multiple has that float.
    """
    nearest = (Decimal(str(text)) / step).to_integral_value() * step
    if float(nearest) != float(text):
        raise OffGrid(f"{text} is the float of no multiple of {step}")
    return f"{nearest:f}"
