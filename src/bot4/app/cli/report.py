"""``bot4 report``."""

from __future__ import annotations

from pathlib import Path

import click

from bot4.app.cli.options import json_option
from bot4.app.cli.output import Terminal
from bot4.domain.errors import DataError, StorageError


@click.command("report", short_help="Write the HTML report of a journal.")
@click.argument("journal", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE.html", help="Default: beside the journal, as .html."
)
@json_option
def command(journal: Path, out: Path | None, is_json: bool) -> None:
    """Write the HTML report of a backtest's or paper run's journal, and print the figures.

    The journal is replayed: it holds the market, the settings and the strategies, and nothing else is needed. The
    report is one file that opens without a network.
    """
    from bot4.app.journal_result import result_of_journal
    from bot4.app.output_files import require_writable

    _refuse_figures(journal)
    target = out if out is not None else journal.with_suffix(".html")
    require_writable(target)
    terminal = Terminal(is_json)
    with terminal.compiling() as compiling, terminal.progress("replaying", "events") as progress:
        result = result_of_journal(journal, compiling, progress)
    result.save_report(target)
    terminal.show(f"{result}\nreport written to {target}", result.to_json() | {"report": str(target)})


def _refuse_figures(path: Path) -> None:
    """The JSON of a result holds figures and no series: there is nothing to draw."""
    try:
        with path.open("rb") as file:
            start = file.read(1)
    except FileNotFoundError as error:
        raise DataError("there is no such journal", where=str(path), remedy="check the name") from error
    except IsADirectoryError as error:
        raise DataError("this is a folder", where=str(path), remedy="name the journal file in it") from error
    except OSError as error:
        raise StorageError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="mend its permissions"
        ) from error
    if start == b"{":
        raise DataError(
            "this is a result's JSON, which holds figures but no series to draw",
            where=str(path),
            remedy="give the run's journal, or run `bot4 backtest` with --report",
        )
