"""Buy and hold: in once, never out by its own will."""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import FloatArray
from bot4.pipeline.strategies.entering import enter, is_idle
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

_QUANTITY = 0
_HAS_HELD = 0


@STRATEGY_FAMILY.kernel
def buy_and_hold(
    view: Any,
    frames: FloatArray,
    columns: Any,
    params: FloatArray,
    memory: FloatArray,
    signal: Any,
) -> int:
    """Ask to buy, without a stop, until a position was once held. Memory: whether it was."""
    if view["position_lots"] != 0:
        memory[_HAS_HELD] = 1.0
    if memory[_HAS_HELD] != 0.0 or is_idle(view) == 0:
        return 0
    return int(enter(view, signal, 1.0, params[_QUANTITY], 0.0))


STRATEGY = StrategyInfo(
    name="buy_and_hold",
    summary="Buys once and never leaves: the yardstick.",
    kernel=buy_and_hold,
    parameters=(StrategyParam("quantity", 0.0, 0.0, 1e9, "base currency", "size of the entry; 0: sized by Kelly"),),
    uses_stop_rule=False,
)
