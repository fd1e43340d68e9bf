"""Equity at the mark, and the stops that watch it."""

from __future__ import annotations

import math

import pytest

from bot4.pipeline.risk.clock import DAY_NS
from tests.risk_books import NOW_NS, Book, Market


def test_equity_is_cash_and_spot_at_the_mark_and_what_perpetuals_have_made() -> None:
    book = Book([Market(price=100.0, is_perpetual=False), Market(price=50.0), Market(price=20.0)])
    book.hold(0, 200_000)  # 20 units for 2000
    book.hold(1, 100_000)  # 10 units
    book.hold(2, -300_000)  # 30 units short
    assert book.mark_equity() == pytest.approx(10_000.0)
    for symbol, price in ((0, 101.0), (1, 49.0), (2, 18.0)):
        book.brain["positions"][symbol]["mark_ticks"] = round(price * 100)
    assert book.mark_equity() == pytest.approx(10_000.0 + 20.0 - 10.0 + 60.0)


def test_the_drawdown_is_measured_from_the_peak() -> None:
    book = Book([Market()])
    risk = book.brain["risk"]
    for equity, drawdown, worst in ((100.0, 0.0, 0.0), (110.0, 0.0, 0.0), (99.0, 0.1, 0.1), (104.5, 0.05, 0.1)):
        book.update_stops(equity, NOW_NS)
        assert risk["drawdown"] == pytest.approx(drawdown)
        assert risk["max_drawdown"] == pytest.approx(worst)
    assert risk["peak_equity"] == 110.0


def test_the_drawdown_stop_holds_until_half_of_it_is_won_back() -> None:
    book = Book([Market()])
    stopped = []
    for equity in (100.0, 85.1, 85.0, 90.0, 92.4, 92.6, 86.0):
        book.update_stops(equity, NOW_NS)
        stopped.append(int(book.brain["risk"]["is_drawdown_stopped"]))
    assert stopped == [0, 0, 1, 1, 1, 0, 0]


def test_the_daily_loss_stop_holds_until_the_next_utc_day() -> None:
    book = Book([Market()])
    day = NOW_NS // DAY_NS * DAY_NS
    steps = ((0, 100.0), (1, 97.1), (2, 97.0), (3, 99.0), (DAY_NS - 1, 99.0), (DAY_NS, 96.0), (DAY_NS + 1, 93.2))
    stopped = []
    for offset, equity in steps:
        book.update_stops(equity, day + offset)
        stopped.append(int(book.brain["risk"]["is_day_stopped"]))
    assert stopped == [0, 0, 1, 1, 1, 0, 0]
    assert book.brain["risk"]["day_start_equity"] == 96.0


@pytest.mark.parametrize("equity", [0.0, -5.0, math.nan])
def test_an_equity_that_is_gone_or_no_number_stops_new_risk(equity: float) -> None:
    book = Book([Market()])
    book.update_stops(100.0, NOW_NS)
    book.update_stops(equity, NOW_NS)
    assert book.brain["risk"]["is_drawdown_stopped"] == 1
    assert book.brain["risk"]["peak_equity"] == 100.0
