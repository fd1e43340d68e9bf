"""Any flow of orders through the exchange: every atom is accounted for, and no spot balance falls below zero."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.events import FUNDING
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
from bot4.domain.recomputation import Deposited, FundingCharged, recompute
from bot4.simulator.accounts.balances import is_conserved
from bot4.simulator.accounts.liquidation import next_to_liquidate
from bot4.simulator.accounts.margin import LeverageBracket, MarginSettings
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


# --- margin -------------------------------------------------------------------------------------------------------

LINEAR = replace(pair(), tick_size=D("0.17"), lot_size=D("0.0013"), min_qty=D("0.0013"))
ROWS = (
    LeverageBracket(D(9), D("0.004"), 50),
    LeverageBracket(D(40), D("0.03"), 20),
    LeverageBracket(D(10**6), D("0.2"), 5),
)


class MarginFloor:
    """A margin account that trades with more than it has, and the facts that a recomputation needs."""

    def __init__(self, is_isolated: bool) -> None:
        rules = RuleSettings(
            fees=FeeSettings((FeeTier(D(0), D("-0.00017"), D("0.00113")),), liquidation_fee=D("0.0125"))
        )
        profile = open_terms(
            account=AccountKind.LINEAR, rules=rules, self_trade=CANCEL_NEWEST,
            margin=MarginSettings(ROWS, leverage=20, is_isolated=is_isolated),
        )  # fmt: skip
        self.floor = Floor(LINEAR, profile=profile, balances={"USDT": D(2)}, is_two_sided=False)
        self.facts: list[Any] = [Deposited("USDT", 2 * 10**8)]
        self.trade_id = 0
        self.floor.mark(1_000)

    def read(self) -> None:
        found = self.floor.exchange.fills(self.trade_id)
        self.facts += list(found)
        self.trade_id = int(found["trade_id"].max()) if len(found) else self.trade_id

    def fund(self, rate: float, mark: int) -> None:
        self.facts.append(FundingCharged(0, rate, mark))
        self.floor.feed(self.floor._row(FUNDING, 0, funding_rate=rate, mark_ticks=mark))

    def check(self) -> None:
        self.read()
        exchange: Any = self.floor.exchange
        balances = exchange._venue[0]["balances"]
        assert is_conserved(balances, len(self.floor.universe.assets))
        books = recompute(self.floor.universe, self.facts)
        free, locked = exchange.balances()["USDT"]
        assert free + locked - int(balances["insured"][0]) == books.balances[Account.HOLDINGS, "USDT"]
        margin = exchange._venue[0]["margins"][0]
        assert (margin["lots"], margin["cost_atoms"]) == (books.holdings[0].lots, books.holdings[0].cost)
        assert margin["lots"] == exchange.positions()["lots"][0]
        assert locked == margin["isolated_atoms"]
        if margin["lots"] == 0 or margin["is_isolated"]:
            assert free >= 0

    def check_sound(self) -> None:
        """After a mark price nobody is below the maintenance margin any more."""
        exchange: Any = self.floor.exchange
        venue = exchange._venue[0]
        assert next_to_liquidate(venue["balances"], venue["margins"], venue["instruments"], venue["brackets"], 1) == -1


@pytest.mark.parametrize("is_isolated", [False, True])
@settings(max_examples=25)
@given(data=st.data())
def test_any_flow_of_a_margin_account_conserves_every_atom_through_funding_and_liquidation(
    is_isolated: bool, data: st.DataObject
) -> None:
    account = MarginFloor(is_isolated)
    floor = account.floor
    for _ in range(data.draw(st.integers(4, 16))):
        move = data.draw(st.sampled_from(("act", "act", "act", "mark", "fund")))
        mark = data.draw(st.integers(900, 1_100))
        if move == "act":
            act(floor, data)
        elif move == "mark":
            floor.mark(mark)
        else:
            account.fund(data.draw(st.floats(-0.03, 0.03)), mark)
        account.check()
        if move != "act":
            account.check_sound()


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
