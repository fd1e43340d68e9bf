"""``bot4 doctor``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal
from bot4.domain.errors import SettingError, StorageError

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@click.command("doctor", short_help="Check this machine and say what to mend.")
@settings_options
@click.option("--offline", is_flag=True, help="Do not ask the exchange.")
@json_option
def command(config: Path | None, assignments: tuple[str, ...], offline: bool, is_json: bool) -> None:
    """Check clock, disk, versions, kernel cache, folders, settings and the exchange; exit code 8 if any fails."""
    from bot4.app.diagnosis import State, checks
    from bot4.app.settings import LoadedSettings, load_settings
    from bot4.engine.clock import SystemClock

    loaded: LoadedSettings | SettingError
    try:
        loaded = load_settings(config, assignments, os.environ)
    except SettingError as error:  # one of the things to report
        loaded = error
    found = list(checks(loaded, os.environ, SystemClock().now_ns(), is_offline=offline))
    lines = []
    for check in found:
        lines.append(f"{_MARKS[check.state]}  {check.name:<12} {check.seen}")
        if check.remedy:
            lines.append(f"{'':<18} -> {check.remedy}")
    is_well = all(check.state is not State.FAIL for check in found)
    lines.append("all is well" if all(check.state is State.OK for check in found) else _verdict(is_well))
    record = {
        "is_well": is_well,
        "checks": [{"name": c.name, "state": c.state.value, "seen": c.seen, "remedy": c.remedy} for c in found],
    }
    Terminal(is_json).show("\n".join(lines), record)
    if not is_well:
        raise click.exceptions.Exit(StorageError.exit_code)


def _verdict(is_well: bool) -> str:
    return "Bot4 can run; mind the warnings" if is_well else "mend what failed first"
