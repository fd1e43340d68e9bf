"""The built-in strategies, each against its rule written out in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.pipeline.state import ENTER, HOLD, LEAVE, N_STRATEGY_COLUMNS
from bot4.pipeline.strategies import hybrid as hybrid_module
from bot4.pipeline.strategies.hybrid import FAMILIES, VOTES, contributions
from bot4.pipeline.strategies.registry import built_in, get, resolve
from bot4.quant.indicators.arrays import compute
from tests.strategy_runs import LOT, Asked, at_once, every, random_bars, table

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


def test_the_hybrid_finds_each_output_where_it_looks_for_it():
    columns = resolve(get("hybrid")).columns
    expected = {
        "_SMA": "sma_20", "_EMA_12": "ema_12", "_EMA_26": "ema_26", "_EMA_50": "ema_50", "_WMA": "wma_20",
        "_KAMA": "kama_10", "_HMA": "hma_16", "_MACD_HISTOGRAM": "macd_12_26_9.histogram", "_ADX": "adx_14.adx",
        "_PLUS_DI": "adx_14.plus_di", "_MINUS_DI": "adx_14.minus_di", "_AROON": "aroon_25.oscillator",
        "_SAR_DIRECTION": "parabolic_sar_0.02_0.2.direction", "_SUPERTREND_DIRECTION": "supertrend_10_3.direction",
        "_TENKAN": "ichimoku_9_26_52_26.tenkan", "_KIJUN": "ichimoku_9_26_52_26.kijun",
        "_SENKOU_A": "ichimoku_9_26_52_26.senkou_a", "_SENKOU_B": "ichimoku_9_26_52_26.senkou_b",
        "_SLOPE": "linear_regression_slope_20", "_RSI": "rsi_14", "_STOCHASTIC_K": "stochastic_14_3_3.k",
        "_STOCHASTIC_D": "stochastic_14_3_3.d", "_CCI": "cci_20", "_WILLIAMS": "williams_r_14", "_ROC": "roc_10",
        "_TRIX": "trix_15", "_ULTIMATE": "ultimate_oscillator_7_14_28", "_ATR": "atr_14",
        "_PERCENT_B": "bollinger_20_2.percent_b", "_KELTNER_UPPER": "keltner_20_10_2.upper",
        "_KELTNER_MIDDLE": "keltner_20_10_2.middle", "_DONCHIAN_UPPER": "donchian_20.upper",
        "_DONCHIAN_MIDDLE": "donchian_20.middle", "_DEVIATION": "standard_deviation_20", "_Z_SCORE": "z_score_50",
        "_OBV": "obv", "_VWAP": "vwap", "_CMF": "cmf_20", "_MFI": "mfi_14",
    }  # fmt: skip
    assert {name: columns[getattr(hybrid_module, name)] for name in expected} == expected


def test_the_hybrid_follows_a_trend_up_and_down():
    rising = hybrid(random_bars(1_500, 21, drift=0.003, volatility=0.003)).signals["direction"][1_200:]
    falling = hybrid(random_bars(1_500, 21, drift=-0.003, volatility=0.003)).signals["direction"][1_200:]
    assert rising.min() > 0.2
    assert falling.max() < -0.2


def test_the_hybrid_says_nothing_until_every_frame_is_warm_and_stays_within_its_bounds():
    run = hybrid(random_bars(2_500, 22))
    spoken = run.signals["direction"] != 0.0
    slowest = resolve(get("hybrid"))
    warm = np.flatnonzero(~np.isnan(table(slowest, every(random_bars(2_500, 22), 12))).any(axis=1))[0]
    first = int(np.flatnonzero(spoken)[0])
    assert first == (warm + 1) * 12 - 1
    assert np.abs(run.signals["direction"]).max() <= 1.0
    assert run.signals["confidence"].min() >= 0.0
    assert run.signals["confidence"].max() <= 1.0
    assert spoken[first:].mean() > 0.99
    assert not run.statuses.any()


def test_the_hybrid_enters_past_its_thresholds_and_leaves_once_the_score_has_turned():
    run = hybrid(random_bars(4_000, 23))
    score, confidence, lots = run.signals["direction"], run.signals["confidence"], run.lots
    expected = np.where((lots == 0) & (np.abs(score) >= 0.25) & (confidence >= 0.35), ENTER, HOLD)
    expected = np.where((lots != 0) & (score * np.sign(lots) < -0.10), LEAVE, expected)
    np.testing.assert_array_equal(run.signals["action"], expected)
    assert (expected == ENTER).sum() > 5
    assert (expected == LEAVE).sum() > 5


def test_changing_later_bars_changes_no_earlier_signal():
    bars = random_bars(1_600, 24)
    changed = random_bars(1_600, 24)
    for name in ("open", "high", "low", "close", "volume"):
        getattr(changed, name)[1_300:] *= 1.5
    before, after = hybrid(bars).signals[:1_300], hybrid(changed).signals[:1_300]
    assert before.tobytes() == after.tobytes()


def test_contributions_are_what_the_decision_was_made_of():
    bars = random_bars(1_400, 25)
    strategy = resolve(get("hybrid"))
    columns = np.arange(len(strategy.columns), dtype=np.int64)
    weights = dict(zip(FAMILIES, (0.40, 0.25, 0.15, 0.20), strict=True))
    frame_weights = (0.30, 0.35, 0.35)
    scores = []

    def look(t, memory, rows):
        if t < 1_300:
            return
        total = 0.0
        for k, factor in enumerate(FACTORS):
            close = bars.close[(t + 1) // factor * factor - 1]
            part = contributions(close, rows[k], columns, strategy.params, memory, k)
            assert list(part.votes) == [name for _, name in VOTES]
            for family in FAMILIES:
                mean = np.mean([part.votes[name] for of, name in VOTES if of == family])
                assert part.scores[family] == pytest.approx(mean, abs=1e-12)
            assert part.strength == pytest.approx(sum(weights[f] * part.scores[f] for f in FAMILIES), abs=1e-12)
            total += frame_weights[k] * part.strength
        scores.append(total)

    run = Asked(strategy, bars, at_once, FACTORS, look)
    np.testing.assert_allclose(run.signals["direction"][1_300:], scores, atol=1e-12)


def test_every_vote_moves_the_score():
    run = hybrid(random_bars(3_000, 26))
    assert run.memory[hybrid_module._VOTES_AT :][: len(VOTES)].any()
    strategy = resolve(get("hybrid"))
    features = table(strategy, random_bars(3_000, 26))[-200:]
    columns = np.arange(len(strategy.columns), dtype=np.int64)
    closes = random_bars(3_000, 26).close[-200:]
    votes = [
        contributions(close, row, columns, strategy.params, run.memory, 0).votes
        for close, row in zip(closes, features, strict=True)
    ]
    for _, name in VOTES:
        values = np.array([v[name] for v in votes])
        assert np.abs(values).max() <= 1.0, name
        assert np.unique(values).size > 1, name


def test_a_market_that_does_not_move_gives_no_direction():
    bars = random_bars(1_500, 27, volatility=0.0)
    run = hybrid(bars)
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
    assert 1 <= info.n_frames <= 3
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
