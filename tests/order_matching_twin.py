"""A price-time book of single orders in plain Python: the slow reference of the compiled one."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

BID, ASK = 1, -1


@dataclass(slots=True)
class StandingOrder:
    """An order in the book."""

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


class PriceTimeBook:
    """Orders by price, and within a price by their time of arrival.

    Orders are found by their id. Of two orders at one price the one that was placed first is filled first; an order
    whose quantity shrinks keeps its place.
    """

    def __init__(self) -> None:
        self._orders: dict[int, StandingOrder] = {}
        self._queues: dict[int, dict[int, dict[int, StandingOrder]]] = {BID: {}, ASK: {}}
        self._prices: dict[int, list[int]] = {BID: [], ASK: []}  # heaps, best first; emptied prices are passed over

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._orders

    def __len__(self) -> int:
        return len(self._orders)

    def order(self, order_id: int) -> StandingOrder | None:
        """The order of an id, if it stands."""
        return self._orders.get(order_id)

    def best(self, side: int) -> int | None:
        """Ticks of the best price of a side, or None."""
        heap = self._prices[side]
        while heap:
            ticks = -side * heap[0]
            if ticks in self._queues[side]:
                return ticks
            heapq.heappop(heap)
        return None

    def head(self, side: int, ticks: int) -> StandingOrder | None:
        """The order that is filled first at a price."""
        queue = self._queues[side].get(ticks)
        return next(iter(queue.values())) if queue else None

    def level(self, side: int, ticks: int) -> int:
        """Lots that stand at a price."""
        return sum(order.lots for order in self._queues[side].get(ticks, {}).values())

    def place(self, order_id: int, side: int, ticks: int, lots: int) -> list[Match]:
        """Let an order take what stands at its price or better, best price and oldest order first; the rest stands."""
        matches = []
        while lots > 0:
            best = self.best(-side)
            if best is None or side * (best - ticks) > 0:
                break
            maker = self.head(-side, best)
            assert maker is not None
            taken = min(lots, maker.lots)
            matches.append(Match(maker.order_id, order_id, best, taken))
            lots -= taken
            self.shrink(maker.order_id, maker.lots - taken)
        if lots > 0:
            self.stand(order_id, side, ticks, lots)
        return matches

    def stand(self, order_id: int, side: int, ticks: int, lots: int) -> None:
        """Put an order at the end of its price's queue without any match."""
        order = StandingOrder(order_id, side, ticks, lots)
        self._orders[order_id] = order
        queue = self._queues[side].get(ticks)
        if queue is None:
            queue = self._queues[side][ticks] = {}
            heapq.heappush(self._prices[side], -side * ticks)
        queue[order_id] = order

    def shrink(self, order_id: int, lots: int) -> None:
        """Leave an order with so many lots in its place; none takes it off."""
        order = self._orders[order_id]
        order.lots = lots
        if lots <= 0:
            self.cancel(order_id)

    def cancel(self, order_id: int) -> StandingOrder | None:
        """Take an order off; the order as it stood, or None where there was none."""
        order = self._orders.pop(order_id, None)
        if order is not None:
            queue = self._queues[order.side][order.ticks]
            del queue[order_id]
            if not queue:
                del self._queues[order.side][order.ticks]
        return order
