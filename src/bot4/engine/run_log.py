"""What a run leaves behind: decisions, commands, fills, closed trades and samples, and their one digest."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted
from bot4.domain.events import copied_rows
from bot4.domain.orders import COMMAND, FILL
from bot4.domain.portfolio import TRADE_RECORD
from bot4.pipeline.state import DECISION, SAMPLE

Records = npt.NDArray[np.void]

LOG_DTYPES = {
    "commands": COMMAND,
    "decisions": DECISION,
    "fills": FILL,
    "trades": TRADE_RECORD,
    "samples": SAMPLE,
}
_DIGESTED = ("decisions", "commands", "fills")


class RunLog:
    """Collects what the outbox held, in order.

    The digest covers decisions, the order list (every command) and fills, and the running hash over every signal,
    holds included: two runs with one digest made the same decisions at every bar.
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[Records]] = {kind: [] for kind in LOG_DTYPES}
        self._digests = {kind: hashlib.sha256() for kind in _DIGESTED}

    def drain(self, outbox: Records) -> None:
        """Take everything out of the outbox.

        Raises:
            Halted: records were lost because the outbox was full.
        """
        box = outbox[0]
        if box["n_overflowed"]:
            raise Halted(
                f"{box['n_overflowed']} records did not fit the outbox", remedy="report this: the run cannot be trusted"
            )
        for kind in LOG_DTYPES:
            count = int(box[f"n_{kind}"])
            if count:
                self._add(kind, copied_rows(box[kind][:count]))
                box[f"n_{kind}"] = 0
        box["n_sent"] = 0

    def _add(self, kind: str, records: Records) -> None:
        self._parts[kind].append(records)
        if kind in self._digests:
            self._digests[kind].update(records.tobytes())

    def records(self, kind: str) -> Records:
        """All records of a kind: ``commands``, ``decisions``, ``fills``, ``trades`` or ``samples``."""
        parts = self._parts[kind]
        if len(parts) > 1:
            self._parts[kind] = parts = [np.concatenate(parts, dtype=LOG_DTYPES[kind])]
        return parts[0] if parts else np.zeros(0, dtype=LOG_DTYPES[kind])

    def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        return sum(len(part) for part in self._parts[kind])

    def digest(self, brain: Any) -> str:
        """Hex SHA-256 over decisions, order list, fills and the brain's running hash."""
        whole = hashlib.sha256()
        for kind in _DIGESTED:
            whole.update(self._digests[kind].digest())
        whole.update(int(brain[0]["decision_hash"]).to_bytes(8, "little", signed=True))
        return whole.hexdigest()

    def state(self) -> dict[str, Records]:
        """The log as arrays, for a snapshot."""
        return {kind: self.records(kind) for kind in LOG_DTYPES}

    @classmethod
    def from_state(cls, state: dict[str, Records]) -> RunLog:
        """The log that :meth:`state` described."""
        log = cls()
        for kind in LOG_DTYPES:
            if len(state[kind]):
                log._add(kind, state[kind])
        return log
