"""How volume is laid on prices where trades are not known, only bars: evenly from a bar's low to its high."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void


@kernel(i8(f8, f8, f8, i8))
def bin_of(price: float, first_price: float, bin_width: float, n_bins: int) -> int:
    """The bin of a price; the first or the last one for a price outside."""
    return min(max(int((price - first_price) / bin_width), 0), n_bins - 1)


@kernel(void(array(f8), array(f8), array(f8), i8, f8, f8, i8, array(f8)))
def spread_volume(
    low: FloatArray,
    high: FloatArray,
    volume: FloatArray,
    n: int,
    first_price: float,
    bin_width: float,
    n_bins: int,
    bins: FloatArray,
) -> None:
    """Add the volume of the first ``n`` bars to ``bins[:n_bins]``; bin ``k`` begins at ``first_price + k bin_width``.

    A bar's volume is spread evenly from its low to its high; a bar without range trades at its price.
    """
    for i in range(n):
        bottom = bin_of(low[i], first_price, bin_width, n_bins)
        top = bin_of(high[i], first_price, bin_width, n_bins)
        if bottom == top:
            bins[bottom] += volume[i]
            continue
        density = volume[i] / (high[i] - low[i])
        bins[bottom] += density * max(0.0, first_price + (bottom + 1) * bin_width - low[i])
        for k in range(bottom + 1, top):
            bins[k] += density * bin_width
        bins[top] += density * max(0.0, high[i] - (first_price + top * bin_width))
