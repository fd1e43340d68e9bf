"""The grid on which bars open: intervals by name, the interval of a series, UTC times as text."""

from __future__ import annotations

import re

import numpy as np

from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, IntArray
from bot4.domain.errors import DataError, UsageError

WEEK_NS = 7 * DAY_NS
MONDAY_OFFSET_NS = 4 * DAY_NS  # 1970-01-01 was a Thursday; exchanges open weekly bars on Monday

_UNITS_NS = {"w": WEEK_NS, "d": DAY_NS, "h": HOUR_NS, "m": MINUTE_NS, "s": SECOND_NS}
_INTERVAL = re.compile(r"([1-9]\d*)([smhdw])")


def parse_interval(text: str) -> int:
    """Nanoseconds of an interval such as ``1m``, ``4h`` or ``1d`` (units s, m, h, d, w).

    Raises:
        UsageError: if the text is no such interval. A month has no fixed length and is none.
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a bar interval", remedy="give a number and a unit, such as 1m, 4h or 1d")
    return int(match[1]) * _UNITS_NS[match[2]]


def interval_name(interval_ns: int) -> str:
    """The shortest name of an interval, the inverse of :func:`parse_interval`; ``<n>ns`` below whole seconds."""
    for unit, unit_ns in _UNITS_NS.items():
        if interval_ns >= unit_ns and interval_ns % unit_ns == 0:
            return f"{interval_ns // unit_ns}{unit}"
    return f"{interval_ns}ns"


def grid_offset_ns(interval_ns: int) -> int:
    """Where the grid of an interval starts after the epoch: Monday for whole weeks, otherwise the epoch itself."""
    return MONDAY_OFFSET_NS if interval_ns % WEEK_NS == 0 else 0


def grid_open_ns(ts_ns: IntArray, interval_ns: int) -> IntArray:
    """int64[n]: the open time of the bar of ``interval_ns`` that covers each of ``ts_ns``."""
    offset_ns = grid_offset_ns(interval_ns)
    return (ts_ns - offset_ns) // interval_ns * interval_ns + offset_ns


def utc_text(ts_ns: int) -> str:
    """A UTC time as ISO 8601 text, with no more digits than it needs: ``2023-03-24T12:40Z``."""
    time = np.datetime64(int(ts_ns), "ns")
    if ts_ns % MINUTE_NS == 0:
        return f"{time.astype('datetime64[m]')}Z"
    if ts_ns % SECOND_NS == 0:
        return f"{time.astype('datetime64[s]')}Z"
    return f"{time.astype('datetime64[ms]') if ts_ns % 1_000_000 == 0 else time}Z"


def infer_interval_ns(ts_open_ns: IntArray, where: str = "") -> int:
    """The most frequent positive step between successive open times; the smallest of several equally frequent.

    Args:
        ts_open_ns: int64[n], in any order; steps backwards and repeats are not counted.
        where: what the error names.

    Raises:
        DataError: if there are no two different times in order.
    """
    steps = np.diff(ts_open_ns)
    steps = steps[steps > 0]
    if not len(steps):
        raise DataError(
            f"the interval cannot be told from {len(ts_open_ns)} bar(s)", where=where, remedy="give the interval"
        )
    middle = np.partition(steps, len(steps) // 2)[len(steps) // 2]
    if 2 * np.count_nonzero(steps == middle) > len(steps):
        return int(middle)
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])
