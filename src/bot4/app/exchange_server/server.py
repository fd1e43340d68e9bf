"""The server: one loopback port for REST, sockets and the simulator's own controls, over one or two exchanges.

Every request is answered in one piece between two steps of the market, so that nothing here needs a lock. Paths may be
preceded by a host's name, as :class:`~bot4.adapters.exchanges.venues.VenueSettings` writes them behind a gateway:
``/api.binance.com/api/v3/time`` is ``/api/v3/time``, and ``/fstream.binance.com/ws`` is the futures' socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bot4.app.exchange_server import faults as f
from bot4.app.exchange_server.calls import PUBLIC, SIGNED, Call, Route, Routes
from bot4.app.exchange_server.controls import control
from bot4.app.exchange_server.faults import Fault, FaultBoard
from bot4.app.exchange_server.futures_routes import futures_routes
from bot4.app.exchange_server.market_driver import MarketClock, SyntheticDriver
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.public_routes import nothing_listed, public_routes
from bot4.app.exchange_server.refusals import (
    Refusal,
    banned,
    in_maintenance,
    outcome_unknown,
    service_unavailable,
    too_many_requests,
)
from bot4.app.exchange_server.signing import Credentials, request_times, require_key, require_signature
from bot4.app.exchange_server.socket_commands import answer_socket
from bot4.app.exchange_server.spot_routes import spot_routes, wallet_routes
from bot4.app.exchange_server.state_file import arrays_like, load_state, save_state
from bot4.app.exchange_server.streams import Socket, StreamHub
from bot4.app.exchange_server.venue import FUTURES, SPOT, ServedVenue, VenueChoice
from bot4.domain.errors import DataError, Retryable
from bot4.domain.ports import Clock

HOST = "127.0.0.1"
TICK_S = 0.1
NS_PER_MS = 1_000_000
_STATE_EVERY_S = 5.0
_FUTURES_PREFIX = "/fapi"
_NOT_FOUND = {"code": -1, "msg": "The simulator has no such path."}
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server is run.

    Attributes:
        port: 0 picks a free one.
        seed: of markets and keys.
        speed: market seconds a second; 0 where the market stands still until it is told.
        credentials: the account's key and secret.
        state: folder that keeps the exchange; None for none.
        faults: scheduled ones.
    """

    credentials: Credentials
    port: int = 0
    seed: int = 1
    speed: float = 1.0
    state: Path | None = None
    faults: tuple[Fault, ...] = ()


