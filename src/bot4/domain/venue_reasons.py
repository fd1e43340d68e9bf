"""Why a venue rejected, cancelled or expired an order: the ``reason`` of a report, the same for every venue."""

from __future__ import annotations

from enum import IntEnum

NOT_APPROVED = 1
BAD_ORDER = 2
BAD_QUANTITY = 3
BELOW_MIN_LOTS = 4
ABOVE_MAX_LOTS = 5
BAD_PRICE = 6
UNKNOWN_ORDER = 7
DUPLICATE_ORDER = 8
TABLE_FULL = 9
BEYOND_HOLDINGS = 10
NO_PARENT = 11
BELOW_MIN_NOTIONAL = 12
TOO_LARGE = 13
ON_REQUEST = 14
PARENT_GONE = 15
GROUP_DONE = 16
NOTHING_TO_REDUCE = 17
OFF_TICK = 18
OFF_LOT = 19
PERCENT_PRICE = 20
TOO_MANY_ORDERS = 21
TOO_MANY_STOPS = 22
POSITION_LIMIT = 23
WOULD_TAKE = 24
WOULD_TRIGGER = 25
NOT_FILLED = 26
SELF_TRADE = 27
NO_BALANCE = 28
NO_MARGIN = 29
RATE_LIMITED = 30
BANNED = 31
OUTSIDE_WINDOW = 32
CLOCK_AHEAD = 33
REPLAYED_NONCE = 34
MAINTENANCE = 35
UNSUPPORTED = 36
LIQUIDATED = 37
TIME_IS_UP = 38
WRONG_VENUE = 39
NO_LIQUIDITY = 40
ABOVE_MAX_NOTIONAL = 41
TOO_MANY_ICEBERG_PARTS = 42
QUEUE_OVERFLOW = 43
NEVER_ARRIVED = 44


class VenueReason(IntEnum):
    """Why a venue did not take an order, or no longer has it."""

    NOT_APPROVED = NOT_APPROVED  # no id of the risk gate
    BAD_ORDER = BAD_ORDER  # a type, side or combination that makes no sense
    BAD_QUANTITY = BAD_QUANTITY
    BELOW_MIN_LOTS = BELOW_MIN_LOTS
    ABOVE_MAX_LOTS = ABOVE_MAX_LOTS
    BAD_PRICE = BAD_PRICE
    UNKNOWN_ORDER = UNKNOWN_ORDER  # a cancel, replacement or query of what is not open
    DUPLICATE_ORDER = DUPLICATE_ORDER
    TABLE_FULL = TABLE_FULL
    BEYOND_HOLDINGS = BEYOND_HOLDINGS
    NO_PARENT = NO_PARENT
    BELOW_MIN_NOTIONAL = BELOW_MIN_NOTIONAL
    TOO_LARGE = TOO_LARGE  # beyond what 64 bits count
    ON_REQUEST = ON_REQUEST
    PARENT_GONE = PARENT_GONE
    GROUP_DONE = GROUP_DONE  # a sibling of its bracket, or of its one-cancels-other, settled it
    NOTHING_TO_REDUCE = NOTHING_TO_REDUCE
    OFF_TICK = OFF_TICK
    OFF_LOT = OFF_LOT
    PERCENT_PRICE = PERCENT_PRICE  # too far from the market
    TOO_MANY_ORDERS = TOO_MANY_ORDERS
    TOO_MANY_STOPS = TOO_MANY_STOPS
    POSITION_LIMIT = POSITION_LIMIT
    WOULD_TAKE = WOULD_TAKE  # post-only
    WOULD_TRIGGER = WOULD_TRIGGER  # the trigger price is passed already
    NOT_FILLED = NOT_FILLED  # what an immediate-or-cancel or fill-or-kill order could not get
    SELF_TRADE = SELF_TRADE
    NO_BALANCE = NO_BALANCE
    NO_MARGIN = NO_MARGIN
    RATE_LIMITED = RATE_LIMITED
    BANNED = BANNED
    OUTSIDE_WINDOW = OUTSIDE_WINDOW  # came later than its receive window
    CLOCK_AHEAD = CLOCK_AHEAD  # stamped too far in the venue's future
    REPLAYED_NONCE = REPLAYED_NONCE
    MAINTENANCE = MAINTENANCE
    UNSUPPORTED = UNSUPPORTED  # not offered by this venue's profile
    LIQUIDATED = LIQUIDATED
    TIME_IS_UP = TIME_IS_UP  # good-till-date or day
    WRONG_VENUE = WRONG_VENUE
    NO_LIQUIDITY = NO_LIQUIDITY  # a market order that found nothing, or not enough
    ABOVE_MAX_NOTIONAL = ABOVE_MAX_NOTIONAL
    TOO_MANY_ICEBERG_PARTS = TOO_MANY_ICEBERG_PARTS
    QUEUE_OVERFLOW = QUEUE_OVERFLOW  # the venue's bounded queue was full
    NEVER_ARRIVED = NEVER_ARRIVED  # ours: the venue was asked once the order could no longer arrive, and knew of none
