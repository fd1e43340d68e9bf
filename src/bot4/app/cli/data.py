"""``bot4 data``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option, one_series, settings_options, symbol_option, time_ns
from bot4.app.cli.output import Terminal, chart, size, table
from bot4.domain.errors import DataError, UsageError

if TYPE_CHECKING:
    from bot4.adapters.storage.catalogue import Catalogue, CatalogueEntry, Imported
    from bot4.app.settings import AppSettings
    from bot4.domain.bars import BarSeries
    from bot4.quant.series.quality import QualityReport


@click.group("data", short_help="Import, download, check and show market data.")
def command() -> None:
    """Import, download, check and show market data.

    The catalogue keeps one series of bars a venue, symbol and interval; other commands take its names, such as
    BTCUSDT or binance/BTCUSDT/1h, where they take files.
    """


@command.command("import", short_help="Bring files of bars into the catalogue.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@symbol_option
@click.option("--venue", default="local", show_default=True, help="Where the bars are from.")
@settings_options
@json_option
def import_files(
    files: tuple[Path, ...],
    symbol: str | None,
    venue: str,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Bring files of bars into the catalogue.

    Rows out of order are sorted and repeated rows dropped; whatever would need a guess is refused. Each file is taken
    whole or not at all.
    """
    catalogue = _catalogue(_settings(config, assignments))
    done = [(path, catalogue.import_file(path, symbol, venue=venue)) for path in files]
    text = "\n".join(line for path, imported in done for line in _import_lines(path, imported))
    records = [
        {"file": str(path), "new_bars": i.new_bars, "series": i.entry.as_dict(), "quality": i.report.as_dict()}
        for path, i in done
    ]
    Terminal(is_json).show(text, {"imported": records})


