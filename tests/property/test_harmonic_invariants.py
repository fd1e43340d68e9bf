"""What holds of every harmonic detection, on random walks and at a low confidence, so that there are many."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.quant.patterns.detection import Detection
from bot4.quant.patterns.harmonic import HARMONIC_FORMS, HARMONIC_KINDS, HarmonicStream, harmonic_patterns
from bot4.quant.patterns.ratios import Ratio
from tests.pattern_drawings import random_walk

LOW = 0.01
SEEDS = st.integers(0, 2**32 - 1)
FORMS = {form.name: form for form in HARMONIC_FORMS}


def walk(seed: int, n_bars: int = 1500) -> np.ndarray:
    return random_walk(n_bars, np.random.default_rng(seed), is_fat_tailed=bool(seed % 2))["close"]


def found_in(close: np.ndarray) -> tuple[Detection, ...]:
    return harmonic_patterns({"high": close, "low": close, "close": close}, least_confidence=LOW)


def has_ratio(prices: dict[str, float], ratio: Ratio) -> bool:
    leg, unit = (abs(prices[name[1]] - prices[name[0]]) for name in (ratio.leg, ratio.unit))
    low, high = ratio.bounds
    height = max(prices.values()) - min(prices.values())
    return low * unit - 0.01 * height <= leg <= high * unit + 0.01 * height


def test_the_walks_show_enough_to_test() -> None:
    assert sum(len(found_in(walk(seed))) for seed in range(20)) > 100


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_reported_points_alternate_in_order_and_have_the_ratios_of_the_table(seed: int) -> None:
    for detection in found_in(walk(seed)):
        bars = [point.bar for point in detection.points]
        steps = np.diff([point.price for point in detection.points])
        assert bars == sorted(set(bars))
        assert bars[-1] < detection.known_at
        assert np.sign(steps[-1]) == -detection.direction
        assert (steps[:-1] * steps[1:] < 1e-9).all()
        prices = {point.label: point.price for point in detection.points}
        variants = FORMS[detection.name].variants
        assert any(all(has_ratio(prices, ratio) for ratio in variant.ratios) for variant in variants)
        assert LOW <= detection.confidence <= 1.0


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_target_lies_ahead_and_the_invalidation_behind(seed: int) -> None:
    for detection in found_in(walk(seed)):
        last = detection.points[-1].price
        slack = 0.01 * np.ptp([point.price for point in detection.points])
        assert (detection.target - last) * detection.direction > 0.0
        assert (detection.invalidation - last) * detection.direction < slack


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.data())
def test_later_bars_change_nothing(seed: int, data: st.DataObject) -> None:
    close = walk(seed)
    whole = found_in(close)
    for _ in range(6):
        cut = data.draw(st.integers(0, len(close)))
        assert found_in(close[:cut]) == tuple(item for item in whole if item.known_at < cut)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(0, 1500))
def test_one_more_bar_gives_the_same_bits_also_after_a_restart(seed: int, pause: int) -> None:
    close = walk(seed)
    stream = HarmonicStream(least_confidence=LOW)
    found: list[Detection] = []
    for t, price in enumerate(close.tolist()):
        if t == pause:
            saved = stream.save()
            stream = HarmonicStream(least_confidence=LOW)
            stream.load(saved)
        told = stream.push(price)
        assert all(detection.known_at == t for detection in told)
        found.extend(told)
    assert tuple(found) == found_in(close)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from([2.0**-20, 2.0**-3, 2.0**20]))
def test_prices_in_another_unit_show_the_same(seed: int, unit: float) -> None:
    close = walk(seed)
    for here, there in zip(found_in(close), found_in(close * unit), strict=True):
        assert [point.bar for point in here.points] == [point.bar for point in there.points]
        assert (here.name, here.known_at) == (there.name, there.known_at)
        assert there.target == pytest.approx(here.target * unit)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_upside_down_the_other_direction_shows(seed: int) -> None:
    close = walk(seed)
    for here, there in zip(found_in(close), found_in(-close), strict=True):
        assert (here.name, here.known_at, here.direction) == (there.name, there.known_at, -there.direction)
        assert [point.price for point in here.points] == [-point.price for point in there.points]


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from([np.nan, np.inf, -np.inf]))
def test_after_a_bar_that_is_not_finite_the_search_starts_again(seed: int, hole: float) -> None:
    first, second = walk(seed, 700), walk(seed + 1, 700)
    found = found_in(np.concatenate([first, [hole], second]))
    later = [
        dataclasses.replace(
            item,
            known_at=item.known_at + 701,
            points=tuple(dataclasses.replace(point, bar=point.bar + 701) for point in item.points),
        )
        for item in found_in(second)
    ]
    assert list(found) == [*found_in(first), *later]


def test_every_kind_has_as_many_labels_as_points() -> None:
    assert all(kind.labels == tuple(FORMS[kind.name].labels) for kind in HARMONIC_KINDS)
