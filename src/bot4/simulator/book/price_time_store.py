"""Where a price-time book keeps its orders: the pool, the queue of each price, and the table of ids.

:mod:`bot4.simulator.book.price_time` matches; nothing else calls what is here. An order is known by its place in the
book's array, 0 for none. The queue of a price stays in its table when it empties, since prices come back; when the
table is half full, those that are empty are swept out.
"""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import IntArray
from bot4.domain.errors import SettingError
from bot4.domain.orders import BUY, SELL
from bot4.kernel import array, i8, kernel, void
from bot4.simulator.book.ladder import FULL, NO_ASK, level_lots, new_ladder, set_level

RESTED = 0
BOOK_FULL = 12

MAX_BOOK_ORDERS = 1 << 24

# Words of the header that the ladder leaves.
_POOL, _N_POOL, _FREE, N_OPEN = 8, 9, 10, 11
_IDS, _ID_BITS = 12, 13
_QUEUES, _SPARE_QUEUES, _QUEUE_MASK, _N_KEYS = 14, 15, 16, 17
N_FILLS, REST_LOTS, IS_CUT = 18, 19, 20

# Words of an order; a place in the array stands for an order, 0 for none.
ID, _OWNER, KEY, LOTS, HIDDEN, DISPLAY, PREVIOUS, NEXT = 0, 1, 2, 3, 4, 5, 6, 7
_ORDER_WORDS = 8
# Words of a queue.
HEAD, _TAIL = 1, 2  # word 0 is its key, word 3 is spare
_QUEUE_WORDS = 4
_NO_KEY = -(1 << 62)

# The word of the owner has the next order of its id's chain in its upper half.
_LINK_SHIFT = 32
MAX_OWNER = (1 << 31) - 1

_BOOK = array(i8)


