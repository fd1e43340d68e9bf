"""Structure in prices: levels that held before, lines along swings, and the ratios of legs, as of any bar.

Whatever is asked as of bar ``t`` depends on the bars until ``t`` alone (``docs/structure.md``).
"""

from bot4.quant.structure.fibonacci import (
    EXTENSIONS,
    RETRACEMENTS,
    FibonacciLeg,
    FibonacciLevel,
    extensions,
    fibonacci_legs,
    retracements,
)
from bot4.quant.structure.support_resistance import Level, nearest_levels, support_resistance
from bot4.quant.structure.trend_lines import LinePoint, TrendLine, trend_lines
from bot4.quant.structure.volume_at_price import VolumeAtPrice, volume_at_price

__all__ = [
    "EXTENSIONS", "RETRACEMENTS", "FibonacciLeg", "FibonacciLevel", "Level", "LinePoint", "TrendLine",
    "VolumeAtPrice", "extensions", "fibonacci_legs", "nearest_levels", "retracements", "support_resistance",
    "trend_lines", "volume_at_price",
]  # fmt: skip
