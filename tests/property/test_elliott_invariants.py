"""What holds of every Elliott count, on random walks and at a low confidence, so that there are many."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.quant.patterns.elliott import ElliottStream, WaveCount, elliott_waves
from tests.pattern_drawings import random_walk

LOW, LOWER = 0.01, 0.002
SEEDS = st.integers(0, 2**32 - 1)


def walk(seed: int, n_bars: int = 1500) -> np.ndarray:
    return random_walk(n_bars, np.random.default_rng(seed), is_fat_tailed=bool(seed % 2))["close"]


def counted_in(close: np.ndarray) -> tuple[WaveCount, ...]:
    bars = {"high": close, "low": close, "close": close}
    return elliott_waves(bars, least_confidence=LOW, least_other_confidence=LOWER)


def test_the_walks_show_enough_to_test() -> None:
    counts = [count for seed in range(20) for count in counted_in(walk(seed))]
    assert len(counts) > 100
    assert {count.best.name for count in counts} == {"impulse", "zigzag", "flat", "triangle"}


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_every_impulse_keeps_the_three_hard_rules(seed: int) -> None:
    for count in counted_in(walk(seed)):
        for detection in (count.best, *count.others):
            if detection.name != "impulse":
                continue
            up = -detection.direction
            p = [up * point.price for point in detection.points]
            assert p[2] > p[0]
            assert p[4] > p[1]
            assert p[3] - p[2] > min(p[1] - p[0], p[5] - p[4])


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_correction_stays_within_the_move_that_it_corrects(seed: int) -> None:
    for count in counted_in(walk(seed)):
        for detection in (count.best, *count.others):
            if detection.name in ("zigzag", "flat"):
                start, top, _, _, end = (detection.direction * point.price for point in detection.points)
                assert start < end < top


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_points_alternate_and_others_rank_below(seed: int) -> None:
    for count in counted_in(walk(seed)):
        confidences = [item.confidence for item in (count.best, *count.others)]
        assert confidences == sorted(confidences, reverse=True)
        for detection in (count.best, *count.others):
            bars = [point.bar for point in detection.points]
            steps = np.diff([point.price for point in detection.points])
            assert bars == sorted(set(bars))
            assert bars[-1] < detection.known_at == count.best.known_at
            assert (steps[:-1] * steps[1:] < 1e-9).all()
            assert np.sign(steps[-1]) == -detection.direction


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.data())
def test_later_bars_change_nothing(seed: int, data: st.DataObject) -> None:
    close = walk(seed)
    whole = counted_in(close)
    for _ in range(6):
        cut = data.draw(st.integers(0, len(close)))
        assert counted_in(close[:cut]) == tuple(item for item in whole if item.best.known_at < cut)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(0, 1500))
def test_one_more_bar_gives_the_same_bits_also_after_a_restart(seed: int, pause: int) -> None:
    close = walk(seed)
    stream = ElliottStream(least_confidence=LOW, least_other_confidence=LOWER)
    counts: list[WaveCount] = []
    for t, price in enumerate(close.tolist()):
        if t == pause:
            saved = stream.save()
            stream = ElliottStream(least_confidence=LOW, least_other_confidence=LOWER)
            stream.load(saved)
        counts.extend(stream.push(price))
    assert tuple(counts) == counted_in(close)
