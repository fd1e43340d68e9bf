"""Equity at the mark, and the two stops that watch it: drawdown and daily loss."""

from __future__ import annotations

from typing import Any

from bot4.domain.portfolio import HOLDINGS
from bot4.kernel import f8, i8, kernel, record, void
from bot4.pipeline.risk.clock import DAY_NS
from bot4.pipeline.state import BRAIN, CONFIG

DRAWDOWN_RELEASE = 0.5  # share of the drawdown limit below which a stopped brain may take risk again


@kernel(f8(record(BRAIN), record(CONFIG)), is_inlined=True)
def mark_equity(brain: Any, config: Any) -> float:
    """Equity in quote currency: cash, spot positions at the mark, unrealised result of perpetuals.

    A float for measures and reports only; the ledger keeps the exact balances.
    """
    quote_atom = config["instruments"][0]["quote_atom"]
    equity = brain["ledger"]["balances"][HOLDINGS, config["quote_asset"]] * quote_atom
    for symbol in range(config["n_symbols"]):
        position = brain["positions"][symbol]
        lots = position["lots"]
        if lots != 0:
            instrument = config["instruments"][symbol]
            equity += float(lots) * float(position["mark_ticks"]) * instrument["quote_per_tick_lot"]
            if instrument["is_perpetual"]:
                equity -= position["cost_atoms"] * quote_atom
    return float(equity)


@kernel(void(record(BRAIN), record(CONFIG), f8, i8), is_inlined=True)
def update_stops(brain: Any, config: Any, equity: float, ts_ns: int) -> None:
    """Bring peak, drawdown and the day's loss up to date, and set or release the two stops.

    The drawdown stop sets at ``drawdown >= drawdown_stop`` and releases below half of that. The daily loss stop
    sets when the day has lost ``daily_loss_stop`` of its first equity and releases with the next UTC day. An
    equity that is NaN, zero or less sets the drawdown stop.
    """
    risk = brain["risk"]
    limits = config["risk"]
    if not equity > 0.0:
        risk["is_drawdown_stopped"] = 1
        return
    if equity > risk["peak_equity"]:
        risk["peak_equity"] = equity
    drawdown = 1.0 - equity / risk["peak_equity"]
    risk["drawdown"] = drawdown
    if drawdown > risk["max_drawdown"]:
        risk["max_drawdown"] = drawdown
    if drawdown >= limits["drawdown_stop"]:
        risk["is_drawdown_stopped"] = 1
    elif drawdown < DRAWDOWN_RELEASE * limits["drawdown_stop"]:
        risk["is_drawdown_stopped"] = 0
    day = ts_ns // DAY_NS
    if day != risk["day"]:
        risk["day"] = day
        risk["day_start_equity"] = equity
        risk["is_day_stopped"] = 0
    if equity <= risk["day_start_equity"] * (1.0 - limits["daily_loss_stop"]):
        risk["is_day_stopped"] = 1
