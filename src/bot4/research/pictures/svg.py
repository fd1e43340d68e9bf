"""One picture: panels over a common time, one below the other, as a single SVG document.

Lines are drawn by bar number, so that gaps in time take no room; the labels below say the times. The colours follow
the reader's light or dark setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray, IntArray
from bot4.research.report.formats import moment
from bot4.research.report.markup import Html, element, join
from bot4.research.report.scales import Axis, axis_over, extremes_per_bucket, tick_text

WIDTH = 960
_LEFT, _RIGHT, _TOP, _BELOW = 72, 12, 44, 26
_GAP = 34
_BUCKETS = 900
_COLOURS = 6
_STYLE = """
svg{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;background:#fff;color-scheme:light dark}
text{fill:#5a6472}.title{fill:#1a2029;font-size:15px;font-weight:600}.label{fill:#1a2029;font-weight:600}
.grid{stroke:#e6e9ed}.frame{stroke:#9aa5b3;fill:none}.line{fill:none;stroke-width:1.4;stroke-linejoin:round}
.band{fill:#56616f;opacity:.22}.price{stroke:#56616f}.ground{fill:#fff}
.c0{stroke:#1f5fd0}.c1{stroke:#c2350f}.c2{stroke:#0b7a53}.c3{stroke:#8a2fb0}.c4{stroke:#9a6a00}.c5{stroke:#00727a}
.shape{fill:none;stroke-width:1.8}.up{stroke:#0b7a53}.down{stroke:#c2350f}.either{stroke:#1f5fd0}
.level{stroke-dasharray:4 3;stroke-width:1.1}.known{stroke-dasharray:1 3;stroke-width:1.1}
@media (prefers-color-scheme:dark){svg{background:#171b21}.ground{fill:#171b21}text{fill:#9aa5b3}
.title,.label{fill:#e6eaef}.grid{stroke:#2d343d}.price{stroke:#98a4b3}.band{fill:#98a4b3}
.c0,.either{stroke:#74a9ff}.c1,.down{stroke:#ff8261}.c2,.up{stroke:#3fc795}.c3{stroke:#d58cf2}.c4{stroke:#e0ae3c}
.c5{stroke:#4cc4cc}}
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: a name for the legend and float64[n] values, broken where they are NaN."""

    name: str
    values: FloatArray
    style: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A figure laid over a panel.

    Attributes:
        points: ``(bar, value, label)``, joined by straight lines in their order.
        direction: +1, -1 or 0, which gives the colour.
        levels: ``(label, value)`` drawn as dashed lines from the last point on.
        known_at: the bar at which it is first known, drawn as a dotted line.
    """

    points: tuple[tuple[int, float, str], ...]
    direction: int
    levels: tuple[tuple[str, float], ...] = ()
    known_at: int | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the picture with a value axis of its own.

    Attributes:
        title: what it shows, above it on the left.
        curves: its lines.
        low, high: float64[n], filled between, or None.
        shapes: figures over the lines.
        height: in pixels.
    """

    title: str
    curves: tuple[Curve, ...]
    low: FloatArray | None = None
    high: FloatArray | None = None
    shapes: tuple[Shape, ...] = ()
    height: int = 150


def render_svg(title: str, ts_ns: IntArray, panels: Sequence[Panel]) -> str:
    """The picture as an SVG document.

    Args:
        title: the first line.
        ts_ns: int64[n], UTC, the times of the bars.
        panels: from top to bottom; every array in them has n values.
    """
    top, drawn = _TOP, []
    for panel in panels:
        drawn.append(_panel(panel, top, len(ts_ns)))
        top += panel.height + _GAP
    height = top - _GAP + _BELOW
    document = element(
        "svg",
        element("title", title),
        element("style", Html(_STYLE)),
        element("rect", class_="ground", width=WIDTH, height=height),
        element("text", title, class_="title", x=_LEFT, y=20),
        drawn,
        _times(ts_ns, top - _GAP + 16),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        width=WIDTH,
        height=height,
        role="img",
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def _x(bars: IntArray, n: int) -> FloatArray:
    positions: FloatArray = _LEFT + (bars + 0.5) / n * (WIDTH - _LEFT - _RIGHT)
    return positions


def _panel(panel: Panel, top: int, n: int) -> Html:
    columns = [curve.values for curve in panel.curves]
    columns += [column for column in (panel.low, panel.high) if column is not None]
    columns += [np.array([value for _, value, _ in shape.points]) for shape in panel.shapes]
    columns += [np.array([value for _, value in shape.levels]) for shape in panel.shapes]
    axis = axis_over(*columns)
    body = [_grid(axis, top, panel.height)]
    if panel.low is not None and panel.high is not None:
        body.append(_band(panel.low, panel.high, axis, top, panel.height))
    for number, curve in enumerate(panel.curves):
        body.append(_line(curve, curve.style or f"c{number % _COLOURS}", axis, top, panel.height))
    body += [_shape(shape, axis, top, panel.height, n) for shape in panel.shapes]
    body.append(element("rect", class_="frame", x=_LEFT, y=top, width=WIDTH - _LEFT - _RIGHT, height=panel.height))
    body.append(_legend(panel, top))
    return element("g", body)


def _heights(axis: Axis, values: FloatArray, top: int, height: int) -> FloatArray:
    heights: FloatArray = top + (1.0 - np.clip(axis.share(values), 0.0, 1.0)) * height
    return heights


def _grid(axis: Axis, top: int, height: int) -> Html:
    ticks = axis.ticks(4)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(sum(ticks))
    lines = []
    for tick, y in zip(ticks, _heights(axis, np.array(ticks), top, height).tolist() if ticks else [], strict=True):
        lines.append(element("path", class_="grid", d=f"M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"))
        text = tick_text(tick, step, is_percent=False)
        lines.append(element("text", text, x=_LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    return join(lines)


def _line(curve: Curve, style: str, axis: Axis, top: int, height: int) -> Html:
    """The line through its finite values; of very many only the extremes of each stretch are drawn."""
    n = len(curve.values)
    known = np.flatnonzero(np.isfinite(curve.values))
    if len(known) == 0:
        return Html("")
    shown = known[extremes_per_bucket(known, curve.values[known], 0, n, _BUCKETS)]
    is_broken = np.diff(np.searchsorted(known, shown), prepend=-1) != np.diff(shown, prepend=-1)
    is_broken[0] = True
    x, y = _x(shown, n), _heights(axis, curve.values[shown], top, height)
    points = zip(x.tolist(), y.tolist(), is_broken.tolist(), strict=True)
    path = "".join(f"{'M' if broken else 'L'}{a:.1f} {b:.1f}" for a, b, broken in points)
    return element("path", class_=f"line {style}", d=path)


def _band(low: FloatArray, high: FloatArray, axis: Axis, top: int, height: int) -> Html:
    n = len(low)
    starts = np.unique(np.arange(min(n, _BUCKETS)) * n // min(n, _BUCKETS))
    x = _x(starts, n).tolist()
    upper = _heights(axis, np.maximum.reduceat(high, starts), top, height).tolist()
    lower = _heights(axis, np.minimum.reduceat(low, starts), top, height).tolist()
    forth = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, upper, strict=True))
    back = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(reversed(x), reversed(lower), strict=True))
    return element("path", class_="band", d=f"M{forth}L{back}Z")


def _shape(shape: Shape, axis: Axis, top: int, height: int, n: int) -> Html:
    style = "up" if shape.direction > 0 else "down" if shape.direction < 0 else "either"
    x = _x(np.array([bar for bar, _, _ in shape.points]), n).tolist()
    y = _heights(axis, np.array([value for _, value, _ in shape.points]), top, height).tolist()
    path = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    parts = [element("path", class_=f"shape {style}", d=f"M{path}")]
    for a, b, (_, _, label) in zip(x, y, shape.points, strict=True):
        parts.append(element("text", label, class_="label", x=f"{a:.1f}", y=f"{b - 5:.1f}", text_anchor="middle"))
    for label, value in shape.levels:
        level = float(_heights(axis, np.array([value]), top, height)[0])
        parts.append(element("path", class_=f"level {style}", d=f"M{x[-1]:.1f} {level:.1f}H{WIDTH - _RIGHT}"))
        parts.append(element("text", label, x=WIDTH - _RIGHT - 4, y=f"{level - 4:.1f}", text_anchor="end"))
    if shape.known_at is not None:
        at = float(_x(np.array([shape.known_at]), n)[0])
        parts.append(element("path", class_=f"known {style}", d=f"M{at:.1f} {top}V{top + height}"))
    return join(parts)


def _legend(panel: Panel, top: int) -> Html:
    parts = [element("text", panel.title, class_="label", x=_LEFT, y=top - 7)]
    at = _LEFT + 9 * len(panel.title) + 16
    for number, curve in enumerate(panel.curves):
        style = curve.style or f"c{number % _COLOURS}"
        parts.append(element("path", class_=f"line {style}", d=f"M{at} {top - 11}h16"))
        parts.append(element("text", curve.name, x=at + 20, y=top - 7))
        at += 40 + 7 * len(curve.name)
    return join(parts)


def _times(ts_ns: IntArray, y: int) -> Html:
    """About seven bars with their times; the date is said where the day changes."""
    n = len(ts_ns)
    chosen = np.unique(np.linspace(0, n - 1, min(n, 7)).astype(int))
    is_daily = n > 1 and int(ts_ns[-1] - ts_ns[0]) > 14 * 86_400 * 10**9
    parts = []
    for place, bar in enumerate(chosen.tolist()):
        at = moment(int(ts_ns[bar]))
        text = f"{at:%Y-%m-%d}" if is_daily else f"{at:%m-%d %H:%M}"
        anchor = "start" if place == 0 else "end" if place == len(chosen) - 1 else "middle"
        x = float(_x(np.array([bar]), n)[0])
        parts.append(element("text", text, x=f"{x:.1f}", y=y, text_anchor=anchor))
    return join(parts)
