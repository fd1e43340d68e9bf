"""Settings of decision and regime: bounds, agreement, and what is written into the configuration."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from bot4.pipeline.decision.settings import HOUR_NS, DecisionSettings, RegimeSettings
from bot4.pipeline.state import BEAR, BULL, CONFIG, CRISIS, DECISION_CONFIG, SIDEWAYS


def written(settings):
    row = np.zeros(1, DECISION_CONFIG)[0]
    settings.write(row)
    return row


def test_every_decision_field_but_the_runs_and_the_strategies_own_is_written():
    row = np.zeros(1, DECISION_CONFIG)
    for name in DECISION_CONFIG.names:
        row[name] = -1.0
    DecisionSettings().write(row[0])
    untouched = {name for name in DECISION_CONFIG.names if (np.asarray(row[0][name]) == -1.0).any()}
    assert untouched == {"slippage"}


def test_the_defaults_are_those_of_the_decisions():
    row = written(DecisionSettings())
    assert [row["kelly_fraction"][k] for k in (BULL, SIDEWAYS, BEAR, CRISIS)] == [0.30, 0.20, 0.15, 0.05]
    assert [row["kelly_cap"][k] for k in (BULL, SIDEWAYS, BEAR, CRISIS)] == [0.30, 0.25, 0.20, 0.15]
    assert row["voice_prior"].tolist() == [0.4, 0.4, 0.0, 0.2]
    assert row["voice_low"].tolist() == [0.2, 0.2, 0.0, 0.0]
    assert row["voice_high"].tolist() == [0.6, 0.6, 0.2, 0.3]
    assert row["target_r"].tolist() == [1.5, 2.0, 3.0]
    assert row["target_share"].tolist() == [0.33, 0.33, 0.34]


@pytest.mark.parametrize(
    "change",
    [
        {"kelly_fraction_bull": 0.41}, {"kelly_fraction_crisis": 0.04}, {"target_1_r": 2.5}, {"target_3_r": 3.5},
        {"target_1_share": 0.5}, {"voice_prior_technical": 0.1}, {"voice_high_order_flow": 1.1},
        {"stop_min_atr": 0.4}, {"stop_atr": 1.0, "stop_min_atr": 2.0}, {"stop_min_costs": 2.0},
        {"emergency_stop": 0.0}, {"min_confidence": float("nan")}, {"no_such": 1.0},
    ],
)  # fmt: skip
def test_a_setting_out_of_its_bounds_is_refused(change):
    with pytest.raises(ValidationError):
        DecisionSettings(**change)


def test_every_setting_has_a_description_and_a_unit():
    for settings in (DecisionSettings, RegimeSettings):
        for name, field in settings.model_fields.items():
            assert field.description, name
            assert field.json_schema_extra["unit"], name


@pytest.mark.parametrize("hours", [1, 4, 24])
def test_the_regime_is_scaled_to_the_risk_bar(hours):
    row = np.zeros(1, CONFIG)[0]["risk"]
    row["risk_bar_ns"] = hours * HOUR_NS
    settings = RegimeSettings()
    settings.write(row)
    np.testing.assert_allclose(row["regime_transition"].sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(row["regime_mean"], np.array(settings.mean) * np.sqrt(hours))
    hourly = np.array(settings.transition) / np.array(settings.transition).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(row["regime_transition"], np.linalg.matrix_power(hourly, hours))
    assert row["regime_persistence"] == max(1, -(-12 // hours))


def test_rows_of_a_transition_matrix_must_sum_to_one():
    with pytest.raises(ValidationError, match="row 1"):
        RegimeSettings(transition=((0.5, 0.0, 0.0, 0.0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))
