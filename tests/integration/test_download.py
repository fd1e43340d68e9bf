"""Downloads through ccxt from an exchange on loopback: exact, resumable, patient."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.adapters.exchanges.download import DownloadProgress, download_bars
from bot4.adapters.exchanges.faults import Patience
from bot4.adapters.exchanges.instruments import fetch_instrument
from bot4.adapters.exchanges.venues import VenueSettings
from bot4.domain.bars import HOUR_NS, MINUTE_NS, SECOND_NS, BarSeries
from bot4.domain.errors import Retryable, UsageError
from tests.loopback.binance_server import HttpFault, LoopbackBinance
from tests.loopback.market_bars import minute_bars, read_bars
from tests.shared_data import requires_shared_data

COLUMNS = ("ts_open_ns", "open", "high", "low", "close", "volume")
COUNT = 4_321


class Interrupted(Exception):
    pass


@dataclass
class MemorySink:
    chunks: list[BarSeries] = field(default_factory=list)

    def last_ts_open_ns(self) -> int | None:
        return int(self.chunks[-1].ts_open_ns[-1]) if self.chunks else None

    def append(self, bars: BarSeries) -> None:
        last_ns = self.last_ts_open_ns()
        assert len(bars) > 0
        assert last_ns is None or bars.ts_open_ns[0] > last_ns
        self.chunks.append(bars)

    def column(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(chunk, name) for chunk in self.chunks])


@pytest.fixture(scope="module")
def bars() -> BarSeries:
    return minute_bars("BTCUSDT", 0, COUNT)


@pytest.fixture(scope="module")
def running(bars):
    """An exchange whose time stands half-way through the last bar."""
    market = {"BTCUSDT": bars, "ETHUSDT": minute_bars("ETHUSDT", 0, 10)}
    with LoopbackBinance(market, int(bars.ts_open_ns[-1]) + MINUTE_NS // 2) as exchange:
        yield exchange


@pytest.fixture
def binance(running):
    running.requests.clear()
    running.faults.http.clear()
    running.faults.delay_s = 0.0
    return running


def download(binance, sink, *, progress=None, symbol="BTCUSDT", interval="1m", request_timeout_s=10.0, **options):
    bars = binance.bars["BTCUSDT"]
    options = {
        "start_ns": int(bars.ts_open_ns[0]),
        "end_ns": int(bars.ts_open_ns[-1]) + HOUR_NS,
        "now_ns": binance.clock.now_ns(),
        "settings": VenueSettings(binance.base_url, request_timeout_s),
        "sleep": lambda _: None,
    } | options
    start_ns, end_ns = options.pop("start_ns"), options.pop("end_ns")
    return download_bars("binance", symbol, interval, start_ns, end_ns, sink, progress, **options)


def assert_holds(sink: MemorySink, bars: BarSeries, count: int) -> None:
    for name in COLUMNS:
        assert sink.column(name).tobytes() == getattr(bars, name)[:count].tobytes(), name


def test_a_download_equals_the_recorded_bars_bit_for_bit_without_the_open_one(binance, bars):
    sink = MemorySink()
    report = download(binance, sink, chunk_bars=1500)
    assert_holds(sink, bars, COUNT - 1)
    assert (report.bars, report.missing_bars, report.requests) == (COUNT - 1, 0, 5)
    assert (sink.chunks[0].symbol, sink.chunks[0].interval_ns) == ("BTCUSDT", MINUTE_NS)
    assert [len(chunk) for chunk in sink.chunks] == [2000, 2000, 320]


def test_a_fast_clock_does_not_make_the_open_bar_a_closed_one(binance, bars):
    sink = MemorySink()
    download(binance, sink, now_ns=binance.clock.now_ns() + 50 * SECOND_NS)
    assert_holds(sink, bars, COUNT - 1)


@requires_shared_data
def test_a_download_across_an_outage_brings_exactly_the_bars_that_exist():
    bars = read_bars("BTCUSDT", "binance_spot_5m/BTCUSDT_5m_20220801_20230430.parquet", 5 * MINUTE_NS, 67_500, 2_000)
    with LoopbackBinance({"BTCUSDT": bars}, int(bars.ts_open_ns[-1]) + HOUR_NS) as binance:
        sink = MemorySink()
        report = download(binance, sink, interval="5m")
    assert_holds(sink, bars, len(bars))
    assert report.missing_bars == 16


@settings(max_examples=12, deadline=None)
@given(interruptions=st.lists(st.integers(1, 4), max_size=4), chunk_bars=st.sampled_from([1, 1000, 2500, 20_000]))
def test_interrupted_and_resumed_downloads_equal_an_uninterrupted_one(running, interruptions, chunk_bars):
    running.faults.http.clear()
    sink = MemorySink()
    for pages in interruptions:
        seen: list[DownloadProgress] = []

        def stop_after(progress: DownloadProgress, pages=pages, seen=seen) -> None:
            seen.append(progress)
            if len(seen) == pages:
                raise Interrupted

        try:
            download(running, sink, progress=stop_after, chunk_bars=chunk_bars)
        except Interrupted:
            continue
    download(running, sink, chunk_bars=chunk_bars)
    assert_holds(sink, running.bars["BTCUSDT"], COUNT - 1)


def test_a_second_download_asks_for_nothing_that_is_already_kept(binance):
    sink = MemorySink()
    download(binance, sink)
    binance.requests.clear()
    report = download(binance, sink)
    assert report.bars == 0
    assert not [request for request in binance.requests if "klines" in request]


def test_a_failed_download_keeps_the_pages_it_had(binance, bars):
    sink = MemorySink()
    binance.faults.http = []

    def fail_later(progress: DownloadProgress) -> None:
        if progress.done_bars == 2000:
            binance.faults.http = [HttpFault(503)] * 3

    with pytest.raises(Retryable):
        download(binance, sink, progress=fail_later, patience=Patience(attempts=3))
    assert_holds(sink, bars, 2000)


def test_progress_counts_to_the_total_and_estimates_the_rest(binance):
    seen: list[DownloadProgress] = []
    download(binance, MemorySink(), progress=seen.append)
    assert [progress.done_bars for progress in seen] == [1000, 2000, 3000, 4000, COUNT - 1]
    assert {progress.total_bars for progress in seen} == {COUNT - 1}
    assert all(progress.remaining_s is not None and progress.remaining_s >= 0 for progress in seen)
    assert seen[-1].remaining_s == 0


@pytest.mark.parametrize("status", [429, 418, 500, 502, 503, 504, 0])
def test_passing_faults_are_waited_out_with_growing_waits(binance, bars, status):
    waits: list[float] = []
    sink = MemorySink()
    binance.faults.http = [HttpFault(status)] * 3
    download(binance, sink, sleep=waits.append)
    assert waits == [0.5, 1.0, 2.0]
    assert_holds(sink, bars, COUNT - 1)


@pytest.mark.parametrize("status", [429, 418, 503, 0])
def test_lasting_faults_end_in_one_line_with_a_remedy_after_the_last_attempt(binance, status):
    waits: list[float] = []
    binance.faults.http = [HttpFault(status)] * 4
    with pytest.raises(Retryable) as caught:
        download(binance, MemorySink(), sleep=waits.append, patience=Patience(attempts=4))
    assert len(waits) == 3
    assert "\n" not in str(caught.value)
    assert "run it again" in str(caught.value)


def test_the_wait_that_the_venue_asks_for_is_granted(binance):
    waits: list[float] = []
    binance.faults.http = [HttpFault(429, retry_after_s=17)]
    download(binance, MemorySink(), sleep=waits.append)
    assert waits == [17.0]


def test_a_ban_longer_than_our_patience_fails_at_once_and_says_how_long(binance):
    waits: list[float] = []
    binance.faults.http = [HttpFault(418, retry_after_s=7200)] * 2
    with pytest.raises(Retryable, match="run it again in 7200 s"):
        download(binance, MemorySink(), sleep=waits.append)
    assert waits == []


def test_an_answer_slower_than_the_time_allowed_is_retried(binance, bars):
    sink = MemorySink()
    binance.faults.delay_s = 0.4

    def be_quick(_: float) -> None:
        binance.faults.delay_s = 0.0

    download(binance, sink, sleep=be_quick, request_timeout_s=0.2)
    assert_holds(sink, bars, COUNT - 1)


def test_a_venue_that_refuses_our_country_is_not_asked_again(binance):
    binance.faults.http = [HttpFault(451)] * 2
    with pytest.raises(UsageError, match="choose a venue"):
        download(binance, MemorySink())
    assert len(binance.requests) == 1


@pytest.mark.parametrize("spelling", ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT", "BTC_USDT"])
def test_a_symbol_may_be_spelt_as_people_spell_it(binance, bars, spelling):
    sink = MemorySink()
    download(binance, sink, symbol=spelling, end_ns=int(bars.ts_open_ns[3]))
    assert sink.chunks[0].symbol == "BTCUSDT"
    assert_holds(sink, bars, 3)


def test_an_unknown_symbol_names_near_ones(binance):
    with pytest.raises(UsageError, match="did you mean BTCUSDT"):
        download(binance, MemorySink(), symbol="BTCUSD")


def test_an_interval_that_the_venue_lacks_names_those_it_has(binance):
    with pytest.raises(UsageError, match="it has 1s, 1m"):
        download(binance, MemorySink(), interval="7m")
    with pytest.raises(UsageError, match="fixed length"):
        download(binance, MemorySink(), interval="1M")


def test_an_empty_range_is_refused(binance, bars):
    with pytest.raises(UsageError, match="end is not after the start"):
        download(binance, MemorySink(), end_ns=int(bars.ts_open_ns[0]))


def test_a_range_before_the_listing_brings_nothing_and_ends(binance, bars):
    sink = MemorySink()
    first_ns = int(bars.ts_open_ns[0])
    report = download(binance, sink, start_ns=first_ns - 2 * HOUR_NS, end_ns=first_ns)
    assert (report.bars, report.requests, sink.chunks) == (0, 1, [])


def test_instrument_facts_are_the_exact_decimals_of_the_venue(binance):
    instrument = fetch_instrument("binance", "BTCUSDT", settings=VenueSettings(binance.base_url))
    assert (instrument.base, instrument.quote, instrument.venue) == ("BTC", "USDT", "binance")
    assert not instrument.is_perpetual
    facts = (instrument.tick_size, instrument.lot_size, instrument.min_qty, instrument.min_notional)
    assert [format(fact.normalize(), "f") for fact in facts] == ["0.01", "0.00001", "0.00001", "5"]
    assert str(instrument.maker_fee) == str(instrument.taker_fee) == "0.001"
