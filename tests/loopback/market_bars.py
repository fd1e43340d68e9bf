"""Bars for the loopback exchange: recorded ones where they are at hand, generated ones otherwise."""

from __future__ import annotations

import numpy as np
import polars as pl

from bot4.domain.bars import MINUTE_NS, BarSeries
from tests.shared_data import SHARED_DATA, bars_path

RECORDED = {
    "BTCUSDT": "binance_spot_1m/BTCUSDT_1m_20250520_20250719.parquet",
    "ETHUSDT": "binance_spot_1m/ETHUSDT_1m_20250520_20250719.parquet",
}


def minute_bars(symbol: str, first: int = 0, count: int | None = None) -> BarSeries:
    """One-minute bars from ``first`` on; recorded on Binance in 2025 if the recordings are there."""
    if SHARED_DATA.is_dir():
        return read_bars(symbol, RECORDED[symbol], MINUTE_NS, first, count)
    return generated_bars(symbol, first + (count or 5000), first)


def read_bars(symbol: str, relative: str, interval_ns: int, first: int = 0, count: int | None = None) -> BarSeries:
    frame = pl.read_parquet(bars_path(relative)).slice(first, count)
    opens = frame["ts"].cast(pl.Int64).to_numpy().astype(np.int64) * 1_000_000
    columns = [frame[name].to_numpy().astype(np.float64) for name in ("open", "high", "low", "close", "volume")]
    return BarSeries(symbol, interval_ns, opens, *columns)


def generated_bars(symbol: str, count: int, first: int = 0) -> BarSeries:
    """A random walk with two-decimal prices, the same in every process."""
    rng = np.random.default_rng(sum(map(ord, symbol)))
    close = np.round(1000 + np.cumsum(rng.normal(0, 0.5, count)), 2)
    open_ = np.concatenate([[1000.0], close[:-1]])
    spread = np.round(rng.uniform(0, 1, (2, count)), 2)
    high = np.round(np.maximum(open_, close) + spread[0], 2)
    low = np.round(np.minimum(open_, close) - spread[1], 2)
    volume = np.round(rng.uniform(0.1, 9, count), 5)
    opens = 1_747_699_200_000_000_000 + np.arange(count, dtype=np.int64) * MINUTE_NS
    columns = [column[first:] for column in (open_, high, low, close, volume)]
    return BarSeries(symbol, MINUTE_NS, opens[first:], *columns, is_synthetic=True)
