"""Streams as each exchange would write them, from a book that the test keeps: the other end of the parsers.

A :class:`VenueStream` numbers and prints messages by its exchange's documents, with its own slow checksum, and shares
no code with the parsers. Prices and quantities are given as decimal text.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bot4.adapters.exchanges.order_books.dialects import DIALECTS
from bot4.adapters.exchanges.order_books.fields import decoded
from bot4.adapters.exchanges.order_books.grid import Grids, PriceGrid
from bot4.adapters.exchanges.order_books.messages import BookMessage, Connected, Malformed
from bot4.adapters.exchanges.order_books.sequence import BookSequence, SequenceSettings, Step

Rows = Sequence[tuple[str, str]]
FIRST_MS = 1_735_689_600_000
OPENING_BIDS: Rows = (("99.5", "2"), ("99.4", "1.5"), ("99.1", "7"))
OPENING_ASKS: Rows = (("100.5", "3"), ("100.6", "0.25"), ("101", "4"))


class VenueStream:
    """Writes one exchange's messages about one symbol.

    Attributes:
        name: of the dialect.
        symbol: in the exchange's spelling.
        asks_by_rest: whether the snapshot is an answer by REST.
        has_checksum, tells_gaps, has_numbers: what the exchange lets its subscribers find out.
    """

    name = ""
    symbol = ""
    asks_by_rest = False
    has_checksum = False
    tells_gaps = False
    has_numbers = True
    has_best_prices = False
    context = ""

    def __init__(self, symbol: str | None = None) -> None:
        if symbol is not None:
            self.symbol = symbol
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.number = 1_000
        self.previous = 1_000
        self.ms = FIRST_MS

    # What a test calls

    def snapshot(self, bids: Rows | None = None, asks: Rows | None = None) -> str:
        """The whole book: as it stands, or as given from now on."""
        if bids is not None:
            self.bids, self.asks = dict(bids), dict(asks or ())
        return self.written_snapshot(ordered(self.bids, True), ordered(self.asks, False))

    def difference(self, bids: Rows = (), asks: Rows = ()) -> str:
        """A change of the book, with the numbers that follow."""
        for side, rows in ((self.bids, bids), (self.asks, asks)):
            for price, quantity in rows:
                same = next((known for known in side if Decimal(known) == Decimal(price)), None)
                if same is not None:
                    del side[same]
                if Decimal(quantity) != 0:
                    side[price] = quantity
        self.ms += 100
        self.previous = self.number
        self.number += self.step
        return self.written_difference(bids, asks)

    step = 3

    # What an exchange defines

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        raise NotImplementedError

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        raise NotImplementedError

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        raise NotImplementedError

    def other(self) -> str:
        """A message of the same socket that speaks of no book."""
        return json.dumps({"result": None, "id": 1})


def ordered(side: dict[str, str], is_bid: bool) -> list[tuple[str, str]]:
    """Best first."""
    return sorted(side.items(), key=lambda row: Decimal(row[0]), reverse=is_bid)


class BinanceSpot(VenueStream):
    name, symbol, asks_by_rest, tells_gaps, has_best_prices = "binance-spot", "BTCUSDT", True, True, True

    @property
    def context(self) -> str:
        return f"https://api.binance.com/api/v3/depth?symbol={self.symbol}&limit=1000"

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return json.dumps({"lastUpdateId": self.number, "bids": bids, "asks": asks})

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        return self.in_stream("depth@100ms", self.difference_fields() | {"b": bids, "a": asks})

    def difference_fields(self) -> dict[str, Any]:
        return {"e": "depthUpdate", "E": self.ms, "s": self.symbol, "U": self.previous + 1, "u": self.number}

    def best(self) -> str:
        (bid, bid_size), (ask, ask_size) = ordered(self.bids, True)[0], ordered(self.asks, False)[0]
        fields = {"u": self.number, "s": self.symbol, "b": bid, "B": bid_size, "a": ask, "A": ask_size}
        return self.in_stream("bookTicker", fields)

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        fields = {"e": "trade", "E": self.ms, "s": self.symbol, "t": 7, "p": price, "q": quantity, "T": self.ms}
        return self.in_stream("trade", fields | {"m": not is_buyer_taker, "M": True})

    def in_stream(self, stream: str, data: dict[str, Any]) -> str:
        return json.dumps({"stream": f"{self.symbol.lower()}@{stream}", "data": data})


class BinanceUsdm(BinanceSpot):
    name = "binance-usdm"

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        answer = {"lastUpdateId": self.number, "E": self.ms, "T": self.ms, "bids": bids, "asks": asks}
        return json.dumps(answer)

    def difference_fields(self) -> dict[str, Any]:
        jump = {"U": self.previous + 2, "pu": self.previous, "T": self.ms}  # ids are shared by all symbols: they jump
        return super().difference_fields() | jump


class BinanceCollected(VenueStream):
    name, symbol, asks_by_rest, tells_gaps = "binance-collected", "ETHUSDT", True, True

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return self.collected(bids, asks, 0, True)

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        return self.collected(bids, asks, self.previous + 1, False)

    def collected(self, bids: Rows, asks: Rows, first: int, is_snapshot: bool) -> str:
        sides = {
            name: [{"price": price, "quantity": quantity} for price, quantity in rows]
            for name, rows in (("bids", bids), ("asks", asks))
        }
        pair = f"{self.symbol[:-4]}/{self.symbol[-4:]}"
        data = {"exchange": "binance-spot", "pair": pair, "timestamp": self.ms, "first_update_id": first}
        data |= {"last_update_id": self.number, "is_snapshot": is_snapshot, **sides}
        return json.dumps({"collector_id": "c", "received_at": self.ms + 40, "data": data})


class Bybit(VenueStream):
    name, symbol, tells_gaps, step = "bybit", "XRPUSDT", True, 1

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return self.book("snapshot", bids, asks)

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        return self.book("delta", bids, asks)

    def book(self, kind: str, bids: Rows, asks: Rows) -> str:
        data = {"s": self.symbol, "b": bids, "a": asks, "u": self.number, "seq": 10 * self.number}
        return json.dumps({"topic": f"orderbook.500.{self.symbol}", "type": kind, "ts": self.ms, "data": data})

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        side = "Buy" if is_buyer_taker else "Sell"
        row = {"T": self.ms, "s": self.symbol, "S": side, "v": quantity, "p": price, "i": "a-7"}
        return json.dumps({"topic": f"publicTrade.{self.symbol}", "type": "snapshot", "ts": self.ms, "data": [row]})


class OldBybit(VenueStream):
    name, symbol = "bybit-v2", "BTCUSD"

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return self.book(
            {"type": "snapshot", "data": [self.row(*r, "Buy") for r in bids] + [self.row(*r, "Sell") for r in asks]}
        )

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        rows = [self.row(*r, "Buy") for r in bids] + [self.row(*r, "Sell") for r in asks]
        data = {
            "delete": [{k: v for k, v in row.items() if k != "size"} for row in rows if Decimal(row["size"]) == 0],
            "update": [row for row in rows if Decimal(row["size"]) != 0],
            "insert": [],
        }
        return self.book({"type": "delta", "data": data})

    def row(self, price: str, quantity: str, side: str) -> dict[str, Any]:
        return {
            "price": price,
            "symbol": self.symbol,
            "id": int(Decimal(price) * 10_000),
            "side": side,
            "size": quantity,
        }

    def book(self, fields: dict[str, Any]) -> str:
        numbers = {"cross_seq": str(self.number), "timestamp_e6": str(1000 * self.ms)}
        return json.dumps({"topic": f"orderBookL2_25.{self.symbol}", **fields, **numbers})

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        side = "Buy" if is_buyer_taker else "Sell"
        row = {"trade_time_ms": self.ms, "symbol": self.symbol, "side": side, "size": quantity, "price": price}
        return json.dumps({"topic": f"trade.{self.symbol}", "data": [row | {"trade_id": "a-7"}]})


class Kraken(VenueStream):
    name, symbol, has_checksum, has_numbers = "kraken", "XBT/USD", True, False

    def printed(self, rows: Rows) -> list[list[str]]:
        return [[f"{Decimal(p):.10f}", f"{Decimal(q):.8f}", f"{self.ms / 1000:.6f}"] for p, q in rows]

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return json.dumps([336, {"as": self.printed(asks), "bs": self.printed(bids)}, "book-10", self.symbol])

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        parts: list[dict[str, Any]] = [{k: self.printed(rows)} for k, rows in (("a", asks), ("b", bids)) if rows]
        parts[-1]["c"] = str(self.checksum())
        return json.dumps([336, *parts, "book-10", self.symbol])

    def checksum(self) -> int:
        text = ""
        for rows in (ordered(self.asks, False), ordered(self.bids, True)):
            for price, quantity, _ in self.printed(rows[:10]):
                text += str(int(price.replace(".", ""))) + str(int(quantity.replace(".", "")))
        return zlib.crc32(text.encode())

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        row = [price, quantity, f"{self.ms / 1000:.6f}", "b" if is_buyer_taker else "s", "l", ""]
        return json.dumps([337, [row], "trade", self.symbol])

    def other(self) -> str:
        return json.dumps({"event": "heartbeat"})


class Coinbase(VenueStream):
    name, symbol = "coinbase", "BTC-USD"

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return json.dumps({"type": "snapshot", "product_id": self.symbol, "bids": bids, "asks": asks})

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        changes = [["buy", *row] for row in bids] + [["sell", *row] for row in asks]
        return json.dumps({"type": "l2update", "product_id": self.symbol, "changes": changes, "time": self.time()})

    def time(self) -> str:
        seconds, ms = divmod(self.ms - FIRST_MS, 1000)
        return f"2025-01-01T00:{seconds // 60:02}:{seconds % 60:02}.{ms:03}000Z"

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        fields = {"type": "match", "trade_id": 7, "side": "sell" if is_buyer_taker else "buy", "size": quantity}
        return json.dumps(fields | {"price": price, "product_id": self.symbol, "time": self.time()})

    def other(self) -> str:
        return json.dumps({"type": "heartbeat", "sequence": 9, "product_id": self.symbol, "time": self.time()})


class Okx(VenueStream):
    name, symbol, has_checksum, tells_gaps = "okx", "BTC-USDT", True, True

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return self.book("snapshot", bids, asks, -1)

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        return self.book("update", bids, asks, self.previous)

    def book(self, action: str, bids: Rows, asks: Rows, previous: int) -> str:
        sides = {name: [[p, q, "0", "1"] for p, q in rows] for name, rows in (("asks", asks), ("bids", bids))}
        numbers = {"ts": str(self.ms), "checksum": self.checksum(), "seqId": self.number, "prevSeqId": previous}
        arg = {"channel": "books", "instId": self.symbol}
        return json.dumps({"arg": arg, "action": action, "data": [{**sides, **numbers}]})

    def checksum(self) -> int:
        pairs = itertools.zip_longest(ordered(self.bids, True)[:25], ordered(self.asks, False)[:25])
        crc = zlib.crc32(":".join(":".join(level) for pair in pairs for level in pair if level is not None).encode())
        return crc if crc < 2**31 else crc - 2**32

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        row = {"instId": self.symbol, "tradeId": "7", "px": price, "sz": quantity, "ts": str(self.ms)}
        row["side"] = "buy" if is_buyer_taker else "sell"
        return json.dumps({"arg": {"channel": "trades", "instId": self.symbol}, "data": [row]})


class Bitfinex(VenueStream):
    name, symbol, has_checksum, has_numbers = "bitfinex", "tBTCUSD", True, False

    def opening(self) -> list[str]:
        book = {
            "event": "subscribed",
            "channel": "book",
            "chanId": 17,
            "symbol": self.symbol,
            "prec": "P0",
            "len": "25",
        }
        trades = {"event": "subscribed", "channel": "trades", "chanId": 18, "symbol": self.symbol}
        return [json.dumps(book), json.dumps(trades)]

    def entry(self, price: str, quantity: str, is_bid: bool) -> str:
        sign = "" if is_bid else "-"
        is_gone = Decimal(quantity) == 0
        return f"[{price},{0 if is_gone else 2},{sign}{'1' if is_gone else quantity}]"

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        rows = [self.entry(*row, True) for row in bids] + [self.entry(*row, False) for row in asks]
        return f"[17,[{','.join(rows)}]]"

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        rows = [self.entry(*row, True) for row in bids] + [self.entry(*row, False) for row in asks]
        return "\n".join([*(f"[17,{row}]" for row in rows), f'[17,"cs",{self.checksum()}]'])

    def checksum(self) -> int:
        parts = []
        for bid, ask in itertools.zip_longest(ordered(self.bids, True)[:25], ordered(self.asks, False)[:25]):
            parts += list(bid) if bid else []
            parts += [ask[0], f"-{ask[1]}"] if ask else []
        crc = zlib.crc32(":".join(parts).encode())
        return crc if crc < 2**31 else crc - 2**32

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        return f'[18,"te",[7,{self.ms},{"" if is_buyer_taker else "-"}{quantity},{price}]]'

    def other(self) -> str:
        return '[17,"hb"]'


class Bitstamp(VenueStream):
    name, symbol, asks_by_rest = "bitstamp", "btcusd", True

    @property
    def context(self) -> str:
        return f"https://www.bitstamp.net/api/v2/order_book/{self.symbol}"

    def times(self) -> dict[str, str]:
        return {"timestamp": str(self.ms // 1000), "microtimestamp": str(1000 * FIRST_MS + self.number)}

    def written_snapshot(self, bids: Rows, asks: Rows) -> str:
        return json.dumps({**self.times(), "bids": bids, "asks": asks})

    def written_difference(self, bids: Rows, asks: Rows) -> str:
        data = {**self.times(), "bids": bids, "asks": asks}
        return json.dumps({"data": data, "channel": f"diff_order_book_{self.symbol}", "event": "data"})

    def trade(self, price: str, quantity: str, *, is_buyer_taker: bool) -> str:
        data = {"id": 7, "amount_str": quantity, "price_str": price, "type": 0 if is_buyer_taker else 1, **self.times()}
        return json.dumps({"data": data, "channel": f"live_trades_{self.symbol}", "event": "trade"})


STREAMS: tuple[type[VenueStream], ...] = (
    BinanceSpot, BinanceUsdm, BinanceCollected, Bybit, OldBybit, Kraken, Coinbase, Okx, Bitfinex, Bitstamp,
)  # fmt: skip


class Listener:
    """The reading end: one venue's parser and one symbol's sequence.

    Args:
        stream: whose messages come; its ``context`` tells where REST answers are from.
        grid: ticks and lots, for tests that mean them.
        held: patience of the sequence.
    """

    def __init__(self, stream: VenueStream, grid: PriceGrid | None = None, held: int = 0) -> None:
        self.stream = stream
        self.grids = Grids(default=grid)
        self.grid = self.grids.of(stream.symbol)
        dialect = DIALECTS[stream.name]
        self.parser = dialect.parser(self.grids)
        self.sequence = BookSequence(dialect.rule, dialect.checksum, SequenceSettings(held=held))
        self.now_ns = 0
        for line in stream.opening() if isinstance(stream, Bitfinex) else ():
            self.messages(line)

    def messages(self, text: str) -> list[BookMessage]:
        """What a recorded text says; a test's message may be several of the exchange's, one a line."""
        context = self.stream.context if '"lastUpdateId"' in text or '"event"' not in text else ""
        return [message for line in text.split("\n") for message in self.parser.parse(decoded(line), context)]

    def hear(self, text: str) -> Step:
        """Feed a text into the sequence; the last step."""
        self.now_ns += 1_000_000
        messages = self.messages(text)
        assert messages, text
        steps = [self.sequence.on_message(message, self.now_ns) for message in messages]
        return next((step for step in steps if step.resync is not None), steps[-1])

    def reconnect(self) -> Step:
        return self.sequence.on_message(Connected(), self.now_ns)

    def hear_garbage(self) -> Step:
        return self.sequence.on_message(Malformed(self.stream.symbol, "no JSON"), self.now_ns)

    def begin(self) -> None:
        """The opening snapshot."""
        self.hear(self.stream.snapshot(OPENING_BIDS, OPENING_ASKS))

    def book(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        """Bids and asks as decimals."""
        book = self.sequence.book
        return tuple(  # type: ignore[return-value]
            {self.grid.price(t): self.grid.quantity(q) for t, q in side.levels.items()}
            for side in (book.bids, book.asks)
        )

    def expected(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        """What the writing end has."""
        return tuple(  # type: ignore[return-value]
            {Decimal(p): Decimal(q) for p, q in side.items()} for side in (self.stream.bids, self.stream.asks)
        )

    @property
    def is_in_step(self) -> bool:
        return self.sequence.state.value == "in_step"
