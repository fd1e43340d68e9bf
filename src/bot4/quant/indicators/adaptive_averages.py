"""Averages that follow the price the faster, the straighter it goes."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, Param, indicator
from bot4.quant.indicators.windows import blank, negate, window_maxima, window_sums

TA_LIB = "TA-Lib"


@kernel(void(array(f8), array(f8), i8))
def _distances(x: FloatArray, into: FloatArray, n: int) -> None:
    apart()
    later = columns_from(x, 1)
    for i in range(n):
        into[i] = abs(later[i] - x[i])


@kernel(i8(array(f8), i8, i8, f8, array(f8)))
def _directness(x: FloatArray, n: int, period: int, at_rest: float, into: FloatArray) -> int:
    """``|change over period values| / sum |change|``, from 0 to 1, ``at_rest`` if nothing moved; returns how many."""
    apart()
    steps = scratch(SPAN)
    _distances(x, steps, n - 1)
    m: int = window_sums(steps, n - 1, period, into)
    later = columns_from(x, period)
    for i in range(m):
        direct = abs(later[i] - x[i])
        ratio = direct / into[i] if direct < into[i] else 1.0
        into[i] = ratio if into[i] > 0.0 else at_rest
    return m


@kernel(void(array(f8), i8, array(f8), f8, array(f8)))
def _follow(x: FloatArray, n: int, speed: FloatArray, average: float, out: FloatArray) -> None:
    """``average += speed (x - average)`` for each value."""
    for i in range(n):
        average = (1.0 - speed[i]) * average + speed[i] * x[i]
        out[i] = average


@indicator(
    "kama",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 10, 2, 439),),
    outputs=("kama",),
    state_size=1,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB}; Kaufman 1995",
)
def kama(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Kaufman's average: ``kama += c^2 (close - kama)``, ``c = 2/31 + er (2/3 - 2/31)``, ``er`` the efficiency ratio.

    ``er = |close - close period bars ago| / sum |change|`` over those bars, 1 without any movement. The average starts
    from the close before the first output.
    """
    period = int(params[0])
    slow, spread = 2.0 / 31.0, 2.0 / 3.0 - 2.0 / 31.0
    spare, speed = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n = _directness(close, len(close), period, 1.0, speed)
    for i in range(n):
        root = slow + spread * speed[i]
        speed[i] = root * root
    _run_adaptive(close, n, t0, t1, period, speed, state, out)


