"""Replaying a journal: the recorded events once more, and proof that the same commands come of it, byte for byte.

Nothing is sent anywhere: the venue's reports and the intents of strategies in Python are read from the journal.
That the decisions are the same, holds included, shows in the digest, beside the one that the run noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.events import EVENT, STRATEGY_SWAPPED
from bot4.engine.journal import JournalContents
from bot4.engine.machine import Machine
from bot4.engine.plan import RunPlan, StrategyChoice
from bot4.kernel import WarmUpStep, i8, kernel, records, warm_up
from bot4.pipeline.execution.outbox import is_half_full
from bot4.pipeline.state import BRAIN, CONFIG, MARKET, OUTBOX
from bot4.pipeline.step import step

Events = npt.NDArray[np.void]

_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What a replay found.

    Attributes:
        machine: after the last event.
        events: how many were replayed.
        commands_recorded, commands_made: how many commands the journal holds, and how many came out.
        first_difference: index of the first command that differs, None where all agree.
        is_torn: whether the journal's tail was cut off by a crash.
    """

    machine: Machine
    events: int
    commands_recorded: int
    commands_made: int
    first_difference: int | None
    is_torn: bool

    @property
    def is_proven(self) -> bool:
        """Whether every recorded command was made again, byte for byte, and no other."""
        return self.first_difference is None

    @property
    def digest(self) -> str:
        """Digest over decisions, order list and fills."""
        return self.machine.digest


@kernel(i8(records(CONFIG), records(BRAIN), records(MARKET), records(OUTBOX), records(EVENT), i8, i8))
def replay_recorded(config: Any, brain: Any, markets: Any, outbox: Any, events: Any, first: int, last: int) -> int:
    """Step through recorded events and return where it stopped: at the end, or because the outbox wants emptying."""
    at = first
    while at < last:
        step(config, brain, markets, outbox, events, at, last)
        at += 1
        if is_half_full(outbox[0]):
            break
    return at


def verify(
    contents: JournalContents,
    *,
    compiling: Callable[[WarmUpStep], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    until_event: int | None = None,
    where: str = "journal",
) -> Verification:
    """Replay a journal and compare its commands.

    Args:
        contents: of the journal.
        compiling: told about compiling.
        progress: told events done and events in all.
        until_event: stop before this event, to look at the machine as it was then.
        where: what an error names.

    Raises:
        DataError: the journal is of another version.
    """
    machine = RunPlan.from_header(contents.header, where).machine(compiling)
    warm_up([replay_recorded])
    events = contents.events if until_event is None else contents.events[:until_event]
    at = 0
    for end, swap in _segments(contents, events):
        at = _run(machine, events, at, end, progress)
        if swap is not None:
            machine.install(int(swap["swapped"]), StrategyChoice(**swap["strategy"]).resolved())
    made = machine.log.records("commands")
    recorded = contents.commands if until_event is None else contents.commands[: len(made)]
    return Verification(
        machine=machine,
        events=at,
        commands_recorded=len(recorded),
        commands_made=len(made),
        first_difference=_first_difference(recorded, made, is_torn=not contents.is_clean or until_event is not None),
        is_torn=not contents.is_clean,
    )


def _segments(contents: JournalContents, events: Events) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Ends of the stretches between two swaps of strategies, each with the note of the swap that follows."""
    swaps = np.flatnonzero(events["kind"] == STRATEGY_SWAPPED)
    notes = [note for note in contents.notes if "swapped" in note]
    for position, note in zip(swaps, notes, strict=False):
        yield int(position), note
    yield len(events), None


def _run(machine: Machine, events: Events, first: int, end: int, progress: Callable[[int, int], None] | None) -> int:
    for start in range(first, end, _CHUNK):
        chunk = np.array(events[start : min(end, start + _CHUNK)])  # what is mapped from a file may not be aligned
        at = 0
        while at < len(chunk):
            at = replay_recorded(machine.config, machine.brain, machine.markets, machine.outbox, chunk, at, len(chunk))
            machine.log.drain(machine.outbox)
        if progress is not None:
            progress(start + at, len(events))
    return end


def _first_difference(recorded: Events, made: Events, *, is_torn: bool) -> int | None:
    count = min(len(recorded), len(made))
    if recorded[:count].tobytes() != made[:count].tobytes():
        for k in range(count):
            if recorded[k].tobytes() != made[k].tobytes():
                return k
    # A crash may have come between an event and the commands that it led to.
    if len(recorded) == len(made) or (is_torn and len(made) > len(recorded)):
        return None
    return count
