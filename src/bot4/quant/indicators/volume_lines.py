"""Running totals of volume and of price change: lines without a window, from the first bar on."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel
from bot4.kernel_memory import columns_from, scratch, stretch
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, SPAN, VOLUME, indicator

TA_LIB = "TA-Lib"
INDEX_START = 1000.0
"""Where the volume indices begin."""


@kernel(f8(array(f8), i8, f8, array(f8)), is_inlined=True)
def run_total(values: FloatArray, n: int, total: float, out: FloatArray) -> float:
    """Running total of ``values[:n]`` on top of ``total``; returns the last. ``out`` may be ``values``."""
    for i in range(n):
        total += values[i]
        out[i] = total
    return total


@kernel(i8(array(f8, 2), i8, i8, i8, array(f8)), is_inlined=True)
def money_flows(bars: FloatArray, mask: int, first: int, stop: int, into: FloatArray) -> int:
    """``volume ((close - low) - (high - close)) / (high - low)`` of the bars ``max(first, 0) .. stop - 1``; how many.

    0 for a bar without range.
    """
    spare_high, spare_low, spare_close, spare_volume = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, first, stop, spare_high)
    low = stretch(bars, LOW, mask, first, stop, spare_low)
    close = stretch(bars, CLOSE, mask, first, stop, spare_close)
    volume = stretch(bars, VOLUME, mask, first, stop, spare_volume)
    for i in range(len(close)):
        width = high[i] - low[i]
        flow = volume[i] * ((close[i] - low[i]) - (high[i] - close[i])) / (width if width > 0.0 else 1.0)
        into[i] = flow if width > 0.0 else 0.0
    return len(close)


@indicator(
    "obv",
    family="volume",
    inputs=(CLOSE, VOLUME),
    outputs=("obv",),
    state_size=1,
    warm_up=0,
    lookback=1,
    source=f"{TA_LIB} (OBV); Granville 1963",
)
def obv(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """On-balance volume: running sum of volume, with the sign of the close's change; from the first bar's volume.

    A bar whose close did not change adds nothing. Unit: volume.
    """
    spare_close, spare_volume, steps = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    last_close = stretch(bars, CLOSE, mask, first - 1, t1, spare_close)
    close = columns_from(last_close, 1)
    volume = stretch(bars, VOLUME, mask, t0, t1, spare_volume)
    steps[0] = volume[0]
    signed, traded = columns_from(steps, first - t0), columns_from(volume, first - t0)
    for i in range(t1 - first):
        fall = -traded[i] if close[i] < last_close[i] else 0.0
        signed[i] = traded[i] if close[i] > last_close[i] else fall
    state[0] = run_total(steps, t1 - t0, state[0], out[0])


@indicator(
    "ad_line",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    outputs=("ad_line",),
    state_size=1,
    warm_up=0,
    source=f"{TA_LIB} (AD); Chaikin",
)
def ad_line(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Accumulation/distribution: running sum of ``volume ((close - low) - (high - close)) / (high - low)``.

    A bar without range adds nothing. Unit: volume.
    """
    flows = scratch(SPAN)
    money_flows(bars, mask, t0, t1, flows)
    state[0] = run_total(flows, t1 - t0, state[0], out[0])


