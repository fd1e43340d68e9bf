"""A slow exchange in plain Python, written from the rules and not from the code: what the fast one must report.

Level 2 with the pessimistic queue; market and limit orders, good till cancelled, immediate, fill or kill, post-only;
stops by the last trade; every mode against trading with oneself. It shares no line with ``src/bot4/simulator``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BUY, SELL = 1, -1
TRADE, NEWEST, OLDEST, BOTH, DECREMENT = range(5)
Told = tuple[str, int, int, int]  # kind, order id, ticks, lots


@dataclass
class Order:
    id: int
    side: int
    lots: int
    limit: int | None = None
    stop: int | None = None
    mode: int = TRADE
    is_immediate: bool = False
    is_all_or_none: bool = False
    is_post_only: bool = False
    ahead: int = 0
    turn: int = 0
    is_resting: bool = False
    is_waiting: bool = False

    def accepts(self, ticks: int) -> bool:
        return self.limit is None or (self.limit - ticks) * self.side >= 0


@dataclass
class SlowExchange:
    market: dict[int, dict[int, int]] = field(default_factory=lambda: {BUY: {}, SELL: {}})
    orders: dict[int, Order] = field(default_factory=dict)
    last: int = 0
    turns: int = 0
    told: list[Told] = field(default_factory=list)
    triggered: list[Order] = field(default_factory=list)

    # --- the market ------------------------------------------------------------------------------------------------

    def level(self, side: int, ticks: int, lots: int) -> None:
        levels = self.market[side]
        levels[ticks] = lots
        if lots:
            for other in [t for t in self.market[-side] if (ticks - t) * side >= 0]:
                del self.market[-side][other]
        for order in self.resting(side):
            if order.limit == ticks:
                order.ahead = min(order.ahead, lots)
        for order in self.in_turn(-side, ticks):
            traded = min(order.lots, levels[ticks])
            if traded:
                self.fill(order, order.limit or 0, traded)
                levels[ticks] -= traded
        if not levels[ticks]:
            del levels[ticks]
        self.settle()

    def trade(self, ticks: int, lots: int, aggressor: int) -> None:
        self.last = ticks
        for side in (BUY, SELL):
            if aggressor != side:
                self.reach(side, ticks, lots)
        self.watch(ticks)
        self.settle()

    def reach(self, side: int, ticks: int, lots: int) -> None:
        left, gone = lots, 0
        for order in self.in_turn(side, ticks):
            if order.limit == ticks:
                passed = min(left, max(order.ahead - gone, 0))
                gone += passed
                left -= passed
            traded = min(left, order.lots)
            if traded:
                self.fill(order, order.limit or 0, traded)
                left -= traded
        for order in self.resting(side):
            if order.limit == ticks:
                order.ahead = max(order.ahead - gone, 0)

    # --- orders ----------------------------------------------------------------------------------------------------

    def place(self, order: Order) -> None:
        if order.is_post_only and self.best(order) is not None:
            self.told.append(("REJECTED", order.id, 0, 0))
            return
        self.told.append(("ACCEPTED", order.id, 0, 0))
        self.orders[order.id] = order
        if order.stop is None:
            self.enter(order)
        else:
            order.is_waiting = True
            self.watch_one(order, self.last)
        self.settle()

    def cancel(self, order_id: int) -> None:
        found = self.orders.pop(order_id, None)
        self.told.append(("REJECTED" if found is None else "CANCELLED", order_id, 0, 0))

    def enter(self, order: Order) -> None:
        if order.is_all_or_none and self.available(order) < order.lots:
            self.end(order)
            return
        prices = self.take(order)
        if prices:
            self.last = prices[-1]
        if order.id in self.orders:
            if order.limit is None or order.is_immediate or order.is_all_or_none:
                late = order
                self.watch(prices[0]) if prices else None
                self.watch(prices[-1]) if prices else None
                self.end(late)
                return
            order.is_resting = True
            order.ahead = self.market[order.side].get(order.limit, 0)
            self.turns += 1
            order.turn = self.turns
        if prices:
            self.watch(prices[0])
            self.watch(prices[-1])

    def take(self, order: Order) -> list[int]:
        prices = []
        while order.id in self.orders and (ticks := self.best(order)) is not None:
            own = next(iter(self.in_turn(-order.side, ticks)), None)
            stands = self.market[-order.side].get(ticks, 0)
            if own is not None:
                stands = min(stands, own.ahead)
            if own is not None and stands == 0:
                if self.meet(order, own):
                    prices.append(ticks)
                continue
            traded = min(stands, order.lots)
            levels = self.market[-order.side]
            levels[ticks] -= traded
            if not levels[ticks]:
                del levels[ticks]
            for mine in self.resting(-order.side):
                if mine.limit == ticks:
                    mine.ahead = max(mine.ahead - traded, 0)
            self.fill(order, ticks, traded)
            prices.append(ticks)
        return prices

    def meet(self, taker: Order, maker: Order) -> bool:
        lots, ticks = min(taker.lots, maker.lots), maker.limit or 0
        if taker.mode == TRADE:
            self.fill(maker, ticks, lots)
            self.fill(taker, ticks, lots)
            return True
        if taker.mode in (OLDEST, BOTH):
            self.end(maker)
        if taker.mode in (NEWEST, BOTH):
            self.end(taker)
        if taker.mode == DECREMENT:
            for order in (maker, taker):
                order.lots -= lots
                if order.lots:
                    self.told.append(("STATUS", order.id, 0, order.lots))
                else:
                    self.end(order)
        return False

    def available(self, order: Order) -> int:
        total = 0
        for ticks in sorted({*self.market[-order.side], *(o.limit or 0 for o in self.resting(-order.side))}):
            if not order.accepts(ticks):
                continue
            own = self.in_turn(-order.side, ticks)
            mine = [o for o in own if o.limit == ticks]
            total += self.market[-order.side].get(ticks, 0)
            if order.mode == TRADE:
                total += sum(o.lots for o in mine)
        if order.mode not in (TRADE, OLDEST):
            first = next((o for o in self.in_turn(-order.side, None) if order.accepts(o.limit or 0)), None)
            if first is not None:
                limit = first.limit or 0
                better = [t for t in self.market[-order.side] if (limit - t) * order.side > 0]
                total = sum(self.market[-order.side][t] for t in better)
                total += min(first.ahead, self.market[-order.side].get(limit, 0))
        return total

    # --- what there is ---------------------------------------------------------------------------------------------

    def resting(self, side: int) -> list[Order]:
        return [o for o in self.orders.values() if o.is_resting and o.side == side]

    def in_turn(self, side: int, ticks: int | None) -> list[Order]:
        found = [o for o in self.resting(side) if ticks is None or ((o.limit or 0) - ticks) * side >= 0]
        return sorted(found, key=lambda o: (-(o.limit or 0) * side, o.turn))

    def best(self, order: Order) -> int | None:
        prices = [*self.market[-order.side], *(o.limit or 0 for o in self.resting(-order.side))]
        prices = [t for t in prices if order.accepts(t)]
        return None if not prices else min(prices) if order.side == BUY else max(prices)

    def fill(self, order: Order, ticks: int, lots: int) -> None:
        order.lots -= lots
        self.told.append(("FILLED", order.id, ticks, lots))
        if not order.lots:
            del self.orders[order.id]

    def end(self, order: Order) -> None:
        if self.orders.pop(order.id, None) is not None:
            self.told.append(("EXPIRED", order.id, 0, 0))

    def watch(self, ticks: int) -> None:
        for order in sorted(self.orders.values(), key=lambda o: o.id):
            self.watch_one(order, ticks)

    def watch_one(self, order: Order, ticks: int) -> None:
        if order.is_waiting and order.stop is not None and ticks and (ticks - order.stop) * order.side >= 0:
            order.is_waiting = False
            self.told.append(("TRIGGERED", order.id, 0, 0))
            self.triggered.append(order)

    def settle(self) -> None:
        while self.triggered:
            order = self.triggered.pop(0)
            if order.id in self.orders:
                self.enter(order)