class ExchangeServer:
    """The served exchanges; :meth:`run` serves until told to stop.

    Args:
        settings: how it is run.
        choices: the exchanges, one a market.
        drivers: makes what moves a market; returns None for one that clients move.
        clock: the machine's clock.
        monotonic_s: seconds that never run backwards.
    """

    def __init__(
        self,
        settings: ServerSettings,
        choices: list[VenueChoice],
        drivers: Callable[[ServedVenue], SyntheticDriver | None],
        clock: Clock,
        monotonic_s: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.monotonic_s = monotonic_s
        self.faults = FaultBoard(settings.faults, monotonic_s())
        self.hub = StreamHub(self.faults, monotonic_s)
        self.base_url = ""
        self.n_requests = 0
        self.was_restored = False
        kept = load_state(settings.state) if settings.state is not None else None
        start_ns = max(clock.now_ns(), kept[2]["now_ns"] if kept else 0)
        self.market_clock = MarketClock(start_ns, settings.speed, monotonic_s)
        self.venues = {choice.market: ServedVenue(choice, self.hub, settings.seed, start_ns) for choice in choices}
        made = {market: drivers(venue) for market, venue in self.venues.items()}
        self.drivers = {market: driver for market, driver in made.items() if driver is not None}
        self.routes = _all_routes(self.venues)
        if kept is not None:
            self._restore(*kept)
        for driver in self.drivers.values():
            driver.open(start_ns)
        self._stop: asyncio.Event | None = None
        self._saved_s = monotonic_s()

    # --- life -------------------------------------------------------------------------------------------------

    async def run(self, when_ready: Callable[[], None]) -> None:
        """Serve until :meth:`stop`.

        Raises:
            Retryable: the port is taken.
        """
        self._stop = asyncio.Event()
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1.0)
        await runner.setup()
        try:
            try:
                site = web.TCPSite(runner, HOST, self.settings.port)
                await site.start()
            except OSError as error:
                raise Retryable(
                    f"port {self.settings.port} cannot be opened: {error.strerror or error}",
                    where="--port",
                    remedy="close what uses it, or give --port 0",
                ) from error
            self.base_url = f"http://{HOST}:{runner.addresses[0][1]}"
            self._arm_due(self.monotonic_s())
            moving = asyncio.create_task(self._move())
            try:
                when_ready()
                await self._until_stopped(moving)
            finally:
                moving.cancel()
                await asyncio.gather(moving, return_exceptions=True)
                self.hub.cut_all()
        finally:
            await runner.cleanup()
            self._save()

    def stop(self) -> None:
        """End :meth:`run`; from the same event loop."""
        if self._stop is not None:
            self._stop.set()

    async def _until_stopped(self, moving: asyncio.Task[None]) -> None:
        assert self._stop is not None
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({stopping, moving}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if moving.done():
            moving.result()

    async def _move(self) -> None:
        n_ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            self.tick()
            n_ticks += 1
            for venue in self.venues.values():
                venue.publish_by_time(is_second=n_ticks % round(1 / TICK_S) == 0)

    def tick(self) -> None:
        """Let scheduled faults and the markets come up to now."""
        now_s = self.monotonic_s()
        self._arm_due(now_s)
        if self.is_closed(now_s):
            return
        now_ns = self.market_clock.now_ns()
        changed = False
        for market, venue in self.venues.items():
            before = venue.desk.execution_id
            driver = self.drivers.get(market)
            if driver is not None:
                driver.step(now_ns)
            else:
                venue.settle()
            changed = changed or venue.desk.execution_id != before
        if changed or now_s - self._saved_s > _STATE_EVERY_S:
            self._save()

    def advance(self, step_ns: int) -> None:
        """Let market time pass at once, as a client asked."""
        now_ns = self.market_clock.advance(step_ns)
        for market, venue in self.venues.items():
            driver = self.drivers.get(market)
            if driver is not None:
                driver.step(now_ns)
            else:
                venue.advance(now_ns)
        self._save()

    # --- faults, crashes and files ----------------------------------------------------------------------------

    def _arm_due(self, now_s: float) -> None:
        for fault in self.faults.due(now_s):
            self.arm(fault)

    def arm(self, fault: Fault) -> None:
        """Put a fault to work."""
        self.faults.arm(fault, self.monotonic_s())
        if fault.kind in (f.DISCONNECT, f.MAINTENANCE, f.CRASH):
            self.hub.cut_all()
        if fault.kind == f.CRASH:
            self._crash()

    def is_closed(self, now_s: float) -> bool:
        """Whether the exchange neither answers nor trades."""
        return any(self.faults.lasting(kind, now_s) is not None for kind in (f.CRASH, f.MAINTENANCE))

    def _crash(self) -> None:
        """Lose everything but what a restart finds: new exchanges from the bytes of the old ones."""
        for venue in self.venues.values():
            arrays, values = venue.state()
            venue.restore({name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(values)))

    def _save(self) -> None:
        if self.settings.state is None:
            return
        self._saved_s = self.monotonic_s()
        arrays: dict[str, Any] = {}
        values: dict[str, Any] = {"now_ns": self.market_clock.now_ns(), "venues": {}, "drivers": {}}
        for market, venue in self.venues.items():
            of_venue, values["venues"][market] = venue.state()
            arrays |= {f"{market}.{name}": array for name, array in of_venue.items()}
            values["venues"][market]["symbols"] = list(venue.choice.universe.symbols)
        values["drivers"] = {market: driver.state() for market, driver in self.drivers.items()}
        save_state(self.settings.state, arrays, values)

    def _restore(self, parts: dict[str, bytes], layouts: dict[str, Any], values: dict[str, Any]) -> None:
        where = str(self.settings.state)
        for market, venue in self.venues.items():
            kept = values["venues"].get(market)
            if kept is None or kept["symbols"] != list(venue.choice.universe.symbols):
                raise DataError(
                    f"was made for other symbols than {', '.join(venue.choice.universe.symbols)}",
                    where=where,
                    remedy="give the same symbols, or another folder",
                )
            fresh = {f"{market}.{name}": array for name, array in venue.exchange.state().items()}
            made = arrays_like(fresh, parts, layouts, where)
            venue.restore({name.partition(".")[2]: array for name, array in made.items()}, kept)
        for market, driver in self.drivers.items():
            if market in values["drivers"]:
                driver.restore(values["drivers"][market])
        self.was_restored = True

    def request_ms(self) -> int:
        """The clock by which requests are measured: the machine's, and its skew."""
        return self.clock.now_ns() // NS_PER_MS + self.faults.skew_ms(self.monotonic_s())

    # --- requests ---------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = _without_host(request.path)
        if path.startswith("/simulator"):
            status, answer = control(self, request.method, path, await request.text())
            return _answered(answer, status)
        if self.faults.lasting(f.CRASH, self.monotonic_s()) is not None:
            return _cut(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_socket(request, path)
        self.n_requests += 1
        try:
            return await self._answer(request, path)
        except Refusal as refusal:
            return _answered(refusal.body, refusal.status, refusal.headers)

    async def _answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        self._require_open()
        route = self.routes.get((request.method, path))
        if route is None:
            return _answered(_NOT_FOUND, 404)
        body = await request.text() if request.body_exists else ""
        is_order = route.security == SIGNED
        method = request.method if is_order else "none"
        if is_order:
            early = self._refused_by_fault(method)
            if early is not None:
                raise early
            held = self.faults.take(f.TIMEOUT_BEFORE, method)
            if held is not None:
                await asyncio.sleep(held.seconds)
                return _cut(request)
        answer, headers = self.call(route, path, request.rel_url.raw_query_string, body, request.headers)
        if is_order:
            if self.faults.take(f.ACK_LOST, method):
                return _cut(request)
            held = self.faults.take(f.TIMEOUT_AFTER, method)
            if held is not None:
                await asyncio.sleep(held.seconds)
                return _cut(request)
            if self.faults.take(f.UNKNOWN_AFTER, method):
                raise outcome_unknown()
        return _answered(answer, 200, headers)

    def call(
        self, route: Route, path: str, query: str, body: str, headers: Mapping[str, str]
    ) -> tuple[Any, dict[str, str]]:
        """Answer one request: who asks, whether he may, what he wants.

        Raises:
            Refusal: he may not, or the exchange does not do it.
        """
        venue = self.venue_of(path)
        sent = Parameters(query, body)
        now_ms = self.request_ms()
        used = venue.admission.admit(now_ms, route.weight_of(sent), route.n_orders)
        if route.security != PUBLIC:
            require_key(self.settings.credentials, headers.get("X-MBX-APIKEY"))
        if route.security == SIGNED:
            timestamp_ms, window_ms = request_times(sent)
            require_signature(self.settings.credentials, query, body)
            venue.admission.require_window(timestamp_ms, window_ms, now_ms)
        return self.perform(route, Call(venue, sent, now_ms)), used

    def perform(self, route: Route, call: Call) -> Any:
        """Do what a route does at the market's time now, and keep and tell what came of it."""
        venue = call.venue
        if self.settings.speed:
            venue.exchange.advance(max(venue.exchange.now_ns, self.market_clock.now_ns()))
            venue.desk.collect()
        try:
            return route.handler(call)
        finally:
            if route.security == SIGNED and venue.flush():
                self._save()

    def venue_of(self, path: str) -> ServedVenue:
        """The exchange that a path belongs to; with one only, that one answers what both have."""
        wanted = FUTURES if path.startswith(_FUTURES_PREFIX) else SPOT
        found = self.venues.get(wanted)
        return found if found is not None else next(iter(self.venues.values()))

    def _require_open(self) -> None:
        now_s = self.monotonic_s()
        ban = self.faults.lasting(f.BAN, now_s)
        if ban is not None:
            left_s = max(1, int(ban.ends_s - now_s + 0.999))
            raise banned(self.request_ms() + 1000 * left_s, left_s)
        if self.faults.lasting(f.MAINTENANCE, now_s) is not None:
            raise in_maintenance()

    def _refused_by_fault(self, method: str) -> Refusal | None:
        if self.faults.take(f.OVERLOADED, method):
            return service_unavailable()
        if self.faults.take(f.UNKNOWN_BEFORE, method):
            return outcome_unknown()
        if self.faults.take(f.REFUSAL, method):
            return Refusal(-2010, "Order was refused (a fault of the simulator).")
        limited = self.faults.take(f.RATE_LIMIT, method)
        return too_many_requests(int(limited.seconds), 6000) if limited is not None else None

    # --- sockets ----------------------------------------------------------------------------------------------

    async def _serve_socket(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        if self.is_closed(self.monotonic_s()):
            return web.Response(status=503)
        ws = web.WebSocketResponse(autoping=True, heartbeat=None)
        await ws.prepare(request)
        transport = request.transport if isinstance(request.transport, asyncio.Transport) else None
        is_futures = "fstream" in request.path or path.startswith(_FUTURES_PREFIX)
        market = FUTURES if is_futures and FUTURES in self.venues else SPOT if SPOT in self.venues else FUTURES
        socket = Socket(ws, market, is_combined=path.endswith("/stream"), transport=transport)
        in_path = path.rpartition("/ws/")[2] if "/ws/" in path else ""
        named = request.query.get("streams") or request.query.get("listenKey") or in_path
        socket.streams.update(stream for stream in named.split("/") if stream)
        is_api = path.startswith(("/ws-api", "/ws-fapi"))

        def command(asking: Socket, asked: dict[str, Any]) -> dict[str, Any]:
            return answer_socket(self, asking, asked, is_api=is_api)

        return await self.hub.serve(socket, command)


def _all_routes(venues: Mapping[str, ServedVenue]) -> Routes:
    bases = ("/api/v3", "/fapi/v1", "/dapi/v1")
    routes: Routes = {("GET", f"{base}/exchangeInfo"): Route(nothing_listed) for base in bases} | wallet_routes()
    if SPOT in venues:
        routes |= public_routes("/api/v3") | spot_routes()
    if FUTURES in venues:
        routes |= public_routes("/fapi/v1") | futures_routes()
    return routes


def _without_host(path: str) -> str:
    """A path without the host's name that a gateway puts before it."""
    first, _, rest = path.lstrip("/").partition("/")
    return f"/{rest}" if "." in first else path


def _answered(answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    body = json.dumps(answer, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type=_JSON, headers=headers)


def _cut(request: web.BaseRequest) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        with contextlib.suppress(RuntimeError):
            request.transport.abort()
    return web.Response()
