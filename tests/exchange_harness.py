"""A trading floor to try the simulated exchange on: levels are told, trades happen, commands act, reports are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from bot4.domain.events import (
    BAR,
    BOOK_CHANGE,
    EVENT,
    IS_BOOK_RESET,
    IS_MAKER,
    IS_SELL,
    MARK_PRICE,
    QUOTE,
    TRADE,
    EventKind,
)
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.orders import (
    BUY,
    CANCEL,
    CANCELS_SIBLINGS,
    COMMAND,
    LIMIT,
    MARKET,
    PLACE,
    QUERY,
    REPLACE,
    SELL,
    STOP,
    OrderStatus,
)
from bot4.domain.venue_reasons import VenueReason
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.profile import VenueProfile, plain

SECOND = 1_000_000_000


def pair(symbol: str = "BTC", *, is_perpetual: bool = True, lot: str = "0.001", maker: str = "0.0002") -> Instrument:
    return Instrument(
        symbol, symbol, "USDT", Decimal("0.01"), Decimal(lot), Decimal(lot), Decimal(0), Decimal(maker),
        Decimal("0.0005"), is_perpetual,
    )  # fmt: skip


@dataclass(frozen=True)
class Report:
    kind: str
    order_id: int
    ticks: int = 0
    lots: int = 0
    fee: int = 0
    trade_id: int = 0
    reason: int = 0
    is_maker: bool = False
    is_sell: bool = False
    flags: int = 0
    ts_ns: int = 0
    status: str = ""
    status_lots: int = 0
    status_filled: int = 0

    @property
    def why(self) -> str:
        return VenueReason(self.reason).name

    @property
    def left(self) -> int:
        return self.reason


def open_terms(**changes: Any) -> VenueProfile:
    """A venue that asks for no approval and behaves as told."""
    return replace(plain(), asks_approval=False, **changes)


class Floor:
    """An exchange, its clock, and everything that it reported."""

    def __init__(
        self,
        *pairs: Instrument,
        profile: VenueProfile | None = None,
        balances: dict[str, Decimal] | None = None,
        is_two_sided: bool = True,
    ) -> None:
        self.universe = Universe(pairs or (pair(),))
        self.exchange = SimulatedExchange(
            self.universe, profile or open_terms(), balances=balances, start_ns=1_000 * SECOND
        )
        self.next_id = 1
        self.reports: list[Report] = []
        if is_two_sided:
            self.book(bids={1000: 10, 999: 20, 998: 30}, asks={1002: 10, 1003: 20, 1004: 30})

    # --- the market ----------------------------------------------------------------------------------------------

    def book(self, bids: dict[int, int], asks: dict[int, int], symbol: int = 0) -> list[Report]:
        """A snapshot: the whole book is this now."""
        rows = [self._row(BOOK_CHANGE, symbol, flags=IS_BOOK_RESET)]
        for side, levels in ((BUY, bids), (SELL, asks)):
            for ticks, lots in levels.items():
                rows.append(self._level(side, ticks, lots, symbol))
        return self.feed(*rows)

    def level(self, side: int, ticks: int, lots: int, symbol: int = 0) -> list[Report]:
        return self.feed(self._level(side, ticks, lots, symbol))

    def trade(self, ticks: int, lots: int, aggressor: int = 0, symbol: int = 0) -> list[Report]:
        quantity = lots * float(self.universe.instruments[symbol].lot_size)
        return self.feed(self._row(TRADE, symbol, price_ticks=ticks, quantity=quantity, aggressor=aggressor))

    def mark(self, ticks: int, symbol: int = 0) -> list[Report]:
        return self.feed(self._row(MARK_PRICE, symbol, mark_ticks=ticks))

    def quote(self, bid: int, bid_lots: int, ask: int, ask_lots: int, symbol: int = 0) -> list[Report]:
        lot = float(self.universe.instruments[symbol].lot_size)
        row = self._row(
            QUOTE, symbol, bid_ticks=bid, ask_ticks=ask, bid_quantity=bid_lots * lot, ask_quantity=ask_lots * lot
        )
        return self.feed(row)

    def bar(self, open_: int, high: int, low: int, close: int, volume: float = 1.0, symbol: int = 0) -> list[Report]:
        """The next bar opens now and closes a minute later."""
        row = self._row(
            BAR, symbol, open_ticks=open_, high_ticks=high, low_ticks=low, close_ticks=close, volume=volume,
            ts_open_ns=self.now,
        )  # fmt: skip
        row["ts_ns"] = self.now + 60 * SECOND
        return self.feed(row)

    def feed(self, *rows: Any) -> list[Report]:
        self.exchange.feed(np.concatenate([row.reshape(1) for row in rows], dtype=EVENT))
        return self._read(self.exchange.drain())

    def advance(self, seconds: float) -> list[Report]:
        self.exchange.advance(self.now + int(seconds * SECOND))
        return self._read(self.exchange.drain())

    @property
    def now(self) -> int:
        return self.exchange.now_ns

    # --- commands ------------------------------------------------------------------------------------------------

    def command(self, kind: int, **fields: int) -> Any:
        row = np.zeros(1, COMMAND)
        row[0]["kind"], row[0]["ts_ns"] = kind, self.now
        for name, value in fields.items():
            row[0]["order"][name] = value
        return row

    def order(self, side: int, lots: int, **fields: int) -> Any:
        """A PLACE command of a market order, or as the fields say; ids rise by one."""
        fields = {"id": self.next_id, "type": MARKET, **fields}
        self.next_id = max(self.next_id, fields["id"]) + 1
        return self.command(PLACE, side=side, qty_lots=lots, **fields)

    def request(self, *commands: Any) -> list[Report]:
        return self._read(self.exchange.request(np.concatenate(commands)))

    def place(self, side: int, lots: int, **fields: int) -> list[Report]:
        return self.request(self.order(side, lots, **fields))

    def limit(self, side: int, lots: int, ticks: int, **fields: int) -> list[Report]:
        return self.place(side, lots, **{"type": LIMIT, "limit_ticks": ticks, **fields})

    def stop(self, side: int, lots: int, ticks: int, **fields: int) -> list[Report]:
        return self.place(side, lots, **{"type": STOP, "stop_ticks": ticks, **fields})

    def legs(self, side: int, lots: int, limit: int, stop: int, **fields: int) -> list[Report]:
        """A one-cancels-other of a limit and a stop, in one call."""
        group = {"group_id": 1_000_000 + self.next_id, "flags": CANCELS_SIBLINGS, **fields}
        return self.request(
            self.order(side, lots, type=LIMIT, limit_ticks=limit, **group),
            self.order(side, lots, type=STOP, stop_ticks=stop, **group),
        )

    def cancel(self, order_id: int, symbol: int = 0) -> list[Report]:
        return self.request(self.command(CANCEL, id=order_id, symbol=symbol))

    def replace(self, order_id: int, lots: int, limit: int = 0, stop: int = 0, **fields: int) -> list[Report]:
        return self.request(
            self.command(REPLACE, id=order_id, qty_lots=lots, limit_ticks=limit, stop_ticks=stop, **fields)
        )

    def query(self, order_id: int, symbol: int = 0) -> Report:
        return self.request(self.command(QUERY, id=order_id, symbol=symbol))[-1]

    # --- what is seen --------------------------------------------------------------------------------------------

    def net(self, symbol: int = 0) -> int:
        return int(self.exchange.positions()["lots"][symbol])

    def status(self, order_id: int) -> str:
        row = self.exchange.order(order_id)
        return "NONE" if row is None else OrderStatus(row["status"]).name

    def bids(self, n: int = 3) -> list[tuple[int, int]]:
        return [(int(t), int(q)) for t, q in self.exchange.depth(0, n)[0]]

    def asks(self, n: int = 3) -> list[tuple[int, int]]:
        return [(int(t), int(q)) for t, q in self.exchange.depth(0, n)[1]]

    def _level(self, side: int, ticks: int, lots: int, symbol: int) -> Any:
        quantity = lots * float(self.universe.instruments[symbol].lot_size)
        return self._row(BOOK_CHANGE, symbol, level_side=side, level_ticks=ticks, level_quantity=quantity)

    def _row(self, kind: int, symbol: int, **fields: Any) -> Any:
        row = np.zeros(1, EVENT)
        row["ts_ns"], row["kind"], row["symbol"] = self.now + SECOND // 1000, kind, symbol
        for name, value in fields.items():
            row[name] = value
        return row

    def _read(self, rows: Any) -> list[Report]:
        new = [_report(row) for row in rows]
        self.reports += new
        return new


def _report(row: Any) -> Report:
    kind = EventKind(row["kind"]).name
    if kind == "ORDER_STATUS":
        return Report(
            kind, int(row["order_id"]), flags=int(row["flags"]), ts_ns=int(row["ts_ns"]),
            status=OrderStatus(row["status"]).name, status_lots=int(row["status_lots"]),
            status_filled=int(row["status_filled_lots"]),
        )  # fmt: skip
    return Report(
        kind, int(row["order_id"]), int(row["fill_ticks"]), int(row["fill_lots"]), int(row["fee_atoms"]),
        int(row["trade_id"]), int(row["reason"]), bool(row["flags"] & IS_MAKER), bool(row["flags"] & IS_SELL),
        int(row["flags"]), int(row["ts_ns"]),
    )  # fmt: skip


def fills(reports: list[Report]) -> list[tuple[int, int, int]]:
    """Order id, price and lots of every fill."""
    return [(r.order_id, r.ticks, r.lots) for r in reports if r.kind == "ORDER_FILLED"]


def kinds(reports: list[Report]) -> list[tuple[str, int]]:
    """Kind (without its prefix) and order id of every report."""
    return [(r.kind.removeprefix("ORDER_"), r.order_id) for r in reports]


__all__ = ["BUY", "SECOND", "SELL", "Floor", "Report", "fills", "kinds", "open_terms", "pair"]
