"""The filters of a symbol: what price, quantity, value and count of orders a venue takes.

Every limit is a whole number of ticks, lots or atoms; zero means that the venue has no such limit. The prices of an
instrument are whole ticks already, so :attr:`FilterSettings.tick_size` matters where the venue's step is coarser than
the instrument's, or changed after it was recorded. A filter answers a
:class:`~bot4.domain.venue_reasons.VenueReason`, or 0 for an order that it has nothing against.

A reduce-only order passes the minima of quantity and notional and the limit of the position: reducing is never
refused for being small. It does not pass the others.
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
from bot4.domain.instruments import INSTRUMENT, MAX_QTY_LOTS, MAX_SYMBOLS, Instrument, Universe, pack_instruments
from bot4.domain.money import CEILING, FLOOR, OVERFLOW, mul_div, notional_atoms
from bot4.domain.money import LIMIT as MOST_ATOMS
from bot4.domain.orders import (
    BUY,
    CLOSE_POSITION,
    LIMIT,
    MARKET,
    ORDER,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
)
from bot4.domain.venue_reasons import (
    ABOVE_MAX_LOTS,
    ABOVE_MAX_NOTIONAL,
    BAD_PRICE,
    BAD_QUANTITY,
    BELOW_MIN_LOTS,
    BELOW_MIN_NOTIONAL,
    OFF_LOT,
    OFF_TICK,
    PERCENT_PRICE,
    POSITION_LIMIT,
    TOO_LARGE,
    TOO_MANY_ICEBERG_PARTS,
    TOO_MANY_ORDERS,
    TOO_MANY_STOPS,
)
from bot4.kernel import b1, i8, kernel, record
from bot4.simulator.rules.bounds import check_between, whole_parts

PASSED = 0  # no reason to refuse
BAND_SCALE = 100_000_000  # multipliers of the percent-price band are integers of this many parts

FILTERS = np.dtype(
    [
        ("tick_step", "i8"),  # prices are multiples of this many ticks
        ("min_ticks", "i8"),
        ("max_ticks", "i8"),
        ("lot_step", "i8"),
        ("min_lots", "i8"),
        ("max_lots", "i8"),
        ("market_lot_step", "i8"),  # of market orders and of stops that become one
        ("market_min_lots", "i8"),
        ("market_max_lots", "i8"),
        ("min_notional_atoms", "i8"),
        ("max_notional_atoms", "i8"),
        ("buy_up", "i8"),  # highest price of a buy, parts of BAND_SCALE of the reference
        ("buy_down", "i8"),
        ("sell_up", "i8"),
        ("sell_down", "i8"),
        ("max_orders", "i8"),
        ("max_stops", "i8"),
        ("max_iceberg_parts", "i8"),
        ("max_position_lots", "i8"),
    ],
    align=True,
)

ORDER_COUNTS = np.dtype(
    [
        ("open_orders", "i8"),  # of the symbol, stops included, without the order that is asked about
        ("open_stops", "i8"),
        ("net_lots", "i8"),  # position, signed
        ("working_buy_lots", "i8"),  # what open buys of the symbol have left
        ("working_sell_lots", "i8"),
    ],
    align=True,
)

_WHERE = "venue filters"
_HUGE = Decimal(10) ** 30


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """Filters of a symbol in decimal units; None takes the instrument's own step or minimum, or has no limit.

    Attributes:
        tick_size: price step, quote currency; None: the instrument's.
        min_price, max_price: quote currency.
        lot_size: quantity step, base currency (contracts of an inverse perpetual); None: the instrument's.
        min_qty: smallest order; None: the instrument's.
        max_qty: largest order.
        market_lot_size, market_min_qty, market_max_qty: the same of market orders; None: as of the others.
        min_notional, max_notional: value of an order, in what it settles in; the first None: the instrument's.
        buy_multiplier_up, buy_multiplier_down, sell_multiplier_up, sell_multiplier_down: a limit price is at least
            and at most this multiple of the reference price, 0 to 1000; None has no limit.
        max_orders: open orders of the symbol, 1 to 100,000.
        max_stops: those among them that wait for a trigger.
        max_iceberg_parts: quantity over shown quantity, rounded up, 1 to 1,000.
        max_position: quantity that the position and all open orders of its side may come to.
    """

    tick_size: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    lot_size: Decimal | None = None
    min_qty: Decimal | None = None
    max_qty: Decimal | None = None
    market_lot_size: Decimal | None = None
    market_min_qty: Decimal | None = None
    market_max_qty: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    buy_multiplier_up: Decimal | None = None
    buy_multiplier_down: Decimal | None = None
    sell_multiplier_up: Decimal | None = None
    sell_multiplier_down: Decimal | None = None
    max_orders: int | None = None
    max_stops: int | None = None
    max_iceberg_parts: int | None = None
    max_position: Decimal | None = None

    def __post_init__(self) -> None:
        for name in ("tick_size", "lot_size", "market_lot_size"):
            value = getattr(self, name)
            if value is not None:
                check_between(_WHERE, name, value, Decimal("1e-30"), _HUGE, "currency")
        for name in _AMOUNTS:
            value = getattr(self, name)
            if value is not None:
                check_between(_WHERE, name, value, Decimal(0), _HUGE, "currency")
        for side in ("buy", "sell"):
            for end in ("up", "down"):
                value = getattr(self, f"{side}_multiplier_{end}")
                if value is not None:
                    check_between(_WHERE, f"{side}_multiplier_{end}", value, Decimal(0), Decimal(1000), "times")
        for name, most in (("max_orders", 100_000), ("max_stops", 100_000), ("max_iceberg_parts", 1_000)):
            value = getattr(self, name)
            if value is not None:
                check_between(_WHERE, name, value, 1, most, "orders or parts")
        for low, high in _PAIRS:
            self._check_order(low, high)

    def _check_order(self, low: str, high: str) -> None:
        least, most = getattr(self, low), getattr(self, high)
        if least is not None and most is not None and most < least:
            raise SettingError(f"{high} {most} is below {low} {least}", where=_WHERE, remedy="exchange the two")


_AMOUNTS = (
    "min_price", "max_price", "min_qty", "max_qty", "market_min_qty", "market_max_qty", "min_notional", "max_notional",
    "max_position",
)  # fmt: skip
_PAIRS = (
    ("min_price", "max_price"),
    ("min_qty", "max_qty"),
    ("market_min_qty", "market_max_qty"),
    ("min_notional", "max_notional"),
    ("buy_multiplier_down", "buy_multiplier_up"),
    ("sell_multiplier_down", "sell_multiplier_up"),
)


def pack_filters(universe: Universe, settings: FilterSettings | Mapping[str, FilterSettings]) -> npt.NDArray[np.void]:
    """Filters of every symbol as :data:`FILTERS` records, ``[MAX_SYMBOLS]``, by symbol id.

    Args:
        universe: gives the grids.
        settings: for all symbols, or by symbol; a symbol that is not named has its instrument's minima only.

    Raises:
        SettingError: where a step is not a multiple of the instrument's, or a limit does not fit 64-bit integers.
    """
    packed = np.zeros(MAX_SYMBOLS, dtype=FILTERS)
    instruments = pack_instruments(universe)
    for row, instrument, integers in zip(packed, universe.instruments, instruments, strict=False):
        chosen = settings if isinstance(settings, FilterSettings) else settings.get(instrument.symbol, FilterSettings())
        _pack(row, chosen, universe, instrument, integers)
    return packed


def _pack(row: Any, settings: FilterSettings, universe: Universe, instrument: Instrument, integers: Any) -> None:
    symbol, tick, lot = instrument.symbol, instrument.tick_size, instrument.lot_size
    row["tick_step"] = _steps(symbol, "tick_size", settings.tick_size, tick)
    row["min_ticks"] = _at_least(settings.min_price, tick)
    row["max_ticks"] = _at_most(settings.max_price, tick)
    row["lot_step"] = _steps(symbol, "lot_size", settings.lot_size, lot)
    row["min_lots"] = integers["min_lots"] if settings.min_qty is None else _at_least(settings.min_qty, lot)
    row["max_lots"] = _at_most(settings.max_qty, lot) or integers["max_lots"]
    market_step = settings.market_lot_size or settings.lot_size
    row["market_lot_step"] = _steps(symbol, "market_lot_size", market_step, lot)
    market_least = settings.market_min_qty
    row["market_min_lots"] = row["min_lots"] if market_least is None else _at_least(market_least, lot)
    row["market_max_lots"] = _at_most(settings.market_max_qty, lot) or row["max_lots"]
    settled_in = instrument.base if integers["is_inverse"] else instrument.quote
    atom = Decimal(1).scaleb(-universe.decimals(settled_in))
    least = settings.min_notional
    row["min_notional_atoms"] = integers["min_notional_atoms"] if least is None else _at_least(least, atom)
    row["max_notional_atoms"] = _at_most(settings.max_notional, atom)
    for name in ("buy_up", "buy_down", "sell_up", "sell_down"):
        side, end = name.split("_")
        multiplier = getattr(settings, f"{side}_multiplier_{end}")
        row[name] = 0 if multiplier is None else whole_parts(symbol, name, multiplier, BAND_SCALE)
    row["max_orders"] = settings.max_orders or 0
    row["max_stops"] = settings.max_stops or 0
    row["max_iceberg_parts"] = settings.max_iceberg_parts or 0
    row["max_position_lots"] = _at_most(settings.max_position, lot)


def _steps(symbol: str, name: str, step: Decimal | None, unit: Decimal) -> int:
    if step is None:
        return 1
    steps = Fraction(step) / Fraction(unit)
    if steps.denominator != 1 or steps >= MOST_ATOMS:
        raise SettingError(f"{name} {step} is no multiple of {unit}", where=symbol, remedy="give whole steps")
    return int(steps)


def _at_least(amount: Decimal | None, unit: Decimal) -> int:
    return 0 if amount is None else min(MOST_ATOMS - 1, -(-Fraction(amount) // Fraction(unit)))


def _at_most(amount: Decimal | None, unit: Decimal) -> int:
    return 0 if amount is None else min(MAX_QTY_LOTS, max(1, Fraction(amount) // Fraction(unit)))


# --- one filter each --------------------------------------------------------------------------------------------


@kernel(i8(record(FILTERS), i8))
def why_not_price(filters: Any, price_ticks: int) -> int:
    """Reason to refuse a limit or trigger price: not above zero, out of range (``BAD_PRICE``), or ``OFF_TICK``."""
    if price_ticks <= 0 or price_ticks < filters["min_ticks"]:
        return BAD_PRICE
    if filters["max_ticks"] > 0 and price_ticks > filters["max_ticks"]:
        return BAD_PRICE
    if price_ticks % filters["tick_step"] != 0:
        return OFF_TICK
    return PASSED


@kernel(i8(record(FILTERS), i8, i8, i8))
def why_not_band(filters: Any, side: int, price_ticks: int, reference_ticks: int) -> int:
    """``PERCENT_PRICE`` for a limit price too far from the market, each side with its own band.

    Formula: ``reference * down <= price <= reference * up``, exactly. Without a reference (0) nothing is refused:
    a market that never traded has no band.
    """
    if reference_ticks <= 0:
        return PASSED
    up, down = filters["buy_up"], filters["buy_down"]
    if side != BUY:
        up, down = filters["sell_up"], filters["sell_down"]
    if up > 0:
        highest = mul_div(reference_ticks, up, BAND_SCALE, FLOOR)
        if highest != OVERFLOW and price_ticks > highest:
            return PERCENT_PRICE
    if down > 0:
        lowest = mul_div(reference_ticks, down, BAND_SCALE, CEILING)
        if lowest == OVERFLOW or price_ticks < lowest:
            return PERCENT_PRICE
    return PASSED


@kernel(i8(record(FILTERS), i8, b1, b1))
def why_not_quantity(filters: Any, qty_lots: int, is_market: bool, is_reduce_only: bool) -> int:
    """Reason to refuse a quantity: not above zero, below the minimum, above the maximum, or off the step."""
    least, most, step = filters["min_lots"], filters["max_lots"], filters["lot_step"]
    if is_market:
        least, most, step = filters["market_min_lots"], filters["market_max_lots"], filters["market_lot_step"]
    if qty_lots <= 0:
        return BAD_QUANTITY
    if qty_lots < least and not is_reduce_only:
        return BELOW_MIN_LOTS
    if most > 0 and qty_lots > most:
        return ABOVE_MAX_LOTS
    if qty_lots % step != 0:
        return OFF_LOT
    return PASSED


@kernel(i8(record(FILTERS), record(INSTRUMENT), i8, i8, b1))
def why_not_notional(filters: Any, instrument: Any, price_ticks: int, qty_lots: int, is_reduce_only: bool) -> int:
    """Reason to refuse the value of an order at a price, rounded up to an atom; ``TOO_LARGE`` passes 64 bits."""
    notional = notional_atoms(instrument, price_ticks, qty_lots, CEILING)
    if notional == OVERFLOW:
        return TOO_LARGE
    if notional < filters["min_notional_atoms"] and not is_reduce_only:
        return BELOW_MIN_NOTIONAL
    if filters["max_notional_atoms"] > 0 and notional > filters["max_notional_atoms"]:
        return ABOVE_MAX_NOTIONAL
    return PASSED


@kernel(i8(record(FILTERS), i8, i8))
def why_not_iceberg(filters: Any, qty_lots: int, display_lots: int) -> int:
    """Reason to refuse the shown part of an iceberg (0: no iceberg): negative, off the step, or too many parts."""
    if display_lots == 0:
        return PASSED
    if display_lots < 0:
        return BAD_QUANTITY
    if display_lots % filters["lot_step"] != 0:
        return OFF_LOT
    parts = (qty_lots - 1) // display_lots + 1
    if filters["max_iceberg_parts"] > 0 and parts > filters["max_iceberg_parts"]:
        return TOO_MANY_ICEBERG_PARTS
    return PASSED


@kernel(i8(record(FILTERS), record(ORDER_COUNTS), b1))
def why_not_count(filters: Any, counts: Any, is_stop: bool) -> int:
    """Reason to refuse one more order, or one more that waits for a trigger."""
    if filters["max_orders"] > 0 and counts["open_orders"] >= filters["max_orders"]:
        return TOO_MANY_ORDERS
    if is_stop and filters["max_stops"] > 0 and counts["open_stops"] >= filters["max_stops"]:
        return TOO_MANY_STOPS
    return PASSED


@kernel(i8(record(FILTERS), record(ORDER_COUNTS), i8, i8))
def why_not_position(filters: Any, counts: Any, side: int, qty_lots: int) -> int:
    """``POSITION_LIMIT`` where the position, the open orders of this side and this one may come to too much.

    Formula: ``side * net + working of this side + quantity <= max_position``.
    """
    most = filters["max_position_lots"]
    if most == 0:
        return PASSED
    working = counts["working_buy_lots"] if side == BUY else counts["working_sell_lots"]
    room = most - side * counts["net_lots"] - working
    return POSITION_LIMIT if qty_lots > room else PASSED


# --- all of them ------------------------------------------------------------------------------------------------


@kernel(b1(i8))
def waits_for_trigger(order_type: int) -> bool:
    """Whether an order of this type does nothing until a price is reached."""
    return bool(STOP <= order_type <= TRAILING_STOP)


@kernel(b1(i8))
def fills_at_market(order_type: int) -> bool:
    """Whether an order of this type has no limit price."""
    return order_type in (MARKET, STOP, TAKE_PROFIT, TRAILING_STOP)


@kernel(i8(i8, i8, i8, i8))
def price_of_order(order_type: int, limit_ticks: int, stop_ticks: int, market_ticks: int) -> int:
    """Price at which an order's value is judged: its limit, else its trigger, else the market's."""
    if order_type in (LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT):
        return limit_ticks
    if waits_for_trigger(order_type) and stop_ticks > 0:
        return stop_ticks
    return market_ticks


@kernel(i8(record(FILTERS), record(ORDER)))
def why_not_prices(filters: Any, order: Any) -> int:
    """:func:`why_not_price` of the limit, the trigger and the distance of a trailing stop, those that it has."""
    kind = order["type"]
    reason = PASSED
    if not fills_at_market(kind):
        reason = why_not_price(filters, order["limit_ticks"])
    if reason == PASSED and kind == TRAILING_STOP:
        if order["trail_ticks"] <= 0:
            return BAD_PRICE
        if order["stop_ticks"] != 0:
            reason = why_not_price(filters, order["stop_ticks"])
    elif reason == PASSED and waits_for_trigger(kind):
        reason = why_not_price(filters, order["stop_ticks"])
    return int(reason)


@kernel(i8(record(FILTERS), record(INSTRUMENT), record(ORDER), i8, i8))
def why_not_size(filters: Any, instrument: Any, order: Any, qty_lots: int, market_ticks: int) -> int:
    """Quantity, iceberg and value of an order; of one that closes the position none of them is looked at."""
    if order["flags"] & CLOSE_POSITION:
        return PASSED
    is_reduce_only = order["is_reduce_only"] != 0
    reason = why_not_quantity(filters, qty_lots, fills_at_market(order["type"]), is_reduce_only)
    if reason == PASSED:
        reason = why_not_iceberg(filters, qty_lots, order["display_lots"])
    if reason == PASSED:
        price_ticks = price_of_order(order["type"], order["limit_ticks"], order["stop_ticks"], market_ticks)
        if price_ticks > 0:
            reason = why_not_notional(filters, instrument, price_ticks, qty_lots, is_reduce_only)
    return int(reason)


@kernel(i8(record(FILTERS), record(INSTRUMENT), record(ORDER), record(ORDER_COUNTS), i8, i8))
def why_not_filtered(
    filters: Any, instrument: Any, order: Any, counts: Any, market_ticks: int, reference_ticks: int
) -> int:
    """Why a venue's filters refuse an order, or 0: price, quantity, value, band, counts, position, in this order.

    Args:
        filters: of the symbol, from :func:`pack_filters`.
        instrument: of the symbol.
        order: as it was placed; its type, side, prices, quantity, shown part and flags are read.
        counts: what of the symbol is open, :data:`ORDER_COUNTS`, without this order.
        market_ticks: at which a market order's value is judged; 0 judges none.
        reference_ticks: the middle of the percent-price band (last or average trade on spot, mark price on a
            perpetual); 0 for none.

    Returns:
        A :class:`~bot4.domain.venue_reasons.VenueReason`, or 0.
    """
    reason = why_not_prices(filters, order)
    if reason == PASSED:
        reason = why_not_size(filters, instrument, order, order["qty_lots"], market_ticks)
    if reason == PASSED and not fills_at_market(order["type"]):
        reason = why_not_band(filters, order["side"], order["limit_ticks"], reference_ticks)
    if reason == PASSED:
        reason = why_not_count(filters, counts, waits_for_trigger(order["type"]))
    is_closing = order["is_reduce_only"] != 0 or order["flags"] & CLOSE_POSITION != 0
    if reason == PASSED and not is_closing:
        reason = why_not_position(filters, counts, order["side"], order["qty_lots"])
    return int(reason)
