"""The result of a run from its journal alone: the journal is replayed, and the bars for the charts are those in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import BarSeries, FloatArray
from bot4.domain.errors import DataError
from bot4.domain.events import BAR
from bot4.domain.instruments import Instrument
from bot4.engine.journal import read_journal
from bot4.engine.plan import RunPlan
from bot4.engine.verification import verify
from bot4.kernel import WarmUpStep
from bot4.research.outcome import result_of
from bot4.research.result import RunResult

Progress = Callable[[int, int], None]


def result_of_journal(
    path: Path, compiling: Callable[[WarmUpStep], None] | None = None, progress: Progress | None = None
) -> RunResult:
    """Replay a journal and give the result; its notes say where the replay differs or the journal's tail is torn.

    Raises:
        DataError: no journal, one of another version, or one without bars.
        Halted: it is damaged in the middle.
        StorageError: it may not be read.
    """
    contents = read_journal(path)
    plan = RunPlan.from_header(contents.header, str(path))
    series = journal_bars(contents.events, plan)
    if not series:
        raise DataError("the journal holds no bars", where=str(path), remedy="let the run go on for a while")
    started_s = time.perf_counter()
    verification = verify(contents, compiling=compiling, progress=progress, where=str(path))
    elapsed_s = time.perf_counter() - started_s
    notes = list(contents.header["notes"])
    if verification.is_torn:
        notes.append(f"the journal's last {contents.torn_bytes} bytes are no whole record: the run was cut off")
    if not verification.is_proven:
        notes.append("the replay made other commands than the journal holds: run `bot4 replay` on it")
    return result_of(
        verification.machine,
        series,
        elapsed_s=elapsed_s,
        start_ns=min(int(item.ts_open_ns[0]) for item in series),
        settings=plan.settings.model_dump(mode="json"),
        notes=notes,
    )


def journal_bars(events: npt.NDArray[np.void], plan: RunPlan) -> list[BarSeries]:
    """The bars among a journal's events, by symbol; prices are the ticks that the run saw."""
    bars = events[events["kind"] == BAR]
    return [
        _series(bars[bars["symbol"] == k], instrument, plan)
        for k, instrument in enumerate(plan.universe.instruments)
        if np.any(bars["symbol"] == k)
    ]


def _series(bars: npt.NDArray[np.void], instrument: Instrument, plan: RunPlan) -> BarSeries:
    def price(name: str) -> FloatArray:
        decimals = max(0, -int(instrument.tick_size.as_tuple().exponent))
        prices: FloatArray = np.round(bars[name] * float(instrument.tick_size), decimals)
        return prices

    return BarSeries(
        symbol=instrument.symbol,
        interval_ns=plan.interval_ns,
        ts_open_ns=bars["ts_open_ns"].astype(np.int64),
        open=price("open_ticks"),
        high=price("high_ticks"),
        low=price("low_ticks"),
        close=price("close_ticks"),
        volume=bars["volume"].astype(np.float64),
        is_synthetic=plan.is_synthetic,
    )
