"""Volume at price: how much was traded where, each bar's volume spread evenly from its low to its high.

Trades are not known, only bars; an even spread is the usual assumption. A bar without a range trades at its price.
Source: J. P. Steidlmayer's market profile (CBOT, 1985), in volume instead of time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void

MAX_BINS = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class VolumeAtPrice:
    """Volume in bins of equal width; bin ``k`` is ``[first_price + k width, first_price + (k + 1) width)``.

    Attributes:
        first_price: lower edge of the first bin, a whole multiple of the width.
        bin_width: in price.
        volume: float64[n_bins], base units.
    """

    first_price: float
    bin_width: float
    volume: FloatArray

    def price(self, k: int) -> float:
        """Middle of bin ``k``."""
        return self.first_price + (k + 0.5) * self.bin_width

    @property
    def point_of_control(self) -> float:
        """Middle of the bin with the most volume (the lowest of several); NaN without bars."""
        return self.price(int(np.argmax(self.volume))) if len(self.volume) else math.nan

    def peaks(self, reach_bins: int, least_density: float) -> list[int]:
        """Bins that stand out: none within ``reach_bins`` has more, and it has ``least_density`` times the mean.

        Of equals within reach the lowest counts. Bins at the edges are compared with what is there.
        """
        threshold = least_density * float(np.mean(self.volume)) if len(self.volume) else 0.0
        found: list[int] = []
        for k in np.flatnonzero((self.volume >= threshold) & (self.volume > 0.0)):
            around = self.volume[max(0, k - reach_bins) : k + reach_bins + 1]
            if self.volume[k] >= around.max() and not (found and k - found[-1] <= reach_bins):
                found.append(int(k))
        return found


def volume_at_price(low: FloatArray, high: FloatArray, volume: FloatArray, bin_width: float) -> VolumeAtPrice:
    """Volume at price of finite bars, float64[n] each, in bins whose edges are whole multiples of ``bin_width``.

    The bins are widened, by doubling, until there are no more than :data:`MAX_BINS`.
    """
    if not len(low):
        return VolumeAtPrice(0.0, bin_width, np.empty(0))
    bottom, top = float(np.min(low)), float(np.max(high))
    while (top - bottom) / bin_width > MAX_BINS - 2:
        bin_width *= 2.0
    first = math.floor(bottom / bin_width)
    bins = np.zeros(math.floor(top / bin_width) + 1 - first)
    low, high, volume = (np.require(column, np.float64, ["C", "W"]) for column in (low, high, volume))
    _spread(low, high, volume, first * bin_width, bin_width, bins)
    return VolumeAtPrice(first * bin_width, bin_width, bins)


def share_between(low: FloatArray, high: FloatArray, volume: FloatArray, bottom: float, top: float) -> float:
    """Share of the volume that was traded from ``bottom`` to ``top``, 0 where nothing was traded at all."""
    total = float(np.sum(volume))
    if total <= 0.0:
        return 0.0
    height = high - low
    inside = np.clip(np.minimum(high, top) - np.maximum(low, bottom), 0.0, None)
    at_a_point = ((low >= bottom) & (high <= top)).astype(np.float64)
    part = np.where(height > 0.0, inside / np.where(height > 0.0, height, 1.0), at_a_point)
    return min(1.0, float(np.sum(volume * part)) / total)


@kernel(void(array(f8), array(f8), array(f8), f8, f8, array(f8)))
def _spread(
    low: FloatArray, high: FloatArray, volume: FloatArray, first_price: float, bin_width: float, bins: FloatArray
) -> None:
    n_bins = len(bins)
    for i in range(len(low)):
        bottom = _bin(low[i], first_price, bin_width, n_bins)
        top = _bin(high[i], first_price, bin_width, n_bins)
        if bottom == top:
            bins[bottom] += volume[i]
            continue
        density = volume[i] / (high[i] - low[i])
        bins[bottom] += density * max(0.0, first_price + (bottom + 1) * bin_width - low[i])
        for k in range(bottom + 1, top):
            bins[k] += density * bin_width
        bins[top] += density * max(0.0, high[i] - (first_price + top * bin_width))


@kernel(i8(f8, f8, f8, i8))
def _bin(price: float, first_price: float, bin_width: float, n_bins: int) -> int:
    return min(max(int((price - first_price) / bin_width), 0), n_bins - 1)


__all__ = ["MAX_BINS", "VolumeAtPrice", "share_between", "volume_at_price"]
