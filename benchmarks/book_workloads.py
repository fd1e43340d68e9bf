"""Book workloads, seeded: level-2 events of a market with ten levels a side, and flows of limit orders."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.kernel import array, f8, i8, kernel, records
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
