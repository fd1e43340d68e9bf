"""Two exponential averages: long while the fast one is above the slow one."""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.bars import FloatArray
from bot4.pipeline.strategies.entering import enter, is_idle, leave_side
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

_FAST_EMA, _SLOW_EMA = 0, 1
_QUANTITY, _STOP = 2, 3
_LAST_SIGN = 0


@STRATEGY_FAMILY.kernel
def ema_cross(
    view: Any,
    frames: FloatArray,
    columns: Any,
    params: FloatArray,
    memory: FloatArray,
    signal: Any,
) -> int:
    """Buy when EMA(fast) crosses above EMA(slow), leave when it crosses below.

    A position that was stopped waits for the next crossing. Memory: the sign of the last difference that was not
    zero (0 before the first).
    """
    difference = frames[0, columns[_FAST_EMA]] - frames[0, columns[_SLOW_EMA]]
    if math.isnan(difference) or difference == 0.0:
        return 0
    sign = 1.0 if difference > 0.0 else -1.0
    has_crossed = memory[_LAST_SIGN] * sign < 0.0
    memory[_LAST_SIGN] = sign
    if not has_crossed:
        return 0
    if sign < 0.0:
        return int(leave_side(view, signal, 1.0))
    if is_idle(view) != 0:
        return int(enter(view, signal, 1.0, params[_QUANTITY], params[_STOP] * view["close"]))
    return 0


STRATEGY = StrategyInfo(
    name="ema_cross",
    summary="Long while the fast exponential average is above the slow one.",
    kernel=ema_cross,
    parameters=(
        StrategyParam("fast", 10, 1, 500, "bars", "period of the fast average"),
        StrategyParam("slow", 20, 2, 500, "bars", "period of the slow average"),
        StrategyParam("quantity", 0.01, 0.0, 1e9, "base currency", "size of an entry; 0: sized by Kelly"),
        StrategyParam("stop", 0.005, 0.0, 0.5, "fraction of the price", "distance of the stop; 0: none"),
    ),
    indicators=(("ema", {"period": "fast"}), ("ema", {"period": "slow"})),
    uses_stop_rule=False,
)
