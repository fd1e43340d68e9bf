"""Any flow of orders through the exchange: every atom is accounted for, and no spot balance falls below zero."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.instruments import Universe
from bot4.domain.orders import (
    BUY,
    CANCEL_NEWEST,
    DAY,
    FILL_OR_KILL,
    GOOD_TILL_CANCELLED,
    IMMEDIATE_OR_CANCEL,
    LIMIT,
    MARKET,
    SELL,
    STOP,
    TAKE_PROFIT,
    TRAILING_STOP,
)
from bot4.domain.portfolio import Account
from bot4.domain.recomputation import Deposited, recompute
from bot4.simulator.accounts.balances import is_conserved
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.profile import AccountKind
from bot4.simulator.rules.fee_schedule import FeeSettings, FeeTier
from bot4.simulator.rules.presets import RuleSettings
from tests.exchange_harness import Floor, open_terms, pair

D = Decimal
SPOT = replace(pair(is_perpetual=False), tick_size=D("0.017"), lot_size=D("0.000013"), min_qty=D("0.000013"))
DEPOSITS = {"USDT": D("0.07"), "BTC": D("0.0026"), "BNB": D("0.00000040")}
FEES = FeeSettings(
    (FeeTier(D(0), D("-0.00017"), D("0.00113")),), third_asset="BNB", third_discount=D("0.25"), third_price=D("61.7")
)
LEVELS = st.dictionaries(st.integers(1, 12), st.integers(1, 60), min_size=2, max_size=6)


def new_floor(charged_from: str) -> Floor:
    """A spot account that can be paid out, with fees that never divide evenly."""
    floor = Floor(SPOT, is_two_sided=False)
    floor.universe = Universe((SPOT,), other_assets=("BNB",))
    rules = RuleSettings(fees=replace(FEES, charged_from=charged_from))
    profile = open_terms(account=AccountKind.SPOT, rules=rules, self_trade=CANCEL_NEWEST)
    floor.exchange = SimulatedExchange(floor.universe, profile, balances=DEPOSITS, start_ns=floor.now)
    return floor


def place(floor: Floor, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from((MARKET, LIMIT, LIMIT, LIMIT, STOP, TAKE_PROFIT, TRAILING_STOP)))
    side, lots = data.draw(st.sampled_from((BUY, SELL))), data.draw(st.integers(1, 120))
    force = data.draw(
        st.sampled_from((GOOD_TILL_CANCELLED, GOOD_TILL_CANCELLED, IMMEDIATE_OR_CANCEL, FILL_OR_KILL, DAY))
    )
    fields: dict[str, int] = {"type": kind, "time_in_force": force}
    if kind == LIMIT:
        fields["limit_ticks"] = data.draw(st.integers(985, 1_015))
        if force == GOOD_TILL_CANCELLED and data.draw(st.booleans()):
            fields["display_lots"] = data.draw(st.integers(1, lots))
    elif kind == TRAILING_STOP:
        fields["trail_ticks"] = data.draw(st.integers(1, 9))
    elif kind != MARKET:
        fields["stop_ticks"] = data.draw(st.integers(985, 1_015))
    floor.place(side, lots, **fields)


def act(floor: Floor, data: st.DataObject) -> None:
    move = data.draw(st.sampled_from(("book", "trade", "place", "place", "place", "cancel", "replace", "legs")))
    ids = [int(row["id"]) for row in floor.exchange.open_orders()]
    if move == "book":
        bids, asks = data.draw(LEVELS), data.draw(LEVELS)
        middle = data.draw(st.integers(995, 1_005))
        floor.book({middle - ticks: lots for ticks, lots in bids.items()},
                   {middle + ticks: lots for ticks, lots in asks.items()})  # fmt: skip
    elif move == "trade":
        floor.trade(
            data.draw(st.integers(985, 1_015)), data.draw(st.integers(1, 80)), data.draw(st.sampled_from((-1, 0, 1)))
        )
    elif move == "legs":
        floor.legs(
            SELL, data.draw(st.integers(1, 60)), data.draw(st.integers(1_001, 1_015)), data.draw(st.integers(985, 999))
        )
    elif move == "place" or not ids:
        place(floor, data)
    elif move == "cancel":
        floor.cancel(data.draw(st.sampled_from(ids)))
    else:
        floor.replace(
            data.draw(st.sampled_from(ids)), data.draw(st.integers(1, 120)),
            limit=data.draw(st.integers(985, 1_015)), stop=data.draw(st.integers(985, 1_015)),
        )  # fmt: skip


def check(floor: Floor) -> None:
    exchange: Any = floor.exchange
    balances = exchange._venue[0]["balances"]
    assert is_conserved(balances, len(floor.universe.assets))
    deposited = [Deposited(a, int(x.scaleb(floor.universe.decimals(a)))) for a, x in DEPOSITS.items()]
    books = recompute(floor.universe, [*deposited, *exchange.fills()])
    locked_by_orders = dict.fromkeys(range(len(floor.universe.assets)), 0)
    for order in exchange.open_orders():
        assert order["lock"]["atoms"] >= 0
        locked_by_orders[int(order["lock"]["asset"])] += int(order["lock"]["atoms"])
    for at, asset in enumerate(floor.universe.assets):
        free, locked = exchange.balances()[asset]
        assert free >= 0, asset
        assert locked == locked_by_orders[at], asset
        assert free + locked == books.balances[Account.HOLDINGS, asset], asset


@pytest.mark.parametrize("charged_from", ["settlement", "received"])
@settings(max_examples=40)
@given(data=st.data())
def test_any_flow_of_orders_conserves_every_atom_and_leaves_no_balance_below_zero(
    charged_from: str, data: st.DataObject
) -> None:
    floor = new_floor(charged_from)
    for _ in range(data.draw(st.integers(4, 16))):
        act(floor, data)
        check(floor)
    for order in floor.exchange.open_orders():
        floor.cancel(int(order["id"]))
    check(floor)
    assert all(locked == 0 for _free, locked in floor.exchange.balances().values())
