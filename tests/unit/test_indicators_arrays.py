"""The Python face of indicators: frames in, frames out, and one bar at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bot4.domain.bars import HOUR_NS, BarSeries
from bot4.domain.errors import DataError, SettingError
from bot4.quant.indicators.arrays import Stream, compute

N = 60
START_NS = 1_700_000_000_000_000_000 // HOUR_NS * HOUR_NS
TS = START_NS + HOUR_NS * np.arange(N)
RNG = np.random.default_rng(4)
CLOSE = 100.0 + np.cumsum(RNG.normal(0.0, 1.0, N))
COLUMNS: dict[str, Any] = {
    "ts": TS, "open": CLOSE, "high": CLOSE + 1.0, "low": CLOSE - 1.0, "close": CLOSE, "volume": RNG.random(N),
}  # fmt: skip


def polars_frame() -> pl.DataFrame:
    return pl.DataFrame(COLUMNS).with_columns(
        pl.col("ts").cast(pl.Datetime("ns", "UTC")).cast(pl.Datetime("ms", "UTC"))
    )


def pandas_frame() -> pd.DataFrame:
    return pd.DataFrame(COLUMNS | {"ts": pd.to_datetime(TS, utc=True)}, index=np.arange(N) + 7)


def series() -> BarSeries:
    return BarSeries("BTCUSDT", HOUR_NS, *COLUMNS.values())


@pytest.mark.parametrize("name", ["macd", "vwap"])
def test_every_kind_of_bars_gives_the_same_outputs_in_its_own_kind(name: str) -> None:
    expected = compute(name, COLUMNS)
    from_series, from_polars, from_pandas = (compute(name, bars) for bars in (series(), polars_frame(), pandas_frame()))
    assert isinstance(from_polars, pl.DataFrame)
    assert isinstance(from_pandas, pd.DataFrame)
    assert list(from_pandas.index) == list(pandas_frame().index)
    assert list(expected) == list(from_series) == from_polars.columns == list(from_pandas.columns)
    for column, values in expected.items():
        assert values.dtype == np.float64
        for other in (from_series[column], from_polars[column].to_numpy(), from_pandas[column].to_numpy()):
            np.testing.assert_array_equal(other, values)


def test_naive_times_and_seconds_are_times_too() -> None:
    expected = compute("vwap", COLUMNS)["vwap"]
    naive = COLUMNS | {"ts": TS.astype("datetime64[ns]")}
    seconds = {name: values for name, values in COLUMNS.items() if name != "ts"} | {"time_s": TS / 1e9}
    np.testing.assert_array_equal(compute("vwap", naive)["vwap"], expected)
    np.testing.assert_array_equal(compute("vwap", seconds)["vwap"], expected)


def test_only_the_columns_in_use_are_needed_and_lists_will_do() -> None:
    np.testing.assert_array_equal(compute("sma", {"close": [1, 2, 3]}, period=2)["sma_2"], [np.nan, 1.5, 2.5])


def test_nulls_of_a_frame_are_not_finite_and_restart_it() -> None:
    frame = pl.DataFrame({"close": [1.0, 2.0, None, 4.0, 6.0]})
    np.testing.assert_array_equal(compute("sma", frame, period=2)["sma_2"], [np.nan, 1.5, np.nan, np.nan, 5.0])


def test_no_bars_give_no_outputs() -> None:
    assert compute("sma", {"close": []})["sma_20"].shape == (0,)


def test_the_bars_given_are_left_as_they_are() -> None:
    before = {name: np.array(values) for name, values in COLUMNS.items()}
    compute("macd", COLUMNS)
    for name, values in before.items():
        np.testing.assert_array_equal(COLUMNS[name], values)


@pytest.mark.parametrize(
    ("name", "bars", "words"),
    [
        ("atr", {"high": [1.0], "low": [1.0]}, "indicator atr_14: there is no column close; it has high, low"),
        ("vwap", {k: v for k, v in COLUMNS.items() if k != "ts"}, "there is no column ts"),
        ("atr", {"high": [1.0], "low": [1.0, 2.0], "close": [1.0]}, "columns of [1, 2] rows"),
        ("sma", {"close": ["a", "b"]}, "column close is not numeric"),
        ("sma", {"close": [[1.0], [2.0]]}, "column close has 2 dimensions"),
        ("sma", [1.0, 2.0], "list is no set of bar columns"),
    ],
)
def test_bars_that_cannot_be_used_are_refused_in_one_line(name: str, bars: Any, words: str) -> None:
    with pytest.raises(DataError) as refused:
        compute(name, bars)
    assert words in str(refused.value)


def test_a_stream_gives_what_the_array_gives() -> None:
    stream, expected = Stream("macd", fast=3, slow=6, signal=2), compute("macd", COLUMNS, fast=3, slow=6, signal=2)
    bars = zip(CLOSE, CLOSE + 1.0, CLOSE - 1.0, CLOSE, COLUMNS["volume"], TS / 1e9, strict=True)
    for t, bar in enumerate(bars):
        pushed = stream.push(*bar)
        assert list(pushed) == list(expected)
        np.testing.assert_array_equal(list(pushed.values()), [values[t] for values in expected.values()])


def test_a_stream_starts_again_after_a_bar_that_is_not_finite() -> None:
    stream = Stream("sma", period=2)
    closes = [1.0, 2.0, float("nan"), 4.0, 6.0]
    outputs = [stream.push(1.0, 1.0, 1.0, close, 1.0, 0.0)["sma_2"] for close in closes]
    np.testing.assert_array_equal(outputs, [np.nan, 1.5, np.nan, np.nan, 5.0])


def test_a_stream_refuses_a_wrong_setting() -> None:
    with pytest.raises(SettingError, match="period"):
        Stream("sma", period=0)
