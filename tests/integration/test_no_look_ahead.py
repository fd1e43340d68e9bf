"""Changing the future changes nothing that was known before: features, signals, decisions, commands, fills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot4.domain.bars import BarSeries
from bot4.domain.events import BAR
from bot4.pipeline.strategies.registry import built_in
from tests.integration.test_one_brain import PYTHON_STRATEGY
from tests.look_ahead import Feed, Trace, by_replay, by_session, leaks, trace
from tests.run_harness import market, planned
from tests.shared_data import bars_path, requires_shared_data

BUILT_IN = tuple(built_in())
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BTCUSDT_PERP")

PEEKING = '''
import numpy as np
from bot4 import Signal, Strategy


class Peeking(Strategy):
    """Reads the close of the bar after the one it is shown."""

    def on_bar(self, view):
        known = np.load({path!r})
        at = int(np.searchsorted(known[0], view.ts_ns)) + {ahead}
        rises = at < known.shape[1] and known[1, at] > view.close
        if view.position_quantity == 0 and not view.is_entering and rises:
            return Signal.enter(1.0, stop_distance=view.close * 0.03)
        return Signal.leave() if not rises else None
'''


def running(strategies: Sequence[Any], feed: Feed) -> Callable[[Sequence[Any]], Trace]:
    def run(series: Sequence[Any]) -> Trace:
        return trace(*planned(series, strategies), feed)

    return run


def cuts(n: int, seed: int, count: int = 3, first: int = 150) -> list[int]:
    return sorted(int(cut) for cut in np.random.default_rng(seed).integers(first, n - 2, count))


@pytest.mark.parametrize("feed", [by_session, by_replay], ids=["live", "replay"])
@pytest.mark.parametrize("strategy", BUILT_IN)
def test_nothing_of_a_strategy_depends_on_later_bars(strategy: str, feed: Feed) -> None:
    n = 1_300 if strategy == "hybrid" else 420  # it enters seldom
    series = market(n, SYMBOLS, seed=7)
    run = running((strategy,), feed)
    untouched = run(series)
    assert len(untouched.records["commands"]) > 0
    assert np.isfinite(untouched.known["features"]).any() or strategy == "buy_and_hold"
    first_order = int(np.searchsorted(series[0].ts_open_ns, untouched.times["commands"][0]))
    assert leaks(series, run, [first_order, *cuts(n, seed=len(strategy))]) == []


@pytest.mark.parametrize("feed", [by_session, by_replay], ids=["live", "replay"])
def test_nothing_of_all_strategies_together_depends_on_later_bars(feed: Feed) -> None:
    assert leaks(market(420, SYMBOLS, seed=12), running(BUILT_IN, feed), cuts(420, seed=1)) == []


def test_nothing_of_a_strategy_in_ordinary_python_depends_on_later_bars(tmp_path: Path) -> None:
    path = tmp_path / "counting.py"
    path.write_text(PYTHON_STRATEGY)
    run = running((str(path), "ema_cross"), by_session)
    series = market(420, ("BTCUSDT", "ETHUSDT"), seed=13)
    assert len(run(series).records["commands"]) > 0
    assert leaks(series, run, cuts(420, seed=2)) == []


def test_both_drivers_know_the_same_after_every_bar() -> None:
    plan, tape = planned(market(420, SYMBOLS, seed=14), BUILT_IN)
    live, replayed = trace(plan, tape, by_session), trace(plan, tape, by_replay)
    for name in live.known:
        assert live.known[name].tobytes() == replayed.known[name].tobytes(), name


# --- seeded leaks are caught ---------------------------------------------------------------------------------------


def row_ahead(machine: Any) -> None:
    """Every bar of the block just observed is given the features of the next one."""
    brain = machine.brain[0]
    for offset in range(int(brain["block_size"])):
        for k in range(int(machine.config[0]["n_frames"])):
            row = int(brain["block_rows"][offset, k])
            brain["block_rows"][offset, k] = min(row + 1, int(machine.markets[0]["frames"][k]["n_rows"]))


@pytest.mark.parametrize("strategy", [name for name in BUILT_IN if name != "buy_and_hold"])
def test_a_pipeline_that_reads_one_row_ahead_is_caught(strategy: str) -> None:
    def feed(machine: Any, tape: Any) -> Any:
        return by_replay(machine, tape, doctor=row_ahead)

    found = leaks(market(420, seed=15), running((strategy,), feed), cuts(420, seed=3))
    assert any("features" in leak for leak in found)


@pytest.mark.parametrize(("ahead", "is_leaking"), [(1, True), (0, False)], ids=["one bar ahead", "not ahead"])
def test_a_strategy_that_reads_one_bar_ahead_is_caught(tmp_path: Path, ahead: int, is_leaking: bool) -> None:
    known = tmp_path / "known.npy"
    path = tmp_path / "peeking.py"
    path.write_text(PEEKING.format(path=str(known), ahead=ahead))

    def run(series: Sequence[BarSeries]) -> Trace:
        np.save(known, np.array([series[0].ts_open_ns + series[0].interval_ns, series[0].close]))
        return trace(*planned(series, (str(path),)))

    found = leaks(market(260, seed=16), run, cuts(260, seed=4))
    assert bool(found) == is_leaking, found


def test_bars_that_are_known_at_their_open_are_caught() -> None:
    def run(series: Sequence[BarSeries]) -> Trace:
        plan, tape = planned(series, ("ema_cross",))
        tape.events["ts_ns"][tape.events["kind"] == BAR] -= tape.interval_ns
        return trace(plan, tape, by_replay)

    assert leaks(market(300, seed=17), run, cuts(300, seed=5)) != []


@requires_shared_data
@pytest.mark.slow
@pytest.mark.parametrize("feed", [by_session, by_replay], ids=["live", "replay"])
@pytest.mark.parametrize(
    "names",
    [
        (
            "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
            "binance_spot_1h/ETHUSDT_1h_20170817_20200919.parquet",
        ),
        ("bitfinex_1m/BTCUSD_1m_2017.parquet",),
        ("binance_usdm_5m/BTCUSDT_PERP_5m_2023.parquet",),
    ],
    ids=["BTC and ETH 1h", "BTC 1m with gaps", "BTC perpetual 5m"],
)
def test_nothing_depends_on_later_recorded_bars(names: tuple[str, ...], feed: Feed) -> None:
    from dataclasses import replace

    from bot4.adapters.storage.bar_files import read_bars

    series = []
    for name in names:
        whole = read_bars(bars_path(name))
        columns = {c: getattr(whole, c)[:4_000] for c in ("ts_open_ns", "open", "high", "low", "close", "volume")}
        series.append(replace(whole, **columns))
    assert leaks(series, running(BUILT_IN, feed), cuts(3_500, seed=6)) == []
