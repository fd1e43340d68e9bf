"""The level-3 book: every order by itself, matched by price and then by time, in one int64 array.

A book (``new_price_time_book``) begins with a :mod:`ladder <bot4.simulator.book.ladder>` of what is shown at each
price, so that every reading kernel of the ladder (``best_bid``, ``read_levels``, ``lots_within``, ...) takes it too.
Behind it are a pool of orders (64 bytes each), a queue for each price, linked first to last, and a table from order id
to order. Nothing is allocated; what finds no room is reported and loses nothing.

An order has an owner, 0 for the market at large. Where two orders of one owner other than 0 would meet, the incoming
one's self-trade mode (:mod:`bot4.domain.orders`) says what happens. An iceberg shows ``display_lots`` at a time; what
it shows next joins the back of its queue.

Kernels return a :class:`MatchStatus`; :func:`fill_count` and :func:`open_rest` say how many rows of ``fills`` were
written and what of the order is left:

- ``add_order(book, order_id, owner, side, ticks, lots, display_lots, time_in_force, is_post_only, self_trade, fills)``
- ``market_order(book, order_id, owner, side, lots, self_trade, fills)``
- ``amend_order(book, order_id, ticks, lots, self_trade, fills)``: fewer lots at the same price keep the place
- ``cancel_order(book, order_id)``, ``reduce_order(book, order_id, lots)``
- ``trade_at(book, side, ticks, lots, fills)``: a recorded trade takes from the front of a queue
- ``apply_book_order(book, action, order_id, side, ticks, lots, fills)``: a feed of foreign orders
- ``lots_ahead(book, order_id)``, ``order_lots(book, order_id)``

From Python: :class:`~bot4.simulator.book.matching_book.PriceTimeBook`.

``fills`` is int64[m, 6]: maker's id, maker's owner, ticks, lots, what the maker has left, and a :class:`FillKind`.
"""

from __future__ import annotations

from enum import IntEnum

from bot4.domain.bars import IntArray
from bot4.domain.events import BOOK_ADD, BOOK_REMOVE, BOOK_SET
from bot4.domain.orders import (
    BUY,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    DECREMENT,
    FILL_OR_KILL,
    IMMEDIATE_OR_CANCEL,
    SELL,
    TRADE_WITH_SELF,
)
from bot4.kernel import array, b1, i8, kernel, void
from bot4.simulator.book.ladder import (
    MAX_LEVEL_LOTS,
    MAX_TICKS,
    NO_ASK,
    NO_BID,
    best_ask,
    best_bid,
    level_lots,
    next_price,
    reaches,
    set_level,
    touch_ticks,
)
from bot4.simulator.book.price_time_store import (
    BOOK_FULL,
    DISPLAY,
    HEAD,
    HIDDEN,
    ID,
    IS_CUT,
    KEY,
    LOTS,
    MAX_OWNER,
    N_FILLS,
    N_OPEN,
    NEXT,
    PREVIOUS,
    REST_LOTS,
    RESTED,
    append_order,
    free_order,
    key_of,
    new_price_time_book,
    owner_of,
    place_of,
    queue_of,
    remove_order,
    rest_order,
    side_of,
    unlink,
)

FILLED_WHOLE = 1
REST_DROPPED = 2
CUT_BY_SELF_TRADE = 3
WOULD_TAKE = 4
NOT_FILLABLE = 5
DONE = 6
UNKNOWN_ORDER = 7
DUPLICATE_ORDER = 8
BAD_LOTS = 9
BAD_TICKS = 10
FILLS_FULL = 11
BAD_ACTION = 13


class MatchStatus(IntEnum):
    """What became of an order or a change."""

    RESTED = RESTED  # what did not fill is in the book
    FILLED_WHOLE = FILLED_WHOLE
    REST_DROPPED = REST_DROPPED  # immediate-or-cancel: what did not fill is gone
    CUT_BY_SELF_TRADE = CUT_BY_SELF_TRADE  # it met its owner's own order, and what was left of it is gone
    WOULD_TAKE = WOULD_TAKE  # post-only, and it would have: nothing was done
    NOT_FILLABLE = NOT_FILLABLE  # fill-or-kill, and it could not: nothing was done
    DONE = DONE  # a cancel, a reduction, a change
    UNKNOWN_ORDER = UNKNOWN_ORDER
    DUPLICATE_ORDER = DUPLICATE_ORDER
    BAD_LOTS = BAD_LOTS  # not positive, or 2**53 or more
    BAD_TICKS = BAD_TICKS  # 2**40 or more in magnitude
    FILLS_FULL = FILLS_FULL  # the fills written are facts, the rest is not in the book: go on with open_rest()
    BOOK_FULL = BOOK_FULL  # likewise, for want of room for the rest
    BAD_ACTION = BAD_ACTION  # an action, a side, an id or an owner that there is not