@command.command("download", short_help="Bring bars of an exchange into the catalogue.")
@click.argument("symbol")
@click.option("--venue", help="Exchange, by its name in ccxt; by default that of [paper].")
@click.option("--interval", default="1h", show_default=True, help="Length of a bar.")
@click.option("--start", metavar="T", help="First bar, ISO 8601, UTC; by default goes on from what is held.")
@click.option("--end", metavar="T", help="First bar no longer taken; by default now.")
@settings_options
@json_option
def download_series(
    symbol: str,
    venue: str | None,
    interval: str,
    start: str | None,
    end: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Bring bars of an exchange into the catalogue, by its public data; no account is needed.

    Interrupted, the same command goes on where it stopped. Bars that the catalogue holds are not fetched again.
    """
    from bot4.adapters.exchanges.venues import VenueSettings
    from bot4.app.downloads import Wanted, download, held_entry
    from bot4.engine.clock import SystemClock

    settings, terminal = _settings(config, assignments), Terminal(is_json)
    now_ns = SystemClock().now_ns()
    end_ns = time_ns(end, "--end")
    wanted = Wanted(
        venue or settings.paper.venue,
        symbol,
        interval,
        time_ns(start, "--start"),
        min(now_ns, end_ns) if end_ns is not None else now_ns,
    )
    catalogue = _catalogue(settings)
    with terminal.progress(f"downloading {wanted.venue} {symbol} {interval}", "bars") as advance:
        reports = download(
            wanted,
            catalogue,
            VenueSettings(settings.paper.base_url),
            now_ns,
            lambda progress: advance(progress.done_bars, progress.total_bars),
        )
    fetched = sum(report.bars for report in reports)
    entry = held_entry(catalogue, wanted)
    if entry is None:
        raise DataError(
            "the venue sent no bars of that period", where=f"{wanted.venue} {symbol}", remedy="ask for another period"
        )
    missing = sum(report.missing_bars for report in reports)
    gaps = f"; the venue has no bar for {missing:,} of the intervals between them" if missing else ""
    text = f"{fetched:,} new bars{gaps}\n{_entries_table([entry])}"
    terminal.show(text, {"bars": fetched, "missing_bars": missing, "series": entry.as_dict()})


@command.command("check", short_help="Say what is wrong with bars; exit code 3 if unusable.")
@click.argument("names", nargs=-1, required=True, metavar="FILE|NAME...")
@symbol_option
@settings_options
@json_option
def check(
    names: tuple[str, ...], symbol: str | None, config: Path | None, assignments: tuple[str, ...], is_json: bool
) -> None:
    """Say what is wrong with bars, and what is done about each defect; exit code 3 if they cannot be traded on.

    'refuse' means that a backtest will not take them; import mends what needs no guess.
    """
    from bot4.quant.series.quality import check_bars

    catalogue = _catalogue(_settings(config, assignments))
    reports = [check_bars(_unchecked(name, symbol, catalogue)) for name in names]
    text = "\n\n".join(_quality_text(name, report) for name, report in zip(names, reports, strict=True))
    is_usable = all(report.is_usable for report in reports)
    records = [{"name": name} | report.as_dict() for name, report in zip(names, reports, strict=True)]
    Terminal(is_json).show(text, {"is_usable": is_usable, "reports": records})
    if not is_usable:
        raise click.exceptions.Exit(DataError.exit_code)


@command.command("list", short_help="List the series of the catalogue.")
@settings_options
@json_option
def list_series(config: Path | None, assignments: tuple[str, ...], is_json: bool) -> None:
    """List the series of the catalogue."""
    catalogue = _catalogue(_settings(config, assignments))
    entries = catalogue.list()
    text = (
        _entries_table(entries) if entries else "no series yet; `bot4 data import FILE` or `bot4 data download SYMBOL`"
    )
    record = {"folder": str(catalogue.folder), "series": [entry.as_dict() for entry in entries]}
    Terminal(is_json).show(f"{text}\nin {catalogue.folder}", record)


@command.command("show", short_help="Show bars: first and last, ranges, a chart.")
@click.argument("name", metavar="FILE|NAME")
@symbol_option
@click.option("--rows", type=click.IntRange(1, 1000), default=3, show_default=True, help="Bars shown at each end.")
@settings_options
@json_option
def show(
    name: str, symbol: str | None, rows: int, config: Path | None, assignments: tuple[str, ...], is_json: bool
) -> None:
    """Show bars: the first and the last, ranges, and a chart of the closes."""
    series = one_series(name, symbol, config, assignments)
    Terminal(is_json).show(_series_text(series, rows), _series_record(series, rows))


@command.command("synthetic", short_help="Write bars of the built-in synthetic market to a file.")
@click.option("--bars", type=click.IntRange(2, 20_000_000), required=True, help="How many.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Equal seeds give equal bars.")
@click.option("--interval", default="1h", show_default=True, help="Length of a bar.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.parquet", help="File to write.")
@json_option
def synthetic(bars: int, seed: int, interval: str, out: Path, is_json: bool) -> None:
    """Write bars of the built-in synthetic market to a Parquet file, which says that they are synthetic."""
    from bot4.adapters.storage.bar_files import write_bars
    from bot4.app.market_data import synthetic_series
    from bot4.app.output_files import require_writable

    if out.suffix.lower() != ".parquet":
        raise UsageError(f"{out.name} is no Parquet name", where="--out", remedy="give a name ending in .parquet")
    require_writable(out)
    series = synthetic_series(bars, seed, interval)
    write_bars(series, out, "synthetic")
    text = f"{bars:,} synthetic bars of {series.symbol}, {interval}, seed {seed}, written to {out}"
    Terminal(is_json).show(text, {"file": str(out), "bars": bars, "seed": seed, "is_synthetic": True})


def _settings(config: Path | None, assignments: Sequence[str]) -> AppSettings:
    from bot4.app.settings import load_settings

    return load_settings(config, assignments, os.environ).settings


def _catalogue(settings: AppSettings) -> Catalogue:
    from bot4.adapters.storage.catalogue import Catalogue

    return Catalogue(settings.market_folder)


def _unchecked(name: str, symbol: str | None, catalogue: Catalogue) -> BarSeries:
    from bot4.adapters.storage.bar_files import read_unchecked_bars
    from bot4.app.market_data import find_entry, is_file_name

    if is_file_name(name):
        return read_unchecked_bars(Path(name), symbol)
    return read_unchecked_bars(find_entry(name, catalogue).path)


def _import_lines(path: Path, imported: Imported) -> list[str]:
    from bot4.app.market_data import entry_name

    entry = imported.entry
    lines = [f"{path}: {imported.new_bars:,} new bars; {entry_name(entry)} now holds {entry.bars:,}"]
    return lines + [f"  {finding}" for finding in imported.report.findings]


def _entries_table(entries: Sequence[CatalogueEntry]) -> str:
    from bot4.app.market_data import entry_name
    from bot4.quant.series.time_grid import utc_text

    rows = [
        (
            entry_name(entry),
            f"{entry.bars:,}",
            utc_text(entry.first_open_ns),
            utc_text(entry.last_open_ns),
            size(entry.size_bytes),
            "synthetic" if entry.is_synthetic else "",
        )
        for entry in entries
    ]
    return table(("series", "bars", "first open", "last open", "size", ""), rows, right=(1, 4))


def _quality_text(name: str, report: QualityReport) -> str:
    from bot4.quant.series.time_grid import interval_name, utc_text

    verdict = "usable" if report.is_usable else "NOT usable"
    head = f"{name}: {report.symbol} {interval_name(report.interval_ns)}, {report.bars:,} bars"
    if report.first_open_ns is not None and report.last_open_ns is not None:
        head += f", {utc_text(report.first_open_ns)} to {utc_text(report.last_open_ns)}"
    if report.is_synthetic:
        head += ", synthetic"
    if not report.findings:
        return f"{head}\n{verdict}: no defects found"
    rows = [
        (f.defect.value, f"{f.bars:,}", f"{f.occurrences:,}", f.policy.value, str(f.examples[0]))
        for f in report.findings
    ]
    return f"{head}\n{verdict}\n{table(('defect', 'bars', 'places', 'policy', 'first'), rows, right=(1, 2))}"


def _series_text(series: BarSeries, rows: int) -> str:
    from bot4.quant.series.time_grid import interval_name, utc_text

    shown = list(range(min(rows, len(series))))
    shown += list(range(max(rows, len(series) - rows), len(series)))
    cells = [
        [utc_text(int(series.ts_open_ns[k])), *(f"{getattr(series, c)[k]:,.10g}" for c in _COLUMNS)] for k in shown
    ]
    if len(series) > 2 * rows:
        cells.insert(rows, ["..."] + [""] * len(_COLUMNS))
    kind = "synthetic, not a real market" if series.is_synthetic else "recorded"
    lines = [
        f"{series.symbol} {interval_name(series.interval_ns)}, {len(series):,} bars, {kind}",
        f"price {series.low.min():,.10g} to {series.high.max():,.10g}",
        f"last close {series.close[-1]:,.10g}, {series.close[-1] / series.open[0] - 1:+.1%} since the first open",
        "",
        table(("open time", *_COLUMNS), cells, right=(1, 2, 3, 4, 5)),
        "",
        chart(series.close.tolist()),
        f"closes from {utc_text(int(series.ts_open_ns[0]))} to {utc_text(int(series.ts_open_ns[-1]))}",
    ]
    return "\n".join(lines)


_COLUMNS = ("open", "high", "low", "close", "volume")


def _series_record(series: BarSeries, rows: int) -> dict[str, Any]:
    from bot4.quant.series.time_grid import interval_name, utc_text

    def bar(k: int) -> dict[str, Any]:
        return {"ts_open": utc_text(int(series.ts_open_ns[k]))} | {c: float(getattr(series, c)[k]) for c in _COLUMNS}

    return {
        "symbol": series.symbol,
        "interval": interval_name(series.interval_ns),
        "bars": len(series),
        "is_synthetic": series.is_synthetic,
        "lowest": float(series.low.min()),
        "highest": float(series.high.max()),
        "first": [bar(k) for k in range(min(rows, len(series)))],
        "last": [bar(k) for k in range(max(0, len(series) - rows), len(series))],
    }
