"""The level-2 book: what stands at each price of each side, found by its tick, as one int64 array.

A book is one array (``new_ladder(n_ticks, n_far)``), so that a snapshot is its bytes and a kernel takes one argument.
Each side has a window of ``n_ticks`` prices, indexed by the distance from its inner end outwards, so that both sides
are read alike: position ``p`` of a bid is ``origin - p`` ticks, of an ask ``origin + p``. Two bitmaps over the window
find the next level in a few steps. Levels beyond the window are kept in order in a table of ``n_far`` rows. The
window follows the market by itself; what finds no room is refused with :data:`FULL` and nothing is changed
(:class:`OrderBook` then makes a larger array). Nothing is ever dropped.

Kernels (``book`` is such an array, ``side`` is ``BUY`` or ``SELL`` of :mod:`bot4.domain.orders`):

- ``apply_level(book, side, ticks, lots) -> status``: the quantity that stands at a price now, 0 for none
- ``best_bid(book)``, ``best_ask(book) -> ticks``: :data:`NO_BID`, :data:`NO_ASK` where the side is empty
- ``level_lots(book, side, ticks) -> lots``: what stands at one price
- ``lots_within(book, side, limit_ticks) -> lots``: what stands at a price or better
- ``walk(book, taker_side, lots, limit_ticks, fills) -> n``: what a taker would get; the book stays as it is
- ``take(book, taker_side, lots, limit_ticks, fills) -> n``: the same, and the book loses it
- ``read_levels(book, side, levels) -> n``: the best levels, best first
- ``next_price(book, side, ticks) -> ticks``: the next one outwards
- ``clear_side(book, side)``, ``is_crossed(book)``
- ``set_level(book, side, ticks, lots) -> APPLIED or FULL``: for changes that were checked before
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import IntArray
from bot4.domain.errors import DataError, SettingError
from bot4.domain.orders import BUY, SELL
from bot4.kernel import array, b1, i8, kernel, void
from bot4.simulator.book.ladder_window import (
    APPLIED,
    BEST,
    BLOCK_HEADER,
    FULL,
    GROUP,
    GROUP_SHIFT,
    HEADER,
    N_FAR,
    N_IN_FAR,
    N_IN_WINDOW,
    N_TICKS,
    ORIGIN,
    SIGN,
    STRIDE,
    WORD_SHIFT,
    block_of,
    far_of,
    far_row,
    next_level,
    set_in_window,
    set_outside,
)

CROSSED = 1
NEGATIVE_LOTS = 2
BAD_TICKS = 3
TOO_MANY_LOTS = 4


class BookStatus(IntEnum):
    """What became of a level change. Up to CROSSED it is in the book; the others changed nothing."""

    APPLIED = APPLIED
    CROSSED = CROSSED  # and now the best bid is at or above the best ask
    NEGATIVE_LOTS = NEGATIVE_LOTS
    BAD_TICKS = BAD_TICKS  # not below 2**40 in magnitude
    TOO_MANY_LOTS = TOO_MANY_LOTS  # 2**53 or more
    FULL = FULL  # the table of far levels has no room


NO_BID = -(1 << 62)
NO_ASK = 1 << 62
MAX_TICKS = 1 << 40
MAX_LEVEL_LOTS = 1 << 53
MAX_WINDOW_TICKS = 1 << 24

_BOOK = array(i8)
_LEVELS = array(i8, 2)


def new_ladder(n_ticks: int = 4096, n_far: int = 4096) -> IntArray:
    """An empty book.

    Args:
        n_ticks: prices within a side's window: a power of two from 1024 to 2**24. A few times the range in which the
            market moves within minutes is best; memory is about 17 bytes a tick.
        n_far: levels of a side that may stand beyond its window, 1 to 2**24.

    Returns:
        int64 array to hand to the kernels.

    Raises:
        SettingError: where a capacity is out of bounds.
    """
    if not GROUP <= n_ticks <= MAX_WINDOW_TICKS or n_ticks & (n_ticks - 1):
        raise SettingError(
            f"a book with a window of {n_ticks} ticks", where="order book",
            remedy=f"give a power of two from {GROUP} to {MAX_WINDOW_TICKS}",
        )  # fmt: skip
    if not 1 <= n_far <= MAX_WINDOW_TICKS:
        raise SettingError(
            f"a book with room for {n_far} far levels", where="order book",
            remedy=f"give 1 to {MAX_WINDOW_TICKS}",
        )  # fmt: skip
    stride = BLOCK_HEADER + n_ticks + (n_ticks >> WORD_SHIFT) + (n_ticks >> GROUP_SHIFT) + 2 * n_far
    stride = -(-stride // 8) * 8
    book = np.zeros(HEADER + 2 * stride, dtype=np.int64)
    book[N_TICKS], book[N_FAR], book[STRIDE] = n_ticks, n_far, stride
    for side in (BUY, SELL):
        at = int(block_of(book, side))
        book[at + SIGN] = -side
        book[at + BEST] = n_ticks
    return book


# --- the book -----------------------------------------------------------------------------------------------------


@kernel(i8(_BOOK), is_inlined=True)
def best_bid(book: IntArray) -> int:
    """Ticks of the best bid, or :data:`NO_BID`."""
    at = HEADER
    return int(book[at + ORIGIN] - book[at + BEST]) if book[at + N_IN_WINDOW] > 0 else NO_BID


@kernel(i8(_BOOK), is_inlined=True)
def best_ask(book: IntArray) -> int:
    """Ticks of the best ask, or :data:`NO_ASK`."""
    at = HEADER + book[STRIDE]
    return int(book[at + ORIGIN] + book[at + BEST]) if book[at + N_IN_WINDOW] > 0 else NO_ASK


@kernel(b1(_BOOK), is_inlined=True)
def is_crossed(book: IntArray) -> bool:
    """Whether the best bid is at or above the best ask."""
    return bool(best_bid(book) >= best_ask(book))


@kernel(b1(_BOOK, i8, i8), is_inlined=True)
def reaches(book: IntArray, taker_side: int, limit_ticks: int) -> bool:
    """Whether an order at a price would find something to take: without a branch on the side, unlike the touch."""
    at = block_of(book, -taker_side)
    is_any = book[at + N_IN_WINDOW] > 0
    return bool(is_any and book[at + SIGN] * (limit_ticks - book[at + ORIGIN]) >= book[at + BEST])


@kernel(i8(_BOOK, i8), is_inlined=True)
def touch_ticks(book: IntArray, side: int) -> int:
    """Ticks of the best level of a side that is not empty."""
    at = block_of(book, side)
    return int(book[at + ORIGIN] + book[at + SIGN] * book[at + BEST])


@kernel(i8(_BOOK, i8, i8, i8), is_inlined=True)
def set_level(book: IntArray, side: int, ticks: int, lots: int) -> int:
    """:func:`apply_level` of a change that was checked before, without a look at the other side.

    For loops over checked tapes: ticks below 2**40 in magnitude, lots from 0 to 2**53 - 1.

    Returns:
        APPLIED or FULL.
    """
    at = block_of(book, side)
    position = book[at + SIGN] * (ticks - book[at + ORIGIN])
    if 0 <= position < book[N_TICKS]:
        return int(set_in_window(book, at, position, lots))
    return int(set_outside(book, at, ticks, lots))


@kernel(i8(_BOOK, i8, i8, i8))
def apply_level(book: IntArray, side: int, ticks: int, lots: int) -> int:
    """Set the quantity that stands at a price now.

    Args:
        book: of :func:`new_ladder`.
        side: BUY for a bid, SELL for an ask.
        ticks: the price.
        lots: all that stands there, 0 for nothing.

    Returns:
        A :class:`BookStatus`. A crossed book is kept as it was told: a venue's message of several levels may cross
        until its last one. Every other status but APPLIED changed nothing.
    """
    if lots < 0:
        return NEGATIVE_LOTS
    if lots >= MAX_LEVEL_LOTS:
        return TOO_MANY_LOTS
    if ticks <= -MAX_TICKS or ticks >= MAX_TICKS:
        return BAD_TICKS
    status = set_level(book, side, ticks, lots)
    if status == APPLIED and lots > 0 and is_crossed(book):
        return CROSSED
    return int(status)


@kernel(i8(_BOOK, i8, i8))
def _lots_outside(book: IntArray, at: int, ticks: int) -> int:
    """Lots at a price that is not within the window."""
    row, far = far_row(book, at, ticks), far_of(book, at)
    is_there = row < book[at + N_IN_FAR] and book[far + row] == ticks
    return int(book[far + book[N_FAR] + row]) if is_there else 0


@kernel(i8(_BOOK, i8, i8), is_inlined=True)
def level_lots(book: IntArray, side: int, ticks: int) -> int:
    """Lots that stand at a price of a side."""
    at = block_of(book, side)
    position = book[at + SIGN] * (ticks - book[at + ORIGIN])
    if 0 <= position < book[N_TICKS]:
        return int(book[at + BLOCK_HEADER + position])
    return int(_lots_outside(book, at, ticks))


@kernel(i8(_BOOK, i8, i8))
def next_price(book: IntArray, side: int, ticks: int) -> int:
    """The next price of a side beyond one, outwards; :data:`NO_BID` or :data:`NO_ASK` where there is none."""
    at = block_of(book, side)
    n_ticks, sign, origin = book[N_TICKS], book[at + SIGN], book[at + ORIGIN]
    position = sign * (ticks - origin) + 1
    if position < n_ticks:
        position = next_level(book, at, max(position, 0))
        if position < n_ticks:
            return int(origin + sign * position)
    row, far = far_row(book, at, ticks + sign), far_of(book, at)
    if row < book[at + N_IN_FAR]:
        return int(book[far + row])
    return NO_ASK if sign > 0 else NO_BID


@kernel(i8(_BOOK, i8, i8, i8, _LEVELS))
def _read(book: IntArray, at: int, lots: int, limit_ticks: int, rows: IntArray) -> int:
    """Write levels from the best outwards, as far as a limit, until so many lots are reached or the rows are full."""
    n_ticks, sign, origin = book[N_TICKS], book[at + SIGN], book[at + ORIGIN]
    n, left = 0, lots
    p = book[at + BEST]
    while p < n_ticks and left > 0 and n < len(rows) and sign * (limit_ticks - origin) >= p:
        stands = book[at + BLOCK_HEADER + p]
        rows[n, 0] = origin + sign * p
        rows[n, 1] = min(left, stands)
        left -= rows[n, 1]
        n += 1
        p = next_level(book, at, p + 1)
    far = far_of(book, at)
    row = 0
    while p == n_ticks and row < book[at + N_IN_FAR] and left > 0 and n < len(rows):
        ticks = book[far + row]
        if sign * (limit_ticks - ticks) < 0:
            break
        rows[n, 0] = ticks
        rows[n, 1] = min(left, book[far + book[N_FAR] + row])
        left -= rows[n, 1]
        n += 1
        row += 1
    return int(n)


@kernel(i8(_BOOK, i8, _LEVELS))
def read_levels(book: IntArray, side: int, levels: IntArray) -> int:
    """Write the best levels of a side as rows (ticks, lots), best first; returns how many there were room for."""
    limit = NO_ASK if side == SELL else NO_BID
    return int(_read(book, block_of(book, side), 1 << 62, limit, levels))


@kernel(i8(_BOOK, i8, i8))
def lots_within(book: IntArray, side: int, limit_ticks: int) -> int:
    """Lots of a side that stand at a price or better (for a taker); 2**62 where they are as many or more."""
    at = block_of(book, side)
    n_ticks, sign, origin = book[N_TICKS], book[at + SIGN], book[at + ORIGIN]
    total = 0
    p = book[at + BEST]
    while p < n_ticks and sign * (limit_ticks - origin) >= p and total < NO_ASK:
        total += book[at + BLOCK_HEADER + p]
        p = next_level(book, at, p + 1)
    far = far_of(book, at)
    for row in range(book[at + N_IN_FAR]):
        if sign * (limit_ticks - book[far + row]) < 0 or total >= NO_ASK:
            break
        total += book[far + book[N_FAR] + row]
    return int(min(total, NO_ASK))


@kernel(i8(_BOOK, i8, i8, i8, _LEVELS))
def walk(book: IntArray, taker_side: int, lots: int, limit_ticks: int, fills: IntArray) -> int:
    """What a taking order would get, best price first; the book stays as it is.

    Args:
        book: of :func:`new_ladder`.
        taker_side: BUY takes asks, SELL takes bids.
        lots: wanted, positive.
        limit_ticks: the worst price; :data:`NO_ASK` for a buyer, :data:`NO_BID` for a seller that takes any.
        fills: int64[m, 2], written with rows of ticks and lots.

    Returns:
        How many rows were written. If all m, there may be more: the sum of their lots says.
    """
    return int(_read(book, block_of(book, -taker_side), lots, limit_ticks, fills))


@kernel(i8(_BOOK, i8, i8, i8, _LEVELS))
def take(book: IntArray, taker_side: int, lots: int, limit_ticks: int, fills: IntArray) -> int:
    """:func:`walk`, and the book loses what was taken; if all rows were written, call again for the rest."""
    n = _read(book, block_of(book, -taker_side), lots, limit_ticks, fills)
    for row in range(n):
        left = level_lots(book, -taker_side, fills[row, 0]) - fills[row, 1]
        set_level(book, -taker_side, fills[row, 0], left)
    return int(n)


@kernel(void(_BOOK, i8))
def clear_side(book: IntArray, side: int) -> None:
    """Take every level off a side."""
    at = block_of(book, side)
    n_ticks = book[N_TICKS]
    window = at + BLOCK_HEADER
    for place in range(n_ticks + (n_ticks >> WORD_SHIFT) + (n_ticks >> GROUP_SHIFT)):
        book[window + place] = 0
    book[at + BEST] = n_ticks
    book[at + N_IN_WINDOW] = 0
    book[at + N_IN_FAR] = 0


@kernel(i8(_BOOK, _LEVELS))
def apply_levels(book: IntArray, changes: IntArray) -> int:
    """Apply rows of (side, ticks, lots) in their order as far as there is room; returns how many were applied."""
    for row in range(len(changes)):
        if set_level(book, changes[row, 0], changes[row, 1], changes[row, 2]) == FULL:
            return row
    return len(changes)


# --- from Python --------------------------------------------------------------------------------------------------


def grown(book: IntArray) -> IntArray:
    """The same book with twice the room for far levels: what to do where a kernel says FULL."""
    n_far = int(book[N_FAR])
    larger = new_ladder(int(book[N_TICKS]), 2 * n_far)
    for side in (BUY, SELL):
        source, target = int(block_of(book, side)), int(block_of(larger, side))
        far, n = int(far_of(book, source)), int(book[source + N_IN_FAR])
        larger[target : target + far - source] = book[source:far]
        to = int(far_of(larger, target))
        larger[to : to + n] = book[far : far + n]
        larger[to + 2 * n_far : to + 2 * n_far + n] = book[far + n_far : far + n_far + n]
    return larger


class OrderBook:
    """A level-2 book that grows when it has to.

    >>> book = OrderBook()
    >>> book.apply([(BUY, 100, 5), (SELL, 101, 7)])
    <BookStatus.APPLIED: 0>
    >>> book.best()
    (100, 101)
    """

    def __init__(self, n_ticks: int = 4096, n_far: int = 4096) -> None:
        self.ladder = new_ladder(n_ticks, n_far)

    def apply(self, changes: npt.ArrayLike) -> BookStatus:
        """Set levels: all of a message, or nothing of it.

        Args:
            changes: int64[m, 3], rows of side (BUY or SELL), ticks, and the lots that stand there now (0: none).

        Returns:
            CROSSED where the book is crossed after the last row, else APPLIED.

        Raises:
            DataError: where a row has another side, negative lots, 2**53 lots or more, or a price of 2**40 ticks or
                more in magnitude. The book is then as it was.
        """
        rows = np.ascontiguousarray(changes, dtype=np.int64).reshape(-1, 3)
        _check(rows)
        done = int(apply_levels(self.ladder, rows))
        while done < len(rows):
            self.ladder = grown(self.ladder)
            done += int(apply_levels(self.ladder, rows[done:]))
        return BookStatus.CROSSED if is_crossed(self.ladder) else BookStatus.APPLIED

    def best(self) -> tuple[int | None, int | None]:
        """Ticks of the best bid and the best ask; None where a side is empty."""
        bid, ask = int(best_bid(self.ladder)), int(best_ask(self.ladder))
        return (None if bid == NO_BID else bid, None if ask == NO_ASK else ask)

    def levels(self, n: int) -> tuple[IntArray, IntArray]:
        """The best ``n`` levels of bids and of asks as int64[m, 2] rows of ticks and lots, best first."""
        return self._levels(BUY, n), self._levels(SELL, n)

    def lots_at(self, side: int, ticks: int) -> int:
        """Lots that stand at a price of a side."""
        return int(level_lots(self.ladder, side, ticks))

    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        return bool(is_crossed(self.ladder))

    def take(self, taker_side: int, lots: int, limit_ticks: int | None = None) -> IntArray:
        """Take from the book up to a limit (None: at any price); returns int64[m, 2] rows of ticks and lots.

        Raises:
            DataError: where ``lots`` is not positive.
        """
        if lots <= 0:
            raise DataError(f"{lots} lots to take", where="order book", remedy="give one lot or more")
        limit = limit_ticks if limit_ticks is not None else NO_ASK if taker_side == BUY else NO_BID
        parts, rows, left = [np.zeros((0, 2), dtype=np.int64)], np.zeros((64, 2), dtype=np.int64), lots
        n = len(rows)
        while n == len(rows) and left > 0:
            n = int(take(self.ladder, taker_side, left, limit, rows))
            parts.append(rows[:n].copy())
            left -= int(rows[:n, 1].sum())
        return np.concatenate(parts)

    def reset(self) -> None:
        """Empty the book."""
        clear_side(self.ladder, BUY)
        clear_side(self.ladder, SELL)

    def _levels(self, side: int, n: int) -> IntArray:
        rows = np.zeros((n, 2), dtype=np.int64)
        return rows[: int(read_levels(self.ladder, side, rows))]


def _check(rows: IntArray) -> None:
    side, ticks, lots = rows[:, 0], rows[:, 1], rows[:, 2]
    for is_bad, what, remedy in (
        ((side != BUY) & (side != SELL), "a side that is neither", f"give {BUY} for bids, {SELL} for asks"),
        (lots < 0, "negative lots", "give the lots that stand at the price, 0 for none"),
        (lots >= MAX_LEVEL_LOTS, "2**53 lots or more", "choose a larger lot"),
        ((ticks <= -MAX_TICKS) | (ticks >= MAX_TICKS), "a price of 2**40 ticks or more", "choose a larger tick"),
    ):
        if is_bad.any():
            row = int(np.argmax(is_bad))
            raise DataError(
                f"row {row} of a level change has {what}: {rows[row].tolist()}", where="order book", remedy=remedy
            )


__all__ = [
    "APPLIED", "BAD_TICKS", "CROSSED", "FULL", "MAX_LEVEL_LOTS", "MAX_TICKS", "MAX_WINDOW_TICKS", "NEGATIVE_LOTS",
    "NO_ASK", "NO_BID", "TOO_MANY_LOTS", "BookStatus", "OrderBook", "apply_level", "apply_levels", "best_ask",
    "best_bid", "clear_side", "grown", "is_crossed", "level_lots", "lots_within", "new_ladder", "next_price",
    "reaches", "read_levels", "set_level", "take", "touch_ticks", "walk",
]  # fmt: skip
