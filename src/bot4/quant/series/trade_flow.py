"""Who took: bought and sold volume of each bar from its trades, their difference, and its running sum.

A trade is a buy if the taker bought, a sell if the taker sold; trades of unknown side count in neither. A trade
belongs to the last bar that opened at or before it and has not closed; those outside every bar are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray, IntArray, TradeSeries
from bot4.domain.errors import DataError
from bot4.kernel import array, f8, i8, kernel, void

BUY_VOLUME, SELL_VOLUME, DELTA, CUMULATIVE_DELTA = 0, 1, 2, 3
N_FLOWS = 4


@dataclass(frozen=True, slots=True, eq=False)
class TradeFlow:
    """Volume by side of the taker, one value for each of ``n`` bars, in base units.

    Attributes:
        ts_open_ns: int64[n], UTC open time of the bars.
        buy_volume: float64[n], of trades in which the taker bought.
        sell_volume: float64[n], of trades in which the taker sold.
        delta: float64[n], ``buy_volume - sell_volume``.
        cumulative_delta: float64[n], running sum of ``delta`` from the first bar on.
    """

    ts_open_ns: IntArray
    buy_volume: FloatArray
    sell_volume: FloatArray
    delta: FloatArray
    cumulative_delta: FloatArray


def trade_flow(trades: TradeSeries, ts_open_ns: IntArray, interval_ns: int) -> TradeFlow:
    """Volume by side of the taker in each bar.

    A bar without trades has zeros, and keeps the cumulative delta of the bar before. Volumes are summed in the order
    of the trades, so that :class:`TradeFlowStream` gives the same bits.

    Args:
        trades: trades in order of time.
        ts_open_ns: int64[n], open times of the bars, increasing by ``interval_ns`` or more.
        interval_ns: length of a bar.

    Raises:
        DataError: trades out of order, a quantity that is not finite or is negative, or bars that overlap.
    """
    _check(trades, ts_open_ns, interval_ns)
    flows = np.zeros((N_FLOWS, len(ts_open_ns)))
    ts_ns = np.require(trades.ts_ns, np.int64, ["C", "W"])
    bar = np.searchsorted(ts_open_ns, ts_ns, side="right") - 1
    is_inside = (bar >= 0) & (ts_ns < np.append(ts_open_ns, 0)[bar] + interval_ns)
    side = trades.aggressor[is_inside].astype(np.int64)
    quantity = np.ascontiguousarray(trades.quantity[is_inside], np.float64)
    _sum_by_bar(np.ascontiguousarray(bar[is_inside], np.int64), side, quantity, flows)
    return TradeFlow(ts_open_ns, *flows)


class TradeFlowStream:
    """The same of one bar after another: trades are pushed as they come, a bar is closed when its time is over.

    The caller pushes to a bar the trades that :func:`trade_flow` would count in it.
    """

    def __init__(self) -> None:
        self._bar = np.zeros((N_FLOWS, 1))
        self._place = np.zeros(1, np.int64)
        self._side = np.zeros(1, np.int64)
        self._quantity = np.zeros(1)

    def push(self, quantity: float, aggressor: int) -> None:
        """Count a trade in the bar that is open.

        Args:
            quantity: base units.
            aggressor: +1 the taker bought, -1 the taker sold, 0 unknown.

        Raises:
            DataError: a quantity that is not finite or is negative.
        """
        if not 0.0 <= quantity < np.inf:
            raise DataError(f"a trade of {quantity}", where="trade flow", remedy="give a finite quantity from 0 up")
        self._side[0], self._quantity[0] = aggressor, quantity
        _count(self._place, self._side, self._quantity, self._bar)

    def close(self) -> dict[str, float]:
        """End the bar: its ``buy_volume``, ``sell_volume``, ``delta`` and ``cumulative_delta``; the next one opens."""
        before = float(self._bar[CUMULATIVE_DELTA, 0])
        _accumulate(self._bar, before)
        buy_volume, sell_volume, delta, cumulative_delta = self._bar[:, 0].tolist()
        self._bar[:CUMULATIVE_DELTA] = 0.0
        return {
            "buy_volume": buy_volume,
            "sell_volume": sell_volume,
            "delta": delta,
            "cumulative_delta": cumulative_delta,
        }


def _check(trades: TradeSeries, ts_open_ns: IntArray, interval_ns: int) -> None:
    where = f"trade flow of {trades.symbol}"
    if np.any(np.diff(trades.ts_ns) < 0):
        raise DataError("trades out of order", where=where, remedy="sort them by time")
    if not np.all((trades.quantity >= 0.0) & (trades.quantity < np.inf)):
        raise DataError("a quantity is negative or not finite", where=where, remedy="leave such trades out")
    if interval_ns <= 0 or np.any(np.diff(ts_open_ns) < interval_ns):
        raise DataError("bars overlap", where=where, remedy="give open times an interval or more apart")


@kernel(void(array(i8), array(i8), array(f8), array(f8, 2)))
def _count(bar: IntArray, side: IntArray, quantity: FloatArray, flows: FloatArray) -> None:
    """Add trades to the volumes of their bars."""
    for i in range(len(bar)):
        if side[i] > 0:
            flows[BUY_VOLUME, bar[i]] += quantity[i]
        elif side[i] < 0:
            flows[SELL_VOLUME, bar[i]] += quantity[i]


@kernel(void(array(f8, 2), f8))
def _accumulate(flows: FloatArray, total: float) -> None:
    """Deltas from the volumes, and their running sum on top of what came before."""
    for t in range(flows.shape[1]):
        delta = flows[BUY_VOLUME, t] - flows[SELL_VOLUME, t]
        total += delta
        flows[DELTA, t] = delta
        flows[CUMULATIVE_DELTA, t] = total


@kernel(void(array(i8), array(i8), array(f8), array(f8, 2)))
def _sum_by_bar(bar: IntArray, side: IntArray, quantity: FloatArray, flows: FloatArray) -> None:
    _count(bar, side, quantity, flows)
    _accumulate(flows, 0.0)


__all__ = ["TradeFlow", "TradeFlowStream", "trade_flow"]
