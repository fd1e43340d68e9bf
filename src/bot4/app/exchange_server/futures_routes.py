"""Trading and account by request on the USD-margined futures interface, in one-way mode."""

from __future__ import annotations

import json
from typing import Any

from bot4.app.exchange_server import futures_shapes as shapes
from bot4.app.exchange_server.calls import KEYED, SIGNED, Call, Route, Routes
from bot4.app.exchange_server.listings import find_listing, number_text
from bot4.app.exchange_server.order_requests import OrderRequest, futures_order
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.public_routes import tape_of
from bot4.app.exchange_server.refusals import Refusal, illegal, no_such_order
from bot4.app.exchange_server.spot_routes import close_stream, find_order, keep_stream, listing_of, start_stream

_MOST_BATCH = 5
_MOST_ROWS = 1_000


def request_of(call: Call, sent: Parameters) -> OrderRequest:
    """The order that parameters ask for."""
    listing = find_listing(call.venue.listings, sent.text("symbol"))
    return futures_order(listing, sent, call.venue.best_ticks(listing.symbol))


def place(call: Call) -> dict[str, Any]:
    """``POST /order``."""
    request = request_of(call, call.sent)
    return shapes.order(request.listing, call.venue.desk.place(request))


def test_order(call: Call) -> dict[str, Any]:
    """``POST /order/test``: the parameters are read, nothing is placed."""
    request_of(call, call.sent)
    return {}


def place_batch(call: Call) -> list[dict[str, Any]]:
    """``POST /batchOrders``: each for itself."""
    try:
        rows = json.loads(call.sent.text("batchOrders"))
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not 1 <= len(rows) <= _MOST_BATCH or not all(isinstance(r, dict) for r in rows):
        raise illegal("batchOrders", f"a JSON list of 1 to {_MOST_BATCH} orders")
    answers = []
    for row in rows:
        try:
            request = request_of(call, Parameters.of(row))
            answers.append(shapes.order(request.listing, call.venue.desk.place(request)))
        except Refusal as refusal:
            answers.append(dict(refusal.body))
    return answers


def modify(call: Call) -> dict[str, Any]:
    """``PUT /order``: another price and quantity of a limit order."""
    listing, record = find_order(call, by_query=True)
    quantity, price = listing.lots(call.sent.number("quantity")), listing.ticks(call.sent.number("price"))
    return shapes.order(listing, call.venue.desk.modify(record, quantity, price))


def query(call: Call) -> dict[str, Any]:
    """``GET /order``."""
    return shapes.order(*find_order(call, by_query=True))


def open_order(call: Call) -> dict[str, Any]:
    """``GET /openOrder``."""
    listing, record = find_order(call, by_query=True)
    if not record.is_open:
        raise no_such_order()
    return shapes.order(listing, record)


def cancel(call: Call) -> dict[str, Any]:
    """``DELETE /order``."""
    listing, record = find_order(call, by_query=False)
    return shapes.order(listing, call.venue.desk.cancel(record))


def cancel_all(call: Call) -> dict[str, Any]:
    """``DELETE /allOpenOrders``."""
    for record in call.venue.desk.open_orders(listing_of(call).symbol):
        if record.is_open:
            call.venue.desk.cancel(record)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def open_orders(call: Call) -> list[dict[str, Any]]:
    """``GET /openOrders``."""
    symbol = listing_of(call).symbol if "symbol" in call.sent else None
    desk = call.venue.desk
    return [shapes.order(desk.by_symbol[record.symbol], record) for record in desk.open_orders(symbol)]


def all_orders(call: Call) -> list[dict[str, Any]]:
    """``GET /allOrders``: as far as they are remembered."""
    listing = listing_of(call)
    from_id = call.sent.optional_integer("orderId")
    records = [r for r in call.venue.desk.orders_of(listing.symbol) if from_id is None or r.venue_id >= from_id]
    return [shapes.order(listing, record) for record in records[-call.sent.integer("limit", 500, 1, _MOST_ROWS) :]]


