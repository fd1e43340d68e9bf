"""Slow definitions of the indicators of direction, stops, trend strength and levels; see ``slow_indicators``."""

from __future__ import annotations

import math

import numpy as np

from tests.parity.slow_indicators import Column, mean, ratio_of_sums, seeded_ema, true_range, windows

NAN = math.nan
ROUNDING = 2.0**-50


def wilder_sum(values: Column, period: int) -> Column:
    """From the sum of the first ``period - 1`` changes, each bar replaces one part in ``period``."""
    out = np.full(len(values), NAN)
    if len(values) >= period:
        out[period - 1] = math.fsum(values[1:period])
    for t in range(period, len(values)):
        out[t] = out[t - 1] - out[t - 1] / period + values[t]
    return out


def directional_movement(h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    n = len(c)
    rise, fall = np.diff(h, prepend=h[0]), -np.diff(lo, prepend=lo[0])
    plus = wilder_sum(np.where((rise > fall) & (rise > 0), rise, 0.0), period)
    minus = wilder_sum(np.where((fall > rise) & (fall > 0), fall, 0.0), period)
    width = wilder_sum(np.nan_to_num(true_range(h, lo, c)), period)
    di = [np.full(n, NAN), np.full(n, NAN)]
    dx, adx, adxr = np.full(n, NAN), np.full(n, NAN), np.full(n, NAN)
    counted: list[float] = []
    for t in range(period, n):
        for out, moves in zip(di, (plus, minus), strict=True):
            out[t] = 100.0 * moves[t] / width[t] if width[t] > 0 else 0.0
        both = di[0][t] + di[1][t]
        dx[t] = 100.0 * abs(di[0][t] - di[1][t]) / both if both > 0 else (dx[t - 1] if t > period else 0.0)
        counted.append(dx[t] if both > 0 else 0.0)
        if t == 2 * period - 1:
            adx[t] = mean(counted)
        elif t >= 2 * period:
            adx[t] = adx[t - 1] + (dx[t] - adx[t - 1]) / period if both > 0 else adx[t - 1]
        if t >= 3 * period - 2:
            adxr[t] = (adx[t] + adx[t - period + 1]) / 2.0
    return [plus, minus, *di, dx, adx, adxr]


def vortex(h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    width = true_range(h, lo, c)
    none = np.zeros(len(c))
    plus = np.array([NAN, *(abs(h[t] - lo[t - 1]) for t in range(1, len(c)))])
    minus = np.array([NAN, *(abs(lo[t] - h[t - 1]) for t in range(1, len(c)))])
    return [ratio_of_sums(moves, width, period, 1, none) for moves in (plus, minus)]


def random_walk_index(h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    width, up, down = true_range(h, lo, c), np.full(len(c), NAN), np.full(len(c), NAN)
    for t in range(period, len(c)):
        up[t] = down[t] = 0.0
        for k in range(2, period + 1):
            step = mean(list(width[t - k + 1 : t + 1])) * math.sqrt(k)
            if step > 0:
                up[t] = max(up[t], (h[t] - lo[t - k]) / step)
                down[t] = max(down[t], (h[t - k] - lo[t]) / step)
    return [up, down]


def elder_ray(h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    average = seeded_ema(c, 2.0 / (period + 1), period)
    return [h - average, lo - average]


# --- stops ---------------------------------------------------------------------------------------------------------


def average_true_range(h: Column, lo: Column, c: Column, period: int) -> Column:
    return seeded_ema(true_range(h, lo, c), 1.0 / period, period, first=1)


def chandelier_exit(h: Column, lo: Column, c: Column, period: int, multiplier: float) -> list[Column]:
    reach = multiplier * average_true_range(h, lo, c, period)
    return [windows(h, period, max) - reach, windows(lo, period, min) + reach]


def chande_kroll_stop(h: Column, lo: Column, c: Column, period: int, multiplier: float, last: int) -> list[Column]:
    below, above = chandelier_exit(h, lo, c, period, multiplier)
    return [windows(above, last, min, first=period), windows(below, last, max, first=period)]


def gann_hilo(h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    tops, bottoms = windows(h, period, mean), windows(lo, period, mean)
    value, side = np.full(len(c), NAN), np.full(len(c), NAN)
    for t in range(period, len(c)):
        top, bottom = tops[t - 1], bottoms[t - 1]
        rounding = ROUNDING * abs(top)
        side[t] = side[t - 1] if t > period else (1.0 if c[t] - (top + bottom) / 2.0 >= -rounding else -1.0)
        if c[t] - top > rounding:
            side[t] = 1.0
        elif bottom - c[t] > rounding:
            side[t] = -1.0
        value[t] = bottoms[t] if side[t] > 0 else tops[t]
    return [value, side]


# --- trend strength ------------------------------------------------------------------------------------------------


def mass_index(h: Column, lo: Column, period: int, smooth: int) -> list[Column]:
    once = seeded_ema(h - lo, 2.0 / (smooth + 1), smooth)
    twice = seeded_ema(once, 2.0 / (smooth + 1), smooth, first=smooth - 1)
    with np.errstate(all="ignore"):
        ratio = np.where(np.isnan(twice) | (twice > 0.0), once / twice, 1.0)
    return [windows(ratio, period, math.fsum, first=2 * (smooth - 1))]


def choppiness(h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    path = windows(true_range(h, lo, c), period, math.fsum, first=1)
    ground = windows(h, period, max) - windows(lo, period, min)
    out = np.full(len(c), NAN)
    for t in range(period, len(c)):
        is_moved = ground[t] > 0.0 and path[t] > 0.0
        out[t] = 100.0 * math.log10(path[t] / ground[t]) / math.log10(period) if is_moved else 100.0
    return [out]


def vertical_horizontal_filter(c: Column, period: int) -> list[Column]:
    span = windows(c, period, max) - windows(c, period, min)
    path = windows(np.abs(np.diff(c, prepend=NAN)), period, math.fsum, first=1)
    with np.errstate(all="ignore"):
        return [np.where(np.isnan(path) | (path > 0.0), span / path, 0.0)]


def trend_intensity(c: Column, period: int, average: int) -> list[Column]:
    centre = windows(c, average, mean)
    distance = c - centre
    distance[np.abs(distance) <= ROUNDING * np.abs(centre)] = 0.0
    share = ratio_of_sums(np.maximum(distance, 0.0), np.abs(distance), period, average - 1, np.full(len(c), 0.5))
    return [100.0 * share]


def swing_index(o: Column, h: Column, lo: Column, c: Column, limit: float) -> list[Column]:
    n = len(c)
    swing = np.full(n, NAN)
    for t in range(1, n):
        to_high, to_low, width = abs(h[t] - c[t - 1]), abs(lo[t] - c[t - 1]), h[t] - lo[t]
        reach = {
            0: to_high - to_low / 2.0,
            1: to_low - to_high / 2.0,
            2: width,
        }[int(np.argmax([to_high, to_low, width]))] + abs(c[t - 1] - o[t - 1]) / 4.0
        way = math.fsum([c[t] - c[t - 1], (c[t] - o[t]) / 2.0, (c[t - 1] - o[t - 1]) / 4.0])
        swing[t] = 50.0 * way / reach * max(to_high, to_low) / limit if reach > 0.0 else 0.0
    return [np.array([NAN, *np.cumsum(swing[1:])]), swing]


# --- levels --------------------------------------------------------------------------------------------------------


def sessions_before(
    bars: tuple[Column, ...], time_s: Column, hours: int
) -> list[tuple[float, float, float, float, float]]:
    """Open, high, low, close of the session before each bar's, and the open of its own."""
    open_, high, low, close = bars
    session = time_s // (3600 * hours)
    found = []
    for t in range(len(time_s)):
        own = np.flatnonzero(session[: t + 1] == session[t])
        earlier = np.flatnonzero(session[: own[0]] == session[own[0] - 1]) if own[0] > 0 else own
        found.append((open_[earlier[0]], high[earlier].max(), low[earlier].min(), close[earlier[-1]], open_[own[0]]))
    return found


def pivots(kind: str, o: Column, h: Column, lo: Column, c: Column, time_s: Column, hours: int = 24) -> list[Column]:
    """Pivot points of every kind, one bar after another."""
    rows = [LEVELS[kind](*session) for session in sessions_before((o, h, lo, c), time_s, hours)]
    return list(np.array(rows, float).T)


def floor_levels(pivot: float, h: float, lo: float) -> list[float]:
    return [
        pivot, 2 * pivot - lo, 2 * pivot - h, pivot + (h - lo), pivot - (h - lo),
        h + 2 * (pivot - lo), lo - 2 * (h - pivot),
    ]  # fmt: skip


def around(centre: float, reaches: list[float]) -> list[float]:
    return [level for reach in reaches for level in (centre + reach, centre - reach)]


def demark(o: float, h: float, lo: float, c: float, _own: float) -> list[float]:
    x = h + 2 * lo + c if c < o else (2 * h + lo + c if c > o else h + lo + 2 * c)
    return [x / 4, x / 2 - lo, x / 2 - h]


LEVELS = {
    "classic": lambda o, h, lo, c, own: floor_levels((h + lo + c) / 3, h, lo),
    "woodie": lambda o, h, lo, c, own: floor_levels((h + lo + 2 * own) / 4, h, lo),
    "fibonacci": lambda o, h, lo, c, own: [
        (h + lo + c) / 3, *around((h + lo + c) / 3, [part * (h - lo) for part in (0.382, 0.618, 1.0)])
    ],
    "camarilla": lambda o, h, lo, c, own: [
        (h + lo + c) / 3, *around(c, [1.1 * (h - lo) / part for part in (12, 6, 4, 2)])
    ],
    "demark": demark,
}  # fmt: skip


def zigzag(h: Column, lo: Column, percent: float) -> list[Column]:
    """Every bar looks at all bars since the last turning point anew."""
    n = len(h)
    out = np.full((4, n), NAN)
    turn, side = -1, 0  # the bar of the last turning point
    for t in range(n):
        leg = range(max(turn + 1, 0), t)  # the bars since, before this one
        top, bottom = max(leg, key=lambda k: (h[k], -k), default=t), min(leg, key=lambda k: (lo[k], k), default=t)
        if leg and side <= 0 and h[t] <= h[top] and lo[t] <= h[top] * (1.0 - 0.01 * percent):
            turn, side = top, 1
        elif leg and side >= 0 and lo[t] >= lo[bottom] and h[t] >= lo[bottom] * (1.0 + 0.01 * percent):
            turn, side = bottom, -1
        price = (h[0] + lo[0]) / 2.0 if side == 0 else (h[turn] if side > 0 else lo[turn])
        since = range(max(turn, 0) + (1 if side else 0), t + 1)
        highest, lowest = max(h[k] for k in since), min(lo[k] for k in since)
        is_falling = side > 0 or (side == 0 and price - lowest > highest - price)
        out[:, t] = price, side, t - max(turn, 0), lowest if is_falling else highest
    return list(out)


def heikin_ashi(o: Column, h: Column, lo: Column, c: Column) -> list[Column]:
    closes = (o + h + lo + c) / 4.0
    opens = np.array([(o[0] + c[0]) / 2.0, *np.zeros(len(c) - 1)])
    for t in range(1, len(c)):
        opens[t] = (opens[t - 1] + closes[t - 1]) / 2.0
    return [opens, np.maximum(h, np.maximum(opens, closes)), np.minimum(lo, np.minimum(opens, closes)), closes]
