import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bot4.adapters.storage.bar_files import (
    bars_from_frame,
    read_bar_panel,
    read_bars,
    read_unchecked_bars,
    write_bars,
)
from bot4.domain.bars import HOUR_NS, MINUTE_NS
from bot4.domain.errors import DataError, StorageError
from bot4.quant.series.quality import Defect, check_bars

START_MS = 1_746_057_600_000  # 2025-05-01T00:00Z
START_NS = START_MS * 1_000_000
ROWS = 6
OHLCV = {
    "open": [100.0, 101.0, 102.0, 103.0, 104.0, 105.0],
    "high": [102.0, 103.0, 104.0, 105.0, 106.0, 107.0],
    "low": [99.0, 100.0, 101.0, 102.0, 103.0, 104.0],
    "close": [101.0, 102.0, 103.0, 104.0, 105.0, 106.0],
    "volume": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
}
TIMES_MS = [START_MS + 60_000 * row for row in range(ROWS)]


def frame(**changes: list) -> pl.DataFrame:
    return pl.DataFrame({"ts": pl.Series(TIMES_MS).cast(pl.Datetime("ms", "UTC")), **OHLCV, **changes})


def saved(tmp_path: Path, data: pl.DataFrame, name: str = "BTCUSDT_1m_20250501.parquet") -> Path:
    path = tmp_path / name
    data.write_parquet(path)
    return path


def kline_lines(unit: int = 1, header: bool = False) -> str:
    names = (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,"
        "ignore\n"
    )
    lines = [
        f"{time * unit},{o:.8f},{h:.8f},{lo:.8f},{c:.8f},{v:.8f},{(time + 59_999) * unit},1.0,10,0.5,0.5,0\n"
        for time, o, h, lo, c, v in zip(TIMES_MS, *OHLCV.values(), strict=True)
    ]
    return (names if header else "") + "".join(lines)


def assert_is_the_sample(series, symbol: str = "BTCUSDT") -> None:
    assert series.symbol == symbol
    assert series.interval_ns == MINUTE_NS
    assert series.ts_open_ns.tolist() == [time * 1_000_000 for time in TIMES_MS]
    for name, values in OHLCV.items():
        assert getattr(series, name).tolist() == values, name


def test_parquet_with_a_utc_time_column_is_read(tmp_path):
    assert_is_the_sample(read_bars(saved(tmp_path, frame())))


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_freqtrade_feather_is_read_and_named_by_its_pair(tmp_path, compression):
    path = tmp_path / "BTC_USDT-1m.feather"
    frame().rename({"ts": "date"}).write_ipc(path, compression=compression)
    assert_is_the_sample(read_bars(path))


def test_freqtrade_json_is_read(tmp_path):
    path = tmp_path / "BTC_USDT-1m.json"
    path.write_text(json.dumps([list(row) for row in zip(TIMES_MS, *OHLCV.values(), strict=True)]))
    assert_is_the_sample(read_bars(path))


@pytest.mark.parametrize("unit", [1, 1000], ids=["milliseconds", "microseconds"])
@pytest.mark.parametrize("header", [False, True], ids=["without header", "with header"])
@pytest.mark.parametrize("packing", ["csv", "csv.gz", "zip"])
def test_binance_klines_are_read_with_and_without_header_packed_and_bare(tmp_path, unit, header, packing):
    text = kline_lines(unit, header).encode()
    path = tmp_path / f"BTCUSDT-1m-2025-05.{packing}"
    if packing == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("BTCUSDT-1m-2025-05.csv", text)
    else:
        path.write_bytes(gzip.compress(text) if packing == "csv.gz" else text)
    assert_is_the_sample(read_bars(path))


def test_column_names_are_found_whatever_their_case_and_blanks(tmp_path):
    data = frame().rename(
        {"ts": "Open Time", "open": "OPEN", "high": "High", "low": "L", "close": "Close Price", "volume": "Vol"}
    )
    assert_is_the_sample(read_bars(saved(tmp_path, data)))


