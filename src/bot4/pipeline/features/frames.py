"""Timeframes: higher bars built from the base stream, each known only when its last base bar is.

A higher bar covers a whole multiple of the base interval on the UTC grid; whole weeks begin on Monday, as those of
:mod:`bot4.quant.series.resample` do. It is complete when the base bar that ends it arrives or, after a gap, when a
bar of a later bucket shows that it has ended; it is made of the bars that exist.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import SECOND_NS
from bot4.kernel import f8, i8, kernel, record, void
from bot4.pipeline.state import FRAME, RING
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, OPEN, TIME_S, VOLUME
from bot4.quant.series.time_grid import MONDAY_OFFSET_NS, WEEK_NS

_MASK = RING - 1


@kernel(void(record(FRAME), f8, f8, f8, f8, f8, i8))
def append_bar(frame: Any, open_: float, high: float, low: float, close: float, volume: float, ts_open_ns: int) -> None:
    """Put one completed bar into the frame's ring."""
    at = frame["n_bars"] & _MASK
    ring = frame["ring"]
    ring[OPEN, at] = open_
    ring[HIGH, at] = high
    ring[LOW, at] = low
    ring[CLOSE, at] = close
    ring[VOLUME, at] = volume
    ring[TIME_S, at] = float(ts_open_ns // SECOND_NS)
    frame["n_bars"] += 1
    frame["n_rows"] += 1


@kernel(void(record(FRAME)))
def _complete(frame: Any) -> None:
    append_bar(frame, frame["open"], frame["high"], frame["low"], frame["close"], frame["volume"], frame["ts_open_ns"])
    frame["n_parts"] = 0


@kernel(void(record(FRAME), i8, i8, f8, f8, f8, f8, f8, i8))
def extend_bar(
    frame: Any,
    interval_ns: int,
    base_interval_ns: int,
    open_: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    ts_open_ns: int,
) -> None:
    """Fold one base bar into the frame's bar in the making, and complete what it completes."""
    offset_ns = MONDAY_OFFSET_NS if interval_ns % WEEK_NS == 0 else 0
    bucket = (ts_open_ns - offset_ns) // interval_ns
    if frame["n_parts"] > 0 and bucket != frame["bucket"]:
        _complete(frame)
    if frame["n_parts"] == 0:
        frame["bucket"] = bucket
        frame["ts_open_ns"] = bucket * interval_ns + offset_ns
        frame["open"] = open_
        frame["high"] = high
        frame["low"] = low
        frame["volume"] = 0.0
    frame["high"] = max(frame["high"], high)
    frame["low"] = min(frame["low"], low)
    frame["close"] = close
    frame["volume"] += volume
    frame["n_parts"] += 1
    if ts_open_ns + base_interval_ns >= (bucket + 1) * interval_ns + offset_ns:
        _complete(frame)
