"""Backtests: recorded bars in, a result out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from bot4.adapters.instrument_table import universe_of
from bot4.adapters.storage.bar_files import bars_from_frame
from bot4.domain.bars import BarSeries, TradeSeries
from bot4.domain.errors import UsageError
from bot4.engine.batch import Progress, run_tape
from bot4.engine.journal import JournalWriter
from bot4.engine.plan import RunPlan, StrategyChoice
from bot4.engine.settings import RunSettings
from bot4.kernel import WarmUpStep
from bot4.pipeline.market import FundingSeries, MarketTape, market_tape
from bot4.quant.series.quality import STRICT, apply_policy
from bot4.research.outcome import result_of
from bot4.research.result import RunResult

Series = BarSeries | TradeSeries | FundingSeries


def backtest(
    data: Any,
    *,
    symbol: str | None = None,
    strategies: Sequence[str | StrategyChoice] = ("hybrid",),
    settings: RunSettings | None = None,
    instruments: Mapping[str, Mapping[str, Any]] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    journal: Path | str | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Run strategies over recorded market data.

    Args:
        data: a :class:`~bot4.domain.bars.BarSeries`, a Polars or pandas frame of bars (with ``symbol``), or a list
            of bar, trade and funding series of several symbols. Where trades of a symbol are given, its orders
            fill on trades.
        symbol: of a frame.
        strategies: names of built-in strategies, paths of ``.py`` files, or choices with parameters.
        settings: of the run; the defaults where None.
        instruments: additions to the instrument table, see
            :func:`bot4.adapters.instrument_table.universe_of`.
        start_ns, end_ns: keep what is known in ``[start_ns, end_ns)``.
        journal: file to write the run's journal to.
        progress: called with events done and events in all.

    Raises:
        DataError, UsageError, SettingError, StorageError: see the error tree.
    """
    series = _as_series(data, symbol)
    plan, tape, notes = plan_run(series, strategies, settings or RunSettings(), instruments, start_ns, end_ns)
    return run_plan(plan, tape, series, notes, journal=journal, progress=progress)


def plan_run(
    series: Sequence[Series],
    strategies: Sequence[str | StrategyChoice],
    settings: RunSettings,
    instruments: Mapping[str, Mapping[str, Any]] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> tuple[RunPlan, MarketTape, list[str]]:
    """The plan of a run, its tape, and what a reader of the result must know of the data."""
    symbols = list(dict.fromkeys(item.symbol for item in series))
    universe = universe_of(symbols, instruments)
    notes: list[str] = []
    checked = [_checked(item, notes) if isinstance(item, BarSeries) else item for item in series]
    tape = market_tape(checked, universe, start_ns, end_ns)
    for name, count in tape.off_grid.items():
        if count:
            notes.append(f"{count:,} prices of {name} were off its tick grid and were rounded to it")
    plan = RunPlan(
        universe=universe,
        strategies=tuple(_choice(strategy) for strategy in strategies),
        settings=settings,
        interval_ns=tape.interval_ns,
        trades_symbols=tuple(item.symbol for item in series if isinstance(item, TradeSeries)),
        is_synthetic=any(item.is_synthetic for item in series if isinstance(item, BarSeries)),
    )
    return plan, tape, notes


def run_plan(
    plan: RunPlan,
    tape: MarketTape,
    series: Sequence[Series],
    notes: Sequence[str] = (),
    *,
    journal: Path | str | None = None,
    progress: Progress | None = None,
    compiling: Callable[[WarmUpStep], None] | None = None,
) -> RunResult:
    """Run a plan over its tape and give the result."""
    machine = plan.machine(compiling)
    started = time.perf_counter()
    if journal is None:
        run_tape(machine, tape.events, progress=progress)
    else:
        with JournalWriter.create(Path(journal), plan.header("backtest", notes)) as writer:
            run_tape(machine, tape.events, journal=writer, progress=progress)
            writer.append_note(
                {"stopped": "the data ended", "ts_ns": int(tape.events["ts_ns"][-1]), "digest": machine.digest}
            )
            writer.sync()
    elapsed_s = time.perf_counter() - started
    first_ns = int(tape.events["ts_ns"][0]) - tape.interval_ns
    return result_of(
        machine,
        [_within(item, first_ns, int(tape.events["ts_ns"][-1])) for item in series if isinstance(item, BarSeries)],
        elapsed_s=elapsed_s,
        start_ns=first_ns,
        settings=plan.settings.model_dump(mode="json"),
        notes=notes,
    )


def _as_series(data: Any, symbol: str | None) -> list[Series]:
    if isinstance(data, BarSeries):
        return [data]
    if isinstance(data, list | tuple):
        return list(data)
    if symbol is None:
        raise UsageError("a frame does not say its symbol", remedy='give symbol="BTCUSDT"')
    frame = data if isinstance(data, pl.DataFrame) else pl.from_pandas(data, include_index=True)
    return [bars_from_frame(frame, symbol)]


def _checked(series: BarSeries, notes: list[str]) -> BarSeries:
    checked, report = apply_policy(series, STRICT, series.symbol)
    notes.extend(f"{series.symbol}: {finding}" for finding in report.findings)
    return checked


def _choice(strategy: str | StrategyChoice) -> StrategyChoice:
    return strategy if isinstance(strategy, StrategyChoice) else StrategyChoice.of(strategy)


def _within(series: BarSeries, start_ns: int, end_ns: int) -> BarSeries:
    known_ns = series.ts_open_ns + series.interval_ns
    keep = (series.ts_open_ns >= start_ns) & (known_ns <= end_ns)
    if keep.all():
        return series
    columns = {name: getattr(series, name)[keep] for name in ("ts_open_ns", "open", "high", "low", "close", "volume")}
    return replace(series, **columns)
