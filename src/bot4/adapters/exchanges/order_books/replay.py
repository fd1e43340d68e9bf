"""A recorded level-2 stream replayed: every symbol's book rebuilt and held against the exchange's own best prices.

The replay is fed one recorded message at a time; :class:`BookListener` sees what goes into a book and every trade.
Symbols are the exchange's own. A message that names none (an answer by REST) goes to the only symbol of the stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot4.adapters.exchanges.order_books.dialects import Dialect, StreamParser, recognised
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import (
    NO_ID,
    BestPrices,
    BookDifference,
    BookMessage,
    BookSnapshot,
    Connected,
    Malformed,
    MarketTrade,
    OrderChange,
)
from bot4.adapters.exchanges.order_books.recordings import RecordedMessage
from bot4.adapters.exchanges.order_books.sequence import (
    AT_ONCE,
    AppliedUpdate,
    BookSequence,
    BookState,
    Outcome,
    SequenceSettings,
    Step,
)
from bot4.domain.errors import DataError

_REMEMBERED = 65_536
_NOTED = 1_000
_QUIET = {Outcome.APPLIED, Outcome.BUFFERED, Outcome.IN_SNAPSHOT, Outcome.HELD}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was not as it should be, and where."""

    line: int
    symbol: str
    outcome: Outcome
    detail: str


class BookListener(Protocol):
    """Who wants to see what a replay does."""

    def before_message(self, ts_local_ns: int) -> None:
        """A message received at this time comes next; the books still stand as they did until then."""
        ...

    def on_update(self, symbol: str, update: AppliedUpdate, sequence: BookSequence, ts_local_ns: int) -> None:
        """A snapshot or a difference has gone into the book."""
        ...

    def on_loss(self, symbol: str, ts_local_ns: int) -> None:
        """The book is no longer known."""
        ...

    def on_trade(self, trade: MarketTrade, ts_local_ns: int) -> None:
        """The market traded."""
        ...

    def on_best(self, best: BestPrices, ts_local_ns: int) -> None:
        """The exchange stated its best prices."""
        ...

    def on_order(self, change: OrderChange, ts_local_ns: int) -> None:
        """One order of the market (level 3) has come, changed or gone."""
        ...


@dataclass(slots=True)
class BestPriceCheck:
    """The rebuilt best prices against the exchange's own, at every update that both name.

    Attributes:
        compared, mismatches: of those updates.
        examples: the first mismatches: update, the exchange's, ours.
    """

    compared: int = 0
    mismatches: int = 0
    examples: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = field(default_factory=list)
    _ours: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)
    _theirs: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def rebuilt(self, update: AppliedUpdate) -> None:
        """Our best prices after an update."""
        number = update.message.last_id
        if number == NO_ID or update.bid is None or update.ask is None:
            return
        self._note(number, self._ours, self._theirs, (*update.bid, *update.ask))

    def stated(self, best: BestPrices) -> None:
        """The exchange's own."""
        if best.update_id != NO_ID:
            prices = (best.bid_ticks, best.bid_lots, best.ask_ticks, best.ask_lots)
            self._note(best.update_id, self._theirs, self._ours, prices)

    def _note(
        self, number: int, own: dict[int, tuple[int, ...]], other: dict[int, tuple[int, ...]], prices: tuple[int, ...]
    ) -> None:
        if number in own:  # the same update said twice
            return
        own[number] = prices
        if len(own) > _REMEMBERED:
            del own[next(iter(own))]
        if number in other:
            self.compared += 1
            ours, theirs = self._ours[number], self._theirs[number]
            if ours != theirs:
                self.mismatches += 1
                if len(self.examples) < 10:
                    self.examples.append((number, theirs, ours))


@dataclass(slots=True)
class SymbolBook:
    """One symbol of a replay: its sequence and what was counted beside it."""

    sequence: BookSequence
    check: BestPriceCheck = field(default_factory=BestPriceCheck)
    spreads: Counter[int] = field(default_factory=Counter)  # in ticks, after each update
    trades: int = 0
    best_prices: int = 0
    first_ns: int = 0
    last_ns: int = 0


