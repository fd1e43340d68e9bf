"""Memory that a kernel has of its own, and views that it makes."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bot4.kernel import JIT, array, f8, i8, kernel, u8, void
from bot4.kernel_memory import apart, bits_of_float, columns_from, float_of_bits, fused, part, scratch, stretch, wide

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


@kernel(void(array(f8), i8, array(f8), array(f8)))
def summed_and_subtracted(values: np.ndarray, step: int, sums: np.ndarray, differences: np.ndarray) -> None:
    apart()
    later = columns_from(values, step)
    for i in range(len(values) - step):
        sums[i] = values[i] + later[i]
        differences[i] = later[i] - values[i]


def test_arrays_that_are_apart_are_read_and_written_as_said() -> None:
    values = np.arange(40.0) ** 2
    sums, differences = np.zeros(40), np.zeros(40)
    summed_and_subtracted(values, 3, sums, differences)
    np.testing.assert_array_equal(sums[:37], values[:37] + values[3:])
    np.testing.assert_array_equal(differences[:37], values[3:] - values[:37])


@kernel(void(array(f8, 2), i8, i8, i8, array(f8)))
def sliced_from(ring: np.ndarray, mask: int, first: int, count: int, out: np.ndarray) -> None:
    spare = scratch(SPAN)
    values = stretch(ring, 1, mask, first, first + count, spare)
    for i in range(len(values)):
        out[i] = values[i]


@pytest.mark.parametrize("first", range(20))
@pytest.mark.parametrize("count", range(1, 9))
def test_a_slice_of_a_ring_is_in_order(first: int, count: int) -> None:
    ring = np.full((3, 8), np.nan)
    for t in range(first, first + count):
        ring[1, t & 7] = t
    out = np.zeros(count)
    sliced_from(ring, 7, first, count, out)
    np.testing.assert_array_equal(out, np.arange(first, first + count))


def test_a_slice_of_a_whole_matrix_is_a_part_of_a_row() -> None:
    matrix = np.arange(60.0).reshape(3, 20)
    out = np.zeros(5)
    sliced_from(matrix, -1, 4, 5, out)
    np.testing.assert_array_equal(out, matrix[1, 4:9])


@kernel(void(array(f8), array(f8, 2), i8, i8))
def marked_parts(values: np.ndarray, matrix: np.ndarray, first: int, count: int) -> None:
    few, rows = part(values, first, count), part(matrix, first, count)
    for i in range(len(few)):
        few[i] += 1.0
    for i in range(rows.shape[0]):
        rows[i, i] += 1.0


def test_a_part_is_a_slice() -> None:
    values, matrix = np.zeros(6), np.zeros((6, 3))
    marked_parts(values, matrix, 2, 3)
    expected = np.zeros((6, 3))
    expected[2:5] = np.eye(3)
    np.testing.assert_array_equal(values, [0, 0, 1, 1, 1, 0])
    np.testing.assert_array_equal(matrix, expected)


@kernel(void(array(f8), array(u8), array(f8)))
def there_and_back(values: np.ndarray, bits: np.ndarray, back: np.ndarray) -> None:
    wide()
    for i in range(len(values)):
        bits[i] = bits_of_float(values[i])
        back[i] = float_of_bits(bits[i])


def test_bits_of_a_number_are_its_representation() -> None:
    values = np.array([0.0, -0.0, 1.0, -2.5, 1e-310, np.inf, np.pi])
    bits, back = np.zeros(7, np.uint64), np.zeros(7)
    there_and_back(values, bits, back)
    np.testing.assert_array_equal(bits, values.view(np.uint64))
    np.testing.assert_array_equal(back.view(np.uint64), bits)


@pytest.mark.skipif(not JIT, reason="only a compiled function has attributes")
def test_a_wide_kernel_asks_for_the_widest_vectors() -> None:
    # Declared in a string, so that it is compiled here: what comes from the cache cannot be looked into.
    names: dict[str, Any] = {"kernel": kernel, "void": void, "array": array, "f8": f8, "wide": wide}
    for name, first in (("is_wide", "wide()"), ("is_not", "pass")):
        exec(f"@kernel(void(array(f8)))\ndef {name}(x):\n    {first}\n    x[0] = 1.0\n", names)
        names[name](np.zeros(1))
        code = next(iter(names[name].inspect_llvm().values()))
        assert ('"prefer-vector-width"="512"' in code) == (name == "is_wide")


@kernel(void(array(f8), array(f8), array(f8), array(f8)))
def fused_products(a: np.ndarray, b: np.ndarray, c: np.ndarray, out: np.ndarray) -> None:
    for i in range(len(a)):
        out[i] = fused(a[i], b[i], c[i])


def test_a_fused_product_is_rounded_once() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(2, 500)) * 10.0 ** generator.integers(-9, 9, (2, 500))
    c = -a * b * (1.0 + generator.integers(-2, 3, 500) * 2.0**-52)  # nearly all cancels
    c[:100] = generator.normal(size=100)
    a[0], b[0], c[0] = 0.0, -1.0, -0.0
    a[1], b[1], c[1] = 1e300, 1e300, -math.inf
    a[2], b[2], c[2] = 1e300, 1e300, 1.0
    out = np.empty(500)
    fused_products(a, b, c, out)
    exact = [float(Fraction(x) * Fraction(y) + Fraction(z)) for x, y, z in zip(a[3:], b[3:], c[3:], strict=True)]
    np.testing.assert_array_equal(out[3:], exact)
    assert np.count_nonzero(out[3:] != a[3:] * b[3:] + c[3:]) > 100
    assert math.copysign(1.0, out[0]) == -1.0
    assert (out[1], out[2]) == (-math.inf, math.inf)
