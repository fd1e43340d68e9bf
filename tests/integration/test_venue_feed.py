"""The engine's market feed over a live venue: the events are those of the tape of the same bars."""

from __future__ import annotations

import asyncio
import contextlib
import time
from decimal import Decimal

import numpy as np
import pytest

from bot4.adapters.exchanges.faults import Patience
from bot4.adapters.exchanges.live_bars import FeedTiming
from bot4.adapters.exchanges.venue_feed import VenueFeed
from bot4.adapters.exchanges.venues import VenueSettings
from bot4.domain.bars import MINUTE_NS, BarSeries
from bot4.domain.events import CLOSES_TIMESTAMP, EVENT
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.ports import MarketFeed, ResumePoint
from bot4.pipeline.market import market_tape
from tests.loopback.binance_server import LoopbackBinance
from tests.loopback.market_bars import minute_bars

SYMBOLS = ("BTCUSDT", "ETHUSDT")
START = 100
TIMING = FeedTiming(silence_s=0.8, poll_s=0.02, grace_ns=MINUTE_NS // 2, patience=Patience(first_s=0.02, longest_s=0.1))


@pytest.fixture(scope="module", autouse=True)
def _ccxt_is_imported():
    """Seconds of a busy machine's time that the waits below do not allow for."""
    import ccxt.pro  # noqa: F401


def instrument(symbol: str) -> Instrument:
    tick, lot, fee = Decimal("0.01"), Decimal("0.00001"), Decimal("0.001")
    return Instrument(symbol, symbol.removesuffix("USDT"), "USDT", tick, lot, lot, Decimal(5), fee, fee)


UNIVERSE = Universe(tuple(instrument(symbol) for symbol in SYMBOLS))


@contextlib.contextmanager
def binance():
    market = {symbol: minute_bars(symbol, 0, 2000) for symbol in SYMBOLS}
    start_ns = int(market["BTCUSDT"].ts_open_ns[START]) + MINUTE_NS // 3
    with LoopbackBinance(market, start_ns, wall_s_per_bar=0.06) as exchange:
        yield exchange


def feed_of(exchange: LoopbackBinance) -> VenueFeed:
    feed: MarketFeed = VenueFeed(
        "binance",
        UNIVERSE,
        "1m",
        now_ns=exchange.clock.now_ns,
        monotonic=time.monotonic,
        settings=VenueSettings(exchange.base_url),
        timing=TIMING,
    )
    assert isinstance(feed, VenueFeed)
    return feed


def seen_until(exchange: LoopbackBinance, index: int) -> ResumePoint:
    opens = {i: int(exchange.bars[symbol].ts_open_ns[index]) for i, symbol in enumerate(SYMBOLS)}
    return ResumePoint(n_events=2 * index, last_open_ns=opens)


def part(bars: BarSeries, first: int, end: int) -> BarSeries:
    columns = (bars.ts_open_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return BarSeries(bars.symbol, bars.interval_ns, *(column[first:end] for column in columns))


async def take(feed: VenueFeed, after: ResumePoint, count: int, on_group=None) -> list[np.ndarray]:
    groups: list[np.ndarray] = []
    async with asyncio.timeout(20), contextlib.aclosing(feed.events(after)) as events:
        async for group in events:
            groups.append(group)
            if on_group is not None:
                on_group(len(groups))
            if len(groups) == count:
                break
    return groups


def test_live_groups_are_the_tape_of_the_same_bars_byte_for_byte_through_a_drop_and_a_restart():
    async def main() -> None:
        with binance() as exchange:
            first = await take(
                feed_of(exchange), seen_until(exchange, 49), 70, lambda n: n == 60 and exchange.drop_sockets()
            )
            await asyncio.sleep(0.3)  # down for some bars
            second = await take(feed_of(exchange), seen_until(exchange, 49 + 70), 30)
            expected = market_tape([part(exchange.bars[symbol], 50, 150) for symbol in SYMBOLS], UNIVERSE)
            assert all(group.dtype == EVENT for group in [*first, *second])
            assert np.concatenate([*first, *second], dtype=EVENT).tobytes() == expected.events.tobytes()
            assert all(len(group) == 2 for group in [*first, *second])

    asyncio.run(main())


def test_bars_that_come_late_join_the_next_group_and_time_never_runs_backwards():
    async def main() -> None:
        with binance() as exchange:
            whole = exchange.bars["ETHUSDT"]
            exchange.bars["ETHUSDT"] = part(whole, 0, START + 4)

            def list_again(count: int) -> None:
                if count == 12:
                    exchange.bars["ETHUSDT"] = whole

            groups = await take(feed_of(exchange), seen_until(exchange, START - 1), 40, list_again)
            events = np.concatenate(groups, dtype=EVENT)
            assert (np.diff(events["ts_ns"]) >= 0).all()
            for symbol in (0, 1):
                opens = events["ts_open_ns"][events["symbol"] == symbol]
                assert (np.diff(opens) == MINUTE_NS).all()
            assert [len(group) for group in groups[:6]] == [2, 2, 2, 2, 1, 1]
            assert max(len(group) for group in groups) > 2
            assert len(groups[-1]) == 2
            for group in groups:
                assert len(set(group["ts_ns"])) == 1
                assert list(group["flags"] & CLOSES_TIMESTAMP) == [0] * (len(group) - 1) + [CLOSES_TIMESTAMP]

    asyncio.run(main())


def test_health_is_plain_for_the_screen():
    async def main() -> None:
        with binance() as exchange:
            feed = feed_of(exchange)
            assert feed.health()["state"] == "connecting"
            await take(feed, ResumePoint(), 3)
            health = feed.health()
            assert health["bars"] >= 6
            assert health["off_grid_prices"] == 0
            assert health["lag_s"] == pytest.approx(0, abs=120)
            assert (feed.name, feed.is_synthetic) == ("binance", False)

    asyncio.run(main())
