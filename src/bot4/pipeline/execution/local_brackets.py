"""Brackets at a venue that has none: the stop rests there, the targets are kept here.

One rule, applied again after every report, price and tick of time, brings a sleeve's orders in line with what it
holds, whatever came in between. What is to be sold (an exit, a target that was reached) is sold only when the stop at
the venue has been cut, or cancelled, to leave room for it: together they never offer more than is held. Meanwhile the
stop protects the rest.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.money import FLOOR, mul_div, notional_atoms
from bot4.domain.orders import (
    EXIT,
    HELD,
    MARKET,
    ORDER,
    PENDING,
    PENDING_REPLACE,
    PLACE,
    REPLACE,
    SELL,
    TARGET,
    UNKNOWN,
    is_finished,
    is_open,
)
from bot4.kernel import b1, i8, kernel, record, void
from bot4.pipeline.execution.awaiting import AWAITS_CANCEL, AWAITS_REPLACE, send, want_as_it_is
from bot4.pipeline.execution.commands import cancel_bracket, cancel_order
from bot4.pipeline.execution.order_table import find_order, move_order
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX


@kernel(void(record(BRAIN), i8, i8, i8))
def mark_reached(brain: Any, symbol: int, high_ticks: int, low_ticks: int) -> None:
    """Note which of a symbol's targets a price has reached; they are sold from then on, whatever the price does."""
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        if order["role"] != TARGET or order["status"] != HELD or order["symbol"] != symbol:
            continue
        sleeve = brain["sleeves"][order["strategy"], symbol]
        if sleeve["lots"] * order["side"] >= 0:
            continue  # nothing is held yet that it would close
        is_reached = high_ticks >= order["limit_ticks"] if order["side"] == SELL else low_ticks <= order["limit_ticks"]
        if is_reached:
            brain["care"][slot]["is_reached"] = 1


@kernel(i8(record(BRAIN), i8, i8))
def exit_lots_in_market(brain: Any, symbol: int, strategy: int) -> int:
    """Lots that exits and targets at the venue, or on their way there, may still fill for a sleeve."""
    total = 0
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        is_exit = order["role"] == EXIT or order["role"] == TARGET
        if is_exit and order["symbol"] == symbol and order["strategy"] == strategy and is_open(order["status"]):
            total += max(0, order["qty_lots"] - order["filled_lots"])
    return int(total)


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def keep_bracket(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, ts_ns: int) -> int:
    """Bring a sleeve's stop and targets in line with what it holds.

    Returns:
        Lots for which an exit at the market may be sent now, because the position is being left; 0 for none.
    """
    sleeve = brain["sleeves"][strategy, symbol]
    held = abs(sleeve["lots"])
    if held == 0:
        if not sleeve["is_entering"]:
            cancel_bracket(brain, config, outbox, sleeve["entry_order_id"], ts_ns)
        return 0
    free = max(0, held - exit_lots_in_market(brain, symbol, strategy))
    reached = _reached_lots(brain, symbol, strategy, free)
    wanted = free if sleeve["leave_reason"] != 0 else _with_remainder(brain, config, symbol, reached, free)
    stop = find_order(brain, sleeve["stop_order_id"])
    offered = 0
    if stop >= 0:
        offered = _shape_stop(brain, config, outbox, stop, free - wanted, ts_ns)
    if wanted == 0 or offered + wanted > free:
        return 0
    if sleeve["leave_reason"] != 0:
        return int(wanted)
    _sell_reached(brain, config, outbox, symbol, strategy, wanted, ts_ns)
    return 0


@kernel(i8(record(BRAIN), i8, i8, i8))
def _reached_lots(brain: Any, symbol: int, strategy: int, most: int) -> int:
    total = 0
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        is_own = order["symbol"] == symbol and order["strategy"] == strategy
        if is_own and order["role"] == TARGET and order["status"] == HELD and brain["care"][slot]["is_reached"]:
            total += _share_of(brain, order)
    return int(min(total, most))


