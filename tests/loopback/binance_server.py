"""A Binance on loopback: public REST and streams over recorded bars, at a chosen speed, with faults on demand."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from bot4.domain.bars import BarSeries
from tests.loopback import binance_messages as messages
from tests.loopback.binance_messages import NS_PER_MS, Kline

INTERVAL_NAMES = {60: "1m", 300: "5m", 3600: "1h"}
MAX_ROWS = 1000


@dataclass
class MarketClock:
    """The exchange's time: standing still, or running so that a bar takes ``wall_s_per_bar``."""

    start_ns: int
    interval_ns: int
    wall_s_per_bar: float = 0.0
    _started_s: float = field(default_factory=time.monotonic)

    def now_ns(self) -> int:
        if not self.wall_s_per_bar:
            return self.start_ns
        elapsed_bars = (time.monotonic() - self._started_s) / self.wall_s_per_bar
        return self.start_ns + int(elapsed_bars * self.interval_ns)

    async def until(self, ts_ns: int) -> None:
        wait_s = (ts_ns - self.now_ns()) / self.interval_ns * self.wall_s_per_bar
        if wait_s > 0:
            await asyncio.sleep(wait_s)


@dataclass
class HttpFault:
    """One REST answer that is an error; ``status`` 0 cuts the connection without an answer."""

    status: int
    retry_after_s: int | None = None


@dataclass
class Faults:
    """What is wrong with the exchange; switched by tests while it runs."""

    http: list[HttpFault] = field(default_factory=list)
    delay_s: float = 0.0
    is_silent: bool = False
    refuses_sockets: bool = False
    duplicates_klines: bool = False
    disorders_klines: bool = False
    loses_every: int = 0


@dataclass(eq=False)
class _Socket:
    ws: web.WebSocketResponse
    transport: asyncio.Transport
    is_combined: bool
    streams: set[str] = field(default_factory=set)


