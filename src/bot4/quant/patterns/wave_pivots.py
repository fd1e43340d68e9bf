"""Turning points of a short series, and how small ones are taken away until only large ones are left."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void

_HUGE = 1e300


@kernel(void(array(f8), i8, array(f8)))
def smoothed(values: FloatArray, last: int, out: FloatArray) -> None:
    """Weights 1/4, 1/2, 1/4 over ``0 .. last``; the two ends stay as they are."""
    out[0], out[last] = values[0], values[last]
    for t in range(1, last):
        out[t] = 0.25 * (values[t - 1] + 2.0 * values[t] + values[t + 1])


@kernel(i8(array(f8), i8, array(f8)))
def find_pivots(values: FloatArray, last: int, pivots: FloatArray) -> int:
    """Times of the alternating extremes of ``values[0 .. last]``, the last of them a low at ``last``.

    The first value counts as an extreme. Returns their number; ``pivots`` has room for ``last + 2``.
    """
    n = 1
    pivots[0] = 0.0
    direction = 0
    for t in range(1, last):
        step = values[t] - values[t - 1]
        side = 1 if step > 0.0 else (-1 if step < 0.0 else direction)
        if direction != 0 and side != direction:
            pivots[n] = t - 1
            n += 1
        direction = side
    if direction >= 0:
        if n > 1 and values[last] > values[last - 1]:
            n -= 1
        else:
            pivots[n] = last - 1
            n += 1
    pivots[n] = last
    return n + 1


@kernel(i8(array(f8), array(f8), i8))
def drop_smallest_leg(values: FloatArray, pivots: FloatArray, n: int) -> int:
    """Take the smallest leg away; returns how many pivots are left, 0 where the smallest is the last leg."""
    smallest, at = _HUGE, 0
    for k in range(n - 1):
        size = abs(values[int(pivots[k + 1])] - values[int(pivots[k])])
        if size < smallest:
            smallest, at = size, k
    if at == n - 2:
        return 0
    gone = 1 if at == 0 else 2
    for k in range(at, n - gone):
        pivots[k] = pivots[k + gone]
    return n - gone
