"""The kline streams of one exchange: the bar that forms, once a second, and each bar's last word when it has closed."""

from __future__ import annotations

from typing import Any

from bot4.app.exchange_server.public_routes import INTERVALS_MIN, kline_row
from bot4.app.exchange_server.streams import StreamHub
from bot4.app.exchange_server.tape import MINUTE_MS, Tape

_MARK = "@kline_"


class KlinePublisher:
    """Sends the klines that somebody listens to; times are the market's."""

    def __init__(self, hub: StreamHub, market: str) -> None:
        self._hub = hub
        self._market = market
        self._formed: dict[str, int] = {}  # stream -> open time of the bar that it told of last

    def publish(self, tapes: list[Tape], now_ms: int, *, is_second: bool) -> None:
        """Send what has closed, and once a second what forms."""
        wanted = self._hub.wanted(self._market, _MARK)
        self._formed = {stream: open_ms for stream, open_ms in self._formed.items() if stream in wanted}
        by_name = {tape.listing.name.lower(): tape for tape in tapes}
        for stream in wanted:
            name, _, interval = stream.partition(_MARK)
            if name in by_name and interval in INTERVALS_MIN:
                self._publish_one(stream, by_name[name], interval, now_ms, is_second=is_second)

    def _publish_one(self, stream: str, tape: Tape, interval: str, now_ms: int, *, is_second: bool) -> None:
        width_ms = INTERVALS_MIN[interval] * MINUTE_MS
        current_ms = now_ms // width_ms * width_ms
        told_ms = self._formed.get(stream, current_ms)
        self._formed[stream] = current_ms
        for open_ms in range(told_ms, current_ms, width_ms):
            self._send(stream, tape, interval, open_ms, now_ms, is_closed=True)
        if is_second:
            self._send(stream, tape, interval, current_ms, now_ms, is_closed=False)

    def _send(self, stream: str, tape: Tape, interval: str, open_ms: int, now_ms: int, *, is_closed: bool) -> None:
        width_ms = INTERVALS_MIN[interval] * MINUTE_MS
        bars = [bar for bar in tape.bars if open_ms <= bar.open_ms < open_ms + width_ms]
        if not bars:
            return
        row = kline_row(tape, bars, open_ms, width_ms)
        keys = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
        kline: dict[str, Any] = dict(zip(keys, row, strict=True))
        n_trades = sum(bar.n_trades for bar in bars)
        first = next((bar.first_id for bar in bars if bar.n_trades), -1)
        kline |= {"s": tape.listing.name, "i": interval, "x": is_closed}
        kline |= {"f": first, "L": first + n_trades - 1 if n_trades else -1}
        message = {"e": "kline", "E": now_ms, "s": tape.listing.name, "k": kline}
        self._hub.publish(self._market, stream, message)
