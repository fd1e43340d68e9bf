"""The hybrid's indicators over whole arrays, beside TA-Lib where it has them. No target of its own.

Values are compared before they are timed. TA-Lib takes whole arrays only; Bot4's are the same kernels that run one
bar at a time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measuring import median_cpu_seconds, table
from benchmarks.workloads import workload_b
from bot4.pipeline.signals.technical import INDICATORS
from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import bar_matrix, evaluate

_N_BARS = 200_000

# label -> TA-Lib's function name, inputs among o h l c v, parameters
TALIB: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "sma_20": ("SMA", "c", (20,)),
    "ema_12": ("EMA", "c", (12,)),
    "wma_20": ("WMA", "c", (20,)),
    "kama_10": ("KAMA", "c", (10,)),
    "macd_12_26_9": ("MACD", "c", (12, 26, 9)),
    "rsi_14": ("RSI", "c", (14,)),
    "cci_20": ("CCI", "hlc", (20,)),
    "williams_r_14": ("WILLR", "hlc", (14,)),
    "roc_10": ("ROC", "c", (10,)),
    "trix_15": ("TRIX", "c", (15,)),
    "atr_14": ("ATR", "hlc", (14,)),
    "standard_deviation_20": ("STDDEV", "c", (20,)),
    "obv": ("OBV", "cv", ()),
    "mfi_14": ("MFI", "hlcv", (14,)),
}


def _talib_call(entry: tuple[str, str, tuple[float, ...]], rows: dict[str, Any]) -> Callable[[], Any] | None:
    try:
        talib = importlib.import_module("talib")
    except ImportError:
        return None
    name, inputs, parameters = entry
    function = getattr(talib, name)
    return lambda: function(*(rows[i] for i in inputs), *parameters)


def _largest_difference(ours: Any, theirs: Any) -> float:
    theirs = np.atleast_2d(np.array(theirs))
    both = np.isfinite(ours[: len(theirs)]) & np.isfinite(theirs)
    scale = np.maximum(1.0, np.abs(theirs))
    return float(np.max(np.where(both, np.abs(ours[: len(theirs)] - theirs) / scale, 0.0)))


def run() -> list[dict[str, Any]]:
    """Measure every indicator of the hybrid strategy."""
    bars = bar_matrix(workload_b(_N_BARS))
    rows = dict(zip("ohlcv", bars[:5], strict=True))
    found = []
    for name, parameters in INDICATORS:
        member = resolve(name, **parameters)
        ours = evaluate(member, bars)
        row: dict[str, Any] = {"label": member.label}
        call = _talib_call(TALIB[member.label], rows) if member.label in TALIB else None
        if call is not None:
            row["difference"] = _largest_difference(ours, call())
            row["talib_ns"] = median_cpu_seconds(call) / _N_BARS * 1e9
        row["ns"] = median_cpu_seconds(lambda member=member: evaluate(member, bars)) / _N_BARS * 1e9
        found.append(row)
    return found


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [
        (f["label"], f"{f['ns']:.1f}", f"{f['talib_ns']:.1f}" if "talib_ns" in f else "",
         f"{f['difference']:.0e}" if "difference" in f else "")
        for f in found
    ]  # fmt: skip
    rows.append(("all", f"{sum(f['ns'] for f in found):.0f}", "", ""))
    return table(("indicator", "Bot4, ns a bar", "TA-Lib, ns a bar", "largest relative difference"), rows)


if __name__ == "__main__":
    print(render(run()))
