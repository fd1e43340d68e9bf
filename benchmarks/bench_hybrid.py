"""The whole hybrid pipeline over one-minute bars. Target: 1M bars/s on one core.

Thirty-three indicators on three timeframes, fusion, Kelly, eight clamps, brackets and matching; once with the default
settings, and once without fees and with short sales, where costs stop no entry and more bars reach the clamps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.measuring import cpu_seconds, median_cpu_seconds, table
from benchmarks.workloads import N_BARS, SYMBOL, real_minutes
from bot4.adapters.storage.bar_files import read_bars
from bot4.domain.bars import MINUTE_NS, BarSeries
from bot4.engine.batch import run_tape
from bot4.engine.settings import RunSettings
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.backtest import backtest, plan_run
from bot4.research.result import RunResult

FREE = {SYMBOL: {"is_perpetual": True, "maker_fee": "0", "taker_fee": "0"}}
FREE_SETTINGS = RunSettings(slippage_bps=0.0)


def measure(series: BarSeries, label: str, settings: RunSettings, instruments: dict[str, Any] | None) -> dict[str, Any]:
    """Time the event loop alone and the whole call of ``backtest``."""
    plan, tape, _ = plan_run([series], ["hybrid"], settings, instruments)
    loops = []
    for _ in range(5):
        machine = plan.machine()
        loops.append(cpu_seconds(lambda machine=machine: run_tape(machine, tape.events)))

    def whole() -> RunResult:
        return backtest(series, strategies=["hybrid"], settings=settings, instruments=instruments)

    result = whole()
    whole_s = median_cpu_seconds(whole, repeats=3)
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
        measure(bars, f"{label}, {kind}", settings, instruments)
        for label, bars in series.items()
        for kind, settings, instruments in (("spot", RunSettings(), None), ("free perpetual", FREE_SETTINGS, FREE))
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
