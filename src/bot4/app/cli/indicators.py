"""``bot4 indicators``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option, one_series, settings_options, symbol_option
from bot4.app.cli.output import Terminal, sparkline, table
from bot4.domain.errors import UsageError

if TYPE_CHECKING:
    from bot4.domain.bars import BarSeries, FloatArray
    from bot4.quant.indicators.registry import IndicatorInfo, Param, ResolvedIndicator

_SUMMARY = 90
NAMES_HELP = "NAME[:param=value,...]..."
data_option = click.option(
    "--data", "data", metavar="FILE|NAME", help="Bars: a file, or a series of the catalogue; else the synthetic market."
)


@click.group("indicators", short_help="List, explain, compute and draw indicators.")
def command() -> None:
    """List, explain, compute and draw indicators.

    An indicator is written NAME or NAME:param=value,param=value, such as rsi or macd:fast=5,slow=35.
    """


@command.command("list", short_help="List the indicators by family.")
@click.option("--family", help="Only those of a family: trend, momentum, volatility, volume, statistics.")
@json_option
def list_indicators(family: str | None, is_json: bool) -> None:
    """List the indicators by family, with parameters and outputs."""
    from bot4.quant.indicators import INDICATORS

    families = sorted({info.family for info in INDICATORS.values()})
    if family is not None and family not in families:
        raise UsageError(f"no family {family!r}", where="--family", remedy=f"give one of {', '.join(families)}")
    chosen = [info for name, info in sorted(INDICATORS.items()) if family in (None, info.family)]
    chosen.sort(key=lambda info: info.family)
    rows = [
        (info.family, info.name, " ".join(f"{p.name}={p.default:g}" for p in info.params), _summary(info))
        for info in chosen
    ]
    text = table(("family", "indicator", "parameters", ""), rows)
    text += f"\n\n{len(chosen)} indicators; `bot4 indicators show NAME` explains one."
    Terminal(is_json).show(text, {"indicators": [_record(info) for info in chosen]})


@command.command("show", short_help="Explain one: formula, parameters, warm-up, memory.")
@click.argument("name", metavar="NAME[:param=value,...]")
@json_option
def show(name: str, is_json: bool) -> None:
    """Explain one indicator: formula, parameters with bounds, outputs, warm-up, and how far back its value reaches."""
    from bot4.app.indicator_requests import indicator_request
    from bot4.quant.indicators.arrays import bar_matrix
    from bot4.quant.indicators.memory import history_dependence

    member = indicator_request(name)
    dependence = history_dependence(member, bar_matrix(_synthetic(6_000)))
    record = _record(member.info) | {
        "values": dict(zip([p.name for p in member.info.params], member.values, strict=True)),
        "columns": list(member.columns),
        "warm_up_bars": member.warm_up,
        "reads_back_bars": member.lookback,
        "state_values": member.state_size,
        "off_after_history": {str(history): off for history, off in dependence.items()},
    }
    Terminal(is_json).show(_explained(member, dependence), record)


@command.command("compute", short_help="Compute indicators of bars: a table, JSON or a file.")
@click.argument("names", nargs=-1, required=True, metavar=NAMES_HELP)
@data_option
@symbol_option
@click.option("--rows", type=click.IntRange(1, 1_000_000), default=10, show_default=True, help="Last bars shown.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write every bar: .parquet or .csv.")
@settings_options
@json_option
def compute(
    names: tuple[str, ...],
    data: str | None,
    symbol: str | None,
    rows: int,
    out: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Compute indicators of bars and show the last values, or write all of them to a file.

    Values are those of the bar named by its open time, known at its close; NaN (null in JSON) in the warm-up.
    """
    import polars as pl

    from bot4.app.indicator_requests import indicator_requests
    from bot4.app.output_files import require_writable
    from bot4.quant.indicators.arrays import compute_many

    members = indicator_requests(names)
    if out is not None:
        if out.suffix.lower() not in (".parquet", ".csv"):
            raise UsageError(
                f"{out.name} is no Parquet or CSV name", where="--out", remedy="end it in .parquet or .csv"
            )
        require_writable(out)
    series = _series(data, symbol, config, assignments)
    wanted = [(m.info.name, dict(zip([p.name for p in m.info.params], m.values, strict=True))) for m in members]
    columns: dict[str, FloatArray] = compute_many(wanted, series)
    if out is not None:
        frame = pl.DataFrame({"ts": series.ts_open_ns, "close": series.close, **columns})
        frame = frame.with_columns(pl.col("ts").cast(pl.Datetime("ns", "UTC")))
        frame.write_parquet(out) if out.suffix.lower() == ".parquet" else frame.write_csv(out)
    text = _values_text(series, columns, rows)
    if out is not None:
        text += f"\n{len(series):,} bars of {len(columns)} columns written to {out}"
    Terminal(is_json).show(text, _values_record(series, columns, rows, out))


