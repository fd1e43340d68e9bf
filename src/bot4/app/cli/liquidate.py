"""``bot4 liquidate``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal

_LOOK_EVERY_S = 0.5


@click.command("liquidate", short_help="Emergency: cancel every order, close every position.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.option("--why", default="", metavar="TEXT", help="For the journal.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Folder of the run.")
@click.option("--wait", "wait_s", type=click.FloatRange(0, 86_400), default=120.0, show_default=True, metavar="SECONDS",
              help="How long to watch until nothing is held.")  # fmt: skip
@settings_options
@json_option
def command(
    is_sure: bool,
    why: str,
    home: Path | None,
    wait_s: float,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Cancel every entry and close every position at the market, and take no new risk until a new run begins.

    Exits are sent again until nothing is held. A run that is not running begins with this when it next starts. Exit
    code 6: it was asked for, and is not done yet.
    """
    from bot4.app.run_folders import ask_run, existing_runs, is_running
    from bot4.domain.errors import Unknown, UsageError

    terminal = Terminal(is_json)
    folders = existing_runs(home, config, assignments)
    if not is_sure:
        if is_json or not terminal.is_interactive:
            raise UsageError("closing everything wants to be confirmed", where="bot4 liquidate", remedy="add --yes")
        names = ", ".join(map(str, folders))
        click.confirm(f"close every position and cancel every order of {names}?", abort=True, err=True)
    until_s = time.monotonic() + wait_s
    runs: list[dict[str, Any]] = []
    for folder in folders:
        asked = ask_run(folder, "emergency", why or "liquidated by hand", wait_s)
        left = _watch(folder, until_s, terminal) if asked.is_running else None
        positions, orders = left if left is not None else (None, None)
        runs.append(asked.to_json() | {"positions_left": positions, "orders_left": orders})
    done = all(run["positions_left"] == 0 for run in runs if run["is_running"])
    terminal.show(
        "\n".join(map(_line, runs)), {"is_flat": done and all(run["is_running"] for run in runs), "runs": runs}
    )
    if not done and any(is_running(folder) for folder in folders):
        raise click.exceptions.Exit(Unknown.exit_code)


def _watch(folder: Path, until_s: float, terminal: Terminal) -> tuple[int, int]:
    from bot4.app.run_folders import flatten_progress, is_running

    told = (-2, -2)
    while True:
        left = flatten_progress(folder)
        if left != told:
            terminal.note(f"{folder}: {left[0]} positions, {left[1]} orders left")
            told = left
        if left == (0, 0) or time.monotonic() > until_s or not is_running(folder):
            return left
        time.sleep(_LOOK_EVERY_S)


def _line(run: dict[str, Any]) -> str:
    if not run["is_running"]:
        return f"{run['home']}: not running; its next start closes everything first"
    if run["positions_left"] == 0:
        return f"{run['home']}: nothing is held any more"
    return f"{run['home']}: {run['positions_left']} positions left; exits go on at the next prices"