class BookReplay:
    """Rebuilds the books of one stream.

    Args:
        dialect: whose stream; None to tell it from the messages.
        grids: ticks and lots.
        settings: patience of every sequence.
        listeners: who sees the updates.
        symbols: only these; empty for all.
    """

    def __init__(
        self,
        dialect: Dialect | None,
        grids: Grids,
        settings: SequenceSettings = AT_ONCE,
        listeners: Sequence[BookListener] = (),
        symbols: Iterable[str] = (),
    ) -> None:
        self.dialect = dialect
        self.books: dict[str, SymbolBook] = {}
        self.findings: list[Finding] = []
        self.messages = 0
        self.not_book = 0
        self.orders = 0
        self.malformed_prints = 0
        self._grids = grids
        self._settings = settings
        self._listeners = listeners
        self._symbols = frozenset(symbols)
        self._parser: StreamParser | None = dialect.parser(grids) if dialect is not None else None
        self._undecided: list[RecordedMessage] = []
        self._nameless: list[tuple[BookSnapshot, RecordedMessage]] = []

    def feed(self, recorded: RecordedMessage) -> None:
        """Take one recorded message."""
        self.messages += 1
        for listener in self._listeners:
            listener.before_message(recorded.ts_local_ns)
        if self._parser is None:
            self._undecided.append(recorded)
            self.dialect = recognised(recorded.payload, recorded.context)
            if self.dialect is None:
                return
            self._parser = self.dialect.parser(self._grids)
            for earlier in self._undecided:
                self._take(earlier, self._parser)
            self._undecided.clear()
            return
        self._take(recorded, self._parser)

    def require_books(self, where: str) -> None:
        """Refuse a recording in which no book was found.

        Raises:
            DataError: its messages are of no known stream, or speak of no book.
        """
        if self.dialect is None:
            raise DataError("no message of a known stream", where=where, remedy="say which with --venue")
        if not self.books and not self.orders:
            asked = f" of {', '.join(sorted(self._symbols))}" if self._symbols else ""
            raise DataError(f"no book{asked} in this {self.dialect.name} stream", where=where, remedy="choose another")
        heard = [book.sequence.counters for book in self.books.values()]
        if self.findings and not any(one.snapshots or one.differences or one.buffered for one in heard):
            first = self.findings[0]
            raise DataError(
                f"no message could be used; the first: line {first.line}: {first.detail}",
                where=where,
                remedy="check --tick, --lot and --venue",
            )

    def has_begun(self) -> bool:
        """Whether some book had a snapshot to begin with."""
        return any(book.sequence.counters.snapshots for book in self.books.values())

    def _take(self, recorded: RecordedMessage, parser: StreamParser) -> None:
        if recorded.is_connection:
            self._to_all(Connected(ts_ns=recorded.ts_local_ns), recorded)
        elif recorded.fault:
            if not self.books:
                self.findings.append(Finding(recorded.line, "", Outcome.MALFORMED, recorded.fault))
            self._to_all(Malformed("", recorded.fault), recorded)
        else:
            found = parser.parse(recorded.payload, recorded.context)
            self.not_book += not found
            for message in found:
                self._message(message, recorded)

    def _to_all(self, message: Connected | Malformed, recorded: RecordedMessage) -> None:
        for symbol, book in self.books.items():
            self._step(symbol, book, message, recorded)

    def _message(self, message: BookMessage, recorded: RecordedMessage) -> None:
        if isinstance(message, Malformed) and not message.symbol:
            self._to_all(message, recorded)
            return
        if isinstance(message, BookSnapshot) and not message.symbol and len(self.books) != 1:
            self._without_a_name(message, recorded)
            return
        symbol = message.symbol or self._only_symbol()
        if isinstance(message, Malformed) and not message.is_of_book:
            self.malformed_prints += 1
            self._note(symbol, Step(Outcome.MALFORMED, detail=message.reason), recorded.line)
            return
        if self._symbols and symbol not in self._symbols:
            return
        if isinstance(message, OrderChange):
            self.orders += 1
            for listener in self._listeners:
                listener.on_order(message, recorded.ts_local_ns)
            return
        ts_ns = recorded.ts_local_ns
        if isinstance(message, MarketTrade):
            if symbol in self.books:
                self.books[symbol].trades += 1
            for listener in self._listeners:
                listener.on_trade(message, ts_ns)
            return
        book = self._book(symbol)
        if isinstance(message, BestPrices):
            book.best_prices += 1
            book.check.stated(message)
            for listener in self._listeners:
                listener.on_best(message, ts_ns)
            return
        self._step(symbol, book, message, recorded)

    def _step(
        self,
        symbol: str,
        book: SymbolBook,
        message: BookSnapshot | BookDifference | Connected | Malformed,
        recorded: RecordedMessage,
    ) -> None:
        was_in_step = book.sequence.state is BookState.IN_STEP
        step = book.sequence.on_message(message, recorded.ts_local_ns)
        for update in step.applied:
            book.check.rebuilt(update)
            if update.bid is not None and update.ask is not None:
                book.spreads[update.ask[0] - update.bid[0]] += 1
            for listener in self._listeners:
                listener.on_update(symbol, update, book.sequence, recorded.ts_local_ns)
        if recorded.ts_local_ns:
            book.first_ns = book.first_ns or recorded.ts_local_ns
            book.last_ns = recorded.ts_local_ns
        if book.sequence.state is BookState.WAITING and (was_in_step or step.applied):
            for listener in self._listeners:
                listener.on_loss(symbol, recorded.ts_local_ns)
        self._note(symbol, step, recorded.line)

    def _note(self, symbol: str, step: Step, line: int) -> None:
        is_first_connection = step.outcome is Outcome.RECONNECTED and not step.detail
        if step.outcome not in _QUIET and not is_first_connection and len(self.findings) < _NOTED:
            self.findings.append(Finding(line, symbol, step.outcome, step.detail))

    def _book(self, symbol: str) -> SymbolBook:
        book = self.books.get(symbol)
        if book is None:
            assert self.dialect is not None
            grid = self._grids.of(symbol)
            sequence = BookSequence(self.dialect.rule, self.dialect.checksum, self._settings, grid.price_text)
            book = self.books[symbol] = SymbolBook(sequence)
            nameless, self._nameless = self._nameless, []
            for snapshot, recorded in nameless:
                self._step(symbol, book, snapshot, recorded)
        return book

    def _without_a_name(self, snapshot: BookSnapshot, recorded: RecordedMessage) -> None:
        """An answer by REST that names no symbol waits for the first one, and cannot be placed among several."""
        if self.books:
            detail = "a snapshot that names no symbol, among several"
            self._note("", Step(Outcome.MALFORMED, detail=detail), recorded.line)
        else:
            self._nameless.append((snapshot, recorded))

    def _only_symbol(self) -> str:
        return next(iter(self.books)) if len(self.books) == 1 else ""
