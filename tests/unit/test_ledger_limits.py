"""Where amounts of money do not fit: nothing is booked in part, and the ledger says so."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.ledger import LEDGER_OVERFLOW, OK, apply_to_holding, book_fill, book_funding
from bot4.domain.money import CEILING, FLOOR, HALF_EVEN, LIMIT, OVERFLOW, mul_div, notional_atoms
from bot4.domain.orders import BUY, SELL
from bot4.domain.portfolio import FEES, FUNDING_PAID, HOLDINGS, LEDGER, POSITION, SLEEVE, VENUE


def pair(tick: str, lot: str, *, is_perpetual: bool) -> Instrument:
    return Instrument(
        "XUSDT", "X", "USDT", Decimal(tick), Decimal(lot), Decimal(lot), Decimal(0), Decimal(0), Decimal("0.001"),
        is_perpetual,
    )  # fmt: skip


def packed(*, is_perpetual: bool, tick: str = "0.01", lot: str = "0.001") -> np.void:
    return pack_instruments(Universe((pair(tick, lot, is_perpetual=is_perpetual),)))[0]


SPOT, PERPETUAL = packed(is_perpetual=False), packed(is_perpetual=True)


@pytest.fixture
def ledger() -> np.void:
    return np.zeros(1, LEDGER)[0]


@pytest.fixture
def position() -> np.void:
    return np.zeros(1, POSITION)[0]


def test_a_sleeve_keeps_what_it_had_where_a_value_or_its_basis_does_not_fit() -> None:
    sleeve = np.zeros(1, SLEEVE)[0]
    assert apply_to_holding(SPOT, sleeve, BUY, 2**60, 2**60) == LEDGER_OVERFLOW
    sleeve["cost_atoms"], sleeve["lots"] = LIMIT - 1, 1
    before = sleeve.tobytes()
    assert apply_to_holding(SPOT, sleeve, BUY, 100, 1) == LEDGER_OVERFLOW
    assert sleeve.tobytes() == before


@pytest.mark.parametrize(
    ("account", "asset", "balance", "side"),
    [(HOLDINGS, 0, -(LIMIT - 1), BUY), (VENUE, 0, LIMIT - 1, BUY), (FEES, 0, LIMIT - 1, BUY),
     (HOLDINGS, 1, LIMIT - 1, BUY)],
)  # fmt: skip
def test_a_spot_fill_is_booked_whole_or_not_at_all(
    ledger: np.void, position: np.void, account: int, asset: int, balance: int, side: int
) -> None:
    ledger["balances"][account, asset] = balance
    before, held = ledger["balances"].copy(), position.tobytes()
    assert book_fill(ledger, SPOT, position, side, 10_000, 5, 7) == LEDGER_OVERFLOW
    assert (ledger["balances"] == before).all()
    assert position.tobytes() == held
    assert ledger["is_broken"] == 1


@pytest.mark.parametrize(("account", "balance"), [(HOLDINGS, -(LIMIT - 1)), (FEES, LIMIT - 1)])
def test_a_perpetual_fill_is_booked_whole_or_not_at_all(
    ledger: np.void, position: np.void, account: int, balance: int
) -> None:
    ledger["balances"][account, 0] = balance
    before = ledger["balances"].copy()
    assert book_fill(ledger, PERPETUAL, position, SELL, 10_000, 5, 7) == LEDGER_OVERFLOW
    assert (ledger["balances"] == before).all()
    assert position["lots"] == 0


@pytest.mark.parametrize("field", ["lots", "fees_atoms", "realised_atoms"])
def test_a_fill_whose_totals_do_not_fit_is_not_booked(ledger: np.void, position: np.void, field: str) -> None:
    if field == "realised_atoms":
        position["lots"], position["cost_atoms"] = 5, 5
    position[field] = LIMIT - 1
    side = SELL if field == "realised_atoms" else BUY
    assert book_fill(ledger, PERPETUAL, position, side, 10_000, 5, 7) == LEDGER_OVERFLOW
    assert not ledger["balances"].any()


def test_a_fee_that_does_not_fit_is_not_booked(ledger: np.void, position: np.void) -> None:
    assert book_fill(ledger, SPOT, position, BUY, 10_000, 5, LIMIT) == LEDGER_OVERFLOW


def test_funding_that_does_not_fit_is_not_booked(ledger: np.void, position: np.void) -> None:
    position["lots"] = 5
    assert book_funding(ledger, PERPETUAL, position, 0.001, 10_000) == OK
    position["lots"] = 2**60
    assert book_funding(ledger, PERPETUAL, position, 0.001, 2**60) == LEDGER_OVERFLOW
    position["lots"] = 5
    for account, balance in ((HOLDINGS, -(LIMIT - 1)), (FUNDING_PAID, LIMIT - 1)):
        ledger["balances"][:] = 0
        ledger["balances"][account, 0] = balance
        assert book_funding(ledger, PERPETUAL, position, 0.001, 10_000) == LEDGER_OVERFLOW
    ledger["balances"][:] = 0
    position["funding_atoms"] = LIMIT - 1
    assert book_funding(ledger, PERPETUAL, position, 0.001, 10_000) == LEDGER_OVERFLOW


def test_a_notional_that_neither_order_of_products_can_hold_overflows() -> None:
    coarse = packed(is_perpetual=True, tick="1000", lot="1000")
    assert coarse["notional_num"] == 10**14
    assert notional_atoms(coarse, 2**40, 2**40, CEILING) == OVERFLOW
    assert notional_atoms(coarse, 3, 2**10, FLOOR) == 3 * 2**10 * 10**14


@pytest.mark.parametrize(
    ("a", "b", "divisor", "rounding", "expected"),
    [
        (7, 1, 2, HALF_EVEN, 4), (5, 1, 2, HALF_EVEN, 2), (-7, 1, 2, FLOOR, -4), (-7, 1, 2, CEILING, -3),
        (7, 2, 3, HALF_EVEN, 5), (LIMIT - 1, LIMIT - 1, LIMIT - 1, FLOOR, LIMIT - 1),
        (LIMIT - 1, LIMIT - 1, 1, FLOOR, OVERFLOW), (LIMIT - 1, LIMIT - 1, LIMIT - 2, CEILING, OVERFLOW),
    ],
)  # fmt: skip
def test_the_one_product_of_money_rounds_as_it_is_told(
    a: int, b: int, divisor: int, rounding: int, expected: int
) -> None:
    assert mul_div(a, b, divisor, rounding) == expected
