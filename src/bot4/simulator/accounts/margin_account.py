"""The account of a venue of perpetuals: what is available, and what fills, funding and transfers do to it.

Positions are ``MARGIN_POSITION`` records by symbol id, balances one ``BALANCES`` record. What is set aside for
isolated positions is in ``locked``, everything else in ``free``, which cross positions share. A cross balance may fall
below zero while other positions' results stand behind it; once no cross position is left, the insurance fund pays what
is missing (:func:`cover_debt`). An isolated position never costs more than was set aside for it.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.instruments import INSTRUMENT
from bot4.domain.ledger import cost_after_fill, fill_value_atoms, funding_atoms, realised_by_fill, settlement_asset
from bot4.domain.money import FLOOR, OVERFLOW, fits, mul_div
from bot4.domain.venue_reasons import BAD_ORDER, BAD_QUANTITY, NO_BALANCE, NO_MARGIN, POSITION_LIMIT, TOO_LARGE
from bot4.kernel import b1, f8, i8, kernel, record, records
from bot4.simulator.accounts.balances import BALANCES, has_balance_room
from bot4.simulator.accounts.margin import (
    BRACKETS,
    MARGIN_POSITION,
    MAX_LEVERAGE,
    initial_margin_atoms,
    maintenance_atoms,
    most_value_atoms,
    required_atoms,
    unrealised_atoms,
)
from bot4.simulator.rules.fee_schedule import FEE_CHARGE

DONE = 0


# --- what there is ------------------------------------------------------------------------------------------------


@kernel(i8(record(INSTRUMENT), record(MARGIN_POSITION)))
def result_at_mark(instrument: Any, position: Any) -> int:
    """Unrealised result at the latest mark price, 0 before the first, or ``OVERFLOW``."""
    if position["mark_ticks"] <= 0:
        return 0
    return int(unrealised_atoms(instrument, position["lots"], position["cost_atoms"], position["mark_ticks"]))


@kernel(i8(record(INSTRUMENT), record(BRACKETS), record(MARGIN_POSITION)))
def maintenance_at_mark(instrument: Any, brackets: Any, position: Any) -> int:
    """Maintenance margin at the latest mark price, 0 before the first, or ``OVERFLOW``."""
    if position["mark_ticks"] <= 0:
        return 0
    return int(maintenance_atoms(instrument, brackets, position["lots"], position["mark_ticks"]))


@kernel(b1(record(INSTRUMENT), record(MARGIN_POSITION), i8))
def shares_balance(instrument: Any, position: Any, asset: int) -> bool:
    """Whether a position is open, in cross margin, and settles in an asset."""
    return bool(position["lots"] != 0 and position["is_isolated"] == 0 and settlement_asset(instrument) == asset)


@kernel(i8(record(BALANCES), records(MARGIN_POSITION), records(INSTRUMENT), i8, i8))
def cross_equity_atoms(balances: Any, positions: Any, instruments: Any, n_symbols: int, asset: int) -> int:
    """Free balance of an asset and the unrealised results of its cross positions, or ``OVERFLOW``."""
    equity = balances["free"][asset]
    for symbol in range(n_symbols):
        if shares_balance(instruments[symbol], positions[symbol], asset):
            result = result_at_mark(instruments[symbol], positions[symbol])
            if result == OVERFLOW or not fits(equity + result):
                return OVERFLOW
            equity += result
    return int(equity)


@kernel(i8(records(MARGIN_POSITION), records(INSTRUMENT), records(BRACKETS), i8, i8, i8))
def cross_maintenance_atoms(
    positions: Any, instruments: Any, brackets: Any, n_symbols: int, asset: int, without: int
) -> int:
    """Maintenance of the cross positions that settle in an asset, ``without`` one symbol (-1: of all); ``OVERFLOW``."""
    total = 0
    for symbol in range(n_symbols):
        if symbol != without and shares_balance(instruments[symbol], positions[symbol], asset):
            needed = maintenance_at_mark(instruments[symbol], brackets[symbol], positions[symbol])
            if needed == OVERFLOW or not fits(total + needed):
                return OVERFLOW
            total += needed
    return total


@kernel(i8(record(BALANCES), records(MARGIN_POSITION), records(INSTRUMENT), i8, i8))
def available_atoms(balances: Any, positions: Any, instruments: Any, n_symbols: int, asset: int) -> int:
    """What may be used for new orders: cross equity less the initial margin of positions and open orders.

    An amount that passes 64 bits leaves nothing available.
    """
    available = cross_equity_atoms(balances, positions, instruments, n_symbols, asset)
    if available == OVERFLOW:
        return 0
    for symbol in range(n_symbols):
        if settlement_asset(instruments[symbol]) == asset and positions[symbol]["mark_ticks"] > 0:
            needed = required_atoms(instruments[symbol], positions[symbol], positions[symbol]["mark_ticks"])
            if needed == OVERFLOW or not fits(available - needed):
                return 0
            available -= needed
    return int(available)


@kernel(i8(record(BALANCES), records(MARGIN_POSITION), records(INSTRUMENT), records(BRACKETS), i8, i8))
def margin_of_position(
    balances: Any, positions: Any, instruments: Any, brackets: Any, n_symbols: int, symbol: int
) -> int:
    """What stands behind a position: its isolated margin, or the balance with everything else that hangs on it.

    The ``margin`` of :func:`~bot4.simulator.accounts.margin.liquidation_ticks`; ``OVERFLOW`` where it does not fit.
    """
    position = positions[symbol]
    if position["is_isolated"] != 0:
        return int(position["isolated_atoms"])
    asset = settlement_asset(instruments[symbol])
    equity = cross_equity_atoms(balances, positions, instruments, n_symbols, asset)
    others = cross_maintenance_atoms(positions, instruments, brackets, n_symbols, asset, symbol)
    own = result_at_mark(instruments[symbol], position)
    if equity == OVERFLOW or others == OVERFLOW or own == OVERFLOW or not fits(equity - own):
        return OVERFLOW
    return int(equity - own - others) if fits(equity - own - others) else OVERFLOW


# --- fills --------------------------------------------------------------------------------------------------------


@kernel(i8(record(BALANCES), record(MARGIN_POSITION), i8, i8))
def pay_from_margin(balances: Any, position: Any, asset: int, atoms: int) -> int:
    """Take atoms (not negative) off an isolated position's margin, as far as they go; returns what was missing."""
    taken = min(atoms, position["isolated_atoms"])
    position["isolated_atoms"] -= taken
    balances["locked"][asset] -= taken
    return int(atoms - taken)


