"""The fit of legs and the cost of ratios, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from bot4.quant.patterns.ratios import Level, Ratio, leg_coefficients, limit_rows, price_coefficients
from bot4.quant.patterns.wave_fit import GRAM, MAX_KNOTS, SUMS, fit_legs, ratio_misfit, running_sums, unexplained
from bot4.quant.patterns.wave_pivots import drop_smallest_leg, find_pivots

SEEDS = st.integers(0, 2**32 - 1)


def hats(knots: np.ndarray) -> np.ndarray:
    """Columns: the polyline that is 1 at one knot and 0 at the others."""
    t = np.arange(knots[0], knots[-1] + 1)
    return np.array([np.interp(t, knots, unit) for unit in np.eye(len(knots))]).T


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, MAX_KNOTS + 1))
    gaps = np.round(rng.uniform(2.0, 9.0, n - 1) * 4.0) / 4.0
    knots = np.floor(rng.uniform(0.0, 4.0)) + np.concatenate([[0.0], np.cumsum(gaps)])
    knots[-1] = np.ceil(knots[-1])
    return knots, rng.normal(size=int(knots[-1]) + 1)


def fitted(knots: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    sums, gram, prices = np.zeros(SUMS), np.zeros(GRAM), np.zeros(MAX_KNOTS)
    running_sums(values, len(values), sums)
    room = np.zeros(MAX_KNOTS)
    room[: len(knots)] = knots
    return fit_legs(room, len(knots), sums, gram, prices), prices, gram


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_the_fit_is_that_of_least_squares(seed: int) -> None:
    knots, values = drawn(seed)
    y = values[int(knots[0]) :]
    expected, _, _, _ = np.linalg.lstsq(hats(knots), y, rcond=None)
    rss, prices, _ = fitted(knots, values)
    assert rss == pytest.approx(((y - hats(knots) @ expected) ** 2).sum(), rel=1e-8, abs=1e-9)
    np.testing.assert_allclose(prices[: len(knots)], expected, rtol=1e-7, atol=1e-8)


def test_knots_without_blocks_between_them_have_no_fit() -> None:
    knots = np.array([0.0, 3.1, 3.2, 3.3, 8.0])
    assert fitted(knots, np.arange(9.0))[0] == 1e300


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_the_cost_of_ratios_is_that_of_the_nearest_prices_that_keep_them(seed: int) -> None:
    """The dual of the projection, ``min |A' y - ...|`` over ``y >= 0``, solved by non-negative least squares."""
    knots, values = drawn(seed)
    n = len(knots)
    _, prices, gram = fitted(knots, values)
    rng = np.random.default_rng(seed + 1)
    limits = np.zeros((4, MAX_KNOTS))
    limits[:, :n] = rng.normal(size=(4, n))
    nearest = np.zeros(MAX_KNOTS)
    cost = ratio_misfit(gram, prices, n, limits, 0, 0, 4, 1e9, nearest)
    if cost == 1e300:  # said not to have come near enough
        return
    g = hats(knots).T @ hats(knots)
    root = np.linalg.cholesky(g)
    directions = np.linalg.solve(root, limits[:, :n].T)
    target = -root.T @ prices[:n]
    multipliers, _ = nnls(directions, target)
    expected = ((directions @ multipliers) ** 2).sum()
    assert cost == pytest.approx(expected, rel=0.02, abs=0.02)
    assert (limits[:, :n] @ nearest[:n] >= -1e-3).all()


def test_prices_that_keep_the_ratios_cost_nothing_and_hopeless_ones_are_given_up() -> None:
    limits = limit_rows("ABCD", (Ratio("BC", "AB", 0.5), Ratio("CD", "AB", 1.0)))
    knots = np.array([0.0, 8.0, 16.0, 24.0, 32.0, 38.0])
    nearest = np.zeros(MAX_KNOTS)
    for prices_there, most, expected in (
        ((0.2, 1.0, 0.2, 0.6, -0.2, 0.4), 1.0, 0.0),
        ((0.2, 1.0, 0.2, 2.0, -0.2, 0.4), 0.01, 1e300),
    ):
        values = np.interp(np.arange(39.0), knots, prices_there)
        _, prices, gram = fitted(knots, values)
        assert ratio_misfit(gram, prices, 6, limits, 0, 0, len(limits), most, nearest) == expected


def test_nothing_known_leaves_the_lesser_of_a_walk_and_a_level() -> None:
    sums = np.zeros(SUMS)
    rng = np.random.default_rng(5)
    for values in (rng.normal(size=40).cumsum(), rng.normal(size=40)):
        running_sums(values, 40, sums)
        y = values[5:31]
        walk, level = (np.diff(y) ** 2).sum() * 26 / 25, ((y - y.mean()) ** 2).sum()
        assert unexplained(sums, 5, 30) == pytest.approx(min(walk, level))


def test_the_smallest_leg_goes_first() -> None:
    values = np.array([5.0, 9.0, 7.0, 8.0, 2.0, 6.0, 1.0])
    pivots = np.zeros(10)
    n = find_pivots(values, 6, pivots)
    assert pivots[:n].tolist() == [0, 1, 2, 3, 4, 5, 6]
    n = drop_smallest_leg(values, pivots, n)
    assert pivots[:n].tolist() == [0, 1, 4, 5, 6]
    n = drop_smallest_leg(values, pivots, n)
    assert pivots[:n].tolist() == [0, 1, 6] or pivots[:n].tolist() == [1, 4, 5, 6]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=4, max_size=40))
def test_pivots_alternate_and_end_in_a_low(steps: list[int]) -> None:
    values = np.array([*steps, -1.0])
    pivots = np.zeros(len(values) + 2)
    n = find_pivots(values, len(values) - 1, pivots)
    at = pivots[:n].astype(int)
    moves = np.diff(values[at])
    assert at[-1] == len(values) - 1
    assert (np.diff(at) > 0).all()
    assert moves[-1] < 0.0
    assert (moves[:-1] * moves[1:] <= 0.0).all()


def test_legs_and_levels_are_linear_in_the_prices() -> None:
    prices = np.array([100.0, 110.0, 104.0, 107.0, 102.0, 0.0, 0.0, 0.0])
    assert leg_coefficients("XABCD", "XA") @ prices == 10.0
    assert leg_coefficients("XABCD", "AD") @ prices == 8.0
    assert price_coefficients("XABCD", Level("D", "AD", -0.5)) @ prices == 106.0
    with pytest.raises(ValueError, match="one side"):
        leg_coefficients("XABCD", "XB")
