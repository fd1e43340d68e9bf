"""A served exchange on a thread of its own, and the simulator's controls by HTTP as any client would use them."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from types import TracebackType
from typing import Any

from bot4.app.exchange_server.server import ExchangeServer


class ServerThread:
    """``with ServerThread(make) as served``: ``make`` builds the server; ``served.url`` is its address."""

    def __init__(self, make: Callable[[], ExchangeServer]) -> None:
        self._make = make
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="served exchange", daemon=True)
        self.error: BaseException | None = None
        self.url = ""

    def __enter__(self) -> ServerThread:
        self._thread.start()
        assert self._ready.wait(300)
        if self.error is not None:
            raise self.error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._loop.call_soon_threadsafe(self.server.stop)
        self._thread.join(10)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self.server = self._make()
            self._loop.run_until_complete(self.server.run(self._is_up))
        except BaseException as error:  # noqa: BLE001 - shown to the test
            self.error = error
        finally:
            self._ready.set()
            self._loop.close()

    def _is_up(self) -> None:
        self.url = self.server.base_url
        self._ready.set()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask one of the simulator's own paths."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
