"""What an indicator is compared with, and in which unit.

Each module of ``tests/parity/references`` holds two tables, ``TALIB`` and ``SLOW``, by name of the indicator; the tests
find them by themselves. A name may carry a suffix after a colon (``"sma:one bar"``) for a second set of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Columns = Sequence[np.ndarray]
Unit = Callable[[np.ndarray], Any]
"""From float64[6, n] bars to what 1e-9 is a part of, float64[n] or [n_outputs, n] or a number."""


def PRICE(bars: np.ndarray) -> np.ndarray:
    """The highest price so far."""
    return np.maximum.accumulate(np.abs(bars[1]))


def VOLUME(bars: np.ndarray) -> np.ndarray:
    """All the volume so far."""
    return np.maximum(np.cumsum(np.abs(bars[4])), 1e-300)


def MONEY(bars: np.ndarray) -> np.ndarray:
    """All the volume so far at the highest price so far."""
    return PRICE(bars) * VOLUME(bars)


def PERCENT(_bars: np.ndarray) -> float:
    """What runs to 100."""
    return 100.0


def RATIO(_bars: np.ndarray) -> float:
    """What is about one."""
    return 1.0


@dataclass(frozen=True)
class Talib:
    """TA-Lib's outputs, from open, high, low, close, volume; those of Bot4 beyond them are not compared.

    Attributes:
        reference: gives one column or several.
        unit: unit of the outputs.
        params: parameters for Bot4.
        counts_volume: whether leading NaN start a running total late, unlike TA-Lib, which never starts it.
    """

    reference: Callable[..., np.ndarray | Columns]
    unit: Unit
    params: Mapping[str, Any] = field(default_factory=dict)
    counts_volume: bool = False


@dataclass(frozen=True)
class Slow:
    """A slow definition: from open, high, low, close, volume, seconds to all outputs.

    Attributes:
        reference: gives every output.
        unit: unit of the outputs.
        memory: if the last ``memory`` bars alone decide, how many; a spike before them must leave no trace.
        has_few_digits: whether it loses digits where prices are far from zero beside their changes.
        params: parameters for Bot4.
        on_real_bars: whether it is compared on recorded bars too.
    """

    reference: Callable[..., Columns]
    unit: Unit
    memory: int | None = None
    has_few_digits: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    on_real_bars: bool = True
