"""Workload B: an EMA cross with stops over 1,000,000 one-minute bars. Target: 10M bars/s on one core.

The trades of Bot4 and of every peer are compared with a plain Python reference before anything is timed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import cpu_seconds, median_cpu_seconds, table
from benchmarks.reference import reference_trades, share_alike
from benchmarks.workloads import CAPITAL, FEE, N_BARS, SYMBOL, save_for_peers, workload_b
from bot4.domain.bars import BarSeries, FloatArray
from bot4.engine.batch import run_tape
from bot4.engine.settings import RunSettings
from bot4.research.backtest import backtest, plan_run
from bot4.research.result import RunResult

SETTINGS = RunSettings(capital=Decimal(CAPITAL), slippage_bps=0.0, order_latency_ms=0.0)
INSTRUMENTS = {SYMBOL: {"maker_fee": str(FEE), "taker_fee": str(FEE), "min_notional": "0"}}
STRATEGIES = ["ema_cross"]
PEERS = {"backtesting": False, "vectorbt": True}  # whether the peer looks at no stop in the bar of the entry
_TIMEOUT_S = 300


def closed_trades(result: RunResult, series: BarSeries) -> FloatArray:
    """Bot4's trades as rows of entry bar, exit bar, entry price and exit price."""
    first = int(series.ts_open_ns[0])
    trades = result.trades

    def bar_of(ts_ns: Any) -> Any:
        return (ts_ns - first - 1) // series.interval_ns  # what fills in a bar carries the time it was known

    columns = [bar_of(trades["entry_ts_ns"]), bar_of(trades["exit_ts_ns"]), trades["entry_price"], trades["exit_price"]]
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])


def measure_bot4(series: BarSeries) -> dict[str, Any]:
    """Compare Bot4's trades with the reference, then time the event loop alone and the whole call of ``backtest``."""

    def whole() -> RunResult:
        return backtest(series, strategies=STRATEGIES, settings=SETTINGS, instruments=INSTRUMENTS)

    result = whole()
    reference = reference_trades(series)
    reference = reference[reference[:, 0] > SETTINGS.risk.warm_up_risk_bars * 60]  # no risk is taken before
    alike = share_alike(reference, closed_trades(result, series))
    plan, tape, _ = plan_run([series], STRATEGIES, SETTINGS, INSTRUMENTS)
    loops = []
    for _ in range(7):
        machine = plan.machine()
        loops.append(cpu_seconds(lambda machine=machine: run_tape(machine, tape.events)))
    loop_s = float(np.median(loops))
    whole_s = median_cpu_seconds(whole)
    return {
        "trades": len(result.trades),
        "alike": alike,
        "loop_s": loop_s,
        "loop_bars_per_s": len(series) / loop_s,
        "whole_s": whole_s,
        "whole_bars_per_s": len(series) / whole_s,
    }


def measure_peer(name: str, series: BarSeries, python: str) -> dict[str, Any]:
    """Run a peer in its own interpreter; its trades are compared with the reference of its conventions."""
    with tempfile.TemporaryDirectory() as folder:
        bars_path, trades_path = Path(folder, "bars.npz"), Path(folder, "trades.npy")
        save_for_peers(series, bars_path)
        script = Path(__file__).with_name("peers.py")
        ran = subprocess.run(
            [python, str(script), name, str(bars_path), str(trades_path)],
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
        if ran.returncode:
            return {"name": name, "missing": ran.stderr.strip().splitlines()[-1:] or ["failed"]}
        found = json.loads(ran.stdout.strip().splitlines()[-1])
        trades = np.load(trades_path)
    reference = reference_trades(series, is_stop_blind_at_entry=PEERS[name])
    found |= {"trades": len(trades), "alike": share_alike(reference, trades)}
    return found | {"bars_per_s": len(series) / found["cpu_s"]}


def run(python_of_peers: str | None = None) -> dict[str, Any]:
    """Measure Bot4 and the peers that are installed; ``$BENCH_PYTHON`` is the peers' interpreter, ours by default."""
    series = workload_b(N_BARS)
    python = python_of_peers or os.environ.get("BENCH_PYTHON") or sys.executable
    return {"bot4": measure_bot4(series), "peers": [measure_peer(name, series, python) for name in PEERS]}


def render(found: dict[str, Any]) -> str:
    """The Markdown table of a measurement."""
    ours = found["bot4"]
    rows = [
        ("Bot4, event loop with orders", f"{ours['loop_bars_per_s']:,.0f}", f"{ours['trades']:,}",
         f"{ours['alike']:.2%}", "as `events_per_s` of a result"),
        ("Bot4, the whole call of `backtest`", f"{ours['whole_bars_per_s']:,.0f}", f"{ours['trades']:,}",
         f"{ours['alike']:.2%}", "data checks, events, machine and result included"),
    ]  # fmt: skip
    for peer in found["peers"]:
        if "missing" in peer:
            rows.append((peer["name"], "not installed", "", "", ""))
            continue
        remark = f"after {peer['preparing_s']:.0f} s of importing and compiling" if peer["preparing_s"] else ""
        rows.append(
            (f"{peer['name']} {peer['version']}", f"{peer['bars_per_s']:,.0f}", f"{peer['trades']:,}",
             f"{peer['alike']:.2%}", remark)
        )  # fmt: skip
    return table(("engine", "bars/s", "trades", "trades as the reference's", "remark"), rows)


if __name__ == "__main__":
    print(render(run()))
