"""The venue's whole state as one record, so that a snapshot is its bytes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.domain.instruments import INSTRUMENT, MAX_SYMBOLS
from bot4.domain.orders import COMMAND, MAX_ORDERS, ORDER
from bot4.simulator.accounts.balances import BALANCES, LOCK
from bot4.simulator.accounts.margin import BRACKETS, MARGIN_POSITION
from bot4.simulator.book.impact import IMPACT
from bot4.simulator.rules.fee_schedule import FEE_CHARGE, FEE_SCHEDULE, FEE_VOLUME
from bot4.simulator.rules.filters import FILTERS, ORDER_COUNTS
from bot4.simulator.rules.idempotency import CLIENT_IDS, OPEN_ORDERS, IdempotencyMode
from bot4.simulator.rules.rate_limits import RATE_LIMITS
from bot4.simulator.rules.request_windows import REQUEST_WINDOW

MAX_FINISHED = 512  # orders that a venue remembers after their end
MAX_QUEUED = 4 * MAX_ORDERS  # at most two commands are on their way for an open order, and one for a finished one
N_REPORTS = 4 * (MAX_ORDERS + MAX_QUEUED)  # rows for reports with which no event can run out of room

NEVER_NS = 1 << 62

RECEIVED = 0
QUEUE_FULL = 1
UNKNOWN_SYMBOL = 2
UNKNOWN_COMMAND = 3

# What a venue knows of a symbol's market.
FROM_TRADES = 0  # bars and trades: orders meet them as they come
FROM_QUOTES = 1  # the best level of each side
FROM_LEVELS = 2  # every level
FROM_ORDERS = 3  # every order


class Feed(IntEnum):
    """What a venue knows of a symbol's market; all but the first are a book, matched at any time."""

    FROM_TRADES = FROM_TRADES
    FROM_QUOTES = FROM_QUOTES
    FROM_LEVELS = FROM_LEVELS
    FROM_ORDERS = FROM_ORDERS


# When an order came to the market, as seen from the event being matched.
RESTED = 0  # before this event
AT_OPEN = 1  # with this event: it meets the bar from its open
WITHIN = 2  # during this event, when its parent filled


Idempotency = IdempotencyMode  # for how long a venue refuses the same order id as a duplicate

# How an account at the venue settles (TERMS.account).
UNCHECKED = 0
SPOT = 1
LINEAR = 2
INVERSE = 3


class AccountKind(IntEnum):
    """How an account at a venue settles."""

    UNCHECKED = UNCHECKED  # no balances: whoever sends the orders has seen to it that they can be paid
    SPOT = SPOT
    LINEAR = LINEAR  # perpetuals settled in the quote asset
    INVERSE = INVERSE  # perpetuals settled in the base asset


class ReceiveStatus(IntEnum):
    """Whether the venue took a command in; only RECEIVED will be reported on."""

    RECEIVED = RECEIVED
    QUEUE_FULL = QUEUE_FULL
    UNKNOWN_SYMBOL = UNKNOWN_SYMBOL
    UNKNOWN_COMMAND = UNKNOWN_COMMAND


VENUE_ORDER = np.dtype(
    [
        *((name, ORDER[name]) for name in ORDER.names or ()),
        ("ordered_lots", "i8"),  # as it was placed; qty_lots follows the parent's fill and the bracket
        ("arrival", "i8"),
        ("activation_ticks", "i8"),  # price of the parent's fill that activated it; 0 for none
        ("ts_arrived_ns", "i8"),  # when it came to the market, or came anew by a replacement
        ("sequence", "i8"),  # rises with every arrival at the market and every loss of place: time priority
        ("is_triggered", "i8"),
        ("extreme_ticks", "i8"),  # of a trailing stop: the best price since its activation; 0 before
        ("shown_lots", "i8"),  # of an iceberg: what is left of the part on show
        ("ahead_lots", "f8"),  # on a level-2 book: what the market has before it at its price
        ("marker_id", "i8"),  # on a level-3 book: the last order of the market before it; 0 for none
        ("traded_lots", "i8"),  # traded there since the level was last told
        ("lock", LOCK),
    ],
    align=True,
)

# How a venue behaves, where venues differ; written from a VenueProfile (``profile.py``).
TERMS = np.dtype(
    [
        ("account", "i8"),  # an AccountKind
        ("idempotency", "i8"),  # an Idempotency
        ("has_filters", "i8"),
        ("has_request_rules", "i8"),  # rate limits, receive windows
        ("has_brackets", "i8"),  # a stop and targets of one group share one quantity
        ("has_one_cancels_other", "i8"),
        ("has_one_triggers_other", "i8"),
        ("keeps_place_on_less", "i8"),  # a replacement that only takes lots off keeps its place
        ("refuses_reached_triggers", "i8"),  # a trigger price that the market has passed already is refused
        ("self_trade", "i8"),  # where an order does not say: a SelfTrade
        ("asks_approval", "i8"),  # takes only what the risk gate has approved
        ("checks_grid", "i8"),  # refuses another venue's orders and numbers that no order can have
        ("remembers_finished", "i8"),
        ("refuses_idle_reduction", "i8"),  # a market or limit order to reduce nothing is refused on arrival
        ("queue_model", "i8"),  # a QueueModel
        ("queue_parameter", "f8"),
        ("leg_end_ends_group", "i8"),  # cancelling one leg of a one-cancels-other cancels the others
    ],
    align=True,
)

