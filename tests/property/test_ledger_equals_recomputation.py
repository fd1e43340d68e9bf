"""The ledger against an independent recomputation from the facts, to the last atom."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.events import FEE_ASSET_SHIFT, IS_SELL
from bot4.domain.instruments import MAX_ASSETS, MAX_SYMBOLS, Instrument, Universe, pack_instruments
from bot4.domain.ledger import (
    LEDGER_OVERFLOW,
    LEDGER_REFUSED,
    OK,
    apply_to_holding,
    book_deposit,
    book_fill,
    book_fill_and_fee,
    book_funding,
    fee_asset_of,
    is_balanced,
)
from bot4.domain.money import LIMIT
from bot4.domain.orders import BUY, FILL, SELL
from bot4.domain.portfolio import FEES, HOLDINGS, LEDGER, POSITION, ROUNDING, SLEEVE, VENUE
from bot4.domain.recomputation import Deposited, Fact, FundingCharged, disagreements, recompute


def contract(base: str, tick: str, value: str) -> Instrument:
    return Instrument(
        f"{base}USD_PERP", base, "USDT", Decimal(tick), Decimal(1), Decimal(1), Decimal(0), Decimal("0.0001"),
        Decimal("0.0005"), is_perpetual=True, contract_value=Decimal(value),
    )  # fmt: skip


def pair(base: str, tick: str, lot: str, maker: str, is_perpetual: bool) -> Instrument:
    return Instrument(
        f"{base}USDT{'_PERP' if is_perpetual else ''}",
        base, "USDT", Decimal(tick), Decimal(lot), Decimal(lot), Decimal(0), Decimal(maker), Decimal("0.00075"),
        is_perpetual,
    )  # fmt: skip


UNIVERSE = Universe(
    (
        pair("BTC", "0.01", "0.00001", "0.001", False),
        pair("SHIB", "0.00000001", "1", "-0.0001", False),
        pair("ETH", "0.05", "1e-18", "0.0002", False),
        pair("BTC", "0.1", "0.001", "-0.00005", True),
        pair("SHIB", "0.0000000001", "1000", "0.0002", True),
        pair("ETH", "0.05", "1e-18", "0.0002", True),
        contract("BTC", "0.1", "100"),
        contract("DOT", "0.001", "10"),
    ),
    other_assets=("BNB",),
)
PACKED = pack_instruments(UNIVERSE)
N_ASSETS = len(UNIVERSE.assets)
PRICES = (3_000_000, 2_345, 61_234, 300_017, 123_456, 61_233, 300_017, 4_321)
SIZES = (10**6, 10**12, 10**19, 10**5, 10**9, 10**19, 10**6, 10**6)
BNB = UNIVERSE.assets.index("BNB")


class Account:
    def __init__(self) -> None:
        self.ledger = np.zeros(1, LEDGER)[0]
        self.positions = np.zeros(MAX_SYMBOLS, POSITION)
        self.facts: list[Fact] = []

    def deposit(self, asset: int, atoms: int) -> None:
        assert book_deposit(self.ledger, asset, atoms) == OK
        self.facts.append(Deposited(UNIVERSE.assets[asset], atoms))

    def fill(self, symbol: int, side: int, ticks: int, lots: int, fee: int, fee_asset: int | None = None) -> None:
        instrument, position = PACKED[symbol], self.positions[symbol]
        if fee_asset is None:
            status = book_fill(self.ledger, instrument, position, side, ticks, lots, fee)
        else:
            status = book_fill_and_fee(self.ledger, instrument, position, side, ticks, lots, fee_asset, fee)
        assert status == OK
        fill = np.zeros(1, FILL)[0]
        fill["symbol"], fill["side"], fill["price_ticks"], fill["qty_lots"] = symbol, side, ticks, lots
        fill["fee_atoms"] = fee
        fill["fee_asset"] = 0 if fee_asset is None else fee_asset + 1
        self.facts.append(fill)

    def fund(self, symbol: int, rate: float, ticks: int) -> None:
        assert book_funding(self.ledger, PACKED[symbol], self.positions[symbol], rate, ticks) == OK
        self.facts.append(FundingCharged(symbol, rate, ticks))

    def check(self) -> None:
        books = recompute(UNIVERSE, self.facts)
        assert disagreements(books, UNIVERSE, self.ledger, self.positions) == []
        assert is_balanced(self.ledger, N_ASSETS)
        assert self.ledger["is_broken"] == 0


@st.composite
def histories(draw: st.DrawFn) -> Account:
    account = Account()
    account.deposit(0, draw(st.integers(1, 10**16)))
    for _ in range(draw(st.integers(1, 25))):
        symbol = draw(st.integers(0, len(PACKED) - 1))
        ticks = max(1, PRICES[symbol] + draw(st.integers(-2000, 2000)))
        held = int(account.positions[symbol]["lots"])
        move = draw(st.sampled_from(("trade", "trade", "close", "fund")))
        if move == "fund":
            account.fund(symbol, draw(st.floats(-0.01, 0.01)), ticks)
            continue
        side = draw(st.sampled_from((BUY, SELL)))
        lots = draw(st.integers(1, SIZES[symbol] if SIZES[symbol] < LIMIT else LIMIT // 100))
        if move == "close" and held != 0:
            side, lots = (SELL, held) if held > 0 else (BUY, -held)
        elif side == SELL and not PACKED[symbol]["is_perpetual"]:
            if held == 0:
                side = BUY
            else:
                lots = min(lots, held)
        fee_asset = draw(st.sampled_from((None, None, *range(N_ASSETS))))
        account.fill(symbol, side, ticks, lots, draw(st.integers(-(10**6), 10**9)), fee_asset)
    return account


@settings(max_examples=400, deadline=None)
@given(histories())
def test_every_history_of_fills_deposits_and_funding_recomputes_to_the_same_books(account: Account) -> None:
    account.check()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 10**5), st.integers(1, 10**4), st.booleans()), max_size=25),
    st.sampled_from((0, 2, 3, 5, 6, 7)),
)
def test_sleeves_and_position_share_lots_and_the_sum_of_cost_less_result(
    fills: list[tuple[int, int, int, bool]], symbol: int
) -> None:
    account, sleeves = Account(), np.zeros(3, SLEEVE)
    for owner, ticks, lots, is_reducing in fills:
        side = BUY
        if is_reducing and sleeves[owner]["lots"] > 0:
            side, lots = SELL, min(lots, int(sleeves[owner]["lots"]))
        account.fill(symbol, side, ticks, lots, 0)
        assert apply_to_holding(PACKED[symbol], sleeves[owner], side, ticks, lots) == OK
        position = account.positions[symbol]
        assert position["lots"] == sleeves["lots"].sum()
        conserved = position["cost_atoms"] - position["realised_atoms"]
        assert conserved == (sleeves["cost_atoms"] - sleeves["realised_atoms"]).sum()
        if position["lots"] == 0:
            assert position["realised_atoms"] == sleeves["realised_atoms"].sum()
    account.check()


def test_a_spot_buyer_pays_the_ceiling_and_the_residue_is_named() -> None:
    account = Account()
    account.fill(2, BUY, 3, 7, 0)  # 7e-18 ETH at 0.15: less than an atom of quote
    balances = account.ledger["balances"]
    assert (balances[HOLDINGS, 0], balances[VENUE, 0], balances[ROUNDING, 0]) == (-1, 0, 1)
    account.fill(2, SELL, 3, 7, 0)
    assert (balances[HOLDINGS, 0], balances[VENUE, 0], balances[ROUNDING, 0]) == (-1, -1, 2)
    account.check()


def test_closing_a_position_realises_the_difference_of_values() -> None:
    account = Account()
    account.fill(3, SELL, 300_000, 10, 5)
    account.fill(3, BUY, 290_000, 4, 5)
    position = account.positions[3]
    assert position["lots"] == -6
    assert position["realised_atoms"] == 10_000 * 4 * 10_000  # ticks x lots x atoms of a tick and lot
    assert position["fees_atoms"] == 10


def test_a_fill_through_zero_closes_and_then_opens() -> None:
    account = Account()
    account.fill(3, BUY, 300_000, 4, 0)
    account.fill(3, SELL, 310_000, 10, 0)
    position = account.positions[3]
    assert (position["lots"], position["cost_atoms"]) == (-6, -6 * 310_000 * 10_000)
    assert position["realised_atoms"] == 10_000 * 4 * 10_000


def test_an_inverse_contract_settles_in_its_base_asset() -> None:
    account, bitcoin = Account(), UNIVERSE.assets.index("BTC")
    account.fill(6, BUY, 300_000, 300, 7)  # 300 contracts of 100 at 30,000: one bitcoin
    assert account.positions[6]["cost_atoms"] == -(10**8)
    account.fill(6, SELL, 400_000, 300, 5)  # 0.75 at 40,000
    position, balances = account.positions[6], account.ledger["balances"]
    assert (position["lots"], position["cost_atoms"], position["realised_atoms"]) == (0, 0, 25_000_000)
    assert balances[HOLDINGS, bitcoin] == 25_000_000 - 12
    assert balances[HOLDINGS, 0] == 0
    account.check()


def test_results_of_an_inverse_contract_are_rounded_against_us() -> None:
    account = Account()
    for ticks, side in ((300_001, BUY), (300_003, SELL), (300_001, SELL), (300_003, BUY)):
        account.fill(6, side, ticks, 1, 0)
    assert account.positions[6]["realised_atoms"] == -2  # what the two prices gain and lose is equal: an atom a trade
    account.check()


def test_longs_of_an_inverse_contract_pay_a_positive_funding_rate_in_base() -> None:
    account = Account()
    account.fill(6, BUY, 300_000, 300, 0)
    account.fund(6, 0.0001, 300_000)
    account.fund(6, -0.0002, 300_000)
    assert account.positions[6]["funding_atoms"] == 10_000 - 20_000
    account.check()


def test_a_fee_in_a_third_asset_leaves_the_positions_fees_alone() -> None:
    account = Account()
    account.fill(0, BUY, 3_000_000, 5, 77, BNB)
    assert account.ledger["balances"][FEES, BNB] == 77
    assert account.ledger["balances"][HOLDINGS, BNB] == -77
    assert account.positions[0]["fees_atoms"] == 0
    account.check()


def test_the_flags_of_a_report_name_the_asset_of_its_fee() -> None:
    flags = IS_SELL | (BNB + 1) << FEE_ASSET_SHIFT
    assert [fee_asset_of(PACKED[symbol], flags) for symbol in (0, 6)] == [BNB, BNB]
    assert fee_asset_of(PACKED[0], IS_SELL) == 0
    assert fee_asset_of(PACKED[6], IS_SELL) == UNIVERSE.assets.index("BTC")


@pytest.mark.parametrize(
    ("symbol", "account", "asset", "balance"),
    [(0, FEES, BNB, LIMIT - 1), (0, HOLDINGS, BNB, 1 - LIMIT), (3, FEES, BNB, LIMIT - 1),
     (3, HOLDINGS, BNB, 1 - LIMIT), (0, HOLDINGS, 1, LIMIT - 1)],
)  # fmt: skip
def test_a_fee_without_room_in_its_asset_is_not_booked(symbol: int, account: int, asset: int, balance: int) -> None:
    books = Account()
    books.ledger["balances"][account, asset] = balance
    before = books.ledger["balances"].copy()
    position = books.positions[symbol]
    assert book_fill_and_fee(books.ledger, PACKED[symbol], position, BUY, 30_000, 50, asset, 1) == LEDGER_OVERFLOW
    assert (books.ledger["balances"] == before).all()
    assert (position["lots"], books.ledger["is_broken"]) == (0, 1)


def test_a_fee_of_an_asset_that_there_is_not_is_refused() -> None:
    account = Account()
    for asset in (-1, MAX_ASSETS):
        status = book_fill_and_fee(account.ledger, PACKED[0], account.positions[0], BUY, 10, 10, asset, 1)
        assert status == LEDGER_REFUSED


def test_longs_pay_a_positive_funding_rate_and_shorts_receive_it_rounded_down() -> None:
    long, short = Account(), Account()
    long.fill(3, BUY, 300_001, 1, 0)
    short.fill(3, SELL, 300_001, 1, 0)
    for account in (long, short):
        account.fund(3, 0.00012345, 300_001)
        account.check()
    exact = 300_001 * 10_000 * 12345e-8
    assert long.positions[3]["funding_atoms"] == int(exact) + 1
    assert short.positions[3]["funding_atoms"] == -int(exact)


def test_funding_received_is_on_whole_atoms_of_value_rounded_down() -> None:
    account = Account()
    account.fill(5, SELL, 3, 7 * 10**11, 0)  # worth 10.5 atoms
    account.fund(5, 0.95, 3)
    assert account.positions[5]["funding_atoms"] == -9
    account.check()


def test_a_booking_that_does_not_fit_changes_nothing_and_breaks_the_ledger() -> None:
    account = Account()
    account.deposit(0, LIMIT - 1)
    before, positions = account.ledger["balances"].copy(), account.positions.copy()
    assert book_deposit(account.ledger, 0, 1) == LEDGER_OVERFLOW
    assert book_fill(account.ledger, PACKED[0], account.positions[0], BUY, 2**60, 2**40, 0) == LEDGER_OVERFLOW
    assert book_fill(account.ledger, PACKED[0], account.positions[0], SELL, 10, 10, -5) == LEDGER_OVERFLOW
    assert (account.ledger["balances"] == before).all()
    assert (account.positions == positions).all()
    assert account.ledger["is_broken"] == 1


def test_a_fill_without_price_quantity_or_side_is_refused() -> None:
    account = Account()
    for side, ticks, lots in ((BUY, 0, 1), (BUY, 1, 0), (0, 1, 1), (BUY, -1, 1)):
        assert book_fill(account.ledger, PACKED[0], account.positions[0], side, ticks, lots, 0) == LEDGER_REFUSED
    account.fill(3, BUY, 10, 10, 0)
    assert book_funding(account.ledger, PACKED[3], account.positions[3], float("nan"), 10) == LEDGER_REFUSED


def test_a_wrong_balance_is_named_by_the_recomputation() -> None:
    account = Account()
    account.deposit(0, 100)
    account.fill(0, BUY, 3_000_000, 5, 7)
    account.ledger["balances"][HOLDINGS, 0] += 1
    account.positions[0]["cost_atoms"] += 1
    found = disagreements(recompute(UNIVERSE, account.facts), UNIVERSE, account.ledger, account.positions)
    assert len(found) == 2
    assert "HOLDINGS USDT" in found[0]
    assert "BTCUSDT cost_atoms" in found[1]
    assert not is_balanced(account.ledger, N_ASSETS)
