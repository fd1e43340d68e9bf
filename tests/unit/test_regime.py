"""The regime: the filter, its fit, persistence, the crisis triggers, and the voices' slots."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bot4.domain.errors import DataError
from bot4.pipeline.decision.settings import FIT_LEAST_STAY_HOURS, FIT_START, RegimeSettings
from bot4.pipeline.state import BEAR, BULL, CRISIS, SENTIMENT, SIDEWAYS
from bot4.quant.regimes import RegimeModel, fit_regimes, hamilton_step, standardised_returns
from tests.decision_records import NOW_NS, a_brain, a_config, run_regime, run_set_voice
from tests.shared_data import bars_path, requires_shared_data

STICKY = np.where(np.eye(4) > 0, 0.97, 0.01)
LONG_DEVIATION = 0.01


# --- the filter ------------------------------------------------------------------------------------------------


def plain_filter(values, model):
    """Bayes' rule written out, without logarithms."""
    probability = np.full(len(model.mean), 1.0 / len(model.mean))
    for value in values:
        predicted = probability @ model.transition
        density = np.exp(-0.5 * ((value - model.mean) / model.deviation) ** 2) / model.deviation
        probability = predicted * density / (predicted * density).sum()
        yield probability


def a_model():
    defaults = RegimeSettings()
    transition = np.array(defaults.transition)
    return RegimeModel(
        np.array(defaults.mean), np.array(defaults.deviation), transition / transition.sum(axis=1, keepdims=True)
    )


def test_the_filter_is_bayes_rule():
    values = np.random.default_rng(1).standard_normal(300)
    filtered, _ = a_model().filtered(values)
    np.testing.assert_allclose(filtered, list(plain_filter(values, a_model())), rtol=1e-10)


def test_a_later_return_changes_no_earlier_probability():
    values = np.random.default_rng(2).standard_normal(200)
    changed = values.copy()
    changed[120:] = 9.0
    before, _ = a_model().filtered(values)
    after, _ = a_model().filtered(changed)
    assert np.array_equal(before[:120], after[:120])


@pytest.mark.parametrize("outlier", [1e3, -1e8, 1e150])
def test_no_outlier_breaks_the_filter(outlier):
    model, probability, scratch = a_model(), np.full(4, 0.25), np.empty(4)
    hamilton_step(outlier, model.mean, model.deviation, model.transition, probability, scratch)
    assert probability.sum() == pytest.approx(1.0)
    assert probability.argmax() == CRISIS


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
def test_a_return_that_is_no_number_only_predicts(nothing):
    model, probability = a_model(), np.array([0.7, 0.1, 0.1, 0.1])
    expected = probability @ model.transition
    assert hamilton_step(nothing, model.mean, model.deviation, model.transition, probability, np.empty(4)) == 0.0
    np.testing.assert_allclose(probability, expected)


# --- the fit ---------------------------------------------------------------------------------------------------


def simulated(model, n, seed):
    rng = np.random.default_rng(seed)
    states = np.zeros(n, dtype=np.int64)
    for t in range(1, n):
        states[t] = rng.choice(len(model.mean), p=model.transition[states[t - 1]])
    return model.mean[states] + model.deviation[states] * rng.standard_normal(n)


def test_the_fit_recovers_a_simulated_chain():
    transition = np.array([[0.98, 0.02], [0.05, 0.95]])
    truth = RegimeModel(np.array([0.1, -0.3]), np.array([0.5, 2.0]), transition)
    start = RegimeModel(np.array([0.0, 0.0]), np.array([0.8, 1.5]), np.array([[0.9, 0.1], [0.1, 0.9]]))
    found = fit_regimes(simulated(truth, 20_000, 3), start, least_stay=np.ones(2))
    np.testing.assert_allclose(found.mean, truth.mean, atol=0.06)
    np.testing.assert_allclose(found.deviation, truth.deviation, rtol=0.03)
    np.testing.assert_allclose(found.transition, truth.transition, atol=0.006)
    assert min(np.diff(found.log_likelihood)) > -1e-8


