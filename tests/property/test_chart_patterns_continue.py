"""Chart figures one bar at a time, restarted in the middle, and with nothing after: the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.quant.patterns.chart import ChartStream, chart_patterns, chart_records
from bot4.quant.patterns.chart.scan import CHART_STATE
from tests.pattern_drawings import CHART_FIGURES, draw, random_walk

PRICES = ("high", "low", "close")
LOW_THRESHOLD = 0.05


def _drawn(seed: int, length_bars: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return draw(CHART_FIGURES[seed % len(CHART_FIGURES)], length_bars, rng).bars


walks = st.builds(
    lambda seed, n, fat: random_walk(n, np.random.default_rng(seed), is_fat_tailed=fat),
    st.integers(0, 2**32 - 1),
    st.integers(1, 800),
    st.booleans(),
)
drawings = st.builds(_drawn, st.integers(0, 2**32 - 1), st.integers(24, 300))
anything = walks | drawings


def _pushed(stream: ChartStream, bars: dict[str, np.ndarray], start: int, stop: int) -> list:
    columns = zip(*(bars[name][start:stop].tolist() for name in PRICES), strict=True)
    return [found for bar in columns for found in stream.push(*bar)]


@settings(max_examples=25, deadline=None)
@given(anything)
def test_one_bar_at_a_time_gives_what_the_whole_gives(bars):
    pushed = _pushed(ChartStream(min_confidence=LOW_THRESHOLD), bars, 0, len(bars["close"]))
    assert tuple(pushed) == chart_patterns(bars, min_confidence=LOW_THRESHOLD)


@settings(max_examples=25, deadline=None)
@given(anything, st.data())
def test_a_stream_restored_in_the_middle_goes_on_the_same(bars, data):
    n = len(bars["close"])
    cut = data.draw(st.integers(0, n))
    first, second = (ChartStream(min_confidence=LOW_THRESHOLD) for _ in range(2))
    found = _pushed(first, bars, 0, cut)
    second.restore(first.save())
    found += _pushed(second, bars, cut, n)
    assert tuple(found) == chart_patterns(bars, min_confidence=LOW_THRESHOLD)


@settings(max_examples=40, deadline=None)
@given(anything, st.data())
def test_nothing_repaints(bars, data):
    cut = data.draw(st.integers(0, len(bars["close"])))
    found = chart_patterns(bars, min_confidence=LOW_THRESHOLD)
    earlier = chart_patterns({name: bars[name][:cut] for name in PRICES}, min_confidence=LOW_THRESHOLD)
    assert tuple(one for one in found if one.known_at < cut) == earlier
    assert all(point.bar <= one.known_at for one in found for point in one.points)


@settings(max_examples=15, deadline=None)
@given(anything, st.floats(1e-6, 1e6), st.data())
def test_what_comes_later_may_be_anything(bars, factor, data):
    cut = data.draw(st.integers(0, len(bars["close"])))
    altered = {name: np.concatenate([bars[name][:cut], factor * bars[name][cut:]]) for name in PRICES}
    found, others = (chart_patterns(each, min_confidence=LOW_THRESHOLD) for each in (bars, altered))
    assert [one for one in found if one.known_at < cut] == [one for one in others if one.known_at < cut]


@settings(max_examples=15, deadline=None)
@given(anything)
def test_choosing_kinds_only_leaves_the_others_out(bars):
    every = chart_patterns(bars, min_confidence=LOW_THRESHOLD)
    names = {"double_top", "rectangle", "rounding_bottom"}
    chosen = chart_patterns(bars, kinds=names, min_confidence=LOW_THRESHOLD)
    assert chosen == tuple(one for one in every if one.name in names)


def test_what_was_saved_by_another_version_is_refused():
    with pytest.raises(SettingError, match="of another version"):
        ChartStream().restore(b"short")


def test_the_state_has_no_unnamed_bytes():
    def gaps(dtype: np.dtype) -> int:
        if dtype.subdtype:
            return gaps(dtype.subdtype[0])
        fields = [dtype[name] for name in dtype.names or ()]
        return dtype.itemsize - sum(field.itemsize for field in fields) + sum(gaps(f) for f in fields if f.names)

    assert gaps(CHART_STATE) == 0


_PLAIN = """
import numpy as np
from bot4.quant.patterns.chart import chart_records
from tests.pattern_drawings import RECTANGLE, draw
bars = draw(RECTANGLE, 48, np.random.default_rng(5)).bars
rows = np.array([bars[name] for name in ("high", "low", "close")])
print(chart_records(rows, min_confidence=0.05).tobytes().hex())
"""


def test_plain_python_agrees_with_the_compiled_code():
    from tests.pattern_drawings import RECTANGLE

    bars = draw(RECTANGLE, 48, np.random.default_rng(5)).bars
    compiled = chart_records(np.array([bars[name] for name in PRICES]), min_confidence=LOW_THRESHOLD)
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"BOT4_JIT": "0", "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    ran = subprocess.run([sys.executable, "-c", _PLAIN], env=environment, capture_output=True, text=True, check=True)
    plain = np.frombuffer(bytes.fromhex(ran.stdout.strip()), compiled.dtype)
    assert len(plain) == len(compiled) > 0
    assert (plain["kind"] == compiled["kind"]).all()
    assert (plain["point_bar"] == compiled["point_bar"]).all()
    np.testing.assert_allclose(plain["confidence"], compiled["confidence"], rtol=1e-9)
    np.testing.assert_allclose(plain["target"], compiled["target"], rtol=1e-9)
