"""Slow indicators, written from their definitions: exact sums over each window, nothing carried along.

Each takes float64 columns and gives a list of outputs, NaN until defined. The recursive ones carry only what
their definition carries.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Column = np.ndarray
NAN = math.nan


def windows(values: Column, period: int, function: Callable[[list[float]], float], first: int = 0) -> Column:
    """``function`` of the last ``period`` values, from the bar at which they all have index >= ``first``."""
    out = np.full(len(values), NAN)
    for t in range(first + period - 1, len(values)):
        out[t] = function([float(value) for value in values[t - period + 1 : t + 1]])
    return out


def mean(window: list[float]) -> float:
    return math.fsum(window) / len(window)


def variance(window: list[float]) -> float:
    centre = mean(window)
    distances = [value - centre for value in window]
    return math.fsum(d * d for d in distances) / len(window) - mean(distances) ** 2


def deviation(window: list[float]) -> float:
    return 0.0 if min(window) == max(window) else math.sqrt(max(0.0, variance(window)))


def weighted_mean(window: list[float]) -> float:
    n = len(window)
    return math.fsum((k + 1) * value for k, value in enumerate(window)) / (n * (n + 1) / 2)


def z_score_of(window: list[float]) -> float:
    spread = deviation(window)
    return math.fsum([window[-1], -mean(window)]) / spread if spread > 0.0 else 0.0


def covariation(window: list[float]) -> tuple[float, float, float]:
    """Sums of (x - mean x)(y - mean y), of (x - mean x)^2 and of (y - mean y)^2."""
    n = len(window)
    steps = [k - (n - 1) / 2 for k in range(n)]
    last = window[-1]
    rises = [y - last for y in window]
    centre = mean(rises)
    return (
        math.fsum(x * (y - centre) for x, y in zip(steps, rises, strict=True)),
        math.fsum(x * x for x in steps),
        math.fsum((y - centre) ** 2 for y in rises),
    )


def slope_of(window: list[float]) -> float:
    both, xx, _ = covariation(window)
    return both / xx


def r2_of(window: list[float]) -> float:
    both, xx, yy = covariation(window)
    return both * both / (xx * yy) if min(window) != max(window) else 0.0


def cci_of(window: list[float]) -> float:
    if min(window) == max(window):
        return 0.0
    centre = mean(window)
    return (window[-1] - centre) / (0.015 * mean([abs(value - centre) for value in window]))


def seeded_ema(values: Column, alpha: float, period: int, first: int = 0) -> Column:
    """Exponential average from the mean of ``values[first : first + period]``."""
    out = np.full(len(values), NAN)
    start = first + period - 1
    if start < len(values):
        out[start] = mean([float(value) for value in values[first : start + 1]])
    for t in range(start + 1, len(values)):
        out[t] = out[t - 1] + alpha * (values[t] - out[t - 1])
    return out


def true_range(high: Column, low: Column, close: Column) -> Column:
    out = np.full(len(close), NAN)
    for t in range(1, len(close)):
        out[t] = max(high[t], close[t - 1]) - min(low[t], close[t - 1])
    return out


def typical(high: Column, low: Column, close: Column) -> Column:
    return (high + low + close) / 3.0


def money_flow(high: Column, low: Column, close: Column, volume: Column) -> Column:
    width = high - low
    with np.errstate(all="ignore"):
        return np.where(width > 0, volume * ((close - low) - (high - close)) / width, 0.0)


def place(close: Column, high: Column, low: Column, period: int) -> Column:
    """Where the close lies in the range of ``period`` bars, from 0 to 1; 0 without range."""
    top, bottom = windows(high, period, max), windows(low, period, min)
    with np.errstate(all="ignore"):
        return np.where(np.isnan(top), NAN, np.where(top > bottom, (close - bottom) / (top - bottom), 0.0))


def ratio_of_sums(over: Column, under: Column, period: int, first: int, without: Column) -> Column:
    top, bottom = windows(over, period, math.fsum, first), windows(under, period, math.fsum, first)
    with np.errstate(all="ignore"):
        return np.where(np.isnan(bottom), NAN, np.where(bottom > 0.0, top / bottom, without))


def hma(c: Column, period: int) -> list[Column]:
    quick, slow = windows(c, period // 2, weighted_mean), windows(c, period, weighted_mean)
    return [windows(2.0 * quick - slow, math.isqrt(period), weighted_mean, first=period - 1)]


def bollinger(c: Column, period: int, reach: float) -> list[Column]:
    middle, spread = windows(c, period, mean), windows(c, period, deviation)
    upper, lower = middle + reach * spread, middle - reach * spread
    with np.errstate(all="ignore"):
        place_in_band = (z_score(c, period) / reach + 1.0) / 2.0
        return [upper, middle, lower, place_in_band, 2.0 * reach * spread / middle]


def z_score(x: Column, period: int) -> Column:
    return windows(x, period, z_score_of)


def stochastic(h: Column, lo: Column, c: Column, period: int, smooth: int, signal: int) -> list[Column]:
    raw = 100.0 * place(c, h, lo, period)
    k = windows(raw, smooth, mean, first=period - 1)
    d = windows(k, signal, mean, first=period + smooth - 2)
    return [np.where(np.isnan(d), NAN, k), d]


def aroon(h: Column, lo: Column, period: int) -> list[Column]:
    def age_of(window: list[float]) -> float:
        return float(window[::-1].index(max(window)))

    up = 100.0 * (period - windows(h, period + 1, age_of)) / period
    down = 100.0 * (period - windows(-lo, period + 1, age_of)) / period
    return [up, down, up - down]


def ultimate(h: Column, lo: Column, c: Column, periods: tuple[int, int, int]) -> list[Column]:
    ranges, pressure = true_range(h, lo, c), np.full(len(c), NAN)
    for t in range(1, len(c)):
        pressure[t] = c[t] - min(lo[t], c[t - 1])
    shares = [ratio_of_sums(pressure, ranges, period, 1, np.zeros(len(c))) for period in periods]
    return [100.0 * (4.0 * shares[0] + 2.0 * shares[1] + shares[2]) / 7.0]


def mfi(h: Column, lo: Column, c: Column, v: Column, period: int) -> list[Column]:
    price = typical(h, lo, c)
    change, flow = np.diff(price, prepend=NAN), price * v
    rises = np.where(change > 0, flow, 0.0)
    return [100.0 * ratio_of_sums(rises, np.where(change != 0, flow, 0.0), period, 1, np.zeros(len(c)))]


def efficiency(c: Column, period: int) -> Column:
    path = windows(np.abs(np.diff(c, prepend=NAN)), period, math.fsum, first=1)
    out = np.full(len(c), NAN)
    for t in range(period, len(c)):
        out[t] = min(1.0, abs(c[t] - c[t - period]) / path[t]) if path[t] > 0 else 0.0
    return out


def kama(c: Column, period: int) -> list[Column]:
    ratio, out = efficiency(c, period), np.full(len(c), NAN)
    for t in range(period, len(c)):
        moved = min(c[t - period : t + 1]) != max(c[t - period : t + 1])
        speed = ((ratio[t] if moved else 1.0) * (2 / 3 - 2 / 31) + 2 / 31) ** 2
        before = out[t - 1] if t > period else c[t - 1]
        out[t] = before + speed * (c[t] - before)
    return [out]


def supertrend(h: Column, lo: Column, c: Column, period: int, multiplier: float) -> list[Column]:
    reach = multiplier * seeded_ema(true_range(h, lo, c), 1.0 / period, period, first=1)
    middle = (h + lo) / 2.0
    n = len(c)
    lower, upper, value, side = middle - reach, middle + reach, np.full(n, NAN), np.full(n, NAN)
    for t in range(period, n):
        if t == period:
            side[t] = -1.0
        else:
            if c[t - 1] >= lower[t - 1]:
                lower[t] = max(lower[t], lower[t - 1])
            if c[t - 1] <= upper[t - 1]:
                upper[t] = min(upper[t], upper[t - 1])
            falls_on = side[t - 1] < 0 and not c[t] > upper[t]
            turns_down = side[t - 1] > 0 and c[t] < lower[t]
            side[t] = -1.0 if falls_on or turns_down else 1.0
        value[t] = lower[t] if side[t] > 0 else upper[t]
    return [value, side]


def ichimoku(h: Column, lo: Column, periods: tuple[int, int, int], displacement: int) -> list[Column]:
    tenkan, kijun, far = ((windows(h, p, max) + windows(lo, p, min)) / 2.0 for p in periods)
    late = [np.concatenate([np.full(displacement, NAN), x])[: len(h)] for x in ((tenkan + kijun) / 2.0, far)]
    return [tenkan, kijun, *late]


def session_vwap(h: Column, lo: Column, c: Column, v: Column, time_s: Column) -> list[Column]:
    price, day, out = typical(h, lo, c), time_s // 86400, np.full(len(c), NAN)
    for t in range(len(c)):
        of_day = [k for k in range(t + 1) if day[k] == day[t]]
        volume = math.fsum(v[of_day])
        out[t] = math.fsum(price[of_day] * v[of_day]) / volume if volume > 0 else price[t]
    return [out]


def keltner(h: Column, lo: Column, c: Column, period: int, atr_period: int, multiplier: float) -> list[Column]:
    middle = seeded_ema(c, 2.0 / (period + 1), period)
    reach = multiplier * seeded_ema(true_range(h, lo, c), 1.0 / atr_period, atr_period, first=1)
    return [middle + reach, np.where(np.isnan(reach), NAN, middle), middle - reach]
