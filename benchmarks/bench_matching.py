"""Matching limit orders by price and time, beside Python's matching libraries. Target: 20M orders/s.

Every engine gets the same flow of orders and cancels; its trades (taker, maker, price, lots, in order) are compared
with those of Bot4 before anything is timed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.book_workloads import ORDER_FLOW, order_flow
from benchmarks.measuring import cpu_seconds, median_cpu_seconds, table
from bot4.domain.bars import IntArray
from bot4.kernel import array, i8, kernel, records
from bot4.simulator.book.matching_book import PriceTimeBook
from bot4.simulator.book.price_time import (
    add_order,
    cancel_order,
    fill_count,
    new_price_time_book,
    order_count,
)

N_MESSAGES = 2_000_000
PEERS = {"lightmatchingengine": 100_000, "obook": 200_000, "order_matching": 2_000}  # messages that each is given
_TIMEOUT_S = 300


@kernel(i8(records(ORDER_FLOW), array(i8), array(i8, 2), array(i8, 2)))
def run_flow(flow: Any, book: IntArray, fills: IntArray, trades: IntArray) -> int:
    """Match a flow; write trades as taker, maker, ticks, lots as far as there are rows; returns how many there were."""
    n = 0
    for at in range(len(flow)):
        order_id = flow[at]["order_id"]
        if flow[at]["is_cancel"] != 0:
            cancel_order(book, order_id)
            continue
        add_order(book, order_id, 0, flow[at]["side"], flow[at]["ticks"], flow[at]["lots"], 0, 0, False, 0, fills)
        for row in range(fill_count(book)):
            if n < len(trades):
                trades[n, 0] = order_id
                trades[n, 1] = fills[row, 0]
                trades[n, 2] = fills[row, 2]
                trades[n, 3] = fills[row, 3]
            n += 1
    return n


def matched(flow: Any, n_trades: int = 0) -> tuple[IntArray, int]:
    """Trades of a flow, and the orders that are left; with no rows for trades the loop alone."""
    book, fills = new_price_time_book(n_orders=1 << 14, n_prices=1024), np.zeros((1024, 6), dtype=np.int64)
    trades = np.zeros((n_trades, 4), dtype=np.int64)
    n = int(run_flow(flow, book, fills, trades))
    return trades[:n], int(order_count(book))


def measure_bot4(flow: Any) -> dict[str, Any]:
    """Time the compiled loop, and one order at a time from Python."""
    trades, resting = matched(flow, len(flow))
    _, again = matched(flow)
    fills, none = np.zeros((1024, 6), dtype=np.int64), np.zeros((0, 4), dtype=np.int64)
    times = []
    for _ in range(5):
        book = new_price_time_book(n_orders=1 << 14, n_prices=1024)
        book[::512] += 0  # touched, so that the machine has given the memory
        times.append(cpu_seconds(lambda book=book: run_flow(flow, book, fills, none)))
    part = flow[:50_000]
    rows = part.tolist()

    def one_by_one() -> None:
        plain = PriceTimeBook()
        for order_id, ticks, lots, side, is_cancel in rows:
            if is_cancel:
                plain.cancel(order_id)
            else:
                plain.add(order_id, side, ticks, lots)

    from_python = median_cpu_seconds(one_by_one, 3)
    adds = int((flow["is_cancel"] == 0).sum())
    seconds = float(np.median(times))
    return {
        "messages": len(flow), "orders": adds, "trades": len(trades), "resting": resting,
        "same_again": resting == again,
        "messages_per_s": len(flow) / seconds, "orders_per_s": adds / seconds,
        "from_python_per_s": len(part) / from_python,
    }  # fmt: skip


def measure_peer(name: str, flow: Any, python: str) -> dict[str, Any]:
    """Run a peer in its own interpreter on the first messages of the flow; compare its trades with Bot4's."""
    part = flow[: PEERS[name]]
    with tempfile.TemporaryDirectory() as folder:
        flow_path, trades_path = Path(folder, "flow.npy"), Path(folder, "trades.npy")
        np.save(flow_path, part)
        script = Path(__file__).with_name("peers_matching.py")
        ran = subprocess.run(
            [python, str(script), name, str(flow_path), str(trades_path)],
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
        if ran.returncode:
            return {"name": name, "missing": ran.stderr.strip().splitlines()[-1:] or ["failed"]}
        found = json.loads(ran.stdout.strip().splitlines()[-1])
        trades = np.load(trades_path)
    ours, _ = matched(part, len(part))
    alike = len(ours) == len(trades) and bool((ours == trades).all())
    return found | {"messages": len(part), "trades": len(trades), "alike": alike, "per_s": len(part) / found["cpu_s"]}


def run(python_of_peers: str | None = None) -> dict[str, Any]:
    """Measure Bot4 and the peers that are installed; ``$BENCH_PYTHON`` is the peers' interpreter, ours by default."""
    flow = order_flow(N_MESSAGES)
    python = python_of_peers or os.environ.get("BENCH_PYTHON") or sys.executable
    return {"bot4": measure_bot4(flow), "peers": [measure_peer(name, flow, python) for name in PEERS]}


def render(found: dict[str, Any]) -> str:
    """The Markdown table of a measurement."""
    ours = found["bot4"]
    rows = [
        ("Bot4, compiled loop", f"{ours['messages']:,}", f"{ours['messages_per_s']:,.0f}", f"{ours['trades']:,}", "",
         f"{ours['orders_per_s']:,.0f} of them new orders"),
        ("Bot4, one call from Python each", "50,000", f"{ours['from_python_per_s']:,.0f}", "", "", ""),
    ]  # fmt: skip
    for peer in found["peers"]:
        if "missing" in peer:
            rows.append((peer["name"], "", "not installed", "", "", ""))
            continue
        rows.append(
            (f"{peer['name']} {peer['version']}", f"{peer['messages']:,}", f"{peer['per_s']:,.0f}",
             f"{peer['trades']:,}", "yes" if peer["alike"] else "NO", "")
        )  # fmt: skip
    return table(("engine", "messages", "messages/s", "trades", "the same as Bot4's", "remark"), rows)


if __name__ == "__main__":
    print(render(run()))
