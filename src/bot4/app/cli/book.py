"""``bot4 book``."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option, time_ns
from bot4.app.cli.output import Terminal, size, table
from bot4.domain.errors import DataError, UsageError

if TYPE_CHECKING:
    from bot4.adapters.exchanges.order_books.depth_history import DepthHistory
    from bot4.adapters.exchanges.order_books.grid import PriceGrid
    from bot4.adapters.exchanges.order_books.messages import Level
    from bot4.app.book_orders import Level3Outcome
    from bot4.app.book_replay import BookAt, ReplayOutcome

_FINDINGS_SHOWN = 20
_ROWS_OF_SYMBOLS = 30


@click.group("book", short_help="Rebuild order books from recorded streams.")
def command() -> None:
    """Rebuild order books from the exchanges' own recorded streams, and look at them."""


@command.command("replay", short_help="Rebuild the book of a recording; summary, picture, the book at a time.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--venue", metavar="NAME", help="Whose stream; otherwise told from the messages.")
@click.option("--symbol", "symbols", multiple=True, metavar="NAME", help="Only this one, in the exchange's spelling.")
@click.option("--tick", metavar="X", help="Price step that every price must be on.")
@click.option("--lot", metavar="X", help="Quantity step that every quantity must be on.")
@click.option("--at", "at", metavar="T", help="Show the book at this time of receipt, ISO 8601, UTC.")
@click.option("--hold", type=click.IntRange(0, 1000), default=0, show_default=True,
              help="Messages that may come early before a gap is declared.")  # fmt: skip
@click.option("--opening/--no-opening", "with_opening", default=True, show_default=True,
              help="Level 3: put the orders that stood before the recording into the book.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.svg|FILE.html", help="Draw depth over time.")
@json_option
def replay(
    file: Path,
    venue: str | None,
    symbols: tuple[str, ...],
    tick: str | None,
    lot: str | None,
    at: str | None,
    hold: int,
    with_opening: bool,
    out: Path | None,
    is_json: bool,
) -> None:
    """Rebuild the book of a recorded stream and hold it against the exchange's own best prices and checksums.

    FILE has one message a line: a local time and JSON, or JSON alone; plain, gzip, zip or zstandard. Exit code 0 where
    the book agrees, 3 where a best price or a checksum does not, or the file cannot be used. Gaps and other faults of
    the stream are found and listed; they change no exit code.
    """
    from bot4.app.book_orders import Level3Outcome
    from bot4.app.book_replay import ReplayRequest, replay_recording, summary_of
    from bot4.app.output_files import require_writable

    terminal = Terminal(is_json)
    if out is not None:
        _require_picture_name(out)
        require_writable(out)
    request = ReplayRequest(
        file,
        venue,
        symbols,
        _step(tick, "--tick"),
        _step(lot, "--lot"),
        time_ns(at, "--at"),
        hold,
        with_history=out is not None,
        with_opening=with_opening,
    )
    with terminal.progress(f"replaying {file.name}", "messages") as advance, terminal.compiling() as compiling:
        outcome = replay_recording(request, advance, compiling)
    if isinstance(outcome, Level3Outcome):
        _show_orders(terminal, outcome, file, out)
        return
    summary = summary_of(outcome)
    venue_name = outcome.replay.dialect.name if outcome.replay.dialect is not None else ""
    drawn = _draw(outcome.history, venue_name, out, file) if out is not None else False
    record = summary | {
        "file": str(file),
        "picture": str(out) if drawn else None,
        "at": [
            _at_record(f.symbol, f.ts_local_ns, f.ts_ns, f.bids, f.asks, outcome.grids.of(f.symbol)) for f in outcome.at
        ],
    }
    terminal.show("\n\n".join(_text(file, outcome, summary, out if drawn else None)), record)
    if summary["mismatches"] or summary["counters"]["checksum_failures"]:
        raise click.exceptions.Exit(DataError.exit_code)


@command.command("sample", short_help="Write a synthetic recorded stream, with faults if wanted.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.jsonl", help="File to write.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Equal seeds give equal files.")
@click.option("--seconds", type=click.IntRange(1, 86_400), default=120, show_default=True, help="Length.")
@click.option("--fault", "faults", multiple=True, metavar="NAME",
              help="gap, duplicate, reorder, crossed, garbage; may be repeated.")  # fmt: skip
