"""The venue that a case asks for, as the simulator's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot4.app.exchange_server.venue import FUTURES, SPOT, VenueChoice
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.orders import SelfTrade
from bot4.simulator.profile import VenueProfile, binance_linear, binance_spot
from bot4.simulator.rules.fee_schedule import FeeSettings, FeeTier
from bot4.simulator.rules.filters import FilterSettings
from bot4.simulator.rules.presets import RuleSettings, binance_linear_rules, binance_spot_rules
from bot4.simulator.rules.rate_limits import RateSettings, RateWindow
from bot4.simulator.state import Idempotency
from tests.contract.execution.driver import SYMBOL, Setup

SELF_TRADE = {"none": SelfTrade.TRADE_WITH_SELF, "newest": SelfTrade.CANCEL_NEWEST}


def instrument(setup: Setup) -> Instrument:
    """The one symbol of every case."""
    is_perpetual = setup.market == "linear"
    return Instrument(
        symbol=f"{SYMBOL}_PERP" if is_perpetual else SYMBOL,
        base="ETH",
        quote="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.0001"),
        min_qty=Decimal("0.001"),
        min_notional=Decimal(5),
        maker_fee=Decimal(setup.maker_fee),
        taker_fee=Decimal(setup.taker_fee),
        is_perpetual=is_perpetual,
    )


def choice(setup: Setup) -> VenueChoice:
    """The exchange of a case."""
    is_spot = setup.market == "spot"
    return VenueChoice(
        SPOT if is_spot else FUTURES,
        Universe((instrument(setup),), (setup.fees["third_asset"],) if "third_asset" in setup.fees else ()),
        profile(setup),
        {asset: Decimal(amount) for asset, amount in setup.balances.items() if is_spot or asset == "USDT"},
    )


def profile(setup: Setup) -> VenueProfile:
    """How the exchange of a case behaves."""
    made = binance_spot() if setup.market == "spot" else binance_linear()
    return replace(
        made,
        idempotency=Idempotency[setup.idempotency],
        self_trade=SELF_TRADE[setup.self_trade],
        rules=rules(setup),
    )


def rules(setup: Setup) -> RuleSettings:
    """Filters, fees and limits of a case: the preset's, with what the case changes, at the instrument's own fees."""
    made = binance_spot_rules() if setup.market == "spot" else binance_linear_rules()
    assert isinstance(made.filters, FilterSettings)
    changed: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, str) else value for name, value in setup.filters.items()
    }
    return replace(
        made, filters=replace(made.filters, **changed), fees=_fees(setup), rates=_rates(made.rates, setup.limits)
    )


def _fees(setup: Setup) -> FeeSettings | None:
    """A case's own schedule; None for the instrument's fees."""
    if not setup.fees:
        return None
    tiers = [FeeTier(Decimal(0), Decimal(setup.maker_fee), Decimal(setup.taker_fee))]
    if "tier" in setup.fees:
        tiers.append(FeeTier(*map(Decimal, setup.fees["tier"].split())))
    given: dict[str, Any] = {
        name: value if name in ("third_asset", "charged_from") else Decimal(value)
        for name, value in setup.fees.items()
        if name != "tier"
    }
    return FeeSettings(tuple(tiers), **given)


def _rates(made: RateSettings, limits: Mapping[str, int]) -> RateSettings:
    """The preset's limits; where a case has its own weight or order count, that in one window each."""
    windows = tuple(
        RateWindow(window.counts, window.length_ns, limits.get(window.counts.name.lower(), window.limit))
        for window in made.windows
    )
    before_ban = limits.get("refusals_before_ban", made.refusals_before_ban)
    return replace(made, windows=windows, refusals_before_ban=before_ban)
