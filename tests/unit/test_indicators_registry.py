"""Declaring, discovering and settling indicators."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.kernel import KERNELS
from bot4.quant.indicators import INDICATORS, discover, resolve
from bot4.quant.indicators.arrays import compute
from bot4.quant.indicators.registry import CLOSE, MAX_LOOKBACK, Param, ResolvedIndicator, indicator

FAMILIES = {"trend", "momentum", "volatility", "volume", "statistics"}

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "recipes" / "add_an_indicator.md"


@pytest.fixture(autouse=True)
def registry_as_before() -> Iterator[None]:
    indicators, kernels = dict(INDICATORS), dict(KERNELS)
    yield
    for table, before in ((INDICATORS, indicators), (KERNELS, kernels)):
        for name in set(table) - set(before):
            del table[name]


@pytest.fixture
def package_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "own_indicators"
    package.mkdir()
    (package / "__init__.py").write_text("")
    code = RECIPE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    (package / "ranges.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


def declare(name: str = "sketch", **row: Any) -> None:
    columns = {"family": "trend", "inputs": (CLOSE,), "outputs": (name,), "state_size": 0, "warm_up": 0, "source": "me"}

    @indicator(name, **columns | row)
    def sketch(bars: Any, mask: int, t0: int, t1: int, params: Any, state: Any, out: Any) -> None:
        """Nothing."""


def test_the_file_of_the_recipe_is_all_that_a_new_indicator_takes(package_path: Path) -> None:
    discover("own_indicators", [str(package_path)])
    outputs = compute("average_range", {"high": [3.0, 4.0, 8.0], "low": [1.0, 1.0, 1.0]}, period=2)
    np.testing.assert_array_equal(outputs["average_range_2"], [np.nan, 2.5, 5.0])
    assert INDICATORS["average_range"].formula == "Mean of ``high - low`` over ``period`` bars."
    del sys.modules["own_indicators.ranges"]


def test_there_are_forty_indicators_in_five_families() -> None:
    assert len(INDICATORS) >= 40
    assert {info.family for info in INDICATORS.values()} == FAMILIES


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_the_row_of_an_indicator_is_complete(name: str) -> None:
    info = INDICATORS[name]
    assert info.name == name
    assert info.formula
    assert info.source
    assert info.inputs
    assert info.outputs
    assert len(set(info.outputs)) == len(info.outputs)
    for param in info.params:
        assert param.low <= param.default <= param.high


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_no_parameter_within_its_bounds_needs_more_bars_than_the_ring_keeps(name: str) -> None:
    """Each alone; several at their bounds may together be refused, in as many words."""
    info = INDICATORS[name]
    for param in info.params:
        if param.name not in info.increasing:
            resolve(name, **{param.name: param.low})
            resolve(name, **{param.name: param.high})
    widest = {p.name: p.high for p in info.params}
    if not info.increasing and (member := resolved_or_refused(name, widest)):
        assert member.lookback <= MAX_LOOKBACK


def resolved_or_refused(name: str, params: dict[str, Any]) -> ResolvedIndicator | None:
    try:
        return resolve(name, **params)
    except SettingError as error:
        if "earlier bars; at most 440 are kept" not in str(error):
            raise
        return None


def test_defaults_and_labels_are_settled() -> None:
    macd = resolve("macd", slow=30)
    assert macd.values == (12.0, 30.0, 9.0)
    assert macd.columns == ("macd_12_30_9.macd", "macd_12_30_9.signal", "macd_12_30_9.histogram")
    assert (macd.warm_up, macd.lookback) == (37, 0)
    assert resolve("ema").columns == ("ema_20",)
    assert resolve("obv").columns == ("obv",)
    assert resolve("supertrend").label == "supertrend_10_3"
    assert resolve("supertrend", multiplier=2.5).label == "supertrend_10_2.5"


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("emma", {}, "unknown indicator 'emma'"),
        ("ema", {"span": 3}, "unknown parameter 'span'; it takes period"),
        ("obv", {"period": 3}, "it takes none"),
        ("ema", {"period": 0}, "period must be a whole number from 1 to 500"),
        ("ema", {"period": 501}, "period = 501 is out of bounds"),
        ("ema", {"period": 2.5}, "whole number"),
        ("ema", {"period": float("nan")}, "out of bounds"),
        ("ema", {"period": "20"}, "out of bounds"),
        ("ema", {"period": True}, "out of bounds"),
        ("supertrend", {"multiplier": 1000.0}, "multiplier must be a number from 0.1 to 100"),
        ("macd", {"fast": 26}, "fast = 26 is not below slow = 26; fast < slow must hold"),
        ("ichimoku", {"kijun": 60}, "tenkan < kijun < senkou_b must hold"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(name: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError) as refused:
        resolve(name, **params)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_whole_numbers_of_any_type_will_do() -> None:
    assert resolve("ema", period=np.int64(9)) == resolve("ema", period=9.0) == resolve("ema", period=9)


def test_a_look_back_beyond_the_ring_is_refused() -> None:
    declare(params=(Param("period", 10, 1, 9000),), lookback=lambda period: period)
    assert resolve("sketch", period=440).lookback == 440
    with pytest.raises(SettingError, match="needs 441 earlier bars; at most 440"):
        resolve("sketch", period=441)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(SettingError, match="ema is declared twice"):
        declare("ema")


def test_a_rule_may_only_speak_of_parameters() -> None:
    with pytest.raises(SettingError, match=r"a rule names \['window'\]"):
        declare(warm_up=lambda window: window)
    with pytest.raises(SettingError, match=r"a rule names \['slow'\]"):
        declare(increasing=("slow",))
