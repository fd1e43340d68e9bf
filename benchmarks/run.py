"""Run the benchmarks, write their tables into ``docs/performance.md`` and the figures into ``out/benchmarks.json``.

``python -m benchmarks [NAME ...]``: all of them, or those named: bars hybrid step orders start memory talib
candlesticks updates volatility paths dependence book matching quoting round_trip.
"""

from __future__ import annotations

import datetime
import json
import platform
import sys
from pathlib import Path

import numba
import numpy as np

from benchmarks import (
    bench_bars,
    bench_book,
    bench_candlesticks,
    bench_dependence,
    bench_hybrid,
    bench_matching,
    bench_memory,
    bench_orders,
    bench_paths,
    bench_quoting,
    bench_round_trip,
    bench_start,
    bench_step,
    bench_talib,
    bench_updates,
    bench_volatility,
)
from benchmarks.measuring import load

BENCHMARKS = {
    "bars": bench_bars,
    "hybrid": bench_hybrid,
    "step": bench_step,
    "orders": bench_orders,
    "start": bench_start,
    "memory": bench_memory,
    "talib": bench_talib,
    "candlesticks": bench_candlesticks,
    "updates": bench_updates,
    "volatility": bench_volatility,
    "paths": bench_paths,
    "dependence": bench_dependence,
    "book": bench_book,
    "matching": bench_matching,
    "quoting": bench_quoting,
    "round_trip": bench_round_trip,
}
_ROOT = Path(__file__).resolve().parents[1]
PAGE = _ROOT / "docs" / "performance.md"
FIGURES = _ROOT / "out" / "benchmarks.json"


def replace_between(text: str, name: str, content: str) -> str:
    """Put content between the markers of a name; text without them is returned as it is."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        return text
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


def stamp() -> str:
    """When and on what a table was measured."""
    today = datetime.datetime.now(datetime.UTC).date()  # noqa: TID251
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, numba {numba.__version__}"
    return f"Measured {today}; {versions}; load {load()} as it began."


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {}
    for name in names:
        module, begun = BENCHMARKS[name], stamp()
        figures[name] = {"stamp": begun, "found": module.run()}
        content = f"{module.render(figures[name]['found'])}\n\n{begun}"
        print(f"\n{name}\n{content}", flush=True)
        PAGE.write_text(replace_between(PAGE.read_text("utf-8"), name, content), "utf-8")
        FIGURES.parent.mkdir(exist_ok=True)
        FIGURES.write_text(json.dumps(figures, indent=1), "utf-8")


if __name__ == "__main__":
    main()
