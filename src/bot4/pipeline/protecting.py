"""Protection at a bar's close and as time passes: every sleeve that has a stop keeps a working one, or leaves."""

from __future__ import annotations

from typing import Any

from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.commands import cancel_bracket, cancel_order, may_try_exit, place_exit
from bot4.pipeline.execution.local_brackets import keep_bracket
from bot4.pipeline.execution.order_table import find_order, is_live
from bot4.pipeline.execution.protection import STOP_IS_LOST, is_carried, protect, restore_stop
from bot4.pipeline.risk.gate import approve_reduction
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def drop_lone_stop(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, ts_ns: int) -> None:
    """A stop that was taken in from the venue belongs to no bracket that would end it: it goes with its position."""
    sleeve = brain["sleeves"][strategy, symbol]
    if sleeve["lots"] != 0 or sleeve["stop_order_id"] == 0:
        return
    slot = find_order(brain, sleeve["stop_order_id"])
    if slot < 0:
        sleeve["stop_order_id"] = 0  # forgotten: it is not looked for at every bar
    elif brain["orders"][slot]["group_id"] == 0:
        cancel_order(brain, config, outbox, sleeve["stop_order_id"], ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, b1), is_inlined=True)
def protect_symbol(brain: Any, config: Any, outbox: Any, symbol: int, ts_ns: int, is_close: bool) -> None:
    """Look after the stops of every strategy that holds the symbol, and clear away what outlived its position."""
    for strategy in range(config["n_strategies"]):
        sleeve = brain["sleeves"][strategy, symbol]
        if sleeve["lots"] == 0:
            if sleeve["entry_order_id"] != 0 and not sleeve["is_entering"]:
                cancel_bracket(brain, config, outbox, sleeve["entry_order_id"], ts_ns)
                sleeve["entry_order_id"] = 0
                sleeve["leave_reason"] = 0
            drop_lone_stop(brain, config, outbox, symbol, strategy, ts_ns)
            continue
        need = protect(brain, config, outbox, symbol, strategy, ts_ns, is_close)
        if need == STOP_IS_LOST:
            lots = abs(brain["sleeves"][strategy, symbol]["lots"])
            approval = approve_reduction(brain, config, symbol, strategy, lots)
            restore_stop(brain, config, outbox, symbol, strategy, approval, ts_ns)
        elif need != 0:
            leave(brain, config, outbox, symbol, strategy, need, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8, i8))
def leave(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, reason: int, ts_ns: int) -> None:
    """Close a sleeve at the market, and what an entry in flight still brings, until nothing is held.

    Reducing is never refused. An exit that the venue refuses, or that finds no slot, is sent again at the next bar.
    """
    sleeve = brain["sleeves"][strategy, symbol]
    lots = abs(sleeve["lots"])
    if sleeve["leave_reason"] == 0 and (lots != 0 or sleeve["is_entering"]):
        sleeve["leave_reason"] = reason
    if sleeve["is_entering"]:
        cancel_order(brain, config, outbox, sleeve["entry_order_id"], ts_ns)
    if config["execution"]["has_native_brackets"] == 0:
        _keep_in_line(brain, config, outbox, symbol, strategy, ts_ns)
        return
    if lots == 0 or sleeve["is_exiting"] or is_carried(brain, config, symbol, strategy):
        return
    if not may_try_exit(config, sleeve, ts_ns):
        return
    if not is_live(brain, sleeve["stop_order_id"]):
        cancel_bracket(brain, config, outbox, sleeve["entry_order_id"], ts_ns)
    approval = approve_reduction(brain, config, symbol, strategy, lots)
    place_exit(brain, config, outbox, symbol, strategy, lots, approval, reason, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8))
def keep_brackets(brain: Any, config: Any, outbox: Any, symbol: int, ts_ns: int) -> None:
    """At a venue without brackets of its own: bring a symbol's stops, targets and exits in line with what is held."""
    for strategy in range(config["n_strategies"]):
        sleeve = brain["sleeves"][strategy, symbol]
        if sleeve["lots"] != 0 or sleeve["entry_order_id"] != 0:
            _keep_in_line(brain, config, outbox, symbol, strategy, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def _keep_in_line(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, ts_ns: int) -> None:
    lots = keep_bracket(brain, config, outbox, symbol, strategy, ts_ns)
    sleeve = brain["sleeves"][strategy, symbol]
    if lots == 0 or sleeve["is_exiting"] or is_carried(brain, config, symbol, strategy):
        return
    if may_try_exit(config, sleeve, ts_ns):
        approval = approve_reduction(brain, config, symbol, strategy, lots)
        place_exit(brain, config, outbox, symbol, strategy, lots, approval, sleeve["leave_reason"], ts_ns)
