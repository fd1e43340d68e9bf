"""Returns of one series of prices, for the measures that are made of them."""

from __future__ import annotations

import math

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import apart, columns_from


@kernel(f8(f8, f8), is_inlined=True)
def log_ratio(a: float, b: float) -> float:
    """``ln(a / b)``; 0 unless both are positive."""
    return math.log(a / b) if a > 0.0 and b > 0.0 else 0.0


@kernel(i8(array(f8), i8, array(f8)))
def simple_returns(prices: FloatArray, n: int, out: FloatArray) -> int:
    """``(price - last price) / last price`` from the second of ``n`` prices on, 0 after a price of 0; how many."""
    apart()
    later = columns_from(prices, 1)
    for i in range(n - 1):
        last = prices[i] if prices[i] != 0.0 else 1.0
        out[i] = (later[i] - prices[i]) / last if prices[i] != 0.0 else 0.0
    return max(n - 1, 0)


@kernel(void(array(f8), array(f8), i8, array(f8)))
def log_ratios(a: FloatArray, b: FloatArray, n: int, out: FloatArray) -> None:
    """``ln(a / b)``; 0 unless both are positive."""
    for i in range(n):
        out[i] = log_ratio(a[i], b[i])


__all__ = ["log_ratio", "log_ratios", "simple_returns"]