@pytest.mark.parametrize(
    "times",
    [
        [time // 1000 for time in TIMES_MS],
        TIMES_MS,
        [time * 1000 for time in TIMES_MS],
        [time * 1_000_000 for time in TIMES_MS],
        [time / 1000 for time in TIMES_MS],
        [datetime.fromtimestamp(time / 1000, UTC).isoformat() for time in TIMES_MS],
        [datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") for time in TIMES_MS],
        [datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z") for time in TIMES_MS],
        [datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC") for time in TIMES_MS],
        [datetime.fromtimestamp(time / 1000 + 5400, UTC).strftime("%Y-%m-%dT%H:%M:%S+0130") for time in TIMES_MS],
        [datetime.fromtimestamp(time / 1000, UTC).replace(tzinfo=None) for time in TIMES_MS],
    ],
    ids=["s", "ms", "us", "ns", "float s", "iso offset", "naive text", "Z", "UTC", "+0130", "naive datetime"],
)
def test_times_are_recognised_in_every_form(tmp_path, times):
    assert_is_the_sample(read_bars(saved(tmp_path, frame(ts=times))))


def test_a_time_column_in_another_zone_means_the_same_instants(tmp_path):
    data = frame().with_columns(pl.col("ts").dt.convert_time_zone("America/New_York"))
    assert_is_the_sample(read_bars(saved(tmp_path, data)))


def test_the_period_takes_its_start_and_leaves_its_end(tmp_path):
    series = read_bars(saved(tmp_path, frame()), start_ns=START_NS + MINUTE_NS, end_ns=START_NS + 3 * MINUTE_NS)
    assert series.ts_open_ns.tolist() == [START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS]


def test_a_period_without_bars_is_refused_and_says_what_there_is(tmp_path):
    with pytest.raises(DataError, match=r"holds 2025-05-01T00:00Z to 2025-05-01T00:05Z"):
        read_bars(saved(tmp_path, frame()), start_ns=START_NS + HOUR_NS)


def test_only_the_bars_of_the_period_can_be_refused(tmp_path):
    path = saved(tmp_path, frame(close=[101.0, 102.0, 103.0, float("nan"), 105.0, 106.0]))
    assert len(read_bars(path, end_ns=START_NS + 3 * MINUTE_NS)) == 3
    with pytest.raises(DataError, match=r"rows counted within the period\): row 2 \(2025-05-01T00:03Z\)"):
        read_bars(path, start_ns=START_NS + 2 * MINUTE_NS)


def test_a_panel_is_read_by_symbol_and_whole(tmp_path):
    data = pl.concat([frame().with_columns(symbol=pl.lit(name)) for name in ("BTCUSDT", "ETHUSDT")])
    path = saved(tmp_path, data, "panel.parquet")
    panel = read_bar_panel(path)
    assert list(panel) == ["BTCUSDT", "ETHUSDT"]
    assert_is_the_sample(panel["ETHUSDT"], "ETHUSDT")
    assert_is_the_sample(read_bars(path, symbol="BTCUSDT"))
    with pytest.raises(DataError, match="2 symbols"):
        read_bars(path)
    with pytest.raises(DataError, match=r"unknown symbol 'XRPUSDT'; it holds BTCUSDT, ETHUSDT"):
        read_bars(path, symbol="XRPUSDT")


def test_written_bars_are_read_back_bit_for_bit(tmp_path):
    series = read_bars(saved(tmp_path, frame()))
    path = tmp_path / "sub" / "BTCUSDT_1m.parquet"
    write_bars(series, path)
    again = read_bars(path)
    for name in ("ts_open_ns", "open", "high", "low", "close", "volume"):
        assert getattr(again, name).tobytes() == getattr(series, name).tobytes()


# --- bad input -----------------------------------------------------------------------------------------------------


def refusal(path: Path, **arguments) -> str:
    with pytest.raises(DataError) as caught:
        read_bars(path, **arguments)
    line = str(caught.value)
    assert caught.value.exit_code == 3
    assert "\n" not in line
    assert str(path) in line, "says where"
    assert caught.value.remedy, "says what to do"
    return line


def test_a_missing_column_is_named_with_what_was_found_and_what_is_known(tmp_path):
    line = refusal(saved(tmp_path, frame().drop("close")))
    assert "no column for close" in line
    assert "'high'" in line
    assert "close_price" in line


def test_a_renamed_column_is_named(tmp_path):
    assert "no column for volume among 'ts'" in refusal(saved(tmp_path, frame().rename({"volume": "turnover"})))


def test_two_columns_that_differ_by_case_alone_are_refused(tmp_path):
    assert "'Close'" in refusal(saved(tmp_path, frame().with_columns(Close=pl.col("close"))))


@pytest.mark.parametrize(
    "second", ["2025-05-01T00:01:00+01:00", "2025-05-01T00:01:00"], ids=["another offset", "no offset"]
)
def test_mixed_time_zones_are_refused_at_the_row(tmp_path, second):
    times = [f"2025-05-01T00:0{row}:00Z" for row in range(ROWS)]
    times[3] = second
    line = refusal(saved(tmp_path, frame(ts=times)))
    assert "row 4" in line
    assert "another time zone" in line


def test_times_in_mixed_units_are_refused_at_the_row(tmp_path):
    times = [*TIMES_MS[:4], *(time * 1000 for time in TIMES_MS[4:])]
    assert "row 5: the time 1746057840000000 is in us" in refusal(saved(tmp_path, frame(ts=times)))


def test_row_numbers_are_no_times(tmp_path):
    assert "row 1: the time 0 is too small to be one" in refusal(saved(tmp_path, frame(ts=list(range(ROWS)))))


def test_an_unreadable_time_is_refused_at_the_row(tmp_path):
    times = [f"2025-05-01T00:0{row}:00Z" for row in range(ROWS)]
    times[1] = "05/01/2025 00:01"
    assert "row 2: the time '05/01/2025 00:01' cannot be read" in refusal(saved(tmp_path, frame(ts=times)))


def test_a_missing_time_is_refused_at_the_row(tmp_path):
    assert "row 6: the time is missing" in refusal(saved(tmp_path, frame(ts=[*TIMES_MS[:5], None])))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("close", float("nan"), "non_finite"),
        ("close", None, "non_finite"),
        ("volume", float("inf"), "non_finite"),
        ("open", -1.0, "non_positive"),
        ("low", 0.0, "non_positive"),
        ("volume", -1.0, "non_positive"),
        ("high", 90.0, "ohlc_violation"),
        ("low", 150.0, "ohlc_violation"),
    ],
)
def test_a_bar_that_cannot_be_traded_on_is_refused_with_row_and_time(tmp_path, column, value, expected):
    values = [*OHLCV[column]]
    values[2] = value
    line = refusal(saved(tmp_path, frame(**{column: values})))
    assert "row 3 (2025-05-01T00:02Z)" in line
    assert expected in line


def test_unsorted_bars_are_refused(tmp_path):
    times = [TIMES_MS[row] for row in (0, 2, 1, 3, 4, 5)]
    assert "row 3 (2025-05-01T00:01Z): opens before" in refusal(saved(tmp_path, frame(ts=times)))


def test_duplicated_bars_are_refused(tmp_path):
    data = frame()
    assert "exact_duplicate" in refusal(saved(tmp_path, pl.concat([data[:3], data[2:]])))
    assert "conflicting_duplicate" in refusal(
        saved(tmp_path, pl.concat([data[:3], data[2:3].with_columns(close=pl.lit(102.5)), data[3:]]))
    )


def test_text_in_a_price_is_refused_at_the_row(tmp_path):
    path = tmp_path / "BTCUSDT-1m-2025-05.csv"
    path.write_text(kline_lines().replace("103.00000000,4.5", "1O3,4.5").replace("104.00000000,4.5", "1O4,4.5"))
    assert "column 'close', row 4: '1O4' is not a number" in refusal(path)


def test_an_empty_file_and_a_file_without_rows_are_refused(tmp_path):
    empty = tmp_path / "BTCUSDT_1m.csv"
    empty.write_bytes(b"")
    assert "empty" in refusal(empty)
    header_only = tmp_path / "BTCUSDT-1m.csv"
    header_only.write_text("time,open,high,low,close,volume\n")
    assert "no rows" in refusal(header_only)
    assert "no rows" in refusal(saved(tmp_path, frame()[:0]))


@pytest.mark.parametrize("kept", [3, 4, 8, 100, 700, -1])
def test_a_truncated_parquet_or_feather_is_refused(tmp_path, kept):
    whole = saved(tmp_path, frame()).read_bytes()
    path = tmp_path / "BTCUSDT_1m.parquet"
    path.write_bytes(whole[:kept])
    refusal(path)
    buffer = io.BytesIO()
    frame().write_ipc(buffer, compression="lz4")
    path = tmp_path / "BTCUSDT_1m.feather"
    path.write_bytes(buffer.getvalue()[:kept])
    refusal(path)


def test_a_damaged_parquet_is_refused(tmp_path):
    path = saved(tmp_path, frame())
    content = bytearray(path.read_bytes())
    content[20 : len(content) - 60] = bytes(len(content) - 80)
    path.write_bytes(bytes(content))
    assert "damaged" in refusal(path)


def test_a_truncated_archive_is_refused(tmp_path):
    path = tmp_path / "BTCUSDT-1m-2025-05.csv.gz"
    path.write_bytes(gzip.compress(kline_lines().encode())[:-20])
    assert "archive is damaged" in refusal(path)


def test_an_archive_of_two_files_is_refused(tmp_path):
    path = tmp_path / "BTCUSDT-1m-2025-05.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", kline_lines())
        archive.writestr("b.csv", kline_lines())
    assert "2 files" in refusal(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("BTCUSDT_1m.png", b"\x89PNG\r\n\x1a\n" + bytes(200)),
        ("BTCUSDT_1m.csv", b"hello, this is a letter\nand nothing else\n"),
        ("BTCUSDT_1m.json", b'{"error": []}'),
        ("BTCUSDT_1m.json", b"[[1, 2"),
        ("BTCUSDT_1m.parquet", b"no parquet at all"),
        ("BTCUSDT_1m.feather", b"FEA1" + bytes(100)),
        ("BTCUSDT_1m.csv", b"1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,8\n"),
        ("BTCUSDT_1m.csv", b"\xff\xfe\x80\x81,\x99\n\xc0\xc1,\xf5\n"),
    ],
)
def test_what_is_no_table_of_bars_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    refusal(path)


