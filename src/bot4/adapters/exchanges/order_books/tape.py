"""A replayed stream as market events: what the simulator can be fed with.

Every event carries the exchange's time; when it was received stands beside it, so that a feed with the recording's own
delay can be made of both. Where a message states no exchange time it takes that of the event before it. Exchange times
that fall back are lifted to the latest before: a tape never runs backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from bot4.adapters.exchanges.order_books.dialects import Dialect
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import BestPrices, BookSnapshot, Level, MarketTrade, OrderChange
from bot4.adapters.exchanges.order_books.recordings import RecordedMessage
from bot4.adapters.exchanges.order_books.replay import BookReplay
from bot4.adapters.exchanges.order_books.sequence import AT_ONCE, AppliedUpdate, BookSequence, SequenceSettings
from bot4.domain.bars import IntArray
from bot4.domain.errors import DataError
from bot4.domain.events import BOOK_CHANGE, BOOK_ORDER, EVENT, IS_BOOK_RESET, QUOTE, TRADE
from bot4.domain.orders import BUY, SELL

Events = npt.NDArray[np.void]
_EXACT = 1 << 53


@dataclass(frozen=True, slots=True)
class BookTape:
    """Market events of a stream.

    Attributes:
        events: :data:`~bot4.domain.events.EVENT` records of kinds BOOK_CHANGE, BOOK_ORDER, QUOTE and TRADE in the
            order in which they take effect. A snapshot is its levels, the first with ``IS_BOOK_RESET``; a lost book is
            one reset without a quantity. Quantities are base units (contracts where the exchange counts those).
        ts_local_ns: int64[n], when each was received; 0 where the recording does not say.
    """

    events: Events
    ts_local_ns: IntArray


class TapeWriter:
    """Collects the events of a replay; a listener of :class:`~.replay.BookReplay`.

    Args:
        symbols: symbol ids by the exchange's spelling; other symbols are left out.
        grids: the grids that the replay parsed with. Their steps are the ticks and lots of the events.
        with_quotes: whether the exchange's own best prices become QUOTE events too.

    Raises (from the methods):
        DataError: a quantity of 2**53 lots or more, or a price of 2**63 ticks or more: the event cannot hold it.
    """

    def __init__(self, symbols: Mapping[str, int], grids: Grids, *, with_quotes: bool = True) -> None:
        self._symbols = dict(symbols)
        self._grids = grids
        self._with_quotes = with_quotes
        self._rows: list[tuple[int, int, int, int, int, int, int, int]] = []
        self._orders: list[tuple[int, int, int]] = []  # row, order id, action: what the rows have no column for
        self._quotes: list[tuple[int, int, int]] = []
        self._last_ns = 0

    def before_message(self, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""

    def on_update(self, symbol: str, update: AppliedUpdate, sequence: BookSequence, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""
        number = self._symbols.get(symbol)
        if number is None:
            return
        message = update.message
        ts_ns = self._time(message.ts_ns)
        flags = 0
        if isinstance(message, BookSnapshot):
            flags = IS_BOOK_RESET
            if not message.bids and not message.asks:
                self._add(ts_ns, ts_local_ns, BOOK_CHANGE, number, flags, 0, 0, BUY)
        for side, levels in ((BUY, message.bids), (SELL, message.asks)):
            flags = self._levels(levels, side, flags, ts_ns, ts_local_ns, number)

    def on_loss(self, symbol: str, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""
        number = self._symbols.get(symbol)
        if number is not None:
            self._add(self._time(0), ts_local_ns, BOOK_CHANGE, number, IS_BOOK_RESET, 0, 0, BUY)

    def on_trade(self, trade: MarketTrade, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""
        number = self._symbols.get(trade.symbol)
        if number is not None:
            ts_ns = self._time(trade.ts_ns)
            self._add(ts_ns, ts_local_ns, TRADE, number, 0, trade.price_ticks, trade.lots, trade.aggressor)

    def on_best(self, best: BestPrices, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""
        number = self._symbols.get(best.symbol)
        if number is not None and self._with_quotes:
            ts_ns = self._time(best.ts_ns)
            self._quotes.append((len(self._rows), best.ask_ticks, best.ask_lots))
            self._add(ts_ns, ts_local_ns, QUOTE, number, 0, best.bid_ticks, best.bid_lots, BUY)

    def on_order(self, change: OrderChange, ts_local_ns: int) -> None:
        """See :class:`~.replay.BookListener`."""
        number = self._symbols.get(change.symbol)
        if number is not None:
            self._orders.append((len(self._rows), change.order_id, change.action))
            ts_ns = self._time(change.ts_ns or ts_local_ns)
            self._add(ts_ns, ts_local_ns, BOOK_ORDER, number, 0, change.price_ticks, change.lots, change.side)

    def tape(self) -> BookTape:
        """The events so far."""
        events = np.zeros(len(self._rows), dtype=EVENT)
        if not self._rows:
            return BookTape(events, np.zeros(0, dtype=np.int64))
        table = np.array(self._rows, dtype=np.int64)
        events["ts_ns"], events["kind"], events["symbol"], events["flags"] = (
            table[:, 0],
            table[:, 2],
            table[:, 3],
            table[:, 4],
        )
        lot_of = np.ones(max(self._symbols.values()) + 1)
        divisor_of = np.ones(len(lot_of))
        for symbol, number in self._symbols.items():
            lot_of[number], divisor_of[number] = _as_ratio(self._grids.of(symbol).lot)
        lots, divisors = lot_of[table[:, 3]], divisor_of[table[:, 3]]
        quantities = table[:, 6] * lots / divisors
        self._fill_levels(events, table, quantities)
        self._fill_quotes(events, lots, divisors)
        self._fill_orders(events, table, quantities)
        return BookTape(events, np.ascontiguousarray(table[:, 1]))

    def _fill_levels(self, events: Events, table: IntArray, quantities: npt.NDArray[np.float64]) -> None:
        for kind, ticks, quantity, side in (
            (BOOK_CHANGE, "level_ticks", "level_quantity", "level_side"),
            (TRADE, "price_ticks", "quantity", "aggressor"),
        ):
            chosen = table[:, 2] == kind
            events[ticks][chosen] = table[chosen, 5]
            events[quantity][chosen] = quantities[chosen]
            events[side][chosen] = table[chosen, 7]

    def _fill_quotes(self, events: Events, lots: npt.NDArray[np.float64], divisors: npt.NDArray[np.float64]) -> None:
        if not self._quotes:
            return
        quotes = np.array(self._quotes, dtype=np.int64)
        rows = quotes[:, 0]
        table = np.array([self._rows[row] for row in rows.tolist()], dtype=np.int64)
        events["bid_ticks"][rows], events["ask_ticks"][rows] = table[:, 5], quotes[:, 1]
        events["bid_quantity"][rows] = table[:, 6] * lots[rows] / divisors[rows]
        events["ask_quantity"][rows] = quotes[:, 2] * lots[rows] / divisors[rows]

    def _fill_orders(self, events: Events, table: IntArray, quantities: npt.NDArray[np.float64]) -> None:
        if not self._orders:
            return
        orders = np.array(self._orders, dtype=np.int64)
        rows = orders[:, 0]
        events["book_ticks"][rows], events["book_quantity"][rows] = table[rows, 5], quantities[rows]
        events["book_order_id"][rows], events["book_action"][rows] = orders[:, 1], orders[:, 2]
        events["book_side"][rows] = table[rows, 7]

    def _levels(self, levels: Sequence[Level], side: int, flags: int, ts_ns: int, ts_local_ns: int, number: int) -> int:
        for ticks, lots in levels:
            self._add(ts_ns, ts_local_ns, BOOK_CHANGE, number, flags, ticks, lots, side)
            flags = 0
        return flags

    def _add(
        self, ts_ns: int, ts_local_ns: int, kind: int, number: int, flags: int, ticks: int, lots: int, side: int
    ) -> None:
        if lots >= _EXACT or ticks >= 1 << 63:
            raise DataError(
                f"{lots} lots at {ticks} ticks do not fit an event",
                where="order book tape",
                remedy="choose a larger tick or lot",
            )
        self._rows.append((ts_ns, ts_local_ns, kind, number, flags, ticks, lots, side))

    def _time(self, ts_ns: int) -> int:
        self._last_ns = max(self._last_ns, ts_ns)
        return self._last_ns


def book_tape(
    messages: Iterable[RecordedMessage],
    symbols: Mapping[str, int],
    grids: Grids,
    dialect: Dialect | None = None,
    settings: SequenceSettings = AT_ONCE,
    *,
    with_quotes: bool = True,
) -> BookTape:
    """A recorded stream as market events, in exchange time and with the time of receipt.

    Of a level-3 stream every message about an order is a BOOK_ORDER event as the exchange told it, takers' too.

    Args:
        messages: of a recording, in its order.
        symbols: symbol ids by the exchange's spelling, empty where its messages name none; others are left out.
        grids: ticks and lots: those of the instruments that the simulator will use.
        dialect: whose stream; None to tell it from the messages.
        settings: patience of the sequences.
        with_quotes: whether the exchange's own best prices become QUOTE events too.

    Raises:
        DataError: a quantity or price that an event cannot hold.
    """
    writer = TapeWriter(symbols, grids, with_quotes=with_quotes)
    replay = BookReplay(dialect, grids, settings, (writer,), symbols)
    for message in messages:
        replay.feed(message)
    return writer.tape()


def _as_ratio(lot: Decimal) -> tuple[float, float]:
    """A lot as numerator and denominator, so that lots become quantities with one rounding: 3 lots of 0.1 are 0.3."""
    numerator, denominator = lot.as_integer_ratio()
    return float(numerator), float(denominator)
