"""The place of a value among others, and windows that are kept in order of size.

A window in order is the state of its indicator, and a new bar takes one value out and puts one in: by vector
instructions over the whole window, without a branch to guess.
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from
from bot4.quant.indicators.windows import INF


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


@kernel(void(array(f8), i8, f8, f8, array(f8)))
def replace_ordered(ordered: FloatArray, n: int, old: float, new: float, room: FloatArray) -> None:
    """Put one value in the place of another among ``n`` that ascend, ``old`` being one of them.

    ``room`` is for ``n + 1`` values: the others between two sentinels, of which each place then takes one or the new
    one.
    """
    apart()
    next_one, others = columns_from(ordered, 1), columns_from(room, 1)
    for i in range(n - 1):
        others[i] = ordered[i] if ordered[i] < old else next_one[i]
    room[0], others[n - 1] = -INF, INF
    for i in range(n):
        at_most = others[i] if others[i] < new else new
        ordered[i] = room[i] if room[i] > at_most else at_most


@kernel(f8(array(f8), i8))
def middle_of(ordered: FloatArray, n: int) -> float:
    """Median of ``n`` values that ascend: the one in the middle, or the mean of the two."""
    median: float = 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
    return median


@kernel(f8(array(f8), i8, f8, i8))
def nearest_distance(ordered: FloatArray, n: int, centre: float, count: int) -> float:
    """How far from a centre the ``count``-th nearest of ``n`` values that ascend is.

    The ``count`` nearest are neighbours: those whose farther end is least far away. The lower end is the farther one up
    to some place, and the upper end from there on.
    """
    last = columns_from(ordered, count - 1)
    places = n - count + 1
    turn = 0
    for i in range(places):
        turn += 1 if centre - ordered[i] > last[i] - centre else 0
    below = centre - ordered[turn - 1] if turn > 0 else INF
    above = last[turn] - centre if turn < places else INF
    return below if below < above else above


@kernel(f8(array(f8), i8, f8))
def middle_distance(ordered: FloatArray, n: int, centre: float) -> float:
    """Median of the distances of ``n`` values that ascend from a centre."""
    upper: float = nearest_distance(ordered, n, centre, n // 2 + 1)
    return upper if n % 2 == 1 else 0.5 * (nearest_distance(ordered, n, centre, n // 2) + upper)


__all__ = ["count_below", "insert_ordered", "middle_distance", "middle_of", "replace_ordered"]
