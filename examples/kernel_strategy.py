"""A strategy as a compiled kernel: the same idea on three timeframes, at the speed of the built-in ones.

    bot4 backtest --synthetic 200000 --strategy examples/kernel_strategy.py

The first run compiles it and says so; later runs load it. See docs/recipes/add_a_strategy.md for the arguments and for
what a kernel may not do.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import FloatArray
from bot4.pipeline.strategies.entering import enter, is_idle, leave_side
from bot4.pipeline.strategies.info import StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

Z_SCORE, FAST_EMA, SLOW_EMA = 0, 1, 2  # places in `columns`: the outputs of the indicators, in the order declared
DEPTH, STOP = 1, 2  # places in `params`: the parameters, in the order declared


@STRATEGY_FAMILY.kernel
def pullback(
    view: Any,
    frames: FloatArray,
    columns: Any,
    params: FloatArray,
    memory: FloatArray,
    signal: Any,
) -> int:
    """Buys far below the mean while both higher timeframes rise; leaves at the mean.

    Features are NaN until warm, and every comparison with NaN is false, so that nothing happens before.
    """
    z = frames[0, columns[Z_SCORE]]
    fast, slow = columns[FAST_EMA], columns[SLOW_EMA]
    is_rising = frames[1, fast] > frames[1, slow] and frames[2, fast] > frames[2, slow]
    if is_idle(view) != 0 and is_rising and z < -params[DEPTH]:
        return int(enter(view, signal, 1.0, 0.0, params[STOP] * view["close"]))
    if z >= 0.0:
        return int(leave_side(view, signal, 1.0))
    return 0


STRATEGY = StrategyInfo(
    name="pullback",
    summary="Buys far below the mean while both higher timeframes rise.",
    kernel=pullback,
    parameters=(
        StrategyParam("period", 50, 10, 400, "bars", "of mean and deviation"),
        StrategyParam("depth", 1.5, 0.1, 5.0, "deviations", "below the mean at which it buys"),
        StrategyParam("stop", 0.02, 0.001, 0.2, "fraction of the price", "distance of the stop"),
    ),
    indicators=(("z_score", {"period": "period"}), ("ema", {"period": 12}), ("ema", {"period": 26})),
    n_frames=3,
    uses_stop_rule=False,
)
