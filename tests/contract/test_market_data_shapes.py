"""The loopback Binance answers in the shapes of recorded Binance answers."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from typing import Any

import aiohttp
import pytest

from bot4.domain.bars import MINUTE_NS
from tests.loopback.binance_server import LoopbackBinance
from tests.loopback.market_bars import minute_bars
from tests.shared_data import requires_shared_data, shared_path

pytestmark = requires_shared_data


def decompressed(relative: str) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    with pyarrow.input_stream(str(shared_path(relative)), compression="zstd") as stream:
        return stream.read()


@pytest.fixture(scope="module")
def recorded_rest() -> dict[str, Any]:
    """Recorded answers by path: all those to GET, newest shapes included."""
    routes = json.loads(decompressed("captures/gocryptotrader/binance_http.json.zst"))["routes"]
    return {path: [answer["data"] for answer in methods.get("GET", [])] for path, methods in routes.items()}


@pytest.fixture(scope="module")
def recorded_stream() -> list[dict[str, Any]]:
    with tarfile.open(fileobj=io.BytesIO(decompressed("captures/cryptofeed/BINANCE.tar.zst"))) as archive:
        lines = archive.extractfile("BINANCE.ws.1.0").read().decode().splitlines()
    return [json.loads(line.partition(": ")[2]) for line in lines if line.partition(": ")[2].startswith('{"stream"')]


@pytest.fixture(scope="module")
def binance():
    market = {symbol: minute_bars(symbol, 0, 50) for symbol in ("BTCUSDT", "ETHUSDT")}
    now_ns = int(market["BTCUSDT"].ts_open_ns[20]) + MINUTE_NS // 2
    with LoopbackBinance(market, now_ns, wall_s_per_bar=0.2) as exchange:
        yield exchange


def ask(binance: LoopbackBinance, path: str, **query: Any) -> Any:
    async def get() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{binance.base_url}/api.binance.com{path}", params=query) as response,
        ):
            return await response.json()

    return asyncio.run(get())


def listen(binance: LoopbackBinance, path: str, wanted: int, subscribe: list[str] | None = None) -> list[Any]:
    async def read() -> list[Any]:
        url = f"{binance.base_url}/stream.binance.com{path}"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            if subscribe is not None:
                await socket.send_json({"method": "SUBSCRIBE", "params": subscribe, "id": 7})
            return [await socket.receive_json(timeout=5) for _ in range(wanted)]

    return asyncio.run(read())


def shape(value: Any) -> Any:
    """Types all the way down: texts that hold decimals with how many places, lists by their first member."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:12]]
    if isinstance(value, str):
        whole, point, places = value.partition(".")
        return ("decimal", len(places)) if point and whole.lstrip("-").isdigit() else "text"
    return type(value).__name__


def test_kline_rows_have_the_recorded_columns_and_number_formats(binance, recorded_rest):
    for recorded in recorded_rest["/api/v3/klines"]:
        if isinstance(recorded, list):
            (ours,) = ask(binance, "/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=1)
            assert shape(ours) == shape(recorded[0])


def test_aggregate_trades_have_the_recorded_fields(binance, recorded_rest):
    recorded = recorded_rest["/api/v3/aggTrades"][0]
    ours = ask(binance, "/api/v3/aggTrades", symbol="BTCUSDT", limit=5)
    assert len(ours) == 5
    assert shape(ours[0]) == shape(recorded[0])


def test_exchange_info_has_the_recorded_fields_and_filters(binance, recorded_rest):
    recorded = recorded_rest["/api/v3/exchangeInfo"][0]
    ours = ask(binance, "/api/v3/exchangeInfo")
    assert set(ours) == set(recorded)
    assert shape(ours["rateLimits"][0]) == shape(recorded["rateLimits"][0])
    theirs = {entry["symbol"]: entry for entry in recorded["symbols"]}
    for entry in ours["symbols"]:
        expected = theirs[entry["symbol"]]
        assert set(entry) == set(expected)
        scalars = {key: value for key, value in entry.items() if not isinstance(value, list)}
        assert scalars == {key: expected[key] for key in scalars}
        filters = {item["filterType"]: item for item in expected["filters"]}
        for ours_filter in entry["filters"]:
            assert shape(ours_filter) == shape(filters[ours_filter["filterType"]])
        for name in ("PRICE_FILTER", "NOTIONAL"):
            assert next(item for item in entry["filters"] if item["filterType"] == name) == filters[name]


def test_the_server_time_has_the_recorded_shape(binance, recorded_rest):
    assert shape(ask(binance, "/api/v3/time")) == shape(recorded_rest["/fapi/v1/time"][0])
    assert ask(binance, "/api/v3/ping") == {}


@pytest.mark.parametrize("kind", ["kline_1m", "aggTrade"])
def test_stream_messages_have_the_recorded_fields(binance, recorded_stream, kind):
    recorded = next(message for message in recorded_stream if message["stream"].endswith(kind))
    (ours,) = listen(binance, f"/stream?streams=btcusdt@{kind}", 1)
    assert shape(ours) == shape(recorded)


def test_a_raw_socket_acknowledges_a_subscription_and_sends_unwrapped_messages(binance, recorded_stream):
    recorded = next(message for message in recorded_stream if message["stream"].endswith("kline_1m"))
    acknowledged, *ours = listen(binance, "/ws/0", 3, ["ethusdt@kline_1m"])
    assert acknowledged == {"result": None, "id": 7}
    assert all(shape(message) == shape(recorded["data"]) for message in ours)


def test_a_wrong_symbol_or_interval_gets_binances_error_codes(binance):
    assert ask(binance, "/api/v3/klines", symbol="NONE", interval="1m")["code"] == -1121
    assert ask(binance, "/api/v3/klines", symbol="BTCUSDT", interval="9m")["code"] == -1120


def test_klines_follow_binances_rules_of_start_end_and_limit(binance):
    opens_ms = [int(open_ns) // 1_000_000 for open_ns in binance.bars["BTCUSDT"].ts_open_ns]

    def opens(**query: int) -> list[int]:
        return [row[0] for row in ask(binance, "/api/v3/klines", symbol="BTCUSDT", interval="1m", **query)]

    assert opens(startTime=opens_ms[3], limit=4) == opens_ms[3:7]
    assert opens(startTime=opens_ms[3] + 1, endTime=opens_ms[6]) == opens_ms[4:7]
    assert opens(startTime=0, limit=2) == opens_ms[:2]
    assert opens(endTime=opens_ms[9], limit=3) == opens_ms[7:10]
    assert opens(startTime=opens_ms[-1] + 86_400_000) == []


def test_aggregate_trades_page_by_id_without_gap_or_repeat(binance):
    pages: list[int] = []
    while len(pages) < 40:
        answer = ask(binance, "/api/v3/aggTrades", symbol="BTCUSDT", fromId=len(pages), limit=7)
        pages += [trade["a"] for trade in answer]
    assert pages == list(range(len(pages)))