TRADE_FILL = 0
SELF_CANCEL = 1
SELF_DECREMENT = 2


class FillKind(IntEnum):
    """What a row of fills says."""

    TRADE_FILL = TRADE_FILL
    SELF_CANCEL = SELF_CANCEL  # the maker was cancelled rather than traded with; lots are what it had
    SELF_DECREMENT = SELF_DECREMENT  # both lost the lots without a trade


FILL_COLUMNS = 6

_BOOK = array(i8)
_FILLS = array(i8, 2)


# --- matching -----------------------------------------------------------------------------------------------------


@kernel(void(_BOOK, _FILLS, i8, i8, i8, i8), is_inlined=True)
def _write_fill(book: IntArray, fills: IntArray, maker: int, lots: int, left: int, kind: int) -> None:
    row = book[N_FILLS]
    fills[row, 0] = book[maker + ID]
    fills[row, 1] = owner_of(book, maker)
    fills[row, 2] = book[maker + KEY] >> 1
    fills[row, 3] = lots
    fills[row, 4] = left
    fills[row, 5] = kind
    book[N_FILLS] = row + 1


@kernel(i8(_BOOK, i8, i8, i8), is_inlined=True)
def _use_up(book: IntArray, queue: int, maker: int, lots: int) -> int:
    """Take lots off what a maker shows; returns what it shows anew, at the back, once that is used up."""
    left = book[maker + LOTS] - lots
    book[maker + LOTS] = left
    if left > 0:
        return 0
    unlink(book, queue, maker)
    hidden = book[maker + HIDDEN]
    if hidden == 0:
        free_order(book, maker)
        return 0
    shown = min(hidden, book[maker + DISPLAY])
    book[maker + LOTS] = shown
    book[maker + HIDDEN] = hidden - shown
    append_order(book, queue, maker)
    return int(shown)


@kernel(i8(_BOOK, i8, i8, i8, i8, i8, _FILLS))
def _take_queue(
    book: IntArray, owner: int, maker_side: int, ticks: int, lots: int, self_trade: int, fills: IntArray
) -> int:
    """Fill from the front of a queue; returns the lots still wanted."""
    queue = queue_of(book, key_of(maker_side, ticks))
    stands = level_lots(book, maker_side, ticks)
    left = lots
    while left > 0 and book[queue + HEAD] != 0 and book[N_FILLS] < len(fills) and book[IS_CUT] == 0:
        maker = book[queue + HEAD]
        shown = book[maker + LOTS]
        if self_trade == TRADE_WITH_SELF or owner == 0 or owner_of(book, maker) != owner:
            traded = min(left, shown)
            _write_fill(book, fills, maker, traded, shown + book[maker + HIDDEN] - traded, TRADE_FILL)
            left -= traded
            stands += _use_up(book, queue, maker, traded) - traded
            continue
        if self_trade == DECREMENT:
            lost = min(left, shown)
            _write_fill(book, fills, maker, lost, shown + book[maker + HIDDEN] - lost, SELF_DECREMENT)
            left -= lost
            stands += _use_up(book, queue, maker, lost) - lost
            continue
        if self_trade != CANCEL_NEWEST:
            _write_fill(book, fills, maker, shown + book[maker + HIDDEN], 0, SELF_CANCEL)
            unlink(book, queue, maker)
            free_order(book, maker)
            stands -= shown
        if self_trade != CANCEL_OLDEST:
            book[IS_CUT] = 1
    set_level(book, maker_side, ticks, stands)
    return int(left)


@kernel(i8(_BOOK, i8, i8, i8, i8, i8, _FILLS))
def _match(book: IntArray, owner: int, side: int, limit_ticks: int, lots: int, self_trade: int, fills: IntArray) -> int:
    """Fill an incoming order from the other side as far as its limit; returns the lots still wanted."""
    left = lots
    while left > 0 and book[N_FILLS] < len(fills) and book[IS_CUT] == 0 and reaches(book, side, limit_ticks):
        left = _take_queue(book, owner, -side, touch_ticks(book, -side), left, self_trade, fills)
    return int(left)


