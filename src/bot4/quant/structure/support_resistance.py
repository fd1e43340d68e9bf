"""Support and resistance: prices where swings turned again and again, or where much was traded.

As of bar ``t``, over the window of the last ``lookback_bars`` bars, with ``unit`` the window's mean true range:

1. *Touches* are the confirmed swings of the window, each once. The weight of one is ``1 + log2(span / least span)``,
   so that a swing of twice the span counts one more.
2. Touches are clustered by price: the two neighbouring clusters that would together be narrowest are joined, while
   that is no wider than ``tolerance`` units (the lower pair of equals). A cluster of ``min_touches`` is a level.
3. A level's price is the weighted mean of its touches. Its zone reaches over all of them, and at least a quarter of
   the tolerance to each side of the price.
4. Bins of *volume at price*, half a tolerance wide, that have twice the mean and the most within two bins are levels
   of their own, without touches, where their zone meets no other.
5. ``strength = 1 - exp(-(R T + V) / 4)``: ``T`` is the sum of touch weights, each halved for every half window of
   age; ``R = touches / (touches + crossings)``; ``V = max(0, ln(volume_share / price_share))``, where ``price_share``
   is the zone's share of the window's whole range.

The levels are formed anew for every bar, from what that bar knows, so that a later call may join or part them.
Source: volume at price after J. P. Steidlmayer (1985); swing clusters as in A. W. Lo, H. Mamaysky and J. Wang,
"Foundations of Technical Analysis" (2000), with a stated tolerance in place of a kernel's bandwidth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bot4.domain.bars import BarSeries, FloatArray, IntArray
from bot4.domain.errors import DataError
from bot4.quant.patterns.detection import CLOSE_ROW, HIGH_ROW, LOW_ROW, price_rows
from bot4.quant.patterns.swings import swings
from bot4.quant.structure.volume_at_price import share_between, volume_at_price
from bot4.quant.structure.window import Swings, Window, positive, whole_number, window

_VOLUME_ROW = 3
_NODE_DENSITY = 2.0
_NODE_REACH_BINS = 2
_BINS_A_TOLERANCE = 2.0
_EVIDENCE_SCALE = 4.0


@dataclass(frozen=True, slots=True)
class Level:
    """A price that held before.

    Attributes:
        price: its middle, quote currency.
        low, high: its zone.
        role: ``support`` at or below the last close, else ``resistance``.
        is_flipped: the greater weight of its touches is on the other side: highs of a support, lows of a resistance.
        touches: number of swings in it; 0 for a level of volume alone.
        touch_bars: their bars, in order.
        first_touch, last_touch: the first and the last of them, -1 without.
        crossings: how often closes went from one side of the zone to the other since the first touch.
        volume_share: share of the window's volume that was traded in the zone.
        strength: 0 to 1, by the formula of the module.
        known_at: bar at whose close enough of its touches were confirmed; for volume alone the bar asked for.
    """

    price: float
    low: float
    high: float
    role: str
    is_flipped: bool
    touches: int
    touch_bars: tuple[int, ...]
    first_touch: int
    last_touch: int
    crossings: int
    volume_share: float
    strength: float
    known_at: int

    @property
    def width(self) -> float:
        """Width of the zone in price."""
        return self.high - self.low

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return {**asdict(self), "width": self.width}


def support_resistance(
    bars: Any,
    found: Swings | None = None,
    *,
    as_of: int | None = None,
    lookback_bars: int | None = 1000,
    tolerance: float = 1.0,
    min_touches: int = 2,
    min_span_bars: int = 6,
    count: int | None = None,
) -> tuple[Level, ...]:
    """Levels known at the close of a bar, strongest first.

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays or a DataFrame with ``high low close volume``. A bar where one
            of them is not finite starts everything again.
        found: the swings of the same bars, where they are at hand.
        as_of: index of the bar; by default the last one.
        lookback_bars: length of the window; None for all bars.
        tolerance: greatest distance between touches of one level, in mean true ranges of the window.
        min_touches: touches that make a level.
        min_span_bars: narrowest span of the swings that count as touches.
        count: how many levels at most.

    Returns:
        No level where prices did not move at all.

    Raises:
        SettingError: a setting out of its bounds.
        UsageError: no bar of index ``as_of``.
        DataError: a column is missing, is not numeric, or is of another length.
    """
    positive("tolerance", tolerance)
    whole_number("min_touches", min_touches, 1)
    if count is not None:
        whole_number("count", count, 1)
    rows = np.vstack([price_rows(bars, "support_resistance"), _volume(bars)])
    found = swings(bars) if found is None else found
    at = window(rows, found, as_of=as_of, lookback_bars=lookback_bars, min_span_bars=min_span_bars)
    reach = tolerance * at.mean_true_range(at.as_of, len(at)) if len(at) else 0.0
    if reach <= 0.0:
        return ()
    clusters = cluster(at.turns["price"], reach)
    levels = [_touched(at, at.turns[rows_], reach, min_span_bars, min_touches) for rows_ in clusters
              if len(rows_) >= min_touches]  # fmt: skip
    levels += _nodes(at, reach, levels)
    levels.sort(key=lambda level: (-level.strength, level.price))
    return tuple(levels[:count])


def nearest_levels(levels: Iterable[Level], price: float) -> tuple[Level | None, Level | None]:
    """The nearest level at or below a price, and the nearest above it; None where there is none."""
    kept = sorted(levels, key=lambda level: level.price)
    below = [level for level in kept if level.price <= price]
    above = [level for level in kept if level.price > price]
    return (below[-1] if below else None, above[0] if above else None)


def cluster(prices: FloatArray, reach: float) -> list[IntArray]:
    """Rows of the prices by cluster, lowest first, rows in order: clusters no wider than ``reach``.

    The two neighbouring clusters whose union is narrowest are joined first, the lower pair of equals.
    """
    order = np.argsort(prices, kind="stable")
    low, high = prices[order].copy(), prices[order].copy()
    starts = np.arange(len(order))
    while len(starts) > 1:
        spread = high[1:] - low[:-1]
        k = int(np.argmin(spread))
        if spread[k] > reach:
            break
        high[k] = high[k + 1]
        low, high, starts = np.delete(low, k + 1), np.delete(high, k + 1), np.delete(starts, k + 1)
    return [np.sort(rows) for rows in np.split(order, starts[1:])] if len(order) else []


def _touched(at: Window, touches: Swings, reach: float, least_span: int, min_touches: int) -> Level:
    weights = 1.0 + np.log2(touches["span"] / least_span)
    price = float(np.sum(weights * touches["price"]) / np.sum(weights))
    low = min(float(touches["price"].min()), price - 0.25 * reach)
    high = max(float(touches["price"].max()), price + 0.25 * reach)
    ages = 2.0 * (at.as_of - touches["bar"]) / len(at)
    crossings = _crossings(at.row(CLOSE_ROW)[int(touches["bar"][0]) - at.first :], low, high)
    respect = len(touches) / (len(touches) + crossings)
    evidence = respect * float(np.sum(weights * 0.5**ages))
    is_support = price <= at.rows[CLOSE_ROW, at.as_of]
    leaning = float(np.sum(weights * touches["side"]))
    share, from_volume = _volume_evidence(at, low, high)
    return Level(
        price=price,
        low=low,
        high=high,
        role="support" if is_support else "resistance",
        is_flipped=leaning > 0.0 if is_support else leaning < 0.0,
        touches=len(touches),
        touch_bars=tuple(touches["bar"].tolist()),
        first_touch=int(touches["bar"][0]),
        last_touch=int(touches["bar"][-1]),
        crossings=crossings,
        volume_share=share,
        strength=_strength(evidence + from_volume),
        known_at=int(np.sort(touches["known_at"])[min_touches - 1]),
    )


def _nodes(at: Window, reach: float, levels: list[Level]) -> list[Level]:
    """Levels of volume alone, whose zone meets no other level's."""
    profile = volume_at_price(at.row(LOW_ROW), at.row(HIGH_ROW), at.row(_VOLUME_ROW), reach / _BINS_A_TOLERANCE)
    nodes = [_node(at, profile.price(k), 0.25 * reach) for k in profile.peaks(_NODE_REACH_BINS, _NODE_DENSITY)]
    return [node for node in nodes if not any(lvl.low <= node.high and node.low <= lvl.high for lvl in levels)]


