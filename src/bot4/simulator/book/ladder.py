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
- ``clear_side(book, side)``, ``is_crossed(book)``
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import IntArray
from bot4.domain.errors import DataError, SettingError
from bot4.domain.orders import BUY, SELL
from bot4.kernel import array, b1, i8, kernel, void

APPLIED = 0
CROSSED = 1
NEGATIVE_LOTS = 2
BAD_TICKS = 3
TOO_MANY_LOTS = 4
FULL = 5


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

_PER_WORD = 32  # bits of a word in use: shifts of a signed 64-bit word then never touch its sign
_WORD_SHIFT = 5
_WORD_MASK = 31
_GROUP_SHIFT = 10  # ticks that one word of the upper bitmap stands for: 2**10
_GROUP = 1 << _GROUP_SHIFT

# The array: the header, then a block for each side.
_N_TICKS = 0
_N_FAR = 1
_STRIDE = 2
_HEADER = 8
# A side's block.
_SIGN = 0  # of the way outwards: -1 for bids, 1 for asks
_ORIGIN = 1  # ticks of position 0
_BEST = 2  # position of the best level; n_ticks for none
_N_IN_WINDOW = 3
_N_IN_FAR = 4
_BLOCK_HEADER = 8  # then: lots, lower bitmap, upper bitmap, ticks of far levels, their lots

_DE_BRUIJN = 0x077CB531
_LOW_32 = 0xFFFFFFFF
_LOWEST_BIT = np.zeros(_PER_WORD, dtype=np.int64)
for _bit in range(_PER_WORD):
    _LOWEST_BIT[(((1 << _bit) * _DE_BRUIJN) & _LOW_32) >> 27] = _bit
