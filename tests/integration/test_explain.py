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
from bot4.engine.settings import RunSettings
from bot4.engine.verification import verify
from bot4.pipeline.state import CLAMP_NAMES, FAMILIES
from bot4.quant.indicators.arrays import compute
from bot4.quant.series.resample import resample
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.backtest import backtest
from bot4.research.explanation import decisions_in, explain, trades_in
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
    for one in (one for one in explained if one.trade.strategy == "hybrid"):
        for frame in (frame for frame in one.frames if frame.score.is_warm):
            for family, votes in frame.votes.items():
                assert frame.score.families[family] == pytest.approx(np.mean(list(votes.values())), abs=1e-12)
            mean = frame.score.damper * np.mean(list(frame.score.families.values()))
            assert frame.score.strength == pytest.approx(mean, abs=1e-12)
        shares = [frame.score.share for frame in one.frames]
        assert sum(shares) == pytest.approx(1.0)
        strengths = [frame.score.strength if frame.score.is_warm else 0.0 for frame in one.frames]
        assert one.technical.score == pytest.approx(np.dot(shares, strengths), abs=1e-12)
        assert one.fused_direction == one.technical.score == one.voices[0].direction
        assert one.voices[0].confidence == one.technical.confidence
        assert sum(voice.weight for voice in one.voices) == pytest.approx(1.0)


def contributions_of(technical):
    """Of an explanation or of its JSON."""
    listed = technical["contributions"] if isinstance(technical, dict) else technical.contributions
    total = 0.0
    for item in listed:
        total += item["contribution"]
    return listed, total


def test_the_contributions_by_timeframe_and_family_sum_to_the_score_to_the_last_bit(explained):
    for one in explained:
        if one.trade.strategy != "hybrid":
            assert one.technical is None
            continue
        listed, total = contributions_of(one.technical)
        assert total == one.technical.score == one.signal["direction"]
        pairs = [(item["timeframe"], item["family"]) for item in listed]
        assert pairs == list(itertools.product(("1h", "3h", "12h"), FAMILIES))
        assert sum(one.technical.by_family.values()) == pytest.approx(total, abs=1e-12)
        assert sum(one.technical.by_timeframe.values()) == pytest.approx(total, abs=1e-12)
        for frame, (_, of_frame) in zip(one.frames, itertools.groupby(listed, lambda c: c["timeframe"]), strict=True):
            assert list(frame.score.contributions.values()) == [item["contribution"] for item in of_frame]


# --- decisions that were refused, and bars on which nothing was decided ---------------------------------------------


