"""The streams that are understood: for each its parser, its numbering and its checksum.

To add a venue, write a parser and add its :class:`Dialect` to :data:`DIALECTS`; ``tests/contract`` then asks it the
questions that every stream is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from bot4.adapters.exchanges.order_books.binance import BinanceParser, CollectorParser
from bot4.adapters.exchanges.order_books.bitfinex import BitfinexParser
from bot4.adapters.exchanges.order_books.bitstamp import ACTIONS, BitstampParser
from bot4.adapters.exchanges.order_books.bybit import BybitParser, OldBybitParser
from bot4.adapters.exchanges.order_books.checksums import (
    Checksum,
    bitfinex_checksum,
    kraken_checksum,
    okx_checksum,
)
from bot4.adapters.exchanges.order_books.coinbase import CoinbaseParser
from bot4.adapters.exchanges.order_books.grid import Grids, PriceGrid
from bot4.adapters.exchanges.order_books.kraken import KrakenParser
from bot4.adapters.exchanges.order_books.messages import BookMessage
from bot4.adapters.exchanges.order_books.okx import OkxParser
from bot4.adapters.exchanges.order_books.sequence_rules import (
    ChainedIfNumbered,
    ChainedRanges,
    ConsecutiveIds,
    OverlappingRanges,
    RisingIds,
    SequenceRule,
    Unnumbered,
)
from bot4.domain.errors import UsageError


class StreamParser(Protocol):
    """From one decoded message to what it says of books."""

    def parse(self, payload: Any, context: str = "") -> list[BookMessage]:
        """The book messages in it, none where it speaks of something else. Never raises for its content."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """One exchange's stream.

    Attributes:
        name: ``binance-usdm``.
        parser: makes its parser.
        rule: how it numbers.
        checksum: how it computes its checksum; None where it sends none.
        has_orders: whether it speaks of single orders (level 3).
        grid: tick and lot to read it with where none are given; None for a fixed point that holds everything. A
            price-time book is indexed by price and needs true ticks.
    """

    name: str
    parser: Callable[[Grids], StreamParser]
    rule: SequenceRule
    checksum: Checksum | None = None
    has_orders: bool = False
    grid: PriceGrid | None = None


_BITSTAMP_GRID = PriceGrid(Decimal("0.01"), Decimal("0.00000001"))

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("binance-spot", BinanceParser, OverlappingRanges()),
        Dialect("binance-usdm", BinanceParser, ChainedRanges()),
        Dialect("binance-collected", CollectorParser, OverlappingRanges()),
        Dialect("bybit", BybitParser, ConsecutiveIds()),
        Dialect("bybit-v2", OldBybitParser, RisingIds(has_stream_snapshots=True)),
        Dialect("kraken", KrakenParser, Unnumbered(), kraken_checksum),
        Dialect("coinbase", CoinbaseParser, RisingIds(has_stream_snapshots=True, may_repeat=True)),
        Dialect("okx", OkxParser, ChainedIfNumbered(), okx_checksum),
        Dialect("bitfinex", BitfinexParser, Unnumbered(), bitfinex_checksum),
        Dialect("bitstamp", BitstampParser, RisingIds()),
        Dialect("bitstamp-orders", BitstampParser, Unnumbered(), has_orders=True, grid=_BITSTAMP_GRID),
    )
}


def dialect_named(name: str) -> Dialect:
    """The dialect of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in DIALECTS:
        raise UsageError(f"no stream {name!r}", where="--venue", remedy=f"give one of {', '.join(DIALECTS)}")
    return DIALECTS[name]


def recognised(payload: Any, context: str = "") -> Dialect | None:
    """The dialect that a decoded message is surely of, or None where it could be several's."""
    name = _of_event(context) or (_of_list(payload) if isinstance(payload, list) else None)
    if name is None and isinstance(payload, dict):
        name = _of_binance(payload) or _of_topic(payload) or _of_object(payload)
    return DIALECTS[name] if name is not None else None


def _of_event(context: str) -> str | None:
    return "bitstamp-orders" if context in ACTIONS else None


def _of_list(payload: list[Any]) -> str | None:
    if len(payload) >= 4 and isinstance(payload[-2], str) and isinstance(payload[-1], str):
        is_kraken = payload[-2].startswith("book-") or payload[-2] in ("trade", "ticker")
        return "kraken" if is_kraken else None
    return None


def _of_binance(payload: dict[str, Any]) -> str | None:
    data = payload.get("data", payload)
    if not isinstance(data, dict):
        return None
    if "first_update_id" in data and "last_update_id" in data:
        return "binance-collected"
    if data.get("e") == "depthUpdate":
        return "binance-usdm" if "pu" in data else "binance-spot"
    return None


def _of_topic(payload: dict[str, Any]) -> str | None:
    topic = payload.get("topic")
    if not isinstance(topic, str):
        return None
    if topic.startswith(("orderbook.", "publicTrade.")):
        return "bybit"
    return "bybit-v2" if topic.startswith("orderBookL2_25.") else None


def _of_object(payload: dict[str, Any]) -> str | None:
    if payload.get("type") in ("snapshot", "l2update") and "product_id" in payload:
        return "coinbase"
    if isinstance(payload.get("arg"), dict) and "instId" in payload["arg"]:
        return "okx"
    if payload.get("event") == "subscribed" and "chanId" in payload:
        return "bitfinex"
    channel = payload.get("channel")
    if isinstance(channel, str):
        if channel.startswith("live_orders_"):
            return "bitstamp-orders"
        return "bitstamp" if channel.startswith("diff_order_book_") else None
    return None
