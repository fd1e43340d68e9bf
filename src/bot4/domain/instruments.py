"""Instruments: the exact grid, the fees and the kind of every symbol, never inferred from data.

Outside the brain everything is :class:`~decimal.Decimal`; :func:`pack_instruments` turns a universe into
:data:`INSTRUMENT` records with integer ticks, lots and atoms. An *atom* is the smallest unit in which an
asset's balance is kept: ``10 ** -decimals``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError, UsageError

MAX_SYMBOLS = 16
MAX_ASSETS = 32
MAX_QTY_LOTS = 2**61
FEE_SCALE = 100_000_000  # fee rates are integers of this many parts

INSTRUMENT = np.dtype(
    [
        ("tick", "f8"),  # quote currency per tick, for features only
        ("lot", "f8"),  # base currency per lot, for features only; of an inverse contract: contracts
        ("quote_per_tick_lot", "f8"),  # tick * lot, for risk measures only; NaN, which they refuse, where inverse
        # Quote atoms of one tick times one lot, as a reduced fraction num / den. Of an inverse contract: base atoms of
        # one lot times one tick, to be divided by the price in ticks.
        ("notional_num", "i8"),
        ("notional_den", "i8"),
        ("base_atoms_per_lot", "i8"),  # 0 of an inverse contract: no base changes hands
        ("min_lots", "i8"),
        ("max_lots", "i8"),
        ("min_notional_atoms", "i8"),
        ("maker_fee", "i8"),  # parts of FEE_SCALE; negative is a rebate
        ("taker_fee", "i8"),
        ("quote_atom", "f8"),  # quote currency per atom, for risk measures only
        ("base_asset", "i4"),
        ("quote_asset", "i4"),
        ("is_perpetual", "i4"),
        ("sector", "i4"),
        ("venue", "i4"),
        ("is_inverse", "i4"),  # counted in contracts of a fixed quote value, settled in the base asset
    ],
    align=True,
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """What can be traded under a symbol.

    Attributes:
        symbol: the venue's plain symbol, ``BTCUSDT``; a perpetual ends in ``_PERP``.
        base, quote: asset codes.
        tick_size: smallest price step, quote currency.
        lot_size: smallest quantity step, base currency.
        min_qty: smallest order, base currency.
        min_notional: smallest order value, in what it settles in: the quote currency, or the base where inverse.
        maker_fee, taker_fee: fractions of the notional; a negative maker fee is a rebate.
        is_perpetual: perpetual swap (may be short) or spot (long only).
        sector: for concentration limits.
        contract_value: quote currency that one contract of an inverse perpetual is worth, whatever the price; its
            lots count contracts, and it settles in ``base``. None of every other instrument.
    """

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_qty: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    is_perpetual: bool = False
    sector: str = "crypto"
    venue: str = "binance"
    contract_value: Decimal | None = None

    def __post_init__(self) -> None:
        for name in ("tick_size", "lot_size", "min_qty"):
            value = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise SettingError(
                    f"{name} is {value}, but must be above zero", where=self.symbol, remedy="correct the instrument"
                )
        for name in ("maker_fee", "taker_fee"):
            value = getattr(self, name)
            if not (value.is_finite() and abs(value) < Decimal("0.1")):
                raise SettingError(
                    f"{name} is {value}, but is a fraction below 0.1",
                    where=self.symbol,
                    remedy="give 0.001 for 10 basis points",
                )
        if self.min_notional < 0:
            raise SettingError("min_notional is negative", where=self.symbol, remedy="correct the instrument")
        worth = self.contract_value
        if worth is not None and not (worth.is_finite() and worth > 0 and self.is_perpetual):
            raise SettingError(
                f"contract_value is {worth}",
                where=self.symbol,
                remedy="give a value above zero to an inverse perpetual, and none to others",
            )

    @property
    def is_inverse(self) -> bool:
        """Whether it is counted in contracts of a fixed quote value and settles in its base asset."""
        return self.contract_value is not None

    @property
    def settlement(self) -> str:
        """The asset in which value, result and fees are counted: the quote, or the base of an inverse contract."""
        return self.base if self.is_inverse else self.quote


@dataclass(frozen=True, slots=True)
class Universe:
    """The instruments of a run, in a fixed order: an instrument's index is its symbol id.

    Attributes:
        instruments: by symbol id.
        other_assets: what else is held, for example the asset in which fees are paid.
    """

    instruments: tuple[Instrument, ...]
    other_assets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        symbols = [instrument.symbol for instrument in self.instruments]
        if len(set(symbols)) != len(symbols):
            raise UsageError(f"a symbol stands twice in {', '.join(symbols)}", remedy="give each symbol once")
        if not 1 <= len(symbols) <= MAX_SYMBOLS:
            raise UsageError(
                f"{len(symbols)} symbols, but 1 to {MAX_SYMBOLS} fit one run", remedy="split the run by symbols"
            )
        quotes = {instrument.quote for instrument in self.instruments}
        if len(quotes) > 1:
            raise UsageError(
                f"the symbols are quoted in {', '.join(sorted(quotes))}",
                remedy="run symbols of one quote currency together",
            )
        if len(self.assets) > MAX_ASSETS:
            raise UsageError(f"{len(self.assets)} assets, but {MAX_ASSETS} fit one run", remedy="name fewer others")

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, by id."""
        return tuple(instrument.symbol for instrument in self.instruments)

    @property
    def quote(self) -> str:
        """The one quote currency, in which equity is counted."""
        return self.instruments[0].quote

    @property
    def assets(self) -> tuple[str, ...]:
        """Every asset, the quote currency first: an asset's index is its id in the ledger."""
        found = [self.quote]
        for name in (*(instrument.base for instrument in self.instruments), *self.other_assets):
            if name not in found:
                found.append(name)
        return tuple(found)

    def decimals(self, asset: str) -> int:
        """How many decimals the asset's atoms have: 8 of what values or fees are counted in, or the finest lot's."""
        settles = any(i.settlement == asset for i in self.instruments)
        needed = [8] if settles or asset == self.quote or asset in self.other_assets else [0]
        needed += [_decimals(i.lot_size) for i in self.instruments if i.base == asset and not i.is_inverse]
        return max(needed)


