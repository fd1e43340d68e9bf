"""``bot4 paper --feed live`` against an exchange on loopback: history, a dropped socket, a restart over a gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot4.domain.bars import SECOND_NS
from bot4.domain.events import BAR, MODE_CHANGED
from bot4.engine.journal import read_journal
from bot4.pipeline.state import NORMAL, PAUSED
from bot4.quant.series.synthetic import synthetic_bars
from tests.loopback import binance_server
from tests.loopback.binance_server import LoopbackBinance
from tests.paper_processes import bot4

HISTORY = 600


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackBinance]:
    """One-second bars around the present, closing as it passes."""
    monkeypatch.setitem(binance_server.INTERVAL_NAMES, 1, "1s")
    start_ns = (time.time_ns() // SECOND_NS - 2000) * SECOND_NS  # noqa: TID251
    prices = (("BTCUSDT", 60_000.0), ("ETHUSDT", 3_000.0))
    bars = {name: synthetic_bars(3, 4000, SECOND_NS, name, price, start_ns) for name, price in prices}
    with LoopbackBinance(bars, time.time_ns(), wall_s_per_bar=1.0) as server:  # noqa: TID251
        yield server


def trade(exchange: LoopbackBinance, home: Path, for_s: int, feed: str = "live") -> Any:
    settings = (f"paper.base_url={exchange.base_url}", f"paper.history_bars={HISTORY}")
    given = [part for setting in settings for part in ("--set", setting)]
    return bot4("paper", "--feed", feed, "--interval", "1s", "--home", home, "--for", f"{for_s}s", "--json", *given)


def opens_of(home: Path, symbol: int) -> np.ndarray:
    events = read_journal(home / "run.journal").events
    return events["ts_open_ns"][(events["kind"] == BAR) & (events["symbol"] == symbol)]


def modes_of(home: Path) -> list[int]:
    events = read_journal(home / "run.journal").events
    return events["mode"][events["kind"] == MODE_CHANGED].tolist()


def test_a_live_run_begins_with_history_survives_a_drop_and_goes_on_over_the_gap(exchange, tmp_path):
    threading.Timer(9.0, exchange.drop_sockets).start()
    first = trade(exchange, tmp_path, 14).json
    assert first["feed"] == "live"
    assert not first["is_synthetic"]
    assert not first["was_resumed"]
    for symbol in (0, 1):
        opens = opens_of(tmp_path, symbol)
        assert len(opens) > HISTORY
        assert (np.diff(opens) == SECOND_NS).all()
    assert modes_of(tmp_path)[:2] == [PAUSED, NORMAL]
    before = opens_of(tmp_path, 0)[-1]

    second = trade(exchange, tmp_path, 10).json
    assert second["was_resumed"]
    for symbol in (0, 1):
        opens = opens_of(tmp_path, symbol)
        assert opens[-1] > before + 5 * SECOND_NS
        assert (np.diff(opens) == SECOND_NS).all()
    assert modes_of(tmp_path)[-2:] == [PAUSED, NORMAL]
    proof = bot4("replay", tmp_path / "run.journal", "--json").json
    assert proof["digest"] == second["digest"]


def test_auto_takes_the_venue_where_it_answers_and_the_synthetic_market_where_not(exchange, tmp_path):
    live = trade(exchange, tmp_path / "live", 1, "auto")
    assert live.json["feed"] == "live"
    assert "the venue answers" in live.err
    exchange.base_url = "http://127.0.0.1:9"
    synthetic = trade(exchange, tmp_path / "synthetic", 1, "auto")
    assert synthetic.json["is_synthetic"]
    assert "binance did not answer within" in synthetic.err


def test_a_live_feed_that_cannot_be_reached_says_so_and_that_trying_again_may_help(exchange, tmp_path):
    exchange.base_url = "http://127.0.0.1:9"
    refused = trade(exchange, tmp_path, 60)
    assert refused.code == 5
    assert "did not answer within" in refused.out
