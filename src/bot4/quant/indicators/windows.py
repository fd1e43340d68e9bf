"""Sliding windows over a stretch of values: sums, extremes, moments, lines, exact and without drift.

A window is folded as a sheet of paper is: a window of 30 values into 6 sums of 5 values that lie 6 apart, those into 2
sums of 3, those into one. How depends on the length of the window alone, so a window gives the same bits wherever it
lies and however the bars are cut; nothing is carried from window to window and nothing is ever subtracted, so what left
a window leaves no trace, however large it was; and the error grows with the logarithm of the length. Neighbouring
windows share all folds but the last, and every fold is one loop of vector instructions, for one window as for many.

All of them read ``x[:n]`` and write the results of the ``n - period + 1`` windows in it, oldest first, to the front of
their outputs; none if ``n < period``. They return that number. Outputs are other arrays than inputs.

An indicator takes the closes of its block with those before it that its windows need, and writes the results to the
end of its output, after what is not yet defined::

    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare)
    n = window_count(close, period)
    blank(out, 0, t1 - t0 - n)
    mean = out[0, t1 - t0 - n : t1 - t0]
    window_sums(close, len(close), period, mean)
    scale(mean, n, 1.0 / period)
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.folds import (
    RADIX,
    STEP,
    add,
    append_moments,
    copy,
    drop_rounding,
    fill,
    fold_lines,
    fold_moments,
    fold_squares,
    fold_sums,
    fold_values,
    set_aside,
    set_moments_aside,
)
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


# --- sums --------------------------------------------------------------------------------------------------------


@kernel(i8(array(f8), i8, i8, array(f8)))
def window_sums(x: FloatArray, n: int, period: int, out: FloatArray) -> int:
    """Sum of each window."""
    m = n - period + 1
    if m <= 0:
        return 0
    if period == 1:
        copy(x, m, out)
        return m
    odd, even, aside = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    values, into, spare = x, odd, even
    left, is_whole = period, True
    while left > 1:
        radix, step = RADIX[left], STEP[left]
        gap = left - radix * step
        if gap > 0:
            set_aside(columns_from(values, (radix >> 1) * step), m, is_whole, aside)
            is_whole = False
        target = out if step == 1 else into
        fold_sums(values, m - 1 + step, radix, step, gap, target)
        values, into, spare = target, spare, into
        left = step
    if not is_whole:
        add(aside, m, out)
    return m


# --- extremes ----------------------------------------------------------------------------------------------------
#
# Groups of neighbours may overlap here: each pass makes them up to six times as wide, the last as wide as the window.


@kernel(f8(array(f8), i8))
def greatest(x: FloatArray, n: int) -> float:
    """The greatest of the first ``n`` values, in four chains that need not wait for each other."""
    a = b = c = d = x[0]
    for i in range(0, n - 3, 4):
        a = x[i] if x[i] > a else a
        b = x[i + 1] if x[i + 1] > b else b
        c = x[i + 2] if x[i + 2] > c else c
        d = x[i + 3] if x[i + 3] > d else d
    for i in range(n - n % 4, n):
        a = x[i] if x[i] > a else a
    a = b if b > a else a
    c = d if d > c else c
    most: float = c if c > a else a
    return most


@kernel(i8(array(f8), i8, i8, array(f8)))
def window_maxima(x: FloatArray, n: int, period: int, out: FloatArray) -> int:
    """Greatest value of each window."""
    found: int = _window_extremes(x, n, period, 1.0, out)
    return found


@kernel(i8(array(f8), i8, i8, array(f8)))
def window_minima(x: FloatArray, n: int, period: int, out: FloatArray) -> int:
    """Least value of each window: minus the greatest of the negated."""
    found: int = _window_extremes(x, n, period, -1.0, out)
    return found


@kernel(i8(array(f8), i8, i8, f8, array(f8)), is_inlined=True)
def _window_extremes(x: FloatArray, n: int, period: int, sign: float, out: FloatArray) -> int:
    """``sign`` times the greatest of ``sign`` times the values of each window."""
    m = n - period + 1
    if m <= 0:
        return 0
    odd, even = scratch(SPAN), scratch(SPAN)
    if m == 1:
        for i in range(period):
            odd[i] = sign * x[i]
        out[0] = sign * greatest(odd, period)
        return 1
    groups, into, spare, turned = x, odd, even, sign
    width = 1
    while 6 * width < period:
        _greatest_of(groups, n - 6 * width + 1, width, 5 * width, turned, 1.0, into)
        groups, into, spare, turned = into, spare, into, 1.0
        width *= 6
    _greatest_of(groups, m, width, period - width, turned, sign, out)
    return m


@kernel(void(array(f8), i8, i8, i8, f8, f8, array(f8)), is_inlined=True)
def _greatest_of(x: FloatArray, n: int, step: int, last: int, turn: float, turn_back: float, out: FloatArray) -> None:
    """The greatest of ``turn x`` at ``i``, ``i + step``, ... up to ``i + last`` (at most six places), turned back."""
    apart()
    a, f = x, columns_from(x, last)
    if last <= step:
        for i in range(n):
            p, q = turn * a[i], turn * f[i]
            out[i] = turn_back * (q if q > p else p)
        return
    b, c = columns_from(x, step), columns_from(x, min(2 * step, last))
    if last <= 3 * step:
        for i in range(n):
            p, q, r, s = turn * a[i], turn * b[i], turn * c[i], turn * f[i]
            p = q if q > p else p
            r = s if s > r else r
            out[i] = turn_back * (r if r > p else p)
        return
    d, e = columns_from(x, 3 * step), columns_from(x, min(4 * step, last))
    for i in range(n):
        p, q, r = turn * a[i], turn * b[i], turn * c[i]
        s, t, u = turn * d[i], turn * e[i], turn * f[i]
        p = q if q > p else p
        r = s if s > r else r
        t = u if u > t else t
        p = r if r > p else p
        out[i] = turn_back * (t if t > p else p)


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_latest_maxima(x: FloatArray, n: int, period: int, out: FloatArray, age: FloatArray) -> int:
    """Greatest value of each window and its age: values after it in the window, the latest of equals."""
    m = n - period + 1
    if m <= 0:
        return 0
    if m == 1:
        out[0] = greatest(x, period)
        latest = period - 1
        while x[latest] != out[0]:
            latest -= 1
        age[0] = period - 1 - latest
        return 1
    odd, even = scratch(SPAN), scratch(SPAN)
    odd_ages, even_ages = scratch(SPAN), scratch(SPAN)  # values after the greatest in its group
    fill(odd_ages, n, 0.0)
    values, ages, into, into_ages = x, odd_ages, odd, even_ages
    spare, spare_ages = even, odd_ages
    width = 1
    while width < period:  # groups of neighbours, so that of equals the one in the later group is the later
        step = min(width, period - width)
        is_last = width + step == period
        target, target_ages = (out, age) if is_last else (into, into_ages)
        _latest_of(values, ages, n - width - step + 1, step, target, target_ages)
        values, into, spare = target, spare, into
        ages, into_ages, spare_ages = target_ages, spare_ages, into_ages
        width += step
    if period == 1:
        copy(x, m, out)
        fill(age, m, 0.0)
    return m


@kernel(void(array(f8), array(f8), i8, i8, array(f8), array(f8)))
def _latest_of(x: FloatArray, ages: FloatArray, n: int, step: int, out: FloatArray, out_ages: FloatArray) -> None:
    """The greater, or else the later, of the values of two groups ``step`` apart, and its age."""
    apart()
    a, b = x, columns_from(x, step)
    age_a, age_b = ages, columns_from(ages, step)
    shift = float(step)
    for i in range(n):
        is_later = b[i] >= a[i]
        out[i] = b[i] if is_later else a[i]
        out_ages[i] = age_b[i] if is_later else age_a[i] + shift


# --- lines -------------------------------------------------------------------------------------------------------


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_lines(x: FloatArray, n: int, period: int, sums: FloatArray, covariations: FloatArray) -> int:
    """Sum of each window, and ``C = sum (k - mean k)(x_k - mean x)`` of its values against their places ``k``.

    The least-squares line through a window has the slope ``C / (period (period^2 - 1) / 12)`` and passes through the
    mean at the middle place. With weights 1 (oldest) to ``period`` (newest) the sum is ``C + (period + 1) / 2 S``.
    A group of values ``s_j`` adds ``sum (place of j - mean place) s_j`` to ``C``, in which they are but subtracted from
    each other; what is set aside lies in the middle and adds nothing.
    """
    m = n - period + 1
    if m <= 0:
        return 0
    if period == 1:
        copy(x, m, sums)
        fill(covariations, m, 0.0)
        return m
    odd, even, aside = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    odd_tilts, even_tilts, aside_tilts = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    values, into, spare = x, odd, even
    tilts, into_tilts, spare_tilts = x, odd_tilts, even_tilts
    left, is_whole, is_even = period, True, True
    while left > 1:
        radix, step = RADIX[left], STEP[left]
        gap = left - radix * step
        if gap > 0:
            middle = (radix >> 1) * step
            set_aside(columns_from(values, middle), m, is_whole, aside)
            is_whole = False
            if left < period:
                set_aside(columns_from(tilts, middle), m, is_even, aside_tilts)
                is_even = False
        target, target_tilts = (sums, covariations) if step == 1 else (into, into_tilts)
        if left == period:
            fold_values(values, m - 1 + step, radix, step, gap, target, target_tilts)
        else:
            fold_lines(values, tilts, m - 1 + step, radix, step, gap, target, target_tilts)
        values, into, spare = target, spare, into
        tilts, into_tilts, spare_tilts = target_tilts, spare_tilts, into_tilts
        left = step
    if not is_whole:
        add(aside, m, sums)
    if not is_even:
        add(aside_tilts, m, covariations)
    return m


# --- moments -----------------------------------------------------------------------------------------------------


@kernel(i8(array(f8), i8, i8, array(f8), array(f8)))
def window_moments(x: FloatArray, n: int, period: int, sums: FloatArray, squares: FloatArray) -> int:
    """Sum of each window and the sum of the squared distances from its mean; 0 where all values are equal.

    Groups merge by ``Q = Qa + Qb + (na Sb - nb Sa)^2 / (na nb (na + nb))`` (Chan, Golub and LeVeque 1979), which
    subtracts nothing large.
    """
    m = n - period + 1
    if m <= 0:
        return 0
    if period == 1:
        copy(x, m, sums)
        fill(squares, m, 0.0)
        return m
    odd, even, aside = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    odd_spreads, even_spreads, aside_spreads = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    values, into, spare = x, odd, even
    spreads, into_spreads, spare_spreads = x, odd_spreads, even_spreads
    left, size, n_aside = period, 1, 0
    while left > 1:
        radix, step = RADIX[left], STEP[left]
        gap = left - radix * step
        if gap > 0:
            middle = (radix >> 1) * step
            node, spread = columns_from(values, middle), columns_from(spreads, middle)
            set_moments_aside(node, spread, m, size, n_aside, aside, aside_spreads)
            n_aside += size
        target, target_spreads = (sums, squares) if step == 1 else (into, into_spreads)
        if size == 1:
            fold_squares(values, m - 1 + step, radix, step, gap, target, target_spreads)
        else:
            fold_moments(values, spreads, m - 1 + step, radix, step, gap, 1.0 / size, target, target_spreads)
        values, into, spare = target, spare, into
        spreads, into_spreads, spare_spreads = target_spreads, spare_spreads, into_spreads
        left = step
        size *= radix
    if n_aside > 0:
        append_moments(aside, aside_spreads, m, float(size), float(n_aside), sums, squares)
    drop_rounding(sums, m, _LEAST_SPREAD * _LEAST_SPREAD / period, squares)
    return m
