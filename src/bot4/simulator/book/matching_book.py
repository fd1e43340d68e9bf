"""The level-3 book from Python: :mod:`bot4.simulator.book.price_time` in an object that grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import IntArray
from bot4.domain.events import BOOK_ADD
from bot4.domain.orders import BUY, FILL_OR_KILL, IMMEDIATE_OR_CANCEL, SELL, TRADE_WITH_SELF
from bot4.simulator.book.ladder import MAX_TICKS, NO_ASK, NO_BID, best_ask, best_bid, read_levels
from bot4.simulator.book.price_time import (
    BAD_ACTION,
    BAD_LOTS,
    BAD_TICKS,
    BOOK_FULL,
    DUPLICATE_ORDER,
    FILL_COLUMNS,
    FILLS_FULL,
    NOT_FILLABLE,
    UNKNOWN_ORDER,
    WOULD_TAKE,
    MatchStatus,
    add_order,
    amend_order,
    apply_book_order,
    cancel_order,
    fill_count,
    lots_ahead,
    market_order,
    open_rest,
    order_count,
    order_lots,
    read_orders,
    reduce_order,
    trade_at,
)
from bot4.simulator.book.price_time_store import (
    DISPLAY,
    new_price_time_book,
    owner_of,
    place_of,
    rest_as_shown,
    side_of,
)

_UNTOUCHED = (WOULD_TAKE, NOT_FILLABLE, UNKNOWN_ORDER, DUPLICATE_ORDER, BAD_LOTS, BAD_TICKS, BAD_ACTION)


@dataclass(frozen=True, slots=True)
class Matched:
    """What became of an order.

    Attributes:
        status: how it ended.
        fills: int64[m, 6], see the module.
        rest_lots: what did not fill; in the book where the status is RESTED.
    """

    status: MatchStatus
    fills: IntArray
    rest_lots: int


class PriceTimeBook:
    """A level-3 book that grows when it has to; every method does what the kernel of its name says."""

    def __init__(self, n_orders: int = 4096, n_prices: int = 1024, n_ticks: int = 4096, n_far: int = 1024) -> None:
        self._capacities = (n_orders, n_prices, n_ticks, n_far)
        self.array = new_price_time_book(*self._capacities)
        self._rows = np.zeros((256, FILL_COLUMNS), dtype=np.int64)

    def add(
        self,
        order_id: int,
        side: int,
        ticks: int,
        lots: int,
        *,
        owner: int = 0,
        display_lots: int = 0,
        time_in_force: int = 0,
        is_post_only: bool = False,
        self_trade: int = TRADE_WITH_SELF,
    ) -> Matched:
        """:func:`add_order`."""
        status = add_order(
            self.array, order_id, owner, side, ticks, lots, display_lots, time_in_force, is_post_only, self_trade,
            self._rows,
        )  # fmt: skip
        force = IMMEDIATE_OR_CANCEL if time_in_force == FILL_OR_KILL else time_in_force  # it is fillable: go on
        return self._ended(status, order_id, owner, side, ticks, display_lots, force, self_trade)

    def market(
        self, order_id: int, side: int, lots: int, *, owner: int = 0, self_trade: int = TRADE_WITH_SELF
    ) -> Matched:
        """:func:`market_order`."""
        ticks = MAX_TICKS - 1 if side == BUY else 1 - MAX_TICKS
        status = market_order(self.array, order_id, owner, side, lots, self_trade, self._rows)
        return self._ended(status, order_id, owner, side, ticks, 0, IMMEDIATE_OR_CANCEL, self_trade)

    def amend(self, order_id: int, ticks: int, lots: int, *, self_trade: int = TRADE_WITH_SELF) -> Matched:
        """:func:`amend_order`."""
        place = place_of(self.array, order_id)
        owner, display_lots = int(owner_of(self.array, place)), int(self.array[place + DISPLAY])
        side = int(side_of(self.array, place))
        status = amend_order(self.array, order_id, ticks, lots, self_trade, self._rows)
        return self._ended(status, order_id, owner, side, ticks, display_lots, 0, self_trade)

    def cancel(self, order_id: int) -> MatchStatus:
        """:func:`cancel_order`."""
        return MatchStatus(int(cancel_order(self.array, order_id)))

    def reduce(self, order_id: int, lots: int) -> MatchStatus:
        """:func:`reduce_order`."""
        return MatchStatus(int(reduce_order(self.array, order_id, lots)))

    def apply(self, action: int, order_id: int, side: int, ticks: int, lots: int) -> MatchStatus:
        """:func:`apply_book_order`."""
        status = int(apply_book_order(self.array, action, order_id, side, ticks, lots, self._rows))
        while status == BOOK_FULL:
            self._grow()
            status = int(apply_book_order(self.array, BOOK_ADD, order_id, side, ticks, lots, self._rows))
        return MatchStatus(status)

    def trade(self, side: int, ticks: int, lots: int) -> Matched:
        """:func:`trade_at`."""
        parts, status, left = [], FILLS_FULL, lots
        while status == FILLS_FULL:
            status = int(trade_at(self.array, side, ticks, left, self._rows))
            parts.append(self._rows[: int(fill_count(self.array))].copy())
            left = int(open_rest(self.array))
        return Matched(MatchStatus(status), np.concatenate(parts), left)

    def best(self) -> tuple[int | None, int | None]:
        """Ticks of the best bid and the best ask; None where a side is empty."""
        bid, ask = int(best_bid(self.array)), int(best_ask(self.array))
        return (None if bid == NO_BID else bid, None if ask == NO_ASK else ask)

    def levels(self, n: int) -> tuple[IntArray, IntArray]:
        """What is shown at the best ``n`` prices of bids and of asks: int64[m, 2], ticks and lots, best first."""
        found = []
        for side in (BUY, SELL):
            rows = np.zeros((n, 2), dtype=np.int64)
            found.append(rows[: int(read_levels(self.array, side, rows))])
        return found[0], found[1]

    def orders(self) -> IntArray:
        """Every order: int64[m, 6], see :func:`read_orders`."""
        rows = np.zeros((int(order_count(self.array)), FILL_COLUMNS), dtype=np.int64)
        return rows[: int(read_orders(self.array, rows))]

    def lots_ahead(self, order_id: int) -> int:
        """:func:`lots_ahead`."""
        return int(lots_ahead(self.array, order_id))

    def order_lots(self, order_id: int) -> int:
        """:func:`order_lots`."""
        return int(order_lots(self.array, order_id))

    def _ended(
        self, status: int, order_id: int, owner: int, side: int, ticks: int, display: int, force: int, self_trade: int
    ) -> Matched:
        """Go on where the rows or the book were full."""
        parts = [self._rows[: int(fill_count(self.array))].copy()] if status not in _UNTOUCHED else []
        rest = int(open_rest(self.array))
        while status in (FILLS_FULL, BOOK_FULL):
            if status == BOOK_FULL:
                self._grow()
            status = add_order(
                self.array, order_id, owner, side, ticks, rest, display, force, False, self_trade, self._rows
            )
            parts.append(self._rows[: int(fill_count(self.array))].copy())
            rest = int(open_rest(self.array))
        fills = np.concatenate(parts) if parts else np.zeros((0, FILL_COLUMNS), dtype=np.int64)
        return Matched(MatchStatus(int(status)), fills, rest)

    def _grow(self) -> None:
        """The same orders in a book with twice the room."""
        n_orders, n_prices, n_ticks, n_far = self._capacities
        rows = self.orders()
        displays = [int(self.array[int(place_of(self.array, int(row[0]))) + DISPLAY]) for row in rows]
        self._capacities = (2 * n_orders, 2 * n_prices, n_ticks, 2 * n_far)
        self.array = new_price_time_book(*self._capacities)
        for (order_id, owner, side, ticks, shown, hidden), display in zip(rows.tolist(), displays, strict=True):
            rest_as_shown(self.array, order_id, owner, side, ticks, shown, hidden, display)
