"""What holds of confirmed swings whatever the bars: order, dates, and that nothing later changes them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.quant.patterns.swings import N_SCALES, SWING_RING, SWING_STATE, SwingStream, swings
from tests.pattern_drawings import random_walk

walks = st.builds(
    lambda seed, n, fat: random_walk(n, np.random.default_rng(seed), is_fat_tailed=fat),
    st.integers(0, 2**32 - 1),
    st.integers(1, 600),
    st.booleans(),
)
PRICES = ("high", "low", "close")


@settings(max_examples=40, deadline=None)
@given(walks)
def test_highs_and_lows_alternate_at_increasing_bars_known_after_they_happen(walk):
    found = swings(walk)
    assert (np.diff(found["known_at"]) >= 0).all()
    for scale in range(N_SCALES):
        one = found[found["scale"] == scale]
        assert (np.diff(one["bar"]) > 0).all()
        assert (one["side"][1:] == -one["side"][:-1]).all()
        assert (one["known_at"] > one["bar"]).all()
        highs = one["side"] > 0
        assert (one["price"] == np.where(highs, walk["high"][one["bar"]], walk["low"][one["bar"]])).all()
        assert (np.diff(one["price"]) * one["side"][1:] > 0).all()


@settings(max_examples=30, deadline=None)
@given(walks, st.data())
def test_later_bars_change_no_swing(walk, data):
    cut = data.draw(st.integers(0, len(walk["close"])))
    found = swings(walk)
    earlier = swings({name: walk[name][:cut] for name in PRICES})
    assert found[found["known_at"] < cut].tobytes() == earlier.tobytes()


@settings(max_examples=20, deadline=None)
@given(walks, st.integers(-30, 30))
def test_swings_do_not_depend_on_the_scale_of_prices(walk, power):
    found, scaled = swings(walk), swings({name: walk[name] * 2.0**power for name in PRICES})
    assert (found[["bar", "side", "known_at", "scale"]] == scaled[["bar", "side", "known_at", "scale"]]).all()
    assert (found["price"] * 2.0**power == scaled["price"]).all()


@settings(max_examples=20, deadline=None)
@given(walks)
def test_upside_down_highs_are_lows(walk):
    found = swings(walk)
    mirrored = swings({"high": -walk["low"], "low": -walk["high"], "close": -walk["close"]})
    assert (found["bar"] == mirrored["bar"]).all()
    assert (found["side"] == -mirrored["side"]).all()
    assert (found["price"] == -mirrored["price"]).all()


def test_the_state_has_no_unnamed_bytes_and_the_ring_holds_the_widest_span():
    assert SWING_STATE.itemsize % 8 == 0
    stream = SwingStream()
    walk = random_walk(5 * SWING_RING, np.random.default_rng(8))
    pushed = [stream.push(*bar) for bar in zip(*(walk[name] for name in PRICES), strict=True)]
    assert np.concatenate(pushed).tobytes() == swings(walk).tobytes()
