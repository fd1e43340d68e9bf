"""What happens where tables and outbox are full, orders are forgotten and shares are small: nothing is lost quietly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import Halted
from bot4.domain.money import LIMIT
from bot4.domain.orders import ENTRY, FREE, MAX_ORDERS, WORKING
from bot4.kernel import i8, kernel, records, void
from bot4.pipeline.execution.outbox import emit_decision, emit_sample, is_half_full
from bot4.pipeline.state import DECISION, N_COMMANDS, N_DECISIONS, N_FILLS, N_SAMPLES, N_TRADES, NO_SLOT, OUTBOX
from tests.execution_desk import EXIT, PRICE, PROTECTIVE_STOP, TARGET, Desk, place_entry_of


@kernel(void(records(OUTBOX), records(DECISION)))
def _emit_decision(outbox: Any, decision: Any) -> None:
    emit_decision(outbox[0], decision[0])


@kernel(void(records(OUTBOX), i8))
def _emit_sample(outbox: Any, ts_ns: int) -> None:
    emit_sample(outbox[0], ts_ns, 1.0, 0.5)


@kernel(i8(records(OUTBOX)))
def _is_half_full(outbox: Any) -> int:
    return int(is_half_full(outbox[0]))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def fill_table(desk: Desk, free: int) -> None:
    """Leave so many slots for new orders."""
    orders = desk.brain["orders"]
    for slot in range(MAX_ORDERS - free):
        if orders[slot]["status"] == FREE:
            orders[slot]["id"], orders[slot]["status"] = 10_000 + slot, WORKING
    desk.brain["n_slots"] = max(MAX_ORDERS - free, int(desk.brain["n_slots"]))


def test_an_entry_that_finds_no_slot_sends_nothing(desk: Desk) -> None:
    fill_table(desk, 0)
    decision = np.zeros(1, DECISION)
    decision[0]["proposal"]["side"], decision[0]["approved_lots"], decision[0]["approval_id"] = 1, 10, 1
    placed = place_entry_of(desk.machine.brain, desk.machine.config, desk.machine.outbox, decision)
    assert placed == NO_SLOT
    assert len(desk.commands()) == 0
    assert desk.sleeve["is_entering"] == 0


def test_a_bracket_takes_the_slots_that_there_are_and_a_stop_without_one_is_placed_at_the_next_bar(desk: Desk) -> None:
    fill_table(desk, 1)
    bracket = desk.enter(targets=(PRICE + 30_000,))
    assert (bracket.stop, bracket.targets) == (0, ())
    desk.filled(bracket.entry, 100)
    desk.brain["orders"]["status"][:50] = FREE
    desk.brain["n_slots"] = MAX_ORDERS
    desk.brain["orders"]["status"][10:20] = 8
    assert desk.bar() == [("place", PROTECTIVE_STOP)]


def test_a_lost_stop_that_nobody_remembers_is_placed_anew(desk: Desk) -> None:
    desk.entered()
    desk.sleeve["stop_order_id"] = 9_999
    assert desk.bar() == [("place", PROTECTIVE_STOP)]


def test_an_exit_in_flight_is_waited_for(desk: Desk) -> None:
    desk.entered()
    desk.leave()
    assert desk.bar() == []


def test_leaving_an_entry_that_the_table_has_forgotten_sends_nothing(desk: Desk) -> None:
    desk.enter()
    desk.sleeve["entry_order_id"] = 9_999
    assert desk.leave() == []


def test_what_a_late_fill_brings_to_an_empty_sleeve_is_left_without_a_bracket(desk: Desk) -> None:
    bracket = desk.entered()
    desk.filled(bracket.stop, 100)
    desk.bar()
    assert desk.sleeve["entry_order_id"] == 0
    desk.filled(bracket.entry, 5)
    assert desk.bar() == [("place", EXIT)]
    assert desk.order(desk.last(EXIT))["group_id"] == 0


@pytest.mark.parametrize(
    ("lots", "min_lots", "shares", "expected"),
    [
        (100, 1, (0.33, 0.33, 0.34), (33, 33, 34)),
        (2, 1, (0.33, 0.33, 0.34), (2,)),
        (4, 1, (0.33, 0.33, 0.34), (1, 1, 2)),
        (10, 3, (0.6, 0.34, 0.06), (6, 4)),
    ],
)
def test_targets_share_the_whole_quantity_in_parts_that_may_be_traded(
    desk: Desk, lots: int, min_lots: int, shares: tuple[float, ...], expected: tuple[int, ...]
) -> None:
    desk.config["instruments"][0]["min_lots"] = min_lots
    desk.config["decision"]["target_share"] = shares
    bracket = desk.enter(lots=lots, targets=(PRICE + 30_000, PRICE + 40_000, PRICE + 60_000))
    assert tuple(int(desk.order(target)["qty_lots"]) for target in bracket.targets) == expected
    assert {int(desk.order(target)["role"]) for target in bracket.targets} == {TARGET}


def test_a_sleeve_that_cannot_hold_what_filled_halts_new_risk(desk: Desk) -> None:
    bracket = desk.enter()
    desk.sleeve["cost_atoms"] = LIMIT - 1
    desk.filled(bracket.entry, 100)
    assert desk.is_halted()
    assert desk.position["lots"] == 100


def test_a_full_outbox_counts_what_it_lost_and_the_driver_halts(desk: Desk) -> None:
    box, outbox = desk.box, desk.machine.outbox
    bracket = desk.entered()
    box["n_commands"], box["n_fills"], box["n_trades"] = N_COMMANDS, N_FILLS, N_TRADES
    box["n_decisions"], box["n_samples"] = N_DECISIONS, N_SAMPLES
    _emit_decision(outbox, np.zeros(1, DECISION))
    _emit_sample(outbox, 1)
    desk.filled(bracket.stop, 100)  # a fill and a closed trade
    assert desk.position["lots"] == 0  # what happened is booked all the same
    assert box["n_overflowed"] == 4
    with pytest.raises(Halted, match="did not fit"):
        desk.machine.log.drain(outbox)


def test_the_driver_is_told_to_empty_an_outbox_that_is_half_full(desk: Desk) -> None:
    for name, size in (
        ("n_commands", N_COMMANDS),
        ("n_decisions", N_DECISIONS),
        ("n_fills", N_FILLS),
        ("n_trades", N_TRADES),
        ("n_samples", N_SAMPLES),
    ):
        desk.box[name] = size // 2
        assert _is_half_full(desk.machine.outbox) == 0
        desk.box[name] = size // 2 + 1
        assert _is_half_full(desk.machine.outbox) == 1
        desk.box[name] = 0


def test_decisions_and_samples_are_kept_in_their_order(desk: Desk) -> None:
    for k in range(3):
        decision = np.zeros(1, DECISION)
        decision[0]["approval_id"] = k
        _emit_decision(desk.machine.outbox, decision)
        _emit_sample(desk.machine.outbox, k)
    desk.machine.log.drain(desk.machine.outbox)
    assert desk.machine.log.records("decisions")["approval_id"].tolist() == [0, 1, 2]
    assert desk.machine.log.records("samples")["ts_ns"].tolist() == [0, 1, 2]


def test_commands_beyond_the_outbox_are_counted(desk: Desk) -> None:
    desk.box["n_commands"] = N_COMMANDS
    decision = np.zeros(1, DECISION)
    decision[0]["proposal"]["side"], decision[0]["approved_lots"], decision[0]["approval_id"] = 1, 10, 1
    place_entry_of(desk.machine.brain, desk.machine.config, desk.machine.outbox, decision)
    assert desk.box["n_overflowed"] == 1
    assert desk.order(int(desk.sleeve["entry_order_id"]))["role"] == ENTRY
