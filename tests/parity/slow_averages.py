"""Averages, lines and their differences, written from their definitions: exact sums over each window."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.parity.slow_indicators import (
    NAN,
    Column,
    covariation,
    mean,
    seeded_ema,
    weighted_mean,
    windows,
)


def triangular_mean(window: list[float]) -> float:
    n = len(window)
    weights = [min(k + 1, n - k) for k in range(n)]
    return math.fsum(w * value for w, value in zip(weights, window, strict=True)) / sum(weights)


def bell_mean(offset: float, sigma: float) -> Callable[[list[float]], float]:
    def of(window: list[float]) -> float:
        n = len(window)
        weights = [math.exp(-((k - offset * (n - 1)) ** 2) / (2.0 * (n / sigma) ** 2)) for k in range(n)]
        return math.fsum(w * value for w, value in zip(weights, window, strict=True)) / math.fsum(weights)

    return of


def line_at(ahead: Callable[[int], float]) -> Callable[[list[float]], float]:
    """The height of the line ``ahead(period)`` bars after the middle of its window."""

    def of(window: list[float]) -> float:
        both, xx, _ = covariation(window)
        return mean(window) + ahead(len(window)) * both / xx

    return of


def angle_of(window: list[float]) -> float:
    both, xx, _ = covariation(window)
    return math.degrees(math.atan(both / xx))


def error_of(window: list[float]) -> float:
    both, xx, _ = covariation(window)
    n, centre, slope = len(window), mean(window), both / xx
    line = [centre + slope * (k - (n - 1) / 2) for k in range(n)]
    return math.sqrt(math.fsum((y - z) ** 2 for y, z in zip(window, line, strict=True)) / (n - 2))


def vwma(c: Column, v: Column, period: int) -> list[Column]:
    money, total = windows(c * v, period, math.fsum), windows(v, period, math.fsum)
    with np.errstate(all="ignore"):
        return [np.where(np.isnan(total), NAN, np.where(total > 0, money / total, c))]


def averages_of_averages(c: Column, period: int, times: int) -> list[Column]:
    """The exponential average, the average of that, and so on."""
    found, values = [], c
    for k in range(times):
        values = seeded_ema(values, 2.0 / (period + 1), period, first=k * (period - 1))
        found.append(values)
    return found


def dema(c: Column, period: int) -> list[Column]:
    once, twice = averages_of_averages(c, period, 2)
    return [2.0 * once - twice]


def tema(c: Column, period: int) -> list[Column]:
    once, twice, thrice = averages_of_averages(c, period, 3)
    return [3.0 * once - 3.0 * twice + thrice]


def t3(c: Column, period: int, v: float) -> list[Column]:
    """Three times ``GD``, with ``GD`` expanded as operators on averages of averages."""
    powers = [c, *averages_of_averages(c, period, 6)]
    once = np.array([0.0, 1.0 + v, -v])  # GD as a polynomial in the averaging
    thrice = np.convolve(np.convolve(once, once), once)
    return [sum(weight * power for weight, power in zip(thrice[3:], powers[3:], strict=True))]


def zlema(c: Column, period: int) -> list[Column]:
    lag = (period - 1) // 2
    ahead = 2.0 * c - np.concatenate([np.full(lag, NAN), c])[: len(c)]
    return [seeded_ema(ahead, 2.0 / (period + 1), period, first=lag)]


def followed(price: Column, speed: Column, first: int) -> Column:
    """``average += speed (price - average)`` from the bar ``first`` on, starting at the price before it."""
    out = np.full(len(price), NAN)
    for t in range(first, len(price)):
        before = out[t - 1] if t > first else price[t - 1]
        out[t] = before + speed[t] * (price[t] - before)
    return out


def vidya(c: Column, period: int, momentum_period: int) -> list[Column]:
    changes = np.diff(c, prepend=NAN)
    rises = windows(np.where(changes > 0, changes, 0.0), momentum_period, math.fsum, first=1)
    falls = windows(np.where(changes < 0, -changes, 0.0), momentum_period, math.fsum, first=1)
    with np.errstate(all="ignore"):
        cmo = np.where(rises + falls > 0, np.abs(rises - falls) / (rises + falls), 0.0)
    return [followed(c, 2.0 / (period + 1) * np.minimum(cmo, 1.0), momentum_period)]


def frama(h: Column, lo: Column, period: int) -> list[Column]:
    half = period // 2
    speed, dimension = np.full(len(h), NAN), 0.0
    for t in range(2 * half, len(h)):
        late, early, both = (
            (max(h[a : t + 1 - b]) - min(lo[a : t + 1 - b])) / (t + 1 - b - a)
            for a, b in ((t + 1 - half, 0), (t + 1 - 2 * half, half), (t + 1 - 2 * half, 0))
        )
        if late > 0 and early > 0 and both > 0:
            dimension = (math.log(late + early) - math.log(both)) / math.log(2.0)
        speed[t] = min(1.0, max(0.01, math.exp(-4.6 * (dimension - 1.0))))
    return [followed((h + lo) / 2.0, speed, 2 * half)]


def mcginley(c: Column, period: int, factor: float) -> list[Column]:
    out = c.copy()
    for t in range(1, len(c)):
        before = out[t - 1]
        out[t] = before + (c[t] - before) / max(1.0, factor * period * (c[t] / before) ** 4)
    return [out]


def alligator(h: Column, lo: Column, lines: list[tuple[int, int]]) -> list[Column]:
    price = (h + lo) / 2.0
    return [
        np.concatenate([np.full(shift, NAN), seeded_ema(price, 1.0 / period, period)])[: len(h)]
        for period, shift in lines
    ]


def gator(h: Column, lo: Column) -> list[Column]:
    jaw, teeth, lips = alligator(h, lo, [(13, 8), (8, 5), (5, 3)])
    return [np.abs(jaw - teeth), -np.abs(teeth - lips)]


def rate_of_change(c: Column, period: int) -> Column:
    before = np.concatenate([np.full(period, NAN), c])[: len(c)]
    return 100.0 * (c - before) / before


def kst(c: Column) -> list[Column]:
    line = sum(
        weight * windows(rate_of_change(c, roc), sma, mean, first=roc)
        for weight, roc, sma in ((1, 10, 10), (2, 15, 10), (3, 20, 10), (4, 30, 15))
    )
    signal = windows(line, 9, mean, first=44)
    return [np.where(np.isnan(signal), NAN, line), signal]


def coppock(c: Column) -> list[Column]:
    return [windows(rate_of_change(c, 11) + rate_of_change(c, 14), 10, weighted_mean, first=14)]


def dpo(c: Column, period: int) -> list[Column]:
    back = period // 2 + 1
    return [np.concatenate([np.full(back, NAN), c])[: len(c)] - windows(c, period, mean)]


def envelope(c: Column, period: int, percent: float) -> list[Column]:
    middle = windows(c, period, mean)
    return [middle * (1.0 + percent / 100.0), middle, middle * (1.0 - percent / 100.0)]


def middle_of(h: Column, lo: Column, period: int) -> list[Column]:
    return [(windows(h, period, max) + windows(lo, period, min)) / 2.0]


def macd(c: Column, alphas: tuple[float, float], signal: int) -> list[Column]:
    """MACD of 12 and 26 closes, both averages from the bar 25 on."""
    line = seeded_ema(c, alphas[0], 12, first=14) - seeded_ema(c, alphas[1], 26)
    average = seeded_ema(line, 2.0 / (signal + 1), signal, first=25)
    return [np.where(np.isnan(average), NAN, line), average, line - average]


def macd_extended(c: Column) -> list[Column]:
    """MACD of simple averages."""
    line = windows(c, 12, mean) - windows(c, 26, mean)
    average = windows(line, 9, mean, first=25)
    return [np.where(np.isnan(average), NAN, line), average, line - average]
