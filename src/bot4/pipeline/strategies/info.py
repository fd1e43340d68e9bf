"""What a strategy declares about itself, and how its parameters and indicators are settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError
from bot4.pipeline.state import N_FRAMES, N_STRATEGY_COLUMNS, N_STRATEGY_PARAMS
from bot4.quant.indicators import resolve as resolve_indicator

IndicatorRequest: TypeAlias = tuple[str, Mapping[str, "float | str"]]
"""An indicator by name, with its parameters: a number, or the name of one of the strategy's own parameters."""


@dataclass(frozen=True, slots=True)
class StrategyParam:
    """One parameter of a strategy. It is whole if its default is an ``int``. Bounds are inclusive."""

    name: str
    default: float
    low: float
    high: float
    unit: str
    summary: str

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers will do."""
        return isinstance(self.default, int)

    def check(self, value: Any, where: str) -> float:
        """The value, if it is a finite number within the bounds.

        Raises:
            SettingError: naming the bounds.
        """
        is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high or (self.is_whole and value != int(value)):
            kind = "a whole number" if self.is_whole else "a number"
            raise SettingError(
                f"{self.name} = {value!r} is out of bounds",
                where=where,
                remedy=f"it is {kind} from {self.low:g} to {self.high:g} ({self.unit})",
            )
        return float(value)


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """A strategy: its kernel or its Python class, and what it needs.

    Attributes:
        name: how it is asked for.
        summary: one line.
        kernel: a kernel declared with ``STRATEGY_FAMILY.kernel``; None for a strategy in Python.
        python: subclass of :class:`bot4.pipeline.strategies.ordinary.Strategy`; None for a kernel.
        parameters: in the order in which the kernel finds them in ``params``.
        indicators: in the order in which the kernel finds their outputs through ``columns``.
        n_frames: timeframes that it reads, from the base bars on; the run must have as many.
        uses_technical: whether it listens to the technical voice, which then runs on every timeframe of the run.
        uses_regime: whether the regime may veto its entries.
        uses_voices: whether its signal is the technical voice, to be fused with the others.
        uses_stop_rule: whether it leaves its stop or trail to the rule, which needs ``atr_14`` and ``donchian_20``.
    """

    name: str
    summary: str
    kernel: Any = None
    python: Any = None
    parameters: tuple[StrategyParam, ...] = ()
    indicators: tuple[IndicatorRequest, ...] = ()
    n_frames: int = 1
    uses_technical: bool = False
    uses_regime: bool = False
    uses_voices: bool = False
    uses_stop_rule: bool = True


@dataclass(frozen=True, slots=True)
class ResolvedStrategy:
    """A strategy with its parameters settled and checked.

    Attributes:
        info: what it declared.
        values: parameters by name.
        params: float64[n], the same in order.
        indicators: ``(name, parameters)`` pairs for :meth:`bot4.quant.indicators.bank.BankSpec.of`.
        columns: names of their outputs, in order; ``bank.column(name)`` gives where each stands.
    """

    info: StrategyInfo
    values: Mapping[str, float]
    params: FloatArray
    indicators: tuple[tuple[str, Mapping[str, float]], ...]
    columns: tuple[str, ...]


def resolve(info: StrategyInfo, overrides: Mapping[str, Any] | None = None) -> ResolvedStrategy:
    """Settle a strategy's parameters and, from them, its indicators.

    Raises:
        SettingError: an unknown parameter or indicator, a value out of its bounds, more than fits.
    """
    where = f"strategy {info.name}"
    given = dict(overrides or {})
    names = [parameter.name for parameter in info.parameters]
    unknown = sorted(set(given) - set(names))
    if unknown:
        remedy = f"it takes {', '.join(names)}" if names else "it takes none"
        raise SettingError(f"unknown parameter {unknown[0]!r}", where=where, remedy=remedy)
    values = {p.name: p.check(given.get(p.name, p.default), where) for p in info.parameters}
    wanted = tuple((name, _settle(name, params, values, where)) for name, params in info.indicators)
    columns = tuple(column for name, params in wanted for column in resolve_indicator(name, **params).columns)
    _check_sizes(info, columns, where)
    params = np.array([values[name] for name in names], dtype=np.float64)
    return ResolvedStrategy(info, values, params, wanted, columns)


def _settle(
    indicator: str, params: Mapping[str, float | str], values: Mapping[str, float], where: str
) -> dict[str, float]:
    settled = {}
    for name, value in params.items():
        if isinstance(value, str) and value not in values:
            raise SettingError(
                f"{indicator} takes its {name} from {value!r}, which is no parameter",
                where=where,
                remedy=f"it has {', '.join(values) or 'none'}",
            )
        settled[name] = values[value] if isinstance(value, str) else value
    return settled


def _check_sizes(info: StrategyInfo, columns: tuple[str, ...], where: str) -> None:
    for what, n, most in (
        ("parameters", len(info.parameters), N_STRATEGY_PARAMS),
        ("indicator outputs", len(columns), N_STRATEGY_COLUMNS),
        ("timeframes", info.n_frames, N_FRAMES),
    ):
        if n > most:
            raise SettingError(f"{n} {what}", where=where, remedy=f"at most {most} fit")
