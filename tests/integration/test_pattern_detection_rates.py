"""How often drawn chart figures are found, and how often random walks fool the detector.

Run as a program it prints the table of the documentation::

    python -m tests.integration.test_pattern_detection_rates
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from bot4.quant.patterns.chart import CHART_KINDS, chart_patterns, chart_records
from tests.pattern_drawings import CHART_FIGURES, Drawing, Figure, draw, random_walk
from tests.shared_data import bars_path, requires_shared_data

LENGTHS_BARS = (24, 36, 72, 150, 300, 600)
PRICES = ("high", "low", "close")


def is_found(figure: Figure, drawing: Drawing) -> bool:
    """Whether a detection of the kind and direction shares more than half of all bars that it or the figure spans."""
    for found in chart_patterns(drawing.bars, kinds=[figure.name]):
        first, last = found.points[0].bar, found.known_at
        common = min(last, drawing.last_bar) - max(first, drawing.first_bar)
        union = max(last, drawing.last_bar) - min(first, drawing.first_bar)
        if found.direction == figure.direction and common > 0.5 * union:
            return True
    return False


def detection_rate(figure: Figure, length_bars: int, n: int, rng: np.random.Generator, **options) -> float:
    """Share of ``n`` drawings found, at price scales of 1e-6 to 1e6."""
    scales = 10.0 ** rng.uniform(-6.0, 6.0, n)
    return sum(is_found(figure, draw(figure, length_bars, rng, price_scale=s, **options)) for s in scales) / n


def false_per_1000(n_bars: int, seed: int, *, is_fat_tailed: bool) -> float:
    """Detections of all kinds together in 1,000 bars of a random walk."""
    walk = random_walk(n_bars, np.random.default_rng(seed), is_fat_tailed=is_fat_tailed)
    return 1000.0 * len(chart_records(np.array([walk[name] for name in PRICES]))) / n_bars


FIGURES = pytest.mark.parametrize("figure", CHART_FIGURES, ids=lambda figure: f"{figure.name}{figure.direction:+d}")


@FIGURES
def test_nine_of_ten_drawn_figures_are_found(figure):
    rng = np.random.default_rng([41, CHART_FIGURES.index(figure)])
    rates = [detection_rate(figure, length_bars, 15, rng) for length_bars in (24, 60, 200)]
    assert np.mean(rates) >= 0.9
    assert min(rates) >= 0.7  # of 15 drawings


@pytest.mark.slow
@FIGURES
@pytest.mark.parametrize("length_bars", LENGTHS_BARS)
def test_nine_of_ten_drawn_figures_are_found_at_every_length(figure, length_bars):
    rng = np.random.default_rng([1042, CHART_FIGURES.index(figure), length_bars])
    assert detection_rate(figure, length_bars, 300, rng) >= 0.9


@pytest.mark.parametrize("is_fat_tailed", [False, True])
def test_a_random_walk_gives_at_most_one_detection_in_1000_bars(is_fat_tailed):
    assert 0.0 < false_per_1000(300_000, 1043, is_fat_tailed=is_fat_tailed) <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize("is_fat_tailed", [False, True])
def test_long_random_walks_give_at_most_one_detection_in_1000_bars(is_fat_tailed):
    assert false_per_1000(1_000_000, 1044, is_fat_tailed=is_fat_tailed) <= 1.0


REAL_BARS = (
    "binance_spot_1h/BTCUSDT_1h_20200920_20231231.parquet",
    "binance_spot_5m/DOGEUSDT_5m_20220801_20230430.parquet",
    "binance_spot_1m/ETHUSDT_1m_20250520_20250719.parquet",
)


@requires_shared_data
def test_real_bars_hold_figures_of_most_kinds_at_a_sane_rate():
    names: set[str] = set()
    for path in REAL_BARS:
        bars = pl.read_parquet(bars_path(path), columns=list(PRICES))
        found = chart_patterns(bars)
        names |= {one.name for one in found}
        assert 0.1 <= 1000.0 * len(found) / len(bars) <= 3.0
        assert [one.known_at for one in found] == sorted(one.known_at for one in found)
        for one in found:
            assert one.points[-1].price == bars["close"][one.known_at]
            assert 0.5 <= one.confidence <= 1.0
            assert (one.target - one.invalidation) * one.direction > 0.0
    assert len(names) >= 12


def print_table(n: int = 200) -> None:
    """Rates by kind and length, for uniform and Gaussian noise, and the random walks'."""
    for is_gaussian in (False, True):
        print(f"\nnoise {'Gaussian, sigma' if is_gaussian else 'uniform, +-'} 10% of the height")
        print("| kind | " + " | ".join(map(str, LENGTHS_BARS)) + " |")
        for number, figure in enumerate(CHART_FIGURES):
            rng = np.random.default_rng([45, number, is_gaussian])
            rates = [detection_rate(figure, length, n, rng, is_gaussian=is_gaussian) for length in LENGTHS_BARS]
            print(f"| {figure.name} {figure.direction:+d} | " + " | ".join(f"{100 * r:.0f}%" for r in rates) + " |")
    for is_fat_tailed in (False, True):
        rates = [false_per_1000(500_000, seed, is_fat_tailed=is_fat_tailed) for seed in (46, 47)]
        print(f"random walk, {'Student t' if is_fat_tailed else 'Gaussian'}: {np.mean(rates):.2f} in 1,000 bars")
    print(f"kinds: {len({kind.name for kind in CHART_KINDS})}")


if __name__ == "__main__":
    print_table()
