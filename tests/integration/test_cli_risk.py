"""``bot4 risk`` as a user runs it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from bot4.adapters.storage.bar_files import write_bars
from bot4.domain.bars import HOUR_NS
from bot4.quant.series.synthetic import synthetic_bars
from bot4.quant.volatility.fitting import fit_volatility
from tests.integration.cli_harness import say

SERIES = synthetic_bars(5, 1_500, HOUR_NS)


@pytest.fixture
def bars_file(tmp_path: Path) -> Path:
    path = tmp_path / "SYNTH_1h.parquet"
    write_bars(SERIES, path, "synthetic")
    return path


def test_a_fit_is_that_of_the_function_and_the_best_comes_first(capsys, bars_file):
    said = say(capsys, "risk", "fit", "--data", bars_file, "--json")
    assert said.code == 0, said.stderr
    models = said.record["models"]
    assert {model["model"] for model in models} == {"garch", "gjr", "egarch"}
    assert [model["bic"] for model in models] == sorted(model["bic"] for model in models)
    garch = next(model for model in models if model["model"] == "garch")
    expected = fit_volatility(np.diff(np.log(SERIES.close)))
    assert garch["parameters"]["alpha"] == pytest.approx(expected.alpha)
    assert garch["next_day_volatility"] == pytest.approx(float(np.sqrt(expected.forecast(24).sum())))
    assert garch["next_bar_volatility_yearly"] == pytest.approx(float(np.sqrt(expected.next_variance * 24 * 365)))
    assert set(garch["standard_errors"]) == {"mean", "omega", "alpha", "beta", "df"}
    assert garch["checks"]["ljung_box_of_squares"]["p_value"] > 0.0


def test_the_table_says_what_was_fitted_and_the_picture_is_drawn(capsys, bars_file, tmp_path):
    out = tmp_path / "volatility.svg"
    said = say(capsys, "risk", "fit", "--data", bars_file, "--model", "gjr", "--errors", "normal", "--out", out)
    assert said.code == 0, said.stderr
    assert "1,499 returns of 1h" in said.stdout
    assert "gamma" in said.stdout
    assert "Ljung-Box" in said.stdout
    assert "egarch" not in said.stdout
    assert ET.parse(out).getroot().tag.endswith("svg")


def test_too_few_bars_are_refused_in_one_line(capsys, tmp_path):
    path = tmp_path / "SYNTH_1h.parquet"
    write_bars(synthetic_bars(5, 60, HOUR_NS), path, "synthetic")
    said = say(capsys, "risk", "fit", "--data", path)
    assert said.code == 3
    assert "60 bars, but a model needs 101" in said.error
