"""Exact money: the one multiply-divide, and the edges where decimals become integers.

Inside, a price is an integer number of ticks, a quantity of lots, and a balance of atoms (the smallest unit in
which an asset is kept). Their products pass 64 bits for very cheap or very finely divided assets, and int64 wraps
without a word; so every product of money goes through :func:`mul_div`, which is exact or says :data:`OVERFLOW`.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from enum import IntEnum

import numpy as np

from bot4.domain.bars import FloatArray, IntArray
from bot4.domain.errors import DataError
from bot4.domain.instruments import FEE_SCALE, INSTRUMENT, Instrument
from bot4.kernel import b1, i8, kernel, record

FLOOR = 0
CEILING = 1
HALF_EVEN = 2

LIMIT = 1 << 62  # every amount of money is smaller than this in magnitude, so that a sum of two never wraps
OVERFLOW = -(1 << 63)

_SURELY_BELOW_LIMIT = 4.6e18  # below 2**62 by more than the rounding of a float product
_LIMB_BITS = 31
_LIMB = (1 << 31) - 1
_OFF_GRID = 1e-6  # ticks
_EXACT_FLOAT = 2.0**53
_WIDE = Context(prec=100)


class Rounding(IntEnum):
    """Where a result between two integers goes."""

    FLOOR = FLOOR
    CEILING = CEILING
    HALF_EVEN = HALF_EVEN


_DECIMAL_ROUNDING = {FLOOR: ROUND_FLOOR, CEILING: ROUND_CEILING, HALF_EVEN: ROUND_HALF_EVEN}


@kernel(b1(i8))
def fits(atoms: int) -> bool:
    """Whether an amount is below 2**62 in magnitude."""
    return -LIMIT < atoms < LIMIT


@kernel(b1(i8, i8))
def is_product_small(a: int, b: int) -> bool:
    """Whether ``a * b`` is surely below 2**62 in magnitude; may say no to products close to it."""
    return abs(float(a) * float(b)) < _SURELY_BELOW_LIMIT


@kernel(i8(i8, i8, i8, i8))
def rounds_up(quotient: int, remainder: int, divisor: int, rounding: int) -> int:
    """1 if a magnitude ``quotient + remainder / divisor`` is rounded to ``quotient + 1``, else 0.

    ``rounding`` is as seen from zero: :data:`FLOOR` towards it, :data:`CEILING` away from it.
    """
    if remainder == 0 or rounding == FLOOR:
        return 0
    if rounding == CEILING:
        return 1
    rest = divisor - remainder
    if remainder == rest:
        return quotient & 1
    return 1 if remainder > rest else 0


@kernel(i8(i8, i8, i8, i8))
def mul_div_long(a: int, b: int, divisor: int, rounding: int) -> int:
    """``a * b / divisor`` of magnitudes below 2**62 by schoolbook arithmetic; rounding as in :func:`rounds_up`.

    Limbs of 31 bits keep every partial result within int64. The quotient is found bit by bit.
    """
    a_high, a_low = a >> _LIMB_BITS, a & _LIMB
    b_high, b_low = b >> _LIMB_BITS, b & _LIMB
    lowest = a_low * b_low
    middle = a_high * b_low + a_low * b_high + (lowest >> _LIMB_BITS)
    high = a_high * b_high + (middle >> _LIMB_BITS)
    low = ((middle & _LIMB) << _LIMB_BITS) | (lowest & _LIMB)
    if high >= divisor:
        return OVERFLOW
    remainder = high
    quotient = 0
    for bit in range(2 * _LIMB_BITS - 1, -1, -1):
        remainder = (remainder << 1) | ((low >> bit) & 1)
        quotient = quotient << 1
        if remainder >= divisor:
            remainder -= divisor
            quotient |= 1
    return quotient + int(rounds_up(quotient, remainder, divisor, rounding))


@kernel(i8(i8, i8, i8, i8))
def mul_div(a: int, b: int, divisor: int, rounding: int) -> int:
    """``a * b / divisor``, exact up to the stated rounding: the only product of money.

    Args:
        a, b: any sign, magnitude below 2**62.
        divisor: 1 to 2**62 - 1.
        rounding: :data:`FLOOR`, :data:`CEILING` or :data:`HALF_EVEN`.

    Returns:
        The result, or :data:`OVERFLOW` where it is not below 2**62 in magnitude.
    """
    is_negative = (a < 0) != (b < 0)
    away = rounding
    if is_negative and rounding != HALF_EVEN:
        away = CEILING - rounding
    if is_product_small(a, b):
        product = abs(a) * abs(b)
        if divisor == 1:
            magnitude = product
        else:
            quotient = product // divisor
            magnitude = quotient + rounds_up(quotient, product - quotient * divisor, divisor, away)
    else:
        magnitude = mul_div_long(abs(a), abs(b), divisor, away)
        if magnitude < 0 or magnitude >= LIMIT:
            return OVERFLOW
    return -magnitude if is_negative else magnitude


@kernel(i8(record(INSTRUMENT), i8, i8, i8))
def notional_atoms(instrument: np.void, price_ticks: int, qty_lots: int, rounding: int) -> int:
    """Value of ``qty_lots`` (any sign) at ``price_ticks``, in atoms of what the instrument settles in.

    Formula: ``price_ticks * qty_lots * notional_num / notional_den`` quote atoms; of an inverse contract
    ``qty_lots * notional_num / (notional_den * price_ticks)`` base atoms.

    Returns:
        The value, or :data:`OVERFLOW` where it, or both price and quantity times ``notional_num``, pass 2**62, or
        an inverse contract has no price.
    """
    numerator = instrument["notional_num"]
    divisor = instrument["notional_den"]
    if instrument["is_inverse"] != 0:
        if price_ticks <= 0 or not is_product_small(price_ticks, divisor):
            return OVERFLOW
        return int(mul_div(qty_lots, numerator, divisor * price_ticks, rounding))
    if is_product_small(price_ticks, numerator):
        return int(mul_div(price_ticks * numerator, qty_lots, divisor, rounding))
    if is_product_small(qty_lots, numerator):
        return int(mul_div(price_ticks, qty_lots * numerator, divisor, rounding))
    return OVERFLOW


@kernel(i8(record(INSTRUMENT), i8, b1))
def fee_atoms(instrument: np.void, notional: int, is_maker: bool) -> int:
    """Fee on a notional of quote atoms, rounded up: a fee is never too small, a rebate (negative) never too large."""
    rate = instrument["maker_fee"] if is_maker else instrument["taker_fee"]
    return int(mul_div(notional, rate, FEE_SCALE, CEILING))


# --- decimal edges -----------------------------------------------------------------------------------------------


def price_to_ticks(instrument: Instrument, price: Decimal | float, rounding: int) -> int:
    """Ticks of a price; a float is taken as the decimal number it prints as.

    Raises:
        DataError: where the price is not finite.
    """
    return _units(price, instrument.tick_size, rounding, f"price of {instrument.symbol}")


def ticks_to_price(instrument: Instrument, price_ticks: int) -> Decimal:
    """Price in quote currency."""
    return _WIDE.multiply(Decimal(int(price_ticks)), instrument.tick_size)


def quantity_to_lots(instrument: Instrument, quantity: Decimal | float) -> int:
    """Whole lots within a quantity (rounded down).

    Raises:
        DataError: where the quantity is not finite.
    """
    return _units(quantity, instrument.lot_size, FLOOR, f"quantity of {instrument.symbol}")


def lots_to_quantity(instrument: Instrument, qty_lots: int) -> Decimal:
    """Quantity in base currency."""
    return _WIDE.multiply(Decimal(int(qty_lots)), instrument.lot_size)


def atoms_to_decimal(atoms: int, decimals: int) -> Decimal:
    """Amount of an asset that is kept with so many decimals (``Universe.decimals``)."""
    return Decimal(int(atoms)).scaleb(-decimals, _WIDE)


def prices_to_ticks(prices: FloatArray, instrument: Instrument) -> tuple[IntArray, int]:
    """Nearest ticks (ties to even) of a column of prices.

    Args:
        prices: float64[n], quote currency.
        instrument: gives the tick.

    Returns:
        ``(ticks, n_off_grid)``: int64[n], and how many prices were further than 1e-6 tick (or the resolution of
        a float at that price, where that is coarser) from their tick.

    Raises:
        DataError: where a price is not finite, or has more ticks than a float can count.
    """
    scaled = np.asarray(prices, dtype=np.float64) / float(instrument.tick_size)
    nearest = np.rint(scaled)
    refused = ~(np.abs(nearest) < _EXACT_FLOAT)
    if refused.any():
        row = int(np.argmax(refused))
        raise DataError(
            f"price {prices[row]} in row {row} cannot be counted in ticks of {instrument.tick_size}",
            where=instrument.symbol,
            remedy="correct or remove the row, or correct the instrument's tick",
        )
    tolerance = np.maximum(_OFF_GRID, 4.0 * np.spacing(np.abs(scaled)))
    n_off_grid = int(np.count_nonzero(np.abs(scaled - nearest) > tolerance))
    return nearest.astype(np.int64), n_off_grid


def _units(amount: Decimal | float, unit: Decimal, rounding: int, what: str) -> int:
    exact = amount if isinstance(amount, Decimal) else Decimal(str(amount))
    if not exact.is_finite():
        raise DataError(f"{what} is {amount}", remedy="give a finite number")
    return int(_WIDE.divide(exact, unit).to_integral_value(_DECIMAL_ROUNDING[rounding], _WIDE))
