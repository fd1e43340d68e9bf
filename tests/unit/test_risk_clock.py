"""The risk clock: when risk bars close, and what is learned from them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bot4.pipeline.risk.clock import DAY_NS, LONG_DAYS
from bot4.pipeline.risk.settings import HOUR_NS
from tests.risk_books import Book, Market

MINUTE_NS = 60_000_000_000
START_NS = 1_700_000_000_000_000_000 // HOUR_NS * HOUR_NS


def cold_book(n_symbols: int = 1, risk_bar_ns: int = HOUR_NS) -> Book:
    book = Book([Market() for _ in range(n_symbols)], correlation=np.zeros((n_symbols, n_symbols)))
    book.brain["risk"]["symbols"] = np.zeros((), book.brain["risk"]["symbols"].dtype)
    book.config["risk"]["risk_bar_ns"] = risk_bar_ns
    return book


def closes(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.round(100.0 * np.exp(np.cumsum(rng.normal(0, 0.004, n))), 2)


def test_a_bar_that_ends_on_the_boundary_belongs_to_the_risk_bar_it_closes() -> None:
    book = cold_book()
    closed = [book.bar(0, START_NS + k * 5 * MINUTE_NS, 100.0 + k) for k in range(1, 25)]
    assert [k for k, is_closed in enumerate(closed, 1) if is_closed] == [12, 24]
    state = book.brain["risk"]["symbols"][0]
    assert state["n_returns"] == 1
    assert state["last_return"] == pytest.approx(math.log(124.0 / 112.0))
    assert state["risk_close"] == 124.0


def test_bars_as_long_as_the_risk_bar_close_one_each() -> None:
    book = cold_book()
    prices = closes(1, 30)
    assert all(book.bar(0, START_NS + (k + 1) * HOUR_NS, price) for k, price in enumerate(prices))
    assert book.brain["risk"]["symbols"][0]["n_returns"] == 29
    assert book.brain["risk"]["n_risk_bars"] == 30


def test_a_gap_of_many_hours_is_one_return() -> None:
    book = cold_book()
    book.bar(0, START_NS + HOUR_NS, 100.0)
    assert book.bar(0, START_NS + 9 * HOUR_NS, 110.0) == 1
    state = book.brain["risk"]["symbols"][0]
    assert state["n_returns"] == 1
    assert state["last_return"] == pytest.approx(math.log(1.1))


def test_a_risk_bar_cut_short_by_a_gap_closes_with_the_first_bar_after_it() -> None:
    book = cold_book()
    book.bar(0, START_NS + HOUR_NS, 100.0)
    assert book.bar(0, START_NS + HOUR_NS + 50 * MINUTE_NS, 105.0) == 0
    assert book.bar(0, START_NS + 5 * HOUR_NS + 5 * MINUTE_NS, 90.0) == 1
    state = book.brain["risk"]["symbols"][0]
    assert state["risk_close"] == 105.0
    assert state["last_return"] == pytest.approx(math.log(1.05))
    assert state["last_close"] == 90.0
    assert book.bar(0, START_NS + 6 * HOUR_NS, 99.0) == 1
    assert state["last_return"] == pytest.approx(math.log(99.0 / 105.0))


def test_a_bar_may_close_a_late_risk_bar_and_its_own() -> None:
    book = cold_book()
    book.bar(0, START_NS + HOUR_NS, 100.0)
    book.bar(0, START_NS + HOUR_NS + 5 * MINUTE_NS, 101.0)
    assert book.bar(0, START_NS + 4 * HOUR_NS, 102.0) == 1
    assert book.brain["risk"]["symbols"][0]["n_returns"] == 2


def test_the_variances_follow_their_recursions() -> None:
    book = cold_book()
    prices = closes(2, 900)
    for k, price in enumerate(prices):
        book.bar(0, START_NS + (k + 1) * HOUR_NS, price)
    squared = np.diff(np.log(prices)) ** 2
    risk = book.config["risk"]
    alpha, beta, decay = float(risk["garch_alpha"]), float(risk["garch_beta"]), float(risk["ewma_decay"])
    span = LONG_DAYS * 24
    long, garch, ewma = squared[0], squared[0], squared[0]
    for n, square in enumerate(squared[1:], 2):
        long += (square - long) / min(n, span)
        garch = long * (1 - alpha - beta) + alpha * square + beta * garch
        ewma = decay * ewma + (1 - decay) * square
    state = book.brain["risk"]["symbols"][0]
    assert state["long_variance"] == pytest.approx(long, rel=1e-9)
    assert state["garch_variance"] == pytest.approx(garch, rel=1e-9)
    assert state["ewma_variance"] == pytest.approx(ewma, rel=1e-9)


def test_the_covariance_is_the_decayed_sum_of_outer_products_of_returns_at_one_boundary() -> None:
    book = cold_book(3)
    prices = np.column_stack([closes(seed, 120) for seed in (3, 4, 5)])
    expected, decay = np.zeros((3, 3)), float(book.config["risk"]["correlation_decay"])
    missing = {(40, 1), (41, 1), (80, 0), (81, 2)}
    for k, row in enumerate(prices):
        z = np.zeros(3)
        for symbol in range(3):
            if (k, symbol) not in missing:
                book.bar(symbol, START_NS + (k + 1) * HOUR_NS, row[symbol])
                state = book.brain["risk"]["symbols"][symbol]
                if state["n_returns"] > 0:
                    z[symbol] = state["last_return"] / math.sqrt(state["garch_variance"])
        if k > 0:
            expected = decay * expected + (1 - decay) * np.outer(z, z)
    measured = book.brain["risk"]["covariance"][:3, :3]
    np.testing.assert_allclose(measured, expected, rtol=1e-10, atol=1e-15)
    assert np.linalg.eigvalsh(measured).min() >= -1e-12


def test_the_order_of_symbols_at_one_time_does_not_matter() -> None:
    first, second = cold_book(2), cold_book(2)
    a, b = closes(6, 60), closes(7, 60)
    for k in range(60):
        for book, order in ((first, (0, 1)), (second, (1, 0))):
            for symbol in order:
                book.bar(symbol, START_NS + (k + 1) * HOUR_NS, (a, b)[symbol][k])
    np.testing.assert_array_equal(first.brain["risk"]["covariance"], second.brain["risk"]["covariance"])


def test_a_risk_bar_closed_late_adds_to_its_own_variance_only() -> None:
    book = cold_book(2)
    for k, (a, b) in enumerate(zip(closes(8, 50), closes(9, 50), strict=True)):
        book.bar(0, START_NS + (k + 1) * HOUR_NS, a)
        book.bar(1, START_NS + (k + 1) * HOUR_NS, b)
    end = START_NS + 50 * HOUR_NS
    book.bar(1, end + 5 * MINUTE_NS, 101.0)
    before = book.brain["risk"]["covariance"][:2, :2].copy()
    assert book.bar(1, end + 70 * MINUTE_NS, 120.0) == 1
    change = book.brain["risk"]["covariance"][:2, :2] - before
    assert change[1, 1] > 0.0
    assert change[0, 0] == change[0, 1] == change[1, 0] == 0.0


def test_standardised_returns_are_bounded_so_that_no_jump_rules_the_correlation() -> None:
    book = cold_book(2)
    for k in range(60):
        for symbol in (0, 1):
            book.bar(symbol, START_NS + (k + 1) * HOUR_NS, 100.0 + (k % 2) * 0.1)
    before = book.brain["risk"]["covariance"][0, 0]
    book.bar(0, START_NS + 61 * HOUR_NS, 300.0)
    added = book.brain["risk"]["covariance"][0, 0] - 0.99 * before
    assert added <= 0.01 / book.config["risk"]["garch_alpha"]


def test_a_price_that_never_moves_has_no_variance_and_no_correlation() -> None:
    book = cold_book(2)
    for k, price in enumerate(closes(10, 30)):
        book.bar(0, START_NS + (k + 1) * HOUR_NS, 100.0)
        book.bar(1, START_NS + (k + 1) * HOUR_NS, price)
    assert book.brain["risk"]["symbols"][0]["garch_variance"] == 0.0
    assert book.brain["risk"]["covariance"][0, 1] == 0.0


def test_the_value_traded_in_a_day_is_averaged_over_risk_bars() -> None:
    book = cold_book()
    for k in range(1, 25):
        book.bar(0, START_NS + k * 30 * MINUTE_NS, 100.0, volume=3.0)
    state = book.brain["risk"]["symbols"][0]
    assert state["day_volume_quote"] == pytest.approx(2 * 3.0 * 100.0 * 24)
    assert state["short_volume_quote"] == pytest.approx(2 * 3.0 * 100.0 * 24)
    assert state["bar_volume_quote"] == 0.0


def test_daily_bars_make_daily_risk_bars() -> None:
    book = cold_book(risk_bar_ns=DAY_NS)
    first_day = START_NS // DAY_NS * DAY_NS
    assert [book.bar(0, first_day + k * DAY_NS, 100.0 + k) for k in (1, 2, 3)] == [1, 1, 1]
    assert book.brain["risk"]["symbols"][0]["n_returns"] == 2


def test_a_trade_moves_the_last_price_and_a_price_of_nothing_is_ignored() -> None:
    book = cold_book()
    book.bar(0, START_NS + HOUR_NS, 100.0)
    book.trade(0, 103.5)
    assert book.brain["risk"]["symbols"][0]["last_close"] == 103.5
    book.trade(0, 0.0)
    assert book.brain["risk"]["symbols"][0]["last_close"] == 103.5
    assert book.bar(0, START_NS + 2 * HOUR_NS, 0.0) == 0
    assert book.brain["risk"]["symbols"][0]["n_returns"] == 0
