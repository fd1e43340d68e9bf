"""The built-in strategies, each against its rule written out in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.pipeline.state import ENTER, HOLD, LEAVE, N_FRAMES, N_STRATEGY_COLUMNS
from bot4.pipeline.strategies.registry import built_in, get, resolve
from bot4.quant.indicators.arrays import compute
from tests.strategy_runs import LOT, Asked, at_once, random_bars
from tests.technical_runs import Heard

FACTORS = (1, 3, 12)


def asked(name, bars, fill=at_once, factors=(1,), **params):
    return Asked(resolve(get(name), params), bars, fill, factors)


def with_stops(bars, fraction):
    """Fills at once, and stops a long whose low falls under its entry's stop."""
    entry = {}

    def fill(t, lots, signal):
        if lots > 0 and bars.low[t] <= entry["stop"]:
            lots = 0
        after = at_once(t, lots, signal)
        if lots == 0 and after > 0:
            entry["stop"] = bars.close[t] * (1 - fraction)
        return after

    return fill


# --- EMA cross -------------------------------------------------------------------------------------------------


def plain_ema(values, period):
    result, average = np.full(len(values), np.nan), float(np.mean(values[:period]))
    result[period - 1] = average
    for t in range(period, len(values)):
        average += 2.0 / (period + 1) * (values[t] - average)
        result[t] = average
    return result


@pytest.mark.parametrize("seed", range(4))
def test_ema_cross_buys_every_up_cross_while_flat_and_leaves_at_every_down_cross(seed):
    bars = random_bars(3_000, seed)
    run = asked("ema_cross", bars, with_stops(bars, 0.005))
    fast, slow = plain_ema(bars.close, 10), plain_ema(bars.close, 20)
    expected = np.zeros(3_000, dtype=np.int64)
    for t in range(20, 3_000):
        if fast[t] > slow[t] and fast[t - 1] <= slow[t - 1] and run.lots[t] == 0:
            expected[t] = ENTER
        if fast[t] < slow[t] and fast[t - 1] >= slow[t - 1] and run.lots[t] > 0:
            expected[t] = LEAVE
    np.testing.assert_array_equal(run.signals["action"], expected)
    assert (expected == ENTER).sum() > 30
    stopped = (np.diff(run.lots) < 0) & (run.signals["action"][:-1] == HOLD)
    assert stopped.sum() > 5  # so that waiting for the next cross was put to the test


def test_ema_cross_asks_for_its_fixed_quantity_and_stop():
    bars = random_bars(500, 1)
    run = asked("ema_cross", bars, quantity=0.01, stop=0.005)
    entries = run.signals[run.signals["action"] == ENTER]
    assert (entries["fixed_lots"] == 1_000).all()
    closes = bars.close[run.signals["action"] == ENTER]
    np.testing.assert_allclose(entries["stop_distance"], 0.005 * closes, rtol=1e-12)
    assert not entries["has_targets"].any()


def test_a_quantity_below_one_lot_suspends_instead_of_buying_another_size():
    run = asked("ema_cross", random_bars(500, 1), quantity=LOT / 2)
    assert run.statuses.any()
    assert not (run.signals["action"] == ENTER).any()


def test_a_quantity_of_nought_leaves_the_size_to_kelly():
    run = asked("ema_cross", random_bars(500, 1), quantity=0.0)
    assert (run.signals["action"] == ENTER).any()
    assert not run.signals["fixed_lots"].any()


# --- breakout, mean reversion, buy and hold ----------------------------------------------------------------------


@pytest.mark.parametrize("may_short", [0, 1])
def test_breakout_enters_beyond_the_channel_of_the_bars_before_and_leaves_through_the_shorter_one(may_short):
    bars = random_bars(2_000, 11)
    run = asked("breakout", bars, may_short=may_short)
    expected = np.zeros(2_000, dtype=np.int64)
    sides = np.zeros(2_000)
    for t in range(20, 2_000):
        lots = run.lots[t]
        if (lots > 0 and bars.close[t] < bars.low[t - 10 : t].min()) or (
            lots < 0 and bars.close[t] > bars.high[t - 10 : t].max()
        ):
            expected[t] = LEAVE
        elif lots == 0 and bars.close[t] > bars.high[t - 20 : t].max():
            expected[t], sides[t] = ENTER, 1.0
        elif lots == 0 and may_short and bars.close[t] < bars.low[t - 20 : t].min():
            expected[t], sides[t] = ENTER, -1.0
    np.testing.assert_array_equal(run.signals["action"], expected)
    is_entry = expected == ENTER
    np.testing.assert_array_equal(run.signals["direction"][is_entry], sides[is_entry])
    atr = compute("atr", bars, period=14)["atr_14"]
    np.testing.assert_allclose(run.signals["stop_distance"][is_entry], 2.0 * atr[is_entry])
    assert is_entry.sum() > 10


