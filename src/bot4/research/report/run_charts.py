"""Which charts over time a run has, and what each says to someone who cannot see it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import DAY_NS, BarSeries, FloatArray
from bot4.quant.statistics import drawdown, performance
from bot4.research.report import formats
from bot4.research.report.charts import Band, Line, Mark, TimeAxis, TimeChart, dots, segments
from bot4.research.report.scales import Axis, axis_over
from bot4.research.run import Run

TRADES_DRAWN = 1500
"""Most trades marked on one price chart; beyond it the ones with the largest results are."""
_PRICE_BUCKETS = 8000
"""Time buckets shared by all price charts of a report, so that many symbols do not make a huge file."""


def equity_chart(run: Run) -> TimeChart:
    """Account value beside buy-and-hold."""
    ts_ns, equity = run.equity_curve()
    held = run.buy_and_hold_curve()[1]
    return TimeChart(
        title="Equity",
        unit=run.quote_asset,
        description=(
            f"from {formats.number(run.initial_equity)} to {formats.number(run.final_equity)} {run.quote_asset}; "
            f"buy-and-hold ends at {formats.number(float(held[-1]))}"
        ),
        ts_ns=ts_ns,
        lines=(Line("Buy and hold", held, "benchmark"), Line("Strategy", equity, "strategy")),
        axis=axis_over(equity, held, may_be_log=True),
        value_format="money",
        style="tall",
    )


def drawdown_chart(run: Run) -> TimeChart | None:
    """Distance from the last peak, beside buy-and-hold's; None where it is undefined."""
    ts_ns, equity = run.equity_curve()
    curve, held = drawdown.drawdown_curve(equity), drawdown.drawdown_curve(run.buy_and_hold_curve()[1])
    if len(curve) == 0:
        return None
    lines = [Line("Strategy", -curve, "strategy", is_filled=True)]
    if len(held):
        lines.insert(0, Line("Buy and hold", -held, "benchmark"))
    return TimeChart(
        title="Drawdown",
        unit="% below the highest equity so far",
        description=f"deepest {formats.percent(float(curve.max()))}",
        ts_ns=ts_ns,
        lines=tuple(lines),
        axis=axis_over(*[line.values for line in lines], is_from_zero=True),
        value_format="percent",
    )


def exposure_chart(run: Run) -> TimeChart:
    """Gross notional over equity."""
    known = run.exposure[np.isfinite(run.exposure)]
    highest = float(known.max()) if len(known) else None
    return TimeChart(
        title="Exposure",
        unit="gross notional of positions, % of equity",
        description=f"highest {formats.percent(highest)}",
        ts_ns=run.equity_ts_ns,
        lines=(Line("Exposure", run.exposure, "exposure", is_filled=True),),
        axis=axis_over(run.exposure, is_from_zero=True),
        value_format="percent",
    )


def rolling_sharpe_chart(run: Run) -> TimeChart | None:
    """Sharpe ratio of a moving window: 90 days where the run has 180, else 30; None with fewer than 31 days."""
    ts_ns, equity = run.equity_curve()
    returns = performance.daily_returns(ts_ns, equity)
    window = 90 if len(returns) >= 180 else 30
    ratios = performance.rolling_sharpe(returns, window)
    if np.count_nonzero(np.isfinite(ratios)) < 2:
        return None
    days = performance.daily_closes(ts_ns, equity)[0][window - 1 :]
    closes_ns = np.minimum((days + 1) * DAY_NS, run.end_ns)
    return TimeChart(
        title=f"Rolling Sharpe ratio, {window} days",
        unit="annualised, from daily UTC returns",
        description=f"last {formats.number(float(ratios[-1]))}",
        ts_ns=closes_ns,
        lines=(Line("Sharpe", ratios, "strategy"),),
        axis=axis_over(ratios, is_from_zero=True),
        value_format="ratio",
    )


def price_chart(run: Run, symbol: str, time: TimeAxis) -> TimeChart | None:
    """The symbol's price with every entry and exit; None without bars."""
    bars = run.price_bars.get(symbol)
    if bars is None or len(bars) == 0:
        return None
    traded = run.trades[run.trades["symbol"] == run.symbols.index(symbol)] if symbol in run.symbols else run.trades[:0]
    drawn = _largest(traded)
    axis = axis_over(bars.low, bars.high, drawn["entry_price"], drawn["exit_price"], may_be_log=True)
    caption = ""
    if len(drawn) < len(traded):
        caption = f"The {len(drawn):,} trades with the largest results are marked, of {len(traded):,}."
    return TimeChart(
        title=f"Trades on {symbol}",
        unit=f"price in {run.quote_asset}",
        description=f"{len(traded):,} trades on the price of {symbol}",
        ts_ns=bars.ts_open_ns + bars.interval_ns,
        lines=(Line("Close", bars.close, "price"),),
        band=Band("Low to high", bars.low, bars.high, "price"),
        axis=axis,
        value_format="price",
        marks=_trade_marks(drawn, axis, time),
        events=tuple(_trade_event(run, trade) for trade in drawn),
        buckets=min(2400, max(600, _PRICE_BUCKETS // max(len(run.price_bars), 1))),
        style="tall",
        caption=caption,
    )


def time_axis(run: Run) -> TimeAxis:
    """From the run's start to its last event, sample or bar."""
    ends = [
        run.end_ns,
        *(int(ts) for ts in run.equity_ts_ns[-1:]),
        *(_end_ns(bars) for bars in run.price_bars.values()),
    ]
    return TimeAxis(int(run.equity_curve()[0][0]), max(ends))


def _end_ns(bars: BarSeries) -> int:
    return int(bars.ts_open_ns[-1]) + bars.interval_ns if len(bars) else 0


def _largest(trades: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    if len(trades) <= TRADES_DRAWN:
        return trades
    by_size = np.argsort(-np.abs(trades["pnl_quote"]), kind="stable")
    return trades[np.sort(by_size[:TRADES_DRAWN])]


def _trade_marks(trades: npt.NDArray[np.void], axis: Axis, time: TimeAxis) -> tuple[Mark, ...]:
    won, long = trades["pnl_quote"] > 0.0, trades["side"] > 0

    def path(chosen: npt.NDArray[np.bool_]) -> str:
        part = trades[chosen]
        return segments(
            time, axis, (part["entry_ts_ns"], part["exit_ts_ns"]), (part["entry_price"], part["exit_price"])
        )

    def points(end: str, chosen: npt.NDArray[np.bool_]) -> str:
        prices: FloatArray = trades[f"{end}_price"][chosen]
        return dots(time, axis, trades[f"{end}_ts_ns"][chosen], prices)

    return (
        Mark("Won", path(won), "trade gain"),
        Mark("Lost", path(~won), "trade loss dashed"),
        Mark("Long entry", points("entry", long), "dot entry-long"),
        Mark("Short entry", points("entry", ~long), "dot entry-short"),
        Mark("", points("entry", ~long), "dot hollow"),
        Mark("Exit", points("exit", np.ones(len(trades), dtype=bool)), "dot exit"),
    )


def _trade_event(run: Run, trade: np.void) -> tuple[int | float | str | None, ...]:
    """Entry and exit in ms, side, result, R, why it ended: what the pointer shows."""
    r_multiple = float(trade["r_multiple"])
    return (
        int(trade["entry_ts_ns"]) // 1_000_000,
        int(trade["exit_ts_ns"]) // 1_000_000,
        int(trade["side"]),
        round(float(trade["pnl_quote"]), 2),
        round(r_multiple, 2) if np.isfinite(r_multiple) else None,
        run.exit_reasons[int(trade["exit_reason"])],
    )
