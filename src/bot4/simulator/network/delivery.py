"""Commands, reports and market events put on their way, and what befalls each of them there."""

from __future__ import annotations

from typing import Any

from bot4.domain.events import (
    ABOUT_CANCEL,
    ABOUT_REPLACE,
    BOOK_CHANGE,
    BOOK_ORDER,
    EVENT,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_UNKNOWN,
)
from bot4.domain.orders import CANCEL, COMMAND, ORDER, PLACE, QUERY, REPLACE
from bot4.domain.venue_reasons import BANNED, MAINTENANCE, QUEUE_OVERFLOW, RATE_LIMITED, TOO_MANY_ORDERS
from bot4.kernel import array, b1, i8, kernel, record, records, void
from bot4.simulator.network import state
from bot4.simulator.network.faults import begin_due, extra_delay_ns, lasts, strikes
from bot4.simulator.network.latency import arrival_ns, drawn_latency_ns
from bot4.simulator.network.mailbox import (
    FULL,
    has_reserve,
    is_child_next,
    push_command,
    push_event,
    take_command,
)
from bot4.simulator.network.random_streams import exponential, happens, partial_fill_lots, whole_ns
from bot4.simulator.network.state import (
    BOOK_GAP,
    DELAYED_REPORT,
    DISCONNECT,
    DUPLICATED_REPORT,
    FEED,
    LATE_REQUEST,
    LATENCY_STREAM,
    LOST_ANSWER,
    LOST_REQUEST,
    MARKET_TO_US,
    N_WATCHED,
    NETWORK,
    NEVER,
    OUR_CRASH,
    PARTIAL_THEN_CANCEL,
    REFUSAL,
    REORDERED_REPORT,
    REPORT,
    REPORT_TO_US,
    REQUEST,
    SILENT_STREAM,
    SIZE_STREAM,
)

CLOCK_SKEW, MAINTENANCE_FAULT, BAN = state.CLOCK_SKEW, state.MAINTENANCE, state.BAN

SENT = 0
LOST = 1  # and whatever we hear of it, we hear by the time-out
OVERFLOWED = 2  # refused at the door

ACTS = 0
REFUSED = 1
VANISHES = 2  # nobody is there to take it

LOST_ON_THE_WAY = -2  # instead of a time of arrival
NO_ROOM = -1  # of :func:`post_reports`; the reserve is there to make it impossible

WHOLE = 0  # of is_gapped: the book that we see is whole
GAPPED = 1
WANTS_SNAPSHOT = 2


@kernel(i8(i8))
def flags_about(command_kind: int) -> int:
    """Flags of a report that refuses a command, or does not know what became of it."""
    return ABOUT_CANCEL if command_kind == CANCEL else ABOUT_REPLACE if command_kind == REPLACE else 0


@kernel(void(record(EVENT), i8, i8, record(ORDER), i8, i8))
def write_word(row: Any, ts_ns: int, kind: int, order: Any, flags: int, reason: int) -> None:
    """Write a report about a command: a refusal, or an outcome that is not known."""
    row["ts_ns"] = ts_ns
    row["kind"] = kind
    row["symbol"] = order["symbol"]
    row["flags"] = flags
    row["order_id"] = order["id"]
    row["fill_ticks"] = 0
    row["fill_lots"] = 0
    row["fee_atoms"] = 0
    row["trade_id"] = 0
    row["reason"] = reason


@kernel(void(record(NETWORK), record(COMMAND), i8))
def tell_unknown(network: Any, command: Any, deadline_ns: int) -> None:
    """Let our time-out for a command run out at its deadline. A query has none: who asks keeps a clock of its own."""
    if deadline_ns == NEVER or command["kind"] == QUERY or lasts(network, OUR_CRASH, network["now_ns"]):
        return
    slot = push_event(network, max(deadline_ns, network["now_ns"]), REPORT_TO_US)
    if slot != FULL:
        flags = flags_about(command["kind"])
        write_word(network["events"][slot], deadline_ns, ORDER_UNKNOWN, command["order"], flags, 0)


