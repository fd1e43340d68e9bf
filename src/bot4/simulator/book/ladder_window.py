"""Inside one side of a level-2 ladder: the window of prices, its bitmaps, and the far levels beyond it.

:mod:`bot4.simulator.book.ladder` is the book; nothing else calls what is here. A side is a block of the book's
array, named by where it begins (``at``). In its window, position ``p`` stands ``p`` ticks outwards from ``ORIGIN``. A
bit of the lower bitmap says that a position has lots, a bit of the upper one that a word of the lower has bits. Far
levels are two sorted columns. While the window is empty there are no far levels: it has moved to them.
"""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import IntArray
from bot4.kernel import array, i8, kernel, void

APPLIED = 0
FULL = 5

_PER_WORD = 32  # bits of a word in use: shifts of a signed 64-bit word then never touch its sign
WORD_SHIFT = 5
_WORD_MASK = 31
GROUP_SHIFT = 10  # ticks that one word of the upper bitmap stands for: 2**10
GROUP = 1 << GROUP_SHIFT

# The array: the header, then a block for each side.
N_TICKS = 0
N_FAR = 1
STRIDE = 2
HEADER = 32  # words 8 to 31 are the price-time book's, which begins with a ladder
# A side's block.
SIGN = 0  # of the way outwards: -1 for bids, 1 for asks
ORIGIN = 1  # ticks of position 0
BEST = 2  # position of the best level; n_ticks for none
N_IN_WINDOW = 3
N_IN_FAR = 4
BLOCK_HEADER = 8  # then: lots, lower bitmap, upper bitmap, ticks of far levels, their lots

_DE_BRUIJN = 0x077CB531
_LOW_32 = 0xFFFFFFFF
_LOWEST_BIT = np.zeros(_PER_WORD, dtype=np.int64)
for _bit in range(_PER_WORD):
    _LOWEST_BIT[(((1 << _bit) * _DE_BRUIJN) & _LOW_32) >> 27] = _bit
_LOWEST_BIT.setflags(write=False)

_BOOK = array(i8)


@kernel(i8(_BOOK, i8), is_inlined=True)
def block_of(book: IntArray, side: int) -> int:
    """Where a side's block begins."""
    return int(HEADER + (book[STRIDE] if side < 0 else 0))


@kernel(i8(i8), is_inlined=True)
def lowest_bit(word: int) -> int:
    """Number of the lowest bit set in a word of 32 bits that is not 0."""
    return int(_LOWEST_BIT[(((word & -word) * _DE_BRUIJN) & _LOW_32) >> 27])


@kernel(i8(_BOOK, i8, i8))
def next_level(book: IntArray, at: int, position: int) -> int:
    """First position at or after one that has a level; ``n_ticks`` where there is none."""
    n_ticks = book[N_TICKS]
    if position >= n_ticks:
        return int(n_ticks)
    bits = at + BLOCK_HEADER + n_ticks
    word_at = position >> WORD_SHIFT
    word = book[bits + word_at] >> (position & _WORD_MASK)
    if word != 0:
        return int(position + lowest_bit(word))
    groups = bits + (n_ticks >> WORD_SHIFT)
    n_groups = n_ticks >> GROUP_SHIFT
    word_at += 1
    group_at = word_at >> WORD_SHIFT
    if group_at >= n_groups:
        return int(n_ticks)
    group = (book[groups + group_at] >> (word_at & _WORD_MASK)) << (word_at & _WORD_MASK)
    while group == 0:
        group_at += 1
        if group_at >= n_groups:
            return int(n_ticks)
        group = book[groups + group_at]
    word_at = (group_at << WORD_SHIFT) + lowest_bit(group)
    return int((word_at << WORD_SHIFT) + lowest_bit(book[bits + word_at]))


