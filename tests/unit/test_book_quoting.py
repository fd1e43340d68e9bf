"""The quoting backtest against an event-by-event simulation in plain Python, and its rules one by one."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import DataError, SettingError
from bot4.domain.orders import BUY, SELL
from bot4.simulator.book.queue_models import QueueModel, QueueSettings, share_ahead
from bot4.simulator.book.quoting import QUOTING_STRATEGIES, QuotingResult, QuotingSettings, backtest_quotes
from bot4.simulator.book.quoting_strategies import join_the_touch
from bot4.simulator.book.tape import BOOK_EVENT, LEVEL_SET, SIDE_CLEARED, TRADED

MS = 1_000_000


def made_tape(rows: list[tuple[int, int, int, int, int, int]]) -> np.ndarray:
    """A tape of rows (time, kind, side, ticks, lots, latency)."""
    tape = np.zeros(len(rows), dtype=BOOK_EVENT)
    for row, (ts_ns, kind, side, ticks, lots, latency) in enumerate(rows):
        tape[row] = (ts_ns, ticks, lots, latency, kind, side)
    return tape


def drawn_tape(n: int, seed: int) -> np.ndarray:
    """A market of a few levels a side that trades, moves, jumps and is cleared now and then."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, int, int, int]] = []
    now, middle, heard = 0, 1000, 0
    book: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
    while len(rows) < n:
        now += int(rng.integers(0, 3 * MS))
        events: list[tuple[int, int, int, int]] = []
        draw = rng.random()
        side = BUY if rng.random() < 0.5 else SELL
        if draw < 0.25 and book[-side]:
            touch = min(book[-side], key=lambda ticks: ticks * side)
            lots = int(rng.integers(1, 12))
            events.append((TRADED, side, touch + int(rng.random() < 0.1) * side, lots))
            events.append((LEVEL_SET, -side, touch, max(book[-side][touch] - lots, 0)))
        elif draw < 0.3:
            middle += int(rng.integers(-2, 3))
            for of in (BUY, SELL):
                events += [(LEVEL_SET, of, ticks, 0) for ticks in book[of] if (ticks - middle) * of >= 0]
        elif draw < 0.31:
            events.append((SIDE_CLEARED, side, 0, 0))
        else:
            events.append((LEVEL_SET, side, middle - side * int(rng.integers(1, 6)), int(rng.integers(0, 30))))
        for kind, of, ticks, lots in events:
            heard = max(heard, now + int(rng.integers(0, 4 * MS)))
            rows.append((now, kind, of, ticks, lots, heard - now))
            if kind == SIDE_CLEARED:
                book[of].clear()
            elif kind == LEVEL_SET:
                book[of].pop(ticks, None)
                if lots:
                    book[of][ticks] = lots
    return made_tape(rows)


@dataclass
class PlainOrder:
    number: int
    side: int
    ticks: int
    open: int
    ahead: float = 0.0
    traded: int = 0
    status: str = "sent"


