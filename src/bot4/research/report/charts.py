"""Charts over time as inline SVG that the browser stretches, with labels in HTML that stay readable.

The paths are drawn in units of :data:`~bot4.research.report.scales.EXTENT` with strokes that do not scale, so one
drawing serves a phone, a wide screen and paper. Beside it lies the same data, one value per time bucket, from
which a few lines of script show values under the pointer and zoom all charts together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray, IntArray
from bot4.research.report.markup import Html, element, join
from bot4.research.report.scales import (
    EXTENT,
    Axis,
    bucket_of,
    extremes_per_bucket,
    last_per_bucket,
    tick_text,
    time_ticks,
)

_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The span of time that every chart of a report shares."""

    start_ns: int
    end_ns: int

    def positions(self, ts_ns: IntArray) -> FloatArray:
        """Horizontal positions in chart units."""
        positions: FloatArray = (ts_ns - self.start_ns) / max(self.end_ns - self.start_ns, 1) * EXTENT
        return positions


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart: a name for the legend, values float64[n] and a style class of the style sheet."""

    name: str
    values: FloatArray
    style: str
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """The range between two series, such as the low and the high of bars."""

    name: str
    low: FloatArray
    high: FloatArray
    style: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Points or segments laid over a chart in one style: ``path`` in chart units."""

    name: str
    path: str
    style: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """One chart over time.

    ``value_format`` is how the script writes values: ``money``, ``percent``, ``price`` or ``ratio``. ``events`` are
    trades to list under the pointer. ``description`` is read out in place of the picture.
    """

    title: str
    unit: str
    description: str
    ts_ns: IntArray
    lines: tuple[Line, ...]
    axis: Axis
    value_format: str
    band: Band | None = None
    marks: tuple[Mark, ...] = ()
    events: tuple[Sequence[Any], ...] = ()
    buckets: int = 2000
    style: str = ""
    caption: str = ""


def render_time_chart(chart: TimeChart, time: TimeAxis, *, is_live: bool = True) -> Html:
    """The chart as a ``figure`` with its legend, axes and drawing, and where ``is_live`` the data for the script."""
    drawing = join(
        _band_path(chart, time) if chart.band else "",
        [_line_paths(chart, line, time) for line in chart.lines],
        [element("path", class_=f"mark {mark.style}", d=mark.path) for mark in chart.marks if mark.path],
    )
    svg = element(
        "svg",
        drawing,
        viewBox=f"0 0 {EXTENT} {EXTENT}",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )
    unit = f"{chart.unit}, log scale" if chart.axis.is_log else chart.unit
    heights, labels = _value_ticks(chart)
    moments = time_ticks(time.start_ns, time.end_ns)
    return element(
        "figure",
        element("figcaption", element("h3", chart.title), element("span", unit, class_="unit"), _legend(chart)),
        element(
            "div",
            element("div", [_value_label(h, text) for h, text in zip(heights, labels, strict=True)], class_="y-axis"),
            element(
                "div",
                element("div", [_grid_line(h, text) for h, text in zip(heights, labels, strict=True)], class_="grid"),
                svg,
                element("div", class_="cursor", hidden=True),
                element("div", class_="selection", hidden=True),
                class_="plot",
                tabindex="0" if is_live else None,
                role="img",
                aria_label=f"{chart.title}: {chart.description}",
            ),
            element("div", [_time_label(ts, text, time) for ts, text in moments], class_="x-axis"),
            class_="frame",
            style=f"--gutter:{max(map(len, labels), default=0)}",
        ),
        element("p", chart.caption, class_="caption") if chart.caption else "",
        _data(chart, time) if is_live else "",
        class_=f"chart {chart.style}".strip(),
    )


def dots(time: TimeAxis, axis: Axis, ts_ns: IntArray, values: FloatArray) -> str:
    """A path of points, which round or square line caps turn into marks of constant size."""
    x, y = np.rint(time.positions(ts_ns)).astype(int), _heights(axis, values)
    return "".join(f"M{a} {b}h0" for a, b in dict.fromkeys(zip(x.tolist(), y.tolist(), strict=True)))


def segments(time: TimeAxis, axis: Axis, from_to_ns: Sequence[IntArray], from_to: Sequence[FloatArray]) -> str:
    """A path of straight segments, one from each first to each second point."""
    x0, x1 = (np.rint(time.positions(ts)).astype(int).tolist() for ts in from_to_ns)
    y0, y1 = (_heights(axis, values).tolist() for values in from_to)
    return "".join(f"M{a} {b}L{c} {d}" for a, b, c, d in zip(x0, y0, x1, y1, strict=True))


