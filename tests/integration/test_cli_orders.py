"""``bot4 orders``, ``reconcile``, ``halt`` and ``liquidate`` on runs that stand still, and on one that runs."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import UsageError
from bot4.domain.events import MODE_CHANGED, RECONCILED
from bot4.domain.orders import HELD, WORKING
from bot4.engine.journal import read_journal
from bot4.engine.operator_requests import FOLDER_NAME, ask, pending
from bot4.engine.paper import JOURNAL_NAME, PaperRun, look
from bot4.engine.verification import verify
from bot4.pipeline.state import Mode
from tests.integration.cli_harness import files_in, say
from tests.paper_processes import bot4, started, status_once
from tests.run_harness import market, planned


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped in the middle of a position."""
    folder = tmp_path_factory.mktemp("run")
    plan, tape = planned(market(900, ("BTCUSDT",)), ("ema_cross",))
    with PaperRun.open(folder, plan) as run:
        brain = run.machine.brain[0]
        for k in range(len(tape.events)):
            run.session.take(tape.events[k : k + 1])
            is_protected = (brain["orders"]["status"][: int(brain["n_slots"])] == WORKING).any()
            if k > 100 and is_protected and brain["positions"][0]["lots"]:
                break
        assert brain["positions"][0]["lots"] != 0
    return folder


@pytest.fixture
def copied(home: Path, tmp_path: Path) -> Path:
    for name in files_in(home):
        (tmp_path / name).write_bytes((home / name).read_bytes())
    return tmp_path


def test_orders_shows_what_is_open_and_disturbs_nothing(home: Path, capsys: Any) -> None:
    before = {name: (home / name).read_bytes() for name in files_in(home)}
    (run,) = say(capsys, "orders", "--home", home, "--json").record["runs"]
    machine = look(home)
    alive = {int(row["id"]) for row in machine.brain[0]["orders"] if row["status"] in (HELD, WORKING) and row["id"]}
    assert {order["id"] for order in run["orders"]} == alive
    assert run["is_running"] is False
    assert run["halts"] == []
    stop = next(order for order in run["orders"] if order["role"] == "stop")
    assert stop["bracket"] < stop["id"]
    assert stop["stop_price"] > 0
    every = say(capsys, "orders", "--home", home, "--all", "--json").record["runs"][0]["orders"]
    assert len(every) > len(run["orders"])
    text = say(capsys, "orders", "--home", home, "--all").stdout
    assert "working" in text
    assert "filled" in text
    assert {name: (home / name).read_bytes() for name in files_in(home)} == before


def test_orders_says_what_halted_new_risk(copied: Path, capsys: Any) -> None:
    machine = look(copied)
    machine.brain[0]["is_halted"] = 1
    status = {
        "orders": [], "remainders": [], "ts_ns": 1, "mode": "normal", "is_halted": True, "stopped_because": "a test",
        "halts": [{"ts_ns": 1_700_000_000_000_000_000, "order_id": 7, "symbol": "BTCUSDT", "words": "it does not fit",
                   "reason": "overfill"}],
    }  # fmt: skip
    (copied / "status.json").write_text(json.dumps(status))
    text = say(capsys, "orders", "--home", copied).stdout
    assert "HALTED: 2023-11-14 22:13:20 UTC BTCUSDT order 7: it does not fit" in text


def test_a_folder_without_a_run_is_one_line(tmp_path: Path, capsys: Any) -> None:
    for command in ("orders", "reconcile", "halt"):
        said = say(capsys, command, "--home", tmp_path)
        assert said.code == 3
        assert "no paper run" in said.error


def test_reconcile_finds_books_and_venue_of_a_run_in_agreement(home: Path, capsys: Any) -> None:
    said = say(capsys, "reconcile", "--home", home, "--json")
    (run,) = said.record["runs"]
    assert said.code == 0
    assert (run["is_clean"], run["is_balanced"], run["differences"]) == (True, True, [])
    assert run["orders"] > 0
    assert run["lots"]["BTCUSDT"] != 0
    assert "books and venue agree" in say(capsys, "reconcile", "--home", home).stdout


