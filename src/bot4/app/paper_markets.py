"""The markets that paper trading runs on: a venue's live bars, a recording, or the built-in synthetic market."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.adapters.exchanges.venue_feed import VenueFeed
from bot4.adapters.exchanges.venues import VenueSettings, venue_id
from bot4.adapters.instrument_table import universe_of
from bot4.app.settings import AppSettings
from bot4.domain.bars import MINUTE_NS
from bot4.domain.errors import SettingError
from bot4.domain.events import CLOSES_TIMESTAMP
from bot4.domain.instruments import Universe
from bot4.domain.ports import Clock, MarketFeed, ResumePoint
from bot4.engine.feeds import GeneratedFeed, ReplayFeed
from bot4.engine.plan import RunPlan, StrategyChoice
from bot4.engine.session import Session
from bot4.pipeline.market import market_tape
from bot4.pipeline.state import NORMAL, PAUSED
from bot4.quant.series.synthetic import SyntheticMarket
from bot4.quant.series.time_grid import parse_interval
from bot4.research.backtest import Series, plan_run

Events = npt.NDArray[np.void]

HISTORY_NS = 3 * 24 * 60 * MINUTE_NS
"""How much of the synthetic market goes by at full speed before it is paced."""

SPARE_RISK_BARS = 2
MOST_HISTORY_BARS = 20_000
_CHUNK_BARS = 256
_START_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "BNB": 500.0, "SOL": 150.0}
_OTHER_PRICE = 100.0


@dataclass(frozen=True, slots=True)
class PaperMarket:
    """A market, and the plan of a run on it.

    Attributes:
        kind: ``live``, ``replay`` or ``synthetic``.
        plan: instruments, strategies and settings.
        feed: gives the events.
        note: which market this is and why, for a person.
        notes: what a reader of the journal must know.
        tape: the whole recording, for a replay.
    """

    kind: str
    plan: RunPlan
    feed: MarketFeed
    note: str
    notes: tuple[str, ...] = ()
    tape: Events | None = None


@dataclass(frozen=True, slots=True)
class MarketChoice:
    """What the user asked to trade, resolved."""

    settings: AppSettings
    strategies: tuple[StrategyChoice, ...]
    symbols: tuple[str, ...]
    venue: str
    interval: str
    speed: float | None  # market seconds a second; 0 for as fast as possible; None for the market's own pace

    @property
    def universe(self) -> Universe:
        """The instruments of the symbols."""
        return universe_of(self.symbols, self.settings.instrument_overrides)

    def plan(self, *, is_synthetic: bool) -> RunPlan:
        """The plan of a run on a market of these symbols."""
        interval_ns = parse_interval(self.interval)
        return RunPlan(self.universe, self.strategies, self.settings.run, interval_ns, is_synthetic=is_synthetic)


def replay_market(choice: MarketChoice, series: Sequence[Series]) -> PaperMarket:
    """Recorded series, each event through the live driver."""
    overrides: Mapping[str, Mapping[str, Any]] = choice.settings.instrument_overrides
    plan, tape, notes = plan_run(series, choice.strategies, choice.settings.run, overrides)
    speed = choice.speed or 0.0
    feed = ReplayFeed(tape.events, speed, is_synthetic=plan.is_synthetic)
    pace = f"{speed:g} times market speed" if speed else "full speed"
    note = f"replaying {len(tape.events):,} recorded events at {pace}"
    return PaperMarket("replay", plan, feed, note, tuple(notes), tape.events)


def synthetic_market(choice: MarketChoice, why: str) -> PaperMarket:
    """The built-in market, the same for the same seed; its history at full speed, then a bar a second."""
    plan = choice.plan(is_synthetic=True)
    feed = SyntheticFeed(plan, choice.settings.paper.seed, choice.speed)
    note = f"SYNTHETIC market, seed {choice.settings.paper.seed}: {why}"
    return PaperMarket(
        "synthetic", plan, feed, note, ("the market is synthetic: no result on it says anything of a real one",)
    )


def live_market(choice: MarketChoice, clock: Clock, monotonic: Callable[[], float], why: str) -> PaperMarket:
    """The public bars of a venue as they close."""
    feed = VenueFeed(
        venue_id(choice.venue),
        choice.universe,
        choice.interval,
        now_ns=clock.now_ns,
        monotonic=monotonic,
        settings=VenueSettings(choice.settings.paper.base_url),
    )
    return PaperMarket("live", choice.plan(is_synthetic=False), feed, f"live public data of {feed.name}: {why}")


def history_bars(settings: AppSettings, interval_ns: int, *, is_given: bool) -> int:
    """Bars to fetch before a fresh start: those asked for, else enough for the risk clock to be warm."""
    if is_given:
        return settings.paper.history_bars
    hour_ns = 60 * MINUTE_NS
    risk_bars = settings.risk.warm_up_risk_bars + SPARE_RISK_BARS
    needed = risk_bars * max(hour_ns, interval_ns) // interval_ns
    return int(min(max(settings.paper.history_bars, needed), MOST_HISTORY_BARS))


class CatchingUp:
    """A live feed that begins with history, and during which no new risk is taken on bars that are not the newest.

    A bar is the newest until the next one has closed. While an older one is taken, the mode is PAUSED: positions
    keep their stops and may be left, and nothing is entered.

    Args:
        feed: the venue's.
        session: whose mode is changed.
        clock: says what the newest bar is.
        n_history: bars of each symbol to begin a fresh run with.
    """

    is_synthetic = False

    def __init__(self, feed: MarketFeed, session: Session, clock: Clock, n_history: int) -> None:
        self.name = feed.name
        self._feed = feed
        self._session = session
        self._clock = clock
        self._n_history = n_history
        self._interval_ns = session.machine.interval_ns
        self._is_behind = False

    async def events(self, after: ResumePoint) -> AsyncGenerator[Events]:
        """Groups of the feed, with the mode changed before them where it has to be."""
        begin = after if after.last_open_ns else self._history_point()
        async with contextlib.aclosing(self._feed.events(begin)) as groups:  # type: ignore[type-var]
            async for group in groups:
                self._set_mode(int(group["ts_ns"][-1]))
                yield group
                await asyncio.sleep(0)  # a long history must not keep the screen waiting

    def health(self) -> dict[str, Any]:
        """That of the feed, and whether it is catching up."""
        return self._feed.health() | {"is_catching_up": self._is_behind}

    def _history_point(self) -> ResumePoint:
        interval_ns = self._interval_ns
        latest_open_ns = self._clock.now_ns() // interval_ns * interval_ns
        before_first_ns = latest_open_ns - (self._n_history + 1) * interval_ns
        return ResumePoint(0, dict.fromkeys(range(len(self._session.machine.universe.symbols)), before_first_ns))

    def _set_mode(self, known_ns: int) -> None:
        self._is_behind = self._clock.now_ns() >= known_ns + self._interval_ns
        mode = int(self._session.machine.brain[0]["mode"])
        if self._is_behind and mode == NORMAL:
            self._session.change_mode(PAUSED, "catching up with the venue")
        elif not self._is_behind and mode == PAUSED:
            self._session.change_mode(NORMAL, "the newest bar is reached")


class SyntheticFeed:
    """The synthetic market of a plan's symbols: history at full speed, then paced.

    Args:
        plan: of the run.
        seed: equal seeds give equal markets.
        speed: market seconds a second after the history, 0 for full speed; None for a bar a second.
    """

    name = "synthetic"
    is_synthetic = True

    def __init__(self, plan: RunPlan, seed: int, speed: float | None) -> None:
        self._plan = plan
        self._seed = seed
        self._history_groups = HISTORY_NS // plan.interval_ns
        self._interval_s = 1.0 if speed is None else plan.interval_ns / 1e9 / speed if speed > 0 else 0.0
        n_symbols = len(plan.universe.instruments)
        self._bars = GeneratedFeed(self._groups, lambda after: after.n_events // n_symbols, 0.0)

    async def events(self, after: ResumePoint) -> AsyncGenerator[Events]:
        """Groups of one timestamp, without end."""
        async with contextlib.aclosing(self._bars.events(after)) as groups:  # type: ignore[type-var]
            async for group in groups:
                yield group
                if self._interval_s and self._bars.health()["given"] >= self._history_groups:
                    await asyncio.sleep(self._interval_s)

    def health(self) -> dict[str, Any]:
        """How many groups were made, and whether the history is over."""
        health = self._bars.health()
        is_history = bool(self._interval_s) and health["given"] < self._history_groups
        return health | {"state": "history" if is_history else health["state"], "seed": self._seed}

    def _groups(self, first: int) -> Iterator[Events]:
        markets = [self._market(k, first) for k in range(len(self._plan.universe.instruments))]
        while True:
            tape = market_tape([market.take(_CHUNK_BARS) for market in markets], self._plan.universe).events
            yield from np.split(tape, np.flatnonzero(tape["flags"] & CLOSES_TIMESTAMP)[:-1] + 1)

    def _market(self, k: int, first: int) -> SyntheticMarket:
        instrument = self._plan.universe.instruments[k]
        return SyntheticMarket(
            self._seed,
            self._plan.interval_ns,
            instrument.symbol,
            start_price=_START_PRICES.get(instrument.base, _OTHER_PRICE),
            tick=float(instrument.tick_size),
            lot=float(instrument.lot_size),
            index=first,
        )


def require_same_recording(tape: Events, taken: Events, where: str) -> None:
    """Refuse to go on with a run on other data than it began with.

    Raises:
        SettingError: the events taken are not the first ones of the tape.
    """
    if len(taken) > len(tape) or tape[: len(taken)].tobytes() != taken.tobytes():
        raise SettingError(
            "the run in this folder took other data", where=where, remedy="give the same --data, or --fresh, or --home"
        )
