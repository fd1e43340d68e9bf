"""Ehlers' filters against slow ones, written from his published code."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from bot4.quant.indicators.registry import CLOSE, HIGH, LOW, ROW_NAMES

NAN = math.nan
N = 600


def walk(level: float = 100.0) -> np.ndarray:
    rng = np.random.default_rng(5)
    bars = np.zeros((len(ROW_NAMES), N))
    bars[CLOSE] = level * np.exp(np.cumsum(rng.normal(0.0, 0.01, N)))
    bars[CLOSE, 200:260] = bars[CLOSE, 200]
    bars[HIGH] = bars[CLOSE] * (1.0 + 0.01 * rng.random(N))
    bars[LOW] = bars[CLOSE] * (1.0 - 0.01 * rng.random(N))
    bars[[[HIGH], [LOW]], 200:260] = bars[CLOSE, 200]
    return bars


BARS = walk()


def smoothed(values: np.ndarray, period: float, start: np.ndarray) -> np.ndarray:
    a1 = math.exp(-1.414 * 3.141592653589793 / period)
    b1 = 2.0 * a1 * math.cos(math.radians(1.414 * 180.0 / period))
    c2, c3 = b1, -a1 * a1
    c1 = 1.0 - c2 - c3
    filt = start.copy()
    for t in range(2, len(values)):
        filt[t] = c1 * (values[t] + values[t - 1]) / 2.0 + c2 * filt[t - 1] + c3 * filt[t - 2]
    return filt


def roofing(close: np.ndarray, high_pass: float, low_pass: float) -> np.ndarray:
    angle = math.radians(0.707 * 360.0 / high_pass)
    alpha = (math.cos(angle) + math.sin(angle) - 1.0) / math.cos(angle)
    hp = np.zeros(len(close))
    for t in range(2, len(close)):
        second = close[t] - 2.0 * close[t - 1] + close[t - 2]
        hp[t] = (1 - alpha / 2) ** 2 * second + 2 * (1 - alpha) * hp[t - 1] - (1 - alpha) ** 2 * hp[t - 2]
    return smoothed(hp, low_pass, np.zeros(len(close)))


def laguerre(close: np.ndarray, gamma: float) -> np.ndarray:
    rows = np.full((4, len(close)), close[0])
    value, out = 0.0, np.zeros(len(close))
    for t in range(1, len(close)):
        rows[0, t] = (1.0 - gamma) * close[t] + gamma * rows[0, t - 1]
        for k in (1, 2, 3):
            rows[k, t] = -gamma * rows[k - 1, t] + rows[k - 1, t - 1] + gamma * rows[k, t - 1]
        steps = rows[:3, t] - rows[1:, t]
        if np.abs(steps).max() > 1e-13 * close[t]:
            value = steps[steps > 0.0].sum() / np.abs(steps).sum()
        out[t] = value
    return out


def fisher(median: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray]:
    x, value = 0.0, 0.0
    fish, signal = np.full(len(median), NAN), np.full(len(median), NAN)
    for t in range(period - 1, len(median)):
        window = median[t - period + 1 : t + 1]
        spread = window.max() - window.min()
        place = (median[t] - window.min()) / spread if spread > 0.0 else 0.5
        x = 0.33 * 2.0 * (place - 0.5) + 0.67 * x
        x = 0.999 if x > 0.99 else -0.999 if x < -0.99 else x
        signal[t] = value if t >= period else NAN
        value = 0.5 * math.log((1.0 + x) / (1.0 - x)) + 0.5 * value
        fish[t] = value
    return fish, signal


def inverse_fisher(close: np.ndarray, period: int, smooth: int) -> np.ndarray:
    change = np.diff(close)
    gain, loss = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    up, down = gain[:period].mean(), loss[:period].mean()
    values = np.full(len(close), NAN)
    for t in range(period, len(close)):
        if t > period:
            up = (up * (period - 1) + gain[t - 1]) / period
            down = (down * (period - 1) + loss[t - 1]) / period
        values[t] = 0.1 * (100.0 * up / (up + down) - 50.0)
    out = np.full(len(close), NAN)
    weights = np.arange(1, smooth + 1)
    for t in range(period + smooth - 1, len(close)):
        v = (weights * values[t - smooth + 1 : t + 1]).sum() / weights.sum()
        out[t] = (math.exp(2.0 * v) - 1.0) / (math.exp(2.0 * v) + 1.0)
    return out


def assert_equal(actual: np.ndarray, expected: np.ndarray, scale: float) -> None:
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("period", [2, 10, 40])
def test_the_super_smoother_is_that_of_its_published_code(period: int) -> None:
    expected = smoothed(BARS[CLOSE], period, BARS[CLOSE])
    expected[:2] = NAN
    assert_equal(evaluate(resolve("super_smoother", period=period), BARS)[0], expected, 100.0)


@pytest.mark.parametrize(("high_pass", "low_pass"), [(48, 10), (4, 2), (200, 40)])
def test_the_roofing_filter_is_that_of_its_published_code(high_pass: int, low_pass: int) -> None:
    expected = roofing(BARS[CLOSE], high_pass, low_pass)
    expected[:2] = NAN
    actual = evaluate(resolve("roofing_filter", high_pass=high_pass, low_pass=low_pass), BARS)[0]
    assert_equal(actual, expected, 100.0)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.8])
def test_the_laguerre_rsi_is_that_of_its_published_code(gamma: float) -> None:
    expected = laguerre(BARS[CLOSE], gamma)
    expected[0] = NAN
    actual = evaluate(resolve("laguerre_rsi", gamma=gamma), BARS)[0]
    moving = np.r_[0:225, 262:N]  # where the price stands still, what is left of a step is mere rounding
    assert_equal(actual[moving], expected[moving], 1.0)
    assert ((actual[1:] >= 0.0) & (actual[1:] <= 1.0)).all()


@pytest.mark.parametrize("period", [1, 2, 10, 100])
def test_the_fisher_transform_is_that_of_its_published_code(period: int) -> None:
    expected = fisher(0.5 * (BARS[HIGH] + BARS[LOW]), period)
    for row, values in zip(evaluate(resolve("fisher_transform", period=period), BARS), expected, strict=True):
        assert_equal(row, values, 1.0)


@pytest.mark.parametrize(("period", "smooth"), [(5, 9), (2, 1), (14, 30)])
def test_the_inverse_fisher_of_the_rsi_is_that_of_its_published_code(period: int, smooth: int) -> None:
    actual = evaluate(resolve("inverse_fisher_rsi", period=period, smooth=smooth), BARS)[0]
    assert_equal(actual, inverse_fisher(BARS[CLOSE], period, smooth), 1.0)


def gain_at(name: str, cycle: float, **params: float) -> float:
    """Amplitude of the output for a sine of amplitude 1 and so many bars a cycle."""
    t = np.arange(4000.0)
    bars = np.zeros((len(ROW_NAMES), len(t)))
    bars[CLOSE] = 100.0 + np.sin(2.0 * np.pi * t / cycle)
    output = evaluate(resolve(name, **params), bars)[0]
    return float(np.ptp(output[2000:])) / 2.0


def test_the_super_smoother_passes_long_cycles_and_halves_the_power_at_its_period() -> None:
    z = cmath.exp(2j * math.pi / 20.0)
    a = math.exp(-1.414 * math.pi / 20.0)
    b = 2.0 * a * math.cos(1.414 * math.pi / 20.0)
    response = abs(0.5 * (1.0 - b + a * a) * (1.0 + 1.0 / z) / (1.0 - b / z + a * a / z**2))
    assert gain_at("super_smoother", 20.0, period=20) == pytest.approx(response, abs=0.02)
    assert gain_at("super_smoother", 400.0, period=20) == pytest.approx(1.0, abs=0.01)
    assert gain_at("super_smoother", 4.0, period=20) < 0.05


def test_the_roofing_filter_passes_the_middle_and_neither_trend_nor_noise() -> None:
    assert gain_at("roofing_filter", 22.0) > 0.75
    assert gain_at("roofing_filter", 500.0) < 0.05
    assert gain_at("roofing_filter", 3.0) < 0.1


def test_a_constant_price_leaves_the_filters_at_rest() -> None:
    bars = np.full((len(ROW_NAMES), 200), 100.1)
    np.testing.assert_allclose(evaluate(resolve("super_smoother"), bars)[0, 2:], 100.1, rtol=1e-13)
    np.testing.assert_allclose(evaluate(resolve("roofing_filter"), bars)[0, 2:], 0.0, atol=1e-12)
    assert (evaluate(resolve("laguerre_rsi", gamma=0.7), bars)[0, 1:] == 0.0).all()
    assert (evaluate(resolve("fisher_transform"), bars)[:, 10:] == 0.0).all()


def test_a_steady_rise_takes_the_fisher_transform_to_its_clamp() -> None:
    bars = np.tile(np.arange(1.0, 301.0), (len(ROW_NAMES), 1))
    highest = math.log(1.999 / 0.001)
    assert evaluate(resolve("fisher_transform"), bars)[0, -1] == pytest.approx(highest, rel=1e-9)