def test_reconcile_says_what_differs_and_ends_with_code_seven(
    home: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_an_order(folder: Path, compiling: Any = None) -> Any:
        machine = look(folder, compiling)
        machine.venue[0]["n_orders"] -= 1
        machine.venue[0]["net_lots"][0] += 1
        return machine

    monkeypatch.setattr("bot4.engine.paper.look", without_an_order)
    said = say(capsys, "reconcile", "--home", home, "--json")
    assert said.code == 7
    (run,) = said.record["runs"]
    assert {item["what"] for item in run["differences"]} == {"order_not_found", "position"}
    assert "BOOKS AND VENUE DIFFER" in say(capsys, "reconcile", "--home", home).stdout


def test_a_halt_that_is_left_for_a_run_is_taken_at_its_next_start_with_who_and_why(copied: Path, capsys: Any) -> None:
    said = say(capsys, "halt", "--home", copied, "--mode", "reduced", "--why", "going on holiday", "--json")
    assert said.record["runs"][0]["is_taken"] is False
    ((_path, request),) = pending(copied)
    assert (request.what, request.why) == ("reduced", "going on holiday")
    plan, _ = planned(market(900, ("BTCUSDT",)), ("ema_cross",))
    with PaperRun.open(copied, plan) as run:
        assert run.session.step_down(Mode.REDUCED, request.who, request.why)
        assert not run.session.step_down(Mode.REDUCED, request.who, "again")
        assert run.machine.brain[0]["mode"] == Mode.REDUCED
        brain = run.machine.brain.tobytes()
    contents = read_journal(copied / JOURNAL_NAME)
    assert contents.events["kind"][-1] == MODE_CHANGED
    assert {"mode": "reduced", "why": "going on holiday", "who": request.who} in contents.notes
    (copied / "run.snapshot").unlink()
    assert look(copied).brain.tobytes() == brain


def test_a_mode_only_steps_down_and_an_emergency_leaves_everything(copied: Path) -> None:
    plan, tape = planned(market(900, ("BTCUSDT",)), ("ema_cross",))
    with PaperRun.open(copied, plan) as run:
        run.session.step_down(Mode.EMERGENCY, "me", "a test")
        assert not run.session.step_down(Mode.PAUSED, "me", "up again")
        first = run.session.resume_point.n_events
        run.session.take(tape.events[first : first + 50])
        brain = run.machine.brain[0]
        assert brain["mode"] == Mode.EMERGENCY
        assert brain["positions"][0]["lots"] == 0
        assert not np.isin(brain["orders"]["status"], (HELD, WORKING)).any()
    assert verify(read_journal(copied / JOURNAL_NAME)).is_proven


def test_a_verdict_without_anything_unexplained_lifts_a_halt_and_survives_a_restart(copied: Path) -> None:
    plan, _ = planned(market(900, ("BTCUSDT",)), ("ema_cross",))
    with PaperRun.open(copied, plan) as run:
        run.session.take_verdict(2, "me", "as if")
        assert run.machine.brain[0]["is_halted"]
        run.session.take_verdict(0, "me", "it agrees")
        assert not run.machine.brain[0]["is_halted"]
    assert (read_journal(copied / JOURNAL_NAME).events["kind"] == RECONCILED).sum() == 2
    (copied / "run.snapshot").unlink()
    assert look(copied).brain[0]["is_halted"] == 0


def test_only_what_can_be_asked_is_asked_and_what_is_no_request_is_passed_over(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be asked"):
        ask(tmp_path, "normal", "up", 1)
    ask(tmp_path, "paused", "first", 1)
    ask(tmp_path, "emergency", "second", 2)
    (tmp_path / FOLDER_NAME / "000.json").write_text('{"what": "normal", "who": "x", "why": "", "asked_ns": 3}')
    (tmp_path / FOLDER_NAME / "0.json").write_text("{not json")
    assert [request.what for _, request in pending(tmp_path)] == ["paused", "emergency"]


def test_liquidation_wants_to_be_confirmed(home: Path, capsys: Any) -> None:
    said = say(capsys, "liquidate", "--home", home)
    assert said.code == 2
    assert "--yes" in said.error
    assert not (home / FOLDER_NAME).exists()


@pytest.mark.slow
def test_a_running_run_is_paused_and_then_flattened_and_says_so(tmp_path: Path) -> None:
    market = ("--feed", "synthetic", "--speed", "600", "--strategy", "buy_and_hold")
    run = started("paper", *market, "--home", tmp_path, "--no-screen")
    try:
        status_once(tmp_path, lambda status: bool(status["positions"]))
        paused = bot4("halt", "--home", tmp_path, "--why", "a look", "--json").json
        assert paused["runs"][0]["is_taken"]
        status_once(tmp_path, lambda status: status["mode"] == "paused")
        flat = bot4("liquidate", "--home", tmp_path, "--yes", "--json").json
        assert flat["is_flat"]
        again = bot4("halt", "--home", tmp_path, "--json").json
        assert again["runs"][0]["needless"] == "it is emergency already"
        assert bot4("orders", "--home", tmp_path, "--json").json["runs"][0]["orders"] == []
    finally:
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=120)
    assert run.returncode == 0
    assert bot4("reconcile", "--home", tmp_path, "--json").json["runs"][0]["is_clean"]
    notes = read_journal(tmp_path / JOURNAL_NAME).notes
    assert [note["mode"] for note in notes if "mode" in note] == ["paused", "emergency"]
