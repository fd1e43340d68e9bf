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
        ("lot", "f8"),  # base currency per lot, for features only
        ("quote_per_tick_lot", "f8"),  # tick * lot, for risk measures only
        ("notional_num", "i8"),  # quote atoms of one tick times one lot, as a reduced fraction num / den
        ("notional_den", "i8"),
        ("base_atoms_per_lot", "i8"),
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
        ("padding", "i4"),
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
        min_notional: smallest order value, quote currency.
        maker_fee, taker_fee: fractions of the notional; a negative maker fee is a rebate.
        is_perpetual: perpetual swap (may be short) or spot (long only).
        sector: for concentration limits.
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


@dataclass(frozen=True, slots=True)
class Universe:
    """The instruments of a run, in a fixed order: an instrument's index is its symbol id."""

    instruments: tuple[Instrument, ...]

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
        for instrument in self.instruments:
            if instrument.base not in found:
                found.append(instrument.base)
        return tuple(found)

    def decimals(self, asset: str) -> int:
        """How many decimals the asset's atoms have: 8 for the quote currency, else those of the finest lot."""
        needed = [8] if asset == self.quote else [0]
        needed += [_decimals(i.lot_size) for i in self.instruments if i.base == asset]
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
    tick, lot = Fraction(instrument.tick_size), Fraction(instrument.lot_size)
    notional = tick * lot / quote_atom
    per_lot = lot * 10 ** universe.decimals(instrument.base)
    row["tick"], row["lot"] = float(tick), float(lot)
    row["quote_per_tick_lot"], row["quote_atom"] = float(tick * lot), float(quote_atom)
    row["notional_num"] = _int64(notional.numerator, instrument)
    row["notional_den"] = _int64(notional.denominator, instrument)
    row["base_atoms_per_lot"] = _int64(per_lot.numerator, instrument)
    row["min_lots"] = max(1, -(-Fraction(instrument.min_qty) // lot))
    row["max_lots"] = min(MAX_QTY_LOTS, MAX_QTY_LOTS // int(per_lot))
    row["min_notional_atoms"] = _int64(int(Fraction(instrument.min_notional) / quote_atom), instrument)
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