@kernel(void(record(NETWORK), array(i8), record(COMMAND), i8))
def draw_way(network: Any, samples: Any, command: Any, sent_ns: int) -> None:
    """Draw when a command arrives and whether it is lost; the children of the order sent last go the same way."""
    parent_id = command["order"]["parent_id"]
    is_with_parent = command["kind"] == PLACE and parent_id != 0 and parent_id == network["parent_id"]
    if is_with_parent and sent_ns == network["parent_sent_ns"]:
        return
    latency = network["latencies"][REQUEST]
    arrival = arrival_ns(latency, network["streams"][LATENCY_STREAM + REQUEST], samples, sent_ns)
    is_lost = strikes(network, LOST_REQUEST, sent_ns) or lasts(network, DISCONNECT, sent_ns)
    if strikes(network, LATE_REQUEST, sent_ns):
        arrival += extra_delay_ns(network, LATE_REQUEST)
    network["parent_id"] = command["order"]["id"] if command["kind"] == PLACE else 0
    network["parent_sent_ns"] = sent_ns
    network["parent_arrival_ns"] = arrival
    network["is_parent_lost"] = int(is_lost or arrival - sent_ns > network["validity_ns"])


@kernel(i8(records(NETWORK), array(i8), records(COMMAND), i8))
def post_command(networks: Any, samples: Any, commands: Any, at: int) -> int:
    """Send ``commands[at]``; it leaves at its own time, or now where that has passed.

    An order and the children that are sent right after it, at the same time, are one request.

    Returns:
        SENT, LOST or OVERFLOWED.
    """
    network, command = networks[0], commands[at]
    sent_ns = max(command["ts_ns"], network["now_ns"])
    begin_due(network, sent_ns)
    draw_way(network, samples, command, sent_ns)
    deadline, arrival = sent_ns + network["timeout_ns"], network["parent_arrival_ns"]
    slot = push_command(network, command, arrival, deadline)
    if slot == FULL:
        return OVERFLOWED
    if network["is_parent_lost"]:  # it takes its place in the queue, so that a loss changes nothing for those after it
        network["deadlines_ns"][slot] = NEVER
        network["commands"][slot]["kind"] = 0
        tell_unknown(network, command, deadline)
        return LOST
    if lasts(network, CLOCK_SKEW, sent_ns):
        network["commands"][slot]["ts_ns"] = sent_ns + network["skew_ns"]
    if arrival > deadline:
        network["deadlines_ns"][slot] = NEVER
        tell_unknown(network, command, deadline)
    return SENT


@kernel(i8(record(NETWORK), record(COMMAND)))
def reason_to_refuse(network: Any, command: Any) -> int:
    """Why the venue refuses a command without looking at it, 0 where it does not."""
    now = network["now_ns"]
    if not has_reserve(network):
        return QUEUE_OVERFLOW
    if lasts(network, MAINTENANCE_FAULT, now):
        return MAINTENANCE
    if lasts(network, BAN, now):
        return BANNED
    if command["kind"] != QUERY and strikes(network, REFUSAL, now):
        is_place = command["kind"] == PLACE
        return TOO_MANY_ORDERS if is_place and happens(network["streams"][SIZE_STREAM + REFUSAL], 0.5) else RATE_LIMITED
    return 0


@kernel(i8(records(NETWORK), records(COMMAND), array(i8), records(EVENT)))
def meet_venue(networks: Any, taken: Any, deadlines_ns: Any, refusals: Any) -> int:
    """Take the request that arrives now into ``taken``, ``n_taken`` commands of it, and say what becomes of it.

    Returns:
        ACTS, REFUSED (``refusals`` say why) or VANISHES.
    """
    network = networks[0]
    take_command(network, taken, deadlines_ns, 0)
    n, fate, reason = 1, VANISHES, 0
    head_kind, head_id = taken[0]["kind"], taken[0]["order"]["id"]
    while n < len(taken) and is_child_next(network, head_id, network["now_ns"]):
        take_command(network, taken, deadlines_ns, n)
        n += 1
    network["n_taken"] = n
    if head_kind != 0 and network["is_venue_down"] == 0:
        reason = reason_to_refuse(network, taken[0])
        fate = ACTS if reason == 0 else VANISHES if head_kind == QUERY else REFUSED
    for at in range(n):
        if fate == VANISHES and head_kind != 0:
            tell_unknown(network, taken[at], deadlines_ns[at])
        elif fate == REFUSED:
            flags = flags_about(head_kind)
            write_word(refusals[at], network["now_ns"], ORDER_REJECTED, taken[at]["order"], flags, reason)
    if fate == ACTS and head_kind == PLACE and strikes(network, PARTIAL_THEN_CANCEL, network["now_ns"]):
        watch(network, taken[0]["order"])
    return fate


