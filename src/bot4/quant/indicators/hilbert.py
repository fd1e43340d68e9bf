"""The dominant cycle by the Hilbert transform, and MAMA, as TA-Lib has them.

Ehlers, *Rocket Science for Traders*, Wiley 2001, and *MESA and Trading Market Cycles*, 2nd ed. 2002.

The close is smoothed, and one recursion finds in-phase and quadrature part and the period of the cycle. All else
follows from these bar by bar. TA-Lib starts the recursion at bar 12 for what needs no sums over the cycle (period,
phasor, MAMA) and at bar 37 for the rest. Both are carried until, after some hundred bars, they are the same to the
last bit; from then on there is one.

A block is worked on in scratch memory: ``HISTORY`` earlier values first, then its own.
"""

from __future__ import annotations

import math

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch
from bot4.quant.indicators.registry import CLOSE, SPAN, Param, indicator, view

NAN = math.nan

HISTORY = 64
LONGEST = 50
FIRST_SMOOTH = 3
FIRST_EARLY, FIRST_LATE = 12, 37
EARLY_WARM_UP, LATE_WARM_UP = 32, 63

# The state of the smoother.
SUM, WEIGHTED, GREATEST, SMOOTHER_SIZE = 0, 1, 2, 3

# The state of one recursion: scalars, then the last values of the parts and of the smoothed close.
PERIOD, SMOOTH_PERIOD, I2, Q2, RE, IM = 0, 1, 2, 3, 4, 5
DELAYS = 16
DETREND_AT, QUADRATURE_AT, SMOOTHED_AT = 8, 8 + DELAYS, 8 + 2 * DELAYS
CYCLE_SIZE = SMOOTHED_AT + HISTORY

EARLY_AT = SMOOTHER_SIZE
LATE_AT = EARLY_AT + CYCLE_SIZE
FOLLOW_AT = LATE_AT + CYCLE_SIZE

# The state of what follows from the late recursion; of whether the two are one; and of MAMA.
PHASE, LEAD, BARS_IN_TREND, MEAN_1, MEAN_2, MEAN_3, IS_ONE = range(FOLLOW_AT, FOLLOW_AT + 7)
HILBERT_SIZE = IS_ONE + 1
ALPHA_PHASE, MAMA, FAMA = range(LATE_AT, LATE_AT + 3)
MAMA_SIZE = FAMA + 1

OUTPUTS = ("period", "phase", "in_phase", "quadrature", "sine", "lead_sine", "trend_mode", "trendline")
PERIOD_ROW, PHASE_ROW, IN_PHASE_ROW, QUADRATURE_ROW, SINE_ROW, LEAD_ROW, MODE_ROW, TRENDLINE_ROW = range(8)

DEGREES = 45.0 / math.atan(1.0)
TURN = 8.0 * math.atan(1.0)
CREST_LOSS = 1024.0
WAVE_STRIDE = 2 * LONGEST


def _waves() -> FloatArray:
    """Sine and cosine, in turns, of ``0 .. period - 1`` steps of a cycle; row ``period`` of each."""
    waves: FloatArray = np.zeros((LONGEST + 1, WAVE_STRIDE))
    for period in range(1, LONGEST + 1):
        angles = [step * TURN / period for step in range(period)]
        waves[period, 0 : 2 * period : 2] = [math.sin(angle) for angle in angles]
        waves[period, 1 : 2 * period : 2] = [math.cos(angle) for angle in angles]
    return waves.ravel()


WAVES = _waves()


