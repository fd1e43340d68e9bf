"""The books a second time, from the facts alone, in plain Python fractions.

It shares no arithmetic with :mod:`bot4.domain.ledger` and starts from the decimals of the instruments, not from
their packed integers. Whatever the ledger says must be ``==`` to this.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bot4.domain.instruments import Instrument, Universe
from bot4.domain.portfolio import Account


@dataclass(frozen=True, slots=True)
class Deposited:
    """Capital came in (or went out, where negative)."""

    asset: str
    atoms: int


@dataclass(frozen=True, slots=True)
class FundingCharged:
    """A perpetual's funding fell due."""

    symbol: int
    rate: float
    mark_ticks: int


Fact: TypeAlias = Deposited | FundingCharged | np.void  # the last a FILL record


@dataclass(slots=True)
class Holding:
    """What is held of a symbol; amounts in settlement atoms, cost signed like the lots, or unlike where inverse."""

    lots: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0
    funding: int = 0


@dataclass(slots=True)
class Books:
    """Balances by account and asset code, and holdings by symbol id."""

    balances: defaultdict[tuple[Account, str], int] = field(default_factory=lambda: defaultdict(int))
    holdings: defaultdict[int, Holding] = field(default_factory=lambda: defaultdict(Holding))

    def transfer(self, source: Account, target: Account, asset: str, atoms: int) -> None:
        """Move an amount from one account to another."""
        self.balances[source, asset] -= atoms
        self.balances[target, asset] += atoms


def recompute(universe: Universe, facts: Iterable[Fact]) -> Books:
    """Books that result from deposits, fills (FILL records) and funding in the order they happened."""
    books = Books()
    for fact in facts:
        if isinstance(fact, Deposited):
            books.transfer(Account.CAPITAL, Account.HOLDINGS, fact.asset, fact.atoms)
        elif isinstance(fact, FundingCharged):
            _charge(books, universe, fact)
        else:
            _fill(books, universe, fact)
    return books


def disagreements(books: Books, universe: Universe, ledger: np.void, positions: npt.NDArray[np.void]) -> list[str]:
    """Where a ledger and its positions are not equal to the recomputed books, one line each."""
    found = []
    for account in Account:
        for index, asset in enumerate(universe.assets):
            booked, right = int(ledger["balances"][account, index]), books.balances[account, asset]
            if booked != right:
                found.append(f"{account.name} {asset}: {booked} booked, {right} recomputed")
    for symbol, instrument in enumerate(universe.instruments):
        holding, position = books.holdings[symbol], positions[symbol]
        pairs = (
            ("lots", holding.lots),
            ("cost_atoms", holding.cost),
            ("realised_atoms", holding.realised),
            ("fees_atoms", holding.fees),
            ("funding_atoms", holding.funding),
        )
        found += [
            f"{instrument.symbol} {name}: {int(position[name])} booked, {right} recomputed"
            for name, right in pairs
            if int(position[name]) != right
        ]
    return found


def _fill(books: Books, universe: Universe, fill: Any) -> None:
    symbol, fee = int(fill["symbol"]), int(fill["fee_atoms"])
    instrument = universe.instruments[symbol]
    lots = int(fill["side"]) * int(fill["qty_lots"])
    exact = _value(universe, instrument, int(fill["price_ticks"]), lots)
    paid = math.ceil(exact)
    holding = books.holdings[symbol]
    profit = _trade(holding, lots, paid)
    fee_asset = universe.assets[int(fill["fee_asset"]) - 1] if fill["fee_asset"] else instrument.settlement
    if fee_asset == instrument.settlement:
        holding.fees += fee
    if instrument.is_perpetual:
        books.transfer(Account.VENUE, Account.HOLDINGS, instrument.settlement, profit)
    else:
        books.transfer(Account.HOLDINGS, Account.VENUE, instrument.quote, math.floor(exact))
        books.transfer(Account.HOLDINGS, Account.ROUNDING, instrument.quote, paid - math.floor(exact))
        base_atoms = Fraction(instrument.lot_size) * lots * 10 ** universe.decimals(instrument.base)
        books.transfer(Account.VENUE, Account.HOLDINGS, instrument.base, int(base_atoms))
    books.transfer(Account.HOLDINGS, Account.FEES, fee_asset, fee)


def _trade(holding: Holding, lots: int, paid: int) -> int:
    """Close what the fill is against, open the rest; returns the profit realised."""
    closing = 0 if holding.lots * lots >= 0 else min(abs(lots), abs(holding.lots)) * (1 if lots > 0 else -1)
    opening = lots - closing
    paid_to_close = paid if opening == 0 else math.ceil(Fraction(paid * closing, lots))
    released = math.ceil(Fraction(holding.cost * -closing, holding.lots)) if closing else 0
    profit = -released - paid_to_close if closing else 0
    holding.cost += paid - paid_to_close - released if closing else paid
    holding.lots += lots
    holding.realised += profit
    return profit


def _charge(books: Books, universe: Universe, charge: FundingCharged) -> None:
    instrument, holding = universe.instruments[charge.symbol], books.holdings[charge.symbol]
    if not instrument.is_perpetual or holding.lots == 0:
        return
    rate = Fraction(round(charge.rate * 10**12), 10**12)
    value = _value(universe, instrument, charge.mark_ticks, holding.lots)
    if instrument.is_inverse:
        value = -value  # a long pays a positive rate on what it would take to close it
    # Whole atoms of value first, on the side that costs us more.
    value = Fraction(math.ceil(value) if rate > 0 else math.floor(value))
    paid = math.ceil(value * rate)
    holding.funding += paid
    books.transfer(Account.HOLDINGS, Account.FUNDING_PAID, instrument.settlement, paid)


def _value(universe: Universe, instrument: Instrument, ticks: int, lots: int) -> Fraction:
    """What a fill pays, exactly, in atoms of the settlement asset."""
    atom = Fraction(Decimal(1).scaleb(-universe.decimals(instrument.settlement)))
    price, quantity = Fraction(instrument.tick_size) * ticks, Fraction(instrument.lot_size) * lots
    if instrument.contract_value is not None:
        return -quantity * Fraction(instrument.contract_value) / price / atom
    return price * quantity / atom
