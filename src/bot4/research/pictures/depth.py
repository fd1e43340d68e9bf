"""The picture of depth over time: how much stood at each price at each moment, the best prices, and the trades.

Liquidity is a heat map, bids in one hue and asks in another, darker where more stands (on a logarithmic scale). The
spread between the best prices shows as a gap of bare ground. Trades are circles on top, their area by quantity. The
whole is one SVG without anything outside it, which follows the reader's light or dark setting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot4.adapters.exchanges.order_books.depth_history import DepthHistory, SideAt
from bot4.domain.bars import FloatArray, IntArray
from bot4.research.pictures.raster import png_address
from bot4.research.report.formats import moment
from bot4.research.report.markup import Html, element, join
from bot4.research.report.scales import Axis, tick_text

WIDTH, HEIGHT = 1080, 640
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 14, 66, 46
_ROWS = 150
_MOST_TRADES = 700
_LEAST_SHARE, _MOST_SHARE = 0.06, 1.0  # opacity of the least and of the most liquidity
_BID_RGB, _ASK_RGB = (21, 128, 116), (214, 110, 20)
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
_STYLE = """
svg{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;background:#fff;color-scheme:light dark}
text{fill:#5a6472}.title{fill:#1a2029;font-size:15px;font-weight:600}.ground{fill:#fff}.grid{stroke:#e1e5ea}
.frame{stroke:#9aa5b3;fill:none}.best{fill:none;stroke:#1a2029;stroke-width:1.1}.heat{image-rendering:pixelated}
.buy{fill:#1f5fd0;stroke:#fff}.sell{fill:#a3146c;stroke:#fff}.either{fill:#5a6472;stroke:#fff}
.trade{fill-opacity:.75;stroke-width:.4}.unknown{fill:#9aa5b3;fill-opacity:.22}
.bid{fill:#158074}.ask{fill:#d66e14}
@media (prefers-color-scheme:dark){svg{background:#14181d}.ground{fill:#14181d}text{fill:#9aa5b3}.title{fill:#e6eaef}
.grid{stroke:#272e37}.best{stroke:#f2f5f8}.buy{fill:#7db0ff;stroke:#14181d}.sell{fill:#ff7cc4;stroke:#14181d}
.either{fill:#c3ccd6;stroke:#14181d}}
"""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Which prices and times are shown."""

    low: float
    high: float
    start_ns: int
    end_ns: int

    def x(self, ts_ns: IntArray) -> FloatArray:
        share = (ts_ns - self.start_ns) / max(self.end_ns - self.start_ns, 1)
        positions: FloatArray = _LEFT + np.clip(share, 0.0, 1.0) * _PLOT_WIDTH
        return positions

    def y(self, prices: FloatArray) -> FloatArray:
        heights: FloatArray = _TOP + (self.high - prices) / (self.high - self.low) * _PLOT_HEIGHT
        return heights


def depth_picture(history: DepthHistory, title: str, subtitle: str = "") -> str:
    """The picture as an SVG document.

    Args:
        history: the book over time; moments at which it was not known are shown as such.
        title, subtitle: the first two lines.
    """
    frame = _frame(history)
    heat, scale = _heat(history, frame)
    body = [
        element("text", title, class_="title", x=_LEFT, y=22),
        element("text", subtitle, x=_LEFT, y=40),
        _legend(scale, has_unknown_side=bool((history.trade_side == 0).any())),
        _grid(frame),
        heat,
        _unknown(history, frame),
        _best_lines(history, frame),
        _trades(history, frame),
        element("rect", class_="frame", x=_LEFT, y=_TOP, width=_PLOT_WIDTH, height=_PLOT_HEIGHT),
        _times(frame),
    ]
    document = element(
        "svg",
        element("title", title),
        element("style", Html(_STYLE)),
        element("rect", class_="ground", width=WIDTH, height=HEIGHT),
        body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        role="img",
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def depth_page(history: DepthHistory, title: str, subtitle: str = "") -> str:
    """The picture alone on an HTML page, as wide as the window."""
    picture = depth_picture(history, title, subtitle).partition("\n")[2]
    style = "body{margin:0;background:#fff}svg{width:100%;height:auto;display:block}"
    dark = "@media (prefers-color-scheme:dark){body{background:#14181d}}"
    head = join(
        element("meta", charset="utf-8"), element("title", title), element("style", Html(style + dark)),
        element("meta", name="color-scheme", content="light dark"),
    )  # fmt: skip
    return f"<!doctype html>\n{element('html', element('head', head), element('body', Html(picture)), lang='en')}\n"


def _frame(history: DepthHistory) -> _Frame:
    """The range of the best prices with air around it, in whole ticks."""
    start_ns = int(2 * history.ts_ns[0] - history.ts_ns[1]) if len(history.ts_ns) > 1 else int(history.ts_ns[0]) - 1
    prices = np.concatenate((history.best_bid, history.best_ask))
    prices = prices[np.isfinite(prices)]
    if len(prices) == 0:
        return _Frame(0.0, 1.0, start_ns, int(history.ts_ns[-1]))
    low, high = float(prices.min()), float(prices.max())
    spreads = history.best_ask - history.best_bid
    known = np.isfinite(spreads)
    spread = float(np.median(spreads[known])) if known.any() else 0.0
    air = max(0.35 * (high - low), 12.0 * spread, 4.0 * history.tick, 1e-6 * high)
    return _Frame(max(low - air, 0.0), high + air, start_ns, int(history.ts_ns[-1]))


def _heat(history: DepthHistory, frame: _Frame) -> tuple[Html, tuple[float, float]]:
    """The heat map as an image, and the quantities at the ends of its scale."""
    bids = np.column_stack([_column(side, frame) for side in history.bids])
    asks = np.column_stack([_column(side, frame) for side in history.asks])
    standing = np.concatenate((bids[bids > 0.0], asks[asks > 0.0]))
    if len(standing) == 0:
        return Html(""), (0.0, 0.0)
    least, most = (float(value) for value in np.quantile(standing, (0.05, 0.995)))
    pixels = np.zeros((*bids.shape, 4), dtype=np.uint8)
    for quantities, colour in ((bids, _BID_RGB), (asks, _ASK_RGB)):
        shown = (quantities > 0.0) & (quantities >= np.maximum(bids, asks))
        pixels[shown, :3] = colour
        pixels[shown, 3] = _opacity(quantities[shown], least, most)
    image = element(
        "image", class_="heat", href=png_address(pixels), x=_LEFT, y=_TOP, width=_PLOT_WIDTH, height=_PLOT_HEIGHT,
        preserveAspectRatio="none",
    )  # fmt: skip
    return image, (least, most)


def _column(side: SideAt, frame: _Frame) -> FloatArray:
    """Quantity by row of prices, the highest price first."""
    row = np.floor((frame.high - side.prices) / (frame.high - frame.low) * _ROWS)
    inside = (row >= 0) & (row < _ROWS)
    found = np.bincount(row[inside].astype(np.int64), weights=side.quantities[inside], minlength=_ROWS)
    return np.asarray(found, dtype=np.float64)


def _opacity(quantities: FloatArray, least: float, most: float) -> npt.NDArray[np.uint8]:
    share = np.zeros(len(quantities))
    if most > least > 0.0:
        share = np.clip(np.log(quantities / least) / math.log(most / least), 0.0, 1.0)
    return np.rint(255.0 * (_LEAST_SHARE + (_MOST_SHARE - _LEAST_SHARE) * share**1.4)).astype(np.uint8)


def _unknown(history: DepthHistory, frame: _Frame) -> Html:
    """Shades the stretches in which no book was known."""
    missing = ~(np.isfinite(history.best_bid) & np.isfinite(history.best_ask))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missing, [False])).astype(np.int8)))
    ends = np.concatenate((np.array([frame.start_ns], dtype=np.int64), history.ts_ns))
    parts = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        x = frame.x(ends[[first, last]])
        width = f"{x[1] - x[0]:.1f}"
        parts.append(element("rect", class_="unknown", x=f"{x[0]:.1f}", y=_TOP, width=width, height=_PLOT_HEIGHT))
        if x[1] - x[0] > 90:
            middle = f"{(x[0] + x[1]) / 2:.1f}"
            parts.append(element("text", "no book", x=middle, y=_TOP + 18, text_anchor="middle"))
    return join(parts)


def _best_lines(history: DepthHistory, frame: _Frame) -> Html:
    """Best bid and best ask as steps, broken where no book was known."""
    starts = frame.x(np.concatenate((np.array([frame.start_ns], dtype=np.int64), history.ts_ns[:-1]))).tolist()
    ends = frame.x(history.ts_ns).tolist()
    lines = []
    for prices in (history.best_bid, history.best_ask):
        path, is_drawn = "", False
        for start, end, y in zip(starts, ends, frame.y(prices).tolist(), strict=True):
            if not math.isfinite(y):
                is_drawn = False
                continue
            path += f"{'V' + format(y, '.1f') if is_drawn else f'M{start:.1f} {y:.1f}'}H{end:.1f}"
            is_drawn = True
        lines.append(element("path", class_="best", d=path))
    return join(lines)


def _trades(history: DepthHistory, frame: _Frame) -> Html:
    """Trades, those within a few pixels of one another and of one side drawn as one; the largest if very many."""
    if len(history.trade_ts_ns) == 0:
        return Html("")
    x, y = frame.x(history.trade_ts_ns), frame.y(history.trade_price)
    inside = (y >= _TOP) & (y <= _TOP + _PLOT_HEIGHT)
    cells: dict[tuple[int, int, int], float] = {}
    for a, b, side, quantity in zip(
        x[inside].tolist(), y[inside].tolist(), history.trade_side[inside].tolist(),
        history.trade_quantity[inside].tolist(), strict=True,
    ):  # fmt: skip
        cell = (round(a / 3), round(b / 3), side)
        cells[cell] = cells.get(cell, 0.0) + quantity
    largest = sorted(cells.items(), key=lambda item: -item[1])[:_MOST_TRADES]
    if not largest:
        return Html("")
    unit = float(np.quantile([quantity for _, quantity in largest], 0.98)) or 1.0
    circles = []
    for (a, b, side), quantity in largest:
        radius = 0.9 + 6.5 * math.sqrt(min(quantity / unit, 1.5))
        name = "buy" if side > 0 else "sell" if side < 0 else "either"
        circles.append(element("circle", class_=f"trade {name}", cx=3 * a, cy=3 * b, r=f"{radius:.1f}"))
    return join(circles)


def _grid(frame: _Frame) -> Html:
    axis = Axis(frame.low, frame.high)
    ticks = axis.ticks(7)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    parts = []
    for tick, y in zip(ticks, frame.y(np.array(ticks)).tolist(), strict=True):
        parts.append(element("path", class_="grid", d=f"M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"))
        label = tick_text(tick, step, is_percent=False)
        parts.append(element("text", label, x=_LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end"))
    return join(parts)


def _times(frame: _Frame) -> Html:
    parts = []
    for place in range(7):
        ts_ns = frame.start_ns + (frame.end_ns - frame.start_ns) * place // 6
        anchor = "start" if place == 0 else "end" if place == 6 else "middle"
        x = _LEFT + _PLOT_WIDTH * place / 6
        parts.append(
            element("text", f"{moment(ts_ns):%H:%M:%S}", x=f"{x:.1f}", y=HEIGHT - _BOTTOM + 18, text_anchor=anchor)
        )
    day = f"received, UTC, {moment(frame.start_ns):%Y-%m-%d}"
    parts.append(element("text", day, x=_LEFT + _PLOT_WIDTH / 2, y=HEIGHT - 10, text_anchor="middle"))
    return join(parts)


def _legend(scale: tuple[float, float], *, has_unknown_side: bool) -> Html:
    """Hues, circles and the quantities at the ends of the scale, on the right of the title."""
    parts = []
    at, y = 470 if has_unknown_side else 560, 40
    for name, label in (("bid", "bids"), ("ask", "asks")):
        for k, opacity in enumerate((0.12, 0.4, 0.7, 1.0)):
            parts.append(
                element("rect", class_=name, x=at + 12 * k, y=y - 9, width=12, height=10, fill_opacity=opacity)
            )
        parts.append(element("text", label, x=at + 54, y=y))
        at += 92
    if scale[1] > 0.0:
        parts.append(element("text", f"{scale[0]:.3g} to {scale[1]:.3g} a row", x=at, y=y))
        at += 130
    takers = [("buy", "buyer took"), ("sell", "seller took")] + [("either", "unknown")] * has_unknown_side
    for name, label in takers:
        parts.append(element("circle", class_=f"trade {name}", cx=at, cy=y - 4, r=5))
        parts.append(element("text", label, x=at + 9, y=y))
        at += 88
    return join(parts)