def test_the_fit_keeps_the_least_stay_and_never_loses_likelihood():
    values = np.random.default_rng(4).standard_t(3, 3_000)
    start = RegimeModel(np.array(FIT_START[0]), np.array(FIT_START[1]), STICKY)
    found = fit_regimes(values, start, least_stay=np.array(FIT_LEAST_STAY_HOURS), n_iterations=40)
    stays = 1.0 / (1.0 - np.diag(found.transition))
    assert (stays >= np.array(FIT_LEAST_STAY_HOURS) - 1e-6).all()
    np.testing.assert_allclose(found.transition.sum(axis=1), 1.0)
    assert min(np.diff(found.log_likelihood)) > -1e-8


def test_the_fit_refuses_returns_that_are_no_numbers():
    start = RegimeModel(np.array(FIT_START[0]), np.array(FIT_START[1]), STICKY)
    with pytest.raises(DataError, match="not finite"):
        fit_regimes(np.full(500, np.nan), start, least_stay=np.ones(4))


@requires_shared_data
def test_the_default_regimes_are_what_the_fit_gives():
    import polars as pl

    bars = pl.read_parquet(bars_path("binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet"))
    closes = bars.filter(pl.col("ts") < pl.datetime(2020, 1, 1, time_zone="UTC"))["close"].to_numpy()
    returns = standardised_returns(closes, 720.0)[720:]
    start = RegimeModel(np.array(FIT_START[0]), np.array(FIT_START[1]), STICKY)
    least_stay = np.array(FIT_LEAST_STAY_HOURS)
    found = fit_regimes(returns, start, least_stay=least_stay, n_iterations=2_000, tolerance=1e-6)
    defaults = RegimeSettings()
    np.testing.assert_allclose(defaults.mean, found.mean, atol=2e-6)
    np.testing.assert_allclose(defaults.deviation, found.deviation, atol=2e-6)
    np.testing.assert_allclose(defaults.transition, found.transition, atol=2e-6)


# --- the regime of a run ---------------------------------------------------------------------------------------


def feed(brain, config, symbol, value, bucket=None):
    """A completed risk bar with a return of ``value`` long-run deviations."""
    state = brain[0]["risk"]["symbols"][symbol]
    state["bucket"] = state["bucket"] + 1 if bucket is None else bucket
    state["n_returns"] += 1
    state["last_return"] = value * LONG_DEVIATION
    state["long_variance"] = LONG_DEVIATION**2
    if state["ewma_variance"] == 0.0:
        state["ewma_variance"] = LONG_DEVIATION**2
    return run_regime(brain, config, symbol)


def test_the_first_regime_is_sideways():
    assert feed(a_brain(regime=BULL), a_config(), 0, 0.1) == SIDEWAYS


def test_long_calm_is_sideways_and_violence_becomes_crisis_and_passes():
    brain, config = a_brain(), a_config()
    rng = np.random.default_rng(5)
    for value in 0.3 * rng.standard_normal(400):
        regime = feed(brain, config, 0, value)
    assert regime == SIDEWAYS
    for value in 3.0 * rng.standard_normal(40):
        regime = feed(brain, config, 0, value)
    assert regime == CRISIS
    assert brain[0]["risk"]["is_crisis"] == 1
    for value in 0.3 * rng.standard_normal(400):
        regime = feed(brain, config, 0, value)
    assert regime == SIDEWAYS
    assert brain[0]["risk"]["is_crisis"] == 0


def test_a_state_must_lead_for_the_persistence_before_it_is_the_regime():
    brain, config = a_brain(), a_config()
    for value in 0.3 * np.random.default_rng(6).standard_normal(300):
        feed(brain, config, 0, value)
    leads = []
    while feed(brain, config, 0, 4.0) == SIDEWAYS:
        leads.append(int(brain[0]["risk"]["regime_lead"]))
    assert leads[-1] == config[0]["risk"]["regime_persistence"] - 1