def _node(at: Window, price: float, half_width: float) -> Level:
    low, high = price - half_width, price + half_width
    share, from_volume = _volume_evidence(at, low, high)
    return Level(
        price=price,
        low=low,
        high=high,
        role="support" if price <= at.rows[CLOSE_ROW, at.as_of] else "resistance",
        is_flipped=False,
        touches=0,
        touch_bars=(),
        first_touch=-1,
        last_touch=-1,
        crossings=_crossings(at.row(CLOSE_ROW), low, high),
        volume_share=share,
        strength=_strength(from_volume),
        known_at=at.as_of,
    )


def _crossings(closes: FloatArray, low: float, high: float) -> int:
    side = (closes > high).astype(np.int64) - (closes < low)
    return int(np.count_nonzero(np.diff(side[side != 0])))


def _volume_evidence(at: Window, low: float, high: float) -> tuple[float, float]:
    """``(volume_share, V)`` of a zone."""
    lows, highs = at.row(LOW_ROW), at.row(HIGH_ROW)
    share = share_between(lows, highs, at.row(_VOLUME_ROW), low, high)
    price_share = (high - low) / float(highs.max() - lows.min())
    return share, max(0.0, math.log(share / price_share)) if share > 0.0 else 0.0


def _strength(evidence: float) -> float:
    return 1.0 - math.exp(-evidence / _EVIDENCE_SCALE)


def _volume(bars: Any) -> FloatArray:
    if isinstance(bars, BarSeries):
        return bars.volume
    where = "support_resistance"
    names = list(bars.columns) if hasattr(bars, "columns") else list(bars)
    if "volume" not in names:
        raise DataError("there is no column volume", where=where, remedy=f"it has {', '.join(map(str, names))}")
    try:
        volume = np.asarray(bars["volume"], np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("column volume is not numeric", where=where, remedy="convert it to float64") from error
    if volume.shape != (len(bars["close"]),):
        raise DataError(f"column volume has {volume.size} values", where=where, remedy="pass one value per bar")
    return volume


__all__ = ["Level", "cluster", "nearest_levels", "support_resistance"]
