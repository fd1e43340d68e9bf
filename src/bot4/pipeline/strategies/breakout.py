"""Donchian breakout: with the price out of its channel, out again through a shorter one (the turtles' rule)."""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.bars import FloatArray
from bot4.pipeline.strategies.entering import enter, is_idle, leave_side
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

_UPPER, _LOWER, _EXIT_UPPER, _EXIT_LOWER, _ATR = 0, 2, 3, 5, 6
_STOP_ATR, _QUANTITY, _MAY_SHORT = 3, 4, 5
_HAS_CHANNEL = 4  # after the last bar's four edges


@STRATEGY_FAMILY.kernel
def breakout(
    view: Any,
    frames: FloatArray,
    columns: Any,
    params: FloatArray,
    memory: FloatArray,
    signal: Any,
) -> int:
    """Enter when the close leaves the channel of the bars *before* it, leave through the shorter channel.

    Memory: the last bar's upper and lower edges of both channels, and whether they are there.
    """
    upper, lower = memory[0], memory[1]
    exit_upper, exit_lower = memory[2], memory[3]
    has_channel = memory[_HAS_CHANNEL] != 0.0
    atr = frames[0, columns[_ATR]]
    memory[0] = frames[0, columns[_UPPER]]
    memory[1] = frames[0, columns[_LOWER]]
    memory[2] = frames[0, columns[_EXIT_UPPER]]
    memory[3] = frames[0, columns[_EXIT_LOWER]]
    is_defined = not math.isnan(memory[0] + memory[1] + memory[2] + memory[3] + atr)
    memory[_HAS_CHANNEL] = 1.0 if is_defined else 0.0
    if not has_channel or not is_defined:
        return 0
    close = view["close"]
    if view["position_lots"] > 0 and close < exit_lower:
        return int(leave_side(view, signal, 1.0))
    if view["position_lots"] < 0 and close > exit_upper:
        return int(leave_side(view, signal, -1.0))
    if is_idle(view) == 0 or atr <= 0.0:
        return 0
    direction = 1.0 if close > upper else (-1.0 if close < lower and params[_MAY_SHORT] != 0.0 else 0.0)
    if direction == 0.0:
        return 0
    signal["has_trail"] = 1
    return int(enter(view, signal, direction, params[_QUANTITY], params[_STOP_ATR] * atr))


STRATEGY = StrategyInfo(
    name="breakout",
    summary="With the price out of its Donchian channel, with an ATR stop and a trail.",
    kernel=breakout,
    parameters=(
        StrategyParam("channel", 20, 2, 500, "bars", "channel that an entry leaves"),
        StrategyParam("exit_channel", 10, 2, 500, "bars", "channel that an exit leaves"),
        StrategyParam("atr", 14, 1, 500, "bars", "period of the average true range"),
        StrategyParam("stop_atr", 2.0, 0.1, 20.0, "average true ranges", "distance of the stop"),
        StrategyParam("quantity", 0.0, 0.0, 1e9, "base currency", "size of an entry; 0: sized by Kelly"),
        StrategyParam("may_short", 0, 0, 1, "0 or 1", "whether it sells short (perpetuals only)"),
    ),
    indicators=(
        ("donchian", {"period": "channel"}),
        ("donchian", {"period": "exit_channel"}),
        ("atr", {"period": "atr"}),
    ),
)
