"""A recorded level-3 stream through the simulator's price-time book: does it make the trades that were recorded?

Every order that is created is placed in the book and takes what stands at its price or better; cancelled orders go;
orders that are moved to another price are taken off and placed anew. The trades that the *book* makes in this way are
then held against those that the exchange recorded. What the stream says of fills is not used to make trades.

**Orders that stood before the recording** are not announced: their first message is a change or a deletion. They are
put into the book before the first message, with what that message and the trade beside it say they had. That is
hindsight, used for the opening book alone; without it the same replay can be run to see what it is worth.

A recorded trade that the book did not make is explained, where possible, by the two orders whose quantities fell by
its amount (:class:`Reason`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from bot4.adapters.exchanges.order_books.matching_orders import Match, MatchingOrders
from bot4.adapters.exchanges.order_books.messages import MarketTrade, OrderChange
from bot4.domain.errors import DataError
from bot4.domain.events import BOOK_ADD, BOOK_REMOVE

LevelNow = tuple[int, int, int]
"""Side (+1 bid, -1 ask), ticks, and the lots that stand there now."""

_ROUNDING = 1_000  # a market order's rest is left by rounding: a thousandth of the trade at most
_REACH = 60
"""How many messages may lie between the two orders' messages and the trade's own."""
_BESIDE = 15
"""How far behind an unannounced order's first message its trade may stand."""


@dataclass(frozen=True, slots=True)
class Level3Message:
    """One message of the stream, with its line."""

    line: int
    ts_local_ns: int
    message: OrderChange | MarketTrade


class Reason(Enum):
    """Why a recorded trade is not among those that the book made."""

    ORDERS_FELL = "two orders fell by its amount, but the book's trades were others"
    TAKER_CANCELLED = "the maker fell by its amount; the taker was deleted with a rest of a little more than that"
    ORDER_UNANNOUNCED = "one order fell by its amount; the other one stood before the recording or was never announced"
    UNEXPLAINED = "no order fell by its amount"


@dataclass(frozen=True, slots=True)
class MadeTrade:
    """A trade that the book made, and the line at which it did; ``taker_side`` is +1 where a buyer took."""

    line: int
    ticks: int
    lots: int
    maker_id: int
    taker_id: int
    taker_side: int


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """A trade of the recording and what became of it.

    Attributes:
        made: the trade that the book made, or None.
        reason: where it made none.
        pair: ids of the bid and the ask that fell by its amount, None where not both did.
    """

    line: int
    ts_local_ns: int
    ticks: int
    lots: int
    trade_id: str
    made: MadeTrade | None
    reason: Reason | None
    pair: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Fall:
    """An order whose quantity went down."""

    line: int
    order_id: int
    side: int
    ticks: int
    lots: int
    is_cancelled_rest: bool


@dataclass(slots=True)
class Level3Report:
    """What the replay found.

    Attributes:
        trades: every recorded trade, in order.
        extra: trades that the book made and no one recorded.
        opening_orders: orders put into the book before the first message.
        orders: by what became of their messages.
    """

    trades: list[RecordedTrade]
    extra: list[MadeTrade]
    opening_orders: int
    orders: Counter[str] = field(default_factory=Counter)

    @property
    def made(self) -> int:
        """How many recorded trades the book made by itself."""
        return sum(trade.made is not None for trade in self.trades)

    @property
    def share_made(self) -> float:
        """The same as a share of all; NaN without trades."""
        return self.made / len(self.trades) if self.trades else float("nan")

    def reasons(self) -> Counter[Reason]:
        """How many of the others have which reason."""
        return Counter(trade.reason for trade in self.trades if trade.reason is not None)


class Level3Listener(Protocol):
    """Who wants to see the book of a level-3 replay."""

    def before_message(self, ts_local_ns: int) -> None:
        """A message received at this time comes next."""
        ...

    def on_levels(self, changes: Sequence[LevelNow], ts_local_ns: int) -> None:
        """What stands now at the prices that a message has touched."""
        ...