def test_drift_tells_bull_from_bear():
    for drift, deviation, expected in ((0.1, 0.6, BULL), (-0.05, 1.05, BEAR)):
        brain, config = a_brain(), a_config()
        seen = [feed(brain, config, 0, drift + deviation * e) for e in np.random.default_rng(7).standard_normal(600)]
        assert np.bincount(seen[200:], minlength=4).argmax() == expected


def test_short_volatility_far_above_long_is_a_crisis_at_once():
    brain, config = a_brain(), a_config()
    feed(brain, config, 0, 0.1)
    brain[0]["risk"]["symbols"][0]["ewma_variance"] = (2.6 * LONG_DEVIATION) ** 2
    assert feed(brain, config, 0, 0.1) == CRISIS


def test_volume_and_correlation_are_a_crisis_together_but_not_alone():
    for volume, correlation, expected in ((5.0, 0.95, CRISIS), (5.0, 0.5, SIDEWAYS), (1.0, 0.95, SIDEWAYS)):
        brain, config = a_brain(), a_config(n_symbols=2)
        brain[0]["risk"]["covariance"][:2, :2] = [[1.0, correlation], [correlation, 1.0]]
        brain[0]["risk"]["symbols"][0]["day_volume_quote"] = 1e6
        brain[0]["risk"]["symbols"][0]["short_volume_quote"] = volume * 1e6
        assert feed(brain, config, 0, 0.1) == expected


def test_one_leader_moves_the_filter_however_many_symbols_there_are():
    alone, together = a_brain(), a_brain()
    rng = np.random.default_rng(8)
    for value, other in rng.standard_normal((200, 2)):
        feed(alone, a_config(), 0, value)
        feed(together, a_config(n_symbols=2), 0, value)
        feed(together, a_config(n_symbols=2), 1, other)
    np.testing.assert_array_equal(alone[0]["risk"]["regime_probability"], together[0]["risk"]["regime_probability"])


def test_a_silent_leader_is_replaced_until_it_speaks_again():
    brain, config = a_brain(), a_config(n_symbols=2)
    for bucket in range(1, 11):
        feed(brain, config, 0, 0.2, bucket)
        feed(brain, config, 1, 0.2, bucket)

    def moves(symbol, bucket):
        before = brain[0]["risk"]["regime_probability"].copy()
        feed(brain, config, symbol, 1.5, bucket)
        return not np.array_equal(before, brain[0]["risk"]["regime_probability"])

    assert [moves(1, bucket) for bucket in (11, 12, 13, 14)] == [False, False, True, True]
    assert moves(0, 15)
    assert not moves(1, 15)


def test_a_missing_variance_leaves_the_regime_alone():
    brain, config = a_brain(), a_config()
    brain[0]["risk"]["symbols"][0]["n_returns"] = 1
    for variance in (0.0, math.nan):
        brain[0]["risk"]["symbols"][0]["long_variance"] = variance
        assert run_regime(brain, config, 0) == SIDEWAYS
        assert not brain[0]["risk"]["regime_probability"].any()


# --- voices ----------------------------------------------------------------------------------------------------


def test_a_voice_that_makes_no_sense_is_absent():
    brain = a_brain()
    assert run_set_voice(brain, 3, SENTIMENT, 0.5, 0.6, NOW_NS)
    assert brain[0]["voices"][3, SENTIMENT]["is_present"] == 1
    for direction, confidence in ((math.nan, 0.5), (1.5, 0.5), (0.5, -0.1), (0.5, math.nan)):
        assert not run_set_voice(brain, 3, SENTIMENT, direction, confidence, NOW_NS)
        assert brain[0]["voices"][3, SENTIMENT]["is_present"] == 0
    assert not run_set_voice(brain, 0, 9, 0.5, 0.5, NOW_NS)
