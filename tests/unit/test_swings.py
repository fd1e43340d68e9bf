"""Confirmed swings: where they are, when they are known, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bot4.domain.errors import DataError
from bot4.quant.patterns.swings import N_SCALES, SCALES, SwingStream, swings
from tests.pattern_drawings import random_walk


def bars_of(close: np.ndarray) -> dict[str, np.ndarray]:
    return {"high": close + 0.25, "low": close - 0.25, "close": close}


def zigzag(leg_bars: int, n_legs: int) -> np.ndarray:
    corners = 100.0 + 10.0 * (np.arange(n_legs + 1) % 2)
    return np.interp(np.arange(n_legs * leg_bars + 1), leg_bars * np.arange(n_legs + 1), corners)


@pytest.mark.parametrize("leg_bars", [8, 20, 60, 200])
def test_every_corner_of_a_zigzag_is_a_swing_at_its_bar_with_the_bars_extreme_price(leg_bars):
    found = swings(bars_of(zigzag(leg_bars, 10)))
    exact = [
        scale
        for scale in range(N_SCALES)
        if np.array_equal(found["bar"][found["scale"] == scale][1:], leg_bars * np.arange(1, 10))
    ]
    assert exact
    swing = found[found["scale"] == exact[0]][1:]
    assert swing["side"].tolist() == [1, -1] * 4 + [1]
    assert swing["price"].tolist() == [110.25, 99.75] * 4 + [110.25]


def test_a_swing_is_known_when_the_average_has_come_back_not_before():
    close = np.concatenate([zigzag(10, 6), np.linspace(100.0, 140.0, 41)[1:], [139.0, 138.0, 120.0, 119.0]])
    found = swings(bars_of(close))
    top = found[(found["bar"] == 100) & (found["scale"] == 1)]
    assert top["known_at"].tolist() == [103]
    assert top["price"].tolist() == [140.25]


@pytest.mark.parametrize("close", [np.full(200, 3.3), np.linspace(1.0, 2.0, 200), np.zeros(200)])
def test_a_flat_or_straight_price_has_no_turns(close):
    found = swings(bars_of(close))
    assert len(np.unique(found["scale"])) == len(found)  # one a scale at most: where a straight line starts
    assert (found["side"] == -1).all()


def test_larger_reversals_of_a_span_give_fewer_swings():
    counts = np.bincount(swings(random_walk(5000, np.random.default_rng(1)))["scale"], minlength=N_SCALES)
    by_span = counts.reshape(-1, 3)
    assert (np.diff(by_span, axis=1) < 0).all()
    assert [SCALES[0], SCALES[-1]] == [(1, 1.4), (48, 2.8)]


def test_a_bar_that_is_not_finite_starts_every_scale_again():
    walk = random_walk(1920, np.random.default_rng(2))
    broken = {name: values.copy() for name, values in walk.items()}
    broken["high"][959] = np.nan
    after = swings({name: values[960:] for name, values in walk.items()})  # 960: a whole number of every span's steps
    after["bar"] += 960
    after["known_at"] += 960
    found = swings(broken)
    assert found[found["known_at"] >= 959].tobytes() == after.tobytes()
    assert found[found["known_at"] < 959].tobytes() == swings({n: v[:959] for n, v in walk.items()}).tobytes()


def test_frames_mappings_and_streams_agree():
    walk = random_walk(400, np.random.default_rng(3))
    expected = swings(walk)
    assert swings(pl.DataFrame(walk)).tobytes() == expected.tobytes()
    assert swings(pd.DataFrame(walk)).tobytes() == expected.tobytes()
    stream = SwingStream()
    pushed = [stream.push(*bar) for bar in zip(walk["high"], walk["low"], walk["close"], strict=True)]
    assert np.concatenate(pushed).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("bars", "what"),
    [
        ({"high": [1.0], "low": [1.0]}, "there is no column close; it has high, low"),
        ({"high": [1.0], "low": [1.0], "close": [1.0, 2.0]}, "columns of [1, 2] rows"),
        ({"high": ["a"], "low": [1.0], "close": [1.0]}, "column high is not numeric"),
        ({"high": [[1.0]], "low": [1.0], "close": [1.0]}, "column high has 2 dimensions"),
        (7, "int is no set of bar columns"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(bars, what):
    with pytest.raises(DataError) as refused:
        swings(bars)
    assert what in str(refused.value)
    assert "\n" not in str(refused.value)
