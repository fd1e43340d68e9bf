"""Fees by thirty days' volume, with rebates, discounts and payment in a third asset.

The tier of a UTC day follows from the volume of the whole days before it, kept by day in a ring. A fee is rounded up,
step by step, so that it is never too small and a rebate never too large: first the discounted rate to a whole part of
:data:`~bot4.domain.instruments.FEE_SCALE`, then the fee to an atom, then its price in the third asset to an atom of
that. A rebate is neither discounted nor paid in a third asset.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.domain.instruments import FEE_SCALE, Universe
from bot4.domain.money import CEILING, LIMIT, OVERFLOW, mul_div
from bot4.kernel import b1, i8, kernel, record, void
from bot4.simulator.rules.bounds import check_between, check_rising, whole_parts

MAX_TIERS = 16
VOLUME_DAYS = 64  # days of the ring, a power of two
DAY_NS = 86_400_000_000_000

FROM_SETTLEMENT = 0  # in what the trade's value is counted in
FROM_RECEIVED = 1  # in what the trade gives: base of a buy, quote of a sale

CHARGED = 0
FEE_TOO_LARGE = 1


class FeeStatus(IntEnum):
    """Whether a fee could be computed; only CHARGED wrote it."""

    CHARGED = CHARGED
    TOO_LARGE = FEE_TOO_LARGE


FEE_SCHEDULE = np.dtype(
    [
        ("n_tiers", "i8"),
        ("tier_volume_atoms", "i8", (MAX_TIERS,)),  # least volume of the tier; of the first 0
        ("maker_fee", "i8", (MAX_TIERS,)),  # parts of FEE_SCALE
        ("taker_fee", "i8", (MAX_TIERS,)),
        ("liquidation_fee", "i8"),
        ("window_days", "i8"),
        ("charged_from", "i8"),
        ("third_asset", "i8"),  # id; -1 for none
        ("third_discount", "i8"),  # parts of FEE_SCALE off a fee that is paid in it
        ("third_unit_atoms", "i8"),  # atoms of one whole unit of it
    ],
    align=True,
)

FEE_VOLUME = np.dtype(
    [
        ("day", "i8"),  # UTC days since 1970 of the latest fill
        ("daily_atoms", "i8", (VOLUME_DAYS,)),  # of day d at d % VOLUME_DAYS
        ("third_price_atoms", "i8"),  # value of one whole unit of the third asset; 0: not known
    ],
    align=True,
)

FEE_CHARGE = np.dtype([("asset", "i8"), ("atoms", "i8")], align=True)

_WHERE = "fee schedule"
_MOST_FEE = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class FeeTier:
    """What is charged from a volume on.

    Attributes:
        volume: least volume of the window, in what the venue counts volume in (the quote currency).
        maker, taker: fractions of the value, -0.1 to 0.1 (a rebate below zero), in steps of 1e-8.
    """

    volume: Decimal
    maker: Decimal
    taker: Decimal

    def __post_init__(self) -> None:
        check_between(_WHERE, "volume", self.volume, Decimal(0), Decimal(10) ** 15, "quote currency")
        check_between(_WHERE, "maker", self.maker, -_MOST_FEE, _MOST_FEE, "(a fraction)")
        check_between(_WHERE, "taker", self.taker, -_MOST_FEE, _MOST_FEE, "(a fraction)")


@dataclass(frozen=True, slots=True)
class FeeSettings:
    """Fees of a venue.

    Attributes:
        tiers: by rising volume, the first from volume 0; 1 to 16.
        window_days: days whose volume counts, 1 to 62; today does not.
        charged_from: ``settlement``: in what the trade is counted in; ``received``: in what it gives us.
        third_asset: asset code in which positive fees are paid where there is enough of it; None: never.
        third_discount: fraction off a fee so paid, 0 to 1.
        third_price: quote currency of one unit of the third asset at the start; 0: not known, and not paid in it
            until :func:`set_third_price`.
        starting_volume: volume of the day before the start.
        liquidation_fee: fraction of the value that a liquidation costs, 0 to 0.1.
    """

    tiers: tuple[FeeTier, ...]
    window_days: int = 30
    charged_from: str = "settlement"
    third_asset: str | None = None
    third_discount: Decimal = Decimal(0)
    third_price: Decimal = Decimal(0)
    starting_volume: Decimal = Decimal(0)
    liquidation_fee: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        check_between(_WHERE, "number of tiers", len(self.tiers), 1, MAX_TIERS, "tiers")
        check_rising(_WHERE, "volume", [tier.volume for tier in self.tiers])
        if self.tiers[0].volume != 0:
            raise SettingError("the first tier begins above volume 0", where=_WHERE, remedy="begin it at 0")
        check_between(_WHERE, "window_days", self.window_days, 1, VOLUME_DAYS - 2, "days")
        if self.charged_from not in ("settlement", "received"):
            raise SettingError(
                f"charged_from is {self.charged_from}", where=_WHERE, remedy="give settlement or received"
            )
        check_between(_WHERE, "third_discount", self.third_discount, Decimal(0), Decimal(1), "(a fraction)")
        check_between(_WHERE, "third_price", self.third_price, Decimal(0), Decimal(10) ** 9, "quote currency")
        check_between(_WHERE, "starting_volume", self.starting_volume, Decimal(0), Decimal(10) ** 15, "quote currency")
        check_between(_WHERE, "liquidation_fee", self.liquidation_fee, Decimal(0), _MOST_FEE, "(a fraction)")


def flat_fees(maker: Decimal, taker: Decimal) -> FeeSettings:
    """One tier for every volume."""
    return FeeSettings((FeeTier(Decimal(0), maker, taker),))


def pack_fees(universe: Universe, settings: FeeSettings, start_ns: int = 0) -> tuple[npt.NDArray[np.void], Any]:
    """The schedule as a :data:`FEE_SCHEDULE` record and a :data:`FEE_VOLUME` that begins at ``start_ns``.

    Returns:
        Two arrays of one record each.

    Raises:
        SettingError: where the third asset is none of the universe's, or a fraction is finer than 1e-8.
    """
    schedule, volume = np.zeros(1, dtype=FEE_SCHEDULE), np.zeros(1, dtype=FEE_VOLUME)
    row, unit = schedule[0], 10 ** universe.decimals(universe.quote)
    row["n_tiers"] = len(settings.tiers)
    for at, tier in enumerate(settings.tiers):
        row["tier_volume_atoms"][at] = min(LIMIT - 1, int(tier.volume * unit))
        row["maker_fee"][at] = whole_parts(_WHERE, "maker", tier.maker, FEE_SCALE)
        row["taker_fee"][at] = whole_parts(_WHERE, "taker", tier.taker, FEE_SCALE)
    row["liquidation_fee"] = whole_parts(_WHERE, "liquidation_fee", settings.liquidation_fee, FEE_SCALE)
    row["window_days"] = settings.window_days
    row["charged_from"] = FROM_RECEIVED if settings.charged_from == "received" else FROM_SETTLEMENT
    row["third_asset"] = -1
    if settings.third_asset is not None:
        if settings.third_asset not in universe.assets:
            raise SettingError(
                f"the fee asset {settings.third_asset} is not held",
                where=_WHERE,
                remedy="name it among the universe's other assets",
            )
        row["third_asset"] = universe.assets.index(settings.third_asset)
        row["third_unit_atoms"] = 10 ** universe.decimals(settings.third_asset)
        row["third_discount"] = whole_parts(_WHERE, "third_discount", settings.third_discount, FEE_SCALE)
        volume[0]["third_price_atoms"] = int(settings.third_price * unit)
    add_volume(volume[0], start_ns - DAY_NS, min(LIMIT - 1, int(settings.starting_volume * unit)))
    return schedule, volume


# --- volume -----------------------------------------------------------------------------------------------------


@kernel(void(record(FEE_VOLUME), i8))
def turn_to_day(volume: Any, day: int) -> None:
    """Bring the ring to a UTC day: days without a fill count nothing. A day that is past changes nothing."""
    last = volume["day"]
    if day <= last:
        return
    for empty in range(max(last + 1, day - VOLUME_DAYS + 1), day + 1):
        volume["daily_atoms"][empty % VOLUME_DAYS] = 0
    volume["day"] = day


@kernel(void(record(FEE_VOLUME), i8, i8))
def add_volume(volume: Any, ts_ns: int, notional_atoms: int) -> None:
    """Count a fill's value (any sign) on its UTC day; a day's volume stops at 2**62 - 1."""
    day = ts_ns // DAY_NS
    turn_to_day(volume, day)
    if day <= volume["day"] - VOLUME_DAYS:
        return
    at = day % VOLUME_DAYS
    volume["daily_atoms"][at] = min(volume["daily_atoms"][at] + abs(notional_atoms), LIMIT - 1)


@kernel(i8(record(FEE_SCHEDULE), record(FEE_VOLUME), i8))
def window_volume_atoms(schedule: Any, volume: Any, ts_ns: int) -> int:
    """Volume of the ``window_days`` whole UTC days before the one of ``ts_ns``; stops at 2**62 - 1."""
    today = ts_ns // DAY_NS
    total = 0
    for day in range(today - schedule["window_days"], today):
        if volume["day"] - VOLUME_DAYS < day <= volume["day"]:
            total = min(total + volume["daily_atoms"][day % VOLUME_DAYS], LIMIT - 1)
    return int(total)


@kernel(i8(record(FEE_SCHEDULE), record(FEE_VOLUME), i8))
def fee_tier(schedule: Any, volume: Any, ts_ns: int) -> int:
    """Index of the tier that holds on the UTC day of ``ts_ns``: the last one whose volume was reached."""
    reached = window_volume_atoms(schedule, volume, ts_ns)
    tier = 0
    while tier + 1 < schedule["n_tiers"] and reached >= schedule["tier_volume_atoms"][tier + 1]:
        tier += 1
    return tier


@kernel(void(record(FEE_VOLUME), i8))
def set_third_price(volume: Any, price_atoms: int) -> None:
    """What one whole unit of the third asset is worth now, in quote atoms; 0 or less: not known."""
    volume["third_price_atoms"] = max(price_atoms, 0)


# --- fees -------------------------------------------------------------------------------------------------------


@kernel(i8(record(FEE_SCHEDULE), i8, b1))
def fee_rate(schedule: Any, tier: int, is_maker: bool) -> int:
    """Rate of a tier in parts of FEE_SCALE; negative is a rebate."""
    return int(schedule["maker_fee"][tier] if is_maker else schedule["taker_fee"][tier])


@kernel(i8(record(FEE_SCHEDULE)))
def highest_fee_rate(schedule: Any) -> int:
    """The highest rate of any tier, at least 0, in parts of FEE_SCALE: what an order must have room for."""
    highest = 0
    for tier in range(schedule["n_tiers"]):
        highest = max(highest, schedule["maker_fee"][tier], schedule["taker_fee"][tier])
    return int(highest)


@kernel(i8(record(FEE_SCHEDULE), record(FEE_VOLUME), i8, i8))
def third_asset_fee(schedule: Any, volume: Any, notional_atoms: int, rate: int) -> int:
    """Fee in atoms of the third asset, or ``OVERFLOW``.

    Formula: ``r = ceil(rate * (1 - discount))``, ``fee = ceil(notional * r)``, ``ceil(fee * unit / price)``.
    """
    discounted = mul_div(rate, FEE_SCALE - schedule["third_discount"], FEE_SCALE, CEILING)
    fee = mul_div(notional_atoms, discounted, FEE_SCALE, CEILING)
    if fee == OVERFLOW:
        return OVERFLOW
    return int(mul_div(fee, schedule["third_unit_atoms"], volume["third_price_atoms"], CEILING))


@kernel(i8(record(FEE_SCHEDULE), record(FEE_VOLUME), i8, i8, i8, i8, i8, i8, record(FEE_CHARGE)))
def charge_fee(
    schedule: Any,
    volume: Any,
    rate: int,
    notional_atoms: int,
    settlement_asset: int,
    received_asset: int,
    received_atoms: int,
    third_free_atoms: int,
    charge: Any,
) -> int:
    """Fee of a fill: which asset it is taken in, and how much; negative is a rebate.

    A positive fee is paid in the third asset where its price is known and enough of it is free, with the discount;
    else ``ceil(rate * value)`` of the settlement asset, or ``ceil(rate * received)`` of what was received where the
    schedule says so. A rebate is always of the settlement asset.

    Args:
        schedule, volume: of the venue; the value is taken to be in the asset of the third asset's price.
        rate: parts of FEE_SCALE (:func:`fee_rate`, or the schedule's ``liquidation_fee``).
        notional_atoms: value of the fill, not negative.
        settlement_asset, received_asset: ids; of a perpetual both are the asset that it settles in.
        received_atoms: what the fill gives before the fee, not negative.
        third_free_atoms: free balance of the third asset.
        charge: written.

    Returns:
        A :class:`FeeStatus`.
    """
    if rate > 0 and schedule["third_asset"] >= 0 and volume["third_price_atoms"] > 0:
        third = third_asset_fee(schedule, volume, notional_atoms, rate)
        if third != OVERFLOW and third <= third_free_atoms:
            charge["asset"] = schedule["third_asset"]
            charge["atoms"] = third
            return CHARGED
    asset, value = settlement_asset, notional_atoms
    if rate > 0 and schedule["charged_from"] == FROM_RECEIVED:
        asset, value = received_asset, received_atoms
    fee = mul_div(value, rate, FEE_SCALE, CEILING)
    if fee == OVERFLOW:
        return FEE_TOO_LARGE
    charge["asset"] = asset
    charge["atoms"] = fee
    return CHARGED
