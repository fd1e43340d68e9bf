"""What a closed trade teaches: the record of the trade and the statistics that sizing learns from."""

from __future__ import annotations

from typing import Any

from bot4.domain.portfolio import SLEEVE, TRADE_RECORD
from bot4.kernel import i8, kernel, record, void
from bot4.pipeline.execution.outbox import emit_trade
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(TRADE_RECORD), i8, i8, i8))
def close_trade(brain: Any, config: Any, outbox: Any, trade: Any, symbol: int, strategy: int, ts_ns: int) -> None:
    """Record the trade that a sleeve has just closed, count it, and make the sleeve ready for the next."""
    sleeve = brain["sleeves"][strategy, symbol]
    trade["trade_id"] = brain["next_trade_id"]
    brain["next_trade_id"] += 1
    trade["decision_id"] = sleeve["decision_id"]
    trade["symbol"] = symbol
    trade["strategy"] = strategy
    trade["side"] = 1 if sleeve["is_short"] == 0 else -1
    trade["exit_reason"] = sleeve["last_reason"]
    trade["ts_entry_ns"] = sleeve["ts_entry_ns"]
    trade["ts_exit_ns"] = ts_ns
    trade["entry_lots"] = sleeve["entry_lots"]
    trade["entry_cost_atoms"] = sleeve["entry_cost_atoms"]
    trade["exit_value_atoms"] = sleeve["exit_value_atoms"]
    trade["realised_atoms"] = sleeve["realised_atoms"]
    trade["fees_atoms"] = sleeve["fees_atoms"]
    trade["risk_atoms"] = sleeve["risk_atoms"]
    trade["slippage_atoms"] = sleeve["slippage_atoms"]
    emit_trade(outbox, trade)
    net_atoms = sleeve["realised_atoms"] - sleeve["fees_atoms"]
    closed = brain["strategies"][strategy]
    closed["n_trades"] += 1
    if net_atoms > 0:
        closed["n_wins"] += 1
    closed["realised_quote"] += net_atoms * config["instruments"][symbol]["quote_atom"]
    _clear(sleeve)


@kernel(void(record(SLEEVE)))
def _clear(sleeve: Any) -> None:
    sleeve["cost_atoms"] = 0
    sleeve["realised_atoms"] = 0
    sleeve["fees_atoms"] = 0
    sleeve["entry_lots"] = 0
    sleeve["entry_cost_atoms"] = 0
    sleeve["exit_lots"] = 0
    sleeve["exit_value_atoms"] = 0
    sleeve["risk_atoms"] = 0
    sleeve["slippage_atoms"] = 0
    sleeve["stop_ticks"] = 0
    sleeve["trail_ticks"] = 0
    sleeve["is_exiting"] = 0
    sleeve["is_entering"] = 0
    sleeve["last_reason"] = 0
    sleeve["leave_reason"] = 0
    sleeve["carried_lots"] = 0
    sleeve["exit_tried_ns"] = 0