@json_option
def sample(out: Path, seed: int, seconds: int, faults: tuple[str, ...], is_json: bool) -> None:
    """Write a recorded stream of the built-in synthetic market, in the form of Binance's USD-M futures."""
    from bot4.adapters.exchanges.order_books.sample_stream import FAULTS, SampleSettings, sample_lines
    from bot4.app.output_files import require_writable

    unknown = [fault for fault in faults if fault not in FAULTS]
    if unknown:
        raise UsageError(f"no fault {unknown[0]!r}", where="--fault", remedy=f"give one of {', '.join(FAULTS)}")
    require_writable(out)
    terminal, settings = Terminal(is_json), SampleSettings(seconds, seed, faults)
    lines = list(sample_lines(settings))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = f"{len(lines):,} messages of a synthetic market, {seconds} s, seed {seed}, written to {out}"
    if faults:
        text += f"\nfaults, in this order: {', '.join(faults)}"
    record = {"file": str(out), "messages": len(lines), "seed": seed, "faults": list(faults), "is_synthetic": True}
    terminal.show(text, record)


def _step(text: str | None, option: str) -> Decimal | None:
    if text is None:
        return None
    try:
        step = Decimal(text)
    except InvalidOperation:
        raise UsageError(f"{text!r} is no number", where=option, remedy="give a number such as 0.01") from None
    if not step.is_finite() or step <= 0:
        raise UsageError(f"{text} is not above zero", where=option, remedy="give a number such as 0.01")
    return step


def _require_picture_name(out: Path) -> None:
    if out.suffix.lower() not in (".svg", ".html"):
        raise UsageError(f"{out.name} is no picture's name", where="--out", remedy="end it in .svg or .html")


def _draw(history: DepthHistory | None, venue: str, out: Path, file: Path) -> bool:
    """Draw the picture; False where the recording had no times or no book to draw."""
    from bot4.research.pictures.depth import depth_page, depth_picture

    if history is None or not history.symbol:
        return False
    draw = depth_page if out.suffix.lower() == ".html" else depth_picture
    name = "" if history.symbol.startswith("(") else f"{history.symbol}, "
    title = f"{name}depth over time".capitalize() if not name else f"{name}depth over time"
    out.write_text(draw(history, title, f"{venue}, {file.name}"), encoding="utf-8")
    return True


def _show_orders(terminal: Terminal, outcome: Level3Outcome, file: Path, out: Path | None) -> None:
    """The result of a level-3 replay."""
    from bot4.app.book_orders import order_summary

    summary = order_summary(outcome)
    is_drawn = out is not None and _draw(outcome.history, outcome.dialect.name, out, file)
    report = outcome.report
    parts = [
        f"{file.name}: {outcome.messages:,} lines of {outcome.dialect.name}, {size(file.stat().st_size)}\n"
        f"the price-time book made {report.made:,} of {len(report.trades):,} recorded trades"
        + (f" ({report.share_made:.1%})" if report.trades else "")
        + f", and {len(report.extra):,} that were not recorded"
    ]
    parts.append(table(("orders", ""), [(name, f"{count:,}") for name, count in report.orders.items()], right=(1,)))
    if outcome.malformed:
        line, reason = outcome.malformed[0]
        parts.append(f"{len(outcome.malformed):,} messages could not be used; the first: line {line}: {reason}")
    if summary["not_made"]:
        rows = [(str(t["line"]), t["trade_id"], t["price"], t["quantity"], t["reason"]) for t in summary["not_made"]]
        text = table(("line", "trade", "price", "quantity", "why the book did not make it"), rows[:_FINDINGS_SHOWN],
                     right=(0, 2, 3))  # fmt: skip
        more = len(rows) - _FINDINGS_SHOWN
        parts.append(f"{text}\nand {more:,} more; --json lists all" if more > 0 else text)
    grid = outcome.grids.of(outcome.symbol)
    if outcome.at_ns is not None:
        parts.append(_levels_text(outcome.symbol, outcome.at_ns, 0, outcome.bids, outcome.asks, grid))
    if is_drawn:
        parts.append(f"depth over time drawn in {out}")
    at = [_at_record(outcome.symbol, outcome.at_ns, 0, outcome.bids, outcome.asks, grid)] if outcome.at_ns else []
    record = summary | {"file": str(file), "picture": str(out) if is_drawn else None, "at": at}
    terminal.show("\n\n".join(parts), record)


def _text(file: Path, outcome: ReplayOutcome, summary: dict[str, Any], picture: Path | None) -> list[str]:
    symbols = summary["symbols"]
    head = (
        f"{file.name}: {summary['messages']:,} messages of {summary['venue']}, "
        f"{size(file.stat().st_size)}; numbering: {summary['numbering']}"
    )
    parts = [f"{head}\n{_verdict(summary)}"]
    if outcome.is_partial:
        parts.append(
            "no snapshot in the recording: the book began with the first difference and lacks what never changed"
        )
    parts.append(_symbols_table(symbols))
    faults = _fault_counts(summary["counters"])
    parts.append(f"faults: {faults}" if faults else "no faults in the stream")
    if summary["findings"]:
        parts.append(_findings_table(summary["findings"]))
    parts += [_at_text(found, outcome) for found in outcome.at]
    if picture is not None:
        drawn = outcome.history.symbol if outcome.history is not None else ""
        parts.append(f"depth of {drawn} over time drawn in {picture}")
    return parts


