"""The served exchange beyond orders: signatures, limits, streams and their faults, public data, a crash."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt
import ccxt.pro
import pytest

from bot4.adapters.exchanges.venues import VenueSettings, new_async_venue
from bot4.app.exchange_server.assembly import SimulationRequest, make_ready, new_server
from bot4.app.exchange_server.signing import signature
from bot4.engine.clock import SystemClock
from tests.contract.execution.serving import ServerThread
from tests.contract.execution.through_ccxt import CREDENTIALS, new_client

BOOK = {"bids": [["60000", "1"], ["59990", "2"]], "asks": [["60010", "1"], ["60020", "2"]]}


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    make_ready(lambda _step: None)


def serving(**asked: Any) -> ServerThread:
    clock = SystemClock()
    request = SimulationRequest(**{"symbols": ("BTCUSDT", "BTCUSDT_PERP"), "credentials": CREDENTIALS} | asked)
    return ServerThread(lambda: new_server(request, clock, clock.monotonic))


@pytest.fixture
def manual() -> Iterator[ServerThread]:
    with serving(market="manual") as served:
        for market in ("spot", "futures"):
            served.ask("POST", "/simulator/market", {"market": market, "symbol": "BTCUSDT", "book": BOOK})
        yield served


@pytest.fixture
def synthetic() -> Iterator[ServerThread]:
    with serving(speed=600.0) as served:
        yield served


def signed(url: str, method: str, path: str, secret: str = CREDENTIALS.secret, **sent: Any) -> tuple[int, Any, Any]:
    """Status, JSON and headers of a signed request made by hand."""
    payload = urlencode({"timestamp": int(time.time() * 1000), **sent})  # noqa: TID251
    query = f"{payload}&signature={signature(secret, payload)}"
    return raw(method, f"{url}{path}?{query}", {"X-MBX-APIKEY": CREDENTIALS.api_key})


def raw(method: str, url: str, headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


# --- who asks ---------------------------------------------------------------------------------------------------


def test_a_request_is_refused_by_key_signature_and_parameter_with_binances_own_codes(manual: ServerThread) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    path = "/api/v3/order"
    assert signed(manual.url, "POST", path, price="59000", **order)[0] == 200
    assert signed(manual.url, "POST", path, "wrong-secret", price="59000", **order)[1]["code"] == -1022
    assert signed(manual.url, "POST", path, **order)[1]["code"] == -1102
    assert signed(manual.url, "POST", path, price="59000.001", **order)[1]["msg"] == "Filter failure: PRICE_FILTER"
    assert signed(manual.url, "POST", path, price="59000", stopPrice="1", **order)[1]["code"] == -1106
    assert signed(manual.url, "POST", path, price="5e4", **order)[1]["code"] == -1100
    assert signed(manual.url, "POST", path, price="59000", **order | {"symbol": "NOPE"})[1]["code"] == -1121
    assert signed(manual.url, "GET", "/api/v3/account", recvWindow=70_000)[1]["code"] == -1100
    unsigned = {"X-MBX-APIKEY": CREDENTIALS.api_key}
    assert raw("GET", f"{manual.url}/api/v3/account", unsigned)[1]["code"] == -1102
    assert raw("GET", f"{manual.url}/api/v3/account")[:2] == (401, {"code": -2014, "msg": "API-key format invalid."})
    assert raw("GET", f"{manual.url}/api/v3/account", {"X-MBX-APIKEY": "x" * 64})[1]["code"] == -2015
    assert raw("GET", f"{manual.url}/api/v3/nothing")[0] == 404


def test_answers_say_what_is_used_and_a_limit_of_rate_says_when_to_come_again(manual: ServerThread) -> None:
    used = [int(raw("GET", f"{manual.url}/api/v3/trades?symbol=BTCUSDT")[2]["X-MBX-USED-WEIGHT-1M"]) for _ in "ab"]
    assert used[1] - used[0] == 25
    manual.ask("POST", "/simulator/faults", {"kind": "rate_limit", "seconds": 7, "method": "GET"})
    status, body, headers = signed(manual.url, "GET", "/api/v3/account")
    assert (status, body["code"], headers["Retry-After"]) == (429, -1003, "7")
    manual.ask("POST", "/simulator/faults", {"kind": "ban", "seconds": 30})
    status, body, headers = raw("GET", f"{manual.url}/api/v3/time")
    assert (status, body["code"]) == (418, -1003)
    assert 1 <= int(headers["Retry-After"]) <= 30
    manual.ask("DELETE", "/simulator/faults")
    assert raw("GET", f"{manual.url}/api/v3/time")[0] == 200


def test_without_limits_of_rate_nothing_is_counted() -> None:
    with serving(symbols=("BTCUSDT",), market="manual", has_rate_limits=False) as served:
        status, info, headers = raw("GET", f"{served.url}/api/v3/exchangeInfo")
        assert (status, info["rateLimits"]) == (200, [])
        assert "X-MBX-USED-WEIGHT" not in headers


def test_controls_refuse_what_makes_no_sense_in_words(manual: ServerThread) -> None:
    for body, said in (
        ({"kind": "earthquake"}, "no fault"),
        ({"kind": "ban", "seconds": -1}, "seconds"),
        ({"kind": "ban", "colour": 1}, "colour"),
    ):
        with pytest.raises(AssertionError, match=said):
            manual.ask("POST", "/simulator/faults", body)
    with pytest.raises(AssertionError, match="Invalid symbol"):
        manual.ask("POST", "/simulator/market", {"symbol": "NOPE", "book": BOOK})
    with pytest.raises(AssertionError, match="seconds"):
        manual.ask("POST", "/simulator/advance", {"seconds": 0})
    with pytest.raises(AssertionError, match="no such path"):
        manual.ask("GET", "/simulator/nothing")


# --- streams ----------------------------------------------------------------------------------------------------


class Listener:
    """A socket, and what it has heard."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def heard(self, enough: Callable[[list[Any]], bool], within_s: float = 3.0) -> list[Any]:
        """Messages until there are enough of them, or the time is up."""
        found: list[Any] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not enough(found):
                    message = await self.ws.receive()
                    if message.type != aiohttp.WSMsgType.TEXT:
                        break
                    found.append(json.loads(message.data))
        return found

    async def kinds(self, n: int, within_s: float = 3.0) -> list[tuple[str, str]]:
        """Event and execution type of the next messages."""
        heard = await self.heard(lambda found: len(found) >= n, within_s)
        return [(message["e"], message.get("x", "")) for message in heard]


