"""``bot4 backtest``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot4.app.cli.options import ManyValues, json_option, one_line, settings_options, time_ns
from bot4.app.cli.output import Terminal, sparkline
from bot4.domain.errors import UsageError

if TYPE_CHECKING:
    from bot4.app.settings import LoadedSettings
    from bot4.research.backtest import Series
    from bot4.research.result import RunResult


@click.command(
    "backtest",
    cls=ManyValues,
    many=("--data", "--trades", "--funding", "--strategy"),
    short_help="Run strategies over recorded market data.",
)
@click.option("--data", multiple=True, metavar="FILE...", help="Bars: files, or series of the catalogue by name.")
@click.option("--strategy", multiple=True, metavar="NAME|FILE.py", help="Strategy; several share the run.")
@settings_options
@click.option("--start", metavar="T", help="First time taken, ISO 8601, UTC.")
@click.option("--end", metavar="T", help="First time no longer taken.")
@click.option("--journal", type=click.Path(path_type=Path), metavar="FILE", help="Write the journal here.")
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE.html", help="Write the HTML report here.")
@click.option("--symbol", metavar="NAME", help="Symbol of the bars, for files that do not say.")
@click.option("--trades", multiple=True, metavar="FILE...", help="Trades; orders of their symbols fill on them.")
@click.option("--funding", multiple=True, metavar="FILE...", help="Funding rates of perpetuals.")
@click.option("--synthetic", type=click.IntRange(100, 20_000_000), metavar="N", help="N bars of a synthetic market.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the synthetic market.")
@click.option("--interval", default="1h", show_default=True, help="Of the synthetic market's bars.")
@json_option
def command(
    data: tuple[str, ...],
    strategy: tuple[str, ...],
    config: Path | None,
    assignments: tuple[str, ...],
    start: str | None,
    end: str | None,
    journal: Path | None,
    report: Path | None,
    symbol: str | None,
    trades: tuple[str, ...],
    funding: tuple[str, ...],
    synthetic: int | None,
    seed: int,
    interval: str,
    is_json: bool,
) -> None:
    """Run strategies over recorded market data and print what came of it.

    \b
    Examples:
      bot4 backtest --data BTCUSDT_1h.parquet
      bot4 backtest --data BTC_2019.csv BTC_2020.csv --strategy ema_cross breakout
      bot4 backtest --data binance/BTCUSDT/1h --start 2022-01-01 --report btc.html
      bot4 backtest --synthetic 20000 --strategy my_strategy.py --json

    Files of one symbol are joined. Without --strategy the built-in hybrid runs. A bar is known at its close.
    """  # noqa: D301 - click needs the character
    from bot4.app.output_files import require_writable
    from bot4.app.settings import load_settings

    span = (time_ns(start, "--start"), time_ns(end, "--end"))
    _require_span(span)
    if not data and synthetic is None:
        raise UsageError(
            "no market data",
            where="bot4 backtest",
            remedy="give --data FILE, or try a built-in market: --synthetic 20000",
        )
    if data and synthetic is not None:
        raise UsageError("--data and --synthetic exclude each other", where="bot4 backtest", remedy="give one of them")
    if journal is not None:
        require_writable(journal, may_exist=False)
    if report is not None:
        require_writable(report)
    terminal = Terminal(is_json)
    loaded = load_settings(config, assignments, os.environ)
    request = Request(loaded, strategy or ("hybrid",), *span, journal)
    series = _series(request, data, trades, funding, symbol, synthetic, seed, interval)
    result = run(request, series, terminal)
    if report is not None:
        result.save_report(report)
    terminal.show(_text(result, terminal, journal, report), result.to_json())


@dataclass(frozen=True, slots=True)
class Request:
    """A run as it was asked for."""

    loaded: LoadedSettings
    strategies: Sequence[str]
    start_ns: int | None = None
    end_ns: int | None = None
    journal: Path | None = None


def run(request: Request, series: Sequence[Series], terminal: Terminal) -> RunResult:
    """Run what was asked for, with progress; the journal is whole afterwards, or absent."""
    from bot4.app.output_files import whole_file
    from bot4.research.backtest import plan_run, run_plan

    settings = request.loaded.settings
    choices = request.loaded.strategies(request.strategies)
    for name in request.loaded.unused_strategies(choices):
        terminal.note(f"[strategy.{name}] of the settings belongs to no strategy of this run")
    overrides = settings.instrument_overrides
    plan, tape, notes = plan_run(series, choices, settings.run, overrides, request.start_ns, request.end_ns)
    with contextlib.ExitStack() as stack:
        staged = stack.enter_context(whole_file(request.journal)) if request.journal is not None else None
        compiling = stack.enter_context(terminal.compiling())
        progress = stack.enter_context(terminal.progress("running", "events"))
        return run_plan(plan, tape, series, notes, journal=staged, progress=progress, compiling=compiling)


def _require_span(span: tuple[int | None, int | None]) -> None:
    start_ns, end_ns = span
    if start_ns is not None and end_ns is not None and end_ns <= start_ns:
        raise UsageError("the end is not after the start", where="--end", remedy="give a later --end")


def _series(
    request: Request,
    data: Sequence[str],
    trades: Sequence[str],
    funding: Sequence[str],
    symbol: str | None,
    synthetic: int | None,
    seed: int,
    interval: str,
) -> list[Series]:
    from bot4.app.market_data import load_series, synthetic_series

    if synthetic is not None:
        return [synthetic_series(synthetic, seed, interval)]
    return load_series(
        data,
        [Path(name) for name in trades],
        [Path(name) for name in funding],
        symbol=symbol,
        market_folder=request.loaded.settings.market_folder,
    )


def _text(result: RunResult, terminal: Terminal, journal: Path | None, report: Path | None) -> str:
    lines = [str(result)]
    if terminal.is_interactive and len(result.equity) > 1:
        lines.insert(0, f"equity {sparkline(result.equity.tolist())}")
    if result.refusals:
        lines.append(f"refused: {one_line(result.refusals)}")
    if result.clamp_binding:
        lines.append(f"sized down by: {one_line(result.clamp_binding)}")
    rate = f"{result.events_per_s:,.0f} events/s"
    lines.append(f"{result.events:,} events in {result.elapsed_s:.2f} s ({rate})")
    lines += [f"{what} written to {path}" for what, path in (("journal", journal), ("report", report)) if path]
    return "\n".join(lines)
