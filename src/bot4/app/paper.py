"""Paper trading put together: a market, a run with its home on disk, the live driver, signals and the status file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot4.adapters.storage.atomic_files import replace_file
from bot4.app.paper_markets import CatchingUp, PaperMarket, require_same_recording
from bot4.app.read_model import RunView, Snapshot, snapshot_of
from bot4.domain.ports import Clock
from bot4.engine.journal import read_journal
from bot4.engine.live import LiveDriver
from bot4.engine.operator_requests import pending
from bot4.engine.paper import JOURNAL_NAME, PaperRun
from bot4.engine.reconciliation import reconcile
from bot4.engine.recovery import market_events
from bot4.engine.venue_account import account_of_venue
from bot4.research.journal_bars import bars_of
from bot4.research.outcome import result_of
from bot4.research.result import RunResult

STATUS_NAME = "status.json"
STATUS_EVERY_S = 3.0
REQUESTS_EVERY_S = 0.5
CHECKPOINT_EVERY = 10_000  # groups of events

Watch = Callable[[Snapshot], None]


@dataclass(frozen=True, slots=True)
class PaperOutcome:
    """How a paper run ended.

    Attributes:
        result: the run since it began, earlier processes included.
        stopped_because: in words.
        journal_bytes: size of the journal, all of it synced.
    """

    result: RunResult
    feed: str
    feed_note: str
    is_synthetic: bool
    was_resumed: bool
    recovered_events: int
    torn_bytes: int
    stopped_because: str
    steps: int
    elapsed_s: float
    home: Path
    journal_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The result's figures and the run's own."""
        rate = self.steps / self.elapsed_s if self.elapsed_s > 0 else None
        return self.result.to_json() | {
            "feed": self.feed,
            "feed_note": self.feed_note,
            "is_synthetic": self.is_synthetic,
            "was_resumed": self.was_resumed,
            "recovered_events": self.recovered_events,
            "torn_bytes": self.torn_bytes,
            "stopped_because": self.stopped_because,
            "steps": self.steps,
            "events_per_s": rate,
            "home": str(self.home),
            "journal": str(self.home / JOURNAL_NAME),
            "journal_bytes": self.journal_bytes,
        }


