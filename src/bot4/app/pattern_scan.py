"""Every family of patterns found in a series, as one list in the order in which they became known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot4.domain.bars import BarSeries
from bot4.domain.errors import UsageError
from bot4.quant.patterns.candlesticks import CANDLESTICKS, candlesticks
from bot4.quant.patterns.chart import CHART_KINDS, chart_patterns
from bot4.quant.patterns.detection import Detection, PatternPoint
from bot4.quant.patterns.elliott import ELLIOTT_KINDS, elliott_waves
from bot4.quant.patterns.harmonic import HARMONIC_KINDS, harmonic_patterns

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of pattern that can be asked for: its family, its name and what it is."""

    family: str
    name: str
    definition: str
    source: str


KINDS: tuple[Kind, ...] = (
    *(Kind("candlestick", kind.name, kind.definition, kind.source) for kind in CANDLESTICKS),
    *(Kind("chart", kind.name, kind.definition, kind.source) for kind in CHART_KINDS),
    *(Kind("harmonic", kind.name, kind.definition, kind.source) for kind in HARMONIC_KINDS),
    *(Kind("elliott", kind.name, kind.definition, kind.source) for kind in ELLIOTT_KINDS),
)
FAMILIES = ("candlestick", "chart", "harmonic", "elliott")


def scan(
    series: BarSeries,
    families: Sequence[str] = ("chart", "harmonic", "elliott"),
    names: Iterable[str] | None = None,
    min_confidence: float | None = None,
) -> list[Detection]:
    """Patterns in a series, oldest first by when they became known.

    Args:
        series: the bars.
        families: which families to look for.
        names: which kinds, all of the families if None.
        min_confidence: least confidence of chart figures and waves; each family's own if None. Candlesticks have none
            (their confidence is NaN), nor a target or an invalidation.

    Raises:
        UsageError: an unknown family or kind.
        SettingError: a confidence out of its bounds.
    """
    chosen = None if names is None else sorted(set(names))
    wanted = {family: _names_of(family, chosen) for family in _known_families(families, chosen)}
    found: list[Detection] = []
    for family, kinds in wanted.items():
        if kinds:
            found += _SCANS[family](series, kinds, min_confidence)
    return sorted(found, key=lambda detection: detection.known_at)


def _known_families(families: Sequence[str], names: Sequence[str] | None) -> list[str]:
    for family in families:
        if family not in FAMILIES:
            raise UsageError(f"no family {family!r}", where="--family", remedy=f"give one of {', '.join(FAMILIES)}")
    known = {kind.name: kind.family for kind in KINDS}
    for name in names or ():
        if name not in known:
            raise UsageError(f"no pattern {name!r}", where="--kind", remedy="`bot4 patterns list` shows them")
    return sorted({known[name] for name in names}, key=FAMILIES.index) if names else list(families)


def _names_of(family: str, names: Sequence[str] | None) -> list[str]:
    of_family = [kind.name for kind in KINDS if kind.family == family]
    return of_family if names is None else [name for name in of_family if name in names]


def _chart(series: BarSeries, kinds: list[str], least: float | None) -> list[Detection]:
    return list(chart_patterns(series, kinds) if least is None else chart_patterns(series, kinds, least))


def _harmonic(series: BarSeries, kinds: list[str], least: float | None) -> list[Detection]:
    options: dict[str, Any] = {} if least is None else {"least_confidence": least}
    return list(harmonic_patterns(series, kinds=kinds, **options))


def _elliott(series: BarSeries, kinds: list[str], least: float | None) -> list[Detection]:
    options: dict[str, Any] = {} if least is None else {"least_confidence": least}
    return [count.best for count in elliott_waves(series, kinds=kinds, **options)]


def _candlestick(series: BarSeries, kinds: list[str], _least: float | None) -> list[Detection]:
    candles = {pattern.name: pattern.candles for pattern in CANDLESTICKS}
    found = []
    for name, values in candlesticks(series, kinds).items():
        for bar in np.flatnonzero(values).tolist():
            first = bar - candles[name] + 1
            points = tuple(PatternPoint("", at, float(series.close[at])) for at in range(first, bar + 1))
            direction = 1 if values[bar] > 0 else -1
            found.append(Detection("candlestick", name, direction, bar, points, NAN, NAN, NAN))
    return found


_SCANS: dict[str, Callable[[BarSeries, list[str], float | None], list[Detection]]] = {
    "candlestick": _candlestick,
    "chart": _chart,
    "harmonic": _harmonic,
    "elliott": _elliott,
}
