"""A user's own strategy: what loads, and the one clear line for each thing that does not."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from bot4.domain.errors import Bot4Error, DataError, SettingError
from bot4.pipeline.state import ENTER, LEAVE, SIGNAL
from bot4.pipeline.strategies.ordinary import BarView, Signal
from bot4.pipeline.strategies.registry import find, load_file, resolve
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

KERNEL = """
from bot4.pipeline.state import ENTER
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

@STRATEGY_FAMILY.kernel
def dip(view, frames, columns, params, memory, signal):
    if frames[0, columns[0]] < params[1]:
        signal["action"] = ENTER
        signal["direction"] = 1.0
        signal["confidence"] = 1.0
    return 0

STRATEGY = StrategyInfo(
    name="dip", summary="Buys dips.", kernel=dip,
    parameters=(StrategyParam("period", 14, 2, 100, "bars", "of the RSI"),
                StrategyParam("level", 30.0, 0.0, 100.0, "RSI", "that is low")),
    indicators=(("rsi", {"period": "period"}),),
)
"""

PYTHON = '''
from bot4.pipeline.strategies.registry import Signal, Strategy, StrategyParam

class Dip(Strategy):
    """Buys dips."""

    parameters = (StrategyParam("level", 30.0, 0.0, 100.0, "RSI", "that is low"),)
    indicators = (("rsi", {"period": 14}),)

    def on_bar(self, view):
        if view.position_quantity == 0 and view["rsi_14"] < self.params["level"]:
            return Signal.enter(stop_distance=0.01 * view.close)
        return Signal.leave() if view["rsi_14"] > 70 else None
'''


@pytest.fixture
def file_with(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def a_view(rsi, position=0.0):
    return BarView(0, "BTCUSDT", 1.0, 2.0, 0.5, 100.0, 3.0, ({"rsi_14": rsi},), position, 0.0, "bull")


def test_a_kernel_of_ones_own_is_loaded_and_has_an_address(file_with):
    info = load_file(file_with(KERNEL))
    assert (info.name, info.python) == ("dip", None)
    assert STRATEGY_FAMILY.address(info.kernel) > 0
    assert resolve(info, {"period": 9}).columns == ("rsi_9",)


def test_a_class_of_ones_own_is_loaded_and_answers(file_with):
    info = load_file(file_with(PYTHON))
    assert (info.name, info.summary, info.kernel) == ("Dip", "Buys dips.", None)
    strategy = info.python(resolve(info, {"level": 25.0}).values)
    assert strategy.on_bar(a_view(20.0)) == Signal.enter(stop_distance=1.0)
    assert strategy.on_bar(a_view(27.0)) is None
    assert strategy.on_bar(a_view(75.0)).action == LEAVE


def test_a_strategy_is_found_by_name_or_by_path(file_with):
    assert find("hybrid").name == "hybrid"
    assert find(str(file_with(KERNEL))).name == "dip"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x = 1\n", DataError, "holds no strategy"),
        ("def f(:\n", DataError, "syntax error in line 1"),
        ("import no_such_module\n", DataError, "ModuleNotFoundError in line 1"),
        ("a = 1\nb = a / 0\n", DataError, "ZeroDivisionError in line 2"),
        (PYTHON + PYTHON.replace("Dip", "Other"), DataError, "holds 2 strategies"),
        (KERNEL.replace('"rsi"', '"risi"'), SettingError, "unknown indicator 'risi'"),
        (KERNEL.replace('"period": "period"', '"period": "span"'), SettingError, "'span', which is no parameter"),
        (KERNEL.replace("14, 2, 100", "14, 20, 100"), SettingError, "period = 14 is out of bounds"),
        (KERNEL.replace("memory, signal)", "memory)"), SettingError, "takes 5 arguments"),
        (KERNEL.replace("@STRATEGY_FAMILY.kernel", ""), SettingError, "no strategy kernel"),
        (KERNEL.replace("kernel=dip,", ""), SettingError, "either a kernel or a Python class"),
        (PYTHON.replace("on_bar(self, view)", "on_bar(self)"), SettingError, "on_bar has the wrong arguments"),
        (PYTHON.replace("on_bar", "on_tick"), SettingError, "no on_bar"),
    ],
)
def test_a_file_that_does_not_fit_gets_one_clear_line(file_with, text, error, words):
    with pytest.raises(error, match=words) as caught:
        load_file(file_with(text))
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_file(tmp_path / "none.py")


def test_a_column_that_was_not_declared_is_named():
    with pytest.raises(DataError, match="ema_5"):
        a_view(50.0)["ema_5"]


def test_a_view_cannot_be_changed():
    with pytest.raises(AttributeError):
        a_view(50.0).close = 1.0


def test_a_signal_is_written_in_lots():
    record = np.zeros(1, SIGNAL)[0]
    Signal.enter(-0.5, quantity=0.0129, win_probability=0.6, has_trail=True).write(record, 0.001)
    assert record["action"] == ENTER
    assert record["direction"] == -0.5
    assert record["fixed_lots"] == 12
    assert record["win_probability"] == 0.6
    assert math.isnan(record["stop_distance"])
    assert (record["has_trail"], record["has_targets"]) == (1, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Signal.enter(2.0), lambda: Signal.enter(confidence=math.nan), lambda: Signal.enter(quantity=-1.0),
        lambda: Signal.enter(stop_distance=-0.1), lambda: Signal.enter(win_probability=1.5),
        lambda: Signal.enter(quantity=0.0001).write(np.zeros(1, SIGNAL)[0], 0.001),
    ],
)  # fmt: skip
def test_a_signal_out_of_range_is_refused(make):
    with pytest.raises(Bot4Error):
        make()


RECIPE = Path(__file__).resolve().parents[2] / "docs" / "recipes" / "add_a_strategy.md"


def test_the_strategies_of_the_recipe_load_and_compile(file_with):
    blocks = re.findall(r"```python\n(.*?)```", RECIPE.read_text(), re.DOTALL)
    ordinary, kernel = (load_file(file_with(text, f"recipe_{k}.py")) for k, text in enumerate(blocks))
    assert ordinary.python(resolve(ordinary).values).on_bar(a_view(20.0)).action == ENTER
    assert STRATEGY_FAMILY.address(kernel.kernel) > 0
