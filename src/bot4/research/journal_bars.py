"""The bars that a journal holds, for charts, for buy-and-hold and for checks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import BarSeries
from bot4.domain.events import BAR
from bot4.domain.instruments import Instrument
from bot4.engine.plan import RunPlan

Events = npt.NDArray[np.void]


def bars_of(events: Events, plan: RunPlan) -> list[BarSeries]:
    """The bars among events, a series for each symbol that has any.

    Args:
        events: records of :data:`~bot4.domain.events.EVENT`.
        plan: whose symbols and ticks they speak of.
    """
    bars = events[events["kind"] == BAR]
    return [
        _series(bars[bars["symbol"] == symbol], instrument, plan)
        for symbol, instrument in enumerate(plan.universe.instruments)
        if (bars["symbol"] == symbol).any()
    ]


def _series(bars: Events, instrument: Instrument, plan: RunPlan) -> BarSeries:
    places = max(0, -int(instrument.tick_size.normalize().as_tuple().exponent))
    tick = float(instrument.tick_size)
    prices = {
        name: np.round(bars[f"{name}_ticks"] * tick, places)  # the float nearest to the decimal price
        for name in ("open", "high", "low", "close")
    }
    return BarSeries(
        symbol=instrument.symbol,
        interval_ns=plan.interval_ns,
        ts_open_ns=bars["ts_open_ns"].astype(np.int64),
        volume=bars["volume"].astype(np.float64),
        is_synthetic=plan.is_synthetic,
        **prices,
    )
