"""Past bars from a venue's public REST, page by page into a sink, so that an interrupted download goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from bot4.adapters.exchanges.bar_sequence import CLOCK_SKEW_NS, NS_PER_MS, Candle
from bot4.adapters.exchanges.faults import PATIENT, Patience, patiently
from bot4.adapters.exchanges.venues import (
    DIRECT,
    VenueSettings,
    find_market,
    is_perpetual_name,
    offered_interval,
    opened_venue,
    symbol_name,
)
from bot4.domain.bars import BarSeries
from bot4.domain.errors import DataError, UsageError


class BarSink(Protocol):
    """Where downloaded bars of one symbol and interval go; it keeps them before it returns."""

    def last_ts_open_ns(self) -> int | None:
        """Open time of the newest bar of the wanted range that is already kept, or None for none."""

    def append(self, bars: BarSeries) -> None:
        """Keep bars that are all newer than :meth:`last_ts_open_ns`."""


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is: bars behind the cursor, bars in the whole range, and time on this run."""

    done_bars: int
    total_bars: int
    elapsed_s: float
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """What one run of a download brought.

    Attributes:
        symbol, interval_ns: what was downloaded, in Bot4's names.
        bars: how many bars this run appended.
        resumed_from_ns: open time of the first bar that was asked for.
        requests: answered requests for bars.
        missing_bars: bars that a gapless series over the appended range would have and the venue did not send.
    """

    symbol: str
    interval_ns: int
    bars: int
    resumed_from_ns: int
    requests: int
    missing_bars: int


def download_bars(
    venue: str,
    symbol: str,
    interval: str,
    start_ns: int,
    end_ns: int,
    sink: BarSink,
    progress: Callable[[DownloadProgress], None] | None = None,
    *,
    now_ns: int,
    settings: VenueSettings = DIRECT,
    patience: Patience = PATIENT,
    sleep: Callable[[float], object] = time.sleep,
    chunk_bars: int = 20_000,
) -> DownloadReport:
    """Bring the closed bars with ``start_ns <= ts_open_ns < end_ns`` into the sink, oldest first.

    The download starts after the sink's newest bar if that is later than ``start_ns``; bars older than what the
    sink has are not fetched. A bar that is still open at ``now_ns`` is left out, and so is the venue's newest bar if
    it closed less than a minute ago, in case our clock is fast. When anything stops the run,
    what was fetched so far is appended first.

    Args:
        venue: ccxt's name of the venue, or ``huobi``, ``gate.io``.
        symbol: ``BTCUSDT``, ``BTC/USDT`` or, for the perpetual, ``BTCUSDT_PERP``.
        interval: an interval that the venue offers, for example ``1m``.
        start_ns: UTC nanoseconds, included.
        end_ns: UTC nanoseconds, left out.
        sink: takes the bars.
        progress: called after each page.
        now_ns: the present.
        settings: how the venue is reached.
        patience: how often and how long passing faults are waited out.
        sleep: how to wait.
        chunk_bars: bars to gather before each append.

    Raises:
        UsageError: unknown venue, symbol or interval, an empty range, or a request that the venue refuses.
        Retryable: the network or the venue failed for longer than ``patience`` allows.
        DataError: the venue sent bars without prices.
    """
    if end_ns <= start_ns:
        raise UsageError("the end is not after the start", where="range", remedy="give an earlier start")
    with opened_venue(venue, settings, perpetual=is_perpetual_name(symbol)) as exchange:
        length_ns = offered_interval(exchange, interval)
        where = f"{exchange.id} {symbol}"
        patiently(exchange.load_markets, exchange, patience=patience, sleep=sleep, where=where)
        market = find_market(exchange, symbol)
        last_ns = sink.last_ts_open_ns()
        pages = _Pages(
            request=lambda since_ms, limit: exchange.fetch_ohlcv(market["symbol"], interval, since_ms, limit),
            retry=lambda call: patiently(call, exchange, patience=patience, sleep=sleep, where=where),
            page_bars=int(exchange.feature_value(market["symbol"], "fetchOHLCV", "limit", 500)),
            interval_ns=length_ns,
            start_ns=start_ns if last_ns is None else max(start_ns, last_ns + length_ns),
            stop_ns=min(end_ns, now_ns - length_ns + 1),
            sure_ns=now_ns - length_ns - CLOCK_SKEW_NS,
        )
        return _fill(sink, symbol_name(market), pages, start_ns, chunk_bars, progress, where)


