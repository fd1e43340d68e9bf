"""What a run is: instruments, strategies, settings and the bars' interval, in a form that a journal can hold.

A journal is self-contained: a plan written into its header, the source of a user's strategy file included, is
enough to put the same machine together again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot4 import __version__
from bot4.domain.errors import DataError
from bot4.domain.events import EVENT_VERSION
from bot4.domain.instruments import Instrument, Universe
from bot4.engine.machine import Machine, assemble
from bot4.engine.settings import RunSettings
from bot4.kernel import WarmUpStep
from bot4.pipeline.strategies.registry import ResolvedStrategy, find, get, load_file, resolve


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """A strategy as the user named it.

    Attributes:
        name: a built-in strategy, or the path of a user's file.
        parameters: those that differ from the defaults.
        source: text of the user's file; empty for a built-in strategy.
    """

    name: str
    parameters: Mapping[str, float]
    source: str = ""

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, Any] | None = None) -> StrategyChoice:
        """The choice of a name or a path; a user's file is read now, so that the run holds what it ran.

        Raises:
            DataError: the file is missing or holds no usable strategy.
            SettingError: no such strategy, or a parameter out of its bounds.
        """
        resolve(find(name), parameters)
        source = Path(name).read_text("utf-8") if name.endswith(".py") else ""
        return cls(name, dict(parameters or {}), source)

    def resolved(self) -> ResolvedStrategy:
        """The strategy, its parameters and indicators settled."""
        if not self.source:
            return resolve(get(self.name), self.parameters)
        return resolve(load_file(_materialised(self.name, self.source)), self.parameters)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything that decides what a run does with the events it is given."""

    universe: Universe
    strategies: tuple[StrategyChoice, ...]
    settings: RunSettings
    interval_ns: int
    trades_symbols: tuple[str, ...] = ()
    is_synthetic: bool = False

    def machine(self, progress: Callable[[WarmUpStep], None] | None = None) -> Machine:
        """A fresh machine."""
        return assemble(
            self.universe,
            [choice.resolved() for choice in self.strategies],
            self.settings,
            self.interval_ns,
            trades_symbols=self.trades_symbols,
            progress=progress,
        )

    def header(self, kind: str, notes: Sequence[str] = ()) -> dict[str, Any]:
        """The plan as plain values for a journal's header.

        Args:
            kind: ``backtest`` or ``paper``.
            notes: what a reader should know of the data.
        """
        return {
            "kind": kind,
            "bot4": __version__,
            "event_version": EVENT_VERSION,
            "interval_ns": self.interval_ns,
            "is_synthetic": self.is_synthetic,
            "trades_symbols": list(self.trades_symbols),
            "instruments": [_plain(instrument) for instrument in self.universe.instruments],
            "other_assets": list(self.universe.other_assets),
            "strategies": [dataclasses.asdict(choice) for choice in self.strategies],
            "settings": self.settings.model_dump(mode="json"),
            "notes": list(notes),
        }

    @classmethod
    def from_header(cls, header: Mapping[str, Any], where: str = "journal") -> RunPlan:
        """The plan that a journal's header describes.

        Raises:
            DataError: the header is of another version of events.
        """
        if header.get("event_version") != EVENT_VERSION:
            raise DataError(
                f"its events are of version {header.get('event_version')}, this program's of {EVENT_VERSION}",
                where=where,
                remedy=f"use the version of Bot4 that wrote it ({header.get('bot4', 'unknown')})",
            )
        return cls(
            universe=Universe(
                tuple(_instrument(item) for item in header["instruments"]), tuple(header.get("other_assets", ()))
            ),
            strategies=tuple(StrategyChoice(**item) for item in header["strategies"]),
            settings=RunSettings.model_validate(header["settings"]),
            interval_ns=int(header["interval_ns"]),
            trades_symbols=tuple(header["trades_symbols"]),
            is_synthetic=bool(header["is_synthetic"]),
        )


_DECIMALS = ("tick_size", "lot_size", "min_qty", "min_notional", "maker_fee", "taker_fee", "contract_value")


def _plain(instrument: Instrument) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in dataclasses.asdict(instrument).items()
        if value is not None
    }


def _instrument(item: Mapping[str, Any]) -> Instrument:
    fields: dict[str, Any] = {name: Decimal(value) if name in _DECIMALS else value for name, value in item.items()}
    return Instrument(**fields)


def _materialised(name: str, source: str) -> Path:
    """The file of a strategy's source: the user's own while it is unchanged, else a copy named by its digest."""
    path = Path(name)
    if path.is_file() and path.read_text("utf-8") == source:
        return path
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"bot4-strategy-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / path.name
    if not copy.is_file() or copy.read_text("utf-8") != source:
        copy.write_text(source, "utf-8")
    return copy
