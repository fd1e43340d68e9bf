"""``bot4 halt``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal

if TYPE_CHECKING:
    from bot4.app.run_folders import Asked

MODES = ("reduced", "paused", "emergency")


@click.command("halt", short_help="Step a paper run's mode down: no new risk.")
@click.option("--mode", type=click.Choice(MODES), default="paused", show_default=True, help="How far down.")
@click.option("--why", default="", metavar="TEXT", help="For the journal.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Folder of the run.")
@click.option("--wait", "wait_s", type=click.FloatRange(0, 3600), default=15.0, show_default=True, metavar="SECONDS",
              help="How long a running run may take to take it.")  # fmt: skip
@settings_options
@json_option
def command(
    mode: str,
    why: str,
    home: Path | None,
    wait_s: float,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Take no new risk from now on; stops, targets and exits go on. There is no way up from here but the program's own.

    \b
    reduced, paused   no new risk; what is held keeps its stops and is left as its strategy says
    emergency         entries are cancelled and every position is closed (see `bot4 liquidate`)

    A run that is not running takes it when it next starts. Who asked, when and why is journalled.
    """  # noqa: D301 - click needs the character
    from bot4.app.run_folders import existing_runs

    terminal = Terminal(is_json)
    outcomes = [_asked(folder, mode, why, wait_s) for folder in existing_runs(home, config, assignments)]
    terminal.show(
        "\n".join(_line(outcome, mode) for outcome in outcomes),
        {"mode": mode, "runs": [outcome.to_json() for outcome in outcomes]},
    )


def _asked(folder: Path, mode: str, why: str, wait_s: float) -> Asked:
    from bot4.app.paper import read_status
    from bot4.app.run_folders import Asked, ask_run, is_running

    current = (read_status(folder) or {}).get("mode", "normal")
    if is_running(folder) and current in MODES and MODES.index(current) >= MODES.index(mode):
        return Asked(folder, is_taken=False, is_running=True, needless=f"it is {current} already")
    return ask_run(folder, mode, why or "asked by hand", wait_s)


def _line(outcome: Asked, mode: str) -> str:
    if outcome.needless:
        return f"{outcome.folder}: {outcome.needless}"
    if outcome.is_taken:
        return f"{outcome.folder}: {mode} from now on"
    return f"{outcome.folder}: not running; it will be {mode} from its next start on"
