"""Why new risk was halted: what the order manager saw that does not fit, in words for a person."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType

STRANGE_REPORT = 1
STRANGE_FILL = 2
OVERFILL = 3
FILL_AFTER_END = 4
EXCESS_REDUCTION = 5
UNBOOKABLE = 6
UNSURE_FILL = 7
BAD_REPORT = 8
COMMAND_NOT_TAKEN = 9
NO_ANSWER = 10
FILLS_MISSING = 11
VANISHED = 12
CAME_BACK = 13
ORPHAN = 14
DIFFERS_FROM_VENUE = 15
NO_ROOM = 16
FUNDING_UNBOOKABLE = 17


class HaltReason(IntEnum):
    """What halted new risk."""

    STRANGE_REPORT = STRANGE_REPORT
    STRANGE_FILL = STRANGE_FILL
    OVERFILL = OVERFILL
    FILL_AFTER_END = FILL_AFTER_END
    EXCESS_REDUCTION = EXCESS_REDUCTION
    UNBOOKABLE = UNBOOKABLE
    UNSURE_FILL = UNSURE_FILL
    BAD_REPORT = BAD_REPORT
    COMMAND_NOT_TAKEN = COMMAND_NOT_TAKEN
    NO_ANSWER = NO_ANSWER
    FILLS_MISSING = FILLS_MISSING
    VANISHED = VANISHED
    CAME_BACK = CAME_BACK
    ORPHAN = ORPHAN
    DIFFERS_FROM_VENUE = DIFFERS_FROM_VENUE
    NO_ROOM = NO_ROOM
    FUNDING_UNBOOKABLE = FUNDING_UNBOOKABLE


HALT_WORDS = MappingProxyType(
    {
        STRANGE_REPORT: "a report about an order that is not ours",
        STRANGE_FILL: "a fill of an order that is not ours; the money is booked",
        OVERFILL: "an order filled for more than its quantity; it is booked",
        FILL_AFTER_END: "a fill of an order that had ended; it is booked, and the venue is asked",
        EXCESS_REDUCTION: "a fill reduced more than was held; it is booked",
        UNBOOKABLE: "the ledger refused a booking",
        UNSURE_FILL: "a fill older than the memory of trade ids: it may have been booked, so it was not",
        BAD_REPORT: "a report that makes no sense for its order",
        COMMAND_NOT_TAKEN: "the venue did not take a command",
        NO_ANSWER: "the venue does not answer what became of an order",
        FILLS_MISSING: "the venue has filled more of an order than it has reported",
        VANISHED: "the venue no longer knows an order that it had taken",
        CAME_BACK: "the venue speaks of an order that it had said never came",
        ORPHAN: "an order is open at the venue that is not in the books",
        DIFFERS_FROM_VENUE: "the books differ from the venue's, unexplained",
        NO_ROOM: "reports or records found no room",
        FUNDING_UNBOOKABLE: "the ledger refused a funding payment",
    }
)
"""Every reason in words for a person."""
