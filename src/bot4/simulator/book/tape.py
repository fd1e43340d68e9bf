"""Book tapes: level changes and trades of one symbol, 32 bytes each, with the two times that matter.

``ts_ns`` is when the exchange did it, ``ts_ns + latency_ns`` when we heard of it. Both rise along a tape: a feed is
heard in the order in which it was sent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import IntArray
from bot4.domain.errors import DataError
from bot4.domain.events import BOOK_CHANGE, EVENT, IS_BOOK_RESET, TRADE
from bot4.domain.orders import BUY, SELL
from bot4.kernel import b1, i8, kernel, records
from bot4.simulator.book.ladder import MAX_LEVEL_LOTS, MAX_TICKS

LEVEL_SET = 1  # lots stand at ticks of side now
TRADED = 2  # lots traded at ticks, side is the aggressor's
SIDE_CLEARED = 3  # every level of side is void

BOOK_EVENT = np.dtype(
    [("ts_ns", "i8"), ("ticks", "i8"), ("lots", "i8"), ("latency_ns", "i4"), ("kind", "i2"), ("side", "i2")]
)
MAX_LATENCY_NS = (1 << 31) - 1

_EXACT_FLOAT = 2.0**53


_FAULTS = (
    ("comes before the event ahead of it", "sort the tape by time"),
    ("is heard before it happens", "mend the clocks: a latency is not negative"),
    ("is heard before the event ahead of it", "raise its latency: a feed keeps its order"),
    ("has an unknown kind", f"give {LEVEL_SET} to {SIDE_CLEARED}"),
    ("has an unknown side", f"give {BUY} or {SELL}"),
    ("has a price of 2**40 ticks or more", "choose a larger tick"),
    ("has negative lots, or 2**53 or more", "choose a larger lot"),
    ("is a trade of nothing", "leave it out"),
)
_FAULT_BITS = 4
_CHECKED_AT_ONCE = 4096


@kernel(i8(i8, i8, i8, i8), is_inlined=True)
def _fault(kind: int, side: int, ticks: int, lots: int) -> int:
    """What is wrong with an event by itself: its row of ``_FAULTS``, -1 for nothing."""
    if kind < LEVEL_SET or kind > SIDE_CLEARED:
        return 3
    if side != BUY and side != SELL:
        return 4
    if ticks <= -MAX_TICKS or ticks >= MAX_TICKS:
        return 5
    if lots < 0 or lots >= MAX_LEVEL_LOTS:
        return 6
    return 7 if kind == TRADED and lots == 0 else -1


@kernel(b1(records(BOOK_EVENT), i8, i8))
def _is_sound(tape: Any, first: int, last: int) -> bool:
    """Whether nothing is wrong with some events, without a branch for each."""
    is_bad = False
    for row in range(first, last):
        event, before = tape[row], tape[max(row - 1, 0)]
        kind, side, ticks, lots = event["kind"], event["side"], event["ticks"], event["lots"]
        rises = (event["ts_ns"] >= before["ts_ns"]) & (event["latency_ns"] >= 0)
        rises &= event["ts_ns"] + event["latency_ns"] >= before["ts_ns"] + before["latency_ns"]
        is_known = (kind >= LEVEL_SET) & (kind <= SIDE_CLEARED) & ((side == BUY) | (side == SELL))
        is_counted = (ticks > -MAX_TICKS) & (ticks < MAX_TICKS) & (lots >= 0) & (lots < MAX_LEVEL_LOTS)
        is_bad |= not (rises & is_known & is_counted & ((kind != TRADED) | (lots != 0)))
    return not is_bad


@kernel(i8(records(BOOK_EVENT)))
def first_fault(tape: Any) -> int:
    """The first event that kernels could not run: its row times 16 plus what is wrong with it; -1 for none."""
    for first in range(0, len(tape), _CHECKED_AT_ONCE):
        last = min(first + _CHECKED_AT_ONCE, len(tape))
        if _is_sound(tape, first, last):
            continue
        for row in range(first, last):
            event, before = tape[row], tape[max(row - 1, 0)]
            fault = _fault(event["kind"], event["side"], event["ticks"], event["lots"])
            if event["ts_ns"] < before["ts_ns"]:
                fault = 0
            elif event["latency_ns"] < 0:
                fault = 1
            elif event["ts_ns"] + event["latency_ns"] < before["ts_ns"] + before["latency_ns"]:
                fault = 2
            if fault >= 0:
                return int((row << _FAULT_BITS) + fault)
    return -1


def check_tape(tape: npt.NDArray[np.void]) -> None:
    """Refuse a tape that the kernels could not run.

    Raises:
        DataError: where times fall, a kind or side is unknown, a price is 2**40 ticks or more in magnitude, or lots
            are negative or 2**53 or more (of a trade: not positive).
    """
    if tape.dtype != BOOK_EVENT:
        raise DataError("the tape is not of book events", where="book tape", remedy="make it with book_tape")
    found = int(first_fault(np.ascontiguousarray(tape)))
    if found >= 0:
        row, fault = found >> _FAULT_BITS, found & ((1 << _FAULT_BITS) - 1)
        what, remedy = _FAULTS[fault]
        raise DataError(f"event {row} {what}: {tape[row]}", where="book tape", remedy=remedy)


def book_tape(events: npt.NDArray[np.void], lot: float, latency_ns: int | IntArray) -> npt.NDArray[np.void]:
    """A tape of the book changes and trades among market events of one symbol.

    Args:
        events: :data:`~bot4.domain.events.EVENT` records in time order; other kinds are left out. A reset
            (``IS_BOOK_RESET``) clears both sides before its own level.
        lot: size of a lot in base units; quantities are rounded to the nearest.
        latency_ns: from the exchange to us, one number or one for each of the events. Where it would change the
            order of the feed it is raised.

    Returns:
        :data:`BOOK_EVENT` records.

    Raises:
        DataError: where a quantity is not finite or a latency is over 2.1 s; and as :func:`check_tape`.
    """
    if events.dtype != EVENT:
        raise DataError("not market events", where="book tape", remedy="give records of EVENT")
    latencies = np.broadcast_to(np.asarray(latency_ns, dtype=np.int64), len(events))
    is_change, is_trade = events["kind"] == BOOK_CHANGE, events["kind"] == TRADE
    rows, is_clearing, side = _with_resets(events, is_change | is_trade)
    kept = events[rows]
    traded = is_trade[rows]
    quantity = np.where(traded, kept["quantity"], kept["level_quantity"]) / lot
    if not np.all(np.abs(quantity) < _EXACT_FLOAT):
        raise DataError("a quantity is not finite, or 2**53 lots or more", where="book tape", remedy="correct it")
    tape = np.zeros(len(rows), dtype=BOOK_EVENT)
    tape["ts_ns"] = kept["ts_ns"]
    tape["ticks"] = np.where(traded, kept["price_ticks"], kept["level_ticks"])
    tape["lots"] = np.where(is_clearing, 0, np.rint(quantity).astype(np.int64))
    tape["kind"] = np.where(is_clearing, SIDE_CLEARED, np.where(traded, TRADED, LEVEL_SET))
    tape["side"] = np.where(is_clearing, side, np.where(traded, kept["aggressor"], kept["level_side"]))
    heard = np.maximum.accumulate(kept["ts_ns"] + latencies[rows])
    if np.any(heard - kept["ts_ns"] > MAX_LATENCY_NS):
        raise DataError("a feed latency is over 2.1 s", where="book tape", remedy="leave out the time of the outage")
    tape["latency_ns"] = heard - kept["ts_ns"]
    kept_tape: npt.NDArray[np.void] = tape[(tape["kind"] != TRADED) | (tape["lots"] > 0)]
    check_tape(kept_tape)
    return kept_tape


def _with_resets(events: npt.NDArray[np.void], is_kept: npt.NDArray[np.bool_]) -> Any:
    """Rows to take, each reset three times: two clearings, then its own level."""
    is_reset = (events["kind"] == BOOK_CHANGE) & ((events["flags"] & IS_BOOK_RESET) != 0)
    times = np.where(is_kept, np.where(is_reset, 3, 1), 0)
    rows = np.repeat(np.arange(len(events)), times)
    firsts = np.concatenate([[0], np.cumsum(times)])[:-1]
    within = np.arange(len(rows)) - firsts[rows]
    is_clearing = is_reset[rows] & (within < 2)
    return rows, is_clearing, np.where(within == 0, BUY, SELL)
