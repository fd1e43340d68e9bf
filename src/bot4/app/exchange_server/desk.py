"""The order desk: what clients ask of the simulated exchange, under their own names, and what they are told.

The exchange knows integer ids and the grid; clients know ``clientOrderId`` and ``orderId``. The desk keeps the two
together, turns reports into records and user-stream messages, and remembers a bounded number of finished orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bot4.app.exchange_server.listings import NS_PER_MS, Listing
from bot4.app.exchange_server.order_requests import OrderRequest
from bot4.app.exchange_server.records import (
    CANCELED,
    EXPIRED,
    EXPIRED_IN_MATCH,
    FILLED,
    NEW,
    PARTIALLY_FILLED,
    PENDING_NEW,
    FillRecord,
    ListRecord,
    OrderRecord,
    new_record,
)
from bot4.app.exchange_server.refusals import Refusal, no_such_order, refused_order, unknown_order
from bot4.domain import events as e
from bot4.domain import orders as o
from bot4.domain import venue_reasons as reasons
from bot4.simulator.exchange import SimulatedExchange

MOST_REMEMBERED = 2_000
MOST_NAMES = 20_000
NOT_REJECTED = (reasons.NOT_FILLED, reasons.NO_LIQUIDITY, reasons.SELF_TRADE)  # taken, and ended at once
_ABOUT_OTHERS = e.ABOUT_CANCEL | e.ABOUT_REPLACE


@dataclass(frozen=True, slots=True)
class _Entry:
    """An order that is being placed, and what its names meant before."""

    request: OrderRequest
    record: OrderRecord
    named_before: int | None
    earlier: OrderRecord | None


class MessageShapes(Protocol):
    """How an interface words what it tells the user stream."""

    def order_message(
        self, record: OrderRecord, execution: str, execution_id: int, fill: FillRecord | None, reason: str
    ) -> dict[str, Any]:
        """About one order."""

    def list_message(self, record: ListRecord, orders: list[OrderRecord]) -> dict[str, Any] | None:
        """About one order list; None where the interface has none."""


class OrderDesk:
    """The orders of the one account.

    Args:
        exchange: the simulated exchange behind it.
        listings: by name.
        assets: codes by asset id.
        shapes: how messages are worded.
        remembers_ids: whether an id used again is the same order to the exchange (its idempotency profile).
        on_taking_fill: told symbol, time, ticks, lots and side of every fill that took from the market.
    """

    def __init__(
        self,
        exchange: SimulatedExchange,
        listings: Mapping[str, Listing],
        assets: tuple[str, ...],
        shapes: MessageShapes,
        *,
        is_futures: bool,
        remembers_ids: bool,
        default_self_trade: int,
        on_taking_fill: Callable[[int, int, int, int, int], None],
    ) -> None:
        self.exchange = exchange
        self.listings = listings
        self.by_symbol = {listing.symbol: listing for listing in listings.values()}
        self.orders: dict[int, OrderRecord] = {}
        self.lists: dict[int, ListRecord] = {}
        self.messages: list[dict[str, Any]] = []
        self._assets = assets
        self._shapes = shapes
        self._is_futures = is_futures
        self._remembers_ids = remembers_ids
        self._default_self_trade = default_self_trade
        self._on_taking_fill = on_taking_fill
        self._names: dict[str, int] = {}  # client id -> orderId of the latest of that name
        self._ids: dict[str, int] = {}  # client id -> id at the exchange
        self._current: dict[int, int] = {}  # id at the exchange -> orderId
        self._fresh: set[int] = set()  # ids at the exchange of one request's orders, until they are accepted
        self._refused: dict[int, int] = {}  # id at the exchange -> reason, within one request
        self._refused_about: dict[int, int] = {}
        self._next_venue_id = 1
        self._next_id = 1
        self._next_list_id = 1
        self.execution_id = 0

    @property
    def now_ms(self) -> int:
        """The exchange's time."""
        return int(self.exchange.now_ns) // NS_PER_MS

    # --- what clients ask -------------------------------------------------------------------------------------

    def place(self, request: OrderRequest) -> OrderRecord:
        """Place one order.

        Raises:
            Refusal: the exchange does not take it.
        """
        (record,) = self._place_together([request])
        return record

    def place_list(self, contingency: str, requests: list[OrderRequest], client_id: str | None) -> ListRecord:
        """Place an order list: all of it, or nothing.

        Args:
            contingency: ``OCO`` (two orders), ``OTO`` (a working order first, then one pending, or two pending
                that are an OCO).
            client_id: the list's own, or None for one made here.

        Raises:
            Refusal: the exchange does not take one of them; the others are gone then too.
        """
        orders = self._place_together(requests, contingency)
        list_id = self._next_list_id
        self._next_list_id += 1
        record = ListRecord(
            list_id,
            client_id or f"sim-list-{list_id}",
            orders[0].symbol,
            contingency,
            [order.venue_id for order in orders],
            self.now_ms,
        )
        self.lists[list_id] = record
        for order in orders:
            order.list_id = list_id
        self._tell_of_list(record)
        self._note_finished_lists(orders)
        return record

    def cancel(self, record: OrderRecord, new_client_id: str | None = None) -> OrderRecord:
        """Cancel an order, and with it the list that it belongs to.

        Raises:
            Refusal: it is not open.
        """
        if not record.is_open:
            raise unknown_order()
        record.original_client_id = record.client_id
        record.client_id = new_client_id or f"sim-cancel-{record.venue_id}"
        in_list = self.lists.get(record.list_id)
        self._ask([self._command(o.CANCEL, self._bare(record))])
        if record.is_open:
            record.client_id, record.original_client_id = record.original_client_id, ""
            raise unknown_order()
        if in_list is not None:
            for other in self._orders_of(in_list):
                if other.is_open:
                    self._ask([self._command(o.CANCEL, self._bare(other))])
        return record

    def amend(self, record: OrderRecord, qty_lots: int, new_client_id: str | None = None) -> OrderRecord:
        """Take an order down to a smaller quantity; it keeps its place in the queue.

        Raises:
            Refusal: it is not open, or the quantity is not smaller, or already filled.
        """
        if not record.is_open:
            raise no_such_order()
        if not record.filled_lots < qty_lots < record.qty_lots:
            raise Refusal(-2038, "The requested action would change no state; rejecting.")
        return self._replace(record, qty_lots, record.limit_ticks, new_client_id)

    def modify(self, record: OrderRecord, qty_lots: int, limit_ticks: int) -> OrderRecord:
        """Give a limit order another quantity and price, as futures do.

        Raises:
            Refusal: it is not open, or the exchange does not take the change.
        """
        if not record.is_open:
            raise no_such_order()
        return self._replace(record, qty_lots, limit_ticks, None)

    def _replace(self, record: OrderRecord, qty_lots: int, limit_ticks: int, new_client_id: str | None) -> OrderRecord:
        wanted = self._bare(record)
        wanted[0]["qty_lots"] = qty_lots
        wanted[0]["limit_ticks"] = limit_ticks
        wanted[0]["stop_ticks"] = record.stop_ticks
        before = (record.client_id, record.original_client_id)
        if new_client_id is not None:
            record.original_client_id, record.client_id = record.client_id, new_client_id
            self._names[new_client_id] = record.venue_id
        self._refused_about = {}
        self._ask([self._command(o.REPLACE, wanted)])
        reason = self._refused_about.get(record.order_id)
        if reason is not None:
            record.client_id, record.original_client_id = before
            raise (
                no_such_order()
                if reason == reasons.UNKNOWN_ORDER
                else refused_order(reason, is_futures=self._is_futures)
            )
        return record

    def find(self, symbol: int, venue_id: int | None, client_id: str | None) -> OrderRecord | None:
        """An order of a symbol by ``orderId`` or ``clientOrderId``; finished ones while they are remembered."""
        if venue_id is None and client_id is not None:
            venue_id = self._names.get(client_id)
        record = self.orders.get(-1 if venue_id is None else venue_id)
        return record if record is not None and record.symbol == symbol else None

    def open_orders(self, symbol: int | None = None) -> list[OrderRecord]:
        """Open orders, the oldest first."""
        return [
            record for record in self.orders.values() if record.is_open and (symbol is None or record.symbol == symbol)
        ]

    def orders_of(self, symbol: int) -> list[OrderRecord]:
        """Every remembered order of a symbol, the oldest first."""
        return [record for record in self.orders.values() if record.symbol == symbol]

    def list_orders(self, record: ListRecord) -> list[OrderRecord]:
        """The orders of a list."""
        return self._orders_of(record)

    # --- what the exchange says -------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take everything that the exchange has reported since the last time."""
        self._apply(self.exchange.drain())

    def _ask(self, commands: list[npt.NDArray[np.void]]) -> None:
        self.collect()
        self._apply(self.exchange.request(np.concatenate(commands)))

    def _apply(self, reports: npt.NDArray[np.void]) -> None:
        touched = [record for report in reports if (record := self._take(report)) is not None]
        self._note_finished_lists(touched)
        self._forget()

    def _take(self, report: Any) -> OrderRecord | None:
        record = self.orders.get(self._current.get(int(report["order_id"]), -1))
        if record is None:
            return None
        kind, flags, reason = int(report["kind"]), int(report["flags"]), int(report["reason"])
        record.updated_ms = int(report["ts_ns"]) // NS_PER_MS
        if kind == e.ORDER_ACCEPTED:
            self._take_accepted(record)
        elif kind == e.ORDER_TRIGGERED:
            self._begin_working(record)
            self._tell(record, "TRIGGERED" if self._is_futures else "NEW")
        elif kind == e.ORDER_FILLED:
            self._take_fill(record, report, flags)
        elif kind == e.ORDER_CANCELLED:
            self._end(record, _ending(reason), reason)
        elif kind == e.ORDER_EXPIRED:
            self._end(record, EXPIRED if reason != reasons.SELF_TRADE else EXPIRED_IN_MATCH, reason)
        elif kind == e.ORDER_REPLACED:
            self._take_replaced(record)
        elif kind == e.ORDER_REJECTED and flags & _ABOUT_OTHERS:
            self._refused_about[record.order_id] = reason
        elif kind == e.ORDER_REJECTED:
            self._take_rejected(record, reason)
        return record

    def _take_accepted(self, record: OrderRecord) -> None:
        self._fresh.discard(record.order_id)
        if record.status in (PENDING_NEW, NEW):
            record.status = NEW
            if not record.stop_ticks and not record.trail_delta:
                self._begin_working(record)
            self._tell(record, "NEW")

    def _begin_working(self, record: OrderRecord) -> None:
        if not record.is_working:
            record.is_working, record.working_ms = True, record.updated_ms

    def _take_fill(self, record: OrderRecord, report: Any, flags: int) -> None:
        asset = flags >> e.FEE_ASSET_SHIFT & e.FEE_ASSET_MASK
        fill = FillRecord(
            trade_id=int(report["trade_id"]),
            price_ticks=int(report["fill_ticks"]),
            qty_lots=int(report["fill_lots"]),
            fee_atoms=int(report["fee_atoms"]),
            fee_asset=self._assets[asset - 1 if asset else 0],
            ts_ms=record.updated_ms,
            is_maker=bool(flags & e.IS_MAKER),
        )
        self._begin_working(record)
        record.fills.append(fill)
        record.filled_lots += fill.qty_lots
        record.value += fill.price_ticks * fill.qty_lots
        if record.is_open:
            record.status = FILLED if int(report["reason"]) == 0 else PARTIALLY_FILLED
        if record.closes_position or record.quote_qty:
            record.qty_lots = max(record.qty_lots, record.filled_lots)
        if not fill.is_maker:
            self._on_taking_fill(record.symbol, int(report["ts_ns"]), fill.price_ticks, fill.qty_lots, record.side)
        self._tell(record, "TRADE", fill)

    def _take_replaced(self, record: OrderRecord) -> None:
        held: Any = self.exchange.order(record.order_id)
        if held is not None:
            record.qty_lots = int(held["qty_lots"])
            record.limit_ticks = int(held["limit_ticks"])
            record.stop_ticks = int(held["stop_ticks"])
        self._tell(record, "AMENDMENT" if self._is_futures else "REPLACED")

    def _take_rejected(self, record: OrderRecord, reason: int) -> None:
        is_fresh = record.order_id in self._fresh
        if is_fresh and reason not in NOT_REJECTED:
            self._refused[record.order_id] = reason
        else:  # taken before and refused when it triggered, or taken and ended at once
            self._end(record, EXPIRED_IN_MATCH if reason == reasons.SELF_TRADE else EXPIRED, reason)

    def _end(self, record: OrderRecord, status: str, reason: int) -> None:
        if not record.is_open:
            return
        record.status = status
        execution = (
            "TRADE_PREVENTION" if status == EXPIRED_IN_MATCH else "CANCELED" if status == CANCELED else "EXPIRED"
        )
        is_plain = reason in (0, reasons.ON_REQUEST)
        self._tell(record, execution, reason="NONE" if is_plain else reasons.VenueReason(reason).name)

    def _tell(self, record: OrderRecord, execution: str, fill: FillRecord | None = None, reason: str = "NONE") -> None:
        self.execution_id += 1
        self.messages.append(self._shapes.order_message(record, execution, self.execution_id, fill, reason))

    def _tell_of_list(self, record: ListRecord) -> None:
        message = self._shapes.list_message(record, self._orders_of(record))
        if message is not None:
            self.messages.append(message)

    def _note_finished_lists(self, touched: Iterable[OrderRecord]) -> None:
        for list_id in dict.fromkeys(record.list_id for record in touched):
            record = self.lists.get(list_id)
            if record is None or not record.is_executing:
                continue
            if not any(order.is_open for order in self._orders_of(record)):
                record.is_executing = False
                self._tell_of_list(record)

    # --- placing ----------------------------------------------------------------------------------------------

    def _place_together(self, requests: list[OrderRequest], contingency: str = "") -> list[OrderRecord]:
        self.collect()
        told = len(self.messages)
        entered = [self._enter(request) for request in requests]
        ids = [entry.record.order_id for entry in entered]
        commands = [
            self._command(o.PLACE, self._placed(entry, link))
            for entry, link in zip(entered, _links(contingency, ids), strict=True)
        ]
        self._refused, self._fresh = {}, set(ids)
        self._apply(self.exchange.request(np.concatenate(commands)))
        self._fresh = set()
        records = [entry.record for entry in entered]
        reason = next((self._refused[order_id] for order_id in ids if order_id in self._refused), None)
        if reason is None:
            return records
        for record in records:
            if record.is_open and record.order_id not in self._refused:
                self._ask([self._command(o.CANCEL, self._bare(record))])
        if not any(record.filled_lots for record in records):
            del self.messages[told:]
            for entry in reversed(entered):
                self._withdraw(entry)
        raise refused_order(reason, is_futures=self._is_futures)

    def _enter(self, request: OrderRequest) -> _Entry:
        """Give an order its ids and names; a duplicate of an open one gets none, and is the exchange's to refuse."""
        venue_id = self._next_venue_id
        self._next_venue_id += 1
        client_id = request.client_id or f"sim-{venue_id}"
        order_id = self._ids.get(client_id, 0) if self._remembers_ids else 0
        if order_id == 0:
            order_id = self._next_id
            self._next_id += 1
        self_trade = self._self_trade(request)
        record = new_record(request, venue_id, order_id, client_id, self_trade, self.now_ms)
        earlier = self.orders.get(self._current.get(order_id, -1))
        entry = _Entry(request, record, self._names.get(client_id), earlier)
        if earlier is None or not earlier.is_open:
            self.orders[venue_id] = record
            self._names[client_id], self._ids[client_id] = venue_id, order_id
            self._current[order_id] = venue_id
        return entry

    def _self_trade(self, request: OrderRequest) -> int:
        """The order's prevention mode; the exchange lets an account trade with itself only where that is its rule."""
        if request.self_trade == o.TRADE_WITH_SELF and self._default_self_trade != o.TRADE_WITH_SELF:
            raise Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")
        return self._default_self_trade if request.self_trade < 0 else request.self_trade

    def _placed(self, entry: _Entry, link: dict[str, int]) -> npt.NDArray[np.void]:
        placed = entry.request.record(entry.record.order_id, self.exchange.now_ns, self._default_self_trade)
        placed[0]["parent_id"] = link.get("parent_id", 0)
        placed[0]["group_id"] = link.get("group_id", 0)
        placed[0]["flags"] |= link.get("flags", 0)
        if "parent_id" in link:
            entry.record.status = PENDING_NEW
        return placed

    def _withdraw(self, entry: _Entry) -> None:
        """Forget an order that was refused, and let its names mean again what they meant before."""
        record, earlier = entry.record, entry.earlier
        if self.orders.pop(record.venue_id, None) is None:
            return
        if entry.named_before is None:
            self._names.pop(record.client_id, None)
        else:
            self._names[record.client_id] = entry.named_before
        if earlier is None:
            self._current.pop(record.order_id, None)
        else:
            self._current[record.order_id] = earlier.venue_id

    def _bare(self, record: OrderRecord) -> npt.NDArray[np.void]:
        wanted = np.zeros(1, dtype=o.ORDER)
        wanted[0]["id"] = record.order_id
        wanted[0]["symbol"] = record.symbol
        return wanted

    def _command(self, kind: int, order: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
        command = np.zeros(1, dtype=o.COMMAND)
        command[0]["kind"] = kind
        command[0]["ts_ns"] = self.exchange.now_ns
        command[0]["order"] = order[0]
        return command

    def _orders_of(self, record: ListRecord) -> list[OrderRecord]:
        return [self.orders[venue_id] for venue_id in record.venue_ids if venue_id in self.orders]

    def _forget(self) -> None:
        if len(self.orders) <= MOST_REMEMBERED + o.MAX_ORDERS:
            return
        finished = [venue_id for venue_id, record in self.orders.items() if not record.is_open]
        for venue_id in finished[: len(self.orders) - MOST_REMEMBERED]:
            record = self.orders.pop(venue_id)
            for names, key in ((self._names, record.client_id), (self._names, record.original_client_id)):
                if names.get(key) == venue_id:
                    del names[key]
            if self._current.get(record.order_id) == venue_id:
                del self._current[record.order_id]
        for list_id in [list_id for list_id, record in self.lists.items() if not self._orders_of(record)]:
            del self.lists[list_id]
        while len(self._ids) > MOST_NAMES:
            del self._ids[next(iter(self._ids))]

    # --- to a file and back -----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that the desk remembers, as plain values."""
        return {
            "orders": [record.to_json() for record in self.orders.values()],
            "lists": [record.to_json() for record in self.lists.values()],
            "names": self._names,
            "ids": self._ids,
            "next": [self._next_venue_id, self._next_id, self._next_list_id, self.execution_id],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        records = [OrderRecord.from_json(dict(values)) for values in state["orders"]]
        self.orders = {record.venue_id: record for record in records}
        self.lists = {values["list_id"]: ListRecord(**values) for values in state["lists"]}
        self._names, self._ids = dict(state["names"]), dict(state["ids"])
        self._current = {record.order_id: record.venue_id for record in records}
        self._next_venue_id, self._next_id, self._next_list_id, self.execution_id = state["next"]


def _ending(reason: int) -> str:
    if reason in (0, reasons.ON_REQUEST):
        return CANCELED
    return EXPIRED_IN_MATCH if reason == reasons.SELF_TRADE else EXPIRED


def _links(contingency: str, ids: list[int]) -> list[dict[str, int]]:
    """How the orders of a list hang together at the exchange, by their ids there."""
    if contingency == "OCO":
        return [{"group_id": ids[0], "flags": o.CANCELS_SIBLINGS}] * len(ids)
    if contingency == "":
        return [{}] * len(ids)
    pending = {"parent_id": ids[0], "flags": o.WAITS_FOR_FULL_FILL}
    if len(ids) > 2:
        pending |= {"group_id": ids[1], "flags": o.WAITS_FOR_FULL_FILL | o.CANCELS_SIBLINGS}
    return [{}, *[pending] * (len(ids) - 1)]
