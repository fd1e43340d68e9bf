"""The volume beside its own average, and its split into rising and falling bars."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.rates_of_change import AVERAGE, SIMPLE, average_of_kind, growth
from bot4.quant.indicators.registry import CLOSE, SPAN, VOLUME, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.stretches import put_last
from bot4.quant.indicators.windows import blank, window_moments, window_sums

TA_LIB = "TA-Lib"
MOST_RISING = 1000.0
"""Where the ratio of rising to falling volume ends."""


# --- oscillators -------------------------------------------------------------------------------------------------


@kernel(void(array(f8, 2), i8, i8, i8, i8, i8, i8, array(f8), array(f8, 2)), is_inlined=True)
def _percentage_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, fast: int, slow: int, kind: int, state: FloatArray, out: FloatArray
) -> None:
    """``100 (average(volume, fast) / average(volume, slow) - 1)``; 0 if the slow one is 0."""
    spare, quick, steady = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    volume = stretch(bars, VOLUME, mask, t0 - (slow - 1), t1, spare)
    n = t1 - t0
    average_of_kind(volume, n, t0, fast, kind, state, 0, quick)
    average_of_kind(volume, n, t0, slow, kind, state, AVERAGE_SIZE, steady)
    first = min(n, max(slow - 1 - t0, 0))
    blank(out, 0, first)
    into = columns_from(out[0], first)
    growth(columns_from(quick, first), columns_from(steady, first), n - first, 100.0, 1.0, into)


@indicator(
    "pvo",
    family="volume",
    inputs=(VOLUME,),
    params=(Param("fast", 12, 1, 400), Param("slow", 26, 2, 440), AVERAGE),
    outputs=("pvo",),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda slow: slow - 1,
    lookback=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source=f"{TA_LIB} (PVO)",
)
def pvo(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Percentage volume oscillator: ``100 (average(fast) - average(slow)) / average(slow)`` of the volume.

    ``average``: 0 simple, 1 exponential (started from the mean of its first values), 2 linearly weighted. 0 if the
    slow one is 0. Unit: percent.
    """
    _percentage_oscillator(bars, mask, t0, t1, int(params[0]), int(params[1]), int(params[2]), state, out)


@indicator(
    "volume_oscillator",
    family="volume",
    inputs=(VOLUME,),
    params=(Param("fast", 5, 1, 400), Param("slow", 10, 2, 440)),
    outputs=("volume_oscillator",),
    state_size=0,
    warm_up=lambda slow: slow - 1,
    lookback=lambda slow: slow - 1,
    increasing=("fast", "slow"),
    source="Achelis, Technical Analysis from A to Z, 1995",
)
def volume_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``100 (mean(volume, fast) - mean(volume, slow)) / mean(volume, slow)``; 0 without volume. Unit: percent."""
    _percentage_oscillator(bars, mask, t0, t1, int(params[0]), int(params[1]), SIMPLE, state, out)


@indicator(
    "volume_zone_oscillator",
    family="volume",
    inputs=(CLOSE, VOLUME),
    params=(Param("period", 14, 1, 500),),
    outputs=("volume_zone_oscillator",),
    state_size=2 * AVERAGE_SIZE,
    warm_up=lambda period: period,
    lookback=1,
    source="Khalil and Steckler, In the Volume Zone, Stocks & Commodities 2011",
)
def volume_zone_oscillator(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``100 EMA(signed volume) / EMA(volume)``: signed by the change of the close, minus where there was none.

    Both averages begin with the second bar, from the mean of their first ``period`` values. 0 without volume. From
    -100 to 100.
    """
    period = int(params[0])
    alpha = 2.0 / (period + 1)
    spare_close, spare_volume, signed = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    balance, total = scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    last_close = stretch(bars, CLOSE, mask, first - 1, t1, spare_close)
    close = columns_from(last_close, 1)
    volume = stretch(bars, VOLUME, mask, first, t1, spare_volume)
    n = t1 - first
    for i in range(n):
        signed[i] = volume[i] if close[i] > last_close[i] else -volume[i]
    run_average(signed, n, first - 1, period, alpha, state, 0, balance)
    run_average(volume, n, first - 1, period, alpha, state, AVERAGE_SIZE, total)
    for i in range(n):
        value = 100.0 * balance[i] / (total[i] if total[i] > 0.0 else 1.0)
        signed[i] = value if total[i] > 0.0 else 0.0
    put_last(signed, n, min(n, max(t1 - period, 0)), out, 0, t1 - t0)


# --- beside earlier volume ---------------------------------------------------------------------------------------


