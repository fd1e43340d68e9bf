"""The event record: everything that reaches the brain from outside, 64 bytes each, in one fixed layout.

The payload is a union: fields of different kinds share bytes, and only those of the record's kind mean
anything. A change of layout raises :data:`EVENT_VERSION`, which every journal carries.

Events of one timestamp are applied in the order (time, kind, symbol); the numbers of the kinds are that order.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

EVENT_VERSION = 2

ORDER_ACCEPTED = 1
ORDER_REJECTED = 2
ORDER_FILLED = 3
ORDER_CANCELLED = 4
ORDER_EXPIRED = 5
ORDER_REPLACED = 6
ORDER_UNKNOWN = 7  # the outcome of a command is not known
ORDER_TRIGGERED = 8
ORDER_STATUS = 9  # the venue's answer to a query
FUNDING = 10
MARK_PRICE = 11
TRADE = 20
QUOTE = 21
BOOK_CHANGE = 22  # level 2: the quantity that stands at a price now
BAR = 23
BOOK_ORDER = 24  # level 3: one order of the market added, changed or gone
VOICE = 30
INTENT = 31
STRATEGY_SUSPENDED = 40
STRATEGY_SWAPPED = 41
MODE_CHANGED = 42
RECONCILED = 43  # the books were compared with the venue's, and every difference is explained
RESYNC = 44  # the venue was out of reach: what it said meanwhile is asked for
CLOCK = 50
DECIDE = 60


class EventKind(IntEnum):
    """What happened; see the payload fields of :data:`EVENT` for each kind."""

    ORDER_ACCEPTED = ORDER_ACCEPTED
    ORDER_REJECTED = ORDER_REJECTED
    ORDER_FILLED = ORDER_FILLED
    ORDER_CANCELLED = ORDER_CANCELLED
    ORDER_EXPIRED = ORDER_EXPIRED
    ORDER_REPLACED = ORDER_REPLACED
    ORDER_UNKNOWN = ORDER_UNKNOWN
    ORDER_TRIGGERED = ORDER_TRIGGERED
    ORDER_STATUS = ORDER_STATUS
    FUNDING = FUNDING
    MARK_PRICE = MARK_PRICE
    TRADE = TRADE
    QUOTE = QUOTE
    BOOK_CHANGE = BOOK_CHANGE
    BAR = BAR
    BOOK_ORDER = BOOK_ORDER
    VOICE = VOICE
    INTENT = INTENT
    STRATEGY_SUSPENDED = STRATEGY_SUSPENDED
    STRATEGY_SWAPPED = STRATEGY_SWAPPED
    MODE_CHANGED = MODE_CHANGED
    RECONCILED = RECONCILED
    RESYNC = RESYNC
    CLOCK = CLOCK
    DECIDE = DECIDE


CLOSES_TIMESTAMP = 1  # flag: the last event of its timestamp, after which decisions run
IS_MAKER = 2  # flag of a fill
IS_SELL = 4  # flag of a fill: we sold
ABOUT_CANCEL = 8  # flag of a rejection or an unknown outcome: of a cancel, not of the order itself
ABOUT_REPLACE = 16  # likewise of a replacement
IS_LIQUIDATION = 32  # flag of a fill: the venue closed the position
IS_SNAPSHOT = 64  # flag of a fill or a status that the venue was asked for whole, later than all it told before
FEE_ASSET_SHIFT = 12  # a fill's fee asset, its id plus one, in the flags from this bit on; 0: the quote asset
FEE_ASSET_MASK = 63
IS_BOOK_RESET = 2  # flag of a book event: everything known of the symbol's book is void, a snapshot follows
BOOK_ADD, BOOK_SET, BOOK_REMOVE = 1, 2, 3  # book_action of a level-3 event
HAS_TARGETS = 1 << 8  # flags of an intent
HAS_TRAIL = 1 << 9
ACTION_SHIFT = 12  # an intent's action stands in its flags from this bit on

_HEADER = [("ts_ns", "i8", 0), ("kind", "i2", 8), ("symbol", "i2", 10), ("flags", "i4", 12)]
_BAR = [
    ("open_ticks", "i8", 16),
    ("high_ticks", "i8", 24),
    ("low_ticks", "i8", 32),
    ("close_ticks", "i8", 40),
    ("volume", "f8", 48),  # base units
    ("ts_open_ns", "i8", 56),
]
_TRADE = [("price_ticks", "i8", 16), ("quantity", "f8", 24), ("aggressor", "i8", 32)]
_QUOTE = [("bid_ticks", "i8", 16), ("ask_ticks", "i8", 24), ("bid_quantity", "f8", 32), ("ask_quantity", "f8", 40)]
_BOOK = [("level_ticks", "i8", 16), ("level_quantity", "f8", 24), ("level_side", "i8", 32)]
_BOOK_ORDER = [
    ("book_ticks", "i8", 16),
    ("book_quantity", "f8", 24),
    ("book_side", "i8", 32),
    ("book_order_id", "i8", 40),
    ("book_action", "i8", 48),
]
_REPORT = [
    ("order_id", "i8", 16),
    ("fill_ticks", "i8", 24),
    ("fill_lots", "i8", 32),  # of a cancelled or expired order what had filled in all, where the venue says so; else 0
    ("fee_atoms", "i8", 40),  # paid by us; negative is a rebate
    ("trade_id", "i8", 48),
    ("reason", "i8", 56),  # of a fill: the lots that the order still has open
]
_STATUS = [  # of ORDER_STATUS, beside order_id
    ("status", "i8", 24),  # an OrderStatus; FREE: the venue has no such order
    ("status_filled_lots", "i8", 32),
    ("status_lots", "i8", 40),  # quantity of the order as the venue has it
    ("status_stop_ticks", "i8", 48),
    ("status_limit_ticks", "i8", 56),
]
_FUNDING = [("funding_rate", "f8", 16), ("mark_ticks", "i8", 24)]
_VOICE = [("voice", "i8", 16), ("direction", "f8", 24), ("confidence", "f8", 32), ("valid_until_ns", "i8", 40)]
_INTENT = [
    ("strategy", "i8", 16),
    ("intent_direction", "f8", 24),
    ("intent_confidence", "f8", 32),
    ("intent_win_probability", "f8", 40),
    ("intent_lots", "i8", 48),
    ("intent_stop_distance", "f8", 56),
]
_MODE = [("mode", "i8", 16)]  # of RECONCILED how much is unexplained; -1: nothing, but some orders are asked about

_FIELDS = [
    *_HEADER,
    *_BAR,
    *_TRADE,
    *_QUOTE,
    *_BOOK,
    *_BOOK_ORDER,
    *_REPORT,
    *_STATUS,
    *_FUNDING,
    *_VOICE,
    *_INTENT,
    *_MODE,
]
EVENT = np.dtype(
    {
        "names": [name for name, _, _ in _FIELDS],
        "formats": [code for _, code, _ in _FIELDS],
        "offsets": [offset for _, _, offset in _FIELDS],
        "itemsize": 64,
    }
)


def copied_rows(rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """A copy of records, one-dimensional and contiguous, by bytes: NumPy copies field by field, 20 times slower."""
    return np.frombuffer(bytearray(rows.tobytes()), dtype=rows.dtype)
