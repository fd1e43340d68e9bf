"""The check that nothing looks ahead: what is known at a time must not change when what comes later does.

:func:`trace` drives a machine over a tape and writes down after every timestamp what the brain knows: the feature
rows of every frame, the running hash over every signal, equity, and how many decisions, commands and fills there are.
:func:`leaks` alters everything after a cut, in several ways, and compares two traces up to it, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bot4.domain.bars import BarSeries
from bot4.domain.events import CLOSES_TIMESTAMP, EVENT
from bot4.engine.machine import Machine
from bot4.engine.plan import RunPlan
from bot4.engine.replay import replay
from bot4.engine.session import Session
from bot4.kernel import i8, kernel, records, void
from bot4.pipeline.features.observe import observe
from bot4.pipeline.market import MarketTape
from bot4.pipeline.state import BRAIN, CONFIG, MARKET
from bot4.simulator.state import N_REPORTS

Alteration = Callable[[BarSeries, int], BarSeries]
"""``(series, row)``: the series with everything from ``row`` on altered."""


def _changed(series: BarSeries, row: int, **columns: np.ndarray) -> BarSeries:
    full = {name: getattr(series, name).copy() for name in columns}
    for name, values in columns.items():
        full[name][row:] = values
    return replace(series, **full)


def prices_doubled(series: BarSeries, row: int) -> BarSeries:
    return _changed(series, row, **{n: 2.0 * getattr(series, n)[row:] for n in ("open", "high", "low", "close")})


def volume_gone(series: BarSeries, row: int) -> BarSeries:
    return _changed(series, row, volume=np.zeros(len(series) - row))


def bars_shuffled(series: BarSeries, row: int) -> BarSeries:
    order = np.random.default_rng(row).permutation(np.arange(row, len(series)))
    return _changed(
        series, row, **{name: getattr(series, name)[order] for name in ("open", "high", "low", "close", "volume")}
    )


def every_other_bar_removed(series: BarSeries, row: int) -> BarSeries:
    keep = np.ones(len(series), dtype=np.bool_)
    keep[row::2] = False
    names = ("ts_open_ns", "open", "high", "low", "close", "volume")
    return replace(series, **{name: getattr(series, name)[keep] for name in names})


ALTERATIONS: tuple[Alteration, ...] = (prices_doubled, volume_gone, bars_shuffled, every_other_bar_removed)


@dataclass(frozen=True)
class Trace:
    """What was known after each timestamp, and everything that came out."""

    ts_ns: np.ndarray
    known: dict[str, np.ndarray]  # one row a timestamp
    records: dict[str, np.ndarray]  # decisions, commands, fills, samples
    times: dict[str, np.ndarray]


Feed = Callable[[Machine, Any], Iterator[int]]
"""Runs a machine over a tape and pauses after each timestamp, at the position that it has reached."""

Doctor = Callable[[Machine], None]
"""Does something to a machine whose next block of features was just computed; a test seeds its leak with it."""


@kernel(void(records(BRAIN), records(MARKET), records(CONFIG), records(EVENT), i8, i8))
def _observe(brain: Any, markets: Any, config: Any, events: Any, first: int, last: int) -> None:
    observe(brain[0], markets, config[0], events, first, last)


def by_session(machine: Machine, tape: Any) -> Iterator[int]:
    """The live way: one event a step."""
    session = Session(machine)
    first = 0
    for end in np.flatnonzero(tape["flags"] & CLOSES_TIMESTAMP) + 1:
        session.take(tape[first:end])
        first = int(end)
        yield first


def by_replay(machine: Machine, tape: Any, doctor: Doctor | None = None) -> Iterator[int]:
    """The compiled way. Features are computed in whole blocks, as in a run that nobody pauses."""
    reports, nothing = np.zeros(N_REPORTS, dtype=EVENT), np.zeros(0, dtype=EVENT)
    brain, at = machine.brain[0], 0
    for end in np.flatnonzero(tape["flags"] & CLOSES_TIMESTAMP) + 1:
        while at < end:
            if brain["block_at"] == brain["block_size"]:
                _observe(machine.brain, machine.markets, machine.config, tape, at, len(tape))
                if doctor is not None:
                    doctor(machine)
            at = replay(
                machine.config, machine.brain, machine.markets, machine.outbox, machine.venue, tape, at, at + 1,
                reports, nothing,
            )  # fmt: skip
            machine.log.drain(machine.outbox)
        yield at


def trace(plan: RunPlan, tape: MarketTape, feed: Feed = by_session) -> Trace:
    """Run a plan and write down what is known after every timestamp."""
    machine = plan.machine()
    brain, config = machine.brain[0], machine.config[0]
    n_symbols, n_frames, n_columns = len(plan.universe.instruments), int(config["n_frames"]), int(config["n_columns"])
    ts_ns, hashes, counts, rows, equity = [], [], [], [], []
    for _ in feed(machine, tape.events):
        ts_ns.append(int(brain["ts_ns"]))
        hashes.append(int(brain["decision_hash"]))
        counts.append([machine.log.count(kind) for kind in ("decisions", "commands", "fills", "trades")])
        equity.append(float(brain["equity"]))
        rows.append(
            np.concatenate(
                [
                    machine.markets[symbol]["frames"][k]["features"][brain["symbol_rows"][symbol, k], :n_columns]
                    for symbol in range(n_symbols)
                    for k in range(n_frames)
                ]
            )
        )
    records = {kind: machine.log.records(kind) for kind in ("decisions", "commands", "fills", "samples")}
    times = {kind: rows["ts_ns"] for kind, rows in records.items() if kind != "decisions"}
    times["decisions"] = records["decisions"]["proposal"]["ts_ns"]
    return Trace(
        ts_ns=np.array(ts_ns),
        known={
            "features": np.array(rows),
            "signals": np.array(hashes),
            "counts": np.array(counts),
            "equity": np.array(equity),
        },
        records=records,
        times=times,
    )


def first_leak(before: Trace, after: Trace, cut_ns: int) -> str | None:
    """What was known before ``cut_ns`` and differs between two runs whose data agree until then; None for nothing."""
    n = int(np.searchsorted(before.ts_ns, cut_ns, side="left"))
    if before.ts_ns[:n].tolist() != after.ts_ns[after.ts_ns < cut_ns].tolist():
        return "the runs took other timestamps"
    for name, values in before.known.items():
        if values[:n].tobytes() != after.known[name][:n].tobytes():
            row = next(k for k in range(n) if values[k].tobytes() != after.known[name][k].tobytes())
            return f"{name} at {np.datetime64(int(before.ts_ns[row]), 'ns')}, cut at {np.datetime64(cut_ns, 'ns')}"
    for kind, rows in before.records.items():
        if rows[before.times[kind] < cut_ns].tobytes() != after.records[kind][after.times[kind] < cut_ns].tobytes():
            return f"{kind} before {np.datetime64(cut_ns, 'ns')}"
    return None


def leaks(
    series: Sequence[Any],
    run: Callable[[Sequence[Any]], Trace],
    cuts: Sequence[int],
    alterations: Sequence[Alteration] = ALTERATIONS,
) -> list[str]:
    """Every leak found by altering all bars from each of the cuts on, in every way.

    Args:
        series: bars of several symbols with one interval, and whatever else the run takes, which is not altered.
        run: the run under test, which gives its trace.
        cuts: rows of the first series; bars that open at or after that row's open are altered in all of them.
    """
    untouched = run(series)
    bars = [item for item in series if isinstance(item, BarSeries)]
    found = []
    for cut in cuts:
        open_ns = int(bars[0].ts_open_ns[cut])
        for alter in alterations:
            altered = [
                alter(item, int(np.searchsorted(item.ts_open_ns, open_ns))) if isinstance(item, BarSeries) else item
                for item in series
            ]
            leak = first_leak(untouched, run(altered), open_ns + bars[0].interval_ns)
            if leak is not None:
                found.append(f"{alter.__name__}: {leak}")
    return found
