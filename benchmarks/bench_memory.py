"""Peak memory of a process that backtests 1,000,000 bars. Target: under 400 MB.

The child process generates nothing: it reads the bars from a file, as a user would. Linux only: the peak is that of
``/proc``, because the one of ``getrusage`` counts the process that started the child.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measuring import table
from benchmarks.workloads import N_BARS, SYMBOL, workload_b

_CHILD = """
import sys
from bot4.adapters.storage.bar_files import read_bars
from bot4.research.backtest import backtest
def peak_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
imported = peak_kib()
series = read_bars(sys.argv[1])
backtest(series, strategies=[sys.argv[2]])
print(imported, peak_kib())
"""


def run() -> list[dict[str, Any]]:
    """Measure the two strategies of the other benchmarks."""
    series = workload_b(N_BARS)
    columns = {name: getattr(series, name) for name in ("open", "high", "low", "close", "volume")}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{SYMBOL}_1m.parquet")
        pl.DataFrame({"ts": series.ts_open_ns, **columns}).write_parquet(path)
        for strategy in ("ema_cross", "hybrid"):
            command = [sys.executable, "-c", _CHILD, str(path), strategy]
            out = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
            imported, peak = (int(kib) * 1024 / 1e6 for kib in out.split()[-2:])
            found.append({"strategy": strategy, "imported_mb": imported, "peak_mb": peak})
    return found


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [(f["strategy"], f"{f['imported_mb']:.0f}", f"{f['peak_mb']:.0f}") for f in found]
    return table(("1M bars from Parquet", "after imports, MB", "peak, MB"), rows)


if __name__ == "__main__":
    print(render(run()))
