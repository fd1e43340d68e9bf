"""The compiled loop of a quoting backtest (:mod:`bot4.simulator.book.quoting`): the exchange, we, and the wire."""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import FloatArray, IntArray
from bot4.domain.instruments import FEE_SCALE
from bot4.domain.money import CEILING, FLOOR, OVERFLOW, fits, mul_div
from bot4.domain.orders import BUY, SELL
from bot4.kernel import KernelFamily, array, b1, f8, i8, kernel, record, records, void
from bot4.simulator.book.ladder import (
    FULL,
    NO_ASK,
    NO_BID,
    best_ask,
    best_bid,
    clear_side,
    level_lots,
    set_level,
)
from bot4.simulator.book.queue_models import (
    ahead_after_change,
    ahead_after_trade,
    filled_lots,
)
from bot4.simulator.book.quoting_state import (
    INBOX,
    KNOWN_ORDER,
    LIVE_ORDER,
    MAX_LIVE,
    OUTBOX,
    QUOTE_FILL,
    QUOTE_VIEW,
    QUOTING,
)
from bot4.simulator.book.tape import BOOK_EVENT, LEVEL_SET, TRADED

DONE = 0
FILLS_FULL = 1  # give more rows and call again
EXCHANGE_BOOK_FULL = 2  # grow the book and call again
OUR_BOOK_FULL = 3
INBOX_FULL = 4
MONEY_OVERFLOW = 5

# Kinds of messages to the exchange, and of reports.
_PLACE, _CANCEL = 1, 2
_ACCEPTED, _EXPIRED, _FILLED, _CANCELLED, _NOT_CANCELLED = 3, 4, 5, 6, 7
# What we know of an order.
_SENT, _WORKING, _CANCELLING = 1, 2, 3

N_MEMORY = 64

_BOOK = array(i8)
_TAPE = records(BOOK_EVENT)

QUOTING_STRATEGIES = KernelFamily("quoting strategies", void(record(QUOTE_VIEW), _BOOK, array(f8), array(f8)))
"""Strategies: ``(view, book, parameters, memory)``; they write the quotes they want into the view.

``book`` is the ladder as we know it, ``memory`` float64[64], kept between wakes and at first all zeros.
"""
call_strategy = QUOTING_STRATEGIES.call


# --- the exchange -------------------------------------------------------------------------------------------------


@kernel(b1(record(QUOTING), i8, i8, i8, i8, i8, i8))
def _report(q: Any, ts_ns: int, kind: int, order_id: int, side: int, ticks: int, lots: int) -> bool:
    """Send a report on its way to us; False where too many are on their way."""
    if q["inbox_written"] - q["inbox_read"] == INBOX:
        return False
    row = q["inbox"][q["inbox_written"] & (INBOX - 1)]
    row["ts_ns"] = ts_ns + q["report_latency_ns"]
    row["kind"] = kind
    row["order_id"] = order_id
    row["side"] = side
    row["ticks"] = ticks
    row["lots"] = lots
    q["inbox_written"] += 1
    return True


@kernel(void(record(QUOTING)))
def _note_prices(q: Any) -> None:
    """Renew the extremes of our prices."""
    q["highest_bid"], q["lowest_bid"] = NO_BID, NO_ASK
    q["highest_ask"], q["lowest_ask"] = NO_BID, NO_ASK
    for at in range(q["n_live"]):
        ticks = q["live"][at]["ticks"]
        if q["live"][at]["side"] == BUY:
            q["highest_bid"] = max(q["highest_bid"], ticks)
            q["lowest_bid"] = min(q["lowest_bid"], ticks)
        else:
            q["highest_ask"] = max(q["highest_ask"], ticks)
            q["lowest_ask"] = min(q["lowest_ask"], ticks)


@kernel(void(record(QUOTING)))
def _drop_filled(q: Any) -> None:
    kept = 0
    for at in range(q["n_live"]):
        if q["live"][at]["open_lots"] > 0:
            if kept != at:
                q["live"][kept] = q["live"][at]
            kept += 1
    q["n_live"] = kept
    _note_prices(q)


