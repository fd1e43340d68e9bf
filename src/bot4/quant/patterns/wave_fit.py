"""Legs fitted to prices by least squares, and how far a fit is from a set of allowed ratios.

Under noise the extreme bar of a swing is biased: it is the bar with the luckiest noise. The price of a pivot is
therefore estimated from all bars of the legs that meet there. A pattern is a connected polyline with its knots at
times ``u_0 < u_1 < ...``; its prices at the knots minimise the sum of squared residuals::

    RSS = sum_i (y_i - L(i))^2,   L linear between (u_j, p_j) and (u_j+1, p_j+1)

The normal equations ``G p = r`` are tridiagonal, and every entry follows from running sums of ``y``, ``t y`` and
``y^2``, so that one fit costs the same for ten blocks as for fifty.

A table of ratios is a set of linear inequalities ``a . p >= 0`` (a ratio of two legs between two bounds is two of
them), hence a convex cone. :func:`ratio_misfit` gives the least increase of RSS with which the prices can be moved
into the cone, ``min (q - p)' G (q - p)`` over ``q`` in it, by Hildreth's dual coordinate ascent (Hildreth 1957, *A
quadratic programming procedure*). Under independent noise this is the likelihood ratio test of "the ratios are
those of the table".
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch

MAX_KNOTS = 8
"""The start of the leg before the first point, six points at most, and the end of the leg after the last."""

SPAN = 72
"""Blocks that a fit may look back over, rounded up to a multiple of eight."""

SUMS = 4 * (SPAN + 1)
GRAM = 4 * MAX_KNOTS
MAX_LIMITS = 24
"""Inequalities that one table row may have."""

_STEPS = MAX_LIMITS * MAX_KNOTS
_TY = SPAN + 1
_YY = 2 * (SPAN + 1)
_STEP = 3 * (SPAN + 1)
_OFF = MAX_KNOTS
_PIVOT = 2 * MAX_KNOTS
_FACTOR = 3 * MAX_KNOTS
_ROUNDS = 24
_SETTLED = 1e-3  # prices are scaled so that the largest is one
MIN_GAP = 1.5
_NO_FIT = 1e300


@kernel(void(array(f8), i8, array(f8)))
def running_sums(values: FloatArray, n: int, sums: FloatArray) -> None:
    """Running sums of ``y``, ``t y``, ``y^2`` and squared steps; entry ``k`` is the sum over ``t < k``."""
    total, moment, square, step = 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        sums[t], sums[_TY + t], sums[_YY + t], sums[_STEP + t] = total, moment, square, step
        y = values[t]
        total += y
        moment += t * y
        square += y * y
        if t > 0:
            step += (y - values[t - 1]) ** 2
    sums[n], sums[_TY + n], sums[_YY + n], sums[_STEP + n] = total, moment, square, step


@kernel(f8(array(f8), i8, i8))
def unexplained(sums: FloatArray, first: int, last: int) -> float:
    """Sum of squares of the blocks ``first .. last`` where nothing is known of legs.

    The lesser of what a random walk leaves (squared steps, scaled to as many terms as there are blocks) and what
    one level leaves (squared deviations from the mean).
    """
    n = last + 1 - first
    steps = (sums[_STEP + last + 1] - sums[_STEP + first + 1]) * n / (n - 1)
    total = sums[last + 1] - sums[first]
    level = sums[_YY + last + 1] - sums[_YY + first] - total * total / n
    return float(min(steps, level))


@kernel(i8(f8), is_inlined=True)
def _first_at(u: float) -> int:
    """First whole time at or after ``u``."""
    t = int(u)
    return t if t >= u else t + 1


@kernel(f8(array(f8), i8, array(f8), array(f8), array(f8)))
def leg_misfit(knots: FloatArray, n_knots: int, sums: FloatArray, gram: FloatArray, prices: FloatArray) -> float:
    """RSS of the best legs with these knots, or 1e300 where the knots leave a price undetermined.

    Args:
        knots: times of the knots, increasing, the first and the last whole.
        n_knots: how many.
        sums: of :func:`running_sums`.
        gram: out, float64[4 * 8]: diagonal and off-diagonal of ``G``, then inverse pivots and factors of its
            ``L D L'``.
        prices: out, the right side after elimination, from which :func:`fit_legs` finds the prices.
    """
    gram[0], prices[0] = 0.0, 0.0
    a = knots[0]
    i = _first_at(a)
    first = i
    for k in range(n_knots - 1):
        b = knots[k + 1]
        j = _first_at(b)
        if k == n_knots - 2:
            j += 1
        n = float(j - i)
        t1 = 0.5 * n * (i + j - 1)
        t2 = _squares(j) - _squares(i)
        y = sums[j] - sums[i]
        ty = sums[_TY + j] - sums[_TY + i]
        w = 1.0 / (b - a)
        w2 = w * w
        gram[k] += (b * b * n - 2.0 * b * t1 + t2) * w2
        gram[k + 1] = (a * a * n - 2.0 * a * t1 + t2) * w2
        gram[_OFF + k] = ((a + b) * t1 - a * b * n - t2) * w2
        prices[k] += (b * y - ty) * w
        prices[k + 1] = (ty - a * y) * w
        a, i = b, j
    explained, pivot = 0.0, gram[0]
    for k in range(n_knots):
        if k > 0:
            off = gram[_OFF + k - 1]
            factor = off * gram[_PIVOT + k - 1]
            gram[_FACTOR + k] = factor
            pivot = gram[k] - factor * off
            prices[k] -= factor * prices[k - 1]
        if pivot < 1e-6:
            return _NO_FIT
        gram[_PIVOT + k] = 1.0 / pivot
        explained += prices[k] * prices[k] * gram[_PIVOT + k]
    return float(max(sums[_YY + i] - sums[_YY + first] - explained, 0.0))


@kernel(f8(array(f8), i8, array(f8), array(f8), array(f8)))
def fit_legs(knots: FloatArray, n_knots: int, sums: FloatArray, gram: FloatArray, prices: FloatArray) -> float:
    """RSS as :func:`leg_misfit`, and the prices at the knots."""
    rss: float = leg_misfit(knots, n_knots, sums, gram, prices)
    if rss < _NO_FIT:
        _back_substitute(gram, n_knots, prices)
    return rss


@kernel(f8(i8), is_inlined=True)
def _squares(n: int) -> float:
    """``0^2 + 1^2 + ... + (n - 1)^2``."""
    return (n - 1) * n * (2 * n - 1) / 6.0


@kernel(void(array(f8), i8, array(f8)))
def _back_substitute(gram: FloatArray, n_knots: int, x: FloatArray) -> None:
    x[n_knots - 1] *= gram[_PIVOT + n_knots - 1]
    for k in range(n_knots - 2, -1, -1):
        x[k] = x[k] * gram[_PIVOT + k] - gram[_FACTOR + k + 1] * x[k + 1]


@kernel(f8(array(f8), i8, array(f8), array(f8), array(f8), f8, f8, i8))
def refine_knots(
    knots: FloatArray,
    n_knots: int,
    sums: FloatArray,
    gram: FloatArray,
    prices: FloatArray,
    rss: float,
    step: float,
    n_sweeps: int,
) -> float:
    """Move the inner knots, one at a time, by ``step`` blocks while RSS falls from ``rss``; returns the new RSS."""
    for _ in range(n_sweeps):
        is_better = False
        for k in range(1, n_knots - 1):
            here = knots[k]
            for side in range(2):
                there = here - step if side == 0 else here + step
                if there - knots[k - 1] < MIN_GAP or knots[k + 1] - there < MIN_GAP:
                    continue
                knots[k] = there
                tried = leg_misfit(knots, n_knots, sums, gram, prices)
                if tried < rss:
                    rss = tried
                    is_better = True
                    break
                knots[k] = here
        if not is_better:
            break
    return rss


@kernel(f8(array(f8), array(f8), i8, array(f8, 2), i8, i8, i8, f8, array(f8)))
def ratio_misfit(
    gram: FloatArray,
    prices: FloatArray,
    n_knots: int,
    limits: FloatArray,
    column: int,
    first: int,
    last: int,
    most: float,
    nearest: FloatArray,
) -> float:
    """The increase of RSS that moves the prices to the nearest with ``limits[first:last, column:] @ prices >= 0``.

    Args:
        gram: of :func:`fit_legs`.
        prices: of :func:`fit_legs`.
        n_knots: how many.
        limits: float64[n, 8], one inequality a row.
        column: of ``limits``, that of the first knot.
        first, last: rows to keep, ``last`` excluded.
        most: give up, and return 1e300, as soon as the increase is sure to be greater.
        nearest: out, the nearest prices.

    Gives up, too, where the ascent has not come to within 0.001 of every inequality.
    """
    steps = scratch(_STEPS)
    lengths = scratch(MAX_LIMITS)
    multipliers = scratch(MAX_LIMITS)
    for k in range(n_knots):
        nearest[k] = prices[k]
    is_kept = True
    for row in range(first, last):
        m = row - first
        slack = _slack(limits, row, column, prices, n_knots)
        lengths[m] = _step_into(gram, n_knots, limits, row, column, steps, m * MAX_KNOTS)
        multipliers[m] = 0.0
        if slack < 0.0:
            is_kept = False
            if slack * slack > most * lengths[m]:
                return _NO_FIT
    if is_kept:
        return 0.0
    for _ in range(_ROUNDS):
        for m in range(last - first):
            change = max(-_slack(limits, first + m, column, nearest, n_knots) / lengths[m], -multipliers[m])
            if change != 0.0:
                multipliers[m] += change
                for k in range(n_knots):
                    nearest[k] += change * steps[m * MAX_KNOTS + k]
    for row in range(first, last):
        if _slack(limits, row, column, nearest, n_knots) < -_SETTLED:
            return _NO_FIT
    increase: float = _distance(gram, prices, nearest, n_knots)
    return increase


@kernel(f8(array(f8, 2), i8, i8, array(f8), i8), is_inlined=True)
def _slack(limits: FloatArray, row: int, column: int, prices: FloatArray, n_knots: int) -> float:
    slack = 0.0
    for k in range(n_knots):
        slack += limits[row, column + k] * prices[k]
    return slack


@kernel(f8(array(f8), i8, array(f8, 2), i8, i8, array(f8), i8))
def _step_into(
    gram: FloatArray, n_knots: int, limits: FloatArray, row: int, column: int, steps: FloatArray, at: int
) -> float:
    """Write ``x = G^-1 a`` for a row ``a`` of the limits to ``steps[at:]``; returns ``a . x``."""
    steps[at] = limits[row, column]
    for k in range(1, n_knots):
        steps[at + k] = limits[row, column + k] - gram[_FACTOR + k] * steps[at + k - 1]
    length = 0.0
    for k in range(n_knots - 1, -1, -1):
        steps[at + k] *= gram[_PIVOT + k]
        if k < n_knots - 1:
            steps[at + k] -= gram[_FACTOR + k + 1] * steps[at + k + 1]
        length += limits[row, column + k] * steps[at + k]
    return length


@kernel(f8(array(f8), array(f8), array(f8), i8))
def _distance(gram: FloatArray, prices: FloatArray, nearest: FloatArray, n_knots: int) -> float:
    total = 0.0
    for k in range(n_knots):
        d = nearest[k] - prices[k]
        total += gram[k] * d * d
        if k + 1 < n_knots:
            total += 2.0 * gram[_OFF + k] * d * (nearest[k + 1] - prices[k + 1])
    return total
