"""Sockets: who listens to which stream, listen keys, and the faults of a stream.

A message goes to a socket's own queue, which one task writes out in order; a socket that does not read loses its place
when its queue is full, as at a real exchange.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from bot4.app.exchange_server import faults as f
from bot4.app.exchange_server.faults import FaultBoard

MOST_QUEUED = 10_000
MOST_STREAMS = 1_024


@dataclass(eq=False)
class Socket:
    """One connection: the streams that it asked for, and the way in which it wants them wrapped."""

    ws: web.WebSocketResponse
    market: str
    is_combined: bool
    transport: asyncio.Transport | None
    streams: set[str] = field(default_factory=set)
    subscription_id: int | None = None  # of the user stream on the socket interface (ws-api)
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(MOST_QUEUED))

    def put(self, stream: str, message: dict[str, Any]) -> None:
        """Queue a message; a socket whose queue is full is cut."""
        body = {"stream": stream, "data": message} if self.is_combined else message
        self.put_text(json.dumps(body, separators=(",", ":")))

    def put_text(self, text: str) -> None:
        """Queue a text as it is."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """End the connection without a word."""
        if self.transport is not None:
            self.transport.abort()


class StreamHub:
    """Every open socket of the server.

    Args:
        faults: what is wrong with the streams.
        clock_s: monotonic seconds.
    """

    def __init__(self, faults: FaultBoard, clock_s: Callable[[], float]) -> None:
        self.sockets: set[Socket] = set()
        self.faults = faults
        self._clock_s = clock_s
        self._held: list[tuple[str, dict[str, Any]]] = []  # of the user stream, to come after the next message

    async def serve(
        self, socket: Socket, command: Callable[[Socket, dict[str, Any]], dict[str, Any]]
    ) -> web.WebSocketResponse:
        """Read and write one connection until it ends; ``command`` answers what the client sends."""
        self.sockets.add(socket)
        writing = asyncio.create_task(self._write(socket))
        try:
            async for received in socket.ws:
                if received.type != WSMsgType.TEXT:
                    continue
                socket.put_text(json.dumps(_answer(socket, received.data, command), separators=(",", ":")))
        finally:
            self.sockets.discard(socket)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return socket.ws

    async def _write(self, socket: Socket) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                await socket.ws.send_str(await socket.queue.get())

    def publish(self, market: str, stream: str, message: dict[str, Any]) -> None:
        """Send a message of a public stream to everyone who listens."""
        if self._is_silent():
            return
        for socket in self.sockets:
            if socket.market == market and stream in socket.streams:
                socket.put(stream, message)

    def wants(self, market: str, stream: str) -> bool:
        """Whether anybody listens to a stream."""
        return any(socket.market == market and stream in socket.streams for socket in self.sockets)

    def wanted(self, market: str, mark: str) -> set[str]:
        """The streams with a mark in their names that somebody listens to."""
        return {name for socket in self.sockets if socket.market == market for name in socket.streams if mark in name}

    def publish_depth(self, market: str, streams: dict[str, dict[str, Any]]) -> None:
        """Send one difference of a book under each of its streams, unless a gap is due."""
        if self.faults.take(f.DEPTH_GAP):
            return
        for stream, message in streams.items():
            self.publish(market, stream, message)

    def publish_user(self, market: str, listen_key: str, message: dict[str, Any]) -> None:
        """Send a message of the user stream, with whatever is wrong with it."""
        if self._is_silent() or self.faults.take(f.LOSE):
            return
        if self.faults.take(f.REORDER):
            self._held.append((market, message))
            return
        delay = self.faults.take(f.DELAY)
        if delay is not None:
            asyncio.get_running_loop().call_later(delay.seconds, self._send_user, market, listen_key, message)
        else:
            self._send_user(market, listen_key, message)
        if self.faults.take(f.DUPLICATE):
            self._send_user(market, listen_key, message)
        held, self._held = self._held, []
        for held_market, held_message in held:
            self._send_user(held_market, listen_key, held_message)

    def _send_user(self, market: str, listen_key: str, message: dict[str, Any]) -> None:
        for socket in self.sockets:
            if socket.market == market and listen_key and listen_key in socket.streams:
                socket.put(listen_key, message)
            if socket.market == market and socket.subscription_id is not None:
                socket.put_text(json.dumps({"subscriptionId": socket.subscription_id, "event": message}))

    def cut_all(self) -> None:
        """End every connection without a word."""
        for socket in list(self.sockets):
            socket.cut()

    def _is_silent(self) -> bool:
        return self.faults.lasting(f.SILENT, self._clock_s()) is not None


def _answer(socket: Socket, text: str, command: Callable[[Socket, dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        asked = json.loads(text)
    except ValueError:
        return {"code": 3, "msg": "Invalid JSON: not a JSON text"}
    if not isinstance(asked, dict) or "method" not in asked:
        return {"code": 2, "msg": "Invalid request: missing method"}
    return command(socket, asked)


def subscribe(socket: Socket, asked: dict[str, Any]) -> dict[str, Any]:
    """SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS and SET_PROPERTY of the stream sockets."""
    method, names, number = asked["method"], asked.get("params", []), asked.get("id")
    if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return {"code": 2, "msg": "Invalid request: params must be a list of streams", "id": number}
        if method == "UNSUBSCRIBE":
            socket.streams.difference_update(names)
        elif len(socket.streams | set(names)) > MOST_STREAMS:
            return {"code": 2, "msg": f"Invalid request: more than {MOST_STREAMS} streams", "id": number}
        else:
            socket.streams.update(names)
        return {"result": None, "id": number}
    if method == "LIST_SUBSCRIPTIONS":
        return {"result": sorted(socket.streams), "id": number}
    if method == "SET_PROPERTY" and isinstance(names, list) and names[:1] == ["combined"] and len(names) == 2:
        socket.is_combined = bool(names[1])
        return {"result": None, "id": number}
    return {"code": 1, "msg": f"Invalid request: unknown method {method}", "id": number}
