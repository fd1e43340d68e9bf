"""What an exchange tells again to one who missed it: fills with the answer to a query, totals at an end."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.events import EVENT, IS_SELL, ORDER_CANCELLED, ORDER_FILLED, ORDER_STATUS, TRADE
from bot4.domain.instruments import Universe
from bot4.domain.orders import CANCEL, COMMAND, LIMIT, PLACE, QUERY
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.profile import plain
from tests.venue_harness import pair

LOTS = 10


class Shop:
    """An exchange with one resting order to sell ten lots at 100."""

    def __init__(self) -> None:
        self.exchange = SimulatedExchange(Universe((pair(),)), plain(), start_ns=1)
        self.ask(PLACE, type=LIMIT, side=-1, qty_lots=LOTS, limit_ticks=100, approval_id=1, role=1)

    def ask(self, kind: int, **fields: int) -> Any:
        commands = np.zeros(1, COMMAND)
        commands["kind"], commands["ts_ns"], commands["order"]["id"] = kind, self.exchange.now_ns, 7
        for name, value in fields.items():
            commands["order"][name] = value
        return self.exchange.request(commands)

    def trade(self, lots: int) -> Any:
        events = np.zeros(1, EVENT)
        events["ts_ns"], events["kind"], events["price_ticks"] = self.exchange.now_ns + 1, TRADE, 101
        events["quantity"] = lots * 0.001
        self.exchange.feed(events)
        return self.exchange.drain()


def test_a_query_brings_the_fills_that_it_does_not_know_of_as_they_were() -> None:
    shop = Shop()
    told = np.concatenate([shop.trade(3), shop.trade(2)], dtype=EVENT)
    answer = shop.ask(QUERY, filled_lots=3)
    assert answer["kind"].tolist() == [ORDER_FILLED, ORDER_FILLED, ORDER_STATUS]
    for name in ("order_id", "trade_id", "fill_ticks", "fill_lots", "fee_atoms", "reason", "ts_ns", "flags"):
        assert answer[name][:2].tolist() == told[name].tolist(), name
    assert (answer["flags"][:2] & IS_SELL != 0).all()
    assert answer["status_filled_lots"][2] == 5


def test_a_query_that_knows_every_fill_brings_none() -> None:
    shop = Shop()
    shop.trade(5)
    assert shop.ask(QUERY, filled_lots=5)["kind"].tolist() == [ORDER_STATUS]


def test_the_last_fill_that_is_told_again_leaves_nothing_open() -> None:
    shop = Shop()
    shop.trade(4)
    shop.trade(6)
    assert shop.ask(QUERY)["reason"][:2].tolist() == [6, 0]


def test_the_end_of_an_order_says_what_had_filled() -> None:
    shop = Shop()
    shop.trade(4)
    report = shop.ask(CANCEL)
    assert (report["kind"].tolist(), report["fill_lots"].tolist()) == ([ORDER_CANCELLED], [4])


def test_finished_orders_can_be_listed() -> None:
    shop = Shop()
    assert len(shop.exchange.finished_orders()) == 0
    shop.trade(LOTS)
    assert shop.exchange.finished_orders()[["id", "filled_lots"]].tolist() == [(7, LOTS)]
