"""The hybrid: the technical voice, fused with the other voices in decision, on every timeframe of the run.

What the technical voice says, and how, is :mod:`bot4.pipeline.signals.technical`; here is only what is done about it.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.bars import FloatArray
from bot4.pipeline.state import ENTER, LEAVE
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

_LEAVE_SCORE = 0


@STRATEGY_FAMILY.kernel
def hybrid(view: Any, frames: FloatArray, columns: Any, params: FloatArray, memory: FloatArray, signal: Any) -> int:
    """Enter on a confluence, on the side of the score; leave where the score turns against the position.

    Direction and confidence are given on every bar on which the voice speaks, whatever the action: they are the
    technical voice, and decision asks for ``min_confidence`` after fusion.
    """
    score = view["technical_score"]
    if math.isnan(score):
        return 0
    signal["direction"] = score
    signal["confidence"] = view["technical_confidence"]
    lots = view["position_lots"]
    if lots != 0:
        side = 1.0 if lots > 0 else -1.0
        if score * side < -params[_LEAVE_SCORE]:
            signal["action"] = LEAVE
        return 0
    if view["is_confluent"] != 0 and view["is_entering"] == 0:
        signal["action"] = ENTER
        signal["has_targets"] = 1
        signal["has_trail"] = 1
    return 0


STRATEGY = StrategyInfo(
    name="hybrid",
    summary="The technical voice, thirty-three indicators in five families on every timeframe, fused with the others.",
    kernel=hybrid,
    parameters=(
        StrategyParam("leave_score", 0.10, 0.0, 1.0, "score", "score against the position beyond which it is left"),
    ),
    uses_technical=True,
    uses_regime=True,
    uses_voices=True,
)
