"""The simulator's price-time book as the replay of a level-3 stream needs it: every order by its id, with its price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot4.domain.errors import DataError
from bot4.domain.events import BOOK_ADD
from bot4.kernel import WarmUpStep, warm_up
from bot4.simulator.book.ladder import level_lots
from bot4.simulator.book.matching_book import PriceTimeBook
from bot4.simulator.book.price_time import (
    MatchStatus,
    add_order,
    apply_book_order,
    cancel_order,
    fill_count,
    open_rest,
    order_lots,
    reduce_order,
)


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """An order in the book; ``side`` is +1 for a bid, -1 for an ask."""

    order_id: int
    side: int
    ticks: int
    lots: int


@dataclass(frozen=True, slots=True)
class Match:
    """What one standing order gave to a new one."""

    maker_id: int
    taker_id: int
    ticks: int
    lots: int


def prepare_matching(progress: Callable[[WarmUpStep], None] | None = None) -> None:
    """Compile what the book runs, or load it from the cache; ``progress`` is told each kernel."""
    warm_up(
        [add_order, apply_book_order, reduce_order, cancel_order, order_lots, level_lots, fill_count, open_rest],
        progress,
    )


class MatchingOrders:
    """Orders matched by price and then by time of arrival.

    Raises (from the methods that place):
        DataError: a price of 2**40 ticks or more, a quantity of 2**53 lots or more, or an id that stands already.
    """

    def __init__(self) -> None:
        self._book = PriceTimeBook()
        self._prices: dict[int, tuple[int, int]] = {}  # side and ticks of every order that ever stood and is not gone

    def order(self, order_id: int) -> StandingOrder | None:
        """The order of an id, if it stands."""
        lots = self._book.order_lots(order_id)
        if lots <= 0:
            return None
        side, ticks = self._prices[order_id]
        return StandingOrder(order_id, side, ticks, lots)

    def level(self, side: int, ticks: int) -> int:
        """Lots that stand at a price."""
        return int(level_lots(self._book.array, side, ticks))

    def place(self, order_id: int, side: int, ticks: int, lots: int) -> list[Match]:
        """Let an order take what stands at its price or better, best price and oldest order first; the rest stands."""
        matched = self._book.add(order_id, side, ticks, lots)
        self._require(matched.status in (MatchStatus.RESTED, MatchStatus.FILLED_WHOLE), order_id, ticks, lots)
        self._prices[order_id] = (side, ticks)
        return [Match(int(row[0]), order_id, int(row[2]), int(row[3])) for row in matched.fills]

    def stand(self, order_id: int, side: int, ticks: int, lots: int) -> None:
        """Put an order at the end of its price's queue without any match."""
        status = self._book.apply(BOOK_ADD, order_id, side, ticks, lots)
        self._require(status in (MatchStatus.RESTED, MatchStatus.DONE), order_id, ticks, lots)
        self._prices[order_id] = (side, ticks)

    def shrink(self, order_id: int, lots: int) -> None:
        """Leave an order with so many lots in its place."""
        off = self._book.order_lots(order_id) - lots
        if off > 0:
            self._book.reduce(order_id, off)

    def cancel(self, order_id: int) -> None:
        """Take an order off, if it stands."""
        self._book.cancel(order_id)
        self._prices.pop(order_id, None)

    @staticmethod
    def _require(is_done: bool, order_id: int, ticks: int, lots: int) -> None:
        if not is_done:
            raise DataError(
                f"order {order_id} of {lots} lots at {ticks} ticks does not fit the book",
                where="level-3 replay",
                remedy="give a larger --tick or --lot",
            )
