"""The folders of paper runs: which there are, what each last said of itself, and what may be asked of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot4.domain.errors import DataError, Unknown

if TYPE_CHECKING:
    from bot4.kernel import WarmUpStep

_KINDS = ("live", "synthetic", "replay")
_POLL_S = 0.1


def run_folders(base: Path) -> list[Path]:
    """The folders of runs at a place: itself, or one for each kind of feed below it."""
    from bot4.engine.paper import JOURNAL_NAME

    return [folder for folder in (base, *(base / kind for kind in _KINDS)) if (folder / JOURNAL_NAME).exists()]


def existing_runs(home: Path | None, config: Path | None, assignments: tuple[str, ...]) -> list[Path]:
    """The folders of runs that a command's options name.

    Raises:
        DataError: there is none.
    """
    from bot4.app.settings import load_settings

    base = home or load_settings(config, assignments, os.environ).settings.paper_home
    found = run_folders(base)
    if not found:
        raise DataError("no paper run is there", where=str(base), remedy="`bot4 paper` begins one; or give --home")
    return found


def is_running(folder: Path) -> bool:
    """Whether a process runs the run of a folder."""
    from bot4.engine.lock import is_locked

    return is_locked(folder)


def last_said(folder: Path, compiling: Callable[[WarmUpStep], None] | None = None) -> dict[str, Any]:
    """A run's snapshot: its status file where that is the latest word, else made again from snapshot and journal."""
    from bot4.app.paper import read_status

    status = read_status(folder)
    if status is not None and "orders" in status and (is_running(folder) or status.get("stopped_because")):
        return status
    return _looked_at(folder, compiling)


def _looked_at(folder: Path, compiling: Callable[[WarmUpStep], None] | None) -> dict[str, Any]:
    from bot4.app.read_model import RunView, snapshot_of
    from bot4.engine.paper import look

    return snapshot_of(look(folder, compiling), RunView(feed="", is_synthetic=False)).to_json()


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request.

    Attributes:
        folder: of the run.
        is_taken: whether the run has taken it.
        is_running: whether there is a process to take it; if not, it waits for the next start.
        needless: why nothing was asked, where that is so.
    """

    folder: Path
    is_taken: bool
    is_running: bool
    needless: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON's own types."""
        return {
            "home": str(self.folder),
            "is_taken": self.is_taken,
            "is_running": self.is_running,
            "needless": self.needless or None,
        }


def ask_run(folder: Path, what: str, why: str, wait_s: float) -> Asked:
    """Ask a run for something and wait until it has been taken.

    Raises:
        Unknown: the run is there and has not taken it in time; the request stays and will be.
    """
    from bot4.engine.clock import SystemClock
    from bot4.engine.operator_requests import ask

    path = ask(folder, what, why, SystemClock().now_ns())
    until_s = time.monotonic() + wait_s
    while is_running(folder):
        if not path.exists():
            return Asked(folder, is_taken=True, is_running=True)
        if time.monotonic() > until_s:
            raise Unknown(
                f"the run has not taken the request within {wait_s:g} s; it stays and will be taken",
                where=str(path),
                remedy="look at `bot4 status`; end the process if it hangs, and the next start takes the request",
            )
        time.sleep(_POLL_S)
    return Asked(folder, is_taken=not path.exists(), is_running=False)


def flatten_progress(folder: Path) -> tuple[int, int]:
    """Positions and living orders of a run, as its status file says; (-1, -1) where it says nothing."""
    from bot4.app.paper import read_status

    status = read_status(folder)
    if status is None:
        return -1, -1
    return len(status["positions"]), sum(bool(order["is_alive"]) for order in status.get("orders", ()))
