"""What an indicator is, how one is declared, and the table of all of them.

An indicator is one function that *continues*: given the bars ``t0 .. t1 - 1`` and its state it writes its
outputs for those bars, and leaves the state from which the next call goes on. Called once it serves a whole
array, called bar by bar it serves a stream, and every partition of the bars gives the same bits.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError
from bot4.kernel import KernelFamily, array, f8, i8, void

OPEN, HIGH, LOW, CLOSE, VOLUME, TIME_S = 0, 1, 2, 3, 4, 5
ROW_NAMES = ("open", "high", "low", "close", "volume", "time_s")

MAX_LOOKBACK = 440
"""Bars that an indicator may read back: what is sure to be in the pipeline's ring (512 bars, blocks of 64)."""

MAX_BLOCK = 512
"""Bars that one call may advance over."""

SPAN = 1024
"""Room for a block and what lies before it: MAX_LOOKBACK + MAX_BLOCK values, rounded up."""

INDICATOR = KernelFamily("indicator", void(array(f8, 2), i8, i8, i8, array(f8), array(f8), array(f8, 2)))
"""``(bars, mask, t0, t1, params, state, out)``.

* ``bars``: float64[6, capacity], rows ``OPEN .. TIME_S``; bar ``t`` is column ``t & mask``.
* ``mask``: -1 for a whole array, ``capacity - 1`` for a ring whose capacity is a power of two.
* ``t0``, ``t1``: the bars to advance over, at most ``MAX_BLOCK``. ``t0 == 0`` starts, with a zeroed state.
* ``params``: float64[n_params], in the order of the declaration.
* ``state``: float64[state_size], kept between calls.
* ``out``: float64[n_outputs, >= t1 - t0]; NaN until the output is defined.
"""

Rule: TypeAlias = int | Callable[..., int]
"""A number, or a function of some of the parameters by name: ``lambda period: period - 1``."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. It is whole if its default is an ``int``. Bounds are inclusive."""

    name: str
    default: float
    low: float
    high: float

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers will do."""
        return isinstance(self.default, int)

    def check(self, value: Any, where: str) -> float:
        """The value, if it is a finite number within the bounds.

        Raises:
            SettingError: naming the bound.
        """
        bounds = f"{self.name} must be {'a whole number' if self.is_whole else 'a number'} "
        bounds += f"from {self.low:g} to {self.high:g}"
        is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high or (self.is_whole and value != int(value)):
            raise SettingError(f"{self.name} = {value!r} is out of bounds", where=where, remedy=bounds)
        return float(value)


@dataclass(frozen=True, slots=True)
class IndicatorInfo:
    """One row of the table of indicators.

    Attributes:
        name: how it is asked for.
        family: trend, momentum, volatility, volume or statistics.
        inputs: rows of ``bars`` that it reads; the indicator restarts after a bar where one is not finite.
        params: its parameters, in order.
        outputs: names of its outputs, in order.
        state_size: float64 values of state.
        warm_up: bars before the first one at which every output is defined.
        lookback: bars before the current one that it reads from ``bars``.
        source: where the definition comes from.
        increasing: names of parameters whose values must increase strictly.
        formula: the definition, which is the docstring of the function.
        function: the kernel.
        of: the indicator whose function it is; its own name, unless it is a :func:`view` of another.
        rows: which of that one's outputs are its outputs.
    """

    name: str
    family: str
    inputs: tuple[int, ...]
    params: tuple[Param, ...]
    outputs: tuple[str, ...]
    state_size: Rule
    warm_up: Rule
    lookback: Rule
    source: str
    increasing: tuple[str, ...]
    formula: str
    function: Any
    of: str
    rows: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Outputs of the function."""
        return len(INDICATORS[self.of].outputs)


@dataclass(frozen=True, slots=True)
class ResolvedIndicator:
    """An indicator with its parameters settled and checked.

    Attributes:
        info: the row of the table.
        values: parameter values in order.
        label: for example ``macd_12_26_9``.
        columns: one per output: the label alone if there is one output, else ``macd_12_26_9.signal``.
        state_size, warm_up, lookback: as in :class:`IndicatorInfo`, evaluated.
    """

    info: IndicatorInfo
    values: tuple[float, ...]
    label: str
    columns: tuple[str, ...]
    state_size: int
    warm_up: int
    lookback: int

    @property
    def whole(self) -> ResolvedIndicator:
        """What its function computes: itself, unless it is a view."""
        if self.info.of == self.info.name:
            return self
        return resolve(self.info.of, **{p.name: value for p, value in zip(self.info.params, self.values, strict=True)})


INDICATORS: dict[str, IndicatorInfo] = {}