@contextlib.asynccontextmanager
async def listening(url: str, path: str) -> AsyncIterator[Listener]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url.replace("http", "ws") + path) as ws:
        yield Listener(ws)


@contextlib.asynccontextmanager
async def user_stream(served: ServerThread) -> AsyncIterator[Listener]:
    key = raw("POST", f"{served.url}/api/v3/userDataStream", {"X-MBX-APIKEY": CREDENTIALS.api_key})[1]["listenKey"]
    async with listening(served.url, f"/ws/{key}") as listener:
        yield listener


async def apart(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
    return await asyncio.to_thread(lambda: function(*args, **more))


async def buy_at_market(served: ServerThread) -> None:
    answer = await apart(
        signed, served.url, "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01"
    )
    assert answer[0] == 200, answer


TAKEN = [("executionReport", "NEW"), ("executionReport", "TRADE"), ("outboundAccountPosition", "")]


def test_the_user_stream_tells_what_became_of_an_order_and_of_the_balances(manual: ServerThread) -> None:
    async def run() -> list[Any]:
        async with user_stream(manual) as listener:
            await buy_at_market(manual)
            return await listener.heard(lambda found: len(found) == 3)

    new, trade, balances = asyncio.run(run())
    assert [(new["e"], new["x"], new["X"]), (trade["e"], trade["x"], trade["X"])] == [
        ("executionReport", "NEW", "NEW"),
        ("executionReport", "TRADE", "FILLED"),
    ]
    assert (trade["L"], trade["l"], trade["z"], trade["N"]) == ("60010.00000000", "0.01000000", "0.01000000", "USDT")
    assert new["I"] < trade["I"]
    changed = {row["a"]: row["f"] for row in balances["B"]}
    assert set(changed) == {"USDT", "BTC"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "duplicate_reports"}, [TAKEN[0], *TAKEN]),
        ({"kind": "lose_reports"}, TAKEN[1:]),
        ({"kind": "reorder_reports"}, [TAKEN[1], TAKEN[0], TAKEN[2]]),
        ({"kind": "delay_reports", "seconds": 0.2}, [TAKEN[1], TAKEN[2], TAKEN[0]]),
        ({"kind": "silent_streams", "seconds": 60}, []),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_fault_of_the_user_stream_does_what_it_says(manual: ServerThread, fault: Any, expected: Any) -> None:
    async def run() -> list[tuple[str, str]]:
        async with user_stream(manual) as listener:
            await apart(manual.ask, "POST", "/simulator/faults", fault)
            await buy_at_market(manual)
            return await listener.kinds(len(expected) or 1, 3.0 if expected else 0.5)

    assert asyncio.run(run()) == expected


