"""The clamps: each returns the largest size whose measure after the trade stays within its limit.

More exactly: within ``max(limit, measure before the trade)``, so that a book that drifted past a limit can still
be hedged and never grows worse. A size is a number of lots of one order; ``unit`` is the weight (notional over
equity) of one lot at the price at which the order is judged. No clamp returns more than it was asked for; applied
twice it changes nothing; a larger limit never gives a smaller size; a NaN anywhere gives 0. The side does not
appear: it enters through the sign of the covariance with the book, so that shorts are treated exactly as longs.
"""

from __future__ import annotations

import math

from bot4.kernel import f8, i8, kernel
from bot4.pipeline.risk.measures import heat_of

# How a measure grows with the size x = lots * unit, and what a, b, c, d stand for.
DEVIATION = 0  # d sqrt(a + 2 b x + c x^2): variance of the book, covariance with it, own variance, scale
LINEAR = 1  # a + b x
HEAT = 2  # a + heat of c + x: heat of the others, own deviation, own size, days to exit a size of one


@kernel(f8(i8, i8, f8, f8, f8, f8, f8))
def measure_at(shape: int, lots: int, unit: float, a: float, b: float, c: float, d: float) -> float:
    """The measure after a trade of ``lots``, by its shape."""
    size = float(lots) * unit
    if shape == DEVIATION:
        variance = a + 2.0 * b * size + c * size * size
        return d * math.sqrt(variance if variance > 0.0 else 0.0 * abs(variance))
    if shape == LINEAR:
        return a + b * size
    return float(a + heat_of(c + size, b, d))


@kernel(f8(f8, f8))
def allowed_measure(limit: float, before: float) -> float:
    """``max(limit, before)``; NaN, which nothing satisfies, where either is NaN or negative."""
    if not (limit >= 0.0 and before >= 0.0):
        return math.nan
    return limit if limit > before else before


@kernel(i8(i8, i8, f8, f8, f8, f8, f8, f8, f8))
def largest_fitting(
    shape: int, lots: int, unit: float, a: float, b: float, c: float, d: float, allowed: float, size: float
) -> int:
    """Largest number of lots up to ``lots`` whose measure is at most ``allowed``.

    Args:
        shape, unit, a, b, c, d: the measure (:func:`measure_at`); where it holds, it holds for all smaller sizes.
        lots: the size asked for.
        allowed: greatest measure.
        size: closed-form solution, from which the exact one is searched for; rounding moves it a few lots at most.
    """
    if lots <= 0 or not measure_at(shape, 0, unit, a, b, c, d) <= allowed:
        return 0
    if measure_at(shape, lots, unit, a, b, c, d) <= allowed:
        return lots
    guess = size / unit
    fits, fails, step = 0, lots, 1
    start = int(guess) if 0.0 <= guess < float(lots) else 0
    if measure_at(shape, start, unit, a, b, c, d) <= allowed:
        fits = start
        while fits + step < fails and measure_at(shape, fits + step, unit, a, b, c, d) <= allowed:
            fits += step
            step *= 2
        fails = min(fails, fits + step)
    else:
        fails = start
        while fails - step > 0 and not measure_at(shape, fails - step, unit, a, b, c, d) <= allowed:
            fails -= step
            step *= 2
        fits = max(0, fails - step)
    while fails - fits > 1:
        middle = fits + (fails - fits) // 2
        if measure_at(shape, middle, unit, a, b, c, d) <= allowed:
            fits = middle
        else:
            fails = middle
    return fits


@kernel(i8(i8, f8, f8, f8, f8, f8, f8))
def clamp_deviation(lots: int, unit: float, book: float, cross: float, own: float, scale: float, limit: float) -> int:
    """Cap ``scale`` times the book's one-day deviation: the volatility, VaR and CVaR clamps.

    Solves ``book + 2 cross x + own x^2 = (allowed / scale)^2`` for the greater root.

    Args:
        lots: size asked for.
        unit: weight of one lot.
        book: one-day variance of the book before the trade.
        cross: covariance of the order, signed by its side and of weight one, with the book.
        own: one-day variance of the symbol.
        scale: root of the days in a year for volatility, the unit-variance Student quantile for VaR and CVaR.
        limit: annual volatility, or loss as a fraction of equity.
    """
    allowed = allowed_measure(limit, measure_at(DEVIATION, 0, unit, book, cross, own, scale))
    room = (allowed / scale) * (allowed / scale) - book if scale > 0.0 else 0.0
    size = 0.0
    if own > 0.0 and room >= 0.0:
        root = math.sqrt(cross * cross + own * room)
        size = room / (cross + root) if cross > 0.0 else (root - cross) / own
    return int(largest_fitting(DEVIATION, lots, unit, book, cross, own, scale, allowed, size))


