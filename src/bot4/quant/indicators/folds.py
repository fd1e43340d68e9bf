"""Folds: every window in a stretch of values made smaller at once, several values becoming one.

``left`` values in a row are folded into ``STEP[left]`` of them: ``RADIX[left]`` values, ``step`` apart, make one. Where
``left`` has no divisor up to 7 the value in the middle is set aside first, and there is a gap of one in the middle of
every group. The loops are of vector instructions, and short enough for a single window.
"""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, b1, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from
from bot4.quant.indicators.registry import SPAN

RADIX = np.ones(SPAN + 1, np.int64)
"""By how many values are left in a row, how many of them make one."""

for _left in range(2, SPAN + 1):
    _divisors = [radix for radix in (7, 5, 4, 3, 2) if _left % radix == 0]
    RADIX[_left] = _divisors[0] if _divisors else 4 if _left % 4 == 1 else 2

STEP = np.arange(SPAN + 1) // RADIX
"""How many are left after that."""


@kernel(void(array(f8), i8, array(f8)))
def copy(values: FloatArray, n: int, into: FloatArray) -> None:
    """The first ``n`` values, elsewhere."""
    apart()
    for i in range(n):
        into[i] = values[i]


@kernel(void(array(f8), i8, f8))
def fill(values: FloatArray, n: int, value: float) -> None:
    """One value in the first ``n`` places."""
    for i in range(n):
        values[i] = value


@kernel(void(array(f8), i8, array(f8)))
def add(values: FloatArray, n: int, to: FloatArray) -> None:
    """Add the first ``n`` values to others."""
    apart()
    for i in range(n):
        to[i] += values[i]


@kernel(void(array(f8), i8, b1, array(f8)))
def set_aside(values: FloatArray, n: int, is_first: bool, aside: FloatArray) -> None:
    """Put values to those that were set aside before, if any were."""
    if is_first:
        copy(values, n, aside)
    else:
        add(values, n, aside)


