"""Decisions of one timestamp: strategies asked, proposals ranked by edge, each judged by the risk gate in turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.portfolio import BY_SIGNAL
from bot4.kernel import i8, kernel, record, records, void
from bot4.pipeline.decision.propose import leaves, propose
from bot4.pipeline.execution.commands import place_entry
from bot4.pipeline.execution.outbox import emit_decision, emit_sample
from bot4.pipeline.protecting import leave
from bot4.pipeline.risk.equity import mark_equity, update_stops
from bot4.pipeline.risk.gate import approve
from bot4.pipeline.state import (
    APPROVED,
    BRAIN,
    CONFIG,
    ENTER,
    HOLD,
    MARKET,
    OUTBOX,
    SUSPENDED,
)
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

_ask = STRATEGY_FAMILY.call
_HASH_PRIME = 1099511628211
_NAN = np.nan


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX)), is_inlined=True)
def refresh_account(brain: Any, config: Any, outbox: Any) -> None:
    """Mark the account at the latest prices, judge the stops of the account, and sample the equity curve."""
    ts_ns = brain["ts_ns"]
    equity = mark_equity(brain, config)
    brain["equity"] = equity
    update_stops(brain, config, equity, ts_ns)
    interval = config["risk"]["risk_bar_ns"]
    if ts_ns - brain["ts_sampled_ns"] >= interval:
        brain["ts_sampled_ns"] = ts_ns - ts_ns % interval  # the boundary: no division until the next one
        gross = 0.0
        for symbol in range(config["n_symbols"]):
            position = brain["positions"][symbol]
            value = position["lots"] * config["instruments"][symbol]["quote_per_tick_lot"] * position["mark_ticks"]
            gross += abs(value)
        emit_sample(outbox, ts_ns, equity, gross / equity if equity > 0.0 else 0.0)


@kernel(void(record(BRAIN), record(CONFIG), records(MARKET), record(OUTBOX)), is_inlined=True)
def decide_due(brain: Any, config: Any, markets: Any, outbox: Any) -> None:
    """Ask every strategy about every symbol that has a new bar, then act on the answers by falling edge."""
    n_proposals = 0
    for symbol in range(config["n_symbols"]):
        if brain["is_due"][symbol]:
            brain["is_due"][symbol] = 0
            for strategy in range(config["n_strategies"]):
                if config["strategies"][strategy]["is_active"]:
                    n_proposals += _decide_one(brain, config, markets, outbox, symbol, strategy, n_proposals)
    for rank in range(n_proposals):
        _bring_forward(brain, rank, n_proposals)
        _judge(brain, config, outbox, rank)


@kernel(i8(record(BRAIN), record(CONFIG), records(MARKET), record(OUTBOX), i8, i8, i8), is_inlined=True)
def _decide_one(
    brain: Any, config: Any, markets: Any, outbox: Any, symbol: int, strategy: int, n_proposals: int
) -> int:
    """One strategy's answer about one symbol; returns 1 if it left a proposal in place ``n_proposals``."""
    frames = markets[symbol]["frames"]
    rows = brain["symbol_rows"]
    base = frames[0]["features"][rows[symbol, 0]]
    signal = brain["signal"]
    if config["strategies"][strategy]["is_python"]:
        _take_intent(brain, strategy, symbol)
    else:
        _ask_kernel(brain, config, markets, strategy, symbol)
    _hash_signal(brain)
    sleeve = brain["sleeves"][strategy, symbol]
    ts_ns = brain["ts_ns"]
    if sleeve["lots"] != 0 or sleeve["is_entering"]:
        if leaves(brain, config, symbol, strategy, signal):
            leave(brain, config, outbox, symbol, strategy, BY_SIGNAL, ts_ns)
        return 0
    if signal["action"] != ENTER:
        sleeve["last_reason"] = 0
        return 0
    proposal = brain["proposals"][n_proposals]
    refusal = propose(brain, config, base, symbol, strategy, ts_ns, signal, proposal)
    if refusal != APPROVED:
        brain["refusals"][refusal] += 1
        return 0
    return 1


@kernel(void(record(BRAIN), i8, i8))
def _take_intent(brain: Any, strategy: int, symbol: int) -> None:
    brain["signal"] = brain["intents"][strategy, symbol]
    brain["intents"][strategy, symbol]["action"] = HOLD


@kernel(void(record(BRAIN), record(CONFIG), records(MARKET), i8, i8), is_inlined=True)
def _ask_kernel(brain: Any, config: Any, markets: Any, strategy: int, symbol: int) -> None:
    _clear_signal(brain)
    if brain["strategies"][strategy]["is_suspended"]:
        return
    _fill_view(brain, config, markets, strategy, symbol)
    settings = config["strategies"][strategy]
    if settings["n_columns"] > 0:
        _gather_rows(brain, config, markets, symbol)
    status = _ask(
        settings["address"],
        brain["view"],
        brain["rows"][:],
        settings["columns"][:],
        settings["params"][:],
        brain["memory"][strategy, symbol],
        brain["signal"],
    )
    if status != 0:
        brain["strategies"][strategy]["is_suspended"] = 1
        brain["refusals"][SUSPENDED] += 1
        _clear_signal(brain)


