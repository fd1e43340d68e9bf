"""Mean reversion: against a price that is far from its mean, out again at the mean."""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.bars import FloatArray
from bot4.pipeline.strategies.entering import enter, is_idle, leave_side
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

_Z_SCORE, _RSI, _ATR = 0, 1, 2
_ENTRY_Z, _EXIT_Z, _OVERSOLD, _STOP_ATR, _QUANTITY, _MAY_SHORT = 2, 3, 4, 6, 7, 8


@STRATEGY_FAMILY.kernel
def mean_reversion(
    view: Any,
    frames: FloatArray,
    columns: Any,
    params: FloatArray,
    memory: FloatArray,
    signal: Any,
) -> int:
    """Buy at ``z <= -entry_z`` and ``RSI <= oversold``, leave at ``z >= -exit_z``; mirrored for shorts."""
    z = frames[0, columns[_Z_SCORE]]
    rsi = frames[0, columns[_RSI]]
    atr = frames[0, columns[_ATR]]
    if math.isnan(z + rsi + atr):
        return 0
    if view["position_lots"] > 0 and z >= -params[_EXIT_Z]:
        return int(leave_side(view, signal, 1.0))
    if view["position_lots"] < 0 and z <= params[_EXIT_Z]:
        return int(leave_side(view, signal, -1.0))
    if is_idle(view) == 0 or atr <= 0.0:
        return 0
    is_low = z <= -params[_ENTRY_Z] and rsi <= params[_OVERSOLD]
    is_high = z >= params[_ENTRY_Z] and rsi >= 100.0 - params[_OVERSOLD] and params[_MAY_SHORT] != 0.0
    if not is_low and not is_high:
        return 0
    return int(enter(view, signal, 1.0 if is_low else -1.0, params[_QUANTITY], params[_STOP_ATR] * atr))


STRATEGY = StrategyInfo(
    name="mean_reversion",
    summary="Against a price far below its mean (z-score and RSI), out at the mean.",
    kernel=mean_reversion,
    parameters=(
        StrategyParam("window", 50, 5, 500, "bars", "of the mean and the deviation"),
        StrategyParam("rsi", 14, 2, 500, "bars", "period of the RSI"),
        StrategyParam("entry_z", 2.0, 0.5, 6.0, "standard deviations", "distance from the mean that enters"),
        StrategyParam("exit_z", 0.0, -2.0, 2.0, "standard deviations", "distance from the mean that leaves"),
        StrategyParam("oversold", 30.0, 1.0, 50.0, "RSI", "RSI that confirms a long; 100 minus it a short"),
        StrategyParam("atr", 14, 1, 500, "bars", "period of the average true range"),
        StrategyParam("stop_atr", 3.0, 0.1, 20.0, "average true ranges", "distance of the stop"),
        StrategyParam("quantity", 0.0, 0.0, 1e9, "base currency", "size of an entry; 0: sized by Kelly"),
        StrategyParam("may_short", 0, 0, 1, "0 or 1", "whether it sells short (perpetuals only)"),
    ),
    indicators=(("z_score", {"period": "window"}), ("rsi", {"period": "rsi"}), ("atr", {"period": "atr"})),
    uses_stop_rule=False,
)
