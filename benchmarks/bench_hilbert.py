"""The Hilbert family and MAMA over 1M recorded closes, beside TA-Lib's functions. Target: 0.1 of its time for its five.

Values are compared before they are timed; one core. Without the recorded bars the synthetic workload takes their place.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import median_cpu_seconds, table
from benchmarks.workloads import workload_b
from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from bot4.quant.indicators.registry import CLOSE, ROW_NAMES

_N_BARS = 1_000_000
_RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bars" / "bitfinex_1m"
_CYCLES = ("HT_DCPERIOD", "HT_DCPHASE", "HT_PHASOR", "HT_SINE", "HT_TRENDMODE")


def _closes() -> tuple[np.ndarray, str]:
    files = [_RECORDED / f"{symbol}_1m_2017.parquet" for symbol in ("ETHUSD", "BTCUSD", "BTCUSD")]
    if not files[0].is_file():
        return workload_b(_N_BARS).close, "synthetic"
    polars = importlib.import_module("polars")
    series = [polars.read_parquet(file)["close"].to_numpy() for file in files]
    return np.concatenate(series)[:_N_BARS].astype(np.float64), "recorded"


def _largest_difference(ours: np.ndarray, theirs: np.ndarray, close: np.ndarray) -> float:
    scales = [50.0, 360.0, close, close, 1.0, 1.0, 1.0]
    found = 0.0
    for row, expected, scale in zip(ours, theirs, scales, strict=True):
        apart = np.abs(row - expected)
        apart = np.minimum(apart, np.abs(360.0 - apart)) if scale is scales[1] else apart
        found = max(found, float(np.nanmax(apart / scale)))
    return found


def _talib_cycles(talib: Any, close: np.ndarray) -> np.ndarray:
    period, phase, phasor, sine, mode = (getattr(talib, name)(close) for name in _CYCLES)
    modes = np.where(np.isnan(phase), np.nan, mode)
    return np.array([period, phase, *phasor, *sine, modes])


def run() -> list[dict[str, Any]]:
    """Measure the family together and MAMA."""
    close, source = _closes()
    bars = np.zeros((len(ROW_NAMES), len(close)))
    bars[CLOSE] = close
    try:
        talib = importlib.import_module("talib")
    except ImportError:
        talib = None
    rows = []
    references: dict[str, Callable[[], Any]] = {}
    if talib is not None:
        references = {
            "hilbert": lambda: [getattr(talib, name)(close) for name in _CYCLES],
            "mama": lambda: talib.MAMA(close),
        }
    for name in ("hilbert", "mama"):
        member = resolve(name)
        ours = evaluate(member, bars)
        row: dict[str, Any] = {"label": member.label, "bars": f"{len(close):,} {source}"}
        if talib is not None and name == "hilbert":
            row["difference"] = _largest_difference(ours[:7], _talib_cycles(talib, close), close)
        elif talib is not None:
            row["difference"] = float(np.nanmax(np.abs(ours - np.array(talib.MAMA(close))) / close))
        row["ns"] = median_cpu_seconds(lambda member=member: evaluate(member, bars)) / len(close) * 1e9
        if name in references:
            row["talib_ns"] = median_cpu_seconds(references[name]) / len(close) * 1e9
            row["ratio"] = row["ns"] / row["talib_ns"]
        rows.append(row)
    return rows


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [
        (f["label"], f["bars"], f"{f['ns']:.1f}", f"{f['talib_ns']:.1f}" if "talib_ns" in f else "",
         f"{f['ratio']:.3f}" if "ratio" in f else "", f"{f['difference']:.0e}" if "difference" in f else "")
        for f in found
    ]  # fmt: skip
    header = ("indicator", "bars", "Bot4, ns a bar", "TA-Lib, ns a bar", "ratio", "largest difference of scale")
    return table(header, rows)


if __name__ == "__main__":
    print(render(run()))
