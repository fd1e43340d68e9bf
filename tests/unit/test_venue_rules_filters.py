"""The filters of a venue, each at its edge, and all of them against a slow reference in decimals."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.orders import (
    BUY,
    CLOSE_POSITION,
    LIMIT,
    MARKET,
    ORDER,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
)  # fmt: skip
from bot4.domain.venue_reasons import VenueReason
from bot4.simulator.rules.filters import (
    ORDER_COUNTS,
    FilterSettings,
    fills_at_market,
    pack_filters,
    price_of_order,
    waits_for_trigger,
    why_not_filtered,
)
from tests.shared_data import requires_shared_data, shared_path

D = Decimal
BITCOIN = Instrument(
    "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.0001"), D(5), D("0.001"), D("0.001")
)  # fmt: skip
UNIVERSE = Universe((BITCOIN,))
PACKED = pack_instruments(UNIVERSE)[0]
SETTINGS = FilterSettings(
    tick_size=D("0.05"), min_price=D(100), max_price=D(100_000), lot_size=D("0.0001"), min_qty=D("0.001"),
    max_qty=D(100), market_lot_size=D("0.001"), market_min_qty=D("0.01"), market_max_qty=D(10), min_notional=D(10),
    max_notional=D(400_000), buy_multiplier_up=D("1.05"), buy_multiplier_down=D("0.5"),
    sell_multiplier_up=D(2), sell_multiplier_down=D("0.95"), max_orders=5, max_stops=2, max_iceberg_parts=10,
    max_position=D(50),
)  # fmt: skip
MARKET_TICKS = 1_000_000  # 10,000


def order(**fields: int) -> Any:
    row = np.zeros(1, ORDER)[0]
    for name, value in ({"side": BUY, "type": LIMIT, "limit_ticks": MARKET_TICKS, "qty_lots": 10_000} | fields).items():
        row[name] = value
    return row


def counts(**fields: int) -> Any:
    row = np.zeros(1, ORDER_COUNTS)[0]
    for name, value in fields.items():
        row[name] = value
    return row


def answer(
    placed: Any, held: Any = None, settings: FilterSettings = SETTINGS, market: int = MARKET_TICKS, reference: int = 0
) -> str:
    filters = pack_filters(UNIVERSE, settings)[0]
    reason = why_not_filtered(filters, PACKED, placed, counts() if held is None else held, market, reference)
    return VenueReason(reason).name if reason else "taken"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "taken"),
        ({"limit_ticks": 0}, "BAD_PRICE"), ({"limit_ticks": -5}, "BAD_PRICE"),
        ({"limit_ticks": 9_995}, "BAD_PRICE"), ({"limit_ticks": 10_000}, "taken"),
        ({"limit_ticks": 10_000_005, "qty_lots": 100}, "BAD_PRICE"),
        ({"limit_ticks": 10_000_000, "qty_lots": 100}, "taken"),
        ({"limit_ticks": 1_000_001}, "OFF_TICK"), ({"limit_ticks": 1_000_005}, "taken"),
        ({"qty_lots": 0}, "BAD_QUANTITY"), ({"qty_lots": -10}, "BAD_QUANTITY"),
        ({"qty_lots": 90}, "BELOW_MIN_LOTS"), ({"qty_lots": 100}, "taken"),
        ({"qty_lots": 10_000_010, "limit_ticks": 10_000}, "ABOVE_MAX_LOTS"),
        ({"qty_lots": 105}, "OFF_LOT"),
        ({"qty_lots": 100, "limit_ticks": 99_995}, "BELOW_MIN_NOTIONAL"),  # 99.9995 * 0.001
        ({"qty_lots": 4_000_010}, "ABOVE_MAX_NOTIONAL"), ({"qty_lots": 4_000_000}, "taken"),
        ({"display_lots": 1_000}, "taken"), ({"display_lots": 990}, "TOO_MANY_ICEBERG_PARTS"),
        ({"display_lots": 20_000}, "taken"), ({"display_lots": -10}, "BAD_QUANTITY"), ({"display_lots": 5}, "OFF_LOT"),
    ],
)  # fmt: skip
def test_a_limit_order_is_held_to_price_quantity_value_and_shown_part(fields: dict[str, int], expected: str) -> None:
    assert answer(order(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"qty_lots": 1_000}, "taken"), ({"qty_lots": 900}, "BELOW_MIN_LOTS"), ({"qty_lots": 1_010}, "OFF_LOT"),
        ({"qty_lots": 1_000_100}, "ABOVE_MAX_LOTS"), ({"qty_lots": 1_000, "limit_ticks": 3}, "taken"),
    ],
)  # fmt: skip
def test_a_market_order_has_its_own_quantities_and_no_price(fields: dict[str, int], expected: str) -> None:
    assert answer(order(type=MARKET, **fields)) == expected


def test_a_market_order_is_judged_at_the_markets_price_and_without_one_not_by_value() -> None:
    small = order(type=MARKET, qty_lots=1_000)
    assert answer(small, market=99_000) == "BELOW_MIN_NOTIONAL"
    assert answer(small, market=0) == "taken"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": STOP, "stop_ticks": 1_100_000}, "taken"), ({"type": STOP, "stop_ticks": 0}, "BAD_PRICE"),
        ({"type": STOP, "stop_ticks": 1_100_001}, "OFF_TICK"), ({"type": TAKE_PROFIT, "stop_ticks": 3}, "BAD_PRICE"),
        ({"type": STOP_LIMIT, "stop_ticks": 1_100_000}, "taken"),
        ({"type": STOP_LIMIT, "stop_ticks": 1_100_000, "limit_ticks": 3}, "BAD_PRICE"),
        ({"type": TAKE_PROFIT_LIMIT, "stop_ticks": 0}, "BAD_PRICE"),
        ({"type": TRAILING_STOP, "trail_ticks": 0}, "BAD_PRICE"), ({"type": TRAILING_STOP, "trail_ticks": 7}, "taken"),
        ({"type": TRAILING_STOP, "trail_ticks": 7, "stop_ticks": 7}, "BAD_PRICE"),
        ({"type": TRAILING_STOP, "trail_ticks": 7, "stop_ticks": 900_000}, "taken"),
    ],
)  # fmt: skip
def test_trigger_prices_are_prices_too(fields: dict[str, int], expected: str) -> None:
    assert answer(order(**fields)) == expected


@pytest.mark.parametrize(
    ("side", "ticks", "expected"),
    [
        (BUY, 1_050_000, "taken"), (BUY, 1_050_005, "PERCENT_PRICE"), (BUY, 500_000, "taken"),
        (BUY, 499_995, "PERCENT_PRICE"), (SELL, 2_000_000, "taken"), (SELL, 2_000_005, "PERCENT_PRICE"),
        (SELL, 950_000, "taken"), (SELL, 949_995, "PERCENT_PRICE"),
    ],
)  # fmt: skip
def test_each_side_has_its_own_band_around_the_reference(side: int, ticks: int, expected: str) -> None:
    placed = order(side=side, limit_ticks=ticks, qty_lots=1_000)
    assert answer(placed, reference=MARKET_TICKS) == expected
    assert answer(placed, reference=0) == "taken"
    assert answer(placed, settings=FilterSettings(), reference=MARKET_TICKS) == "taken"


def test_a_band_that_passes_64_bits_is_no_upper_bound_and_refuses_below() -> None:
    far = FilterSettings(buy_multiplier_up=D(1000), sell_multiplier_down=D(1000))
    for side, expected in ((BUY, "taken"), (SELL, "PERCENT_PRICE")):
        assert answer(order(side=side, qty_lots=100), settings=far, reference=2**61) == expected


def test_orders_and_those_that_wait_are_counted_apart() -> None:
    stop = order(type=STOP, stop_ticks=1_100_000)
    assert answer(order(), counts(open_orders=4, open_stops=2)) == "taken"
    assert answer(order(), counts(open_orders=5)) == "TOO_MANY_ORDERS"
    assert answer(stop, counts(open_orders=3, open_stops=2)) == "TOO_MANY_STOPS"
    assert answer(stop, counts(open_orders=3, open_stops=1)) == "taken"


def test_a_position_may_not_come_to_more_than_its_limit_with_all_that_is_open() -> None:
    lots, wide = 5_000_000, replace(SETTINGS, max_notional=None)
    held = {"net_lots": 3_000_000, "working_buy_lots": 1_000_000, "working_sell_lots": 0}
    assert answer(order(qty_lots=lots - 4_000_000), counts(**held), wide) == "taken"
    assert answer(order(qty_lots=lots - 3_999_990), counts(**held), wide) == "POSITION_LIMIT"
    assert answer(order(side=SELL, qty_lots=8_000_000), counts(**held), wide) == "taken"
    assert answer(order(side=SELL, qty_lots=8_000_010), counts(**held), wide) == "POSITION_LIMIT"
    assert answer(order(qty_lots=lots + 10, is_reduce_only=1), counts(**held), wide) == "taken"


def test_a_reducing_order_may_be_small_but_not_off_the_grid() -> None:
    assert answer(order(qty_lots=10, is_reduce_only=1)) == "taken"
    assert answer(order(qty_lots=15, is_reduce_only=1)) == "OFF_LOT"


def test_an_order_that_closes_the_position_has_no_quantity_to_look_at() -> None:
    closing = order(type=STOP, stop_ticks=1_100_000, qty_lots=0, flags=CLOSE_POSITION)
    assert answer(closing, counts(net_lots=10**9)) == "taken"


def test_a_value_beyond_64_bits_is_refused() -> None:
    assert answer(order(qty_lots=2**60, limit_ticks=2**40), settings=FilterSettings()) == "TOO_LARGE"


def test_types_are_sorted_into_those_that_wait_and_those_without_a_price() -> None:
    waiting = {kind for kind in range(1, 8) if waits_for_trigger(kind)}
    assert waiting == {STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP}
    assert {kind for kind in range(1, 8) if fills_at_market(kind)} == {MARKET, STOP, TAKE_PROFIT, TRAILING_STOP}
    assert price_of_order(TRAILING_STOP, 0, 0, 77) == 77


def test_without_settings_the_instruments_own_minima_hold() -> None:
    row = pack_filters(UNIVERSE, {})[0]
    assert (row["tick_step"], row["lot_step"], row["min_lots"], row["min_notional_atoms"]) == (1, 1, 10, 5 * 10**8)
    assert row["market_min_lots"] == row["min_lots"]
    assert (row["max_lots"], row["market_max_lots"]) == (PACKED["max_lots"], PACKED["max_lots"])
    assert not any(row[name] for name in ("max_ticks", "buy_up", "max_orders", "max_position_lots"))
    named = pack_filters(UNIVERSE, {"BTCUSDT": SETTINGS})[0]
    assert named["tick_step"] == 5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tick_size": D(0)}, "tick_size"), ({"tick_size": D("nan")}, "tick_size"), ({"min_qty": D(-1)}, "min_qty"),
        ({"max_orders": 0}, "max_orders"), ({"max_iceberg_parts": 1001}, "max_iceberg_parts"),
        ({"buy_multiplier_up": D(1001)}, "buy_multiplier_up"), ({"min_price": D(5), "max_price": D(4)}, "max_price"),
        ({"tick_size": D("0.015")}, "tick_size"), ({"buy_multiplier_up": D("1.000000001")}, "buy_up"),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_bounds_is_refused_by_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        pack_filters(UNIVERSE, FilterSettings(**changes))


@given(
    st.integers(1, 3_000_000), st.integers(1, 20_000_000), st.sampled_from((BUY, SELL)), st.integers(1, 2_000_000),
    st.integers(-6_000_000, 6_000_000), st.integers(0, 6),
)  # fmt: skip
def test_every_answer_equals_the_rules_in_fractions(
    ticks: int, lots: int, side: int, reference: int, net: int, n_open: int
) -> None:
    price, quantity = ticks * Fraction("0.01"), lots * Fraction("0.00001")
    up, down = (("1.05", "0.5"), ("2", "0.95"))[side == SELL]
    broken = {
        "BAD_PRICE": not 100 <= price <= 100_000,
        "OFF_TICK": (price / Fraction("0.05")).denominator != 1,
        "BELOW_MIN_LOTS": quantity < Fraction("0.001"),
        "ABOVE_MAX_LOTS": quantity > 100,
        "OFF_LOT": (quantity / Fraction("0.0001")).denominator != 1,
        "BELOW_MIN_NOTIONAL": price * quantity < 10,
        "ABOVE_MAX_NOTIONAL": price * quantity > 400_000,
        "PERCENT_PRICE": not reference * Fraction(down) <= ticks <= reference * Fraction(up),
        "TOO_MANY_ORDERS": n_open >= 5,
        "POSITION_LIMIT": side * net * Fraction("0.00001") + quantity > 50,
    }
    first = next((name for name, is_broken in broken.items() if is_broken), "taken")
    placed = order(side=side, limit_ticks=ticks, qty_lots=lots)
    assert answer(placed, counts(net_lots=net, open_orders=n_open), reference=reference) == first


@requires_shared_data
def test_recorded_ticks_and_lots_of_binance_become_steps_that_take_their_own_minimum() -> None:
    rows = shared_path("reference/lean_symbol_properties_database.csv").read_text("utf-8").splitlines()
    checked = 0
    for line in rows:
        cells = line.split(",")
        if cells[0] != "binance" or cells[2] != "crypto" or not cells[9]:
            continue
        symbol, quote, tick, lot = cells[1], cells[4], D(cells[6]), D(cells[7])
        if not symbol.endswith(quote) or tick <= 0 or lot <= 0 or checked >= 300:
            continue
        pair = Instrument(symbol, symbol.removesuffix(quote), quote, tick, lot, lot, D(0), D(0), D(0))
        universe = Universe((pair,))
        filters = pack_filters(universe, FilterSettings(tick_size=tick, lot_size=lot))[0]
        taken = order(limit_ticks=100, qty_lots=1)
        assert why_not_filtered(filters, pack_instruments(universe)[0], taken, counts(), 0, 0) == 0, symbol
        checked += 1
    assert checked == 300
