"""Timeframes: higher bars beside their base bars, each known only at the close of the base bar that completes it.

The rule is :func:`bot4.quant.series.resample.resample`'s, which the pipeline's frames follow bar by bar:

* A higher bar covers a whole multiple of the base interval on the UTC grid and is made of the base bars that exist.
  A higher bar without any does not exist.
* It is known at the close of the first base bar that closes at or after its end: the base bar that ends it or, where
  that one is missing, the next one that exists.
* A last bar whose end no base bar has reached may still change, and is left out.
* A first bar that begins before the base series does is kept, since at its place the series cannot tell a late start
  from an outage. ``n_parts`` says of how many base bars each one is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from bot4.domain.bars import BarSeries, FloatArray, IntArray
from bot4.domain.errors import DataError, UsageError
from bot4.quant.series.resample import to_interval
from bot4.quant.series.time_grid import infer_interval_ns, interval_name, parse_interval

Values = TypeVar("Values")

_PRICES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, eq=False)
class Timeframe:
    """Bars of one higher interval, and which of them is known at each base bar.

    Attributes:
        bars: the ``n`` completed higher bars, oldest first.
        n_parts: int64[n], how many base bars each is made of.
        known: int64[n_base], index of the last higher bar that is complete at the close of each base bar; -1 before
            the first.
        base_index: index of the pandas frame that the base came in, else None.
        frame_type: class of the frame that the base came in, else None.
    """

    bars: BarSeries
    n_parts: IntArray
    known: IntArray
    base_index: Any = None
    frame_type: Any = None

    @property
    def interval_ns(self) -> int:
        """Length of a higher bar in nanoseconds."""
        return self.bars.interval_ns

    def columns(self) -> dict[str, Any]:
        """The higher bars as ``ts`` (datetime64[ns], UTC open time), ``open high low close volume`` and ``n_parts``."""
        prices = {name: getattr(self.bars, name) for name in _PRICES}
        return {"ts": self.bars.ts_open_ns.view("datetime64[ns]"), **prices, "n_parts": self.n_parts}

    @property
    def frame(self) -> Any:
        """:meth:`columns` as the kind of frame that the base came in.

        Raises:
            UsageError: if the base was a :class:`BarSeries`.
        """
        if self.frame_type is None:
            remedy = "use .bars, or give .columns() to the frame class you want"
            raise UsageError("the base bars were no frame", where=interval_name(self.interval_ns), remedy=remedy)
        return self.frame_type(self.columns())


@dataclass(frozen=True, slots=True, eq=False)
class Timeframes(Mapping[int, Timeframe]):
    """Several timeframes over one base series, by interval in nanoseconds or by name (``frames["1h"]``).

    Attributes:
        base: the base bars.
        by_interval_ns: the timeframes, shortest first.
    """

    base: BarSeries
    by_interval_ns: dict[int, Timeframe]

    def __getitem__(self, interval: int | str) -> Timeframe:
        """The timeframe of an interval.

        Raises:
            UsageError: if it was not asked for.
        """
        interval_ns = _interval_ns(interval)
        if interval_ns not in self.by_interval_ns:
            have = ", ".join(interval_name(key) for key in self.by_interval_ns) or "none"
            remedy = f"ask for it in timeframes(); there are {have}"
            raise UsageError(f"no timeframe of {interval_name(interval_ns)} was built", remedy=remedy)
        return self.by_interval_ns[interval_ns]

    def __iter__(self) -> Iterator[int]:
        return iter(self.by_interval_ns)

    def __len__(self) -> int:
        return len(self.by_interval_ns)


def timeframes(bars: Any, intervals: Iterable[int | str], *, interval_ns: int | None = None) -> Timeframes:
    """Higher bars of any set of intervals, with what of them is known at each base bar.

    Args:
        bars: a :class:`BarSeries`, or a Polars or pandas frame with ``open high low close volume`` and ``ts`` (the UTC
            open time: datetimes, or integers in nanoseconds; for pandas the index will do). In order, on its grid and
            without duplicates.
        intervals: nanoseconds or names such as ``"1h"``, in any order; each a whole multiple of the base interval,
            which may itself be among them.
        interval_ns: base interval of a frame; by default its most frequent step.

    Returns:
        The timeframes. Values are as exchanges state them: NaN in a base bar makes its higher bar NaN there.

    Raises:
        UsageError: an interval that is no multiple of the base interval, or no interval at all.
        DataError: bars off their grid or out of order, or a column that is missing or not numeric.
    """
    series = bars if isinstance(bars, BarSeries) else _series_of(bars, interval_ns)
    is_frame = not isinstance(bars, BarSeries)
    base_index = getattr(bars, "index", None) if is_frame else None
    frame_type = type(bars) if is_frame else None
    wanted = sorted({_interval_ns(interval) for interval in intervals})
    return Timeframes(series, {wide: _timeframe(series, wide, base_index, frame_type) for wide in wanted})


def on_base_bars(values: Values, alignment: Timeframe) -> Values:
    """Values of a timeframe's bars laid onto the base bars: at each, that of the last higher bar known at its close.

    Args:
        values: one value for each of the ``n`` higher bars: an array whose last axis has length ``n``, a mapping of
            such arrays (what :func:`bot4.quant.indicators.compute` gives), or a Polars or pandas Series or DataFrame
            of ``n`` rows.
        alignment: the timeframe the values belong to.

    Returns:
        The same kind over the ``n_base`` base bars. Before the first higher bar floats are NaN (integers of arrays
        and pandas become floats to say so), times NaT; Polars columns other than Float64 are null there. A pandas
        result has the index of the base frame, if there was one.

    Raises:
        DataError: if there is not one value for each higher bar.
    """
    return cast("Values", _on_base_bars(values, alignment))


def _on_base_bars(values: Any, alignment: Timeframe) -> Any:
    kind = type(values).__module__.partition(".")[0]  # neither library is imported here
    if kind == "polars":
        return _gather_polars(values, alignment)
    if kind == "pandas":
        return _gather_pandas(values, alignment)
    if isinstance(values, Mapping):
        return {name: _gather(column, alignment) for name, column in values.items()}
    return _gather(values, alignment)


def _timeframe(base: BarSeries, interval_ns: int, base_index: Any, frame_type: Any) -> Timeframe:
    higher = to_interval(base, interval_ns)
    starts = np.searchsorted(base.ts_open_ns, higher.ts_open_ns)
    n_parts = np.diff(starts, append=np.searchsorted(base.ts_open_ns, _end_ns(higher)[-1:]))
    return Timeframe(higher, n_parts.astype(np.int64), _known(base, higher, starts, n_parts), base_index, frame_type)


def _end_ns(bars: BarSeries) -> IntArray:
    return bars.ts_open_ns + bars.interval_ns


def _known(base: BarSeries, higher: BarSeries, starts: IntArray, n_parts: IntArray) -> IntArray:
    """A bar is unknown at its own base bars, but for the last of them if that one reaches its end."""
    n = len(higher)
    known = np.full(len(base), n - 1, np.int64)
    n_covered = int(n_parts.sum())
    known[:n_covered] = np.repeat(np.arange(-1, n - 1, dtype=np.int64), n_parts)
    last_part = starts + n_parts - 1
    is_ended = base.ts_open_ns[last_part] + base.interval_ns >= _end_ns(higher)
    known[last_part[is_ended]] += 1
    return known


def _interval_ns(interval: int | str) -> int:
    return parse_interval(interval) if isinstance(interval, str) else int(interval)


def _gather(values: Any, alignment: Timeframe) -> FloatArray:
    values = np.asarray(values)
    _require_length(values.shape[-1] if values.ndim else 0, alignment)
    if values.dtype.kind in "biu":
        values = values.astype(np.float64)
    missing = np.full((*values.shape[:-1], 1), _missing(values.dtype), values.dtype)
    return np.concatenate([missing, values], axis=-1)[..., alignment.known + 1]


def _missing(dtype: np.dtype[Any]) -> Any:
    return np.array("NaT", dtype) if dtype.kind in "mM" else math.nan


def _gather_polars(values: Any, alignment: Timeframe) -> Any:
    _require_length(len(values), alignment)
    if not hasattr(values, "columns"):
        return _gather_polars(values.to_frame(), alignment).to_series()
    missing = values.clear(1).fill_null(math.nan, matches_supertype=False)
    return missing.vstack(values)[alignment.known + 1]


def _gather_pandas(values: Any, alignment: Timeframe) -> Any:
    _require_length(len(values), alignment)
    gathered = values.reset_index(drop=True).reindex(alignment.known)
    if alignment.base_index is None:
        return gathered.reset_index(drop=True)
    return gathered.set_axis(alignment.base_index, axis=0)


def _require_length(n_values: int, alignment: Timeframe) -> None:
    n = len(alignment.bars)
    if n_values != n:
        where = interval_name(alignment.interval_ns)
        raise DataError(f"{n_values} values for {n} bars", where=where, remedy="give one value for each higher bar")


def _series_of(frame: Any, interval_ns: int | None) -> BarSeries:
    if type(frame).__name__ != "DataFrame":
        remedy = "pass a BarSeries or a Polars or pandas DataFrame"
        raise DataError(f"{type(frame).__name__} is no series of bars", where="timeframes", remedy=remedy)
    absent = [name for name in _PRICES if name not in frame.columns]
    if absent:
        remedy = f"it has {', '.join(map(str, frame.columns))}"
        raise DataError(f"there is no column {absent[0]}", where="timeframes", remedy=remedy)
    ts_open_ns = _open_times(frame)
    interval_ns = interval_ns or infer_interval_ns(ts_open_ns, "timeframes")
    open_, high, low, close, volume = (_numbers(frame[name], name) for name in _PRICES)
    return BarSeries("", interval_ns, ts_open_ns, open_, high, low, close, volume)


def _numbers(column: Any, name: str) -> FloatArray:
    try:
        return np.ascontiguousarray(column, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name} is not numeric", where="timeframes", remedy="convert it to float64") from error


def _open_times(frame: Any) -> IntArray:
    """int64[n] UTC nanoseconds of column ``ts`` or of a pandas index of times."""
    times = frame["ts"] if "ts" in frame.columns else getattr(frame, "index", None)
    values = np.asarray(times)
    if values.dtype == object and times is not None:  # pandas times with a zone
        values = np.asarray(times, "datetime64[ns]")
    if values.dtype.kind == "M" and not np.isnat(values).any():
        return values.astype("datetime64[ns]").astype(np.int64)
    if "ts" in frame.columns and values.dtype.kind == "i":
        return values.astype(np.int64)
    remedy = "give the UTC open time of every bar as column ts: datetimes, or integers in nanoseconds"
    raise DataError("the bars have no times", where="timeframes", remedy=remedy)


__all__ = ["Timeframe", "Timeframes", "on_base_bars", "timeframes"]
