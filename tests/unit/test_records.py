"""The records of which the state is made."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain import events, instruments, orders, portfolio
from bot4.pipeline import state
from bot4.simulator import state as venue

RECORDS = {
    name: value
    for module in (events, instruments, orders, portfolio, state, venue)
    for name, value in vars(module).items()
    if isinstance(value, np.dtype) and value.names is not None
}


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_has_no_unnamed_bytes(name: str) -> None:
    # A digest covers every byte, and what numpy copies into padding is not defined.
    used = np.zeros(RECORDS[name].itemsize, dtype=np.bool_)
    for dtype, offset, *_ in RECORDS[name].fields.values():
        used[offset : offset + dtype.itemsize] = True
    assert used.all()


def test_an_event_has_64_bytes() -> None:
    assert events.EVENT.itemsize == 64
