"""One request as a route sees it, and the table row that says who may call a route and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot4.app.exchange_server.parameters import Parameters

if TYPE_CHECKING:
    from bot4.app.exchange_server.venue import ServedVenue

PUBLIC = "public"
KEYED = "keyed"  # the API key, no signature
SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Call:
    """A request: who is asked, for what.

    Attributes:
        venue: the exchange that the path belongs to.
        sent: query and body.
        request_ms: the exchange's clock, which requests are measured by (the market may run at another speed).
    """

    venue: ServedVenue
    sent: Parameters
    request_ms: int


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a request.

    Attributes:
        handler: makes the JSON of the answer, or raises a :class:`~bot4.app.exchange_server.refusals.Refusal`.
        weight: of a request, or how to work it out.
        security: PUBLIC, KEYED or SIGNED.
        n_orders: how many orders it counts for.
    """

    handler: Handler
    weight: int | Callable[[Parameters], int] = 1
    security: str = PUBLIC
    n_orders: int = 0

    def weight_of(self, sent: Parameters) -> int:
        """Weight of one request."""
        return self.weight if isinstance(self.weight, int) else self.weight(sent)


Routes = dict[tuple[str, str], Route]