@kernel(i8(_BOOK, i8, i8, i8, i8, i8))
def _fillable_lots(book: IntArray, owner: int, side: int, limit_ticks: int, lots: int, self_trade: int) -> int:
    """Lots, up to those wanted, that an order would get at once; hidden ones count."""
    total = 0
    position_side = -side
    ticks = best_ask(book) if side == BUY else best_bid(book)
    while total < lots and ticks != NO_ASK and ticks != NO_BID and (limit_ticks - ticks) * side >= 0:
        maker = book[queue_of(book, key_of(position_side, ticks)) + HEAD]
        while maker != 0 and total < lots:
            is_own = owner != 0 and self_trade != TRADE_WITH_SELF and owner_of(book, maker) == owner
            if is_own and self_trade != CANCEL_OLDEST:
                return int(total)
            if not is_own:
                total += book[maker + LOTS] + book[maker + HIDDEN]
            maker = book[maker + NEXT]
        ticks = next_price(book, position_side, ticks)
    return int(min(total, lots))


@kernel(void(_BOOK, i8), is_inlined=True)
def _begin(book: IntArray, lots: int) -> None:
    book[N_FILLS] = 0
    book[REST_LOTS] = lots
    book[IS_CUT] = 0


@kernel(i8(_BOOK, i8, i8, i8, i8))
def _why_not(book: IntArray, order_id: int, side: int, ticks: int, lots: int) -> int:
    """Why an order makes no sense, DONE if it does."""
    if lots <= 0 or lots >= MAX_LEVEL_LOTS:
        return BAD_LOTS
    if ticks <= -MAX_TICKS or ticks >= MAX_TICKS:
        return BAD_TICKS
    if order_id <= 0 or (side != BUY and side != SELL):
        return BAD_ACTION
    return DUPLICATE_ORDER if place_of(book, order_id) != 0 else DONE


@kernel(i8(_BOOK, i8, i8, i8, i8, i8, i8, i8, b1, i8, _FILLS))
def add_order(
    book: IntArray,
    order_id: int,
    owner: int,
    side: int,
    ticks: int,
    lots: int,
    display_lots: int,
    time_in_force: int,
    is_post_only: bool,
    self_trade: int,
    fills: IntArray,
) -> int:
    """A limit order comes in: it takes what it can get at its price or better, at the makers' prices; the rest rests.

    Args:
        book: of :func:`new_price_time_book`.
        order_id: positive, of no order that is in the book.
        owner: 0 for the market, 1 to 2**31 - 1 for a participant.
        side, ticks, lots: BUY or SELL, limit price, quantity.
        display_lots: what an iceberg shows at a time, 0 for all of it.
        time_in_force: IMMEDIATE_OR_CANCEL, FILL_OR_KILL, or any other for an order that rests.
        is_post_only: refused rather than taking.
        self_trade: what happens where it meets an order of its owner's.
        fills: rows to write.

    Returns:
        A :class:`MatchStatus`.
    """
    _begin(book, lots)
    status = _why_not(book, order_id, side, ticks, lots)
    if status != DONE or owner < 0 or owner > MAX_OWNER:
        return int(status) if status != DONE else BAD_ACTION
    if reaches(book, side, ticks):
        if is_post_only:
            return WOULD_TAKE
        if time_in_force == FILL_OR_KILL and _fillable_lots(book, owner, side, ticks, lots, self_trade) < lots:
            return NOT_FILLABLE
        left = _match(book, owner, side, ticks, lots, self_trade, fills)
        book[REST_LOTS] = left
        if left == 0:
            return FILLED_WHOLE
        if book[IS_CUT] != 0:
            return CUT_BY_SELF_TRADE
        if book[N_FILLS] == len(fills) and reaches(book, side, ticks):
            return FILLS_FULL
    elif time_in_force == FILL_OR_KILL:
        return NOT_FILLABLE
    if time_in_force in (IMMEDIATE_OR_CANCEL, FILL_OR_KILL):
        return REST_DROPPED
    return int(rest_order(book, order_id, owner, side, ticks, book[REST_LOTS], display_lots))


@kernel(i8(_BOOK, i8, i8, i8, i8, i8, _FILLS))
def market_order(
    book: IntArray, order_id: int, owner: int, side: int, lots: int, self_trade: int, fills: IntArray
) -> int:
    """:func:`add_order` at any price, immediate or cancel."""
    ticks = MAX_TICKS - 1 if side == BUY else 1 - MAX_TICKS
    return int(add_order(book, order_id, owner, side, ticks, lots, 0, IMMEDIATE_OR_CANCEL, False, self_trade, fills))


