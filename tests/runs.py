"""Runs for tests of the report: a plain moving-average crossing walked over bars, so that figures hang together."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from bot4.domain.bars import MINUTE_NS, BarSeries
from bot4.research.result import TRADE, RunResult

EXIT_REASONS = ("stop_loss", "take_profit", "signal_reversed", "end_of_run")
FEE = 0.0005


def synthetic_bars(
    symbol: str, n: int, *, seed: int, interval_ns: int = 5 * MINUTE_NS, price: float = 20_000.0
) -> BarSeries:
    """A generated market with calm and wild stretches."""
    rng = np.random.default_rng(seed)
    sigma = 0.0012 * np.exp(0.6 * np.sin(np.arange(n) / n * 19.0))
    close = price * np.exp(np.cumsum(rng.standard_t(5, n) * sigma * 0.7 + 1.5e-6))
    opened = np.concatenate(([price], close[:-1]))
    reach = np.abs(rng.normal(0.0, sigma, n))
    return BarSeries(
        symbol=symbol,
        interval_ns=interval_ns,
        ts_open_ns=1_640_995_200_000_000_000 + interval_ns * np.arange(n, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * (1 + reach),
        low=np.minimum(opened, close) * (1 - reach),
        close=close,
        volume=rng.lognormal(2.0, 1.0, n),
        is_synthetic=True,
    )


def recorded_bars(path: Any, symbol: str, interval_ns: int) -> BarSeries:
    """Bars of a recorded Parquet file."""
    frame = pl.read_parquet(path)
    column = {name: frame[name].to_numpy().astype(np.float64) for name in ("open", "high", "low", "close", "volume")}
    return BarSeries(symbol, interval_ns, frame["ts"].dt.epoch("ns").to_numpy().astype(np.int64), **column)


def run_over(*markets: BarSeries, initial_equity: float = 10_000.0, **changed: Any) -> RunResult:
    """A long-and-short crossing of two means with a stop and a target, each symbol with its share of the equity."""
    share = initial_equity / len(markets)
    known_ns = markets[0].ts_open_ns + markets[0].interval_ns
    equity, exposure, held = np.zeros(len(known_ns)), np.zeros(len(known_ns)), np.zeros(len(known_ns))
    trades: list[tuple[Any, ...]] = []
    for index, bars in enumerate(markets):
        value, notional = _walk(bars, index, share, trades)
        equity, exposure = equity + value, exposure + notional
        held += share * (1 - FEE) * bars.close / bars.open[0]
    records = np.array(sorted(trades, key=lambda trade: trade[5]), dtype=TRADE)
    records["trade_id"] = np.arange(1, len(records) + 1)
    fields: dict[str, Any] = {
        "strategies": ("crossing",),
        "symbols": tuple(bars.symbol for bars in markets),
        "is_synthetic": any(bars.is_synthetic for bars in markets),
        "start_ns": int(markets[0].ts_open_ns[0]),
        "end_ns": int(known_ns[-1]),
        "initial_equity": initial_equity,
        "quote_asset": "USDT",
        "bars": sum(len(bars) for bars in markets),
        "events": sum(len(bars) for bars in markets) + 4 * len(records),
        "decisions": 3 * len(records),
        "clamped": 2 * len(records),
        "equity_ts_ns": known_ns,
        "equity": equity,
        "exposure": exposure / equity,
        "buy_and_hold": held,
        "trades": records,
        "exit_reasons": EXIT_REASONS,
        "orders": 3 * len(records),
        "fills": 2 * len(records),
        "refusals": {"edge_below_costs": 3 * len(records) // 2, "stale_input": 14, "minimum_size": len(records) // 5},
        "clamp_binding": {"volatility": len(records), "var": len(records) // 2, "heat": len(records) // 3, "crisis": 7},
        "fees": float(records["fees_quote"].sum()),
        "slippage": float(records["slippage_quote"].sum()),
        "funding": 0.0,
        "digest": "5f2b1c9e" * 8,
        "elapsed_s": 0.42,
        "price_bars": {bars.symbol: bars for bars in markets},
        "settings": {"strategy": {"fast": 240, "slow": 960}, "risk": {"kelly_fraction": 0.2, "symbols": ["a", "b"]}},
    }
    return RunResult(**(fields | changed))


def _walk(bars: BarSeries, symbol: int, cash: float, trades: list[tuple[Any, ...]]) -> tuple[np.ndarray, np.ndarray]:
    fast, slow = _mean(bars.close, 240), _mean(bars.close, 960)
    side = np.where(fast > slow, 1, -1)
    value, notional = np.full(len(bars), cash), np.zeros(len(bars))
    turns = np.flatnonzero(np.diff(side[960:])) + 961
    for start in turns.tolist():
        entry, direction = float(bars.close[start]), int(side[start])
        stop, target = entry * (1 - 0.02 * direction), entry * (1 + 0.05 * direction)
        stopped = np.flatnonzero((bars.low if direction > 0 else -bars.high)[start + 1 :] <= stop * direction)
        reached = np.flatnonzero((bars.high if direction > 0 else -bars.low)[start + 1 :] >= target * direction)
        later = turns[turns > start]
        ends = (
            (int(stopped[0]) + start + 1 if len(stopped) else len(bars), stop, 0),
            (int(reached[0]) + start + 1 if len(reached) else len(bars), target, 1),
            (int(later[0]) if len(later) else len(bars) - 1, None, 2 if len(later) else 3),
        )
        end, price, reason = min(ends, key=lambda one: one[0])
        leaving = float(bars.close[end]) if price is None else price
        quantity = 0.5 * cash / entry
        fees = FEE * quantity * (entry + leaving)
        result = quantity * direction * (leaving - entry) - fees
        value[start:end] = cash + quantity * direction * (bars.close[start:end] - entry) - FEE * quantity * entry
        notional[start:end] = quantity * bars.close[start:end]
        cash += result
        value[end:] = cash
        entered_ns, left_ns = (int(bars.ts_open_ns[at]) + bars.interval_ns for at in (start, end))
        risk = quantity * entry * 0.02
        paid = (result, fees, 0.0001 * quantity * entry)
        trades.append(
            (0, symbol, 0, direction, entered_ns, left_ns, entry, leaving, quantity, *paid, reason, result / risk)
        )
    return value, notional


def _mean(values: np.ndarray, window: int) -> np.ndarray:
    sums = np.cumsum(np.concatenate((np.zeros(1), values)))
    return np.concatenate((values[: window - 1], (sums[window:] - sums[:-window]) / window))
