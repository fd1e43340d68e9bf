"""Random markets through the whole machine: whatever comes, the books are exact and no order is lost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.bars import HOUR_NS, MINUTE_NS, BarSeries
from bot4.domain.instruments import Instrument, Universe
from bot4.engine.machine import Machine, assemble
from bot4.engine.settings import RunSettings
from bot4.kernel import f8, i8, kernel
from bot4.pipeline.market import FundingSeries, market_tape
from bot4.pipeline.risk.settings import RiskSettings
from bot4.pipeline.state import ENTER, LEAVE, NO_SLOT
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam, resolve
from bot4.pipeline.strategy_family import STRATEGY_FAMILY
from tests.machine_watch import Watch

START_NS = 1_600_000_000_000_000_000 // HOUR_NS * HOUR_NS


def pair(base: str, tick: str, lot: str, *, is_perpetual: bool = False, least: str = "0") -> Instrument:
    return Instrument(
        f"{base}USDT{'_PERP' if is_perpetual else ''}", base, "USDT", Decimal(tick), Decimal(lot), Decimal(lot),
        Decimal(least), Decimal("-0.00005" if is_perpetual else "0.001"), Decimal("0.00075"), is_perpetual,
    )  # fmt: skip


KINDS = {  # instrument and its price at the start
    "BTC": (pair("BTC", "0.01", "0.00001", least="5"), 30_000.0),
    "SHIB": (pair("SHIB", "0.00000001", "1", least="5"), 0.00002),
    "ETH in wei": (pair("WEI", "0.01", "1e-18"), 2_000.0),
    "BTC perpetual": (pair("BTC", "0.1", "0.001", is_perpetual=True, least="5"), 30_000.0),
    "PEPE perpetual": (pair("PEPE", "0.0000000001", "1000", is_perpetual=True), 0.000001),
    "wei perpetual": (pair("WEI", "0.01", "1e-18", is_perpetual=True), 2_000.0),
}

_SEED, _ENTER_RATE, _LEAVE_RATE, _NOTIONAL = 0, 1, 2, 3


@kernel(f8(i8, i8, i8, i8, i8))
def drawn(ts_ns: int, symbol: int, strategy: int, seed: int, which: int) -> float:
    """A number in [0, 1) that depends on its arguments alone."""
    mixed = (ts_ns // 1_000_000_000) & 0xFFFFFFFF
    for part in (symbol, strategy, seed, which):
        mixed = ((mixed ^ (part + 0x9E37)) * 0x45D9F3B) & 0xFFFFFFFF
        mixed = ((mixed >> 15) ^ mixed) & 0xFFFFFFFF
    return float(mixed) / 4294967296.0


@STRATEGY_FAMILY.kernel
def chaos(view: Any, frames: Any, columns: Any, params: Any, memory: Any, signal: Any) -> int:
    """Enters, turns and leaves at random, with every mixture of stop, targets and trail."""
    ts_ns, symbol, strategy, seed = view["ts_ns"], view["symbol"], view["strategy"], int(params[0])
    is_in = view["position_lots"] != 0 or view["is_entering"] != 0
    if is_in and drawn(ts_ns, symbol, strategy, seed, 1) < params[2]:
        signal["action"] = LEAVE
        return 0
    if drawn(ts_ns, symbol, strategy, seed, 2) >= params[1]:
        return 0
    signal["action"] = ENTER
    signal["direction"] = 1.0 if drawn(ts_ns, symbol, strategy, seed, 3) < 0.6 else -1.0
    signal["confidence"] = 1.0
    if params[3] > 0.0:
        signal["fixed_lots"] = max(1, int(min(params[3] / view["close"] / view["lot"], 2.0e18)))
    else:
        signal["win_probability"] = 0.7
    signal["stop_distance"] = (0.0, 0.01, 0.03, 0.08)[int(4.0 * drawn(ts_ns, symbol, strategy, seed, 4))] * view[
        "close"
    ]
    signal["has_targets"] = 1 if drawn(ts_ns, symbol, strategy, seed, 5) < 0.6 else 0
    signal["has_trail"] = 1 if drawn(ts_ns, symbol, strategy, seed, 6) < 0.6 else 0
    return 0


CHAOS = StrategyInfo(
    name="chaos",
    summary="Random orders.",
    kernel=chaos,
    parameters=(
        StrategyParam("seed", 0, 0, 1e6, "", ""),
        StrategyParam("enter_rate", 0.3, 0.0, 1.0, "", ""),
        StrategyParam("leave_rate", 0.2, 0.0, 1.0, "", ""),
        StrategyParam("notional", 0.0, 0.0, 1e12, "quote currency", "0: sized by Kelly"),
    ),
    uses_stop_rule=False,
)
WIDE = RiskSettings(
    volatility_target=0.30, var_limit_bull=0.04, var_limit_sideways=0.04, var_limit_bear=0.04, var_limit_crisis=0.04,
    cvar_multiple=2.0, heat_limit=1.0, correlation_limit=1.0, leverage_limit=5.0, symbol_loss_limit=0.2,
    strategy_risk_limit=1.0, sector_limit=1.0, drawdown_stop=0.5, daily_loss_stop=0.2, min_equity=0.0,
    warm_up_risk_bars=2, max_data_age_bars=100.0,
)  # fmt: skip


@dataclass(frozen=True)
class Weather:
    """How a random market behaves."""

    seed: int
    n_bars: int
    volatility: float
    crash: float
    spike: float
    gap_rate: float
    silent_rate: float


def random_bars(instrument: Instrument, price: float, weather: Weather, interval_ns: int, stream: int) -> BarSeries:
    """A random walk with silent bars, missing bars, a crash and a spike within one bar."""
    rng = np.random.default_rng([weather.seed, stream])
    n = weather.n_bars
    moves = weather.volatility * rng.standard_t(3, n)
    moves[rng.integers(n)] += np.log1p(-weather.crash)
    tick = float(instrument.tick_size)
    close = np.clip(price * np.exp(np.cumsum(np.clip(moves, -1.5, 1.5))), 20 * tick, 1e7 * price)
    opened = np.concatenate(([price], close[:-1])) * np.exp(0.3 * weather.volatility * rng.standard_normal(n))
    high = np.maximum(opened, close) * np.exp(weather.volatility * np.abs(rng.standard_normal(n)))
    low = np.minimum(opened, close) * np.exp(-weather.volatility * np.abs(rng.standard_normal(n)))
    at = rng.integers(n)
    high[at], low[at] = high[at] * (1.0 + weather.spike), low[at] / (1.0 + weather.spike)
    opened, high, low, close = (np.maximum(np.rint(x / tick), 1.0) * tick for x in (opened, high, low, close))
    keep = rng.random(n) >= weather.gap_rate
    keep[:3] = True
    volume = np.where(rng.random(n) < weather.silent_rate, 0.0, rng.lognormal(8.0, 2.0, n) * 1e4 / price)
    ts_open_ns = START_NS + interval_ns * np.arange(n, dtype=np.int64)
    high, low = np.maximum.reduce((opened, high, low, close)), np.minimum.reduce((opened, high, low, close))
    columns = [column[keep] for column in (ts_open_ns, opened, high, low, close, volume)]
    return BarSeries(instrument.symbol, interval_ns, *columns, is_synthetic=True)


@dataclass(frozen=True)
class Scenario:
    """A random run; the strategies as (seed, rate of entries, rate of exits, notional)."""

    names: tuple[str, ...]
    interval_ns: int
    weather: Weather
    strategies: tuple[tuple[float, float, float, float], ...]
    capital: int
    order_latency_ms: float
    slippage_bps: float

    def machine(self) -> Machine:
        settings = RunSettings(
            capital=Decimal(self.capital), order_latency_ms=self.order_latency_ms, slippage_bps=self.slippage_bps,
            risk=WIDE,
        )  # fmt: skip
        fields = ("seed", "enter_rate", "leave_rate", "notional")
        chosen = [resolve(CHAOS, dict(zip(fields, values, strict=True))) for values in self.strategies]
        return assemble(self.universe(), chosen, settings, self.interval_ns)

    def universe(self) -> Universe:
        return Universe(tuple(KINDS[name][0] for name in self.names))

    def tape(self) -> Any:
        series: list[Any] = [
            random_bars(KINDS[name][0], KINDS[name][1], self.weather, self.interval_ns, k)
            for k, name in enumerate(self.names)
        ]
        rng = np.random.default_rng(self.weather.seed)
        for instrument in self.universe().instruments:
            if instrument.is_perpetual:
                n = self.weather.n_bars * self.interval_ns // (8 * HOUR_NS)
                ts_ns = START_NS + 8 * HOUR_NS * np.arange(1, n + 1) + 17
                series.append(FundingSeries(instrument.symbol, ts_ns, 0.01 * rng.standard_normal(n)))
        return market_tape(series, self.universe()).events


STRATEGIES = st.tuples(
    st.integers(0, 1000),
    st.sampled_from((0.05, 0.3, 1.0)),
    st.sampled_from((0.0, 0.1, 0.5)),
    st.sampled_from((0.0, 6.0, 500.0, 1e7)),
)
WEATHERS = st.builds(
    Weather,
    seed=st.integers(0, 10**6),
    n_bars=st.integers(60, 200),
    volatility=st.sampled_from((0.0005, 0.005, 0.03, 0.15)),
    crash=st.sampled_from((0.0, 0.3, 0.9)),
    spike=st.sampled_from((0.0, 0.5, 20.0)),
    gap_rate=st.sampled_from((0.0, 0.05, 0.4)),
    silent_rate=st.sampled_from((0.0, 0.05, 0.5)),
)
SCENARIOS = st.builds(
    Scenario,
    names=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4, unique=True).map(tuple),
    interval_ns=st.sampled_from((HOUR_NS, 5 * MINUTE_NS)),
    weather=WEATHERS,
    strategies=st.lists(STRATEGIES, min_size=1, max_size=4).map(tuple),
    capital=st.sampled_from((20, 10_000, 500_000_000)),
    order_latency_ms=st.sampled_from((0.0, 50.0, 1_200_000.0, 3_600_000.0)),
    slippage_bps=st.sampled_from((0.0, 1.0, 300.0)),
)


@given(SCENARIOS)
def test_whatever_the_market_does_books_orders_and_protection_hold(scenario: Scenario) -> None:
    Watch(scenario.machine()).run(scenario.tape())


@pytest.mark.slow
@settings(max_examples=600)
@given(SCENARIOS)
def test_whatever_many_markets_do_books_orders_and_protection_hold(scenario: Scenario) -> None:
    Watch(scenario.machine()).run(scenario.tape())


def test_the_random_markets_do_trade() -> None:
    """The property above would hold of a machine that refuses everything."""
    seen: dict[str, int] = {"decisions": 0, "fills": 0, "trades": 0}

    @settings(max_examples=25, derandomize=True, database=None)
    @given(SCENARIOS)
    def run_them(scenario: Scenario) -> None:
        machine = scenario.machine()
        Watch(machine).run(scenario.tape())
        for kind in seen:
            seen[kind] += machine.log.count(kind)

    run_them()
    assert seen["fills"] > 500
    assert seen["trades"] > 150


def crowd(latency_ms: float, leave_rate: float) -> tuple[Machine, Any]:
    """Sixteen symbols and eight strategies that all want in with a bracket at once."""
    universe = Universe(tuple(pair(f"C{k}", "0.01", "0.00001") for k in range(16)))
    strategies = [
        resolve(CHAOS, {"seed": k, "enter_rate": 1.0, "leave_rate": leave_rate, "notional": 20.0}) for k in range(8)
    ]
    settings = RunSettings(capital=Decimal(1_000_000_000), order_latency_ms=latency_ms, risk=WIDE)
    weather = Weather(3, 60, 0.004, 0.0, 0.0, 0.0, 0.0)
    series = [random_bars(item, 1_000.0, weather, 5 * MINUTE_NS, k) for k, item in enumerate(universe.instruments)]
    return assemble(universe, strategies, settings, 5 * MINUTE_NS), market_tape(series, universe).events


@pytest.mark.parametrize("latency_ms", [50.0, 3_600_000.0])
@pytest.mark.parametrize("leave_rate", [0.0, 0.5, 1.0])
def test_a_crowd_of_entries_at_one_timestamp_is_refused_for_want_of_slots_and_nothing_is_lost(
    latency_ms: float, leave_rate: float
) -> None:
    machine, tape = crowd(latency_ms, leave_rate)
    watch = Watch(machine)
    watch.run(tape)
    brain = machine.brain[0]
    assert brain["refusals"][NO_SLOT] > 0
    assert machine.log.count("fills") > 0
    assert brain["n_slots"] > 150
