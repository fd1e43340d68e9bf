"""Spot balances against a slow account in Python integers: locked, paid, given back, and conserved to the last atom."""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.money import LIMIT, OVERFLOW
from bot4.domain.orders import BUY, SELL
from bot4.domain.venue_reasons import NO_BALANCE, TOO_LARGE
from bot4.simulator.accounts.balances import (
    LOCK,
    WAIVED_ATOMS,
    deposit,
    hand_lock_over,
    is_conserved,
    lock_for_order,
    needed_atoms,
    pack_balances,
    release_lock,
    settle_spot_fill,
)
from bot4.simulator.rules.fee_schedule import FEE_CHARGE

D = Decimal
USDT, BTC, BNB = 0, 1, 2
RATE = 75_000  # 7.5 basis points
GRIDS = (("0.01", "0.00001"), ("0.00000001", "1"), ("0.05", "1e-9"))


def universe(tick: str = "0.01", lot: str = "0.00001") -> Universe:
    pair = Instrument("BTCUSDT", "BTC", "USDT", D(tick), D(lot), D(lot), D(0), D(0), D(0))
    return Universe((pair,), other_assets=("BNB",))


class Account:
    def __init__(self, deposits: dict[str, Decimal], tick: str = "0.01", lot: str = "0.00001") -> None:
        self.universe = universe(tick, lot)
        self.instrument = pack_instruments(self.universe)[0]
        self.row = pack_balances(self.universe, deposits)[0]
        self.k = Fraction(D(tick)) * Fraction(D(lot)) * 10**8

    def lock(self, side: int, ticks: int, lots: int, rate: int = RATE, lock: Any = None) -> tuple[Any, int]:
        lock = np.zeros(1, LOCK)[0] if lock is None else lock
        return lock, int(lock_for_order(self.row, lock, self.instrument, side, ticks, lots, rate))

    def fill(
        self, lock: Any, side: int, ticks: int, lots: int, fee: int, asset: int = USDT, still: int = 0
    ) -> tuple[int, int]:
        charge = np.zeros(1, FEE_CHARGE)[0]
        charge["asset"], charge["atoms"] = asset, fee
        status = settle_spot_fill(self.row, lock, self.instrument, side, ticks, lots, still, charge)
        return int(status), int(charge["atoms"])

    def held(self, asset: int) -> tuple[int, int]:
        return int(self.row["free"][asset]), int(self.row["locked"][asset])


def test_a_buy_locks_its_value_and_fee_and_a_better_price_gives_the_rest_back() -> None:
    account = Account({"USDT": D(1000)})
    lock, status = account.lock(BUY, 50_000, 100_000)  # 1 BTC at 500
    assert (status, lock["atoms"]) == (0, 500 * 10**8 + 37_500_000)
    assert account.held(USDT) == (1000 * 10**8 - lock["atoms"], lock["atoms"])
    still = needed_atoms(account.instrument, BUY, 50_000, 60_000, RATE)
    assert account.fill(lock, BUY, 49_000, 40_000, 14_700_000, still=still) == (0, 14_700_000)
    assert lock["atoms"] == still == 300 * 10**8 + 22_500_000
    assert account.held(USDT) == (1000 * 10**8 - 196 * 10**8 - 14_700_000 - still, still)
    assert account.held(BTC) == (40_000, 0)
    release_lock(account.row, lock)
    assert account.held(USDT) == (804 * 10**8 - 14_700_000, 0)
    assert is_conserved(account.row, 3)


def test_a_sale_locks_the_base_asset_and_gives_the_value_rounded_down_less_the_fee() -> None:
    account = Account({"BTC": D("0.5")}, tick="0.05", lot="1e-9")
    lock, status = account.lock(SELL, 3, 10**8)
    assert (status, account.held(BTC)) == (0, (4 * 10**8, 10**8))
    assert account.fill(lock, SELL, 7, 3, 0, still=10**8 - 3) == (0, 0)
    assert account.held(USDT) == (int(Fraction(7 * 3) * account.k), 0)
    assert (lock["atoms"], account.held(BTC)) == (10**8 - 3, (4 * 10**8, 10**8 - 3))


def test_more_than_is_free_cannot_be_locked_and_nothing_changes() -> None:
    account = Account({"USDT": D(10), "BTC": D("0.001")})
    before = account.row.tobytes()
    assert account.lock(BUY, 1_000, 100_000)[1] == NO_BALANCE  # the fee is missing
    assert account.lock(SELL, 1_000, 101)[1] == NO_BALANCE
    assert account.lock(BUY, 2**50, 2**50)[1] == TOO_LARGE
    assert account.row.tobytes() == before
    assert account.lock(BUY, 1_000, 100_000, rate=0)[1] == 0
    assert account.held(USDT) == (0, 10 * 10**8)


