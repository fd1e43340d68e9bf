"""Margin accounts against slow ones in plain integers: liquidation prices by search, balances to the last atom."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.ledger import OK, book_fill, book_funding
from bot4.domain.orders import BUY, SELL
from bot4.domain.portfolio import LEDGER, POSITION
from bot4.simulator.accounts.balances import is_conserved, pack_balances
from bot4.simulator.accounts.liquidation import lots_to_liquidate, next_to_liquidate
from bot4.simulator.accounts.margin import (
    LeverageBracket,
    MarginSettings,
    is_undermargined,
    liquidation_ticks,
    maintenance_atoms,
    pack_brackets,
    pack_margin_positions,
    unrealised_atoms,
)
from bot4.simulator.accounts.margin_account import cover_debt, cross_equity_atoms, settle_funding, settle_margin_fill
from bot4.simulator.rules.fee_schedule import FEE_CHARGE

D = Decimal
LINEAR = Instrument("A_PERP", "A", "USDT", D(1), D("0.001"), D("0.001"), D(0), D(0), D(0), is_perpetual=True)
INVERSE = replace(LINEAR, symbol="B_PERP", base="B", lot_size=D(1), min_qty=D(1), contract_value=D(10))
UNIVERSE = Universe((LINEAR, INVERSE))
PACKED = pack_instruments(UNIVERSE)
RATES = (D("0.004"), D("0.01"), D("0.05"), D("0.125"), D("0.5"))
CAPS = {"A_PERP": (100, 1_000, 5_000, 20_000, 10**9), "B_PERP": (D("0.1"), 1, 5, 20, 10**6)}
ROWS = {
    symbol: tuple(LeverageBracket(D(cap), rate, 20) for cap, rate in zip(caps, RATES, strict=True))
    for symbol, caps in CAPS.items()
}
BRACKETS = pack_brackets(UNIVERSE, MarginSettings(ROWS))
HIGHEST = 1_000


def exact_value(symbol: int, lots: int, ticks: int) -> Fraction:
    """What closing gives back, in atoms."""
    if symbol == 0:
        return Fraction(lots * ticks) * Fraction("0.001") * 10**8
    return Fraction(-lots * 10 * 10**8, ticks)


SLICES = [
    [(int(D(cap) * 10**8), int(rate * 1000)) for cap, rate in zip(CAPS[symbol], RATES, strict=True)] for symbol in CAPS
]


def slow_maintenance(symbol: int, value: int) -> int:
    total, below = 0, 0
    for cap, per_mille in SLICES[symbol]:  # by slices, as a progressive tax
        total += max(0, min(value, cap) - below) * per_mille
        below = cap
    return -(-total // 1000)


def is_slowly_due(symbol: int, lots: int, cost: int, margin: int, ticks: int) -> bool:
    value = lots * ticks * 10**5 if symbol == 0 else -lots * 10**9 // ticks
    size = abs(lots) * ticks * 10**5 if symbol == 0 else -(-abs(lots) * 10**9 // ticks)
    return margin + value - cost <= slow_maintenance(symbol, size)


@settings(max_examples=150)
@given(st.integers(0, 1), st.integers(-20_000, 20_000), st.integers(1, HIGHEST), st.integers(0, 10**12))
def test_result_and_maintenance_equal_fractions(symbol: int, lots: int, ticks: int, cost: int) -> None:
    value = math.floor(exact_value(symbol, lots, ticks))
    assert unrealised_atoms(PACKED[symbol], lots, cost, ticks) == (value - cost if lots else 0)
    assert maintenance_atoms(PACKED[symbol], BRACKETS[symbol], lots, ticks) == slow_maintenance(
        symbol, math.ceil(abs(exact_value(symbol, lots, ticks)))
    )


@settings(max_examples=60)
@given(st.integers(0, 1), st.integers(-20_000, 20_000), st.integers(10, 700), st.fractions(0, 1, max_denominator=99))
def test_the_liquidation_price_is_the_one_that_a_search_of_all_prices_finds(
    symbol: int, lots: int, entry: int, share: Fraction
) -> None:
    assume(lots != 0)
    cost = math.ceil(exact_value(symbol, lots, entry))
    margin = math.ceil(abs(cost) * share)
    found = liquidation_ticks(PACKED[symbol], BRACKETS[symbol], lots, cost, margin)
    due = [ticks for ticks in range(1, HIGHEST + 1) if is_slowly_due(symbol, lots, cost, margin, ticks)]
    if lots > 0:
        assert min(found, HIGHEST) == max(due, default=0)
        assert len(due) == min(found, HIGHEST)  # and at every price below
    elif due:
        assert found == due[0]
        assert len(due) == HIGHEST - found + 1
    else:
        assert found == 0 or found > HIGHEST


@settings(max_examples=200)
@given(
    st.integers(0, 1), st.integers(-(10**9), 10**9), st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15)
)  # fmt: skip
def test_at_the_liquidation_price_a_position_is_due_and_a_tick_better_it_is_not(
    symbol: int, lots: int, cost: int, margin: int
) -> None:
    assume(lots != 0)
    found = liquidation_ticks(PACKED[symbol], BRACKETS[symbol], lots, cost, margin)

    def is_due(ticks: int) -> bool:
        return bool(is_undermargined(PACKED[symbol], BRACKETS[symbol], lots, cost, margin, ticks))

    better = 1 if lots > 0 else -1
    if found == 0:
        assert not is_due(1)
        assert not is_due(2**40)
    else:
        assert is_due(found)
        assert found + better in (0, 2**61 + 1) or not is_due(found + better)


class Books:
    """A margin account beside the ledger that the same fills make, and a plain sum of what came and went."""

    def __init__(self, is_isolated: bool, leverage: int) -> None:
        deposits = {"USDT": D(2_000), "B": D(50)}
        self.balances = pack_balances(UNIVERSE, deposits)[0]
        self.positions = pack_margin_positions(MarginSettings(ROWS, leverage, is_isolated))
        self.ledger, self.held = np.zeros(1, LEDGER)[0], np.zeros(2, POSITION)
        self.expected = {0: 2_000 * 10**8, 2: 50 * 10**8}

    @staticmethod
    def asset(symbol: int) -> int:
        return 0 if symbol == 0 else 2

    def fill(self, symbol: int, side: int, ticks: int, lots: int, fee: int) -> None:
        charge = np.zeros(1, FEE_CHARGE)[0]
        charge["asset"], charge["atoms"] = self.asset(symbol), fee
        position, held = self.positions[symbol], self.held[symbol]
        before = int(held["realised_atoms"])
        assert settle_margin_fill(self.balances, position, PACKED[symbol], side, ticks, lots, charge) == 0
        assert book_fill(self.ledger, PACKED[symbol], held, side, ticks, lots, int(charge["atoms"])) == OK
        assert 0 <= fee - charge["atoms"]
        self.expected[self.asset(symbol)] += int(held["realised_atoms"]) - before - int(charge["atoms"])

    def fund(self, symbol: int, rate: float, ticks: int) -> None:
        before = int(self.held[symbol]["funding_atoms"])
        assert settle_funding(self.balances, self.positions[symbol], PACKED[symbol], rate, ticks) == 0
        assert book_funding(self.ledger, PACKED[symbol], self.held[symbol], rate, ticks) == OK
        self.expected[self.asset(symbol)] -= int(self.held[symbol]["funding_atoms"]) - before

    def check(self) -> None:
        assert is_conserved(self.balances, len(UNIVERSE.assets))
        for symbol in range(2):
            position, held = self.positions[symbol], self.held[symbol]
            for name in ("lots", "cost_atoms", "realised_atoms", "funding_atoms"):
                assert position[name] == held[name], name
            asset = self.asset(symbol)
            own = int(self.balances["free"][asset]) + int(self.balances["locked"][asset])
            assert own - int(self.balances["insured"][asset]) == self.expected[asset]
            assert self.balances["locked"][asset] == position["isolated_atoms"] >= 0
            if position["lots"] == 0:
                assert position["isolated_atoms"] == 0
            if position["is_isolated"]:
                assert self.balances["free"][asset] >= 0


def liquidate_all(books: Books, data: st.DataObject) -> None:
    """As an exchange does: cut, book, ask again, until nobody is due."""
    for _ in range(50):
        symbol = next_to_liquidate(books.balances, books.positions, PACKED, BRACKETS, 2)
        if symbol < 0:
            return
        position = books.positions[symbol]
        lots, mark = int(position["lots"]), int(position["mark_ticks"])
        cut = lots_to_liquidate(PACKED[symbol], BRACKETS[symbol], lots, mark)
        assert 1 <= cut <= abs(lots)
        side = SELL if lots > 0 else BUY
        books.fill(symbol, side, max(1, mark - side * data.draw(st.integers(-3, 20))), cut, 100)
        books.check()
    raise AssertionError("a position is liquidated for ever")


@settings(max_examples=60)
@given(st.data(), st.booleans(), st.sampled_from((1, 5, 20)))
def test_any_flow_of_fills_funding_and_marks_conserves_every_atom_and_equals_the_ledger(
    data: st.DataObject, is_isolated: bool, leverage: int
) -> None:
    books = Books(is_isolated, leverage)
    for _ in range(data.draw(st.integers(1, 15))):
        symbol = data.draw(st.integers(0, 1))
        ticks = data.draw(st.integers(500, 1_500))
        books.positions[symbol]["mark_ticks"] = ticks
        move = data.draw(st.sampled_from(("fill", "fill", "close", "fund")))
        lots = int(books.positions[symbol]["lots"])
        if move == "fund":
            books.fund(symbol, data.draw(st.floats(-0.05, 0.05)), ticks)
        elif move == "close" and lots != 0:
            books.fill(symbol, SELL if lots > 0 else BUY, ticks, abs(lots), 50)
        else:
            side, size = data.draw(st.sampled_from((BUY, SELL))), data.draw(st.integers(1, 5_000))
            books.fill(symbol, side, ticks, size, data.draw(st.integers(-50, 10**7)))
        books.check()
        liquidate_all(books, data)
        for asset in (0, 2):
            cover_debt(books.balances, books.positions, PACKED, 2, asset)
            is_open = books.positions[0 if asset == 0 else 1]["lots"] != 0
            equity = cross_equity_atoms(books.balances, books.positions, PACKED, 2, asset)
            assert equity >= 0 if is_open or is_isolated else books.balances["free"][asset] >= 0
        books.check()


@pytest.mark.parametrize("symbol", [0, 1])
def test_an_isolated_position_never_costs_more_than_was_set_aside(symbol: int) -> None:
    books = Books(True, 20)
    asset = Books.asset(symbol)
    for side, gap in ((BUY, 200), (SELL, 9_000)):
        before = int(books.balances["free"][asset])
        books.fill(symbol, side, 1_000, 500, 0)
        aside = int(books.positions[symbol]["isolated_atoms"])
        books.fill(symbol, -side, gap, 500, 0)
        assert books.balances["free"][asset] == before - aside
        books.check()


def test_liquidation_is_the_same_every_time() -> None:
    def run() -> list[Any]:
        books, found = Books(False, 20), []
        books.fill(0, BUY, 1_000, 30_000, 0)
        books.fill(1, SELL, 1_000, 40_000, 0)
        for symbol, mark in ((0, 900), (1, 1_300)):
            books.positions[symbol]["mark_ticks"] = mark
        while (symbol := int(next_to_liquidate(books.balances, books.positions, PACKED, BRACKETS, 2))) >= 0:
            lots, mark = int(books.positions[symbol]["lots"]), int(books.positions[symbol]["mark_ticks"])
            cut = lots_to_liquidate(PACKED[symbol], BRACKETS[symbol], lots, mark)
            books.fill(symbol, SELL if lots > 0 else BUY, mark, cut, 0)
            found.append((symbol, int(cut)))
        return [*found, books.balances.tobytes()]

    assert run() == run()
    assert run()[0][0] == 0