@kernel(void(array(f8, 2), i8, i8, i8, array(f8), array(f8)))
def smooth_closes(bars: FloatArray, mask: int, t0: int, t1: int, state: FloatArray, smoothed: FloatArray) -> None:
    """``(4 c0 + 3 c1 + 2 c2 + c3) / 10`` of the bars from ``FIRST_SMOOTH`` on, by TA-Lib's two running sums.

    In a flat market everything that follows is made of the rounding of these sums, so only they give TA-Lib's
    values there. Where TA-Lib's sums have held more than 1,024 times what they hold now, and so lost what matters,
    they are summed anew.
    """
    total, weighted, greatest = state[SUM], state[WEIGHTED], state[GREATEST]
    for t in range(t0, t1):
        close = bars[CLOSE, t & mask]
        total += close
        if t <= FIRST_SMOOTH:
            weighted += (t + 1) * close
        else:
            total -= bars[CLOSE, (t - 4) & mask]
            weighted += 4.0 * close
        size = abs(weighted)
        greatest = size if size > greatest else greatest
        if greatest > CREST_LOSS * size and t >= FIRST_SMOOTH:
            c1, c2, c3 = bars[CLOSE, (t - 1) & mask], bars[CLOSE, (t - 2) & mask], bars[CLOSE, (t - 3) & mask]
            total = close + c1 + c2 + c3
            weighted = 4.0 * close + 3.0 * c1 + 2.0 * c2 + c3
            greatest = abs(weighted)
        smoothed[HISTORY + t - t0] = weighted * 0.1
        if t >= FIRST_SMOOTH:
            weighted -= total
    state[SUM], state[WEIGHTED], state[GREATEST] = total, weighted, greatest


@kernel(f8(f8, f8, f8, f8, f8), is_inlined=True)
def quadrature_of(x0: float, x2: float, x4: float, x6: float, gain: float) -> float:
    """Ehlers' Hilbert transform of a series, from its values now and 2, 4 and 6 bars ago, added in TA-Lib's order."""
    part: float = (0.0962 * x0 - 0.0962 * x6 - 0.5769 * x4 + 0.5769 * x2) * gain
    return part


@kernel(f8(f8, f8, f8), is_inlined=True)
def next_period(period: float, re: float, im: float) -> float:
    """The period that the turn from one bar to the next speaks of, kept near the one before and within 6 .. 50."""
    raw = TURN / math.atan(im / re) if im != 0.0 and re != 0.0 else period
    high = 1.5 * period
    low = 0.67 * period
    raw = high if raw > high else raw
    raw = low if raw < low else raw
    raw = 6.0 if raw < 6.0 else raw
    raw = 50.0 if raw > 50.0 else raw
    return 0.2 * raw + 0.8 * period


@kernel(void(array(f8), i8, array(f8), i8, i8, array(f8), array(f8), array(f8)))
def advance_cycle(
    state: FloatArray,
    at: int,
    smoothed: FloatArray,
    first: int,
    stop: int,
    detrended: FloatArray,
    quadrature: FloatArray,
    periods: FloatArray,
) -> None:
    """One recursion over the places ``first .. stop - 1`` of a block; its values go to the last three arrays.

    The in-phase part is the detrended close of three bars ago.
    """
    period, smooth_period = state[at + PERIOD], state[at + SMOOTH_PERIOD]
    i2, q2, re, im = state[at + I2], state[at + Q2], state[at + RE], state[at + IM]
    s0, s2, s4, s6 = smoothed[HISTORY:], smoothed[HISTORY - 2 :], smoothed[HISTORY - 4 :], smoothed[HISTORY - 6 :]
    d0, d2, d3, d4 = detrended[DELAYS:], detrended[DELAYS - 2 :], detrended[DELAYS - 3 :], detrended[DELAYS - 4 :]
    d5, d6, d7, d9 = detrended[DELAYS - 5 :], detrended[DELAYS - 6 :], detrended[DELAYS - 7 :], detrended[DELAYS - 9 :]
    g0, g2, g4, g6 = quadrature[DELAYS:], quadrature[DELAYS - 2 :], quadrature[DELAYS - 4 :], quadrature[DELAYS - 6 :]
    for i in range(first, stop):
        gain = 0.075 * period + 0.54
        detrend = quadrature_of(s0[i], s2[i], s4[i], s6[i], gain)
        quarter = quadrature_of(detrend, d2[i], d4[i], d6[i], gain)
        d0[i] = detrend
        g0[i] = quarter
        before_i2, before_q2 = i2, q2
        i2 = 0.2 * (d3[i] - quadrature_of(quarter, g2[i], g4[i], g6[i], gain)) + 0.8 * i2
        q2 = 0.2 * (quarter + quadrature_of(d3[i], d5[i], d7[i], d9[i], gain)) + 0.8 * q2
        re = 0.2 * (i2 * before_i2 + q2 * before_q2) + 0.8 * re
        im = 0.2 * (i2 * before_q2 - q2 * before_i2) + 0.8 * im
        period = next_period(period, re, im)
        smooth_period = 0.33 * period + 0.67 * smooth_period
        periods[i] = smooth_period
    state[at + PERIOD], state[at + SMOOTH_PERIOD] = period, smooth_period
    state[at + I2], state[at + Q2], state[at + RE], state[at + IM] = i2, q2, re, im


