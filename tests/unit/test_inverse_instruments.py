"""Inverse contracts and other assets: declared in settings, packed, valued, and kept by a journal's header."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.adapters.instrument_table import universe_of
from bot4.domain.errors import SettingError, UsageError
from bot4.domain.instruments import MAX_ASSETS, Instrument, Universe, pack_instruments
from bot4.domain.money import CEILING, FLOOR, OVERFLOW, notional_atoms
from bot4.engine.plan import RunPlan, RunSettings

D = Decimal
FIELDS: dict[str, Any] = {
    "base": "BTC", "quote": "USD", "tick_size": D("0.1"), "lot_size": D(1), "is_perpetual": True,
    "contract_value": D(100),
}  # fmt: skip


def inverse(**changes: Any) -> Universe:
    return universe_of(["BTCUSD_PERP"], {"BTCUSD_PERP": FIELDS | changes})


def test_an_inverse_contract_settles_in_its_base_with_eight_decimals() -> None:
    universe = inverse()
    (instrument,) = universe.instruments
    assert (instrument.is_inverse, instrument.settlement) == (True, "BTC")
    assert [universe.decimals(asset) for asset in universe.assets] == [8, 8]
    row = pack_instruments(universe)[0]
    assert (row["is_inverse"], row["base_atoms_per_lot"], row["min_lots"]) == (1, 0, 1)
    assert (row["notional_num"], row["notional_den"]) == (10**11, 1)
    assert math.isnan(row["quote_per_tick_lot"])
    assert row["min_notional_atoms"] == 5 * 10**8  # in base, as its value is


def test_a_linear_instrument_packs_to_the_same_bytes_whether_or_not_there_is_an_inverse_one_beside_it() -> None:
    linear = Instrument("ETHUSD", "ETH", "USD", D("0.01"), D("0.001"), D("0.001"), D(5), D(0), D(0))
    alone = pack_instruments(Universe((linear,)))[0]
    beside = pack_instruments(Universe((linear, inverse().instruments[0])))[0]
    assert alone.tobytes() == beside.tobytes()
    assert alone["is_inverse"] == 0


@given(st.integers(-(10**8), 10**8), st.integers(10, 10**9))
def test_the_value_of_contracts_is_their_quote_value_over_the_price(lots: int, ticks: int) -> None:
    row = pack_instruments(inverse())[0]
    exact = Fraction(lots * 100 * 10**8) / (Fraction(ticks) / 10)
    assert notional_atoms(row, ticks, lots, CEILING) == math.ceil(exact)
    assert notional_atoms(row, ticks, lots, FLOOR) == math.floor(exact)


def test_without_a_price_or_beyond_64_bits_a_contract_has_no_value() -> None:
    row = pack_instruments(inverse(tick_size=D("0.3")))[0]
    assert row["notional_den"] == 3
    for ticks, lots in ((0, 1), (-1, 1), (2**61, 1), (1, 2**40)):
        assert notional_atoms(row, ticks, lots, FLOOR) == OVERFLOW


@pytest.mark.parametrize("changes", [{"contract_value": D(0)}, {"contract_value": D("nan")}, {"is_perpetual": False}])
def test_a_contract_value_belongs_to_perpetuals_and_is_above_zero(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="contract_value"):
        inverse(**changes)


def test_other_assets_follow_the_traded_ones_and_are_counted_once() -> None:
    traded = inverse().instruments
    universe = Universe(traded, ("BNB", "BTC", "USD"))
    assert universe.assets == ("USD", "BTC", "BNB")
    assert universe.decimals("BNB") == 8
    with pytest.raises(UsageError, match="assets"):
        Universe(traded, tuple(f"A{n}" for n in range(MAX_ASSETS)))


def test_the_header_of_a_journal_keeps_contracts_and_other_assets() -> None:
    universe = Universe(inverse().instruments, ("BNB",))
    plan = RunPlan(universe, (), RunSettings(), 60_000_000_000)
    kept = RunPlan.from_header(plan.header("backtest")).universe
    assert kept == universe
    old = plan.header("backtest")
    del old["other_assets"]  # as journals were before
    assert RunPlan.from_header(old).universe == Universe(universe.instruments)
    assert np.array_equal(pack_instruments(kept).view("u1"), pack_instruments(universe).view("u1"))
