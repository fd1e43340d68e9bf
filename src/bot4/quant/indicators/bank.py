"""A bank: the indicators of a configuration as data, advanced by one kernel.

Which indicators run, and with which parameters, is a packed table of addresses and offsets; another choice
compiles nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError
from bot4.kernel import array, f8, i8, kernel, records, void
from bot4.kernel_memory import columns_from, part
from bot4.quant.indicators.registry import (
    CLOSE,
    HIGH,
    INDICATOR,
    LOW,
    MAX_BLOCK,
    OPEN,
    SPAN,
    VOLUME,
    ResolvedIndicator,
    resolve,
)

TAKEN_AT_ONCE = 4 * MAX_BLOCK
"""Bars of a column that are read before those of the next: memory gives long stretches faster than short ones."""

WIDE_RING = 8 * MAX_BLOCK
"""Bars in the ring through which whole columns run: it seldom turns within a window, which then costs a copy."""

NAN = float("nan")
INF = float("inf")

BANK_ENTRY = np.dtype(
    [
        (name, np.int64)
        for name in ("address", "param_offset", "n_params", "state_offset", "state_size", "out_offset", "n_outputs")
    ]
)

_call = INDICATOR.call


@kernel(void(records(BANK_ENTRY), i8, array(f8), array(f8, 2), i8, i8, i8, array(f8), array(f8, 2)))
def advance_bank(
    entries: npt.NDArray[np.void],
    n_entries: int,
    params: FloatArray,
    bars: FloatArray,
    mask: int,
    t0: int,
    t1: int,
    state: FloatArray,
    out: FloatArray,
) -> None:
    """Advance every indicator of a bank over the bars ``t0 .. t1 - 1``.

    Args:
        entries: the packed table (:attr:`BankSpec.entries`).
        n_entries: how many of them count.
        params: float64[>= n_params of the bank].
        bars, mask, t0, t1: see :data:`bot4.quant.indicators.registry.INDICATOR`.
        state: float64[>= n_state]; zero before bar 0.
        out: float64[>= n_outputs, >= t1 - t0], row ``i`` is ``columns[i]``.

    An array nested in a record must be sliced (``frame["ring"][:]``) before it is passed: numba gives the
    unsliced one a type of its own, which the one signature refuses.
    """
    for i in range(n_entries):
        entry = entries[i]
        p = entry["param_offset"]
        s = entry["state_offset"]
        o = entry["out_offset"]
        _call(
            entry["address"],
            bars,
            mask,
            t0,
            t1,
            part(params, p, entry["n_params"]),
            part(state, s, entry["state_size"]),
            part(out, o, entry["n_outputs"]),
        )


@kernel(
    void(
        records(BANK_ENTRY), array(f8), array(f8), array(f8), array(f8), array(f8), array(f8), array(f8),
        array(i8), array(f8), array(f8, 2), array(f8, 2),
    )
)  # fmt: skip
def advance_columns(
    entries: npt.NDArray[np.void],
    params: FloatArray,
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    time_s: FloatArray,
    is_used: npt.NDArray[np.int64],
    state: FloatArray,
    ring: FloatArray,
    out: FloatArray,
) -> None:
    """Run a bank over whole columns, block by block through a ring that stays in the processor's cache.

    After a bar of which a used column is not finite everything starts again, that bar's outputs being NaN.

    Args:
        entries, params, state: as in :func:`advance_bank`.
        open_, high, low, close, volume, time_s: float64[n]; columns that are not used may be empty.
        is_used: int64[6], 1 for each row of bars that is read.
        ring: float64[6, WIDE_RING].
        out: float64[n_outputs, n].
    """
    n = out.shape[1]
    t = 0
    origin = 0  # the bar that is the bank's bar 0
    while t < n:
        stop = min(n, t + TAKEN_AT_ONCE)
        until = stop
        for row in range(6):
            if is_used[row]:
                values = (
                    open_ if row == OPEN else high if row == HIGH else low if row == LOW
                    else close if row == CLOSE else volume if row == VOLUME else time_s
                )  # fmt: skip
                until = min(until, _take_in(values, t, until, ring, row, t - origin))
        while t < until:
            end = min(until, t + MAX_BLOCK)
            first, last = t - origin, end - origin
            advance_bank(entries, len(entries), params, ring, WIDE_RING - 1, first, last, state, columns_from(out, t))
            t = end
        if until < stop:
            for row in range(out.shape[0]):
                out[row, t] = NAN
            for i in range(len(state)):
                state[i] = 0.0
            t += 1
            origin = t


@kernel(i8(array(f8), i8, i8, array(f8, 2), i8, i8))
def _take_in(values: FloatArray, first: int, stop: int, ring: FloatArray, row: int, t: int) -> int:
    """Copy values to a row of the ring, from place ``t`` on; returns the first that is not finite, or ``stop``."""
    places = ring[row]
    at = t & (WIDE_RING - 1)
    head = min(stop - first, WIDE_RING - at)
    n_bad = _copy(values[first : first + head], places[at : at + head])
    n_bad += _copy(values[first + head : stop], places[: stop - first - head])
    while n_bad > 0 and first < stop and abs(values[first]) < INF:
        first += 1
    return first if n_bad > 0 else stop


@kernel(i8(array(f8), array(f8)))
def _copy(values: FloatArray, into: FloatArray) -> int:
    """Copy, and count what is not finite."""
    n_bad = 0
    for i in range(len(values)):
        into[i] = values[i]
        n_bad += 0 if abs(values[i]) < INF else 1
    return n_bad


@kernel(
    void(
        records(BANK_ENTRY), array(i8), array(f8), array(f8), array(i8, 2), array(i8), array(f8, 2), array(f8),
        array(f8, 2),
    )
)  # fmt: skip
def push_bar(
    entries: npt.NDArray[np.void],
    group: npt.NDArray[np.int64],
    params: FloatArray,
    bar: FloatArray,
    reads: npt.NDArray[np.int64],
    age: npt.NDArray[np.int64],
    rings: FloatArray,
    state: FloatArray,
    out: FloatArray,
) -> None:
    """Advance a bank by one bar.

    Indicators that read the same rows of it are a *group*: they start again together, after a bar that they cannot
    use, so each group has a ring and an age of its own.

    Args:
        entries, params, state: as in :func:`advance_bank`.
        group: int64[n_entries], the group of each entry.
        bar: float64[6].
        reads: int64[n_groups, 6], 1 for each row that the group reads.
        age: int64[n_groups], bars since the group started; advanced.
        rings: float64[6 n_groups, SPAN].
        out: float64[n_outputs, 1].
    """
    for g in range(len(age)):
        is_usable = True
        for row in range(6):
            if reads[g, row]:
                is_usable = is_usable and abs(bar[row]) < INF
                rings[6 * g + row, age[g] & (SPAN - 1)] = bar[row]
        age[g] = age[g] + 1 if is_usable else 0
    for i in range(len(entries)):
        entry, g = entries[i], group[i]
        t = age[g] - 1
        p, s, o = entry["param_offset"], entry["state_offset"], entry["out_offset"]
        if t < 0:
            for j in range(entry["state_size"]):
                state[s + j] = 0.0
            for j in range(entry["n_outputs"]):
                out[o + j, 0] = NAN
        else:
            _call(
                entry["address"],
                part(rings, 6 * g, 6),
                SPAN - 1,
                t,
                t + 1,
                part(params, p, entry["n_params"]),
                part(state, s, entry["state_size"]),
                part(out, o, entry["n_outputs"]),
            )


@dataclass(frozen=True)
class BankSpec:
    """The indicators of a configuration, each once, in the order in which they were first asked for.

    Attributes:
        members: the indicators with their parameters settled.
    """

    members: tuple[ResolvedIndicator, ...]

    @classmethod
    def of(cls, wanted: Iterable[tuple[str, Mapping[str, Any]]]) -> BankSpec:
        """A bank of ``(name, parameters)`` pairs; a pair given twice is computed once.

        Raises:
            SettingError: as :func:`bot4.quant.indicators.registry.resolve`.
        """
        members: dict[str, ResolvedIndicator] = {}
        for name, params in wanted:
            member = resolve(name, **params)
            members.setdefault(member.label, member)
        return cls(tuple(members.values()))

    @functools.cached_property
    def computed(self) -> tuple[ResolvedIndicator, ...]:
        """What runs: of several views of one indicator with the same parameters, that indicator once."""
        wholes = {(member.info.of, member.values): member.whole for member in self.members}
        return tuple(wholes.values())

    @functools.cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the rows of ``out``."""
        return tuple(column for member in self.computed for column in member.columns)

    @property
    def n_outputs(self) -> int:
        """Rows of ``out``."""
        return len(self.columns)

    @property
    def n_state(self) -> int:
        """float64 values of state."""
        return sum(member.state_size for member in self.computed)

    @property
    def warm_up(self) -> int:
        """Bars before the first one at which every output is defined."""
        return max((member.warm_up for member in self.members), default=0)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Rows of the bars that some member reads, in order."""
        return tuple(sorted({row for member in self.members for row in member.info.inputs}))

    def by_inputs(self) -> list[BankSpec]:
        """The bank in parts, each of the members that read the same rows."""
        parts: dict[tuple[int, ...], list[ResolvedIndicator]] = {}
        for member in self.members:
            parts.setdefault(member.info.inputs, []).append(member)
        return [BankSpec(tuple(members)) for members in parts.values()]

    @property
    def kernels(self) -> tuple[Any, ...]:
        """What :func:`bot4.kernel.warm_up` must make ready before :attr:`entries` is free of compilation."""
        return (advance_bank, *(member.info.function for member in self.computed))

    @functools.cached_property
    def params(self) -> FloatArray:
        """float64[n_params]: the parameters of all that is computed, one after another."""
        return np.array([value for member in self.computed for value in member.values], np.float64)

    @functools.cached_property
    def entries(self) -> npt.NDArray[np.void]:
        """The packed table, of :data:`BANK_ENTRY`. Its addresses hold in this process only."""
        entries = np.zeros(len(self.computed), BANK_ENTRY)
        param_offset = state_offset = out_offset = 0
        for entry, member in zip(entries, self.computed, strict=True):
            n_params, n_outputs = len(member.values), len(member.columns)
            entry["address"] = INDICATOR.address(member.info.function)
            entry["param_offset"], entry["n_params"] = param_offset, n_params
            entry["state_offset"], entry["state_size"] = state_offset, member.state_size
            entry["out_offset"], entry["n_outputs"] = out_offset, n_outputs
            param_offset += n_params
            state_offset += member.state_size
            out_offset += n_outputs
        return entries

    @functools.cached_property
    def rows(self) -> dict[str, int]:
        """The row of ``out`` of every column that was asked for."""
        first: dict[tuple[str, tuple[float, ...]], int] = {}
        row = 0
        for whole in self.computed:
            first[whole.info.name, whole.values] = row
            row += len(whole.columns)
        return {
            column: first[member.info.of, member.values] + offset
            for member in self.members
            for column, offset in zip(member.columns, member.info.rows, strict=True)
        }

    def column(self, name: str) -> int:
        """The row of ``out`` that holds a column.

        Raises:
            SettingError: if the bank has no such column.
        """
        if name in self.rows:
            return self.rows[name]
        if name not in self.columns:
            raise SettingError(f"no indicator column {name!r}", where="bank", remedy=f"it has {', '.join(self.rows)}")
        return self.columns.index(name)


__all__ = ["BANK_ENTRY", "WIDE_RING", "BankSpec", "advance_bank", "advance_columns", "push_bar"]