def pack_instruments(universe: Universe) -> npt.NDArray[np.void]:
    """The universe as :data:`INSTRUMENT` records, by symbol id.

    Raises:
        SettingError: where an instrument's grid does not fit 64-bit integers.
    """
    packed = np.zeros(len(universe.instruments), dtype=INSTRUMENT)
    sectors = sorted({instrument.sector for instrument in universe.instruments})
    venues = sorted({instrument.venue for instrument in universe.instruments})
    for row, instrument in zip(packed, universe.instruments, strict=True):
        _pack(row, instrument, universe)
        row["sector"] = sectors.index(instrument.sector)
        row["venue"] = venues.index(instrument.venue)
    return packed


def _pack(row: Any, instrument: Instrument, universe: Universe) -> None:
    quote_atom = Fraction(1, 10 ** universe.decimals(universe.quote))
    settlement_atom = Fraction(1, 10 ** universe.decimals(instrument.settlement))
    tick, lot = Fraction(instrument.tick_size), Fraction(instrument.lot_size)
    if instrument.contract_value is None:
        notional = tick * lot / quote_atom
        per_lot = lot * 10 ** universe.decimals(instrument.base)
        row["max_lots"] = min(MAX_QTY_LOTS, MAX_QTY_LOTS // int(per_lot))
        row["quote_per_tick_lot"] = float(tick * lot)
    else:
        notional = lot * Fraction(instrument.contract_value) / tick / settlement_atom
        per_lot = Fraction(0)
        row["max_lots"] = MAX_QTY_LOTS
        row["quote_per_tick_lot"] = np.nan
        row["is_inverse"] = True
    row["tick"], row["lot"] = float(tick), float(lot)
    row["quote_atom"] = float(quote_atom)
    row["notional_num"] = _int64(notional.numerator, instrument)
    row["notional_den"] = _int64(notional.denominator, instrument)
    row["base_atoms_per_lot"] = _int64(per_lot.numerator, instrument)
    row["min_lots"] = max(1, -(-Fraction(instrument.min_qty) // lot))
    row["min_notional_atoms"] = _int64(int(Fraction(instrument.min_notional) / settlement_atom), instrument)
    row["maker_fee"] = int(instrument.maker_fee * FEE_SCALE)
    row["taker_fee"] = int(instrument.taker_fee * FEE_SCALE)
    row["base_asset"] = universe.assets.index(instrument.base)
    row["quote_asset"] = universe.assets.index(instrument.quote)
    row["is_perpetual"] = instrument.is_perpetual


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _int64(value: int, instrument: Instrument) -> int:
    if abs(value) >= 2**62:
        raise SettingError(
            f"tick {instrument.tick_size} times lot {instrument.lot_size} needs more than 64 bits",
            where=instrument.symbol,
            remedy="use a coarser lot",
        )
    return value