@kernel(i8(record(QUOTING), record(LIVE_ORDER), i8, i8, records(QUOTE_FILL)))
def _fill(q: Any, order: Any, ts_ns: int, lots: int, fills: Any) -> int:
    """Book a fill of an order at its price."""
    side, ticks = order["side"], order["ticks"]
    notional = mul_div(ticks, lots, 1, FLOOR)
    fee = OVERFLOW if notional == OVERFLOW else mul_div(notional, q["maker_fee"], FEE_SCALE, CEILING)
    if fee == OVERFLOW or not fits(q["cash"] - side * notional - fee) or not fits(q["position_lots"] + side * lots):
        return MONEY_OVERFLOW
    if not _report(q, ts_ns, _FILLED, order["order_id"], side, ticks, lots):
        return INBOX_FULL
    order["open_lots"] -= lots
    q["position_lots"] += side * lots
    q["cash"] -= side * notional + fee
    q["fees"] += fee
    q["volume_lots"] += lots
    row = fills[q["n_fills"]]
    row["ts_ns"] = ts_ns
    row["order_id"] = order["order_id"]
    row["ticks"] = ticks
    row["lots"] = lots
    row["side"] = side
    q["n_fills"] += 1
    return DONE


@kernel(i8(record(QUOTING), record(BOOK_EVENT), records(QUOTE_FILL)))
def _trade_meets_orders(q: Any, event: Any, fills: Any) -> int:
    """A trade at or through the prices of orders of ours on the passive side."""
    side, ticks = -event["side"], event["ticks"]
    status = DONE
    for at in range(q["n_live"]):
        order = q["live"][at]
        if order["side"] != side or (order["ticks"] - ticks) * side < 0:
            continue
        lots = order["open_lots"]
        if order["ticks"] == ticks:
            order["ahead"] = ahead_after_trade(order["ahead"], event["lots"])
            order["traded_lots"] += event["lots"]
            reached = filled_lots(order["ahead"], lots)
            order["ahead"] += reached
            lots = lots if reached > 0 and q["fills_whole"] else reached
        if lots > 0:
            status = max(status, _fill(q, order, event["ts_ns"], lots, fills))
    _drop_filled(q)
    return int(status)


@kernel(i8(record(QUOTING), record(BOOK_EVENT), i8, records(QUOTE_FILL)))
def _level_meets_orders(q: Any, event: Any, before_lots: int, fills: Any) -> int:
    """A level at the price of orders of ours changes, or the other side comes to their price."""
    side, ticks, lots = event["side"], event["ticks"], event["lots"]
    status = DONE
    for at in range(q["n_live"]):
        order = q["live"][at]
        if order["side"] == side:
            if order["ticks"] == ticks:
                order["ahead"] = ahead_after_change(
                    q["queue_model"], q["queue_parameter"], order["ahead"], order["traded_lots"], before_lots, lots
                )
                order["traded_lots"] = 0
        elif lots > 0 and (ticks - order["ticks"]) * side >= 0:
            status = max(status, _fill(q, order, event["ts_ns"], order["open_lots"], fills))
    _drop_filled(q)
    return int(status)


@kernel(i8(_TAPE, record(QUOTING), _BOOK, i8, records(QUOTE_FILL)))
def _happen(tape: Any, q: Any, book: IntArray, until_ns: int, fills: Any) -> int:
    """What happens at the exchange up to and at a moment."""
    at, n = q["exchange_at"], len(tape)
    status = DONE
    while status == DONE:
        # Our prices change with a fill only: the events between two fills find them in registers.
        lowest_bid, highest_bid = q["lowest_bid"], q["highest_bid"]
        lowest_ask, highest_ask = q["lowest_ask"], q["highest_ask"]
        is_met = False
        while at < n and tape[at]["ts_ns"] <= until_ns:
            side, ticks, lots = tape[at]["side"], tape[at]["ticks"], tape[at]["lots"]
            kind = tape[at]["kind"]
            if kind == LEVEL_SET:
                if side == BUY:
                    is_met = lowest_bid <= ticks <= highest_bid or (ticks >= lowest_ask and lots > 0)
                else:
                    is_met = lowest_ask <= ticks <= highest_ask or (ticks <= highest_bid and lots > 0)
                if is_met:
                    break
                if set_level(book, side, ticks, lots) == FULL:
                    status = EXCHANGE_BOOK_FULL
                    break
            elif kind == TRADED:
                is_met = ticks >= lowest_ask if side == BUY else ticks <= highest_bid
                if is_met:
                    break
            else:
                clear_side(book, side)
            at += 1
        if not is_met:
            break
        status = _meet_orders(tape[at], q, book, fills)
        at += 1 if status == DONE else 0
    q["exchange_at"] = at
    return int(status)