@kernel(void(array(f8), i8, array(f8)), is_inlined=True)
def copy(values: FloatArray, n: int, into: FloatArray) -> None:
    """Copy the first ``n`` values."""
    for k in range(n):
        into[k] = values[k]


@kernel(i8(array(f8, 2), i8, i8, i8, array(f8)))
def load_closes(bars: FloatArray, mask: int, t0: int, t1: int, closes: FloatArray) -> int:
    """Copy the closes of a block and of up to ``LONGEST - 1`` bars before it; returns how many came before."""
    earlier = min(t0, LONGEST - 1)
    n = earlier + t1 - t0
    row = bars[CLOSE]
    start = (t0 - earlier) & mask
    if start + n <= len(row):
        copy(row[start:], n, closes)
    else:
        for k in range(n):
            closes[k] = row[(start + k) & mask]
    return earlier


@kernel(void(array(f8), i8, i8, i8, i8, array(f8), array(f8), array(f8), array(f8)))
def run_cycle(
    state: FloatArray,
    at: int,
    start: int,
    t0: int,
    t1: int,
    smoothed: FloatArray,
    detrended: FloatArray,
    quadrature: FloatArray,
    periods: FloatArray,
) -> None:
    """The recursion that starts at bar ``start``, over a block: brings what came before, and keeps what comes next.

    Whatever comes before its start is zero to it.
    """
    n = t1 - t0
    first = min(max(start - t0, 0), n)
    kept = state[at + DETREND_AT : at + CYCLE_SIZE]
    copy(kept, DELAYS, detrended)
    copy(kept[DELAYS:], DELAYS, quadrature)
    copy(kept[2 * DELAYS :], HISTORY, smoothed)
    for i in range(first):
        smoothed[HISTORY + i] = 0.0
        detrended[DELAYS + i] = 0.0
        quadrature[DELAYS + i] = 0.0
    advance_cycle(state, at, smoothed, first, n, detrended, quadrature, periods)
    copy(detrended[n:], DELAYS, kept)
    copy(quadrature[n:], DELAYS, kept[DELAYS:])
    copy(smoothed[n:], HISTORY, kept[2 * DELAYS :])


@kernel(f8(f8), is_inlined=True)
def sine_of_degrees(angle: float) -> float:
    """Sine, to the last bits: Taylor's polynomial of the angle brought to within a quarter of a turn of zero."""
    x = angle / 360.0
    x -= np.floor(x + 0.5)
    x = 0.5 - x if x > 0.25 else (-0.5 - x if x < -0.25 else x)
    x *= TURN
    y = x * x
    tail = y * (-1.0 / 1307674368000.0 + y * (1.0 / 355687428096000.0 - y * (1.0 / 121645100408832000.0)))
    tail = y * (1.0 / 362880.0 + y * (-1.0 / 39916800.0 + y * (1.0 / 6227020800.0 + tail)))
    sine: float = x + x * y * (-1.0 / 6.0 + y * (1.0 / 120.0 + y * (-1.0 / 5040.0 + tail)))
    return sine


