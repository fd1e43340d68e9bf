"""``bot4 patterns``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option, one_series, settings_options, symbol_option
from bot4.app.cli.output import Terminal, table
from bot4.domain.errors import UsageError

if TYPE_CHECKING:
    from bot4.domain.bars import BarSeries
    from bot4.quant.patterns.detection import Detection
    from bot4.quant.structure import FibonacciLeg, Level, TrendLine

_DIRECTIONS = {1: "bullish", -1: "bearish", 0: "either"}

data_option = click.option(
    "--data", "data", required=True, metavar="FILE|NAME", help="Bars: a file, or a series of the catalogue."
)


@click.group("patterns", short_help="Find patterns, levels and trend lines in bars.")
def command() -> None:
    """List and find patterns: candlesticks, chart figures, harmonic patterns, Elliott waves; levels and trend lines.

    A pattern is dated by the close at which it could first be known. Nothing repaints.
    """


@command.command("list", short_help="List the patterns by family.")
@click.option("--family", help="Only those of a family: candlestick, chart, harmonic, elliott.")
@json_option
def list_patterns(family: str | None, is_json: bool) -> None:
    """List the patterns by family, with what each is."""
    from bot4.app.pattern_scan import FAMILIES, KINDS

    if family is not None and family not in FAMILIES:
        raise UsageError(f"no family {family!r}", where="--family", remedy=f"give one of {', '.join(FAMILIES)}")
    chosen = [kind for kind in KINDS if family in (None, kind.family)]
    rows = [(kind.family, kind.name, kind.definition) for kind in chosen]
    records = [
        {"family": kind.family, "name": kind.name, "definition": kind.definition, "source": kind.source}
        for kind in chosen
    ]
    Terminal(is_json).show(table(("family", "pattern", ""), rows), {"patterns": records})


@command.command("scan", short_help="Find patterns in bars: a table, JSON, a picture.")
@data_option
@symbol_option
@click.option("--family", "families", multiple=True, help="Families to look for; by default chart, harmonic, elliott.")
@click.option("--kind", "kinds", multiple=True, metavar="NAME", help="Only these kinds; may be repeated.")
@click.option("--min-confidence", type=float, help="Least confidence, 0 to 1; by default each family's own.")
@click.option("--last", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many, the latest.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw the latest one.")
@settings_options
@json_option
def scan(
    data: str,
    symbol: str | None,
    families: tuple[str, ...],
    kinds: tuple[str, ...],
    min_confidence: float | None,
    last: int,
    out: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Find patterns, each with its points, the time when it could first be known, direction, target and invalidation.

    The counts below the table are of all bars. Candlesticks are found where asked for with --family or --kind.
    """
    from bot4.app.output_files import require_writable
    from bot4.app.pattern_scan import scan as scan_series
    from bot4.research.pictures.bars import pattern_picture

    if out is not None:
        require_writable(out)
    series = one_series(data, symbol, config, assignments)
    found = scan_series(series, families or ("chart", "harmonic", "elliott"), kinds or None, min_confidence)
    latest = found[-last:]
    if out is not None and found:
        out.write_text(pattern_picture(series, found[-1:]), encoding="utf-8")
    text = _found_text(series, found, latest)
    if out is not None:
        text += f"\n\n{found[-1].name} drawn in {out}" if found else "\n\nnothing to draw"
    record = {
        "symbol": series.symbol,
        "bars": len(series),
        "found": len(found),
        "file": str(out) if out is not None and found else None,
        "patterns": [_record(series, detection) for detection in latest],
    }
    Terminal(is_json).show(text, record)


