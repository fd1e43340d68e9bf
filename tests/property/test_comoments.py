"""Windows over two series against exact sums, and one at a time against many at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.quant.indicators.comoments import window_comoments
from bot4.quant.indicators.registry import SPAN
from bot4.quant.indicators.windows import window_moments

PRICE = st.one_of(st.sampled_from([0.0, 1.0, 100.1, 1e12, -3.0]), st.floats(-1e12, 1e12, allow_subnormal=False))


def comoments(x: np.ndarray, y: np.ndarray, period: int) -> np.ndarray:
    out = np.full(SPAN, np.nan)
    m = window_comoments(x, y, len(x), period, out)
    assert m == max(0, len(x) - period + 1)
    return out[:m]


@st.composite
def pairs_and_period(draw):
    period = draw(st.integers(1, 440))
    n = draw(st.integers(1, min(952, period + 40)))
    series = [np.resize(np.array(draw(st.lists(PRICE, min_size=1, max_size=40))), n) for _ in range(2)]
    return *(values + draw(st.sampled_from([0.0, 1e6])) for values in series), period


@given(pairs_and_period())
@settings(max_examples=300, deadline=None)
def test_a_window_gives_the_same_bits_alone_and_among_others(case):
    x, y, period = case
    whole = comoments(x, y, period)
    for at in range(len(whole)):
        alone = comoments(x[at : at + period].copy(), y[at : at + period].copy(), period)
        assert alone.tobytes() == whole[at : at + 1].tobytes()


@given(pairs_and_period())
@settings(max_examples=60, deadline=None)
def test_comoments_are_what_exact_arithmetic_says(case):
    x, y, period = case
    exact = [(Fraction(float(a)), Fraction(float(b))) for a, b in zip(x, y, strict=True)]
    tolerance = 1e-13 * (float(np.abs(x).max()) or 1.0) * (float(np.abs(y).max()) or 1.0) * period
    for at, found in enumerate(comoments(x, y, period)):
        window = exact[at : at + period]
        mean_x, mean_y = sum(a for a, _ in window) / period, sum(b for _, b in window) / period
        assert abs(found - float(sum((a - mean_x) * (b - mean_y) for a, b in window))) <= tolerance


@given(pairs_and_period())
@settings(max_examples=200, deadline=None)
def test_the_order_of_the_two_does_not_matter_and_of_one_with_itself_it_is_the_moment(case):
    x, y, period = case
    assert comoments(x, y, period).tobytes() == comoments(y, x, period).tobytes()
    sums, squares = np.empty(SPAN), np.empty(SPAN)
    m = window_moments(x, len(x), period, sums, squares)
    both = comoments(x, x, period)
    assert np.all((both == squares[:m]) | (squares[:m] == 0.0))
