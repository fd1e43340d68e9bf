"""Windows against exact sums, and one at a time against many at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.quant.indicators.registry import SPAN
from bot4.quant.indicators.windows import (
    window_latest_maxima,
    window_lines,
    window_maxima,
    window_minima,
    window_moments,
    window_sums,
)

PRICE = st.one_of(st.sampled_from([0.0, 1.0, 100.1, 1e12, -3.0]), st.floats(-1e12, 1e12, allow_subnormal=False))
ONE_OUTPUT = [window_sums, window_maxima, window_minima]
TWO_OUTPUTS = [window_latest_maxima, window_moments, window_lines]


def results(function, values: np.ndarray, period: int) -> np.ndarray:
    outputs = np.full((1 if function in ONE_OUTPUT else 2, SPAN), np.nan)
    m = function(values, len(values), period, *outputs)
    assert m == max(0, len(values) - period + 1)
    return outputs[:, :m]


@st.composite
def values_and_period(draw):
    period = draw(st.integers(1, 440))
    n = draw(st.integers(1, min(952, period + 40)))
    few = draw(st.lists(PRICE, min_size=1, max_size=40))
    return np.resize(np.array(few), n) + draw(st.sampled_from([0.0, 1e6])), period


@given(values_and_period(), st.sampled_from(ONE_OUTPUT + TWO_OUTPUTS))
@settings(max_examples=300, deadline=None)
def test_a_window_gives_the_same_bits_alone_and_among_others(case, function):
    values, period = case
    whole = results(function, values, period)
    for at in range(whole.shape[1]):
        alone = results(function, values[at : at + period].copy(), period)
        assert alone[:, 0].tobytes() == np.ascontiguousarray(whole[:, at]).tobytes()


@given(values_and_period())
@settings(max_examples=60, deadline=None)
def test_windows_are_what_exact_arithmetic_says(case):
    values, period = case
    exact = [Fraction(float(value)) for value in values]
    scale = float(np.abs(values).max()) or 1.0
    tolerance = 1e-13 * scale
    sums = results(window_sums, values, period)[0]
    maxima = results(window_maxima, values, period)[0]
    minima = results(window_minima, values, period)[0]
    latest, age = results(window_latest_maxima, values, period)
    _, squares = results(window_moments, values, period)
    _, covariations = results(window_lines, values, period)
    for at in range(len(sums)):
        window = exact[at : at + period]
        mean = sum(window) / period
        assert abs(sums[at] - float(sum(window))) <= tolerance * period
        assert maxima[at] == latest[at] == float(max(window))
        assert minima[at] == float(min(window))
        assert age[at] == window[::-1].index(max(window))
        assert abs(squares[at] - float(sum((x - mean) ** 2 for x in window))) <= tolerance * scale * period
        middle = Fraction(period - 1, 2)
        line = sum((k - middle) * (x - mean) for k, x in enumerate(window))
        assert abs(covariations[at] - float(line)) <= tolerance * period**2


@given(st.integers(1, 440), st.floats(1e-12, 1e12))
@settings(max_examples=200, deadline=None)
def test_equal_values_have_no_spread(period, value):
    values = np.full(min(952, period + 9), value)
    assert not results(window_moments, values, period)[1].any()