@command.command("plot", short_help="Draw indicators over and below the price, as SVG.")
@click.argument("names", nargs=-1, required=True, metavar=NAMES_HELP)
@data_option
@symbol_option
@click.option(
    "--bars", "n_bars", type=click.IntRange(2, 100_000), default=300, show_default=True, help="Last bars drawn."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("indicators.svg"), show_default=True, help="File to write."
)
@settings_options
@json_option
def plot(
    names: tuple[str, ...],
    data: str | None,
    symbol: str | None,
    n_bars: int,
    out: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Draw indicators as an SVG picture, which any browser shows: those near the price over it, others below."""
    from bot4.app.indicator_requests import indicator_requests
    from bot4.app.output_files import require_writable
    from bot4.research.pictures.bars import indicator_picture

    members = indicator_requests(names)
    require_writable(out)
    series = _series(data, symbol, config, assignments)
    out.write_text(indicator_picture(series, members, n_bars), encoding="utf-8")
    shown = min(n_bars, len(series))
    text = f"{', '.join(member.label for member in members)} on the last {shown:,} bars of {series.symbol}: {out}"
    record = {"file": str(out), "indicators": [member.label for member in members], "bars": shown}
    Terminal(is_json).show(text, record)


@command.command("reference", short_help="Write a page with picture for every indicator.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FOLDER", help="Folder; made if it is not there."
)
@json_option
def reference(out: Path, is_json: bool) -> None:
    """Write the reference: an index, and for every indicator a Markdown page and a picture of the synthetic market."""
    from bot4.research.reference import write_reference

    terminal = Terminal(is_json)
    with terminal.progress("writing", "pages") as advance:
        n_pages = write_reference(out, advance)
    terminal.show(f"{n_pages} pages in {out}", {"folder": str(out), "pages": n_pages})


def _synthetic(n: int) -> BarSeries:
    from bot4.app.market_data import synthetic_series

    return synthetic_series(n, 1, "1h")


def _series(data: str | None, symbol: str | None, config: Path | None, assignments: Sequence[str]) -> BarSeries:
    return _synthetic(1_000) if data is None else one_series(data, symbol, config, assignments)


def _summary(info: IndicatorInfo) -> str:
    text = info.formula.partition("\n")[0].replace("`", "")
    return text if len(text) <= _SUMMARY else f"{text[: _SUMMARY - 3].rstrip()}..."


def _explained(member: ResolvedIndicator, dependence: dict[int, float | None]) -> str:
    info = member.info
    reads = ", ".join(_row_name(row) for row in info.inputs)
    lines = [f"{info.name} ({info.family})", "", info.formula, "", f"source    {info.source}", f"reads     {reads}"]
    lines.append(f"gives     {', '.join(member.columns)}")
    lines.append(f"warm-up   {member.warm_up} bars before the first value")
    if info.of != info.name:
        lines.append(f"part of   {info.of}, computed once for all that share it")
    if info.params:
        rows = [
            (p.name, f"{value:g}", f"{p.default:g}", f"{p.low:g} to {p.high:g}", "whole" if p.is_whole else "")
            for p, value in zip(info.params, member.values, strict=True)
        ]
        lines += ["", table(("parameter", "value", "default", "bounds", ""), rows, right=(1, 2))]
    lines += ["", "how far the last value is off if only so many bars were seen (synthetic market):"]
    lines.append(table([f"{history:,} bars" for history in dependence], [[_off(off) for off in dependence.values()]]))
    return "\n".join(lines)


def _off(off: float | None) -> str:
    if off is None:
        return "not defined"
    return "0" if off == 0.0 else f"{off:.1e}"


def _row_name(row: int) -> str:
    from bot4.quant.indicators.registry import ROW_NAMES

    return ROW_NAMES[row]


def _record(info: IndicatorInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "family": info.family,
        "reads": [_row_name(row) for row in info.inputs],
        "parameters": [_param_record(param) for param in info.params],
        "outputs": list(info.outputs),
        "formula": info.formula,
        "source": info.source,
        "view_of": info.of if info.of != info.name else None,
    }


def _param_record(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "default": param.default,
        "low": param.low,
        "high": param.high,
        "is_whole": param.is_whole,
    }


def _values_text(series: BarSeries, columns: dict[str, FloatArray], rows: int) -> str:
    import numpy as np

    from bot4.quant.series.time_grid import utc_text

    shown = range(max(0, len(series) - rows), len(series))
    cells = [
        [utc_text(int(series.ts_open_ns[k])), f"{series.close[k]:,.10g}"]
        + [f"{values[k]:,.8g}" for values in columns.values()]
        for k in shown
    ]
    text = table(("open time", "close", *columns), cells, right=range(1, 2 + len(columns)))
    tails = [(name, sparkline(v[np.isfinite(v)][-300:].tolist())) for name, v in columns.items()]
    return f"{series.symbol}, {len(series):,} bars\n{text}\n\n{table(('last 300 bars', ''), tails)}"


def _values_record(series: BarSeries, columns: dict[str, FloatArray], rows: int, out: Path | None) -> dict[str, Any]:
    import math

    from bot4.quant.series.time_grid import utc_text

    shown = range(max(0, len(series) - rows), len(series))
    return {
        "symbol": series.symbol,
        "bars": len(series),
        "file": str(out) if out is not None else None,
        "columns": list(columns),
        "rows": [
            {"ts_open": utc_text(int(series.ts_open_ns[k])), "close": float(series.close[k])}
            | {name: float(v[k]) if math.isfinite(v[k]) else None for name, v in columns.items()}
            for k in shown
        ],
    }
