"""The bare level-2 book: how many level changes a second. Target: 40M.

What the book holds at the end is compared with a dictionary of levels before anything is timed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.book_workloads import workload_l
from benchmarks.measuring import median_cpu_seconds, table
from bot4.domain.bars import IntArray
from bot4.domain.orders import BUY, SELL
from bot4.kernel import array, i8, kernel, records
from bot4.simulator.book.ladder import apply_level, best_ask, best_bid, new_ladder, read_levels, set_level
from bot4.simulator.book.tape import BOOK_EVENT, LEVEL_SET


@kernel(i8(records(BOOK_EVENT), array(i8)))
def set_all(tape: Any, book: IntArray) -> int:
    """Set every level, and look at both best prices after each; returns a sum of them."""
    total = 0
    for at in range(len(tape)):
        set_level(book, tape[at]["side"], tape[at]["ticks"], tape[at]["lots"])
        total += best_ask(book) - best_bid(book)
    return total


@kernel(i8(records(BOOK_EVENT), array(i8)))
def apply_all(tape: Any, book: IntArray) -> int:
    """Apply every change with its checks; returns how many were refused or crossed the book."""
    refused = 0
    for at in range(len(tape)):
        if apply_level(book, tape[at]["side"], tape[at]["ticks"], tape[at]["lots"]) != 0:
            refused += 1
    return refused


@kernel(i8(records(BOOK_EVENT), array(i8), array(i8, 2)))
def read_all(tape: Any, book: IntArray, levels: IntArray) -> int:
    """Set every level and read the five best of its side each time."""
    total = 0
    for at in range(len(tape)):
        set_level(book, tape[at]["side"], tape[at]["ticks"], tape[at]["lots"])
        total += read_levels(book, tape[at]["side"], levels)
    return total


def plain_levels(tape: Any) -> dict[int, dict[int, int]]:
    sides: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
    for side, ticks, lots in zip(tape["side"].tolist(), tape["ticks"].tolist(), tape["lots"].tolist(), strict=True):
        if lots:
            sides[side][ticks] = lots
        else:
            sides[side].pop(ticks, None)
    return sides


def wide_changes(n: int, seed: int = 5) -> Any:
    """Changes at prices drawn over 2000 ticks a side, half of them removals: levels come and go."""
    rng = np.random.default_rng(seed)
    tape = np.zeros(n, dtype=BOOK_EVENT)
    tape["side"] = rng.choice([BUY, SELL], n)
    tape["ticks"] = 100_000 - tape["side"] * (1 + (rng.random(n) ** 3 * 2000).astype(np.int64))
    tape["lots"] = rng.integers(1, 200, n) * (rng.random(n) < 0.5)
    tape["kind"] = LEVEL_SET
    return tape


def is_equal(book: IntArray, tape: Any) -> bool:
    sides = plain_levels(tape)
    for side in (BUY, SELL):
        rows = np.zeros((len(sides[side]) + 1, 2), dtype=np.int64)
        n = int(read_levels(book, side, rows))
        if rows[:n].tolist() != [list(level) for level in sorted(sides[side].items(), reverse=side == BUY)]:
            return False
    return True


def run() -> dict[str, Any]:
    """Changes a second on the depth events of workload L, and on wide ones."""
    events = workload_l()
    found = {}
    for name, tape in (("workload L", events[events["kind"] == LEVEL_SET].copy()), ("wide", wide_changes(4_000_000))):
        book = new_ladder()
        refused = int(apply_all(tape, book))
        levels = np.zeros((5, 2), dtype=np.int64)
        seconds = {
            "set, both best prices": median_cpu_seconds(lambda tape=tape, book=book: set_all(tape, book)),
            "set with all checks": median_cpu_seconds(lambda tape=tape, book=book: apply_all(tape, book)),
            "set, five levels read": median_cpu_seconds(
                lambda tape=tape, book=book, levels=levels: read_all(tape, book, levels)
            ),
        }
        fresh = new_ladder()
        apply_all(tape, fresh)
        rates = {what: len(tape) / s for what, s in seconds.items()}
        found[name] = {"n": len(tape), "refused": refused, "alike": is_equal(fresh, tape), "per_s": rates}
    return found


def render(found: dict[str, Any]) -> str:
    """The Markdown table of a measurement."""
    rows = [
        (name, f"{entry['n']:,}", what, f"{rate / 1e6:.1f}M", "yes" if entry["alike"] else "NO")
        for name, entry in found.items()
        for what, rate in entry["per_s"].items()
    ]
    return table(("changes of", "number", "each", "changes/s", "levels as a dictionary's"), rows)


if __name__ == "__main__":
    print(render(run()))
