"""A recorded level-3 stream replayed for a person: how many of its trades a price-time book makes by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot4.adapters.exchanges.order_books.depth_history import DepthHistory, DepthSampler
from bot4.adapters.exchanges.order_books.dialects import Dialect
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.level3 import (
    Level3Listener,
    Level3Message,
    Level3Report,
    LevelNow,
    replay_orders,
)
from bot4.adapters.exchanges.order_books.matching_orders import prepare_matching
from bot4.adapters.exchanges.order_books.messages import Level, Malformed, MarketTrade, OrderChange
from bot4.adapters.exchanges.order_books.rebuilt_book import RebuiltBook
from bot4.adapters.exchanges.order_books.recordings import recorded_messages
from bot4.domain.errors import DataError
from bot4.kernel import WarmUpStep

_TELL_EVERY = 500
_UNNAMED = "(unnamed)"


@dataclass(frozen=True, slots=True)
class Level3Outcome:
    """What a level-3 replay found.

    Attributes:
        report: the trades.
        dialect, symbol, messages: of the recording.
        malformed: messages that could not be, with their lines.
        bids, asks: the best ten levels at the asked time; empty where none was asked for.
        history: for the picture, where asked for.
    """

    report: Level3Report
    dialect: Dialect
    symbol: str
    messages: int
    malformed: list[tuple[int, str]]
    grids: Grids
    at_ns: int | None
    bids: Sequence[Level]
    asks: Sequence[Level]
    history: DepthHistory | None


class _Mirror:
    """Keeps the levels of the replay's book, and those of one moment."""

    def __init__(self, at_ns: int | None) -> None:
        self.book = RebuiltBook()
        self.at: tuple[list[Level], list[Level]] | None = None
        self._at_ns = at_ns

    def before_message(self, ts_local_ns: int) -> None:
        if self._at_ns is not None and self.at is None and ts_local_ns > self._at_ns:
            self.keep()

    def keep(self) -> None:
        self.at = (self.book.bids.top(10), self.book.asks.top(10))

    def on_levels(self, changes: Sequence[LevelNow], ts_local_ns: int) -> None:
        for side, ticks, lots in changes:
            (self.book.bids if side > 0 else self.book.asks).set_level(ticks, lots)


class _Looks:
    """Drives the sampler of the picture along the messages."""

    def __init__(self, sampler: DepthSampler) -> None:
        self._sampler = sampler

    def before_message(self, ts_local_ns: int) -> None:
        self._sampler.before_message(ts_local_ns)

    def on_levels(self, changes: Sequence[LevelNow], ts_local_ns: int) -> None:
        pass


def replay_order_recording(
    path: Path,
    lines: list[str],
    dialect: Dialect,
    grids: Grids,
    advance: Callable[[int, int], None],
    *,
    compiling: Callable[[WarmUpStep], None] | None = None,
    at_ns: int | None = None,
    with_opening: bool = True,
    with_history: bool = False,
) -> Level3Outcome:
    """Replay the lines of a level-3 recording of one symbol.

    Raises:
        DataError: it holds orders of several symbols, or none.
    """
    messages, malformed = _parsed(lines, dialect, grids, advance)
    symbols = {entry.message.symbol for entry in messages if isinstance(entry.message, OrderChange)}
    if len(symbols) > 1:
        raise DataError(
            f"orders of {', '.join(sorted(symbols))}", where=str(path), remedy="record one symbol to a file"
        )
    if not symbols:
        what = f"line {malformed[0][0]}: {malformed[0][1]}" if malformed else "no order in it"
        raise DataError(what, where=str(path), remedy="give a level-3 recording; check --tick and --lot")
    symbol = next(iter(symbols)) or _UNNAMED
    mirror = _Mirror(at_ns)
    listeners: list[Level3Listener] = [mirror]
    sampler = None
    if with_history and messages[-1].ts_local_ns > messages[0].ts_local_ns:
        sampler = DepthSampler(symbol, grids, messages[0].ts_local_ns, messages[-1].ts_local_ns)
        sampler.watch(symbol, mirror.book)
        listeners = [_Looks(sampler), mirror]
    prepare_matching(compiling)
    report = replay_orders(messages, with_opening=with_opening, listeners=listeners)
    if mirror.at is None:
        mirror.keep()
    bids, asks = mirror.at if mirror.at is not None and at_ns is not None else ([], [])
    return Level3Outcome(
        report, dialect, symbol, len(lines), malformed, grids, at_ns, bids, asks, _history(sampler, report)
    )


def _parsed(
    lines: list[str], dialect: Dialect, grids: Grids, advance: Callable[[int, int], None]
) -> tuple[list[Level3Message], list[tuple[int, str]]]:
    parser = dialect.parser(grids)
    messages: list[Level3Message] = []
    malformed: list[tuple[int, str]] = []
    for number, recorded in enumerate(recorded_messages(lines), 1):
        if recorded.fault:
            malformed.append((recorded.line, recorded.fault))
        for message in parser.parse(recorded.payload, recorded.context) if not recorded.fault else ():
            if isinstance(message, Malformed):
                malformed.append((recorded.line, message.reason))
            elif isinstance(message, OrderChange | MarketTrade):
                messages.append(Level3Message(recorded.line, recorded.ts_local_ns, message))
        if number % _TELL_EVERY == 0:
            advance(number, len(lines))
    advance(len(lines), len(lines))
    return messages, malformed


def _history(sampler: DepthSampler | None, report: Level3Report) -> DepthHistory | None:
    """The history with the recorded trades; the taker's side is known of those that the book made too."""
    if sampler is None:
        return None
    for trade in report.trades:
        side = trade.made.taker_side if trade.made is not None else 0
        sampler.add_trade(MarketTrade("", trade.ticks, trade.lots, side, trade.trade_id), trade.ts_local_ns)
    return sampler.history()


def order_summary(outcome: Level3Outcome) -> dict[str, Any]:
    """What was found, as plain values."""
    report, grid = outcome.report, outcome.grids.of(outcome.symbol)
    return {
        "venue": outcome.dialect.name,
        "symbol": outcome.symbol,
        "messages": outcome.messages,
        "malformed": len(outcome.malformed),
        "opening_orders": report.opening_orders,
        "recorded_trades": len(report.trades),
        "made_by_the_book": report.made,
        "share_made": report.share_made if report.trades else None,
        "extra": len(report.extra),
        "reasons": {reason.name.lower(): count for reason, count in report.reasons().items()},
        "orders": dict(report.orders),
        "not_made": [
            {
                "line": trade.line,
                "trade_id": trade.trade_id,
                "price": grid.price_text(trade.ticks),
                "quantity": grid.quantity_text(trade.lots),
                "reason": trade.reason.value,
            }
            for trade in report.trades
            if trade.reason is not None
        ],
    }
