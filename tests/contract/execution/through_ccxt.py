"""The served exchange through ccxt's own Binance client: its unified calls where they say what a case asks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import ccxt

from bot4.adapters.exchanges.venues import VenueSettings, opened_venue
from bot4.app.exchange_server.server import ExchangeServer, ServerSettings
from bot4.app.exchange_server.signing import Credentials
from bot4.engine.clock import SystemClock
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
from tests.contract.execution.serving import ServerThread
from tests.contract.execution.venues import choice, instrument

CREDENTIALS = Credentials("conformance-key", "conformance-secret")
STATUS = {
    "PENDING_NEW": "held",
    "NEW": "new",
    "PARTIALLY_FILLED": "partly",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
    "REJECTED": "rejected",
}
SELF_TRADE = {
    "none": "NONE",
    "newest": "EXPIRE_TAKER",
    "oldest": "EXPIRE_MAKER",
    "both": "EXPIRE_BOTH",
    "decrement": "DECREMENT",
}
FILTERS = {
    "PRICE_FILTER": Why.PRICE_STEP,
    "LOT_SIZE": Why.QUANTITY,
    "NOTIONAL": Why.NOTIONAL,
    "PERCENT_PRICE_BY_SIDE": Why.PERCENT_PRICE,
    "MAX_NUM_ORDERS": Why.TOO_MANY_ORDERS,
    "MAX_NUM_ALGO_ORDERS": Why.TOO_MANY_STOPS,
    "ICEBERG_PARTS": Why.ICEBERG_PARTS,
    "MAX_POSITION": Why.POSITION,
}
CODES = {
    -1003: Why.RATE,
    -1015: Why.RATE,
    -1008: Why.UNAVAILABLE,
    -1016: Why.UNAVAILABLE,
    -1021: Why.OUTSIDE_WINDOW,
    -1102: Why.BAD_REQUEST,
    -1106: Why.BAD_REQUEST,
    -2011: Why.UNKNOWN_ORDER,
    -2013: Why.UNKNOWN_ORDER,
    -2019: Why.FUNDS,
    -2021: Why.WOULD_TRIGGER,
    -2022: Why.NOTHING_TO_REDUCE,
    -2027: Why.POSITION,
    -2025: Why.TOO_MANY_ORDERS,
    -2038: Why.NO_CHANGE,
    -4003: Why.QUANTITY,
    -4005: Why.QUANTITY,
    -4045: Why.TOO_MANY_STOPS,
    -4116: Why.DUPLICATE,
    -4131: Why.PERCENT_PRICE,
    -4164: Why.NOTIONAL,
    -5022: Why.WOULD_TAKE,
}
MESSAGES = {
    "immediately match": Why.WOULD_TAKE,
    "trigger immediately": Why.WOULD_TRIGGER,
    "insufficient balance": Why.FUNDS,
    "Duplicate order": Why.DUPLICATE,
    "no position to reduce": Why.NOTHING_TO_REDUCE,
}
_NOT_AT_BINANCE = "Binance has none"
_LOADED: dict[bool, list[Any]] = {}  # the markets of every case are the same: loaded once a session


class CcxtDriver:
    """ccxt's synchronous Binance client against a server on loopback."""

    name = "served, by ccxt"
    missing: Mapping[Capability, str] = {
        Capability.DAY: f"{_NOT_AT_BINANCE}: no day orders",
    }

    def open(self, setup: Setup) -> None:
        self.setup = setup
        self.is_spot = setup.market == "spot"
        self.instrument = instrument(setup)
        self.symbol = "ETH/USDT" if self.is_spot else "ETH/USDT:USDT"
        self.market_id = "ETHUSDT"
        clock = SystemClock()
        settings = ServerSettings(CREDENTIALS, speed=0.0)
        self.served = ServerThread(
            lambda: ExchangeServer(settings, [choice(setup)], lambda _venue: None, clock, clock.monotonic)
        )
        self.served.__enter__()
        self.client = new_client(self.served.url, perpetual=not self.is_spot, markets=_LOADED.get(self.is_spot))
        _LOADED[self.is_spot] = list(self.client.markets.values())
        self.set_market(BIDS, ASKS)

    def close(self) -> None:
        self.client.session.close()
        self.served.__exit__(None, None, None)

    # --- asking -----------------------------------------------------------------------------------------------

    def place(self, order: Order) -> Answer:
        return self._answer(lambda: self._place(order, {}))

    def _place(self, order: Order, extra: dict[str, Any]) -> Any:
        if self._is_unified(order):
            price = float(order.price) if order.price else None
            kind, params = self._unified(order)
            return self.client.create_order(self.symbol, kind, order.side, float(order.qty), price, params | extra)
        call = self.client.privatePostOrder if self.is_spot else self.client.fapiPrivatePostOrder
        return call(self._raw(order) | extra)

    def _is_unified(self, order: Order) -> bool:
        """ccxt rounds to the grid, and sends the stops of futures to another address."""
        on_grid = all(
            Decimal(value or "0") % step == 0
            for value, step in (
                (order.price, self.instrument.tick_size),
                (order.stop, self.instrument.tick_size),
                (order.qty, self.instrument.lot_size),
            )
        )
        return on_grid and bool(order.qty) and (self.is_spot or order.type in ("market", "limit"))

    def _unified(self, order: Order) -> tuple[str, dict[str, Any]]:
        params: dict[str, Any] = {"clientOrderId": order.id}
        kind = "limit" if "limit" in order.type else "market"
        if order.type.startswith("stop"):
            params["stopLossPrice"] = order.stop
        elif order.type.startswith("take_profit"):
            params["takeProfitPrice"] = order.stop
        elif order.type == "trailing_stop":
            kind = "STOP_LOSS"
            params["trailingPercent"] = str(Decimal(order.trail_bips) / 100)
        if kind == "limit" and not order.post_only:
            params["timeInForce"] = order.time_in_force
        if order.post_only:
            params["postOnly"] = True
        if order.reduce_only:
            params["reduceOnly"] = True
        return kind, params | self._common(order)

    def _common(self, order: Order) -> dict[str, Any]:
        params: dict[str, Any] = {}
        if order.shown:
            params["icebergQty"] = order.shown
        if order.self_trade:
            params["selfTradePreventionMode"] = SELF_TRADE[order.self_trade]
        if order.good_for_s:
            now_ms = self.served.ask("GET", "/simulator/status")["now_ms"]
            params["goodTillDate"] = now_ms + 1000 * order.good_for_s
        return params

    def _raw(self, order: Order) -> dict[str, Any]:
        params: dict[str, Any] = {
            "symbol": self.market_id,
            "side": order.side.upper(),
            "type": self._kind(order),
            "quantity": order.qty,
            "newClientOrderId": order.id,
            "price": order.price,
            "stopPrice": order.stop,
        }
        if "limit" in order.type and not (self.is_spot and order.post_only):
            params["timeInForce"] = "GTX" if order.post_only else order.time_in_force
        if order.trail_bips:
            key, value = (
                ("trailingDelta", order.trail_bips) if self.is_spot else ("callbackRate", order.trail_bips / 100)
            )
            params[key] = value
        for name, is_set in (("reduceOnly", order.reduce_only), ("closePosition", order.close_position)):
            if is_set:
                params[name] = "true"
        if order.on_mark:
            params["workingType"] = "MARK_PRICE"
        return {name: value for name, value in (params | self._common(order)).items() if value != ""}

    def _kind(self, order: Order) -> str:
        if order.type == "limit" and self.is_spot and order.post_only:
            return "LIMIT_MAKER"
        spot = {"stop": "STOP_LOSS", "stop_limit": "STOP_LOSS_LIMIT", "trailing_stop": "STOP_LOSS"}
        futures = {
            "stop": "STOP_MARKET",
            "stop_limit": "STOP",
            "take_profit": "TAKE_PROFIT_MARKET",
            "take_profit_limit": "TAKE_PROFIT",
            "trailing_stop": "TRAILING_STOP_MARKET",
        }
        return (spot if self.is_spot else futures).get(order.type, order.type.upper())

    def place_list(self, kind: str, orders: tuple[Order, ...]) -> Answer:
        params: dict[str, Any] = {"symbol": self.market_id}
        if kind == "OCO":
            params |= {"side": orders[0].side.upper(), "quantity": orders[0].qty}
            params |= self._legs(orders, "above", "below")
            return self._answer(lambda: self.client.privatePostOrderListOco(params))
        working = orders[0]
        params |= self._leg("working", working) | {"workingSide": working.side.upper(), "workingQuantity": working.qty}
        params |= {"pendingSide": orders[1].side.upper(), "pendingQuantity": orders[1].qty}
        if kind == "OTO":
            params |= self._leg("pending", orders[1])
            return self._answer(lambda: self.client.privatePostOrderListOto(params))
        params |= self._legs(orders[1:], "pendingAbove", "pendingBelow")
        return self._answer(lambda: self.client.privatePostOrderListOtoco(params))

    def _legs(self, orders: tuple[Order, ...], above: str, below: str) -> dict[str, Any]:
        """The leg of the higher price is the one above."""
        high, low = sorted(orders, key=lambda order: -Decimal(order.stop or order.price))
        return self._leg(above, high) | self._leg(below, low)

    def _leg(self, prefix: str, order: Order) -> dict[str, Any]:
        raw = self._raw(order)
        names = {
            "type": "Type",
            "newClientOrderId": "ClientOrderId",
            "price": "Price",
            "stopPrice": "StopPrice",
            "timeInForce": "TimeInForce",
        }
        return {prefix + suffix: raw[name] for name, suffix in names.items() if name in raw}

    def cancel(self, order_id: str) -> Answer:
        return self._answer(lambda: self.client.cancel_order("", self.symbol, {"clientOrderId": order_id}))

    def amend(self, order_id: str, qty: str) -> Answer:
        sent = {"symbol": self.market_id, "origClientOrderId": order_id, "newQty": qty}
        return self._answer(lambda: self.client.request("order/amend/keepPriority", ["private"], "PUT", sent))

    def cancel_replace(self, order_id: str, order: Order) -> Answer:
        extra = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": order_id}
        return self._answer(lambda: self.client.privatePostOrderCancelReplace(self._raw(order) | extra))

    def _answer(self, call: Callable[[], Any]) -> Answer:
        try:
            call()
        except ccxt.BaseError as error:
            return _refused(error)
        return Answer(Outcome.DONE)

    # --- seeing -----------------------------------------------------------------------------------------------

    def query(self, order_id: str) -> View | None:
        try:
            return self._view(self.client.fetch_order("", self.symbol, {"clientOrderId": order_id}))
        except ccxt.OrderNotFound:
            return None

    def open_orders(self) -> list[View]:
        return [self._view(order) for order in self.client.fetch_open_orders(self.symbol)]

    def _view(self, order: Any) -> View:
        info = order["info"]
        filled = Decimal(info["executedQty"])
        quote = Decimal(info.get("cummulativeQuoteQty") or info.get("cumQuote") or "0")
        return View(
            info["clientOrderId"],
            STATUS[info["status"]],
            Decimal(info["origQty"]),
            filled,
            Decimal(info["price"]),
            quote / filled if filled else Decimal(0),
        )

    def fills(self) -> list[Fill]:
        orders = {order["id"]: order["clientOrderId"] for order in self.client.fetch_orders(self.symbol)}
        return [
            Fill(
                int(trade["id"]),
                orders[trade["order"]],
                trade["side"],
                Decimal(trade["info"]["price"]),
                Decimal(trade["info"]["qty"]),
                Decimal(trade["info"]["commission"]),
                trade["info"]["commissionAsset"],
                trade["takerOrMaker"] == "maker",
            )
            for trade in self.client.fetch_my_trades(self.symbol)
        ]

    def balances(self) -> Mapping[str, Balance]:
        if self.is_spot:
            rows = self.client.fetch_balance()["info"]["balances"]
            return {row["asset"]: Balance(Decimal(row["free"]), Decimal(row["locked"])) for row in rows}
        rows = self.client.fapiPrivateV2GetBalance()
        return {
            row["asset"]: Balance(
                Decimal(row["availableBalance"]), Decimal(row["balance"]) - Decimal(row["availableBalance"])
            )
            for row in rows
        }

    def position(self) -> Decimal:
        rows = self.client.fapiPrivateV3GetPositionRisk({"symbol": self.market_id})
        return sum((Decimal(row["positionAmt"]) for row in rows), Decimal(0))

    def depth(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        call = self.client.publicGetDepth if self.is_spot else self.client.fapiPublicGetDepth
        book = call({"symbol": self.market_id})
        return tuple({Decimal(p): Decimal(q) for p, q in book[side]} for side in ("bids", "asks"))  # type: ignore[return-value]

    # --- the market, time, faults -----------------------------------------------------------------------------

    def set_market(self, bids: Levels, asks: Levels) -> None:
        self._move({"book": {"bids": bids, "asks": asks}})

    def trade(self, price: str, qty: str, taker: str) -> None:
        self._move({"trades": [[price, qty, taker.upper()]]})

    def mark(self, price: str) -> None:
        self._move({"mark": price})

    def _move(self, what: dict[str, Any]) -> None:
        self.served.ask("POST", "/simulator/market", {"symbol": self.market_id, **what})

    def advance(self, seconds: float) -> None:
        self.served.ask("POST", "/simulator/advance", {"seconds": seconds})

    def inject_fault(self, kind: str, **values: float | str) -> None:
        self.served.ask("POST", "/simulator/faults", {"kind": kind, **values})

    def clear_faults(self) -> None:
        self.served.ask("DELETE", "/simulator/faults")

    def restart(self) -> None:
        self.served.ask("POST", "/simulator/restart")

    def request_repeatedly(self, n_requests: int) -> list[Answer]:
        return [self._answer(lambda: self.client.fetch_my_trades(self.symbol)) for _ in range(n_requests)]

    def place_stamped(self, order: Order, offset_ms: int, window_ms: int) -> Answer:
        stamp = int(time.time() * 1000) + offset_ms  # noqa: TID251 - what a client's own clock says
        return self._answer(lambda: self._place(order, {"timestamp": stamp, "recvWindow": window_ms}))


def new_client(url: str, *, perpetual: bool, markets: list[Any] | None = None) -> Any:
    """ccxt's Binance client behind the address, with markets that were loaded before, or loaded now."""
    with opened_venue("binance", VenueSettings(url, request_timeout_s=10.0), perpetual=perpetual) as client:
        client.apiKey, client.secret = CREDENTIALS.api_key, CREDENTIALS.secret
        client.enableRateLimit = False
    if markets is None:
        client.load_markets()
    else:
        client.set_markets(markets)
    return client


def _refused(error: ccxt.BaseError) -> Answer:
    """What an error of ccxt's says about the order: refused and why, or that nobody knows."""
    text = str(error)
    for part, why in MESSAGES.items():
        if part in text:
            return Answer(Outcome.REFUSED, why)
    filtered = re.search(r"Filter failure: (\w+)", text)
    if filtered is not None:
        return Answer(Outcome.REFUSED, FILTERS[filtered[1]])
    codes = [int(code) for code in re.findall(r'"code":\s*(-\d+)', text)]
    if not codes:
        is_lost = isinstance(error, ccxt.NetworkError)
        return Answer(Outcome.UNKNOWN) if is_lost else Answer(Outcome.REFUSED, Why.OTHER)
    if codes[0] in (-1006, -1007):
        return Answer(Outcome.UNKNOWN)
    if " 418 " in text:
        return Answer(Outcome.REFUSED, Why.BANNED)
    code = codes[1] if codes[0] in (-2021, -2022) and len(codes) > 1 else codes[0]
    return Answer(Outcome.REFUSED, CODES.get(code, Why.OTHER))