class PlainMarket:
    """One event after the other from a heap, by time and then: heard, reported, happened, arrived, woken."""

    def __init__(self, tape: np.ndarray, settings: QuotingSettings, parameters: list[int]) -> None:
        self.settings, self.parameters = settings, parameters
        self.books: list[dict[int, dict[int, int]]] = [{BUY: {}, SELL: {}}, {BUY: {}, SELL: {}}]
        self.live: list[PlainOrder] = []
        self.known: dict[int, PlainOrder] = {}
        self.fills: list[tuple[int, int, int, int, int]] = []
        self.position = self.known_position = self.expired = self.numbers = 0
        self.cash = Fraction(0)
        self.heap: list[Any] = []
        self.count = 0
        for event in tape.tolist():
            self.push(event[0] + event[3], 0, self.hear, event)
            self.push(event[0], 2, self.happen, event)
        wake = int(tape["ts_ns"][0]) + settings.interval_ns
        while self.heap:
            while self.heap and self.heap[0][0] <= wake:
                self.now, _, _, work, argument = heapq.heappop(self.heap)
                work(argument)
            self.now = wake
            if self.heap:
                self.wake()
            wake += settings.interval_ns

    def push(self, ts_ns: int, rank: int, work: Any, argument: Any) -> None:
        self.count += 1
        heapq.heappush(self.heap, (ts_ns, rank, self.count, work, argument))

    def change(self, book: dict[int, dict[int, int]], event: Any) -> None:
        _ts, ticks, lots, _latency, kind, side = event
        if kind == SIDE_CLEARED:
            book[side].clear()
        elif kind == LEVEL_SET:
            book[side].pop(ticks, None)
            if lots:
                book[side][ticks] = lots

    def hear(self, event: Any) -> None:
        self.change(self.books[1], event)

    def happen(self, event: Any) -> None:
        _ts, ticks, lots, _latency, kind, side = event
        for order in list(self.live):
            if kind == TRADED and order.side == -side:
                if (order.ticks - ticks) * order.side > 0:
                    self.fill(order, order.open)
                elif order.ticks == ticks:
                    order.ahead -= lots
                    order.traded += lots
                    reached = min(math.floor(0.5 - order.ahead), order.open) if order.ahead <= -0.5 else 0
                    order.ahead += reached
                    if reached:
                        self.fill(order, order.open if self.settings.fills_whole else reached)
            elif kind == LEVEL_SET and order.side == side and order.ticks == ticks:
                before = self.books[0][side].get(ticks, 0)
                model, parameter = self.settings.queue.model, self.settings.queue.parameter
                cancelled = before - lots - order.traded
                if cancelled > 0 and order.ahead > 0 and model != QueueModel.PESSIMISTIC:
                    behind = before - order.ahead
                    p = share_ahead(model, parameter, order.ahead, behind)
                    order.ahead -= cancelled - min((1 - p) * cancelled, max(behind, 0.0))
                order.ahead, order.traded = min(order.ahead, lots), 0
            elif kind == LEVEL_SET and order.side == -side and lots and (ticks - order.ticks) * side >= 0:
                self.fill(order, order.open)
        self.change(self.books[0], event)

    def fill(self, order: PlainOrder, lots: int) -> None:
        order.open -= lots
        self.position += order.side * lots
        notional = order.ticks * lots
        self.cash -= order.side * notional + math.ceil(notional * Fraction(self.settings.maker_fee))
        self.fills.append((self.now, order.number, order.ticks, lots, order.side))
        if not order.open:
            self.live.remove(order)
        self.push(
            self.now + self.settings.report_latency_ns, 1, self.reported, ("filled", order.number, order.side, lots)
        )

    def reported(self, report: Any) -> None:
        what, number, side, lots = report
        order = self.known.get(number)
        if what == "filled":
            self.known_position += side * lots
        if order is None:
            return
        if what == "accepted":
            order.status = "working"
        if what == "filled":
            order.open -= lots
        if what in ("cancelled", "expired") or order.open <= 0:
            del self.known[number]

    def arrive(self, message: Any) -> None:
        what, number, side, ticks, lots = message
        if what == "cancel":
            found = [order for order in self.live if order.number == number]
            self.live = [order for order in self.live if order.number != number]
            answer = "cancelled" if found else "too late"
        else:
            others = self.books[0][-side]
            touch = min(others, key=lambda other: other * side) if others else None
            answer = "expired" if touch is not None and (ticks - touch) * side >= 0 else "accepted"
            if answer == "accepted":
                self.live.append(PlainOrder(number, side, ticks, lots, float(self.books[0][side].get(ticks, 0))))
            else:
                self.expired += 1
        self.push(self.now + self.settings.report_latency_ns, 1, self.reported, (answer, number, side, lots))

    def wake(self) -> None:
        wanted: dict[int, int] = {}
        lots, largest, away, lots_a_tick = self.parameters
        bids, asks = self.books[1][BUY], self.books[1][SELL]
        if bids and asks:
            back = self.known_position // lots_a_tick if lots_a_tick else 0
            if self.known_position < largest:
                wanted[BUY] = max(bids) - away - max(back, 0)
            if self.known_position > -largest:
                wanted[SELL] = min(asks) + away + max(-back, 0)
        for order in self.known.values():
            if order.status == "working" and wanted.get(order.side) != order.ticks:
                order.status = "cancelling"
                self.send(("cancel", order.number, order.side, order.ticks, order.open))
        for side in (BUY, SELL):
            if side in wanted and not any((o.side, o.ticks) == (side, wanted[side]) for o in self.known.values()):
                self.numbers += 1
                self.known[self.numbers] = PlainOrder(self.numbers, side, wanted[side], lots)
                self.send(("place", self.numbers, side, wanted[side], lots))

    def send(self, message: Any) -> None:
        self.push(self.now + self.settings.order_latency_ns, 3, self.arrive, message)