def script_json(data: object) -> Html:
    """JSON that may stand inside a script element: no character of it can end the element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Html(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _heights(axis: Axis, values: FloatArray) -> npt.NDArray[np.int64]:
    return np.rint((1.0 - axis.share(values)) * EXTENT).astype(np.int64)


def _line_paths(chart: TimeChart, line: Line, time: TimeAxis) -> Html:
    """The line, broken where values are missing, and the area between it and zero where it is filled and whole."""
    known = np.flatnonzero(np.isfinite(line.values))
    if len(known) == 0:
        return Html("")
    ts_ns, values = chart.ts_ns[known], line.values[known]
    if chart.band is None:
        shown = extremes_per_bucket(ts_ns, values, time.start_ns, time.end_ns, chart.buckets)
    else:
        shown = last_per_bucket(ts_ns, time.start_ns, time.end_ns, chart.buckets)
    x = np.rint(time.positions(ts_ns[shown])).astype(int).tolist()
    y = _heights(chart.axis, values[shown]).tolist()
    is_broken = np.diff(known[shown], prepend=-2) > np.diff(shown, prepend=-1)
    outline = "".join(f"{'M' if broken else 'L'}{a} {b}" for a, b, broken in zip(x, y, is_broken.tolist(), strict=True))
    drawn = element("path", class_=f"line {line.style}", d=outline)
    if not line.is_filled or is_broken[1:].any():
        return drawn
    base = int(_heights(chart.axis, np.array([0.0]))[0])
    return join(element("path", class_=f"area {line.style}", d=f"{outline}L{x[-1]} {base}L{x[0]} {base}Z"), drawn)


def _band_path(chart: TimeChart, time: TimeAxis) -> Html:
    assert chart.band is not None
    last, low, high = _bucketed_range(chart, chart.band, time)
    x = np.rint(time.positions(chart.ts_ns[last])).astype(int).tolist()
    top, bottom = _heights(chart.axis, high).tolist(), _heights(chart.axis, low).tolist()
    forth = "L".join(f"{a} {b}" for a, b in zip(x, top, strict=True))
    back = "L".join(f"{a} {b}" for a, b in zip(reversed(x), reversed(bottom), strict=True))
    return element("path", class_=f"band {chart.band.style}", d=f"M{forth}L{back}Z")


def _bucketed_range(chart: TimeChart, band: Band, time: TimeAxis) -> tuple[IntArray, FloatArray, FloatArray]:
    """Last position, lowest low and highest high of each time bucket."""
    bucket = bucket_of(chart.ts_ns, time.start_ns, time.end_ns, chart.buckets)
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    last = last_per_bucket(chart.ts_ns, time.start_ns, time.end_ns, chart.buckets)
    return last, np.minimum.reduceat(band.low, starts), np.maximum.reduceat(band.high, starts)


def _value_ticks(chart: TimeChart) -> tuple[list[float], list[str]]:
    ticks = chart.axis.ticks()
    is_percent = chart.value_format == "percent"
    shares = chart.axis.share(np.array(ticks)) if ticks else np.empty(0)
    even_step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(sum(ticks))
    labels = [tick_text(tick, tick if chart.axis.is_log else even_step, is_percent=is_percent) for tick in ticks]
    return [100.0 * (1.0 - float(share)) for share in shares], labels


def _value_label(height: float, text: str) -> Html:
    return element("span", text, style=f"top:{height:.2f}%")


def _grid_line(height: float, text: str) -> Html:
    is_zero = text.strip("0.%") == ""
    return element("i", style=f"top:{height:.2f}%", class_="zero" if is_zero else None)


def _time_label(ts_ns: int, text: str, time: TimeAxis) -> Html:
    left = (ts_ns - time.start_ns) / max(time.end_ns - time.start_ns, 1) * 100.0
    edge = "start" if left < 4.0 else "end" if left > 96.0 else None
    return element("span", text, style=f"left:{left:.2f}%", class_=edge)


def _legend(chart: TimeChart) -> Html:
    named = [(line.name, line.style) for line in reversed(chart.lines)]
    if chart.band:
        named.append((chart.band.name, f"band {chart.band.style}"))
    named += [(mark.name, f"mark {mark.style}") for mark in chart.marks if mark.path and mark.name]
    if len(named) < 2:
        return Html("")
    return element("ul", [element("li", _swatch(style), name) for name, style in named], class_="legend")


def _swatch(style: str) -> Html:
    kind = "" if style.startswith(("band", "mark")) else "line "
    path = "M10 6h0" if "dot" in style else "M0 3h20v6h-20Z" if style.startswith("band") else "M1 6h18"
    drawn = element("path", class_=kind + style, d=path)
    centre = element("path", class_="mark dot hollow", d=path) if "entry-short" in style else ""
    return element("svg", drawn, centre, viewBox="0 0 20 12", class_="swatch", aria_hidden="true")


def _data(chart: TimeChart, time: TimeAxis) -> Html:
    """What the script needs: one sample per time bucket of every series, rounded to seven digits."""
    shown = last_per_bucket(chart.ts_ns, time.start_ns, time.end_ns, chart.buckets)
    data: dict[str, Any] = {
        "span": [time.start_ns // _MS, time.end_ns // _MS],
        "axis": [chart.axis.low, chart.axis.high, chart.axis.is_log],
        "isFromZero": any(line.is_filled for line in chart.lines),
        "format": chart.value_format,
        "x": np.diff(chart.ts_ns[shown] // _MS, prepend=0).tolist(),
        "series": [{"name": line.name, "y": _rounded(line.values[shown])} for line in reversed(chart.lines)],
        "events": chart.events,
    }
    if chart.band:
        _, low, high = _bucketed_range(chart, chart.band, time)
        data["series"] += [{"name": "Low", "y": _rounded(low)}, {"name": "High", "y": _rounded(high)}]
    return element("script", script_json(data), type="application/json")


def _rounded(values: FloatArray) -> list[float | None]:
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values.tolist()]
