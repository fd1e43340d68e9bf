"""Live bars over real sockets from an exchange on loopback that misbehaves on demand."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import time
import warnings
from collections import defaultdict
from collections.abc import Callable

import pytest

from bot4.adapters.exchanges import live_bars
from bot4.adapters.exchanges.bar_sequence import ClosedBar
from bot4.adapters.exchanges.faults import Patience
from bot4.adapters.exchanges.live_bars import FeedState, FeedTiming, LiveBarFeed
from bot4.adapters.exchanges.venues import VenueSettings
from bot4.domain.bars import MINUTE_NS, SECOND_NS
from bot4.domain.errors import Retryable, UsageError
from tests.loopback.binance_server import HttpFault, LoopbackBinance
from tests.loopback.market_bars import minute_bars

SYMBOLS = ("BTCUSDT", "ETHUSDT")
START = 100
BAR_WALL_S = 0.06
QUICK = FeedTiming(silence_s=0.8, poll_s=0.02, grace_ns=MINUTE_NS // 2, patience=Patience(first_s=0.02, longest_s=0.1))


@contextlib.contextmanager
def binance(wall_s_per_bar: float = BAR_WALL_S):
    market = {symbol: minute_bars(symbol, 0, 2000) for symbol in SYMBOLS}
    start_ns = int(market["BTCUSDT"].ts_open_ns[START]) + MINUTE_NS // 3
    with LoopbackBinance(market, start_ns, wall_s_per_bar) as exchange:
        yield exchange


def feed_of(
    exchange: LoopbackBinance, symbols=SYMBOLS, timing: FeedTiming = QUICK, kind=LiveBarFeed, **options
) -> LiveBarFeed:
    settings = VenueSettings(exchange.base_url, request_timeout_s=2.0)
    options = {"now_ns": exchange.clock.now_ns, "monotonic": time.monotonic} | options
    return kind("binance", symbols, "1m", settings=settings, timing=timing, **options)


def opens_at(exchange: LoopbackBinance, index: int) -> dict[str, int]:
    return {symbol: int(exchange.bars[symbol].ts_open_ns[index]) for symbol in SYMBOLS}


async def collect(
    feed: LiveBarFeed, count: int, on_bar: Callable[[int, ClosedBar], None] | None = None, within_s: float = 20.0
) -> list[ClosedBar]:
    taken: list[ClosedBar] = []
    async with asyncio.timeout(within_s), contextlib.aclosing(feed.bars()) as bars:
        async for bar in bars:
            taken.append(bar)
            if on_bar is not None:
                on_bar(len(taken), bar)
            if len(taken) == count:
                break
    return taken


def run_cleanly(main) -> None:
    """Run to the end with asyncio's debugging on; a leaked task, session or unread error fails the test."""
    complaints: list[str] = []

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 60
        loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
        await main()
        gc.collect()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(watched(), debug=True)
        gc.collect()
    assert complaints == []
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


def assert_exact(exchange: LoopbackBinance, taken: list[ClosedBar], symbols=SYMBOLS, first: int | None = None) -> None:
    """Every closed bar once, in order over all symbols, with the recorded values, never known before its close."""
    order = [(bar.ts_open_ns, bar.symbol) for bar in taken]
    assert order == sorted(order)
    by_symbol: dict[str, list[ClosedBar]] = defaultdict(list)
    for bar in taken:
        by_symbol[bar.symbol].append(bar)
    assert set(by_symbol) == set(symbols)
    for symbol, bars in by_symbol.items():
        recorded = exchange.bars[symbol]
        start = int(recorded.ts_open_ns.searchsorted(bars[0].ts_open_ns))
        assert first is None or start == first
        for index, bar in enumerate(bars, start):
            assert bar.ts_open_ns == recorded.ts_open_ns[index]
            assert bar.known_at_ns >= bar.ts_close_ns
            values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
            columns = (recorded.open, recorded.high, recorded.low, recorded.close, recorded.volume)
            assert values == tuple(float(column[index]) for column in columns)


@pytest.fixture(scope="module", autouse=True)
def _ccxt_is_imported():
    import ccxt.pro  # noqa: F401


def test_closed_bars_of_all_symbols_arrive_exactly_once_and_in_order():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)
            assert feed.health().state == FeedState.CONNECTING
            taken = await collect(feed, 20)
            assert_exact(exchange, taken)
            health = feed.health()
            assert health.state in (FeedState.CONNECTED, FeedState.BACKFILLING)
            assert (health.reconnects, health.bars_delivered) == (0, 20)
            assert health.last_message_age_s is not None
            assert 0 <= health.last_message_age_s < QUICK.silence_s
            assert health.lag_ns is not None
            assert health.lag_ns >= 0
            assert exchange.sockets_opened == 1

    run_cleanly(main)


def test_a_socket_dropped_midway_loses_repeats_and_disorders_no_bar():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)
            taken = await collect(feed, 60, lambda count, _: exchange.drop_sockets() if count in (10, 30) else None)
            assert_exact(exchange, taken)
            assert feed.health().reconnects >= 2
            assert exchange.sockets_opened >= 3

    run_cleanly(main)


