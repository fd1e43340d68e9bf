"""Numbers and times as a reader of the report sees them: UTC, thousands separators, a true minus sign."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from bot4.research.measures import Measure, Unit

UNDEFINED = "–"
_MINUS = "\u2212"


def number(value: float | None, decimals: int = 2, *, is_signed: bool = False) -> str:
    """``1,234.50``; with ``is_signed`` a plus before gains. A dash where undefined."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{value:{'+' if is_signed else ''},.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", _MINUS)


def percent(fraction: float | None, decimals: int = 2, *, is_signed: bool = False) -> str:
    """``12.34%`` of a fraction."""
    text = number(None if fraction is None else 100.0 * fraction, decimals, is_signed=is_signed)
    return text if text == UNDEFINED else f"{text}%"


def price(value: float) -> str:
    """A price at five or more significant digits, whether of BTC or of SHIB."""
    if value == 0.0 or not math.isfinite(value):
        return number(value)
    return number(value, max(2, 4 - math.floor(math.log10(abs(value)))))


def timestamp(ts_ns: int) -> str:
    """``2023-04-30 23:55`` UTC."""
    return moment(ts_ns).strftime("%Y-%m-%d %H:%M")


def date(ts_ns: int) -> str:
    """``30 Apr 2023`` UTC."""
    when = moment(ts_ns)
    return f"{when.day} {when:%b %Y}"


def moment(ts_ns: int) -> datetime:
    """UTC date and time, to the second."""
    return datetime.fromtimestamp(ts_ns // SECOND_NS, tz=UTC)


def duration(elapsed_ns: int) -> str:
    """The two largest units: ``12 d 4 h``, ``3 h 10 min``, ``45 s``."""
    units = ((DAY_NS, "d"), (HOUR_NS, "h"), (MINUTE_NS, "min"), (SECOND_NS, "s"))
    for position, (unit_ns, name) in enumerate(units):
        if elapsed_ns >= unit_ns:
            whole, rest = divmod(elapsed_ns, unit_ns)
            if position + 1 < len(units) and rest >= units[position + 1][0]:
                return f"{whole:,} {name} {rest // units[position + 1][0]} {units[position + 1][1]}"
            return f"{whole:,} {name}"
    return "0 s"


def measure(definition: Measure, value: float | int | None) -> str:
    """A statistic in the unit of its definition; a dash where undefined."""
    if value is None:
        return UNDEFINED
    match definition.unit:
        case Unit.FRACTION:
            return percent(value)
        case Unit.SIGNED_FRACTION:
            return percent(value, is_signed=True)
        case Unit.QUOTE:
            return number(value, is_signed=True)
        case Unit.COUNT:
            return number(value, 0)
        case Unit.DURATION_NS:
            return duration(int(value))
        case Unit.TIME_NS:
            return timestamp(int(value))
        case Unit.RATIO:
            return number(value)
