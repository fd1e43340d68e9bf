"""The parts of the exchange that are called by address, so that each is compiled once and not into every caller.

Which is which is data: an array of addresses, valid in one process, made by :func:`open_doors` and handed through the
loops of :mod:`bot4.simulator.feeding`.
"""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import IntArray
from bot4.domain.events import EVENT
from bot4.domain.orders import COMMAND
from bot4.kernel import KernelFamily, array, b1, i8, record, records, void
from bot4.simulator.intake import take
from bot4.simulator.liquidating import liquidate_due
from bot4.simulator.matching import meet
from bot4.simulator.resting import meet_level, meet_trade
from bot4.simulator.state import VENUE
from bot4.simulator.taking import meet_arrivals

BOOK = array(i8)
DOORS = array(i8)

ARRIVALS, BARS, COMMANDS, LIQUIDATION, TRADES, LEVELS = 0, 1, 2, 3, 4, 5  # places in the array

_ARRIVALS = KernelFamily("arrivals", b1(record(VENUE), i8, records(EVENT), BOOK, i8))
_BARS = KernelFamily("bars", void(record(VENUE), record(EVENT), records(EVENT)))
_COMMANDS = KernelFamily("commands", void(record(VENUE), record(COMMAND), i8, i8, records(EVENT)))
_LIQUIDATION = KernelFamily("liquidation", void(record(VENUE), i8, records(EVENT), BOOK, i8))
_MARKET = KernelFamily("market", void(record(VENUE), i8, records(EVENT), BOOK, i8, i8, i8))

call_arrivals = _ARRIVALS.call
call_bars = _BARS.call
call_commands = _COMMANDS.call
call_liquidation = _LIQUIDATION.call
call_market = _MARKET.call


def open_doors() -> IntArray:
    """The addresses, int64[6], to hand to the loops; compiles what is behind them if need be."""
    addresses = {
        ARRIVALS: _ARRIVALS.address(meet_arrivals),
        BARS: _BARS.address(meet),
        COMMANDS: _COMMANDS.address(take),
        LIQUIDATION: _LIQUIDATION.address(liquidate_due),
        TRADES: _MARKET.address(meet_trade),
        LEVELS: _MARKET.address(meet_level),
    }
    return np.array([addresses[at] for at in range(len(addresses))], dtype=np.int64)
