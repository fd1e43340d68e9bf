"""The technical voice: votes and families on bars, mirrored markets, warm-up, and the pipeline against plain runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bot4.domain.bars import BarSeries
from bot4.domain.errors import SettingError
from bot4.engine.machine import assemble
from bot4.engine.session import Session
from bot4.engine.settings import RunSettings
from bot4.kernel import KERNELS
from bot4.pipeline.signals.settings import TechnicalSettings
from bot4.pipeline.signals.technical import COLUMNS, INDICATORS, VOTES, damper_of
from bot4.pipeline.state import FAMILIES, N_FRAMES
from bot4.pipeline.strategies.registry import get, resolve
from bot4.quant.indicators.bank import BankSpec
from tests.look_ahead import by_replay, by_session
from tests.run_harness import LENIENT, market, planned
from tests.strategy_runs import random_bars
from tests.technical_runs import Heard, feature_table

FACTORS = (1, 3, 12)
_VALUE_WEIGHTED = {"trix", "mfi"}  # a mirror of prices is no mirror of their ratios


def mirrored(bars: BarSeries, about: float) -> BarSeries:
    """The same market upside down: every price reflected about one."""
    return replace(
        bars, open=2 * about - bars.open, high=2 * about - bars.low, low=2 * about - bars.high,
        close=2 * about - bars.close,
    )  # fmt: skip


def gentle(n: int, seed: int) -> BarSeries:
    """A market whose moves are small beside its price."""
    return random_bars(n, seed, volatility=0.0005)


# --- votes and families ----------------------------------------------------------------------------------------------


def test_every_column_that_votes_is_in_the_bank_that_is_asked_for():
    members = BankSpec.of(INDICATORS).members
    assert len(members) == len(INDICATORS) >= 30
    assert set(COLUMNS) <= {column for member in members for column in member.columns}
    for member in members:
        assert set(member.columns) & set(COLUMNS), f"{member.label} is computed and does not vote"


def test_every_vote_moves_and_keeps_within_its_bounds_and_every_family_is_the_mean_of_its_votes():
    heard = Heard(random_bars(700, 26), (1,))
    seen = {vote: [] for vote in VOTES}
    for t in range(500, 700):
        votes = heard.votes(t, 0)
        for family, name in VOTES:
            seen[family, name].append(votes[family][name])
        families = heard.score(t).timeframes[0].families
        for family in FAMILIES:
            assert families[family] == pytest.approx(np.mean(list(votes[family].values())), abs=1e-14)
            assert -1.0 <= families[family] <= 1.0
    for vote, values in seen.items():
        assert np.abs(values).max() <= 1.0, vote
        assert np.unique(values).size > 1, vote


@pytest.mark.parametrize(("drift", "side"), [(0.003, 1.0), (-0.003, -1.0)])
def test_every_family_follows_a_steady_trend(drift, side):
    heard = Heard(random_bars(400, 21, drift=drift, volatility=0.002), (1,))
    for family in FAMILIES:
        mean = np.mean([heard.score(t).timeframes[0].families[family] for t in range(200, 400)])
        assert mean * side > 0.3, family


def test_votes_are_those_of_the_documented_formulas():
    bars = random_bars(400, 28)
    heard, t = Heard(bars, (1,)), 399
    f = dict(zip(COLUMNS, feature_table(bars)[t], strict=True))
    close, atr, votes = bars.close[t], f["atr_14"], heard.votes(t, 0)

    def u(x):
        return min(max(x, -1.0), 1.0)

    assert votes["trend"]["sma"] == pytest.approx(u((close - f["sma_20"]) / (2 * atr)))
    assert votes["trend"]["ema_12_26"] == pytest.approx(u((f["ema_12"] - f["ema_26"]) / atr))
    assert votes["momentum"]["momentum"] == pytest.approx(u((close - bars.close[t - 10]) / (2 * atr)))
    assert votes["momentum"]["rsi"] == pytest.approx(u((f["rsi_14"] - 50) / 25))
    deviation = np.std(bars.close[t - 19 : t + 1])
    middle = np.mean(bars.close[t - 19 : t + 1])
    expansion = u(deviation / atr)
    assert votes["volatility"]["bollinger"] == pytest.approx(expansion * u((close - middle) / (2 * deviation)))
    assert votes["volume"]["cmf"] == pytest.approx(u(4 * f["cmf_20"]))
    high, low = bars.high[t - 19 : t + 1].max(), bars.low[t - 19 : t + 1].min()
    assert votes["structure"]["donchian"] == pytest.approx((close - (high + low) / 2) / ((high - low) / 2))
    path = np.abs(np.diff(bars.close[t - 10 : t + 1])).sum()
    assert votes["structure"]["efficiency"] == pytest.approx((close - bars.close[t - 10]) / path)
    slope, at = np.polyfit(np.arange(20), bars.close[t - 19 : t + 1], 1)
    r2 = np.corrcoef(np.arange(20), bars.close[t - 19 : t + 1])[0, 1] ** 2
    assert votes["structure"]["linear_regression"] == pytest.approx(r2 * u(20 * slope / (3 * atr)))
    assert at > 0


def test_a_mirrored_market_gives_the_mirrored_score():
    bars = gentle(1_100, 3)
    up, down = Heard(bars, FACTORS), Heard(mirrored(bars, bars.close[0]), FACTORS)
    for t in range(1_000, 1_100):
        for family, name in VOTES:
            for k in range(len(FACTORS)):
                above, below = up.votes(t, k)[family][name], down.votes(t, k)[family][name]
                assert above == pytest.approx(-below, abs=0.03 if name in _VALUE_WEIGHTED else 1e-9), (name, k)
        assert up.score(t).score == pytest.approx(-down.score(t).score, abs=2e-3)
        assert up.score(t).alignment == pytest.approx(down.score(t).alignment, abs=1e-2)


def test_a_market_that_does_not_move_says_nothing_of_direction():
    for t in (300, 399):
        found = Heard(random_bars(400, 27, volatility=0.0), (1,)).score(t)
        assert abs(found.score) < 0.25
        assert all(math.isfinite(c) for c in found.contributions)


# --- volatility as a damper ------------------------------------------------------------------------------------------


def test_the_damper_is_the_usual_range_over_the_present_one_and_never_more_than_one():
    assert damper_of(2.0, 1.0) == 0.5
    assert damper_of(1.0, 2.0) == 1.0
    assert damper_of(0.0, 0.0) == 1.0
    assert math.isnan(damper_of(math.nan, 1.0))


def test_a_burst_of_volatility_damps_every_family_of_its_timeframe():
    calm = random_bars(500, 5)
    wild = random_bars(500, 5)
    for name in ("open", "high", "low", "close"):
        values = getattr(wild, name)
        values[450:] = values[450] * (values[450:] / values[450]) ** 5
    before, after = Heard(calm, (1,)).score(470), Heard(wild, (1,)).score(470)
    damper = after.timeframes[0].damper
    assert damper < 0.8
    assert before.timeframes[0].damper > 0.9
    for family in FAMILIES:
        one = after.timeframes[0]
        assert one.contributions[family] == pytest.approx(damper * 0.2 * one.families[family], abs=1e-14)


# --- warm-up and the future ------------------------------------------------------------------------------------------


def test_a_timeframe_is_absent_until_every_vote_of_it_is_defined_and_speaks_from_then_on():
    heard = Heard(random_bars(1_100, 22), FACTORS)
    warm = [int(np.flatnonzero(~np.isnan(table).any(axis=1))[0]) for table in heard.tables]
    first = [(bar + 1) * factor - 1 for bar, factor in zip(warm, FACTORS, strict=True)]
    for t in range(1_100):
        for k, one in enumerate(heard.score(t).timeframes):
            assert one.is_warm == (t >= first[k])
            assert one.is_warm or not any(one.contributions.values())
    second = first[1]
    assert math.isnan(heard.score(second - 1).score)  # one of three is too little
    assert math.isfinite(heard.score(second).score)
    assert heard.score(second).coverage == pytest.approx(2 / 3)
    assert heard.score(first[2]).coverage == 1.0


def test_changing_later_bars_changes_nothing_that_was_said():
    bars, changed = random_bars(1_200, 24), random_bars(1_200, 24)
    for name in ("open", "high", "low", "close", "volume"):
        getattr(changed, name)[1_000:] *= 1.5
    before, after = Heard(bars).states[:1_000], Heard(changed).states[:1_000]
    assert before.tobytes() == after.tobytes()


# --- in the pipeline -------------------------------------------------------------------------------------------------


def machine_says(bars, settings, feed):
    """TECHNICAL_STATE of the machine after every bar."""
    plan, tape = planned([bars], ("hybrid",), settings)
    machine = plan.machine()
    return [machine.brain[0]["technical"][0].copy() for _ in feed(machine, tape.events)]


def on_the_grid(bars: BarSeries) -> BarSeries:
    """Bars with the prices that the pipeline computes with: whole ticks times the tick."""
    plan, tape = planned([bars], ("hybrid",))
    events = tape.events
    tick = float(plan.universe.instruments[0].tick_size)
    return replace(bars, **{name: events[f"{name}_ticks"] * tick for name in ("open", "high", "low", "close")})


@pytest.mark.parametrize("feed", [by_session, by_replay], ids=["live", "replay"])
@pytest.mark.parametrize("factors", [(1,), (1, 3, 12), (1, 2, 4, 6, 8, 24)])
def test_the_pipeline_says_what_a_plain_run_over_whole_arrays_says(feed, factors):
    bars = on_the_grid(market(600)[0])
    bars = replace(bars, **{n: getattr(bars, n)[_aligned(bars, factors[-1]) :] for n in _COLUMNS})
    said = machine_says(bars, LENIENT.model_copy(update={"timeframes": factors}), feed)
    heard = Heard(bars, factors)
    for t, state in enumerate(said):
        for k in range(len(factors)):
            for field in ("families", "damper", "strength"):
                got, want = state["frames"][k][field], heard.states[t]["frames"][k][field]
                np.testing.assert_array_equal(got, want, err_msg=f"{field} of {k} after bar {t}")
        assert state["confluence"].tobytes() == heard.states[t]["confluence"].tobytes(), t
    assert not np.isnan(said[-1]["confluence"]["score"])


_COLUMNS = ("ts_open_ns", "open", "high", "low", "close", "volume")


def _aligned(bars: BarSeries, factor: int) -> int:
    """The first bar that opens a bar of ``factor`` base bars."""
    return int(np.flatnonzero(bars.ts_open_ns % (factor * bars.interval_ns) == 0)[0])


def test_another_set_of_timeframes_and_weights_compiles_nothing():
    plan, tape = planned(market(300), ("hybrid",))
    for _ in by_replay(plan.machine(), tape.events):
        pass
    compiled = {name: getattr(entry.compiled, "nopython_signatures", None) for name, entry in KERNELS.items()}
    settings = LENIENT.model_copy(
        update={
            "timeframes": (1, 5, 15, 60, 240, 1440),
            "technical": TechnicalSettings(timeframe_weights=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), trend_weight=0.9),
        }
    )
    plan, tape = planned(market(300), ("hybrid",), settings)
    machine = plan.machine()
    for _ in by_replay(machine, tape.events):
        pass
    assert int(machine.config[0]["n_frames"]) == N_FRAMES
    after = {name: getattr(entry.compiled, "nopython_signatures", None) for name, entry in KERNELS.items()}
    assert {name: after[name] for name in compiled} == compiled


def test_weights_decide_what_is_said():
    bars = market(400)[0]
    slow = LENIENT.model_copy(
        update={"timeframes": (1, 4), "technical": TechnicalSettings(timeframe_weights=(0.0, 1.0))}
    )
    for state in machine_says(bars, slow, by_replay)[350:]:
        assert state["confluence"]["score"] == pytest.approx(state["frames"][1]["strength"], abs=1e-15)


def test_a_run_whose_timeframes_and_weights_do_not_fit_is_refused():
    with pytest.raises(ValueError, match="holds 2, but there are 3 timeframes"):
        RunSettings(technical=TechnicalSettings(timeframe_weights=(0.5, 0.5)))
    with pytest.raises(ValueError, match="at most 6"):
        RunSettings(timeframes=(1, 2, 3, 4, 5, 6, 7))
    with pytest.raises(ValueError, match="rise from 1"):
        RunSettings(timeframes=(2, 4))
    info = replace(get("ema_cross"), n_frames=2)
    plan, _ = planned(market(50), ("ema_cross",))
    with pytest.raises(SettingError, match="reads 2 timeframes, but the run has 1"):
        assemble(plan.universe, [resolve(info)], RunSettings(timeframes=(1,)), plan.interval_ns)


LISTENING = '''
from bot4 import Signal, Strategy


class Listening(Strategy):
    """Enters on the side of the technical voice and leaves when it turns."""

    uses_technical = True
    heard = []

    def on_bar(self, view):
        Listening.heard.append((view.technical_score, view.technical_alignment, view.technical_confidence))
        if view.position_quantity == 0 and not view.is_entering and view.technical_score > 0.25:
            return Signal.enter(view.technical_score, confidence=view.technical_confidence)
        return Signal.leave() if view.technical_score < -0.1 else None
'''


def test_a_strategy_in_ordinary_python_hears_the_same_voice_on_the_same_bar(tmp_path):
    path = tmp_path / "listening.py"
    path.write_text(LISTENING)
    bars = market(500)[0]
    plan, tape = planned([bars], (str(path),))
    machine = plan.machine()
    session = Session(machine, None, plan.strategies)
    says = []
    for at in range(len(tape.events)):
        session.take(tape.events[at : at + 1])
        found = machine.brain[0]["technical"][0]["confluence"]
        says.append([found[name].item() for name in ("score", "alignment", "confidence")])
    heard = machine.strategies[0].info.python.heard
    np.testing.assert_array_equal(heard, says)
    kernel_says = [state["confluence"]["score"] for state in machine_says(bars, LENIENT, by_session)]
    np.testing.assert_array_equal([score for score, _, _ in heard], kernel_says)
    assert np.isfinite(kernel_says).sum() > 200
    assert machine.log.count("decisions") > 0


def test_a_strategy_that_does_not_listen_hears_nothing_and_costs_nothing():
    plan, tape = planned(market(300), ("ema_cross",))
    machine = plan.machine()
    for _ in by_session(machine, tape.events):
        pass
    assert math.isnan(machine.brain[0]["view"]["technical_score"])
    assert int(machine.config[0]["n_frames"]) == 1
    assert not machine.brain[0]["technical"]["frames"]["completed"].any()


def test_a_strategy_that_listens_may_be_put_in_while_it_runs():
    plan, tape = planned(market(700), ("ema_cross", "breakout"))
    machine = plan.machine()
    session = Session(machine)
    for at in range(500):
        session.take(tape.events[at : at + 1])
    machine.install(0, resolve(get("hybrid")))
    assert int(machine.config[0]["n_frames"]) == 3
    scores = []
    for at in range(500, 700):
        session.take(tape.events[at : at + 1])
        scores.append(float(machine.brain[0]["technical"][0]["confluence"]["score"]))
    state = machine.brain[0]["technical"][0]
    assert not math.isnan(state["frames"][0]["strength"])
    assert math.isnan(state["frames"][2]["strength"])  # its bars began with the strategy
    assert math.isnan(scores[0])  # one timeframe of three
    lone = LENIENT.model_copy(update={"timeframes": (1,)})
    plan, tape = planned(market(700), ("ema_cross", "breakout"), lone)
    machine = plan.machine()
    session = Session(machine)
    for at in range(500):
        session.take(tape.events[at : at + 1])
    machine.install(0, resolve(get("hybrid")))
    session.take(tape.events[500:501])
    assert math.isfinite(machine.brain[0]["technical"][0]["confluence"]["score"])
