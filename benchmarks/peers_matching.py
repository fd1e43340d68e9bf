"""Order flow in Python's matching libraries, each in an interpreter of its own.

``python benchmarks/peers_matching.py NAME FLOW.npy OUT.npy`` prints one JSON object and writes the trades as rows of
taker, maker, ticks and lots. It imports nothing of Bot4.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Trades = list[tuple[int, int, int, int]]


def run_lightmatchingengine(rows: list[Any]) -> tuple[float, Callable[[], Trades]]:
    """Pure Python: a dictionary of lists; its ids count the orders as the flow's do."""
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

    engine = LightMatchingEngine()
    found = []
    started = time.process_time()
    for order_id, ticks, lots, side, is_cancel in rows:
        if is_cancel:
            engine.cancel_order(order_id, "X")
        else:
            found.append(engine.add_order("X", ticks, lots, Side.BUY if side > 0 else Side.SELL))
    elapsed = time.process_time() - started
    return elapsed, lambda: [
        (order.order_id, trade.order_id, trade.trade_price, trade.trade_qty)
        for order, trades in found
        for trade in trades
        if trade.order_id != order.order_id
    ]


def run_obook(rows: list[Any]) -> tuple[float, Callable[[], Trades]]:
    """A compiled engine behind ctypes; its events are drained after every order."""
    from obook import BUY, SELL, Book, EventKind

    book = Book(max_orders=1_000_000)
    ids: dict[int, int] = {}
    found = []
    started = time.process_time()
    for order_id, ticks, lots, side, is_cancel in rows:
        if is_cancel:
            book.cancel(ids[order_id], 1 + order_id)
        else:
            ids[order_id] = book.submit(1 + order_id, BUY if side > 0 else SELL, ticks, lots).order_id
        found += book.events()
    elapsed = time.process_time() - started
    ours = {theirs: mine for mine, theirs in ids.items()}
    return elapsed, lambda: [
        (ours[event.taker_id], ours[event.maker_id], event.price, event.qty)
        for event in found
        if event.kind == EventKind.TRADE
    ]


def run_order_matching(rows: list[Any]) -> tuple[float, Callable[[], Trades]]:
    """Pure Python on data classes; placed and matched order by order."""
    from datetime import datetime, timedelta

    from loguru import logger
    from order_matching.enums import Side
    from order_matching.matching_engine import MatchingEngine
    from order_matching.order import LimitOrder
    from order_matching.orders import Orders

    logger.remove()
    engine = MatchingEngine(seed=1)
    begin = datetime(2024, 1, 1)  # noqa: DTZ001 - its own times are naive
    found = []
    started = time.process_time()
    for number, (order_id, ticks, lots, side, is_cancel) in enumerate(rows):
        now = begin + timedelta(milliseconds=number)
        if is_cancel:
            engine.cancel_order(str(order_id))
        else:
            order = LimitOrder(
                side=Side.BUY if side > 0 else Side.SELL, price=float(ticks), size=float(lots), timestamp=now,
                order_id=str(order_id), trader_id=str(order_id),
            )  # fmt: skip
            engine.place(Orders([order]))
            found += engine.match(timestamp=now).trades
    elapsed = time.process_time() - started
    return elapsed, lambda: [
        (int(trade.incoming_order_id), int(trade.book_order_id), round(trade.price), round(trade.size))
        for trade in found
    ]


RUNNERS = {
    "lightmatchingengine": run_lightmatchingengine,
    "obook": run_obook,
    "order_matching": run_order_matching,
}


def main() -> None:
    name, flow_path, trades_path = sys.argv[1:4]
    elapsed, trades = RUNNERS[name](np.load(flow_path).tolist())
    np.save(trades_path, np.array(trades(), dtype=np.int64).reshape(-1, 4))
    version = importlib.metadata.version(name.replace("_", "-"))
    print(json.dumps({"name": name, "version": version, "cpu_s": elapsed}))


if __name__ == "__main__":
    main()
