"""Reading, checking and aggregating the recorded market data, against its documented defects."""

import json

import numpy as np
import polars as pl
import pytest

from bot4.adapters.storage.bar_files import read_bar_panel, read_bars
from bot4.adapters.storage.catalogue import Catalogue
from bot4.adapters.storage.trade_files import read_trades
from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS, TradeSeries
from bot4.quant.series.quality import Defect, check_bars
from bot4.quant.series.resample import bars_from_trades, resample, to_interval
from bot4.quant.series.time_grid import utc_text
from tests.shared_data import bars_path, requires_shared_data, shared_path

pytestmark = requires_shared_data

FIVE_MINUTES = [
    f"binance_spot_5m/{symbol}_5m_20220801_20230430.parquet" for symbol in ("BTCUSDT", "ETHUSDT", "XRPUSDT", "ADAUSDT")
]
OLD_HOURS = [f"binance_spot_1h/{symbol}_1h_20170817_20200919.parquet" for symbol in ("BTCUSDT", "ETHUSDT")]
NEW_HOURS = [f"binance_spot_1h/{symbol}_1h_20200920_20231231.parquet" for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")]


def found(path: str) -> dict[Defect, tuple[int, int]]:
    return {f.defect: (f.bars, f.occurrences) for f in check_bars(read_bars(bars_path(path))).findings}


@pytest.mark.parametrize("path", FIVE_MINUTES)
def test_the_outage_of_march_2023_shows_as_missing_bars_and_as_frozen_ones(path):
    report = check_bars(read_bars(bars_path(path)))
    gap, empty = report.find(Defect.GAP), report.find(Defect.ZERO_VOLUME)
    assert (gap.bars, gap.occurrences) == (16, 1)
    assert utc_text(gap.examples[0].ts_open_ns) == "2023-03-24T12:35Z"
    assert "before 2023-03-24T14:00Z" in gap.examples[0].detail
    assert empty.bars == 14
    assert utc_text(empty.examples[0].ts_open_ns) == "2023-03-24T11:30Z"
    assert report.is_usable


def test_the_frozen_bars_of_the_outage_are_one_run_at_one_price():
    frozen = check_bars(read_bars(bars_path(FIVE_MINUTES[0]))).find(Defect.FROZEN)
    assert (frozen.bars, frozen.occurrences) == (14, 1)
    assert utc_text(frozen.examples[0].ts_open_ns) == "2023-03-24T11:30Z"
    assert frozen.examples[0].detail == "14 bars at 28080, volume 0"


@pytest.mark.parametrize(
    ("paths", "missing", "gaps"), [(OLD_HOURS, 108, 18), (NEW_HOURS, 20, 10)], ids=["2017-2020", "2020-2023"]
)
def test_hourly_outages_are_counted_as_documented(paths, missing, gaps):
    for path in paths:
        assert found(path)[Defect.GAP] == (missing, gaps)
        assert not {Defect.EXACT_DUPLICATE, Defect.DISORDER, Defect.OFF_GRID} & set(found(path))


def test_the_longest_outage_is_where_it_was():
    series = read_bars(bars_path(OLD_HOURS[0]))
    steps = np.diff(series.ts_open_ns)
    assert utc_text(int(series.ts_open_ns[np.argmax(steps)])) == "2018-02-08T00:00Z"
    assert steps.max() // HOUR_NS - 1 == 33


def test_minutes_without_a_trade_have_no_row_at_bitfinex():
    assert found("bitfinex_1m/BTCUSD_1m_2017.parquet")[Defect.GAP] == (20391, 14203)
    assert found("bitfinex_1m/ETHUSD_1m_2017.parquet")[Defect.GAP] == (111282, 32811)


def test_futures_have_three_empty_bars_and_no_gap():
    for symbol in ("BTCUSDT", "ETHUSDT"):
        findings = found(f"binance_usdm_5m/{symbol}_PERP_5m_2023.parquet")
        assert findings[Defect.ZERO_VOLUME] == (3, 3)
        assert Defect.GAP not in findings


def test_the_complete_minutes_of_2025_have_no_gap_and_no_empty_bar():
    findings = found("binance_spot_1m/BTCUSDT_1m_20250520_20250719.parquet")
    assert not {Defect.GAP, Defect.ZERO_VOLUME} & set(findings)
    assert found("daily/BTC_USD_cmc_1d_20100713_20191231.parquet")[Defect.ZERO_VOLUME] == (248, 248)


def test_the_panel_has_twelve_symbols_each_from_its_listing():
    panel = read_bar_panel(bars_path("binance_usdm_4h_panel/panel12_4h_2020_2023.parquet"))
    assert len(panel) == 12
    assert sum(len(series) for series in panel.values()) == 101_608
    assert {series.interval_ns for series in panel.values()} == {4 * HOUR_NS}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_minutes_make_the_hours_that_an_independent_aggregation_makes(symbol):
    path = bars_path(f"binance_spot_1m/{symbol}_1m_20250520_20250719.parquet")
    ours = to_interval(read_bars(path), HOUR_NS)
    theirs = (
        pl.read_parquet(path)
        .group_by_dynamic("ts", every="1h")
        .agg(
            pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
            pl.col("volume").sum(),
        )
    )  # fmt: skip
    assert ours.ts_open_ns.tolist() == (theirs["ts"].cast(pl.Int64) * 1_000_000).to_list()
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(ours, name), theirs[name].to_numpy())
    assert np.allclose(ours.volume, theirs["volume"].to_numpy(), rtol=1e-12, atol=0)
    assert len(ours) == 61 * 24


