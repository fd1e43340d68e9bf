"""Bars of a venue into the catalogue: what is missing after, and before, the bars that it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bot4.adapters.exchanges.download import DownloadProgress, DownloadReport, download_bars
from bot4.adapters.exchanges.venues import VenueSettings, interval_ns
from bot4.adapters.storage.bar_files import PRICES
from bot4.adapters.storage.catalogue import Catalogue, CatalogueEntry
from bot4.adapters.storage.file_names import same_symbol
from bot4.domain.bars import BarSeries
from bot4.domain.errors import UsageError

Progress = Callable[[DownloadProgress], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be downloaded: bars that open in ``[start_ns, end_ns)``; a start of None goes on from what is held."""

    venue: str
    symbol: str
    interval: str
    start_ns: int | None
    end_ns: int


@dataclass(slots=True)
class _CatalogueSink:
    """Bars go into the catalogue as they come, so that an interrupted download goes on."""

    catalogue: Catalogue
    venue: str
    held: CatalogueEntry | None

    def last_ts_open_ns(self) -> int | None:
        return None if self.held is None else self.held.last_open_ns

    def append(self, bars: BarSeries) -> None:
        self.held = self.catalogue.append(bars, self.venue)


@dataclass(slots=True)
class _Kept:
    """Bars are kept until all have come: a part of them would leave a hole before the bars that are held."""

    parts: list[BarSeries] = field(default_factory=list)

    def last_ts_open_ns(self) -> int | None:
        return None

    def append(self, bars: BarSeries) -> None:
        self.parts.append(bars)

    def whole(self) -> BarSeries:
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(p, name) for p in self.parts]) for name in ("ts_open_ns", *PRICES)
        }
        return replace(self.parts[0], **columns)


def held_entry(catalogue: Catalogue, wanted: Wanted) -> CatalogueEntry | None:
    """What the catalogue holds of the series wanted."""
    length_ns = interval_ns(wanted.interval)
    return next(
        (
            entry
            for entry in catalogue.list()
            if entry.venue == wanted.venue
            and entry.interval_ns == length_ns
            and same_symbol(entry.symbol.replace("_PERP", "PERP"), wanted.symbol.replace("_PERP", "PERP"))
        ),
        None,
    )


def download(
    wanted: Wanted, catalogue: Catalogue, settings: VenueSettings, now_ns: int, progress: Progress | None = None
) -> list[DownloadReport]:
    """Bring the bars wanted into the catalogue; bars that it holds are not fetched again.

    Bars after those held are kept as they come: interrupted, the next call goes on. Bars before those held are kept
    when all of them have come.

    Raises:
        UsageError: no start, and nothing held to go on from; and as :func:`download_bars`.
        Retryable, DataError: as :func:`download_bars`.
        StorageError: the catalogue cannot be written.
    """
    held = held_entry(catalogue, wanted)
    if wanted.start_ns is None and held is None:
        raise UsageError(
            f"no start, and the catalogue holds no {wanted.venue}/{wanted.symbol}/{wanted.interval} to go on from",
            where="--start",
            remedy="give --start, such as 2024-01-01",
        )
    start_ns = wanted.start_ns if wanted.start_ns is not None or held is None else held.first_open_ns
    assert start_ns is not None
    reports = []
    if held is not None and start_ns < held.first_open_ns:
        kept = _Kept()
        before_ns = min(held.first_open_ns, wanted.end_ns)
        reports.append(
            download_bars(
                wanted.venue,
                wanted.symbol,
                wanted.interval,
                start_ns,
                before_ns,
                kept,
                progress,
                now_ns=now_ns,
                settings=settings,
            )
        )
        if kept.parts:
            catalogue.append(kept.whole(), wanted.venue)
    if held is None or wanted.end_ns > held.last_open_ns:
        sink = _CatalogueSink(catalogue, wanted.venue, held)
        reports.append(
            download_bars(
                wanted.venue,
                wanted.symbol,
                wanted.interval,
                start_ns,
                wanted.end_ns,
                sink,
                progress,
                now_ns=now_ns,
                settings=settings,
            )
        )
    return reports
