"""The result of a run, ready to be printed, saved, put into JSON, or shown in a notebook."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bot4.domain.errors import StorageError
from bot4.research.measures import MEASURES
from bot4.research.report import formats, render_report, render_summary
from bot4.research.run import TRADE, Run

__all__ = ["TRADE", "RunResult"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RunResult(Run):
    """A :class:`~bot4.research.run.Run` (see there for the fields) that can be shown."""

    def to_json(self) -> dict[str, Any]:
        """The figures of the run as JSON's own types; None where undefined, never NaN."""
        written = {
            "strategies": list(self.strategies),
            "symbols": list(self.symbols),
            "is_synthetic": bool(self.is_synthetic),
            "quote_asset": self.quote_asset,
            "start_ns": int(self.start_ns),
            "end_ns": int(self.end_ns),
            "bars": int(self.bars),
            "events": int(self.events),
            "decisions": int(self.decisions),
            "clamped": int(self.clamped),
            "orders": int(self.orders),
            "fills": int(self.fills),
            "initial_equity": _number(self.initial_equity),
            "final_equity": _number(self.final_equity),
            "fees": _number(self.fees),
            "slippage": _number(self.slippage),
            "funding": _number(self.funding),
            "digest": self.digest,
            "elapsed_s": _number(self.elapsed_s),
            "events_per_s": _number(self.events_per_s),
            "refusals": {reason: int(count) for reason, count in self.refusals.items()},
            "clamp_binding": {clamp: int(count) for clamp, count in self.clamp_binding.items()},
            "notes": list(self.notes),
        }
        written |= {key: _number(value) for key, value in self.statistics().items()}
        written["buy_and_hold"] = {key: _number(value) for key, value in self.buy_and_hold_statistics().items()}
        return written

    def trades_frame(self) -> pl.DataFrame:
        """Closed trades as a Polars frame, with names in place of positions and times as UTC datetimes."""
        trades = self.trades
        columns: dict[str, Any] = {name: trades[name] for name in TRADE.names or ()}
        columns["symbol"] = [self.symbols[index] for index in trades["symbol"]]
        columns["strategy"] = [self.strategies[index] for index in trades["strategy"]]
        columns["exit_reason"] = [self.exit_reasons[index] for index in trades["exit_reason"]]
        texts = dict.fromkeys(("symbol", "strategy", "exit_reason"), pl.String)
        return (
            pl.DataFrame(columns, schema_overrides=texts)
            .with_columns(
                pl.from_epoch("entry_ts_ns", time_unit="ns").dt.replace_time_zone("UTC").alias("entry_ts_ns"),
                pl.from_epoch("exit_ts_ns", time_unit="ns").dt.replace_time_zone("UTC").alias("exit_ts_ns"),
            )
            .rename({"entry_ts_ns": "entry_ts", "exit_ts_ns": "exit_ts"})
        )

    def save_report(self, path: str | Path) -> Path:
        """Write the HTML report to ``path``, whole or not at all, and return the path.

        Raises:
            StorageError: the folder is missing or cannot be written, or the disk is full.

        """
        target = Path(path)
        document = render_report(self).encode("utf-8")
        try:
            _write_whole(target, document)
        except OSError as error:
            raise StorageError(
                f"cannot write the report ({error.strerror or error})",
                where=str(target),
                remedy="check that the folder exists, may be written and has space",
            ) from error
        return target

    def __str__(self) -> str:
        """The summary as a table, beside buy-and-hold."""
        statistics, held = self.statistics(), self.buy_and_hold_statistics()
        data = "synthetic data, not a real market" if self.is_synthetic else "recorded data"
        lines = [
            f"{', '.join(self.strategies)} on {', '.join(self.symbols)}  ({data})",
            f"{formats.timestamp(self.start_ns)} to {formats.timestamp(self.end_ns)} UTC, {self.bars:,} bars",
            f"{'':<24}{'strategy':>18}{'buy and hold':>18}",
            _row("Final equity", formats.number(self.final_equity), self._held_equity()),
        ]
        for measure in MEASURES:
            if measure.key in _SUMMARY:
                beside = formats.measure(measure, held[measure.key]) if measure.key in held else ""
                lines.append(_row(measure.title, formats.measure(measure, statistics[measure.key]), beside))
        lines.append(_row(f"Fees, {self.quote_asset}", formats.number(self.fees), ""))
        lines.append(f"digest {self.digest}")
        return "\n".join(lines + [f"note: {note}" for note in self.notes]).replace("\u2212", "-").replace("–", "-")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return render_summary(self)

    def _held_equity(self) -> str:
        return formats.number(float(self.buy_and_hold_curve()[1][-1]))


_SUMMARY = frozenset(
    {
        "total_return",
        "cagr",
        "sharpe",
        "probabilistic_sharpe",
        "sortino",
        "calmar",
        "max_drawdown",
        "var_95",
        "trades",
        "win_rate",
        "profit_factor",
        "expectancy_quote",
        "mean_exposure",
    }
)


def _row(title: str, value: str, beside: str) -> str:
    return f"{title:<24}{value:>18}{beside:>18}".rstrip()


def _number(value: float | int | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return float(value) if math.isfinite(value) else None


def _write_whole(target: Path, content: bytes) -> None:
    """Write beside the target, then take its place, so that no reader sees half a file."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