@kernel(i8(_BOOK, i8))
def cancel_order(book: IntArray, order_id: int) -> int:
    """Take an order out of the book: DONE or UNKNOWN_ORDER; :func:`open_rest` says what it had left."""
    order = place_of(book, order_id)
    if order == 0:
        return UNKNOWN_ORDER
    _begin(book, book[order + LOTS] + book[order + HIDDEN])
    remove_order(book, order)
    return DONE


@kernel(i8(_BOOK, i8, i8))
def reduce_order(book: IntArray, order_id: int, lots: int) -> int:
    """Take lots off an order, which keeps its place: hidden ones first; all it has, and it is gone."""
    order = place_of(book, order_id)
    if order == 0:
        return UNKNOWN_ORDER
    if lots <= 0:
        return BAD_LOTS
    shown, hidden = book[order + LOTS], book[order + HIDDEN]
    _begin(book, max(shown + hidden - lots, 0))
    if lots >= shown + hidden:
        remove_order(book, order)
        return DONE
    from_hidden = min(lots, hidden)
    key = book[order + KEY]
    book[order + HIDDEN] = hidden - from_hidden
    if lots > from_hidden:
        side, ticks = side_of(book, order), key >> 1
        book[order + LOTS] = shown - (lots - from_hidden)
        set_level(book, side, ticks, level_lots(book, side, ticks) - (lots - from_hidden))
    return DONE


@kernel(i8(_BOOK, i8, i8, i8, i8, _FILLS))
def amend_order(book: IntArray, order_id: int, ticks: int, lots: int, self_trade: int, fills: IntArray) -> int:
    """Change the price and the open lots of an order.

    Fewer lots at the same price keep its place. Anything else is a new arrival under the same id: at the back of its
    queue, and taking if its price now reaches the other side.

    Returns:
        DONE where it kept its place (or nothing changed), else as :func:`add_order`. A refusal changes nothing.
    """
    order = place_of(book, order_id)
    if order == 0:
        return UNKNOWN_ORDER
    if lots <= 0 or lots >= MAX_LEVEL_LOTS:
        return BAD_LOTS
    if ticks <= -MAX_TICKS or ticks >= MAX_TICKS:
        return BAD_TICKS
    open_lots = book[order + LOTS] + book[order + HIDDEN]
    if ticks == book[order + KEY] >> 1 and lots <= open_lots:
        _begin(book, lots)
        return DONE if lots == open_lots else int(reduce_order(book, order_id, open_lots - lots))
    owner, side, display_lots = owner_of(book, order), side_of(book, order), book[order + DISPLAY]
    remove_order(book, order)
    return int(add_order(book, order_id, owner, side, ticks, lots, display_lots, 0, False, self_trade, fills))


@kernel(i8(_BOOK, i8, i8, i8, _FILLS))
def trade_at(book: IntArray, side: int, ticks: int, lots: int, fills: IntArray) -> int:
    """A recorded trade takes from the front of the queue at a price, whoever stands there.

    Where a participant's order stands ahead of the order that really traded, the participant is filled instead.

    Returns:
        FILLED_WHOLE, REST_DROPPED where less stood there (:func:`open_rest` says what is left), or FILLS_FULL.
    """
    _begin(book, lots)
    if lots <= 0 or lots >= MAX_LEVEL_LOTS:
        return BAD_LOTS
    left = _take_queue(book, 0, side, ticks, lots, TRADE_WITH_SELF, fills) if level_lots(book, side, ticks) else lots
    book[REST_LOTS] = left
    if left == 0:
        return FILLED_WHOLE
    return FILLS_FULL if level_lots(book, side, ticks) > 0 else REST_DROPPED


