"""Bars and trades as columns: what readers produce and the merge of the market turns into events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS


@dataclass(frozen=True, slots=True)
class BarSeries:
    """Bars of one symbol at one interval, oldest first, as columns of equal length ``n``.

    Attributes:
        symbol: the instrument's symbol, for example ``BTCUSDT``.
        interval_ns: length of a bar in nanoseconds.
        ts_open_ns: int64[n], UTC open time. A bar is known at ``ts_open_ns + interval_ns``.
        open, high, low, close: float64[n], quote currency.
        volume: float64[n], base units.
        is_synthetic: whether the bars were generated, which is said wherever they are shown.
    """

    symbol: str
    interval_ns: int
    ts_open_ns: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    is_synthetic: bool = False

    def __len__(self) -> int:
        return len(self.ts_open_ns)


@dataclass(frozen=True, slots=True)
class TradeSeries:
    """Public trades of one symbol, oldest first, as columns of equal length ``n``.

    Attributes:
        symbol: the instrument's symbol.
        ts_ns: int64[n], UTC time of the trade.
        price: float64[n], quote currency.
        quantity: float64[n], base units.
        aggressor: int8[n], +1 the taker bought, -1 the taker sold, 0 unknown.
    """

    symbol: str
    ts_ns: IntArray
    price: FloatArray
    quantity: FloatArray
    aggressor: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ts_ns)