def test_an_amended_order_locks_more_or_gives_back() -> None:
    account = Account({"USDT": D(100)})
    lock, _ = account.lock(BUY, 1_000, 100_000, rate=0)
    for ticks, lots, free in ((2_000, 100_000, 80), (500, 100_000, 95), (10_000, 100_000, 0)):
        assert account.lock(BUY, ticks, lots, 0, lock)[1] == 0
        assert account.held(USDT) == (free * 10**8, (100 - free) * 10**8)
    assert account.lock(BUY, 10_001, 100_000, 0, lock)[1] == NO_BALANCE
    assert lock["atoms"] == 100 * 10**8


def test_two_orders_that_share_a_quantity_lock_it_once() -> None:
    account = Account({"BTC": D(1)})
    stop, _ = account.lock(SELL, 1_000, 100_000)
    target = np.zeros(1, LOCK)[0]
    hand_lock_over(stop, target)
    assert (stop["atoms"], target["atoms"]) == (0, 100_000)
    release_lock(account.row, stop)
    assert account.fill(target, SELL, 2_000, 100_000, 0) == (0, 0)
    assert account.held(BTC) == (0, 0)


def test_a_fee_that_lacks_an_atom_by_its_rounding_is_cut_and_more_than_that_refused() -> None:
    account = Account({"USDT": D("10.00000005")})
    lock, _ = account.lock(BUY, 1_000, 100_000, rate=0)
    before = account.row.tobytes()
    assert account.fill(lock, BUY, 1_000, 100_000, 5 + WAIVED_ATOMS + 1)[0] == NO_BALANCE
    assert account.row.tobytes() == before
    assert account.fill(lock, BUY, 1_000, 100_000, 5 + WAIVED_ATOMS) == (0, 5)
    assert account.held(USDT) == (0, 0)
    assert account.row["fees"][USDT] == 5
    assert is_conserved(account.row, 3)


def test_a_value_that_cannot_be_paid_is_refused_whatever_the_fee() -> None:
    account = Account({"USDT": D(5)})
    empty = np.zeros(1, LOCK)[0]
    for fee, asset in ((0, USDT), (1, USDT), (-1, USDT), (1, BTC)):
        assert account.fill(empty, BUY, 1_000, 100_000, fee, asset)[0] == NO_BALANCE


def test_a_fee_in_what_was_received_or_in_a_third_asset_is_taken_there() -> None:
    account = Account({"USDT": D(10), "BNB": D("0.00000100")})
    lock, _ = account.lock(BUY, 1_000, 50_000, rate=0)
    assert account.fill(lock, BUY, 1_000, 50_000, 50, BTC) == (0, 50)
    assert account.held(BTC) == (49_950, 0)
    lock, _ = account.lock(BUY, 1_000, 10_000, rate=0)
    assert account.fill(lock, BUY, 1_000, 10_000, 101, BNB)[0] == NO_BALANCE
    assert account.fill(lock, BUY, 1_000, 10_000, 100, BNB) == (0, 100)
    assert account.held(BNB) == (0, 0)
    assert is_conserved(account.row, 3)


def test_a_fee_greater_than_what_is_received_and_held_is_refused() -> None:
    account = Account({"USDT": D(10)})
    lock, _ = account.lock(BUY, 1_000, 50_000, rate=0)
    assert account.fill(lock, BUY, 1_000, 50_000, 50_001, BTC)[0] == NO_BALANCE


def test_a_fill_that_passes_64_bits_changes_nothing() -> None:
    account = Account({"USDT": D(10)})
    empty = np.zeros(1, LOCK)[0]
    before = account.row.tobytes()
    assert account.fill(empty, BUY, 2**50, 2**50, 0)[0] == TOO_LARGE
    assert account.fill(empty, BUY, 1, 1, LIMIT)[0] == TOO_LARGE
    account.row["free"][BTC] = LIMIT - 5
    assert account.fill(empty, BUY, 1, 10, 0)[0] == TOO_LARGE
    account.row["free"][BTC] = 0
    account.row["fees"][BNB] = LIMIT - 1
    assert account.fill(empty, BUY, 1, 10, 5, BNB)[0] == TOO_LARGE
    account.row["fees"][BNB] = 0
    account.row["traded"][USDT] = LIMIT - 1
    assert account.fill(empty, BUY, 1, 10, 0)[0] == TOO_LARGE
    account.row["traded"][USDT] = 0
    assert account.row.tobytes() == before
    assert needed_atoms(account.instrument, BUY, 2**40, 2**10, 10**11) == OVERFLOW
    assert needed_atoms(account.instrument, BUY, 2**40, 2**18, 10**8) == OVERFLOW  # each fits, not their sum


