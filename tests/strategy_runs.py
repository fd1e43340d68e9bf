"""Strategies asked bar by bar over whole feature tables, without the rest of the pipeline."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bot4.domain.bars import HOUR_NS, BarSeries
from bot4.pipeline.state import N_FRAMES, N_STRATEGY_MEMORY, SIDEWAYS, SIGNAL, VIEW
from bot4.pipeline.strategies.info import ResolvedStrategy
from bot4.pipeline.strategy_family import STRATEGY_FAMILY
from bot4.quant.indicators.arrays import compute
from tests.decision_records import run_strategy
from tests.technical_runs import Heard, every

LOT = 0.00001


def random_bars(n: int, seed: int, drift: float = 0.0, volatility: float = 0.006) -> BarSeries:
    """A random walk with open = previous close."""
    rng = np.random.default_rng(seed)
    close = 30_000.0 * np.exp(np.cumsum(drift + volatility * rng.standard_normal(n)))
    opened = np.concatenate(([30_000.0], close[:-1]))
    reach = 0.5 * volatility * np.abs(rng.standard_normal((2, n)))
    return BarSeries(
        symbol="BTCUSDT", interval_ns=HOUR_NS, ts_open_ns=1_600_000_000_000_000_000 // HOUR_NS * HOUR_NS
        + HOUR_NS * np.arange(n, dtype=np.int64), open=opened, high=np.maximum(opened, close) * (1 + reach[0]),
        low=np.minimum(opened, close) * (1 - reach[1]), close=close, volume=rng.lognormal(3.0, 0.5, n),
    )  # fmt: skip


def table(strategy: ResolvedStrategy, bars: BarSeries) -> Any:
    """float64[n, n_columns]: the strategy's columns over bars."""
    n = len(bars.close)
    if not strategy.indicators:
        return np.zeros((n, 1))
    outputs = [column for name, params in strategy.indicators for column in compute(name, bars, **params).values()]
    return np.ascontiguousarray(np.array(outputs).T)


Fill = Callable[[int, int, Any], int]


def at_once(t: int, lots: int, signal: Any) -> int:
    """Fills an entry whole and an exit whole, at the bar that asks."""
    if signal["action"] == 1 and lots == 0:
        return 1_000 if signal["direction"] > 0 else -1_000
    return 0 if signal["action"] == 2 else lots


class Asked:
    """What a strategy answered, bar by bar.

    Attributes:
        signals: SIGNAL[n].
        statuses: int64[n].
        lots: int64[n], held when bar ``t`` was shown.
        memory: float64[64] after the last bar.
    """

    def __init__(
        self,
        strategy: ResolvedStrategy,
        bars: BarSeries,
        fill: Fill = at_once,
        factors: tuple[int, ...] = (1,),
    ) -> None:
        n = len(bars.close)
        tables = [table(strategy, bars if factor == 1 else every(bars, factor)) for factor in factors]
        columns = np.arange(tables[0].shape[1], dtype=np.int64)
        heard = Heard(bars, factors) if strategy.info.uses_technical else None
        address = STRATEGY_FAMILY.address(strategy.info.kernel)
        view = np.zeros(1, VIEW)
        self.memory = np.zeros(N_STRATEGY_MEMORY)
        self.signals, self.statuses, self.lots = np.zeros(n, SIGNAL), np.zeros(n, np.int64), np.zeros(n, np.int64)
        lots = 0
        for t in range(n):
            rows = np.full((N_FRAMES, tables[0].shape[1]), np.nan)
            for k, factor in enumerate(factors):
                view[0]["completed"][k] = (t + 1) // factor
                if t + 1 >= factor:
                    rows[k] = tables[k][(t + 1) // factor - 1]
            show(view, bars, t, lots, len(factors), None if heard is None else heard.states[t]["confluence"])
            signal = self.signals[t : t + 1]
            signal["win_probability"] = signal["stop_distance"] = math.nan
            self.lots[t] = lots
            self.statuses[t] = run_strategy(address, view, rows, columns, strategy.params, self.memory, signal)
            lots = fill(t, lots, signal[0])


def show(view: Any, bars: BarSeries, t: int, lots: int, n_frames: int, heard: Any = None) -> None:
    """Fill in a view of bar ``t``; ``heard`` is the technical voice's confluence."""
    row = view[0]
    row["ts_ns"] = bars.ts_open_ns[t] + bars.interval_ns
    row["position_lots"], row["lot"], row["tick"] = lots, LOT, 0.01
    row["open"], row["high"], row["low"] = bars.open[t], bars.high[t], bars.low[t]
    row["close"], row["volume"] = bars.close[t], bars.volume[t]
    row["regime"], row["n_frames"] = SIDEWAYS, n_frames
    row["technical_score"] = math.nan
    if heard is not None:
        for name in ("score", "alignment", "confidence"):
            row[f"technical_{name}"] = heard[name]
        row["is_confluent"] = heard["is_confluent"]
