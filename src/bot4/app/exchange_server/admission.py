"""Whether a request is let in: its weight, its orders and its time, by the limits of the exchange's profile."""

from __future__ import annotations

from typing import Any

from bot4.app.exchange_server.refusals import clock_ahead, outside_window
from bot4.simulator.profile import VenueProfile

AHEAD_MS = 1_000


class Admission:
    """The limits of one client of one exchange."""

    def __init__(self, profile: VenueProfile) -> None:
        self.profile = profile

    def admit(self, now_ms: int, weight: int) -> dict[str, str]:
        """Count a request; headers that say what is used."""
        return {}

    def admit_orders(self, now_ms: int, n_orders: int) -> dict[str, str]:
        """Count orders; headers that say what is used."""
        return {}

    def order_counts(self, now_ms: int) -> list[dict[str, Any]]:
        """What is used of the order counts."""
        return []

    def rate_limits(self) -> list[dict[str, Any]]:
        """The limits, as ``/exchangeInfo`` shows them."""
        return []

    def require_window(self, timestamp_ms: int, window_ms: int, now_ms: int) -> None:
        """Refuse a request whose time lies outside its window."""
        if timestamp_ms >= now_ms + AHEAD_MS:
            raise clock_ahead()
        if now_ms - timestamp_ms > window_ms:
            raise outside_window()
