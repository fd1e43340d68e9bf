"""The double-entry ledger: every booking's legs sum to zero per asset, to the last atom.

One rule of rounding: **what we pay is rounded up**, so what we receive is rounded down. A fill's signed value
(above zero for a buy, below for a sell) is the ceiling of its exact value; so are the parts into which a basis or a
crossing fill is divided. On spot the residue goes to ``ROUNDING``; on a perpetual no notional changes hands.

Value, basis and result are counted in what an instrument settles in: the quote asset, or the base asset of an inverse
contract, of which a buy *gives* its value in base (quote value over price) and a sale takes it. The same arithmetic
serves both. A fee may be in any asset; a position's ``fees_atoms`` are those in its settlement asset.

A booking computes everything, checks that it fits, and only then writes: it happens whole or not at all.
A booking that was not made marks the ledger as broken.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from bot4.domain.events import FEE_ASSET_MASK, FEE_ASSET_SHIFT
from bot4.domain.instruments import INSTRUMENT, MAX_ASSETS
from bot4.domain.money import CEILING, FLOOR, OVERFLOW, fits, mul_div, notional_atoms
from bot4.domain.portfolio import (
    CAPITAL,
    FEES,
    FUNDING_PAID,
    HOLDINGS,
    LEDGER,
    N_ACCOUNTS,
    POSITION,
    ROUNDING,
    SLEEVE,
    VENUE,
)
from bot4.kernel import b1, f8, i8, kernel, record

OK = 0
LEDGER_OVERFLOW = 1  # the booking would pass 2**62 atoms
LEDGER_REFUSED = 2  # not a booking: a side, price, quantity or rate that makes no sense

FUNDING_RATE_SCALE = 1_000_000_000_000  # funding rates are taken to the nearest of this many parts


class LedgerStatus(IntEnum):
    """What became of a booking; only OK wrote to the balances."""

    OK = OK
    OVERFLOW = LEDGER_OVERFLOW
    REFUSED = LEDGER_REFUSED


@kernel(i8(record(INSTRUMENT), i8, i8, i8))
def fill_value_atoms(instrument: np.void, side: int, price_ticks: int, qty_lots: int) -> int:
    """Signed value of a fill in settlement atoms, what we pay, or ``OVERFLOW``.

    Formula: ``ceil(side * price * quantity)``; of an inverse contract ``ceil(-side * quantity / price)``.
    """
    lots = side * qty_lots
    return int(notional_atoms(instrument, price_ticks, -lots if instrument["is_inverse"] != 0 else lots, CEILING))


@kernel(i8(record(INSTRUMENT)))
def settlement_asset(instrument: np.void) -> int:
    """Id of the asset in which value, result and funding are counted: the quote, or the base of an inverse contract."""
    return int(instrument["base_asset"] if instrument["is_inverse"] != 0 else instrument["quote_asset"])


@kernel(i8(i8, i8, i8, i8))
def cost_after_fill(lots: int, cost_atoms: int, fill_lots: int, value_atoms: int) -> int:
    """Cost basis of a holding after a fill: the one arithmetic of positions and sleeves.

    Adding raises the basis by the fill's value. Reducing releases the share of the basis that was closed,
    ``ceil(cost * closed / |lots|)``, all of it when all is closed. A fill through zero closes, then opens with what
    is left of its value.

    Args:
        lots, cost_atoms: the holding before, signed alike (of an inverse contract, unlike).
        fill_lots: signed, not zero.
        value_atoms: of the fill (:func:`fill_value_atoms`), signed to the lots as the basis is.

    Returns:
        The signed basis after. The realised result is :func:`realised_by_fill`.
    """
    if lots == 0 or (lots > 0) == (fill_lots > 0):
        return cost_atoms + value_atoms
    size, fill_size = abs(lots), abs(fill_lots)
    if fill_size < size:
        return cost_atoms - int(mul_div(cost_atoms, fill_size, size, CEILING))
    return value_atoms - int(mul_div(value_atoms, size, fill_size, CEILING))


@kernel(i8(i8, i8, i8))
def realised_by_fill(cost_atoms: int, cost_after_atoms: int, value_atoms: int) -> int:
    """Profit realised by a fill before fees: what the basis changed by, less what was paid."""
    return cost_after_atoms - cost_atoms - value_atoms


@kernel(i8(record(INSTRUMENT), record(SLEEVE), i8, i8, i8))
def apply_to_holding(instrument: np.void, sleeve: np.void, side: int, price_ticks: int, qty_lots: int) -> int:
    """Apply a fill to a sleeve's lots, cost basis and realised result, by the position's own arithmetic.

    Every sleeve is exact in its own basis, and the position in its own. A fill changes ``cost - realised`` of both
    by the same value, so the sum of that over a symbol's sleeves (closed trades included) is the position's, always;
    cost and realised taken singly agree whenever one sleeve holds the symbol, or none.

    Returns a ledger status; unless it is OK the sleeve did not change.
    """
    value = fill_value_atoms(instrument, side, price_ticks, qty_lots)
    if value == OVERFLOW:
        return LEDGER_OVERFLOW
    cost = sleeve["cost_atoms"]
    cost_after = cost_after_fill(sleeve["lots"], cost, side * qty_lots, value)
    realised_total = sleeve["realised_atoms"] + realised_by_fill(cost, cost_after, value)
    if not (fits(cost_after) and fits(realised_total)):
        return LEDGER_OVERFLOW
    sleeve["lots"] += side * qty_lots
    sleeve["cost_atoms"] = cost_after
    sleeve["realised_atoms"] = realised_total
    return OK


@kernel(b1(record(LEDGER), i8, i8, i8))
def has_room(ledger: np.void, account: int, asset: int, atoms: int) -> bool:
    """Whether an amount can be added to a balance."""
    return bool(fits(atoms)) and bool(fits(ledger["balances"][account, asset] + atoms))


@kernel(b1(record(LEDGER), i8, i8, i8, i8))
def can_move_atoms(ledger: np.void, debtor: int, creditor: int, asset: int, atoms: int) -> bool:
    """Whether :func:`move_atoms` of these arguments fits."""
    return bool(has_room(ledger, debtor, asset, -atoms)) and bool(has_room(ledger, creditor, asset, atoms))


@kernel(i8(record(LEDGER), i8, i8, i8, i8))
def move_atoms(ledger: np.void, debtor: int, creditor: int, asset: int, atoms: int) -> int:
    """Two legs of one amount (any sign) from one account to another; the caller has checked the room."""
    ledger["balances"][debtor, asset] -= atoms
    ledger["balances"][creditor, asset] += atoms
    return atoms


@kernel(i8(record(LEDGER), i8))
def refuse_booking(ledger: np.void, status: int) -> int:
    """Mark the ledger as broken: something happened outside that it could not book."""
    ledger["is_broken"] = 1
    return status


@kernel(i8(record(LEDGER), i8, i8))
def book_deposit(ledger: np.void, asset: int, atoms: int) -> int:
    """Book a deposit (a withdrawal where negative) from CAPITAL to HOLDINGS; returns a ledger status."""
    if not can_move_atoms(ledger, CAPITAL, HOLDINGS, asset, atoms):
        return int(refuse_booking(ledger, LEDGER_OVERFLOW))
    move_atoms(ledger, CAPITAL, HOLDINGS, asset, atoms)
    ledger["bookings"] += 1
    return OK


@kernel(i8(record(LEDGER), record(INSTRUMENT), i8, i8, i8, i8, i8))
def book_spot_legs(
    ledger: np.void,
    instrument: np.void,
    value_atoms: int,
    residue_atoms: int,
    base_atoms: int,
    fee_asset: int,
    fee: int,
) -> int:
    """Quote, base and fee legs of a spot fill, all or none; returns a ledger status."""
    quote, base = instrument["quote_asset"], instrument["base_asset"]
    if not (
        has_room(ledger, HOLDINGS, quote, -value_atoms - (fee if fee_asset == quote else 0))
        and has_room(ledger, VENUE, quote, value_atoms - residue_atoms)
        and has_room(ledger, ROUNDING, quote, residue_atoms)
        and has_room(ledger, HOLDINGS, base, base_atoms - (fee if fee_asset == base else 0))
        and has_room(ledger, VENUE, base, -base_atoms)
        and has_room(ledger, FEES, fee_asset, fee)
        and (fee_asset in (quote, base) or has_room(ledger, HOLDINGS, fee_asset, -fee))
    ):
        return LEDGER_OVERFLOW
    move_atoms(ledger, HOLDINGS, VENUE, quote, value_atoms - residue_atoms)
    move_atoms(ledger, HOLDINGS, ROUNDING, quote, residue_atoms)
    move_atoms(ledger, HOLDINGS, FEES, fee_asset, fee)
    move_atoms(ledger, VENUE, HOLDINGS, base, base_atoms)
    return OK


@kernel(i8(record(LEDGER), i8, i8, i8, i8))
def book_perpetual_legs(ledger: np.void, settlement: int, realised: int, fee_asset: int, fee: int) -> int:
    """Realised result and fee of a perpetual's fill, both or none; returns a ledger status."""
    if not (
        has_room(ledger, HOLDINGS, settlement, realised - (fee if fee_asset == settlement else 0))
        and has_room(ledger, VENUE, settlement, -realised)
        and has_room(ledger, FEES, fee_asset, fee)
        and (fee_asset == settlement or has_room(ledger, HOLDINGS, fee_asset, -fee))
    ):
        return LEDGER_OVERFLOW
    move_atoms(ledger, VENUE, HOLDINGS, settlement, realised)
    move_atoms(ledger, HOLDINGS, FEES, fee_asset, fee)
    return OK


