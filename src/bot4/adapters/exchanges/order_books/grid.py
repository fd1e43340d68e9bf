"""From printed decimals to integer ticks and lots and back, exactly: no float is ever made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from bot4.domain.errors import SettingError

_PLAIN = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{0,40})?")
_SCIENTIFIC = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{0,40})?[eE][+-]?[0-9]{1,2}")
_REMEMBERED = 200_000
FIXED_POINT = Decimal("1e-10"), Decimal("1e-8")
"""Tick and lot that hold every price of ten decimals and every quantity of eight: exact, not the exchange's grid."""


class OffGrid(ValueError):
    """A text that is no number, or lies between two steps of the grid."""


class _Steps:
    """One step size, as ``step_units`` units of ``10 ** -decimals``."""

    __slots__ = ("_known", "decimals", "step", "step_units")

    def __init__(self, step: Decimal) -> None:
        if not (step.is_finite() and step > 0):
            raise SettingError(f"a step of {step}", where="price grid", remedy="give a step above zero")
        self.step = step
        self.decimals = max(0, -int(step.normalize().as_tuple().exponent))
        self.step_units = int(step.scaleb(self.decimals))
        self._known: dict[str | int, int] = {}

    def count(self, text: str | int) -> int:
        """How many steps a printed number is."""
        known = self._known.get(text)
        if known is not None:
            return known
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[text] = found = self._count(text)
        return found

    def _count(self, text: str | int) -> int:
        if type(text) is int:
            plain = str(text)
        elif isinstance(text, str) and _PLAIN.fullmatch(text):
            plain = text
        elif isinstance(text, str) and _SCIENTIFIC.fullmatch(text):
            plain = f"{Decimal(text):f}"
        else:
            raise OffGrid(f"{str(text)[:40]!r} is no number")
        whole, _, part = plain.partition(".")
        if part[self.decimals :].strip("0"):
            raise OffGrid(f"{plain} is not on the grid of {self.step:f}")
        units = int(whole + part[: self.decimals].ljust(self.decimals, "0"))
        steps, rest = divmod(units, self.step_units)
        if rest:
            raise OffGrid(f"{plain} is not on the grid of {self.step:f}")
        return steps


class PriceGrid:
    """The steps in which a symbol's prices and quantities are counted.

    Attributes:
        tick: quote currency a tick.
        lot: base currency (or contracts) a lot.
        ticks: from a printed price to ticks. Raises :class:`OffGrid` where it is no number or lies between ticks.
        lots: from a printed quantity to lots, likewise.

    Raises:
        SettingError: a step that is not above zero.
    """

    __slots__ = ("lot", "lots", "tick", "ticks")

    def __init__(self, tick: Decimal, lot: Decimal) -> None:
        self.tick = tick
        self.lot = lot
        self.ticks = _Steps(tick).count
        self.lots = _Steps(lot).count

    def price(self, ticks: int) -> Decimal:
        """Ticks as a price, exactly."""
        return self.tick * ticks

    def quantity(self, lots: int) -> Decimal:
        """Lots as a quantity, exactly."""
        return self.lot * lots

    def price_text(self, ticks: int) -> str:
        """Ticks as a price in full, without trailing zeros."""
        return decimal_text(self.price(ticks))

    def quantity_text(self, lots: int) -> str:
        """Lots as a quantity in full, without trailing zeros."""
        return decimal_text(self.quantity(lots))


class Grids:
    """The grid of every symbol of a stream.

    Args:
        known: by the exchange's spelling of the symbol.
        default: for the others; by default a fixed point that holds all that exchanges print.
    """

    def __init__(self, known: Mapping[str, PriceGrid] | None = None, default: PriceGrid | None = None) -> None:
        self._known = dict(known or {})
        self._default = default or PriceGrid(*FIXED_POINT)

    def of(self, symbol: str) -> PriceGrid:
        """The grid of a symbol."""
        return self._known.get(symbol, self._default)


def decimal_text(value: Decimal) -> str:
    """A decimal in full, without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
