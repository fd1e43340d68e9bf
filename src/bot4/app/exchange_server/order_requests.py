"""From the parameters of a Binance order to what the simulated exchange is asked: types, times in force, flags.

What an order type needs and what it must not have is Binance's own table; what the exchange refuses beyond it (filters,
balances, a trigger that is passed) is the exchange's to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.app.exchange_server.listings import NS_PER_MS, Listing
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.refusals import Refusal, missing, not_needed
from bot4.domain import orders as o

SIDES = {"BUY": o.BUY, "SELL": o.SELL}
SELF_TRADE = {
    "NONE": o.TRADE_WITH_SELF,
    "EXPIRE_TAKER": o.CANCEL_NEWEST,
    "EXPIRE_MAKER": o.CANCEL_OLDEST,
    "EXPIRE_BOTH": o.CANCEL_BOTH,
    "DECREMENT": o.DECREMENT,
}
SELF_TRADE_NAMES = {value: name for name, value in SELF_TRADE.items()}
TIMES_IN_FORCE = {
    "GTC": o.GOOD_TILL_CANCELLED,
    "IOC": o.IMMEDIATE_OR_CANCEL,
    "FOK": o.FILL_OR_KILL,
    "GTX": o.GOOD_TILL_CANCELLED,  # post-only, of futures
    "GTD": o.GOOD_TILL_DATE,
}
RESPONSES = ("ACK", "RESULT", "FULL")
APPROVED = 1  # orders of a served client come past no gate of ours: the client has its own
_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What an order type of Binance is at the simulated exchange, and which parameters it takes."""

    type: int
    needs: tuple[str, ...]
    flags: int = 0


SPOT_KINDS = {
    "LIMIT": Kind(o.LIMIT, ("timeInForce", "quantity", "price")),
    "MARKET": Kind(o.MARKET, ("quantity",)),
    "STOP_LOSS": Kind(o.STOP, ("quantity", "stopPrice")),
    "STOP_LOSS_LIMIT": Kind(o.STOP_LIMIT, ("timeInForce", "quantity", "price", "stopPrice")),
    "TAKE_PROFIT": Kind(o.TAKE_PROFIT, ("quantity", "stopPrice")),
    "TAKE_PROFIT_LIMIT": Kind(o.TAKE_PROFIT_LIMIT, ("timeInForce", "quantity", "price", "stopPrice")),
    "LIMIT_MAKER": Kind(o.LIMIT, ("quantity", "price"), o.POST_ONLY),
}
FUTURES_KINDS = {
    "LIMIT": Kind(o.LIMIT, ("timeInForce", "quantity", "price")),
    "MARKET": Kind(o.MARKET, ("quantity",)),
    "STOP": Kind(o.STOP_LIMIT, ("quantity", "price", "stopPrice")),
    "STOP_MARKET": Kind(o.STOP, ("quantity", "stopPrice")),
    "TAKE_PROFIT": Kind(o.TAKE_PROFIT_LIMIT, ("quantity", "price", "stopPrice")),
    "TAKE_PROFIT_MARKET": Kind(o.TAKE_PROFIT, ("quantity", "stopPrice")),
    "TRAILING_STOP_MARKET": Kind(o.TRAILING_STOP, ("quantity",)),
}
_PRICED = ("timeInForce", "price", "stopPrice")


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as a client asked for it, in the exchange's own units; zero where there is none."""

    listing: Listing
    kind: str
    type: int
    side: int
    time_in_force: str
    qty_lots: int
    limit_ticks: int = 0
    stop_ticks: int = 0
    trail_ticks: int = 0
    display_lots: int = 0
    flags: int = 0
    self_trade: int = -1  # the venue's own
    expires_ms: int = 0
    is_reduce_only: bool = False
    client_id: str | None = None
    quote_qty: Decimal | None = None
    trail_delta: str = ""  # as it was asked for
    response: str = "FULL"
    working_type: str = "CONTRACT_PRICE"

    def record(self, order_id: int, now_ns: int, default_self_trade: int) -> npt.NDArray[np.void]:
        """One :data:`~bot4.domain.orders.ORDER` record under an id."""
        made = np.zeros(1, dtype=o.ORDER)
        row: Any = made[0]
        row["id"] = order_id
        row["approval_id"] = APPROVED
        row["symbol"] = self.listing.symbol
        row["side"] = self.side
        row["type"] = self.type
        row["role"] = o.ENTRY
        row["status"] = o.PENDING
        row["is_reduce_only"] = self.is_reduce_only
        row["time_in_force"] = TIMES_IN_FORCE[self.time_in_force]
        row["flags"] = self.flags
        row["self_trade"] = default_self_trade if self.self_trade < 0 else self.self_trade
        row["qty_lots"] = self.qty_lots
        row["limit_ticks"] = self.limit_ticks
        row["stop_ticks"] = self.stop_ticks
        row["trail_ticks"] = self.trail_ticks
        row["display_lots"] = self.display_lots
        row["ts_expire_ns"] = self.expires_ms * NS_PER_MS
        row["ts_created_ns"] = now_ns
        return made


