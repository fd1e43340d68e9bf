"""What the operator asks of a run from another process: small files in the run's folder, taken between two events.

A request is a file of its own in ``requests``, written whole or not at all. The run takes them in the order asked,
journals each as an operator event with who asked and why, and removes the file. One that is left for a run that does
not run is taken when it next starts, before its first event. Modes only ever step down.
"""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot4.domain.errors import StorageError, UsageError
from bot4.pipeline.state import Mode

FOLDER_NAME = "requests"
RECONCILE = "reconcile"
MODES = {mode.name.lower(): mode for mode in (Mode.REDUCED, Mode.PAUSED, Mode.EMERGENCY)}


@dataclass(frozen=True, slots=True)
class OperatorRequest:
    """One thing asked.

    Attributes:
        what: ``reduced``, ``paused``, ``emergency`` or ``reconcile``.
        who: the user's name on this machine.
        why: in the user's words.
        asked_ns: when.
    """

    what: str
    who: str
    why: str
    asked_ns: int

    @property
    def mode(self) -> Mode | None:
        """The mode asked for; None of any other request."""
        return MODES.get(self.what)


def ask(home: Path | str, what: str, why: str, asked_ns: int) -> Path:
    """Leave a request in a run's folder; returns its file.

    Raises:
        UsageError: nothing of that name can be asked.
        StorageError: the folder cannot be written.
    """
    if what not in MODES and what != RECONCILE:
        raise UsageError(f"{what!r} cannot be asked of a run", remedy=f"ask for one of {', '.join(MODES)}")
    folder = Path(home) / FOLDER_NAME
    request = OperatorRequest(what, getpass.getuser(), why, asked_ns)
    name = f"{asked_ns:020d}-{os.getpid()}.json"
    staged = folder / f".{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps(asdict(request)), "utf-8")
        staged.rename(folder / name)
    except OSError as error:
        raise StorageError(
            f"the request cannot be written ({error.strerror})", where=str(folder), remedy="mend the permission"
        ) from error
    return folder / name


def pending(home: Path | str) -> list[tuple[Path, OperatorRequest]]:
    """The requests that wait in a run's folder, in the order asked; what is no request is passed over."""
    found = []
    for path in sorted((Path(home) / FOLDER_NAME).glob("[0-9]*.json")):
        request = _read(path)
        if request is not None:
            found.append((path, request))
    return found


def _read(path: Path) -> OperatorRequest | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        request = OperatorRequest(str(record["what"]), str(record["who"]), str(record["why"]), int(record["asked_ns"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return request if request.what in MODES or request.what == RECONCILE else None
