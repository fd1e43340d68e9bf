"""Balances at the venue, per asset: free and locked, never negative on spot, conserved to the last atom.

An open spot order locks what it may cost: the value of its lots at its price and the highest fee for a buy, the base
asset for a sale. A fill pays out of the lock and gives back at once what a better price saved; a cancel gives back the
rest. The arithmetic of a fill is the ledger's (:func:`~bot4.domain.ledger.book_fill`): what we pay is rounded up and
what we receive down, so that balances here and in the ledger are equal.

Every change names where the atoms came from, so that for each asset, always::

    free + locked == deposited + traded - fees - funding + insured

The fees of many small fills are rounded up one by one and may pass what was locked for them by an atom each. What is
missing is taken from the free balance; where that is empty, the venue waives up to :data:`WAIVED_ATOMS` of a fee.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.domain.instruments import FEE_SCALE, INSTRUMENT, MAX_ASSETS, Universe
from bot4.domain.money import CEILING, FLOOR, LIMIT, OVERFLOW, fits, mul_div, notional_atoms
from bot4.domain.orders import BUY
from bot4.domain.venue_reasons import NO_BALANCE, TOO_LARGE
from bot4.kernel import b1, i8, kernel, record, void
from bot4.simulator.rules.fee_schedule import FEE_CHARGE

DONE = 0  # no reason to refuse
WAIVED_ATOMS = 2

BALANCES = np.dtype(
    [
        ("free", "i8", (MAX_ASSETS,)),
        ("locked", "i8", (MAX_ASSETS,)),  # by open spot orders, and as margin of isolated positions
        ("deposited", "i8", (MAX_ASSETS,)),  # since the start, less what was withdrawn
        ("traded", "i8", (MAX_ASSETS,)),  # received in trades, less paid in them, fees apart; realised results
        ("fees", "i8", (MAX_ASSETS,)),  # paid, less rebates
        ("funding", "i8", (MAX_ASSETS,)),  # paid, less received
        ("insured", "i8", (MAX_ASSETS,)),  # losses beyond what we had, borne by the venue's insurance fund
    ],
    align=True,
)

LOCK = np.dtype([("asset", "i8"), ("atoms", "i8")], align=True)  # what one order has locked


def pack_balances(universe: Universe, deposits: Mapping[str, Decimal]) -> npt.NDArray[np.void]:
    """Balances after the first deposits, as an array of one :data:`BALANCES` record.

    Raises:
        SettingError: an asset that the universe has not, or an amount that is negative, too large or finer than an
            atom.
    """
    packed = np.zeros(1, dtype=BALANCES)
    for asset, amount in deposits.items():
        if asset not in universe.assets:
            raise SettingError(
                f"nothing is traded in {asset}",
                where="balances",
                remedy=f"deposit {', '.join(universe.assets)}, or name {asset} among the universe's other assets",
            )
        atoms = amount.scaleb(universe.decimals(asset)) if amount.is_finite() else Decimal(-1)
        if atoms < 0 or atoms >= LIMIT or atoms != int(atoms):
            raise SettingError(
                f"{amount} {asset} cannot be deposited",
                where="balances",
                remedy=f"give zero or more with at most {universe.decimals(asset)} decimals, below 2**62 atoms",
            )
        deposit(packed[0], universe.assets.index(asset), int(atoms))
    return packed


@kernel(i8(record(BALANCES), i8, i8))
def deposit(balances: Any, asset: int, atoms: int) -> int:
    """Add a deposit, or take a withdrawal (negative) off the free balance.

    Returns:
        0, ``NO_BALANCE`` where the withdrawal is more than is free, or ``TOO_LARGE``; then nothing changed.
    """
    after = balances["free"][asset] + atoms
    if not (fits(atoms) and fits(after + balances["locked"][asset]) and fits(balances["deposited"][asset] + atoms)):
        return TOO_LARGE
    if after < 0 and atoms < 0:
        return NO_BALANCE
    balances["free"][asset] = after
    balances["deposited"][asset] += atoms
    return DONE


@kernel(b1(record(BALANCES), i8))
def is_conserved(balances: Any, n_assets: int) -> bool:
    """Whether each of the first assets has what came in less what went out, to the last atom."""
    for asset in range(n_assets):
        held = balances["free"][asset] + balances["locked"][asset]
        came = balances["deposited"][asset] + balances["traded"][asset] + balances["insured"][asset]
        if held != came - balances["fees"][asset] - balances["funding"][asset]:
            return False
    return True


# --- locks of spot orders ---------------------------------------------------------------------------------------


@kernel(i8(record(INSTRUMENT), i8, i8, i8, i8))
def needed_atoms(instrument: Any, side: int, price_ticks: int, qty_lots: int, fee_rate: int) -> int:
    """What a spot order must have locked, in quote atoms of a buy and base atoms of a sale, or ``OVERFLOW``.

    Formula: ``v + ceil(v * fee_rate)`` with ``v = ceil(price * quantity)`` for a buy; the quantity for a sale.

    Args:
        instrument: of the symbol, spot.
        side: ``BUY`` or ``SELL``.
        price_ticks: the highest price that the order may pay.
        qty_lots: zero or more.
        fee_rate: parts of ``FEE_SCALE``, the highest that a fill may cost in the quote asset; 0 where fees are taken
            elsewhere.
    """
    if side != BUY:
        return int(mul_div(qty_lots, instrument["base_atoms_per_lot"], 1, FLOOR))
    value = notional_atoms(instrument, price_ticks, qty_lots, CEILING)
    fee = OVERFLOW if value == OVERFLOW else mul_div(value, max(fee_rate, 0), FEE_SCALE, CEILING)
    if fee == OVERFLOW or not fits(value + fee):
        return OVERFLOW
    return int(value + fee)


@kernel(i8(record(INSTRUMENT), i8))
def locked_asset(instrument: Any, side: int) -> int:
    """Id of the asset that a spot order of a side locks."""
    return int(instrument["quote_asset"] if side == BUY else instrument["base_asset"])


@kernel(i8(record(BALANCES), record(LOCK), i8, i8))
def lock_atoms(balances: Any, lock: Any, asset: int, atoms: int) -> int:
    """Make an order's lock this many atoms of an asset, from and to the free balance.

    Returns:
        0, or ``NO_BALANCE`` where less is free; then nothing changed. The lock must be empty or of the same asset.
    """
    more = atoms - lock["atoms"]
    if more > 0 and more > balances["free"][asset]:
        return NO_BALANCE
    balances["free"][asset] -= more
    balances["locked"][asset] += more
    lock["asset"] = asset
    lock["atoms"] = atoms
    return DONE


@kernel(i8(record(BALANCES), record(LOCK), record(INSTRUMENT), i8, i8, i8, i8))
def lock_for_order(
    balances: Any, lock: Any, instrument: Any, side: int, price_ticks: int, qty_lots: int, fee_rate: int
) -> int:
    """Lock what a spot order needs (:func:`needed_atoms`), or what it needs after an amendment.

    Returns:
        0, ``NO_BALANCE`` or ``TOO_LARGE``; unless it is 0, nothing changed.
    """
    needed = needed_atoms(instrument, side, price_ticks, qty_lots, fee_rate)
    if needed == OVERFLOW:
        return TOO_LARGE
    return int(lock_atoms(balances, lock, locked_asset(instrument, side), needed))


@kernel(void(record(BALANCES), record(LOCK)))
def release_lock(balances: Any, lock: Any) -> None:
    """Give an order's lock back whole: it was cancelled, refused or has expired."""
    balances["free"][lock["asset"]] += lock["atoms"]
    balances["locked"][lock["asset"]] -= lock["atoms"]
    lock["atoms"] = 0


