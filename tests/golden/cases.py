"""The canonical runs, and what is kept of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bot4.domain.bars import BarSeries
from bot4.research.backtest import backtest
from bot4.research.result import RunResult
from tests.run_harness import LENIENT, market
from tests.shared_data import bars_path

RUNS_FILE = Path(__file__).with_name("runs.json")
STATISTICS = ("total_return", "sharpe", "max_drawdown", "profit_factor", "win_rate", "mean_exposure")
RELATIVE_TOLERANCE = 1e-9  # of statistics; everything else is exact


@dataclass(frozen=True)
class Case:
    """One canonical run. ``files`` are recorded bars; a symbol's files are joined. None are synthetic bars."""

    name: str
    strategies: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]] | None = None
    n_bars: int = 1_500
    symbols: tuple[str, ...] = ("BTCUSDT",)
    is_slow: bool = False

    def series(self) -> list[BarSeries]:
        if self.files is None:
            return market(self.n_bars, self.symbols, seed=7)
        return [joined(symbol, names) for symbol, names in self.files.items()]

    def run(self) -> dict[str, Any]:
        return kept_of(backtest(self.series(), strategies=list(self.strategies), settings=LENIENT))


def joined(symbol: str, names: tuple[str, ...]) -> BarSeries:
    """Recorded files of one symbol, one after another."""
    from bot4.adapters.storage.bar_files import read_bars

    parts = [read_bars(bars_path(name), symbol) for name in names]
    columns = ("ts_open_ns", "open", "high", "low", "close", "volume")
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns})


def kept_of(result: RunResult) -> dict[str, Any]:
    """What is kept of a run: exact counts and digest, and statistics."""
    statistics = result.statistics()
    return {
        "digest": result.digest,
        "bars": result.bars,
        "decisions": result.decisions,
        "orders": result.orders,
        "fills": result.fills,
        "trades": len(result.trades),
        "final_equity": result.final_equity,
        "fees": result.fees,
        "refusals": dict(sorted(result.refusals.items())),
        **{name: statistics[name] for name in STATISTICS},
    }


def difference(name: str, stored: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """What a run did otherwise than stored, one line a figure; None where it did the same."""
    lines = [
        f"  {key}: {stored.get(key)} is now {found.get(key)}"
        for key in sorted(stored.keys() | found.keys())
        if not _agree(stored.get(key), found.get(key))
    ]
    if not lines:
        return None
    return "\n".join(
        [
            f"{name} behaves otherwise than stored:",
            *lines,
            "If this is meant, run `python -m tests.golden.refresh` and say why in the commit.",
        ]
    )


def _agree(stored: Any, found: Any) -> bool:
    if isinstance(stored, float) and isinstance(found, float):
        return abs(stored - found) <= RELATIVE_TOLERANCE * max(abs(stored), abs(found))
    return bool(stored == found)


def stored_runs() -> dict[str, dict[str, Any]]:
    """The stored runs by name."""
    return dict(json.loads(RUNS_FILE.read_text("utf-8"))) if RUNS_FILE.is_file() else {}


_HOUR = {
    symbol: tuple(f"binance_spot_1h/{symbol}_1h_{span}.parquet" for span in ("20170817_20200919", "20200920_20231231"))
    for symbol in ("BTCUSDT", "ETHUSDT")
}
_FIVE = {"BTCUSDT_PERP": ("binance_usdm_5m/BTCUSDT_PERP_5m_2023.parquet",)}
_FIVE_SPOT = {"BTCUSDT": ("binance_spot_5m/BTCUSDT_5m_20220801_20230430.parquet",)}
_MINUTE = {"BTCUSDT": ("binance_spot_1m/BTCUSDT_1m_20250520_20250719.parquet",)}
_ALL = ("hybrid", "ema_cross", "breakout", "mean_reversion", "buy_and_hold")

CASES = (
    Case("synthetic 1h, hybrid", ("hybrid",), n_bars=4_000),
    Case("synthetic 1h, ema_cross", ("ema_cross",)),
    Case("synthetic 1h, breakout", ("breakout",)),
    Case("synthetic 1h, mean_reversion", ("mean_reversion",)),
    Case("synthetic 1h, buy_and_hold", ("buy_and_hold",)),
    Case("synthetic 1h, three symbols, all strategies", _ALL, symbols=("BTCUSDT", "ETHUSDT", "BTCUSDT_PERP")),
    Case("synthetic 1h, short, all strategies", _ALL, n_bars=400, symbols=("BTCUSDT", "BTCUSDT_PERP")),
    Case("BTC 1h 2017-2023, hybrid", ("hybrid",), {"BTCUSDT": _HOUR["BTCUSDT"]}),
    Case("ETH 1h 2017-2023, hybrid", ("hybrid",), {"ETHUSDT": _HOUR["ETHUSDT"]}),
    Case("BTC and ETH 1h 2017-2023, hybrid", ("hybrid",), _HOUR),
    Case("BTC and ETH 1h 2017-2023, all strategies", _ALL, _HOUR),
    Case("BTC 5m 2022-2023, hybrid", ("hybrid",), _FIVE_SPOT),
    Case("BTC perpetual 5m 2023 with the outage, hybrid and breakout", ("hybrid", "breakout"), _FIVE),
    Case("BTC 1m 2025, hybrid and ema_cross", ("hybrid", "ema_cross"), _MINUTE),
)
SHORT = "synthetic 1h, short, all strategies"
BY_NAME = {case.name: case for case in CASES}
