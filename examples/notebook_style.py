"""Bot4 from Python, as in a notebook: bars in a Polars frame, a backtest, the result, its trades and its report.

    python examples/notebook_style.py [REPORT.html]

In a notebook the last expression of a cell is enough: `result` shows itself.
"""

from __future__ import annotations

import sys
from decimal import Decimal

import bot4
from bot4.adapters.storage.bar_files import bars_from_frame, frame_from_bars
from bot4.domain.bars import HOUR_NS
from bot4.quant.series.synthetic import synthetic_bars


def main(report: str = "notebook_style.html") -> None:
    """Run two strategies together over 5,000 generated hours and write the report."""
    # Any frame with a time, open, high, low, close and volume will do. Real bars go straight into
    # bot4.backtest(frame, symbol="BTCUSDT"); a frame of generated ones must say so, since the result repeats it.
    frame = frame_from_bars(synthetic_bars(7, 5_000, HOUR_NS))
    bars = bars_from_frame(frame, "BTCUSDT", is_synthetic=True)

    settings = bot4.RunSettings(capital=Decimal(25_000), slippage_bps=3.0)
    result = bot4.backtest(bars, strategies=["hybrid", "breakout"], settings=settings)

    print(result)
    print(result.trades_frame().select("entry_ts", "strategy", "quantity", "pnl_quote", "exit_reason").tail(5))
    print("report written to", result.save_report(report))


if __name__ == "__main__":
    main(*sys.argv[1:2])