def replay_orders(
    messages: Sequence[Level3Message], *, with_opening: bool = True, listeners: Sequence[Level3Listener] = ()
) -> Level3Report:
    """Replay a level-3 stream of one symbol.

    Args:
        messages: in the order of the recording.
        with_opening: put the orders that stood before the recording into the book (see the module).
        listeners: who sees the book's levels.

    Raises:
        DataError: there is no order in it.
    """
    if not any(isinstance(entry.message, OrderChange) for entry in messages):
        raise DataError("no orders in the stream", where="level-3 replay", remedy="give a level-3 recording")
    book = MatchingOrders()
    opening = standing_before(messages) if with_opening else []
    for change in opening:
        book.stand(change.order_id, change.side, change.price_ticks, change.lots)
    if opening:
        _tell(listeners, book, {(change.side, change.price_ticks) for change in opening}, messages[0].ts_local_ns)
    made, counts = _matched(messages, book, listeners)
    falls = _falls(messages, {change.order_id: change.lots for change in opening})
    trades, extra = _compared(messages, made, falls)
    return Level3Report(trades, extra, len(opening), counts)


def standing_before(messages: Sequence[Level3Message]) -> list[OrderChange]:
    """The orders whose creation the stream does not show because they were there before it, oldest first.

    Their quantity is that of their first message, and of the trade at their price beside it where they were filled.
    An id above the first announced one was announced in a message that was lost: that order is left out.
    """
    announced = [e.message.order_id for e in messages if _is_creation(e.message)]  # type: ignore[union-attr]
    newest_before = min(announced, default=0)
    seen: set[int] = set()
    used: set[int] = set()
    found: dict[int, OrderChange] = {}
    for position, entry in enumerate(messages):
        change = entry.message
        if not isinstance(change, OrderChange) or change.order_id in seen:
            continue
        seen.add(change.order_id)
        if change.action == BOOK_ADD or change.order_id >= newest_before:
            continue
        lots = change.lots
        if change.action != BOOK_REMOVE or lots == 0:
            lots += _traded_beside(messages, position, change.price_ticks, used)
        if lots > 0:
            found[change.order_id] = OrderChange(
                change.symbol, BOOK_ADD, change.order_id, change.side, change.price_ticks, lots
            )
    return [found[order_id] for order_id in sorted(found)]


def _is_creation(message: OrderChange | MarketTrade) -> bool:
    return isinstance(message, OrderChange) and message.action == BOOK_ADD


def _traded_beside(messages: Sequence[Level3Message], position: int, ticks: int, used: set[int]) -> int:
    """Lots of the next trade at a price that no other order has claimed, 0 where there is none near."""
    for at in range(position + 1, min(position + _BESIDE, len(messages))):
        trade = messages[at].message
        if isinstance(trade, MarketTrade) and trade.price_ticks == ticks and at not in used:
            used.add(at)
            return trade.lots
    return 0


def _matched(
    messages: Iterable[Level3Message], book: MatchingOrders, listeners: Sequence[Level3Listener]
) -> tuple[list[MadeTrade], Counter[str]]:
    """The trades that the book makes, and how its orders agreed with the messages about them."""
    made: list[MadeTrade] = []
    counts: Counter[str] = Counter()
    for entry in messages:
        change = entry.message
        for listener in listeners:
            listener.before_message(entry.ts_local_ns)
        if not isinstance(change, OrderChange):
            continue
        order = book.order(change.order_id)
        touched = {(change.side, change.price_ticks)} | ({(order.side, order.ticks)} if order is not None else set())
        what, matches = _take(book, change)
        counts[what] += 1
        made += [MadeTrade(entry.line, m.ticks, m.lots, m.maker_id, m.taker_id, change.side) for m in matches]
        touched |= {(-change.side, match.ticks) for match in matches}
        _tell(listeners, book, touched, entry.ts_local_ns)
    return made, counts


def _take(book: MatchingOrders, change: OrderChange) -> tuple[str, list[Match]]:
    """Do in the book what one message says of an order; what that was, and the trades that it makes."""
    order = book.order(change.order_id)
    if change.action == BOOK_REMOVE:
        if order is None:
            return "gone as the book said", []
        book.cancel(change.order_id)
        return "cancelled" if change.lots else "gone though the book had it still", []
    what = "created"
    if change.action != BOOK_ADD:
        if order is None:
            return "changed, which the book had filled", []
        if order.ticks == change.price_ticks:
            if order.lots < change.lots:
                return "on its way to what the book has", []  # a taker's fills are reported one by one
            what = "as the book said" if order.lots == change.lots else "reduced to what the message said"
            book.shrink(change.order_id, change.lots)
            return what, []
        what = "moved to another price"
        book.cancel(change.order_id)
    return what, book.place(change.order_id, change.side, change.price_ticks, change.lots)


