"""``bot4 simulate`` as a process: a client trades on it, it is killed, started again, stopped with Ctrl-C."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.execution.through_ccxt import CREDENTIALS, new_client
from tests.paper_processes import bot4, started

KEYS = ("--key", CREDENTIALS.api_key, "--secret", CREDENTIALS.secret)


@contextmanager
def simulating(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = started("simulate", "--json", "--port", "0", *arguments)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=30)
        yield process, json.loads(line)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


@pytest.mark.slow
def test_open_orders_survive_a_kill_and_a_new_start(tmp_path: Path) -> None:
    asked = ("--symbol", "BTCUSDT", "--state", str(tmp_path / "kept"), *KEYS)
    with simulating(*asked) as (process, told):
        assert told["was_restored"] is False
        client = new_client(told["address"], perpetual=False)
        bought = client.create_order("BTC/USDT", "market", "buy", 0.01)
        resting = client.create_order("BTC/USDT", "limit", "buy", 0.02, 40_000)
        client.create_order("BTC/USDT", "limit", "sell", 0.03, 90_000)
        stop = {"stopLossPrice": 30_000}
        waiting = client.create_order("BTC/USDT", "market", "sell", 0.01, None, stop)
        cancelled = client.create_order("BTC/USDT", "limit", "buy", 0.02, 39_000)
        client.cancel_order(cancelled["id"], "BTC/USDT")
        before = client.fetch_open_orders("BTC/USDT"), client.fetch_balance()["total"]
        assert len(before[0]) == 3
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        client.session.close()
    with simulating(*asked) as (process, told):
        assert (told["was_restored"], told["open_orders"]) == (True, 3)
        client = new_client(told["address"], perpetual=False)
        assert [order["info"] for order in client.fetch_open_orders("BTC/USDT")] == [o["info"] for o in before[0]]
        assert client.fetch_balance()["total"] == before[1]
        assert client.fetch_order(bought["id"], "BTC/USDT")["status"] == "closed"
        assert [trade["order"] for trade in client.fetch_my_trades("BTC/USDT")] == [bought["id"]]
        client.cancel_order(resting["id"], "BTC/USDT")
        client.cancel_order(waiting["id"], "BTC/USDT")
        newer = client.create_order("BTC/USDT", "limit", "buy", 0.02, 41_000)
        assert int(newer["id"]) > int(cancelled["id"])
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        client.session.close()


@pytest.mark.slow
def test_it_says_where_it_is_and_stops_by_itself_and_on_a_taken_port_says_so() -> None:
    done = bot4("simulate", "--port", "0", "--symbol", "ETHUSDT", "--for", "1s", "--fault", "ack_lost:2", *KEYS)
    assert done.code == 0, done.err
    for said in ("http://127.0.0.1:", "ETHUSDT", CREDENTIALS.api_key, CREDENTIALS.secret, "ack_lost"):
        assert said in done.out, done.out
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = bot4("simulate", "--port", taken.getsockname()[1], "--symbol", "ETHUSDT")
    assert done.code == 5
    assert "--port" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--symbol", "NOPE"), 2, "NOPE"),
        (("--fault", "earthquake"), 4, "earthquake"),
        (("--fault", "ack_lost:many"), 2, "count"),
        (("--balance", "USDT"), 2, "NAME=NUMBER"),
        (("--balance", "DOGE=5"), 2, "DOGE"),
        (("--price", "DOGEUSDT=5"), 2, "DOGEUSDT"),
        (("--speed", "max"), 2, "--speed"),
        (("--market", "manual", "--speed", "2"), 2, "manual"),
        (("--key", "abcdefgh"), 2, "secret"),
        (("--key", "short", "--secret", "abcdefgh"), 4, "api_key"),
        (("--fault-script", "nothing.json"), 8, "nothing.json"),
        (("--fault-rate", "100000"), 4, "--fault-rate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_refused_before_anything_is_served(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot4.app.cli.main import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT4_JIT", "0")
    assert run(["simulate", "--port", "0", *arguments]) == code
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_other_symbols_is_refused(tmp_path: Path) -> None:
    from bot4.app.exchange_server.assembly import SimulationRequest, new_server
    from bot4.domain.errors import DataError
    from bot4.engine.clock import SystemClock
    from tests.contract.execution.serving import ServerThread

    clock = SystemClock()

    def make(*symbols: str) -> Any:
        return new_server(SimulationRequest(symbols, market="manual", state=tmp_path), clock, clock.monotonic)

    with ServerThread(lambda: make("BTCUSDT")):
        pass
    with pytest.raises(DataError, match="other symbols"):
        make("ETHUSDT")
    (tmp_path / "exchange.npz").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="damaged"):
        make("BTCUSDT")
