"""Bars from the files that exchanges, freqtrade and people have, and bars to Parquet.

``docs/data.md`` lists the formats. :func:`read_bars` is strict: it refuses what cannot be traded on without a guess.
:func:`read_unchecked_bars` is for looking at what is wrong with a file and for repairing it by stated policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from bot4.adapters.storage.atomic_files import replace_file
from bot4.adapters.storage.column_names import BAR_COLUMNS, SYMBOL_COLUMN, find_column, find_columns
from bot4.adapters.storage.file_names import interval_from_name, same_symbol, symbol_from_name
from bot4.adapters.storage.table_files import numbers, read_table
from bot4.adapters.storage.time_columns import utc_ns
from bot4.domain.bars import BarSeries
from bot4.domain.errors import DataError
from bot4.quant.series.quality import STRICT, apply_policy
from bot4.quant.series.time_grid import infer_interval_ns, interval_name, utc_text

PRICES = ("open", "high", "low", "close", "volume")
_KLINE = [
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
]  # fmt: skip


def read_bars(
    path: Path | str,
    symbol: str | None = None,
    interval_ns: int | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> BarSeries:
    """Read the bars of one symbol and refuse what cannot be traded on.

    Args:
        path: Parquet, Feather, CSV or JSON.
        symbol: what to call the instrument, and which one to take from a file of several; by default what the
            file's ``symbol`` column or its name says.
        interval_ns: length of a bar; by default the most frequent step, which a name such as ``_5m_`` must confirm.
        start_ns: first open time taken.
        end_ns: first open time no longer taken.

    Raises:
        StorageError: if the file cannot be opened.
        DataError: if it is no table of bars, its symbol or interval cannot be told, or a bar is refused by
            :data:`bot4.quant.series.quality.STRICT`.
    """
    series = read_unchecked_bars(path, symbol, interval_ns)
    cut = _cut(series, start_ns, end_ns, str(path))
    return apply_policy(cut, STRICT, str(path) if cut is series else f"{path} (rows counted within the period)")[0]


def read_unchecked_bars(path: Path | str, symbol: str | None = None, interval_ns: int | None = None) -> BarSeries:
    """Read the bars of one symbol as they stand in the file, defects and all; arguments as :func:`read_bars`."""
    path = Path(path)
    frame = _read_frame(path)
    frame, named = _only_symbol(frame, symbol, str(path))
    marks = _own_marks(path)
    name = symbol or named or marks.get("bot4.symbol") or symbol_from_name(path)
    if name is None:
        raise DataError(
            "the symbol cannot be told from the file name", where=str(path), remedy="name the symbol, such as BTCUSDT"
        )
    series = bars_from_frame(frame, name, interval_ns, str(path), marks.get("bot4.is_synthetic") == "true")
    stated_ns = interval_from_name(path)
    if interval_ns is None and stated_ns is not None and stated_ns != series.interval_ns:
        raise DataError(
            f"its bars are {interval_name(series.interval_ns)} apart but its name says {interval_name(stated_ns)}",
            where=str(path),
            remedy="rename the file or give the interval",
        )
    return series


def read_bar_panel(
    path: Path | str, interval_ns: int | None = None, start_ns: int | None = None, end_ns: int | None = None
) -> dict[str, BarSeries]:
    """Read every symbol of a long-format file with a ``symbol`` column, by symbol, each as :func:`read_bars` does.

    A symbol without a bar between ``start_ns`` and ``end_ns`` is left out; there must be one with some.
    """
    path = Path(path)
    frame = _read_frame(path)
    column = find_column(frame.columns, SYMBOL_COLUMN)
    if column is None:
        raise DataError("no column names the symbol", where=str(path), remedy=f"add one of {', '.join(SYMBOL_COLUMN)}")
    panel: dict[str, BarSeries] = {}
    for symbol in frame[column].cast(pl.String).unique(maintain_order=True).to_list():
        where = f"{path} [{symbol}]"
        series = bars_from_frame(frame.filter(pl.col(column).cast(pl.String) == symbol), symbol, interval_ns, where)
        cut = bars_within(series, start_ns, end_ns)
        if len(cut):
            panel[symbol] = apply_policy(cut, STRICT, where)[0]
    if not panel:
        raise DataError("no bars in the period asked for", where=str(path), remedy="ask for another period")
    return panel


def bars_from_frame(
    frame: pl.DataFrame, symbol: str, interval_ns: int | None = None, where: str = "frame", is_synthetic: bool = False
) -> BarSeries:
    """Bars from the columns of a frame, found by their known names; not checked."""
    names = find_columns(frame.columns, BAR_COLUMNS, where)
    if not len(frame):
        raise DataError("the file holds no rows", where=where, remedy="fetch or export it again")
    ts_open_ns = utc_ns(frame[names["time"]], where)
    if interval_ns is None:
        interval_ns = infer_interval_ns(ts_open_ns, where)
    columns = {role: numbers(frame[names[role]], where) for role in PRICES}
    return BarSeries(
        symbol=symbol, interval_ns=interval_ns, ts_open_ns=ts_open_ns, is_synthetic=is_synthetic, **columns
    )


def frame_from_bars(series: BarSeries) -> pl.DataFrame:
    """The columns ``ts_open`` (UTC, nanoseconds), ``open``, ``high``, ``low``, ``close``, ``volume``."""
    time = pl.Series("ts_open", np.ascontiguousarray(series.ts_open_ns)).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame([time, *(pl.Series(name, getattr(series, name)) for name in PRICES)])


def write_bars(series: BarSeries, path: Path | str, venue: str = "") -> None:
    """Write bars as Parquet, all or nothing; symbol, interval, venue and whether synthetic go into its metadata.

    Raises:
        StorageError: if the folder cannot be written or the disk is full.
    """
    metadata = {
        "bot4.symbol": series.symbol,
        "bot4.interval_ns": str(series.interval_ns),
        "bot4.venue": venue,
        "bot4.is_synthetic": str(series.is_synthetic).lower(),
    }
    frame = frame_from_bars(series)
    replace_file(Path(path), lambda file: frame.write_parquet(file, metadata=metadata))


def _read_frame(path: Path) -> pl.DataFrame:
    return read_table(path, _headerless_names, lambda names: list(_needed(names, str(path))))


def _own_marks(path: Path) -> dict[str, str]:
    """What :func:`write_bars` wrote into the metadata; nothing for other files."""
    try:
        return pl.read_parquet_metadata(path)
    except (PolarsError, OSError):
        return {}


def _needed(names: Sequence[str], where: str) -> Iterator[str]:
    symbol = find_column(names, SYMBOL_COLUMN)
    if symbol is not None:
        yield symbol
    yield from find_columns(names, BAR_COLUMNS, where).values()


def _headerless_names(fields: Sequence[str]) -> list[str] | None:
    """Twelve columns are an exchange's klines, six are freqtrade's and ccxt's rows."""
    return _KLINE[: len(fields)] if len(fields) in (6, 12) else None


