"""The faults that the served exchange can be told to have, and which of them are at work.

A fault is armed at the start (a script, or drawn from a seed) or while the exchange runs. One that counts is used up by
the requests or messages that it spoils; one that lasts ends with its seconds. Nothing here is Binance's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bot4.domain.errors import SettingError, StorageError

ACK_LOST = "ack_lost"
TIMEOUT_BEFORE = "timeout_before"
TIMEOUT_AFTER = "timeout_after"
UNKNOWN_AFTER = "unknown_after"
UNKNOWN_BEFORE = "unknown_before"
OVERLOADED = "overloaded"
REFUSAL = "refusal"
RATE_LIMIT = "rate_limit"
BAN = "ban"
MAINTENANCE = "maintenance"
CLOCK_SKEW = "clock_skew"
DUPLICATE = "duplicate_reports"
REORDER = "reorder_reports"
DELAY = "delay_reports"
LOSE = "lose_reports"
SILENT = "silent_streams"
DISCONNECT = "disconnect"
DEPTH_GAP = "depth_gap"
CRASH = "crash"

COUNTS, LASTS, AT_ONCE = "counts", "lasts", "at once"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a fault does, how it ends, and of how many seconds it is where none are given."""

    does: str
    ends: str
    seconds: float = 0.0


KINDS = {
    ACK_LOST: FaultKind("the order takes effect, the connection is cut before the answer", COUNTS),
    TIMEOUT_BEFORE: FaultKind("no answer for the seconds, then the connection is cut; nothing happened", COUNTS, 30.0),
    TIMEOUT_AFTER: FaultKind("the order takes effect; no answer for the seconds, then a cut connection", COUNTS, 30.0),
    UNKNOWN_BEFORE: FaultKind("503 with code -1006, execution unknown; nothing happened", COUNTS),
    UNKNOWN_AFTER: FaultKind("503 with code -1006, execution unknown; the order took effect", COUNTS),
    OVERLOADED: FaultKind("503 with code -1008; nothing happened", COUNTS),
    REFUSAL: FaultKind("400 with code -2010; nothing happened", COUNTS),
    RATE_LIMIT: FaultKind("429 with Retry-After of the seconds; nothing happened", COUNTS, 1.0),
    BAN: FaultKind("418 to every request", LASTS, 120.0),
    MAINTENANCE: FaultKind("503 with code -1016 to every request; sockets are cut", LASTS, 60.0),
    CLOCK_SKEW: FaultKind("the exchange's clock is ahead by `skew_ms`, behind where negative", LASTS, 600.0),
    DUPLICATE: FaultKind("messages of the user stream come twice", COUNTS),
    REORDER: FaultKind("a message of the user stream comes after the next one", COUNTS),
    DELAY: FaultKind("messages of the user stream come so many seconds late", COUNTS, 2.0),
    LOSE: FaultKind("messages of the user stream never come", COUNTS),
    SILENT: FaultKind("every socket stays open and says nothing; what it would have said is lost", LASTS, 60.0),
    DISCONNECT: FaultKind("every socket is cut", AT_ONCE),
    DEPTH_GAP: FaultKind("differences of the book are left out, so that the next one does not follow", COUNTS),
    CRASH: FaultKind(
        "the exchange is gone for the seconds, then back with its orders; listen keys are lost", LASTS, 5.0
    ),
}
ORDER_PATHS = ("/order", "/openOrders", "/batchOrders", "/allOpenOrders")
_DRAWN = (
    ACK_LOST, TIMEOUT_AFTER, UNKNOWN_BEFORE, UNKNOWN_AFTER, OVERLOADED, REFUSAL, RATE_LIMIT, DUPLICATE, REORDER, DELAY,
    LOSE, SILENT, DISCONNECT, DEPTH_GAP, MAINTENANCE, CRASH,
)  # fmt: skip
_MOST_COUNT = 1_000_000
_MOST_SECONDS = 86_400.0


@dataclass(slots=True)
class Fault:
    """One armed fault.

    Attributes:
        kind: one of :data:`KINDS`.
        count: how many requests or messages it spoils, where it counts.
        seconds: how long it lasts, or how long an answer is held back.
        method: of the requests that it spoils, such as ``POST``; empty for any.
        skew_ms: of :data:`CLOCK_SKEW`.
        at_s: seconds after the start, of a script.
    """

    kind: str
    count: int = 1
    seconds: float = 0.0
    method: str = ""
    skew_ms: int = 0
    at_s: float = 0.0
    ends_s: float = field(default=float("inf"), compare=False)

    def to_json(self, now_s: float) -> dict[str, Any]:
        """As the status shows it."""
        shown: dict[str, Any] = {"kind": self.kind}
        if KINDS[self.kind].ends == COUNTS:
            shown["count"] = self.count
        if KINDS[self.kind].ends == LASTS:
            shown["ends_in_s"] = round(max(0.0, self.ends_s - now_s), 3)
        if KINDS[self.kind].seconds and KINDS[self.kind].ends == COUNTS:
            shown["seconds"] = self.seconds
        if self.method:
            shown["method"] = self.method
        if self.kind == CLOCK_SKEW:
            shown["skew_ms"] = self.skew_ms
        return shown


