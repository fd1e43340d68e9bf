"""Positions, sleeves and the ledger as records.

A *sleeve* is what one strategy holds of one symbol: its entry, stop, targets and running result. The net of a
symbol's sleeves is the position at the venue; all its sleeves point the same way.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from bot4.domain.instruments import MAX_ASSETS, MAX_SYMBOLS

MAX_STRATEGIES = 8
N_TARGETS = 3

HOLDINGS = 0  # what we own
VENUE = 1  # the other side of every trade
FEES = 2
FUNDING_PAID = 3
ROUNDING = 4  # residues smaller than an atom, always against us
CAPITAL = 5  # the other side of deposits
N_ACCOUNTS = 6


class Account(IntEnum):
    """The ledger's accounts. For each asset the balances of all accounts sum to zero."""

    HOLDINGS = HOLDINGS
    VENUE = VENUE
    FEES = FEES
    FUNDING_PAID = FUNDING_PAID
    ROUNDING = ROUNDING
    CAPITAL = CAPITAL


BY_STOP = 1
BY_TARGET = 2
BY_SIGNAL = 3
BY_EMERGENCY = 4


class ExitReason(IntEnum):
    """Why a trade ended."""

    STOP = BY_STOP
    TARGET = BY_TARGET
    SIGNAL = BY_SIGNAL
    EMERGENCY = BY_EMERGENCY


POSITION = np.dtype(
    [
        ("lots", "i8"),  # signed, net of the sleeves
        ("cost_atoms", "i8"),  # signed cost basis in quote atoms, without fees
        ("realised_atoms", "i8"),  # closed profit and loss before fees and funding
        ("fees_atoms", "i8"),
        ("funding_atoms", "i8"),  # paid; negative was received
        ("mark_ticks", "i8"),
        ("mark_ts_ns", "i8"),
    ],
    align=True,
)

SLEEVE = np.dtype(
    [
        ("lots", "i8"),  # signed
        ("cost_atoms", "i8"),
        ("realised_atoms", "i8"),  # of the open trade so far, before fees
        ("fees_atoms", "i8"),  # of the open trade so far
        ("entry_lots", "i8"),  # absolute, all entries of the open trade
        ("entry_cost_atoms", "i8"),  # absolute notional of all entries
        ("exit_lots", "i8"),
        ("exit_value_atoms", "i8"),
        ("risk_atoms", "i8"),  # loss at the initial stop, the R of the trade
        ("slippage_atoms", "i8"),
        ("decision_ticks", "i8"),  # price at which the entry was decided
        ("stop_ticks", "i8"),  # as the venue last confirmed it; 0 for none
        ("initial_stop_ticks", "i8"),
        ("best_ticks", "i8"),  # most favourable close since the entry
        ("ts_entry_ns", "i8"),
        ("entry_order_id", "i8"),
        ("stop_order_id", "i8"),
        ("exit_order_id", "i8"),
        ("decision_id", "i8"),
        ("trail_ticks", "i8"),  # distance of the trailing stop; 0 for none
        ("last_reason", "i4"),
        ("is_entering", "i4"),  # an entry is in flight
        ("is_exiting", "i4"),
        ("is_short", "i4"),  # side of the open trade
        ("exit_tried_ns", "i8"),  # when an exit was last sent
        ("carried_lots", "i8"),  # a remainder that the venue would not trade when it was last tried; 0: none
        ("leave_reason", "i8"),  # why it is to end: exits are sent until nothing is held; 0: it may stay
    ],
    align=True,
)

LEDGER = np.dtype([("balances", "i8", (N_ACCOUNTS, MAX_ASSETS)), ("bookings", "i8"), ("is_broken", "i8")], align=True)

TRADE_RECORD = np.dtype(
    [
        ("trade_id", "i8"),
        ("decision_id", "i8"),
        ("symbol", "i4"),
        ("strategy", "i4"),
        ("side", "i4"),
        ("exit_reason", "i4"),
        ("ts_entry_ns", "i8"),
        ("ts_exit_ns", "i8"),
        ("entry_lots", "i8"),
        ("entry_cost_atoms", "i8"),
        ("exit_value_atoms", "i8"),
        ("realised_atoms", "i8"),  # before fees
        ("fees_atoms", "i8"),
        ("risk_atoms", "i8"),
        ("slippage_atoms", "i8"),
    ],
    align=True,
)

assert MAX_SYMBOLS * MAX_STRATEGIES <= 128