def user_trades(call: Call) -> list[dict[str, Any]]:
    """``GET /userTrades``: as far as their orders are remembered."""
    listing, sent = listing_of(call), call.sent
    order_id, from_id = sent.optional_integer("orderId"), sent.optional_integer("fromId")
    rows = [
        shapes.trade(listing, record, fill, call.venue.decimals)
        for record in call.venue.desk.orders_of(listing.symbol)
        for fill in record.fills
        if (order_id is None or record.venue_id == order_id) and (from_id is None or fill.trade_id >= from_id)
    ]
    rows.sort(key=lambda row: row["id"])
    return rows[-sent.integer("limit", 500, 1, _MOST_ROWS) :]


# --- conditional orders under their newer names ---------------------------------------------------------------

_ALGO_NAMES = {"triggerPrice": "stopPrice", "clientAlgoId": "newClientOrderId", "activatePrice": "activationPrice"}


def place_algo(call: Call) -> dict[str, Any]:
    """``POST /algoOrder``: a conditional order, as clients send them since Binance moved them there."""
    if call.sent.text("algoType") != "CONDITIONAL":
        raise illegal("algoType", "CONDITIONAL")
    renamed = {_ALGO_NAMES.get(name, name): value for name, value in call.sent.items()}
    request = request_of(call, Parameters.of(renamed))
    return shapes.algo_order(request.listing, call.venue.desk.place(request))


def _algo_call(call: Call) -> Call:
    """The same request under the names of an ordinary order; a conditional one is found without its symbol."""
    sent = dict(call.sent.items())
    sent["orderId"], sent["origClientOrderId"] = sent.get("algoId", ""), sent.get("clientAlgoId", "")
    if "symbol" not in sent:
        desk = call.venue.desk
        for listing in call.venue.listings.values():
            venue_id = int(sent["orderId"]) if sent["orderId"].isdecimal() else None
            if desk.find(listing.symbol, venue_id, sent["origClientOrderId"] or None) is not None:
                sent["symbol"] = listing.name
        sent.setdefault("symbol", next(iter(call.venue.listings)))
    return Call(call.venue, Parameters.of(sent), call.request_ms)


def query_algo(call: Call) -> dict[str, Any]:
    """``GET /algoOrder``."""
    return shapes.algo_order(*find_order(_algo_call(call), by_query=True))


def cancel_algo(call: Call) -> dict[str, Any]:
    """``DELETE /algoOrder``."""
    _listing, record = find_order(_algo_call(call), by_query=False)
    call.venue.desk.cancel(record)
    client_id = record.original_client_id
    return {"algoId": record.venue_id, "clientAlgoId": client_id, "code": "200", "msg": "success"}


def open_algo_orders(call: Call) -> list[dict[str, Any]]:
    """``GET /openAlgoOrders``."""
    symbol = listing_of(call).symbol if "symbol" in call.sent else None
    desk = call.venue.desk
    conditional = [record for record in desk.open_orders(symbol) if record.stop_ticks or record.trail_delta]
    return [shapes.algo_order(desk.by_symbol[record.symbol], record) for record in conditional]


def balance(call: Call) -> list[dict[str, Any]]:
    """``GET /balance``."""
    return shapes.balances(call.venue.balance_texts(), call.venue.wallet_texts(), call.venue.now_ms)


def account(call: Call) -> dict[str, Any]:
    """``GET /account``."""
    venue = call.venue
    return shapes.account(venue.balance_texts(), venue.wallet_texts(), venue.position_rows(), venue.now_ms)


def position_risk(call: Call) -> list[dict[str, Any]]:
    """``GET /positionRisk``."""
    name = call.sent.optional("symbol")
    return [row for row in call.venue.position_rows() if name is None or row["symbol"] == name]


def premium_index(call: Call) -> Any:
    """``GET /premiumIndex``: mark price and funding."""
    rows = [
        shapes.premium(tape.listing, call.venue.mark_ticks(tape.listing.symbol), call.venue.now_ms)
        for tape in call.venue.tapes.values()
    ]
    if "symbol" not in call.sent:
        return rows
    name = tape_of(call).listing.name
    return next(row for row in rows if row["symbol"] == name)


def leverage_bracket(call: Call) -> Any:
    """``GET /leverageBracket``."""
    margin, name = call.venue.choice.profile.margin, call.sent.optional("symbol")
    rows = []
    for listing in call.venue.listings.values():
        if margin is not None and name in (None, listing.name):
            tables = margin.brackets
            table = tables if isinstance(tables, tuple) else tables[listing.instrument.symbol]
            rows.append(shapes.leverage_brackets(listing, table))
    return rows