@kernel(i8(_BOOK, i8, i8, i8, i8, i8, _FILLS))
def apply_book_order(
    book: IntArray, action: int, order_id: int, side: int, ticks: int, lots: int, fills: IntArray
) -> int:
    """A change that a level-3 feed tells of an order of the market (owner 0); the feed's orders match nothing here.

    ``BOOK_ADD`` puts it at the back of its queue (orders of participants that its price reaches are not filled by
    this: :func:`trade_at` and :func:`add_order` do that). ``BOOK_SET`` gives its lots and price now: fewer lots at the
    same price keep its place, none remove it. ``BOOK_REMOVE`` removes it.

    Returns:
        DONE or RESTED, or a refusal; an order that is not there is UNKNOWN_ORDER.
    """
    if action == BOOK_REMOVE:
        return int(cancel_order(book, order_id))
    if action == BOOK_ADD:
        _begin(book, lots)
        status = _why_not(book, order_id, side, ticks, lots)
        return int(rest_order(book, order_id, 0, side, ticks, lots, 0)) if status == DONE else int(status)
    if action != BOOK_SET:
        return BAD_ACTION
    order = place_of(book, order_id)
    if order == 0:
        return UNKNOWN_ORDER
    if lots == 0:
        return int(cancel_order(book, order_id))
    if lots < 0 or lots >= MAX_LEVEL_LOTS:
        return BAD_LOTS
    if ticks <= -MAX_TICKS or ticks >= MAX_TICKS:
        return BAD_TICKS
    if ticks == book[order + KEY] >> 1 and lots <= book[order + LOTS]:
        return int(amend_order(book, order_id, ticks, lots, TRADE_WITH_SELF, fills))
    owner, side = owner_of(book, order), side_of(book, order)
    remove_order(book, order)
    _begin(book, lots)
    return int(rest_order(book, order_id, owner, side, ticks, lots, 0))


# --- reading ------------------------------------------------------------------------------------------------------


@kernel(i8(_BOOK), is_inlined=True)
def fill_count(book: IntArray) -> int:
    """Rows of fills that the last order wrote."""
    return int(book[N_FILLS])


@kernel(i8(_BOOK), is_inlined=True)
def open_rest(book: IntArray) -> int:
    """Lots that the last order or change left open, resting or not as its status says."""
    return int(book[REST_LOTS])


@kernel(i8(_BOOK), is_inlined=True)
def order_count(book: IntArray) -> int:
    """Orders in the book."""
    return int(book[N_OPEN])


@kernel(i8(_BOOK, i8))
def order_lots(book: IntArray, order_id: int) -> int:
    """Open lots of an order, hidden ones included; 0 where there is none."""
    order = place_of(book, order_id)
    return int(book[order + LOTS] + book[order + HIDDEN]) if order != 0 else 0


@kernel(i8(_BOOK, i8))
def lots_ahead(book: IntArray, order_id: int) -> int:
    """Shown lots ahead of an order in its queue; -1 where there is none. It walks the queue."""
    order = place_of(book, order_id)
    if order == 0:
        return -1
    total = 0
    other = book[order + PREVIOUS]
    while other != 0:
        total += book[other + LOTS]
        other = book[other + PREVIOUS]
    return int(total)


@kernel(i8(_BOOK, _FILLS))
def read_orders(book: IntArray, rows: IntArray) -> int:
    """Write every order as id, owner, side, ticks, shown lots, hidden lots; by side, best price first, in queue order.

    Returns:
        How many there were room for.
    """
    n = 0
    for side in (BUY, SELL):
        ticks = best_bid(book) if side == BUY else best_ask(book)
        while ticks != NO_BID and ticks != NO_ASK:
            order = book[queue_of(book, key_of(side, ticks)) + HEAD]
            while order != 0 and n < len(rows):
                rows[n, 0] = book[order + ID]
                rows[n, 1] = owner_of(book, order)
                rows[n, 2] = side
                rows[n, 3] = ticks
                rows[n, 4] = book[order + LOTS]
                rows[n, 5] = book[order + HIDDEN]
                n += 1
                order = book[order + NEXT]
            ticks = next_price(book, side, ticks)
    return n


__all__ = [
    "BAD_ACTION", "BAD_LOTS", "BAD_TICKS", "BOOK_FULL", "CUT_BY_SELF_TRADE", "DONE", "DUPLICATE_ORDER",
    "FILLED_WHOLE", "FILLS_FULL", "FILL_COLUMNS", "NOT_FILLABLE", "RESTED", "REST_DROPPED", "SELF_CANCEL",
    "SELF_DECREMENT", "TRADE_FILL", "UNKNOWN_ORDER", "WOULD_TAKE", "FillKind", "MatchStatus", "add_order",
    "amend_order", "apply_book_order", "cancel_order", "fill_count", "lots_ahead", "market_order",
    "new_price_time_book", "open_rest", "order_count", "order_lots", "read_orders", "reduce_order", "trade_at",
]  # fmt: skip
