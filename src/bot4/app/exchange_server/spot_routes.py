"""Trading and account by request on the spot interface."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bot4.app.exchange_server import spot_shapes as shapes
from bot4.app.exchange_server.calls import KEYED, SIGNED, Call, Route, Routes
from bot4.app.exchange_server.listings import Listing, find_listing, number_text
from bot4.app.exchange_server.order_requests import OrderRequest, spot_order
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.records import NO_LIST, ListRecord, OrderRecord
from bot4.app.exchange_server.refusals import Refusal, missing, no_such_order, not_needed, unknown_order

_MOST_ROWS = 1_000
_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")
_LEGS = {"TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER", *_STOPS}


def listing_of(call: Call) -> Listing:
    """The listing that a request names."""
    return find_listing(call.venue.listings, call.sent.text("symbol"))


def request_of(call: Call, sent: Parameters) -> OrderRequest:
    """The order that parameters ask for; one by value gets the quantity that the book has for it now."""
    listing = find_listing(call.venue.listings, sent.text("symbol"))
    request = spot_order(listing, sent, call.venue.best_ticks(listing.symbol))
    return call.venue.with_quantity(request)


def place(call: Call) -> dict[str, Any]:
    """``POST /order``."""
    request = request_of(call, call.sent)
    record = call.venue.desk.place(request)
    return shapes.placed(request.listing, record, request.response, call.venue.decimals)


def test_order(call: Call) -> dict[str, Any]:
    """``POST /order/test``: the parameters are read, nothing is placed."""
    request_of(call, call.sent)
    return {}


def find_order(call: Call, *, by_query: bool) -> tuple[Listing, OrderRecord]:
    """The order that a request names by ``orderId`` or ``origClientOrderId``."""
    listing = listing_of(call)
    venue_id = call.sent.optional_integer("orderId")
    client_id = call.sent.client_id("origClientOrderId")
    if venue_id is None and client_id is None:
        raise missing("orderId")
    record = call.venue.desk.find(listing.symbol, venue_id, client_id)
    if record is None:
        raise no_such_order() if by_query else unknown_order()
    return listing, record


def query(call: Call) -> dict[str, Any]:
    """``GET /order``."""
    listing, record = find_order(call, by_query=True)
    return shapes.order(listing, record)


def cancel(call: Call) -> dict[str, Any]:
    """``DELETE /order``; of an order of a list the whole list goes, and is answered."""
    listing, record = find_order(call, by_query=False)
    only = call.sent.optional("cancelRestrictions")
    if only is not None and only != {"NEW": "ONLY_NEW", "PARTIALLY_FILLED": "ONLY_PARTIALLY_FILLED"}.get(record.status):
        raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
    call.venue.desk.cancel(record, call.sent.client_id("newClientOrderId"))
    if record.list_id != NO_LIST:
        return _list_answer(call, listing, call.venue.desk.lists[record.list_id], "cancelled")
    return shapes.cancelled(listing, record)


def open_orders(call: Call) -> list[dict[str, Any]]:
    """``GET /openOrders``."""
    symbol = listing_of(call).symbol if "symbol" in call.sent else None
    desk = call.venue.desk
    return [shapes.order(desk.by_symbol[record.symbol], record) for record in desk.open_orders(symbol)]


def cancel_open_orders(call: Call) -> list[dict[str, Any]]:
    """``DELETE /openOrders``."""
    listing = listing_of(call)
    records = call.venue.desk.open_orders(listing.symbol)
    if not records:
        raise unknown_order()
    for record in records:
        if record.is_open:
            call.venue.desk.cancel(record)
    return [shapes.cancelled(listing, record) for record in records]


def all_orders(call: Call) -> list[dict[str, Any]]:
    """``GET /allOrders``: as far as they are remembered."""
    listing, sent = listing_of(call), call.sent
    from_id = sent.optional_integer("orderId")
    records = [
        record
        for record in call.venue.desk.orders_of(listing.symbol)
        if (from_id is None or record.venue_id >= from_id) and _is_within(sent, record.ts_ms)
    ]
    limit = sent.integer("limit", 500, 1, _MOST_ROWS)
    kept = records[-limit:] if from_id is None and "startTime" not in sent else records[:limit]
    return [shapes.order(listing, record) for record in kept]


def my_trades(call: Call) -> list[dict[str, Any]]:
    """``GET /myTrades``: as far as their orders are remembered."""
    listing, sent = listing_of(call), call.sent
    order_id, from_id = sent.optional_integer("orderId"), sent.optional_integer("fromId")
    found = [
        (fill, record)
        for record in call.venue.desk.orders_of(listing.symbol)
        for fill in record.fills
        if (order_id is None or record.venue_id == order_id)
        and (from_id is None or fill.trade_id >= from_id)
        and _is_within(sent, fill.ts_ms)
    ]
    found.sort(key=lambda pair: pair[0].trade_id)
    limit = sent.integer("limit", 500, 1, _MOST_ROWS)
    kept = found[-limit:] if from_id is None and "startTime" not in sent else found[:limit]
    return [shapes.trade(listing, record, fill, call.venue.decimals) for fill, record in kept]


def _is_within(sent: Parameters, ts_ms: int) -> bool:
    since, until = sent.optional_integer("startTime"), sent.optional_integer("endTime")
    return (since is None or ts_ms >= since) and (until is None or ts_ms <= until)


def account(call: Call) -> dict[str, Any]:
    """``GET /account``."""
    venue = call.venue
    balances = venue.balance_texts()
    if call.sent.is_true("omitZeroBalances"):
        zero = number_text(Decimal(0))
        balances = {asset: pair for asset, pair in balances.items() if pair != (zero, zero)}
    maker, taker = venue.fee_rates
    return shapes.account(balances, maker, taker, venue.now_ms, venue.uid)


def commission(call: Call) -> dict[str, Any]:
    """``GET /account/commission``."""
    listing = listing_of(call)
    maker, taker = call.venue.fee_rates
    zero = number_text(Decimal(0))
    rates = {"maker": number_text(maker), "taker": number_text(taker), "buyer": zero, "seller": zero}
    return {
        "symbol": listing.name,
        "standardCommission": rates,
        "taxCommission": dict.fromkeys(rates, zero),
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "", "discount": zero},
    }


def order_rate_limits(call: Call) -> list[dict[str, Any]]:
    """``GET /rateLimit/order``: what is used of the order counts."""
    return call.venue.admission.order_counts(call.request_ms)


def coins(call: Call) -> list[dict[str, Any]]:
    """``GET /sapi/v1/capital/config/getall``: the assets, which ccxt asks for; nothing can be withdrawn."""
    zero = "0"
    return [
        {
            "coin": asset,
            "name": asset,
            "free": free,
            "locked": locked,
            "freeze": zero,
            "withdrawing": zero,
            "ipoing": zero,
            "ipoable": zero,
            "storage": zero,
            "isLegalMoney": False,
            "trading": True,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "networkList": [],
        }
        for asset, (free, locked) in call.venue.balance_texts().items()
    ]


def no_pairs(_call: Call) -> list[dict[str, Any]]:
    """``GET /sapi/v1/margin/allPairs`` and the like: nothing is traded on margin."""
    return []


# --- cancel-replace and amendment -----------------------------------------------------------------------------


def cancel_replace(call: Call) -> dict[str, Any]:
    """``POST /order/cancelReplace``."""
    sent, desk = call.sent, call.venue.desk
    mode = sent.one_of("cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"))
    request = request_of(call, sent)
    venue_id, client_id = sent.optional_integer("cancelOrderId"), sent.client_id("cancelOrigClientOrderId")
    if venue_id is None and client_id is None:
        raise missing("cancelOrderId")
    listing = request.listing
    cancel_refusal = place_refusal = None
    cancelled = placed = None
    try:
        found = desk.find(listing.symbol, venue_id, client_id)
        if found is None:
            raise unknown_order()
        cancelled = shapes.cancelled(listing, desk.cancel(found, sent.client_id("cancelNewClientOrderId")))
    except Refusal as refusal:
        cancel_refusal = refusal
    if cancel_refusal is None or mode == "ALLOW_FAILURE":
        try:
            placed = shapes.placed(listing, desk.place(request), request.response, call.venue.decimals)
        except Refusal as refusal:
            place_refusal = refusal
    answer = {
        "cancelResult": "SUCCESS" if cancelled is not None else "FAILURE",
        "newOrderResult": "SUCCESS" if placed is not None else "FAILURE" if place_refusal else "NOT_ATTEMPTED",
        "cancelResponse": cancelled if cancel_refusal is None else cancel_refusal.body,
        "newOrderResponse": placed if place_refusal is None else place_refusal.body,
    }
    if cancelled is not None and placed is not None:
        return answer
    if cancelled is None and placed is None:
        raise Refusal(-2022, "Order cancel-replace failed.", 400, data=answer)
    raise Refusal(-2021, "Order cancel-replace partially failed.", 409, data=answer)


def amend(call: Call) -> dict[str, Any]:
    """``PUT /order/amend/keepPriority``."""
    listing, record = find_order(call, by_query=True)
    quantity = listing.lots(call.sent.number("newQty"))
    call.venue.desk.amend(record, quantity, call.sent.client_id("newClientOrderId"))
    return shapes.amended(listing, record, call.venue.desk.execution_id)


# --- order lists ----------------------------------------------------------------------------------------------


def leg(sent: Parameters, prefix: str, quantity: str, side: str, extra: dict[str, str] | None = None) -> Parameters:
    """The parameters of one order of a list, by the prefix that its names have there."""
    names = {
        "type": "Type",
        "newClientOrderId": "ClientOrderId",
        "price": "Price",
        "stopPrice": "StopPrice",
        "trailingDelta": "TrailingDelta",
        "timeInForce": "TimeInForce",
        "icebergQty": "IcebergQty",
    }
    values: dict[str, object] = {name: sent.get(prefix + suffix) for name, suffix in names.items()}
    values |= {"symbol": sent.text("symbol"), "quantity": quantity, "side": side, "newOrderRespType": "RESULT"}
    if "selfTradePreventionMode" in sent:
        values["selfTradePreventionMode"] = sent["selfTradePreventionMode"]
    return Parameters.of(values | (extra or {}))


def place_oco(call: Call) -> dict[str, Any]:
    """``POST /orderList/oco``: one leg above the price, one below it."""
    sent = call.sent
    legs = [leg(sent, prefix, sent.text("quantity"), sent.text("side")) for prefix in ("above", "below")]
    _require_pair(legs)
    return _place_list(call, "OCO", legs)


def place_old_oco(call: Call) -> dict[str, Any]:
    """``POST /order/oco``: a limit maker and a stop, under the older names."""
    sent = call.sent
    quantity, side = sent.text("quantity"), sent.text("side")
    common: dict[str, object] = {"symbol": sent.text("symbol"), "quantity": quantity, "side": side}
    limit = common | {"type": "LIMIT_MAKER", "price": sent.text("price"), "icebergQty": sent.get("limitIcebergQty")}
    stop = common | {"type": "STOP_LOSS", "stopPrice": sent.text("stopPrice")}
    if "stopLimitPrice" in sent:
        stop |= {
            "type": "STOP_LOSS_LIMIT",
            "price": sent["stopLimitPrice"],
            "timeInForce": sent.text("stopLimitTimeInForce"),
        }
    limit["newClientOrderId"], stop["newClientOrderId"] = sent.get("limitClientOrderId"), sent.get("stopClientOrderId")
    return _place_list(call, "OCO", [Parameters.of(limit), Parameters.of(stop)])


def place_oto(call: Call) -> dict[str, Any]:
    """``POST /orderList/oto``: a working order, and one that is placed when it has filled."""
    sent = call.sent
    working = leg(sent, "working", sent.text("workingQuantity"), sent.text("workingSide"))
    pending = leg(sent, "pending", sent.text("pendingQuantity"), sent.text("pendingSide"))
    _require_working(working)
    return _place_list(call, "OTO", [working, pending])


def place_otoco(call: Call) -> dict[str, Any]:
    """``POST /orderList/otoco``: a working order, and a pair that is placed when it has filled."""
    sent = call.sent
    quantity, side = sent.text("pendingQuantity"), sent.text("pendingSide")
    working = leg(sent, "working", sent.text("workingQuantity"), sent.text("workingSide"))
    pair = [leg(sent, prefix, quantity, side) for prefix in ("pendingAbove", "pendingBelow")]
    _require_working(working)
    _require_pair(pair)
    return _place_list(call, "OTO", [working, *pair])


def _require_working(working: Parameters) -> None:
    if working.text("type") not in ("LIMIT", "LIMIT_MAKER"):
        raise not_needed("workingType")


def _require_pair(legs: list[Parameters]) -> None:
    kinds = [sent.text("type") for sent in legs]
    if not set(kinds) <= _LEGS or sum(kind in _STOPS for kind in kinds) != 1:
        raise Refusal(-1106, "An OCO is one stop and one LIMIT_MAKER or take-profit.")


def _place_list(call: Call, contingency: str, legs: list[Parameters]) -> dict[str, Any]:
    requests = [request_of(call, sent) for sent in legs]
    record = call.venue.desk.place_list(contingency, requests, call.sent.client_id("listClientOrderId"))
    return _list_answer(call, requests[0].listing, record, "placed")


def _list_answer(call: Call, listing: Listing, record: ListRecord, what: str) -> dict[str, Any]:
    orders = call.venue.desk.list_orders(record)
    reports = [
        shapes.placed(listing, order, "RESULT", call.venue.decimals)
        if what == "placed"
        else shapes.cancelled(listing, order)
        for order in orders
    ]
    return shapes.order_list(listing, record, orders) | {"orderReports": reports}


def find_list(call: Call) -> tuple[Listing, ListRecord]:
    """The order list that a request names."""
    desk, sent = call.venue.desk, call.sent
    list_id, client_id = sent.optional_integer("orderListId"), sent.optional("listClientOrderId")
    client_id = client_id or sent.optional("origClientOrderId")
    if list_id is None and client_id is None:
        raise missing("orderListId")
    for record in reversed(desk.lists.values()):
        if record.list_id == list_id or (list_id is None and record.client_id == client_id):
            return desk.by_symbol[record.symbol], record
    raise Refusal(-2018, "Order list does not exist.")


def query_list(call: Call) -> dict[str, Any]:
    """``GET /orderList``."""
    listing, record = find_list(call)
    return shapes.order_list(listing, record, call.venue.desk.list_orders(record))


def cancel_list(call: Call) -> dict[str, Any]:
    """``DELETE /orderList``."""
    listing, record = find_list(call)
    if not record.is_executing:
        raise unknown_order()
    for order in call.venue.desk.list_orders(record):
        if order.is_open:
            call.venue.desk.cancel(order)
    return _list_answer(call, listing, record, "cancelled")


def all_lists(call: Call) -> list[dict[str, Any]]:
    """``GET /allOrderList``."""
    return _lists(call, only_open=False)


def open_lists(call: Call) -> list[dict[str, Any]]:
    """``GET /openOrderList``."""
    return _lists(call, only_open=True)


def _lists(call: Call, *, only_open: bool) -> list[dict[str, Any]]:
    desk = call.venue.desk
    return [
        shapes.order_list(desk.by_symbol[record.symbol], record, desk.list_orders(record))
        for record in desk.lists.values()
        if record.is_executing or not only_open
    ]


# --- listen keys ----------------------------------------------------------------------------------------------


def start_stream(call: Call) -> dict[str, Any]:
    """``POST /userDataStream``."""
    return {"listenKey": call.venue.open_listen_key()}


def keep_stream(call: Call) -> dict[str, Any]:
    """``PUT /userDataStream``."""
    _require_listen_key(call)
    return {}


def close_stream(call: Call) -> dict[str, Any]:
    """``DELETE /userDataStream``."""
    _require_listen_key(call)
    call.venue.close_listen_key()
    return {}


def _require_listen_key(call: Call) -> None:
    if call.sent.text("listenKey") != call.venue.listen_key:
        raise Refusal(-1125, "This listenKey does not exist.")


def spot_routes() -> Routes:
    """The routes under ``/api/v3`` that need a key."""
    base = "/api/v3"
    return {
        ("POST", f"{base}/order"): Route(place, 1, SIGNED, 1),
        ("POST", f"{base}/order/test"): Route(test_order, 1, SIGNED),
        ("GET", f"{base}/order"): Route(query, 4, SIGNED),
        ("DELETE", f"{base}/order"): Route(cancel, 1, SIGNED),
        ("GET", f"{base}/openOrders"): Route(open_orders, lambda sent: 6 if "symbol" in sent else 80, SIGNED),
        ("DELETE", f"{base}/openOrders"): Route(cancel_open_orders, 1, SIGNED),
        ("GET", f"{base}/allOrders"): Route(all_orders, 20, SIGNED),
        ("POST", f"{base}/order/cancelReplace"): Route(cancel_replace, 1, SIGNED, 1),
        ("PUT", f"{base}/order/amend/keepPriority"): Route(amend, 4, SIGNED),
        ("POST", f"{base}/order/oco"): Route(place_old_oco, 1, SIGNED, 2),
        ("POST", f"{base}/orderList/oco"): Route(place_oco, 1, SIGNED, 2),
        ("POST", f"{base}/orderList/oto"): Route(place_oto, 1, SIGNED, 2),
        ("POST", f"{base}/orderList/otoco"): Route(place_otoco, 1, SIGNED, 3),
        ("GET", f"{base}/orderList"): Route(query_list, 4, SIGNED),
        ("DELETE", f"{base}/orderList"): Route(cancel_list, 1, SIGNED),
        ("GET", f"{base}/allOrderList"): Route(all_lists, 20, SIGNED),
        ("GET", f"{base}/openOrderList"): Route(open_lists, 6, SIGNED),
        ("GET", f"{base}/myTrades"): Route(my_trades, 20, SIGNED),
        ("GET", f"{base}/account"): Route(account, 20, SIGNED),
        ("GET", f"{base}/account/commission"): Route(commission, 20, SIGNED),
        ("GET", f"{base}/rateLimit/order"): Route(order_rate_limits, 40, SIGNED),
        ("POST", f"{base}/userDataStream"): Route(start_stream, 2, KEYED),
        ("PUT", f"{base}/userDataStream"): Route(keep_stream, 2, KEYED),
        ("DELETE", f"{base}/userDataStream"): Route(close_stream, 2, KEYED),
    }


def wallet_routes() -> Routes:
    """The few routes of ``/sapi`` that clients ask for by themselves."""
    return {
        ("GET", "/sapi/v1/capital/config/getall"): Route(coins, 10, SIGNED),
        ("GET", "/sapi/v1/margin/allPairs"): Route(no_pairs, 1, SIGNED),
        ("GET", "/sapi/v1/margin/isolated/allPairs"): Route(no_pairs, 10, SIGNED),
    }
