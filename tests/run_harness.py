"""Small runs for integration tests: plans over synthetic or recorded bars, driven by every driver."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot4.domain.bars import HOUR_NS, BarSeries
from bot4.engine.feeds import ReplayFeed
from bot4.engine.live import LiveDriver
from bot4.engine.paper import PaperRun
from bot4.engine.plan import RunPlan
from bot4.engine.settings import RunSettings
from bot4.pipeline.market import MarketTape
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.backtest import plan_run

LENIENT = RunSettings(capital=100_000)  # type: ignore[arg-type]


def market(n: int = 2_000, symbols: Sequence[str] = ("BTCUSDT",), seed: int = 7) -> list[BarSeries]:
    """Synthetic hourly bars of some symbols of the built-in table."""
    return [synthetic_bars(seed, n, HOUR_NS, symbol=symbol, start_price=20_000.0) for symbol in symbols]


def planned(
    series: Sequence[Any], strategies: Sequence[Any] = ("hybrid",), settings: RunSettings = LENIENT
) -> tuple[RunPlan, MarketTape]:
    """The plan and the tape of a run."""
    plan, tape, _ = plan_run(series, strategies, settings)
    return plan, tape


def run_paper(folder: Path, plan: RunPlan, tape: MarketTape, checkpoint_every: int = 500) -> str:
    """Run the live driver over a tape to its end (from wherever the folder's run stands); returns the digest."""
    with PaperRun.open(folder, plan) as run:
        driver = LiveDriver(
            run.session, ReplayFeed(tape.events), checkpoint=run.checkpoint, checkpoint_every=checkpoint_every
        )
        status = asyncio.run(driver.run())
        assert status.stopped_because == "the feed ended"
        return run.machine.digest
