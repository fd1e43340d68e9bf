"""One order there and back on loopback, through ccxt: placed and cancelled, and a query beside it.

The exchange is ``bot4 simulate``'s own server in a process of its own, its market standing still. What ccxt itself
costs is measured beside it: the same client against a server that answers a fixed text. Before anything is timed, one
order is placed, queried and cancelled, and its states compared.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import table

ROOT = Path(__file__).resolve().parents[1]
N_TRIPS = 300
SYMBOL = "BTC/USDT"
KEYS = ("--key", "benchmark-key", "--secret", "benchmark-secret")
BOOK = {"symbol": "BTCUSDT", "book": {"bids": [["60000", "5"]], "asks": [["60010", "5"]]}}


def run() -> list[dict[str, Any]]:
    """Milliseconds a request: median and 90th percentile of placing, querying and cancelling; ccxt alone."""
    command = [sys.executable, "-m", "bot4.app.cli.main", "simulate", "--json", "--port", "0", "--market", "manual"]
    command.append("--no-rate-limits")
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    process = subprocess.Popen([*command, *KEYS], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        _post(told["address"], BOOK)
        return _trips(told["address"])
    finally:
        process.terminate()
        process.wait(30)


def _trips(address: str) -> list[dict[str, Any]]:
    client = _client(address)
    client.load_markets()
    order = client.create_order(SYMBOL, "limit", "buy", 0.01, 50_000)
    assert client.fetch_order(order["id"], SYMBOL)["status"] == "open"
    assert client.cancel_order(order["id"], SYMBOL)["status"] == "canceled"
    assert client.fetch_open_orders(SYMBOL) == []
    times: dict[str, list[float]] = {"place": [], "query": [], "cancel": []}
    for _ in range(N_TRIPS):
        order = _timed(times["place"], lambda: client.create_order(SYMBOL, "limit", "buy", 0.01, 50_000))
        _timed(times["query"], lambda: client.fetch_order(order["id"], SYMBOL))  # noqa: B023 - called at once
        _timed(times["cancel"], lambda: client.cancel_order(order["id"], SYMBOL))  # noqa: B023
    alone = _ccxt_alone(client, order["info"])
    named = {"place a limit order": times["place"], "query it": times["query"], "cancel it": times["cancel"]}
    named["ccxt and a server that answers a fixed text"] = alone
    return [{"name": name, **_figures(found)} for name, found in named.items()]


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [(row["name"], f"{row['median_ms']:.2f}", f"{row['p90_ms']:.2f}") for row in found]
    return table(("one request through ccxt, on loopback", "median, ms", "90th percentile, ms"), rows)


def _ccxt_alone(client: Any, answer: dict[str, Any]) -> list[float]:
    body = json.dumps(answer).encode()

    class Fixed(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

        def log_message(self, *_args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fixed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fixed = _client(f"http://127.0.0.1:{server.server_address[1]}")
    fixed.set_markets(list(client.markets.values()))
    times: list[float] = []
    for _ in range(N_TRIPS):
        _timed(times, lambda: fixed.create_order(SYMBOL, "limit", "buy", 0.01, 50_000))
    server.shutdown()
    return times


def _client(address: str) -> Any:
    from bot4.adapters.exchanges.venues import VenueSettings, opened_venue

    with opened_venue("binance", VenueSettings(address)) as client:
        client.apiKey, client.secret = KEYS[1], KEYS[3]
        client.enableRateLimit = False
    return client


def _timed(times: list[float], call: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    answer = call()
    times.append(1000 * (time.perf_counter() - began))
    return answer


def _figures(times: list[float]) -> dict[str, float]:
    return {"median_ms": round(float(np.median(times)), 3), "p90_ms": round(float(np.quantile(times, 0.9)), 3)}


def _post(address: str, body: dict[str, Any]) -> None:
    import urllib.request

    request = urllib.request.Request(f"{address}/simulator/market", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request, timeout=10).close()
