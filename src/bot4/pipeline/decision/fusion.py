"""Fusion of the voices present into one direction and one confidence.

Let P be the voices that speak: the technical one (the strategy's own signal) and every other that is fresh,
each with a weight above zero. A voice is *absent* when it never spoke or its time has passed; what stands in an
absent slot changes nothing.

1. Weights ``w``: the strategy's adapted weights, or the priors, scaled over P to sum to one within their bounds
   (:func:`voice_weight`). With priors 40/40/20 for technical, learned and sentiment this is 50/50 without
   sentiment. Where the upper bounds of P sum to less than one they are stretched in proportion.
2. Technical and learned apart, neither ``conflict_ratio`` times as confident as the other: no trade.
3. Direction ``sum(w c d) / sum(w c)`` over P. Where it does not point (``|direction| <= TIE``), the majority of
   the signs decides, then the greater sum of confidence; the direction is then the weighted average of the side
   that won. Neither: 0.
4. Confidence ``sum(w c)`` over the voices of P that agree with the direction: dissent counts as no confidence.
5. Order flow has no weight in the direction until it has earned one, but it vetoes: fresh, pointing the other
   way, and ``conflict_ratio`` times as confident as the fused voice.
"""

from __future__ import annotations

from typing import Any

from bot4.kernel import b1, f8, i8, kernel, record
from bot4.pipeline.state import (
    BRAIN,
    CONFIG,
    LEARNED,
    N_VOICES,
    ORDER_FLOW,
    SIGNAL,
    TECHNICAL,
)  # fmt: skip

TIE = 0.02
"""A fused direction no larger than this does not point."""

_BISECTIONS = 60


@kernel(b1(record(BRAIN), i8, i8, i8))
def is_fresh(brain: Any, symbol: int, voice: int, ts_ns: int) -> bool:
    """Whether a voice has spoken on a symbol and still holds at ``ts_ns``."""
    slot = brain["voices"][symbol, voice]
    return bool(slot["is_present"] != 0 and slot["valid_until_ns"] >= ts_ns)


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, i8, i8))
def raw_weight(brain: Any, config: Any, symbol: int, strategy: int, voice: int, ts_ns: int) -> float:
    """A voice's weight before scaling and bounds: adapted, or its prior; 0 for one that does not speak."""
    if voice != TECHNICAL and not is_fresh(brain, symbol, voice, ts_ns):
        return 0.0
    state = brain["strategies"][strategy]
    adapted = 0.0
    for v in range(N_VOICES):
        adapted += state["voice_weight"][v]
    if adapted > 0.0:
        return float(state["voice_weight"][voice])
    return float(config["decision"]["voice_prior"][voice])


@kernel(b1(record(BRAIN), record(CONFIG), i8, i8, i8))
def is_alone(brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int) -> bool:
    """Whether no voice but the technical one speaks."""
    for v in range(N_VOICES):
        if v != TECHNICAL and raw_weight(brain, config, symbol, strategy, v, ts_ns) > 0.0:
            return False
    return True


@kernel(f8(f8, f8, f8, f8))
def _bounded(scale: float, weight: float, low: float, high: float) -> float:
    return min(max(scale * weight, low), high)


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, i8))
def weight_scale(brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int) -> float:
    """The one factor on the raw weights under which the bounded weights of the voices present sum to one."""
    stretch = bound_stretch(brain, config, symbol, strategy, ts_ns)
    decision = config["decision"]
    top = 0.0
    for v in range(N_VOICES):
        raw = raw_weight(brain, config, symbol, strategy, v, ts_ns)
        if raw > 0.0:
            top = max(top, stretch * decision["voice_high"][v] / raw)
    bottom = 0.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (bottom + top)
        total = 0.0
        for v in range(N_VOICES):
            raw = raw_weight(brain, config, symbol, strategy, v, ts_ns)
            if raw > 0.0:
                total += _bounded(middle, raw, decision["voice_low"][v], stretch * decision["voice_high"][v])
        if total < 1.0:
            bottom = middle
        else:
            top = middle
    return top


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, i8))
def bound_stretch(brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int) -> float:
    """By how much the upper bounds of the voices present must grow so that weights can sum to one; at least 1."""
    room = 0.0
    for v in range(N_VOICES):
        if raw_weight(brain, config, symbol, strategy, v, ts_ns) > 0.0:
            room += config["decision"]["voice_high"][v]
    return 1.0 / room if 0.0 < room < 1.0 else 1.0


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, i8, i8, f8, f8))
def voice_weight(
    brain: Any, config: Any, symbol: int, strategy: int, voice: int, ts_ns: int, scale: float, stretch: float
) -> float:
    """A voice's share of the decision, 0 to 1; those of the voices present sum to one.

    ``scale`` and ``stretch`` are those of :func:`weight_scale` and :func:`bound_stretch`.
    """
    raw = raw_weight(brain, config, symbol, strategy, voice, ts_ns)
    if raw <= 0.0:
        return 0.0
    decision = config["decision"]
    return float(_bounded(scale, raw, decision["voice_low"][voice], stretch * decision["voice_high"][voice]))


