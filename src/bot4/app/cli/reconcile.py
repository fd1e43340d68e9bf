"""``bot4 reconcile``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal, halt_line


@click.command("reconcile", short_help="Compare a paper run's books with its venue.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Folder of the run.")
@click.option("--apply", "is_applied", is_flag=True, help="Let the run compare too, and lift its halts if all agrees.")
@click.option("--why", default="", metavar="TEXT", help="For the journal.")
@settings_options
@json_option
def command(
    home: Path | None, is_applied: bool, why: str, config: Path | None, assignments: tuple[str, ...], is_json: bool
) -> None:
    """Compare orders and positions of a run's books with those of its venue, and the ledger with its own sums.

    The run is made again from its snapshot and journal; nothing is changed, and a running one is not disturbed. Exit
    code 7: something differs.
    """
    from bot4.app.run_folders import ask_run, existing_runs
    from bot4.domain.errors import Halted

    terminal = Terminal(is_json)
    runs = []
    for folder in existing_runs(home, config, assignments):
        with terminal.compiling() as compiling:
            found = _compared(folder, compiling)
        if is_applied and found["is_clean"]:
            found["applied"] = ask_run(folder, "reconcile", why or "asked by hand", 15.0).to_json()
        runs.append(found)
    terminal.show("\n\n".join(map(_text, runs)), {"runs": runs})
    if not all(run["is_clean"] for run in runs):
        raise click.exceptions.Exit(Halted.exit_code)


def _compared(folder: Path, compiling: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from bot4.app.read_model import halts_of
    from bot4.domain.ledger import is_balanced
    from bot4.engine.paper import look
    from bot4.engine.reconciliation import reconcile
    from bot4.engine.venue_account import account_of_venue

    machine = look(folder, compiling)
    brain = machine.brain[0]
    account = account_of_venue(machine.venue, machine.universe, int(brain["ts_ns"]))
    found = reconcile(machine.brain, machine.config, machine.universe, account, booked=machine.log.records("fills"))
    sums = bool(is_balanced(brain["ledger"], len(machine.universe.assets))) and not brain["ledger"]["is_broken"]
    record = found.to_json() | {"home": str(folder), "is_balanced": sums, "applied": None}
    record["is_clean"] = found.is_clean and sums
    record["orders"] = len(account.open_orders)
    record["lots"] = dict(zip(machine.universe.symbols, account.lots or (), strict=True))
    record["halts"] = [asdict(halt) for halt in halts_of(machine)]
    record["lines"] = [str(item) for item in found.differences]
    return record


def _text(run: Mapping[str, Any]) -> str:
    verdict = "books and venue agree" if run["is_clean"] else "BOOKS AND VENUE DIFFER"
    held = ", ".join(f"{name} {lots} lots" for name, lots in run["lots"].items() if lots) or "no position"
    lines = [f"{run['home']}: {verdict} ({run['orders']} orders at the venue, {held})"]
    lines += [f"  {line}" for line in run["lines"]]
    if not run["is_balanced"]:
        lines.append("  the ledger's accounts do not sum to zero, or a booking could not be made")
    lines += [f"  halted: {halt_line(halt)}" for halt in run["halts"]]
    if run["applied"]:
        taken = run["applied"]["is_taken"]
        lines.append("  the run has compared too" if taken else "  the run will compare when it next starts")
    return "\n".join(lines)
