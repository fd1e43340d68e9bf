"""Margin of perpetuals: leverage brackets, isolated and cross margin, and the price at which a position is liquidated.

Everything is counted in atoms of the asset that an instrument settles in: the quote of a linear perpetual, the base of
an inverse one, whose brackets are in base as well. A position carries its cost by the ledger's own arithmetic
(:func:`~bot4.domain.ledger.cost_after_fill`), so that the result here and there is one number.

``value(mark)`` is what closing would give back, rounded down; ``unrealised = value(mark) - cost``. The maintenance
margin of a value v in bracket b is ``ceil(v * rate_b) - amount_b``, continuous over the brackets. A position is
liquidated as soon as ``margin + unrealised <= maintenance``, where margin is what was set aside for it (isolated) or
the whole balance with everything else that hangs on it (cross).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.domain.instruments import INSTRUMENT, MAX_SYMBOLS, Universe
from bot4.domain.money import CEILING, FLOOR, LIMIT, OVERFLOW, fits, mul_div, notional_atoms
from bot4.domain.venue_reasons import NO_MARGIN, POSITION_LIMIT, TOO_LARGE
from bot4.kernel import b1, i8, kernel, record
from bot4.simulator.rules.bounds import check_between, check_rising, whole_parts

MAX_BRACKETS = 16
MARGIN_SCALE = 100_000_000  # maintenance rates are integers of this many parts
MAX_LEVERAGE = 1_000
HIGHEST_TICKS = 1 << 61

NO_REASON = 0
NEVER = 0  # of a liquidation price: no price does it

BRACKETS = np.dtype(
    [
        ("n", "i8"),
        ("cap_atoms", "i8", (MAX_BRACKETS,)),  # greatest value of the bracket; the last one has no end
        ("rate", "i8", (MAX_BRACKETS,)),  # maintenance, parts of MARGIN_SCALE
        ("amount_atoms", "i8", (MAX_BRACKETS,)),  # taken off, so that maintenance is continuous
        ("max_leverage", "i8", (MAX_BRACKETS,)),
    ],
    align=True,
)

MARGIN_POSITION = np.dtype(
    [
        ("lots", "i8"),  # signed
        ("cost_atoms", "i8"),  # as the ledger's POSITION has it
        ("isolated_atoms", "i8"),  # set aside for it, of the locked balance; 0 in cross margin
        ("leverage", "i8"),
        ("is_isolated", "i8"),
        ("mark_ticks", "i8"),  # latest mark price; 0 before the first
        ("working_buy_lots", "i8"),  # what open orders that add risk have left
        ("working_sell_lots", "i8"),
        ("realised_atoms", "i8"),
        ("funding_atoms", "i8"),  # paid, less received
    ],
    align=True,
)

_WHERE = "leverage brackets"


@dataclass(frozen=True, slots=True)
class LeverageBracket:
    """A range of position values.

    Attributes:
        cap: greatest value of the bracket, in what the symbol settles in.
        maintenance_rate: fraction of the value, 0 to below 1, in steps of 1e-8.
        max_leverage: 1 to 1,000.
    """

    cap: Decimal
    maintenance_rate: Decimal
    max_leverage: int

    def __post_init__(self) -> None:
        check_between(_WHERE, "cap", self.cap, Decimal("1e-8"), Decimal(10) ** 19, "of the settlement asset")
        check_between(_WHERE, "maintenance_rate", self.maintenance_rate, Decimal(0), Decimal("0.99"), "(a fraction)")
        check_between(_WHERE, "max_leverage", self.max_leverage, 1, MAX_LEVERAGE, "times")


@dataclass(frozen=True, slots=True)
class MarginSettings:
    """Margin of a venue of perpetuals.

    Attributes:
        brackets: for all symbols, or by symbol: rising caps and rates, 1 to 16 rows.
        leverage: of every symbol at the start, 1 to 1,000, and no more than the first bracket's.
        is_isolated: whether positions have margin of their own at the start, or share the balance.
    """

    brackets: tuple[LeverageBracket, ...] | Mapping[str, tuple[LeverageBracket, ...]]
    leverage: int = 20
    is_isolated: bool = False

    def __post_init__(self) -> None:
        check_between("margin", "leverage", self.leverage, 1, MAX_LEVERAGE, "times")
        tables = [self.brackets] if isinstance(self.brackets, tuple) else list(self.brackets.values())
        for table in tables:
            check_between(_WHERE, "number of brackets", len(table), 1, MAX_BRACKETS, "brackets")
            check_rising(_WHERE, "cap", [row.cap for row in table])
            check_rising(_WHERE, "maintenance_rate", [row.maintenance_rate for row in table])
            check_between("margin", "leverage", self.leverage, 1, table[0].max_leverage, "times")


def pack_brackets(universe: Universe, settings: MarginSettings) -> npt.NDArray[np.void]:
    """Brackets of every symbol as :data:`BRACKETS` records, ``[MAX_SYMBOLS]``, by symbol id.

    The amounts follow from caps and rates: ``amount_b = amount_{b-1} + cap_{b-1} * (rate_b - rate_{b-1})``, rounded
    down to an atom.

    Raises:
        SettingError: where a symbol has no brackets, or a rate is finer than 1e-8.
    """
    packed = np.zeros(MAX_SYMBOLS, dtype=BRACKETS)
    for row, instrument in zip(packed, universe.instruments, strict=False):
        tables = settings.brackets
        table = tables if isinstance(tables, tuple) else tables.get(instrument.symbol)
        if table is None:
            raise SettingError("it has no leverage brackets", where=instrument.symbol, remedy="give them")
        unit = 10 ** universe.decimals(instrument.settlement)
        amount, cap, rate = Fraction(0), Fraction(0), Fraction(table[0].maintenance_rate)
        row["n"] = len(table)
        for at, bracket in enumerate(table):
            amount += cap * (Fraction(bracket.maintenance_rate) - rate)
            cap, rate = Fraction(bracket.cap), Fraction(bracket.maintenance_rate)
            row["cap_atoms"][at] = min(LIMIT - 1, int(cap * unit))
            row["rate"][at] = whole_parts(_WHERE, "maintenance_rate", bracket.maintenance_rate, MARGIN_SCALE)
            row["amount_atoms"][at] = min(LIMIT - 1, int(amount * unit))
            row["max_leverage"][at] = bracket.max_leverage
    return packed


def pack_margin_positions(settings: MarginSettings) -> npt.NDArray[np.void]:
    """Flat positions with the leverage and mode of the settings, ``[MAX_SYMBOLS]``."""
    packed = np.zeros(MAX_SYMBOLS, dtype=MARGIN_POSITION)
    packed["leverage"] = settings.leverage
    packed["is_isolated"] = settings.is_isolated
    return packed


# --- value, result, maintenance -----------------------------------------------------------------------------------


@kernel(i8(record(INSTRUMENT), i8, i8))
def holding_value_atoms(instrument: Any, lots: int, price_ticks: int) -> int:
    """Signed value of a holding at a price, what closing gives back, rounded down; or ``OVERFLOW``.

    Formula: ``floor(lots * price)``; of an inverse contract ``floor(-lots / price)``.
    """
    signed = -lots if instrument["is_inverse"] != 0 else lots
    return int(notional_atoms(instrument, price_ticks, signed, FLOOR))


@kernel(i8(record(INSTRUMENT), i8, i8, i8))
def unrealised_atoms(instrument: Any, lots: int, cost_atoms: int, mark_ticks: int) -> int:
    """Result of a position if it were closed at the mark, rounded down, or ``OVERFLOW``: ``value(mark) - cost``."""
    if lots == 0:
        return 0
    value = holding_value_atoms(instrument, lots, mark_ticks)
    if value == OVERFLOW or not fits(value - cost_atoms):
        return OVERFLOW
    return int(value - cost_atoms)


@kernel(i8(record(BRACKETS), i8))
def bracket_of(brackets: Any, value_atoms: int) -> int:
    """Row of the bracket of a value (not negative): the first whose cap it does not pass, else the last."""
    last = brackets["n"] - 1
    for at in range(last):
        if value_atoms <= brackets["cap_atoms"][at]:
            return at
    return int(last)


@kernel(i8(record(BRACKETS), i8))
def maintenance_of_value(brackets: Any, value_atoms: int) -> int:
    """Maintenance margin of a value (not negative): ``ceil(value * rate) - amount`` of its bracket, at least 0."""
    at = bracket_of(brackets, value_atoms)
    charged = mul_div(value_atoms, brackets["rate"][at], MARGIN_SCALE, CEILING)
    return int(max(0, charged - brackets["amount_atoms"][at]))


@kernel(i8(record(INSTRUMENT), record(BRACKETS), i8, i8))
def maintenance_atoms(instrument: Any, brackets: Any, lots: int, mark_ticks: int) -> int:
    """Maintenance margin of a position at the mark, its value rounded up, or ``OVERFLOW``."""
    if lots == 0:
        return 0
    value = notional_atoms(instrument, mark_ticks, abs(lots), CEILING)
    return OVERFLOW if value == OVERFLOW else int(maintenance_of_value(brackets, value))


@kernel(i8(record(INSTRUMENT), i8, i8, i8))
def initial_margin_atoms(instrument: Any, lots: int, price_ticks: int, leverage: int) -> int:
    """What opening needs: ``ceil(ceil(|lots| * price) / leverage)``, or ``OVERFLOW``."""
    if lots == 0:
        return 0
    value = notional_atoms(instrument, price_ticks, abs(lots), CEILING)
    return OVERFLOW if value == OVERFLOW else int(mul_div(value, 1, leverage, CEILING))


@kernel(i8(record(BRACKETS), i8))
def most_value_atoms(brackets: Any, leverage: int) -> int:
    """Greatest value that a position may come to at a leverage: the cap of the last bracket that allows it; 0: none."""
    most = 0
    for at in range(brackets["n"]):
        if brackets["max_leverage"][at] >= leverage:
            most = brackets["cap_atoms"][at]
    return int(most)


@kernel(b1(record(INSTRUMENT), record(BRACKETS), i8, i8, i8, i8))
def is_undermargined(
    instrument: Any, brackets: Any, lots: int, cost_atoms: int, margin_atoms: int, mark_ticks: int
) -> bool:
    """Whether ``margin + unrealised <= maintenance`` at a mark price: the position is to be liquidated.

    Where the value passes 64 bits, the side that loses by it is.
    """
    if lots == 0:
        return False
    unrealised = unrealised_atoms(instrument, lots, cost_atoms, mark_ticks)
    maintenance = maintenance_atoms(instrument, brackets, lots, mark_ticks)
    if unrealised == OVERFLOW or maintenance == OVERFLOW:
        return bool((lots > 0) == (instrument["is_inverse"] != 0))
    return bool(margin_atoms + unrealised <= maintenance)


# --- liquidation price --------------------------------------------------------------------------------------------


@kernel(i8(record(BRACKETS), b1, i8))
def critical_value_atoms(brackets: Any, is_asset: bool, shortfall_atoms: int) -> int:
    """Value of a position at which equity is its maintenance, in closed form.

    With ``s = cost - margin`` (the shortfall), an asset of value v has equity ``v - s`` and a debt ``-v - s``. So in
    bracket b: ``v = (s - amount) / (1 - rate)`` for an asset, ``v = (amount - s) / (1 + rate)`` for a debt; the
    bracket is the first whose cap that does not pass.

    Args:
        brackets: of the symbol.
        is_asset: whether closing pays us (a linear long, an inverse short).
        shortfall_atoms: cost less margin.

    Returns:
        The value, rounded down; zero or less where there is none; ``OVERFLOW`` where it passes 2**62.
    """
    value = 0
    for at in range(brackets["n"]):
        rate, amount = brackets["rate"][at], brackets["amount_atoms"][at]
        if is_asset:
            value = mul_div(shortfall_atoms - amount, MARGIN_SCALE, MARGIN_SCALE - rate, FLOOR)
        else:
            value = mul_div(amount - shortfall_atoms, MARGIN_SCALE, MARGIN_SCALE + rate, FLOOR)
        if value == OVERFLOW or value <= brackets["cap_atoms"][at]:
            break
    return int(value)


@kernel(i8(record(INSTRUMENT), i8, i8))
def ticks_of_value(instrument: Any, lots: int, value_atoms: int) -> int:
    """Price at which a holding of lots has a value, to within a few ticks: where the search for the exact one starts.

    Between 1 and :data:`HIGHEST_TICKS`. Floats serve: :func:`liquidation_ticks` corrects them exactly.
    """
    numerator, divisor = float(instrument["notional_num"]), float(instrument["notional_den"])
    size, value = float(abs(lots)), float(value_atoms)
    guess = (
        size * numerator / (divisor * value) if instrument["is_inverse"] != 0 else value * divisor / (size * numerator)
    )
    if guess >= float(HIGHEST_TICKS):
        return HIGHEST_TICKS
    return max(1, int(guess))


@kernel(i8(record(INSTRUMENT), record(BRACKETS), i8, i8, i8, i8))
def edge_below(instrument: Any, brackets: Any, lots: int, cost_atoms: int, margin_atoms: int, start_ticks: int) -> int:
    """Highest price at which a long is undermargined, found outwards from a start; ``NEVER`` where none is."""
    low, high, step = start_ticks, start_ticks, 1
    if is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, start_ticks):
        while high < HIGHEST_TICKS and is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, high):
            low = high
            high = min(high + step, HIGHEST_TICKS)
            step = step * 2
        if low == high or is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, high):
            return HIGHEST_TICKS
    else:
        while low > 0 and not is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, low):
            high = low
            low = max(low - step, 0)
            step = step * 2
    while high - low > 1:
        middle = low + (high - low) // 2
        if is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, middle):
            low = middle
        else:
            high = middle
    return int(low)


@kernel(i8(record(INSTRUMENT), record(BRACKETS), i8, i8, i8, i8))
def edge_above(instrument: Any, brackets: Any, lots: int, cost_atoms: int, margin_atoms: int, start_ticks: int) -> int:
    """Lowest price at which a short is undermargined, found outwards from a start; ``NEVER`` where none is."""
    low, high, step = start_ticks, start_ticks, 1
    if is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, start_ticks):
        while low > 0 and is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, low):
            high = low
            low = max(low - step, 0)
            step = step * 2
    else:
        while high < HIGHEST_TICKS and not is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, high):
            low = high
            high = min(high + step, HIGHEST_TICKS)
            step = step * 2
        if not is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, high):
            return NEVER
    while high - low > 1:
        middle = low + (high - low) // 2
        if is_undermargined(instrument, brackets, lots, cost_atoms, margin_atoms, middle):
            high = middle
        else:
            low = middle
    return int(high)


@kernel(i8(record(INSTRUMENT), record(BRACKETS), i8, i8, i8))
def liquidation_ticks(instrument: Any, brackets: Any, lots: int, cost_atoms: int, margin_atoms: int) -> int:
    """First price, coming from the good side, at which a position is undermargined.

    The value follows in closed form (:func:`critical_value_atoms`), the price from the value; the few ticks that the
    roundings may be off by are corrected with :func:`is_undermargined` itself. So at this price the position is
    liquidated, and one tick better it is not.

    Args:
        instrument, brackets: of the symbol.
        lots, cost_atoms: of the position, not flat.
        margin_atoms: isolated margin; in cross margin the balance plus the other positions' unrealised results less
            their maintenance.

    Returns:
        Ticks, a long's at or below which it is liquidated, a short's at or above; 0 (``NEVER``) where no price does it.
    """
    is_inverse = instrument["is_inverse"] != 0
    is_asset = (lots > 0) != is_inverse
    value = critical_value_atoms(brackets, is_asset, cost_atoms - margin_atoms)
    if value == OVERFLOW:
        value = LIMIT - 1
    start = ticks_of_value(instrument, lots, max(value, 1))
    if lots > 0:
        return int(edge_below(instrument, brackets, lots, cost_atoms, margin_atoms, start))
    return int(edge_above(instrument, brackets, lots, cost_atoms, margin_atoms, start))


# --- what orders need ---------------------------------------------------------------------------------------------


@kernel(i8(record(MARGIN_POSITION), i8))
def exposed_lots(position: Any, side: int) -> int:
    """Size of the position if every open order of a side filled, and none of the other."""
    if side > 0:
        return int(abs(position["lots"] + position["working_buy_lots"]))
    return int(abs(position["lots"] - position["working_sell_lots"]))


@kernel(i8(record(INSTRUMENT), record(MARGIN_POSITION), i8))
def required_atoms(instrument: Any, position: Any, mark_ticks: int) -> int:
    """Initial margin of a symbol at a mark: of the position with the worse side of its open orders; or ``OVERFLOW``.

    Formula: ``ceil(max(|lots + buys|, |lots - sells|, |lots|) * mark / leverage)``; of an isolated position, whose own
    margin is set aside, only the part beyond the position counts.
    """
    lots = abs(position["lots"])
    most = max(lots, exposed_lots(position, 1), exposed_lots(position, -1))
    if position["is_isolated"] != 0:
        most -= lots
    return int(initial_margin_atoms(instrument, most, mark_ticks, position["leverage"]))


@kernel(i8(record(INSTRUMENT), record(BRACKETS), record(MARGIN_POSITION), i8, i8, i8, i8, i8))
def why_not_margin(
    instrument: Any,
    brackets: Any,
    position: Any,
    side: int,
    qty_lots: int,
    price_ticks: int,
    fee_atoms: int,
    available_atoms: int,
) -> int:
    """Why the margin of an account does not allow an order, or 0.

    An order that adds no exposure beyond what the position and the orders of its side have is allowed. Another needs
    ``initial margin after - initial margin before + open loss + fee <= available``, the exposures at the worse of mark
    and order price for both; the open loss is what the order's lots would be worth less than they cost at the mark.
    The position with all orders of the side may not pass the value that its leverage allows (``POSITION_LIMIT``).
    Before the first mark price nothing of the symbol is taken off what is available, so that all of it is needed here.

    Args:
        instrument, brackets, position: of the symbol; the working lots without this order.
        side, qty_lots: of the order.
        price_ticks: the worst at which it may fill.
        fee_atoms: what it may cost.
        available_atoms: balance and unrealised results of cross positions less all initial margin
            (:func:`~bot4.simulator.accounts.margin_account.available_atoms`).

    Returns:
        0, ``NO_MARGIN``, ``POSITION_LIMIT`` or ``TOO_LARGE``.
    """
    lots = abs(position["lots"])
    before = exposed_lots(position, side)
    working = position["working_buy_lots"] if side > 0 else position["working_sell_lots"]
    after = abs(position["lots"] + side * (working + qty_lots))
    if after <= max(before, lots):
        return NO_REASON
    has_mark = position["mark_ticks"] > 0
    mark = position["mark_ticks"] if has_mark else price_ticks
    worse = min(mark, price_ticks) if instrument["is_inverse"] != 0 else max(mark, price_ticks)
    value = notional_atoms(instrument, worse, after, CEILING)
    if value == OVERFLOW:
        return TOO_LARGE
    if value > most_value_atoms(brackets, position["leverage"]):
        return POSITION_LIMIT
    other = exposed_lots(position, -side)
    base_lots = max(lots, before, other)
    needed_before = initial_margin_atoms(instrument, base_lots if has_mark else 0, worse, position["leverage"])
    needed_after = initial_margin_atoms(instrument, max(after, other), worse, position["leverage"])
    paid = notional_atoms(instrument, price_ticks, side * qty_lots, CEILING)
    worth = notional_atoms(instrument, mark, side * qty_lots, FLOOR)
    if needed_before == OVERFLOW or needed_after == OVERFLOW or paid == OVERFLOW or worth == OVERFLOW:
        return TOO_LARGE
    open_loss = max(worth - paid if instrument["is_inverse"] != 0 else paid - worth, 0)
    needed = needed_after - needed_before + open_loss + max(fee_atoms, 0)
    return NO_REASON if needed <= available_atoms else NO_MARGIN
