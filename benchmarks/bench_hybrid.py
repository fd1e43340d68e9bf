"""The whole hybrid pipeline over one-minute bars. Target: 1M bars/s on one core.

Thirty-one indicators on three timeframes, fusion, Kelly, eight clamps, brackets and matching; once with the default
settings, and once with an eager strategy (lower thresholds), which sends more of the bars through the clamps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.measuring import cpu_seconds, median_cpu_seconds, table
from benchmarks.workloads import N_BARS, SYMBOL, real_minutes
from bot4.adapters.storage.bar_files import read_bars
from bot4.domain.bars import MINUTE_NS, BarSeries
from bot4.engine.batch import run_tape
from bot4.engine.plan import StrategyChoice
from bot4.engine.settings import RunSettings
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.backtest import backtest, plan_run

EAGER = {"enter_score": 0.02, "enter_confidence": 0.02, "leave_score": 0.02}


def measure(series: BarSeries, label: str, parameters: dict[str, float]) -> dict[str, Any]:
    """Time the event loop alone and the whole call of ``backtest``."""
    choice = StrategyChoice.of("hybrid", parameters)
    plan, tape, _ = plan_run([series], [choice], RunSettings())
    loops = []
    for _ in range(5):
        machine = plan.machine()
        loops.append(cpu_seconds(lambda machine=machine: run_tape(machine, tape.events)))
    result = backtest(series, strategies=[choice])
    whole_s = median_cpu_seconds(lambda: backtest(series, strategies=[choice]), repeats=3)
    n = len(series)
    return {
        "label": label,
        "bars": n,
        "loop_bars_per_s": n / float(np.median(loops)),
        "whole_bars_per_s": n / whole_s,
        "trades": len(result.trades),
        "clamped_share": result.clamped / n,
        "refusals": dict(result.refusals),
    }


def run() -> list[dict[str, Any]]:
    """Measure on synthetic bars and, where they are at hand, on real ones."""
    series = {"synthetic": synthetic_bars(7, N_BARS, MINUTE_NS, SYMBOL)}
    path = real_minutes()
    if path is not None:
        series["recorded BTC"] = read_bars(path)
    return [
        measure(bars, f"{label}, {kind}", parameters)
        for label, bars in series.items()
        for kind, parameters in (("default", {}), ("eager", EAGER))
    ]


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [
        (f["label"], f"{f['bars']:,}", f"{f['loop_bars_per_s']:,.0f}", f"{f['whole_bars_per_s']:,.0f}",
         f"{f['trades']:,}", f"{f['clamped_share']:.3%}")
        for f in found
    ]  # fmt: skip
    header = ("bars of", "bars", "bars/s, event loop", "bars/s, whole call", "trades", "bars that reach the clamps")
    return table(header, rows)


if __name__ == "__main__":
    print(render(run()))
