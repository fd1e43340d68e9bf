"""A recorded order-book stream replayed for a person: what was found, the book at a moment, depth over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot4.adapters.exchanges.order_books.depth_history import DepthHistory, DepthSampler
from bot4.adapters.exchanges.order_books.dialects import Dialect, dialect_named, recognised
from bot4.adapters.exchanges.order_books.grid import FIXED_POINT, Grids, PriceGrid, decimal_text
from bot4.adapters.exchanges.order_books.messages import BestPrices, Level, MarketTrade, OrderChange
from bot4.adapters.exchanges.order_books.recordings import read_lines, recorded_messages
from bot4.adapters.exchanges.order_books.replay import BookReplay, SymbolBook
from bot4.adapters.exchanges.order_books.sequence import (
    AppliedUpdate,
    BookCounters,
    BookSequence,
    BookState,
    SequenceSettings,
)
from bot4.app.book_orders import Level3Outcome, replay_order_recording
from bot4.domain.errors import DataError, UsageError
from bot4.kernel import WarmUpStep

_TELL_EVERY = 500
_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What is to be replayed.

    Attributes:
        path: the recording.
        venue: name of a stream (see ``dialects.py``); None to tell it from the messages.
        symbols: only these, in the exchange's spelling; empty for all.
        tick, lot: the grid that prices and quantities must be on; None for a fixed point that holds them all.
        at_ns: show the book as it stood at this time of receipt.
        held: messages that may be ahead before a gap is declared.
        with_history: keep what the picture needs.
        with_opening: of a level-3 stream, put the orders that stood before the recording into the book.
    """

    path: Path
    venue: str | None = None
    symbols: tuple[str, ...] = ()
    tick: Decimal | None = None
    lot: Decimal | None = None
    at_ns: int | None = None
    held: int = 0
    with_history: bool = False
    with_opening: bool = True


@dataclass(frozen=True, slots=True)
class BookAt:
    """The best levels of one symbol at one time, best first."""

    symbol: str
    ts_local_ns: int
    ts_ns: int
    bids: Sequence[Level]
    asks: Sequence[Level]


@dataclass(slots=True)
class ReplayOutcome:
    """What a replay found.

    Attributes:
        replay: with the books as they stood at the end.
        grids: of its prices and quantities.
        is_partial: no snapshot was in the recording, so that the books began with the first differences.
        history: for the picture, where asked for.
        at: the books at the asked time, by symbol.
        has_times: whether the recording says when its messages were received.
    """

    replay: BookReplay
    grids: Grids
    is_partial: bool
    history: DepthHistory | None
    at: list[BookAt] = field(default_factory=list)
    has_times: bool = True


class _BooksAt:
    """Keeps the books as they stood at one time of receipt; a listener."""

    def __init__(self, at_ns: int) -> None:
        self._at_ns = at_ns
        self._sequences: dict[str, BookSequence] = {}
        self.found: list[BookAt] | None = None

    def before_message(self, ts_local_ns: int) -> None:
        if self.found is None and ts_local_ns > self._at_ns:
            self.keep()

    def keep(self) -> None:
        """The books as they stand now."""
        self.found = [
            BookAt(symbol, self._at_ns, sequence.ts_ns, sequence.book.bids.top(10), sequence.book.asks.top(10))
            for symbol, sequence in self._sequences.items()
            if sequence.state is BookState.IN_STEP
        ]

    def on_update(self, symbol: str, update: AppliedUpdate, sequence: BookSequence, ts_local_ns: int) -> None:
        self._sequences[symbol] = sequence

    def on_loss(self, symbol: str, ts_local_ns: int) -> None:
        pass

    def on_trade(self, trade: MarketTrade, ts_local_ns: int) -> None:
        pass

    def on_best(self, best: BestPrices, ts_local_ns: int) -> None:
        pass

    def on_order(self, change: OrderChange, ts_local_ns: int) -> None:
        pass


def grids_of(request: ReplayRequest, dialect: Dialect | None) -> Grids:
    """The grid that every symbol of the recording is read with.

    Raises:
        SettingError: a tick or lot that is not above zero.
    """
    own = dialect.grid if dialect is not None else None
    tick, lot = (own.tick, own.lot) if own is not None else FIXED_POINT
    return Grids(default=PriceGrid(request.tick or tick, request.lot or lot))


def replay_recording(
    request: ReplayRequest,
    advance: Callable[[int, int], None],
    compiling: Callable[[WarmUpStep], None] | None = None,
) -> ReplayOutcome | Level3Outcome:
    """Replay a recording; a level-2 stream without any snapshot is replayed once more from its first differences.

    Args:
        request: what to replay.
        advance: told the messages done and their number.
        compiling: told each kernel that is compiled for a level-3 replay.

    Raises:
        StorageError, DataError: the file cannot be read, or holds no book.
        UsageError: an unknown venue, or a time outside the recording.
    """
    lines = read_lines(request.path)
    dialect = dialect_named(request.venue) if request.venue is not None else _dialect_of(lines)
    if dialect is not None and dialect.has_orders:
        if request.at_ns is not None:
            _require_within(request, *_times(lines))
        return replay_order_recording(
            request.path,
            lines,
            dialect,
            grids_of(request, dialect),
            advance,
            compiling=compiling,
            at_ns=request.at_ns,
            with_opening=request.with_opening,
            with_history=request.with_history,
        )
    outcome = _replayed(request, lines, dialect, SequenceSettings(held=request.held), advance)
    outcome.replay.require_books(str(request.path))
    if not outcome.replay.has_begun() and _has_waiting(outcome.replay):
        settings = SequenceSettings(held=request.held, is_partial=True)
        outcome = _replayed(request, lines, outcome.replay.dialect, settings, advance)
    return outcome


