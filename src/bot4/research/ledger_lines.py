"""The ledger lines of some fills: each booked by the ledger's own kernel into an empty ledger, and read off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot4.domain.ledger import OK, book_fill
from bot4.domain.portfolio import LEDGER, POSITION, Account
from bot4.engine.machine import Machine


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One leg of one booking, in whole atoms of its asset; the legs of a booking sum to zero per asset."""

    ts_ns: int
    trade_id: int
    account: str
    asset: str
    atoms: int


def ledger_lines(machine: Machine, symbol: int, fills: npt.NDArray[np.void]) -> tuple[LedgerLine, ...]:
    """The legs of a symbol's fills in order, as one holding that begins flat.

    Args:
        machine: whose instruments and assets they speak of.
        symbol: id.
        fills: records of :data:`~bot4.domain.orders.FILL`.
    """
    instrument = machine.config[0]["instruments"][symbol]
    ledger, position = np.zeros(1, dtype=LEDGER), np.zeros(1, dtype=POSITION)
    assets = machine.universe.assets
    lines: list[LedgerLine] = []
    for fill in fills:
        before = ledger["balances"][0].copy()
        status = book_fill(
            ledger[0], instrument, position[0], fill["side"], fill["price_ticks"], fill["qty_lots"], fill["fee_atoms"]
        )
        assert status == OK, "a fill that the run booked books again"
        moved = ledger["balances"][0] - before
        lines += [
            LedgerLine(int(fill["ts_ns"]), int(fill["trade_id"]), account.name.lower(), asset, int(moved[account, a]))
            for account in Account
            for a, asset in enumerate(assets)
            if moved[account, a]
        ]
    return tuple(lines)
