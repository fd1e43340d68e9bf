"""The gate: the only place that issues approval ids, and so the only way to an order.

:func:`approve` judges new risk and may refuse it or cut it; :func:`approve_reduction` passes whatever reduces a
position. Without an id from here nothing is sent.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.instruments import FEE_SCALE
from bot4.domain.orders import BUY, EXIT_SLOTS, FREE, MAX_ORDERS, SELL, is_finished
from bot4.domain.portfolio import HOLDINGS, N_TARGETS
from bot4.kernel import f8, i8, kernel, record
from bot4.pipeline.risk.audit import violated_limits
from bot4.pipeline.risk.equity import mark_equity
from bot4.pipeline.risk.measures import adding_lots, fill_weights, order_ticks
from bot4.pipeline.risk.sizing import clear_clamps, size_within_limits
from bot4.pipeline.state import (
    APPROVED,
    BAD_NUMBER,
    BAD_STOP,
    BELOW_MINIMUM,
    BELOW_TIER,
    BRAIN,
    CONFIG,
    DAILY_LOSS_STOP,
    DECISION,
    DRAWDOWN_STOP,
    MODE_FORBIDS,
    N_REGIMES,
    NEEDS_RECONCILING,
    NO_CASH,
    NO_SLOT,
    NORMAL,
    OPPOSES_NET,
    POST_TRADE_CHECK,
    PROPOSAL,
    SHORT_ON_SPOT,
    STALE_DATA,
    SUSPENDED,
    WARMING_UP,
)  # fmt: skip

LARGEST_TICKS = 2**60


@kernel(f8(record(BRAIN), record(CONFIG)))
def _reserved_quote(brain: Any, config: Any) -> float:
    """Quote currency that open buys on spot may still take, fees included."""
    total = 0.0
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        rest = adding_lots(order)
        if rest > 0 and order["side"] == BUY:
            symbol = order["symbol"]
            instrument = config["instruments"][symbol]
            if not instrument["is_perpetual"]:
                ticks = float(order_ticks(config, order, brain["positions"][symbol]["mark_ticks"]))
                fee = max(0, instrument["taker_fee"]) / FEE_SCALE
                total += float(rest) * ticks * instrument["quote_per_tick_lot"] * (1.0 + fee)
    return total


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), i8))
def affordable_lots(brain: Any, config: Any, proposal: Any, lots: int) -> int:
    """``lots`` cut to what the quote balance pays for on spot, at the worst fill and with the taker fee.

    What open buys may still cost is set aside first. A perpetual is paid for by no balance; leverage bounds it.
    """
    instrument = config["instruments"][proposal["symbol"]]
    if instrument["is_perpetual"]:
        return lots
    balance = brain["ledger"]["balances"][HOLDINGS, config["quote_asset"]] * instrument["quote_atom"]
    free = balance - _reserved_quote(brain, config) - instrument["quote_atom"]
    worst = float(proposal["worst_ticks"]) * instrument["quote_per_tick_lot"]
    lot_cost = worst * (1.0 + max(0, instrument["taker_fee"]) / FEE_SCALE)
    room = free / lot_cost * (1.0 - 1e-12)
    if not room >= 1.0:
        return 0
    return lots if room >= float(lots) else int(room)


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), f8))
def _refusal_of_numbers(brain: Any, config: Any, proposal: Any, equity: float) -> int:
    symbol, strategy, side = proposal["symbol"], proposal["strategy"], proposal["side"]
    if not (0 <= symbol < config["n_symbols"] and 0 <= strategy < config["n_strategies"]):
        return BAD_NUMBER
    if (side != BUY and side != SELL) or proposal["qty_lots"] <= 0 or not math.isfinite(equity):
        return BAD_NUMBER
    sum_of_floats = (
        proposal["edge"] + proposal["direction"] + proposal["confidence"] + proposal["win_probability"]
        + proposal["payoff"] + proposal["kelly"]
    )  # fmt: skip
    if not math.isfinite(sum_of_floats) or not 0 <= brain["risk"]["regime"] < N_REGIMES:
        return BAD_NUMBER
    reference, worst, stop = proposal["reference_ticks"], proposal["worst_ticks"], proposal["stop_ticks"]
    mark = brain["positions"][symbol]["mark_ticks"]
    if min(reference, worst, mark) <= 0 or max(reference, worst, mark) > LARGEST_TICKS:
        return BAD_NUMBER
    if stop < 0 or (stop > 0 and side * (reference - stop) <= 0):
        return BAD_STOP
    return APPROVED


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), f8))
def _refusal_of_state(brain: Any, config: Any, proposal: Any, equity: float) -> int:
    if brain["is_halted"] or brain["ledger"]["is_broken"]:
        return NEEDS_RECONCILING
    if brain["mode"] != NORMAL:
        return MODE_FORBIDS
    if brain["strategies"][proposal["strategy"]]["is_suspended"]:
        return SUSPENDED
    if not equity >= config["risk"]["min_equity"] or equity <= 0.0:
        return BELOW_TIER
    return APPROVED


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL)))
def _refusal_of_data(brain: Any, config: Any, proposal: Any) -> int:
    """Whether every symbol that the measures rest on has a fresh mark and has been watched for long enough."""
    limits = config["risk"]
    for symbol in range(config["n_symbols"]):
        if symbol == proposal["symbol"] or brain["weights"][symbol] != 0.0:
            age_ns = proposal["ts_ns"] - brain["positions"][symbol]["mark_ts_ns"]
            if age_ns < 0 or age_ns > limits["max_data_age_ns"]:
                return STALE_DATA
    for symbol in range(config["n_symbols"]):
        if symbol == proposal["symbol"] or brain["weights"][symbol] != 0.0:
            state = brain["risk"]["symbols"][symbol]
            if state["risk_close"] <= 0.0 or state["n_returns"] + 1 < limits["warm_up_risk_bars"]:
                return WARMING_UP
            if not math.isfinite(state["garch_variance"] + state["long_variance"] + state["day_volume_quote"]):
                return BAD_NUMBER
    return APPROVED


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL)))
def _refusal_of_side(brain: Any, config: Any, proposal: Any) -> int:
    symbol, side = proposal["symbol"], proposal["side"]
    if side == SELL and not config["instruments"][symbol]["is_perpetual"]:
        return SHORT_ON_SPOT
    if side * brain["positions"][symbol]["lots"] < 0:
        return OPPOSES_NET
    for strategy in range(config["n_strategies"]):
        if side * brain["sleeves"][strategy, symbol]["lots"] < 0:
            return OPPOSES_NET
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        if order["symbol"] == symbol and order["side"] != side and adding_lots(order) > 0:
            return OPPOSES_NET
    return APPROVED


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL)))
def _refusal_of_slots(brain: Any, config: Any, proposal: Any) -> int:
    """Whether the order and its bracket fit the table beside an exit for every sleeve that holds or is entering."""
    needed = 2 if proposal["stop_ticks"] > 0 else 1
    for target in range(N_TARGETS):
        needed += 1 if proposal["target_ticks"][target] > 0 else 0
    for slot in range(brain["n_slots"]):
        status = brain["orders"][slot]["status"]
        needed += 0 if status == FREE or is_finished(status) else 1
    exits = 1
    for strategy in range(config["n_strategies"]):
        for symbol in range(config["n_symbols"]):
            sleeve = brain["sleeves"][strategy, symbol]
            exits += 1 if (sleeve["lots"] != 0 or sleeve["is_entering"]) and not sleeve["is_exiting"] else 0
    return APPROVED if needed + max(exits, EXIT_SLOTS) <= MAX_ORDERS else NO_SLOT


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), f8))
def _first_refusal(brain: Any, config: Any, proposal: Any, equity: float) -> int:
    refusal = _refusal_of_numbers(brain, config, proposal, equity)
    if refusal == APPROVED:
        refusal = _refusal_of_state(brain, config, proposal, equity)
    if refusal == APPROVED:
        fill_weights(brain, config, equity)
        refusal = _refusal_of_data(brain, config, proposal)
    if refusal == APPROVED and brain["risk"]["is_drawdown_stopped"]:
        refusal = DRAWDOWN_STOP
    if refusal == APPROVED and brain["risk"]["is_day_stopped"]:
        refusal = DAILY_LOSS_STOP
    if refusal == APPROVED:
        refusal = _refusal_of_side(brain, config, proposal)
    if refusal == APPROVED:
        refusal = _refusal_of_slots(brain, config, proposal)
    return int(refusal)


@kernel(i8(record(BRAIN), record(CONFIG), i8))
def countable_lots(brain: Any, config: Any, symbol: int) -> int:
    """Lots by which a symbol's position may grow before it passes what integers count, open entries included."""
    room = config["instruments"][symbol]["max_lots"] - abs(brain["positions"][symbol]["lots"])
    for slot in range(brain["n_slots"]):
        if brain["orders"][slot]["symbol"] == symbol:
            room -= adding_lots(brain["orders"][slot])
    return int(room)


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), f8))
def _size(brain: Any, config: Any, decision: Any, equity: float) -> int:
    """Cut the proposal to cash and clamps, check the result independently, and write down the size."""
    proposal = decision["proposal"]
    asked = min(proposal["qty_lots"], countable_lots(brain, config, proposal["symbol"]))
    if asked <= 0:
        return BELOW_MINIMUM
    lots = affordable_lots(brain, config, proposal, asked)
    if lots == 0:
        return NO_CASH
    brain["n_clamped"] += 1
    lots = size_within_limits(brain, config, decision, lots, equity)
    if decision["binding_clamp"] >= 0:
        brain["clamp_bound"][decision["binding_clamp"]] += 1
    if lots == 0:
        return BELOW_MINIMUM
    if violated_limits(brain, config, proposal, lots) != 0:
        return POST_TRADE_CHECK
    decision["approved_lots"] = lots
    return APPROVED


