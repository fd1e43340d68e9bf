"""The venue's whole state as one record, so that a snapshot is its bytes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.domain.instruments import INSTRUMENT, MAX_SYMBOLS
from bot4.domain.orders import COMMAND, MAX_ORDERS, ORDER

MAX_QUEUED = 4 * MAX_ORDERS  # at most two commands are on their way for an open order, and one for a finished one
N_REPORTS = 4 * (MAX_ORDERS + MAX_QUEUED)  # rows for reports with which no event can run out of room

RECEIVED = 0
QUEUE_FULL = 1
UNKNOWN_SYMBOL = 2
UNKNOWN_COMMAND = 3

# When an order came to the market, as seen from the event being matched.
RESTED = 0  # before this event
AT_OPEN = 1  # with this event: it meets the bar from its open
WITHIN = 2  # during this event, when its parent filled


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
        ("n_waiting", "i8", (MAX_SYMBOLS,)),  # orders and queued commands of each symbol
        ("net_lots", "i8", (MAX_SYMBOLS,)),
        ("instruments", INSTRUMENT, (MAX_SYMBOLS,)),
        ("orders", VENUE_ORDER, (MAX_ORDERS,)),
        ("queue", COMMAND, (MAX_QUEUED,)),
    ],
    align=True,
)


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
    venue[0]["n_symbols"] = len(instruments)
    venue[0]["instruments"][: len(instruments)] = instruments
    return venue
