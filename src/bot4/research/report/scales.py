"""Axes and downsampling: from values to positions in a chart, with ticks at round numbers and calendar times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, FloatArray, IntArray
from bot4.research.report.formats import moment, number

EXTENT = 10_000
"""Width and height of every chart in its own units; the browser stretches them to the space there is."""
_LOG_RATIOS = (5.0, 1e12)


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear or logarithmic axis from ``low`` to ``high``."""

    low: float
    high: float
    is_log: bool = False

    def share(self, values: FloatArray) -> FloatArray:
        """Position along the axis, 0 at ``low`` and 1 at ``high``."""
        if self.is_log:
            shares: FloatArray = np.log(values / self.low) / math.log(self.high / self.low)
            return shares
        return (values - self.low) / (self.high - self.low)

    def ticks(self, count: int = 5) -> list[float]:
        """About ``count`` round values within the axis, ascending."""
        if self.is_log:
            return self._log_ticks()
        step = _round_step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [position * step for position in range(first, last + 1)]

    def _log_ticks(self) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        decades = range(first, last + 1, 1 + (last - first) // 8)
        leads = (1, 2, 5) if self.high / self.low < 1000.0 else (1,)
        marks = [lead * 10.0**decade for decade in decades for lead in leads]
        return [mark for mark in marks if self.low <= mark <= self.high]


def axis_over(*columns: FloatArray, is_from_zero: bool = False, may_be_log: bool = False) -> Axis:
    """An axis that holds every finite value of the columns, with a little air above and below.

    It is logarithmic where ``may_be_log`` and the largest value is more than five times the smallest.
    """
    finite = np.concatenate([column[np.isfinite(column)] for column in columns])
    if len(finite) == 0:
        return Axis(0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    if may_be_log and low > 0.0 and _LOG_RATIOS[0] * low < high < _LOG_RATIOS[1] * low:
        air = (high / low) ** 0.03
        return Axis(low / air, high * air, is_log=True)
    if is_from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    air = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    is_low_bare = is_from_zero and low == 0.0
    is_high_bare = is_from_zero and high == 0.0 and low < 0.0
    return Axis(low if is_low_bare else low - air, high if is_high_bare else high + air)


def tick_text(value: float, step: float, *, is_percent: bool) -> str:
    """A tick's label, short enough for a narrow axis: ``12,500``, ``1.25M``, ``-5%``."""
    if is_percent:
        value, step = 100.0 * value, 100.0 * step
    suffix, unit = "", 1.0
    for threshold, name in ((1e9, "B"), (1e6, "M")):
        if abs(value) >= threshold:
            suffix, unit = name, threshold
            break
    digits = next((count for count in range(12) if math.isclose(round(step / unit, count), step / unit)), 12)
    return number(value / unit, digits) + suffix + ("%" if is_percent else "")


def time_ticks(start_ns: int, end_ns: int, count: int = 7) -> list[tuple[int, str]]:
    """At most ``count`` or so round UTC calendar times within the span, with short labels."""
    span_ns = max(end_ns - start_ns, 1)
    for step_ns in (MINUTE_NS, 5 * MINUTE_NS, 15 * MINUTE_NS, HOUR_NS, 3 * HOUR_NS, 6 * HOUR_NS, 12 * HOUR_NS):
        if span_ns / step_ns <= count:
            first = -(-start_ns // step_ns) * step_ns
            return [(ts, _clock_label(ts)) for ts in range(first, end_ns + 1, step_ns)]
    for days in (1, 2, 7, 14):
        if span_ns / (days * DAY_NS) <= count:
            step_ns = days * DAY_NS
            first = -(-start_ns // step_ns) * step_ns
            return [(ts, f"{moment(ts).day} {moment(ts):%b}") for ts in range(first, end_ns + 1, step_ns)]
    for months in (1, 2, 3, 6, 12, 24, 60):
        if span_ns / (months * 30.44 * DAY_NS) <= count:
            break
    return [(ts, _month_label(ts)) for ts in _month_starts(start_ns, end_ns, months)]


def extremes_per_bucket(ts_ns: IntArray, values: FloatArray, start_ns: int, end_ns: int, buckets: int) -> IntArray:
    """Positions to draw so that no spike is lost: first, lowest, highest and last of each time bucket, ascending.

    ``values`` without NaN; at most ``4 * buckets`` positions (M4, Jugel et al., 2014).
    """
    if len(values) <= 4 * buckets:
        return np.arange(len(values), dtype=np.int64)
    bucket = bucket_of(ts_ns, start_ns, end_ns, buckets)
    order = np.lexsort((values, bucket))
    starts, ends = _edges(bucket)
    return np.unique(np.concatenate((starts, order[starts], order[ends], ends)))


def bucket_of(ts_ns: IntArray, start_ns: int, end_ns: int, buckets: int) -> IntArray:
    """Which of ``buckets`` equal spans of time each sample falls in; int64[n]."""
    span_ns = max(end_ns - start_ns, 1)
    shares = (ts_ns - start_ns) / span_ns
    return np.clip((shares * buckets).astype(np.int64), 0, buckets - 1)


def last_per_bucket(ts_ns: IntArray, start_ns: int, end_ns: int, buckets: int) -> IntArray:
    """Position of the last sample of each time bucket that has one, ascending."""
    return _edges(bucket_of(ts_ns, start_ns, end_ns, buckets))[1]


def _edges(bucket: IntArray) -> tuple[IntArray, IntArray]:
    """First and last position of each run of equal values in an ascending array."""
    changes = np.flatnonzero(np.diff(bucket))
    last = np.concatenate((changes, np.array([len(bucket) - 1], dtype=np.int64)))
    first = np.concatenate((np.array([0], dtype=np.int64), changes + 1))
    return first, last


def _round_step(step: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(step))
    for lead in (1.0, 2.0, 2.5, 5.0):
        if step <= lead * magnitude * (1.0 + 1e-9):
            return lead * magnitude
    return 10.0 * magnitude


def _clock_label(ts_ns: int) -> str:
    when = moment(ts_ns)
    return f"{when.day} {when:%b}" if ts_ns % DAY_NS == 0 else when.strftime("%H:%M")


def _month_label(ts_ns: int) -> str:
    when = moment(ts_ns)
    return str(when.year) if when.month == 1 else f"{when:%b}"


def _month_starts(start_ns: int, end_ns: int, months: int) -> list[int]:
    first = moment(start_ns)
    index = -(-(first.year * 12 + first.month - 1) // months) * months
    starts: list[int] = []
    while True:
        when = datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
        ts_ns = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * SECOND_NS
        if ts_ns > end_ns:
            return starts
        if ts_ns >= start_ns:
            starts.append(ts_ns)
        index += months