@kernel(i8(i8, f8, f8, f8, f8, f8, f8))
def clamp_heat(
    lots: int, unit: float, others: float, deviation: float, size: float, days_per_unit: float, limit: float
) -> int:
    """Cap the heat of the book, ``sum |w| sigma sqrt(days to exit)`` with a floor of one day.

    Args:
        lots, unit: size asked for and weight of one lot.
        others: heat of the other symbols.
        deviation: one-day deviation of the symbol.
        size: weight that the book already has of the symbol, without sign.
        days_per_unit: days of volume to exit a weight of one; infinite where nothing is traded, which gives 0.
        limit: greatest heat.
    """
    allowed = allowed_measure(limit, measure_at(HEAT, 0, unit, others, deviation, size, days_per_unit))
    budget = allowed - others
    best = 0.0
    if deviation > 0.0 and budget > 0.0:
        best = budget / deviation
        if best * days_per_unit > 1.0:
            best = (best * best / days_per_unit) ** (1.0 / 3.0)
    return int(largest_fitting(HEAT, lots, unit, others, deviation, size, days_per_unit, allowed, best - size))


@kernel(i8(i8, f8, f8, f8, f8))
def clamp_linear(lots: int, unit: float, before: float, slope: float, limit: float) -> int:
    """Cap a measure that grows by ``slope`` with each unit of weight: leverage, and the parts of other clamps."""
    allowed = allowed_measure(limit, before)
    size = (allowed - before) / slope if slope > 0.0 else 0.0
    return int(largest_fitting(LINEAR, lots, unit, before, slope, 0.0, 0.0, allowed, size))


@kernel(i8(f8, f8, f8, f8))
def is_like_book(book: float, cross: float, own: float, correlation_limit: float) -> int:
    """1 where the order's correlation with the book exceeds the limit (or is NaN); 0 for an empty book."""
    return 1 if not cross <= correlation_limit * math.sqrt(book * own) else 0


@kernel(i8(i8, f8, f8, f8, f8, f8, f8))
def clamp_correlation(
    lots: int, unit: float, book: float, cross: float, own: float, correlation_limit: float, limit: float
) -> int:
    """Size an order that moves with the book as if it were the book: deviations add in full.

    Args:
        lots, unit, book, cross, own: as in :func:`clamp_deviation`.
        correlation_limit: correlation with the book above which the clamp applies.
        limit: greatest one-day deviation of the book, the tightest of the first three clamps.
    """
    if not (correlation_limit >= 0.0 and book >= 0.0 and own >= 0.0):
        return 0
    if not is_like_book(book, cross, own, correlation_limit):
        return lots
    return int(clamp_linear(lots, unit, math.sqrt(book), math.sqrt(own), limit))


@kernel(i8(i8, i8, f8, i8))
def clamp_crisis(lots: int, otherwise_allowed: int, share: float, is_crisis: int) -> int:
    """In a crisis, at most ``share`` of the size that all other caps allow; otherwise the size asked for."""
    if not is_crisis:
        return lots
    if not 0.0 <= share <= 1.0:
        return 0
    return min(lots, int(share * float(otherwise_allowed)))


@kernel(i8(i8, i8, f8, f8))
def clamp_minimum(lots: int, min_lots: int, lot_value: float, min_notional: float) -> int:
    """0 below the venue's least quantity or least notional (quote currency), else the size asked for.

    The one clamp that is a floor. ``lot_value`` is the value of one lot at the lower of mark and worst fill.
    """
    if lots >= min_lots and float(lots) * lot_value >= min_notional * (1.0 - 1e-12):
        return lots
    return 0


@kernel(i8(i8, f8, f8, f8, f8, f8, f8, f8))
def clamp_concentration(
    lots: int,
    unit: float,
    others: float,
    at_stop: float,
    stop_slope: float,
    at_risk: float,
    risk_slope: float,
    limit: float,
) -> int:
    """Cap ``others + max(loss at the stop, one-day VaR)``, fractions of equity.

    Args:
        lots, unit: size asked for and weight of one lot.
        others: loss of what is counted together with the symbol (0 for the cap of a symbol).
        at_stop, at_risk: both losses before the trade.
        stop_slope, risk_slope: what a weight of one adds to each.
        limit: greatest loss.
    """
    before = others + (at_stop if at_stop > at_risk else at_risk)
    allowed = allowed_measure(limit, before) if at_stop >= 0.0 and at_risk >= 0.0 else math.nan
    by_stop = (allowed - others - at_stop) / stop_slope if stop_slope > 0.0 else 0.0
    by_risk = (allowed - others - at_risk) / risk_slope if risk_slope > 0.0 else 0.0
    lots = largest_fitting(LINEAR, lots, unit, others + at_stop, stop_slope, 0.0, 0.0, allowed, by_stop)
    return int(largest_fitting(LINEAR, lots, unit, others + at_risk, risk_slope, 0.0, 0.0, allowed, by_risk))