def spot_order(listing: Listing, sent: Parameters, best_ticks: tuple[int, int]) -> OrderRequest:
    """An order of ``/api/v3/order``; ``best_ticks`` is the best bid and ask, 0 where there is none.

    Raises:
        Refusal: a parameter is missing, malformed, off the grid or does not go with the others.
    """
    name = sent.one_of("type", SPOT_KINDS)
    kind = SPOT_KINDS[name]
    delta = sent.optional_integer("trailingDelta")
    by_quote = name == "MARKET" and "quoteOrderQty" in sent and "quantity" not in sent
    _require(sent, kind.needs, optional={"stopPrice"} if delta is not None else {"quantity"} if by_quote else set())
    made = _common(listing, sent, name, kind)
    made = replace(made, response=sent.one_of("newOrderRespType", RESPONSES, _default_response(name)))
    if by_quote:
        made = replace(made, quote_qty=sent.number("quoteOrderQty"))
    if delta is not None:
        made = _trailing_spot(made, delta, best_ticks)
    return _with_iceberg(made, sent)


def futures_order(listing: Listing, sent: Parameters, best_ticks: tuple[int, int]) -> OrderRequest:
    """An order of ``/fapi/v1/order``, in one-way mode.

    Raises:
        Refusal: a parameter is missing, malformed, off the grid or does not go with the others.
    """
    name = sent.one_of("type", FUTURES_KINDS)
    kind = FUTURES_KINDS[name]
    if sent.get("positionSide", "BOTH") != "BOTH":
        raise Refusal(-4061, "Order's position side does not match user's setting.")
    closes = sent.is_true("closePosition")
    if closes and ("quantity" in sent or sent.is_true("reduceOnly")):
        raise not_needed("quantity" if "quantity" in sent else "reduceOnly")
    _require(sent, kind.needs, optional={"timeInForce"} | ({"quantity"} if closes else set()))
    if name == "LIMIT":
        sent.text("timeInForce")
    made = _common(listing, sent, name, kind)
    flags = made.flags | (o.POST_ONLY if made.time_in_force == "GTX" else 0) | (o.CLOSE_POSITION if closes else 0)
    working = sent.one_of("workingType", ("CONTRACT_PRICE", "MARK_PRICE"), "CONTRACT_PRICE")
    flags |= o.TRIGGERS_ON_MARK if working == "MARK_PRICE" else 0
    if name == "TRAILING_STOP_MARKET":
        made = _trailing_futures(made, sent, best_ticks)
    return replace(
        made,
        flags=flags,
        working_type=working,
        is_reduce_only=sent.is_true("reduceOnly") or closes,
        expires_ms=_good_till_date(made.time_in_force, sent),
        response=sent.one_of("newOrderRespType", ("ACK", "RESULT"), "ACK"),
    )


