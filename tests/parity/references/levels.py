"""References for pivot points, ZigZag and Heikin-Ashi: slow definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import talib

from tests.parity import slow_directional as slow
from tests.parity import slow_indicators
from tests.parity.cases import PERCENT, PRICE, Columns, Slow, Talib


def fractals(h: np.ndarray, lo: np.ndarray, left: int, right: int) -> Columns:
    """TA-Lib's, not yet defined where it gives 0 for want of bars."""
    columns = [column.astype(float) for column in talib.FRACTAL(h, lo, left, right)]
    for column in columns:
        column[: left + right] = np.nan
        column[: int(np.isnan(h).sum()) + left + right] = np.nan
    return columns


def slow_fractals(h: np.ndarray, lo: np.ndarray, left: int, right: int) -> Columns:
    def peaks(x: np.ndarray) -> np.ndarray:
        return slow_indicators.windows(x, left + right + 1, lambda w: 100.0 * (w[left] > max(w[:left] + w[left + 1 :])))

    return [peaks(h), peaks(-lo)]


TALIB = {
    "fractal": Talib(lambda o, h, lo, c, v: fractals(h, lo, 2, 2), PERCENT),
    "fractal:three and one": Talib(
        lambda o, h, lo, c, v: fractals(h, lo, 3, 1), PERCENT, params={"left": 3, "right": 1}
    ),
}


def pivots(kind: str, params: dict[str, Any] | None = None) -> Slow:
    def of_bars(o: Any, h: Any, lo: Any, c: Any, v: Any, s: Any) -> Columns:
        return slow.pivots(kind, o, h, lo, c, s, **({"hours": params["session_hours"]} if params else {}))

    return Slow(of_bars, PRICE, params=params or {})


def zigzag_unit(bars: np.ndarray) -> np.ndarray:
    price = PRICE(bars)
    return np.array([price, np.ones_like(price), np.ones_like(price), price])


SLOW = {
    "fractal": Slow(lambda o, h, lo, c, v, s: slow_fractals(h, lo, 2, 2), PERCENT, memory=5),
    "pivots_classic": pivots("classic"),
    "pivots_classic:of seven hours": pivots("classic", {"session_hours": 7}),
    "pivots_fibonacci": pivots("fibonacci"),
    "pivots_camarilla": pivots("camarilla"),
    "pivots_woodie": pivots("woodie"),
    "pivots_demark": pivots("demark"),
    "zigzag": Slow(lambda o, h, lo, c, v, s: slow.zigzag(h, lo, 5.0), zigzag_unit),
    "zigzag:half a percent": Slow(
        lambda o, h, lo, c, v, s: slow.zigzag(h, lo, 0.5), zigzag_unit, params={"threshold_percent": 0.5}
    ),
    "heikin_ashi": Slow(lambda o, h, lo, c, v, s: slow.heikin_ashi(o, h, lo, c), PRICE),
}