def test_a_last_line_cut_short_is_refused(tmp_path):
    path = tmp_path / "BTCUSDT-1m-2025-05.csv"
    path.write_text(kline_lines()[: -len("106.00000000,6.50000000,1746057959999,1.0,10,0.5,0.5,0\n")])
    assert "row 6" in refusal(path)


def test_a_missing_file_and_a_folder_are_storage_errors(tmp_path):
    for path in (tmp_path / "absent.parquet", tmp_path):
        with pytest.raises(StorageError) as caught:
            read_bars(path)
        assert caught.value.exit_code == 8
        assert str(path) in str(caught.value)


def test_a_file_whose_name_tells_no_symbol_needs_one(tmp_path):
    path = saved(tmp_path, frame(), "prices.parquet")
    assert "symbol cannot be told" in refusal(path)
    assert_is_the_sample(read_bars(path, symbol="BTCUSDT"))


def test_a_name_that_contradicts_the_interval_is_refused_unless_the_interval_is_given(tmp_path):
    path = saved(tmp_path, frame(), "BTCUSDT_5m.parquet")
    assert "its bars are 1m apart but its name says 5m" in refusal(path)
    assert_is_the_sample(read_bars(path, interval_ns=MINUTE_NS))


def test_an_interval_longer_than_the_steps_is_refused_as_overlap(tmp_path):
    assert "overlap" in refusal(saved(tmp_path, frame()), interval_ns=HOUR_NS)


