"""What kind of venue the simulator is: everything in which venues differ, as one frozen setting with bounds.

:func:`plain` is the venue of backtests; :func:`binance_spot`, :func:`binance_linear` and :func:`binance_inverse`
behave as Binance documents its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.domain.instruments import Universe
from bot4.domain.orders import SelfTrade
from bot4.simulator.accounts.liquidation import without_maintenance
from bot4.simulator.accounts.margin import MarginSettings, pack_brackets, pack_margin_positions
from bot4.simulator.accounts.presets import binance_inverse_margin, binance_linear_margin
from bot4.simulator.book.impact import ImpactSettings, open_impact
from bot4.simulator.book.queue_models import QueueModel, QueueSettings
from bot4.simulator.rules.fee_schedule import pack_fees
from bot4.simulator.rules.filters import pack_filters
from bot4.simulator.rules.idempotency import IdempotencySettings, pack_client_ids
from bot4.simulator.rules.presets import (
    RuleSettings,
    binance_inverse_rules,
    binance_linear_rules,
    binance_spot_rules,
)
from bot4.simulator.rules.rate_limits import pack_rate_limits
from bot4.simulator.rules.request_windows import pack_request_window
from bot4.simulator.state import TERMS, AccountKind, Idempotency


@dataclass(frozen=True, slots=True)
class VenueProfile:
    """How a venue behaves.

    Attributes:
        name: for people.
        account: how it settles.
        idempotency: for how long the id of an order is refused as a duplicate.
        has_native_brackets: a stop and targets of one group share one quantity at the venue.
        has_native_oco: the venue keeps one-cancels-other groups.
        has_native_oto: the venue holds orders until their parent has filled.
        keeps_place_on_less: a replacement that only lowers the quantity keeps its place in the queue.
        refuses_reached_triggers: an order whose trigger price has been passed already is refused.
        refuses_idle_reduction: a market or limit order to reduce is refused where there is nothing to reduce.
        leg_end_ends_group: cancelling or expiring one leg of a one-cancels-other ends the others.
        self_trade: what becomes of an order that does not say and meets another of the account.
        queue: what is assumed of our place in the queue of a level.
        asks_approval: only orders that the risk gate has approved are taken.
        checks_grid: orders of another venue and numbers beyond 2**53 are refused.
        remembers_finished: finished orders can be asked for, and their ids and groups are known.
        rules: filters, fees, rate limits and receive windows; None: the instruments' own minima and fees, no limits.
        margin: leverage brackets, leverage and margin mode of perpetuals; needed by a LINEAR or INVERSE account.
        impact: how our own trades move the price on bars and trades; None: not at all. A book needs none, since what
            we take from it is gone.
    """

    name: str = "plain"
    account: AccountKind = AccountKind.UNCHECKED
    idempotency: Idempotency = Idempotency.OPEN_ORDERS
    has_native_brackets: bool = True
    has_native_oco: bool = True
    has_native_oto: bool = True
    keeps_place_on_less: bool = False
    refuses_reached_triggers: bool = False
    refuses_idle_reduction: bool = False
    leg_end_ends_group: bool = True
    self_trade: SelfTrade = SelfTrade.TRADE_WITH_SELF
    queue: QueueSettings = field(default_factory=QueueSettings)
    asks_approval: bool = True
    checks_grid: bool = False
    remembers_finished: bool = True
    rules: RuleSettings | None = None
    margin: MarginSettings | None = None
    impact: ImpactSettings | None = None

    def __post_init__(self) -> None:
        if self.account in (AccountKind.LINEAR, AccountKind.INVERSE) and self.margin is None:
            raise SettingError(
                "a margin account without leverage brackets", where=self.name, remedy="give margin=MarginSettings(...)"
            )


def plain() -> VenueProfile:
    """What backtests assume: brackets at the venue, and no account."""
    return VenueProfile()


def binance_spot() -> VenueProfile:
    """Binance spot: order lists (one cancels, one triggers the other), ids known among open orders only."""
    return VenueProfile(
        name="binance_spot",
        account=AccountKind.SPOT,
        has_native_brackets=False,
        keeps_place_on_less=True,
        refuses_reached_triggers=True,
        self_trade=SelfTrade.CANCEL_NEWEST,
        queue=QueueSettings(QueueModel.PESSIMISTIC),
        asks_approval=False,
        checks_grid=True,
        rules=binance_spot_rules(),
    )


def binance_linear() -> VenueProfile:
    """Binance USD-margined perpetuals: no order lists, reduce-only and close-position."""
    return VenueProfile(
        name="binance_linear",
        account=AccountKind.LINEAR,
        has_native_brackets=False,
        has_native_oco=False,
        has_native_oto=False,
        refuses_reached_triggers=True,
        refuses_idle_reduction=True,
        self_trade=SelfTrade.CANCEL_NEWEST,
        asks_approval=False,
        checks_grid=True,
        rules=binance_linear_rules(),
        margin=binance_linear_margin(),
    )


def binance_inverse() -> VenueProfile:
    """Binance coin-margined perpetuals: as the linear ones, settled in the base asset."""
    return VenueProfile(
        name="binance_inverse",
        account=AccountKind.INVERSE,
        has_native_brackets=False,
        has_native_oco=False,
        has_native_oto=False,
        refuses_reached_triggers=True,
        refuses_idle_reduction=True,
        self_trade=SelfTrade.CANCEL_NEWEST,
        asks_approval=False,
        checks_grid=True,
        rules=binance_inverse_rules(),
        margin=binance_inverse_margin(),
    )


def pack_terms(profile: VenueProfile) -> np.void:
    """The profile as one :data:`~bot4.simulator.state.TERMS` record."""
    terms: np.void = np.zeros(1, dtype=TERMS)[0]
    terms["account"] = profile.account
    terms["idempotency"] = profile.idempotency
    terms["has_filters"] = terms["has_request_rules"] = profile.rules is not None
    terms["has_brackets"] = profile.has_native_brackets
    terms["has_one_cancels_other"] = profile.has_native_oco
    terms["has_one_triggers_other"] = profile.has_native_oto
    terms["keeps_place_on_less"] = profile.keeps_place_on_less
    terms["refuses_reached_triggers"] = profile.refuses_reached_triggers
    terms["refuses_idle_reduction"] = profile.refuses_idle_reduction
    terms["leg_end_ends_group"] = profile.leg_end_ends_group
    terms["self_trade"] = profile.self_trade
    terms["queue_model"] = profile.queue.model
    terms["queue_parameter"] = profile.queue.parameter
    terms["asks_approval"] = profile.asks_approval
    terms["checks_grid"] = profile.checks_grid
    terms["remembers_finished"] = profile.remembers_finished
    return terms


def write_profile(profile: VenueProfile, universe: Universe, venue: npt.NDArray[np.void], start_ns: int) -> None:
    """Let a venue behave as a profile says.

    Args:
        profile: of the venue.
        universe: what it lists.
        venue: one :data:`~bot4.simulator.state.VENUE`, changed.
        start_ns: venue time at which it opens.

    Raises:
        SettingError: where the rules do not fit the universe.
    """
    row = venue[0]
    row["terms"] = pack_terms(profile)
    row["client_ids"] = pack_client_ids(IdempotencySettings(profile.idempotency, forgets_oldest=True))[0]
    if profile.margin is not None:
        row["brackets"] = pack_brackets(universe, profile.margin)
        row["margins"] = pack_margin_positions(profile.margin)
        row["no_maintenance"] = without_maintenance()
    if profile.impact is not None:
        row["impacts"] = open_impact(profile.impact, start_ns)[0]
    if profile.rules is None:
        return
    row["filters"] = pack_filters(universe, profile.rules.filters)
    row["rate_limits"] = pack_rate_limits(profile.rules.rates)[0]
    row["request_window"] = pack_request_window(profile.rules.requests, start_ns)[0]
    if profile.rules.fees is not None:
        schedule, volume = pack_fees(universe, profile.rules.fees, start_ns)
        row["fee_schedule"], row["fee_volume"] = schedule[0], volume[0]