@kernel(void(record(BRAIN), record(CONFIG), records(MARKET), i8), is_inlined=True)
def _gather_rows(brain: Any, config: Any, markets: Any, symbol: int) -> None:
    """Put the symbol's current feature rows of all timeframes one under another."""
    rows = brain["rows"]
    for k in range(config["n_frames"]):
        features = markets[symbol]["frames"][k]["features"][brain["symbol_rows"][symbol, k]]
        for column in range(config["n_columns"]):
            rows[k, column] = features[column]


@kernel(void(record(BRAIN)), is_inlined=True)
def _clear_signal(brain: Any) -> None:
    signal = brain["signal"]
    signal["action"] = HOLD
    signal["direction"] = 0.0
    signal["confidence"] = 0.0
    signal["win_probability"] = _NAN
    signal["fixed_lots"] = 0
    signal["stop_distance"] = _NAN
    signal["has_targets"] = 0
    signal["has_trail"] = 0


@kernel(void(record(BRAIN), record(CONFIG), records(MARKET), i8, i8), is_inlined=True)
def _fill_view(brain: Any, config: Any, markets: Any, strategy: int, symbol: int) -> None:
    view = brain["view"]
    instrument = config["instruments"][symbol]
    sleeve = brain["sleeves"][strategy, symbol]
    tick = instrument["tick"]
    bars = brain["bars"]
    view["ts_ns"] = brain["ts_ns"]
    view["symbol"] = symbol
    view["strategy"] = strategy
    view["position_lots"] = sleeve["lots"]
    view["is_entering"] = sleeve["is_entering"]
    view["is_exiting"] = sleeve["is_exiting"]
    view["open"] = bars[symbol, 0] * tick
    view["high"] = bars[symbol, 1] * tick
    view["low"] = bars[symbol, 2] * tick
    view["close"] = bars[symbol, 3] * tick
    view["volume"] = brain["bar_volume"][symbol]
    view["tick"] = tick
    view["lot"] = instrument["lot"]
    view["entry_price"] = 0.0
    if sleeve["lots"] != 0:
        quote_per_base = sleeve["cost_atoms"] * instrument["quote_atom"] / (sleeve["lots"] * instrument["lot"])
        view["entry_price"] = abs(quote_per_base)
    view["regime"] = brain["risk"]["regime"]
    view["n_frames"] = config["n_frames"]
    view["completed"][0] = brain["observed_bars"][symbol]
    for k in range(1, config["n_frames"]):
        frame = markets[symbol]["frames"][k]
        view["completed"][k] = frame["n_bars"] - frame["n_rows"] + brain["symbol_rows"][symbol, k]
    confluence = brain["technical"][symbol]["confluence"]
    is_heard = config["technical"]["is_used"] != 0
    view["technical_score"] = confluence["score"] if is_heard else _NAN
    view["technical_alignment"] = confluence["alignment"]
    view["technical_confidence"] = confluence["confidence"]
    view["is_confluent"] = confluence["is_confluent"]


@kernel(void(record(BRAIN)), is_inlined=True)
def _hash_signal(brain: Any) -> None:
    signal = brain["signal"]
    mixed = brain["decision_hash"]
    mixed = (mixed ^ signal["action"]) * _HASH_PRIME
    mixed = (mixed ^ signal["direction_bits"]) * _HASH_PRIME
    mixed = (mixed ^ signal["confidence_bits"]) * _HASH_PRIME
    brain["decision_hash"] = mixed ^ (mixed >> 29)


@kernel(void(record(BRAIN), i8, i8))
def _bring_forward(brain: Any, rank: int, n_proposals: int) -> None:
    """Swap the best of the proposals from ``rank`` on into place: greatest |edge|, then lowest symbol, strategy."""
    proposals = brain["proposals"]
    best = rank
    for k in range(rank + 1, n_proposals):
        if abs(proposals[k]["edge"]) > abs(proposals[best]["edge"]):
            best = k
    # Shifting, not swapping, keeps the others in the order of symbol and strategy.
    if best != rank:
        brain["proposal"] = proposals[best]
        for k in range(best, rank, -1):
            proposals[k] = proposals[k - 1]
        proposals[rank] = brain["proposal"]


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8))
def _judge(brain: Any, config: Any, outbox: Any, rank: int) -> None:
    proposal = brain["proposals"][rank]
    decision = brain["decision"]
    sleeve = brain["sleeves"][proposal["strategy"], proposal["symbol"]]
    proposal["id"] = brain["next_decision_id"]
    refusal = approve(brain, config, proposal, decision)
    if refusal == APPROVED:
        brain["next_decision_id"] += 1
        emit_decision(outbox, decision)
        place_entry(brain, config, outbox, decision)
    elif sleeve["last_reason"] != refusal:
        # The same refusal bar after bar is counted by the gate and written down once.
        sleeve["last_reason"] = refusal
        brain["next_decision_id"] += 1
        emit_decision(outbox, decision)
