"""Times in any of the forms that files hold, as UTC nanoseconds.

- A whole number is recognised by its size: from 1e8 seconds, from 1e11 milliseconds, from 1e14 microseconds, from
  1e17 nanoseconds. Each is right for the years 1973 to 5138. A smaller number is a row number, not a time.
- A number with a fraction is read to the microsecond.
- A date and time with a zone is taken at its zone; without one it is UTC. A date is its midnight.
- Text is ISO 8601. All of a column's texts have the same offset, or none has one; mixed offsets, and mixed units of
  numbers, are refused: they show that files were joined, and an hour's mistake is look-ahead.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from bot4.domain.bars import IntArray
from bot4.domain.errors import DataError

SECONDS_FROM = 10**8
MILLISECONDS_FROM = 10**11
MICROSECONDS_FROM = 10**14
NANOSECONDS_FROM = 10**17
LAST_NS = np.iinfo(np.int64).max

_UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_NUMBER = r"^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$"
_OFFSET = r"(:\d{2}(?:\.\d*)?)\s*(Z|z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def utc_ns(column: pl.Series, where: str) -> IntArray:
    """int64[n]: the times of a column as UTC nanoseconds, by the rules above.

    Raises:
        DataError: for a missing or unreadable time, mixed offsets or units, a time outside 1678-2262.
    """
    missing = column.is_null()
    if missing.any():
        raise _error(column, int(missing.arg_max() or 0), "is missing", where, "fill it in or remove the row")
    if isinstance(column.dtype, pl.Datetime):
        return _scaled(column, column.to_physical().to_numpy(), _UNIT_NS[column.dtype.time_unit], where)
    if column.dtype == pl.Date:
        return _scaled(column, column.to_physical().cast(pl.Int64).to_numpy(), 86_400 * 10**9, where)
    if column.dtype.is_integer():
        return _from_integers(column, column.cast(pl.Int64).to_numpy(), where)
    if column.dtype.is_float():
        return _from_floats(column, column.cast(pl.Float64).to_numpy(), where)
    if column.dtype in (pl.String, pl.Categorical):
        return _from_text(column.cast(pl.String), where)
    raise DataError(
        f"column '{column.name}' holds {column.dtype}, which is no time",
        where=where,
        remedy="give integers, ISO 8601 text or timestamps",
    )


def _error(column: pl.Series, row: int, what: str, where: str, remedy: str) -> DataError:
    return DataError(f"column '{column.name}', row {row + 1}: the time {what}", where=where, remedy=remedy)


def _scaled(column: pl.Series, values: IntArray, unit_ns: int, where: str) -> IntArray:
    is_outside = np.abs(values) > LAST_NS // unit_ns
    if is_outside.any():
        row = int(np.argmax(is_outside))
        raise _error(column, row, f"{values[row]} lies outside 1678-2262", where, "check its unit")
    return values.astype(np.int64) * unit_ns


def _unit_of(size: float) -> str:
    if size < MILLISECONDS_FROM:
        return "s"
    if size < MICROSECONDS_FROM:
        return "ms"
    return "us" if size < NANOSECONDS_FROM else "ns"


def _require_one_unit(column: pl.Series, values: np.ndarray, where: str) -> str:
    if not len(values):
        return "ns"
    is_too_small = np.abs(values) < SECONDS_FROM
    if is_too_small.any():
        row = int(np.argmax(is_too_small))
        raise _error(
            column, row, f"{values[row]} is too small to be one", where, "give the column that holds the times"
        )
    unit = _unit_of(abs(values[0]))
    if _unit_of(np.abs(values).min()) == unit and _unit_of(np.abs(values).max()) == unit:
        return unit
    row = next(row for row, value in enumerate(values.tolist()) if _unit_of(abs(value)) != unit)
    raise _error(
        column,
        row,
        f"{values[row]} is in {_unit_of(abs(values[row]))} where the first row is in {unit}",
        where,
        "bring the column to one unit",
    )


def _from_integers(column: pl.Series, values: IntArray, where: str) -> IntArray:
    return _scaled(column, values, _UNIT_NS[_require_one_unit(column, values, where)], where)


def _from_floats(column: pl.Series, values: np.ndarray, where: str) -> IntArray:
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise _error(column, row, "is not a number", where, "fill it in or remove the row")
    if (values == np.floor(values)).all() and np.abs(values).max(initial=0) < 2**62:
        return _from_integers(column, values.astype(np.int64), where)
    per_microsecond = {"s": 10**6, "ms": 10**3, "us": 1}
    unit = _require_one_unit(column, values, where)
    if unit not in per_microsecond:
        raise _error(column, 0, f"{values[0]!r} is too long for a number with a fraction", where, "give whole numbers")
    whole = np.floor(values)
    microseconds = whole.astype(np.int64) * per_microsecond[unit]
    microseconds += np.rint((values - whole) * per_microsecond[unit]).astype(np.int64)
    return _scaled(column, microseconds, 10**3, where)


def _from_text(column: pl.Series, where: str) -> IntArray:
    text = column.str.strip_chars()
    if len(text) and text.str.contains(_NUMBER).all():
        whole = text.cast(pl.Int64, strict=False)
        if not whole.has_nulls():
            return _from_integers(column, whole.to_numpy(), where)
        return _from_floats(column, text.cast(pl.Float64).to_numpy(), where)
    bare = text.str.replace(_OFFSET, "${1}").str.replace("[Tt]", " ")
    times = bare.str.to_datetime(_FORMATS[0], time_unit="us", strict=False)
    for other in _FORMATS[1:]:
        if times.has_nulls():
            times = times.zip_with(times.is_not_null(), bare.str.to_datetime(other, time_unit="us", strict=False))
    unreadable = times.is_null()
    if unreadable.any():
        row = int(unreadable.arg_max() or 0)
        raise _error(
            column, row, f"'{text[row]}' cannot be read", where, "write it as ISO 8601, such as 2023-03-24T12:40:00Z"
        )
    return _scaled(column, times.to_physical().to_numpy(), 10**3, where) - _require_one_offset(column, text, where)


def _require_one_offset(column: pl.Series, text: pl.Series, where: str) -> int:
    offsets = text.str.extract(_OFFSET, 2).fill_null("")
    distinct = {offset: _offset_ns(offset) for offset in offsets.unique().to_list()}
    if len({(offset == "", ns) for offset, ns in distinct.items()}) > 1:
        kinds = [(offset == "", distinct[offset]) for offset in offsets]
        other = next(row for row, kind in enumerate(kinds) if kind != kinds[0])
        raise _error(
            column,
            other,
            f"'{text[other]}' has another time zone than the first, '{text[0]}'",
            where,
            "bring the column to one zone, best UTC",
        )
    return next(iter(distinct.values()), 0)


def _offset_ns(offset: str) -> int:
    match = re.fullmatch(r"([+-])(\d{2}):?(\d{2})?", offset)
    if match is None:
        return 0
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return (1 if match[1] == "+" else -1) * minutes * 60 * 10**9
