"""The one queue: every letter, whichever way it goes, in the order of arrival, ties in the order of sending.

A binary heap over bounded arrays. **When it is full** nothing that matters is lost:

- a command is refused at the door (QUEUE_OVERFLOW) while there is no room for it, for the answer to every command
  under way, and for the reserve that only reports may use;
- a market event that finds no room beyond the reserve is lost, and its symbol's book is void until a snapshot;
- the venue takes neither a command nor a market event while the reserve is not free: a command that arrives then is
  refused, in the room that it leaves itself. So a report always finds room.

A letter to us that has arrived stays in the inbox until it is read, and counts as long.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import EVENT
from bot4.domain.orders import COMMAND, PLACE
from bot4.kernel import array, b1, i8, kernel, record, records, void
from bot4.simulator.network.state import (
    HEAP_NODE,
    MARKET_TO_US,
    N_COMMANDS,
    N_LETTERS,
    NETWORK,
    NEVER,
    TO_VENUE,
)

FULL = -1


@kernel(i8(record(NETWORK)))
def n_event_letters(network: Any) -> int:
    """Letters to us, under way and unread."""
    return int(network["n_nodes"] - network["n_commands"] + network["n_inbox"])


@kernel(i8(record(NETWORK)))
def room(network: Any) -> int:
    """Letters to us that still fit when every command under way has left one."""
    return int(network["letter_limit"] - n_event_letters(network) - network["n_commands"])


@kernel(b1(record(NETWORK)))
def has_reserve(network: Any) -> bool:
    """Whether the reserve for reports is free."""
    return bool(room(network) >= network["report_reserve"])


@kernel(b1(record(HEAP_NODE), record(HEAP_NODE)))
def is_before(one: Any, other: Any) -> bool:
    """Whether a letter arrives before another."""
    if one["ts_ns"] != other["ts_ns"]:
        return bool(one["ts_ns"] < other["ts_ns"])
    return bool(one["sequence"] < other["sequence"])


@kernel(void(record(HEAP_NODE), record(HEAP_NODE)))
def copy_node(into: Any, node: Any) -> None:
    """Copy one node over another."""
    into["ts_ns"] = node["ts_ns"]
    into["sequence"] = node["sequence"]
    into["letter"] = node["letter"]
    into["slot"] = node["slot"]


@kernel(void(record(HEAP_NODE), record(HEAP_NODE)))
def swap_nodes(one: Any, other: Any) -> None:
    """Let two nodes change places."""
    ts_ns, sequence, letter, slot = one["ts_ns"], one["sequence"], one["letter"], one["slot"]
    copy_node(one, other)
    other["ts_ns"] = ts_ns
    other["sequence"] = sequence
    other["letter"] = letter
    other["slot"] = slot


@kernel(void(record(NETWORK), i8, i8, i8))
def push_node(network: Any, ts_ns: int, letter: int, slot: int) -> None:
    """Put a letter into the heap; the caller has made sure of the room."""
    heap = network["heap"]
    at = network["n_nodes"]
    node = heap[at]
    node["ts_ns"] = ts_ns
    node["sequence"] = network["next_sequence"]
    node["letter"] = letter
    node["slot"] = slot
    network["next_sequence"] += 1
    network["n_nodes"] += 1
    while at > 0 and is_before(heap[at], heap[(at - 1) >> 1]):
        swap_nodes(heap[at], heap[(at - 1) >> 1])
        at = (at - 1) >> 1


@kernel(void(record(NETWORK)))
def pop_node(network: Any) -> None:
    """Take the first letter off the heap; the caller has read it."""
    heap = network["heap"]
    n = network["n_nodes"] - 1
    network["n_nodes"] = n
    if n == 0:
        return
    copy_node(heap[0], heap[n])
    at = 0
    while True:
        least = at
        for child in range(2 * at + 1, min(2 * at + 3, n)):
            if is_before(heap[child], heap[least]):
                least = child
        if least == at:
            return
        swap_nodes(heap[at], heap[least])
        at = least


@kernel(i8(record(NETWORK), i8, i8))
def push_event(network: Any, ts_ns: int, letter: int) -> int:
    """Put an event on its way to us; returns the slot of ``events`` to write it to, or :data:`FULL`."""
    used = n_event_letters(network)
    if used >= min(network["letter_limit"], N_LETTERS - N_COMMANDS):
        return FULL
    slot = network["free_events"][used]
    push_node(network, ts_ns, letter, slot)
    return int(slot)


@kernel(i8(record(NETWORK), record(COMMAND), i8, i8))
def push_command(network: Any, command: Any, ts_ns: int, deadline_ns: int) -> int:
    """Put a command on its way to the venue; returns its slot, or :data:`FULL`."""
    used = network["n_commands"]
    if used >= network["command_limit"] or room(network) - 2 < network["report_reserve"]:
        return FULL
    slot = network["free_commands"][used]
    push_node(network, ts_ns, TO_VENUE, slot)
    network["n_commands"] = used + 1
    network["commands"][slot] = command
    network["deadlines_ns"][slot] = deadline_ns
    return int(slot)


@kernel(void(record(NETWORK), records(COMMAND), array(i8), i8))
def take_command(network: Any, commands: Any, deadlines_ns: Any, at: int) -> None:
    """Take the command that is first in the heap into ``commands[at]`` and ``deadlines_ns[at]``."""
    slot = network["heap"][0]["slot"]
    commands[at] = network["commands"][slot]
    deadlines_ns[at] = network["deadlines_ns"][slot]
    network["n_commands"] -= 1
    network["free_commands"][network["n_commands"]] = slot
    pop_node(network)


@kernel(b1(record(NETWORK), i8, i8))
def is_child_next(network: Any, parent_id: int, ts_ns: int) -> bool:
    """Whether the first letter in the heap is a child of an order, placed at the same time."""
    if network["n_nodes"] == 0:
        return False
    node = network["heap"][0]
    if node["letter"] != TO_VENUE or node["ts_ns"] != ts_ns:
        return False
    command = network["commands"][node["slot"]]
    return bool(command["kind"] == PLACE and parent_id != 0 and command["order"]["parent_id"] == parent_id)


@kernel(i8(record(NETWORK), i8))
def deliver_until(network: Any, until_ns: int) -> int:
    """Move letters to us that arrive up to a time into the inbox, as far as no command arrives before them.

    Returns:
        When the command that is next arrives, or :data:`NEVER` where none arrives up to that time.
    """
    while network["n_nodes"] > 0:
        node = network["heap"][0]
        if node["ts_ns"] > until_ns:
            return NEVER
        if node["letter"] == TO_VENUE:
            return int(node["ts_ns"])
        copy_node(network["inbox"][network["n_inbox"]], node)
        network["n_inbox"] += 1
        pop_node(network)
    return NEVER


@kernel(void(record(NETWORK), i8))
def free_event(network: Any, slot: int) -> None:
    """Give the slot of a letter back that was just taken off the inbox or the heap."""
    network["free_events"][n_event_letters(network)] = slot


@kernel(i8(record(NETWORK), records(EVENT), array(i8), b1))
def read_inbox(network: Any, out: Any, arrived_ns: Any, with_market: bool) -> int:
    """Take letters from the inbox in the order of arrival, as many as fit; the market's only when asked for.

    Args:
        out, arrived_ns: rows to write: the event, and when it arrived.

    Returns:
        How many were taken.
    """
    n_out, kept, n_inbox = 0, 0, network["n_inbox"]
    inbox = network["inbox"]
    for at in range(n_inbox):
        node = inbox[at]
        if n_out < len(out) and (with_market or node["letter"] != MARKET_TO_US):
            out[n_out] = network["events"][node["slot"]]
            arrived_ns[n_out] = node["ts_ns"]
            n_out += 1
            network["n_inbox"] -= 1
            free_event(network, node["slot"])
        else:
            if kept != at:
                copy_node(inbox[kept], node)
            kept += 1
    return n_out


@kernel(i8(record(NETWORK)))
def lose_letters_to_us(network: Any) -> int:
    """Lose every letter to us, under way or unread; commands go on. Returns how many were lost."""
    lost = 0
    while network["n_inbox"] > 0:
        network["n_inbox"] -= 1
        free_event(network, network["inbox"][network["n_inbox"]]["slot"])
        lost += 1
    heap = network["heap"]
    kept = 0
    n_nodes = network["n_nodes"]
    for at in range(n_nodes):
        node = heap[at]
        if node["letter"] == TO_VENUE:
            if kept != at:
                copy_node(heap[kept], node)
            kept += 1
        else:
            network["n_nodes"] -= 1
            free_event(network, node["slot"])
            lost += 1
    for at in range(1, kept):  # what is left is a heap again, one letter after another
        down = at
        while down > 0 and is_before(heap[down], heap[(down - 1) >> 1]):
            swap_nodes(heap[down], heap[(down - 1) >> 1])
            down = (down - 1) >> 1
    return lost