@kernel(void(record(LOCK), record(LOCK)))
def hand_lock_over(source: Any, target: Any) -> None:
    """Give a lock to another order: two that share one quantity lock it once. What the target had must be nothing."""
    target["asset"] = source["asset"]
    target["atoms"] = source["atoms"]
    source["atoms"] = 0


# --- fills ------------------------------------------------------------------------------------------------------


@kernel(b1(record(BALANCES), i8, i8))
def has_balance_room(balances: Any, asset: int, atoms: int) -> bool:
    """Whether a balance can take so many atoms, and its totals can count them."""
    held = balances["free"][asset] + balances["locked"][asset]
    return bool(
        fits(atoms)
        and fits(held + abs(atoms))
        and fits(abs(balances["traded"][asset]) + abs(atoms))
        and fits(abs(balances["fees"][asset]) + abs(atoms))
    )


@kernel(i8(record(BALANCES), record(LOCK), record(FEE_CHARGE), i8, i8))
def cut_fee_to_means(balances: Any, lock: Any, charge: Any, paid_asset: int, paid_atoms: int) -> int:
    """Waive what a fee lacks by its own rounding; returns ``NO_BALANCE`` where value and fee cannot be paid even so.

    ``paid_atoms`` is the value to be paid in ``paid_asset``, the lock's asset.
    """
    means = lock["atoms"] + balances["free"][paid_asset]
    if charge["asset"] != paid_asset or charge["atoms"] <= 0:
        return DONE if paid_atoms <= means else NO_BALANCE
    missing = paid_atoms + charge["atoms"] - means
    if missing <= 0:
        return DONE
    if missing > WAIVED_ATOMS or missing > charge["atoms"]:
        return NO_BALANCE
    charge["atoms"] -= missing
    return DONE


