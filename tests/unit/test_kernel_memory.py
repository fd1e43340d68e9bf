"""Memory that a kernel has of its own, and views that it makes."""

from __future__ import annotations

import numpy as np

from bot4.kernel import array, columns_from, f8, i8, kernel, scratch, void

SPAN = 16


@kernel(void(array(f8), array(f8)))
def doubled_twice(values: np.ndarray, out: np.ndarray) -> None:
    once = scratch(SPAN)
    twice = scratch(SPAN)
    for i in range(len(values)):
        once[i] = 2.0 * values[i]
    for i in range(len(values)):
        twice[i] = 2.0 * once[i]
    for i in range(len(values)):
        out[i] = once[i] + twice[i]


@kernel(void(array(f8, 2), i8))
def marked_from(matrix: np.ndarray, first: int) -> None:
    view = columns_from(matrix, first)
    view[0, 0] = 1.0
    view[1, 1] = 2.0


def test_two_scratch_arrays_are_apart() -> None:
    values = np.arange(SPAN, dtype=np.float64)
    out = np.zeros(SPAN)
    doubled_twice(values, out)
    np.testing.assert_array_equal(out, 6.0 * values)


def test_columns_are_seen_from_the_first_on() -> None:
    matrix = np.zeros((2, 5))
    marked_from(matrix, 2)
    expected = np.zeros((2, 5))
    expected[0, 2], expected[1, 3] = 1.0, 2.0
    np.testing.assert_array_equal(matrix, expected)
