"""Starting. Targets: first compilation 45 s or less, warm start to first result 3 s or less, help under 0.3 s.

Whole processes, timed from outside: wall time and the processor time of the child.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measuring import table
from benchmarks.workloads import SYMBOL
from bot4.domain.bars import HOUR_NS
from bot4.quant.series.synthetic import synthetic_bars

_N_BARS = 8_760
_BOT4 = [sys.executable, "-c", "from bot4.app.cli.main import main; main()"]


def _write_bars(path: Path) -> None:
    series = synthetic_bars(7, _N_BARS, HOUR_NS, SYMBOL)
    columns = {name: getattr(series, name) for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"ts": series.ts_open_ns, **columns}).write_parquet(path)


def _timed(name: str, arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([*_BOT4, *arguments], env=environment, check=True, capture_output=True)
    wall_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"name": name, "wall_s": wall_s, "cpu_s": cpu_s}


def run() -> list[dict[str, Any]]:
    """Measure a first start with an empty cache, warm ones, and the help page."""
    with tempfile.TemporaryDirectory() as folder:
        bars = Path(folder, f"{SYMBOL}_1h.parquet")
        _write_bars(bars)
        environment = dict(os.environ) | {"BOT4_CACHE_DIR": str(Path(folder, "cache"))}
        command = ["backtest", "--data", str(bars), "--strategy", "hybrid", "--json"]
        found = [_timed("`bot4 backtest`, first start (everything compiled)", command, environment)]
        warm = [_timed("`bot4 backtest` of a year of hours, warm", command, environment) for _ in range(3)]
        found.append(sorted(warm, key=lambda row: row["cpu_s"])[1])
        helps = [_timed("`bot4 --help`", ["--help"], environment) for _ in range(5)]
        found.append(sorted(helps, key=lambda row: row["cpu_s"])[2])
    return found


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [(f["name"], f"{f['wall_s']:.2f}", f"{f['cpu_s']:.2f}") for f in found]
    return table(("whole process", "wall, s", "processor, s"), rows)


if __name__ == "__main__":
    print(render(run()))
