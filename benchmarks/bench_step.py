"""One live step from Python, in microseconds. Target: p50 of 10 us or less.

``step`` is the brain alone; ``Session.take`` the whole live path of one bar: venue, brain, commands, log; with a
journal every event is written before it takes effect, and synced when a command is sent.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import table
from benchmarks.workloads import SYMBOL
from bot4.domain.bars import MINUTE_NS
from bot4.engine.journal import JournalWriter
from bot4.engine.recovery import RecoveringRecorder
from bot4.engine.session import Session
from bot4.engine.settings import RunSettings
from bot4.pipeline.step import step
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.backtest import plan_run

_N_BARS = 30_000
_N_WARM = 5_000


def _percentiles(name: str, nanoseconds: list[int]) -> dict[str, Any]:
    taken = np.array(nanoseconds[_N_WARM:]) / 1e3
    return {"name": name, "p50_us": float(np.percentile(taken, 50)), "p99_us": float(np.percentile(taken, 99))}


def _bare_step(plan: Any, events: Any) -> list[int]:
    machine = plan.machine()
    config, brain, markets, outbox = machine.config, machine.brain, machine.markets, machine.outbox
    taken = []
    for at in range(len(events)):
        started = time.perf_counter_ns()
        step(config, brain, markets, outbox, events, at, at + 1)
        taken.append(time.perf_counter_ns() - started)
        machine.log.drain(outbox)
    return taken


def _session(plan: Any, events: Any, journal: JournalWriter | None) -> list[int]:
    session = Session(plan.machine(), None if journal is None else RecoveringRecorder(journal))
    taken = []
    for at in range(len(events)):
        group = events[at : at + 1]
        started = time.perf_counter_ns()
        session.take(group)
        taken.append(time.perf_counter_ns() - started)
    return taken


def run() -> list[dict[str, Any]]:
    """Measure the hybrid strategy on synthetic one-minute bars."""
    plan, tape, notes = plan_run([synthetic_bars(7, _N_BARS, MINUTE_NS, SYMBOL)], ["hybrid"], RunSettings())
    found = [
        _percentiles("`step`", _bare_step(plan, tape.events)),
        _percentiles("`Session.take`, no journal", _session(plan, tape.events, None)),
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        JournalWriter.create(Path(folder, "bench.journal"), plan.header("paper", notes)) as journal,
    ):
        found.append(_percentiles("`Session.take`, with a journal", _session(plan, tape.events, journal)))
    return found


def render(found: list[dict[str, Any]]) -> str:
    """The Markdown table of a measurement."""
    rows = [(f["name"], f"{f['p50_us']:.1f}", f"{f['p99_us']:.1f}") for f in found]
    return table(("one bar of the hybrid strategy", "p50, us", "p99, us"), rows)


if __name__ == "__main__":
    print(render(run()))