@kernel(f8(f8, f8), is_inlined=True)
def arc_of(y: float, x: float) -> float:
    """``atan(y / x)`` in degrees, within -90 .. 90, to the last bits; 0 if both are 0.

    The quotient is brought to within 0.66 by turning an eighth or a quarter of a circle. The rational function is that
    of Moshier's Cephes library (atan.c).
    """
    height, width = abs(y), abs(x)
    is_steep, is_flat = height > 2.414213562373095 * width, height <= 0.66 * width
    top = -width if is_steep else (height if is_flat else height - width)
    bottom = height if is_steep else (width if is_flat else height + width)
    z = top / (bottom if bottom > 0.0 else 1.0)
    u = z * z
    numerator = -64.85021904942025 + u * (-122.88666844901361 + u * (-75.00855792314705 + u * -16.157537187333652))
    numerator += -0.8750608600031904 * (u * u) * (u * u)
    denominator = 194.5506571482614 + u * (485.3903996359137 + u * (432.88106049129027 + u * 165.02700983169885))
    denominator += (24.858464901423062 + u) * (u * u) * (u * u)
    angle = (90.0 if is_steep else (0.0 if is_flat else 45.0)) + DEGREES * (z + z * (u * numerator / denominator))
    arc: float = -angle if (y < 0.0) != (x < 0.0) else angle
    return arc


@kernel(f8(f8, f8, f8), is_inlined=True)
def cycle_phase(arc: float, imaginary: float, smooth_period: float) -> float:
    """Phase in degrees, within -45 .. 315, from the arc of the sums; the smoother's lag of one bar is made good."""
    phase = arc + 90.0 + 360.0 / smooth_period + (180.0 if imaginary < 0.0 else 0.0)
    return phase - 360.0 if phase > 315.0 else phase


@kernel(f8(f8, f8, f8, f8, f8), is_inlined=True)
def mode_of(bars_in_trend: float, smooth_period: float, turn: float, price: float, trendline: float) -> float:
    """1 in a trend, 0 in a cycle: see :func:`hilbert`."""
    step = 360.0 / smooth_period
    is_turning = (turn > 0.67 * step) & (turn < 1.5 * step)
    is_cycle = (bars_in_trend < 0.5 * smooth_period) | is_turning
    is_far = (trendline != 0.0) & (abs(price - trendline) >= 0.015 * abs(trendline))
    return 0.0 if is_cycle and not is_far else 1.0


@kernel(void(array(f8), array(f8), array(f8), i8, i8, i8, array(f8), array(f8), array(f8)))
def sum_over_cycle(
    smoothed: FloatArray,
    periods: FloatArray,
    closes: FloatArray,
    offset: int,
    first: int,
    n: int,
    real: FloatArray,
    imaginary: FloatArray,
    means: FloatArray,
) -> None:
    """Sums of the smoothed close times sine and cosine, and the mean close, over the cycle that ends at each bar.

    The close of place ``i`` is ``closes[offset + i]``. Sums run from the newest bar to the oldest: in a flat market
    they are nothing but their rounding.
    """
    for i in range(first, n):
        length = int(periods[i] + 0.5) if periods[i] > 0.0 else 0
        wave = length * WAVE_STRIDE
        sines, cosines, total = 0.0, 0.0, 0.0
        for k in range(length):
            price = smoothed[HISTORY + i - k]
            sines += WAVES[wave + 2 * k] * price
            cosines += WAVES[wave + 2 * k + 1] * price
            total += closes[offset + i - k]
        real[i] = sines
        imaginary[i] = cosines
        means[i] = total / length if length > 0 else 0.0