_LOWEST_BIT.setflags(write=False)

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
    if not _GROUP <= n_ticks <= MAX_WINDOW_TICKS or n_ticks & (n_ticks - 1):
        raise SettingError(
            f"a book with a window of {n_ticks} ticks", where="order book",
            remedy=f"give a power of two from {_GROUP} to {MAX_WINDOW_TICKS}",
        )  # fmt: skip
    if not 1 <= n_far <= MAX_WINDOW_TICKS:
        raise SettingError(
            f"a book with room for {n_far} far levels", where="order book",
            remedy=f"give 1 to {MAX_WINDOW_TICKS}",
        )  # fmt: skip
    stride = _BLOCK_HEADER + n_ticks + (n_ticks >> _WORD_SHIFT) + (n_ticks >> _GROUP_SHIFT) + 2 * n_far
    stride = -(-stride // 8) * 8
    book = np.zeros(_HEADER + 2 * stride, dtype=np.int64)
    book[_N_TICKS], book[_N_FAR], book[_STRIDE] = n_ticks, n_far, stride
    for side in (BUY, SELL):
        at = int(_block(book, side))
        book[at + _SIGN] = -side
        book[at + _BEST] = n_ticks
    return book


# --- inside a side ------------------------------------------------------------------------------------------------


@kernel(i8(_BOOK, i8), is_inlined=True)
def _block(book: IntArray, side: int) -> int:
    """Where a side's block begins."""
    return int(_HEADER + (book[_STRIDE] if side < 0 else 0))


@kernel(i8(i8), is_inlined=True)
def _lowest_bit(word: int) -> int:
    """Number of the lowest bit set in a word of 32 bits that is not 0."""
    return int(_LOWEST_BIT[(((word & -word) * _DE_BRUIJN) & _LOW_32) >> 27])


@kernel(i8(_BOOK, i8, i8))
def _next_level(book: IntArray, at: int, position: int) -> int:
    """First position at or after one that has a level; ``n_ticks`` where there is none."""
    n_ticks = book[_N_TICKS]
    if position >= n_ticks:
        return int(n_ticks)
    bits = at + _BLOCK_HEADER + n_ticks
    word_at = position >> _WORD_SHIFT
    word = book[bits + word_at] >> (position & _WORD_MASK)
    if word != 0:
        return int(position + _lowest_bit(word))
    groups = bits + (n_ticks >> _WORD_SHIFT)
    n_groups = n_ticks >> _GROUP_SHIFT
    word_at += 1
    group_at = word_at >> _WORD_SHIFT
    if group_at >= n_groups:
        return int(n_ticks)
    group = (book[groups + group_at] >> (word_at & _WORD_MASK)) << (word_at & _WORD_MASK)
    while group == 0:
        group_at += 1
        if group_at >= n_groups:
            return int(n_ticks)
        group = book[groups + group_at]
    word_at = (group_at << _WORD_SHIFT) + _lowest_bit(group)
    return int((word_at << _WORD_SHIFT) + _lowest_bit(book[bits + word_at]))


@kernel(void(_BOOK, i8, i8), is_inlined=True)
def _mark(book: IntArray, at: int, position: int) -> None:
    bits = at + _BLOCK_HEADER + book[_N_TICKS]
    word_at = position >> _WORD_SHIFT
    book[bits + word_at] |= 1 << (position & _WORD_MASK)
    groups = bits + (book[_N_TICKS] >> _WORD_SHIFT)
    book[groups + (word_at >> _WORD_SHIFT)] |= 1 << (word_at & _WORD_MASK)
    book[at + _N_IN_WINDOW] += 1


@kernel(void(_BOOK, i8, i8), is_inlined=True)
def _unmark(book: IntArray, at: int, position: int) -> None:
    bits = at + _BLOCK_HEADER + book[_N_TICKS]
    word_at = position >> _WORD_SHIFT
    word = book[bits + word_at] & ~(1 << (position & _WORD_MASK))
    book[bits + word_at] = word
    if word == 0:
        groups = bits + (book[_N_TICKS] >> _WORD_SHIFT)
        book[groups + (word_at >> _WORD_SHIFT)] &= ~(1 << (word_at & _WORD_MASK))
    book[at + _N_IN_WINDOW] -= 1


@kernel(i8(_BOOK, i8), is_inlined=True)
def _far(book: IntArray, at: int) -> int:
    """Where the ticks of a side's far levels begin; their lots are ``n_far`` further."""
    n_ticks = book[_N_TICKS]
    return int(at + _BLOCK_HEADER + n_ticks + (n_ticks >> _WORD_SHIFT) + (n_ticks >> _GROUP_SHIFT))


@kernel(i8(_BOOK, i8, i8))
def _far_row(book: IntArray, at: int, ticks: int) -> int:
    """Row of the far table where a price is or belongs; the rows run outwards."""
    far, sign = _far(book, at), book[at + _SIGN]
    low, high = 0, book[at + _N_IN_FAR]
    while low < high:
        middle = (low + high) >> 1
        if sign * book[far + middle] < sign * ticks:
            low = middle + 1
        else:
            high = middle
    return int(low)


@kernel(i8(_BOOK, i8, i8, i8))
def _set_far(book: IntArray, at: int, ticks: int, lots: int) -> int:
    far = _far(book, at)
    far_lots = far + book[_N_FAR]
    n = book[at + _N_IN_FAR]
    row = _far_row(book, at, ticks)
    is_there = row < n and book[far + row] == ticks
    if is_there and lots > 0:
        book[far_lots + row] = lots
    elif is_there:
        for to in range(row, n - 1):
            book[far + to] = book[far + to + 1]
            book[far_lots + to] = book[far_lots + to + 1]
        book[at + _N_IN_FAR] = n - 1
    elif lots > 0:
        if n == book[_N_FAR]:
            return FULL
        for to in range(n, row, -1):
            book[far + to] = book[far + to - 1]
            book[far_lots + to] = book[far_lots + to - 1]
        book[far + row] = ticks
        book[far_lots + row] = lots
        book[at + _N_IN_FAR] = n + 1
    return APPLIED


@kernel(i8(_BOOK, i8, i8))
def _move_window(book: IntArray, at: int, origin: int) -> int:
    """Move a side's window to begin at another price, no further in than its best level.

    Levels that fall out join the far ones, far ones that fall in leave them. FULL where they have no room: then
    nothing was changed.
    """
    n_ticks, sign = book[_N_TICKS], book[at + _SIGN]
    window = at + _BLOCK_HEADER
    shift = sign * (book[at + _ORIGIN] - origin)  # positions grow by this
    first_out = max(n_ticks - shift, 0) if shift > 0 else n_ticks
    n_out = 0
    p = _next_level(book, at, first_out)
    while p < n_ticks:
        n_out += 1
        p = _next_level(book, at, p + 1)
    far = _far(book, at)
    far_lots = far + book[_N_FAR]
    n_far = book[at + _N_IN_FAR]
    if n_far + n_out > book[_N_FAR]:
        return FULL
    if n_out > 0:  # they stand before all that is there
        for row in range(n_far - 1, -1, -1):
            book[far + row + n_out] = book[far + row]
            book[far_lots + row + n_out] = book[far_lots + row]
        p = _next_level(book, at, first_out)
        for row in range(n_out):
            book[far + row] = book[at + _ORIGIN] + sign * p
            book[far_lots + row] = book[window + p]
            p = _next_level(book, at, p + 1)
        n_far += n_out
    if shift > 0:
        for p in range(n_ticks - 1, -1, -1):
            book[window + p] = book[window + p - shift] if p >= shift else 0
    else:
        for p in range(n_ticks):
            book[window + p] = book[window + p - shift] if p - shift < n_ticks else 0
    book[at + _ORIGIN] = origin
    n_in = 0
    while n_in < n_far and n_out == 0 and sign * (book[far + n_in] - origin) < n_ticks:
        book[window + sign * (book[far + n_in] - origin)] = book[far_lots + n_in]
        n_in += 1
    for row in range(n_far - n_in if n_in > 0 else 0):
        book[far + row] = book[far + row + n_in]
        book[far_lots + row] = book[far_lots + row + n_in]
    book[at + _N_IN_FAR] = n_far - n_in
    _index_window(book, at)
    return APPLIED


@kernel(void(_BOOK, i8))
def _index_window(book: IntArray, at: int) -> None:
    """Make the bitmaps and the best level anew from the lots."""
    n_ticks = book[_N_TICKS]
    window = at + _BLOCK_HEADER
    for word in range((n_ticks >> _WORD_SHIFT) + (n_ticks >> _GROUP_SHIFT)):
        book[window + n_ticks + word] = 0
    book[at + _N_IN_WINDOW] = 0
    for p in range(n_ticks):
        if book[window + p] != 0:
            _mark(book, at, p)
    book[at + _BEST] = _next_level(book, at, 0)


@kernel(i8(_BOOK, i8, i8, i8))
def _apply_outside(book: IntArray, at: int, ticks: int, lots: int) -> int:
    """A change at a price that is not within the window."""
    n_ticks, sign = book[_N_TICKS], book[at + _SIGN]
    is_inside = sign * (ticks - book[at + _ORIGIN]) < 0
    if lots == 0:
        return APPLIED if is_inside else int(_set_far(book, at, ticks, 0))
    is_empty = book[at + _N_IN_WINDOW] == 0 and book[at + _N_IN_FAR] == 0
    if is_empty:
        book[at + _ORIGIN] = ticks - sign * (n_ticks >> 2)
        return int(_set_in_window(book, at, n_ticks >> 2, lots))
    if is_inside:
        if _move_window(book, at, ticks - sign * (n_ticks >> 2)) == FULL:
            return FULL
        return int(_set_in_window(book, at, n_ticks >> 2, lots))
    if book[at + _BEST] > (n_ticks >> 1):
        # The market has gone outwards: the window follows before far levels gather just behind its end.
        _move_window(book, at, book[at + _ORIGIN] + sign * (book[at + _BEST] - (n_ticks >> 2)))
        position = sign * (ticks - book[at + _ORIGIN])
        if position < n_ticks:
            return int(_set_in_window(book, at, position, lots))
    return int(_set_far(book, at, ticks, lots))


@kernel(i8(_BOOK, i8, i8, i8), is_inlined=True)
def _set_in_window(book: IntArray, at: int, position: int, lots: int) -> int:
    place = at + _BLOCK_HEADER + position
    before = book[place]
    book[place] = lots
    if before == 0:
        if lots != 0:
            _mark(book, at, position)
            if position < book[at + _BEST]:
                book[at + _BEST] = position
    elif lots == 0:
        _unmark(book, at, position)
        if position == book[at + _BEST]:
            _find_best(book, at, position)
    return APPLIED


@kernel(void(_BOOK, i8, i8))
def _find_best(book: IntArray, at: int, position: int) -> None:
    """The best level at or beyond a position; the window moves to the far levels where it has become empty."""
    n_ticks = book[_N_TICKS]
    best = _next_level(book, at, position)
    book[at + _BEST] = best
    if best == n_ticks and book[at + _N_IN_FAR] > 0:
        _move_window(book, at, book[_far(book, at)] - book[at + _SIGN] * (n_ticks >> 2))


# --- the book -----------------------------------------------------------------------------------------------------


@kernel(i8(_BOOK), is_inlined=True)
def best_bid(book: IntArray) -> int:
    """Ticks of the best bid, or :data:`NO_BID`."""
    at = _HEADER
    return int(book[at + _ORIGIN] - book[at + _BEST]) if book[at + _N_IN_WINDOW] > 0 else NO_BID


@kernel(i8(_BOOK), is_inlined=True)
def best_ask(book: IntArray) -> int:
    """Ticks of the best ask, or :data:`NO_ASK`."""
    at = _HEADER + book[_STRIDE]
    return int(book[at + _ORIGIN] + book[at + _BEST]) if book[at + _N_IN_WINDOW] > 0 else NO_ASK


@kernel(b1(_BOOK), is_inlined=True)
def is_crossed(book: IntArray) -> bool:
    """Whether the best bid is at or above the best ask."""
    return bool(best_bid(book) >= best_ask(book))


@kernel(i8(_BOOK, i8, i8, i8), is_inlined=True)
def set_level(book: IntArray, side: int, ticks: int, lots: int) -> int:
    """:func:`apply_level` of a change that was checked before, without a look at the other side.

    For loops over checked tapes: ticks below 2**40 in magnitude, lots from 0 to 2**53 - 1.

    Returns:
        APPLIED or FULL.
    """
    at = _block(book, side)
    position = book[at + _SIGN] * (ticks - book[at + _ORIGIN])
    if 0 <= position < book[_N_TICKS]:
        return int(_set_in_window(book, at, position, lots))
    return int(_apply_outside(book, at, ticks, lots))


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
def level_lots(book: IntArray, side: int, ticks: int) -> int:
    """Lots that stand at a price of a side."""
    at = _block(book, side)
    position = book[at + _SIGN] * (ticks - book[at + _ORIGIN])
    if 0 <= position < book[_N_TICKS]:
        return int(book[at + _BLOCK_HEADER + position])
    row = _far_row(book, at, ticks)
    far = _far(book, at)
    is_there = row < book[at + _N_IN_FAR] and book[far + row] == ticks
    return int(book[far + book[_N_FAR] + row]) if is_there else 0


@kernel(i8(_BOOK, i8, i8, i8, _LEVELS))
def _read(book: IntArray, at: int, lots: int, limit_ticks: int, rows: IntArray) -> int:
    """Write levels from the best outwards, as far as a limit, until so many lots are reached or the rows are full."""
    n_ticks, sign, origin = book[_N_TICKS], book[at + _SIGN], book[at + _ORIGIN]
    n, left = 0, lots
    p = book[at + _BEST]
    while p < n_ticks and left > 0 and n < len(rows) and sign * (limit_ticks - origin) >= p:
        stands = book[at + _BLOCK_HEADER + p]
        rows[n, 0] = origin + sign * p
        rows[n, 1] = min(left, stands)
        left -= rows[n, 1]
        n += 1
        p = _next_level(book, at, p + 1)
    far = _far(book, at)
    row = 0
    while p == n_ticks and row < book[at + _N_IN_FAR] and left > 0 and n < len(rows):
        ticks = book[far + row]
        if sign * (limit_ticks - ticks) < 0:
            break
        rows[n, 0] = ticks
        rows[n, 1] = min(left, book[far + book[_N_FAR] + row])
        left -= rows[n, 1]
        n += 1
        row += 1
    return int(n)


@kernel(i8(_BOOK, i8, _LEVELS))
def read_levels(book: IntArray, side: int, levels: IntArray) -> int:
    """Write the best levels of a side as rows (ticks, lots), best first; returns how many there were room for."""
    limit = NO_ASK if side == SELL else NO_BID
    return int(_read(book, _block(book, side), 1 << 62, limit, levels))


@kernel(i8(_BOOK, i8, i8))
def lots_within(book: IntArray, side: int, limit_ticks: int) -> int:
    """Lots of a side that stand at a price or better (for a taker); 2**62 where they are as many or more."""
    at = _block(book, side)
    n_ticks, sign, origin = book[_N_TICKS], book[at + _SIGN], book[at + _ORIGIN]
    total = 0
    p = book[at + _BEST]
    while p < n_ticks and sign * (limit_ticks - origin) >= p and total < NO_ASK:
        total += book[at + _BLOCK_HEADER + p]
        p = _next_level(book, at, p + 1)
    far = _far(book, at)
    for row in range(book[at + _N_IN_FAR]):
        if sign * (limit_ticks - book[far + row]) < 0 or total >= NO_ASK:
            break
        total += book[far + book[_N_FAR] + row]
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
    return int(_read(book, _block(book, -taker_side), lots, limit_ticks, fills))


@kernel(i8(_BOOK, i8, i8, i8, _LEVELS))
def take(book: IntArray, taker_side: int, lots: int, limit_ticks: int, fills: IntArray) -> int:
    """:func:`walk`, and the book loses what was taken; if all rows were written, call again for the rest."""
    n = _read(book, _block(book, -taker_side), lots, limit_ticks, fills)
    for row in range(n):
        left = level_lots(book, -taker_side, fills[row, 0]) - fills[row, 1]
        set_level(book, -taker_side, fills[row, 0], left)
    return int(n)


@kernel(void(_BOOK, i8))
def clear_side(book: IntArray, side: int) -> None:
    """Take every level off a side."""
    at = _block(book, side)
    n_ticks = book[_N_TICKS]
    window = at + _BLOCK_HEADER
    for place in range(n_ticks + (n_ticks >> _WORD_SHIFT) + (n_ticks >> _GROUP_SHIFT)):
        book[window + place] = 0
    book[at + _BEST] = n_ticks
    book[at + _N_IN_WINDOW] = 0
    book[at + _N_IN_FAR] = 0


@kernel(i8(_BOOK, _LEVELS))
def apply_levels(book: IntArray, changes: IntArray) -> int:
    """Apply rows of (side, ticks, lots) in their order as far as there is room; returns how many were applied."""
    for row in range(len(changes)):
        if set_level(book, changes[row, 0], changes[row, 1], changes[row, 2]) == FULL:
            return row
    return len(changes)


# --- from Python --------------------------------------------------------------------------------------------------


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
            self._grow()
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

    def _grow(self) -> None:
        """The same book with twice the room for far levels."""
        old = self.ladder
        n_far = int(old[_N_FAR])
        self.ladder = new_ladder(int(old[_N_TICKS]), 2 * n_far)
        for side in (BUY, SELL):
            source, target = int(_block(old, side)), int(_block(self.ladder, side))
            far, n = int(_far(old, source)), int(old[source + _N_IN_FAR])
            self.ladder[target : target + far - source] = old[source:far]
            to = int(_far(self.ladder, target))
            self.ladder[to : to + n] = old[far : far + n]
            self.ladder[to + 2 * n_far : to + 2 * n_far + n] = old[far + n_far : far + n_far + n]


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