def new_price_time_book(
    n_orders: int = 65_536, n_prices: int = 4096, n_ticks: int = 4096, n_far: int = 4096
) -> IntArray:
    """An empty book.

    Args:
        n_orders: orders that may rest at once, 1 to 2**24.
        n_prices: prices at which orders may rest at once, 1 to 2**24.
        n_ticks, n_far: of its ladder, see :func:`~bot4.simulator.book.ladder.new_ladder`.

    Raises:
        SettingError: where a capacity is out of bounds.
    """
    for name, value in (("orders", n_orders), ("prices", n_prices)):
        if not 1 <= value <= MAX_BOOK_ORDERS:
            raise SettingError(
                f"a book for {value} {name}", where="price-time book", remedy=f"give 1 to {MAX_BOOK_ORDERS}"
            )
    ladder = new_ladder(n_ticks, n_far)
    id_bits = max(4, (2 * n_orders - 1).bit_length())
    n_queues = 1 << max(4, (4 * n_prices - 1).bit_length())
    queues = -(-len(ladder) // 8) * 8
    ids = queues + 2 * n_queues * _QUEUE_WORDS
    pool = ids + (1 << id_bits)
    book = np.zeros(pool + n_orders * _ORDER_WORDS, dtype=np.int64)
    book[: len(ladder)] = ladder
    book[_POOL], book[_N_POOL], book[_FREE] = pool, n_orders, pool
    book[_IDS], book[_ID_BITS] = ids, id_bits
    book[_QUEUES], book[_SPARE_QUEUES] = queues, queues + n_queues * _QUEUE_WORDS
    book[_QUEUE_MASK] = n_queues - 1
    book[queues:ids:_QUEUE_WORDS] = _NO_KEY
    book[pool + NEXT : len(book) - _ORDER_WORDS : _ORDER_WORDS] = np.arange(
        pool + _ORDER_WORDS, len(book), _ORDER_WORDS
    )
    return book


# --- the table of ids ---------------------------------------------------------------------------------------------


@kernel(i8(_BOOK, i8), is_inlined=True)
def _bucket(book: IntArray, order_id: int) -> int:
    """Where the chain of an id begins; ids that follow one another have neighbouring chains."""
    bits = book[_ID_BITS]
    folded = order_id ^ (order_id >> bits) ^ (order_id >> (2 * bits))
    return int(book[_IDS] + (folded & ((1 << bits) - 1)))


@kernel(i8(_BOOK, i8), is_inlined=True)
def place_of(book: IntArray, order_id: int) -> int:
    """The place of an order, 0 if there is none of the id."""
    order = book[_bucket(book, order_id)]
    while order != 0 and book[order + ID] != order_id:
        order = book[order + _OWNER] >> _LINK_SHIFT
    return int(order)


@kernel(i8(_BOOK, i8), is_inlined=True)
def owner_of(book: IntArray, order: int) -> int:
    """The owner of an order."""
    return int(book[order + _OWNER] & MAX_OWNER)


@kernel(void(_BOOK, i8, i8, i8), is_inlined=True)
def _remember(book: IntArray, order: int, order_id: int, owner: int) -> None:
    """Give an order its id and owner, and put it at the head of the id's chain."""
    at = _bucket(book, order_id)
    book[order + ID] = order_id
    book[order + _OWNER] = owner | (book[at] << _LINK_SHIFT)
    book[at] = order


@kernel(void(_BOOK, i8), is_inlined=True)
def _forget(book: IntArray, order: int) -> None:
    """Take an order out of its id's chain."""
    at, link = _bucket(book, book[order + ID]), book[order + _OWNER] >> _LINK_SHIFT
    if book[at] == order:
        book[at] = link
        return
    other = book[at]
    while book[other + _OWNER] >> _LINK_SHIFT != order:
        other = book[other + _OWNER] >> _LINK_SHIFT
    book[other + _OWNER] = owner_of(book, other) | (link << _LINK_SHIFT)


# --- queues -------------------------------------------------------------------------------------------------------


@kernel(i8(i8, i8), is_inlined=True)
def key_of(side: int, ticks: int) -> int:
    """The key of a side's price."""
    return 2 * ticks + (1 if side < 0 else 0)


@kernel(i8(_BOOK, i8), is_inlined=True)
def queue_of(book: IntArray, key: int) -> int:
    """Where the queue of a side's price is, or the empty row where it would be."""
    mask = book[_QUEUE_MASK]
    row = key & mask
    while True:
        at = book[_QUEUES] + row * _QUEUE_WORDS
        if book[at] == key or book[at] == _NO_KEY:
            return int(at)
        row = (row + 1) & mask


@kernel(void(_BOOK))
def _sweep_queues(book: IntArray) -> None:
    """Forget the prices at which nothing stands: the others move to the spare table."""
    old, mask = book[_QUEUES], book[_QUEUE_MASK]
    book[_QUEUES] = book[_SPARE_QUEUES]
    book[_SPARE_QUEUES] = old
    for row in range(mask + 1):
        book[book[_QUEUES] + row * _QUEUE_WORDS] = _NO_KEY
    book[_N_KEYS] = 0
    for row in range(mask + 1):
        source = old + row * _QUEUE_WORDS
        if book[source] != _NO_KEY and book[source + HEAD] != 0:
            target = queue_of(book, book[source])
            for word in range(_QUEUE_WORDS):
                book[target + word] = book[source + word]
            book[_N_KEYS] += 1


@kernel(i8(_BOOK, i8))
def _queue_to_join(book: IntArray, key: int) -> int:
    """The queue of a price, made if need be; 0 where there is no room for another price."""
    at = queue_of(book, key)
    if book[at] == key:
        return int(at)
    if 2 * book[_N_KEYS] > book[_QUEUE_MASK]:
        _sweep_queues(book)
        if 2 * book[_N_KEYS] > book[_QUEUE_MASK]:
            return 0
        at = queue_of(book, key)
    book[at] = key
    book[at + HEAD] = 0
    book[at + _TAIL] = 0
    book[_N_KEYS] += 1
    return int(at)


@kernel(void(_BOOK, i8, i8), is_inlined=True)
def append_order(book: IntArray, queue: int, order: int) -> None:
    """Link an order to the back of a queue."""
    last = book[queue + _TAIL]
    book[order + PREVIOUS] = last
    book[order + NEXT] = 0
    if last != 0:
        book[last + NEXT] = order
    else:
        book[queue + HEAD] = order
    book[queue + _TAIL] = order


@kernel(void(_BOOK, i8, i8), is_inlined=True)
def unlink(book: IntArray, queue: int, order: int) -> None:
    """Take an order out of a queue."""
    previous, following = book[order + PREVIOUS], book[order + NEXT]
    if previous != 0:
        book[previous + NEXT] = following
    else:
        book[queue + HEAD] = following
    if following != 0:
        book[following + PREVIOUS] = previous
    else:
        book[queue + _TAIL] = previous


@kernel(void(_BOOK, i8), is_inlined=True)
def free_order(book: IntArray, order: int) -> None:
    """Give an order's place back, and forget its id."""
    _forget(book, order)
    book[order + NEXT] = book[_FREE]
    book[_FREE] = order
    book[N_OPEN] -= 1


@kernel(i8(_BOOK, i8), is_inlined=True)
def side_of(book: IntArray, order: int) -> int:
    """BUY or SELL."""
    return SELL if book[order + KEY] & 1 else BUY


@kernel(i8(_BOOK, i8, i8, i8, i8, i8, i8, i8), is_inlined=True)
def rest_as_shown(
    book: IntArray, order_id: int, owner: int, side: int, ticks: int, shown: int, hidden: int, display_lots: int
) -> int:
    """Put an order at the back of its queue, so much of it shown; RESTED or BOOK_FULL (and nothing done)."""
    order = book[_FREE]
    if order == 0:
        return BOOK_FULL
    stands = level_lots(book, side, ticks)
    queue = _queue_to_join(book, key_of(side, ticks))
    if queue == 0 or stands + shown >= NO_ASK or set_level(book, side, ticks, stands + shown) == FULL:
        return BOOK_FULL
    book[_FREE] = book[order + NEXT]
    book[N_OPEN] += 1
    _remember(book, order, order_id, owner)
    book[order + KEY] = key_of(side, ticks)
    book[order + LOTS] = shown
    book[order + HIDDEN] = hidden
    book[order + DISPLAY] = display_lots
    append_order(book, queue, order)
    return RESTED


@kernel(i8(_BOOK, i8, i8, i8, i8, i8, i8), is_inlined=True)
def rest_order(book: IntArray, order_id: int, owner: int, side: int, ticks: int, lots: int, display_lots: int) -> int:
    """Put an order at the back of its queue, an iceberg with its first part shown; RESTED or BOOK_FULL."""
    shown = min(lots, display_lots) if display_lots > 0 else lots
    return int(rest_as_shown(book, order_id, owner, side, ticks, shown, lots - shown, display_lots))


@kernel(void(_BOOK, i8))
def remove_order(book: IntArray, order: int) -> None:
    """Take an order out of its queue, off its level and out of the table."""
    key = book[order + KEY]
    side, ticks = side_of(book, order), key >> 1
    previous, following = book[order + PREVIOUS], book[order + NEXT]
    if previous != 0 and following != 0:  # as unlink, but the queue need not be looked for
        book[previous + NEXT] = following
        book[following + PREVIOUS] = previous
    else:
        unlink(book, queue_of(book, key), order)
    set_level(book, side, ticks, level_lots(book, side, ticks) - book[order + LOTS])
    free_order(book, order)