@indicator(
    "intraday_intensity",
    family="volume",
    inputs=(HIGH, LOW, CLOSE, VOLUME),
    outputs=("intraday_intensity",),
    state_size=0,
    warm_up=0,
    source="Bostian",
)
def intraday_intensity(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Volume of the bar times where it closed: ``volume (2 close - high - low) / (high - low)``; 0 without range.

    Its running sum is :func:`ad_line`; its sum over a window, as part of the volume, :func:`cmf`. Unit: volume.
    """
    money_flows(bars, mask, t0, t1, out[0])


@indicator(
    "williams_ad",
    family="volume",
    inputs=(HIGH, LOW, CLOSE),
    outputs=("williams_ad",),
    state_size=1,
    warm_up=0,
    lookback=1,
    source=f"{TA_LIB} (WAD); Williams 1986",
)
def williams_ad(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Williams's accumulation: running sum of how far the close came from the bar's true low, or true high.

    ``close - min(low, last close)`` after a rise, ``close - max(high, last close)`` after a fall, nothing without
    change; 0 at the first bar. It uses no volume. Unit: price.
    """
    spare_high, spare_low, spare_close, steps = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    high = stretch(bars, HIGH, mask, first, t1, spare_high)
    low = stretch(bars, LOW, mask, first, t1, spare_low)
    last_close = stretch(bars, CLOSE, mask, first - 1, t1, spare_close)
    close = columns_from(last_close, 1)
    steps[0] = 0.0
    moves = columns_from(steps, first - t0)
    for i in range(t1 - first):
        c, before = close[i], last_close[i]
        from_low = c - (before if before < low[i] else low[i])
        from_high = c - (before if before > high[i] else high[i])
        fall = from_high if c < before else 0.0
        moves[i] = from_low if c > before else fall
    state[0] = run_total(steps, t1 - t0, state[0], out[0])


@indicator(
    "pvt",
    family="volume",
    inputs=(CLOSE, VOLUME),
    outputs=("pvt",),
    state_size=1,
    warm_up=0,
    lookback=1,
    source=f"{TA_LIB} (PVT)",
)
def pvt(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Price volume trend: running sum of ``volume (close / last close - 1)``; 0 at the first bar.

    A bar after a close of 0 adds nothing. Unit: volume.
    """
    spare_close, spare_volume, steps = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    last_close = stretch(bars, CLOSE, mask, first - 1, t1, spare_close)
    close = columns_from(last_close, 1)
    volume = stretch(bars, VOLUME, mask, first, t1, spare_volume)
    steps[0] = 0.0
    moves = columns_from(steps, first - t0)
    for i in range(t1 - first):
        before = last_close[i]
        move = volume[i] * ((close[i] - before) / (before if before != 0.0 else 1.0))
        moves[i] = move if before != 0.0 else 0.0
    state[0] = run_total(steps, t1 - t0, state[0], out[0])


# --- indices that follow the price on days of more, or of less, volume -------------------------------------------


@kernel(f8(array(f8), array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def _run_index(
    close: FloatArray, last_close: FloatArray, less: FloatArray, more: FloatArray, n: int, index: float, out: FloatArray
) -> float:
    """Follow the close where ``less < more``; returns the last value."""
    factors = scratch(SPAN)
    for i in range(n):
        is_followed = less[i] < more[i] and last_close[i] != 0.0
        ratio = close[i] / (last_close[i] if last_close[i] != 0.0 else 1.0)
        factors[i] = ratio if is_followed else 1.0
    for i in range(n):
        index *= factors[i]
        out[i] = index
    return index


@indicator(
    "nvi",
    family="volume",
    inputs=(CLOSE, VOLUME),
    outputs=("nvi",),
    state_size=1,
    warm_up=0,
    lookback=1,
    source=f"{TA_LIB} (NVI); Dysart 1936, Fosback 1976",
)
def nvi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Negative volume index: 1000 at first, then times ``close / last close`` where the volume fell.

    It stands where the volume did not fall, and after a close of 0.
    """
    spare_close, spare_volume = scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    last_close = stretch(bars, CLOSE, mask, first - 1, t1, spare_close)
    last_volume = stretch(bars, VOLUME, mask, first - 1, t1, spare_volume)
    close, volume = columns_from(last_close, 1), columns_from(last_volume, 1)
    if t0 == 0:
        state[0] = out[0, 0] = INDEX_START
    into = columns_from(out[0], first - t0)
    state[0] = _run_index(close, last_close, volume, last_volume, t1 - first, state[0], into)


@indicator(
    "pvi",
    family="volume",
    inputs=(CLOSE, VOLUME),
    outputs=("pvi",),
    state_size=1,
    warm_up=0,
    lookback=1,
    source=f"{TA_LIB} (PVI); Dysart 1936, Fosback 1976",
)
def pvi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Positive volume index: 1000 at first, then times ``close / last close`` where the volume rose.

    It stands where the volume did not rise, and after a close of 0.
    """
    spare_close, spare_volume = scratch(SPAN), scratch(SPAN)
    first = max(t0, 1)
    last_close = stretch(bars, CLOSE, mask, first - 1, t1, spare_close)
    last_volume = stretch(bars, VOLUME, mask, first - 1, t1, spare_volume)
    close, volume = columns_from(last_close, 1), columns_from(last_volume, 1)
    if t0 == 0:
        state[0] = out[0, 0] = INDEX_START
    into = columns_from(out[0], first - t0)
    state[0] = _run_index(close, last_close, last_volume, volume, t1 - first, state[0], into)
