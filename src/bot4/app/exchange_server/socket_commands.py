"""What clients say on sockets: subscriptions on the stream sockets; requests and the user stream on ``/ws-api/v3``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot4.app.exchange_server import spot_routes as spot
from bot4.app.exchange_server.calls import PUBLIC, SIGNED, Call, Route
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.public_routes import ping, server_time
from bot4.app.exchange_server.refusals import Refusal, bad_signature, missing
from bot4.app.exchange_server.signing import request_times, require_key, signature
from bot4.app.exchange_server.streams import Socket, subscribe

if TYPE_CHECKING:
    from bot4.app.exchange_server.server import ExchangeServer

_METHODS = {
    "ping": Route(ping),
    "time": Route(server_time),
    "order.place": Route(spot.place, 1, SIGNED, 1),
    "order.test": Route(spot.test_order, 1, SIGNED),
    "order.status": Route(spot.query, 4, SIGNED),
    "order.cancel": Route(spot.cancel, 1, SIGNED),
    "order.cancelReplace": Route(spot.cancel_replace, 1, SIGNED, 1),
    "order.amend.keepPriority": Route(spot.amend, 4, SIGNED),
    "openOrders.status": Route(spot.open_orders, 6, SIGNED),
    "openOrders.cancelAll": Route(spot.cancel_open_orders, 1, SIGNED),
    "allOrders": Route(spot.all_orders, 20, SIGNED),
    "myTrades": Route(spot.my_trades, 20, SIGNED),
    "account.status": Route(spot.account, 20, SIGNED),
    "orderList.place.oco": Route(spot.place_oco, 1, SIGNED, 2),
    "orderList.place.oto": Route(spot.place_oto, 1, SIGNED, 2),
    "orderList.place.otoco": Route(spot.place_otoco, 1, SIGNED, 3),
}
_SUBSCRIBE_SIGNED = "userDataStream.subscribe.signature"
_UNSUBSCRIBE = "userDataStream.unsubscribe"


def answer_socket(server: ExchangeServer, socket: Socket, asked: dict[str, Any], *, is_api: bool) -> dict[str, Any]:
    """Answer one message of a client."""
    if not is_api:
        return subscribe(socket, asked)
    number = asked.get("id")
    try:
        return {"id": number, "status": 200, "result": _perform(server, socket, asked)}
    except Refusal as refusal:
        return {"id": number, "status": refusal.status, "error": refusal.body}


def _perform(server: ExchangeServer, socket: Socket, asked: dict[str, Any]) -> Any:
    params = asked.get("params") or {}
    if not isinstance(params, dict):
        raise missing("params")
    method = asked["method"]
    venue = server.venues[socket.market]
    now_ms = server.request_ms()
    if method == _SUBSCRIBE_SIGNED:
        _require_signed(server, params, now_ms)
        venue.open_listen_key()
        socket.subscription_id = 0
        return {"subscriptionId": 0}
    if method == _UNSUBSCRIBE:
        socket.subscription_id = None
        return {}
    route = _METHODS.get(method)
    if route is None or (venue.is_futures and route.security != PUBLIC):
        raise Refusal(-1000, f"The simulator has no method {method!r}.")
    sent = Parameters.of(params)
    venue.admission.admit(now_ms, route.weight_of(sent), route.n_orders)
    if route.security == SIGNED:
        _require_signed(server, params, now_ms)
    return server.perform(route, Call(venue, sent, now_ms))


def _require_signed(server: ExchangeServer, params: dict[str, Any], now_ms: int) -> None:
    """On a socket the signature is that of the parameters in the order of their names."""
    credentials = server.settings.credentials
    require_key(credentials, str(params.get("apiKey", "")))
    timestamp_ms, window_ms = request_times(Parameters.of(params))
    payload = "&".join(f"{name}={_text(params[name])}" for name in sorted(params) if name != "signature")
    if str(params.get("signature", "")).lower() != signature(credentials.secret, payload):
        raise bad_signature()
    next(iter(server.venues.values())).admission.require_window(timestamp_ms, window_ms, now_ms)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
