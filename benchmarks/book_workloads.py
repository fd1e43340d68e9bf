"""Book workloads, seeded: level-2 events of a market with ten levels a side, and flows of limit orders."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.kernel import array, f8, i8, kernel, records
from bot4.simulator.book.price_time import add_order, cancel_order, new_price_time_book, order_count, order_lots
from bot4.simulator.book.tape import BOOK_EVENT, LEVEL_SET, TRADED

N_EVENTS = 5_000_000
N_LEVELS = 10
MIDDLE_TICKS = 100_000
START_NS = 1_700_000_000_000_000_000
MEAN_GAP_NS = 1_000_000  # between messages
_MOST_LOTS = 200


@kernel(i8(records(BOOK_EVENT), i8, i8, i8, i8, i8, i8))
def _write(tape: Any, at: int, ts_ns: int, kind: int, side: int, ticks: int, lots: int) -> int:
    if at < len(tape):
        row = tape[at]
        row["ts_ns"] = ts_ns
        row["kind"] = kind
        row["side"] = side
        row["ticks"] = ticks
        row["lots"] = lots
    return at + 1


@kernel(i8(records(BOOK_EVENT), array(f8, 2), array(i8, 2), i8, i8))
def _draw_market(tape: Any, uniform: Any, lots: Any, start_ns: int, gap_ns: int) -> int:
    """Write events until the tape is full: about a quarter of the messages trade, the others change a level.

    ``lots[0]`` and ``lots[1]`` hold bids and asks from the touch outwards. A touch that is used up moves the market by
    a tick: it goes, the other side comes to its price, and the far ends move along.
    """
    n, levels = len(tape), lots.shape[1]
    bid = MIDDLE_TICKS
    ts_ns = start_ns
    at = 0
    for side_at in range(2):
        side = 1 - 2 * side_at
        for level in range(levels):
            at = _write(tape, at, ts_ns, LEVEL_SET, side, bid + side_at - side * level, lots[side_at, level])
    for row in range(len(uniform)):
        if at >= n:
            return row
        ts_ns += 1 + int(-np.log(1.0 - uniform[row, 0]) * gap_ns)
        side_at = int(uniform[row, 1] * 2.0)
        side = 1 - 2 * side_at
        touch = bid + side_at
        if uniform[row, 2] < 0.266:  # an aggressor of the other side takes from this touch
            traded = 1 + int(uniform[row, 3] * min(lots[side_at, 0], _MOST_LOTS // 4))
            traded = min(traded, lots[side_at, 0])
            at = _write(tape, at, ts_ns, TRADED, -side, touch, traded)
            lots[side_at, 0] -= traded
            level = 0
        else:
            level = int(uniform[row, 3] * levels)
            new = 1 + int(uniform[row, 4] * _MOST_LOTS)
            lots[side_at, level] = 0 if level == 0 and uniform[row, 4] < 0.02 else new
        at = _write(tape, at, ts_ns, LEVEL_SET, side, touch - side * level, lots[side_at, level])
        if lots[side_at, 0] == 0:
            other = 1 - side_at
            at = _write(tape, at, ts_ns, LEVEL_SET, -side, touch + side * levels, 0)
            for level in range(levels - 1):
                lots[side_at, level] = lots[side_at, level + 1]
                lots[other, levels - 1 - level] = lots[other, levels - 2 - level]
            lots[side_at, levels - 1] = 1 + int(uniform[row, 4] * _MOST_LOTS)
            lots[other, 0] = 1 + int(uniform[row, 5] * _MOST_LOTS)
            at = _write(tape, at, ts_ns, LEVEL_SET, -side, touch, lots[other, 0])
            at = _write(tape, at, ts_ns, LEVEL_SET, side, touch - side * levels, lots[side_at, levels - 1])
            bid -= side
    return len(uniform)


def workload_l(n: int = N_EVENTS, seed: int = 4) -> Any:
    """Workload L: a tape of level-2 events, 80% depth and 20% trades, heard 0.5 to 3 ms later and in order."""
    rng = np.random.default_rng(seed)
    tape = np.zeros(n, dtype=BOOK_EVENT)
    lots = rng.integers(1, _MOST_LOTS, (2, N_LEVELS))
    _draw_market(tape, rng.random((n, 6)), lots, START_NS, MEAN_GAP_NS)
    heard = np.maximum.accumulate(tape["ts_ns"] + rng.integers(500_000, 3_000_000, n))
    tape["latency_ns"] = heard - tape["ts_ns"]
    return tape


ORDER_FLOW = np.dtype([("order_id", "i8"), ("ticks", "i8"), ("lots", "i8"), ("side", "i8"), ("is_cancel", "i8")])
"""A message to a matching engine: a new limit order, or the cancel of one that is in the book."""


@kernel(i8(array(i8), i8, f8, array(i8)))
def _some_resting(placed: Any, n: int, uniform: float, book: Any) -> int:
    """Move an order that rests to the end of those placed, and drop what no longer does; returns how many are kept."""
    while n > 0:
        at = int(uniform * n)
        chosen = placed[at]
        placed[at] = placed[n - 1]
        placed[n - 1] = chosen
        if order_lots(book, chosen) > 0:
            return n
        n -= 1
    return 0


@kernel(i8(records(ORDER_FLOW), array(f8, 2), array(i8), array(i8), array(i8, 2)))
def _draw_flow(flow: Any, uniform: Any, placed: Any, book: Any, fills: Any) -> int:
    """Draw messages while matching them, so that only orders that rest are cancelled; returns the orders left."""
    centre, next_id, n_placed = MIDDLE_TICKS, 1, 0
    for at in range(len(flow)):
        row = flow[at]
        if uniform[at, 0] < 0.02:
            centre += 1 if uniform[at, 1] < 0.5 else -1
        if uniform[at, 2] < 0.45 and order_count(book) > 2000:
            n_placed = _some_resting(placed, n_placed, uniform[at, 3], book)
            n_placed -= 1
            row["order_id"] = placed[n_placed]
            row["is_cancel"] = 1
            cancel_order(book, placed[n_placed])
            continue
        side = 1 if uniform[at, 4] < 0.5 else -1
        away = int(-np.log(1.0 - uniform[at, 5]) * 8.0) - 1
        row["order_id"] = next_id
        row["side"] = side
        row["ticks"] = centre - side * away
        row["lots"] = 1 + int(uniform[at, 3] * 100.0)
        add_order(book, next_id, 0, side, row["ticks"], row["lots"], 0, 0, False, 0, fills)
        placed[n_placed] = next_id
        n_placed += 1
        next_id += 1
    return order_count(book)


def order_flow(n: int, seed: int = 6) -> Any:
    """A flow of limit orders around a wandering price, some of them marketable, and cancels of what rests."""
    flow = np.zeros(n, dtype=ORDER_FLOW)
    book, fills = new_price_time_book(n_orders=1 << 20, n_prices=1 << 14), np.zeros((4096, 6), dtype=np.int64)
    _draw_flow(flow, np.random.default_rng(seed).random((n, 6)), np.zeros(n, dtype=np.int64), book, fills)
    return flow
