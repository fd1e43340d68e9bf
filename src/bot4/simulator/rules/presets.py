"""The rules of a venue in one frozen value, and presets in Binance's likeness (``docs/venue_rules.md`` states them).

The figures are of Binance's published schedules of 2024-25, as round as a simulation needs them; a run that must match
a day's exact rules gives its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bot4.simulator.rules.fee_schedule import FeeSettings, FeeTier
from bot4.simulator.rules.filters import FilterSettings
from bot4.simulator.rules.idempotency import IdempotencyMode, IdempotencySettings
from bot4.simulator.rules.rate_limits import DAY_NS, MINUTE_NS, SECOND_NS, Counted, RateSettings, RateWindow
from bot4.simulator.rules.request_windows import RequestSettings

_D = Decimal


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Everything that a venue checks before an order reaches the book, and what it charges.

    Attributes:
        filters: for every symbol, or by symbol.
        fees: of every symbol; None charges each instrument's own maker and taker fee.
        rates: limits of requests and orders.
        requests: timestamps and nonces.
        idempotency: memory of client order ids.
    """

    filters: FilterSettings | Mapping[str, FilterSettings] = field(default_factory=FilterSettings)
    fees: FeeSettings | None = None
    rates: RateSettings = field(default_factory=RateSettings)
    requests: RequestSettings = field(default_factory=lambda: RequestSettings(default_window_ns=0))
    idempotency: IdempotencySettings = field(default_factory=lambda: IdempotencySettings(IdempotencyMode.NONE))


def plain_rules() -> RuleSettings:
    """The instrument's grid and minima and its own flat fees; no limits of rate, time or memory."""
    return RuleSettings()


def binance_spot_rules() -> RuleSettings:
    """Spot: 10 basis points falling with volume, prices from a fifth to five times the market's."""
    return RuleSettings(
        FilterSettings(
            max_notional=_D(9_000_000),
            buy_multiplier_up=_D(5), buy_multiplier_down=_D("0.2"),
            sell_multiplier_up=_D(5), sell_multiplier_down=_D("0.2"),
            max_orders=200, max_stops=5, max_iceberg_parts=10,
        ),
        _fees(
            (0, "0.001", "0.001"), (1_000_000, "0.0009", "0.001"), (5_000_000, "0.0008", "0.001"),
            (20_000_000, "0.0004", "0.0006"), (100_000_000, "0.0004", "0.00052"), (150_000_000, "0.00025", "0.00031"),
            (400_000_000, "0.0002", "0.00029"), (800_000_000, "0.00019", "0.00028"),
            (2_000_000_000, "0.00016", "0.00025"), (4_000_000_000, "0.00011", "0.00023"),
        ),
        RateSettings(
            (
                RateWindow(Counted.WEIGHT, MINUTE_NS, 6_000), RateWindow(Counted.ORDERS, 10 * SECOND_NS, 100),
                RateWindow(Counted.ORDERS, DAY_NS, 200_000),
            )
        ),
        RequestSettings(),
        IdempotencySettings(IdempotencyMode.OPEN_ORDERS),
    )  # fmt: skip


def binance_linear_rules() -> RuleSettings:
    """USD-margined perpetuals: 2 and 5 basis points falling with volume, bands of 5% beyond the mark price."""
    return RuleSettings(
        FilterSettings(
            buy_multiplier_up=_D("1.05"), sell_multiplier_down=_D("0.95"), max_orders=200, max_stops=10
        ),
        _fees(
            (0, "0.0002", "0.0005"), (15_000_000, "0.00016", "0.0004"), (50_000_000, "0.00014", "0.00035"),
            (100_000_000, "0.00012", "0.00032"), (600_000_000, "0.0001", "0.0003"),
            (1_000_000_000, "0.00008", "0.00027"), (2_500_000_000, "0.00006", "0.00025"),
            (5_000_000_000, "0.00004", "0.00022"), (12_500_000_000, "0.00002", "0.0002"),
            (25_000_000_000, "0", "0.00017"), liquidation="0.0125",
        ),
        RateSettings(
            (
                RateWindow(Counted.WEIGHT, MINUTE_NS, 2_400), RateWindow(Counted.ORDERS, 10 * SECOND_NS, 300),
                RateWindow(Counted.ORDERS, MINUTE_NS, 1_200),
            )
        ),
        RequestSettings(),
        IdempotencySettings(IdempotencyMode.OPEN_ORDERS),
    )  # fmt: skip


def binance_inverse_rules() -> RuleSettings:
    """Coin-margined perpetuals: 2 and 5 basis points with rebates for the largest, counted in the base asset."""
    return RuleSettings(
        FilterSettings(
            buy_multiplier_up=_D("1.05"), sell_multiplier_down=_D("0.95"), max_orders=200, max_stops=10
        ),
        _fees(
            (0, "0.0002", "0.0005"), (50_000_000, "0.00015", "0.00045"), (100_000_000, "0.00013", "0.0004"),
            (200_000_000, "0.0001", "0.00035"), (400_000_000, "0.00005", "0.0003"),
            (1_000_000_000, "0.00003", "0.00028"), (2_000_000_000, "0", "0.00026"),
            (5_000_000_000, "-0.00005", "0.00025"), (10_000_000_000, "-0.00007", "0.00024"),
            (30_000_000_000, "-0.00009", "0.00024"), liquidation="0.015",
        ),
        RateSettings(
            (
                RateWindow(Counted.WEIGHT, MINUTE_NS, 2_400), RateWindow(Counted.ORDERS, MINUTE_NS, 1_200),
            )
        ),
        RequestSettings(),
        IdempotencySettings(IdempotencyMode.OPEN_ORDERS),
    )  # fmt: skip


def _fees(*tiers: tuple[int, str, str], liquidation: str = "0") -> FeeSettings:
    rows = tuple(FeeTier(_D(volume), _D(maker), _D(taker)) for volume, maker, taker in tiers)
    return FeeSettings(rows, liquidation_fee=_D(liquidation))
