"""Whether a venue answers, which chooses between the live and the synthetic market."""

from __future__ import annotations

import threading
from typing import Any

from bot4.adapters.exchanges.venues import DIRECT, VenueSettings, opened_venue
from bot4.domain.errors import Bot4Error


def is_reachable(venue: str, timeout_s: float, settings: VenueSettings = DIRECT) -> bool:
    """Whether the venue answers a public request within ``timeout_s``; never raises and never takes longer.

    The time includes importing ccxt (two to three seconds when it is not imported yet). Name resolution cannot be
    interrupted, so the question is asked on a daemon thread that is left behind when the time is over.
    """
    answered = threading.Event()

    def ask() -> None:
        from ccxt.base import errors

        try:
            with opened_venue(venue, settings) as exchange:
                exchange.timeout = max(1, int(timeout_s * 1000))
                _smallest_request(exchange)
        except (errors.BaseError, Bot4Error):
            return
        answered.set()

    asking = threading.Thread(target=ask, name=f"is {venue} reachable", daemon=True)
    asking.start()
    asking.join(timeout_s)
    return answered.is_set()


def _smallest_request(exchange: Any) -> None:
    if exchange.has["fetchTime"]:
        exchange.fetch_time()
    else:
        exchange.load_markets()
