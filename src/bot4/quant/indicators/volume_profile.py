"""At which prices the volume of the last bars was traded: the point of control and the value area."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from, scratch, stretch
from bot4.quant.indicators.registry import HIGH, LOW, SPAN, VOLUME, Param, indicator
from bot4.quant.indicators.windows import blank, negate, window_maxima


@kernel(void(array(f8), array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _densities(low: FloatArray, high: FloatArray, volume: FloatArray, n: int, density: FloatArray) -> None:
    """Volume over range of each bar, 0 without range."""
    for i in range(n):
        height = high[i] - low[i]
        value = volume[i] / (height if height > 0.0 else 1.0)
        density[i] = value if height > 0.0 else 0.0


@kernel(void(f8, f8, i8, array(f8)))
def _set_edges(bottom: float, top: float, n_bins: int, edges: FloatArray) -> None:
    """The edges of bins of equal width, ``n_bins + 1`` of them."""
    width = (top - bottom) / n_bins
    for k in range(n_bins):
        edges[k] = bottom + k * width
    edges[n_bins] = top


@kernel(void(array(f8), array(f8), array(f8), array(f8), i8, array(f8), i8, array(f8)))
def _spread(
    low: FloatArray,
    high: FloatArray,
    volume: FloatArray,
    density: FloatArray,
    period: int,
    edges: FloatArray,
    n_bins: int,
    bins: FloatArray,
) -> None:
    """The volume of ``period`` bars in each bin; every bar looks at all of them, which vector instructions do fast."""
    apart()
    upper_edges = columns_from(edges, 1)
    for k in range(n_bins):
        bins[k] = 0.0
    for i in range(period):
        bottom, top, weight = low[i], high[i], density[i]
        if top > bottom:
            for k in range(n_bins):
                upper = upper_edges[k] if upper_edges[k] < top else top
                lower = edges[k] if edges[k] > bottom else bottom
                bins[k] += weight * (upper - lower if upper > lower else 0.0)
        else:
            place = 0
            while place < n_bins - 1 and upper_edges[place] <= bottom:
                place += 1
            bins[place] += volume[i]


@kernel(void(array(f8), array(f8), i8, f8, array(f8, 2), i8))
def _place_value_area(
    bins: FloatArray, edges: FloatArray, n_bins: int, share: float, out: FloatArray, column: int
) -> None:
    """The bin with the most volume, and the bins around it that hold the share of the volume, into the outputs."""
    peak, total = 0, 0.0
    for k in range(n_bins):
        total += bins[k]
        peak = k if bins[k] > bins[peak] else peak
    lowest, highest, inside = peak, peak, bins[peak]
    while inside < share * total and (lowest > 0 or highest < n_bins - 1):
        below = bins[lowest - 1] if lowest > 0 else -1.0
        above = bins[highest + 1] if highest < n_bins - 1 else -1.0
        if above >= below:
            highest += 1
            inside += above
        else:
            lowest -= 1
            inside += below
    first, last = peak, peak
    if total <= 0.0:
        lowest, highest = 0, n_bins - 1
        first, last = lowest, highest
    out[0, column] = 0.5 * (edges[first] + edges[last + 1])
    out[1, column] = edges[highest + 1]
    out[2, column] = edges[lowest]


@indicator(
    "volume_profile",
    family="volume",
    inputs=(HIGH, LOW, VOLUME),
    params=(Param("period", 50, 1, 440), Param("bins", 24, 2, 200), Param("share", 0.7, 0.01, 1.0)),
    outputs=("poc", "value_area_high", "value_area_low"),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source="Steidlmayer's market profile, CBOT 1985, in volume; TradingView",
)
def volume_profile(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Point of control and value area of the last ``period`` bars.

    From the lowest low to the highest high there are ``bins`` bins of equal width; the volume of a bar is spread evenly
    from its low to its high. ``poc``: middle of the bin with the most volume, the lowest of several. The value area
    grows from there by the neighbouring bin with more volume, the upper one of equals, until it holds ``share`` of the
    volume; ``value_area_high`` and ``value_area_low`` are its edges. Without volume it is the whole range. Where all
    prices are equal, all three are that price. Unit: price.
    """
    period, n_bins, n = int(params[0]), int(params[1]), t1 - t0
    spare_high, spare_low, spare_volume = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    negated, tops, bottoms = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    density, edges, bins = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    high = stretch(bars, HIGH, mask, t0 - (period - 1), t1, spare_high)
    low = stretch(bars, LOW, mask, t0 - (period - 1), t1, spare_low)
    volume = stretch(bars, VOLUME, mask, t0 - (period - 1), t1, spare_volume)
    _densities(low, high, volume, len(low), density)
    negate(low, negated, len(low))
    m: int = window_maxima(high, len(high), period, tops)
    window_maxima(negated, len(low), period, bottoms)
    for row in range(3):
        blank(out, row, n - m)
    for i in range(m):
        lows, highs, volumes = columns_from(low, i), columns_from(high, i), columns_from(volume, i)
        _set_edges(-bottoms[i], tops[i], n_bins, edges)
        _spread(lows, highs, volumes, columns_from(density, i), period, edges, n_bins, bins)
        _place_value_area(bins, edges, n_bins, params[2], out, n - m + i)
