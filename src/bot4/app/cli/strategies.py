"""``bot4 strategies``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal, table

if TYPE_CHECKING:
    from bot4.pipeline.strategies.info import ResolvedStrategy


@click.command("strategies", short_help="List strategies and their parameters.")
@click.argument("name", required=False, metavar="[NAME|FILE.py]")
@settings_options
@json_option
def command(name: str | None, config: Path | None, assignments: tuple[str, ...], is_json: bool) -> None:
    """List the built-in strategies, or show one with its parameters as the settings have them."""
    from bot4.app.settings import load_settings
    from bot4.pipeline.strategies.registry import built_in

    loaded = load_settings(config, assignments, os.environ)
    chosen = [choice.resolved() for choice in loaded.strategies([name] if name else list(built_in()))]
    records = [_record(strategy) for strategy in chosen]
    if name:
        Terminal(is_json).show(_one(chosen[0]), records[0])
        return
    rows = [(record["name"], str(len(record["parameters"])), record["summary"]) for record in records]
    text = table(("strategy", "parameters", ""), rows, right=(1,))
    Terminal(is_json).show(f"{text}\n\n`bot4 strategies NAME` shows parameters and bounds.", {"strategies": records})


def _one(strategy: ResolvedStrategy) -> str:
    info = strategy.info
    rows = [
        (p.name, f"{strategy.values[p.name]:g}", f"{p.default:g}", f"{p.low:g} to {p.high:g}", p.unit, p.summary)
        for p in info.parameters
    ]
    lines = [f"{info.name}: {info.summary}"]
    if strategy.columns:
        lines.append(f"reads {_count(info.n_frames, 'timeframe')}: {', '.join(strategy.columns)}")
    if info.uses_technical:
        lines.append("hears the technical voice on every timeframe of the run ([technical] in docs/configuration.md)")
    if rows:
        lines += ["", table(("parameter", "value", "default", "bounds", "unit", ""), rows, right=(1, 2))]
        lines += [
            "",
            f"Set one with --set strategy.{info.name}.{info.parameters[0].name}=VALUE, or in the settings file.",
        ]
    return "\n".join(lines)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _record(strategy: ResolvedStrategy) -> dict[str, Any]:
    info = strategy.info
    return {
        "name": info.name,
        "summary": info.summary,
        "is_python": info.python is not None,
        "timeframes": info.n_frames,
        "uses_technical": info.uses_technical,
        "indicators": list(strategy.columns),
        "parameters": [
            {
                "name": p.name,
                "value": strategy.values[p.name],
                "default": p.default,
                "low": p.low,
                "high": p.high,
                "is_whole": p.is_whole,
                "unit": p.unit,
                "summary": p.summary,
            }
            for p in info.parameters
        ],
    }
