"""Keeping positions protected: trailing stops, lost stops, the emergency stop."""

from __future__ import annotations

from typing import Any

from bot4.domain.orders import PENDING_REPLACE, REJECTED, REPLACE
from bot4.domain.portfolio import BY_EMERGENCY
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.commands import place_stop
from bot4.pipeline.execution.order_table import find_order, is_live, move_order
from bot4.pipeline.execution.outbox import emit_command
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX

STOP_IS_LOST = -1

_CLOSE = 3  # column of brain["bars"]


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def protect(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, ts_ns: int) -> int:
    """Look after one sleeve's protection at a bar's close: trail its stop, for the bars to come.

    Returns:
        0 when the position is protected or its exit is in flight; :data:`STOP_IS_LOST` when its stop must be placed
        anew; else the reason (:class:`~bot4.domain.portfolio.ExitReason`) for which it must be left now: it is being
        left and an exit came to nothing, or only a market exit protects it, because the price has passed the stop
        and no stop is there to act on it, the venue refuses a stop, or the emergency loss is reached.
    """
    sleeve = brain["sleeves"][strategy, symbol]
    lots = sleeve["lots"]
    if lots == 0 or sleeve["is_exiting"]:
        return 0
    if sleeve["leave_reason"] != 0 or sleeve["stop_ticks"] == 0:
        return int(sleeve["leave_reason"])
    close = brain["bars"][symbol, _CLOSE]
    side = 1 if lots > 0 else -1
    if not is_live(brain, sleeve["stop_order_id"]):
        is_passed = (close - sleeve["stop_ticks"]) * side <= 0
        return BY_EMERGENCY if is_passed or _was_refused_anew(brain, sleeve["stop_order_id"]) else STOP_IS_LOST
    if _emergency_loss_is_reached(brain, config, symbol, strategy):
        return BY_EMERGENCY
    if sleeve["trail_ticks"] > 0:
        _trail(brain, config, outbox, symbol, strategy, close, side, ts_ns)
    return 0


@kernel(void(record(BRAIN), record(OUTBOX), i8, i8, i8, i8))
def restore_stop(brain: Any, outbox: Any, symbol: int, strategy: int, approval_id: int, ts_ns: int) -> None:
    """Place a lost stop anew, for the whole of the sleeve."""
    sleeve = brain["sleeves"][strategy, symbol]
    sleeve["stop_order_id"] = place_stop(
        brain, outbox, symbol, strategy, sleeve["lots"], sleeve["stop_ticks"], sleeve["entry_order_id"], approval_id,
        ts_ns, 0,
    )  # fmt: skip


@kernel(b1(record(BRAIN), i8))
def _was_refused_anew(brain: Any, stop_order_id: int) -> bool:
    """Whether the venue refused a stop that had been placed in the stead of a lost one."""
    slot = find_order(brain, stop_order_id)
    if stop_order_id == 0 or slot < 0:
        return False
    order = brain["orders"][slot]
    return bool(order["status"] == REJECTED and order["parent_id"] == 0)


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8))
def _emergency_loss_is_reached(brain: Any, config: Any, symbol: int, strategy: int) -> int:
    sleeve = brain["sleeves"][strategy, symbol]
    loss_ticks = sleeve["decision_ticks"] - brain["bars"][symbol, _CLOSE]
    if sleeve["lots"] < 0:
        loss_ticks = -loss_ticks
    # A bar that closes this far beyond the stop means that the stop did not do its work.
    return int(loss_ticks > 2.0 * config["decision"]["emergency_stop"] * sleeve["decision_ticks"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8, i8, i8))
def _trail(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, close: int, side: int, ts_ns: int) -> None:
    sleeve = brain["sleeves"][strategy, symbol]
    if (close - sleeve["best_ticks"]) * side > 0:
        sleeve["best_ticks"] = close
    risk_ticks = abs(sleeve["decision_ticks"] - sleeve["initial_stop_ticks"])
    gain_ticks = (sleeve["best_ticks"] - sleeve["decision_ticks"]) * side
    if gain_ticks < config["decision"]["trail_after_r"] * risk_ticks:
        return
    new_stop = sleeve["best_ticks"] - side * sleeve["trail_ticks"]
    step = max(1, sleeve["trail_ticks"] // 10)  # smaller moves are not worth a message
    if (new_stop - sleeve["stop_ticks"]) * side < step or (close - new_stop) * side <= 0:
        return
    order = brain["orders"][find_order(brain, sleeve["stop_order_id"])]
    # One replacement at a time; the sleeve's stop moves when the venue confirms it.
    if order["status"] != PENDING_REPLACE and move_order(order, PENDING_REPLACE):
        order["stop_ticks"] = new_stop
        emit_command(outbox, REPLACE, ts_ns, order)