@kernel(i8(record(BALANCES), record(MARGIN_POSITION), i8, i8))
def pay_isolated(balances: Any, position: Any, asset: int, atoms: int) -> int:
    """Take atoms off the free balance (or, negative, add them), then off the position's margin; returns the rest."""
    from_free = min(atoms, max(balances["free"][asset], 0))
    balances["free"][asset] -= from_free
    return int(pay_from_margin(balances, position, asset, atoms - from_free)) if atoms > from_free else 0


@kernel(i8(record(BALANCES), record(MARGIN_POSITION), i8, i8, i8))
def close_isolated(balances: Any, position: Any, asset: int, closed_lots: int, realised: int) -> int:
    """Give back the closed share of an isolated margin with its result; returns what the insurance fund bore.

    Share: ``floor(margin * closed / |lots|)``, all of it when all is closed. A loss beyond it is taken off the rest of
    the margin, and what is still missing is not ours.
    """
    size = abs(position["lots"])
    margin = position["isolated_atoms"]
    released = margin if closed_lots == size else mul_div(margin, closed_lots, size, FLOOR)
    position["isolated_atoms"] -= released
    balances["locked"][asset] -= released
    balances["traded"][asset] += realised
    if released + realised >= 0:
        balances["free"][asset] += released + realised
        return 0
    missing = pay_from_margin(balances, position, asset, -released - realised)
    balances["insured"][asset] += missing
    return int(missing)


