"""The price-time book against a matching engine of plain lists, and what must hold whatever comes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot4.domain.events import BOOK_ADD, BOOK_REMOVE, BOOK_SET
from bot4.domain.orders import (
    BUY,
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    DECREMENT,
    FILL_OR_KILL,
    IMMEDIATE_OR_CANCEL,
    SELL,
    TRADE_WITH_SELF,
)
from bot4.simulator.book.ladder import lots_within
from bot4.simulator.book.matching_book import PriceTimeBook
from bot4.simulator.book.price_time import MatchStatus


@dataclass
class Resting:
    order_id: int
    owner: int
    side: int
    ticks: int
    shown: int
    hidden: int
    display: int

    @property
    def open(self) -> int:
        return self.shown + self.hidden


@dataclass
class PlainBook:
    """A matching engine of two sorted lists."""

    resting: list[Resting] = field(default_factory=list)  # in the order of arrival

    def find(self, order_id: int) -> Resting | None:
        return next((order for order in self.resting if order.order_id == order_id), None)

    def queue(self, side: int) -> list[Resting]:
        return sorted((o for o in self.resting if o.side == side), key=lambda o: -o.ticks * side)  # stable: by time

    def makers(self, side: int, ticks: int) -> list[Resting]:
        return [order for order in self.queue(-side) if (ticks - order.ticks) * side >= 0]

    def add(
        self,
        order_id: int,
        side: int,
        ticks: int,
        lots: int,
        owner: int,
        display: int,
        force: int,
        post: bool,
        mode: int,
    ) -> tuple[MatchStatus, list[list[int]], int]:
        if self.find(order_id):
            return MatchStatus.DUPLICATE_ORDER, [], lots
        if post and self.makers(side, ticks):
            return MatchStatus.WOULD_TAKE, [], lots
        if force == FILL_OR_KILL and self.fillable(side, ticks, owner, mode) < lots:
            return MatchStatus.NOT_FILLABLE, [], lots
        fills: list[list[int]] = []
        while lots:
            makers = self.makers(side, ticks)
            if not makers:
                break
            maker = makers[0]
            is_own = owner != 0 and maker.owner == owner and mode != TRADE_WITH_SELF
            if is_own and mode != DECREMENT:
                if mode != CANCEL_NEWEST:
                    fills.append([maker.order_id, maker.owner, maker.ticks, maker.open, 0, 1])
                    self.resting.remove(maker)
                if mode != CANCEL_OLDEST:
                    return MatchStatus.CUT_BY_SELF_TRADE, fills, lots
                continue
            traded = min(lots, maker.shown)
            fills.append([maker.order_id, maker.owner, maker.ticks, traded, maker.open - traded, 2 if is_own else 0])
            lots -= traded
            self.use_up(maker, traded)
        if not lots:
            return MatchStatus.FILLED_WHOLE, fills, 0
        if force in (IMMEDIATE_OR_CANCEL, FILL_OR_KILL):
            return MatchStatus.REST_DROPPED, fills, lots
        shown = min(lots, display) if display else lots
        self.resting.append(Resting(order_id, owner, side, ticks, shown, lots - shown, display))
        return MatchStatus.RESTED, fills, lots

    def fillable(self, side: int, ticks: int, owner: int, mode: int) -> int:
        total = 0
        for maker in self.makers(side, ticks):
            if owner != 0 and maker.owner == owner and mode != TRADE_WITH_SELF:
                if mode != CANCEL_OLDEST:
                    break
                continue
            total += maker.open
        return total

    def use_up(self, maker: Resting, lots: int) -> None:
        maker.shown -= lots
        if maker.shown == 0:
            self.resting.remove(maker)
            if maker.hidden:
                maker.shown = min(maker.hidden, maker.display)
                maker.hidden -= maker.shown
                self.resting.append(maker)

    def reduce(self, order: Resting, lots: int) -> None:
        if lots >= order.open:
            self.resting.remove(order)
            return
        from_hidden = min(lots, order.hidden)
        order.hidden -= from_hidden
        order.shown -= lots - from_hidden

    def amend(self, order_id: int, ticks: int, lots: int, mode: int) -> tuple[MatchStatus, list[list[int]], int]:
        order = self.find(order_id)
        if order is None:
            return MatchStatus.UNKNOWN_ORDER, [], 0
        if ticks == order.ticks and lots <= order.open:
            if lots < order.open:
                self.reduce(order, order.open - lots)
            return MatchStatus.DONE, [], lots
        self.resting.remove(order)
        return self.add(order_id, order.side, ticks, lots, order.owner, order.display, 0, False, mode)

    def rows(self) -> list[list[int]]:
        return [
            [o.order_id, o.owner, o.side, o.ticks, o.shown, o.hidden] for side in (BUY, SELL) for o in self.queue(side)
        ]


ids = st.integers(1, 60)
sides = st.sampled_from([BUY, SELL])
prices = st.one_of(st.integers(95, 106), st.integers(95, 106), st.integers(-9000, 9000))
quantities = st.integers(1, 30)
owners = st.sampled_from([0, 0, 1, 2])
modes = st.sampled_from([TRADE_WITH_SELF, CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT])
forces = st.sampled_from([0, 0, 0, IMMEDIATE_OR_CANCEL, FILL_OR_KILL])


class Market(RuleBasedStateMachine):
    """Everything that can happen to a book, done to both, which must never differ."""

    def __init__(self) -> None:
        super().__init__()
        self.book = PriceTimeBook(n_orders=4, n_prices=2, n_ticks=1024, n_far=1)  # it grows on the way
        self.plain = PlainBook()
        self.book._rows = np.zeros((2, 6), dtype=np.int64)  # so that rows run out as well

    @rule(
        order_id=ids, side=sides, ticks=prices, lots=quantities, owner=owners, display=st.sampled_from([0, 0, 3, 50]),
        force=forces, post=st.booleans(), mode=modes,
    )  # fmt: skip
    def an_order_comes(
        self,
        order_id: int,
        side: int,
        ticks: int,
        lots: int,
        owner: int,
        display: int,
        force: int,
        post: bool,
        mode: int,
    ) -> None:
        touch = {BUY: self.book.best()[1], SELL: self.book.best()[0]}[side]
        expected = self.plain.add(order_id, side, ticks, lots, owner, display, force, post, mode)
        done = self.book.add(
            order_id, side, ticks, lots, owner=owner, display_lots=display, time_in_force=force, is_post_only=post,
            self_trade=mode,
        )  # fmt: skip
        assert (done.status, done.fills.tolist(), done.rest_lots) == expected
        trades = done.fills[done.fills[:, 5] == 0]
        if len(trades):  # no fill through a better price: they begin at the touch and go one way, never past the limit
            assert (np.diff(trades[:, 2]) * side >= 0).all()
            assert trades[0, 2] == touch or len(trades) < len(done.fills)
            assert ((ticks - trades[:, 2]) * side >= 0).all()
        if mode in (TRADE_WITH_SELF, CANCEL_NEWEST, CANCEL_OLDEST) and done.status in (0, 1, 2, 3):
            assert trades[:, 3].sum() + done.rest_lots == lots

    @rule(order_id=ids, side=sides, lots=quantities, owner=owners, mode=modes)
    def a_market_order_comes(self, order_id: int, side: int, lots: int, owner: int, mode: int) -> None:
        expected = self.plain.add(order_id, side, side * 10**9, lots, owner, 0, IMMEDIATE_OR_CANCEL, False, mode)
        done = self.book.market(order_id, side, lots, owner=owner, self_trade=mode)
        assert (done.status, done.fills.tolist(), done.rest_lots) == expected

    @rule(order_id=ids)
    def an_order_is_cancelled(self, order_id: int) -> None:
        order = self.plain.find(order_id)
        status = self.book.cancel(order_id)
        assert status == (MatchStatus.UNKNOWN_ORDER if order is None else MatchStatus.DONE)
        if order is not None:
            self.plain.resting.remove(order)

    @rule(order_id=ids, ticks=prices, lots=quantities, mode=modes)
    def an_order_is_amended(self, order_id: int, ticks: int, lots: int, mode: int) -> None:
        expected = self.plain.amend(order_id, ticks, lots, mode)
        done = self.book.amend(order_id, ticks, lots, self_trade=mode)
        assert (done.status, done.fills.tolist()) == expected[:2]
        if expected[0] != MatchStatus.UNKNOWN_ORDER:
            assert done.rest_lots == expected[2]

    @rule(order_id=ids, lots=quantities)
    def an_order_is_reduced(self, order_id: int, lots: int) -> None:
        order = self.plain.find(order_id)
        assert self.book.reduce(order_id, lots) == (MatchStatus.UNKNOWN_ORDER if order is None else MatchStatus.DONE)
        if order is not None:
            self.plain.reduce(order, lots)

    @rule(
        action=st.sampled_from([BOOK_ADD, BOOK_SET, BOOK_REMOVE]),
        order_id=ids,
        level=st.integers(0, 9),
        side=sides,
        lots=quantities,
    )
    def the_feed_tells_of_an_order(self, action: int, order_id: int, level: int, side: int, lots: int) -> None:
        # The feed's prices do not cross what is in the book.
        order = self.plain.find(order_id)
        if order is not None and action == BOOK_SET:
            side = order.side
        bids, asks = self.plain.queue(BUY), self.plain.queue(SELL)
        if side == BUY:
            ticks = (asks[0].ticks if asks else 100) - 1 - level
        else:
            ticks = (bids[0].ticks if bids else 100) + 1 + level
        status = self.book.apply(action, order_id, side, ticks, lots)
        if action == BOOK_ADD:
            assert status == (MatchStatus.DUPLICATE_ORDER if order else MatchStatus.RESTED)
            if order is None:
                self.plain.resting.append(Resting(order_id, 0, side, ticks, lots, 0, 0))
        elif order is None:
            assert status == MatchStatus.UNKNOWN_ORDER
        elif action == BOOK_REMOVE:
            assert status == MatchStatus.DONE
            self.plain.resting.remove(order)
        elif ticks == order.ticks and lots <= order.shown:
            assert status == MatchStatus.DONE
            self.plain.reduce(order, order.open - lots)
        else:
            assert status == MatchStatus.RESTED
            self.plain.resting.remove(order)
            self.plain.resting.append(Resting(order_id, order.owner, side, ticks, lots, 0, 0))

    @rule(side=sides, level=st.integers(0, 2), lots=quantities)
    def a_recorded_trade_takes_from_a_queue(self, side: int, level: int, lots: int) -> None:
        queue = self.plain.queue(side)
        levels = sorted({order.ticks for order in queue}, reverse=side == BUY)
        if level >= len(levels):
            return
        done = self.book.trade(side, levels[level], lots)
        fills, left = [], lots
        while left:
            makers = [order for order in self.plain.queue(side) if order.ticks == levels[level]]
            if not makers:
                break
            maker, traded = makers[0], min(left, makers[0].shown)
            fills.append([maker.order_id, maker.owner, maker.ticks, traded, maker.open - traded, 0])
            left -= traded
            self.plain.use_up(maker, traded)
        assert done.fills.tolist() == fills
        assert done.rest_lots == left
        assert done.status == (MatchStatus.REST_DROPPED if left else MatchStatus.FILLED_WHOLE)

    @invariant()
    def both_books_hold_the_same_orders_in_the_same_queues(self) -> None:
        rows = self.plain.rows()
        assert self.book.orders().tolist() == rows
        for side, levels in zip((BUY, SELL), self.book.levels(200), strict=True):
            shown: dict[int, int] = {}
            for _id, _owner, row_side, ticks, lots, _hidden in rows:
                if row_side == side:
                    shown[ticks] = shown.get(ticks, 0) + lots
            assert levels.tolist() == [list(level) for level in shown.items()]
            assert lots_within(self.book.array, side, -side * 10**9) == sum(shown.values())

    @invariant()
    def the_book_is_never_crossed(self) -> None:
        bid, ask = self.book.best()
        assert bid is None or ask is None or bid < ask

    @invariant()
    def every_order_knows_what_is_ahead_of_it(self) -> None:
        for order in self.plain.resting[:3]:
            ahead = 0
            for other in self.plain.queue(order.side):
                if other is order:
                    break
                if other.ticks == order.ticks:
                    ahead += other.shown
            assert self.book.lots_ahead(order.order_id) == ahead
            assert self.book.order_lots(order.order_id) == order.open


TestMarket = Market.TestCase


@given(st.lists(st.tuples(sides, st.integers(90, 110), quantities), max_size=80))
def test_no_lot_is_made_or_lost(flow: list[Any]) -> None:
    book = PriceTimeBook()
    came = {BUY: 0, SELL: 0}
    traded = 0
    for number, (side, ticks, lots) in enumerate(flow, 1):
        came[side] += lots
        traded += int(book.add(number, side, ticks, lots).fills[:, 3].sum())
    orders = book.orders()
    for side in (BUY, SELL):
        assert came[side] == traded + orders[orders[:, 2] == side][:, 4].sum()