def fills_of(result: QuotingResult) -> list[tuple[int, ...]]:
    return [tuple(int(fill[name]) for name in ("ts_ns", "order_id", "ticks", "lots", "side")) for fill in result.fills]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "queue",
    [
        QueueSettings(),
        QueueSettings(QueueModel.PROPORTIONAL),
        QueueSettings(QueueModel.POWER, 2.5),
        QueueSettings(QueueModel.LOGARITHMIC),
    ],
    ids=lambda queue: queue.model.name,
)
def test_every_fill_is_that_of_a_plain_simulation(queue: QueueSettings, seed: int) -> None:
    tape = drawn_tape(1500, seed)
    settings = QuotingSettings(
        interval_ns=(3 + 4 * seed) * MS,
        order_latency_ns=(seed % 3) * 2 * MS,
        report_latency_ns=(seed % 4) * MS,
        queue=queue,
        fills_whole=seed % 2 == 1,
        maker_fee=Decimal("0.0001") if seed < 3 else Decimal("-0.00007"),
    )
    parameters = [7, 40, seed % 2, 10]
    result = backtest_quotes(tape, join_the_touch, parameters, settings)
    plain = PlainMarket(tape, settings, parameters)
    assert fills_of(result) == plain.fills
    assert len(plain.fills) > 20
    assert (result.position_lots, result.cash) == (plain.position, plain.cash)
    assert (result.n_sent, result.n_expired) == (plain.numbers, plain.expired)


@QUOTING_STRATEGIES.kernel
def bid_once(view: Any, book: Any, parameters: Any, memory: Any) -> None:
    """Bid for parameters[1] lots at parameters[0] ticks, always."""
    view["bid_quote_ticks"][0] = int(parameters[0])
    view["bid_quote_lots"][0] = int(parameters[1])
    view["n_bids"] = 1


def after_a_bid(*events: tuple[int, int, int, int, int, int], **settings: Any) -> QuotingResult:
    """What becomes of a bid for 10 at 100 behind 30 that is sent at 10 ms and arrives at 11 ms."""
    rows = [(0, LEVEL_SET, BUY, 100, 30, 0), (0, LEVEL_SET, SELL, 101, 30, 0), *events]
    made = QuotingSettings(interval_ns=10 * MS, **settings)
    return backtest_quotes(made_tape(rows), bid_once, [100, 10], made)


def test_a_trade_fills_what_it_has_left_behind_the_queue() -> None:
    result = after_a_bid((12 * MS, TRADED, SELL, 100, 34, 0), (13 * MS, TRADED, SELL, 100, 3, 0))
    assert fills_of(result) == [(12 * MS, 1, 100, 4, BUY), (13 * MS, 1, 100, 3, BUY)]
    assert (result.position_lots, result.cash) == (7, -700)


def test_a_trade_before_the_order_arrives_leaves_it_where_it_is() -> None:
    assert fills_of(after_a_bid((11 * MS - 1, TRADED, SELL, 100, 34, 0))) == []


def test_an_event_at_the_moment_of_arrival_comes_first() -> None:
    assert fills_of(after_a_bid((11 * MS, TRADED, SELL, 100, 34, 0))) == []


def test_an_order_of_the_whole_kind_fills_whole_once_it_is_reached() -> None:
    result = after_a_bid((12 * MS, TRADED, SELL, 100, 31, 0), fills_whole=True)
    assert fills_of(result) == [(12 * MS, 1, 100, 10, BUY)]


def test_a_trade_through_the_price_fills_the_whole_order_at_its_price() -> None:
    assert fills_of(after_a_bid((12 * MS, TRADED, SELL, 99, 1, 0))) == [(12 * MS, 1, 100, 10, BUY)]


def test_the_other_side_coming_to_the_price_fills_the_whole_order() -> None:
    result = after_a_bid((12 * MS, LEVEL_SET, SELL, 100, 5, 0))
    assert fills_of(result) == [(12 * MS, 1, 100, 10, BUY)]


def test_a_buyers_trade_at_the_price_of_a_bid_does_nothing() -> None:
    assert fills_of(after_a_bid((12 * MS, TRADED, BUY, 100, 500, 0))) == []


def test_a_quote_that_would_take_on_arrival_expires_and_is_sent_anew() -> None:
    result = after_a_bid((10 * MS + 1, LEVEL_SET, SELL, 100, 5, 0), (35 * MS, LEVEL_SET, SELL, 100, 0, 0))
    assert (result.n_sent, result.n_expired, len(result.fills)) == (3, 3, 0)


def test_fees_are_rounded_up_to_whole_tick_lots() -> None:
    result = after_a_bid((12 * MS, TRADED, SELL, 100, 34, 0), maker_fee=Decimal("0.001"))
    assert (result.fees, result.cash) == (1, -401)