@kernel(i8(record(BOOK_EVENT), record(QUOTING), _BOOK, records(QUOTE_FILL)))
def _meet_orders(event: Any, q: Any, book: IntArray, fills: Any) -> int:
    """An event that concerns orders of ours; unless it returns DONE it has not happened yet."""
    if q["n_fills"] + q["n_live"] > len(fills):
        return FILLS_FULL
    if event["kind"] == TRADED:
        return int(_trade_meets_orders(q, event, fills))
    side, ticks = event["side"], event["ticks"]
    before_lots = level_lots(book, side, ticks)
    if set_level(book, side, ticks, event["lots"]) == FULL:
        return EXCHANGE_BOOK_FULL
    return int(_level_meets_orders(q, event, before_lots, fills))


@kernel(i8(record(QUOTING), _BOOK))
def _take_message(q: Any, book: IntArray) -> int:
    """What the exchange does with the next message of ours."""
    message = q["outbox"][q["outbox_read"] & (OUTBOX - 1)]
    side, ticks, lots = message["side"], message["ticks"], message["lots"]
    ts_ns, order_id = message["ts_ns"], message["order_id"]
    q["outbox_read"] += 1
    kind = _NOT_CANCELLED
    if message["kind"] == _PLACE:
        would_take = ticks >= best_ask(book) if side == BUY else ticks <= best_bid(book)
        kind = _EXPIRED if would_take else _ACCEPTED
        if would_take:
            q["n_expired"] += 1
        else:
            order = q["live"][q["n_live"]]
            order["order_id"] = order_id
            order["side"] = side
            order["ticks"] = ticks
            order["open_lots"] = lots
            order["ahead"] = level_lots(book, side, ticks)
            order["traded_lots"] = 0
            q["n_live"] += 1
            _note_prices(q)
    else:
        for at in range(q["n_live"]):
            if q["live"][at]["order_id"] == order_id:
                q["live"][at]["open_lots"] = 0
                kind = _CANCELLED
        _drop_filled(q)
    return DONE if _report(q, ts_ns, kind, order_id, side, ticks, lots) else INBOX_FULL


# --- we -----------------------------------------------------------------------------------------------------------


@kernel(i8(_TAPE, record(QUOTING), _BOOK))
def _hear(tape: Any, q: Any, book: IntArray) -> int:
    """Bring our book to what we have heard by the time of the wake."""
    at, n, until_ns = q["heard_at"], len(tape), q["wake_ns"]
    last_ticks = q["view"]["last_ticks"]
    status = DONE
    while at < n and tape[at]["ts_ns"] + tape[at]["latency_ns"] <= until_ns:
        event = tape[at]
        if event["kind"] == LEVEL_SET:
            if set_level(book, event["side"], event["ticks"], event["lots"]) == FULL:
                status = OUR_BOOK_FULL
                break
        elif event["kind"] == TRADED:
            last_ticks = event["ticks"]
        else:
            clear_side(book, event["side"])
        at += 1
    q["heard_at"] = at
    q["view"]["last_ticks"] = last_ticks
    return int(status)


@kernel(i8(record(QUOTING), i8))
def _known_at(q: Any, order_id: int) -> int:
    for at in range(q["n_known"]):
        if q["known"][at]["order_id"] == order_id:
            return at
    return -1


@kernel(void(record(QUOTING)))
def _read_reports(q: Any) -> None:
    """Take in what has been reported by the time of the wake."""
    while q["inbox_read"] < q["inbox_written"]:
        report = q["inbox"][q["inbox_read"] & (INBOX - 1)]
        if report["ts_ns"] > q["wake_ns"]:
            return
        q["inbox_read"] += 1
        at = _known_at(q, report["order_id"])
        if report["kind"] == _FILLED:
            q["view"]["position_lots"] += report["side"] * report["lots"]
        if at < 0:
            continue
        order = q["known"][at]
        if report["kind"] == _ACCEPTED:
            order["status"] = _WORKING
        elif report["kind"] == _FILLED:
            order["open_lots"] -= report["lots"]
        is_over = report["kind"] == _CANCELLED or report["kind"] == _EXPIRED
        if is_over or order["open_lots"] <= 0:
            q["n_known"] -= 1
            for later in range(at, q["n_known"]):
                q["known"][later] = q["known"][later + 1]


@kernel(void(record(QUOTING), i8, record(KNOWN_ORDER)))
def _send(q: Any, kind: int, order: Any) -> None:
    row = q["outbox"][q["outbox_written"] & (OUTBOX - 1)]
    row["ts_ns"] = q["wake_ns"] + q["order_latency_ns"]
    row["kind"] = kind
    row["order_id"] = order["order_id"]
    row["side"] = order["side"]
    row["ticks"] = order["ticks"]
    row["lots"] = order["open_lots"]
    q["outbox_written"] += 1