def _dialect_of(lines: list[str]) -> Dialect | None:
    found = (recognised(message.payload, message.context) for message in recorded_messages(lines[:_LOOKED_AT]))
    return next((dialect for dialect in found if dialect is not None), None)


def _has_waiting(replay: BookReplay) -> bool:
    return any(book.sequence.counters.buffered for book in replay.books.values())


def _replayed(
    request: ReplayRequest,
    lines: list[str],
    dialect: Dialect | None,
    settings: SequenceSettings,
    advance: Callable[[int, int], None],
) -> ReplayOutcome:
    grids = grids_of(request, dialect)
    first_ns, last_ns = _times(lines)
    listeners: list[Any] = []
    sampler = books_at = None
    if request.at_ns is not None:
        _require_within(request, first_ns, last_ns)
        books_at = _BooksAt(request.at_ns)
        listeners.append(books_at)
    if request.with_history and last_ns:
        symbol = request.symbols[0] if request.symbols else ""
        sampler = DepthSampler(symbol, grids, first_ns, last_ns)
        listeners.append(sampler)
    replay = BookReplay(dialect, grids, settings, listeners, request.symbols)
    for number, message in enumerate(recorded_messages(lines), 1):
        replay.feed(message)
        if number % _TELL_EVERY == 0:
            advance(number, len(lines))
    advance(len(lines), len(lines))
    if books_at is not None and books_at.found is None:
        books_at.keep()
    return ReplayOutcome(
        replay,
        grids,
        settings.is_partial,
        sampler.history() if sampler is not None else None,
        list(books_at.found or ()) if books_at is not None else [],
        has_times=last_ns > 0,
    )


def _times(lines: list[str]) -> tuple[int, int]:
    """Receive times of the first and the last message that carries one; zeros where none does."""
    first = next((m.ts_local_ns for m in recorded_messages(lines[:200]) if m.ts_local_ns), 0)
    last = max((m.ts_local_ns for m in recorded_messages(lines[-200:])), default=0)
    return (first, last) if last > first else (0, 0)


def _require_within(request: ReplayRequest, first_ns: int, last_ns: int) -> None:
    from bot4.quant.series.time_grid import utc_text

    assert request.at_ns is not None
    if last_ns == 0:
        raise DataError("the recording has no times", where=str(request.path), remedy="leave --at out")
    if not first_ns <= request.at_ns <= last_ns:
        raise UsageError(
            f"{utc_text(request.at_ns)} is outside the recording",
            where="--at",
            remedy=f"give a time from {utc_text(first_ns)} to {utc_text(last_ns)}",
        )


def summary_of(outcome: ReplayOutcome) -> dict[str, Any]:
    """What was found, as plain values: prices and spreads as decimal text."""
    replay = outcome.replay
    total = BookCounters()
    for book in replay.books.values():
        for name, value in book.sequence.counters.as_dict().items():
            setattr(total, name, getattr(total, name) + value)
    return {
        "venue": replay.dialect.name if replay.dialect is not None else "",
        "numbering": replay.dialect.rule.name if replay.dialect is not None else "",
        "messages": replay.messages,
        "not_of_books": replay.not_book,
        "malformed_prints": replay.malformed_prints,
        "is_partial": outcome.is_partial,
        "compared": sum(book.check.compared for book in replay.books.values()),
        "mismatches": sum(book.check.mismatches for book in replay.books.values()),
        "counters": total.as_dict(),
        "symbols": {symbol: _symbol_summary(symbol, book, outcome.grids) for symbol, book in replay.books.items()},
        "findings": [
            {"line": f.line, "symbol": f.symbol, "outcome": f.outcome.value, "detail": f.detail}
            for f in replay.findings
        ],
    }


def _symbol_summary(symbol: str, book: SymbolBook, grids: Grids) -> dict[str, Any]:
    grid, sequence = grids.of(symbol), book.sequence
    bid, ask = sequence.book.bids.best(), sequence.book.asks.best()
    return {
        "state": sequence.state.value,
        "counters": sequence.counters.as_dict(),
        "unknown_removals": sequence.book.unknown_removals,
        "compared": book.check.compared,
        "mismatches": book.check.mismatches,
        "trades": book.trades,
        "levels": [len(sequence.book.bids), len(sequence.book.asks)],
        "best_bid": grid.price_text(bid[0]) if bid else None,
        "best_ask": grid.price_text(ask[0]) if ask else None,
        "spread": _spread_summary(book, grid),
    }


def _spread_summary(book: SymbolBook, grid: PriceGrid) -> dict[str, Any] | None:
    """Over all updates after which both sides had a best price; crossed books included."""
    if not book.spreads:
        return None
    ordered, count = sorted(book.spreads.items()), book.spreads.total()
    passed, median = 0, ordered[-1][0]
    for ticks, times in ordered:
        passed += times
        if 2 * passed >= count:
            median = ticks
            break
    mean = Decimal(sum(ticks * times for ticks, times in ordered)) / count
    return {
        "updates": count,
        "least": grid.price_text(ordered[0][0]),
        "median": grid.price_text(median),
        "mean": decimal_text((grid.tick * mean).quantize(grid.tick)),
        "most": grid.price_text(ordered[-1][0]),
    }