@pytest.mark.parametrize("has_one_watcher", [True, False])
def test_a_venue_that_marks_no_last_update_delivers_the_same_bars(monkeypatch, has_one_watcher):
    class FeedOfAnotherVenue(LiveBarFeed):
        def _new_venue(self):
            venue = super()._new_venue()
            venue.has["watchOHLCVForSymbols"] = has_one_watcher
            return venue

    monkeypatch.setattr(live_bars, "MARKS_LAST_UPDATE", frozenset())

    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange, kind=FeedOfAnotherVenue)
            taken = await collect(feed, 40, lambda count, _: exchange.drop_sockets() if count == 20 else None)
            assert_exact(exchange, taken)
            assert feed.health().reconnects >= 1

    run_cleanly(main)


def test_bars_that_close_while_no_socket_opens_are_delivered_by_rest():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)
            states: set[FeedState] = set()

            def cut_then_restore(count: int, _: ClosedBar) -> None:
                states.add(feed.health().state)
                if count == 6:
                    exchange.faults.refuses_sockets = True
                    exchange.drop_sockets()
                if count == 26:
                    exchange.faults.refuses_sockets = False

            taken = await collect(feed, 60, cut_then_restore)
            assert_exact(exchange, taken)
            assert FeedState.BACKFILLING in states
            assert any("startTime" in request for request in exchange.requests)
            assert exchange.sockets_opened >= 2

    run_cleanly(main)


def test_a_connected_but_silent_stream_is_noticed_and_renewed():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)
            silent_states: list[tuple[FeedState, str]] = []

            def fall_silent(count: int, _: ClosedBar) -> None:
                exchange.faults.is_silent = count >= 6 and feed.health().reconnects == 0
                silent_states.append((feed.health().state, feed.health().last_error))

            taken = await collect(feed, 60, fall_silent)
            assert_exact(exchange, taken)
            assert feed.health().reconnects >= 1
            assert any("said nothing" in error for _, error in silent_states)

    run_cleanly(main)


def test_silence_is_measured_by_the_clock_that_is_passed_in():
    async def main() -> None:
        with binance(wall_s_per_bar=3600.0) as exchange:  # the market hardly moves: a silent stream
            ticks = [0.0]
            timing = FeedTiming(silence_s=30.0, poll_s=0.01, patience=QUICK.patience)
            feed = feed_of(exchange, timing=timing, monotonic=lambda: ticks[0])
            bars = feed.bars()
            waiting = asyncio.ensure_future(anext(bars))
            while exchange.sockets_opened == 0:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            assert (exchange.sockets_opened, feed.health().state) == (1, FeedState.CONNECTING)
            ticks[0] = 31.0
            while exchange.sockets_opened == 1:
                await asyncio.sleep(0.01)
            assert feed.health().state == FeedState.SILENT
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    run_cleanly(main)


@pytest.mark.parametrize("fault", ["duplicates_klines", "disorders_klines"])
def test_duplicate_and_disordered_messages_change_nothing(fault):
    async def main() -> None:
        with binance() as exchange:
            setattr(exchange.faults, fault, True)
            feed = feed_of(exchange)
            taken = await collect(feed, 40)
            assert_exact(exchange, taken)
            assert feed.health().updates_ignored > 0

    run_cleanly(main)


def test_closing_messages_that_are_lost_are_made_up_for_by_rest():
    async def main() -> None:
        with binance() as exchange:
            exchange.faults.loses_every = 3
            feed = feed_of(exchange)
            taken = await collect(feed, 40)
            assert_exact(exchange, taken)

    run_cleanly(main)


def test_failing_rest_answers_delay_the_backfill_and_do_not_end_the_feed():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)
            errors: set[str] = set()

            def cut_and_fail(count: int, _: ClosedBar) -> None:
                errors.add(feed.health().last_error)
                if count == 6:
                    exchange.faults.refuses_sockets = True
                    exchange.faults.http = [HttpFault(429), HttpFault(503), HttpFault(0)]
                    exchange.drop_sockets()
                if count == 16:
                    exchange.faults.refuses_sockets = False

            taken = await collect(feed, 40, cut_and_fail)
            assert_exact(exchange, taken)
            assert exchange.faults.http == []

    run_cleanly(main)


def test_a_feed_resumes_from_the_bar_it_is_told_and_backfills_in_order_of_time():
    async def main() -> None:
        with binance() as exchange:
            taken = await collect(feed_of(exchange, next_open_ns=opens_at(exchange, 40)), 2 * 70)
            assert_exact(exchange, taken, first=40)

    run_cleanly(main)


@pytest.mark.parametrize("ahead_s", [-50, 50])
def test_a_clock_that_is_wrong_delivers_no_unfinished_bar(ahead_s):
    async def main() -> None:
        with binance() as exchange:
            exchange.faults.is_silent = True  # REST alone, which is asked by our clock
            feed = feed_of(exchange, now_ns=lambda: exchange.clock.now_ns() + ahead_s * SECOND_NS)
            bars = await collect(feed, 30)
            assert_exact(exchange, bars)

    run_cleanly(main)


