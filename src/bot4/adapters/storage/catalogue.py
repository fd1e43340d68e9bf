"""The catalogue: bars under the user's data folder, one Parquet file a venue, symbol and interval.

``<folder>/<venue>/<symbol>/<interval>.parquet``, the symbol percent-encoded where a file name needs it. A file is
replaced whole, so that an interrupted write leaves what was there before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import platformdirs
import polars as pl
from polars.exceptions import PolarsError

from bot4.adapters.storage.bar_files import PRICES, bars_from_frame, bars_within, read_unchecked_bars, write_bars
from bot4.adapters.storage.file_lock import exclusive
from bot4.adapters.storage.file_names import same_symbol
from bot4.adapters.storage.table_files import read_table
from bot4.domain.bars import BarSeries
from bot4.domain.errors import DataError, UsageError
from bot4.quant.series.quality import REPAIR, STRICT, Policies, QualityReport, apply_policy, check_bars
from bot4.quant.series.time_grid import interval_name, parse_interval, utc_text

LOCAL_VENUE = "local"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One series in the catalogue; times are open times."""

    venue: str
    symbol: str
    interval_ns: int
    path: Path
    bars: int
    first_open_ns: int
    last_open_ns: int
    size_bytes: int
    is_synthetic: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "venue": self.venue,
            "symbol": self.symbol,
            "interval": interval_name(self.interval_ns),
            "path": str(self.path),
            "bars": self.bars,
            "first_open": utc_text(self.first_open_ns),
            "last_open": utc_text(self.last_open_ns),
            "size_bytes": self.size_bytes,
            "is_synthetic": self.is_synthetic,
        }


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: ``new_bars`` were not in the catalogue before; ``report`` is of the file as it was."""

    entry: CatalogueEntry
    new_bars: int
    report: QualityReport


def data_folder() -> Path:
    """Where Bot4 keeps the user's data: ``$BOT4_DATA_DIR`` or the user's data folder."""
    override = os.environ.get("BOT4_DATA_DIR")
    return Path(override) if override else Path(platformdirs.user_data_dir("bot4"))


class Catalogue:
    """The bars of a folder; by default ``market`` in :func:`data_folder`."""

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder) if folder is not None else data_folder() / "market"

    def path(self, symbol: str, interval_ns: int, venue: str) -> Path:
        """Where a series is, or would be."""
        return self.folder / _folder_name(venue, "venue") / _folder_name(symbol, "symbol") / _file_name(interval_ns)

    def import_file(
        self,
        path: Path | str,
        symbol: str | None = None,
        interval_ns: int | None = None,
        venue: str = LOCAL_VENUE,
        policies: Policies = REPAIR,
    ) -> Imported:
        """Read a file, mend what the policies mend, and merge it into the catalogue.

        Raises:
            StorageError: if the file cannot be read or the catalogue not written.
            DataError: if the file cannot be used, or contradicts bars that the catalogue holds.
        """
        series, report = apply_policy(read_unchecked_bars(path, symbol, interval_ns), policies, str(path))
        entry, new_bars = self._merge(series, venue, str(path))
        return Imported(entry, new_bars, report)

    def append(self, series: BarSeries, venue: str = LOCAL_VENUE) -> CatalogueEntry:
        """Merge bars into the catalogue; where they overlap with bars in it they must be equal.

        Raises:
            StorageError: if the catalogue cannot be written.
            DataError: if a bar is unusable, or differs from the one in the catalogue.
        """
        series, _ = apply_policy(series, STRICT)
        return self._merge(series, venue, series.symbol)[0]

    def list(self) -> list[CatalogueEntry]:
        """Every series in the catalogue, by venue, symbol and interval.

        Raises:
            DataError: if a file in it is damaged.
        """
        entries = [self._entry(path) for path in self._paths()]
        return sorted(entries, key=lambda entry: (entry.venue, entry.symbol, entry.interval_ns))

    def load(
        self,
        symbol: str,
        interval_ns: int,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> BarSeries:
        """The bars of a symbol that open from ``start_ns`` up to, not including, ``end_ns``.

        Args:
            symbol: as in the catalogue, or another spelling of it (``BTC/USDT`` for ``BTCUSDT``).
            interval_ns: length of a bar.
            venue: needed only where several venues hold the symbol.
            start_ns: first open time taken.
            end_ns: first open time no longer taken.

        Raises:
            DataError: if there is no such series, several, no bar in the period, or the file is damaged.
        """
        path = self._find(symbol, interval_ns, venue)
        held = _read(path)
        series = bars_within(held, start_ns, end_ns)
        if not len(series):
            raise DataError(
                f"no bars in the period asked for; it holds {utc_text(int(held.ts_open_ns[0]))}"
                f" to {utc_text(int(held.ts_open_ns[-1]))}",
                where=str(path),
                remedy="ask for another period or download it",
            )
        return apply_policy(series, STRICT, str(path))[0]

    def check(self, symbol: str, interval_ns: int, venue: str | None = None) -> QualityReport:
        """What is wrong with a series; errors as :meth:`load`."""
        return check_bars(_read(self._find(symbol, interval_ns, venue)))

    def _merge(self, series: BarSeries, venue: str, where: str) -> tuple[CatalogueEntry, int]:
        path = self.path(series.symbol, series.interval_ns, venue)
        with exclusive(path.with_name(f".{path.name}.lock")):
            held = _read(path) if path.exists() else None
            merged = series if held is None else _merged(held, series, where)
            new_bars = len(merged) - (0 if held is None else len(held))
            if new_bars:
                write_bars(merged, path, venue)
        return self._entry(path), new_bars

    def _paths(self) -> Iterator[Path]:
        for path in sorted(self.folder.glob("*/*/*.parquet")):
            if not path.name.startswith("."):
                yield path

    def _entry(self, path: Path) -> CatalogueEntry:
        time = pl.col("ts_open").to_physical()
        try:
            with path.open("rb") as file:  # opened once: the path may be another file by its second opening
                extent = pl.scan_parquet(file).select(pl.len(), time.first().alias("first"), time.last().alias("last"))
                bars, first, last = extent.collect().row(0)
                size_bytes = os.fstat(file.fileno()).st_size
        except (PolarsError, OSError) as error:
            raise _damaged(path, error) from error
        return CatalogueEntry(
            venue=unquote(path.parent.parent.name),
            symbol=unquote(path.parent.name),
            interval_ns=parse_interval(path.stem),
            path=path,
            bars=bars,
            first_open_ns=first,
            last_open_ns=last,
            size_bytes=size_bytes,
            is_synthetic=_is_synthetic(path),
        )

    def _find(self, symbol: str, interval_ns: int, venue: str | None) -> Path:
        name = _file_name(interval_ns)
        of_symbol = [path for path in self._paths() if same_symbol(unquote(path.parent.name), symbol)]
        exact = [path for path in of_symbol if unquote(path.parent.name) == symbol]
        found = [
            path
            for path in (exact or of_symbol)
            if path.name == name and (venue is None or unquote(path.parent.parent.name) == venue)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            venues = ", ".join(unquote(path.parent.parent.name) for path in found)
            raise DataError(
                f"several venues hold {symbol} {interval_name(interval_ns)}: {venues}", remedy="name the venue"
            )
        what = f"{symbol} {interval_name(interval_ns)}" + (f" of {venue}" if venue else "")
        offered = of_symbol or list(self._paths())
        held = ", ".join(sorted({f"{unquote(p.parent.name)} {p.stem}" for p in offered})[:12])
        raise DataError(
            f"no {what} in the catalogue",
            where=str(self.folder),
            remedy=f"it holds {held}" if held else "it is empty; import or download some",
        )


def _file_name(interval_ns: int) -> str:
    return f"{interval_name(interval_ns)}.parquet"


def _folder_name(name: str, what: str) -> str:
    encoded = quote(name, safe="")
    if not encoded or encoded.startswith("."):
        raise UsageError(f"'{name}' cannot be the name of a {what}", remedy="use letters, digits, '_', '-' and '/'")
    return encoded


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"the file is damaged ({str(error).splitlines()[0]})", where=str(path), remedy="remove it and import again"
    )


def _read(path: Path) -> BarSeries:
    frame = read_table(path, lambda _fields: None, lambda _names: ["ts_open", *PRICES])
    return bars_from_frame(
        frame, unquote(path.parent.name), parse_interval(path.stem), str(path), is_synthetic=_is_synthetic(path)
    )


def _is_synthetic(path: Path) -> bool:
    try:
        return pl.read_parquet_metadata(path).get("bot4.is_synthetic") == "true"
    except (PolarsError, OSError) as error:
        raise _damaged(path, error) from error


def _merged(held: BarSeries, added: BarSeries, where: str) -> BarSeries:
    """Both in one, oldest first."""
    if held.is_synthetic != added.is_synthetic:
        raise DataError(
            "synthetic and real bars cannot be one series", where=where, remedy="import the synthetic ones as a venue"
        )
    position = np.searchsorted(held.ts_open_ns, added.ts_open_ns)
    inside = np.minimum(position, len(held) - 1)
    is_held = held.ts_open_ns[inside] == added.ts_open_ns
    for name in PRICES:
        differs = is_held & (getattr(held, name)[inside] != getattr(added, name))
        if differs.any():
            row = int(np.argmax(differs))
            raise DataError(
                f"{name} of {utc_text(int(added.ts_open_ns[row]))} is {getattr(added, name)[row]:.10g},"
                f" but {getattr(held, name)[inside[row]]:.10g} in the catalogue",
                where=where,
                remedy="decide which is right; remove the file from the catalogue or the rows from the import",
            )
    rows = np.flatnonzero(~is_held)
    order = np.argsort(np.concatenate([held.ts_open_ns, added.ts_open_ns[rows]]), kind="stable")

    def column(name: str) -> Any:
        return np.concatenate([getattr(held, name), getattr(added, name)[rows]])[order]

    merged = replace(held, **{name: column(name) for name in ("ts_open_ns", *PRICES)})
    return apply_policy(merged, STRICT, where)[0]