class PaperTrading:
    """An open run on a market; one process at a time in its folder.

    Args:
        market: what is traded on.
        run: the open run.
        clock: the time.
        n_history: bars of each symbol that a fresh live run begins with; None where the market needs none.
    """

    def __init__(self, market: PaperMarket, run: PaperRun, clock: Clock, n_history: int | None = None) -> None:
        self.market = market
        self.run = run
        self._clock = clock
        self._feed = market.feed if n_history is None else CatchingUp(market.feed, run.session, clock, n_history)
        self._driver = LiveDriver(run.session, self._feed, checkpoint=run.checkpoint, checkpoint_every=CHECKPOINT_EVERY)
        self._started_ns = clock.now_ns()
        self._started_s = time.perf_counter()
        self._first_step = run.session.steps

    def require_same_data(self) -> None:
        """Refuse to go on with a replay on another recording than it began with."""
        if self.run.was_resumed and self.market.tape is not None:
            taken = market_events(read_journal(self.run.folder / JOURNAL_NAME))
            require_same_recording(self.market.tape, taken, str(self.run.folder))

    def trade(self, for_s: float | None, watch: Watch | None = None, watch_every_s: float = 1.0) -> PaperOutcome:
        """Trade until the market ends, the time is up or a signal asks to stop; then note the digest.

        Args:
            for_s: seconds after which to stop.
            watch: shown a snapshot every ``watch_every_s`` seconds.
            watch_every_s: see there.
        """
        self._started_s = time.perf_counter()
        self._first_step = self.run.session.steps
        asyncio.run(self._trade(for_s, watch, watch_every_s))
        elapsed_s = time.perf_counter() - self._started_s
        why = self._driver.status.stopped_because
        self.run.session.note(
            {"stopped": why, "ts_ns": int(self.run.machine.brain[0]["ts_ns"]), "digest": self.run.machine.digest}
        )
        self.run.journal.sync()
        self._write_status(why)
        return self._outcome(why, elapsed_s)

    def snapshot(self) -> Snapshot:
        """The run as it stands."""
        journal = self.run.journal
        return snapshot_of(
            self.run.machine,
            RunView(
                feed=self.market.kind,
                is_synthetic=self.market.plan.is_synthetic,
                feed_note=self.market.note,
                feed_health=self._feed.health(),
                journal_bytes=journal.size,
                journal_synced_bytes=journal.synced_bytes,
                was_resumed=self.run.was_resumed,
                running_s=time.perf_counter() - self._started_s,
            ),
        )

    async def _trade(self, for_s: float | None, watch: Watch | None, watch_every_s: float) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(self._signals())
            await stack.enter_async_context(self._every(REQUESTS_EVERY_S, self._take_requests))
            await stack.enter_async_context(self._every(STATUS_EVERY_S, lambda: self._write_status("")))
            if watch is not None:
                shown = watch
                await stack.enter_async_context(self._every(watch_every_s, lambda: shown(self.snapshot())))
            await self._driver.run(for_s)

    @contextlib.contextmanager
    def _signals(self) -> Any:
        """The first Ctrl-C (or SIGTERM) stops in order; the next one interrupts at once, as usual."""
        loop = asyncio.get_running_loop()
        kinds = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "asked to stop (SIGTERM)"}

        def stop(why: str) -> None:
            for kind in kinds:
                loop.remove_signal_handler(kind)
            self._driver.stop(why)

        for kind, why in kinds.items():
            loop.add_signal_handler(kind, stop, why)
        try:
            yield
        finally:
            for kind in kinds:
                loop.remove_signal_handler(kind)

    @contextlib.asynccontextmanager
    async def _every(self, seconds: float, do: Callable[[], None]) -> AsyncIterator[None]:
        """Do something now, again and again meanwhile, and once more at the end; its failure stops the run."""

        async def repeat() -> None:
            while True:
                do()
                await asyncio.sleep(seconds)

        task = asyncio.create_task(repeat(), name="watch the run")
        task.add_done_callback(self._stop_if_failed)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        do()

    def _stop_if_failed(self, watcher: asyncio.Task[None]) -> None:
        if not watcher.cancelled():
            self._driver.stop("a watcher failed")

    def _write_status(self, stopped_because: str) -> None:
        record = self.snapshot().to_json() | {
            "pid": os.getpid(),
            "started_ns": self._started_ns,
            "updated_ns": self._clock.now_ns(),
            "stopped_because": stopped_because,
        }
        write_status(self.run.folder, record)

    def _take_requests(self) -> None:
        """Do what the operator has asked for meanwhile; each request is journalled before its file goes."""
        for path, request in pending(self.run.folder):
            mode = request.mode
            if mode is not None:
                self.run.session.step_down(mode, request.who, request.why)
            else:
                self.run.session.take_verdict(self._unexplained(), request.who, request.why)
            self.run.journal.sync()
            path.unlink(missing_ok=True)
            self._write_status("")

    def _unexplained(self) -> int:
        machine = self.run.machine
        account = account_of_venue(machine.venue, machine.universe, int(machine.brain[0]["ts_ns"]))
        found = reconcile(machine.brain, machine.config, machine.universe, account)
        return int(found.events["mode"][-1]) if found.unexplained else len(found.differences)

    def _outcome(self, why: str, elapsed_s: float) -> PaperOutcome:
        events = market_events(read_journal(self.run.folder / JOURNAL_NAME))
        plan = self.market.plan
        start_ns = int(events["ts_ns"][0]) - plan.interval_ns if len(events) else 0
        result = result_of(
            self.run.machine,
            bars_of(events, plan),
            elapsed_s=elapsed_s,
            start_ns=start_ns,
            settings=plan.settings.model_dump(mode="json"),
            notes=self.market.notes,
        )
        return PaperOutcome(
            result=result,
            feed=self.market.kind,
            feed_note=self.market.note,
            is_synthetic=plan.is_synthetic,
            was_resumed=self.run.was_resumed,
            recovered_events=self.run.recovered_events,
            torn_bytes=self.run.torn_bytes,
            stopped_because=why,
            steps=self.run.session.steps - self._first_step,
            elapsed_s=elapsed_s,
            home=self.run.folder,
            journal_bytes=self.run.journal.size,
        )


def write_status(folder: Path, record: Mapping[str, Any]) -> None:
    """Replace the status file, so that a reader sees the old one or the new one whole."""
    text = json.dumps(_finite(record), allow_nan=False)
    replace_file(folder / STATUS_NAME, lambda file: file.write(text.encode()))


def _finite(value: Any) -> Any:
    """The value with null for every number that JSON does not have."""
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_status(folder: Path) -> dict[str, Any] | None:
    """What the run in a folder last said of itself; None where it never did."""
    try:
        record: dict[str, Any] = json.loads((folder / STATUS_NAME).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return record
