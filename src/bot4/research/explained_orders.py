"""What followed a decision: its orders, the venue's reports, fills, the trailing stop and the result."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.events import EventKind
from bot4.domain.orders import ENTRY, PLACE, PROTECTIVE_STOP, REPLACE, OrderRole, OrderType
from bot4.engine.journal import JournalContents
from bot4.engine.machine import Machine
from bot4.research.journal_rows import TradeRow, price_of

_COMMANDS = {1: "place", 2: "cancel", 3: "replace"}


def orders_of(machine: Machine, approval_id: int) -> frozenset[int]:
    """Ids of the entry that the approval led to, and of all orders of its bracket and its exits."""
    orders = machine.log.records("commands")["order"]
    entry = orders[(orders["approval_id"] == approval_id) & (orders["role"] == ENTRY)]
    group = int(entry["id"][0]) if len(entry) else -1
    return frozenset(int(order_id) for order_id in orders["id"][orders["group_id"] == group])


def commands_of(machine: Machine, orders: frozenset[int]) -> tuple[dict[str, Any], ...]:
    """Every command about some orders, in order."""
    instruments = machine.config[0]["instruments"]
    rows = []
    for command in machine.log.records("commands"):
        order = command["order"]
        if int(order["id"]) in orders:
            tick = float(instruments[order["symbol"]]["tick"])
            rows.append(
                {
                    "ts_ns": int(command["ts_ns"]),
                    "command": _COMMANDS[int(command["kind"])],
                    "order_id": int(order["id"]),
                    "approval_id": int(order["approval_id"]),
                    "role": OrderRole(order["role"]).name.lower(),
                    "type": OrderType(order["type"]).name.lower(),
                    "side": "buy" if order["side"] > 0 else "sell",
                    "qty_lots": int(order["qty_lots"]),
                    "limit_price": price_of(order["limit_ticks"], tick) if order["limit_ticks"] else None,
                    "stop_price": price_of(order["stop_ticks"], tick) if order["stop_ticks"] else None,
                }
            )
    return tuple(rows)


def reports_of(contents: JournalContents, orders: frozenset[int]) -> tuple[dict[str, Any], ...]:
    """Every report of the venue about some orders, in order."""
    events = contents.events
    is_report = (events["kind"] >= EventKind.ORDER_ACCEPTED) & (events["kind"] <= EventKind.ORDER_STATUS)
    reports = events[is_report & np.isin(events["order_id"], list(orders))]
    return tuple(
        {
            "ts_ns": int(report["ts_ns"]),
            "report": EventKind(report["kind"]).name.lower().removeprefix("order_"),
            "order_id": int(report["order_id"]),
        }
        for report in reports
    )


def fill_records(machine: Machine, orders: frozenset[int]) -> npt.NDArray[np.void]:
    """The records of the fills of some orders."""
    fills = machine.log.records("fills")
    return fills[np.isin(fills["order_id"], list(orders))]


def fills_of(machine: Machine, orders: frozenset[int], proposal: Any) -> tuple[dict[str, Any], ...]:
    """The fills of some orders, each with its slippage."""
    rows = []
    commands = machine.log.records("commands")
    for fill in fill_records(machine, orders):
        instrument = machine.config[0]["instruments"][fill["symbol"]]
        tick, atom = float(instrument["tick"]), float(instrument["quote_atom"])
        reference = _reference_ticks(commands, fill, proposal)
        price = price_of(fill["price_ticks"], tick)
        slipped = None if reference is None else (int(fill["price_ticks"]) - reference) * int(fill["side"])
        rows.append(
            {
                "ts_ns": int(fill["ts_ns"]),
                "trade_id": int(fill["trade_id"]),
                "order_id": int(fill["order_id"]),
                "role": OrderRole(fill["role"]).name.lower(),
                "side": "buy" if fill["side"] > 0 else "sell",
                "price": price,
                "qty_lots": int(fill["qty_lots"]),
                "quantity": int(fill["qty_lots"]) * float(instrument["lot"]),
                "fee_quote": int(fill["fee_atoms"]) * atom,
                "is_maker": bool(fill["is_maker"]),
                "slippage_bps": None if slipped is None else slipped * tick / price * 1e4,
            }
        )
    return tuple(rows)


def _reference_ticks(commands: npt.NDArray[np.void], fill: Any, proposal: Any) -> int | None:
    """The price that a fill was meant to get; None for a market exit, which takes what there is."""
    if fill["role"] == ENTRY:
        return int(proposal["reference_ticks"])
    of_order = commands[(commands["order"]["id"] == fill["order_id"]) & (commands["ts_ns"] < fill["ts_ns"])]
    if fill["role"] == OrderRole.EXIT or len(of_order) == 0:
        return None
    order = of_order["order"][-1]
    return int(order["stop_ticks"] if fill["role"] == PROTECTIVE_STOP else order["limit_ticks"])


def trailing_of(machine: Machine, orders: frozenset[int]) -> tuple[dict[str, Any], ...]:
    """Where the protective stop stood, move by move."""
    moves = []
    for command in machine.log.records("commands"):
        order = command["order"]
        is_stop = order["role"] == PROTECTIVE_STOP and int(order["id"]) in orders
        if is_stop and command["kind"] in (PLACE, REPLACE):
            tick = float(machine.config[0]["instruments"][order["symbol"]]["tick"])
            moves.append({"ts_ns": int(command["ts_ns"]), "stop_price": price_of(order["stop_ticks"], tick)})
    return tuple(moves)


def result_of(machine: Machine, trade: TradeRow) -> dict[str, Any] | None:
    """What a closed trade made; None of an open one."""
    if trade.ts_exit_ns is None:
        return None
    trades = machine.log.records("trades")
    closed = trades[trades["trade_id"] == int(trade.label)][0]
    atom = float(machine.config[0]["instruments"][closed["symbol"]]["quote_atom"])
    return {
        "exit_reason": trade.exit_reason,
        "gross_quote": int(closed["realised_atoms"]) * atom,
        "fees_quote": int(closed["fees_atoms"]) * atom,
        "slippage_quote": int(closed["slippage_atoms"]) * atom,
        "net_quote": trade.result_quote,
        "risk_quote": int(closed["risk_atoms"]) * atom,
        "result_r": trade.result_r,
        "held_s": (trade.ts_exit_ns - trade.ts_entry_ns) / 1e9,
    }