@kernel(void(_BOOK, i8, i8), is_inlined=True)
def _mark(book: IntArray, at: int, position: int) -> None:
    bits = at + BLOCK_HEADER + book[N_TICKS]
    word_at = position >> WORD_SHIFT
    book[bits + word_at] |= 1 << (position & _WORD_MASK)
    groups = bits + (book[N_TICKS] >> WORD_SHIFT)
    book[groups + (word_at >> WORD_SHIFT)] |= 1 << (word_at & _WORD_MASK)
    book[at + N_IN_WINDOW] += 1


@kernel(void(_BOOK, i8, i8), is_inlined=True)
def _unmark(book: IntArray, at: int, position: int) -> None:
    bits = at + BLOCK_HEADER + book[N_TICKS]
    word_at = position >> WORD_SHIFT
    word = book[bits + word_at] & ~(1 << (position & _WORD_MASK))
    book[bits + word_at] = word
    if word == 0:
        groups = bits + (book[N_TICKS] >> WORD_SHIFT)
        book[groups + (word_at >> WORD_SHIFT)] &= ~(1 << (word_at & _WORD_MASK))
    book[at + N_IN_WINDOW] -= 1


@kernel(i8(_BOOK, i8), is_inlined=True)
def far_of(book: IntArray, at: int) -> int:
    """Where the ticks of a side's far levels begin; their lots are ``n_far`` further."""
    n_ticks = book[N_TICKS]
    return int(at + BLOCK_HEADER + n_ticks + (n_ticks >> WORD_SHIFT) + (n_ticks >> GROUP_SHIFT))


@kernel(i8(_BOOK, i8, i8))
def far_row(book: IntArray, at: int, ticks: int) -> int:
    """Row of the far table where a price is or belongs; the rows run outwards."""
    far, sign = far_of(book, at), book[at + SIGN]
    low, high = 0, book[at + N_IN_FAR]
    while low < high:
        middle = (low + high) >> 1
        if sign * book[far + middle] < sign * ticks:
            low = middle + 1
        else:
            high = middle
    return int(low)


@kernel(i8(_BOOK, i8, i8, i8))
def _set_far(book: IntArray, at: int, ticks: int, lots: int) -> int:
    far = far_of(book, at)
    far_lots = far + book[N_FAR]
    n = book[at + N_IN_FAR]
    row = far_row(book, at, ticks)
    is_there = row < n and book[far + row] == ticks
    if is_there and lots > 0:
        book[far_lots + row] = lots
    elif is_there:
        for to in range(row, n - 1):
            book[far + to] = book[far + to + 1]
            book[far_lots + to] = book[far_lots + to + 1]
        book[at + N_IN_FAR] = n - 1
    elif lots > 0:
        if n == book[N_FAR]:
            return FULL
        for to in range(n, row, -1):
            book[far + to] = book[far + to - 1]
            book[far_lots + to] = book[far_lots + to - 1]
        book[far + row] = ticks
        book[far_lots + row] = lots
        book[at + N_IN_FAR] = n + 1
    return APPLIED


@kernel(i8(_BOOK, i8, i8))
def _move_window(book: IntArray, at: int, origin: int) -> int:
    """Move a side's window to begin at another price, no further in than its best level.

    Levels that fall out join the far ones, far ones that fall in leave them. FULL where they have no room: then
    nothing was changed.
    """
    n_ticks, sign = book[N_TICKS], book[at + SIGN]
    window = at + BLOCK_HEADER
    shift = sign * (book[at + ORIGIN] - origin)  # positions grow by this
    first_out = max(n_ticks - shift, 0) if shift > 0 else n_ticks
    n_out = 0
    p = next_level(book, at, first_out)
    while p < n_ticks:
        n_out += 1
        p = next_level(book, at, p + 1)
    far = far_of(book, at)
    far_lots = far + book[N_FAR]
    n_far = book[at + N_IN_FAR]
    if n_far + n_out > book[N_FAR]:
        return FULL
    if n_out > 0:  # they stand before all that is there
        for row in range(n_far - 1, -1, -1):
            book[far + row + n_out] = book[far + row]
            book[far_lots + row + n_out] = book[far_lots + row]
        p = next_level(book, at, first_out)
        for row in range(n_out):
            book[far + row] = book[at + ORIGIN] + sign * p
            book[far_lots + row] = book[window + p]
            p = next_level(book, at, p + 1)
        n_far += n_out
    if shift > 0:
        for p in range(n_ticks - 1, -1, -1):
            book[window + p] = book[window + p - shift] if p >= shift else 0
    else:
        for p in range(n_ticks):
            book[window + p] = book[window + p - shift] if p - shift < n_ticks else 0
    book[at + ORIGIN] = origin
    n_in = 0
    while n_in < n_far and n_out == 0 and sign * (book[far + n_in] - origin) < n_ticks:
        book[window + sign * (book[far + n_in] - origin)] = book[far_lots + n_in]
        n_in += 1
    for row in range(n_far - n_in if n_in > 0 else 0):
        book[far + row] = book[far + row + n_in]
        book[far_lots + row] = book[far_lots + row + n_in]
    book[at + N_IN_FAR] = n_far - n_in
    _index_window(book, at)
    return APPLIED