@kernel(void(record(NETWORK), record(ORDER)))
def watch(network: Any, order: Any) -> None:
    """Have the venue cancel an order once a part of it has filled; the part is Beta distributed."""
    at = network["n_watched"]
    if at < N_WATCHED and order["qty_lots"] > 1:
        row = network["watched"][at]
        stream = network["streams"][SIZE_STREAM + PARTIAL_THEN_CANCEL]
        row["order_id"], row["symbol"], row["filled_lots"] = order["id"], order["symbol"], 0
        row["until_lots"] = partial_fill_lots(stream, order["qty_lots"], network["beta_a"], network["beta_b"])
        network["n_watched"] = at + 1


@kernel(void(record(NETWORK), record(EVENT)))
def look_after_watched(network: Any, report: Any) -> None:
    """Count a report of a watched order; one that has filled its part, and is still open, is to be cancelled."""
    for at in range(network["n_watched"]):
        row = network["watched"][at]
        if row["order_id"] == report["order_id"]:
            is_over = report["kind"] in (ORDER_CANCELLED, ORDER_EXPIRED, ORDER_REJECTED) and report["flags"] == 0
            if report["kind"] == ORDER_FILLED:
                row["filled_lots"] += report["fill_lots"]
                is_over = report["reason"] == 0
                if not is_over and row["filled_lots"] >= row["until_lots"]:
                    doomed = network["to_cancel"][network["n_to_cancel"]]
                    doomed["order_id"], doomed["symbol"] = row["order_id"], row["symbol"]
                    network["n_to_cancel"] += 1
                    is_over = True
            if is_over:
                network["n_watched"] -= 1
                network["watched"][at] = network["watched"][network["n_watched"]]
            return


@kernel(i8(record(NETWORK), record(EVENT), i8))
def post_at(network: Any, report: Any, arrival_ns: int) -> int:
    """Let a report arrive at a stated time; returns it, or NO_ROOM, or what ``arrival_ns`` is where that is no time."""
    if arrival_ns == LOST_ON_THE_WAY:
        return LOST_ON_THE_WAY
    slot = push_event(network, arrival_ns, REPORT_TO_US)
    if slot == FULL:
        return NO_ROOM
    network["events"][slot] = report
    return int(arrival_ns)


@kernel(i8(record(NETWORK), array(i8), record(EVENT), i8))
def post_report(network: Any, samples: Any, report: Any, sent_ns: int) -> int:
    """Put one report on its way to us; returns when it arrives, or NO_ROOM."""
    latency, stream = network["latencies"][REPORT], network["streams"][LATENCY_STREAM + REPORT]
    if strikes(network, REORDERED_REPORT, sent_ns):
        delay = network["extra_delay_ns"] * 0.1
        stream_of_size = network["streams"][SIZE_STREAM + REORDERED_REPORT]
        arrival = sent_ns + drawn_latency_ns(latency, stream, samples) + whole_ns(exponential(stream_of_size, delay))
    else:
        arrival = arrival_ns(latency, stream, samples, sent_ns)
    if strikes(network, DELAYED_REPORT, sent_ns):
        arrival += extra_delay_ns(network, DELAYED_REPORT)
    if post_at(network, report, arrival) == NO_ROOM:
        return NO_ROOM
    if strikes(network, DUPLICATED_REPORT, sent_ns) and has_reserve(network):
        again = push_event(network, arrival + extra_delay_ns(network, DUPLICATED_REPORT), REPORT_TO_US)
        if again != FULL:
            network["events"][again] = report
    return int(arrival)


@kernel(b1(record(NETWORK), i8))
def is_cut_off(network: Any, sent_ns: int) -> bool:
    """Whether nothing that is sent to us at a time reaches us."""
    return bool(lasts(network, DISCONNECT, sent_ns) or lasts(network, OUR_CRASH, sent_ns))


@kernel(i8(record(NETWORK), array(i8), record(EVENT), i8))
def post_answer(network: Any, samples: Any, report: Any, sent_ns: int) -> int:
    """:func:`post_report` of an answer, which may be lost alone: LOST_ON_THE_WAY then."""
    if strikes(network, LOST_ANSWER, sent_ns) or is_cut_off(network, sent_ns):
        return LOST_ON_THE_WAY
    return int(post_report(network, samples, report, sent_ns))


@kernel(i8(records(COMMAND), i8, i8))
def asked_about(asked: Any, n_asked: int, order_id: int) -> int:
    """Which of the commands is about an order; -1 for none."""
    for at in range(n_asked):
        if asked[at]["order"]["id"] == order_id:
            return at
    return -1