class LoopbackBinance:
    """The server, on its own thread and event loop: ``with LoopbackBinance(bars, start_ns) as binance``.

    ``base_url`` is for :class:`bot4.adapters.exchanges.venues.VenueSettings`; ``requests`` lists the REST requests.
    """

    def __init__(self, bars: Mapping[str, BarSeries], now_ns: int, wall_s_per_bar: float = 0.0) -> None:
        self.bars = dict(bars)
        self.interval_ns = next(iter(self.bars.values())).interval_ns
        self.interval = INTERVAL_NAMES[self.interval_ns // 1_000_000_000]
        self.clock = MarketClock(now_ns, self.interval_ns, wall_s_per_bar)
        self.faults = Faults()
        self.requests: list[str] = []
        self.sockets_opened = 0
        self.base_url = ""
        self._sockets: set[_Socket] = set()
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="loopback binance", daemon=True)
        self._klines_sent = 0

    # --- life -------------------------------------------------------------------------------------------------

    def __enter__(self) -> LoopbackBinance:
        self._thread.start()
        assert self._is_ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def drop_sockets(self) -> None:
        """Cut every socket without a word."""
        self._loop.call_soon_threadsafe(lambda: [socket.transport.abort() for socket in self._sockets])

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._live())
        self._loop.close()

    async def _live(self) -> None:
        app = web.Application(middlewares=[self._faulty])
        app.add_routes(
            [
                web.get("/{host}/api/v3/ping", self._ping),
                web.get("/{host}/api/v3/time", self._time),
                web.get("/{host}/api/v3/exchangeInfo", self._exchange_info),
                web.get("/{host}/fapi/v1/exchangeInfo", self._no_contracts),
                web.get("/{host}/dapi/v1/exchangeInfo", self._no_contracts),
                web.get("/{host}/api/v3/klines", self._klines),
                web.get("/{host}/api/v3/aggTrades", self._agg_trades),
                web.get("/{host}/stream", self._socket),
                web.get("/{host}/ws", self._socket),
                web.get("/{host}/ws/{stream}", self._socket),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        publishing = asyncio.create_task(self._publish()) if self.clock.wall_s_per_bar else None
        self._is_ready.set()
        await self._stop.wait()
        if publishing is not None:
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
        for socket in self._sockets:
            socket.transport.abort()
        await runner.cleanup()

    # --- REST -------------------------------------------------------------------------------------------------

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if self.faults.refuses_sockets:
                return web.Response(status=503)
            return await handler(request)
        self.requests.append(f"{request.path}?{request.query_string}")
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        if self.faults.http:
            return self._failed(request, self.faults.http.pop(0))
        return await handler(request)

    def _failed(self, request: web.Request, fault: HttpFault) -> web.Response:
        if not fault.status:
            request.transport.abort()
            return web.Response()
        bodies = {
            429: messages.error(-1003, "Too many requests; current limit is 6000 request weight per 1 MINUTE."),
            418: messages.error(-1003, "Way too many requests; IP banned until 1754603741167."),
            451: {"code": 0, "msg": "Service unavailable from a restricted location according to 'b. Eligibility'."},
        }
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        if fault.status in bodies:
            return web.json_response(bodies[fault.status], status=fault.status, headers=headers)
        return web.Response(status=fault.status, headers=headers, text="<html>Bad gateway</html>")

    async def _ping(self, _request: web.Request) -> web.Response:
        return web.json_response({})

    async def _time(self, _request: web.Request) -> web.Response:
        return web.json_response({"serverTime": self._now_ms()})

    async def _exchange_info(self, _request: web.Request) -> web.Response:
        return web.json_response(messages.exchange_info(list(self.bars), self._now_ms()))

    async def _no_contracts(self, _request: web.Request) -> web.Response:
        return web.json_response(messages.exchange_info([], self._now_ms()))

    async def _klines(self, request: web.Request) -> web.Response:
        query = request.query
        bars = self.bars.get(query.get("symbol", ""))
        if bars is None:
            return web.json_response(messages.error(-1121, "Invalid symbol."), status=400)
        if query.get("interval") != self.interval:
            return web.json_response(messages.error(-1120, "Invalid interval."), status=400)
        opens_ms = bars.ts_open_ns // NS_PER_MS
        limit = min(int(query.get("limit", 500)), MAX_ROWS)
        end = bisect_right(opens_ms, min(self._now_ms(), int(query.get("endTime", self._now_ms()))))
        if "startTime" in query:
            start = bisect_left(opens_ms, int(query["startTime"]))
            end = min(end, start + limit)
        else:
            start = max(0, end - limit)
        return web.json_response([messages.kline_row(self._as_of_now(bars, index)) for index in range(start, end)])

    def _as_of_now(self, bars: BarSeries, index: int) -> Kline:
        fraction = (self.clock.now_ns() - int(bars.ts_open_ns[index])) / bars.interval_ns
        return messages.whole(bars, index) if fraction >= 1 else messages.forming(bars, index, fraction)

    async def _agg_trades(self, request: web.Request) -> web.Response:
        query = request.query
        bars = self.bars.get(query.get("symbol", ""))
        if bars is None:
            return web.json_response(messages.error(-1121, "Invalid symbol."), status=400)
        limit = min(int(query.get("limit", 500)), MAX_ROWS)
        until_ms = min(self._now_ms(), int(query.get("endTime", self._now_ms())))
        last = bisect_right(bars.ts_open_ns, until_ms * NS_PER_MS)
        if "fromId" in query:
            first, keep_first = int(query["fromId"]) // messages.TRADES_PER_BAR, True
        elif "startTime" in query:
            since_ns = int(query["startTime"]) * NS_PER_MS
            first, keep_first = max(0, bisect_left(bars.ts_open_ns, since_ns) - 1), True
        else:
            first, keep_first = max(0, last - limit), False
        trades = [
            trade
            for index in range(first, min(last, first + limit + 1))
            for trade in messages.agg_trades(bars, index)
            if trade["a"] >= int(query.get("fromId", 0)) and int(query.get("startTime", 0)) <= trade["T"] <= until_ms
        ]
        return web.json_response(trades[:limit] if keep_first else trades[-limit:])

    # --- streams ----------------------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(autoping=True)
        await ws.prepare(request)
        self.sockets_opened += 1
        assert isinstance(request.transport, asyncio.Transport)
        socket = _Socket(ws, request.transport, is_combined=request.path.endswith("/stream"))
        named = request.query.get("streams", request.match_info.get("stream", ""))
        socket.streams.update(stream for stream in named.split("/") if "@" in stream)
        self._sockets.add(socket)
        try:
            async for message in ws:
                if message.type == WSMsgType.TEXT:
                    await self._command(socket, json.loads(message.data))
        finally:
            self._sockets.discard(socket)
        return ws

    async def _command(self, socket: _Socket, command: dict[str, Any]) -> None:
        if command["method"] == "SUBSCRIBE":
            socket.streams.update(command["params"])
        elif command["method"] == "UNSUBSCRIBE":
            socket.streams.difference_update(command["params"])
        await socket.ws.send_str(json.dumps({"result": None, "id": command["id"]}))

    async def _publish(self) -> None:
        grid_ns = self.clock.start_ns // self.interval_ns * self.interval_ns
        late: list[tuple[str, dict[str, Any]]] = []
        while True:
            for fraction in (0.25, 0.5, 0.75, 1.0):
                await self.clock.until(grid_ns + int(fraction * self.interval_ns))
                for symbol, bars in self.bars.items():
                    index = int(np.searchsorted(bars.ts_open_ns, grid_ns))
                    if index < len(bars) and bars.ts_open_ns[index] == grid_ns:
                        await self._publish_bar(symbol, bars, index, fraction, late)
            grid_ns += self.interval_ns

    async def _publish_bar(
        self, symbol: str, bars: BarSeries, index: int, fraction: float, late: list[tuple[str, dict[str, Any]]]
    ) -> None:
        trades = messages.agg_trades(bars, index)
        if trades:
            trade = trades[int(fraction * messages.TRADES_PER_BAR) - 1]
            await self._send(f"{symbol.lower()}@aggTrade", messages.agg_trade_message(symbol, trade))
            await self._send(f"{symbol.lower()}@trade", messages.trade_message(symbol, trade))
        bar = messages.whole(bars, index) if fraction == 1 else messages.forming(bars, index, fraction)
        stream = f"{symbol.lower()}@kline_{self.interval}"
        message = messages.kline_message(symbol, self.interval, bar, self._now_ms())
        if self.faults.disorders_klines and fraction == 1:
            stale = messages.kline_message(symbol, self.interval, messages.forming(bars, index, 0.5), self._now_ms())
            late += [(stream, message), (stream, stale)]
            return
        await self._send_kline(stream, message)
        for held in [held for held in late if held[0] == stream]:
            late.remove(held)
            await self._send_kline(*held)

    async def _send_kline(self, stream: str, message: dict[str, Any]) -> None:
        self._klines_sent += 1
        if self.faults.loses_every and self._klines_sent % self.faults.loses_every == 0:
            return
        await self._send(stream, message)
        if self.faults.duplicates_klines:
            await self._send(stream, message)

    async def _send(self, stream: str, message: dict[str, Any]) -> None:
        if self.faults.is_silent:
            return
        for socket in list(self._sockets):
            if stream in socket.streams and not socket.ws.closed:
                body = {"stream": stream, "data": message} if socket.is_combined else message
                try:
                    await socket.ws.send_str(json.dumps(body))
                except ConnectionError:
                    self._sockets.discard(socket)

    def _now_ms(self) -> int:
        return self.clock.now_ns() // NS_PER_MS
