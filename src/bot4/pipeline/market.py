"""The market's turn into events: bars, trades and funding of several symbols merged in one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import BarSeries, FloatArray, IntArray, TradeSeries
from bot4.domain.errors import DataError, UsageError
from bot4.domain.events import BAR, CLOSES_TIMESTAMP, EVENT, FUNDING, TRADE
from bot4.domain.instruments import Universe
from bot4.domain.money import prices_to_ticks

Events = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class FundingSeries:
    """Funding of one perpetual: int64[n] settlement times, float64[n] rates (positive: longs pay shorts)."""

    symbol: str
    ts_ns: IntArray
    rate: FloatArray


@dataclass(frozen=True, slots=True)
class MarketTape:
    """Market events in their order, and what was noticed on the way.

    Attributes:
        events: :data:`~bot4.domain.events.EVENT` records by (time, kind, symbol); the last event of each
            timestamp carries :data:`~bot4.domain.events.CLOSES_TIMESTAMP`.
        interval_ns: the base interval.
        off_grid: prices that were not on the instrument's tick grid and were rounded to it, by symbol.
    """

    events: Events
    interval_ns: int
    off_grid: Mapping[str, int]


def market_tape(
    series: Sequence[BarSeries | TradeSeries | FundingSeries],
    universe: Universe,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> MarketTape:
    """Merge series into one tape.

    Args:
        series: bars (at least one series; all of one interval), trades and funding.
        universe: the instruments; a series of a symbol outside it is refused.
        start_ns, end_ns: keep events known in ``[start_ns, end_ns)``.

    Raises:
        UsageError: symbols outside the universe, two bar series of one symbol, or several intervals.
        DataError: no event in the range, or a price that is not a positive number.
    """
    intervals = {item.interval_ns for item in series if isinstance(item, BarSeries)}
    if len(intervals) != 1:
        found = ", ".join(f"{interval // 10**9} s" for interval in sorted(intervals)) or "none"
        raise UsageError(f"bars of one interval are needed, found {found}", remedy="resample or import them alike")
    off_grid: dict[str, int] = {}
    parts = []
    seen: set[tuple[type, str]] = set()
    for item in series:
        if item.symbol not in universe.symbols:
            raise UsageError(
                f"{item.symbol} is not among {', '.join(universe.symbols)}", remedy="add it to the instruments"
            )
        key = (type(item), item.symbol)
        if key in seen:
            raise UsageError(f"two series of {item.symbol}", remedy="join them first or give one file a symbol")
        seen.add(key)
        events = _events_of(item, universe, off_grid)
        parts.append(events)
    merged = parts[0] if len(parts) == 1 else np.concatenate(parts, dtype=EVENT)
    low = np.iinfo(np.int64).min if start_ns is None else start_ns
    high = np.iinfo(np.int64).max if end_ns is None else end_ns
    if start_ns is not None or end_ns is not None:
        merged = merged[(merged["ts_ns"] >= low) & (merged["ts_ns"] < high)]
    if len(merged) == 0:
        raise DataError("no event lies in the range asked for", remedy="widen --start and --end")
    if len(parts) > 1:
        merged = merged[np.lexsort((merged["symbol"], merged["kind"], merged["ts_ns"]))]
    mark_closing_events(merged)
    return MarketTape(merged, intervals.pop(), off_grid)


def mark_closing_events(events: Events) -> None:
    """Flag the last event of every timestamp, after which decisions run."""
    ts_ns = events["ts_ns"]
    is_last = np.ones(len(events), dtype=np.bool_)
    is_last[:-1] = ts_ns[1:] != ts_ns[:-1]
    events["flags"] = np.where(is_last, events["flags"] | CLOSES_TIMESTAMP, events["flags"] & ~CLOSES_TIMESTAMP)


def bar_events(series: BarSeries, universe: Universe) -> tuple[Events, int]:
    """Bars as events, and how many of their prices were off the tick grid."""
    symbol = universe.symbols.index(series.symbol)
    instrument = universe.instruments[symbol]
    events = np.zeros(len(series), dtype=EVENT)
    events["ts_ns"] = series.ts_open_ns + series.interval_ns
    events["kind"] = BAR
    events["symbol"] = symbol
    off_grid = 0
    for name in ("open", "high", "low", "close"):
        ticks, off = prices_to_ticks(getattr(series, name), instrument)
        off_grid += off
        events[f"{name}_ticks"] = ticks
        _require(ticks > 0, series, f"a {name} below one tick ({instrument.tick_size})")
    volume = np.asarray(series.volume, dtype=np.float64)
    _require(np.isfinite(volume) & (volume >= 0), series, "a volume that is not a number or is negative")
    _require(events["high_ticks"] >= events["low_ticks"], series, "a high below its low")
    events["volume"] = volume
    events["ts_open_ns"] = series.ts_open_ns
    _require(np.diff(series.ts_open_ns, prepend=series.ts_open_ns[:1] - 1) > 0, series, "a bar out of order")
    return events, off_grid


def _events_of(item: Any, universe: Universe, off_grid: dict[str, int]) -> Events:
    if isinstance(item, BarSeries):
        events, off = bar_events(item, universe)
        off_grid[item.symbol] = off
        return events
    symbol = universe.symbols.index(item.symbol)
    events = np.zeros(len(item.ts_ns), dtype=EVENT)
    events["ts_ns"] = item.ts_ns
    events["symbol"] = symbol
    if isinstance(item, TradeSeries):
        events["kind"] = TRADE
        events["price_ticks"], off = prices_to_ticks(item.price, universe.instruments[symbol])
        off_grid[item.symbol] = off_grid.get(item.symbol, 0) + off
        events["quantity"] = item.quantity
        events["aggressor"] = item.aggressor
    else:
        events["kind"] = FUNDING
        events["funding_rate"] = item.rate
    return events


def _require(is_good: npt.NDArray[np.bool_], series: BarSeries, what: str) -> None:
    if not is_good.all():
        at = int(np.argmin(is_good))
        time = np.datetime64(int(series.ts_open_ns[at]), "ns")
        raise DataError(
            what, where=f"{series.symbol} bar {at} ({time} UTC)", remedy="run `bot4 data check` and mend the source"
        )
