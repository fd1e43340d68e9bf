"""Every function that TA-Lib has too, over 1M recorded bars, results compared before they are timed.

Targets (issue 3): all of them together in 0.3 of TA-Lib's time (with the candlesticks, which have a benchmark of their
own); the simple moving windows in 0.6 as a group and none of them slower than TA-Lib's; the Hilbert family in 0.1.

Both get the same NumPy columns and give arrays of their own. *Together* means as a user would ask for all of them at
once: what several functions share is computed once (``compute_many``). TA-Lib has no such call.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measuring import median_cpu_seconds, table
from benchmarks.talib_functions import CYCLES, SHARED, SIMPLE_WINDOWS
from benchmarks.workloads import recorded_columns
from bot4.quant.indicators.arrays import compute
from bot4.quant.indicators.bank import BankSpec
from bot4.quant.indicators.registry import resolve

_N_BARS = 1_000_000
_REPEATS = 7


def _talib_call(name: str, columns: dict[str, Any]) -> Callable[[], Any]:
    """TA-Lib's function with its default parameters and inputs."""
    talib = importlib.import_module("talib")
    inputs = importlib.import_module("talib.abstract").Function(name).info["input_names"]
    named = [row for value in inputs.values() for row in (value if isinstance(value, list) else [value])]
    function, arguments = getattr(talib, name), [columns[row] for row in named]
    return lambda: function(*arguments)


def _difference(name: str, ours: dict[str, Any], theirs: Any) -> float:
    """Largest difference as a part of the column's size, over the bars where both are defined."""
    expected = np.atleast_2d(np.array(theirs, np.float64))
    shared = SHARED[name]
    outputs = resolve(shared.indicator).info.outputs
    chosen = shared.outputs or outputs[: len(expected)]
    found = np.array([list(ours.values())[outputs.index(output)] for output in chosen])
    both = np.isfinite(found) & np.isfinite(expected)
    scale = np.maximum(np.nanmax(np.abs(np.where(both, expected, 0.0)), axis=1, keepdims=True), 1e-300)
    return float(np.max(np.where(both, np.abs(found - expected) / scale, 0.0)))


def _once(names: list[str]) -> list[str]:
    """Of functions that share one computation with equal parameters, the first."""
    seen: dict[Any, str] = {}
    for name in names:
        member = BankSpec.of([(SHARED[name].indicator, SHARED[name].params)]).computed[0]
        seen.setdefault((member.info.name, member.values), name)
    return list(seen.values())


def run() -> list[dict[str, Any]]:
    """Measure every shared function."""
    columns = recorded_columns(_N_BARS)
    bars = {**columns, "time_s": 300.0 * np.arange(_N_BARS)}
    alone = set(_once(list(SHARED)))
    found = []
    for name, shared in SHARED.items():
        theirs = _talib_call(name, columns)

        def ours(shared: Any = shared) -> Any:
            return compute(shared.indicator, bars, **shared.params)

        difference = _difference(name, ours(), theirs())
        found.append(
            {
                "name": name,
                "indicator": shared.indicator,
                "difference": difference,
                "ns": median_cpu_seconds(ours, _REPEATS) / _N_BARS * 1e9,
                "talib_ns": median_cpu_seconds(theirs, _REPEATS) / _N_BARS * 1e9,
                "is_computed": name in alone,
            }
        )
    return found


def _group(title: str, rows: list[dict[str, Any]]) -> tuple[str, ...]:
    ours = sum(row["ns"] for row in rows if row["is_computed"])
    theirs = sum(row["talib_ns"] for row in rows)
    return (title, str(len(rows)), f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}")


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown tables of a measurement."""
    windows = [row for row in found if row["name"] in SIMPLE_WINDOWS]
    cycles = [row for row in found if row["name"] in CYCLES]
    rest = [row for row in found if row["name"] not in (*SIMPLE_WINDOWS, *CYCLES)]
    groups = [
        _group("simple moving windows", windows), _group("Hilbert family", cycles), _group("the rest", rest),
        _group("all", found),
    ]  # fmt: skip
    slower = [f"{row['name']} ({row['ns'] / row['talib_ns']:.1f})" for row in found if row["ns"] > row["talib_ns"]]
    each = [
        (row["name"], row["indicator"], f"{row['ns']:.1f}", f"{row['talib_ns']:.1f}",
         f"{row['ns'] / row['talib_ns']:.2f}", f"{row['difference']:.0e}")
        for row in found
    ]  # fmt: skip
    parts = [
        table(("group, together", "functions", "Bot4, ns a bar", "TA-Lib, ns a bar", "ratio"), groups),
        f"Slower alone than TA-Lib's: {', '.join(slower) or 'none'}.",
        table(("TA-Lib", "Bot4", "alone, ns a bar", "TA-Lib, ns a bar", "ratio", "largest difference"), each),
    ]
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(render(run()))
