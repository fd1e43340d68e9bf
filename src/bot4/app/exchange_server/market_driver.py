"""What moves the served markets: a synthetic book, that book following recorded bars, or whatever a client posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.app.exchange_server.listings import Listing
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.refusals import Refusal, illegal, missing
from bot4.app.exchange_server.venue import ServedVenue
from bot4.domain.bars import HOUR_NS, SECOND_NS, BarSeries
from bot4.domain.events import BOOK_CHANGE, EVENT, FUNDING, IS_BOOK_RESET, MARK_PRICE, TRADE
from bot4.domain.orders import BUY, SELL
from bot4.quant.series.synthetic_book import DEFAULT_BOOK, SyntheticBook, SyntheticBookParameters

SYNTHETIC, MANUAL = "synthetic", "manual"
FUNDING_EVERY_NS = 8 * HOUR_NS
FUNDING_RATE = 0.0001
_SIDES = {"BUY": BUY, "SELL": SELL}


class MarketClock:
    """The market's time: the wall clock's pace times a speed, or standing still until it is told (speed 0).

    Args:
        start_ns: market time at the start.
        speed: market seconds a second.
        monotonic_s: seconds that never run backwards.
    """

    def __init__(self, start_ns: int, speed: float, monotonic_s: Callable[[], float]) -> None:
        self.speed = speed
        self._start_ns = start_ns
        self._monotonic_s = monotonic_s
        self._started_s = monotonic_s()

    def now_ns(self) -> int:
        """Market time now."""
        elapsed_s = self._monotonic_s() - self._started_s
        return self._start_ns + int(elapsed_s * self.speed * SECOND_NS)

    def advance(self, step_ns: int) -> int:
        """Move a clock on, and return its time."""
        self._start_ns += step_ns
        return self.now_ns()


class SyntheticDriver:
    """A synthetic book behind every symbol of one exchange, with mark prices and funding where it has perpetuals.

    Args:
        venue: whose markets move.
        seed: of the books.
        parameters: of the books.
        prices: where each symbol starts, quote currency, by the instrument's symbol.
        bars: recorded bars that a symbol's price follows from their first open on, by the instrument's symbol.
    """

    def __init__(
        self,
        venue: ServedVenue,
        seed: int,
        prices: Mapping[str, float],
        bars: Mapping[str, BarSeries] | None = None,
        parameters: SyntheticBookParameters = DEFAULT_BOOK,
    ) -> None:
        self.venue = venue
        self.books: dict[int, SyntheticBook] = {}
        self.paths: dict[int, BarPath] = {}
        self._next_mark_ns = 0
        self._next_funding_ns = 0
        for listing in venue.listings.values():
            instrument = listing.instrument
            tick, lot = float(instrument.tick_size), float(instrument.lot_size)
            start = prices[instrument.symbol]
            followed = (bars or {}).get(instrument.symbol)
            if followed is not None:
                self.paths[listing.symbol] = BarPath(followed, tick)
                start = float(followed.open[0])
            start_ticks = max(1, round(start / tick))
            self.books[listing.symbol] = SyntheticBook(listing.symbol, start_ticks, tick, lot, seed, parameters)

    def open(self, now_ns: int) -> None:
        """Put every book on the exchange as it stands."""
        for path in self.paths.values():
            path.begin(now_ns)
        self.venue.advance(now_ns)
        self.venue.take_market(joined([book.opening(now_ns) for book in self.books.values()]))

    def step(self, now_ns: int) -> None:
        """Let the markets move until a time."""
        for symbol, path in self.paths.items():
            self.books[symbol].reference_ticks = max(1.0, path.ticks(now_ns))
        events = [book.step(now_ns) for book in self.books.values()]
        if self.venue.is_futures:
            events.append(self._marks_and_funding(now_ns))
        self.venue.exchange.advance(now_ns)
        self.venue.take_market(_in_order(joined(events)))

    def state(self) -> dict[str, Any]:
        """The books, as plain values."""
        return {str(symbol): book.state() for symbol, book in self.books.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        for symbol, book in self.books.items():
            if str(symbol) in state:
                book.restore(state[str(symbol)])

    def _marks_and_funding(self, now_ns: int) -> npt.NDArray[np.void]:
        rows: list[npt.NDArray[np.void]] = []
        for symbol, book in self.books.items():
            mark_ticks = round(book.reference_ticks)
            if now_ns >= self._next_mark_ns:
                rows.append(_event(now_ns, MARK_PRICE, symbol, mark_ticks=mark_ticks))
            if self._next_funding_ns and now_ns >= self._next_funding_ns:
                rows.append(_event(now_ns, FUNDING, symbol, funding_rate=FUNDING_RATE, mark_ticks=mark_ticks))
        if now_ns >= self._next_mark_ns:
            self._next_mark_ns = now_ns + SECOND_NS
        self._next_funding_ns = (now_ns // FUNDING_EVERY_NS + 1) * FUNDING_EVERY_NS
        return joined(rows)


class BarPath:
    """The price within recorded bars: in straight lines from open to the nearer of high and low, the other, close."""

    def __init__(self, bars: BarSeries, tick: float) -> None:
        self.bars = bars
        self.tick = tick
        self._offset_ns = 0

    def begin(self, now_ns: int) -> None:
        """Let the first bar open now."""
        self._offset_ns = int(self.bars.ts_open_ns[0]) - now_ns

    def ticks(self, now_ns: int) -> float:
        """Price at a time, in ticks; after the last bar its close."""
        at_ns = now_ns + self._offset_ns
        index = int(np.searchsorted(self.bars.ts_open_ns, at_ns, side="right")) - 1
        index = max(0, index)
        share = (at_ns - int(self.bars.ts_open_ns[index])) / self.bars.interval_ns
        opened, high = float(self.bars.open[index]), float(self.bars.high[index])
        low, close = float(self.bars.low[index]), float(self.bars.close[index])
        first, second = (high, low) if high - opened < opened - low else (low, high)
        price = np.interp(min(max(share, 0.0), 1.0), [0.0, 1 / 3, 2 / 3, 1.0], [opened, first, second, close])
        return float(price) / self.tick


def posted_events(listing: Listing, posted: Mapping[str, Any], ts_ns: int) -> npt.NDArray[np.void]:
    """Market events of one symbol from a client's JSON.

    Takes any of ``book`` (``bids`` and ``asks``, each a list of price and quantity: the whole book anew), ``levels``
    (a list of side, price, quantity), ``trades`` (a list of price, quantity, side of the taker), ``mark``, ``funding``.

    Raises:
        Refusal: something in it is missing, malformed or off the grid.
    """
    rows: list[npt.NDArray[np.void]] = []
    book = posted.get("book")
    if isinstance(book, Mapping):
        levels = [("BUY", *row) for row in book.get("bids", [])] + [("SELL", *row) for row in book.get("asks", [])]
        rows += [_level(listing, row, ts_ns) for row in levels]
        if rows:
            rows[0]["flags"] = IS_BOOK_RESET
    rows += [_level(listing, row, ts_ns) for row in posted.get("levels", [])]
    for row in posted.get("trades", []):
        price, quantity, side = _row(row)
        rows.append(
            _event(
                ts_ns,
                TRADE,
                listing.symbol,
                price_ticks=listing.ticks(_number(price)),
                quantity=float(_number(quantity)),
                aggressor=_side(side),
            )
        )
    if "mark" in posted:
        rows.append(_event(ts_ns, MARK_PRICE, listing.symbol, mark_ticks=listing.ticks(_number(posted["mark"]))))
    if "funding" in posted:
        rate, mark = posted["funding"], posted.get("mark", 0)
        if not isinstance(rate, int | float):
            raise illegal("funding", "a number")
        ticks = listing.ticks(_number(mark)) if mark else 0
        rows.append(_event(ts_ns, FUNDING, listing.symbol, funding_rate=float(rate), mark_ticks=ticks))
    if not rows:
        raise missing("book, levels, trades, mark or funding")
    return joined(rows)


def _level(listing: Listing, row: Any, ts_ns: int) -> npt.NDArray[np.void]:
    side, price, quantity = _row(row)
    return _event(
        ts_ns,
        BOOK_CHANGE,
        listing.symbol,
        level_ticks=listing.ticks(_number(price)),
        level_quantity=float(listing.lots(_number(quantity)) * listing.instrument.lot_size),
        level_side=_side(side),
    )


def _row(row: Any) -> tuple[Any, Any, Any]:
    if not isinstance(row, list | tuple) or len(row) != 3:
        raise Refusal(-1100, "A level is side, price and quantity; a trade is price, quantity and side.")
    return row[0], row[1], row[2]


def _number(value: Any) -> Any:
    return Parameters.of({"number": value}).number("number")


def _side(value: Any) -> int:
    if value not in _SIDES:
        raise illegal("side", "BUY or SELL")
    return _SIDES[value]


def _event(ts_ns: int, kind: int, symbol: int, **fields: Any) -> npt.NDArray[np.void]:
    event = np.zeros(1, dtype=EVENT)
    event[0]["ts_ns"] = ts_ns
    event[0]["kind"] = kind
    event[0]["symbol"] = symbol
    for name, value in fields.items():
        event[0][name] = value
    return event


def joined(parts: list[npt.NDArray[np.void]]) -> npt.NDArray[np.void]:
    """Event arrays one after the other; ``np.concatenate`` would give a union of fields without its overlaps."""
    made = np.empty(sum(len(part) for part in parts), dtype=EVENT)
    at = 0
    for part in parts:
        made[at : at + len(part)] = part
        at += len(part)
    return made


def _in_order(events: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Events of one time with funding and mark prices before what trades on them, else as they came."""
    first = np.isin(events["kind"], (MARK_PRICE, FUNDING))
    return joined([events[first], events[~first]])
