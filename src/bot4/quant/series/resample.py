"""Higher bars from lower bars, and bars from trades, on the UTC grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from bot4.domain.bars import BarSeries, FloatArray, IntArray, TradeSeries
from bot4.domain.errors import DataError, UsageError
from bot4.quant.series.time_grid import grid_offset_ns, grid_open_ns, interval_name, utc_text

EmptyBars = Literal["skip", "fill"]


def resample(series: BarSeries, factor: int) -> BarSeries:
    """Bars ``factor`` times as long, aligned to whole multiples of the new interval since the UTC epoch.

    A higher bar is built from the lower bars that exist: gaps stay as the exchange left them, and a higher bar
    without any lower bar does not exist. The last one is dropped unless the series reaches its end, because it
    may still change. Open is the first open, high the maximum, low the minimum, close the last close, volume the
    sum.

    Args:
        series: in order, on its grid and without duplicates, as :func:`bot4.quant.series.quality.apply_policy`
            leaves it.
        factor: how many lower bars make a full higher one; 1 gives the series back.

    Raises:
        UsageError: if ``factor`` is below 1.
        DataError: if a bar would straddle two higher bars, or bars are out of order.
    """
    if factor < 1:
        raise UsageError(f"a resampling factor of {factor} makes no bars", remedy="give a whole number from 1 up")
    interval_ns = factor * series.interval_ns
    if factor == 1:
        return series
    if not len(series):
        return replace(series, interval_ns=interval_ns)
    _require_grid(series, interval_ns)
    open_ns = grid_open_ns(series.ts_open_ns, interval_ns)
    starts = _group_starts(open_ns)
    is_last_complete = series.ts_open_ns[-1] + series.interval_ns >= open_ns[-1] + interval_ns
    if is_last_complete:
        return _from_groups(series, interval_ns, starts)
    return _from_groups(_head(series, int(starts[-1])), interval_ns, starts[:-1])


def to_interval(series: BarSeries, interval_ns: int) -> BarSeries:
    """:func:`resample` to a named interval.

    Raises:
        UsageError: if ``interval_ns`` is not a whole multiple of the interval of the series.
    """
    factor, rest = divmod(interval_ns, series.interval_ns)
    if rest or factor < 1:
        raise UsageError(
            f"{interval_name(series.interval_ns)} bars do not make {interval_name(interval_ns)} bars",
            where=series.symbol,
            remedy=f"ask for a whole multiple of {interval_name(series.interval_ns)}",
        )
    return resample(series, factor)


def bars_from_trades(
    trades: TradeSeries, interval_ns: int, empty_bars: EmptyBars = "skip", end_ns: int | None = None
) -> BarSeries:
    """Bars from trades, aligned like those of :func:`resample`.

    Args:
        trades: in order of time; trades of one time keep the order they are given in.
        interval_ns: length of a bar.
        empty_bars: ``skip`` leaves out a bar without a trade (as Bitfinex does); ``fill`` makes one of volume 0
            at the previous close (as Kraken and Binance do).
        end_ns: the trades are complete up to here; bars that end later are dropped. By default the last trade,
            so that the bar it falls into, which may still change, is dropped.

    Raises:
        DataError: if the trades are out of order.
    """
    if np.any(np.diff(trades.ts_ns) < 0):
        row = int(np.argmax(np.diff(trades.ts_ns) < 0)) + 1
        raise DataError(
            f"trades go back in time at row {row + 1} ({utc_text(int(trades.ts_ns[row]))})",
            where=trades.symbol,
            remedy="sort them by time and id",
        )
    open_ns = grid_open_ns(trades.ts_ns, interval_ns)
    if end_ns is None:
        end_ns = int(trades.ts_ns[-1]) if len(trades) else 0
    kept = int(np.searchsorted(open_ns, end_ns - interval_ns, side="right"))
    starts = _group_starts(open_ns[:kept])
    ends = np.append(starts[1:], kept)[: len(starts)]
    price, quantity = trades.price[:kept], trades.quantity[:kept]
    bars = BarSeries(
        symbol=trades.symbol,
        interval_ns=interval_ns,
        ts_open_ns=open_ns[starts],
        open=price[starts],
        high=_reduce(np.maximum, price, starts),
        low=_reduce(np.minimum, price, starts),
        close=price[ends - 1],
        volume=_sum(quantity, starts),
    )
    return _with_empty_bars(bars, end_ns) if empty_bars == "fill" and len(bars) else bars


def _require_grid(series: BarSeries, interval_ns: int) -> None:
    ts_ns = series.ts_open_ns
    is_off = (ts_ns - grid_offset_ns(interval_ns)) % series.interval_ns != 0
    if is_off.any():
        row = int(np.argmax(is_off))
        raise DataError(
            f"row {row + 1} ({utc_text(int(ts_ns[row]))}) opens off the {interval_name(series.interval_ns)} grid"
            f" and may straddle two {interval_name(interval_ns)} bars",
            where=series.symbol,
            remedy="drop it or correct its time",
        )
    is_back = np.diff(ts_ns) <= 0
    if is_back.any():
        row = int(np.argmax(is_back)) + 1
        raise DataError(
            f"bars are out of order or repeated at row {row + 1} ({utc_text(int(ts_ns[row]))})",
            where=series.symbol,
            remedy="repair the series first",
        )


def _group_starts(open_ns: IntArray) -> IntArray:
    if not len(open_ns):
        return np.empty(0, np.int64)
    return np.concatenate([[0], np.flatnonzero(np.diff(open_ns)) + 1]).astype(np.int64)


def _reduce(operation: np.ufunc, values: FloatArray, starts: IntArray) -> FloatArray:
    if not len(starts):
        return np.empty(0)
    return np.asarray(operation.reduceat(values, starts), dtype=np.float64)


def _sum(values: FloatArray, starts: IntArray) -> FloatArray:
    """Added one after the other, as the pipeline adds bar by bar; ``np.add.reduceat`` adds in pairs, to other bits."""
    group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(values)))
    return np.asarray(np.bincount(group, weights=values, minlength=len(starts)), np.float64)


def _head(series: BarSeries, stop: int) -> BarSeries:
    return BarSeries(
        series.symbol, series.interval_ns, series.ts_open_ns[:stop], series.open[:stop], series.high[:stop],
        series.low[:stop], series.close[:stop], series.volume[:stop], series.is_synthetic,
    )  # fmt: skip


def _from_groups(series: BarSeries, interval_ns: int, starts: IntArray) -> BarSeries:
    ends = np.append(starts[1:], len(series))[: len(starts)]
    return BarSeries(
        symbol=series.symbol,
        interval_ns=interval_ns,
        ts_open_ns=grid_open_ns(series.ts_open_ns[starts], interval_ns),
        open=series.open[starts],
        high=_reduce(np.maximum, series.high, starts),
        low=_reduce(np.minimum, series.low, starts),
        close=series.close[ends - 1],
        volume=_sum(series.volume, starts),
        is_synthetic=series.is_synthetic,
    )


def _with_empty_bars(bars: BarSeries, end_ns: int) -> BarSeries:
    first_ns, interval_ns = int(bars.ts_open_ns[0]), bars.interval_ns
    count = (end_ns - first_ns) // interval_ns
    ts_open_ns = first_ns + interval_ns * np.arange(count, dtype=np.int64)
    source = np.searchsorted(bars.ts_open_ns, ts_open_ns, side="right") - 1
    is_traded = bars.ts_open_ns[source] == ts_open_ns
    close = bars.close[source]
    return BarSeries(
        symbol=bars.symbol,
        interval_ns=interval_ns,
        ts_open_ns=ts_open_ns,
        open=np.where(is_traded, bars.open[source], close),
        high=np.where(is_traded, bars.high[source], close),
        low=np.where(is_traded, bars.low[source], close),
        close=close,
        volume=np.where(is_traded, bars.volume[source], 0.0),
    )
