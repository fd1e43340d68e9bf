"""What ``bot4 explain`` says is what the journal and the indicator library say."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot4.domain.bars import HOUR_NS, BarSeries
from bot4.domain.errors import UsageError
from bot4.engine.journal import JournalContents, read_journal
from bot4.engine.plan import RunPlan
from bot4.engine.recovery import market_events
from bot4.engine.verification import verify
from bot4.pipeline.state import CLAMP_NAMES
from bot4.quant.indicators.arrays import compute
from bot4.quant.series.resample import resample
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.backtest import backtest
from bot4.research.explanation import explain, trades_in
from bot4.research.journal_bars import bars_of
from tests.paper_processes import bot4

SYMBOLS = (("BTCUSDT", 40_000.0), ("ETHUSDT", 2_500.0))


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "run.journal"
    series = [synthetic_bars(5, 2500, HOUR_NS, symbol, price) for symbol, price in SYMBOLS]
    backtest(series, strategies=["hybrid", "ema_cross"], journal=path)
    return path


@pytest.fixture(scope="module")
def contents(journal: Path) -> JournalContents:
    return read_journal(journal)


@pytest.fixture(scope="module")
def machine(contents: JournalContents):
    return verify(contents).machine


@pytest.fixture(scope="module")
def explained(contents: JournalContents, machine):
    rows = trades_in(machine)
    assert {row.strategy for row in rows} == {"hybrid", "ema_cross"}
    chosen = [row for name in ("hybrid", "ema_cross") for row in [r for r in rows if r.strategy == name][:3]]
    return [explain(contents, row.label, machine=machine) for row in chosen]


def bars_as_the_pipeline_sees_them(contents: JournalContents) -> dict[str, BarSeries]:
    """By symbol, with prices that are whole ticks times the tick, to the last bit."""
    plan, events = RunPlan.from_header(contents.header), market_events(contents)
    exact = {}
    for symbol, series in enumerate(bars_of(events, plan)):
        own, tick = events[events["symbol"] == symbol], float(plan.universe.instruments[symbol].tick_size)
        prices = {name: own[f"{name}_ticks"] * tick for name in ("open", "high", "low", "close")}
        assert all(np.allclose(prices[name], getattr(series, name), rtol=1e-15) for name in prices)
        exact[series.symbol] = replace(series, **prices)
    return exact


def test_every_decision_comes_out_again_as_recorded(explained):
    assert all(one.is_remade_equal for one in explained)


def test_indicators_of_the_base_bars_are_those_of_the_library(contents, explained):
    series = bars_as_the_pipeline_sees_them(contents)
    for one in (one for one in explained if one.trade.strategy == "hybrid"):
        bars = series[one.trade.symbol]
        at = int(np.searchsorted(bars.ts_open_ns, one.bar["ts_open_ns"]))
        seen = one.frames[0].indicators
        for name, params in (("ema", {"period": 12}), ("rsi", {"period": 14}), ("atr", {"period": 14}), ("macd", {})):
            for column, values in compute(name, bars, **params).items():
                assert seen[column] == values[at]
        assert one.frames[0].bar["close"] == one.bar["close"] == bars.close[at]


def test_indicators_of_the_slow_bars_are_those_of_the_library_on_resampled_bars(contents, explained):
    series = bars_as_the_pipeline_sees_them(contents)
    one = next(one for one in explained if one.trade.strategy == "hybrid")
    frame = one.frames[2]
    slow = resample(series[one.trade.symbol], frame.interval_ns // HOUR_NS)
    at = int(np.searchsorted(slow.ts_open_ns, int(frame.bar["time_s"]) * 10**9))
    assert slow.ts_open_ns[at] + frame.interval_ns <= one.bar["ts_known_ns"]
    assert frame.bar["close"] == slow.close[at]
    for column, values in compute("rsi", slow, period=14).items():
        assert frame.indicators[column] == values[at]


def test_votes_make_the_families_the_families_the_strengths_and_those_the_direction(explained):
    one = next(one for one in explained if one.trade.strategy == "hybrid")
    for frame in one.frames:
        assert frame.families["trend"] == pytest.approx(np.mean(list(frame.votes.values())[:13]), abs=1e-12)
        weights = (0.40, 0.25, 0.15, 0.20)
        assert frame.strength == pytest.approx(np.dot(weights, list(frame.families.values())), abs=1e-12)
    assert one.confluence == pytest.approx(np.dot((0.30, 0.35, 0.35), [f.strength for f in one.frames]), abs=1e-12)
    assert one.fused_direction == one.confluence == one.voices[0].direction
    assert sum(voice.weight for voice in one.voices) == pytest.approx(1.0)


def test_kelly_clamps_and_levels_are_the_recorded_ones(machine, explained):
    decisions = machine.log.records("decisions")
    for one in explained:
        recorded = decisions[decisions["proposal"]["id"] == one.gate["decision_id"]][0]
        k = one.kelly
        assert k["f"] == recorded["proposal"]["kelly"]
        assert k["f"] == pytest.approx(min(max(k["p"] - (1 - k["p"]) / k["b"], 0) * k["fraction"], k["cap"]))
        assert k["p"] == pytest.approx((k["wins"] + k["prior_trades"] / 2) / (k["closed_trades"] + k["prior_trades"]))
        assert [clamp.name for clamp in one.clamps] == list(CLAMP_NAMES)
        assert [clamp.lots_after for clamp in one.clamps] == recorded["lots_after"].tolist()
        assert [clamp.measure_after for clamp in one.clamps] == recorded["measure_after"].tolist()
        lots = [clamp.lots_before for clamp in one.clamps] + [one.clamps[-1].lots_after]
        assert all(after <= before for before, after in itertools.pairwise(lots))
        assert lots[-1] == one.gate["approved_lots"]
        assert one.levels["stop_price"] == pytest.approx(recorded["proposal"]["stop_ticks"] * 0.01)


def test_orders_fills_result_and_ledger_agree_to_the_last_atom(machine, explained):
    trades = machine.log.records("trades")
    for one in explained:
        closed = trades[trades["trade_id"] == int(one.trade.label)][0]
        entries = sum(fill["qty_lots"] for fill in one.fills if fill["role"] == "entry")
        exits = sum(fill["qty_lots"] for fill in one.fills if fill["role"] != "entry")
        assert entries == exits == closed["entry_lots"]
        assert {command["approval_id"] for command in one.commands if command["role"] == "entry"} == {
            one.gate["approval_id"]
        }
        assert one.result["net_quote"] == pytest.approx((closed["realised_atoms"] - closed["fees_atoms"]) * 1e-8)
        quote = sum(line.atoms for line in one.ledger if (line.account, line.asset) == ("holdings", "USDT"))
        assert quote == closed["realised_atoms"] - closed["fees_atoms"]
        for asset in {line.asset for line in one.ledger}:
            assert sum(line.atoms for line in one.ledger if line.asset == asset) == 0


def test_a_trade_that_is_not_there_is_refused_with_those_that_are(contents, machine):
    with pytest.raises(UsageError, match="it holds 1 to"):
        explain(contents, "9999", machine=machine)


def test_the_command_lists_and_explains_as_text_and_as_json(journal, explained):
    listed = bot4("explain", journal, "--json").json["trades"]
    label = explained[0].trade.label
    assert label in [row["label"] for row in listed]
    record = bot4("explain", journal, label, "--json").json
    assert record["is_synthetic"]
    assert record["kelly"]["f"] == explained[0].kelly["f"]
    assert all(math.isfinite(clamp["limit"]) for clamp in record["clamps"])
    page = bot4("explain", journal, label)
    assert page.code == 0
    assert "SYNTHETIC MARKET" in page.out
    for heading in (
        "the indicators",
        "the voices",
        "the clamps",
        "the orders",
        "the fills",
        "the ledger",
        "the result",
    ):
        assert heading in page.out