@kernel(void(_BOOK, i8))
def _index_window(book: IntArray, at: int) -> None:
    """Make the bitmaps and the best level anew from the lots."""
    n_ticks = book[N_TICKS]
    window = at + BLOCK_HEADER
    for word in range((n_ticks >> WORD_SHIFT) + (n_ticks >> GROUP_SHIFT)):
        book[window + n_ticks + word] = 0
    book[at + N_IN_WINDOW] = 0
    for p in range(n_ticks):
        if book[window + p] != 0:
            _mark(book, at, p)
    book[at + BEST] = next_level(book, at, 0)


@kernel(i8(_BOOK, i8, i8, i8))
def set_outside(book: IntArray, at: int, ticks: int, lots: int) -> int:
    """A change at a price that is not within the window."""
    n_ticks, sign = book[N_TICKS], book[at + SIGN]
    is_inside = sign * (ticks - book[at + ORIGIN]) < 0
    if lots == 0:
        return APPLIED if is_inside else int(_set_far(book, at, ticks, 0))
    is_empty = book[at + N_IN_WINDOW] == 0 and book[at + N_IN_FAR] == 0
    if is_empty:
        book[at + ORIGIN] = ticks - sign * (n_ticks >> 2)
        return int(set_in_window(book, at, n_ticks >> 2, lots))
    if is_inside:
        if _move_window(book, at, ticks - sign * (n_ticks >> 2)) == FULL:
            return FULL
        return int(set_in_window(book, at, n_ticks >> 2, lots))
    if book[at + BEST] > (n_ticks >> 1):
        # The market has gone outwards: the window follows before far levels gather just behind its end.
        _move_window(book, at, book[at + ORIGIN] + sign * (book[at + BEST] - (n_ticks >> 2)))
        position = sign * (ticks - book[at + ORIGIN])
        if position < n_ticks:
            return int(set_in_window(book, at, position, lots))
    return int(_set_far(book, at, ticks, lots))


@kernel(i8(_BOOK, i8, i8, i8), is_inlined=True)
def set_in_window(book: IntArray, at: int, position: int, lots: int) -> int:
    """Set the lots of a position of the window; returns APPLIED."""
    place = at + BLOCK_HEADER + position
    before = book[place]
    book[place] = lots
    if before == 0:
        if lots != 0:
            _mark(book, at, position)
            if position < book[at + BEST]:
                book[at + BEST] = position
    elif lots == 0:
        _unmark(book, at, position)
        if position == book[at + BEST]:
            _find_best(book, at, position)
    return APPLIED


@kernel(void(_BOOK, i8, i8))
def _find_best(book: IntArray, at: int, position: int) -> None:
    """The best level at or beyond a position; the window moves to the far levels where it has become empty."""
    n_ticks = book[N_TICKS]
    best = next_level(book, at, position)
    book[at + BEST] = best
    if best == n_ticks and book[at + N_IN_FAR] > 0:
        _move_window(book, at, book[far_of(book, at)] - book[at + SIGN] * (n_ticks >> 2))
