"""Averages and MACD against values that others published, from their own prices."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from bot4.quant.indicators.arrays import compute
from tests.shared_data import requires_shared_data, shared_path

pytestmark = requires_shared_data


def published(archive: str, name: str) -> bytes:
    """One file of a packed set of published values."""
    with pa.input_stream(str(shared_path(f"golden/{archive}")), compression="zstd") as stream:
        packed = stream.read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        member = next(m for m in files.getmembers() if m.name.rpartition("/")[2] == name)
        content = files.extractfile(member)
        assert content is not None
        return content.read()


def stock_indicators(name: str, *columns: str) -> list[np.ndarray]:
    rows = json.loads(published("stock_indicators_results_basic.tar.zst", f"{name}.standard.json"))
    return [np.array([np.nan if row[column] is None else row[column] for row in rows]) for column in columns]


def quotes() -> pl.DataFrame:
    return pl.read_csv(published("stock_indicators_quotes.tar.zst", "default.csv"))


def lean(name: str) -> pl.DataFrame:
    frame = pl.read_csv(published("lean_indicator_reference_spy.tar.zst", name), infer_schema_length=None)
    return frame.rename({column: column.strip().lower() for column in frame.columns})


def assert_equal(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Equal wherever the published value is there."""
    is_given = ~np.isnan(expected)
    assert is_given.sum() > 50
    np.testing.assert_allclose(actual[is_given], expected[is_given], rtol=0.0, atol=tolerance)


@pytest.mark.parametrize(("name", "column"), [("sma", "sma"), ("ema", "ema")])
def test_averages_are_those_of_stock_indicators(name: str, column: str) -> None:
    (expected,) = stock_indicators(name, column)
    assert_equal(compute(name, quotes(), period=20)[f"{name}_20"].to_numpy(), expected, 1e-9)


def test_macd_comes_to_that_of_stock_indicators() -> None:
    """There the fast average begins 14 bars earlier; 150 bars later that has faded."""
    actual = compute("macd", quotes())
    outputs = ("macd", "signal", "histogram")
    for output, expected in zip(outputs, stock_indicators("macd", *outputs), strict=True):
        found = actual[f"macd_12_26_9.{output}"].to_numpy()
        assert_equal(found[200:], expected[200:], 1e-9)


def test_its_line_is_that_of_stock_indicators_where_both_averages_begin_at_the_first_close() -> None:
    (expected,) = stock_indicators("macd", "macd")
    assert_equal(compute("apo", quotes())["apo_12_26_1"].to_numpy(), expected, 1e-9)


@pytest.mark.parametrize(
    ("name", "column", "params", "tolerance"),
    [("sma", "sma14", {"period": 14}, 0.006), ("ema", "ema14", {"period": 14}, 0.006)],
)
def test_averages_are_those_that_lean_records(name: str, column: str, params: dict[str, int], tolerance: float) -> None:
    frame = lean("spy_with_indicators.txt")
    actual = compute(name, frame, **params)[f"{name}_14"].to_numpy()
    expected = frame[column].cast(pl.Float64).to_numpy()
    assert_equal(actual, expected, tolerance)


def test_kama_is_that_which_lean_records() -> None:
    frame = lean("spy_kama.txt")
    actual = compute("kama", frame, period=5)["kama_5"].to_numpy()
    assert_equal(actual, frame["kama_5"].cast(pl.Float64).to_numpy(), 1e-6)


def test_macd_is_that_which_lean_records_in_seven_digits() -> None:
    frame = lean("spy_with_macd.txt")
    actual = compute("macd", frame)
    for output in ("macd", "signal", "histogram"):
        expected = frame[output].cast(pl.Float64).to_numpy()
        assert_equal(actual[f"macd_12_26_9.{output}"].to_numpy(), expected, 1e-5)
