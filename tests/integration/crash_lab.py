"""Kills a paper run again and again and looks whether it ever notices (run as a program by the crash test).

One warm process forks the lives of the run, so that a life costs milliseconds and not an import. After a kill the
journal may also lose what was written since the last sync, at any byte: as after a power cut.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from bot4.adapters.instrument_table import universe_of
from bot4.domain.bars import HOUR_NS
from bot4.domain.events import EVENT
from bot4.domain.orders import COMMAND
from bot4.engine.journal_frames import FrameKind, index_frames
from bot4.engine.paper import JOURNAL_NAME
from bot4.engine.plan import RunPlan, StrategyChoice
from bot4.pipeline.market import MarketTape, market_tape
from bot4.quant.series.synthetic import synthetic_bars
from tests.run_harness import LENIENT, run_paper

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def plan_and_tape(strategies: tuple[str, ...], n: int) -> tuple[RunPlan, MarketTape]:
    series = [synthetic_bars(11, n, HOUR_NS, symbol=symbol, start_price=20_000.0) for symbol in SYMBOLS]
    universe = universe_of(SYMBOLS)
    tape = market_tape(series, universe)
    choices = tuple(StrategyChoice.of(name) for name in strategies)
    return RunPlan(universe, choices, LENIENT, HOUR_NS, is_synthetic=True), tape


def live(home: Path, plan: RunPlan, tape: MarketTape) -> int:
    """Fork one life of the run; it leaves its digest behind if it lives to the end."""
    child = os.fork()
    if child:
        return child
    try:
        (home / "digest").write_text(run_paper(home, plan, tape, checkpoint_every=700))
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - a life that fails must say so and must not run on
        (home / "error").write_text(repr(error))
        os._exit(1)


def lose_unsynced_tail(journal: Path, chance: np.random.Generator) -> int:
    """Cut the journal at a random byte behind its last commands, which were synced before they were sent."""
    data = journal.read_bytes()
    sizes = {int(FrameKind.EVENTS): EVENT.itemsize, int(FrameKind.COMMANDS): COMMAND.itemsize}
    index = index_frames(memoryview(data), sizes, str(journal))
    synced = max(
        start + size
        for start, size, kind in zip(index.offsets, index.sizes, index.kinds, strict=True)
        if kind in (FrameKind.HEADER, FrameKind.COMMANDS)
    )
    kept = int(chance.integers(min(len(data), synced + 8), len(data) + 1))
    os.truncate(journal, kept)
    return len(data) - kept


def main(folder: Path, kills_wanted: int, seed: int, strategies: tuple[str, ...]) -> None:
    chance = np.random.default_rng(seed)
    plan, tape = plan_and_tape(strategies, 12_000)
    plan.machine()  # the kernels of every life, made ready once
    reference = folder / "reference"
    reference.mkdir()
    expected = finish(reference, plan, tape)
    kills, finished, lost, grown = 0, 0, 0, 0
    home = folder / "home"
    while kills < kills_wanted or finished == 0:
        home.mkdir(exist_ok=True)
        child = live(home, plan, tape)
        time.sleep(chance.uniform(0.02, 0.6))
        if kills < kills_wanted:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if (home / "error").exists():
            raise SystemExit(f"a life failed: {(home / 'error').read_text()}")
        if os.WIFSIGNALED(status):
            kills += 1
            grown += (home / JOURNAL_NAME).exists()
            if (home / JOURNAL_NAME).exists() and chance.random() < 0.7:
                lost += lose_unsynced_tail(home / JOURNAL_NAME, chance)
        else:
            found = (home / "digest").read_text()
            if found != expected:
                raise SystemExit(f"after {kills} kills the digest is {found}, not {expected}")
            finished += 1
            shutil.rmtree(home)
    print(
        json.dumps(
            {
                "kills": kills,
                "finished": finished,
                "lost_bytes": lost,
                "kills_with_a_journal": grown,
                "digest": expected,
            }
        )
    )


def finish(home: Path, plan: RunPlan, tape: MarketTape) -> str:
    _, status = os.waitpid(live(home, plan, tape), 0)
    if status:
        raise SystemExit(f"the reference failed: {(home / 'error').read_text()}")
    return (home / "digest").read_text()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), tuple(sys.argv[4].split(",")))