@kernel(f8(record(BRAIN), i8, i8, record(SIGNAL)))
def voice_direction(brain: Any, symbol: int, voice: int, signal: Any) -> float:
    """What a voice says; the technical one is the strategy's own signal."""
    return float(signal["direction"] if voice == TECHNICAL else brain["voices"][symbol, voice]["direction"])


@kernel(f8(record(BRAIN), i8, i8, record(SIGNAL)))
def voice_confidence(brain: Any, symbol: int, voice: int, signal: Any) -> float:
    """How sure a voice is; the technical one is the strategy's own signal."""
    return float(signal["confidence"] if voice == TECHNICAL else brain["voices"][symbol, voice]["confidence"])


@kernel(b1(record(BRAIN), record(CONFIG), i8, i8, i8, record(SIGNAL)))
def is_in_conflict(brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int, signal: Any) -> bool:
    """Whether technical and learned voice point apart and neither is ``conflict_ratio`` times as confident."""
    if raw_weight(brain, config, symbol, strategy, LEARNED, ts_ns) <= 0.0:
        return False
    learned = brain["voices"][symbol, LEARNED]
    if signal["direction"] * learned["direction"] >= 0.0:
        return False
    weaker = min(signal["confidence"], learned["confidence"])
    stronger = max(signal["confidence"], learned["confidence"])
    return bool(stronger < config["decision"]["conflict_ratio"] * weaker or stronger <= 0.0)


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, i8, record(SIGNAL)))
def fused_direction(brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int, signal: Any) -> float:
    """Direction of the voices present, -1 to 1 and never outside their own range; 0 for no trade."""
    if is_alone(brain, config, symbol, strategy, ts_ns):
        return float(signal["direction"])
    if is_in_conflict(brain, config, symbol, strategy, ts_ns, signal):
        return 0.0
    scale = weight_scale(brain, config, symbol, strategy, ts_ns)
    stretch = bound_stretch(brain, config, symbol, strategy, ts_ns)
    up_value, up_mass, up_confidence, n_up = 0.0, 0.0, 0.0, 0
    down_value, down_mass, down_confidence, n_down = 0.0, 0.0, 0.0, 0
    idle_mass = 0.0
    for v in range(N_VOICES):
        direction = voice_direction(brain, symbol, v, signal)
        confidence = voice_confidence(brain, symbol, v, signal)
        weight = voice_weight(brain, config, symbol, strategy, v, ts_ns, scale, stretch)
        if weight <= 0.0:
            continue
        if direction > 0.0:
            up_value += weight * confidence * direction
            up_mass += weight * confidence
            up_confidence += confidence
            n_up += 1
        elif direction < 0.0:
            down_value += weight * confidence * direction
            down_mass += weight * confidence
            down_confidence += confidence
            n_down += 1
        else:
            idle_mass += weight * confidence
    mass = up_mass + down_mass + idle_mass
    average = (up_value + down_value) / mass if mass > 0.0 else 0.0
    if abs(average) > TIE or n_up == 0 or n_down == 0:
        return average
    lead = float(n_up - n_down) if n_up != n_down else up_confidence - down_confidence
    if lead > 0.0 and up_mass > 0.0:
        return up_value / up_mass
    if lead < 0.0 and down_mass > 0.0:
        return down_value / down_mass
    return 0.0


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, i8, record(SIGNAL), f8))
def fused_confidence(
    brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int, signal: Any, direction: float
) -> float:
    """Weighted confidence of the voices present that agree with ``direction``, 0 to 1."""
    if is_alone(brain, config, symbol, strategy, ts_ns):
        return float(signal["confidence"])
    scale = weight_scale(brain, config, symbol, strategy, ts_ns)
    stretch = bound_stretch(brain, config, symbol, strategy, ts_ns)
    total = 0.0
    for v in range(N_VOICES):
        if voice_direction(brain, symbol, v, signal) * direction > 0.0:
            weight = voice_weight(brain, config, symbol, strategy, v, ts_ns, scale, stretch)
            total += weight * voice_confidence(brain, symbol, v, signal)
    return min(total, 1.0)


@kernel(b1(record(BRAIN), record(CONFIG), i8, i8, f8, f8))
def is_vetoed_by_order_flow(
    brain: Any, config: Any, symbol: int, ts_ns: int, direction: float, confidence: float
) -> bool:
    """Whether fresh order flow points the other way, ``conflict_ratio`` times as confident."""
    if not is_fresh(brain, symbol, ORDER_FLOW, ts_ns):
        return False
    flow = brain["voices"][symbol, ORDER_FLOW]
    is_against = flow["direction"] * direction < 0.0
    return bool(is_against and flow["confidence"] >= config["decision"]["conflict_ratio"] * confidence)
