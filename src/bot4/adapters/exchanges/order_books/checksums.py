"""The checksums by which an exchange lets its subscribers find out that their book is not its own."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from bot4.adapters.exchanges.order_books.messages import LevelText
from bot4.adapters.exchanges.order_books.rebuilt_book import BookSide, RebuiltBook

Checksum = Callable[[RebuiltBook], int]
"""From a book to the number that its exchange would send."""

_KRAKEN_LEVELS = 10
_SHARED_LEVELS = 25


def kraken_checksum(book: RebuiltBook) -> int:
    """Kraken: unsigned CRC-32 of the ten best asks, then the ten best bids, digits only, without leading zeros.

    Source: docs.kraken.com, WebSocket API v1, "Book checksum".
    """
    parts = []
    for side in (book.asks, book.bids):
        for price, quantity in _texts(side, _KRAKEN_LEVELS):
            parts.append(price.replace(".", "").lstrip("0"))
            parts.append(quantity.replace(".", "").lstrip("0"))
    return crc32("".join(parts).encode())


def okx_checksum(book: RebuiltBook) -> int:
    """OKX: signed CRC-32 of up to 25 levels, bid and ask in turn, ``price:size`` joined by colons.

    Source: okx.com/docs-v5, "Checksum" of the order book channel.
    """
    return _signed(crc32(":".join(_in_turn(book, "")).encode()))


def bitfinex_checksum(book: RebuiltBook) -> int:
    """Bitfinex: as OKX's, with the amounts of asks negative.

    Source: docs.bitfinex.com, "WebSocket checksum".
    """
    return _signed(crc32(":".join(_in_turn(book, "-")).encode()))


def _in_turn(book: RebuiltBook, ask_sign: str) -> list[str]:
    bids, asks = _texts(book.bids, _SHARED_LEVELS), _texts(book.asks, _SHARED_LEVELS)
    parts: list[str] = []
    for position in range(max(len(bids), len(asks))):
        if position < len(bids):
            parts += bids[position]
        if position < len(asks):
            price, quantity = asks[position]
            parts += (price, ask_sign + quantity)
    return parts


def _texts(side: BookSide, count: int) -> list[LevelText]:
    return [side.texts[ticks] for ticks, _ in side.top(count)]


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value
