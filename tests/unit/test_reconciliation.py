"""The books compared with the venue's: what differs is explained by what is found there, or halts new risk."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import DataError
from bot4.domain.events import (
    EVENT,
    IS_SELL,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    RECONCILED,
    TRADE,
)
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.orders import BUY, CANCEL, FILL, ORDER, PLACE, SELL, STOP, OrderStatus
from bot4.domain.recomputation import Deposited, disagreements, recompute
from bot4.engine.order_desk import OrderDesk
from bot4.engine.reconciliation import Reconciliation, reconcile
from bot4.engine.venue_account import VenueAccount
from bot4.pipeline.execution.settings import ExecutionSettings

NOW, SECOND, PRICE = 1_700_000_000_000_000_000, 1_000_000_000, 300_000
LATER = NOW + 3_600 * SECOND
NUMBERS = [Decimal(text) for text in ("0.1", "0.001", "0.001", "0", "0", "0.0005")]
UNIVERSE = Universe((Instrument("BTCUSDT_PERP", "BTC", "USDT", *NUMBERS, is_perpetual=True),))
ENTRY_ID, STOP_ID = 1, 2


class Account:
    """What the venue has, put together by hand."""

    def __init__(self) -> None:
        self.orders: list[Any] = []
        self.fills: list[Any] = []
        self.lots = 0

    def order(self, order_id: int, status: OrderStatus, side: int, lots: int, filled: int = 0, stop: int = 0) -> None:
        row = np.zeros(1, ORDER)
        row["id"], row["status"], row["side"], row["qty_lots"] = order_id, status, side, lots
        row["filled_lots"], row["stop_ticks"], row["type"] = filled, stop, STOP if stop else 1
        self.orders.append(row)

    def fill(self, trade_id: int, order_id: int, side: int, lots: int, ticks: int = PRICE) -> None:
        row = np.zeros(1, FILL)
        row["trade_id"], row["order_id"], row["side"], row["qty_lots"] = trade_id, order_id, side, lots
        row["price_ticks"], row["fee_atoms"] = ticks, 5 * lots
        self.fills.append(row)
        self.lots += side * lots

    def taken(self, **balances: int) -> VenueAccount:
        orders = np.concatenate(self.orders) if self.orders else np.zeros(0, ORDER)
        fills = np.concatenate(self.fills) if self.fills else np.zeros(0, FILL)
        return VenueAccount(LATER, orders, fills, (self.lots,), balances or None)


def desk() -> OrderDesk:
    found = OrderDesk(UNIVERSE, ExecutionSettings())
    price = np.zeros(1, EVENT)
    price["ts_ns"], price["kind"], price["price_ticks"] = NOW, TRADE, PRICE
    found.take(price)
    return found


def entered(found: OrderDesk) -> None:
    assert found.enter(0, BUY, 100, NOW, reference_ticks=PRICE, stop_ticks=PRICE - 5_000) == ENTRY_ID
    found.commands()


def tell(found: OrderDesk, kind: int, order_id: int, **fields: int) -> None:
    event = np.zeros(1, EVENT)
    event["ts_ns"], event["kind"], event["order_id"] = NOW + SECOND, kind, order_id
    for name, value in fields.items():
        event[name] = value
    found.take(event)


def tell_fill(found: OrderDesk, trade_id: int, order_id: int, lots: int, left: int = 0, flags: int = 0) -> None:
    tell(
        found, ORDER_FILLED, order_id, trade_id=trade_id, fill_lots=lots, fill_ticks=PRICE, fee_atoms=5 * lots,
        reason=left, flags=flags,
    )  # fmt: skip


def compared(found: OrderDesk, account: VenueAccount, *, with_fills: bool = True) -> Reconciliation:
    """Compare, let the events take effect, and check that nothing was changed before."""
    before = found.state()
    booked = found.fills() if with_fills else None
    outcome = reconcile(found.brain, found.config, UNIVERSE, account, booked=booked)
    assert found.state() == before
    assert outcome.events.dtype == EVENT
    assert outcome.events["kind"][-1] == RECONCILED
    found.take(outcome.events)
    atoms = 100_000 * 10 ** UNIVERSE.decimals("USDT")
    again = recompute(UNIVERSE, [Deposited("USDT", atoms), *found.fills()])
    assert disagreements(again, UNIVERSE, found.brain[0]["ledger"], found.brain[0]["positions"]) == []
    return outcome


def kinds(outcome: Reconciliation) -> list[str]:
    return [item.what for item in outcome.differences]


def test_books_that_agree_are_clean_and_a_halt_is_lifted() -> None:
    found, account = desk(), Account()
    entered(found)
    tell_fill(found, 1, ENTRY_ID, 100)
    tell(found, ORDER_ACCEPTED, STOP_ID)
    tell(found, ORDER_ACCEPTED, 77)
    assert found.is_halted
    account.fill(1, ENTRY_ID, BUY, 100)
    account.order(STOP_ID, OrderStatus.WORKING, SELL, 100, stop=PRICE - 5_000)
    outcome = compared(found, account.taken(**found.balances()))
    assert outcome.is_clean
    assert outcome.to_json()["is_explained"]
    assert not found.is_halted


@pytest.mark.parametrize("with_fills", [True, False])
def test_a_fill_that_was_never_told_is_found_there_and_booked(with_fills: bool) -> None:
    found, account = desk(), Account()
    entered(found)
    tell_fill(found, 1, ENTRY_ID, 40, left=60)
    account.fill(1, ENTRY_ID, BUY, 40)
    account.fill(2, ENTRY_ID, BUY, 60)
    account.order(STOP_ID, OrderStatus.WORKING, SELL, 100, stop=PRICE - 5_000)
    outcome = compared(found, account.taken(), with_fills=with_fills)
    assert kinds(outcome) == ["missing_fill", "order_not_found"]
    assert outcome.unexplained == ()
    assert (found.lots(0), OrderStatus(found.order(ENTRY_ID)["status"])) == (100, OrderStatus.FILLED)
    assert OrderStatus(found.order(STOP_ID)["status"]) == OrderStatus.WORKING
    assert not found.is_halted


def test_a_stop_that_filled_while_nobody_listened_closes_the_position() -> None:
    found, account = desk(), Account()
    entered(found)
    tell_fill(found, 1, ENTRY_ID, 100)
    tell(found, ORDER_ACCEPTED, STOP_ID)
    account.fill(1, ENTRY_ID, BUY, 100)
    account.fill(2, STOP_ID, SELL, 100, PRICE - 5_000)
    compared(found, account.taken())
    assert found.lots(0) == 0
    assert len(found.open_orders()) == 0
    assert len(found.log.records("trades")) == 1


def test_an_order_that_never_came_is_settled_and_the_sleeve_is_free() -> None:
    found = desk()
    entered(found)
    outcome = compared(found, Account().taken())
    assert kinds(outcome) == ["order_not_found", "order_not_found"]
    assert len(found.open_orders()) == 0
    assert found.enter(0, BUY, 10, LATER, reference_ticks=PRICE) > 0


def test_an_order_that_may_still_arrive_is_not_settled_and_new_risk_stays_refused() -> None:
    found = desk()
    entered(found)
    account = VenueAccount(NOW + SECOND, lots=(0,))
    outcome = reconcile(found.brain, found.config, UNIVERSE, account)
    found.take(outcome.events)
    assert len(found.open_orders()) == 2
    assert found.brain[0]["care"]["is_asking"].sum() == 2


def test_an_order_that_ended_there_ends_here() -> None:
    found, account = desk(), Account()
    entered(found)
    tell_fill(found, 1, ENTRY_ID, 40, left=60)
    account.fill(1, ENTRY_ID, BUY, 40)
    account.order(ENTRY_ID, OrderStatus.EXPIRED, BUY, 100, 40)
    account.order(STOP_ID, OrderStatus.WORKING, SELL, 40, stop=PRICE - 5_000)
    outcome = compared(found, account.taken())
    assert kinds(outcome) == ["order_ended"]
    assert OrderStatus(found.order(ENTRY_ID)["status"]) == OrderStatus.EXPIRED


def test_an_order_that_is_open_there_and_ended_here_is_cancelled() -> None:
    found, account = desk(), Account()
    entered(found)
    tell(found, ORDER_EXPIRED, ENTRY_ID)
    tell(found, ORDER_CANCELLED, STOP_ID)
    found.commands()
    account.order(ENTRY_ID, OrderStatus.WORKING, BUY, 100)
    outcome = compared(found, account.taken())
    assert kinds(outcome) == ["orphan"]
    sent = found.commands()
    assert (CANCEL, ENTRY_ID) in zip(sent["kind"].tolist(), sent["order"]["id"].tolist(), strict=True)


def test_an_order_of_an_earlier_life_is_taken_in_and_cancelled_and_its_id_is_not_given_again() -> None:
    found, account = desk(), Account()
    account.order(900, OrderStatus.WORKING, BUY, 50)
    compared(found, account.taken())
    sent = found.commands()
    assert (sent["kind"].tolist(), sent["order"]["id"].tolist()) == ([CANCEL], [900])
    assert OrderStatus(found.order(900)["status"]) == OrderStatus.PENDING_CANCEL
    assert found.enter(0, BUY, 10, LATER, reference_ticks=PRICE) > 900
    tell_fill(found, 1, 900, 50)  # it was quicker
    assert found.lots(0) == 50


def test_a_cold_start_rebuilds_position_money_and_ids_from_the_venues_fills_and_takes_its_stop_in() -> None:
    warm, account = desk(), Account()
    entered(warm)
    tell_fill(warm, 1, ENTRY_ID, 100)
    tell(warm, ORDER_ACCEPTED, STOP_ID)
    tell_fill(warm, 2, STOP_ID, 30, left=70, flags=IS_SELL)
    account.fill(1, ENTRY_ID, BUY, 100)
    account.fill(2, STOP_ID, SELL, 30)
    account.order(STOP_ID, OrderStatus.PARTLY_FILLED, SELL, 100, 30, stop=PRICE - 5_000)
    cold = desk()
    outcome = compared(cold, account.taken(**warm.balances()))
    assert outcome.unexplained == ()
    assert not cold.is_halted
    for name in ("lots", "cost_atoms", "realised_atoms", "fees_atoms"):
        assert cold.brain[0]["positions"][0][name] == warm.brain[0]["positions"][0][name]
    assert cold.balances() == warm.balances()
    assert cold.brain[0]["next_order_id"] > STOP_ID
    assert cold.brain[0]["sleeves"][0, 0]["stop_order_id"] == STOP_ID
    assert len(cold.commands()) == 0  # it is protected: nothing is to be done
    tell_fill(cold, 3, STOP_ID, 70, flags=IS_SELL)
    assert (cold.lots(0), cold.is_halted) == (0, False)


def test_a_cold_start_leaves_a_position_that_nothing_protects() -> None:
    found, account = desk(), Account()
    account.fill(1, 12, SELL, 100)
    compared(found, account.taken())
    (sent,) = found.commands()
    assert (sent["kind"], sent["order"]["side"], sent["order"]["qty_lots"]) == (PLACE, BUY, 100)
    assert (sent["order"]["id"], sent["order"]["is_reduce_only"]) == (13, 1)


def test_a_position_that_no_fill_explains_halts_new_risk_and_is_named() -> None:
    found, account = desk(), Account()
    account.lots = 25
    outcome = compared(found, account.taken())
    (item,) = outcome.unexplained
    assert (item.what, item.subject, item.ours, item.theirs) == ("position", "BTCUSDT_PERP", "0 lots", "25 lots")
    assert "NOT EXPLAINED" in str(item)
    assert [reason.name for reason in found.halts()] == ["DIFFERS_FROM_VENUE"]
    compared(found, Account().taken())
    assert not found.is_halted


def test_a_balance_that_differs_by_one_atom_is_named() -> None:
    found = desk()
    account = Account().taken(USDT=found.balances()["USDT"] - 1)
    assert [str(item.subject) for item in compared(found, account).unexplained] == ["USDT"]


def test_a_fill_that_we_booked_and_the_venue_does_not_have_is_not_explained() -> None:
    found, account = desk(), Account()
    entered(found)
    tell_fill(found, 5, ENTRY_ID, 100)
    account.fill(4, 50, BUY, 100)
    outcome = reconcile(found.brain, found.config, UNIVERSE, account.taken(), booked=found.fills())
    assert "fill_not_at_venue" in [item.what for item in outcome.unexplained]


def test_an_account_that_makes_no_sense_is_refused() -> None:
    found, account = desk(), Account()
    account.fill(0, 1, BUY, 5)
    with pytest.raises(DataError, match="without trade ids"):
        reconcile(found.brain, found.config, UNIVERSE, account.taken())
    strange = Account()
    strange.order(1, OrderStatus.WORKING, BUY, 5)
    strange.orders[0]["symbol"] = 9
    with pytest.raises(DataError, match="not traded"):
        reconcile(found.brain, found.config, UNIVERSE, strange.taken())


def test_a_second_reconciliation_finds_nothing_more() -> None:
    found, account = desk(), Account()
    entered(found)
    account.fill(1, ENTRY_ID, BUY, 60)
    account.order(ENTRY_ID, OrderStatus.PARTLY_FILLED, BUY, 100, 60)
    account.order(STOP_ID, OrderStatus.WORKING, SELL, 60, stop=PRICE - 5_000)
    assert kinds(compared(found, account.taken())) == ["missing_fill"]
    assert compared(found, account.taken()).is_clean