def decided_otherwise(machine):
    return [row for row in decisions_in(machine) if row.outcome != "approved"]


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal in which the gate refuses too: the drawdown stop is soon reached."""
    path = tmp_path_factory.mktemp("refusing") / "run.journal"
    settings = RunSettings(
        timeframes=(1, 4),
        risk={"drawdown_stop": 0.01},
        technical={"timeframe_weights": (0.4, 0.6), "min_coverage": 0.0},
    )
    backtest(synthetic_bars(5, 2500, HOUR_NS, *SYMBOLS[0]), strategies=["hybrid"], settings=settings, journal=path)
    return path


def test_every_decision_of_the_gate_is_explained_refused_ones_too(refusing):
    contents = read_journal(refusing)
    machine = verify(contents).machine
    refused = decided_otherwise(machine)
    assert refused
    assert len(refused) < len(decisions_in(machine))
    for row in refused[:3]:
        one = explain(contents, row.label, machine=machine)
        assert (one.outcome, one.trade, one.is_remade_equal) == (row.outcome, None, True)
        assert one.gate["approved_lots"] == 0
        assert contributions_of(one.technical)[1] == one.technical.score == one.fused_direction
        assert one.technical.is_confluent
        assert (one.commands, one.fills, one.result) == ((), (), None)
    approved = next(row for row in decisions_in(machine) if row.outcome == "approved")
    one = explain(contents, approved.label, machine=machine)
    assert one.commands
    assert one.outcome == "approved"


def test_what_was_said_on_any_bar_is_explained_whatever_came_of_it(contents, machine):
    events = market_events(contents)
    known = np.unique(events["ts_ns"][events["symbol"] == 1])
    found: dict[str, int] = {}
    for ts_ns in known[300:1200:7]:
        label = f"ETHUSDT@{np.datetime64(int(ts_ns), 'ns')}"
        one = explain(contents, label, strategy="hybrid", machine=machine)
        found[one.outcome] = found.get(one.outcome, 0) + 1
        assert (one.symbol, one.strategy, one.ts_ns) == ("ETHUSDT", "hybrid", ts_ns)
        assert contributions_of(one.technical)[1] == one.technical.score == one.signal["direction"]
        if one.outcome == "short_on_spot":
            assert one.technical.score <= -one.technical.threshold
        if one.outcome == "hold" and one.gate is None and one.signal["direction"] > 0.25:
            assert one.technical.is_confluent  # it holds a position
    assert found.keys() >= {"hold", "short_on_spot"}
    assert len(found) >= 3


def test_a_decision_is_the_same_by_its_number_and_by_its_time(contents, machine, explained):
    by_trade = explained[0]
    by_number = explain(contents, f"decision-{by_trade.gate['decision_id']}", machine=machine)
    time = np.datetime64(by_trade.ts_ns, "ns")
    by_time = explain(contents, f"{by_trade.symbol}@{time}Z", strategy=by_trade.strategy, machine=machine)
    assert by_number.technical == by_time.technical == by_trade.technical
    assert by_number.outcome == by_time.outcome == "approved"
    assert by_number.commands == by_trade.commands
    assert by_time.kelly == by_trade.kelly


def test_before_a_timeframe_is_warm_it_is_told_as_absent(contents, machine):
    start = int(market_events(contents)["ts_ns"][0])
    early = explain(contents, f"BTCUSDT@{np.datetime64(start + 40 * HOUR_NS, 'ns')}", machine=machine)
    assert (early.outcome, early.technical.coverage) == ("hold", 0.0)
    assert math.isnan(early.technical.score)
    assert early.to_json()["technical"]["score"] is None
    later = explain(contents, f"BTCUSDT@{np.datetime64(start + 300 * HOUR_NS, 'ns')}", machine=machine)
    assert [frame.score.is_warm for frame in later.frames] == [True, True, False]
    assert contributions_of(later.technical)[1] == later.technical.score
    assert all(item["contribution"] == 0.0 for item in later.technical.contributions[10:])


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("decision-99999", "it holds decision-1 to decision-"),
        ("DOGEUSDT@2024-01-05T00:00", "no symbol"),
        ("BTCUSDT@yesterday", "is no time"),
        ("BTCUSDT@1999-01-05T00:00", "no bar of BTCUSDT"),
        ("BTCUSDT@2024-01-05T00:30", "no bar of BTCUSDT"),
    ],
)
def test_a_decision_that_is_not_there_is_refused_with_a_remedy(contents, machine, label, words):
    with pytest.raises(UsageError, match=words):
        explain(contents, label, machine=machine)


def test_a_strategy_that_did_not_run_is_refused_with_those_that_did(contents, machine):
    with pytest.raises(UsageError, match="it ran hybrid, ema_cross"):
        explain(contents, "BTCUSDT@2024-01-05T00:00", strategy="breakout", machine=machine)


def test_the_command_shows_contributions_of_a_refusal_as_text_and_as_json(refusing):
    listed = bot4("explain", refusing, "--decisions", "--json").json["decisions"]
    refused = next(row for row in listed if row["outcome"] != "approved")
    record = bot4("explain", refusing, refused["label"], "--json").json
    items, total = contributions_of(record["technical"])
    assert total == record["technical"]["score"] == record["fused_direction"]
    assert {item["family"] for item in items} == set(FAMILIES)
    page = bot4("explain", refusing, refused["label"])
    assert page.code == 0
    assert f"{refused['outcome']}: BTCUSDT by hybrid" in page.out
    for words in ("the contributions to the score", "damper", "alignment", "structure", "the clamps"):
        assert words in page.out
    text = bot4("explain", refusing, "--decisions").out
    assert refused["label"] in text
    assert "refusals counted" in text
    at = str(np.datetime64(refused["ts_ns"], "ns"))[:16]
    page = bot4("explain", refusing, f"BTCUSDT@{at}")
    assert "no decision of the gate on record" in page.out
    assert bot4("explain", refusing, "BTCUSDT@never").code == 2


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