@command.command("levels", short_help="Support, resistance, trend lines, Fibonacci ratios.")
@data_option
@symbol_option
@settings_options
@json_option
def levels(data: str, symbol: str | None, config: Path | None, assignments: tuple[str, ...], is_json: bool) -> None:
    """Show the structure as of the last bar: support and resistance, trend lines, ratios of the latest leg."""
    from bot4.quant.structure import fibonacci_legs, support_resistance, trend_lines

    series = one_series(data, symbol, config, assignments)
    found_levels = support_resistance(series)
    lines = trend_lines(series)
    legs = fibonacci_legs(series)
    record = {
        "symbol": series.symbol,
        "close": float(series.close[-1]),
        "levels": [level.as_dict() for level in found_levels],
        "trend_lines": [line.as_dict() for line in lines],
        "legs": [leg.as_dict() for leg in legs],
    }
    parts = [f"{series.symbol}, last close {series.close[-1]:,.8g}", _levels_table(series, found_levels)]
    parts += [_lines_table(lines), *map(_leg_table, legs)]
    Terminal(is_json).show("\n\n".join(parts), record)


def _levels_table(series: BarSeries, found: Sequence[Level]) -> str:
    rows = [
        (
            x.role,
            f"{x.price:,.8g}",
            f"{x.low:,.8g} to {x.high:,.8g}",
            str(x.touches),
            f"{x.volume_share:.1%}",
            f"{x.strength:.2f}",
            _time(series, x.known_at),
        )
        for x in sorted(found, key=lambda level: -level.price)
    ]
    titles = ("level", "price", "zone", "touches", "volume", "strength", "known (UTC)")
    return table(titles, rows, right=(1, 3, 4, 5)) if rows else "no levels"


def _lines_table(found: Sequence[TrendLine]) -> str:
    rows = [
        (
            x.role,
            f"{x.value:,.8g}",
            f"{x.slope:+.4g}",
            str(len(x.touches)),
            "holds" if x.broken_at is None else "broken",
            f"{x.score:.2f}",
        )
        for x in found
    ]
    titles = ("trend line", "now at", "per bar", "touches", "", "score")
    return table(titles, rows, right=(1, 2, 3, 5)) if rows else "no trend lines"


def _leg_table(leg: FibonacciLeg) -> str:
    way = "up" if leg.direction > 0 else "down"
    head = f"latest leg {way} from {leg.start_price:,.8g} to {leg.end_price:,.8g}, {leg.retraced:.0%} of it retraced"
    rows = [(f"{x.ratio:g}", f"{x.price:,.8g}") for x in (*leg.retracements, *leg.extensions)]
    return f"{head}\n{table(('ratio', 'price'), rows, right=(0, 1))}"


def _time(series: BarSeries, bar: int) -> str:
    """The close of a bar."""
    from bot4.quant.series.time_grid import utc_text

    return utc_text(int(series.ts_open_ns[bar]) + series.interval_ns)


def _found_text(series: BarSeries, found: Sequence[Detection], latest: Sequence[Detection]) -> str:
    from collections import Counter

    from bot4.app.cli.options import one_line

    if not found:
        return f"{series.symbol}, {len(series):,} bars: no patterns"
    rows = [
        (
            _time(series, x.known_at),
            x.family,
            x.name,
            _DIRECTIONS[x.direction],
            _price(x.target),
            _price(x.invalidation),
            _confidence(x.confidence),
            f"{x.points[0].bar} to {x.points[-1].bar}",
        )
        for x in latest
    ]
    titles = ("known (UTC)", "family", "pattern", "", "target", "invalid at", "confidence", "bars")
    counts = one_line(Counter(x.name for x in found))
    head = f"{series.symbol}, {len(series):,} bars: {len(found):,} patterns, the latest {len(latest)}"
    return f"{head}\n{table(titles, rows, right=(4, 5, 6))}\n\nin all bars: {counts}"


def _price(value: float) -> str:
    return f"{value:,.8g}" if math.isfinite(value) else ""


def _confidence(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else ""


def _record(series: BarSeries, detection: Detection) -> dict[str, Any]:
    record = detection.as_dict() | {"known_ts": _time(series, detection.known_at)}
    for field in ("target", "invalidation", "confidence"):
        if not math.isfinite(record[field]):
            record[field] = None
    for point in record["points"]:
        point["ts_close"] = _time(series, point["bar"])
    return record
