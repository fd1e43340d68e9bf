"""What an exchange shows of the positions of an account."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.money import OVERFLOW
from bot4.kernel import i8, kernel, records
from bot4.simulator.accounts.margin import liquidation_ticks
from bot4.simulator.accounts.margin_account import margin_of_position
from bot4.simulator.settlement import holding_lots
from bot4.simulator.state import SPOT, VENUE

ACCOUNT_POSITION = np.dtype(
    [
        ("lots", "i8"),  # signed; on spot what is held of the base
        ("cost_atoms", "i8"),
        ("realised_atoms", "i8"),
        ("funding_atoms", "i8"),  # paid, less received
        ("leverage", "i8"),
        ("is_isolated", "i8"),
        ("margin_atoms", "i8"),  # what stands behind it: its own margin, or in cross margin all that can be used for it
        ("mark_ticks", "i8"),
        ("liquidation_ticks", "i8"),  # 0 where no price liquidates it
    ],
    align=True,
)


@kernel(i8(records(VENUE), records(ACCOUNT_POSITION)))
def read_positions(venues: Any, positions: Any) -> int:
    """Write the position of every symbol; returns how many there are."""
    venue = venues[0]
    for symbol in range(venue["n_symbols"]):
        row, margin = positions[symbol], venue["margins"][symbol]
        row["lots"] = holding_lots(venue, symbol)
        row["mark_ticks"] = margin["mark_ticks"]
        if venue["terms"]["account"] <= SPOT:
            continue
        for_it = margin_of_position(
            venue["balances"],
            venue["margins"][:],
            venue["instruments"][:],
            venue["brackets"][:],
            venue["n_symbols"],
            symbol,
        )
        row["cost_atoms"] = margin["cost_atoms"]
        row["realised_atoms"] = margin["realised_atoms"]
        row["funding_atoms"] = margin["funding_atoms"]
        row["leverage"] = margin["leverage"]
        row["is_isolated"] = margin["is_isolated"]
        if margin["lots"] == 0 or for_it == OVERFLOW:
            continue
        row["margin_atoms"] = for_it
        row["liquidation_ticks"] = liquidation_ticks(
            venue["instruments"][symbol], venue["brackets"][symbol], margin["lots"], margin["cost_atoms"], for_it
        )
    return int(venue["n_symbols"])
