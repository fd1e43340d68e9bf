"""Indicators for Python users: of whole columns, and one more bar at a time, by the very same kernel.

NaN policy, here and nowhere else: after a bar with a used input that is not finite an indicator *restarts*. That
bar's outputs are NaN, and the next bar is its first. (The pipeline refuses such bars before they reach one.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bot4.domain.bars import SECOND_NS, BarSeries, FloatArray
from bot4.domain.errors import DataError
from bot4.quant.indicators.registry import INDICATOR, ROW_NAMES, TIME_S, ResolvedIndicator, resolve

_RING = 512


def compute(name: str, bars: Any, **params: Any) -> Any:
    """An indicator of whole columns.

    Args:
        name: name of the indicator, see :data:`bot4.quant.indicators.registry.INDICATORS`.
        bars: a :class:`BarSeries`, a mapping of arrays, or a polars or pandas DataFrame, oldest first, with those
            of the columns ``open high low close volume`` that the indicator uses; and, if it uses time, ``ts``
            (the open time: datetimes, or integers in UTC nanoseconds) or ``time_s`` (UTC seconds).
        **params: parameters of the indicator by name.

    Returns:
        For a frame the same kind of frame (with its index) of float64 output columns, else a dict of float64[n];
        keys such as ``ema_20`` and ``macd_12_26_9.signal``. NaN during the warm-up and where the NaN policy says.

    Raises:
        SettingError: unknown indicator, or a parameter out of its bounds.
        DataError: a column is missing, is not numeric, or is of another length.
    """
    member = resolve(name, **params)
    outputs = evaluate(member, _matrix(member, bars))
    columns = dict(zip(member.columns, outputs, strict=True))
    kind = type(bars).__module__.partition(".")[0]  # neither library is imported here
    if kind == "polars":
        return type(bars)(columns)
    if kind == "pandas":
        return type(bars)(columns, index=bars.index)
    return columns


def evaluate(member: ResolvedIndicator, bars: FloatArray) -> FloatArray:
    """Outputs float64[n_outputs, n] of an indicator over bars float64[6, n], restarting as the NaN policy says."""
    bars = np.ascontiguousarray(bars, np.float64)
    outputs = np.full((len(member.columns), bars.shape[1]), np.nan)
    params = np.array(member.values, np.float64)
    INDICATOR.address(member.info.function)  # compiles it alone, where warm_up may compile them all
    for start, stop in _finite_runs(bars[list(member.info.inputs)]):
        is_whole = stop - start == bars.shape[1]
        run = bars if is_whole else np.ascontiguousarray(bars[:, start:stop])
        out = outputs if is_whole else np.empty((len(member.columns), stop - start))
        member.info.function(run, -1, 0, stop - start, params, np.zeros(member.state_size), out)
        if not is_whole:
            outputs[:, start:stop] = out
    return outputs


class Stream:
    """An indicator fed one bar at a time.

    Args:
        name: name of the indicator.
        **params: its parameters by name.

    Raises:
        SettingError: unknown indicator, or a parameter out of its bounds.
    """

    def __init__(self, name: str, **params: Any) -> None:
        self.member = resolve(name, **params)
        self._params = np.array(self.member.values, np.float64)
        self._state = np.zeros(self.member.state_size)
        self._bars = np.zeros((len(ROW_NAMES), _RING))
        self._out = np.empty((len(self.member.columns), 1))
        self._t = 0
        INDICATOR.address(self.member.info.function)

    def push(
        self,
        open: float,  # noqa: A002
        high: float,
        low: float,
        close: float,
        volume: float,
        ts_s: float,
    ) -> dict[str, float]:
        """Advance by one bar (``ts_s``: its open time in UTC seconds) and give the outputs by column name."""
        bar = (open, high, low, close, volume, ts_s)
        if not all(math.isfinite(bar[row]) for row in self.member.info.inputs):
            self._state[:] = 0.0
            self._t = 0
            return dict.fromkeys(self.member.columns, math.nan)
        self._bars[:, self._t & (_RING - 1)] = bar
        self.member.info.function(self._bars, _RING - 1, self._t, self._t + 1, self._params, self._state, self._out)
        self._t += 1
        return dict(zip(self.member.columns, self._out[:, 0].tolist(), strict=True))


def bar_matrix(series: BarSeries) -> FloatArray:
    """Bars as float64[6, n] in the rows ``OPEN .. TIME_S``."""
    time_s = series.ts_open_ns // SECOND_NS
    return np.array([series.open, series.high, series.low, series.close, series.volume, time_s], np.float64)


def _finite_runs(inputs: FloatArray) -> Iterator[tuple[int, int]]:
    """``(start, stop)`` of each run of bars whose inputs are all finite."""
    is_finite = np.isfinite(inputs).all(axis=0).astype(np.int8)
    edges = np.flatnonzero(np.diff(is_finite, prepend=0, append=0))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        yield int(start), int(stop)


def _matrix(member: ResolvedIndicator, bars: Any) -> FloatArray:
    if isinstance(bars, BarSeries):
        return bar_matrix(bars)
    where = f"indicator {member.label}"
    if not isinstance(bars, Mapping) and type(bars).__name__ != "DataFrame":
        remedy = "pass a BarSeries, a mapping of arrays or a DataFrame"
        raise DataError(f"{type(bars).__name__} is no set of bar columns", where=where, remedy=remedy)
    used = {row: _column(bars, row, where) for row in member.info.inputs}
    lengths = sorted({len(column) for column in used.values()})
    if len(lengths) != 1:
        raise DataError(f"columns of {lengths} rows", where=where, remedy="pass one value per bar in each")
    matrix = np.zeros((len(ROW_NAMES), lengths[0]))
    for row, column in used.items():
        matrix[row] = column
    return matrix


def _column(bars: Any, row: int, where: str) -> FloatArray:
    names = list(bars.columns) if hasattr(bars, "columns") else list(bars)
    name = "ts" if row == TIME_S and "ts" in names else ROW_NAMES[row]
    if name not in names:
        remedy = f"it has {', '.join(map(str, names))}"
        raise DataError(f"there is no column {'ts' if row == TIME_S else name}", where=where, remedy=remedy)
    try:
        column = _seconds(bars[name]) if name == "ts" else np.asarray(bars[name], np.float64)
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


__all__ = ["Stream", "bar_matrix", "compute", "evaluate"]