@kernel(i8(record(LEDGER), record(INSTRUMENT), record(POSITION), i8, i8, i8, i8, i8))
def book_fill_and_fee(
    ledger: np.void,
    instrument: np.void,
    position: np.void,
    side: int,
    price_ticks: int,
    qty_lots: int,
    fee_asset: int,
    fee: int,
) -> int:
    """Book a fill: its legs in the ledger, and the position's quantity, cost basis and result.

    Spot: HOLDINGS pays the value rounded up (or receives it rounded down), VENUE gets it rounded the other way, the
    residue goes to ROUNDING; the base asset moves between HOLDINGS and VENUE. Perpetual: only the realised result
    moves, in the settlement asset. The fee goes from HOLDINGS to FEES in its own asset.

    Args:
        ledger, instrument, position: of the fill's symbol.
        side: ``BUY`` or ``SELL``.
        price_ticks, qty_lots: above zero.
        fee_asset: id of the asset of the fee.
        fee: its atoms; negative is a rebate.

    Returns:
        A ledger status. Unless it is OK, neither ledger nor position changed, but ``is_broken`` is set.
    """
    if (side != 1 and side != -1) or price_ticks <= 0 or qty_lots <= 0 or fee_asset < 0 or fee_asset >= MAX_ASSETS:
        return int(refuse_booking(ledger, LEDGER_REFUSED))
    lots, cost = position["lots"], position["cost_atoms"]
    fill_lots = side * qty_lots
    value = fill_value_atoms(instrument, side, price_ticks, qty_lots)
    base_atoms = mul_div(fill_lots, instrument["base_atoms_per_lot"], 1, FLOOR)
    if value == OVERFLOW or base_atoms == OVERFLOW or not fits(fee):
        return int(refuse_booking(ledger, LEDGER_OVERFLOW))
    settlement = settlement_asset(instrument)
    cost_after = cost_after_fill(lots, cost, fill_lots, value)
    realised = realised_by_fill(cost, cost_after, value)
    realised_total = position["realised_atoms"] + realised
    fees_total = position["fees_atoms"] + (fee if fee_asset == settlement else 0)
    if not (
        fits(lots + fill_lots) and fits(cost_after) and fits(realised) and fits(realised_total) and fits(fees_total)
    ):
        return int(refuse_booking(ledger, LEDGER_OVERFLOW))
    if instrument["is_perpetual"] != 0:
        status = book_perpetual_legs(ledger, settlement, realised, fee_asset, fee)
    else:
        residue = value - notional_atoms(instrument, price_ticks, fill_lots, FLOOR)
        status = book_spot_legs(ledger, instrument, value, residue, base_atoms, fee_asset, fee)
    if status != OK:
        return int(refuse_booking(ledger, status))
    position["lots"] = lots + fill_lots
    position["cost_atoms"] = cost_after
    position["realised_atoms"] = realised_total
    position["fees_atoms"] = fees_total
    ledger["bookings"] += 1
    return OK


