"""Sliding windows over two series at once: how they move together, folded as :mod:`windows` folds one."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch
from bot4.quant.indicators.folds import RADIX, STEP, copy, fill
from bot4.quant.indicators.registry import SPAN


@kernel(i8(array(f8), array(f8), i8, i8, array(f8)))
def window_comoments(x: FloatArray, y: FloatArray, n: int, period: int, products: FloatArray) -> int:
    """``C = sum (x - mean x)(y - mean y)`` of each window of ``x[:n]`` and ``y[:n]``; returns how many windows.

    Groups merge by ``C = Ca + Cb + (na Xb - nb Xa)(na Yb - nb Ya) / (na nb (na + nb))`` with their sums ``X`` and
    ``Y``. Of a series with itself it is what ``window_moments`` gives, before that drops what is rounding.
    """
    m = n - period + 1
    if m <= 0:
        return 0
    if period == 1:
        fill(products, m, 0.0)
        return m
    odd_x, even_x, aside_x = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    odd_y, even_y, aside_y = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    odd_c, even_c, aside_c = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    xs, ys, cs = x, y, aside_c
    into_x, into_y, into_c = odd_x, odd_y, odd_c
    spare_x, spare_y, spare_c = even_x, even_y, even_c
    left, size, n_aside = period, 1, 0
    while left > 1:
        radix, step = RADIX[left], STEP[left]
        gap = left - radix * step
        if gap > 0:
            middle = (radix >> 1) * step
            _set_aside(
                columns_from(xs, middle), columns_from(ys, middle), columns_from(cs, middle), m, size, n_aside,
                aside_x, aside_y, aside_c,
            )  # fmt: skip
            n_aside += size
        target_c = products if step == 1 else into_c
        if size == 1:
            _fold_pairs(xs, ys, m - 1 + step, radix, step, gap, into_x, into_y, target_c)
        else:
            _fold_comoments(xs, ys, cs, m - 1 + step, radix, step, gap, 1.0 / size, into_x, into_y, target_c)
        xs, into_x, spare_x = into_x, spare_x, into_x
        ys, into_y, spare_y = into_y, spare_y, into_y
        cs, into_c, spare_c = target_c, spare_c, into_c
        left = step
        size *= radix
    if n_aside > 0:
        _append(aside_x, aside_y, aside_c, m, float(size), float(n_aside), xs, ys, products)
    return m


@kernel(f8(f8, f8, f8, f8, f8, f8), is_inlined=True)
def _product_3(a: float, b: float, c: float, a_: float, b_: float, c_: float) -> float:
    """Sum of the products of the distances of three pairs from their means."""
    p, q = b - a, 0.5 * (a + b) - c
    p_, q_ = b_ - a_, 0.5 * (a_ + b_) - c_
    return 0.5 * (p * p_) + (2.0 / 3.0) * (q * q_)


@kernel(f8(f8, f8, f8, f8, f8, f8, f8, f8), is_inlined=True)
def _product_4(a: float, b: float, c: float, d: float, a_: float, b_: float, c_: float, d_: float) -> float:
    p, q, r = b - a, d - c, (c + d) - (a + b)
    p_, q_, r_ = b_ - a_, d_ - c_, (c_ + d_) - (a_ + b_)
    return 0.5 * (p * p_ + q * q_) + 0.25 * (r * r_)


@kernel(void(array(f8), array(f8), i8, i8, i8, i8, array(f8), array(f8), array(f8)), is_inlined=True)
def _fold_pairs(
    x: FloatArray,
    y: FloatArray,
    n: int,
    radix: int,
    step: int,
    gap: int,
    out_x: FloatArray,
    out_y: FloatArray,
    out_c: FloatArray,
) -> None:
    """Fold ``radix`` pairs, ``step`` apart and ``gap`` more in the middle, into their sums and their co-moment."""
    apart()
    late = step + gap
    a, b, c, d = x, columns_from(x, late), columns_from(x, step + late), columns_from(x, 2 * step + late)
    a_, b_, c_, d_ = y, columns_from(y, late), columns_from(y, step + late), columns_from(y, 2 * step + late)
    if radix == 2:
        for i in range(n):
            out_x[i] = a[i] + b[i]
            out_y[i] = a_[i] + b_[i]
            out_c[i] = 0.5 * ((b[i] - a[i]) * (b_[i] - a_[i]))
        return
    b, b_ = columns_from(x, step), columns_from(y, step)
    if radix == 3:
        for i in range(n):
            out_x[i] = (a[i] + b[i]) + c[i]
            out_y[i] = (a_[i] + b_[i]) + c_[i]
            out_c[i] = _product_3(a[i], b[i], c[i], a_[i], b_[i], c_[i])
    elif radix == 4:
        for i in range(n):
            out_x[i] = (a[i] + b[i]) + (c[i] + d[i])
            out_y[i] = (a_[i] + b_[i]) + (c_[i] + d_[i])
            out_c[i] = _product_4(a[i], b[i], c[i], d[i], a_[i], b_[i], c_[i], d_[i])
    elif radix == 5:
        e, e_ = columns_from(x, 4 * step), columns_from(y, 4 * step)
        for i in range(n):
            s, s_ = (a[i] + b[i]) + (c[i] + d[i]), (a_[i] + b_[i]) + (c_[i] + d_[i])
            out_x[i] = s + e[i]
            out_y[i] = s_ + e_[i]
            inner = _product_4(a[i], b[i], c[i], d[i], a_[i], b_[i], c_[i], d_[i])
            out_c[i] = inner + 0.8 * ((0.25 * s - e[i]) * (0.25 * s_ - e_[i]))
    else:
        e, f, g = columns_from(x, 4 * step), columns_from(x, 5 * step), columns_from(x, 6 * step)
        e_, f_, g_ = columns_from(y, 4 * step), columns_from(y, 5 * step), columns_from(y, 6 * step)
        for i in range(n):
            s, s_ = (a[i] + b[i]) + (c[i] + d[i]), (a_[i] + b_[i]) + (c_[i] + d_[i])
            t, t_ = (e[i] + f[i]) + g[i], (e_[i] + f_[i]) + g_[i]
            out_x[i] = s + t
            out_y[i] = s_ + t_
            inner = _product_4(a[i], b[i], c[i], d[i], a_[i], b_[i], c_[i], d_[i])
            inner += _product_3(e[i], f[i], g[i], e_[i], f_[i], g_[i])
            out_c[i] = inner + (4.0 / 21.0) * ((0.75 * s - t) * (0.75 * s_ - t_))


@kernel(void(array(f8), array(f8), array(f8), i8, i8, i8, i8, f8, array(f8), array(f8), array(f8)), is_inlined=True)
def _fold_comoments(
    x: FloatArray,
    y: FloatArray,
    products: FloatArray,
    n: int,
    radix: int,
    step: int,
    gap: int,
    per_value: float,
    out_x: FloatArray,
    out_y: FloatArray,
    out_c: FloatArray,
) -> None:
    """As :func:`_fold_pairs`, of sums of ``1 / per_value`` pairs with co-moments of their own."""
    late = step + gap
    _fold_pairs(x, y, n, radix, step, gap, out_x, out_y, out_c)
    _gather(products, n, radix, step, late, per_value, out_c)


@kernel(void(array(f8), i8, i8, i8, i8, f8, array(f8)), is_inlined=True)
def _gather(products: FloatArray, n: int, radix: int, step: int, late: int, per_value: float, out: FloatArray) -> None:
    """Add the co-moments within the groups to ``per_value`` times the one between them."""
    apart()
    p, q, r = products, columns_from(products, late), columns_from(products, step + late)
    s = columns_from(products, 2 * step + late)
    if radix == 2:
        for i in range(n):
            out[i] = (p[i] + q[i]) + per_value * out[i]
        return
    q = columns_from(products, step)
    if radix == 3:
        for i in range(n):
            out[i] = ((p[i] + q[i]) + r[i]) + per_value * out[i]
    elif radix == 4:
        for i in range(n):
            out[i] = ((p[i] + q[i]) + (r[i] + s[i])) + per_value * out[i]
    elif radix == 5:
        t = columns_from(products, 4 * step)
        for i in range(n):
            out[i] = (((p[i] + q[i]) + (r[i] + s[i])) + t[i]) + per_value * out[i]
    else:
        t, u, v = columns_from(products, 4 * step), columns_from(products, 5 * step), columns_from(products, 6 * step)
        for i in range(n):
            within = ((p[i] + q[i]) + (r[i] + s[i])) + ((t[i] + u[i]) + v[i])
            out[i] = within + per_value * out[i]


@kernel(void(array(f8), array(f8), array(f8), i8, f8, f8, array(f8), array(f8), array(f8)))
def _append(
    x: FloatArray, y: FloatArray, products: FloatArray, n: int, old: float, new: float,
    sums_x: FloatArray, sums_y: FloatArray, out: FloatArray,
) -> None:  # fmt: skip
    """Add groups of ``new`` pairs to the ``old`` ones that are there."""
    apart()
    weight = 1.0 / (old * new * (old + new))
    for i in range(n):
        distance_x, distance_y = old * x[i] - new * sums_x[i], old * y[i] - new * sums_y[i]
        out[i] += products[i] + weight * (distance_x * distance_y)
        sums_x[i] += x[i]
        sums_y[i] += y[i]


@kernel(void(array(f8), array(f8), array(f8), i8, i8, i8, array(f8), array(f8), array(f8)))
def _set_aside(
    x: FloatArray, y: FloatArray, products: FloatArray, n: int, size: int, n_aside: int,
    aside_x: FloatArray, aside_y: FloatArray, aside_c: FloatArray,
) -> None:  # fmt: skip
    """Put groups of ``size`` pairs to the ``n_aside`` pairs that are aside."""
    if n_aside == 0:
        copy(x, n, aside_x)
        copy(y, n, aside_y)
    if n_aside == 0 and size == 1:
        fill(aside_c, n, 0.0)
    elif n_aside == 0:
        copy(products, n, aside_c)
    else:
        _append(x, y, products, n, float(n_aside), float(size), aside_x, aside_y, aside_c)


__all__ = ["window_comoments"]
