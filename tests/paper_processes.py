"""The ``bot4`` command as a process of its own, and short market data for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bot4.domain.bars import HOUR_NS
from bot4.quant.series.synthetic import synthetic_bars

ROOT = Path(__file__).resolve().parents[1]
_COMMAND = [sys.executable, "-m", "bot4.app.cli.main"]


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.code == 0, self.err or self.out
        return json.loads(self.out)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "COLUMNS": "120"}


def bot4(*arguments: object, timeout_s: float = 240.0) -> Finished:
    """Run one command to its end."""
    done = subprocess.run(
        [*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s, env=_environment()
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def started(*arguments: object) -> subprocess.Popen[str]:
    """Start one command; the caller ends it."""
    return subprocess.Popen(
        [*_COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    )


def status_once(home: Path, is_wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 240.0) -> dict[str, Any]:
    """The status file of a run, once it says what is wanted."""
    path, until_s = home / "status.json", time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        if path.exists() and is_wanted(status := json.loads(path.read_text("utf-8"))):
            return status
        time.sleep(0.05)
    raise AssertionError(f"{path} never said so")


def hour_files(folder: Path, n: int = 2500, seed: int = 5) -> list[Path]:
    """Files of ``n`` one-hour bars of two symbols."""
    files = []
    for symbol, price in (("BTCUSDT", 40_000.0), ("ETHUSDT", 2_500.0)):
        bars = synthetic_bars(seed, n, HOUR_NS, symbol, price)
        columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
        frame = pl.DataFrame({"ts": pl.Series(bars.ts_open_ns).cast(pl.Datetime("ns", "UTC")), **columns})
        path = folder / f"{symbol}_1h.parquet"
        frame.write_parquet(path)
        files.append(path)
    return files
