"""One more bar, for every indicator; and compiling all of them.

Targets (issue 3): 30 ns at the median for one indicator inside a compiled loop; 25 us for all of them at once from
Python; 120 s to compile everything the first time. The compiled loop writes the bar into a ring and calls the bank with
one indicator in it, as the pipeline does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import median_cpu_seconds, table
from benchmarks.workloads import recorded_columns
from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, kernel, records, void
from bot4.quant.indicators import INDICATORS
from bot4.quant.indicators.arrays import BankStream
from bot4.quant.indicators.bank import BANK_ENTRY, BankSpec, advance_bank
from bot4.quant.indicators.registry import resolve

_N_BARS = 20_000
_RING = 512
_COMPILE = """
from bot4.kernel import warm_up
from bot4.quant.indicators import INDICATORS
from bot4.quant.indicators.bank import BankSpec, advance_columns, push_bar
bank = BankSpec.of([(name, {}) for name in INDICATORS])
warm_up([*bank.kernels, advance_columns, push_bar])
if __import__("sys").argv[1] == "patterns":
    import numpy as np
    from bot4.quant.patterns.candlesticks import candlesticks
    prices = 100.0 + np.zeros(40)
    candlesticks({name: prices for name in ("open", "high", "low", "close")})
"""


@kernel(void(records(BANK_ENTRY), array(f8), array(f8, 2), array(f8, 2), array(f8), array(f8, 2)))
def bar_by_bar(
    entries: Any, params: FloatArray, bars: FloatArray, ring: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Advance a bank of one indicator over ``bars`` float64[n, 6], one at a time."""
    for t in range(bars.shape[0]):
        for row in range(6):
            ring[row, t & (_RING - 1)] = bars[t, row]
        advance_bank(entries, 1, params, ring, _RING - 1, t, t + 1, state, out)


def _update_ns(name: str, bars: FloatArray) -> float:
    bank = BankSpec((resolve(name).whole,))
    state, ring, out = np.zeros(bank.n_state), np.zeros((6, _RING)), np.zeros((bank.n_outputs, 1))

    def work() -> None:
        state[:] = 0.0
        bar_by_bar(bank.entries, bank.params, bars, ring, state, out)

    return median_cpu_seconds(work) / len(bars) * 1e9


def _all_at_once_us(bars: FloatArray) -> tuple[int, float]:
    stream = BankStream([(name, {}) for name in INDICATORS])
    rows = [tuple(row) for row in bars[:3_000].tolist()]

    def work() -> None:
        for row in rows:
            stream.push(row)

    return len(stream.columns), median_cpu_seconds(work) / len(rows) * 1e6


def _compile_seconds(what: str) -> float:
    """Wall seconds of a process that compiles into an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(__file__).resolve().parents[1] / "src")
        environment = os.environ | {"BOT4_CACHE_DIR": folder, "PYTHONPATH": source}
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", _COMPILE, what], check=True, env=environment)
        return time.perf_counter() - started


def run() -> dict[str, Any]:
    """Measure every indicator, all of them at once, and compiling."""
    columns = recorded_columns(_N_BARS)
    bars = np.ascontiguousarray(np.array([*columns.values(), 300.0 * np.arange(_N_BARS)]).T)
    n_columns, at_once_us = _all_at_once_us(bars)
    return {
        "ns": {name: _update_ns(name, bars) for name in sorted(INDICATORS)},
        "columns": n_columns,
        "at_once_us": at_once_us,
        "compile_s": _compile_seconds("indicators"),
        "compile_with_candlesticks_s": _compile_seconds("patterns"),
    }


def render(found: dict[str, Any]) -> str:
    """The Markdown tables of a measurement."""
    ns = found["ns"]
    ordered = sorted(ns, key=ns.__getitem__)
    within = sum(value <= 30.0 for value in ns.values())
    rows = [
        ("one indicator, compiled loop, median of all", f"{statistics.median(ns.values()):.0f} ns", "30 ns"),
        ("of them within 30 ns", f"{within} of {len(ns)}", ""),
        (f"all {len(ns)} at once from Python, {found['columns']} columns", f"{found['at_once_us']:.1f} us", "25 us"),
        ("compiling all of them, empty cache", f"{found['compile_s']:.0f} s", ""),
        ("and the 61 candlesticks", f"{found['compile_with_candlesticks_s']:.0f} s", "120 s"),
    ]
    deciles = [ordered[round(share * (len(ordered) - 1))] for share in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)]
    spread = [(name, f"{ns[name]:.0f} ns") for name in deciles]
    titles = ("one more bar", "Bot4", "target")
    return f"{table(titles, rows)}\n\n{table(('least to greatest', 'one more bar'), spread)}"


if __name__ == "__main__":
    print(render(run()))
