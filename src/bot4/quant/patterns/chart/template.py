"""Figures as templates: polylines through knots, fitted to closes by least squares.

Every figure is drawn here with its break upwards; one that breaks downwards is its mirror image. A template has knots
in time and, for each knot, a row that makes its height out of a few parameters (levels, slopes, depths). Between knots
it runs straight, or along half a parabola where a bowl is drawn. Given the knots, heights are linear in the
parameters, so the best ones are a small linear system; the knots themselves are then moved, one at a time, while the
fit improves.
"""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, b1, f8, i8, kernel, void
from bot4.kernel_memory import scratch

MAX_KNOTS = 7
MAX_PARAMS = 5

HEAD_AND_SHOULDERS = 0
DOUBLE = 1
TRIPLE = 2
FLAT_TRIANGLE = 3
SYMMETRICAL = 4
WEDGE = 5
FLAG = 6
PENNANT = 7
RECTANGLE = 8
CUP = 9
BOWL = 10
N_FORMS = 11

STRAIGHT = 0
INTO_BOWL = 1
OUT_OF_BOWL = 2

ROWS = MAX_KNOTS * MAX_PARAMS
N_SUMS = 5
SUMS = N_SUMS * (MAX_KNOTS - 1)
_SYSTEM = MAX_PARAMS * MAX_PARAMS
_RIDGE = 1e-9
_OUTSIDE = 0.04
_LEAST_LEG = 0.02
_FLOATS = array(f8)


@kernel(i8(i8))
def n_knots(form: int) -> int:
    """Number of knots of a form, the break included."""
    if form <= TRIPLE:
        return 5 if form == DOUBLE else 7
    if form in (WEDGE, CUP):
        return 7 if form == WEDGE else 5
    return 3 if form == BOWL else 6


@kernel(i8(i8, i8))
def leg_shape(form: int, leg: int) -> int:
    """How the template runs from knot ``leg`` to the next."""
    if form < CUP or leg > 1:
        return STRAIGHT
    return INTO_BOWL if leg == 0 else OUT_OF_BOWL


@kernel(i8(i8, _FLOATS, _FLOATS))
def design(form: int, knots: FloatArray, rows: FloatArray) -> int:
    """Row of every knot: its height is the row times the parameters. Returns the number of parameters."""
    for i in range(ROWS):
        rows[i] = 0.0
    if form == FLAT_TRIANGLE:
        return int(_flat_triangle_rows(knots, rows))
    if form in (SYMMETRICAL, WEDGE):
        return int(_two_line_rows(form, knots, rows))
    if form in (FLAG, PENNANT):
        return int(_pole_rows(form, knots, rows))
    if form == HEAD_AND_SHOULDERS:
        return int(_shoulder_rows(knots, rows))
    is_low_first = form == RECTANGLE
    for k in range(n_knots(form)):
        row = k * MAX_PARAMS
        rows[row] = 1.0
        if (k % 2 == 0) == is_low_first and k < n_knots(form) - 1:
            rows[row + 1] = -1.0
    if form == CUP:
        rows[3 * MAX_PARAMS + 1], rows[3 * MAX_PARAMS + 2] = 0.0, -1.0
        return 3
    return 2


@kernel(i8(_FLOATS, _FLOATS))
def _shoulder_rows(knots: FloatArray, rows: FloatArray) -> int:
    """Parameters: neckline at 0, its slope, depth of the shoulders, depth of the head."""
    for k in range(7):
        row = k * MAX_PARAMS
        rows[row], rows[row + 1] = 1.0, knots[k]
        if k == 3:
            rows[row + 3] = -1.0
        elif k % 2 == 1:
            rows[row + 2] = -1.0
    return 4


@kernel(i8(_FLOATS, _FLOATS))
def _flat_triangle_rows(knots: FloatArray, rows: FloatArray) -> int:
    """Parameters: upper level, lower line at 0, its slope."""
    for k in range(6):
        row = k * MAX_PARAMS
        if k % 2 == 1:
            rows[row] = 1.0
        else:
            rows[row + 1], rows[row + 2] = 1.0, knots[k]
    return 3


@kernel(i8(i8, _FLOATS, _FLOATS))
def _two_line_rows(form: int, knots: FloatArray, rows: FloatArray) -> int:
    """Parameters: upper line at 0, its slope, lower line at 0, its slope."""
    upper_parity = 0 if form == WEDGE else 1
    for k in range(n_knots(form)):
        row = k * MAX_PARAMS + (0 if k % 2 == upper_parity else 2)
        rows[row], rows[row + 1] = 1.0, knots[k]
    return 4