@indicator(
    "volume_rate_of_change",
    family="volume",
    inputs=(VOLUME,),
    params=(Param("period", 14, 1, 440),),
    outputs=("volume_rate_of_change",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Achelis, Technical Analysis from A to Z, 1995",
)
def volume_rate_of_change(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``100 (volume / volume period bars ago - 1)``; 0 if that was 0. Unit: percent."""
    period = int(params[0])
    spare = scratch(SPAN)
    volume = stretch(bars, VOLUME, mask, t0 - period, t1, spare)
    m = max(len(volume) - period, 0)
    blank(out, 0, t1 - t0 - m)
    growth(columns_from(volume, period), volume, m, 100.0, 1.0, columns_from(out[0], t1 - t0 - m))


@indicator(
    "relative_volume",
    family="volume",
    inputs=(VOLUME,),
    params=(Param("period", 20, 1, 440),),
    outputs=("relative_volume",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (RVOL)",
)
def relative_volume(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Volume as a multiple of the mean of the ``period`` bars before; 1, the usual, if nothing was traded in them.

    (TA-Lib divides by zero then.)
    """
    apart()
    period = int(params[0])
    spare, total = scratch(SPAN), scratch(SPAN)
    volume = stretch(bars, VOLUME, mask, t0 - period, t1, spare)
    m = max(len(volume) - period, 0)
    window_sums(volume, len(volume) - 1, period, total)
    blank(out, 0, t1 - t0 - m)
    now, into = columns_from(volume, period), columns_from(out[0], t1 - t0 - m)
    for i in range(m):
        value = period * now[i] / (total[i] if total[i] > 0.0 else 1.0)
        into[i] = value if total[i] > 0.0 else 1.0


@kernel(void(array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def _standard_scores(
    values: FloatArray, sums: FloatArray, squares: FloatArray, n: int, period: float, out: FloatArray
) -> None:
    """``(value - mean) / population standard deviation``; 0 where that is 0."""
    apart()
    part = 1.0 / period
    for i in range(n):
        deviation = math.sqrt(part * squares[i])
        score = (values[i] - part * sums[i]) / (deviation if deviation > 0.0 else 1.0)
        out[i] = score if deviation > 0.0 else 0.0


@indicator(
    "volume_z_score",
    family="volume",
    inputs=(VOLUME,),
    params=(Param("period", 50, 2, 440),),
    outputs=("z_score",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="standard score",
)
def volume_z_score(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``(volume - mean) / population standard deviation`` of the last ``period`` volumes; 0 if they are all equal."""
    period = int(params[0])
    spare, sums, squares = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    volume = stretch(bars, VOLUME, mask, t0 - (period - 1), t1, spare)
    m: int = window_moments(volume, len(volume), period, sums, squares)
    blank(out, 0, t1 - t0 - m)
    into = columns_from(out[0], t1 - t0 - m)
    _standard_scores(columns_from(volume, period - 1), sums, squares, m, params[0], into)


# --- rising and falling volume -----------------------------------------------------------------------------------


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8), array(f8)), is_inlined=True)
def _split_volume(
    close: FloatArray, last_close: FloatArray, volume: FloatArray, n: int, rising: FloatArray, falling: FloatArray
) -> None:
    apart()
    for i in range(n):
        rising[i] = volume[i] if close[i] > last_close[i] else 0.0
        falling[i] = volume[i] if close[i] < last_close[i] else 0.0


@indicator(
    "up_down_volume_ratio",
    family="volume",
    inputs=(CLOSE, VOLUME),
    params=(Param("period", 50, 1, 440),),
    outputs=("up_down_volume_ratio",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="O'Neil, How to Make Money in Stocks, 1988",
)
def up_down_volume_ratio(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Volume of the last ``period`` bars whose close rose, over that of those whose close fell.

    At most 1000, which it also is where none fell; 1 where none rose or fell. Volume at an unchanged close does not
    count.
    """
    period = int(params[0])
    spare_close, spare_volume = scratch(SPAN), scratch(SPAN)
    rising, falling, rose, fell = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare_close)
    volume = stretch(bars, VOLUME, mask, t0 - period, t1, spare_volume)
    n = len(close) - 1
    _split_volume(columns_from(close, 1), close, columns_from(volume, 1), n, rising, falling)
    m: int = window_sums(rising, n, period, rose)
    window_sums(falling, n, period, fell)
    for i in range(m):
        is_less = rose[i] < MOST_RISING * fell[i]
        ratio = rose[i] / (fell[i] if is_less else 1.0)
        most = MOST_RISING if rose[i] > 0.0 else 1.0
        rising[i] = ratio if is_less else most
    put_last(rising, m, m, out, 0, t1 - t0)
