"""The event record: everything that reaches the brain from outside, 64 bytes each, in one fixed layout.

The payload is a union: fields of different kinds share bytes, and only those of the record's kind mean
anything. A change of layout raises :data:`EVENT_VERSION`, which every journal carries.

Events of one timestamp are applied in the order (time, kind, symbol); the numbers of the kinds are that order.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

EVENT_VERSION = 1

ORDER_ACCEPTED = 1
ORDER_REJECTED = 2
ORDER_FILLED = 3
ORDER_CANCELLED = 4
ORDER_EXPIRED = 5
ORDER_REPLACED = 6
ORDER_UNKNOWN = 7
FUNDING = 10
TRADE = 20
QUOTE = 21
BOOK_CHANGE = 22
BAR = 23
VOICE = 30
INTENT = 31
STRATEGY_SUSPENDED = 40
STRATEGY_SWAPPED = 41
MODE_CHANGED = 42
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
    FUNDING = FUNDING
    TRADE = TRADE
    QUOTE = QUOTE
    BOOK_CHANGE = BOOK_CHANGE
    BAR = BAR
    VOICE = VOICE
    INTENT = INTENT
    STRATEGY_SUSPENDED = STRATEGY_SUSPENDED
    STRATEGY_SWAPPED = STRATEGY_SWAPPED
    MODE_CHANGED = MODE_CHANGED
    CLOCK = CLOCK
    DECIDE = DECIDE


CLOSES_TIMESTAMP = 1  # flag: the last event of its timestamp, after which decisions run
IS_MAKER = 2  # flag of a fill
IS_SELL = 4  # flag of a fill: we sold
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
_REPORT = [
    ("order_id", "i8", 16),
    ("fill_ticks", "i8", 24),
    ("fill_lots", "i8", 32),
    ("fee_atoms", "i8", 40),  # paid by us; negative is a rebate
    ("trade_id", "i8", 48),
    ("reason", "i8", 56),
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
_MODE = [("mode", "i8", 16)]

_FIELDS = [*_HEADER, *_BAR, *_TRADE, *_QUOTE, *_BOOK, *_REPORT, *_FUNDING, *_VOICE, *_INTENT, *_MODE]
EVENT = np.dtype(
    {
        "names": [name for name, _, _ in _FIELDS],
        "formats": [code for _, code, _ in _FIELDS],
        "offsets": [offset for _, _, offset in _FIELDS],
        "itemsize": 64,
    }
)
