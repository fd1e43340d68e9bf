"""The table of instruments: those built in, and those that the user's settings add or change."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from importlib import resources
from typing import Any

from bot4.domain.errors import SettingError, UsageError
from bot4.domain.instruments import Instrument, Universe

_TEXT_FIELDS = ("base", "quote", "sector", "venue")
_DECIMAL_FIELDS = ("tick_size", "lot_size", "min_qty", "min_notional", "maker_fee", "taker_fee", "contract_value")


def built_in_instruments() -> dict[str, Instrument]:
    """The instruments that come with the program, by symbol."""
    table = tomllib.loads(resources.files("bot4.adapters").joinpath("instruments.toml").read_text("utf-8"))
    found = {}
    for kind in ("spot", "perpetual"):
        fees = {name: Decimal(value) for name, value in table["defaults"][kind].items()}
        for symbol, (base, quote, tick, lot) in table[kind].items():
            found[symbol] = Instrument(
                symbol=symbol,
                base=base,
                quote=quote,
                tick_size=Decimal(tick),
                lot_size=Decimal(lot),
                min_qty=Decimal(lot),
                min_notional=fees["min_notional"],
                maker_fee=fees["maker_fee"],
                taker_fee=fees["taker_fee"],
                is_perpetual=kind == "perpetual",
            )
    return found


def universe_of(symbols: Sequence[str], overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Universe:
    """The instruments of the given symbols, in their order.

    Args:
        symbols: as the data name them.
        overrides: by symbol, fields of :class:`~bot4.domain.instruments.Instrument` that add to the table or
            change it, as the settings file gives them (numbers as text, to stay exact).

    Raises:
        UsageError: a symbol that neither the table nor the settings know.
        SettingError: a field that is unknown, missing or not a number.
    """
    known = built_in_instruments()
    given = dict(overrides or {})
    return Universe(tuple(_instrument(symbol, known.get(symbol), given.get(symbol)) for symbol in symbols))


def _instrument(symbol: str, built_in: Instrument | None, override: Mapping[str, Any] | None) -> Instrument:
    if override is None:
        if built_in is None:
            raise UsageError(
                f"no instrument {symbol}",
                remedy=f'give it under [instruments.{symbol}] of the settings file: base, quote, tick_size = "0.01", '
                'lot_size = "0.001"',
            )
        return built_in
    fields: dict[str, Any] = _defaults(symbol) if built_in is None else _fields_of(built_in)
    for name, value in override.items():
        fields[name] = _value(symbol, name, value)
    missing = [name for name in ("base", "quote", "tick_size", "lot_size") if name not in fields]
    if missing:
        raise SettingError(
            f"{missing[0]} is missing", where=f"instruments.{symbol}", remedy="give base, quote, tick_size and lot_size"
        )
    fields.setdefault("min_qty", fields["lot_size"])
    return Instrument(**fields)


def _defaults(symbol: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "min_notional": Decimal(5),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.001"),
        "is_perpetual": symbol.endswith("_PERP"),
    }


def _fields_of(instrument: Instrument) -> dict[str, Any]:
    names = ("symbol", "is_perpetual", *_TEXT_FIELDS, *_DECIMAL_FIELDS)
    return {name: getattr(instrument, name) for name in names}


def _value(symbol: str, name: str, value: Any) -> Any:
    where = f"instruments.{symbol}.{name}"
    if name in _TEXT_FIELDS:
        return str(value)
    if name == "is_perpetual":
        if not isinstance(value, bool):
            raise SettingError(f"{value!r} is not true or false", where=where, remedy="give true or false")
        return value
    if name not in _DECIMAL_FIELDS:
        allowed = ", ".join((*_TEXT_FIELDS, *_DECIMAL_FIELDS, "is_perpetual"))
        raise SettingError("unknown field", where=where, remedy=f"give one of {allowed}")
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise SettingError(f"{value!r} is not a number", where=where, remedy='give a number such as "0.01"') from None
