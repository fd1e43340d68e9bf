"""The compiled replay driver: a whole tape of events through venue and brain without leaving compiled code.

It repeats no logic: it calls the same ``step`` as the live driver, in the same order: the venue sees a market
event first and fills what rests there; the brain applies those reports, then the event; the commands that came
of it go to the venue.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import BAR, EVENT
from bot4.domain.halts import COMMAND_NOT_TAKEN, NO_ROOM
from bot4.kernel import i8, kernel, record, records, void
from bot4.pipeline.execution.halting import halt
from bot4.pipeline.execution.outbox import is_half_full
from bot4.pipeline.state import BRAIN, CONFIG, MARKET, OUTBOX
from bot4.pipeline.step import step, take_report
from bot4.simulator.intake import receive
from bot4.simulator.matching import match, needs_match
from bot4.simulator.state import N_REPORTS, RECEIVED, VENUE


@kernel(
    i8(
        records(CONFIG), records(BRAIN), records(MARKET), records(OUTBOX), records(VENUE), records(EVENT), i8, i8,
        records(EVENT), records(EVENT),
    )
)  # fmt: skip
def replay(
    config: Any,
    brain: Any,
    markets: Any,
    outbox: Any,
    venue: Any,
    events: Any,
    first: int,
    last: int,
    reports: Any,
    tape: Any,
) -> int:
    """Run ``events[first:last]`` and return where it stopped: at the end, or because something wants emptying.

    Args:
        config, brain, markets, outbox, events: as :func:`bot4.pipeline.step.step`.
        venue: one :data:`~bot4.simulator.state.VENUE`.
        first, last: range of events.
        reports: scratch for the reports of one event, :data:`~bot4.simulator.state.N_REPORTS` records.
        tape: receives everything that reached the brain, in order (``outbox["n_tape"]`` records), for a journal;
            of length 0 where none is kept.
    """
    state, box, exchange = brain[0], outbox[0], venue[0]
    at = first
    while at < last:
        event = events[at]
        n_reports = 0
        if needs_match(exchange, event) and not (event["kind"] == BAR and config[0]["matches_trades"][event["symbol"]]):
            n_reports = match(exchange, event, reports)
        if n_reports < 0:
            halt(state, NO_ROOM, 0, event["symbol"])
            box["n_overflowed"] += 1
            return at
        for k in range(n_reports):
            state["n_events"] += 1
            take_report(state, config[0], box, reports[k])
        sent = box["n_sent"]
        step(config, brain, markets, outbox, events, at, last)
        for k in range(sent, box["n_commands"]):
            if receive(exchange, box["commands"][k]) != RECEIVED:
                halt(state, COMMAND_NOT_TAKEN, box["commands"][k]["order"]["id"], box["commands"][k]["order"]["symbol"])
        box["n_sent"] = box["n_commands"]
        at += 1
        if len(tape) > 0:
            _record(box, reports, n_reports, event, tape)
            if len(tape) - box["n_tape"] <= N_REPORTS:
                break
        if is_half_full(box):
            break
    return at


@kernel(void(record(OUTBOX), records(EVENT), i8, record(EVENT), records(EVENT)))
def _record(box: Any, reports: Any, n_reports: int, event: Any, tape: Any) -> None:
    at = box["n_tape"]
    for k in range(n_reports):
        tape[at + k] = reports[k]
    tape[at + n_reports] = event
    box["n_tape"] = at + n_reports + 1
