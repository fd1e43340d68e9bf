"""Closed bars as they happen: a socket that is watched for silence, reconnected, and backfilled by REST."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import math
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from bot4.adapters.exchanges.bar_sequence import NS_PER_MS, BarSequence, Candle, ClosedBar
from bot4.adapters.exchanges.faults import PATIENT, Patience, as_bot4_error, is_passing, patiently_async, retry_after_s
from bot4.adapters.exchanges.venues import (
    DIRECT,
    VenueSettings,
    find_market,
    is_perpetual_name,
    new_async_venue,
    offered_interval,
    symbol_name,
)
from bot4.domain.bars import DAY_NS, SECOND_NS
from bot4.domain.errors import SettingError, UsageError

MARKS_LAST_UPDATE = frozenset({"binance", "binanceus", "binanceusdm", "binancecoinm"})
"""Venues whose candle message says whether it is the bar's last (Binance: ``k.x``)."""


class FeedState(StrEnum):
    """What a feed is doing, for the operator."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    SILENT = "silent"
    DISCONNECTED = "disconnected"
    BACKFILLING = "backfilling"


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """A snapshot of a feed.

    Attributes:
        state: what it is doing.
        last_message_age_s: seconds since the stream last said anything, or None before the first message.
        reconnects: how often the connection was renewed.
        lag_ns: how long after its close the newest delivered bar became known, or None before the first bar.
        bars_delivered: how many closed bars were handed out.
        updates_ignored: how many updates spoke of bars that had been handed out already.
        last_error: the latest fault in one line, empty if there was none.
    """

    state: FeedState
    last_message_age_s: float | None
    reconnects: int
    lag_ns: int | None
    bars_delivered: int
    updates_ignored: int
    last_error: str


@dataclass(frozen=True, slots=True)
class FeedTiming:
    """When a feed loses patience.

    Attributes:
        silence_s: a connected stream that says nothing for so long is renewed.
        grace_ns: a bar not closed by the stream so long after its close is asked for by REST.
        poll_s: how often silence and overdue bars are looked for.
        patience: waits between reconnections (for ever) and between failing REST requests.
    """

    silence_s: float = 30.0
    grace_ns: int = 3 * SECOND_NS
    poll_s: float = 0.25
    patience: Patience = PATIENT

    def __post_init__(self) -> None:
        if min(self.silence_s, self.poll_s) <= 0 or self.grace_ns < 0:
            raise SettingError("times must be above zero", where="feed timing", remedy="leave them at their defaults")


TIMING = FeedTiming()


class _Fruitless(NamedTuple):
    """REST requests for a symbol in a row that brought no bar that was owed, and when to ask again."""

    tries: int
    again_s: float


class LiveBarFeed:
    """Closed bars of several symbols of one venue: each once, and in order of opening over all symbols.

    A bar waits until every symbol has brought its own of the same time. A symbol that the venue's REST cannot bring
    up to date either (halted, or REST fails) is not waited for; when it comes back its bars are late, but still in
    their own order.

    Args:
        venue: ccxt's name of the venue.
        symbols: all spot (``BTCUSDT``) or all perpetual (``BTCUSDT_PERP``).
        interval: an interval of at most a day that the venue offers.
        now_ns: UTC time, by which bars close.
        monotonic: seconds that only grow, by which silence is measured.
        next_open_ns: per symbol, the open time of the first bar wanted; earlier closed bars are backfilled from
            there. Where absent, the bar that is open at the start is the first.
        settings: how the venue is reached.
        timing: when the feed loses patience.
    """

    def __init__(
        self,
        venue: str,
        symbols: Sequence[str],
        interval: str,
        *,
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        next_open_ns: Mapping[str, int] | None = None,
        settings: VenueSettings = DIRECT,
        timing: FeedTiming = TIMING,
    ) -> None:
        if not symbols or len({is_perpetual_name(symbol) for symbol in symbols}) > 1:
            raise UsageError(
                "a feed takes one or more symbols, all spot or all perpetual", where="symbols", remedy="use two feeds"
            )
        self._venue = venue
        self._symbols = tuple(symbols)
        self._interval = interval
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._next_open_ns = dict(next_open_ns or {})
        self._settings = settings
        self._timing = timing
        self._sequences: dict[str, BarSequence] = {}  # by ccxt symbol
        self._held: list[ClosedBar] = []
        self._not_waited_for: set[str] = set()
        self._asked_to_wait_until_s = -math.inf
        self._closed: asyncio.Queue[list[ClosedBar] | None] = asyncio.Queue()
        self._state = FeedState.CONNECTING
        self._is_backfilling = False
        self._heard_s: float | None = None
        self._reconnects = 0
        self._lag_ns: int | None = None
        self._delivered = 0
        self._last_error = ""

    async def bars(self) -> AsyncGenerator[ClosedBar]:
        """:meth:`groups`, one bar at a time."""
        async with contextlib.aclosing(self.groups()) as groups:
            async for group in groups:
                for bar in group:
                    yield bar

    async def groups(self) -> AsyncGenerator[list[ClosedBar]]:
        """Closed bars of one open time after another, by symbol, for ever.

        To be iterated once, inside ``contextlib.aclosing``. A group lacks a symbol that is not waited for; its bars
        then come late, in groups of their own.

        Raises:
            UsageError: unknown venue, symbol or interval, or a venue that refuses us or has no candle stream.
            Retryable: the venue could not be reached at the start. Later faults are waited out and shown in
                :meth:`health`.
        """
        run = asyncio.create_task(self._run(), name=f"live bars of {self._venue}")
        run.add_done_callback(lambda _: self._closed.put_nowait(None))
        try:
            while (group := await self._closed.get()) is not None:
                yield group
            run.result()
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

    def health(self) -> FeedHealth:
        """The feed's state now."""
        return FeedHealth(
            state=FeedState.BACKFILLING if self._is_backfilling else self._state,
            last_message_age_s=None if self._heard_s is None else self._monotonic() - self._heard_s,
            reconnects=self._reconnects,
            lag_ns=self._lag_ns,
            bars_delivered=self._delivered,
            updates_ignored=sum(sequence.ignored for sequence in self._sequences.values()),
            last_error=self._last_error,
        )

    # --- the run ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        await asyncio.to_thread(importlib.import_module, "ccxt.pro")  # takes seconds: the loop stays free
        rest = self._new_venue()
        try:
            length_ns = offered_interval(rest, self._interval)
            if length_ns > DAY_NS:
                raise UsageError("live bars last a day at most", where="interval", remedy="resample daily bars")
            await patiently_async(rest.load_markets, rest, patience=self._timing.patience, where=rest.id)
            self._begin_sequences(rest, length_ns)
            await _first_to_end(self._stay_connected(rest), self._fill_gaps(rest))
        finally:
            await rest.close()

    def _new_venue(self) -> Any:
        return new_async_venue(self._venue, self._settings, perpetual=is_perpetual_name(self._symbols[0]))

    def _begin_sequences(self, rest: Any, length_ns: int) -> None:
        if not rest.has["watchOHLCV"]:
            raise UsageError(f"{rest.id} streams no bars", where="venue", remedy="choose binance, bybit, kraken or okx")
        current_ns = self._now_ns() // length_ns * length_ns
        for symbol in self._symbols:
            market = find_market(rest, symbol)
            first_ns = self._next_open_ns.get(symbol, current_ns)
            is_marked = rest.id in MARKS_LAST_UPDATE
            self._sequences[market["symbol"]] = BarSequence(symbol_name(market), length_ns, first_ns, is_marked)

    # --- the stream -------------------------------------------------------------------------------------------

    async def _stay_connected(self, rest: Any) -> None:
        from ccxt.base import errors

        failures = 0
        while True:
            connected_at_s = self._monotonic()
            stream = self._new_venue()
            stream.set_markets_from_exchange(rest)
            try:
                await _first_to_end(self._watch(stream), self._until_silent(connected_at_s))
            except errors.BaseError as error:
                self._note_or_raise(error)
                self._state = FeedState.DISCONNECTED
            finally:
                await stream.close()
            was_heard = self._heard_s is not None and self._heard_s >= connected_at_s
            failures = 1 if was_heard else failures + 1
            for sequence in self._sequences.values():
                sequence.forget_updates()
            await asyncio.sleep(self._timing.patience.delay_s(failures))
            self._reconnects += 1

    async def _watch(self, stream: Any) -> None:
        if stream.id in MARKS_LAST_UPDATE:
            self._hear_every_message(stream)
        if stream.has["watchOHLCVForSymbols"]:
            pairs = [[symbol, self._interval] for symbol in self._sequences]
            await self._watch_on(stream, stream.watch_ohlcv_for_symbols, pairs)
        else:
            symbols = list(self._sequences)
            await _first_to_end(*(self._watch_on(stream, stream.watch_ohlcv, s, self._interval) for s in symbols))

    async def _watch_on(self, stream: Any, watch: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> None:
        while True:
            await watch(*arguments)
            if stream.id not in MARKS_LAST_UPDATE:
                self._read_candles(stream)

    def _hear_every_message(self, stream: Any) -> None:
        """Listen below ccxt, which drops the mark of a last update and wakes a watcher once for several messages."""
        parse = stream.handle_ohlcv
        symbol_of = {stream.market(symbol)["id"]: symbol for symbol in self._sequences}

        def handle(client: Any, message: Mapping[str, Any]) -> None:
            parse(client, message)
            kline = message["k"]
            if kline["s"] in symbol_of and kline["i"] == stream.timeframes[self._interval]:
                candle = [int(kline["t"]), *(float(kline[column]) for column in "ohlcv")]
                self._sequences[symbol_of[kline["s"]]].on_update(candle, is_last=bool(kline["x"]))
                self._after_message()

        stream.handle_ohlcv = handle

    def _read_candles(self, stream: Any) -> None:
        for symbol, sequence in self._sequences.items():
            candles: Sequence[Candle] = stream.ohlcvs.get(symbol, {}).get(self._interval, [])
            for candle in list(candles)[-2:]:
                sequence.on_update(candle, is_last=False)
        self._after_message()

    def _after_message(self) -> None:
        self._heard_s = self._monotonic()
        self._state = FeedState.CONNECTED
        self._deliver()

    async def _until_silent(self, connected_at_s: float) -> None:
        while True:
            await asyncio.sleep(self._timing.poll_s)
            heard_s = max(connected_at_s, self._heard_s or connected_at_s)
            silent_s = self._monotonic() - heard_s
            if silent_s > self._timing.silence_s:
                self._state = FeedState.SILENT
                self._last_error = f"the stream said nothing for {silent_s:.1f} s"
                return

    # --- gaps -------------------------------------------------------------------------------------------------

    async def _fill_gaps(self, rest: Any) -> None:
        fruitless: dict[str, _Fruitless] = {}
        while True:
            await asyncio.sleep(self._timing.poll_s)
            overdue = self._overdue()
            self._is_backfilling = bool(overdue)
            self._not_waited_for &= overdue.keys()
            fruitless = {name: tries for name, tries in fruitless.items() if name in overdue}
            now_s = self._monotonic()
            due = [name for name in overdue if name not in fruitless or now_s >= fruitless[name].again_s]
            if not due or now_s < self._asked_to_wait_until_s:
                continue
            self._not_waited_for -= set(due)
            await self._ask(rest, due)
            for name in due:
                if self._next_open(name) == overdue[name]:
                    tries = fruitless[name].tries + 1 if name in fruitless else 1
                    fruitless[name] = _Fruitless(tries, self._monotonic() + self._timing.patience.delay_s(tries))
                    self._not_waited_for.add(name)
                else:
                    fruitless.pop(name, None)
            self._deliver()

    async def _ask(self, rest: Any, symbols: list[str]) -> None:
        from ccxt.base import errors

        try:
            for symbol in symbols:
                await self._backfill(rest, symbol)
        except errors.BaseError as error:
            self._note_or_raise(error)
            self._asked_to_wait_until_s = self._monotonic() + retry_after_s(rest)
        self._deliver()

    def _overdue(self) -> dict[str, int]:
        """The symbols that owe a bar, and its open time."""
        now_ns, grace_ns = self._now_ns(), self._timing.grace_ns
        return {
            name: sequence.next_open_ns
            for name, sequence in self._sequences.items()
            if sequence.is_overdue(now_ns, grace_ns)
        }

    def _next_open(self, symbol: str) -> int:
        return self._sequences[symbol].next_open_ns

    async def _backfill(self, rest: Any, symbol: str) -> None:
        sequence = self._sequences[symbol]
        settled_until_ns = self._now_ns() - self._timing.grace_ns
        limit = int(rest.feature_value(symbol, "fetchOHLCV", "limit", 500))
        rows = await rest.fetch_ohlcv(symbol, self._interval, sequence.next_open_ns // NS_PER_MS, limit)
        sequence.on_rest_answer(rows, settled_until_ns)

    def _deliver(self) -> None:
        now_ns = self._now_ns()
        for sequence in self._sequences.values():
            self._held.extend(sequence.take(now_ns))
        self._held.sort(key=lambda bar: (bar.ts_open_ns, bar.symbol))
        awaited = [self._next_open(name) for name in self._sequences if name not in self._not_waited_for]
        while self._held and all(self._held[0].ts_open_ns < open_ns for open_ns in awaited):
            group = [bar for bar in self._held if bar.ts_open_ns == self._held[0].ts_open_ns]
            self._held = self._held[len(group) :]
            self._closed.put_nowait(group)
            self._delivered += len(group)
            self._lag_ns = max(bar.known_at_ns - bar.ts_close_ns for bar in group)

    def _note_or_raise(self, error: Exception) -> None:
        fault = as_bot4_error(error, self._venue)
        if not is_passing(error):
            raise fault from error
        self._last_error = fault.what


async def _first_to_end(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run together until one ends or fails; the others are cancelled and awaited, the failure is raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled():  # ccxt cancels its own futures when it closes a socket: an end, not a failure
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