@kernel(i8(i8, _FLOATS, _FLOATS))
def _pole_rows(form: int, knots: FloatArray, rows: FloatArray) -> int:
    """Parameters: pole's foot; upper line at 0, its slope; width (flag), or lower line at 0 and its slope."""
    rows[0] = 1.0
    for k in range(1, 6):
        row = k * MAX_PARAMS
        if k % 2 == 0 and form == PENNANT:
            rows[row + 3], rows[row + 4] = 1.0, knots[k]
        else:
            rows[row + 1], rows[row + 2] = 1.0, knots[k]
            if k % 2 == 0:
                rows[row + 3] = -1.0
    return 4 if form == FLAG else 5


@kernel(f8(_FLOATS, _FLOATS, i8))
def height_at(rows: FloatArray, theta: FloatArray, knot: int) -> float:
    """Fitted height of a knot."""
    height = 0.0
    for p in range(MAX_PARAMS):
        height += rows[knot * MAX_PARAMS + p] * theta[p]
    return height


# --- least squares ------------------------------------------------------------------------------------------------
#
# With w the share of the next knot's height at a point, the normal equations need only five sums a leg: of (1-w)^2,
# w(1-w), w^2, (1-w)y and wy. Moving a knot changes those of the two legs that meet in it.


@kernel(f8(i8, f8))
def _bent(shape: int, w: float) -> float:
    """Share of the next knot's height after a share ``w`` of a leg's time; beyond the leg straight ones run on."""
    if shape == INTO_BOWL:
        return 1.0 - (1.0 - w) * (1.0 - w)
    return w * w if shape == OUT_OF_BOWL else w


@kernel(void(i8, i8, _FLOATS, _FLOATS, _FLOATS, i8, _FLOATS))
def _sum_leg(form: int, leg: int, knots: FloatArray, x: FloatArray, y: FloatArray, n: int, sums: FloatArray) -> None:
    """The five sums of a leg over the points in it; the first and the last take those outside too."""
    start, stop, shape = knots[leg], knots[leg + 1], leg_shape(form, leg)
    spacing = x[1] - x[0]
    first = 0 if leg == 0 else _first_after(start, x[0], spacing, n)
    last = n if leg == n_knots(form) - 2 else _first_after(stop, x[0], spacing, n)
    own_own, own_next, next_next, own_y, next_y = 0.0, 0.0, 0.0, 0.0, 0.0
    per_time = 1.0 / (stop - start)
    for i in range(first, last):
        w = _bent(shape, (x[i] - start) * per_time)
        v = 1.0 - w
        own_own += v * v
        own_next += v * w
        next_next += w * w
        own_y += v * y[i]
        next_y += w * y[i]
    at = leg * N_SUMS
    sums[at], sums[at + 1], sums[at + 2], sums[at + 3], sums[at + 4] = own_own, own_next, next_next, own_y, next_y


@kernel(i8(f8, f8, f8, i8))
def _first_after(time: float, x0: float, spacing: float, n: int) -> int:
    """Index of the first of the equally spaced points after a time."""
    return min(max(math.floor((time - x0) / spacing) + 1, 0), n)


@kernel(f8(i8, _FLOATS, _FLOATS, f8, i8, _FLOATS, _FLOATS))
def _solve_from_sums(
    form: int, knots: FloatArray, sums: FloatArray, squares: float, n: int, theta: FloatArray, rows: FloatArray
) -> float:
    """Best parameters given the legs' sums; returns the mean square residual."""
    n_params = design(form, knots, rows)
    system, right = scratch(_SYSTEM), scratch(MAX_PARAMS)
    for p in range(MAX_PARAMS):
        right[p] = 0.0
        theta[p] = 0.0
        for q in range(p + 1):
            system[p * MAX_PARAMS + q] = 0.0
    for k in range(n_knots(form)):
        own = sums[k * N_SUMS] if k < n_knots(form) - 1 else 0.0
        own_y = sums[k * N_SUMS + 3] if k < n_knots(form) - 1 else 0.0
        following = sums[k * N_SUMS + 1] if k < n_knots(form) - 1 else 0.0
        if k > 0:
            own += sums[(k - 1) * N_SUMS + 2]
            own_y += sums[(k - 1) * N_SUMS + 4]
        row, after = k * MAX_PARAMS, (k + 1) * MAX_PARAMS
        for p in range(n_params):
            right[p] += rows[row + p] * own_y
            for q in range(p + 1):
                both = own * rows[row + p] * rows[row + q]
                if following != 0.0:
                    both += following * (rows[row + p] * rows[after + q] + rows[after + p] * rows[row + q])
                system[p * MAX_PARAMS + q] += both
    _solve(system, right, n_params, theta)
    explained = 0.0
    for p in range(n_params):
        explained += theta[p] * right[p]
    return max(squares - explained, 0.0) / n


