"""Kelly sizing: which fraction of equity a trade may lose at its stop.

All in units of R, the loss from reference price to stop. With target multiples ``t_k`` taken in shares ``s_k``
and a round trip that costs ``c`` (fees and expected slippage of both sides, divided by the stop's distance)::

    win  = sum(s_k t_k) - c        loss = 1 + c        b = win / loss
    f    = (p b - q) / b           edge = p win - q loss

``f`` is multiplied by the regime's fraction and capped by the regime's cap; it is the fraction of equity lost at
the stop, so the notional is ``f * equity / (stop distance / price)``. A signal without targets is taken to earn
what the configured targets would.

``p`` is the signal's calibrated win probability where it gives one, else the strategy's closed trades shrunk
towards one half: ``(wins + k / 2) / (trades + k)``. A voice's *confidence* is not a probability and never enters.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.instruments import FEE_SCALE
from bot4.domain.portfolio import N_TARGETS
from bot4.kernel import f8, i8, kernel, record
from bot4.pipeline.state import BRAIN, CONFIG


@kernel(f8(f8, f8, f8))
def shrunk_win_rate(n_wins: float, n_trades: float, prior_trades: float) -> float:
    """``(wins + k / 2) / (trades + k)``, one half where both are zero."""
    total = n_trades + prior_trades
    return (n_wins + 0.5 * prior_trades) / total if total > 0.0 else 0.5


@kernel(f8(record(BRAIN), record(CONFIG), i8, f8))
def win_probability(brain: Any, config: Any, strategy: int, claimed: float) -> float:
    """``claimed`` where it is a number, else the strategy's shrunk win rate; NaN if claimed beyond 0 to 1."""
    if not math.isnan(claimed):
        return claimed if 0.0 <= claimed <= 1.0 else math.nan
    state = brain["strategies"][strategy]
    wins = float(state["n_wins"])
    trades = float(state["n_trades"])
    return float(shrunk_win_rate(wins, trades, config["decision"]["prior_trades"]))


@kernel(f8(record(CONFIG), i8))
def round_trip_cost(config: Any, symbol: int) -> float:
    """Taker fee and expected slippage of an entry and an exit, as a fraction of the price; never below zero."""
    fee = float(config["instruments"][symbol]["taker_fee"]) / FEE_SCALE
    return float(max(2.0 * (fee + config["decision"]["slippage"]), 0.0))


@kernel(f8(record(CONFIG), f8))
def net_win(config: Any, cost_r: float) -> float:
    """What a trade earns that reaches all its targets, in R, net of ``cost_r``."""
    decision = config["decision"]
    gross = 0.0
    for k in range(N_TARGETS):
        gross += decision["target_share"][k] * decision["target_r"][k]
    return gross - cost_r


@kernel(f8(f8, f8))
def kelly(p: float, payoff: float) -> float:
    """``(p b - q) / b``: the stake that maximises expected log wealth, 0 where there is no edge."""
    return max(p - (1.0 - p) / payoff, 0.0) if payoff > 0.0 else 0.0


@kernel(f8(record(BRAIN), record(CONFIG), f8, f8))
def sized_kelly(brain: Any, config: Any, p: float, payoff: float) -> float:
    """Kelly's stake under the regime's fraction and cap: the fraction of equity to lose at the stop."""
    regime = brain["risk"]["regime"]
    decision = config["decision"]
    return float(min(kelly(p, payoff) * decision["kelly_fraction"][regime], decision["kelly_cap"][regime]))
