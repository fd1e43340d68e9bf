"""Windows kept in order, and the extremes of windows, against sorting."""

from __future__ import annotations

import statistics

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.quant.indicators.extremes import window_extremes
from bot4.quant.indicators.ranking import count_below, insert_ordered, middle_distance, middle_of, replace_ordered
from bot4.quant.indicators.registry import SPAN

VALUE = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 100.1, 1e12]), st.floats(-1e12, 1e12, allow_subnormal=False))
VALUES = st.lists(VALUE, min_size=1, max_size=60)


@given(VALUES, st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_a_window_kept_in_order_is_the_window_sorted(values, period):
    ordered, room = np.zeros(period), np.empty(SPAN)
    for t, value in enumerate(values):
        if t < period:
            insert_ordered(ordered, t, value)
        else:
            replace_ordered(ordered, period, values[t - period], value, room)
        window = values[max(0, t - period + 1) : t + 1]
        assert ordered[: len(window)].tolist() == sorted(window)


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_median_and_median_distance_are_those_of_the_library(values):
    ordered = np.array(sorted(values))
    middle = middle_of(ordered, len(values))
    assert middle == statistics.median(values)
    assert middle_distance(ordered, len(values), middle) == statistics.median(abs(x - middle) for x in values)


@given(VALUES, VALUE)
@settings(max_examples=200, deadline=None)
def test_what_is_below_is_counted(values, bound):
    assert count_below(np.array(values), len(values), bound) == sum(x < bound for x in values)


@given(VALUES, st.integers(1, 440), st.integers(1, 500))
@settings(max_examples=200, deadline=None)
def test_extremes_are_those_of_each_window_and_the_same_bits_alone(values, period, n):
    x = np.resize(np.array(values), n)
    lowest, highest, alone = np.empty(SPAN), np.empty(SPAN), np.empty((2, SPAN))
    m = window_extremes(x, n, period, lowest, highest)
    assert m == max(0, n - period + 1)
    for at in range(m):
        window = x[at : at + period].copy()
        assert (lowest[at], highest[at]) == (window.min(), window.max())
        window_extremes(window, period, period, alone[0], alone[1])
        assert alone[:, 0].tobytes() == np.array([lowest[at], highest[at]]).tobytes()
