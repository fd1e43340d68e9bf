"""Accounts at the exchange: what orders lock, what fills exchange, margin, funding and liquidation."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.domain.events import FEE_ASSET_MASK, FEE_ASSET_SHIFT, FUNDING, IS_LIQUIDATION
from bot4.domain.instruments import Instrument
from bot4.domain.orders import (
    CANCELS_SIBLINGS,
    GOOD_TILL_DATE,
    IMMEDIATE_OR_CANCEL,
    LIMIT,
    QUERY,
    STOP_LIMIT,
    WAITS_FOR_FULL_FILL,
)
from bot4.simulator.accounts.margin import LeverageBracket, MarginSettings
from bot4.simulator.profile import AccountKind, VenueProfile, binance_inverse, binance_linear, binance_spot
from bot4.simulator.rules.fee_schedule import FeeSettings, FeeTier
from bot4.simulator.rules.filters import FilterSettings
from bot4.simulator.rules.presets import RuleSettings
from bot4.simulator.rules.rate_limits import Counted, RateSettings, RateWindow
from tests.exchange_harness import BUY, SECOND, SELL, Floor, fills, kinds, open_terms, pair

ATOM = 10**8
TICK_LOT = 1_000  # quote atoms of one tick times one lot: 0.01 * 0.001 * 1e8


def spot(**changes: object) -> Floor:
    """A spot account with 1 USDT and 0.02 BTC; taker fees of 5 basis points."""
    profile = open_terms(account=AccountKind.SPOT, has_native_brackets=False, **changes)
    balances = {"USDT": Decimal(1), "BTC": Decimal("0.02")}
    return Floor(pair(is_perpetual=False), profile=profile, balances=balances)


def usdt(floor: Floor) -> tuple[int, int]:
    return floor.exchange.balances()["USDT"]


def btc(floor: Floor) -> tuple[int, int]:
    return floor.exchange.balances()["BTC"]


# --- spot ------------------------------------------------------------------------------------------------------------


def needed(lots: int, ticks: int) -> int:
    value = lots * ticks * TICK_LOT
    return value + -(-value * 5 // 10_000)


def test_an_open_buy_locks_its_value_and_the_highest_fee() -> None:
    floor = spot()
    floor.limit(BUY, 5, 1001)
    assert usdt(floor) == (ATOM - needed(5, 1001), needed(5, 1001))


def test_an_open_sale_locks_the_base() -> None:
    floor = spot()
    floor.limit(SELL, 5, 1001)
    assert btc(floor) == (15, 5)


def test_a_cancel_gives_everything_back() -> None:
    floor = spot()
    floor.limit(BUY, 5, 1001)
    floor.cancel(1)
    assert usdt(floor) == (ATOM, 0)


def test_a_fill_pays_from_the_lock_and_gives_back_what_a_better_price_saves() -> None:
    floor = spot()
    floor.limit(BUY, 5, 1003)
    value = 5 * 1002 * TICK_LOT
    assert usdt(floor) == (ATOM - value - -(-value * 5 // 10_000), 0)
    assert btc(floor) == (25, 0)


def test_a_partial_fill_keeps_the_lock_of_the_rest() -> None:
    floor = spot()
    floor.limit(BUY, 5, 1001)
    floor.trade(1001, 2, SELL)
    assert usdt(floor)[1] == needed(3, 1001)


@pytest.mark.parametrize("lots", [99, 100])
def test_an_order_that_cannot_be_paid_is_refused(lots: int) -> None:
    floor = spot()
    report = floor.limit(BUY, lots, 1001)[0]
    assert report.why == "NO_BALANCE" if lots == 100 else report.kind == "ORDER_ACCEPTED"
    assert floor.limit(SELL, 21, 1010)[0].why == "NO_BALANCE"


def test_a_market_order_that_cannot_be_paid_at_the_best_price_is_refused() -> None:
    floor = spot()
    assert floor.place(BUY, 100)[0].why == "NO_BALANCE"
    assert usdt(floor) == (ATOM, 0)


def test_what_one_order_has_locked_another_cannot_use() -> None:
    floor = spot()
    floor.limit(SELL, 15, 1010)
    assert floor.place(SELL, 6)[0].why == "NO_BALANCE"
    assert fills(floor.place(SELL, 5)) == [(3, 1000, 5)]


def test_a_market_order_takes_as_much_as_it_can_pay() -> None:
    floor = spot()
    floor.book(bids={1000: 10}, asks={1002: 50, 1200: 100})
    reports = floor.place(BUY, 99)
    assert fills(reports) == [(1, 1002, 50)]
    assert (reports[-1].kind, reports[-1].why) == ("ORDER_CANCELLED", "NO_BALANCE")
    assert min(usdt(floor)) >= 0


def test_the_legs_of_one_quantity_lock_it_once() -> None:
    floor = spot()
    floor.legs(SELL, 20, limit=1010, stop=990)
    assert btc(floor) == (0, 20)
    floor.trade(1010, 5, BUY)
    assert btc(floor) == (0, 15)
    floor.cancel(1)
    assert btc(floor) == (15, 0)


def test_a_triggered_leg_pays_from_the_lock_of_the_other() -> None:
    floor = spot()
    floor.legs(SELL, 20, limit=1010, stop=990)
    assert sum(lots for _, _, lots in fills(floor.trade(990, 1, SELL))) == 20
    assert btc(floor) == (0, 0)


def test_a_leg_that_goes_on_alone_keeps_the_lock() -> None:
    floor = spot(leg_end_ends_group=False)
    floor.legs(SELL, 20, limit=1010, stop=990)
    floor.cancel(2)
    assert btc(floor) == (0, 20)
    floor.cancel(1)
    assert btc(floor) == (20, 0)


def test_a_child_locks_when_it_starts_and_can_sell_what_its_parent_bought() -> None:
    floor = spot()
    floor.place(SELL, 20)
    floor.request(
        floor.order(BUY, 10, type=LIMIT, limit_ticks=1001),
        floor.order(SELL, 10, type=LIMIT, limit_ticks=1010, parent_id=2, flags=WAITS_FOR_FULL_FILL),
    )
    assert btc(floor) == (0, 0)
    floor.trade(1001, 10, SELL)
    assert btc(floor) == (0, 10)


def test_a_child_that_cannot_be_paid_is_rejected_when_it_starts() -> None:
    floor = spot()
    floor.request(
        floor.order(SELL, 10, type=LIMIT, limit_ticks=1001),
        floor.order(BUY, 200, type=LIMIT, limit_ticks=990, parent_id=1, flags=WAITS_FOR_FULL_FILL),
    )
    reports = floor.trade(1001, 10, BUY)
    assert kinds(reports) == [("FILLED", 1), ("REJECTED", 2)]
    assert reports[-1].why == "NO_BALANCE"


def test_an_amendment_that_cannot_be_paid_is_refused_and_changes_nothing() -> None:
    floor = spot()
    floor.limit(BUY, 50, 1001)
    (report,) = floor.replace(1, 150, limit=1001)
    assert (report.why, report.flags) == ("NO_BALANCE", 16)
    assert usdt(floor)[1] == needed(50, 1001)
    floor.replace(1, 40, limit=1000)
    assert usdt(floor)[1] == needed(40, 1000)


def test_an_expired_order_gives_everything_back() -> None:
    floor = spot()
    floor.limit(BUY, 5, 1001, time_in_force=GOOD_TILL_DATE, ts_expire_ns=floor.now + SECOND)
    floor.limit(BUY, 15, 1002, time_in_force=IMMEDIATE_OR_CANCEL)
    floor.advance(2)
    assert usdt(floor)[1] == 0


def test_fees_in_a_third_asset_are_named_in_the_report() -> None:
    fees = FeeSettings(
        (FeeTier(Decimal(0), Decimal("0.001"), Decimal("0.001")),),
        third_asset="BNB", third_discount=Decimal("0.25"), third_price=Decimal(500),
    )  # fmt: skip
    profile = open_terms(account=AccountKind.SPOT, rules=RuleSettings(FilterSettings(), fees))
    from bot4.domain.instruments import Universe
    from bot4.simulator.exchange import SimulatedExchange

    universe = Universe((pair(is_perpetual=False),), ("BNB",))
    floor = Floor(pair(is_perpetual=False), profile=open_terms(), is_two_sided=False)
    balances = {"USDT": Decimal(1), "BNB": Decimal(1)}
    floor.exchange = SimulatedExchange(universe, profile, balances=balances, start_ns=SECOND)
    floor.book(bids={1000: 10}, asks={1002: 10})
    report = floor.place(BUY, 5)[-1]
    value = 5 * 1002 * TICK_LOT
    third = universe.assets.index("BNB")
    assert (report.flags >> FEE_ASSET_SHIFT) & FEE_ASSET_MASK == third + 1
    in_usdt = (value * 75_000 + ATOM - 1) // ATOM
    assert report.fee == (in_usdt + 499) // 500
    assert floor.exchange.balances()["BNB"] == (ATOM - report.fee, 0)
    again = floor.request(floor.command(QUERY, id=1))[0]
    assert (again.trade_id, again.fee, again.flags) == (report.trade_id, report.fee, report.flags), "as it was told"
    assert usdt(floor) == (ATOM - value, 0)


# --- rules -----------------------------------------------------------------------------------------------------------


def ruled(filters: FilterSettings | None = None, rates: RateSettings | None = None) -> Floor:
    return Floor(profile=open_terms(rules=RuleSettings(filters or FilterSettings(), None, rates or RateSettings())))


def test_filters_refuse_what_the_venue_does_not_take() -> None:
    floor = ruled(
        FilterSettings(
            tick_size=Decimal("0.05"), max_qty=Decimal("0.05"), min_notional=Decimal("0.02"), max_orders=2, max_stops=1,
            buy_multiplier_up=Decimal("1.1"), sell_multiplier_down=Decimal("0.9"),
        )
    )  # fmt: skip
    floor.trade(1000, 1)
    assert floor.limit(BUY, 5, 1001)[0].why == "OFF_TICK"
    assert floor.limit(BUY, 51, 1000)[0].why == "ABOVE_MAX_LOTS"
    assert floor.limit(BUY, 1, 995)[0].why == "BELOW_MIN_NOTIONAL"
    assert floor.limit(BUY, 5, 1105)[0].why == "PERCENT_PRICE"
    floor.stop(SELL, 5, 950)
    assert floor.stop(SELL, 5, 950)[0].why == "TOO_MANY_STOPS"
    floor.limit(BUY, 5, 995)
    assert floor.limit(BUY, 5, 995)[0].why == "TOO_MANY_ORDERS"
    assert floor.replace(floor.next_id - 2, 5, limit=996)[0].why == "OFF_TICK"


def test_too_many_orders_in_a_window_are_refused_and_who_goes_on_is_banned() -> None:
    limits = RateSettings((RateWindow(Counted.ORDERS, 10 * SECOND, 2),), refusals_before_ban=3)
    floor = ruled(rates=limits)
    reasons = [floor.limit(BUY, 1, 990)[0].reason for _ in range(6)]
    from bot4.domain.venue_reasons import BANNED, RATE_LIMITED

    assert reasons == [0, 0, RATE_LIMITED, RATE_LIMITED, BANNED, BANNED]
    (report,) = floor.cancel(1)
    assert (report.reason, report.flags) == (BANNED, 8)
    floor.advance(121)
    assert floor.limit(BUY, 1, 990)[0].kind == "ORDER_ACCEPTED"


def test_a_command_older_than_its_window_is_refused() -> None:
    floor = Floor(pair(is_perpetual=False), profile=binance_spot(), balances={"USDT": Decimal(1000)})
    command = floor.order(BUY, 500, type=LIMIT, limit_ticks=1001)
    floor.advance(6)
    assert floor.request(command)[0].why == "OUTSIDE_WINDOW"
    early = floor.order(BUY, 500, type=LIMIT, limit_ticks=1001)
    early["ts_ns"] += 2 * SECOND
    assert floor.request(early)[0].why == "CLOCK_AHEAD"


# --- perpetuals ------------------------------------------------------------------------------------------------------

BRACKETS = (
    LeverageBracket(Decimal(10), Decimal("0.01"), 50),
    LeverageBracket(Decimal(1000), Decimal("0.05"), 10),
)


def perpetual(balance: str = "1", leverage: int = 10, is_isolated: bool = False) -> Floor:
    margin = MarginSettings(BRACKETS, leverage, is_isolated)
    profile = open_terms(account=AccountKind.LINEAR, margin=margin)
    return Floor(pair(), profile=profile, balances={"USDT": Decimal(balance)})


def test_an_order_that_the_margin_does_not_bear_is_refused() -> None:
    floor = perpetual()
    assert floor.limit(BUY, 1000, 1000)[0].why == "NO_MARGIN"
    assert floor.limit(BUY, 900, 1000)[0].kind == "ORDER_ACCEPTED"
    assert floor.limit(BUY, 200, 1000)[0].why == "NO_MARGIN"


def test_an_order_that_only_reduces_needs_no_margin() -> None:
    floor = perpetual()
    floor.book(bids={1000: 900}, asks={1001: 900})
    floor.place(BUY, 900)
    assert floor.place(SELL, 900, is_reduce_only=1)[-1].kind == "ORDER_FILLED"


def test_a_stop_whose_margin_is_not_there_is_rejected_when_it_triggers() -> None:
    floor = perpetual()
    floor.place(BUY, 2000, type=STOP_LIMIT, stop_ticks=1005, limit_ticks=1006)
    reports = floor.trade(1005, 1, BUY)
    assert kinds(reports) == [("TRIGGERED", 1), ("REJECTED", 1)]
    assert reports[-1].why == "NO_MARGIN"


def test_funding_is_paid_by_longs_at_a_positive_rate() -> None:
    floor = perpetual()
    floor.place(BUY, 10)
    before = usdt(floor)[0]
    floor.feed(floor._row(FUNDING, 0, funding_rate=0.01, mark_ticks=1000))
    assert before - usdt(floor)[0] == 10 * 1000 * TICK_LOT // 100


@pytest.mark.parametrize("is_isolated", [False, True])
def test_a_position_below_its_maintenance_is_liquidated_on_the_book(is_isolated: bool) -> None:
    floor = perpetual(is_isolated=is_isolated)
    floor.book(bids={999: 5000}, asks={1000: 900})
    floor.place(BUY, 900)
    floor.limit(BUY, 5, 800)
    floor.mark(1000)
    assert floor.mark(950) == []
    mark = 905 if is_isolated else 895
    floor.book(bids={mark: 5000}, asks={1000: 900})
    reports = floor.mark(mark)
    assert kinds(reports) == [("CANCELLED", 2), ("FILLED", 0)]
    assert reports[0].why == "LIQUIDATED"
    assert reports[1].flags & IS_LIQUIDATION
    assert (reports[1].ticks, reports[1].lots, floor.net()) == (mark, 900, 0)
    assert usdt(floor)[0] >= 0


def test_the_insurance_fund_takes_over_what_the_book_cannot_close_at_a_price_that_we_can_pay() -> None:
    floor = perpetual()
    floor.book(bids={999: 5000}, asks={1000: 900})
    floor.place(BUY, 900)
    floor.book(bids={500: 5000}, asks={1000: 900})
    reports = floor.mark(500)
    assert floor.net() == 0
    assert all(r.ticks > 500 for r in reports if r.kind == "ORDER_FILLED")
    assert usdt(floor) == (0, 0) or usdt(floor)[0] >= 0


def test_the_positions_of_a_margin_account_say_what_stands_behind_them() -> None:
    floor = perpetual()
    floor.place(BUY, 10)
    floor.mark(1002)
    row = floor.exchange.positions()[0]
    assert (int(row["lots"]), int(row["leverage"])) == (10, 10)
    assert int(row["cost_atoms"]) == 10 * 1002 * TICK_LOT
    assert int(row["liquidation_ticks"]) == 0, "the whole balance stands behind so small a position"
    floor.book(bids={999: 50}, asks={1000: 900})
    floor.place(BUY, 880)
    row = floor.exchange.positions()[0]
    assert 880 < int(row["liquidation_ticks"]) < 1000


def inverse(symbol: str = "BTCUSD_PERP") -> Instrument:
    return Instrument(
        symbol, "BTC", "USD", Decimal("0.1"), Decimal(1), Decimal(1), Decimal(0), Decimal("0.0002"), Decimal("0.0005"),
        True, contract_value=Decimal(100),
    )  # fmt: skip


def test_an_inverse_contract_settles_in_its_base() -> None:
    profile = replace(binance_inverse(), rules=None)
    floor = Floor(inverse(), profile=profile, balances={"BTC": Decimal(1)}, is_two_sided=False)
    floor.book(bids={499_999: 1000}, asks={500_000: 1000})
    report = floor.place(BUY, 100)[-1]
    assert report.fee == 100 * 100 * ATOM // 50_000 * 5 // 10_000
    floor.book(bids={550_000: 1000}, asks={550_001: 1000})
    before = floor.exchange.balances()["BTC"][0]
    fee = floor.place(SELL, 100)[-1].fee
    gained = floor.exchange.balances()["BTC"][0] - before + fee
    exact = 100 * 100 * ATOM // 50_000 - -(-100 * 100 * ATOM // 55_000)
    assert abs(gained - exact) <= 1


def test_binances_linear_venue_takes_an_order_of_its_size() -> None:
    floor = Floor(pair(), profile=binance_linear(), balances={"USDT": Decimal(100)})
    assert [r.kind for r in floor.limit(BUY, 100, 1000)] == ["ORDER_ACCEPTED"]
    assert floor.place(SELL, 1, is_reduce_only=1)[0].why == "NOTHING_TO_REDUCE"


def test_a_margin_account_without_brackets_is_a_setting_error() -> None:
    with pytest.raises(SettingError, match="brackets"):
        VenueProfile(account=AccountKind.LINEAR)


def test_group_legs_of_a_venue_that_refuses_them_lock_nothing() -> None:
    floor = spot(has_native_oco=False)
    floor.legs(SELL, 20, limit=1010, stop=990)
    assert btc(floor) == (20, 0)


def test_a_second_buy_leg_raises_the_lock_to_what_the_dearer_one_needs() -> None:
    floor = spot()
    group = {"group_id": 50, "flags": CANCELS_SIBLINGS}
    floor.limit(BUY, 5, 990, **group)
    floor.stop(BUY, 5, 1020, **group)
    assert usdt(floor)[1] == needed(5, 1020)


def test_balances_are_those_of_the_books_of_record() -> None:
    floor = spot()
    for side in (BUY, SELL, SELL, BUY):
        floor.place(side, 7)
    held = np.array([sum(pair) for pair in floor.exchange.balances().values()])
    ledger = floor.exchange.state()["ledger"][0]["balances"][0]
    assert held.tolist() == ledger[:2].tolist()
