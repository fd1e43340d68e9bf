"""Risk settings: defaults, bounds, and how they reach the record."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from bot4.pipeline.risk.clock import DAY_NS
from bot4.pipeline.risk.settings import HOUR_NS, RiskSettings, write
from bot4.pipeline.state import CONFIG, RISK_CONFIG

OF_THE_REGIME_FILTER = {
    "regime_mean", "regime_deviation", "regime_transition", "regime_persistence", "crisis_volatility_ratio",
    "crisis_volume_ratio", "crisis_correlation",
}  # fmt: skip


def written(settings: RiskSettings, base_interval_ns: int = 60_000_000_000) -> np.void:
    row = np.zeros(1, CONFIG)[0]["risk"]
    write(settings, row, base_interval_ns)
    return row


def test_every_field_of_the_record_is_written_but_those_of_the_regime_filter() -> None:
    row = written(RiskSettings())
    for name in RISK_CONFIG.names or ():
        assert np.any(row[name]) == (name not in OF_THE_REGIME_FILTER), name


def test_the_regime_fields_are_left_alone() -> None:
    row = np.zeros(1, CONFIG)[0]["risk"]
    row["crisis_correlation"] = 0.8
    write(RiskSettings(), row, HOUR_NS)
    assert row["crisis_correlation"] == 0.8


def test_limits_stand_at_their_regimes() -> None:
    assert list(written(RiskSettings())["var_limit"]) == [0.04, 0.02, 0.03, 0.01]  # bull, bear, sideways, crisis


def test_risk_bars_are_an_hour_or_the_base_bar_where_that_is_longer() -> None:
    assert written(RiskSettings())["risk_bar_ns"] == HOUR_NS
    daily = written(RiskSettings(), DAY_NS)
    assert daily["risk_bar_ns"] == DAY_NS
    assert daily["bars_per_year"] == 365.0
    assert daily["max_data_age_ns"] == 2 * DAY_NS


def test_quantiles_are_of_the_unit_variance_student() -> None:
    row = written(RiskSettings(garch_df=4.0))
    assert row["var_quantile"] == pytest.approx(3.746947 * np.sqrt(0.5), rel=1e-6)
    assert row["cvar_quantile"] > row["var_quantile"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("volatility_target", 0.31), ("var_limit_bull", 0.041), ("var_limit_crisis", 0.004), ("garch_df", 2.0),
        ("warm_up_risk_bars", 1), ("crisis_share", 0.5), ("drawdown_stop", float("nan")), ("unknown", 1.0),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_bounds_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        RiskSettings.model_validate({name: value})


def test_a_variance_that_would_not_revert_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"below 0\.999"):
        RiskSettings(garch_alpha=0.2, garch_beta=0.9)


def test_every_field_says_its_unit_and_meaning() -> None:
    for name, field in RiskSettings.model_fields.items():
        assert field.description, name
        assert isinstance(field.json_schema_extra, dict), name
        assert field.json_schema_extra["unit"], name
