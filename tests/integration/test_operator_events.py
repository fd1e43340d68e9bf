"""What the operator says is journalled with the market, and recovery tells the two apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bot4.domain.events import EVENT, VOICE
from bot4.engine.journal import read_journal
from bot4.engine.paper import JOURNAL_NAME, SNAPSHOT_NAME, PaperRun
from bot4.engine.verification import verify
from bot4.pipeline.state import LEARNED, Mode
from tests.run_harness import market, planned


def voice(ts_ns: int) -> np.ndarray:
    event = np.zeros(1, dtype=EVENT)
    event["ts_ns"], event["kind"], event["voice"] = ts_ns, VOICE, LEARNED
    event["direction"], event["confidence"], event["valid_until_ns"] = 0.8, 0.9, ts_ns + 10**15
    return event


def test_a_voice_that_no_note_came_with_is_not_taken_for_a_market_event_when_a_run_goes_on(tmp_path: Path) -> None:
    plan, tape = planned(market(900), ("hybrid", "ema_cross"))
    events = tape.events
    with PaperRun.open(tmp_path, plan) as run:
        for k in range(600):
            run.session.take(events[k : k + 1])
            if k % 100 == 50:
                run.session.take_operator_event(voice(int(events[k]["ts_ns"])))
        run.session.change_mode(Mode.REDUCED, "a try")
        run.session.change_mode(Mode.NORMAL, "and back")
        brain = run.machine.brain.tobytes()
    (tmp_path / SNAPSHOT_NAME).unlink()
    with PaperRun.open(tmp_path, plan) as again:
        assert again.recovered_events == 600
        assert again.session.resume_point.n_events == 600
        assert again.machine.brain.tobytes() == brain
        for k in range(600, len(events)):
            again.session.take(events[k : k + 1])
        digest = again.machine.digest
    replay = verify(read_journal(tmp_path / JOURNAL_NAME))
    assert replay.is_proven
    assert replay.digest == digest