@kernel(i8(record(BALANCES), record(MARGIN_POSITION), record(INSTRUMENT), i8, i8, i8, record(FEE_CHARGE)))
def settle_margin_fill(
    balances: Any, position: Any, instrument: Any, side: int, price_ticks: int, qty_lots: int, charge: Any
) -> int:
    """Book a fill of a perpetual: position, realised result, fee, and in isolated margin what is set aside.

    Before the first mark price a fill's own price serves as one: no position is without a margin that is counted.

    Args:
        balances, position: changed; the position's lots and cost become what the ledger's would.
        instrument: of the symbol.
        side: ``BUY`` or ``SELL``.
        price_ticks, qty_lots: above zero.
        charge: the fee; in isolated margin lowered to what balance and margin can pay.

    Returns:
        0; ``TOO_LARGE`` where an amount passes 64 bits, or ``NO_BALANCE`` where a fee in a third asset is not there:
        then nothing changed.
    """
    asset, lots, cost = settlement_asset(instrument), position["lots"], position["cost_atoms"]
    value = fill_value_atoms(instrument, side, price_ticks, qty_lots)
    opened = qty_lots
    if lots * side < 0:
        opened = max(0, qty_lots - abs(lots))
    wanted = initial_margin_atoms(instrument, opened, price_ticks, position["leverage"])
    if value == OVERFLOW or wanted == OVERFLOW or not fits(lots + side * qty_lots):
        return TOO_LARGE
    cost_after = cost_after_fill(lots, cost, side * qty_lots, value)
    realised = realised_by_fill(cost, cost_after, value)
    fee_asset = charge["asset"]
    if not (
        fits(cost_after)
        and fits(position["realised_atoms"] + realised)
        and has_balance_room(balances, asset, realised)
        and has_balance_room(balances, fee_asset, charge["atoms"])
    ):
        return TOO_LARGE
    if fee_asset != asset and charge["atoms"] > balances["free"][fee_asset]:
        return NO_BALANCE
    if position["is_isolated"] != 0 and opened < qty_lots:
        close_isolated(balances, position, asset, qty_lots - opened, realised)
    else:
        balances["free"][asset] += realised
        balances["traded"][asset] += realised
    if position["is_isolated"] != 0 and fee_asset == asset:
        charge["atoms"] -= pay_isolated(balances, position, asset, charge["atoms"])
    else:
        balances["free"][fee_asset] -= charge["atoms"]
    balances["fees"][fee_asset] += charge["atoms"]
    if position["is_isolated"] != 0:
        set_aside(balances, position, asset, min(wanted, max(balances["free"][asset], 0)))
    position["lots"] = lots + side * qty_lots
    position["cost_atoms"] = cost_after
    position["realised_atoms"] += realised
    if position["mark_ticks"] == 0:
        position["mark_ticks"] = price_ticks
    return DONE


@kernel(i8(record(BALANCES), record(MARGIN_POSITION), i8, i8))
def set_aside(balances: Any, position: Any, asset: int, atoms: int) -> int:
    """Move atoms (any sign) from the free balance to an isolated position's margin; the caller has checked them."""
    balances["free"][asset] -= atoms
    balances["locked"][asset] += atoms
    position["isolated_atoms"] += atoms
    return DONE


@kernel(i8(record(BALANCES), record(MARGIN_POSITION), record(INSTRUMENT), f8, i8))
def settle_funding(balances: Any, position: Any, instrument: Any, rate: float, mark_ticks: int) -> int:
    """Pay or receive funding on a position, by the ledger's arithmetic (:func:`~bot4.domain.ledger.funding_atoms`).

    In cross margin it goes to or from the free balance. In isolated margin a payment takes the free balance first,
    then the position's margin, and the insurance fund bears the rest.

    Returns:
        0; ``TOO_LARGE`` where it passes 64 bits, ``BAD_ORDER`` for a rate of 1 or more, NaN, or no mark price: then
        nothing changed.
    """
    if position["lots"] == 0:
        return DONE
    if not (-1.0 < rate < 1.0) or mark_ticks <= 0:
        return BAD_ORDER
    asset = settlement_asset(instrument)
    paid = funding_atoms(instrument, position["lots"], rate, mark_ticks)
    if paid == OVERFLOW or not has_balance_room(balances, asset, paid):
        return TOO_LARGE
    if not (fits(position["funding_atoms"] + paid) and fits(balances["funding"][asset] + paid)):
        return TOO_LARGE
    position["funding_atoms"] += paid
    balances["funding"][asset] += paid
    if position["is_isolated"] != 0:
        balances["insured"][asset] += pay_isolated(balances, position, asset, paid)
    else:
        balances["free"][asset] -= paid
    return DONE


