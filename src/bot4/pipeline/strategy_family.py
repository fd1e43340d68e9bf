"""The one signature through which every compiled strategy is called.

A strategy is asked once a bar of its symbol and answers with a signal. It sees the feature rows of the run's
timeframes (each the latest *completed* bar of its frame; NaN until warm) and keeps what it must remember in
``memory``, 64 floats a symbol, zeroed at the start.
"""

from __future__ import annotations

from bot4.kernel import KernelFamily, array, f8, i8, record
from bot4.pipeline.state import SIGNAL, VIEW

STRATEGY_FAMILY = KernelFamily(
    "strategy",
    i8(record(VIEW), array(f8, 2), array(i8), array(f8), array(f8), record(SIGNAL)),
)
"""``strategy(view, frames, columns, params, memory, signal) -> status``

- ``view``: :data:`~bot4.pipeline.state.VIEW`, the latest bar and this strategy's own position.
- ``frames``: float64[>= n_frames, >= n_columns], features by timeframe: ``frames[0]`` is that of the base bars. The
  first ``view["n_frames"]`` rows count, at least as many as the strategy declares; none of a strategy without
  indicators.
- ``columns``: int64[n], where the outputs of the indicators that the strategy declared stand, in its order.
- ``params``: float64[n], its parameters in the order declared.
- ``memory``: float64[64], its own.
- ``signal``: :data:`~bot4.pipeline.state.SIGNAL`, reset to HOLD before the call; fill it in.
- returns 0; any other number suspends the strategy.
"""
