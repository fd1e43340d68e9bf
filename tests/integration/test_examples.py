"""Every example runs as its own text says, on data that the project generates."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bot4
from bot4.app.cli.main import run
from bot4.domain.bars import HOUR_NS
from bot4.pipeline.strategies.registry import load_file
from bot4.quant.series.synthetic import synthetic_bars

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
STRATEGIES = ("my_strategy", "kernel_strategy")
COMMAND = re.compile(r"^    bot4 (.*)$", re.MULTILINE)


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_example_strategy_trades_and_its_journal_replays(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = EXAMPLES / f"{name}.py"
    result = bot4.backtest(
        synthetic_bars(2, 6_000, HOUR_NS, symbol="BTCUSDT"), strategies=[str(path)], journal=tmp_path / "run.journal"
    )
    assert result.strategies == (load_file(path).name,)
    assert result.decisions > 0
    assert len(result.trades) > 0
    assert run(["replay", str(tmp_path / "run.journal")]) == 0
    assert result.digest in capsys.readouterr().out


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_command_that_an_example_strategy_gives_for_itself_works(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = COMMAND.search((EXAMPLES / f"{name}.py").read_text("utf-8"))
    assert command is not None
    words = ["2000" if word.isdigit() else word for word in command[1].split()]  # fewer bars than it suggests
    monkeypatch.chdir(ROOT)
    assert run(words) == 0
    assert "digest" in capsys.readouterr().out


def test_the_example_for_a_notebook_prints_a_result_and_writes_a_report(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "notebook_style.py"), str(report)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "hybrid, breakout on BTCUSDT  (synthetic data, not a real market)" in done.stdout
    assert report.read_text("utf-8").startswith("<!doctype html>")


def test_every_example_is_run_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*STRATEGIES, "notebook_style"}


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["data", "synthetic", "--bars", "2000", "--out", "market.parquet"]) == 0
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    exec(block[1], names)
    assert getattr(names["result"], "is_synthetic", False)