@kernel(i8(records(NETWORK), array(i8), records(EVENT), i8, records(COMMAND), i8, array(i8)))
def post_reports(networks: Any, samples: Any, reports: Any, n: int, asked: Any, n_asked: int, deadlines_ns: Any) -> int:
    """Put the venue's reports on their way to us.

    Args:
        reports, n: the reports, in the order in which the venue made them.
        asked, n_asked: the commands of one request that they answer, none where they are pushed. The first report
            about the order of each (of a query: all of them) is its answer, all others are pushed.
        deadlines_ns: when we give each up; NEVER where we were told already.

    Returns:
        How many orders the venue is to cancel by itself now (``to_cancel``), or NO_ROOM.
    """
    network = networks[0]
    begin_due(network, network["now_ns"])
    answered = 0  # a bit for each command
    answer_arrives = NEVER
    for at in range(n):
        report = reports[at]
        look_after_watched(network, report)
        which = asked_about(asked, n_asked, report["order_id"])
        sent_ns = network["now_ns"]  # an answer may speak of earlier times
        if which < 0:
            sent_ns = min(report["ts_ns"], sent_ns)  # several events may have happened in one go
        if which >= 0 and answered >> which & 1 == 0:
            answered |= 1 << which
            answer_arrives = post_answer(network, samples, report, sent_ns)
            arrival = answer_arrives
            if arrival > deadlines_ns[which] or arrival == LOST_ON_THE_WAY:
                tell_unknown(network, asked[which], deadlines_ns[which])
        elif which >= 0 and asked[which]["kind"] == QUERY:  # one answer, however many reports it holds
            arrival = post_at(network, report, answer_arrives)
        elif is_cut_off(network, sent_ns) or lasts(network, SILENT_STREAM, sent_ns):
            arrival = LOST_ON_THE_WAY
        else:
            arrival = post_report(network, samples, report, sent_ns)
        if arrival == NO_ROOM:
            return NO_ROOM
        if arrival == LOST_ON_THE_WAY:
            network["n_lost_reports"] += 1
    for which in range(n_asked):
        is_held = which > 0  # taken with its parent, and not reported on before that fills
        if answered >> which & 1 == 0 and not is_held:
            tell_unknown(network, asked[which], deadlines_ns[which])
    return int(network["n_to_cancel"])


@kernel(b1(record(NETWORK), record(EVENT)))
def is_lost_on_the_way(network: Any, event: Any) -> bool:
    """Whether a market event does not reach us; keeps account of whose book is void."""
    symbol = event["symbol"]
    is_book = event["kind"] == BOOK_CHANGE or event["kind"] == BOOK_ORDER
    if is_cut_off(network, network["now_ns"]) or not has_reserve(network):
        if is_book:
            network["is_gapped"][symbol] = GAPPED
        return True
    if not is_book:
        return False
    if network["is_gapped"][symbol] == WHOLE:
        if not strikes(network, BOOK_GAP, event["ts_ns"]):
            return False
        drawn = exponential(network["streams"][SIZE_STREAM + BOOK_GAP], network["duration_ns"][BOOK_GAP])
        network["gap_left"] = max(1, whole_ns(drawn))
        network["is_gapped"][symbol] = GAPPED
    network["gap_left"] -= 1
    if network["gap_left"] <= 0:
        network["is_gapped"][symbol] = WANTS_SNAPSHOT
    return True


@kernel(i8(records(NETWORK), array(i8), records(EVENT), i8, i8, b1))
def post_market(networks: Any, samples: Any, events: Any, first: int, last: int, is_snapshot: bool) -> int:
    """Put market events ``first`` to ``last - 1`` on their way to us; a snapshot's are not lost.

    Returns:
        How many symbols want a snapshot of their book now.
    """
    network = networks[0]
    latency, stream = network["latencies"][FEED], network["streams"][LATENCY_STREAM + FEED]
    for at in range(first, last):
        event = events[at]
        network["now_ns"] = max(network["now_ns"], event["ts_ns"])
        begin_due(network, network["now_ns"])
        if not is_snapshot and is_lost_on_the_way(network, event):
            continue
        slot = push_event(network, arrival_ns(latency, stream, samples, network["now_ns"]), MARKET_TO_US)
        if slot == FULL:
            network["is_gapped"][event["symbol"]] = GAPPED
        else:
            network["events"][slot] = event
    wanting = 0
    for symbol in range(len(network["is_gapped"])):
        if network["is_gapped"][symbol] == WANTS_SNAPSHOT:
            wanting += 1
    return wanting
