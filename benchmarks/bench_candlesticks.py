"""All 61 candlestick patterns over 1M recorded bars, beside TA-Lib's 61 functions. Target: 0.18 of their time.

Every value of every bar is compared before anything is timed; one core. Without the recorded bars the synthetic
workload takes their place. One more bar is timed in a compiled loop and from Python.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import median_cpu_seconds, table
from benchmarks.workloads import workload_b
from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, kernel, void
from bot4.quant.patterns.candlesticks import CANDLESTICKS, CandlestickStream, candlesticks
from bot4.quant.patterns.candlesticks.continuing import advance
from bot4.quant.patterns.candlesticks.layout import INT16, STATE_SIZE, Int16Array

_N_BARS = 1_000_000
_N_PUSHED = 50_000
_RING = 512
_FOLDERS = ("binance_spot_1m", "binance_spot_5m")
_PRICES = ("open", "high", "low", "close")


@kernel(void(array(f8, 2), array(f8, 2), array(f8), array(INT16, 2)))
def bar_by_bar(bars: FloatArray, ring: FloatArray, state: FloatArray, out: Int16Array) -> None:
    """Feed bars to a ring and advance after each."""
    for t in range(bars.shape[1]):
        for row in range(4):
            ring[row, t & (_RING - 1)] = bars[row, t]
        advance(ring, _RING - 1, t, t + 1, state, out)


def _bars() -> tuple[dict[str, np.ndarray], str]:
    recorded = Path(__file__).resolve().parents[2] / "shared" / "data" / "bars"
    files = sorted(file for folder in _FOLDERS for file in (recorded / folder).glob("*.parquet"))
    if not files:
        series = workload_b(_N_BARS)
        return {name: getattr(series, name) for name in _PRICES}, "synthetic"
    polars = importlib.import_module("polars")
    frame = polars.concat([polars.read_parquet(file, columns=list(_PRICES)) for file in files])
    return {name: np.resize(frame[name].to_numpy(), _N_BARS).astype(np.float64) for name in _PRICES}, "recorded"


def _functions() -> list[Any]:
    try:
        talib = importlib.import_module("talib")
    except ImportError:
        return []
    return [getattr(talib, pattern.talib) for pattern in CANDLESTICKS]


def run() -> list[dict[str, Any]]:
    """Measure whole arrays, and one more bar in a compiled loop and from Python."""
    columns, source = _bars()
    prices = tuple(columns.values())
    whole: dict[str, Any] = {"label": f"whole arrays, {_N_BARS:,} {source} bars"}
    functions = _functions()
    if functions:
        ours = candlesticks(columns)
        theirs = [function(*prices) for function in functions]
        whole["n_different"] = sum(int((a != b).sum()) for a, b in zip(ours.values(), theirs, strict=True))
        del ours, theirs
        whole["talib_ns"] = median_cpu_seconds(lambda: [function(*prices) for function in functions]) / _N_BARS * 1e9
    whole["ns"] = median_cpu_seconds(lambda: candlesticks(columns)) / _N_BARS * 1e9
    if functions:
        whole["ratio"] = whole["ns"] / whole["talib_ns"]
    return [whole, *_one_more_bar(np.array(prices)[:, :_N_PUSHED].copy())]


def _one_more_bar(bars: FloatArray) -> list[dict[str, Any]]:
    ring, out = np.zeros((4, _RING)), np.zeros((len(CANDLESTICKS), 1), np.int16)
    compiled = median_cpu_seconds(lambda: bar_by_bar(bars, ring, np.zeros(STATE_SIZE), out)) / _N_PUSHED * 1e9
    pushed = bars.T.tolist()

    def push_all() -> None:
        stream = CandlestickStream()
        for bar in pushed:
            stream.push(*bar)

    python = median_cpu_seconds(push_all) / _N_PUSHED * 1e9
    return [
        {"label": "one more bar, compiled loop", "ns": compiled},
        {"label": "one more bar, from Python", "ns": python},
    ]


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [
        (f["label"], f"{f['ns']:.0f}", f"{f['ns'] / len(CANDLESTICKS):.1f}",
         f"{f['talib_ns']:.0f}" if "talib_ns" in f else "", f"{f['ratio']:.3f}" if "ratio" in f else "",
         str(f["n_different"]) if "n_different" in f else "")
        for f in found
    ]  # fmt: skip
    header = ("all 61 patterns", "Bot4, ns a bar", "a pattern", "TA-Lib, ns a bar", "ratio", "values that differ")
    return table(header, rows)


if __name__ == "__main__":
    print(render(run()))
