"""Keeping positions protected: trailing stops, lost stops, the emergency stop."""

from __future__ import annotations

from typing import Any

from bot4.domain.money import FLOOR, notional_atoms
from bot4.domain.orders import PENDING_REPLACE, REJECTED, REPLACE, is_open
from bot4.domain.portfolio import BY_EMERGENCY
from bot4.domain.venue_reasons import (
    BANNED,
    CLOCK_AHEAD,
    MAINTENANCE,
    NEVER_ARRIVED,
    OUTSIDE_WINDOW,
    QUEUE_OVERFLOW,
    RATE_LIMITED,
    REPLAYED_NONCE,
    TABLE_FULL,
)
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.awaiting import send, want_as_it_is
from bot4.pipeline.execution.commands import cancel_order, place_stop
from bot4.pipeline.execution.local_brackets import exit_lots_in_market
from bot4.pipeline.execution.order_table import find_order, is_live, move_order
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX

STOP_IS_LOST = -1


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8, b1))
def protect(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, ts_ns: int, is_close: bool) -> int:
    """Look after one sleeve's protection, at the latest price; at a bar's close trail its stop, for the bars to come.

    Returns:
        0 when the position is protected or its exit is in flight; :data:`STOP_IS_LOST` when its stop must be placed
        anew; else the reason (:class:`~bot4.domain.portfolio.ExitReason`) for which it must be left now: it is being
        left and an exit came to nothing, or only a market exit protects it, because the price has passed the stop
        and no stop is there to act on it, the venue refuses a stop, or the emergency loss is reached.
    """
    sleeve = brain["sleeves"][strategy, symbol]
    lots = sleeve["lots"]
    if lots == 0 or sleeve["is_exiting"] or is_carried(brain, config, symbol, strategy):
        return 0
    if sleeve["leave_reason"] != 0 or sleeve["stop_ticks"] == 0:
        return int(sleeve["leave_reason"])
    is_local = config["execution"]["has_native_brackets"] == 0
    if is_local and exit_lots_in_market(brain, symbol, strategy) >= abs(lots):
        return 0
    close = brain["positions"][symbol]["mark_ticks"]
    side = 1 if lots > 0 else -1
    if side * _entry_side(brain, sleeve["entry_order_id"]) < 0:
        return 0  # an exit was told before its entry's fill, which is on its way
    if not is_live(brain, sleeve["stop_order_id"]):
        is_passed = (close - sleeve["stop_ticks"]) * side <= 0
        if is_passed or _was_refused_anew(brain, sleeve["stop_order_id"]):
            return BY_EMERGENCY
        return STOP_IS_LOST if _may_try_stop(brain, config, sleeve["stop_order_id"], ts_ns) else 0
    if _emergency_loss_is_reached(brain, config, symbol, strategy):
        return BY_EMERGENCY
    if config["execution"]["has_native_brackets"] and _is_outgrown(brain, symbol, strategy):
        cancel_order(brain, config, outbox, sleeve["stop_order_id"], ts_ns)  # a larger one follows when it is gone
        return 0
    if is_close and sleeve["trail_ticks"] > 0:
        _trail(brain, config, outbox, symbol, strategy, close, side, ts_ns)
    return 0


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8, i8))
def restore_stop(
    brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, approval_id: int, ts_ns: int
) -> None:
    """Place a lost stop anew: for the whole of the sleeve, less what is sold already where no bracket shares it."""
    sleeve = brain["sleeves"][strategy, symbol]
    lots = sleeve["lots"]
    if config["execution"]["has_native_brackets"] == 0:
        sold = exit_lots_in_market(brain, symbol, strategy)
        lots = max(0, lots - sold) if lots > 0 else min(0, lots + sold)
    sleeve["stop_order_id"] = place_stop(
        brain, config, outbox, symbol, strategy, lots, sleeve["stop_ticks"], sleeve["entry_order_id"],
        approval_id, ts_ns, 0,
    )  # fmt: skip


