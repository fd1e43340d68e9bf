from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bot4.adapters.storage.bar_files import read_unchecked_bars
from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS, BarSeries, FloatArray, IntArray
from bot4.domain.errors import DataError, UsageError
from bot4.kernel import array, f8, i8, kernel, record
from bot4.pipeline.features.frames import extend_bar
from bot4.pipeline.state import FRAME, RING
from bot4.quant.indicators.arrays import compute
from bot4.quant.series.quality import REPAIR, apply_policy
from bot4.quant.series.resample import to_interval
from bot4.quant.series.timeframes import Timeframe, on_base_bars, timeframes
from tests.shared_data import bars_path, requires_shared_data

PRICES = ("ts_open_ns", "open", "high", "low", "close")
COLUMNS = (*PRICES, "volume")
T0 = 1_704_067_200_000_000_000  # a Monday, 2024-01-01T00:00Z


def minutes(at: list[int] | range) -> BarSeries:
    close = 100.0 + np.arange(len(at))
    ts_open_ns = T0 + MINUTE_NS * np.array(at, dtype=np.int64)
    return BarSeries("X", MINUTE_NS, ts_open_ns, close - 0.5, close + 1, close - 1, close, close)


def polars_minutes(at: range) -> pl.DataFrame:
    bars = minutes(at)
    times = pl.Series(bars.ts_open_ns).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame({"ts": times, **{name: getattr(bars, name) for name in (*PRICES[1:], "volume")}})


def test_a_higher_bar_is_known_at_the_close_of_the_base_bar_that_ends_it() -> None:
    frame = timeframes(minutes(range(8)), ["3m"])["3m"]
    assert frame.bars.ts_open_ns.tolist() == [T0, T0 + 3 * MINUTE_NS]
    assert frame.known.tolist() == [-1, -1, 0, 0, 0, 1, 1, 1]


def test_after_a_gap_a_higher_bar_is_known_at_the_close_of_the_next_bar_that_exists() -> None:
    frame = timeframes(minutes([0, 1, 9, 10]), ["3m"])["3m"]
    assert frame.bars.ts_open_ns.tolist() == [T0], "3m and 6m do not exist, 9m is not complete"
    assert frame.n_parts.tolist() == [2]
    assert frame.known.tolist() == [-1, -1, 0, 0]


def test_a_bar_that_ends_its_own_bucket_after_a_gap_makes_two_higher_bars_known() -> None:
    frame = timeframes(minutes([0, 1, 8]), ["3m"])["3m"]
    assert frame.bars.ts_open_ns.tolist() == [T0, T0 + 6 * MINUTE_NS]
    assert frame.known.tolist() == [-1, -1, 1]


def test_a_partial_first_bar_is_kept_and_says_of_how_many_parts_it_is_made() -> None:
    frame = timeframes(minutes(range(4, 15)), ["5m"])["5m"]
    assert frame.n_parts.tolist() == [1, 5, 5]
    assert frame.known.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]


def test_the_base_interval_is_a_timeframe_known_at_once() -> None:
    base = minutes([0, 1, 5])
    frame = timeframes(base, [MINUTE_NS])[MINUTE_NS]
    assert frame.bars is base
    assert frame.known.tolist() == [0, 1, 2]
    assert frame.n_parts.tolist() == [1, 1, 1]


def test_timeframes_are_shortest_first_each_once_and_found_by_name_or_nanoseconds() -> None:
    frames = timeframes(minutes(range(200)), ["1h", 5 * MINUTE_NS, "60m"])
    assert list(frames) == [5 * MINUTE_NS, HOUR_NS]
    assert len(frames) == 2
    assert frames["1h"] is frames[HOUR_NS]
    assert frames["1h"].interval_ns == HOUR_NS
    with pytest.raises(UsageError, match=r"no timeframe of 15m was built; .* there are 5m, 1h"):
        frames["15m"]


@pytest.mark.parametrize("base", [minutes([]), minutes([0, 1])])
def test_too_few_bars_give_a_timeframe_without_bars(base: BarSeries) -> None:
    frame = timeframes(base, ["5m"])["5m"]
    assert len(frame.bars) == 0
    assert frame.known.tolist() == [-1] * len(base)
    assert np.isnan(on_base_bars(np.empty(0), frame)).tolist() == [True] * len(base)


