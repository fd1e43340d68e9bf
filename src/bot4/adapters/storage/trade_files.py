"""Public trades from the files that exchanges and recorders have.

The aggressor is taken from a ``side`` of the taker (``buy`` or ``sell``, ``b`` or ``s``, 1 or -1) or from the maker's
flag of Binance: where the buyer was the maker, the seller was the aggressor. Without either it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from bot4.adapters.storage.column_names import (
    AGGRESSOR_COLUMNS,
    SYMBOL_COLUMN,
    TRADE_COLUMNS,
    find_column,
    find_columns,
)
from bot4.adapters.storage.file_names import same_symbol, symbol_from_name
from bot4.adapters.storage.table_files import numbers, read_table
from bot4.adapters.storage.time_columns import utc_ns
from bot4.domain.bars import TradeSeries
from bot4.domain.errors import DataError
from bot4.quant.series.time_grid import utc_text

_BOUGHT = ("buy", "b", "bid", "1", "+1", "buyer")
_SOLD = ("sell", "s", "ask", "-1", "seller")
_TRUE, _FALSE = ("true", "1", "t"), ("false", "0", "f")
_BINANCE_TRADES = ["id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"]
_BINANCE_AGGREGATED = [
    "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker",
    "is_best_match",
]  # fmt: skip
_FREQTRADE_TRADES = ["timestamp", "id", "type", "side", "price", "amount", "cost"]


def read_trades(path: Path | str, symbol: str | None = None) -> TradeSeries:
    """Read the trades of one symbol.

    Trades that are alike in everything are kept: they are fills of one order, not duplicates.

    Args:
        path: Parquet, Feather, CSV or JSON; among others Binance's public ``trades`` and ``aggTrades`` dumps, with
            and without header.
        symbol: as for :func:`bot4.adapters.storage.bar_files.read_bars`.

    Raises:
        StorageError: if the file cannot be opened.
        DataError: if it is no table of trades, goes back in time, or has a price or a quantity that is not a number
            above zero.
    """
    path = Path(path)
    where = str(path)
    frame = read_table(path, _headerless_names, lambda names: list(_needed(names, where)))
    name = symbol or symbol_from_name(path)
    held = find_column(frame.columns, SYMBOL_COLUMN)
    if held is not None:
        frame, name = _only_symbol(frame, held, symbol, where)
    if name is None:
        raise DataError("the symbol cannot be told from the file name", where=where, remedy="name it, such as BTCUSDT")
    if not len(frame):
        raise DataError("the file holds no rows", where=where, remedy="fetch or export it again")
    names = find_columns(frame.columns, TRADE_COLUMNS, where)
    trades = TradeSeries(
        symbol=name,
        ts_ns=utc_ns(frame[names["time"]], where),
        price=numbers(frame[names["price"]], where),
        quantity=numbers(frame[names["quantity"]], where),
        aggressor=_aggressor(frame, where),
    )
    _require_tradeable(trades, where)
    return trades


def _needed(names: Sequence[str], where: str) -> Iterator[str]:
    wanted = list(find_columns(names, TRADE_COLUMNS, where).values())
    for aliases in (SYMBOL_COLUMN, *AGGRESSOR_COLUMNS.values()):
        column = find_column(names, aliases, where)
        if column is not None:
            wanted.append(column)
    yield from dict.fromkeys(wanted)


def _headerless_names(fields: Sequence[str]) -> list[str] | None:
    """Told by width, and by where the maker's flag stands, which is written as text."""
    flags = [position for position, field in enumerate(fields) if field.strip().lower() in ("true", "false")]
    if len(fields) == 7 and not flags and any(_taker_code(field) for field in fields[3:4]):
        return _FREQTRADE_TRADES
    for names in (_BINANCE_TRADES, _BINANCE_AGGREGATED):
        flag = names.index("is_buyer_maker")
        if flags and flags[0] == flag and len(fields) in (flag + 1, flag + 2):
            return names[: len(fields)]
    return None


def _only_symbol(frame: pl.DataFrame, column: str, symbol: str | None, where: str) -> tuple[pl.DataFrame, str]:
    held = frame[column].cast(pl.String)
    names = [str(name) for name in held.unique(maintain_order=True).to_list()]
    if symbol is None and len(names) == 1:
        return frame, names[0]
    wanted = [name for name in names if symbol is not None and same_symbol(name, symbol)]
    if not wanted or symbol is None:
        what = "several symbols and none was named" if symbol is None else f"unknown symbol '{symbol}'"
        raise DataError(what, where=where, remedy=f"it holds {', '.join(names[:12])}")
    return frame.filter(held == wanted[0]), symbol


def _aggressor(frame: pl.DataFrame, where: str) -> npt.NDArray[np.int8]:
    for role, aliases in AGGRESSOR_COLUMNS.items():
        column = find_column(frame.columns, aliases, where)
        if column is None:
            continue
        if role == "buyer_maker":
            return _coded(frame[column], _FALSE, _TRUE, (), where)
        return _coded(frame[column], _BOUGHT, _SOLD, ("0", "unknown"), where)
    return np.zeros(len(frame), dtype=np.int8)


def _coded(
    column: pl.Series, bought: Sequence[str], sold: Sequence[str], unknown: Sequence[str], where: str
) -> npt.NDArray[np.int8]:
    codes = {**dict.fromkeys(bought, 1), **dict.fromkeys(sold, -1), **dict.fromkeys(unknown, 0)}
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    code = text.replace_strict(codes, default=None, return_dtype=pl.Int8)
    if code.has_nulls():
        row = int(code.is_null().arg_max() or 0)
        raise DataError(
            f"column '{column.name}', row {row + 1}: '{column[row]}' is no side",
            where=where,
            remedy=f"write {bought[0]} or {sold[0]}",
        )
    return code.to_numpy(writable=True)


def _taker_code(field: str) -> bool:
    return field.strip().lower() in (*_BOUGHT, *_SOLD)


def _require_tradeable(trades: TradeSeries, where: str) -> None:
    for name, values in (("price", trades.price), ("quantity", trades.quantity)):
        is_wrong = ~(np.isfinite(values) & (values > 0))
        if is_wrong.any():
            row = int(np.argmax(is_wrong))
            raise DataError(
                f"row {row + 1} ({utc_text(int(trades.ts_ns[row]))}): {name} {values[row]:.10g} is not above zero",
                where=where,
                remedy="fetch those trades again or remove the rows",
            )
    is_back = np.diff(trades.ts_ns) < 0
    if is_back.any():
        row = int(np.argmax(is_back)) + 1
        raise DataError(
            f"row {row + 1} ({utc_text(int(trades.ts_ns[row]))}): the trade is earlier than the one above",
            where=where,
            remedy="sort the file by time and id",
        )