def test_deposits_and_withdrawals_stay_within_what_there_is() -> None:
    account = Account({"USDT": D(10)})
    assert deposit(account.row, USDT, -10 * 10**8 - 1) == NO_BALANCE
    assert deposit(account.row, USDT, -10 * 10**8) == 0
    assert deposit(account.row, USDT, LIMIT) == TOO_LARGE
    account.row["free"][USDT] = account.row["deposited"][USDT] = -5  # the debt of a margin account may be paid off
    assert deposit(account.row, USDT, 3) == 0
    assert account.held(USDT) == (-2, 0)


@pytest.mark.parametrize(
    ("deposits", "says"),
    [({"DOGE": D(1)}, "DOGE"), ({"USDT": D(-1)}, "-1 USDT"), ({"USDT": D("nan")}, "NaN"),
     ({"USDT": D("1e-9")}, "decimals"), ({"USDT": D("1e12")}, "USDT")],
)  # fmt: skip
def test_a_deposit_that_makes_no_sense_is_refused(deposits: dict[str, Decimal], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        pack_balances(universe(), deposits)


def test_a_broken_balance_is_seen() -> None:
    account = Account({"USDT": D(10)})
    account.row["free"][BNB] = 1
    assert not is_conserved(account.row, 3)


class Slow:
    """The same account in a dictionary of exact integers, locks recomputed from what is open."""

    def __init__(self) -> None:
        self.free: defaultdict[int, int] = defaultdict(int)
        self.locked: defaultdict[int, int] = defaultdict(int)

    def trade(self, side: int, exact: Fraction, base: int, fee_asset: int, fee: int) -> None:
        self.free[USDT] -= math.ceil(side * exact)
        self.free[BTC] += side * base
        self.free[fee_asset] -= fee


@settings(max_examples=150)
@given(st.data())
def test_any_flow_of_orders_fills_and_cancels_equals_the_slow_account_and_conserves_every_atom(
    data: st.DataObject,
) -> None:
    tick, lot = data.draw(st.sampled_from(GRIDS))
    account = Account({"USDT": D(data.draw(st.integers(0, 10**4))), "BNB": D(1)}, tick, lot)
    slow = Slow()
    for asset in range(3):
        slow.free[asset] = int(account.row["free"][asset])
    orders: list[dict[str, Any]] = []
    for _ in range(data.draw(st.integers(1, 25))):
        move = data.draw(st.sampled_from(("place", "fill", "fill", "cancel")))
        if move == "place" or not orders:
            side, ticks = data.draw(st.sampled_from((BUY, SELL))), data.draw(st.integers(1, 10**6))
            lots = data.draw(st.integers(1, 10**6))
            value = math.ceil(ticks * lots * account.k)
            needed = lots * int(account.instrument["base_atoms_per_lot"])
            if side == BUY:
                needed = value + math.ceil(Fraction(value * RATE, 10**8))
            asset = USDT if side == BUY else BTC
            lock, status = account.lock(side, ticks, lots)
            assert status == (0 if needed <= slow.free[asset] else NO_BALANCE)
            if status == 0:
                slow.free[asset] -= needed
                slow.locked[asset] += needed
                orders.append({"lock": lock, "side": side, "ticks": ticks, "left": lots, "asset": asset})
        else:
            order = data.draw(st.sampled_from(orders))
            before = int(order["lock"]["atoms"])
            if move == "cancel":
                release_lock(account.row, order["lock"])
            else:
                side, lots = order["side"], data.draw(st.integers(1, order["left"]))
                ticks = max(1, order["ticks"] - side * data.draw(st.integers(0, 1000)))
                left = order["left"] - lots
                still = needed_atoms(account.instrument, side, order["ticks"], left, RATE)
                exact = ticks * lots * account.k
                fee_asset = data.draw(st.sampled_from((USDT, USDT, BNB)))
                fee = math.ceil(math.ceil(exact) * Fraction(RATE, 10**8)) if fee_asset == USDT else 17
                status, charged = account.fill(order["lock"], side, ticks, lots, fee, fee_asset, still)
                assert fee - charged <= WAIVED_ATOMS
                if status != 0:
                    continue
                order["left"] = left
                slow.trade(side, exact, lots * int(account.instrument["base_atoms_per_lot"]), fee_asset, charged)
            slow.locked[order["asset"]] -= before - int(order["lock"]["atoms"])
            slow.free[order["asset"]] += before - int(order["lock"]["atoms"])
            if move == "cancel" or order["left"] == 0:
                assert order["lock"]["atoms"] == 0
                orders.remove(order)
        for asset in range(3):
            assert account.held(asset) == (slow.free[asset], slow.locked[asset])
            assert min(account.held(asset)) >= 0
        assert sum(int(order["lock"]["atoms"]) for order in orders) == sum(account.held(a)[1] for a in range(3))
        assert is_conserved(account.row, 3)