@kernel(i8(record(LEDGER), record(INSTRUMENT), record(POSITION), i8, i8, i8, i8))
def book_fill(
    ledger: np.void, instrument: np.void, position: np.void, side: int, price_ticks: int, qty_lots: int, fee: int
) -> int:
    """:func:`book_fill_and_fee` with a fee in what the instrument settles in."""
    asset = settlement_asset(instrument)
    return int(book_fill_and_fee(ledger, instrument, position, side, price_ticks, qty_lots, asset, fee))


@kernel(i8(record(INSTRUMENT), i8))
def fee_asset_of(instrument: np.void, flags: int) -> int:
    """Id of the asset of a fill's fee as its report's flags name it (:data:`~bot4.domain.events.FEE_ASSET_SHIFT`)."""
    named = (flags >> FEE_ASSET_SHIFT) & FEE_ASSET_MASK
    return int(named - 1) if named != 0 else int(settlement_asset(instrument))


@kernel(i8(record(INSTRUMENT), i8, f8, i8))
def funding_atoms(instrument: np.void, lots: int, rate: float, mark_ticks: int) -> int:
    """Funding that a position pays (negative: receives), settlement atoms, rounded up, or ``OVERFLOW``.

    Formula: ``lots * mark * rate``, the rate to the nearest 1e-12; a long pays a positive rate.
    """
    parts = int(np.rint(rate * FUNDING_RATE_SCALE))
    is_paying = (lots > 0) == (parts > 0)
    notional = notional_atoms(instrument, mark_ticks, abs(lots), CEILING if is_paying else FLOOR)
    if notional == OVERFLOW:
        return OVERFLOW
    return int(mul_div(notional if lots > 0 else -notional, parts, FUNDING_RATE_SCALE, CEILING))


