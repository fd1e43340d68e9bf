"""Sliding windows over a stretch of values: sums, extremes, moments, lines, exact and without drift.

A window of ``period`` values is put together from *nodes*, sums (or maxima, ...) of a few neighbours, those from
smaller nodes, and so on, as digits make a number. How depends on ``period`` alone, so a window gives the same bits
wherever it lies and however the bars are cut; nothing is carried from window to window and nothing is ever
subtracted, so what left a window leaves no trace, however large it was; and the error grows with the logarithm of
``period``. Each pass makes the nodes of all windows at once, with vector instructions.

All of them read ``x[:n]`` and write the results of the ``n - period + 1`` windows in it, oldest first, to the front of
their outputs; none if ``n < period``. They return that number. Outputs are other arrays than inputs.

An indicator loads the bars of its block with those before it that its windows need, and places the results at the
end of its outputs, after what is not yet defined::

    closes, sums = scratch(SPAN), scratch(SPAN)
    n: int = load(bars, CLOSE, mask, t0 - (period - 1), t1, closes)
    place(sums, window_sums(closes, n, period, sums), 1.0 / period, out, 0, t1 - t0)
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN

NAN = float("nan")
INF = float("inf")

_LEAST_SPREAD = 2.0**-50
"""A deviation below this part of the mean is rounding: the values count as equal."""


# --- bars in, outputs out ----------------------------------------------------------------------------------------


@kernel(void(array(f8), i8, f8))
def scale(values: FloatArray, n: int, factor: float) -> None:
    """Multiply the first ``n`` values by a factor, in place."""
    for i in range(n):
        values[i] = factor * values[i]


@kernel(void(array(f8), array(f8), i8))
def negate(values: FloatArray, into: FloatArray, n: int) -> None:
    """Minus the first ``n`` values: a minimum is minus the maximum of the negated."""
    for i in range(n):
        into[i] = -values[i]


@kernel(void(array(f8, 2), i8, i8))
def blank(out: FloatArray, row: int, n: int) -> None:
    """NaN in the first ``n`` places of an output."""
    places = out[row]
    for i in range(n):
        places[i] = NAN


@kernel(i8(array(f8, 2), i8, i8, i8, array(f8)))
def typical_prices(bars: FloatArray, mask: int, first: int, stop: int, into: FloatArray) -> int:
    """``(high + low + close) / 3`` of the bars ``max(first, 0) .. stop - 1``; returns how many."""
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, first, stop, spare_high)
    low = stretch(bars, LOW, mask, first, stop, spare_low)
    close = stretch(bars, CLOSE, mask, first, stop, spare_close)
    for i in range(len(close)):
        into[i] = (high[i] + low[i] + close[i]) / 3.0
    return len(close)


@kernel(i8(array(f8, 2), i8, i8, i8, array(f8)))
def true_ranges(bars: FloatArray, mask: int, first: int, stop: int, into: FloatArray) -> int:
    """``max(high, last close) - min(low, last close)`` of the bars ``max(first, 1) .. stop - 1``; returns how many."""
    spare_high, spare_low, spare_close = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(first, 1)
    high = stretch(bars, HIGH, mask, first, stop, spare_high)
    low = stretch(bars, LOW, mask, first, stop, spare_low)
    last_close = stretch(bars, CLOSE, mask, first - 1, stop - 1, spare_close)
    for i in range(len(high)):
        h, lo, c = high[i], low[i], last_close[i]
        into[i] = (c if c > h else h) - (c if c < lo else lo)
    return len(high)


@kernel(i8(array(f8), i8))
def window_count(values: FloatArray, period: int) -> int:
    """How many windows of ``period`` values there are in a stretch."""
    return max(len(values) - period + 1, 0)


# --- nodes -------------------------------------------------------------------------------------------------------
#
# A window of 30 values is 2 nodes of 15, those 3 of 5 each: 30 = 5 x 3 x 2. Where what is left has no divisor up to 5,
# the oldest node is set aside first.


@kernel(i8(i8))
def _radix(left: int) -> int:
    """How many nodes make a larger one: a divisor of ``left`` up to 5, or 1 if a node must be set aside first."""
    if left % 5 == 0:
        return 5
    if left % 4 == 0:
        return 4
    if left % 3 == 0:
        return 3
    return 2 if left % 2 == 0 else 1


@kernel(void(array(f8), i8, i8, i8, array(f8)))
def _fold_sums(x: FloatArray, n: int, step: int, radix: int, out: FloatArray) -> None:
    """``out[i]``: the sum of ``radix`` values of ``x``, from ``i`` on, ``step`` apart."""
    a, b = x[:n], x[step : step + n]
    c = x[2 * step : 2 * step + n] if radix > 2 else a
    d = x[3 * step : 3 * step + n] if radix > 3 else a
    e = x[4 * step : 4 * step + n] if radix > 4 else a
    if radix == 2:
        for i in range(n):
            out[i] = a[i] + b[i]
    elif radix == 3:
        for i in range(n):
            out[i] = (a[i] + b[i]) + c[i]
    elif radix == 4:
        for i in range(n):
            out[i] = (a[i] + b[i]) + (c[i] + d[i])
    else:
        for i in range(n):
            out[i] = (a[i] + b[i]) + (c[i] + d[i]) + e[i]


@kernel(void(array(f8), array(f8), i8))
def _add(values: FloatArray, to: FloatArray, n: int) -> None:
    for i in range(n):
        to[i] += values[i]


@kernel(void(array(f8), array(f8), i8))
def _copy(values: FloatArray, into: FloatArray, n: int) -> None:
    for i in range(n):
        into[i] = values[i]


@kernel(void(array(f8), f8, i8))
def _fill(values: FloatArray, value: float, n: int) -> None:
    for i in range(n):
        values[i] = value


@kernel(i8(array(f8), i8, i8, array(f8)))
def window_sums(x: FloatArray, n: int, period: int, out: FloatArray) -> int:
    """Sum of each window."""
    m = n - period + 1
    if m <= 0:
        return 0
    if m == 1:
        _one_sum(x, period, out)
        return 1
    odd, even = scratch(SPAN), scratch(SPAN)
    nodes, into, spare = x, odd, even
    size, left, at = 1, period, 0  # nodes of `size` values; `left` of them to go, the first one at `at`
    while left > 1:
        radix = _radix(left)
        if radix == 1:
            node = nodes[at : at + m]
            if at == 0:
                _copy(node, out, m)
            else:
                _add(node, out, m)
            at += size
            left -= 1
            continue
        _fold_sums(nodes, n - radix * size + 1, size, radix, into)
        nodes, into, spare = into, spare, into
        size *= radix
        left //= radix
    node = nodes[at : at + m]
    if at == 0:
        _copy(node, out, m)
    else:
        _add(node, out, m)
    return m


@kernel(void(array(f8), i8, i8, i8, array(f8)), is_inlined=True)
def _shrink_sums(x: FloatArray, at: int, count: int, radix: int, out: FloatArray) -> None:
    """``out[j]``: the sum of ``radix`` neighbours of ``x``, the first of them at ``at``. ``out`` may be ``x``."""
    for j in range(count):
        i = at + radix * j
        if radix == 2:
            out[j] = x[i] + x[i + 1]
        elif radix == 3:
            out[j] = (x[i] + x[i + 1]) + x[i + 2]
        elif radix == 4:
            out[j] = (x[i] + x[i + 1]) + (x[i + 2] + x[i + 3])
        else:
            out[j] = (x[i] + x[i + 1]) + (x[i + 2] + x[i + 3]) + x[i + 4]


@kernel(void(array(f8), i8, array(f8)))
def _one_sum(x: FloatArray, period: int, out: FloatArray) -> None:
    """The sum of one window, added in the same order: only the nodes that it needs."""
    nodes = scratch(SPAN)
    source = x
    left, at, total, is_first = period, 0, 0.0, True
    while left > 1:
        radix = _radix(left)
        if radix == 1:
            total = source[at] if is_first else total + source[at]
            is_first = False
            at += 1
            left -= 1
            continue
        left //= radix
        _shrink_sums(source, at, left, radix, nodes)
        source = nodes
        at = 0
    out[0] = source[at] if is_first else total + source[at]


# --- extremes ----------------------------------------------------------------------------------------------------
#
# Nodes may overlap here, so every pass makes them up to four times as wide, the last just as wide as the window.


@kernel(i8(array(f8), i8, i8, array(f8)))
def window_maxima(x: FloatArray, n: int, period: int, out: FloatArray) -> int:
    """Greatest value of each window."""
    m = n - period + 1
    if m <= 0:
        return 0
    if m == 1:
        greatest = x[0]
        for i in range(1, period):
            greatest = x[i] if x[i] > greatest else greatest
        out[0] = greatest
        return 1
    odd, even = scratch(SPAN), scratch(SPAN)
    nodes, into, spare = x, odd, even
    size = 1
    while 4 * size < period:
        _greatest_of(nodes, n - 4 * size + 1, size, 2 * size, 3 * size, into)
        nodes, into, spare = into, spare, into
        size *= 4
    last = period - size
    _greatest_of(nodes, m, min(size, last), min(2 * size, last), last, out)
    return m


@kernel(void(array(f8), i8, i8, i8, i8, array(f8)))
def _greatest_of(x: FloatArray, n: int, second: int, third: int, fourth: int, out: FloatArray) -> None:
    """``out[i]``: the greatest of ``x`` at ``i`` and at three places (or fewer, if they are equal) after it."""
    a, b, c, d = x[:n], x[second : second + n], x[third : third + n], x[fourth : fourth + n]
    if second == fourth:
        for i in range(n):
            out[i] = b[i] if b[i] > a[i] else a[i]
        return
    for i in range(n):
        p = b[i] if b[i] > a[i] else a[i]
        q = d[i] if d[i] > c[i] else c[i]
        out[i] = q if q > p else p


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_latest_maxima(x: FloatArray, n: int, period: int, out: FloatArray, age: FloatArray) -> int:
    """Greatest value of each window and its age: values after it in the window, the latest of equals."""
    m = n - period + 1
    if m <= 0:
        return 0
    if m == 1:
        latest = 0
        for i in range(1, period):
            latest = i if x[i] >= x[latest] else latest
        out[0] = x[latest]
        age[0] = period - 1 - latest
        return 1
    odd, even = scratch(SPAN), scratch(SPAN)
    odd_place, even_place = scratch(SPAN), scratch(SPAN)  # of the greatest in its node, from the node's first value
    for i in range(n):
        odd[i] = x[i]
        odd_place[i] = 0.0
    nodes, into = odd, even
    places, into_places = odd_place, even_place
    size = 1
    while size < period:
        step = min(size, period - size)
        width = size + step
        _latest_of(nodes, places, n - width + 1, step, into, into_places)
        nodes, into = into, nodes
        places, into_places = into_places, places
        size = width
    for i in range(m):
        out[i] = nodes[i]
        age[i] = period - 1.0 - places[i]
    return m


@kernel(void(array(f8), array(f8), i8, i8, array(f8), array(f8)))
def _latest_of(x: FloatArray, places: FloatArray, n: int, step: int, out: FloatArray, out_places: FloatArray) -> None:
    """The greater, or else the later, of two nodes ``step`` apart, and where it is."""
    a, b = x[:n], x[step : step + n]
    place_a, place_b = places[:n], places[step : step + n]
    shift = float(step)
    for i in range(n):
        out[i] = b[i] if b[i] >= a[i] else a[i]
    for i in range(n):
        out_places[i] = place_b[i] + shift if b[i] >= a[i] else place_a[i]


# --- lines and moments -------------------------------------------------------------------------------------------


@kernel(void(array(f8), i8, i8, i8, array(f8)))
def _add_tilts(sums: FloatArray, n: int, step: int, radix: int, to: FloatArray) -> None:
    """Add what the sums of nodes ``step`` wide contribute to ``sum (k - mean k) x_k`` of the node made of them."""
    width = float(step)
    a, b = sums[:n], sums[step : step + n]
    c = sums[2 * step : 2 * step + n] if radix > 2 else a
    d = sums[3 * step : 3 * step + n] if radix > 3 else a
    e = sums[4 * step : 4 * step + n] if radix > 4 else a
    if radix == 2:
        for i in range(n):
            to[i] += width * (0.5 * (b[i] - a[i]))
    elif radix == 3:
        for i in range(n):
            to[i] += width * (c[i] - a[i])
    elif radix == 4:
        for i in range(n):
            to[i] += width * (1.5 * (d[i] - a[i]) + 0.5 * (c[i] - b[i]))
    else:
        for i in range(n):
            to[i] += width * (2.0 * (e[i] - a[i]) + (d[i] - b[i]))


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_lines(x: FloatArray, n: int, period: int, sums: FloatArray, covariations: FloatArray) -> int:
    """Sum of each window, and ``C = sum (k - mean k)(x_k - mean x)`` of its values against their places ``k``.

    The least-squares line through a window has the slope ``C / (period (period^2 - 1) / 12)`` and passes through the
    mean at the middle place. With weights 1 (oldest) to ``period`` (newest) the sum is ``C + (period + 1) / 2 S``.
    Nodes of ``q`` values merge by ``C = sum (C_j + q (j - mean j) S_j)``, which takes differences only.
    """
    m = n - period + 1
    if m <= 0:
        return 0
    if m == 1:
        _one_line(x, period, sums, covariations)
        return 1
    odd, even, odd_lines, even_lines = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    nodes, into, spare = x, odd, even
    lines, into_lines = odd_lines, even_lines
    _fill(lines, 0.0, n)
    size, left, at = 1, period, 0
    while True:
        radix = _radix(left) if left > 1 else 1
        if radix == 1:
            s, c = nodes[at : at + m], lines[at : at + m]
            if at == 0:
                _copy(s, sums, m)
                _copy(c, covariations, m)
            else:
                _append_line(sums, covariations, s, c, float(at), float(size), m)
                _add(s, sums, m)
            at += size
            left -= 1
            if left == 0:
                return m
            continue
        length = n - radix * size + 1
        if size > 1:
            _fold_sums(lines, length, size, radix, into_lines)
        else:
            _fill(into_lines, 0.0, length)
        _add_tilts(nodes, length, size, radix, into_lines)
        _fold_sums(nodes, length, size, radix, into)
        nodes, into, spare = into, spare, into
        lines, into_lines = into_lines, lines
        size *= radix
        left //= radix


@kernel(void(array(f8), array(f8), array(f8), array(f8), f8, f8, i8))
def _append_line(
    sums: FloatArray, lines: FloatArray, s: FloatArray, c: FloatArray, old: float, new: float, n: int
) -> None:
    """Add a node of ``new`` values after the ``old`` ones that are there: ``C = Ca + Cb + (na Sb - nb Sa) / 2``."""
    for i in range(n):
        lines[i] += c[i] + 0.5 * (old * s[i] - new * sums[i])


@kernel(void(array(f8), i8, array(f8), array(f8)))
def _one_line(x: FloatArray, period: int, sums: FloatArray, covariations: FloatArray) -> None:
    nodes, lines = scratch(SPAN), scratch(SPAN)
    _copy(x, nodes, period)
    _fill(lines, 0.0, period)
    size, left, at, done = 1, period, 0, 0
    while True:
        radix = _radix(left) if left > 1 else 1
        if radix == 1:
            if done == 0:
                sums[0], covariations[0] = nodes[at], lines[at]
            else:
                covariations[0] += lines[at] + 0.5 * (float(done) * nodes[at] - float(size) * sums[0])
                sums[0] += nodes[at]
            done += size
            at += 1
            left -= 1
            if left == 0:
                return
            continue
        left //= radix
        _shrink_sums(lines, at, left, radix, lines)
        for j in range(left):
            i = at + radix * j
            if radix == 2:
                tilt = 0.5 * (nodes[i + 1] - nodes[i])
            elif radix == 3:
                tilt = nodes[i + 2] - nodes[i]
            elif radix == 4:
                tilt = 1.5 * (nodes[i + 3] - nodes[i]) + 0.5 * (nodes[i + 2] - nodes[i + 1])
            else:
                tilt = 2.0 * (nodes[i + 4] - nodes[i]) + (nodes[i + 3] - nodes[i + 1])
            lines[j] += size * tilt
        _shrink_sums(nodes, at, left, radix, nodes)
        at = 0
        size *= radix


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


@kernel(void(array(f8), i8, i8, i8, array(f8)))
def _add_spreads(sums: FloatArray, n: int, step: int, radix: int, to: FloatArray) -> None:
    """Add the squared distances of the means of nodes ``step`` wide from their common mean, times ``step``."""
    per_value = 1.0 / step
    a, b = sums[:n], sums[step : step + n]
    c = sums[2 * step : 2 * step + n] if radix > 2 else a
    d = sums[3 * step : 3 * step + n] if radix > 3 else a
    e = sums[4 * step : 4 * step + n] if radix > 4 else a
    if radix == 2:
        for i in range(n):
            p = b[i] - a[i]
            to[i] += per_value * (0.5 * (p * p))
    elif radix == 3:
        for i in range(n):
            to[i] += per_value * _spread_3(a[i], b[i], c[i])
    elif radix == 4:
        for i in range(n):
            to[i] += per_value * _spread_4(a[i], b[i], c[i], d[i])
    else:
        for i in range(n):
            to[i] += per_value * _spread_5(a[i], b[i], c[i], d[i], e[i])


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_moments(x: FloatArray, n: int, period: int, sums: FloatArray, squares: FloatArray) -> int:
    """Sum of each window and the sum of the squared distances from its mean; 0 where all values are equal.

    Nodes merge by ``Q = Qa + Qb + (na Sb - nb Sa)^2 / (na nb (na + nb))`` (Chan, Golub and LeVeque 1979), which
    subtracts nothing large.
    """
    m = n - period + 1
    if m <= 0:
        return 0
    if m == 1:
        _one_moment(x, period, sums, squares)
    else:
        _many_moments(x, n, period, sums, squares)
    _drop_rounding(sums, squares, _LEAST_SPREAD * _LEAST_SPREAD / period, m)
    return m


@kernel(void(array(f8), i8, i8, array(f8), array(f8)))
def _many_moments(x: FloatArray, n: int, period: int, sums: FloatArray, squares: FloatArray) -> None:
    m = n - period + 1
    odd, even, odd_spreads, even_spreads = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    nodes, into, spare = x, odd, even
    spreads, into_spreads = odd_spreads, even_spreads
    _fill(spreads, 0.0, n)
    size, left, at = 1, period, 0
    while left > 0:
        radix = _radix(left) if left > 1 else 1
        if radix == 1:
            s, q = nodes[at : at + m], spreads[at : at + m]
            if at == 0:
                _copy(s, sums, m)
                _copy(q, squares, m)
            else:
                _append_moments(sums, squares, s, q, float(at), float(size), m)
                _add(s, sums, m)
            at += size
            left -= 1
            continue
        length = n - radix * size + 1
        if size > 1:
            _fold_sums(spreads, length, size, radix, into_spreads)
        else:
            _fill(into_spreads, 0.0, length)
        _add_spreads(nodes, length, size, radix, into_spreads)
        _fold_sums(nodes, length, size, radix, into)
        nodes, into, spare = into, spare, into
        spreads, into_spreads = into_spreads, spreads
        size *= radix
        left //= radix


@kernel(void(array(f8), i8, array(f8), array(f8)))
def _one_moment(x: FloatArray, period: int, sums: FloatArray, squares: FloatArray) -> None:
    nodes, spreads = scratch(SPAN), scratch(SPAN)
    _copy(x, nodes, period)
    _fill(spreads, 0.0, period)
    size, left, at, done = 1, period, 0, 0
    while left > 0:
        radix = _radix(left) if left > 1 else 1
        if radix == 1:
            if done == 0:
                sums[0], squares[0] = nodes[at], spreads[at]
            else:
                old, new = float(done), float(size)
                distance = old * nodes[at] - new * sums[0]
                squares[0] += spreads[at] + 1.0 / (old * new * (old + new)) * (distance * distance)
                sums[0] += nodes[at]
            done += size
            at += 1
            left -= 1
            continue
        left //= radix
        per_value = 1.0 / size
        _shrink_sums(spreads, at, left, radix, spreads)
        for j in range(left):
            i = at + radix * j
            if radix == 2:
                p = nodes[i + 1] - nodes[i]
                spread = 0.5 * (p * p)
            elif radix == 3:
                spread = _spread_3(nodes[i], nodes[i + 1], nodes[i + 2])
            elif radix == 4:
                spread = _spread_4(nodes[i], nodes[i + 1], nodes[i + 2], nodes[i + 3])
            else:
                spread = _spread_5(nodes[i], nodes[i + 1], nodes[i + 2], nodes[i + 3], nodes[i + 4])
            spreads[j] += per_value * spread
        _shrink_sums(nodes, at, left, radix, nodes)
        at = 0
        size *= radix


@kernel(void(array(f8), array(f8), array(f8), array(f8), f8, f8, i8))
def _append_moments(
    sums: FloatArray, squares: FloatArray, s: FloatArray, q: FloatArray, old: float, new: float, n: int
) -> None:
    """Add a node of ``new`` values after the ``old`` ones that are there."""
    weight = 1.0 / (old * new * (old + new))
    for i in range(n):
        distance = old * s[i] - new * sums[i]
        squares[i] += q[i] + weight * (distance * distance)


@kernel(void(array(f8), array(f8), f8, i8))
def _drop_rounding(sums: FloatArray, squares: FloatArray, least: float, n: int) -> None:
    for i in range(n):
        squares[i] = squares[i] if squares[i] > least * (sums[i] * sums[i]) else 0.0
