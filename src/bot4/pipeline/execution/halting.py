"""Halting new risk, with the reason written down, and lifting a halt that the venue has explained."""

from __future__ import annotations

from typing import Any

from bot4.domain.halts import FILL_AFTER_END, FILLS_MISSING, NO_ANSWER
from bot4.kernel import i8, kernel, record, records, void
from bot4.pipeline.state import BRAIN, N_HALTS

_FIRST_KEPT = N_HALTS // 2  # the first of them stay; the others make room for later ones


@kernel(void(record(BRAIN), i8, i8, i8))
def halt(brain: Any, reason: int, order_id: int, symbol: int) -> None:
    """Stop new risk, and write down why (a :class:`~bot4.domain.halts.HaltReason`) and about which order."""
    at = brain["n_halts"]
    if at >= N_HALTS:
        at = _FIRST_KEPT + (at - _FIRST_KEPT) % (N_HALTS - _FIRST_KEPT)
    row = brain["halts"][at]
    row["ts_ns"] = brain["ts_ns"]
    row["reason"] = reason
    row["order_id"] = order_id
    row["symbol"] = symbol
    brain["n_halts"] += 1
    brain["is_halted"] = 1


@kernel(void(records(BRAIN), i8, i8, i8))
def halt_brain(brains: Any, reason: int, order_id: int, symbol: int) -> None:
    """:func:`halt`, for callers in Python."""
    halt(brains[0], reason, order_id, symbol)


@kernel(void(record(BRAIN), i8, i8, i8))
def _lift(brain: Any, order_id: int, first_reason: int, second_reason: int) -> None:
    """Take back the halts for two reasons about an order; where no other is left, new risk may be taken again.

    Halts too many to be written down stay.
    """
    if brain["n_halts"] > N_HALTS:
        return
    kept = 0
    for at in range(brain["n_halts"]):
        row = brain["halts"][at]
        if row["order_id"] == order_id and row["reason"] in (first_reason, second_reason):
            continue
        if kept != at:
            brain["halts"][kept] = row
        kept += 1
    if kept == brain["n_halts"]:
        return
    brain["n_halts"] = kept
    if kept == 0:
        brain["is_halted"] = 0


@kernel(void(record(BRAIN), i8))
def lift_explained(brain: Any, order_id: int) -> None:
    """Take back the halts for fills of an order after its end: the venue has confirmed what it filled."""
    _lift(brain, order_id, FILL_AFTER_END, FILL_AFTER_END)


@kernel(void(record(BRAIN), i8))
def lift_silence(brain: Any, order_id: int) -> None:
    """Take back the halts for what the venue did not say of an order: it has said it."""
    _lift(brain, order_id, NO_ANSWER, FILLS_MISSING)


@kernel(void(record(BRAIN)))
def lift_all(brain: Any) -> None:
    """Take back every halt: the books were compared with the venue's and nothing is unexplained."""
    brain["n_halts"] = 0
    brain["is_halted"] = 0
