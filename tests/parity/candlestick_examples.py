"""Bars in which every candlestick pattern occurs: each drawn by hand, and series that gap, trend, tie and pause."""

from __future__ import annotations

import numpy as np

Candle = tuple[float, float, float, float]

LONG_WHITE, LONG_BLACK = (100.0, 121.0, 99.0, 120.0), (120.0, 121.0, 99.0, 100.0)

# name -> candles (open, high, low, close), oldest first, and the value at the last of them. They follow PRELUDE, whose
# averages are: body 10, half of the shadows 2, range 14; so tiny is 1.4, near 2.8, far 8.4 and equal 0.7.
DRAWN: dict[str, tuple[list[Candle], int]] = {
    "two_crows": ([LONG_WHITE, (128, 129, 124, 125), (126, 127, 109, 110)], -100),
    "three_black_crows": (
        [(100, 112, 99, 110), (118, 119, 108, 108), (114, 115, 102, 102), (110, 111, 96, 96)], -100),
    "three_inside": ([LONG_WHITE, (115, 116, 109, 110), (112, 113, 95, 96)], -100),
    "three_line_strike": (
        [(100, 111, 99, 110), (108, 119, 107, 118), (116, 127, 115, 126), (128, 129, 97, 98)], 100),
    "three_outside": ([(110, 111, 104, 105), (103, 117, 102, 116), (115, 121, 114, 120)], 100),
    "three_stars_in_the_south": ([(130, 131, 85, 110), (118, 119, 95, 108), (107, 107, 103, 103)], 100),
    "three_white_soldiers": ([(100, 110, 99, 110), (108, 120, 107, 120), (118, 130, 117, 130)], 100),
    "abandoned_baby": ([LONG_WHITE, (125, 126, 124, 125), (118, 119, 99, 100)], -100),
    "advance_block": ([LONG_WHITE, (115, 126, 114, 125), (123, 129, 122, 128)], -100),
    "belt_hold": ([(100, 122, 100, 120)], 100),
    "breakaway": (
        [(130, 131, 109, 110), (105, 106, 99, 100), (102, 104, 97, 98), (99, 101, 92, 93), (94, 109, 93, 108)], 100),
    "closing_marubozu": ([(100, 120, 97, 120)], 100),
    "concealing_baby_swallow": (
        [(140, 140, 125, 125), (125, 125, 110, 110), (105, 112, 99, 100), (113, 114, 95, 96)], 100),
    "counterattack": ([(130, 131, 109, 110), (90, 111, 89, 110)], 100),
    "dark_cloud_cover": ([LONG_WHITE, (124, 125, 104, 105)], -100),
    "doji": ([(100, 107, 93, 100)], 100),
    "doji_star": ([LONG_WHITE, (125, 127, 123, 125)], -100),
    "dragonfly_doji": ([(100, 100, 90, 100)], 100),
    "engulfing": ([(105, 106, 99, 100), (98, 108, 97, 107)], 100),
    "evening_doji_star": ([LONG_WHITE, (125, 127, 123, 125), (122, 123, 99, 100)], -100),
    "evening_star": ([LONG_WHITE, (124, 127, 123, 126), (122, 123, 99, 100)], -100),
    "gap_side_by_side_white_lines": ([(100, 111, 99, 110), (115, 126, 114, 125), (115, 126, 114, 125)], 100),
    "gravestone_doji": ([(100, 110, 100, 100)], 100),
    "hammer": ([(96, 99, 86, 99)], 100),
    "hanging_man": ([(113, 116, 103, 116)], -100),
    "harami": ([LONG_WHITE, (112, 114, 107, 108)], -100),
    "harami_cross": ([LONG_WHITE, (110, 114, 106, 110)], -100),
    "high_wave": ([(100, 112, 90, 103)], 100),
    "hikkake": ([(100, 115, 95, 110), (104, 112, 98, 108), (104, 110, 93, 96)], 100),
    "modified_hikkake": ([(100, 125, 85, 110), (104, 118, 90, 92), (96, 112, 94, 100), (98, 108, 91, 95)], 100),
    "homing_pigeon": ([LONG_BLACK, (112, 113, 107, 108)], 100),
    "identical_three_crows": ([(130, 131, 120, 120), (120, 121, 110, 110), (110, 111, 100, 100)], -100),
    "in_neck": ([LONG_BLACK, (95, 101, 94, 100)], -100),
    "inverted_hammer": ([(95, 108, 95, 98)], 100),
    "kicking": ([(120, 120, 100, 100), (125, 145, 125, 145)], 100),
    "kicking_by_length": ([(120, 120, 100, 100), (125, 150, 125, 150)], 100),
    "ladder_bottom": (
        [(140, 141, 129, 130), (135, 136, 124, 125), (130, 131, 119, 120), (118, 124, 111, 112), (120, 130, 119, 128)],
        100),
    "long_legged_doji": ([(100, 107, 93, 100)], 100),
    "long_line": ([LONG_WHITE], 100),
    "marubozu": ([(100, 120, 100, 120)], 100),
    "matching_low": ([(112, 113, 99, 100), (108, 109, 99, 100)], 100),
    "mat_hold": (
        [LONG_WHITE, (128, 129, 123, 124), (122, 124, 116, 117), (119, 121, 114, 115), (118, 133, 117, 132)], 100),
    "morning_doji_star": ([LONG_BLACK, (95, 97, 93, 95), (98, 121, 97, 120)], 100),
    "morning_star": ([LONG_BLACK, (96, 97, 93, 94), (98, 121, 97, 120)], 100),
    "on_neck": ([LONG_BLACK, (95, 100, 94, 99)], -100),
    "piercing": ([LONG_BLACK, (95, 116, 94, 115)], 100),
    "rickshaw_man": ([(100, 107, 93, 100)], 100),
    "rising_falling_three_methods": (
        [LONG_WHITE, (118, 119, 113, 114), (116, 117, 111, 112), (114, 115, 109, 110), (112, 131, 111, 130)], 100),
    "separating_lines": ([(110, 111, 99, 100), (110, 131, 110, 130)], 100),
    "shooting_star": ([(114, 125, 114, 117)], -100),
    "short_line": ([(100, 106, 99, 105)], 100),
    "spinning_top": ([(100, 110, 94, 104)], 100),
    "stalled_pattern": ([LONG_WHITE, (118, 134, 117, 134), (133, 138, 132, 137)], -100),
    "stick_sandwich": ([(110, 111, 99, 100), (104, 115, 103, 114), (112, 113, 99, 100)], 100),
    "takuri": ([(100, 100, 88, 100)], 100),
    "tasuki_gap": ([(100, 111, 99, 110), (115, 126, 114, 125), (120, 121, 111, 112)], 100),
    "thrusting": ([LONG_BLACK, (95, 107, 94, 106)], -100),
    "tristar": ([(100, 101, 99, 100), (105, 106, 104, 105), (102, 103, 101, 102)], -100),
    "unique_three_river": ([LONG_BLACK, (112, 113, 92, 104), (95, 99, 94, 98)], 100),
    "upside_gap_two_crows": ([LONG_WHITE, (128, 129, 124, 125), (130, 131, 122, 123)], -100),
    "gap_three_methods": ([(100, 111, 99, 110), (115, 126, 114, 125), (120, 121, 104, 105)], 100),
}  # fmt: skip

