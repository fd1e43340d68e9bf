"""Runs whose orders fill on trades: at the trades' times and prices, in parts where the trades are small."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bot4.adapters.storage.trade_files import read_trades
from bot4.domain.bars import MINUTE_NS, SECOND_NS, BarSeries, TradeSeries
from bot4.domain.orders import ENTRY, EXIT, PROTECTIVE_STOP, TARGET
from bot4.domain.recomputation import Deposited, disagreements, recompute
from bot4.engine.batch import run_tape
from bot4.engine.journal import read_journal
from bot4.engine.machine import Machine
from bot4.engine.paper import JOURNAL_NAME
from bot4.engine.plan import RunPlan
from bot4.engine.settings import RunSettings
from bot4.engine.verification import verify
from bot4.pipeline.market import MarketTape
from bot4.pipeline.risk.settings import RiskSettings
from bot4.quant.series.resample import bars_from_trades
from bot4.research.backtest import plan_run, run_plan
from tests.run_harness import run_paper
from tests.shared_data import requires_shared_data, shared_path

STRATEGY = '''
from bot4 import Signal, Strategy


class Swings(Strategy):
    """Buys a rise with a near stop and three targets, in and out often."""

    indicators = (("sma", {"period": 10}),)

    def on_bar(self, view):
        if view.position_quantity or view.is_entering or view.is_exiting:
            return Signal.leave() if view.close < view["sma_10"] * 0.99 else None
        if view.close > view["sma_10"]:
            return Signal.enter(1.0, stop_distance=view.close * 0.015, win_probability=0.7, has_targets=True)
        return None
'''
SETTINGS = RunSettings(
    capital=Decimal(1_000_000), slippage_bps=0.0,
    risk=RiskSettings(warm_up_risk_bars=6, drawdown_stop=0.5, daily_loss_stop=0.2, heat_limit=1.0),
)  # fmt: skip
INSTRUMENTS = {
    "BTCUSD": {"base": "BTC", "quote": "USD", "tick_size": "0.00001", "lot_size": "0.00000001"},
    "XRPETH": {"base": "XRP", "quote": "ETH", "tick_size": "0.00000001", "lot_size": "1"},
}


def synthetic_trades(n: int = 6_000, seed: int = 3) -> TradeSeries:
    """A trade every ten seconds of a random walk, small ones and large ones."""
    rng = np.random.default_rng(seed)
    price = np.round(20_000.0 * np.exp(np.cumsum(0.0012 * rng.standard_normal(n))), 2)
    ts_ns = 1_600_000_000 * SECOND_NS + 10 * SECOND_NS * np.arange(1, n + 1)
    return TradeSeries("BTCUSDT", ts_ns, price, rng.lognormal(-4.0, 1.5, n), rng.choice([-1, 1], n).astype(np.int8))


def recorded_trades(name: str, symbol: str, first: int, last: int) -> TradeSeries:
    whole = read_trades(shared_path(f"trades/{name}"), symbol)
    columns = {c: getattr(whole, c)[first:last] for c in ("ts_ns", "price", "quantity", "aggressor")}
    return replace(whole, **columns)


def planned_on(trades: TradeSeries, path: Path, interval_ns: int) -> tuple[RunPlan, MarketTape, list]:
    path.write_text(STRATEGY)
    series: list[BarSeries | TradeSeries] = [bars_from_trades(trades, interval_ns), trades]
    plan, tape, _ = plan_run(series, (str(path), "breakout"), SETTINGS, INSTRUMENTS)
    return plan, tape, series


def ran(plan: RunPlan, tape: MarketTape) -> Machine:
    machine = plan.machine()
    run_tape(machine, tape.events)
    assert machine.brain[0]["is_halted"] == 0
    return machine


def check_fills(machine: Machine, trades: TradeSeries) -> None:
    """Every fill is one of the trades that were made: its time, its price (a limit's own), no more than it traded."""
    instrument = machine.universe.instruments[0]
    tick, lot = float(instrument.tick_size), float(instrument.lot_size)
    commands = machine.log.records("commands")["order"]
    orders = {int(order["id"]): order for order in commands}
    ticks = np.rint(trades.price / tick).astype(np.int64)
    for fill in machine.log.records("fills"):
        at = np.flatnonzero(trades.ts_ns == fill["ts_ns"])
        assert len(at) > 0, "a fill without a trade"
        order = orders[int(fill["order_id"])]
        assert fill["ts_ns"] > order["ts_created_ns"] + 50_000_000 or order["parent_id"] != 0
        if fill["role"] == TARGET and fill["is_maker"]:
            through = (ticks[at] - order["limit_ticks"]) * -order["side"] > 0
            assert fill["price_ticks"] == order["limit_ticks"]
            assert fill["qty_lots"] <= int(trades.quantity[at][through].sum() / lot + 1e-6)
        else:
            assert fill["price_ticks"] in ticks[at]


def check_books(machine: Machine) -> None:
    universe = machine.universe
    deposit = Deposited(universe.quote, 1_000_000 * 10 ** universe.decimals(universe.quote))
    books = recompute(universe, [deposit, *machine.log.records("fills")])
    assert disagreements(books, universe, machine.brain[0]["ledger"], machine.brain[0]["positions"]) == []


def check_every_driver(plan: RunPlan, tape: MarketTape, series: list, folder: Path) -> None:
    result = run_plan(plan, tape, series, journal=folder / "backtest.journal")
    digests = {result.digest, run_paper(folder / "home", plan, tape)}
    for journal in (folder / "backtest.journal", folder / "home" / JOURNAL_NAME):
        replay = verify(read_journal(journal))
        assert replay.is_proven
        digests.add(replay.digest)
    assert len(digests) == 1


def roles_filled(machine: Machine) -> set[int]:
    return {int(role) for role in machine.log.records("fills")["role"]}


def test_orders_fill_on_synthetic_trades_at_their_times_and_prices(tmp_path: Path) -> None:
    trades = synthetic_trades()
    plan, tape, series = planned_on(trades, tmp_path / "swings.py", MINUTE_NS)
    machine = ran(plan, tape)
    fills = machine.log.records("fills")
    assert {ENTRY, PROTECTIVE_STOP, TARGET} <= roles_filled(machine)
    counts = np.unique(fills["order_id"], return_counts=True)[1]
    assert counts.max() > 1, "no target filled in parts"
    check_fills(machine, trades)
    check_books(machine)
    check_every_driver(plan, tape, series, tmp_path)


@requires_shared_data
def test_orders_fill_on_recorded_binance_trades(tmp_path: Path) -> None:
    trades = recorded_trades("binance_spot_XRP_ETH_trades.parquet", "XRPETH", 0, 12_500)
    plan, tape, series = planned_on(trades, tmp_path / "swings.py", 5 * MINUTE_NS)
    machine = ran(plan, tape)
    assert len(machine.log.records("fills")) > 3
    check_fills(machine, trades)
    check_books(machine)
    check_every_driver(plan, tape, series, tmp_path)


@requires_shared_data
@pytest.mark.slow
def test_orders_fill_on_recorded_mtgox_trades_of_a_crash(tmp_path: Path) -> None:
    trades = recorded_trades("mtgox_btc_trades_20130415_20130424.parquet", "BTCUSD", 0, 90_000)
    plan, tape, series = planned_on(trades, tmp_path / "swings.py", 5 * MINUTE_NS)
    machine = ran(plan, tape)
    fills = machine.log.records("fills")
    assert len(fills) > 20
    assert {ENTRY, EXIT} <= roles_filled(machine) or {ENTRY, PROTECTIVE_STOP} <= roles_filled(machine)
    check_fills(machine, trades)
    check_books(machine)
    check_every_driver(plan, tape, series, tmp_path)
