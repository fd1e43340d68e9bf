"""Student's t over arrays, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bot4.domain.errors import UsageError
from bot4.quant.statistics.student import student_cdf, student_quantile
from bot4.quant.statistics.student_arrays import student_probabilities, student_quantiles

GENERATOR = np.random.default_rng(1)
PROBABILITIES = np.concatenate(
    [GENERATOR.uniform(size=1_000), 10.0 ** -GENERATOR.uniform(0.0, 14.0, 1_000), [0.5, 0.4999999, 1e-300, 1.0 - 1e-9]]
)


@pytest.mark.parametrize("df", [1.0, 2.5, 4.7, 30.0, 200.0])
def test_quantiles_and_probabilities_are_scipys(df: float) -> None:
    expected = stats.t.ppf(PROBABILITIES, df)
    keep = PROBABILITIES > 1e-200
    found = student_quantiles(PROBABILITIES, df)
    assert np.isfinite(found).all()
    found = found[keep]
    np.testing.assert_allclose(found, expected[keep], rtol=1e-12, atol=1e-12)
    back = student_probabilities(found, df)
    np.testing.assert_allclose(back, PROBABILITIES[keep], rtol=1e-10)
    np.testing.assert_allclose(student_probabilities(-found, df), 1.0 - back, rtol=0.0, atol=1e-15)


def test_they_are_those_for_single_numbers() -> None:
    for p in (1e-8, 0.01, 0.3, 0.5, 0.77, 0.999):
        assert student_quantiles(np.array([p]), 3.3)[0] == pytest.approx(student_quantile(p, 3.3), rel=1e-12, abs=1e-12)
        assert student_probabilities(np.array([4.0 * p - 2.0]), 3.3)[0] == pytest.approx(
            student_cdf(4.0 * p - 2.0, 3.3)
        )


def test_a_cauchy_variable_has_its_closed_form() -> None:
    x = np.array([-1e6, -3.0, -0.1, 0.0, 1e-9, 2.0, 1e4])
    np.testing.assert_allclose(student_probabilities(x, 1.0), 0.5 + np.arctan(x) / math.pi, rtol=1e-9, atol=1e-15)


def test_ends_infinities_and_nans_go_through() -> None:
    np.testing.assert_array_equal(
        student_quantiles(np.array([[0.0, 1.0], [math.nan, -0.1]]), 4.0), [[-math.inf, math.inf], [math.nan, math.nan]]
    )
    np.testing.assert_array_equal(
        student_probabilities(np.array([-math.inf, math.inf, math.nan]), 4.0), [0, 1, math.nan]
    )
    with pytest.raises(UsageError):
        student_quantiles(np.array([0.5]), 0.0)
