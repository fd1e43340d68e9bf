"""Decision: a strategy's signal becomes a proposal for the risk gate, or a refusal with its reason.

In this order, the first that fails being the answer: not suspended; the signal's numbers; not already in; fusion,
confidence and veto; the instrument; the regime; stop; payoff, probability and edge; size. A pure function of the
records and the feature row: no clock, nothing of the future.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.portfolio import N_TARGETS
from bot4.kernel import array, b1, f8, i8, kernel, record
from bot4.pipeline.decision.fusion import (
    fused_confidence,
    fused_direction,
    is_alone,
    is_vetoed_by_order_flow,
)  # fmt: skip
from bot4.pipeline.decision.kelly import net_win, round_trip_cost, sized_kelly, win_probability
from bot4.pipeline.decision.stops import emergency_ticks, stop_distance_ticks, target_ticks, trail_distance_ticks
from bot4.pipeline.state import (
    ALREADY_IN,
    APPROVED,
    BAD_NUMBER,
    BEAR,
    BELOW_MINIMUM,
    BRAIN,
    BULL,
    CONFIG,
    CRISIS,
    ENTER,
    LEAVE,
    LOW_CONFIDENCE,
    NO_EDGE,
    ORDER_FLOW_VETO,
    PROPOSAL,
    REGIME_VETO,
    SHORT_ON_SPOT,
    SIGNAL,
    SUSPENDED,
)  # fmt: skip

_CLOSE = 3
_LARGEST_PRICE_TICKS = 2**59


@kernel(i8(record(BRAIN), record(CONFIG), array(f8), i8, i8, i8, record(SIGNAL), record(PROPOSAL)))
def propose(
    brain: Any, config: Any, base: Any, symbol: int, strategy: int, ts_ns: int, signal: Any, proposal: Any
) -> int:
    """Turn a signal whose action is ENTER into a proposal.

    Args:
        brain: record of ``BRAIN``, read only.
        config: record of ``CONFIG``.
        base: float64[n_columns], feature row of the base frame's latest completed bar.
        symbol, strategy: ids.
        ts_ns: now, the time at which the bar is known.
        signal: record of ``SIGNAL``; with ``uses_voices`` it is the technical voice.
        proposal: record of ``PROPOSAL``, overwritten; every field is finite whatever the answer. ``id`` is the
            caller's and is left alone.

    Returns:
        0 for a proposal to judge, else the refusal's code of :data:`bot4.pipeline.state.REFUSALS`.
    """
    _clear(proposal)
    proposal["ts_ns"] = ts_ns
    proposal["symbol"] = symbol
    proposal["strategy"] = strategy
    proposal["regime"] = brain["risk"]["regime"]
    proposal["reference_ticks"] = brain["bars"][symbol, _CLOSE]
    refusal = _refusal_before_fusion(brain, symbol, strategy, signal)
    if refusal == APPROVED:
        refusal = _take_side(brain, config, symbol, strategy, ts_ns, signal, proposal)
    if refusal == APPROVED:
        refusal = _set_stop(config, base, symbol, signal, proposal)
    if refusal == APPROVED:
        refusal = _set_edge(brain, config, symbol, strategy, signal, proposal)
    if refusal == APPROVED:
        refusal = _set_quantity(brain, config, symbol, signal, proposal)
    return int(refusal)


@kernel(b1(record(BRAIN), record(CONFIG), i8, i8, record(SIGNAL)))
def leaves(brain: Any, config: Any, symbol: int, strategy: int, signal: Any) -> bool:
    """Whether the strategy's position in the symbol, or its entry in flight, should end now. False for neither.

    They do when the signal says LEAVE or wants to enter the other side; and, with ``uses_voices`` and another voice
    present, when the fused voice points against the position with at least ``min_confidence``. No voice can hold
    a position that its own strategy leaves.
    """
    sleeve = brain["sleeves"][strategy, symbol]
    lots = sleeve["lots"]
    if signal["action"] == LEAVE:
        return bool(lots != 0 or sleeve["is_entering"] != 0)
    if lots == 0:
        return False
    side = 1.0 if lots > 0 else -1.0
    if signal["action"] == ENTER and signal["direction"] * side < 0.0:
        return True
    ts_ns = brain["ts_ns"]
    if config["strategies"][strategy]["uses_voices"] == 0 or is_alone(brain, config, symbol, strategy, ts_ns):
        return False
    direction = fused_direction(brain, config, symbol, strategy, ts_ns, signal)
    if not direction * side < 0.0:
        return False
    confidence = fused_confidence(brain, config, symbol, strategy, ts_ns, signal, direction)
    return bool(confidence >= config["decision"]["min_confidence"])


@kernel(i8(i8, i8))
def regime_refusal(regime: int, side: int) -> int:
    """No longs in a bear market or a crisis, no shorts in a bull market."""
    if side > 0 and (regime in (BEAR, CRISIS)):
        return REGIME_VETO
    if side < 0 and regime == BULL:
        return REGIME_VETO
    return APPROVED


@kernel(i8(record(BRAIN), i8, i8, record(SIGNAL)))
def _refusal_before_fusion(brain: Any, symbol: int, strategy: int, signal: Any) -> int:
    if brain["strategies"][strategy]["is_suspended"] != 0:
        return SUSPENDED
    is_sound = -1.0 <= signal["direction"] <= 1.0 and 0.0 <= signal["confidence"] <= 1.0
    price_ticks = brain["bars"][symbol, _CLOSE]
    if not is_sound or price_ticks < 1 or price_ticks > _LARGEST_PRICE_TICKS or signal["fixed_lots"] < 0:
        return BAD_NUMBER
    if signal["action"] != ENTER:
        return NO_EDGE
    sleeve = brain["sleeves"][strategy, symbol]
    if sleeve["lots"] != 0 or sleeve["is_entering"] != 0 or sleeve["is_exiting"] != 0:
        return ALREADY_IN
    return APPROVED


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8, i8, record(SIGNAL), record(PROPOSAL)))
def _take_side(brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int, signal: Any, proposal: Any) -> int:
    direction = signal["direction"]
    confidence = signal["confidence"]
    uses_voices = config["strategies"][strategy]["uses_voices"] != 0
    if uses_voices:
        direction = fused_direction(brain, config, symbol, strategy, ts_ns, signal)
        confidence = fused_confidence(brain, config, symbol, strategy, ts_ns, signal, direction)
    proposal["direction"] = direction
    proposal["confidence"] = confidence
    if direction == 0.0 or confidence < config["decision"]["min_confidence"]:
        return LOW_CONFIDENCE
    if uses_voices and is_vetoed_by_order_flow(brain, config, symbol, ts_ns, direction, confidence):
        return ORDER_FLOW_VETO
    side = 1 if direction > 0.0 else -1
    proposal["side"] = side
    if side < 0 and config["instruments"][symbol]["is_perpetual"] == 0:
        return SHORT_ON_SPOT
    if config["strategies"][strategy]["uses_regime"] != 0:
        return int(regime_refusal(brain["risk"]["regime"], side))
    return APPROVED


@kernel(i8(record(CONFIG), array(f8), i8, record(SIGNAL), record(PROPOSAL)))
def _set_stop(config: Any, base: Any, symbol: int, signal: Any, proposal: Any) -> int:
    side = proposal["side"]
    reference = proposal["reference_ticks"]
    distance = stop_distance_ticks(config, base, symbol, side, reference, signal["stop_distance"])
    if distance < 0:
        return int(-distance)
    slippage = max(math.ceil(config["decision"]["slippage"] * reference), 1)
    proposal["worst_ticks"] = max(reference + side * slippage, 1)
    # Targets share their quantity with a stop: a strategy that wants them without one gets the emergency stop.
    has_stop = signal["stop_distance"] != 0.0 or signal["has_targets"] != 0
    proposal["stop_ticks"] = reference - side * distance if has_stop else 0
    if signal["has_trail"] != 0:
        proposal["trail_ticks"] = trail_distance_ticks(config, base, symbol, distance)
    if signal["has_targets"] != 0:
        for k in range(N_TARGETS):
            proposal["target_ticks"][k] = target_ticks(config, side, reference, distance, k)
    return APPROVED


@kernel(i8(record(CONFIG), record(PROPOSAL)))
def risk_ticks(config: Any, proposal: Any) -> int:
    """R of a proposal: ticks from its reference price to its stop; to the emergency stop where it asks for none."""
    if proposal["stop_ticks"] == 0:
        return int(emergency_ticks(config, proposal["reference_ticks"]))
    return int(abs(proposal["reference_ticks"] - proposal["stop_ticks"]))


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8, record(SIGNAL), record(PROPOSAL)))
def _set_edge(brain: Any, config: Any, symbol: int, strategy: int, signal: Any, proposal: Any) -> int:
    reference = proposal["reference_ticks"]
    distance = risk_ticks(config, proposal)
    cost_r = round_trip_cost(config, symbol) * reference / distance
    win = net_win(config, cost_r)
    loss = 1.0 + cost_r
    p = win_probability(brain, config, strategy, signal["win_probability"])
    if math.isnan(p):
        return BAD_NUMBER
    proposal["win_probability"] = p
    proposal["payoff"] = win / loss
    proposal["edge"] = p * win - (1.0 - p) * loss
    proposal["kelly"] = sized_kelly(brain, config, p, win / loss)
    if signal["fixed_lots"] == 0 and proposal["edge"] < config["decision"]["min_edge_r"]:
        return NO_EDGE
    return APPROVED


@kernel(i8(record(BRAIN), record(CONFIG), i8, record(SIGNAL), record(PROPOSAL)))
def _set_quantity(brain: Any, config: Any, symbol: int, signal: Any, proposal: Any) -> int:
    instrument = config["instruments"][symbol]
    most = float(instrument["max_lots"])
    if signal["fixed_lots"] > 0:
        proposal["qty_lots"] = min(signal["fixed_lots"], instrument["max_lots"])
        return APPROVED
    distance = risk_ticks(config, proposal)
    loss_per_lot = distance * instrument["quote_per_tick_lot"]
    lots = proposal["kelly"] * brain["equity"] / loss_per_lot
    if math.isnan(lots) or math.isinf(lots):
        return BAD_NUMBER
    proposal["qty_lots"] = int(max(min(lots, most), 0.0))
    return APPROVED if proposal["qty_lots"] > 0 else BELOW_MINIMUM


@kernel(i8(record(PROPOSAL)))
def _clear(proposal: Any) -> int:
    proposal["side"] = 0
    proposal["edge"] = 0.0
    proposal["direction"] = 0.0
    proposal["confidence"] = 0.0
    proposal["win_probability"] = 0.0
    proposal["payoff"] = 0.0
    proposal["kelly"] = 0.0
    proposal["qty_lots"] = 0
    proposal["worst_ticks"] = 0
    proposal["stop_ticks"] = 0
    proposal["trail_ticks"] = 0
    for k in range(N_TARGETS):
        proposal["target_ticks"][k] = 0
    return 0
