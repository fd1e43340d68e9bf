"""Book tapes: made from market events, and refused where they cannot be run."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.errors import DataError
from bot4.domain.events import BAR, BOOK_CHANGE, EVENT, IS_BOOK_RESET, TRADE
from bot4.domain.orders import BUY, SELL
from bot4.simulator.book.tape import BOOK_EVENT, LEVEL_SET, SIDE_CLEARED, TRADED, book_tape, check_tape


def market_events() -> np.ndarray:
    events = np.zeros(4, dtype=EVENT)
    events["ts_ns"] = [100, 200, 300, 400]
    events["kind"] = [BOOK_CHANGE, BAR, TRADE, BOOK_CHANGE]
    for row, flags, ticks, quantity, side in ((0, IS_BOOK_RESET, 50, 0.5, BUY), (3, 0, 51, 0.0, SELL)):
        events[row]["flags"] = flags
        events[row]["level_ticks"], events[row]["level_quantity"], events[row]["level_side"] = ticks, quantity, side
    events[2]["price_ticks"], events[2]["quantity"], events[2]["aggressor"] = 50, 0.3, SELL
    return events


def test_changes_and_trades_become_a_tape_and_a_reset_clears_both_sides_first() -> None:
    tape = book_tape(market_events(), lot=0.1, latency_ns=7)
    assert [(int(e["ts_ns"]), int(e["kind"]), int(e["side"]), int(e["ticks"]), int(e["lots"])) for e in tape] == [
        (100, SIDE_CLEARED, BUY, 50, 0),
        (100, SIDE_CLEARED, SELL, 50, 0),
        (100, LEVEL_SET, BUY, 50, 5),
        (300, TRADED, SELL, 50, 3),
        (400, LEVEL_SET, SELL, 51, 0),
    ]
    assert (tape["latency_ns"] == 7).all()


def test_a_latency_that_would_change_the_order_of_the_feed_is_raised() -> None:
    tape = book_tape(market_events(), lot=0.1, latency_ns=np.array([500, 0, 10, 20]))
    assert (tape["ts_ns"] + tape["latency_ns"]).tolist() == [600, 600, 600, 600, 600]


def test_a_trade_of_less_than_half_a_lot_is_left_out() -> None:
    events = market_events()
    events[2]["quantity"] = 0.04
    assert TRADED not in book_tape(events, lot=0.1, latency_ns=0)["kind"]


@pytest.mark.parametrize("quantity", [np.nan, np.inf, 1e18])
def test_a_quantity_that_cannot_be_counted_is_refused(quantity: float) -> None:
    events = market_events()
    events[0]["level_quantity"] = quantity
    with pytest.raises(DataError, match="quantity"):
        book_tape(events, lot=0.1, latency_ns=0)


def test_a_latency_of_an_outage_is_refused() -> None:
    with pytest.raises(DataError, match="latency"):
        book_tape(market_events(), lot=0.1, latency_ns=3_000_000_000)


def test_events_of_another_kind_of_record_are_refused() -> None:
    with pytest.raises(DataError):
        book_tape(np.zeros(2, dtype=BOOK_EVENT), lot=0.1, latency_ns=0)
    with pytest.raises(DataError):
        check_tape(market_events())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ts_ns": 50}, "before the event ahead"),
        ({"latency_ns": -1}, "heard before it happens"),
        ({"latency_ns": 2}, "heard before the event ahead"),
        ({"kind": 0}, "unknown kind"),
        ({"kind": 4}, "unknown kind"),
        ({"side": 0}, "unknown side"),
        ({"ticks": 1 << 40}, "2\\*\\*40"),
        ({"lots": -1}, "negative lots"),
        ({"lots": 1 << 53}, "negative lots, or"),
        ({"kind": TRADED, "lots": 0}, "trade of nothing"),
    ],
)
def test_a_tape_that_cannot_be_run_is_refused_with_its_row(changes: dict[str, int], said: str) -> None:
    tape = np.zeros(3, dtype=BOOK_EVENT)
    tape["ts_ns"] = [100, 100, 110]
    tape["latency_ns"] = [5, 20, 10]
    tape["kind"], tape["side"], tape["ticks"], tape["lots"] = LEVEL_SET, BUY, 9, 1
    check_tape(tape)
    for name, value in changes.items():
        tape[2][name] = value
    with pytest.raises(DataError, match=f"event 2 .*{said}"):
        check_tape(tape)