@kernel(void(array(f8), i8, i8, array(f8), array(f8), array(f8), array(f8), array(f8), array(f8, 2)))
def give_modes(
    state: FloatArray,
    first: int,
    n: int,
    smoothed: FloatArray,
    periods: FloatArray,
    phases: FloatArray,
    leads: FloatArray,
    means: FloatArray,
    out: FloatArray,
) -> None:
    """Write trendline and mode of a block, and the sines that the mode is made of (``leads``: sine less lead sine)."""
    phase, lead, bars_in_trend = state[PHASE], state[LEAD], state[BARS_IN_TREND]
    mean1, mean2, mean3 = state[MEAN_1], state[MEAN_2], state[MEAN_3]
    for i in range(first, n):
        before, phase = phase, phases[i]
        was, lead = lead, leads[i]
        trendline = (4.0 * means[i] + 3.0 * mean1 + 2.0 * mean2 + mean3) / 10.0
        mean3, mean2, mean1 = mean2, mean1, means[i]
        is_crossing = ((lead > 0.0) & (was <= 0.0)) | ((lead < 0.0) & (was >= 0.0))
        bars_in_trend = 1.0 if is_crossing else bars_in_trend + 1.0
        out[PHASE_ROW, i] = phase
        out[MODE_ROW, i] = mode_of(bars_in_trend, periods[i], phase - before, smoothed[HISTORY + i], trendline)
        out[TRENDLINE_ROW, i] = trendline
    state[PHASE], state[LEAD], state[BARS_IN_TREND] = phase, lead, bars_in_trend
    state[MEAN_1], state[MEAN_2], state[MEAN_3] = mean1, mean2, mean3


@kernel(
    void(array(f8), i8, i8, array(f8), array(f8), array(f8), array(f8), array(f8), array(f8), array(f8), array(f8, 2))
)
def follow_cycle(
    state: FloatArray,
    first: int,
    n: int,
    smoothed: FloatArray,
    periods: FloatArray,
    real: FloatArray,
    imaginary: FloatArray,
    means: FloatArray,
    phases: FloatArray,
    leads: FloatArray,
    out: FloatArray,
) -> None:
    """Phase, sines, trendline and mode of the places ``first .. n - 1``; ``phases`` and ``leads`` are working room."""
    for i in range(first, n):
        phases[i] = cycle_phase(arc_of(real[i], imaginary[i]), imaginary[i], periods[i])
    for i in range(first, n):
        if imaginary[i] == 0.0:
            before = phases[i - 1] if i > first else state[PHASE]
            quarter = 90.0 if real[i] > 0.0 else (-90.0 if real[i] < 0.0 else 0.0)
            phases[i] = cycle_phase(before + quarter, 0.0, periods[i])
    sines, lead_sines = out[SINE_ROW], out[LEAD_ROW]
    for i in range(first, n):
        sines[i] = sine_of_degrees(phases[i])
    for i in range(first, n):
        lead_sines[i] = sine_of_degrees(phases[i] + 45.0)
    for i in range(first, n):
        leads[i] = sines[i] - lead_sines[i]
    give_modes(state, first, n, smoothed, periods, phases, leads, means, out)


@kernel(void(i8, array(f8), array(f8), array(f8), array(f8, 2)))
def give_cycle(
    n: int,
    detrended: FloatArray,
    quadrature: FloatArray,
    periods: FloatArray,
    out: FloatArray,
) -> None:
    """Write period and phasor of a block."""
    for i in range(n):
        out[PERIOD_ROW, i] = periods[i]
        out[IN_PHASE_ROW, i] = detrended[DELAYS - 3 + i]
        out[QUADRATURE_ROW, i] = quadrature[DELAYS + i]


@kernel(f8(array(f8)))
def are_one(state: FloatArray) -> float:
    """Whether the two recursions have come to the same state, to the last bit, and so will stay the same."""
    for k in range(SMOOTHED_AT):
        if state[EARLY_AT + k] != state[LATE_AT + k]:
            return 0.0
    for k in range(HISTORY - 6, HISTORY):
        if state[EARLY_AT + SMOOTHED_AT + k] != state[LATE_AT + SMOOTHED_AT + k]:
            return 0.0
    return 1.0


