"""Candlestick patterns continue: any partition gives the same values, none sees ahead, and only shape matters."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bot4.kernel
from bot4.kernel import JIT
from bot4.quant.patterns.candlesticks import CandlestickStream
from bot4.quant.patterns.candlesticks.arrays import evaluate
from bot4.quant.patterns.candlesticks.catalogue import N_PATTERNS, NAMES
from bot4.quant.patterns.candlesticks.continuing import advance
from bot4.quant.patterns.candlesticks.layout import HISTORY, N_AVERAGES, N_TAIL, STATE_SIZE
from tests.parity.candlestick_examples import gapping_bars, mirrored, shaken_examples

RING, BLOCK = 512, 64
BARS = np.concatenate([gapping_bars(300, seed=4), shaken_examples(2, seed=3)], axis=1)
N_BARS = BARS.shape[1]
WHOLE = evaluate(BARS)


class Ringed:
    """The patterns behind a ring that holds nothing but what may be looked at; the rest is NaN."""

    def __init__(self, bars: np.ndarray) -> None:
        self.bars = bars
        self.state = np.zeros(STATE_SIZE)

    def advance(self, t0: int, t1: int) -> np.ndarray:
        ring = np.full((6, RING), np.nan)
        seen = np.arange(max(0, t0 - HISTORY), t1)
        ring[:4, seen & (RING - 1)] = self.bars[:, seen]
        out = np.full((N_PATTERNS, t1 - t0), -1, np.int16)
        advance(ring, RING - 1, t0, t1, self.state, out)
        return out

    def run(self, cuts: list[int]) -> np.ndarray:
        return np.concatenate([self.advance(t0, t1) for t0, t1 in itertools.pairwise(cuts)], axis=1)


def random_cuts(rng: np.random.Generator, n: int) -> list[int]:
    cuts = [0]
    while cuts[-1] < n:
        cuts.append(min(n, cuts[-1] + int(rng.choice([1, 2, 3, 7, 20, BLOCK]))))
    return cuts


def assert_equal(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    rows = np.flatnonzero((actual != expected).any(axis=1))
    assert not rows.size, [NAMES[row] for row in rows]


def test_most_patterns_occur_in_these_bars() -> None:
    assert (WHOLE != 0).any(axis=1).sum() > 50


def test_one_bar_at_a_time_gives_what_the_whole_array_gives() -> None:
    assert_equal(Ringed(BARS).run(list(range(N_BARS + 1))), WHOLE)


@pytest.mark.parametrize("seed", range(10))
def test_random_partitions_through_a_ring_give_what_the_whole_array_gives(seed: int) -> None:
    assert_equal(Ringed(BARS).run(random_cuts(np.random.default_rng(seed), N_BARS)), WHOLE)


@pytest.mark.parametrize("length", [127, 128, 129, 300, 1000])
def test_whole_arrays_in_parts_of_any_length_give_what_one_call_gives(length: int) -> None:
    state, parts = np.zeros(STATE_SIZE), []
    for t0 in range(0, N_BARS, length):
        t1 = min(N_BARS, t0 + length)
        out = np.zeros((N_PATTERNS, t1 - t0), np.int16)
        advance(BARS, -1, t0, t1, state, out)
        parts.append(out)
    assert_equal(np.concatenate(parts, axis=1), WHOLE)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_partition_of_any_bars_gives_what_the_whole_array_gives(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 150))
    prices = data.draw(st.lists(st.integers(-20, 20), min_size=4 * n, max_size=4 * n))
    open_, up, down, close = np.array(prices, np.float64).reshape(4, n) * data.draw(st.sampled_from([1.0, 0.1, 1e9]))
    bars = np.array([open_, np.maximum(open_, close) + abs(up), np.minimum(open_, close) - abs(down), close])
    cuts = sorted({0, n, *data.draw(st.sets(st.integers(1, n), max_size=20)), *range(0, n, BLOCK)})
    assert_equal(Ringed(bars).run(cuts), evaluate(bars))


@pytest.mark.parametrize("middle", [1, 9, 13, 14, 333, 600])
def test_the_state_is_all_there_is_so_a_copy_of_it_goes_on(middle: int) -> None:
    first = Ringed(BARS)
    first.run([*range(0, middle, BLOCK), middle])
    second = Ringed(BARS)
    second.state = np.frombuffer(first.state.tobytes()).copy()
    rest = [second.advance(t, t + 1) for t in range(middle, N_BARS)]
    assert_equal(np.concatenate(rest, axis=1), WHOLE[:, middle:])


@pytest.mark.parametrize("average", range(N_AVERAGES))
def test_an_average_that_is_wrong_is_caught_by_the_same_check(average: int) -> None:
    first = Ringed(BARS)
    first.run([0, BLOCK])
    is_caught = False
    for wrong in (-1e6, 1e6):
        second = Ringed(BARS)
        second.state = first.state.copy()
        second.state[average * N_TAIL + N_TAIL - 1] = wrong
        rest = second.run([*range(BLOCK, N_BARS, BLOCK), N_BARS])
        is_caught |= bool((rest != WHOLE[:, BLOCK:]).any())
    assert is_caught


@pytest.mark.parametrize("changed", [1, 2, 13, 14, 100, 127, 128, 129, 400, 700, N_BARS - 1])
def test_a_later_bar_leaves_every_earlier_value_as_it_is(changed: int) -> None:
    other = BARS.copy()
    other[:, changed:] = mirrored(BARS, 300.0)[:, changed:]
    assert_equal(evaluate(other)[:, :changed], WHOLE[:, :changed])


@pytest.mark.parametrize("power", [-40, -1, 3, 60])
def test_prices_times_a_power_of_two_change_nothing(power: int) -> None:
    assert_equal(evaluate(BARS * 2.0**power), WHOLE)


SAME_UPSIDE_DOWN = {
    "doji": 1, "long_legged_doji": 1, "rickshaw_man": 1, "abandoned_baby": -1, "belt_hold": -1, "breakaway": -1,
    "closing_marubozu": -1, "counterattack": -1, "doji_star": -1, "engulfing": -1, "gap_three_methods": -1,
    "harami": -1, "harami_cross": -1, "high_wave": -1, "hikkake": -1, "kicking": -1, "kicking_by_length": -1,
    "long_line": -1, "marubozu": -1, "modified_hikkake": -1, "rising_falling_three_methods": -1,
    "separating_lines": -1, "short_line": -1, "spinning_top": -1, "tasuki_gap": -1, "three_inside": -1,
    "three_line_strike": -1, "three_outside": -1, "tristar": -1,
}  # fmt: skip
OPPOSITES = {"evening_star": "morning_star", "evening_doji_star": "morning_doji_star"}


def bars_with_bodies() -> np.ndarray:
    """No candle opens at its close, since one that does is white either way up."""
    bars = BARS.copy()
    bars[3] += np.where(bars[0] == bars[3], 0.0625, 0.0)
    bars[1] = np.maximum(bars[1], bars[3])
    return bars


@pytest.mark.parametrize("name", sorted(SAME_UPSIDE_DOWN))
def test_a_definition_that_works_both_ways_finds_the_same_upside_down(name: str) -> None:
    bars, row = bars_with_bodies(), NAMES.index(name)
    upright, reversed_ = evaluate(bars)[row], evaluate(mirrored(bars))[row]
    assert upright.any()
    np.testing.assert_array_equal(reversed_, SAME_UPSIDE_DOWN[name] * upright)


@pytest.mark.parametrize("name", sorted(OPPOSITES))
def test_a_definition_finds_its_opposite_upside_down(name: str) -> None:
    bars = bars_with_bodies()
    upright, reversed_ = evaluate(bars)[NAMES.index(name)], evaluate(mirrored(bars))[NAMES.index(OPPOSITES[name])]
    assert upright.any()
    np.testing.assert_array_equal(reversed_, -upright)


def test_dragonfly_and_gravestone_change_places_upside_down() -> None:
    bars = bars_with_bodies()
    dragonfly, gravestone = NAMES.index("dragonfly_doji"), NAMES.index("gravestone_doji")
    upright, reversed_ = evaluate(bars), evaluate(mirrored(bars))
    assert upright[dragonfly].any()
    np.testing.assert_array_equal(reversed_[gravestone], upright[dragonfly])
    np.testing.assert_array_equal(reversed_[dragonfly], upright[gravestone])


@pytest.mark.parametrize("row", range(4))
def test_a_bar_that_is_not_finite_has_no_pattern_and_restarts_on_the_next(row: int) -> None:
    gap = 400
    bars = BARS.copy()
    bars[row, gap] = np.nan if row % 2 else np.inf
    found = evaluate(bars)
    assert_equal(found[:, :gap], WHOLE[:, :gap])
    assert not found[:, gap].any()
    assert_equal(found[:, gap + 1 :], evaluate(BARS[:, gap + 1 :]))


def test_a_stream_gives_what_the_array_gives_and_restarts_alike() -> None:
    bars = BARS.copy()
    bars[2, 150] = np.nan
    bars[:, 500:503] = np.inf
    stream = CandlestickStream()
    pushed = [stream.push(*bar) for bar in bars.T.tolist()]
    whole = evaluate(bars)
    for t, found in enumerate(pushed):
        rows = np.flatnonzero(whole[:, t])
        assert found == {NAMES[row]: int(whole[row, t]) for row in rows}, t


PLAIN = """
import sys
import numpy as np
from bot4.quant.patterns.candlesticks.arrays import evaluate
np.save(sys.argv[2], evaluate(np.load(sys.argv[1])))
"""


@pytest.mark.skipif(not JIT, reason="compares compiled with plain Python")
def test_plain_python_gives_what_the_compiled_code_gives(tmp_path: Path) -> None:
    bars = np.ascontiguousarray(BARS[:, 100:700])
    np.save(tmp_path / "bars.npy", bars)
    source = str(Path(bot4.kernel.__file__).parents[1])
    command = [sys.executable, "-W", "error", "-c", PLAIN, str(tmp_path / "bars.npy"), str(tmp_path / "plain.npy")]
    subprocess.run(command, check=True, env=os.environ | {"BOT4_JIT": "0", "PYTHONPATH": source})
    assert_equal(np.load(tmp_path / "plain.npy"), evaluate(bars))
