"""What a venue must offer to the conformance suite: a small protocol, and the words that cases speak in.

A new venue is one class that is an :class:`ExecutionDriver`. What it cannot express it leaves out of ``capabilities``
with the reason; cases that need it are then reported as not applicable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Protocol

SYMBOL = "ETHUSDT"
Levels = tuple[tuple[str, str], ...]  # price and quantity, the best first


class Capability(Enum):
    """What only some venues, or only some ways to them, can express."""

    SPOT = "an account of balances"
    LINEAR = "a margin account with positions"
    GOOD_TILL_DATE = "orders until a time"
    DAY = "orders until the end of the day"
    ORDER_LISTS = "one-cancels-other and one-triggers-other at the venue"
    AMEND = "amendments that keep the place in the queue"
    CANCEL_REPLACE = "one request that cancels and places"
    ICEBERG = "orders that show a part"
    REQUESTS = "requests with weight, windows and timestamps"


class Outcome(Enum):
    """What the one who asked knows afterwards."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Why(Enum):
    """Reasons of a refusal, as far as every venue tells them apart."""

    NONE = "none"
    PRICE_STEP = "price off the grid, or out of bounds"
    QUANTITY = "quantity off the grid, or out of bounds"
    NOTIONAL = "value out of bounds"
    PERCENT_PRICE = "price too far from the market"
    TOO_MANY_ORDERS = "too many open orders"
    TOO_MANY_STOPS = "too many open stops"
    ICEBERG_PARTS = "too many parts of an iceberg"
    POSITION = "position too large"
    WOULD_TAKE = "would take"
    WOULD_TRIGGER = "would trigger at once"
    FUNDS = "not enough balance or margin"
    DUPLICATE = "an id that is known"
    UNKNOWN_ORDER = "no such open order"
    NOTHING_TO_REDUCE = "nothing to reduce"
    NO_CHANGE = "an amendment that changes nothing allowed"
    OUTSIDE_WINDOW = "timestamp outside the window"
    RATE = "too many requests"
    BANNED = "banned"
    UNAVAILABLE = "closed or overloaded"
    BAD_REQUEST = "a request that makes no sense"
    OTHER = "another reason"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended for the one who asked."""

    outcome: Outcome
    why: Why = Why.NONE

    def __bool__(self) -> bool:
        return self.outcome is Outcome.DONE


@dataclass(frozen=True, slots=True)
class Order:
    """An order as a case asks for it; numbers are texts in base and quote units, empty for none."""

    id: str
    side: str
    type: str
    qty: str
    price: str = ""
    stop: str = ""
    trail_bips: int = 0
    time_in_force: str = "GTC"
    post_only: bool = False
    reduce_only: bool = False
    close_position: bool = False
    on_mark: bool = False
    shown: str = ""
    self_trade: str = ""
    good_for_s: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """An order as the venue shows it. ``status``: held, new, partly, filled, cancelled, expired or rejected."""

    id: str
    status: str
    qty: Decimal
    filled: Decimal
    price: Decimal
    average: Decimal

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.status in ("held", "new", "partly")


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution."""

    trade_id: int
    order_id: str
    side: str
    price: Decimal
    qty: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """What is free and what orders have locked."""

    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.free + self.locked


@dataclass(frozen=True)
class Setup:
    """The venue that a case wants.

    Attributes:
        market: ``spot`` or ``linear``.
        balances: what the account starts with.
        filters: fields of :class:`~bot4.simulator.rules.filters.FilterSettings`.
        idempotency: ``NONE``, ``OPEN_ORDERS`` or ``DAY``.
        maker_fee, taker_fee: fractions.
        self_trade: what becomes of orders of the account that would trade with one another.
        limits: ``weight`` a minute and ``orders`` in ten seconds, ``refusals_before_ban``.
        fees: fields of :class:`~bot4.simulator.rules.fee_schedule.FeeSettings` beside the first tier;
            ``tier`` is a second one: from which volume, and its maker's and taker's fee.
    """

    market: str = "spot"
    balances: Mapping[str, str] = field(default_factory=lambda: {"USDT": "100000", "ETH": "100"})
    filters: Mapping[str, object] = field(default_factory=dict)
    idempotency: str = "OPEN_ORDERS"
    maker_fee: str = "0.001"
    taker_fee: str = "0.001"
    fees: Mapping[str, str] = field(default_factory=dict)
    self_trade: str = "newest"
    limits: Mapping[str, int] = field(default_factory=dict)


BIDS: Levels = (("2000.00", "5"), ("1999.00", "10"), ("1998.00", "20"))
ASKS: Levels = (("2001.00", "5"), ("2002.00", "10"), ("2003.00", "20"))


class ExecutionDriver(Protocol):
    """One way to a venue. Every call returns when the venue has done what it does about it."""

    name: str
    missing: Mapping[Capability, str]  # what it cannot express, and why

    def open(self, setup: Setup) -> None:
        """A venue of that setup, fresh, with :data:`BIDS` and :data:`ASKS` in its book."""

    def close(self) -> None:
        """Give it back."""

    def place(self, order: Order) -> Answer:
        """Place one order."""

    def place_list(self, kind: str, orders: tuple[Order, ...]) -> Answer:
        """Place ``OCO`` (two legs), ``OTO`` (working, pending) or ``OTOCO`` (working, two legs)."""

    def cancel(self, order_id: str) -> Answer:
        """Cancel an order."""

    def amend(self, order_id: str, qty: str) -> Answer:
        """Lower an order's quantity, keeping its place."""

    def cancel_replace(self, order_id: str, order: Order) -> Answer:
        """Cancel an order and place another in one request; nothing is placed where the cancel fails."""

    def query(self, order_id: str) -> View | None:
        """What became of an order; None where the venue knows of none."""

    def open_orders(self) -> list[View]:
        """Orders that may still fill."""

    def fills(self) -> list[Fill]:
        """Every execution so far, in order."""

    def balances(self) -> Mapping[str, Balance]:
        """By asset."""

    def position(self) -> Decimal:
        """Signed position, of a margin account."""

    def depth(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        """Bids and asks that the public sees, quantity by price."""

    def set_market(self, bids: Levels, asks: Levels) -> None:
        """Put this book in the place of the old one."""

    def trade(self, price: str, qty: str, taker: str) -> None:
        """Let others trade: ``taker`` says who took, ``buy`` or ``sell``."""

    def mark(self, price: str) -> None:
        """Set the mark price."""

    def advance(self, seconds: float) -> None:
        """Let time pass."""

    def inject_fault(self, kind: str, **values: float | str) -> None:
        """Put a fault to work; the kinds are those of :mod:`bot4.app.exchange_server.faults`."""

    def clear_faults(self) -> None:
        """End every fault."""

    def restart(self) -> None:
        """Let the venue crash and come back with what it keeps."""

    def request_repeatedly(self, n_requests: int) -> list[Answer]:
        """Ask something of weight 20 so many times."""

    def place_stamped(self, order: Order, offset_ms: int, window_ms: int) -> Answer:
        """Place an order whose request is stamped so far from the venue's clock."""
