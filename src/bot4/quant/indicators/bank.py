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
from bot4.quant.indicators.registry import INDICATOR, ResolvedIndicator, resolve

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
            params[p : p + entry["n_params"]],
            state[s : s + entry["state_size"]],
            out[o : o + entry["n_outputs"]],
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
    def columns(self) -> tuple[str, ...]:
        """Names of the rows of ``out``."""
        return tuple(column for member in self.members for column in member.columns)

    @property
    def n_outputs(self) -> int:
        """Rows of ``out``."""
        return len(self.columns)

    @property
    def n_state(self) -> int:
        """float64 values of state."""
        return sum(member.state_size for member in self.members)

    @property
    def warm_up(self) -> int:
        """Bars before the first one at which every output is defined."""
        return max((member.warm_up for member in self.members), default=0)

    @property
    def kernels(self) -> tuple[Any, ...]:
        """What :func:`bot4.kernel.warm_up` must make ready before :attr:`entries` is free of compilation."""
        return (advance_bank, *(member.info.function for member in self.members))

    @functools.cached_property
    def params(self) -> FloatArray:
        """float64[n_params]: the parameters of all members, one after another."""
        return np.array([value for member in self.members for value in member.values], np.float64)

    @functools.cached_property
    def entries(self) -> npt.NDArray[np.void]:
        """The packed table, of :data:`BANK_ENTRY`. Its addresses hold in this process only."""
        entries = np.zeros(len(self.members), BANK_ENTRY)
        param_offset = state_offset = out_offset = 0
        for entry, member in zip(entries, self.members, strict=True):
            n_params, n_outputs = len(member.values), len(member.columns)
            entry["address"] = INDICATOR.address(member.info.function)
            entry["param_offset"], entry["n_params"] = param_offset, n_params
            entry["state_offset"], entry["state_size"] = state_offset, member.state_size
            entry["out_offset"], entry["n_outputs"] = out_offset, n_outputs
            param_offset += n_params
            state_offset += member.state_size
            out_offset += n_outputs
        return entries

    def column(self, name: str) -> int:
        """The row of ``out`` that holds a column.

        Raises:
            SettingError: if the bank has no such column.
        """
        if name not in self.columns:
            raise SettingError(
                f"no indicator column {name!r}", where="bank", remedy=f"it has {', '.join(self.columns)}"
            )
        return self.columns.index(name)


__all__ = ["BANK_ENTRY", "BankSpec", "advance_bank"]