def _tell(
    listeners: Sequence[Level3Listener], book: MatchingOrders, touched: Iterable[tuple[int, int]], ts_local_ns: int
) -> None:
    if listeners:
        changes = [(side, ticks, book.level(side, ticks)) for side, ticks in touched]
        for listener in listeners:
            listener.on_levels(changes, ts_local_ns)


def _falls(messages: Iterable[Level3Message], opening: dict[int, int]) -> list[_Fall]:
    """Every message by which an order has less than before, by what the messages say alone."""
    standing = dict(opening)
    falls = []
    for entry in messages:
        change = entry.message
        if not isinstance(change, OrderChange):
            continue
        before = standing.get(change.order_id)
        if change.action == BOOK_REMOVE:
            standing.pop(change.order_id, None)
        else:
            standing[change.order_id] = change.lots
        if before is None or change.action == BOOK_ADD:
            continue
        is_rest = change.action == BOOK_REMOVE and change.lots > 0
        fallen = before if is_rest else before - change.lots
        if fallen > 0:
            falls.append(_Fall(entry.line, change.order_id, change.side, change.price_ticks, fallen, is_rest))
    return falls


def _compared(
    messages: Iterable[Level3Message], made: Sequence[MadeTrade], falls: Sequence[_Fall]
) -> tuple[list[RecordedTrade], list[MadeTrade]]:
    """Every recorded trade with the book's, taken once each and in order; and the book's that are left over."""
    waiting: defaultdict[tuple[int, int], list[MadeTrade]] = defaultdict(list)
    for match in made:
        waiting[match.ticks, match.lots].append(match)
    used: set[int] = set()
    recorded: list[RecordedTrade] = []
    for entry in messages:
        trade = entry.message
        if not isinstance(trade, MarketTrade):
            continue
        near = waiting[trade.price_ticks, trade.lots]
        found = next((m for m in near if 0 <= entry.line - m.line <= _REACH), None)
        if found is not None:
            near.remove(found)
        pair, reason = _explained(entry, trade, falls, used)
        recorded.append(
            RecordedTrade(
                entry.line, entry.ts_local_ns, trade.price_ticks, trade.lots, trade.trade_id,
                found, None if found is not None else reason, pair,
            )
        )  # fmt: skip
    extra = sorted((m for rest in waiting.values() for m in rest), key=lambda m: m.line)
    return recorded, extra


def _explained(
    entry: Level3Message, trade: MarketTrade, falls: Sequence[_Fall], used: set[int]
) -> tuple[tuple[int, int] | None, Reason]:
    """The bid and the ask that fell by the trade's amount near it, each used once; and what that says."""
    near = [k for k, fall in enumerate(falls) if abs(fall.line - entry.line) <= _REACH and k not in used]
    exact = [k for k in near if falls[k].lots == trade.lots and not falls[k].is_cancelled_rest]
    chosen: dict[int, int] = {}
    for side in (1, -1):
        of_side = [k for k in exact if falls[k].side == side]
        if of_side:
            chosen[side] = min(of_side, key=lambda k: (falls[k].line > entry.line, abs(falls[k].line - entry.line)))
            used.add(chosen[side])
    if len(chosen) == 2:
        return (falls[chosen[1]].order_id, falls[chosen[-1]].order_id), Reason.ORDERS_FELL
    if not chosen:
        return None, Reason.UNEXPLAINED
    (side,) = chosen
    for fall in (falls[k] for k in near if falls[k].side == -side):
        is_at_price = fall.side * (fall.ticks - trade.price_ticks) >= 0
        is_little_more = trade.lots <= fall.lots <= trade.lots + trade.lots // _ROUNDING
        if fall.is_cancelled_rest and is_at_price and is_little_more:
            return None, Reason.TAKER_CANCELLED
    return None, Reason.ORDER_UNANNOUNCED
