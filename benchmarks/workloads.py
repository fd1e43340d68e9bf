"""Workloads, the same for Bot4 and for every peer: seeded, so that every run and every machine sees the same bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bot4.domain.bars import MINUTE_NS, BarSeries

SYMBOL = "BTCUSDT"
START_NS = 1_704_067_200_000_000_000  # 2024-01-01 UTC
N_BARS = 1_000_000
START_PRICE = 30_000.0
TICK = 0.01

FAST, SLOW = 10, 20
QUANTITY = 0.01
STOP = 0.005
FEE = 0.0002
CAPITAL = 1_000_000

_MINUTES_PER_YEAR = 365 * 24 * 60
_VOLATILITY = (0.30, 1.10)  # a year
_MEAN_STAY = (4 * 1440.0, 1440.0)  # minutes in the quiet and in the wild state
_STEPS_A_BAR = 4


def workload_b(n_bars: int = N_BARS, seed: int = 20_240_101) -> BarSeries:
    """One-minute bars of a geometric Brownian motion with two volatility states, 30% and 110% a year.

    The start is 30,000, every open is the previous close, and prices lie on a grid of 0.01. High and low are the
    extremes of four steps within the bar.
    """
    random = np.random.default_rng(seed)
    state = _two_states(random, n_bars)
    deviation = np.array(_VOLATILITY)[state] / np.sqrt(_MINUTES_PER_YEAR * _STEPS_A_BAR)
    steps = random.standard_normal((n_bars, _STEPS_A_BAR)) * deviation[:, None] - 0.5 * deviation[:, None] ** 2
    path = np.exp(np.log(START_PRICE) + np.cumsum(steps)).reshape(n_bars, _STEPS_A_BAR)
    path = np.round(path / TICK) * TICK
    close = path[:, -1]
    open_ = np.concatenate(([START_PRICE], close[:-1]))
    return BarSeries(
        symbol=SYMBOL,
        interval_ns=MINUTE_NS,
        ts_open_ns=START_NS + np.arange(n_bars, dtype=np.int64) * MINUTE_NS,
        open=np.round(open_, 2),
        high=np.round(np.maximum(open_, path.max(axis=1)), 2),
        low=np.round(np.minimum(open_, path.min(axis=1)), 2),
        close=np.round(close, 2),
        volume=np.round(random.lognormal(0.0, 0.5, n_bars) * 10.0, 4),
        is_synthetic=True,
    )


def _two_states(random: np.random.Generator, n_bars: int) -> np.ndarray:
    stays = []
    while sum(stays) < n_bars:
        stays.append(1 + int(random.exponential(_MEAN_STAY[len(stays) % 2])))
    return np.repeat(np.arange(len(stays)) % 2, stays)[:n_bars]


def real_minutes() -> Path | None:
    """A file of real one-minute bars of BTC where recorded market data lies beside the checkout, else None."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "bars"
    files = sorted(folder.rglob("*BTCUSDT*1m*.parquet")) if folder.is_dir() else []
    return files[0] if files else None


def recorded_columns(n_bars: int) -> dict[str, np.ndarray]:
    """Open, high, low, close and volume of ``n_bars`` recorded bars, or of the workload where there are none.

    The spot files follow each other, every price of a file multiplied by the one factor that lets it begin where the
    last one ended, since a jump from one symbol to the next would be no market.
    """
    import polars as pl  # not above: who imports it before Bot4 does keeps more of its memory

    names = ("open", "high", "low", "close", "volume")
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "bars"
    files = sorted(folder.glob("binance_spot_[15]m/*.parquet")) if folder.is_dir() else []
    if not files:
        series = workload_b(n_bars)
        return {name: getattr(series, name) for name in names}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    level = START_PRICE
    for file in files:
        frame = pl.read_parquet(file)
        factor = level / float(frame["open"][0])
        for name in names:
            parts[name].append(frame[name].to_numpy().astype(np.float64) * (1.0 if name == "volume" else factor))
        level = float(parts["close"][-1][-1])
    return {name: np.ascontiguousarray(np.resize(np.concatenate(parts[name]), n_bars)) for name in names}


def save_for_peers(series: BarSeries, path: Path) -> None:
    """The bars as one ``.npz`` file, for a peer that runs in an interpreter of its own."""
    np.savez(
        path,
        ts_open_ns=series.ts_open_ns,
        open=series.open,
        high=series.high,
        low=series.low,
        close=series.close,
        volume=series.volume,
    )