@kernel(i8(record(LEDGER), record(INSTRUMENT), record(POSITION), f8, i8))
def book_funding(ledger: np.void, instrument: np.void, position: np.void, rate: float, mark_ticks: int) -> int:
    """Book a perpetual's funding from HOLDINGS to FUNDING_PAID; nothing is booked on a flat position or on spot.

    Args:
        ledger, instrument, position: of the symbol.
        rate: fraction of the notional at the mark for this interval, magnitude below 1.
        mark_ticks: above zero.

    Returns:
        A ledger status.
    """
    if instrument["is_perpetual"] == 0 or position["lots"] == 0:
        return OK
    if not (-1.0 < rate < 1.0) or mark_ticks <= 0:
        return int(refuse_booking(ledger, LEDGER_REFUSED))
    asset = settlement_asset(instrument)
    paid = funding_atoms(instrument, position["lots"], rate, mark_ticks)
    if (
        paid == OVERFLOW
        or not fits(position["funding_atoms"] + paid)
        or not can_move_atoms(ledger, HOLDINGS, FUNDING_PAID, asset, paid)
    ):
        return int(refuse_booking(ledger, LEDGER_OVERFLOW))
    move_atoms(ledger, HOLDINGS, FUNDING_PAID, asset, paid)
    position["funding_atoms"] += paid
    ledger["bookings"] += 1
    return OK


@kernel(b1(record(LEDGER), i8))
def is_balanced(ledger: np.void, n_assets: int) -> bool:
    """Whether the accounts of each of the first ``n_assets`` assets sum to zero."""
    for asset in range(n_assets):
        total = 0
        for account in range(N_ACCOUNTS):
            total += ledger["balances"][account, asset]
        if total != 0:
            return False
    return True
