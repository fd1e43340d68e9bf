"""Workload B in slow, plain Python: what every engine's list of trades is compared with before anything is timed."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.workloads import FAST, SLOW, STOP, TICK
from bot4.domain.bars import BarSeries, FloatArray


def exponential(close: list[float], period: int) -> list[float]:
    """Exponential average, NaN for ``period - 1`` bars, started with the simple average of the first ``period``."""
    values = [math.nan] * (period - 1) + [sum(close[:period]) / period]
    for price in close[period:]:
        values.append(values[-1] + 2.0 / (period + 1) * (price - values[-1]))
    return values


def reference_trades(series: BarSeries, *, is_stop_blind_at_entry: bool = False) -> FloatArray:
    """Closed trades as rows of entry bar, exit bar, entry price and exit price; prices are counted in ticks.

    Args:
        series: bars whose open is the previous close.
        is_stop_blind_at_entry: vectorbt's conventions: the stop is not looked at in the bar of the entry, and comes
            before an exit at the same bar's open. Otherwise, as Bot4 and backtesting.py have it, the stop works from
            the entry on and an exit at the open comes first.
    """
    close = series.close.tolist()
    open_, low = (np.rint(column / TICK).astype(np.int64).tolist() for column in (series.open, series.low))
    fast, slow = exponential(close, FAST), exponential(close, SLOW)
    trades = []
    wish, last_sign, entry_bar, entry, stop = 0, 0, -1, 0, 0
    for bar in range(len(close)):
        is_stopped_first = is_stop_blind_at_entry and entry_bar >= 0 and low[bar] <= stop
        if wish < 0 and entry_bar >= 0 and not is_stopped_first:
            trades.append((entry_bar, bar, entry, open_[bar]))
            entry_bar = -1
        elif wish > 0 and entry_bar < 0:
            entry_bar, entry = bar, open_[bar]
            stop = entry - math.ceil(STOP * entry - 1e-9)
        sees_stop = entry_bar >= 0 and not (is_stop_blind_at_entry and entry_bar == bar)
        if sees_stop and low[bar] <= stop:
            trades.append((entry_bar, bar, entry, min(stop, open_[bar])))
            entry_bar = -1
        difference = fast[bar] - slow[bar]
        sign = int(difference > 0) - int(difference < 0)
        wish = sign if sign * last_sign < 0 else 0
        last_sign = sign or last_sign
    return np.array(trades, dtype=np.float64).reshape(-1, 4) * (1.0, 1.0, TICK, TICK)


def share_alike(ours: FloatArray, theirs: FloatArray, tolerance: float = 0.5 * TICK) -> float:
    """Share of the trades of either list that the other has: the same bars, prices within the tolerance."""
    mine = {(int(row[0]), int(row[1])): row[2:] for row in ours}
    alike = sum(
        1
        for row in theirs
        if (key := (int(row[0]), int(row[1]))) in mine and np.all(np.abs(mine[key] - row[2:]) <= tolerance)
    )
    return alike / max(1, len(ours), len(theirs))