@kernel(i8(record(BRAIN), record(ORDER)))
def _share_of(brain: Any, target: Any) -> int:
    """A target's lots, as far as its entry has filled; all of them where the entry is forgotten."""
    slot = find_order(brain, target["parent_id"])
    if slot < 0 or brain["orders"][slot]["qty_lots"] <= 0:
        return int(target["qty_lots"])
    entry = brain["orders"][slot]
    filled = min(entry["filled_lots"], entry["qty_lots"])
    return int(mul_div(target["qty_lots"], filled, entry["qty_lots"], FLOOR))


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8, i8))
def _with_remainder(brain: Any, config: Any, symbol: int, wanted: int, free: int) -> int:
    """What is to be sold, and with it a remainder that would be too small to be traded by itself."""
    rest = free - wanted
    if wanted == 0 or rest == 0:
        return wanted
    instrument = config["instruments"][symbol]
    value = notional_atoms(instrument, brain["positions"][symbol]["mark_ticks"], rest, FLOOR)
    return free if rest < instrument["min_lots"] or value < instrument["min_notional_atoms"] else wanted


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def _shape_stop(brain: Any, config: Any, outbox: Any, slot: int, keep: int, ts_ns: int) -> int:
    """Bring a stop to ``keep`` lots; returns the lots that it may still fill as things stand at the venue."""
    order, care = brain["orders"][slot], brain["care"][slot]
    if is_finished(order["status"]):
        return 0
    if order["status"] == HELD:
        if keep > 0:
            order["qty_lots"] = keep
            order["status"] = PENDING
            order["parent_id"] = 0
            send(brain, config, outbox, slot, PLACE, ts_ns)
            return keep
        return 0
    rest = max(0, order["qty_lots"] - order["filled_lots"])
    if care["waits"] & AWAITS_REPLACE:
        rest = max(rest, care["wanted_lots"] - order["filled_lots"])
    if care["is_given_up"] and keep == 0:
        return 0  # the venue does not say what became of it: leaving comes first, an excess is flattened
    if keep == 0:
        cancel_order(brain, config, outbox, order["id"], ts_ns)
    elif rest != keep and _may_replace(brain, config, slot, ts_ns) and move_order(order, PENDING_REPLACE):
        want_as_it_is(order, care)
        care["wanted_lots"] = order["filled_lots"] + keep
        send(brain, config, outbox, slot, REPLACE, ts_ns)
        rest = max(rest, keep)
    return int(rest)


@kernel(b1(record(BRAIN), record(CONFIG), i8, i8))
def _may_replace(brain: Any, config: Any, slot: int, ts_ns: int) -> bool:
    """One replacement at a time, and after one that was refused not sooner than a query would be repeated."""
    order, care = brain["orders"][slot], brain["care"][slot]
    if care["waits"] & (AWAITS_REPLACE | AWAITS_CANCEL) or order["status"] == UNKNOWN or order["ts_active_ns"] == 0:
        return False
    was_refused = care["ts_replaced_ns"] < care["ts_replace_ns"]
    return bool(not was_refused or ts_ns >= care["ts_replace_ns"] + config["execution"]["query_delay_ns"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8, i8))
def _sell_reached(brain: Any, config: Any, outbox: Any, symbol: int, strategy: int, lots: int, ts_ns: int) -> None:
    """Send the targets that were reached, at the market; the last of them takes what the others leave of ``lots``."""
    left, last = lots, -1
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        is_own = order["symbol"] == symbol and order["strategy"] == strategy
        if not (is_own and order["role"] == TARGET and order["status"] == HELD and brain["care"][slot]["is_reached"]):
            continue
        if last >= 0:
            left -= _sell(brain, config, outbox, last, min(left, _share_of(brain, brain["orders"][last])), ts_ns)
        last = slot
    if last >= 0:
        _sell(brain, config, outbox, last, left, ts_ns)


@kernel(i8(record(BRAIN), record(CONFIG), record(OUTBOX), i8, i8, i8))
def _sell(brain: Any, config: Any, outbox: Any, slot: int, lots: int, ts_ns: int) -> int:
    if lots <= 0:
        return 0
    order = brain["orders"][slot]
    order["qty_lots"] = lots
    order["type"] = MARKET
    order["status"] = PENDING
    order["parent_id"] = 0
    send(brain, config, outbox, slot, PLACE, ts_ns)
    return lots
