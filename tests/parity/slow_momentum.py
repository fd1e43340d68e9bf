"""Slow momentum indicators, written from their definitions; sums are exact, nothing is carried but what must be."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.parity.slow_indicators import NAN, Column, covariation, mean, place, seeded_ema, true_range, windows

OfWindow = Callable[[list[float]], float]
Average = Callable[[Column], Column]


def first_defined(series: Column) -> int:
    """Index of the first value that is defined; the length if none is."""
    found = np.flatnonzero(~np.isnan(series))
    return int(found[0]) if len(found) else len(series)


def ema(series: Column, period: int, alpha: float | None = None) -> Column:
    """Exponential average from the mean of the first ``period`` defined values."""
    return seeded_ema(series, 2.0 / (period + 1) if alpha is None else alpha, period, first_defined(series))


def over_windows(series: Column, period: int, function: OfWindow = mean) -> Column:
    """A function of the last ``period`` defined values."""
    return windows(series, period, function, first_defined(series))


def earlier(series: Column, lag: int) -> Column:
    """The series ``lag`` bars before."""
    return np.concatenate([np.full(min(lag, len(series)), NAN), series[: max(len(series) - lag, 0)]])


def divided(over: Column, under: Column, without: float = 0.0) -> Column:
    """``over / under``; ``without`` where that divides by zero."""
    with np.errstate(all="ignore"):
        return np.where(np.isnan(over) | np.isnan(under), NAN, np.where(under != 0.0, over / under, without))


def share_of_rises(moves: Column, without: float, average: Average) -> Column:
    """Percent of rises in rises and falls, by an average of each."""
    up, down = np.where(moves < 0, 0.0, moves), np.where(moves > 0, 0.0, -moves)
    gain, loss = average(up), average(down)
    return divided(100.0 * gain, gain + loss, without)


def changes(series: Column, lag: int = 1) -> Column:
    return series - earlier(series, lag)


def wilder_share(moves: Column, period: int) -> Column:
    return share_of_rises(moves, 0.0, lambda x: ema(x, period, 1.0 / period))


def rsi(c: Column, period: int) -> Column:
    return wilder_share(changes(c), period)


def sum_share(moves: Column, period: int, without: float = 0.0) -> Column:
    return share_of_rises(moves, without, lambda x: over_windows(x, period, math.fsum))


def disparity(c: Column, period: int) -> Column:
    return 100.0 * divided(c - over_windows(c, period), over_windows(c, period))


def forecast_miss(c: Column, period: int) -> Column:
    def forecast(window: list[float]) -> float:
        both, xx, _ = covariation(window)
        return mean(window) + both / xx * (period + 1) / 2

    return 100.0 * divided(c - earlier(over_windows(c, period, forecast), 1), c)


def psychological(c: Column, period: int) -> Column:
    is_rise = np.where(np.isnan(earlier(c, 1)), NAN, (c > earlier(c, 1)).astype(float))
    return 100.0 * over_windows(is_rise, period)


def ppo(c: Column, fast: int, slow: int, average: Callable[[Column, int], Column]) -> Column:
    quick, steady = average(c, fast), average(c, slow)
    return 100.0 * divided(quick - steady, steady)


def connors(c: Column, period: int, streak: int, rank: int) -> Column:
    runs = np.zeros(len(c))
    for t in range(1, len(c)):
        side = float(np.sign(c[t] - c[t - 1]))
        runs[t] = runs[t - 1] + side if side * runs[t - 1] > 0.0 else side
    change = divided(c, earlier(c, 1)) - 1.0

    def rank_of(window: list[float]) -> float:
        return 100.0 * sum(value < window[-1] for value in window[:-1]) / rank

    return (rsi(c, period) + rsi(runs, streak) + over_windows(change, rank + 1, rank_of)) / 3.0


def qqe(c: Column, period: int, smooth: int, factor: float) -> list[Column]:
    line = ema(rsi(c, period), smooth)
    steps = 2 * period - 1
    reach = factor * ema(ema(np.abs(changes(line)), steps), steps)
    level, trend = np.full(len(c), NAN), np.full(len(c), NAN)
    lower, upper = line - reach, line + reach
    start = first_defined(reach)
    for t in range(start, len(c)):
        if t == start:
            trend[t] = 1.0
        else:
            trend[t] = 1.0 if line[t] > upper[t - 1] else -1.0 if line[t] < lower[t - 1] else trend[t - 1]
            if line[t - 1] > lower[t - 1] and line[t] > lower[t - 1]:
                lower[t] = max(lower[t], lower[t - 1])
            if line[t - 1] < upper[t - 1] and line[t] < upper[t - 1]:
                upper[t] = min(upper[t], upper[t - 1])
        level[t] = lower[t] if trend[t] > 0 else upper[t]
    return [np.where(np.isnan(level), NAN, line), level, trend]


def own_place(series: Column, period: int) -> Column:
    """Place of a series in its own range in percent, NaN where it has none."""
    top, bottom = over_windows(series, period, max), over_windows(series, period, min)
    with np.errstate(all="ignore"):
        return 100.0 * (series - bottom) / (top - bottom)


def schaff(c: Column, fast: int, slow: int, period: int, weight: float) -> Column:
    series = ema(c, fast) - ema(c, slow)
    for _ in range(2):
        places, smooth = own_place(series, period), np.full(len(c), NAN)
        last = 0.0
        for t in range(first_defined(series) + period - 1, len(c)):
            last = last if np.isnan(places[t]) else places[t]
            smooth[t] = last if np.isnan(smooth[t - 1]) else smooth[t - 1] + weight * (last - smooth[t - 1])
        series = smooth
    return series


def stochastic_fast(h: Column, lo: Column, c: Column, period: int, signal: int) -> list[Column]:
    k = 100.0 * place(c, h, lo, period)
    d = over_windows(k, signal)
    return [np.where(np.isnan(d), NAN, k), d]


def vigor(o: Column, h: Column, lo: Column, c: Column, period: int) -> list[Column]:
    def taper(window: list[float]) -> float:
        a, b, d, e = window
        return math.fsum([a, 2 * b, 2 * d, e]) / 6.0

    bodies = over_windows(over_windows(c - o, 4, taper), period, math.fsum)
    ranges = over_windows(over_windows(h - lo, 4, taper), period, math.fsum)
    line = divided(bodies, ranges)
    signal = over_windows(line, 4, taper)
    return [np.where(np.isnan(signal), NAN, line), signal]


def fractal_efficiency(c: Column, period: int, smooth: int) -> Column:
    straight = np.hypot(100.0 * (divided(c, earlier(c, period)) - 1.0), period)
    steps = np.hypot(100.0 * (divided(c, earlier(c, 1)) - 1.0), 1.0)
    sign = np.where(c > earlier(c, period), 1.0, -1.0)
    return ema(100.0 * sign * straight / over_windows(steps, period, math.fsum), smooth)


def squeeze(h: Column, lo: Column, c: Column, period: int, bands: float, channel: float) -> list[Column]:
    def end_of_line(window: list[float]) -> float:
        both, xx, _ = covariation(window)
        return mean(window) + both / xx * (period - 1) / 2

    def deviation(window: list[float]) -> float:
        centre = mean(window)
        return math.sqrt(math.fsum((value - centre) ** 2 for value in window) / period)

    middle = (over_windows(h, period, max) + over_windows(lo, period, min)) / 2.0
    momentum = over_windows(c - (middle + over_windows(c, period)) / 2.0, period, end_of_line)
    reach, path = bands * over_windows(c, period, deviation), channel * over_windows(true_range(h, lo, c), period)
    return [momentum, np.where(np.isnan(momentum), NAN, (reach < path).astype(float))]


def balance(o: Column, h: Column, lo: Column, c: Column) -> Column:
    return divided(c - o, h - lo)


def awesome(h: Column, lo: Column, fast: int, slow: int) -> Column:
    middle = (h + lo) / 2.0
    return over_windows(middle, fast) - over_windows(middle, slow)


def accelerator(h: Column, lo: Column, fast: int, slow: int, signal: int) -> Column:
    line = awesome(h, lo, fast, slow)
    return line - over_windows(line, signal)