@kernel(i8(record(BALANCES), records(MARGIN_POSITION), records(INSTRUMENT), i8, i8))
def cover_debt(balances: Any, positions: Any, instruments: Any, n_symbols: int, asset: int) -> int:
    """Let the insurance fund pay a negative balance behind which no cross position stands; returns what it paid."""
    debt = -balances["free"][asset]
    if debt <= 0:
        return 0
    for symbol in range(n_symbols):
        if shares_balance(instruments[symbol], positions[symbol], asset):
            return 0
    balances["free"][asset] = 0
    balances["insured"][asset] += debt
    return int(debt)


# --- what the client may change -----------------------------------------------------------------------------------


@kernel(i8(record(INSTRUMENT), record(BRACKETS), record(MARGIN_POSITION), i8, i8))
def set_leverage(instrument: Any, brackets: Any, position: Any, leverage: int, available: int) -> int:
    """Change a symbol's leverage.

    Args:
        instrument, brackets, position: of the symbol.
        leverage: 1 or more.
        available: :func:`available_atoms` of its settlement asset.

    Returns:
        0; ``BAD_QUANTITY`` for a leverage that no bracket allows; ``POSITION_LIMIT`` where position and orders are
        worth more than it allows, or an isolated position would need more margin; ``NO_MARGIN`` where less is
        available than the change needs. Unless it is 0, nothing changed.
    """
    before = position["leverage"]
    if leverage < 1 or leverage > MAX_LEVERAGE or most_value_atoms(brackets, leverage) == 0:
        return BAD_QUANTITY
    if position["is_isolated"] != 0 and position["lots"] != 0 and leverage < before:
        return POSITION_LIMIT
    mark = position["mark_ticks"]
    lots = abs(position["lots"])
    most = lots + position["working_buy_lots"] + position["working_sell_lots"]
    if most != 0 and mark > 0:
        value = initial_margin_atoms(instrument, most, mark, 1)
        if value == OVERFLOW or value > most_value_atoms(brackets, leverage):
            return POSITION_LIMIT
        needed_before = required_atoms(instrument, position, mark)
        position["leverage"] = leverage
        more = required_atoms(instrument, position, mark) - needed_before
        position["leverage"] = before
        if more > max(available, 0):
            return NO_MARGIN
    position["leverage"] = leverage
    return DONE


@kernel(i8(record(MARGIN_POSITION), b1))
def set_margin_mode(position: Any, is_isolated: bool) -> int:
    """Choose isolated or cross margin for a symbol; ``POSITION_LIMIT`` while it has a position or open orders."""
    if position["lots"] != 0 or position["working_buy_lots"] != 0 or position["working_sell_lots"] != 0:
        return POSITION_LIMIT
    position["is_isolated"] = 1 if is_isolated else 0
    return DONE


@kernel(i8(record(BALANCES), record(INSTRUMENT), record(MARGIN_POSITION), i8, i8))
def adjust_isolated(balances: Any, instrument: Any, position: Any, atoms: int, available: int) -> int:
    """Add margin to an isolated position, or (negative) take some back.

    Returns:
        0; ``BAD_ORDER`` where there is no isolated position; ``NO_MARGIN`` where less is available, or where what is
        left with the result at the mark, if that is a loss, would be below the initial margin.
    """
    if position["is_isolated"] == 0 or position["lots"] == 0:
        return BAD_ORDER
    asset = settlement_asset(instrument)
    if atoms > min(available, balances["free"][asset]):
        return NO_MARGIN
    if atoms < 0:
        needed = initial_margin_atoms(
            instrument, position["lots"], max(position["mark_ticks"], 1), position["leverage"]
        )
        loss = min(result_at_mark(instrument, position), 0)
        if needed == OVERFLOW or position["isolated_atoms"] + atoms + loss < needed:
            return NO_MARGIN
    set_aside(balances, position, asset, atoms)
    return DONE
