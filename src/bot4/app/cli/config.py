"""``bot4 config``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal, table

if TYPE_CHECKING:
    from bot4.app.settings import LoadedSettings, SettingRow


@click.group("config", short_help="Show the settings and where each came from.")
def command() -> None:
    """Show the settings and where each came from.

    In rising order: defaults, one TOML file (--config, $BOT4_CONFIG, ./bot4.toml or the user's own), variables such
    as BOT4_SET__RISK__DRAWDOWN_STOP=0.1, and --set risk.drawdown_stop=0.1. docs/configuration.md lists them all.
    """


@command.command("show", short_help="Print every setting with its value, bounds and source.")
@settings_options
@click.option("--changed", is_flag=True, help="Only those that differ from the default's source.")
@json_option
def show(config: Path | None, assignments: tuple[str, ...], changed: bool, is_json: bool) -> None:
    """Print every setting with its value, bounds and source."""
    from bot4.app.settings import DEFAULT, load_settings

    loaded = load_settings(config, assignments, os.environ)
    rows = [row for row in loaded.rows() if not changed or row.source != DEFAULT]
    Terminal(is_json).show(_text(loaded, rows), _record(loaded, rows))


def _text(loaded: LoadedSettings, rows: Sequence[SettingRow]) -> str:
    lines = [f"settings file: {loaded.file or 'none'}"]
    by_table: dict[str, list[SettingRow]] = {}
    for row in rows:
        by_table.setdefault(row.key.rpartition(".")[0], []).append(row)
    for name, members in by_table.items():
        cells = [
            [row.key.rpartition(".")[2], shown(row.value), row.bounds, row.unit, row.source, row.description]
            for row in members
        ]
        lines += ["", f"[{name}]" if name else "[run, at the top of the file]"]
        lines.append(table(("setting", "value", "bounds", "unit", "from", ""), cells))
    if not rows:
        lines.append("everything is at its default")
    return "\n".join(lines)


def _record(loaded: LoadedSettings, rows: Sequence[SettingRow]) -> dict[str, Any]:
    settings = {
        row.key: {
            "value": plain(row.value),
            "unit": row.unit,
            "bounds": row.bounds,
            "description": row.description,
            "source": row.source,
        }
        for row in rows
    }
    return {"file": str(loaded.file) if loaded.file else None, "settings": settings}


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return ", ".join(f"({shown(item)})" if isinstance(item, tuple) else shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """A value as JSON has it; exact decimals as text."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Decimal | Path) else value
