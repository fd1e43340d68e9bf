"""A venue that says yes to everything, at once, and fills on trades: to see what the network does, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.events import (
    EVENT,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_STATUS,
    TRADE,
)
from bot4.domain.instruments import Universe
from bot4.domain.orders import CANCEL, PLACE, QUERY, WORKING
from tests.venue_harness import pair


class EchoVenue:
    """Every trade of ``n`` units fills one lot of every open order ``n`` times over; a cancel ends it."""

    def __init__(self, start_ns: int = 0) -> None:
        self.universe = Universe((pair(),))
        self.now_ns = start_ns
        self.open: dict[int, list[int]] = {}  # order id: lots, filled
        self.next_trade_id = 1
        self.taken: list[tuple[int, int, int]] = []  # when, kind, order id
        self.happened: list[int] = []
        self._waiting: list[Any] = []

    def request(self, commands: Any) -> Any:
        rows = []
        for command in commands:
            kind, order_id = int(command["kind"]), int(command["order"]["id"])
            self.taken.append((self.now_ns, kind, order_id))
            if kind == PLACE:
                self.open[order_id] = [int(command["order"]["qty_lots"]), 0]
                rows.append(self._row(ORDER_ACCEPTED, order_id))
            elif kind == QUERY:
                rows.append(self._row(ORDER_STATUS, order_id, fill_ticks=WORKING if order_id in self.open else 0))
            elif order_id not in self.open:
                rows.append(self._row(ORDER_REJECTED, order_id, flags=8, reason=7))
            elif kind == CANCEL:
                del self.open[order_id]
                rows.append(self._row(ORDER_CANCELLED, order_id))
        return np.array(rows, EVENT) if rows else np.zeros(0, EVENT)

    def feed(self, events: Any) -> None:
        for event in events:
            self.now_ns = max(self.now_ns, int(event["ts_ns"]))
            self.happened.append(int(event["ts_ns"]))
            if event["kind"] == TRADE:
                self._fill(int(event["quantity"]))

    def _fill(self, lots: int) -> None:
        for order_id, order in list(self.open.items()):
            filled = min(lots, order[0] - order[1])
            order[1] += filled
            left = order[0] - order[1]
            self._waiting.append(
                self._row(ORDER_FILLED, order_id, fill_lots=filled, trade_id=self.next_trade_id, reason=left)
            )
            self.next_trade_id += 1
            if left == 0:
                del self.open[order_id]

    def advance(self, now_ns: int) -> None:
        assert now_ns >= self.now_ns, "time went back"
        self.now_ns = now_ns

    def drain(self) -> Any:
        waiting, self._waiting = self._waiting, []
        return np.array(waiting, EVENT) if waiting else np.zeros(0, EVENT)

    def depth(self, symbol: int, n: int) -> tuple[Any, Any]:
        return np.array([[99, 5], [98, 7]]), np.array([[101, 6]])

    def state(self) -> Any:
        open_orders = np.array([(k, *v) for k, v in self.open.items()], dtype=np.int64).reshape(-1, 3)
        return {"open": open_orders, "scalars": np.array([self.now_ns, self.next_trade_id])}

    def restore(self, state: Any) -> None:
        self.open = {int(k): [int(lots), int(filled)] for k, lots, filled in state["open"]}
        self.now_ns, self.next_trade_id = (int(x) for x in state["scalars"])

    def _row(self, kind: int, order_id: int, **fields: int) -> Any:
        row = np.zeros(1, EVENT)
        row["ts_ns"], row["kind"], row["order_id"] = self.now_ns, kind, order_id
        for name, value in fields.items():
            row[name] = value
        return row[0]