@dataclass(slots=True)
class _Pages:
    """Closed bars of ``[start_ns, stop_ns)`` page by page; ``cursor_ns`` is the first open not yet asked for.

    A bar that opened after ``sure_ns`` counts as closed only if the venue shows a later one.
    """

    request: Callable[[int, int], Sequence[Candle]]
    retry: Callable[[Callable[[], Sequence[Candle]]], Sequence[Candle]]
    page_bars: int
    interval_ns: int
    start_ns: int
    stop_ns: int
    sure_ns: int
    cursor_ns: int = 0
    requests: int = 0

    def __iter__(self) -> Iterator[list[Candle]]:
        self.cursor_ns = self.start_ns
        while self.cursor_ns < self.stop_ns:
            since_ms = -(-self.cursor_ns // NS_PER_MS)
            answer = self.retry(partial(self.request, since_ms, self.page_bars))
            self.requests += 1
            rows = self._wanted(answer)
            if rows:
                self.cursor_ns = open_ns(rows[-1]) + self.interval_ns
            elif answer and open_ns(answer[-1]) >= self.stop_ns:
                self.cursor_ns = self.stop_ns
            else:
                # venues that answer by window send nothing for a window without trades
                self.cursor_ns += self.page_bars * self.interval_ns
            self.cursor_ns = min(self.cursor_ns, self.stop_ns)
            yield rows

    def _wanted(self, answer: Sequence[Candle]) -> list[Candle]:
        by_open = {open_ns(row): row for row in answer}
        newest_ns = max(by_open, default=0)
        closed = [ts for ts in sorted(by_open) if self.cursor_ns <= ts < self.stop_ns]
        return [by_open[ts] for ts in closed if ts < newest_ns or ts <= self.sure_ns]


def _fill(
    sink: BarSink,
    symbol: str,
    pages: _Pages,
    range_start_ns: int,
    chunk_bars: int,
    progress: Callable[[DownloadProgress], None] | None,
    where: str,
) -> DownloadReport:
    started_s = time.perf_counter()
    pending: list[Candle] = []
    fetched = 0
    first_ns = newest_ns = 0

    def flush() -> None:
        chunk, pending[:] = list(pending), []
        if chunk:
            sink.append(bar_series(symbol, pages.interval_ns, chunk))

    try:
        for rows in pages:
            if rows:
                check_rows(rows, where)
                first_ns = first_ns if fetched else open_ns(rows[0])
                newest_ns = open_ns(rows[-1])
                fetched += len(rows)
                pending.extend(rows)
            if len(pending) >= chunk_bars:
                flush()
            if progress is not None:
                progress(_progress(pages, range_start_ns, time.perf_counter() - started_s))
    finally:
        flush()
    spanned = (newest_ns - first_ns) // pages.interval_ns + 1 if fetched else 0
    return DownloadReport(symbol, pages.interval_ns, fetched, pages.start_ns, pages.requests, spanned - fetched)


def _progress(pages: _Pages, range_start_ns: int, elapsed_s: float) -> DownloadProgress:
    def bars_between(from_ns: int, to_ns: int) -> int:
        return max(0, -(-(to_ns - from_ns) // pages.interval_ns))

    this_run = bars_between(pages.start_ns, pages.cursor_ns)
    left = bars_between(pages.cursor_ns, pages.stop_ns)
    return DownloadProgress(
        done_bars=bars_between(range_start_ns, pages.cursor_ns),
        total_bars=bars_between(range_start_ns, pages.cursor_ns) + left,
        elapsed_s=elapsed_s,
        remaining_s=elapsed_s * left / this_run if this_run else None,
    )


def open_ns(row: Candle) -> int:
    """Open time of a ccxt row in nanoseconds."""
    return int(row[0]) * NS_PER_MS


def check_rows(rows: Sequence[Candle], where: str) -> None:
    """Raise :class:`DataError` if a price or volume is absent or not finite."""
    for row in rows:
        if len(row) < 6 or not all(value is not None and math.isfinite(value) for value in row[1:6]):
            raise DataError(
                f"the venue sent a bar without prices: {list(row)}",
                where=where,
                remedy="download it from another venue",
            )


def bar_series(symbol: str, interval_ns: int, rows: Sequence[Candle]) -> BarSeries:
    """Rows of ccxt as columns."""
    table = np.array([row[1:6] for row in rows], dtype=np.float64)
    opens = np.array([open_ns(row) for row in rows], dtype=np.int64)
    columns = [np.ascontiguousarray(table[:, column]) for column in range(5)]
    return BarSeries(symbol, interval_ns, opens, columns[0], columns[1], columns[2], columns[3], columns[4])