def fault_of(values: Mapping[str, Any], where: str = "fault") -> Fault:
    """A fault from names and values.

    Raises:
        SettingError: an unknown kind or name, or a value out of its bounds.
    """
    kind = values.get("kind")
    if kind not in KINDS:
        raise SettingError(f"{kind!r} is no fault", where=where, remedy=f"give one of {', '.join(KINDS)}")
    unknown = set(values) - {"kind", "count", "seconds", "method", "skew_ms", "at_s"}
    if unknown:
        raise SettingError(
            f"a fault has no {sorted(unknown)[0]!r}", where=where, remedy="use count, seconds, method, skew_ms, at_s"
        )
    count = _bounded(values.get("count", 1), 1, _MOST_COUNT, "count", where)
    seconds = _bounded(values.get("seconds", KINDS[kind].seconds), 0, _MOST_SECONDS, "seconds", where)
    skew_ms = _bounded(values.get("skew_ms", 0), -_MOST_SECONDS * 1000, _MOST_SECONDS * 1000, "skew_ms", where)
    at_s = _bounded(values.get("at_s", 0.0), 0, 100 * _MOST_SECONDS, "at_s", where)
    return Fault(kind, int(count), seconds, str(values.get("method", "")).upper(), int(skew_ms), at_s)


def _bounded(value: Any, least: float, most: float, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise SettingError(
            f"{name} is {value!r}, outside {least:g}-{most:g}", where=where, remedy="choose a value within the bounds"
        )
    return float(value)


def scripted_faults(path: Path) -> list[Fault]:
    """The faults of a script: a JSON list of objects, each with its ``at_s``, in order of time.

    Raises:
        StorageError: the file cannot be read.
        SettingError: it is no such list.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise StorageError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="name a file that is there"
        ) from error
    except ValueError as error:
        raise SettingError("is no JSON", where=str(path), remedy="write a list of faults") from error
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise SettingError("is no list of faults", where=str(path), remedy='write [{"kind": "ack_lost", "at_s": 5}]')
    faults = [fault_of(row, f"{path} fault {at}") for at, row in enumerate(found)]
    return sorted(faults, key=lambda fault: fault.at_s)


def drawn_faults(rng: np.random.Generator, per_minute: float, minutes: float) -> list[Fault]:
    """Faults at Poisson times, each kind as likely as another, in order of time; waits and outages are short."""
    faults, at_s = [], 0.0
    while per_minute > 0:
        at_s += 60.0 / per_minute * float(rng.exponential())
        if at_s > 60.0 * minutes:
            break
        kind = _DRAWN[int(rng.integers(len(_DRAWN)))]
        seconds = 0.0 if not KINDS[kind].seconds else 0.5 + 4.5 * float(rng.random())
        faults.append(Fault(kind, int(rng.integers(1, 4)), round(seconds, 3), at_s=round(at_s, 3)))
    return faults


class FaultBoard:
    """Which faults are at work; times are seconds of one monotonic clock."""

    def __init__(self, scheduled: Iterable[Fault] = (), started_s: float = 0.0) -> None:
        self.active: list[Fault] = []
        self.taken: dict[str, int] = {}
        self._scheduled = list(scheduled)
        self._started_s = started_s

    def due(self, now_s: float) -> list[Fault]:
        """The scheduled faults whose time has come; the caller arms them."""
        come = [fault for fault in self._scheduled if fault.at_s <= now_s - self._started_s]
        self._scheduled = self._scheduled[len(come) :]
        return come

    def arm(self, fault: Fault, now_s: float) -> None:
        """Put a fault to work."""
        if KINDS[fault.kind].ends == LASTS:
            fault.ends_s = now_s + fault.seconds
        if KINDS[fault.kind].ends != AT_ONCE:
            self.active.append(fault)
        else:
            self._note(fault.kind)

    def clear(self) -> None:
        """End every fault, and what was scheduled."""
        self.active, self._scheduled = [], []

    def lasting(self, kind: str, now_s: float) -> Fault | None:
        """A lasting fault of a kind that is at work now."""
        self.active = [fault for fault in self.active if fault.ends_s > now_s]
        return next((fault for fault in self.active if fault.kind == kind), None)

    def take(self, kind: str, method: str = "") -> Fault | None:
        """Use up one of a counting fault's requests or messages, if one is at work.

        Without a method of its own a fault lets requests pass that change nothing (GET).
        """
        for fault in self.active:
            spoils = fault.method == method or (not fault.method and method != "GET")
            if fault.kind == kind and spoils:
                fault.count -= 1
                if fault.count == 0:
                    self.active.remove(fault)
                self._note(kind)
                return fault
        return None

    def skew_ms(self, now_s: float) -> int:
        """How far the exchange's clock is ahead."""
        fault = self.lasting(CLOCK_SKEW, now_s)
        return fault.skew_ms if fault is not None else 0

    def to_json(self, now_s: float) -> dict[str, Any]:
        """What is at work, what is to come, what was done."""
        self.lasting("", now_s)
        return {
            "active": [fault.to_json(now_s) for fault in self.active],
            "scheduled": len(self._scheduled),
            "taken": dict(self.taken),
        }

    def _note(self, kind: str) -> None:
        self.taken[kind] = self.taken.get(kind, 0) + 1
