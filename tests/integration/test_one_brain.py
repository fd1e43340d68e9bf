"""Backtest, live driver and replay of a journal come to the same decisions, orders and fills, bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bot4.domain.bars import BarSeries
from bot4.domain.errors import SettingError
from bot4.domain.events import INTENT
from bot4.engine import session as session_module
from bot4.engine.journal import read_journal
from bot4.engine.paper import JOURNAL_NAME, PaperRun
from bot4.engine.plan import StrategyChoice
from bot4.engine.verification import verify
from bot4.pipeline.market import FundingSeries
from bot4.research.backtest import backtest, run_plan
from tests.run_harness import LENIENT, market, planned, run_paper
from tests.shared_data import bars_path, requires_shared_data, shared_path

EVERY_STRATEGY = ("hybrid", "ema_cross", "breakout", "mean_reversion", "buy_and_hold")

PYTHON_STRATEGY = '''
from bot4 import Signal, Strategy


class CountingCross(Strategy):
    """Buys every third rise above the average and remembers the count itself."""

    indicators = (("sma", {"period": 10}),)

    def __init__(self, params):
        super().__init__(params)
        self.rises = 0

    def on_bar(self, view):
        if view.position_quantity or view.is_entering:
            return Signal.leave() if view.close < view["sma_10"] else None
        if view.close > view["sma_10"]:
            self.rises += 1
            if self.rises % 3 == 0:
                return Signal.enter(1.0, stop_distance=view.close * 0.03, has_trail=True)
        return None
'''


def _read(*names: str) -> list[BarSeries]:
    from bot4.adapters.storage.bar_files import read_bars

    return [read_bars(bars_path(name)) for name in names]


def _digests(tmp_path: Path, series: list, strategies: tuple) -> dict[str, str]:
    plan, tape = planned(series, strategies)
    result = run_plan(plan, tape, series, journal=tmp_path / "backtest.journal")
    paper = run_paper(tmp_path / "home", plan, tape)
    replays = [verify(read_journal(path)) for path in (tmp_path / "backtest.journal", tmp_path / "home" / JOURNAL_NAME)]
    assert all(replay.is_proven for replay in replays)
    assert result.orders > 0
    return {
        "backtest": result.digest,
        "paper": paper,
        "replay of backtest": replays[0].digest,
        "replay of paper": replays[1].digest,
    }


@pytest.mark.parametrize("strategies", [("hybrid",), EVERY_STRATEGY], ids=["hybrid", "all strategies"])
@pytest.mark.parametrize("symbols", [("BTCUSDT",), ("BTCUSDT", "ETHUSDT", "BTCUSDT_PERP")], ids=["one", "three"])
def test_every_driver_gives_the_same_digest_on_synthetic_bars(
    tmp_path: Path, strategies: tuple, symbols: tuple
) -> None:
    digests = _digests(tmp_path, market(1_500, symbols), strategies)
    assert len(set(digests.values())) == 1, digests


def test_every_driver_gives_the_same_digest_with_a_strategy_in_ordinary_python(tmp_path: Path) -> None:
    path = tmp_path / "counting.py"
    path.write_text(PYTHON_STRATEGY)
    digests = _digests(tmp_path, market(1_500, ("BTCUSDT", "ETHUSDT")), (str(path), "ema_cross"))
    assert len(set(digests.values())) == 1, digests


@requires_shared_data
@pytest.mark.parametrize(
    "names",
    [
        ("binance_spot_5m/BTCUSDT_5m_20220801_20230430.parquet",),
        (
            "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
            "binance_spot_1h/ETHUSDT_1h_20170817_20200919.parquet",
        ),
        (
            "binance_spot_1m/BTCUSDT_1m_20250520_20250719.parquet",
            "binance_spot_1m/ETHUSDT_1m_20250520_20250719.parquet",
        ),
    ],
    ids=["BTC 5m with the outage", "BTC and ETH 1h", "BTC and ETH 1m"],
)
@pytest.mark.slow
def test_every_driver_gives_the_same_digest_on_recorded_bars(tmp_path: Path, names: tuple) -> None:
    digests = _digests(tmp_path, _read(*names), ("hybrid", "ema_cross"))
    assert len(set(digests.values())) == 1, digests


@requires_shared_data
@pytest.mark.slow
def test_recorded_funding_is_paid_by_perpetuals_and_the_digest_is_the_same_everywhere(tmp_path: Path) -> None:
    import polars as pl

    (bars,) = _read("binance_usdm_5m/BTCUSDT_PERP_5m_2023.parquet")
    frame = pl.read_parquet(shared_path("funding/BTCUSDT_PERP_binance_funding_2022_2023.parquet"))
    ts_ns = frame["ts"].dt.epoch("ns").to_numpy()
    inside = (ts_ns >= bars.ts_open_ns[0]) & (ts_ns < bars.ts_open_ns[-1])
    funding = FundingSeries("BTCUSDT_PERP", ts_ns[inside], frame["funding_rate"].to_numpy()[inside])
    digests = _digests(tmp_path, [bars, funding], ("hybrid", "buy_and_hold"))
    assert len(set(digests.values())) == 1, digests
    assert backtest([bars, funding], strategies=["buy_and_hold"], settings=LENIENT).funding != 0.0


def test_the_live_driver_takes_one_step_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spans: list[int] = []
    step = session_module.step

    def counted(config, brain, markets, outbox, events, at, last) -> None:
        spans.append(last - at)
        step(config, brain, markets, outbox, events, at, last)

    monkeypatch.setattr(session_module, "step", counted)
    plan, tape = planned(market(300))
    run_paper(tmp_path / "home", plan, tape)
    assert set(spans) == {1}
    assert len(spans) == len(read_journal(tmp_path / "home" / JOURNAL_NAME).events)
    assert len(spans) >= len(tape.events)


def test_a_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    plan, tape = planned(market(1_000, ("BTCUSDT", "ETHUSDT")), EVERY_STRATEGY)
    machines = []
    for _ in range(2):
        machine = plan.machine()
        from bot4.engine.batch import run_tape

        run_tape(machine, tape.events)
        machines.append(machine)
    for name in ("brain", "markets", "venue"):
        assert getattr(machines[0], name).tobytes() == getattr(machines[1], name).tobytes()


def test_a_strategy_that_raises_is_suspended_and_the_rest_trade_on(tmp_path: Path) -> None:
    path = tmp_path / "failing.py"
    path.write_text(
        "from bot4 import Strategy\n\n\nclass Failing(Strategy):\n    def on_bar(self, view):\n"
        "        if view.ts_ns > 0 and view.close > 0:\n            return 1 / 0\n"
    )
    series = market(1_000)
    result = backtest(series, strategies=[str(path), "ema_cross"], settings=LENIENT, journal=tmp_path / "j.journal")
    assert any("Failing was suspended" in note for note in result.notes)
    assert len(result.trades) > 0
    assert set(result.trades["strategy"]) == {1}
    (note,) = [note for note in read_journal(tmp_path / "j.journal").notes if "suspended" in note]
    assert "ZeroDivisionError" in note["suspended"]["error"]
    assert verify(read_journal(tmp_path / "j.journal")).is_proven


def test_a_strategy_is_swapped_between_two_events_and_the_journal_replays(tmp_path: Path) -> None:
    plan, tape = planned(market(1_200), ("ema_cross",))
    half = len(tape.events) // 2
    with PaperRun.open(tmp_path / "home", plan) as run:
        for k in range(half):
            run.session.take(tape.events[k : k + 1])
        run.session.swap(0, StrategyChoice.of("breakout"))
        for k in range(half, len(tape.events)):
            run.session.take(tape.events[k : k + 1])
        digest = run.machine.digest
        names = {int(row["strategy"]) for row in run.machine.log.records("fills")}
        assert names == {0}
    replay = verify(read_journal(tmp_path / "home" / JOURNAL_NAME))
    assert replay.is_proven
    assert replay.digest == digest
    (tmp_path / "home" / "run.snapshot").unlink()
    with PaperRun.open(tmp_path / "home", plan) as again:
        assert again.machine.digest == digest
        assert again.machine.strategies[0].info.name == "breakout"
        assert np.array_equal(again.machine.brain["equity"], run.machine.brain["equity"])


def test_a_strategy_in_ordinary_python_is_swapped_in_asked_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "counting.py"
    path.write_text(PYTHON_STRATEGY)
    plan, tape = planned(market(1_200), ("ema_cross",))
    half = len(tape.events) // 2
    with PaperRun.open(tmp_path / "home", plan) as run:
        run.session.take(tape.events[:half])
        run.session.swap(0, StrategyChoice.of(str(path)))
        run.session.take(tape.events[half:])
        digest = run.machine.digest
        swapped_ns = int(tape.events["ts_ns"][half])
        assert np.any(run.machine.log.records("decisions")["proposal"]["ts_ns"] >= swapped_ns)
    contents = read_journal(tmp_path / "home" / JOURNAL_NAME)
    assert np.any(contents.events["kind"] == INTENT)
    replay = verify(contents)
    assert replay.is_proven
    assert replay.digest == digest


def test_a_swap_that_is_refused_changes_nothing() -> None:
    plan, _ = planned(market(50), ("ema_cross",))
    machine = plan.machine()
    config = machine.config.tobytes()
    too_long = StrategyChoice.of("ema_cross").resolved()
    too_long = dataclasses.replace(too_long, indicators=tuple(("ema", {"period": n}) for n in range(1, 80)), columns=())
    with pytest.raises(SettingError, match="at most"):
        machine.install(0, too_long)
    assert machine.config.tobytes() == config
    assert machine.strategies[0].columns == ("ema_10", "ema_20")