PRELUDE: list[Candle] = [(100.0, 112.0, 98.0, 110.0), (110.0, 112.0, 98.0, 100.0)] * 10


def drawn(name: str) -> np.ndarray:
    """A drawn example after the prelude, as prices float64[4, n]."""
    return np.array(PRELUDE + DRAWN[name][0], np.float64).T


def mirrored(bars: np.ndarray, about: float = 0.0) -> np.ndarray:
    """Bars turned upside down: highs become lows and white becomes black."""
    return about - bars[[0, 2, 1, 3]]


def gapping_bars(n: int, seed: int) -> np.ndarray:
    """Bars on a coarse grid that gap, trend and pause, so that bodies, shadows and thresholds often tie."""
    rng = np.random.default_rng(seed)
    calm = np.repeat(rng.choice([0.15, 0.5, 1.0, 2.0], n // 25 + 1), 25)[:n]
    trend = np.repeat(rng.choice([-1.0, -0.3, 0.0, 0.3, 1.0], n // 6 + 1), 6)[:n]
    body = np.round(8.0 * calm * (rng.standard_normal(n) + trend) * rng.choice([0.0, 0.25, 1.0, 1.0, 2.0], n))
    back = 0.6 * np.roll(body, 1) * rng.integers(0, 2, n)
    gap = np.round(rng.choice([0.0, 0.0, 0.0, 1.0, 4.0, -4.0, -1.0], n) - back)
    upper, lower = rng.choice([0.0, 0.0, 1.0, 3.0, 12.0], (2, n))
    close = 20_000.0 + np.cumsum(body + gap)
    open_ = close - body
    return np.array([open_, np.maximum(open_, close) + upper, np.minimum(open_, close) - lower, close])


def shaken_examples(n_rounds: int, seed: int) -> np.ndarray:
    """The drawn examples in random order, some upside down, each price moved a little: just in, and just out."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(n_rounds):
        for name in rng.permutation(sorted(DRAWN)):
            bars = drawn(name)[:, rng.integers(0, 8) :]
            shaken = bars + rng.choice([0.0, 0.0, 0.0, 0.0, 0.5, -0.5, 1.0, -1.0], bars.shape)
            shaken[1] = np.maximum(shaken[1], np.maximum(shaken[0], shaken[3]))
            shaken[2] = np.minimum(shaken[2], np.minimum(shaken[0], shaken[3]))
            parts.append(mirrored(shaken, 220.0) if rng.random() < 0.5 else shaken)
    return np.concatenate(parts, axis=1)
