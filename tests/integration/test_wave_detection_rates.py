"""How many drawn waves are found under noise, and how many are found where there are none.

"Noise of 10%" is an independent error of every close, uniform within 10% of the height either way, or (stated, not
required) Gaussian with that standard deviation. Seeds are not those on which the evidence of the tables was set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bot4.quant.patterns.detection import Detection
from bot4.quant.patterns.elliott import elliott_waves
from bot4.quant.patterns.harmonic import harmonic_patterns
from tests.pattern_drawings import random_walk
from tests.wave_drawings import ELLIOTT_NAMES, HARMONIC_NAMES, draw_wave

LENGTHS = (24, 30, 48, 100, 250, 600)
NAMES = HARMONIC_NAMES + ELLIOTT_NAMES

Find = Callable[[dict[str, np.ndarray]], Sequence[Detection]]


def _best_counts(bars: dict[str, np.ndarray]) -> Sequence[Detection]:
    return [count.best for count in elliott_waves(bars)]


def _detector(name: str) -> Find:
    return harmonic_patterns if name in HARMONIC_NAMES else _best_counts


def _found_rate(name: str, length: int, n: int, seed: int, is_gaussian: bool = False) -> float:
    rng = np.random.default_rng([seed, NAMES.index(name), length])
    detect = _detector(name)
    n_found = 0
    for _ in range(n):
        scale = 10.0 ** rng.uniform(-6.0, 6.0)
        drawn = draw_wave(name, length, rng, is_gaussian=is_gaussian, price_scale=scale)
        n_found += drawn.is_among(detect(drawn.drawing.bars))
    return n_found / n


@pytest.mark.parametrize("name", NAMES)
def test_nine_in_ten_drawn_waves_are_found_at_uniform_noise_of_a_tenth_of_their_height(name: str) -> None:
    rates = [_found_rate(name, length, 20, seed=41) for length in (24, 48, 150, 600)]
    assert np.mean(rates) >= 0.9, rates


@pytest.mark.slow
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nine_in_ten_drawn_waves_are_found_at_every_length(name: str, length: int) -> None:
    assert _found_rate(name, length, 300, seed=43) >= 0.9


@pytest.mark.parametrize("name", NAMES)
def test_nine_in_ten_drawn_waves_of_many_bars_are_found_at_gaussian_noise(name: str) -> None:
    rates = [_found_rate(name, length, 15, seed=47, is_gaussian=True) for length in (150, 300, 600)]
    assert np.mean(rates) >= 0.9, rates


@pytest.mark.parametrize("is_fat_tailed", [False, True])
@pytest.mark.parametrize("detect", [harmonic_patterns, _best_counts])
def test_a_random_walk_shows_at_most_one_in_a_thousand_bars(detect: Find, is_fat_tailed: bool) -> None:
    bars = random_walk(150_000, np.random.default_rng(53), is_fat_tailed=is_fat_tailed)
    assert len(detect(bars)) <= 150


@pytest.mark.slow
@pytest.mark.parametrize("is_fat_tailed", [False, True])
@pytest.mark.parametrize("detect", [harmonic_patterns, _best_counts])
def test_a_million_bars_of_random_walk_show_at_most_a_thousand(detect: Find, is_fat_tailed: bool) -> None:
    bars = random_walk(1_000_000, np.random.default_rng(59), is_fat_tailed=is_fat_tailed)
    assert 100 <= len(detect(bars)) <= 1_000
