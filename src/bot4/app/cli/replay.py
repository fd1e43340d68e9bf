"""``bot4 replay``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option
from bot4.app.cli.output import Terminal

if TYPE_CHECKING:
    from bot4.engine.journal import JournalContents
    from bot4.engine.verification import Verification
    from bot4.research.result import RunResult


@click.command("replay", short_help="Re-run a journal and prove its decisions.")
@click.argument("journal", type=click.Path(path_type=Path))
@json_option
def command(journal: Path, is_json: bool) -> None:
    """Re-run a journal, which holds all it needs, and prove that the same commands and decisions come of it.

    Nothing is sent anywhere. The exit code is 7 where the proof fails.
    """
    from bot4.domain.errors import Halted
    from bot4.engine.journal import read_journal
    from bot4.engine.verification import verify

    terminal = Terminal(is_json)
    contents = read_journal(journal)
    with terminal.compiling() as compiling, terminal.progress("replaying", "events") as progress:
        started_s = time.perf_counter()
        found = verify(contents, compiling=compiling, progress=progress, where=str(journal))
        elapsed_s = time.perf_counter() - started_s
    noted = noted_digest(contents)
    fault = _fault(found, noted)
    result = _result(contents, found, elapsed_s)
    record = result.to_json() | {
        "is_proven": not fault,
        "fault": fault or None,
        "commands_recorded": found.commands_recorded,
        "commands_made": found.commands_made,
        "first_difference": found.first_difference,
        "noted_digest": noted,
        "is_torn": found.is_torn,
        "torn_bytes": contents.torn_bytes,
        "kind": contents.header["kind"],
        "is_synthetic": bool(contents.header["is_synthetic"]),
    }
    if fault:
        if is_json:
            terminal.show("", record)
            raise click.exceptions.Exit(Halted.exit_code)
        raise Halted(fault, where=str(journal), remedy="do not trade on it; replay it with the version that wrote it")
    terminal.show(_text(result, found, contents, noted), record)


def noted_digest(contents: JournalContents) -> str | None:
    """The digest noted when the run stopped; None where it did not stop in order, or went on afterwards."""
    from bot4.engine.journal_frames import FrameKind

    digest = None
    for kind, content, _ in contents.frames():
        if kind == FrameKind.NOTE and isinstance(content, dict):
            digest = content.get("digest", digest)
        else:
            digest = None
    return digest


def _fault(found: Verification, noted: str | None) -> str:
    if not found.is_proven:
        return f"command {found.first_difference} of the journal was not made again"
    if noted is not None and noted != found.digest:
        return f"the digest is {found.digest}, but {noted} was noted when the run stopped"
    return ""


def _result(contents: JournalContents, found: Verification, elapsed_s: float) -> RunResult:
    from bot4.engine.plan import RunPlan
    from bot4.engine.recovery import market_events
    from bot4.research.journal_bars import bars_of
    from bot4.research.outcome import result_of

    plan = RunPlan.from_header(contents.header)
    events = market_events(contents)
    return result_of(
        found.machine,
        bars_of(events, plan),
        elapsed_s=elapsed_s,
        start_ns=int(events["ts_ns"][0]) - plan.interval_ns if len(events) else 0,
        settings=plan.settings.model_dump(mode="json"),
        notes=contents.header["notes"],
    )


def _text(result: RunResult, found: Verification, contents: JournalContents, noted: str | None) -> str:
    lines: list[Any] = [str(result)]
    lines.append(f"proven: {found.commands_made:,} commands made again, byte for byte, from {found.events:,} events")
    if noted is not None:
        lines.append("the digest is the one noted when the run stopped")
    else:
        lines.append("no digest was noted at its end: the run goes on, or did not stop in order")
    if found.is_torn:
        lines.append(
            f"the tail was torn by a crash: {contents.torn_bytes} bytes hold no whole record and were left out"
        )
    return "\n".join(lines)
