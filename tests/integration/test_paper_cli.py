"""``bot4 paper`` and ``bot4 replay`` as processes: the same decisions as a backtest, stop and go on, one at a time."""

from __future__ import annotations

import signal
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bot4.app.paper_markets import SyntheticFeed
from bot4.engine.journal import JournalWriter, read_journal
from bot4.engine.plan import RunPlan
from bot4.engine.recovery import market_events
from tests.paper_processes import bot4, hour_files, started, status_once

HISTORY_BARS = 2 * 3 * 1440


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return hour_files(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="module")
def backtest(data: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    journal = tmp_path_factory.mktemp("backtest") / "backtest.journal"
    return bot4("backtest", "--data", *data, "--journal", journal, "--json").json, journal


def test_a_replay_through_the_live_driver_decides_as_the_backtest_and_both_journals_prove_it(data, backtest, tmp_path):
    result, journal = backtest
    assert result["trades"] > 0
    paper = bot4("paper", "--feed", "replay", "--speed", "max", "--data", *data, "--home", tmp_path, "--json").json
    assert paper["digest"] == result["digest"]
    assert paper["stopped_because"] == "the feed ended"
    assert paper["steps"] == paper["events"] == result["events"]
    for path in (journal, tmp_path / "run.journal"):
        proof = bot4("replay", path, "--json").json
        assert proof["is_proven"]
        assert proof["digest"] == proof["noted_digest"] == result["digest"]
        assert [proof[name] for name in ("bars", "trades", "orders")] == [
            result[name] for name in ("bars", "trades", "orders")
        ]
        assert proof["final_equity"] == result["final_equity"]


def test_a_replayed_run_refuses_to_go_on_with_other_data(data, tmp_path):
    bot4("paper", "--feed", "replay", "--data", *data, "--home", tmp_path, "--json")
    (tmp_path / "other").mkdir()
    other = hour_files(tmp_path / "other", seed=6)
    refused = bot4("paper", "--feed", "replay", "--data", *other, "--home", tmp_path)
    assert refused.code == 4
    assert "took other data" in refused.err
    assert "--fresh" in refused.err


def test_a_journal_that_lacks_a_command_is_not_proven(backtest, tmp_path):
    contents = read_journal(backtest[1])
    altered = tmp_path / "altered.journal"
    with JournalWriter.create(altered, contents.header) as writer:
        writer.append_events(contents.events)
        writer.append_commands(contents.commands[:-1])
    failed = bot4("replay", altered)
    assert failed.code == 7
    assert f"command {len(contents.commands) - 1}" in failed.err


def test_a_torn_tail_is_reported_and_the_rest_is_proven(backtest, tmp_path):
    torn = tmp_path / "torn.journal"
    torn.write_bytes(backtest[1].read_bytes() + b"\x01" * 21)
    proof = bot4("replay", torn, "--json").json
    assert proof["is_proven"]
    assert proof["torn_bytes"] == 21


def test_a_synthetic_run_says_what_it_is_everywhere_and_ends_by_itself(tmp_path):
    done = bot4("paper", "--feed", "synthetic", "--for", "3s", "--home", tmp_path, "--json")
    result = done.json
    assert result["is_synthetic"]
    assert result["feed"] == "synthetic"
    assert result["stopped_because"] == "the time was up"
    assert result["bars"] >= HISTORY_BARS
    assert "SYNTHETIC" in done.err
    assert status_once(tmp_path, lambda _: True)["run"]["is_synthetic"]
    assert {"trades", "orders", "final_equity", "sharpe", "max_drawdown", "fees", "digest", "events_per_s"} <= set(
        result
    )


def test_ctrl_c_stops_in_order_a_second_process_is_refused_and_the_next_start_goes_on(tmp_path):
    home = tmp_path / "home"
    running = started("paper", "--feed", "synthetic", "--home", home)
    try:
        status = status_once(home, lambda status: status["bars"] >= HISTORY_BARS)
        second = bot4("paper", "--feed", "synthetic", "--home", home)
        assert second.code == 8
        assert f"process {running.pid} is already running" in second.err
        stands = bot4("status", "--home", home, "--json").json["runs"][0]
        assert stands["is_running"]
        assert stands["pid"] == running.pid == status["pid"]
        assert stands["journal"]["is_sound"]
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 0
    assert "stopped: Ctrl-C" in out
    assert "goes on from here" in out
    stopped = bot4("status", "--home", home, "--json").json["runs"][0]
    assert not stopped["is_running"]
    assert stopped["stopped_because"] == "Ctrl-C"

    before = len(market_events(read_journal(home / "run.journal")))
    again = bot4("paper", "--feed", "synthetic", "--home", home, "--for", "2s", "--json").json
    assert again["was_resumed"]
    contents = read_journal(home / "run.journal")
    taken = market_events(contents)
    assert len(taken) > before
    expected = _synthetic_events(RunPlan.from_header(contents.header), len(taken))
    assert taken.tobytes() == expected.tobytes()
    assert bot4("replay", home / "run.journal", "--json").json["digest"] == again["digest"]


def test_fresh_keeps_the_earlier_journal_aside(data, tmp_path):
    once = bot4("paper", "--feed", "replay", "--data", data[0], "--home", tmp_path, "--json").json
    again = bot4("paper", "--feed", "replay", "--data", data[0], "--home", tmp_path, "--fresh", "--json").json
    assert not again["was_resumed"]
    assert again["digest"] == once["digest"]
    kept = list(tmp_path.glob("run-*.journal"))
    assert len(kept) == 1
    assert bot4("replay", kept[0], "--json").json["digest"] == once["digest"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--feed", "replay"), "give --data FILE"),
        (("--feed", "synthetic", "--data", "a.csv"), "--data does not go with"),
        (("--feed", "live", "--speed", "2"), "its own speed"),
        (("--for", "soon"), "no duration"),
        (("--feed", "synthetic", "--speed", "-1"), "no speed"),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(arguments, said, tmp_path):
    refused = bot4("paper", *arguments, "--home", tmp_path)
    assert refused.code == 2
    assert said in refused.err
    assert refused.err.strip().count("\n") == 0


def _synthetic_events(plan: RunPlan, n_events: int) -> np.ndarray:
    feed = SyntheticFeed(plan, seed=1, speed=0.0)
    groups = list(islice(feed._groups(0), n_events // len(plan.universe.instruments)))
    return np.concatenate(groups, dtype=groups[0].dtype)
