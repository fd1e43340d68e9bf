"""Figures as templates: polylines through knots, fitted to closes by least squares.

Every figure is drawn here with its break upwards; one that breaks downwards is its mirror image. A template has knots
in time and, for each knot, a row that makes its height out of a few parameters (levels, slopes, depths). Between knots
it runs straight, or along half a parabola where a bowl is drawn. Given the knots, heights are linear in the
parameters, so the best ones are a small linear system; the knots themselves are then moved, one at a time, while the
fit improves.
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
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
_SYSTEM = MAX_PARAMS * MAX_PARAMS
_RIDGE = 1e-9
_COARSE_MOVE = 0.04
_LEAST_LEG = 0.02
_PASSES = 4
_FLOATS = array(f8)


@kernel(i8(i8))
def n_knots(form: int) -> int:
    """Number of knots of a form, the break included."""
    if form <= TRIPLE:
        return 5 if form == DOUBLE else 7
    if form == CUP:
        return 5
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
        return _flat_triangle_rows(knots, rows)
    if form == SYMMETRICAL or form == WEDGE:
        return _two_line_rows(knots, rows)
    if form == FLAG or form == PENNANT:
        return _pole_rows(form, knots, rows)
    if form == HEAD_AND_SHOULDERS:
        return _shoulder_rows(knots, rows)
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


@kernel(i8(_FLOATS, _FLOATS))
def _two_line_rows(knots: FloatArray, rows: FloatArray) -> int:
    """Parameters: upper line at 0, its slope, lower line at 0, its slope."""
    for k in range(6):
        row = k * MAX_PARAMS + (0 if k % 2 == 1 else 2)
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


@kernel(f8(i8, i8, f8, f8, f8))
def _weight(form: int, leg: int, start: float, stop: float, x: float) -> float:
    """Share of the next knot's height at time ``x``; outside the leg the straight ones run on."""
    w = (x - start) / (stop - start)
    shape = leg_shape(form, leg)
    if shape == INTO_BOWL:
        return 1.0 - (1.0 - w) * (1.0 - w)
    if shape == OUT_OF_BOWL:
        return w * w
    return w


@kernel(f8(i8, _FLOATS, _FLOATS, _FLOATS, i8, _FLOATS, _FLOATS))
def fit(
    form: int, knots: FloatArray, x: FloatArray, y: FloatArray, n: int, theta: FloatArray, rows: FloatArray
) -> float:
    """Least squares of a template with given knots; returns the mean square residual.

    Args:
        form: number of the form.
        knots: its times, increasing.
        x, y: times and heights of ``n`` block means, by time.
        n: how many.
        theta: receives the parameters, zero past their number.
        rows: receives the design.
    """
    n_params = design(form, knots, rows)
    system, right, basis = scratch(_SYSTEM), scratch(MAX_PARAMS), scratch(MAX_PARAMS)
    for i in range(_SYSTEM):
        system[i] = 0.0
    for p in range(MAX_PARAMS):
        right[p] = 0.0
        theta[p] = 0.0
    leg, last_leg, squares = 0, n_knots(form) - 2, 0.0
    for i in range(n):
        while leg < last_leg and x[i] > knots[leg + 1]:
            leg += 1
        w = _weight(form, leg, knots[leg], knots[leg + 1], x[i])
        for p in range(n_params):
            basis[p] = (1.0 - w) * rows[leg * MAX_PARAMS + p] + w * rows[(leg + 1) * MAX_PARAMS + p]
        for p in range(n_params):
            right[p] += basis[p] * y[i]
            for q in range(p + 1):
                system[p * MAX_PARAMS + q] += basis[p] * basis[q]
        squares += y[i] * y[i]
    _solve(system, right, n_params, theta)
    explained = 0.0
    for p in range(n_params):
        explained += theta[p] * right[p]
    return max(squares - explained, 0.0) / n


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


@kernel(f8(i8, _FLOATS, _FLOATS, _FLOATS, i8, _FLOATS, _FLOATS))
def fit_knots(
    form: int, knots: FloatArray, x: FloatArray, y: FloatArray, n: int, theta: FloatArray, rows: FloatArray
) -> float:
    """As :func:`fit`, moving the knots too, by halving steps, as long as that lowers the residual."""
    best = fit(form, knots, x, y, n, theta, rows)
    count, move = n_knots(form), _COARSE_MOVE
    first = 1 if form == FLAG or form == PENNANT else 0  # the foot of a pole slides along it at no cost: it stays
    for _ in range(_PASSES):
        has_moved = False
        for k in range(first, count):
            for sign in range(-1, 2, 2):
                kept = knots[k]
                knots[k] = kept + sign * move
                residual = best
                if _is_in_order(knots, k, count):
                    residual = fit(form, knots, x, y, n, theta, rows)
                if residual < best:
                    best, has_moved = residual, True
                else:
                    knots[k] = kept
        if not has_moved:
            move *= 0.5
    return fit(form, knots, x, y, n, theta, rows)


@kernel(i8(_FLOATS, i8, i8))
def _is_in_order(knots: FloatArray, k: int, count: int) -> int:
    if k > 0 and knots[k] < knots[k - 1] + _LEAST_LEG:
        return 0
    if k < count - 1 and knots[k] > knots[k + 1] - _LEAST_LEG:
        return 0
    return 1 if -_COARSE_MOVE <= knots[k] <= 1.0 + _COARSE_MOVE else 0