def test_an_interval_that_is_no_multiple_and_one_that_is_no_interval_are_refused() -> None:
    with pytest.raises(UsageError, match="1m bars do not make 90s bars"):
        timeframes(minutes(range(5)), ["90s"])
    with pytest.raises(UsageError, match="'hourly' is not a bar interval"):
        timeframes(minutes(range(5)), ["hourly"])


def test_bars_out_of_order_are_refused() -> None:
    with pytest.raises(DataError, match="out of order or repeated at row 3"):
        timeframes(minutes([0, 2, 1]), ["5m"])


# --- values of a timeframe on base bars ---------------------------------------------------------------------------


def test_arrays_keep_their_leading_axes_and_say_nan_before_the_first_bar() -> None:
    frame = timeframes(minutes(range(7)), ["3m"])["3m"]
    values = np.array([[1, 2], [3, 4]])
    expected = [[np.nan, np.nan, 1, 1, 1, 2, 2], [np.nan, np.nan, 3, 3, 3, 4, 4]]
    np.testing.assert_array_equal(on_base_bars(values, frame), expected)
    opens = on_base_bars(frame.columns()["ts"], frame)
    assert np.isnat(opens[:2]).all()
    assert opens[2] == np.datetime64(T0, "ns")


def test_an_indicator_of_a_timeframe_comes_back_under_its_name() -> None:
    frame = timeframes(minutes(range(100)), ["5m"])["5m"]
    hourly = compute("sma", frame.bars, period=3)
    on_base = on_base_bars(hourly, frame)
    assert set(on_base) == set(hourly)
    (name,) = hourly
    assert np.isnan(on_base[name][:14]).all()
    assert on_base[name][14] == hourly[name][2]


def test_a_polars_frame_comes_back_as_one_with_nan_or_null_before_the_first_bar() -> None:
    frame = timeframes(polars_minutes(range(7)), ["3m"])["3m"]
    higher = frame.frame
    assert isinstance(higher, pl.DataFrame)
    assert higher["close"].to_list() == [102.0, 105.0]
    on_base = on_base_bars(higher.with_columns(name=pl.lit("up")), frame)
    assert isinstance(on_base, pl.DataFrame)
    assert on_base.schema == higher.with_columns(name=pl.lit("up")).schema
    assert on_base["close"].is_nan().to_list() == [True, True, *[False] * 5]
    assert on_base["name"].to_list() == [None, None, *["up"] * 5]
    assert on_base_bars(higher["close"], frame).to_list()[2:] == [102.0, 102.0, 102.0, 105.0, 105.0]


def test_a_null_of_the_users_own_stays_a_null() -> None:
    frame = timeframes(polars_minutes(range(6)), ["3m"])["3m"]
    on_base = on_base_bars(pl.Series("x", [None, 1.0]), frame)
    assert on_base.name == "x"
    assert on_base.to_list()[2:] == [None, None, None, 1.0]
    assert on_base.is_nan().to_list()[:2] == [True, True]


@pytest.mark.parametrize("where", ["column", "index"])
def test_a_pandas_frame_comes_back_with_the_index_of_its_base(where: str) -> None:
    base = polars_minutes(range(7)).to_pandas()
    base = base.set_index("ts") if where == "index" else base.set_axis([f"row {k}" for k in range(7)], axis=0)
    frame = timeframes(base, ["3m"])["3m"]
    on_base = on_base_bars(frame.frame, frame)
    assert isinstance(on_base, pd.DataFrame)
    assert on_base.index.equals(base.index)
    np.testing.assert_array_equal(on_base["close"], [np.nan, np.nan, 102, 102, 102, 105, 105])
    joined = base.assign(higher=on_base_bars(frame.frame["close"], frame))
    assert joined["higher"].iloc[-1] == 105.0


def test_pandas_values_over_a_bar_series_have_a_plain_index() -> None:
    frame = timeframes(minutes(range(6)), ["3m"])["3m"]
    assert on_base_bars(pd.Series([1, 2], index=[7, 8]), frame).index.tolist() == list(range(6))


