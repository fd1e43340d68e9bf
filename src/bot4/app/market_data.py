"""Market data as a user names it: files, and series of the catalogue, several of one symbol joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bot4.adapters.storage.bar_files import PRICES, read_bars
from bot4.adapters.storage.catalogue import Catalogue, CatalogueEntry
from bot4.adapters.storage.file_names import same_symbol, symbol_from_name
from bot4.adapters.storage.table_files import numbers, read_table
from bot4.adapters.storage.time_columns import utc_ns
from bot4.adapters.storage.trade_files import read_trades
from bot4.domain.bars import SECOND_NS, BarSeries, TradeSeries
from bot4.domain.errors import DataError, UsageError
from bot4.pipeline.market import FundingSeries
from bot4.quant.series.synthetic import synthetic_bars
from bot4.quant.series.time_grid import interval_name, parse_interval, utc_text
from bot4.research.backtest import Series

SYNTHETIC_SYMBOL = "SYNTH"

Events = TypeVar("Events", TradeSeries, FundingSeries)

_INTERVAL = re.compile(r"[1-9][0-9]*[smhdw]")
_FUNDING_TIME = ("ts", "time", "timestamp", "funding_time", "fundingTime", "calc_time")
_FUNDING_RATE = ("funding_rate", "fundingRate", "last_funding_rate", "rate")


def load_series(
    bars: Sequence[str],
    trades: Sequence[Path] = (),
    funding: Sequence[Path] = (),
    *,
    symbol: str | None = None,
    market_folder: Path | None = None,
) -> list[Series]:
    """Read what a run is given.

    Args:
        bars: files, or names of the catalogue such as ``BTCUSDT`` or ``binance/BTCUSDT/1h``.
        trades: files of trades; their symbols need bars.
        funding: files of funding; their symbols need bars.
        symbol: what the files of bars are called, and which symbol to take from a file of several.
        market_folder: of the catalogue; by default the user's.

    Raises:
        DataError: a file that cannot be used, parts of one symbol that contradict each other, no such series, or
            trades or funding of another time than the bars.
        StorageError: a file that cannot be opened.
        UsageError: trades or funding of a symbol without bars.
    """
    catalogue = Catalogue(market_folder)
    by_symbol: dict[str, list[tuple[str, BarSeries]]] = {}
    for name in bars:
        one = _bars(name, symbol, catalogue)
        by_symbol.setdefault(one.symbol, []).append((name, one))
    whole = {name: _joined(parts) for name, parts in by_symbol.items()}
    known = list(whole)
    beside: list[Series] = []
    for path in trades:
        traded = read_trades(path, _matching(path, known))
        beside.append(_beside(traded, whole[_one_of(traded.symbol, known, path)], path))
    for path in funding:
        paid = read_funding(path, _matching(path, known))
        beside.append(_beside(paid, whole[_one_of(paid.symbol, known, path)], path))
    return [*whole.values(), *beside]


def synthetic_series(n: int, seed: int, interval: str) -> BarSeries:
    """``n`` bars of the built-in synthetic market."""
    return synthetic_bars(seed, n, parse_interval(interval), symbol=SYNTHETIC_SYMBOL)


def is_file_name(name: str) -> bool:
    """Whether a name means a file (it exists, or ends like one) and not a series of the catalogue."""
    return Path(name).exists() or bool(Path(name).suffix)


def find_entry(name: str, catalogue: Catalogue) -> CatalogueEntry:
    """The series of the catalogue that a name means: ``BTCUSDT``, ``BTCUSDT/1h``, ``binance/BTCUSDT/1h``.

    Raises:
        DataError: there is none.
        UsageError: there are several.
    """
    parts = name.split("/")
    interval = parse_interval(parts.pop()) if len(parts) > 1 and _INTERVAL.fullmatch(parts[-1]) else None
    entries = catalogue.list()
    found = [entry for entry in entries if interval in (None, entry.interval_ns) and _is_named(entry, parts)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{name!r} names {len(found)} series", remedy=f"give one of {', '.join(map(entry_name, found[:8]))}"
        )
    held = ", ".join(entry_name(entry) for entry in entries[:8])
    raise DataError(
        "no such file, and no series of that name in the catalogue",
        where=name,
        remedy=f"the catalogue holds {held}" if held else "check the path; the catalogue is empty (`bot4 data import`)",
    )


def entry_name(entry: CatalogueEntry) -> str:
    """The full name of a series: ``binance/BTCUSDT/1h``."""
    return f"{entry.venue}/{entry.symbol}/{interval_name(entry.interval_ns)}"


def read_funding(path: Path, symbol: str | None = None) -> FundingSeries:
    """Read the funding of one perpetual: a column of times and one of rates (fraction an interval, longs pay).

    Exchanges stamp a settlement a few milliseconds late; times are rounded to the second, so that it falls on the
    close of the bar that it belongs to.

    Raises:
        StorageError: the file cannot be opened.
        DataError: it is no table of funding, its symbol cannot be told, a rate is no fraction, or times go back.
    """
    where = str(path)
    frame = read_table(path, lambda _fields: None, lambda names: list(_funding_columns(names, where)))
    if not len(frame):
        raise DataError("the file holds no rows", where=where, remedy="fetch or export it again")
    name = symbol or symbol_from_name(path)
    if name is None:
        raise DataError("the symbol cannot be told from the file name", where=where, remedy="name it SYMBOL_funding")
    time, rate = _funding_columns(frame.columns, where)
    exact_ns, rates = utc_ns(frame[time], where), numbers(frame[rate], where)
    ts_ns = (exact_ns + SECOND_NS // 2) // SECOND_NS * SECOND_NS
    is_bad = ~(np.abs(rates) < 1.0)
    if is_bad.any():
        row = int(np.argmax(is_bad))
        raise DataError(f"row {row + 1}: the rate {rates[row]:g} is no fraction", where=where, remedy="correct the row")
    is_back = np.diff(ts_ns) <= 0
    if is_back.any():
        row = int(np.argmax(is_back)) + 1
        raise DataError(
            f"row {row + 1} ({utc_text(int(exact_ns[row]))}) is not later than the one above",
            where=where,
            remedy="sort the file and remove repeated rows",
        )
    return FundingSeries(name, ts_ns, rates)


def _bars(name: str, symbol: str | None, catalogue: Catalogue) -> BarSeries:
    if is_file_name(name):
        return read_bars(Path(name), symbol)
    entry = find_entry(name, catalogue)
    return catalogue.load(entry.symbol, entry.interval_ns, entry.venue)


def _is_named(entry: CatalogueEntry, parts: list[str]) -> bool:
    if same_symbol(entry.symbol, "/".join(parts)):
        return True
    return len(parts) > 1 and entry.venue == parts[0] and same_symbol(entry.symbol, "/".join(parts[1:]))


def _joined(parts: list[tuple[str, BarSeries]]) -> BarSeries:
    """Parts of one symbol as one series, oldest first; rows that repeat must be equal."""
    parts = sorted(parts, key=lambda part: int(part[1].ts_open_ns[0]))
    name, whole = parts[0]
    for other, part in parts[1:]:
        if part.interval_ns != whole.interval_ns:
            raise UsageError(
                f"{whole.symbol} has bars of {interval_name(whole.interval_ns)} in {name}"
                f" and of {interval_name(part.interval_ns)} in {other}",
                remedy="give files of one interval",
            )
        if part.is_synthetic != whole.is_synthetic:
            raise DataError("synthetic and real bars cannot be one series", where=other, remedy="run them apart")
        whole = _appended(whole, part, name, other)
        name = other
    return whole


def _appended(whole: BarSeries, part: BarSeries, name: str, other: str) -> BarSeries:
    at = np.minimum(np.searchsorted(whole.ts_open_ns, part.ts_open_ns), len(whole) - 1)
    is_held = whole.ts_open_ns[at] == part.ts_open_ns
    for column in PRICES:
        differs = is_held & (getattr(whole, column)[at] != getattr(part, column))
        if differs.any():
            row = int(np.argmax(differs))
            raise DataError(
                f"{column} of {part.symbol} at {utc_text(int(part.ts_open_ns[row]))} is "
                f"{getattr(part, column)[row]:.10g}, but {getattr(whole, column)[at[row]]:.10g} in {name}",
                where=other,
                remedy="files of one symbol are joined, and may overlap only where they agree",
            )
    order = np.argsort(np.concatenate([whole.ts_open_ns, part.ts_open_ns[~is_held]]), kind="stable")

    def column_of(column: str) -> Any:
        return np.concatenate([getattr(whole, column), getattr(part, column)[~is_held]])[order]

    return replace(whole, **{column: column_of(column) for column in ("ts_open_ns", *PRICES)})


def _beside(series: Events, bars: BarSeries, path: Path) -> Events:
    """The trades or the funding while there are bars; before and after them there is nothing to trade on."""
    first_ns, last_ns = int(bars.ts_open_ns[0]), int(bars.ts_open_ns[-1]) + bars.interval_ns
    is_kept = (series.ts_ns > first_ns) & (series.ts_ns <= last_ns)
    if not is_kept.any():
        raise DataError(
            f"nothing in it lies between {utc_text(first_ns)} and {utc_text(last_ns)}, where {bars.symbol} has bars",
            where=str(path),
            remedy="give a file of that period",
        )
    columns: dict[str, Any] = {
        name: getattr(series, name)[is_kept]
        for name in ("ts_ns", "rate", "price", "quantity", "aggressor")
        if hasattr(series, name)
    }
    return replace(series, symbol=bars.symbol, **columns)


def _matching(path: Path, known: Sequence[str]) -> str | None:
    """The symbol to give a file whose name says none: the only one there is."""
    return known[0] if symbol_from_name(path) is None and len(known) == 1 else None


def _one_of(symbol: str, known: Sequence[str], path: Path) -> str:
    match = next((name for name in known if same_symbol(name, symbol)), None)
    if match is None:
        raise UsageError(
            f"it is of {symbol}, but there are bars of {', '.join(known)}", where=str(path), remedy="give its bars too"
        )
    return match


def _funding_columns(names: Sequence[str], where: str) -> tuple[str, str]:
    found = [next((n for n in wanted if n in names), None) for wanted in (_FUNDING_TIME, _FUNDING_RATE)]
    for name, wanted in zip(found, (_FUNDING_TIME, _FUNDING_RATE), strict=True):
        if name is None:
            raise DataError(
                f"no column is one of {', '.join(wanted)}; it has {', '.join(names[:12])}",
                where=where,
                remedy="name the columns ts and funding_rate",
            )
    return str(found[0]), str(found[1])