@kernel(i8(record(BRAIN)))
def _issue_id(brain: Any) -> int:
    approval_id = brain["next_approval_id"]
    brain["next_approval_id"] = approval_id + 1
    return int(approval_id)


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), record(DECISION)))
def approve(brain: Any, config: Any, proposal: Any, decision: Any) -> int:
    """Judge a proposal of new risk.

    Args:
        brain: :data:`BRAIN`; counters and the next approval id move, nothing else.
        config: :data:`CONFIG`.
        proposal: :data:`PROPOSAL`; not changed.
        decision: :data:`DECISION`, overwritten: the proposal, what every clamp did, and the outcome.

    Returns:
        0 with ``approval_id`` and ``approved_lots`` set, or the code of the first check that failed, in the order
        numbers, state of the brain, data, stops, side, slots, cash, clamps, independent check.
    """
    equity = mark_equity(brain, config)
    decision["proposal"] = proposal
    decision["equity"] = equity
    decision["approval_id"] = 0
    decision["approved_lots"] = 0
    clear_clamps(decision)
    refusal = _first_refusal(brain, config, proposal, equity)
    if refusal == APPROVED:
        refusal = _size(brain, config, decision, equity)
    decision["refusal"] = refusal
    brain["refusals"][refusal] += 1
    if refusal == APPROVED:
        decision["approval_id"] = _issue_id(brain)
    else:
        decision["approved_lots"] = 0
    return int(refusal)


@kernel(i8(record(BRAIN), i8, i8, i8))
def reducible_lots(brain: Any, symbol: int, strategy: int, lots: int) -> int:
    """``lots`` cut to what the strategy holds of the symbol, whatever its side."""
    return int(max(0, min(lots, abs(brain["sleeves"][strategy, symbol]["lots"]))))


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8, i8))
def approve_reduction(brain: Any, config: Any, symbol: int, strategy: int, lots: int) -> int:
    """Approval id of a reduce-only order of :func:`reducible_lots`; 0 where there is nothing to reduce.

    No cap, breaker, mode or age of data refuses it.
    """
    if reducible_lots(brain, symbol, strategy, lots) == 0:
        return 0
    return int(_issue_id(brain))