def test_frames_of_every_kind_give_the_timeframes_of_their_bars() -> None:
    bars, table = minutes(range(50)), polars_minutes(range(50))
    stamped = table.with_columns(ts=pl.col("ts").cast(pl.Int64))
    milliseconds = table.with_columns(ts=pl.col("ts").dt.cast_time_unit("ms").dt.replace_time_zone(None))
    expected = timeframes(bars, ["5m"])["5m"]
    for kind in (table, stamped, milliseconds, table.to_pandas(), table.to_pandas().set_index("ts")):
        frame = timeframes(kind, ["5m"])["5m"]
        assert frame.known.tolist() == expected.known.tolist()
        assert frame.bars.ts_open_ns.tolist() == expected.bars.ts_open_ns.tolist()
        assert frame.bars.volume.tolist() == expected.bars.volume.tolist()


def test_a_number_of_values_that_is_not_the_number_of_bars_is_refused() -> None:
    frame = timeframes(minutes(range(6)), ["3m"])["3m"]
    wrong: list[Any] = [np.zeros(6), np.zeros((2, 3)), {"a": np.zeros(3)}, pl.Series([1.0]), pd.Series([1.0]), 1.0]
    for values in wrong:
        with pytest.raises(DataError, match="values for 2 bars"):
            on_base_bars(values, frame)


def test_a_frame_that_is_no_series_of_bars_is_refused_by_what_it_lacks() -> None:
    table = polars_minutes(range(6))
    with pytest.raises(DataError, match="there is no column volume"):
        timeframes(table.drop("volume"), ["3m"])
    with pytest.raises(DataError, match="the bars have no times"):
        timeframes(table.drop("ts"), ["3m"])
    with pytest.raises(DataError, match="the bars have no times"):
        timeframes(table.to_pandas().drop(columns="ts"), ["3m"])
    with pytest.raises(DataError, match="the bars have no times"):
        timeframes(table.with_columns(ts=pl.lit(None, pl.Datetime("ns"))), ["3m"])
    with pytest.raises(DataError, match="column close is not numeric"):
        timeframes(table.with_columns(close=pl.lit("high")), ["3m"])
    with pytest.raises(DataError, match="list is no series of bars"):
        timeframes([1, 2], ["3m"])
    with pytest.raises(UsageError, match="the base bars were no frame"):
        _ = timeframes(minutes(range(6)), ["3m"])["3m"].frame


# --- one rule in three places --------------------------------------------------------------------------------------


@kernel(i8(record(FRAME), i8, i8, array(f8, 2), array(i8), array(f8, 2), array(i8), array(i8)))
def _drive_frame(
    frame: Any,
    interval_ns: int,
    base_interval_ns: int,
    bars: FloatArray,
    ts_open_ns: IntArray,
    out: FloatArray,
    out_ts_s: IntArray,
    known: IntArray,
) -> int:
    """Feed every bar to the pipeline's frame and write down what it completes, and after which bar."""
    n_seen = 0
    for i in range(len(ts_open_ns)):
        extend_bar(
            frame, interval_ns, base_interval_ns, bars[0, i], bars[1, i], bars[2, i], bars[3, i], bars[4, i],
            ts_open_ns[i],
        )  # fmt: skip
        while n_seen < frame["n_bars"]:
            at = n_seen & (RING - 1)
            for row in range(5):
                out[row, n_seen] = frame["ring"][row, at]
            out_ts_s[n_seen] = int(frame["ring"][5, at])
            n_seen += 1
        known[i] = n_seen - 1
    return n_seen


def pipeline_frame(base: BarSeries, interval_ns: int) -> tuple[BarSeries, IntArray]:
    frame = np.zeros(1, FRAME)
    bars = np.array([base.open, base.high, base.low, base.close, base.volume])
    out, out_ts_s = np.empty((5, len(base))), np.empty(len(base), np.int64)
    known = np.empty(len(base), np.int64)
    n = _drive_frame(frame[0], interval_ns, base.interval_ns, bars, base.ts_open_ns, out, out_ts_s, known)
    return BarSeries(base.symbol, interval_ns, out_ts_s[:n] * 1_000_000_000, *out[:, :n]), known