def _common(listing: Listing, sent: Parameters, name: str, kind: Kind) -> OrderRequest:
    quantity = sent.optional_number("quantity")
    price, stop = sent.optional_number("price"), sent.optional_number("stopPrice")
    return OrderRequest(
        listing=listing,
        kind=name,
        type=kind.type,
        side=SIDES[sent.one_of("side", SIDES)],
        time_in_force=sent.one_of("timeInForce", TIMES_IN_FORCE, "GTC"),
        qty_lots=listing.lots(quantity) if quantity is not None else 0,
        limit_ticks=listing.ticks(price) if price is not None else 0,
        stop_ticks=listing.ticks(stop) if stop is not None else 0,
        flags=kind.flags,
        self_trade=_self_trade(sent),
        client_id=sent.client_id("newClientOrderId"),
    )


def _self_trade(sent: Parameters) -> int:
    if "selfTradePreventionMode" not in sent:
        return -1
    return SELF_TRADE[sent.one_of("selfTradePreventionMode", SELF_TRADE)]


def _require(sent: Parameters, needed: tuple[str, ...], optional: set[str]) -> None:
    for name in needed:
        if name not in optional:
            sent.text(name)
    for name in _PRICED:
        if name in sent and name not in needed and name not in optional:
            raise not_needed(name)


def _default_response(name: str) -> str:
    return "FULL" if name in ("MARKET", "LIMIT") else "ACK"


def _with_iceberg(made: OrderRequest, sent: Parameters) -> OrderRequest:
    shown = sent.optional_number("icebergQty")
    if shown is None:
        return made
    if made.limit_ticks == 0:
        raise not_needed("icebergQty")
    if made.time_in_force != "GTC":
        raise Refusal(-1013, "Iceberg orders must be GTC.")
    return replace(made, display_lots=made.listing.lots(shown))


def _trailing_spot(made: OrderRequest, delta: int, best_ticks: tuple[int, int]) -> OrderRequest:
    """A trailing stop of so many basis points of the market now; the exchange trails by a fixed distance."""
    if made.kind != "STOP_LOSS":
        raise Refusal(-2010, "The simulator trails STOP_LOSS orders only.")
    if not 10 <= delta <= 2_000:
        raise Refusal(-1013, "Filter failure: TRAILING_DELTA")
    distance = _trail(made, Decimal(delta) / _BASIS_POINTS, best_ticks)
    return replace(made, type=o.TRAILING_STOP, trail_ticks=distance, trail_delta=str(delta))


def _trailing_futures(made: OrderRequest, sent: Parameters, best_ticks: tuple[int, int]) -> OrderRequest:
    rate = sent.number("callbackRate")
    if not Decimal("0.1") <= rate <= 10:
        raise Refusal(-2007, "Invalid callBack rate.")
    activation = sent.optional_number("activationPrice")
    activation_ticks = made.listing.ticks(activation) if activation is not None else 0
    about = (activation_ticks, activation_ticks) if activation_ticks else best_ticks
    distance = _trail(made, rate / 100, about)
    return replace(made, stop_ticks=activation_ticks, trail_ticks=distance, trail_delta=str(rate))


def _trail(made: OrderRequest, fraction: Decimal, about_ticks: tuple[int, int]) -> int:
    about = about_ticks[0] if made.side == o.SELL else about_ticks[1]
    if about <= 0:
        raise Refusal(-2010, "There is no market to trail.")
    return max(1, round(about * fraction))


def _good_till_date(time_in_force: str, sent: Parameters) -> int:
    until_ms = sent.optional_integer("goodTillDate")
    if time_in_force != "GTD":
        if until_ms is not None:
            raise not_needed("goodTillDate")
        return 0
    if until_ms is None:
        raise missing("goodTillDate")
    return until_ms