VENUE = np.dtype(
    [
        ("order_latency_ns", "i8"),
        ("slippage", "f8"),  # fraction of the price, against us, on everything that takes
        ("n_symbols", "i8"),
        ("next_trade_id", "i8"),
        ("n_orders", "i8"),  # rows of orders in use: held and open ones, by id
        ("n_queued", "i8"),  # commands on their way
        ("n_reports", "i8"),  # scratch of one match
        ("now_ns", "i8"),
        ("status", "i8"),  # why a loop of ``feeding.py`` stopped
        ("next_sequence", "i8"),
        ("next_expiry_ns", "i8"),  # no order expires before
        ("ladder_words", "i8"),  # size of a book that has levels only
        ("n_finished", "i8"),  # ever; the latest MAX_FINISHED stand in ``finished``, order n at n mod MAX_FINISHED
        ("terms", TERMS),
        ("feed", "i8", (MAX_SYMBOLS,)),  # what is known of each market: a Feed
        ("is_unfinished", "i8", (MAX_SYMBOLS,)),  # arrivals wait for room in the reports, or for a first book
        ("last_ticks", "i8", (MAX_SYMBOLS,)),  # latest trade; 0 before the first
        ("mark_ticks", "i8", (MAX_SYMBOLS,)),
        ("bid_ticks", "i8", (MAX_SYMBOLS,)),  # a limit to sell at or below takes; 0 where nobody buys
        ("ask_ticks", "i8", (MAX_SYMBOLS,)),  # a limit to buy at or above takes; 0 where nobody sells
        ("reference_ticks", "i8", (MAX_SYMBOLS,)),  # what an order without a price is valued at
        ("n_waiting", "i8", (MAX_SYMBOLS,)),  # orders and queued commands of each symbol
        ("net_lots", "i8", (MAX_SYMBOLS,)),
        ("instruments", INSTRUMENT, (MAX_SYMBOLS,)),
        ("orders", VENUE_ORDER, (MAX_ORDERS,)),
        ("queue", COMMAND, (MAX_QUEUED,)),
        ("finished", VENUE_ORDER, (MAX_FINISHED,)),
        ("balances", BALANCES),
        ("margins", MARGIN_POSITION, (MAX_SYMBOLS,)),
        ("brackets", BRACKETS, (MAX_SYMBOLS,)),
        ("no_maintenance", BRACKETS),  # with which a liquidation price is the bankruptcy price
        ("fee_schedule", FEE_SCHEDULE),  # without tiers: the instruments' own fees
        ("fee_volume", FEE_VOLUME),
        ("charge", FEE_CHARGE),  # of the latest fill
        ("filters", FILTERS, (MAX_SYMBOLS,)),
        ("counts", ORDER_COUNTS),  # scratch of one acceptance
        ("client_ids", CLIENT_IDS),
        ("impacts", IMPACT, (MAX_SYMBOLS,)),  # of our own trades, on bars and trades
        ("rate_limits", RATE_LIMITS),
        ("request_window", REQUEST_WINDOW),
    ],
    align=True,
)


def plain_terms() -> np.void:
    """The terms on which backtests run today: brackets and contingent orders at the venue, and no memory."""
    terms: np.void = np.zeros(1, dtype=TERMS)[0]
    terms["idempotency"] = OPEN_ORDERS
    terms["has_brackets"] = terms["has_one_cancels_other"] = terms["has_one_triggers_other"] = 1
    terms["asks_approval"] = 1
    terms["leg_end_ends_group"] = 1
    return terms


def open_venue(
    instruments: npt.NDArray[np.void], order_latency_ns: int = 0, slippage: float = 0.0
) -> npt.NDArray[np.void]:
    """A venue without orders or positions, as one :data:`VENUE` record in an array of one.

    Args:
        instruments: packed :data:`~bot4.domain.instruments.INSTRUMENT` records, by symbol id.
        order_latency_ns: from a command's time to its arrival at the venue.
        slippage: fraction of the price that every taking fill is worse by, 0 to 0.5.

    Raises:
        SettingError: where latency or slippage is out of bounds.
    """
    if order_latency_ns < 0:
        raise SettingError(
            f"order latency is {order_latency_ns} ns", where="simulator", remedy="give zero or more nanoseconds"
        )
    if not 0.0 <= slippage < 0.5:
        raise SettingError(
            f"slippage is {slippage}", where="simulator", remedy="give a fraction of the price from 0 to 0.5"
        )
    venue = np.zeros(1, dtype=VENUE)
    venue[0]["order_latency_ns"] = order_latency_ns
    venue[0]["slippage"] = slippage
    venue[0]["next_trade_id"] = 1
    venue[0]["next_sequence"] = 1
    venue[0]["next_expiry_ns"] = NEVER_NS
    venue[0]["terms"] = plain_terms()
    venue[0]["n_symbols"] = len(instruments)
    venue[0]["instruments"][: len(instruments)] = instruments
    return venue
