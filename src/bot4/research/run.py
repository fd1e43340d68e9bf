"""What a backtest, a paper run or a replay leaves behind, and its statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import BarSeries, FloatArray, IntArray
from bot4.domain.errors import DataError
from bot4.quant.statistics import drawdown, performance, trade_results

TRADE = np.dtype(
    [
        ("trade_id", np.int64),
        ("symbol", np.int16),
        ("strategy", np.int16),
        ("side", np.int8),
        ("entry_ts_ns", np.int64),
        ("exit_ts_ns", np.int64),
        ("entry_price", np.float64),
        ("exit_price", np.float64),
        ("quantity", np.float64),
        ("pnl_quote", np.float64),
        ("fees_quote", np.float64),
        ("slippage_quote", np.float64),
        ("exit_reason", np.int16),
        ("r_multiple", np.float64),
    ]
)
"""One closed trade. ``symbol``, ``strategy`` and ``exit_reason`` are positions in the run's ``symbols``,
``strategies`` and ``exit_reasons``; ``side`` is +1 long, -1 short; prices are means over the fills in quote
currency, ``quantity`` in base units; ``pnl_quote`` is net of fees; ``slippage_quote`` is a cost, positive when
the fills were worse than the price decided on; ``r_multiple`` is NaN for a trade that had no stop."""

Statistics: TypeAlias = dict[str, float | int | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """The outcome of one run, as plain arrays and numbers.

    Attributes:
        strategies, symbols, exit_reasons: names that trades refer to by position.
        is_synthetic: whether any of the market data was generated.
        start_ns, end_ns: UTC time of the first bar's open and of the last event.
        initial_equity: account value before the first event, quote currency.
        quote_asset: the currency of every ``_quote`` figure.
        bars, events, decisions: bars read, events applied, decisions taken.
        clamped: decisions that reached the risk clamps.
        equity_ts_ns: int64[n], UTC times of the samples, ascending.
        equity: float64[n], account value, marked to market and net of every cost so far.
        exposure: float64[n], gross notional of positions over equity.
        buy_and_hold: float64[n], value of the initial equity spread equally over the symbols at the first bar
            and held, after one taker fee.
        trades: records of :data:`TRADE`, in the order of their exits.
        orders, fills: orders sent and fills booked.
        refusals: reason to how many decisions were refused for it.
        clamp_binding: clamp to how many decisions it made smaller.
        fees, slippage, funding: costs of the whole run in quote currency; negative funding was received.
        digest: digest over decisions, orders and fills.
        elapsed_s: wall time the run took.
        price_bars: symbol to bars for the charts, at the run's interval or coarser.
        settings: the resolved settings, as shown.
        notes: warnings that a reader of the figures must know, for example about data quality.

    Raises:
        DataError: columns differ in length, times descend, or the trades are not records of :data:`TRADE`.

    """

    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    is_synthetic: bool
    start_ns: int
    end_ns: int
    initial_equity: float
    quote_asset: str
    bars: int
    events: int
    decisions: int
    clamped: int
    equity_ts_ns: IntArray
    equity: FloatArray
    exposure: FloatArray
    buy_and_hold: FloatArray
    trades: npt.NDArray[np.void]
    exit_reasons: tuple[str, ...]
    orders: int
    fills: int
    fees: float
    slippage: float
    funding: float
    digest: str
    elapsed_s: float
    refusals: Mapping[str, int] = field(default_factory=dict)
    clamp_binding: Mapping[str, int] = field(default_factory=dict)
    price_bars: Mapping[str, BarSeries] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.equity_ts_ns)
        for name in ("equity", "exposure", "buy_and_hold"):
            if len(getattr(self, name)) != n:
                raise DataError(
                    f"{name} has {len(getattr(self, name))} samples, equity_ts_ns has {n}",
                    where="run result",
                    remedy="give every column one value per sample",
                )
        if np.any(np.diff(self.equity_ts_ns) < 0):
            raise DataError("equity_ts_ns descends", where="run result", remedy="order the samples by time")
        if self.trades.dtype != TRADE:
            raise DataError(
                f"trades are {self.trades.dtype}", where="run result", remedy="build them with bot4.research.run.TRADE"
            )

    @property
    def final_equity(self) -> float:
        """The last equity sample, or the initial equity of a run without one."""
        return float(self.equity[-1]) if len(self.equity) else self.initial_equity

    @property
    def events_per_s(self) -> float | None:
        """Events applied per second of wall time; None where no time was measured."""
        return self.events / self.elapsed_s if self.elapsed_s > 0.0 else None

    def equity_curve(self) -> tuple[IntArray, FloatArray]:
        """Times and values of the equity with the initial equity, at the start, put before them."""
        return self._from_start(self.equity)

    def buy_and_hold_curve(self) -> tuple[IntArray, FloatArray]:
        """Times and values of buy-and-hold with the initial equity, at the start, put before them."""
        return self._from_start(self.buy_and_hold)

    def statistics(self) -> Statistics:
        """Every statistic of :data:`bot4.research.measures.MEASURES` by key; None where undefined."""
        ts_ns, equity = self.equity_curve()
        return equity_statistics(ts_ns, equity) | self._trade_statistics() | self._activity_statistics()

    def buy_and_hold_statistics(self) -> Statistics:
        """The statistics of an equity curve, of buy-and-hold; None where undefined."""
        return equity_statistics(*self.buy_and_hold_curve())

    def _from_start(self, values: FloatArray) -> tuple[IntArray, FloatArray]:
        first_ns = min(self.start_ns, int(self.equity_ts_ns[0])) if len(values) else self.start_ns
        ts_ns = np.concatenate((np.array([first_ns], dtype=np.int64), self.equity_ts_ns))
        return ts_ns, np.concatenate((np.array([self.initial_equity]), values))

    def _trade_statistics(self) -> Statistics:
        pnl = self.trades["pnl_quote"]
        return {
            "trades": len(pnl),
            "win_rate": trade_results.win_rate(pnl),
            "profit_factor": trade_results.profit_factor(pnl),
            "expectancy_quote": trade_results.expectancy(pnl),
            "expectancy_r": trade_results.expectancy(self.trades["r_multiple"]),
            "average_win": trade_results.average_win(pnl),
            "average_loss": trade_results.average_loss(pnl),
            "payoff_ratio": trade_results.payoff_ratio(pnl),
            "longest_losing_streak": trade_results.longest_losing_streak(pnl),
        }

    def _activity_statistics(self) -> Statistics:
        trades = self.trades
        notional = float(np.sum(trades["quantity"] * (trades["entry_price"] + trades["exit_price"])))
        return {
            "mean_exposure": performance.time_weighted_mean(self.equity_ts_ns, self.exposure),
            "time_in_market": performance.time_weighted_mean(self.equity_ts_ns, np.sign(self.exposure)),
            "turnover": trade_results.turnover(notional, performance.time_weighted_mean(*self.equity_curve())),
        }


def equity_statistics(ts_ns: IntArray, equity: FloatArray) -> Statistics:
    """The statistics that any equity curve has (``EQUITY_MEASURES``); ``equity[0]`` is the starting value."""
    returns = performance.daily_returns(ts_ns, equity)
    deepest = drawdown.maximum_drawdown(ts_ns, equity)
    longest = drawdown.longest_drawdown(ts_ns, equity)
    is_defined = len(drawdown.drawdown_curve(equity)) > 0
    depth = deepest.depth if deepest else 0.0 if is_defined else None
    growth = performance.cagr(ts_ns, equity)
    closes = performance.daily_closes(ts_ns, equity)[1]
    return {
        "total_return": performance.total_return(equity),
        "cagr": growth,
        "annualised_volatility": performance.annualised_volatility(returns),
        "sharpe": performance.sharpe(returns),
        "probabilistic_sharpe": performance.probabilistic_sharpe(returns),
        "sortino": performance.sortino(returns),
        "calmar": performance.calmar(growth, depth),
        "max_drawdown": depth,
        "max_drawdown_peak_ns": deepest.peak_ns if deepest else None,
        "max_drawdown_trough_ns": deepest.trough_ns if deepest else None,
        "max_drawdown_recovery_ns": deepest.recovery_ns if deepest else None,
        "longest_drawdown_ns": longest.duration_ns if longest else 0 if is_defined else None,
        "ulcer_index": drawdown.ulcer_index(np.concatenate((equity[:1], closes))),
        "var_95": performance.value_at_risk(returns, 0.95),
        "cvar_95": performance.conditional_value_at_risk(returns, 0.95),
        "var_99": performance.value_at_risk(returns, 0.99),
        "cvar_99": performance.conditional_value_at_risk(returns, 0.99),
        "tail_ratio": performance.tail_ratio(returns),
        "skewness": performance.skewness(returns),
        "kurtosis": performance.kurtosis(returns),
    }
