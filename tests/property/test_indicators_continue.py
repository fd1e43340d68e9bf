"""Every indicator, as discovered, continues: any partition of the bars gives the same bits, and none sees ahead."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bot4.kernel
from bot4.kernel import JIT, KERNELS
from bot4.quant.indicators import INDICATORS, resolve
from bot4.quant.indicators.arrays import Stream, evaluate
from bot4.quant.indicators.registry import CLOSE, MAX_LOOKBACK, ROW_NAMES, ResolvedIndicator, indicator

RING, BLOCK = 512, 64
N_BARS = 700

SMALL: dict[str, dict[str, float]] = {
    "ichimoku": {"tenkan": 2, "kijun": 3, "senkou_b": 5, "displacement": 4},
    "ultimate_oscillator": {"fast": 2, "middle": 3, "slow": 5},
    "macd": {"fast": 2, "slow": 3, "signal": 2},
}


def small_params(name: str) -> dict[str, float]:
    """Parameters near their lower bounds, where windows are one or two bars."""
    return SMALL.get(name) or {p.name: p.low for p in INDICATORS[name].params if p.is_whole}


CASES = [pytest.param(name, {}, id=name) for name in sorted(INDICATORS)]
CASES += [
    pytest.param(name, params, id=f"{name}-small") for name in sorted(INDICATORS) if (params := small_params(name))
]


def random_bars(n: int, seed: int = 7) -> np.ndarray:
    """Bars with flat stretches, equal extremes and zero volumes among them."""
    rng = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n))), 1)
    close[n // 3 : n // 3 + 40] = close[n // 3]
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.round(np.maximum(open_, close) + rng.choice([0.0, 0.1, 0.5], n), 1)
    low = np.round(np.minimum(open_, close) - rng.choice([0.0, 0.1, 0.5], n), 1)
    volume = np.where(rng.random(n) < 0.1, 0.0, np.round(rng.lognormal(3.0, 1.0, n), 3))
    return np.array([open_, high, low, close, volume, 1.6e9 + 3600.0 * np.arange(n)])


BARS = random_bars(N_BARS)


class Ringed:
    """An indicator behind a ring that holds nothing but what it may look at; the rest is NaN."""

    def __init__(self, member: ResolvedIndicator, bars: np.ndarray) -> None:
        self.member, self.bars = member, bars
        self.params = np.array(member.values)
        self.state = np.zeros(member.state_size)

    def advance(self, t0: int, t1: int) -> np.ndarray:
        ring = np.full((len(ROW_NAMES), RING), np.nan)
        seen = np.arange(max(0, t0 - self.member.lookback), t1)
        rows = list(self.member.info.inputs)
        ring[np.ix_(rows, seen & (RING - 1))] = self.bars[np.ix_(rows, seen)]
        out = np.zeros((self.member.info.n_rows, t1 - t0))
        self.member.info.function(ring, RING - 1, t0, t1, self.params, self.state, out)
        return out[list(self.member.info.rows)]

    def run(self, cuts: list[int]) -> np.ndarray:
        return np.concatenate([self.advance(t0, t1) for t0, t1 in itertools.pairwise(cuts)], axis=1)


def random_cuts(rng: np.random.Generator, n: int) -> list[int]:
    cuts = [0]
    while cuts[-1] < n:
        cuts.append(min(n, cuts[-1] + int(rng.choice([1, 2, 3, 7, 20, BLOCK]))))
    return cuts


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    assert np.ascontiguousarray(actual).tobytes() == np.ascontiguousarray(expected).tobytes()


def first_seen_change(member: ResolvedIndicator, bars: np.ndarray, changed: int) -> int | None:
    """The first bar before ``changed`` whose outputs differ if bar ``changed`` and all later ones are others."""
    other = bars.copy()
    other[:5, changed:] = 3.0 * bars[:5, changed:] + 17.0
    before, after = evaluate(member, bars)[:, :changed], evaluate(member, other)[:, :changed]
    differs = (before.view(np.int64) != after.view(np.int64)).any(axis=0)
    return int(np.flatnonzero(differs)[0]) if differs.any() else None


@pytest.mark.parametrize(("name", "params"), CASES)
def test_one_bar_at_a_time_gives_the_bits_of_the_whole_array(name: str, params: dict[str, Any]) -> None:
    member = resolve(name, **params)
    assert_same_bits(Ringed(member, BARS).run(list(range(N_BARS + 1))), evaluate(member, BARS))


@pytest.mark.parametrize(("name", "params"), CASES)
def test_random_partitions_through_a_ring_give_the_bits_of_the_whole_array(name: str, params: dict[str, Any]) -> None:
    member = resolve(name, **params)
    whole = evaluate(member, BARS)
    for seed in range(5):
        cuts = random_cuts(np.random.default_rng(seed), N_BARS)
        assert_same_bits(Ringed(member, BARS).run(cuts), whole)


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_a_long_window_continues_too(name: str) -> None:
    params = {p.name: min(p.high, 200) for p in INDICATORS[name].params if p.name == "period"}
    member = resolve(name, **params)
    cuts = random_cuts(np.random.default_rng(3), N_BARS)
    assert_same_bits(Ringed(member, BARS).run(cuts), evaluate(member, BARS))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_indicator_with_any_partition_of_any_bars_gives_the_same_bits(data: st.DataObject) -> None:
    member = resolve(data.draw(st.sampled_from(sorted(INDICATORS))))
    n = data.draw(st.integers(1, 150))
    price = st.floats(-1e12, 1e12, allow_nan=False)
    flat = data.draw(st.lists(st.one_of(st.sampled_from([0.0, 1.0, 1e-9, 1e12]), price), min_size=n, max_size=n))
    bars = random_bars(n, seed=1)
    bars[CLOSE] = flat
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, n), max_size=20)) | {n})]
    steps = sorted({*cuts, *range(0, n, BLOCK)})
    assert_same_bits(Ringed(member, bars).run(steps), evaluate(member, bars))


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_the_state_is_all_there_is_so_a_copy_of_it_goes_on(name: str) -> None:
    member = resolve(name)
    middle = 333
    first = Ringed(member, BARS)
    first.run(random_cuts(np.random.default_rng(0), middle))
    second = Ringed(member, BARS)
    second.state = np.frombuffer(first.state.tobytes()).copy()
    rest = [second.advance(t, t + 1) for t in range(middle, N_BARS)]
    assert_same_bits(np.concatenate(rest, axis=1), evaluate(member, BARS)[:, middle:])


@pytest.mark.parametrize(("name", "params"), CASES)
def test_a_later_bar_leaves_every_earlier_output_as_it_is(name: str, params: dict[str, Any]) -> None:
    member = resolve(name, **params)
    for changed in [1, 2, 19, 20, 21, 100, 255, 256, 257, 400, N_BARS - 1]:
        assert first_seen_change(member, BARS, changed) is None


@pytest.fixture
def leaking() -> Iterator[ResolvedIndicator]:
    """An average that looks one bar ahead where it can."""

    @indicator(
        "leaking", family="trend", inputs=(CLOSE,), outputs=("leaking",), state_size=1, warm_up=0, source="this test"
    )
    def leaks(bars: Any, mask: int, t0: int, t1: int, params: Any, state: Any, out: Any) -> None:
        for t in range(t0, t1):
            ahead = t + 1 if t + 1 < t1 else t
            out[0, t - t0] = 0.5 * (bars[CLOSE, t & mask] + bars[CLOSE, ahead & mask])

    yield resolve("leaking")
    del INDICATORS["leaking"]
    KERNELS.pop(next(name for name in KERNELS if name.endswith("leaks")))


def test_a_leak_of_one_bar_is_caught_by_the_same_check(leaking: ResolvedIndicator) -> None:
    for changed in [1, 2, 100, N_BARS - 1]:
        assert first_seen_change(leaking, BARS, changed) == changed - 1


def test_a_leak_of_one_bar_is_caught_by_the_partitions(leaking: ResolvedIndicator) -> None:
    one_by_one = Ringed(leaking, BARS).run(list(range(N_BARS + 1)))
    assert one_by_one.tobytes() != evaluate(leaking, BARS).tobytes()


@pytest.mark.parametrize(("name", "params"), CASES)
def test_the_warm_up_is_as_stated(name: str, params: dict[str, Any]) -> None:
    member = resolve(name, **params)
    defined = np.isfinite(evaluate(member, BARS)).all(axis=0)
    assert int(np.argmax(defined)) == member.warm_up
    assert defined[member.warm_up :].all()


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_an_output_once_defined_stays_defined(name: str) -> None:
    for row in np.isfinite(evaluate(resolve(name), BARS)):
        assert row[int(np.argmax(row)) :].all()


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_the_ring_holds_what_every_indicator_looks_back_at(name: str) -> None:
    assert 0 <= resolve(name).lookback <= MAX_LOOKBACK < RING - BLOCK


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_a_bar_that_is_not_finite_restarts_it_on_the_next(name: str) -> None:
    member = resolve(name)
    gap = 400
    for row in member.info.inputs:
        bars = BARS.copy()
        bars[row, gap] = np.nan if row % 2 else np.inf
        outputs = evaluate(member, bars)
        assert_same_bits(outputs[:, :gap], evaluate(member, BARS[:, :gap]))
        assert np.isnan(outputs[:, gap]).all()
        assert_same_bits(outputs[:, gap + 1 :], evaluate(member, BARS[:, gap + 1 :]))


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_an_unused_column_may_be_anything(name: str) -> None:
    member = resolve(name)
    bars = BARS.copy()
    unused = [row for row in range(len(ROW_NAMES)) if row not in member.info.inputs]
    bars[unused] = np.nan
    assert_same_bits(evaluate(member, bars), evaluate(member, BARS))


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_a_stream_gives_the_bits_of_the_array_and_restarts_alike(name: str) -> None:
    bars = BARS.copy()
    bars[:, 150] = np.nan
    stream = Stream(name)
    pushed = [list(stream.push(*bar).values()) for bar in bars.T.tolist()]
    assert_same_bits(np.array(pushed).T, evaluate(resolve(name), bars))


PLAIN = """
import sys
import numpy as np
from bot4.quant.indicators import INDICATORS, resolve
from bot4.quant.indicators.arrays import evaluate
bars = np.load(sys.argv[1])
np.savez(sys.argv[2], **{name: evaluate(resolve(name), bars) for name in INDICATORS})
"""


@pytest.mark.skipif(not JIT, reason="compares compiled with plain Python")
def test_plain_python_gives_the_bits_of_the_compiled(tmp_path: Path) -> None:
    bars = np.ascontiguousarray(BARS[:, 190:350])
    np.save(tmp_path / "bars.npy", bars)
    source = str(Path(bot4.kernel.__file__).parents[1])
    command = [sys.executable, "-W", "error", "-c", PLAIN, str(tmp_path / "bars.npy"), str(tmp_path / "plain.npz")]
    subprocess.run(command, check=True, env=os.environ | {"BOT4_JIT": "0", "PYTHONPATH": source})
    plain = np.load(tmp_path / "plain.npz")
    assert set(plain) == set(INDICATORS)
    for name in INDICATORS:
        assert_same_bits(plain[name], evaluate(resolve(name), bars))
