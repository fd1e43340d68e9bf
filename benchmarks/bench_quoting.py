"""Workload L: a two-sided quote over 5,000,000 level-2 events, beside hftbacktest's array-backed depth.

Bids and offers of 10 lots at the touch, stepping back with the position; woken every 10 or 100 ms; 1 ms from us to
the exchange and 1 ms back; whole fills; the pessimistic queue model. Target: three times hftbacktest's rate. The fills
(time, order, price, lots, side) are compared one by one before anything is timed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.book_workloads import workload_l
from benchmarks.measuring import median_cpu_seconds, table
from bot4.domain.bars import IntArray
from bot4.simulator.book.queue_models import QueueModel, QueueSettings
from bot4.simulator.book.quoting import QuotingResult, QuotingSettings, backtest_quotes
from bot4.simulator.book.quoting_strategies import join_the_touch

LOTS, LARGEST, LOTS_A_TICK = 10, 100, 20
LATENCY_NS = 1_000_000
CASES = ((10, 0.0, 5_000_000), (100, 0.0, 5_000_000), (100, 2.0, 1_000_000))  # wakes in ms, power of the queue, events
_TIMEOUT_S = 600


def quoted(tape: Any, wake_ms: int, power: float) -> QuotingResult:
    queue = QueueSettings(QueueModel.POWER, power) if power else QueueSettings()
    settings = QuotingSettings(
        interval_ns=wake_ms * 1_000_000,
        order_latency_ns=LATENCY_NS,
        report_latency_ns=LATENCY_NS,
        queue=queue,
        fills_whole=True,
    )
    return backtest_quotes(tape, join_the_touch, [LOTS, LARGEST, 0, LOTS_A_TICK], settings)


def rows_of(fills: Any) -> IntArray:
    """Fills as rows, by order id."""
    rows = np.stack([fills[name] for name in ("ts_ns", "order_id", "ticks", "lots", "side")], axis=1)
    return rows[np.argsort(rows[:, 1])]


def measure_hftbacktest(tape: Any, wake_ms: int, power: float, python: str) -> dict[str, Any]:
    """Run hftbacktest in its own interpreter; returns its time and its fills."""
    config = {
        "interval_ns": wake_ms * 1_000_000, "order_latency_ns": LATENCY_NS, "report_latency_ns": LATENCY_NS,
        "power": power, "lots": float(LOTS), "largest": float(LARGEST), "lots_a_tick": LOTS_A_TICK,
        "most_fills": len(tape), "repeats": 5,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        events_path, fills_path = Path(folder, "events.npy"), Path(folder, "fills.npy")
        np.save(events_path, tape)
        script = Path(__file__).with_name("peer_hftbacktest.py")
        ran = subprocess.run(
            [python, str(script), str(events_path), str(fills_path), json.dumps(config)],
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
        if ran.returncode:
            return {"missing": ran.stderr.strip().splitlines()[-1:] or ["failed"]}
        found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
        rows = np.load(fills_path)
    return found | {"rows": rows[np.argsort(rows[:, 1])]}


def run(python_of_peers: str | None = None) -> dict[str, Any]:
    """Measure both; ``$BENCH_PYTHON`` is the interpreter of hftbacktest, ours by default."""
    python = python_of_peers or os.environ.get("BENCH_PYTHON") or sys.executable
    cases = []
    for wake_ms, power, n in CASES:
        tape = workload_l(n)
        result = quoted(tape, wake_ms, power)
        case: dict[str, Any] = {"wake_ms": wake_ms, "power": power, "events": n, "fills": len(result.fills)}
        peer = measure_hftbacktest(tape, wake_ms, power, python)
        case["bot4_s"] = median_cpu_seconds(lambda tape=tape, ms=wake_ms, power=power: quoted(tape, ms, power))
        if "missing" in peer:
            case["missing"] = peer["missing"]
        else:
            ours, theirs = rows_of(result.fills), peer.pop("rows")
            # It stops when the market data ends: a fill whose report is still on its way is never seen.
            late = int(tape["ts_ns"][-1]) - wake_ms * 1_000_000 - LATENCY_NS
            cut = ours[(ours[:, 0] <= late) | np.isin(ours[:, 1], theirs[:, 1])]
            case |= {"peer_fills": len(theirs), "alike": cut.shape == theirs.shape and bool((cut == theirs).all())}
            case |= {"peer_s": peer["cpu_s"], "version": peer["version"], "preparing_s": peer["preparing_s"]}
            case["ratio"] = case["peer_s"] / case["bot4_s"]
        cases.append(case)
    return {"cases": cases}


def render(found: dict[str, Any]) -> str:
    """The Markdown table of a measurement."""
    rows = []
    for case in found["cases"]:
        model = f"power {case['power']:g}" if case["power"] else "pessimistic"
        ours = f"{case['events'] / case['bot4_s'] / 1e6:.1f}M"
        if "missing" in case:
            rows.append((f"{case['wake_ms']} ms", model, ours, "not installed", "", f"{case['fills']:,}", ""))
            continue
        theirs = f"{case['events'] / case['peer_s'] / 1e6:.1f}M"
        alike = f"all {case['peer_fills']:,}" if case["alike"] else "NO"
        rows.append((f"{case['wake_ms']} ms", model, ours, theirs, f"{case['ratio']:.1f}", f"{case['fills']:,}", alike))
    version = found["cases"][0].get("version", "")
    header = (
        "woken every",
        "queue",
        "Bot4, events/s",
        f"hftbacktest {version}, events/s",
        "ratio",
        "fills",
        "fills alike",
    )
    return table(header, rows)


if __name__ == "__main__":
    print(render(run()))
