"""Everything that is between us and the exchange, as one record, so that a snapshot is its bytes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from bot4.domain.events import EVENT
from bot4.domain.instruments import MAX_SYMBOLS
from bot4.domain.orders import COMMAND
from bot4.simulator.network.random_streams import RANDOM_STREAM

N_LETTERS = 8192  # letters under way and waiting to be read, together
N_COMMANDS = 1024  # of these, commands under way to the venue
N_SCRIPTED = 64
N_WATCHED = 64
N_TOGETHER = 8  # an order and its children, which travel as one request
NEVER = (1 << 63) - 1

# Directions, each with a latency and random streams of its own.
FEED, REQUEST, REPORT = 0, 1, 2
N_DIRECTIONS = 3

CONSTANT = 0
LOG_NORMAL = 1
RECORDED = 2  # resampled: each recorded latency is as likely as any other
REPLAYED = 3  # the recorded ones in their order, from the start again after the last

# What a letter is.
TO_VENUE = 0  # a command
REPORT_TO_US = 1
MARKET_TO_US = 2

# Faults of one message, by a probability each.
LOST_REQUEST = 1
LOST_ANSWER = 2
REFUSAL = 3
LATE_REQUEST = 4
PARTIAL_THEN_CANCEL = 5
DUPLICATED_REPORT = 6
DELAYED_REPORT = 7
REORDERED_REPORT = 8
BOOK_GAP = 9
# Faults that last, by a rate of onset each.
SILENT_STREAM = 10
DISCONNECT = 11
MAINTENANCE = 12
BAN = 13
CLOCK_SKEW = 14
VENUE_CRASH = 15
OUR_CRASH = 16
N_FAULTS = 17
FIRST_LASTING = SILENT_STREAM

LATENCY_STREAM = 0  # one for each direction
FAULT_STREAM = 8  # one for each fault: whether it strikes, or when it begins
SIZE_STREAM = FAULT_STREAM + N_FAULTS  # one for each fault: how long it lasts, or how much of it
N_STREAMS = SIZE_STREAM + N_FAULTS


class FaultKind(IntEnum):
    """What can go wrong."""

    LOST_REQUEST = LOST_REQUEST  # never reaches the venue; we hear of it by the time-out
    LOST_ANSWER = LOST_ANSWER  # the venue acted; its answer is lost; we hear of it by the time-out
    REFUSAL = REFUSAL  # the venue refuses, for a reason of its own
    LATE_REQUEST = LATE_REQUEST  # reaches the venue after we may have given it up
    PARTIAL_THEN_CANCEL = PARTIAL_THEN_CANCEL  # the venue cancels what is left once a part has filled
    DUPLICATED_REPORT = DUPLICATED_REPORT
    DELAYED_REPORT = DELAYED_REPORT
    REORDERED_REPORT = REORDERED_REPORT  # overtaken by those sent just after it
    BOOK_GAP = BOOK_GAP  # changes of the book are lost; it is void until a snapshot
    SILENT_STREAM = SILENT_STREAM  # connected, answers come, but nothing is pushed
    DISCONNECT = DISCONNECT  # nothing passes either way, and we know
    MAINTENANCE = MAINTENANCE  # every command is refused, and nothing trades
    BAN = BAN  # every command of ours is refused
    CLOCK_SKEW = CLOCK_SKEW  # our clock is off
    VENUE_CRASH = VENUE_CRASH  # the venue is gone, and comes back from what it had stored
    OUR_CRASH = OUR_CRASH  # we are gone: what arrives meanwhile is lost


HEAP_NODE = np.dtype([("ts_ns", "i8"), ("sequence", "i8"), ("letter", "i4"), ("slot", "i4")])

LATENCY = np.dtype(
    [
        ("law", "i8"),
        ("least_ns", "i8"),
        ("median_ns", "f8"),  # of what is added to the least
        ("sigma", "f8"),
        ("jitter_ns", "f8"),  # uniform, on top
        ("is_fifo", "i8"),
        ("first_sample", "i8"),  # where this direction's recorded latencies begin
        ("n_samples", "i8"),
        ("n_replayed", "i8"),
        ("last_arrival_ns", "i8"),
    ]
)

SCRIPTED = np.dtype(
    [
        ("fault", "i8"),
        ("at_ns", "i8"),  # not before
        ("nth", "i8"),  # not before the nth message that it could strike; 1 is the first
        ("times", "i8"),  # left
        ("duration_ns", "i8"),
    ]
)

WATCHED = np.dtype([("order_id", "i8"), ("symbol", "i8"), ("filled_lots", "i8"), ("until_lots", "i8")])

NETWORK = np.dtype(
    [
        ("now_ns", "i8"),
        ("next_sequence", "i8"),
        ("n_nodes", "i8"),  # letters under way
        ("n_inbox", "i8"),  # letters that have arrived and were not read
        ("n_commands", "i8"),  # commands under way
        ("letter_limit", "i8"),
        ("command_limit", "i8"),
        ("report_reserve", "i8"),  # room that only reports may use
        ("timeout_ns", "i8"),
        ("validity_ns", "i8"),  # after which a command that has not arrived never acts; NEVER: it always does
        ("skew_ns", "i8"),  # of our clock while it is off
        ("extra_delay_ns", "f8"),  # mean, of late requests and delayed reports
        ("gap_left", "i8"),  # changes of the book still to be lost
        ("beta_a", "f8"),
        ("beta_b", "f8"),
        ("is_venue_down", "i8"),
        ("n_lost_reports", "i8"),
        ("parent_id", "i8"),  # of the latest order sent, and what befell it: its children go with it
        ("parent_sent_ns", "i8"),
        ("parent_arrival_ns", "i8"),
        ("is_parent_lost", "i8"),
        ("n_taken", "i8"),  # commands of the request that arrived last
        ("n_watched", "i8"),
        ("n_to_cancel", "i8"),
        ("latencies", LATENCY, (N_DIRECTIONS,)),
        ("streams", RANDOM_STREAM, (N_STREAMS,)),
        ("rate", "f8", (N_FAULTS,)),  # probability of a message's fault; onsets a second of a lasting one
        ("duration_ns", "f8", (N_FAULTS,)),  # mean
        ("next_onset_ns", "i8", (N_FAULTS,)),
        ("until_ns", "i8", (N_FAULTS,)),  # a lasting fault is there before this time
        ("n_chances", "i8", (N_FAULTS,)),  # messages that it could have struck
        ("n_struck", "i8", (N_FAULTS,)),
        ("n_scripted", "i8"),
        ("scripted", SCRIPTED, (N_SCRIPTED,)),
        ("watched", WATCHED, (N_WATCHED,)),
        ("to_cancel", WATCHED, (N_WATCHED,)),
        ("is_gapped", "i8", (MAX_SYMBOLS,)),
        ("heap", HEAP_NODE, (N_LETTERS,)),
        ("inbox", HEAP_NODE, (N_LETTERS,)),
        ("free_events", "i4", (N_LETTERS,)),  # a stack of slots
        ("free_commands", "i4", (N_COMMANDS,)),
        ("events", EVENT, (N_LETTERS,)),
        ("commands", COMMAND, (N_COMMANDS,)),
        ("deadlines_ns", "i8", (N_COMMANDS,)),  # when we give a command up; NEVER: we were told so already
    ],
    align=True,
)


def empty_network() -> np.ndarray:
    """One :data:`NETWORK` record in an array of one: no letters, no faults, no latency."""
    network = np.zeros(1, NETWORK)
    network[0]["letter_limit"], network[0]["command_limit"] = N_LETTERS, N_COMMANDS
    network[0]["free_events"] = np.arange(N_LETTERS)
    network[0]["free_commands"] = np.arange(N_COMMANDS)
    network[0]["next_onset_ns"] = NEVER
    return network
