"""Which fills were booked: the venue's trade ids, so that none is booked twice, however late it is told again.

Of each symbol the greatest :data:`~bot4.pipeline.state.N_RECENT_TRADES` ids are kept, and a floor: the greatest id
that had to make room. An id above the floor is either among those kept or new. One at the floor or below may have
been booked or not; nobody can tell, so it is not booked, and new risk halts until the books are reconciled.
"""

from __future__ import annotations

from typing import Any

from bot4.kernel import i8, kernel, record
from bot4.pipeline.state import BRAIN, N_RECENT_TRADES

NEW = 0
SEEN = 1
UNSURE = 2


@kernel(i8(record(BRAIN), i8, i8))
def remember_trade(brain: Any, symbol: int, trade_id: int) -> int:
    """Enter a trade id of a symbol; returns :data:`NEW`, :data:`SEEN` or :data:`UNSURE` (and then nothing changed).

    Ids at zero or below are no ids: they are unsure.
    """
    memory = brain["trade_memory"][symbol]
    ids = memory["ids"]
    n_ids = memory["n_ids"]
    at = n_ids
    while at > 0 and ids[at - 1] > trade_id:
        at -= 1
    if at > 0 and ids[at - 1] == trade_id:
        return SEEN
    if trade_id <= memory["floor_id"]:
        return UNSURE
    if n_ids < N_RECENT_TRADES:
        for k in range(n_ids, at, -1):
            ids[k] = ids[k - 1]
        ids[at] = trade_id
        memory["n_ids"] = n_ids + 1
        return NEW
    if at == 0:  # new, but smaller than all that are kept: it is the one to make room
        memory["floor_id"] = trade_id
        return NEW
    memory["floor_id"] = ids[0]
    for k in range(1, at):
        ids[k - 1] = ids[k]
    ids[at - 1] = trade_id
    return NEW