def test_differences_of_the_book_follow_one_another_and_rebuild_it(manual: ServerThread) -> None:
    changes = [
        {"levels": [["BUY", "60000", "3"]]},
        {"levels": [["SELL", "60010", "0"], ["SELL", "60015", "4"]]},
        {"trades": [["60000", "0.5", "SELL"]], "levels": [["BUY", "60000", "2.5"]]},
    ]

    async def run() -> tuple[Any, list[Any], Any]:
        async with listening(manual.url, "/stream?streams=btcusdt@depth@100ms/btcusdt@trade") as listener:
            before = (await apart(raw, "GET", f"{manual.url}/api/v3/depth?symbol=BTCUSDT"))[1]
            for change in changes:
                await apart(manual.ask, "POST", "/simulator/market", {"symbol": "BTCUSDT", **change})
            heard = await listener.heard(lambda found: sum("depth" in m["stream"] for m in found) == 3)
            after = (await apart(raw, "GET", f"{manual.url}/api/v3/depth?symbol=BTCUSDT"))[1]
            return before, heard, after

    before, heard, after = asyncio.run(run())
    books = {side: dict(before[side]) for side in ("bids", "asks")}
    last_id = before["lastUpdateId"]
    for message in (message["data"] for message in heard if "depth" in message["stream"]):
        assert message["U"] == last_id + 1
        last_id = message["u"]
        for side, key in (("bids", "b"), ("asks", "a")):
            books[side] |= dict(message[key])
    assert last_id == after["lastUpdateId"]
    for side in ("bids", "asks"):
        kept = {price: quantity for price, quantity in books[side].items() if float(quantity)}
        assert kept == dict(after[side])
    (trade,) = [message["data"] for message in heard if message["stream"] == "btcusdt@trade"]
    assert (trade["p"], trade["q"], trade["m"]) == ("60000.00000000", "0.50000000", True)


def test_a_gap_in_the_book_is_one_that_its_numbers_show(manual: ServerThread) -> None:
    async def run() -> list[Any]:
        async with listening(manual.url, "/ws/btcusdt@depth@100ms") as listener:
            for at, gap in enumerate((False, True, False)):
                if gap:
                    await apart(manual.ask, "POST", "/simulator/faults", {"kind": "depth_gap"})
                change = {"symbol": "BTCUSDT", "levels": [["BUY", "59990", str(5 + at)]]}
                await apart(manual.ask, "POST", "/simulator/market", change)
            return await listener.heard(lambda found: len(found) == 2)

    first, second = asyncio.run(run())
    assert second["U"] > first["u"] + 1


def test_a_socket_subscribes_lists_and_is_cut_by_a_disconnect(manual: ServerThread) -> None:
    async def run() -> tuple[list[Any], list[Any]]:
        async with listening(manual.url, "/ws") as listener:
            await listener.ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
            await listener.ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            await listener.ws.send_json({"method": "DANCE", "id": 3})
            answers = await listener.heard(lambda found: len(found) == 3)
            await apart(manual.ask, "POST", "/simulator/faults", {"kind": "disconnect"})
            return answers, await listener.heard(lambda found: len(found) == 1)

    answers, after = asyncio.run(run())
    assert answers[0] == {"result": None, "id": 1}
    assert answers[1] == {"result": ["btcusdt@trade"], "id": 2}
    assert answers[2]["code"] == 1
    assert after == []


