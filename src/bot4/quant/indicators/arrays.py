"""Indicators for Python users: of whole columns, and one more bar at a time, by the very same kernels.

NaN policy, here and nowhere else: after a bar with a used input that is not finite an indicator *restarts*. That
bar's outputs are NaN, and the next bar is its first. (The pipeline refuses such bars before they reach one.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bot4.domain.bars import SECOND_NS, BarSeries, FloatArray
from bot4.quant.indicators.bank import WIDE_RING, BankSpec, advance_columns, push_bar
from bot4.quant.indicators.registry import ROW_NAMES, SPAN, ResolvedIndicator
from bot4.quant.series.bar_columns import bar_columns

Wanted = Iterable[tuple[str, Mapping[str, Any]]]
"""Indicators with their parameters: ``[("sma", {"period": 20}), ("rsi", {})]``."""

_NO_COLUMN = np.zeros(0)


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
    return compute_many([(name, params)], bars)


def compute_many(wanted: Wanted, bars: Any) -> Any:
    """Several indicators of the same columns at once; what they share is computed once.

    Arguments, returns and errors as :func:`compute`.
    """
    bank = BankSpec.of(wanted)
    columns = _bar_columns(bank, bars)
    outputs: dict[str, FloatArray] = {}
    for part in bank.by_inputs():
        found = _outputs(part, columns)
        outputs |= {column: found[row] for column, row in part.rows.items()}
    ordered = {column: outputs[column] for column in bank.rows}
    kind = type(bars).__module__.partition(".")[0]  # neither library is imported here
    if kind == "polars":
        return type(bars)(ordered)
    if kind == "pandas":
        return type(bars)(ordered, index=bars.index)
    return ordered


def evaluate(member: ResolvedIndicator, bars: FloatArray) -> FloatArray:
    """Outputs float64[n_outputs, n] of an indicator over bars float64[6, n], restarting as the NaN policy says."""
    outputs = _outputs(BankSpec((member,)), list(np.ascontiguousarray(bars, np.float64)))
    rows = list(member.info.rows)
    return outputs if rows == list(range(len(outputs))) else outputs[rows]


class BankStream:
    """Indicators fed one bar at a time, all of them by one call.

    Args:
        wanted: the indicators with their parameters.

    Attributes:
        columns: names of what :meth:`push` returns, in order.

    Raises:
        SettingError: unknown indicator, or a parameter out of its bounds.
    """

    def __init__(self, wanted: Wanted) -> None:
        bank = BankSpec.of(wanted)
        self.columns = tuple(bank.rows)
        parts = bank.by_inputs()
        inputs = [part.inputs for part in parts]
        self._entries, self._params = bank.entries, bank.params
        self._group = np.array([inputs.index(member.info.inputs) for member in bank.computed], np.int64)
        self._reads = np.array([[row in rows for row in range(len(ROW_NAMES))] for rows in inputs], np.int64)
        self._age = np.zeros(len(parts), np.int64)
        self._rings = np.zeros((len(parts) * len(ROW_NAMES), SPAN))
        self._state = np.zeros(bank.n_state)
        self._bar = np.zeros(len(ROW_NAMES))
        self._out = np.full((bank.n_outputs, 1), np.nan)
        self._take = np.array(list(bank.rows.values()), np.intp)

    def push(self, bar: Sequence[float] | FloatArray) -> FloatArray:
        """Advance by one bar and give the outputs, float64[len(columns)].

        Args:
            bar: open, high, low, close, volume, and the open time in UTC seconds; what no indicator reads may be
                anything.
        """
        self._bar[:] = bar
        push_bar(
            self._entries, self._group, self._params, self._bar, self._reads, self._age, self._rings, self._state,
            self._out,
        )  # fmt: skip
        values: FloatArray = self._out[self._take, 0]
        return values


class Stream:
    """One indicator fed one bar at a time.

    Args:
        name: name of the indicator.
        **params: its parameters by name.

    Raises:
        SettingError: unknown indicator, or a parameter out of its bounds.
    """

    def __init__(self, name: str, **params: Any) -> None:
        self._bank = BankStream([(name, params)])

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
        values = self._bank.push((open, high, low, close, volume, ts_s)).tolist()
        return dict(zip(self._bank.columns, values, strict=True))


def bar_matrix(series: BarSeries) -> FloatArray:
    """Bars as float64[6, n] in the rows ``OPEN .. TIME_S``."""
    time_s = series.ts_open_ns // SECOND_NS
    return np.array([series.open, series.high, series.low, series.close, series.volume, time_s], np.float64)


def _outputs(bank: BankSpec, columns: Sequence[FloatArray]) -> FloatArray:
    """Outputs float64[bank.n_outputs, n] of indicators that read the same rows."""
    n = len(columns[bank.inputs[0]])
    outputs = np.empty((bank.n_outputs, n))
    is_used = np.array([row in bank.inputs for row in range(len(ROW_NAMES))], np.int64)
    ring = np.empty((len(ROW_NAMES), WIDE_RING))
    advance_columns(bank.entries, bank.params, *columns, is_used, np.zeros(bank.n_state), ring, outputs)
    return outputs


def _bar_columns(bank: BankSpec, bars: Any) -> list[FloatArray]:
    """A column for each row of bars; those that the bank does not read are empty."""
    where = f"indicator {bank.members[0].label}" if len(bank.members) == 1 else "indicators"
    found = bar_columns(bars, [ROW_NAMES[row] for row in bank.inputs], where)
    used = dict(zip(bank.inputs, found, strict=True))
    return [used.get(row, _NO_COLUMN) for row in range(len(ROW_NAMES))]


__all__ = ["BankStream", "Stream", "bar_matrix", "compute", "compute_many", "evaluate"]