def set_leverage(call: Call) -> dict[str, Any]:
    """``POST /leverage``: what the account has already is confirmed; the simulator changes none while it runs."""
    listing, margin = listing_of(call), call.venue.choice.profile.margin
    wanted = call.sent.integer("leverage", 0, 0, 1_000)
    if margin is None or wanted != margin.leverage:
        raise Refusal(-4028, f"Leverage {wanted} is not valid: the simulator's account has a fixed one.")
    return {"leverage": wanted, "maxNotionalValue": "1000000000", "symbol": listing.name}


def commission_rate(call: Call) -> dict[str, Any]:
    """``GET /commissionRate``."""
    maker, taker = call.venue.fee_rates
    return {
        "symbol": listing_of(call).name,
        "makerCommissionRate": number_text(maker),
        "takerCommissionRate": number_text(taker),
    }


def position_mode(_call: Call) -> dict[str, Any]:
    """``GET /positionSide/dual``: one-way."""
    return {"dualSidePosition": False}


def order_rate_limits(call: Call) -> list[dict[str, Any]]:
    """``GET /rateLimit/order``."""
    return call.venue.admission.order_counts(call.request_ms)


def futures_routes() -> Routes:
    """The routes under ``/fapi`` that need a key, and the public ones that spot has not."""
    base = "/fapi/v1"
    routes = {
        ("GET", f"{base}/premiumIndex"): Route(premium_index, 1),
        ("POST", f"{base}/order"): Route(place, 1, SIGNED, 1),
        ("POST", f"{base}/order/test"): Route(test_order, 1, SIGNED),
        ("PUT", f"{base}/order"): Route(modify, 1, SIGNED, 1),
        ("GET", f"{base}/order"): Route(query, 1, SIGNED),
        ("DELETE", f"{base}/order"): Route(cancel, 1, SIGNED),
        ("POST", f"{base}/algoOrder"): Route(place_algo, 1, SIGNED, 1),
        ("GET", f"{base}/algoOrder"): Route(query_algo, 1, SIGNED),
        ("DELETE", f"{base}/algoOrder"): Route(cancel_algo, 1, SIGNED),
        ("GET", f"{base}/openAlgoOrders"): Route(open_algo_orders, 1, SIGNED),
        ("POST", f"{base}/batchOrders"): Route(place_batch, 5, SIGNED, 5),
        ("DELETE", f"{base}/allOpenOrders"): Route(cancel_all, 1, SIGNED),
        ("GET", f"{base}/openOrder"): Route(open_order, 1, SIGNED),
        ("GET", f"{base}/openOrders"): Route(open_orders, lambda sent: 1 if "symbol" in sent else 40, SIGNED),
        ("GET", f"{base}/allOrders"): Route(all_orders, 5, SIGNED),
        ("GET", f"{base}/userTrades"): Route(user_trades, 5, SIGNED),
        ("GET", f"{base}/leverageBracket"): Route(leverage_bracket, 1, SIGNED),
        ("POST", f"{base}/leverage"): Route(set_leverage, 1, SIGNED),
        ("GET", f"{base}/commissionRate"): Route(commission_rate, 20, SIGNED),
        ("GET", f"{base}/positionSide/dual"): Route(position_mode, 30, SIGNED),
        ("GET", f"{base}/rateLimit/order"): Route(order_rate_limits, 1, SIGNED),
        ("POST", f"{base}/listenKey"): Route(start_stream, 1, KEYED),
        ("PUT", f"{base}/listenKey"): Route(_keep, 1, KEYED),
        ("DELETE", f"{base}/listenKey"): Route(_close, 1, KEYED),
    }
    for version in ("v2", "v3"):
        routes[("GET", f"/fapi/{version}/balance")] = Route(balance, 5, SIGNED)
        routes[("GET", f"/fapi/{version}/account")] = Route(account, 5, SIGNED)
        routes[("GET", f"/fapi/{version}/positionRisk")] = Route(position_risk, 5, SIGNED)
    return routes


def _keep(call: Call) -> dict[str, Any]:
    """Futures keep the one listen key of the account alive, named or not."""
    return keep_stream(call) if "listenKey" in call.sent else {}


def _close(call: Call) -> dict[str, Any]:
    if "listenKey" in call.sent:
        return close_stream(call)
    call.venue.close_listen_key()
    return {}