@kernel(b1(record(BRAIN), i8))
def _was_refused_anew(brain: Any, stop_order_id: int) -> bool:
    """Whether the venue refused a stop that had been placed in the stead of a lost one."""
    slot = find_order(brain, stop_order_id)
    if stop_order_id == 0 or slot < 0:
        return False
    order = brain["orders"][slot]
    return bool(order["status"] == REJECTED and order["parent_id"] == 0 and not is_passing(order["reason"]))


@kernel(b1(record(BRAIN), record(CONFIG), i8, i8))
def _may_try_stop(brain: Any, config: Any, stop_order_id: int, ts_ns: int) -> bool:
    """Whether a lost stop may be placed anew: not sooner after the last try than a query would be repeated."""
    slot = find_order(brain, stop_order_id)
    if slot < 0 or brain["orders"][slot]["parent_id"] != 0:
        return True
    return bool(ts_ns >= brain["orders"][slot]["ts_created_ns"] + config["execution"]["query_delay_ns"])


@kernel(b1(record(BRAIN), record(CONFIG), i8, i8))
def is_carried(brain: Any, config: Any, symbol: int, strategy: int) -> bool:
    """Whether a sleeve is a remainder that the venue would not trade, and that is still too small to be traded."""
    sleeve, instrument = brain["sleeves"][strategy, symbol], config["instruments"][symbol]
    lots = abs(sleeve["lots"])
    if sleeve["carried_lots"] == 0 or sleeve["carried_lots"] != lots:
        return False
    value = notional_atoms(instrument, brain["positions"][symbol]["mark_ticks"], lots, FLOOR)
    return bool(lots < instrument["min_lots"] or value < instrument["min_notional_atoms"])


@kernel(b1(i8))
def is_passing(reason: int) -> bool:
    """Whether a refusal says nothing of the order itself: it may be sent again."""
    return reason in (
        NEVER_ARRIVED, RATE_LIMITED, BANNED, OUTSIDE_WINDOW, CLOCK_AHEAD, REPLAYED_NONCE, MAINTENANCE, QUEUE_OVERFLOW,
        TABLE_FULL,
    )  # fmt: skip


@kernel(i8(record(BRAIN), i8))
def _entry_side(brain: Any, entry_order_id: int) -> int:
    """Side of a sleeve's entry while it may still fill, else 0."""
    slot = find_order(brain, entry_order_id)
    if slot < 0 or not is_open(brain["orders"][slot]["status"]):
        return 0
    return int(brain["orders"][slot]["side"])


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8))
def _emergency_loss_is_reached(brain: Any, config: Any, symbol: int, strategy: int) -> int:
    sleeve = brain["sleeves"][strategy, symbol]
    loss_ticks = sleeve["decision_ticks"] - brain["positions"][symbol]["mark_ticks"]
    if sleeve["lots"] < 0:
        loss_ticks = -loss_ticks
    # A price this far beyond the stop means that the stop did not do its work.
    return int(loss_ticks > 2.0 * config["decision"]["emergency_stop"] * sleeve["decision_ticks"])


@kernel(b1(record(BRAIN), i8, i8))
def _is_outgrown(brain: Any, symbol: int, strategy: int) -> bool:
    """Whether a stop that came in the stead of a lost one is too small: its entry had filled more than was told then.

    A venue with brackets of its own lets no one change the quantity of a bracket's stop.
    """
    sleeve = brain["sleeves"][strategy, symbol]
    order = brain["orders"][find_order(brain, sleeve["stop_order_id"])]
    is_restored = order["parent_id"] == 0 and order["ts_active_ns"] > 0
    return bool(is_restored and order["qty_lots"] - order["filled_lots"] < abs(sleeve["lots"]))


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
    move_stop(brain, config, outbox, find_order(brain, sleeve["stop_order_id"]), new_stop, ts_ns)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def move_stop(brain: Any, config: Any, outbox: Any, slot: int, stop_ticks: int, ts_ns: int) -> None:
    """Ask the venue to move the stop in a slot; it counts as moved when the venue confirms. One move at a time."""
    order, care = brain["orders"][slot], brain["care"][slot]
    if order["status"] != PENDING_REPLACE and move_order(order, PENDING_REPLACE):
        want_as_it_is(order, care)
        care["wanted_stop_ticks"] = stop_ticks
        send(brain, config, outbox, slot, REPLACE, ts_ns)
