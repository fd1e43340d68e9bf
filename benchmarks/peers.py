"""Workload B in backtesting.py and vectorbt, each in an interpreter of its own.

``python benchmarks/peers.py NAME BARS.npz OUT.npz`` prints one JSON object and writes the trades. It imports nothing
of Bot4, so that a peer's versions of NumPy and numba may differ from ours.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

FAST, SLOW, QUANTITY, STOP, FEE, CAPITAL, TICK = 10, 20, 0.01, 0.005, 0.0002, 1_000_000, 0.01


def stop_fractions(close: Any) -> Any:
    """Distance of the stop, a whole number of ticks as Bot4 has it, as a fraction of the price.

    It is made 0.3 tick shorter, so that a low exactly at the stop is not lost to the rounding of floats.
    """
    ticks = np.ceil(STOP * close / TICK - 1e-9) - 0.3
    return ticks * TICK / close


def ema(close: Any, period: int) -> Any:
    """Exponential average started with the simple one of its first bars, as TA-Lib and Bot4 have it."""
    import pandas as pd

    seeded = np.array(close, dtype=np.float64)
    seeded[: period - 1] = np.nan
    seeded[period - 1] = np.mean(close[:period])
    return pd.Series(seeded).ewm(span=period, adjust=False, ignore_na=True).mean().to_numpy()


def crossings(close: Any) -> tuple[Any, Any]:
    """Bars at whose close EMA(10) has come to lie above, and below, EMA(20)."""
    sign = np.sign(ema(close, FAST) - ema(close, SLOW))
    sign[:SLOW] = np.nan_to_num(sign[:SLOW])
    changed = sign[1:] * sign[:-1] < 0
    return np.append(False, changed & (sign[1:] > 0)), np.append(False, changed & (sign[1:] < 0))


def run_backtesting(bars: Any) -> tuple[float, float, Any]:
    """Event by event: ``backtesting.Backtest``, market orders at the next open, the stop given with the order."""
    import pandas as pd
    from backtesting import Backtest, Strategy

    scale = QUANTITY  # it trades whole units only: one unit is 0.01 coin
    frame = pd.DataFrame(
        {name.capitalize(): bars[name] * scale for name in ("open", "high", "low", "close")}
        | {"Volume": bars["volume"] / scale},
        index=pd.to_datetime(bars["ts_open_ns"]),
    )

    class Cross(Strategy):
        def init(self) -> None:
            up, down = crossings(bars["close"])
            self.up, self.down = self.I(lambda: up, plot=False), self.I(lambda: down, plot=False)
            self.stop = self.I(lambda: bars["close"] * scale * (1.0 - stop_fractions(bars["close"])), plot=False)

        def next(self) -> None:
            if self.up[-1] and not self.position:
                self.buy(size=1, sl=self.stop[-1])
            elif self.down[-1] and self.position:
                self.position.close()

    test = Backtest(frame, Cross, cash=CAPITAL, commission=FEE, finalize_trades=False)
    started = time.process_time()
    found = test.run()
    elapsed = time.process_time() - started
    trades = found["_trades"].sort_values("EntryBar")
    columns = [trades["EntryBar"], trades["ExitBar"], trades["EntryPrice"] / scale, trades["ExitPrice"] / scale]
    return 0.0, elapsed, np.column_stack(columns)


def run_vectorbt(bars: Any) -> tuple[float, float, Any]:
    """Whole arrays: ``vectorbt.Portfolio.from_signals`` with the signals moved to the bar that fills them."""
    started = time.process_time()
    import pandas as pd
    import vectorbt as vbt
    from vectorbt.portfolio.enums import StopEntryPrice

    index = pd.RangeIndex(len(bars["close"]))
    columns = {name: pd.Series(bars[name], index=index) for name in ("open", "high", "low", "close")}

    def simulate() -> Any:
        up, down = crossings(bars["close"])
        return vbt.Portfolio.from_signals(
            columns["close"],
            entries=pd.Series(np.append(False, up[:-1]), index=index),
            exits=pd.Series(np.append(False, down[:-1]), index=index),
            price=columns["open"],
            open=columns["open"],
            high=columns["high"],
            low=columns["low"],
            sl_stop=pd.Series(stop_fractions(bars["open"]), index=index),
            stop_entry_price=StopEntryPrice.FillPrice,
            size=QUANTITY,
            fees=FEE,
            init_cash=CAPITAL,
            freq="1min",
        )

    simulate()
    preparing = time.process_time() - started
    times = []
    for _ in range(5):
        started = time.process_time()
        portfolio = simulate()
        times.append(time.process_time() - started)
    trades = portfolio.trades.records
    trades = trades[trades["status"] == 1]
    rows = np.column_stack([trades[n] for n in ("entry_idx", "exit_idx", "entry_price", "exit_price")])
    return preparing, float(np.median(times)), rows


RUNNERS = {"backtesting": run_backtesting, "vectorbt": run_vectorbt}


def main() -> None:
    name, bars_path, trades_path = sys.argv[1:4]
    bars = dict(np.load(bars_path))
    preparing, elapsed, trades = RUNNERS[name](bars)
    np.save(trades_path, trades)
    version = __import__(name).__version__
    print(json.dumps({"name": name, "version": version, "preparing_s": preparing, "cpu_s": elapsed}))


if __name__ == "__main__":
    main()
