"""Workload L in hftbacktest, in an interpreter of its own.

``python benchmarks/peer_hftbacktest.py EVENTS.npy OUT.npy CONFIG`` prints one JSON object and writes the fills. It
imports nothing of Bot4: hftbacktest pins other versions of NumPy.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import hftbacktest as hft
import numpy as np
from numba import njit
from numba.types import float64, int64


def converted(tape: Any) -> Any:
    """hftbacktest's events of a tape of ours."""
    events = np.zeros(len(tape), dtype=hft.binding.event_dtype)
    kinds = np.where(tape["kind"] == 2, hft.TRADE_EVENT, hft.DEPTH_EVENT).astype(np.uint64)
    sides = np.where(tape["side"] > 0, hft.BUY_EVENT, hft.SELL_EVENT).astype(np.uint64)
    events["ev"] = kinds | sides | np.uint64(hft.EXCH_EVENT) | np.uint64(hft.LOCAL_EVENT)
    events["exch_ts"] = tape["ts_ns"]
    events["local_ts"] = tape["ts_ns"] + tape["latency_ns"]
    events["px"] = tape["ticks"]
    events["qty"] = tape["lots"]
    return events


def backtest_of(events: Any, config: dict[str, Any], ticks: tuple[int, int]) -> Any:
    asset = hft.BacktestAsset().data(events).linear_asset(1.0)
    asset = asset.constant_order_latency(config["order_latency_ns"], config["report_latency_ns"])
    asset = asset.power_prob_queue_model(config["power"]) if config["power"] else asset.risk_adverse_queue_model()
    asset = asset.no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0)
    asset = asset.tick_size(1.0).lot_size(1.0).roi_lb(float(ticks[0])).roi_ub(float(ticks[1])).last_trades_capacity(0)
    return hft.ROIVectorMarketDepthBacktest([asset])


@njit
def quote(
    hbt: Any, interval_ns: int64, lots: float64, largest: float64, lots_a_tick: int64, fills: Any, keeps: bool
) -> int64:
    """The strategy join_the_touch: bids and offers at the touch, one tick back for so many lots held."""
    n_fills = 0
    next_id = 1
    while hbt.elapse(interval_ns) == 0:
        orders = hbt.orders(0)
        if keeps:
            values = orders.values()
            while values.has_next():
                order = values.get()
                if order.status == hft.FILLED:
                    fills[n_fills, 0] = order.exch_timestamp
                    fills[n_fills, 1] = order.order_id
                    fills[n_fills, 2] = order.exec_price_tick
                    fills[n_fills, 3] = round(order.exec_qty)
                    fills[n_fills, 4] = order.side
                    n_fills += 1
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        position = hbt.position(0)
        back = int(position // lots_a_tick)
        bid = depth.best_bid_tick - max(back, 0) if position < largest else -1
        ask = depth.best_ask_tick + max(-back, 0) if position > -largest else -1
        has_bid = False
        has_ask = False
        orders = hbt.orders(0)
        values = orders.values()
        while values.has_next():
            order = values.get()
            is_buy = order.side == hft.BUY
            ticks = order.price_tick
            if is_buy and ticks == bid:
                has_bid = True
            elif not is_buy and ticks == ask:
                has_ask = True
            elif order.cancellable:
                hbt.cancel(0, order.order_id, False)
        if bid >= 0 and not has_bid:
            hbt.submit_buy_order(0, next_id, float(bid), lots, hft.GTX, hft.LIMIT, False)
            next_id += 1
        if ask >= 0 and not has_ask:
            hbt.submit_sell_order(0, next_id, float(ask), lots, hft.GTX, hft.LIMIT, False)
            next_id += 1
    return n_fills


def main() -> None:
    events_path, fills_path, config = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    tape = np.load(events_path)
    ticks = (int(tape["ticks"].min()) - 100, int(tape["ticks"].max()) + 100)
    events = converted(tape)
    fills = np.zeros((config["most_fills"], 5), dtype=np.int64)

    def run(data: Any, keeps: bool) -> tuple[float, int, Any]:
        backtest = backtest_of(data, config, ticks)
        started = time.process_time()
        n = quote(
            backtest, config["interval_ns"], config["lots"], config["largest"], config["lots_a_tick"], fills, keeps
        )
        elapsed = time.process_time() - started
        state = backtest.state_values(0)
        found = (elapsed, n, [float(state.position), float(state.balance)])
        backtest.close()
        return found

    started = time.process_time()
    run(events[:1000].copy(), False)
    preparing = time.process_time() - started
    _elapsed, n, state = run(events, True)
    np.save(fills_path, fills[:n])
    times = [run(events, False)[0] for _ in range(config["repeats"])]
    found = {"version": hft.__version__, "preparing_s": preparing, "cpu_s": float(np.median(times)), "times": times}
    print(json.dumps(found | {"fills": n, "state": state}))


if __name__ == "__main__":
    main()
