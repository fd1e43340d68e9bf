"""Columns of bars from whatever a user holds them in: a series, a mapping of arrays, a Polars or pandas frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bot4.domain.bars import SECOND_NS, BarSeries, FloatArray
from bot4.domain.errors import DataError

TIME_S = "time_s"
"""The open time in UTC seconds, read from ``ts`` (datetimes, or integers in UTC nanoseconds) where that is there."""


def bar_columns(bars: Any, names: Sequence[str], where: str) -> list[FloatArray]:
    """The named columns as contiguous float64[n] of equal length.

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays, or a polars or pandas DataFrame, oldest first.
        names: among ``open high low close volume time_s``.
        where: what an error is said to be in.

    Raises:
        DataError: a column is missing, is not numeric, or is of another length; or this is no set of columns.
    """
    if isinstance(bars, BarSeries):
        times = bars.ts_open_ns // SECOND_NS if TIME_S in names else None
        found = [times if name == TIME_S else getattr(bars, name) for name in names]
        return [np.ascontiguousarray(column, np.float64) for column in found]
    if not isinstance(bars, Mapping) and type(bars).__name__ != "DataFrame":
        remedy = "pass a BarSeries, a mapping of arrays or a DataFrame"
        raise DataError(f"{type(bars).__name__} is no set of bar columns", where=where, remedy=remedy)
    columns = [_column(bars, name, where) for name in names]
    lengths = sorted({len(column) for column in columns})
    if len(lengths) != 1:
        raise DataError(f"columns of {lengths} rows", where=where, remedy="pass one value per bar in each")
    return columns


def _column(bars: Any, name: str, where: str) -> FloatArray:
    known = list(bars.columns) if hasattr(bars, "columns") else list(bars)
    if name == TIME_S and "ts" in known:
        name = "ts"
    if name not in known:
        remedy = f"it has {', '.join(map(str, known))}"
        raise DataError(f"there is no column {'ts' if name == TIME_S else name}", where=where, remedy=remedy)
    try:
        column = _seconds(bars[name]) if name == "ts" else np.ascontiguousarray(bars[name], np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name} is not numeric", where=where, remedy="convert it to float64") from error
    if column.ndim != 1:
        raise DataError(f"column {name} has {column.ndim} dimensions", where=where, remedy="pass one value per bar")
    return column


def _seconds(ts: Any) -> FloatArray:
    """Whole UTC seconds of datetimes or of nanoseconds; NaN for a missing time."""
    times = np.asarray(ts)
    if times.dtype == object:
        times = np.asarray(ts, "datetime64[ns]")
    if times.dtype.kind == "M":
        seconds = times.astype("datetime64[s]")
        return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64).astype(np.float64))
    return np.asarray(np.floor_divide(times, SECOND_NS), np.float64)


__all__ = ["TIME_S", "bar_columns"]
