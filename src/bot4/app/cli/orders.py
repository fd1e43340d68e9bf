"""``bot4 orders``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal, duration, halt_line, table

_TITLES = ("id", "symbol", "role", "side", "type", "status", "filled", "of", "price", "age", "bracket", "note")


@click.command("orders", short_help="Show the orders of a paper run.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Folder of the run.")
@click.option("--all", "is_all", is_flag=True, help="Also those that ended lately.")
@settings_options
@json_option
def command(home: Path | None, is_all: bool, config: Path | None, assignments: tuple[str, ...], is_json: bool) -> None:
    """Show every order that is open, held, or of unknown outcome, and what halts new risk.

    A running run is not disturbed: its latest status is shown, at most some seconds old.
    """
    from bot4.app.run_folders import existing_runs, is_running, last_said

    terminal = Terminal(is_json)
    runs = []
    for folder in existing_runs(home, config, assignments):
        with terminal.compiling() as compiling:
            said = last_said(folder, compiling)
        orders = [order for order in said["orders"] if is_all or order["is_alive"]]
        runs.append(
            {
                "home": str(folder),
                "is_running": is_running(folder),
                "ts_ns": said["ts_ns"],
                "mode": said["mode"],
                "is_halted": said["is_halted"],
                "halts": said["halts"],
                "remainders": said["remainders"],
                "orders": orders,
            }
        )
    terminal.show("\n\n".join(map(_text, runs)), {"runs": runs})


def _text(run: Mapping[str, Any]) -> str:
    state = "running" if run["is_running"] else "not running"
    lines = [f"{run['home']}: {state}, {run['mode']}, {len(run['orders'])} orders"]
    lines += [f"  HALTED: {halt_line(halt)}" for halt in run["halts"]]
    lines += [
        f"  carried: {left['quantity']:.8g} {left['symbol']} of {left['strategy']}, too small for the venue to trade"
        for left in run["remainders"]
    ]
    if run["orders"]:
        lines.append(table(_TITLES, [_row(order) for order in run["orders"]], right=(0, 6, 7, 8, 9, 10)))
    return "\n".join(lines)


def _row(order: Mapping[str, Any]) -> tuple[str, ...]:
    price = order["limit_price"] or order["stop_price"]
    return (
        str(order["id"]),
        order["symbol"],
        order["role"],
        order["side"],
        order["type"],
        order["status"],
        f"{order['filled']:.8g}",
        f"{order['quantity']:.8g}",
        f"{price:,.8g}" if price else "market",
        duration(max(0.0, order["age_s"])),
        str(order["bracket"] or ""),
        _note(order),
    )


def _note(order: Mapping[str, Any]) -> str:
    notes = [order["why"].replace("_", " ")] if order["why"] else []
    if order["waits_for"]:
        notes.append(f"{' and '.join(order['waits_for'])} without an answer")
    if order["wanted_stop_price"]:
        notes.append(f"to {order['wanted_stop_price']:,.8g}")
    if order["queries"]:
        notes.append(f"asked {order['queries']} times")
    return ", ".join(notes)