@kernel(i8(record(BALANCES), record(LOCK), record(INSTRUMENT), i8, i8, i8, i8, record(FEE_CHARGE)))
def settle_spot_fill(
    balances: Any,
    lock: Any,
    instrument: Any,
    side: int,
    price_ticks: int,
    qty_lots: int,
    still_needed_atoms: int,
    charge: Any,
) -> int:
    """Exchange base and quote for a spot fill, take its fee, and give back what the order no longer needs locked.

    Args:
        balances: changed.
        lock: of the order; empty (0 atoms) for one that takes from the free balance.
        instrument: of the symbol, spot.
        side: ``BUY`` or ``SELL``.
        price_ticks, qty_lots: of the fill, above zero.
        still_needed_atoms: :func:`needed_atoms` of what the order has left after this fill, 0 when it is done.
        charge: the fee and its asset; lowered by at most :data:`WAIVED_ATOMS` where it cannot be paid whole.

    Returns:
        0; ``NO_BALANCE`` where value or fee cannot be paid, or ``TOO_LARGE``: then nothing changed.
    """
    base, quote = instrument["base_asset"], instrument["quote_asset"]
    value = notional_atoms(instrument, price_ticks, side * qty_lots, CEILING)
    lots = mul_div(qty_lots, instrument["base_atoms_per_lot"], 1, FLOOR)
    if value == OVERFLOW or lots == OVERFLOW or not fits(charge["atoms"]):
        return TOO_LARGE
    if not (
        has_balance_room(balances, base, lots)
        and has_balance_room(balances, quote, value)
        and has_balance_room(balances, charge["asset"], charge["atoms"])
    ):
        return TOO_LARGE
    paid_asset, paid = (quote, value) if side == BUY else (base, lots)
    received_asset, received = (base, lots) if side == BUY else (quote, -value)
    if cut_fee_to_means(balances, lock, charge, paid_asset, paid) != DONE:
        return NO_BALANCE
    fee_asset, fee = charge["asset"], charge["atoms"]
    is_third = fee_asset != paid_asset and fee_asset != received_asset
    if is_third and fee > balances["free"][fee_asset]:
        return NO_BALANCE
    if fee_asset == received_asset and fee > balances["free"][received_asset] + received:
        return NO_BALANCE
    kept = min(max(still_needed_atoms, 0), max(lock["atoms"] - paid - (fee if fee_asset == paid_asset else 0), 0))
    balances["free"][paid_asset] += lock["atoms"] - kept - paid
    balances["locked"][paid_asset] -= lock["atoms"] - kept
    lock["atoms"] = kept
    balances["free"][received_asset] += received
    balances["free"][fee_asset] -= fee
    balances["traded"][paid_asset] -= paid
    balances["traded"][received_asset] += received
    balances["fees"][fee_asset] += fee
    return DONE
