"""Statistics of closed trades, from their results in quote currency net of costs, in the order of their exits.

NaN policy: None where undefined (no trades, no winners, no losers). A trade that made exactly nothing is neither won
nor lost, but counts as a trade.
"""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import FloatArray


def win_rate(pnl_quote: FloatArray) -> float | None:
    """Winning trades over all trades."""
    return float(np.mean(pnl_quote > 0.0)) if len(pnl_quote) else None


def profit_factor(pnl_quote: FloatArray) -> float | None:
    """Sum of the gains over the sum of the losses; None without a loss."""
    lost = -float(np.sum(pnl_quote[pnl_quote < 0.0]))
    return float(np.sum(pnl_quote[pnl_quote > 0.0])) / lost if lost > 0.0 else None


def expectancy(results: FloatArray) -> float | None:
    """Mean result of a trade, in the unit given (quote currency, or R: multiples of the risk taken at entry).

    Results that are not finite (a trade without a stop has no R) are left out.
    """
    known = results[np.isfinite(results)]
    return float(np.mean(known)) if len(known) else None


def average_win(pnl_quote: FloatArray) -> float | None:
    """Mean gain of the winning trades."""
    return _mean(pnl_quote[pnl_quote > 0.0])


def average_loss(pnl_quote: FloatArray) -> float | None:
    """Mean result of the losing trades, negative."""
    return _mean(pnl_quote[pnl_quote < 0.0])


def payoff_ratio(pnl_quote: FloatArray) -> float | None:
    """Average win over the size of the average loss; None without both."""
    won, lost = average_win(pnl_quote), average_loss(pnl_quote)
    return None if won is None or lost is None else won / -lost


def longest_losing_streak(pnl_quote: FloatArray) -> int:
    """The most losing trades in a row; 0 without trades."""
    longest = running = 0
    for lost in (pnl_quote < 0.0).tolist():
        running = running + 1 if lost else 0
        longest = max(longest, running)
    return longest


def turnover(traded_notional_quote: float, mean_equity_quote: float | None) -> float | None:
    """Notional bought and sold over mean equity: how many times the account was traded. None without equity."""
    if mean_equity_quote is None or mean_equity_quote <= 0.0:
        return None
    return traded_notional_quote / mean_equity_quote


def _mean(values: FloatArray) -> float | None:
    return float(np.mean(values)) if len(values) else None