@kernel(f8(i8, _FLOATS, _FLOATS, _FLOATS, i8, _FLOATS, _FLOATS, _FLOATS))
def fit(
    form: int,
    knots: FloatArray,
    x: FloatArray,
    y: FloatArray,
    n: int,
    sums: FloatArray,
    theta: FloatArray,
    rows: FloatArray,
) -> float:
    """Least squares of a template with given knots; returns the mean square residual.

    Args:
        form: number of the form.
        knots: its times, increasing.
        x, y: times and heights of ``n`` block means, equally spaced.
        n: how many, two at least.
        sums: receives float64[:data:`N_SUMS` x legs], for :func:`move_knots`.
        theta: receives the parameters, zero past their number.
        rows: receives the design.
    """
    for leg in range(n_knots(form) - 1):
        _sum_leg(form, leg, knots, x, y, n, sums)
    return float(_solve_from_sums(form, knots, sums, _sum_of_squares(y, n), n, theta, rows))


@kernel(f8(_FLOATS, i8))
def _sum_of_squares(y: FloatArray, n: int) -> float:
    total = 0.0
    for i in range(n):
        total += y[i] * y[i]
    return total


@kernel(b1(i8, f8, _FLOATS, _FLOATS, _FLOATS, i8, _FLOATS, _FLOATS, _FLOATS))
def move_knots(
    form: int,
    move: float,
    knots: FloatArray,
    x: FloatArray,
    y: FloatArray,
    n: int,
    sums: FloatArray,
    theta: FloatArray,
    rows: FloatArray,
) -> bool:
    """Move each knot in turn by ``move`` either way if that lowers the residual; whether any was moved.

    ``sums``, ``theta`` and ``rows`` are as :func:`fit` left them, and are left so.
    """
    squares, count, has_moved = _sum_of_squares(y, n), n_knots(form), False
    best = _solve_from_sums(form, knots, sums, squares, n, theta, rows)
    first = 1 if form in (FLAG, PENNANT) else 0  # the foot of a pole slides along it at no cost: it stays
    for k in range(first, count):
        for sign in range(-1, 2, 2):
            kept = knots[k]
            knots[k] = kept + sign * move
            if _is_in_order(knots, k, count):
                _sum_legs_at(form, k, knots, x, y, n, sums)
                residual = _solve_from_sums(form, knots, sums, squares, n, theta, rows)
                if residual < best:
                    best, has_moved = residual, True
                    continue
                knots[k] = kept
                _sum_legs_at(form, k, knots, x, y, n, sums)
            knots[k] = kept
    _solve_from_sums(form, knots, sums, squares, n, theta, rows)
    return has_moved


@kernel(void(i8, i8, _FLOATS, _FLOATS, _FLOATS, i8, _FLOATS))
def _sum_legs_at(form: int, k: int, knots: FloatArray, x: FloatArray, y: FloatArray, n: int, sums: FloatArray) -> None:
    """Renew the sums of the legs that meet in a knot."""
    if k > 0:
        _sum_leg(form, k - 1, knots, x, y, n, sums)
    if k < n_knots(form) - 1:
        _sum_leg(form, k, knots, x, y, n, sums)


@kernel(void(_FLOATS, _FLOATS, i8, _FLOATS))
def _solve(system: FloatArray, right: FloatArray, n: int, theta: FloatArray) -> None:
    """Solve the symmetric system (lower half given, overwritten) by Cholesky, with a ridge that keeps it definite."""
    for j in range(n):
        system[j * MAX_PARAMS + j] = system[j * MAX_PARAMS + j] * (1.0 + _RIDGE) + _RIDGE
    for j in range(n):
        row = j * MAX_PARAMS
        for k in range(j):
            system[row + j] -= system[row + k] * system[row + k]
        pivot = max(system[row + j], _RIDGE * _RIDGE) ** 0.5
        system[row + j] = pivot
        for i in range(j + 1, n):
            for k in range(j):
                system[i * MAX_PARAMS + j] -= system[i * MAX_PARAMS + k] * system[row + k]
            system[i * MAX_PARAMS + j] /= pivot
    for i in range(n):
        theta[i] = right[i]
        for k in range(i):
            theta[i] -= system[i * MAX_PARAMS + k] * theta[k]
        theta[i] /= system[i * MAX_PARAMS + i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            theta[i] -= system[k * MAX_PARAMS + i] * theta[k]
        theta[i] /= system[i * MAX_PARAMS + i]


@kernel(i8(_FLOATS, i8, i8))
def _is_in_order(knots: FloatArray, k: int, count: int) -> int:
    if k > 0 and knots[k] < knots[k - 1] + _LEAST_LEG:
        return 0
    if k < count - 1 and knots[k] > knots[k + 1] - _LEAST_LEG:
        return 0
    return 1 if -_OUTSIDE <= knots[k] <= 1.0 + _OUTSIDE else 0