@kernel(void(array(f8), i8, i8, i8, i8, array(f8), array(f8), array(f8, 2)))
def _run_adaptive(
    close: FloatArray, n: int, t0: int, t1: int, first: int, speed: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Follow the last ``n`` closes of a stretch, at the bar ``first`` from the close before it."""
    blank(out, 0, t1 - t0 - n)
    if n <= 0:
        return
    start = len(close) - n
    average = close[start - 1] if t1 - n == first else state[0]
    averages = columns_from(out[0], t1 - t0 - n)
    _follow(columns_from(close, start), n, speed, average, averages)
    state[0] = averages[n - 1]


@indicator(
    "vidya",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 500), Param("momentum_period", 9, 1, 439)),
    outputs=("vidya",),
    state_size=1,
    warm_up=lambda momentum_period: momentum_period,
    lookback=lambda momentum_period: momentum_period,
    source="Chande 1995, with the Chande momentum oscillator",
)
def vidya(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Variable index dynamic average: ``vidya += 2 / (period + 1) |CMO| / 100 (close - vidya)``.

    The variant with Chande's momentum oscillator of ``momentum_period`` changes,
    ``CMO = 100 (rises - falls) / (rises + falls)``, which is 0 where nothing moved: the average then stays where it is.
    It starts from the close before the first output.
    """
    period = int(params[1])
    alpha = 2.0 / (params[0] + 1.0)
    spare, speed = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n = _directness(close, len(close), period, 0.0, speed)
    for i in range(n):
        speed[i] = alpha * speed[i]
    _run_adaptive(close, n, t0, t1, period, speed, state, out)


@indicator(
    "frama",
    family="trend",
    inputs=(HIGH, LOW),
    params=(Param("period", 16, 2, 440),),
    outputs=("frama",),
    state_size=2,
    warm_up=lambda period: 2 * (period // 2),
    lookback=lambda period: 2 * (period // 2),
    source="Ehlers 2005, Fractal Adaptive Moving Average",
)
def frama(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Fractal adaptive average of ``price = (high + low) / 2``: ``frama += alpha (price - frama)``.

    ``alpha = exp(-4.6 (D - 1))`` between 0.01 and 1, ``D = log2((N1 + N2) / N3)``, where ``N1``, ``N2`` and ``N3`` are
    the ranges per bar of the last ``period // 2`` bars, of as many before, and of both. ``D`` stays as it was if one of
    them has no range. The average starts from the price before the first output.
    """
    half = int(params[0]) // 2
    spare_high, spare_low = scratch(SPAN), scratch(SPAN)
    lows, tops, bottoms, speed = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - 2 * half, t1, spare_high)
    low = stretch(bars, LOW, mask, t0 - 2 * half, t1, spare_low)
    n = max(len(high) - 2 * half, 0)
    negate(low, lows, len(low))
    window_maxima(columns_from(high, 1), len(high) - 1, half, tops)
    window_maxima(columns_from(lows, 1), len(low) - 1, half, bottoms)
    state[1] = _fractal_speeds(tops, bottoms, n, half, state[1], speed)
    price = lows
    for i in range(len(high)):
        price[i] = 0.5 * (high[i] + low[i])
    blank(out, 0, t1 - t0 - n)
    if n > 0:
        average = price[2 * half - 1] if t1 - n == 2 * half else state[0]
        averages = columns_from(out[0], t1 - t0 - n)
        _follow(columns_from(price, 2 * half), n, speed, average, averages)
        state[0] = averages[n - 1]


@kernel(f8(array(f8), array(f8), i8, i8, f8, array(f8)))
def _fractal_speeds(
    tops: FloatArray, bottoms: FloatArray, n: int, half: int, dimension: float, speed: FloatArray
) -> float:
    """``alpha`` of FRAMA, from the highest highs and negated lowest lows of half windows; returns the last ``D``."""
    later_tops, later_bottoms = columns_from(tops, half), columns_from(bottoms, half)
    for i in range(n):
        late, early = later_tops[i] + later_bottoms[i], tops[i] + bottoms[i]
        whole = max(tops[i], later_tops[i]) + max(bottoms[i], later_bottoms[i])
        if late > 0.0 and early > 0.0:
            dimension = math.log(2.0 * (late + early) / whole) / math.log(2.0)
        alpha = math.exp(-4.6 * (dimension - 1.0))
        speed[i] = min(max(alpha, 0.01), 1.0)
    return dimension


@indicator(
    "mcginley",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 500), Param("factor", 0.6, 0.1, 10.0)),
    outputs=("mcginley",),
    state_size=1,
    warm_up=0,
    source="McGinley 1990; Stock Indicators for .NET",
)
def mcginley(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """McGinley dynamic: ``md += (close - md) / (factor period (close / md)^4)``, from the first close on.

    A step never goes beyond the close, where the formula would overshoot (a fall by a third and more); the average is
    the close where one of them is 0.
    """
    reach = params[1] * params[0]
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0, t1, spare)
    average = close[0] if t0 == 0 else state[0]
    averages = out[0]
    for i in range(t1 - t0):
        ratio = close[i] / average if average != 0.0 else 0.0
        square = ratio * ratio
        divisor = reach * (square * square)
        average += (close[i] - average) / (divisor if divisor > 1.0 else 1.0)
        averages[i] = average
    state[0] = average
