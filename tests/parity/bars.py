"""Bars to compare indicators on: recorded ones, and arrays that break careless arithmetic."""

from __future__ import annotations

import numpy as np
import polars as pl

from tests.shared_data import bars_path


def real_bars(file: str, n: int | None = None) -> np.ndarray:
    """float64[6, n] from a recorded file."""
    frame = pl.read_parquet(bars_path(file))
    frame = frame.head(n) if n is not None else frame
    rows = [frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")]
    return np.array([*rows, frame["ts"].dt.epoch("s").to_numpy()], np.float64)


def walk(n: int = 400, level: float = 100.0, seed: int = 5) -> np.ndarray:
    """A random walk of the price."""
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) * (1.0 + 0.01 * rng.random(n))
    low = np.minimum(open_, close) * (1.0 - 0.01 * rng.random(n))
    return np.array([open_, high, low, close, rng.lognormal(5.0, 1.0, n), 1.6e9 + 3600.0 * np.arange(n)])


def constant() -> np.ndarray:
    """Nothing moves."""
    bars = walk()
    bars[:4] = 100.1
    bars[4] = 7.3
    return bars


def steps() -> np.ndarray:
    """Prices that stand still and then jump, in numbers that floats hold exactly."""
    bars = walk()
    bars[:4] = np.repeat([64.0, 96.0, 32.0, 33.0, 33.5, 128.0, 64.0, 65.0], 50)
    return bars


def steps_with_range() -> np.ndarray:
    """The same, where every bar has a range."""
    bars = steps()
    bars[1] += 0.5
    bars[2] -= 0.25
    return bars


def without_volume() -> np.ndarray:
    """A hundred bars in which nothing traded."""
    bars = walk()
    bars[4, 100:200] = 0.0
    return bars


def with_leading_nan() -> np.ndarray:
    """Columns that begin late."""
    bars = walk()
    bars[:5, :17] = np.nan
    return bars
