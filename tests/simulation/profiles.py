"""The venues and networks of the simulation: idempotency, brackets at the venue or not, how bad the network is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot4.domain.instruments import Instrument, Universe
from bot4.pipeline.execution.settings import ExecutionSettings
from bot4.simulator.network.faults import FaultSettings, LastingFault, NetworkSettings
from bot4.simulator.network.latency import LatencySettings
from bot4.simulator.profile import VenueProfile
from bot4.simulator.state import Idempotency

TIMEOUT_MS = 1_500.0
VALIDITY_MS = 4_000.0

_QUICK = LatencySettings(law="log_normal", median_ms=15, sigma=0.6)

MESSAGE_FAULTS = {
    "lost_request": 0.02,
    "lost_answer": 0.03,
    "refusal": 0.02,
    "late_request": 0.03,
    "partial_then_cancel": 0.05,
    "duplicated_report": 0.08,
    "delayed_report": 0.04,
    "reordered_report": 0.08,
}
CONNECTION_FAULTS = {
    "silent_stream": LastingFault(per_hour=60, mean_s=4),
    "disconnect": LastingFault(per_hour=60, mean_s=3),
    "maintenance": LastingFault(per_hour=20, mean_s=3),
    "ban": LastingFault(per_hour=20, mean_s=3),
    "clock_skew": LastingFault(per_hour=20, mean_s=3),
    "venue_crash": LastingFault(per_hour=30, mean_s=2),
}
OUR_CRASHES = {"our_crash": LastingFault(per_hour=60, mean_s=1)}


def perpetual(base: str) -> Instrument:
    """What is traded: a perpetual with a rebate for makers, so that the sign of a fee matters."""
    return Instrument(
        f"{base}USDT_PERP", base, "USDT", Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(0),
        Decimal("-0.0001"), Decimal("0.0005"), is_perpetual=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of world.

    Attributes:
        venue: how the exchange behaves.
        has_native_brackets: whether our side leaves brackets to it.
        message_faults, connection_faults, our_crashes: what goes wrong.
    """

    name: str
    venue: VenueProfile
    has_native_brackets: bool
    message_faults: bool = True
    connection_faults: bool = True
    our_crashes: bool = True

    @property
    def universe(self) -> Universe:
        """What is listed."""
        return Universe((perpetual("BTC"), perpetual("ETH")))

    @property
    def execution(self) -> ExecutionSettings:
        """What the order manager expects."""
        return ExecutionSettings(
            has_native_brackets=self.has_native_brackets,
            answer_timeout_s=2.5,
            validity_s=VALIDITY_MS / 1e3 + 1.0,
            query_delay_s=0.5,
            query_delay_most_s=4.0,
            most_queries=30,
        )

    @property
    def network(self) -> NetworkSettings:
        """The network with everything that goes wrong."""
        faults = {
            **(MESSAGE_FAULTS if self.message_faults else {}),
            **(CONNECTION_FAULTS if self.connection_faults else {}),
            **(OUR_CRASHES if self.our_crashes else {}),
        }
        return NetworkSettings(
            delivers_market=False,
            request=_QUICK,
            report=_QUICK,
            timeout_ms=TIMEOUT_MS,
            validity_ms=VALIDITY_MS,
            faults=FaultSettings(**faults, extra_delay_ms=900.0, skew_ms=-700.0),
        )


def _venue(name: str, idempotency: Idempotency, *, native: bool) -> VenueProfile:
    return VenueProfile(
        name=name,
        idempotency=idempotency,
        has_native_brackets=native,
        has_native_oco=native,
        has_native_oto=native,
        remembers_finished=True,
    )


PROFILES = {
    f"{label}-{'native' if native else 'own'}": Profile(
        f"{label}-{'native' if native else 'own'}", _venue(label, mode, native=native), native
    )
    for label, mode in (("day", Idempotency.DAY), ("open", Idempotency.OPEN_ORDERS), ("none", Idempotency.NONE))
    for native in (True, False)
}
