"""Whether a request is let in: its weight, its orders and its time, by the rules of the exchange."""

from __future__ import annotations

from typing import Any

from bot4.app.exchange_server.listings import NS_PER_MS
from bot4.app.exchange_server.refusals import (
    Refusal,
    banned,
    clock_ahead,
    outside_window,
    too_many_orders,
    too_many_requests,
)
from bot4.domain.venue_reasons import BANNED, CLOCK_AHEAD
from bot4.simulator.rules.presets import RuleSettings
from bot4.simulator.rules.rate_limits import Counted, pack_rate_limits, used_counts, why_not_now
from bot4.simulator.rules.request_windows import pack_request_window, why_not_requested

_NS_PER_S = 1_000_000_000
_UNITS = (("DAY", 86_400), ("HOUR", 3_600), ("MINUTE", 60), ("SECOND", 1))


class Admission:
    """The limits of one client of one exchange; times are those of the request clock and never fall."""

    def __init__(self, rules: RuleSettings) -> None:
        self._limits = pack_rate_limits(rules.rates)
        self._window = pack_request_window(rules.requests)
        self._latest_ns = 0

    def admit(self, now_ms: int, weight: int, n_orders: int) -> dict[str, str]:
        """Count a request and the orders that it places.

        Returns:
            Headers that say what is used.

        Raises:
            Refusal: a window is full, or the client is banned.
        """
        now_ns = self._time(now_ms)
        reason = int(why_not_now(self._limits[0], now_ns, weight, n_orders))
        used = self.headers(now_ms)
        if reason:
            refusal = self._refusal(reason, now_ms, n_orders)
            refusal.headers |= used
            raise refusal
        return used

    def require_window(self, timestamp_ms: int, window_ms: int, now_ms: int) -> None:
        """Refuse a request whose time lies outside its window."""
        stamped_ns, window_ns = timestamp_ms * NS_PER_MS, window_ms * NS_PER_MS
        reason = int(why_not_requested(self._window[0], now_ms * NS_PER_MS, stamped_ns, window_ns, 0))
        if reason:
            raise clock_ahead() if reason == CLOCK_AHEAD else outside_window()

    def headers(self, now_ms: int) -> dict[str, str]:
        """What is used, as Binance's headers say it."""
        found = {}
        for counted, length_ns, used, _limit in used_counts(self._limits[0], self._time(now_ms)):
            number, unit = _interval(length_ns)
            suffix = f"{number}{unit[0]}"
            if counted == Counted.WEIGHT:
                found[f"X-MBX-USED-WEIGHT-{suffix}"] = found["X-MBX-USED-WEIGHT"] = str(used)
            else:
                found[f"X-MBX-ORDER-COUNT-{suffix}"] = str(used)
        return found

    def order_counts(self, now_ms: int) -> list[dict[str, Any]]:
        """What is used of the order counts, as ``/rateLimit/order`` answers."""
        return [
            {**_described(counted, length_ns, limit), "count": used}
            for counted, length_ns, used, limit in used_counts(self._limits[0], self._time(now_ms))
            if counted == Counted.ORDERS
        ]

    def rate_limits(self, now_ms: int) -> list[dict[str, Any]]:
        """The limits, as ``/exchangeInfo`` shows them."""
        return [
            _described(counted, length_ns, limit)
            for counted, length_ns, _used, limit in used_counts(self._limits[0], self._time(now_ms))
        ]

    def _time(self, now_ms: int) -> int:
        self._latest_ns = max(self._latest_ns, now_ms * NS_PER_MS)
        return self._latest_ns

    def _refusal(self, reason: int, now_ms: int, n_orders: int) -> Refusal:
        limits = self._limits[0]
        wait_s = -(-int(limits["retry_after_ns"]) // _NS_PER_S)
        if reason == BANNED:
            return banned(int(limits["banned_until_ns"]) // NS_PER_MS, wait_s)
        for counted, length_ns, used, limit in used_counts(limits, self._time(now_ms)):
            if n_orders and counted == Counted.ORDERS and used + n_orders > limit:
                number, unit = _interval(length_ns)
                return too_many_orders(wait_s, limit, f"{number} {unit}")
        weights = [
            limit for counted, _l, _u, limit in used_counts(limits, self._time(now_ms)) if counted == Counted.WEIGHT
        ]
        return too_many_requests(wait_s, min(weights, default=0))


def _interval(length_ns: int) -> tuple[int, str]:
    """A length as Binance names it: number and unit."""
    seconds = length_ns // _NS_PER_S
    for unit, of_seconds in _UNITS:
        if seconds % of_seconds == 0:
            return seconds // of_seconds, unit
    return seconds, "SECOND"


def _described(counted: Counted, length_ns: int, limit: int) -> dict[str, Any]:
    number, unit = _interval(length_ns)
    kind = "REQUEST_WEIGHT" if counted == Counted.WEIGHT else "ORDERS"
    return {"rateLimitType": kind, "interval": unit, "intervalNum": number, "limit": limit}