@kernel(void(array(f8), i8, i8, i8, i8, array(f8)), is_inlined=True)
def fold_sums(x: FloatArray, n: int, radix: int, step: int, gap: int, out: FloatArray) -> None:
    """``out[i]``: the sum of ``radix`` values of ``x`` from ``i`` on, ``step`` apart and ``gap`` more in the middle."""
    apart()
    late = step + gap
    a, b, c, d = x, columns_from(x, late), columns_from(x, step + late), columns_from(x, 2 * step + late)
    if radix == 2:
        for i in range(n):
            out[i] = a[i] + b[i]
        return
    b = columns_from(x, step)
    if radix == 3:
        for i in range(n):
            out[i] = (a[i] + b[i]) + c[i]
    elif radix == 4:
        for i in range(n):
            out[i] = (a[i] + b[i]) + (c[i] + d[i])
    elif radix == 5:
        e = columns_from(x, 4 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + e[i]
    else:
        e, f, g = columns_from(x, 4 * step), columns_from(x, 5 * step), columns_from(x, 6 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + g[i])


@kernel(void(array(f8), i8, i8, i8, i8, array(f8), array(f8)), is_inlined=True)
def fold_values(x: FloatArray, n: int, radix: int, step: int, gap: int, out: FloatArray, out_tilts: FloatArray) -> None:
    """As :func:`fold_sums`, and what each group adds to the line of its window."""
    apart()
    late, width = step + gap, float(step)
    a, b, c, d = x, columns_from(x, late), columns_from(x, step + late), columns_from(x, 2 * step + late)
    inner, outer = 0.5 * late, 0.5 * (2 * step + late)
    if radix == 2:
        for i in range(n):
            out[i] = a[i] + b[i]
            out_tilts[i] = inner * (b[i] - a[i])
        return
    b = columns_from(x, step)
    if radix == 3:
        for i in range(n):
            out[i] = (a[i] + b[i]) + c[i]
            out_tilts[i] = width * (c[i] - a[i])
    elif radix == 4:
        for i in range(n):
            out[i] = (a[i] + b[i]) + (c[i] + d[i])
            out_tilts[i] = outer * (d[i] - a[i]) + inner * (c[i] - b[i])
    elif radix == 5:
        e = columns_from(x, 4 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + e[i]
            out_tilts[i] = width * (2.0 * (e[i] - a[i]) + (d[i] - b[i]))
    else:
        e, f, g = columns_from(x, 4 * step), columns_from(x, 5 * step), columns_from(x, 6 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + g[i])
            out_tilts[i] = width * (3.0 * (g[i] - a[i]) + 2.0 * (f[i] - b[i]) + (e[i] - c[i]))


@kernel(void(array(f8), array(f8), i8, i8, i8, i8, array(f8), array(f8)), is_inlined=True)
def fold_lines(
    x: FloatArray, tilts: FloatArray, n: int, radix: int, step: int, gap: int, out: FloatArray, out_tilts: FloatArray
) -> None:
    """As :func:`fold_values`, with what the values, themselves groups, added before."""
    apart()
    late, width = step + gap, float(step)
    a, b, c, d = x, columns_from(x, late), columns_from(x, step + late), columns_from(x, 2 * step + late)
    p, q, r = tilts, columns_from(tilts, late), columns_from(tilts, step + late)
    s = columns_from(tilts, 2 * step + late)
    inner, outer = 0.5 * late, 0.5 * (2 * step + late)
    if radix == 2:
        for i in range(n):
            out[i] = a[i] + b[i]
            out_tilts[i] = (p[i] + q[i]) + inner * (b[i] - a[i])
        return
    b, q = columns_from(x, step), columns_from(tilts, step)
    if radix == 3:
        for i in range(n):
            out[i] = (a[i] + b[i]) + c[i]
            out_tilts[i] = ((p[i] + q[i]) + r[i]) + width * (c[i] - a[i])
    elif radix == 4:
        for i in range(n):
            out[i] = (a[i] + b[i]) + (c[i] + d[i])
            out_tilts[i] = ((p[i] + q[i]) + (r[i] + s[i])) + (outer * (d[i] - a[i]) + inner * (c[i] - b[i]))
    elif radix == 5:
        e, t = columns_from(x, 4 * step), columns_from(tilts, 4 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + e[i]
            tilt = width * (2.0 * (e[i] - a[i]) + (d[i] - b[i]))
            out_tilts[i] = (((p[i] + q[i]) + (r[i] + s[i])) + t[i]) + tilt
    else:
        e, f, g = columns_from(x, 4 * step), columns_from(x, 5 * step), columns_from(x, 6 * step)
        t, u, v = columns_from(tilts, 4 * step), columns_from(tilts, 5 * step), columns_from(tilts, 6 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + g[i])
            tilt = width * (3.0 * (g[i] - a[i]) + 2.0 * (f[i] - b[i]) + (e[i] - c[i]))
            out_tilts[i] = (((p[i] + q[i]) + (r[i] + s[i])) + ((t[i] + u[i]) + v[i])) + tilt


@kernel(f8(f8, f8, f8), is_inlined=True)
def _spread_3(a: float, b: float, c: float) -> float:
    """Sum of the squared distances of three values from their mean."""
    p, q = b - a, 0.5 * (a + b) - c
    return 0.5 * (p * p) + (2.0 / 3.0) * (q * q)


@kernel(f8(f8, f8, f8, f8), is_inlined=True)
def _spread_4(a: float, b: float, c: float, d: float) -> float:
    p, q, r = b - a, d - c, (c + d) - (a + b)
    return 0.5 * (p * p + q * q) + 0.25 * (r * r)


@kernel(f8(f8, f8, f8, f8, f8), is_inlined=True)
def _spread_5(a: float, b: float, c: float, d: float, e: float) -> float:
    t = 0.25 * ((a + b) + (c + d)) - e
    spread: float = _spread_4(a, b, c, d) + 0.8 * (t * t)
    return spread


@kernel(f8(f8, f8, f8, f8, f8, f8, f8), is_inlined=True)
def _spread_7(a: float, b: float, c: float, d: float, e: float, f: float, g: float) -> float:
    t = 0.75 * ((a + b) + (c + d)) - ((e + f) + g)
    spread: float = (_spread_4(a, b, c, d) + _spread_3(e, f, g)) + (4.0 / 21.0) * (t * t)
    return spread


@kernel(void(array(f8), i8, i8, i8, i8, array(f8), array(f8)), is_inlined=True)
def fold_squares(
    x: FloatArray, n: int, radix: int, step: int, gap: int, out: FloatArray, out_spreads: FloatArray
) -> None:
    """As :func:`fold_sums`, and the squared distances of the values of each group from their mean."""
    apart()
    late = step + gap
    a, b, c, d = x, columns_from(x, late), columns_from(x, step + late), columns_from(x, 2 * step + late)
    if radix == 2:
        for i in range(n):
            out[i] = a[i] + b[i]
            out_spreads[i] = 0.5 * ((b[i] - a[i]) * (b[i] - a[i]))
        return
    b = columns_from(x, step)
    if radix == 3:
        for i in range(n):
            out[i] = (a[i] + b[i]) + c[i]
            out_spreads[i] = _spread_3(a[i], b[i], c[i])
    elif radix == 4:
        for i in range(n):
            out[i] = (a[i] + b[i]) + (c[i] + d[i])
            out_spreads[i] = _spread_4(a[i], b[i], c[i], d[i])
    elif radix == 5:
        e = columns_from(x, 4 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + e[i]
            out_spreads[i] = _spread_5(a[i], b[i], c[i], d[i], e[i])
    else:
        e, f, g = columns_from(x, 4 * step), columns_from(x, 5 * step), columns_from(x, 6 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + g[i])
            out_spreads[i] = _spread_7(a[i], b[i], c[i], d[i], e[i], f[i], g[i])


@kernel(void(array(f8), array(f8), i8, i8, i8, i8, f8, array(f8), array(f8)), is_inlined=True)
def fold_moments(
    x: FloatArray,
    spreads: FloatArray,
    n: int,
    radix: int,
    step: int,
    gap: int,
    per_value: float,
    out: FloatArray,
    out_spreads: FloatArray,
) -> None:
    """As :func:`fold_squares`, of sums of ``1 / per_value`` values with their own squared distances ``spreads``."""
    apart()
    late = step + gap
    a, b, c, d = x, columns_from(x, late), columns_from(x, step + late), columns_from(x, 2 * step + late)
    p, q, r = spreads, columns_from(spreads, late), columns_from(spreads, step + late)
    s = columns_from(spreads, 2 * step + late)
    if radix == 2:
        for i in range(n):
            out[i] = a[i] + b[i]
            out_spreads[i] = (p[i] + q[i]) + per_value * (0.5 * ((b[i] - a[i]) * (b[i] - a[i])))
        return
    b, q = columns_from(x, step), columns_from(spreads, step)
    if radix == 3:
        for i in range(n):
            out[i] = (a[i] + b[i]) + c[i]
            out_spreads[i] = ((p[i] + q[i]) + r[i]) + per_value * _spread_3(a[i], b[i], c[i])
    elif radix == 4:
        for i in range(n):
            out[i] = (a[i] + b[i]) + (c[i] + d[i])
            out_spreads[i] = ((p[i] + q[i]) + (r[i] + s[i])) + per_value * _spread_4(a[i], b[i], c[i], d[i])
    elif radix == 5:
        e, t = columns_from(x, 4 * step), columns_from(spreads, 4 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + e[i]
            spread = per_value * _spread_5(a[i], b[i], c[i], d[i], e[i])
            out_spreads[i] = (((p[i] + q[i]) + (r[i] + s[i])) + t[i]) + spread
    else:
        e, f, g = columns_from(x, 4 * step), columns_from(x, 5 * step), columns_from(x, 6 * step)
        t, u, v = columns_from(spreads, 4 * step), columns_from(spreads, 5 * step), columns_from(spreads, 6 * step)
        for i in range(n):
            out[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + g[i])
            spread = per_value * _spread_7(a[i], b[i], c[i], d[i], e[i], f[i], g[i])
            out_spreads[i] = (((p[i] + q[i]) + (r[i] + s[i])) + ((t[i] + u[i]) + v[i])) + spread


@kernel(void(array(f8), array(f8), i8, f8, f8, array(f8), array(f8)))
def append_moments(
    s: FloatArray, q: FloatArray, n: int, old: float, new: float, sums: FloatArray, squares: FloatArray
) -> None:
    """Add groups of ``new`` values to the ``old`` ones that are there."""
    apart()
    weight = 1.0 / (old * new * (old + new))
    for i in range(n):
        distance = old * s[i] - new * sums[i]
        squares[i] += q[i] + weight * (distance * distance)
        sums[i] += s[i]


@kernel(void(array(f8), array(f8), i8, i8, i8, array(f8), array(f8)))
def set_moments_aside(
    s: FloatArray, q: FloatArray, n: int, size: int, n_aside: int, aside: FloatArray, aside_squares: FloatArray
) -> None:
    """Put groups of ``size`` values, of sums ``s`` and squares ``q``, to the ``n_aside`` values that are aside."""
    if n_aside > 0:
        append_moments(s, q, n, float(n_aside), float(size), aside, aside_squares)
    elif size > 1:
        copy(s, n, aside)
        copy(q, n, aside_squares)
    else:
        copy(s, n, aside)
        fill(aside_squares, n, 0.0)


@kernel(void(array(f8), i8, f8, array(f8)), is_inlined=True)
def drop_rounding(sums: FloatArray, n: int, least: float, squares: FloatArray) -> None:
    """0 for squared distances that are no more than the part ``least`` of the squared sum."""
    apart()
    for i in range(n):
        squares[i] = squares[i] if squares[i] > least * (sums[i] * sums[i]) else 0.0
