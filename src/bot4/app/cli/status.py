"""``bot4 status``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bot4.app.cli.options import json_option, settings_options
from bot4.app.cli.output import Terminal, duration, halt_line, size


@click.command("status", short_help="Show where a paper run stands.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Folder of the run.")
@settings_options
@json_option
def command(home: Path | None, config: Path | None, assignments: tuple[str, ...], is_json: bool) -> None:
    """Show whether paper runs are running, what they hold, and whether their journals are sound.

    Nothing is changed, and a running one is not disturbed.
    """
    from bot4.app.run_folders import run_folders
    from bot4.app.settings import load_settings
    from bot4.engine.clock import SystemClock

    base = home or load_settings(config, assignments, os.environ).settings.paper_home
    now_ns = SystemClock().now_ns()
    runs = [_run(folder, now_ns) for folder in run_folders(base)]
    text = "\n\n".join(map(_text, runs)) or f"no paper run in {base}; `bot4 paper` begins one"
    Terminal(is_json).show(text, {"home": str(base), "runs": runs})


def _run(folder: Path, now_ns: int) -> dict[str, Any]:
    from bot4.app.paper import read_status
    from bot4.engine.lock import is_locked
    from bot4.engine.paper import JOURNAL_NAME

    status = read_status(folder) or {}
    is_running = is_locked(folder)
    record: dict[str, Any] = {"home": str(folder), "is_running": is_running, "pid": status.get("pid")}
    record["started_ns"] = status.get("started_ns")
    record["status_age_s"] = (now_ns - status["updated_ns"]) / 1e9 if "updated_ns" in status else None
    record["stopped_because"] = None if is_running else status.get("stopped_because") or "it did not stop in order"
    record["journal"] = _journal(folder / JOURNAL_NAME, now_ns)
    return record | {"last": status or None}


def _journal(path: Path, now_ns: int) -> dict[str, Any]:
    from bot4.domain.errors import Bot4Error
    from bot4.engine.journal import read_journal

    try:
        contents = read_journal(path)
    except Bot4Error as error:
        return {"path": str(path), "is_sound": False, "fault": str(error)}
    events = contents.events
    return {
        "path": str(path),
        "is_sound": True,
        "fault": None,
        "bytes": contents.valid_bytes,
        "torn_bytes": contents.torn_bytes,
        "events": len(events),
        "commands": len(contents.commands),
        "last_event_ns": int(events["ts_ns"][-1]) if len(events) else None,
        "last_event_age_s": (now_ns - int(events["ts_ns"][-1])) / 1e9 if len(events) else None,  # in market time
        "is_synthetic": bool(contents.header["is_synthetic"]),
    }


def _text(run: Mapping[str, Any]) -> str:
    journal, last = run["journal"], run["last"]
    lines = [f"{run['home']}: {_state(run)}"]
    if last:
        label = "SYNTHETIC MARKET, not real; " if last["run"]["is_synthetic"] else ""
        lines.append(f"  {label}{last['run']['feed_note']}")
        lines.append(
            f"  equity {last['equity']:,.2f} {last['quote']} ({last['total_return']:+.2%}),"
            f" drawdown {last['drawdown']:.2%}, {last['closed_trades']} trades, {last['mode']}, {last['regime']}"
        )
        held = [f"{p['symbol']} {p['side']} {p['quantity']:.6g} at {p['entry_price']:,.6g}" for p in last["positions"]]
        lines.append(f"  positions: {', '.join(held) or 'none'}")
        alive = [order for order in last.get("orders", ()) if order["is_alive"]]
        unknown = sum(order["status"] == "unknown" for order in alive)
        asked = f", {unknown} of unknown outcome" if unknown else ""
        lines.append(f"  orders: {len(alive)} open or held{asked}")
        lines += [f"  HALTED: {halt_line(halt)}" for halt in last.get("halts", ())]
        health = {name: value for name, value in last["run"]["feed_health"].items() if value not in (None, "")}
        lines.append(f"  feed: {', '.join(f'{name} {value}' for name, value in health.items())}")
    if not journal["is_sound"]:
        lines.append(f"  journal: DAMAGED: {journal['fault']}")
        return "\n".join(lines)
    torn = f", {journal['torn_bytes']} torn bytes at its end" if journal["torn_bytes"] else ""
    known = f", latest {_second(journal['last_event_ns'])} UTC" if journal["last_event_ns"] else ""
    lines.append(f"  journal: sound, {size(journal['bytes'])}, {journal['events']:,} events{known}{torn}")
    return "\n".join(lines)


def _state(run: Mapping[str, Any]) -> str:
    if not run["is_running"]:
        return f"not running ({run['stopped_because']})"
    if run["started_ns"] is None or run["status_age_s"] is None:
        return "starting"
    running_s = run["status_age_s"] + (run["last"]["updated_ns"] - run["started_ns"]) / 1e9
    return f"running since {duration(running_s)} (process {run['pid']}), heard {duration(run['status_age_s'])} ago"


def _second(ts_ns: int) -> str:
    import numpy as np

    return str(np.datetime64(ts_ns, "ns").astype("datetime64[s]")).replace("T", " ")
