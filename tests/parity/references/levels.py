"""References for pivot points, ZigZag and Heikin-Ashi: slow definitions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import slow_directional as slow
from tests.parity.cases import PRICE, Columns, Slow, Talib

TALIB: dict[str, Talib] = {}


def pivots(kind: str, params: dict[str, Any] | None = None) -> Slow:
    def of_bars(o: Any, h: Any, lo: Any, c: Any, v: Any, s: Any) -> Columns:
        return slow.pivots(kind, o, h, lo, c, s, **({"hours": params["session_hours"]} if params else {}))

    return Slow(of_bars, PRICE, params=params or {})


def zigzag_unit(bars: np.ndarray) -> np.ndarray:
    price = PRICE(bars)
    return np.array([price, np.ones_like(price), np.ones_like(price), price])


SLOW = {
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