def test_a_bar_that_the_venue_never_made_is_passed_over():
    async def main() -> None:
        with binance() as exchange:
            whole = exchange.bars["BTCUSDT"]
            keep = [index for index in range(len(whole)) if index not in (104, 105, 108)]
            columns = (whole.ts_open_ns, whole.open, whole.high, whole.low, whole.close, whole.volume)
            exchange.bars["BTCUSDT"] = type(whole)("BTCUSDT", MINUTE_NS, *(column[keep] for column in columns))
            first_ns = {"BTCUSDT": int(whole.ts_open_ns[START])}
            taken = await collect(feed_of(exchange, ["BTCUSDT"], next_open_ns=first_ns), 15)
            assert_exact(exchange, taken, ["BTCUSDT"], first=START)
            assert taken[-1].ts_open_ns == whole.ts_open_ns[START + 17]

    run_cleanly(main)


def test_cancelling_the_reader_leaves_no_task_and_no_session():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)

            async def read() -> None:
                async for _ in feed.bars():
                    pass

            for wait_s in (0.0, 0.05, 0.3, 1.0):  # before, while and after connecting
                reading = asyncio.create_task(read())
                await asyncio.sleep(wait_s)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
                feed = feed_of(exchange)

    run_cleanly(main)


def test_cancelling_while_the_exchange_is_down_leaves_nothing_behind():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)

            async def read() -> None:
                async for _ in feed.bars():
                    exchange.faults.refuses_sockets = True
                    exchange.faults.http = [HttpFault(503)] * 1000
                    exchange.drop_sockets()

            reading = asyncio.create_task(read())
            await asyncio.sleep(1.0)
            assert feed.health().state in (FeedState.DISCONNECTED, FeedState.BACKFILLING)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading

    run_cleanly(main)


def test_a_symbol_that_the_venue_halts_does_not_hold_up_the_others():
    async def main() -> None:
        with binance() as exchange:
            whole = exchange.bars["ETHUSDT"]
            columns = (whole.ts_open_ns, whole.open, whole.high, whole.low, whole.close, whole.volume)
            exchange.bars["ETHUSDT"] = type(whole)("ETHUSDT", MINUTE_NS, *(column[:104] for column in columns))
            feed = feed_of(exchange, next_open_ns=opens_at(exchange, START))
            taken = await collect(feed, 24)
            assert_exact(exchange, taken, first=START)
            assert [bar.symbol for bar in taken].count("ETHUSDT") == 4
            assert feed.health().state == FeedState.BACKFILLING

    run_cleanly(main)


def test_a_halted_symbol_does_not_slow_the_backfill_of_the_others():
    async def main() -> None:
        with binance() as exchange:
            whole = exchange.bars["ETHUSDT"]
            columns = (whole.ts_open_ns, whole.open, whole.high, whole.low, whole.close, whole.volume)
            exchange.bars["ETHUSDT"] = type(whole)("ETHUSDT", MINUTE_NS, *(column[:104] for column in columns))
            slow_to_ask_again = dataclasses.replace(QUICK, patience=Patience(first_s=0.05, factor=50, longest_s=60))
            feed = feed_of(exchange, timing=slow_to_ask_again, next_open_ns=opens_at(exchange, START))

            def cut(count: int, _: ClosedBar) -> None:
                if count == 16:
                    exchange.faults.refuses_sockets = True
                    exchange.drop_sockets()

            taken = await collect(feed, 60, cut)
            assert_exact(exchange, taken, first=START)

    run_cleanly(main)


def test_the_wait_that_the_venue_asks_for_holds_for_all_symbols():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)

            def cut_and_ban(count: int, _: ClosedBar) -> None:
                if count == 6:
                    exchange.faults.refuses_sockets = True
                    exchange.faults.http = [HttpFault(418, retry_after_s=1)]
                    exchange.drop_sockets()

            taken = await collect(feed, 60, cut_and_ban)
            assert_exact(exchange, taken)
            assert exchange.faults.http == []
            longest_lag_ns = max(bar.known_at_ns - bar.ts_close_ns for bar in taken)
            assert longest_lag_ns > 0.8 / BAR_WALL_S * MINUTE_NS  # a second without questions, in market time

    run_cleanly(main)


def test_an_unknown_symbol_ends_the_feed_with_near_names():
    async def main() -> None:
        with binance() as exchange, pytest.raises(UsageError, match="did you mean BTCUSDT"):
            await collect(feed_of(exchange, ["BTCUSDX"]), 1)

    run_cleanly(main)


def test_a_venue_that_cannot_be_reached_at_the_start_ends_the_feed_with_a_remedy():
    async def main() -> None:
        with binance() as exchange:
            exchange.faults.http = [HttpFault(503)] * 100
            timing = FeedTiming(patience=Patience(first_s=0.01, attempts=3))
            with pytest.raises(Retryable, match="check the network"):
                await collect(feed_of(exchange, timing=timing), 1)

    run_cleanly(main)


def test_spot_and_perpetual_symbols_need_two_feeds():
    with binance() as exchange, pytest.raises(UsageError, match="two feeds"):
        feed_of(exchange, ["BTCUSDT", "ETHUSDT_PERP"])
