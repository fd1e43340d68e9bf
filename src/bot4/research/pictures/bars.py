"""Pictures of bars: with indicators over the price or below it, and with patterns drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bot4.domain.bars import BarSeries, FloatArray, IntArray
from bot4.quant.indicators.arrays import bar_matrix, evaluate
from bot4.quant.indicators.registry import ResolvedIndicator
from bot4.quant.patterns.detection import Detection
from bot4.quant.series.time_grid import interval_name
from bot4.research.pictures.svg import Curve, Panel, Shape, render_svg

_MOST_UNLIKE = 10.0
_NEAR = 0.5
"""How far from the close, as a part of it, an output may lie in the middle to be drawn over the price."""


def indicator_picture(series: BarSeries, members: Sequence[ResolvedIndicator], last: int = 300) -> str:
    """The last bars of a series as SVG with indicators, which are computed over all of it.

    What has the unit of the price and lies near it is drawn over the bars, everything else in a panel of its own.
    """
    shown = slice(max(0, len(series) - last), None)
    bars = bar_matrix(series)
    over: list[Curve] = []
    below: list[Panel] = []
    for member in members:
        outputs = evaluate(member, bars)
        is_over = _is_over_price(member, bars, outputs)
        names = member.columns if len(members) > 1 or len(member.columns) == 1 else member.info.outputs
        curves = [Curve(name, outputs[row][shown]) for row, name in enumerate(names)]
        over += [curve for curve, is_price in zip(curves, is_over, strict=True) if is_price]
        rest = [curve for curve, is_price in zip(curves, is_over, strict=True) if not is_price]
        below += [Panel(member.label, tuple(group)) for group in _of_like_size(rest)]
    price = _price_panel(series, shown)
    styled = [replace(curve, style=f"c{number % 6}") for number, curve in enumerate(over)]
    panels = [replace(price, curves=(*price.curves, *styled)), *below]
    return render_svg(_title(series, [member.label for member in members]), _close_times(series)[shown], panels)


def pattern_picture(series: BarSeries, found: Sequence[Detection], margin: int = 20) -> str:
    """The bars around some patterns as SVG: their points, target, invalidation and the bar at which each was known."""
    bars = [point.bar for detection in found for point in detection.points]
    bars += [detection.known_at for detection in found]
    first = max(0, min(bars, default=0) - margin)
    stop = min(len(series), max(bars, default=len(series) - 1) + margin + 1)
    shapes = tuple(
        Shape(
            points=tuple((point.bar - first, point.price, point.label) for point in detection.points),
            direction=detection.direction,
            levels=(("target", detection.target), ("invalid", detection.invalidation)),
            known_at=detection.known_at - first,
        )
        for detection in found
    )
    shown = slice(first, stop)
    panel = replace(_price_panel(series, shown), shapes=shapes, height=380)
    return render_svg(_title(series, sorted({d.name for d in found})), _close_times(series)[shown], [panel])


def _of_like_size(curves: Sequence[Curve]) -> list[list[Curve]]:
    """The curves in groups that one axis serves: none so small beside another that it would look flat."""
    groups: list[list[Curve]] = []
    for curve in curves:
        for group in groups:
            sizes = sorted((_span(group[0]), _span(curve)))
            if sizes[1] <= _MOST_UNLIKE * sizes[0]:
                group.append(curve)
                break
        else:
            groups.append([curve])
    return groups


def _span(curve: Curve) -> float:
    finite = curve.values[np.isfinite(curve.values)]
    return float(np.abs(finite).max()) if len(finite) else 0.0


def _title(series: BarSeries, what: Sequence[str]) -> str:
    kind = " (synthetic)" if series.is_synthetic else ""
    return f"{series.symbol} {interval_name(series.interval_ns)}{kind}: {', '.join(what)}"


def _close_times(series: BarSeries) -> IntArray:
    times: IntArray = series.ts_open_ns + series.interval_ns
    return times


def _price_panel(series: BarSeries, shown: slice) -> Panel:
    close = Curve("close", series.close[shown], "price")
    return Panel(series.symbol, (close,), series.low[shown], series.high[shown], height=280)


def _is_over_price(member: ResolvedIndicator, bars: FloatArray, outputs: FloatArray) -> list[bool]:
    """Whether each output doubles with the price and lies near it."""
    doubled = bars.copy()
    doubled[:4] *= 2.0
    answers = []
    for before, after in zip(outputs, evaluate(member, doubled), strict=True):
        known = np.isfinite(before)
        if not known.any():
            answers.append(False)
            continue
        has_unit_of_price = np.allclose(2.0 * before[known], after[known], rtol=1e-9, atol=0.0)
        distance = np.median(np.abs(before[known] - bars[3][known]) / bars[3][known])
        answers.append(bool(has_unit_of_price and distance < _NEAR))
    return answers
