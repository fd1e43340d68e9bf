"""The 61 candlestick patterns against TA-Lib: every bar, exactly."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pytest

from bot4.quant.patterns.candlesticks import CANDLESTICKS, CandlestickPattern
from bot4.quant.patterns.candlesticks.arrays import evaluate
from tests.parity.candlestick_examples import gapping_bars, mirrored, shaken_examples
from tests.shared_data import SHARED_DATA, bars_path, requires_shared_data

talib = pytest.importorskip("talib")
abstract = pytest.importorskip("talib.abstract")

FILES = [
    "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
    "binance_spot_1m/ETHUSDT_1m_20250520_20250719.parquet",
    "binance_spot_5m/DOGEUSDT_5m_20220801_20230430.parquet",
    "bitfinex_1m/ETHUSD_1m_2017.parquet",
    "daily/BTC_USD_cmc_1d_20100713_20191231.parquet",
]
ALL_FILES = sorted(str(path.relative_to(SHARED_DATA / "bars")) for path in (SHARED_DATA / "bars").rglob("*.parquet"))
N_BARS = 30_000
PRICES = ("open", "high", "low", "close")


def assert_talib_agrees(bars: np.ndarray) -> np.ndarray:
    """Ours, which are equal to TA-Lib's at every bar."""
    columns = [np.ascontiguousarray(row) for row in bars]
    ours = evaluate(bars)
    for pattern, row in zip(CANDLESTICKS, ours, strict=True):
        theirs = getattr(talib, pattern.talib)(*columns)
        different = np.flatnonzero(row != theirs)
        assert not different.size, (
            f"{pattern.name}: {different.size} bars, first {different[0]}: "
            f"{row[different[0]]}, TA-Lib {theirs[different[0]]}"
        )
    return ours


def series_of(frame: pl.DataFrame) -> Iterator[np.ndarray]:
    parts = frame.partition_by("symbol", maintain_order=True) if "symbol" in frame.columns else [frame]
    for part in parts:
        yield np.array([part[name].to_numpy() for name in PRICES], np.float64)


def test_the_table_lists_what_talib_has_in_its_order() -> None:
    assert [pattern.talib for pattern in CANDLESTICKS] == talib.get_function_groups()["Pattern Recognition"]


@pytest.mark.parametrize("pattern", CANDLESTICKS, ids=lambda pattern: pattern.name)
def test_the_warm_up_is_talibs_lookback(pattern: CandlestickPattern) -> None:
    assert abstract.Function(pattern.talib).lookback == pattern.warm_up


@requires_shared_data
@pytest.mark.parametrize("file", FILES)
def test_real_bars_give_what_talib_gives(file: str) -> None:
    for bars in series_of(pl.read_parquet(bars_path(file)).head(N_BARS)):
        assert_talib_agrees(bars)


@requires_shared_data
@pytest.mark.slow
@pytest.mark.parametrize("file", ALL_FILES)
def test_every_bar_of_every_file_gives_what_talib_gives(file: str) -> None:
    for bars in series_of(pl.read_parquet(bars_path(file))):
        assert_talib_agrees(bars)


def archived_bars() -> Iterator[np.ndarray]:
    """Bars of the archive: text files with time, then open, high, low and close, and for quotes the asks' as well."""
    pyarrow = pytest.importorskip("pyarrow")
    packed = pyarrow.input_stream(bars_path("lean_crypto_sample.tar.zst"), compression="zstd").read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content is not None
            with zipfile.ZipFile(io.BytesIO(content.read())) as packed_text:
                text = packed_text.read(packed_text.namelist()[0])
            rows = np.array([line.split(",") for line in text.decode().splitlines()])
            for first in range(1, rows.shape[1] - 3, 5):
                yield np.where(rows[:, first : first + 4] == "", "nan", rows[:, first : first + 4]).astype(float).T


@requires_shared_data
@pytest.mark.slow
def test_every_bar_of_the_archive_gives_what_talib_gives() -> None:
    n_bars = 0
    for bars in archived_bars():
        whole = np.ascontiguousarray(bars[:, np.isfinite(bars).all(axis=0)])
        assert_talib_agrees(whole)
        n_bars += whole.shape[1]
    assert n_bars > 30_000


def test_drawn_examples_shaken_give_what_talib_gives_and_every_value_of_every_pattern_occurs() -> None:
    ours = assert_talib_agrees(shaken_examples(40, seed=1))
    for pattern, row in zip(CANDLESTICKS, ours, strict=True):
        assert set(np.unique(row).tolist()) == {0, *pattern.values}, pattern.name


@pytest.mark.parametrize("seed", range(3))
def test_bars_that_gap_and_tie_give_what_talib_gives(seed: int) -> None:
    assert_talib_agrees(gapping_bars(20_000, seed))


@pytest.mark.parametrize("scale", [1e-12, 0.1, 1e12])
def test_prices_off_the_binary_grid_huge_and_tiny_give_what_talib_gives(scale: float) -> None:
    assert_talib_agrees(gapping_bars(10_000, seed=5) * scale)


def test_prices_upside_down_and_below_zero_give_what_talib_gives() -> None:
    assert_talib_agrees(mirrored(gapping_bars(10_000, seed=6)))


@pytest.mark.parametrize("n", range(20))
def test_few_bars_give_what_talib_gives(n: int) -> None:
    bars = np.ascontiguousarray(gapping_bars(40, seed=7)[:, :n])
    if n == 0:
        assert evaluate(bars).shape == (len(CANDLESTICKS), 0)
    else:
        assert_talib_agrees(bars)


def flat() -> np.ndarray:
    return np.full((4, 200), 0.1)


def steps() -> np.ndarray:
    return np.repeat(np.array([[64.0, 96.0, 32.0, 33.0, 33.5, 128.0]] * 4), 40, axis=1)


def spiked() -> np.ndarray:
    """A bar so large that a running total keeps a trace of it."""
    bars = gapping_bars(400, seed=8) * 0.01
    bars[1, 200], bars[3, 200] = 1e15, 1e15 / 3.0
    return bars


@pytest.mark.parametrize("make", [flat, steps, spiked])
def test_bars_that_try_the_averages_give_what_talib_gives(make: Callable[[], np.ndarray]) -> None:
    assert_talib_agrees(make())


@pytest.mark.parametrize("row", range(4))
def test_leading_nan_delays_as_it_delays_talib(row: int) -> None:
    bars = gapping_bars(300, seed=9)
    bars[:, :17] = np.nan
    bars[row, 17:20] = np.nan
    assert_talib_agrees(bars)