def test_equity_is_cash_and_the_position_at_the_middle() -> None:
    result = after_a_bid((12 * MS, TRADED, SELL, 100, 34, 0))
    assert result.equity == -400 + 4 * 100.5
    assert result.last_mid_ticks == 100.5


def test_a_run_ends_with_its_events_and_its_messages() -> None:
    result = after_a_bid((55 * MS, TRADED, SELL, 100, 35, 200))
    assert result.n_events == 3
    assert result.n_wakes == 5  # at 10, 20, ... 50 ms; at 60 ms all has been said
    assert result.position_lots == 5


@QUOTING_STRATEGIES.kernel
def a_ladder_of_bids(view: Any, book: Any, parameters: Any, memory: Any) -> None:
    """Eight bids, one tick apart; every other time they are kept unseen."""
    memory[0] += 1.0
    if memory[0] % 2.0 == 0.0:
        view["keeps_quotes"] = 1
        return
    for level in range(8):
        view["bid_quote_ticks"][level] = 99 - level
        view["bid_quote_lots"][level] = level + 1
    view["n_bids"] = 8


def test_a_strategy_may_quote_eight_levels_and_keep_them_without_saying_so_again() -> None:
    rows = [(0, LEVEL_SET, BUY, 100, 30, 0), (0, LEVEL_SET, SELL, 101, 30, 0), (70 * MS, TRADED, SELL, 95, 1, 0)]
    result = backtest_quotes(made_tape(rows), a_ladder_of_bids, (), QuotingSettings(interval_ns=10 * MS))
    assert (result.n_sent, result.n_cancels) == (8, 0)
    assert fills_of(result)[:4] == [(70 * MS, level + 1, 99 - level, level + 1, BUY) for level in range(4)]
    assert fills_of(result)[4:] == [(70 * MS, 5, 95, 1, BUY)]


def test_more_fills_than_rows_are_all_kept() -> None:
    rows = [(0, LEVEL_SET, BUY, 100, 1, 0), (0, LEVEL_SET, SELL, 101, 30, 0)]
    rows += [((20 + i) * MS // 10, TRADED, SELL, 100, 1, 0) for i in range(9000)]
    settings = QuotingSettings(interval_ns=MS, order_latency_ns=0, report_latency_ns=0)
    result = backtest_quotes(made_tape(rows), bid_once, [100, 100_000], settings)
    assert result.position_lots == len(result.fills) > 8000


def test_far_levels_beyond_the_books_room_make_it_grow() -> None:
    rows = [(0, LEVEL_SET, BUY, 100, 1, 0), (0, LEVEL_SET, SELL, 101, 30, 0)]
    rows += [(i, LEVEL_SET, SELL, 10_000 + i, 1, 0) for i in range(9000)]
    rows += [(20 * MS, TRADED, SELL, 100, 3, 0)]
    result = backtest_quotes(made_tape(rows), bid_once, [100, 1], QuotingSettings(interval_ns=MS))
    assert result.position_lots == 1


def test_too_many_reports_on_their_way_are_said_and_not_lost() -> None:
    rows = [(0, LEVEL_SET, BUY, 100, 1, 0), (0, LEVEL_SET, SELL, 101, 30, 0)]
    rows += [((20 + i) * MS // 10, TRADED, SELL, 100, 1, 0) for i in range(9000)]
    settings = QuotingSettings(interval_ns=MS, order_latency_ns=0, report_latency_ns=60_000_000_000)
    with pytest.raises(DataError, match="reports are on their way"):
        backtest_quotes(made_tape(rows), bid_once, [100, 100_000], settings)


def test_money_beyond_64_bits_is_refused() -> None:
    high = (1 << 40) - 2
    rows = [(0, LEVEL_SET, BUY, high, 1, 0), (20 * MS, TRADED, SELL, high - 1, 1, 0)]
    with pytest.raises(DataError, match="64 bits"):
        backtest_quotes(made_tape(rows), bid_once, [high, 1 << 40], QuotingSettings(interval_ns=MS))


def test_an_empty_tape_is_refused() -> None:
    with pytest.raises(DataError, match="no events"):
        backtest_quotes(np.zeros(0, dtype=BOOK_EVENT), join_the_touch)


@pytest.mark.parametrize(
    "bad",
    [
        {"interval_ns": 0}, {"order_latency_ns": -1}, {"report_latency_ns": 61_000_000_000},
        {"maker_fee": Decimal("0.2")}, {"maker_fee": Decimal("0.000000001")},
    ],
)  # fmt: skip
def test_settings_out_of_bounds_are_refused(bad: dict) -> None:
    with pytest.raises(SettingError):
        QuotingSettings(**bad)