def recorded(relative: str) -> BarSeries:
    """Recorded bars with their outages as they are."""
    return apply_policy(read_unchecked_bars(bars_path(relative)), REPAIR)[0]


def same_bits(actual: BarSeries, expected: BarSeries, names: tuple[str, ...]) -> None:
    for name in names:
        assert getattr(actual, name).tobytes() == getattr(expected, name).tobytes(), name


RECORDED = [
    ("bitfinex_1m/BTCUSD_1m_2017.parquet", ["5m", "15m", "1h", "12h", "1d"]),
    ("binance_spot_5m/BTCUSDT_5m_20220801_20230430.parquet", ["15m", "1h", "4h", "1d"]),
    ("binance_spot_1m/ETHUSDT_1m_20250520_20250719.parquet", ["3m", "12m", "1d"]),
    ("binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet", ["3h", "12h", "1d"]),
]


@requires_shared_data
@pytest.mark.parametrize(("relative", "intervals"), RECORDED)
def test_timeframes_resampling_and_the_pipeline_make_the_same_bars_of_recorded_ones_with_outages(
    relative: str, intervals: list[str]
) -> None:
    base = recorded(relative)
    frames = timeframes(base, intervals)
    for interval_ns, frame in frames.items():
        same_bits(frame.bars, to_interval(base, interval_ns), COLUMNS)
        driven, known = pipeline_frame(base, interval_ns)
        same_bits(driven, frame.bars, PRICES)
        np.testing.assert_allclose(driven.volume, frame.bars.volume, rtol=1e-13)
        assert known.tobytes() == frame.known.tobytes()


@requires_shared_data
@pytest.mark.parametrize(("relative", "intervals"), RECORDED)
def test_volume_is_added_in_the_order_of_time_wherever_bars_are_made(relative: str, intervals: list[str]) -> None:
    base = recorded(relative)
    for interval_ns, frame in timeframes(base, intervals).items():
        same_bits(pipeline_frame(base, interval_ns)[0], frame.bars, ("volume",))


def test_weeks_open_on_monday_in_the_pipeline_too() -> None:
    days = minutes(range(30))
    days = replace(days, interval_ns=DAY_NS, ts_open_ns=T0 + DAY_NS * np.arange(30))
    weekly = timeframes(days, ["1w"])["1w"]
    driven, known = pipeline_frame(days, weekly.interval_ns)
    same_bits(driven, weekly.bars, COLUMNS)
    assert known.tolist() == weekly.known.tolist()


@requires_shared_data
def test_the_recorded_outage_of_the_exchange_leaves_its_hour_out_of_the_hours() -> None:
    """Binance spot stood still on 2023-03-24 from 12:40 to 14:00 UTC."""
    base = recorded("binance_spot_5m/BTCUSDT_5m_20220801_20230430.parquet")
    hourly = timeframes(base, ["1h"])["1h"]
    opens = hourly.bars.ts_open_ns
    noon = int(datetime(2023, 3, 24, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
    at = int(np.searchsorted(opens, noon))
    assert (opens[at : at + 2] - noon).tolist() == [0, 2 * HOUR_NS], "13:00 does not exist"
    assert hourly.n_parts[at] == 8
    before = int(np.searchsorted(base.ts_open_ns, noon + 2 * HOUR_NS)) - 1
    assert hourly.known[before : before + 2].tolist() == [at - 1, at], "12:00 is known once trading goes on"


@requires_shared_data
def test_a_last_bar_that_its_base_bars_do_not_reach_the_end_of_is_not_known() -> None:
    base = recorded("binance_spot_1m/ETHUSDT_1m_20250520_20250719.parquet")
    cut = len(base) - 7
    short = replace(base, **{name: getattr(base, name)[:cut] for name in COLUMNS})
    frame: Timeframe = timeframes(short, ["1h"])["1h"]
    assert frame.bars.ts_open_ns[-1] + HOUR_NS <= short.ts_open_ns[-1] + MINUTE_NS
    assert frame.known[-1] == len(frame.bars) - 1
