"""What the served exchange remembers of an order, a fill and an order list: the names and texts that a client knows.

The simulated exchange keeps the truth in its own records under integer ids; these are its face. They are plain values,
so that they can be written to a file and read back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bot4.app.exchange_server.order_requests import OrderRequest

PENDING_NEW = "PENDING_NEW"  # of a list, waiting for its working order
NEW = "NEW"
PARTIALLY_FILLED = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELED = "CANCELED"
REJECTED = "REJECTED"
EXPIRED = "EXPIRED"
EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
OPEN = (PENDING_NEW, NEW, PARTIALLY_FILLED)
NO_LIST = -1


@dataclass(slots=True)
class FillRecord:
    """One execution of an order.

    Attributes:
        trade_id: rises, unique at the exchange.
        price_ticks, qty_lots: of this execution.
        fee_atoms: paid by the account, of the fee's asset; negative is a rebate.
        fee_asset: its code.
        ts_ms: when.
    """

    trade_id: int
    price_ticks: int
    qty_lots: int
    fee_atoms: int
    fee_asset: str
    ts_ms: int
    is_maker: bool


@dataclass(slots=True)
class OrderRecord:
    """One order as its client sees it.

    Attributes:
        venue_id: Binance's ``orderId``.
        order_id: the id under which the simulated exchange has it.
        client_id: ``clientOrderId``; after a cancel that of the cancel request.
        status: Binance's name.
        value: sum of ticks times lots of its fills, ``cummulativeQuoteQty`` on the grid.
        is_working: it stands in the book, or did (a stop is not before its trigger).
    """

    venue_id: int
    order_id: int
    client_id: str
    symbol: int
    kind: str
    side: int
    time_in_force: str
    qty_lots: int
    limit_ticks: int
    stop_ticks: int
    display_lots: int
    self_trade: int
    trail_delta: str
    quote_qty: str
    is_reduce_only: bool
    closes_position: bool
    working_type: str
    expires_ms: int
    ts_ms: int
    list_id: int = NO_LIST
    status: str = NEW
    original_client_id: str = ""
    filled_lots: int = 0
    value: int = 0
    updated_ms: int = 0
    working_ms: int = -1
    is_working: bool = False
    fills: list[FillRecord] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.status in OPEN

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> OrderRecord:
        """From what :meth:`to_json` gave."""
        fills = [FillRecord(**fill) for fill in values.pop("fills")]
        return cls(**values, fills=fills)


@dataclass(slots=True)
class ListRecord:
    """One order list: OCO, or OTO (which holds an OTOCO too, as Binance names it)."""

    list_id: int
    client_id: str
    symbol: int
    contingency: str
    venue_ids: list[int]
    ts_ms: int
    is_executing: bool = True

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def new_record(
    request: OrderRequest, venue_id: int, order_id: int, client_id: str, self_trade: int, ts_ms: int
) -> OrderRecord:
    """The record of an order that was just asked for."""
    return OrderRecord(
        venue_id=venue_id,
        order_id=order_id,
        client_id=client_id,
        symbol=request.listing.symbol,
        kind=request.kind,
        side=request.side,
        time_in_force=request.time_in_force,
        qty_lots=request.qty_lots,
        limit_ticks=request.limit_ticks,
        stop_ticks=request.stop_ticks,
        display_lots=request.display_lots,
        self_trade=self_trade,
        trail_delta=request.trail_delta,
        quote_qty="" if request.quote_qty is None else str(request.quote_qty),
        is_reduce_only=request.is_reduce_only,
        closes_position=request.is_reduce_only and request.qty_lots == 0,
        working_type=request.working_type,
        expires_ms=request.expires_ms,
        ts_ms=ts_ms,
        updated_ms=ts_ms,
    )
