"""Liquidation: which position, how much of it, and the price beyond which the insurance fund pays.

The order is fixed, so that the same marks liquidate the same: isolated positions by symbol id; then, for every
settlement asset in the order of the symbols, the cross position with the greatest maintenance margin (the lowest id
among equals), since closing it frees most. A position is cut to the cap of the next lower bracket, which may be enough;
in the lowest bracket it goes whole. The caller executes the cut, books it with the liquidation fee, and asks again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.instruments import INSTRUMENT
from bot4.domain.ledger import settlement_asset
from bot4.domain.money import CEILING, FLOOR, LIMIT, OVERFLOW, is_product_small, mul_div, notional_atoms
from bot4.kernel import b1, i8, kernel, record, records
from bot4.simulator.accounts.balances import BALANCES
from bot4.simulator.accounts.margin import BRACKETS, MARGIN_POSITION, bracket_of, is_undermargined, liquidation_ticks
from bot4.simulator.accounts.margin_account import (
    cross_equity_atoms,
    cross_maintenance_atoms,
    maintenance_at_mark,
    shares_balance,
)

NOBODY = -1


def without_maintenance() -> np.void:
    """Brackets that ask no maintenance: with them the liquidation price is the bankruptcy price."""
    row: np.void = np.zeros(1, dtype=BRACKETS)[0]
    row["n"] = 1
    row["cap_atoms"][0] = LIMIT - 1
    row["max_leverage"][0] = 1
    return row


@kernel(b1(record(INSTRUMENT), record(BRACKETS), record(MARGIN_POSITION)))
def is_isolated_due(instrument: Any, brackets: Any, position: Any) -> bool:
    """Whether an isolated position is to be liquidated at its latest mark price."""
    return bool(
        position["is_isolated"] != 0
        and position["lots"] != 0
        and position["mark_ticks"] > 0
        and is_undermargined(
            instrument,
            brackets,
            position["lots"],
            position["cost_atoms"],
            position["isolated_atoms"],
            position["mark_ticks"],
        )
    )


@kernel(i8(records(MARGIN_POSITION), records(INSTRUMENT), records(BRACKETS), i8, i8))
def greatest_cross(positions: Any, instruments: Any, brackets: Any, n_symbols: int, asset: int) -> int:
    """Symbol of the cross position in an asset with the greatest maintenance margin, ``NOBODY`` without one."""
    found, greatest = NOBODY, -1
    for symbol in range(n_symbols):
        if shares_balance(instruments[symbol], positions[symbol], asset):
            needed = maintenance_at_mark(instruments[symbol], brackets[symbol], positions[symbol])
            if needed == OVERFLOW:
                return symbol
            if needed > greatest:
                found, greatest = symbol, needed
    return found


@kernel(b1(record(BALANCES), records(MARGIN_POSITION), records(INSTRUMENT), records(BRACKETS), i8, i8))
def is_cross_due(balances: Any, positions: Any, instruments: Any, brackets: Any, n_symbols: int, asset: int) -> bool:
    """Whether ``equity <= maintenance`` of the cross positions in an asset; amounts that pass 64 bits say yes."""
    equity = cross_equity_atoms(balances, positions, instruments, n_symbols, asset)
    needed = cross_maintenance_atoms(positions, instruments, brackets, n_symbols, asset, NOBODY)
    return bool(equity == OVERFLOW or needed == OVERFLOW or equity <= needed)


@kernel(i8(record(BALANCES), records(MARGIN_POSITION), records(INSTRUMENT), records(BRACKETS), i8))
def next_to_liquidate(balances: Any, positions: Any, instruments: Any, brackets: Any, n_symbols: int) -> int:
    """Symbol of the position that is to be liquidated first at the latest mark prices, or ``NOBODY`` (-1)."""
    for symbol in range(n_symbols):
        if is_isolated_due(instruments[symbol], brackets[symbol], positions[symbol]):
            return symbol
    for symbol in range(n_symbols):
        asset = settlement_asset(instruments[symbol])
        if shares_balance(instruments[symbol], positions[symbol], asset) and is_cross_due(
            balances, positions, instruments, brackets, n_symbols, asset
        ):
            return int(greatest_cross(positions, instruments, brackets, n_symbols, asset))
    return NOBODY


@kernel(i8(record(INSTRUMENT), i8, i8))
def lots_of_value(instrument: Any, value_atoms: int, price_ticks: int) -> int:
    """Most lots whose value at a price does not pass an amount (not negative), or ``OVERFLOW``.

    Formula: ``floor(value / price)``; of an inverse contract ``floor(value * price)``.
    """
    numerator, divisor = instrument["notional_num"], instrument["notional_den"]
    if instrument["is_inverse"] != 0:
        if not is_product_small(divisor, price_ticks):
            return OVERFLOW
        return int(mul_div(value_atoms, divisor * price_ticks, numerator, FLOOR))
    if not is_product_small(numerator, price_ticks):
        return OVERFLOW
    return int(mul_div(value_atoms, divisor, numerator * price_ticks, FLOOR))


@kernel(i8(record(INSTRUMENT), record(BRACKETS), i8, i8))
def lots_to_liquidate(instrument: Any, brackets: Any, lots: int, mark_ticks: int) -> int:
    """How many lots of a position to close: down to the cap of the next lower bracket, in the lowest all of them."""
    size = abs(lots)
    value = notional_atoms(instrument, mark_ticks, size, CEILING)
    if value == OVERFLOW:
        return int(size)
    at = bracket_of(brackets, value)
    if at == 0:
        return int(size)
    kept = lots_of_value(instrument, brackets["cap_atoms"][at - 1], mark_ticks)
    if kept == OVERFLOW:
        return int(size)
    return int(size - min(kept, size - 1))


@kernel(i8(record(INSTRUMENT), record(BRACKETS), i8, i8, i8))
def bankruptcy_ticks(instrument: Any, no_brackets: Any, lots: int, cost_atoms: int, margin_atoms: int) -> int:
    """First price, coming from the good side, at which margin and result are gone; 0 where no price does it.

    ``no_brackets`` is :func:`without_maintenance`. A liquidation filled beyond this price costs the insurance fund.
    """
    return int(liquidation_ticks(instrument, no_brackets, lots, cost_atoms, margin_atoms))
