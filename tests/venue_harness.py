"""A small market to try the simulated venue in: commands are sent now, then bars and trades arrive."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from bot4.domain.events import BAR, EVENT, IS_MAKER, IS_SELL, TRADE, EventKind
from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.orders import (
    BUY,
    CANCEL,
    COMMAND,
    ENTRY,
    EXIT,
    HELD,
    LIMIT,
    MARKET,
    PLACE,
    PROTECTIVE_STOP,
    REPLACE,
    SELL,
    STOP,
    TARGET,
)  # fmt: skip
from bot4.domain.venue_reasons import VenueReason
from bot4.kernel import i8, kernel, records
from bot4.simulator.intake import cancel_all, open_order_count, receive_command
from bot4.simulator.matching import match_event
from bot4.simulator.state import N_REPORTS, VENUE, open_venue

MINUTE = 60_000_000_000


@kernel(i8(records(VENUE), i8, records(EVENT)))
def cancel_everything(venues: Any, ts_ns: int, reports: Any) -> int:
    return int(cancel_all(venues[0], ts_ns, reports))


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
    ts_ns: int = 0
    symbol: int = 0

    @property
    def why(self) -> str:
        return VenueReason(self.reason).name


class Market:
    """A venue, its clock, and everything it reported."""

    def __init__(self, *pairs: Instrument, latency_ns: int = 0, slippage: float = 0.0, n_reports: int = N_REPORTS):
        self.universe = Universe(pairs or (pair(),))
        self.instruments = pack_instruments(self.universe)
        self.venue = open_venue(self.instruments, latency_ns, slippage)
        self.now = 1_000 * MINUTE
        self.next_id = 1
        self.reports: list[Report] = []
        self._rows = np.zeros(n_reports, EVENT)

    def net(self, symbol: int = 0) -> int:
        return int(self.venue[0]["net_lots"][symbol])

    def orders(self) -> Any:
        return self.venue[0]["orders"][: open_order_count(self.venue[0])]

    def order(self, order_id: int) -> Any:
        return next((row for row in self.orders() if row["id"] == order_id), None)

    def send(self, kind: int, **fields: int) -> int:
        command = np.zeros(1, COMMAND)
        command[0]["kind"], command[0]["ts_ns"] = kind, self.now
        for name, value in fields.items():
            command[0]["order"][name] = value
        return int(receive_command(self.venue, command, 0))

    def place(self, side: int, lots: int, **fields: int) -> int:
        fields = {"approval_id": 1, "type": MARKET, "role": ENTRY, "id": self.next_id, **fields}
        self.next_id = max(self.next_id, fields["id"]) + 1
        self.send(PLACE, side=side, qty_lots=lots, **fields)
        return fields["id"]

    def limit(self, side: int, lots: int, ticks: int, **fields: int) -> int:
        return self.place(side, lots, type=LIMIT, limit_ticks=ticks, **fields)

    def stop(self, side: int, lots: int, ticks: int, **fields: int) -> int:
        return self.place(side, lots, type=STOP, stop_ticks=ticks, **fields)

    def bracket(self, side: int, lots: int, stop: int, targets: dict[int, int], **entry: int) -> list[int]:
        """Entry, held stop and held targets (price to lots); returns their ids."""
        entry_id = self.place(side, lots, **{"group_id": self.next_id, **entry})
        symbol = entry.get("symbol", 0)
        child = {"parent_id": entry_id, "group_id": entry_id, "is_reduce_only": 1, "status": HELD, "symbol": symbol}
        ids = [entry_id, self.stop(-side, lots, stop, role=PROTECTIVE_STOP, **child)]
        return ids + [self.limit(-side, n, ticks, role=TARGET, **child) for ticks, n in targets.items()]

    def leave(self, side: int, lots: int, **fields: int) -> int:
        return self.place(side, lots, role=EXIT, is_reduce_only=1, **fields)

    def cancel(self, order_id: int, symbol: int = 0) -> None:
        self.send(CANCEL, id=order_id, symbol=symbol)

    def replace(self, order_id: int, lots: int, limit: int = 0, stop: int = 0) -> None:
        self.send(REPLACE, id=order_id, approval_id=1, qty_lots=lots, limit_ticks=limit, stop_ticks=stop)

    def bar(
        self, open_: int, high: int, low: int, close: int, volume: float = 1.0, symbol: int = 0, length: int = MINUTE
    ) -> list[Report]:
        """The next bar opens now and closes ``length`` later."""
        event = np.zeros(1, EVENT)
        row = event[0]
        row["kind"], row["symbol"], row["ts_open_ns"] = BAR, symbol, self.now
        self.now += length
        row["ts_ns"] = self.now
        row["open_ticks"], row["high_ticks"], row["low_ticks"], row["close_ticks"] = open_, high, low, close
        row["volume"] = volume
        return self._meet(event)

    def trade(self, ticks: int, quantity: float, symbol: int = 0) -> list[Report]:
        """A trade one second later."""
        event = np.zeros(1, EVENT)
        row = event[0]
        self.now += 1_000_000_000
        row["kind"], row["symbol"], row["ts_ns"] = TRADE, symbol, self.now
        row["price_ticks"], row["quantity"] = ticks, quantity
        return self._meet(event)

    def cancel_all(self) -> list[Report]:
        return self._read(cancel_everything(self.venue, self.now, self._rows))

    def _meet(self, event: Any) -> list[Report]:
        return self._read(match_event(self.venue, event, 0, self._rows))

    def _read(self, n_reports: int) -> list[Report]:
        assert n_reports >= 0, "the reports were full"
        new = [
            Report(
                EventKind(row["kind"]).name, int(row["order_id"]), int(row["fill_ticks"]), int(row["fill_lots"]),
                int(row["fee_atoms"]), int(row["trade_id"]), int(row["reason"]), bool(row["flags"] & IS_MAKER),
                bool(row["flags"] & IS_SELL), int(row["ts_ns"]), int(row["symbol"]),
            )
            for row in self._rows[:n_reports]
        ]  # fmt: skip
        self.reports += new
        return new


def fills(reports: list[Report]) -> list[tuple[int, int, int]]:
    """Order id, price and lots of every fill."""
    return [(r.order_id, r.ticks, r.lots) for r in reports if r.kind == "ORDER_FILLED"]


def kinds(reports: list[Report]) -> list[tuple[str, int]]:
    """Kind (without its prefix) and order id of every report."""
    return [(r.kind.removeprefix("ORDER_"), r.order_id) for r in reports]


__all__ = ["BUY", "MINUTE", "SELL", "Market", "Report", "fills", "kinds", "pair"]
