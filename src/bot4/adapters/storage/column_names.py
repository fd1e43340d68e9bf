"""Which column is which: the names that exchanges, libraries and people give to the columns of bars and trades.

A name is compared without regard to case, with blanks and dashes read as underscores. Where a file has several
columns known by one role (``timestamp`` and ``date``), the name that stands first below wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot4.domain.errors import DataError

Aliases = Mapping[str, tuple[str, ...]]

BAR_COLUMNS: Aliases = {
    "time": (
        "ts_open_ns", "open_time", "opentime", "ts_open", "ts", "timestamp", "datetime", "date", "time", "start_time",
        "start", "period_start", "timestamp_ms", "unix", "t", "__index_level_0__",
    ),
    "open": ("open", "open_price", "o"),
    "high": ("high", "high_price", "max", "h"),
    "low": ("low", "low_price", "min", "l"),
    "close": ("close", "close_price", "c"),
    "volume": ("volume", "base_volume", "volume_base", "basevolume", "vol", "v"),
}  # fmt: skip

TRADE_COLUMNS: Aliases = {
    "time": (
        "ts_ns", "transact_time", "trade_time", "ts", "timestamp", "datetime", "date", "time", "timestamp_ms", "t",
    ),
    "price": ("price", "p"),
    "quantity": ("quantity", "qty", "amount", "size", "base_qty", "volume", "q"),
}  # fmt: skip

AGGRESSOR_COLUMNS: Aliases = {
    "aggressor": ("aggressor",),
    "side": ("side", "taker_side", "aggressor_side"),
    "buyer_maker": ("buyer_maker", "is_buyer_maker", "isbuyermaker", "m"),
}

SYMBOL_COLUMN = ("symbol", "pair", "ticker", "instrument")


def normalised(name: str) -> str:
    """A column name as it is compared."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def find_column(names: Sequence[str], aliases: Sequence[str], where: str = "") -> str | None:
    """The name in the file of the first alias that it has.

    Raises:
        DataError: if two columns of the file have that name but for case and blanks.
    """
    for alias in aliases:
        matches = [name for name in names if normalised(name) == alias]
        if len(matches) > 1:
            raise DataError(
                f"columns {' and '.join(repr(name) for name in matches)} are the same but for case or blanks",
                where=where,
                remedy="rename or remove one",
            )
        if matches:
            return matches[0]
    return None


def find_columns(names: Sequence[str], roles: Aliases, where: str) -> dict[str, str]:
    """For every role the name of its column in the file.

    Raises:
        DataError: if a role has no column; says which names are known for it and which columns there are.
    """
    found = {role: find_column(names, aliases, where) for role, aliases in roles.items()}
    missing = [role for role, name in found.items() if name is None]
    if missing:
        known = "; ".join(f"{role}: {', '.join(roles[role][:6])}" for role in missing)
        raise DataError(
            f"no column for {', '.join(missing)} among {', '.join(repr(name) for name in names) or 'none'}",
            where=where,
            remedy=f"rename it to a known name ({known})",
        )
    return {role: name for role, name in found.items() if name is not None}
