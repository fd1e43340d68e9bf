"""Candlestick patterns as users see them: the table, drawn examples, every kind of input, and errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bot4.domain.bars import MINUTE_NS, BarSeries
from bot4.domain.errors import DataError, SettingError
from bot4.quant.patterns.candlesticks import (
    CANDLESTICKS,
    CandlestickPattern,
    CandlestickStream,
    candlesticks,
    catalogue,
    pattern_named,
)
from bot4.quant.patterns.candlesticks.arrays import evaluate
from bot4.quant.patterns.candlesticks.catalogue import NAMES
from tests.parity.candlestick_examples import DRAWN, drawn, gapping_bars

COLUMNS = ("open", "high", "low", "close")
BARS = gapping_bars(200, seed=2)
by_name = pytest.mark.parametrize("pattern", CANDLESTICKS, ids=lambda pattern: pattern.name)


def columns() -> dict[str, np.ndarray]:
    return dict(zip(COLUMNS, BARS, strict=True))


def test_there_are_61_patterns_with_names_of_their_own() -> None:
    assert len(CANDLESTICKS) == len(set(NAMES)) == len({pattern.talib for pattern in CANDLESTICKS}) == 61


@by_name
def test_the_row_of_a_pattern_bears_its_name(pattern: CandlestickPattern) -> None:
    assert NAMES[getattr(catalogue, pattern.name.upper())] == pattern.name


@by_name
def test_the_table_is_consistent(pattern: CandlestickPattern) -> None:
    assert pattern.meaning in {"reversal", "continuation", "indecision"}
    assert 1 <= pattern.candles <= 5
    assert pattern.definition
    assert pattern.talib in pattern.source
    if pattern.direction != "either":
        assert {np.sign(value) for value in pattern.values} == {1 if pattern.direction == "bullish" else -1}


@by_name
def test_a_pattern_drawn_by_hand_is_found(pattern: CandlestickPattern) -> None:
    _, value = DRAWN[pattern.name]
    assert evaluate(drawn(pattern.name))[NAMES.index(pattern.name), -1] == value


def test_bodies_that_share_an_end_engulf_less() -> None:
    bars = drawn("engulfing")
    bars[3, -1] = bars[0, -2]
    assert evaluate(bars)[catalogue.ENGULFING, -1] == 80


def test_a_hikkake_is_confirmed_once_and_within_three_bars() -> None:
    bars = drawn("hikkake")
    still, confirming = [100.0, 111.0, 92.0, 100.0], [100.0, 115.0, 91.0, 113.0]
    for n_still, expected in [(0, 200), (1, 200), (2, 200), (3, 0)]:
        more = np.array([still] * n_still + [confirming] * 2).T
        found = evaluate(np.concatenate([bars, more], axis=1))[catalogue.HIKKAKE]
        assert found[-2:].tolist() == [expected, 0], n_still


def test_an_array_like_set_of_columns_gives_a_dict_of_int16() -> None:
    found = candlesticks(columns())
    assert list(found) == list(NAMES)
    assert all(row.dtype == np.int16 and row.shape == (200,) for row in found.values())
    np.testing.assert_array_equal(np.array(list(found.values())), evaluate(BARS))


def test_only_the_patterns_asked_for_are_given_in_that_order() -> None:
    found = candlesticks(columns(), names=["engulfing", "CDLDOJI"])
    assert list(found) == ["engulfing", "doji"]
    np.testing.assert_array_equal(found["engulfing"], candlesticks(columns())["engulfing"])
    assert found["engulfing"].base is None


def test_a_polars_frame_gives_a_polars_frame() -> None:
    found = candlesticks(pl.DataFrame(columns()), names=["doji", "harami"])
    assert isinstance(found, pl.DataFrame)
    assert found.schema == {"doji": pl.Int16, "harami": pl.Int16}
    np.testing.assert_array_equal(found["harami"].to_numpy(), candlesticks(columns())["harami"])


def test_a_pandas_frame_gives_a_pandas_frame_with_its_index() -> None:
    index = pd.date_range("2024-01-01", periods=200, freq="h")
    found = candlesticks(pd.DataFrame(columns(), index=index))
    assert isinstance(found, pd.DataFrame)
    assert found.index is index or found.index.equals(index)
    np.testing.assert_array_equal(found.to_numpy().T, evaluate(BARS))


def test_a_bar_series_gives_a_dict() -> None:
    ts_open_ns = np.arange(200, dtype=np.int64) * MINUTE_NS
    series = BarSeries("BTCUSDT", MINUTE_NS, ts_open_ns, **columns(), volume=np.ones(200))
    np.testing.assert_array_equal(np.array(list(candlesticks(series).values())), evaluate(BARS))


def test_whole_number_prices_are_taken_as_they_are() -> None:
    whole = {name: column.astype(np.int64) for name, column in columns().items()}
    np.testing.assert_array_equal(candlesticks(whole)["doji"], candlesticks(columns())["doji"])


def test_the_input_is_left_as_it_was() -> None:
    given = columns()
    before = {name: column.copy() for name, column in given.items()}
    candlesticks(given)
    for name, column in given.items():
        np.testing.assert_array_equal(column, before[name])


def test_a_stream_gives_only_the_patterns_asked_for() -> None:
    every, one = CandlestickStream(), CandlestickStream(["engulfing"])
    seen = 0
    for bar in BARS.T.tolist():
        found = every.push(*bar)
        assert one.push(*bar) == {name: value for name, value in found.items() if name == "engulfing"}
        seen += "engulfing" in found
    assert seen


def test_a_pattern_is_found_by_either_name() -> None:
    assert pattern_named("two_crows") is pattern_named("CDL2CROWS") is CANDLESTICKS[0]


@pytest.mark.parametrize("names", [["two_cows"], "doji", ["CDL9CROWS"]])
def test_an_unknown_pattern_is_refused_by_name(names: list[str] | str) -> None:
    with pytest.raises(SettingError, match=r"two_cows|is one name|CDL9CROWS"):
        candlesticks(columns(), names=names)


def test_a_missing_column_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="there is no column low; it has open, high, close"):
        candlesticks({name: column for name, column in columns().items() if name != "low"})


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"columns of \[199, 200\] rows"):
        candlesticks(columns() | {"close": BARS[3, 1:]})


def test_text_is_refused() -> None:
    with pytest.raises(DataError, match="column high is not numeric"):
        candlesticks(columns() | {"high": np.array(["x"] * 200)})


def test_a_column_of_two_dimensions_is_refused() -> None:
    with pytest.raises(DataError, match="column high has 2 dimensions"):
        candlesticks(columns() | {"high": np.ones((200, 2))})


def test_what_is_no_set_of_columns_is_refused() -> None:
    with pytest.raises(DataError, match="ndarray is no set of bar columns"):
        candlesticks(BARS)
