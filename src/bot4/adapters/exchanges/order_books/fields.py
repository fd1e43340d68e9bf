"""Fields of a venue's JSON as exact integers, and what becomes of a message whose fields cannot be."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec

from bot4.adapters.exchanges.order_books.grid import OffGrid, PriceGrid
from bot4.adapters.exchanges.order_books.messages import BookMessage, Level, LevelText, Malformed

Q = ParamSpec("Q")

NS_PER_MS = 1_000_000
NS_PER_US = 1_000
LARGEST = 10**30
_DECODER = json.JSONDecoder(parse_float=str)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def decoded(text: str) -> Any:
    """JSON whose numbers with a point or an exponent stay text, so that no digit is lost.

    Raises:
        ValueError: it is no JSON.
    """
    return _DECODER.decode(text)


def guarded(symbol: str, make: Callable[[], BookMessage], *, is_of_book: bool = True) -> BookMessage:
    """The message, or :class:`~.messages.Malformed` with what was wrong with its fields."""
    try:
        return make()
    except OffGrid as fault:
        reason = str(fault)
    except KeyError as fault:
        reason = f"field {fault} is missing"
    except _FAULTS as fault:
        reason = f"{type(fault).__name__}: {str(fault)[:80]}"
    return Malformed(symbol, reason, is_of_book=is_of_book)


def never_raising(parse: Callable[Q, list[BookMessage]]) -> Callable[Q, list[BookMessage]]:
    """A parser's ``parse`` that answers a message whose very frame cannot be with :class:`~.messages.Malformed`."""

    @functools.wraps(parse)
    def parsed(*args: Q.args, **kwargs: Q.kwargs) -> list[BookMessage]:
        try:
            return parse(*args, **kwargs)
        except _FAULTS as fault:
            return [Malformed("", f"{type(fault).__name__}: {str(fault)[:80]}")]

    return parsed


def levels(rows: Iterable[Sequence[Any]], grid: PriceGrid) -> list[Level]:
    """Rows that begin with price and quantity, as ticks and lots.

    Raises:
        OffGrid: a price that is not above zero or off its ticks, a quantity below zero or off its lots, either of
            them of 10**30 steps or more.
    """
    found = []
    ticks_of, lots_of = grid.ticks, grid.lots
    for row in rows:
        ticks, lots = ticks_of(row[0]), lots_of(row[1])
        if not 0 < ticks < LARGEST:
            raise OffGrid(f"a price of {row[0]}")
        if not 0 <= lots < LARGEST:
            raise OffGrid(f"a quantity of {row[1]}")
        found.append((ticks, lots))
    return found


def one_price(text: str | int, grid: PriceGrid) -> int:
    """A price above zero in ticks.

    Raises:
        OffGrid: it is none.
    """
    ticks = grid.ticks(text)
    if not 0 < ticks < LARGEST:
        raise OffGrid(f"a price of {text}")
    return ticks


def one_quantity(text: str | int, grid: PriceGrid) -> int:
    """A quantity of zero or more in lots.

    Raises:
        OffGrid: it is none.
    """
    lots = grid.lots(text)
    if not 0 <= lots < LARGEST:
        raise OffGrid(f"a quantity of {text}")
    return lots


def texts(rows: Iterable[Sequence[Any]]) -> list[LevelText]:
    """Price and quantity as printed."""
    return [(str(row[0]), str(row[1])) for row in rows]


def iso_ns(text: str) -> int:
    """UTC nanoseconds of ``2021-04-17T16:43:30.244075Z``.

    Raises:
        ValueError: it is no such time.
    """
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment - _EPOCH) // timedelta(microseconds=1) * NS_PER_US


def seconds_ns(text: str) -> int:
    """UTC nanoseconds of decimal seconds such as ``1618678133.365913``.

    Raises:
        ValueError: it is no number.
    """
    whole, _, part = text.partition(".")
    return int(whole) * 1_000_000_000 + int(part[:9].ljust(9, "0") or 0)
