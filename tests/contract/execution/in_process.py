"""The simulator in process: commands in, reports out, no names, no network."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from bot4.app.exchange_server.market_driver import joined
from bot4.domain import events as e
from bot4.domain import orders as o
from bot4.domain import venue_reasons as reasons
from bot4.domain.orders import OrderStatus
from bot4.simulator.exchange import SimulatedExchange
from tests.contract.execution.driver import (
    ASKS,
    BIDS,
    Answer,
    Balance,
    Capability,
    Fill,
    Levels,
    Order,
    Outcome,
    Setup,
    View,
    Why,
)
from tests.contract.execution.venues import choice

START_NS = 1_767_225_600_000_000_000
TYPES = {
    "market": o.MARKET,
    "limit": o.LIMIT,
    "stop": o.STOP,
    "stop_limit": o.STOP_LIMIT,
    "take_profit": o.TAKE_PROFIT,
    "take_profit_limit": o.TAKE_PROFIT_LIMIT,
    "trailing_stop": o.TRAILING_STOP,
}
TIMES = {
    "GTC": o.GOOD_TILL_CANCELLED,
    "IOC": o.IMMEDIATE_OR_CANCEL,
    "FOK": o.FILL_OR_KILL,
    "GTD": o.GOOD_TILL_DATE,
    "DAY": o.DAY,
}
SELF_TRADE = {
    "": 0,
    "none": o.TRADE_WITH_SELF,
    "newest": o.CANCEL_NEWEST,
    "oldest": o.CANCEL_OLDEST,
    "both": o.CANCEL_BOTH,
    "decrement": o.DECREMENT,
}
WHY = {
    reasons.OFF_TICK: Why.PRICE_STEP,
    reasons.BAD_PRICE: Why.PRICE_STEP,
    reasons.OFF_LOT: Why.QUANTITY,
    reasons.BAD_QUANTITY: Why.QUANTITY,
    reasons.BELOW_MIN_LOTS: Why.QUANTITY,
    reasons.ABOVE_MAX_LOTS: Why.QUANTITY,
    reasons.BELOW_MIN_NOTIONAL: Why.NOTIONAL,
    reasons.ABOVE_MAX_NOTIONAL: Why.NOTIONAL,
    reasons.PERCENT_PRICE: Why.PERCENT_PRICE,
    reasons.TOO_MANY_ORDERS: Why.TOO_MANY_ORDERS,
    reasons.TOO_MANY_STOPS: Why.TOO_MANY_STOPS,
    reasons.TOO_MANY_ICEBERG_PARTS: Why.ICEBERG_PARTS,
    reasons.POSITION_LIMIT: Why.POSITION,
    reasons.WOULD_TAKE: Why.WOULD_TAKE,
    reasons.WOULD_TRIGGER: Why.WOULD_TRIGGER,
    reasons.NO_BALANCE: Why.FUNDS,
    reasons.BEYOND_HOLDINGS: Why.FUNDS,
    reasons.NO_MARGIN: Why.FUNDS,
    reasons.DUPLICATE_ORDER: Why.DUPLICATE,
    reasons.UNKNOWN_ORDER: Why.UNKNOWN_ORDER,
    reasons.NOTHING_TO_REDUCE: Why.NOTHING_TO_REDUCE,
    reasons.BAD_ORDER: Why.BAD_REQUEST,
    reasons.RATE_LIMITED: Why.RATE,
    reasons.BANNED: Why.BANNED,
    reasons.OUTSIDE_WINDOW: Why.OUTSIDE_WINDOW,
    reasons.CLOCK_AHEAD: Why.OUTSIDE_WINDOW,
}
STATUS = {
    OrderStatus.HELD: "held",
    OrderStatus.WORKING: "new",
    OrderStatus.TRIGGERED: "new",
    OrderStatus.PARTLY_FILLED: "partly",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "rejected",
}
ENDED_AT_ONCE = (reasons.NOT_FILLED, reasons.NO_LIQUIDITY, reasons.SELF_TRADE)
BEFORE = ("timeout_before", "unknown_before")
AFTER = ("ack_lost", "timeout_after", "unknown_after")
REFUSING = {"overloaded": Why.UNAVAILABLE, "refusal": Why.OTHER}


class SimulatorDriver:
    """:class:`~bot4.simulator.exchange.SimulatedExchange`, called directly."""

    name = "in process"
    missing: Mapping[Capability, str] = {}

    def open(self, setup: Setup) -> None:
        self.setup = setup
        self.choice = choice(setup)
        self.instrument = self.choice.universe.instruments[0]
        self.exchange = self._new_exchange()
        self.ids: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.n_ids = 0
        self.faults: dict[str, int] = {}
        self.is_closed = False
        self.stamp_offset_ns = 0
        self.set_market(BIDS, ASKS)

    def close(self) -> None:
        del self.exchange

    def _new_exchange(self) -> SimulatedExchange:
        made = self.choice
        return SimulatedExchange(made.universe, made.profile, balances=made.balances, seed=1, start_ns=START_NS)

    # --- asking -----------------------------------------------------------------------------------------------

    def place(self, order: Order) -> Answer:
        return self._ask([self._placed(order, self._id(order.id))], self._id(order.id))

    def place_list(self, kind: str, orders: tuple[Order, ...]) -> Answer:
        rows = [self._placed(order, self._id(order.id)) for order in orders]
        ids = [self.ids[order.id] for order in orders]
        legs, working = (rows, 0) if kind == "OCO" else (rows[1:], ids[0])
        for row in legs:
            if len(legs) > 1:
                row[0]["order"]["group_id"] = ids[len(ids) - len(legs)]
                row[0]["order"]["flags"] |= o.CANCELS_SIBLINGS
            if working:
                row[0]["order"]["parent_id"] = working
                row[0]["order"]["flags"] |= o.WAITS_FOR_FULL_FILL
        answer = self._ask(rows, *ids)
        if answer.outcome is Outcome.REFUSED:
            for order_id in ids:
                self._ask([self._command(o.CANCEL, order_id)], order_id)
        return answer

    def cancel(self, order_id: str) -> Answer:
        return self._ask([self._command(o.CANCEL, self._id(order_id))], self._id(order_id))

    def amend(self, order_id: str, qty: str) -> Answer:
        held: Any = self.exchange.order(self._id(order_id))
        lots = self._lots(qty)
        if held is not None and not int(held["filled_lots"]) < lots < int(held["qty_lots"]):
            return Answer(Outcome.REFUSED, Why.NO_CHANGE)
        command = self._command(o.REPLACE, self._id(order_id))
        command[0]["order"]["qty_lots"] = lots
        if held is not None:
            command[0]["order"]["limit_ticks"] = held["limit_ticks"]
            command[0]["order"]["stop_ticks"] = held["stop_ticks"]
        return self._ask([command], self._id(order_id))

    def cancel_replace(self, order_id: str, order: Order) -> Answer:
        cancelled = self.cancel(order_id)
        return self.place(order) if cancelled else cancelled

    def _ask(self, commands: list[Any], *ids: int) -> Answer:
        if self.is_closed:
            return Answer(Outcome.REFUSED, Why.UNAVAILABLE)
        fault = next((kind for kind, count in self.faults.items() if count), None)
        if fault is not None:
            self.faults[fault] -= 1
        if fault in REFUSING:
            return Answer(Outcome.REFUSED, REFUSING[fault])
        if fault in BEFORE:
            return Answer(Outcome.UNKNOWN)
        reports = self.exchange.request(np.concatenate(commands))
        if fault in AFTER:
            return Answer(Outcome.UNKNOWN)
        for report in reports[reports["kind"] == e.ORDER_REJECTED]:
            reason = int(report["reason"])
            if int(report["order_id"]) in ids and reason not in ENDED_AT_ONCE:
                return Answer(Outcome.REFUSED, WHY.get(reason, Why.OTHER))
        return Answer(Outcome.DONE)

    # --- seeing -----------------------------------------------------------------------------------------------

    def query(self, order_id: str) -> View | None:
        held: Any = self.exchange.order(self.ids.get(order_id, -1))
        return None if held is None or int(held["status"]) == OrderStatus.REJECTED else self._view(held)

    def open_orders(self) -> list[View]:
        return [self._view(row) for row in self.exchange.open_orders()]

    def _view(self, row: Any) -> View:
        mine = [fill for fill in self.exchange.fills() if fill["order_id"] == row["id"]]
        lots = sum(int(fill["qty_lots"]) for fill in mine)
        value = sum(int(fill["qty_lots"]) * int(fill["price_ticks"]) for fill in mine)
        return View(
            self.names[int(row["id"])],
            STATUS[OrderStatus(int(row["status"]))],
            self._qty(int(row["qty_lots"])),
            self._qty(int(row["filled_lots"])),
            self._price(int(row["limit_ticks"])),
            Decimal(value) / lots * self.instrument.tick_size if lots else Decimal(0),
        )

    def fills(self) -> list[Fill]:
        return [
            Fill(
                int(row["trade_id"]),
                self.names[int(row["order_id"])],
                "buy" if row["side"] == o.BUY else "sell",
                self._price(int(row["price_ticks"])),
                self._qty(int(row["qty_lots"])),
                *self._fee(row),
                bool(row["is_maker"]),
            )
            for row in self.exchange.fills()
        ]

    def _fee(self, row: Any) -> tuple[Decimal, str]:
        """A fill's fee and its asset; no asset of its own is what the symbol settles in."""
        universe = self.choice.universe
        asset = universe.assets[int(row["fee_asset"]) - 1] if row["fee_asset"] else universe.quote
        return Decimal(int(row["fee_atoms"])).scaleb(-universe.decimals(asset)), asset

    def balances(self) -> Mapping[str, Balance]:
        universe = self.choice.universe
        return {
            asset: Balance(
                Decimal(free).scaleb(-universe.decimals(asset)), Decimal(locked).scaleb(-universe.decimals(asset))
            )
            for asset, (free, locked) in self.exchange.balances().items()
        }

    def position(self) -> Decimal:
        return self._qty(int(self.exchange.positions()[0]["lots"]))

    def depth(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        bids, asks = self.exchange.depth(0, 100)
        return tuple({self._price(int(p)): self._qty(int(q)) for p, q in side} for side in (bids, asks))  # type: ignore[return-value]

    # --- the market, time, faults -----------------------------------------------------------------------------

    def set_market(self, bids: Levels, asks: Levels) -> None:
        levels = [(o.BUY, *level) for level in bids] + [(o.SELL, *level) for level in asks]
        rows = [
            self._event(
                e.BOOK_CHANGE,
                level_ticks=self._ticks(price),
                level_quantity=float(qty),
                level_side=side,
            )
            for side, price, qty in levels
        ]
        rows[0]["flags"] = e.IS_BOOK_RESET
        self.exchange.feed(joined(rows))

    def trade(self, price: str, qty: str, taker: str) -> None:
        side = o.BUY if taker == "buy" else o.SELL
        row = self._event(e.TRADE, price_ticks=self._ticks(price), quantity=float(qty), aggressor=side)
        self.exchange.feed(row)

    def mark(self, price: str) -> None:
        self.exchange.feed(self._event(e.MARK_PRICE, mark_ticks=self._ticks(price)))

    def advance(self, seconds: float) -> None:
        self.exchange.advance(self.exchange.now_ns + int(seconds * 1_000_000_000))

    def inject_fault(self, kind: str, **values: float | str) -> None:
        if kind == "maintenance":
            self.is_closed = True
        elif kind == "clock_skew":
            self.stamp_offset_ns = -1_000_000 * int(values["skew_ms"])
        else:
            self.faults[kind] = int(values.get("count", 1))

    def clear_faults(self) -> None:
        self.faults, self.is_closed, self.stamp_offset_ns = {}, False, 0

    def restart(self) -> None:
        kept = {
            name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
            for name, array in self.exchange.state().items()
        }
        self.exchange = self._new_exchange()
        self.exchange.restore(kept)

    def request_repeatedly(self, n_requests: int) -> list[Answer]:
        return [self._weighty() for _ in range(n_requests)]

    def _weighty(self) -> Answer:
        """A command weighs one: twenty of them are such a request, which ends with the first that is refused."""
        command = self._command(o.QUERY, self._id("nobody"))
        for _ in range(20):
            answer = self._ask([command], self._id("nobody"))
            if not answer:
                break
        return answer

    def place_stamped(self, order: Order, offset_ms: int, window_ms: int) -> Answer:
        command = self._placed(order, self._id(order.id))
        command[0]["ts_ns"] += 1_000_000 * offset_ms
        return self._ask([command], self._id(order.id))

    # --- units ------------------------------------------------------------------------------------------------

    def _id(self, name: str) -> int:
        """The id of a name; where the venue remembers nothing, a name used again is another id."""
        if name not in self.ids:
            self.n_ids += 1
            self.ids[name] = self.n_ids
            self.names[self.n_ids] = name
        return self.ids[name]

    def _placed(self, order: Order, order_id: int) -> Any:
        command = self._command(o.PLACE, order_id)
        row = command[0]["order"]
        row["approval_id"] = 1
        row["side"] = o.BUY if order.side == "buy" else o.SELL
        row["type"] = TYPES[order.type]
        row["role"] = o.ENTRY
        row["time_in_force"] = TIMES[order.time_in_force]
        row["flags"] = (
            o.POST_ONLY * order.post_only + o.CLOSE_POSITION * order.close_position + o.TRIGGERS_ON_MARK * order.on_mark
        )
        row["is_reduce_only"] = order.reduce_only or order.close_position
        default = int(self.choice.profile.self_trade)
        row["self_trade"] = SELF_TRADE[order.self_trade] if order.self_trade else default
        row["qty_lots"] = self._lots(order.qty) if order.qty else 0
        row["limit_ticks"] = self._ticks(order.price) if order.price else 0
        row["stop_ticks"] = self._ticks(order.stop) if order.stop else 0
        row["display_lots"] = self._lots(order.shown) if order.shown else 0
        if order.trail_bips:
            bids, asks = self.exchange.depth(0, 1)
            best = int(asks[0, 0]) if order.side == "buy" else int(bids[0, 0])
            row["trail_ticks"] = round(best * Decimal(order.trail_bips) / 10_000)
        if order.good_for_s:
            row["ts_expire_ns"] = self.exchange.now_ns + order.good_for_s * 1_000_000_000
        return command

    def _command(self, kind: int, order_id: int) -> Any:
        command = np.zeros(1, dtype=o.COMMAND)
        command[0]["kind"] = kind
        command[0]["ts_ns"] = self.exchange.now_ns + self.stamp_offset_ns
        command[0]["order"]["id"] = order_id
        return command

    def _event(self, kind: int, **fields: Any) -> Any:
        row = np.zeros(1, dtype=e.EVENT)
        row[0]["kind"] = kind
        row[0]["ts_ns"] = self.exchange.now_ns
        for name, value in fields.items():
            row[0][name] = value
        return row

    def _ticks(self, price: str) -> int:
        return int(Decimal(price) / self.instrument.tick_size)

    def _lots(self, qty: str) -> int:
        return int(Decimal(qty) / self.instrument.lot_size)

    def _price(self, ticks: int) -> Decimal:
        return ticks * self.instrument.tick_size

    def _qty(self, lots: int) -> Decimal:
        return lots * self.instrument.lot_size
