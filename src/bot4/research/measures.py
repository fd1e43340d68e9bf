"""The catalogue of statistics a run reports: key, title, unit and definition of each, in the order shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """How a statistic's number is read."""

    RATIO = "ratio"
    FRACTION = "fraction"
    SIGNED_FRACTION = "signed fraction"
    QUOTE = "quote currency"
    COUNT = "count"
    DURATION_NS = "nanoseconds"
    TIME_NS = "UTC nanoseconds"


@dataclass(frozen=True, slots=True)
class Measure:
    """One statistic: its key in ``RunResult.statistics()``, its title, unit, group and definition in words."""

    key: str
    title: str
    unit: Unit
    group: str
    definition: str


MEASURES: tuple[Measure, ...] = (
    Measure("total_return", "Total return", Unit.SIGNED_FRACTION, "Return", "Final over initial equity, less one."),
    Measure(
        "cagr",
        "Annual growth (CAGR)",
        Unit.SIGNED_FRACTION,
        "Return",
        "Compound annual growth rate: (final / initial) ^ (365 days / elapsed) - 1. Undefined under 30 days.",
    ),
    Measure(
        "annualised_volatility",
        "Volatility, annual",
        Unit.FRACTION,
        "Return",
        "Standard deviation of daily UTC returns times the square root of 365. Undefined under 30 days.",
    ),
    Measure(
        "sharpe",
        "Sharpe ratio",
        Unit.RATIO,
        "Risk-adjusted",
        "Mean over standard deviation of daily UTC returns, times the square root of 365; risk-free rate 0. "
        "Undefined under 30 days.",
    ),
    Measure(
        "probabilistic_sharpe",
        "Probabilistic Sharpe",
        Unit.FRACTION,
        "Risk-adjusted",
        "Probability that the true Sharpe ratio is above 0, given the number of days, skew and fat tails "
        "(Bailey and Lopez de Prado, 2012). It does not account for how many variants were tried.",
    ),
    Measure(
        "sortino",
        "Sortino ratio",
        Unit.RATIO,
        "Risk-adjusted",
        "Mean of daily returns over their downside deviation from 0 (all days counted), times the square root of 365.",
    ),
    Measure("calmar", "Calmar ratio", Unit.RATIO, "Risk-adjusted", "CAGR over maximum drawdown, over the whole run."),
    Measure(
        "max_drawdown",
        "Maximum drawdown",
        Unit.FRACTION,
        "Drawdown",
        "Largest fall from a peak, as a fraction of the peak, over every equity sample.",
    ),
    Measure("max_drawdown_peak_ns", "Peak before it", Unit.TIME_NS, "Drawdown", "When the deepest drawdown began."),
    Measure("max_drawdown_trough_ns", "Trough", Unit.TIME_NS, "Drawdown", "When the deepest drawdown was deepest."),
    Measure(
        "max_drawdown_recovery_ns",
        "Recovered",
        Unit.TIME_NS,
        "Drawdown",
        "When equity was first back at that peak; undefined while under water.",
    ),
    Measure(
        "longest_drawdown_ns",
        "Longest drawdown",
        Unit.DURATION_NS,
        "Drawdown",
        "Longest time from a peak to its recovery, or to the end of the run.",
    ),
    Measure(
        "ulcer_index",
        "Ulcer index",
        Unit.FRACTION,
        "Drawdown",
        "Root mean square of the drawdown of daily closes: depth and length in one number.",
    ),
    Measure(
        "var_95",
        "VaR 95%, one day",
        Unit.FRACTION,
        "Tails",
        "Historical value at risk, a positive loss: one day in twenty was at least this bad. Undefined under 30 days.",
    ),
    Measure(
        "cvar_95", "CVaR 95%, one day", Unit.FRACTION, "Tails", "Mean loss of the worst 5% of days, a positive loss."
    ),
    Measure(
        "var_99",
        "VaR 99%, one day",
        Unit.FRACTION,
        "Tails",
        "Historical value at risk, a positive loss: one day in a hundred was at least this bad. "
        "Undefined under 100 days.",
    ),
    Measure(
        "cvar_99", "CVaR 99%, one day", Unit.FRACTION, "Tails", "Mean loss of the worst 1% of days, a positive loss."
    ),
    Measure(
        "tail_ratio",
        "Tail ratio",
        Unit.RATIO,
        "Tails",
        "95th over 5th percentile of daily returns in size: above 1 the good tail is the fatter.",
    ),
    Measure("skewness", "Skewness", Unit.RATIO, "Tails", "Third standardised moment of daily returns; 0 is symmetric."),
    Measure("kurtosis", "Kurtosis", Unit.RATIO, "Tails", "Fourth standardised moment of daily returns; 3 is normal."),
    Measure("trades", "Trades", Unit.COUNT, "Trades", "Positions opened and closed within the run."),
    Measure("win_rate", "Win rate", Unit.FRACTION, "Trades", "Trades with a gain net of costs, over all trades."),
    Measure(
        "profit_factor",
        "Profit factor",
        Unit.RATIO,
        "Trades",
        "Sum of gains over sum of losses, net of costs. Undefined without a loss.",
    ),
    Measure("expectancy_quote", "Expectancy", Unit.QUOTE, "Trades", "Mean result of a trade, net of costs."),
    Measure(
        "expectancy_r",
        "Expectancy in R",
        Unit.RATIO,
        "Trades",
        "Mean result of a trade in multiples of what it risked at entry (R).",
    ),
    Measure("average_win", "Average win", Unit.QUOTE, "Trades", "Mean gain of winning trades, net of costs."),
    Measure("average_loss", "Average loss", Unit.QUOTE, "Trades", "Mean result of losing trades, net of costs."),
    Measure("payoff_ratio", "Payoff ratio", Unit.RATIO, "Trades", "Average win over the size of the average loss."),
    Measure("longest_losing_streak", "Longest losing streak", Unit.COUNT, "Trades", "Most losing trades in a row."),
    Measure(
        "mean_exposure",
        "Mean exposure",
        Unit.FRACTION,
        "Activity",
        "Gross notional of positions over equity, averaged over time.",
    ),
    Measure(
        "time_in_market", "Time in the market", Unit.FRACTION, "Activity", "Share of time with a position of any size."
    ),
    Measure(
        "turnover",
        "Turnover",
        Unit.RATIO,
        "Activity",
        "Notional bought and sold by closed trades, over mean equity: how many times the account was traded.",
    ),
)
EQUITY_MEASURES = frozenset(
    measure.key for measure in MEASURES if measure.group in {"Return", "Risk-adjusted", "Drawdown", "Tails"}
)
"""Keys that are defined for any equity curve, buy-and-hold too."""
