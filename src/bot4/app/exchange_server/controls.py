"""The simulator's own paths, which no exchange has: status, faults, and the market where clients move it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot4.app.exchange_server.faults import KINDS, fault_of
from bot4.app.exchange_server.listings import NS_PER_MS, find_listing
from bot4.app.exchange_server.market_driver import posted_events
from bot4.app.exchange_server.refusals import Refusal
from bot4.domain.bars import SECOND_NS
from bot4.domain.errors import Bot4Error

if TYPE_CHECKING:
    from bot4.app.exchange_server.server import ExchangeServer

_MOST_STEP_S = 366 * 86_400.0
PATHS = {
    "GET /simulator/status": "what is served, what time it is, which faults are at work",
    "GET /simulator/faults": "every kind of fault, and which are at work",
    "POST /simulator/faults": "put a fault, or a list of them, to work",
    "DELETE /simulator/faults": "end every fault",
    "POST /simulator/market": "let market events happen (--market manual)",
    "POST /simulator/advance": 'let market time pass: {"seconds": 60}',
    "POST /simulator/restart": "crash the exchange and bring it back at once",
}


def control(server: ExchangeServer, method: str, path: str, body: str) -> tuple[int, Any]:
    """Answer one request of the simulator's own: HTTP status and JSON."""
    try:
        posted = json.loads(body) if body.strip() else {}
    except ValueError:
        return 400, {"error": "the body is no JSON"}
    try:
        return _controlled(server, f"{method} {path.rstrip('/')}", posted)
    except Refusal as refusal:
        return 400, {"error": refusal.message}
    except Bot4Error as error:
        return 400, {"error": str(error)}


def _controlled(server: ExchangeServer, what: str, posted: Any) -> tuple[int, Any]:
    now_s = server.monotonic_s()
    if what == "GET /simulator/status":
        return 200, status(server)
    if what == "GET /simulator/faults":
        kinds = {name: {"does": kind.does, "ends": kind.ends, "seconds": kind.seconds} for name, kind in KINDS.items()}
        return 200, {"kinds": kinds, **server.faults.to_json(now_s)}
    if what == "POST /simulator/faults":
        for values in posted if isinstance(posted, list) else [posted]:
            if not isinstance(values, Mapping):
                raise Refusal(-1100, "a fault is an object")
            server.arm(fault_of(values))
        return 200, server.faults.to_json(now_s)
    if what == "DELETE /simulator/faults":
        server.faults.clear()
        return 200, server.faults.to_json(now_s)
    if what == "POST /simulator/market":
        return 200, _move(server, posted)
    if what == "POST /simulator/advance":
        seconds = posted.get("seconds") if isinstance(posted, Mapping) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= _MOST_STEP_S:
            raise Refusal(-1100, "give seconds above 0, a year at most")
        server.advance(int(seconds * SECOND_NS))
        return 200, {"now_ms": server.market_clock.now_ns() // NS_PER_MS}
    if what == "POST /simulator/restart":
        server.arm(fault_of({"kind": "crash", "seconds": 0}))
        return 200, status(server)
    return 404, {"error": "no such path", "paths": PATHS}


def _move(server: ExchangeServer, posted: Any) -> dict[str, Any]:
    if server.drivers:
        raise Refusal(-1100, "the market is synthetic here; start with --market manual to move it")
    for values in posted if isinstance(posted, list) else [posted]:
        if not isinstance(values, Mapping):
            raise Refusal(-1100, "market events are an object, or a list of objects")
        venue = server.venues.get(str(values.get("market", next(iter(server.venues)))))
        if venue is None:
            raise Refusal(-1100, f"market is one of {', '.join(server.venues)}")
        listing = find_listing(venue.listings, str(values.get("symbol", "")))
        venue.take_market(posted_events(listing, values, venue.exchange.now_ns))
    return {"now_ms": server.market_clock.now_ns() // NS_PER_MS}


def status(server: ExchangeServer) -> dict[str, Any]:
    """What is served, and how it goes."""
    return {
        "is_simulator": True,
        "address": server.base_url,
        "now_ms": server.market_clock.now_ns() // NS_PER_MS,
        "request_clock_ms": server.request_ms(),
        "speed": server.settings.speed,
        "seed": server.settings.seed,
        "requests": server.n_requests,
        "sockets": len(server.hub.sockets),
        "is_closed": server.is_closed(server.monotonic_s()),
        "markets": {
            market: {
                "symbols": list(venue.listings),
                "moved_by": "clients" if market not in server.drivers else "simulator",
                "open_orders": len(venue.desk.open_orders()),
                "orders": len(venue.desk.orders),
                "balances": {asset: list(pair) for asset, pair in venue.balance_texts().items()},
            }
            for market, venue in server.venues.items()
        },
        "faults": server.faults.to_json(server.monotonic_s()),
    }