def _only_symbol(frame: pl.DataFrame, symbol: str | None, where: str) -> tuple[pl.DataFrame, str | None]:
    column = find_column(frame.columns, SYMBOL_COLUMN)
    if column is None:
        return frame, None
    held = frame[column].cast(pl.String)
    names = held.unique(maintain_order=True).to_list()
    if symbol is None:
        if len(names) > 1:
            raise DataError(
                f"it holds {len(names)} symbols ({', '.join(map(str, names[:8]))})", where=where, remedy="name one"
            )
        return frame, names[0] if names else None
    wanted = [name for name in names if name is not None and (name == symbol or same_symbol(name, symbol))]
    if not wanted:
        raise DataError(
            f"unknown symbol '{symbol}'",
            where=where,
            remedy=f"it holds {', '.join(map(str, names[:12]))}",
        )
    return frame.filter(held == wanted[0]), wanted[0]


def bars_within(series: BarSeries, start_ns: int | None, end_ns: int | None) -> BarSeries:
    """The bars that open from ``start_ns`` up to, not including, ``end_ns``; None leaves an end open."""
    if start_ns is None and end_ns is None:
        return series
    is_taken = np.ones(len(series), dtype=bool)
    if start_ns is not None:
        is_taken &= series.ts_open_ns >= start_ns
    if end_ns is not None:
        is_taken &= series.ts_open_ns < end_ns
    return replace(
        series,
        ts_open_ns=series.ts_open_ns[is_taken],
        **{name: getattr(series, name)[is_taken] for name in PRICES},
    )


def _cut(series: BarSeries, start_ns: int | None, end_ns: int | None, where: str) -> BarSeries:
    cut = bars_within(series, start_ns, end_ns)
    if not len(cut):
        raise DataError(
            f"no bars in the period asked for; it holds {utc_text(int(series.ts_open_ns.min()))}"
            f" to {utc_text(int(series.ts_open_ns.max()))}",
            where=where,
            remedy="ask for another period",
        )
    return cut