@kernel(b1(record(QUOTE_VIEW), i8, i8))
def _is_wanted(view: Any, side: int, ticks: int) -> bool:
    if side == BUY:
        for at in range(view["n_bids"]):
            if view["bid_quote_ticks"][at] == ticks and view["bid_quote_lots"][at] > 0:
                return True
        return False
    for at in range(view["n_asks"]):  # noqa: SIM110 - a generator is not for kernels
        if view["ask_quote_ticks"][at] == ticks and view["ask_quote_lots"][at] > 0:
            return True
    return False


@kernel(void(record(QUOTING), i8, i8, i8))
def _place_unless_there(q: Any, side: int, ticks: int, lots: int) -> None:
    for at in range(q["n_known"]):
        if q["known"][at]["side"] == side and q["known"][at]["ticks"] == ticks:
            return
    if lots <= 0:
        return
    if q["n_known"] == MAX_LIVE:
        q["n_unplaced"] += 1
        return
    order = q["known"][q["n_known"]]
    order["order_id"] = q["next_order_id"]
    order["side"] = side
    order["ticks"] = ticks
    order["open_lots"] = lots
    order["status"] = _SENT
    q["n_known"] += 1
    q["next_order_id"] += 1
    q["n_sent"] += 1
    _send(q, _PLACE, order)


@kernel(void(record(QUOTING)))
def _requote(q: Any) -> None:
    """Cancel what is not wanted, send what is wanted and not there: an order keeps its place while it is wanted."""
    view = q["view"]
    for at in range(q["n_known"]):
        order = q["known"][at]
        if order["status"] == _WORKING and not _is_wanted(view, order["side"], order["ticks"]):
            order["status"] = _CANCELLING
            q["n_cancels"] += 1
            _send(q, _CANCEL, order)
    for at in range(view["n_bids"]):
        _place_unless_there(q, BUY, view["bid_quote_ticks"][at], view["bid_quote_lots"][at])
    for at in range(view["n_asks"]):
        _place_unless_there(q, SELL, view["ask_quote_ticks"][at], view["ask_quote_lots"][at])


@kernel(void(record(QUOTING), _BOOK, array(f8), array(f8)))
def _wake(q: Any, book: IntArray, parameters: FloatArray, memory: FloatArray) -> None:
    view = q["view"]
    view["now_ns"] = q["wake_ns"]
    view["bid_ticks"] = best_bid(book)
    view["ask_ticks"] = best_ask(book)
    view["n_orders"] = q["n_known"]
    view["keeps_quotes"] = 0
    view["n_bids"] = 0
    view["n_asks"] = 0
    call_strategy(q["strategy"], view, book, parameters, memory)
    q["n_wakes"] += 1
    if view["keeps_quotes"] == 0:
        _requote(q)


@kernel(i8(_TAPE, records(QUOTING), _BOOK, _BOOK, records(QUOTE_FILL), array(f8), array(f8)))
def run_quotes(
    tape: Any, state: Any, exchange_book: IntArray, our_book: IntArray, fills: Any, parameters: Any, memory: Any
) -> int:
    """Run until the tape and every message are done.

    Args:
        tape: of :func:`~bot4.simulator.book.tape.check_tape`.
        state: one QUOTING record, of :func:`backtest_quotes`.
        exchange_book, our_book: ladders; the state of both sides of the wire.
        fills: rows to write.
        parameters, memory: of the strategy.

    Returns:
        DONE, or why it stopped. After FILLS_FULL and a full book it goes on where it was, once given more room.
    """
    q = state[0]
    while True:
        while q["outbox_read"] < q["outbox_written"]:
            arrival_ns = q["outbox"][q["outbox_read"] & (OUTBOX - 1)]["ts_ns"]
            if arrival_ns > q["wake_ns"]:
                break
            status = _happen(tape, q, exchange_book, arrival_ns, fills)
            if status == DONE:
                status = _take_message(q, exchange_book)
            if status != DONE:
                return int(status)
        status = _happen(tape, q, exchange_book, q["wake_ns"], fills)
        if status == DONE:
            status = _hear(tape, q, our_book)
        if status != DONE:
            return int(status)
        _read_reports(q)
        is_over = q["heard_at"] == len(tape) and q["exchange_at"] == len(tape)
        is_quiet = q["outbox_read"] == q["outbox_written"] and q["inbox_read"] == q["inbox_written"]
        if is_over and is_quiet:
            return DONE
        _wake(q, our_book, parameters, memory)
        q["wake_ns"] += q["interval_ns"]
