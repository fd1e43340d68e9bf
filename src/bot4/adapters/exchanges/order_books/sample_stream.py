"""A recorded stream of a market that never was, in the form of Binance's USD-M futures, faults included.

It lets a newcomer and the tests replay a book without recorded data. The market is
:class:`~bot4.quant.series.synthetic_book.SyntheticBook`; the same seed gives the same lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.domain.events import IS_BOOK_RESET, TRADE
from bot4.domain.orders import BUY, SELL
from bot4.quant.series.synthetic_book import DEFAULT_BOOK, SyntheticBook, SyntheticBookParameters

FAULTS = ("gap", "duplicate", "reorder", "crossed", "garbage")
_SYMBOL = "SYNTHUSDT"
_TICK, _LOT = Decimal("0.10"), Decimal("0.001")
_START_NS = 1_735_689_600_000_000_000
_STEP_NS = 100_000_000
_DELAY_NS = 3_000_000
_SNAPSHOT_AFTER = 3
_RESYNC_STEPS = 10


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """What the sample holds.

    Attributes:
        seconds: of market, 1 to 86,400.
        seed: equal seeds give equal lines.
        faults: of :data:`FAULTS`, spread evenly over the middle of the recording, each once. After a fault that costs
            the book a fresh snapshot follows a second later.
    """

    seconds: int = 120
    seed: int = 7
    faults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= 86_400:
            raise SettingError(f"{self.seconds} seconds", where="sample stream", remedy="give 1 to 86,400")
        unknown = [fault for fault in self.faults if fault not in FAULTS]
        if unknown:
            raise SettingError(
                f"no fault {unknown[0]!r}", where="sample stream", remedy=f"give one of {', '.join(FAULTS)}"
            )


class _Scribe:
    """Writes the market's events as the exchange's messages; keeps what a snapshot needs."""

    def __init__(self, settings: SampleSettings) -> None:
        parameters = SyntheticBookParameters(
            volatility_per_year=1.5, n_levels=60, gap_share=DEFAULT_BOOK.gap_share, trades_per_s=8.0,
            changes_per_s=120.0, level_value=40_000.0,
        )  # fmt: skip
        self.market = SyntheticBook(0, 600_000, float(_TICK), float(_LOT), settings.seed, parameters)
        self.levels: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self.update_id = 1_000
        self.previous_id = 1_000
        self.trade_id = 1
        self.jitter = np.random.Generator(np.random.PCG64([settings.seed, 99]))

    def messages(self, events: npt.NDArray[np.void], ts_ns: int) -> list[dict[str, Any]]:
        """Trades first, then one difference and the best prices after it."""
        written: list[dict[str, Any]] = []
        changed: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        ms = ts_ns // 1_000_000
        for event in events:
            if event["kind"] == TRADE:
                written.append(self._trade(event, ms))
                continue
            side, ticks = int(event["level_side"]), int(event["level_ticks"])
            if event["flags"] & IS_BOOK_RESET:
                self._forget(changed)
            changed[side][ticks] = lots = round(float(event["level_quantity"]) / float(_LOT))
            self._put(side, ticks, lots)
        if not changed[BUY] and not changed[SELL]:
            return written
        first = self.update_id + 1
        self.update_id += len(changed[BUY]) + len(changed[SELL])
        difference = {
            "e": "depthUpdate", "E": ms, "T": ms, "s": _SYMBOL, "U": first, "u": self.update_id,
            "pu": self.previous_id, "b": _rows(changed[BUY], BUY), "a": _rows(changed[SELL], SELL),
        }  # fmt: skip
        self.previous_id = self.update_id
        return [*written, _in_stream("depth@0ms", difference), self._best(ms)]

    def snapshot(self, ts_ns: int) -> dict[str, Any]:
        """The answer by REST."""
        ms = ts_ns // 1_000_000
        return {
            "lastUpdateId": self.update_id, "E": ms, "T": ms,
            "bids": _rows(self.levels[BUY], BUY), "asks": _rows(self.levels[SELL], SELL),
        }  # fmt: skip

    def crossed(self, ts_ns: int) -> dict[str, Any]:
        """A difference that puts a bid above the best ask and never takes it back."""
        ms, price = ts_ns // 1_000_000, min(self.levels[SELL]) + 5
        self.update_id += 1
        difference = {
            "e": "depthUpdate", "E": ms, "T": ms, "s": _SYMBOL, "U": self.update_id, "u": self.update_id,
            "pu": self.previous_id, "b": _rows({price: 1_000}, BUY), "a": [],
        }  # fmt: skip
        self.previous_id = self.update_id
        return _in_stream("depth@0ms", difference)

    def _forget(self, changed: dict[int, dict[int, int]]) -> None:
        for side in (BUY, SELL):
            changed[side].update(dict.fromkeys(self.levels[side], 0))
            self.levels[side].clear()

    def _put(self, side: int, ticks: int, lots: int) -> None:
        if lots:
            self.levels[side][ticks] = lots
        else:
            self.levels[side].pop(ticks, None)

    def _trade(self, event: np.void, ms: int) -> dict[str, Any]:
        self.trade_id += 1
        price, lots = _TICK * int(event["price_ticks"]), round(float(event["quantity"]) / float(_LOT))
        return _in_stream("trade", {
            "e": "trade", "E": ms, "T": ms, "s": _SYMBOL, "t": self.trade_id, "p": f"{price}",
            "q": f"{_LOT * lots}", "X": "MARKET", "m": bool(event["aggressor"] < 0),
        })  # fmt: skip

    def _best(self, ms: int) -> dict[str, Any]:
        bid, ask = max(self.levels[BUY]), min(self.levels[SELL])
        return _in_stream("bookTicker", {
            "e": "bookTicker", "u": self.update_id, "s": _SYMBOL, "b": f"{_TICK * bid}",
            "B": f"{_LOT * self.levels[BUY][bid]}", "a": f"{_TICK * ask}", "A": f"{_LOT * self.levels[SELL][ask]}",
            "T": ms, "E": ms,
        })  # fmt: skip


def sample_lines(settings: SampleSettings = SampleSettings()) -> Iterator[str]:
    """The lines of the recording: ``<local receive time, ns> <JSON>``, without line ends."""
    scribe = _Scribe(settings)
    steps = settings.seconds * 1_000_000_000 // _STEP_NS
    fault_at = {(k + 1) * steps // (len(settings.faults) + 1): name for k, name in enumerate(settings.faults)}
    snapshot_at = {min(_SNAPSHOT_AFTER, steps - 1)}
    late: list[str] = []
    for step in range(steps):
        ts_ns = _START_NS + step * _STEP_NS
        events = scribe.market.opening(ts_ns) if step == 0 else scribe.market.step(ts_ns)
        messages = scribe.messages(events, ts_ns)
        local_ns = ts_ns + _DELAY_NS + int(scribe.jitter.exponential(400_000))
        lines = [f"{local_ns + k * 1_000} {json.dumps(message)}" for k, message in enumerate(messages)]
        fault = fault_at.get(step)
        lines, late = [*lines, *late], []
        if fault is not None:
            lines, late = _with_fault(fault, lines, scribe, ts_ns)
            if fault != "duplicate":
                snapshot_at.add(step + _RESYNC_STEPS)
        yield from lines
        if step in snapshot_at:
            yield f"{local_ns + 900_000} {json.dumps(scribe.snapshot(ts_ns))}"


def _with_fault(fault: str, lines: list[str], scribe: _Scribe, ts_ns: int) -> tuple[list[str], list[str]]:
    """The lines of a step with the fault in them, and those that come only after the next step."""
    if fault == "crossed":
        stamp = lines[-1].partition(" ")[0] if lines else str(ts_ns + _DELAY_NS)
        return [*lines, f"{stamp} {json.dumps(scribe.crossed(ts_ns))}"], []
    if fault == "garbage":
        return ([*lines[:-1], lines[-1][: len(lines[-1]) // 2]] if lines else ["{"]), []
    at = next((k for k, line in enumerate(lines) if "depthUpdate" in line), None)
    if at is None:
        return lines, []
    if fault == "duplicate":
        return [*lines, lines[at]], []
    without = lines[:at] + lines[at + 1 :]
    return without, [lines[at]] if fault == "reorder" else []


def _in_stream(name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"stream": f"{_SYMBOL.lower()}@{name}", "data": data}


def _rows(levels: dict[int, int], side: int) -> list[list[str]]:
    ordered = sorted(levels, reverse=side == BUY)
    return [[f"{_TICK * ticks}", f"{_LOT * levels[ticks]}"] for ticks in ordered]