def test_a_single_bar_needs_an_interval(tmp_path):
    path = saved(tmp_path, frame()[:1])
    assert "interval cannot be told from 1 bar" in refusal(path)
    assert len(read_bars(path, interval_ns=MINUTE_NS)) == 1


def test_unchecked_reading_leaves_the_defects_for_the_report(tmp_path):
    path = saved(tmp_path, frame(high=[90.0] * ROWS))
    finding = check_bars(read_unchecked_bars(path)).find(Defect.OHLC_VIOLATION)
    assert finding is not None
    assert finding.bars == ROWS


def test_bars_from_a_frame_do_not_share_memory_with_it():
    data = frame()
    series = bars_from_frame(data, "BTCUSDT")
    series.close[0] = 1.0
    assert data["close"][0] == 101.0
    assert np.isfinite(series.close).all()


@pytest.mark.parametrize("text", [False, True], ids=["date", "text"])
def test_daily_bars_with_bare_dates_open_at_midnight(tmp_path, text):
    days = pl.Series([f"2025-05-0{day}" for day in range(1, 7)])
    path = saved(tmp_path, frame().with_columns(ts=days if text else days.str.to_date()), "BTC-USD_1d.parquet")
    series = read_bars(path)
    assert series.symbol == "BTCUSD"
    assert series.ts_open_ns.tolist() == [START_NS + day * 24 * HOUR_NS for day in range(6)]
