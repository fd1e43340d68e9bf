"""Canonical runs do what they did when they were stored, compiled, plain and with bounds checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.cases import BY_NAME, CASES, SHORT, Case, difference, stored_runs
from tests.shared_data import SHARED_DATA

ROOT = Path(__file__).resolve().parents[2]
MODES = {
    "plain Python": {"BOT4_JIT": "0"},
    "bounds checked": {"BOT4_JIT": "1", "BOT4_BOUNDSCHECK": "1"},
}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_golden_run_does_what_is_stored(case: Case) -> None:
    if case.files is not None and not SHARED_DATA.is_dir():
        pytest.skip("needs the recorded market data in ../shared/data")
    stored = stored_runs()
    assert case.name in stored, "not stored yet: run `python -m tests.golden.refresh`"
    message = difference(case.name, stored[case.name], case.run())
    assert message is None, message


def test_every_stored_run_is_still_run_and_trades() -> None:
    stored = stored_runs()
    assert set(stored) == set(BY_NAME)
    assert all(run["orders"] > 0 for run in stored.values())


@pytest.mark.parametrize("mode", [pytest.param("plain Python"), pytest.param("bounds checked", marks=pytest.mark.slow)])
def test_a_golden_run_is_the_same_in_another_mode(mode: str) -> None:
    program = f"from tests.golden.cases import *; print(BY_NAME[{SHORT!r}].run()['digest'])"
    environment = {**os.environ, **MODES[mode], "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=ROOT, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[-1] == stored_runs()[SHORT]["digest"]


def test_a_difference_is_told_in_words() -> None:
    stored = {"digest": "a", "trades": 3, "sharpe": 1.0}
    assert difference("run", stored, {"digest": "a", "trades": 3, "sharpe": 1.0 + 1e-12}) is None
    message = difference("run", stored, {"digest": "b", "trades": 4, "sharpe": 1.0})
    assert message is not None
    assert "trades: 3 is now 4" in message
    assert "digest: a is now b" in message
    assert "tests.golden.refresh" in message