def test_hours_with_gaps_make_days_from_what_there_is():
    hours = read_bars(bars_path(OLD_HOURS[0]))
    days = resample(hours, 24)
    grouped = pl.DataFrame({"day": hours.ts_open_ns // DAY_NS * DAY_NS, "volume": hours.volume}).group_by("day").sum()
    expected = dict(grouped.rows())
    assert len(days) == len(expected)
    assert all(expected[day] == pytest.approx(volume) for day, volume in zip(days.ts_open_ns, days.volume, strict=True))


def kraken(name: str) -> list:
    path = shared_path(f"captures/kraken_http_{name}_XBTUSDT_20251110.json.zst")
    lines = pl.read_csv(path, has_header=False, separator="\x01", quote_char=None, infer_schema=False)  # unpacks zstd
    return json.loads("".join(lines.to_series()))["result"]["XBTUSDT"]


def test_trades_make_the_minutes_that_kraken_made_of_them():
    rows = kraken("trades")
    trades = TradeSeries(
        "XBTUSDT",
        np.array([round(row[2] * 1e6) * 1000 for row in rows], dtype=np.int64),
        np.array([float(row[0]) for row in rows]),
        np.array([float(row[1]) for row in rows]),
        np.array([1 if row[3] == "b" else -1 for row in rows], dtype=np.int8),
    )
    ours = bars_from_trades(trades, MINUTE_NS, "fill")
    by_time = {row[0] * 1_000_000_000: row for row in kraken("ohlc")}
    compared = traded = 0
    for index in range(1, len(ours)):  # the first minute began before the first trade of the answer
        row = by_time.get(int(ours.ts_open_ns[index]))
        if row is None:
            continue
        compared += 1
        traded += ours.volume[index] > 0
        prices = [getattr(ours, name)[index] for name in ("open", "high", "low", "close")]
        assert prices == [float(text) for text in row[1:5]], utc_text(int(ours.ts_open_ns[index]))
        assert ours.volume[index] == pytest.approx(float(row[6]), abs=5e-9)
    assert traded == 272
    assert compared == 409, "with the minutes that Kraken filled in at the previous close"


def test_recorded_trades_are_read_with_their_aggressor():
    spot = read_trades(shared_path("trades/binance_spot_BTCUSDT_trades_20210108.parquet"))
    raw = pl.read_parquet(shared_path("trades/binance_spot_BTCUSDT_trades_20210108.parquet"))
    assert spot.symbol == "BTCUSDT"
    assert np.array_equal(spot.aggressor, np.where(raw["buyer_maker"].to_numpy(), -1, 1))
    assert len(read_trades(shared_path("trades/binance_spot_XRP_ETH_trades.parquet"))) == 12_477
    mtgox = read_trades(shared_path("trades/mtgox_btc_trades_20130415_20130424.parquet"), "BTCUSD")
    assert len(mtgox) == 258_404, "identical fills are kept"


def test_two_files_that_join_become_one_series_in_the_catalogue(tmp_path):
    catalogue = Catalogue(tmp_path)
    for path in (NEW_HOURS[0], OLD_HOURS[0]):
        catalogue.import_file(bars_path(path), venue="binance")
    series = catalogue.load("BTCUSDT", HOUR_NS)
    assert len(series) == 27_008 + 28_732
    assert check_bars(series).find(Defect.GAP).bars == 128
    assert catalogue.import_file(bars_path(OLD_HOURS[0]), venue="binance").new_bars == 0