def test_orders_go_over_the_socket_interface_too(manual: ServerThread) -> None:
    async def run() -> list[Any]:
        async with listening(manual.url, "/ws-api/v3") as listener:
            params: dict[str, Any] = {"apiKey": CREDENTIALS.api_key, "timestamp": int(time.time() * 1000)}  # noqa: TID251
            params |= {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
            payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
            good = params | {"signature": signature(CREDENTIALS.secret, payload)}
            await listener.ws.send_json({"id": "1", "method": "order.place", "params": good})
            await listener.ws.send_json({"id": "2", "method": "order.place", "params": params | {"signature": "0"}})
            return await listener.heard(lambda found: len(found) == 2)

    placed, refused = asyncio.run(run())
    assert (placed["status"], placed["result"]["status"]) == (200, "FILLED")
    assert (refused["status"], refused["error"]["code"]) == (400, -1022)


def test_ccxts_own_sockets_hear_of_orders_and_books(manual: ServerThread) -> None:
    async def run() -> tuple[Any, Any]:
        client = new_async_venue("binance", VenueSettings(manual.url))
        client.apiKey, client.secret = CREDENTIALS.api_key, CREDENTIALS.secret
        try:
            async with asyncio.timeout(20):
                await client.load_markets()
                watching = asyncio.create_task(client.watch_orders("BTC/USDT"))
                await asyncio.sleep(0.5)
                await client.create_order("BTC/USDT", "limit", "buy", 0.01, 59_000)
                orders = await watching
                watching = asyncio.create_task(client.watch_order_book("BTC/USDT"))
                await asyncio.sleep(0.5)
                change = {"symbol": "BTCUSDT", "levels": [["BUY", "60000", "3"]]}
                await apart(manual.ask, "POST", "/simulator/market", change)
                return orders, await watching
        finally:
            await client.close()

    orders, book = asyncio.run(run())
    assert [(order["status"], order["price"]) for order in orders] == [("open", 59_000.0)]
    assert book["bids"][0][0] == 60_000.0


# --- public data, futures, a crash ------------------------------------------------------------------------------


def test_a_synthetic_market_moves_and_ccxt_reads_all_of_its_public_data(synthetic: ServerThread) -> None:
    client = new_client(synthetic.url, perpetual=False)
    deadline = time.monotonic() + 60
    while len(client.fetch_ohlcv("BTC/USDT", "1m")) < 3 or len(client.fetch_trades("BTC/USDT")) <= 3:
        assert time.monotonic() < deadline, "the market does not move"
        time.sleep(0.1)
    book = client.fetch_order_book("BTC/USDT", 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    trades = client.fetch_trades("BTC/USDT")
    assert len(trades) == len({trade["id"] for trade in trades}) > 3
    bars = client.fetch_ohlcv("BTC/USDT", "1m")
    assert all(low <= min(opened, close) <= max(opened, close) <= high for _t, opened, high, low, close, _v in bars)
    ticker = client.fetch_ticker("BTC/USDT")
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert client.fetch_bids_asks(["BTC/USDT"])["BTC/USDT"]["bid"] > 0
    client.session.close()


def test_a_bar_that_closes_is_told_once_and_is_the_one_that_a_request_gives(synthetic: ServerThread) -> None:
    async def run() -> list[Any]:
        async with listening(synthetic.url, "/ws/btcusdt@kline_1m") as listener:
            return await listener.heard(lambda found: sum(message["k"]["x"] for message in found) == 3, 10.0)

    closed = [message["k"] for message in asyncio.run(run()) if message["k"]["x"]]
    assert [bar["t"] - closed[0]["t"] for bar in closed] == [0, 60_000, 120_000]
    asked = raw("GET", f"{synthetic.url}/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={closed[0]['t']}&limit=3")[
        1
    ]
    assert [[row[at] for at in (0, 1, 2, 3, 4, 5)] for row in asked] == [
        [bar[key] for key in ("t", "o", "h", "l", "c", "v")] for bar in closed
    ]


def test_an_order_by_value_buys_what_the_book_gives_for_it(manual: ServerThread) -> None:
    client = new_client(manual.url, perpetual=False)
    whole = client.create_market_buy_order_with_cost("BTC/USDT", 60_010 + 60_020 * 0.5)
    assert (whole["filled"], whole["cost"]) == (1.5, 60_010 + 30_010)
    rest = client.create_market_buy_order_with_cost("BTC/USDT", 100)
    assert 100 - 60_020 * 0.00001 < rest["cost"] <= 100
    client.session.close()


def test_stops_of_futures_stand_where_ccxt_puts_them(manual: ServerThread) -> None:
    client = new_client(manual.url, perpetual=True)
    symbol = "BTC/USDT:USDT"
    manual.ask("POST", "/simulator/market", {"market": "futures", "symbol": "BTCUSDT", "mark": "60005"})
    client.create_order(symbol, "market", "buy", 0.01)
    stop = client.create_order(symbol, "market", "sell", 0.01, None, {"stopLossPrice": 59_000, "reduceOnly": True})
    assert [row["clientAlgoId"] for row in client.fapiPrivateGetOpenAlgoOrders({"symbol": "BTCUSDT"})] == [
        stop["clientOrderId"]
    ]
    assert client.fetch_positions([symbol])[0]["contracts"] == 0.01
    manual.ask(
        "POST", "/simulator/market", {"market": "futures", "symbol": "BTCUSDT", "trades": [["58990", "0.1", "SELL"]]}
    )
    assert client.fetch_positions([symbol]) == []
    client.session.close()


def test_a_crashed_exchange_answers_nobody_and_comes_back_with_its_orders(manual: ServerThread) -> None:
    client = new_client(manual.url, perpetual=False)
    placed = client.create_order("BTC/USDT", "limit", "buy", 0.01, 59_000)
    manual.ask("POST", "/simulator/faults", {"kind": "crash", "seconds": 0.4})
    with pytest.raises(ccxt.NetworkError):
        client.fetch_open_orders("BTC/USDT")
    time.sleep(0.5)
    assert [order["id"] for order in client.fetch_open_orders("BTC/USDT")] == [placed["id"]]
    client.session.close()


def test_scheduled_faults_come_at_their_time() -> None:
    from bot4.app.exchange_server.faults import Fault

    faults = (Fault("maintenance", seconds=60.0, at_s=0.3),)
    with serving(symbols=("BTCUSDT",), faults=faults) as served:
        assert raw("GET", f"{served.url}/api/v3/time")[0] == 200
        time.sleep(0.8)
        assert raw("GET", f"{served.url}/api/v3/time")[0] == 503
