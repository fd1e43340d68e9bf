"""Slow definitions of the volume indicators; see ``slow_indicators``."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.parity.slow_indicators import Column, mean, money_flow, seeded_ema, typical, windows

NAN = math.nan
SAME_PRICE = 1e-14


def running_sum(steps: Column) -> Column:
    return np.array([math.fsum(steps[: t + 1]) for t in range(len(steps))])


def on_balance_volume(c: Column, v: Column) -> Column:
    return running_sum(np.concatenate([v[:1], np.sign(np.diff(c)) * v[1:]]))


def money_line(h: Column, lo: Column, c: Column, v: Column) -> Column:
    return running_sum(money_flow(h, lo, c, v))


def chaikin_oscillator(h: Column, lo: Column, c: Column, v: Column, fast: int, slow: int) -> list[Column]:
    line = money_line(h, lo, c, v)
    quick, steady = (seeded_ema(line, 2.0 / (period + 1), 1) for period in (fast, slow))
    return [np.where(np.arange(len(c)) >= slow - 1, quick - steady, NAN)]


def williams_ad(h: Column, lo: Column, c: Column) -> list[Column]:
    steps = np.zeros(len(c))
    for t in range(1, len(c)):
        if c[t] > c[t - 1]:
            steps[t] = c[t] - min(lo[t], c[t - 1])
        elif c[t] < c[t - 1]:
            steps[t] = c[t] - max(h[t], c[t - 1])
    return [running_sum(steps)]


def price_volume_trend(c: Column, v: Column) -> list[Column]:
    return [running_sum(np.concatenate([[0.0], v[1:] * np.diff(c) / c[:-1]]))]


def volume_index(c: Column, v: Column, follows: Callable[[float], bool]) -> list[Column]:
    out = np.full(len(c), 1000.0)
    for t in range(1, len(c)):
        out[t] = out[t - 1] * (c[t] / c[t - 1] if follows(v[t] - v[t - 1]) else 1.0)
    return [out]


def ease_of_movement(h: Column, lo: Column, v: Column, period: int, divisor: float) -> list[Column]:
    move = np.diff(h, prepend=NAN) / 2.0 + np.diff(lo, prepend=NAN) / 2.0
    ease = np.array([m * (a - b) / (x / divisor) if x > 0 else 0.0 for m, a, b, x in zip(move, h, lo, v, strict=True)])
    return [windows(ease, period, mean, first=1)]


def per_volume(over: Column, v: Column) -> list[Column]:
    return [np.array([x / y if y > 0 else 0.0 for x, y in zip(over, v, strict=True)])]


def twiggs(h: Column, lo: Column, c: Column, v: Column, period: int) -> list[Column]:
    last = np.concatenate([[NAN], c[:-1]])
    flow = money_flow(np.fmax(h, last), np.fmin(lo, last), c, v)
    over, under = (seeded_ema(x, 1.0 / period, period, first=1) for x in (flow, v))
    with np.errstate(all="ignore"):
        return [np.where(np.isnan(under) | (under > 0), over / under, 0.0)]


def klinger(h: Column, lo: Column, c: Column, v: Column, periods: tuple[int, int, int]) -> list[Column]:
    n = len(c)
    price, width = (h + lo) + c, h - lo
    trend, force = np.zeros(n), np.full(n, NAN)
    since = 0  # the bar before the trend turned
    for t in range(1, n):
        change = price[t] - price[t - 1]
        trend[t] = trend[t - 1] if abs(change) <= SAME_PRICE * price[t] else math.copysign(1.0, change)
        if trend[t] != trend[t - 1]:
            since = t - 1
        total = math.fsum(width[since : t + 1])
        force[t] = 100.0 * trend[t] * v[t] * abs(2.0 * width[t] / total - 1.0) if total > 0 else 0.0
    fast, slow, signal = periods
    line = seeded_ema(force, 2.0 / (fast + 1), fast, first=1) - seeded_ema(force, 2.0 / (slow + 1), slow, first=1)
    smooth = seeded_ema(line, 2.0 / (signal + 1), signal, first=slow)
    return [np.where(np.isnan(smooth), NAN, line), smooth]


# --- averages of volume --------------------------------------------------------------------------------------------


def growth(now: Column, before: Column) -> list[Column]:
    with np.errstate(all="ignore"):
        return [np.where(np.isnan(before) | (before > 0), 100.0 * (now - before) / before, 0.0)]


def volume_oscillator(v: Column, fast: int, slow: int) -> list[Column]:
    return growth(windows(v, fast, mean), windows(v, slow, mean))


def percentage_volume_oscillator(v: Column, fast: int, slow: int) -> list[Column]:
    return growth(seeded_ema(v, 2.0 / (fast + 1), fast), seeded_ema(v, 2.0 / (slow + 1), slow))


def volume_zone(c: Column, v: Column, period: int) -> list[Column]:
    signed = np.where(np.diff(c, prepend=NAN) > 0, v, -v)
    over, under = (seeded_ema(x, 2.0 / (period + 1), period, first=1) for x in (signed, v))
    return [
        np.array([x if math.isnan(x) else (100.0 * x / y if y > 0 else 0.0) for x, y in zip(over, under, strict=True)])
    ]


def later(values: Column, lag: int) -> Column:
    return np.concatenate([np.full(lag, NAN), values])[: len(values)]


def relative_volume(v: Column, period: int) -> list[Column]:
    usual = later(windows(v, period, mean), 1)
    with np.errstate(all="ignore"):
        return [np.where(np.isnan(usual) | (usual > 0), v / usual, 1.0)]


def up_down(c: Column, v: Column, period: int) -> list[Column]:
    change = np.diff(c, prepend=NAN)
    rose = windows(np.where(change > 0, v, 0.0), period, math.fsum, first=1)
    fell = windows(np.where(change < 0, v, 0.0), period, math.fsum, first=1)

    def ratio(up: float, down: float) -> float:
        if math.isnan(up) or up == down == 0.0:
            return up if math.isnan(up) else 1.0
        return min(up / down, 1000.0) if down > 0.0 else 1000.0

    return [np.array([ratio(up, down) for up, down in zip(rose, fell, strict=True)])]


# --- average prices ------------------------------------------------------------------------------------------------


def weighted(price: list[float], volume: list[float]) -> tuple[float, float]:
    """Average and deviation weighted by volume; the last price, and 0, without volume."""
    total = math.fsum(volume)
    if total <= 0.0:
        return price[-1], 0.0
    centre = math.fsum(p * v for p, v in zip(price, volume, strict=True)) / total
    squares = math.fsum(v * (p - centre) ** 2 for p, v in zip(price, volume, strict=True))
    return centre, math.sqrt(squares / total)


def bands(h: Column, lo: Column, c: Column, v: Column, firsts: list[int | None], multiplier: float) -> list[Column]:
    """Average, bands and deviation of the bars from ``firsts[t]`` to ``t``; NaN for None."""
    price, out = typical(h, lo, c).tolist(), np.full((4, len(c)), NAN)
    for t, first in enumerate(firsts):
        if first is not None:
            centre, spread = weighted(price[first : t + 1], v[first : t + 1].tolist())
            out[:, t] = centre, centre + multiplier * spread, centre - multiplier * spread, spread
    return list(out)


def window_starts(n: int, period: int) -> list[int | None]:
    return [t - period + 1 if t >= period - 1 else None for t in range(n)]


def calendar_starts(time_s: Column, unit: str) -> list[int | None]:
    """The first bar of the day (``D``), the week from Monday (``W``) or the month (``M``) of each bar."""
    days = time_s.astype("datetime64[s]").astype("datetime64[D]")
    if unit == "W":
        found = days - ((days.astype(int) + 3) % 7).astype("timedelta64[D]")
    else:
        found = days.astype(f"datetime64[{unit}]")
    return [int(np.flatnonzero(found == own)[0]) for own in found]


def anchor_starts(time_s: Column, anchor_s: float) -> list[int | None]:
    first = int(np.searchsorted(time_s, anchor_s))
    return [first if t >= first else None for t in range(len(time_s))]


# --- volume at price -----------------------------------------------------------------------------------------------


def overlap(low: float, high: float, bottom: float, top: float, is_last: bool) -> float:
    """Part of a bar from low to high that lies in a bin; a bar without range lies in one bin alone."""
    if high > low:
        return max(0.0, min(high, top) - max(low, bottom)) / (high - low)
    return 1.0 if bottom <= low and (low < top or is_last) else 0.0


def value_area(bins: list[float], share: float) -> tuple[int, int]:
    """First and last bin of the value area."""
    total = math.fsum(bins)
    if total <= 0.0:
        return 0, len(bins) - 1
    padded = [-1.0, *bins, -1.0]
    first = last = padded.index(max(bins))
    while math.fsum(padded[first : last + 1]) < share * total and last - first < len(bins) - 1:
        if padded[last + 1] >= padded[first - 1]:
            last += 1
        else:
            first -= 1
    return first - 1, last - 1


def volume_profile(h: Column, lo: Column, v: Column, period: int, n_bins: int, share: float) -> list[Column]:
    out = np.full((3, len(h)), NAN)
    for t in range(period - 1, len(h)):
        window = slice(t - period + 1, t + 1)
        bottom, top = min(lo[window]), max(h[window])
        if bottom == top:
            out[:, t] = bottom
            continue
        edges = [bottom + k * ((top - bottom) / n_bins) for k in range(n_bins)] + [top]
        own = list(zip(lo[window], h[window], v[window], strict=True))
        bins = [
            math.fsum(x * overlap(a, b, edges[k], edges[k + 1], k == n_bins - 1) for a, b, x in own)
            for k in range(n_bins)
        ]
        first, last = value_area(bins, share)
        peak = bins.index(max(bins))
        middle = (peak, peak) if math.fsum(bins) > 0 else (first, last)
        out[:, t] = (edges[middle[0]] + edges[middle[1] + 1]) / 2.0, edges[last + 1], edges[first]
    return list(out)
