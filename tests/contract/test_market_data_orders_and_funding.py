"""Data cases beside the level-2 books: single orders of the market, and the times of funding."""

from __future__ import annotations

import json
from decimal import Decimal

import polars as pl

from bot4.adapters.exchanges.order_books.bitstamp import BitstampParser
from bot4.adapters.exchanges.order_books.fields import decoded
from bot4.adapters.exchanges.order_books.grid import Grids
from bot4.adapters.exchanges.order_books.messages import OrderChange
from bot4.app.market_data import read_funding
from bot4.domain.bars import HOUR_NS
from bot4.domain.events import BOOK_ADD, BOOK_REMOVE, BOOK_SET
from tests.shared_data import requires_shared_data, shared_path


def test_level_three_orders_are_added_changed_and_removed():
    parser = BitstampParser(Grids())
    found = []
    for event, amount in (("order_created", "2.5"), ("order_changed", "1.25"), ("order_deleted", "0.00000000")):
        data = {"id": 2**53 + 1, "order_type": 1, "price_str": "236.47", "amount_str": amount, "price": 236.47}
        data |= {"amount": 0.1, "microtimestamp": "1735689600000001"}
        found += parser.parse(decoded(json.dumps({"data": data, "channel": "live_orders_btcusd", "event": event})), "")
    grid = Grids().of("btcusd")
    assert all(isinstance(change, OrderChange) for change in found)
    assert [change.action for change in found] == [BOOK_ADD, BOOK_SET, BOOK_REMOVE]
    assert [grid.quantity(change.lots) for change in found] == [Decimal("2.5"), Decimal("1.25"), 0]
    assert {(change.order_id, change.side, grid.price(change.price_ticks)) for change in found} == {
        (2**53 + 1, -1, Decimal("236.47"))
    }


@requires_shared_data
def test_settlements_stamped_some_milliseconds_late_fall_on_their_hour():
    path = shared_path("funding/BTCUSDT_PERP_binance_funding_2022_2023.parquet")
    funding = read_funding(path, "BTCUSDT_PERP")
    stamped = pl.read_parquet(path)["ts"].cast(pl.Int64).to_numpy() * 1_000_000
    late_ns = stamped - funding.ts_ns
    assert len(stamped) == 2_190
    assert int((late_ns != 0).sum()) == 1_142
    assert 0 <= late_ns.min() <= late_ns.max() <= 31_000_000
    assert (funding.ts_ns % (8 * HOUR_NS) == 0).all()
