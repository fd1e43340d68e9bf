"""The place of a value among others, and windows that are kept in order of size.

A window in order is the state of its indicator, and a new bar takes one value out and puts one in; both places are
found by counting what is smaller, in vector instructions and without a branch to guess.
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void


@kernel(i8(array(f8), i8, f8), is_inlined=True)
def count_below(values: FloatArray, n: int, bound: float) -> int:
    """How many of the first ``n`` values are below a bound."""
    below = 0
    for i in range(n):
        below += 1 if values[i] < bound else 0
    return below


@kernel(void(array(f8), i8, f8))
def insert_ordered(ordered: FloatArray, n: int, value: float) -> None:
    """Put one value to ``n`` that ascend."""
    place = count_below(ordered, n, value)
    for i in range(n, place, -1):
        ordered[i] = ordered[i - 1]
    ordered[place] = value


@kernel(void(array(f8), i8, f8, f8))
def replace_ordered(ordered: FloatArray, n: int, old: float, new: float) -> None:
    """Put one value in the place of another among ``n`` that ascend, ``old`` being one of them."""
    gone, place = count_below(ordered, n, old), count_below(ordered, n, new)
    if place > gone:
        place -= 1
        for i in range(gone, place):
            ordered[i] = ordered[i + 1]
    else:
        for i in range(gone, place, -1):
            ordered[i] = ordered[i - 1]
    ordered[place] = new


@kernel(f8(array(f8), i8))
def middle_of(ordered: FloatArray, n: int) -> float:
    """Median of ``n`` values that ascend: the one in the middle, or the mean of the two."""
    median: float = 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
    return median


@kernel(f8(array(f8), i8, f8))
def middle_distance(ordered: FloatArray, n: int, centre: float) -> float:
    """Median of the distances of ``n`` values that ascend from one that lies among them.

    The distances ascend from the centre to both sides, so they are merged, as far as the middle.
    """
    right = count_below(ordered, n, centre)
    left = right - 1
    lower, upper = 0.0, 0.0
    for _ in range(n // 2 + 1):
        lower = upper
        to_left = centre - ordered[left] if left >= 0 else float("inf")
        to_right = ordered[right] - centre if right < n else float("inf")
        if to_left <= to_right:
            upper = to_left
            left -= 1
        else:
            upper = to_right
            right += 1
    return upper if n % 2 == 1 else 0.5 * (lower + upper)


__all__ = ["count_below", "insert_ordered", "middle_distance", "middle_of", "replace_ordered"]