@indicator(
    "hilbert",
    family="momentum",
    inputs=(CLOSE,),
    outputs=OUTPUTS,
    state_size=HILBERT_SIZE,
    warm_up=LATE_WARM_UP,
    lookback=LONGEST - 1,
    source="TA-Lib (HT_*); Ehlers, Rocket Science for Traders, 2001",
)
def hilbert(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The dominant cycle by Ehlers' Hilbert transform, all of it in one pass.

    ``s = (4 c0 + 3 c1 + 2 c2 + c3) / 10`` of the closes ``c``; ``H x = (0.0962 (x0 - x6) + 0.5769 (x2 - x4)) g`` with
    ``g = 0.075 period' + 0.54``, ``'`` meaning one bar ago; ``D = H s``; quadrature ``Q = H D``; in-phase ``I = D`` of
    3 bars ago. ``I2 = 0.2 (I - H Q) + 0.8 I2'``, ``Q2 = 0.2 (Q + H I) + 0.8 Q2'``,
    ``Re = 0.2 (I2 I2' + Q2 Q2') + 0.8 Re'``, ``Im = 0.2 (I2 Q2' - Q2 I2') + 0.8 Im'``. ``2 pi / atan(Im / Re)`` kept
    within 0.67 .. 1.5 of the last and within 6 .. 50, averaged by ``0.2 x + 0.8 period'``, is the period in bars, which
    stays if Im or Re is 0.

    * ``period``: ``0.33 period + 0.67`` of the last output, in bars. ``N`` is it rounded.
    * ``in_phase``, ``quadrature``: I and Q, in units of price.
    * ``phase``: in degrees, within -45 .. 315: ``atan(R / J) + 90 + 360 / period``, 180 more if ``J < 0``, with
      ``R = sum sin(2 pi k / N) s_k`` and ``J = sum cos(2 pi k / N) s_k`` over k = 0 .. N - 1 bars ago.
      If J is 0 the last phase and 90 with the sign of R take the place of the arc.
    * ``sine``, ``lead_sine``: sine of the phase, and of 45 degrees more.
    * ``trendline``: ``(4 m0 + 3 m1 + 2 m2 + m3) / 10``, m the mean close of N bars.
    * ``trend_mode``: 0 (a cycle) for half a period after sine and lead sine cross, and while the phase turns at 0.67 to
      1.5 times ``360 / period`` a bar; else 1 (a trend), and always where s is 1.5% or more from the trendline.

    Period, in_phase and quadrature are defined from bar 32 on, the rest from bar 63 on.
    """
    smoothed, detrended, quadrature = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    periods, closes, means = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n = t1 - t0
    smooth_closes(bars, mask, t0, t1, state, smoothed)
    if state[IS_ONE] == 0.0:
        run_cycle(state, EARLY_AT, FIRST_EARLY, t0, t1, smoothed, detrended, quadrature, periods)
        give_cycle(n, detrended, quadrature, periods, out)
        run_cycle(state, LATE_AT, FIRST_LATE, t0, t1, smoothed, detrended, quadrature, periods)
        state[IS_ONE] = are_one(state) if t1 > LATE_WARM_UP else 0.0
    else:
        run_cycle(state, LATE_AT, FIRST_LATE, t0, t1, smoothed, detrended, quadrature, periods)
        give_cycle(n, detrended, quadrature, periods, out)
    earlier = load_closes(bars, mask, t0, t1, closes)
    first = max(FIRST_LATE - t0, 0)
    real, imaginary = detrended, quadrature  # which were given, and leave their room
    sum_over_cycle(smoothed, periods, closes, earlier, first, n, real, imaginary, means)
    follow_cycle(state, first, n, smoothed, periods, real, imaginary, means, closes, scratch(SPAN), out)
    for row in range(len(OUTPUTS)):
        is_early = row in (PERIOD_ROW, IN_PHASE_ROW, QUADRATURE_ROW)
        for i in range(min((EARLY_WARM_UP if is_early else LATE_WARM_UP) - t0, n)):
            out[row, i] = NAN


@indicator(
    "mama",
    family="trend",
    inputs=(CLOSE,),
    params=(Param("fast_limit", 0.5, 0.01, 0.99), Param("slow_limit", 0.05, 0.01, 0.99)),
    outputs=("mama", "fama"),
    state_size=MAMA_SIZE,
    warm_up=EARLY_WARM_UP,
    lookback=4,
    source="TA-Lib; Ehlers, MESA Adaptive Moving Averages, Stocks & Commodities 2001",
)
def mama(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Averages whose speed follows the turning of the cycle's phase.

    In-phase I and quadrature Q as in ``hilbert``; ``phase = atan(Q / I)`` in degrees, 0 if I is 0;
    ``turn = max(last phase - phase, 1)``; ``alpha = max(fast_limit / turn, slow_limit)``, but ``fast_limit`` if the
    turn is 1; ``mama = alpha close + (1 - alpha) mama'``; ``fama = 0.5 alpha mama + (1 - 0.5 alpha) fama'``.
    Both start from 0 at bar 12, as TA-Lib's do.
    """
    smoothed, detrended, quadrature, periods = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    fast_limit, slow_limit = params[0], params[1]
    smooth_closes(bars, mask, t0, t1, state, smoothed)
    run_cycle(state, EARLY_AT, FIRST_EARLY, t0, t1, smoothed, detrended, quadrature, periods)
    before, fast, slow = state[ALPHA_PHASE], state[MAMA], state[FAMA]
    in_phase, quarter, arcs = detrended[DELAYS - 3 :], quadrature[DELAYS:], periods
    for i in range(t1 - t0):
        arcs[i] = arc_of(quarter[i], in_phase[i]) if in_phase[i] != 0.0 else 0.0
    for t in range(max(t0, FIRST_EARLY), t1):
        i = t - t0
        turn = before - arcs[i]
        before = arcs[i]
        alpha = fast_limit
        if turn > 1.0:
            alpha = fast_limit / turn
            alpha = slow_limit if alpha < slow_limit else alpha
        fast = alpha * bars[CLOSE, t & mask] + (1.0 - alpha) * fast
        slow = 0.5 * alpha * fast + (1.0 - 0.5 * alpha) * slow
        out[0, i] = fast
        out[1, i] = slow
    state[ALPHA_PHASE], state[MAMA], state[FAMA] = before, fast, slow
    for i in range(min(EARLY_WARM_UP - t0, t1 - t0)):
        out[0, i] = NAN
        out[1, i] = NAN


view(
    "dominant_cycle_period",
    of="hilbert",
    outputs=("period",),
    warm_up=EARLY_WARM_UP,
    formula="Smoothed period of the dominant cycle, in bars, within 6 .. 50: see ``hilbert``.",
)
view(
    "dominant_cycle_phase",
    of="hilbert",
    outputs=("phase",),
    warm_up=LATE_WARM_UP,
    formula="Phase of the dominant cycle, in degrees, within -45 .. 315: see ``hilbert``.",
)
view(
    "phasor",
    of="hilbert",
    outputs=("in_phase", "quadrature"),
    warm_up=EARLY_WARM_UP,
    formula="In-phase part and quadrature of the detrended close, in units of price: see ``hilbert``.",
)
view(
    "sine_wave",
    of="hilbert",
    outputs=("sine", "lead_sine"),
    warm_up=LATE_WARM_UP,
    formula="Sine of the phase of the dominant cycle, and of 45 degrees more: see ``hilbert``.",
)
view(
    "trend_mode",
    of="hilbert",
    outputs=("trend_mode",),
    warm_up=LATE_WARM_UP,
    formula="1 in a trend, 0 in a cycle: see ``hilbert``.",
)
view(
    "instantaneous_trendline",
    of="hilbert",
    outputs=("trendline",),
    warm_up=LATE_WARM_UP,
    formula="Mean close over the dominant cycle, smoothed over 4 bars: see ``hilbert``.",
)
