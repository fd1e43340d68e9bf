"""The bounds that a venue's settings are held to, with one wording for all of them."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from bot4.domain.errors import SettingError

Number = TypeVar("Number", int, Decimal)


def check_between(where: str, name: str, value: Number, low: Number, high: Number, unit: str) -> None:
    """Refuse a setting outside ``low`` to ``high``, both allowed.

    Raises:
        SettingError: where the value is out of bounds, or not a number.
    """
    if isinstance(value, Decimal) and not value.is_finite():
        raise SettingError(f"{name} is {value}", where=where, remedy=f"give a number of {unit}")
    if not low <= value <= high:
        raise SettingError(f"{name} is {value}", where=where, remedy=f"give {low} to {high} {unit}")


def check_rising(where: str, name: str, values: list[Number]) -> None:
    """Refuse a table whose rows do not rise strictly.

    Raises:
        SettingError: where a value is not above the one before it.
    """
    for before, after in pairwise(values):
        if after <= before:
            raise SettingError(f"{name} {after} stands after {before}", where=where, remedy="order the rows, rising")


def whole_parts(where: str, name: str, value: Decimal, scale: int) -> int:
    """A fraction as a whole number of parts of ``scale``.

    Raises:
        SettingError: where the fraction is finer than one part.
    """
    parts = value * scale
    if parts != int(parts):
        raise SettingError(f"{name} is {value}", where=where, remedy=f"give a multiple of {Decimal(1) / scale}")
    return int(parts)