@pytest.mark.parametrize("may_short", [0, 1])
def test_mean_reversion_enters_far_from_the_mean_and_leaves_at_it(may_short):
    bars = random_bars(4_000, 12)
    run = asked("mean_reversion", bars, may_short=may_short, oversold=35.0)
    rsi = compute("rsi", bars, period=14)["rsi_14"]
    expected = np.zeros(4_000, dtype=np.int64)
    for t in range(49, 4_000):
        window = bars.close[t - 49 : t + 1]
        z = (window[-1] - window.mean()) / window.std()
        lots = run.lots[t]
        if (lots > 0 and z >= 0.0) or (lots < 0 and z <= 0.0):
            expected[t] = LEAVE
        elif (lots == 0 and z <= -2.0 and rsi[t] <= 35.0) or (lots == 0 and may_short and z >= 2.0 and rsi[t] >= 65.0):
            expected[t] = ENTER
    np.testing.assert_array_equal(run.signals["action"], expected)
    assert (expected == ENTER).sum() > 10


def test_buy_and_hold_enters_once_and_never_again_even_after_it_was_sold():
    def sold_at_fifty(t, lots, signal):
        return 0 if t == 50 else at_once(t, lots, signal)

    run = asked("buy_and_hold", random_bars(200, 13), sold_at_fifty)
    assert run.signals["action"].tolist() == [ENTER] + [HOLD] * 199
    assert run.signals["stop_distance"][0] == 0.0


def test_buy_and_hold_asks_again_until_it_is_let_in():
    run = asked("buy_and_hold", random_bars(20, 13), lambda t, lots, signal: 1_000 if t >= 5 else 0)
    assert (run.signals["action"][:6] == ENTER).all()
    assert (run.signals["action"][6:] == HOLD).all()


# --- the hybrid ------------------------------------------------------------------------------------------------


def hybrid(bars, **params):
    return asked("hybrid", bars, factors=FACTORS, **params)


def test_the_hybrid_follows_a_trend_up_and_down():
    rising = hybrid(random_bars(1_500, 21, drift=0.003, volatility=0.003)).signals["direction"][1_200:]
    falling = hybrid(random_bars(1_500, 21, drift=-0.003, volatility=0.003)).signals["direction"][1_200:]
    assert rising.min() > 0.2
    assert falling.max() < -0.2


def test_the_hybrid_says_what_the_technical_voice_says():
    bars = random_bars(2_500, 22)
    run, heard = hybrid(bars), Heard(bars, FACTORS).states["confluence"]
    speaks = ~np.isnan(heard["score"])
    assert speaks.mean() > 0.8
    for field, said in (("direction", "score"), ("confidence", "confidence")):
        np.testing.assert_array_equal(run.signals[field], np.where(speaks, heard[said], 0.0))
    assert not run.signals["action"][~speaks].any()
    assert not run.statuses.any()


def test_the_hybrid_enters_on_a_confluence_and_leaves_once_the_score_has_turned():
    run = hybrid(random_bars(4_000, 23))
    score, lots = run.signals["direction"], run.lots
    expected = np.where((lots == 0) & (np.abs(score) >= 0.25), ENTER, HOLD)
    expected = np.where((lots != 0) & (score * np.sign(lots) < -0.10), LEAVE, expected)
    np.testing.assert_array_equal(run.signals["action"], expected)
    assert (expected == ENTER).sum() > 5
    assert (expected == LEAVE).sum() > 5


def test_a_market_that_does_not_move_gives_no_direction():
    run = hybrid(random_bars(1_500, 27, volatility=0.0))
    assert np.abs(run.signals["direction"]).max() < 0.25
    assert not run.signals["action"].any()


# --- what they declare -----------------------------------------------------------------------------------------


def test_the_built_in_strategies_are_found():
    assert list(built_in()) == ["breakout", "buy_and_hold", "ema_cross", "hybrid", "mean_reversion"]


@pytest.mark.parametrize("name", list(built_in()))
def test_every_strategy_declares_itself_well(name):
    info = get(name)
    strategy = resolve(info)
    assert info.summary
    assert 1 <= info.n_frames <= N_FRAMES
    assert len(strategy.columns) <= N_STRATEGY_COLUMNS
    for parameter in info.parameters:
        assert parameter.low <= parameter.default <= parameter.high
        assert parameter.unit
        assert parameter.summary
        with pytest.raises(SettingError, match=parameter.name):
            resolve(info, {parameter.name: parameter.high + 1})


def test_an_override_reaches_the_indicators_that_refer_to_it():
    strategy = resolve(get("ema_cross"), {"fast": 7, "slow": 33})
    assert strategy.columns == ("ema_7", "ema_33")
    assert strategy.params.tolist() == [7.0, 33.0, 0.01, 0.005]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [({"fats": 3}, "unknown parameter 'fats'"), ({"fast": 2.5}, "whole number"), ({"fast": float("nan")}, "fast"),
     ({"fast": "ten"}, "fast"), ({"fast": True}, "fast")],
)  # fmt: skip
def test_a_parameter_that_does_not_fit_is_refused(overrides, words):
    with pytest.raises(SettingError, match=words):
        resolve(get("ema_cross"), overrides)


def test_an_unknown_strategy_names_the_known_ones():
    with pytest.raises(SettingError, match="hybrid"):
        get("hybird")