def indicator(
    name: str,
    *,
    family: str,
    inputs: tuple[int, ...],
    outputs: tuple[str, ...],
    state_size: Rule,
    warm_up: Rule,
    source: str,
    params: tuple[Param, ...] = (),
    lookback: Rule = 0,
    increasing: tuple[str, ...] = (),
) -> Callable[[Callable[..., None]], Any]:
    """Declare an indicator and enter it in :data:`INDICATORS`; see :class:`IndicatorInfo` for the columns.

    The docstring of the function is its formula, with what it gives where the formula divides by zero.

    Raises:
        SettingError: if the name is taken, or a rule speaks of a parameter that is not there.
    """

    def declare(function: Callable[..., None]) -> Any:
        known = {param.name for param in params}
        unknown = {n for rule in (state_size, warm_up, lookback) for n in _rule_names(rule)} | set(increasing)
        if name in INDICATORS:
            raise SettingError(f"{name} is declared twice", where="indicators", remedy="give it another name")
        if unknown - known:
            raise SettingError(
                f"a rule names {sorted(unknown - known)}", where=f"indicator {name}", remedy="add the Param"
            )
        formula = inspect.getdoc(function) or ""
        compiled = INDICATOR.kernel(function)
        INDICATORS[name] = IndicatorInfo(
            name, family, inputs, params, outputs, state_size, warm_up, lookback, source, increasing, formula, compiled,
            name, tuple(range(len(outputs))),
        )  # fmt: skip
        return compiled

    return declare


def view(name: str, *, of: str, outputs: tuple[str, ...], warm_up: Rule, formula: str, source: str = "") -> None:
    """Declare some of the outputs of an indicator as an indicator of its own.

    It has the same parameters and is computed by the same function, once if several are asked for together.

    Args:
        name: how it is asked for.
        of: the indicator, declared before.
        outputs: which of its outputs.
        warm_up: bars before the first one at which these are defined.
        formula: their definition.
        source: where that comes from, if not from the source of the whole.

    Raises:
        SettingError: if the name is taken, or the indicator or an output is not there.
    """
    whole = INDICATORS.get(of)
    if name in INDICATORS or whole is None or not set(outputs) <= set(whole.outputs):
        raise SettingError(f"{name} cannot be a view of {outputs} of {of}", where="indicators", remedy="mend the row")
    rows = tuple(whole.outputs.index(output) for output in outputs)
    INDICATORS[name] = replace(
        whole, name=name, outputs=outputs, warm_up=warm_up, formula=formula, source=source or whole.source, rows=rows
    )


def resolve(name: str, **params: Any) -> ResolvedIndicator:
    """Settle the parameters of an indicator: defaults, bounds, order.

    Raises:
        SettingError: unknown indicator or parameter, a value out of its bounds, a look-back beyond the ring.
    """
    info = INDICATORS.get(name)
    if info is None:
        near = difflib.get_close_matches(name, INDICATORS, n=1)
        remedy = f"did you mean {near[0]}?" if near else "`bot4 indicators list` shows them"
        raise SettingError(f"unknown indicator {name!r}", where="indicators", remedy=remedy)
    where = f"indicator {name}"
    given = _known_params(info, params, where)
    values = {p.name: p.check(given.get(p.name, p.default), where) for p in info.params}
    _check_increasing(info, values, where)
    lookback = _evaluate(info.lookback, info, values)
    if lookback > MAX_LOOKBACK:
        raise SettingError(f"needs {lookback} earlier bars", where=where, remedy=f"at most {MAX_LOOKBACK} are kept")
    label = "_".join([name, *(f"{value:.12g}" for value in values.values())])
    single = len(info.outputs) == 1
    return ResolvedIndicator(
        info=info,
        values=tuple(values.values()),
        label=label,
        columns=(label,) if single else tuple(f"{label}.{output}" for output in info.outputs),
        state_size=_evaluate(info.state_size, info, values),
        warm_up=_evaluate(info.warm_up, info, values),
        lookback=lookback,
    )


def discover(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, which declares its indicators."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")


def _known_params(info: IndicatorInfo, params: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    names = [param.name for param in info.params]
    unknown = sorted(set(params) - set(names))
    if unknown:
        remedy = f"it takes {', '.join(names)}" if names else "it takes none"
        raise SettingError(f"unknown parameter {unknown[0]!r}", where=where, remedy=remedy)
    return params


def _check_increasing(info: IndicatorInfo, values: Mapping[str, float], where: str) -> None:
    for low, high in zip(info.increasing, info.increasing[1:], strict=False):
        if values[low] >= values[high]:
            raise SettingError(
                f"{low} = {values[low]:g} is not below {high} = {values[high]:g}",
                where=where,
                remedy=f"{' < '.join(info.increasing)} must hold",
            )


def _rule_names(rule: Rule) -> tuple[str, ...]:
    return () if isinstance(rule, int) else tuple(inspect.signature(rule).parameters)


def _evaluate(rule: Rule, info: IndicatorInfo, values: Mapping[str, float]) -> int:
    if isinstance(rule, int):
        return rule
    whole = {p.name: int(values[p.name]) if p.is_whole else values[p.name] for p in info.params}
    return int(rule(**{name: whole[name] for name in _rule_names(rule)}))


__all__ = [
    "CLOSE", "HIGH", "INDICATOR", "INDICATORS", "LOW", "MAX_BLOCK", "MAX_LOOKBACK", "OPEN", "ROW_NAMES",
    "SPAN", "TIME_S", "VOLUME",
    "FloatArray", "IndicatorInfo", "Param", "ResolvedIndicator", "Rule", "discover", "indicator", "resolve", "view",
]  # fmt: skip
