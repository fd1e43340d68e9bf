"""A paper run that is killed at any moment goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot4.domain.errors import Halted, SettingError, StorageError
from bot4.engine.journal import JournalWriter, read_journal
from bot4.engine.paper import JOURNAL_NAME, SNAPSHOT_NAME, PaperRun
from tests.integration.crash_lab import lose_unsynced_tail
from tests.run_harness import market, planned, run_paper

ROOT = Path(__file__).resolve().parents[2]


def _crash_lab(folder: Path, kills: int, seed: int, strategies: str) -> dict:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    run = subprocess.run(
        [sys.executable, "-m", "tests.integration.crash_lab", str(folder), str(kills), str(seed), strategies],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


def test_twenty_five_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    outcome = _crash_lab(tmp_path, 25, 2026, "hybrid,ema_cross,breakout")
    assert outcome["kills"] == 25
    assert outcome["finished"] >= 1
    assert outcome["kills_with_a_journal"] > 15


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_more_kills_change_nothing(tmp_path: Path, seed: int) -> None:
    assert _crash_lab(tmp_path, 25, seed, "hybrid,mean_reversion")["kills"] == 25


def test_whatever_was_not_synced_may_be_lost(tmp_path: Path) -> None:
    plan, tape = planned(market(900, ("BTCUSDT", "ETHUSDT")), ("hybrid", "ema_cross"))
    expected = run_paper(tmp_path / "whole", plan, tape)
    chance = np.random.default_rng(7)
    lost = 0
    for life in range(8):
        home = tmp_path / f"life{life}"
        with PaperRun.open(home, plan) as run:
            run.session.take(tape.events[: int(chance.integers(len(tape.events) // 4, len(tape.events)))])
        (home / SNAPSHOT_NAME).unlink()
        lost += lose_unsynced_tail(home / JOURNAL_NAME, chance)
        assert run_paper(home, plan, tape) == expected
    assert lost > 0


def test_a_run_is_gone_on_with_from_its_snapshot_and_without_it(tmp_path: Path) -> None:
    plan, tape = planned(market(900, ("BTCUSDT", "ETHUSDT")), ("hybrid", "ema_cross"))
    expected = run_paper(tmp_path / "whole", plan, tape)
    half = len(tape.events) // 2 + 1  # in the middle of a timestamp
    for keeps_snapshot in (True, False):
        home = tmp_path / f"cut{keeps_snapshot}"
        with PaperRun.open(home, plan) as run:
            run.session.take(tape.events[:half])
        if not keeps_snapshot:
            (home / SNAPSHOT_NAME).unlink()
        with PaperRun.open(home, plan) as again:
            assert again.was_resumed
            assert (again.recovered_events == 0) is keeps_snapshot
            assert again.session.resume_point.n_events == half
        assert run_paper(home, plan, tape) == expected


def test_other_settings_do_not_go_on_with_a_run(tmp_path: Path) -> None:
    plan, tape = planned(market(300))
    run_paper(tmp_path / "home", plan, tape)
    other, _ = planned(market(300), ("ema_cross",))
    with pytest.raises(SettingError, match="other strategies"):
        PaperRun.open(tmp_path / "home", other)


def test_a_journal_that_does_not_follow_from_its_own_events_halts(tmp_path: Path) -> None:
    plan, tape = planned(market(900), ("ema_cross",))
    run_paper(tmp_path / "home", plan, tape)
    contents = read_journal(tmp_path / "home" / JOURNAL_NAME)
    forged = tmp_path / "forged"
    forged.mkdir()
    with JournalWriter.create(forged / JOURNAL_NAME, contents.header) as writer:
        writer.append_events(contents.events)
        commands = contents.commands.copy()
        commands["order"]["qty_lots"][0] += 1
        writer.append_commands(commands)
    with pytest.raises(Halted, match="differ from the journal"):
        PaperRun.open(forged, plan)


@pytest.mark.parametrize("writes_before", [3, 57, 58, 59, 300, 611])
def test_a_full_disk_stops_the_run_with_one_line_and_the_next_start_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes_before: int
) -> None:
    plan, tape = planned(market(600, ("BTCUSDT", "ETHUSDT")), ("ema_cross", "hybrid"))
    expected = run_paper(tmp_path / "whole", plan, tape)
    write, writes = JournalWriter._write, []

    def until_full(self: JournalWriter, *arguments: object) -> None:
        writes.append(1)
        if len(writes) > writes_before:
            raise StorageError("no space left on device", where="disk", remedy="free some")
        write(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(JournalWriter, "_write", until_full)
        with pytest.raises(StorageError, match="no space left"):
            run_paper(tmp_path / "home", plan, tape, checkpoint_every=100)
    assert run_paper(tmp_path / "home", plan, tape) == expected
