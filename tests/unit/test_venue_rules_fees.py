"""Fees by volume, with rebates, discounts and a third asset, against fractions."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.money import LIMIT
from bot4.simulator.rules.fee_schedule import (
    CHARGED,
    DAY_NS,
    FEE_CHARGE,
    FEE_TOO_LARGE,
    VOLUME_DAYS,
    FeeSettings,
    FeeTier,
    add_volume,
    charge_fee,
    fee_rate,
    fee_tier,
    flat_fees,
    highest_fee_rate,
    pack_fees,
    set_third_price,
    window_volume_atoms,
)

D = Decimal
BITCOIN = Instrument("BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(0), D(0), D(0))
UNIVERSE = Universe((BITCOIN,), other_assets=("BNB",))
USDT, BTC, BNB = 0, 1, 2
UNIT = 10**8
SETTINGS = FeeSettings(
    (
        FeeTier(D(0), D("0.001"), D("0.001")), FeeTier(D(1_000), D("0.0009"), D("0.00095")),
        FeeTier(D(50_000), D("-0.00015"), D("0.0003")),
    ),
    third_asset="BNB", third_discount=D("0.25"), third_price=D("612.34567891"),
)  # fmt: skip
START = 20_000 * DAY_NS


def fees(settings: FeeSettings = SETTINGS, start: int = START) -> tuple[Any, Any]:
    schedule, volume = pack_fees(UNIVERSE, settings, start)
    return schedule[0], volume[0]


def charged(
    settings: FeeSettings, rate: int, notional: int, *, third_free: int = 0, received: tuple[int, int] = (BTC, 10**6)
) -> tuple[int, int]:
    charge = np.zeros(1, FEE_CHARGE)[0]
    schedule, volume = fees(settings)
    assert charge_fee(schedule, volume, rate, notional, USDT, *received, third_free, charge) == CHARGED
    return int(charge["asset"]), int(charge["atoms"])


def test_a_tier_begins_on_the_day_after_its_volume_was_reached_and_ends_thirty_days_later() -> None:
    schedule, volume = fees()
    add_volume(volume, START, 999 * UNIT)
    add_volume(volume, START + 5, -1 * UNIT)  # a sale's value counts as well
    assert fee_tier(schedule, volume, START + 10) == 0
    assert [fee_tier(schedule, volume, START + day * DAY_NS) for day in (1, 2, 30, 31)] == [1, 1, 1, 0]


def test_the_rate_is_the_tiers_for_making_and_taking() -> None:
    schedule, _volume = fees()
    rates = [(fee_rate(schedule, tier, True), fee_rate(schedule, tier, False)) for tier in range(3)]
    assert rates == [(100_000, 100_000), (90_000, 95_000), (-15_000, 30_000)]
    assert highest_fee_rate(schedule) == 100_000
    assert highest_fee_rate(fees(flat_fees(D("-0.1"), D("-0.1")))[0]) == 0


def test_a_starting_volume_counts_from_the_first_day() -> None:
    schedule, volume = fees(replace(SETTINGS, starting_volume=D(60_000)))
    assert [fee_tier(schedule, volume, START + day * DAY_NS) for day in (0, 29, 30)] == [2, 2, 0]


def test_volume_stops_short_of_wrapping_around() -> None:
    schedule, volume = fees()
    for _ in range(3):
        add_volume(volume, START, LIMIT - 1)
        add_volume(volume, START + DAY_NS, LIMIT - 1)
    assert window_volume_atoms(schedule, volume, START + 2 * DAY_NS) == LIMIT - 1


def test_a_fill_of_a_day_that_left_the_ring_counts_nothing() -> None:
    schedule, volume = fees()
    add_volume(volume, START + VOLUME_DAYS * DAY_NS, UNIT)
    add_volume(volume, START, 7 * UNIT)
    assert window_volume_atoms(schedule, volume, START + (VOLUME_DAYS + 1) * DAY_NS) == UNIT


@given(st.lists(st.tuples(st.integers(0, 45), st.integers(0, 10**12)), max_size=30), st.integers(1, 62))
def test_the_windows_volume_equals_a_sum_over_a_dictionary_of_days(
    fills: list[tuple[int, int]], window_days: int
) -> None:
    schedule, volume = fees(replace(SETTINGS, window_days=window_days))
    daily: defaultdict[int, int] = defaultdict(int)
    day = START // DAY_NS
    for wait, value in fills:
        day += wait
        add_volume(volume, day * DAY_NS + value % DAY_NS, value)
        daily[day] += value
        expected = sum(daily[d] for d in range(day - window_days, day))
        assert window_volume_atoms(schedule, volume, day * DAY_NS) == expected
    assert window_volume_atoms(schedule, volume, (day + 63) * DAY_NS) == 0


@given(st.integers(-10_000_000, 10_000_000), st.integers(0, 10**15))
def test_a_fee_is_rounded_up_and_a_rebate_down(rate: int, notional: int) -> None:
    assert charged(replace(SETTINGS, third_asset=None), rate, notional) == (
        USDT,
        math.ceil(Fraction(notional * rate, 10**8)),
    )


@given(st.integers(1, 10_000_000), st.integers(0, 10**15), st.integers(0, 10**8))
def test_a_fee_in_a_third_asset_is_never_below_its_exact_value_and_at_most_the_roundings_above(
    rate: int, notional: int, discount: int
) -> None:
    settings = replace(SETTINGS, third_discount=D(discount).scaleb(-8))
    asset, atoms = charged(settings, rate, notional, third_free=LIMIT - 1)
    price = 61_234_567_891
    parts = math.ceil(Fraction(rate * (10**8 - discount), 10**8))
    assert (asset, atoms) == (BNB, math.ceil(Fraction(math.ceil(Fraction(notional * parts, 10**8)) * UNIT, price)))
    exact = Fraction(notional) * rate * (10**8 - discount) / 10**16 * UNIT / price
    assert exact <= atoms < exact + 2 + Fraction(notional, price)


def test_without_enough_of_the_third_asset_or_its_price_the_whole_fee_is_paid_where_the_trade_settles() -> None:
    in_bnb = charged(SETTINGS, 100_000, 10**11, third_free=10**8)
    assert in_bnb == (BNB, math.ceil(Fraction(75_000_000 * UNIT, 61_234_567_891)))
    assert charged(SETTINGS, 100_000, 10**11, third_free=in_bnb[1]) == in_bnb
    assert charged(SETTINGS, 100_000, 10**11, third_free=in_bnb[1] - 1) == (USDT, 10**8)
    assert charged(replace(SETTINGS, third_price=D(0)), 100_000, 10**11, third_free=10**8) == (USDT, 10**8)
    assert charged(replace(SETTINGS, third_asset=None), 100_000, 10**11, third_free=10**8) == (USDT, 10**8)


def test_a_rebate_is_neither_discounted_nor_paid_in_the_third_asset() -> None:
    assert charged(SETTINGS, -15_000, 10**8 + 1, third_free=10**8) == (USDT, -15_000)


def test_a_schedule_may_take_its_fee_out_of_what_the_trade_gives() -> None:
    received = replace(SETTINGS, charged_from="received")
    assert charged(received, 100_000, 10**11, received=(BTC, 1_234_567)) == (BTC, 1_235)
    assert charged(received, -15_000, 10**8, received=(BTC, 1_234_567)) == (USDT, -15_000)


def test_the_price_of_the_third_asset_can_change_and_be_lost() -> None:
    schedule, volume = fees()
    charge = np.zeros(1, FEE_CHARGE)[0]
    for price, expected in ((50 * UNIT, (BNB, 1_500_000)), (-3, (USDT, 10**8))):
        set_third_price(volume, price)
        assert charge_fee(schedule, volume, 100_000, 10**11, USDT, BTC, 5, UNIT, charge) == CHARGED
        assert (charge["asset"], charge["atoms"]) == expected


def test_a_fee_that_passes_64_bits_is_not_charged() -> None:
    charge = np.zeros(1, FEE_CHARGE)[0]
    schedule, volume = fees()
    set_third_price(volume, 1)
    assert charge_fee(schedule, volume, 10**8, LIMIT - 1, USDT, BTC, 5, LIMIT - 1, charge) == CHARGED
    assert charge_fee(schedule, volume, 10**9, LIMIT - 1, USDT, BTC, 5, LIMIT - 1, charge) == FEE_TOO_LARGE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tiers": ()}, "number of tiers"), ({"tiers": (FeeTier(D(1), D(0), D(0)),)}, "above volume 0"),
        ({"tiers": (FeeTier(D(0), D(0), D(0)), FeeTier(D(0), D(0), D(0)))}, "volume"), ({"window_days": 63}, "window"),
        ({"third_asset": "DOGE"}, "DOGE"), ({"charged_from": "base"}, "charged_from"),
        ({"third_discount": D("1.1")}, "third_discount"), ({"liquidation_fee": D("0.2")}, "liquidation_fee"),
        ({"tiers": (FeeTier(D(0), D("0.000000001"), D(0)),)}, "maker"),
    ],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        pack_fees(UNIVERSE, replace(SETTINGS, **changes))


def test_a_tier_with_a_fee_above_a_tenth_is_refused() -> None:
    with pytest.raises(SettingError, match="taker"):
        FeeTier(D(0), D(0), D("0.11"))