def _verdict(summary: dict[str, Any]) -> str:
    counters = summary["counters"]
    said = []
    if summary["compared"]:
        said.append(
            f"best prices compared with the exchange's own at {summary['compared']:,} updates: "
            f"{summary['mismatches']:,} differ"
        )
    if counters["checksums"]:
        said.append(f"checksums compared: {counters['checksums']:,}, {counters['checksum_failures']:,} differ")
    return "\n".join(said) or "the stream carries nothing that its book could be compared with"


def _symbols_table(symbols: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, found in list(symbols.items())[:_ROWS_OF_SYMBOLS]:
        counters, spread = found["counters"], found["spread"] or {}
        rows.append(
            (
                name,
                found["state"].replace("_", " "),
                f"{counters['snapshots']:,}",
                f"{counters['differences']:,}",
                f"{counters['levels']:,}",
                f"{found['trades']:,}",
                found["best_bid"] or "",
                found["best_ask"] or "",
                spread.get("median", ""),
                spread.get("most", ""),
            )
        )
    titles = ("symbol", "at the end", "snapshots", "updates", "levels", "trades", "best bid", "best ask",
              "median spread", "widest")  # fmt: skip
    text = table(titles, rows, right=(2, 3, 4, 5, 6, 7, 8, 9))
    more = len(symbols) - _ROWS_OF_SYMBOLS
    return f"{text}\nand {more} more" if more > 0 else text


def _fault_counts(counters: dict[str, int]) -> str:
    names = ("gaps", "duplicates", "out_of_order", "reordered", "crossed", "stale_snapshots", "malformed",
             "reconnects", "checksum_failures", "resyncs")  # fmt: skip
    is_fault = any(counters[name] for name in names if name != "resyncs")
    said = [f"{counters[name]:,} {name.replace('_', ' ')}" for name in names if counters[name]]
    return ", ".join(said) if is_fault else ""


def _findings_table(findings: Sequence[dict[str, Any]]) -> str:
    rows = [(str(f["line"]), f["symbol"], f["outcome"].replace("_", " "), f["detail"]) for f in findings]
    text = table(("line", "symbol", "found", ""), rows[:_FINDINGS_SHOWN], right=(0,))
    more = len(rows) - _FINDINGS_SHOWN
    return f"{text}\nand {more:,} more; --json lists 1,000" if more > 0 else text


def _at_text(found: BookAt, outcome: ReplayOutcome) -> str:
    grid = outcome.grids.of(found.symbol)
    return _levels_text(found.symbol, found.ts_local_ns, found.ts_ns, found.bids, found.asks, grid)


def _levels_text(
    symbol: str, ts_local_ns: int, ts_ns: int, bids: Sequence[Level], asks: Sequence[Level], grid: PriceGrid
) -> str:
    from bot4.quant.series.time_grid import utc_text

    rows = []
    for k in range(max(len(bids), len(asks))):
        bid = bids[k] if k < len(bids) else None
        ask = asks[k] if k < len(asks) else None
        rows.append(
            (
                grid.quantity_text(bid[1]) if bid else "",
                grid.price_text(bid[0]) if bid else "",
                grid.price_text(ask[0]) if ask else "",
                grid.quantity_text(ask[1]) if ask else "",
            )
        )
    head = f"{symbol} as received by {utc_text(ts_local_ns)}"
    if ts_ns:
        head += f" (exchange time of its last update: {utc_text(ts_ns)})"
    return f"{head}\n{table(('quantity', 'bid', 'ask', 'quantity'), rows, right=(0, 1, 2, 3))}"


def _at_record(
    symbol: str, ts_local_ns: int, ts_ns: int, bids: Sequence[Level], asks: Sequence[Level], grid: PriceGrid
) -> dict[str, Any]:
    def rows(levels: Sequence[Level]) -> list[list[str]]:
        return [[grid.price_text(ticks), grid.quantity_text(lots)] for ticks, lots in levels]

    return {
        "symbol": symbol,
        "ts_local_ns": ts_local_ns,
        "ts_exchange_ns": ts_ns,
        "bids": rows(bids),
        "asks": rows(asks),
    }
