"""The rules at the exchange: fees by volume and in a third asset, and every filter before the book."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bot4.domain.events import FEE_ASSET_SHIFT
from bot4.domain.instruments import Universe
from bot4.domain.orders import BUY, SELL
from bot4.domain.portfolio import Account
from bot4.domain.recomputation import Deposited, recompute
from bot4.simulator.accounts.balances import is_conserved
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.profile import AccountKind
from bot4.simulator.rules.fee_schedule import FeeSettings, FeeTier
from bot4.simulator.rules.filters import FilterSettings
from bot4.simulator.rules.presets import RuleSettings
from tests.exchange_harness import SECOND, Floor, kinds, open_terms, pair

D = Decimal
UNIT = 10**8
DAY = 86_400 * SECOND
SPOT = pair(is_perpetual=False)
TIERS = (FeeTier(D(0), D("0.001"), D("0.002")), FeeTier(D("0.5"), D("-0.0001"), D("0.0005")))


def spot(rules: RuleSettings | None = None, **balances: str) -> Floor:
    profile = open_terms(account=AccountKind.SPOT, rules=rules)
    return Floor(SPOT, profile=profile, balances={asset: D(amount) for asset, amount in balances.items()})


def held(floor: Floor, asset: str = "USDT") -> tuple[int, int]:
    return floor.exchange.balances()[asset]


def check(floor: Floor, **deposits: str) -> None:
    """Venue and ledger agree to the last atom, and with a recomputation from deposits and fills."""
    universe = floor.universe
    exchange: Any = floor.exchange
    assert is_conserved(exchange._venue[0]["balances"], len(universe.assets))
    facts = [Deposited(a, int(D(x).scaleb(universe.decimals(a)))) for a, x in deposits.items()]
    books = recompute(universe, [*facts, *exchange.fills()])
    for asset in universe.assets:
        free, locked = exchange.balances()[asset]
        assert min(free, locked) >= 0
        assert free + locked == books.balances[Account.HOLDINGS, asset], asset


# --- fees ---------------------------------------------------------------------------------------------------------


def test_a_tier_is_reached_on_the_day_after_and_its_rebate_is_paid() -> None:
    floor = spot(RuleSettings(fees=FeeSettings(TIERS)), USDT="10")
    (taken,) = [r for r in floor.place(BUY, 10) if r.kind == "ORDER_FILLED"]
    assert taken.fee == 10 * 1002 * 1_000 * 2 // 1_000
    floor.place(BUY, 90)
    floor.exchange.advance((floor.now // DAY + 1) * DAY)
    floor.book(bids={1000: 100}, asks={1002: 100})
    assert [r.fee for r in floor.place(BUY, 10) if r.kind == "ORDER_FILLED"] == [10 * 1002 * 500 // 1_000]
    floor.limit(BUY, 10, 1001)
    (made,) = [r for r in floor.trade(1000, 10, SELL) if r.kind == "ORDER_FILLED"]
    assert (made.is_maker, made.fee) == (True, -10 * 1001 * 1_000 // 10_000)
    check(floor, USDT="10")


def test_a_fee_in_a_third_asset_is_taken_there_and_named_by_the_report() -> None:
    settings = FeeSettings(TIERS, third_asset="BNB", third_discount=D("0.25"), third_price=D(500))
    profile = open_terms(account=AccountKind.SPOT, rules=RuleSettings(fees=settings))
    floor = Floor(SPOT)
    floor.universe = Universe((SPOT,), other_assets=("BNB",))
    deposits = {"USDT": D(10), "BNB": D("0.0001")}
    floor.exchange = SimulatedExchange(floor.universe, profile, balances=deposits, start_ns=floor.now)
    floor.book(bids={1000: 10}, asks={1002: 100})
    (fill,) = [r for r in floor.place(BUY, 10) if r.kind == "ORDER_FILLED"]
    assert fill.flags >> FEE_ASSET_SHIFT == floor.universe.assets.index("BNB") + 1
    assert fill.fee == -(-10 * 1002 * 1_500 * UNIT // 1_000 // (500 * UNIT))
    assert held(floor, "BNB") == (10_000 - fill.fee, 0)
    assert held(floor)[0] == 10 * UNIT - 10 * 1002 * 1_000
    check(floor, USDT="10", BNB="0.0001")


# --- filters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "order", "expected"),
    [
        (FilterSettings(tick_size=D("0.05")), {"limit_ticks": 901}, "OFF_TICK"),
        (FilterSettings(lot_size=D("0.002")), {"qty_lots": 3}, "OFF_LOT"),
        (FilterSettings(min_qty=D("0.004")), {"qty_lots": 3}, "BELOW_MIN_LOTS"),
        (FilterSettings(max_notional=D("0.02")), {"qty_lots": 3}, "ABOVE_MAX_NOTIONAL"),
        (FilterSettings(max_position=D("0.002")), {"qty_lots": 3}, "POSITION_LIMIT"),
        (FilterSettings(buy_multiplier_down=D("0.95")), {"limit_ticks": 900}, "PERCENT_PRICE"),
        (FilterSettings(max_iceberg_parts=2), {"qty_lots": 10, "display_lots": 4}, "TOO_MANY_ICEBERG_PARTS"),
    ],
)
def test_the_filters_answer_before_the_book(settings: FilterSettings, order: dict[str, int], expected: str) -> None:
    floor = spot(RuleSettings(filters=settings), USDT="10")
    floor.trade(1001, 1)
    fields = {"qty_lots": 4, "limit_ticks": 900} | order
    report = floor.limit(BUY, fields.pop("qty_lots"), fields.pop("limit_ticks"), **fields)
    assert [(r.kind, r.why) for r in report] == [("ORDER_REJECTED", expected)]
    assert held(floor) == (10 * UNIT, 0)


def test_one_order_more_than_allowed_is_refused_until_another_has_gone() -> None:
    floor = spot(RuleSettings(filters=FilterSettings(max_orders=2)), USDT="10")
    floor.limit(BUY, 4, 900)
    floor.limit(BUY, 4, 900)
    assert floor.limit(BUY, 4, 900)[0].why == "TOO_MANY_ORDERS"
    floor.cancel(1)
    assert kinds(floor.limit(BUY, 4, 900)) == [("ACCEPTED", 4)]
